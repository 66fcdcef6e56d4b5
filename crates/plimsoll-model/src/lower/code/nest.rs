//! NestJS: modules and their controllers, what stands before a route, and what its injector makes.
//!
//! Decorators are values: an object with the decorator's name and arguments, so that those put
//! together by functions of the program are understood like any other. Classes are made when the
//! application starts, with what their constructors name by type or token.

use std::rc::Rc;
use std::sync::Arc;

use foldhash::HashMap;
use plimsoll_source::Span;
use plimsoll_syntax::program::{ExprId, Key, MemberKind};

use super::eval::{Args, Eval, Here, Phase, method, variable};
use super::host::{Host, Kind};
use super::http::{Framework, Hook, Registered};
use super::routes::{join, judge};
use super::value::{ClassValue, HostId, Object, Value};
use crate::Why;
use crate::code::{Answers, Guard, Hides, Resource, Route};
use crate::fact::Fact;

const COMMON: &str = "@nestjs/common";
const CORE: &str = "@nestjs/core";
/// Modules of one application.
const MAX_MODULES: usize = 2_000;
/// Routes of one application.
const MAX_ROUTES: usize = 2_000;
/// Classes that need classes.
const MAX_NEEDS: usize = 32;
/// What shuts an application down, in order.
const SHUTDOWN: [&str; 3] =
    ["onModuleDestroy", "beforeApplicationShutdown", "onApplicationShutdown"];
/// Packages whose modules answer no path.
const SILENT: [&str; 18] = [
    "@liaoliaots/nestjs-redis",
    "@mikro-orm/nestjs",
    "@nestjs-labs/nestjs-ioredis",
    "@nestjs-modules/ioredis",
    "@nestjs-modules/mailer",
    "@nestlab/google-recaptcha",
    "@songkeys/nestjs-redis",
    "nest-winston",
    "nestjs-cls",
    "nestjs-i18n",
    "nestjs-kysely",
    "nestjs-minio-client",
    "nestjs-pino",
    "nestjs-prisma",
    "nestjs-rate-limiter",
    "nestjs-zod",
    "@golevelup/nestjs-rabbitmq",
    "@sentry/nestjs",
];

/// What is known of the program's applications.
#[derive(Default)]
pub(super) struct State {
    apps: Vec<App>,
    /// Instances by their class, which each entry keeps alive.
    made: HashMap<*const ClassValue, (Rc<ClassValue>, Value)>,
    /// What stands for a token.
    providers: Vec<(Value, Value)>,
    /// The metadata of the route that is asked, its method's first.
    metadata: Vec<(Value, Value)>,
    /// What a guard reads of it is not all known.
    doubted: bool,
    needs: usize,
    /// What `ConfigModule.forRoot` is told.
    configuration: Option<Configuration>,
}

/// What the program's configuration is made of.
#[derive(Default)]
struct Configuration {
    /// What `load` names gives, below its name in the configuration; `None` where one is not known.
    loaded: Option<Vec<(Option<Rc<str>>, Value)>>,
    /// A schema or a function goes over the variables, and may have defaults.
    checked: bool,
}

/// An application.
struct App {
    id: HostId,
    /// The application of the platform's that was given.
    under: Option<HostId>,
    prefix: Value,
    exclude: Vec<Value>,
    versioning: Option<Versioning>,
    guards: Vec<(Value, Span)>,
    controllers: Vec<(Rc<ClassValue>, Option<String>)>,
    classes: Vec<Rc<ClassValue>>,
    modules: Vec<Rc<ClassValue>>,
    middleware: Vec<Middleware>,
    endpoints: Vec<Endpoint>,
    started: bool,
}

struct Versioning {
    by_path: bool,
    prefix: Option<String>,
    default: Value,
}

/// `consumer.apply(…).exclude(…).forRoutes(…)`.
#[derive(Clone, Debug)]
pub(super) struct Middleware {
    app: HostId,
    functions: Vec<Value>,
    exclude: Vec<Value>,
    routes: Vec<Value>,
    at: Span,
}

/// A method of a controller that answers.
#[derive(Clone)]
struct Endpoint {
    class: Rc<ClassValue>,
    method: String,
    /// Below the global prefix and the version.
    path: Option<String>,
    version: Value,
    guards: Vec<(Value, Span)>,
    metadata: Vec<(Value, Value)>,
    /// A decorator whose deeds are not known.
    doubt: Option<Span>,
    /// The status that it is said to answer with.
    status: Option<Value>,
    name: Rc<str>,
    at: Span,
}

/// A decorator: its name and arguments.
type Decorator = (Rc<str>, Vec<Value>);

