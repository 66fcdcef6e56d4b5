//! # Expressions are ones that GitHub reads
//!
//! Every `${{ … }}` and every `if:` is an expression of GitHub's grammar, refers to contexts that exist and are
//! known in its place, and to steps of its job that come before it.
//!
//! GitHub refuses the file, or puts an empty text in its place: `if: secrets.TOKEN != ''` is refused, and the
//! output of a step that does not exist is nothing, so that a condition on it is never true.
//!
//! Write texts in single quotes, give secrets to conditions through `env`, and correct names of steps.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     if: github.ref == "refs/heads/main" # <- is no expression
//!     runs-on: ubuntu-latest
//!     steps:
//!       - if: secrets.TOKEN != '' # <- is not known here
//!         run: echo ${{ steps.biuld.outputs.tag }} # <- no step before it
//!       - { id: build, run: "echo ${{ githib.sha }}" } # <- `github` is
//! ```
//!
//! What a matrix, a job or the workflow does not have:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   workflow_dispatch:
//!     inputs: { target: { type: string } }
//! jobs:
//!   build:
//!     strategy: { matrix: { os: [ubuntu-latest] } }
//!     runs-on: ${{ matrix.so }} # <- the matrix has no `so`
//!     name: ${{ always() }} # <- in `if` only
//!     steps:
//!       - run: echo "$TARGET"
//!         env: { TARGET: "${{ inputs.taget }}" } # <- no input is `taget`
//!   deploy:
//!     needs: build
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./deploy.sh ${{ needs.build.outputs.tag }} # <- `build` has no output `tag`
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     if: github.ref == 'refs/heads/main'
//!     runs-on: ubuntu-latest
//!     env: { TOKEN: "${{ secrets.TOKEN }}" }
//!     steps:
//!       - { id: build, run: "echo ${{ github.sha }}" }
//!       - if: env.TOKEN != ''
//!         run: echo ${{ steps.build.outputs.tag }}
//! ```
//!
//! What they have:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on:
//!   workflow_dispatch:
//!     inputs: { target: { type: string } }
//! jobs:
//!   build:
//!     strategy: { matrix: { os: [ubuntu-latest] } }
//!     runs-on: ${{ matrix.os }}
//!     outputs: { tag: "1" }
//!     steps:
//!       - run: echo "$TARGET"
//!         env: { TARGET: "${{ inputs.target }}" }
//!   deploy:
//!     needs: build
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./deploy.sh ${{ needs.build.outputs.tag }}
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! env: { SHA: "${{ github.sha }}" }
//! jobs:
//!   test:
//!     strategy: { matrix: { os: [ubuntu-latest] } }
//!     runs-on: ${{ matrix.os }}
//!     environment: { name: prod, url: "https://${{ steps.last.outputs.host }}" }
//!     outputs: { tag: "${{ steps.last.outputs.tag }}" }
//!     steps:
//!       - if: ${{ runner.os == 'Linux' && !cancelled() }}
//!         run: echo ${{ toJSON(matrix) }} ${{ job.status }} ${{ vars.X }} ${{ inputs.y }}
//!       - { id: last, run: "true" }
//! ```
//!
//! The plan of a job comes from another:
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   plan:
//!     runs-on: ubuntu-latest
//!     outputs: { strategy: "${{ steps.plan.outputs.strategy }}" }
//!     steps:
//!       - { id: plan, run: ./plan.sh }
//!   test:
//!     needs: plan
//!     strategy: ${{ fromJSON(needs.plan.outputs.strategy) }}
//!     runs-on: ${{ matrix.os }}
//!     steps:
//!       - run: ${{ matrix.command }}
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
    Check, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/expressions-valid",
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
            Equivalent { tool: "catalogue", rule: "syn-expr", relation: Relation::Same },
            Equivalent { tool: "actionlint", rule: "expression", relation: Relation::Wider },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("expressions_valid.rs"),
    run: Run::Repository(|cx| {
        workflows::faulty(
            cx,
            FaultKind::Expression,
            "an expression is none, or refers to what is not there: correct it",
            "expressions are ones that the forge reads",
        )
    }),
    fix: None,
};
