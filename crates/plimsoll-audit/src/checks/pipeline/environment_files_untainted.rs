//! # What strangers write is not put into the environment of later steps
//!
//! No step of a workflow that strangers start with the repository's rights, and no action, writes what it does not
//! know beforehand to `$GITHUB_ENV` or `$GITHUB_PATH`; no other step writes there what a stranger chose.
//!
//! One line break in the value sets further variables: `LD_PRELOAD`, `NODE_OPTIONS`, `BASH_ENV` run code in every
//! later step, with its secrets.
//!
//! Hand values on as outputs (`$GITHUB_OUTPUT`), which nothing takes for its environment.
//!
//! ## Fails
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: pull_request_target
//! jobs:
//!   name:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: |
//!           echo "TITLE=$TITLE" >> $GITHUB_ENV # <- later steps
//!         env: { TITLE: "${{ github.event.pull_request.title }}" }
//! ```
//!
//! An expression that is put into the line itself:
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: pull_request
//! jobs:
//!   name:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: |
//!           echo "BRANCH=${{ github.head_ref }}" >> $GITHUB_ENV # <- later steps
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/pr.yml`:
//! ```yaml
//! on: pull_request_target
//! jobs:
//!   name:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: |
//!           echo "title=$TITLE" >> $GITHUB_OUTPUT
//!         env: { TITLE: "${{ github.event.pull_request.title }}" }
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
//!       - run: |
//!           echo "VERSION=$(git describe)" >> "$GITHUB_ENV"
//!           echo "$HOME/.local/bin" >> "$GITHUB_PATH"
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! No workflow.
//! ```

use plimsoll_model::pipeline::{Forge, Placed, Slot};
use plimsoll_source::TextRange;

use crate::conditions::RUNS_WORKFLOWS;
use crate::taint::{self, Writer};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Section,
    Severity, Status, Verdict, mending, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/environment-files-untainted",
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
            Equivalent { tool: "catalogue", rule: "inj-env-file", relation: Relation::Same },
            Equivalent { tool: "zizmor", rule: "github-env", relation: Relation::Same },
            Equivalent { tool: "octoscan", rule: "dangerous-write", relation: Relation::Wider },
            Equivalent { tool: "kics", rule: "github_env_injection", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_WORKFLOWS],
    source: include_str!("environment_files_untainted.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut bad = Vec::new();
    for pipeline in workflows::live(cx) {
        let open =
            workflows::privileged(pipeline).is_some() || pipeline.forge == Forge::GitHubAction;
        for step in pipeline.jobs.iter().flat_map(|job| &job.steps) {
            let Some((text, _)) = &step.run else { continue };
            let chosen: Vec<&Placed> = pipeline
                .expressions
                .iter()
                .filter(|placed| matches!(placed.slot, Slot::Env | Slot::Run))
                .filter(|placed| placed.step == Some(step.span))
                .filter(|placed| {
                    matches!(taint::writer(cx, pipeline, placed), Some((Writer::Stranger, _)))
                })
                .collect();
            let mut start = 0;
            for line in text.text().split_inclusive(|&b| b == b'\n') {
                let range = TextRange::of(start, start + line.len());
                start += line.len();
                let line = String::from_utf8_lossy(line);
                let Some(value) = written(&line) else { continue };
                let names = |placed: &&Placed| match (placed.slot, &placed.key) {
                    (Slot::Run, _) => {
                        cx.text_of(placed.span).is_some_and(|own| value.contains(&*own))
                    }
                    (_, name) => {
                        value.contains(&format!("${name}")) || value.contains(&format!("${{{name}"))
                    }
                };
                if chosen.iter().any(names) || open && is_open(value) {
                    let says = "sets variables of later steps to what is not known";
                    bad.push(Evidence::contradicts(text.span(range), says));
                }
            }
        }
    }
    let wrong = "later steps get variables that a stranger may choose: use outputs";
    workflows::none(cx, bad, wrong, "no stranger chooses variables of later steps")
}

/// What a line writes to the environment of later steps.
fn written(line: &str) -> Option<&str> {
    let at = line.find("GITHUB_ENV").or_else(|| line.find("GITHUB_PATH"))?;
    let before = line.get(..at)?;
    let end = before.rfind(">>").or_else(|| before.rfind("tee"))?;
    before.get(..end)
}

/// Whether a value depends on more than the machine that it runs on.
fn is_open(value: &str) -> bool {
    const OWN: [&str; 8] = [
        "HOME",
        "PWD",
        "PATH",
        "GITHUB_WORKSPACE",
        "GITHUB_SHA",
        "RUNNER_TEMP",
        "GITHUB_RUN_ID",
        "GITHUB_ACTION_PATH",
    ];
    value.match_indices('$').any(|(at, _)| {
        let name = value.get(at + 1..).unwrap_or_default().trim_start_matches('{');
        let constant = name.starts_with("{ github.action_path") || name.starts_with("{ runner.");
        let own = OWN.iter().any(|own| {
            name.strip_prefix(own).is_some_and(|rest| {
                !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            })
        });
        !own && !constant && !name.starts_with("(pwd)")
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "end the value by a word that nobody can guess, so that it adds no line of its own";
    let text = "end=$(openssl rand -hex 16)\n{ echo \"TITLE<<$end\"; printf '%s\\n' \"$TITLE\"; \
                echo \"$end\"; } >> \"$GITHUB_ENV\"\n";
    mending::sketched(cx, finding, does, "sh", text)
}
