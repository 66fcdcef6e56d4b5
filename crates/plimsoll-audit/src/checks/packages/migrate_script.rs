//! # The migrate script migrates
//!
//! A script (`migrate`, `db:migrate`, `migration:run` …) runs the migrations with a declared tool and
//! a configuration that exists.
//!
//! Entrypoints, jobs and runbooks call this script; when it names a configuration that is not there,
//! the first to notice is a start that fails.
//!
//! Declare the tool in `dependencies`, for the image needs it, too, and name the configuration. What
//! keeps nothing in an SQL database needs no such script.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "migrate": "knex migrate:latest --knexfile knexfile.ts" // <- needs it
//!   },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/knex": { "version": "3.1.0", "bin": { "knex": "bin/cli.js" } }
//!   }
//! }
//! ```
//! <- is not there
//!
//! There is none:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "start": "node main.js" }, // <- no script `migrate`
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("orders", () => {});
//! ```
//!
//! SQL that nothing runs:
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
//! module example.test/orders // <- no task that migrates
//!
//! go 1.26
//! ```
//! `migrations/1_orders.up.sql`:
//! ```sql
//! CREATE TABLE orders (id bigint);
//! ```
//! `migrations/1_orders.down.sql`:
//! ```sql
//! DROP TABLE orders;
//! ```
//!
//! ## Fixed
//!
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "migrate": "knex migrate:latest --knexfile knexfile.js" // <- the script `migrate`
//!   },
//!   "dependencies": { "knex": "3.1.0" } // <- `knex` brings `knex`
//! }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("orders", () => {});
//! ```
//!
//! ## Passes
//!
//! By another name, with a configuration that the tool finds by itself:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "database:forward": "knex migrate:latest" // <- the script `database:forward`
//!   },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/knex": { "version": "3.1.0", "bin": { "knex": "bin/cli.js" } }
//!   }
//! }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("orders", () => {});
//! ```
//!
//! A tool of Python that is declared:
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
//! alembic==1.17.2 # <- brings the command that migrates
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
//!
//! A task:
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
//! `Makefile`:
//! ```makefile
//! migrate: ; migrate -path migrations -database "$$DSN" up # <- migrates
//! ```
//! `migrations/1_orders.up.sql`:
//! ```sql
//! CREATE TABLE orders (id bigint);
//! ```
//! `migrations/1_orders.down.sql`:
//! ```sql
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
//! gem "rails", "~> 8.1" # <- brings the command that migrates
//! ```
//! `db/migrate/1_orders.rb`:
//! ```ruby
//! class Orders < ActiveRecord::Migration[8.1]
//!   def change
//!     create_table :orders
//!   end
//! end
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "migrate": "knex migrate:latest" // <- `knex` is not declared
//!   },
//!   "dependencies": { "preset": "1.0.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/knex": { "version": "3.1.0", "bin": { "knex": "bin/cli.js" } },
//!     "node_modules/preset": { "version": "1.0.0" }
//!   }
//! }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("orders", () => {});
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "migrate": "migrate -path migrations -database \"$DATABASE_URL\" up" // <- a program of the machine
//!   },
//!   "dependencies": { "pg": "8.16.3" }
//! }
//! ```
//!
//! ## Does not apply
//!
//! No database:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "start": "node main.js" } }
//! ```
//!
//! ## See also
//!
//! - `migrations/included`: whether the files are in the image.

use plimsoll_model::Why;
use plimsoll_model::migration::{
    MigrationTool, is_migrate_command, named_in_source, run_by_framework,
};
use plimsoll_model::package::Package;

use crate::conditions::{HAS_PACKAGE, USES_A_DATABASE};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Section, ServiceSubject,
    Severity, Status, Verdict, migrating, toolchain,
};

use super::{Wanted, other};

