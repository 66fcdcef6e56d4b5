//! # An init is process 1 from the first moment on
//!
//! `tini`, `dumb-init` or the platform's init (`init: true`) is the first word of ENTRYPOINT: it
//! is process 1 for as long as the container lives.
//!
//! Process 1 gets the signals and inherits the orphans, and the kernel ignores for it what it does
//! not handle. A shell passes no signal on: while it runs migrations, `docker stop` waits out its
//! grace and then kills them half-way.
//!
//! Put the init first and let the script be its argument:
//! `ENTRYPOINT ["dumb-init", "--", "/app/entrypoint.sh"]`.
//!
//! Whether a process without an init handles SIGTERM itself stands in its source, which is not
//! read yet: the answer is then that it cannot be told, or PARTIAL for servers that are known to.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD node /app/main.js # <- shell form
//! ```
//!
//! A script that stays, and a package manager in front:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY start.sh /
//! ENTRYPOINT ["/start.sh"] # <- a shell
//! ```
//! `start.sh`:
//! ```sh
//! #!/bin/sh
//! node /app/main.js
//! ```
//!
//! Or:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["npm", "start"] # <- npm
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN apk add --no-cache tini
//! ENTRYPOINT ["/sbin/tini", "--"] # <- tini
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Passes
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
//!     init: true # <- docker-init
//! ```
//!
//! ## Partial
//!
//! The script runs first, and hands over to the init only when the migrations are done:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY start.sh /
//! ENTRYPOINT ["/start.sh", "dumb-init", "--"] # <- a shell
//! CMD ["node", "/app/main.js"]
//! ```
//! `start.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! npm run migrate # <- no signal
//! exec "$@"
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
//! `Dockerfile`:
//! ```dockerfile
//! FROM scratch
//! COPY app /app
//! ENTRYPOINT ["/app"]
//! ```
//!
//! ## See also
//!
//! - `runtime/stops-gracefully`: what the process does with the signal.

use plimsoll_model::Why;
use plimsoll_model::entrypoint::{self, Pid1, Startup};
use plimsoll_model::image::Exec;
use plimsoll_model::mend::Data;

use crate::conditions::{HAS_A_SYSTEM, HAS_IMAGE, SERVES, STARTS_A_PROCESS};
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Outcome, Part, Run, Safety, Section,
    ServiceSubject, Severity, Status, Subject, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/init-as-pid1",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &["runtime/exec-form-entrypoint"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE, &STARTS_A_PROCESS, &SERVES, &HAS_A_SYSTEM],
    source: include_str!("init_as_pid1.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let servers = startup::servers(cx, Subject::Service(service.id));
    startup::judge(cx, service, &servers, |start| of_start(cx, start))
}

fn of_start(cx: &Cx<'_>, start: &Start<'_>) -> Verdict {
    let (entrypoint, command) = entrypoint::commands(start.image, start.container);
    // After ENTRYPOINT in shell form, CMD is not looked at.
    let command = command.filter(|_| entrypoint.is_none_or(|e| !e.shell));
    let holds = |exec: &&Exec| {
        exec.shell
            && !exec.words.first().is_some_and(|(line, _)| line.trim_start().starts_with("exec "))
    };
    if let Some(exec) = entrypoint.into_iter().chain(command).find(holds) {
        return Verdict::fail(
            "a shell stands before the process: write the command as a JSON array behind an init",
            Evidence::contradicts(exec.span, "shell form: a shell takes the signals"),
        );
    }
    let Some(startup) = start.startup().filter(|_| !start.image.broken) else {
        return startup::unparsed(cx, start.image);
    };
    if let Some(init) = start.container.and_then(|c| c.init.unknown()) {
        let evidence = Evidence::context(init.1.unwrap_or(startup.at), "`init` is not known");
        return Verdict::unknown(
            init.0,
            "whether the platform adds an init depends on a variable",
            evidence,
        );
    }
    let base = start.image.final_stage().filter(|stage| stage.config.base_unknown);
    if let (Some(stage), None) = (base, entrypoint) {
        return Verdict::unknown(
            Why::NeedsNetwork,
            "the base image may set an init as its ENTRYPOINT: set one here",
            Evidence::context(stage.base_span, "not a base that is known"),
        );
    }
    judge(start, startup)
}

