//! What a small program asks by HTTP: the URL of a probe that is written in a language of its own.

mod ignored;

use plimsoll_source::FileId;
use plimsoll_syntax::program::{
    Argument, BinaryOp, Entry, ExprId, ExprKind, FunctionId, Joined, Key, LogicalOp, Module, Part,
    PatternId, PatternKind, StmtKind,
};
use plimsoll_syntax::{javascript, python};

use super::facts::constant;

/// How deep a text may be put together.
const MAX_DEPTH: usize = 16;

/// A request of a small program.
pub(crate) struct Asked {
    /// Variables of the environment as a shell writes them: `http://localhost:${PORT:-3000}/health`.
    pub(crate) url: String,
    /// The program ends well whatever status comes back.
    pub(crate) is_ignored: bool,
}

/// The request that a program makes, where it is one. `name` says the language.
pub(crate) fn asked(name: &str, text: &[u8]) -> Option<Asked> {
    let nowhere = FileId(0);
    let parsed = match name.ends_with(".py") {
        true => python::read(nowhere, text),
        false => javascript::read(name, nowhere, text),
    };
    if parsed.errors.iter().any(|error| error.fatal) {
        return None;
    }
    let module = &parsed.tree;
    let mut found: Vec<(ExprId, String)> = Vec::new();
    for (id, expr) in module.exprs() {
        let ExprKind::Call { callee, args, .. } = &expr.kind else { continue };
        let Some(first) = args.first() else { continue };
        let url = written(module, first.value, 0).filter(|url| is_url(url));
        let url = url.or_else(|| options(module, first.value, 0));
        let url = url.or_else(|| connection(module, *callee, args));
        if let Some(url) = url.filter(|url| found.iter().all(|(_, known)| known != url)) {
            found.push((id, url));
        }
    }
    match &mut found[..] {
        [(call, url)] => {
            let is_ignored = ignored::is_ignored(module, *call);
            Some(Asked { url: std::mem::take(url), is_ignored })
        }
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

/// `http.client.HTTPConnection("localhost", 8000)`, of which `request("GET", "/health")` is asked.
fn connection(module: &Module, callee: ExprId, args: &[Argument]) -> Option<String> {
    let called = |id: ExprId| match &module.expr(id).kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(&**name),
        _ => None,
    };
    let of = |id: ExprId| written(module, id, 0);
    if called(callee)? != "request" || !matches!(&*of(args.first()?.value)?, "GET" | "HEAD") {
        return None;
    }
    let path = of(args.get(1)?.value).filter(|path| path.starts_with('/'))?;
    let mut made = module.exprs().filter_map(|(_, expr)| match &expr.kind {
        ExprKind::Call { callee, args, .. } => {
            let scheme = match called(*callee)? {
                "HTTPConnection" => "http",
                "HTTPSConnection" => "https",
                _ => return None,
            };
            Some((scheme, args))
        }
        _ => None,
    });
    let (scheme, args) = made.next().filter(|_| made.next().is_none())?;
    let host = of(args.first()?.value)?;
    let port = args.get(1).filter(|port| port.name.is_none()).map(|port| of(port.value));
    Some(match port {
        Some(port) => format!("{scheme}://{host}:{}{path}", port?),
        None if args.len() == 1 => format!("{scheme}://{host}{path}"),
        None => return None,
    })
}

/// What a name is where it is bound but once, wherever that stands; or to a variable of the
/// environment, and to a default where that is not set.
fn bound(module: &Module, name: &str, depth: usize) -> Option<String> {
    let of = |id: ExprId| written(module, id, depth + 1);
    match &*bindings(module, name) {
        [value] => of((*value)?),
        [first, second] => {
            let (first, second) = ((*first)?, (*second)?);
            let is_default = module.stmts().any(|stmt| match &stmt.kind {
                StmtKind::If { test, then, otherwise: None } => {
                    let (test, then) = (module.expr(*test).range, module.stmt(*then).range);
                    let at = module.expr(second).range;
                    let asks = module.exprs().any(|(_, expr)| {
                        let named = matches!(&expr.kind, ExprKind::Name(own) if **own == *name);
                        named && test.start <= expr.range.start && expr.range.end <= test.end
                    });
                    asks && then.start <= at.start && at.end <= then.end
                }
                _ => false,
            });
            let variable = of(first).filter(|one| one.starts_with("${") && !one.contains(":-"))?;
            let variable = Some(variable).filter(|_| is_default)?;
            let literal =
                matches!(module.expr(second).kind, ExprKind::Text(_) | ExprKind::Number(_));
            Some(with_default(variable, &of(second).filter(|_| literal)?))
        }
        _ => None,
    }
}

/// What a name is bound to, in the order of the text; nothing for what is not told.
fn bindings(module: &Module, name: &str) -> Vec<Option<ExprId>> {
    let is = |id: PatternId| match &module.pattern(id).kind {
        PatternKind::Name(own) => **own == *name,
        _ => false,
    };
    let lets = module.stmts().filter_map(|stmt| match &stmt.kind {
        StmtKind::Let { pattern, init, .. } if is(*pattern) => Some((stmt.range, *init)),
        _ => None,
    });
    let assigned = module.exprs().filter_map(|(_, expr)| match &expr.kind {
        ExprKind::Assign { target, value, with } if is(*target) => {
            Some((expr.range, Some(*value).filter(|_| *with == Joined::Replaces)))
        }
        _ => None,
    });
    let given = |id: FunctionId| {
        let function = module.function(id);
        let own = function.params.iter().any(|param| is(param.pattern));
        own.then_some((function.range, None))
    };
    let functions = module.exprs().filter_map(|(_, expr)| match &expr.kind {
        ExprKind::Function(id) => given(*id),
        _ => None,
    });
    let declared = module.stmts().filter_map(|stmt| match &stmt.kind {
        StmtKind::Function(id) => given(*id),
        _ => None,
    });
    let mut all: Vec<_> = lets.chain(assigned).chain(functions).chain(declared).collect();
    all.sort_by_key(|(range, _)| range.start);
    all.into_iter().map(|(_, value)| value).collect()
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
        ExprKind::Name(name) => bound(module, name, depth)?,
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
            let asked = asked(name, text.as_bytes());
            assert_eq!(asked.map(|asked| asked.url).as_deref(), expected, "{text}");
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
        js(
            "let port = process.env.PORT; if (!port) port = 3000; fetch(`http://localhost:${port}/h`)",
            Some("http://localhost:${PORT:-3000}/h"),
        );
        js("let port = 1; port += 1; fetch(`http://localhost:${port}/h`)", None);
        js("const f = (port) => fetch(`http://localhost:${port}/h`); const port = 1;", None);
        check(
            "a.py",
            "import os, urllib.request\nport = os.environ.get('PORT', '8000')\nurllib.request.urlopen(f'http://localhost:{port}/health')\n",
            Some("http://localhost:${PORT:-8000}/health"),
        );
        let main = "import os, sys, requests\ndef main():\n    port = os.getenv('PORT')\n    if port is None:\n        port = 9000\n    url = f'http://127.0.0.1:{port}/about'\n    r = requests.get(url)\n    sys.exit(0 if r.ok else 1)\nmain()\n";
        check("a.py", main, Some("http://127.0.0.1:${PORT:-9000}/about"));
        // Another condition decides.
        check("a.py", &main.replace("port is None", "debug"), None);
        check(
            "a.py",
            "import http.client\nconn = http.client.HTTPConnection('localhost', 8000, timeout=2)\nconn.request('GET', '/health')\n",
            Some("http://localhost:8000/health"),
        );
    }

    #[test]
    fn whose_answer_is_ignored() {
        let check = |name: &str, text: &str, expected: bool| {
            let asked = asked(name, text.as_bytes()).expect("it asks");
            assert_eq!(asked.is_ignored, expected, "{text}");
        };
        let get = "require('http').get('http://127.0.0.1:3000/health', ";
        let js = |text: &str, expected| check("a.js", text, expected);
        let error = ".on('error', (e) => { console.error(e); process.exit(1) })";
        js(&format!("{get}r => process.exit(0)){error}"), true);
        js(&format!("{get}() => {{}})"), true);
        js(&format!("{get}r => process.exit(r.statusCode === 200 ? 0 : 1)){error}"), false);
        js(&format!("{get}({{statusCode}}) => process.exit(statusCode === 200 ? 0 : 1))"), false);
        js(&format!("{get}r => check(r)){error}"), false);
        js(&format!("{get}r => {{ if (r.statusCode !== 200) throw new Error('down') }})"), false);
        js(&format!("{get}r => r.on('data', d => process.exit(d == 'ok' ? 0 : 1)))"), false);
        let fetch = "fetch('http://127.0.0.1:3000/health')";
        js(&format!("{fetch}.then(r => {{ if (!r.ok) console.error('bad') }})"), true);
        js(&format!("{fetch}.then(() => process.exit(0)).catch(() => process.exit(1))"), true);
        js(&format!("{fetch}.then(r => process.exit(r.ok ? 0 : 1))"), false);
        js(&format!("{fetch}.then(r => {{ if (!r.ok) process.exitCode = 1 }})"), false);
        js(&format!("{fetch}.then(r => r.json()).then(() => process.exit(0))"), false);
        js(&format!("const r = await {fetch}; process.exit(r.ok ? 0 : 1)"), false);
        js(&format!("const r = await {fetch}; done(r)"), false);
        js(&format!("const ok = (r) => r.ok; process.exit(ok(await {fetch}) ? 0 : 1)"), false);
        // It fails by itself.
        js("require('axios').get('http://127.0.0.1:3000/health')", false);
        let py =
            |text: &str, expected| check("a.py", &format!("import requests\n{text}\n"), expected);
        py("requests.get('http://127.0.0.1:3000/health')", true);
        py("requests.get('http://127.0.0.1:3000/health').raise_for_status()", false);
        py("r = requests.get('http://127.0.0.1:3000/health')\nexit(0 if r else 1)", false);
        py("assert requests.get('http://127.0.0.1:3000/health')", false);
        check("a.py", "import urllib.request\nurllib.request.urlopen('http://a:1/h')\n", false);
    }
}
