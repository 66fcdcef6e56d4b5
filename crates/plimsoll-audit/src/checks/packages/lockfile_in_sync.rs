//! # The lockfile knows its local packages as they are
//!
//! A lockfile copies the manifests of the local packages that it links to (`file:`, `link:`, members
//! of a workspace); the copies equal the manifests.
//!
//! A local package that has got a new dependency since is installed without it where the lockfile is
//! followed: the first import of it ends the service, or a version is taken that nobody chose.
//!
//! Write the lockfile again: `npm install --package-lock-only`. Only the dependencies are compared,
//! not the version of the local package, which installs nothing. There is no PARTIAL: a copy equals
//! or does not. Yarn and pnpm keep no copy of packages outside a workspace: UNKNOWN.
//!
//! ## Fails
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY shared shared
//! COPY services/orders services/orders
//! WORKDIR /app/services/orders
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "@acme/shared": "file:../../shared" } }
//! ```
//! `services/orders/package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "": { "dependencies": { "@acme/shared": "file:../../shared" } },
//!     "../../shared": { // <- copied from here
//!       "name": "@acme/shared",
//!       "dependencies": { "pg": "8.16.3" }
//!     },
//!     "node_modules/@acme/shared": { "resolved": "../../shared", "link": true }
//!   }
//! }
//! ```
//! `shared/package.json`:
//! ```json
//! {
//!   "name": "@acme/shared",
//!   "dependencies": {
//!     "pg": "8.16.3",
//!     "bs58": "5.0.0" // <- differs from its copy
//!   }
//! }
//! ```
//!
//! ## Fixed
//!
//! `services/orders/package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "": { "dependencies": { "@acme/shared": "file:../../shared" } },
//!     "../../shared": { // <- equals its manifest
//!       "name": "@acme/shared",
//!       "dependencies": { "bs58": "5.0.0", "pg": "8.16.3" }
//!     },
//!     "node_modules/@acme/shared": { "resolved": "../../shared", "link": true }
//!   }
//! }
//! ```
//!
//! ## Passes
//!
//! A workspace:
//!
//! `package.json`:
//! ```json
//! { "workspaces": ["packages/*"] }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "": { "workspaces": ["packages/*"] },
//!     "packages/orders": { "dependencies": { "shared": "^1.0.0" } },
//!     "packages/shared": { "version": "1.0.1", "dependencies": { "pg": "8.16.3" } }, // <- equals
//!     "node_modules/orders": { "resolved": "packages/orders", "link": true },
//!     "node_modules/shared": { "resolved": "packages/shared", "link": true }
//!   }
//! }
//! ```
//! `packages/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `packages/orders/package.json`:
//! ```json
//! { "name": "orders", "dependencies": { "shared": "^1.0.0" } }
//! ```
//! `packages/shared/package.json`:
//! ```json
//! { "name": "shared", "version": "1.0.2", "dependencies": { "pg": "8.16.3" } }
//! ```
//!
//! ## Cannot tell
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "dependencies": { "@acme/shared": "file:../../shared" } }
//! ```
//! `services/orders/yarn.lock`:
//! ```text
//! # yarn lockfile v1
//!
//! "@acme/shared@file:../../shared":
//!   version "1.0.0"
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "version": "1.0.0" }
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

use plimsoll_model::Why;
use plimsoll_model::package::{Dependency, Lockfile, Package};

use crate::conditions::{HAS_LOCAL_DEPENDENCIES, HAS_LOCKFILE, IS_NODE_PACKAGE, is_local};
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Snippet, Status, Verdict,
};

use super::{no_package, package};

pub(super) static CHECK: Check = Check {
    id: "packages/lockfile-in-sync",
    section: Section::Packages,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: Some("build/reproducible-install"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&IS_NODE_PACKAGE, &HAS_LOCKFILE, &HAS_LOCAL_DEPENDENCIES],
    source: include_str!("lockfile_in_sync.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let Some(package) = package(cx, service) else { return no_package(service) };
    let Some(lock) = &package.lockfile else { return no_package(service) };
    if let Some(why) = lock.trouble {
        let evidence = Evidence::context(lock.place, why.decide());
        return Verdict::unknown(why, "the lockfile cannot be read", evidence);
    }
    let local = package.dependencies.iter().filter(|dependency| is_local(dependency));
    let mut verdicts: Vec<Verdict> = local.map(|one| judge(cx, package, lock, one)).collect();
    verdicts.sort_by_key(|verdict| std::cmp::Reverse(verdict.outcome().rank()));
    let mut verdicts = verdicts.into_iter();
    match verdicts.next() {
        Some(worst) => worst.and_all(verdicts.flat_map(|verdict| verdict.evidence)),
        None => no_package(service),
    }
}

fn judge(cx: &Cx<'_>, package: &Package, lock: &Lockfile, dependency: &Dependency) -> Verdict {
    let name = clip(&dependency.name);
    let unknown = |why: Why| {
        let message = format!("whether the lockfile knows `{name}` as it is cannot be told");
        Verdict::unknown(why, message, Evidence::context(dependency.span, why.decide()))
    };
    let Some(dir) = &dependency.local else { return unknown(Why::OutOfTree) };
    let Some(copy) = lock.copies.get(dir) else {
        // pnpm keeps the members of a workspace, each for itself.
        let member = cx.delivery.node_package(dir);
        let theirs = member.and_then(|member| member.lockfile.as_ref());
        let theirs = theirs.filter(|theirs| theirs.file == lock.file && dir != &package.dir);
        return match theirs.map(|theirs| (&theirs.in_sync, theirs.in_sync.span())) {
            Some((plimsoll_model::Fact::Known { value, .. }, Some(at))) => match value {
                true => equal(Evidence::shows(at, "equals the manifest")),
                false => differs(&name, Evidence::contradicts(at, "differs from its copy")),
            },
            _ => unknown(Why::Unsupported),
        };
    };
    if !copy.complete {
        return unknown(Why::Unparsed);
    }
    let mut places =
        copy.differs.iter().map(|&at| Evidence::contradicts(at, "differs from its copy"));
    match places.next() {
        Some(first) => differs(&name, first)
            .and_all(places.take(20))
            .and(Evidence::context(copy.span, "copied from here")),
        None => equal(Evidence::shows(copy.span, "equals its manifest")),
    }
}

fn equal(evidence: Evidence) -> Verdict {
    Verdict::pass("the lockfile's copies of local packages equal their manifests", evidence)
}

fn differs(name: &str, evidence: Evidence) -> Verdict {
    let message = format!("the lockfile has an old copy of `{name}`: write it again");
    Verdict::fail(message, evidence)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = package(cx, service)?;
    let dir = if package.dir.is_empty() { "." } else { &package.dir };
    Some(Fix {
        does: "write the lockfile again".into(),
        safety: Safety::Review,
        snippet: Some(Snippet {
            path: cx.path(package.lockfile.as_ref()?.file).to_owned(),
            language: "sh",
            text: format!("cd {dir} && npm install --package-lock-only\n"),
        }),
        patch: None,
    })
}
