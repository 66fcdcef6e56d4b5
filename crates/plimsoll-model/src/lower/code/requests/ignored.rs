//! Whether a small program ends alike whatever it is answered: a client that does not fail by itself,
//! and nothing that looks at the status.

use plimsoll_source::TextRange;
use plimsoll_syntax::program::{
    Argument, Dialect, ExprId, ExprKind, Function, Module, PatternKind, StmtKind,
};

/// Members by which a program looks at an answer.
const LOOKS: [&str; 26] = [
    "ok",
    "status",
    "statusCode",
    "statusText",
    "status_code",
    "raise_for_status",
    "is_success",
    "is_error",
    "code",
    "getcode",
    "reason",
    "json",
    "text",
    "body",
    "content",
    "data",
    "blob",
    "arrayBuffer",
    "headers",
    "read",
    "pipe",
    "setEncoding",
    "redirected",
    "getresponse",
    "fields",
    "type",
];

/// Whether the program of a request, a call that stands there, surely ends alike whatever status comes
/// back. That nobody answers at all may still make it fail.
pub(super) fn is_ignored(module: &Module, call: ExprId) -> bool {
    let ExprKind::Call { callee, .. } = &module.expr(call).kind else { return false };
    let at = module.expr(call).range;
    let client = match &module.expr(*callee).kind {
        ExprKind::Name(name) if **name == *"fetch" => Client::Fetch,
        ExprKind::Member { object, name, .. } if matches!(&**name, "get" | "request" | "head") => {
            match (module.dialect, package(module, *object)) {
                (Dialect::JavaScript, Some("http" | "https")) => Client::Node,
                (Dialect::Python, Some("requests" | "httpx")) => Client::Python,
                _ => return false,
            }
        }
        _ => return false,
    };
    let is_alone = module.dialect == Dialect::JavaScript && of_http_only(module);
    is_unused(module, client, at) || is_alone && never_fails(module)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Fetch,
    Node,
    Python,
}

fn contains(outer: TextRange, inner: TextRange) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && outer != inner
}

/// The package that an expression is: by its name, or `require('http')`.
fn package(module: &Module, id: ExprId) -> Option<&str> {
    match &module.expr(id).kind {
        ExprKind::Name(name) => Some(name),
        ExprKind::Import { specifier, .. } => match &module.expr(*specifier).kind {
            ExprKind::Text(name) => Some(name.strip_prefix("node:").unwrap_or(name)),
            _ => None,
        },
        _ => None,
    }
}

/// Nothing names what came back.
fn is_unused(module: &Module, client: Client, at: TextRange) -> bool {
    let looks = module.exprs().any(|(_, expr)| match &expr.kind {
        ExprKind::Member { name, .. } => LOOKS.contains(&&**name),
        ExprKind::Text(text) => LOOKS.contains(&&**text) || matches!(&**text, "response" | "end"),
        // The answer itself decides, or is handed on.
        ExprKind::Unary { .. }
        | ExprKind::Binary { .. }
        | ExprKind::Logical { .. }
        | ExprKind::Conditional { .. } => contains(expr.range, at),
        ExprKind::Call { args, .. } => args.iter().any(|arg| {
            let arg = module.expr(arg.value);
            !matches!(arg.kind, ExprKind::Function(_))
                && (arg.range == at || contains(arg.range, at))
        }),
        _ => false,
    });
    let kept = module.stmts().any(|stmt| match &stmt.kind {
        StmtKind::Let { pattern, init: Some(init), .. } if client != Client::Node => {
            let init = module.expr(*init).range;
            (init == at || contains(init, at))
                && match &module.pattern(*pattern).kind {
                    PatternKind::Name(name) => is_named(module, name),
                    _ => true,
                }
        }
        StmtKind::If { test, .. } => {
            let test = module.expr(*test).range;
            test == at || contains(test, at)
        }
        StmtKind::Return(_) | StmtKind::With { .. } => {
            module.dialect == Dialect::Python && contains(stmt.range, at)
        }
        _ => false,
    });
    !looks && !kept && (module.dialect == Dialect::Python || callbacks(module).all(unused(module)))
}

/// The functions that calls are given, but for those that are told of a failure.
fn callbacks(module: &Module) -> impl Iterator<Item = &Function> {
    module.exprs().flat_map(move |(_, expr)| {
        let (callee, args) = match &expr.kind {
            ExprKind::Call { callee, args, .. } => (*callee, &args[..]),
            _ => return Vec::new(),
        };
        let failed = match &module.expr(callee).kind {
            ExprKind::Member { name, .. } => match &**name {
                "catch" => true,
                "on" | "once" => args.first().is_some_and(|first| {
                    let event = &module.expr(first.value).kind;
                    matches!(event, ExprKind::Text(event) if matches!(&**event, "error" | "timeout"))
                }),
                _ => false,
            },
            _ => false,
        };
        let function = |arg: &Argument| match &module.expr(arg.value).kind {
            ExprKind::Function(id) => Some(module.function(*id)),
            _ => None,
        };
        args.iter().filter(|_| !failed).filter_map(function).collect()
    })
}

/// Whether a function names none of its parameters.
fn unused(module: &Module) -> impl Fn(&Function) -> bool + '_ {
    |function| {
        function.params.iter().all(|param| match &module.pattern(param.pattern).kind {
            PatternKind::Name(name) => !is_named(module, name),
            _ => false,
        })
    }
}

fn is_named(module: &Module, name: &str) -> bool {
    module.exprs().any(|(_, expr)| matches!(&expr.kind, ExprKind::Name(own) if **own == *name))
}

/// Whether no other package can end the program.
fn of_http_only(module: &Module) -> bool {
    let http = |name: &str| {
        matches!(name.strip_prefix("node:").unwrap_or(name), "http" | "https" | "url" | "process")
    };
    module.imports.is_empty()
        && module.exprs().all(|(id, expr)| match &expr.kind {
            ExprKind::Import { .. } => package(module, id).is_some_and(http),
            _ => true,
        })
}

/// Whether a program of Node.js has no end that fails, but that nobody answers.
fn never_fails(module: &Module) -> bool {
    let zero = |arg: &Argument| matches!(module.expr(arg.value).kind, ExprKind::Number(0.0));
    let fails = module.exprs().any(|(_, expr)| match &expr.kind {
        ExprKind::Call { callee, args, .. } => match &module.expr(*callee).kind {
            ExprKind::Member { name, .. } => **name == *"exit" && !args.iter().all(zero),
            // What a function of its own does with the answer is not followed.
            ExprKind::Name(name) => !matches!(&**name, "fetch" | "Number" | "setTimeout"),
            _ => true,
        },
        ExprKind::Member { name, .. } => {
            // What reads the answer may fail over it.
            matches!(&**name, "exitCode" | "abort" | "kill" | "reject" | "json" | "destroy")
        }
        ExprKind::Name(name) => matches!(&**name, "assert" | "reject" | "JSON"),
        _ => false,
    });
    !fails && !module.stmts().any(|stmt| matches!(stmt.kind, StmtKind::Throw(_)))
}
