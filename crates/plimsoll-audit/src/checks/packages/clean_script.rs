//! # The clean script cleans
//!
//! `npm run clean` removes what a build left, with a program that is declared.
//!
//! A clean script that fails is found out when it is needed: a stale file in `dist` is shipped, and
//! the script that should have removed it says `rimraf: not found`.
//!
//! Use `rm -rf dist`, or declare the program in `devDependencies`.
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
//!     "clean": "rimraf dist" // <- `rimraf` is not installed
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
//! There is none:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "start": "node main.js" } } // <- no script `clean`
//! ```
//!
//! ## Fixed
//!
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "clean": "rm -rf dist" // <- the script `clean`
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
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
//!   "scripts": { "clean": "rimraf dist" }, // <- the script `clean`
//!   "devDependencies": { "rimraf": "6.0.1" } // <- `rimraf` brings `rimraf`
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/rimraf": { "version": "6.0.1", "dev": true, "bin": { "rimraf": "dist/esm/bin.mjs" } }
//!   }
//! }
//! ```
//!
//! By another name:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "build": "tsc", "build:clean": "rm -rf dist" }, // <- the script `build:clean`
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
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
//!     "clean": "rimraf dist" // <- `rimraf` is not declared
//!   },
//!   "devDependencies": { "preset": "1.0.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/rimraf": { "version": "6.0.1", "dev": true, "bin": { "rimraf": "dist/esm/bin.mjs" } }, // <- others need it
//!     "node_modules/preset": { "version": "1.0.0", "dev": true }
//!   }
//! }
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.14-slim
//! CMD ["python", "app.py"]
//! ```
//!
//! `cargo clean` is there:
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
//! ```

use crate::conditions::{BUILDS_BY_A_SCRIPT, HAS_PACKAGE};
use crate::{
    Check, Cx, Domain, Effort, Finding, Fix, Part, Run, Section, ServiceSubject, Severity, Status,
    Verdict,
};

use super::{BY_NAME, Wanted, package};

pub(super) static CHECK: Check = Check {
    id: "packages/clean-script",
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
    when: &[&HAS_PACKAGE, &BUILDS_BY_A_SCRIPT],
    source: include_str!("clean_script.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

static WANTED: Wanted = Wanted {
    names: &["clean", "clean:dist", "clean:build", "build:clean", "clean:all"],
    by_command: BY_NAME,
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    WANTED.judge(cx, service)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let made = package(cx, service)?.typescript.as_ref().and_then(|ts| ts.out_dir.known());
    if let Some(fix) = WANTED.rewritten(cx, service, |command| {
        // The same by what every image and machine has.
        let paths = command.strip_prefix("rimraf ")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "./-_ ".contains(c);
        (paths.chars().all(plain) && !paths.starts_with('-')).then(|| format!("rm -rf {paths}"))
    }) {
        return Some(fix);
    }
    let fix = WANTED.fix(cx, service, &format!("rm -rf {}", made.map_or("dist", |dir| dir)))?;
    // What another build makes, and where, is not known.
    Some(if made.is_some() { fix } else { fix.into_sketch() })
}
