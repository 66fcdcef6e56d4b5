//! # Every imported package is declared
//!
//! Each package that the program and the packages of this repository behind it import is declared
//! in the `package.json` of the package that imports it.
//!
//! An import that nothing declares works where another package happens to install it near enough.
//! In an image that installs only what is declared, the build stops, or the start does, at the first
//! `require`.
//!
//! Declare it where it is imported: a package that is linked (`file:../shared`) is resolved from
//! its own directory, not from that of the service which uses it.
//!
//! Followed are the imports that lead from the service's entry; imports of types only, modules of
//! Node and aliases of paths are no packages. What is declared for development only, or only by a
//! package in a directory above (a workspace's root), is found where that is installed, too: it
//! passes in part. A package that is reached by a path (`../other/src`) instead of its name is files
//! of the one around it: nothing installs what its own `package.json` declares.
//!
//! In Python a module and its distribution may have different names: where no distribution that is
//! declared is called like the import (of well-known ones it is known), it cannot be told, unless the
//! lockfile has one of that name, which then others bring along. Languages whose compiler looks imports up are not asked.
//!
//! ## Fails
//!
//! `services/api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app/services/api
//! COPY services/api .
//! CMD ["node", "main.js"]
//! ```
//! `services/api/package.json`:
//! ```json
//! { "name": "api", "dependencies": { "express": "4.21.2", "shared": "file:../../shared" } }
//! ```
//! `services/api/main.js`:
//! ```js
//! const express = require("express");
//! const { store } = require("shared");
//! ```
//! `shared/package.json`:
//! ```json
//! { // <- does not declare `mongoose`
//!   "name": "shared",
//!   "main": "index.js"
//! }
//! ```
//! `shared/index.js`:
//! ```js
//! exports.store = require("mongoose"); // <- imports `mongoose`
//! ```
//!
//! By a path into another package, which nothing installs:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "name": "api",
//!   "dependencies": {
//!     "pg": "8.16.3" // <- does not declare `mongoose`
//!   }
//! }
//! ```
//! `main.js`:
//! ```js
//! require("pg");
//! require("./store/src");
//! ```
//! `store/package.json`:
//! ```json
//! { "name": "store", "dependencies": { "mongoose": "8.9.5" } }
//! ```
//! `store/src/index.js`:
//! ```js
//! exports.store = require("mongoose"); // <- imports `mongoose`
//! ```
//!
//! In the program of one of its containers:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!   worker:
//!     build: .
//!     command: ["node", "worker.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! require("pg");
//! require("http").createServer().listen(3000);
//! ```
//! `worker.js`:
//! ```js
//! require("amqplib"); // <- imports `amqplib`
//! ```
//!
//! In Python, of what the lockfile says that others bring it along:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! RUN uv sync --frozen
//! CMD ["python", "main.py"]
//! ```
//! `pyproject.toml`:
//! ```toml
//! [project]
//! name = "api"
//! version = "1.0.0"
//! dependencies = ["fastapi>=0.118"]
//! ```
//! `uv.lock`:
//! ```toml
//! version = 1
//!
//! [[package]]
//! name = "fastapi"
//! version = "0.118.0"
//!
//! [[package]]
//! name = "starlette"
//! version = "0.48.0"
//! ```
//! `main.py`:
//! ```python
//! import fastapi
//! import starlette # <- imports `starlette`
//! ```
//!
//! ## Fixed
//!
//! `shared/package.json`:
//! ```json
//! { "name": "shared", "main": "index.js", "dependencies": { "mongoose": "8.9.5" } }
//! ```
//! `shared/index.js`:
//! ```js
//! exports.store = require("mongoose"); // <- declared
//! ```
//!
//! ## Passes
//!
//! Types, modules of Node and a peer:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "peerDependencies": { "pg": "8" }, "devDependencies": { "fastify": "5" } }
//! ```
//! `src/main.ts`:
//! ```ts
//! import type { FastifyInstance } from "fastify";
//! import { Request } from "express";
//! import { readFile } from "fs/promises";
//! import path from "node:path";
//! import pg from "pg"; // <- declared
//! export const of = (request: Request, app: FastifyInstance) => path.join("a", "b");
//! const pool = new pg.Pool();
//! readFile("a");
//! ```
//!
//! A program in Python, by the names of its distributions:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! RUN pip install -r requirements.txt
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! flask==3.1.2
//! PyYAML==6.0.3
//! ```
//! `main.py`:
//! ```python
//! import flask # <- declared
//! import yaml # <- declared
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "pg": "8.16.3" }, "devDependencies": { "pino": "9.6.0" } }
//! ```
//! `main.js`:
//! ```js
//! require("pg");
//! require("pino"); // <- for development only
//! ```
//!
//! ## Cannot tell
//!
//! A module whose distribution has another name:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! RUN pip install -r requirements.txt
//! CMD ["python", "main.py"]
//! ```
//! `requirements.txt`:
//! ```text
//! flask==3.1.2
//! acme-tools==2.0.1
//! ```
//! `main.py`:
//! ```python
//! import flask
//! import toolbox # <- no distribution of this name
//! ```
//!
//! A module that a build makes:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! require("pg");
//! require("./generated/client"); // <- not followed
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /orders .
//! CMD ["/orders"]
//! ```
//! `go.mod`:
//! ```text
//! module example.org/orders
//! ```
//!
//! ## See also
//!
//! - `packages/local-dependencies-resolve`: that the linked package itself is found.

