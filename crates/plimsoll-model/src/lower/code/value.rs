//! What a program computes with, as far as it can be told without running it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use plimsoll_source::{FileId, Span};
use plimsoll_syntax::program::{ClassId, FunctionId, Module};

/// Alternatives that are kept apart; beyond, a value is unknown.
const MAX_ALTERNATIVES: usize = 6;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// It cannot be told.
    Unknown,
    /// Something of a package or the platform that nobody asks about.
    Inert,
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(Rc<str>),
    /// A regular expression.
    Regex,
    /// It depends on the environment: on these variables, and where none is set it is `unset`.
    Env(Rc<Env>),
    /// An object or a list.
    Object(ObjectId),
    Function(Rc<Closure>),
    Class(Rc<ClassValue>),
    /// A method bound to its object.
    Bound(Rc<(Value, Closure)>),
    /// An object of a package or the platform that facts are about.
    Host(HostId),
    /// A method of one.
    HostMethod(HostId, Rc<str>),
    /// Something that a package (or the platform, by a name with `:`) exports: package and path.
    External(Rc<(String, Vec<String>)>),
    /// A module of this program.
    Namespace(FileId),
    /// An export of a module that is looked up when it is used.
    Live(FileId, Rc<str>),
    /// One of these.
    Any(Rc<[Value]>),
}

/// A value that depends on the environment.
#[derive(Clone, Debug)]
pub(super) struct Env {
    pub(super) names: Vec<String>,
    pub(super) unset: Value,
    pub(super) at: Span,
}

/// Index of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ObjectId(pub(super) usize);
/// Index of a host object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct HostId(pub(super) usize);

/// An object.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    pub(super) props: BTreeMap<Rc<str>, Value>,
    /// The elements of a list.
    pub(super) items: Option<Vec<Value>>,
    pub(super) class: Option<Rc<ClassValue>>,
    /// It may have more than is known.
    pub(super) open: bool,
    /// How many branches were open when it was made: what a deeper one sets may not be set.
    pub(super) branch: usize,
    /// The getters of its literal.
    pub(super) getters: BTreeMap<Rc<str>, Rc<Closure>>,
}

/// A function with what surrounds it.
#[derive(Clone, Debug)]
pub(super) struct Closure {
    pub(super) module: Arc<Module>,
    pub(super) function: FunctionId,
    pub(super) scope: Rc<Scope>,
    /// What `this` is in an arrow function.
    pub(super) this: Value,
    /// The class whose method it is: where `super` looks.
    pub(super) home: Option<Rc<ClassValue>>,
}

/// A class with what surrounds it.
#[derive(Debug)]
pub(super) struct ClassValue {
    pub(super) module: Arc<Module>,
    pub(super) class: ClassId,
    pub(super) scope: Rc<Scope>,
    pub(super) base: Value,
    /// Its static members.
    pub(super) statics: ObjectId,
}

/// Names in a scope.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) names: RefCell<BTreeMap<Rc<str>, Value>>,
    pub(super) parent: Option<Rc<Scope>>,
    /// A function's or a module's, where `var` lives.
    pub(super) is_function: bool,
    pub(super) branch: usize,
}

impl Scope {
    pub(super) fn new(parent: Option<Rc<Self>>, is_function: bool, branch: usize) -> Rc<Self> {
        Rc::new(Self { names: RefCell::default(), parent, is_function, branch })
    }

    pub(super) fn find(self: &Rc<Self>, name: &str) -> Option<(Rc<Self>, Value)> {
        let mut at = Some(Rc::clone(self));
        while let Some(scope) = at {
            let found = scope.names.borrow().get(name).cloned();
            if let Some(value) = found {
                return Some((scope, value));
            }
            at = scope.parent.clone();
        }
        None
    }

    pub(super) fn declare(&self, name: &str, value: Value) {
        self.names.borrow_mut().insert(name.into(), value);
    }

    pub(super) fn function(self: &Rc<Self>) -> Rc<Self> {
        let mut at = Rc::clone(self);
        while !at.is_function {
            let Some(parent) = at.parent.clone() else { break };
            at = parent;
        }
        at
    }
}

/// The scopes that functions and classes surround themselves with. A name in one may hold the
/// function that holds the scope: such circles, and the syntax trees that they hold, end with this.
#[derive(Debug, Default)]
pub(super) struct Captured(RefCell<Vec<Rc<Scope>>>);

