//! # A canary is built under a name of its own
//!
//! No script builds the service that runs as the stable version, tags the result as the canary, and then
//! starts both.
//!
//! The build gives the stable name to the new image. The `up` that is to start the canary recreates the
//! stable version with it: all requests get what was to be tried on a few, and the way back starts the
//! same image again.
//!
//! Build the canary's own service (`docker compose build api-canary`), or `docker build -t shop/api:$SHA`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: shop/api:stable
//!     build: .
//! ```
//! `ops/canary.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose build api # <- `shop/api:stable`
//! docker tag shop/api:stable shop/api:canary
//! docker compose -f compose.yaml -f compose.canary.yaml up -d
//! ```
//!
//! ## Fixed
//!
//! `ops/canary.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker build -t shop/api:canary . # <- a name of its own
//! docker compose -f compose.yaml -f compose.canary.yaml up -d
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: shop/api:stable
//!     build: .
//!   api-canary:
//!     image: shop/api:canary
//!     build: .
//! ```
//! `ops/canary.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose build api-canary # <- a name of its own
//! docker compose up -d api-canary
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d
//! ```

use plimsoll_model::flow::Command;

use crate::answers::Answers;
use crate::conditions::SCRIPT_BUILDS_CANARY;
use crate::releasing::{builds, composed, place, starts};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/canary-own-tag",
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
            rule: "release/canary-own-tag",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_BUILDS_CANARY],
    source: include_str!("canary_own_tag.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    for command in commands(script.program).filter(|command| builds(command)) {
        let after = || commands(script.program).filter(|later| later.at > command.at);
        let started = after().any(starts);
        let tagged = after().find_map(|later| {
            let [first, from, to, ..] = later.args() else { return None };
            (later.program() == "docker" && first == "tag").then_some((from.clone(), to, later))
        });
        let stable = tagged.filter(|(from, to, _)| {
            let canary = to.to_ascii_lowercase().contains("canary");
            canary && !from.to_ascii_lowercase().contains("canary") && names(cx, command, from)
        });
        match stable.filter(|_| started) {
            Some((from, _, tag)) => {
                answers.bad(command.span, format!("builds `{from}`, which runs as the stable one"));
                answers.context(tag.span, "only then gets the canary's name");
            }
            None => answers.good(place(cx, &script.flow, command), "builds a name of its own"),
        }
    }
    answers.joined(
        "a canary is built under the stable name: build it under a name of its own",
        "a canary is built under a name of its own",
        "it cannot be told what is built",
    )
}

/// Whether a build gives an image this name.
fn names(cx: &Cx<'_>, command: &Command, image: &str) -> bool {
    let Some(compose) = command.compose() else {
        return command
            .words
            .windows(2)
            .any(|pair| matches!(pair[0].as_str(), "-t" | "--tag") && pair[1] == image);
    };
    let services = compose.services();
    let mut all = composed(cx).filter(|c| services.is_empty() || services.contains(&&*c.name));
    all.any(|container| container.image.known().is_some_and(|name| name == image))
}
