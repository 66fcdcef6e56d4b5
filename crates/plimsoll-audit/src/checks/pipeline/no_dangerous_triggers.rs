//! # No workflow is started by strangers with the repository's rights
//!
//! No workflow is started by `pull_request_target` or `workflow_run`.
//!
//! Both run with the repository's secrets and with rights to write, for what a stranger proposed. That is
//! safe only as long as nothing in them touches the proposal, which the next change may forget.
//!
//! Use `pull_request`. Where a label or a comment has to be written, keep the workflow to that, with
//! `permissions:` for it alone. What such a workflow must not do is asked by `pipeline/no-untrusted-checkout`
//! and `pipeline/no-untrusted-expressions`; this is shown under the first.
//!
//! ## Passes
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: [push, pull_request]
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on:
//!   pull_request_target: # <- strangers start it
//!     types: [opened]
//! jobs:
//!   label:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/labeler@v5
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
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/no-dangerous-triggers",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: Some("pipeline/no-untrusted-checkout"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "trig-dangerous", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "dangerous-triggers", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "check_for_pr", relation: Relation::Wider },
            Equivalent {
                tool: "octoscan",
                rule: "debug-external-trigger",
                relation: Relation::Wider,
            },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("no_dangerous_triggers.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let triggers = workflows::github(cx)
        .filter_map(|pipeline| workflows::on(pipeline, &["pull_request_target", "workflow_run"]));
    let bad = triggers.map(|trigger| {
        let says =
            format!("strangers start it by `{}`, with the repository's rights", trigger.event);
        Evidence::contradicts(trigger.span, says)
    });
    let bad = bad.collect();
    let wrong = "strangers start a workflow with the repository's rights: use `pull_request`";
    let right = "no workflow is started by strangers with the repository's rights";
    workflows::judged(cx, bad, Verdict::partial, wrong, right, None)
}
