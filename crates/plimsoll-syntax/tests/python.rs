//! Python: what modules look like, what is kept of them, and texts that are made to break.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use plimsoll_source::FileId;
use plimsoll_syntax::program::{
    Argument, Body, Entry, ExprId, ExprKind, FunctionId, Key, MemberKind, Module, Part, PatternId,
    PatternKind, Spread, StmtId, StmtKind,
};
use plimsoll_syntax::python::read;
use proptest::prelude::*;

/// The module as one line a statement, fully bracketed.
fn check(text: &str) -> String {
    let parsed = read(FileId(0), text.as_bytes());
    let module = &parsed.tree;
    let mut out = String::new();
    for error in &parsed.errors {
        writeln!(out, "error: {}", error.message).unwrap();
    }
    for import in &module.imports {
        let types = if import.type_only { "type " } else { "" };
        let names = import.bindings.iter().map(|b| format!(" {:?}={}", b.what, b.local));
        writeln!(out, "import {types}{}{}", import.specifier.text, names.collect::<String>())
            .unwrap();
    }
    for &id in &module.body {
        if !matches!(module.stmt(id).kind, StmtKind::Import(_)) {
            writeln!(out, "{}", stmt(module, id)).unwrap();
        }
    }
    out
}

fn block(module: &Module, body: &[StmtId]) -> String {
    body.iter().map(|&id| stmt(module, id)).collect::<Vec<_>>().join("; ")
}

fn stmt(module: &Module, id: StmtId) -> String {
    let e = |id: ExprId| expr(module, id);
    let s = |id: StmtId| stmt(module, id);
    match &module.stmt(id).kind {
        StmtKind::Let { pattern, init, .. } => {
            format!("let {} = {}", pat(module, *pattern), init.map_or_else(String::new, e))
        }
        StmtKind::Expr(value) => e(*value),
        StmtKind::Return(value) => format!("return {}", value.map_or_else(String::new, e)),
        StmtKind::Throw(value) => format!("throw {}", value.map_or_else(String::new, e)),
        StmtKind::If { test, then, otherwise } => {
            let other = otherwise.map_or_else(String::new, |o| format!(" else {}", s(o)));
            format!("if {} {}{other}", e(*test), s(*then))
        }
        StmtKind::Block(body) => format!("{{{}}}", block(module, body)),
        StmtKind::Function(id) => function(module, *id),
        StmtKind::ForEach { pattern, over, body, .. } => {
            format!("for {} in {} {}", pat(module, *pattern), e(*over), s(*body))
        }
        StmtKind::While { test, body, .. } => {
            format!("while {} {}", test.map_or_else(String::new, e), s(*body))
        }
        StmtKind::With { items, body } => {
            let items = items.iter().map(|(value, name)| {
                let name = name.map_or_else(String::new, |n| format!(" as {}", pat(module, n)));
                format!("{}{name}", e(*value))
            });
            format!("with {} {}", items.collect::<Vec<_>>().join(", "), s(*body))
        }
        StmtKind::Try { body, catches, otherwise, finally } => {
            let mut out = format!("try {}", s(*body));
            for catch in catches {
                let only = catch.only.map_or_else(String::new, e);
                let name = catch.pattern.map_or_else(String::new, |n| pat(module, n));
                write!(out, " catch {only} {name} {}", s(catch.body)).unwrap();
            }
            for (word, then) in [("else", otherwise), ("finally", finally)] {
                if let Some(then) = then {
                    write!(out, " {word} {}", s(*then)).unwrap();
                }
            }
            out
        }
        StmtKind::Switch { subject, cases } => {
            let cases = cases.iter().map(|(test, body)| {
                format!(" [{}: {}]", test.map_or("_".to_owned(), e), block(module, body))
            });
            format!("match {}{}", e(*subject), cases.collect::<String>())
        }
        StmtKind::Class(id) => {
            let class = module.class(*id);
            let members = class.members.iter().map(|member| {
                let Key::Fixed(key) = &member.key else { return "?".to_owned() };
                let decorators = member.decorators.iter().map(|&d| format!("@{} ", e(d)));
                let types = member.of_type.as_ref().map_or(String::new(), |t| format!(": {t}"));
                let what = match member.kind {
                    MemberKind::Field(value) => {
                        value.map_or_else(String::new, |v| format!(" = {}", e(v)))
                    }
                    MemberKind::Method(_) => "()".to_owned(),
                    MemberKind::Getter(_) => " get".to_owned(),
                    MemberKind::Setter(_) => " set".to_owned(),
                    MemberKind::Block(body) => s(body),
                };
                format!("{}{key}{types}{what}", decorators.collect::<String>())
            });
            let members: Vec<String> = members.collect();
            let decorators = class.decorators.iter().map(|&d| format!("@{} ", e(d)));
            format!(
                "{}class {}({}) {{{}}}",
                decorators.collect::<String>(),
                class.name.as_deref().unwrap_or(""),
                arguments(module, &class.bases),
                members.join("; ")
            )
        }
        other => format!("{other:?}").chars().take_while(|c| c.is_alphanumeric()).collect(),
    }
}

