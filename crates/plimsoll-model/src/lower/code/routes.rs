//! Routes with every prefix, what stands before them, and what they answer.

use std::rc::Rc;

use plimsoll_source::{Span, TextRange};
use plimsoll_syntax::program::{ExprKind, PatternKind, Spread};

use super::eval::{Answering, Args, Eval};
use super::facts::known;
use super::host::{Host, Kind};
use super::http::{App, Framework, Hook, Registered};
use super::value::{HostId, Value};
use crate::Why;
use crate::code::{Answers, Guard, Hides, Route};
use crate::fact::Fact;

/// Routes that are listed.
const MAX_ROUTES: usize = 2_000;
/// Patterns of one application that may answer in place of other routes.
const MAX_PATTERNS: usize = 200;
/// A path that no program names.
const NOWHERE: &str = "/plimsoll/nowhere";
/// A regular expression in place of a path, as which no text is registered.
const PATTERN: &str = "(";
/// What a call of what a package exports comes to, as part of its path.
pub(super) const CALL: &str = "()";
/// Routers within routers.
const MAX_MOUNTS: usize = 12;

/// A way from an application that listens down to a router.
#[derive(Clone)]
struct Way {
    prefix: Option<String>,
    /// What stands before, and below which path.
    hooks: Vec<(Option<String>, Hook)>,
}

/// A route as it is registered, its whole path, what stands before it, and whose router it is.
type Found = (Registered, Option<String>, Vec<(Option<String>, Hook)>, Framework);

