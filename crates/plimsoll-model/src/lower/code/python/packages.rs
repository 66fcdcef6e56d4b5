//! What packages and the standard library do: what they open, read from the environment and write.

use std::rc::Rc;

use plimsoll_source::Span;
use plimsoll_syntax::program::{Key, MemberKind};

use super::super::eval::{Args, Eval, Here, Phase, variable};
use super::super::host::{Host, Kind};
use super::super::value::{ClassValue, Env, HostId, Object, Value};
use super::http::{named, or};
use super::language::is_transparent;
use super::{Path, Thing};
use crate::Why;
use crate::code::{Address, Hides, Resource, Unless, Unverified};

/// What calls of packages open.
const OPENERS: &[(&str, &str, Resource)] = &[
    ("sqlalchemy", "create_engine", Resource::Database),
    ("sqlalchemy", "create_async_engine", Resource::Database),
    ("sqlalchemy", "engine_from_config", Resource::Database),
    ("sqlmodel", "create_engine", Resource::Database),
    ("psycopg", "connect", Resource::Database),
    ("psycopg2", "connect", Resource::Database),
    ("psycopg_pool", "ConnectionPool", Resource::Database),
    ("psycopg_pool", "AsyncConnectionPool", Resource::Database),
    ("psycopg2", "SimpleConnectionPool", Resource::Database),
    ("psycopg2", "ThreadedConnectionPool", Resource::Database),
    ("asyncpg", "connect", Resource::Database),
    ("asyncpg", "create_pool", Resource::Database),
    ("aiomysql", "create_pool", Resource::Database),
    ("pymysql", "connect", Resource::Database),
    ("MySQLdb", "connect", Resource::Database),
    ("mysql", "connect", Resource::Database),
    ("aiosqlite", "connect", Resource::Database),
    ("sqlite3", "connect", Resource::Database),
    ("pymongo", "MongoClient", Resource::Mongo),
    ("pymongo", "AsyncMongoClient", Resource::Mongo),
    ("motor", "AsyncIOMotorClient", Resource::Mongo),
    ("redis", "Redis", Resource::Cache),
    ("redis", "StrictRedis", Resource::Cache),
    ("redis", "from_url", Resource::Cache),
    ("redis", "RedisCluster", Resource::Cache),
    ("redis", "ConnectionPool", Resource::Cache),
    ("aioredis", "from_url", Resource::Cache),
    ("aioredis", "create_redis_pool", Resource::Cache),
    ("valkey", "Valkey", Resource::Cache),
    ("valkey", "from_url", Resource::Cache),
    ("pymemcache", "Client", Resource::Cache),
    ("pika", "BlockingConnection", Resource::Queue),
    ("pika", "SelectConnection", Resource::Queue),
    ("aio_pika", "connect", Resource::Queue),
    ("aio_pika", "connect_robust", Resource::Queue),
    ("kafka", "KafkaProducer", Resource::Queue),
    ("kafka", "KafkaConsumer", Resource::Worker),
    ("confluent_kafka", "Producer", Resource::Queue),
    ("confluent_kafka", "Consumer", Resource::Worker),
    ("nats", "connect", Resource::Queue),
];

/// What is opened by a method of what calls of packages give.
const CLOSED: &[(&str, &str, Resource, &str)] = &[
    ("databases", "Database", Resource::Database, "connect"),
    ("aiokafka", "AIOKafkaProducer", Resource::Queue, "start"),
    ("aiokafka", "AIOKafkaConsumer", Resource::Worker, "start"),
    ("apscheduler", "BackgroundScheduler", Resource::Timer, "start"),
    ("apscheduler", "AsyncIOScheduler", Resource::Timer, "start"),
    ("apscheduler", "BlockingScheduler", Resource::Timer, "start"),
    ("threading", "Thread", Resource::Worker, "start"),
    ("threading", "Timer", Resource::Timer, "start"),
];

