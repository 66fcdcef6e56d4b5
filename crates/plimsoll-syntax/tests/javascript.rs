//! JavaScript: what modules look like, what is kept of them, and texts that are made to break.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use plimsoll_source::FileId;
use plimsoll_syntax::javascript::{STACK, read, read_here};
use plimsoll_syntax::program::{
    Body, ExprId, ExprKind, Key, Module, Part, PatternId, PatternKind, StmtId, StmtKind,
};
use proptest::prelude::*;

/// The module as one line a statement, fully bracketed.
fn check(name: &str, text: &str) -> String {
    let parsed = read(name, FileId(0), text.as_bytes());
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
    for export in &module.exports {
        writeln!(out, "export {} {:?}", export.name, export.what).unwrap();
    }
    for &id in &module.body {
        if !matches!(module.stmt(id).kind, StmtKind::Import(_)) {
            writeln!(out, "{}", stmt(module, id)).unwrap();
        }
    }
    out
}

fn stmt(module: &Module, id: StmtId) -> String {
    match &module.stmt(id).kind {
        StmtKind::Let { pattern, init, .. } => {
            let init = init.map_or_else(String::new, |init| format!(" = {}", expr(module, init)));
            format!("let {}{init}", pat(module, *pattern))
        }
        StmtKind::Expr(value) => expr(module, *value),
        StmtKind::Return(value) => {
            format!("return {}", value.map_or_else(String::new, |v| expr(module, v)))
        }
        StmtKind::If { test, then, otherwise } => {
            let other =
                otherwise.map_or_else(String::new, |o| format!(" else {}", stmt(module, o)));
            format!("if {} {}{other}", expr(module, *test), stmt(module, *then))
        }
        StmtKind::Block(body) => {
            let all: Vec<String> = body.iter().map(|&id| stmt(module, id)).collect();
            format!("{{{}}}", all.join("; "))
        }
        StmtKind::Function(function) => {
            let function = module.function(*function);
            let params: Vec<String> =
                function.params.iter().map(|p| pat(module, p.pattern)).collect();
            let Body::Block(body) = &function.body else { return String::new() };
            let body: Vec<String> = body.iter().map(|&id| stmt(module, id)).collect();
            let name = function.name.as_deref().unwrap_or("");
            format!("fn {name}({}) {{{}}}", params.join(", "), body.join("; "))
        }
        StmtKind::Class(class) => {
            let class = module.class(*class);
            let members = class.members.iter().map(|member| {
                let Key::Fixed(key) = &member.key else { return "?".to_owned() };
                let marks = if member.is_static { "static " } else { "" };
                let decorators =
                    member.decorators.iter().map(|&d| format!("@{} ", expr(module, d)));
                format!("{}{marks}{key}", decorators.collect::<String>())
            });
            let members: Vec<String> = members.collect();
            format!("class {} {{{}}}", class.name.as_deref().unwrap_or(""), members.join("; "))
        }
        other => format!("{other:?}").chars().take_while(|c| c.is_alphanumeric()).collect(),
    }
}

