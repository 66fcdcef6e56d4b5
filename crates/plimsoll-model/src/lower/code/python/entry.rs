//! The command that starts a Python service: which module, which application in it, which server,
//! and where that listens.

use std::rc::Rc;

use plimsoll_source::{FileId, Span, TextRange};
use plimsoll_syntax::toml;

use super::super::graph::Graph;
use super::super::value::{Env, Value};
use super::modules::{Search, Target, root_of};
use crate::Why;
use crate::filesystem::{Filesystem, Found};
use crate::package::Ecosystem;
use crate::path;
use crate::service::Service;
use crate::{ContainerId, ImageId};

/// Who runs the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// Python itself: the module does the rest.
    Script,
    /// A server that imports an application.
    Server,
    /// Django's own server.
    Django,
    /// A worker that serves nobody.
    Worker,
    /// A script of a distribution: a function of the module is called.
    Console,
}

/// How a service starts.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) file: FileId,
    pub(super) at: Span,
    pub(super) program: Program,
    /// The application in the module.
    pub(super) attribute: Option<String>,
    /// It is a function that makes it.
    pub(super) factory: bool,
    pub(super) flask: bool,
    /// It runs as `__main__`.
    pub(super) is_main: bool,
    pub(super) port: Value,
    pub(super) host: Value,
    /// A configuration in Python that names the address.
    pub(super) config: Option<FileId>,
    /// The server ends in order on SIGTERM.
    pub(super) graceful: bool,
    /// Where the server migrates by Django before it loads the application.
    pub(super) migrates: Option<Span>,
    pub(super) search: Search,
}

impl Start {
    /// What is started: another application of a module, or by another program, is another one.
    pub(super) fn what(&self) -> (FileId, Program, Option<&str>) {
        (self.file, self.program, self.attribute.as_deref())
    }
}

type Words<'w> = &'w [(String, Span)];
type Starts = Option<Result<Start, (Why, Span)>>;
/// Distributions that are asked for a script.
const MAX_PACKAGES: usize = 200;

/// How a service starts; `None` where that is no Python.
pub(super) fn find(graph: &Graph<'_>, service: &Service, only: Option<ContainerId>) -> Starts {
    let delivery = graph.delivery;
    let mut found: Starts = None;
    for &id in &service.images {
        let containers = service.containers.iter().copied();
        let runs = |id: &ContainerId| {
            delivery[*id].image_id.is_some_and(|image| service.images.first() == Some(&image))
        };
        let mut keys: Vec<Option<ContainerId>> = containers
            .filter(|container| delivery[*container].image_id == Some(id))
            .filter(|container| runs(container) && !delivery[*container].job)
            .filter(|container| only.is_none_or(|only| only == *container))
            .map(Some)
            .collect();
        if keys.is_empty() {
            if only.is_some() {
                continue;
            }
            keys.push(None);
        }
        for key in keys {
            let Some(startup) = delivery.startups.get(&(id, key)) else { continue };
            let Some(one) = started(graph, id, &startup.app) else { continue };
            found = match (found, one) {
                (None, one) => Some(one),
                (Some(Ok(a)), Ok(b)) if a.what() != b.what() => Some(Err((Why::Conflicting, a.at))),
                (Some(Ok(a)), _) => Some(Ok(a)),
                (Some(Err(_)), one) => Some(one),
            };
        }
    }
    found
}

