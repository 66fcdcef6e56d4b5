//! # No workflow with the repository's rights runs a stranger's code
//!
//! A workflow that strangers start and that has the repository's secrets and rights (`pull_request_target`,
//! `workflow_run`, `issue_comment` …) does not check out what they propose, by `ref:` or by git.
//!
//! Everything that builds or tests a tree runs its code: a package's scripts, a Makefile, a linter's
//! configuration. A pull request that adds one line to `package.json` has the token and all secrets.
//!
//! Build and test proposals in `pull_request`, without secrets; hand the result as an artifact to a second
//! workflow, and treat it there as data. Where the checkout is followed by something that runs code it FAILs;
//! where nothing of it is run, it is PARTIAL.
//!
//! ## Fails
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: pull_request_target
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!         with:
//!           ref: ${{ github.event.pull_request.head.sha }} # <- a stranger's code
//!       - run: npm ci # <- runs it
//! ```
//!
//! By git:
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: issue_comment
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!       - run: |
//!           gh pr checkout ${{ github.event.issue.number }} # <- a stranger's code
//!           make test # <- runs it
//! ```
//!
//! By what calls it, through outputs and the environment:
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: pull_request_target
//! jobs:
//!   info:
//!     runs-on: ubuntu-latest
//!     outputs:
//!       sha: ${{ steps.head.outputs.sha }}
//!     steps:
//!       - id: head
//!         run: echo "sha=$SHA" >> "$GITHUB_OUTPUT"
//!         env: { SHA: "${{ github.event.pull_request.head.sha }}" }
//!   test:
//!     needs: info
//!     uses: ./.github/workflows/test.yml
//!     with:
//!       ref: ${{ needs.info.outputs.sha }}
//!     secrets: inherit
//! ```
//! `.github/workflows/test.yml`:
//! ```yaml
//! on:
//!   workflow_call:
//!     inputs:
//!       ref: { type: string }
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     env: { REF: "${{ inputs.ref }}" }
//!     steps:
//!       - uses: actions/checkout@v4
//!         with: { ref: "${{ env.REF }}" } # <- a stranger's code
//!       - run: npm ci # <- runs it
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: pull_request
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!         with:
//!           ref: ${{ github.event.pull_request.head.sha }}
//!       - run: npm ci
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/label.yml`:
//! ```yaml
//! on: pull_request_target
//! jobs:
//!   label:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!       - uses: actions/labeler@v5
//!   test:
//!     if: github.event.pull_request.head.repo.full_name == github.repository
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!         with: { ref: "${{ github.head_ref }}" }
//!       - run: npm ci
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: pull_request_target
//! jobs:
//!   size:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!         with:
//!           ref: refs/pull/${{ github.event.number }}/merge # <- a stranger's code
//!       - run: wc -l README.md
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use std::collections::BTreeSet;

use plimsoll_model::mend::replace;
use plimsoll_model::pipeline::{JobStep, Pipeline, RoleKind};
use plimsoll_source::{FileId, Span, TextRange};

use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, taint, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/no-untrusted-checkout",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "checkout",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "ppe-checkout", relation: Relation::Same },
                Equivalent {
                    tool: "octoscan",
                    rule: "dangerous-checkout",
                    relation: Relation::Same,
                },
                Equivalent {
                    tool: "scorecard",
                    rule: "Dangerous-Workflow",
                    relation: Relation::Wider,
                },
                Equivalent {
                    tool: "semgrep",
                    rule: "pull-request-target-code-checkout",
                    relation: Relation::Narrower,
                },
                Equivalent {
                    tool: "semgrep",
                    rule: "workflow-run-target-code-checkout",
                    relation: Relation::Narrower,
                },
                Equivalent {
                    tool: "kics",
                    rule: "checkout_of_untrusted_code_in_privileged_context",
                    relation: Relation::Same,
                },
            ],
        },
        Part {
            name: "run",
            equivalents: &[
                Equivalent { tool: "catalogue", rule: "ppe-exec", relation: Relation::Same },
                Equivalent {
                    tool: "catalogue",
                    rule: "ppe-local-action",
                    relation: Relation::Narrower,
                },
                Equivalent {
                    tool: "poutine",
                    rule: "untrusted_checkout_exec",
                    relation: Relation::Same,
                },
            ],
        },
    ],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("no_untrusted_checkout.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut idle) = (Vec::new(), Vec::new());
    for pipeline in workflows::github(cx).filter(|p| workflows::has_rights(cx, p)) {
        for job in pipeline.jobs.iter().filter(|job| !workflows::is_own(job)) {
            let mut fetched: Option<Evidence> = None;
            let mut ran = None;
            for step in &job.steps {
                if fetched.is_some() {
                    ran = ran.or_else(|| runs(step));
                } else if let Some(at) = fetches(cx, pipeline, step) {
                    let says = "checks out a stranger's code, with secrets at hand";
                    fetched = Some(Evidence::contradicts(at, says).part("checkout"));
                    ran = runs_behind(step, at);
                }
            }
            match (fetched, ran) {
                (Some(fetched), Some(at)) => {
                    let ran = Evidence::contradicts(at, "runs it").part("run");
                    // An environment may wait for someone's approval.
                    match job.environment.is_some() {
                        true => bad.extend([fetched, ran].map(|e| e.severity(Severity::High))),
                        false => bad.extend([fetched, ran]),
                    }
                }
                (Some(fetched), None) => idle.push(fetched.severity(Severity::High)),
                _ => {}
            }
        }
    }
    let right = "no workflow with the repository's rights runs a stranger's code";
    if bad.is_empty() {
        let wrong = "a workflow with the repository's rights checks out a stranger's code";
        return workflows::judged(cx, idle, Verdict::partial, wrong, right, None);
    }
    bad.extend(idle);
    let wrong =
        "a workflow runs a stranger's code with the repository's rights: use `pull_request`";
    workflows::none(cx, bad, wrong, right)
}

