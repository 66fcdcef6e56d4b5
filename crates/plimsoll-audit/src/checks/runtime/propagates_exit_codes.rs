//! # A start that fails ends the container with an error
//!
//! When a migration or another step before the process fails, the start script ends with a status
//! other than 0 (`set -e`, `|| exit 1`, a checked `$?`), and the process itself does so when it
//! cannot start.
//!
//! Orchestrators know nothing but the exit code. A failure that is swallowed starts the new
//! version on the old schema, and no rollback and no alarm follows.
//!
//! Begin the script with `set -eu`, and take `|| true` away. That a failure in the script is swallowed
//! is a FAIL, whatever else holds. PARTIAL: the script stops, and the program catches what fails when
//! it starts and goes on; end it by `process.exit(1)`. Of servers that are known (nginx, uvicorn …)
//! it is known how they exit.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY start.sh /
//! ENTRYPOINT ["/start.sh"]
//! CMD ["node", "/app/main.js"]
//! ```
//! `start.sh`:
//! ```sh
//! #!/bin/sh
//! npm run migrate # <- goes on
//! exec "$@"
//! ```
//!
//! In the line of a CMD:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! CMD alembic upgrade head || true; exec uvicorn app:api # <- goes on
//! ```
//!
//! ## Fixed
//!
//! `start.sh`:
//! ```sh
//! #!/bin/sh
//! set -e # <- stops
//! npm run migrate
//! exec "$@"
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! COPY start.sh /
//! ENTRYPOINT ["/start.sh"]
//! CMD ["nginx", "-g", "daemon off;"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! CMD ["sh", "-c", "alembic upgrade head && exec uvicorn app:api"] # <- stops
//! ```
//!
//! The program ends by itself:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! ENTRYPOINT ["/app/start.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `start.sh`:
//! ```sh
//! #!/bin/sh
//! npm run migrate || exit 1 # <- stops
//! exec "$@" # <- its status is the container's
//! ```
//! `main.js`:
//! ```js
//! const app = require("fastify")();
//! const start = async () => app.listen({ port: 3000 });
//! start().catch((error) => {
//!   console.error(error);
//!   process.exit(1); // <- ends the process with an error
//! });
//! ```
//!
//! A program in Go that ends when it cannot listen:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /orders .
//! EXPOSE 8080
//! ENTRYPOINT ["/src/start.sh"]
//! CMD ["/orders"]
//! ```
//! `start.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! exec "$@"
//! ```
//! `go.mod`:
//! ```text
//! module example.org/orders
//!
//! go 1.26
//! ```
//! `main.go`:
//! ```go
//! package main
//!
//! import (
//!     "log"
//!     "net/http"
//! )
//!
//! func main() {
//!     log.Fatal(http.ListenAndServe(":8080", nil)) // <- ends the process with an error
//! }
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! ENTRYPOINT ["/app/start.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `start.sh`:
//! ```sh
//! #!/bin/sh
//! npm run migrate || exit 1 # <- stops
//! exec "$@" # <- its status is the container's
//! ```
//! `main.js`:
//! ```js
//! const app = require("fastify")();
//! async function start() {
//!   try {
//!     await app.listen({ port: 3000 });
//!   } catch (error) { // <- goes on
//!     console.error(error);
//!   }
//! }
//! start();
//! ```
//!
//! ## Cannot tell
//!
//! The script is right, and how the program exits is not known:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 # <- (Go) is not read
//! COPY start.sh /
//! ENTRYPOINT ["/start.sh"]
//! CMD ["/orders"]
//! ```
//! `start.sh`:
//! ```sh
//! #!/bin/sh
//! /orders migrate || exit 1 # <- stops
//! exec "$@"
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "/app/main.js"]
//! ```

use plimsoll_model::Why;
use plimsoll_model::code::StartFailure;
use plimsoll_model::entrypoint::{BeforeStart, OnFailure, ScriptSource};
use plimsoll_model::mend::shell;
use plimsoll_source::Edit;

use crate::conditions::{HAS_IMAGE, STARTS_BY_A_SCRIPT};
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Subject, Verdict, mending, program, served,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/propagates-exit-codes",
    section: Section::RuntimeSecurity,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE, &STARTS_BY_A_SCRIPT],
    source: include_str!("propagates_exit_codes.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let starts = startup::starts(cx, Subject::Service(service.id));
    startup::judge(service, &starts, |start| of_start(cx, service, start))
}

/// Commands whose failure matters: those that work, not those that ask or only wait.
fn matters(command: &&BeforeStart) -> bool {
    let name = command.words.first().map_or("", |w| w.rsplit('/').next().unwrap_or(w));
    let waits = matches!(name, "sleep" | "wait" | "kill" | "pg_isready" | "nc" | "ping");
    command.migrates || command.long && !command.asked && !waits
}

