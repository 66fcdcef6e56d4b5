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
//! Whether a process without an init handles SIGTERM itself stands in its source. Where that is not
//! read it cannot be told; PARTIAL for programs that do and servers that are known to, and for those
//! in Go, which the signal ends in any case.
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
//! The init is not in the image:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! RUN apk add --no-cache dumb-init
//! FROM node:20-alpine
//! ENTRYPOINT ["dumb-init", "--"] # <- is not in the image
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! Nothing handles the signal:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! CMD ["node", "main.js"] # <- no init
//! ```
//! `main.js`:
//! ```js
//! require("http").createServer((request, reply) => reply.end()).listen(3000);
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
//! No init, and the program handles the signal itself:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY main.js ./
//! CMD ["node", "main.js"] # <- no init
//! ```
//! `main.js`:
//! ```js
//! const server = require("http").createServer((request, reply) => reply.end());
//! process.once("SIGTERM", () => server.close()); // <- handles SIGTERM
//! server.listen(3000);
//! ```
//!
//! A program in Go, which SIGTERM ends even as process 1:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /orders .
//! EXPOSE 8080
//! CMD ["/orders"] # <- no init
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
//!     log.Fatal(http.ListenAndServe(":8080", nil))
//! }
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
use plimsoll_model::base;
use plimsoll_model::code::Language;
use plimsoll_model::entrypoint::{self, Pid1, Startup};
use plimsoll_model::image::{Base, Exec, Image};
use plimsoll_model::mend::{self, Data, dockerfile};

use plimsoll_source::{Edit, Span, TextRange};
use plimsoll_syntax::dockerfile::{Instruction, Keyword, Word};

use crate::conditions::{HAS_A_SYSTEM, HAS_IMAGE, SERVES, STARTS_A_PROCESS};
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Outcome, Part, Run, Safety, Section,
    ServiceSubject, Severity, Status, Subject, Verdict, mending, program,
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
    startup::judge(service, &servers, |start| of_start(cx, service, start))
}

fn of_start(cx: &Cx<'_>, service: ServiceSubject<'_>, start: &Start<'_>) -> Verdict {
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
    // What stands first and is not there starts nothing.
    let first = entrypoint.or(command).and_then(|exec| exec.words.first());
    let platform = start.container.is_some_and(|c| c.init.known() == Some(&true));
    if let (Some((word, at)), Some(Pid1::Init(name))) =
        (first, startup.phases.first().map(|phase| &phase.pid1))
        && !platform
        && word.rsplit('/').next() == Some(name)
        && cx.delivery.has_tool(start.image, word).known() == Some(&false)
    {
        return Verdict::fail(
            format!("`{word}` is not in the image: install it in the final stage"),
            Evidence::contradicts(*at, "is not in the image: the container does not start"),
        );
    }
    judge(cx, service, start, startup)
}