impl Eval<'_> {
    /// A part of a path as the descriptors have it: what they set a variable to is in place of the
    /// default that it has in the source.
    pub(super) fn settled(&mut self, value: Value) -> Value {
        let names = value.names();
        let Some(set) = names.iter().find_map(|name| self.set.values.get(name)) else {
            return match self.set.hidden {
                Some((why, _)) if !names.is_empty() => {
                    self.unsettled = Some(why);
                    Value::Unknown
                }
                _ => value,
            };
        };
        // What is made of a variable is not its value.
        let is_own = names.len() == 1
            && self.facts.environment.iter().filter(|read| read.name == names[0]).any(
                |read| match (&read.default, value.unset()) {
                    (Fact::Absent, Value::Undefined) => true,
                    (default, unset) => {
                        default.known().map(|text| &**text) == unset.as_text().as_deref()
                    }
                },
            );
        match set {
            Some(text) if is_own && !text.is_empty() => Value::Text(Rc::clone(text)),
            _ => Value::Unknown,
        }
    }

    /// A route's path; where it is not known, why.
    pub(super) fn path(&self, path: Option<String>, at: Span) -> Fact<String> {
        let why = self.unsettled.unwrap_or(Why::Dynamic);
        path.map_or(Fact::Unknown(why, Some(at)), |path| known(path, at))
    }

    /// All routes that are reached.
    pub(super) fn routes(&mut self) -> Vec<Route> {
        let mut apps: Vec<(HostId, App)> = self
            .hosts
            .iter()
            .enumerate()
            .filter_map(|(index, host)| match &host.kind {
                Kind::App(app) => Some((HostId(index), (**app).clone())),
                _ => None,
            })
            .collect();
        for (_, app) in &mut apps {
            let own = std::iter::once(&mut app.prefix);
            let routes = app.routes.iter_mut().map(|route| &mut route.path);
            let hooks = app.hooks.iter_mut().map(|hook| &mut hook.prefix);
            let mounts = app.parents.iter_mut().map(|(_, prefix, _)| prefix);
            for part in own.chain(routes).chain(hooks).chain(mounts) {
                *part = self.settled(std::mem::replace(part, Value::Unknown));
            }
        }
        let open = self.facts.listens.iter().any(|listening| listening.app.is_none());
        self.wrapped(&mut apps);
        let mut found: Vec<Found> = Vec::new();
        for (id, app) in &apps {
            if let function @ (Value::Function(_) | Value::Bound(_)) = &app.options
                && app.framework == Framework::Express
            {
                let named = self.plain_routes(&function.clone(), None, 0, app.framework);
                let rest = self.rest(&function.clone(), &named, app.framework);
                found.extend(named.into_iter().chain(rest));
            }
            // Middleware that answers some paths itself.
            if matches!(app.framework, Framework::Express | Framework::Koa) {
                for way in ways(&apps, *id, 0, open) {
                    for (index, (prefix, hook)) in way.hooks.iter().enumerate() {
                        let own = app.hooks.iter().any(|own| own.at == hook.at);
                        if prefix.is_none() && own && hook.order > 0 {
                            let before = way.hooks.get(..index).unwrap_or_default();
                            let (function, order) = (&hook.function.clone(), hook.order);
                            let framework = app.framework;
                            found.extend(self.plain_routes(
                                function,
                                Some(before),
                                order,
                                framework,
                            ));
                        }
                    }
                }
            }
            if app.routes.is_empty() {
                continue;
            }
            let ways = ways(&apps, *id, 0, open);
            for registered in &app.routes {
                // That none of these variables is set keeps it from being registered.
                let set = |name: &String| self.set.values.contains_key(name);
                let off = !registered.off.is_empty() && !registered.off.iter().any(set);
                if off && self.set.hidden.is_none() && self.set.is_deployed {
                    continue;
                }
                for way in &ways {
                    let own = join(way.prefix.as_deref(), &registered.path).filter(|_| !off);
                    found.push((registered.clone(), own, way.hooks.clone(), app.framework));
                }
            }
            if found.len() > MAX_ROUTES {
                break;
            }
        }
        found.truncate(MAX_ROUTES);
        let probed = |path: &Option<String>| {
            let path = path.as_deref().unwrap_or_default().to_ascii_lowercase();
            ["health", "ready", "live", "ping", "status", "alive"].iter().any(|w| path.contains(w))
        };
        // Fuel is for the routes that probes ask.
        found.sort_by_key(|(registered, path, _, _)| (!probed(path), registered.at));
        let mut routes = Vec::new();
        // Routers of these read `/a/` as `/a`, unless told otherwise.
        let strict = self.facts.imports.iter().any(|import| import.package == "restify")
            || self.strict_routing;
        for (registered, path, hooks, framework) in found {
            let all = apps.iter().find_map(|(_, app)| app.asks_all);
            let all = all.filter(|_| framework == Framework::Hapi && registered.inherits);
            let guard = self.guard(
                path.as_deref(),
                &registered.handlers,
                &hooks,
                registered.order,
                framework,
            );
            let guard = all.map_or(guard, Guard::Rejects);
            // What is named beside the route itself stands there.
            let mut guard = match guard {
                Guard::Rejects(at) if at == super::nowhere() => Guard::Rejects(registered.at),
                Guard::Unknown(why, at) if at == super::nowhere() => {
                    Guard::Unknown(why, registered.at)
                }
                guard => guard,
            };
            let answers = if matches!(registered.method.as_str(), "GET" | "HEAD" | "*") {
                let handler = registered.handlers.last();
                // What passes every request on is no route of its own.
                match self.answers(path.as_deref(), handler, framework, registered.at) {
                    Some((answers, denies)) => {
                        if let (Guard::Open, Some(denies)) = (guard, denies) {
                            guard = Guard::Rejects(denies);
                        }
                        answers
                    }
                    None => continue,
                }
            } else {
                Answers::Unknown(Why::Unsupported)
            };
            let at = registered.at;
            routes.push(Route {
                loose: matches!(framework, Framework::Express | Framework::Koa) && !strict,
                method: registered.method,
                path: self.path(path, at),
                at,
                guard,
                answers,
            });
        }
        routes.extend(self.nest_routes());
        routes.sort_by(|a, b| (a.path.known(), a.at).cmp(&(b.path.known(), b.at)));
        routes
    }

    /// The routes of a function that answers everything, or of one that `before` stands before and
    /// that passes on what it does not answer: the paths that it names.
    fn plain_routes(
        &mut self,
        function: &Value,
        before: Option<&[(Option<String>, Hook)]>,
        order: usize,
        framework: Framework,
    ) -> Vec<Found> {
        let Value::Function(closure) = function else { return Vec::new() };
        let range = closure.module.function(closure.function).range;
        let mut paths: Vec<(String, Span)> = Vec::new();
        for (_, expr) in closure.module.exprs() {
            if let ExprKind::Text(text) = &expr.kind
                && text.starts_with('/')
                && range.start <= expr.range.start
                && expr.range.end <= range.end
                && !paths.iter().any(|(path, _)| **path == **text)
            {
                paths.push((text.to_string(), closure.module.span(expr.range)));
            }
        }
        paths.truncate(32);
        let mut found = Vec::new();
        for (path, at) in paths {
            let (answering, _) = self.ask_handler(Some(&path), function, framework);
            // Middleware passes on what it does not answer, and may turn away what it does.
            let passes = answering.next
                || answering.sends.is_none()
                || answering.checks_credentials.is_some()
                || answering.unknown.is_some();
            if before.is_some() && passes || !answering.hands_to.is_empty() {
                continue;
            }
            let missing = answering
                .statuses
                .iter()
                .any(|(status, _, always)| *always && status.unset().as_number() == Some(404.0));
            if !missing {
                let registered = plain(&path, function, at, order);
                let before = before.map(<[_]>::to_vec).unwrap_or_default();
                found.push((registered, Some(path), before, framework));
            }
        }
        found
    }

    /// Applications that the function which a server is given hands requests to: it stands before
    /// all that they answer.
    fn wrapped(&mut self, apps: &mut [(HostId, App)]) {
        let outer: Vec<(HostId, Value)> = apps
            .iter()
            .filter(|(_, app)| app.framework == Framework::Express)
            .filter(|(_, app)| matches!(app.options, Value::Function(_) | Value::Bound(_)))
            .map(|(id, app)| (*id, app.options.clone()))
            .collect();
        for (id, function) in outer {
            let (answering, _) = self.ask_handler(None, &function, Framework::Express);
            for (own, app) in apps.iter_mut() {
                if *own == id {
                    let at = super::nowhere();
                    let (prefix, function) = (Value::Undefined, function.clone());
                    app.hooks.push(Hook { prefix, function, at, order: 0, is_route: false });
                } else if answering.hands_to.contains(own) {
                    app.parents.push((id, Value::Undefined, usize::MAX));
                }
            }
        }
    }

    /// What a function that answers everything hands other paths to, or all below one that it names,
    /// may answer any of them; the route for all the rest, if it answers that, too.
    fn rest(&mut self, function: &Value, named: &[Found], framework: Framework) -> Option<Found> {
        let mut rest = None;
        let above = named.iter().filter_map(|(_, path, _, _)| path.as_deref());
        for above in std::iter::once("").chain(above) {
            let path = format!("{}{NOWHERE}", above.trim_end_matches('/'));
            let (answering, _) = self.ask_handler(Some(&path), function, framework);
            if let Some(at) = answering.unknown {
                self.gap(Why::Dynamic, at, Hides::Routes);
            }
            let missing = answering.statuses.iter().any(|(status, ..)| {
                status.each().iter().any(|one| one.unset().as_number() == Some(404.0))
            });
            let answers_all = above.is_empty() && !missing && answering.hands_to.is_empty();
            if let Some(at) = answering.sends.filter(|_| answers_all) {
                rest = Some((
                    plain("/*", function, at, 0),
                    Some("/*".to_owned()),
                    Vec::new(),
                    framework,
                ));
            }
        }
        rest
    }

    fn ask_handler(
        &mut self,
        path: Option<&str>,
        handler: &Value,
        framework: Framework,
    ) -> (Answering, Value) {
        let at = super::nowhere();
        let request = self.host(Host { kind: Kind::Request, at, open: None });
        let reply = self.host(Host { kind: Kind::Reply, at, open: None });
        let next = self.host(Host { kind: Kind::Next, at, open: None });
        let args = match framework {
            Framework::Koa | Framework::Hono => vec![reply, next],
            _ => vec![request, reply, next],
        };
        self.answer(path, handler, Args::of(args))
    }

    pub(super) fn guard(
        &mut self,
        path: Option<&str>,
        handlers: &[Value],
        hooks: &[(Option<String>, Hook)],
        order: usize,
        framework: Framework,
    ) -> Guard {
        let mut doubt = self.shadow(path, hooks, order, framework);
        if let Guard::Shadows(_) = doubt {
            return doubt;
        }
        let own = handlers.split_last().map_or(&[][..], |(_, before)| before);
        let mut standing: Vec<(Value, Span, bool)> = Vec::new();
        for (prefix, hook) in hooks {
            let applies = match (prefix.as_deref(), path) {
                // What a regular expression matches is not told.
                (Some(PATTERN), _) => !hook.is_route,
                (Some(pattern), Some(path)) if hook.is_route => {
                    by_order(framework) && covers(pattern, path) == Some(true)
                }
                (Some(prefix), Some(path)) => below(prefix, path),
                _ => !hook.is_route,
            };
            // Order decides but for Fastify, whose hooks hold for all of an instance.
            let of_all = matches!(framework, Framework::Fastify | Framework::Hapi);
            if applies && (of_all || hook.order < order) {
                let sure = prefix.as_deref() != Some(PATTERN);
                standing.push((hook.function.clone(), hook.at, sure));
            }
        }
        for handler in own {
            standing.push((handler.clone(), super::nowhere(), true));
        }
        for (function, at, sure) in standing {
            for one in function.each().to_vec() {
                match self.one_guard(path, &one, at, framework) {
                    Guard::Rejects(at) if sure => return Guard::Rejects(at),
                    Guard::Rejects(at) if doubt == Guard::Open => {
                        doubt = Guard::Unknown(Why::Dynamic, at)
                    }
                    Guard::Unknown(why, at) if doubt == Guard::Open => {
                        doubt = Guard::Unknown(why, at)
                    }
                    _ => {}
                }
            }
        }
        doubt
    }

    /// What is registered before a route and answers what asks for it, where order decides.
    fn shadow(
        &mut self,
        path: Option<&str>,
        hooks: &[(Option<String>, Hook)],
        order: usize,
        framework: Framework,
    ) -> Guard {
        let Some(path) = path.filter(|_| by_order(framework)) else { return Guard::Open };
        // Its router looks for the closest match.
        if self.facts.imports.iter().any(|import| import.package == "restify") {
            return Guard::Open;
        }
        let mut doubt = Guard::Open;
        for (prefix, hook) in hooks.iter().filter(|(_, hook)| hook.order < order) {
            let matches = match prefix {
                Some(pattern) if hook.is_route => covers(pattern, path),
                Some(prefix) => Some(below(prefix, path)),
                None => Some(true),
            };
            let [function @ (Value::Function(_) | Value::Bound(_))] = hook.function.each() else {
                continue;
            };
            let closure = match function {
                Value::Bound(bound) => &bound.1,
                Value::Function(closure) => closure,
                _ => continue,
            };
            // With four parameters it handles errors.
            let params = closure.module.function(closure.function).params.len();
            if matches == Some(false) || params > 3 {
                continue;
            }
            let (answering, _) = self.ask_handler(Some(path), function, framework);
            let passes = answering.next || answering.sends.is_none() && !hook.is_route;
            match (passes, answering.unknown.is_some() || answering.too_large, matches) {
                (true, ..) => {}
                (false, false, Some(true)) => return Guard::Shadows(hook.at),
                // What middleware does that is not followed, its guard says.
                (false, ..) if !hook.is_route => {}
                (false, ..) => doubt = Guard::Unknown(Why::Dynamic, hook.at),
            }
        }
        doubt
    }

    pub(super) fn one_guard(
        &mut self,
        path: Option<&str>,
        function: &Value,
        at: Span,
        framework: Framework,
    ) -> Guard {
        match function {
            Value::External(external) if external.0 == ":guard" => Guard::Rejects(at),
            Value::External(external) if asks_who(external) => Guard::Unknown(Why::Unsupported, at),
            Value::Inert | Value::External(_) | Value::Host(_) | Value::HostMethod(..) => {
                Guard::Open
            }
            Value::Undefined | Value::Null | Value::Bool(_) => Guard::Open,
            Value::Function(_) | Value::Bound(_) => {
                let place = match function {
                    Value::Function(closure) => {
                        closure.module.span(closure.module.function(closure.function).range)
                    }
                    Value::Bound(bound) => {
                        bound.1.module.span(bound.1.module.function(bound.1.function).range)
                    }
                    _ => at,
                };
                let (answering, _) = self.ask_handler(path, function, framework);
                let caught = answering.on_failure.iter().map(|(status, at)| (status, *at));
                let set = answering.statuses.iter().map(|(status, at, _)| (status, *at));
                let denied = set.chain(caught).find(|(status, _)| {
                    status.each().iter().any(|s| {
                        s.unset().as_number().is_some_and(|s| {
                            (400.0..500.0).contains(&s) && s != 429.0 && s != 404.0
                        })
                    })
                });
                if let Some((_, at)) = denied {
                    return Guard::Rejects(at);
                }
                if let Some(at) = answering.checks_credentials {
                    return Guard::Rejects(at);
                }
                if answering.too_large {
                    return Guard::Unknown(Why::TooLarge, place);
                }
                // Whether a probe follows, and where to.
                let elsewhere = answering.redirects.filter(|_| answering.next);
                if let Some(at) = answering.fails.or(answering.unknown).or(elsewhere) {
                    return Guard::Unknown(
                        Why::Dynamic,
                        if at == super::nowhere() { place } else { at },
                    );
                }
                Guard::Open
            }
            _ => Guard::Unknown(Why::Dynamic, at),
        }
    }

    fn answers(
        &mut self,
        path: Option<&str>,
        handler: Option<&Value>,
        framework: Framework,
        at: Span,
    ) -> Option<(Answers, Option<Span>)> {
        let unknown = Some((Answers::Unknown(Why::Dynamic), None));
        let Some(handler) = handler.cloned() else { return unknown };
        let followed = matches!(handler.each(), [Value::Function(_) | Value::Bound(_)]);
        if !followed {
            return unknown;
        }
        let (answering, _) = self.ask_handler(path, &handler, framework);
        let is_silent = framework == Framework::Express && never_answers(&handler);
        let passes = by_order(framework)
            && answering.next
            && answering.sends.is_none()
            && answering.statuses.is_empty()
            && answering.unknown.or(answering.fails).is_none()
            && !answering.too_large;
        let answers = match judge(&answering, at) {
            Answers::Constant(_) | Answers::Depends(_) if is_silent => Answers::Silent(at),
            Answers::Constant(_) | Answers::Depends(_) if passes => return None,
            answers => answers,
        };
        Some((answers, denies(&answering)))
    }
}

