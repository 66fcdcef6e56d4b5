//! # What is deployed is one version of an image
//!
//! Every deployment names an image by a version or a digest, one that stays what it is: not `latest`,
//! no tag at all, nor a `build:` alone, which makes a new image on the machine where it runs.
//!
//! What `latest` was yesterday nobody knows today. There is nothing to go back to when a release is
//! bad, and two machines of one deployment run two programs.
//!
//! Build once, push under the commit's name, and deploy that: `image: registry/app:${GIT_SHA}`, better
//! with its digest.
//!
//! A tag that names only a major version is PARTIAL. Images of others that are deployed beside the
//! services (databases, proxies) are judged together, for the repository. A `build:` beside another
//! deployment of the service that names an image is for building.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: . # <- built where it runs
//! ```
//!
//! A default that moves:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     image: registry.example/api:${TAG:-latest} # <- moves
//! ```
//!
//! A third party's:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   pool:
//!     image: edoburu/pgbouncer # <- no tag
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     image: registry.example/api:${GIT_SHA} # <- names its version
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `k8s/api.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: { name: api }
//! spec:
//!   template:
//!     spec:
//!       containers:
//!         - name: api
//!           image: registry.example/api:1.4.2 # <- names its version
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: registry.example/api:1.4.2 # <- names its version
//!     build: .
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17-alpine # <- only a major version
//!   proxy:
//!     image: traefik:v3.3.4 # <- names its version
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     image: registry.example/api:${TAG} # <- variable
//! ```

use std::sync::Arc;

use plimsoll_model::container::{Container, ContainerKind};
use plimsoll_model::purpose::PurposeKind;
use plimsoll_model::reference::ImageRef;
use plimsoll_model::{Fact, Why};
use plimsoll_source::Span;

use crate::bases::{names_version, starts_with_version};
use crate::checks::image::{MOVING, first, is_exact, is_release};
use crate::conditions::DEPLOYS_IMAGES;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Outcome, Part, Run, Safety, Section,
    ServiceSubject, Severity, Snippet, Status, Verdict, datastores, startup,
};

pub(super) static CHECK: Check = Check {
    id: "release/immutable-images",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&DEPLOYS_IMAGES],
    source: include_str!("immutable_images.rs"),
    run: Run::Both(of_service, of_no_service),
    fix: Some(fix),
};

fn of_service(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let mut containers: Vec<&Container> =
        service.containers.iter().map(|&id| &cx.delivery[id]).collect();
    // What only tests run is no deployment.
    containers.retain(|container| container.purpose.kind != PurposeKind::Test);
    if containers.iter().any(|container| !stands_for_a_build(cx, container)) {
        containers.retain(|container| !stands_for_a_build(cx, container));
    }
    let judged = containers.into_iter().map(|container| {
        let verdict = judge(cx, container);
        // What a kustomization or chart writes over a manifest's name is not read.
        let open = container.image.is_absent()
            || matches!(container.kind, ContainerKind::Kubernetes { .. });
        let verdict = match verdict.outcome() {
            Outcome::Fail if open => startup::unless_elsewhere(cx, service, verdict),
            _ => verdict,
        };
        (Arc::clone(&container.label), verdict)
    });
    crate::driver::join(judged.collect(), DEPLOYS_IMAGES.name, service.place)
}

fn of_no_service(cx: &Cx<'_>) -> Verdict {
    let mut containers = cx.containers_of_no_service();
    containers.retain(|container| !is_built_otherwise(cx, container));
    let Some(place) = containers.first().map(|container| container.span) else {
        let nothing = Evidence::missing_file(".", "no descriptor");
        return Verdict::not_applicable("does not apply: nothing here is deployed", nothing);
    };
    let judged = containers.iter().map(|c| (Arc::clone(&c.label), judge(cx, c))).collect();
    crate::driver::join(judged, DEPLOYS_IMAGES.name, place)
}

/// Whether a container says what is built, not which version is deployed: no image in compose, or
/// in a manifest a bare name, which a tool replaces when it deploys.
fn stands_for_a_build(cx: &Cx<'_>, container: &Container) -> bool {
    let Fact::Known { value, .. } = &container.image else { return container.image.is_absent() };
    let manifest = matches!(container.kind, ContainerKind::Kubernetes { .. });
    let bare = !value.contains(['/', ':', '@']);
    manifest && bare && container.image_id.is_some() || is_built_otherwise(cx, container)
}

