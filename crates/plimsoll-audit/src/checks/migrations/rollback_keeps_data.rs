//! # Rolling back the newest migration keeps the data
//!
//! Undoing the newest migration drops no table, or a backup is made before.
//!
//! A release goes wrong, somebody runs the rollback as the runbook says, and the tables go with every
//! row written since. Where there is one baseline migration only, that is the whole database.
//!
//! Expand first and contract in a later release; make a backup before every rollback
//! (`pg_dump … && knex migrate:rollback`). PARTIAL: it drops columns or deletes rows, not tables. Of
//! JavaScript and TypeScript, what `down` calls is read; of Python only what a line of it proves. A
//! `down` that calls something else is UNKNOWN.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.24
//! CMD ["app"]
//! ```
//! `migrations/001_users.up.sql`:
//! ```sql
//! CREATE TABLE users (id bigint PRIMARY KEY);
//! ```
//! `migrations/001_users.down.sql`:
//! ```sql
//! DROP TABLE users; -- # <- drops a table
//! ```
//!
//! In TypeScript:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "knex": "3.1.0" } }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { migrations: { directory: './migrations' } };
//! ```
//! `migrations/001_baseline.ts`:
//! ```ts
//! export async function up(knex: Knex): Promise<void> {
//!   await knex.schema.createTable('users', (table) => table.uuid('id'));
//! }
//!
//! export async function down(knex: Knex): Promise<void> {
//!   await knex.schema.dropTableIfExists('users'); // <- drops a table
//! }
//! ```
//!
//! ## Fixed
//!
//! `migrations/002_emails.up.sql`:
//! ```sql
//! CREATE INDEX users_id ON users (id);
//! ```
//! `migrations/002_emails.down.sql`:
//! ```sql
//! DROP INDEX users_id; -- # <- drops no data
//! ```
//!
//! A backup before:
//!
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "migrate:rollback": "pg_dump -Fc app > /backup/app && knex migrate:rollback" // <- a backup
//!   },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.24
//! CMD ["app"]
//! ```
//! `migrations/001_users.sql`:
//! ```sql
//! -- +goose Up
//! ALTER TABLE users ADD CONSTRAINT named CHECK (name <> '');
//! -- +goose Down
//! ALTER TABLE users DROP CONSTRAINT named; -- # <- drops no data
//! ```
//!
//! An index goes, the rows stay:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "knex": "3.1.0" } }
//! ```
//! `migrations/001_baseline.ts`:
//! ```ts
//! export async function up(knex) {
//!   await knex.schema.alterTable("users", (table) => table.string("email").index());
//! }
//! export const down = (knex) => knex.schema.alterTable("users", (table) => table.dropIndex("email")); // <- drops no data
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.24
//! CMD ["app"]
//! ```
//! `migrations/001_emails.up.sql`:
//! ```sql
//! ALTER TABLE users ADD COLUMN email text;
//! ```
//! `migrations/001_emails.down.sql`:
//! ```sql
//! ALTER TABLE users DROP COLUMN email; -- # <- drops a part
//! ```
//!
//! A column:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "knex": "3.1.0" } }
//! ```
//! `migrations/001_baseline.ts`:
//! ```ts
//! export async function up(knex) {
//!   await knex.schema.alterTable("users", (table) => table.string("email").index());
//! }
//! export const down = (knex) => knex.schema.alterTable("users", (table) => table.dropColumn("email")); // <- drops a part
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "knex": "3.1.0" } }
//! ```
//! `migrations/001_baseline.ts`:
//! ```ts
//! export { up, down } from './baseline'; // <- not read yet
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//!
//! ## See also
//!
//! - `migrations/can-roll-back`

use plimsoll_model::Why;
use plimsoll_model::migration::Migrations;
use plimsoll_model::rollback::{Undoing, newest};
use plimsoll_source::Span;