use std::collections::BTreeSet;

use plimsoll_model::Why;
use plimsoll_model::code::{Code, Language, PackageImport};
use plimsoll_model::image::EffectKind;
use plimsoll_model::package::{DependencyKind, Ecosystem, Package};

use crate::conditions::{HAS_IMAGE, IMPORTS_PACKAGES, LOADS_ITS_IMPORTS};
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, ImageSubject, Part, Run, Safety, Section,
    ServiceSubject, Severity, Snippet, Status, Verdict, installs, program,
};

pub(super) static CHECK: Check = Check {
    id: "packages/imports-declared",
    section: Section::Packages,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE, &LOADS_ITS_IMPORTS, &IMPORTS_PACKAGES],
    source: include_str!("imports_declared.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

/// How an import is declared.
enum Declared<'a> {
    Yes,
    /// Only for development, or above: what is said about it.
    Partly(&'static str),
    /// Nowhere; the package that should.
    No(&'a Package),
    Unknown(Why, &'static str),
}

fn declared<'a>(cx: &Cx<'a>, installed: &Installed<'a>, import: &PackageImport) -> Declared<'a> {
    let (name, tree) = (&*import.package, &cx.delivery.tree);
    // An alias that leads to no file: what is built, or set up in a file that is not read.
    if name.starts_with(['#', '~', '$', '@']) && !name.contains('/') || name.starts_with("@/") {
        return Declared::Unknown(Why::NeedsBuild, "an alias that leads to no file");
    }
    // `bun:test`, `cloudflare:workers`: the platform's.
    if name.contains(':') || name == "bun" {
        return Declared::Yes;
    }
    let path = tree.path(import.file);
    let dirs =
        std::iter::successors(path.rsplit_once('/').map(|(dir, _)| dir).or(Some("")), |dir| {
            (!dir.is_empty()).then(|| dir.rsplit_once('/').map_or("", |(above, _)| above))
        });
    let mut above: Vec<&Package> = dirs
        .filter_map(|dir| cx.delivery.node_package(dir))
        // What only says `"type": "module"` for a directory is no package.
        .filter(|package| package.name.is_some() || !package.dependencies.is_empty())
        .collect();
    // Reached by a path, a package in a package is only files of it: nothing installs what it
    // declares.
    if above.iter().any(|package| installed.holds(package)) {
        above.retain(|package| installed.holds(package));
    }
    let Some((own, above)) = above.split_first() else {
        return Declared::Unknown(Why::Unsupported, "belongs to no package");
    };
    if own.broken {
        return Declared::Unknown(Why::Unparsed, "its package.json does not parse");
    }
    let kind = |package: &Package, development: bool| {
        let mut all = package.dependencies.iter().filter(|dependency| dependency.name == name);
        all.any(|one| (one.kind == DependencyKind::Development) == development)
    };
    let local = |dir: &str| {
        let first = name.split('/').next().unwrap_or(name);
        tree.is_dir(&if dir.is_empty() { first.to_owned() } else { format!("{dir}/{first}") })
    };
    if own.name.as_deref() == Some(name) || kind(own, false) {
        Declared::Yes
    } else if kind(own, true) {
        Declared::Partly("declared for development only")
    } else if above.iter().any(|package| kind(package, false) || kind(package, true)) {
        Declared::Partly("declared only in a directory above")
    } else if let Some((why, _)) = own.open {
        Declared::Unknown(why, "not all of its package.json is read")
    } else if !name.starts_with('@') && local(&own.dir) {
        Declared::Unknown(Why::Unsupported, "may be a directory of the package")
    } else {
        Declared::No(own)
    }
}

/// Which packages' declarations are installed: the service's, those that it links to, a workspace's,
/// and those in which its Dockerfile installs.
struct Installed<'a> {
    /// The service's package and those that it, and what is installed, link to.
    linked: Vec<&'a str>,
    /// Where the Dockerfile installs.
    places: Vec<&'a str>,
}

impl<'a> Installed<'a> {
    fn of(cx: &Cx<'a>, service: ServiceSubject<'a>) -> Self {
        let own = service.service.package.map(|id| &cx.delivery[id]);
        let mut linked: Vec<&str> = own.map(|package| &*package.dir).into_iter().collect();
        let mut places = Vec::new();
        for &id in &service.service.images {
            let image = ImageSubject { id, image: &cx.delivery[id], service: Some(service) };
            for stage in image.stages_built() {
                for (_, effect) in image.image.effects(stage) {
                    if matches!(effect.kind, EffectKind::Install(_)) {
                        let place = effect.workdir.trim_end_matches('/');
                        places.push(place);
                        let package = installs::package_at(cx, image, stage, place);
                        linked.extend(package.map(|package| &*package.dir));
                    }
                }
            }
        }
        let mut next = 0;
        while let Some(&dir) = linked.get(next) {
            next += 1;
            let package = cx.delivery.node_package(dir);
            let all = package.into_iter().flat_map(|package| &package.dependencies);
            for local in all.filter_map(|dependency| dependency.local.as_deref()) {
                if !linked.contains(&local) {
                    linked.push(local);
                }
            }
        }
        Self { linked, places }
    }

    fn holds(&self, package: &Package) -> bool {
        let name = package.dir.rsplit('/').next().filter(|name| !name.is_empty());
        let at = |place: &&str| name.is_some_and(|name| place.rsplit('/').next() == Some(name));
        package.workspace.is_some()
            || self.linked.contains(&&*package.dir)
            || self.places.iter().any(at)
    }
}

/// Whether what a program in Python imports is declared by the name that its distribution has.
fn of_python(cx: &Cx<'_>, service: ServiceSubject<'_>, code: &Code) -> Verdict {
    let above = |package: &&Package| {
        let dir = &package.dir;
        dir.is_empty() || *dir == service.dir || service.dir.starts_with(&format!("{dir}/"))
    };
    let packages = cx.delivery.packages.iter();
    let packages = packages.filter(|package| package.ecosystem == Ecosystem::Python).filter(above);
    let packages: Vec<&Package> = packages.collect();
    let dependencies = packages.iter().flat_map(|package| &package.dependencies);
    let declared: BTreeSet<String> = dependencies.map(|own| distribution(&own.name)).collect();
    let (good, unknown): (Vec<&PackageImport>, Vec<_>) =
        code.imports.iter().partition(|import| declared.contains(&distribution(&import.package)));
    let locked = |import: &&&PackageImport| {
        let line = format!("\nname = \"{}\"\n", distribution(&import.package));
        let mut locks = packages.iter().filter_map(|package| package.lockfile.as_ref());
        locks.any(|lock| {
            let text = cx.delivery.tree.read(lock.file);
            text.is_ok_and(|text| memchr::memmem::find(&text, line.as_bytes()).is_some())
        })
    };
    let mut others = unknown.iter().filter(locked);
    if let Some(first) = others.next() {
        let message = format!("`{}` is imported and not declared", clip(&first.package));
        let imports = |import: &PackageImport| {
            let says = format!("imports `{}`, which others bring along", clip(&import.package));
            Evidence::contradicts(import.at, says).severity(Severity::Medium)
        };
        return Verdict::fail(message, imports(first)).and_all(others.map(|one| imports(one)));
    }
    if let Some(import) = unknown.first() {
        let message = format!("which distribution brings `{}` is not told", clip(&import.package));
        let says = "no distribution of this name is declared";
        return Verdict::unknown(Why::NeedsBuild, message, Evidence::context(import.at, says));
    }
    let mut good = good.into_iter().map(|import| Evidence::shows(import.at, "declared"));
    match (program::gap_of_imports(code), good.next()) {
        (Some(gap), _) => program::unread(gap),
        (None, Some(first)) => {
            Verdict::pass("every imported package is declared", first).and_all(good)
        }
        (None, None) => program::unread((Why::NeedsRun, service.place)),
    }
}

/// A distribution's name as indexes compare it, the endings of its variants aside.
fn distribution(name: &str) -> String {
    let name = name.split('[').next().unwrap_or(name).to_lowercase().replace(['_', '.'], "-");
    let name = name.trim_end_matches("-binary").trim_end_matches("-headless");
    name.to_owned()
}

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    program::each(cx, service, |code| match code {
        Ok(code) if code.language == Language::JavaScript => of_node(cx, service, code),
        Ok(code) => of_python(cx, service, code),
        Err(why) => program::unread(why),
    })
}

/// Whether what a program in JavaScript imports is declared by the packages around it.
fn of_node(cx: &Cx<'_>, service: ServiceSubject<'_>, code: &Code) -> Verdict {
    let (mut bad, mut partly, mut unknown, mut good) = (vec![], vec![], vec![], vec![]);
    let installed = Installed::of(cx, service);
    for import in &code.imports {
        let name = clip(&import.package);
        match declared(cx, &installed, import) {
            Declared::Yes => good.push(Evidence::shows(import.at, "declared")),
            Declared::Partly(says) => {
                partly.push((name, Evidence::contradicts(import.at, says)));
            }
            Declared::Unknown(why, says) => unknown.push((why, import.at, says)),
            Declared::No(package) => bad.push((name, import, package)),
        }
    }
    if let Some((name, _, package)) = bad.first() {
        let message = format!(
            "`{name}` is imported and not declared in `{}`",
            clip(cx.path(package.manifest))
        );
        let imports = bad.iter().map(|(name, import, package)| {
            let lock = package.lockfile.as_ref();
            let evidence = Evidence::contradicts(import.at, format!("imports `{name}`"));
            // What others bring along is found today.
            if lock.is_some_and(|lock| lock.installed.contains(&import.package)) {
                evidence.severity(Severity::Medium)
            } else {
                evidence
            }
        });
        let mut places: Vec<(&str, &Package)> =
            bad.iter().map(|(name, _, package)| (&**name, *package)).collect();
        places.sort_by_key(|(name, package)| (*name, package.manifest));
        places.dedup_by_key(|(name, package)| (*name, package.manifest));
        let missing = places.into_iter().map(|(name, package)| {
            let first = package.dependencies.iter().find(|d| d.kind == DependencyKind::Production);
            let at = first.map_or(package.place, |dependency| dependency.span);
            Evidence::missing_in(at, format!("does not declare `{name}`"))
        });
        let mut all = imports.chain(missing);
        let Some(first) = all.next() else {
            return program::unread((Why::Internal, service.place));
        };
        return Verdict::fail(message, first).and_all(all);
    }
    if let Some((why, at, says)) = unknown.first() {
        let message = "whether an import is of a declared package cannot be told";
        return Verdict::unknown(*why, message, Evidence::context(*at, *says));
    }
    if let Some(gap) = program::gap_of_imports(code) {
        return program::unread(gap).and_all(partly.into_iter().map(|(_, evidence)| evidence));
    }
    if let Some((name, _)) = partly.first() {
        let message =
            format!("`{name}` is imported, and declared elsewhere or for development only");
        let mut all = partly.into_iter().map(|(_, evidence)| evidence);
        let Some(first) = all.next() else {
            return program::unread((Why::Internal, service.place));
        };
        return Verdict::partial(message, first).and_all(all);
    }
    let mut good = good.into_iter();
    match good.next() {
        Some(first) => Verdict::pass("every imported package is declared", first).and_all(good),
        None => program::unread((Why::NeedsRun, service.place)),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let code = program::code(service).ok()?;
    let installed = Installed::of(cx, service);
    let (import, package) =
        code.imports.iter().find_map(|import| match declared(cx, &installed, import) {
            Declared::No(package) => Some((import, package)),
            _ => None,
        })?;
    let (dir, name) = (&package.dir, &import.package);
    let prefix = if dir.is_empty() { String::new() } else { format!("--prefix {dir} ") };
    Some(Fix {
        does: format!("declare `{}` where it is imported", clip(name)).into(),
        safety: Safety::Review,
        snippet: Some(Snippet {
            path: cx.path(package.manifest).to_owned(),
            language: "sh",
            text: format!("npm {prefix}install {name}\n"),
        }),
        patch: None,
    })
}
