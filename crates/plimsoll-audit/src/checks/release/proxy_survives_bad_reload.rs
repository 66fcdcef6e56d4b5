//! # A reload that fails leaves the proxy as it is
//!
//! No script restarts the proxy (`restart caddy`, `up --force-recreate`) where its reload failed.
//!
//! A reload fails because the new configuration is wrong. The proxy then goes on with the old one, and
//! nobody notices a thing; a restart starts it with the wrong one, and everything is down.
//!
//! Let the failure end the script: `caddy reload … || { echo "kept the old configuration" >&2; exit 1; }`,
//! and validate before.
//!
//! ## Fails
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d web-green
//! docker compose exec caddy caddy reload --config /etc/caddy/Caddyfile || \
//!   docker compose restart caddy # <- where its reload failed
//! ```
//!
//! In a function, by the other branch:
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! reload() {
//!   if docker compose exec proxy nginx -s reload 2>/dev/null; then
//!     echo reloaded
//!   else
//!     docker compose restart proxy # <- where its reload failed
//!   fi
//! }
//! docker compose up -d web-green
//! reload
//! ```
//!
//! By its status:
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d web-green
//! docker exec caddy caddy reload --config /etc/caddy/Caddyfile
//! if [ $? -ne 0 ]; then
//!   docker restart caddy # <- restarts the proxy where its reload failed
//! fi
//! ```
//!
//! ## Fixed
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d web-green
//! docker compose exec caddy caddy reload --config /etc/caddy/Caddyfile # <- nothing is restarted
//! ```
//!
//! ## Passes
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d web-green
//! nginx -t && nginx -s reload # <- nothing is restarted
//! ```
//!
//! ## Does not apply
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d
//! ```

use plimsoll_model::flow::{Command, Flow, RegionKind};

use crate::answers::Answers;
use crate::conditions::SCRIPT_RELOADS_PROXY;
use crate::releasing::{place, reloads, restarts_proxy};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/proxy-survives-bad-reload",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/proxy-survives-bad-reload",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_RELOADS_PROXY],
    source: include_str!("proxy_survives_bad_reload.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    let flow = &script.flow;
    for command in commands(script.program) {
        let at = place(cx, flow, command);
        if reloads(command) {
            answers.good(at, "nothing is restarted where it fails");
        }
        if restarts_proxy(command) && follows_failure(flow, command) {
            answers.bad(at, "restarts the proxy where its reload failed");
        }
    }
    answers.joined(
        "a proxy is restarted where its reload failed: keep the old configuration",
        "a reload that fails leaves the proxy as it is",
        "it cannot be told what follows a failed reload",
    )
}

/// Whether a command runs because a reload failed.
fn follows_failure(flow: &Flow, command: &Command) -> bool {
    flow.around(command.region).any(|(_, region)| {
        let RegionKind::Branch(conditions) = &region.kind else { return false };
        conditions.iter().any(|condition| {
            let tested = flow.commands.get(condition.from..condition.to).unwrap_or_default();
            let failed = !condition.succeeds && tested.iter().any(reloads);
            failed || tested.iter().any(|test| of_status(flow, test, condition.succeeds))
        })
    })
}

/// Whether a test of `$?` that comes out so says that the reload before it failed.
fn of_status(flow: &Flow, test: &Command, succeeds: bool) -> bool {
    let has = |words: &[&str]| test.words.iter().any(|word| words.contains(&word.as_str()));
    let failed = if succeeds { has(&["-ne", "!=", "-gt"]) } else { has(&["-eq", "=", "=="]) };
    let before = test.at.checked_sub(1).and_then(|at| flow.commands.get(at));
    has(&["$?"]) && failed && before.is_some_and(reloads)
}
