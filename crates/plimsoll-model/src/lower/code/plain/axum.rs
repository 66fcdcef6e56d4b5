//! axum's routers: what is chained, nested and merged, and what serves them.

use plimsoll_source::Span;

use super::rust::Program;
use super::serve::{Registered, Served, fails, handler, lets_through};
use super::value::{self, Value, unknown};
use crate::code::Answers;
use crate::fact::Why;

/// How deep routers are followed.
const DEEP: usize = 24;
/// Types of layers that let every request through.
const MILD: [&str; 14] = [
    "TraceLayer",
    "CorsLayer",
    "CompressionLayer",
    "DecompressionLayer",
    "TimeoutLayer",
    "Extension",
    "AddExtensionLayer",
    "SetRequestIdLayer",
    "PropagateRequestIdLayer",
    "SetResponseHeaderLayer",
    "CatchPanicLayer",
    "OtelAxumLayer",
    "OtelInResponseLayer",
    "DefaultBodyLimit",
];

/// What a function that surely runs serves by axum.
pub(super) fn read(program: &Program<'_>, function: usize, served: &mut Served) {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    for at in own.body.0 + 1..own.body.1 {
        if tokens.name(at).is_none() || tokens.word(at + 1) != "(" {
            continue;
        }
        let path = program.path(own.file, at);
        let args = file.args(at + 1);
        let (address, router) = match &*path {
            "axum::serve" | "axum::serve::serve" => match *args {
                [listener, router] => (listener, router),
                _ => continue,
            },
            "axum::Server::bind" | "hyper::Server::bind" => {
                // `Server::bind(&address).serve(app.into_make_service())`
                let close = tokens.close(at + 1).unwrap_or(at);
                let serve = (tokens.word(close + 2) == "serve").then_some(close + 3);
                match (&*args, serve.map(|open| file.args(open))) {
                    ([address], Some(given)) if given.len() == 1 => (*address, given[0]),
                    _ => continue,
                }
            }
            _ => continue,
        };
        let mut end = at;
        while end < own.body.1 && tokens.word(end) != ";" {
            end = tokens.close(end).map_or(end + 1, |close| close + 1);
        }
        let span = file.span(at, tokens.close(at + 1).unwrap_or(at));
        let address = if path.ends_with("serve") {
            bound(program, function, address)
        } else {
            Some((program.value(function, address.0, address.1, 0), span))
        };
        let (address, place) = address.unwrap_or((unknown(), span));
        if !file.is_sure(own.body, at) {
            served.listens.push((unknown(), span));
            continue;
        }
        served.listens.push((address, place));
        served.routes.extend(router_of(program, function, router, 0).unwrap_or_default());
        let (_, links) = file.chain(at, end);
        let graceful = links.iter().find(|link| tokens.word(link.name) == "with_graceful_shutdown");
        if let Some(link) = graceful
            && let Some(&(from, end)) =
                link.open.map(|open| file.args(open)).unwrap_or_default().first()
            && terminates(program, function, from, end)
        {
            served.stops = Some(file.span(link.name, end));
        }
        if fails(program, function, at) {
            served.fails = Some(span);
        }
    }
}

/// The address that a listener is bound to, and where.
fn bound(
    program: &Program<'_>,
    function: usize,
    (from, end): (usize, usize),
) -> Option<(value::Value, Span)> {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    let (from, end) = match tokens.name(from).filter(|_| end == from + 1) {
        Some(name) => program.set(function, name, from)?,
        None => (from, end),
    };
    let open = (from..end).find(|&at| tokens.word(at) == "(")?;
    let path = program.path(own.file, open - 1);
    if !path.ends_with("TcpListener::bind") {
        return None;
    }
    let &(first, last) = file.args(open).first()?;
    Some((program.value(function, first, last, 0), file.span(from, end - 1)))
}

/// Whether what a server waits for is SIGTERM, perhaps beside other signals.
fn terminates(program: &Program<'_>, function: usize, from: usize, end: usize) -> bool {
    let own = &program.functions[function];
    let tokens = &program.files[own.file].tokens;
    let says = |file: usize, (from, end): (usize, usize)| {
        let tokens = &program.files[file].tokens;
        let kind = (from..end).any(|at| {
            tokens.word(at) == "SignalKind"
                && tokens.word(at + 1) == "::"
                && tokens.word(at + 2) == "terminate"
        });
        let has = |word: &str| (from..end).any(|at| tokens.word(at) == word);
        kind && has("recv") && !has("join")
    };
    if says(own.file, (from, end)) {
        return true;
    }
    let called = (from..end).find(|&at| tokens.word(at + 1) == "(" && tokens.name(at).is_some());
    let called = called.and_then(|at| program.named(own.file, at));
    called.is_some_and(|to| says(program.functions[to].file, program.functions[to].body))
}