impl Eval<'_> {
    /// Functions of Nest's packages; `None` where it is none.
    pub(super) fn nest_external(
        &mut self,
        package: &str,
        name: &str,
        args: &Args,
        new: bool,
        at: Span,
    ) -> Option<Value> {
        // `XModule.forRoot(…)` of a package stays known as its module.
        if let Some((module, of)) = name.split_once('.')
            && module.ends_with("Module")
            && (of.starts_with("for") || of.starts_with("register"))
            && package != CORE
        {
            if (package, name) == ("@nestjs/config", "ConfigModule.forRoot") {
                self.configures(&args.get(0), at);
            }
            self.hands_over(args, at);
            return Some(Value::external(package, &[module]));
        }
        Some(match (package, name) {
            (COMMON, "forwardRef") => self.call_value(&args.get(0), Args::default(), Some(at)),
            (
                COMMON,
                "Module" | "Controller" | "UseGuards" | "SetMetadata" | "Version" | "HttpCode"
                | "applyDecorators" | "Inject" | "Req" | "Request" | "Res" | "Response" | "Next"
                | "Get" | "Post" | "Put" | "Patch" | "Delete" | "Options" | "Head" | "All" | "Sse",
            )
            | (CORE, "RouterModule.register") => {
                let name = name.rsplit('.').next().unwrap_or(name);
                self.decorator(name, args)
            }
            (CORE, "NestFactory.create" | "NestFactory.createApplicationContext") => {
                self.nest_create(args, at)
            }
            (CORE, "NestFactory.createMicroservice") => {
                let app = self.nest_create(args, at);
                self.opens(Resource::Worker, "microservice", at, None, None);
                app
            }
            (
                CORE,
                "Reflector.get"
                | "Reflector.getAllAndOverride"
                | "Reflector.getAll"
                | "Reflector.getAllAndMerge",
            ) => self.reflected(&args.get(0), name),
            (CORE, "Reflector") => Value::external(CORE, &["Reflector"]),
            ("@nestjs/passport", "AuthGuard") => Value::external(":guard", &[]),
            (_, guard) if new && guard.ends_with("Guard") && !guard.contains('.') => {
                Value::external(package, &[guard])
            }
            ("@nestjs/platform-express" | "@nestjs/platform-fastify", _) if new => {
                match args.get(0) {
                    host @ Value::Host(_) => host,
                    _ => Value::Inert,
                }
            }
            ("@nestjs/config", "ConfigService.get" | "ConfigService.getOrThrow") => {
                self.configured(name, args, at)
            }
            // A function that gives a part of the configuration, below a name.
            ("@nestjs/config", "registerAs") => {
                let props = [(":name", args.get(0)), (":factory", args.get(1))];
                let mut made = Object { open: true, branch: self.branch, ..Object::default() };
                made.props.extend(props.map(|(name, value)| (name.into(), value)));
                self.leave_for_later(args);
                Value::Object(self.object(made))
            }
            ("@nestjs/terminus", "HealthCheckService.check") => self.terminus(args, at),
            (
                "@nestjs/terminus",
                "MemoryHealthIndicator.checkHeap"
                | "MemoryHealthIndicator.checkRSS"
                | "DiskHealthIndicator.checkStorage",
            ) => {
                self.unknown_call(at);
                Value::Inert
            }
            ("@nestjs/swagger", "SwaggerModule.setup") => {
                if let Value::Host(id) = args.get(1) {
                    let (method, path) = ("GET".to_owned(), args.get(0));
                    let route = Registered {
                        method,
                        path,
                        handlers: Vec::new(),
                        at,
                        order: 0,
                        inherits: true,
                        off: Vec::new(),
                    };
                    if let Some(app) = self.app_mut(id) {
                        app.routes.push(route);
                    }
                }
                Value::Inert
            }
            (COMMON, name) if name.ends_with("Exception") => {
                if let Some(status) = status_of(name, args) {
                    self.status(status, at);
                }
                Value::Inert
            }
            _ if self.phase == Phase::Request
                && package.starts_with("@nestjs/")
                && matches!(package, COMMON | CORE | "@nestjs/config" | "@nestjs/swagger") =>
            {
                self.hands_over(args, at);
                Value::Inert
            }
            _ => return None,
        })
    }

    /// A decorator as a value.
    fn decorator(&mut self, name: &str, args: &Args) -> Value {
        let list = self.list(args.list.clone());
        let mut object = Object { open: args.open, branch: self.branch, ..Object::default() };
        object.props.insert(":decorator".into(), Value::text(name));
        object.props.insert(":args".into(), list);
        Value::Object(self.object(object))
    }

    /// The decorators that a value stands for; an error where it does what is not known.
    fn decorators_in(&self, value: &Value, depth: usize, found: &mut Vec<Decorator>) -> bool {
        let named = self.prop(value, ":decorator").and_then(|name| name.as_text());
        let Some(name) = named else {
            // Those of packages add metadata that nobody asks about.
            return matches!(value, Value::Inert | Value::External(_));
        };
        let args = self.prop(value, ":args").and_then(|args| self.items(&args)).unwrap_or_default();
        if &*name == "applyDecorators" {
            let mut known = depth < 8 && !self.is_open(value);
            for one in args {
                known &= depth < 8 && self.decorators_in(&one, depth + 1, found);
            }
            return known;
        }
        found.push((name, args));
        true
    }

    fn prop(&self, value: &Value, name: &str) -> Option<Value> {
        match value {
            Value::Object(id) => self.heap[id.0].props.get(name).cloned(),
            _ => None,
        }
    }

    fn is_open(&self, value: &Value) -> bool {
        match value {
            Value::Object(id) => self.heap[id.0].open,
            Value::Undefined | Value::Null => false,
            _ => true,
        }
    }

    /// What decorates something of a class, each with its place, and what is not understood.
    fn decorated(
        &mut self,
        class: &Rc<ClassValue>,
        all: &[ExprId],
    ) -> (Vec<(Decorator, Span)>, Option<Span>) {
        let here = here(class);
        let (mut found, mut doubt) = (Vec::new(), None);
        for &id in all {
            let at = class.module.span(class.module.expr(id).range);
            let value = self.expr(&here, id);
            self.stop = None;
            let mut inside = Vec::new();
            if !self.decorators_in(&value, 0, &mut inside) {
                doubt.get_or_insert(at);
            }
            found.extend(inside.into_iter().map(|one| (one, at)));
        }
        (found, doubt)
    }

    fn nest_create(&mut self, args: &Args, at: Span) -> Value {
        let made = self.framework_app(Framework::Nest, at);
        let Value::Host(id) = made else { return made };
        let under = match args.get(1) {
            Value::Host(under) => Some(under),
            _ => None,
        };
        let index = self.nest.apps.len();
        self.nest.apps.push(App {
            id,
            under,
            prefix: Value::Undefined,
            exclude: Vec::new(),
            versioning: None,
            guards: Vec::new(),
            controllers: Vec::new(),
            classes: Vec::new(),
            modules: Vec::new(),
            middleware: Vec::new(),
            endpoints: Vec::new(),
            started: false,
        });
        self.scan(index, args.get(0), at);
        Value::Host(id)
    }

    /// The elements of a list in a module's options; a gap where there may be more.
    fn listed(&mut self, options: &Value, name: &str, at: Span) -> Vec<Value> {
        let mut found = Vec::new();
        let list = self.option(options, name);
        let mut more = false;
        for one in list.each().to_vec() {
            more |= matches!(one, Value::Env(_));
            let one = one.unset().clone();
            more |= self.is_open(&one);
            for item in self.items(&one).unwrap_or_default() {
                for item in item.each() {
                    more |= matches!(item, Value::Env(_));
                    found.push(item.unset().clone());
                }
            }
        }
        if more {
            if name == "providers" {
                // One of them may be a guard of all.
                found.push(Value::Unknown);
            } else {
                self.gap(Why::Dynamic, at, Hides::Routes);
            }
        }
        found
    }

    /// Goes through the modules from the root.
    fn scan(&mut self, index: usize, root: Value, at: Span) {
        let mut todo = vec![(root, at)];
        let mut seen: Vec<*const ClassValue> = Vec::new();
        let mut paths: Vec<(*const ClassValue, String)> = Vec::new();
        let mut owned: Vec<(Rc<ClassValue>, *const ClassValue)> = Vec::new();
        let mut left = MAX_MODULES;
        while let Some((value, at)) = todo.pop() {
            left = left.saturating_sub(1);
            if left == 0 {
                self.gap(Why::TooLarge, at, Hides::Routes);
                break;
            }
            let (options, at, owner) = match &value {
                Value::Any(all) => {
                    todo.extend(all.iter().map(|one| (one.clone(), at)));
                    continue;
                }
                Value::Class(class) => {
                    let class = Rc::clone(class);
                    if seen.contains(&Rc::as_ptr(&class)) {
                        continue;
                    }
                    seen.push(Rc::as_ptr(&class));
                    let node = class.module.class(class.class);
                    let place = class.module.span(node.range);
                    let own = node.decorators.clone();
                    let (decorators, doubt) = self.decorated(&class, &own);
                    let options = decorators.into_iter().find_map(|((name, args), at)| {
                        (&*name == "Module")
                            .then(|| (args.first().cloned().unwrap_or(Value::Undefined), at))
                    });
                    let app = &mut self.nest.apps[index];
                    app.modules.push(Rc::clone(&class));
                    match options {
                        Some((options, at)) => (options, at, Rc::as_ptr(&class)),
                        None => {
                            // Its base may be decorated, or what decorates it is not known.
                            if doubt.is_some() {
                                self.gap(Why::Dynamic, place, Hides::Routes);
                            }
                            continue;
                        }
                    }
                }
                Value::Object(_) if self.decorator_named(&value, "register").is_some() => {
                    let args = self.decorator_named(&value, "register").unwrap_or_default();
                    let routes = args.first().cloned().unwrap_or(Value::Undefined);
                    self.module_paths(&routes, "", 0, &mut paths, at);
                    continue;
                }
                Value::Object(_) => {
                    let module = self.option(&value, "module");
                    let owner = match &module {
                        Value::Class(class) => Rc::as_ptr(class),
                        _ => std::ptr::null(),
                    };
                    todo.push((module, at));
                    (value.clone(), at, owner)
                }
                Value::External(path) => {
                    let silent = (path.0.starts_with("@nestjs/")
                        && path.0 != "@nestjs/serve-static")
                        || SILENT.contains(&&*path.0);
                    if !silent {
                        self.gap(Why::Unsupported, at, Hides::Routes);
                    }
                    continue;
                }
                Value::Undefined | Value::Null | Value::Bool(_) => continue,
                _ => {
                    self.gap(Why::Dynamic, at, Hides::Routes);
                    continue;
                }
            };
            let imports = self.listed(&options, "imports", at);
            todo.extend(imports.into_iter().rev().map(|one| (one, at)));
            for provider in self.listed(&options, "providers", at) {
                self.provides(index, provider, at);
            }
            for controller in self.listed(&options, "controllers", at) {
                match controller {
                    Value::Class(class) => owned.push((class, owner)),
                    Value::Undefined | Value::Null => {}
                    _ => self.gap(Why::Dynamic, at, Hides::Routes),
                }
            }
        }
        let controllers = owned.into_iter().map(|(class, owner)| {
            let path = paths.iter().find(|(module, _)| *module == owner);
            (class, path.map(|(_, path)| path.clone()))
        });
        self.nest.apps[index].controllers = controllers.collect();
    }

    fn decorator_named(&self, value: &Value, name: &str) -> Option<Vec<Value>> {
        let mut found = Vec::new();
        self.decorators_in(value, 0, &mut found);
        found.into_iter().find(|(own, _)| **own == *name).map(|(_, args)| args)
    }

    /// `RouterModule.register([{ path, module, children }])`.
    fn module_paths(
        &mut self,
        routes: &Value,
        above: &str,
        depth: usize,
        found: &mut Vec<(*const ClassValue, String)>,
        at: Span,
    ) {
        if depth > 8 || self.is_open(routes) {
            return self.gap(Why::Dynamic, at, Hides::Routes);
        }
        for route in self.items(routes).unwrap_or_default().into_iter().take(256) {
            if let Value::Class(class) = &route {
                found.push((Rc::as_ptr(class), above.to_owned()));
                continue;
            }
            let path = self.option(&route, "path");
            let Some(path) = join(Some(above), &path) else {
                self.gap(Why::Dynamic, at, Hides::Routes);
                continue;
            };
            if let Value::Class(class) = self.option(&route, "module") {
                found.push((Rc::as_ptr(&class), path.clone()));
            }
            let children = self.option(&route, "children");
            self.module_paths(&children, &path, depth + 1, found, at);
        }
    }

    fn provides(&mut self, index: usize, provider: Value, at: Span) {
        match &provider {
            Value::Class(class) => self.nest.apps[index].classes.push(Rc::clone(class)),
            Value::Object(_) => {
                let token = self.option(&provider, "provide");
                let is_guard = matches!(&token, Value::External(path)
                    if path.0 == CORE && path.1.first().is_some_and(|name| name == "APP_GUARD"));
                if is_guard {
                    self.nest.apps[index].guards.push((provider, at));
                    return;
                }
                if let Value::Class(class) = self.option(&provider, "useClass") {
                    self.nest.apps[index].classes.push(class);
                }
                if self.nest.providers.len() < 4 * MAX_MODULES {
                    self.nest.providers.push((token, provider));
                }
            }
            Value::Unknown => self.nest.apps[index].guards.push((Value::Unknown, at)),
            _ => {}
        }
    }

    /// What the injector gives for a token.
    fn resolve(&mut self, token: &Value) -> Value {
        let provider =
            self.nest.providers.iter().find(|(known, _)| known.is_same(token)).map(|(_, p)| p);
        if let Some(provider) = provider.cloned() {
            return self.provided(&provider);
        }
        match token {
            Value::Class(class) => self.instance(&Rc::clone(class)),
            Value::External(path) if path.0.starts_with(':') => Value::Inert,
            Value::External(_) => token.clone(),
            _ => Value::Inert,
        }
    }

    fn provided(&mut self, provider: &Value) -> Value {
        if self.nest.needs > MAX_NEEDS {
            return Value::Unknown;
        }
        self.nest.needs += 1;
        let class = self.option(provider, "useClass");
        let existing = self.option(provider, "useExisting");
        let factory = self.option(provider, "useFactory");
        let value = match (class, existing, factory) {
            (Value::Class(class), _, _) => self.instance(&class),
            (other @ Value::External(_), _, _) => other,
            (_, existing @ (Value::Class(_) | Value::Text(_) | Value::External(_)), _) => {
                self.resolve(&existing)
            }
            (_, _, factory @ (Value::Function(_) | Value::Bound(_))) => {
                let tokens = self.option(provider, "inject");
                let tokens = self.items(&tokens).unwrap_or_default();
                let given = tokens.iter().take(32).map(|token| self.resolve(token)).collect();
                let value = self.call_value(&factory, Args::of(given), None);
                self.stop = None;
                value
            }
            _ => self.option(provider, "useValue"),
        };
        self.nest.needs -= 1;
        value
    }

    /// The one instance of a class.
    pub(super) fn instance(&mut self, class: &Rc<ClassValue>) -> Value {
        let key = Rc::as_ptr(class);
        if let Some((_, made)) = self.nest.made.get(&key) {
            return made.clone();
        }
        if self.nest.needs > MAX_NEEDS {
            return Value::Unknown;
        }
        // Classes may need each other.
        self.nest.made.insert(key, (Rc::clone(class), Value::Unknown));
        self.nest.needs += 1;
        let given = self.needed(class);
        let made = self.construct(class, Args::of(given), None);
        self.stop = None;
        self.inject_fields(class, &made);
        self.nest.needs -= 1;
        self.nest.made.insert(key, (Rc::clone(class), made.clone()));
        made
    }

    /// What the constructor of a class, or that of its base, is given.
    fn needed(&mut self, class: &Rc<ClassValue>) -> Vec<Value> {
        for class in lineage(class) {
            let module = Arc::clone(&class.module);
            let constructor = module.class(class.class).members.iter().find_map(|member| {
                match (&member.key, member.kind) {
                    (Key::Fixed(name), MemberKind::Method(function))
                        if &**name == "constructor" && !member.is_static =>
                    {
                        Some(function)
                    }
                    _ => None,
                }
            });
            let Some(constructor) = constructor else { continue };
            let mut given = Vec::new();
            for param in module.function(constructor).params.iter().take(64) {
                let (decorators, _) = self.decorated(&class, &param.decorators);
                let token = decorators
                    .into_iter()
                    .find(|((name, _), _)| &**name == "Inject")
                    .and_then(|((_, args), _)| args.first().cloned());
                let typed = param.of_type.as_ref().map(|name| self.name(&here(&class), name));
                given.push(self.injected(token, typed));
            }
            return given;
        }
        Vec::new()
    }

    fn injected(&mut self, token: Option<Value>, typed: Option<Value>) -> Value {
        let typed = typed.unwrap_or(Value::Undefined);
        let Some(token) = token else { return self.resolve(&typed) };
        match self.resolve(&token) {
            // What a package provides is at least of the type that is said.
            Value::Inert if matches!(typed, Value::External(_)) => self.resolve(&typed),
            value => value,
        }
    }

    /// `@Inject(…) private name: Type`.
    fn inject_fields(&mut self, class: &Rc<ClassValue>, made: &Value) {
        for class in lineage(class) {
            let module = Arc::clone(&class.module);
            for member in &module.class(class.class).members {
                let (MemberKind::Field(_), Key::Fixed(name)) = (member.kind, &member.key) else {
                    continue;
                };
                if member.decorators.is_empty() || member.is_static {
                    continue;
                }
                let (decorators, _) = self.decorated(&class, &member.decorators);
                let inject = decorators.into_iter().find(|((name, _), _)| &**name == "Inject");
                let Some(((_, args), _)) = inject else { continue };
                let typed = member.of_type.as_ref().map(|name| self.name(&here(&class), name));
                let value = self.injected(args.first().cloned(), typed);
                self.set(made, name, value);
            }
        }
    }

    /// `config.get('NAME', default)`: what the environment says.
    fn configured(&mut self, name: &str, args: &Args, at: Span) -> Value {
        let Some(key) = args.get(0).as_text() else { return Value::Unknown };
        let is_variable = !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if !is_variable {
            let own = match args.get(1) {
                default if default.is_plain() => default,
                _ => Value::Unknown,
            };
            return match self.loaded(&key) {
                Some(Value::Undefined) => own,
                Some(found) if found.is_plain() => found,
                _ => Value::Unknown,
            };
        }
        self.facts.read(&key, at);
        let read = variable(&key, at);
        if name.ends_with("getOrThrow") {
            self.facts.require(&[key.to_string()]);
            return read;
        }
        // Without a default, a schema of the configuration may have one.
        let checked = self.nest.configuration.as_ref().is_none_or(|known| known.checked);
        let default = match args.get(1) {
            Value::Undefined if !checked && matches!(self.loaded(&key), Some(Value::Undefined)) => {
                Value::Undefined
            }
            default if default.is_plain() && !matches!(default, Value::Undefined) => default,
            _ => Value::Unknown,
        };
        self.facts.defaults(&read, &default);
        read.depends(default)
    }

    /// `ConfigModule.forRoot({ load, validationSchema, validate })`: Nest calls what is loaded.
    fn configures(&mut self, options: &Value, at: Span) {
        let before = self.nest.configuration.take();
        let checks = ["validationSchema", "validate"];
        let mut checked = !matches!(options, Value::Undefined | Value::Object(_));
        checked |= self.is_open(options);
        checked |=
            checks.iter().any(|name| !matches!(self.option(options, name), Value::Undefined));
        let list = self.option(options, "load");
        let known = !self.is_open(options) && !self.is_open(&list);
        let factories = match list {
            Value::Undefined => Some(Vec::new()),
            ref list => self.items(list),
        };
        let mut loaded = factories.filter(|_| known).map(|factories| {
            let stop = self.stop.take();
            let given = factories.into_iter().map(|factory| {
                let (name, factory) = match self.prop(&factory, ":factory") {
                    Some(inner) => (self.prop(&factory, ":name"), inner),
                    None => (None, factory),
                };
                let name = match name {
                    Some(name) => Some(name.as_text()?),
                    None => None,
                };
                let given = self.call_value(&factory, Args::default(), Some(at));
                self.stop = None;
                matches!(given, Value::Object(_)).then_some((name, given))
            });
            let given: Option<Vec<_>> = given.collect();
            self.stop = stop;
            given
        });
        if let Some(before) = before {
            checked |= before.checked;
            // Several roots: what the other loads comes on top.
            loaded = match (loaded.flatten(), before.loaded) {
                (Some(mut own), Some(before)) => {
                    own.extend(before);
                    Some(Some(own))
                }
                _ => None,
            };
        }
        self.nest.configuration = Some(Configuration { loaded: loaded.flatten(), checked });
    }

    /// The value of a key of the configuration that is loaded, `app.port`; undefined where nothing
    /// sets it, and `None` where that is not known.
    fn loaded(&mut self, key: &str) -> Option<Value> {
        let loaded = self.nest.configuration.as_ref()?.loaded.clone()?;
        let mut found = Value::Undefined;
        for (name, mut value) in loaded {
            let mut parts = key.split('.').peekable();
            if let Some(name) = name
                && parts.next() != Some(&*name)
            {
                continue;
            }
            for part in parts {
                if self.is_open(&value) {
                    return None;
                }
                value = match value {
                    Value::Object(_) => self.prop(&value, part).unwrap_or(Value::Undefined),
                    _ => Value::Undefined,
                };
            }
            match (&found, &value) {
                (_, Value::Undefined) => {}
                (Value::Undefined, _) => found = value,
                // One of them wins, by their order.
                _ => return None,
            }
        }
        Some(found)
    }

    /// `health.check([() => …])`: all are asked, and the answer is 503 where one says no.
    fn terminus(&mut self, args: &Args, at: Span) -> Value {
        let list = args.get(0);
        let before = self.answering.asks.len();
        let functions = self.items(&list).unwrap_or_default();
        for function in functions.iter().take(64) {
            self.call_value(function, Args::default(), Some(at));
            self.stop = None;
        }
        if self.is_open(&list) || self.answering.asks.len() > before {
            self.ask(at);
        } else if !functions.is_empty() {
            self.unknown_call(at);
        }
        Value::Inert
    }

    /// Metadata of the route that is asked.
    fn reflected(&mut self, key: &Value, how: &str) -> Value {
        let same: Vec<Value> = self
            .nest
            .metadata
            .iter()
            .filter(|(known, _)| known.as_text().is_some() && known.as_text() == key.as_text())
            .map(|(_, value)| value.clone())
            .collect();
        match (key.as_text(), how) {
            (Some(_), "Reflector.getAllAndOverride") if self.nest_known() => {
                same.into_iter().next().unwrap_or(Value::Undefined)
            }
            (Some(_), _) if same.is_empty() && self.nest_known() => Value::Undefined,
            _ => {
                self.nest.doubted = true;
                Value::Unknown
            }
        }
    }

    fn nest_known(&self) -> bool {
        self.nest.metadata.iter().all(|(key, _)| key.as_text().is_some())
    }

    /// What Nest's application is asked to do; `None` where it is the platform's.
    pub(super) fn call_nest(
        &mut self,
        id: HostId,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Option<Value> {
        let index = self.nest.apps.iter().position(|app| app.id == id)?;
        let itself = Value::Host(id);
        match name {
            "get" | "resolve" if args.list.len() < 2 || name == "resolve" => {
                return Some(self.resolve(&args.get(0)));
            }
            "setGlobalPrefix" => {
                let exclude = self.option(&args.get(1), "exclude");
                let mut exclude_list = self.items(&exclude).unwrap_or_default();
                if self.is_open(&exclude) {
                    exclude_list.push(Value::Unknown);
                }
                let prefix = self.settled(args.get(0));
                let app = &mut self.nest.apps[index];
                app.prefix = prefix;
                app.exclude = exclude_list;
            }
            "enableVersioning" => {
                let options = args.get(0);
                let by_path = match self.option(&options, "type") {
                    Value::Undefined => true,
                    Value::External(path) => path.1.last().is_some_and(|name| name == "URI"),
                    other => other.as_number() == Some(0.0),
                };
                let prefix = match self.option(&options, "prefix") {
                    Value::Undefined => Some("v".to_owned()),
                    Value::Bool(false) => Some(String::new()),
                    other => other.as_text().map(|text| text.to_string()),
                };
                let default = self.option(&options, "defaultVersion");
                self.nest.apps[index].versioning = Some(Versioning { by_path, prefix, default });
            }
            "useGlobalGuards" => {
                let guards = args.list.iter().map(|guard| (guard.clone(), at));
                self.nest.apps[index].guards.extend(guards);
                if args.open {
                    self.nest.apps[index].guards.push((Value::Unknown, at));
                }
            }
            "enableShutdownHooks" => {
                let named = self.items(&args.get(0)).unwrap_or_default();
                let named: Vec<Rc<str>> = named.iter().filter_map(Value::as_text).collect();
                for signal in ["SIGTERM", "SIGINT"] {
                    if named.is_empty() || named.iter().any(|one| **one == *signal) {
                        self.handles(signal, Value::HostMethod(id, "close".into()), at);
                    }
                }
            }
            "init" | "startAllMicroservices" => self.nest_start(index),
            "listen" => {
                self.nest_start(index);
                return None;
            }
            "register" => {
                let order = self.now().sequence;
                self.register(id, args, at, order);
            }
            "getHttpAdapter"
            | "getInstance"
            | "useGlobalPipes"
            | "useGlobalFilters"
            | "useGlobalInterceptors"
            | "useLogger"
            | "useWebSocketAdapter"
            | "enableCors"
            | "flushLogs"
            | "useBodyParser"
            | "connectMicroservice" => {}
            "useStaticAssets" => self.gap(Why::NeedsRun, at, Hides::Routes),
            _ => return None,
        }
        Some(itself)
    }

    /// Applications that nothing told to start: they do when the program is followed.
    pub(super) fn nest_start_all(&mut self) {
        for index in 0..self.nest.apps.len() {
            self.nest_start(index);
        }
    }

    /// Makes what is provided, and finds what answers.
    fn nest_start(&mut self, index: usize) {
        if std::mem::replace(&mut self.nest.apps[index].started, true) {
            return;
        }
        let app = &self.nest.apps[index];
        let id = app.id;
        let mut all: Vec<Rc<ClassValue>> = app.classes.clone();
        all.extend(app.controllers.iter().map(|(class, _)| Rc::clone(class)));
        all.extend(app.modules.iter().cloned());
        let tokens: Vec<Value> =
            self.nest.providers.iter().map(|(_, provider)| provider.clone()).collect();
        let mut made: Vec<Value> = Vec::new();
        for class in &all {
            made.push(self.instance(class));
        }
        for provider in tokens {
            if matches!(self.option(&provider, "useFactory"), Value::Function(_)) {
                made.push(self.provided(&provider));
            }
        }
        for hook in ["onModuleInit", "onApplicationBootstrap"] {
            for one in &made {
                if let function @ Value::Bound(_) = self.own_method(one, hook) {
                    self.call_value(&function, Args::default(), None);
                    self.stop = None;
                }
            }
        }
        for hook in SHUTDOWN {
            for one in &made {
                let function = self.own_method(one, hook);
                if let (Value::Bound(_), Some(app)) = (&function, self.app_mut(id)) {
                    app.on_close.push(function);
                }
            }
        }
        for class in self.nest.apps[index].modules.clone() {
            let module = self.instance(&class);
            if let function @ Value::Bound(_) = self.own_method(&module, "configure") {
                let at = class.module.span(class.module.class(class.class).range);
                let none = Middleware {
                    app: id,
                    functions: Vec::new(),
                    exclude: Vec::new(),
                    routes: Vec::new(),
                    at,
                };
                let kind = Kind::Middleware(Box::new(none));
                let consumer = self.host(Host { kind, at, open: None });
                self.call_value(&function, Args::of(vec![consumer]), Some(at));
                self.stop = None;
            }
        }
        for (class, above) in self.nest.apps[index].controllers.clone() {
            self.endpoints(index, &class, above.as_deref());
        }
    }

    fn own_method(&mut self, of: &Value, name: &str) -> Value {
        match of {
            Value::Object(_) => self.member(of, name, None),
            _ => Value::Undefined,
        }
    }

    /// `consumer.apply(…)` and what follows it.
    pub(super) fn call_middleware(
        &mut self,
        mut middleware: Middleware,
        name: &str,
        args: &Args,
        at: Span,
    ) -> Value {
        let mut given = Vec::new();
        for value in &args.list {
            match self.items(value) {
                Some(items) => given.extend(items),
                None => given.push(value.clone()),
            }
        }
        if args.open {
            given.push(Value::Unknown);
        }
        match name {
            "apply" => {
                (middleware.functions, middleware.at) = (given, at);
                (middleware.exclude, middleware.routes) = (Vec::new(), Vec::new());
            }
            "exclude" => middleware.exclude.extend(given),
            "forRoutes" => {
                middleware.routes = given;
                let mut apps = self.nest.apps.iter_mut();
                if let Some(app) = apps.find(|app| app.id == middleware.app) {
                    app.middleware.push(middleware.clone());
                }
            }
            _ => {}
        }
        self.host(Host { kind: Kind::Middleware(Box::new(middleware)), at, open: None })
    }

    /// What a controller answers.
    fn endpoints(&mut self, index: usize, class: &Rc<ClassValue>, above: Option<&str>) {
        let own = class.module.class(class.class).decorators.clone();
        let (decorators, class_doubt) = self.decorated(class, &own);
        let mut paths = vec![Value::Undefined];
        let mut class_version = Value::Undefined;
        let (mut guards, mut metadata) = (Vec::new(), Vec::new());
        let mut is_controller = false;
        for ((name, args), at) in decorators {
            let first = args.first().cloned().unwrap_or(Value::Undefined);
            match &*name {
                "Controller" => {
                    is_controller = true;
                    let path = match &first {
                        Value::Object(_) if self.items(&first).is_none() => {
                            class_version = self.option(&first, "version");
                            self.option(&first, "path")
                        }
                        other => other.clone(),
                    };
                    paths = self.items(&path).unwrap_or_else(|| vec![path]);
                }
                "UseGuards" => guards.extend(args.into_iter().map(|guard| (guard, at))),
                "Version" => class_version = first,
                "SetMetadata" => {
                    metadata.push((first, args.get(1).cloned().unwrap_or(Value::Undefined)));
                }
                _ => {}
            }
        }
        if !is_controller && let Some(at) = class_doubt {
            self.gap(Why::Dynamic, at, Hides::Routes);
        }
        let mut named: Vec<Box<str>> = Vec::new();
        for base in lineage(class) {
            let module = Arc::clone(&base.module);
            for member in &module.class(base.class).members {
                let (MemberKind::Method(_), Key::Fixed(name)) = (member.kind, &member.key) else {
                    continue;
                };
                if member.is_static || member.decorators.is_empty() || named.contains(name) {
                    continue;
                }
                named.push(name.clone());
                let (decorators, doubt) = self.decorated(&base, &member.decorators);
                let mut verbs: Vec<(String, Value, Span)> = Vec::new();
                let mut version = class_version.clone();
                let (mut own_guards, mut own_metadata) = (Vec::new(), Vec::new());
                let mut status = None;
                for ((name, args), at) in decorators {
                    let first = args.first().cloned().unwrap_or(Value::Undefined);
                    match &*name {
                        "Get" | "Post" | "Put" | "Patch" | "Delete" | "Options" | "Head" => {
                            verbs.push((name.to_uppercase(), first, at));
                        }
                        "All" => verbs.push(("*".to_owned(), first, at)),
                        "Sse" => verbs.push(("GET".to_owned(), first, at)),
                        "UseGuards" => own_guards.extend(args.into_iter().map(|one| (one, at))),
                        "Version" => version = first,
                        "HttpCode" => status = Some(first),
                        "SetMetadata" => {
                            let value = args.get(1).cloned().unwrap_or(Value::Undefined);
                            own_metadata.push((first, value));
                        }
                        _ => {}
                    }
                }
                for (method, path, at) in verbs {
                    let below = self.items(&path).unwrap_or_else(|| vec![path]);
                    for above_path in &paths {
                        for path in &below {
                            let whole = join(Some(above.unwrap_or_default()), above_path);
                            let whole = join(whole.as_deref(), path);
                            let endpoint = Endpoint {
                                class: Rc::clone(class),
                                method: method.clone(),
                                path: whole,
                                version: version.clone(),
                                guards: [guards.clone(), own_guards.clone()].concat(),
                                metadata: [own_metadata.clone(), metadata.clone()].concat(),
                                doubt: doubt.or(class_doubt),
                                status: status.clone(),
                                name: (&**name).into(),
                                at,
                            };
                            let endpoints = &mut self.nest.apps[index].endpoints;
                            if endpoints.len() < MAX_ROUTES {
                                endpoints.push(endpoint);
                            }
                        }
                    }
                }
            }
        }
    }

    /// The routes of all applications that listen.
    pub(super) fn nest_routes(&mut self) -> Vec<Route> {
        let mut routes = Vec::new();
        let open = self.facts.listens.iter().any(|listening| listening.app.is_none());
        for index in 0..self.nest.apps.len() {
            let (id, under) = (self.nest.apps[index].id, self.nest.apps[index].under);
            let listens = |eval: &mut Self, id| eval.app_mut(id).is_some_and(|app| app.listens);
            if !open && !listens(self, id) && !under.is_some_and(|under| listens(self, under)) {
                continue;
            }
            let mut hooks: Vec<(Option<String>, Hook)> = Vec::new();
            for id in under.into_iter().chain([id]) {
                let own = self.app_mut(id).map(|app| app.hooks.clone()).unwrap_or_default();
                hooks.extend(own.into_iter().map(|hook| {
                    let prefix = match &hook.prefix {
                        Value::Undefined => None,
                        prefix => Some(join(Some(""), prefix).unwrap_or_default()),
                    };
                    (prefix, hook)
                }));
            }
            for endpoint in self.nest.apps[index].endpoints.clone() {
                for (path, sure) in self.nest_paths(index, &endpoint) {
                    let at = endpoint.at;
                    let guard = if sure {
                        self.nest_guards(index, &endpoint, path.as_deref(), &hooks)
                    } else {
                        Guard::Unknown(Why::Unsupported, at)
                    };
                    let answers = match &*endpoint.method {
                        "GET" | "HEAD" | "*" => self.nest_answers(&endpoint, path.as_deref()),
                        _ => Answers::Unknown(Why::Unsupported),
                    };
                    routes.push(Route {
                        loose: false,
                        method: endpoint.method.clone(),
                        path: path.map_or(Fact::Unknown(Why::Dynamic, Some(at)), |path| {
                            super::facts::known(path, at)
                        }),
                        at,
                        guard,
                        answers,
                    });
                }
            }
        }
        routes
    }

    /// The whole paths of an endpoint, and whether a request without more reaches them.
    fn nest_paths(&mut self, index: usize, endpoint: &Endpoint) -> Vec<(Option<String>, bool)> {
        let app = &self.nest.apps[index];
        let Some(own) = &endpoint.path else { return vec![(None, true)] };
        let prefix = match (&app.prefix, excluded(self, &app.exclude, &endpoint.method, own)) {
            (Value::Undefined, _) | (_, Some(true)) => Some(String::new()),
            (prefix, Some(false)) => join(Some(""), prefix),
            (_, None) => None,
        };
        let prefix = prefix.map(|prefix| if prefix == "/" { String::new() } else { prefix });
        let Some(versioning) = &app.versioning else {
            return vec![(join(prefix.as_deref(), &Value::text(own)), true)];
        };
        let version = match &endpoint.version {
            Value::Undefined => versioning.default.clone(),
            version => version.clone(),
        };
        let versions = self.items(&version).unwrap_or_else(|| vec![version]);
        let mut found = Vec::new();
        for version in versions {
            let neutral = match &version {
                Value::Undefined => true,
                Value::External(path) => {
                    path.1.last().is_some_and(|name| name == "VERSION_NEUTRAL")
                }
                _ => false,
            };
            if neutral {
                found.push((join(prefix.as_deref(), &Value::text(own)), true));
            } else if !versioning.by_path {
                found.push((join(prefix.as_deref(), &Value::text(own)), false));
            } else {
                let part = match (&versioning.prefix, version.as_text()) {
                    (Some(before), Some(version)) => Some(format!("{before}{version}")),
                    _ => None,
                };
                let whole = part
                    .and_then(|part| join(prefix.as_deref(), &Value::text(&part)))
                    .and_then(|whole| join(Some(&whole), &Value::text(own)));
                found.push((whole, true));
            }
        }
        found
    }

    fn nest_guards(
        &mut self,
        index: usize,
        endpoint: &Endpoint,
        path: Option<&str>,
        hooks: &[(Option<String>, Hook)],
    ) -> Guard {
        let mut doubt = match self.guard(path, &[], hooks, usize::MAX, Framework::Nest) {
            Guard::Open => endpoint.doubt.map(|at| (Why::Dynamic, at)),
            Guard::Unknown(why, at) => Some((why, at)),
            rejects => return rejects,
        };
        for middleware in self.nest.apps[index].middleware.clone() {
            let own = endpoint.path.as_deref();
            let applies = applies(self, &middleware, endpoint, own);
            if applies == Some(false) {
                continue;
            }
            for function in &middleware.functions {
                let function = match function {
                    Value::Class(class) => {
                        let made = self.instance(&Rc::clone(class));
                        self.own_method(&made, "use")
                    }
                    other => other.clone(),
                };
                match self.one_guard(path, &function, middleware.at, Framework::Express) {
                    Guard::Open | Guard::Shadows(_) => {}
                    Guard::Rejects(at) if applies == Some(true) => return Guard::Rejects(at),
                    Guard::Rejects(at) => doubt = doubt.or(Some((Why::Dynamic, at))),
                    Guard::Unknown(why, at) => doubt = doubt.or(Some((why, at))),
                }
            }
        }
        let global = self.nest.apps[index].guards.clone();
        for (guard, at) in global.iter().chain(&endpoint.guards) {
            self.nest.metadata.clone_from(&endpoint.metadata);
            if endpoint.doubt.is_some() {
                self.nest.metadata.push((Value::Unknown, Value::Unknown));
            }
            match self.nest_guard(guard, path, *at) {
                Guard::Open | Guard::Shadows(_) => {}
                Guard::Rejects(at) => return Guard::Rejects(at),
                Guard::Unknown(why, at) => doubt = doubt.or(Some((why, at))),
            }
        }
        self.nest.metadata.clear();
        doubt.map_or(Guard::Open, |(why, at)| Guard::Unknown(why, at))
    }

    /// What a guard says to a request without credentials.
    fn nest_guard(&mut self, guard: &Value, path: Option<&str>, at: Span) -> Guard {
        let made = match guard {
            Value::Class(class) => self.instance(&Rc::clone(class)),
            Value::Object(_) if !matches!(self.option(guard, "provide"), Value::Undefined) => {
                self.provided(guard)
            }
            other => other.clone(),
        };
        if let Value::External(path) = &made {
            return match (path.0.as_str(), path.1.last().map(String::as_str)) {
                (":guard", _) => Guard::Rejects(at),
                ("@nestjs/throttler", _) => Guard::Open,
                _ => Guard::Unknown(Why::Unsupported, at),
            };
        }
        let Value::Object(id) = &made else { return Guard::Unknown(Why::Dynamic, at) };
        let base = self.heap[id.0].class.as_ref().and_then(|class| lineage(class).pop());
        let base = base.map(|class| class.base.clone());
        let of_package = match &base {
            Some(Value::External(path)) => path.0.clone(),
            _ => String::new(),
        };
        let function = self.own_method(&made, "canActivate");
        if !matches!(function, Value::Bound(_) | Value::Function(_)) {
            return match &*of_package {
                ":guard" => Guard::Rejects(at),
                "@nestjs/throttler" => Guard::Open,
                _ => Guard::Unknown(Why::Unsupported, at),
            };
        }
        let context = self.host(Host { kind: Kind::Context, at, open: None });
        self.nest.doubted = false;
        let (answering, value) = self.answer(path, &function, Args::of(vec![context]));
        let statuses = answering.statuses.iter().map(|(status, at, _)| (status, *at));
        let caught = answering.on_failure.iter().map(|(status, at)| (status, *at));
        let denies = statuses.chain(caught).find(|(status, _)| {
            let mut all = status.each().iter().filter_map(|one| one.unset().as_number());
            all.any(|status| (400.0..500.0).contains(&status) && status != 429.0)
        });
        let denies = denies.map(|(_, at)| at).or(answering.checks_credentials);
        let no = value.each().iter().any(|one| one.truth() == Some(false));
        let unsure = value.each().iter().any(|one| match one {
            Value::Inert => of_package != "@nestjs/throttler",
            other => other.truth().is_none(),
        });
        match denies.or(no.then_some(at)) {
            Some(at) if self.nest.doubted => Guard::Unknown(Why::Dynamic, at),
            Some(at) => Guard::Rejects(at),
            None if answering.too_large => Guard::Unknown(Why::TooLarge, at),
            None => match answering.fails.or(answering.unknown) {
                Some(_) => Guard::Unknown(Why::Dynamic, at),
                None if unsure => Guard::Unknown(Why::Dynamic, at),
                None => Guard::Open,
            },
        }
    }

    fn nest_answers(&mut self, endpoint: &Endpoint, path: Option<&str>) -> Answers {
        let controller = self.instance(&endpoint.class);
        let function = self.own_method(&controller, &endpoint.name);
        if !matches!(function, Value::Bound(_)) {
            return Answers::Unknown(Why::Dynamic);
        }
        let owner = lineage(&endpoint.class)
            .into_iter()
            .find(|class| method(class, &endpoint.name, false).is_some())
            .unwrap_or_else(|| Rc::clone(&endpoint.class));
        let mut given = Vec::new();
        let at = super::nowhere();
        if let Some((closure, _)) = method(&owner, &endpoint.name, false) {
            let params = closure.module.function(closure.function).params.clone();
            let home = closure.home.clone().unwrap_or(owner);
            for param in params.iter().take(32) {
                let (decorators, _) = self.decorated(&home, &param.decorators);
                let kind = decorators.first().map(|((name, _), _)| name.clone());
                given.push(match kind.as_deref() {
                    Some("Req" | "Request") => {
                        self.host(Host { kind: Kind::Request, at, open: None })
                    }
                    Some("Res" | "Response") => {
                        self.host(Host { kind: Kind::Reply, at, open: None })
                    }
                    Some("Next") => self.host(Host { kind: Kind::Next, at, open: None }),
                    _ => Value::Unknown,
                });
            }
        }
        let (mut answering, _) = self.answer(path, &function, Args::of(given));
        if let Some(status) = &endpoint.status {
            answering.statuses.push((status.clone(), endpoint.at, true));
        }
        judge(&answering, endpoint.at)
    }

    /// A method of what a guard is given.
    pub(super) fn call_context(&mut self, id: HostId, name: &str) -> Value {
        let at = super::nowhere();
        match name {
            "switchToHttp" => Value::Host(id),
            "getRequest" => self.host(Host { kind: Kind::Request, at, open: None }),
            "getResponse" => self.host(Host { kind: Kind::Reply, at, open: None }),
            "getType" => Value::text("http"),
            "getHandler" | "getClass" => Value::Inert,
            _ => Value::Unknown,
        }
    }
}

