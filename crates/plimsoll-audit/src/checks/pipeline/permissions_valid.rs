//! # Permissions are ones that GitHub knows
//!
//! Every scope under `permissions` is one of GitHub's, and its level is `read`, `write` or `none`.
//!
//! GitHub refuses the file for a scope that it does not know: `pull-request: write` runs nothing.
//!
//! Correct the word.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! permissions:
//!   content: read # <- `contents` is
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! A level:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     permissions: { issues: admin } # <- is no level
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! permissions:
//!   contents: read
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! A level:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     permissions: { issues: write }
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! permissions: read-all
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     permissions: { id-token: write, attestations: write, pull-requests: none }
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
    id: "pipeline/permissions-valid",
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
            Equivalent { tool: "catalogue", rule: "perm-invalid", relation: Relation::Same },
            Equivalent { tool: "actionlint", rule: "permissions", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("permissions_valid.rs"),
    run: Run::Repository(|cx| {
        workflows::faulty(
            cx,
            FaultKind::Permission,
            "a permission is none: correct the scope, or its level",
            "permissions are ones that the forge knows",
        )
    }),
    fix: Some(|cx, finding| mending::workflows::corrected(cx, finding, FaultKind::Permission)),
};
