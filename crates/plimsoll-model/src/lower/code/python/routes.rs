//! Routes with every prefix, what stands before them, and what they answer.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use plimsoll_source::Span;
use plimsoll_syntax::program::{ExprId, ExprKind, PatternKind, Spread};

use super::super::eval::{Answering, Args, Eval, Here, method};
use super::super::host::{Host, Kind};
use super::super::routes::{asks_who, denies, join, judge};
use super::super::value::{ClassValue, Closure, HostId, Object, Value};
use super::Thing;
use super::http::{Framework, Registered};
use super::language::param_name;
use crate::Why;
use crate::code::{Answers, Guard, Route};

/// Routes that are listed.
const MAX_ROUTES: usize = 2_000;
/// Routers within routers.
const MAX_MOUNTS: usize = 12;

/// A way down to a router.
#[derive(Clone)]
struct Way {
    app: HostId,
    prefix: Option<String>,
    guards: Vec<(Value, Span)>,
    hooks: Vec<(Value, Span)>,
}

impl Eval<'_> {
    /// All routes that are reached from an application that is served.
    pub(in super::super) fn py_routes(&mut self) -> Vec<Route> {
        let mut ways = Vec::new();
        for index in 0..self.hosts.len() {
            let id = HostId(index);
            let Some(app) = self.py_app_mut(id).map(|app| app.clone()) else { continue };
            if app.serves {
                let way = Way {
                    app: id,
                    prefix: Some(String::new()),
                    guards: Vec::new(),
                    hooks: Vec::new(),
                };
                self.py_ways(way, None, 0, &mut ways);
            }
        }
        let mut found: Vec<(Registered, Way)> = Vec::new();
        // Patterns that the same application has before a route, of which the first answers.
        let mut shadows: BTreeMap<Span, Vec<(String, Span)>> = BTreeMap::new();
        for way in ways {
            let Some(app) = self.py_app_mut(way.app).map(|app| app.clone()) else { continue };
            let by_order = app.framework == Framework::Starlette;
            let mut before: Vec<(String, Span)> = Vec::new();
            for route in app.routes {
                if by_order && !before.is_empty() {
                    shadows.entry(route.at).or_default().extend(before.iter().cloned());
                }
                let pattern = join(way.prefix.as_deref(), &route.path);
                let gets = route.methods.iter().any(|method| matches!(&**method, "GET" | "*"));
                before.extend(
                    pattern
                        .filter(|pattern| gets && pattern.contains('{') && before.len() < 64)
                        .map(|pattern| (pattern, route.at)),
                );
                found.push((route, way.clone()));
            }
        }
        found.truncate(MAX_ROUTES);
        let mut routes = Vec::new();
        for (route, way) in found {
            let path = join(way.prefix.as_deref(), &self.settled(route.path.clone()));
            let reads =
                route.methods.iter().any(|method| matches!(&**method, "GET" | "HEAD" | "*"));
            let mut guard = self.py_guard(path.as_deref(), &route, &way);
            let answers = if reads {
                let is_starlette =
                    |app: &mut super::http::App| app.framework == Framework::Starlette;
                let asks = self.py_app_mut(way.app).is_some_and(is_starlette);
                let required = asks.then(|| py_required(path.as_deref(), &route.handler)).flatten();
                let (answers, denies) = match required {
                    Some(at) => (Answers::Error(422, at), None),
                    None => self.py_answers(path.as_deref(), &route),
                };
                if let (Guard::Open, Some(denies)) = (guard, denies) {
                    guard = Guard::Rejects(denies);
                }
                answers
            } else {
                Answers::Unknown(Why::Unsupported)
            };
            let before = shadows.get(&route.at).filter(|_| guard == Guard::Open);
            let shadow = before.and_then(|all| {
                let path = path.as_deref()?;
                all.iter().find(|(pattern, _)| covers(pattern, path)).map(|(_, at)| *at)
            });
            guard = shadow.map_or(guard, Guard::Shadows);
            let at = route.at;
            for method in &route.methods {
                routes.push(Route {
                    loose: false,
                    method: method.clone(),
                    path: self.path(path.clone(), at),
                    at,
                    guard,
                    answers: answers.clone(),
                });
            }
        }
        routes.sort_by(|a, b| (a.path.known(), a.at).cmp(&(b.path.known(), b.at)));
        routes
    }

    fn py_ways(&mut self, mut way: Way, instead: Option<Value>, depth: usize, all: &mut Vec<Way>) {
        let Some(app) = self.py_app_mut(way.app).map(|app| app.clone()) else { return };
        if depth > MAX_MOUNTS || all.len() > MAX_ROUTES {
            return;
        }
        let own = self.settled(instead.unwrap_or(app.prefix));
        way.prefix = join(way.prefix.as_deref(), &own);
        way.guards.extend(app.guards);
        way.hooks.extend(app.hooks);
        all.push(way.clone());
        for child in app.children {
            let mut below = way.clone();
            below.app = child.app;
            below.guards.extend(child.guards);
            let instead = child.instead.then(|| child.prefix.clone());
            if instead.is_none() {
                let own = self.settled(child.prefix.clone());
                below.prefix = join(below.prefix.as_deref(), &own);
            }
            self.py_ways(below, instead, depth + 1, all);
        }
    }

    fn py_guard(&mut self, path: Option<&str>, route: &Registered, way: &Way) -> Guard {
        let mut doubt = Guard::Open;
        let mut heed = |one: Guard| match one {
            Guard::Rejects(at) => Some(at),
            Guard::Unknown(why, at) => {
                if doubt == Guard::Open {
                    doubt = Guard::Unknown(why, at);
                }
                None
            }
            Guard::Open | Guard::Shadows(_) => None,
        };
        let guards = way.guards.iter().chain(&route.guards).cloned();
        let mut standing: Vec<(Value, Span)> = guards.collect();
        standing.extend(way.hooks.iter().cloned());
        standing.extend(self.py_dependencies(&route.handler, route.at));
        for (value, at) in standing {
            for one in value.each().to_vec() {
                let guard = self.py_one_guard(path, &one, at, 0);
                if let Some(at) = heed(guard) {
                    return Guard::Rejects(at);
                }
            }
        }
        if self.py_closure(&route.handler).is_none() {
            heed(Guard::Unknown(Why::Dynamic, route.at));
        }
        if let Some(Thing::View(Value::Class(class))) = self.thing_of(&route.handler) {
            let guard = self.py_view_guard(&Rc::clone(class), route.at, 0);
            if let Some(at) = heed(guard) {
                return Guard::Rejects(at);
            }
        }
        // Decorators of packages around the handler.
        let mut inner = route.handler.clone();
        while let Some(Thing::Wrapped(wrapped)) = self.thing_of(&inner) {
            let (next, name, at) = (**wrapped).clone();
            let name = name.to_lowercase();
            let is_auth = ["login", "auth", "jwt", "token", "permission", "protected"];
            // `@permission_classes([…])` lets in whom its list names.
            let by_list = name.ends_with("_classes");
            // What lets everyone in is named after what it does not ask.
            let opens = ["not_required", "exempt", "optional", "public"];
            if !by_list
                && !opens.iter().any(|word| name.contains(word))
                && is_auth.iter().any(|word| name.contains(word))
            {
                return Guard::Rejects(at);
            }
            heed(Guard::Unknown(Why::Unsupported, at));
            inner = next;
        }
        doubt
    }

    /// What the classes of a view ask of a request: a mixin may turn it away.
    fn py_view_guard(&mut self, class: &Rc<ClassValue>, at: Span, depth: usize) -> Guard {
        if depth > 8 {
            return Guard::Unknown(Why::TooLarge, at);
        }
        let here = Here {
            module: Arc::clone(&class.module),
            scope: Rc::clone(&class.scope),
            this: Value::Undefined,
            home: None,
        };
        let module = Arc::clone(&class.module);
        let mut doubt = Guard::Open;
        for base in &module.class(class.class).bases {
            let guard = match self.expr(&here, base.value) {
                Value::Class(base) => self.py_view_guard(&base, at, depth + 1),
                Value::External(path) => guard_of_base(&path, at),
                _ => Guard::Unknown(Why::Dynamic, at),
            };
            match guard {
                Guard::Rejects(_) => return guard,
                Guard::Unknown(..) if doubt == Guard::Open => doubt = guard,
                _ => {}
            }
        }
        doubt
    }

    /// What a handler's parameters depend on.
    fn py_dependencies(&mut self, handler: &Value, at: Span) -> Vec<(Value, Span)> {
        let Some(closure) = self.py_closure(handler) else { return Vec::new() };
        let mut found = Vec::new();
        for (_, value) in self.py_filled(&closure) {
            if matches!(self.thing_of(&value), Some(Thing::Depends(_))) {
                found.push((value, at));
            }
        }
        found
    }

    /// The function behind a handler.
    fn py_closure(&self, handler: &Value) -> Option<(Closure, Value)> {
        let mut handler = handler.clone();
        for _ in 0..8 {
            match &handler {
                Value::Function(closure) => return Some(((**closure).clone(), Value::Undefined)),
                Value::Bound(bound) => return Some((bound.1.clone(), bound.0.clone())),
                Value::Class(class) => {
                    let (closure, _) = method(class, "get", false)?;
                    return Some((closure, Value::Inert));
                }
                other => match self.thing_of(other)? {
                    Thing::Wrapped(inner) => handler = inner.0.clone(),
                    Thing::View(class) => handler = class.clone(),
                    _ => return None,
                },
            }
        }
        None
    }

    /// The parameters of a function that its framework fills in.
    fn py_filled(&mut self, closure: &(Closure, Value)) -> Vec<(Box<str>, Value)> {
        let (closure, this) = closure;
        let module = Arc::clone(&closure.module);
        let here = Here {
            module: Arc::clone(&module),
            scope: Rc::clone(&closure.scope),
            this: this.clone(),
            home: closure.home.clone(),
        };
        let mut filled = Vec::new();
        let params = &module.function(closure.function).params;
        let skipped = usize::from(closure.home.is_some() && !matches!(this, Value::Undefined));
        for (index, param) in params.iter().enumerate().skip(skipped) {
            let Some(name) = param_name(&here, param.pattern) else { continue };
            if param.rest != Spread::No {
                continue;
            }
            let extras: Vec<Value> =
                param.decorators.iter().map(|&one| self.expr(&here, one)).collect();
            let of_type = param.of_type.as_deref();
            let injected = self.py_injected(&here, of_type, &extras);
            let default = self.py_param_default(&here, param.pattern);
            let value = match (injected, default, of_type) {
                (Some(value), _, _) => value,
                (None, Some(value), _) => value,
                (None, None, Some("Request" | "HttpRequest" | "HTTPConnection")) => {
                    self.py_request()
                }
                (None, None, Some("Response")) => {
                    self.host(Host { kind: Kind::Reply, at: super::super::nowhere(), open: None })
                }
                _ if index == skipped && &*name == "request" => self.py_request(),
                _ => Value::Inert,
            };
            filled.push((name, value));
        }
        filled
    }

    fn py_request(&mut self) -> Value {
        self.thing(Thing::Request, super::super::nowhere())
    }

    /// Asks a function as a request does.
    fn py_ask(
        &mut self,
        path: Option<&str>,
        handler: &Value,
        depth: usize,
    ) -> Option<(Answering, Value)> {
        let closure = self.py_closure(handler)?;
        let filled = self.py_filled(&closure);
        let mut asks = Vec::new();
        let mut args = Args::default();
        for (name, value) in filled {
            let value = match self.thing_of(&value) {
                Some(Thing::Depends(of)) => {
                    let of = of.clone();
                    let (asked, value) = self.py_dependency(path, &of, depth + 1);
                    asks.extend(asked);
                    value
                }
                _ => value,
            };
            args.named.push((name, value));
        }
        let (closure, this) = closure;
        let function = match this {
            Value::Undefined => Value::Function(Rc::new(closure)),
            this => Value::Bound(Rc::new((this, closure))),
        };
        let (mut answering, value) = self.answer(path, &function, args);
        answering.asks.extend(asks);
        Some((answering, value))
    }

    /// What a dependency asks, and its value.
    fn py_dependency(
        &mut self,
        path: Option<&str>,
        of: &Value,
        depth: usize,
    ) -> (Vec<(Span, bool)>, Value) {
        if depth > 8 {
            return (Vec::new(), Value::Unknown);
        }
        let of = self.py_callable(of).unwrap_or_else(|| of.clone());
        if let Value::Class(class) = &of {
            let made =
                self.construct(&Rc::clone(class), Args { open: true, ..Args::default() }, None);
            return (Vec::new(), made);
        }
        if let Some(state) = self.state() {
            state.yielded = None;
        }
        let generator = match &of {
            Value::Function(closure) => closure.module.function(closure.function).is_generator,
            Value::Bound(bound) => bound.1.module.function(bound.1.function).is_generator,
            _ => false,
        };
        match self.py_ask(path, &of, depth) {
            Some((answering, value)) => {
                let yielded = self.state().and_then(|state| state.yielded.take());
                let value = if generator { yielded.unwrap_or(Value::Unknown) } else { value };
                (answering.asks, value)
            }
            None => (Vec::new(), Value::Unknown),
        }
    }

    fn py_one_guard(&mut self, path: Option<&str>, value: &Value, at: Span, depth: usize) -> Guard {
        if depth > 8 {
            return Guard::Unknown(Why::TooLarge, at);
        }
        let value = match self.thing_of(value) {
            Some(Thing::Depends(of)) => of.clone(),
            _ => value.clone(),
        };
        match &value {
            Value::External(path) if path.0 == ":guard" => return Guard::Rejects(at),
            // Middleware of packages.
            Value::External(path) => {
                let name = path.1.last().map_or("", String::as_str).to_lowercase();
                let known = matches!(path.0.as_str(), "starlette" | "fastapi");
                let asks = ["auth", "trustedhost", "httpsredirect", "apikey", "jwt", "csrf"];
                return if asks.iter().any(|word| name.contains(word)) {
                    Guard::Unknown(Why::NeedsRun, at)
                } else if asks_who(path) {
                    Guard::Unknown(Why::Unsupported, at)
                } else if known || !name.contains("middleware") {
                    Guard::Open
                } else {
                    Guard::Unknown(Why::Unsupported, at)
                };
            }
            Value::Inert | Value::Undefined | Value::Null => return Guard::Open,
            Value::Unknown => return Guard::Unknown(Why::Dynamic, at),
            _ => {}
        }
        let value = self.py_callable(&value).unwrap_or(value);
        // A class as middleware: `dispatch`, `__call__`.
        let function = match &value {
            Value::Class(class) => {
                let found =
                    ["dispatch", "__call__"].iter().find_map(|name| method(class, name, false));
                match found {
                    // Its own methods are known, what its constructor is given is not.
                    Some((closure, _)) => {
                        let class = Some(Rc::clone(class));
                        let branch = self.branch;
                        let own = Object { class, branch, open: true, ..Object::default() };
                        let own = Value::Object(self.object(own));
                        Value::Bound(Rc::new((own, closure)))
                    }
                    // A dependency that is a class: what it is made with.
                    None => return Guard::Open,
                }
            }
            other => other.clone(),
        };
        for (inner, at) in self.py_dependencies(&function, at) {
            match self.py_one_guard(path, &inner, at, depth + 1) {
                Guard::Open => {}
                other => return other,
            }
        }
        let Some((answering, answered)) = self.py_ask(path, &function, 0) else {
            return Guard::Unknown(Why::Dynamic, at);
        };
        let denies = |status: &Value| {
            status.each().iter().any(|one| {
                one.unset()
                    .as_number()
                    .is_some_and(|s| (400.0..500.0).contains(&s) && s != 404.0 && s != 429.0)
            })
        };
        if let Some((_, at, _)) = answering.statuses.iter().find(|(status, _, _)| denies(status)) {
            return Guard::Rejects(*at);
        }
        for one in answered.each() {
            if let Some(items) = self.items(one)
                && items.get(1).is_some_and(denies)
            {
                return Guard::Rejects(self.py_place(&function).unwrap_or(at));
            }
        }
        match answering.fails.or(answering.unknown) {
            Some(_) => Guard::Unknown(Why::Dynamic, self.py_place(&function).unwrap_or(at)),
            None => Guard::Open,
        }
    }

    fn py_answers(&mut self, path: Option<&str>, route: &Registered) -> (Answers, Option<Span>) {
        // What a decorator of a package makes of it is not known.
        if matches!(self.thing_of(&route.handler), Some(Thing::Wrapped(_))) {
            return (Answers::Unknown(Why::Unsupported), None);
        }
        let Some((mut answering, answered)) = self.py_ask(path, &route.handler, 0) else {
            return (Answers::Unknown(Why::Dynamic), None);
        };
        // `return body, 503`.
        let all = answered.each();
        for one in all {
            if let Some(items) = self.items(one)
                && let Some(status @ (Value::Number(_) | Value::Any(_))) = items.get(1)
            {
                answering.statuses.push((status.clone(), route.at, all.len() == 1));
            }
        }
        if let Value::Number(_) = route.status {
            answering.statuses.push((route.status.clone(), route.at, false));
        }
        let at = self.py_place(&route.handler).unwrap_or(route.at);
        (judge(&answering, at), denies(&answering))
    }

    fn py_param_default(
        &mut self,
        here: &Here,
        pattern: plimsoll_syntax::program::PatternId,
    ) -> Option<Value> {
        match here.module.pattern(pattern).kind {
            PatternKind::Default { value, .. } => Some(self.expr(here, value)),
            _ => None,
        }
    }
}

