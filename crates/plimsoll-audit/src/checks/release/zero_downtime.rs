//! # A deployment does not stop what answers requests
//!
//! No script that deploys or rolls back runs `docker compose up` over a service that requests reach (by
//! a proxy's configuration, or by a port that it publishes) and that runs once: compose stops the old
//! container before it starts the new one.
//!
//! From there to the moment the new one listens every request gets a 502, or a refused connection. A
//! failed start makes it as long as the rollback takes.
//!
//! Start the other colour and switch the proxy when it is well, or use what rolls: Swarm, Kubernetes,
//! `docker rollout`. Starting one colour, or infrastructure that did not change, stops nothing.
//!
//! ## Fails
//!
//! `Caddyfile`:
//! ```caddyfile
//! shop.org {
//!   reverse_proxy web:3000
//! }
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: shop/web:${VERSION:?}
//!   worker:
//!     image: shop/worker:${VERSION:?}
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose pull
//! docker compose up -d # <- `web`
//! ```
//!
//! ## Fixed
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose pull
//! docker compose up -d worker # <- stops nothing
//! docker rollout web
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web-blue:
//!     image: shop/web:${VERSION:?}
//!   web-green:
//!     image: shop/web:${VERSION:?}
//!   caddy:
//!     image: caddy:2.9.1
//!     ports: ["443:443"]
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! colour=$1
//! docker compose up -d --no-deps "web-$colour" # <- stops nothing
//! docker compose exec caddy caddy reload --config /etc/caddy/Caddyfile
//! ```
//!
//! ## Cannot tell
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d # <- compose file
//! ```
//!
//! ## Does not apply
//!
//! `scripts/seed.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose exec db psql -f /seed.sql
//! ```

use crate::answers::Answers;
use crate::conditions::SCRIPT_DEPLOYS;
use crate::evidence::clip;
use crate::releasing::{composed, is_coloured, place, reached, starts};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "release/zero-downtime",
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
            rule: "release/zero-downtime",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_DEPLOYS],
    source: include_str!("zero_downtime.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    let reached = reached(cx);
    let described = composed(cx).next().is_some();
    for command in commands(script.program).filter(|command| starts(command)) {
        let at = place(cx, &script.flow, command);
        let Some(compose) = command.compose() else {
            answers.good(at, "stops nothing: no `docker compose up`");
            continue;
        };
        let has = |words: &[&str]| {
            compose.args.iter().any(|arg| words.iter().any(|word| arg.starts_with(word)))
        };
        let names = compose.services();
        let hit = match names.is_empty() {
            true => reached.iter().find(|name| !is_coloured(name)).map(String::as_str),
            false => names.iter().copied().find(|n| reached.contains(*n) && !is_coloured(n)),
        };
        if has(&["--no-recreate", "--scale"]) {
            answers.good(at, "stops nothing: it leaves or adds containers");
        } else if let Some(name) = hit {
            answers.bad(at, format!("stops `{}` before it starts anew", clip(name)));
        } else if described || !names.is_empty() {
            answers.good(at, "stops nothing that requests reach");
        } else {
            answers.unsure(Why::OutOfTree, at, "its compose file is not here");
        }
    }
    answers.joined(
        "a deployment stops what answers requests: start the other colour, then switch",
        "a deployment does not stop what answers requests",
        "it cannot be told what a deployment stops",
    )
}