use crate::conditions::CAN_UNDO_MIGRATIONS;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "migrations/rollback-keeps-data",
    section: Section::Migrations,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Days,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&CAN_UNDO_MIGRATIONS],
    source: include_str!("rollback_keeps_data.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    const MAX_SHOWN: usize = 20;
    let migrations: Option<&Migrations> = service.migrations.map(|id| &cx.delivery[id]);
    let Some((file, undoing)) = migrations.and_then(|all| newest(cx.delivery, all)) else {
        let evidence = Evidence::context(service.place, "its migrations are not known");
        let message = "which migration is the newest cannot be told";
        return Verdict::unknown(Why::Unsupported, message, evidence);
    };
    let name = clip(cx.path(file));
    let backup = backup(cx, service);
    let shown = |spans: Vec<Span>, says: &'static str| {
        spans.into_iter().take(MAX_SHOWN).map(move |at| Evidence::contradicts(at, says))
    };
    let (drops, mut places): (_, Box<dyn Iterator<Item = Evidence>>) = match undoing {
        Undoing::DropsTables(spans) => (true, Box::new(shown(spans, "drops a table"))),
        Undoing::DropsParts(spans) => (false, Box::new(shown(spans, "drops a part of its data"))),
        Undoing::Keeps(at) => {
            let message = "undoing the newest migration drops no data";
            return Verdict::pass(message, Evidence::shows(at, "drops no data"));
        }
        Undoing::Impossible => {
            let evidence = Evidence::missing_in(cx.start_of(file), "nothing undoes it");
            return Verdict::pass("the newest migration cannot be undone", evidence);
        }
        Undoing::Unknown(file) => {
            let message = format!("what undoing `{name}` drops is not read yet");
            let evidence = Evidence::context(cx.start_of(file), "not read yet");
            return Verdict::unknown(Why::Unsupported, message, evidence);
        }
    };
    if let Some(at) = backup {
        let message = "a backup is made before the newest migration is undone";
        return Verdict::pass(message, Evidence::shows(at, "makes a backup first"));
    }
    let Some(first) = places.next() else {
        let evidence = Evidence::context(cx.start_of(file), "not read yet");
        return Verdict::unknown(Why::Unsupported, "what it drops is not known", evidence);
    };
    match drops {
        true => {
            let message = format!("undoing `{name}` drops tables: make a backup before");
            Verdict::fail(message, first).and_all(places)
        }
        false => {
            let message = format!("undoing `{name}` drops parts of tables: make a backup before");
            Verdict::partial(message, first).and_all(places)
        }
    }
}

/// The package's script that makes a backup before it rolls back.
fn backup(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Option<Span> {
    const DUMPS: [&str; 5] = ["pg_dump", "mysqldump", "mariadb-dump", "sqlite3 ", "backup"];
    const UNDOES: [&str; 5] = ["rollback", "down", "undo", "revert", "downgrade"];
    let package = &cx.delivery[service.package?];
    let script = package.scripts.iter().find(|script| {
        let text = &*script.command;
        let dumps = DUMPS.iter().filter_map(|word| text.find(word)).min();
        let undoes = UNDOES.iter().filter_map(|word| text.rfind(word)).max();
        // Its failure must end the script.
        dumps.zip(undoes).is_some_and(|(dumps, undoes)| {
            dumps < undoes && text.get(dumps..undoes).is_some_and(|part| part.contains("&&"))
        })
    });
    script.map(|script| script.span)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = &cx.delivery[service.package?];
    let script = package.scripts.iter().find(|script| script.command.contains("rollback"))?;
    let text = format!(
        "\"{}\": \"pg_dump -Fc \\\"$DATABASE_URL\\\" > before-rollback.dump && {}\"\n",
        script.name, script.command
    );
    Some(Fix {
        does: "make a backup before a migration is undone".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet {
            path: cx.path(package.manifest).to_owned(),
            language: "json",
            text,
        }),
        patch: None,
    })
}
