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
//! FAIL: nothing handles the signal, it never arrives, or it is one that nothing can handle. PARTIAL:
//! the handler leaves open what was started, only exits, is registered after the start, or forces the
//! end later than the grace (10 s, in Kubernetes 30 s, where nothing is set). Web servers that are
//! known to finish their requests need none. What a package that is imported opens for itself while
//! it loads is not counted. Of a program in Go it is told whether it asks for the signal and stops
//! its server; whether it closes its stores, by what it calls. Spring Boot closes its context, and
//! finishes its requests where `server.shutdown` is `graceful` (the default from 3.4 on); beside
//! threads and packages that are not known, that is all.
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
//! Nothing handles it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"] # <- no handler
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! process.on("SIGINT", () => process.exit(0));
//! app.listen(3000);
//! ```
//!
//! Nest's terminus answers health checks, and stops nothing:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"] # <- no handler
//! ```
//! `main.js`:
//! ```js
//! const { NestFactory } = require("@nestjs/core");
//! const { Module } = require("@nestjs/common");
//! const { TerminusModule } = require("@nestjs/terminus");
//! class AppModule {}
//! Module({ imports: [TerminusModule] })(AppModule);
//! NestFactory.create(AppModule).then((app) => app.listen(3000));
//! ```
//!
//! Only tests register it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! ENV NODE_ENV=production
//! COPY . .
//! CMD ["node", "main.js"] # <- no handler
//! ```
//! `main.js`:
//! ```js
//! const server = require("express")().listen(3000);
//! if (process.env.NODE_ENV === "test") process.on("SIGTERM", () => server.close());
//! ```
//!
//! The handler is taken away again:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! let server;
//! process.on("SIGTERM", () => server.close(() => process.exit(0)));
//! process.removeAllListeners("SIGTERM");
//! server = app.listen(3000); // <- listens
//! ```
//!
//! A program in Go that asks for no signal:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /orders .
//! EXPOSE 8080
//! CMD ["/orders"] # <- no handler of SIGTERM
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
//!     log.Fatal(http.ListenAndServe(":8080", nil)) // <- listens
//! }
//! ```
//!
//! The signal is ignored:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! WORKDIR /app
//! COPY . .
//! CMD ["python", "main.py"]
//! ```
//! `main.py`:
//! ```python
//! import signal
//! from http.server import HTTPServer, BaseHTTPRequestHandler
//!
//! signal.signal(signal.SIGTERM, signal.SIG_IGN) # <- ignores SIGTERM
//! HTTPServer(("0.0.0.0", 8000), BaseHTTPRequestHandler).serve_forever()
//! ```
//!
//! ## Passes
//!
//! The handler closes the server and the pool:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const { Pool } = require("pg");
//! const app = require("express")();
//! const pool = new Pool();
//! let server;
//! process.once("SIGTERM", () => { // <- handles SIGTERM
//!   server.close(async () => {
//!     await pool.end(); // <- closes the database connection `pool`
//!     process.exit(0);
//!   });
//! });
//! server = app.listen(3000);
//! ```
//!
//! A web server that finishes its requests:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine # <- finishes
//! COPY site /usr/share/nginx/html
//! ```
//!
//! A program in Go that waits for the signal and stops its server:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /orders .
//! EXPOSE 8080
//! CMD ["/orders"]
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
//!     "context"
//!     "log"
//!     "net/http"
//!     "os/signal"
//!     "syscall"
//! )
//!
//! func main() {
//!     ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM) // <- handles SIGTERM
//!     defer stop()
//!     server := &http.Server{Addr: ":8080"}
//!     go func() {
//!         if err := server.ListenAndServe(); err != http.ErrServerClosed {
//!             log.Fatal(err)
//!         }
//!     }()
//!     <-ctx.Done()
//!     server.Shutdown(context.Background()) // <- closes the server
//! }
//! ```
//!
//! Spring Boot closes its context on SIGTERM, and from 3.4 on finishes its requests first:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM maven:3.9-eclipse-temurin-21 AS build
//! WORKDIR /src
//! COPY . .
//! RUN mvn -q package
//!
//! FROM eclipse-temurin:21-jre
//! COPY --from=build /src/target/orders-1.0.jar /orders.jar
//! EXPOSE 8080
//! CMD ["java", "-jar", "/orders.jar"]
//! ```
//! `pom.xml`:
//! ```xml
//! <project>
//!   <parent>
//!     <groupId>org.springframework.boot</groupId>
//!     <artifactId>spring-boot-starter-parent</artifactId>
//!     <version>3.4.1</version>
//!   </parent>
//!   <artifactId>orders</artifactId>
//!   <dependencies>
//!     <dependency>
//!       <groupId>org.springframework.boot</groupId>
//!       <artifactId>spring-boot-starter-web</artifactId>
//!     </dependency>
//!   </dependencies>
//! </project>
//! ```
//! `src/main/java/org/example/Orders.java`:
//! ```java
//! package org.example;
//!
//! import org.springframework.boot.SpringApplication;
//! import org.springframework.boot.autoconfigure.SpringBootApplication;
//!
//! @SpringBootApplication
//! public class Orders {
//!     public static void main(String[] args) {
//!         SpringApplication.run(Orders.class, args); // <- handles SIGTERM
//!     }
//! }
//! ```
//!
//! ## Partial
//!
//! A timer that goes on:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! setInterval(() => console.log("up"), 1000); // <- is not closed
//! const server = app.listen(3000);
//! process.on("SIGTERM", () => server.close(() => process.exit(0)));
//! ```
//!
//! The platform sends another signal:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! let server;
//! process.on("SIGTERM", () => server.close(() => process.exit(0))); // <- handles SIGTERM
//! server = app.listen(3000);
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     stop_signal: SIGQUIT # <- nothing handles this signal
//! ```
//!
//! The end is forced after the grace:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! let server;
//! process.on("SIGTERM", () => {
//!   setTimeout(() => process.exit(1), 30000).unref(); // <- forces the end
//!   server.close(() => process.exit(0));
//! });
//! server = app.listen(3000);
//! ```
//!
//! It only exits:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! process.on("SIGTERM", () => process.exit(0)); // <- closes nothing
//! app.listen(3000);
//! ```
//!
//! It exits while it closes:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! const server = app.listen(3000);
//! process.on("SIGTERM", () => {
//!   server.close();
//!   process.exit(0); // <- ends the process while it closes
//! });
//! ```
//!
//! nodemon ends the program by another signal:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["npx", "nodemon", "main.js"] # <- nothing handles this signal
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! let server;
//! process.on("SIGTERM", () => server.close(() => process.exit(0))); // <- handles SIGTERM
//! server = app.listen(3000);
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 # <- (Go) is not read
//! CMD ["/orders"]
//! ```
//!
//! The signal is handled, and which of its stores are closed is not told:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /orders .
//! EXPOSE 8080
//! CMD ["/orders"]
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
//!     "context"
//!     "database/sql"
//!     "net/http"
//!     "os"
//!     "os/signal"
//!     "syscall"
//! )
//!
//! func main() {
//!     db, _ := sql.Open("postgres", os.Getenv("DATABASE_URL"))
//!     ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM) // <- handles SIGTERM
//!     defer stop()
//!     server := &http.Server{Addr: ":8080", Handler: routes(db)}
//!     go server.ListenAndServe()
//!     <-ctx.Done()
//!     server.Shutdown(context.Background())
//! }
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

