//! The program, followed: modules from the entry on, calls into functions, values through names,
//! both branches of what cannot be decided. What a package or the platform does is told by
//! [`super::host`]; everything else is the language.
//!
//! Nothing is run: loops go round once, or over the elements that are known; a function that calls
//! itself is not followed again; all is bounded by fuel. What may have happened on some way only
//! is joined, never chosen.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use plimsoll_source::{FileId, Span, TextRange};
use plimsoll_syntax::program::{
    Argument, BinaryOp, Body, ClassId, Entry, Exported, ExprId, ExprKind, FunctionId, Imported,
    Joined, Key, LogicalOp, MemberKind, Module, Part, PatternId, PatternKind, Scope as Lives,
    Spread, StmtId, StmtKind, UnaryOp,
};

use super::facts::{Facts, Order};
use super::graph::{Graph, Target};
use super::host::Host;
use super::value::{ClassValue, Closure, Env, HostId, Object, ObjectId, Scope, Value};
use crate::code::{Gap, Hides};
use crate::fact::Why;

/// Nodes that are followed for one service.
const FUEL: usize = 1_000_000;
/// Nodes that are followed for one handler of signals.
pub(super) const HANDLER_FUEL: usize = 200_000;
/// Nodes that are followed for one handler of requests.
const REQUEST_FUEL: usize = 60_000;
/// Nodes of one function, all its calls taken together: what is called more often is a helper that
/// does the same again.
const FUNCTION_FUEL: usize = 20_000;
/// Modules that are read for one service.
const MAX_MODULES: usize = 5_000;
/// Bytes that are read for one service.
const MAX_BYTES: u64 = 32 << 20;
/// Calls within calls.
const MAX_CALLS: usize = 40;
/// Expressions within expressions, calls included.
const MAX_DEPTH: usize = 3_000;
/// Elements of a list that a loop goes over.
const MAX_ROUNDS: usize = 64;

/// How a piece of program may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Ends(pub(super) u8);

impl Ends {
    pub(super) const NEXT: Self = Self(1);
    pub(super) const RETURN: Self = Self(2);
    pub(super) const THROW: Self = Self(4);
    pub(super) const FAIL: Self = Self(8);
    pub(super) const EXIT: Self = Self(16);
    pub(super) const BREAK: Self = Self(32);

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether it ends in no way but these.
    pub(super) const fn only(self, other: Self) -> bool {
        self.0 != 0 && self.0 & !other.0 == 0
    }
}

/// When a piece of program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// On the way from the entry's start.
    Start,
    /// Some time later: timers, events.
    Later,
    /// On a signal: an index into the handlers.
    Signal(usize),
    /// For a request.
    Request,
}

/// A clause that catches, and how it ends.
#[derive(Clone, Debug)]
pub(super) struct Caught {
    pub(super) at: Span,
    pub(super) ends: Ends,
    /// Where it ends the process.
    pub(super) exit: Option<Span>,
    pub(super) in_loop: bool,
}

/// What is called later.
pub(super) struct Deferred {
    pub(super) function: Value,
    pub(super) via: Option<Span>,
}

/// Where something is evaluated.
#[derive(Clone)]
pub(super) struct Here {
    pub(super) module: Arc<Module>,
    pub(super) scope: Rc<Scope>,
    pub(super) this: Value,
    pub(super) home: Option<Rc<ClassValue>>,
}

/// Arguments of a call.
#[derive(Clone, Default)]
pub(super) struct Args {
    pub(super) list: Vec<Value>,
    pub(super) named: Vec<(Box<str>, Value)>,
    /// More may follow.
    pub(super) open: bool,
}

impl Args {
    pub(super) fn of(list: Vec<Value>) -> Self {
        Self { list, ..Self::default() }
    }

    pub(super) fn get(&self, index: usize) -> Value {
        let missing = if self.open { Value::Unknown } else { Value::Undefined };
        self.list.get(index).cloned().unwrap_or(missing)
    }
}

struct Frame {
    returns: Option<Value>,
}

struct Loading {
    scope: Rc<Scope>,
    module: Arc<Module>,
    /// `module`, whose `exports` CommonJS gives.
    object: ObjectId,
}

/// What a request's handler does, as far as a probe sees it.
#[derive(Clone, Default)]
pub(super) struct Answering {
    /// Statuses it sets: the value, where, and whether on every way.
    pub(super) statuses: Vec<(Value, Span, bool)>,
    /// Calls that may fail, and whether something catches that.
    pub(super) asks: Vec<(Span, bool)>,
    /// Calls that could not be followed.
    pub(super) unknown: Option<Span>,
    /// Places that pass an error on or throw one.
    pub(super) fails: Option<Span>,
    /// Places that answer.
    pub(super) sends: Option<Span>,
    /// It passed the request on.
    pub(super) next: bool,
    /// Somewhere it looks at credentials.
    pub(super) checks_credentials: Option<Span>,
    /// Not all of it was followed.
    pub(super) too_large: bool,
    /// The path asked for.
    pub(super) path: Option<Rc<str>>,
    base: usize,
}

/// One run through a service's program.
pub(super) struct Eval<'a> {
    pub(super) graph: &'a Graph<'a>,
    pub(super) heap: Vec<Object>,
    pub(super) hosts: Vec<Host>,
    pub(super) facts: Facts,
    pub(super) order: Vec<FileId>,
    pub(super) caught: Vec<Caught>,
    pub(super) queue: VecDeque<Deferred>,
    pub(super) phase: Phase,
    pub(super) answering: Answering,
    /// The statement of the entry module that led here.
    pub(super) via: Option<Span>,
    /// What the value that is computed will be called.
    pub(super) hint: Option<Rc<str>>,
    pub(super) stop: Option<Ends>,
    pub(super) branch: usize,
    pub(super) tries: Vec<usize>,
    entry: Option<FileId>,
    modules: HashMap<FileId, Loading>,
    failed: HashMap<FileId, Value>,
    frames: Vec<Frame>,
    calls: Vec<(FileId, FunctionId)>,
    maybe: Ends,
    pub(super) fuel: usize,
    /// Fuel that each function has taken itself.
    spent: HashMap<(FileId, FunctionId), usize>,
    bytes: u64,
    depth: usize,
    loops: usize,
    awaited: bool,
    pending: Vec<usize>,
    after_await: bool,
    sequence: usize,
    last_exit: Option<Span>,
}

impl<'a> Eval<'a> {
    pub(super) fn new(graph: &'a Graph<'a>) -> Self {
        Self {
            graph,
            heap: Vec::new(),
            hosts: Vec::new(),
            facts: Facts::default(),
            order: Vec::new(),
            caught: Vec::new(),
            queue: VecDeque::new(),
            phase: Phase::Start,
            answering: Answering::default(),
            via: None,
            hint: None,
            stop: None,
            branch: 0,
            tries: Vec::new(),
            entry: None,
            modules: HashMap::new(),
            failed: HashMap::new(),
            frames: Vec::new(),
            calls: Vec::new(),
            maybe: Ends::default(),
            fuel: FUEL,
            spent: HashMap::new(),
            bytes: 0,
            depth: 0,
            loops: 0,
            awaited: false,
            pending: Vec::new(),
            after_await: false,
            sequence: 0,
            last_exit: None,
        }
    }

    /// Follows the program from its entry module, and then what it left for later.
    pub(super) fn run(&mut self, entry: FileId) {
        self.entry = Some(entry);
        self.load(entry);
        self.stop = None;
        self.drain();
    }

    /// Calls what was left for later.
    pub(super) fn drain(&mut self) {
        let mut left = 2_000;
        while let Some(deferred) = self.queue.pop_front() {
            left -= 1;
            if left == 0 {
                break;
            }
            self.via = deferred.via;
            self.in_phase(Phase::Later, |eval| {
                eval.call_value(&deferred.function, Args { open: true, ..Args::default() }, None);
            });
        }
    }

    /// Runs something in another phase, where nothing is certain to happen.
    pub(super) fn in_phase<T>(&mut self, phase: Phase, go: impl FnOnce(&mut Self) -> T) -> T {
        let before = (self.phase, self.branch, std::mem::take(&mut self.tries), self.stop.take());
        self.phase = phase;
        self.branch = self.branch.max(1) + 1;
        let gone = go(self);
        (self.phase, self.branch, self.tries, self.stop) = before;
        gone
    }

    pub(super) fn now(&mut self) -> Order {
        self.sequence += 1;
        Order { after_await: self.after_await, sequence: self.sequence }
    }

    pub(super) fn gap(&mut self, why: Why, at: Span, hides: Hides) {
        let gap = Gap { why, at, hides };
        if !self.facts.gaps.contains(&gap) {
            self.facts.gaps.push(gap);
        }
    }

    // ---- modules ----

