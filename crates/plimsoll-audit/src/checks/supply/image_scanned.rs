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
//!       - run: trivy image --exit-code 1 --severity CRITICAL,HIGH acme/orders:1 # <- fails on what it finds
//! ```
//!
//! ## Passes
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

use plimsoll_model::pipeline::RoleKind;

use super::{Grade, Words, judge, step};
use crate::ci::{Ci, template};
use crate::conditions::HAS_IMAGE;
use crate::mending::delivery;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part, Relation, Run,
    Section, ServiceSubject, Severity, Status, Verdict,
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
    let lines = "- name: Scan the image\n  run: trivy image --exit-code 1 --severity CRITICAL,HIGH \"{image}:${{ github.sha }}\"\n";
    Some(step(cx, service, "scan the image after it is built", lines))
}