fn judge(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    start: &Start<'_>,
    startup: &Startup,
) -> Verdict {
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
    let missing = Evidence::missing_in(at, "no init");
    if let Ok(code) = program::code_in(cx, service, start.container) {
        let handler = code.handlers.iter().find(|handler| handler.signal == "SIGTERM");
        let bare = Evidence::contradicts(at, "no init");
        match (handler, program::gap_of_handlers(code)) {
            (Some(handler), _) => {
                let message =
                    "the program handles SIGTERM, but nothing reaps orphans: put an init first";
                let handles = Evidence::shows(handler.at, "handles SIGTERM");
                return Verdict::partial(message, bare).and(handles);
            }
            // Go's runtime ends a process by SIGTERM, be it the first.
            (None, None) if code.language == Language::Go => {
                let message =
                    "SIGTERM ends the program, but nothing reaps orphans: put an init first";
                return Verdict::partial(message, bare);
            }
            (None, None) => {
                let message = "no init, and the program does not handle SIGTERM: put an init first";
                return Verdict::fail(message, bare);
            }
            (None, Some(_)) => {}
        }
    }
    Verdict::unknown(
        Why::Unsupported,
        format!("no init, and whether `{app}` handles SIGTERM stands in its source: add an init"),
        missing,
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
    let mut starts = startup::servers(cx, Subject::Service(service.id));
    starts.retain(|start| {
        let wrong =
            matches!(of_start(cx, service, start).outcome(), Outcome::Fail | Outcome::Partial);
        wrong && !is_shell_form(start) && start.startup().is_some()
    });
    let mut edits: Vec<Edit> = Vec::new();
    for start in &starts {
        // An init that is there already only has to come first.
        let lifted = lift(cx, start.image);
        let by_platform = || {
            let container = start.container.filter(|c| mending::is_compose(c))?;
            let known = container.init.unknown().is_none();
            known.then(|| mending::set(cx, container, &[("init", Data::scalar("true"))]))?
        };
        let made = lifted
            .map(|edit| vec![edit])
            .or_else(by_platform)
            .or_else(|| start.container.is_none().then(|| install_init(cx, start))?);
        let made = made.into_iter().flatten();
        edits.extend(made.filter(|edit| !edits.contains(edit)).collect::<Vec<_>>());
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

/// The words of an ENTRYPOINT array on one line that is written in this Dockerfile, and its
/// instruction.
fn array<'i>(cx: &Cx<'_>, image: &'i Image) -> Option<(&'i Instruction, &'i [Word])> {
    let stage = image.final_stage().filter(|_| dockerfile::is_editable(image))?;
    let exec = stage.config.entrypoint.as_ref()?;
    let at = image.syntax.instructions.iter().find(|one| one.span == exec.span && one.json)?;
    let one_line = !cx.text_of(at.span)?.contains('\n');
    (one_line && !at.words.is_empty()).then_some((at, &*at.words))
}

/// The init of `["script", "init", "--"]` put first: the script then runs under it.
fn lift(cx: &Cx<'_>, image: &Image) -> Option<Edit> {
    const INITS: [&str; 3] = ["tini", "dumb-init", "catatonit"];
    let (at, words) = array(cx, image)?;
    let name = |word: &Word| word.text.rsplit('/').next().unwrap_or_default().to_owned();
    let init = words.iter().position(|word| INITS.contains(&&*name(word))).filter(|at| *at > 0)?;
    let end = init + words.get(init..)?.iter().position(|word| word.text == "--")?;
    let text = |words: &[Word]| -> Option<Vec<String>> {
        words.iter().map(|word| cx.text_of(word.span)).collect()
    };
    let mut all = text(words.get(init..=end)?)?;
    all.extend(text(words.get(..init)?)?);
    all.extend(text(words.get(end + 1..)?)?);
    Some(mend::replace(at.args.whole(), format!("[{}]", all.join(", "))))
}

/// An init installed and put first, where nothing deploys the image by a file that could say it: on a
/// base that has one, and that starts nothing of its own that would be lost.
fn install_init(cx: &Cx<'_>, start: &Start<'_>) -> Option<Vec<Edit>> {
    let image = start.image;
    let stage = image.final_stage().filter(|_| dockerfile::is_editable(image))?;
    let Base::External(reference) = &stage.base else { return None };
    let languages = ["node", "python", "golang", "ruby", "alpine", "debian", "ubuntu"];
    if base::user(reference) != Some("") || !languages.contains(&startup::base_name(image)) {
        return None;
    }
    let (run, path) = match startup::family(image) {
        startup::Tools::Apk => (vec!["RUN apk add --no-cache tini"], "/sbin/tini"),
        startup::Tools::Apt => (
            vec![
                "RUN apt-get update \\",
                "    && apt-get install -y --no-install-recommends tini \\",
                "    && rm -rf /var/lib/apt/lists/*",
            ],
            "/usr/bin/tini",
        ),
        startup::Tools::Other => return None,
    };
    let tree = &cx.delivery.tree;
    let own = image.syntax.instructions.get(stage.first..stage.end)?;
    let first = match array(cx, image) {
        Some((_, words)) => {
            let at = words.first()?.span;
            let before = Span::new(at.file, TextRange::new(at.range.start, at.range.start));
            mend::replace(before, format!("\"{path}\", \"--\", "))
        }
        None if own.iter().any(|one| one.keyword == Keyword::Entrypoint) => return None,
        None => {
            let command = dockerfile::command(image, stage).filter(|command| command.json)?;
            let line = format!("ENTRYPOINT [\"{path}\", \"--\"]");
            dockerfile::insert_before(tree, image, command, &[&line])?
        }
    };
    Some(vec![dockerfile::insert_after(tree, image, own.first()?, &run)?, first])
}
