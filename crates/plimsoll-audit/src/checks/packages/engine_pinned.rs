//! # The language's version is pinned to what the image brings
//!
//! The manifest names a range of versions with an end, and that of the base image lies in it:
//! `engines.node`, `requires-python` (or `.python-version`), `ruby` in a Gemfile, `require.php`,
//! `TargetFramework`, the channel in `rust-toolchain.toml`. Go's directive and Java's release hold the
//! language at a version whatever builds it: for them the base is as new or newer.
//!
//! Without it, a developer, a pipeline and the image each run what they happen to have; with a range
//! that has no end, the next major is declared fit before anyone has tried it.
//!
//! `rust-version` alone says only the oldest compiler that does.
//!
//! Write `"engines": { "node": ">=20 <21" }` for a `node:20` base, and `engine-strict=true` into
//! `.npmrc`, so that npm refuses others.
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
//! { "name": "orders" } // <- no `engines.node`
//! ```
//!
//! The base's major is outside:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine # <- Node 22
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "engines": { "node": ">=18 <21" } // <- without Node 22
//! }
//! ```
//!
//! Python without a word of it:
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
//! flask==3.1.2 # <- no version of Python
//! ```
//!
//! Go that is older than what is asked for:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder # <- Go 1.26
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
//! go 1.27 // <- without Go 1.26
//! ```
//!
//! Java, too:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM maven:3.9-eclipse-temurin-21 AS builder
//! WORKDIR /src
//! COPY . .
//! RUN mvn package
//!
//! FROM eclipse-temurin:17-jre # <- Java 17
//! COPY --from=builder /src/target/orders.jar /orders.jar
//! CMD ["java", "-jar", "/orders.jar"]
//! ```
//! `pom.xml`:
//! ```xml
//! <project>
//!   <artifactId>orders</artifactId>
//!   <properties>
//!     <maven.compiler.release>21</maven.compiler.release> // <- without Java 17
//!   </properties>
//! </project>
//! ```
//!
//! ## Fixed
//!
//! `package.json`:
//! ```json
//! { "name": "orders", "engines": { "node": ">=20 <21" } } // <- holds Node 20
//! ```
//!
//! The base is one that the range holds:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- Node 20
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG NODE=20.19.5
//! FROM node:${NODE}-alpine
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "engines": { "node": "^18.19 || ^20.9" } // <- holds Node 20
//! }
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
//! requires-python = ">=3.13,<3.14" # <- holds Python 3.13
//! ```
//!
//! Go:
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
//! go 1.26 // <- holds Go 1.26
//! ```
//!
//! Rust:
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
//! `rust-toolchain.toml`:
//! ```toml
//! [toolchain]
//! channel = "1.91.0" # <- holds Rust 1.91
//! ```
//!
//! Java:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM maven:3.9-eclipse-temurin-21 AS builder
//! WORKDIR /src
//! COPY . .
//! RUN mvn package
//!
//! FROM eclipse-temurin:21-jre
//! COPY --from=builder /src/target/orders.jar /orders.jar
//! CMD ["java", "-jar", "/orders.jar"]
//! ```
//! `pom.xml`:
//! ```xml
//! <project>
//!   <artifactId>orders</artifactId>
//!   <properties>
//!     <java.version>21</java.version> // <- holds Java 21
//!   </properties>
//! </project>
//! ```
//!
//! Ruby:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM ruby:3.4-slim
//! WORKDIR /app
//! COPY . .
//! RUN bundle install
//! CMD ["bundle", "exec", "puma"]
//! ```
//! `Gemfile`:
//! ```ruby
//! source "https://gems.example"
//! ruby "~> 3.4.0" # <- holds Ruby 3.4
//! gem "puma"
//! ```
//!
//! PHP:
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
//!     "php": "^8.2" // <- holds PHP 8.3
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
//!   "engines": { "node": ">=20" } // <- has no end
//! }
//! ```
//!
//! The oldest compiler that does:
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
//! rust-version = "1.85" # <- has no end
//! ```
//!
//! ## Cannot tell
//!
//! The base does not say which Node it brings:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM registry.example/acme/base:3 # <- not named by its base
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "engines": { "node": ">=20 <21" }
//! }
//! ```
//!
//! A language whose manifests are not read:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM elixir:1.19
//! WORKDIR /app
//! COPY . .
//! CMD ["mix", "phx.server"]
//! ```
//! `mix.exs`:
//! ```elixir
//! defmodule Orders.MixProject do
//! end
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.14-slim
//! CMD ["python", "app.py"]
//! ```

use plimsoll_model::Why;
use plimsoll_model::mend::json;
use plimsoll_model::version::{Interval, intervals};
use plimsoll_source::Span;

use crate::conditions::HAS_PACKAGE;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Verdict, bases, mending, runtimes,
};

use super::{no_package, other, package};

