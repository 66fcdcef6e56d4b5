//! What programs do, told by a few small files.

use std::fmt::Write;

use plimsoll_source::{Span, Tree};

use crate::code::{Answers, Code, EnvironmentRead, Guard, StartFailure};
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
                Guard::Shadows(span) => format!("shadows {}", at(span)),
                Guard::Unknown(why, _) => format!("{why:?}"),
            };
            let answers = match &route.answers {
                Answers::Constant(_) => "constant".to_owned(),
                Answers::Depends(span) => format!("depends {}", at(*span)),
                Answers::Error(code, _) => format!("error {code}"),
                Answers::Silent(_) => "silent".to_owned(),
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
            if handler.cuts.is_some() {
                write!(out, "; cut off").unwrap();
            }
            if let Some(after) = handler.timeout.as_ref().and_then(|timeout| timeout.after.known())
            {
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
    // It does nothing but throw what a package makes; what is thrown on some way only is no answer.
    check("throw new (require('@a/errors').NotFoundError)()", "error 500");
    check("if (req.headers.x) throw new Error('down'); return { ok: true }", "Dynamic");
}

#[test]
fn migrations_that_every_start_waits_for() {
    let check = |body: &str, expected: &str| {
        let index = format!(
            "const app = require('express')();\nconst knex = require('knex')({{}});\nasync function main() {{\n{body}\n}}\nmain();\n"
        );
        let got = read(&[("src/index.js", &index)], |code, at| {
            code.migrates.map_or("-".to_owned(), |(tool, span)| format!("{tool:?} {}", at(span)))
        });
        assert_eq!(got, expected, "{body}");
    };
    check("await knex.migrate.latest({ directory: 'm' });\napp.listen(1);", "Knex index.js:4");
    check(
        "try { await knex.migrate.latest() } catch (e) { process.exit(1) }\napp.listen(1);",
        "Knex index.js:4",
    );
    // Nobody waits for it, it comes after, or not every start does it.
    check("knex.migrate.latest();\napp.listen(1);", "-");
    check("app.listen(1);\nawait knex.migrate.latest();", "-");
    check("if (process.env.MIGRATE) await knex.migrate.latest();\napp.listen(1);", "-");
    check("await store.migrate.up();\napp.listen(1);", "-");
}

#[test]
fn what_ends_before_it_has_closed() {
    let check = |handler: &str, is_cut: bool| {
        let index = format!(
            "const server = require('express')().listen(1);\nconst close = () => new Promise((done) => server.close(done));\nprocess.on('SIGTERM', {handler});\n"
        );
        let got = signals(&[("src/index.js", &index)]);
        assert!(got.contains("exits") && got.contains("closed"), "{handler}: {got}");
        assert_eq!(got.contains("cut off"), is_cut, "{handler}: {got}");
    };
    check("() => { server.close(); process.exit(0); }", true);
    check("() => { close(); process.exit(0); }", true);
    check(
        "() => { stop(); process.exit(0); }); async function stop() { await close(); } (() => {}",
        true,
    );
    check("() => server.close(() => process.exit(0))", false);
    check("async () => { await close(); process.exit(0); }", false);
    check("() => close().then(() => process.exit(0))", false);
    check(
        "() => { if (!server.listening) process.exit(0); server.close(() => process.exit(0)); }",
        false,
    );
    check("() => { server.on('close', () => process.exit(0)); server.close(); }", false);
    check(
        "() => { server.close(); setTimeout(() => process.exit(0), 100); server.close(() => process.exit(1)); }",
        false,
    );
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
    // Apollo's server closes what its plugin names.
    let apollo = |plugins: &str| {
        let index = format!(
            "const server = require('http').createServer(() => {{}});\nconst {{ ApolloServer }} = require('@apollo/server');\nconst {{ ApolloServerPluginDrainHttpServer: drain }} = require('@apollo/server/plugin/drainHttpServer');\nconst apollo = new ApolloServer({{ plugins: [{plugins}] }});\nprocess.on('SIGTERM', () => apollo.stop());\nserver.listen(1);\n"
        );
        signals(&[("src/index.js", &index)])
    };
    assert_eq!(
        apollo("...more, drain({ httpServer: server })"),
        "SIGTERM index.js:5; Server server closed index.js:5\n"
    );
    assert_eq!(apollo("other"), "SIGTERM index.js:5; Server server open\n");
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
fn what_a_description_of_the_environment_asks_for() {
    let check = |index: &str, expected: &str| {
        let got = read(
            &[
                (
                    "Dockerfile",
                    "FROM node\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"src/index.js\"]\n",
                ),
                ("src/index.js", index),
            ],
            |code, _| {
                let said = |read: &EnvironmentRead| {
                    let needed = if read.required { " required" } else { "" };
                    format!("{} {:?}{needed}", read.name, read.default.known())
                };
                code.environment.iter().map(said).collect::<Vec<_>>().join("; ")
            },
        );
        assert_eq!(got, expected, "{index}");
    };
    check(
        "const Joi = require('joi');\nconst s = Joi.object().keys({ PORT: Joi.number().default(3000), KEY: Joi.string().required().description('k') }).unknown();\nconst { value, error } = s.prefs({}).validate(process.env);\n",
        "PORT Some(\"3000\"); KEY None required",
    );
    check(
        "const { z } = require('zod');\nconst s = z.object({ A: z.string() }).extend({ B: z.string().default('b') });\ns.parse(process.env);\n",
        "A None required; B Some(\"b\")",
    );
}

#[test]
fn what_a_container_of_instances_makes() {
    let check = |asked: &str, expected: &str| {
        let index = format!(
            "import {{ container }} from 'tsyringe';\nimport {{ Pool }} from 'pg';\nclass Db {{ open() {{ return new Pool() }} }}\nconst db = container.resolve({asked});\ndb.open();\n"
        );
        let files = [
            (
                "Dockerfile",
                "FROM node\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"dist/index.js\"]\n",
            ),
            ("src/index.ts", &*index),
        ];
        let got = read(&files, |code, _| {
            let opens = code.opens.iter().map(|open| format!("{:?}", open.kind));
            let gaps = code.gaps.iter().map(|gap| format!("gap {:?}", gap.why));
            opens.chain(gaps).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(got, expected, "{asked}");
    };
    check("Db", "Database");
    check("'Db'", "gap Dynamic");
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

/// Files of a Nest application: its entry, the root module, and more.
fn nest(main: &str, module: &str, more: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
    let common = "import { NestFactory, APP_GUARD, Reflector } from '@nestjs/core';\nimport * as n from '@nestjs/common';\nimport { Module, Controller, Get, Post, All, Version, UseGuards, SetMetadata, Injectable, HttpCode, UnauthorizedException, VersioningType, applyDecorators } from '@nestjs/common';\n";
    let mut files = vec![
        (
            "Dockerfile".to_owned(),
            "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"dist/main\"]\n".to_owned(),
        ),
        (
            "src/main.ts".to_owned(),
            format!(
                "{common}import {{ AppModule }} from './app.module';\nasync function bootstrap() {{\nconst app = await NestFactory.create(AppModule);\n{main}\nawait app.listen(process.env.PORT ?? 3000);\n}}\nbootstrap();\n"
            ),
        ),
        ("src/app.module.ts".to_owned(), format!("{common}{module}\n")),
    ];
    files.extend(more.iter().map(|(path, text)| ((*path).to_owned(), format!("{common}{text}"))));
    files
}

fn nest_routes(main: &str, module: &str, more: &[(&'static str, &'static str)]) -> String {
    let files = nest(main, module, more);
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (&**a, &**b)).collect();
    routes(&files)
}

#[test]
fn prefixes_that_descriptors_set() {
    let check = |prefix: &str, set: &[(&str, &str)], expected: &str| {
        let index = format!(
            "const app = require('express')();\nconst own = require('express').Router();\nown.get('/h', (q, r) => r.send('ok'));\napp.use({prefix}, own);\napp.listen(1);\n"
        );
        let mut files = vec![("src/index.js", &*index)];
        files.extend(set);
        assert_eq!(routes(&files), format!("GET {expected} open, constant\n"), "{prefix}");
    };
    let compose = |value: &str| {
        format!("services:\n  a:\n    build: .\n    environment:\n      BASE: {value}\n")
    };
    let (v2, outside) = (compose("/v2"), compose("${BASE}"));
    let default = "process.env.BASE || '/api'";
    check(default, &[], "/api/h");
    check(default, &[("compose.yaml", &v2)], "/v2/h");
    check(default, &[("compose.yaml", &outside)], "?");
    check("`${process.env.BASE || '/api'}/x`", &[("compose.yaml", &v2)], "?");
    check("process.env.OTHER || '/api'", &[("compose.yaml", &v2)], "/api/h");
    let two = format!("{v2}  b:\n    build: .\n    environment:\n      BASE: /v3\n");
    check(default, &[("compose.yaml", &two)], "?");
    let image =
        "FROM node:22\nWORKDIR /app\nENV BASE=/img\nCOPY . .\nCMD [\"node\", \"src/index.js\"]\n";
    check(default, &[("Dockerfile", image)], "/img/h");
}

#[test]
fn the_controllers_of_nest() {
    let health = "@Controller('health')\nclass Health {\n  @Get() all() { return 'ok' }\n  @Get(['live', '/alive']) live() { return 'ok' }\n  @HttpCode(503) @Get('down') down() {}\n  @All('any') any() { return 1 }\n}\n";
    let unused = "@Controller('unused') class Unused { @Get() no() {} }\n";
    let check = |main: &str, rest: &str, expected: &str| {
        assert_eq!(
            nest_routes(main, &format!("{health}{unused}{rest}"), &[]),
            expected,
            "{main} {rest}"
        );
    };
    let root = "@Module({ controllers: [Health] }) export class AppModule {}";
    check(
        "",
        root,
        "GET /health open, constant\nGET /health/alive open, constant\n* /health/any open, constant\nGET /health/down open, error 503\nGET /health/live open, constant\n",
    );
    check(
        "app.setGlobalPrefix('api', { exclude: ['health', { path: 'health/live', method: n.RequestMethod.GET }, 'health/any'] });",
        root,
        "GET /api/health/alive open, constant\nGET /api/health/down open, error 503\nGET /health open, constant\n* /health/any open, constant\nGET /health/live open, constant\n",
    );
    let nested = "@Controller({ path: 'a', version: '2' }) class A { @Get() a() { return 1 } @Version(n.VERSION_NEUTRAL) @Get('n') n() { return 1 } }\n@Module({ controllers: [A] }) class Inner { static forRoot() { return { module: Inner } } }\n@Module({ imports: [Inner.forRoot(), n.forwardRef(() => Inner)] }) export class AppModule {}";
    check(
        "app.setGlobalPrefix('/api'); app.enableVersioning({ type: VersioningType.URI });",
        nested,
        "GET /api/a/n open, constant\nGET /api/v2/a open, constant\n",
    );
    check(
        "app.enableVersioning({ type: VersioningType.HEADER, header: 'v' });",
        nested,
        "GET /a Unsupported, constant\nGET /a/n open, constant\n",
    );
    // What may bring more is said.
    check(
        "",
        "import { BringsModule } from 'nest-brings';\n@Module({ imports: [BringsModule.forRoot()] }) export class AppModule {}",
        "gap Unsupported app.module.ts:13\n",
    );
    check(
        "",
        "const more = process.env.X ? [Health] : [];\n@Module({ controllers: [...more, ...load()] }) export class AppModule {}",
        "gap Dynamic app.module.ts:13\n",
    );
}

#[test]
fn what_stands_before_the_controllers_of_nest() {
    let own = "const Public = () => SetMetadata('isPublic', true);\nconst KEY = Symbol('open');\nconst Open = () => SetMetadata(KEY, true);\n@Injectable() class Jwt { constructor(private reflector: Reflector) {}\n canActivate(context) {\n  if (this.reflector.getAllAndOverride('isPublic', [context.getHandler(), context.getClass()])) return true;\n  const request = context.switchToHttp().getRequest();\n  if (!request.headers.authorization) throw new UnauthorizedException();\n  return true;\n } }\n";
    let check = |main: &str, rest: &str, expected: &str| {
        assert_eq!(nest_routes(main, &format!("{own}{rest}"), &[]), expected, "{main} {rest}");
    };
    let with = |decorators: &str, providers: &str| {
        format!(
            "@Controller('h') class C {{ {decorators} @Get() get() {{ return 1 }} }}\n@Module({{ controllers: [C], providers: [{providers}] }}) export class AppModule {{}}"
        )
    };
    let global = "{ provide: APP_GUARD, useClass: Jwt }";
    check("", &with("@UseGuards(Jwt)", ""), "GET /h rejects app.module.ts:11, constant\n");
    check("", &with("", global), "GET /h rejects app.module.ts:11, constant\n");
    check("", &with("@Public()", global), "GET /h open, constant\n");
    check("", &with("@applyDecorators(Public())", global), "GET /h open, constant\n");
    check(
        "",
        &with("@Public()", &format!("{global}, {{ provide: APP_GUARD, useClass: Jwt }}")),
        "GET /h open, constant\n",
    );
    // What cannot be told is not open.
    check("", &with("@Open()", global), "GET /h Dynamic, constant\n");
    check("", &with("", "...load()"), "GET /h Dynamic, constant\n");
    check("", &with("@((t, k, d) => UseGuards(Jwt)(t, k, d))", ""), "GET /h Dynamic, constant\n");
    check(
        "class J { canActivate() { throw new UnauthorizedException() } } app.useGlobalGuards(new J());",
        &with("", ""),
        "GET /h rejects main.ts:7, constant\n",
    );
    check(
        "",
        &format!(
            "import {{ AuthGuard }} from '@nestjs/passport';\nimport {{ ThrottlerGuard }} from '@nestjs/throttler';\n{}",
            with("@UseGuards(ThrottlerGuard)", "")
        ),
        "GET /h open, constant\n",
    );
    let passport = "import { AuthGuard } from '@nestjs/passport';\nclass Auth extends AuthGuard('jwt') { constructor(private r: Reflector) { super() }\n canActivate(c) { return this.r.getAllAndOverride('isPublic', [c.getHandler()]) ? true : super.canActivate(c) } }\n";
    let auth = "{ provide: APP_GUARD, useClass: Auth }";
    check("", &format!("{passport}{}", with("@Public()", auth)), "GET /h open, constant\n");
    check(
        "",
        &format!("{passport}{}", with("", auth)),
        "GET /h rejects app.module.ts:16, constant\n",
    );
    check(
        "",
        &format!("{passport}{}", with("@UseGuards(AuthGuard('jwt'))", "")),
        "GET /h rejects app.module.ts:17, constant\n",
    );
    // Middleware of a module.
    let middleware = "class M { use(req, res, next) { if (!req.headers.authorization) return res.status(401).end(); next() } }\n@Controller('h') class C { @Get() get() { return 1 } @Get('x') x() { return 1 } }\n";
    let root = |consumer: &str| {
        format!(
            "{middleware}@Module({{ controllers: [C] }}) export class AppModule {{ configure(consumer) {{ {consumer} }} }}"
        )
    };
    check(
        "",
        &root("consumer.apply(M).exclude('h/x').forRoutes('*')"),
        "GET /h rejects app.module.ts:14, constant\nGET /h/x open, constant\n",
    );
    check(
        "",
        &root("consumer.apply(M).forRoutes(C)"),
        "GET /h rejects app.module.ts:14, constant\nGET /h/x rejects app.module.ts:14, constant\n",
    );
    check(
        "",
        &root("consumer.apply(M).forRoutes('h')"),
        "GET /h rejects app.module.ts:14, constant\nGET /h/x Dynamic, constant\n",
    );
}

#[test]
fn types_of_decorated_members_are_no_certain_imports() {
    let module = "import type { A } from 'a';\nimport { Request } from 'express';\nimport { Pool } from 'pg';\n@Controller() class C { constructor(private pool: Pool) {}\n @Get() get(@n.Req() request: Request) { return 1 } }\n@Module({ controllers: [C] }) export class AppModule {}";
    let manifest = r#"{"name":"a","scripts":{},"dependencies":{"pg":"8","@nestjs/core":"11","@nestjs/common":"11"}}"#;
    let mut files = nest("", module, &[]);
    files.push(("package.json".to_owned(), manifest.to_owned()));
    let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (&**a, &**b)).collect();
    let got = read(&files, |code, at| {
        let own = code.imports.iter().filter(|import| !import.package.starts_with('@'));
        own.map(|import| format!("{} {}\n", import.package, at(import.at))).collect()
    });
    assert_eq!(got, "pg app.module.ts:6\n");
}

#[test]
fn what_nest_injects_asks_and_closes() {
    let module = "import { HealthCheckService, HealthCheck, TypeOrmHealthIndicator, MemoryHealthIndicator, TerminusModule } from '@nestjs/terminus';\nimport { ConfigService } from '@nestjs/config';\nimport { Pool } from 'pg';\n@Injectable() export class Db { private pool;\n constructor(private config: ConfigService) { this.pool = new Pool({ connectionString: config.get('DATABASE_URL', 'postgres://db') }) }\n ping() { return this.pool.query('SELECT 1') }\n async onModuleDestroy() { await this.pool.end() } }\n@Controller() class Health { constructor(private health: HealthCheckService, private db: TypeOrmHealthIndicator, private memory: MemoryHealthIndicator, private own: Db) {}\n @Get('ready') @HealthCheck() ready() { return this.health.check([() => this.db.pingCheck('db')]) }\n @Get('own') async mine() { await this.own.ping(); return 'ok' }\n @Get('empty') empty() { return this.health.check([]) }\n @Get('memory') mem() { return this.health.check([() => this.memory.checkHeap('heap', 1)]) } }\n@Module({ imports: [TerminusModule], controllers: [Health], providers: [Db] }) export class AppModule {}";
    assert_eq!(
        nest_routes("", module, &[]),
        "GET /empty open, constant\nGET /memory open, Dynamic\nGET /own open, depends app.module.ts:9\nGET /ready open, depends app.module.ts:12\n"
    );
    let closes = |main: &str| {
        let files = nest(main, module, &[]);
        let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (&**a, &**b)).collect();
        signals(&files)
    };
    assert_eq!(closes(""), "");
    assert_eq!(
        closes("app.enableShutdownHooks(['SIGTERM']);"),
        "SIGTERM main.ts:7; Database pool closed app.module.ts:10; Server server closed main.ts:7\n"
    );
}

#[test]
fn the_configuration_that_nest_loads() {
    let check = |options: &str, main: &str, expected: &str| {
        let module = format!(
            "import {{ ConfigModule, ConfigService }} from '@nestjs/config';\nimport configuration, {{ named }} from './configuration';\n@Controller() class C {{ @Get('h') h() {{ return 1 }} }}\n@Module({{ imports: [ConfigModule.forRoot({options})], controllers: [C] }}) export class AppModule {{}}"
        );
        let configuration = "import { registerAs } from '@nestjs/config';\nexport default () => ({ app: { prefix: process.env.PREFIX ?? 'api/v1', port: Number(process.env.PORT ?? 3001) } });\nexport const named = registerAs('web', () => ({ prefix: 'w', port: 4000 }));\n";
        let main =
            format!("const config = app.get(ConfigService);\n{main}\nawait app.listen(port);");
        let files = nest(&main, &module, &[("src/configuration.ts", configuration)]);
        let files: Vec<(String, String)> = files
            .into_iter()
            .map(|(path, text)| {
                let text = text.replacen("await app.listen(process.env.PORT ?? 3000);\n", "", 1);
                match &*path {
                    "src/main.ts" => {
                        (path, format!("import {{ ConfigService }} from '@nestjs/config';\n{text}"))
                    }
                    _ => (path, text),
                }
            })
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(a, b)| (&**a, &**b)).collect();
        let ports = read(&files, |code, _| {
            let listens = code.listens.iter().map(|listen| {
                let port = listen.port.known().map_or("?".to_owned(), u16::to_string);
                format!("{port} {:?}\n", listen.variables)
            });
            listens.collect()
        });
        assert_eq!(format!("{}{ports}", routes(&files)), expected, "{options} {main}");
    };
    let dotted = "app.setGlobalPrefix(config.get<string>('app.prefix', 'x'));\nconst port = config.get<number>('app.port', 1);";
    check("{ load: [configuration] }", dotted, "GET /api/v1/h open, constant\n3001 [\"PORT\"]\n");
    check("{}", dotted, "GET /x/h open, constant\n1 []\n");
    check("{ load: [unknown] }", dotted, "GET ? open, constant\n? []\n");
    let of_named =
        "app.setGlobalPrefix(config.get('web.prefix'));\nconst port = config.get('web.port');";
    check("{ load: [configuration, named] }", of_named, "GET /w/h open, constant\n4000 []\n");
    // Without a default of its own, a schema may have one.
    let or = "const port = config.get('PORT') ?? 3000;";
    check("{ isGlobal: true }", or, "GET /h open, constant\n3000 [\"PORT\"]\n");
    check("{ validate }", or, "GET /h open, constant\n? [\"PORT\"]\n");
}

#[test]
fn a_file_of_data_hides_no_routes() {
    let check = |path: &str, expected: &str| {
        let index = format!(
            "const path = require('path');\nconst app = require('express')();\nconst file = {path};\nconst doc = require(file);\napp.get('/h', (q, r) => r.send('ok'));\napp.listen(1);\n"
        );
        assert_eq!(routes(&[("src/index.js", &*index)]), expected, "{path}");
    };
    let open = "GET /h open, constant\n";
    check("path.join(process.cwd(), 'docs', 'swagger.json')", open);
    check("path.join(__dirname, 'swagger.json')", open);
    let hidden = "GET /h open, constant\ngap Dynamic index.js:4\n";
    check("path.join(process.cwd(), 'docs', 'swagger')", hidden);
}

#[test]
fn plugins_of_a_directory() {
    let index = "const path = require('node:path');\nconst app = require('fastify')();\napp.register(require('@fastify/autoload'), { dir: path.join(__dirname, 'routes'), OPTIONS });\napp.listen({ port: 1 });\n";
    let plugin = |path: &'static str| {
        (path, "module.exports = async (f) => { f.get('/x', async () => 1) };\n")
    };
    let check = |options: &str, more: &[(&'static str, &'static str)], expected: &str| {
        let index = index.replace("OPTIONS", options);
        let mut files = vec![
            ("src/index.js", &*index),
            plugin("src/routes/root.js"),
            plugin("src/routes/_user/index.js"),
            plugin("src/routes/_user/beside.js"),
        ];
        files.extend(more);
        assert_eq!(routes(&files), expected, "{options}");
    };
    check("", &[], "GET /_user/x open, constant\nGET /x open, constant\n");
    check(
        "options: { prefix: '/api/' }",
        &[],
        "GET /api/_user/x open, constant\nGET /api/x open, constant\n",
    );
    check("routeParams: true", &[], "GET /:user/x open, constant\nGET /x open, constant\n");
    check("dirNameRoutePrefix: false", &[], "GET /x open, constant\nGET /x open, constant\n");
    check(
        "",
        &[
            (
                "src/routes/deep/index.js",
                "module.exports = async (f) => { f.get('/x', async () => 1) };\nmodule.exports.autoPrefix = '/other';\n",
            ),
            (
                "src/routes/es.mjs",
                "export default async (f) => { f.get('/y', async () => 1) };\nexport const prefixOverride = '/es';\n",
            ),
        ],
        "GET /_user/x open, constant\nGET /es/y open, constant\nGET /other/x open, constant\nGET /x open, constant\n",
    );
    // What changes which files are taken, or what stands before them, is not followed.
    check("ignorePattern: /root/", &[], "gap Unsupported index.js:3\n");
    check(
        "autoHooks: true",
        &[("src/routes/autohooks.js", "module.exports = async () => {};\n")],
        "gap Unsupported index.js:3\n",
    );
    check("dir: pick()", &[], "gap Dynamic index.js:3\n");
}

