//! Python, read by `ruff_python_parser` into a [`Module`].
//!
//! What differs from the tree's own words: `...` is the name `Ellipsis`; the cases of a `match` end
//! with a `break`; what `Annotated[T, …]` adds to a parameter's type are its decorators; decorators
//! of a method are its member's.

mod expressions;
mod nesting;
mod statements;

use std::collections::HashSet;

use plimsoll_source::{FileId, Span, TextRange};
use ruff_python_ast as py;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;

use crate::program::{Dialect, ExprId, ExprKind, Module, PatternId, PatternKind, StmtId, StmtKind};
use crate::{Parsed, SyntaxError};

/// The most bytes of a module that are read.
pub const MAX_BYTES: usize = 4 << 20;

/// The stack that [`read_here`] asks of its caller: the parser grows its own, the walk over its tree
/// and the tree's end need this for what [`nesting`](self) lets through.
pub const STACK: usize = 64 << 20;

const TOO_LONG: &str = "longer than 4 MiB";
const TOO_DEEP: &str = "nested too deeply";

/// Reads a module. A text that is too long, not UTF-8 or nested too deeply gives an empty module and
/// a fatal error. So is any error of syntax: Python runs nothing of such a module, whatever could be
/// read of it. Runs on a thread of its own, for the stack.
#[must_use]
pub fn read(file: FileId, text: &[u8]) -> Parsed<Module> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let read = thread.spawn_scoped(scope, || read_here(file, text));
        let failed = || refused(file, text, "no thread to read it on");
        read.ok().and_then(|handle| handle.join().ok()).unwrap_or_else(failed)
    })
}

/// As [`read`], on this thread, which must have [`STACK`] bytes of stack.
#[must_use]
pub fn read_here(file: FileId, text: &[u8]) -> Parsed<Module> {
    if text.len() > MAX_BYTES {
        return refused(file, text, TOO_LONG);
    }
    let Ok(source) = std::str::from_utf8(text) else {
        return refused(file, text, "not UTF-8");
    };
    if nesting::is_too_deep(source) {
        return refused(file, text, TOO_DEEP);
    }
    let parsed = parse_unchecked(source, ParseOptions::from(Mode::Module));
    let mut lower = Lower {
        module: Module::empty(file, Dialect::Python),
        errors: Vec::new(),
        depth: 0,
        types_only: false,
        functions: Vec::new(),
    };
    for error in parsed.errors() {
        let range = range(error.location);
        let end = range.end.min(u32::try_from(text.len()).unwrap_or(u32::MAX));
        let range = TextRange::new(range.start.min(end), end);
        let message = error.error.to_string();
        lower.errors.push(SyntaxError { span: Span::new(file, range), message, fatal: true });
    }
    if let py::Mod::Module(module) = parsed.syntax() {
        lower.module.body = lower.block(&module.body);
    }
    Parsed { tree: lower.module, errors: lower.errors }
}

/// Whether an error says that the text was not read for its size or its nesting.
#[must_use]
pub fn is_too_large(error: &SyntaxError) -> bool {
    error.message == TOO_DEEP || error.message == TOO_LONG
}

fn refused(file: FileId, text: &[u8], message: &str) -> Parsed<Module> {
    let span = Span::new(file, TextRange::of(0, text.len().min(1)));
    let error = SyntaxError { span, message: message.to_owned(), fatal: true };
    Parsed { tree: Module::empty(file, Dialect::Python), errors: vec![error] }
}

/// A function that is being read.
#[derive(Default)]
struct Inside {
    /// It yields.
    yields: bool,
    /// Names that are another scope's: `global`, `nonlocal`.
    outer: HashSet<Box<str>>,
}

struct Lower {
    module: Module,
    errors: Vec<SyntaxError>,
    depth: usize,
    /// In `if TYPE_CHECKING:`.
    types_only: bool,
    functions: Vec<Inside>,
}

fn range(range: ruff_text_size::TextRange) -> TextRange {
    TextRange::new(range.start().to_u32(), range.end().to_u32())
}

fn range_of(node: &impl Ranged) -> TextRange {
    range(node.range())
}

impl Lower {
    fn expr(&mut self, kind: ExprKind, range: TextRange) -> ExprId {
        self.module.add_expr(kind, range)
    }

    fn stmt(&mut self, kind: StmtKind, range: TextRange) -> StmtId {
        self.module.add_stmt(kind, range)
    }

    fn pattern_of(&mut self, kind: PatternKind, range: TextRange) -> PatternId {
        self.module.add_pattern(kind, range)
    }

    /// Goes one level down; where that is too deep, says so once and gives nothing.
    fn deeper<T>(&mut self, at: TextRange, go: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= 2 * crate::MAX_DEPTH {
            if !self.errors.iter().any(|error| error.message == TOO_DEEP) {
                let span = self.module.span(at);
                let message = TOO_DEEP.to_owned();
                self.errors.push(SyntaxError { span, message, fatal: true });
            }
            return None;
        }
        self.depth += 1;
        let gone = go(self);
        self.depth -= 1;
        Some(gone)
    }
}
