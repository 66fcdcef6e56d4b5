//! # Scripts name files and programs that exist
//!
//! Every script of the `package.json` runs programs that the package declares, and names files that
//! are in the tree or that the build makes.
//!
//! A script that names a missing file has been dead since the file went; one whose program nobody
//! declares works on one machine only. Whoever runs it during an incident finds out then.
//!
//! Mend the script or delete it. PARTIAL: a program is there only because another package needs it,
//! or is downloaded each time. Programs of the machine (`docker`, `git`) are no package's, and not
//! asked for here, nor are files that a tool looks for by itself; the scripts that a service must
//! have are asked for one by one elsewhere.
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
//!   "scripts": {
//!     "start": "node main.js",
//!     "seed": "node scripts/seed.js" // <- needs it
//!   }
//! }
//! ```
//! `main.js`:
//! ```js
//! ```
//! <- is not there
//!
//! A program that nothing installs:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "clean": "rimraf dist" // <- `rimraf` is not installed
//!   },
//!   "dependencies": { "pg": "8.16.3" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": { "node_modules/pg": { "version": "8.16.3" } }
//! }
//! ```
//!
//! A compose file:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "docker:up": "docker-compose -f docker-compose.dev.yml up -d" // <- needs it
//!   }
//! }
//! ```
//! <- is not there
//!
//! ## Fixed
//!
//! `scripts/seed.js`:
//! ```js
//! insert(); // <- exists
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
//! {
//!   "scripts": {
//!     "test": "jest", // <- names what exists
//!     "up": "docker compose up"
//!   },
//!   "devDependencies": { "jest": "30.1.3" } // <- `jest` brings `jest`
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/jest": { "version": "30.1.3", "dev": true, "bin": { "jest": "bin/jest.js" } }
//!   }
//! }
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "format": "npx prettier --write ." // <- downloaded when it runs
//!   }
//! }
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "report": "acme-report" // <- Build the image
//!   },
//!   "dependencies": { "pg": "8.16.3" }
//! }
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

use plimsoll_model::Why;
use plimsoll_model::package::script::{self, Provided};
use plimsoll_source::Span;

use crate::conditions::{HAS_PACKAGE_SCRIPTS, IS_NODE_PACKAGE};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Verdict, mending,
};

use super::{no_package, package};

pub(super) static CHECK: Check = Check {
    id: "packages/script-targets-exist",
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
    when: &[&IS_NODE_PACKAGE, &HAS_PACKAGE_SCRIPTS],
    source: include_str!("script_targets_exist.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let Some(package) = package(cx, service) else { return no_package(service) };
    if package.broken {
        let evidence = Evidence::context(package.place, "does not parse");
        return Verdict::unknown(Why::Unparsed, "package.json does not parse", evidence);
    }
    let (mut troubles, mut shown) = (Vec::new(), Vec::new());
    // More scripts than this are no package's.
    for script in package.scripts.iter().take(1_000) {
        let tree = &cx.delivery.tree;
        let before = troubles.len();
        for mut command in script::commands(tree, &cx.delivery.packages, package, script) {
            // What other scripts run is theirs; what the machine brings is no package's.
            if command.span != script.span && !matches!(command.provided, Provided::NoScript(..)) {
                continue;
            }
            if command.provided == Provided::System {
                command.provided = Provided::Builtin;
            }
            // Files that a tool looks for by itself are not named.
            command.files.retain(|file| script.command.contains(&*file.written));
            let (bad, good) = super::command(cx, service, package, script, &command);
            troubles.extend(bad);
            shown.extend(good);
        }
        if troubles.len() == before {
            shown.push(Evidence::shows(script.span, "names what exists"));
        }
    }
    // The worst decides: stable, so the first of the worst.
    troubles.sort_by_key(|verdict: &Verdict| std::cmp::Reverse(verdict.outcome().rank()));
    let mut troubles = troubles.into_iter();
    if let Some(worst) = troubles.next() {
        return worst.and_all(troubles.flat_map(|verdict| verdict.evidence));
    }
    let mut shown = shown.into_iter();
    match shown.next() {
        Some(first) => Verdict::pass("every script names what exists", first).and_all(shown),
        None => no_package(service),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = &cx.delivery[service.package?];
    let places: Vec<Span> = mending::against(finding).collect();
    let own = package.scripts.iter().filter(|script| {
        let own = |at: &Span| {
            at.file == script.span.file
                && at.range.start < script.span.range.end
                && script.span.range.start < at.range.end
        };
        places.iter().any(own)
    });
    let names: Vec<String> = own.map(|script| format!("scripts.{}", script.name)).collect();
    let does = "install what they run, name files that exist, or take out those that nobody runs";
    let text = format!("npm pkg delete {}\n", names.join(" "));
    let snippet = mending::snippet(cx.path(package.manifest), "sh", text);
    (!names.is_empty()).then(|| Fix::of_edits(does, Safety::Sketch, snippet, Vec::new()))
}
