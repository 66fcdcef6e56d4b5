//! # The signature is verified before the image starts
//!
//! The step that deploys this service runs `cosign verify` with identity and issuer (or a key), or an
//! admission policy does.
//!
//! A signature protects only where somebody looks at it; and any signature will do for a
//! verification that does not say whose it must be.
//!
//! Verify in the job, or the script, that deploys, or with an admission policy of the cluster.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy: # <- nothing verifies the image
//!     environment: production
//!     steps:
//!       - run: cosign sign --yes "acme/orders@$DIGEST"
//!       - run: docker compose up --detach --wait orders
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     environment: production
//!     steps:
//!       - run: cosign verify --certificate-identity "$ME" --certificate-oidc-issuer "$ISSUER" "acme/orders@$DIGEST" # <- identity
//!       - run: docker compose up --detach --wait orders
//! ```
//!
//! ## Passes
//!
//! A script that deploys:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! cosign verify --key cosign.pub "acme/orders@$DIGEST" # <- identity
//! docker compose up --detach --wait orders
//! ```
//!
//! Of GitLab, in a job before it:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.gitlab-ci.yml`:
//! ```yaml
//! verify:
//!   script:
//!     - cosign verify --key cosign.pub "acme/orders@$DIGEST" # <- identity
//! deploy:
//!   needs: [verify]
//!   environment: production
//!   script:
//!     - docker compose up --detach --wait orders
//! ```
//!
//! ## Partial
//!
//! Anybody's signature will do:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     environment: production
//!     steps:
//!       - run: cosign verify --certificate-identity-regexp '.*' --certificate-oidc-issuer "$ISSUER" "acme/orders@$DIGEST" # <- whose signature
//!       - run: docker compose up --detach --wait orders
//! ```
//!
//! Of another image:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! cosign verify --key cosign.pub "acme/base-image@$DIGEST" # <- of another image
//! docker compose up --detach --wait orders
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `chart/Chart.yaml`:
//! ```yaml
//! name: orders
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//!
//! ## See also
//!
//! - `supply/image-signed`: there must be a signature first.

use std::collections::HashSet;

use plimsoll_model::container::ContainerKind;
use plimsoll_model::pipeline::RoleKind;
use plimsoll_source::FileId;

use super::{Grade, Words, is_deploy, judge, step};
use crate::ci::{self, Ci, Ran};
use crate::conditions::STARTED;
use crate::mending::delivery;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part, Relation, Run,
    Section, ServiceSubject, Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "supply/signature-verified",
    section: Section::Signing,
    domain: Domain::CiCdMaturity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &["supply/image-signed"],
    controls: &["SLSA L2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "kubescape", rule: "C-0236", relation: Relation::Wider },
            Equivalent { tool: "kubescape", rule: "C-0237", relation: Relation::Wider },
            Equivalent { tool: "kyverno", rule: "verify-image", relation: Relation::Narrower },
            Equivalent { tool: "pipecheck", rule: "XPC-001", relation: Relation::Wider },
        ],
    }],
    when: &[&STARTED],
    source: include_str!("signature_verified.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    pass: "the signature is verified before the image starts",
    partial: "the signature is verified",
    fail: "nothing verifies the image's signature before it starts: run cosign verify",
    missing: "nothing verifies the image's signature",
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    if let Some(file) = policy(cx, service) {
        let evidence = Evidence::context(cx.start_of(file), "an admission policy verifies images");
        return Verdict::unknown(
            Why::Unsupported,
            "an admission policy verifies images: see whether it covers this one",
            evidence,
        );
    }
    let ci = Ci::of(cx, service);
    let gates = gates(&ci);
    let verdict = judge(cx, &ci, |ran| grade(ran, &gates), &WORDS);
    if verdict.outcome() == Outcome::Pass {
        return verdict;
    }
    script(cx, service).unwrap_or_else(|| match service.unread.first() {
        Some(&file) if verdict.outcome() == Outcome::Fail => {
            let evidence = Evidence::context(cx.start_of(file), "is not read yet");
            Verdict::unknown(
                Why::Unsupported,
                "a descriptor is not read that may verify it",
                evidence,
            )
        }
        _ => verdict,
    })
}

