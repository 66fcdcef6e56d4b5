//! # What is deployed is what the pipeline pushes
//!
//! Each image of compose that a pipeline pushes is deployed by a tag that it pushes, or by its digest.
//!
//! A tag that nothing pushes any more is whatever was pushed by hand, or long ago: it is not what was tested, and
//! nothing replaces it when a fault is mended.
//!
//! Deploy the tag that the pipeline writes. UNKNOWN: the pipeline computes its tags. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `.github/workflows/image.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker build -t registry.example/team/app:main .
//!       - run: docker push registry.example/team/app:main
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: registry.example/team/app:stable # <- nothing pushes `stable`
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: registry.example/team/app:main # <- is pushed
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/image.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: docker/build-push-action@v6
//!         with: { context: ., push: true, tags: "registry.example/team/app:main" }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: registry.example/team/app:main # <- is pushed
//! ```
//!
//! ## Cannot tell
//!
//! `.github/workflows/image.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   image:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: docker/build-push-action@v6
//!         with:
//!           context: .
//!           push: true
//!           tags: registry.example/team/app:${{ github.sha }}
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: registry.example/team/app:1.2.3 # <- the pipeline computes its tags
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db: { image: "postgres:17" }
//! ```

use crate::answers::Answers;
use crate::conditions::DEPLOYS_PUSHED_IMAGES;
use crate::evidence::clip;
use crate::pushed;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
    Why,
};

pub(super) static CHECK: Check = Check {
    id: "release/deploys-what-ci-builds",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["SLSA Build L1", "CC8.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP078", relation: Relation::Same }],
    }],
    when: &[&DEPLOYS_PUSHED_IMAGES],
    source: include_str!("deploys_what_ci_builds.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for deployed in pushed::deployed(cx) {
        let Some(tag) = &deployed.tag else {
            answers.good(deployed.at, "is one digest");
            continue;
        };
        let named = deployed.pushed.tags.iter().find(|(pushed, _)| pushed == tag);
        match (named, deployed.pushed.computed) {
            (Some((_, at)), _) => {
                answers.good(deployed.at, "is pushed");
                answers.context(*at, "pushes it");
            }
            (None, Some(_)) => {
                answers.unsure(Why::Dynamic, deployed.at, "the pipeline computes its tags");
            }
            (None, None) => {
                let says = format!("nothing pushes `{}` of `{}`", clip(tag), clip(&deployed.name));
                answers.bad(deployed.at, says);
            }
        }
    }
    answers.joined(
        "a tag is deployed that no pipeline pushes: deploy the one that it writes",
        "what is deployed is what the pipeline pushes",
        "which tags the pipeline pushes is computed there",
    )
}
