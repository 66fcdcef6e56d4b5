//! # Jobs wait for jobs that exist
//!
//! Every job that `needs` names is in the workflow, no jobs wait for each other, and a job reads `needs.x` only of
//! jobs that it waits for.
//!
//! GitHub refuses a workflow that waits for nobody; and `needs.x.outputs.y` of a job that is not waited for is an
//! empty text, so that a condition on it is never true, or a tag has no version.
//!
//! Correct the name, or add the job to `needs`.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make
//!   deploy:
//!     needs: biuld # <- `build` is
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./deploy.sh ${{ needs.build.outputs.tag }} # <- does not wait for `build`
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make
//!   deploy:
//!     needs: build
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./deploy.sh ${{ needs.build.outputs.tag }}
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make
//!   test:
//!     needs: [build]
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//!   deploy:
//!     needs: [Build, test]
//!     if: always() && !contains(needs.*.result, 'failure')
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./deploy.sh
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use plimsoll_model::pipeline::FaultKind;

use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/job-dependencies-valid",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
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
            Equivalent { tool: "catalogue", rule: "syn-needs", relation: Relation::Same },
            Equivalent { tool: "actionlint", rule: "job-needs", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("job_dependencies_valid.rs"),
    run: Run::Repository(|cx| {
        workflows::faulty(
            cx,
            FaultKind::Need,
            "a job waits for none, for itself, or reads one that it does not wait for: mend `needs`",
            "jobs wait for jobs that exist",
        )
    }),
    fix: None,
};
