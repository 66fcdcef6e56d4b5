//! Programs in Rust that serve by axum or actix-web: what `main` surely leads to, and literals say.

use std::collections::BTreeSet;

use plimsoll_source::Span;

use super::super::facts::known;
use super::super::{Set, graph::Graph, set};
use super::rust::{self, File, Program};
use super::value::{self, Value};
use super::{actix, axum};
use crate::ContainerId;
use crate::code::{Answers, Code, Guard, Handler, Language, Opened, Resource, Route, StartFailure};
use crate::fact::{Fact, Why};
use crate::filesystem::{Filesystem, Found};
use crate::service::Service;

/// Words of packages that may handle signals themselves.
const SIGNALS: [&str; 16] = [
    "signal",
    "graceful",
    "shutdown",
    "ctrlc",
    "axum_server",
    "rocket",
    "warp",
    "poem",
    "tonic",
    "loco",
    "shuttle",
    "lambda",
    "pingora",
    "salvo",
    "ntex",
    "tide",
];
/// Packages of which nothing is left open at the end, those that begin so with them. Any other may
/// connect to what has to be closed.
const MILD: [&str; 50] = [
    "anyhow",
    "argon2",
    "askama",
    "async_trait",
    "axum",
    "actix_web",
    "actix_cors",
    "actix_files",
    "base64",
    "bcrypt",
    "bytes",
    "chrono",
    "clap",
    "color_eyre",
    "config",
    "dotenv",
    "either",
    "env_logger",
    "eyre",
    "futures",
    "hex",
    "http",
    "humantime",
    "hyper",
    "indexmap",
    "itertools",
    "jsonwebtoken",
    "lazy_static",
    "log",
    "mime",
    "minijinja",
    "num_cpus",
    "once_cell",
    "parking_lot",
    "percent_encoding",
    "rand",
    "regex",
    "reqwest",
    "secrecy",
    "serde",
    "sha2",
    "strum",
    "tera",
    "thiserror",
    "time",
    "tokio",
    "tower",
    "tracing",
    "url",
    "uuid",
];

/// A route as it is registered.
#[derive(Clone)]
pub(super) struct Registered {
    pub(super) method: String,
    pub(super) path: Value,
    pub(super) at: Span,
    /// What may turn requests away before it.
    pub(super) guard: Option<Span>,
    pub(super) answers: Answers,
}

/// What is found of a program.
#[derive(Default)]
pub(super) struct Served {
    pub(super) routes: Vec<Registered>,
    /// Addresses that are listened on; unknown where that is not sure.
    pub(super) listens: Vec<(Value, Span)>,
    /// Where SIGTERM is handled, and the server stopped by it.
    pub(super) stops: Option<Span>,
    /// A failure to listen ends the program with an error.
    pub(super) fails: Option<Span>,
}

/// The program of a service whose image builds one binary of Rust.
pub(super) fn read(
    graph: &Graph<'_>,
    service: &Service,
    only: Option<ContainerId>,
) -> Option<Code> {
    let mut images = service.images.iter();
    let image_id = *images.next().filter(|_| images.next().is_none())?;
    let image = &graph.delivery[image_id];
    let own = |id: &&ContainerId| !graph.delivery[**id].job;
    let container = only.or_else(|| service.containers.iter().find(own).copied());
    let startup = graph.delivery.startups.get(&(image_id, container))?;
    let at = startup.app.first()?.1;
    let (package, file) = rust::started(graph, image, startup)?;
    let texts = rust::texts(graph, package, file);
    let mut program = texts.program(package);
    if !program.depends(&["axum", "actix_web"]) {
        return None;
    }
    if program.depends(&["dotenv"]) {
        let workdir = image.final_stage()?.config.workdir.as_deref().unwrap_or("/");
        let path = format!("{}/.env", workdir.trim_end_matches('/'));
        let none = Filesystem::new(graph.delivery, image).find(image.target?, &path);
        program.dotenv = none != Found::Absent;
    }
    let main = program
        .functions
        .iter()
        .position(|one| one.name == "main" && program.files[one.file].id == file)?;
    let mut code = super::unread(Language::Rust, file, at);
    code.modules = program.files.iter().map(|file| file.id).collect();
    let sure = reached(&program, main);
    let mut served = Served::default();
    for &function in &sure {
        axum::read(&program, function, &mut served);
        actix::read(&program, function, &mut served);
    }
    note(&program, &set(graph.delivery, service, only), at, served, &mut code);
    Some(code)
}

