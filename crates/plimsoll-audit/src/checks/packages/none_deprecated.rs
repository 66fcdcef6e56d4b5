//! # No dependency is deprecated
//!
//! No package that the lockfile installs has been given up by its authors.
//!
//! A deprecated package gets no more fixes, security fixes included; often its notice names the flaw
//! that will not be mended.
//!
//! Composer's lockfile says which packages are abandoned. Cargo's says nothing of what was withdrawn,
//! nor NuGet's of what is deprecated: UNKNOWN. The registries of Python, Ruby and Java have no such
//! mark, and Go's stands in a later version of the module: the question does not apply.
//!
//! Replace the ones that the manifest asks for first (`crypto` by `node:crypto`, `request` by
//! `fetch`); others go when what needs them is updated.
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
//!   "dependencies": {
//!     "crypto": "1.0.1", // <- `crypto` 1.0.1 is deprecated
//!     "pg": "8.16.3"
//!   }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/crypto": {
//!       "version": "1.0.1",
//!       "deprecated": "This package is no longer supported." // <- deprecated
//!     },
//!     "node_modules/pg": { "version": "8.16.3" }
//!   }
//! }
//! ```
//!
//! Abandoned, by Composer:
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
//! {
//!   "require": {
//!     "acme/mail": "^1" // <- `acme/mail` 1.2.0 is deprecated
//!   }
//! }
//! ```
//! `composer.lock`:
//! ```json
//! {
//!   "packages": [
//!     {
//!       "name": "acme/mail",
//!       "version": "1.2.0",
//!       "abandoned": "acme/mailer" // <- deprecated
//!     }
//!   ]
//! }
//! ```
//!
//! ## Fixed
//!
//! `package.json`:
//! ```json
//! {
//!   "dependencies": {
//!     "pg": "8.16.3"
//!   }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! { // <- none of its packages
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/pg": { "version": "8.16.3" }
//!   }
//! }
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "pg": "8.16.3" } }
//! ```
//! `package-lock.json`:
//! ```json
//! { // <- none of its packages
//!   "lockfileVersion": 3,
//!   "packages": { "node_modules/pg": { "version": "8.16.3" } }
//! }
//! ```
//!
//! Composer:
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
//! { "require": { "acme/mailer": "^1" } }
//! ```
//! `composer.lock`:
//! ```json
//! { // <- none of its packages
//!   "packages": [{ "name": "acme/mailer", "version": "1.0.0", "abandoned": false }]
//! }
//! ```
//!
//! ## Partial
//!
//! Others need it, or only development does:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "dependencies": { "jobs": "1.0.0" },
//!   "devDependencies": { "eslint": "8.57.1" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/eslint": { "version": "8.57.1", "dev": true, "deprecated": "No longer supported." }, // <- deprecated
//!     "node_modules/inflight": { "version": "1.0.6", "deprecated": "It leaks memory." }, // <- deprecated
//!     "node_modules/jobs": { "version": "1.0.0" }
//!   }
//! }
//! ```
//!
//! ## Cannot tell
//!
//! Yarn's lockfile does not record it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "pg": "8.16.3" } }
//! ```
//! `yarn.lock`:
//! ```yaml
//! # yarn lockfile v1 // <- does not record it
//!
//! pg@8.16.3:
//!   version "8.16.3"
//! ```
//!
//! What was withdrawn is not in the lockfile:
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
//! `Cargo.lock`:
//! ```toml
//! version = 4 # <- does not record it
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
//! { "dependencies": { "pg": "8.16.3" } }
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
//! ```
//! `uv.lock`:
//! ```toml
//! version = 1
//! ```

use plimsoll_model::Why;
use plimsoll_model::package::{DependencyKind, Deprecated, Ecosystem};

use crate::conditions::{HAS_DEPRECATIONS, HAS_LOCKFILE, HAS_PACKAGE};
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, ServiceSubject, Severity, Status,
    Verdict,
};

use super::{no_package, other, package};

pub(super) static CHECK: Check = Check {
    id: "packages/none-deprecated",
    section: Section::Packages,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Low,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_PACKAGE, &HAS_LOCKFILE, &HAS_DEPRECATIONS],
    source: include_str!("none_deprecated.rs"),
    run: Run::Service(run),
    fix: None,
};

/// Places shown of what others need; the rest are counted.
const SHOWN: usize = 20;

/// None is what is wanted: the evidence of a pass is the lockfile without one.
fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let Some(package) = package(cx, service).or(other(cx, service)) else {
        return no_package(service);
    };
    let Some(lock) = &package.lockfile else { return no_package(service) };
    let asks_registry = || {
        let message =
            "whether a dependency is deprecated is not in this lockfile: ask the registry";
        let evidence = Evidence::context(lock.place, "does not record it");
        Verdict::unknown(Why::NeedsNetwork, message, evidence)
    };
    if matches!(package.ecosystem, Ecosystem::Rust | Ecosystem::Dotnet) {
        return asks_registry();
    }
    if let Some(why) = lock.trouble {
        let evidence = Evidence::context(lock.place, why.decide());
        return Verdict::unknown(why, "the lockfile cannot be read", evidence);
    }
    let asked = |one: &&Deprecated| {
        matches!(one.direct, Some(DependencyKind::Production | DependencyKind::Optional))
    };
    let says = |one: &Deprecated| format!("`{}` {} is deprecated", clip(&one.name), one.version);
    let place = |one: &Deprecated| Evidence::contradicts(one.span, says(one));
    let direct: Vec<&Deprecated> = lock.deprecated.iter().filter(asked).collect();
    if let Some(first) = direct.first() {
        let more = match direct.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let declared = direct.iter().filter_map(|one| {
            let declared = package.dependency(&one.name)?;
            Some(Evidence::contradicts(declared.span, says(one)))
        });
        let mut evidence = declared.chain(direct.iter().map(|one| place(one)));
        let message =
            format!("`{}`{more}, asked for here, is deprecated: replace it", clip(&first.name));
        return match evidence.next() {
            Some(one) => Verdict::fail(message, one).and_all(evidence),
            None => Verdict::fail(message, place(first)),
        };
    }
    let mut others = lock.deprecated.iter();
    if let Some(first) = others.next() {
        let message = match lock.deprecated.len() {
            1 => format!("`{}`, which others need, is deprecated: update them", clip(&first.name)),
            n => format!("{n} packages that others or development need are deprecated: update"),
        };
        return Verdict::partial(message, place(first)).and_all(others.take(SHOWN).map(place));
    }
    if !lock.tells_deprecated {
        return asks_registry();
    }
    let says = format!("none of its packages ({} at the top) is deprecated", lock.installed.len());
    Verdict::pass(
        "no package of the lockfile is deprecated",
        Evidence::missing_in(lock.place, says),
    )
}
