//! What packages and the platform do: the objects that they give and what their methods mean.

use std::rc::Rc;

use plimsoll_source::Span;

use super::environment::Schema;
use super::eval::{Args, Eval, Phase, variable};
use super::facts::{Handling, Open};
use super::http::App;
use super::routes::{CALL, asks_who};
use super::value::{HostId, Value};
use crate::code::{Address, Resource, Unless, Unverified};

/// An object of a package.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) kind: Kind,
    pub(super) at: Span,
    /// What it is among what was opened.
    pub(super) open: Option<usize>,
}

/// Kinds of such objects.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A connection, a queue, a timer: what is open says which.
    Open,
    /// Something that is opened by a method: what it will be, and by which.
    Closed(Resource, &'static str, Value),
    /// A client that makes others: `new Kafka(…)`.
    Maker,
    /// An HTTP application or router.
    App(Box<App>),
    /// A server of the platform, and the application or function that answers.
    Server(Value),
    /// A request, as its handler gets it.
    Request,
    /// What a handler answers with.
    Reply,
    /// `next` of a handler.
    Next,
    /// A plugin that shares its parent's instance.
    Plugin(Value),
    /// What closes servers when it is stopped itself: Apollo's, with its plugin for that.
    Drains(Vec<HostId>),
    /// A description of what values are allowed.
    Schema(Box<Schema>),
    /// Lightship and the like: functions that it is given run on SIGTERM.
    Shutdown(usize),
    /// What Nest's guards are given.
    Context,
    /// What Nest is told to put before routes.
    Middleware(Box<super::nest::Middleware>),
    /// An object of a package of Python.
    Python(Box<super::python::Thing>),
}

/// Methods that close or stop.
const CLOSERS: [&str; 20] = [
    "close",
    "end",
    "quit",
    "disconnect",
    "destroy",
    "stop",
    "shutdown",
    "drain",
    "terminate",
    "$disconnect",
    "cancel",
    "closeConnection",
    "forceShutdown",
    "tryShutdown",
    "gracefulShutdown",
    "clear",
    "closeConnections",
    "unsubscribe",
    "shutdownAndWait",
    "disconnectAll",
];

/// Whether a package opens connections.
pub(super) fn connects(package: &str) -> bool {
    OPENERS.iter().any(|(own, ..)| *own == package)
}

