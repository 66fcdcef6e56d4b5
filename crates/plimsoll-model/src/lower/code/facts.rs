//! What is noted while a program is followed.

use plimsoll_source::{FileId, Span, TextRange};
use plimsoll_syntax::program::{
    BinaryOp, Dialect, Entry, ExprId, ExprKind, Key, LogicalOp, Module, PatternKind, StmtKind,
    UnaryOp,
};

use super::eval::Phase;
use super::python;
use super::value::{HostId, Value};
use crate::code::{
    Address, EnvironmentRead, Gap, PackageImport, Resource, Timeout, Unless, Unverified, Write,
};
use crate::fact::{Fact, How, Origin, Why};
use crate::migration::MigrationTool;

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
    /// The variables on which it depends that it is opened.
    pub(super) given: Vec<String>,
    /// The clauses around it that catch, outermost first.
    pub(super) tries: Vec<usize>,
}

/// A call that listens.
#[derive(Clone, Debug)]
pub(super) struct Listening {
    pub(super) port: Value,
    pub(super) host: Value,
    /// Only TLS is spoken there.
    pub(super) tls: bool,
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
    /// Where it ends the process whatever happens, before anything has been waited for.
    pub(super) at_once: Option<Span>,
    pub(super) ignored: bool,
    pub(super) timeout: Option<Timeout>,
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
    pub(super) unverified: Vec<Unverified>,
    pub(super) migrates: Option<(MigrationTool, Span)>,
    /// The time of the timer whose function is followed.
    pub(super) timer: Option<Value>,
}

