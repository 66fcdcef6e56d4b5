//! # Base images come from publishers that are trusted
//!
//! Every image that a build starts from is a Docker Official Image, a verified publisher's, built
//! in this repository (or by its owner), or comes from a registry that `plimsoll.toml` allows.
//!
//! Whoever publishes the base has code in every image built on it: anyone can publish under a name
//! that looks right, and abandon or sell it later.
//!
//! Start from the official image, or say in `plimsoll.toml` which registries are yours.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder # <- an official image
//! RUN npm ci
//!
//! FROM randomuser/node-fast:20 # <- `randomuser/node-fast:20` has no known publisher
//! COPY --from=builder /app /app
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! The final stage's base is that of the stage that it starts from:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM ghcr.io/someone/base:1 AS base # <- has no known publisher
//!
//! FROM base
//! CMD ["/app"]
//! ```
//!
//! What a build passes wins over the default:
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG BASE=node:20-alpine
//! FROM ${BASE} # <- has no known publisher
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build:
//!       context: .
//!       args:
//!         BASE: someone/node:20
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder # <- an official image
//! RUN npm ci
//!
//! FROM docker.io/library/node:20-alpine # <- an official image
//! COPY --from=builder /app /app
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM mcr.microsoft.com/dotnet/sdk:8.0 AS build # <- a verified publisher's
//! RUN dotnet publish -o /out
//!
//! FROM gcr.io/distroless/cc-debian12:nonroot # <- a verified publisher's
//! COPY --from=build /out /app
//! CMD ["/app/service"]
//! ```
//!
//! Nothing from outside:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM scratch # <- starts from nothing
//! COPY app /app
//! CMD ["/app"]
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM someone/toolbox:3 AS builder # <- has no known publisher
//! RUN make
//!
//! FROM alpine:3.22 # <- an official image
//! COPY --from=builder /app /app
//! CMD ["/app"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG REGISTRY
//! FROM ${REGISTRY}/node:20 # <- depends on a variable
//! CMD ["node", "main.js"]
//! ```
//!
//! ## See also
//!
//! - `image/pinned-digest`: even a trusted publisher's tag moves.

use plimsoll_model::Why;
use plimsoll_model::base;
use plimsoll_model::image::{Base, Image, Stage};
use plimsoll_model::reference::ImageRef;

use crate::bases::{Standing, Words, judge};
use crate::conditions::HAS_IMAGE;
use crate::{
    Check, Cx, Domain, Effort, Finding, Fix, ImageSubject, Part, Run, Safety, Section, Severity,
    Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "image/official-base",
    section: Section::BaseImage,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 4.2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE],
    source: include_str!("official_base.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    pass: "every base image comes from a trusted publisher",
    partial: "what ships starts from a trusted image, what builds it does not",
    fail: "use an official image, or allow this one",
    unknown: "who publishes a base image depends on a variable: give it a default",
    strict: false,
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    judge(cx, image, &WORDS, &|stage: &Stage| match &stage.base {
        Base::Scratch | Base::Stage(_) => None,
        Base::Dynamic(_) => Some(Standing::Open(Why::Dynamic, "depends on a variable".into())),
        Base::External(reference) => Some(match trust(cx, image.image, reference) {
            Some(why) => Standing::Good(why.into()),
            None => Standing::Bad(format!("`{reference}` has no known publisher").into()),
        }),
    })
}

/// Why an image is trusted.
fn trust(cx: &Cx<'_>, image: &Image, reference: &ImageRef) -> Option<&'static str> {
    if reference.is_official() {
        Some("an official image")
    } else if base::is_verified(reference) {
        Some("a verified publisher's")
    } else if cx.policy.at(&image.path).trusts(reference) {
        Some("allowed in `plimsoll.toml`")
    } else if cx.delivery.built.is_ours(reference) {
        Some("built here")
    } else {
        None
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let images = service.images.iter().map(|&id| &cx.delivery[id]);
    let mut strange: Vec<String> = images
        .flat_map(|image| image.stages.iter().map(move |stage| (image, stage)))
        .filter_map(|(image, stage)| match &stage.base {
            Base::External(reference) if trust(cx, image, reference).is_none() => {
                let repository = &reference.repository;
                let owner = repository.split('/').next().unwrap_or(repository);
                Some(format!("\"{}/{owner}\"", reference.registry))
            }
            _ => None,
        })
        .collect();
    strange.sort();
    strange.dedup();
    (!strange.is_empty()).then(|| Fix {
        does: "start from an official image or, if these publishers are yours, allow them".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet {
            path: "plimsoll.toml".to_owned(),
            language: "toml",
            text: format!("registries = [{}]\n", strange.join(", ")),
        }),
        patch: None,
    })
}