#[test]
fn a_manifest_that_is_looked_for_is_no_code() {
    let check = |path: &str, expected: &str| {
        let index = format!(
            "const up = require('pkg-up');\nrequire('x').start({{ name: require({path}).name }});\nrequire('express')().listen(1);\n"
        );
        assert_eq!(routes(&[("src/index.js", &index)]), expected, "{path}");
    };
    check("up.sync()", "");
    check("pick()", "gap Dynamic index.js:2\n");
}

#[test]
fn plugins_and_credentials_of_hapi() {
    let check = |body: &str, expected: &str| {
        let index = format!(
            "const Hapi = require('@hapi/hapi');\nconst server = Hapi.server({{ port: 1 }});\nconst health = {{ name: 'h', register: async (s) => s.route([{{ method: 'GET', path: '/live', handler: () => 'ok' }}, {{ method: 'GET', path: '/open', options: {{ auth: false, handler: () => 'ok' }} }}]) }};\n{body}\nserver.start();\n"
        );
        assert_eq!(routes(&[("src/index.js", &index)]), expected, "{body}");
    };
    let open = "GET /health/live open, constant\nGET /health/open open, constant\n";
    check(
        "server.register({ plugin: health, options: {} }, { routes: { prefix: '/health' } });",
        open,
    );
    check(
        "server.register([{ plugin: health, routes: { prefix: '/health' } }, require('@hapi/inert')]);",
        open,
    );
    check(
        "server.register(health, { routes: { prefix: '/health' } });\nserver.auth.default('jwt');",
        "GET /health/live rejects index.js:5, constant\nGET /health/open open, constant\n",
    );
    check(
        "server.auth.default({ strategy: 'jwt', mode: 'try' });\nserver.register(health);",
        "GET /live open, constant\nGET /open open, constant\n",
    );
    check(
        "server.route({ method: 'GET', path: '/x', options: { auth: 'jwt' }, handler: (request, h) => h.response({}).code(503) });",
        "GET /x rejects index.js:4, error 503\n",
    );
    check("server.register(require('unknown-plugin'));", "gap Unsupported index.js:4\n");
}

