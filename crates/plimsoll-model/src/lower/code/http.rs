//! HTTP frameworks: applications, routers, what is mounted where, and who listens.

use std::collections::BTreeMap;

use plimsoll_source::{FileId, Span};
use plimsoll_syntax::program::{ExprKind, Module, PatternKind};

use super::eval::{Args, Eval, Phase};
use super::facts::Listening;
use super::host::{Host, Kind};
use super::value::{HostId, Object, ObjectId, Value};
use crate::Why;
use crate::code::{Hides, Resource};
use crate::path;

/// Whose rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framework {
    /// Express, restify and what is like them: in order of registration.
    Express,
    /// Fastify: hooks hold for their whole instance.
    Fastify,
    Koa,
    Hono,
    Hapi,
    /// Nest, before whose routes the platform's middleware stands.
    Nest,
}

/// An application or router.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) framework: Framework,
    pub(super) prefix: Value,
    pub(super) routes: Vec<Registered>,
    pub(super) hooks: Vec<Hook>,
    /// Where it is mounted: on what, below what, and when.
    pub(super) parents: Vec<(HostId, Value, usize)>,
    pub(super) on_close: Vec<Value>,
    pub(super) locals: ObjectId,
    pub(super) decorated: BTreeMap<String, Value>,
    pub(super) listens: bool,
    /// `app.route('/x')`: its methods take no path.
    pub(super) is_route: bool,
    pub(super) options: Value,
    /// What it asks of every request (Hapi's `server.auth.default`).
    pub(super) asks_all: Option<Span>,
}

/// A registered route.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) method: String,
    pub(super) path: Value,
    pub(super) handlers: Vec<Value>,
    pub(super) at: Span,
    pub(super) order: usize,
    /// What the server asks of every request by default holds for it (Hapi).
    pub(super) inherits: bool,
    /// The variables without which it is not registered.
    pub(super) off: Vec<String>,
}

/// What stands before routes.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) prefix: Value,
    pub(super) function: Value,
    pub(super) at: Span,
    pub(super) order: usize,
    /// It is a route by a pattern, which answers what is registered after it, too.
    pub(super) is_route: bool,
}

/// Files below a directory of plugins.
const MAX_PLUGINS: usize = 1_000;

/// `module.exports.name = 'text'` of a module whose export is a function.
fn assigned(module: &Module, name: &str) -> Option<Value> {
    module.exprs().find_map(|(_, expr)| {
        let ExprKind::Assign { target, value, .. } = &expr.kind else { return None };
        let PatternKind::Target(target) = module.pattern(*target).kind else { return None };
        let named = matches!(&module.expr(target).kind, ExprKind::Member { name: own, .. } if **own == *name);
        named.then(|| match &module.expr(*value).kind {
            ExprKind::Text(text) => Value::text(text),
            ExprKind::Bool(value) => Value::Bool(*value),
            _ => Value::Unknown,
        })
    })
}

const VERBS: [&str; 10] =
    ["get", "post", "put", "patch", "delete", "del", "options", "head", "all", "opts"];

