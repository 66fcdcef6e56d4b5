//! # A rollback starts what ran before
//!
//! A script that rolls back neither builds an image nor pulls one whose tag moves (`latest`, `stable`,
//! none at all): it starts the version or the digest that was written down.
//!
//! A build at night takes minutes, needs the network, and may give another image than the one that ran.
//! `latest` is the image that is to be undone.
//!
//! Write the digest down when deploying (`docker inspect --format '{{index .RepoDigests 0}}'`), and start
//! that.
//!
//! ## Fails
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose build # <- builds
//! docker compose up -d
//! ```
//!
//! Or:
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker pull shop/web:latest # <- moves
//! docker run -d --name web shop/web:latest
//! ```
//!
//! ## Fixed
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! VERSION=$(cat /srv/shop/previous) docker compose up -d # <- starts
//! ```
//!
//! Or:
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker run -d --name web "shop/web@$(cat /srv/shop/previous)" # <- starts
//! ```
//!
//! ## Passes
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker pull shop/web:1.4.1
//! docker run -d --name web shop/web:1.4.1 # <- starts
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d --build
//! ```

use plimsoll_model::flow::Command;

use crate::answers::Answers;
use crate::conditions::SCRIPT_ROLLS_BACK;
use crate::evidence::clip;
use crate::releasing::{builds, place, starts};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/rollback-uses-recorded-digest",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["SLSA", "CC8.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS014", relation: Relation::Same }],
    }],
    when: &[&SCRIPT_ROLLS_BACK],
    source: include_str!("rollback_uses_recorded_digest.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    for command in commands(script.program) {
        let at = place(cx, &script.flow, command);
        let moving = command.args().iter().find(|word| moves(command, word));
        if builds(command) {
            answers.bad(at, "builds an image at the time");
        } else if let Some(image) = moving {
            answers.bad(at, format!("`{}` moves", clip(image)));
        } else if starts(command) {
            answers.good(at, "starts a version that was written down");
        }
    }
    answers.joined(
        "a rollback builds or pulls what moves: start the digest that was written down",
        "a rollback starts what ran before",
        "it cannot be told what a rollback starts",
    )
}

/// Whether a word is an image of `docker pull` or `docker run` whose tag moves.
fn moves(command: &Command, word: &str) -> bool {
    let verb = command.args().first().map(String::as_str);
    let asked = command.program() == "docker" && matches!(verb, Some("pull" | "run"));
    let last = word.rsplit('/').next().unwrap_or(word);
    let tag = last.split_once(':').map(|(_, tag)| tag);
    asked
        && !word.contains(['$', '@', '=', '`'])
        && matches!(tag, Some("latest" | "stable" | "main" | "master" | "prod" | "production"))
}