pub(super) static CHECK: Check = Check {
    id: "packages/migrate-script",
    section: Section::Packages,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_PACKAGE, &USES_A_DATABASE],
    source: include_str!("migrate_script.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

static WANTED: Wanted = Wanted {
    names: &[
        "migrate",
        "migrate:latest",
        "migrate:up",
        "migrate:deploy",
        "migrate:run",
        "db:migrate",
        "migration:run",
        "migrations:run",
        "migration:up",
        "prisma:migrate",
        "prisma:deploy",
        "db:deploy",
        "migrate:prod",
    ],
    by_command: migrates,
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    match other(cx, service) {
        Some(package) => of_tool(cx, service, package),
        None => WANTED.judge(cx, service),
    }
}

/// In other languages the tool's own command is the script: it is there with a declared package, or
/// something here runs it.
fn of_tool(cx: &Cx<'_>, service: ServiceSubject<'_>, package: &Package) -> Verdict {
    let Some(migrations) = service.migrations.map(|id| &cx.delivery[id]) else {
        return super::no_package(service);
    };
    let mut shown = Vec::new();
    let brings = |names: &[&str]| package.any_dependency(names);
    let declared = match migrations.tool {
        MigrationTool::Alembic => brings(&["alembic", "flask-migrate", "flask-alembic"]),
        MigrationTool::Django => brings(&["django"]),
        MigrationTool::Rails => brings(&["rails", "activerecord", "sinatra-activerecord"]),
        MigrationTool::Laravel => brings(&["laravel/framework", "laravel/lumen-framework"]),
        _ => None,
    };
    let plugins = ["flyway-maven-plugin", "org.flywaydb.flyway", "liquibase-maven-plugin"];
    let plugin = package.tools.iter().find(|tool| plugins.contains(&&*tool.name));
    shown.extend(declared.map(|d| Evidence::shows(d.span, "brings the command that migrates")));
    shown.extend(plugin.map(|tool| Evidence::shows(tool.span, "brings the goal that migrates")));
    if let Some([framework, tool]) = run_by_framework(cx.delivery, package) {
        shown.push(Evidence::shows(tool, "migrates when the application starts"));
        shown.push(Evidence::context(framework, "runs it"));
    }
    let tasks = toolchain::tasks(cx, package, &is_migrate_command);
    shown.extend(tasks.into_iter().take(5).map(|span| Evidence::shows(span, "migrates")));
    let starts = migrating::starts(cx, service);
    let steps = starts.iter().flat_map(|start| &start.migrating);
    shown.extend(steps.map(|step| Evidence::shows(step.span, "migrates")));
    let job = migrating::awaited_job(cx, service);
    shown.extend(job.map(|(job, _)| Evidence::shows(job.span, "migrates")));
    let mut shown = shown.into_iter();
    if let Some(first) = shown.next() {
        return Verdict::pass("there is a command that migrates", first).and_all(shown);
    }
    let unknown = |why: Why, at, says: &'static str| {
        let message = "whether there is a command that migrates cannot be told from what is read";
        Verdict::unknown(why, message, Evidence::context(at, says))
    };
    if let Some((why, at)) = package.open {
        return unknown(why, at, "may declare it");
    }
    if let Some(at) = named_in_source(cx.delivery, migrations) {
        return unknown(Why::Unsupported, at, "may migrate by itself");
    }
    if migrations.tool == MigrationTool::Other {
        return unknown(Why::Unsupported, migrations.at, "of a tool that is not known");
    }
    Verdict::fail(
        "there are migrations and no task that runs them: add one",
        Evidence::missing_in(package.place, "no task that migrates"),
    )
    .and(Evidence::context(migrations.at, "the migrations"))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let migrations = &cx.delivery[service.migrations?];
    let command = match migrations.tool {
        MigrationTool::Knex => {
            let config = cx.path(migrations.config?).rsplit('/').next().unwrap_or("knexfile.js");
            format!("knex migrate:latest --knexfile {config}")
        }
        MigrationTool::Prisma => "prisma migrate deploy".to_owned(),
        MigrationTool::Sequelize => "sequelize-cli db:migrate".to_owned(),
        MigrationTool::NodePgMigrate => "node-pg-migrate up".to_owned(),
        MigrationTool::DbMigrate => "db-migrate up".to_owned(),
        _ => return None,
    };
    WANTED.fix(cx, service, &command)
}

/// Whether a command migrates forward.
pub(super) fn migrates(words: &[&str]) -> bool {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    is_migrate_command(&words)
}