fn function(module: &Module, id: FunctionId) -> String {
    let function = module.function(id);
    let params = function.params.iter().map(|param| {
        let types = param.of_type.as_ref().map_or(String::new(), |name| format!(": {name}"));
        let extras = param.decorators.iter().map(|&d| format!(" @{}", expr(module, d)));
        let star = match param.rest {
            Spread::No => "",
            Spread::Elements => "*",
            Spread::Keywords => "**",
        };
        format!("{star}{}{types}{}", pat(module, param.pattern), extras.collect::<String>())
    });
    let params: Vec<String> = params.collect();
    let decorators = function.decorators.iter().map(|&d| format!("@{} ", expr(module, d)));
    let body = match &function.body {
        Body::Expr(value) => expr(module, *value),
        Body::Block(body) => format!("{{{}}}", block(module, body)),
    };
    format!(
        "{}{}fn{} {}({}) {body}",
        decorators.collect::<String>(),
        if function.is_async { "async " } else { "" },
        if function.is_generator { "*" } else { "" },
        function.name.as_deref().unwrap_or(""),
        params.join(", ")
    )
}

fn pat(module: &Module, id: PatternId) -> String {
    match &module.pattern(id).kind {
        PatternKind::Name(name) => name.to_string(),
        PatternKind::Elements { elements, rest } => {
            let mut all: Vec<String> =
                elements.iter().map(|e| e.map_or_else(String::new, |e| pat(module, e))).collect();
            all.extend(rest.map(|rest| format!("*{}", pat(module, rest))));
            format!("[{}]", all.join(", "))
        }
        PatternKind::Default { pattern, value } => {
            format!("{} = {}", pat(module, *pattern), expr(module, *value))
        }
        PatternKind::Target(value) => expr(module, *value),
        PatternKind::Fields { .. } => "?".to_owned(),
    }
}

fn arguments(module: &Module, args: &[Argument]) -> String {
    let all = args.iter().map(|arg| {
        let name = arg.name.as_ref().map_or(String::new(), |name| format!("{name}="));
        let star = match arg.spread {
            Spread::No => "",
            Spread::Elements => "*",
            Spread::Keywords => "**",
        };
        format!("{name}{star}{}", expr(module, arg.value))
    });
    all.collect::<Vec<_>>().join(", ")
}