impl Facts {
    /// What a module's text says, whether or not it runs.
    pub(super) fn syntax(&mut self, module: &Module) {
        self.unverified.extend(match module.dialect {
            Dialect::JavaScript => unverified(module),
            Dialect::Python => python::unverified::unverified(module),
        });
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

    pub(super) fn exit(&mut self, phase: Phase, code: Option<i32>, at: Span, at_once: bool) {
        let Phase::Signal(index) = phase else { return };
        let Some(handler) = self.handlers.get_mut(index) else { return };
        match &self.timer {
            Some(after) => {
                handler.timeout.get_or_insert_with(|| timeout(after, at));
            }
            None => {
                handler.exits.push((code, at));
                handler.at_once = handler.at_once.or(at_once.then_some(at));
            }
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

/// The end of the process after some milliseconds.
pub(super) fn timeout(after: &Value, at: Span) -> Timeout {
    let number = after.unset().as_number().filter(|ms| *ms >= 0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
    let after_ms = match number {
        Some(ms) => known(ms as u64, at),
        None => Fact::Unknown(Why::Dynamic, Some(at)),
    };
    Timeout { after: after_ms, variables: after.names(), at }
}

pub(super) fn known<T>(value: T, at: Span) -> Fact<T> {
    Fact::Known { value, at: Origin::at(at), how: How::Declared }
}

/// The most places of a module that are looked at.
const MAX_UNVERIFIED: usize = 64;

/// Where a module turns the verification of certificates off.
pub(super) fn unverified(module: &Module) -> Vec<Unverified> {
    let pairs = || {
        let objects = module.exprs().filter_map(|(_, expr)| match &expr.kind {
            ExprKind::Object(entries) => Some(entries),
            _ => None,
        });
        objects.flatten().filter_map(|entry| match entry {
            Entry::Pair { key: Key::Fixed(key), at, value } => Some((&**key, *at, *value)),
            _ => None,
        })
    };
    let off = pairs().filter(|(key, ..)| *key == "rejectUnauthorized");
    let off = off.filter_map(|(_, at, value)| Some((at, value, unless(module, value, 0)?)));
    let places = off.take(MAX_UNVERIFIED).map(|(at, value, unless)| {
        let at = TextRange::new(at.start, module.expr(value).range.end);
        let around = |range: TextRange| range.start <= at.start && at.end <= range.end;
        let mut keys: Vec<(u32, &str)> = pairs()
            .map(|(key, _, value)| (module.expr(value).range, key))
            .filter(|(range, _)| around(*range))
            .map(|(range, key)| (range.start, key))
            .collect();
        keys.sort_unstable();
        let mut conditions = module.exprs().filter_map(|(_, expr)| match expr.kind {
            ExprKind::Conditional { test, then, otherwise } => {
                let holds = around(module.expr(then).range);
                (holds || around(module.expr(otherwise).range)).then_some((test, holds))
            }
            _ => None,
        });
        let aside = keys.iter().any(|(_, key)| is_aside(key))
            || conditions.any(|(test, holds)| in_production(module, test) == Some(!holds));
        Unverified {
            at: module.span(at),
            keys: keys.into_iter().map(|(_, key)| key.to_owned()).collect(),
            production: !aside,
            unless,
        }
    });
    places.collect()
}

/// What a value of `rejectUnauthorized` hangs on, in production; `None` where it always verifies:
/// Node does for whatever is not `false` itself.
fn unless(module: &Module, id: ExprId, depth: usize) -> Option<Unless> {
    if depth > 8 {
        return Some(Unless::Unknown);
    }
    if let Some(holds) = in_production(module, id) {
        return (!holds).then_some(Unless::Never);
    }
    match &module.expr(id).kind {
        ExprKind::Bool(false) => Some(Unless::Never),
        ExprKind::Bool(true) | ExprKind::Text(_) | ExprKind::Template(_) | ExprKind::Null => None,
        ExprKind::Name(name) if &**name == "undefined" => None,
        ExprKind::Name(name) => match constant(module, name) {
            Some(value) => unless(module, value, depth + 1),
            None => Some(Unless::Unknown),
        },
        ExprKind::Conditional { test, then, otherwise } => {
            let (then, otherwise) =
                (unless(module, *then, depth + 1), unless(module, *otherwise, depth + 1));
            match (in_production(module, *test), then, otherwise) {
                (Some(true), value, _) | (Some(false), _, value) => value,
                (None, None, None) => None,
                (None, Some(Unless::Never), Some(Unless::Never)) => Some(Unless::Never),
                (None, None, Some(Unless::Never)) => holds(module, *test, true, depth),
                (None, Some(Unless::Never), None) => holds(module, *test, false, depth),
                _ => Some(Unless::Unknown),
            }
        }
        ExprKind::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual, .. }
        | ExprKind::Unary { op: UnaryOp::Not, .. } => holds(module, id, true, depth),
        // A variable of the environment is a text, or not set.
        _ if variable(module, id).is_some() => None,
        _ => Some(Unless::Unknown),
    }
}

/// What it hangs on that a condition `is` so.
fn holds(module: &Module, test: ExprId, is: bool, depth: usize) -> Option<Unless> {
    if depth > 8 {
        return Some(Unless::Unknown);
    }
    if let Some(so) = in_production(module, test) {
        return (so != is).then_some(Unless::Never);
    }
    let asks = |(name, default): (&str, Option<&str>), equals: Option<&str>, is: bool| {
        let [default, equals] = [default, equals].map(|text| text.map(str::to_owned));
        Some(Unless::Variable { name: name.to_owned(), default, equals, is })
    };
    match &module.expr(test).kind {
        ExprKind::Unary { op: UnaryOp::Not, operand } => holds(module, *operand, !is, depth + 1),
        ExprKind::Binary { op: op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right } => {
            let is = is == (*op == BinaryOp::Equal);
            let sides = [(*left, *right), (*right, *left)];
            let compared = sides.into_iter().find_map(|(side, other)| {
                let variable = variable(module, side)?;
                match &module.expr(other).kind {
                    ExprKind::Text(text) => asks(variable, Some(text), is),
                    ExprKind::Name(name) if &**name == "undefined" => asks(variable, None, !is),
                    _ => None,
                }
            });
            compared.or(Some(Unless::Unknown))
        }
        ExprKind::Name(name) => match constant(module, name) {
            Some(value) => holds(module, value, is, depth + 1),
            None => Some(Unless::Unknown),
        },
        _ => match variable(module, test) {
            Some(variable) => asks(variable, None, is),
            None => Some(Unless::Unknown),
        },
    }
}

/// The variable of the environment that an expression reads, and its default there:
/// `process.env.X ?? 'true'`, lower case or not.
fn variable(module: &Module, id: ExprId) -> Option<(&str, Option<&str>)> {
    match &module.expr(id).kind {
        ExprKind::Member { object, name, .. } => {
            let ExprKind::Member { object, name: env, .. } = &module.expr(*object).kind else {
                return None;
            };
            let process =
                matches!(&module.expr(*object).kind, ExprKind::Name(of) if &**of == "process");
            (process && &**env == "env").then_some((&**name, None))
        }
        ExprKind::Logical { op: LogicalOp::Or | LogicalOp::Coalesce, left, right } => {
            let ((name, None), ExprKind::Text(default)) =
                (variable(module, *left)?, &module.expr(*right).kind)
            else {
                return None;
            };
            Some((name, Some(default)))
        }
        _ => None,
    }
}

/// What a name of the module's own level is bound to, once.
pub(super) fn constant(module: &Module, name: &str) -> Option<ExprId> {
    let mut bound = module.body.iter().filter_map(|&id| match &module.stmt(id).kind {
        StmtKind::Let { pattern, init, .. } => match &module.pattern(*pattern).kind {
            PatternKind::Name(own) if **own == *name => *init,
            _ => None,
        },
        _ => None,
    });
    bound.next().filter(|_| bound.next().is_none())
}

/// Whether a name says development or test.
fn is_aside(name: &str) -> bool {
    matches!(
        &*name.to_ascii_lowercase(),
        "development" | "dev" | "develop" | "local" | "test" | "testing" | "ci" | "e2e"
    )
}

/// What a condition comes to in production: `NODE_ENV === 'production'`, `isProduction`.
fn in_production(module: &Module, test: ExprId) -> Option<bool> {
    match &module.expr(test).kind {
        ExprKind::Binary { op, left, right } => {
            let equal = match op {
                BinaryOp::Equal => true,
                BinaryOp::NotEqual => false,
                _ => return None,
            };
            let text =
                [left, right].into_iter().find_map(|&side| match &module.expr(side).kind {
                    ExprKind::Text(text) => Some(text),
                    _ => None,
                })?;
            match &**text {
                "production" | "prod" => Some(equal),
                other => is_aside(other).then_some(!equal),
            }
        }
        ExprKind::Name(name) => match &*name.to_ascii_lowercase() {
            "isprod" | "isproduction" | "production" | "prod" => Some(true),
            "isdev" | "isdevelopment" | "istest" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

impl Facts {
    /// Reads of the environment that stand in a module, whether or not anything that is followed
    /// comes by.
    pub(super) fn written_reads(&mut self, module: &Module) {
        let is_env = |id: ExprId| match &module.expr(id).kind {
            ExprKind::Member { object, name, .. } if &**name == "env" => {
                matches!(&module.expr(*object).kind, ExprKind::Name(name) if &**name == "process")
            }
            _ => false,
        };
        for (id, expr) in module.exprs() {
            let name = match &expr.kind {
                ExprKind::Member { object, name, .. } if is_env(*object) => name,
                ExprKind::Index { object, index } if is_env(*object) => {
                    match &module.expr(*index).kind {
                        ExprKind::Text(name) => name,
                        _ => continue,
                    }
                }
                _ => continue,
            };
            let at = module.span(expr.range);
            let noted = self.environment.iter().any(|read| {
                let (a, b) = (read.at.range, at.range);
                read.name == **name && read.at.file == at.file && a.start < b.end && b.start < a.end
            });
            if noted {
                continue;
            }
            let default = module.exprs().find_map(|(_, outer)| match outer.kind {
                ExprKind::Logical { op: LogicalOp::Or | LogicalOp::Coalesce, left, right }
                    if left == id =>
                {
                    Some(right)
                }
                _ => None,
            });
            let default = match default.map(|right| module.expr(right)) {
                None => Fact::Absent,
                Some(right) => match &right.kind {
                    ExprKind::Text(text) => known(text.to_string(), module.span(right.range)),
                    _ => Fact::Unknown(Why::Dynamic, Some(module.span(right.range))),
                },
            };
            let name = name.to_string();
            self.environment.push(EnvironmentRead { name, default, required: false, at });
        }
    }
}