/// Where the decorators of a class stand.
fn here(class: &Rc<ClassValue>) -> Here {
    Here {
        module: Arc::clone(&class.module),
        scope: Rc::clone(&class.scope),
        this: Value::Undefined,
        home: None,
    }
}

/// A class and those of this program that it extends.
fn lineage(class: &Rc<ClassValue>) -> Vec<Rc<ClassValue>> {
    let mut all = vec![Rc::clone(class)];
    let mut at = Rc::clone(class);
    while let Value::Class(base) = &at.base {
        if all.len() >= 16 {
            break;
        }
        let base = Rc::clone(base);
        all.push(Rc::clone(&base));
        at = base;
    }
    all
}

/// The status of one of Nest's exceptions.
fn status_of(name: &str, args: &Args) -> Option<Value> {
    let status = match name {
        "HttpException" => return Some(args.get(1)),
        "BadRequestException" => 400.0,
        "UnauthorizedException" => 401.0,
        "ForbiddenException" => 403.0,
        "NotFoundException" => 404.0,
        "GoneException" => 410.0,
        "InternalServerErrorException" => 500.0,
        "NotImplementedException" => 501.0,
        "BadGatewayException" => 502.0,
        "ServiceUnavailableException" => 503.0,
        "GatewayTimeoutException" => 504.0,
        _ => return None,
    };
    Some(Value::Number(status))
}