fn grade(ran: &Ran<'_>, gates: &HashSet<(FileId, &str)>) -> Option<Grade> {
    let RoleKind::Verify { identity } = ran.role.kind else { return None };
    Some(if !identity {
        Grade::Part("it does not say whose signature")
    } else if gates.contains(&(ran.pipeline.file, &*ran.job.id)) {
        Grade::Full("identity and issuer are checked")
    } else {
        Grade::Part("not where it is deployed")
    })
}

/// The jobs that deploy, and those that they wait for.
fn gates<'a>(ci: &Ci<'a>) -> HashSet<(FileId, &'a str)> {
    let mut gates = HashSet::new();
    let mut todo: Vec<(FileId, &str)> =
        ci.roles(is_deploy).iter().map(|ran| (ran.pipeline.file, &*ran.job.id)).collect();
    while let Some(next) = todo.pop() {
        if gates.insert(next) {
            let jobs = ci.pipelines().filter(|p| p.file == next.0).flat_map(|p| &p.jobs);
            let needs = jobs.filter(|job| job.id == next.1).flat_map(|job| &job.needs);
            todo.extend(needs.map(|need| (next.0, &**need)));
        }
    }
    gates
}

/// A script that deploys the service, and verifies first.
fn script(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Option<Verdict> {
    let mut verdict = None;
    for program in service.programs.iter().map(|&id| &cx.delivery[id]) {
        let Some(deploy) = program.roles.iter().position(|role| is_deploy(role.kind)) else {
            continue;
        };
        for role in program.roles.iter().take(deploy) {
            let says = "identity and issuer are checked";
            match role.kind {
                RoleKind::Verify { .. } if is_of_another(cx, service, &role.words) => {
                    let evidence = Evidence::contradicts(role.span, "of another image");
                    let message = format!("{}: that of another image", WORDS.partial);
                    verdict = verdict.or(Some(Verdict::partial(message, evidence)));
                }
                RoleKind::Verify { identity: true } if role.masked.is_none() => {
                    return Some(Verdict::pass(WORDS.pass, Evidence::shows(role.span, says)));
                }
                RoleKind::Verify { .. } => {
                    let says = "it does not say whose signature, or its failure is ignored";
                    let evidence = Evidence::contradicts(role.span, says);
                    verdict =
                        Some(Verdict::partial(format!("{}: {says}", WORDS.partial), evidence));
                }
                _ => {}
            }
        }
    }
    verdict
}

/// Whether the image that a command verifies is written out, and none of the service's.
fn is_of_another(cx: &Cx<'_>, service: ServiceSubject<'_>, words: &[String]) -> bool {
    let reference = words.last().map_or("", |word| word.trim_matches(['"', '\'']));
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let name = name.split(['@', ':']).next().unwrap_or(name);
    let written = !name.is_empty() && !name.contains('$') && !name.starts_with('-');
    written && !ci::names(cx, service.service).contains(name)
}

/// A file of the cluster's policies that verifies images, where the service runs in one.
fn policy(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Option<FileId> {
    service
        .containers
        .iter()
        .find(|&&id| matches!(cx.delivery[id].kind, ContainerKind::Kubernetes { .. }))?;
    let named = cx.delivery.tree.entries().filter(|(_, entry)| {
        (entry.path.ends_with(".yaml") || entry.path.ends_with(".yml"))
            && ["polic", "kyverno", "admission", "cosign", "sigstore", "verify"]
                .iter()
                .any(|word| entry.path.contains(word))
    });
    named.map(|(file, _)| file).take(50).find(|&file| {
        let bytes = cx.delivery.tree.read(file).unwrap_or_default();
        let has = |word: &str| memchr::memmem::find(&bytes, word.as_bytes()).is_some();
        has("verifyImages") || has("ClusterImagePolicy")
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    if let Some(whole) = delivery::pipeline(cx, finding) {
        return Some(whole);
    }
    let service = cx.service_of(finding)?;
    let lines = "# Before the step that deploys, in the same job; DIGEST is what the push printed.\n- name: Verify the signature\n  run: |\n    cosign verify \\\n      --certificate-identity \"https://github.com/${{ github.workflow_ref }}\" \\\n      --certificate-oidc-issuer https://token.actions.githubusercontent.com \\\n      \"{image}@$DIGEST\"\n";
    Some(step(cx, service, "verify the signature where the image is deployed", lines))
}
