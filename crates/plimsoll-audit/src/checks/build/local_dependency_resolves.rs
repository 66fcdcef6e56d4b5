//! # Links to local packages resolve in the final stage
//!
//! `node_modules` holds relative links to local packages (`file:`, `link:`, `workspace:`); where the
//! final stage has them, they lead to something.
//!
//! `COPY --from=builder /app/services/orders/node_modules ./node_modules` moves the links to another
//! depth: `../../shared` now leads above everything, and the first import ends the process with
//! MODULE_NOT_FOUND.
//!
//! Keep the layout of the directories, and copy the local package with it. PARTIAL: the package is
//! for development only, or no code that CMD reaches imports it.
//!
//! ## Fails
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY shared ./shared
//! COPY services/orders ./services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/services/orders ./ # <- leads to `/shared`
//! CMD ["node", "-r", "@acme/shared", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! {
//!   "dependencies": {
//!     "@acme/shared": "file:../../shared" // <- nothing is at `/shared`
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
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "version": "1.0.0", "main": "index.js" }
//! ```
//! `shared/index.js`:
//! ```js
//! ```
//!
//! Only `node_modules` moved, and the code imports it:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY shared ./shared
//! COPY services/orders ./services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/services/orders/node_modules ./node_modules # <- leads to `/shared`
//! COPY services/orders/main.js .
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "@acme/shared": "file:../../shared" } } // <- nothing is at `/shared`
//! ```
//! `services/orders/package-lock.json`:
//! ```json
//! { "lockfileVersion": 3, "packages": { "node_modules/@acme/shared": { "resolved": "../../shared", "link": true } } }
//! ```
//! `services/orders/main.js`:
//! ```js
//! const { log } = require("@acme/shared"); // <- loads it
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "main": "index.js" }
//! ```
//! `shared/index.js`:
//! ```js
//! ```
//!
//! ## Fixed
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY shared ./shared
//! COPY services/orders ./services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! FROM node:20-alpine
//! COPY --from=builder /app/shared /app/shared # <- brings it
//! WORKDIR /app/services/orders
//! COPY --from=builder /app/services/orders ./
//! CMD ["node", "-r", "@acme/shared", "main.js"]
//! ```
//!
//! ## Passes
//!
//! Installed where it runs; that nothing builds it is asked elsewhere:
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
//! {
//!   "dependencies": {
//!     "@acme/shared": "file:../../shared" // <- leads to `/app/shared`
//!   }
//! }
//! ```
//! `services/orders/main.js`:
//! ```js
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "main": "dist/index.js", "scripts": { "build": "tsc" } }
//! ```
//! `shared/index.ts`:
//! ```ts
//! ```
//!
//! ## Partial
//!
//! Nothing imports it:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY shared ./shared
//! COPY services/orders ./services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/services/orders/node_modules ./node_modules # <- leads to `/shared`
//! COPY services/orders/main.js .
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "@acme/shared": "file:../../shared" } } // <- nothing is at `/shared`
//! ```
//! `services/orders/package-lock.json`:
//! ```json
//! { "lockfileVersion": 3, "packages": { "node_modules/@acme/shared": { "resolved": "../../shared", "link": true } } }
//! ```
//! `services/orders/main.js`:
//! ```js
//! require("http").createServer().listen(3000);
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "main": "index.js" }
//! ```
//! `shared/index.js`:
//! ```js
//! ```
//!
//! ## Cannot tell
//!
//! What is imported is computed:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY shared ./shared
//! COPY services/orders ./services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/services/orders/node_modules ./node_modules # <- leads to `/shared`
//! COPY services/orders/main.js .
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "@acme/shared": "file:../../shared" } } // <- nothing is at `/shared`
//! ```
//! `services/orders/package-lock.json`:
//! ```json
//! { "lockfileVersion": 3, "packages": { "node_modules/@acme/shared": { "resolved": "../../shared", "link": true } } }
//! ```
//! `services/orders/main.js`:
//! ```js
//! require("./plugins/" + process.env.PLUGIN); // <- value
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "main": "index.js" }
//! ```
//! `shared/index.js`:
//! ```js
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
//! - `build/local-dependency-built`

use crate::conditions::{HAS_IMAGE, HAS_LOCAL_DEPENDENCIES, IS_NODE_PACKAGE};
use crate::links::{State, judge, leads, sketch, worst};
use crate::{
    Check, Cx, Domain, Effort, Finding, Fix, Part, Run, Section, ServiceSubject, Severity, Status,
    Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "build/local-dependency-resolves",
    section: Section::BuildSecurity,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Hours,
    within: Some("packages/local-dependencies-resolve"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&IS_NODE_PACKAGE, &HAS_LOCAL_DEPENDENCIES, &HAS_IMAGE],
    source: include_str!("local_dependency_resolves.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    worst(cx, service, |package| {
        let mut leads = leads(cx, service, package);
        for lead in &mut leads {
            // That it is there is all that is asked.
            if let State::Unbuilt(via) = lead.state {
                lead.state = State::There(via, None);
            }
        }
        leads.iter().map(|lead| judge(cx, service, package, lead)).collect()
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = service.package.map(|id| &cx.delivery[id]).filter(|package| package.is_node())?;
    sketch(cx, &leads(cx, service, package))
}
