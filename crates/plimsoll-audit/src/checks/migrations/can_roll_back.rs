//! # Migrations can be rolled back
//!
//! The manifest has a script that undoes the last migration, and every migration says how.
//!
//! When a release must go back, its schema must go back with it, at night and by whoever is awake:
//! that is no time to write SQL.
//!
//! Add the script (`migrate:rollback`), and a `down` to every migration: an exported function or a
//! method that does something, or a file of SQL beside the one that goes forward (`001.up.sql`,
//! `001.down.sql`). A `down` that only throws or logs undoes nothing.
//!
//! Tools of other languages come with the command that undoes, and need no script: Alembic's
//! `downgrade()`, Django's operations (code and SQL need their reverse), Rails' `change` or `down`,
//! Laravel's `down()`, goose's `Down`, the `down.sql` of sqlx, Diesel and golang-migrate, Flyway's `U`
//! files and the `--rollback` of Liquibase's SQL are read. A rollback that drops tables loses what is in them: try it on a copy.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { // <- no script that rolls back
//!     "migrate": "knex migrate:latest"
//!   },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.ts`:
//! ```ts
//! export const up = (knex) => knex.schema.createTable("orders", () => {});
//! export const down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! SQL in pairs, and no script either:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "migrate": "db-migrate up" }, "dependencies": { "db-migrate": "0.11.14" } } // <- no script that rolls back
//! ```
//! `migrations/001_orders.up.sql`:
//! ```sql
//! CREATE TABLE orders (id bigint PRIMARY KEY);
//! ```
//! `migrations/001_orders.down.sql`:
//! ```sql
//! DROP TABLE orders;
//! ```
//!
//! SQL that only goes forward:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM rust:1.91 AS builder
//! WORKDIR /src
//! COPY . .
//! RUN cargo build --release --locked
//!
//! FROM debian:13-slim
//! COPY --from=builder /src/target/release/orders /orders
//! CMD ["/orders"]
//! ```
//! `Cargo.toml`:
//! ```toml
//! [package]
//! name = "orders"
//!
//! [dependencies]
//! sqlx = "0.8"
//! ```
//! `migrations/1_orders.sql`:
//! ```sql
//! CREATE TABLE orders (id bigint); # <- cannot be undone
//! ```
//!
//! ## Passes
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
//! {
//!   "scripts": { "migrate": "knex migrate:latest", "migrate:rollback": "knex migrate:rollback" }, // <- rolls back
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.ts`:
//! ```ts
//! export const up = (knex) => knex.schema.createTable("orders", () => {});
//! export const down = (knex) => knex.schema.dropTable("orders"); // <- undoes it
//! ```
//!
//! SQL in pairs:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "db-migrate up", "migrate:down": "db-migrate down" }, // <- rolls back
//!   "dependencies": { "db-migrate": "0.11.14" }
//! }
//! ```
//! `migrations/001_orders.up.sql`:
//! ```sql
//! CREATE TABLE orders (id bigint PRIMARY KEY);
//! ```
//! `migrations/001_orders.down.sql`:
//! ```sql
//! DROP TABLE orders; // <- undoes
//! ```
//!
//! Alembic:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! alembic==1.17.2
//! ```
//! `alembic.ini`:
//! ```ini
//! [alembic]
//! script_location = migrations
//! ```
//! `migrations/versions/1_orders.py`:
//! ```python
//! def upgrade():
//!     op.create_table("orders")
//!
//!
//! def downgrade(): # <- undoes it
//!     op.drop_table("orders")
//! ```
//!
//! Django:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! django==5.2.8
//! ```
//! `manage.py`:
//! ```python
//! import django
//! ```
//! `orders/migrations/0001_initial.py`:
//! ```python
//! from django.db import migrations, models
//!
//!
//! class Migration(migrations.Migration):
//!     operations = [ # <- undoes it
//!         migrations.CreateModel(name="Order", fields=[]),
//!         migrations.RunPython(forward, migrations.RunPython.noop),
//!     ]
//! ```
//!
//! goose:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /orders .
//!
//! FROM scratch
//! COPY --from=builder /orders /orders
//! CMD ["/orders"]
//! ```
//! `go.mod`:
//! ```text
//! module example.test/orders
//!
//! go 1.26
//! ```
//! `migrations/1_orders.sql`:
//! ```sql
//! -- +goose Up
//! CREATE TABLE orders (id bigint);
//! -- +goose Down # <- undoes it
//! DROP TABLE orders;
//! ```
//!
//! Rails:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM ruby:3.4-slim
//! WORKDIR /app
//! COPY . .
//! RUN bundle install
//! CMD ["bundle", "exec", "puma"]
//! ```
//! `Gemfile`:
//! ```ruby
//! gem "rails"
//! ```
//! `db/migrate/1_orders.rb`:
//! ```ruby
//! class Orders < ActiveRecord::Migration[8.1]
//!   def change # <- undoes it
//!     create_table :orders do |t|
//!       t.string :name
//!     end
//!   end
//! end
//! ```
//!
//! ## Partial
//!
//! One of the pair holds no statement:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "db-migrate up", "migrate:down": "db-migrate down" },
//!   "dependencies": { "db-migrate": "0.11.14" }
//! }
//! ```
//! `migrations/001_orders.up.sql`:
//! ```sql
//! CREATE TABLE orders (id bigint PRIMARY KEY);
//! ```
//! `migrations/001_orders.down.sql`:
//! ```sql
//! -- to be written // <- holds no statement
//! ```
//!
//! Its source has no `down`:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest", "migrate:rollback": "knex migrate:rollback" },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("orders", () => {}); // <- has no `down`
//! ```
//!
//! Alembic, and one does nothing:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! alembic==1.17.2
//! ```
//! `alembic.ini`:
//! ```ini
//! [alembic]
//! script_location = migrations
//! ```
//! `migrations/versions/1_orders.py`:
//! ```python
//! def upgrade():
//!     op.create_table("orders")
//!
//!
//! def downgrade():
//!     op.drop_table("orders")
//! ```
//! `migrations/versions/2_items.py`:
//! ```python
//! def upgrade(): # <- cannot be undone
//!     op.create_table("items")
//!
//!
//! def downgrade():
//!     pass
//! ```
//!
//! Code without its reverse:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! django==5.2.8
//! ```
//! `manage.py`:
//! ```python
//! import django
//! ```
//! `orders/migrations/0001_initial.py`:
//! ```python
//! from django.db import migrations
//!
//!
//! class Migration(migrations.Migration):
//!     operations = [migrations.AddField("a", "b", c)]
//! ```
//! `orders/migrations/0002_fill.py`:
//! ```python
//! from django.db import migrations # <- cannot be undone
//!
//!
//! class Migration(migrations.Migration):
//!     operations = [migrations.RunPython(fill)]
//! ```
//!
//! Laravel, and one has nothing in it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM php:8.3-fpm
//! WORKDIR /app
//! COPY . .
//! CMD ["php-fpm"]
//! ```
//! `composer.json`:
//! ```json
//! {}
//! ```
//! `artisan`:
//! ```php
//! <?php
//! ```
//! `database/migrations/1_orders.php`:
//! ```php
//! <?php
//! return new class extends Migration {
//!     public function up() { }
//!     public function down()
//!     {
//!         Schema::drop("orders");
//!     }
//! };
//! ```
//! `database/migrations/2_items.php`:
//! ```php
//! <?php // <- cannot be undone
//! return new class extends Migration {
//!     public function up() { }
//!     public function down()
//!     {
//!         //
//!     }
//! };
//! ```
//!
//! In TypeScript, and one only throws:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest", "migrate:rollback": "knex migrate:rollback" },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.ts`:
//! ```ts
//! export const up = (knex) => knex.schema.createTable("orders", () => {});
//! export async function down() { // <- undoes nothing
//!   throw new Error("not supported");
//! }
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
//! {
//!   "scripts": { "migrate": "knex migrate:latest", "migrate:rollback": "knex migrate:rollback" }, // <- rolls back
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.ts`:
//! ```ts
//! export { up, down } from "./shared/orders"; // <- is not found here
//! ```
//!
//! A tool that is not known:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM php:8.3-fpm
//! WORKDIR /app
//! COPY . .
//! CMD ["php-fpm"]
//! ```
//! `composer.json`:
//! ```json
//! {}
//! ```
//! `migrations/Version20250101.php`:
//! ```php
//! <?php
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "fastify": "5.6.1" } }
//! ```
//!
//! ## See also
//!
//! - `release/rollback-documented`

