//! # The image is scanned before it ships
//!
//! A workflow that the forge runs scans the built image of this service for known vulnerabilities,
//! and fails when it finds severe ones.
//!
//! What a base image and its packages carry changes without a line of the repository changing. A
//! scan that only prints is read once and then by nobody.
//!
//! Scan the image in the job that builds it, with a severity and an exit code. A scan of files or
//! of dependencies (`trivy fs`, `npm audit`, `grype sbom:…`) does not see what the image holds.
//!
//! ## Fails
//!
//! The workflow lies where no forge looks, and the one that runs scans files only:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image: # <- nothing scans the image
//!     runs-on: ubuntu-24.04
//!     steps:
//!       - run: docker build --tag acme/orders:1 .
//!       - run: trivy fs --exit-code 1 .
//! ```
//! `old/.github/workflows/scan.yml`:
//! ```yaml
//! on: push # <- never runs
//! jobs:
//!   scan:
//!     steps:
//!       - run: trivy image --exit-code 1 acme/orders:1
//! ```
//!
//! Another image is scanned:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     steps:
//!       - run: docker build --tag acme/orders:1 .
//!       - run: trivy image --exit-code 1 postgres:17 # <- another image
//! ```
//!
//! Another image, in the service's own directory:
//!
//! `services/orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     runs-on: ubuntu-24.04
//!     defaults:
//!       run:
//!         working-directory: services/orders
//!     steps:
//!       - run: docker build --tag acme/orders:1 .
//!       - run: trivy image --exit-code 1 node:20-alpine # <- another image
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     runs-on: ubuntu-24.04
//!     steps:
//!       - run: docker build --tag acme/orders:1 .
//!       - name: Scan the image
//!         uses: anchore/scan-action@e1165082ffb1fe366ebaf02d8526e7c4989ea9d2 # v7.4.0 # <- fails on what it finds
//!         with:
//!           image: acme/orders:1
//!           fail-build: true
//!           severity-cutoff: high
//!       - run: trivy fs --exit-code 1 .
//! ```
//!
//! ## Passes
//!
//! A tool's command:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     steps:
//!       - run: docker build --tag acme/orders:1 .
//!       - run: trivy image --exit-code 1 --severity CRITICAL,HIGH acme/orders:1 # <- fails on what it finds
//! ```
//!
//! An action, with the name in a variable:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! env:
//!   IMAGE: registry.example/acme/orders
//! jobs:
//!   image:
//!     steps:
//!       - run: docker build --tag "$IMAGE:${{ github.sha }}" .
//!       - uses: aquasecurity/trivy-action@85c591580c51107dad2a00039991f287ca8ecaf2 # <- fails on
//!         with:
//!           image-ref: ${{ env.IMAGE }}:${{ github.sha }}
//!           exit-code: "1"
//! ```
//!
//! A later step heeds what it finds:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     steps:
//!       - run: docker build --tag registry.example/acme/orders:1 .
//!       - id: scan
//!         uses: aquasecurity/trivy-action@85c591580c51107dad2a00039991f287ca8ecaf2 # <- fails on
//!         continue-on-error: true
//!         with:
//!           image-ref: registry.example/acme/orders:1
//!           exit-code: "1"
//!       - if: steps.scan.outcome == 'failure'
//!         run: exit 1
//! ```
//!
//! Of GitLab, in a job of its own:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.gitlab-ci.yml`:
//! ```yaml
//! build:
//!   script:
//!     - docker build --tag "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHA" .
//! scan:
//!   needs: [build]
//!   script:
//!     - grype "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHA" --fail-on high # <- fails on
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     steps:
//!       - run: docker build --tag acme/orders:1 .
//!       - run: trivy image acme/orders:1 # <- findings do not fail it
//! ```
//!
//! Its failure is swallowed:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.gitlab-ci.yml`:
//! ```yaml
//! scan:
//!   script:
//!     - docker build --tag acme/orders:1 .
//!     - trivy image --exit-code 1 acme/orders:1 || true # <- its failure is ignored
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     uses: acme/workflows/.github/workflows/image.yml@v1 # <- is not in the tree
//! ```
//!
//! ## See also
//!
//! - `supply/sbom-generated`: what to look through when the next vulnerability is known.

use std::collections::BTreeSet;

use plimsoll_model::mend::{Data, after, shell};
use plimsoll_model::pipeline::{JobStep, Role, RoleKind};
use plimsoll_source::{Edit, Span};

