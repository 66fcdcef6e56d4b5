//! # The final stage holds only what runs
//!
//! The final stage holds the build's output, production dependencies and what the service reads when
//! it runs: no development dependencies, no source trees, no tests, no builder's directory. Sources
//! of an interpreted language are what runs; their tests are not. Migrations and settings that are
//! copied as they were written, beside a program that is compiled, are PARTIAL.
//!
//! Test runners, compilers and sources are the largest part of an image, the part with the most
//! findings in a scan, and tell a thief how the service works.
//!
//! Install with `npm ci --omit=dev` (or prune in the builder), copy the output, and compile what is
//! still a source: migrations in TypeScript need `ts-node`, which is a development dependency.
//!
//! ## Fails
//!
//! Development dependencies:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! COPY src ./src
//! RUN npm ci && npm run build
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci # <- installs development dependencies
//! COPY --from=builder /app/dist ./dist
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! Out of the builder, never pruned:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/node_modules ./node_modules # <- with development dependencies
//! COPY --from=builder /app/dist ./dist
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! A builder's directory:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! COPY . /build/orders
//! WORKDIR /build/orders
//! RUN npm ci && npm run build && npm prune --omit=dev
//!
//! FROM node:20-alpine
//! COPY --from=builder /build /app # <- a builder's directory
//! CMD ["node", "/app/orders/dist/main.js"]
//! ```
//!
//! The sources of a workspace's packages:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS pruner
//! WORKDIR /app
//! COPY . .
//! RUN npx turbo@2 prune orders --docker
//!
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY --from=pruner /app/out/json/ .
//! RUN npm ci
//! COPY --from=pruner /app/out/full/ .
//! RUN npx turbo run build
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/services/ ./services/ # <- brings a source tree
//! CMD ["node", "services/orders/dist/main.js"]
//! ```
//! `services/orders/src/main.ts`:
//! ```ts
//! export {};
//! ```
//!
//! The groups of other ecosystems:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim AS builder
//! WORKDIR /app
//! COPY . .
//! RUN uv sync --frozen
//!
//! FROM python:3.13-slim
//! COPY --from=builder /app/.venv /app/.venv # <- brings development dependencies
//! CMD ["/app/.venv/bin/orders"]
//! ```
//! `pyproject.toml`:
//! ```toml
//! [project]
//! name = "orders"
//!
//! [dependency-groups]
//! dev = ["pytest>=8"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! COPY src ./src
//! RUN npm ci && npm run build
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci --omit=dev # <- installs production dependencies
//! COPY --from=builder /app/dist ./dist # <- brings nothing that does not run
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! ## Passes
//!
//! Pruned before it is copied:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build && npm prune --omit=dev
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/node_modules ./node_modules # <- production dependencies
//! COPY --from=builder /app/dist ./dist
//! COPY migrations ./migrations
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! A configuration that a tool of the image reads as it is:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build && npm prune --omit=dev
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/node_modules ./node_modules # <- production dependencies
//! COPY --from=builder /app/dist ./dist
//! COPY prisma.config.ts ./ # <- brings nothing that does not run
//! CMD ["node", "dist/main.js"]
//! ```
//! `prisma.config.ts`:
//! ```ts
//! export default { schema: "prisma/schema.prisma" };
//! ```
//!
//! The sources of an interpreted language are what runs:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM ruby:3.4-slim AS builder
//! WORKDIR /app
//! COPY . .
//! RUN bundle install && ./bin/rails assets:precompile
//!
//! FROM ruby:3.4-slim
//! COPY --from=builder /app /app # <- brings nothing that does not run
//! CMD ["/app/bin/rails", "server"]
//! ```
//!
//! Groups that are left out:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim AS builder
//! WORKDIR /app
//! COPY . .
//! RUN uv sync --frozen --no-dev
//!
//! FROM python:3.13-slim
//! COPY --from=builder /app/.venv /app/.venv # <- production dependencies
//! CMD ["/app/.venv/bin/orders"]
//! ```
//! `pyproject.toml`:
//! ```toml
//! [project]
//! name = "orders"
//!
//! [dependency-groups]
//! dev = ["pytest>=8"]
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build && npm prune --omit=dev
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/dist ./dist
//! COPY --from=builder /app/knexfile.ts ./ # <- brings a source
//! CMD ["node", "dist/main.js"]
//! ```
//! `knexfile.ts`:
//! ```ts
//! ```
//!
//! Migrations in JavaScript, beside a program that is compiled:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build && npm prune --omit=dev
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/node_modules ./node_modules
//! COPY --from=builder /app/dist ./dist
//! COPY --from=builder /app/migrations ./migrations # <- brings migrations
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "name": "orders",
//!   "scripts": { "build": "tsc", "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! export {};
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
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN ./install.sh
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/node_modules ./node_modules # <- not known
//! COPY --from=builder /app/dist ./dist
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! How its packages came into the builder is not followed:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS pruner
//! WORKDIR /app
//! COPY . .
//! RUN ./lay-out.sh orders
//!
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY --from=pruner /app/out/full/ .
//! RUN turbo run build
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/services/ ./services/ # <- holds sources in the tree
//! CMD ["node", "services/orders/dist/main.js"]
//! ```
//! `services/orders/src/main.ts`:
//! ```ts
//! export {};
//! ```
//!
//! A group whose name does not tell:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim AS builder
//! WORKDIR /app
//! COPY . .
//! RUN poetry install
//!
//! FROM python:3.13-slim
//! COPY --from=builder /app/.venv /app/.venv # <- may bring development dependencies
//! CMD ["/app/.venv/bin/orders"]
//! ```
//! `pyproject.toml`:
//! ```toml
//! [tool.poetry.group.web.dependencies]
//! flask = "^3"
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . /app
//! CMD ["node", "/app/src/main.js"]
//! ```

