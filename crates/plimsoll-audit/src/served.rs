//! What a service's program serves: its routes as probes ask for them, and the port of a deployment.

use plimsoll_model::Why;
use plimsoll_model::code::{Answers, Code, Listen, Route};
use plimsoll_model::image::Stage;
use plimsoll_model::package::Ecosystem;
use plimsoll_source::Span;

use crate::health::Deployment;
use crate::ports::listens;
use crate::startup::Start;
use crate::{Cx, Evidence, ServiceSubject, Verdict, program};

/// The answer where the program is not read: in which language it is, or what is in the way.
pub(crate) fn unread(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    (why, at): (Why, Span),
    message: impl Into<std::borrow::Cow<'static, str>>,
) -> Verdict {
    let says = match why {
        Why::Unsupported if service.service.code.is_none() => {
            format!("its program{} is not read", language(cx, service))
        }
        why => why.decide().trim_end_matches('.').to_owned(),
    };
    Verdict::unknown(why, message, Evidence::context(at, says))
}

/// Where a process listens, what its source says of that, and why it may listen elsewhere, too.
pub(crate) struct Listening {
    pub(crate) ports: Vec<(u16, Span)>,
    pub(crate) source: Vec<Evidence>,
    pub(crate) doubt: Option<(Why, Span)>,
}

pub(crate) fn listening(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    start: &Start<'_>,
    stage: &Stage,
) -> Listening {
    let app = start.startup().map_or(&[][..], |startup| &startup.app);
    let mut ports = listens(app);
    if ports.is_empty() {
        // What `plimsoll.toml` says of the service holds for its final stage.
        ports.extend(service.ports.iter().map(|&port| (port, stage.from)));
    }
    let mut source: Vec<Evidence> = Vec::new();
    let mut doubt: Option<(Why, Span)> = None;
    if ports.is_empty() {
        match program::code_in(cx, service, start.container) {
            Ok(code) => {
                let d = Deployment { container: start.container, image: Some(start.image) };
                for port in code.listens.iter().map(|listen| port(d, listen)) {
                    match port {
                        Ok(port) => ports.push(port),
                        Err(reason) => doubt = doubt.or(Some(reason)),
                    }
                }
                source.extend(code.listens.iter().map(|listen| {
                    let at = listen.port.span().unwrap_or(listen.at);
                    Evidence::context(at, "the port in the source")
                }));
                let nothing = || {
                    let at = code.entry.span().unwrap_or(stage.from);
                    ports.is_empty().then_some((Why::Unsupported, at))
                };
                doubt = doubt.or(program::gap(code)).or_else(nothing);
            }
            Err(reason) => doubt = Some(reason),
        }
    }
    Listening { ports, source, doubt }
}

/// ` (Go)`: the language of a program that is not read, where it is known.
fn language(cx: &Cx<'_>, service: ServiceSubject<'_>) -> &'static str {
    let package = service.package.map(|id| cx.delivery[id].ecosystem);
    let image = || {
        let images = service.images.iter().map(|&id| &cx.delivery[id]);
        images.flat_map(|image| image.languages()).next()
    };
    match package.or_else(image) {
        Some(Ecosystem::Node) => " (JavaScript)",
        Some(Ecosystem::Python) => " (Python)",
        Some(Ecosystem::Go) => " (Go)",
        Some(Ecosystem::Rust) => " (Rust)",
        Some(Ecosystem::Java) => " (Java)",
        Some(Ecosystem::Ruby) => " (Ruby)",
        Some(Ecosystem::Php) => " (PHP)",
        Some(Ecosystem::Dotnet) => " (.NET)",
        Some(Ecosystem::Other) | None => "",
    }
}

/// The port of a call that listens in a deployment: what descriptors set the variables to, or what
/// the source has where nothing sets them.
///
/// # Errors
/// Why it is not known, and where.
pub(crate) fn port(d: Deployment<'_>, listen: &Listen) -> Result<(u16, Span), (Why, Span)> {
    for name in &listen.variables {
        if let Some((text, at)) = d.variable(name)? {
            return text.trim().parse().map(|port| (port, at)).map_err(|_| (Why::Dynamic, at));
        }
    }
    let at = listen.port.span().unwrap_or(listen.at);
    match listen.port.known() {
        Some(&port) => Ok((port, at)),
        None => Err((listen.port.unknown().map_or(Why::Dynamic, |(why, _)| why), at)),
    }
}

/// Where a call surely listens on the loopback address alone, which nothing outside the container
/// reaches.
pub(crate) fn loopback(d: Deployment<'_>, listen: &Listen) -> Option<Span> {
    let own = listen.host.known().map(|host| (host.clone(), listen.host.span()));
    let set = listen.host_variables.iter().find_map(|name| d.variable(name).transpose());
    let (host, at) = match set {
        Some(set) => set.ok().map(|(text, at)| (text, Some(at)))?,
        None => own?,
    };
    let host = host.trim_matches(['[', ']']);
    let is_loopback = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_loopback.then(|| at.unwrap_or(listen.at))
}

