//! Applications of Python's HTTP frameworks: what is registered on them, and what is mounted where.

use std::rc::Rc;

use plimsoll_source::Span;

use super::super::eval::{Args, Ends, Eval, Phase};
use super::super::routes::asks_who;
use super::super::value::{HostId, Object, ObjectId, Value};
use super::{Path, Thing};
use crate::Why;
use crate::code::Hides;

/// Whose rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Framework {
    /// FastAPI and Starlette.
    Starlette,
    Flask,
    Aiohttp,
}

/// An application, router or blueprint.
#[derive(Clone, Debug)]
pub(in super::super) struct App {
    pub(super) framework: Framework,
    pub(super) prefix: Value,
    pub(super) routes: Vec<Registered>,
    pub(super) children: Vec<Child>,
    /// Dependencies of all its routes.
    pub(super) guards: Vec<(Value, Span)>,
    /// Middleware and functions that run before requests.
    pub(super) hooks: Vec<(Value, Span)>,
    /// What it does for its life: functions that yield.
    pub(super) lifespans: Vec<(Value, Span)>,
    pub(super) startup: Vec<(Value, Span)>,
    pub(super) shutdown: Vec<(Value, Span)>,
    pub(super) state: ObjectId,
    pub(super) serves: bool,
}

/// A router that is mounted.
#[derive(Clone, Debug)]
pub(in super::super) struct Child {
    pub(super) app: HostId,
    pub(super) prefix: Value,
    /// The prefix replaces the child's own (Flask).
    pub(super) instead: bool,
    pub(super) guards: Vec<(Value, Span)>,
}

/// A registered route.
#[derive(Clone, Debug)]
pub(in super::super) struct Registered {
    pub(super) methods: Vec<String>,
    pub(super) path: Value,
    pub(super) handler: Value,
    pub(super) guards: Vec<(Value, Span)>,
    pub(super) status: Value,
    pub(super) at: Span,
}

/// A route as a value.
#[derive(Clone, Debug)]
pub(in super::super) struct Entry {
    pub(super) route: Registered,
    /// What is mounted or included there: an application or a list.
    pub(super) below: Option<Value>,
}

/// What a function is added to an application as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Adds {
    Hook,
    Startup,
    Shutdown,
    Nothing,
}

const VERBS: [&str; 8] = ["get", "post", "put", "patch", "delete", "options", "head", "trace"];

/// Packages that are handed an application and add no route that a probe would ask.
const HARMLESS: [&str; 24] = [
    "flask_cors",
    "flask_sqlalchemy",
    "flask_migrate",
    "flask_login",
    "flask_marshmallow",
    "opentelemetry",
    "sentry_sdk",
    "flask_caching",
    "flask_limiter",
    "flask_talisman",
    "flask_mail",
    "flask_bcrypt",
    "prometheus_fastapi_instrumentator",
    "prometheus_flask_exporter",
    "ddtrace",
    "logging",
    "flask_session",
    "elasticapm",
    "fastapi_pagination",
    "slowapi",
    "asgi_correlation_id",
    "starlette",
    "fastapi",
    "flask_wtf",
];

