//! # Local packages are built before they are used
//!
//! A local dependency (`file:`, `link:`, `workspace:`) whose `main` lies in what its build makes is
//! built in the image, by RUN or by its `prepare` script.
//!
//! What the build makes is ignored by git, so a clone does not have it. The image then only builds on
//! a machine where it happens to lie about, or fails at the first import.
//!
//! Build the local package before the service: `RUN npm ci && npm run build` in its directory. There
//! is no PARTIAL: a package that nothing builds and that no code reached from the start imports
//! passes.
//!
//! ## Fails
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY shared ./shared # <- brings it unbuilt
//! COPY services/orders ./services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! CMD ["node", "-r", "@acme/shared", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! {
//!   "dependencies": {
//!     "@acme/shared": "file:../../shared" // <- nothing builds it
//!   }
//! }
//! ```
//! `services/orders/main.js`:
//! ```js
//! ```
//! `shared/package.json`:
//! ```json
//! {
//!   "name": "@acme/shared",
//!   "main": "dist/index.js", // <- is not in the tree
//!   "scripts": { "build": "tsc" }
//! }
//! ```
//! `shared/index.ts`:
//! ```ts
//! ```
//!
//! The program imports it:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY shared ./shared # <- brings it unbuilt
//! COPY services/orders ./services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "@acme/shared": "file:../../shared" } } // <- nothing builds it
//! ```
//! `services/orders/main.js`:
//! ```js
//! const { log } = require("@acme/shared"); // <- imports it
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "main": "dist/index.js", "scripts": { "build": "tsc" } }
//! ```
//! `shared/index.ts`:
//! ```ts
//! ```
//!
//! ## Fixed
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app/shared
//! COPY shared .
//! RUN npm ci && npm run build # <- builds it
//! WORKDIR /app/services/orders
//! COPY services/orders .
//! RUN npm ci
//! CMD ["node", "-r", "@acme/shared", "main.js"]
//! ```
//!
//! ## Passes
//!
//! The script of what depends on it builds it first:
//!
//! `packages/api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN pnpm install --frozen-lockfile
//! RUN pnpm --filter api build # <- builds it
//! FROM node:20-alpine
//! WORKDIR /app/packages/api
//! COPY --from=builder /app /app
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: { context: ., dockerfile: packages/api/Dockerfile }
//! ```
//! `package.json`:
//! ```json
//! { "name": "root", "private": true }
//! ```
//! `pnpm-workspace.yaml`:
//! ```yaml
//! packages: ["packages/*"]
//! ```
//! `pnpm-lock.yaml`:
//! ```yaml
//! lockfileVersion: "9.0"
//! importers:
//!   .: {}
//!   packages/api:
//!     dependencies:
//!       tokens: { specifier: "workspace:*", version: "link:../tokens" }
//!   packages/tokens: {}
//! ```
//! `packages/api/package.json`:
//! ```json
//! {
//!   "name": "api",
//!   "scripts": { "build": "pnpm build:deps && tsc", "build:deps": "pnpm --filter tokens build" },
//!   "dependencies": { "tokens": "workspace:*" }
//! }
//! ```
//! `packages/api/main.js`:
//! ```js
//! require("tokens");
//! ```
//! `packages/tokens/package.json`:
//! ```json
//! { "name": "tokens", "main": "dist/index.js", "scripts": { "build": "tsc" } }
//! ```
//!
//! The filter takes what it depends on, too:
//!
//! `packages/api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN pnpm install --frozen-lockfile
//! RUN pnpm build --filter=@acme/api... # <- builds it
//! WORKDIR /app/packages/api
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: { context: ., dockerfile: packages/api/Dockerfile }
//! ```
//! `package.json`:
//! ```json
//! { "name": "root", "private": true }
//! ```
//! `pnpm-workspace.yaml`:
//! ```yaml
//! packages: ["packages/*"]
//! ```
//! `pnpm-lock.yaml`:
//! ```yaml
//! lockfileVersion: "9.0"
//! importers:
//!   .: {}
//!   packages/api:
//!     dependencies:
//!       tokens: { specifier: "workspace:*", version: "link:../tokens" }
//!   packages/tokens: {}
//! ```
//! `packages/api/package.json`:
//! ```json
//! {
//!   "name": "@acme/api",
//!   "scripts": { "build": "tsc" },
//!   "dependencies": { "tokens": "workspace:*" }
//! }
//! ```
//! `packages/api/main.js`:
//! ```js
//! require("tokens");
//! ```
//! `packages/tokens/package.json`:
//! ```json
//! { "name": "tokens", "main": "dist/index.js", "scripts": { "build": "tsc" } }
//! ```
//!
//! It is copied in pieces, and built where they are:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app/shared
//! COPY shared/package.json shared/package-lock.json ./
//! RUN npm ci
//! COPY shared/src ./src
//! RUN npm run build # <- builds it
//! WORKDIR /app/services/orders
//! COPY services/orders/package.json services/orders/package-lock.json ./
//! RUN npm ci
//! COPY services/orders/main.js ./
//! FROM node:20-alpine
//! WORKDIR /app/services/orders
//! COPY --from=builder /app/shared /app/shared
//! COPY --from=builder /app/services/orders ./
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! {
//!   "dependencies": {
//!     "@acme/shared": "file:../../shared"
//!   }
//! }
//! ```
//! `services/orders/package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "../../shared": { "name": "@acme/shared", "version": "1.0.0" },
//!     "node_modules/@acme/shared": { "resolved": "../../shared", "link": true }
//!   }
//! }
//! ```
//! `services/orders/main.js`:
//! ```js
//! require("@acme/shared");
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "version": "1.0.0", "main": "dist/index.js", "scripts": { "build": "tsc" } }
//! ```
//! `shared/package-lock.json`:
//! ```json
//! { "lockfileVersion": 3, "packages": {} }
//! ```
//! `shared/src/index.ts`:
//! ```ts
//! export const name = "shared";
//! ```
//!
//! It needs no build:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY shared ./shared # <- brings it
//! COPY services/orders ./services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "@acme/shared": "file:../../shared" } }
//! ```
//! `services/orders/main.js`:
//! ```js
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "main": "index.js" }
//! ```
//! `shared/index.js`:
//! ```js
//! ```
//!
//! Nothing needs it:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY shared ./shared # <- brings it unbuilt
//! COPY services/orders ./services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "@acme/shared": "file:../../shared" } } // <- nothing imports it
//! ```
//! `services/orders/main.js`:
//! ```js
//! require("http").createServer().listen(3000);
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "main": "dist/index.js", "scripts": { "build": "tsc" } }
//! ```
//! `shared/index.ts`:
//! ```ts
//! ```
//!
//! ## Cannot tell
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY shared ./shared # <- brings it unbuilt
//! COPY services/orders ./services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "@acme/shared": "file:../../shared" } } // <- nothing builds it
//! ```
//! `services/orders/main.js`:
//! ```js
//! require("./plugins/" + process.env.PLUGIN);
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "main": "dist/index.js", "scripts": { "build": "tsc" } }
//! ```
//! `shared/index.ts`:
//! ```ts
//! ```
//!
//! A program of the repository may build it:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY library /library
//! RUN node /library/build-all.mjs
//! COPY services/orders /services/orders
//! WORKDIR /services/orders
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "@acme/shared": "file:../../library/shared" } } // <- Build the image
//! ```
//! `services/orders/main.js`:
//! ```js
//! const { log } = require("@acme/shared");
//! ```
//! `library/shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "main": "dist/index.js", "scripts": { "build": "tsc" } }
//! ```
//! `library/build-all.mjs`:
//! ```js
//! import { execSync } from "node:child_process";
//! execSync("npm run build", { cwd: new URL("./shared", import.meta.url) });
//! ```
//!
//! ## Does not apply
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "pg": "8.16.3" } }
//! ```
//!
//! ## See also
//!
//! - `build/local-dependency-resolves`

