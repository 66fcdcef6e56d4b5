//! # Patterns of branches, tags and paths can match
//!
//! Every pattern under `branches`, `tags` and `paths` is one that GitHub reads, and that some name or path can
//! match.
//!
//! A pattern that matches nothing filters everything: `./src/**` never fires, for paths begin at the root.
//!
//! Take `./` away, close brackets, and write no blanks into names of branches.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   push:
//!     paths: ["./src/**"] # <- paths begin at the root
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! A blank:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   push:
//!     branches: ["release v*"] # <- no name of a branch
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
//!   push:
//!     paths: ["src/**"]
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
//!   push:
//!     branches: ["release-v*"]
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
//!   push:
//!     branches: ["releases/**", "!releases/**-alpha", "v[0-9]+.x"]
//!     paths: ["**/*.jsx?", "!docs/**"]
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
    id: "pipeline/globs-valid",
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
            Equivalent { tool: "catalogue", rule: "syn-glob", relation: Relation::Same },
            Equivalent { tool: "actionlint", rule: "glob", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("globs_valid.rs"),
    run: Run::Repository(|cx| {
        workflows::faulty(
            cx,
            FaultKind::Glob,
            "a pattern matches nothing, or is none: correct it",
            "patterns of branches, tags and paths can match",
        )
    }),
    fix: Some(|cx, finding| mending::workflows::corrected(cx, finding, FaultKind::Glob)),
};