#[test]
fn middleware_that_answers_itself() {
    let koa = "const Koa = require('koa');\nconst app = new Koa();\napp.use(async (ctx, next) => { if (ctx.path === '/live') { ctx.body = 'ok'; return } await next() });\napp.use(async (ctx, next) => { if (!ctx.headers.authorization) ctx.throw(401); await next() });\napp.use(async (ctx, next) => { if (ctx.path === '/late') { ctx.body = 'ok'; return } await next() });\nconst sub = new Koa();\nconst r = require('koa-router')();\nr.register('/x', ['GET'], (ctx) => { ctx.body = 1 });\nsub.use(r.routes());\napp.use(require('koa-mount')('/sub', sub));\napp.listen(1);\n";
    assert_eq!(
        routes(&[("src/index.js", koa)]),
        "* /late rejects index.js:4, constant\n* /live open, constant\nGET /sub/x rejects index.js:4, constant\n"
    );
    let express = "const app = require('express')();\napp.use((req, res, next) => { if (req.path === '/live') return res.end('ok'); next() });\napp.use((req, res, next) => { console.log('/nothing'); next() });\napp.listen(1);\n";
    assert_eq!(routes(&[("src/index.js", express)]), "* /live open, constant\n");
}

#[test]
fn a_function_that_hands_on_what_it_does_not_answer() {
    let check = |rest: &str, expected: &str| {
        let index = format!(
            "const trpc = require('@trpc/server/adapters/standalone').createHTTPHandler({{}});\nrequire('http').createServer((req, res) => {{\n  if (req.url === '/ping') return res.end('ok');\n  {rest}\n}}).listen(1);\n"
        );
        assert_eq!(routes(&[("src/index.js", &*index)]), expected, "{rest}");
    };
    check("trpc(req, res);", "* /ping open, constant\ngap Dynamic index.js:4\n");
    check(
        "if (req.url.startsWith('/api')) trpc(req, res); else res.writeHead(404).end();",
        "* /api open, Dynamic\n* /ping open, constant\ngap Dynamic index.js:4\n",
    );
    check("res.writeHead(404).end();", "* /ping open, constant\n");
}