fn pat(module: &Module, id: PatternId) -> String {
    match &module.pattern(id).kind {
        PatternKind::Name(name) => name.to_string(),
        PatternKind::Fields { fields, .. } => {
            let fields = fields.iter().map(|(key, pattern)| match key {
                Key::Fixed(key) => format!("{key}: {}", pat(module, *pattern)),
                Key::Computed(_) => "?".to_owned(),
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        PatternKind::Elements { elements, .. } => {
            let all = elements.iter().map(|e| e.map_or_else(String::new, |e| pat(module, e)));
            format!("[{}]", all.collect::<Vec<_>>().join(", "))
        }
        PatternKind::Default { pattern, value } => {
            format!("{} = {}", pat(module, *pattern), expr(module, *value))
        }
        PatternKind::Target(value) => expr(module, *value),
    }
}

fn expr(module: &Module, id: ExprId) -> String {
    let e = |id: &ExprId| expr(module, *id);
    match &module.expr(id).kind {
        ExprKind::Text(text) => format!("{text:?}"),
        ExprKind::Number(number) => number.to_string(),
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
        ExprKind::Call { callee, args, new } => {
            let args: Vec<String> = args.iter().map(|arg| e(&arg.value)).collect();
            format!("{}{}({})", if *new { "new " } else { "" }, e(callee), args.join(", "))
        }
        ExprKind::Binary { op, left, right } => format!("({} {op:?} {})", e(left), e(right)),
        ExprKind::Logical { op, left, right } => format!("({} {op:?} {})", e(left), e(right)),
        ExprKind::Assign { target, value, with } => {
            format!("({} {with:?} {})", pat(module, *target), e(value))
        }
        ExprKind::Await(value) => format!("await {}", e(value)),
        ExprKind::Import { specifier, required } => {
            format!("{}({})", if *required { "require" } else { "import" }, e(specifier))
        }
        ExprKind::Function(function) => {
            let function = module.function(*function);
            let params: Vec<String> =
                function.params.iter().map(|p| pat(module, p.pattern)).collect();
            let body = match &function.body {
                Body::Expr(value) => e(value),
                Body::Block(body) => {
                    let all: Vec<String> = body.iter().map(|&id| stmt(module, id)).collect();
                    format!("{{{}}}", all.join("; "))
                }
            };
            format!("({}) => {body}", params.join(", "))
        }
        ExprKind::Object(entries) => format!("{{{} entries}}", entries.len()),
        ExprKind::Opaque(inside) => format!("?{}", inside.len()),
        other => format!("{other:?}").chars().take_while(|c| c.is_alphanumeric()).collect(),
    }
}

#[test]
fn a_typescript_module() {
    let text = r#"
import Fastify, { FastifyInstance, type Logger } from 'fastify';
import type { Pool } from 'pg';
import './side-effect';
export * from './other.js';
export { default as thing } from './thing';
export const PORT = parseInt(process.env.PORT || '3000', 10) as number;
const { a, b: { c = 1 } } = require(`./config`);
export default async function start(app: FastifyInstance): Promise<void> {
  if (!app) return;
  await app!.listen({ port: PORT, host: `http://${a}` });
}
@Controller('health')
class Health { constructor(private db: Pool) {} @Get('ready') ready() {} static #x = 1; }
"#;
    let expected = r#"import fastify Default=Fastify Named("FastifyInstance")=FastifyInstance
import type pg Named("Pool")=Pool
import ./side-effect
import ./other.js
import ./thing
export  All { specifier: "./other.js" }
export thing From { specifier: "./thing", what: Default }
export PORT Local("PORT")
export default Local("start")
let PORT = parseInt((process.env.PORT Or "3000"), 10)
let {a: a, b: {c: c = 1}} = require("./config")
fn start(app) {if Unary return ; await app.listen({2 entries})}
class Health {constructor; @Get("ready") ready; static #x}
"#;
    let got = check("a.ts", text);
    // Only `Fastify`'s types are used: nothing is loaded of it.
    assert_eq!(got.replace("import type fastify", "import fastify"), expected);
    assert!(got.contains("import type fastify"));
}

#[test]
fn other_kinds_of_modules() {
    let commonjs = "#!/usr/bin/env node\n'use strict';\nvar x = require('y')\nmodule.exports = { x }\nreturn\n";
    let expected = "let x = require(\"y\")\n(module.exports Replaces {1 entries})\nreturn \n";
    assert_eq!(check("a.cjs", commonjs), expected);
    assert_eq!(check("a.js", commonjs), expected);
    assert_eq!(
        check("a.js", "await x()\nexport const y = <A b={c}>don't {d}</A>\n"),
        "export y Local(\"y\")\nawait x()\nlet y = ?3\n"
    );
    assert_eq!(check("a.js", "type A = string\nlet a: A = 1"), "let a = 1\n");
    assert_eq!(
        check("a.ts", "enum E { A = 'a', B }\nimport x = require('y')\nexport = x"),
        "let E = {2 entries}\nlet x = require(\"y\")\n(module.exports Replaces x)\n"
    );
    assert!(check("a.ts", "let a = (").starts_with("error: "));
    assert_eq!(check("a.js", "\u{FEFF}a?.b?.['c'](1)"), "a.b.c(1)\n");
}

/// Texts that nest: each is read or refused, in good time, and nothing overflows.
#[test]
fn nothing_nests_too_deep() {
    let pieces = [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("({a:", "})"),
        ("`${", "}`"),
        ("!", ""),
        ("typeof ", ""),
        ("a?b:", ""),
        ("a=", ""),
        ("a=>", ""),
        ("async a=>", ""),
        ("new ", ""),
        ("if(a)", ""),
        ("if(a);else ", ""),
        ("for(;;)", ""),
        ("a:", ""),
        ("a**", ""),
        ("a+", ""),
        ("a.b", "."),
        ("a[", "]"),
        ("a(", ")"),
        ("(a,", ")"),
        ("<a>", "</a>"),
        ("<a b={", "}></a>"),
        ("<T>", ""),
        ("x as T<", ">"),
        ("(a=(", "))"),
        ("((a)=>(", "))"),
        ("class extends ", ""),
        ("await ", ""),
        ("function f(a=", "){}"),
        ("f(function(){", "})"),
        ("type A = keyof ", ""),
        ("{\"", "\"}"),
        ("let a: T extends U ? V : ", ""),
        ("@a", ""),
        ("import(", ")"),
        ("a<b<", ""),
        ("a<(", ")"),
        ("'{", ""),
        ("<a>'{", ""),
        ("/[", ""),
        ("switch(a){case ", "}"),
        ("do ", ""),
        ("<", ""),
    ];
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        for (open, close) in pieces {
            for times in [50, 300, 3_000, 20_000] {
                for name in ["a.ts", "a.tsx", "a.cjs"] {
                    let text = format!("{}x{}", open.repeat(times), close.repeat(times));
                    let parsed = read_here(name, FileId(0), text.as_bytes());
                    assert!(parsed.tree.weight() <= text.len() * 4, "{open}");
                }
            }
        }
    });
    worker.unwrap().join().unwrap();
}

#[test]
fn what_is_not_a_module() {
    assert!(check("a.js", &" ".repeat((4 << 20) + 1)).contains("error: longer than 4 MiB"));
    assert_eq!(read("a.js", FileId(0), b"\xff").errors.len(), 1);
    assert_eq!(check("", ""), "");
}

const REAL: &str = "import a, {b as c} from 'd';\nexport default class X extends Y {\n #p = `a${b}c`;\n async *m({x = 1, ...r}, [y]) { for await (const z of q) yield z ?? /[/]\\/(/g.test(z); }\n}\ntry { a?.b!.c(<T>d) } catch { label: while (1) break label } finally {}\nlet v = a ? b : c => ({ get d() { return 1 }, [e]: f, ...g });\nswitch (v) { case 1: default: throw new Error('x\\u00e9') }\n";

#[test]
fn every_truncation_is_read() {
    for end in (0..REAL.len()).filter(|&end| REAL.is_char_boundary(end)) {
        for name in ["a.ts", "a.jsx"] {
            let parsed = read(name, FileId(0), &REAL.as_bytes()[..end]);
            assert_within(&parsed.tree, end);
        }
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
        let parsed = read("a.ts", FileId(0), &text);
        assert_within(&parsed.tree, text.len());
    }

    #[test]
    fn random_tokens_are_read(tokens in proptest::collection::vec(prop_oneof![
        Just("("), Just(")"), Just("{"), Just("}"), Just("<"), Just(">"), Just("`"), Just("${"),
        Just("a"), Just("async "), Just("=>"), Just("'"), Just("/"), Just(","), Just("?"), Just(":"),
        Just("class "), Just("function "), Just("import "), Just("export "), Just("\n"), Just("="),
    ], 0..60)) {
        let text = tokens.concat();
        for name in ["a.ts", "a.tsx", "a.js"] {
            let parsed = read(name, FileId(0), text.as_bytes());
            assert_within(&parsed.tree, text.len());
        }
    }
}
