//! # Who proposed it is asked in a way that cannot be faked
//!
//! No workflow with the repository's rights that strangers start lets something happen because `github.actor` is
//! a bot.
//!
//! The actor is whoever caused the last event, not who wrote the code. A stranger takes a branch of Dependabot's,
//! adds a commit, and makes the bot touch it: the check sees the bot.
//!
//! Ask who opened it: `github.event.pull_request.user.login`, and require a review where something is merged.
//!
//! ## Fails
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: pull_request_target
//! jobs:
//!   merge:
//!     runs-on: ubuntu-latest
//!     if: github.actor == 'dependabot[bot]' # <- may be faked
//!     steps:
//!       - run: gh pr merge --auto
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: pull_request_target
//! jobs:
//!   merge:
//!     runs-on: ubuntu-latest
//!     if: github.event.pull_request.user.login == 'dependabot[bot]'
//!     steps:
//!       - run: gh pr merge --auto
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     if: github.actor != 'dependabot[bot]'
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use plimsoll_model::mend::replace;
use plimsoll_model::pipeline::Slot;
use plimsoll_source::{Span, TextRange};

use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/actor-checks-unspoofable",
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
            Equivalent { tool: "catalogue", rule: "auth-bot", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "bot-conditions", relation: Relation::Same },
            Equivalent {
                tool: "poutine",
                rule: "confused_deputy_auto_merge",
                relation: Relation::Narrower,
            },
            Equivalent { tool: "octoscan", rule: "bot-check", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("actor_checks_unspoofable.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    const ACTORS: [&str; 6] = [
        "github.actor",
        "github.triggering_actor",
        "github.event.sender.login",
        "github.event.pull_request.sender.login",
        "github.actor_id",
        "github.event.sender.id",
    ];
    let open = workflows::github(cx).filter(|pipeline| workflows::privileged(pipeline).is_some());
    let all = open.flat_map(|pipeline| &pipeline.expressions);
    let bad = all.filter(|placed| placed.slot == Slot::Condition).filter_map(|placed| {
        let is_bot = |name: &str| {
            // The numbers of Dependabot and Renovate.
            name.ends_with("[bot]") || matches!(name, "49699333" | "27856297" | "29139614")
        };
        let mut compares = placed.expression.compares.iter();
        let (path, _) = compares.find(|(path, name)| ACTORS.contains(&&**path) && is_bot(name))?;
        Some(Evidence::contradicts(placed.span, format!("`{path}` may be faked")))
    });
    let bad = bad.collect();
    let wrong = "a workflow trusts whoever caused the event: ask who opened the pull request";
    workflows::none(cx, bad, wrong, "no workflow trusts whoever caused the event")
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    const ACTORS: [&str; 2] = ["github.actor", "github.triggering_actor"];
    let places: Vec<Span> = mending::against(finding).collect();
    let mut edits = Vec::new();
    for pipeline in workflows::github(cx) {
        // Only a pull request has somebody who opened it.
        if !pipeline.triggers.iter().all(|trigger| trigger.event.starts_with("pull_request")) {
            continue;
        }
        for placed in pipeline.expressions.iter().filter(|p| places.contains(&p.span)) {
            let text = cx.text_of(placed.span)?;
            let starts = ACTORS
                .iter()
                .flat_map(|actor| text.match_indices(actor).map(|(at, _)| (at, actor.len())));
            // `github.actor_id` is another.
            let whole = starts.filter(|(at, len)| {
                let next = text[at + len..].chars().next();
                next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
            });
            edits.extend(whole.map(|(at, len)| {
                let start = placed.span.range.start as usize + at;
                let span = Span::new(placed.span.file, TextRange::of(start, start + len));
                replace(span, "github.event.pull_request.user.login")
            }));
        }
    }
    let does = "ask who opened the pull request";
    Some(Fix::of_edits(does, Safety::Review, None, edits)).filter(|fix| fix.patch.is_some())
}