/// A parameter of a handler that FastAPI takes from the request and that a probe does not send.
fn py_required(path: Option<&str>, handler: &Value) -> Option<Span> {
    let Value::Function(closure) = handler else { return None };
    let module = &closure.module;
    let text = |id: ExprId| match &module.expr(id).kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(&**name),
        _ => None,
    };
    let given = |name: &str| path.is_none_or(|path| path.contains(&format!("{{{name}")));
    let mut params = module.function(closure.function).params.iter();
    let param = params.find(|param| {
        let plain = matches!(param.of_type.as_deref(), Some("str" | "int" | "float" | "bool"));
        let pattern = module.pattern(param.pattern);
        let (name, default) = match &pattern.kind {
            PatternKind::Name(name) => (Some(&**name), None),
            PatternKind::Default { pattern, value } => {
                let name = match &module.pattern(*pattern).kind {
                    PatternKind::Name(name) => Some(&**name),
                    _ => None,
                };
                (name, Some(*value))
            }
            _ => (None, None),
        };
        // `x: str = Header()`, and `Header(...)`.
        let asks = default.is_none_or(|default| match &module.expr(default).kind {
            ExprKind::Call { callee, args, .. } => {
                let plain = args.iter().all(|arg| match arg.name.as_deref() {
                    None => matches!(&module.expr(arg.value).kind, ExprKind::Name(n) if **n == *"Ellipsis"),
                    Some(name) => !matches!(name, "default" | "default_factory"),
                });
                plain && matches!(text(*callee), Some("Header" | "Query" | "Cookie"))
            }
            _ => false,
        });
        // What `Annotated` adds may be a default.
        let bare = param.decorators.is_empty() && param.rest == Spread::No;
        plain && bare && asks && name.is_some_and(|name| !given(name))
    })?;
    Some(module.span(module.pattern(param.pattern).range))
}

