//! Paths of the host that containers see, and what they open.

use plimsoll_model::Why;
use plimsoll_model::container::{Container, Mount, MountKind};

/// What a mount shows of the host.
pub(crate) enum Shown {
    /// A path of the host, as the engine resolves it: `/etc/..` is `/`; a home is `~`.
    Path(String),
    /// It starts with a variable that nothing sets, and nothing of it is written down.
    Unknown(Why),
}

/// The paths of the host that a container's mounts show, with the mounts.
pub(crate) fn shown(container: &Container) -> impl Iterator<Item = (&Mount, Shown)> {
    container.mounts.iter().filter_map(|mount| Some((mount, of(mount)?)))
}

/// `None` for what is no path of the host, and for paths of the project.
fn of(mount: &Mount) -> Option<Shown> {
    let source = match (&mount.device, mount.kind) {
        (Some(device), _) => device,
        (None, MountKind::Bind) => &mount.source,
        _ => return None,
    };
    if mount.tree_path.is_some() {
        return None;
    }
    let source = source.replace('\\', "/");
    let home = ["${HOME}", "$HOME", "~"].iter().find_map(|home| source.strip_prefix(home));
    if let Some(rest) = home {
        // `~someone` is another's home, wherever that is.
        let own = rest.is_empty() || rest.starts_with('/');
        return own.then(|| Shown::Path(joined("~", rest)));
    }
    if let Some(rest) = source.strip_prefix("${") {
        let rest = rest.split_once('}').map_or("", |(_, rest)| rest);
        let written = rest.split('/').any(|part| !part.is_empty() && part != ".");
        if !written {
            return Some(Shown::Unknown(Why::Dynamic));
        }
        // Wherever it lies, its name says what it is.
        return control_socket(rest)
            .filter(|what| rest.ends_with(what))
            .map(|_| Shown::Path(source.clone()));
    }
    source.starts_with('/').then(|| Shown::Path(joined("", &source)))
}

/// A path below a root without its dots: `""` stands for `/`.
fn joined(root: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    match (root, parts.is_empty()) {
        ("", true) => "/".to_owned(),
        (root, true) => root.to_owned(),
        (root, false) => format!("{root}/{}", parts.join("/")),
    }
}

/// Whether a path is a directory or lies below it.
pub(crate) fn is_in(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Names of sockets by which an engine, or the host's service manager, is told what to do.
const SOCKETS: [&str; 8] = [
    "docker.sock",
    "containerd.sock",
    "crio.sock",
    "podman.sock",
    "cri-dockerd.sock",
    "dockershim.sock",
    "buildkitd.sock",
    "docker_engine",
];

/// Directories that hold one of those sockets.
const SOCKET_DIRS: [&str; 13] = [
    "/",
    "/run",
    "/var",
    "/var/run",
    "/run/containerd",
    "/var/run/containerd",
    "/run/crio",
    "/var/run/crio",
    "/run/podman",
    "/var/run/podman",
    "/run/systemd",
    "/var/run/systemd",
    "/run/docker",
];

/// What of a path lets the container command its host: the socket, or a directory that holds one.
pub(crate) fn control_socket(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if let Some(socket) = SOCKETS.iter().find(|socket| **socket == name) {
        return Some(socket);
    }
    if matches!(path, "/run/systemd/private" | "/var/run/systemd/private") {
        return Some("systemd's private socket");
    }
    SOCKET_DIRS.contains(&path).then_some("a directory that holds a control socket")
}

/// Paths from which, when they are written, the host runs what is written.
const ROOT_EQUIVALENT: [&str; 15] = [
    "/etc",
    "/root",
    "/boot",
    "/proc",
    "/sys",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/opt/cni",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/var/spool/cron",
];

/// Whether who writes there has the host; what control sockets open is not asked here.
pub(crate) fn is_root_equivalent(path: &str) -> bool {
    if is_clock(path) {
        return false;
    }
    path == "/var/lib" || ROOT_EQUIVALENT.iter().any(|dir| is_in(path, dir))
}

/// Files that tell the time zone: as good as public.
fn is_clock(path: &str) -> bool {
    matches!(path, "/etc/localtime" | "/etc/timezone") || is_in(path, "/usr/share/zoneinfo")
}

/// Homes and their directories of credentials.
const CREDENTIALS: [&str; 12] = [
    "~/.ssh",
    "~/.aws",
    "~/.kube",
    "~/.azure",
    "~/.gnupg",
    "~/.docker",
    "~/.config/gcloud",
    "~/.config/gh",
    "~/.netrc",
    "~/.npmrc",
    "~/.git-credentials",
    "~/.password-store",
];

/// What a path tells of the host, or lets be changed there.
pub(crate) fn sensitive(path: &str, read_only: bool) -> Option<&'static str> {
    let below = |dirs: &[&str]| dirs.iter().any(|dir| is_in(path, dir));
    if is_clock(path) {
        return (!read_only).then_some("the host's clock settings, writable");
    }
    let home = |path: &str| {
        let rest = path.strip_prefix("/home/").filter(|rest| !rest.is_empty());
        rest.map(|rest| format!("~{}", rest.find('/').map_or("", |at| &rest[at..])))
    };
    let of_user = home(path);
    let credentials = |path: &str| CREDENTIALS.iter().any(|dir| is_in(path, dir));
    if path == "~" || path == "/home" || of_user.as_deref() == Some("~") {
        return Some("a whole home directory");
    }
    if credentials(path) || of_user.is_some_and(|path| credentials(&path)) {
        return Some("a user's credentials");
    }
    if below(&["/etc", "/root", "/boot"]) {
        return Some("the host's configuration");
    }
    if below(&["/proc", "/sys"]) {
        return Some("the host's processes and kernel");
    }
    if below(&["/dev"]) {
        return Some("the host's devices");
    }
    if path == "/var/lib" || below(&["/var/lib/docker", "/var/lib/containerd", "/var/lib/kubelet"])
    {
        return Some("the data of all containers");
    }
    if below(&["/lib/modules", "/var/spool/cron"]) {
        return Some("what the host loads and runs");
    }
    let sockets = is_in(path, "/run") || is_in(path, "/var/run");
    (sockets && !is_in(path, "/run/user") && !is_in(path, "/var/run/user"))
        .then_some("the host's runtime files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_the_engine_takes_them() {
        let check = |path: &str, expected: &str| assert_eq!(joined("", path), expected, "{path}");
        check("/", "/");
        check("//", "/");
        check("/..", "/");
        check("/etc/..", "/");
        check("/etc/./cron.d/", "/etc/cron.d");
        assert_eq!(joined("~", "/.ssh/"), "~/.ssh");
    }

    #[test]
    fn what_a_path_opens() {
        let socket = |path: &str, is: bool| {
            assert_eq!(control_socket(path).is_some(), is, "{path}");
        };
        socket("/opt/x/docker.sock", true);
        socket("/run", true);
        socket("/run/myapp", false);
        socket("//./pipe/docker_engine", true);
        let root = |path: &str, is: bool| assert_eq!(is_root_equivalent(path), is, "{path}");
        root("/etc/cron.d", true);
        root("/etc/localtime", false);
        root("/etcetera", false);
        root("/var/log", false);
        let tells =
            |path: &str, is: bool| assert_eq!(sensitive(path, true).is_some(), is, "{path}");
        tells("/etc", true);
        tells("/etc/localtime", false);
        tells("/home/me/.ssh/id", true);
        tells("/home/me/data", false);
        tells("~/data", false);
        tells("/run/user/1000", false);
        tells("/srv/data", false);
    }
}
