//! The program, followed: modules from the entry on, calls into functions, values through names,
//! both branches of what cannot be decided. What a package or the platform does is told by
//! [`super::host`]; everything else is the language.
//!
//! Nothing is run: loops go round once, or over the elements that are known; a function that calls
//! itself is not followed again; all is bounded by fuel. What may have happened on some way only
//! is joined, never chosen.

mod calls;
mod expressions;
mod modules;
mod statements;

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::HashMap;
use plimsoll_source::{FileId, Span, TextRange};
use plimsoll_syntax::program::{
    Argument, BinaryOp, Body, ClassId, Dialect, Entry, Exported, ExprId, ExprKind, FunctionId,
    Imported, Joined, Key, LogicalOp, MemberKind, Module, Part, PatternId, PatternKind,
    Scope as Lives, Spread, StmtId, StmtKind, UnaryOp,
};

use super::facts::{Facts, Order};
use super::graph::{Graph, Target};
use super::host::Host;
use super::value::{Captured, ClassValue, Closure, Env, HostId, Object, ObjectId, Scope, Value};
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
    /// Statuses that it sets where something was caught.
    pub(super) on_failure: Vec<(Value, Span)>,
    /// Calls that may fail, and whether something catches that.
    pub(super) asks: Vec<(Span, bool)>,
    /// Calls that could not be followed.
    pub(super) unknown: Option<Span>,
    /// Places that pass an error on or throw one.
    pub(super) fails: Option<Span>,
    /// It ends in no other way than by throwing.
    pub(super) throws: bool,
    /// Places that answer.
    pub(super) sends: Option<Span>,
    /// It passed the request on.
    pub(super) next: bool,
    /// It sent somewhere else.
    pub(super) redirects: Option<Span>,
    /// Applications that it handed the request to.
    pub(super) hands_to: Vec<HostId>,
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
    /// Some router takes `/a/` for another path than `/a`.
    pub(super) strict_routing: bool,
    /// Servers that speak TLS only.
    pub(super) secure: Vec<HostId>,
    /// NODE_ENV, where all that deploys it says the same.
    pub(super) mode: Option<Rc<str>>,
    /// What its descriptors set.
    pub(super) set: super::Set,
    /// Why a path depends on what may be set, if it does.
    pub(super) unsettled: Option<Why>,
    /// What is known of the run where the program is Python.
    pub(super) python: Option<Box<super::python::State>>,
    /// What is known of Nest's applications.
    pub(super) nest: super::nest::State,
    captured: Captured,
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
    /// Variables of the environment on whose being set it depends that this runs.
    given: Vec<String>,
    /// Those of them where that it is not set means that this does not run.
    off: Vec<String>,
    /// Clauses that catch, around what is followed.
    catching: usize,
    awaited: bool,
    pub(super) pending: Vec<usize>,
    pub(super) after_await: bool,
    /// The branch on which a handler of a signal is followed: what stands on it surely runs.
    pub(super) base: usize,
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
            strict_routing: false,
            secure: Vec::new(),
            mode: None,
            set: super::Set::default(),
            unsettled: None,
            python: None,
            nest: super::nest::State::default(),
            captured: Captured::default(),
            entry: None,
            modules: HashMap::default(),
            failed: HashMap::default(),
            frames: Vec::new(),
            calls: Vec::new(),
            maybe: Ends::default(),
            fuel: FUEL,
            spent: HashMap::default(),
            bytes: 0,
            depth: 0,
            loops: 0,
            given: Vec::new(),
            off: Vec::new(),
            catching: 0,
            awaited: false,
            pending: Vec::new(),
            after_await: false,
            base: 0,
            sequence: 0,
            last_exit: None,
        }
    }

    /// Follows the program from its entry module, and then what it left for later.
    pub(super) fn run(&mut self, entry: FileId) {
        self.entry = Some(entry);
        self.load(entry);
        self.stop = None;
        self.nest_start_all();
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
        let given = (std::mem::take(&mut self.given), std::mem::take(&mut self.off));
        self.phase = phase;
        self.branch = self.branch.max(1) + 1;
        let gone = go(self);
        (self.given, self.off) = given;
        (self.phase, self.branch, self.tries, self.stop) = before;
        gone
    }

    /// What runs only where a value that depends on the environment says so. That it is production
    /// is given.
    pub(super) fn where_set<T>(
        &mut self,
        value: &Value,
        holds: bool,
        go: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = (self.given.len(), self.off.len());
        let names = value.names().into_iter().filter(|name| name != "NODE_ENV");
        self.given.extend(names);
        if value.unset().truth() == Some(!holds) {
            self.off.extend_from_slice(self.given.get(before.0..).unwrap_or_default());
        }
        let gone = go(self);
        self.given.truncate(before.0);
        self.off.truncate(before.1);
        gone
    }

    /// The variables without which what runs now does not run: `if (process.env.X === 'true')`.
    pub(super) fn off(&self) -> Vec<String> {
        self.off.clone()
    }

    /// The variables on which what runs now depends.
    pub(super) fn given(&self) -> &[String] {
        &self.given
    }

    pub(super) fn now(&mut self) -> Order {
        self.sequence += 1;
        Order { after_await: self.after_await, sequence: self.sequence }
    }

    /// What follows comes later than what does not wait.
    pub(super) fn waits(&mut self) {
        if matches!(self.phase, Phase::Start | Phase::Signal(_)) {
            self.after_await = true;
        }
    }

    pub(super) fn gap(&mut self, why: Why, at: Span, hides: Hides) {
        let gap = Gap { why, at, hides };
        if !self.facts.gaps.contains(&gap) {
            self.facts.gaps.push(gap);
        }
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
pub(super) fn method(
    class: &Rc<ClassValue>,
    name: &str,
    is_static: bool,
) -> Option<(Closure, bool)> {
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
