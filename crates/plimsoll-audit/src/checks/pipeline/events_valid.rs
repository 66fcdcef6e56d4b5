//! # Workflows are started by events that exist
//!
//! Every event of a workflow is one of GitHub's, with types and filters that it has; a schedule has the five fields
//! of cron.
//!
//! An event that GitHub does not know starts nothing: `pull-request`, a filter by `branches` on `issues`, a sixth
//! field. The workflow is there, green by never having run.
//!
//! Correct the name; the documentation of events lists them with their types and filters.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   pull-request: # <- `pull_request` is
//!   issues:
//!     types: [open] # <- no type of `issues`
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! Filters and times:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   issues:
//!     branches: [main] # <- has no filter
//!   schedule:
//!     - cron: "0 25 * * *" # <- is no time
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   pull_request:
//!   issues:
//!     types: [opened]
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! Or:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   issues:
//!   schedule:
//!     - cron: "0 23 * * *"
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   push: { branches: [main], tags: ["v*"], paths: ["src/**"] }
//!   workflow_run: { workflows: [CI], types: [completed], branches: [main] }
//!   repository_dispatch: { types: [anything] }
//!   schedule: [{ cron: "*/15 0-6,12 * JAN-MAR MON" }]
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
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
    Check, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, mending,
    workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/events-valid",
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
            Equivalent { tool: "catalogue", rule: "syn-events", relation: Relation::Same },
            Equivalent { tool: "actionlint", rule: "events", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("events_valid.rs"),
    run: Run::Repository(|cx| {
        workflows::faulty(
            cx,
            FaultKind::Event,
            "nothing starts the workflow as it is meant: correct the event, its types or filters",
            "workflows are started by events that exist",
        )
    }),
    fix: Some(|cx, finding| mending::workflows::corrected(cx, finding, FaultKind::Event)),
};
