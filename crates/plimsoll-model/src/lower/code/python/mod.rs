//! Python: what differs from the language that [`super::eval`] follows, and what its packages do.
//!
//! [`entry`] reads the command that starts a service, [`modules`] finds what an import names,
//! [`language`] is names, calls and methods of the language, [`packages`] what packages open, read
//! and write, [`http`] their applications, [`routes`] what those answer.

mod entry;
mod http;
mod language;
mod modules;
mod packages;
mod routes;
pub(super) mod unverified;

#[cfg(test)]
mod tests;

use std::rc::Rc;

use foldhash::HashMap;
use plimsoll_source::{FileId, Span, TextRange};

use super::eval::{Args, Eval, Phase};
use super::graph::Graph;
use super::value::{HostId, Value};
use crate::code::{Code, Hides, Language, Resource};
use crate::fact::Fact;
use crate::migration::MigrationTool;
use crate::service::Service;
use crate::{ContainerId, Why};
use entry::{Program, Start};

/// What is known of the run of a Python program.
pub(super) struct State {
    search: modules::Search,
    /// The module that runs as `__main__`.
    main: Option<FileId>,
    found: HashMap<String, modules::Target>,
    /// What the generator that runs has yielded last.
    yielded: Option<Value>,
    /// Defaults that the program gives to variables: `os.environ.setdefault`.
    set: HashMap<String, Value>,
    /// What runs when the interpreter ends.
    at_exit: Vec<(Value, Span)>,
    /// The application that is served.
    app: Option<HostId>,
    /// The handler that what follows the `yield` of a lifespan belongs to.
    lifespan: Option<usize>,
    django: bool,
}

/// An object of a Python package.
#[derive(Clone, Debug)]
pub(super) enum Thing {
    /// An application, router or blueprint.
    App(Box<http::App>),
    /// What a call like `app.get("/x")` gives: it registers the function that it is called with.
    Registers(HostId, Box<http::Registered>),
    /// It adds the function that it is called with to an application, as this.
    Adds(HostId, http::Adds),
    /// `Depends(f)`.
    Depends(Value),
    /// A route, a mount or an include as a value: `Route("/x", f)`, `path("x", f)`.
    Route(Box<http::Entry>),
    /// An object that may ask the outside when a method of it is called: what made it.
    Foreign(String),
    /// A request, as its handler gets it.
    Request,
    /// An event loop.
    Loop,
    /// `uvicorn.Config(app, port=…)`, `uvicorn.Server(config)`.
    Server(Box<(Value, Value, Value)>),
    /// A function that a decorator of a package stands before.
    Wrapped(Box<(Value, String, Span)>),
    /// A dictionary of the program's environment: `environ.Env()`.
    Environment,
    /// A class of Django as its view: `View.as_view()`.
    View(Value),
    /// A default of a field: `Field(default, alias=…)`.
    Field(Box<(Value, Vec<String>)>),
}

/// Whether containers of a service start different programs of Python.
pub(super) fn differ(graph: &Graph<'_>, service: &Service) -> bool {
    matches!(entry::find(graph, service, None), Some(Err((Why::Conflicting, _))))
}

/// The program of a service, or of one of its containers, that starts Python; `None` where it starts something else.
pub(super) fn read(
    graph: &Graph<'_>,
    service: &Service,
    only: Option<ContainerId>,
) -> Option<Code> {
    let start = entry::find(graph, service, only)?;
    let mut start = match start {
        Ok(start) => start,
        Err((why, at)) => {
            let eval = Eval::new(graph);
            return Some(super::code(eval, Fact::Unknown(why, Some(at)), Language::Python));
        }
    };
    let mut eval = Eval::new(graph);
    eval.set = super::set(graph.delivery, service, only);
    eval.python = Some(Box::new(State {
        search: start.search.clone(),
        main: start.is_main.then_some(start.file),
        found: HashMap::default(),
        yielded: None,
        set: HashMap::default(),
        at_exit: Vec::new(),
        app: None,
        lifespan: None,
        django: false,
    }));
    eval.via = Some(start.at);
    eval.run(start.file);
    eval.via = Some(start.at);
    if let Some(config) = start.config {
        eval.load(config);
        let bind = eval.export(config, "bind", 0);
        let bind =
            bind.map(|bind| eval.items(&bind).and_then(|all| all.first().cloned()).unwrap_or(bind));
        if let Some(bind) = bind {
            (start.host, start.port) = entry::split_address(&bind);
        }
    }
    eval.serve(&start);
    if let Some(at) = start.migrates {
        eval.facts.migrates = Some((MigrationTool::Django, at));
    }
    eval.drain();
    eval.follow_handlers();
    let entry = Fact::Known {
        value: start.file,
        at: crate::fact::Origin::at(start.at),
        how: crate::fact::How::Inferred,
    };
    Some(super::code(eval, entry, Language::Python))
}

