//! What a small program asks by HTTP: the URL of a probe that is written in a language of its own.

use plimsoll_source::{FileId, TextRange};
use plimsoll_syntax::program::{
    Argument, BinaryOp, Entry, ExprId, ExprKind, Key, LogicalOp, Module, Part,
};
use plimsoll_syntax::{javascript, python};

use super::facts::constant;

/// How deep a text may be put together.
const MAX_DEPTH: usize = 16;

/// The URL that a program asks, where it is one; variables of the environment as a shell writes
/// them: `http://localhost:${PORT:-3000}/health`. `name` says the language.
pub(crate) fn url(name: &str, text: &[u8]) -> Option<String> {
    let nowhere = FileId(0);
    let parsed = match name.ends_with(".py") {
        true => python::read(nowhere, text),
        false => javascript::read(name, nowhere, text),
    };
    if parsed.errors.iter().any(|error| error.fatal) {
        return None;
    }
    let module = &parsed.tree;
    let mut found: Vec<(TextRange, String)> = Vec::new();
    for (_, expr) in module.exprs() {
        let ExprKind::Call { args, .. } = &expr.kind else { continue };
        let Some(first) = args.first() else { continue };
        let url = written(module, first.value, 0).filter(|url| is_url(url));
        let url = url.or_else(|| options(module, first.value, 0));
        if let Some(url) = url.filter(|url| found.iter().all(|(_, known)| known != url)) {
            found.push((expr.range, url));
        }
    }
    match &mut found[..] {
        [(_, url)] => Some(std::mem::take(url)),
        _ => None,
    }
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// `{ host: 'localhost', port: 3000, path: '/health' }` as a URL.
fn options(module: &Module, id: ExprId, depth: usize) -> Option<String> {
    let entries = match &module.expr(id).kind {
        ExprKind::Object(entries) => entries,
        ExprKind::Name(name) if depth < MAX_DEPTH => {
            return options(module, constant(module, name)?, depth + 1);
        }
        _ => return None,
    };
    let get = |names: &[&str]| {
        entries.iter().find_map(|entry| match entry {
            Entry::Pair { key: Key::Fixed(key), value, .. } if names.contains(&&**key) => {
                Some(*value)
            }
            _ => None,
        })
    };
    let host = match get(&["hostname", "host"]) {
        Some(host) => written(module, host, 0)?,
        None => "localhost".to_owned(),
    };
    let port = get(&["port"]).map(|port| written(module, port, 0));
    let path = written(module, get(&["path"])?, 0)?;
    Some(match port {
        Some(port) => format!("http://{host}:{}{path}", port?),
        None => format!("http://{host}{path}"),
    })
}

/// The text that an expression comes to.
fn written(module: &Module, id: ExprId, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    let of = |id: ExprId| written(module, id, depth + 1);
    Some(match &module.expr(id).kind {
        ExprKind::Text(text) => text.to_string(),
        ExprKind::Number(number) => number.to_string(),
        ExprKind::Template(parts) => {
            let mut text = String::new();
            for part in parts {
                match part {
                    Part::Text(part) => text.push_str(part),
                    Part::Value(value) => text.push_str(&of(*value)?),
                }
            }
            text
        }
        ExprKind::Binary { op: BinaryOp::Add, left, right } => of(*left)? + &of(*right)?,
        ExprKind::Logical { op: LogicalOp::Or | LogicalOp::Coalesce, left, right } => {
            with_default(of(*left)?, &of(*right)?)
        }
        ExprKind::Name(name) => of(constant(module, name)?)?,
        ExprKind::Member { object, name, .. } if is_environment(module, *object) => {
            format!("${{{name}}}")
        }
        ExprKind::Index { object, index } if is_environment(module, *object) => {
            format!("${{{}}}", of(*index)?)
        }
        ExprKind::Call { callee, args, .. } => called(module, *callee, args, &of)?,
        _ => return None,
    })
}

/// `${X}` with what stands for it where it is not set.
fn with_default(variable: String, default: &str) -> String {
    match variable.strip_suffix('}') {
        Some(open) if variable.starts_with("${") && !variable.contains(":-") => {
            format!("{open}:-{default}}}")
        }
        _ => variable,
    }
}

/// `Number(x)`, `os.environ.get("PORT", "8000")`.
fn called(
    module: &Module,
    callee: ExprId,
    args: &[Argument],
    of: &dyn Fn(ExprId) -> Option<String>,
) -> Option<String> {
    let first = || of(args.first()?.value);
    let read = || {
        let variable = format!("${{{}}}", first()?);
        Some(match args.get(1) {
            Some(default) => with_default(variable, &of(default.value)?),
            None => variable,
        })
    };
    match &module.expr(callee).kind {
        ExprKind::Name(name) => match &**name {
            "Number" | "String" | "parseInt" | "int" | "str" => first(),
            "getenv" => read(),
            _ => None,
        },
        ExprKind::Member { object, name, .. } => match &**name {
            "get" if is_environment(module, *object) => read(),
            "getenv" => read(),
            _ => None,
        },
        _ => None,
    }
}

/// `process.env`, `os.environ`.
fn is_environment(module: &Module, id: ExprId) -> bool {
    let ExprKind::Member { object, name, .. } = &module.expr(id).kind else { return false };
    let ExprKind::Name(of) = &module.expr(*object).kind else { return false };
    matches!((&**of, &**name), ("process", "env") | ("os", "environ") | ("Bun", "env"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_asks() {
        let check = |name: &str, text: &str, expected: Option<&str>| {
            assert_eq!(url(name, text.as_bytes()).as_deref(), expected, "{text}");
        };
        let js = |text: &str, expected| check("a.js", text, expected);
        js(
            "fetch('http://localhost:'+(process.env.PORT||3000)+'/health').then(r=>process.exit(r.ok?0:1))",
            Some("http://localhost:${PORT:-3000}/health"),
        );
        js(
            "const port = Number(process.env.PORT ?? 3000); require('http').get(`http://127.0.0.1:${port}/ready`, r => {})",
            Some("http://127.0.0.1:${PORT:-3000}/ready"),
        );
        js(
            "const options = {host: 'localhost', port: process.env.PORT, path: '/health', timeout: 2000}; const r = require('http').request(options, () => {}); r.end()",
            Some("http://localhost:${PORT}/health"),
        );
        js("fetch('http://a/x'); fetch('http://b/y')", None);
        js("fetch('http://localhost:' + port() + '/x')", None);
        js("fetch(", None);
        check(
            "a.py",
            "import os, urllib.request\nport = os.environ.get('PORT', '8000')\nurllib.request.urlopen(f'http://localhost:{port}/health')\n",
            Some("http://localhost:${PORT:-8000}/health"),
        );
    }
}
