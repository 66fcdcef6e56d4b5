//! What programs do, told by a few small files.

use std::fmt::Write;

use plimsoll_source::{Span, Tree};

use crate::code::{Answers, Code, Guard, StartFailure};
use crate::fact::Fact;
use crate::migration::{Down, down};

/// The program of the one service of these files, which `node src/index.js` starts, and what is said
/// of it.
fn read(files: &[(&str, &str)], say: impl Fn(&Code, &dyn Fn(Span) -> String) -> String) -> String {
    let mut all = vec![
        ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"src/index.js\"]\n"),
        (
            "package.json",
            r#"{"name":"a","main":"dist/index.js","scripts":{"start":"node dist/index.js"}}"#,
        ),
    ];
    all.retain(|(path, _)| !files.iter().any(|(own, _)| own == path));
    all.extend(files);
    let tree = Tree::from_memory(all);
    let delivery = crate::lower(&tree);
    let at = |span: Span| {
        let bytes = tree.read(span.file).unwrap();
        let before = &bytes[..span.range.start as usize];
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        format!("{}:{line}", tree.path(span.file).rsplit('/').next().unwrap())
    };
    let [service] = &*delivery.services else { panic!("one service") };
    service.code.as_ref().map_or_else(|| "none\n".to_owned(), |code| say(code, &at))
}

fn entry(files: &[(&str, &str)]) -> String {
    read(files, |code, at| match &code.entry {
        Fact::Known { value, .. } => at(Span::new(*value, plimsoll_source::TextRange::new(0, 0))),
        other => format!("{other:?}"),
    })
}

fn listens(index: &str) -> String {
    read(&[("src/index.js", index)], |code, at| {
        let mut out = String::new();
        for listen in &code.listens {
            let port = listen.port.known().map_or("?".to_owned(), u16::to_string);
            let place = listen.port.span().map_or_else(|| "-".to_owned(), at);
            writeln!(out, "{port} ({place}) {:?} at {}", listen.variables, at(listen.at)).unwrap();
        }
        out
    })
}

fn routes(files: &[(&str, &str)]) -> String {
    read(files, |code, at| {
        let mut out = String::new();
        for route in &code.routes {
            let guard = match route.guard {
                Guard::Open => "open".to_owned(),
                Guard::Rejects(span) => format!("rejects {}", at(span)),
                Guard::Unknown(why, _) => format!("{why:?}"),
            };
            let answers = match &route.answers {
                Answers::Constant(_) => "constant".to_owned(),
                Answers::Depends(span) => format!("depends {}", at(*span)),
                Answers::Error(code, _) => format!("error {code}"),
                Answers::Unknown(why) => format!("{why:?}"),
            };
            let path = route.path.known().map_or("?", |path| path);
            writeln!(out, "{} {path} {guard}, {answers}", route.method).unwrap();
        }
        for gap in &code.gaps {
            writeln!(out, "gap {:?} {}", gap.why, at(gap.at)).unwrap();
        }
        out
    })
}

fn signals(files: &[(&str, &str)]) -> String {
    read(files, |code, at| {
        let mut out = String::new();
        for handler in &code.handlers {
            write!(out, "{} {}", handler.signal, at(handler.at)).unwrap();
            if let Some(late) = handler.late {
                write!(out, " late {}", at(late)).unwrap();
            }
            for (index, open) in code.opens.iter().enumerate() {
                let closed = handler.closes.iter().find(|(closed, _)| *closed == index);
                let closed =
                    closed.map_or("open".to_owned(), |(_, span)| format!("closed {}", at(*span)));
                write!(out, "; {:?} {} {closed}", open.kind, open.name).unwrap();
            }
            if let Some((code, _)) = &handler.exits {
                write!(out, "; exits {:?}", code.known()).unwrap();
            }
            if let Some((after, _)) = handler.timeout {
                write!(out, "; forced after {after}").unwrap();
            }
            if let Some((why, span)) = handler.unknown {
                write!(out, "; unknown {why:?} {}", at(span)).unwrap();
            }
            out.push('\n');
        }
        out
    })
}

fn failure(index: &str) -> String {
    read(&[("src/index.js", index)], |code, at| match &code.start_failure {
        StartFailure::Exits(span) => format!("exits {}", span.map_or("-".to_owned(), at)),
        StartFailure::Swallowed(span) => format!("swallowed {}", at(*span)),
        StartFailure::Unknown(why, _) => format!("{why:?}"),
    })
}

