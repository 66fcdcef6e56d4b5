//! # Containers are told to end, and have the time
//!
//! A datastore of a compose file has a `stop_grace_period`; a container whose command is a shell's (`sh -c`)
//! hands its place over (`exec`) or runs under an init (`init: true`).
//!
//! Ten seconds after SIGTERM compose kills. A database that was still writing replays its log at the next start,
//! or is broken; a shell as the first process hands no signal on, so that what it started is always killed.
//!
//! Write `stop_grace_period: 1m` for `exec` before the last command of a shell or `init: true`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db: # <- ten seconds to end
//!     image: postgres:17.2
//! ```
//!
//! A shell:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     command: sh -c "migrate && node server.js" # <- a shell hands no signal on
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17.2
//!     stop_grace_period: 1m # <- time to end
//! ```
//!
//! By `exec`:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     command: sh -c "migrate && exec node server.js" # <- hands its place over
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     init: true # <- an init hands signals on
//!     command: ["/bin/sh", "-c", "node server.js | tee log"]
//!   worker:
//!     image: acme/web:1.2.0
//!     command: node worker.js # <- no shell
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```

use plimsoll_model::container::Container;
use plimsoll_model::image::Exec;

use crate::answers::Answers;
use crate::conditions::COMPOSE_STOPS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
    composed,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/shutdown-configured",
    section: Section::Compose,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP053", relation: Relation::Same }],
    }],
    when: &[&COMPOSE_STOPS],
    source: include_str!("shutdown_configured.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for composed in composed::projects(cx) {
        for container in composed.containers.into_iter().filter(|container| !container.job) {
            if composed::is_store(container) {
                match (container.stop_grace.span(), container.stop_grace.unknown()) {
                    (_, Some((why, at))) => {
                        let at = at.unwrap_or(container.span);
                        answers.unsure(why, at, "how long it has to end is not known");
                    }
                    (Some(at), None) => answers.good(at, "has time to end"),
                    (None, None) => answers.missing(container.span, "has ten seconds to end"),
                }
            }
            command(&mut answers, container);
        }
    }
    answers.joined(
        "a container is killed instead of ended: set `stop_grace_period`, `exec` or `init: true`",
        "containers are told to end, and have the time",
        "it cannot be told whether containers have the time to end",
    )
}

fn command(answers: &mut Answers, container: &Container) {
    let Some(exec) = container.entrypoint.as_ref().or(container.command.as_ref()) else { return };
    let init = container.init.known() == Some(&true);
    match (script(exec), container.init.span()) {
        (Some(_), Some(at)) if init => answers.good(at, "an init hands signals on"),
        (Some(text), _) if ends_in_exec(text) => answers.good(exec.span, "hands its place over"),
        (Some(_), _) => answers.bad(exec.span, "a shell hands no signal on"),
        (None, _) => answers.good(exec.span, "no shell stands before it"),
    }
}

/// The text that a shell is given.
fn script(exec: &Exec) -> Option<&str> {
    let [(program, _), rest @ ..] = exec.words.as_slice() else { return None };
    let shell = matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash"));
    let at = rest.iter().position(|(word, _)| {
        word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
    })?;
    rest.get(at + 1).filter(|_| shell).map(|(text, _)| &**text)
}

/// Whether the last command of a text takes the shell's place.
fn ends_in_exec(text: &str) -> bool {
    let last = text.trim().trim_end_matches(';').rsplit(['\n', ';', '&', '|']).next();
    last.is_some_and(|command| command.trim_start().starts_with("exec "))
}
