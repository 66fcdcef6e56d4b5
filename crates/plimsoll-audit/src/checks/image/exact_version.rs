//! # Base images are named by an exact version
//!
//! Every image from outside that a build starts from is named by its whole version
//! (`node:20.19.0-alpine`, `postgres:17.2`, a dated tag such as `debian:bookworm-20251117`) or by a
//! digest. The version of the distribution inside (`-alpine3.22`) may be left out.
//!
//! `node:20` is another program every few weeks: two builds of one commit differ, and a defect that
//! came with a patch release cannot be found in the history.
//!
//! Write the version that is built with today, all of its numbers, better with the digest behind it;
//! let a bot raise it.
//!
//! A tag that names a major or minor version only is PARTIAL; one that moves (`latest`, `lts`), names
//! no version, or none at all fails, in a builder as well: the catalogue's rule is about every FROM.
//! Debian, Ubuntu, PostgreSQL and the like have versions of two numbers. The default of an argument
//! counts: that is what a plain build takes.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:lts-alpine # <- names no version
//! CMD ["node", "main.js"]
//! ```
//!
//! In a builder, without a tag:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang AS builder # <- has no tag
//! RUN go build -o /app .
//!
//! FROM alpine:3.22.1 # <- all of its version
//! COPY --from=builder /app /app
//! CMD ["/app"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20.19.0-alpine # <- all of its version
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! ARG JAVA=21.0.5_11
//! FROM eclipse-temurin:${JAVA}-jdk AS builder # <- all of its version
//! RUN ./mvnw package
//!
//! FROM debian:bookworm-20251117-slim # <- all of its version
//! COPY --from=builder /app/app.jar /app.jar
//! CMD ["/app.jar"]
//! ```
//!
//! By a digest:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20@sha256:0f5a1c3e6b7d9a2c4e8f1b3d5a7c9e0f2b4d6a8c1e3f5b7d9a0c2e4f6b8d1a3c # <- digest
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine3.22 # <- only part of its version
//! CMD ["node", "main.js"]
//! ```
//!
//! A release's name is its major version:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM debian:bookworm-slim # <- only part of its version
//! CMD ["/app"]
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
//! - `image/pinned-version`: whether any version is named.
//! - `image/pinned-digest`: a version's tag moves, too.

use plimsoll_model::Why;
use plimsoll_model::image::{Base, Image, Stage};

use super::pinned_version::{MOVING, first, is_release};
use crate::bases::{Named, Standing, Words, judge, named, starts_with_version};
use crate::conditions::STARTS_FROM_AN_IMAGE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Finding, Fix, ImageSubject, Part, Run, Safety,
    Section, Severity, Snippet, Status, Verdict, bases,
};

pub(super) static CHECK: Check = Check {
    id: "image/exact-version",
    section: Section::BaseImage,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &["image/pinned-version"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&STARTS_FROM_AN_IMAGE],
    source: include_str!("exact_version.rs"),
    run: Run::EveryImage(run, of_container),
    fix: Some(fix),
};

const WORDS: Words = Words {
    pass: "every base image is named by an exact version",
    partial: "",
    fail: "write all of its version",
    unknown: "the version of a base image depends on a variable: give it a default",
    strict: true,
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    judge(cx, image, &WORDS, &|stage| standing(image.image, stage))
}

fn of_container(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    bases::of_container(cx, container, &WORDS, &of_named)
}

fn standing(image: &Image, stage: &Stage) -> Option<Standing> {
    if matches!(stage.base, Base::Scratch | Base::Stage(_)) {
        return None;
    }
    let Some(named) = named(image, stage) else {
        return Some(Standing::Open(Why::Dynamic, "depends on a variable".into()));
    };
    Some(of_named(&named))
}

fn of_named(Named { name, tag, digest, .. }: &Named) -> Standing {
    match tag {
        _ if *digest => Standing::Good("pinned to a digest".into()),
        None => Standing::Bad(format!("`{name}` has no tag").into()),
        Some(tag) if is_exact(name, tag) => Standing::Good("names all of its version".into()),
        Some(tag) if MOVING.contains(&first(tag)) => {
            Standing::Bad(format!("`{name}:{tag}` moves and names no version").into())
        }
        Some(tag) if starts_with_version(tag) || is_release(name, tag) => {
            Standing::Partly(format!("`{name}:{tag}` names only part of its version").into())
        }
        Some(tag) => Standing::Bad(format!("`{name}:{tag}` names no version").into()),
    }
}

/// Whether a tag names one release: all numbers of its version, a date, or a commit.
pub(crate) fn is_exact(name: &str, tag: &str) -> bool {
    /// Whose versions have two numbers.
    const TWO: [&str; 6] = ["almalinux", "debian", "postgis", "postgres", "rockylinux", "ubuntu"];
    let bare = tag.strip_prefix('v').unwrap_or(tag);
    let version = bare.split(['-', '_', '+']).next().unwrap_or(bare);
    let is_number = |part: &&str| part.starts_with(|c: char| c.is_ascii_digit());
    let numbers = version.split('.').take_while(is_number).count();
    // `8u412`: the update of a major version.
    let update = version.split_once('u').is_some_and(|(major, update)| {
        [major, update].iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    });
    numbers >= 3 || update || numbers == 2 && TWO.contains(&name) || is_dated(tag) || is_commit(tag)
}

/// `bookworm-20251117`, `RELEASE.2025-10-15T17-29-55Z`.
fn is_dated(tag: &str) -> bool {
    let digits: Vec<&str> =
        tag.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).collect();
    let year = |text: &str| text.len() == 4 && (text.starts_with("19") || text.starts_with("20"));
    digits.iter().any(|run| run.len() >= 8 && run.get(..4).is_some_and(year))
        || digits.windows(3).any(|d| year(d[0]) && d[1].len() == 2 && d[2].len() == 2)
}

/// `sha-1a2b3c4`, a commit's whole name.
fn is_commit(tag: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    tag.split(['-', '_', '.']).any(|part| {
        (7..=64).contains(&part.len())
            && hex(part)
            && part.bytes().any(|b| b.is_ascii_digit())
            && part.bytes().any(|b| b.is_ascii_alphabetic())
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let (image, stage) = service.images.iter().find_map(|&id| {
        let image = &cx.delivery[id];
        let mut stages = image.stages_built().into_iter().filter_map(|at| image.stages.get(at));
        let bad = stages.find(|s| !matches!(standing(image, s), None | Some(Standing::Good(_))))?;
        Some((image, bad))
    })?;
    let Base::External(reference) = &stage.base else { return None };
    Some(Fix {
        does: "look up which version the tag names today, and write all of it".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet {
            path: image.path.clone(),
            language: "sh",
            text: format!("docker buildx imagetools inspect {}\n", reference.written),
        }),
        patch: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_versions() {
        for (name, tag) in [
            ("node", "20.19.0"),
            ("node", "v20.19.0-alpine3.22"),
            ("openjdk", "8u412-jre"),
            ("postgres", "17.2-alpine"),
            ("ubuntu", "24.04"),
            ("ubuntu", "noble-20251013"),
            ("minio", "RELEASE.2025-10-15T17-29-55Z"),
            ("app", "sha-1a2b3c4"),
        ] {
            assert!(is_exact(name, tag), "{name}:{tag}");
        }
        for (name, tag) in [
            ("node", "20.19"),
            ("node", "20-alpine3.22.1"),
            ("alpine", "3.22"),
            ("debian", "bookworm-slim"),
            ("timescaledb", "latest-pg17"),
        ] {
            assert!(!is_exact(name, tag), "{name}:{tag}");
        }
    }
}