impl Eval<'_> {
    fn thing(&mut self, thing: Thing, at: Span) -> Value {
        let kind = super::host::Kind::Python(Box::new(thing));
        self.host(super::host::Host { kind, at, open: None })
    }

    fn thing_of(&self, value: &Value) -> Option<&Thing> {
        match value {
            Value::Host(id) => match &self.hosts.get(id.0)?.kind {
                super::host::Kind::Python(thing) => Some(thing),
                _ => None,
            },
            _ => None,
        }
    }

    /// The server of the start command listens, and handles SIGTERM as it does.
    fn serve(&mut self, start: &Start) {
        let at = start.at;
        match start.program {
            Program::Script => return,
            Program::Console => {
                let name = start.attribute.as_deref().unwrap_or("main");
                let function = self.attribute(start.file, name, at);
                if matches!(function, Value::Function(_)) {
                    self.call_value(&function, Args::default(), Some(at));
                    self.stop = None;
                } else {
                    // A command of a package that reads the command line.
                    self.gap(Why::Dynamic, at, Hides::Anything);
                }
                return;
            }
            Program::Worker => {
                self.handles("SIGTERM", Value::Undefined, at);
                let worker = self.opens(Resource::Worker, "worker", at, None, None);
                self.closed_by_server(worker, at);
                return;
            }
            Program::Django => self.django(at),
            Program::Server => {}
        }
        let mut app = match &start.attribute {
            Some(name) => self.attribute(start.file, name, at),
            None => self.only_app(start.file),
        };
        if start.factory || matches!(app, Value::Function(_)) && start.flask {
            app = self.call_value(&app, Args::default(), Some(at));
        }
        if matches!(start.program, Program::Django) {
            app = Value::Inert;
        }
        self.served(&app, start.port.clone(), start.host.clone(), at, start.graceful);
    }

    /// An application is served: it listens, its startup has run, and SIGTERM ends it in order.
    fn served(&mut self, app: &Value, port: Value, host: Value, at: Span, graceful: bool) {
        let open = self.opens(Resource::Server, "server", at, None, None);
        let tries = self.tries.clone();
        let at_start = self.phase == Phase::Start;
        self.facts.listens.push(super::facts::Listening {
            port,
            host,
            tls: false,
            at,
            tries,
            app: None,
            at_start,
            callback: None,
        });
        let app = self.app_of(app);
        let at_exit = self.state().map(|state| state.at_exit.clone()).unwrap_or_default();
        let handler = graceful.then(|| {
            let handler = self.handles("SIGTERM", Value::Undefined, at);
            self.facts.closes(handler, open, at);
            handler
        });
        match app {
            Some(app) => {
                if let Some(state) = self.state() {
                    state.app = Some(app);
                }
                self.start_app(app, handler, 0);
            }
            None if self.python.as_ref().is_some_and(|state| state.django) => {}
            None => self.gap(Why::Dynamic, at, Hides::Routes),
        }
        // A server that ends in order lets the interpreter end, too.
        if let Some(handler) = handler {
            for (function, at) in at_exit {
                self.in_phase(Phase::Signal(handler), |eval| {
                    eval.call_value(&function, Args::default(), Some(at));
                });
            }
        }
    }

    fn closed_by_server(&mut self, open: usize, at: Span) {
        let handler = self.facts.handlers.len().saturating_sub(1);
        self.facts.closes(handler, open, at);
    }

    /// An attribute of a module, as `module:name` of a start command names it.
    fn attribute(&mut self, file: FileId, name: &str, at: Span) -> Value {
        let (name, called) = match name.split_once('(') {
            Some((name, _)) => (name, true),
            None => (name, false),
        };
        let mut value = Value::Namespace(file);
        for part in name.split('.') {
            value = self.member(&value, part, Some(at));
        }
        if called { self.call_value(&value, Args::default(), Some(at)) } else { value }
    }

    /// The one application of a module that is named without it.
    fn only_app(&mut self, file: FileId) -> Value {
        for name in ["app", "api", "application", "create_app", "make_app"] {
            if let Some(value) = self.export(file, name, 0) {
                if self.app_of(&value).is_some() {
                    return value;
                }
                if matches!(value, Value::Function(_)) {
                    return self.call_value(&value, Args::default(), None);
                }
            }
        }
        Value::Unknown
    }

    fn state(&mut self) -> Option<&mut State> {
        self.python.as_deref_mut()
    }
}

fn start_of(file: FileId) -> Span {
    Span::new(file, TextRange::new(0, 0))
}

/// A path of a package: `("sqlalchemy", ["orm", "Session"])`.
type Path = Rc<(String, Vec<String>)>;