/// Whether middleware stands before an endpoint; `None` where that cannot be told.
fn applies(
    eval: &mut Eval<'_>,
    middleware: &Middleware,
    endpoint: &Endpoint,
    own: Option<&str>,
) -> Option<bool> {
    let own = own?;
    let mut sure = Some(false);
    for route in &middleware.routes {
        let one = match route {
            Value::Class(class) => Some(Rc::ptr_eq(class, &endpoint.class)),
            other => match matches_path(eval, other, &endpoint.method, own) {
                // Whether what lies below is meant differs between versions.
                Some(false) => {
                    let path = eval.option(other, "path");
                    let text = other.as_text().or_else(|| path.as_text());
                    let below = text.is_some_and(|text| {
                        let text = format!("/{}/", text.trim_matches('/'));
                        own.starts_with(&text)
                    });
                    if below { None } else { Some(false) }
                }
                found => found,
            },
        };
        match one {
            Some(true) => sure = Some(true),
            None if sure == Some(false) => sure = None,
            _ => {}
        }
    }
    if sure == Some(false) {
        return sure;
    }
    match excluded(eval, &middleware.exclude, &endpoint.method, own) {
        Some(true) => Some(false),
        Some(false) => sure,
        None => None,
    }
}

/// Whether one of the routes is meant; `None` where that cannot be told.
fn excluded(eval: &Eval<'_>, all: &[Value], method: &str, path: &str) -> Option<bool> {
    let mut sure = Some(false);
    for one in all {
        match matches_path(eval, one, method, path) {
            Some(true) => return Some(true),
            None => sure = None,
            Some(false) => {}
        }
    }
    sure
}

/// Whether `'path'` or `{ path, method }` means a route.
fn matches_path(eval: &Eval<'_>, route: &Value, method: &str, path: &str) -> Option<bool> {
    let pattern = match route {
        Value::Object(_) => {
            let meant = match eval.prop(route, "method") {
                Some(Value::External(path)) => path.1.last().cloned(),
                None => None,
                Some(_) => return None,
            };
            if meant.is_some_and(|meant| meant != "ALL" && meant != method && method != "*") {
                return Some(false);
            }
            eval.prop(route, "path")?.as_text()?
        }
        other => other.as_text()?,
    };
    let mut parts = path.trim_matches('/').split('/');
    for own in pattern.trim_matches('/').split('/') {
        match own {
            "*" | "(.*)" | ".*" => return Some(true),
            _ if own.starts_with("{*") || own.starts_with('*') => return Some(true),
            _ if own.contains(['*', '(', '?', '+', '{']) => return None,
            _ => {}
        }
        let Some(part) = parts.next() else { return Some(false) };
        if !own.starts_with(':') && own != part {
            return Some(false);
        }
    }
    Some(parts.next().is_none())
}
