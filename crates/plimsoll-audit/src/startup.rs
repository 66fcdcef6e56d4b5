//! The ways in which a service starts: each of its images in each of its production containers.

use plimsoll_model::Why;
use plimsoll_model::container::{Container, Mount, MountKind};
use plimsoll_model::entrypoint::Startup;
use plimsoll_model::image::{Base, Image};
use plimsoll_model::package::Package;
use plimsoll_source::Span;

use crate::driver::join;
use crate::{Cx, Evidence, ServiceSubject, Subject, Verdict};

/// An image, and the container that runs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    pub(crate) image: &'a Image,
    /// `None` where nothing deploys the image.
    pub(crate) container: Option<&'a Container>,
    startup: Option<&'a Startup>,
}

impl<'a> Start<'a> {
    /// What is started, phase by phase; `None` where nothing is.
    pub(crate) const fn startup(&self) -> Option<&'a Startup> {
        self.startup
    }

    fn member(&self) -> String {
        match self.container {
            Some(container) => container.label.to_string(),
            None => self.image.path.clone(),
        }
    }
}

/// Every way in which a service starts in production.
pub(crate) fn starts<'a>(cx: &Cx<'a>, subject: Subject) -> Vec<Start<'a>> {
    let Subject::Service(id) = subject else { return Vec::new() };
    let service = &cx.delivery[id];
    let mut starts = Vec::new();
    for &image_id in &service.images {
        let image = &cx.delivery[image_id];
        let before = starts.len();
        for &id in &service.containers {
            let container = &cx.delivery[id];
            if container.image_id == Some(image_id) {
                let startup = cx.delivery.startup(image_id, Some(id));
                starts.push(Start { image, container: Some(container), startup });
            }
        }
        if starts.len() == before {
            let startup = cx.delivery.startup(image_id, None);
            starts.push(Start { image, container: None, startup });
        }
    }
    starts
}

/// Those that are no batch jobs.
pub(crate) fn servers<'a>(cx: &Cx<'a>, subject: Subject) -> Vec<Start<'a>> {
    let mut starts = starts(cx, subject);
    starts.retain(|start| start.container.is_none_or(|container| !container.job));
    starts
}

