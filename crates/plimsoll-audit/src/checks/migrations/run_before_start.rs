//! # Migrations run before the service starts
//!
//! The entrypoint, a job that the start awaits, an init container, the step of a pipeline or a script that
//! deploys runs the migrations; then the service starts.
//!
//! Code that meets the schema of the release before it fails on its first query. Migrations that
//! somebody runs by hand are forgotten once.
//!
//! Run them as a one-shot job that gates the start (`service_completed_successfully`, an init
//! container): then they also run once however many replicas there are. An entrypoint that migrates is
//! fine for development. A script that names a file that is not there is reported by
//! `migrations/included` and `packages/migrate-script`.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! CMD ["node", "main.js"] # <- runs no migration
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "ts-node": "10.9.2" }
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
//!
//! A job that nothing awaits:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! CMD ["node", "main.js"] # <- runs no migration
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!   migrate:
//!     image: registry.example/tools/flyway:11
//!     command: migrate
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "ts-node": "10.9.2" }
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
//! Only where a variable asks for it, and nothing sets that:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["node", "main.js"] # <- runs no migration
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! if [ "${RUN_MIGRATIONS:-false}" = "true" ]; then
//!   npm run migrate
//! fi
//! exec "$@"
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
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
//! exports.down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! Of another language:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"] # <- runs no migration
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
//!
//! A script migrates what it has started:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"] # <- runs no migration
//! ```
//! `alembic.ini`:
//! ```ini
//! [alembic]
//! script_location = alembic
//! ```
//! `alembic/env.py`:
//! ```python
//! from alembic import context
//! context.run_migrations()
//! ```
//! `alembic/versions/0001_orders.py`:
//! ```python
//! def upgrade():
//!     pass
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//! ```
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! set -e
//! docker compose up -d
//! docker compose exec -T api alembic upgrade head # <- what it has started
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! npm run migrate # <- migrates
//! exec "$@"
//! ```
//!
//! With the job awaited:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     depends_on:
//!       migrate:
//!         condition: service_completed_successfully # <- awaits the job `migrate`
//!   migrate:
//!     image: registry.example/tools/flyway:11
//!     command: migrate
//! ```
//!
//! ## Passes
//!
//! The entrypoint is written by a RUN:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! RUN echo '#!/bin/sh' > /entrypoint.sh && \
//!     echo 'npm run migrate || exit 1' >> /entrypoint.sh && \ # <- migrates
//!     echo 'exec "$@"' >> /entrypoint.sh && \
//!     chmod +x /entrypoint.sh
//! ENTRYPOINT ["/entrypoint.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "ts-node": "10.9.2" }
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
//! Alembic, in the entrypoint:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["python", "main.py"]
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! alembic upgrade head # <- migrates
//! exec "$@"
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
//!
//! The program itself, which waits for it before it listens:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! const knex = require("knex")(require("./knexfile"));
//! async function main() {
//!   await knex.migrate.latest(); // <- migrates
//!   app.listen(3000);
//! }
//! main();
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "express": "5.1.0", "knex": "3.1.0" } }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("orders", () => {});
//! exports.down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! Spring Boot runs those of Flyway:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM maven:3.9-eclipse-temurin-21 AS builder
//! WORKDIR /src
//! COPY . .
//! RUN mvn package
//!
//! FROM eclipse-temurin:21-jre
//! COPY --from=builder /src/target/orders.jar /orders.jar
//! CMD ["java", "-jar", "/orders.jar"]
//! ```
//! `pom.xml`:
//! ```xml
//! <project>
//!   <artifactId>orders</artifactId>
//!   <dependencies>
//!     <dependency><artifactId>spring-boot-starter-web</artifactId></dependency> // <- runs it
//!     <dependency><artifactId>flyway-core</artifactId></dependency> // <- migrates at the start
//!   </dependencies>
//! </project>
//! ```
//! `src/main/resources/db/migration/V1__orders.sql`:
//! ```sql
//! CREATE TABLE orders (id bigint);
//! ```
//!
//! A script, before it deploys:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"]
//! ```
//! `alembic.ini`:
//! ```ini
//! [alembic]
//! script_location = alembic
//! ```
//! `alembic/versions/0001_orders.py`:
//! ```python
//! def upgrade():
//!     pass
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//! ```
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! set -e
//! docker compose run --rm api alembic upgrade head # <- migrates before it deploys
//! docker compose up -d
//! ```
//!
//! ## Cannot tell
//!
//! Its own code may run them:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! CMD ["node", "main.js"] # <- runs no migration
//! ```
//! `main.js`:
//! ```js
//! await knex.migrate.latest(); // <- may run them
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "ts-node": "10.9.2" }
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
//! - `migrations/failure-stops-start`