use plimsoll_model::code::{Code, Handler, Opened, Resource};
use plimsoll_model::container::ContainerKind;
use plimsoll_model::entrypoint::Startup;
use plimsoll_model::{Fact, Why};
use plimsoll_source::Span;

use crate::conditions::{HAS_IMAGE, SERVES, STARTS_A_PROCESS};
use crate::evidence::clip;
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, ServiceSubject, Severity, Status,
    Subject, Verdict, program, served, supplied,
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
    startup::judge(service, &servers, |start| of_start(cx, service, start))
}

fn of_start(cx: &Cx<'_>, service: ServiceSubject<'_>, start: &Start<'_>) -> Verdict {
    if let Some(container) = start.container.filter(|c| c.stop_grace.known() == Some(&0)) {
        let at = container.stop_grace.span().unwrap_or(container.span);
        return Verdict::fail(
            "the grace is zero: give the process time to stop",
            Evidence::contradicts(at, "no time to stop"),
        );
    }
    let signal = match signal(start) {
        Ok(signal) => signal,
        Err((why, at)) => {
            let message = "the signal that stops it depends on a variable: write SIGTERM";
            return Verdict::unknown(why, message, Evidence::context(at, why.decide()));
        }
    };
    if let Some((signal, at)) = &signal
        && matches!(&**signal, "SIGKILL" | "SIGSTOP")
    {
        return Verdict::fail(
            format!("{signal} leaves no time to stop: use SIGTERM"),
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
    let code = match (startup.unknown, program::code_in(cx, service, start.container)) {
        (None, Ok(code)) => code,
        (Some(reason), _) | (_, Err(reason)) => {
            let message = "what the process closes on SIGTERM cannot be told: look by hand";
            return served::unread(cx, service, reason, message)
                .and(Evidence::context(startup.at, "what it starts"));
        }
    };
    // Another signal than the one that the program handles ends it at once.
    if let Some((signal, at)) = signal
        && !code.handlers.iter().any(|handler| handler.signal == signal)
        && let Some(handler) = code.handlers.iter().find(|handler| handler.signal == "SIGTERM")
    {
        return Verdict::partial(
            format!("{} stops it, and the program handles SIGTERM: send that", clip(&signal)),
            Evidence::contradicts(at, "nothing handles this signal"),
        )
        .and(Evidence::context(handler.at, "handles SIGTERM"));
    }
    of_program(cx, service, start, code)
}

/// The signal that the platform sends, where it is another than SIGTERM.
fn signal(start: &Start<'_>) -> Result<Option<(String, Span)>, (Why, Span)> {
    let image = start.image.final_stage().and_then(|stage| stage.config.stop_signal.as_ref());
    let own = start.container.map(|container| (&container.stop_signal, container.span));
    let (text, at) = match (own, image) {
        (Some((Fact::Known { value, at, .. }, span)), _) => (value, at.span.unwrap_or(span)),
        (Some((Fact::Unknown(why, at), span)), _) => return Err((*why, at.unwrap_or(span))),
        (_, Some((text, at))) => (text, *at),
        _ => return Ok(startup::restarter(start).map(|at| ("SIGINT".to_owned(), at))),
    };
    let name = text.trim().to_ascii_uppercase();
    let name = match name.strip_prefix("SIG").unwrap_or(&name) {
        "1" => "HUP",
        "2" => "INT",
        "3" => "QUIT",
        "9" => "KILL",
        "10" => "USR1",
        "12" => "USR2",
        "15" => "TERM",
        "19" => "STOP",
        name => name,
    };
    Ok((name != "TERM").then(|| (format!("SIG{name}"), at)))
}

/// What the program's handlers of SIGTERM do. All that are registered run.
fn of_program(cx: &Cx<'_>, service: ServiceSubject<'_>, start: &Start<'_>, code: &Code) -> Verdict {
    const SHOWN: usize = 8;
    let handlers: Vec<&Handler> =
        code.handlers.iter().filter(|handler| handler.signal == "SIGTERM").collect();
    let unknown = |reason| {
        let message = "what the program closes on SIGTERM cannot be told: look by hand";
        served::unread(cx, service, reason, message).and_all(
            handlers.iter().map(|handler| Evidence::context(handler.at, "handles SIGTERM")),
        )
    };
    let entry = code.entry.span().unwrap_or(service.place);
    let Some(first) = handlers.first() else {
        let nothing = code.listens.is_empty() && code.opens.is_empty();
        let nothing = nothing.then_some((Why::NeedsRun, entry));
        if let Some(reason) =
            program::gap_of_handlers(code).or(program::handles_signals(code)).or(nothing)
        {
            return unknown(reason);
        }
        let message = "nothing handles SIGTERM: close the server and its connections on it";
        let started = code.listens.iter().map(|listen| Evidence::context(listen.at, "listens"));
        return Verdict::fail(message, Evidence::missing_in(entry, "no handler of SIGTERM"))
            .and_all(started);
    };
    if let Some(ignored) = handlers.iter().find(|h| h.ignored).filter(|_| handlers.len() == 1) {
        let message = "SIGTERM is ignored, so that the process is killed: close all and end on it";
        return Verdict::fail(message, Evidence::contradicts(ignored.at, "ignores SIGTERM"));
    }
    let closes = |index: usize| {
        handlers.iter().flat_map(|handler| &handler.closes).find(|(closed, _)| *closed == index)
    };
    let handled = Evidence::context(first.at, "handles SIGTERM");
    let partial = |message: String, evidence: Vec<Evidence>| {
        let mut evidence = evidence.into_iter();
        let first = evidence.next().unwrap_or_else(|| handled.clone());
        Verdict::partial(message, first).and_all(evidence).and(handled.clone())
    };
    // What modules of other packages open for themselves is theirs.
    let own = |open: &Opened| {
        open.via.is_some()
            || service.dir.is_empty()
            || cx.path(open.at.file).starts_with(&format!("{}/", service.dir))
    };
    let left: Vec<(usize, &Opened)> = code
        .opens
        .iter()
        .enumerate()
        .filter(|(index, open)| open.at_start && own(open) && closes(*index).is_none())
        .collect();
    let blind = handlers.iter().find_map(|handler| handler.unknown);
    let mut wrong: Vec<Evidence> = Vec::new();
    let mut message = None;
    if let Some(late) = handlers.iter().all(|h| h.late.is_some()).then_some(first.late).flatten() {
        wrong.push(Evidence::contradicts(first.at, "is registered after the start"));
        wrong.push(Evidence::context(late, "has started by then"));
        message =
            Some("SIGTERM is handled only once all has started: register it first".to_owned());
    }
    let grace = grace(start);
    let limits = handlers.iter().filter_map(|handler| handler.timeout.as_ref());
    let limits = limits.map(|timeout| supplied::limit(cx, service, start, code, timeout));
    let limits: Vec<_> = limits.collect();
    for (after, at) in limits.iter().filter_map(|limit| limit.ok()) {
        let Ok(grace) = grace else { continue };
        if after > grace.saturating_mul(1000) {
            wrong.push(Evidence::contradicts(
                at,
                format!("forces the end after {after} ms, the grace is {grace} s"),
            ));
            message.get_or_insert_with(|| {
                format!("the forced end comes after the grace of {grace} s: give it more")
            });
        }
    }
    let hasty = handlers.iter().find(|h| h.closes.is_empty() && h.exits.is_some());
    if let Some((_, at)) = hasty.filter(|h| h.unknown.is_none()).and_then(|h| h.exits.as_ref()) {
        wrong.push(Evidence::contradicts(*at, "ends the process and closes nothing"));
        message.get_or_insert_with(|| {
            "SIGTERM ends the process and closes nothing: close first".into()
        });
    }
    if let Some(at) = handlers.iter().find_map(|handler| handler.cuts) {
        wrong.push(Evidence::contradicts(at, "ends the process while it closes"));
        message.get_or_insert_with(|| {
            "SIGTERM ends the process before anything has closed: wait for that first".into()
        });
    }
    if blind.is_none() {
        for (_, open) in left.iter().take(SHOWN) {
            let says = format!("{} is not closed", what(open));
            wrong.push(Evidence::contradicts(open.via.unwrap_or(open.at), says));
            wrong.extend(open.via.map(|_| Evidence::context(open.at, "is opened here")));
        }
        if let Some((_, open)) = left.first() {
            message.get_or_insert_with(|| {
                format!("SIGTERM leaves {} open: close all that was started", what(open))
            });
        }
    }
    if let Some(message) = message {
        return partial(message, wrong);
    }
    let unlimited = limits.iter().find_map(|limit| limit.err());
    let no_server =
        code.listens.is_empty() && !code.opens.iter().any(|open| open.kind == Resource::Server);
    let doubt = blind
        .filter(|_| !left.is_empty())
        .or(program::gap_of_handlers(code))
        .or(unlimited)
        .or(limits.first().and(grace.err()))
        .or((no_server && code.opens.is_empty()).then_some((Why::NeedsRun, entry)));
    if let Some(reason) = doubt {
        return unknown(reason);
    }
    let closed = code.opens.iter().enumerate().filter_map(|(index, open)| {
        let (_, at) = closes(index)?;
        Some(Evidence::shows(*at, format!("closes {}", what(open))))
    });
    Verdict::pass(
        "SIGTERM closes all that the program started",
        Evidence::shows(first.at, "handles SIGTERM"),
    )
    .and_all(closed.take(2 * SHOWN))
    .and_all(
        code.handlers.iter().filter(|handler| handler.signal != "SIGTERM").take(SHOWN).map(
            |handler| Evidence::context(handler.at, format!("handles {}", clip(&handler.signal))),
        ),
    )
}

/// The time that the platform gives, in seconds: compose's and Docker's default is 10, that of
/// Kubernetes 30.
fn grace(start: &Start<'_>) -> Result<u64, (Why, Span)> {
    let Some(container) = start.container else { return Ok(10) };
    match (container.stop_grace.known(), container.stop_grace.unknown()) {
        (Some(&grace), _) => Ok(grace),
        (_, Some((why, at))) => Err((why, at.unwrap_or(container.span))),
        _ if matches!(container.kind, ContainerKind::Kubernetes { .. }) => Ok(30),
        _ => Ok(10),
    }
}

/// What was opened, in words: the worker `mintWorker`.
fn what(open: &Opened) -> String {
    let kind = match open.kind {
        Resource::Server => "the server",
        Resource::Database | Resource::Mongo => "the database connection",
        Resource::Cache => "the cache connection",
        Resource::Queue => "the queue",
        Resource::Worker => "the worker",
        Resource::Timer => "the timer",
    };
    format!("{kind} `{}`", clip(&open.name))
}

/// The place that starts a web server which serves files and has nothing else to close. The images
/// of nginx and httpd set the signal on which these finish their requests.
fn finishes(start: &Start<'_>, startup: &Startup) -> Option<Span> {
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
