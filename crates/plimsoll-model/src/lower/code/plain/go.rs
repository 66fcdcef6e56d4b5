//! Programs in Go: routes, ports and signals, where `main` surely leads to them and literals say
//! what they are.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::Span;

use super::super::facts::known;
use super::super::{Set, graph::Graph, set};
use super::source::{self, Program};
use super::value::{self, Part, Value, either, plain, text, unknown};
use crate::ContainerId;
use crate::code::{Answers, Code, Guard, Handler, Language, Opened, Resource, Route, StartFailure};
use crate::fact::{Fact, Why};
use crate::filesystem::{Filesystem, Found};
use crate::image::{CopyFrom, EffectKind, Image, StepKind};
use crate::path;
use crate::service::Service;

/// Options of `go build` that take a word.
const TAKES: [&str; 10] = [
    "-o",
    "-ldflags",
    "-tags",
    "-gcflags",
    "-asmflags",
    "-mod",
    "-p",
    "-buildmode",
    "-pkgdir",
    "-C",
];
/// How deep values are followed, and how many of them.
const DEEP: usize = 40;
const FUEL: u32 = 50_000;
/// Middleware of fiber, a package each, that lets requests through.
const FIBER: [&str; 8] =
    ["logger", "recover", "cors", "requestid", "compress", "etag", "helmet", "healthcheck"];
/// What a handler calls to answer.
const WRITES: [&str; 25] = [
    "Write",
    "WriteString",
    "WriteHeader",
    "Fprint",
    "Fprintf",
    "Fprintln",
    "Encode",
    "NewEncoder",
    "Header",
    "Set",
    "JSON",
    "String",
    "SendString",
    "SendStatus",
    "NoContent",
    "Status",
    "HTML",
    "Data",
    "byte",
    "Add",
    "Blob",
    "Type",
    "Now",
    "Since",
    "func",
];
/// Words of packages that may handle signals themselves.
const SIGNALS: [&str; 12] = [
    "/fx",
    "graceful",
    "shutdown",
    "kratos",
    "go-zero",
    "controller-runtime",
    "oklog/run",
    "temporal",
    "signal",
    "beego",
    "tableflip",
    "/service",
];
/// Words of packages that connect to what has to be closed, those of one kind together.
const STORES: [&[&str]; 5] = [
    &["database/sql", "gorm", "pgx", "sqlx", "/bun", "clickhouse"],
    &["/redis", "memcache"],
    &["mongo-driver"],
    &["amqp", "kafka", "nats", "sarama"],
    &["elastic"],
];
/// Words of the names of what is connected to.
const FREED: [&str; 10] =
    ["db", "store", "pool", "conn", "client", "redis", "mongo", "sql", "producer", "consumer"];
/// Words by which a function answers a request with an error, or elsewhere.
const TURNS_AWAY: [&str; 16] = [
    "StatusUnauthorized",
    "StatusForbidden",
    "StatusTooManyRequests",
    "StatusServiceUnavailable",
    "StatusInternalServerError",
    "StatusBadGateway",
    "StatusNotFound",
    "StatusBadRequest",
    "Abort",
    "AbortWithStatus",
    "AbortWithStatusJSON",
    "AbortWithError",
    "Redirect",
    "Error",
    "NewHTTPError",
    "WriteHeader",
];
/// Packages whose middleware lets requests through.
const LETS_THROUGH: [&str; 8] = [
    "otelhttp",
    "otelgin",
    "otelmux",
    "otelecho",
    "otelchi",
    "rs/cors",
    "gin-contrib/cors",
    "gin-contrib/gzip",
];
/// Middleware of the routers' own packages that does.
const PLAIN: [&str; 18] = [
    "Logger",
    "LoggerWithConfig",
    "RequestLogger",
    "Recovery",
    "Recoverer",
    "Recover",
    "RequestID",
    "RealIP",
    "Compress",
    "Gzip",
    "GzipWithConfig",
    "CORS",
    "CORSWithConfig",
    "CleanPath",
    "Heartbeat",
    "RecoverWithConfig",
    "LoggingHandler",
    "RecoveryHandler",
];

/// The program of a service whose image builds one package of Go.
pub(super) fn read(
    graph: &Graph<'_>,
    service: &Service,
    only: Option<ContainerId>,
) -> Option<Code> {
    let mut images = service.images.iter().map(|&id| &graph.delivery[id]);
    let image = images.next().filter(|_| images.next().is_none())?;
    let container = only.or_else(|| {
        let own = |id: &&ContainerId| !graph.delivery[**id].job;
        service.containers.iter().find(own).copied()
    });
    let image_id = *service.images.first()?;
    let startup = graph.delivery.startups.get(&(image_id, container))?;
    let (program, at) = startup.app.first()?;
    let words: Vec<&str> = startup.app.iter().map(|(word, _)| &**word).collect();
    let (dir, (root, module)) = built(graph, image, path::name(program))?;
    let texts = source::texts(graph.cx, (&root, &module), &dir);
    let program = texts.program();
    let main = program
        .functions
        .iter()
        .position(|function| function.name == "main" && program.files[function.file].dir == dir)?;
    let file = program.files[program.functions[main].file].id;
    let mut code = super::unread(Language::Go, file, *at);
    code.modules = program.files.iter().map(|file| file.id).collect();
    let set = set(graph.delivery, service, only);
    let mut reader = Reader::new(&program, &set, &words);
    reader.follow(main);
    reader.note(&mut code);
    Some(code)
}