/// Whether what a package exports may turn away who brings no credentials, by its name.
pub(super) fn asks_who((package, parts): &(String, Vec<String>)) -> bool {
    const WORDS: [&str; 20] = [
        "auth",
        "jwt",
        "oidc",
        "openid",
        "saml",
        "keycloak",
        "clerk",
        "guard",
        "protect",
        "permission",
        "firewall",
        "ipfilter",
        "ip-filter",
        "allowlist",
        "whitelist",
        "apikey",
        "api-key",
        "signature",
        "login",
        "supertokens",
    ];
    // These only note who asks.
    const NOTES: [&str; 4] = ["initialize", "session", "clerkmiddleware", "loginmanager"];
    let called = parts.iter().rev().map(|part| part.to_ascii_lowercase()).find(|part| part != CALL);
    let notes = called.as_deref().is_some_and(|name| NOTES.contains(&name));
    let names = || std::iter::once(package).chain(parts);
    !notes
        && !package.starts_with(':')
        && names()
            .map(|name| name.to_ascii_lowercase())
            .any(|name| !name.starts_with("author") && WORDS.iter().any(|word| name.contains(word)))
}

/// A path that a function answers by itself.
fn plain(path: &str, function: &Value, at: Span, order: usize) -> Registered {
    Registered {
        method: "*".to_owned(),
        path: Value::text(path),
        handlers: vec![function.clone()],
        at,
        order,
        inherits: true,
        off: Vec::new(),
    }
}