use super::{Grade, Words, judge, step};
use crate::ci::{Ci, template};
use crate::conditions::HAS_IMAGE;
use crate::mending::{delivery, published};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part, Relation, Run,
    Safety, Section, ServiceSubject, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "supply/image-scanned",
    section: Section::ImageScanning,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &["pipeline/workflow-runs"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "chain-bench", rule: "2.3.7", relation: Relation::Wider },
            Equivalent { tool: "pipecheck", rule: "GHA-020", relation: Relation::Wider },
            Equivalent { tool: "pipecheck", rule: "GL-019", relation: Relation::Wider },
        ],
    }],
    when: &[&HAS_IMAGE],
    source: include_str!("image_scanned.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    pass: "the built image is scanned, and what is found fails the pipeline",
    partial: "the image is scanned",
    fail: "no workflow that runs scans the image: scan it where it is built",
    missing: "nothing scans the image",
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let ci = Ci::of(cx, service);
    let verdict = judge(
        cx,
        &ci,
        |ran| match ran.role.kind {
            RoleKind::ScanImage { blocking: true } => Some(Grade::Full("fails on what it finds")),
            RoleKind::ScanImage { .. } => Some(Grade::Part("findings do not fail it")),
            _ => None,
        },
        &WORDS,
    );
    match template(&ci, "Container-Scanning") {
        Some(span) if matches!(verdict.outcome(), Outcome::Unknown | Outcome::Fail) => {
            let evidence = Evidence::contradicts(span, "findings do not fail it");
            Verdict::partial("the image is scanned: findings do not fail the pipeline", evidence)
        }
        _ => verdict,
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    if let Some(whole) = delivery::pipeline(cx, finding) {
        return Some(whole);
    }
    let service = cx.service_of(finding)?;
    let edits = blocking(cx, finding);
    if !edits.is_empty() {
        let does = "let severe findings fail the step: what it finds today ends it";
        return Some(Fix::of_edits(does, Safety::Review, None, edits));
    }
    if let Some(fix) = published::scanned(cx, finding) {
        return Some(fix);
    }
    let lines = "- name: Scan the image\n  run: trivy image --exit-code 1 --severity CRITICAL,HIGH \"{image}:${{ github.sha }}\"\n";
    Some(step(cx, service, "scan the image after it is built", lines))
}

/// Lets the scans that a finding stands on fail when they find something severe.
fn blocking(cx: &Cx<'_>, finding: &Finding) -> Vec<Edit> {
    let places: BTreeSet<Span> = mending::against(finding).collect();
    let mut edits = BTreeSet::new();
    for (.., step) in workflows::steps(workflows::live(cx)) {
        for role in step.roles.iter().filter(|role| places.contains(&role.span)) {
            edits.extend(in_script(cx, step, role).or_else(|| in_action(cx, step, role)));
        }
    }
    edits.into_iter().flatten().collect()
}

/// A scan by a command: with an exit code, and without what swallows it.
fn in_script(cx: &Cx<'_>, step: &JobStep, role: &Role) -> Option<Vec<Edit>> {
    let (text, script) = step.run.as_ref()?;
    let words = shell::words(text, script, role.span)?;
    let has = |names: &[&str]| {
        let is_it = |word: &str| names.iter().any(|name| word.split('=').next() == Some(name));
        words.iter().any(|(word, _)| is_it(word))
    };
    let (program, _) = words.first()?;
    let mut edits = Vec::new();
    match program.rsplit('/').next()? {
        "trivy" => {
            let (_, at) = words.iter().find(|(word, _)| word == "image" || word == "i")?;
            let severity =
                if has(&["--severity", "-s"]) { "" } else { " --severity CRITICAL,HIGH" };
            if !has(&["--exit-code"]) {
                edits.push(after(*at, format!(" --exit-code 1{severity}")));
            }
        }
        "grype" if !has(&["--fail-on", "-f"]) => {
            edits.push(after(words.first()?.1, " --fail-on high"));
        }
        "grype" => {}
        _ => return None,
    }
    if role.masked.is_some() {
        edits.push(shell::unmask(&cx.delivery.tree, text, script, role.span)?);
    }
    Some(edits)
}

/// A scan by Trivy's action.
fn in_action(cx: &Cx<'_>, step: &JobStep, role: &Role) -> Option<Vec<Edit>> {
    let is_it = workflows::action(step)? == "aquasecurity/trivy-action" && role.masked.is_none();
    let document = mending::document(cx, step.span.file)?;
    let with = document.map_at(step.span)?.get("with").filter(|_| is_it)?;
    let lacks = |key: &str| workflows::input(step, key).is_none();
    let mut edits = document.set(with, "exit-code", &Data::scalar("\"1\""))?;
    if lacks("severity") {
        edits.extend(document.set(with, "severity", &Data::scalar("CRITICAL,HIGH"))?);
    }
    Some(edits)
}