use plimsoll_model::Why;

use crate::conditions::{HAS_IMAGE, HAS_LOCAL_DEPENDENCIES, IS_NODE_PACKAGE};
use crate::evidence::clip;
use crate::links::{Lead, State, builds, imported, worst};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "build/local-dependency-built",
    section: Section::BuildSecurity,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: Some("packages/local-dependencies-resolve"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&IS_NODE_PACKAGE, &HAS_LOCAL_DEPENDENCIES, &HAS_IMAGE],
    source: include_str!("local_dependency_built.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    worst(cx, service, |package| {
        let leads = builds(cx, service, package);
        leads.iter().map(|lead| judge(cx, service, lead)).collect()
    })
}

fn judge(cx: &Cx<'_>, service: ServiceSubject<'_>, lead: &Lead<'_>) -> Verdict {
    let (name, at) = (clip(&lead.dependency.name), lead.dependency.span);
    let via = match lead.state {
        State::Unbuilt(via) => via,
        State::There(via, built) => {
            let message = "the image builds the local packages, or they need no build";
            let evidence = match built {
                Some(built) => Evidence::shows(built, "builds it"),
                None => Evidence::shows(via, "brings it, and it needs no build"),
            };
            return Verdict::pass(message, evidence);
        }
        _ => {
            let message = format!("whether `{name}` is built in the image cannot be told");
            let evidence = Evidence::context(at, Why::NeedsBuild.decide());
            return Verdict::unknown(Why::NeedsBuild, message, evidence);
        }
    };
    let local = lead.dependency.local.as_deref();
    let theirs = local.and_then(|local| cx.delivery.node_package(local));
    let main = theirs.and_then(|theirs| theirs.main.as_ref());
    let main =
        main.map(|(_, span)| Evidence::context(*span, "is not in the tree: a build makes it"));
    let imported = imported(cx, service, lead);
    let verdict = match imported.known() {
        Some(true) => Verdict::fail(
            format!("nothing builds `{name}`, which code imports: build it first"),
            Evidence::contradicts(at, "nothing builds it"),
        )
        .and_all(imported.span().map(|at| Evidence::context(at, "imports it"))),
        Some(false) => Verdict::pass(
            format!("nothing builds `{name}`, and no code needs it"),
            Evidence::context(at, "nothing imports it"),
        ),
        None => Verdict::unknown(
            imported.unknown().map_or(Why::Unsupported, |(why, _)| why),
            format!("nothing builds `{name}`: does code import it?"),
            Evidence::context(at, "nothing builds it"),
        ),
    };
    verdict.and(Evidence::context(via, "brings it unbuilt")).and_all(main)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = &cx.delivery[service.package?];
    let leads = builds(cx, service, package);
    let lead = leads.iter().find(|lead| matches!(lead.state, State::Unbuilt(_)))?;
    Some(Fix {
        does: "build the local package before the service".into(),
        safety: Safety::Review,
        snippet: Some(Snippet {
            path: cx.delivery[lead.image].path.clone(),
            language: "dockerfile",
            text: format!("RUN cd {} && npm ci && npm run build\n", lead.path),
        }),
        patch: None,
    })
}