#[test]
fn what_stands_around_and_before_routes() {
    let check = |body: &str, expected: &str| {
        let index = format!(
            "const express = require('express');\nconst http = require('http');\nconst app = express();\n{body}\n"
        );
        assert_eq!(routes(&[("src/index.js", &*index)]), expected, "{body}");
    };
    let health = "app.get('/h', (q, s) => s.send('ok'));";
    let listens = format!("{health} app.listen(1);");
    let open = "GET /h open, constant\n";
    let rejects = "GET /h rejects index.js:4, constant\n";
    // A function that hands requests to the application.
    let wrapped =
        |inner: &str| format!("{inner}\n{health} http.createServer(wrap(app)).listen(1);");
    check(
        &wrapped(
            "const wrap = (h) => (q, s) => { if (!q.headers.authorization) { s.statusCode = 401; return s.end(); } h(q, s); };",
        ),
        rejects,
    );
    check(&wrapped("const wrap = (h) => (q, s) => { s.setHeader('x', '1'); h(q, s); };"), open);
    // What a router that is mounted before asks, unless below a path of its own.
    let router = |mount: &str| {
        format!(
            "const r = express.Router(); r.use((q, s, next) => {{ if (!q.headers.key) return s.sendStatus(401); next(); }});\napp.use({mount});\n{listens}"
        )
    };
    check(&router("r"), rejects);
    check(&router("'/api', r"), open);
    check(&router("'/h', r"), rejects);
    let guard = "require('express-basic-auth')({ users: {} })";
    check(
        &format!(
            "const r = express.Router(); r.get('/h', (q, s) => s.send('ok'));\napp.use('/x', {guard}, r); app.listen(1);"
        ),
        "GET /x/h rejects index.js:5, constant\n",
    );
    let auth = "const auth = (q, s, next) => q.headers.key ? next() : s.sendStatus(401);";
    check(
        &format!("{auth} app.all('*', auth);\n{listens}"),
        "* /* rejects index.js:4, depends index.js:4\nGET /h rejects index.js:4, constant\n",
    );
    check(
        &format!("{auth} app.use(/^\\/(?!h).*/, auth);\n{listens}"),
        "GET /h Dynamic, constant\n",
    );
    let but = "app.use((q, s, next) => { if (free.has(q.path)) return next(); if (!q.headers.key) return s.sendStatus(401); next(); });";
    check(&format!("const free = new Set(['/h']);\n{but}\n{listens}"), open);
    // What only redirects, only hands on, answers nobody, or is off.
    let tls = "app.use((q, s, next) => { if (q.headers.proto !== 'https') return s.redirect('https://' + q.headers.host); next(); });";
    check(&format!("{tls}\n{listens}"), "GET /h Dynamic, constant\n");
    check(
        "app.get('/h', (q, s) => s.redirect('/login')); app.listen(1);",
        "GET /h open, Dynamic\n",
    );
    check("app.get('/h', (q, s, next) => next()); app.listen(1);", "");
    check("app.get('/h', (q, s) => {}); app.listen(1);", "GET /h open, silent\n");
    check(
        "app.get('/h', (q, s) => { if (!q.headers.key) return s.status(401).end(); s.end(); }); app.listen(1);",
        "GET /h rejects index.js:4, depends index.js:4\n",
    );
    check(
        &format!("if (process.env.HEALTH === 'on') {health} app.listen(1);"),
        "GET ? open, constant\n",
    );
    check(&format!("if (process.env.HEALTH !== 'off') {health} app.listen(1);"), open);
    let koa = "const Koa = require('koa');\nconst app = new Koa();\nconst r = require('koa-router')();\nr.get('/h', (ctx) => { ctx.body = 1 });\napp.use(async (ctx, next) => { ctx.assert(ctx.get('x-key'), 401); await next(); });\napp.use(r.routes());\napp.listen(1);\n";
    assert_eq!(routes(&[("src/index.js", koa)]), "GET /h rejects index.js:5, constant\n");
    // It answers every path.
    let all = "require('http').createServer((q, s) => { log('/x'); s.end('ok'); }).listen(1);\nfunction log(path) {}\n";
    assert_eq!(routes(&[("src/index.js", all)]), "* /* open, constant\n* /x open, constant\n");
}

