//! # Local dependencies are where their links lead
//!
//! A dependency on a directory (`file:`, `link:`, `workspace:`) becomes a link in `node_modules`; in
//! the final stage its target is there, and was built.
//!
//! The link is relative. Copied with `node_modules` to another directory it leads elsewhere, most
//! often to nothing, and the first import of the package ends the service when it starts.
//!
//! Other languages read such a directory when they install or build: a path in `Cargo.toml`, a
//! `replace` in `go.mod`, a source in `pyproject.toml`, `path:` in a Gemfile, a repository of the kind
//! `path` in `composer.json`. It must be where the manifest asks for it, in the stage that has that.
//!
//! Copy the target to the path where the link leads, and keep the directories as they are in the
//! repository: `COPY --from=builder /app/shared /app/shared`. A link that
//! leads nowhere is PARTIAL where no code that the start reaches imports the package, unless the
//! repository does not hold its target at all.
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
//! Rust, and no COPY brings it:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM rust:1.91
//! COPY services/orders /src/services/orders
//! WORKDIR /src/services/orders
//! RUN cargo build --release
//! CMD ["./target/release/orders"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build:
//!       context: .
//!       dockerfile: services/orders/Dockerfile
//! ```
//! `services/orders/Cargo.toml`:
//! ```toml
//! [package]
//! name = "orders"
//!
//! [dependencies]
//! shared = { path = "../../shared" } # <- nothing is at `/src/shared`
//! ```
//! `shared/Cargo.toml`:
//! ```toml
//! [package]
//! name = "shared"
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
//! const { log } = require("@acme/shared"); // <- loads it
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
//! The package is copied in pieces, and built where they are:
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
//! Rust:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM rust:1.91
//! COPY services/orders /src/services/orders
//! COPY shared /src/shared # <- brings it
//! WORKDIR /src/services/orders
//! RUN cargo build --release
//! CMD ["./target/release/orders"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build:
//!       context: .
//!       dockerfile: services/orders/Dockerfile
//! ```
//! `services/orders/Cargo.toml`:
//! ```toml
//! [package]
//! name = "orders"
//!
//! [dependencies]
//! shared = { path = "../../shared" } # <- leads to `/src/shared`
//! ```
//! `shared/Cargo.toml`:
//! ```toml
//! [package]
//! name = "shared"
//! ```
//!
//! Go:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder
//! WORKDIR /src
//! COPY . . # <- brings it
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
//!
//! require example.test/shared v0.0.0
//!
//! replace example.test/shared => ./shared // <- leads to `/src/shared`
//! ```
//! `shared/go.mod`:
//! ```text
//! module example.test/shared
//!
//! go 1.26
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
//! require("http").createServer().listen(3000);
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "@acme/shared", "version": "1.0.0", "main": "index.js" }
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
//! require("./plugins/" + process.env.PLUGIN); // <- value
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

use plimsoll_model::Why;
use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::package::Package;
use plimsoll_source::normalize_path;

use crate::conditions::{HAS_LOCAL_DEPENDENCIES, HAS_PACKAGE, is_local};
use crate::evidence::clip;
use crate::links::{judge, leads, sketch, worst};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Section, ServiceSubject,
    Severity, Status, Verdict,
};

use super::other;

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
    when: &[&HAS_PACKAGE, &HAS_LOCAL_DEPENDENCIES],
    source: include_str!("local_dependencies_resolve.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    if let Some(package) = other(cx, service) {
        return of_builds(cx, service, package);
    }
    worst(cx, service, |package| {
        leads(cx, service, package).iter().map(|lead| judge(cx, service, package, lead)).collect()
    })
}

/// Other languages read local packages where their manifest says, when they install or build: in
/// each stage that has the manifest, the directory is there.
fn of_builds(cx: &Cx<'_>, service: ServiceSubject<'_>, package: &Package) -> Verdict {
    let tree = &cx.delivery.tree;
    let (mut good, mut open) = (Vec::new(), Vec::new());
    for dependency in package.dependencies.iter().filter(|dependency| is_local(dependency)) {
        let at = dependency.span;
        let Some(local) = &dependency.local else {
            open.push((Why::OutOfTree, Evidence::context(at, "leads out of the tree")));
            continue;
        };
        if !local.is_empty() && !tree.is_dir(local) {
            if tree.outside().is_none() && tree.unlisted(local).is_none() {
                let message = format!(
                    "`{}` is asked for at a place where nothing is",
                    clip(&dependency.name)
                );
                return Verdict::fail(message, Evidence::contradicts(at, "there is nothing"))
                    .and(Evidence::missing_file(local.clone(), "is not there"));
            }
            open.push((Why::OutOfTree, Evidence::context(at, "is not in what is audited")));
            continue;
        }
        for &id in &service.images {
            let image = &cx.delivery[id];
            let files = Filesystem::new(cx.delivery, image);
            let manifest = cx.path(package.manifest);
            let mut seen = false;
            for stage in image.stages_built() {
                let own = files.places(stage, manifest);
                let Some(own) = own.first() else { continue };
                let here = own.rsplit_once('/').map_or("", |(dir, _)| dir);
                let way = relative(&package.dir, local);
                let Some(path) = normalize_path(&format!("{here}/{way}")) else { continue };
                seen = true;
                match files.find(stage, &format!("/{path}")) {
                    Found::Absent => {
                        let message = format!(
                            "no COPY brings `{}` to where the manifest asks for it",
                            clip(&dependency.name)
                        );
                        return Verdict::fail(
                            message,
                            Evidence::contradicts(at, format!("nothing is at `/{path}`")),
                        );
                    }
                    Found::Unknown(why, _) => {
                        open.push((why, Evidence::context(at, why.decide())));
                    }
                    there => good.extend([
                        Evidence::shows(at, format!("leads to `/{path}`")),
                        Evidence::shows(there.via().unwrap_or(at), "brings it"),
                    ]),
                }
            }
            if !seen {
                open.push((
                    Why::NeedsBuild,
                    Evidence::context(at, "where it is read is not known"),
                ));
            }
        }
    }
    let why = open.first().map(|(why, _)| *why);
    let mut evidence = open.into_iter().map(|(_, evidence)| evidence).chain(good);
    let nothing = || Evidence::context(package.place, "where they are asked for");
    let first = evidence.next().unwrap_or_else(nothing);
    match why {
        Some(why) => {
            let message = "whether local dependencies are there when it is built cannot be told";
            Verdict::unknown(why, message, first)
        }
        None => Verdict::pass("local dependencies are where the build asks for them", first),
    }
    .and_all(evidence)
}

/// The way from one directory to another, both relative to the root.
fn relative(from: &str, to: &str) -> String {
    let parts = |path: &str| path.split('/').filter(|p| !p.is_empty()).map(str::to_owned).collect();
    let (from, to): (Vec<String>, Vec<String>) = (parts(from), parts(to));
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(same).map(|_| "..".to_owned());
    up.chain(to.into_iter().skip(same)).collect::<Vec<_>>().join("/")
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = service.package.map(|id| &cx.delivery[id]).filter(|package| package.is_node())?;
    sketch(cx, &leads(cx, service, package))
}