fn judge(start: &Start<'_>, startup: &Startup) -> Verdict {
    let at = startup.at;
    let init = startup.phases.iter().position(|phase| matches!(phase.pid1, Pid1::Init(_)));
    let before =
        startup.before.iter().filter(|command| command.long).map(|command| {
            Evidence::contradicts(command.span, "no signal reaches it under the shell")
        });
    if let Some((index, phase)) = init.and_then(|i| Some((i, startup.phases.get(i)?))) {
        let name = match &phase.pid1 {
            Pid1::Init(name) => name,
            _ => "init",
        };
        let shows = Evidence::shows(phase.span, format!("{name} becomes process 1"));
        return if index == 0 {
            Verdict::pass(format!("{name} is process 1"), shows)
        } else {
            let message = format!("a script runs before {name}: put {name} first in ENTRYPOINT");
            let evidence = Evidence::contradicts(at, "starts a script: process 1 is a shell first");
            Verdict::partial(message, evidence).and_all(before).and(shows)
        };
    }
    let unknown = startup.phases.iter().find_map(|phase| match phase.pid1 {
        Pid1::Unknown(why) => Some((why, phase.span)),
        _ => None,
    });
    if let Some((why, place)) = unknown.or(startup.unknown) {
        let message = "what becomes process 1 cannot be followed: put an init first in ENTRYPOINT";
        return Verdict::unknown(why, message, Evidence::context(place, why.decide()));
    }
    let Some(Pid1::App(app)) = startup.phases.last().map(|phase| &phase.pid1) else {
        return Verdict::fail(
            "a shell is process 1 and passes no signal on: put an init first in ENTRYPOINT",
            Evidence::contradicts(at, "process 1 is a shell"),
        );
    };
    if matches!(&**app, "npm" | "yarn" | "pnpm" | "npx" | "bun")
        && startup::base_name(start.image) != app
    {
        return Verdict::fail(
            format!("{app} is process 1: start the program itself, behind an init"),
            Evidence::contradicts(at, format!("process 1 is {app}")),
        );
    }
    if startup::is_known_server(app) {
        return Verdict::partial(
            format!("{app} handles its signals, but nothing reaps orphans: put an init first"),
            Evidence::contradicts(at, "no init"),
        );
    }
    Verdict::unknown(
        Why::Unsupported,
        format!("no init, and whether `{app}` handles SIGTERM stands in its source: add an init"),
        Evidence::missing_in(at, "no init; a handler would be in the source"),
    )
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let image = &cx.delivery[*service.images.first()?];
    let entrypoint = image.final_stage()?.config.entrypoint.as_ref().filter(|e| !e.shell);
    // The script that ENTRYPOINT starts stays, behind the init.
    let script = entrypoint
        .and_then(|e| e.words.first())
        .map(|(word, _)| word)
        .filter(|word| word.ends_with(".sh"))
        .map_or(String::new(), |word| format!(", \"{word}\""));
    let install = match startup::family(image) {
        startup::Tools::Apk => "RUN apk add --no-cache dumb-init\n",
        startup::Tools::Apt => {
            "RUN apt-get update && apt-get install -y --no-install-recommends dumb-init \\\n && rm -rf /var/lib/apt/lists/*\n"
        }
        startup::Tools::Other => "",
    };
    let mut edits = Vec::new();
    for start in startup::servers(cx, Subject::Service(service.id)) {
        let Some(container) = start.container.filter(|c| mending::is_compose(c)) else { continue };
        let verdict = of_start(cx, &start);
        let helps = matches!(verdict.outcome(), Outcome::Fail | Outcome::Partial)
            && !is_shell_form(&start)
            && start.startup().is_some()
            && !verdict
                .evidence
                .iter()
                .any(|evidence| evidence.says.ends_with("becomes process 1"));
        if helps && container.init.unknown().is_none() {
            let init = mending::set(cx, container, &[("init", Data::scalar("true"))]);
            edits.extend(init.into_iter().flatten());
        }
    }
    Some(Fix::of_edits(
        "make an init process 1",
        Safety::Review,
        mending::snippet(
            &image.path,
            "dockerfile",
            format!("{install}ENTRYPOINT [\"dumb-init\", \"--\"{script}]\n"),
        ),
        edits,
    ))
}

/// Whether a command in shell form puts a shell before the process, whatever the platform does.
fn is_shell_form(start: &Start<'_>) -> bool {
    let (entrypoint, command) = entrypoint::commands(start.image, start.container);
    entrypoint.into_iter().chain(command).any(|exec| exec.shell)
}