/// The worst verdict over some ways to start.
pub(crate) fn judge(
    service: ServiceSubject<'_>,
    starts: &[Start<'_>],
    ask: impl Fn(&Start<'_>) -> Verdict,
) -> Verdict {
    let verdicts = starts.iter().map(|start| (start.member(), ask(start))).collect();
    join(verdicts, "starts nothing", service.place)
}

/// The answer about a Dockerfile with errors.
pub(crate) fn unparsed(cx: &Cx<'_>, image: &Image) -> Verdict {
    let stage = image.final_stage();
    // What a base that nothing is known about starts and sets is not broken, only not known.
    if let Some(stage) = stage.filter(|stage| !image.broken && stage.config.base_unknown) {
        let message = "it depends on what the base image sets, which a registry would have to say";
        let evidence = Evidence::context(stage.base_span, "not in the table of known bases");
        return Verdict::unknown(Why::NeedsNetwork, message, evidence);
    }
    let evidence =
        Evidence::context(cx.start_of(image.file), "some of its instructions may not be read");
    Verdict::unknown(Why::Unparsed, "the Dockerfile does not parse", evidence)
}

/// The answer «nothing sets it», where what is not read may: a chart, or what lies above the root.
pub(crate) fn unless_elsewhere(cx: &Cx<'_>, service: ServiceSubject<'_>, none: Verdict) -> Verdict {
    if let Some(&file) = service.unread.first() {
        let place = Evidence::context(cx.start_of(file), "may deploy it, and is not read");
        let message = "no descriptor that is read sets it, and one that is not may";
        return Verdict::unknown(Why::Unsupported, message, place).and_all(none.evidence);
    }
    let mut containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    if let Some((why, at)) = containers.find_map(|container| container.open) {
        let message = "nothing that is read sets it, and what extends the container may";
        let evidence = Evidence::context(at, why.decide());
        return Verdict::unknown(why, message, evidence).and_all(none.evidence);
    }
    if cx.delivery.tree.outside().is_some() {
        let place = Evidence::context(service.place, Why::OutOfTree.decide());
        let message = "nothing here sets it, and what lies above the audited directory may";
        return Verdict::unknown(Why::OutOfTree, message, place).and_all(none.evidence);
    }
    none
}

/// Whether an image starts from nothing.
pub(crate) fn is_scratch(image: &Image) -> bool {
    let root = image.target.and_then(|target| image.origin(target));
    root.is_some_and(|stage| stage.base == Base::Scratch)
}

/// The last part of the repository that an image comes from in the end: `nginx`.
pub(crate) fn base_name(image: &Image) -> &str {
    match image.target.and_then(|t| image.origin(t)).map(|stage| &stage.base) {
        Some(Base::External(reference)) => reference.name(),
        _ => "",
    }
}

/// The program of an application's words, behind interpreters and tools that start others: its
/// name and the words after it.
pub(crate) fn program<'w, T>(app: &'w [(String, T)]) -> Option<(&'w str, &'w [(String, T)])> {
    const STARTERS: [&str; 14] = [
        "poetry",
        "uv",
        "pipenv",
        "pdm",
        "npx",
        "bunx",
        "run",
        "exec",
        "python",
        "python3",
        "-m",
        "opentelemetry-instrument",
        "ddtrace-run",
        "bundle",
    ];
    let name = |word: &'w str| word.rsplit('/').next().unwrap_or(word);
    let at = app.iter().position(|(word, _)| !STARTERS.contains(&name(word)))?;
    let (word, _) = app.get(at)?;
    Some((name(word), app.get(at + 1..).unwrap_or_default()))
}

/// Servers whose own behaviour is known: they end with an error where they cannot start, and on
/// SIGTERM.
pub(crate) fn is_known_server(program: &str) -> bool {
    const SERVERS: [&str; 20] = [
        "nginx",
        "caddy",
        "httpd",
        "httpd-foreground",
        "apache2",
        "apache2-foreground",
        "haproxy",
        "envoy",
        "traefik",
        "gunicorn",
        "uvicorn",
        "hypercorn",
        "php-fpm",
        "postgres",
        "redis-server",
        "memcached",
        "rabbitmq-server",
        "mongod",
        "mysqld",
        "prometheus",
    ];
    SERVERS.contains(&program)
}

/// Whether a mount brings a file or directory of the host that configures or authenticates: by the
/// names on either side. Sockets, data and source code are none of it.
pub(crate) fn is_configuration(mount: &Mount) -> bool {
    const WORDS: [&str; 30] = [
        "config",
        "configs",
        "configuration",
        "conf",
        "cfg",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "cert",
        "certs",
        "certificate",
        "certificates",
        "tls",
        "ssl",
        "pki",
        "key",
        "keys",
        "keystore",
        "truststore",
        "password",
        "passwords",
        "passwd",
        "token",
        "tokens",
        "wallet",
        "kubeconfig",
        "vault",
        "htpasswd",
        "settings",
    ];
    const HIDDEN: [&str; 6] = [".ssh", ".aws", ".kube", ".gnupg", ".docker", ".env"];
    const ENDS: [&str; 18] = [
        ".conf",
        ".cfg",
        ".cnf",
        ".ini",
        ".toml",
        ".yml",
        ".yaml",
        ".json",
        ".xml",
        ".properties",
        ".env",
        ".pem",
        ".key",
        ".crt",
        ".cer",
        ".p12",
        ".jks",
        ".pfx",
    ];
    let says = |path: &str| {
        let path = path.trim_end_matches('/').to_ascii_lowercase();
        let name = path.rsplit('/').next().unwrap_or(&path);
        let in_name = |part: &str| {
            HIDDEN.contains(&part) || part.split(['-', '_', '.']).any(|w| WORDS.contains(&w))
        };
        path.split('/').any(in_name) || ENDS.iter().any(|end| name.ends_with(end))
    };
    let is_socket = |path: &str| path.ends_with(".sock");
    // Of the repository's own files, the path in it says what they are, not where it was checked out.
    let source = mount.tree_path.as_deref().unwrap_or(&mount.source);
    let code = mount.tree_path.as_deref() == Some("");
    mount.kind == MountKind::Bind
        && !code
        && !is_socket(&mount.source)
        && !is_socket(&mount.target)
        && (says(source) || says(&mount.target) || mount.target.starts_with("/etc/"))
}

/// Dockerfile lines that create a user with fixed numbers, in the words of the base's tools, and
/// switch to it.
pub(crate) fn create_user(image: &Image) -> String {
    use plimsoll_model::base::{self, Family};
    let base = match image.target.and_then(|t| image.origin(t)).map(|stage| &stage.base) {
        Some(Base::External(reference)) => Some(reference),
        _ => None,
    };
    let family = base.map_or(Family::Unknown, base::family);
    match family {
        Family::Alpine | Family::Busybox => {
            "RUN addgroup -g 1001 -S app && adduser -S -u 1001 -G app app\nUSER 1001:1001\n"
        }
        Family::Debian | Family::Rhel => {
            "RUN groupadd -g 1001 app && useradd -r -u 1001 -g app app\nUSER 1001:1001\n"
        }
        Family::Distroless => "USER 65532:65532\n",
        Family::Unknown => "USER 1001:1001\n",
    }
    .to_owned()
}

/// The package manager of an image's system, as far as snippets speak it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tools {
    Apk,
    Apt,
    Other,
}