#[test]
fn what_packages_put_before_routes() {
    let check = |standing: &str, expected: &str| {
        let index = format!(
            "const app = require('express')();\n{standing}\napp.get('/h', (q, r) => r.send('ok'));\napp.listen(1);\n"
        );
        assert_eq!(routes(&[("src/index.js", &*index)]), expected, "{standing}");
    };
    let doubt = "GET /h Unsupported, constant\n";
    check("app.use(require('@clerk/express').requireAuth());", doubt);
    check(
        "const K = require('keycloak-connect');\nconst k = new K({}); app.use(k.protect());",
        doubt,
    );
    check("app.use(require('express-oauth-server').authenticate());", doubt);
    check(
        "const b = require('http-auth').basic({}); app.use(require('http-auth-connect')(b));",
        doubt,
    );
    check("const { authMiddleware } = require('@acme/base'); app.use(authMiddleware);", doubt);
    let open = "GET /h open, constant\n";
    check(
        "app.use(require('helmet')()); app.use(require('@clerk/express').clerkMiddleware());",
        open,
    );
    check("app.use('/api', require('@clerk/express').requireAuth());", open);
}

#[test]
fn the_files_that_next_serves() {
    let check = |files: &[(&'static str, &'static str)], expected: &str| {
        let mut all = vec![
            (
                "Dockerfile",
                "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm run build\nCMD [\"npm\", \"start\"]\n",
            ),
            (
                "package.json",
                r#"{"name":"a","scripts":{"build":"next build","start":"next start -p 4000"},"dependencies":{"next":"15"}}"#,
            ),
        ];
        all.extend(files);
        let got = routes(&all);
        let got = got.strip_suffix("gap Unsupported package.json:1\n").unwrap_or(&got);
        assert_eq!(got, expected, "{files:?}");
    };
    let ok = "export async function GET() { return Response.json({ ok: true }) }\n";
    check(
        &[
            ("app/page.tsx", "export default function Page() { return null }\n"),
            ("app/(group)/api/[id]/route.ts", ok),
            ("app/_private/route.ts", ok),
            (
                "app/api/down/route.ts",
                "import { NextResponse } from 'next/server';\nexport const GET = async () => NextResponse.json({}, { status: 503 });\n",
            ),
            (
                "pages/api/live.ts",
                "export default function handler(req, res) { res.status(200).json({}) }\n",
            ),
            ("src/app/unused/route.ts", ok),
        ],
        "GET / open, Unsupported\nGET /api/:id open, constant\nGET /api/down open, error 503\n* /api/live open, constant\n",
    );
    let health = ("src/app/api/health/route.ts", ok);
    let guarded = "export function middleware(request) { return Response.redirect('/login') }\n";
    check(
        &[health, ("src/middleware.ts", guarded)],
        "GET /api/health Dynamic, constant\ngap Dynamic middleware.ts:1\n",
    );
    let besides = "export function middleware(request) { return Response.redirect('/login') }\nexport const config = { matcher: ['/((?!api|_next).*)', '/admin/:path*'] };\n";
    check(
        &[health, ("src/middleware.ts", besides)],
        "GET /api/health open, constant\ngap Dynamic middleware.ts:1\n",
    );
    let before = "export function middleware(request) { return Response.redirect('/login') }\nexport const config = { matcher: '/api/:path*' };\n";
    check(
        &[health, ("src/middleware.ts", before)],
        "GET /api/health Dynamic, constant\ngap Dynamic middleware.ts:1\n",
    );
    let configured = |config: &'static str, expected: &str| {
        check(&[health, ("next.config.js", config)], expected);
    };
    configured("module.exports = { basePath: '/b' };\n", "GET /b/api/health open, constant\n");
    configured("module.exports = { basePath: process.env.B };\n", "GET ? open, constant\n");
    // What is led elsewhere before files are asked.
    let gap = "gap Unsupported next.config.js:1\n";
    configured(
        "module.exports = { redirects: () => [{ source: '/old/:path*', destination: '/' }] };\n",
        &format!("GET /api/health open, constant\n{gap}"),
    );
    let doubt = format!("GET /api/health Unsupported, constant\n{gap}");
    configured(
        "module.exports = { redirects: () => [{ source: '/api/:path*', destination: '/' }] };\n",
        &doubt,
    );
    configured(
        "const { list } = require('x/list');\nmodule.exports = { redirects: () => list };\n",
        &doubt,
    );
    configured("module.exports = { trailingSlash: true };\n", &doubt);
    // The script that is started says the port: by default, that of the variable or 3000.
    let port = |cmd: &str, more: &[(&'static str, &'static str)]| {
        let dockerfile =
            format!("FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm run build\nCMD {cmd}\n");
        let mut all = vec![
            ("Dockerfile", &*dockerfile),
            (
                "package.json",
                r#"{"name":"a","scripts":{"build":"next build","dev":"next dev","start":"next start -p 4000"},"dependencies":{"next":"15"}}"#,
            ),
        ];
        all.extend(more);
        read(&all, |code, _| {
            let listens = code.listens.iter();
            let ports =
                listens.map(|listen| format!("{:?} {:?}", listen.port.known(), listen.variables));
            format!("{} {}", ports.collect::<String>(), code.handlers.len())
        })
    };
    assert_eq!(port("[\"npm\", \"start\"]", &[]), "Some(4000) [] 1");
    assert_eq!(port("[\"npm\", \"run\", \"dev\"]", &[]), "Some(3000) [\"PORT\"] 0");
    assert_eq!(port("[\"npx\", \"next\", \"start\"]", &[]), "Some(3000) [\"PORT\"] 1");
    let standalone = ("next.config.js", "module.exports = { output: 'standalone' };\n");
    assert_eq!(port("[\"node\", \"server.js\"]", &[standalone]), "Some(3000) [\"PORT\"] 1");
}

