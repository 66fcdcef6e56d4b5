//! # The image holds the migrations and what runs them
//!
//! The final stage has the tool's configuration, the directory of migrations that it names, and what
//! loads them (`ts-node` for TypeScript).
//!
//! A multi-stage build leaves behind whatever is not copied. A migrate script whose files stayed in
//! the builder fails on the day of the release; one whose loader is a development dependency works
//! until somebody prunes these.
//!
//! Copy configuration and migrations into the final stage, best compiled to JavaScript, and install
//! there what loads them. Where an awaited job migrates, its image is the one that must hold them.
//!
//! ## Fails
//!
//! The configuration was left behind:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- the final stage has no configuration
//! WORKDIR /app
//! COPY package.json ./
//! RUN npm install
//! COPY migrations ./migrations
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
//! So were the migrations:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm install
//! FROM node:20-alpine # <- the final stage has no migrations
//! WORKDIR /app
//! COPY --from=builder /app/package.json /app/knexfile.ts ./
//! COPY --from=builder /app/node_modules ./node_modules
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
//! The ignore file keeps them out of the context:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- the final stage has no migrations
//! WORKDIR /app
//! COPY . .
//! RUN npm install
//! CMD ["node", "main.js"]
//! ```
//! `.dockerignore`:
//! ```text
//! migrations
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
//! Compiled, and only the program is taken along:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm install && npm run build
//! FROM node:20-alpine # <- the final stage has no
//! WORKDIR /app
//! COPY --from=builder /app/package.json ./
//! COPY --from=builder /app/node_modules ./node_modules
//! COPY --from=builder /app/dist/main.js ./dist/main.js
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "build": "tsc",
//!     "migrate": "knex migrate:latest --knexfile dist/knexfile.js"
//!   },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `src/migrations/001_orders.ts`:
//! ```ts
//! export const up = (knex) => knex.schema.createTable("orders", () => {});
//! export const down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! Alembic, left in the repository:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim # <- the final stage has no
//! WORKDIR /app
//! COPY app ./app
//! CMD ["python", "-m", "app"]
//! ```
//! `requirements.txt`:
//! ```text
//! alembic==1.17.2
//! ```
//! `app/__main__.py`:
//! ```python
//! print("up")
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
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json ./
//! RUN npm install
//! COPY migrations ./migrations
//! COPY knexfile.ts . # <- brings configuration
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! The loader is installed for all:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci --omit=dev
//! FROM node:20-alpine
//! WORKDIR /app
//! RUN npm install -g ts-node@10 # <- installs `ts-node`
//! COPY --from=builder /app/package*.json /app/knexfile.ts ./ # <- brings configuration
//! COPY --from=builder /app/migrations ./migrations # <- brings migrations
//! COPY --from=builder /app/node_modules ./node_modules # <- brings `knex`
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
//! A development dependency that npm keeps, because another package may use it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . . # <- brings migrations
//! RUN npm ci --omit=dev # <- `devOptional`
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "name": "orders",
//!   "scripts": { "migrate": "prisma migrate deploy" },
//!   "dependencies": { "@prisma/client": "6.19.0" },
//!   "devDependencies": { "prisma": "6.19.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "name": "orders",
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "": {
//!       "name": "orders",
//!       "dependencies": { "@prisma/client": "6.19.0" },
//!       "devDependencies": { "prisma": "6.19.0" }
//!     },
//!     "node_modules/@prisma/client": {
//!       "version": "6.19.0",
//!       "peerDependencies": { "prisma": "*" },
//!       "peerDependenciesMeta": { "prisma": { "optional": true } }
//!     },
//!     "node_modules/prisma": { "version": "6.19.0", "devOptional": true }
//!   }
//! }
//! ```
//! `prisma/schema.prisma`:
//! ```text
//! datasource db {
//!   provider = "postgresql"
//!   url      = env("DATABASE_URL")
//! }
//! ```
//! `prisma/migrations/20260101000000_orders/migration.sql`:
//! ```sql
//! CREATE TABLE orders (id bigint);
//! ```
//!
//! Compiled with the program, which needs no loader:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm install && npm run build && npm prune --omit=dev # <- compiled
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/package.json ./
//! COPY --from=builder /app/node_modules ./node_modules # <- brings `knex`
//! COPY --from=builder /app/dist ./dist
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "build": "tsc",
//!     "migrate": "knex migrate:latest --knexfile dist/knexfile.js"
//!   },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `src/migrations/001_orders.ts`:
//! ```ts
//! export const up = (knex) => knex.schema.createTable("orders", () => {});
//! export const down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! Alembic:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . . # <- brings
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
//!
//! Built into a program of Go:
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
//! `main.go`:
//! ```go
//! package main
//!
//! import "embed"
//!
//! //go:embed migrations/*.sql  # <- puts them into the program
//! var files embed.FS
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
//! The program tells the tool where they are, and no configuration is read:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json main.js ./
//! RUN npm install
//! COPY migrations ./migrations # <- brings migrations
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "knex": "3.1.0" } }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg" };
//! ```
//! `migrations/001.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("a", () => {});
//! ```
//! `main.js`:
//! ```js
//! const knex = require("knex")({ client: "pg" });
//! async function start() {
//!   await knex.migrate.latest({ directory: `${__dirname}/migrations` });
//!   require("fastify")().listen({ port: 3000 });
//! }
//! start();
//! ```
//!
//! ## Partial
//!
//! The loader is pruned:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm install --omit=dev # <- leaves `ts-node` out
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
//! ## Cannot tell
//!
//! The build may have compiled them:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm install && npm run build
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/dist ./dist
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "build": "tsc", "migrate": "knex migrate:latest --knexfile dist/knexfile.js" },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "outDir": "dist" } }
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