use plimsoll_model::Why;
use plimsoll_model::migration::{MigrationTool, Migrations, Undo, undos};
use plimsoll_model::package::{Package, PackageScript};

use crate::conditions::HAS_MIGRATIONS;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "migrations/can-roll-back",
    section: Section::Migrations,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_MIGRATIONS],
    source: include_str!("can_roll_back.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let Some(migrations) = service.migrations.map(|id| &cx.delivery[id]) else {
        let evidence = Evidence::context(service.place, "no migrations");
        return Verdict::unknown(Why::Unsupported, "the service has no migrations", evidence);
    };
    let package = service.package.map(|id| &cx.delivery[id]).filter(|package| package.is_node());
    let Some(package) = package.filter(|_| migrations.tool.is_node()) else {
        return by_tool(cx, migrations);
    };
    if package.broken {
        let evidence = Evidence::context(package.place, "does not parse");
        return Verdict::unknown(Why::Unparsed, "package.json does not parse", evidence);
    }
    let Some(script) = package.scripts.iter().find(|script| rolls_back(script)) else {
        let place = package.scripts_span.unwrap_or(package.place);
        let message = "package.json has no script that rolls a migration back: add one";
        return Verdict::fail(message, Evidence::missing_in(place, "no script that rolls back"));
    };
    let shown = Evidence::shows(script.span, "rolls back");
    let undos = undos(cx.delivery, migrations);
    let mut missing = undos.iter().filter_map(|&(file, undo)| {
        let (place, says) = match undo {
            Undo::Empty(down) => (cx.start_of(down), "holds no statement"),
            Undo::Nothing(at) => (at, "undoes nothing"),
            Undo::Missing => (cx.start_of(file), "has no `down`"),
            Undo::Pair(_) | Undo::Here(_) | Undo::Unknown => return None,
        };
        Some(Evidence::missing_in(place, says))
    });
    if let Some(first) = missing.next() {
        let message = "there is a rollback script, some migrations cannot be undone: add a `down`";
        return Verdict::partial(message, first).and_all(missing).and(shown);
    }
    if let Some(&(file, _)) = undos.iter().find(|(_, undo)| *undo == Undo::Unknown) {
        let message =
            "there is a rollback script; whether every migration can be undone is not known";
        let evidence = Evidence::context(cx.start_of(file), "its `down` is not found here");
        return Verdict::unknown(Why::Unsupported, message, evidence)
            .and(Evidence::context(script.span, "rolls back"));
    }
    if undos.is_empty() {
        let message = "there is a rollback script; the migrations that it undoes are not found";
        return Verdict::unknown(
            migrations.directory.unknown().map_or(Why::Unsupported, |(why, _)| why),
            message,
            Evidence::context(script.span, "rolls back"),
        );
    }
    let undone = undos.iter().filter_map(|&(_, undo)| match undo {
        Undo::Pair(down) => Some(Evidence::shows(cx.start_of(down), "undoes a migration")),
        Undo::Here(at) => Some(Evidence::shows(at, "undoes it")),
        _ => None,
    });
    Verdict::pass("a script rolls back, and every migration can be undone", shown)
        .and_all(undone.take(SHOWN))
}