/// Whether a handler of Express has nothing to answer with: it names neither its second parameter
/// nor its third.
fn never_answers(handler: &Value) -> bool {
    let Value::Function(closure) = handler else { return false };
    let (module, function) = (&closure.module, closure.module.function(closure.function));
    let mut given = Vec::new();
    for param in &function.params {
        match &module.pattern(param.pattern).kind {
            PatternKind::Name(name) if param.rest == Spread::No => given.push(&**name),
            _ => return false,
        }
    }
    let range = function.range;
    let inside = |at: TextRange| range.start <= at.start && at.end <= range.end;
    !module.exprs().filter(|(_, expr)| inside(expr.range)).any(|(_, expr)| match &expr.kind {
        ExprKind::Name(name) => {
            **name == *"arguments" || given.iter().skip(1).any(|given| **given == **name)
        }
        // `request.res.end()`.
        ExprKind::Member { name, .. } => **name == *"res",
        _ => false,
    })
}

/// Where a handler itself turns away who brings no credentials.
pub(super) fn denies(answering: &Answering) -> Option<Span> {
    let denied = |status: &Value| matches!(status.unset().as_number(), Some(401.0 | 403.0));
    let mut all = answering.statuses.iter();
    all.find(|(status, ..)| status.each().iter().any(denied)).map(|&(_, at, _)| at)
}

