//! JavaScript and TypeScript, read by `oxc_parser` into a [`Module`].

mod expressions;
mod nesting;
mod statements;

use oxc_allocator::Allocator;
use oxc_ast::ast as js;
use oxc_parser::{ParseOptions, Parser};
use oxc_span::{GetSpan, SourceType};
use plimsoll_source::{FileId, Span, TextRange};

use crate::program::{
    DEFAULT, Dialect, Exported, ExprId, ExprKind, Imported, MemberKind, Module, Specifier,
};
use crate::{Parsed, SyntaxError};

/// The most bytes of a module that are read.
pub const MAX_BYTES: usize = 4 << 20;

/// The stack that [`read_here`] asks of its caller: the parser takes some 10 KiB a level of nesting
/// where it is not optimised, and [`nesting`](self) lets so many levels through.
pub const STACK: usize = 256 << 20;

/// Reads a module. `name` is the file's name, whose ending says what it is: `.ts`, `.tsx`, `.jsx`,
/// `.mjs`, `.cjs`, else JavaScript. A text that is too long, not UTF-8 or nested too deeply gives an
/// empty module and a fatal error. Runs on a thread of its own, for the stack, unless the text is so
/// short that any has enough.
#[must_use]
pub fn read(name: &str, file: FileId, text: &[u8]) -> Parsed<Module> {
    if nesting::is_shallow(text) {
        return read_here(name, file, text);
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let read = thread.spawn_scoped(scope, || read_here(name, file, text));
        let failed = || refused(file, text, "no thread to read it on");
        read.ok().and_then(|handle| handle.join().ok()).unwrap_or_else(failed)
    })
}

/// As [`read`], on this thread, which must have [`STACK`] bytes of stack.
#[must_use]
pub fn read_here(name: &str, file: FileId, text: &[u8]) -> Parsed<Module> {
    if text.len() > MAX_BYTES {
        return refused(file, text, "longer than 4 MiB");
    }
    let Ok(source) = std::str::from_utf8(text) else {
        return refused(file, text, "not UTF-8");
    };
    if nesting::is_too_deep(text) {
        return refused(file, text, TOO_DEEP);
    }
    let allocator = Allocator::default();
    let mut best: Option<Parsed<Module>> = None;
    for kind in kinds(name) {
        let options = ParseOptions {
            allow_return_outside_function: true,
            preserve_parens: false,
            ..ParseOptions::default()
        };
        let read = Parser::new(&allocator, source, kind).with_options(options).parse();
        let mut lower = Lower {
            module: Module::empty(file, Dialect::JavaScript),
            errors: Vec::new(),
            depth: 0,
        };
        lower.program(&read.program);
        if kind.is_typescript() {
            elide_types(&mut lower.module);
        }
        let fatal = read.panicked;
        let clean = read.diagnostics.is_empty();
        for diagnostic in read.diagnostics {
            let label = diagnostic.labels.first();
            let at = label.map_or(0, |label| label.offset() as usize).min(text.len());
            let len = label.map_or(0, |label| label.len() as usize);
            let range = TextRange::of(at, at.saturating_add(len).min(text.len()));
            let message = diagnostic.message.to_string();
            lower.errors.push(SyntaxError { span: Span::new(file, range), message, fatal });
        }
        let parsed = Parsed { tree: lower.module, errors: lower.errors };
        if clean {
            return parsed;
        }
        // The first reading is what the file's name says; another only counts where it is clean.
        best.get_or_insert(parsed);
    }
    best.unwrap_or_else(|| refused(file, text, "not read"))
}

const TOO_DEEP: &str = "nested too deeply";

/// Whether an error says that the text was not read for its size or its nesting.
#[must_use]
pub fn is_too_large(error: &SyntaxError) -> bool {
    error.message == TOO_DEEP || error.message == "longer than 4 MiB"
}

fn refused(file: FileId, text: &[u8], message: &str) -> Parsed<Module> {
    let span = Span::new(file, TextRange::of(0, text.len().min(1)));
    let error = SyntaxError { span, message: message.to_owned(), fatal: true };
    Parsed { tree: Module::empty(file, Dialect::JavaScript), errors: vec![error] }
}