pub(super) static CHECK: Check = Check {
    id: "packages/engine-pinned",
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
    when: &[&HAS_PACKAGE],
    source: include_str!("engine_pinned.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    if let Some(package) = other(cx, service) {
        return runtimes::judge(cx, service, package);
    }
    let Some(package) = package(cx, service) else { return no_package(service) };
    let Some((range, at)) = &package.engine else {
        if package.broken {
            let evidence = Evidence::context(package.place, "does not parse");
            return Verdict::unknown(Why::Unparsed, "package.json does not parse", evidence);
        }
        let evidence = Evidence::missing_in(package.place, "no `engines.node`");
        return Verdict::fail("package.json pins no Node version: add `engines.node`", evidence);
    };
    let shown = clip(range);
    let Some(held) = intervals(range) else {
        let evidence = Evidence::context(*at, "is no range of versions");
        return Verdict::unknown(
            Why::Dynamic,
            format!("`{shown}` is no range of versions"),
            evidence,
        );
    };
    let bases = node_bases(cx, service);
    let outside = bases.iter().find(|(version, _)| !held.iter().any(|one| meet(one, version)));
    if let Some((version, base)) = outside {
        let says = format!("without Node {}", version.0[0]);
        return Verdict::fail(
            format!("engines.node is `{shown}`, the base brings Node {}: agree", version.0[0]),
            Evidence::contradicts(*at, says),
        )
        .and(Evidence::contradicts(*base, format!("Node {}", version.0[0])));
    }
    if held.iter().any(|(_, end)| end.is_none()) {
        let message = format!("engines.node is `{shown}`: give the range an end");
        return Verdict::partial(message, Evidence::contradicts(*at, "has no end"));
    }
    match bases.first() {
        Some((version, _)) => Verdict::pass(
            format!("engines.node is `{shown}`, which the base image meets"),
            Evidence::shows(*at, format!("holds Node {}", version.0[0])),
        )
        .and_all(
            bases
                .iter()
                .map(|(version, base)| Evidence::context(*base, format!("Node {}", version.0[0]))),
        ),
        None => {
            let base = service.images.iter().find_map(|&id| {
                let image = &cx.delivery[id];
                image.target.and_then(|target| image.root_base(target))
            });
            let place = base.map_or(service.place, |stage| stage.base_span);
            Verdict::unknown(
                Why::NeedsNetwork,
                "which Node version the image brings cannot be told",
                Evidence::context(place, "the Node version is not named by its base"),
            )
        }
    }
}

/// The Node versions of the images that a service is built from, as far as tags say: of what
/// ships, else of what builds it.
fn node_bases(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Vec<(Interval, Span)> {
    let mut found = Vec::new();
    for &id in &service.images {
        let image = &cx.delivery[id];
        let ships = image.target.and_then(|target| image.root_base(target));
        let built = image.stages_built();
        let stages = ships.into_iter().chain(built.iter().filter_map(|&at| image.stages.get(at)));
        let version = stages.map(|stage| (bases::named(image, stage), stage.base_span)).find_map(
            |(named, span)| {
                let named = named?;
                Some((node_version(&named.name, named.tag.as_deref())?, span))
            },
        );
        found.extend(version);
    }
    found
}

/// The versions that an image's name stands for: `node:20.19-alpine`, `nodejs22-debian12`.
fn node_version(name: &str, tag: Option<&str>) -> Option<Interval> {
    let digits = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let version = text.get(..end).filter(|version| !version.is_empty())?;
        intervals(version)?.first().copied().filter(|(_, end)| end.is_some())
    };
    if let Some(rest) = name.strip_prefix("nodejs").or_else(|| name.strip_prefix("nodejs-"))
        && let Some(version) = digits(rest.trim_start_matches('-'))
    {
        return Some(version);
    }
    if !matches!(name, "node" | "nodejs" | "node-lts") {
        return None;
    }
    let tag = tag?;
    // The code names of the releases with long support.
    let named = [("fermium", 14), ("gallium", 16), ("hydrogen", 18), ("iron", 20), ("jod", 22)];
    let line = named.iter().find(|(name, _)| tag.split('-').any(|part| part == *name));
    match line {
        Some((_, major)) => Some(([*major, 0, 0], Some([major + 1, 0, 0]))),
        None => digits(tag.trim_start_matches('v')),
    }
}

/// Whether two runs of versions have one in common.
fn meet(a: &Interval, b: &Interval) -> bool {
    a.1.is_none_or(|end| b.0 < end) && b.1.is_none_or(|end| a.0 < end)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = package(cx, service)?;
    let (([major, ..], _), _) = *node_bases(cx, service).first()?;
    let range = format!(">={major} <{}", major.saturating_add(1));
    // A range that somebody wrote is theirs to change.
    let edit = package.engine.is_none().then(|| {
        let manifest = json::open(&cx.delivery.tree, package.manifest)?;
        manifest.set(&["engines", "node"], &range)
    });
    Some(Fix::of_edits(
        format!("pin Node {major}, which the base image brings"),
        Safety::Review,
        mending::snippet(
            cx.path(package.manifest),
            "json",
            format!("\"engines\": {{ \"node\": \"{range}\" }}\n"),
        ),
        edit.flatten().into_iter().collect(),
    ))
}