#[test]
fn what_next_loads_is_known_by_its_text() {
    let check = |files: &[(&'static str, &'static str)], expected: &str| {
        let mut all = vec![
            (
                "Dockerfile",
                "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm run build\nCMD [\"npm\", \"start\"]\n",
            ),
            (
                "package.json",
                r#"{"name":"a","scripts":{"build":"next build","start":"next start"},"dependencies":{"next":"15","ui":"1","pg":"8"},"devDependencies":{"dates":"1"}}"#,
            ),
        ];
        all.extend(files);
        let got = read(&all, |code, _| {
            let mut names: Vec<String> =
                code.imports.iter().map(|import| import.package.clone()).collect();
            names.extend(code.environment.iter().map(|read| format!("${}", read.name)));
            names.extend(code.opens.iter().map(|open| format!("{:?}", open.kind)));
            names.extend(code.gaps.iter().map(|gap| format!("{:?}", gap.hides)));
            names.join(" ")
        });
        assert_eq!(got, expected, "{files:?}");
    };
    let page = "import { Menu } from './menu';\nexport default function Page() { return <Menu.Item at={process.env.SECRET} to={process.env.NEXT_PUBLIC_A} /> }\n";
    let menu = "import * as Ui from 'ui';\nimport type { T } from 'types';\nimport 'server-only';\nexport const Menu = () => <Ui.Root>{lazy(() => import('./late'))}</Ui.Root>;\n";
    let late = "import { Pool } from 'pg';\nexport const pool = new Pool();\n";
    let all = [
        ("app/page.tsx", page),
        ("app/menu.tsx", menu),
        ("app/late.ts", late),
        ("app/unused.ts", "import 'never';\n"),
    ];
    check(&all, "pg ui $SECRET Server Database Calls");
    check(&[("app/page.tsx", "import 'dates';\n")], "dates Server Imports Calls");
    check(&[("app/page.tsx", "import './lost';\n")], "Server Deeds Calls");
    check(
        &[("app/page.tsx", "const f = (name) => process.env[name];\n")],
        "Server Environment Calls",
    );
    check(&[("app/page.tsx", "const f = () => parse(process.env);\n")], "Server Environment Calls");
    let env = "module.exports = { output: 'standalone', env: { TOKEN: 'x' } };\n";
    let reads = "export default () => process.env.TOKEN + process.env.KEY;\n";
    check(&[("app/page.tsx", reads), ("next.config.js", env)], "$KEY Server Calls");
    let alias = "module.exports = { webpack: (config) => { config.resolve.alias.x = 'y' } };\n";
    check(
        &[("app/page.tsx", "import 'ui';\n"), ("next.config.js", alias)],
        "ui Server Deeds Calls",
    );
}