    /// Reads and runs a module once.
    pub(super) fn load(&mut self, file: FileId) {
        if self.modules.contains_key(&file) || self.failed.contains_key(&file) {
            return;
        }
        self.bytes += self.graph.cx.tree.entry(file).len;
        let start = Span::new(file, TextRange::new(0, 0));
        let loaded = if self.modules.len() >= MAX_MODULES || self.bytes > MAX_BYTES {
            Err((Why::TooLarge, start))
        } else {
            self.graph.module(file)
        };
        let module = match loaded {
            Ok(module) => module,
            Err((why, at)) => {
                self.gap(why, at, Hides::Anything);
                self.failed.insert(file, Value::Unknown);
                return;
            }
        };
        self.order.push(file);
        self.facts.syntax(&module);
        // A module runs once, at the first import: as surely as the import.
        let scope = Scope::new(None, true, self.branch);
        let exports = self.object(Object { branch: self.branch, ..Object::default() });
        let object = self.object(Object { branch: self.branch, ..Object::default() });
        self.heap[object.0].props.insert("exports".into(), Value::Object(exports));
        scope.declare("module", Value::Object(object));
        scope.declare("exports", Value::Object(exports));
        scope.declare("__dirname", Value::external(":global", &["__dirname"]));
        scope.declare("__filename", Value::external(":global", &["__filename"]));
        let loading = Loading { scope: Rc::clone(&scope), module: Arc::clone(&module), object };
        self.modules.insert(file, loading);
        let this = Value::Object(exports);
        let here = Here { module: Arc::clone(&module), scope, this, home: None };
        let before = (self.via, self.hint.take(), std::mem::take(&mut self.awaited));
        let pending = std::mem::take(&mut self.pending);
        self.frames.push(Frame { returns: None });
        let body = module.body.clone();
        self.statements(&here, &body);
        self.frames.pop();
        self.pending = pending;
        (self.via, self.hint, self.awaited) = before;
    }

    /// What a specifier gives: the module as a value.
    pub(super) fn import(&mut self, from: FileId, specifier: &str, at: Span) -> Value {
        match self.graph.resolve(from, specifier) {
            Target::File(file) => {
                if let Some(name) = self.graph.package_named(from, file, specifier) {
                    self.facts.package(&name, from, at);
                }
                self.load(file);
                if self.failed.contains_key(&file) {
                    return Value::Unknown;
                }
                Value::Namespace(file)
            }
            Target::Package(name, rest) => {
                self.facts.package(&name, from, at);
                let package = if rest.is_empty() { name } else { format!("{name}/{rest}") };
                Value::external(&package, &[])
            }
            Target::Platform(name) if name == "process" => Value::external(":global", &["process"]),
            Target::Platform(name) => Value::external(&format!("node:{name}"), &[]),
            Target::Data => Value::Inert,
            Target::Missing => {
                self.gap(Why::NeedsBuild, at, Hides::Anything);
                Value::Unknown
            }
        }
    }

    /// What `import {name} from` gives.
    fn imported(&mut self, of: &Value, what: &Imported) -> Value {
        let name = match what {
            Imported::Namespace => return of.clone(),
            Imported::Default => "default",
            Imported::Named(name) => name,
        };
        match of {
            Value::Namespace(file) => Value::Live(*file, name.into()),
            other => self.member(other, name, None),
        }
    }

    /// An export of a module.
    pub(super) fn export(&mut self, file: FileId, name: &str, depth: usize) -> Option<Value> {
        if depth > 16 {
            return None;
        }
        let loading = self.modules.get(&file)?;
        let (module, scope, object) =
            (Arc::clone(&loading.module), Rc::clone(&loading.scope), loading.object);
        for export in &module.exports {
            let at = module.span(export.range);
            match &export.what {
                Exported::Local(local) if *export.name == *name => {
                    let found = scope.find(local).map(|(_, value)| value)?;
                    return Some(self.live(found, depth));
                }
                Exported::From { specifier, what } if *export.name == *name => {
                    let of = self.import(file, specifier, at);
                    let value = self.imported(&of, what);
                    return Some(self.live(value, depth));
                }
                _ => {}
            }
        }
        let alls: Vec<_> = module
            .exports
            .iter()
            .filter_map(|export| match &export.what {
                Exported::All { specifier } if name != "default" => {
                    Some((specifier.clone(), module.span(export.range)))
                }
                _ => None,
            })
            .collect();
        for (specifier, at) in alls {
            match self.import(file, &specifier, at) {
                Value::Namespace(other) => {
                    if let Some(value) = self.export(other, name, depth + 1) {
                        return Some(value);
                    }
                }
                Value::External(_) => {}
                _ => return Some(Value::Unknown),
            }
        }
        // CommonJS.
        let exports = self.heap[object.0].props.get("exports").cloned()?;
        if name == "default" {
            let made = self.heap_prop(&exports, "default");
            let is_own = match &exports {
                Value::Object(id) => {
                    let object = &self.heap[id.0];
                    object.items.is_some() || object.class.is_some() || !object.props.is_empty()
                }
                _ => true,
            };
            return made.or_else(|| is_own.then_some(exports));
        }
        match &exports {
            Value::Object(id) if !self.heap[id.0].open => self.heap_prop(&exports, name),
            other => Some(self.member(&other.clone(), name, None)),
        }
    }

    fn live(&mut self, value: Value, depth: usize) -> Value {
        match value {
            Value::Live(file, name) => {
                self.export(file, &name, depth + 1).unwrap_or(Value::Undefined)
            }
            value => value,
        }
    }

    /// `module.exports` of a module that says nothing by declaration.
    fn commonjs(&self, file: FileId) -> Option<Value> {
        let loading = self.modules.get(&file)?;
        if !loading.module.exports.is_empty() {
            return None;
        }
        self.heap[loading.object.0].props.get("exports").cloned()
    }

    // ---- the heap ----

    pub(super) fn object(&mut self, object: Object) -> ObjectId {
        self.heap.push(object);
        ObjectId(self.heap.len() - 1)
    }

    pub(super) fn list(&mut self, items: Vec<Value>) -> Value {
        let branch = self.branch;
        Value::Object(self.object(Object { items: Some(items), branch, ..Object::default() }))
    }

    pub(super) fn host(&mut self, host: Host) -> Value {
        self.hosts.push(host);
        Value::Host(HostId(self.hosts.len() - 1))
    }

    fn heap_prop(&self, value: &Value, name: &str) -> Option<Value> {
        match value {
            Value::Object(id) => self.heap[id.0].props.get(name).cloned(),
            _ => None,
        }
    }

    /// A property, where it is an object's own: for options.
    pub(super) fn option(&mut self, value: &Value, name: &str) -> Value {
        match value {
            Value::Object(_) | Value::Env(_) | Value::Any(_) => self.member(value, name, None),
            _ => Value::Undefined,
        }
    }

    pub(super) fn items(&self, value: &Value) -> Option<Vec<Value>> {
        match value {
            Value::Object(id) => self.heap[id.0].items.clone(),
            _ => None,
        }
    }

    pub(super) fn set(&mut self, value: &Value, name: &str, new: Value) {
        for one in value.each() {
            match one {
                Value::Object(id) => {
                    let branch = self.branch;
                    let object = &mut self.heap[id.0];
                    let joined = match object.props.get(name) {
                        Some(old) if branch > object.branch => old.clone().or(new.clone()),
                        None if branch > object.branch => Value::Undefined.or(new.clone()),
                        _ => new.clone(),
                    };
                    object.props.insert(name.into(), joined);
                }
                Value::Class(class) => {
                    let statics = Value::Object(class.statics);
                    self.set(&statics, name, new.clone());
                }
                Value::Host(host) => self.set_host(*host, name, &new),
                Value::External(path) => self.set_external(path, name, &new),
                _ => {}
            }
        }
    }

    /// A property of a value.
    pub(super) fn member(&mut self, of: &Value, name: &str, at: Option<Span>) -> Value {
        match of {
            Value::Any(all) => {
                let mut found: Option<Value> = None;
                for one in all.iter().filter(|v| !matches!(v, Value::Null | Value::Undefined)) {
                    let value = self.member(one, name, at);
                    found = Some(match found {
                        Some(before) => before.or(value),
                        None => value,
                    });
                }
                found.unwrap_or(Value::Undefined)
            }
            Value::Env(env) if matches!(env.unset, Value::Object(_)) => {
                let value = self.member(&env.unset, name, at);
                of.depends(value)
            }
            Value::Env(_) => of.depends(Value::Unknown),
            Value::Object(id) => self.object_member(*id, name, of),
            Value::Namespace(file) => self.namespace_member(*file, name),
            Value::Live(file, export) => {
                let value = self.export(*file, export, 0).unwrap_or(Value::Undefined);
                if matches!(value, Value::Live(..)) {
                    Value::Unknown
                } else {
                    self.member(&value, name, at)
                }
            }
            Value::Class(class) => {
                let class = Rc::clone(class);
                if let Some(value) = self.heap[class.statics.0].props.get(name).cloned() {
                    return value;
                }
                if let Some((closure, getter)) = method(&class, name, true) {
                    if getter {
                        return self.invoke(&closure, of.clone(), Args::default(), at);
                    }
                    return Value::Bound(Rc::new((of.clone(), closure)));
                }
                match &class.base {
                    Value::Undefined => Value::Undefined,
                    base => self.member(&base.clone(), name, at),
                }
            }
            Value::Host(host) => self.host_member(*host, name, at),
            Value::External(path) => self.external_member(path, name, at),
            Value::Text(text) if name == "length" => Value::Number(text.len() as f64),
            Value::Undefined | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {
                Value::Undefined
            }
            Value::Inert | Value::Regex | Value::HostMethod(..) => Value::Inert,
            Value::Function(_) | Value::Bound(_) | Value::Unknown => Value::Unknown,
        }
    }

    fn namespace_member(&mut self, file: FileId, name: &str) -> Value {
        if let Some(value) = self.export(file, name, 0) {
            return value;
        }
        if self.failed.contains_key(&file) {
            return Value::Unknown;
        }
        Value::Undefined
    }