/// Programs that run the rest of their words.
const WRAPPERS: [&str; 12] = [
    "poetry",
    "uv",
    "pipenv",
    "pdm",
    "rye",
    "hatch",
    "ddtrace-run",
    "opentelemetry-instrument",
    "newrelic-admin",
    "watchmedo",
    "watchfiles",
    "dotenv",
];
/// A server by its name: its host, its port, whether it ends in order, its variable for the port.
type Server = (&'static str, Option<&'static str>, u16, bool, Option<&'static str>);

/// Servers that are given `module:application`: by what they listen where nothing is said, and
/// whether they end in order on SIGTERM.
const SERVERS: [Server; 8] = [
    ("uvicorn", Some("127.0.0.1"), 8000, true, Some("UVICORN_PORT")),
    ("gunicorn", Some("127.0.0.1"), 8000, true, Some("PORT")),
    ("hypercorn", Some("127.0.0.1"), 8000, true, None),
    ("granian", Some("127.0.0.1"), 8000, true, Some("GRANIAN_PORT")),
    ("daphne", Some("127.0.0.1"), 8000, true, None),
    ("waitress-serve", None, 8080, false, None),
    ("sanic", Some("127.0.0.1"), 8000, true, None),
    ("uwsgi", None, 0, false, None),
];

fn started(
    graph: &Graph<'_>,
    image: ImageId,
    words: Words<'_>,
) -> Option<Result<Start, (Why, Span)>> {
    let mut words = words;
    let mut left = 8;
    loop {
        let ((first, at), rest) = words.split_first()?;
        let name = path::name(first);
        left -= 1;
        if left == 0 {
            return Some(Err((Why::TooLarge, *at)));
        }
        if WRAPPERS.contains(&name) {
            let next = rest.iter().position(|(word, _)| {
                !word.starts_with('-') && !matches!(&**word, "run" | "run-program" | "auto-restart")
            })?;
            words = rest.get(next..)?;
            continue;
        }
        let is_python = name.strip_prefix("python").is_some_and(|version| {
            version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        });
        let starter = Starter { graph, image, at: *at };
        if is_python {
            return match python(rest)? {
                Runs::Module(at) => {
                    words = rest.get(at..)?;
                    let module = words.first()?.0.clone();
                    if is_known(&module) {
                        continue;
                    }
                    Some(starter.module(&module))
                }
                Runs::Script(at) => {
                    let script = rest.get(at)?.0.clone();
                    Some(starter.script(&script, rest.get(at + 1..).unwrap_or_default()))
                }
            };
        }
        if name == "manage.py" {
            return Some(starter.script(first, rest));
        }
        if let Some(server) = SERVERS.iter().find(|(known, ..)| *known == name) {
            return Some(starter.server(*server, rest));
        }
        return match name {
            "fastapi" => Some(starter.fastapi(rest)),
            "flask" => Some(starter.flask(rest)),
            "celery" => Some(starter.celery(rest)),
            name if name.ends_with(".py") => Some(starter.script(first, rest)),
            name => starter.console(name),
        };
    }
}

fn is_known(module: &str) -> bool {
    SERVERS.iter().any(|(name, ..)| *name == module)
        || matches!(module, "flask" | "fastapi" | "celery" | "waitress")
        || WRAPPERS.contains(&module)
}

enum Runs {
    Module(usize),
    Script(usize),
}

/// What Python is told to run.
fn python(words: Words<'_>) -> Option<Runs> {
    let mut index = 0;
    while let Some((word, _)) = words.get(index) {
        match &**word {
            "-m" => return Some(Runs::Module(index + 1)),
            "-c" => return None,
            "-W" | "-X" => index += 2,
            word if word.starts_with('-') => index += 1,
            _ => return Some(Runs::Script(index)),
        }
    }
    None
}

/// The value of an option: `--port 80`, `--port=80`, `-p 80`, `-p80`; the last one counts.
fn option(words: Words<'_>, names: &[&str]) -> Option<(String, Span)> {
    let mut found = None;
    for (index, (word, at)) in words.iter().enumerate() {
        for name in names {
            let Some(rest) = word.strip_prefix(name) else { continue };
            let value = match rest.strip_prefix('=') {
                Some(value) => Some((value.to_owned(), *at)),
                None if rest.is_empty() => words.get(index + 1).cloned(),
                None if name.len() == 2 => Some((rest.to_owned(), *at)),
                None => None,
            };
            found = value.or(found);
        }
    }
    found
}

/// A word of a command as a value: `8000`, `$PORT`, `0.0.0.0:${PORT:-8000}`.
fn word_value(text: &str, at: Span) -> Value {
    let mut names = Vec::new();
    let mut made = Some(String::new());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, after) = rest.split_at(dollar);
        let after = &after[1..];
        if let Some(made) = &mut made {
            made.push_str(before);
        }
        let (inside, next) = match after.strip_prefix('{') {
            Some(braced) => match braced.split_once('}') {
                Some(parts) => parts,
                None => return Value::Unknown,
            },
            None => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len()))
            }
        };
        rest = next;
        let (name, default) = match inside.split_once(":-").or_else(|| inside.split_once('-')) {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if name.is_empty() {
            return Value::Unknown;
        }
        names.push(name.to_owned());
        match default {
            Some(default) if !default.contains('$') => {
                if let Some(made) = &mut made {
                    made.push_str(default);
                }
            }
            _ => made = None,
        }
    }
    if let Some(made) = &mut made {
        made.push_str(rest);
    }
    let value = made.map_or(Value::Unknown, |made| Value::text(&made));
    if names.is_empty() {
        return value;
    }
    Value::Env(Rc::new(Env { names, unset: value, at }))
}