#[test]
fn the_module_that_is_started() {
    let start = |cmd: &'static str| ("Dockerfile", cmd);
    let built = ("src/index.ts", "");
    let config = ("tsconfig.json", r#"{"compilerOptions":{"outDir":"dist","rootDir":"src"}}"#);
    let package = (
        "package.json",
        r#"{"name":"a","scripts":{"build":"tsc","start":"node -r dotenv/config dist/index.js"}}"#,
    );
    for cmd in [
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm run build\nCMD [\"node\", \"dist/index.js\"]\n",
        "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm run build\nCMD [\"npm\", \"start\"]\n",
        "FROM node\nWORKDIR /app\nCOPY . .\nCMD npx ts-node -P tsconfig.json src/index.ts\n",
        "FROM node\nWORKDIR /app\nCOPY . .\nCMD node --enable-source-maps /app/dist/index\n",
    ] {
        assert_eq!(entry(&[start(cmd), built, config, package]), "index.ts:1", "{cmd}");
    }
    assert!(entry(&[start("FROM node\nCMD [\"node\", \"gone.js\"]\n")]).contains("NeedsBuild"));
    assert_eq!(entry(&[start("FROM ruby\nCMD [\"ruby\", \"a.rb\"]\n"), ("a.rb", "")]), "none\n");
}

#[test]
fn the_port_that_is_listened_on() {
    let express = "const app = require('express')();\n";
    let check = |rest: &str, expected: &str| {
        assert_eq!(listens(&format!("{express}{rest}")), format!("{expected}\n"), "{rest}");
    };
    check("app.listen(process.env.PORT || 3000)", "3000 (index.js:2) [\"PORT\"] at index.js:2");
    check("const port = 8080;\napp.listen(port)", "8080 (index.js:2) [] at index.js:3");
    check(
        "const { PORT = '81' } = process.env;\napp.listen(+PORT, () => {})",
        "81 (index.js:2) [\"PORT\"] at index.js:3",
    );
    check(
        "const c = { port: Number(process.env.A ?? process.env.B ?? 5) };\napp.listen(c.port)",
        "5 (index.js:2) [\"A\", \"B\"] at index.js:3",
    );
    check("app.listen(process.env.PORT)", "? (-) [\"PORT\"] at index.js:2");
    check("app.listen(pick())", "? (index.js:2) [] at index.js:2");
    check(
        "require('http').createServer(app).listen({ port: parseInt(process.env.P || '7', 10) })",
        "7 (index.js:2) [\"P\"] at index.js:2",
    );
    let zod = "import { z } from 'zod';\nimport Fastify from 'fastify';\nconst env = z.object({ PORT: z.coerce.number().default(4000) }).parse(process.env);\nFastify().listen({ port: env.PORT });\n";
    assert_eq!(listens(zod), "4000 (index.js:3) [\"PORT\"] at index.js:4\n");
}

#[test]
fn prefixes_are_composed() {
    let index = "const express = require('express');\nconst app = express();\nconst { routes } = require('./routes');\nroutes(app);\napp.listen(3000);\n";
    let inner = "const { Router } = require('express');\nconst api = Router();\nconst health = Router();\nhealth.get('/ready', async (req, res) => { await require('pg').query('x'); res.sendStatus(200) });\nhealth.get('/', (req, res) => res.json({ ok: true }));\napi.use('/health', health);\nexports.routes = (app) => app.use('/api', api);\nconst unused = Router();\nunused.get('/no', () => {});\n";
    assert_eq!(
        routes(&[("src/index.js", index), ("src/routes.js", inner)]),
        "GET /api/health open, constant\nGET /api/health/ready open, depends routes.js:4\n"
    );
    let index = "import Fastify from 'fastify';\nimport health from './health.js';\nconst app = Fastify();\napp.register(health, { prefix: '/v1' });\napp.register(async (sub) => { sub.addHook('onRequest', async (q, r) => { if (!q.headers.authorization) return r.code(401).send() }); sub.get('/me', async () => ({})); }, { prefix: '/user' });\nawait app.listen({ port: 1 });\n";
    let health = "export default async function (f) {\n f.get('/live', async () => ({ ok: 1 }));\n f.route({ method: ['GET'], url: '/down', handler: (q, r) => r.code(501).send() });\n}\n";
    assert_eq!(
        routes(&[("src/index.js", index), ("src/health.js", health)]),
        "GET /user/me rejects index.js:5, constant\nGET /v1/down open, error 501\nGET /v1/live open, constant\n"
    );
    let koa = "const Koa = require('koa');\nconst Router = require('@koa/router');\nconst app = new Koa();\nconst r = new Router({ prefix: '/k' });\nr.get('/h', (ctx) => { ctx.body = 'ok' });\napp.use(r.routes());\napp.listen(1);\n";
    assert_eq!(routes(&[("src/index.js", koa)]), "GET /k/h open, constant\n");
}

#[test]
fn what_stands_before_a_route() {
    let index = "const app = require('express')();\nconst auth = (req, res, next) => {\n if (['/health'].includes(req.path)) return next();\n if (!req.headers.authorization) return res.status(401).end();\n next();\n};\napp.get('/before', (q, r) => r.end());\napp.use(auth);\napp.get('/health', (q, r) => r.end());\napp.get('/data', (q, r) => r.end());\napp.listen(1);\n";
    assert_eq!(
        routes(&[("src/index.js", index)]),
        "GET /before open, constant\nGET /data rejects index.js:4, constant\nGET /health open, constant\n"
    );
}

#[test]
fn what_a_route_answers() {
    let check = |body: &str, expected: &str| {
        let index = format!(
            "const app = require('express')();\nconst {{ Pool }} = require('pg');\nconst db = new Pool();\napp.get('/h', async (req, res) => {{ {body} }});\napp.listen(1);\n"
        );
        assert_eq!(
            routes(&[("src/index.js", &index)]),
            format!("GET /h open, {expected}\n"),
            "{body}"
        );
    };
    check("res.json({ up: process.uptime() })", "constant");
    check("await db.query('x'); res.end()", "depends index.js:4");
    check(
        "try { await db.query('x'); res.end() } catch (e) { res.status(503).end() }",
        "depends index.js:4",
    );
    check(
        "let ok = true; try { await db.query('x') } catch { ok = false } res.status(ok ? 200 : 503).end()",
        "depends index.js:4",
    );
    check(
        "let ok = true; try { await db.query('x') } catch { ok = false } res.json({ ok })",
        "constant",
    );
    check("res.status(500).end()", "error 500");
    check("try { res.json({}) } catch { res.status(503).end() }", "constant");
    check("unknown.thing(req)(res)", "Dynamic");
}

#[test]
fn what_a_signal_closes() {
    let index = "const { Pool } = require('pg');\nconst app = require('express')();\nconst { worker } = require('./worker');\nlet server;\nconst pool = new Pool();\nasync function main() {\n  worker.start();\n  server = app.listen(3000);\n}\nasync function stop(signal) {\n  setTimeout(() => process.exit(1), 5000).unref();\n  server.close(async () => { await pool.end(); process.exit(0); });\n}\nfor (const s of ['SIGTERM', 'SIGINT']) process.on(s, () => stop(s));\nmain();\n";
    let worker = "class Worker { start() { this.timer = setInterval(() => {}, 1) } stop() { clearInterval(this.timer) } }\nexports.worker = new Worker();\nprocess.once('SIGHUP', () => exports.worker.stop());\n";
    assert_eq!(
        signals(&[("src/index.js", index), ("src/worker.js", worker)]),
        "SIGHUP worker.js:3; Database pool open; Timer timer closed worker.js:1; Server server open\n\
         SIGTERM index.js:14; Database pool closed index.js:12; Timer timer open; Server server closed index.js:12; exits Some(0); forced after 5000\n\
         SIGINT index.js:14; Database pool closed index.js:12; Timer timer open; Server server closed index.js:12; exits Some(0); forced after 5000\n"
    );
    // What nobody imports handles nothing; what stands after a wait is late.
    let index = "const app = require('fastify')();\n(async () => {\n  await app.listen({ port: 1 });\n  process.on('SIGTERM', () => app.close());\n})();\n";
    let unused = "process.on('SIGTERM', () => {});\n";
    assert_eq!(
        signals(&[("src/index.js", index), ("src/unused.js", unused)]),
        "SIGTERM index.js:4 late index.js:3; Server server closed index.js:4\n"
    );
}

#[test]
fn what_becomes_of_a_failure_to_start() {
    let check = |rest: &str, expected: &str| {
        let index = format!("const app = require('fastify')();\n{rest}\n");
        assert_eq!(failure(&index), expected, "{rest}");
    };
    check("async function start() { await app.listen({ port: 1 }) }\nstart();", "exits -");
    check(
        "async function start() { await app.listen({ port: 1 }) }\nstart().catch((e) => { console.error(e); process.exit(1) });",
        "exits index.js:3",
    );
    check(
        "async function start() { await app.listen({ port: 1 }) }\nstart().catch(console.error);",
        "swallowed index.js:3",
    );
    check("app.listen({ port: 1 }).catch(console.error);", "swallowed index.js:2");
    check(
        "app.listen({ port: 1 }).catch((e) => { console.error(e); process.exit(1) });",
        "exits index.js:2",
    );
    check(
        "(async () => { try { await app.listen({ port: 1 }) } catch (e) { app.log.error(e) } })();",
        "swallowed index.js:2",
    );
    check(
        "(async () => { try { await app.listen({ port: 1 }) } catch (e) { process.exit(1) } })();",
        "exits index.js:2",
    );
    check(
        "process.on('unhandledRejection', () => {});\nconst go = async () => { await app.listen({ port: 1 }) };\ngo();",
        "swallowed index.js:2",
    );
}

#[test]
fn the_environment_and_packages() {
    let index = "import pg from 'pg';\nimport type { X } from 'typed';\nif (!process.env.A) throw new Error('A');\nconst b = process.env.B || 'b';\nconst db = new pg.Pool({ connectionString: process.env.URL ?? 'postgres://localhost' });\n";
    let got = read(
        &[
            (
                "Dockerfile",
                "FROM node\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"dist/index.js\"]\n",
            ),
            ("src/index.ts", index),
        ],
        |code, at| {
            let mut out = String::new();
            for read in &code.environment {
                let needed = if read.required { " required" } else { "" };
                writeln!(out, "{} {:?}{needed} {}", read.name, read.default.known(), at(read.at))
                    .unwrap();
            }
            for import in &code.imports {
                writeln!(out, "import {} {}", import.package, at(import.at)).unwrap();
            }
            for open in &code.opens {
                let address = open.address.as_ref().unwrap();
                writeln!(
                    out,
                    "{:?} {:?} {:?}",
                    open.kind,
                    address.variables,
                    address.default.known()
                )
                .unwrap();
            }
            out
        },
    );
    assert_eq!(
        got,
        "A None required index.ts:3\nB Some(\"b\") index.ts:4\nURL Some(\"postgres://localhost\") index.ts:5\n\
         import pg index.ts:1\nDatabase [\"URL\"] Some(\"postgres://localhost\")\n"
    );
}

#[test]
fn what_undoes_a_migration() {
    let check = |text: &str| {
        let tree = Tree::from_memory([("m.ts", text)]);
        let delivery = crate::lower(&tree);
        match down(&delivery, tree.find("m.ts").unwrap()) {
            Down::Does(_, drops) => {
                format!("drops {:?}", drops.iter().map(|(n, _)| n).collect::<Vec<_>>())
            }
            Down::Keeps(_) => "keeps".to_owned(),
            Down::Empty(_) => "empty".to_owned(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(
        check(
            "export async function down(k: Knex) { await k.schema.dropTable('a').dropTableIfExists('b'); }"
        ),
        "drops [\"a\", \"b\"]"
    );
    assert_eq!(
        check(
            "exports.up = () => {};\nexports.down = async (q) => q.query(`DROP TABLE IF EXISTS \"c\"`);"
        ),
        "drops [\"c\"]"
    );
    assert_eq!(
        check("export class M { async up() {} async down() { throw new Error('no') } }"),
        "empty"
    );
    assert_eq!(
        check("module.exports = { up() {}, async down(q) { await q.dropTable('d') } }"),
        "drops [\"d\"]"
    );
    assert_eq!(
        check("export const down = (k) => k.schema.alterTable('a', (t) => t.dropIndex('b'));"),
        "keeps"
    );
    assert_eq!(check("export async function up() {}"), "Missing");
    assert_eq!(check("export { up, down } from './other'"), "Unknown");
}
