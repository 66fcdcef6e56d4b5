//! # The build script builds
//!
//! `npm run build` runs a compiler that the manifest declares, with a configuration that exists.
//!
//! The image, the pipeline and the next colleague all call this script. One that names a program that
//! nothing installs, or a configuration that is not there, fails in all three; one that works by
//! accident, because another package brings the program, fails at the next update.
//!
//! Declare the compiler in `devDependencies`, and name files that are in the repository. Whether the
//! build succeeds is another question. What is neither compiled nor bundled needs no such script.
//!
//! ## Fails
//!
//! There is none, and the sources are TypeScript:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { // <- no script `build`
//!     "start": "node dist/main.js"
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! ```
//!
//! The compiler is installed by nothing:
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
//!     "build": "tsc -p tsconfig.json" // <- `tsc` is not installed
//!   }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "": {}
//!   }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
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
//!   "scripts": {
//!     "build": "tsc -p tsconfig.build.json" // <- needs it
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
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! ```
//! <- is not there
//!
//! ## Fixed
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
//!     "start": "node dist/main.js",
//!     "build": "tsc -p tsconfig.json" // <- the script `build`
//!   },
//!   "devDependencies": { "typescript": "5.9.2" } // <- `typescript` brings `tsc`
//! }
//! ```
//!
//! ## Passes
//!
//! Through other scripts, with what comes with Node:
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
//!     "prebuild": "rm -rf dist",
//!     "build": "npm run compile && cp -r assets dist/", // <- the script `build`
//!     "compile": "tsc"
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
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! ```
//! `assets/logo.svg`:
//! ```xml
//! ```
//!
//! `npx` starts what is declared; what follows its name is its own:
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
//!     "build": "npx tsc -p tsconfig.json" // <- the script `build`
//!   },
//!   "devDependencies": { "typescript": "5.9.2" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! ```
//!
//! ## Partial
//!
//! Another package happens to bring the program:
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
//!     "build": "tsc" // <- `tsc` is not declared
//!   },
//!   "devDependencies": { "ts-jest": "29.4.4" }
//! }
//! ```
//! `package-lock.json`:
//! ```json
//! {
//!   "lockfileVersion": 3,
//!   "packages": {
//!     "node_modules/typescript": { "version": "5.9.2", "dev": true, "bin": { "tsc": "bin/tsc" } },
//!     "node_modules/ts-jest": { "version": "29.4.4", "dev": true }
//!   }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
//! ```
//!
//! ## Cannot tell
//!
//! Without a lockfile, another package may bring it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "build": "tsc" }, // <- Build the image
//!   "devDependencies": { "ts-jest": "29.4.4" }
//! }
//! ```
//! `tsconfig.json`:
//! ```json
//! { "compilerOptions": { "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
//! ```
//! `src/main.ts`:
//! ```ts
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
//! Nothing is compiled:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "scripts": { "start": "node main.js" } }
//! ```
//! `main.js`:
//! ```js
//! ```
//!
//! A compiler needs no script:
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
//! - `packages/typecheck-script`, `packages/start-script`

use crate::conditions::{BUILDS_BY_A_SCRIPT, HAS_PACKAGE, IS_COMPILED};
use crate::{
    Check, Cx, Domain, Effort, Finding, Fix, Part, Run, Section, ServiceSubject, Severity, Status,
    Verdict,
};

use super::{BY_NAME, Wanted, package};

pub(super) static CHECK: Check = Check {
    id: "packages/build-script",
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
    when: &[&HAS_PACKAGE, &BUILDS_BY_A_SCRIPT, &IS_COMPILED],
    source: include_str!("build_script.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

static WANTED: Wanted = Wanted {
    names: &["build", "build:prod", "build:production", "build:ts", "compile"],
    by_command: BY_NAME,
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    WANTED.judge(cx, service)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = package(cx, service)?;
    package.dependency("typescript")?;
    // Only the compiler's command is known without the build's own choices; and it is wanted where a script
    // runs what only a build makes.
    let dir = if package.dir.is_empty() { String::new() } else { format!("{}/", package.dir) };
    let is_made = |word: &str| {
        let path = word.trim_start_matches("./");
        path.ends_with(".js")
            && path.contains('/')
            && cx.delivery.tree.find(&format!("{dir}{path}")).is_none()
    };
    let mut words = package.scripts.iter().flat_map(|script| script.command.split_whitespace());
    words.any(is_made).then_some(())?;
    WANTED.fix(cx, service, "tsc -p tsconfig.json")
}
