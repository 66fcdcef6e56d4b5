//! # Jobs and steps have names of their own
//!
//! Names of jobs and ids of steps are letters, digits, `-` and `_`, and no two steps of a job have the same id.
//!
//! GitHub refuses the file otherwise; and of two steps with one id nobody knows whose outputs are meant.
//!
//! Give each its own name.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   unit tests: # <- is no name of a job
//!     runs-on: ubuntu-latest
//!     steps:
//!       - { id: build, run: make }
//!       - { id: Build, run: make test } # <- is another step's, too
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   unit-tests:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - { id: build, run: make }
//!       - { id: test, run: make test }
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   a:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - { id: build, run: make }
//!   b:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - { id: build, run: make }
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
    id: "pipeline/ids-unique",
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
            Equivalent { tool: "catalogue", rule: "syn-id", relation: Relation::Same },
            Equivalent { tool: "actionlint", rule: "id", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("ids_unique.rs"),
    run: Run::Repository(|cx| {
        workflows::faulty(
            cx,
            FaultKind::Id,
            "a job or step has a name that is none, or another's: give it its own",
            "jobs and steps have names of their own",
        )
    }),
    fix: None,
};