fn expr(module: &Module, id: ExprId) -> String {
    let e = |id: &ExprId| expr(module, *id);
    match &module.expr(id).kind {
        ExprKind::Text(text) => format!("{text:?}"),
        ExprKind::Number(number) => number.to_string(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Template(parts) => {
            let parts = parts.iter().map(|part| match part {
                Part::Text(text) => text.to_string(),
                Part::Value(value) => format!("${{{}}}", e(value)),
            });
            format!("`{}`", parts.collect::<String>())
        }
        ExprKind::Member { object, name, .. } => format!("{}.{name}", e(object)),
        ExprKind::Index { object, index } => format!("{}[{}]", e(object), e(index)),
        ExprKind::Call { callee, args, .. } => {
            format!("{}({})", e(callee), arguments(module, args))
        }
        ExprKind::List(items) => format!("[{}]", arguments(module, items)),
        ExprKind::Binary { op, left, right } => format!("({} {op:?} {})", e(left), e(right)),
        ExprKind::Logical { op, left, right } => format!("({} {op:?} {})", e(left), e(right)),
        ExprKind::Unary { op, operand } => format!("{op:?}({})", e(operand)),
        ExprKind::Conditional { test, then, otherwise } => {
            format!("({} ? {} : {})", e(test), e(then), e(otherwise))
        }
        ExprKind::Assign { target, value, with } => {
            format!("({} {with:?} {})", pat(module, *target), e(value))
        }
        ExprKind::Await(value) => format!("await {}", e(value)),
        ExprKind::Yield(value) => format!("yield {}", value.as_ref().map_or(String::new(), e)),
        ExprKind::Import { specifier, .. } => format!("import({})", e(specifier)),
        ExprKind::Function(id) => function(module, *id),
        ExprKind::Object(entries) => {
            let all = entries.iter().map(|entry| match entry {
                Entry::Pair { key: Key::Fixed(key), value, .. } => format!("{key}: {}", e(value)),
                Entry::Pair { key: Key::Computed(key), value, .. } => {
                    format!("[{}]: {}", e(key), e(value))
                }
                Entry::Spread(value) => format!("**{}", e(value)),
                Entry::Getter { .. } => "?".to_owned(),
            });
            format!("{{{}}}", all.collect::<Vec<_>>().join(", "))
        }
        ExprKind::Comprehension { element, over, tests } => {
            let over = over.iter().map(|(p, v)| format!(" for {} in {}", pat(module, *p), e(v)));
            let tests = tests.iter().map(|test| format!(" if {}", e(test)));
            format!("[{}{}{}]", e(element), over.collect::<String>(), tests.collect::<String>())
        }
        ExprKind::Opaque(inside) => format!("?{}", inside.len()),
        other => format!("{other:?}").chars().take_while(|c| c.is_alphanumeric()).collect(),
    }
}

#[test]
fn a_service() {
    let text = r#"
from __future__ import annotations
import os, os.path, redis.asyncio as redis
from fastapi import FastAPI, Depends as D
from . import models
from ..core.config import *
if TYPE_CHECKING:
    from .types import T

app = FastAPI(title=f"x {name} {y!r}", **options)
a = b = {"k": 1, c: [*d, e], **f}
x, (y, *z) = g()
port: int = int(os.environ.get("PORT", 8_000))
url: str

@app.get("/health/{id}", status_code=200)
async def health(id: int, db: Annotated[Session, D(get_db)], *args, q: str = "1", **kw) -> dict:
    """Says so."""
    global count
    count = count + 1
    try:
        await db.execute(text("select 1"))
    except (A, B) as error:
        raise HTTPException(503) from error
    else:
        pass
    finally:
        done()
    return {"ok": not error}

def lifespan(app):
    yield

class Settings(BaseSettings, frozen=True):
    "Doc."
    URL: str = Field(...)
    port: int
    @property
    def dsn(self): return self.URL
    @staticmethod
    def make(): pass
    class Config: env_file = ".env"

if __name__ == "__main__":
    uvicorn.run("main:app", port=port)
"#;
    let expected = r#"import __future__ Named("annotations")=annotations
import os Namespace=os
import os.path
import os Namespace=os
import redis.asyncio Namespace=redis
import fastapi Named("FastAPI")=FastAPI Named("Depends")=D
import . Named("models")=models
import ..core.config Named("*")=*
import type .types Named("T")=T
if TYPE_CHECKING {Import}
let app = FastAPI(title=`x ${name} ${?1}`, **options)
let a = {k: 1, [c]: [*d, e], **f}
let b = {k: 1, [c]: [*d, e], **f}
([x, [y, *z]] Replaces g())
let port = int(os.environ.get("PORT", 8000))
@app.get("/health/{id}", status_code=200) async fn health(id: int, db: Session @D(get_db), *args, q = "1": str, **kw) {"Says so."; (count Replaces (count Add 1)); try {await db.execute(text("select 1"))} catch [A, B] error {throw HTTPException(503)} else {} finally {done()}; return {ok: Not(error)}}
fn* lifespan(app) {yield }
class Settings(BaseSettings, frozen=true) {URL: str = Field(Ellipsis); port: int; @property dsn get; @staticmethod make(); Config = Class}
if (__name__ Equal "__main__") {uvicorn.run("main:app", port=port)}
"#;
    assert_eq!(check(text), expected);
}

#[test]
fn statements() {
    for (text, expected) in [
        ("a.b[0].c(1)[1:2] += d", "(a.b[0].c(1)[?2] Binary(Add) d)"),
        ("if a: b\nelif c: d\nelse: e", "if a {b} else if c {d} else {e}"),
        ("assert a, b", "if Not(a) throw b"),
        ("del a, b", "?2"),
        ("for a, b in c: d\nelse: e", "for [a, b] in c {d}\nif ?0 {e}"),
        ("while True:\n  break", "while true {Break}"),
        ("async def f():\n  async with a() as b, c: pass", "async fn f() {with a() as b, c {}}"),
        (
            "match a.b:\n  case 'x': y\n  case 1 | 2: z\n  case {'k': v, **r} if v: w\n  case _: u",
            "match a.b [\"x\": y; Break] [?0: z; Break] [?1: let v = ?0; let r = ?0; w; Break] [_: u; Break]",
        ),
        ("a < b <= c", "((a Less b) And (b LessEqual c))"),
        ("a or b or c is not None", "((a Or b) Or (c NotEqual Null))"),
        ("[x for x in y if z]", "[x for x in y if z]"),
        ("{k: v for k, v in y}", "?3"),
        ("(x := 1, lambda a, *b: a)", "[(x Replaces 1), fn (a, *b) a]"),
        ("b'x' 'y'", "error: "),
        ("'a' f'b{c}' 'd'", "`ab${c}d`"),
        ("m = importlib.import_module('a.b')", "let m = import(\"a.b\")"),
        (
            "def f():\n  def g():\n    nonlocal x\n    x = 1\n  x = yield",
            "fn* f() {fn g() {(x Replaces 1)}; let x = yield }",
        ),
        ("try: a\nexcept* E: b", "try {a} catch E  {b}"),
        ("type X = int\nglobal y\ny = ...", "let y = Ellipsis"),
        ("\u{FEFF}x = 1", "let x = 1"),
        ("print 'x'", "error: "),
    ] {
        let got = check(text);
        match expected {
            "error: " => assert!(got.starts_with(expected), "{text}: {got}"),
            _ => assert_eq!(got, format!("{expected}\n"), "{text}"),
        }
    }
}

/// Texts that nest: each is read or refused, in good time, and nothing overflows.
#[test]
fn nothing_nests_too_deep() {
    let pieces = [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("{1:", "}"),
        ("f(", ")"),
        ("f(a=", ")"),
        ("(a,", ")"),
        ("a[", "]"),
        ("not ", ""),
        ("-", ""),
        ("await ", ""),
        ("lambda:", ""),
        ("lambda x,y:", ""),
        ("a if b else ", ""),
        ("a**", ""),
        ("a+", ""),
        ("a.", ""),
        ("a and ", ""),
        ("a<", ""),
        ("a=", ""),
        ("(a:=", ")"),
        ("f'{", "}'"),
        ("f\"{f'{", "}'}\""),
        ("f'''{", "}'''"),
        ("f'{a:{", "}}'"),
        ("'a' ", ""),
        ("*", ""),
        ("yield ", ""),
        ("if a: ", ""),
        ("class A: ", ""),
        ("@", ""),
        ("f'{\"a\" (((", ""),
        ("(", "]"),
        ("([", ")"),
        ("x for y in (", ")"),
        ("a()", ""),
        ("a[0]", ""),
        ("if a:pass\nelif b:pass\nelif ", ":pass"),
        ("match a:\n case [", "]: pass"),
        ("return ", ""),
        ("a; ", ""),
        ("del (", ")"),
        ("import a.", ""),
        ("`", "`"),
        ("\\\n", ""),
    ];
    for (open, close) in pieces {
        for times in [50, 300, 3_000, 50_000] {
            let text = format!("{}x{}", open.repeat(times), close.repeat(times));
            let parsed = read(FileId(0), text.as_bytes());
            assert!(parsed.tree.weight() <= text.len() * 4 + 8, "{open}");
        }
    }
    for levels in [100, 1_000] {
        let mut text = String::new();
        for level in 0..levels {
            text.push_str(&" ".repeat(level));
            text.push_str("if a:\n");
        }
        text.push_str(&" ".repeat(levels));
        text.push_str("b\n");
        assert_eq!(check(&text).contains("nested too deeply"), levels > 256);
    }
    // Long is not deep.
    let table = format!("x = [{}]", "f(a.b, -1, 'c', {'d': [e]}),".repeat(20_000));
    assert_eq!(read(FileId(0), table.as_bytes()).errors, []);
}

#[test]
fn what_is_not_a_module() {
    assert!(check(&" ".repeat((4 << 20) + 1)).contains("error: longer than 4 MiB"));
    assert_eq!(read(FileId(0), b"\xff").errors.len(), 1);
    assert_eq!(check(""), "");
}

const REAL: &str = "import a, b.c as d\nfrom .e import (f, g as h)\n@i(j=1)\nasync def k(l: m = 1, /, *n, o, **p) -> q:\n    r = f'{s!r:>{t}} u {{v}}' rb'\\x00'\n    async for w in x:\n        try:\n            yield (y := 1)\n        except* (Z, A) as b: raise\n    return {c: d for c, d in e if not f}, [*g, 1_0.0e1j]\nclass B(C, metaclass=D):\n\tmatch E:\n\t\tcase F(g=1) | [h, *_] if i: del j[1:2, ...]\nwith (k as l, m): lambda: (n if o else p)\n";

#[test]
fn every_truncation_is_read() {
    for end in (0..REAL.len()).filter(|&end| REAL.is_char_boundary(end)) {
        let parsed = read(FileId(0), &REAL.as_bytes()[..end]);
        assert_within(&parsed.tree, end);
    }
}

fn assert_within(module: &Module, len: usize) {
    for (_, expr) in module.exprs() {
        assert!(expr.range.start <= expr.range.end && expr.range.end as usize <= len);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes_are_read(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let parsed = read(FileId(0), &text);
        assert_within(&parsed.tree, text.len());
    }

    #[test]
    fn random_tokens_are_read(tokens in proptest::collection::vec(prop_oneof![
        Just("("), Just(")"), Just("{"), Just("}"), Just("["), Just("]"), Just("f'"), Just("'"),
        Just("\"\"\""), Just(":"), Just("\n"), Just("\n  "), Just("    "), Just("a"), Just("async "),
        Just("def "), Just("class "), Just("match "), Just("case "), Just("lambda "), Just("="),
        Just("*"), Just("."), Just(","), Just("import "), Just("from "), Just("@"), Just("\\\n"),
        Just("try:"), Just("except "), Just("if "), Just("else:"), Just("1"), Just("é"), Just("!"),
    ], 0..60)) {
        let text = tokens.concat();
        let parsed = read(FileId(0), text.as_bytes());
        assert_within(&parsed.tree, text.len());
    }
}
