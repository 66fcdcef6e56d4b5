//! What is noted while a program is followed.

use plimsoll_source::{FileId, Span, TextRange};
use plimsoll_syntax::program::{Entry, ExprKind, Key, Module};

use super::eval::Phase;
use super::value::{HostId, Value};
use crate::code::{Address, EnvironmentRead, Gap, PackageImport, Resource, Write};
use crate::fact::{Fact, How, Origin, Why};

/// When something happens, as far as the order of the program tells: what follows an `await` comes
/// after all that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Order {
    pub(super) after_await: bool,
    pub(super) sequence: usize,
}

/// Something that was opened.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) kind: Resource,
    pub(super) name: String,
    pub(super) at: Span,
    pub(super) at_start: bool,
    pub(super) via: Option<Span>,
    pub(super) address: Option<Address>,
    /// What closing closes this, too.
    pub(super) parent: Option<usize>,
    pub(super) order: Order,
    /// The clauses around it that catch, outermost first.
    pub(super) tries: Vec<usize>,
}

/// A call that listens.
#[derive(Clone, Debug)]
pub(super) struct Listening {
    pub(super) port: Value,
    pub(super) host: Value,
    pub(super) at: Span,
    pub(super) tries: Vec<usize>,
    pub(super) app: Option<HostId>,
    pub(super) at_start: bool,
    /// A function that is given the error, and how that ends.
    pub(super) callback: Option<Value>,
}

/// A signal handler.
#[derive(Clone, Debug)]
pub(super) struct Handling {
    pub(super) signal: String,
    pub(super) at: Span,
    pub(super) order: Order,
    pub(super) function: Value,
    pub(super) closes: Vec<(usize, Span)>,
    pub(super) exits: Vec<(Option<i32>, Span)>,
    pub(super) timeout: Option<(u64, Span)>,
    pub(super) unknown: Option<(Why, Span)>,
}

/// All of it.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) gaps: Vec<Gap>,
    pub(super) opens: Vec<Open>,
    pub(super) listens: Vec<Listening>,
    pub(super) handlers: Vec<Handling>,
    /// What handles failures that nothing catches: the event, the function, the place.
    pub(super) uncaught: Vec<(String, Value, Span)>,
    pub(super) environment: Vec<EnvironmentRead>,
    pub(super) writes: Vec<Write>,
    pub(super) imports: Vec<PackageImport>,
    pub(super) unverified: Vec<Span>,
    /// The milliseconds of the timer whose function is followed.
    pub(super) timer: Option<u64>,
}

impl Facts {
    /// What a module's text says, whether or not it runs.
    pub(super) fn syntax(&mut self, module: &Module) {
        self.unverified.extend(unverified(module));
    }

    pub(super) fn package(&mut self, name: &str, file: FileId, at: Span) {
        if !self.imports.iter().any(|known| known.at == at) {
            self.imports.push(PackageImport { package: name.to_owned(), file, at });
        }
    }

    pub(super) fn read(&mut self, name: &str, at: Span) {
        if !self.environment.iter().any(|known| known.at == at && known.name == name) {
            let name = name.to_owned();
            let read = EnvironmentRead { name, default: Fact::Absent, required: false, at };
            self.environment.push(read);
        }
    }

    /// `left || right`: the default of the variable that `left` is.
    pub(super) fn defaults(&mut self, left: &Value, right: &Value) {
        let Value::Env(env) = left else { return };
        for read in &mut self.environment {
            if read.at == env.at && env.names.contains(&read.name) && read.default == Fact::Absent {
                read.default = text(right, env.at);
            }
        }
    }

    /// The program does not go on without these.
    pub(super) fn require(&mut self, names: &[String]) {
        for read in &mut self.environment {
            if names.contains(&read.name) && !matches!(read.default, Fact::Known { .. }) {
                read.required = true;
            }
        }
    }

    pub(super) fn exit(&mut self, phase: Phase, code: Option<i32>, at: Span, _branch: usize) {
        let Phase::Signal(index) = phase else { return };
        let Some(handler) = self.handlers.get_mut(index) else { return };
        match self.timer {
            Some(after) => {
                handler.timeout.get_or_insert((after, at));
            }
            None => handler.exits.push((code, at)),
        }
    }

    pub(super) fn unknown_in_handler(&mut self, index: usize, at: Span) {
        if let Some(handler) = self.handlers.get_mut(index) {
            handler.unknown.get_or_insert((Why::Dynamic, at));
        }
    }

    /// A handler closes something, and with it what hangs on it.
    pub(super) fn closes(&mut self, handler: usize, open: usize, at: Span) {
        let below: Vec<usize> = (0..self.opens.len())
            .filter(|&index| {
                let mut up = Some(index);
                let mut left = 16;
                while let Some(one) = up.filter(|_| left > 0) {
                    if one == open {
                        return true;
                    }
                    up = self.opens.get(one).and_then(|open| open.parent);
                    left -= 1;
                }
                false
            })
            .collect();
        let Some(handler) = self.handlers.get_mut(handler) else { return };
        for index in below {
            if !handler.closes.iter().any(|(known, _)| *known == index) {
                handler.closes.push((index, at));
            }
        }
    }
}

/// A plain value as a fact; what is nothing is absent.
pub(super) fn text(value: &Value, at: Span) -> Fact<String> {
    match value.unset() {
        Value::Undefined | Value::Null => Fact::Absent,
        other => match other.as_text() {
            Some(text) => known(text.to_string(), at),
            None => Fact::Unknown(Why::Dynamic, Some(at)),
        },
    }
}

pub(super) fn known<T>(value: T, at: Span) -> Fact<T> {
    Fact::Known { value, at: Origin::at(at), how: How::Declared }
}

/// Where a module turns the verification of certificates off.
pub(super) fn unverified(module: &Module) -> Vec<Span> {
    let mut found = Vec::new();
    for (_, expr) in module.exprs() {
        let ExprKind::Object(entries) = &expr.kind else { continue };
        for entry in entries {
            if let Entry::Pair { key: Key::Fixed(key), at, value } = entry
                && &**key == "rejectUnauthorized"
                && matches!(module.expr(*value).kind, ExprKind::Bool(false))
            {
                let end = module.expr(*value).range.end;
                found.push(module.span(TextRange::new(at.start, end)));
            }
        }
    }
    found
}
