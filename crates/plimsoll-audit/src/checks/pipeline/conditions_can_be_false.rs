//! # Every condition can be false
//!
//! No `if:` holds more than one expression in `${{ }}`: text around it, or the line break that `|` leaves at its
//! end.
//!
//! GitHub puts the value into the text, and a text that is not empty is true. A deployment that should wait for
//! `main` runs for every branch.
//!
//! Write the condition without braces: `if: github.ref == 'refs/heads/main'`; over several lines with `>-`.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     if: ${{ github.ref == 'refs/heads/main' }} && ${{ github.actor != 'x' }} # <- always true
//!     steps:
//!       - run: ./deploy.sh
//!         if: | # <- always true
//!           ${{ github.event_name == 'push' }}
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
//!     if: github.ref == 'refs/heads/main' && github.actor != 'x'
//!     steps:
//!       - run: ./deploy.sh
//!         if: ${{ github.event_name == 'push' }}
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
//!         if: >-
//!           ${{ github.event_name == 'push'
//!               && github.ref == 'refs/heads/main' }}
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use std::collections::BTreeSet;

use plimsoll_model::pipeline::Slot;

use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/conditions-can-be-false",
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
            Equivalent { tool: "catalogue", rule: "cond-always-true", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "unsound-condition", relation: Relation::Same },
            Equivalent { tool: "actionlint", rule: "if-cond", relation: Relation::Wider },
            Equivalent { tool: "poutine", rule: "if_always_true", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("conditions_can_be_false.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut seen = BTreeSet::new();
    let all = workflows::live(cx).flat_map(|pipeline| &pipeline.expressions);
    let bad = all
        .filter(|placed| placed.slot == Slot::Condition && placed.partial)
        .filter(|placed| seen.insert(placed.value))
        .map(|placed| Evidence::contradicts(placed.value, "a text, and so always true"));
    let bad = bad.collect();
    let wrong = "a condition is always true: put all of it into one expression";
    workflows::none(cx, bad, wrong, "every condition can be false")
}
