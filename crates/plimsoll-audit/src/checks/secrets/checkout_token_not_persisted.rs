//! # The checkout does not leave its token behind
//!
//! Every `actions/checkout` before version 6 has `persist-credentials: false`, unless its job pushes by git.
//!
//! Otherwise the job's token stands in `.git/config` for every later step to read, a hijacked action or a
//! package's script among them; and an artifact of the whole directory publishes it.
//!
//! Write `with: { persist-credentials: false }`. Where a job has to push, give it a checkout and a permission of
//! its own. It is PARTIAL; where a later step uploads the whole directory, it FAILs. The fix, for review, writes it.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4 # <- the token
//!       - uses: actions/upload-artifact@v4
//!         with: { name: all, path: . } # <- with the token
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   build:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!         with:
//!           persist-credentials: false
//!       - uses: actions/upload-artifact@v4
//!         with: { name: all, path: . }
//! ```
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
//!       - uses: actions/checkout@v4
//!         with: { persist-credentials: "false" }
//!       - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
//!   tag:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!       - run: git push --tags
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
//!       - uses: actions/checkout@v4 # <- the token
//!       - run: make
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use std::collections::BTreeSet;

use plimsoll_model::mend::Data;
use plimsoll_model::pipeline::JobStep;
use plimsoll_source::Span;

use crate::conditions::RUNS_WORKFLOWS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/checkout-token-not-persisted",
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
            Equivalent { tool: "catalogue", rule: "sec-persist-cred", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "artipacked", relation: Relation::Same },
            Equivalent {
                tool: "kics",
                rule: "missing_persist_credentials_false",
                relation: Relation::Same,
            },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("checkout_token_not_persisted.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut idle) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for job in workflows::live(cx).flat_map(|pipeline| &pipeline.jobs) {
        if job.steps.iter().any(pushes) {
            continue;
        }
        for (at, step) in job.steps.iter().enumerate() {
            let Some((uses, span)) = &step.uses else { continue };
            let checkout = workflows::action(step).as_deref() == Some("actions/checkout");
            let kept = workflows::input(step, "persist-credentials").is_none();
            if !checkout || !kept || keeps_apart(uses) || !seen.insert(*span) {
                continue;
            }
            let says = "the token stays in `.git/config`";
            let evidence = Evidence::contradicts(*span, says);
            let later = job.steps.get(at + 1..).unwrap_or_default();
            match later.iter().find_map(uploads_all) {
                Some(upload) => {
                    bad.push(evidence);
                    bad.push(Evidence::contradicts(upload, "uploads the directory with the token"));
                }
                None => idle.push(evidence.severity(Severity::Low)),
            }
        }
    }
    let right = "no checkout leaves its token behind";
    if bad.is_empty() {
        let wrong = "the checkout leaves its token behind: set `persist-credentials: false`";
        return workflows::judged(cx, idle, Verdict::partial, wrong, right, None);
    }
    bad.extend(idle);
    workflows::none(
        cx,
        bad,
        "an artifact holds the job's token: set `persist-credentials: false`",
        right,
    )
}

/// Since version 6 the token lies beside the runner's temporary files.
fn keeps_apart(uses: &str) -> bool {
    let version = uses.rsplit_once('@').map_or("", |(_, version)| version);
    let version = mending::pins::version("actions/checkout", version).unwrap_or(version);
    let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    version.len() < 40 && major.parse::<u32>().is_ok_and(|major| major >= 6)
}

fn uploads_all(step: &JobStep) -> Option<Span> {
    let upload = workflows::action(step).as_deref() == Some("actions/upload-artifact");
    let (path, span) = workflows::input(step, "path").filter(|_| upload)?;
    let all = [".", "./", "./*", "*", "**", ".git", "${{ github.workspace }}"];
    path.lines().any(|line| all.contains(&line.trim())).then_some(span)
}

/// Whether a step needs the token in git's configuration.
fn pushes(step: &JobStep) -> bool {
    const PUSHERS: [&str; 6] = [
        "stefanzweifel/git-auto-commit-action",
        "endbug/add-and-commit",
        "peter-evans/create-pull-request",
        "ad-m/github-push-action",
        "jamesives/github-pages-deploy-action",
        "changesets/action",
    ];
    let by_action = workflows::action(step).is_some_and(|name| PUSHERS.contains(&&*name));
    by_action
        || step.commands.iter().any(|command| {
            let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
            words.first() == Some(&"git")
                && words.iter().any(|w| matches!(*w, "push" | "fetch" | "pull"))
        })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let data = Data::map("persist-credentials", Data::scalar("false"));
    let edits = mending::in_places(cx, finding, |document, at| {
        let step = document.holder(at)?;
        let checkout = step.get("uses").and_then(|uses| uses.text());
        checkout.filter(|uses| uses.to_ascii_lowercase().starts_with("actions/checkout"))?;
        document.set_behind(step, "uses", "with", &data)?.into_iter().next()
    });
    let does = "leave no token behind: a later step that needs it for git has to be given one";
    Some(Fix::of_edits(does, Safety::Review, None, edits)).filter(|fix| fix.patch.is_some())
}
