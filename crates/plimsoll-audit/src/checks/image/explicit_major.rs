//! # Base images' tags begin with a major version
//!
//! The tag of every image that a build starts from begins with its major version: `node:20-alpine`,
//! `postgres:17`, `v3`.
//!
//! A reader of the Dockerfile, a scanner and an updater all take the version from the tag; a digest
//! alone says nothing to any of them, and a code name little.
//!
//! Write the version in front of the variant, and keep the digest behind it.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:lts-alpine # <- `node:lts-alpine` begins with no version
//! CMD ["node", "main.js"]
//! ```
//!
//! What builds counts as what ships:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:alpine AS builder # <- begins with no version
//! RUN go build -o /app .
//!
//! FROM alpine:3.22 # <- begins with its version
//! COPY --from=builder /app /app
//! CMD ["/app"]
//! ```
//!
//! A digest is pinned, and says no version:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node@sha256:0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c1e3f5b7d9a0c2e4f6b8d1a3c # <- has no tag
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- begins with its version
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG GO=1.26
//! FROM golang:${GO}-alpine AS builder # <- begins with its version
//! RUN go build -o /app .
//!
//! FROM ghcr.io/acme/base:v3@sha256:0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c1e3f5b7d9a0c2e4f6b8d1a3c # <- begins with its version
//! COPY --from=builder /app /app
//! CMD ["/app"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG NODE
//! FROM node:${NODE}-alpine # <- depends on a variable
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
//! - `image/pinned-version`: what may stand instead.

use plimsoll_model::Why;
use plimsoll_model::image::{Base, Stage};

use crate::bases::{Standing, Words, judge, named, starts_with_version};
use crate::conditions::STARTS_FROM_AN_IMAGE;
use crate::{
    Check, Cx, Domain, Effort, Finding, Fix, ImageSubject, Part, Run, Safety, Section, Severity,
    Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "image/explicit-major",
    section: Section::BaseImage,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: Some("image/pinned-version"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&STARTS_FROM_AN_IMAGE],
    source: include_str!("explicit_major.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    pass: "every base image's tag begins with a version",
    partial: "",
    fail: "write it first",
    unknown: "a base image's tag depends on a variable: give it a default",
    strict: true,
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    judge(cx, image, &WORDS, &|stage: &Stage| {
        if matches!(stage.base, Base::Scratch | Base::Stage(_)) {
            return None;
        }
        Some(match named(image.image, stage) {
            None => Standing::Open(Why::Dynamic, "depends on a variable".into()),
            Some(named) => match &named.tag {
                Some(tag) if starts_with_version(tag) => {
                    Standing::Good("begins with its version".into())
                }
                Some(tag) => {
                    Standing::Bad(format!("`{}:{tag}` begins with no version", named.name).into())
                }
                None => Standing::Bad(format!("`{}` has no tag", named.name).into()),
            },
        })
    })
}

/// What a tag is today, only its registry knows; for Node, `engines` may say what it should be.
pub(super) fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let images = service.images.iter().map(|&id| &cx.delivery[id]);
    let loose = |stage: &&Stage| matches!(&stage.base, Base::External(r) if !r.tag.as_deref().is_some_and(starts_with_version));
    let (image, stage) =
        images.filter_map(|image| Some((image, image.stages.iter().find(loose)?))).next()?;
    let Base::External(reference) = &stage.base else { return None };
    let engine = service.package.and_then(|id| cx.delivery[id].engine.as_ref());
    let major: Option<String> = engine
        .map(|(range, _)| range.chars().skip_while(|c| !c.is_ascii_digit()))
        .map(|rest| rest.take_while(char::is_ascii_digit).collect());
    let (path, language, text) = match major.filter(|m| !m.is_empty() && reference.name() == "node")
    {
        Some(major) => (image.path.clone(), "dockerfile", format!("FROM node:{major}-alpine\n")),
        None => {
            let inspect = format!("docker buildx imagetools inspect {reference}\n");
            ("shell".to_owned(), "sh", format!("# Which version it is today:\n{inspect}"))
        }
    };
    Some(Fix {
        does: "name the version of the base image in its tag".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet { path, language, text }),
        patch: None,
    })
}