/// The functions that surely run.
fn reached(program: &Program<'_>, main: usize) -> Vec<usize> {
    let mut met = BTreeSet::new();
    let mut todo = vec![main];
    let mut order = Vec::new();
    while let Some(function) = todo.pop().filter(|_| order.len() < 1_000) {
        if !met.insert(function) {
            continue;
        }
        order.push(function);
        let own = &program.functions[function];
        let file = &program.files[own.file];
        for at in own.body.0..own.body.1 {
            let call = file.tokens.name(at).is_some() && file.tokens.word(at + 1) == "(";
            let method = file.tokens.word(at.wrapping_sub(1)) == ".";
            if call && !method && file.is_sure(own.body, at) {
                todo.extend(program.named(own.file, at));
            }
        }
    }
    order
}

/// Whether a handler is of its own and takes nothing of a request that could be missing; what it
/// answers.
pub(super) fn handler(
    program: &Program<'_>,
    file: usize,
    range: (usize, usize),
    at: Span,
) -> (Option<Span>, Answers) {
    let (from, end) = range;
    let tokens = &program.files[file].tokens;
    if tokens.word(from) == "||" {
        // `|| async { "ok" }`
        let open = from + if tokens.word(from + 1) == "async" { 2 } else { 1 };
        let braced = tokens.word(open) == "{" && tokens.close(open) == Some(end - 1);
        let body = if braced { (open, end - 1) } else { (open - 1, end) };
        return (None, answers(program, file, body, at));
    }
    match program.named(file, end - 1) {
        Some(function) => function_handles(program, function, at),
        None => (Some(at), Answers::Unknown(Why::Unsupported)),
    }
}

/// The same of a function.
pub(super) fn function_handles(
    program: &Program<'_>,
    function: usize,
    at: Span,
) -> (Option<Span>, Answers) {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let asks = file.args(own.params.0).into_iter().any(|param| !is_given(program, file, param));
    (asks.then_some(at), answers(program, own.file, own.body, at))
}

/// Whether a parameter is there for every request.
fn is_given(program: &Program<'_>, file: &File<'_>, (from, end): (usize, usize)) -> bool {
    let tokens = &file.tokens;
    let Some(mut at) = (from..end).find(|&at| tokens.word(at) == ":").map(|at| at + 1) else {
        return false;
    };
    while tokens.word(at + 1) == "::" && tokens.name(at + 2).is_some() {
        at += 2;
    }
    let given = |made: &[&str]| {
        program.files.iter().any(|file| {
            let tokens = &file.tokens;
            (2..tokens.len()).any(|at| {
                made.iter().any(|made| {
                    *made == tokens.word(at)
                        || *made == tokens.word(at - 2) && tokens.word(at) == "Extension"
                })
            })
        })
    };
    match tokens.word(at) {
        "State" | "HttpRequest" | "Request" => true,
        // These are missing where nothing gives them.
        "Data" => given(&["app_data", "data"]),
        "Extension" => given(&["AddExtensionLayer", "layer"]),
        _ => false,
    }
}

