//! The program behind a service, or why it cannot be asked.

use plimsoll_model::code::{Code, EnvironmentRead, Hides, Opened, Resource};
use plimsoll_model::container::Container;
use plimsoll_model::secret::is_secret_name;
use plimsoll_model::{Fact, Why};
use plimsoll_source::Span;

use crate::driver::join;
use crate::startup::{self, Start};
use crate::{Cx, Evidence, ServiceSubject, Subject, Verdict};

/// The service's program, where it is read from its entry.
///
/// # Errors
/// Why it is not read, and where that is seen.
pub(crate) fn code<'a>(service: ServiceSubject<'a>) -> Result<&'a Code, (Why, Span)> {
    let Some(code) = &service.service.code else { return Err((Why::Unsupported, service.place)) };
    match code.entry.unknown() {
        Some((why, at)) => Err((why, at.unwrap_or(service.place))),
        None if code.entry.is_absent() => Err((Why::NeedsRun, service.place)),
        None => Ok(code),
    }
}

/// The program that one of the service's containers starts.
///
/// # Errors
/// Why it is not read, and where that is seen.
pub(crate) fn code_in<'a>(
    cx: &Cx<'a>,
    service: ServiceSubject<'a>,
    container: Option<&Container>,
) -> Result<&'a Code, (Why, Span)> {
    let by = &service.service.programs_by;
    let own =
        container.and_then(|one| by.iter().find(|(id, _)| std::ptr::eq(&cx.delivery[**id], one)));
    let Some((&id, code)) = own else { return code(service) };
    let place = cx.delivery[id].span;
    let Some(code) = code else { return Err((Why::Unsupported, place)) };
    match code.entry.unknown() {
        Some((why, at)) => Err((why, at.unwrap_or(place))),
        None if code.entry.is_absent() => Err((Why::NeedsRun, place)),
        None => Ok(code),
    }
}

/// Whether a container starts a program that listens nowhere, beside others of the same service
/// that do: a worker, which nobody asks for its health by HTTP.
pub(crate) fn is_worker(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    container: Option<&Container>,
) -> bool {
    let silent = |code: &Code| code.listens.is_empty() && gap(code).is_none();
    let mut others = service.service.programs_by.values().flatten();
    container.is_some_and(|container| container.ports.is_empty())
        && others.any(|code| !code.listens.is_empty())
        && code_in(cx, service, container).is_ok_and(silent)
}

/// The first place behind which anything may lie.
pub(crate) fn gap(code: &Code) -> Option<(Why, Span)> {
    first_gap(code, &[Hides::Anything, Hides::Deeds, Hides::Calls])
}

/// The first place behind which imports may lie.
pub(crate) fn gap_of_imports(code: &Code) -> Option<(Why, Span)> {
    first_gap(code, &[Hides::Anything, Hides::Deeds, Hides::Imports])
}

/// The first place behind which variables of the environment may be read.
pub(crate) fn gap_of_environment(code: &Code) -> Option<(Why, Span)> {
    first_gap(code, &[Hides::Anything, Hides::Deeds, Hides::Environment])
}

fn first_gap(code: &Code, hides: &[Hides]) -> Option<(Why, Span)> {
    let mut gaps = code.gaps.iter().filter(|gap| hides.contains(&gap.hides));
    gaps.next().map(|gap| (gap.why, gap.at))
}

/// The first place behind which handlers of signals may lie.
pub(crate) fn gap_of_handlers(code: &Code) -> Option<(Why, Span)> {
    gap(code).filter(|_| !code.all_handlers)
}

/// The first place behind which routes may lie.
pub(crate) fn gap_of_routes(code: &Code) -> Option<(Why, Span)> {
    first_gap(code, &[Hides::Anything, Hides::Routes])
}

/// The answer where the program is not read, or not whole.
pub(crate) fn unread((why, at): (Why, Span)) -> Verdict {
    let message = "it depends on the program's source, not all of which is read";
    Verdict::unknown(why, message, Evidence::context(at, "not followed"))
}

/// The worst verdict over the containers that start the service's program.
pub(crate) fn where_deployed(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    ask: impl Fn(&Code, &Start<'_>) -> Verdict,
) -> Verdict {
    let mut servers = startup::servers(cx, Subject::Service(service.id));
    servers.retain(|start| start.container.is_some());
    if let (Err(why), true) = (code(service), service.service.programs_by.is_empty()) {
        return unread(why);
    }
    startup::judge(service, &servers, |start| match code_in(cx, service, start.container) {
        Ok(code) => ask(code, start),
        Err(why) => unread(why),
    })
}

/// Whether what the service starts is a program of others that is only configured: a web server, a
/// store.
pub(crate) fn is_foreign(cx: &Cx<'_>, service: ServiceSubject<'_>) -> bool {
    const SERVERS: [&str; 15] = [
        "nginx",
        "caddy",
        "httpd",
        "httpd-foreground",
        "haproxy",
        "envoy",
        "traefik",
        "postgres",
        "redis-server",
        "memcached",
        "mongod",
        "mysqld",
        "rabbitmq-server",
        "prometheus",
        "pgbouncer",
    ];
    let starts = startup::starts(cx, Subject::Service(service.id));
    let is_server = |start: &startup::Start<'_>| {
        let app = start.startup().map(|startup| &*startup.app).unwrap_or_default();
        startup::program(app).is_some_and(|(name, _)| SERVERS.contains(&name))
    };
    !starts.is_empty() && starts.iter().all(is_server)
}

