//! actix-web's applications: their services and scopes, and the server that runs them.

use plimsoll_source::Span;

use super::rust::{Link, Program};
use super::serve::{Registered, Served, fails, function_handles, handler, lets_through};
use super::value::{self, Value, unknown};
use crate::code::Answers;
use crate::fact::Why;

/// How deep services are followed.
const DEEP: usize = 24;
/// Middleware that lets every request through.
const MILD: [&str; 6] =
    ["Logger", "TracingLogger", "Cors", "Compress", "DefaultHeaders", "RequestTracing"];

/// What was registered before, and takes what it matches from what comes later: the beginning of a
/// path, whether that is all of it; of an unknown one nothing.
type Taken = Vec<(Option<String>, bool)>;

/// What a function that surely runs serves by actix-web.
pub(super) fn read(program: &Program<'_>, function: usize, served: &mut Served) {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    for at in own.body.0 + 1..own.body.1 {
        let new = tokens.word(at) == "new" && tokens.word(at + 1) == "(";
        if !new || program.path(own.file, at) != "actix_web::HttpServer::new" {
            continue;
        }
        let mut end = at;
        while end < own.body.1 && tokens.word(end) != ";" {
            end = tokens.close(end).map_or(end + 1, |close| close + 1);
        }
        let sure = file.is_sure(own.body, at);
        let (_, links) = file.chain(at, end);
        let span = file.span(at - 2, at);
        let before = served.listens.len();
        let mut runs = false;
        let mut signals = true;
        for link in &links {
            let args = link.open.map(|open| file.args(open)).unwrap_or_default();
            match (tokens.word(link.name), &*args) {
                ("bind" | "bind_auto_h2c", [address]) => {
                    let place = file.span(link.name, address.1);
                    let address = program.value(function, address.0, address.1, 0);
                    served.listens.push((if sure { address } else { unknown() }, place));
                }
                (name, _) if name.starts_with("bind") || name.starts_with("listen") => {
                    let place = file.span(link.name, link.name);
                    served.listens.push((unknown(), place));
                }
                ("run", _) => runs = true,
                ("disable_signals" | "shutdown_signal", _) => signals = false,
                _ => {}
            }
        }
        // The server may be bound elsewhere.
        if served.listens.len() == before || !runs {
            served.listens.push((unknown(), span));
            signals = false;
        }
        if !sure {
            continue;
        }
        if let [(from, stop)] = *file.args(at + 1) {
            let found = app(program, function, (from, stop));
            served.routes.extend(found);
        }
        if signals {
            served.stops = Some(span);
        }
        if fails(program, function, at) {
            served.fails = Some(span);
        }
    }
}

/// The routes of the application that a closure makes.
fn app(program: &Program<'_>, function: usize, (from, end): (usize, usize)) -> Vec<Registered> {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    // `move || { …; App::new()… }`
    let Some(bars) = (from..end).take(3).find(|&at| tokens.word(at) == "||") else {
        return Vec::new();
    };
    let braced = tokens.word(bars + 1) == "{" && tokens.close(bars + 1) == Some(end - 1);
    let (from, end) = if braced { file.tail((bars + 1, end - 1)) } else { (bars + 1, end) };
    let ((head, stop), links) = file.chain(from, end);
    let new = (head..stop).find(|&at| tokens.word(at) == "(");
    let made = new.is_some_and(|open| {
        program.path(own.file, open - 1) == "actix_web::App::new"
            && tokens.close(open) == Some(stop - 1)
    });
    if !made {
        return Vec::new();
    }
    services(program, function, &links, &value::text(""), &mut Taken::new(), 0)
}