/// Places shown.
const SHOWN: usize = 200;

/// Other tools come with the command that undoes: what decides is each migration.
fn by_tool(cx: &Cx<'_>, migrations: &Migrations) -> Verdict {
    let undos = undos(cx.delivery, migrations);
    let (mut bad, mut good, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for &(file, undo) in &undos {
        let start = cx.start_of(file);
        match undo {
            Undo::Pair(down) => good.push(Evidence::shows(cx.start_of(down), "undoes a migration")),
            Undo::Here(span) => good.push(Evidence::shows(span, "undoes it")),
            Undo::Empty(down) => {
                bad.push(Evidence::missing_in(cx.start_of(down), "holds no statement"))
            }
            Undo::Nothing(at) => bad.push(Evidence::missing_in(at, "undoes nothing")),
            Undo::Missing => bad.push(Evidence::missing_in(start, "cannot be undone")),
            Undo::Unknown => open.push(Evidence::context(start, "is not read")),
        }
    }
    let none = good.is_empty() && open.is_empty();
    let mut bad = bad.into_iter();
    if let Some(first) = bad.next() {
        let rest = bad.take(SHOWN);
        return match none {
            true => {
                let message = "no migration can be undone: give each its way back";
                Verdict::fail(message, first).and_all(rest)
            }
            false => {
                let message = "some migrations cannot be undone: give each its way back";
                Verdict::partial(message, first).and_all(rest)
            }
        };
    }
    let unknown = |evidence| {
        let message = "how this tool's migrations are undone is not read yet";
        Verdict::unknown(Why::Unsupported, message, evidence)
    };
    if let Some(first) = open.into_iter().next() {
        return unknown(first);
    }
    let mut good = good.into_iter();
    match good.next() {
        Some(first) => {
            let message = "every migration says how it is undone";
            Verdict::pass(message, first).and_all(good.take(SHOWN))
        }
        None => unknown(Evidence::context(migrations.at, "no migration that is read")),
    }
}

/// Whether a script undoes migrations, by its name or by what it runs.
fn rolls_back(script: &PackageScript) -> bool {
    const UNDOES: [&str; 5] = ["rollback", "down", "undo", "revert", "roll-back"];
    let parts = |word: &str| -> Vec<String> {
        word.split([':', '_', '/', '=']).map(str::to_owned).collect()
    };
    let undoes = |word: &str| parts(word).iter().any(|part| UNDOES.contains(&&**part));
    let migrates = |text: &str| {
        ["migrat", "knex", "typeorm", "sequelize", "db:", "prisma", "umzug", "db-"]
            .iter()
            .any(|word| text.contains(word))
    };
    let mut words = script.command.split_whitespace();
    (undoes(&script.name) && (migrates(&script.name) || migrates(&script.command)))
        || (words.any(undoes) && migrates(&script.command))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package: &Package = &cx.delivery[service.package?];
    let migrations = &cx.delivery[service.migrations?];
    if package.scripts.iter().any(rolls_back) {
        return None;
    }
    let command = match migrations.tool {
        MigrationTool::Knex => {
            let config = cx.path(migrations.config?).rsplit('/').next().unwrap_or("knexfile.js");
            format!("knex migrate:rollback --knexfile {config}")
        }
        MigrationTool::TypeOrm => "typeorm migration:revert".to_owned(),
        MigrationTool::Sequelize => "sequelize-cli db:migrate:undo".to_owned(),
        MigrationTool::NodePgMigrate => "node-pg-migrate down".to_owned(),
        MigrationTool::DbMigrate => "db-migrate down".to_owned(),
        _ => return None,
    };
    Some(Fix {
        does: "add a script that undoes the last migration".into(),
        safety: Safety::Review,
        snippet: Some(Snippet {
            path: cx.path(package.manifest).to_owned(),
            language: "json",
            text: format!("\"migrate:rollback\": \"{command}\"\n"),
        }),
        patch: None,
    })
}