/// Methods that close or stop, besides those of JavaScript.
const CLOSERS: [&str; 12] = [
    "dispose",
    "aclose",
    "close",
    "closeall",
    "stop",
    "shutdown",
    "disconnect",
    "wait_closed",
    "terminate",
    "cancel",
    "drain",
    "join",
];

/// Packages whose functions ask nothing of the outside.
const HARMLESS: [&str; 76] = [
    "abc",
    "argparse",
    "array",
    "ast",
    "asyncio",
    "atexit",
    "base64",
    "bisect",
    "calendar",
    "collections",
    "concurrent",
    "configparser",
    "contextlib",
    "contextvars",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "functools",
    "gc",
    "getpass",
    "gettext",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "importlib",
    "inspect",
    "io",
    "ipaddress",
    "itertools",
    "json",
    "logging",
    "math",
    "mimetypes",
    "operator",
    "os",
    "pathlib",
    "platform",
    "pprint",
    "queue",
    "random",
    "re",
    "resource",
    "secrets",
    "signal",
    "string",
    "struct",
    "sys",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "traceback",
    "types",
    "typing",
    "unicodedata",
    "uuid",
    "warnings",
    "weakref",
    "zoneinfo",
    "pydantic",
    "pydantic_settings",
    "structlog",
    "loguru",
    "typing_extensions",
    "dotenv",
    "orjson",
    "ujson",
    "dateutil",
    "pytz",
    "colorlog",
    "pythonjsonlogger",
];

pub(super) fn is_harmless(package: &str) -> bool {
    HARMLESS.contains(&package) || package == "sqlmodel" || package == ":py"
}

/// Functions that only describe what would be asked.
const BUILDERS: [&str; 14] = [
    "select", "text", "insert", "update", "delete", "and_", "or_", "not_", "desc", "asc", "Q", "F",
    "Field", "Column",
];

