//! # A bill of materials of the image is made and kept
//!
//! A workflow that the forge runs makes an SBOM of this service's built image and keeps it: as an
//! artifact, an attestation, or with the image in the registry.
//!
//! When the next vulnerable package is known, an SBOM tells in seconds which images hold it; without
//! one, each has to be pulled and opened. One that is left on the runner is gone with it.
//!
//! Make it with `syft`, `trivy image --format cyclonedx` or `docker buildx build --sbom`, and upload
//! or attest it. `trivy sbom` reads one, it makes none.
//!
//! ## Fails
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
//!   image: # <- nothing makes an SBOM
//!     steps:
//!       - run: docker build --tag acme/orders:1 .
//!       - run: syft dir:. --output spdx-json=sbom.json
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     steps:
//!       - run: docker build --tag acme/orders:1 .
//!       - name: List what the image holds
//!         uses: anchore/sbom-action@e22c389904149dbc22b58101806040fa8d37a610 # v0.24.0 # <- made and kept
//!         with:
//!           image: acme/orders:1
//!           format: spdx-json
//!       - run: syft dir:. --output spdx-json=sbom.json
//! ```
//!
//! ## Passes
//!
//! A tool's list, kept by another step:
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
//!       - run: syft acme/orders:1 --output spdx-json=sbom.json # <- made and kept
//!       - uses: actions/upload-artifact@b136a541aec681a7b8098976b31162abc617cbdf
//!         with:
//!           path: sbom.json
//! ```
//!
//! It is pushed with the image:
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
//!       - uses: docker/build-push-action@e32a82b705fee74a75fc7e2addec0afdd095382f # <- made and kept
//!         with:
//!           context: .
//!           push: true
//!           sbom: true
//!           tags: registry.example/acme/orders:${{ github.sha }}
//! ```
//!
//! Of GitLab:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.gitlab-ci.yml`:
//! ```yaml
//! publish:
//!   script:
//!     - docker build --tag acme/orders:1 .
//!     - trivy image --format cyclonedx --output sbom.cdx.json acme/orders:1 # <- made and kept
//!   artifacts:
//!     paths: [sbom.cdx.json]
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
//!       - run: syft acme/orders:1 --output spdx-json=sbom.json # <- nothing keeps it
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.circleci/config.yml`:
//! ```yaml
//! version: 2.1 # <- not read yet
//! ```
//!
//! ## See also
//!
//! - `supply/image-scanned`: what is known today about what the image holds.

use plimsoll_model::pipeline::RoleKind;

use super::{Grade, Words, judge, step};
use crate::ci::Ci;
use crate::conditions::HAS_IMAGE;
use crate::mending::{delivery, published};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run, Section,
    ServiceSubject, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "supply/sbom-generated",
    section: Section::ImageScanning,
    domain: Domain::CiCdMaturity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &["pipeline/workflow-runs"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "checkov", rule: "CKV_GHA_6", relation: Relation::Wider },
            Equivalent { tool: "pipecheck", rule: "GHA-007", relation: Relation::Wider },
            Equivalent { tool: "pipecheck", rule: "GL-007", relation: Relation::Wider },
            Equivalent { tool: "chain-bench", rule: "2.4.6", relation: Relation::Wider },
        ],
    }],
    when: &[&HAS_IMAGE],
    source: include_str!("sbom_generated.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    pass: "an SBOM of the built image is made and kept",
    partial: "an SBOM of the image is made",
    fail: "no workflow that runs makes an SBOM of the image: make one and keep it",
    missing: "nothing makes an SBOM of the image",
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let grade = |kind| match kind {
        RoleKind::Sbom { stored: true } => Some(Grade::Full("made and kept")),
        RoleKind::Sbom { .. } => Some(Grade::Part("nothing keeps it")),
        _ => None,
    };
    judge(cx, &Ci::of(cx, service), |ran| grade(ran.role.kind), &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    if let Some(whole) = delivery::pipeline(cx, finding) {
        return Some(whole);
    }
    if let Some(fix) = published::listed(cx, finding) {
        return Some(fix);
    }
    let service = cx.service_of(finding)?;
    let lines = "- name: Bill of materials\n  run: trivy image --format cyclonedx --output sbom.cdx.json \"{image}:${{ github.sha }}\"\n# Pin the action: git ls-remote https://github.com/actions/upload-artifact v4\n- uses: actions/upload-artifact@v4\n  with:\n    name: sbom\n    path: sbom.cdx.json\n    if-no-files-found: error\n";
    Some(step(cx, service, "make an SBOM of the image and keep it", lines))
}