/// Lets workflows that are privileged by nothing but `pull_request_target` run as proposals do.
fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    const EVENT: &str = "pull_request_target";
    let files: BTreeSet<_> = mending::against(finding).map(|at| at.file).collect();
    let edits = workflows::github(cx).filter(|p| files.contains(&p.file)).filter_map(|pipeline| {
        let mut privileged = pipeline.triggers.iter().filter(|t| workflows::is_privileged(t));
        let trigger = privileged.next().filter(|trigger| trigger.event == EVENT)?;
        let also = pipeline.triggers.iter().any(|trigger| trigger.event == "pull_request");
        // Conditions that ask for the event would never hold again.
        let whole = cx.start_of(pipeline.file).file;
        let bytes = cx.delivery.tree.read(whole).ok()?;
        let once = memchr::memmem::find_iter(&bytes, EVENT).count() == 1;
        if privileged.next().is_some() || also || !once {
            return None;
        }
        let start = trigger.span.range.start;
        let end = start + u32::try_from(EVENT.len()).ok()?;
        let at = Span::new(trigger.span.file, TextRange::new(start, end));
        (cx.text_of(at)? == EVENT).then(|| replace(at, "pull_request"))
    });
    let edits: Vec<_> = edits.collect();
    let does = "start it by `pull_request`: for proposals of forks it has no secrets then, and may only \
                read; what needs them (labels, comments, deployments) goes into a workflow of its own";
    let fix = Fix::of_edits(does, Safety::Review, None, edits);
    fix.patch.is_some().then_some(fix)
}

/// Where a step fetches what a stranger proposes.
fn fetches(cx: &Cx<'_>, pipeline: &Pipeline, step: &JobStep) -> Option<Span> {
    if workflows::action(step).as_deref() == Some("actions/checkout") {
        let mut given = pipeline.expressions.iter().filter(|placed| {
            placed.step == Some(step.span) && matches!(&*placed.key, "ref" | "repository")
        });
        let proposed = given.find(|placed| taint::is_proposed(cx, pipeline, placed));
        return proposed.map(|placed| placed.span);
    }
    let by_git = step.commands.iter().find(|command| {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        let names = || words.iter().any(|word| word.contains("pull/"));
        match words.as_slice() {
            ["gh", "pr", "checkout", ..] | ["hub", "pr", "checkout", ..] => true,
            ["git", "fetch" | "checkout" | "pull", ..] => names(),
            _ => false,
        }
    });
    by_git.map(|command| command.span)
}

/// What in a step runs code of the tree.
pub(super) fn runs(step: &JobStep) -> Option<Span> {
    let local = step.uses.as_ref().filter(|(uses, _)| uses.starts_with("./"));
    local.map(|(_, span)| *span).or_else(|| running(step, step.span.file, 0))
}

/// The same, as far as it stands behind another command of the step.
fn runs_behind(step: &JobStep, other: Span) -> Option<Span> {
    let by_run = step.run.is_some();
    by_run.then(|| running(step, other.file, other.range.end))?
}

/// What in a step runs code of the tree, of that which stands in a file from an offset on.
fn running(step: &JobStep, file: FileId, from: u32) -> Option<Span> {
    use RoleKind as K;
    const TOOLS: [&str; 32] = [
        "npm",
        "npx",
        "yarn",
        "pnpm",
        "bun",
        "node",
        "make",
        "cmake",
        "python",
        "python3",
        "pip",
        "pip3",
        "poetry",
        "uv",
        "tox",
        "pytest",
        "go",
        "cargo",
        "mvn",
        "mvnw",
        "gradle",
        "gradlew",
        "bundle",
        "rake",
        "ruby",
        "composer",
        "php",
        "dotnet",
        "docker",
        "bash",
        "sh",
        "pre-commit",
    ];
    let is_behind = |at: Span| at.file != file || at.range.start >= from;
    let kinds = |kind: K| {
        matches!(kind, K::Install | K::Build | K::BuildImage | K::Test | K::Lint | K::Typecheck)
    };
    let mut roles = step.roles.iter().filter(|role| is_behind(role.span));
    let role = roles.find(|role| kinds(role.kind)).map(|role| role.span);
    let mut commands = step.commands.iter().filter(|command| is_behind(command.span));
    let command = commands.find(|command| {
        let word = command.words.first().map_or("", |word| &**word);
        word.starts_with("./") || TOOLS.contains(&word.rsplit('/').next().unwrap_or(word))
    });
    command.map(|command| command.span).or(role)
}