#[test]
fn what_is_closed_where_a_variable_is_set_only() {
    let check = |body: &str, expected: &str| {
        let index = format!(
            "const app = require('express')();\nconst {{ Pool }} = require('pg');\nlet server;\n{body}\nserver = app.listen(1);\n"
        );
        assert_eq!(
            signals(&[("src/index.js", &index)]),
            format!("SIGTERM index.js:{expected}\n"),
            "{body}"
        );
    };
    check("process.on('SIGTERM', () => server.close());", "4; Server server closed index.js:4");
    check(
        "process.on('SIGTERM', () => { if (process.env.X) server.close() });",
        "4; Server server open; unknown Dynamic index.js:4",
    );
    check(
        "process.on('SIGTERM', () => process.env.X && server.close());",
        "4; Server server open; unknown Dynamic index.js:4",
    );
    check(
        "if (process.env.X) process.on('SIGTERM', () => server.close());",
        "4; Server server closed index.js:4; unknown Dynamic index.js:4",
    );
    check(
        "if (process.env.NODE_ENV !== 'test') process.on('SIGTERM', () => server.close());",
        "4; Server server closed index.js:4",
    );
    check(
        "let pool;\nif (process.env.DB) pool = new Pool();\nprocess.on('SIGTERM', () => { server.close(); if (process.env.DB) pool.end() });",
        "6; Database pool closed index.js:6; Server server closed index.js:6",
    );
}

