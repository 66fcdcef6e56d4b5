//! # Secrets are taken by name, not all at once
//!
//! No expression takes the whole `secrets` context (`toJSON(secrets)`) or one of it by a computed name
//! (`secrets[matrix.name]`).
//!
//! The runner then holds every secret of the repository, whichever the job needs, and masks only what it can
//! tell apart: a JSON text of all of them ends up in logs and artifacts.
//!
//! Name the secret: `${{ secrets.TOKEN }}`. Where it depends on the environment, give the environment its own
//! secret of that name.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     env:
//!       ALL: ${{ toJSON(secrets) }} # <- all secrets
//!       ONE: ${{ secrets[format('KEY_{0}', github.ref_name)] }} # <- a computed name
//!     steps:
//!       - run: ./deploy.sh
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     environment: production
//!     env:
//!       ONE: ${{ secrets.KEY }}
//!     steps:
//!       - run: ./deploy.sh
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./deploy.sh
//!         env: { KEY: "${{ secrets['KEY'] }}" }
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
    id: "secrets/context-not-dumped",
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
            Equivalent { tool: "catalogue", rule: "sec-all", relation: Relation::Same },
            Equivalent {
                tool: "zizmor",
                rule: "overprovisioned-secrets",
                relation: Relation::Same,
            },
            Equivalent { tool: "poutine", rule: "job_all_secrets", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("context_not_dumped.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let all = workflows::live(cx).flat_map(|pipeline| &pipeline.expressions);
    let bad = all.filter_map(|placed| {
        let mut paths = placed.expression.contexts.iter().map(|context| &*context.path);
        let says = paths.find_map(|path| match path {
            "secrets" => Some("takes all secrets"),
            "secrets.*" => Some("takes a secret by a computed name"),
            _ => None,
        })?;
        Some(Evidence::contradicts(placed.span, says))
    });
    let bad = bad.collect();
    let wrong = "all secrets are taken at once: name the one that is needed";
    workflows::none(cx, bad, wrong, "secrets are taken by name, not all at once")
}
