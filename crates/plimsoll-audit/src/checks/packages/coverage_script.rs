//! # The coverage script measures coverage
//!
//! A script (`coverage`, `test:coverage`, or a test script that asks for it) runs a declared tool that
//! measures what the tests reach.
//!
//! Without it nobody knows what the tests leave out, and no pipeline can hold a threshold.
//!
//! Declare the tool, and ask for coverage: `jest --coverage`, `vitest run --coverage`, `c8`, or Node's
//! own `--experimental-test-coverage`.
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
//!   "scripts": { // <- no script `coverage`
//!     "test": "jest"
//!   },
//!   "devDependencies": { "jest": "30.1.3" }
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
//! Nothing installs the tool:
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
//!     "coverage": "nyc jest" // <- `nyc` is not installed
//!   },
//!   "devDependencies": { "jest": "30.1.3" }
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
//! Python:
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
//! flask==3.1.2 # <- no tool for coverage
//! ```
//!
//! ## Fixed
//!
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "test": "jest",
//!     "coverage": "jest --coverage" // <- the script `coverage`
//!   },
//!   "devDependencies": { "jest": "30.1.3" } // <- `jest` brings `jest`
//! }
//! ```
//!
//! ## Passes
//!
//! Whatever its name, it asks for coverage:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "test": "node --test --experimental-test-coverage" } } // <- the script `test`
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
//! `requirements.txt`:
//! ```text
//! flask==3.1.2
//! ```
//! `requirements-dev.txt`:
//! ```text
//! pytest-cov==7.0.0 # <- declares `pytest-cov`
//! ```
//!
//! A task of Rust:
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
//! `Makefile`:
//! ```makefile
//! cover: ; cargo llvm-cov --workspace # <- runs it
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
//!   <build>
//!     <plugins>
//!       <plugin><artifactId>jacoco-maven-plugin</artifactId></plugin> // <- runs
//!     </plugins>
//!   </build>
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
//! gem "puma"
//! gem "simplecov", group: :test # <- declares `simplecov`
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
//!     "coverage": "jest --coverage" // <- `jest` is not declared
//!   },
//!   "devDependencies": { "preset": "1.0.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/jest": { "version": "30.1.3", "dev": true, "bin": { "jest": "bin/jest.js" } },
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
//! Go measures by itself:
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
//! - `packages/test-script`

use crate::conditions::{HAS_PACKAGE, MEASURES_BY_A_TOOL};
use crate::toolchain::{self, Task};
use crate::{
    Check, Cx, Domain, Effort, Finding, Fix, Part, Run, Section, ServiceSubject, Severity, Status,
    Verdict,
};

use super::{Wanted, has_runner, other, package, runner};

pub(super) static CHECK: Check = Check {
    id: "packages/coverage-script",
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
    when: &[&HAS_PACKAGE, &MEASURES_BY_A_TOOL],
    source: include_str!("coverage_script.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

static WANTED: Wanted = Wanted {
    names: &["coverage", "test:coverage", "test:cov", "cov", "test:ci:coverage", "test-coverage"],
    by_command: measures,
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    match other(cx, service) {
        Some(package) => toolchain::judge(cx, package, Task::Coverage),
        None => WANTED.judge(cx, service),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = package(cx, service)?;
    let fix = WANTED.fix(cx, service, runner(package).1)?;
    // Vitest measures by a package of its own.
    let measures = package.dependency("vitest").is_none()
        || package.any_dependency(&["@vitest/coverage-v8", "@vitest/coverage-istanbul"]).is_some();
    Some(if has_runner(package) && measures { fix } else { fix.into_sketch() })
}

/// Whether a command measures coverage.
fn measures(words: &[&str]) -> bool {
    const ASKS: [&str; 6] = [
        "--coverage",
        "--collectCoverage",
        "--coverage.enabled",
        "--experimental-test-coverage",
        "nyc",
        "c8",
    ];
    words.iter().any(|word| ASKS.contains(&word.trim_end_matches("=true")))
}
