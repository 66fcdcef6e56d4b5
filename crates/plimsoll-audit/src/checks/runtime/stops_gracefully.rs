//! # The service stops gracefully on SIGTERM
//!
//! On SIGTERM the process stops taking requests, ends its workers, closes its connections and
//! exits before the platform's grace is over.
//!
//! Every deployment stops every instance once. What is cut off then is a request, a payment or a
//! job of somebody's; and a container that does not react is killed after its grace, which makes
//! every deployment slow.
//!
//! Register the handler before listening, close the server, then queues and pools; give the
//! platform more time than the handler takes: `stop_grace_period: 40s`.
//!
//! What a handler closes stands in the source, which is not read yet. What is decided without it:
//! a signal that never arrives, or one that nothing can handle; and web servers that are known to
//! finish their requests.
//!
//! ## Fails
//!
//! The script stays process 1 and keeps the signal:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY start.sh /
//! ENTRYPOINT ["/start.sh"]
//! ```
//! `start.sh`:
//! ```sh
//! #!/bin/sh
//! node /app/main.js # <- below the shell
//! ```
//!
//! A signal that kills:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! STOPSIGNAL SIGKILL # <- no process can handle
//! CMD ["nginx", "-g", "daemon off;"]
//! ```
//!
//! No time at all:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY main.js /app/
//! CMD ["node", "/app/main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     stop_grace_period: 0s # <- no time
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine # <- finishes
//! COPY site /usr/share/nginx/html
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "/app/main.js"] # <- source
//! ```
//!
//! ## Does not apply
//!
//! A job ends by itself:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY migrate.js /app/
//! CMD ["node", "/app/migrate.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   migrate:
//!     build: .
//!   web:
//!     image: registry.example/team/web:4
//!     depends_on:
//!       migrate:
//!         condition: service_completed_successfully
//! ```

use plimsoll_model::Why;
use plimsoll_model::entrypoint::Startup;

use crate::conditions::{HAS_IMAGE, SERVES, STARTS_A_PROCESS};
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, ServiceSubject, Severity, Status,
    Subject, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/stops-gracefully",
    section: Section::Safeguards,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &["runtime/init-as-pid1"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE, &STARTS_A_PROCESS, &SERVES],
    source: include_str!("stops_gracefully.rs"),
    run: Run::Service(run),
    fix: None,
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let servers = startup::servers(cx, Subject::Service(service.id));
    startup::judge(cx, service, &servers, |start| of_start(cx, start))
}

fn of_start(cx: &Cx<'_>, start: &Start<'_>) -> Verdict {
    if let Some(container) = start.container.filter(|c| c.stop_grace.known() == Some(&0)) {
        let at = container.stop_grace.span().unwrap_or(container.span);
        return Verdict::fail(
            "the grace is zero: give the process time to stop",
            Evidence::contradicts(at, "no time to stop"),
        );
    }
    let signal = start.image.final_stage().and_then(|stage| stage.config.stop_signal.as_ref());
    if let Some((signal, at)) = signal
        && matches!(
            &*signal.to_ascii_uppercase(),
            "SIGKILL" | "KILL" | "9" | "SIGSTOP" | "STOP" | "19"
        )
    {
        return Verdict::fail(
            format!("STOPSIGNAL {signal} leaves no time to stop: use SIGTERM"),
            Evidence::contradicts(*at, "a signal that no process can handle"),
        );
    }
    let Some(startup) = start.startup().filter(|_| !start.image.broken) else {
        return startup::unparsed(cx, start.image);
    };
    let traps = startup
        .script
        .as_ref()
        .is_some_and(|script| String::from_utf8_lossy(script.text.text()).contains("trap"));
    if let Some(at) = startup.below_shell.filter(|_| !traps) {
        return Verdict::fail(
            "SIGTERM ends at the script's shell: start the process by `exec`",
            Evidence::contradicts(at, "started below the shell, which passes no signal on"),
        );
    }
    if let Some(at) = finishes(start, startup) {
        return Verdict::pass(
            "the web server finishes its requests when it is stopped",
            Evidence::shows(at, "a web server that finishes its requests"),
        );
    }
    let program = startup::program(&startup.app).map_or("the process", |(name, _)| name);
    let (why, at) = startup.unknown.unwrap_or((Why::Unsupported, startup.at));
    Verdict::unknown(
        why,
        format!("what `{program}` closes on SIGTERM stands in its source: look by hand"),
        Evidence::context(at, "what it starts; its source is not read yet"),
    )
}

/// The place that starts a web server which serves files and has nothing else to close. The images
/// of nginx and httpd set the signal on which these finish their requests.
fn finishes(start: &Start<'_>, startup: &Startup) -> Option<plimsoll_source::Span> {
    let (program, at) = startup.app.first().map(|(word, at)| (word.as_str(), *at))?;
    let base = startup::base_name(start.image);
    let signal = start.image.final_stage().and_then(|stage| stage.config.stop_signal.as_ref());
    let holds = match program.rsplit('/').next().unwrap_or(program) {
        "nginx" => match signal {
            Some((signal, _)) => signal.ends_with("QUIT"),
            None => matches!(base, "nginx" | "nginx-unprivileged"),
        },
        "httpd" | "httpd-foreground" => base == "httpd" && signal.is_none(),
        "caddy" => base == "caddy" && signal.is_none(),
        _ => false,
    };
    holds.then_some(at)
}