/// `host:port` as both.
pub(super) fn split_address(value: &Value) -> (Value, Value) {
    let both = match value.unset() {
        Value::Text(text) => {
            let text = text.trim_start_matches("tcp://").to_owned();
            match text.rsplit_once(':') {
                _ if text.starts_with("unix:") => (Value::Unknown, Value::Unknown),
                Some((host, port)) => {
                    let host = if host.is_empty() { "0.0.0.0" } else { host };
                    (Value::text(host), Value::text(port))
                }
                None => (Value::text(&text), Value::Number(8000.0)),
            }
        }
        _ => (Value::Unknown, Value::Unknown),
    };
    match value {
        Value::Env(_) => (both.0, value.depends(both.1)),
        _ => both,
    }
}

struct Starter<'a> {
    graph: &'a Graph<'a>,
    image: ImageId,
    at: Span,
}

impl Starter<'_> {
    fn stage(&self) -> usize {
        self.graph.delivery[self.image].target.unwrap_or_default()
    }

    fn workdir(&self) -> String {
        let image = &self.graph.delivery[self.image];
        let stage = image.stages.get(self.stage());
        stage.and_then(|stage| stage.config.workdir.clone()).unwrap_or_else(|| "/".to_owned())
    }

    fn variable(&self, name: &str) -> Option<String> {
        let image = &self.graph.delivery[self.image];
        let stage = image.stages.get(self.stage())?;
        let setting = stage.config.env.iter().rev().find(|setting| setting.name == name)?;
        setting.value.as_ref()?.known().cloned()
    }

    fn search(&self, dir: &str) -> Search {
        let mut dirs = vec![crate::lower::absolute(&self.workdir(), dir)];
        if let Some(more) = self.variable("PYTHONPATH") {
            let more = more.split(':').filter(|dir| !dir.is_empty() && !dir.contains('$'));
            dirs.extend(more.map(|dir| crate::lower::absolute(&self.workdir(), dir)));
        }
        // `src` layouts and packages that are installed in place are found where they were copied.
        let below: Vec<String> =
            dirs.iter().map(|dir| format!("{}/src", dir.trim_end_matches('/'))).collect();
        dirs.extend(below);
        Search { image: self.image, stage: self.stage(), dirs, roots: Vec::new() }
    }

    fn failed(&self) -> Result<Start, (Why, Span)> {
        Err((Why::NeedsBuild, self.at))
    }

    fn start(&self, file: FileId, search: Search) -> Start {
        Start {
            file,
            at: self.at,
            program: Program::Script,
            attribute: None,
            factory: false,
            flask: false,
            is_main: true,
            port: Value::Undefined,
            host: Value::Undefined,
            config: None,
            graceful: true,
            migrates: None,
            search,
        }
    }

    /// The file of a dotted module, and where to look from.
    fn locate(&self, module: &str, dir: &str) -> Option<(FileId, Search)> {
        let mut search = self.search(dir);
        let at = module.replace('.', "/");
        let found = search.dirs.iter().find_map(|dir| search.in_image(self.graph, dir, &at));
        let file = found.or_else(|| match search.find(self.graph, module) {
            Target::File(file) => Some(file),
            _ => None,
        })?;
        let file_path = self.graph.cx.tree.path(file);
        search.roots.extend(root_of(file_path, module).map(str::to_owned));
        Some((file, search))
    }

    /// `python -m module`.
    fn module(&self, module: &str) -> Result<Start, (Why, Span)> {
        let main = self.locate(&format!("{module}.__main__"), ".");
        match main.or_else(|| self.locate(module, ".")) {
            Some((file, search)) => Ok(self.start(file, search)),
            None => self.failed(),
        }
    }

    /// `python dir/file.py …`.
    fn script(&self, script: &str, rest: Words<'_>) -> Result<Start, (Why, Span)> {
        let script = script.trim_end_matches('/');
        let absolute = crate::lower::absolute(&self.workdir(), script);
        let dir = path::parent(&absolute);
        let Some(stem) = path::name(&absolute).strip_suffix(".py") else { return self.failed() };
        let Some((file, search)) = self.locate(stem, if dir.is_empty() { "/" } else { dir }) else {
            return self.failed();
        };
        let mut start = self.start(file, search);
        if stem == "manage" {
            match rest.first().map(|(word, _)| &**word) {
                Some("runserver") => {
                    let address = rest.iter().skip(1).find(|(word, _)| !word.starts_with('-'));
                    let (host, port) = match address {
                        Some((text, at)) if text.contains(':') => {
                            split_address(&word_value(text, *at))
                        }
                        Some((text, at)) => (Value::text("127.0.0.1"), word_value(text, *at)),
                        None => (Value::text("127.0.0.1"), Value::Number(8000.0)),
                    };
                    start.program = Program::Django;
                    start.graceful = false;
                    (start.host, start.port) = (host, port);
                }
                _ => return Err((Why::Unsupported, self.at)),
            }
        }
        Ok(start)
    }

    fn server(
        &self,
        (name, host, port, graceful, variable): Server,
        words: Words<'_>,
    ) -> Result<Start, (Why, Span)> {
        if name == "uwsgi" {
            return self.uwsgi(words);
        }
        let dir = option(words, &["--app-dir", "--chdir", "--pythonpath", "--working-dir"]);
        let dir = dir.map_or_else(|| ".".to_owned(), |(dir, _)| dir);
        // The application is the word that names a module and something in it, or the last one.
        let is_target = |word: &str| {
            let module = word.split(':').next().unwrap_or(word);
            let is_name = |part: &str| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            };
            module.split('.').all(is_name)
                && !module.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
        };
        let mut targets = words.iter().enumerate().filter(|(index, (word, _))| {
            let after_option = *index > 0
                && words
                    .get(index - 1)
                    .is_some_and(|(w, _)| w.starts_with('-') && !w.contains('='));
            is_target(word) && (word.contains(':') || !after_option)
        });
        let coloned = targets.clone().find(|(_, (word, _))| word.contains(':'));
        let Some((_, (target, _))) = coloned.or_else(|| targets.next_back()) else {
            return Err((Why::NeedsRun, self.at));
        };
        let (module, attribute) = match target.split_once(':') {
            Some((module, attribute)) => (module, Some(attribute.to_owned())),
            None => (&**target, Some("application".to_owned()).filter(|_| name == "gunicorn")),
        };
        let Some((file, search)) = self.locate(module, &dir) else { return self.failed() };
        let mut start = self.start(file, search);
        start.program = Program::Server;
        start.is_main = false;
        start.attribute = attribute;
        start.graceful = graceful;
        start.factory = words.iter().any(|(word, _)| word == "--factory" || word == "--call");
        let bind = match name {
            "gunicorn" | "hypercorn" => option(words, &["-b", "--bind"]),
            "waitress-serve" => option(words, &["--listen"]),
            _ => None,
        };
        let default = Value::Number(f64::from(port));
        start.port = match variable {
            Some(variable) => Value::Env(Rc::new(Env {
                names: vec![variable.to_owned()],
                unset: default,
                at: self.at,
            })),
            None => default,
        };
        // What of the environment these read themselves.
        let read: &[&str] = match name {
            "uvicorn" => &["UVICORN_HOST"],
            "granian" => &["GRANIAN_HOST"],
            "gunicorn" => &["PORT", "GUNICORN_CMD_ARGS"],
            _ => &[],
        };
        start.host = host.map_or(Value::Undefined, |host| {
            let names = read.iter().map(|&name| name.to_owned()).collect();
            Value::Env(Rc::new(Env { names, unset: Value::text(host), at: self.at }))
        });
        if let Some((bind, at)) = bind {
            (start.host, start.port) = split_address(&word_value(&bind, at));
        } else if name == "gunicorn" {
            let file = option(words, &["-c", "--config"]).map(|(file, _)| file);
            let named = file.is_some();
            let file = file.unwrap_or_else(|| "gunicorn.conf.py".to_owned());
            let file = file.trim_start_matches("file:").trim_start_matches("python:").to_owned();
            let stem = file.strip_suffix(".py").unwrap_or(&file);
            start.config = start.search.in_image(
                self.graph,
                "/",
                crate::lower::absolute(&self.workdir(), stem).trim_start_matches('/'),
            );
            if named && start.config.is_none() {
                (start.host, start.port) = (Value::Unknown, Value::Unknown);
            }
        } else {
            let names: &[&str] =
                if name == "daphne" || name == "sanic" { &["-p", "--port"] } else { &["--port"] };
            if let Some((port, at)) = option(words, names) {
                start.port = word_value(&port, at);
            }
            let names: &[&str] = if name == "daphne" { &["-b", "--bind"] } else { &["--host"] };
            if let Some((host, at)) = option(words, names) {
                start.host = word_value(&host, at);
            }
        }
        if words.iter().any(|(word, _)| matches!(&**word, "--uds" | "--fd" | "-u"))
            && name != "gunicorn"
        {
            (start.host, start.port) = (Value::Unknown, Value::Unknown);
        }
        Ok(start)
    }

    /// `uwsgi --http :8000 --module app:app`, or what its `ini` says.
    fn uwsgi(&self, words: Words<'_>) -> Result<Start, (Why, Span)> {
        let mut settings: Vec<(String, String, Span)> = Vec::new();
        let mut index = 0;
        while let Some((word, at)) = words.get(index) {
            index += 1;
            let long = word.strip_prefix("--");
            let ini = word.ends_with(".ini").then(|| word.clone());
            let named = matches!(&**word, "--ini" | "-i").then(|| words.get(index)).flatten();
            let inline = long.and_then(|long| long.strip_prefix("ini="));
            if let Some(file) = ini.or(named.map(|(f, _)| f.clone())).or(inline.map(str::to_owned))
            {
                index += usize::from(named.is_some());
                settings.extend(self.ini(&file).ok_or((Why::NeedsBuild, *at))?);
                continue;
            }
            let short = [("-w", "module"), ("-s", "socket"), ("-p", "processes")];
            let short = short.iter().find(|(short, _)| short == word).map(|(_, long)| *long);
            let Some(name) = long.or(short) else { continue };
            if let Some((name, value)) = name.split_once('=') {
                settings.push((name.to_owned(), value.to_owned(), *at));
                continue;
            }
            let value = words.get(index).filter(|(value, _)| !value.starts_with('-'));
            index += usize::from(value.is_some());
            let value = value.map_or("true", |(value, _)| value);
            settings.push((name.to_owned(), value.to_owned(), *at));
        }
        let get =
            |names: &[&str]| settings.iter().rev().find(|(name, ..)| names.contains(&&**name));
        // What a configuration that is not read says may be anything.
        let others = ["yaml", "yml", "xml", "json", "config", "emperor", "mount", "plugin-dir"];
        let asked = [
            "chdir",
            "pythonpath",
            "pp",
            "module",
            "wsgi",
            "wsgi-file",
            "file",
            "callable",
            "http",
            "http-socket",
            "http11-socket",
            "die-on-term",
        ];
        let computed = |(name, value, _): &(String, String, Span)| {
            asked.contains(&&**name) && value.contains('%')
        };
        if get(&others).is_some() || settings.iter().any(computed) {
            return Err((Why::Unsupported, self.at));
        }
        let dir = get(&["chdir", "pythonpath", "pp"]).map_or(".", |(_, dir, _)| dir);
        let target = match (get(&["module", "wsgi"]), get(&["wsgi-file", "file"])) {
            (Some((_, module, _)), _) => module.clone(),
            (None, Some((_, file, _))) => {
                let file = file.trim_start_matches("./");
                file.strip_suffix(".py").unwrap_or(file).replace('/', ".")
            }
            (None, None) => return Err((Why::NeedsRun, self.at)),
        };
        let (module, attribute) = match target.split_once(':') {
            Some((module, name)) => (module, name.to_owned()),
            None => (&*target, "application".to_owned()),
        };
        let callable = get(&["callable"]).map(|(_, name, _)| name.clone());
        // Requests in uWSGI's own protocol are those of a web server before it.
        let Some((_, address, at)) = get(&["http", "http-socket", "http11-socket"]) else {
            return Err((Why::Unsupported, self.at));
        };
        let Some((file, search)) = self.locate(module, dir) else { return self.failed() };
        let mut start = self.start(file, search);
        start.program = Program::Server;
        start.is_main = false;
        start.attribute = Some(callable.unwrap_or(attribute));
        (start.host, start.port) = split_address(&word_value(address, *at));
        // Without it, SIGTERM makes it load itself anew.
        start.graceful =
            get(&["die-on-term"]).is_some_and(|(_, value, _)| matches!(&**value, "true" | "1"));
        let hooks = ["hook-pre-app", "hook-asap", "exec-pre-app", "exec-asap"];
        let migrates = |(name, value, _): &&(String, String, Span)| {
            hooks.contains(&&**name) && value.contains("manage.py migrate")
        };
        start.migrates = settings.iter().find(migrates).map(|(_, _, at)| *at);
        Ok(start)
    }

    /// The settings of an `ini` file of uWSGI's.
    fn ini(&self, file: &str) -> Option<Vec<(String, String, Span)>> {
        let at = crate::lower::absolute(&self.workdir(), file);
        let image = &self.graph.delivery[self.image];
        let files = Filesystem::new(self.graph.delivery, image);
        let Found::File { file, .. } = files.find(self.stage(), &at) else { return None };
        let bytes = self.graph.cx.bytes(file).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let (mut settings, mut own, mut offset) = (Vec::new(), false, 0);
        for line in text.split_inclusive('\n') {
            let span = Span::new(file, TextRange::of(offset, offset + line.trim_end().len()));
            offset += line.len();
            let line = line.trim();
            if line.starts_with('[') {
                own = line == "[uwsgi]";
            } else if own && !line.is_empty() && !line.starts_with([';', '#']) {
                let (key, value) = line.split_once('=').unwrap_or((line, "true"));
                settings.push((key.trim().to_owned(), value.trim().to_owned(), span));
            }
        }
        Some(settings)
    }

    /// A script that `pyproject.toml` of a distribution of this tree names: `svc = "svc.cli:main"`.
    fn console(&self, name: &str) -> Option<Result<Start, (Why, Span)>> {
        let packages = self.graph.delivery.packages.iter();
        let python = packages.filter(|package| package.ecosystem == Ecosystem::Python);
        python.take(MAX_PACKAGES).find_map(|package| {
            let manifest = path::join(&package.dir, "pyproject.toml")?;
            let text = self.graph.cx.text(self.graph.cx.tree.find(&manifest)?, "pyproject.toml")?;
            let parsed = toml::parse(&text);
            let root = parsed.tree.root();
            let tables = [&["project", "scripts", name][..], &["tool", "poetry", "scripts", name]];
            let value = tables.into_iter().find_map(|keys| root.at(keys)?.text())?;
            let (module, function) = value.split_once(':')?;
            let (module, function) = (module.trim(), function.trim());
            let function = function.split_whitespace().next().unwrap_or(function);
            let mut search = self.search(".");
            let source = path::join(&package.dir, "src");
            search.roots.extend([Some(package.dir.clone()), source].into_iter().flatten());
            let Target::File(file) = search.find(self.graph, module) else {
                return Some(self.failed());
            };
            let mut start = self.start(file, search);
            start.program = Program::Console;
            start.is_main = false;
            start.attribute = Some(function.to_owned());
            Some(Ok(start))
        })
    }

    fn fastapi(&self, words: Words<'_>) -> Result<Start, (Why, Span)> {
        let Some((verb, rest)) = words.split_first() else { return self.failed() };
        if !matches!(&*verb.0, "run" | "dev") {
            return Err((Why::Unsupported, self.at));
        }
        let named = rest.iter().enumerate().find(|(index, (word, _))| {
            let after = *index > 0
                && rest
                    .get(index - 1)
                    .is_some_and(|(w, _)| w.starts_with("--") && !w.contains('='));
            word.ends_with(".py") || (!word.starts_with('-') && !after)
        });
        let entrypoint = option(rest, &["--entrypoint", "-e"]).map(|(entry, _)| entry);
        let mut attribute = option(rest, &["--app"]).map(|(app, _)| app);
        let candidates: Vec<String> = match (&entrypoint, named) {
            (Some(entry), _) => {
                let (module, name) = entry.split_once(':').unwrap_or((entry, "app"));
                attribute = Some(name.to_owned());
                vec![module.to_owned()]
            }
            (None, Some((_, (file, _)))) => {
                let file = file.trim_start_matches("./").trim_end_matches('/');
                let stem =
                    file.strip_suffix(".py").map_or_else(|| format!("{file}/main"), str::to_owned);
                vec![stem.trim_start_matches('/').replace('/', ".")]
            }
            (None, None) => {
                ["main", "app", "api", "app.main", "app.app", "app.api"].map(str::to_owned).into()
            }
        };
        let named_absolutely = named.is_some_and(|(_, (file, _))| file.starts_with('/'));
        let dir = if named_absolutely { "/" } else { "." };
        let tree = self.graph.cx.tree;
        for module in candidates {
            // `app` names a file here, not a package.
            let Some((file, mut search)) = self.locate(&module, dir) else { continue };
            if !module.contains('.') && tree.path(file).ends_with("/__init__.py") {
                continue;
            }
            // The package's own directory is no place to look in, the one above it is.
            let mut root = path::parent(tree.path(file));
            while tree.find(&format!("{root}/__init__.py")).is_some() && !root.is_empty() {
                root = path::parent(root);
            }
            search.roots.insert(0, root.to_owned());
            let mut start = self.start(file, search);
            start.program = Program::Server;
            start.is_main = false;
            start.attribute = attribute;
            start.host = Value::text(if verb.0 == "run" { "0.0.0.0" } else { "127.0.0.1" });
            let default = Value::Number(8000.0);
            start.port = option(rest, &["--port"]).map_or_else(
                || {
                    Value::Env(Rc::new(Env {
                        names: vec!["PORT".to_owned()],
                        unset: default,
                        at: self.at,
                    }))
                },
                |(port, at)| word_value(&port, at),
            );
            if let Some((host, at)) = option(rest, &["--host"]) {
                start.host = word_value(&host, at);
            }
            return Ok(start);
        }
        self.failed()
    }

    fn flask(&self, words: Words<'_>) -> Result<Start, (Why, Span)> {
        let Some(run) = words.iter().position(|(word, _)| word == "run") else {
            return Err((Why::Unsupported, self.at));
        };
        let app = option(words, &["--app", "-A"]).map(|(app, _)| app);
        let app = app.or_else(|| self.variable("FLASK_APP"));
        let candidates = match &app {
            Some(app) => vec![app.clone()],
            None => vec!["wsgi".to_owned(), "app".to_owned()],
        };
        for app in candidates {
            let (module, attribute) = match app.split_once(':') {
                Some((module, name)) => (module.to_owned(), Some(name.to_owned())),
                None => (app.clone(), None),
            };
            let module = module.trim_start_matches("./");
            let module = module.strip_suffix(".py").unwrap_or(module).replace('/', ".");
            let Some((file, search)) = self.locate(&module, ".") else { continue };
            let mut start = self.start(file, search);
            start.program = Program::Server;
            start.is_main = false;
            start.attribute = attribute;
            start.flask = true;
            start.graceful = false;
            let rest = words.get(run + 1..).unwrap_or_default();
            let default = Value::Number(5000.0);
            start.port = option(rest, &["--port", "-p"]).map_or_else(
                || {
                    let names = vec!["FLASK_RUN_PORT".to_owned()];
                    Value::Env(Rc::new(Env { names, unset: default, at: self.at }))
                },
                |(port, at)| word_value(&port, at),
            );
            let host = option(rest, &["--host", "-h"]).map(|(host, at)| word_value(&host, at));
            let variable = self.variable("FLASK_RUN_HOST").map(|host| Value::text(&host));
            start.host = host.or(variable).unwrap_or_else(|| Value::text("127.0.0.1"));
            return Ok(start);
        }
        self.failed()
    }

    fn celery(&self, words: Words<'_>) -> Result<Start, (Why, Span)> {
        let Some((app, _)) = option(words, &["-A", "--app"]) else {
            return Err((Why::NeedsRun, self.at));
        };
        let (module, attribute) = match app.split_once(':') {
            Some((module, name)) => (module.to_owned(), Some(name.to_owned())),
            None => (app, None),
        };
        // `-A proj` is `proj`, `proj.celery`, or `module.attribute`.
        let above = module.rsplit_once('.').map(|(above, _)| above.to_owned());
        let candidates = [Some(format!("{module}.celery")), Some(module), above];
        let found = candidates.into_iter().flatten().find_map(|module| self.locate(&module, "."));
        let Some((file, search)) = found else { return self.failed() };
        let mut start = self.start(file, search);
        start.program = Program::Worker;
        start.is_main = false;
        start.attribute = attribute;
        if words.iter().any(|(word, _)| word == "flower") {
            return Err((Why::Unsupported, self.at));
        }
        Ok(start)
    }
}
