//! # Base images are pinned to a digest
//!
//! Every image that a build starts from is named with its digest, so that the same Dockerfile
//! gives the same image tomorrow.
//!
//! A tag is a name that its owner can move: what was scanned and tested is not what is built next
//! week, and whoever takes over the tag is in every image built from it.
//!
//! Look the digest up with `docker buildx imagetools inspect`, write it behind the tag in every
//! FROM, and let Renovate or Dependabot move it. The fix, for review, takes the digest that the repository has for
//! the same tag elsewhere, or with `--resolve` the one that the registry gives that day, and invents none.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder # <- `node:20-alpine` has no digest
//! RUN npm ci
//!
//! FROM node:20-alpine # <- `node:20-alpine` has no digest
//! COPY --from=builder /app/dist /app/dist
//! CMD ["node", "/app/dist/main.js"]
//! ```
//!
//! A placeholder is no digest:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine@sha256:abc123 # <- 64 hexadecimal digits
//! CMD ["node", "/app/dist/main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine@sha256:0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c1e3f5b7d9a0c2e4f6b8d1a3c AS builder # <- pinned
//! RUN npm ci
//!
//! FROM node:20-alpine@sha256:0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c1e3f5b7d9a0c2e4f6b8d1a3c # <- pinned
//! COPY --from=builder /app/dist /app/dist
//! CMD ["node", "/app/dist/main.js"]
//! ```
//!
//! ## Passes
//!
//! An argument whose default is pinned, and a stage that starts from another:
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG BASE=node:20-alpine@sha256:0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c1e3f5b7d9a0c2e4f6b8d1a3c
//! FROM ${BASE} AS base # <- pinned
//! RUN npm ci
//!
//! FROM base
//! CMD ["node", "/app/dist/main.js"]
//! ```
//!
//! ## Partial
//!
//! Only what ships is pinned:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder # <- `golang:1.26` has no digest
//! RUN go build -o /app ./cmd/app
//!
//! FROM alpine:3.22@sha256:0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c1e3f5b7d9a0c2e4f6b8d1a3c # <- pinned
//! COPY --from=builder /app /app
//! CMD ["/app"]
//! ```
//!
//! Nothing but the builder's image could be pinned:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder # <- `golang:1.26` has no digest
//! RUN go build -o /app ./cmd/app
//!
//! FROM scratch
//! COPY --from=builder /app /app
//! CMD ["/app"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG BASE
//! FROM ${BASE} # <- depends on a variable
//! CMD ["/app"]
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
//! - `image/pinned-version`: the tag itself says which version it is.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::Why;
use plimsoll_model::image::{Base, Stage};
use plimsoll_model::mend::{after, dockerfile};
use plimsoll_model::reference::ImageRef;
use plimsoll_source::{Edit, Span};

use crate::conditions::STARTS_FROM_AN_IMAGE;
use crate::mending::resolved;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject,
    Part, Relation, Run, Safety, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "image/pinned-digest",
    section: Section::BaseImage,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent {
                tool: "semgrep",
                rule: "dockerfile-source-not-pinned",
                relation: Relation::Same,
            },
            Equivalent { tool: "compose-lint", rule: "CL-0019", relation: Relation::Same },
            Equivalent { tool: "checkov", rule: "CKV_K8S_43", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "7c81d34c", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP032", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "K8S035", relation: Relation::Same },
        ],
    }],
    when: &[&STARTS_FROM_AN_IMAGE],
    source: include_str!("pinned_digest.rs"),
    run: Run::EveryImage(run, of_container),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let built = image.stages_built().into_iter().filter_map(|index| image.stages.get(index));
    let judged: Vec<(&Stage, Pin)> = built.filter_map(|s| Some((s, pin(&s.base)?))).collect();
    let ships = image.target.and_then(|target| image.root_base(target)).map(|stage| stage.from);
    let find = |wanted: &dyn Fn(&Stage, &Pin) -> bool| judged.iter().find(|(s, p)| wanted(s, p));

    // What decides, worst first: then its evidence, then that of the others.
    let decides = find(&|stage, pin| matches!(pin, Pin::Loose(_)) && Some(stage.from) == ships)
        .or_else(|| find(&|_, pin| *pin == Pin::Dynamic))
        .or_else(|| find(&|_, pin| matches!(pin, Pin::Loose(_))))
        .or_else(|| judged.first());
    let Some(decides @ (stage, pin)) =
        decides.filter(|(_, p)| !image.broken || matches!(p, Pin::Loose(_)))
    else {
        let place = cx.start_of(image.file);
        return Verdict::unknown(
            Why::Unparsed,
            "the Dockerfile does not parse",
            Evidence::context(place, "some of its FROMs may not be read"),
        );
    };
    let verdict = match pin {
        Pin::Loose(says) if Some(stage.from) == ships => {
            Verdict::fail(format!("{says}: pin it"), evidence(decides))
        }
        Pin::Loose(_) => {
            Verdict::partial("what ships is pinned, what builds it is not", evidence(decides))
        }
        Pin::Dynamic => {
            let message = "a base image depends on a variable that nothing sets: give it a default";
            Verdict::unknown(Why::Dynamic, message, evidence(decides))
        }
        Pin::Pinned => Verdict::pass("every base image is pinned to a digest", evidence(decides)),
    };
    verdict.and_all(judged.iter().filter(|j| j.0.from != stage.from).map(evidence))
}

