//! # Called workflows get the secrets that they need, by name
//!
//! No job gives a workflow that it calls all secrets by `secrets: inherit`.
//!
//! The called workflow sees every secret of the repository and the organisation, those of production too,
//! now and whenever one is added; and its own next version may send them anywhere.
//!
//! Name them: `secrets: { TOKEN: "${{ secrets.TOKEN }}" }`. For a workflow of this repository it is PARTIAL.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   call:
//!     uses: example/shared/.github/workflows/build.yml@b6643a29fecd7f34b3597bc6acb0a98b03d33ff8
//!     secrets: inherit # <- every secret
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   call:
//!     uses: example/shared/.github/workflows/build.yml@b6643a29fecd7f34b3597bc6acb0a98b03d33ff8
//!     secrets: { TOKEN: "${{ secrets.TOKEN }}" }
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
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   call:
//!     uses: ./.github/workflows/build.yml
//!     secrets: inherit # <- every secret
//! ```
//! `.github/workflows/build.yml`:
//! ```yaml
//! on: workflow_call
//! jobs: {}
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
    id: "secrets/not-inherited",
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
            Equivalent { tool: "catalogue", rule: "sec-inherit", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "secrets-inherit", relation: Relation::Same },
            Equivalent {
                tool: "kics",
                rule: "secrets_inherit_in_reusable_workflow",
                relation: Relation::Same,
            },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("not_inherited.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut own) = (Vec::new(), Vec::new());
    for job in workflows::github(cx).flat_map(|pipeline| &pipeline.jobs) {
        let Some(span) = job.inherits_secrets else { continue };
        let evidence = Evidence::contradicts(span, "gives every secret");
        let mut uses = job.steps.iter().filter_map(|step| step.uses.as_ref());
        match uses.any(|(uses, _)| uses.starts_with("./")) {
            true => own.push(evidence.severity(Severity::Low)),
            false => bad.push(evidence),
        }
    }
    let wrong = "a called workflow gets every secret: give it those that it needs, by name";
    let right = "no called workflow gets every secret";
    if bad.is_empty() {
        return workflows::judged(cx, own, Verdict::partial, wrong, right, None);
    }
    bad.extend(own);
    workflows::none(cx, bad, wrong, right)
}
