//! # A workflow that runs covers the service
//!
//! Some workflow that the forge runs builds, tests, scans or signs this service, and is started by a
//! change of the code that the service uses, shared packages included. Of the repository it asks that
//! no workflow lies where the forge does not look.
//!
//! GitHub reads `.github/workflows` at the root only. A workflow in a package's own directory looks
//! like a pipeline and never runs; a path filter that leaves the shared library out lets its change
//! through untested.
//!
//! Move workflows to the root, and name shared directories in `paths:`. PARTIAL: something covers the
//! service, but not changes of a directory that it uses; of the repository: only some workflows never
//! run. What each kind of step is worth is asked by `pipeline/workflow-runs`, `supply/image-scanned`,
//! `supply/sbom-generated` and `supply/image-signed`.
//!
//! ## Fails
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "scripts": { "test": "node --test" } }
//! ```
//! <- no workflow runs
//!
//! In a directory that nothing reads:
//!
//! `packages/.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test: # <- never runs
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v5
//!       - run: npm test
//!         continue-on-error: true # <- would not count
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/orders.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v5
//!       - run: node --test # <- tests
//!         working-directory: services/orders
//! ```
//!
//! ## Passes
//!
//! What it shares starts it, too:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! {
//!   "scripts": { "test": "node --test" },
//!   "dependencies": { "shared": "file:../../shared" }
//! }
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "shared" }
//! ```
//! `.github/workflows/orders.yml`:
//! ```yaml
//! on:
//!   push:
//!     paths: ["services/orders/**", "shared/**"]
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v5
//!       - run: node --test # <- tests
//!         working-directory: services/orders
//! ```
//!
//! ## Partial
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! {
//!   "scripts": { "test": "node --test" },
//!   "dependencies": { "shared": "file:../../shared" }
//! }
//! ```
//! `shared/package.json`:
//! ```json
//! { "name": "shared" }
//! ```
//! `.github/workflows/orders.yml`:
//! ```yaml
//! on:
//!   push: # <- leaves out `shared`
//!     paths: ["services/orders/**"]
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v5
//!       - run: npm test
//!         working-directory: services/orders
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `Jenkinsfile`:
//! ```text
//! pipeline { } # <- is not read yet
//! ```

use plimsoll_model::pipeline::{Forge, Pipeline, RoleKind, Runs};
use plimsoll_model::purpose::Purpose;

use crate::ci::{Ci, Ran, Whose, left_out, nowhere, runs, workflow};
use crate::conditions::HAS_PIPELINES;
use crate::mending::delivery;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/covers-service",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_PIPELINES],
    source: include_str!("covers_service.rs"),
    run: Run::Both(of_a_service, of_the_repository),
    fix: Some(fix),
};

/// Whether a role is of a kind.
type Is = fn(RoleKind) -> bool;

/// What covers a service, by what it is for.
const KINDS: [(&str, Is); 5] = [
    ("builds", |kind| matches!(kind, RoleKind::Build | RoleKind::BuildImage)),
    ("tests", |kind| matches!(kind, RoleKind::Test)),
    ("scans", |kind| {
        matches!(kind, RoleKind::ScanImage { .. } | RoleKind::ScanFiles | RoleKind::ScanSecrets)
    }),
    ("lists what it holds", |kind| matches!(kind, RoleKind::Sbom { .. })),
    ("signs", |kind| matches!(kind, RoleKind::Sign { .. } | RoleKind::Attest)),
];