/// What answers a path.
pub(crate) enum Found<'c> {
    /// This route.
    Route(&'c Route),
    /// Nothing.
    Nothing,
    /// It cannot be told.
    Doubt(Why, Span),
}

/// The route of a program that answers a GET of a path.
pub(crate) fn find<'c>(code: &'c Code, path: &str) -> Found<'c> {
    let gets = || code.routes.iter().filter(|route| is_get(route));
    let exact = gets().filter(|route| route.path.known().is_some_and(|own| own == path));
    let named = exact.min_by_key(|route| route.method == "*");
    if let Some(route) = named {
        return Found::Route(route);
    }
    let trimmed = |path: &str| path.trim_end_matches('/').to_owned();
    let mut loose = gets().filter(|route| route.loose);
    let own = |route: &&Route| route.path.known().is_some_and(|own| trimmed(own) == trimmed(path));
    if let Some(route) = loose.find(own) {
        return Found::Route(route);
    }
    if let Some((why, at)) = program::gap_of_routes(code) {
        return Found::Doubt(why, at);
    }
    for route in gets() {
        match route.path.known() {
            None => {
                let (why, at) = route.path.unknown().unwrap_or((Why::Dynamic, None));
                return Found::Doubt(why, at.unwrap_or(route.at));
            }
            // A route for all the rest that only says so is none.
            Some(_) if matches!(route.answers, Answers::Error(..)) => {}
            // What a pattern answers depends on what the request names.
            Some(own) if may_match(own, path) => return Found::Doubt(Why::NeedsRun, route.at),
            Some(_) => {}
        }
    }
    if let Some((why, at)) = by_package(code) {
        return Found::Doubt(why, at);
    }
    // Files may answer these, and a program without a route may serve by a package that is not known.
    let file = path.ends_with('/') || path.rsplit('/').next().is_some_and(|n| n.contains('.'));
    match code.routes.is_empty() || file {
        true => {
            let at = code.listens.first().map(|listen| listen.at);
            let entry = || code.entry.span();
            at.or_else(entry).map_or(Found::Nothing, |at| Found::Doubt(Why::NeedsRun, at))
        }
        false => Found::Nothing,
    }
}

/// The routes by which something could ask whether the service is well.
pub(crate) fn health_routes(code: &Code) -> impl Iterator<Item = &Route> {
    code.routes.iter().filter(|route| {
        is_get(route) && route.path.known().is_some_and(|path| is_about_health(path))
    })
}

/// Whether a path is, by its end, that of a question about the service's health.
fn is_about_health(path: &str) -> bool {
    const HEALTH: [&str; 12] = [
        "health",
        "healthz",
        "_health",
        "healthcheck",
        "health-check",
        "ready",
        "readyz",
        "readiness",
        "livez",
        "liveness",
        "alive",
        "heartbeat",
    ];
    // These are about the service where nothing else is named: not `/search/status`.
    const BARE: [&str; 3] = ["live", "ping", "status"];
    const ABOVE: [&str; 8] =
        ["api", "rest", "internal", "system", "public", "server", "service", "_"];
    let lower = path.to_ascii_lowercase();
    // `/badge/:id/status` is about something else's health.
    if lower.contains([':', '{', '<', '*', '[']) {
        return false;
    }
    let parts: Vec<&str> = lower.split('/').filter(|part| !part.is_empty()).collect();
    let Some((last, above)) = parts.split_last() else { return false };
    let version = |part: &str| {
        let digits = part.strip_prefix('v').unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    let plain = |part: &&str| ABOVE.contains(part) || version(part);
    HEALTH.contains(last)
        || above.last().is_some_and(|part| HEALTH.contains(part))
        || BARE.contains(last) && above.iter().all(plain)
}

/// A package that brings a route of its own for health checks, and is not followed.
pub(crate) fn by_package(code: &Code) -> Option<(Why, Span)> {
    const WORDS: [&str; 6] =
        ["health", "terminus", "lightship", "under-pressure", "actuator", "express-status-monitor"];
    let mut imports = code.imports.iter();
    let brings = imports.find(|import| {
        // Nest's only helps routes that the program has itself.
        import.package != "@nestjs/terminus"
            && WORDS.iter().any(|word| import.package.contains(word))
    })?;
    Some((Why::Unsupported, brings.at))
}

fn is_get(route: &Route) -> bool {
    matches!(&*route.method, "GET" | "HEAD" | "*" | "ALL")
}

/// Whether a pattern with parameters or wildcards may match a path, a final `/` aside.
fn may_match(pattern: &str, path: &str) -> bool {
    let mut parts = path.trim_matches('/').split('/');
    for own in pattern.trim_matches('/').split('/') {
        if own.contains(['*', '(', '+', '?']) {
            return true;
        }
        let Some(part) = parts.next() else { return false };
        if !own.starts_with([':', '{', '[']) && !own.eq_ignore_ascii_case(part) {
            return false;
        }
    }
    parts.next().is_none()
}
