//! # The typecheck script checks types
//!
//! A script (`typecheck`, `type-check`, or one that runs `tsc --noEmit`) checks the types without
//! building.
//!
//! Builders that strip types (esbuild, swc, tsx) let any error through; without this script types are
//! comments.
//!
//! Write `"typecheck": "tsc --noEmit"`, and declare `typescript`. What holds no TypeScript needs no
//! such script.
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
//!   "scripts": { // <- no script `typecheck`
//!     "build": "tsc"
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/typescript": { "version": "5.9.2", "dev": true, "bin": { "tsc": "bin/tsc" } }
//!   }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! ```
//!
//! The configuration is not there:
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
//!     "typecheck": "tsc --noEmit -p tsconfig.check.json" // <- needs it
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/typescript": { "version": "5.9.2", "dev": true, "bin": { "tsc": "bin/tsc" } }
//!   }
//! }
//! ```
//!
//! Annotations of Python, and nothing reads them:
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
//! flask==3.1.2 # <- no type checker
//! ```
//! `main.py`:
//! ```python
//! def total() -> int:
//!     return 1
//! ```
//!
//! ## Fixed
//!
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "build": "tsc",
//!     "typecheck": "tsc --noEmit" // <- the script `typecheck`
//!   },
//!   "devDependencies": { "typescript": "5.9.2" } // <- `typescript` brings `tsc`
//! }
//! ```
//!
//! ## Passes
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
//!     "check": "tsc -p . --noEmit" // <- the script `check`
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/typescript": { "version": "5.9.2", "dev": true, "bin": { "tsc": "bin/tsc" } }
//!   }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! ```
//!
//! Python:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"]
//! ```
//! `pyproject.toml`:
//! ```toml
//! [project]
//! name = "orders"
//!
//! [dependency-groups]
//! dev = [
//!   "mypy==1.18.2", # <- declares `mypy`
//! ]
//! ```
//! `main.py`:
//! ```python
//! def total() -> int:
//!     return 1
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
//!     "type-check": "tsc --noEmit" // <- `tsc` is not declared
//!   },
//!   "devDependencies": { "preset": "1.0.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/typescript": { "version": "5.9.2", "dev": true, "bin": { "tsc": "bin/tsc" } },
//!     "node_modules/preset": { "version": "1.0.0", "dev": true }
//!   }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
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
//! { "scripts": { "start": "node main.js" } }
//! ```
//!
//! A compiler reads them:
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
//!
//! ## See also
//!
//! - `packages/build-script`

use crate::conditions::{HAS_PACKAGE, HAS_TYPES_TO_CHECK};
use crate::toolchain::{self, Task};
use crate::{
    Check, Cx, Domain, Effort, Finding, Fix, Part, Run, Section, ServiceSubject, Severity, Status,
    Verdict,
};

use super::{Wanted, other};

pub(super) static CHECK: Check = Check {
    id: "packages/typecheck-script",
    section: Section::Packages,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_PACKAGE, &HAS_TYPES_TO_CHECK],
    source: include_str!("typecheck_script.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

static WANTED: Wanted = Wanted {
    names: &[
        "typecheck",
        "type-check",
        "check-types",
        "types:check",
        "check:types",
        "tsc",
        "lint:types",
    ],
    by_command: checks_types,
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    match other(cx, service) {
        Some(package) => toolchain::judge(cx, package, Task::Typecheck),
        None => WANTED.judge(cx, service),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    WANTED.fix(cx, service, "tsc --noEmit")
}

/// Whether a command checks types and makes nothing.
fn checks_types(words: &[&str]) -> bool {
    words.iter().any(|word| matches!(*word, "tsc" | "vue-tsc"))
        && words.iter().any(|word| word.eq_ignore_ascii_case("--noEmit"))
}