impl Eval<'_> {
    pub(super) fn app_of(&self, value: &Value) -> Option<HostId> {
        match value {
            Value::Host(id) => match self.thing_of(value)? {
                Thing::App(_) => Some(*id),
                _ => None,
            },
            Value::Any(all) => all.iter().find_map(|one| self.app_of(one)),
            _ => None,
        }
    }

    pub(super) fn py_app_mut(&mut self, id: HostId) -> Option<&mut App> {
        match &mut self.hosts.get_mut(id.0)?.kind {
            super::super::host::Kind::Python(thing) => match &mut **thing {
                Thing::App(app) => Some(app),
                _ => None,
            },
            _ => None,
        }
    }

    fn new_app(&mut self, framework: Framework, prefix: Value, at: Span) -> HostId {
        let state = self.object(Object { open: true, branch: self.branch, ..Object::default() });
        let app = App {
            framework,
            prefix,
            routes: Vec::new(),
            children: Vec::new(),
            guards: Vec::new(),
            hooks: Vec::new(),
            lifespans: Vec::new(),
            startup: Vec::new(),
            shutdown: Vec::new(),
            state,
            serves: false,
        };
        match self.thing(Thing::App(Box::new(app)), at) {
            Value::Host(id) => id,
            _ => HostId(usize::MAX),
        }
    }

    /// Functions of HTTP packages; `None` where it is none.
    pub(super) fn py_http(&mut self, path: &Path, args: &Args, at: Span) -> Option<Value> {
        let (package, parts) = &**path;
        let last = parts.last().map_or("", String::as_str);
        Some(match (package.as_str(), last) {
            ("fastapi" | "starlette", "FastAPI" | "APIRouter" | "Starlette" | "Router") => {
                let id = self.new_app(Framework::Starlette, named(args, "prefix"), at);
                self.configure(id, args, at);
                Value::Host(id)
            }
            ("flask", "Flask" | "Blueprint") | ("quart", "Quart" | "Blueprint") => {
                let id = self.new_app(Framework::Flask, named(args, "url_prefix"), at);
                Value::Host(id)
            }
            ("aiohttp", "Application" | "RouteTableDef") => {
                let id = self.new_app(Framework::Aiohttp, Value::Undefined, at);
                let middleware = named(args, "middlewares");
                for one in self.items(&middleware).unwrap_or_default() {
                    self.add(id, Adds::Hook, one, at);
                }
                let known = self.items(&middleware).is_some();
                if !known && !matches!(middleware, Value::Undefined) {
                    self.add(id, Adds::Hook, Value::Unknown, at);
                }
                Value::Host(id)
            }
            // It marks a function, and changes nothing else.
            ("aiohttp", "middleware") => args.get(0),
            ("fastapi", "Depends" | "Security") => {
                let of = match named(args, "dependency") {
                    Value::Undefined => args.get(0),
                    of => of,
                };
                self.thing(Thing::Depends(of), at)
            }
            (
                "fastapi",
                "OAuth2PasswordBearer"
                | "OAuth2AuthorizationCodeBearer"
                | "HTTPBearer"
                | "HTTPBasic"
                | "HTTPDigest"
                | "APIKeyHeader"
                | "APIKeyQuery"
                | "APIKeyCookie"
                | "OpenIdConnect",
            ) => {
                if matches!(named(args, "auto_error"), Value::Bool(false)) {
                    Value::Inert
                } else {
                    Value::external(":guard", &[])
                }
            }
            ("fastapi" | "starlette", "HTTPException") => {
                let status = or(named(args, "status_code"), args.get(0));
                self.status(status, at);
                Value::Inert
            }
            (
                "fastapi" | "starlette",
                "JSONResponse" | "Response" | "PlainTextResponse" | "HTMLResponse"
                | "ORJSONResponse" | "UJSONResponse" | "FileResponse" | "StreamingResponse",
            )
            | ("django", "HttpResponse" | "JsonResponse" | "StreamingHttpResponse")
            | ("rest_framework", "Response")
            | ("flask" | "quart", "Response" | "make_response")
            | ("aiohttp", "Response" | "json_response" | "StreamResponse")
            | ("werkzeug", "Response") => {
                self.sends(at);
                let second = if package == "aiohttp" { Value::Undefined } else { args.get(1) };
                let status = or(named(args, "status_code"), or(named(args, "status"), second));
                if matches!(
                    status,
                    Value::Number(_) | Value::Any(_) | Value::Env(_) | Value::Unknown
                ) {
                    self.status(status, at);
                }
                Value::Inert
            }
            ("django", "HttpResponseForbidden") => self.failing(403.0, at),
            ("django", "HttpResponseServerError") => self.failing(500.0, at),
            ("django", "HttpResponseBadRequest") => self.failing(400.0, at),
            ("django", "HttpResponseNotFound") => self.failing(404.0, at),
            ("aiohttp", "HTTPUnauthorized") => self.failing(401.0, at),
            ("aiohttp", "HTTPForbidden") => self.failing(403.0, at),
            ("aiohttp", "HTTPServiceUnavailable") => self.failing(503.0, at),
            ("aiohttp", "HTTPInternalServerError") => self.failing(500.0, at),
            ("flask" | "quart" | "werkzeug", "abort") => {
                self.status(args.get(0), at);
                self.stop = Some(Ends::THROW);
                Value::Inert
            }
            ("flask" | "quart", "jsonify" | "render_template" | "send_file" | "redirect") => {
                self.sends(at);
                Value::Inert
            }
            ("starlette" | "fastapi", "Route" | "APIRoute" | "WebSocketRoute") => {
                let methods = self.methods(&named(args, "methods"), "GET");
                let handler = or(named(args, "endpoint"), args.get(1));
                let route = registered(methods, args.get(0), handler, at);
                self.thing(Thing::Route(Box::new(Entry { route, below: None })), at)
            }
            ("starlette" | "fastapi", "Mount") => {
                let below = or(named(args, "app"), or(named(args, "routes"), args.get(1)));
                let route = registered(Vec::new(), args.get(0), Value::Undefined, at);
                self.thing(Thing::Route(Box::new(Entry { route, below: Some(below) })), at)
            }
            ("starlette" | "fastapi", "Middleware") => args.get(0),
            ("aiohttp", verb)
                if parts.first().is_some_and(|web| web == "web") && VERBS.contains(&verb) =>
            {
                let route = registered(vec![verb.to_uppercase()], args.get(0), args.get(1), at);
                self.thing(Thing::Route(Box::new(Entry { route, below: None })), at)
            }
            ("aiohttp", "route" | "view") => {
                let route = match last {
                    "view" => registered(vec!["*".to_owned()], args.get(0), args.get(1), at),
                    _ => {
                        let method =
                            args.get(0).as_text().map_or("*".to_owned(), |m| m.to_uppercase());
                        registered(vec![method], args.get(1), args.get(2), at)
                    }
                };
                self.thing(Thing::Route(Box::new(Entry { route, below: None })), at)
            }
            ("django", "path" | "re_path" | "url") => self.django_path(last, args, at),
            ("django", "include") => {
                let of = args.get(0);
                let of = match self.items(&of) {
                    // `include((patterns, "name"))`.
                    Some(items)
                        if self.items(items.first().unwrap_or(&Value::Unknown)).is_some() =>
                    {
                        items.first().cloned().unwrap_or(Value::Unknown)
                    }
                    _ => of,
                };
                let of = match of.as_text() {
                    Some(module) => {
                        let module = self.py_import(at.file, &module, at);
                        self.member(&module, "urlpatterns", Some(at))
                    }
                    None => match &of {
                        Value::Namespace(_) => self.member(&of, "urlpatterns", Some(at)),
                        _ => of,
                    },
                };
                let route = registered(Vec::new(), Value::Undefined, Value::Undefined, at);
                self.thing(Thing::Route(Box::new(Entry { route, below: Some(of) })), at)
            }
            ("django", "get_wsgi_application" | "get_asgi_application") => {
                self.django(at);
                Value::Inert
            }
            ("uvicorn" | "hypercorn" | "waitress" | "aiohttp" | "granian", _) => {
                return self.py_server(package, last, args, at);
            }
            _ => {
                // An application that is handed to a package may be given routes by it.
                let values = args.list.iter().chain(args.named.iter().map(|(_, value)| value));
                let given: Vec<_> = values.filter_map(|value| self.app_of(value)).collect();
                if !given.is_empty()
                    && self.phase != Phase::Request
                    && !HARMLESS.contains(&package.as_str())
                {
                    self.gap(Why::Unsupported, at, Hides::Routes);
                    // It may put something before them, too.
                    for id in given.into_iter().filter(|_| asks_who(path)) {
                        self.add(id, Adds::Hook, Value::External(Rc::clone(path)), at);
                    }
                }
                return None;
            }
        })
    }

    fn failing(&mut self, status: f64, at: Span) -> Value {
        self.status(Value::Number(status), at);
        Value::Inert
    }

    /// Servers that a program starts itself.
    fn py_server(&mut self, package: &str, name: &str, args: &Args, at: Span) -> Option<Value> {
        let app = or(named(args, "app"), args.get(0));
        let port = |default: f64| or(named(args, "port"), Value::Number(default));
        let host = |default: &str| match named(args, "host") {
            Value::Undefined if default.is_empty() => Value::Undefined,
            Value::Undefined => Value::text(default),
            host => host,
        };
        Some(match (package, name) {
            ("uvicorn", "run") => {
                let app = self.made_app(&app, args, at);
                self.served(&app, port(8000.0), host("127.0.0.1"), at, true);
                Value::Null
            }
            ("uvicorn", "Config") => {
                let app = self.made_app(&app, args, at);
                let server = (app, port(8000.0), host("127.0.0.1"));
                self.thing(Thing::Server(Box::new(server)), at)
            }
            ("uvicorn", "Server") => or(named(args, "config"), args.get(0)),
            ("waitress", "serve") => {
                self.served(&app, port(8080.0), host(""), at, false);
                Value::Null
            }
            ("aiohttp", "run_app") => {
                self.served(&app, port(8080.0), host(""), at, true);
                Value::Null
            }
            ("aiohttp", "AppRunner") => {
                self.thing(Thing::Server(Box::new((app, Value::Undefined, Value::Undefined))), at)
            }
            ("aiohttp", "TCPSite") => {
                let app = match self.thing_of(&args.get(0)) {
                    Some(Thing::Server(server)) => server.0.clone(),
                    _ => Value::Unknown,
                };
                let host = or(named(args, "host"), args.get(1));
                let port = or(or(named(args, "port"), args.get(2)), Value::Number(8080.0));
                self.thing(Thing::Server(Box::new((app, port, host))), at)
            }
            ("hypercorn" | "granian", "serve" | "Granian" | "Hypercorn") => {
                let app = self.imported_app(&app, at);
                self.served(&app, Value::Unknown, Value::Unknown, at, true);
                Value::Null
            }
            _ => return None,
        })
    }

    /// The application that is run, or what `factory=True` makes it of.
    fn made_app(&mut self, value: &Value, args: &Args, at: Span) -> Value {
        let app = self.imported_app(value, at);
        match named(args, "factory") {
            Value::Bool(true) => self.call_value(&app, Args::default(), Some(at)),
            _ => app,
        }
    }

    /// `"module:app"` as the application.
    fn imported_app(&mut self, value: &Value, at: Span) -> Value {
        let Some(text) = value.as_text() else { return value.clone() };
        let Some((module, name)) = text.split_once(':') else { return Value::Unknown };
        match self.py_import(at.file, module, at) {
            Value::Namespace(file) => self.attribute(file, name, at),
            _ => Value::Unknown,
        }
    }

    /// What an application's constructor is given.
    fn configure(&mut self, id: HostId, args: &Args, at: Span) {
        let guards = self.guards_of(&named(args, "dependencies"), at);
        let lifespan = named(args, "lifespan");
        let startup = self.items(&named(args, "on_startup")).unwrap_or_default();
        let shutdown = self.items(&named(args, "on_shutdown")).unwrap_or_default();
        let middleware = self.items(&named(args, "middleware")).unwrap_or_default();
        if let Some(app) = self.py_app_mut(id) {
            app.guards = guards;
            if !matches!(lifespan, Value::Undefined | Value::Null) {
                app.lifespans.push((lifespan, at));
            }
            app.startup.extend(startup.into_iter().map(|one| (one, at)));
            app.shutdown.extend(shutdown.into_iter().map(|one| (one, at)));
            app.hooks.extend(middleware.into_iter().map(|one| (one, at)));
        }
        let routes = or(named(args, "routes"), Value::Undefined);
        self.add_entries(id, &routes, at);
    }

    fn guards_of(&self, list: &Value, at: Span) -> Vec<(Value, Span)> {
        match list {
            Value::Undefined | Value::Null => Vec::new(),
            list => match self.items(list) {
                Some(items) => items.into_iter().map(|one| (one, at)).collect(),
                None => vec![(Value::Unknown, at)],
            },
        }
    }

    /// Adds routes that stand in a list.
    fn add_entries(&mut self, id: HostId, list: &Value, at: Span) {
        if matches!(list, Value::Undefined | Value::Null) {
            return;
        }
        // A table of routes is an application of its own.
        if let Some(table) = self.app_of(list) {
            let child =
                Child { app: table, prefix: Value::Undefined, instead: false, guards: Vec::new() };
            if let Some(app) = self.py_app_mut(id) {
                app.children.push(child);
            }
            return;
        }
        let Some(items) = self.items(list) else {
            return self.gap(Why::Dynamic, at, Hides::Routes);
        };
        for item in items.iter().take(2_000) {
            match self.thing_of(item) {
                Some(Thing::Route(entry)) => {
                    let entry = (**entry).clone();
                    match entry.below {
                        None => {
                            if let Some(app) = self.py_app_mut(id) {
                                app.routes.push(entry.route);
                            }
                        }
                        Some(below) => self.py_mount(id, entry.route.path, &below, entry.route.at),
                    }
                }
                _ => self.gap(Why::Dynamic, at, Hides::Routes),
            }
        }
    }

    fn py_mount(&mut self, id: HostId, prefix: Value, below: &Value, at: Span) {
        let child = match self.app_of(below) {
            Some(child) => child,
            None if self.items(below).is_some() => {
                let child = self.new_app(Framework::Starlette, Value::Undefined, at);
                self.add_entries(child, below, at);
                child
            }
            None => {
                // Files and what packages serve are below a path of their own.
                if !matches!(below, Value::Inert) {
                    self.gap(Why::Dynamic, at, Hides::Routes);
                }
                return;
            }
        };
        if child != id
            && let Some(app) = self.py_app_mut(id)
        {
            app.children.push(Child { app: child, prefix, instead: false, guards: Vec::new() });
        }
    }

    fn methods(&self, list: &Value, default: &str) -> Vec<String> {
        match self.items(list) {
            Some(items) => {
                items.iter().filter_map(Value::as_text).map(|name| name.to_uppercase()).collect()
            }
            None if matches!(list, Value::Undefined | Value::Null) => vec![default.to_owned()],
            None => vec!["*".to_owned()],
        }
    }

    /// A method of an application.
    pub(super) fn py_call_app(&mut self, id: HostId, name: &str, args: &Args, at: Span) -> Value {
        let Some(app) = self.py_app_mut(id).map(|app| app.clone()) else { return Value::Unknown };
        let first = args.get(0);
        if VERBS.contains(&name) {
            let path = or(named(args, "path"), or(named(args, "rule"), first));
            let mut route = registered(vec![name.to_uppercase()], path, Value::Undefined, at);
            route.guards = self.guards_of(&named(args, "dependencies"), at);
            route.status = named(args, "status_code");
            return self.thing(Thing::Registers(id, Box::new(route)), at);
        }
        match name {
            "route" | "api_route" | "view" => {
                let path = or(named(args, "path"), or(named(args, "rule"), first));
                let (methods, path) = match (app.framework, name) {
                    (Framework::Aiohttp, "route") => {
                        let method = path.as_text().map_or("*".to_owned(), |m| m.to_uppercase());
                        (vec![method], args.get(1))
                    }
                    (Framework::Aiohttp, _) => (vec!["*".to_owned()], path),
                    _ => (self.methods(&named(args, "methods"), "GET"), path),
                };
                let mut route = registered(methods, path, Value::Undefined, at);
                route.guards = self.guards_of(&named(args, "dependencies"), at);
                route.status = named(args, "status_code");
                self.thing(Thing::Registers(id, Box::new(route)), at)
            }
            "add_url_rule" => {
                let path = or(named(args, "rule"), first);
                let handler = or(named(args, "view_func"), args.get(2));
                let methods = self.methods(&named(args, "methods"), "GET");
                self.add_route(id, registered(methods, path, handler, at));
                Value::Null
            }
            "add_api_route" | "add_route" if app.framework == Framework::Starlette => {
                let path = or(named(args, "path"), first);
                let handler = or(named(args, "endpoint"), or(named(args, "route"), args.get(1)));
                let methods = self.methods(&or(named(args, "methods"), args.get(2)), "GET");
                let mut route = registered(methods, path, handler, at);
                route.guards = self.guards_of(&named(args, "dependencies"), at);
                self.add_route(id, route);
                Value::Null
            }
            "add_get" | "add_post" | "add_put" | "add_delete" | "add_patch" | "add_head" => {
                let method = name.trim_start_matches("add_").to_uppercase();
                self.add_route(id, registered(vec![method], first, args.get(1), at));
                Value::Inert
            }
            "add_route" => {
                let method = first.as_text().map_or("*".to_owned(), |m| m.to_uppercase());
                self.add_route(id, registered(vec![method], args.get(1), args.get(2), at));
                Value::Inert
            }
            "add_view" => {
                self.add_route(id, registered(vec!["*".to_owned()], first, args.get(1), at));
                Value::Inert
            }
            "add_routes" => {
                self.add_entries(id, &first, at);
                Value::Null
            }
            "include_router" | "register_blueprint" | "add_subapp" | "mount" => {
                let (child, prefix) = match name {
                    "include_router" => (or(named(args, "router"), first), named(args, "prefix")),
                    "register_blueprint" => (first, named(args, "url_prefix")),
                    "mount" => {
                        (or(named(args, "app"), args.get(1)), or(named(args, "path"), first))
                    }
                    _ => (args.get(1), first),
                };
                let mut guards = self.guards_of(&named(args, "dependencies"), at);
                if self.branch > 0 {
                    guards.push((Value::Unknown, at));
                }
                match self.app_of(&child) {
                    Some(child) if child != id => {
                        let instead =
                            name == "register_blueprint" && !matches!(prefix, Value::Undefined);
                        if let Some(app) = self.py_app_mut(id) {
                            app.children.push(Child { app: child, prefix, instead, guards });
                        }
                    }
                    Some(_) => {}
                    None if name == "mount" => self.py_mount(id, prefix, &child, at),
                    None => self.gap(Why::Dynamic, at, Hides::Routes),
                }
                Value::Null
            }
            "middleware" | "before_request" | "before_app_request" | "before_serving" => {
                if name == "before_request" && matches!(first, Value::Function(_)) {
                    self.add(id, Adds::Hook, first.clone(), at);
                    return first;
                }
                let adds = if name == "before_serving" { Adds::Startup } else { Adds::Hook };
                match first {
                    function @ (Value::Function(_) | Value::External(_)) => {
                        self.add(id, adds, function.clone(), at);
                        function
                    }
                    _ => self.thing(Thing::Adds(id, adds), at),
                }
            }
            "add_middleware" => {
                self.add(id, Adds::Hook, or(named(args, "middleware_class"), first), at);
                Value::Null
            }
            "on_event" | "add_event_handler" => {
                let adds = match first.as_text().as_deref() {
                    Some("startup") => Adds::Startup,
                    Some("shutdown") => Adds::Shutdown,
                    _ => Adds::Nothing,
                };
                if name == "on_event" {
                    return self.thing(Thing::Adds(id, adds), at);
                }
                self.add(id, adds, args.get(1), at);
                Value::Null
            }
            "run" if app.framework == Framework::Flask => {
                let port = or(or(named(args, "port"), args.get(1)), Value::Number(5000.0));
                let host = or(or(named(args, "host"), first), Value::text("127.0.0.1"));
                self.served(&Value::Host(id), port, host, at, false);
                Value::Null
            }
            "teardown_appcontext"
            | "teardown_request"
            | "after_request"
            | "errorhandler"
            | "exception_handler"
            | "app_errorhandler"
            | "group"
            | "context_processor"
            | "template_filter"
            | "cli"
            | "command"
            | "shell_context_processor"
            | "url_value_preprocessor"
            | "after_serving" => match first {
                function @ Value::Function(_) => function,
                _ => self.thing(Thing::Adds(id, Adds::Nothing), at),
            },
            "register_error_handler"
            | "add_exception_handler"
            | "openapi"
            | "setup"
            | "app_context"
            | "test_client"
            | "test_request_context"
            | "url_path_for"
            | "make_response"
            | "websocket"
            | "get_logger"
            | "push"
            | "append"
            | "update"
            | "from_object"
            | "from_mapping"
            | "from_pyfile"
            | "from_envvar"
            | "from_prefixed_env" => Value::Inert,
            "add_static" | "static" | "add_resource" => Value::Inert,
            "frontend" | "add_websocket_route" | "add_api_websocket_route" => Value::Inert,
            _ => {
                self.leave_for_later(args);
                if self.phase != Phase::Request {
                    self.gap(Why::Unsupported, at, Hides::Routes);
                }
                Value::Inert
            }
        }
    }

    /// A member of an application.
    pub(super) fn py_app_member(&mut self, id: HostId, name: &str) -> Value {
        let Some(app) = self.py_app_mut(id).map(|app| app.clone()) else { return Value::Unknown };
        match name {
            "state" | "extensions" | "config" => Value::Object(app.state),
            "router" if app.framework != Framework::Flask => Value::Host(id),
            "on_startup" | "on_cleanup" | "on_shutdown" | "cleanup_ctx" => self.thing(
                Thing::Adds(
                    id,
                    match name {
                        "on_startup" => Adds::Startup,
                        "cleanup_ctx" => Adds::Nothing,
                        _ => Adds::Shutdown,
                    },
                ),
                super::super::nowhere(),
            ),
            "wsgi_app" | "asgi_app" => Value::Host(id),
            "logger"
            | "root_path"
            | "name"
            | "routes"
            | "url_map"
            | "user_middleware"
            | "debug"
            | "json"
            | "jinja_env"
            | "title"
            | "version"
            | "prefix"
            | "dependency_overrides"
            | "exception_handlers" => Value::Inert,
            _ => Value::HostMethod(id, name.into()),
        }
    }

    /// `app.on_startup.append(f)`, `app.cleanup_ctx.append(f)`; as a decorator, `app.on_event("x")(f)`.
    pub(super) fn py_adds(
        &mut self,
        id: HostId,
        adds: Adds,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Value {
        let function = args.get(0);
        match (adds, name) {
            (Adds::Nothing, "append") => {
                if let Some(app) = self.py_app_mut(id) {
                    app.lifespans.push((function, at));
                }
                Value::Null
            }
            (adds, "append") => {
                self.add(id, adds, function, at);
                Value::Null
            }
            _ => {
                self.add(id, adds, function.clone(), at);
                function
            }
        }
    }

    fn add(&mut self, id: HostId, adds: Adds, function: Value, at: Span) {
        let Some(app) = self.py_app_mut(id) else { return };
        let list = match adds {
            Adds::Hook => &mut app.hooks,
            Adds::Startup => &mut app.startup,
            Adds::Shutdown => &mut app.shutdown,
            Adds::Nothing => return,
        };
        list.push((function, at));
    }

    /// `app.wsgi_app = Auth(app.wsgi_app)`: what stands before all of an application's routes.
    pub(in super::super) fn py_wrap(&mut self, id: HostId, by: &Value) {
        let at = self.via.unwrap_or(super::super::nowhere());
        // What one of the program's own answers by `start_response` is not followed.
        let own = matches!(by, Value::Object(_) | Value::Function(_) | Value::Bound(_));
        let by = if own { Value::Unknown } else { by.clone() };
        self.add(id, Adds::Hook, by, at);
    }

    pub(super) fn add_route(&mut self, id: HostId, mut route: Registered) {
        // Whether a route of a branch is there is not known, nor what answers in its place.
        if self.branch > 0 {
            route.guards.push((Value::Unknown, route.at));
        }
        if let Some(app) = self.py_app_mut(id) {
            app.routes.push(route);
        }
    }

    // ---- life ----

    /// What an application does when it is served, and at its end.
    pub(super) fn start_app(&mut self, id: HostId, handler: Option<usize>, depth: usize) {
        let Some(app) = self.py_app_mut(id) else { return };
        if std::mem::replace(&mut app.serves, true) || depth > 8 {
            return;
        }
        let app = app.clone();
        for (function, at) in &app.startup {
            self.call_value(function, Args::of(vec![Value::Host(id)]), Some(*at));
        }
        for (function, at) in &app.lifespans {
            self.run_lifespan(function, id, handler, *at);
        }
        if let Some(handler) = handler {
            for (function, at) in &app.shutdown {
                self.in_phase(Phase::Signal(handler), |eval| {
                    eval.call_value(function, Args::of(vec![Value::Host(id)]), Some(*at));
                });
            }
        }
    }

    /// Up to its `yield` a lifespan is the start; what follows runs at the end.
    fn run_lifespan(&mut self, function: &Value, app: HostId, handler: Option<usize>, at: Span) {
        let phase = self.phase;
        let before =
            self.state().map(|state| state.lifespan.replace(handler.unwrap_or(usize::MAX)));
        self.call_value(function, Args::of(vec![Value::Host(app)]), Some(at));
        self.phase = phase;
        self.stop = None;
        if let (Some(state), Some(before)) = (self.state(), before) {
            state.lifespan = before;
        }
    }

    // ---- Django ----

    fn django_path(&mut self, kind: &str, args: &Args, at: Span) -> Value {
        let text = args.get(0);
        let path = match text.as_text() {
            Some(text) if kind == "path" => Value::text(&text),
            Some(text) => {
                let plain =
                    text.trim_start_matches('^').trim_end_matches('$').trim_end_matches("/?");
                if plain.contains(['(', '[', '\\', '*', '+', '?', '|', '.']) {
                    Value::Unknown
                } else {
                    Value::text(plain)
                }
            }
            None => Value::Unknown,
        };
        let view = or(named(args, "view"), args.get(1));
        let below = match self.thing_of(&view) {
            Some(Thing::Route(entry)) => entry.below.clone(),
            _ => None,
        };
        // `admin.site.urls`.
        let below = below
            .or_else(|| matches!(view, Value::External(_) | Value::Inert).then_some(Value::Inert));
        let route = registered(vec!["*".to_owned()], path, view, at);
        self.thing(Thing::Route(Box::new(Entry { route, below })), at)
    }

    /// Django reads its settings, and from there its routes.
    pub(super) fn django(&mut self, at: Span) {
        let Some(state) = self.state() else { return };
        if std::mem::replace(&mut state.django, true) {
            return;
        }
        let name = state.set.get("DJANGO_SETTINGS_MODULE").cloned();
        let Some(name) = name.and_then(|name| name.unset().as_text()) else {
            return self.gap(Why::Dynamic, at, Hides::Anything);
        };
        let Value::Namespace(settings) = self.py_import(at.file, &name, at) else {
            return self.gap(Why::NeedsBuild, at, Hides::Anything);
        };
        let settings = Value::Namespace(settings);
        let urls = self.member(&settings, "ROOT_URLCONF", Some(at));
        let id = self.new_app(Framework::Starlette, Value::Undefined, at);
        let patterns = match urls.as_text() {
            Some(urls) => {
                let module = self.py_import(at.file, &urls, at);
                self.member(&module, "urlpatterns", Some(at))
            }
            None => Value::Unknown,
        };
        self.add_entries(id, &patterns, at);
        let middleware = self.member(&settings, "MIDDLEWARE", Some(at));
        let all = self.items(&middleware);
        if all.is_none() {
            self.add(id, Adds::Hook, Value::Unknown, at);
        }
        for one in all.unwrap_or_default() {
            let hook = match one.as_text() {
                Some(name)
                    if name.starts_with("django.")
                        && !name.ends_with("LoginRequiredMiddleware") =>
                {
                    continue;
                }
                Some(name) if is_harmless_middleware(&name) => continue,
                _ => Value::Unknown,
            };
            self.add(id, Adds::Hook, hook, at);
        }
        let hosts = self.member(&settings, "ALLOWED_HOSTS", Some(at));
        let hosts = self.items(&hosts).unwrap_or_default();
        let open = hosts.iter().any(|host| {
            host.as_text().is_some_and(|host| matches!(&*host, "*" | "localhost" | "127.0.0.1"))
        });
        if !open {
            // A request that names another host is turned away: who asks names which one?
            self.add(id, Adds::Hook, Value::Unknown, at);
        }
        if let Some(app) = self.py_app_mut(id) {
            app.serves = true;
        }
    }
}

fn is_harmless_middleware(name: &str) -> bool {
    [
        "whitenoise.",
        "corsheaders.",
        "debug_toolbar.",
        "django_prometheus.",
        "allauth.",
        "simple_history.",
    ]
    .iter()
    .any(|known| name.starts_with(known))
}

pub(super) fn registered(
    methods: Vec<String>,
    path: Value,
    handler: Value,
    at: Span,
) -> Registered {
    Registered { methods, path, handler, guards: Vec::new(), status: Value::Undefined, at }
}

pub(super) fn named(args: &Args, name: &str) -> Value {
    let found = args.named.iter().find(|(known, _)| **known == *name);
    found.map_or(Value::Undefined, |(_, value)| value.clone())
}

/// The second where the first was not given.
pub(super) fn or(first: Value, second: Value) -> Value {
    if matches!(first, Value::Undefined) { second } else { first }
}