/// The directory of the package that an image builds and starts by a name, with that of its module
/// and the module's name.
fn built(graph: &Graph<'_>, image: &Image, starts: &str) -> Option<(String, (String, String))> {
    let files = Filesystem::new(graph.delivery, image);
    let mut found: Option<(String, (String, String))> = None;
    let mut outputs: BTreeSet<String> = BTreeSet::new();
    for index in image.stages_built() {
        let stage = image.stages.get(index)?;
        for (at, step) in stage.steps.iter().enumerate() {
            let StepKind::Run(run) = &step.kind else { continue };
            for effect in &run.effects {
                let EffectKind::Build { words } = &effect.kind else { continue };
                let words: Vec<&str> = words.iter().map(|word| &**word).collect();
                let ["go", "build" | "install", rest @ ..] = &*words else { continue };
                let (package, output) = operands(rest)?;
                let module = |dir: &str| {
                    let mut above = path::ancestors(dir.trim_start_matches('/'));
                    above.find_map(|dir| {
                        let manifest = format!("/{dir}/go.mod").replace("//", "/");
                        match files.find_at(index, at, &manifest) {
                            Found::File { file, .. } => Some((dir.to_owned(), file)),
                            _ => None,
                        }
                    })
                };
                let dir = crate::lower::absolute(&effect.workdir, package);
                let dir = dir.trim_end_matches('/');
                let dir = if dir.ends_with(".go") { path::parent(dir) } else { dir };
                let (place, manifest) = module(dir)?;
                let own = graph.delivery.packages.iter().find(|one| one.manifest == manifest)?;
                let below = path::below(&place, dir.trim_start_matches('/')).unwrap_or_default();
                let dir = path::join(&own.dir, below)?;
                let name = output.map_or_else(
                    || path::name(&dir).to_owned(),
                    |output| path::name(output).to_owned(),
                );
                outputs.insert(name);
                outputs.extend(
                    output
                        .is_none()
                        .then(|| path::name(own.name.as_deref().unwrap_or_default()).to_owned()),
                );
                let one = (dir, (own.dir.clone(), own.name.clone()?));
                if found.as_ref().is_some_and(|found| *found != one) {
                    return None;
                }
                found = Some(one);
            }
        }
    }
    let copies =
        image.stages.iter().flat_map(|stage| &stage.steps).filter_map(|step| match &step.kind {
            StepKind::Copy(copy) if matches!(copy.from, CopyFrom::Stage(_)) => Some(copy),
            _ => None,
        });
    let renamed = || {
        copies.clone().any(|copy| {
            let dest = copy.dest.known().is_some_and(|dest| path::name(dest) == starts);
            dest && copy.sources.iter().any(|source| outputs.contains(path::name(&source.path)))
        })
    };
    found.filter(|_| outputs.contains(starts) || renamed())
}

/// The package that `go build` is told, and its `-o`.
fn operands<'w>(words: &[&'w str]) -> Option<(&'w str, Option<&'w str>)> {
    let (mut package, mut output, mut at) = (None, None, 0);
    while let Some(&word) = words.get(at) {
        at += 1;
        match word.strip_prefix("-o=") {
            Some(given) => output = Some(given),
            None if word == "-o" => output = words.get(at).copied(),
            None => {}
        }
        if TAKES.contains(&word) {
            at += 1;
        } else if !word.starts_with('-') {
            if package.is_some() {
                return None;
            }
            package = Some(word);
        }
    }
    let package = package.unwrap_or(".");
    let plain = package.starts_with(['.', '/']) || package.ends_with(".go");
    (plain && !package.contains(['$', '*']) && !package.ends_with("..."))
        .then_some((package, output))
}

/// Whose router it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framework {
    Std,
    Mux,
    Chi,
    Gin,
    Echo,
    Fiber,
}

/// A router, or a group of one.
#[derive(Clone)]
struct Router {
    framework: Framework,
    prefix: Value,
    parent: Option<usize>,
    /// The function that makes it.
    made: Option<usize>,
    /// What may turn requests away before its routes are asked.
    guard: Option<Span>,
}

/// A name in a function, and from where to where it is that router.
struct Bound {
    function: usize,
    name: String,
    within: (usize, usize),
    router: usize,
}

#[derive(Clone)]
struct Registered {
    router: usize,
    function: usize,
    method: String,
    path: Value,
    at: Span,
    guard: Option<Span>,
    answers: Answers,
}

struct Listening {
    address: Value,
    at: Span,
    /// It is not sure that it runs.
    perhaps: bool,
    fails: Option<bool>,
}

struct Reader<'p, 't> {
    program: &'p Program<'t>,
    set: &'p Set,
    words: &'p [&'p str],
    sure: BTreeSet<usize>,
    perhaps: BTreeSet<usize>,
    routers: Vec<Router>,
    bound: Vec<Bound>,
    fields: BTreeMap<String, usize>,
    routes: Vec<Registered>,
    /// Routers, and functions that make some, with what they are mounted at.
    mounted: Vec<(usize, Option<(usize, Value)>)>,
    makers: Vec<(String, Option<(usize, Value)>)>,
    /// Paths that are handed on as a whole: by which router, in which function.
    prefixes: Vec<(usize, usize, Value, Span)>,
    listens: Vec<Listening>,
    terminates: Vec<Span>,
    closes: Vec<Span>,
    /// What else is closed, by name.
    freed: BTreeSet<String>,
    fuel: Cell<u32>,
}

impl<'p, 't> Reader<'p, 't> {
    fn new(program: &'p Program<'t>, set: &'p Set, words: &'p [&'p str]) -> Self {
        let standard = Router {
            framework: Framework::Std,
            prefix: Vec::new(),
            parent: None,
            made: None,
            guard: None,
        };
        Self {
            program,
            set,
            words,
            sure: BTreeSet::new(),
            perhaps: BTreeSet::new(),
            routers: vec![standard],
            bound: Vec::new(),
            fields: BTreeMap::new(),
            routes: Vec::new(),
            mounted: Vec::new(),
            makers: Vec::new(),
            prefixes: Vec::new(),
            listens: Vec::new(),
            terminates: Vec::new(),
            closes: Vec::new(),
            freed: BTreeSet::new(),
            fuel: Cell::new(FUEL),
        }
    }

    /// Reads what is reached from a function: what surely runs, and what may.
    fn follow(&mut self, main: usize) {
        let inits = (0..self.program.functions.len()).filter(|&at| {
            let function = &self.program.functions[at];
            function.name == "init" && function.receiver.is_none()
        });
        let mut todo: Vec<(usize, bool)> = inits.map(|at| (at, true)).collect();
        todo.push((main, true));
        // The function of a command, which `Execute` calls.
        for (file, at) in self.commands() {
            todo.extend(
                self.calls(file, (at, self.program.files[file].end(at)), None)
                    .into_iter()
                    .map(|(_, to)| (to, true)),
            );
        }
        while let Some((function, sure)) = todo.pop() {
            let new = if sure { self.sure.insert(function) } else { self.perhaps.insert(function) };
            if !new || !sure && self.sure.contains(&function) {
                continue;
            }
            let own = &self.program.functions[function];
            let (file, body) = (own.file, own.body);
            if sure {
                self.scan(function);
            }
            self.stops(file, body);
            for (at, to) in self.calls(file, (body.0 + 1, body.1), Some(function)) {
                let runs = self.program.files[file].runs(body, at);
                todo.push((to, sure && runs == Some(true)));
            }
        }
    }

    /// The functions of a command line's commands: `RunE: func(…) {…}`.
    fn commands(&self) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (index, file) in self.program.files.iter().enumerate() {
            if !file.imports.values().any(|path| path.ends_with("spf13/cobra")) {
                continue;
            }
            let tokens = &file.tokens;
            for at in 0..tokens.len() {
                if matches!(tokens.word(at), "Run" | "RunE") && tokens.word(at + 1) == ":" {
                    found.push((index, at + 2));
                }
            }
        }
        // Which of several commands is started stands in the words that start it.
        if found.len() > 1 && self.words.len() > 1 { Vec::new() } else { found }
    }

