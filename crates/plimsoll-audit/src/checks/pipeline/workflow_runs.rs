//! # A workflow that runs builds and tests the service
//!
//! A workflow that the forge executes is started by a change of this service or of the code it
//! shares, and builds and tests it.
//!
//! A workflow below a sub-directory never runs, however complete it looks; one whose path filter or
//! working directory leaves the service out runs without it. What nothing builds and tests breaks in
//! production first.
//!
//! Put the workflow into `.github/workflows` at the repository's root (or `.gitlab-ci.yml`), let its
//! path filter take in the service and its local dependencies, and run its tests and its build.
//!
//! ## Fails
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `api/.github/workflows/ci.yml`:
//! ```yaml
//! on: push # <- never runs
//! jobs:
//!   test:
//!     steps:
//!       - run: npm test
//! ```
//! <- no workflow
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     steps:
//!       - run: npx jest # <- tests
//!       - run: docker build api # <- builds
//! ```
//!
//! ## Passes
//!
//! A filter that takes in the service and what it shares:
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `api/package.json`:
//! ```json
//! {"name": "api", "scripts": {"test": "jest", "build": "tsc"}, "dependencies": {"shared": "file:../shared"}}
//! ```
//! `shared/package.json`:
//! ```json
//! {"name": "shared"}
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   push:
//!     paths: ["api/**", "shared/**"]
//! jobs:
//!   test:
//!     defaults:
//!       run:
//!         working-directory: api
//!     steps:
//!       - run: npm run build
//!       - run: npm test
//! ```
//!
//! Of GitLab, all services by a matrix:
//!
//! `services/api/Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! CMD ["/api"]
//! ```
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   parallel:
//!     matrix:
//!       - SERVICE: [api, mailer]
//!   script:
//!     - cd services/$SERVICE
//!     - go test ./... # <- tests
//!     - go build ./... # <- builds
//! ```
//!
//! What a matrix writes out is followed:
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! CMD ["/api"]
//! ```
//! `build.sh`:
//! ```sh
//! docker build -t "acme/api:$1" api
//! ```
//! `test.sh`:
//! ```sh
//! cd api && go test ./...
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     strategy:
//!       matrix:
//!         command: ["./build.sh stable", "./test.sh"]
//!     steps:
//!       - run: ${{ matrix.command }}
//! ```
//!
//! ## Partial
//!
//! Its path filter leaves the service out:
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! CMD ["/api"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   push:
//!     paths: ["web/**"] # <- leaves the service out
//! jobs:
//!   test:
//!     steps:
//!       - run: go test ./...
//!       - run: go build ./...
//! ```
//!
//! Its path filter leaves out what the service shares:
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `api/package.json`:
//! ```json
//! {"name": "api", "scripts": {"test": "jest", "build": "tsc"}, "dependencies": {"shared": "file:../shared"}}
//! ```
//! `shared/package.json`:
//! ```json
//! {"name": "shared"}
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   push:
//!     paths: ["api/**"] # <- leaves out `shared`
//! jobs:
//!   test:
//!     steps:
//!       - run: cd api && npm run build && npm test
//! ```
//!
//! It tests another package of the workspace:
//!
//! `packages/api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `packages/api/package.json`:
//! ```json
//! {"name": "api", "scripts": {"build": "tsc"}}
//! ```
//! `packages/tokens/package.json`:
//! ```json
//! {"name": "tokens", "scripts": {"test": "jest"}}
//! ```
//! `pnpm-workspace.yaml`:
//! ```yaml
//! packages: ["packages/*"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     steps:
//!       - run: pnpm --filter api build
//!       - run: pnpm --filter tokens test
//! ```
//!
//! It tests elsewhere, and its failures are ignored:
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! CMD ["/api"]
//! ```
//! `web/main.go`:
//! ```go
//! package main
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test: # <- does not test the service
//!     steps:
//!       - run: go build ./...
//!       - run: cd web && go test ./...
//!       - run: go test ./... || true
//! ```
//!
//! GitLab waits for somebody:
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! CMD ["/api"]
//! ```
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   script:
//!     - cd api
//!     - go test ./...
//!     - go build ./...
//!   rules:
//!     - if: $CI_COMMIT_BRANCH
//!       when: manual # <- nothing but a hand
//! ```
//!
//! ## Cannot tell
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! CMD ["/api"]
//! ```
//! `Jenkinsfile`:
//! ```text
//! pipeline { agent any } # <- not read yet
//! ```
//!
//! What is run is a matrix's value:
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! CMD ["/api"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     strategy:
//!       matrix:
//!         command: ${{ fromJSON(vars.COMMANDS) }}
//!     steps:
//!       - run: ${{ matrix.command }} # <- runs what an expression says
//! ```
//!
//! Which script runs stands in a variable:
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM node:22
//! COPY package.json ./
//! CMD ["node", "main.js"]
//! ```
//! `api/package.json`:
//! ```json
//! { "scripts": { "test": "jest" } }
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker build api
//!       - run: npm run "test:$SERVICE" # <- depends on a variable
//! ```
//!
//! A workflow that is called calls one from elsewhere:
//!
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! CMD ["/api"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     uses: ./.github/workflows/build.yml
//! ```
//! `.github/workflows/build.yml`:
//! ```yaml
//! on: workflow_call
//! jobs:
//!   image:
//!     uses: acme/shared/.github/workflows/image.yml@v1 # <- is not in the tree
//! ```
//!
//! ## See also
//!
//! - `supply/image-scanned`: what else the workflow does.

use plimsoll_model::pipeline::{Pipeline, RoleKind, Runs};

use crate::ci::{Ci, Ran, Whose, left_out, nowhere, running, workflow};
use crate::mending::delivery;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, ServiceSubject, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/workflow-runs",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "scorecard",
            rule: "CI-Tests",
            relation: Relation::Narrower,
        }],
    }],
    when: &[],
    source: include_str!("workflow_runs.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let ci = Ci::of(cx, service);
    let on_change = |p: &Pipeline| p.runs == Runs::Yes;
    let builds = |kind| matches!(kind, RoleKind::Build | RoleKind::BuildImage);
    let all = ci.roles(|kind| kind == RoleKind::Test || builds(kind));
    let of = |whose: Whose, wanted: &dyn Fn(RoleKind) -> bool| {
        let found = |ran: &&Ran<'_>| {
            ran.whose == whose && wanted(ran.role.kind) && ran.role.masked.is_none()
        };
        let waits = |ran: &&Ran<'_>| (!on_change(ran.pipeline), ran.job.by_hand.is_some());
        all.iter().filter(found).min_by_key(waits).copied()
    };
    let is_test = |kind| kind == RoleKind::Test;
    let (test, build) = (of(Whose::Ours, &is_test), of(Whose::Ours, &builds));
    if let (Some(test), Some(build)) = (test, build) {
        let shown = Evidence::shows(test.role.span, "tests the service");
        let also = Evidence::shows(build.role.span, "builds the service");
        if !on_change(test.pipeline) || !on_change(build.pipeline) {
            let place = cx.start_of(test.pipeline.file);
            let evidence = Evidence::missing_in(place, "nothing but a hand starts it");
            return Verdict::partial("the service is tested only when someone asks", evidence);
        }
        if let Some((at, _)) = test.job.by_hand {
            let evidence = Evidence::contradicts(at, "nothing but a hand starts it");
            return Verdict::partial("the service is tested only when someone asks", evidence);
        }
        return match left_out(cx, service, test.pipeline) {
            None => {
                Verdict::pass("a workflow that runs builds and tests the service", shown).and(also)
            }
            Some((dir, at)) => {
                let message =
                    format!("a change of `{dir}`, which it uses, does not start the workflow");
                let evidence = Evidence::contradicts(at, format!("leaves out `{dir}`"));
                Verdict::partial(message, evidence)
            }
        };
    }
    if let Some(unread) = ci.unread() {
        return unread;
    }
    // `npm run "test:$SERVICE"` may be the one that is missing.
    let wanted = if test.is_none() { "test" } else { "build" };
    let jobs = ci.pipelines().filter(|p| on_change(p)).flat_map(|p| &p.jobs);
    let mut commands = jobs.flat_map(|job| &job.steps).flat_map(|step| &step.commands);
    let names = |word: &String| word.contains('$') && word.contains(wanted);
    if let Some(open) = commands.find(|command| {
        let managers = ["npm", "pnpm", "yarn", "bun", "make", "just", "task"];
        let mut words = command.words.iter();
        words.next().is_some_and(|first| managers.contains(&&**first)) && words.any(names)
    }) {
        let message = "which script the workflow runs depends on a variable: not known";
        let evidence = Evidence::context(open.span, "depends on a variable");
        return Verdict::unknown(crate::Why::Dynamic, message, evidence);
    }
    let open = || of(Whose::Open, &is_test).or(of(Whose::Open, &builds));
    let missing = match (test, build) {
        (None, Some(_)) => "does not test the service",
        (Some(_), None) => "does not build the service",
        _ => "neither builds nor tests the service",
    };
    let root = ci.pipelines().find(|p| on_change(p));
    if let Some(pipeline) = root {
        let job = test.or(build).map(|ran| ran.job).or(pipeline.jobs.first());
        let place = job.map_or_else(|| cx.start_of(pipeline.file), |job| job.span);
        if let Some(open) = open() {
            let evidence = Evidence::context(open.role.span, "of which service is not known");
            let message = "a workflow builds or tests, but which service cannot be told";
            return Verdict::unknown(crate::Why::Dynamic, message, evidence);
        }
        let evidence = Evidence::missing_in(place, missing);
        return Verdict::partial(format!("the workflow that runs {missing}"), evidence);
    }
    let others = running(cx);
    let others = others.iter().map(|&id| &cx.delivery[id]);
    let mut filters = others.flat_map(|pipeline| &pipeline.triggers).map(|trigger| {
        Evidence::contradicts(trigger.span, "its path filter leaves the service out")
    });
    match filters.next() {
        Some(first) => {
            let message = "no workflow that runs is started by a change of the service";
            Verdict::partial(message, first).and_all(filters.take(20)).and_all(ci.inert())
        }
        None => {
            let message = "no workflow runs: put one into `.github/workflows` at the root";
            Verdict::fail(message, nowhere(cx, "no workflow is here")).and_all(ci.inert())
        }
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    if let Some(whole) = delivery::pipeline(cx, finding) {
        return Some(whole);
    }
    let service = cx.service_of(finding)?;
    Some(Fix {
        does: "add a workflow at the root that builds and tests the service".into(),
        safety: Safety::Sketch,
        snippet: Some(workflow(cx, service)),
        patch: None,
    })
}
