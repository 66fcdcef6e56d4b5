//! # The platform waits longer than the service takes to stop
//!
//! The time that the program gives itself to stop is no longer than the grace after which the
//! platform kills it.
//!
//! A program that allows its requests thirty seconds to finish, in a container that is killed after
//! ten, never uses the other twenty: the requests are cut off, and the connections stay open at
//! their other end.
//!
//! Set `stop_grace_period` (compose) or `terminationGracePeriodSeconds` (Kubernetes) to more than
//! the program's own limit, or lower that. Left out, compose waits 10 seconds, Kubernetes 30.
//!
//! The program's limit is the timer in its signal handler that ends the process.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const server = require("http").createServer();
//! process.on("SIGTERM", () => {
//!   setTimeout(() => process.exit(1), 30000); // <- ends after 30 s
//!   server.close(() => process.exit(0));
//! });
//! server.listen(3000);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- killed after 10 s
//!     build: .
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     stop_grace_period: 40s # <- killed after 40 s
//! ```
//!
//! ## Passes
//!
//! `web/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js .
//! CMD ["node", "main.js"]
//! ```
//! `web/main.js`:
//! ```js
//! const server = require("http").createServer();
//! process.on("SIGTERM", () => {
//!   setTimeout(() => process.exit(1), 5000); // <- ends after 5 s
//!   server.close(() => process.exit(0));
//! });
//! server.listen(3000);
//! ```
//! `k8s/web.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: web}
//! spec:
//!   template:
//!     spec:
//!       terminationGracePeriodSeconds: 20 # <- killed after 20 s
//!       containers:
//!         - name: web
//!           image: web:1.0.0
//! ```
//!
//! By a variable that compose sets:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const server = require("http").createServer();
//! process.on("SIGTERM", () => {
//!   setTimeout(() => process.exit(1), Number(process.env.STOP_SECONDS || 30) * 1000);
//!   server.close(() => process.exit(0));
//! });
//! server.listen(3000);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     environment:
//!       STOP_SECONDS: ${STOP_SECONDS:-5} # <- ends after 5 s
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const server = require("http").createServer();
//! process.on("SIGTERM", () => {
//!   setTimeout(() => process.exit(1), 30000);
//!   server.close(() => process.exit(0));
//! });
//! server.listen(3000);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     stop_grace_period: ${GRACE} # <- not known
//! ```
//!
//! How long it takes, who deploys it says:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const server = require("http").createServer();
//! process.on("SIGTERM", () => {
//!   setTimeout(() => process.exit(1), Number(process.env.STOP_SECONDS || 30) * 1000);
//!   server.close(() => process.exit(0));
//! });
//! server.listen(3000);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     environment:
//!       STOP_SECONDS: ${STOP_SECONDS} # <- Write the value
//! ```
//!
//! ## See also
//!
//! - `runtime/stops-gracefully`: what the handler closes.

use plimsoll_model::container::ContainerKind;
use plimsoll_model::mend::Data;
use plimsoll_model::{Fact, Why};
use plimsoll_source::Span;

use crate::conditions::{HAS_IMAGE, LIMITS_ITS_STOP, SERVES};
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Subject, Verdict, mending, program, supplied,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/stop-grace-period",
    section: Section::RuntimeSecurity,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: Some("runtime/stops-gracefully"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE, &SERVES, &LIMITS_ITS_STOP],
    source: include_str!("stop_grace_period.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let servers = startup::servers(cx, Subject::Service(service.id));
    startup::judge(service, &servers, |start| match limit(cx, service, start) {
        Ok((limit, at)) => of_start(cx, service, start, limit, at),
        Err((why, at)) => Verdict::unknown(
            why,
            "how long the program gives itself to stop is not known: write the number",
            Evidence::context(at, why.decide()),
        ),
    })
}

/// The longest that the program gives itself to stop, in milliseconds.
///
/// # Errors
/// Why that is not known, and where.
fn limit(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    start: &Start<'_>,
) -> Result<(u64, Span), (Why, Span)> {
    let code = program::code(service)?;
    let mut longest: Option<(u64, Span)> = None;
    for signal in ["SIGTERM", "SIGINT"] {
        let of = code.handlers.iter().filter(|handler| handler.signal == signal);
        for timeout in of.filter_map(|handler| handler.timeout.as_ref()) {
            let limit = supplied::limit(cx, service, start, code, timeout)?;
            longest = longest.filter(|known| known.0 >= limit.0).or(Some(limit));
        }
        if longest.is_some() {
            break;
        }
    }
    longest.ok_or((Why::NeedsRun, service.place))
}

/// What is killed after: compose's time where none is set, Kubernetes' for pods.
const fn default_grace(start: &Start<'_>) -> u64 {
    match start.container {
        Some(container) if matches!(container.kind, ContainerKind::Kubernetes { .. }) => 30,
        _ => 10,
    }
}

fn of_start(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    start: &Start<'_>,
    limit: u64,
    at: Span,
) -> Verdict {
    let own = start.container.map_or(service.place, |container| container.span);
    let (grace, place) = match start.container.map_or(&Fact::Absent, |c| &c.stop_grace) {
        Fact::Known { value, at, .. } => (*value, at.span.unwrap_or(own)),
        Fact::Absent => (default_grace(start), own),
        Fact::Unknown(why, span) => {
            let message = "how long the platform waits for the service to stop is not known";
            let evidence = Evidence::context(span.unwrap_or(own), "not known");
            return Verdict::unknown(*why, message, evidence);
        }
    };
    let seconds = limit.div_ceil(1000);
    let ends = format!("ends after {seconds} s");
    let killed = format!("killed after {grace} s");
    if limit <= grace.saturating_mul(1000) {
        return Verdict::pass(
            "the platform waits at least as long as the program takes to stop",
            Evidence::shows(at, ends),
        )
        .and(Evidence::shows(place, killed));
    }
    let fail = Verdict::fail(
        format!(
            "the program stops for up to {seconds} s and is killed after {grace} s: wait longer"
        ),
        Evidence::contradicts(at, ends),
    )
    .and(Evidence::missing_in(place, killed));
    if start.container.is_some_and(|container| !container.stop_grace.is_absent()) {
        return fail;
    }
    startup::unless_elsewhere(cx, service, fail)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let servers = startup::servers(cx, Subject::Service(service.id));
    let limits = servers.iter().filter_map(|start| limit(cx, service, start).ok());
    let (limit, _) = limits.max_by_key(|(after, _)| *after)?;
    let grace = limit.div_ceil(1000) + 10;
    let container = servers.iter().find_map(|start| start.container)?;
    let text = if matches!(container.kind, ContainerKind::Kubernetes { .. }) {
        format!("spec:\n  template:\n    spec:\n      terminationGracePeriodSeconds: {grace}\n")
    } else {
        format!("services:\n  {}:\n    stop_grace_period: {grace}s\n", container.name)
    };
    let edits = servers.iter().filter_map(|start| {
        let container = start.container.filter(|container| mending::is_compose(container))?;
        let short = container.stop_grace.known().copied().unwrap_or(10) * 1000 < limit;
        let known = container.stop_grace.unknown().is_none();
        (short && known).then(|| {
            let grace = Data::scalar(format!("{grace}s"));
            mending::set(cx, container, &[("stop_grace_period", grace)])
        })?
    });
    Some(Fix::of_edits(
        format!("give the service {grace} seconds to stop"),
        Safety::Review,
        mending::snippet(cx.path(container.file), "yaml", text),
        edits.flatten().collect(),
    ))
}