impl Captured {
    /// The scope, for what will hold it.
    pub(super) fn hold(&self, scope: &Rc<Scope>) -> Rc<Scope> {
        let mut held = self.0.borrow_mut();
        if !held.last().is_some_and(|last| Rc::ptr_eq(last, scope)) {
            held.push(Rc::clone(scope));
        }
        Rc::clone(scope)
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        for scope in self.0.get_mut() {
            drop(scope.names.take());
        }
    }
}

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn external(package: &str, path: &[&str]) -> Self {
        Self::External(Rc::new((
            package.to_owned(),
            path.iter().map(|&part| part.to_owned()).collect(),
        )))
    }

    /// The alternatives.
    pub(super) fn each(&self) -> &[Value] {
        match self {
            Self::Any(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// One of two.
    pub(super) fn or(self, other: Self) -> Self {
        let mut all: Vec<Value> = self.each().to_vec();
        for value in other.each() {
            if !all.iter().any(|known| known.is_same(value)) {
                all.push(value.clone());
            }
        }
        match all.len() {
            1 => all.pop().unwrap_or(Self::Unknown),
            n if n > MAX_ALTERNATIVES => {
                // What facts are about is kept before texts and numbers.
                all.retain(|value| !value.is_plain());
                all.truncate(MAX_ALTERNATIVES);
                all.push(Self::Unknown);
                Self::Any(all.into())
            }
            _ => Self::Any(all.into()),
        }
    }

    /// A value without parts or deeds.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::Undefined
            | Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::Text(_)
            | Self::Regex
            | Self::Env(_) => true,
            Self::Any(all) => all.iter().all(Self::is_plain),
            _ => false,
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown, Self::Unknown)
            | (Self::Inert, Self::Inert)
            | (Self::Undefined, Self::Undefined)
            | (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            #[expect(clippy::float_cmp, reason = "the same literal")]
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => a == b,
            (Self::Host(a), Self::Host(b)) => a == b,
            (Self::HostMethod(a, x), Self::HostMethod(b, y)) => a == b && x == y,
            (Self::External(a), Self::External(b)) => a == b,
            (Self::Namespace(a), Self::Namespace(b)) => a == b,
            (Self::Function(a), Self::Function(b)) => Rc::ptr_eq(a, b),
            (Self::Class(a), Self::Class(b)) => Rc::ptr_eq(a, b),
            (Self::Env(a), Self::Env(b)) => a.names == b.names && a.unset.is_same(&b.unset),
            _ => false,
        }
    }

    /// Whether it counts as true; `None` where that depends.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Undefined | Self::Null => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Number(value) => Some(*value != 0.0 && !value.is_nan()),
            Self::Text(text) => Some(!text.is_empty()),
            Self::Env(env) if env.names.is_empty() => env.unset.truth(),
            Self::Unknown | Self::Inert | Self::Env(_) | Self::Live(..) => None,
            Self::Any(all) => {
                let mut truths = all.iter().map(Self::truth);
                let first = truths.next()??;
                truths.all(|truth| truth == Some(first)).then_some(first)
            }
            _ => Some(true),
        }
    }

    /// What it is where no variable of the environment is set.
    pub(super) fn unset(&self) -> &Self {
        match self {
            Self::Env(env) => env.unset.unset(),
            other => other,
        }
    }

    /// The variables of the environment that it depends on.
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Self::Env(env) => {
                let mut names = env.names.clone();
                for name in env.unset.names() {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                names
            }
            Self::Any(all) => {
                let mut names: Vec<String> = Vec::new();
                for name in all.iter().flat_map(Self::names) {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                names
            }
            _ => Vec::new(),
        }
    }

    /// `value`, which was computed from this and so depends on its variables.
    pub(super) fn depends(&self, value: Self) -> Self {
        let Self::Env(env) = self else { return value };
        let mut names = env.names.clone();
        for name in value.names() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Self::Env(Rc::new(Env { names, unset: value.unset().clone(), at: env.at }))
    }

    /// As a text, where it is a plain value.
    pub(super) fn as_text(&self) -> Option<Rc<str>> {
        Some(match self {
            Self::Text(text) => Rc::clone(text),
            Self::Number(number) => number.to_string().into(),
            Self::Bool(value) => value.to_string().into(),
            Self::Null => "null".into(),
            _ => return None,
        })
    }

    /// As a number, as JavaScript's `Number` and `parseInt` agree.
    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}