use crate::conditions::HAS_SEVERAL_STAGES;
use crate::context::last_build;
use crate::shipped::{rank, shipped};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, ImageSubject, Outcome, Part, Run, Safety,
    Section, Severity, Snippet, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "build/ships-only-artifacts",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &["build/multi-stage"],
    controls: &["CIS-D 4.3"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_SEVERAL_STAGES],
    source: include_str!("ships_only_artifacts.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let Some(target) = image.target.filter(|_| !image.broken) else { return cx.unparsed(image) };
    let mut found = shipped(cx, image, target);
    found.sort_by_key(|(_, (outcome, _))| std::cmp::Reverse(rank(*outcome)));
    let mut evidence = found.iter().map(|(span, (outcome, says))| match outcome {
        Outcome::Pass => Evidence::shows(*span, says.clone()),
        Outcome::Unknown => Evidence::context(*span, says.clone()),
        _ => Evidence::contradicts(*span, says.clone()),
    });
    let (Some((_, (worst, says))), Some(first)) = (found.first(), evidence.next()) else {
        return cx.unparsed(image);
    };
    match worst {
        Outcome::Fail => {
            Verdict::fail(format!("the final stage {says}: ship only what runs"), first)
        }
        Outcome::Unknown => {
            let message = "what the final stage takes from a builder is not known";
            Verdict::unknown(Why::NeedsBuild, message, first)
        }
        Outcome::Partial => {
            let message = "the final stage still holds sources: compile them, and copy the output";
            Verdict::partial(message, first)
        }
        _ => Verdict::pass("the final stage holds only what runs", first),
    }
    .and_all(evidence)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    service.package.filter(|&id| cx.delivery[id].is_node())?;
    let (image, name, dir) = service.images.iter().find_map(|&id| {
        let image = &cx.delivery[id];
        let builders = image.stages_built().into_iter().filter(|&stage| !image.ships(stage));
        builders.rev().find_map(|stage| {
            let (_, dir) = last_build(image, stage)?;
            let name = image.stages.get(stage)?.name.clone();
            Some((image, name.unwrap_or_else(|| stage.to_string()), dir))
        })
    })?;
    Some(Fix {
        does: "install production dependencies only, and copy the build's output".into(),
        safety: Safety::Review,
        snippet: Some(Snippet {
            path: image.path.clone(),
            language: "dockerfile",
            text: format!(
                "RUN npm ci --omit=dev && npm cache clean --force\n\
                 COPY --from={name} {dir}/dist ./dist\n"
            ),
        }),
        patch: None,
    })
}