use plimsoll_model::Why;
use plimsoll_model::entrypoint::ScriptSource;
use plimsoll_model::migration::{named_in_source, run_by_framework};

use crate::conditions::HAS_MIGRATIONS;
use crate::migrating::{awaited_job, pipeline_step, script_step, starts};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, ServiceSubject, Severity, Status,
    Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "migrations/run-before-start",
    section: Section::Migrations,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &["migrations/included"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_MIGRATIONS],
    source: include_str!("run_before_start.rs"),
    run: Run::Service(run),
    fix: None,
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let starts = starts(cx, service);
    let message = "migrations run before the service starts";
    for start in starts.iter() {
        let Some(step) = start.migrating.first() else { continue };
        let script = start.startup.script.as_ref().and_then(|script| match script.source {
            ScriptSource::Generated(span) => Some(span),
            ScriptSource::Tracked(_) => None,
        });
        return Verdict::pass(message, Evidence::shows(step.span, "migrates"))
            .and(Evidence::context(start.startup.at, "starts the entrypoint"))
            .and_all(script.map(|span| Evidence::context(span, "writes the entrypoint")));
    }
    if let Some((job, awaited)) = awaited_job(cx, service) {
        let says = format!("awaits the job `{}`", job.name);
        return Verdict::pass(message, Evidence::shows(awaited, says))
            .and(Evidence::context(job.span, "migrates"));
    }
    if let Some(step) = pipeline_step(cx, service) {
        return Verdict::pass(message, Evidence::shows(step, "migrates before it deploys"));
    }
    let script = script_step(cx);
    if let Some((step, true)) = script {
        let message = "a script migrates before it deploys";
        return Verdict::pass(message, Evidence::shows(step, "migrates before it deploys"));
    }
    let own = service.migrations.map(|id| cx.delivery[id].tool);
    let code = service.service.code.as_ref().filter(|_| service.service.programs_by.is_empty());
    if let Some((_, at)) = code.and_then(|c| c.migrates).filter(|(tool, _)| own == Some(*tool)) {
        let message = "the program migrates, and waits for it, before it listens";
        return Verdict::pass(message, Evidence::shows(at, "migrates"));
    }
    let package = service.package.map(|id| &cx.delivery[id]);
    if let Some([framework, tool]) = package.and_then(|p| run_by_framework(cx.delivery, p)) {
        let message = "the framework runs the migrations before the application serves";
        return Verdict::pass(message, Evidence::shows(tool, "migrates at the start"))
            .and(Evidence::shows(framework, "runs it"));
    }
    let place = starts.first().map_or(service.place, |start| {
        start.startup.app.first().map_or(start.startup.at, |(_, span)| *span)
    });
    let nothing = Evidence::missing_in(place, "runs no migration");
    let Some(migrations) = service.migrations.map(|id| &cx.delivery[id]) else {
        return Verdict::unknown(Why::Unsupported, "the service has no migrations", nothing);
    };
    let open = |why: Why, at| {
        let message = "what runs the migrations cannot be told: run them in a job that is awaited";
        Verdict::unknown(why, message, Evidence::context(at, why.decide()))
    };
    if starts.is_empty() {
        return open(Why::Unsupported, place);
    }
    if let Some((why, at)) = starts.iter().find_map(|start| start.startup.unknown) {
        return open(why, at);
    }
    if let Some(&id) = service.images.iter().find(|&&id| cx.delivery[id].broken) {
        return open(Why::Unparsed, cx.start_of(cx.delivery[id].file));
    }
    if let Some(&file) = service.unread.first() {
        return open(Why::Unsupported, cx.start_of(file));
    }
    if let Some(at) = named_in_source(cx.delivery, migrations) {
        let message = "the service's own code may run the migrations: it is not read yet";
        return Verdict::unknown(Why::Unsupported, message, nothing)
            .and(Evidence::context(at, "may run them"));
    }
    if cx.delivery.tree.outside().is_some() {
        return open(Why::OutOfTree, place);
    }
    Verdict::fail(
        "nothing runs the migrations before the start: add a job that is awaited",
        nothing,
    )
    .and_all(script.map(|(step, _)| Evidence::contradicts(step, "migrates what it has started")))
    .and(Evidence::context(migrations.at, "the migrations"))
}