/// What a handler's deeds amount to.
pub(super) fn judge(answering: &Answering, at: Span) -> Answers {
    if answering.too_large {
        return Answers::Unknown(Why::TooLarge);
    }
    let mut statuses: Vec<(Option<f64>, Span, bool)> = Vec::new();
    for (value, at, always) in &answering.statuses {
        let all = value.each();
        for one in all {
            statuses.push((one.unset().as_number(), *at, *always && all.len() == 1));
        }
    }
    // What is set where something was caught counts where something may fail.
    if !answering.asks.is_empty() || answering.unknown.is_some() || answering.fails.is_some() {
        for (value, at) in &answering.on_failure {
            statuses.extend(value.each().iter().map(|one| (one.unset().as_number(), *at, false)));
        }
    }
    let is_error = |status: &Option<f64>| status.is_some_and(|status| status >= 400.0);
    let error = statuses.iter().find(|(status, _, _)| is_error(status));
    let fine = statuses.iter().any(|(status, _, _)| status.is_some_and(|status| status < 400.0));
    if let Some((Some(status), at, true)) = error
        && !fine
    {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an HTTP status"
        )]
        return Answers::Error(*status as u16, *at);
    }
    let open = statuses.iter().find(|(status, _, _)| status.is_none());
    let asks = answering.asks.first();
    let loud = answering.asks.iter().find(|(_, caught)| !caught);
    match (asks, error, answering.unknown) {
        // What it asks decides, whether by a status or by failing.
        (Some((ask, _)), Some(_), _) => Answers::Depends(*ask),
        (Some(_), None, _) if loud.is_some() => Answers::Depends(loud.map_or(at, |(ask, _)| *ask)),
        (_, None, _) if answering.fails.is_some() && asks.is_some() => {
            Answers::Depends(answering.fails.unwrap_or(at))
        }
        (_, _, Some(_)) => Answers::Unknown(Why::Dynamic),
        // Whether a probe follows, and what it meets there.
        _ if answering.redirects.is_some() => Answers::Unknown(Why::Dynamic),
        _ if open.is_some() => Answers::Unknown(Why::Dynamic),
        (None, Some((_, error, _)), None) => Answers::Depends(*error),
        // It does nothing but throw.
        (None, None, None) if answering.sends.is_none() && !answering.next => {
            match answering.fails {
                Some(at) if answering.throws => Answers::Error(500, at),
                Some(_) => Answers::Unknown(Why::Dynamic),
                None => Answers::Constant(at),
            }
        }
        (None, None, None) if answering.fails.is_some() => Answers::Unknown(Why::Dynamic),
        (_, None, None) => Answers::Constant(answering.sends.unwrap_or(at)),
    }
}

