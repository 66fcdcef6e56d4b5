//! # What strangers write is quoted in GitLab's scripts
//!
//! No script of a GitLab job uses a predefined variable that whoever pushes or opens a merge request chooses
//! (`CI_COMMIT_REF_NAME`, `CI_COMMIT_MESSAGE`, `CI_MERGE_REQUEST_TITLE` …) outside quotes or in `eval`.
//!
//! The shell splits it into words and expands its `*`: a branch's name becomes an option of the command, or
//! further arguments.
//!
//! Write `"$CI_COMMIT_REF_NAME"`, or take `CI_COMMIT_REF_SLUG`, which holds letters, digits and dashes only.
//!
//! ## Fails
//!
//! Quoted, and read once more:
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   script:
//!     - eval "$CI_COMMIT_TITLE" # <- is run as code
//! ```
//!
//! For another shell:
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! deploy:
//!   script:
//!     - ssh deploy@shop.org "deploy $CI_COMMIT_REF_NAME" # <- is run as code
//! ```
//!
//! ## Fixed
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! test:
//!   script:
//!     - printf '%s' "$CI_COMMIT_TITLE"
//! ```
//!
//! For another shell:
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! deploy:
//!   script:
//!     - printf '%s' "$CI_COMMIT_REF_NAME" | ssh deploy@shop.org deploy
//! ```
//!
//! ## Passes
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! deploy:
//!   script:
//!     - ./deploy.sh "$CI_COMMIT_REF_NAME" $CI_COMMIT_REF_SLUG
//!     - TITLE=$CI_MERGE_REQUEST_TITLE
//! ```
//!
//! ## Partial
//!
//! `.gitlab-ci.yml`:
//! ```yaml
//! deploy:
//!   script:
//!     - ./deploy.sh $CI_COMMIT_REF_NAME # <- `CI_COMMIT_REF_NAME`
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

use std::collections::BTreeSet;

use plimsoll_model::pipeline::Forge;
use plimsoll_source::Span;
use plimsoll_syntax::shell::{PartKind, Script, WordId};

use crate::conditions::RUNS_GITLAB;
use crate::evidence::Place;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/gitlab-variables-quoted",
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
            Equivalent { tool: "catalogue", rule: "inj-unquoted-gl", relation: Relation::Same },
            Equivalent { tool: "glsec", rule: "GL002", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_GITLAB],
    source: include_str!("gitlab_variables_quoted.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

/// The most places that are quoted at once.
const MAX_QUOTED: usize = 200;

/// What whoever pushes or proposes chooses.
const CHOSEN: [&str; 22] = [
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_BRANCH",
    "CI_COMMIT_TAG",
    "CI_COMMIT_TAG_MESSAGE",
    "CI_COMMIT_MESSAGE",
    "CI_COMMIT_TITLE",
    "CI_COMMIT_DESCRIPTION",
    "CI_COMMIT_AUTHOR",
    "CI_MERGE_REQUEST_TITLE",
    "CI_MERGE_REQUEST_DESCRIPTION",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "CI_MERGE_REQUEST_LABELS",
    "CI_MERGE_REQUEST_MILESTONE",
    "CI_MERGE_REQUEST_ASSIGNEES",
    "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME",
    "CI_BUILD_REF_NAME",
    "GITLAB_USER_NAME",
    "GITLAB_USER_EMAIL",
    "GITLAB_USER_LOGIN",
    "CI_OPEN_MERGE_REQUESTS",
    "CI_COMMIT_REF_NAME_RAW",
    "CI_PROJECT_DESCRIPTION",
];

/// Whether a command hands its words to a shell once more, so that quotes around them are gone.
fn is_read_again(script: &Script, words: &[WordId]) -> bool {
    let literal = |at: usize| words.get(at).and_then(|&word| script.literal(word));
    let program = literal(0).unwrap_or_default();
    match program.rsplit('/').next().unwrap_or_default() {
        "eval" | "ssh" => true,
        "sh" | "bash" | "ash" | "dash" | "zsh" | "su" => (1..words.len())
            .filter_map(literal)
            .any(|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')),
        _ => false,
    }
}

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut worst, mut bad) = (Vec::new(), Vec::new());
    let all = workflows::started(cx).filter(|pipeline| pipeline.forge == Forge::GitLab);
    for (.., step) in workflows::steps(all) {
        let Some((text, script)) = &step.run else { continue };
        for id in script.simple_commands() {
            let Some(words) = script.argv(id) else { continue };
            let again = is_read_again(script, words);
            for part in words.iter().flat_map(|&word| &script.word(word).parts) {
                let PartKind::Variable { name, length: false, .. } = &part.kind else { continue };
                let at = text.span(part.range);
                match (CHOSEN.contains(&&**name), again, part.quoted) {
                    (true, true, _) => {
                        worst.push(Evidence::contradicts(at, format!("`{name}` is run as code")));
                    }
                    (true, false, false) => {
                        let says = format!("`{name}` is split into words");
                        bad.push(Evidence::contradicts(at, says));
                    }
                    _ => {}
                }
            }
        }
    }
    let wrong = "what strangers write is not quoted in a script: put it into double quotes";
    let right = "what strangers write is quoted in scripts";
    if !worst.is_empty() {
        worst.extend(bad);
        let wrong = "what strangers write is run as code: give it to the command as a variable";
        return workflows::none(cx, worst, wrong, right);
    }
    workflows::judged(cx, bad, Verdict::partial, wrong, right, None)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    // What is read by a shell once more is not helped by quotes: its evidence stays.
    let split: BTreeSet<Span> = finding
        .evidence
        .iter()
        .filter(|evidence| evidence.says.ends_with("is split into words"))
        .filter_map(|evidence| match evidence.place {
            Place::Span(span) => Some(span),
            _ => None,
        })
        .take(MAX_QUOTED)
        .collect();
    let edits = mending::in_places(cx, finding, |document, at| {
        document.quote_within(at).filter(|_| split.contains(&at))
    });
    let does = "quote it: it stays one word, whatever stands in it";
    let fix = Fix::of_edits(does, Safety::Review, None, edits);
    fix.patch.is_some().then_some(fix)
}
