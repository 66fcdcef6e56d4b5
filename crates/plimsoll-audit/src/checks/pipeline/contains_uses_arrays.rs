//! # Conditions look a name up in a list, not in a text
//!
//! No condition asks `contains('main develop', github.ref_name)`: the text of names, and a value that others
//! choose.
//!
//! `contains` on a text finds parts of it. A branch that is called `in` or `dev` passes for `main` and
//! `develop`.
//!
//! Compare each by `==`, or look it up in a list: `contains(fromJSON('["main", "develop"]'), github.ref_name)`.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     if: contains('refs/heads/main refs/heads/develop', github.ref) # <- finds parts
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
//!     if: contains(fromJSON('["refs/heads/main", "refs/heads/develop"]'), github.ref)
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
//!     if: contains(github.event.head_commit.message, '[deploy]')
//!     steps:
//!       - run: ./deploy.sh
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use crate::conditions::RUNS_WORKFLOWS;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};
use plimsoll_model::mend::replace;
use plimsoll_source::{Edit, Span};
use std::collections::BTreeSet;

pub(super) static CHECK: Check = Check {
    id: "pipeline/contains-uses-arrays",
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
            Equivalent { tool: "catalogue", rule: "cond-contains", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "unsound-contains", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("contains_uses_arrays.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    const CHOSEN: [&str; 8] = [
        "github.actor",
        "github.triggering_actor",
        "github.base_ref",
        "github.head_ref",
        "github.ref",
        "github.ref_name",
        "github.event.",
        "inputs.",
    ];
    let all = workflows::live(cx).flat_map(|pipeline| &pipeline.expressions);
    let bad = all.filter_map(|placed| {
        let mut looks = placed.expression.contains.iter();
        let (_, what) =
            looks.find(|(_, path)| CHOSEN.iter().any(|start| path.starts_with(start)))?;
        let says = format!("finds parts of names in a text: `{}`", clip(what));
        Some(Evidence::contradicts(placed.span, says))
    });
    let bad = bad.collect();
    let wrong = "a condition looks a name up in a text: use a list or `==`";
    workflows::none(cx, bad, wrong, "no condition looks a name up in a text")
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let places: Vec<Span> = mending::against(finding).collect();
    let all = workflows::live(cx).flat_map(|pipeline| &pipeline.expressions);
    let found = all.filter(|placed| places.contains(&placed.span));
    let edits: BTreeSet<Edit> = found
        .filter_map(|placed| {
            let at = placed.span;
            mending::document(cx, at.file)?.is_verbatim(at).then_some(())?;
            let mut text = cx.text_of(at)?;
            for (listed, _) in &placed.expression.contains {
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-/ ,".contains(c);
                let names = listed.split([' ', ',']).filter(|name| !name.is_empty());
                let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
                let written = format!("contains('{listed}'");
                (listed.chars().all(plain) && text.matches(&*written).count() == 1).then_some(())?;
                let list = format!("contains(fromJSON('[{}]')", names.join(", "));
                text = text.replace(&written, &list);
            }
            Some(replace(at, text))
        })
        .collect();
    let does = "look the name up in a list";
    let fix = Fix::of_edits(does, Safety::Review, None, edits.into_iter().collect());
    fix.patch.is_some().then_some(fix)
}
