//! # A new version is started beside the old one
//!
//! Where scripts deploy by `docker compose`, services stand in two colours (`web-blue`, `web-green`) and a
//! script switches the proxy between them and reloads it; or something that rolls takes its place:
//! Swarm, `docker rollout`.
//!
//! Then a version is looked at before anyone uses it, and the way back is a reload.
//!
//! Two services from one definition (`x-web: &web`), a file that names the active one, and a script that
//! starts the other, waits, switches, and reloads.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: shop/web:${VERSION:?}
//!     ports: ["80:3000"]
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose pull
//! docker compose up -d # <- in the place of
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web-blue:
//!     image: shop/web:${BLUE:?}
//!   web-green:
//!     image: shop/web:${GREEN:?}
//!   caddy:
//!     image: caddy:2.9.1
//!     ports: ["80:80"]
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d --wait "web-$1"
//! cp "caddy/$1.caddy" /srv/caddy/active.caddy
//! docker compose exec caddy caddy reload --config /etc/caddy/Caddyfile # <- switches
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: shop/web:${VERSION:?}
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker rollout web # <- rolls
//! docker compose up -d worker
//! ```
//!
//! ## Partial
//!
//! Two colours, and nothing here that switches:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web-blue:
//!     image: shop/web:${BLUE:?}
//!   web-green:
//!     image: shop/web:${GREEN:?}
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d "web-$1" # <- nothing switches
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: shop/web:${VERSION:?}
//! ```

use crate::answers::Answers;
use crate::conditions::DEPLOYS_BY_COMPOSE;
use crate::evidence::clip;
use crate::releasing::{deployers, is_coloured, pairs, reloads, starts};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/blue-green",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Days,
    within: Some("release/zero-downtime"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/blue-green",
            relation: Relation::Same,
        }],
    }],
    when: &[&DEPLOYS_BY_COMPOSE],
    source: include_str!("blue_green.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    let paired = pairs(cx);
    let all = || cx.operational_scripts().flat_map(|script| commands(script.program));
    let rolls = all().find(|command| {
        command.program() == "docker"
            && command
                .args()
                .first()
                .is_some_and(|first| matches!(first.as_str(), "rollout" | "stack" | "service"))
    });
    let reload = all().find(|command| reloads(command));
    let coloured = deployers(cx).find_map(|script| {
        let mut starts = commands(script.program).filter(|command| starts(command));
        starts.find(|c| c.compose().is_some_and(|c| c.services().iter().any(|n| is_coloured(n))))
    });
    let first = deployers(cx).find_map(|s| commands(s.program).find(|command| starts(command)));
    if let Some(rolls) = rolls {
        answers.good(rolls.span, "rolls");
        return answers.joined("", "a new version is started beside the old one", "");
    }
    match (paired.iter().next(), reload, coloured, first) {
        (Some(name), Some(reload), Some(start), _) => {
            answers.good(start.span, format!("starts one colour of `{}`", clip(name)));
            answers.good(reload.span, "switches");
        }
        (Some(_), _, _, Some(start)) => {
            answers.bad(start.span, "there are two colours, and nothing switches between them");
            return answers
                .joined("", "", "")
                .in_part("there are two colours, and nothing switches: write the script");
        }
        (.., Some(start)) => answers.bad(start.span, "starts in the place of the old version"),
        _ => {}
    }
    answers.joined(
        "a new version takes the place of the old one: start it beside, then switch",
        "a new version is started beside the old one",
        "it cannot be told how a new version is started",
    )
}
