//! # The test script runs the tests
//!
//! `npm test` runs a test runner that the manifest declares, with a configuration that exists.
//!
//! A pipeline that calls a test script which is not there, or npm's placeholder, tests nothing; one
//! whose runner is there by accident stops at the next update.
//!
//! Declare the runner in `devDependencies`, or use Node's own (`node --test`). A script that only
//! prints counts as none.
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
//!     "test": "echo \"Error: no test specified\" && exit 1" // <- runs no tool
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
//! There is none:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "start": "node main.js" } } // <- no script `test`
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
//!   "scripts": { "test": "jest --config jest.unit.js" }, // <- needs it
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
//! <- is not there
//!
//! Python without a test:
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
//! flask==3.1.2 # <- no test
//! ```
//! `main.py`:
//! ```python
//! print("up")
//! ```
//!
//! Go without one:
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
//! module example.test/orders // <- no test
//!
//! go 1.26
//! ```
//! `main.go`:
//! ```go
//! package main
//! ```
//!
//! ## Fixed
//!
//! `package.json`:
//! ```json
//! {
//!   "scripts": {
//!     "test": "jest" // <- the script `test`
//!   },
//!   "devDependencies": { "jest": "30.1.3" } // <- `jest` brings `jest`
//! }
//! ```
//!
//! ## Passes
//!
//! Node's own runner:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "test": "node --test" } } // <- the script `test`
//! ```
//!
//! Python, with a runner that is declared:
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
//!   "pytest==9.0.1", # <- declares `pytest`
//! ]
//! ```
//! `tests/test_orders.py`:
//! ```python
//! def test_total(): # <- a test
//!     assert True
//! ```
//!
//! Go, Rust and Java bring theirs:
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
//! `main_test.go`:
//! ```go
//! package main
//!
//! func TestTotal(t *testing.T) {} // <- a test
//! ```
//!
//! Or:
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
//! `src/main.rs`:
//! ```rs
//! #[tokio::test] // <- a test
//! async fn total() {}
//! ```
//!
//! Or:
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
//! <project><artifactId>orders</artifactId></project>
//! ```
//! `src/test/java/OrdersTest.java`:
//! ```java
//! class OrdersTest {
//!     @Test // <- a test
//!     void total() {}
//! }
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
//! gem "rspec", group: :test # <- declares `rspec`
//! ```
//! `spec/orders_spec.rb`:
//! ```ruby
//! describe "orders" do # <- a test
//! end
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
//!   "require-dev": {
//!     "phpunit/phpunit": "^12" // <- declares `phpunit/phpunit`
//!   }
//! }
//! ```
//! `tests/OrdersTest.php`:
//! ```php
//! <?php
//! class OrdersTest extends TestCase {
//!   public function testTotal() {} // <- a test
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
//!     "test": "jest" // <- `jest` is not declared
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
//! Or it is downloaded each time:
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
//!     "test": "npx vitest run" // <- downloaded when it runs
//!   }
//! }
//! ```
//!
//! Nothing declares what runs the tests:
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
//! flask==3.1.2 # <- no test runner is declared
//! ```
//! `tests/test_orders.py`:
//! ```python
//! def test_total(): # <- a test
//!     assert True
//! ```
//!
//! ## Cannot tell
//!
//! The machine must bring a program:
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
//!     "test": "docker compose up --detach && jest" // <- `docker` is a program of the machine
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
//!
//! ## See also
//!
//! - `packages/coverage-script`

use crate::conditions::HAS_PACKAGE;
use crate::toolchain::{self, Task};
use crate::{
    Check, Cx, Domain, Effort, Finding, Fix, Part, Run, Section, ServiceSubject, Severity, Status,
    Verdict,
};

use super::{BY_NAME, Wanted, has_runner, other, package, runner};

pub(super) static CHECK: Check = Check {
    id: "packages/test-script",
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
    when: &[&HAS_PACKAGE],
    source: include_str!("test_script.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

static WANTED: Wanted = Wanted {
    names: &["test", "test:ci", "test:run", "test:all", "test:unit"],
    by_command: BY_NAME,
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    match other(cx, service) {
        Some(package) => toolchain::judge(cx, package, Task::Test),
        None => WANTED.judge(cx, service),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = package(cx, service)?;
    let fix = WANTED.fix(cx, service, runner(package).0)?;
    Some(if has_runner(package) { fix } else { fix.into_sketch() })
}