/// What a body answers: the same success where all that it calls makes answers; success or an error
/// where it waits for something and tells by that.
fn answers(program: &Program<'_>, file: usize, body: (usize, usize), at: Span) -> Answers {
    const GOOD: [&str; 8] =
        ["OK", "NO_CONTENT", "CREATED", "ACCEPTED", "Ok", "NoContent", "Created", "Accepted"];
    const KINDS: [&str; 10] = [
        "Ok",
        "Json",
        "Html",
        "String",
        "StatusCode",
        "HttpResponse",
        "Response",
        "ContentType",
        "json",
        "format",
    ];
    const MAKES: [&str; 14] = [
        "Ok",
        "Json",
        "Html",
        "finish",
        "body",
        "json",
        "into_response",
        "to_string",
        "to_owned",
        "into",
        "from",
        "content_type",
        "into_body",
        "json_body",
    ];
    const FAILS: [&str; 9] = [
        "SERVICE_UNAVAILABLE",
        "INTERNAL_SERVER_ERROR",
        "BAD_GATEWAY",
        "GATEWAY_TIMEOUT",
        "ServiceUnavailable",
        "InternalServerError",
        "BadGateway",
        "Err",
        "?",
    ];
    let tokens = &program.files[file].tokens;
    let words = || (body.0 + 1..body.1).map(|at| tokens.word(at));
    let waits = words().any(|word| word == "await");
    if waits {
        return match words().any(|word| FAILS.contains(&word)) {
            true => Answers::Depends(at),
            false => Answers::Unknown(Why::Unsupported),
        };
    }
    let sure = (body.0 + 1..body.1).all(|at| {
        let word = tokens.word(at);
        let (before, next) = (tokens.word(at - 1), tokens.word(at + 1));
        if matches!(
            word,
            "?" | "if"
                | "match"
                | "else"
                | "return"
                | "loop"
                | "while"
                | "for"
                | "+"
                | "["
                | "|"
                | "||"
        ) {
            return false;
        }
        if tokens.name(at).is_none() {
            // A status, or what a key of JSON has.
            return tokens.number(at).is_none_or(|number| number == "200" || number == "204");
        }
        let capital = word.starts_with(|c: char| c.is_ascii_uppercase());
        if before == "::"
            && matches!(tokens.word(at.wrapping_sub(2)), "StatusCode" | "HttpResponse")
        {
            return GOOD.contains(&word);
        }
        if capital {
            // `Json(Health { status: "ok" })`
            let of_json =
                before == "(" && matches!(tokens.word(at.wrapping_sub(2)), "Json" | "json");
            return KINDS.contains(&word) || of_json && next == "{";
        }
        next != "(" || MAKES.contains(&word)
    });
    if sure { Answers::Constant(at) } else { Answers::Unknown(Why::Unsupported) }
}

/// Whether a layer lets every request through: its type is known to, or all that it puts together.
pub(super) fn lets_through(
    program: &Program<'_>,
    function: usize,
    (from, end): (usize, usize),
    known: &[&str],
    depth: usize,
) -> bool {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    if depth > 8 {
        return false;
    }
    if end == from + 1 {
        let set = tokens.name(from).and_then(|name| program.set(function, name, from));
        return set.is_some_and(|set| lets_through(program, function, set, known, depth + 1));
    }
    let ((head, stop), links) = file.chain(from, end);
    let open = (head..stop).find(|&at| tokens.word(at) == "(").unwrap_or(stop);
    // `TraceLayer::new_for_http()`, `Extension(pool)`
    let path = program.path(own.file, open.saturating_sub(1));
    let parts: Vec<&str> = path.split("::").collect();
    let foreign = parts.first().is_some_and(|first| program.packages.contains(*first));
    let kind = parts.iter().rev().find(|part| part.starts_with(|c: char| c.is_ascii_uppercase()));
    let whole = open == stop || tokens.close(open) == Some(stop - 1);
    let Some(kind) = kind.filter(|_| foreign && whole) else { return false };
    if *kind == "ServiceBuilder" {
        return links.iter().all(|link| {
            let args = link.open.map(|open| file.args(open)).unwrap_or_default();
            match (tokens.word(link.name), &*args) {
                ("layer", [layer]) => lets_through(program, function, *layer, known, depth + 1),
                ("into_inner" | "compression" | "trace_for_http" | "clone", []) => true,
                _ => false,
            }
        });
    }
    known.contains(kind)
}

