//! The edits that give an image a user of its own, and what it writes.

use plimsoll_model::base::{self, Family};
use plimsoll_model::container::MountKind;
use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{Base, EffectKind, Image};
use plimsoll_model::mend::{self, dockerfile};
use plimsoll_model::user::{self, Who};
use plimsoll_source::Edit;
use plimsoll_syntax::dockerfile::Keyword;

use crate::startup::{self, Start};
use crate::{Cx, ServiceSubject, Subject, hostpath, mending, ownership, program};

/// The user created and switched to before the command, and given what is known to be written.
/// `None` where a server or a base of its own switches users itself, or needs root to start.
pub(crate) fn switch(cx: &Cx<'_>, service: ServiceSubject<'_>, image: &Image) -> Option<Vec<Edit>> {
    const LANGUAGES: [&str; 14] = [
        "node",
        "python",
        "golang",
        "ruby",
        "rust",
        "bun",
        "deno",
        "eclipse-temurin",
        "openjdk",
        "amazoncorretto",
        "alpine",
        "debian",
        "ubuntu",
        "aspnet",
    ];
    let tree = &cx.delivery.tree;
    let (target, stage) = image.target.zip(image.final_stage())?;
    let runs_as = user::runs_as(image, target)?;
    let name = startup::base_name(image);
    let starts = startup::starts(cx, Subject::Service(service.id));
    let serves = |start: &Start<'_>| {
        let app = start.startup().map(|startup| &*startup.app).unwrap_or_default();
        startup::program(app).is_some_and(|(name, _)| startup::is_known_server(name))
    };
    let mut own = starts.iter().filter(|start| std::ptr::eq(start.image, image));
    if !LANGUAGES.contains(&name)
        || own.any(serves)
        || switches(cx, image, target)
        || mending::is_for_developers(stage)
        || commands_its_host(cx, service)
        || writes_to_host(cx, service)
        || is_base(cx, image)
    {
        return None;
    }
    // Below 1024 some platforms ask for root.
    let low =
        |port: &str| port.split('/').next().is_some_and(|p| p.parse().is_ok_and(|p: u16| p < 1024));
    if stage.config.expose.iter().any(|(port, _)| port.known().is_some_and(|port| low(port))) {
        return None;
    }
    if runs_as.who == Who::Nowhere {
        // The user that is meant, made right before it is named.
        let name = &runs_as.name;
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let at = image.syntax.instructions.iter().find(|one| one.span == runs_as.at)?;
        let (run, _) = create(image, name).filter(|_| plain)?;
        return Some(vec![dockerfile::insert_before(tree, image, at, &[&format!("RUN {run}")])?]);
    }
    if runs_as.who != Who::Root || runs_as.variable {
        return None;
    }
    let written = written(service, image, target);
    let (mut lines, numbers) = match name {
        // The base has a user for it, in a group of its own.
        "node" | "bun" => (Vec::new(), "1000:1000"),
        _ => {
            let (run, numbers) = create(image, "app")?;
            (vec![run], numbers)
        }
    };
    if !written.is_empty() {
        let paths = written.join(" ");
        lines.push(format!("mkdir -p {paths}"));
        lines.push(format!("chown -R {numbers} {paths}"));
    }
    let user = format!("USER {numbers}");
    let run = (!lines.is_empty()).then(|| format!("RUN {}", lines.join(" \\\n    && ")));
    let lines: Vec<&str> =
        run.iter().flat_map(|run| run.lines()).chain(std::iter::once(&*user)).collect();
    // A USER that says root is the one to change.
    let says = image
        .syntax
        .instructions
        .iter()
        .find(|one| one.span == runs_as.at && one.keyword == Keyword::User && lines.len() == 1);
    match says.and_then(|one| one.words.first()) {
        Some(word) => Some(vec![mend::replace(word.span, numbers)]),
        None => Some(vec![dockerfile::settle(tree, image, stage, &lines)?]),
    }
}

/// Whether a container of the service is given the engine's socket, which is root's.
fn commands_its_host(cx: &Cx<'_>, service: ServiceSubject<'_>) -> bool {
    let mut mounts = service.containers.iter().flat_map(|&id| &cx.delivery[id].mounts);
    mounts.any(|mount| hostpath::control_socket(&mount.source).is_some())
}