/// How a file may be read, the likeliest first.
fn kinds(name: &str) -> Vec<SourceType> {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "ts" | "mts" | "cts" => vec![SourceType::ts()],
        "tsx" => vec![SourceType::tsx()],
        "mjs" => vec![SourceType::mjs(), SourceType::jsx()],
        "jsx" => vec![SourceType::jsx()],
        // A CommonJS module may use names that a module may not; a Flow or TypeScript one types.
        _ => vec![SourceType::cjs(), SourceType::mjs(), SourceType::jsx(), SourceType::ts()],
    }
}

/// TypeScript leaves out an import of which only types are used.
fn elide_types(module: &mut Module) {
    let mut used: std::collections::HashSet<Box<str>> = module
        .exprs()
        .filter_map(|(_, expr)| match &expr.kind {
            ExprKind::Name(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    for export in &module.exports {
        if let Exported::Local(name) = &export.what {
            used.insert(name.clone());
        }
    }
    // Decorated classes keep the types of their parameters as values, where they are any.
    let types: std::collections::HashSet<Box<str>> = module.decorated_types().into_iter().collect();
    for import in &mut module.imports {
        let any = |names: &std::collections::HashSet<Box<str>>| {
            import.bindings.iter().any(|binding| names.contains(&binding.local))
        };
        let by_value = import.bindings.is_empty() || any(&used);
        import.maybe_type = !by_value && any(&types);
        import.type_only |= !by_value && !import.maybe_type;
    }
}

struct Lower {
    module: Module,
    errors: Vec<SyntaxError>,
    depth: usize,
}

fn range(span: oxc_span::Span) -> TextRange {
    TextRange::new(span.start, span.end)
}

impl Lower {
    fn program(&mut self, program: &js::Program<'_>) {
        let mut body = Vec::new();
        // Imports run before anything else.
        for statement in &program.body {
            match statement {
                js::Statement::ImportDeclaration(import) => self.import(import, &mut body),
                js::Statement::ExportFromDeclaration(it) if it.export_kind.is_value() => {
                    self.loads(&it.source, range(it.span), &mut body);
                }
                js::Statement::ExportAllDeclaration(it) if it.export_kind.is_value() => {
                    self.loads(&it.source, range(it.span), &mut body);
                }
                _ => {}
            }
        }
        for statement in &program.body {
            self.statement_into(statement, &mut body);
        }
        self.module.body = body;
    }

    fn expr(&mut self, kind: ExprKind, span: oxc_span::Span) -> ExprId {
        self.module.add_expr(kind, range(span))
    }

    /// Goes one level down; where that is too deep, says so once and gives nothing.
    fn deeper<T>(&mut self, at: oxc_span::Span, go: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= 2 * crate::MAX_DEPTH {
            if !self.errors.iter().any(|error| error.message == TOO_DEEP) {
                let span = self.module.span(range(at));
                let message = TOO_DEEP.to_owned();
                self.errors.push(SyntaxError { span, message, fatal: false });
            }
            return None;
        }
        self.depth += 1;
        let gone = go(self);
        self.depth -= 1;
        Some(gone)
    }
}

fn specifier(source: &js::StringLiteral<'_>) -> Specifier {
    Specifier { text: source.value.as_str().into(), range: range(source.span) }
}

fn export_name(name: &js::ModuleExportName<'_>) -> Box<str> {
    name.name().as_str().into()
}

/// What `export { name } from` takes.
fn imported(name: &str) -> Imported {
    if name == "default" { Imported::Default } else { Imported::Named(name.into()) }
}

impl Module {
    /// The names of types that a decorated class keeps as values.
    fn decorated_types(&self) -> Vec<Box<str>> {
        let mut names = Vec::new();
        for class in self.classes() {
            let members = || class.members.iter();
            if class.decorators.is_empty() && members().all(|m| m.decorators.is_empty()) {
                continue;
            }
            for member in members() {
                names.extend(member.of_type.clone());
                if let MemberKind::Method(function) = member.kind {
                    let params = &self.function(function).params;
                    names.extend(params.iter().filter_map(|param| param.of_type.clone()));
                }
            }
        }
        names
    }
}

/// The name that an anonymous default export is bound to.
fn default_name() -> Box<str> {
    DEFAULT.into()
}

fn span_of(node: &impl GetSpan) -> oxc_span::Span {
    node.span()
}