/// A program that is read, or why it is not, and where that is seen.
type Read<'a> = Result<&'a Code, (Why, Span)>;

/// The programs that the service starts: its own, or those of its containers where they differ, each
/// with the first container that starts it.
fn codes<'a>(cx: &Cx<'a>, service: ServiceSubject<'a>) -> Vec<(Option<&'a Container>, Read<'a>)> {
    let by = &service.service.programs_by;
    if by.is_empty() {
        return vec![(None, code(service))];
    }
    let mut found: Vec<(Option<&Container>, Read<'_>)> = Vec::new();
    for &id in by.keys() {
        let container = Some(&cx.delivery[id]);
        let one = code_in(cx, service, container);
        let same = |(_, other): &(_, Read<'_>)| match (other, &one) {
            (Ok(a), Ok(b)) => a.entry == b.entry && a.modules == b.modules,
            _ => false,
        };
        if !found.iter().any(same) {
            found.push((container, one));
        }
    }
    found
}

/// The worst verdict over the programs that the service starts.
pub(crate) fn each<'a>(
    cx: &Cx<'a>,
    service: ServiceSubject<'a>,
    ask: impl Fn(Read<'a>) -> Verdict,
) -> Verdict {
    let label = |container: Option<&Container>| container.map(|one| one.label.to_string());
    let verdicts = codes(cx, service).into_iter();
    let verdicts = verdicts.map(|(of, code)| (label(of).unwrap_or_default(), ask(code))).collect();
    join(verdicts, "starts nothing", service.place)
}

/// Whether one of the service's programs does something; not known where they are not read whole.
pub(crate) fn some(
    cx: &Cx<'_>,
    subject: Subject,
    does: impl Fn(&Code) -> Option<Span>,
) -> Fact<bool> {
    some_or(cx, subject, gap, does)
}

/// The same, where only some places may hide it.
pub(crate) fn some_or(
    cx: &Cx<'_>,
    subject: Subject,
    gap: impl Fn(&Code) -> Option<(Why, Span)>,
    does: impl Fn(&Code) -> Option<Span>,
) -> Fact<bool> {
    let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
    let service = cx.service(id);
    let codes = codes(cx, service);
    let mut read = codes.iter().filter_map(|(_, code)| code.ok());
    if let Some(at) = read.find_map(does) {
        return Fact::inferred(true, Some(at));
    }
    let doubt = codes.into_iter().find_map(|(_, code)| code.map_or_else(Some, &gap));
    match doubt.filter(|_| !is_foreign(cx, service)) {
        Some((why, at)) => Fact::Unknown(why, Some(at)),
        None => Fact::inferred(false, None),
    }
}

/// Whether it is a connection to a database.
pub(crate) fn is_database(open: &Opened) -> bool {
    matches!(open.kind, Resource::Database | Resource::Mongo)
}

/// Whether it is a connection to a backing service that the start leads through.
pub(crate) fn is_backing(open: &Opened) -> bool {
    let kinds = [Resource::Database, Resource::Mongo, Resource::Cache, Resource::Queue];
    open.at_start && kinds.contains(&open.kind)
}

/// Whether a variable is a secret, the path of one, or one that the program refuses to run without.
pub(crate) fn is_needed(read: &EnvironmentRead) -> bool {
    read.required || is_secret_name(&read.name) || secret_file(&read.name)
}

/// Whether a variable's name says that it is the path of a secret: `WALLET_PATH`.
pub(crate) fn secret_file(name: &str) -> bool {
    let stem = ["_PATH", "_FILE"].iter().find_map(|end| name.strip_suffix(end));
    stem.is_some_and(|stem| is_secret_name(stem) || stem == "WALLET" || stem.ends_with("_WALLET"))
}

/// A package that handles signals by itself, and is not followed.
pub(crate) fn handles_signals(code: &Code) -> Option<(Why, Span)> {
    const WORDS: [&str; 10] = [
        "graceful",
        "shutdown",
        "exit-hook",
        "terminus",
        "lightship",
        "signal-exit",
        "exiting",
        "moleculer",
        "death",
        "hapi-pulse",
    ];
    let mut imports = code.imports.iter();
    // Nest's terminus answers health checks; what stops is Nest itself, where its hooks are enabled.
    let handles = imports.find(|import| {
        import.package != "@nestjs/terminus"
            && WORDS.iter().any(|word| import.package.contains(word))
    })?;
    Some((Why::Unsupported, handles.at))
}

/// A path that the program writes, from the root; devices aside.
pub(crate) fn absolute(workdir: &str, path: &str) -> Option<String> {
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{}/{path}", workdir.trim_end_matches('/')),
    };
    let path = format!("/{}", plimsoll_source::normalize_path(path.trim_start_matches('/'))?);
    let device = ["/dev/", "/proc/"].iter().any(|dir| path.starts_with(dir));
    (!device).then_some(path)
}
