//! # No action is used that nobody maintains
//!
//! No workflow uses an action whose repository is archived, as far as the shipped table knows.
//!
//! Nobody mends it: neither a hole that is found in it, nor what a new runner takes away under it.
//!
//! Use its successor: `ruby/setup-ruby`, `gh release create`, `dtolnay/rust-toolchain`.
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
//!       - uses: ruby/setup-ruby@v1
//! ```
//!
//! ## Partial
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/setup-ruby@v1 # <- is archived
//! ```
//!
//! ## Does not apply
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

use crate::conditions::USES_ACTIONS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "supply/no-archived-actions",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "act-archived", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "archived-uses", relation: Relation::Same },
        ],
    }],
    when: &[&USES_ACTIONS],
    source: include_str!("no_archived_actions.rs"),
    run: Run::Repository(run),
    fix: None,
};

/// Actions whose repositories are archived.
const ARCHIVED: [&str; 13] = [
    "actions/create-release",
    "actions/setup-elixir",
    "actions/setup-haskell",
    "actions/setup-ruby",
    "actions/upload-release-asset",
    "actions-rs/audit-check",
    "actions-rs/cargo",
    "actions-rs/clippy-check",
    "actions-rs/grcov",
    "actions-rs/tarpaulin",
    "actions-rs/toolchain",
    "azure/container-scan",
    "repo-sync/pull-request",
];

fn run(cx: &Cx<'_>) -> Verdict {
    let steps = workflows::steps(workflows::live(cx));
    let bad = steps.filter_map(|(.., step)| {
        let name = workflows::action(step)?;
        let (_, span) = step.uses.as_ref()?;
        let archived = ARCHIVED.iter().any(|known| {
            name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        archived.then(|| Evidence::contradicts(*span, "its repository is archived"))
    });
    let bad = bad.collect();
    let wrong = "a workflow uses an action that nobody maintains: use its successor";
    let right = "no action is used that is known to be archived";
    workflows::judged(cx, bad, Verdict::partial, wrong, right, None)
}