#[test]
fn the_program_of_each_container() {
    let tree = Tree::from_memory([
        ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"api.js\"]\n"),
        (
            "compose.yaml",
            "services:\n  api:\n    build: .\n  same:\n    build: .\n  worker:\n    build: .\n    command: node worker.js\n  other:\n    build: .\n    command: ./other\n",
        ),
        ("api.js", "require('express')().listen(3000);\n"),
        ("worker.js", "process.on('SIGTERM', () => process.exit(0));\n"),
        ("package.json", r#"{"name":"a"}"#),
    ]);
    let delivery = crate::lower(&tree);
    let mut out = String::new();
    for service in &delivery.services {
        for (&id, code) in &service.programs_by {
            let entry = code.as_ref().and_then(|code| code.entry.known());
            writeln!(out, "{} {:?}", delivery[id].name, entry.map(|&file| tree.path(file)))
                .unwrap();
        }
    }
    assert_eq!(
        out,
        "api Some(\"api.js\")\nsame Some(\"api.js\")\nworker Some(\"worker.js\")\nother None\n"
    );
}

#[test]
fn the_module_that_another_package_starts() {
    let dockerfile = |cmd: &str| format!("FROM node:22\nWORKDIR /app\nCOPY . .\nCMD {cmd}\n");
    for (cmd, root) in [
        (r#"["pnpm", "start"]"#, "pnpm --filter ./apps/server run start:prod"),
        (r#"["pnpm", "start"]"#, "pnpm --filter server start:prod"),
        (r#"["npm", "start"]"#, "npm --prefix apps/server run start:prod"),
        (r#"["pnpm", "--filter", "server", "start:prod"]"#, "node other.js"),
        (r#"["npm", "-w", "apps/server", "run", "start:prod"]"#, "node other.js"),
        (r#"["yarn", "workspace", "server", "start:prod"]"#, "node other.js"),
    ] {
        let manifest =
            format!(r#"{{"name":"root","workspaces":["apps/*"],"scripts":{{"start":"{root}"}}}}"#);
        let server = r#"{"name":"server","scripts":{"start:prod":"cross-env NODE_ENV=production node dist/main"}}"#;
        let files = [
            ("Dockerfile", &*dockerfile(cmd)),
            ("package.json", &*manifest),
            ("apps/server/package.json", server),
            ("apps/server/src/main.ts", ""),
        ];
        assert_eq!(entry(&files), "main.ts:1", "{cmd} {root}");
    }
    let several = r#"{"name":"root","scripts":{"start":"pnpm --filter './apps/*' start"}}"#;
    let files = [("Dockerfile", &*dockerfile(r#"["pnpm", "start"]"#)), ("package.json", several)];
    assert!(entry(&files).starts_with("Unknown"));
}

#[test]
fn what_a_package_exports_is_made_of_its_sources() {
    let check = |target: &str, expected: &str| {
        let manifest = format!(r#"{{"name":"@a/commons","exports":{{"./start":"{target}"}}}}"#);
        let files = [
            (
                "package.json",
                r#"{"name":"a","dependencies":{"@a/commons":"file:packages/commons"}}"#,
            ),
            ("src/index.js", "require('@a/commons/start');\n"),
            ("packages/commons/package.json", &*manifest),
            ("packages/commons/src/start.ts", "require('http').createServer().listen(4000);\n"),
        ];
        let got = read(&files, |code, at| {
            code.listens.iter().map(|listen| format!("{}\n", at(listen.at))).collect()
        });
        assert_eq!(got, expected, "{target}");
    };
    check("./dist/start.js", "start.ts:1\n");
    check("./dist/cjs/start.js", "start.ts:1\n");
    check("./build/dist/common/start.js", "start.ts:1\n");
    check("./build/dist/other/start.js", "");
}

#[test]
fn modules_below_a_linked_directory_are_found() {
    let mut builder = plimsoll_source::TreeBuilder::new();
    builder
        .file("app/Dockerfile", b"FROM node:22\nCOPY . .\nCMD [\"node\", \"index.js\"]\n")
        .file("app/package.json", b"{}")
        .file("app/index.js", b"require('./shared/start');")
        .link("app/shared", "../lib/src")
        .file("lib/src/start.ts", b"require('http').createServer().listen(4000);");
    let delivery = crate::lower(&builder.build());
    let code = delivery.services.first().and_then(|service| service.code.as_ref()).unwrap();
    assert_eq!(code.listens.first().and_then(|listen| listen.port.known()), Some(&4000));
}

/// Functions, classes and what surrounds them hold each other in circles: none outlives the run.
#[test]
fn syntax_trees_go_with_the_run() {
    let index = "const held = { f() { return held; } };\nfunction a() { return () => a(); }\n\
                 class B { again() { return new B(); } }\nexport { a, held };\nnew B().again(); a()();\n";
    let tree = Tree::from_memory([
        ("Dockerfile", "FROM node:22\nCOPY . .\nCMD [\"node\", \"index.js\"]\n"),
        ("package.json", "{}"),
        ("index.js", index),
    ]);
    let delivery = crate::lower(&tree);
    let cx = super::Cx::new(&tree);
    let graph = super::Graph::new(&cx, &delivery);
    let file = tree.find("index.js").unwrap();
    let code = super::of(super::Eval::new(&graph), Fact::declared(file, super::nowhere()));
    assert_eq!(code.modules, [file]);
    let module = graph.module(file).unwrap();
    assert_eq!(std::sync::Arc::strong_count(&module), 2, "the graph's, and this one");
}