/// The ways from applications that listen down to `id`.
fn ways(apps: &[(HostId, App)], id: HostId, depth: usize, open: bool) -> Vec<Way> {
    let Some((_, app)) = apps.iter().find(|(other, _)| *other == id) else { return Vec::new() };
    let own = |way: &mut Way| {
        way.prefix = match (&way.prefix, &app.prefix) {
            (prefix, Value::Undefined | Value::Null) => prefix.clone(),
            (prefix, own) => join(prefix.as_deref(), own),
        };
        way.hooks.extend(standing(app, way.prefix.as_deref()));
        way.hooks.extend(passed(apps, id, way.prefix.as_deref(), 0));
    };
    let mut all = Vec::new();
    if app.parents.is_empty() || app.listens {
        // A root that nothing makes listen answers nobody.
        if app.listens || (open && app.parents.is_empty()) {
            let mut way = Way { prefix: Some(String::new()), hooks: Vec::new() };
            own(&mut way);
            all.push(way);
        }
        return all;
    }
    if depth > MAX_MOUNTS {
        return all;
    }
    for (parent, prefix, order) in app.parents.iter().take(16) {
        let framework =
            apps.iter().find(|(other, _)| other == parent).map(|(_, app)| app.framework);
        for mut way in ways(apps, *parent, depth + 1, open).into_iter().take(16) {
            if !matches!(framework, Some(Framework::Fastify | Framework::Hapi)) {
                way.hooks.retain(|(_, hook)| hook.order < *order);
            }
            // From here on, what stood before the mount stands before all.
            for (_, hook) in &mut way.hooks {
                hook.order = 0;
            }
            way.prefix = match prefix {
                Value::Undefined | Value::Null => way.prefix,
                prefix => join(way.prefix.as_deref(), prefix),
            };
            own(&mut way);
            all.push(way);
        }
    }
    all
}

