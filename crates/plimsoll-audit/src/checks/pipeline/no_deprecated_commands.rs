//! # Scripts speak to the runner as it listens today
//!
//! No script prints `::set-output`, `::save-state`, `::set-env` or `::add-path`.
//!
//! Whatever a step printed could set outputs and variables, a log of a test too. Two of the commands no longer work,
//! the others are to follow.
//!
//! Write to the files: `echo "tag=1" >> "$GITHUB_OUTPUT"`, `$GITHUB_STATE`, `$GITHUB_ENV`, `$GITHUB_PATH`.
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
//!       - id: tag
//!         run: |
//!           make
//!           echo "::set-output name=tag::1.2.0" # <- out of use
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
//!       - id: tag
//!         run: |
//!           make
//!           echo "tag=1.2.0" >> "$GITHUB_OUTPUT"
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
//!       - run: echo "::notice::set-output was here"
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
    id: "pipeline/no-deprecated-commands",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "cmd-deprecated", relation: Relation::Same },
            Equivalent {
                tool: "actionlint",
                rule: "deprecated-commands",
                relation: Relation::Same,
            },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("no_deprecated_commands.rs"),
    run: Run::Repository(|cx| {
        workflows::faulty(
            cx,
            FaultKind::Command,
            "a script prints a command that is out of use: write to the file instead",
            "scripts write to the files of the runner",
        )
    }),
    fix: Some(mending::workflows::through_files),
};