    /// The functions of the program that are called among tokens, each with the place.
    fn calls(
        &mut self,
        file: usize,
        range: (usize, usize),
        of: Option<usize>,
    ) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let program = self.program;
        let tokens = &program.files[file].tokens;
        for at in range.0..range.1 {
            if tokens.word(at + 1) != "(" || tokens.name(at).is_none() {
                continue;
            }
            let Some(to) = self.called(file, at) else { continue };
            if let Some(of) = of {
                let params = &program.functions[to].params;
                for ((from, end), name) in program.files[file].args(at + 1).into_iter().zip(params)
                {
                    if let Some(router) = self.router(of, from, end) {
                        let within = program.functions[to].body;
                        let bound = Bound { function: to, name: name.clone(), within, router };
                        self.bound.push(bound);
                    }
                }
            }
            found.push((at, to));
        }
        found
    }

    /// The function of the program that a name before a bracket calls, where there is but one.
    fn called(&self, file: usize, at: usize) -> Option<usize> {
        let own = &self.program.files[file];
        let tokens = &own.tokens;
        let name = tokens.name(at)?;
        let mut dir = Some(own.dir);
        let mut method = false;
        if tokens.word(at.checked_sub(1)?) == "." {
            let before = tokens.name(at.checked_sub(2)?);
            let package = before.filter(|_| tokens.word(at.wrapping_sub(3)) != ".");
            match package.and_then(|package| own.imports.get(package)) {
                Some(path) => {
                    let of = |file: &&source::File<'t>| file.path == path;
                    dir = Some(self.program.files.iter().find(of)?.dir);
                }
                None => (dir, method) = (None, true),
            }
        } else if tokens.word(at - 1) == "func" {
            return None;
        }
        let mut named = self.program.functions.iter().enumerate().filter(|(_, function)| {
            function.name == name
                && function.receiver.is_some() == method
                && dir.is_none_or(|dir| self.program.files[function.file].dir == dir)
        });
        let (first, _) = named.next()?;
        named.next().is_none().then_some(first)
    }

    /// What surely runs in a function.
    fn scan(&mut self, function: usize) {
        let program = self.program;
        let own = &program.functions[function];
        let file = &program.files[own.file];
        for at in own.body.0 + 1..own.body.1 {
            let Some(runs) = file.runs(own.body, at) else { continue };
            self.listen(function, at, !runs);
            if runs {
                self.make(function, at);
                self.register(function, at);
                self.signal(own.file, at);
            }
        }
    }

    /// The package that a name before a `.` is, and what is called of it.
    fn package(&self, file: usize, at: usize) -> Option<(&'p str, &'p str)> {
        let own = &self.program.files[file];
        let name = own.tokens.name(at)?;
        let package = own.tokens.name(at.checked_sub(2)?)?;
        let is_package =
            own.tokens.word(at - 1) == "." && own.tokens.word(at.wrapping_sub(3)) != ".";
        Some((own.imports.get(package).filter(|_| is_package)?.as_str(), name))
    }

    /// A router that is made, or a group of one.
    fn make(&mut self, function: usize, at: usize) {
        let program = self.program;
        let file = program.functions[function].file;
        let own = &program.files[file];
        let tokens = &own.tokens;
        if tokens.word(at + 1) != "(" || tokens.name(at).is_none() {
            return;
        }
        let made = match self.package(file, at) {
            Some(("net/http", "NewServeMux")) => Some(Framework::Std),
            Some((path, "NewRouter")) if path.ends_with("gorilla/mux") => Some(Framework::Mux),
            Some((path, "NewRouter" | "NewMux")) if path.contains("go-chi/chi") => {
                Some(Framework::Chi)
            }
            Some((path, "New" | "Default")) if path.ends_with("gin-gonic/gin") => {
                Some(Framework::Gin)
            }
            Some((path, "New")) if path.contains("labstack/echo") => Some(Framework::Echo),
            Some((path, "New")) if path.contains("gofiber/fiber") => Some(Framework::Fiber),
            _ => None,
        };
        let root = |framework| Router {
            framework,
            prefix: Vec::new(),
            parent: None,
            made: Some(function),
            guard: None,
        };
        let args = own.args(at + 1);
        let mut start = at.saturating_sub(2);
        let router = match (made, tokens.word(at)) {
            (Some(framework), _) => root(framework),
            (None, word @ ("Group" | "Route" | "Subrouter" | "With")) => {
                // `r.PathPrefix("/x").Subrouter()`
                let (receiver, prefix) = if word == "Subrouter" {
                    let open =
                        (0..at).rev().find(|&one| tokens.close(one) == Some(at.wrapping_sub(2)));
                    let Some(open) =
                        open.filter(|&open| tokens.word(open.wrapping_sub(1)) == "PathPrefix")
                    else {
                        return;
                    };
                    (open.wrapping_sub(1), own.args(open).first().copied())
                } else {
                    (at, args.first().copied().filter(|_| word != "With"))
                };
                start = receiver.saturating_sub(2);
                let Some(parent) = self.receiver(function, receiver) else { return };
                let closure = prefix.is_some_and(|(from, _)| tokens.word(from) == "func");
                let prefix = prefix.filter(|_| !closure);
                let prefix =
                    prefix.map_or(Vec::new(), |(from, end)| self.value(function, from, end, 0));
                let mut guard = None;
                // What more a group is given stands before its routes.
                if word == "With"
                    || self.routers[parent].framework != Framework::Chi && args.len() > 1
                {
                    guard = Some(own.span(at, at));
                }
                let framework = self.routers[parent].framework;
                Router { framework, prefix, parent: Some(parent), made: None, guard }
            }
            _ => return,
        };
        let index = self.routers.len();
        self.routers.push(router);
        // `r.Route("/x", func(r chi.Router) {…})`
        let closure = args.iter().find(|(from, _)| tokens.word(*from) == "func");
        if let Some(&(from, end)) = closure {
            if let Some(name) = tokens.name(from + 2) {
                let bound =
                    Bound { function, name: name.to_owned(), within: (from, end), router: index };
                self.bound.push(bound);
            }
            return;
        }
        // What is called of it makes another: `e.Group("/api").Group("/v1")`.
        let behind = tokens.close(at + 1).unwrap_or(at) + 1;
        let same = ["StrictSlash", "UseEncodedPath", "SkipClean"];
        if tokens.word(behind) == "." && !same.contains(&tokens.word(behind + 1)) {
            return;
        }
        // The name that it is given.
        while tokens.word(start.wrapping_sub(1)) == "." {
            start = start.saturating_sub(2);
        }
        let (sign, name) = (tokens.word(start.wrapping_sub(1)), tokens.name(start.wrapping_sub(2)));
        let Some(name) = name.filter(|_| matches!(sign, ":=" | "=" | ":")) else { return };
        if sign == ":" || tokens.word(start.wrapping_sub(3)) == "." {
            self.fields.insert(name.to_owned(), index);
        } else {
            let within = (at, program.functions[function].body.1);
            self.bound.push(Bound { function, name: name.to_owned(), within, router: index });
        }
    }

    /// The router that a method is called of.
    fn receiver(&self, function: usize, at: usize) -> Option<usize> {
        let file = self.program.functions[function].file;
        let tokens = &self.program.files[file].tokens;
        if tokens.word(at.checked_sub(1)?) != "." {
            return None;
        }
        self.router(function, at.checked_sub(2)?, at - 1)
    }

    /// The router that an expression is, by its last name.
    fn router(&self, function: usize, from: usize, end: usize) -> Option<usize> {
        let file = self.program.functions[function].file;
        let tokens = &self.program.files[file].tokens;
        let at = end.checked_sub(1).filter(|at| *at >= from)?;
        let name = tokens.name(at)?;
        if tokens.word(at.wrapping_sub(1)) == "." {
            return self.fields.get(name).copied();
        }
        let mut bound = self
            .bound
            .iter()
            .rev()
            .filter(|bound| bound.function == function && bound.name == name);
        let found = bound.find(|bound| bound.within.0 <= at && at <= bound.within.1)?;
        Some(found.router)
    }

    /// A route, or what stands before routes.
    fn register(&mut self, function: usize, at: usize) {
        let program = self.program;
        let file = program.functions[function].file;
        let own = &program.files[file];
        let tokens = &own.tokens;
        if tokens.word(at + 1) != "(" {
            return;
        }
        let standard = self.package(file, at).filter(|(path, _)| *path == "net/http").map(|_| 0);
        self.hand_on(function, at);
        let Some(router) = standard.or_else(|| self.receiver(function, at)) else { return };
        let framework = self.routers[router].framework;
        let args = own.args(at + 1);
        let name = tokens.word(at);
        let span = own.span(at.saturating_sub(2), args.first().map_or(at, |(_, end)| end - 1));
        // What stands before the router itself may change the path.
        if framework == Framework::Echo && name == "Pre" {
            self.routers[router].guard.get_or_insert(span);
            return;
        }
        if name == "Use" {
            let turns = args.iter().find(|(from, end)| !self.lets_through(file, *from, *end));
            if let Some(&(from, end)) = turns {
                self.routers[router].guard.get_or_insert(own.span(from, end - 1));
            }
            return;
        }
        let upper = name.to_ascii_uppercase();
        let (method, skip) = match (framework, name) {
            (Framework::Std, "HandleFunc" | "Handle") => ("*", 0),
            (Framework::Std, _) => return,
            (Framework::Mux, "HandleFunc" | "Handle") => ("*", 0),
            (Framework::Mux, _) => return,
            (Framework::Chi, "HandleFunc" | "Handle") => ("*", 0),
            (Framework::Gin | Framework::Echo, "Any") | (Framework::Fiber, "All") => ("*", 0),
            (Framework::Gin, "Handle") | (Framework::Echo | Framework::Fiber, "Add") => {
                let method = args.first().and_then(|(from, _)| tokens.text(*from));
                if method.as_deref() != Some("GET") {
                    return;
                }
                ("GET", 1)
            }
            (
                Framework::Gin | Framework::Echo,
                "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH",
            )
            | (
                Framework::Chi | Framework::Fiber,
                "Get" | "Head" | "Post" | "Put" | "Delete" | "Patch",
            ) => (&*upper, 0),
            _ => return,
        };
        let Some(&(from, end)) = args.get(skip) else { return };
        let mut path = self.value(function, from, end, 0);
        let mut method = method.to_owned();
        if framework == Framework::Std
            && let Some(pattern) = plain(&path)
            && let Some((verb, rest)) = pattern.split_once(' ')
        {
            (method, path) = (verb.to_owned(), text(rest.trim()));
        }
        let behind = own.tokens.close(at + 1).unwrap_or(at);
        if framework == Framework::Mux
            && tokens.word(behind + 1) == "."
            && tokens.word(behind + 2) == "Methods"
        {
            let asked = own.args(behind + 3);
            let get = asked.iter().any(|(from, end)| {
                (*from..*end).any(|at| {
                    tokens.word(at) == "MethodGet" || tokens.text(at).as_deref() == Some("GET")
                })
            });
            method = if get { "GET" } else { "POST" }.to_owned();
        }
        // What more a route of mux asks of requests.
        let mut link = behind;
        let mut asks = false;
        while framework == Framework::Mux && tokens.word(link + 1) == "." {
            asks |= !matches!(tokens.word(link + 2), "Methods" | "Name");
            link = tokens.close(link + 3).unwrap_or(link + 3);
        }
        // What stands between the path and the handler.
        let more = args.len() > skip + 2 || asks;
        let last = match framework {
            Framework::Echo => args.get(skip + 1),
            _ => args.last(),
        };
        let answers = last.map_or(Answers::Unknown(Why::Unsupported), |(from, end)| {
            self.answers(file, *from, *end, span)
        });
        let guard = more.then_some(span);
        let subtree =
            framework == Framework::Std && plain(&path).is_some_and(|path| path.ends_with('/'));
        let route = Registered { router, function, method, path, at: span, guard, answers };
        if subtree {
            let path = plain(&route.path).unwrap_or_default();
            self.routes.push(Registered { path: text(format!("{path}*")), ..route.clone() });
        }
        self.routes.push(route);
    }

    /// A router that is handed to another: below a path, or in a way that is not read.
    fn hand_on(&mut self, function: usize, at: usize) {
        let program = self.program;
        let file = program.functions[function].file;
        let own = &program.files[file];
        let tokens = &own.tokens;
        let name = tokens.word(at);
        let args = own.args(at + 1);
        let to = self.receiver(function, at);
        // `r.PathPrefix("/").Handler(…)`
        if matches!(name, "PathPrefix" | "Path")
            && let Some(to) = to
            && let Some(&(from, end)) = args.first()
        {
            let behind = tokens.close(at + 1).unwrap_or(at);
            if tokens.word(behind + 2) != "Subrouter" {
                let star = vec![Part::Text("*".to_owned())];
                let whole = self.value(function, from, end, 0);
                let path = if name == "Path" { whole } else { [whole, star].concat() };
                self.prefixes.push((to, function, path, own.span(at, behind)));
            }
        }
        let hands = matches!(
            name,
            "Mount" | "Handle" | "Handler" | "HandleFunc" | "Use" | "Any" | "StripPrefix"
        );
        if !hands {
            return;
        }
        for &(from, end) in &args {
            for one in from..end {
                if tokens.name(one).is_none() || tokens.word(one + 1) == "." {
                    continue;
                }
                let mount = match (name, to, &*args) {
                    ("Mount", Some(to), [path, last]) if *last == (from, end) => {
                        Some((to, self.value(function, path.0, path.1, 0)))
                    }
                    // Whole, and as it is.
                    ("Handle", _, [path, last])
                        if *last == (from, end)
                            && end == from + 1
                            && plain(&self.value(function, path.0, path.1, 0)).as_deref()
                                == Some("/") =>
                    {
                        let standard = self.package(file, at).map(|_| 0);
                        let to = to.or(standard);
                        let is_std = |to: &usize| self.routers[*to].framework == Framework::Std;
                        to.filter(is_std).map(|to| (to, Vec::new()))
                    }
                    _ => None,
                };
                if tokens.word(one + 1) == "(" {
                    self.makers.push((tokens.word(one).to_owned(), mount));
                } else if let Some(sub) = self.router(function, from, one + 1) {
                    self.mounted.push((sub, mount));
                }
            }
        }
    }

    /// Puts routers where they are mounted; those that are handed on otherwise are nowhere.
    fn mount(&mut self) {
        let program = self.program;
        let mut all = std::mem::take(&mut self.mounted);
        for (index, router) in self.routers.iter().enumerate() {
            let Some(made) = router.made else { continue };
            let name = &program.functions[made].name;
            let alone = program.functions.iter().filter(|one| one.name == *name).count() == 1
                && self.routers.iter().filter(|one| one.made == Some(made)).count() == 1;
            let of = self.makers.iter().filter(|(maker, _)| maker == name);
            all.extend(of.map(|(_, mount)| (index, mount.clone().filter(|_| alone))));
        }
        for index in 0..self.routers.len() {
            let mut mounts = all.iter().filter(|(sub, _)| *sub == index);
            let Some((_, first)) = mounts.next() else { continue };
            let router = &mut self.routers[index];
            match first {
                Some((to, path))
                    if mounts.next().is_none() && router.parent.is_none() && *to != index =>
                {
                    (router.parent, router.prefix) = (Some(*to), path.clone());
                }
                _ => router.prefix = unknown(),
            }
        }
    }

    /// Whether middleware lets every request through: known by its package, or by its own text.
    fn lets_through(&self, file: usize, from: usize, end: usize) -> bool {
        let tokens = &self.program.files[file].tokens;
        let call = (from..end).find(|&at| tokens.name(at).is_some() && tokens.word(at + 1) != ".");
        let Some(at) = call else { return false };
        if let Some((path, name)) = self.package(file, at) {
            let known = LETS_THROUGH.iter().any(|known| path.contains(known));
            let own = path.contains("middleware")
                || path.ends_with("handlers")
                || path.contains("gin-gonic/gin")
                || path.contains("gofiber");
            let fiber = path.contains("gofiber/fiber") && name == "New";
            let fiber = fiber && FIBER.contains(&path.rsplit('/').next().unwrap_or_default());
            if known || fiber || own && PLAIN.contains(&name) {
                return true;
            }
        }
        let Some(name) = tokens.name(at) else { return false };
        let of_type = self.program.functions.iter().position(|function| {
            function.name == "ServeHTTP" && function.receiver.as_deref() == Some(name)
        });
        let Some(function) = self.called(file, at).or(of_type) else { return false };
        self.is_mild(function)
    }

    /// Whether nothing in a function's text answers with an error, or sends away.
    fn is_mild(&self, function: usize) -> bool {
        let own = &self.program.functions[function];
        self.mild(own.file, own.body.0, own.body.1)
    }

    fn mild(&self, file: usize, from: usize, end: usize) -> bool {
        let tokens = &self.program.files[file].tokens;
        (from..end).all(|at| {
            let number =
                tokens.number(at).is_some_and(|n| n.len() == 3 && n.starts_with(['3', '4', '5']));
            !number && !TURNS_AWAY.contains(&tokens.word(at))
        })
    }

    /// What a handler answers: the same success where all that it calls writes an answer, success or
    /// an error where it tells by what it asks.
    fn answers(&self, file: usize, from: usize, end: usize, at: Span) -> Answers {
        let tokens = &self.program.files[file].tokens;
        let (file, from, end) = if tokens.word(from) == "func" {
            (file, from, end)
        } else {
            let Some(function) = self.called(file, end.saturating_sub(1)) else {
                return Answers::Unknown(Why::Unsupported);
            };
            let own = &self.program.functions[function];
            (own.file, own.body.0, own.body.1)
        };
        let own = &self.program.files[file];
        let tokens = &own.tokens;
        let good = |open: usize| {
            let given = own.args(open);
            given.first().is_some_and(|&(from, end)| {
                (from..end).any(|at| {
                    matches!(tokens.word(at), "StatusOK" | "StatusNoContent")
                        || matches!(tokens.number(at), Some("200" | "204"))
                })
            })
        };
        let is_error = |at: usize| {
            let number =
                tokens.number(at).is_some_and(|n| n.len() == 3 && n.starts_with(['3', '4', '5']));
            let word = tokens.word(at);
            let writes = word == "WriteHeader" && good(at + 1);
            number
                || word.starts_with("Status")
                    && word != "Status"
                    && !matches!(
                        word,
                        "StatusOK" | "StatusNoContent" | "StatusCreated" | "StatusText"
                    )
                || TURNS_AWAY.contains(&word) && !writes
                || word == "return" && tokens.word(at + 1) == "err"
        };
        let errs = (from..end).any(is_error);
        let branches = (from..end)
            .any(|at| matches!(tokens.word(at), "if" | "switch" | "for" | "select" | "range"));
        let asks = (from..end).any(|at| {
            let call = tokens.word(at + 1) == "(" && tokens.name(at).is_some();
            call && !WRITES.contains(&tokens.word(at)) && !TURNS_AWAY.contains(&tokens.word(at))
        });
        match (errs, branches, asks) {
            (false, false, false) => Answers::Constant(at),
            (true, true, true) => Answers::Depends(at),
            _ => Answers::Unknown(Why::Unsupported),
        }
    }

    /// A call that listens.
    fn listen(&mut self, function: usize, at: usize, perhaps: bool) {
        let program = self.program;
        let file = program.functions[function].file;
        let own = &program.files[file];
        let tokens = &own.tokens;
        let name = tokens.word(at);
        let literal =
            tokens.word(at + 1) == "{" && self.package(file, at) == Some(("net/http", "Server"));
        if literal {
            let Some(close) = tokens.close(at + 1) else { return };
            let pairs = own.list(at + 2, close);
            let of = |key: &str| {
                let pair = pairs.iter().find(|(from, _)| {
                    (*from..from + 2)
                        .any(|one| tokens.word(one) == key && tokens.word(one + 1) == ":")
                })?;
                let from = (pair.0..pair.1).find(|&one| tokens.word(one) == ":")? + 1;
                Some((from, pair.1))
            };
            if let Some((from, end)) = of("Handler") {
                self.serve(function, from, end);
            }
            if let Some((from, end)) = of("Addr") {
                let address = self.value(function, from, end, 0);
                let fails = self.fails(function, at);
                self.listens.push(Listening {
                    address,
                    at: own.span(from, end - 1),
                    perhaps,
                    fails,
                });
            }
            return;
        }
        if tokens.word(at + 1) != "(" {
            return;
        }
        let args = own.args(at + 1);
        let router = || self.receiver(function, at).map(|router| self.routers[router].framework);
        let address = match (self.package(file, at), name) {
            (Some(("net/http", "ListenAndServe" | "ListenAndServeTLS")), _) => {
                if let Some(&(from, end)) = args.last().filter(|_| args.len() > 1) {
                    self.serve(function, from, end);
                }
                args.first()
            }
            (Some(("net", "Listen")), _) => args.get(1),
            (None, "Run") if router() == Some(Framework::Gin) => args.first(),
            (None, "Start") if router() == Some(Framework::Echo) => args.first(),
            (None, "Listen") if router() == Some(Framework::Fiber) => args.first(),
            _ => return,
        };
        let address = match address {
            Some(&(from, end)) => self.value(function, from, end, 0),
            None => vec![
                Part::Text(":".to_owned()),
                Part::Env("PORT".to_owned(), Some("8080".to_owned())),
            ],
        };
        let end = tokens.close(at + 1).unwrap_or(at);
        let fails = self.fails(function, at);
        self.listens.push(Listening { address, at: own.span(at, end), perhaps, fails });
    }

    /// What a server's handler is: routers behind what may turn requests away.
    fn serve(&mut self, function: usize, from: usize, end: usize) {
        let program = self.program;
        let own = &program.functions[function];
        let file = &program.files[own.file];
        let tokens = &file.tokens;
        // What a name is set to, one after the other.
        let mut all = vec![(from, end)];
        if end == from + 1
            && let Some(name) = tokens.name(from)
        {
            let set = (own.body.0..from).filter(|&at| {
                tokens.name(at) == Some(name) && matches!(tokens.word(at + 1), ":=" | "=")
            });
            all.extend(set.map(|at| (at + 2, file.end(at + 2))));
        }
        for (from, end) in all {
            if self.router(function, from, end).is_some() || end == from + 1 {
                continue;
            }
            let makes = (from..end).any(|at| {
                self.program.files[own.file].tokens.word(at) == "New"
                    || tokens.word(at) == "NewRouter"
                    || tokens.word(at) == "NewServeMux"
                    || tokens.word(at) == "Default"
            });
            if !makes && !self.lets_through(own.file, from, end) {
                for router in &mut self.routers {
                    router.guard.get_or_insert(file.span(from, end - 1));
                }
            }
        }
    }

    /// Whether a failure to listen ends the program with an error, as far as its statement tells.
    fn fails(&self, function: usize, at: usize) -> Option<bool> {
        const ENDS: [&str; 8] =
            ["Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "panic", "Exit", "Must"];
        let own = &self.program.functions[function];
        let file = &self.program.files[own.file];
        let tokens = &file.tokens;
        let ends = |from: usize, end: usize| (from..end).any(|at| ENDS.contains(&tokens.word(at)));
        if ends(file.statement(at), at) {
            return Some(true);
        }
        // `if err := …; err != nil {`, or the `if` below.
        let mut open = (at..own.body.1.min(at + 80))
            .find(|&one| tokens.word(one) == "{" && tokens.word(one - 1) == "nil");
        open = open.filter(|&open| (at..open).filter(|&one| tokens.word(one) == "\n").count() < 2);
        let close = tokens.close(open?)?;
        if ends(open?, close) {
            return Some(true);
        }
        let returns = (open?..close).any(|one| tokens.word(one) == "return");
        let main = self.program.functions.iter().find(|function| function.name == "main")?;
        let tokens = &self.program.files[main.file].tokens;
        let exits = (main.body.0..main.body.1).any(|at| ENDS.contains(&tokens.word(at)));
        (returns && exits).then_some(true)
    }

    /// SIGTERM is asked for.
    fn signal(&mut self, file: usize, at: usize) {
        let Some(("os/signal", "Notify" | "NotifyContext")) = self.package(file, at) else {
            return;
        };
        let own = &self.program.files[file];
        let Some(close) = own.tokens.close(at + 1) else { return };
        let all = own.args(at + 1).len() == 1 && own.tokens.word(at) == "Notify";
        if all || (at..close).any(|at| own.tokens.word(at) == "SIGTERM") {
            self.terminates.push(own.span(at - 2, close));
        }
    }

    /// A server that is stopped, and connections that are closed.
    fn stops(&mut self, file: usize, body: (usize, usize)) {
        let own = &self.program.files[file];
        for at in body.0..body.1 {
            if own.tokens.word(at + 1) != "(" || own.tokens.word(at.wrapping_sub(1)) != "." {
                continue;
            }
            match own.tokens.word(at) {
                "Shutdown" | "GracefulStop" | "ShutdownWithContext" | "ShutdownWithTimeout" => {
                    self.closes.push(own.span(at - 2, at));
                }
                "Close" | "Disconnect" | "Quit" => {
                    let name = own.tokens.word(at.saturating_sub(2)).to_ascii_lowercase();
                    let is_store = FREED.iter().any(|word| name.contains(word));
                    self.freed.extend(is_store.then_some(name));
                }
                _ => {}
            }
        }
    }

    /// What an expression comes to.
    fn value(&self, function: usize, from: usize, end: usize, depth: usize) -> Value {
        let own = &self.program.functions[function];
        let file = &self.program.files[own.file];
        let tokens = &file.tokens;
        if depth > DEEP || from >= end {
            return unknown();
        }
        let mut parts: Value = Vec::new();
        let (mut start, mut at) = (from, from);
        while at <= end {
            if at == end || tokens.word(at) == "+" {
                parts.extend(self.operand(function, start, at, depth + 1));
                start = at + 1;
            }
            at = tokens.close(at).map_or(at + 1, |close| close + 1);
        }
        parts
    }

    fn operand(&self, function: usize, from: usize, end: usize, depth: usize) -> Value {
        let own = &self.program.functions[function];
        let file = &self.program.files[own.file];
        let tokens = &file.tokens;
        let from = if tokens.word(from) == "*" { from + 1 } else { from };
        self.fuel.set(self.fuel.get().saturating_sub(1));
        if end <= from || depth > DEEP || self.fuel.get() == 0 {
            return unknown();
        }
        if end == from + 1 {
            if let Some(said) = tokens.text(from) {
                return text(said);
            }
            if let Some(number) = tokens.number(from) {
                return text(number);
            }
            let Some(name) = tokens.name(from) else { return unknown() };
            return self.variable(function, name, from, depth + 1);
        }
        let Some(open) = (from..end).find(|&at| tokens.word(at) == "(") else { return unknown() };
        if tokens.close(open) != Some(end - 1) {
            return unknown();
        }
        let args = file.args(open);
        let of = |index: usize| {
            args.get(index)
                .map_or_else(unknown, |&(from, end)| self.value(function, from, end, depth + 1))
        };
        let Some(at) = open.checked_sub(1).filter(|at| *at >= from) else {
            return of(0);
        };
        match self.package(own.file, at) {
            Some(("os", "Getenv" | "LookupEnv")) => match plain(&of(0)) {
                Some(name) => vec![Part::Env(name, None)],
                None => unknown(),
            },
            Some(("fmt", "Sprintf")) => match plain(&of(0)) {
                Some(format) => printed(&format, |index| of(index + 1)),
                None => unknown(),
            },
            Some(("fmt", "Sprint") | ("strconv", "Itoa" | "Atoi") | ("strings", "TrimSpace")) => {
                of(0)
            }
            Some(("net", "JoinHostPort")) => [of(0), text(":"), of(1)].concat(),
            Some(("flag", "String" | "Int")) => match plain(&of(0)) {
                Some(name)
                    if !self.words.iter().any(|word| {
                        word.trim_start_matches('-').split('=').next() == Some(&name)
                            && word.starts_with('-')
                    }) =>
                {
                    of(1)
                }
                _ => unknown(),
            },
            Some(_) => unknown(),
            None if matches!(tokens.word(at), "string" | "int" | "uint16" | "int64")
                && at == from =>
            {
                of(0)
            }
            None => self.fallback(own.file, at, of(0), of(1)),
        }
    }

    /// A function of its own that asks the environment for its first argument, and takes its second
    /// where that is not set.
    fn fallback(&self, file: usize, at: usize, name: Value, default: Value) -> Value {
        let (Some(to), Some(name)) = (self.called(file, at), plain(&name)) else {
            return unknown();
        };
        let function = &self.program.functions[to];
        let tokens = &self.program.files[function.file].tokens;
        let body = || function.body.0..function.body.1;
        let (Some(first), second) = (function.params.first(), function.params.get(1)) else {
            return unknown();
        };
        let asks = body().any(|at| {
            matches!(tokens.word(at), "Getenv" | "LookupEnv")
                && tokens.word(at + 1) == "("
                && tokens.name(at + 2) == Some(first)
                && tokens.word(at + 3) == ")"
        });
        let falls = |name: &String| {
            body().any(|at| tokens.word(at) == "return" && tokens.name(at + 1) == Some(name))
        };
        match (second, plain(&default)) {
            (Some(second), Some(default)) if asks && falls(second) => {
                vec![Part::Env(name, Some(default))]
            }
            _ => unknown(),
        }
    }

    /// What a name is where it is used.
    fn variable(&self, function: usize, name: &str, before: usize, depth: usize) -> Value {
        let own = &self.program.functions[function];
        let file = &self.program.files[own.file];
        let tokens = &file.tokens;
        if depth > DEEP {
            return unknown();
        }
        let sets = |at: usize| {
            if tokens.name(at) != Some(name) || tokens.word(at.wrapping_sub(1)) == "." {
                return None;
            }
            let mut sign = at + 1;
            while tokens.word(sign) == "," && tokens.name(sign + 1).is_some() {
                sign += 2;
            }
            // The first of several: `value, ok := os.LookupEnv("X")`.
            let typed = tokens.name(at + 1).is_some() && tokens.word(at.wrapping_sub(1)) == "var";
            let sign = if typed { at + 2 } else { sign };
            matches!(tokens.word(sign), ":=" | "=").then_some(sign + 1)
        };
        // What stands on the right of its own assignment is what it was before.
        let set = (own.body.0 + 1..before.min(own.body.1)).rev();
        let mut set = set.filter_map(|at| Some((at, sets(at)?)));
        let set = set.find(|(_, from)| file.end(*from) <= before);
        if let Some((at, from)) = set {
            let value = self.value(function, from, file.end(from), depth + 1);
            return match file.runs(own.body, at) {
                Some(true) => value,
                // `if value, ok := …; ok {`: what stands there is only seen there.
                _ if tokens.word(from - 1) == ":=" => value,
                // Under which condition: that the environment says something, or not.
                _ if !file.condition(at).is_some_and(|(head, open)| {
                    let asks = ["Getenv", "LookupEnv", name, tokens.word(from)];
                    (head..open).any(|one| asks.contains(&tokens.word(one)))
                }) =>
                {
                    unknown()
                }
                _ => either(&self.variable(function, name, at, depth + 1), &value),
            };
        }
        if let Some(index) = own.params.iter().position(|param| param == name) {
            return self.given(function, index, depth + 1);
        }
        self.global(function, name, depth + 1)
    }

    /// What a function is given, where it is called but once.
    fn given(&self, function: usize, index: usize, depth: usize) -> Value {
        let mut found = None;
        for (caller, own) in self.program.functions.iter().enumerate() {
            let file = &self.program.files[own.file];
            for at in own.body.0..own.body.1 {
                let named = file.tokens.name(at) == Some(&self.program.functions[function].name);
                if !named || self.called(own.file, at) != Some(function) {
                    continue;
                }
                let args = file.args(at + 1);
                let (Some(&(from, end)), None) = (args.get(index), found.as_ref()) else {
                    return unknown();
                };
                found = Some(self.value(caller, from, end, depth + 1));
            }
        }
        found.unwrap_or_else(unknown)
    }

    /// A constant or variable of the package, where it is set once.
    fn global(&self, function: usize, name: &str, depth: usize) -> Value {
        let dir = self.program.files[self.program.functions[function].file].dir;
        let mut found = None;
        for (index, file) in
            self.program.files.iter().enumerate().filter(|(_, file)| file.dir == dir)
        {
            let tokens = &file.tokens;
            for at in 0..tokens.len() {
                if tokens.name(at) != Some(name) || tokens.word(at.wrapping_sub(1)) == "." {
                    continue;
                }
                let sign = if tokens.name(at + 1).is_some() { at + 2 } else { at + 1 };
                if tokens.word(sign) != "=" {
                    continue;
                }
                let within = self.program.functions.iter().position(|function| {
                    function.file == index && function.body.0 < at && at < function.body.1
                });
                if within == Some(function) {
                    continue;
                }
                let within = within.is_some();
                if found.is_some() || within || sign + 2 != file.end(sign + 1) {
                    return unknown();
                }
                found =
                    tokens.text(sign + 1).or_else(|| tokens.number(sign + 1).map(str::to_owned));
                if found.is_none() || depth > DEEP {
                    return unknown();
                }
            }
        }
        found.map_or_else(unknown, text)
    }

    /// What was found, as the facts that checks ask.
    fn note(mut self, code: &mut Code) {
        self.mount();
        let several = self.listens.len() > 1;
        for listening in &self.listens {
            let at = listening.at;
            let port = value::port(&listening.address).filter(|_| !listening.perhaps);
            let (port, variables) = match port {
                Some((port, variables)) => (known(port, at), variables),
                None => (Fact::Unknown(Why::Dynamic, Some(at)), Vec::new()),
            };
            code.listens.push(super::listen(port, variables, at));
            code.opens.push(super::server(at));
        }
        let all: Vec<_> =
            self.routes.iter().map(|route| self.whole(route.router, &route.path)).collect();
        for (index, route) in self.routes.iter().enumerate() {
            let (path, mut guard) = all[index].clone();
            guard = route.guard.or(guard);
            let at = route.at;
            let framework = self.routers[route.router].framework;
            // These ask one route after the other.
            if matches!(framework, Framework::Mux | Framework::Fiber) {
                let later = |function: usize, other: Span| {
                    function == route.function && other.range.start > at.range.start
                };
                let takes = |other: &Result<String, Why>| match (other, &path) {
                    (Ok(other), Ok(path)) => other != path && may_match(other, path),
                    (Err(_), _) => true,
                    (_, Err(_)) => false,
                };
                let others = self.routes.iter().zip(&all).enumerate();
                let mut others = others
                    .filter(|(other, (one, _))| *other != index && !later(one.function, one.at));
                let routes = others.any(|(_, (_, (other, _)))| takes(other));
                let prefixes = self.prefixes.iter().any(|(router, function, path, place)| {
                    !later(*function, *place) && takes(&self.whole(*router, path).0)
                });
                guard = guard.or((routes || prefixes).then_some(at));
            }
            code.routes.push(Route {
                method: route.method.clone(),
                path: path.map_or_else(|why| Fact::Unknown(why, Some(at)), |path| known(path, at)),
                loose: false,
                at,
                // At which of several ports a route is answered is not told.
                guard: match guard.or(several.then_some(at)) {
                    Some(at) => Guard::Unknown(Why::Unsupported, at),
                    None => Guard::Open,
                },
                answers: route.answers.clone(),
            });
        }
        code.routes.sort_by(|a, b| (a.path.known(), a.at).cmp(&(b.path.known(), b.at)));
        let paths = || self.program.files.iter().flat_map(|file| file.imports.values());
        let kinds = STORES
            .iter()
            .filter(|words| paths().any(|path| words.iter().any(|word| path.contains(word))));
        // What is left open of these is not told.
        let stores = kinds.count() > self.freed.len();
        if let Some(&at) = self.terminates.first() {
            let stop = self.closes.first();
            let closes = stop.map(|&at| (0..code.opens.len()).map(|index| (index, at)).collect());
            if stores || stop.is_none() {
                code.opens.extend(stores.then(|| Opened {
                    kind: Resource::Database,
                    name: "store".to_owned(),
                    at,
                    at_start: true,
                    via: None,
                    address: None,
                }));
            }
            code.handlers.push(Handler {
                signal: "SIGTERM".to_owned(),
                at,
                late: None,
                closes: closes.unwrap_or_default(),
                exits: None,
                cuts: None,
                ignored: false,
                timeout: None,
                unknown: (stores || stop.is_none()).then_some((Why::Unsupported, at)),
            });
        }
        let handles =
            |path: &String| path == "os/signal" || SIGNALS.iter().any(|word| path.contains(word));
        let nothing = !paths().any(handles);
        code.all_handlers = self.program.whole && (nothing || !self.terminates.is_empty());
        let fails: Vec<_> =
            self.listens.iter().map(|listening| (listening.fails, listening.at)).collect();
        if let Some(&(_, at)) = fails.first()
            && fails.iter().all(|(fails, _)| *fails == Some(true))
        {
            code.start_failure = StartFailure::Exits(Some(at));
        }
    }
}

