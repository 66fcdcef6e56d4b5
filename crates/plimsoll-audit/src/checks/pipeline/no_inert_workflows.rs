//! # Every workflow lies where the forge looks
//!
//! GitHub runs what lies in `.github/workflows` of the repository's root, GitLab its `.gitlab-ci.yml`
//! at the root. No workflow lies elsewhere.
//!
//! A workflow in a package's own directory looks like a pipeline, is reviewed and mended like one, and
//! never runs: the tests that it names are run by nobody, the image that it pushes is pushed by nobody.
//!
//! Move it to the root, with `working-directory:` and `paths:` for its package, or delete it. Templates
//! and examples that are meant to be copied belong into a directory that says so.
//!
//! ## Fails
//!
//! `backend/.github/workflows/ci.yml`:
//! ```yaml
//! on: push # <- never runs
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: pytest -m postgres
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push # <- lies where the forge looks
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: pytest -m postgres
//! ```
//! `examples/.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs: {}
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No pipeline.
//! ```
//!
//! ## See also
//!
//! - `pipeline/covers-service`

use plimsoll_model::pipeline::{Forge, Runs};
use plimsoll_model::purpose::Purpose;

use crate::conditions::HAS_PIPELINES;
use crate::{Check, Cx, Domain, Effort, Evidence, Part, Run, Section, Severity, Status, Verdict};

pub(super) static CHECK: Check = Check {
    id: "pipeline/no-inert-workflows",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_PIPELINES],
    source: include_str!("no_inert_workflows.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let ours = cx.delivery.pipelines.iter().filter(|pipeline| {
        pipeline.forge != Forge::GitHubAction
            && Purpose::of_path(cx.path(pipeline.file)).is_production()
    });
    let (mut dead, mut live) = (Vec::new(), Vec::new());
    for pipeline in ours {
        let place = cx.start_of(pipeline.file);
        match &pipeline.runs {
            Runs::No(why) => dead.push(Evidence::missing_in(place, format!("never runs: {why}"))),
            _ => live.push(Evidence::context(place, "lies where the forge looks")),
        }
    }
    let (mut dead, mut live) = (dead.into_iter(), live.into_iter());
    match (dead.next(), live.next()) {
        (Some(first), _) => {
            let message = "a workflow lies where the forge does not look: move or delete it";
            Verdict::fail(message, first).and_all(dead.take(100))
        }
        (None, Some(first)) => {
            Verdict::pass("every workflow lies where the forge looks", first).and_all(live.take(20))
        }
        (None, None) => Verdict::pass(
            "every workflow lies where the forge looks",
            Evidence::missing_file(".github/workflows", "there is none"),
        ),
    }
}