/// Whether the tool that builds it, without a Dockerfile, writes its tag when it deploys.
fn is_built_otherwise(cx: &Cx<'_>, container: &Container) -> bool {
    let named = container.named.as_ref();
    named.is_some_and(|reference| cx.delivery.built.is_built_otherwise(reference))
}

fn judge(cx: &Cx<'_>, container: &Container) -> Verdict {
    let at = container.image.span().unwrap_or(container.span);
    match (&container.image, &container.build) {
        (Fact::Known { value, .. }, _) => match ImageRef::parse(value) {
            Some(reference) => of_reference(&reference, at),
            None => unknown(Why::Unparsed, at),
        },
        (Fact::Absent, Some(build)) => Verdict::fail(
            "it is built where it runs: name and push a version, so that there is a way back",
            Evidence::contradicts(build.key, "built where it runs, as no version"),
        ),
        (Fact::Unknown(Why::Dynamic, _), _) => {
            let written = datastores::written(cx, container).unwrap_or_default();
            let path = written.rfind("}/").or_else(|| written.rfind('/')).map_or(0, |at| at + 1);
            let tag = written.get(path..).and_then(|name| name.split_once(':'));
            match tag {
                Some((_, tag)) if tag.contains("@sha256:") || names_version(tag) => Verdict::pass(
                    "what is deployed is one version of an image",
                    Evidence::shows(at, "whoever deploys names its version"),
                ),
                // A registry that varies, and a tag that does not.
                Some((name, tag)) if !tag.contains('$') => {
                    let name = name.rsplit('/').next().unwrap_or(name);
                    match ImageRef::parse(&format!("{name}:{tag}")) {
                        Some(reference) => of_reference(&reference, at),
                        None => unknown(Why::Dynamic, at),
                    }
                }
                _ => unknown(Why::Dynamic, at),
            }
        }
        (Fact::Unknown(why, _), _) => unknown(*why, at),
        (Fact::Absent, None) => unknown(Why::Unparsed, at),
    }
}

fn unknown(why: Why, at: Span) -> Verdict {
    let message = "which version is deployed depends on a variable: call it by the commit";
    Verdict::unknown(why, message, Evidence::context(at, "a variable, or what is not read"))
}

fn of_reference(reference: &ImageRef, at: Span) -> Verdict {
    let name = reference.name();
    let fail = |says: String| {
        Verdict::fail(
            "what is deployed moves: name a version that stays what it is",
            Evidence::contradicts(at, says),
        )
    };
    let pass = |says: &'static str| {
        let message = "what is deployed is one version of an image";
        Verdict::pass(message, Evidence::shows(at, says))
    };
    let Some(tag) = &reference.tag else {
        return match reference.digest {
            Some(_) => pass("pinned to a digest"),
            None => fail(format!("`{name}` has no tag: it moves")),
        };
    };
    let numbers = tag.split(['-', '_', '+']).next().map_or(0, |v| v.split('.').count());
    // A build's number is no major version.
    let counted = tag.len() >= 5 && tag.bytes().all(|b| b.is_ascii_digit());
    let digits = tag.contains(|c: char| c.is_ascii_digit());
    if reference.digest.is_some() {
        pass("pinned to a digest")
    } else if is_exact(name, tag) || counted {
        pass("names its version")
    } else if MOVING.contains(&first(tag).trim_end_matches(|c: char| c.is_ascii_digit()))
        || !digits && !is_release(name, tag)
    {
        fail(format!("`{name}:{tag}` moves"))
    } else if starts_with_version(tag) && numbers > 1 {
        pass("names its version")
    } else {
        Verdict::partial(
            "only a major version is named: write all of it",
            Evidence::contradicts(at, format!("`{name}:{tag}` names only a major version")),
        )
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let container = &cx.delivery[*service.containers.first()?];
    let known = container.image.known().and_then(|name| ImageRef::parse(name));
    let name = match &known {
        Some(reference) if reference.registry != "docker.io" => {
            format!("{}/{}", reference.registry, reference.repository)
        }
        Some(reference) => reference.repository.trim_start_matches("library/").to_owned(),
        None => format!("${{REGISTRY}}/{}", container.name),
    };
    let compose = matches!(container.kind, ContainerKind::Compose { .. });
    let text =
        format!("services:\n  {}:\n    image: {name}:${{GIT_SHA:?set it}}\n", container.name);
    Some(Fix {
        does: "push the image under the commit's name, and deploy that".into(),
        safety: Safety::Review,
        snippet: compose.then(|| Snippet {
            path: cx.path(container.file).to_owned(),
            language: "yaml",
            text,
        }),
        patch: None,
    })
}
