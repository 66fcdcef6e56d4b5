//! # Steps run in shells that exist
//!
//! Every `shell` is one that runners have (`bash`, `sh`, `pwsh`, `powershell`, `cmd`, `python`), or a command with
//! `{0}` where the script goes.
//!
//! GitHub refuses the step when it comes to it: after the build, in the middle of a release.
//!
//! Correct the name, or write `fish {0}`.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//!         shell: bsh # <- `bash` is
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
//!     steps:
//!       - run: make test
//!         shell: bash
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//!         shell: fish {0}
//!       - run: make lint
//!         shell: ${{ matrix.shell }}
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
    id: "pipeline/shells-known",
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
            Equivalent { tool: "catalogue", rule: "syn-shell-name", relation: Relation::Same },
            Equivalent { tool: "actionlint", rule: "shell-name", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("shells_known.rs"),
    run: Run::Repository(|cx| {
        workflows::faulty(
            cx,
            FaultKind::Shell,
            "a shell is none that runners have: correct it, or write a command with `{0}`",
            "steps run in shells that exist",
        )
    }),
    fix: Some(|cx, finding| mending::workflows::corrected(cx, finding, FaultKind::Shell)),
};