/// What calls or constructors of packages open.
const OPENERS: &[(&str, &str, Resource)] = &[
    ("pg", "Pool", Resource::Database),
    ("pg", "Client", Resource::Database),
    ("pg-pool", "", Resource::Database),
    ("postgres", "", Resource::Database),
    ("slonik", "createPool", Resource::Database),
    ("mysql", "createPool", Resource::Database),
    ("mysql", "createConnection", Resource::Database),
    ("mysql2", "createPool", Resource::Database),
    ("mysql2", "createConnection", Resource::Database),
    ("mysql2/promise", "createPool", Resource::Database),
    ("mysql2/promise", "createConnection", Resource::Database),
    ("mariadb", "createPool", Resource::Database),
    ("mssql", "connect", Resource::Database),
    ("mssql", "ConnectionPool", Resource::Database),
    ("oracledb", "createPool", Resource::Database),
    ("knex", "", Resource::Database),
    ("knex", "knex", Resource::Database),
    ("sequelize", "", Resource::Database),
    ("sequelize", "Sequelize", Resource::Database),
    ("sequelize-typescript", "Sequelize", Resource::Database),
    ("typeorm", "createConnection", Resource::Database),
    ("@prisma/client", "PrismaClient", Resource::Database),
    ("@mikro-orm/core", "MikroORM.init", Resource::Database),
    ("better-sqlite3", "", Resource::Database),
    ("sqlite3", "Database", Resource::Database),
    ("mongodb", "MongoClient", Resource::Mongo),
    ("mongodb", "MongoClient.connect", Resource::Mongo),
    ("mongoose", "connect", Resource::Mongo),
    ("mongoose", "createConnection", Resource::Mongo),
    ("ioredis", "", Resource::Cache),
    ("ioredis", "Redis", Resource::Cache),
    ("ioredis", "Cluster", Resource::Cache),
    ("ioredis", "Redis.Cluster", Resource::Cache),
    ("redis", "createClient", Resource::Cache),
    ("redis", "createCluster", Resource::Cache),
    ("redis", "createClientPool", Resource::Cache),
    ("memjs", "Client.create", Resource::Cache),
    ("bull", "", Resource::Queue),
    ("bull", "Queue", Resource::Queue),
    ("bullmq", "Queue", Resource::Queue),
    ("bullmq", "QueueEvents", Resource::Queue),
    ("bullmq", "FlowProducer", Resource::Queue),
    ("bullmq", "Worker", Resource::Worker),
    ("bee-queue", "", Resource::Queue),
    ("agenda", "", Resource::Worker),
    ("agenda", "Agenda", Resource::Worker),
    ("pg-boss", "", Resource::Queue),
    ("amqplib", "connect", Resource::Queue),
    ("amqplib/callback_api", "connect", Resource::Queue),
    ("amqp-connection-manager", "connect", Resource::Queue),
    ("nats", "connect", Resource::Queue),
    ("mqtt", "connect", Resource::Queue),
    ("node-cron", "schedule", Resource::Timer),
    ("cron", "CronJob", Resource::Timer),
    ("cron", "CronJob.from", Resource::Timer),
    ("node-schedule", "scheduleJob", Resource::Timer),
    ("croner", "Cron", Resource::Timer),
    ("croner", "", Resource::Timer),
    ("sqs-consumer", "Consumer.create", Resource::Worker),
];

