//! # What asks the target's code runs the target's image
//!
//! Where a script moves the source and later builds, no `docker compose run` or `exec` of a service that
//! is built stands between the two.
//!
//! The code of a built service lies in its image: until the build the container answers for the release
//! that is being left. A check that the database fits the target («is it ahead of the code?») then always
//! passes, and the rollback starts code that cannot read its tables.
//!
//! Build first, then ask; or ask `git show "$target":migrations`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: ./api
//! ```
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! heads() { docker compose run --rm "$1" alembic heads; }
//! git reset --hard "$1"
//! expected=$(heads api) # <- `api`
//! docker compose build
//! docker compose up -d
//! ```
//!
//! ## Fixed
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! heads() { docker compose run --rm "$1" alembic heads; }
//! git reset --hard "$1"
//! docker compose build
//! expected=$(heads api) # <- after
//! docker compose up -d
//! ```
//!
//! ## Passes
//!
//! A database is not built:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: ./api
//!   db:
//!     image: postgres:17.2
//! ```
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! git reset --hard "$1"
//! docker compose exec db psql -c 'select 1'
//! docker compose build # <- after
//! docker compose run --rm api alembic heads
//! docker compose up -d
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose pull
//! docker compose up -d
//! ```

use plimsoll_model::flow::Command;

use crate::answers::Answers;
use crate::conditions::SCRIPT_BUILDS_WHAT_IT_FETCHES;
use crate::evidence::clip;
use crate::releasing::{builds, container, moves_source, nearest_call, place};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/rollback-checks-target-schema",
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
            rule: "release/rollback-checks-target-schema",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_BUILDS_WHAT_IT_FETCHES],
    source: include_str!("rollback_checks_target_schema.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    let flow = &script.flow;
    let all: Vec<&Command> = commands(script.program).collect();
    let source = all.iter().find(|command| moves_source(command)).map(|command| command.at);
    let last = all.iter().rfind(|command| builds(command)).map(|command| command.at);
    let first = all.iter().find(|c| builds(c) && Some(c.at) > source).map(|c| c.at);
    for command in &all {
        let Some(compose) = command.compose() else { continue };
        if !matches!(compose.verb, "run" | "exec") || Some(command.at) < source {
            continue;
        }
        let service = compose.services().first().and_then(|name| container(cx, name));
        let Some(service) = service.filter(|s| s.build.is_some()) else { continue };
        let at = nearest_call(cx, flow, command);
        if Some(command.at) < first && Some(command.at) < last {
            let says = format!("`{}` is still the release that is left", clip(&service.name));
            answers.bad(at, says);
            answers.context(command.span, "asks the code in the image");
        } else {
            answers.good(at, "asks after the build");
        }
    }
    if let Some(build) = all.iter().find(|c| Some(c.at) == first) {
        answers.good(place(cx, flow, build), "what is asked is asked after it");
    }
    answers.joined(
        "code is asked before it is built: build first, then ask",
        "what asks the target's code runs the target's image",
        "it cannot be told which code is asked",
    )
}