/// What installs packages in an image.
pub(crate) fn family(image: &Image) -> Tools {
    use plimsoll_model::base::{self, Family};
    match image.target.and_then(|t| image.origin(t)).map(|stage| &stage.base) {
        Some(Base::External(reference)) => match base::family(reference) {
            Family::Alpine => Tools::Apk,
            Family::Debian => Tools::Apt,
            _ => Tools::Other,
        },
        _ => Tools::Other,
    }
}

/// Whether what is started runs on Node or one of its kin, by the command, then by the base;
/// `None` where neither tells.
pub(crate) fn runs_node(start: &Start<'_>, package: Option<&Package>) -> Option<bool> {
    const NODE: [&str; 23] = [
        "node",
        "nodejs",
        "npm",
        "npx",
        "yarn",
        "pnpm",
        "bun",
        "bunx",
        "deno",
        "next",
        "nuxt",
        "nest",
        "tsx",
        "ts-node",
        "nodemon",
        "pm2",
        "pm2-runtime",
        "remix-serve",
        "strapi",
        "medusa",
        "react-router-serve",
        "cross-env",
        "directus",
    ];
    let app = start.startup().map(|startup| &*startup.app).unwrap_or_default();
    if let Some((word, _)) = app.first() {
        let line: Vec<&str> = word.split_whitespace().collect();
        let program = line.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        let script = [".js", ".mjs", ".cjs", ".ts"].iter().any(|end| program.ends_with(end));
        if NODE.contains(&program) || script {
            return Some(true);
        }
        if is_known_server(program) || matches!(program, "python" | "python3" | "java" | "ruby") {
            return Some(false);
        }
    }
    let name = base_name(start.image);
    if name.contains("node") || matches!(name, "bun" | "deno") {
        return Some(true);
    }
    // What known images and other languages' start is no Node program.
    let root = start.image.target.and_then(|target| start.image.origin(target))?;
    match &root.base {
        Base::Scratch => Some(false),
        Base::External(reference) if plimsoll_model::base::known(reference).is_some() => {
            Some(false)
        }
        _ if package.is_none_or(|package| !package.is_node()) => Some(false),
        _ => None,
    }
}

/// Where nodemon starts the program, which it ends by SIGINT when it is stopped itself.
pub(crate) fn restarter(start: &Start<'_>) -> Option<Span> {
    let app = &start.startup()?.app;
    let is_runner = |word: &str| matches!(word, "npx" | "pnpm" | "yarn" | "exec");
    let (program, at) = app.iter().find(|(word, _)| !is_runner(word))?;
    (program.rsplit('/').next() == Some("nodemon")).then_some(*at)
}
