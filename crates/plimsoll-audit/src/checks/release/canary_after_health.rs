//! # A canary gets requests when it is well
//!
//! A script that starts a canary waits until it is well before it writes the configuration that sends
//! requests to it.
//!
//! Until it listens each request to it is an error, and those are the figures by which the canary is
//! judged.
//!
//! Start it, wait (`docker inspect … Health`, `curl …/readyz` in a loop), then write the proxy's
//! configuration and reload.
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000
//! }
//! ```
//! `ops/canary.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! start() {
//!   sed "s/@/web-canary:3000/" template > "$(dirname "$0")/../Caddyfile" # <- before
//!   docker compose up -d
//!   until curl -fsS http://localhost:3001/healthz; do sleep 2; done
//! }
//! start
//! ```
//!
//! ## Fixed
//!
//! `ops/canary.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! start() {
//!   docker compose up -d web-canary
//!   until curl -fsS http://localhost:3001/healthz; do sleep 2; done
//!   sed "s/@/web-canary:3000/" template > "$(dirname "$0")/../Caddyfile" # <- waits
//!   docker compose exec caddy caddy reload
//! }
//! start
//! ```
//!
//! ## Passes
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000
//! }
//! ```
//! `ops/canary.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! docker compose up -d --wait web-canary
//! cp canary.template "$(dirname "$0")/../Caddyfile"
//! echo "shop.org { reverse_proxy web-canary:3000 }" > "$(dirname "$0")/../Caddyfile" # <- waits
//! docker compose exec caddy caddy reload
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d
//! ```

use plimsoll_model::flow::{Command, Flow, RegionKind};

use crate::answers::Answers;
use crate::conditions::SCRIPT_SWITCHES_CANARY;
use crate::releasing::{function, starts, switches, waits};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/canary-after-health",
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
            rule: "release/canary-after-health",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_SWITCHES_CANARY],
    source: include_str!("canary_after_health.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    let flow = &script.flow;
    let all: Vec<&Command> = commands(script.program).collect();
    for command in switches(cx, script.program) {
        let here = function(flow, command);
        let beside = |other: &&&Command| function(flow, other) == here;
        let start = all.iter().filter(beside).find(|c| starts(c) && c.at > command.at);
        let early =
            all.iter().filter(|c| within(flow, c, &here)).any(|c| c.at < command.at && waits(c));
        let late = start.and_then(|start| {
            let mut later = all.iter().filter(|c| c.at > start.at && within(flow, c, &here));
            later.find(|c| waits(c))
        });
        match (start, late) {
            (Some(start), Some(wait)) if !early => {
                answers.bad(command.span, "sends requests before the canary is well");
                answers.context(start.span, "starts it only here");
                answers.context(wait.span, "waits only here");
            }
            _ => answers.good(command.span, "waits before, or starts nothing"),
        }
    }
    answers.joined(
        "a canary gets requests before it is well: wait first, then switch",
        "a canary gets requests when it is well",
        "it cannot be told when a canary gets requests",
    )
}

/// Whether a command is run by this function, or by one that it calls.
fn within(flow: &Flow, command: &Command, function: &Option<(String, usize)>) -> bool {
    let Some((_, wanted)) = function else { return true };
    flow.around(command.region).any(|(_, region)| {
        matches!(region.kind, RegionKind::Function { call: Some(call), .. } if call == *wanted)
    })
}