impl Eval<'_> {
    /// Notes that something is opened, and gives the object that stands for it.
    pub(super) fn open(
        &mut self,
        kind: Resource,
        fallback: &str,
        at: Span,
        address: Option<Address>,
        parent: Option<usize>,
    ) -> HostId {
        let index = self.opens(kind, fallback, at, address, parent);
        self.hosts.push(Host { kind: Kind::Open, at, open: Some(index) });
        HostId(self.hosts.len() - 1)
    }

    pub(super) fn opens(
        &mut self,
        kind: Resource,
        fallback: &str,
        at: Span,
        address: Option<Address>,
        parent: Option<usize>,
    ) -> usize {
        let name = self.hint.take().map_or_else(|| fallback.to_owned(), |hint| hint.to_string());
        let known = self.facts.opens.iter().position(|open| open.at == at && open.kind == kind);
        if let Some(known) = known {
            return known;
        }
        let order = self.now();
        self.facts.opens.push(Open {
            kind,
            name,
            at,
            at_start: self.phase == Phase::Start,
            via: self.via.filter(|via| *via != at),
            address,
            parent,
            order,
            given: self.given().to_vec(),
            tries: self.tries.clone(),
        });
        self.facts.opens.len() - 1
    }

    /// Where a connection goes to: a text, or the options that say so.
    pub(super) fn address(&mut self, args: &Args, at: Span) -> Option<Address> {
        const KEYS: [&str; 12] = [
            "connectionString",
            "url",
            "uri",
            "urls",
            "servers",
            "brokers",
            "connection",
            "redis",
            "datasources",
            "socket",
            "host",
            "hostname",
        ];
        let mut todo: Vec<(Value, usize)> =
            args.list.iter().take(2).map(|v| (v.clone(), 0)).collect();
        todo.reverse();
        while let Some((value, depth)) = todo.pop() {
            match &value {
                Value::Env(_) | Value::Text(_) => {
                    let looks = |text: &str| text.contains("://") || depth > 0;
                    let is_place = match value.unset() {
                        Value::Text(text) => looks(text) || matches!(value, Value::Env(_)),
                        _ => matches!(value, Value::Env(_)),
                    };
                    if is_place {
                        let at = match &value {
                            Value::Env(env) => env.at,
                            _ => at,
                        };
                        let default = super::facts::text(&value, at);
                        return Some(Address { variables: value.names(), default, at });
                    }
                }
                Value::Any(all) => {
                    todo.extend(all.iter().rev().map(|v| (v.clone(), depth)));
                }
                Value::Object(_) if depth < 3 => {
                    if let Some(items) = self.items(&value) {
                        todo.extend(items.into_iter().take(1).map(|v| (v, depth + 1)));
                        continue;
                    }
                    let mut inside = Vec::new();
                    for key in KEYS {
                        let one = self.option(&value, key);
                        if !matches!(one, Value::Undefined | Value::Null) {
                            inside.push((one, depth + 1));
                        }
                    }
                    inside.reverse();
                    todo.extend(inside);
                }
                _ => {}
            }
        }
        None
    }

    /// A property of something that a package or the platform exports.
    pub(super) fn external_member(
        &mut self,
        path: &Rc<(String, Vec<String>)>,
        name: &str,
        at: Option<Span>,
    ) -> Value {
        let (package, parts) = &**path;
        if self.python.is_some() {
            return self.py_external_member(path, name);
        }
        if package == ":global" && parts.len() == 2 && parts[0] == "process" && parts[1] == "env" {
            let at = at.or(self.via).unwrap_or(super::nowhere());
            self.facts.read(name, at);
            if let ("NODE_ENV", Some(mode)) = (name, &self.mode) {
                return Value::Text(Rc::clone(mode));
            }
            return variable(name, at);
        }
        if package == ":global" && parts.is_empty() {
            return Value::external(":global", &[name]);
        }
        if package == "import.meta" {
            return match name {
                "dirname" => Value::external(":global", &["__dirname"]),
                "filename" | "url" => Value::external(":global", &["__filename"]),
                _ => Value::Inert,
            };
        }
        if name == "default" && parts.is_empty() {
            return Value::External(Rc::clone(path));
        }
        if package == "mongoose" && name == "connection" {
            return self.mongoose();
        }
        let mut longer: Vec<&str> = parts.iter().map(|part| &**part).collect();
        longer.push(name);
        if longer.len() > 6 {
            return Value::Inert;
        }
        Value::external(package, &longer)
    }

    /// The connection that `mongoose` holds itself.
    fn mongoose(&mut self) -> Value {
        let found = self.facts.opens.iter().position(|open| open.kind == Resource::Mongo);
        let host = Host { kind: Kind::Open, at: super::nowhere(), open: found };
        self.host(host)
    }

    pub(super) fn set_external(
        &mut self,
        path: &Rc<(String, Vec<String>)>,
        name: &str,
        new: &Value,
    ) {
        let (package, parts) = &**path;
        if package == ":global"
            && *parts == ["process", "env"]
            && name == "NODE_TLS_REJECT_UNAUTHORIZED"
            && new.as_text().as_deref() == Some("0")
            && let Some(at) = self.via
        {
            let keys = vec![name.to_owned()];
            self.facts.unverified.push(Unverified {
                at,
                keys,
                production: true,
                unless: Unless::Never,
            });
        }
    }

    /// A call of something that a package or the platform exports.
    pub(super) fn call_external(
        &mut self,
        path: &Rc<(String, Vec<String>)>,
        args: &Args,
        new: bool,
        at: Span,
    ) -> Value {
        if self.python.is_some() {
            return self.py_call(path, args, at);
        }
        let (package, parts) = &**path;
        let name = parts.join(".");
        if package == ":global" {
            if let Some(value) = self.global(&name, args, new, at) {
                return value;
            }
            return self.platform_global(&name, args, at);
        }
        // What makes the instances of classes that are asked for.
        if let ("tsyringe" | "typedi", "container.resolve" | "Container.get") = (&**package, &*name)
        {
            return match args.get(0) {
                Value::Class(class) => self.instance(&class),
                _ => {
                    if self.phase != Phase::Request {
                        self.gap(crate::Why::Dynamic, at, crate::code::Hides::Anything);
                    }
                    Value::Unknown
                }
            };
        }
        if let Some((_, _, kind)) =
            OPENERS.iter().find(|(of, what, _)| of == package && *what == name)
        {
            if *kind == Resource::Timer || *kind == Resource::Worker || package == "bullmq" {
                self.leave_for_later(args);
            }
            let address = self.address(args, at);
            let last = parts.last().map_or(package.as_str(), |last| last.as_str()).to_owned();
            return Value::Host(self.open(*kind, &last, at, address, None));
        }
        if let Some(value) = self.nest_external(package, &name, args, new, at) {
            return value;
        }
        if let Some(value) = self.http_external(package, &name, args, new, at) {
            return value;
        }
        if let Some(value) = self.signal_external(package, &name, args, at) {
            return value;
        }
        if let Some(value) = self.environment_external(package, &name, args, at) {
            return value;
        }
        if let Some(value) = self.write_external(package, &name, args, at) {
            return value;
        }
        match (package.as_str(), &*name) {
            ("typeorm", "DataSource") => {
                let options = args.get(0);
                let kind = Kind::Closed(Resource::Database, "initialize", options);
                self.host(Host { kind, at, open: None })
            }
            ("kafkajs", "Kafka") => self.host(Host { kind: Kind::Maker, at, open: None }),
            ("mongoose", "disconnect" | "connection.close" | "connections.close") => {
                let all: Vec<usize> = self.all_of(Resource::Mongo);
                self.close_all(&all, at);
                Value::Inert
            }
            ("node-schedule", "gracefulShutdown") => {
                let all = self.all_of(Resource::Timer);
                self.close_all(&all, at);
                Value::Inert
            }
            ("typeorm", "getConnection" | "getConnectionManager")
            | ("mongoose", "startSession") => {
                let all = self.all_of(if package == "typeorm" {
                    Resource::Database
                } else {
                    Resource::Mongo
                });
                match all.first() {
                    Some(&open) => self.host(Host { kind: Kind::Open, at, open: Some(open) }),
                    None => Value::Inert,
                }
            }
            ("pg-promise", "") => Value::external("pg-promise", &["made"]),
            ("pg-promise", "made") => {
                let address = self.address(args, at);
                Value::Host(self.open(Resource::Database, "db", at, address, None))
            }
            ("pg-promise", "made.end") => {
                let all = self.all_of(Resource::Database);
                self.close_all(&all, at);
                Value::Inert
            }
            ("node:util", "promisify") => args.get(0),
            ("node:url", "fileURLToPath") => match args.get(0) {
                own @ Value::External(_) => own,
                _ => Value::Inert,
            },
            (
                "drizzle-orm/node-postgres" | "drizzle-orm/postgres-js" | "drizzle-orm/mysql2",
                "drizzle",
            ) => match args.get(0) {
                host @ Value::Host(_) => host,
                _ => Value::Inert,
            },
            _ => {
                self.hands_over(args, at);
                // To make an error, nobody is asked.
                let is_error = new && (name.ends_with("Error") || name.ends_with("Exception"));
                if self.phase == Phase::Request && !is_harmless(package) && !is_error {
                    self.ask(at);
                }
                // It may come to stand before routes.
                match self.phase != Phase::Request && !is_error && asks_who(path) {
                    true => self.external_member(path, CALL, Some(at)),
                    false => Value::Inert,
                }
            }
        }
    }

    fn all_of(&self, kind: Resource) -> Vec<usize> {
        let opens = self.facts.opens.iter().enumerate();
        opens.filter(|(_, open)| open.kind == kind).map(|(index, _)| index).collect()
    }

    pub(super) fn close_all(&mut self, all: &[usize], at: Span) {
        if let Phase::Signal(handler) = self.phase {
            for &open in all {
                // `if (process.env.X) pool.end()`: unless it was opened by the same word.
                let opened = self.facts.opens.get(open).map(|open| &*open.given);
                let sure = self.given().iter().all(|name| opened.is_some_and(|o| o.contains(name)));
                if sure {
                    self.facts.closes(handler, open, at);
                } else {
                    self.facts.unknown_in_handler(handler, at);
                }
            }
        }
    }

    fn platform_global(&mut self, name: &str, args: &Args, at: Span) -> Value {
        match name {
            "setInterval" => {
                let timer = self.open(Resource::Timer, "setInterval", at, None, None);
                self.leave_for_later(args);
                Value::Host(timer)
            }
            "clearInterval" | "clearTimeout" => {
                for one in args.get(0).each() {
                    if let Value::Host(host) = one
                        && let Some(open) = self.hosts[host.0].open
                    {
                        self.close_all(&[open], at);
                    }
                }
                Value::Undefined
            }
            "setTimeout" => {
                match self.phase {
                    Phase::Signal(_) => {
                        let before = self.facts.timer.replace(args.get(1));
                        self.call_aside(&args.get(0), Args::default(), at);
                        self.facts.timer = before;
                    }
                    Phase::Request => {}
                    _ => self.leave_for_later(args),
                }
                Value::Inert
            }
            "process.on" | "process.once" | "process.addListener" | "process.prependListener" => {
                self.on_process(args, at);
                Value::external(":global", &["process"])
            }
            "process.removeAllListeners" | "process.off" | "process.removeListener" => {
                self.off_process(name, args, at);
                Value::external(":global", &["process"])
            }
            "fetch" => {
                self.ask(at);
                Value::Inert
            }
            "Response" | "Response.json" | "NextResponse.json" => {
                let status = self.option(&args.get(1), "status");
                self.sends(at);
                if !matches!(status, Value::Undefined) {
                    self.status(status, at);
                }
                Value::Inert
            }
            _ => {
                self.hands_over(args, at);
                Value::Inert
            }
        }
    }

    fn on_process(&mut self, args: &Args, at: Span) {
        for event in args.get(0).each() {
            let Value::Text(event) = event else {
                self.gap(crate::Why::Dynamic, at, crate::code::Hides::Anything);
                continue;
            };
            if event.starts_with("SIG") {
                self.handles(event, args.get(1), at);
            } else if matches!(&**event, "uncaughtException" | "unhandledRejection") {
                if self.phase == Phase::Start {
                    self.facts.uncaught.push((event.to_string(), args.get(1), at));
                }
            } else {
                self.leave_for_later(args);
            }
        }
    }

    /// Takes handlers of signals away again.
    fn off_process(&mut self, name: &str, args: &Args, at: Span) {
        let signal = args.get(0);
        let all = name.ends_with("removeAllListeners");
        let every = all && matches!(signal, Value::Undefined);
        let named = |handling: &Handling| {
            every
                || signal
                    .each()
                    .iter()
                    .any(|one| one.as_text().as_deref() == Some(&*handling.signal))
        };
        let taken = |handling: &Handling| {
            named(handling) && (all || handling.function.is_same(&args.get(1)))
        };
        match self.phase {
            Phase::Start if self.branch == 0 && self.given().is_empty() => {
                self.facts.handlers.retain(|handling| !taken(handling));
            }
            // What is taken away when it is called already runs to its end.
            Phase::Signal(_) | Phase::Request => {}
            _ => {
                for handling in self.facts.handlers.iter_mut().filter(|handling| taken(handling)) {
                    handling.unknown = handling.unknown.or(Some((crate::Why::Dynamic, at)));
                }
            }
        }
    }

    /// Notes a signal handler.
    pub(super) fn handles(&mut self, signal: &str, function: Value, at: Span) -> usize {
        let order = self.now();
        let known = self.facts.handlers.iter().position(|h| h.at == at && h.signal == signal);
        if let Some(known) = known
            && let Some(handling) = self.facts.handlers.get_mut(known)
        {
            let before = std::mem::replace(&mut handling.function, Value::Undefined);
            handling.function = before.or(function);
            return known;
        }
        self.facts.handlers.push(Handling {
            signal: signal.to_owned(),
            at,
            order,
            function,
            closes: Vec::new(),
            exits: Vec::new(),
            at_once: None,
            ignored: false,
            timeout: None,
            unknown: (!self.given().is_empty()).then_some((crate::Why::Dynamic, at)),
        });
        self.facts.handlers.len() - 1
    }

    pub(super) fn host_member(&mut self, id: HostId, name: &str, at: Option<Span>) -> Value {
        match &self.hosts[id.0].kind {
            Kind::Python(thing) => {
                let thing = thing.clone();
                self.py_host_member(id, &thing, name, at)
            }
            Kind::Request => self.request_member(name),
            Kind::Reply if name == "statusCode" => Value::Unknown,
            Kind::Reply if matches!(name, "path" | "url" | "originalUrl" | "method") => {
                self.request_member(name)
            }
            Kind::Reply if matches!(name, "request" | "req") => {
                self.host(Host { kind: Kind::Request, at: super::nowhere(), open: None })
            }
            Kind::App(_) if name == "server" => Value::Host(id),
            Kind::App(app) if matches!(name, "locals" | "state") => Value::Object(app.locals),
            Kind::App(app) if app.decorated.contains_key(name) => app.decorated[name].clone(),
            _ => Value::HostMethod(id, name.into()),
        }
    }

    pub(super) fn set_host(&mut self, id: HostId, name: &str, new: &Value) {
        match &mut self.hosts[id.0].kind {
            Kind::Reply if matches!(name, "status" | "statusCode" | "status_code") => {
                let at = self.via.unwrap_or(super::nowhere());
                self.status(new.clone(), at);
            }
            Kind::Reply if name == "body" => {
                let at = self.via.unwrap_or(super::nowhere());
                self.sends(at);
            }
            Kind::App(app) => {
                app.decorated.insert(name.to_owned(), new.clone());
            }
            Kind::Python(_) if matches!(name, "wsgi_app" | "asgi_app") => self.py_wrap(id, new),
            _ => {}
        }
    }

    pub(super) fn sends(&mut self, at: Span) {
        if self.phase == Phase::Request {
            self.answering.sends.get_or_insert(at);
        }
    }

    /// A method of a package's object.
    pub(super) fn call_host(&mut self, id: HostId, name: &str, args: &Args, at: Span) -> Value {
        let host = self.hosts[id.0].clone();
        match host.kind {
            Kind::Python(thing) => self.py_host_call(id, &thing, name, args, at),
            Kind::App(app) => self.call_app(id, &app, name, args, at),
            Kind::Server(answers) => self.call_server(id, &answers, name, args, at),
            Kind::Request => self.call_request(name, at),
            Kind::Reply => self.call_reply(id, name, args, at),
            Kind::Next => {
                self.answering.next = true;
                if !matches!(args.get(0), Value::Undefined | Value::Null) && !args.open {
                    self.answering.fails.get_or_insert(at);
                }
                Value::Undefined
            }
            Kind::Plugin(_) => Value::Inert,
            Kind::Drains(servers) => {
                if name == "stop" {
                    let open = servers.iter().filter_map(|server| self.hosts[server.0].open);
                    let open: Vec<usize> = open.collect();
                    self.close_all(&open, at);
                }
                self.hands_over(args, at);
                Value::Inert
            }
            Kind::Context => self.call_context(id, name),
            Kind::Middleware(middleware) => self.call_middleware(*middleware, name, args, at),
            Kind::Schema(schema) => self.call_schema(id, &schema, name, args, at),
            Kind::Shutdown(handler) => {
                if matches!(name, "registerShutdownHandler") {
                    let known = self.facts.handlers.get(handler).map(|h| h.function.clone());
                    if let (Some(known), Some(handling)) =
                        (known, self.facts.handlers.get_mut(handler))
                    {
                        handling.function = match known {
                            Value::Undefined => args.get(0),
                            before => before.or(args.get(0)),
                        };
                    }
                }
                Value::Inert
            }
            Kind::Maker => match name {
                "producer" | "admin" => {
                    let kind = Kind::Closed(Resource::Queue, "connect", Value::Undefined);
                    self.host(Host { kind, at, open: None })
                }
                "consumer" => {
                    let kind = Kind::Closed(Resource::Worker, "connect", Value::Undefined);
                    self.host(Host { kind, at, open: None })
                }
                _ => Value::Inert,
            },
            Kind::Closed(kind, by, options) => {
                if name == by {
                    let address = self.address(&Args::of(vec![options]), at);
                    let open = self.opens(kind, "connection", at, address, None);
                    self.hosts[id.0].open = Some(open);
                    return Value::Host(id);
                }
                self.call_open(id, host.open, name, args, at)
            }
            Kind::Open => self.call_open(id, host.open, name, args, at),
        }
    }

    fn call_open(
        &mut self,
        id: HostId,
        open: Option<usize>,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Value {
        let kind = open.and_then(|open| self.facts.opens.get(open)).map(|open| open.kind);
        if self.python.is_some() && self.py_closes(open, name, at) {
            return Value::Inert;
        }
        if CLOSERS.contains(&name) {
            match (open, self.phase) {
                (Some(open), _) => self.close_all(&[open], at),
                (None, Phase::Signal(handler)) => self.facts.unknown_in_handler(handler, at),
                _ => {}
            }
            self.run_callbacks(args, at);
            return Value::Inert;
        }
        match (kind, name) {
            (Some(Resource::Queue), "process")
            | (Some(Resource::Queue), "consume" | "work" | "subscribe") => {
                let worker = self.opens(Resource::Worker, "worker", at, None, open);
                self.leave_for_later(args);
                let _ = worker;
                Value::Inert
            }
            (Some(Resource::Queue), "createChannel" | "createConfirmChannel") => {
                // What is done with a channel is done with its connection.
                self.host(Host { kind: Kind::Open, at, open })
            }
            (Some(Resource::Cache), "duplicate") => {
                Value::Host(self.open(Resource::Cache, "duplicate", at, None, None))
            }
            (
                Some(Resource::Cache | Resource::Mongo | Resource::Queue | Resource::Worker),
                "connect",
            ) => {
                self.leave_for_later(args);
                self.ask(at);
                Value::Host(id)
            }
            (
                _,
                "on" | "once" | "addListener" | "off" | "removeListener" | "unref" | "ref"
                | "extend" | "$extends",
            ) => {
                self.leave_for_later(args);
                Value::Host(id)
            }
            _ => {
                self.leave_for_later(args);
                if kind != Some(Resource::Timer) {
                    self.ask(at);
                }
                Value::Inert
            }
        }
    }
}

/// Packages and modules whose functions ask nothing of the outside.
fn is_harmless(package: &str) -> bool {
    const WORDS: [&str; 27] = [
        "node:os",
        "node:util",
        "node:path",
        "node:process",
        "node:perf_hooks",
        "node:url",
        "node:crypto",
        "node:events",
        "node:v8",
        "winston",
        "pino",
        "uuid",
        "lodash",
        "dayjs",
        "moment",
        "date-fns",
        "zod",
        "joi",
        "http-status-codes",
        "http-status",
        "prom-client",
        "debug",
        "chalk",
        "semver",
        "ms",
        ":resolve",
        ":dir",
    ];
    WORDS.contains(&package) || package.starts_with("lodash")
}
