//! # Workflow commands that scripts can smuggle stay off
//!
//! `ACTIONS_ALLOW_UNSECURE_COMMANDS` is set nowhere.
//!
//! It turns `set-env` and `add-path` on again, which were taken out because anything that a job prints may hold
//! them: the title of an issue in a log sets `LD_PRELOAD` for all later steps.
//!
//! Take it out, and write to `$GITHUB_ENV` and `$GITHUB_PATH`.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     env:
//!       ACTIONS_ALLOW_UNSECURE_COMMANDS: true # <- turns them on
//!     steps:
//!       - run: make
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
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! env: { ACTIONS_ALLOW_UNSECURE_COMMANDS: false }
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/no-insecure-commands",
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
            Equivalent { tool: "catalogue", rule: "iso-commands", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "insecure-commands", relation: Relation::Same },
            Equivalent { tool: "octoscan", rule: "unsecure-commands", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "unsecured_commands", relation: Relation::Same },
            Equivalent { tool: "checkov", rule: "CKV_GHA_1", relation: Relation::Same },
            Equivalent {
                tool: "semgrep",
                rule: "allowed-unsecure-commands",
                relation: Relation::Same,
            },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("no_insecure_commands.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let places = workflows::variables(cx, &["ACTIONS_ALLOW_UNSECURE_COMMANDS"]);
    let bad = places.into_iter().map(|(_, span)| Evidence::contradicts(span, "turns them on"));
    let bad = bad.collect();
    let wrong = "insecure workflow commands are turned on: take the variable out";
    workflows::none(cx, bad, wrong, "insecure workflow commands stay off")
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(
        cx,
        finding,
        "turn them off: what still prints `set-env` or `add-path` stops working",
        Safety::Review,
    )
}
