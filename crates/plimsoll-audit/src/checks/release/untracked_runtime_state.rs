//! # What deployments write is not under git
//!
//! No file that a script which deploys (or one that it runs) writes is tracked, where a script resets or
//! checks out the work tree.
//!
//! The reset takes the state of production back to what was committed: which colour is active, which
//! upstream the proxy has, who is a canary. The next reload sends requests to containers that were
//! removed.
//!
//! Write state outside the repository (`/var/lib/shop/active`), or ignore it and `git rm --cached` it.
//!
//! ## Fails
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! cd "$(dirname "$0")"
//! git reset --hard origin/main
//! docker compose up -d
//! echo green > state/active
//! ```
//! `state/active`:
//! ```text
//! blue # <- written by
//! ```
//!
//! By the tools that edit and copy:
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! cd "$(dirname "$0")"
//! git pull
//! sed -i "s/TAG=.*/TAG=$1/" deploy.env
//! echo "$1" | tee VERSION > /dev/null
//! docker compose --env-file deploy.env up -d
//! ```
//! `deploy.env`:
//! ```ini
//! TAG=1 # <- written by
//! ```
//! `VERSION`:
//! ```text
//! 1 # <- written by
//! ```
//!
//! ## Fixed
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! cd "$(dirname "$0")"
//! git reset --hard origin/main # <- what is written is not tracked
//! docker compose up -d
//! echo green > /var/lib/shop/active
//! ```
//!
//! ## Passes
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! git checkout "$1" # <- what is written is not tracked
//! docker compose up -d
//! echo "$1" > state/version
//! ```
//!
//! ## Does not apply
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d
//! echo green > state/active
//! ```

use std::collections::BTreeSet;

use plimsoll_model::script::Program;
use plimsoll_source::Tracking;

use crate::answers::Answers;
use crate::conditions::RESETS_WORK_TREE;
use crate::evidence::clip;
use crate::releasing::{deployers, resets, writes};
use crate::scripts::{called, commands};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/untracked-runtime-state",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/untracked-runtime-state",
            relation: Relation::Same,
        }],
    }],
    when: &[&RESETS_WORK_TREE],
    source: include_str!("untracked_runtime_state.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    let Some(reset) = resets(cx) else { return answers.joined("", "", "") };
    let mut writers: Vec<&Program> = deployers(cx).map(|script| script.program).collect();
    let runs = writers
        .iter()
        .flat_map(|program| commands(program).filter_map(|command| called(cx, program, command)));
    let runs: Vec<&Program> = runs.collect();
    writers.extend(runs);
    let mut seen = BTreeSet::new();
    for program in writers.into_iter().filter(|program| seen.insert(program.file)) {
        for (path, command) in writes(cx, program) {
            let Some(file) = cx.delivery.tree.find(&path) else { continue };
            if cx.delivery.tree.entry(file).tracking != Tracking::Tracked {
                continue;
            }
            let by = cx.path(program.file);
            answers.missing(cx.start_of(file), format!("written by {}", clip(by)));
            answers.context(command.span, "writes a file that git knows");
        }
    }
    answers.good(reset, "what is written is not tracked");
    answers.joined(
        "a deployment writes files that a reset takes back: keep state out of git",
        "what deployments write is not tracked",
        "it cannot be told what is written",
    )
}
