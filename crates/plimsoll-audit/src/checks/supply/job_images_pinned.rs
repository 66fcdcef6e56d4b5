//! # Images that jobs run in name a version
//!
//! Every image of a job (`container:`, `services:`, GitLab's `image:`) names a version that says more than
//! `latest`, better a digest.
//!
//! A job's image is its compiler, its shell and its test database. With `latest` the pipeline changes under an
//! unchanged commit, and whoever pushes that image gets the job's secrets.
//!
//! Write `postgres:17.2` with its digest. A tag without a digest is fine here; none, or a moving one, is not. The
//! fix, for review, asks the registry with `--resolve` which digest the tag names that day.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     container: node:latest # <- moves
//!     services:
//!       db:
//!         image: postgres # <- no tag
//!     steps:
//!       - run: npm test
//! ```
//!
//! GitLab's:
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   image: ruby # <- no tag
//!   script: rake
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     container: node:22.11.0 # <- names a version
//!     services:
//!       db:
//!         image: postgres:17.2
//!     steps:
//!       - run: npm test
//! ```
//!
//! ## Passes
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   image: ruby:3.3 # <- names a version
//!   script: rake
//! ```
//!
//! ## Cannot tell
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   image: $CI_IMAGE # <- a variable
//!   script: rake
//! ```
//!
//! ## Does not apply
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: npm test
//! ```

use std::collections::BTreeSet;

use plimsoll_model::reference::ImageRef;

use crate::conditions::RUNS_IN_CONTAINERS;
use crate::mending::resolved;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "supply/job-images-pinned",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
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
            Equivalent { tool: "catalogue", rule: "pin-image", relation: Relation::Narrower },
            Equivalent { tool: "zizmor", rule: "unpinned-images", relation: Relation::Narrower },
            Equivalent { tool: "glsec", rule: "GL001", relation: Relation::Narrower },
        ],
    }],
    when: &[&RUNS_IN_CONTAINERS],
    source: include_str!("job_images_pinned.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut good, mut open) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let jobs = workflows::started(cx).flat_map(|pipeline| &pipeline.jobs);
    let images = jobs.flat_map(|job| &job.containers).filter_map(|c| c.image.as_ref());
    for (image, span) in images.filter(|(image, span)| !image.is_empty() && seen.insert(*span)) {
        if image.contains('$') {
            open.push(Evidence::context(*span, "a variable names the image"));
            continue;
        }
        let name = image.rsplit('/').next().unwrap_or(image);
        match name.split_once('@').is_some() {
            true => good.push(Evidence::shows(*span, "pinned to a digest")),
            false => match name.split_once(':') {
                None => bad.push(Evidence::contradicts(*span, "has no tag: it moves")),
                Some((_, "latest" | "stable" | "edge" | "nightly" | "dev" | "main" | "master")) => {
                    bad.push(Evidence::contradicts(*span, "its tag moves"));
                }
                Some(_) => good.push(Evidence::shows(*span, "names a version")),
            },
        }
    }
    let wrong = "a job runs in an image that moves: name its version";
    let right = "the images that jobs run in name a version";
    match (bad.is_empty(), good.is_empty(), open.into_iter().next()) {
        (true, true, Some(open)) => {
            let message = "which version jobs run in depends on a variable";
            Verdict::unknown(crate::Why::Dynamic, message, open)
        }
        _ => workflows::judged(cx, bad, Verdict::fail, wrong, right, good),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let edits = mending::in_places(cx, finding, |document, at| {
        let scalar = document.scalar_at(at)?;
        let image = ImageRef::parse(scalar.text()?)?;
        // No tag is `latest`.
        let written = if image.tag.is_some() { "" } else { ":latest" };
        let tag = image.tag.clone().unwrap_or_else(|| "latest".to_owned());
        let digest = resolved::digest(cx, &ImageRef { tag: Some(tag), ..image })?;
        document.append(scalar, &format!("{written}@{digest}"))
    });
    let open = mending::against(finding).next().filter(|_| edits.is_empty()).and_then(|at| {
        let text = cx.text_of(at)?;
        let image = ImageRef::parse(text.trim_matches(['"', '\'']))?;
        let look = "docker buildx imagetools inspect --format '{{.Manifest.Digest}}'";
        mending::snippet(cx.path(at.file), "sh", format!("{look} {image}\n"))
    });
    let does = match resolved::day(cx) {
        Some(day) if !edits.is_empty() => {
            format!("pin it to the digest that its registry gave {day}")
        }
        _ => "pin it to a version, or to its digest".to_owned(),
    };
    Some(Fix::of_edits(does, Safety::Review, open, edits))
}
