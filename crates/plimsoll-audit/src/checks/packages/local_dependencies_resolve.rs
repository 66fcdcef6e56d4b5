//! # Local dependencies are where their links lead
//!
//! A dependency on a directory (`file:`, `link:`, `workspace:`) becomes a link in `node_modules`; in
//! the final stage its target is there, and was built.
//!
//! The link is relative. Copied with `node_modules` to another directory it leads elsewhere, most
//! often to nothing, and the first import of the package ends the service when it starts.
//!
//! Copy the target to the path where the link leads, and keep the directories as they are in the
//! repository: `COPY --from=builder /app/shared /app/shared`. What code imports is not read yet: a
//! link that leads nowhere is UNKNOWN, not FAIL, for nothing may need it, unless the repository does
//! not hold its target at all, or the start loads the package by name.
//!
//! ## Fails
//!
//! The repository has no such directory:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app/services/orders
//! COPY services/orders .
//! RUN npm install
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! {
//!   "dependencies": {
//!     "shared": "file:../../shraed" // <- there is nothing
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
//! The start loads it:
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
//! ## Fixed
//!
//! `services/orders/package.json`:
//! ```json
//! {
//!   "dependencies": {
//!     "shared": "file:../../shared"
//!   }
//! }
//! ```
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY shared ./shared # <- brings it
//! WORKDIR /app/services/orders
//! COPY services/orders .
//! RUN npm install
//! CMD ["node", "main.js"]
//! ```
//!
//! With the directories of the repository:
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
//! Installed in the final stage, and built before:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app/shared
//! COPY shared .
//! RUN npm run build # <- builds it
//! FROM node:20-alpine
//! COPY --from=builder /app/shared /app/shared # <- brings it
//! WORKDIR /app/services/orders
//! COPY services/orders .
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
//! `services/orders/package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "../../shared": { "name": "@acme/shared", "version": "1.0.0" },
//!     "node_modules/@acme/shared": { "resolved": "../../shared", "link": true } // <- the link
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
//!   "version": "1.0.0",
//!   "main": "dist/index.js",
//!   "scripts": { "build": "tsc" }
//! }
//! ```
//! `shared/index.ts`:
//! ```ts
//! ```
//!
//! ## Cannot tell
//!
//! Only `node_modules` moved:
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

use crate::conditions::{HAS_LOCAL_DEPENDENCIES, IS_NODE_PACKAGE};
use crate::links::{judge, leads, worst};
use crate::{
    Check, Cx, Domain, Effort, Part, Run, Section, ServiceSubject, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "packages/local-dependencies-resolve",
    section: Section::Packages,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&IS_NODE_PACKAGE, &HAS_LOCAL_DEPENDENCIES],
    source: include_str!("local_dependencies_resolve.rs"),
    run: Run::Service(run),
    fix: None,
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    worst(cx, service, |package| {
        leads(cx, service, package).iter().map(|lead| judge(cx, package, lead)).collect()
    })
}