use plimsoll_model::Why;
use plimsoll_model::image::Image;

use crate::conditions::{HAS_IMAGE, HAS_MIGRATIONS};
use crate::migrating::{awaited_job, starts};
use crate::migrations_in::{judge, sketch};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Section, ServiceSubject,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "migrations/included",
    section: Section::Migrations,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE, &HAS_MIGRATIONS],
    source: include_str!("included.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let Some(migrations) = service.migrations.map(|id| &cx.delivery[id]) else {
        let evidence = Evidence::context(service.place, "no migrations");
        return Verdict::unknown(Why::Unsupported, "the service has no migrations", evidence);
    };
    if !migrations.tool.is_read() {
        let message = "what holds and runs this tool's migrations is not read yet";
        let evidence = Evidence::context(migrations.at, "migrations");
        return Verdict::unknown(Why::Unsupported, message, evidence);
    }
    // A job of a tool's own image gets them by a mount.
    if let Some((job, awaited)) = awaited_job(cx, service).filter(|(job, _)| job.image_id.is_none())
    {
        let dir = migrations.directory.known();
        let mounted = job.mounts.iter().find(|mount| {
            let covers = |from: &String| {
                let rest = dir.and_then(|dir| dir.strip_prefix(&**from));
                from.is_empty() || rest.is_some_and(|r| r.is_empty() || r.starts_with('/'))
            };
            mount.tree_path.as_ref().is_some_and(covers)
        });
        return match mounted {
            Some(mount) => {
                let message = "the job that migrates mounts the migrations";
                Verdict::pass(message, Evidence::shows(mount.span, "mounts them"))
                    .and(Evidence::context(awaited, "is awaited"))
            }
            None => {
                let message = "how the job that migrates gets the migrations cannot be told";
                Verdict::unknown(Why::NeedsRun, message, Evidence::context(job.span, "migrates"))
            }
        };
    }
    let mut verdicts: Vec<Verdict> = images(cx, service)
        .into_iter()
        .map(|image| judge(cx, service, image, migrations))
        .collect();
    verdicts.sort_by_key(|verdict| std::cmp::Reverse(verdict.outcome().rank()));
    let mut verdicts = verdicts.into_iter();
    match verdicts.next() {
        Some(worst) => worst.and_all(verdicts.flat_map(|verdict| verdict.evidence)),
        None => {
            let evidence = Evidence::context(migrations.at, "migrations");
            Verdict::unknown(Why::NeedsBuild, "no image is known that should hold them", evidence)
        }
    }
}

/// The images that migrate: when they start, as an awaited job, or, for want of these, all.
fn images<'a>(cx: &Cx<'a>, service: ServiceSubject<'_>) -> Vec<&'a Image> {
    let starts = starts(cx, service);
    let migrating = starts.iter().filter(|start| !start.migrating.is_empty());
    let mut found: Vec<&Image> = migrating.map(|start| start.image).collect();
    let job = awaited_job(cx, service).and_then(|(job, _)| job.image_id);
    found.extend(job.map(|id| &cx.delivery[id]));
    if found.is_empty() {
        found.extend(service.images.iter().map(|&id| &cx.delivery[id]));
    }
    found
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let migrations = &cx.delivery[service.migrations?];
    images(cx, service).into_iter().find_map(|image| sketch(cx, service, image, migrations))
}
