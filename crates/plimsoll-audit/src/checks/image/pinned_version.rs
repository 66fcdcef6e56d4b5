//! # Base images say which version they are
//!
//! Every image that a build starts from has a tag that begins with a version (`node:20-alpine`), or
//! a digest. `latest`, `lts`, `stable`, `edge`, a bare variant (`node:alpine`) and no tag at all
//! move to the next major version the day it comes out. A Debian or Ubuntu release's code name is a
//! version (`debian:bookworm-slim`).
//!
//! A build that worked yesterday gets another major version today, with nobody having changed
//! anything, and nobody can say which one runs.
//!
//! Write the version: at least the major one, better all of it.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:latest # <- moves
//! CMD ["node", "main.js"]
//! ```
//!
//! No tag is `latest`:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20 AS builder # <- names its version
//! RUN npm ci
//!
//! FROM gcr.io/distroless/nodejs20-debian12 # <- has no tag
//! COPY --from=builder /app /app
//! CMD ["/app/main.js"]
//! ```
//!
//! A bare variant:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:slim-bookworm # <- names no version
//! CMD ["python", "main.py"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20.19-alpine3.22 # <- names its version
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM ghcr.io/acme/base@sha256:0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c1e3f5b7d9a0c2e4f6b8d1a3c AS builder # <- pinned to a digest
//! RUN make
//!
//! FROM debian:bookworm-slim # <- names its version
//! COPY --from=builder /app /app
//! CMD ["/app"]
//! ```
//!
//! The registry may vary, the tag is written out:
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG REGISTRY
//! FROM ${REGISTRY}/node:20-alpine # <- names its version
//! CMD ["node", "main.js"]
//! ```
//!
//! Skaffold builds it, without a Dockerfile, and writes the tag when it deploys:
//!
//! `skaffold.yaml`:
//! ```yaml
//! apiVersion: skaffold/v4beta6
//! kind: Config
//! build:
//!   artifacts:
//!     - image: ledger
//!       jib: {}
//! ```
//! `ledger.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata:
//!   name: ledger
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: ledger
//!           image: ledger # <- is built here
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang AS builder # <- has no tag
//! RUN go build -o /app .
//!
//! FROM alpine:3.22 # <- names its version
//! COPY --from=builder /app /app
//! CMD ["/app"]
//! ```
//!
//! A default that any build may replace:
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG TAG=20-alpine
//! FROM node:${TAG} # <- from an argument
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG TAG
//! FROM node:${TAG} # <- depends on a variable
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM scratch
//! COPY app /app
//! CMD ["/app"]
//! ```
//!
//! ## See also
//!
//! - `image/pinned-digest`: a version's tag moves, too.

use plimsoll_model::Why;
use plimsoll_model::image::{Base, Image, Stage};

use super::exact_version::is_exact;
use crate::bases::{Named, Standing, Words, judge, named, starts_with_version};
use crate::conditions::STARTS_FROM_AN_IMAGE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, ImageSubject, Part, Relation, Run,
    Section, Severity, Status, Verdict, bases,
};

pub(super) static CHECK: Check = Check {
    id: "image/pinned-version",
    section: Section::BaseImage,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0004", relation: Relation::Same },
            Equivalent {
                tool: "docksec",
                rule: "compose-latest-or-untagged-image",
                relation: Relation::Same,
            },
            Equivalent {
                tool: "dclint",
                rule: "service-image-require-explicit-tag",
                relation: Relation::Narrower,
            },
            Equivalent { tool: "checkov", rule: "CKV_K8S_14", relation: Relation::Same },
            Equivalent { tool: "trivy", rule: "KSV-0013", relation: Relation::Same },
            Equivalent { tool: "kube-linter", rule: "latest-tag", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "583053b7", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP031", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "K8S034", relation: Relation::Same },
            Equivalent { tool: "hadolint", rule: "DL3006", relation: Relation::Narrower },
            Equivalent { tool: "hadolint", rule: "DL3007", relation: Relation::Narrower },
            Equivalent { tool: "checkov", rule: "CKV_DOCKER_7", relation: Relation::Narrower },
            Equivalent { tool: "trivy", rule: "DS-0001", relation: Relation::Narrower },
            Equivalent {
                tool: "kics",
                rule: "image_version_not_explicit",
                relation: Relation::Narrower,
            },
            Equivalent {
                tool: "semgrep",
                rule: "missing-image-version",
                relation: Relation::Narrower,
            },
            Equivalent {
                tool: "semgrep",
                rule: "avoid-latest-version",
                relation: Relation::Narrower,
            },
            Equivalent { tool: "dockle", rule: "DKL-DI-0006", relation: Relation::Narrower },
        ],
    }],
    when: &[&STARTS_FROM_AN_IMAGE],
    source: include_str!("pinned_version.rs"),
    run: Run::EveryImage(run, of_container),
    fix: Some(super::explicit_major::fix),
};

const WORDS: Words = Words {
    pass: "every base image says which version it is",
    partial: "what ships starts from a version, what builds it does not",
    fail: "write a version or a digest",
    unknown: "the version of a base image depends on a variable: give it a default",
    strict: false,
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    judge(cx, image, &WORDS, &|stage| standing(image.image, stage))
}

fn of_container(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    bases::of_container(cx, container, &WORDS, &|named| match version(named) {
        Ok(says) => Standing::Good(says.into()),
        Err(says) => Standing::Bad(says.into()),
    })
}

fn standing(image: &Image, stage: &Stage) -> Option<Standing> {
    if matches!(stage.base, Base::Scratch | Base::Stage(_)) {
        return None;
    }
    let Some(named) = named(image, stage) else {
        return Some(Standing::Open(Why::Dynamic, "depends on a variable".into()));
    };
    Some(match version(&named) {
        Ok(_) if named.argument => {
            Standing::Partly("a base image's version comes from an argument".into())
        }
        Ok(says) => Standing::Good(says.into()),
        Err(says) => Standing::Bad(says.into()),
    })
}

/// How a base says its version, or what it says instead.
fn version(named: &Named) -> Result<&'static str, String> {
    let name = &named.name;
    match &named.tag {
        _ if named.digest => Ok("pinned to a digest"),
        None => Err(format!("`{name}` has no tag")),
        Some(tag) if starts_with_version(tag) || is_release(name, tag) || is_exact(name, tag) => {
            Ok("names its version")
        }
        Some(tag) if MOVING.contains(&first(tag)) => Err(format!("`{name}:{tag}` moves")),
        Some(tag) => Err(format!("`{name}:{tag}` names no version")),
    }
}

/// Tags that their owners move from one major version to the next.
pub(crate) const MOVING: [&str; 12] = [
    "latest", "lts", "current", "stable", "edge", "mainline", "main", "master", "dev", "nightly",
    "rolling", "next",
];

/// Code names of Debian's and Ubuntu's releases.
const RELEASES: [&str; 14] = [
    "bionic", "bookworm", "bullseye", "buster", "focal", "forky", "jammy", "noble", "plucky",
    "questing", "resolute", "stretch", "trixie", "xenial",
];

/// Whether a tag names a release by its code name: in an image of the distribution itself only.
pub(crate) fn is_release(name: &str, tag: &str) -> bool {
    matches!(name, "debian" | "ubuntu" | "buildpack-deps") && RELEASES.contains(&first(tag))
}

pub(crate) fn first(tag: &str) -> &str {
    tag.split(['-', '.', '_']).next().unwrap_or(tag)
}