/// What was found, as the facts that checks ask.
fn note(program: &Program<'_>, set: &Set, start: Span, served: Served, code: &mut Code) {
    let several = served.listens.len() != 1;
    for (address, at) in &served.listens {
        let (port, variables) = match value::port(address) {
            Some((port, variables)) if port > 0 => (known(port, *at), variables),
            _ => (Fact::Unknown(Why::Dynamic, Some(*at)), Vec::new()),
        };
        code.listens.push(super::listen(port, variables, *at));
        code.opens.push(super::server(*at));
    }
    for route in served.routes {
        let at = route.at;
        let path = match value::settle(&route.path, set) {
            Ok(path) => known(path, at),
            Err(why) => Fact::Unknown(why, Some(at)),
        };
        code.routes.push(Route {
            method: route.method,
            path,
            loose: false,
            at,
            guard: match route.guard.or(several.then_some(at)) {
                Some(at) => Guard::Unknown(Why::Unsupported, at),
                None => Guard::Open,
            },
            answers: route.answers,
        });
    }
    code.routes.sort_by(|a, b| (a.path.known(), a.at).cmp(&(b.path.known(), b.at)));
    let words = |wanted: &[&str]| {
        program
            .files
            .iter()
            .any(|file| (0..file.tokens.len()).any(|at| wanted.contains(&file.tokens.word(at))))
    };
    // What else is started or connected to ends with the process, closed or not.
    let stranger = |name: &String| {
        let opens = ["postgres", "cron", "redis", "sql", "store", "session", "pool", "mongo"];
        !MILD.iter().any(|mild| {
            name.strip_prefix(mild).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        }) || opens.iter().any(|word| name.contains(word))
    };
    let more = !program.whole
        || program.packages.iter().any(stranger)
        || words(&["spawn", "spawn_blocking", "thread", "spawn_local"]);
    if let Some(at) = served.stops {
        if more {
            code.opens.push(Opened {
                kind: Resource::Database,
                name: "store".to_owned(),
                at,
                at_start: true,
                via: None,
                address: None,
            });
        }
        code.handlers.push(Handler {
            signal: "SIGTERM".to_owned(),
            at,
            late: None,
            closes: (0..served.listens.len()).map(|index| (index, at)).collect(),
            exits: None,
            cuts: None,
            ignored: false,
            timeout: None,
            unknown: (more || several).then_some((Why::Unsupported, start)),
        });
    }
    let own = words(&["SignalKind", "sigaction", "HttpServer", "sigwait"]);
    let raw = program.depends(&["nix", "libc", "rustix"]);
    let handles = program.depends(&SIGNALS) || (own || raw) && served.stops.is_none();
    // What serves in a way that is not read may handle signals, too.
    code.all_handlers = program.whole && !handles && !served.listens.is_empty();
    if let Some(at) = served.fails.filter(|_| !several) {
        code.start_failure = StartFailure::Exits(Some(at));
    }
}

/// Whether a failure of the statement at a token ends the program with an error.
pub(super) fn fails(program: &Program<'_>, function: usize, at: usize) -> bool {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    let ends = |one: &usize| matches!(tokens.word(*one), ";" | "{" | "}");
    let start = (own.body.0..at).rev().find(ends).unwrap_or(own.body.0);
    let plain = (start + 1..at).all(|one| {
        tokens.word(one) == "::"
            || tokens
                .name(one)
                .is_some_and(|name| !matches!(name, "if" | "match" | "while" | "let"))
    });
    if own.name != "main" || !file.is_flat(own.body, at) || !plain {
        return false;
    }
    let mut end = at;
    while end < own.body.1 && tokens.word(end) != ";" {
        match tokens.word(end) {
            "unwrap" | "expect" => return true,
            "{" => return false,
            _ => {}
        }
        end = tokens.close(end).map_or(end + 1, |close| close + 1);
    }
    let result = (own.params.1..own.body.0).any(|at| tokens.word(at) == "Result");
    result && (end == own.body.1 || tokens.word(end - 1) == "?")
}

#[cfg(test)]
mod tests;
