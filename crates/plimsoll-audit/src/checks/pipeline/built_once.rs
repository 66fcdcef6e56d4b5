//! # An image is built once for a commit
//!
//! No two jobs that the same change starts build the same image (Dockerfile, target, platforms). A
//! `docker compose up` of a service with `build:` builds it, too, when the image is not there.
//!
//! The image that was scanned is then not the image that was tested, nor the one that is pushed: each
//! build takes the base image and packages of its minute. And every build is paid for again.
//!
//! Build in one job, push under the commit's name or hand it on (`docker save`, an artifact,
//! `docker load`), and let the others pull it. Where the build arguments differ, make the setting one of
//! run time first. Jobs whose conditions exclude each other are not compared.
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api: { build: ., image: "api:ci" }
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker compose build api # <- the only job
//!       - run: docker save api:ci -o api.tar
//!       - uses: actions/upload-artifact@v4
//!         with: { name: api, path: api.tar }
//!   smoke:
//!     needs: scan
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/download-artifact@v4
//!       - run: docker load -i api.tar
//!       - run: docker compose up -d --wait api
//! ```
//! `.github/workflows/release.yml`:
//! ```yaml
//! on: { release: { types: [published] } }
//! jobs:
//!   push:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker build -t registry.example/api:1 . && docker push registry.example/api:1
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api: { build: ., image: "api:ci", depends_on: [db] }
//!   db: { image: "postgres:17" }
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   scan:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker compose build api
//!       - run: trivy image api:ci
//!   smoke:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker compose config
//!       - run: docker compose up -d --wait api # <- builds `api` again
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

use std::collections::BTreeMap;

use plimsoll_model::pipeline::{Pipeline, Trigger};
use plimsoll_source::Span;

use crate::ci_builds::{self, CiBuild};
use crate::conditions::PIPELINES_BUILD_IMAGES;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/built-once",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "sc-build-once",
            relation: Relation::Same,
        }],
    }],
    when: &[&PIPELINES_BUILD_IMAGES],
    source: include_str!("built_once.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let builds = ci_builds::all(cx);
    let mut again: BTreeMap<Span, Vec<(String, String)>> = BTreeMap::new();
    for (at, build) in builds.iter().enumerate() {
        let before = builds.iter().take(at).find(|other| {
            other.key == build.key && other.job.span != build.job.span && together(other, build)
        });
        if let Some(before) = before {
            let differ = before.args != build.args && !build.args.is_empty();
            let note = if differ { "; compare the build arguments" } else { "" };
            let as_before = format!("again, as `{}` did{note}", clip(&before.job.id));
            again.entry(build.span).or_default().push((clip(&build.name), as_before));
        }
    }
    let bad = again.into_iter().filter_map(|(span, names)| {
        let (first, as_before) = names.first()?;
        let more = match names.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Some(Evidence::contradicts(span, format!("builds `{first}`{more} {as_before}")))
    });
    let bad = bad.collect();
    let wrong = "an image is built by several jobs: build it once and hand it on";
    let right = "an image is built once for a commit";
    let shown = builds.iter().map(|b| Evidence::shows(b.span, "the only job that builds it"));
    workflows::judged(cx, bad, Verdict::partial, wrong, right, shown)
}

/// Whether one change starts both.
fn together(one: &CiBuild<'_>, other: &CiBuild<'_>) -> bool {
    let about_event = |build: &CiBuild<'_>| {
        let condition = build.job.condition.as_ref().map_or("", |(text, _)| text);
        ["event_name", "github.ref", "CI_PIPELINE_SOURCE", "CI_COMMIT", "inputs."]
            .iter()
            .any(|word| condition.contains(word))
    };
    // Two choices by event or branch may well exclude each other.
    let by_hand = one.job.by_hand.is_some() || other.job.by_hand.is_some();
    if by_hand || about_event(one) && about_event(other) {
        return false;
    }
    let same_file = one.pipeline.file == other.pipeline.file;
    same_file || one.pipeline.triggers.iter().any(|a| meets(a, other.pipeline))
}

fn meets(trigger: &Trigger, pipeline: &Pipeline) -> bool {
    const BY_HAND: [&str; 3] = ["workflow_dispatch", "workflow_call", "schedule"];
    let shared = |a: &[String], b: &[String]| {
        a.is_empty() || b.is_empty() || a.iter().any(|name| b.contains(name) || name.contains('*'))
    };
    pipeline.triggers.iter().any(|other| {
        let branches = |t: &Trigger| t.tags.is_empty() || !t.branches.is_empty();
        let tags = |t: &Trigger| t.branches.is_empty() || !t.tags.is_empty();
        other.event == trigger.event
            && !BY_HAND.contains(&&*other.event)
            && ((branches(trigger)
                && branches(other)
                && shared(&trigger.branches, &other.branches))
                || (tags(trigger)
                    && tags(other)
                    && shared(&trigger.tags, &other.tags)
                    && !trigger.tags.is_empty()))
    })
}