    fn object_member(&mut self, id: ObjectId, name: &str, of: &Value) -> Value {
        let object = &self.heap[id.0];
        if let Some(value) = object.props.get(name) {
            let value = value.clone();
            return self.live(value, 0);
        }
        if let Some(getter) = object.getters.get(name).cloned() {
            return self.invoke(&getter, of.clone(), Args::default(), None);
        }
        if let Some(items) = &object.items {
            if name == "length" {
                return if object.open {
                    Value::Unknown
                } else {
                    Value::Number(items.len() as f64)
                };
            }
            return Value::Inert;
        }
        let open = object.open;
        if let Some(class) = object.class.clone() {
            if let Some((closure, getter)) = method(&class, name, false) {
                if getter {
                    return self.invoke(&closure, of.clone(), Args::default(), None);
                }
                return Value::Bound(Rc::new((of.clone(), closure)));
            }
            // A method of a base that is a package's.
            let mut base = class.base.clone();
            while let Value::Class(next) = &base {
                base = next.base.clone();
            }
            return match base {
                Value::Undefined if !open => Value::Undefined,
                Value::External(_) | Value::Inert => Value::Inert,
                _ => Value::Unknown,
            };
        }
        if open { Value::Unknown } else { Value::Undefined }
    }

    // ---- statements ----

    pub(super) fn statements(&mut self, here: &Here, body: &[StmtId]) -> Ends {
        // Functions are there before anything runs.
        for &id in body {
            if let StmtKind::Function(function) = here.module.stmt(id).kind {
                self.declare_function(here, function);
            }
        }
        let mut ends = Ends::default();
        for &id in body {
            let one = self.statement(here, id);
            ends = ends.or(one.without(Ends::NEXT));
            if !one.has(Ends::NEXT) {
                return ends;
            }
        }
        ends.or(Ends::NEXT)
    }

    fn declare_function(&mut self, here: &Here, function: FunctionId) {
        let closure = self.closure(here, function);
        let decorated = !here.module.function(function).decorators.is_empty();
        if let Some(name) = &here.module.function(function).name {
            here.scope.declare(name, Value::Function(Rc::new(closure)));
        }
        debug_assert!(!decorated, "no JavaScript function is decorated");
    }

    fn closure(&self, here: &Here, function: FunctionId) -> Closure {
        Closure {
            module: Arc::clone(&here.module),
            function,
            scope: Rc::clone(&here.scope),
            this: here.this.clone(),
            home: here.home.clone(),
        }
    }

    fn inner(&self, here: &Here) -> Here {
        Here { scope: Scope::new(Some(Rc::clone(&here.scope)), false, self.branch), ..here.clone() }
    }

    /// What a branch does, on which nothing depends for certain.
    pub(super) fn branch<T>(&mut self, go: impl FnOnce(&mut Self) -> T) -> T {
        self.branch += 1;
        let gone = go(self);
        self.branch -= 1;
        gone
    }

    fn statement(&mut self, here: &Here, id: StmtId) -> Ends {
        let before = std::mem::take(&mut self.maybe);
        let ends = self.any_statement(here, id);
        // What an expression did on every way ends the statement.
        let ends = match self.stop.take() {
            Some(stop) => stop.or(ends.without(Ends::NEXT)),
            None => ends,
        };
        let ends = ends.or(self.maybe);
        self.maybe = before;
        ends
    }

    fn any_statement(&mut self, here: &Here, id: StmtId) -> Ends {
        let module = Arc::clone(&here.module);
        let stmt = module.stmt(id);
        if self.entry == Some(module.file)
            && matches!(stmt.kind, StmtKind::Let { .. } | StmtKind::Expr(_) | StmtKind::Return(_))
        {
            self.via = Some(module.span(stmt.range));
        }
        match &stmt.kind {
            StmtKind::Let { scope, pattern, init } => {
                self.hint = self.name_of(&module, *pattern);
                let value = match init {
                    Some(init) => self.expr(here, *init),
                    None => Value::Undefined,
                };
                self.hint = None;
                let value = placed(self.name_of(&module, *pattern).as_deref(), value, || {
                    module.span(stmt.range)
                });
                let scope = match scope {
                    Lives::Block => Rc::clone(&here.scope),
                    Lives::Function => here.scope.function(),
                };
                // `var x;` of a name that is there says nothing.
                let again = |name: Rc<str>| scope.names.borrow().contains_key(&*name);
                if init.is_none() && self.name_of(&module, *pattern).is_some_and(again) {
                    return Ends::NEXT;
                }
                self.bind(here, *pattern, value, Some(&scope));
                Ends::NEXT
            }
            StmtKind::Expr(value) => {
                self.expr(here, *value);
                Ends::NEXT
            }
            StmtKind::Return(value) => {
                self.awaited = true;
                let value = value.map_or(Value::Undefined, |value| self.expr(here, value));
                self.awaited = false;
                if self.stop.is_some() {
                    return Ends::NEXT;
                }
                if let Some(frame) = self.frames.last_mut() {
                    frame.returns = Some(match frame.returns.take() {
                        Some(before) => before.or(value),
                        None => value,
                    });
                }
                Ends::RETURN
            }
            StmtKind::Throw(value) => {
                if let Some(value) = value {
                    self.expr(here, *value);
                }
                self.fails(module.span(stmt.range));
                Ends::THROW
            }
            StmtKind::If { test, then, otherwise } => {
                self.if_statement(here, *test, *then, *otherwise)
            }
            StmtKind::While { init, test, update, body } => {
                let here = self.inner(here);
                if let Some(init) = init {
                    // Its block is this scope.
                    match &module.stmt(*init).kind {
                        StmtKind::Block(body) => {
                            for &id in body {
                                self.statement(&here, id);
                            }
                        }
                        _ => {
                            self.statement(&here, *init);
                        }
                    }
                }
                let ends = self.branch(|eval| {
                    eval.loops += 1;
                    // What the loop counts is not what it began with.
                    if let (Some(init), Some(_)) = (init, update) {
                        eval.forget_counters(&here, *init);
                    }
                    if let Some(test) = test {
                        eval.expr(&here, *test);
                    }
                    let ends = eval.statement(&here, *body);
                    if let Some(update) = update {
                        eval.expr(&here, *update);
                    }
                    eval.loops -= 1;
                    ends
                });
                self.stop = None;
                let forever = test
                    .is_none_or(|test| matches!(module.expr(test).kind, ExprKind::Bool(true)))
                    && !ends.has(Ends::BREAK);
                let out = ends.without(Ends::BREAK.or(Ends::NEXT));
                if forever { out } else { out.or(Ends::NEXT) }
            }
            StmtKind::ForEach { pattern, over, keys, body } => {
                let over = self.expr(here, *over);
                self.for_each(here, *pattern, &over, *keys, |eval, here| {
                    eval.statement(here, *body)
                })
            }
            StmtKind::Try { body, catches, otherwise, finally } => {
                let index = self.caught.len();
                let in_loop = self.loops > 0;
                let at = catches.first().map_or(stmt.range, |catch| catch.range);
                self.caught.push(Caught {
                    at: module.span(at),
                    ends: Ends::THROW,
                    exit: None,
                    in_loop,
                });
                if !catches.is_empty() {
                    self.tries.push(index);
                }
                let mut ends = self.statement(here, *body);
                if !catches.is_empty() {
                    self.tries.pop();
                    let thrown = ends == Ends::THROW;
                    ends = ends.without(Ends::THROW);
                    let mut caught = Ends::default();
                    for catch in catches {
                        let exits = self.last_exit.take();
                        let one = self.branch(|eval| {
                            let here = eval.inner(here);
                            if let Some(pattern) = catch.pattern {
                                eval.bind(&here, pattern, Value::Inert, Some(&here.scope));
                            }
                            eval.statement(&here, catch.body)
                        });
                        let exit = self.last_exit.take();
                        if let Some(info) = self.caught.get_mut(index) {
                            info.exit = exit.or(info.exit);
                        }
                        self.last_exit = exits.or(exit);
                        caught = caught.or(one);
                    }
                    if let Some(info) = self.caught.get_mut(index) {
                        info.ends = caught;
                    }
                    ends = if thrown { caught } else { ends.or(caught) };
                }
                if let Some(otherwise) = otherwise
                    && ends.has(Ends::NEXT)
                {
                    ends = ends.or(self.statement(here, *otherwise));
                }
                if let Some(finally) = finally {
                    let last = self.statement(here, *finally);
                    ends = if last.has(Ends::NEXT) { ends } else { last };
                }
                ends
            }
            StmtKind::Switch { subject, cases } => {
                let subject = self.expr(here, *subject);
                let here = self.inner(here);
                let mut ends = Ends::default();
                let mut default = false;
                let mut open = true;
                for (test, body) in cases {
                    let certain = match test {
                        Some(test) => {
                            let test = self.expr(&here, *test);
                            equal(&subject, &test)
                        }
                        None => {
                            default = true;
                            None
                        }
                    };
                    if certain == Some(false) || !open {
                        continue;
                    }
                    let one = self.branch(|eval| eval.statements(&here, body));
                    ends = ends.or(one);
                    if certain == Some(true) && !one.has(Ends::NEXT) {
                        open = false;
                        default = true;
                    }
                }
                let out = ends.without(Ends::BREAK);
                if ends.has(Ends::BREAK) || !default { out.or(Ends::NEXT) } else { out }
            }
            StmtKind::With { items, body } => {
                let here = self.inner(here);
                for (value, pattern) in items {
                    let value = self.expr(&here, *value);
                    if let Some(pattern) = pattern {
                        self.bind(&here, *pattern, value, Some(&here.scope));
                    }
                }
                self.statement(&here, *body)
            }
            StmtKind::Block(body) => {
                let here = self.inner(here);
                self.statements(&here, body)
            }
            StmtKind::Function(function) => {
                // Again where it stands: the scope may be another round's.
                if here
                    .module
                    .function(*function)
                    .name
                    .as_ref()
                    .is_none_or(|name| !here.scope.names.borrow().contains_key(&**name))
                {
                    self.declare_function(here, *function);
                }
                Ends::NEXT
            }
            StmtKind::Class(class) => {
                let value = self.class(here, *class);
                if let Some(name) = &module.class(*class).name {
                    here.scope.declare(name, value);
                }
                Ends::NEXT
            }
            StmtKind::Import(index) => {
                if let Some(import) = module.imports.get(*index as usize)
                    && !import.type_only
                {
                    let at = module.span(import.range);
                    let of = self.import(module.file, &import.specifier.text, at);
                    for binding in &import.bindings {
                        let value = self.imported(&of, &binding.what);
                        here.scope.declare(&binding.local, value);
                    }
                }
                Ends::NEXT
            }
            StmtKind::Break | StmtKind::Continue => Ends::BREAK,
            StmtKind::Empty => Ends::NEXT,
        }
    }

