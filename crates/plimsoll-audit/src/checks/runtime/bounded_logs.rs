//! # Logs are kept and bounded
//!
//! Every container of a compose project bounds its log (`logging.options.max-size`) or sends it elsewhere, and
//! none throws it away (`driver: none`).
//!
//! The engine's own driver writes one file a container that never ends: in weeks it fills the disk, and with
//! it the database, the backups and the way to log in. A container without a log cannot be asked what happened.
//!
//! Write the bound once, as a fragment (`x-logging`), or in the engine's `daemon.json` for all. The fix, for
//! review, does the former: what a log keeps is then 30 megabytes.
//!
//! A `daemon.json` of the repository that sets `max-size` counts for all; another driver (`journald`, `loki`,
//! `local`) bounds by itself.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services: # <- 2 of 3 containers
//!   web:
//!     image: acme/web:1.2.0
//!   cron:
//!     image: acme/cron:1.2.0
//!   worker:
//!     image: acme/worker:1.2.0
//!     logging: { driver: journald }
//! ```
//!
//! Thrown away:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     logging:
//!       driver: "none" # <- thrown away
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! x-logging: &logging
//!   driver: json-file
//!   options:
//!     max-size: 10m # <- bounds
//!     max-file: "3"
//!
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     logging: *logging
//!   cron:
//!     image: acme/cron:1.2.0
//!     logging: *logging
//!   worker:
//!     image: acme/worker:1.2.0
//!     logging: { driver: journald }
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```
//! `deploy/daemon.json`:
//! ```json
//! { "log-driver": "json-file", "log-opts": { "max-size": "10m" } }
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     logging:
//!       driver: ${LOG_DRIVER} # <- Write the value
//! ```

use crate::composed::Composed;
use crate::conditions::IN_COMPOSE;
use crate::evidence::Role;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, Why, composed, driver, mending,
};
use plimsoll_model::Fact;
use plimsoll_model::container::Container;
use plimsoll_source::{FileId, Span};

pub(super) static CHECK: Check = Check {
    id: "runtime/bounded-logs",
    section: Section::Compose,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 2.13"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part {
            name: "kept",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0014", relation: Relation::Same },
                Equivalent { tool: "catalogue", rule: "CMP054", relation: Relation::Wider },
            ],
        },
        Part {
            name: "bounded",
            equivalents: &[Equivalent {
                tool: "catalogue",
                rule: "CMP054",
                relation: Relation::Wider,
            }],
        },
        Part { name: "", equivalents: &[] },
    ],
    when: &[&IN_COMPOSE],
    source: include_str!("bounded_logs.rs"),
    run: Run::Repository(repository),
    fix: Some(fix),
};

fn repository(cx: &Cx<'_>) -> Verdict {
    let daemon = daemon(cx);
    let judged: Vec<(String, Verdict)> =
        composed::projects(cx).iter().map(|composed| judge(cx, composed, daemon)).collect();
    match cx.delivery.containers.first() {
        Some(first) => driver::join(judged, "has a compose project for production", first.span),
        None => Verdict::not_applicable(
            "does not apply: nothing here is deployed by a compose file",
            Evidence::missing_file(".", "no container"),
        ),
    }
}

/// A `daemon.json` that bounds the logs of all containers.
fn daemon(cx: &Cx<'_>) -> Option<FileId> {
    let files = cx.delivery.tree.entries().filter(|(_, entry)| entry.path.ends_with("daemon.json"));
    let bounds = |file: FileId| {
        let text = cx.delivery.tree.read(file).ok()?;
        memchr::memmem::find(&text, b"\"max-size\"").map(|_| file)
    };
    files.take(16).find_map(|(file, _)| bounds(file))
}

/// What becomes of a container's log.
enum Log {
    Off(Span),
    Unbounded,
    Bounded(Option<Span>),
    Unknown(Why, Span),
}

fn log(container: &Container) -> Log {
    let engine = &container.engine;
    let bound = engine.log_options.iter().find(|option| option.name == "max-size");
    match &engine.log_driver {
        Fact::Known { value, at, .. } => match value.trim().to_ascii_lowercase().as_str() {
            "none" => Log::Off(at.span.unwrap_or(container.span)),
            "json-file" => bound.map_or(Log::Unbounded, |option| Log::Bounded(Some(option.span))),
            _ => Log::Bounded(at.span),
        },
        Fact::Absent => bound.map_or(Log::Unbounded, |option| Log::Bounded(Some(option.span))),
        Fact::Unknown(why, at) => Log::Unknown(*why, at.unwrap_or(container.span)),
    }
}

fn judge(cx: &Cx<'_>, composed: &Composed<'_>, daemon: Option<FileId>) -> (String, Verdict) {
    let of_first = composed.containers.first().map(|container| container.span);
    let place = composed.project.services.or(of_first);
    let place = place.unwrap_or_else(|| cx.start_of(FileId(0)));
    let (mut off, mut shows, mut open, mut loose) = (Vec::new(), Vec::new(), None, 0);
    for container in &composed.containers {
        match log(container) {
            Log::Off(at) => {
                off.push(Evidence::contradicts(at, "its log is thrown away").part("kept"));
            }
            Log::Unbounded => loose += 1,
            Log::Bounded(at) => {
                shows.extend(at.map(|at| Evidence::shows(at, "bounds its log or sends it away")));
            }
            Log::Unknown(why, at) => open = Some((why, at)),
        }
    }
    let all = composed.containers.len();
    let unbounded = (loose > 0 && daemon.is_none()).then(|| {
        let says = format!("the logs of {loose} of {all} containers grow without bound");
        Evidence::missing_in(place, says).part("bounded")
    });
    let (mut off, mut shows) = (off.into_iter(), shows.into_iter());
    let verdict = match (off.next(), unbounded, open) {
        (Some(first), second, _) => {
            Verdict::fail("a container's log is thrown away: keep it", first).and_all(second)
        }
        (None, Some(first), _) => {
            Verdict::fail("logs grow until the disk is full: set `max-size` for each", first)
        }
        (None, None, Some((why, at))) => Verdict::unknown(
            why,
            "where a container's log goes depends on what is not known here",
            Evidence::context(at, why.decide()),
        ),
        (None, None, None) => {
            let by_daemon = || match daemon {
                Some(file) => Evidence::shows(cx.start_of(file), "bounds the logs of all"),
                None => Evidence::shows(place, "bounds its logs"),
            };
            let first =
                if loose > 0 { by_daemon() } else { shows.next().unwrap_or_else(by_daemon) };
            Verdict::pass("logs are kept and bounded", first)
        }
    };
    (cx.path(place.file).to_owned(), verdict.and_all(off).and_all(shows))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let open = finding.evidence.iter().filter(|e| e.role == Role::Missing && e.waived.is_none());
    let open: Vec<FileId> = open.filter_map(|e| e.file()).collect();
    let projects = composed::projects(cx);
    let asked = projects.iter().filter(|composed| {
        composed.project.services.is_none_or(|services| open.contains(&services.file))
    });
    let loose = asked.flat_map(|composed| composed.containers.iter().copied());
    let loose: Vec<&Container> = loose.filter(|c| matches!(log(c), Log::Unbounded)).collect();
    let first = loose.first()?;
    let own = [("logging", mending::containers::bounded_log())];
    Some(Fix::of_edits(
        "keep 30 megabytes of each log",
        Safety::Review,
        mending::containers::sample_in(cx, first, &own),
        mending::containers::bound_logs(cx, &loose),
    ))
}
