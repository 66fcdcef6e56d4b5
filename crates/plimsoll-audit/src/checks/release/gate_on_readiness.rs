//! # What a deployment waits for is readiness
//!
//! Where the program has a route that says whether it can work (`/readyz`, `/ready`, `/health/ready`),
//! scripts that deploy or check a deployment ask it before they call the release good; a health check of
//! one colour does too.
//!
//! A liveness route answers as long as the process runs. A release that cannot reach its database passes,
//! is switched in, and stays: the automatic rollback asks the same route.
//!
//! Ask `/readyz`. A script that asks both is fine. Where the program cannot be followed, a line of its
//! source that registers such a path counts.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! COPY main.js .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```javascript
//! const app = require("express")();
//! app.get("/healthz", (req, res) => res.json({ ok: true }));
//! app.get("/readyz", async (req, res) => res.json(await check()));
//! app.listen(3000);
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d
//! curl -fsS http://localhost:3000/healthz # <- liveness
//! ```
//!
//! ## Fixed
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d
//! curl -fsS http://localhost:3000/readyz # <- readiness
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! COPY main.js .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```javascript
//! const app = require("express")();
//! app.get("/healthz", (req, res) => res.json({ ok: true }));
//! app.get("/readyz", async (req, res) => res.json(await check()));
//! app.listen(3000);
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! ask() { curl -fsS "http://localhost:3000$1"; }
//! docker compose up -d
//! ask /healthz
//! ask /readyz # <- readiness
//! ```
//!
//! ## Does not apply
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d
//! curl -fsS http://localhost:3000/healthz
//! ```

use plimsoll_model::ImageId;
use plimsoll_model::code::Code;
use plimsoll_model::flow::{Command, CommandKind};
use plimsoll_model::image::HealthTest;
use plimsoll_model::script::Program;
use plimsoll_model::service::Service;
use plimsoll_source::Span;

use crate::answers::Answers;
use crate::conditions::GATES_AND_IS_READY;
use crate::releasing::{
    container, is_client, is_deployer, pairs, registered, split_colour, text_at,
};
use crate::scripts::is_named;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/gate-on-readiness",
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
            rule: "release/gate-on-readiness",
            relation: Relation::Same,
        }],
    }],
    when: &[&GATES_AND_IS_READY],
    source: include_str!("gate_on_readiness.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    // Source is looked through once a service.
    let ready: Vec<Option<(String, Span)>> =
        cx.delivery.services.iter().map(|service| of_service(cx, service)).collect();
    let Some((route, at)) = ready.iter().flatten().next().cloned() else {
        return answers.joined("", "", "");
    };
    for script in cx.operational_scripts().filter(|script| gates(cx, script.program)) {
        let all = script.flow.commands.iter().filter(|c| !script.flow.is_aside(c));
        let asked = |command: &&Command, paths: &[&str]| {
            let written = command.kind == CommandKind::Function || is_client(command);
            written && command.words.iter().skip(1).any(|word| asks(word, paths))
        };
        let good = all.clone().find(|command| asked(command, &READY));
        if let Some(good) = good {
            answers.good(good.span, "asks for readiness");
            continue;
        }
        for command in all.filter(|command| asked(command, &LIVE)) {
            // The call that names the route, not what the function makes of it.
            let written = text_at(cx, command.span)
                .is_some_and(|text| LIVE.iter().any(|path| text.contains(path)));
            if written && may_be_ready(cx, &ready, command) {
                answers.bad(command.span, format!("asks for liveness, and there is `{route}`"));
            }
        }
    }
    let paired = pairs(cx);
    let of_pair = |name: &str| {
        split_colour(name).is_some_and(|(base, colour)| colour != "canary" && paired.contains(base))
    };
    for container in cx.delivery.containers.iter().filter(|c| of_pair(&c.name)) {
        let Some(health) = &container.healthcheck else { continue };
        let live = match &health.test {
            HealthTest::Exec(words) => words.iter().any(|word| asks(word, &LIVE)),
            HealthTest::Shell(line) => asks(line, &LIVE),
            HealthTest::Http { path, .. } => asks(path, &LIVE),
            _ => false,
        };
        if live && container.image_id.is_some_and(|id| answers_for(cx, &ready, id)) {
            answers.bad(health.span, format!("asks for liveness, and there is `{route}`"));
        }
    }
    answers.context(at, format!("answers `{route}`"));
    answers.joined(
        "a deployment waits for liveness: ask the route that says it can work",
        "what a deployment waits for is readiness",
        "it cannot be told what a deployment waits for",
    )
}

const READY: [&str; 5] = ["/readyz", "/ready", "/readiness", "/health/ready", "/healthz/ready"];
const LIVE: [&str; 6] = ["/healthz", "/health", "/livez", "/live", "/ping", "/alive"];

/// Whether a word is an address of one of these paths, or such a path.
fn asks(word: &str, paths: &[&str]) -> bool {
    paths.iter().any(|path| {
        word.match_indices(path).any(|(at, _)| {
            let rest = &word[at + path.len()..];
            !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/'))
        })
    })
}

/// The route of a program that says whether it can work.
fn ready_route(code: &Code) -> Option<(String, Span)> {
    code.routes.iter().find_map(|route| {
        let path = route.path.known()?;
        let ready = READY.iter().any(|ready| path.ends_with(ready));
        ready.then(|| (path.clone(), route.at))
    })
}

/// A route of a program of the repository that says whether it can work.
pub(crate) fn readiness(cx: &Cx<'_>) -> Option<(String, Span)> {
    cx.delivery.services.iter().find_map(|service| of_service(cx, service))
}

/// The same, of one service: what its program is read to answer, else what its source registers.
fn of_service(cx: &Cx<'_>, service: &Service) -> Option<(String, Span)> {
    let read = service.code.as_ref();
    let written = || {
        // Of many services only those are asked whose programs are read.
        let few = cx.delivery.services.len() <= 8;
        few.then(|| registered(cx, &service.dir, &READY)).flatten()
    };
    read.and_then(ready_route).or_else(written)
}

/// Whether the program of an image has such a route.
fn answers_for(cx: &Cx<'_>, ready: &[Option<(String, Span)>], image: ImageId) -> bool {
    let mut services = cx.delivery.services.iter().zip(ready);
    services.any(|(service, ready)| service.images.contains(&image) && ready.is_some())
}

/// Whether what a command asks has a route that says whether it can work: the container that it
/// names, or else most services.
fn may_be_ready(cx: &Cx<'_>, ready: &[Option<(String, Span)>], command: &Command) -> bool {
    let named = command.words.iter().find_map(|word| {
        let word = word.rsplit("//").next().unwrap_or(word);
        let word = word.split([':', '/']).next().unwrap_or(word);
        container(cx, word).filter(|_| word.len() > 1)
    });
    if let Some(container) = named {
        return container.image_id.is_some_and(|id| answers_for(cx, ready, id));
    }
    let services = cx.delivery.services.iter().zip(ready);
    let production = services.filter(|(service, _)| service.purpose.is_production());
    let (with, without): (Vec<_>, Vec<_>) = production.partition(|(_, ready)| ready.is_some());
    with.len() >= without.len()
}

/// Whether a script decides by what it asks: it deploys, or checks what was deployed.
pub(crate) fn gates(cx: &Cx<'_>, program: &Program) -> bool {
    is_deployer(cx, program) || is_named(cx, program, &["smoke", "verify", "gate"])
}