    fn forget_counters(&mut self, here: &Here, init: StmtId) {
        let module = Arc::clone(&here.module);
        let ids: Vec<StmtId> = match &module.stmt(init).kind {
            StmtKind::Block(body) => body.clone(),
            _ => vec![init],
        };
        for id in ids {
            if let StmtKind::Let { pattern, .. } = &module.stmt(id).kind {
                self.bind(here, *pattern, Value::Unknown, Some(&here.scope));
            }
        }
    }

    fn if_statement(
        &mut self,
        here: &Here,
        test: ExprId,
        then: StmtId,
        otherwise: Option<StmtId>,
    ) -> Ends {
        let value = self.expr(here, test);
        if self.stop.is_some() {
            return Ends::NEXT;
        }
        match value.truth() {
            Some(true) => self.statement(here, then),
            Some(false) => otherwise.map_or(Ends::NEXT, |other| self.statement(here, other)),
            None => {
                let ends = self.branch(|eval| eval.statement(here, then));
                // `if (!process.env.X) throw`: it is required.
                if value.unset().truth() == Some(true) && ends.only(Ends::THROW.or(Ends::FAIL)) {
                    self.facts.require(&value.names());
                }
                // `if (!x) return`: from here on, there is something.
                if !ends.has(Ends::NEXT) {
                    self.narrow(here, test);
                }
                let other = match otherwise {
                    Some(other) => self.branch(|eval| eval.statement(here, other)),
                    None => Ends::NEXT,
                };
                ends.or(other)
            }
        }
    }

    /// After `if (!name) return`, the name is something.
    fn narrow(&mut self, here: &Here, test: ExprId) {
        let module = Arc::clone(&here.module);
        let ExprKind::Unary { op: UnaryOp::Not, operand } = &module.expr(test).kind else { return };
        if let ExprKind::Name(name) = &module.expr(*operand).kind
            && let Some((scope, Value::Any(all))) = here.scope.find(name)
            && scope.branch == self.branch
        {
            let some: Vec<Value> =
                all.iter().filter(|value| value.truth() != Some(false)).cloned().collect();
            let mut some = some.into_iter();
            if let Some(first) = some.next() {
                scope.declare(name, some.fold(first, Value::or));
            }
        }
    }