impl Reader<'_, '_> {
    /// A path below all that its router is below, and what may stand before these.
    fn whole(&self, router: usize, path: &Value) -> (Result<String, Why>, Option<Span>) {
        let mut path = value::settle(path, self.set);
        let (mut guard, mut up, mut left) = (None, Some(router), DEEP);
        while let Some(index) = up.filter(|_| left > 0) {
            let router = &self.routers[index];
            let prefix = value::settle(&router.prefix, self.set);
            path = match (prefix, path) {
                (Ok(prefix), Ok(path)) => Ok(joined(&prefix, &path)),
                (Err(why), _) | (_, Err(why)) => Err(why),
            };
            guard = guard.or(router.guard);
            up = router.parent;
            left -= 1;
        }
        (path, guard)
    }
}

/// Whether a pattern may match a path: `/{id}`, `/:id`, `/static*`.
fn may_match(pattern: &str, path: &str) -> bool {
    let fixed = pattern.find(['{', ':', '*', '+']);
    fixed.is_some_and(|at| path.starts_with(&pattern[..at]))
}

fn joined(prefix: &str, path: &str) -> String {
    match (prefix.trim_end_matches('/'), path) {
        ("", path) => path.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, path) => format!("{prefix}/{}", path.trim_start_matches('/')),
    }
}

/// What `Sprintf` makes of plain verbs.
fn printed(format: &str, arg: impl Fn(usize) -> Value) -> Value {
    let (mut parts, mut index) = (Value::new(), 0);
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        parts.push(Part::Text(before.to_owned()));
        let verb = after.chars().next();
        if !matches!(verb, Some('s' | 'd' | 'v')) {
            return unknown();
        }
        parts.extend(arg(index));
        index += 1;
        rest = &after[1..];
    }
    parts.push(Part::Text(rest.to_owned()));
    parts.retain(|part| *part != Part::Text(String::new()));
    parts
}

#[cfg(test)]
mod tests;