fn of_container(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let at = container.image.span().unwrap_or(container.span);
    let reference = container.image.known().and_then(|name| ImageRef::parse(name));
    let Some(reference) = reference else {
        let message = "an image depends on a variable that nothing sets: give it a default";
        return Verdict::unknown(
            Why::Dynamic,
            message,
            Evidence::context(at, "depends on a variable"),
        );
    };
    match loose(&reference) {
        None => Verdict::pass("every image is pinned to a digest", Evidence::shows(at, "pinned")),
        Some(says) => Verdict::fail(format!("{says}: pin it"), Evidence::contradicts(at, says)),
    }
}

/// How firmly a base is named.
#[derive(Debug, PartialEq, Eq)]
enum Pin {
    Pinned,
    /// What is wrong with it.
    Loose(String),
    Dynamic,
}

/// `None` for what needs no digest: nothing at all, and other stages.
fn pin(base: &Base) -> Option<Pin> {
    match base {
        Base::Scratch | Base::Stage(_) => None,
        Base::Dynamic(_) => Some(Pin::Dynamic),
        Base::External(image) => Some(loose(image).map_or(Pin::Pinned, Pin::Loose)),
    }
}

/// What keeps a reference from naming one image; `None` for one that does.
fn loose(image: &ImageRef) -> Option<String> {
    match &image.digest {
        _ if image.has_digest() => None,
        None => Some(format!("`{image}` has no digest")),
        Some(_) => Some(format!("the digest of `{image}` is not 64 hexadecimal digits")),
    }
}

fn evidence((stage, pin): &(&Stage, Pin)) -> Evidence {
    match pin {
        Pin::Pinned => Evidence::shows(stage.base_span, "pinned to a digest"),
        Pin::Loose(says) => Evidence::contradicts(stage.base_span, says.clone()),
        Pin::Dynamic => Evidence::context(stage.base_span, "depends on a variable"),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let known = digests(cx);
    let mut day = None;
    let mut digest = |image: &ImageRef| {
        if image.digest.is_some() {
            return None;
        }
        known.get(&name(image)).cloned().or_else(|| {
            let digest = resolved::digest(cx, image)?;
            day = resolved::day(cx);
            Some(digest)
        })
    };
    let places: Vec<Span> = mending::against(finding).collect();
    let stages = cx.delivery.images.iter().filter(|image| dockerfile::is_editable(image));
    let stages = stages.flat_map(|image| &image.stages);
    let mut edits: BTreeSet<Edit> = stages
        .filter(|stage| places.contains(&stage.base_span))
        .filter_map(|stage| {
            let Base::External(image) = &stage.base else { return None };
            let plain = cx.text_of(stage.base_span)? == image.written;
            Some(after(stage.base_span, format!("@{}", plain.then(|| digest(image))??)))
        })
        .collect();
    let mut open = None;
    edits.extend(mending::in_places(cx, finding, |document, at| {
        let scalar = document.scalar_at(at)?;
        let image = ImageRef::parse(scalar.text()?)?;
        document.append(scalar, &format!("@{}", digest(&image)?))
    }));
    for at in places.iter().filter(|_| edits.is_empty()) {
        open = open.or(cx.text_of(*at).and_then(|text| {
            let image = ImageRef::parse(text.trim_matches(['"', '\'']))?;
            Some((at.file, image.written))
        }));
    }
    let snippet = open.and_then(|(file, image)| {
        let look = "docker buildx imagetools inspect --format '{{.Manifest.Digest}}'";
        mending::snippet(cx.path(file), "sh", format!("{look} {image}\n"))
    });
    let does = match day {
        Some(day) => format!("pin it to the digest that its registry gave {day}"),
        None if edits.is_empty() => "pin it to the digest that its registry gives".to_owned(),
        None => "pin it to the digest that the repository has for it elsewhere".to_owned(),
    };
    Some(Fix::of_edits(does, Safety::Review, snippet, edits.into_iter().collect()))
}

/// An image without its digest.
fn name(image: &ImageRef) -> (String, String, Option<String>) {
    (image.registry.clone(), image.repository.clone(), image.tag.clone())
}

/// The digests that the tree has, by what they are digests of; none where it has several.
fn digests(cx: &Cx<'_>) -> BTreeMap<(String, String, Option<String>), String> {
    let stages = cx.delivery.images.iter().flat_map(|image| &image.stages);
    let bases = stages.filter_map(|stage| match &stage.base {
        Base::External(image) => Some(image.clone()),
        _ => None,
    });
    let named = cx.delivery.containers.iter().filter_map(|c| ImageRef::parse(c.image.known()?));
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for image in bases.chain(named).filter(|image| image.has_digest() && image.tag.is_some()) {
        found.entry(name(&image)).or_default().extend(image.digest);
    }
    found
        .into_iter()
        .filter(|(_, digests)| digests.len() == 1)
        .filter_map(|(image, digests)| Some((image, digests.into_iter().next()?)))
        .collect()
}