impl Eval<'_> {
    /// A call of something that a package, the standard library or the language itself gives.
    pub(in super::super) fn py_call(&mut self, path: &Path, args: &Args, at: Span) -> Value {
        let (package, parts) = &**path;
        let last = parts.last().map_or("", String::as_str);
        let is_function =
            |value: &Value| matches!(value, Value::Function(_) | Value::Bound(_) | Value::Class(_));
        match package.as_str() {
            ":py" => return self.py_builtin(last, args, at),
            ":dir" | ":guard" | ":global" => return Value::Unknown,
            ":same" => {
                let first = args.list.first().filter(|value| is_function(value));
                return first.cloned().unwrap_or_else(|| Value::External(Rc::clone(path)));
            }
            _ => {}
        }
        if matches!(package.as_str(), "flask" | "quart")
            && parts.iter().any(|part| part == "request")
        {
            return Value::Inert;
        }
        if named(args, "verify").truth() == Some(false)
            && matches!(package.as_str(), "requests" | "httpx")
        {
            self.facts.unverified.push(Unverified {
                at,
                keys: Vec::new(),
                production: true,
                unless: Unless::Never,
            });
        }
        if is_transparent(last) {
            return match args.list.first() {
                Some(function)
                    if args.list.len() == 1 && is_function(function) && last != "wraps" =>
                {
                    function.clone()
                }
                _ => Value::external(":same", &[last]),
            };
        }
        if let Some(value) = self.py_http(path, args, at) {
            return value;
        }
        if let Some((_, _, kind)) =
            OPENERS.iter().find(|(of, what, _)| of == package && *what == last)
        {
            let address = self.py_address(args, at);
            return Value::Host(self.open(*kind, last, at, address, None));
        }
        if let Some((_, _, kind, by)) =
            CLOSED.iter().find(|(of, what, _, _)| of == package && *what == last)
        {
            if *kind == Resource::Worker && package == "threading" {
                self.leave_for_later(args);
                if named(args, "daemon").truth() == Some(true) {
                    return Value::Inert;
                }
            }
            let address = self.py_address(args, at);
            let options = address.map_or(Value::Undefined, |address| self.address_value(&address));
            return self.host(Host { kind: Kind::Closed(*kind, by, options), at, open: None });
        }
        if let Some(value) = self.py_environment(package, parts, args, at) {
            return value;
        }
        if let Some(value) = self.py_platform(package, last, args, at) {
            return value;
        }
        self.leave_for_later(args);
        if HARMLESS.contains(&package.as_str()) || BUILDERS.contains(&last) {
            return Value::Inert;
        }
        // A function of a package may ask the outside now; an object of one, when it is used.
        if last.chars().next().is_some_and(char::is_lowercase) {
            self.ask(at);
        }
        self.thing(Thing::Foreign(last.to_owned()), at)
    }

    /// A member of something that a package gives.
    pub(in super::super) fn py_external_member(&mut self, path: &Path, name: &str) -> Value {
        let (package, parts) = &**path;
        let is_request = matches!(package.as_str(), "flask" | "quart")
            && parts.last().is_some_and(|part| part == "request");
        if is_request && matches!(name, "path" | "full_path") && self.phase == Phase::Request {
            let path = self.answering.path.clone();
            return path.map_or(Value::Unknown, Value::Text);
        }
        if let Some(status) = status(parts, name) {
            return Value::Number(status);
        }
        let mut longer: Vec<&str> = parts.iter().map(|part| &**part).collect();
        longer.push(name);
        if longer.len() > 10 { Value::Unknown } else { Value::external(package, &longer) }
    }

    fn address_value(&mut self, address: &Address) -> Value {
        let default = address.default.known().map_or(Value::Undefined, |text| Value::text(text));
        if address.variables.is_empty() {
            return default;
        }
        let names = address.variables.clone();
        Value::Env(Rc::new(Env { names, unset: default, at: address.at }))
    }

    /// Where a connection goes to.
    fn py_address(&mut self, args: &Args, at: Span) -> Option<Address> {
        const NAMES: [&str; 8] = [
            "dsn",
            "url",
            "uri",
            "conninfo",
            "host",
            "bootstrap_servers",
            "servers",
            "name_or_url",
        ];
        let mut list: Vec<Value> = args.list.iter().take(1).cloned().collect();
        let mut object = Object { branch: self.branch, ..Object::default() };
        for name in NAMES {
            let value = named(args, name);
            if !matches!(value, Value::Undefined) {
                let key = if name == "host" { "host" } else { "url" };
                object.props.entry(key.into()).or_insert(value);
            }
        }
        if list.is_empty() {
            list.push(Value::Object(self.object(object)));
        }
        self.address(&Args::of(list), at)
    }

    /// Variables of the environment; `None` where it is none.
    fn py_environment(
        &mut self,
        package: &str,
        parts: &[String],
        args: &Args,
        at: Span,
    ) -> Option<Value> {
        let last = parts.last().map_or("", String::as_str);
        let is_environ = parts.iter().any(|part| part == "environ");
        match (package, last) {
            ("os", "getenv") => {}
            ("os", "get" | "pop") if is_environ => {}
            ("os", "setdefault") if is_environ => {
                let name = args.get(0).as_text()?;
                self.facts.read(&name, at);
                let value = self.py_default(&name, args.get(1), at);
                let state = self.state()?;
                state.set.insert(name.to_string(), value.clone());
                return Some(value);
            }
            ("os", "copy" | "items" | "keys" | "update") if is_environ => {
                return Some(Value::Unknown);
            }
            ("decouple", "config" | "") | ("starlette", "config") => {
                return Some(self.py_configured(args, at));
            }
            ("environ", "Env" | "FileAwareEnv")
            | ("environs", "Env")
            | ("starlette", "Config")
            | ("decouple", "Config" | "AutoConfig") => {
                return Some(self.thing(Thing::Environment, at));
            }
            ("pydantic" | "pydantic_settings", "Field") => {
                let default = or(named(args, "default"), args.get(0));
                let default = match named(args, "default_factory") {
                    Value::Undefined => default,
                    _ => Value::Unknown,
                };
                let mut aliases = Vec::new();
                for name in ["validation_alias", "alias", "env"] {
                    let value = named(args, name);
                    let all = self.items(&value).unwrap_or_else(|| vec![value]);
                    aliases
                        .extend(all.iter().filter_map(Value::as_text).map(|text| text.to_string()));
                }
                return Some(self.thing(Thing::Field(Box::new((default, aliases))), at));
            }
            ("pydantic" | "pydantic_settings", "AliasChoices") => {
                return Some(self.list(args.list.clone()));
            }
            ("pydantic_settings", "SettingsConfigDict") | ("pydantic", "ConfigDict") => {
                let mut object = Object { open: true, branch: self.branch, ..Object::default() };
                for (name, value) in &args.named {
                    object.props.insert((&**name).into(), value.clone());
                }
                return Some(Value::Object(self.object(object)));
            }
            _ => return None,
        }
        let name = or(args.get(0), named(args, "key"));
        let Some(name) = name.as_text() else { return Some(Value::Unknown) };
        self.facts.read(&name, at);
        let default = or(args.get(1), named(args, "default"));
        Some(self.py_default(&name, or(default, Value::Null), at))
    }

    /// A variable with what it is where it is not set.
    fn py_default(&mut self, name: &str, default: Value, at: Span) -> Value {
        let read = variable(name, at);
        let set = self.python.as_ref().and_then(|state| state.set.get(name)).cloned();
        if let Some(set) = set {
            return set;
        }
        if !matches!(default, Value::Null) {
            self.facts.defaults(&read, &default);
        }
        let names = read.names();
        let mut all = names;
        for name in default.names() {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        Value::Env(Rc::new(Env { names: all, unset: default.unset().clone(), at }))
    }

    /// `config("X", default=…)`: without a default, the program does not go on.
    fn py_configured(&mut self, args: &Args, at: Span) -> Value {
        let Some(name) = args.get(0).as_text() else { return Value::Unknown };
        self.facts.read(&name, at);
        match or(named(args, "default"), args.get(1)) {
            Value::Undefined => self.py_required(&name, at),
            default if default.is_plain() => self.py_default(&name, default, at),
            // A type by position: `env.int("X")`, or a default that is no value.
            _ => Value::Env(Rc::new(Env {
                names: vec![name.to_string()],
                unset: Value::Unknown,
                at,
            })),
        }
    }

    fn py_required(&mut self, name: &str, at: Span) -> Value {
        let set = self.python.as_ref().and_then(|state| state.set.get(name)).cloned();
        if let Some(set) = set {
            return set;
        }
        if self.phase == Phase::Start && self.tries.is_empty() && self.branch == 0 {
            self.facts.require(&[name.to_owned()]);
        }
        variable(name, at)
    }

    /// `os.environ["X"]`, `Annotated[T, Depends(f)]`.
    pub(in super::super) fn py_index(
        &mut self,
        of: &Value,
        index: &Value,
        at: Span,
    ) -> Option<Value> {
        match of {
            Value::External(path)
                if path.0 == "os" && path.1.last().is_some_and(|n| n == "environ") =>
            {
                let Some(name) = index.as_text() else { return Some(Value::Unknown) };
                self.facts.read(&name, at);
                Some(self.py_required(&name, at))
            }
            Value::External(path) if path.1.last().is_some_and(|name| name == "Annotated") => {
                let items = self.items(index).unwrap_or_default();
                let found = items
                    .into_iter()
                    .find(|item| matches!(self.thing_of(item), Some(Thing::Depends(_))));
                Some(found.unwrap_or(Value::Inert))
            }
            Value::External(_) | Value::Class(_) => Some(of.clone()),
            Value::Host(id) => match self.hosts[id.0].kind {
                // `app["db"]`, `client["name"]`: what is below it is asked like it.
                Kind::Python(_) => match (self.app_of(of), index.as_text()) {
                    (Some(app), Some(name)) => {
                        let state = Value::Object(self.py_app_mut(app)?.state);
                        Some(self.member(&state, &name, Some(at)))
                    }
                    _ => Some(of.clone()),
                },
                _ => Some(of.clone()),
            },
            _ => None,
        }
    }

    /// Settings of pydantic: each field is a variable.
    pub(super) fn py_settings(&mut self, class: &Rc<ClassValue>, this: &Value, args: &Args) {
        let config =
            self.py_static(class, "model_config").or_else(|| self.py_static(class, "Config"));
        let prefix = match config {
            Some(config @ (Value::Object(_) | Value::Class(_))) => {
                self.member(&config, "env_prefix", None)
            }
            _ => Value::Undefined,
        };
        let prefix = prefix.as_text().unwrap_or_else(|| "".into());
        for (owner, index) in self.py_fields(class) {
            let module = std::sync::Arc::clone(&owner.module);
            let Some(member) = module.class(owner.class).members.get(index) else { continue };
            let Key::Fixed(field) = &member.key else { continue };
            let MemberKind::Field(init) = member.kind else { continue };
            if matches!(&**field, "model_config" | "Config") {
                continue;
            }
            let at = module.span(member.range);
            let declared = match init {
                Some(_) => self.py_static(&owner, field).unwrap_or(Value::Unknown),
                None => Value::Undefined,
            };
            let (default, aliases) = match self.thing_of(&declared) {
                Some(Thing::Field(found)) => (**found).clone(),
                _ => (declared, Vec::new()),
            };
            let default = match &default {
                Value::External(path) if path.0 == ":py" => Value::Undefined,
                _ => default,
            };
            let names = if aliases.is_empty() {
                vec![format!("{prefix}{field}").to_uppercase()]
            } else {
                aliases.iter().map(|name| name.to_uppercase()).collect()
            };
            for name in &names {
                self.facts.read(name, at);
            }
            let given = named(args, field);
            let value = if !matches!(given, Value::Undefined) {
                given
            } else if matches!(default, Value::Undefined) {
                let read =
                    Value::Env(Rc::new(Env { names: names.clone(), unset: Value::Undefined, at }));
                if args.open {
                    // `Settings(**found)` may give it.
                    self.facts.defaults(&read, &Value::Unknown);
                } else if self.phase == Phase::Start && self.branch == 0 && names.len() == 1 {
                    self.facts.require(&names);
                }
                read
            } else {
                let read =
                    Value::Env(Rc::new(Env { names: names.clone(), unset: Value::Undefined, at }));
                if !matches!(default, Value::Null) {
                    self.facts.defaults(&read, &default);
                }
                if default.is_plain() || matches!(default, Value::Unknown) {
                    Value::Env(Rc::new(Env { names, unset: default, at }))
                } else {
                    default
                }
            };
            self.set(this, field, value);
        }
    }

    /// The standard library; `None` where nothing is known of it.
    fn py_platform(&mut self, package: &str, last: &str, args: &Args, at: Span) -> Option<Value> {
        let first = args.get(0);
        Some(match (package, last) {
            ("sys", "exit") | ("os", "_exit") | ("os", "abort") => {
                let code = match first {
                    Value::Undefined | Value::Null if last == "exit" => Value::Number(0.0),
                    Value::Text(_) => Value::Number(1.0),
                    Value::Undefined => Value::Number(134.0),
                    code => code,
                };
                self.exits(&code, at);
                Value::Null
            }
            ("signal", "signal") => {
                self.py_handles(&first, args.get(1), at);
                Value::Inert
            }
            ("atexit", "register") => {
                if let Some(state) = self.state() {
                    state.at_exit.push((first, at));
                }
                Value::Inert
            }
            ("asyncio", "get_event_loop" | "get_running_loop" | "new_event_loop") => {
                self.thing(Thing::Loop, at)
            }
            (
                "asyncio" | "anyio" | "trio",
                "run" | "wait_for" | "gather" | "create_task" | "shield" | "ensure_future"
                | "run_in_executor" | "to_thread",
            ) => {
                if last == "to_thread" {
                    let rest = args.list.get(1..).unwrap_or_default().to_vec();
                    let given = Args { list: rest, ..args.clone() };
                    return Some(self.call_value(&first, given, Some(at)));
                }
                if last == "run" && matches!(first, Value::Function(_) | Value::Bound(_)) {
                    return Some(self.call_value(&first, Args::default(), Some(at)));
                }
                first
            }
            ("functools", "partial" | "partialmethod") => first,
            ("contextlib", _) => Value::Unknown,
            ("pathlib", "Path" | "PurePath" | "PosixPath") => match first {
                path @ (Value::Text(_) | Value::Env(_)) if args.list.len() == 1 => path,
                _ => Value::Unknown,
            },
            ("os", "join") => {
                let texts: Option<Vec<_>> = args.list.iter().map(|v| v.unset().as_text()).collect();
                let made = texts.map_or(Value::Unknown, |texts| {
                    let texts: Vec<&str> =
                        texts.iter().map(|text| text.trim_end_matches('/')).collect();
                    Value::text(&texts.join("/"))
                });
                args.list.iter().fold(made, |made, value| value.depends(made))
            }
            ("os", call @ ("makedirs" | "mkdir" | "mkfifo" | "remove" | "unlink")) => {
                self.writes(&first, matches!(call, "makedirs" | "mkdir"), at);
                Value::Null
            }
            (
                "os" | "shutil",
                "rename" | "replace" | "copy" | "copy2" | "copyfile" | "copytree" | "move",
            ) => {
                self.writes(&args.get(1), false, at);
                Value::Inert
            }
            (
                "tempfile",
                "mkdtemp" | "mkstemp" | "NamedTemporaryFile" | "TemporaryDirectory"
                | "TemporaryFile",
            ) => {
                let dir = or(named(args, "dir"), Value::text("/tmp"));
                self.writes(&dir, true, at);
                Value::Unknown
            }
            (
                "logging",
                "FileHandler"
                | "RotatingFileHandler"
                | "TimedRotatingFileHandler"
                | "WatchedFileHandler",
            ) => {
                self.writes(&or(named(args, "filename"), first), false, at);
                Value::Inert
            }
            ("logging", "basicConfig") => {
                let file = named(args, "filename");
                if !matches!(file, Value::Undefined | Value::Null) {
                    self.writes(&file, false, at);
                }
                Value::Inert
            }
            ("aiofiles", "open") => {
                self.py_opens_file(args, at);
                Value::Inert
            }
            ("ssl", "_create_unverified_context") => {
                self.facts.unverified.push(Unverified {
                    at,
                    keys: vec!["verify_mode".to_owned()],
                    production: true,
                    unless: Unless::Never,
                });
                Value::Inert
            }
            ("importlib", "reload") => Value::Unknown,
            ("prometheus_client", "start_http_server") => {
                self.py_listens(
                    or(named(args, "port"), first),
                    or(named(args, "addr"), Value::Undefined),
                    at,
                );
                Value::Inert
            }
            ("http", "HTTPServer" | "ThreadingHTTPServer") | ("socketserver", "TCPServer") => {
                let address = self.items(&first).unwrap_or_default();
                let port = address.get(1).cloned().unwrap_or(Value::Unknown);
                let host = address.first().cloned().unwrap_or(Value::Unknown);
                self.py_listens(port, host, at);
                self.gap(Why::Unsupported, at, Hides::Routes);
                Value::Inert
            }
            _ => return None,
        })
    }

    fn py_listens(&mut self, port: Value, host: Value, at: Span) {
        let (tries, at_start) = (self.tries.clone(), self.phase == Phase::Start);
        self.opens(Resource::Server, "server", at, None, None);
        self.facts.listens.push(super::super::facts::Listening {
            port,
            host,
            tls: false,
            at,
            tries,
            app: None,
            at_start,
            callback: None,
        });
    }

    /// A handler of a signal, which is given as `signal.SIGTERM`.
    fn py_handles(&mut self, signal: &Value, function: Value, at: Span) {
        for one in signal.each().to_vec() {
            let name = match &one {
                Value::External(path) if path.0 == "signal" => {
                    path.1.iter().find(|n| n.starts_with("SIG"))
                }
                _ => None,
            };
            let name = match (name, one.as_number()) {
                (Some(name), _) => name.clone(),
                (None, Some(15.0)) => "SIGTERM".to_owned(),
                (None, Some(2.0)) => "SIGINT".to_owned(),
                _ => {
                    self.gap(Why::Dynamic, at, Hides::Anything);
                    continue;
                }
            };
            let is = |what: &str| {
                matches!(&function, Value::External(path)
                    if path.0 == "signal" && path.1.iter().any(|name| name == what))
            };
            if is("SIG_DFL") {
                continue;
            }
            let ignored = is("SIG_IGN");
            let function = if ignored { Value::Undefined } else { function.clone() };
            let handler = self.handles(&name, function, at);
            if let Some(handling) = self.facts.handlers.get_mut(handler) {
                handling.ignored = ignored;
            }
        }
    }

    pub(super) fn py_opens_file(&mut self, args: &Args, at: Span) {
        let mode = or(named(args, "mode"), args.get(1));
        let writes = mode.as_text().is_some_and(|mode| mode.contains(['w', 'a', 'x', '+']));
        if writes {
            self.writes(&or(named(args, "file"), args.get(0)), false, at);
        }
    }

    // ---- objects ----

    /// A member of an object of a package.
    pub(in super::super) fn py_host_member(
        &mut self,
        id: HostId,
        thing: &Thing,
        name: &str,
        at: Option<Span>,
    ) -> Value {
        match thing {
            Thing::App(_) => self.py_app_member(id, name),
            Thing::Request => match name {
                "url" | "rel_url" | "scope" => Value::Host(id),
                "path" | "path_info" | "full_path" => match &self.answering.path {
                    Some(path) => Value::Text(Rc::clone(path)),
                    None => Value::Unknown,
                },
                "method" => Value::text("GET"),
                "app" | "config_dict" => {
                    let app = self.python.as_ref().and_then(|state| state.app);
                    app.map_or(Value::Unknown, Value::Host)
                }
                "headers" | "cookies" | "query_params" | "path_params" | "args" | "query"
                | "form" | "json" | "body" | "data" | "META" | "GET" | "POST" | "match_info"
                | "client" | "endpoint" | "remote_addr" | "values" | "session" | "user" => {
                    Value::Inert
                }
                _ => self
                    .thing(Thing::Foreign(name.to_owned()), at.unwrap_or(super::super::nowhere())),
            },
            Thing::Foreign(_) => Value::HostMethod(id, name.into()),
            Thing::Wrapped(inner) => {
                let inner = inner.0.clone();
                self.member(&inner, name, at)
            }
            _ => Value::HostMethod(id, name.into()),
        }
    }

    /// A call of an object of a package (`name` is empty) or of a method of one.
    pub(in super::super) fn py_host_call(
        &mut self,
        id: HostId,
        thing: &Thing,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Value {
        let first = args.get(0);
        let is_function = matches!(first, Value::Function(_) | Value::Bound(_) | Value::Class(_))
            || matches!(self.thing_of(&first), Some(Thing::Wrapped(_)));
        match thing {
            Thing::App(_) if name.is_empty() => Value::Inert,
            Thing::App(_) => self.py_call_app(id, name, args, at),
            Thing::Registers(app, route) => {
                let mut route = (**route).clone();
                route.handler = first.clone();
                self.add_route(*app, route);
                first
            }
            Thing::Adds(app, adds) => self.py_adds(*app, *adds, name, args, at),
            Thing::Server(server) => match name {
                "run" | "serve" | "start" => {
                    let (app, port, host) = (**server).clone();
                    if matches!(port, Value::Undefined) {
                        return Value::Inert;
                    }
                    self.served(&app, port, host, at, true);
                    Value::Null
                }
                _ => Value::Inert,
            },
            Thing::Loop => match name {
                "add_signal_handler" => {
                    self.py_handles(&first, args.get(1), at);
                    Value::Null
                }
                "run_until_complete" | "create_task" => first,
                "run_in_executor" => {
                    self.call_value(&args.get(1), Args { open: true, ..Args::default() }, Some(at))
                }
                _ => Value::Inert,
            },
            Thing::Environment => match name {
                "read_env" | "read_envfile" | "prefixed" => Value::Inert,
                "" | "str" | "int" | "bool" | "float" | "list" | "url" | "json" | "dict"
                | "path" | "tuple" | "get_value" | "log_level" => self.py_configured(args, at),
                _ => {
                    self.py_configured(args, at);
                    Value::Unknown
                }
            },
            Thing::Wrapped(inner) if name.is_empty() => {
                let inner = inner.0.clone();
                self.call_value(&inner, args.clone(), Some(at))
            }
            Thing::Request => {
                if matches!(name, "get_json" | "is_disconnected" | "") {
                    Value::Inert
                } else {
                    Value::Unknown
                }
            }
            // A decorator of a package: what a call made, or a method of an object of it.
            Thing::Foreign(by)
                if is_function && args.list.len() == 1 && self.phase != Phase::Request =>
            {
                let by = if name.is_empty() { by.clone() } else { name.to_owned() };
                if is_transparent(&by) {
                    return first;
                }
                self.leave_for_later(args);
                self.thing(Thing::Wrapped(Box::new((first, by, at))), at)
            }
            Thing::Foreign(_) => {
                if name == "add_insecure_port" || name == "add_secure_port" {
                    let (host, port) = super::entry::split_address(&first);
                    self.py_listens(port, host, at);
                    return Value::Inert;
                }
                self.leave_for_later(args);
                // To let go of something asks nothing of it.
                let lets_go = CLOSERS.contains(&name) || name == "rollback";
                if !name.is_empty() && !lets_go {
                    self.ask(at);
                }
                self.thing(Thing::Foreign(name.to_owned()), at)
            }
            _ => {
                self.leave_for_later(args);
                Value::Unknown
            }
        }
    }

    /// Closing methods that only Python's packages have.
    pub(in super::super) fn py_closes(
        &mut self,
        open: Option<usize>,
        name: &str,
        at: Span,
    ) -> bool {
        if !CLOSERS.contains(&name) {
            return false;
        }
        match (open, self.phase) {
            (Some(open), _) => self.close_all(&[open], at),
            (None, Phase::Signal(handler)) => self.facts.unknown_in_handler(handler, at),
            _ => {}
        }
        true
    }

    /// A parameter of a handler as the framework fills it in.
    pub(super) fn py_injected(
        &mut self,
        here: &Here,
        of_type: Option<&str>,
        extras: &[Value],
    ) -> Option<Value> {
        let extra =
            extras.iter().find(|value| matches!(self.thing_of(value), Some(Thing::Depends(_))));
        if let Some(extra) = extra {
            return Some(extra.clone());
        }
        let of_type = of_type?;
        let value = self.name(here, of_type);
        matches!(self.thing_of(&value), Some(Thing::Depends(_))).then_some(value)
    }
}

/// The status that a constant stands for: `status.HTTP_503_SERVICE_UNAVAILABLE` of Starlette and of
/// Django's REST framework, `HTTPStatus.SERVICE_UNAVAILABLE` of Python itself.
fn status(parts: &[String], name: &str) -> Option<f64> {
    match parts.last()?.as_str() {
        "status" => name.strip_prefix("HTTP_")?.split('_').next()?.parse().ok(),
        "HTTPStatus" => Some(match name {
            "OK" => 200.0,
            "NO_CONTENT" => 204.0,
            "BAD_REQUEST" => 400.0,
            "UNAUTHORIZED" => 401.0,
            "FORBIDDEN" => 403.0,
            "NOT_FOUND" => 404.0,
            "INTERNAL_SERVER_ERROR" => 500.0,
            "BAD_GATEWAY" => 502.0,
            "SERVICE_UNAVAILABLE" => 503.0,
            "GATEWAY_TIMEOUT" => 504.0,
            _ => return None,
        }),
        _ => None,
    }
}
