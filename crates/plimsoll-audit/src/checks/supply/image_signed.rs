//! # The image is signed by digest
//!
//! A workflow that the forge runs signs this service's image by its digest after the push, or
//! attests to it with an action that signs.
//!
//! Whoever can write to the registry can put another image under a name; only a signature over the
//! digest tells the one that the pipeline built. A tag may have moved before it is signed.
//!
//! Sign what the push returned: `cosign sign --yes $IMAGE@$DIGEST`, with `id-token: write`. Unsigned
//! provenance (`buildx --provenance`) is no signature.
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
//!   image: # <- nothing signs the image
//!     steps:
//!       - run: docker build --tag registry.example/acme/orders:1 .
//!       - run: docker push registry.example/acme/orders:1
//! ```
//!
//! A matrix of other services:
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
//!   image: # <- nothing signs the image
//!     strategy:
//!       matrix:
//!         service: [users, billing]
//!     env:
//!       IMAGE: registry.example/acme/${{ matrix.service }}
//!     steps:
//!       - id: push
//!         uses: docker/build-push-action@e32a82b705fee74a75fc7e2addec0afdd095382f
//!         with:
//!           file: services/${{ matrix.service }}/Dockerfile
//!           push: true
//!           tags: registry.example/acme/${{ matrix.service }}:1
//!       - run: cosign sign --yes "$IMAGE@${{ steps.push.outputs.digest }}" # <- another image
//! ```
//!
//! Nothing runs at all:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! <- nothing signs the image
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! permissions:
//!   id-token: write
//! jobs:
//!   image:
//!     steps:
//!       - id: push
//!         uses: docker/build-push-action@e32a82b705fee74a75fc7e2addec0afdd095382f
//!         with:
//!           push: true
//!           tags: registry.example/acme/orders:1
//!       - run: cosign sign --yes "registry.example/acme/orders@${{ steps.push.outputs.digest }}" # <- signs the digest
//! ```
//!
//! ## Passes
//!
//! Signed provenance:
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
//!     permissions:
//!       id-token: write
//!       attestations: write
//!     steps:
//!       - id: push
//!         uses: docker/build-push-action@e32a82b705fee74a75fc7e2addec0afdd095382f
//!         with:
//!           push: true
//!           tags: registry.example/acme/orders:1
//!       - uses: actions/attest-build-provenance@e8998f949152b193b063cb0ec769d69d929409be # <- signs
//!         with:
//!           subject-name: registry.example/acme/orders
//!           subject-digest: ${{ steps.push.outputs.digest }}
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
//!     - docker build --tag "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHA" --push .
//!     - DIGEST="$(crane digest "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHA")"
//!     - cosign sign --yes "$CI_REGISTRY_IMAGE@$DIGEST" # <- signs the digest
//! ```
//!
//! ## Partial
//!
//! By tag:
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
//!       - run: docker build --tag registry.example/acme/orders:1 --push .
//!       - run: cosign sign --yes registry.example/acme/orders:1 # <- a tag is signed
//! ```
//!
//! What it signs is never pushed:
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
//!       - id: build
//!         uses: docker/build-push-action@e32a82b705fee74a75fc7e2addec0afdd095382f
//!         with:
//!           push: false
//!           tags: registry.example/acme/orders:1
//!       - run: cosign sign --yes "registry.example/acme/orders@${{ steps.build.outputs.digest }}" # <- not pushed
//! ```
//!
//! Provenance that nobody signs:
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
//!       - run: docker buildx build --provenance=mode=max --push --tag acme/orders:1 . # <- not signed
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
//! pipeline { agent any } # <- not read yet
//! ```
//!
//! ## See also
//!
//! - `supply/signature-verified`: a signature that nobody looks at protects nothing.

use plimsoll_model::pipeline::{Forge, RoleKind};

use super::{Grade, Words, judge, step};
use crate::ci::{Ci, Ran};
use crate::conditions::HAS_IMAGE;
use crate::mending::{delivery, published};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run, Section,
    ServiceSubject, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "supply/image-signed",
    section: Section::Signing,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &["pipeline/workflow-runs"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "checkov", rule: "CKV_GHA_5", relation: Relation::Wider },
            Equivalent { tool: "pipecheck", rule: "GHA-006", relation: Relation::Wider },
            Equivalent { tool: "pipecheck", rule: "GL-006", relation: Relation::Wider },
            Equivalent { tool: "glsec", rule: "GL045", relation: Relation::Wider },
        ],
    }],
    when: &[&HAS_IMAGE],
    source: include_str!("image_signed.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    pass: "the image is signed by its digest",
    partial: "the image is not quite signed",
    fail: "no workflow that runs signs the image: sign its digest after the push",
    missing: "nothing signs the image",
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    judge(cx, &Ci::of(cx, service), grade, &WORDS)
}

fn grade(ran: &Ran<'_>) -> Option<Grade> {
    let by_command = ran.role.words.len() > 1;
    match ran.role.kind {
        RoleKind::Sign { .. } | RoleKind::Attest if ran.is_unpushed() => {
            Some(Grade::Part("what it signs is not pushed"))
        }
        RoleKind::Sign { by_digest: true } => Some(Grade::Full("signs the digest")),
        RoleKind::Sign { .. } => Some(Grade::Part("a tag is signed")),
        RoleKind::Attest if by_command => {
            let digest =
                |word: &String| word.contains('@') || word.to_lowercase().contains("digest");
            Some(match ran.role.words.last().is_some_and(digest) {
                true => Grade::Full("signs an attestation of the digest"),
                false => Grade::Part("a tag is attested"),
            })
        }
        // Attestations of files say nothing of the image.
        RoleKind::Attest if ran.input("subject-path").is_some() => None,
        RoleKind::Attest if ran.pipeline.forge == Forge::GitHub && !ran.may_write("id-token") => {
            Some(Grade::Part("it may not sign without `id-token: write`"))
        }
        RoleKind::Attest => Some(Grade::Full("signs an attestation")),
        RoleKind::Provenance => Some(Grade::Part("its provenance is not signed")),
        _ => None,
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    if let Some(whole) = delivery::pipeline(cx, finding) {
        return Some(whole);
    }
    if let Some(fix) = published::signed(cx, finding) {
        return Some(fix);
    }
    let service = cx.service_of(finding)?;
    let lines = "# The job needs `permissions: {contents: read, id-token: write}`.\n- name: Sign by digest\n  run: |\n    DIGEST=\"$(crane digest \"{image}:${{ github.sha }}\")\"\n    cosign sign --yes \"{image}@$DIGEST\"\n";
    Some(step(cx, service, "sign the digest after the push", lines))
}
