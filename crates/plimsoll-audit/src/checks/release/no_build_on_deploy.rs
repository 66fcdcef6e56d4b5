//! # A deployment does not build from the source that it fetches
//!
//! No script that deploys moves the source of what runs (`git pull`, `git reset --hard`, `git checkout`)
//! and then builds images from it and starts them.
//!
//! What runs is then whatever the branch was in that minute, built by whatever the host had cached: the
//! same commit gives another image tomorrow, a conflict or a failed build leaves the work tree between
//! two releases, and the way back is another build, under the same pressure. (A build that fails does
//! not stop what runs: it ends the script before anything is started.)
//!
//! Build in CI, push under the commit's name, and let the script `docker compose pull` and `up`.
//!
//! ## Fails
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! cd /srv/shop
//! git pull # <- moves the source
//! docker compose up -d --build
//! ```
//!
//! Through a wrapper:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! COMPOSE=(docker compose)
//! run() { "$@"; }
//! run git fetch origin
//! run git reset --hard origin/main # <- moves the source
//! run "${COMPOSE[@]}" build
//! run "${COMPOSE[@]}" up -d
//! ```
//!
//! On another machine:
//!
//! `deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! ssh app@example.com 'bash -s' <<'EOF'
//! set -e
//! cd /srv/app && git pull # <- moves the source
//! docker compose up -d --build # <- builds from it
//! EOF
//! ```
//!
//! ## Fixed
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! cd /srv/shop
//! docker compose pull
//! docker compose up -d # <- starts
//! ```
//!
//! ## Passes
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! git pull --ff-only
//! docker compose pull
//! docker compose up -d # <- starts
//! ```
//!
//! ## Does not apply
//!
//! A test:
//!
//! `scripts/run-e2e-test.sh`:
//! ```sh
//! #!/bin/sh
//! git checkout main
//! docker compose up -d --build
//! ```

use plimsoll_model::flow::Command;

use crate::answers::Answers;
use crate::conditions::SCRIPT_DEPLOYS;
use crate::releasing::{builds, moves_source, place, starts};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/no-build-on-deploy",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Critical,
    effort: Effort::Days,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/no-build-on-deploy",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_DEPLOYS],
    source: include_str!("no_build_on_deploy.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    let at = |command: &Command| place(cx, &script.flow, command);
    let later = |from: usize, is: fn(&Command) -> bool| {
        commands(script.program).find(|command| command.at >= from && is(command))
    };
    let source = commands(script.program).find(|command| moves_source(command));
    let built = source.and_then(|source| Some((source, later(source.at, builds)?)));
    let start = built.and_then(|(source, build)| Some((source, build, later(build.at, starts)?)));
    if let Some((source, build, start)) = start {
        answers.bad(at(source), "moves the source of what is then built and started");
        answers.context(at(build), "builds from it");
        answers.context(at(start), "starts it");
    } else if let Some(start) = later(0, starts) {
        answers.good(at(start), "starts what was not built from source fetched here");
    }
    answers.joined(
        "a deployment builds from the source that it fetches: build in CI, and pull",
        "a deployment does not build from source that it fetches",
        "it cannot be told what is built",
    )
}