/// The routes of an expression that is a router.
fn router_of(
    program: &Program<'_>,
    function: usize,
    (from, end): (usize, usize),
    depth: usize,
) -> Option<Vec<Registered>> {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    if depth > DEEP || from >= end {
        return None;
    }
    let ((head, stop), links) = file.chain(from, end);
    let open = (head..stop).find(|&at| tokens.word(at) == "(");
    let mut routes = match open {
        None => {
            let name = tokens.name(head).filter(|_| stop == head + 1)?;
            let set = program.set(function, name, head)?;
            router_of(program, function, set, depth + 1)?
        }
        Some(open) if tokens.close(open) == Some(stop - 1) => {
            let path = program.path(own.file, open - 1);
            let made = matches!(
                &*path,
                "axum::Router::new" | "axum::Router::default" | "axum::routing::Router::new"
            );
            if made {
                Vec::new()
            } else {
                let to = program.named(own.file, open - 1)?;
                let called = &program.functions[to];
                let file = &program.files[called.file];
                let leaves =
                    (called.body.0..called.body.1).any(|at| file.tokens.word(at) == "return");
                let tail = file.tail(called.body);
                router_of(program, to, tail, depth + 1).filter(|_| !leaves)?
            }
        }
        Some(_) => return None,
    };
    for link in links {
        let args = link.open.map(|open| file.args(open)).unwrap_or_default();
        let at = file.span(link.name, args.last().map_or(link.name, |(_, end)| end - 1));
        match (tokens.word(link.name), &*args) {
            ("route", [path, handlers]) => {
                let path = program.value(function, path.0, path.1, 0);
                routes.extend(methods(program, own.file, *handlers, at).into_iter().map(
                    |(method, guard, answers)| Registered {
                        method,
                        path: path.clone(),
                        at,
                        guard,
                        answers,
                    },
                ));
            }
            ("nest", [prefix, inner]) => {
                let prefix = program.value(function, prefix.0, prefix.1, 0);
                let inner = router_of(program, function, *inner, depth + 1).unwrap_or_default();
                routes.extend(
                    inner
                        .into_iter()
                        .map(|one| Registered { path: below(&prefix, &one.path), ..one }),
                );
            }
            ("merge", [inner]) => {
                routes.extend(router_of(program, function, *inner, depth + 1).unwrap_or_default());
            }
            ("layer" | "route_layer", [layer])
                if lets_through(program, function, *layer, &MILD, 0) => {}
            (
                "with_state"
                | "fallback"
                | "fallback_service"
                | "nest_service"
                | "route_service"
                | "into_make_service"
                | "into_make_service_with_connect_info"
                | "clone",
                _,
            ) => {}
            _ => {
                for route in &mut routes {
                    route.guard.get_or_insert(at);
                }
            }
        }
    }
    Some(routes)
}

/// The methods of `get(a).post(b)`, with what may turn away and what is answered.
fn methods(
    program: &Program<'_>,
    file: usize,
    (from, end): (usize, usize),
    at: Span,
) -> Vec<(String, Option<Span>, Answers)> {
    const VERBS: [&str; 7] = ["get", "post", "put", "delete", "patch", "head", "options"];
    let own = &program.files[file];
    let tokens = &own.tokens;
    let ((head, stop), links) = own.chain(from, end);
    let unknown = || vec![("*".to_owned(), Some(at), Answers::Unknown(Why::Unsupported))];
    let Some(open) = (head..stop).find(|&at| tokens.word(at) == "(") else { return unknown() };
    let path = program.path(file, open - 1);
    let Some(first) = path.strip_prefix("axum::routing::") else { return unknown() };
    let mut found = Vec::new();
    let mut layered = false;
    let rest = links.iter().map(|link| (tokens.word(link.name), link.open));
    for (name, open) in [(first, Some(open))].into_iter().chain(rest) {
        let args = open.map(|open| own.args(open)).unwrap_or_default();
        match (name, &*args) {
            (verb, [one]) if VERBS.contains(&verb) || verb == "any" => {
                let (guard, answers) = handler(program, file, *one, at);
                let verb = if verb == "any" { "*".to_owned() } else { verb.to_ascii_uppercase() };
                found.push((verb, guard, answers));
            }
            ("with_state", _) => {}
            _ => layered = true,
        }
    }
    for one in found.iter_mut().filter(|_| layered) {
        one.1.get_or_insert(at);
    }
    found
}

/// A path below the prefix that it is nested at.
fn below(prefix: &Value, path: &Value) -> Value {
    match (value::plain(prefix), value::plain(path)) {
        (Some(prefix), Some(path)) => value::text(match (prefix.strip_suffix('/'), &*path) {
            (Some(prefix), path) => format!("{prefix}/{}", path.trim_start_matches('/')),
            (None, "/") => prefix,
            (None, path) => format!("{prefix}{path}"),
        }),
        _ => unknown(),
    }
}
