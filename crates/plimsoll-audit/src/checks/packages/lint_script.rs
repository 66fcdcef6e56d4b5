//! # The lint script lints
//!
//! `npm run lint` runs a linter that the manifest declares, with a configuration that exists.
//!
//! ESLint without a configuration lints nothing: it ends with an error before it reads a file. A
//! pipeline that calls it fails, or has long been told to ignore that.
//!
//! Declare the linter, and write its configuration: `eslint.config.js` since version 9, `.eslintrc.*`
//! before.
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
//!     "lint": "eslint src" // <- needs it
//!   },
//!   "devDependencies": { "eslint": "9.36.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/eslint": { "version": "9.36.0", "dev": true, "bin": { "eslint": "bin/eslint.js" } }
//!   }
//! }
//! ```
//! `src/main.js`:
//! ```js
//! ```
//! <- is not there
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
//! { "scripts": { "start": "node main.js" } } // <- no script `lint`
//! ```
//!
//! Version 9 no longer reads the old configuration:
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
//!     "lint": "eslint ." // <- needs it
//!   },
//!   "devDependencies": { "eslint": "9.36.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/eslint": { "version": "9.36.0", "dev": true, "bin": { "eslint": "bin/eslint.js" } }
//!   }
//! }
//! ```
//! `.eslintrc.json`:
//! ```json
//! { "root": true }
//! ```
//!
//! Python without a linter:
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
//! flask==3.1.2 # <- no linter
//! ```
//!
//! ## Fixed
//!
//! `eslint.config.js`:
//! ```js
//! export default []; // <- exists
//! ```
//!
//! ## Passes
//!
//! An older one, with the older configuration above it:
//!
//! `service/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `service/package.json`:
//! ```json
//! {
//!   "scripts": { "lint": "eslint src --ext .js" }, // <- the script `lint`
//!   "devDependencies": { "eslint": "8.57.1" }
//! }
//! ```
//! `service/package-lock.json`:
//! ```json
//! { "lockfileVersion": 3, "packages": {
//!     "node_modules/eslint": { "version": "8.57.1", "dev": true, "bin": { "eslint": "bin/eslint.js" } }
//! } }
//! ```
//! `service/src/main.js`:
//! ```js
//! ```
//! `.eslintrc.json`:
//! ```json
//! { "root": true } // <- exists
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
//!   "ruff==0.14.5", # <- declares `ruff`
//! ]
//! ```
//!
//! Run before each commit:
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
//! `.pre-commit-config.yaml`:
//! ```yaml
//! repos:
//!   - repo: https://example.test/ruff-pre-commit
//!     rev: v0.14.5
//!     hooks:
//!       - id: ruff-check # <- runs `ruff-check`
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
//!       <plugin><artifactId>maven-checkstyle-plugin</artifactId></plugin> // <- runs
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
//! gem "rubocop", require: false # <- declares `rubocop`
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
//!     "laravel/pint": "^1" // <- declares `laravel/pint`
//!   }
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
//!     "lint": "eslint ." // <- `eslint` is not declared
//!   },
//!   "devDependencies": { "preset": "1.0.0" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/eslint": { "version": "9.36.0", "dev": true, "bin": { "eslint": "bin/eslint.js" } },
//!     "node_modules/preset": { "version": "1.0.0", "dev": true }
//!   }
//! }
//! ```
//! `eslint.config.js`:
//! ```js
//! export default [];
//! ```
//!
//! Configured, and declared nowhere:
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
//! [tool.ruff] # <- is declared nowhere
//! line-length = 100
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
//! Go and Rust have theirs:
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

use crate::conditions::{HAS_PACKAGE, LINTS_BY_A_TOOL};
use crate::toolchain::{self, Task};
use crate::{
    Check, Cx, Domain, Effort, Finding, Fix, Part, Run, Safety, Section, ServiceSubject, Severity,
    Snippet, Status, Verdict,
};

use super::{Wanted, other, package};

pub(super) static CHECK: Check = Check {
    id: "packages/lint-script",
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
    when: &[&HAS_PACKAGE, &LINTS_BY_A_TOOL],
    source: include_str!("lint_script.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

static WANTED: Wanted = Wanted {
    names: &["lint", "lint:check", "lint:ci", "eslint", "lint:all", "lint:js", "lint:ts"],
    by_command: lints,
};

/// Packages that bring a linter, and what lints a package with it.
const LINTERS: [(&str, &str); 5] = [
    ("eslint", "eslint ."),
    ("@biomejs/biome", "biome lint ."),
    ("oxlint", "oxlint"),
    ("standard", "standard"),
    ("xo", "xo"),
];

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    match other(cx, service) {
        Some(package) => toolchain::judge(cx, package, Task::Lint),
        None => WANTED.judge(cx, service),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = package(cx, service)?;
    if WANTED.find(package).is_none() {
        let declared = LINTERS.iter().find(|(name, _)| package.dependency(name).is_some());
        return WANTED.fix(cx, service, declared.map_or("eslint .", |(_, command)| command));
    }
    let eslint = package.lockfile.as_ref().and_then(|lock| lock.installed("eslint"))?;
    let old = eslint.version.split('.').next().and_then(|major| major.parse().ok());
    let old = old.is_some_and(|major: u32| major < 9);
    let (name, language, text) = if old {
        (".eslintrc.json", "json", "{ \"root\": true, \"extends\": \"eslint:recommended\" }\n")
    } else {
        (
            "eslint.config.mjs",
            "js",
            "import js from \"@eslint/js\";\n\nexport default [js.configs.recommended];\n",
        )
    };
    let dir = if service.dir.is_empty() { String::new() } else { format!("{}/", service.dir) };
    Some(Fix {
        does: "write the configuration that ESLint reads".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet { path: format!("{dir}{name}"), language, text: text.to_owned() }),
        patch: None,
    })
}

/// Whether a command lints.
fn lints(words: &[&str]) -> bool {
    let linter = |word: &&str| matches!(*word, "eslint" | "biome" | "oxlint" | "standard" | "xo");
    words.iter().any(linter)
}
