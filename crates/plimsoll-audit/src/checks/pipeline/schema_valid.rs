//! # Workflows hold what GitHub knows
//!
//! Every key of a workflow is one that GitHub knows in its place and has the form that it wants; every job has a
//! machine and steps, or calls a workflow; every step runs something or uses an action, not both.
//!
//! GitHub refuses the whole file for one wrong key, and says so in a place where nobody looks: the checks of a pull
//! request are simply not there.
//!
//! Correct it, and run actionlint or this tool on every change of a workflow. The fix, for review,
//! writes the key that is near where there is one; for the rest it says what GitHub would say.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     step: # <- `steps` is
//!       - run: make test
//! ```
//!
//! A job without a machine, a step of two kinds:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   lint: # <- no `runs-on`
//!     steps:
//!       - run: make lint
//!         uses: actions/checkout@v5
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
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! name: Release
//! on:
//!   workflow_call:
//!     inputs: { version: { type: string } }
//! concurrency: release
//! defaults: { run: { shell: bash } }
//! jobs:
//!   build:
//!     strategy: { matrix: { os: [ubuntu-latest], include: [{ os: macos-15 }] }, fail-fast: false }
//!     runs-on: { group: large, labels: [linux] }
//!     container: { image: "node:22", options: --cpus 1 }
//!     services: { db: { image: "postgres:17", ports: ["5432:5432"] } }
//!     outputs: { tag: "${{ steps.tag.outputs.tag }}" }
//!     steps:
//!       - id: tag
//!         run: echo tag=1 >> "$GITHUB_OUTPUT"
//!   call:
//!     needs: build
//!     uses: ./.github/workflows/other.yml
//!     with: { tag: "1" }
//!     secrets: inherit
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use plimsoll_model::pipeline::{Fault, FaultKind};

use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run, Safety, Section,
    Severity, Status, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/schema-valid",
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
            Equivalent { tool: "catalogue", rule: "syn-schema", relation: Relation::Same },
            Equivalent { tool: "actionlint", rule: "syntax-check", relation: Relation::Wider },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("schema_valid.rs"),
    run: Run::Repository(|cx| {
        workflows::faulty(
            cx,
            FaultKind::Schema,
            "the forge refuses the workflow: correct the key, or its form",
            "workflows hold what the forge knows",
        )
    }),
    fix: Some(fix),
};

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let near = mending::workflows::corrected(cx, finding, FaultKind::Schema);
    near.or_else(|| {
        let file = mending::against(finding).next()?.file;
        let path = cx.path(file);
        let faults = workflows::github(cx).flat_map(|pipeline| &pipeline.faults);
        let own = faults.filter(|fault| fault.kind == FaultKind::Schema && fault.span.file == file);
        let line = |fault: &Fault| format!("# {}\n", fault.says);
        let text = format!("{}actionlint {path}\n", own.map(line).collect::<String>());
        let does = "correct what GitHub refuses, and ask actionlint whether that is all";
        let snippet = mending::snippet(path, "sh", text);
        Some(Fix::of_edits(does, Safety::Sketch, snippet, Vec::new()))
    })
}