/// Whether a container of the service writes to a directory of the host, whose owner nothing here says.
fn writes_to_host(cx: &Cx<'_>, service: ServiceSubject<'_>) -> bool {
    let mut mounts = service.containers.iter().flat_map(|&id| &cx.delivery[id].mounts);
    // What the repository holds is read.
    let held =
        |path: &String| cx.delivery.tree.is_dir(path) || cx.delivery.tree.find(path).is_some();
    mounts.any(|mount| {
        mount.kind == MountKind::Bind
            && !mount.read_only
            && !mount.tree_path.as_ref().is_some_and(held)
    })
}

/// Whether other Dockerfiles start from the image: what they run would no longer run as root.
pub(crate) fn is_base(cx: &Cx<'_>, image: &Image) -> bool {
    let mut stages = cx.delivery.images.iter().flat_map(|other| &other.stages);
    stages.any(|stage| stage.ours.as_ref().is_some_and(|ours| ours.path == image.path))
}

/// Whether something in the image starts as root to switch users itself: a tool made for that, or an
/// account that the Dockerfile creates and does not name.
fn switches(cx: &Cx<'_>, image: &Image, target: usize) -> bool {
    const TOOLS: [&str; 6] = ["su-exec", "gosu", "setpriv", "runuser", "s6-setuidgid", "chroot"];
    let brings = image.effects(target).into_iter().any(|(_, effect)| match &effect.kind {
        EffectKind::AddUser { .. } => true,
        EffectKind::Install(install) => install
            .packages
            .iter()
            .any(|package| TOOLS.iter().any(|tool| package.starts_with(tool))),
        _ => false,
    });
    let starts = image.final_stage().and_then(|stage| stage.config.entrypoint.as_ref());
    let script = starts.and_then(|exec| exec.words.first()).map(|(word, _)| &**word);
    let script = script.and_then(|word| {
        let path = match word.starts_with('/') {
            true => word.to_owned(),
            false => return None,
        };
        match Filesystem::new(cx.delivery, image).find(target, &path) {
            Found::File { file, .. } => cx.delivery.tree.read(file).ok(),
            _ => None,
        }
    });
    let words = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        let is_word = |c: char| !c.is_alphanumeric() && c != '-';
        text.split(is_word).any(|word| TOOLS.contains(&word) || word == "su" || word == "chown")
    };
    brings || script.is_some_and(|text| words(&text))
}

/// The command that creates a user in a group of its own, and their numbers.
fn create(image: &Image, name: &str) -> Option<(String, &'static str)> {
    let base = match image.target.and_then(|t| image.origin(t)).map(|stage| &stage.base) {
        Some(Base::External(reference)) => base::family(reference),
        _ => return None,
    };
    let run = match base {
        Family::Alpine | Family::Busybox => {
            format!("addgroup -g 1001 -S {name} && adduser -S -u 1001 -G {name} {name}")
        }
        Family::Debian | Family::Rhel => {
            format!("groupadd -g 1001 {name} && useradd -r -u 1001 -g {name} {name}")
        }
        Family::Distroless | Family::Unknown => return None,
    };
    Some((run, "1001:1001"))
}

/// Directories that are known to be written: made to be, or written by the program. Those that every
/// user may write are left out.
fn written(service: ServiceSubject<'_>, image: &Image, target: usize) -> Vec<String> {
    let workdir = image.final_stage().and_then(|stage| stage.config.workdir.as_deref());
    let made = image.effects(target).into_iter().flat_map(|(_, effect)| match &effect.kind {
        EffectKind::MakeDir(dirs) => dirs.clone(),
        _ => Vec::new(),
    });
    let made = made.filter(|dir| ownership::is_for_writing(dir));
    let code = program::code(service).ok();
    let paths = code.into_iter().flat_map(|code| &code.writes);
    let dirs = paths.filter_map(|write| {
        let path = write.path.known()?;
        let path = match path.starts_with('/') {
            true => path.clone(),
            false => format!("{}/{path}", workdir?.trim_end_matches('/')),
        };
        let path = plimsoll_source::normalize_path(path.trim_start_matches('/'))?;
        let (dir, last) = path.rsplit_once('/')?;
        // What has a name with a point is a file; another may be a directory.
        Some(if last.contains('.') { format!("/{dir}") } else { format!("/{path}") })
    });
    let own = |dir: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        let open = ["/tmp", "/var/tmp", "/dev", "/proc"];
        dir.chars().all(plain)
            && dir.matches('/').count() > 1
            && !open.iter().any(|o| dir == o || dir.starts_with(&format!("{o}/")))
    };
    let all: std::collections::BTreeSet<String> = made.chain(dirs).filter(own).collect();
    all.into_iter().collect()
}
