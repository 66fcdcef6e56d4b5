//! # Inputs are not expanded into code
//!
//! No input of a workflow that is called or started by hand, and none of an action, stands as `${{ inputs.x }}`
//! in a `run:` script or in code given to an action, unless it can only be a choice, a number or a switch.
//!
//! Whoever calls it trusts that an input is a value. One with a quote or a `$(…)` in it is a command; an
//! action that is used elsewhere gets its inputs from anywhere, from a pull request's title too.
//!
//! Give it to the script as a variable: `env: { NAME: "${{ inputs.name }}" }` and `"$NAME"`. What strangers are
//! known to write into it is asked by `pipeline/no-untrusted-expressions`. PARTIAL: whoever starts a workflow by
//! hand may push to the repository anyway.
//!
//! ## Passes
//!
//! `.github/workflows/deploy.yml`:
//! ```yaml
//! on:
//!   workflow_dispatch:
//!     inputs:
//!       target: { type: string }
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./deploy.sh "$TARGET"
//!         env: { TARGET: "${{ inputs.target }}" }
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/deploy.yml`:
//! ```yaml
//! on:
//!   workflow_dispatch:
//!     inputs:
//!       target: { type: string }
//!       level: { type: choice, options: [a, b] }
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./deploy.sh ${{ inputs.target }} ${{ inputs.level }} # <- `inputs.target`
//! ```
//!
//! An action's:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: ./.github/actions/greet
//!         with: { name: ci }
//! ```
//! `.github/actions/greet/action.yml`:
//! ```yaml
//! inputs:
//!   name: { description: whom }
//! runs:
//!   using: composite
//!   steps:
//!     - shell: bash
//!       run: echo "hello ${{ inputs.name }}" # <- `inputs.name`
//! ```
//!
//! A repository that is an action:
//!
//! `action.yml`:
//! ```yaml
//! name: greet
//! description: greets
//! inputs:
//!   name: { description: whom }
//! runs:
//!   using: composite
//!   steps:
//!     - shell: bash
//!       run: echo "hello ${{ inputs.name }}" # <- `inputs.name`
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use plimsoll_model::pipeline::Forge;

use crate::conditions::HAS_WORKFLOWS_OR_ACTIONS;
use crate::evidence::clip;
use crate::taint::{self, Writer};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Section,
    Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/inputs-not-expanded",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "workflow",
            equivalents: &[
                Equivalent {
                    tool: "catalogue",
                    rule: "inj-dispatch-input",
                    relation: Relation::Same,
                },
                Equivalent {
                    tool: "zizmor",
                    rule: "template-injection",
                    relation: Relation::Wider,
                },
                Equivalent {
                    tool: "octoscan",
                    rule: "expression-injection",
                    relation: Relation::Wider,
                },
            ],
        },
        Part {
            name: "action",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "inj-composite", relation: Relation::Same },
                Equivalent {
                    tool: "zizmor",
                    rule: "template-injection",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "poutine", rule: "injection", relation: Relation::Wider },
                Equivalent {
                    tool: "octoscan",
                    rule: "expression-injection",
                    relation: Relation::Wider,
                },
            ],
        },
    ],
    when: &[&HAS_WORKFLOWS_OR_ACTIONS],
    source: include_str!("inputs_not_expanded.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut bad = Vec::new();
    for pipeline in workflows::live(cx) {
        let part = if pipeline.forge == Forge::GitHubAction { "action" } else { "workflow" };
        for placed in pipeline.expressions.iter().filter(|placed| taint::is_code(pipeline, placed))
        {
            if let Some((Writer::Caller, what)) = taint::writer(cx, pipeline, placed) {
                let says = format!("`{}` is expanded into code", clip(&what));
                let evidence = Evidence::contradicts(placed.span, says).part(part);
                bad.push(evidence);
            }
        }
    }
    let (wrong, right) = (
        "an input is expanded into code: pass it in `env:` and quote it",
        "inputs are not expanded into code",
    );
    workflows::judged(cx, bad, Verdict::partial, wrong, right, None)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::workflows::as_variables(cx, finding)
}
