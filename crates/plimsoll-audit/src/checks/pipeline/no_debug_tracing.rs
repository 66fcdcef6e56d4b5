//! # Debug tracing is not switched on in the files
//!
//! No pipeline sets `ACTIONS_STEP_DEBUG`, `ACTIONS_RUNNER_DEBUG`, `CI_DEBUG_TRACE` or `CI_DEBUG_SERVICES`.
//!
//! A trace prints every variable and every command of every run. What the forge does not know to be a secret
//! stands in the log, for all who may read it.
//!
//! Switch it on for one run, where the forge offers that, and not in the file.
//!
//! ## Fails
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! variables:
//!   CI_DEBUG_TRACE: "true" # <- traces
//! test:
//!   script: make test
//! ```
//!
//! ## Fixed
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   script: make test
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
//!     env: { ACTIONS_STEP_DEBUG: false }
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

use crate::conditions::RUNS_PIPELINES;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/no-debug-tracing",
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
            Equivalent { tool: "catalogue", rule: "sec-debug", relation: Relation::Same },
            Equivalent { tool: "poutine", rule: "debug_enabled", relation: Relation::Same },
            Equivalent { tool: "glsec", rule: "GL033", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_PIPELINES],
    source: include_str!("no_debug_tracing.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let names =
        ["ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG", "CI_DEBUG_TRACE", "CI_DEBUG_SERVICES"];
    let places = workflows::variables(cx, &names);
    let bad = places
        .into_iter()
        .map(|(name, span)| Evidence::contradicts(span, format!("`{name}` traces every run")));
    let bad = bad.collect();
    let wrong = "every run is traced: switch it on for one run only";
    workflows::none(cx, bad, wrong, "no pipeline is traced")
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(cx, finding, "trace no run any more", Safety::Safe)
}