/// Whether a path of Starlette's fits a pattern: a parameter takes one part, `{x:path}` the rest.
fn covers(pattern: &str, path: &str) -> bool {
    let mut parts = path.trim_start_matches('/').split('/');
    for own in pattern.trim_start_matches('/').split('/') {
        let param = own.strip_prefix('{').and_then(|own| own.strip_suffix('}'));
        if param.is_some_and(|param| param.ends_with(":path")) {
            return true;
        }
        let Some(part) = parts.next() else { return false };
        match param {
            // Other types take but what looks like them.
            Some(param) if param.contains(':') && !param.ends_with(":str") => return false,
            Some(_) if !part.is_empty() => {}
            None if own == part => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

/// What a class of a package asks of a request.
fn guard_of_base((package, names): &(String, Vec<String>), at: Span) -> Guard {
    const MIXINS: [&str; 3] =
        ["LoginRequiredMixin", "PermissionRequiredMixin", "UserPassesTestMixin"];
    let name = names.last().map_or("", String::as_str);
    let from = |wanted: &str| package == wanted || package.starts_with(&format!("{wanted}."));
    if MIXINS.contains(&name) {
        Guard::Rejects(at)
    } else if from("django") || from("flask") {
        Guard::Open
    } else {
        Guard::Unknown(Why::Unsupported, at)
    }
}