/// The routes of what an application, a scope or a configuration is given.
fn services(
    program: &Program<'_>,
    function: usize,
    links: &[Link],
    prefix: &Value,
    taken: &mut Taken,
    depth: usize,
) -> Vec<Registered> {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    let mut routes: Vec<Registered> = Vec::new();
    let mut guard = None;
    if depth > DEEP {
        return routes;
    }
    for link in links {
        let args = link.open.map(|open| file.args(open)).unwrap_or_default();
        let at = file.span(link.name, args.last().map_or(link.name, |(_, end)| end - 1));
        match (tokens.word(link.name), &*args) {
            ("route", [path, route]) => {
                let path = below(prefix, &program.value(function, path.0, path.1, 0));
                let route = routed(program, own.file, path, *route, at);
                routes.extend(behind(taken, vec![route], None));
            }
            ("service", [service]) => {
                routes.extend(one(program, function, *service, prefix, at, taken, depth));
            }
            ("configure", [(_, end)]) => {
                if let Some(to) = program.named(own.file, end - 1) {
                    routes.extend(configured(program, to, prefix, taken, depth + 1));
                } else {
                    taken.push((None, false));
                }
            }
            ("wrap", [layer]) if lets_through(program, function, *layer, &MILD, 0) => {}
            ("app_data" | "data" | "default_service" | "name", _) => {}
            _ => guard = guard.or(Some(at)),
        }
    }
    for route in routes.iter_mut().filter(|_| guard.is_some()) {
        route.guard = route.guard.or(guard);
    }
    routes
}

/// The routes that a function gives its configuration.
fn configured(
    program: &Program<'_>,
    function: usize,
    prefix: &Value,
    taken: &mut Taken,
    depth: usize,
) -> Vec<Registered> {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    let Some(name) = file.args(own.params.0).first().and_then(|(from, _)| tokens.name(*from))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for at in own.body.0 + 1..own.body.1 {
        let starts = tokens.name(at) == Some(name)
            && tokens.word(at + 1) == "."
            && tokens.word(at.wrapping_sub(1)) != ".";
        if starts && !file.is_sure(own.body, at) {
            taken.push((None, false));
        } else if starts {
            let mut end = at;
            while end < own.body.1 && tokens.word(end) != ";" {
                end = tokens.close(end).map_or(end + 1, |close| close + 1);
            }
            let (_, links) = file.chain(at, end);
            found.extend(services(program, function, &links, prefix, taken, depth));
        }
    }
    found
}

/// The routes of one service: a scope, a resource, or a function with an attribute.
fn one(
    program: &Program<'_>,
    function: usize,
    (from, end): (usize, usize),
    prefix: &Value,
    at: Span,
    taken: &mut Taken,
    depth: usize,
) -> Vec<Registered> {
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    let ((head, stop), links) = file.chain(from, end);
    let Some(open) = (head..stop).find(|&at| tokens.word(at) == "(") else {
        let to = program.named(own.file, end - 1);
        let routes = to.map(|to| attributes(program, to, prefix)).unwrap_or_default();
        if routes.is_empty() {
            taken.push((None, false));
        }
        return behind(taken, routes, None);
    };
    let path = program.path(own.file, open - 1);
    let given = file.args(open);
    let [path_range] = *given else {
        taken.push((None, false));
        return Vec::new();
    };
    let prefix = below(prefix, &program.value(function, path_range.0, path_range.1, 0));
    match &*path {
        "actix_web::web::scope" | "actix_web::Scope::new" => {
            let routes = services(program, function, &links, &prefix, taken, depth + 1);
            taken.push((value::plain(&prefix).map(|prefix| beginning(&prefix).0), false));
            routes
        }
        "actix_web::web::resource" | "actix_web::Resource::new" => {
            let mut routes = Vec::new();
            let mut guard = None;
            for link in &links {
                let args = link.open.map(|open| file.args(open)).unwrap_or_default();
                match (tokens.word(link.name), &*args) {
                    ("route", [route]) => {
                        routes.push(routed(program, own.file, prefix.clone(), *route, at));
                    }
                    ("to", [to]) => {
                        let (guard, answers) = handler(program, own.file, *to, at);
                        let (method, path) = ("*".to_owned(), prefix.clone());
                        routes.push(Registered { method, path, at, guard, answers });
                    }
                    _ => guard = Some(at),
                }
            }
            for route in &mut routes {
                route.guard = route.guard.or(guard);
            }
            behind(taken, routes, Some(&prefix))
        }
        _ => {
            taken.push((None, false));
            Vec::new()
        }
    }
}