    fn for_each(
        &mut self,
        here: &Here,
        pattern: PatternId,
        over: &Value,
        keys: bool,
        mut go: impl FnMut(&mut Self, &Here) -> Ends,
    ) -> Ends {
        let rounds: Option<Vec<Value>> = match over {
            Value::Object(id) => {
                let object = &self.heap[id.0];
                match &object.items {
                    _ if object.open => None,
                    Some(_) if keys => None,
                    Some(items) if items.len() <= MAX_ROUNDS => Some(items.clone()),
                    None if keys => {
                        Some(object.props.keys().map(|k| Value::Text(Rc::clone(k))).collect())
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        self.loops += 1;
        let mut all = Ends::default();
        match rounds {
            Some(rounds) => {
                for value in rounds {
                    let inner = self.inner(here);
                    self.bind(&inner, pattern, value, Some(&inner.scope));
                    all = all.or(go(self, &inner));
                    if !all.has(Ends::NEXT) && !all.has(Ends::BREAK) {
                        break;
                    }
                }
            }
            None => {
                all = self.branch(|eval| {
                    let inner = eval.inner(here);
                    let value =
                        if matches!(over, Value::Inert) { Value::Inert } else { Value::Unknown };
                    eval.bind(&inner, pattern, value, Some(&inner.scope));
                    go(eval, &inner)
                });
            }
        }
        self.loops -= 1;
        all.without(Ends::BREAK).or(Ends::NEXT)
    }

    fn name_of(&self, module: &Module, pattern: PatternId) -> Option<Rc<str>> {
        match &module.pattern(pattern).kind {
            PatternKind::Name(name) => Some((&**name).into()),
            PatternKind::Target(target) => match &module.expr(*target).kind {
                ExprKind::Member { name, .. } => Some((&**name).into()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Binds a value: to new names in `scope`, or by assignment.
    fn bind(&mut self, here: &Here, pattern: PatternId, value: Value, scope: Option<&Rc<Scope>>) {
        let module = Arc::clone(&here.module);
        match &module.pattern(pattern).kind {
            PatternKind::Name(name) => match scope {
                Some(scope) => scope.declare(name, value),
                None => self.assign(here, name, value),
            },
            PatternKind::Fields { fields, rest } => {
                for (key, pattern) in fields {
                    let Some(name) = self.key(here, key) else { continue };
                    let at = Some(module.span(module.pattern(*pattern).range));
                    let field = self.member(&value, &name, at);
                    self.bind(here, *pattern, field, scope);
                }
                if let Some(rest) = rest {
                    let rest_value =
                        if matches!(value, Value::Unknown) { Value::Unknown } else { value };
                    self.bind(here, *rest, rest_value, scope);
                }
            }
            PatternKind::Elements { elements, rest } => {
                let items = self.items(&value);
                for (index, pattern) in elements.iter().enumerate() {
                    let Some(pattern) = pattern else { continue };
                    let item = match &items {
                        Some(items) => items.get(index).cloned().unwrap_or(Value::Undefined),
                        None if matches!(value, Value::Inert) => Value::Inert,
                        None => Value::Unknown,
                    };
                    self.bind(here, *pattern, item, scope);
                }
                if let Some(rest) = rest {
                    let left = match items {
                        Some(items) => {
                            let left = items.get(elements.len()..).unwrap_or_default().to_vec();
                            self.list(left)
                        }
                        None => Value::Unknown,
                    };
                    self.bind(here, *rest, left, scope);
                }
            }
            PatternKind::Default { pattern, value: default } => {
                let value = match value {
                    Value::Undefined => self.expr(here, *default),
                    Value::Env(_) => {
                        let default = self.expr(here, *default);
                        self.facts.defaults(&value, &default);
                        match value.unset() {
                            Value::Undefined => value.depends(default),
                            _ => value,
                        }
                    }
                    Value::Unknown | Value::Any(_) => {
                        let default = self.branch(|eval| eval.expr(here, *default));
                        value.or(default)
                    }
                    value => value,
                };
                self.bind(here, *pattern, value, scope);
            }
            PatternKind::Target(target) => match &module.expr(*target).kind {
                ExprKind::Member { object, name, .. } => {
                    let object = self.expr(here, *object);
                    self.set(&object, name, value);
                }
                ExprKind::Index { object, index } => {
                    let object = self.expr(here, *object);
                    let index = self.expr(here, *index);
                    match index.as_text() {
                        Some(name) => self.set(&object, &name, value),
                        None => {
                            for one in object.each() {
                                if let Value::Object(id) = one {
                                    self.heap[id.0].open = true;
                                }
                            }
                        }
                    }
                }
                _ => {}
            },
        }
    }

    fn assign(&mut self, here: &Here, name: &str, value: Value) {
        match here.scope.find(name) {
            Some((scope, old)) => {
                let value = if self.branch > scope.branch { old.or(value) } else { value };
                scope.declare(name, value);
            }
            None => {
                let mut top = Rc::clone(&here.scope);
                while let Some(parent) = top.parent.clone() {
                    top = parent;
                }
                top.declare(name, value);
            }
        }
    }

    fn key(&mut self, here: &Here, key: &Key) -> Option<Rc<str>> {
        match key {
            Key::Fixed(name) => Some((&**name).into()),
            Key::Computed(value) => self.expr(here, *value).as_text(),
        }
    }

    // ---- expressions ----

    pub(super) fn expr(&mut self, here: &Here, id: ExprId) -> Value {
        let awaited = std::mem::take(&mut self.awaited);
        let module = Arc::clone(&here.module);
        let expr = module.expr(id);
        let at = module.span(expr.range);
        if self.fuel == 0 || self.depth > MAX_DEPTH {
            self.exhausted(at);
            return Value::Unknown;
        }
        self.fuel -= 1;
        if let Some(call) = self.calls.last() {
            *self.spent.entry(*call).or_default() += 1;
        }
        self.depth += 1;
        let value = self.any_expr(here, &module, &expr.kind, at, awaited);
        self.depth -= 1;
        value
    }

    /// The program is larger than what is followed.
    fn exhausted(&mut self, at: Span) {
        match self.phase {
            Phase::Request => self.answering.too_large = true,
            Phase::Signal(index) => {
                if let Some(handler) = self.facts.handlers.get_mut(index) {
                    handler.unknown = Some((Why::TooLarge, at));
                }
            }
            _ if self.facts.gaps.iter().any(|gap| gap.why == Why::TooLarge) => {}
            _ => self.gap(Why::TooLarge, at, Hides::Anything),
        }
    }

    fn any_expr(
        &mut self,
        here: &Here,
        module: &Arc<Module>,
        kind: &ExprKind,
        at: Span,
        awaited: bool,
    ) -> Value {
        match kind {
            ExprKind::Text(text) => Value::text(text),
            ExprKind::Number(number) => Value::Number(*number),
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::Null => Value::Null,
            ExprKind::Regex(_) => Value::Regex,
            ExprKind::Template(parts) => self.template(here, parts),
            ExprKind::Name(name) => self.name(here, name),
            ExprKind::This => here.this.clone(),
            ExprKind::Super => Value::Unknown,
            ExprKind::Member { object, name, .. } => {
                if matches!(module.expr(*object).kind, ExprKind::Super) {
                    return self.super_member(here, name);
                }
                let of = self.expr(here, *object);
                self.member(&of, name, Some(at))
            }
            ExprKind::Index { object, index } => {
                let of = self.expr(here, *object);
                let index = self.expr(here, *index);
                self.index(&of, &index, at)
            }
            ExprKind::Call { callee, args, new } => {
                self.call(here, *callee, args, *new, at, awaited)
            }
            ExprKind::Function(function) => Value::Function(Rc::new(self.closure(here, *function))),
            ExprKind::Class(class) => self.class(here, *class),
            ExprKind::Object(entries) => self.literal(here, entries),
            ExprKind::List(items) => {
                let hint = self.hint.take();
                let args = self.arguments(here, items);
                self.hint = hint;
                let open = args.open;
                let list = self.list(args.list);
                if let Value::Object(id) = list {
                    self.heap[id.0].open = open;
                }
                list
            }
            ExprKind::Unary { op, operand } => {
                let value = self.expr(here, *operand);
                unary(*op, &value)
            }
            ExprKind::Binary { op, left, right } => {
                let left = self.expr(here, *left);
                let right = self.expr(here, *right);
                self.binary(*op, &left, &right)
            }
            ExprKind::Logical { op, left, right } => {
                let left = self.expr(here, *left);
                self.logical(*op, left, |eval| eval.expr(here, *right))
            }
            ExprKind::Conditional { test, then, otherwise } => {
                let test = self.expr(here, *test);
                self.choose(
                    &test,
                    |eval| eval.expr(here, *then),
                    |eval| eval.expr(here, *otherwise),
                )
            }
            ExprKind::Assign { target, value, with } => {
                self.hint = self.name_of(module, *target);
                let value = match with {
                    Joined::Replaces => self.expr(here, *value),
                    Joined::Binary(op) => {
                        let old = self.target_value(here, *target);
                        let value = self.expr(here, *value);
                        self.binary(*op, &old, &value)
                    }
                    Joined::Logical(op) => {
                        let old = self.target_value(here, *target);
                        self.logical(*op, old, |eval| eval.expr(here, *value))
                    }
                };
                self.hint = None;
                self.bind(here, *target, value.clone(), None);
                value
            }
            ExprKind::Await(value) => {
                self.awaited = true;
                let value = self.expr(here, *value);
                self.awaited = false;
                if self.phase == Phase::Start {
                    self.after_await = true;
                }
                if matches!(value, Value::Inert | Value::Unknown) {
                    self.ask(at);
                }
                value
            }
            ExprKind::Yield(value) => {
                if let Some(value) = value {
                    self.expr(here, *value);
                }
                Value::Unknown
            }
            ExprKind::Import { specifier, required } => {
                let specifier = self.expr(here, *specifier);
                match &specifier {
                    Value::Text(text) => {
                        let value = self.import(module.file, text, at);
                        match value {
                            Value::Namespace(file) if *required => {
                                self.commonjs(file).unwrap_or(Value::Namespace(file))
                            }
                            value => value,
                        }
                    }
                    _ => {
                        self.gap(Why::Dynamic, at, Hides::Anything);
                        Value::Unknown
                    }
                }
            }
            ExprKind::Sequence(all) => {
                all.iter().fold(Value::Undefined, |_, one| self.expr(here, *one))
            }
            ExprKind::Comprehension { element, over, tests } => {
                let inner = self.inner(here);
                self.branch(|eval| {
                    for (pattern, over) in over {
                        let over = eval.expr(&inner, *over);
                        let one = match eval.items(&over).as_deref() {
                            Some([one]) => one.clone(),
                            _ => Value::Unknown,
                        };
                        eval.bind(&inner, *pattern, one, Some(&inner.scope));
                    }
                    for test in tests {
                        eval.expr(&inner, *test);
                    }
                    eval.expr(&inner, *element);
                });
                Value::Unknown
            }
            ExprKind::Opaque(inside) => {
                for one in inside {
                    self.branch(|eval| eval.expr(here, *one));
                }
                Value::Inert
            }
        }
    }

    fn super_member(&mut self, here: &Here, name: &str) -> Value {
        let Some(home) = here.home.clone() else { return Value::Unknown };
        match &home.base {
            Value::Class(base) => match method(base, name, false) {
                Some((closure, _)) => Value::Bound(Rc::new((here.this.clone(), closure))),
                None => Value::Inert,
            },
            Value::External(_) | Value::Inert => Value::Inert,
            _ => Value::Unknown,
        }
    }

    fn target_value(&mut self, here: &Here, pattern: PatternId) -> Value {
        match &here.module.pattern(pattern).kind {
            PatternKind::Name(name) => self.name(here, &name.clone()),
            PatternKind::Target(target) => self.expr(here, *target),
            _ => Value::Unknown,
        }
    }

    pub(super) fn name(&mut self, here: &Here, name: &str) -> Value {
        match here.scope.find(name) {
            Some((_, value)) => self.live(value, 0),
            None => match name {
                "undefined" => Value::Undefined,
                "NaN" | "Infinity" => Value::Unknown,
                "globalThis" | "global" => Value::external(":global", &[]),
                name => Value::external(":global", &[name]),
            },
        }
    }

    fn template(&mut self, here: &Here, parts: &[Part]) -> Value {
        let mut text = Some(String::new());
        let mut on: Option<Value> = None;
        for part in parts {
            match part {
                Part::Text(part) => {
                    if let Some(text) = &mut text {
                        text.push_str(part);
                    }
                }
                Part::Value(value) => {
                    let value = self.expr(here, *value);
                    match (value.unset().as_text(), &mut text) {
                        (Some(part), Some(text)) => text.push_str(&part),
                        _ => text = None,
                    }
                    if matches!(value, Value::Env(_)) {
                        on = Some(match on {
                            Some(before) => before.depends(value),
                            None => value,
                        });
                    }
                }
            }
        }
        let value = text.map_or(Value::Unknown, |text| Value::text(&text));
        match on {
            Some(on) => on.depends(value),
            None => value,
        }
    }

    fn index(&mut self, of: &Value, index: &Value, at: Span) -> Value {
        if let Value::Any(all) = index {
            let mut found: Option<Value> = None;
            for one in all.iter() {
                let value = self.index(of, one, at);
                found = Some(match found {
                    Some(before) => before.or(value),
                    None => value,
                });
            }
            return found.unwrap_or(Value::Unknown);
        }
        if let (Value::Object(id), Value::Number(number)) = (of, index)
            && let Some(items) = &self.heap[id.0].items
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an index"
            )]
            return items.get(*number as usize).cloned().unwrap_or(Value::Undefined);
        }
        if let Value::Env(_) = index {
            let value = self.index(of, &index.unset().clone(), at);
            return if value.is_plain() { index.depends(value) } else { self.any_of(of) };
        }
        match index.as_text() {
            Some(name) => self.member(of, &name, Some(at)),
            None if matches!(of, Value::Inert) => Value::Inert,
            None => self.any_of(of),
        }
    }

    /// Any property of an object.
    fn any_of(&self, of: &Value) -> Value {
        match of {
            Value::Object(id) => {
                let object = &self.heap[id.0];
                let all = object.props.values().chain(object.items.iter().flatten());
                all.take(16).cloned().fold(Value::Unknown, Value::or)
            }
            _ => Value::Unknown,
        }
    }

    fn literal(&mut self, here: &Here, entries: &[Entry]) -> Value {
        let hint = self.hint.take();
        let mut object = Object { branch: self.branch, ..Object::default() };
        for entry in entries {
            match entry {
                Entry::Pair { key, value, .. } => {
                    let name = self.key(here, key);
                    self.hint.clone_from(&name);
                    let place = here.module.span(here.module.expr(*value).range);
                    let value = self.expr(here, *value);
                    self.hint = None;
                    let value = placed(name.as_deref(), value, || place);
                    match name {
                        Some(name) => {
                            object.props.insert(name, value);
                        }
                        None => object.open = true,
                    }
                }
                Entry::Getter { key, function } => match self.key(here, key) {
                    Some(name) => {
                        object.getters.insert(name, Rc::new(self.closure(here, *function)));
                    }
                    None => object.open = true,
                },
                Entry::Spread(value) => {
                    let value = self.expr(here, *value);
                    self.spread_into(&mut object, &value);
                }
            }
        }
        self.hint = hint;
        Value::Object(self.object(object))
    }

    pub(super) fn spread_into(&mut self, object: &mut Object, value: &Value) {
        match value {
            Value::Object(id) => {
                let other = &self.heap[id.0];
                object.open |= other.open;
                for (name, value) in &other.props {
                    object.props.insert(Rc::clone(name), value.clone());
                }
            }
            Value::Undefined | Value::Null | Value::Bool(_) => {}
            Value::Any(all) => {
                for one in all.iter() {
                    if let Value::Object(id) = one {
                        for (name, value) in &self.heap[id.0].props {
                            let old = object.props.get(name).cloned().unwrap_or(Value::Undefined);
                            object.props.insert(Rc::clone(name), old.or(value.clone()));
                        }
                    } else if !matches!(one, Value::Undefined | Value::Null | Value::Bool(_)) {
                        object.open = true;
                    }
                }
            }
            Value::Namespace(file) => {
                let names: Vec<Box<str>> = self
                    .modules
                    .get(file)
                    .map(|l| l.module.exports.iter().map(|e| e.name.clone()).collect())
                    .unwrap_or_default();
                for name in names {
                    object.props.insert((&*name).into(), Value::Live(*file, (&*name).into()));
                }
            }
            _ => object.open = true,
        }
    }

    pub(super) fn arguments(&mut self, here: &Here, args: &[Argument]) -> Args {
        let mut made = Args::default();
        for arg in args {
            let value = self.expr(here, arg.value);
            match (&arg.name, arg.spread) {
                (Some(name), _) => made.named.push((name.clone(), value)),
                (None, Spread::No) => made.list.push(value),
                (None, Spread::Elements) => match self.items(&value) {
                    Some(items) => made.list.extend(items),
                    None => made.open = true,
                },
                (None, Spread::Keywords) => made.open = true,
            }
        }
        made
    }

    pub(super) fn choose(
        &mut self,
        test: &Value,
        then: impl FnOnce(&mut Self) -> Value,
        otherwise: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        match test.truth() {
            Some(true) => then(self),
            Some(false) => otherwise(self),
            None => {
                let then = self.maybe_stop(then);
                let otherwise = self.maybe_stop(otherwise);
                if matches!(test, Value::Env(_)) && then.is_plain() && otherwise.is_plain() {
                    match test.unset().truth() {
                        Some(true) => return test.depends(then),
                        Some(false) => {
                            return test.depends(then.depends(otherwise));
                        }
                        None => {}
                    }
                }
                then.or(otherwise)
            }
        }
    }

    /// What happens on some way only: that it ends there is no end of everything.
    fn maybe_stop(&mut self, go: impl FnOnce(&mut Self) -> Value) -> Value {
        let before = self.stop.take();
        let value = self.branch(go);
        if let Some(stop) = self.stop.take() {
            self.maybe = self.maybe.or(stop);
        }
        self.stop = before;
        value
    }

    pub(super) fn logical(
        &mut self,
        op: LogicalOp,
        left: Value,
        right: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let takes_right = match op {
            LogicalOp::And => left.truth(),
            LogicalOp::Or => left.truth().map(|truth| !truth),
            LogicalOp::Coalesce => match &left {
                Value::Undefined | Value::Null => Some(true),
                Value::Unknown | Value::Inert | Value::Env(_) | Value::Any(_) => None,
                _ => Some(false),
            },
        };
        match takes_right {
            Some(true) => right(self),
            Some(false) => left,
            None => {
                let right = self.maybe_stop(right);
                if let Value::Env(env) = &left {
                    if op != LogicalOp::And {
                        self.facts.defaults(&left, &right);
                    }
                    let unset = env.unset.clone();
                    let settled = match op {
                        LogicalOp::And => unset.truth() == Some(false),
                        LogicalOp::Or => unset.truth() == Some(true),
                        LogicalOp::Coalesce => !matches!(unset, Value::Undefined | Value::Null),
                    };
                    if right.is_plain() || matches!(right, Value::Unknown) {
                        return if settled { left.depends(unset) } else { left.depends(right) };
                    }
                }
                match op {
                    // What is left of `a || b` is true.
                    LogicalOp::Or | LogicalOp::Coalesce => {
                        let mut some =
                            left.each().iter().filter(|v| v.truth() != Some(false)).cloned();
                        match some.next() {
                            Some(first) => some.fold(first, Value::or).or(right),
                            None => right,
                        }
                    }
                    LogicalOp::And => left.or(right),
                }
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &Value, right: &Value) -> Value {
        if matches!(left, Value::Env(_)) || matches!(right, Value::Env(_)) {
            let value = self.binary(op, &left.unset().clone(), &right.unset().clone());
            let value = if value.is_plain() { value } else { Value::Unknown };
            return left.depends(right.depends(value));
        }
        match op {
            BinaryOp::Equal => equal(left, right).map_or(Value::Unknown, Value::Bool),
            BinaryOp::NotEqual => equal(left, right).map_or(Value::Unknown, |is| Value::Bool(!is)),
            BinaryOp::Add => match (left, right) {
                (Value::Number(a), Value::Number(b)) => Value::Number(a + b),
                (Value::Text(_), _) | (_, Value::Text(_)) => {
                    match (left.as_text(), right.as_text()) {
                        (Some(a), Some(b)) => Value::text(&format!("{a}{b}")),
                        _ => Value::Unknown,
                    }
                }
                _ => Value::Unknown,
            },
            BinaryOp::InstanceOf => Value::Unknown,
            _ => match (left, right) {
                (Value::Number(a), Value::Number(b)) => match op {
                    BinaryOp::Subtract => Value::Number(a - b),
                    BinaryOp::Multiply => Value::Number(a * b),
                    BinaryOp::Divide => Value::Number(a / b),
                    BinaryOp::Less => Value::Bool(a < b),
                    BinaryOp::LessEqual => Value::Bool(a <= b),
                    BinaryOp::Greater => Value::Bool(a > b),
                    BinaryOp::GreaterEqual => Value::Bool(a >= b),
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            },
        }
    }

    // ---- classes ----

    fn class(&mut self, here: &Here, id: ClassId) -> Value {
        let module = Arc::clone(&here.module);
        let class = module.class(id);
        let base = match class.bases.first() {
            Some(base) => self.expr(here, base.value),
            None => Value::Undefined,
        };
        let statics = self.object(Object { branch: self.branch, ..Object::default() });
        let scope = Scope::new(Some(Rc::clone(&here.scope)), false, self.branch);
        let value = Rc::new(ClassValue {
            module: Arc::clone(&module),
            class: id,
            scope: Rc::clone(&scope),
            base,
            statics,
        });
        if let Some(name) = &class.name {
            scope.declare(name, Value::Class(Rc::clone(&value)));
        }
        let this = Value::Class(Rc::clone(&value));
        let here = Here {
            module: Arc::clone(&module),
            scope,
            this: this.clone(),
            home: Some(Rc::clone(&value)),
        };
        for member in class.members.iter().filter(|member| member.is_static) {
            match member.kind {
                MemberKind::Field(init) => {
                    let Some(name) = self.key(&here, &member.key) else { continue };
                    self.hint = Some(Rc::clone(&name));
                    let init = init.map_or(Value::Undefined, |init| self.expr(&here, init));
                    self.hint = None;
                    self.heap[statics.0].props.insert(name, init);
                }
                MemberKind::Block(block) => {
                    self.statement(&here, block);
                }
                _ => {}
            }
        }
        this
    }

    /// `new Class(…)`.
    pub(super) fn construct(
        &mut self,
        class: &Rc<ClassValue>,
        args: Args,
        at: Option<Span>,
    ) -> Value {
        let branch = self.branch;
        let made =
            self.object(Object { class: Some(Rc::clone(class)), branch, ..Object::default() });
        let this = Value::Object(made);
        self.initialise(class, &this, args, at, 0);
        this
    }

    fn initialise(
        &mut self,
        class: &Rc<ClassValue>,
        this: &Value,
        args: Args,
        at: Option<Span>,
        depth: usize,
    ) {
        if depth > 16 {
            return;
        }
        let module = Arc::clone(&class.module);
        let node = module.class(class.class);
        let constructor = node.members.iter().find_map(|member| match (&member.key, member.kind) {
            (Key::Fixed(name), MemberKind::Method(function))
                if matches!(&**name, "constructor" | "__init__") && !member.is_static =>
            {
                Some(function)
            }
            _ => None,
        });
        // Without `super(…)` being met, the base's fields come first all the same.
        let base = class.base.clone();
        if let Value::Class(base) = &base
            && constructor.is_none()
        {
            self.initialise(base, this, args.clone(), at, depth + 1);
        }
        let here = Here {
            module: Arc::clone(&module),
            scope: Rc::clone(&class.scope),
            this: this.clone(),
            home: Some(Rc::clone(class)),
        };
        for member in node.members.iter().filter(|member| !member.is_static) {
            if let MemberKind::Field(init) = member.kind
                && let Some(name) = self.key(&here, &member.key)
            {
                self.hint = Some(Rc::clone(&name));
                let value = init.map_or(Value::Undefined, |init| self.expr(&here, init));
                self.hint = None;
                if init.is_some() || self.heap_prop(this, &name).is_none() {
                    self.set(this, &name, value);
                }
            }
        }
        if let Some(function) = constructor {
            let closure = Closure {
                module: Arc::clone(&module),
                function,
                scope: Rc::clone(&class.scope),
                this: this.clone(),
                home: Some(Rc::clone(class)),
            };
            self.invoke(&closure, this.clone(), args, at);
        }
    }

    // ---- calls ----

    fn call(
        &mut self,
        here: &Here,
        callee: ExprId,
        args: &[Argument],
        new: bool,
        at: Span,
        awaited: bool,
    ) -> Value {
        let module = Arc::clone(&here.module);
        let hint = self.hint.take();
        let (of, function) = match &module.expr(callee).kind {
            ExprKind::Super => {
                let args = self.arguments(here, args);
                if let Some(home) = here.home.clone()
                    && let Value::Class(base) = &home.base
                {
                    self.initialise(base, &here.this.clone(), args, Some(at), 0);
                }
                return Value::Undefined;
            }
            ExprKind::Member { object, name, .. }
                if !matches!(module.expr(*object).kind, ExprKind::Super) =>
            {
                if matches!(&**name, "catch" | "then" | "finally") && !args.is_empty() {
                    return self.promise(here, *object, name, args, at, awaited);
                }
                let of = self.expr(here, *object);
                let value = self.language(here, &of, name, args, at);
                if let Some(value) = value {
                    return value;
                }
                let function = self.member(&of, name, Some(at));
                (Some((of, name.clone())), function)
            }
            _ => (None, self.expr(here, callee)),
        };
        let args = self.arguments(here, args);
        self.hint = hint;
        self.awaited = awaited;
        let value = self.call_any(&function, of.as_ref(), &args, new, at);
        self.awaited = false;
        self.hint = None;
        value
    }

    /// `x.then(…)`, `x.catch(…)`: the functions run after x; the latter where it fails.
    fn promise(
        &mut self,
        here: &Here,
        object: ExprId,
        name: &str,
        args: &[Argument],
        at: Span,
        awaited: bool,
    ) -> Value {
        let index = self.caught.len();
        let catches = name == "catch" || (name == "then" && args.len() > 1);
        if catches {
            let in_loop = self.loops > 0;
            self.caught.push(Caught { at, ends: Ends::NEXT, exit: None, in_loop });
            self.pending.push(index);
        }
        self.awaited = awaited;
        let pending = self.pending.len();
        let of = self.expr(here, object);
        self.awaited = false;
        if catches {
            self.pending.truncate(pending);
            self.pending.pop();
        }
        if matches!(of, Value::Object(_) | Value::Class(_)) && self.language_then(&of) {
            return Value::Unknown;
        }
        let args = self.arguments(here, args);
        let after = self.after_await;
        if self.phase == Phase::Start {
            self.after_await = true;
        }
        let mut value = of.clone();
        if name != "catch" && self.stop.is_none() {
            let then = args.get(0);
            if !matches!(then, Value::Undefined | Value::Null) {
                if catches {
                    self.pending.push(index);
                }
                let given = if name == "then" { vec![of.clone()] } else { Vec::new() };
                let result = self.call_value(&then, Args::of(given), Some(at));
                if name == "then" {
                    value = result;
                }
                if catches {
                    self.pending.pop();
                }
            }
        }
        if catches {
            let handler = args.get(usize::from(name == "then"));
            let stop = self.stop.take();
            let exits = self.last_exit.take();
            let before = std::mem::take(&mut self.maybe);
            self.branch(|eval| {
                let caught = Args::of(vec![Value::Inert]);
                eval.call_value(&handler, caught, Some(at));
            });
            let mut ends = self.maybe;
            match self.stop.take() {
                Some(stop) => ends = ends.or(stop),
                None => ends = ends.or(Ends::NEXT),
            }
            self.maybe = before;
            if let Some(info) = self.caught.get_mut(index) {
                info.ends = ends;
                info.exit = self.last_exit;
            }
            self.last_exit = exits.or(self.last_exit);
            self.stop = stop.filter(|stop| !stop.only(Ends::THROW));
        }
        if !awaited {
            self.after_await = after;
        }
        value
    }

    /// Whether an object has a `then` or `catch` of its own: it is no promise.
    fn language_then(&self, _of: &Value) -> bool {
        false
    }

    /// Calls a value with values.
    pub(super) fn call_value(&mut self, function: &Value, args: Args, at: Option<Span>) -> Value {
        let at = at.or(self.via).unwrap_or(Span::new(FileId(0), TextRange::new(0, 0)));
        self.call_any(function, None, &args, false, at)
    }

    pub(super) fn call_any(
        &mut self,
        function: &Value,
        of: Option<&(Value, Box<str>)>,
        args: &Args,
        new: bool,
        at: Span,
    ) -> Value {
        match function {
            Value::Function(closure) => {
                let closure = Rc::clone(closure);
                let this = match of {
                    Some((of, _)) if !new => of.clone(),
                    _ if new => Value::Object(
                        self.object(Object { branch: self.branch, ..Object::default() }),
                    ),
                    _ => Value::Undefined,
                };
                let value = self.invoke(&closure, this.clone(), args.clone(), Some(at));
                if new && matches!(value, Value::Undefined) { this } else { value }
            }
            Value::Bound(bound) => {
                let bound = Rc::clone(bound);
                self.invoke(&bound.1, bound.0.clone(), args.clone(), Some(at))
            }
            Value::Class(class) => {
                let class = Rc::clone(class);
                self.construct(&class, args.clone(), Some(at))
            }
            Value::Any(all) => {
                let some: Vec<Value> = all
                    .iter()
                    .filter(|v| !matches!(v, Value::Null | Value::Undefined | Value::Bool(_)))
                    .cloned()
                    .collect();
                let mut made: Option<Value> = None;
                let several = some.len() > 1;
                for one in some {
                    let go = |eval: &mut Self| eval.call_any(&one, of, args, new, at);
                    let value = if several { self.maybe_stop(go) } else { go(self) };
                    made = Some(match made {
                        Some(before) => before.or(value),
                        None => value,
                    });
                }
                made.unwrap_or(Value::Unknown)
            }
            Value::External(path) => {
                let path = Rc::clone(path);
                self.call_external(&path, args, new, at)
            }
            Value::HostMethod(host, name) => {
                let name = Rc::clone(name);
                self.call_host(*host, &name, args, at)
            }
            Value::Host(host) => self.call_host(*host, "", args, at),
            Value::Live(file, name) => {
                let value = self.export(*file, name, 0).unwrap_or(Value::Undefined);
                if matches!(value, Value::Live(..)) {
                    return Value::Unknown;
                }
                self.call_any(&value, of, args, new, at)
            }
            Value::Inert => {
                self.hands_over(args, at);
                Value::Inert
            }
            _ => {
                if !of.is_some_and(|(_, name)| is_of_language(name)) {
                    self.unknown_call(at);
                }
                self.leave_for_later(args);
                Value::Unknown
            }
        }
    }

    /// What a package is handed, it may use: functions some time, a reply to answer.
    pub(super) fn hands_over(&mut self, args: &Args, at: Span) {
        let is_reply = |value: &Value| match value {
            Value::Host(id) => matches!(self.hosts[id.0].kind, super::host::Kind::Reply),
            _ => false,
        };
        if self.phase == Phase::Request && args.list.iter().any(is_reply) {
            self.answering.unknown.get_or_insert(at);
        }
        self.leave_for_later(args);
    }

    /// Functions that are handed to what is not followed may be called some time.
    pub(super) fn leave_for_later(&mut self, args: &Args) {
        if self.phase == Phase::Request {
            return;
        }
        for value in args.list.iter().chain(args.named.iter().map(|(_, value)| value)) {
            self.later(value, 0);
        }
    }

    fn later(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Function(_) | Value::Bound(_) => {
                let via = self.via;
                self.queue.push_back(Deferred { function: value.clone(), via });
            }
            Value::Object(id) if depth < 2 && self.heap[id.0].class.is_none() => {
                let object = &self.heap[id.0];
                let inside: Vec<Value> = object
                    .props
                    .values()
                    .chain(object.items.iter().flatten())
                    .filter(|v| matches!(v, Value::Function(_) | Value::Object(_)))
                    .take(32)
                    .cloned()
                    .collect();
                for value in inside {
                    self.later(&value, depth + 1);
                }
            }
            _ => {}
        }
    }

    pub(super) fn invoke(
        &mut self,
        closure: &Closure,
        this: Value,
        args: Args,
        at: Option<Span>,
    ) -> Value {
        let awaited = std::mem::take(&mut self.awaited);
        let module = Arc::clone(&closure.module);
        let function = module.function(closure.function);
        let key = (module.file, closure.function);
        let again = self.calls.iter().filter(|&&call| call == key).count();
        let spent = self.spent.get(&key).copied().unwrap_or_default();
        if again > 1 || self.calls.len() >= MAX_CALLS || self.fuel == 0 || spent > FUNCTION_FUEL {
            if self.phase == Phase::Request && spent > FUNCTION_FUEL {
                self.answering.too_large = true;
            }
            return Value::Unknown;
        }
        let _ = at;
        self.calls.push(key);
        let scope = Scope::new(Some(Rc::clone(&closure.scope)), true, self.branch);
        let this = if function.is_arrow { closure.this.clone() } else { this };
        let here = Here {
            module: Arc::clone(&module),
            scope: Rc::clone(&scope),
            this,
            home: closure.home.clone(),
        };
        let hint = self.hint.take();
        let alone = function.is_async && !awaited;
        let pending = std::mem::take(&mut self.pending);
        let tries = self.tries.clone();
        if alone {
            self.tries.clear();
        }
        self.tries.extend(pending.iter().copied());
        let after = self.after_await;
        let loops = std::mem::take(&mut self.loops);
        let maybe = std::mem::take(&mut self.maybe);
        for (index, param) in function.params.iter().enumerate() {
            let value = match param.rest {
                Spread::No => {
                    let named = self.name_of(&module, param.pattern);
                    let named = named
                        .and_then(|name| args.named.iter().find(|(given, _)| **given == *name));
                    named.map_or_else(|| args.get(index), |(_, value)| value.clone())
                }
                _ if args.open => Value::Unknown,
                _ => {
                    let rest = args.list.get(index..).unwrap_or_default().to_vec();
                    self.list(rest)
                }
            };
            self.bind(&here, param.pattern, value.clone(), Some(&scope));
            if param.field
                && let Some(name) = self.name_of(&module, param.pattern)
            {
                self.set(&here.this, &name, value);
            }
        }
        self.frames.push(Frame { returns: None });
        let ends = match &function.body {
            Body::Expr(value) => {
                self.awaited = true;
                let value = self.expr(&here, *value);
                self.awaited = false;
                if let Some(frame) = self.frames.last_mut() {
                    frame.returns = Some(value);
                }
                let ends = self.stop.take().unwrap_or(Ends::RETURN);
                ends.or(self.maybe)
            }
            Body::Block(body) => self.statements(&here, body),
        };
        let frame = self.frames.pop();
        self.maybe = maybe;
        self.loops = loops;
        self.tries = tries;
        self.pending = pending;
        self.hint = hint;
        self.calls.pop();
        if alone {
            self.after_await = after;
        }
        let comes_back = ends.has(Ends::NEXT) || ends.has(Ends::RETURN) || ends.has(Ends::BREAK);
        let mut out = ends.without(Ends::NEXT.or(Ends::RETURN).or(Ends::BREAK));
        if alone {
            // A failure is the promise's.
            out = out.without(Ends::THROW);
            if out.0 != 0 && !comes_back {
                self.stop = Some(out);
            }
        } else if !comes_back {
            self.stop = Some(out);
        }
        self.maybe = self.maybe.or(out);
        let returns = frame.and_then(|frame| frame.returns).unwrap_or(Value::Undefined);
        if function.is_generator { Value::Unknown } else { returns }
    }

    /// How a call of a function ends.
    pub(super) fn ends(&mut self, function: &Value, args: Args) -> Ends {
        let maybe = std::mem::take(&mut self.maybe);
        self.call_value(function, args, None);
        let stop = self.stop.take();
        let ends = self.maybe.or(stop.unwrap_or(Ends::NEXT));
        self.maybe = maybe;
        ends
    }

    /// The process ends.
    pub(super) fn exits(&mut self, code: &Value, at: Span) {
        let code = code.unset().as_number().map_or(
            if matches!(code, Value::Undefined) { Some(0) } else { None },
            #[expect(clippy::cast_possible_truncation, reason = "an exit code")]
            |code| Some(code as i32),
        );
        self.last_exit = Some(at);
        self.facts.exit(self.phase, code, at, self.branch);
        self.stop = Some(if code == Some(0) { Ends::EXIT } else { Ends::FAIL });
    }

    // ---- requests ----

    /// A call whose failure shows.
    pub(super) fn ask(&mut self, at: Span) {
        if self.phase == Phase::Request {
            let caught = !self.tries.is_empty();
            self.answering.asks.push((at, caught));
        }
    }

    fn fails(&mut self, at: Span) {
        if self.phase == Phase::Request && self.tries.is_empty() {
            self.answering.fails.get_or_insert(at);
        }
    }

    fn unknown_call(&mut self, at: Span) {
        if self.phase == Phase::Request {
            self.answering.unknown.get_or_insert(at);
        }
        if let Phase::Signal(index) = self.phase {
            self.facts.unknown_in_handler(index, at);
        }
    }

    /// Notes a status that a handler sets.
    pub(super) fn status(&mut self, value: Value, at: Span) {
        if self.phase == Phase::Request {
            let always = self.branch <= self.answering.base;
            self.answering.statuses.push((value, at, always));
        }
    }

    /// Runs a handler for a request, and gives what it does.
    pub(super) fn answer(
        &mut self,
        path: Option<&str>,
        handler: &Value,
        args: Args,
    ) -> (Answering, Value) {
        let before = std::mem::take(&mut self.answering);
        let fuel = std::mem::replace(&mut self.fuel, REQUEST_FUEL);
        self.spent.clear();
        let answered = self.in_phase(Phase::Request, |eval| {
            eval.answering.path = path.map(Into::into);
            eval.answering.base = eval.branch;
            let value = eval.call_value(handler, args, None);
            if eval.stop.take().is_some_and(|stop| stop.has(Ends::THROW)) {
                let at = eval.via.unwrap_or(Span::new(FileId(0), TextRange::new(0, 0)));
                eval.answering.fails.get_or_insert(at);
            }
            value
        });
        self.fuel = fuel;
        (std::mem::replace(&mut self.answering, before), answered)
    }
}

/// Methods of texts, numbers, lists and dates, which only compute.
fn is_of_language(name: &str) -> bool {
    const NAMES: [&str; 57] = [
        "at",
        "charAt",
        "charCodeAt",
        "codePointAt",
        "concat",
        "endsWith",
        "entries",
        "every",
        "fill",
        "filter",
        "find",
        "findIndex",
        "findLast",
        "flat",
        "flatMap",
        "forEach",
        "getTime",
        "has",
        "hasOwnProperty",
        "includes",
        "indexOf",
        "join",
        "keys",
        "lastIndexOf",
        "localeCompare",
        "map",
        "match",
        "matchAll",
        "normalize",
        "padEnd",
        "padStart",
        "pop",
        "push",
        "reduce",
        "repeat",
        "replace",
        "replaceAll",
        "reverse",
        "search",
        "shift",
        "slice",
        "some",
        "sort",
        "splice",
        "split",
        "startsWith",
        "substring",
        "test",
        "toFixed",
        "toISOString",
        "toJSON",
        "toLocaleString",
        "toLowerCase",
        "toString",
        "toUpperCase",
        "trim",
        "values",
    ];
    NAMES.contains(&name)
}

fn unary(op: UnaryOp, value: &Value) -> Value {
    if let Value::Env(_) = value {
        let made = unary(op, value.unset());
        return value.depends(made);
    }
    match op {
        UnaryOp::Not => value.truth().map_or(Value::Unknown, |truth| Value::Bool(!truth)),
        UnaryOp::Minus => value.as_number().map_or(Value::Unknown, |number| Value::Number(-number)),
        UnaryOp::Plus => value.as_number().map_or(Value::Unknown, Value::Number),
        UnaryOp::Typeof => match value {
            Value::Text(_) => Value::text("string"),
            Value::Number(_) => Value::text("number"),
            Value::Undefined => Value::text("undefined"),
            Value::Function(_) | Value::Bound(_) | Value::Class(_) => Value::text("function"),
            _ => Value::Unknown,
        },
        UnaryOp::Void => Value::Undefined,
        UnaryOp::Delete | UnaryOp::Other => Value::Unknown,
    }
}

/// Whether two values are equal; `None` where that depends.
fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => Some(a == b),
        #[expect(clippy::float_cmp, reason = "literals")]
        (Value::Number(a), Value::Number(b)) => Some(a == b),
        (Value::Bool(a), Value::Bool(b)) => Some(a == b),
        (Value::Undefined | Value::Null, Value::Undefined | Value::Null) => Some(true),
        (Value::Undefined | Value::Null, other) | (other, Value::Undefined | Value::Null) => {
            match other {
                Value::Unknown | Value::Inert | Value::Any(_) | Value::Env(_) | Value::Live(..) => {
                    None
                }
                _ => Some(false),
            }
        }
        (
            Value::Text(_) | Value::Number(_) | Value::Bool(_),
            Value::Text(_) | Value::Number(_) | Value::Bool(_),
        ) => Some(left.as_text() == right.as_text()),
        _ => None,
    }
}

/// A method or getter of a class or of those it extends in this program.
fn method(class: &Rc<ClassValue>, name: &str, is_static: bool) -> Option<(Closure, bool)> {
    let mut at = Some(Rc::clone(class));
    let mut left = 16;
    while let Some(class) = at {
        for member in &class.module.class(class.class).members {
            let Key::Fixed(key) = &member.key else { continue };
            if **key != *name || member.is_static != is_static {
                continue;
            }
            let (function, getter) = match member.kind {
                MemberKind::Method(function) => (function, false),
                MemberKind::Getter(function) => (function, true),
                _ => continue,
            };
            let closure = Closure {
                module: Arc::clone(&class.module),
                function,
                scope: Rc::clone(&class.scope),
                this: Value::Undefined,
                home: Some(Rc::clone(&class)),
            };
            return Some((closure, getter));
        }
        left -= 1;
        at = match &class.base {
            Value::Class(base) if left > 0 => Some(Rc::clone(base)),
            _ => None,
        };
    }
    None
}

/// A number that is called a port keeps the place where it is said: the value that depends on no
/// variable.
fn placed(name: Option<&str>, value: Value, at: impl FnOnce() -> Span) -> Value {
    let is_port = name.is_some_and(|name| name.to_ascii_lowercase().ends_with("port"));
    match value {
        Value::Number(_) if is_port => {
            Value::Env(Rc::new(Env { names: Vec::new(), unset: value, at: at() }))
        }
        value => value,
    }
}

/// A variable of the environment as a value.
pub(super) fn variable(name: &str, at: Span) -> Value {
    Value::Env(Rc::new(Env { names: vec![name.to_owned()], unset: Value::Undefined, at }))
}