fn of_a_service(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let ci = Ci::of(cx, service);
    let all = ci.roles(|kind| KINDS.iter().any(|(_, is)| is(kind)));
    let ours: Vec<&Ran<'_>> = all.iter().filter(|ran| ran.whose == Whose::Ours).collect();
    if ours.is_empty() {
        if let Some(unread) = ci.unread() {
            return unread;
        }
        if let Some(open) = all.iter().find(|ran| ran.whose == Whose::Open) {
            let evidence = Evidence::context(open.role.span, "of which service is not known");
            let message = "a workflow does something, but for which service cannot be told";
            return Verdict::unknown(Why::Dynamic, message, evidence);
        }
        let message = "no workflow that runs builds, tests, scans or signs the service";
        return Verdict::fail(message, nowhere(cx, "no workflow runs for it")).and_all(ci.inert());
    }
    let mut shown = Vec::new();
    for (says, is) in KINDS {
        let of_kind: Vec<&&Ran<'_>> = ours.iter().filter(|ran| is(ran.role.kind)).collect();
        let Some(first) = of_kind.first() else { continue };
        let gaps: Option<Vec<_>> =
            of_kind.iter().map(|ran| left_out(cx, service, ran.pipeline)).collect();
        if let Some((dir, at)) = gaps.and_then(|gaps| gaps.into_iter().next()) {
            let message = format!("a change of `{dir}`, which it uses, starts nothing that {says}");
            return Verdict::partial(
                message,
                Evidence::contradicts(at, format!("leaves out `{dir}`")),
            );
        }
        shown.push(Evidence::shows(first.role.span, says));
    }
    let mut shown = shown.into_iter();
    match shown.next() {
        Some(first) => {
            let message = "a workflow that runs covers the service and what it uses";
            Verdict::pass(message, first).and_all(shown)
        }
        None => Verdict::unknown(Why::Unsupported, "no step is known", nowhere(cx, "no step")),
    }
}

fn of_the_repository(cx: &Cx<'_>) -> Verdict {
    const MAX_SHOWN: usize = 20;
    let ours = |pipeline: &&Pipeline| {
        pipeline.forge != Forge::GitHubAction
            && Purpose::of_path(cx.path(pipeline.file)).is_production()
    };
    let pipelines: Vec<&Pipeline> = cx.delivery.pipelines.iter().filter(ours).collect();
    let dead: Vec<(&Pipeline, &str)> = pipelines
        .iter()
        .filter_map(|pipeline| match &pipeline.runs {
            Runs::No(why) => Some((*pipeline, &**why)),
            _ => None,
        })
        .collect();
    let mut evidence = Vec::new();
    for (pipeline, why) in dead.iter().take(MAX_SHOWN) {
        let place = pipeline.jobs.first().map_or(cx.start_of(pipeline.file), |job| job.span);
        let never = Evidence::context(place, format!("never runs: {why}"));
        evidence.push(never.severity(Severity::Medium));
        let steps = pipeline.jobs.iter().flat_map(|job| &job.steps);
        let masked = steps.filter_map(|step| step.continue_on_error).map(|(at, _)| at);
        evidence.extend(masked.take(3).map(|at| {
            Evidence::context(at, "if it ran, its failure would not count")
                .severity(Severity::Medium)
        }));
    }
    let live = pipelines.iter().find(|pipeline| runs(pipeline));
    let root = Evidence::missing_file(".github/workflows", "here it would run");
    let root = (!evidence.is_empty()).then(|| root.severity(Severity::Medium));
    match (root, live) {
        (Some(first), None) => {
            let message = "the workflows lie where the forge does not look: move them to the root";
            Verdict::fail(message, first).and_all(evidence)
        }
        (Some(first), Some(_)) => {
            let message = "some workflows lie where the forge does not look: move or delete them";
            Verdict::partial(message, first).and_all(evidence)
        }
        (None, Some(live)) => {
            let place = live.jobs.first().map_or(cx.start_of(live.file), |job| job.span);
            let message = "every workflow lies where the forge looks";
            Verdict::pass(message, Evidence::shows(place, "runs"))
        }
        (None, None) => {
            let evidence = Evidence::missing_file(".github/workflows", "no workflow is read");
            Verdict::unknown(
                Why::Unsupported,
                "the pipeline of this forge is not read yet",
                evidence,
            )
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