fn of_start(cx: &Cx<'_>, service: ServiceSubject<'_>, start: &Start<'_>) -> Verdict {
    let Some(startup) = start.startup() else { return startup::unparsed(cx, start.image) };
    let judged: Vec<&BeforeStart> = startup.before.iter().filter(matters).collect();
    let said = |command: &BeforeStart| {
        let words: String = command.words.join(" ").chars().take(40).collect();
        words.trim_end().to_owned()
    };
    let mut swallowed = judged.iter().filter_map(|command| match command.on_failure {
        OnFailure::Ignored(_) => Some(Evidence::contradicts(
            command.span,
            format!("when `{}` fails, the start goes on", said(command)),
        )),
        _ => None,
    });
    if let Some(first) = swallowed.next() {
        let message =
            "a failure before the start is swallowed: begin with `set -e`, drop `|| true`";
        return Verdict::fail(message, first).and_all(swallowed);
    }
    if startup.script.is_none() && judged.is_empty() && startup.unknown.is_none() {
        return Verdict::not_applicable(
            "does not apply: nothing here starts by a script",
            Evidence::context(startup.at, "starts the process itself"),
        );
    }
    let unread = judged.iter().find_map(|command| match command.on_failure {
        OnFailure::Unknown(why) => Some((why, command.span)),
        _ => None,
    });
    if let Some((why, at)) = unread
        .or(startup.unknown)
        .or_else(|| start.image.broken.then(|| (Why::Unparsed, cx.start_of(start.image.file))))
    {
        return Verdict::unknown(
            why,
            "what happens when the start fails cannot be followed: keep the script simple",
            Evidence::context(at, why.decide()),
        );
    }
    let stops: Vec<Evidence> = judged
        .iter()
        .flat_map(|command| match command.on_failure {
            OnFailure::Stops(at) => vec![
                Evidence::shows(at, format!("stops the start when `{}` fails", said(command))),
                Evidence::context(command.span, "runs before the process"),
            ],
            _ => Vec::new(),
        })
        .collect();
    let exec = startup.script.as_ref().and_then(|script| script.exec);
    let starts = Evidence::shows(exec.unwrap_or(startup.at), "its status is the container's");
    let server = startup::program(&startup.app).map_or("", |(name, _)| name);
    if startup::is_known_server(server) {
        return Verdict::pass(
            format!("a failing start ends with an error, {server}'s too"),
            starts,
        )
        .and_all(stops);
    }
    let unknown = |reason| {
        let message = "the script stops on failure; how the program exits cannot be told";
        served::unread(cx, service, reason, message).and(starts.clone()).and_all(stops.clone())
    };
    let code = match program::code(service) {
        Ok(code) => code,
        Err(reason) => return unknown(reason),
    };
    let at = code.entry.span().unwrap_or(startup.at);
    let exits = match code.start_failure {
        StartFailure::Unknown(why, place) => return unknown((why, place.unwrap_or(at))),
        StartFailure::Swallowed(place) => {
            let message = "the program goes on when it cannot start: end it by `process.exit(1)`";
            let caught = Evidence::contradicts(place, "goes on after a failure to start");
            return Verdict::partial(message, caught).and(starts).and_all(stops);
        }
        StartFailure::Exits(Some(place)) => {
            Evidence::shows(place, "ends the process with an error")
        }
        StartFailure::Exits(None) => match program::gap(code) {
            Some(reason) => return unknown(reason),
            None => Evidence::shows(at, "catches no failure to start: the process ends by it"),
        },
    };
    Verdict::pass("a failing start ends with an error, the script's and the program's", starts)
        .and(exits)
        .and_all(stops)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let starts = startup::starts(cx, Subject::Service(service.id));
    let startup = starts.first()?.startup()?;
    let command = startup.before.iter().find(matters)?.words.join(" ");
    let path = match startup.script.as_ref().map(|script| &script.source) {
        Some(&ScriptSource::Tracked(file)) => cx.path(file).to_owned(),
        _ if service.dir.is_empty() => "docker/entrypoint.sh".to_owned(),
        _ => format!("{}/docker/entrypoint.sh", service.dir),
    };
    // What becomes of it is known where the program's own end is.
    let server = startup::program(&startup.app).map_or("", |(name, _)| name);
    let exits = program::code(service)
        .is_ok_and(|code| matches!(code.start_failure, StartFailure::Exits(_)));
    let all = starts.iter().filter(|_| exits || startup::is_known_server(server));
    let edits = all.filter_map(|start| {
        let startup = start.startup()?;
        let script = startup.script.as_ref()?;
        let swallowed = startup.before.iter().filter(matters);
        let swallowed = swallowed.filter(|one| matches!(one.on_failure, OnFailure::Ignored(_)));
        let edits = swallowed.filter_map(|one| {
            shell::exit_on_failure(&cx.delivery.tree, &script.text, &script.script, one.span)
        });
        Some(edits.flatten().collect::<Vec<_>>())
    });
    let mut edits: Vec<Edit> = edits.flatten().collect();
    edits.dedup();
    Some(Fix::of_edits(
        "stop the start when something before it fails",
        Safety::Review,
        mending::snippet(
            &path,
            "sh",
            format!(
                "#!/bin/sh\nset -eu\n{command} || {{ echo \"failed: {}\" >&2; exit 1; }}\nexec \"$@\"\n",
                command.replace(['"', '$', '`', '\\'], "")
            ),
        ),
        edits,
    ))
}