impl Eval<'_> {
    fn app(&mut self, framework: Framework, options: Value, at: Span) -> Value {
        let locals = self.object(Object { open: true, ..Object::default() });
        let prefix = self.option(&options, "prefix");
        let app = App {
            framework,
            prefix: if framework == Framework::Koa { prefix } else { Value::Undefined },
            routes: Vec::new(),
            hooks: Vec::new(),
            parents: Vec::new(),
            on_close: Vec::new(),
            locals,
            decorated: BTreeMap::new(),
            listens: false,
            is_route: false,
            options,
            asks_all: None,
        };
        self.host(Host { kind: Kind::App(Box::new(app)), at, open: None })
    }

    /// An application of a framework that is read elsewhere.
    pub(super) fn framework_app(&mut self, framework: Framework, at: Span) -> Value {
        self.app(framework, Value::Undefined, at)
    }

    pub(super) fn app_mut(&mut self, id: HostId) -> Option<&mut App> {
        match &mut self.hosts.get_mut(id.0)?.kind {
            Kind::App(app) => Some(app),
            _ => None,
        }
    }

    /// Functions of HTTP packages; `None` where it is none.
    pub(super) fn http_external(
        &mut self,
        package: &str,
        name: &str,
        args: &Args,
        _new: bool,
        at: Span,
    ) -> Option<Value> {
        Some(match (package, name) {
            ("express", "" | "Router" | "express") | ("restify", "createServer") => {
                let strict = self.option(&args.get(0), "strict");
                self.strict_routing |= !matches!(strict, Value::Undefined | Value::Bool(false));
                self.app(Framework::Express, Value::Undefined, at)
            }
            ("express-promise-router", "") => self.app(Framework::Express, Value::Undefined, at),
            ("fastify", "" | "fastify") => self.app(Framework::Fastify, args.get(0), at),
            ("koa", "") => self.app(Framework::Koa, Value::Undefined, at),
            ("koa-router" | "@koa/router", "" | "Router") => {
                let strict = self.option(&args.get(0), "strict");
                self.strict_routing |= !matches!(strict, Value::Undefined | Value::Bool(false));
                self.app(Framework::Koa, args.get(0), at)
            }
            ("hono", "Hono") | ("@hono/zod-openapi", "OpenAPIHono") => {
                self.app(Framework::Hono, Value::Undefined, at)
            }
            ("@hono/node-server", "serve") => {
                let options = args.get(0);
                let answers = match self.option(&options, "fetch") {
                    Value::HostMethod(app, _) => Value::Host(app),
                    _ => options.clone(),
                };
                let port = match self.option(&options, "port") {
                    Value::Undefined => Value::Number(3000.0),
                    port => port,
                };
                let host = self.option(&options, "hostname");
                self.listens(&answers, port, host, args.get(1), at)
            }
            // `mount('/prefix', app)`.
            ("koa-mount", "") => {
                let wrapper = self.app(Framework::Koa, Value::Undefined, at);
                let (prefix, inner) = match args.get(0) {
                    prefix @ (Value::Text(_) | Value::Env(_)) => (prefix, args.get(1)),
                    inner => (Value::Undefined, inner),
                };
                if let Value::Host(id) = wrapper {
                    let order = self.now().sequence;
                    match self.root(&inner) {
                        Some(child) => {
                            if let Some(child) = self.app_mut(child) {
                                child.parents.push((id, prefix, order));
                            }
                        }
                        None => {
                            let hook = Hook { prefix, function: inner, at, order, is_route: false };
                            if let Some(app) = self.app_mut(id) {
                                app.hooks.push(hook);
                            }
                        }
                    }
                }
                wrapper
            }
            ("@hapi/boom" | "boom" | "http-errors", name) => {
                let status = match name.rsplit('.').next().unwrap_or(name) {
                    "unauthorized" | "Unauthorized" => Value::Number(401.0),
                    "forbidden" | "Forbidden" => Value::Number(403.0),
                    "notFound" | "NotFound" => Value::Number(404.0),
                    "serverUnavailable" | "ServiceUnavailable" => Value::Number(503.0),
                    "internal" | "badImplementation" | "InternalServerError" => {
                        Value::Number(500.0)
                    }
                    "" if package == "http-errors" => args.get(0),
                    _ => Value::Unknown,
                };
                self.status(status, at);
                Value::Inert
            }
            (
                "next/server",
                "NextResponse"
                | "NextResponse.json"
                | "NextResponse.next"
                | "NextResponse.redirect"
                | "NextResponse.rewrite",
            ) => {
                let status = self.option(&args.get(1), "status");
                self.sends(at);
                if !matches!(status, Value::Undefined) {
                    self.status(status, at);
                }
                Value::Inert
            }
            ("@hapi/hapi" | "hapi", "server" | "Server") => {
                self.app(Framework::Hapi, args.get(0), at)
            }
            (
                "node:http" | "node:https" | "node:http2",
                "createServer" | "createSecureServer" | "Server",
            ) => {
                let answers = args
                    .list
                    .iter()
                    .find(|v| matches!(v, Value::Host(_) | Value::Function(_) | Value::Bound(_)))
                    .cloned()
                    .unwrap_or(if args.list.is_empty() {
                        Value::Undefined
                    } else {
                        Value::Unknown
                    });
                let server = self.host(Host { kind: Kind::Server(answers), at, open: None });
                if let Value::Host(id) = server
                    && (package == "node:https" || name == "createSecureServer")
                {
                    self.secure.push(id);
                }
                server
            }
            ("node:net", "createServer") | ("@grpc/grpc-js", "Server") => {
                self.host(Host { kind: Kind::Server(Value::Inert), at, open: None })
            }
            ("@apollo/server/standalone", "startStandaloneServer") => {
                let listen = self.option(&args.get(1), "listen");
                let port = match self.option(&listen, "port") {
                    Value::Undefined => Value::Number(4000.0),
                    port => port,
                };
                self.listens(&Value::Inert, port, Value::Undefined, Value::Undefined, at)
            }
            (
                "@apollo/server/plugin/drainHttpServer" | "apollo-server-core",
                "ApolloServerPluginDrainHttpServer",
            ) => {
                let server = self.option(&args.get(0), "httpServer");
                self.host(Host { kind: Kind::Plugin(server), at, open: None })
            }
            (package, "ApolloServer") if package.contains("apollo") => {
                let plugins = self.option(&args.get(0), "plugins");
                let drained = |plugin: &Value| match plugin {
                    Value::Host(id) => match &self.hosts[id.0].kind {
                        Kind::Plugin(Value::Host(server)) => Some(*server),
                        _ => None,
                    },
                    _ => None,
                };
                let plugins = self.items(&plugins).unwrap_or_default();
                let drained: Vec<HostId> = plugins.iter().filter_map(drained).collect();
                self.hands_over(args, at);
                self.host(Host { kind: Kind::Drains(drained), at, open: None })
            }
            ("ws", "WebSocketServer" | "Server" | "WebSocket.Server") => {
                let port = self.option(&args.get(0), "port");
                match port {
                    Value::Undefined => {
                        self.host(Host { kind: Kind::Server(Value::Inert), at, open: None })
                    }
                    port => {
                        self.listens(&Value::Inert, port, Value::Undefined, Value::Undefined, at)
                    }
                }
            }
            ("fastify-plugin", _) => {
                let plugin = args.get(0);
                self.host(Host { kind: Kind::Plugin(plugin), at, open: None })
            }
            ("express-async-handler", "") | ("hono/factory", "createMiddleware") => args.get(0),
            ("passport" | "koa-passport", "authenticate")
            | ("express-jwt", _)
            | ("express-basic-auth", "")
            | ("koa-jwt", "")
            | ("hono/bearer-auth" | "hono/basic-auth" | "hono/jwt", _)
            | ("express-openid-connect", _)
            | ("express-oauth2-jwt-bearer", "auth") => Value::external(":guard", &[]),
            (":resolve", _) => Value::Undefined,
            (":reject", _) => {
                if self.phase == Phase::Request {
                    self.ask(at);
                }
                Value::Undefined
            }
            (":guard", _) => {
                self.answering.checks_credentials.get_or_insert(at);
                Value::Inert
            }
            _ => return None,
        })
    }

    /// Something listens.
    pub(super) fn listens(
        &mut self,
        answers: &Value,
        port: Value,
        host: Value,
        callback: Value,
        at: Span,
    ) -> Value {
        let open = self.opens(Resource::Server, "server", at, None, None);
        let app = self.root(answers);
        if let Some(id) = app {
            self.hosts[id.0].open = Some(open);
            if let Some(app) = self.app_mut(id) {
                app.listens = true;
            }
        } else if matches!(answers, Value::Function(_) | Value::Bound(_)) {
            let framework = Framework::Express;
            if let Value::Host(id) = self.app(framework, Value::Undefined, at) {
                let function = answers.clone();
                if let Some(app) = self.app_mut(id) {
                    app.listens = true;
                    app.options = function;
                }
            }
        } else if matches!(answers, Value::Unknown) {
            self.gap(Why::Dynamic, at, Hides::Routes);
        }
        let function = matches!(callback, Value::Function(_) | Value::Bound(_));
        self.facts.listens.push(Listening {
            port,
            host,
            tls: false,
            at,
            tries: self.tries.iter().chain(&self.pending).copied().collect(),
            app,
            at_start: self.phase == Phase::Start,
            callback: function.then(|| callback.clone()),
        });
        let kind = Kind::Server(answers.clone());
        let server = self.host(Host { kind, at, open: Some(open) });
        if function {
            let given = Args::of(vec![Value::Null, Value::Inert]);
            let stop = self.stop.take();
            self.call_value(&callback, given, Some(at));
            self.stop = stop;
        }
        server
    }

    fn root(&self, answers: &Value) -> Option<HostId> {
        match answers {
            Value::Host(id) => match &self.hosts[id.0].kind {
                Kind::App(_) => Some(*id),
                Kind::Server(inner) => self.root(&inner.clone()),
                _ => None,
            },
            Value::HostMethod(id, _) => Some(*id),
            Value::Any(all) => all.iter().find_map(|one| self.root(one)),
            _ => None,
        }
    }

    fn listen(&mut self, answers: &Value, args: &Args, at: Span) -> Value {
        let first = args.get(0);
        let callback = args
            .list
            .iter()
            .rev()
            .find(|value| matches!(value, Value::Function(_) | Value::Bound(_)))
            .cloned()
            .unwrap_or(Value::Undefined);
        let is_options = matches!(&first, Value::Object(_));
        let (port, host) = if is_options {
            (self.option(&first, "port"), self.option(&first, "host"))
        } else {
            let second = args.get(1);
            let host = if second.is_plain() { second } else { Value::Undefined };
            (first, host)
        };
        // Fastify's own default, of whatever it surely listens with.
        let is_fastify = self.root(answers).and_then(|id| self.app_mut(id));
        let is_fastify = is_fastify.is_some_and(|app| app.framework == Framework::Fastify);
        let is_default = matches!(host, Value::Undefined) && (is_options || port.is_plain());
        let host = if is_fastify && is_default { Value::text("localhost") } else { host };
        self.listens(answers, port, host, callback, at)
    }

    pub(super) fn call_server(
        &mut self,
        id: HostId,
        answers: &Value,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Value {
        match name {
            "listen" => {
                let answers = answers.clone();
                let server = self.listen(&answers, args, at);
                if let Value::Host(made) = server {
                    self.hosts[id.0].open = self.hosts[made.0].open;
                }
                let speaks_tls = self.secure.contains(&id);
                if let Some(listening) = self.facts.listens.last_mut() {
                    listening.tls = speaks_tls;
                }
                Value::Host(id)
            }
            "bindAsync" | "bind" => {
                let port = match args.get(0) {
                    Value::Env(env) => Value::Env(env).depends(Value::Unknown),
                    Value::Text(text) => match text.rsplit_once(':') {
                        Some((_, port)) => Value::text(port),
                        None => Value::Unknown,
                    },
                    _ => Value::Unknown,
                };
                self.listens(&Value::Inert, port, Value::Undefined, args.get(2), at);
                Value::Host(id)
            }
            "close" | "stop" | "shutdown" | "tryShutdown" | "forceShutdown" | "terminate"
            | "destroy" => {
                if let Some(open) = self.hosts[id.0].open {
                    self.close_all(&[open], at);
                }
                self.run_callbacks(args, at);
                Value::Inert
            }
            "on" | "once" if args.get(0).as_text().as_deref() == Some("request") => {
                let function = args.get(1);
                if let Kind::Server(answers) = &mut self.hosts[id.0].kind {
                    *answers = function;
                }
                Value::Host(id)
            }
            "on" | "once" if args.get(0).as_text().as_deref() == Some("listening") => {
                self.run_callbacks(args, at);
                Value::Host(id)
            }
            _ => {
                self.leave_for_later(args);
                Value::Host(id)
            }
        }
    }

    /// Functions that run when what was asked for is done: in a handler, as part of it.
    pub(super) fn run_callbacks(&mut self, args: &Args, at: Span) {
        for value in &args.list {
            if matches!(value, Value::Function(_) | Value::Bound(_)) {
                let stop = self.stop.take();
                self.call_value(value, Args::of(vec![Value::Undefined]), Some(at));
                self.stop = stop;
            }
        }
    }

    pub(super) fn call_app(
        &mut self,
        id: HostId,
        app: &App,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Value {
        let order = self.now().sequence;
        let itself = Value::Host(id);
        // `app(request, reply)`.
        if self.phase == Phase::Request && matches!(name, "" | "handle") && args.list.len() > 1 {
            self.answering.next = true;
            self.answering.hands_to.push(id);
            return Value::Undefined;
        }
        if app.framework == Framework::Nest
            && let Some(value) = self.call_nest(id, name, args, at)
        {
            return value;
        }
        if VERBS.contains(&name) {
            let wanted = usize::from(!app.is_route);
            if args.list.len() > wanted || app.is_route || args.open {
                self.verb(id, app, name, args, at, order);
            }
            return itself;
        }
        match name {
            "use" => self.mount(id, args, at, order),
            "route" if app.framework == Framework::Hono => {
                if let Some(child) = self.root(&args.get(1)) {
                    let prefix = args.get(0);
                    if let Some(child) = self.app_mut(child) {
                        child.parents.push((id, prefix, order));
                    }
                }
            }
            "route" => {
                let first = args.get(0);
                if matches!(app.framework, Framework::Fastify | Framework::Hapi) {
                    for one in self.items(&first).unwrap_or_else(|| vec![first.clone()]) {
                        self.route_object(id, &one, at, order);
                    }
                    return itself;
                }
                let made = self.app(app.framework, Value::Undefined, at);
                if let Value::Host(child) = made
                    && let Some(child) = self.app_mut(child)
                {
                    child.is_route = true;
                    child.parents.push((id, first, order));
                }
                return made;
            }
            "basePath" => {
                let made = self.app(app.framework, Value::Undefined, at);
                if let Value::Host(child) = made
                    && let Some(child) = self.app_mut(child)
                {
                    child.parents.push((id, args.get(0), order));
                }
                return made;
            }
            "prefix" => {
                if let Some(app) = self.app_mut(id) {
                    app.prefix = args.get(0);
                }
            }
            "register" if app.framework == Framework::Fastify => self.register(id, args, at, order),
            "register" if app.framework == Framework::Hapi => {
                let routes = self.option(&args.get(1), "routes");
                let prefix = self.option(&routes, "prefix");
                let plugins = args.get(0);
                for one in self.items(&plugins).unwrap_or_else(|| vec![plugins.clone()]) {
                    self.plug(id, &one, &prefix, at, order);
                }
            }
            // `router.register(path, methods, middleware)`.
            "register" if app.framework == Framework::Koa && args.list.len() > 2 => {
                let methods = self.items(&args.get(1)).unwrap_or_else(|| vec![Value::Unknown]);
                let function = args.get(2);
                let handlers = self.items(&function).unwrap_or_else(|| vec![function]);
                for method in methods {
                    let method = method.as_text().map_or("*".to_owned(), |m| m.to_uppercase());
                    let (path, handlers) = (args.get(0), handlers.clone());
                    let off = self.off();
                    let route =
                        Registered { method, path, handlers, at, order, inherits: true, off };
                    if let Some(app) = self.app_mut(id) {
                        app.routes.push(route);
                    }
                }
            }
            "auth.default" => {
                let mode = self.option(&args.get(0), "mode").as_text();
                if !matches!(mode.as_deref(), Some("try" | "optional"))
                    && let Some(app) = self.app_mut(id)
                {
                    app.asks_all = Some(at);
                }
            }
            "ext" if app.framework == Framework::Hapi => {
                let (event, function) = match args.get(0) {
                    event @ Value::Text(_) => (event, args.get(1)),
                    events => {
                        let one = self.items(&events).and_then(|all| all.first().cloned());
                        let one = one.unwrap_or(events);
                        (self.option(&one, "type"), self.option(&one, "method"))
                    }
                };
                if event.as_text().is_none_or(|event| !event.ends_with("Response")) {
                    let hook =
                        Hook { prefix: Value::Undefined, function, at, order, is_route: false };
                    if let Some(app) = self.app_mut(id) {
                        app.hooks.push(hook);
                    }
                }
            }
            "addHook" => {
                let function = args.get(1);
                match args.get(0).as_text().as_deref() {
                    Some("onRequest" | "preHandler" | "preValidation" | "preParsing") => {
                        let hook =
                            Hook { prefix: Value::Undefined, function, at, order, is_route: false };
                        if let Some(app) = self.app_mut(id) {
                            app.hooks.push(hook);
                        }
                    }
                    Some("onClose" | "preClose") => {
                        if let Some(app) = self.app_mut(id) {
                            app.on_close.push(function);
                        }
                    }
                    Some("onReady" | "onListen") => {
                        self.call_value(&function, Args::default(), Some(at));
                    }
                    _ => {}
                }
            }
            "decorate" => {
                if let Some(name) = args.get(0).as_text()
                    && let Some(app) = self.app_mut(id)
                {
                    app.decorated.insert(name.to_string(), args.get(1));
                }
            }
            "listen" => return self.listen(&itself, args, at),
            "start" | "initialize" if app.framework == Framework::Hapi && name == "start" => {
                let options = app.options.clone();
                let port = self.option(&options, "port");
                let host = self.option(&options, "host");
                self.listens(&itself, port, host, Value::Undefined, at);
            }
            "close" | "stop" => {
                if let Some(open) = self.hosts[id.0].open {
                    self.close_all(&[open], at);
                }
                if matches!(self.phase, Phase::Signal(_)) {
                    self.closing(id, 0);
                }
                self.run_callbacks(args, at);
                return Value::Inert;
            }
            "ready" | "after" => self.run_callbacks(args, at),
            "callback" | "routes" | "middleware" | "handle" | "fetch" | "getHttpServer"
            | "withTypeProvider" => {
                return itself;
            }
            "set" | "enable" if args.get(0).as_text().as_deref() == Some("strict routing") => {
                self.strict_routing = true;
            }
            "inject" | "allowedMethods" | "set" | "enable" | "disable" | "engine" => {
                return if name == "allowedMethods" { Value::Inert } else { itself };
            }
            "param" | "setErrorHandler" | "setNotFoundHandler" | "on" | "onError" | "notFound" => {}
            _ => {}
        }
        itself
    }

    /// What an instance's plugins do when it closes.
    fn closing(&mut self, id: HostId, depth: usize) {
        if depth > 8 {
            return;
        }
        let functions = self.app_mut(id).map(|app| app.on_close.clone()).unwrap_or_default();
        for function in functions {
            self.call_value(&function, Args::of(vec![Value::Host(id)]), None);
        }
        let children: Vec<HostId> = (0..self.hosts.len())
            .map(HostId)
            .filter(|&child| match &self.hosts[child.0].kind {
                Kind::App(app) => app.parents.iter().any(|(parent, _, _)| *parent == id),
                _ => false,
            })
            .collect();
        for child in children {
            self.closing(child, depth + 1);
        }
    }

    fn verb(&mut self, id: HostId, app: &App, name: &str, args: &Args, at: Span, order: usize) {
        let method = match name {
            "all" => "*".to_owned(),
            "del" => "DELETE".to_owned(),
            "opts" => "OPTIONS".to_owned(),
            other => other.to_uppercase(),
        };
        let mut rest = args.list.clone();
        let path = if app.is_route || rest.is_empty() { Value::text("") } else { rest.remove(0) };
        // A router of Koa may be given a name first.
        let path = match (app.framework, &path, rest.first()) {
            (Framework::Koa, Value::Text(_), Some(second @ Value::Text(_))) => {
                let second = second.clone();
                rest.remove(0);
                second
            }
            _ => path,
        };
        let mut handlers = Vec::new();
        for value in rest {
            match &value {
                Value::Object(_) => match self.items(&value) {
                    Some(items) => handlers.extend(items),
                    None => handlers.extend(self.route_hooks(&value)),
                },
                _ => handlers.push(value),
            }
        }
        let paths = self.items(&path).unwrap_or_else(|| vec![path]);
        for path in paths {
            let (method, handlers) = (method.clone(), handlers.clone());
            let off = self.off();
            let route = Registered { method, path, handlers, at, order, inherits: true, off };
            if let Some(app) = self.app_mut(id) {
                app.routes.push(route);
            }
        }
    }

    /// Hooks and handler in the options of a route.
    fn route_hooks(&mut self, options: &Value) -> Vec<Value> {
        let mut found = Vec::new();
        for name in ["onRequest", "preParsing", "preValidation", "preHandler", "handler"] {
            let value = self.option(options, name);
            match self.items(&value) {
                Some(items) => found.extend(items),
                None if matches!(value, Value::Undefined | Value::Null) => {}
                None => found.push(value),
            }
        }
        found
    }

    fn route_object(&mut self, id: HostId, object: &Value, at: Span, order: usize) {
        if !matches!(object, Value::Object(_)) {
            return self.gap(Why::Dynamic, at, Hides::Routes);
        }
        let path = match self.option(object, "url") {
            Value::Undefined => self.option(object, "path"),
            url => url,
        };
        let mut handlers = self.route_hooks(object);
        let mut inherits = true;
        if self.app_mut(id).is_some_and(|app| app.framework == Framework::Hapi) {
            let options = match self.option(object, "options") {
                Value::Undefined => self.option(object, "config"),
                options => options,
            };
            if handlers.is_empty() {
                handlers = self.route_hooks(&options);
            }
            match self.option(&options, "auth") {
                Value::Undefined => {}
                Value::Bool(false) => inherits = false,
                auth => {
                    inherits = false;
                    let mode = self.option(&auth, "mode").as_text();
                    if !matches!(mode.as_deref(), Some("try" | "optional")) {
                        handlers.insert(0, Value::external(":guard", &[]));
                    }
                }
            }
        }
        let method = self.option(object, "method");
        let methods = self.items(&method).unwrap_or_else(|| vec![method]);
        for method in methods {
            let method = method.as_text().map_or_else(|| "*".to_owned(), |m| m.to_uppercase());
            let (path, handlers, off) = (path.clone(), handlers.clone(), self.off());
            if let Some(app) = self.app_mut(id) {
                app.routes.push(Registered { method, path, handlers, at, order, inherits, off });
            }
        }
    }

    fn mount(&mut self, id: HostId, args: &Args, at: Span, order: usize) {
        let mut prefix = Value::Undefined;
        let mut values = Vec::new();
        for (index, value) in args.list.iter().enumerate() {
            if index == 0 && (value.is_plain() && !matches!(value, Value::Undefined)) {
                prefix = value.clone();
                continue;
            }
            match self.items(value) {
                Some(items) => values.extend(items),
                None => values.push(value.clone()),
            }
        }
        for value in values {
            // What stands first in a call stands before the rest.
            let order = self.now().sequence.max(order);
            if let Some(child) = self.root(&value) {
                if child != id
                    && let Some(child) = self.app_mut(child)
                {
                    child.parents.push((id, prefix.clone(), order));
                }
                continue;
            }
            if matches!(value, Value::Unknown) {
                self.gap(Why::Dynamic, at, Hides::Routes);
            }
            let hook = Hook { prefix: prefix.clone(), function: value, at, order, is_route: false };
            if let Some(app) = self.app_mut(id) {
                app.hooks.push(hook);
            }
        }
    }

    pub(super) fn register(&mut self, id: HostId, args: &Args, at: Span, order: usize) {
        let options = args.get(1);
        let prefix = self.option(&options, "prefix");
        for plugin in args.get(0).each().to_vec() {
            let plugin = match &plugin {
                Value::Namespace(_) | Value::Object(_) => self.member(&plugin, "default", None),
                _ => plugin,
            };
            match &plugin {
                Value::Function(_) | Value::Bound(_) => {
                    let child = self.app(Framework::Fastify, Value::Undefined, at);
                    if let Value::Host(child) = child {
                        let decorated = self.app_mut(id).map(|app| app.decorated.clone());
                        if let Some(child) = self.app_mut(child) {
                            child.parents.push((id, prefix.clone(), order));
                            child.decorated = decorated.unwrap_or_default();
                        }
                    }
                    let given =
                        Args::of(vec![child, options.clone(), Value::external(":resolve", &[])]);
                    self.call_value(&plugin, given, Some(at));
                }
                Value::Host(host) => {
                    if let Kind::Plugin(inner) = self.hosts[host.0].kind.clone() {
                        let given = Args::of(vec![
                            Value::Host(id),
                            options.clone(),
                            Value::external(":resolve", &[]),
                        ]);
                        self.call_value(&inner, given, Some(at));
                    }
                }
                Value::External(path) => match path.0.as_str() {
                    "@fastify/bearer-auth" | "fastify-bearer-auth" => {
                        let function = Value::external(":guard", &[]);
                        let hook =
                            Hook { prefix: Value::Undefined, function, at, order, is_route: false };
                        if let Some(app) = self.app_mut(id) {
                            app.hooks.push(hook);
                        }
                    }
                    "fastify-graceful-shutdown" => {
                        for signal in ["SIGTERM", "SIGINT"] {
                            let function = Value::HostMethod(id, "close".into());
                            self.handles(signal, function, at);
                        }
                    }
                    "@fastify/autoload" | "fastify-autoload" => {
                        self.autoload(id, &options, at, order);
                    }
                    _ => {}
                },
                Value::Inert | Value::Undefined | Value::Null => {}
                _ => self.gap(Why::Dynamic, at, Hides::Routes),
            }
        }
    }

    /// A plugin of Hapi's: `{ plugin, options, routes: { prefix } }`, or the plugin itself.
    fn plug(&mut self, id: HostId, one: &Value, prefix: &Value, at: Span, order: usize) {
        let held = match self.member_of(one, "plugin") {
            Value::Undefined => self.member_of(one, "default"),
            plugin => plugin,
        };
        let plugin = match held {
            Value::Undefined => one.clone(),
            plugin => plugin,
        };
        // A module that exports its plugin by name.
        let plugin = match self.member_of(&plugin, "plugin") {
            Value::Undefined => plugin,
            inner => inner,
        };
        if let Value::External(path) = &plugin {
            const SILENT: [&str; 8] = [
                "@hapi/inert",
                "@hapi/vision",
                "hapi-pino",
                "laabr",
                "@hapi/yar",
                "hapi-rate-limit",
                "hapi-rate-limitor",
                "blipp",
            ];
            let is_auth = ["auth", "jwt", "cookie", "basic", "bell"];
            let silent =
                SILENT.contains(&&*path.0) || is_auth.iter().any(|word| path.0.contains(word));
            if !silent {
                self.gap(Why::Unsupported, at, Hides::Routes);
            }
            return;
        }
        let own = self.member_of(one, "routes");
        let prefix = match self.option(&own, "prefix") {
            Value::Undefined => prefix.clone(),
            own => own,
        };
        let options = self.member_of(one, "options");
        match self.member_of(&plugin, "register") {
            function @ (Value::Function(_) | Value::Bound(_)) => {
                let child = self.app(Framework::Hapi, Value::Undefined, at);
                if let Value::Host(child) = child
                    && let Some(child) = self.app_mut(child)
                {
                    child.parents.push((id, prefix, order));
                }
                self.call_value(&function, Args::of(vec![child, options]), Some(at));
            }
            _ => self.gap(Why::Dynamic, at, Hides::Routes),
        }
    }

    /// A property of an object or a module of the program.
    fn member_of(&mut self, of: &Value, name: &str) -> Value {
        match of {
            Value::Object(_) | Value::Namespace(_) | Value::Live(..) => self.member(of, name, None),
            _ => Value::Undefined,
        }
    }

    /// `@fastify/autoload`: each file of a directory is a plugin, below the directories' names.
    fn autoload(&mut self, id: HostId, options: &Value, at: Span, order: usize) {
        const CHANGES: [&str; 7] = [
            "ignorePattern",
            "ignoreFilter",
            "matchFilter",
            "indexPattern",
            "scriptPattern",
            "maxDepth",
            "autoHooksPattern",
        ];
        let Value::External(dir) = self.option(options, "dir") else {
            return self.gap(Why::Dynamic, at, Hides::Routes);
        };
        let changed =
            CHANGES.iter().any(|name| !matches!(self.option(options, name), Value::Undefined));
        let by_name = self.option(options, "dirNameRoutePrefix");
        let params = self.option(options, "routeParams");
        let hooks = self.option(options, "autoHooks");
        let (Some(dir), ":dir", false) = (dir.1.first().cloned(), &*dir.0, changed) else {
            return self.gap(Why::Unsupported, at, Hides::Routes);
        };
        let tree = self.graph.cx.tree;
        let files: Vec<FileId> = tree.under(&dir).take(MAX_PLUGINS + 1).collect();
        let hooked = !matches!(hooks, Value::Undefined | Value::Bool(false))
            && files.iter().any(|&file| path::name(tree.path(file)).starts_with("autohooks."));
        let plain = |value: &Value| matches!(value, Value::Undefined | Value::Bool(_));
        if files.len() > MAX_PLUGINS || hooked || !plain(&by_name) || !plain(&params) {
            return self.gap(Why::Unsupported, at, Hides::Routes);
        }
        let is_script = |name: &str| {
            let ends = [".js", ".cjs", ".mjs", ".ts", ".cts", ".mts"];
            ends.iter().any(|end| name.ends_with(end))
                && ![".d.ts", ".test.", ".spec."].iter().any(|part| name.contains(part))
        };
        let stem = |file: FileId| path::name(tree.path(file)).split('.').next().unwrap_or("");
        let given = self.option(options, "options");
        let above = self.option(&given, "prefix");
        for &file in &files {
            let at_path = tree.path(file);
            let parent = path::parent(at_path);
            // Beside an index, other files are its own.
            let beside = |other: &&FileId| path::parent(tree.path(**other)) == parent;
            let index = files
                .iter()
                .filter(beside)
                .find(|&&other| stem(other) == "index" && is_script(path::name(tree.path(other))));
            if !is_script(path::name(at_path)) || index.is_some_and(|&index| index != file) {
                continue;
            }
            let below = path::below(&dir, parent).unwrap_or_default();
            let mut crumbs = String::new();
            for part in below.split('/').filter(|part| !part.is_empty()) {
                if !matches!(by_name, Value::Bool(false)) {
                    let param = part.strip_prefix('_').filter(|_| params.truth() == Some(true));
                    crumbs.push('/');
                    crumbs.push_str(&param.map_or(part.to_owned(), |name| format!(":{name}")));
                }
            }
            self.load(file);
            let plugin = self.commonjs(file).unwrap_or(Value::Namespace(file));
            let own = |eval: &mut Self, name: &str| {
                let module = eval.graph.module(file).ok();
                let set = module.and_then(|module| assigned(&module, name));
                // What a function carries is only what is assigned to it.
                let of = match eval.commonjs(file) {
                    Some(Value::Function(_) | Value::Bound(_)) => Value::Undefined,
                    _ => Value::Namespace(file),
                };
                set.unwrap_or_else(|| eval.member_of(&of, name))
            };
            if matches!(own(self, "autoload"), Value::Bool(false)) {
                continue;
            }
            let prefix = match own(self, "prefixOverride") {
                Value::Undefined => {
                    let own = match own(self, "autoPrefix") {
                        Value::Undefined => Value::text(&crumbs),
                        own => own,
                    };
                    let whole = super::routes::join(Some(""), &above);
                    whole
                        .and_then(|above| super::routes::join(Some(&above), &own))
                        .map_or(Value::Unknown, |whole| Value::text(&whole))
                }
                instead => instead,
            };
            let mut handed = match &given {
                Value::Object(given) => self.heap[given.0].clone(),
                _ => Object { branch: self.branch, ..Object::default() },
            };
            handed.props.insert("prefix".into(), prefix);
            let handed = Value::Object(self.object(handed));
            self.register(id, &Args::of(vec![plugin, handed]), at, order);
        }
    }

    // ---- requests ----

    pub(super) fn request_member(&mut self, name: &str) -> Value {
        match name {
            "path" | "url" | "originalUrl" | "routerPath" | "pathname" | "routePath" => {
                match &self.answering.path {
                    Some(path) => Value::Text(path.clone()),
                    None => Value::Unknown,
                }
            }
            "routeOptions" | "req" | "request" | "raw" | "route" => {
                self.host(Host { kind: Kind::Request, at: super::nowhere(), open: None })
            }
            "method" => Value::text("GET"),
            "nextUrl" => self.host(Host { kind: Kind::Request, at: super::nowhere(), open: None }),
            "headers" | "cookies" | "session" | "user" | "auth" => Value::Unknown,
            "jwtVerify" | "get" | "header" | "isAuthenticated" => {
                let made =
                    self.host(Host { kind: Kind::Request, at: super::nowhere(), open: None });
                match made {
                    Value::Host(id) => Value::HostMethod(id, name.into()),
                    other => other,
                }
            }
            _ => Value::Inert,
        }
    }

    pub(super) fn call_request(&mut self, name: &str, at: Span) -> Value {
        if name == "jwtVerify" {
            self.answering.checks_credentials.get_or_insert(at);
        }
        if matches!(name, "get" | "header" | "isAuthenticated") {
            Value::Unknown
        } else {
            Value::Inert
        }
    }

    pub(super) fn call_reply(&mut self, id: HostId, name: &str, args: &Args, at: Span) -> Value {
        match name {
            "status" | "code" | "sendStatus" | "writeHead" => {
                self.status(args.get(0), at);
                if name == "sendStatus" {
                    self.sends(at);
                }
            }
            "send" | "json" | "end" | "text" | "html" | "body" | "render" | "jsonp"
            | "redirect" => {
                self.sends(at);
                if name == "redirect" && self.phase == Phase::Request {
                    self.answering.redirects.get_or_insert(at);
                }
                if matches!(name, "json" | "text" | "html" | "body")
                    && let status @ (Value::Number(_) | Value::Any(_)) = args.get(1)
                {
                    self.status(status, at);
                }
            }
            "throw" => self.status(args.get(0), at),
            "assert" if args.get(0).truth() != Some(true) => {
                self.branch(|eval| eval.status(args.get(1), at));
            }
            "next" => self.answering.next = true,
            // A header of the request's (Koa), a value of its context (Hono).
            "get" => return Value::Unknown,
            _ => {}
        }
        Value::Host(id)
    }
}
