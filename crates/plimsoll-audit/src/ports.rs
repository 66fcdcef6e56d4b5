//! Ports: those that a command line names, those that descriptors send traffic to, and those that a
//! service has no business with.

use plimsoll_model::container::{Container, Port};
use plimsoll_source::Span;

use crate::startup;

/// Ports of protocols that a service of this repository does not speak, with words of the images
/// and programs that do.
pub(crate) const FOREIGN: [(u16, &str, &[&str]); 12] = [
    (22, "a shell's", &["ssh", "git", "gitea", "gitlab"]),
    (23, "a shell's", &["telnet"]),
    (2345, "a debugger's", &["dlv", "delve"]),
    (5678, "a debugger's", &["debugpy", "n8n"]),
    (9229, "a debugger's", &["inspect"]),
    (1433, "a database's", &["sql"]),
    (3306, "a database's", &["mysql", "maria", "percona", "proxysql"]),
    (5432, "a database's", &["postgres", "pg", "timescale", "cockroach"]),
    (6379, "a cache's", &["redis", "valkey", "keydb", "dragonfly"]),
    (11211, "a cache's", &["memcache"]),
    (27017, "a database's", &["mongo", "ferretdb"]),
    (5672, "a queue's", &["rabbit", "amqp", "lavinmq"]),
];

/// `3000`, `3000/tcp`; no range.
pub(crate) fn number(port: &str) -> Option<u16> {
    port.split('/').next()?.trim().parse().ok()
}

/// The ports of a container that traffic is sent to.
pub(crate) fn targets(container: &Container) -> Vec<(u16, Span)> {
    container.ports.iter().filter_map(|p| Some((number(&p.container)?, p.span))).collect()
}

/// The ports that a command line names, for programs whose options are known.
pub(crate) fn listens(app: &[(String, Span)]) -> Vec<(u16, Span)> {
    const SERVERS: [(&str, &[&str]); 14] = [
        ("uvicorn", &["--port"]),
        ("gunicorn", &["-b", "--bind"]),
        ("hypercorn", &["-b", "--bind"]),
        ("granian", &["--port"]),
        ("daphne", &["-p", "--port"]),
        ("waitress-serve", &["--port"]),
        ("flask", &["-p", "--port"]),
        ("fastapi", &["--port"]),
        ("streamlit", &["--server.port"]),
        ("http-server", &["-p", "--port"]),
        ("serve", &["-l", "--listen", "-p"]),
        ("next", &["-p", "--port"]),
        ("rails", &["-p", "--port"]),
        ("puma", &["-p", "--port"]),
    ];
    let Some((program, words)) = startup::program(app) else { return Vec::new() };
    let Some((_, options)) = SERVERS.iter().find(|(name, _)| *name == program) else {
        return Vec::new();
    };
    let last = |text: &str| text.rsplit(':').next().and_then(|port| port.parse().ok());
    let mut found = Vec::new();
    for (index, (word, at)) in words.iter().enumerate() {
        let value = options.iter().find_map(|option| match word.strip_prefix(option)? {
            "" => words.get(index + 1).map(|(next, _)| next.as_str()),
            glued if option.starts_with("--") => glued.strip_prefix('='),
            glued => Some(glued),
        });
        found.extend(value.and_then(last).map(|port| (port, *at)));
    }
    found
}

/// From where a published port is reached.
pub(crate) enum Reach {
    /// From whoever reaches any address of the host.
    Every,
    /// From whoever reaches one of them.
    One,
    /// From the host itself.
    Host,
    /// A variable says.
    Unknown,
}

/// From where a published port is reached.
pub(crate) fn reach(port: &Port) -> Reach {
    let host = port.host.as_deref().unwrap_or_default();
    // A variable may hold an address, too, unless its name says that it is a port.
    let is_open = |text: &str| text.contains('$') && !text.to_ascii_uppercase().contains("PORT");
    match port.address.as_deref().map(|address| address.trim_matches(['[', ']'])) {
        None if is_open(host) || host.is_empty() && port.container.contains('$') => Reach::Unknown,
        None | Some("" | "0.0.0.0" | "::" | "*" | "0") => Reach::Every,
        Some(address) if address.contains('$') => Reach::Unknown,
        Some("::1" | "localhost") => Reach::Host,
        Some(address) if address.starts_with("127.") => Reach::Host,
        Some(_) => Reach::One,
    }
}

/// The first and the last port of `80`, `80/tcp` or `80-90`.
pub(crate) fn range(ports: &str) -> Option<(u16, u16)> {
    let ports = ports.split('/').next().unwrap_or(ports);
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

/// Whether a port is where browsers knock: 80 or 443 of the host.
pub(crate) fn is_door(port: &Port) -> bool {
    port.host.as_deref().is_some_and(|host| matches!(number(host), Some(80 | 443)))
}