/// What stands in an application before what is registered after it, below its prefix.
fn standing(app: &App, above: Option<&str>) -> Vec<(Option<String>, Hook)> {
    let hooks = app.hooks.iter().map(|hook| {
        let prefix = match &hook.prefix {
            Value::Undefined => None,
            Value::Regex => Some(PATTERN.to_owned()),
            prefix => Some(join(above, prefix).unwrap_or_default()),
        };
        (prefix, hook.clone())
    });
    // A pattern that is registered first answers in place of what it matches.
    let patterns = app.routes.iter().filter(|_| by_order(app.framework)).filter_map(|route| {
        let gets = matches!(&*route.method, "GET" | "HEAD" | "*" | "ALL");
        let pattern = match &route.path {
            Value::Regex => PATTERN.to_owned(),
            path => join(above, path)?,
        };
        let wide = gets && pattern.contains(['*', ':', '(', '{']);
        wide.then_some((route, pattern))
    });
    let patterns = patterns.take(MAX_PATTERNS).flat_map(|(route, pattern)| {
        route.handlers.iter().map(move |function| {
            let (prefix, function) = (route.path.clone(), function.clone());
            let (at, order) = (route.at, route.order);
            (Some(pattern.clone()), Hook { prefix, function, at, order, is_route: true })
        })
    });
    hooks.chain(patterns).collect()
}

