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
//! In a function of the script that deploys:
//!
//! `deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -Eeuo pipefail
//! rollback() {
//!   git checkout "$previous"
//!   docker compose up -d --build # <- builds an image at the time
//! }
//! previous=$(git rev-parse HEAD)
//! trap rollback ERR
//! docker compose pull
//! docker compose up -d
//! ```
//!
//! What the project names moves:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: shop/web:latest
//! ```
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! docker pull shop/tools # <- moves
//! docker compose pull # <- pulls `shop/web:latest`, which moves
//! docker compose up -d
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
//! By the platform:
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! kubectl rollout undo deployment/web # <- goes back to the revision before
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
use crate::releasing::{MOVING, builds, composed, place, starts, undoes, way_back};
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
    for command in way_back(cx, script.program) {
        let at = place(cx, &script.flow, command);
        let moving = command.args().iter().find(|word| moves(command, word));
        if builds(command) {
            answers.bad(at, "builds an image at the time");
        } else if let Some(image) = moving {
            answers.bad(at, format!("`{}` moves", clip(image)));
        } else if let Some(image) = pulled(cx, command) {
            answers.bad(at, format!("pulls `{}`, which moves", clip(&image)));
        } else if undoes(command) {
            answers.good(at, "goes back to the revision before");
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
        && match tag {
            Some(tag) => MOVING.contains(&tag),
            // A name without a tag is `latest`: the one operand of `pull`.
            None => verb == Some("pull") && !word.starts_with('-') && word != "pull",
        }
}

/// The image of the project whose tag moves and that `docker compose pull` gets.
fn pulled(cx: &Cx<'_>, command: &Command) -> Option<String> {
    let compose = command.compose().filter(|compose| compose.verb == "pull")?;
    let names = compose.services();
    let mut all = composed(cx).filter(|c| names.is_empty() || names.contains(&&*c.name));
    all.find_map(|container| {
        let image = container.image.known().filter(|image| !image.contains('@'))?;
        let last = image.rsplit('/').next().unwrap_or(image);
        let moves = last.split_once(':').is_none_or(|(_, tag)| MOVING.contains(&tag));
        (moves && container.keeps.is_none()).then(|| image.clone())
    })
}