/// Routes that come behind what was registered before them; what these take of the later ones: a
/// resource all of its path.
fn behind(
    taken: &mut Taken,
    mut routes: Vec<Registered>,
    resource: Option<&Value>,
) -> Vec<Registered> {
    for route in &mut routes {
        let path = value::plain(&route.path);
        let is_taken = taken.iter().any(|(by, whole)| match (by, &path) {
            (Some(by), Some(path)) if *whole => by == path,
            (Some(by), Some(path)) => path.starts_with(&**by),
            _ => true,
        });
        route.guard = route.guard.or(is_taken.then_some(route.at));
    }
    let all = routes.iter().map(|route| value::plain(&route.path));
    taken.extend(all.filter_map(|path| match path.as_deref().map(beginning) {
        // Another method of the same path is asked for next.
        Some((_, true)) => None,
        Some((begin, false)) => Some((Some(begin), false)),
        None => Some((None, false)),
    }));
    taken.extend(resource.map(|path| match value::plain(path).as_deref().map(beginning) {
        Some((begin, whole)) => (Some(begin), whole),
        None => (None, false),
    }));
    routes
}

/// What a pattern begins with, and whether that is all of it.
fn beginning(path: &str) -> (String, bool) {
    match path.split_once('{') {
        Some((begin, _)) => (begin.to_owned(), false),
        None => (path.to_owned(), true),
    }
}

/// A path below a scope: what is written, a slash between them.
fn below(prefix: &Value, path: &Value) -> Value {
    match (value::plain(prefix), value::plain(path)) {
        (Some(prefix), Some(path)) if !prefix.ends_with('/') => {
            let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
            value::text(format!("{prefix}{slash}{path}"))
        }
        _ => unknown(),
    }
}

/// The routes of `#[get("/health")]`.
fn attributes(program: &Program<'_>, function: usize, prefix: &Value) -> Vec<Registered> {
    const VERBS: [&str; 6] = ["get", "post", "put", "delete", "patch", "head"];
    let own = &program.functions[function];
    let file = &program.files[own.file];
    let tokens = &file.tokens;
    let mut found = Vec::new();
    for &(from, end) in &own.attributes {
        let Some(open) = (from..end).find(|&at| tokens.word(at) == "(") else { continue };
        let Some(verb) = VERBS.iter().find(|verb| tokens.word(open - 1) == **verb) else {
            continue;
        };
        let at = file.span(from, end - 1);
        let args = file.args(open);
        let path = args.first().and_then(|(from, _)| tokens.text(*from));
        let path = path.map_or_else(unknown, value::text);
        let (guard, answers) = function_handles(program, function, at);
        found.push(Registered {
            method: verb.to_ascii_uppercase(),
            path: below(prefix, &path),
            at,
            // `wrap = "…"`, `guard = "…"`
            guard: guard.or((args.len() > 1).then_some(at)),
            answers,
        });
    }
    found
}

/// The route of `web::get().to(handler)`.
fn routed(
    program: &Program<'_>,
    file: usize,
    path: Value,
    (from, end): (usize, usize),
    at: Span,
) -> Registered {
    let own = &program.files[file];
    let tokens = &own.tokens;
    let ((head, stop), links) = own.chain(from, end);
    let open = (head..stop).find(|&at| tokens.word(at) == "(");
    let made = open.map(|open| program.path(file, open - 1)).unwrap_or_default();
    let verb = made.strip_prefix("actix_web::web::");
    let method = match verb {
        Some(verb @ ("get" | "post" | "put" | "delete" | "patch" | "head")) => {
            verb.to_ascii_uppercase()
        }
        _ => "*".to_owned(),
    };
    let unread = Registered {
        method: method.clone(),
        path: path.clone(),
        at,
        guard: Some(at),
        answers: Answers::Unknown(Why::Unsupported),
    };
    let [to] = *links else { return unread };
    let args = to.open.map(|open| own.args(open)).unwrap_or_default();
    match (verb, tokens.word(to.name), &*args) {
        (Some(_), "to", [one]) => {
            let (guard, answers) = handler(program, file, *one, at);
            Registered { method, path, at, guard, answers }
        }
        _ => unread,
    }
}