/// What stands in routers that are mounted on an application, where a request goes through them to
/// what is registered after them: not through those of Koa, which answer what they match only.
fn passed(
    apps: &[(HostId, App)],
    id: HostId,
    above: Option<&str>,
    depth: usize,
) -> Vec<(Option<String>, Hook)> {
    let goes_through = |app: &App| matches!(app.framework, Framework::Express | Framework::Hono);
    let is_one = apps.iter().any(|(own, app)| *own == id && goes_through(app));
    if !is_one || depth > MAX_MOUNTS {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (child, app) in apps.iter().filter(|(_, app)| goes_through(app)) {
        for (_, mount, order) in app.parents.iter().filter(|(parent, ..)| *parent == id).take(16) {
            let own = match mount {
                Value::Undefined | Value::Null => above.map(str::to_owned),
                prefix => join(above, prefix),
            };
            let Some(own) = own else { continue };
            let mut inside = standing(app, Some(&own));
            inside.extend(passed(apps, *child, Some(&own), depth + 1));
            all.extend(inside.into_iter().map(|(prefix, hook)| {
                let whole = || (own != "/" && !own.is_empty()).then(|| own.clone());
                (prefix.or_else(whole), Hook { order: *order, ..hook })
            }));
        }
    }
    all
}

/// A path below a prefix; `None` where either is not known.
pub(super) fn join(prefix: Option<&str>, path: &Value) -> Option<String> {
    let prefix = prefix?;
    let path = match path.unset() {
        Value::Undefined => "".into(),
        path => path.as_text()?,
    };
    let mut all = String::with_capacity(prefix.len() + path.len() + 1);
    for part in prefix.split('/').chain(path.split('/')).filter(|part| !part.is_empty()) {
        all.push('/');
        all.push_str(part);
    }
    if all.is_empty() {
        all.push('/');
    }
    Some(all)
}

/// Whether the first of an application's routes that matches answers.
fn by_order(framework: Framework) -> bool {
    matches!(framework, Framework::Express | Framework::Koa | Framework::Hono)
}

/// Whether a pattern of a route matches a path; `None` where it is more than names, parameters and
/// a wildcard at its end.
fn covers(pattern: &str, path: &str) -> Option<bool> {
    let mut parts = path.trim_matches('/').split('/').filter(|part| !part.is_empty());
    for own in pattern.split('/').filter(|part| !part.is_empty()) {
        let rest = own.starts_with('*') || own.starts_with("{*") || own == "(.*)";
        if rest && pattern.ends_with(own) {
            return Some(true);
        }
        let Some(part) = parts.next() else { return Some(false) };
        match own.strip_prefix(':') {
            Some(name) if name.contains(['(', '*', '?', '+', '-', '.', '{']) => return None,
            Some(_) => {}
            None if own.contains(['(', '*', '?', '+', '{', '[']) => return None,
            None if !own.eq_ignore_ascii_case(part) => return Some(false),
            None => {}
        }
    }
    Some(parts.next().is_none())
}

/// Whether a path lies below a hook's prefix.
fn below(prefix: &str, path: &str) -> bool {
    let prefix = prefix.trim_end_matches('*').trim_end_matches('/');
    prefix.is_empty()
        || path == prefix
        || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}
