//! # Only the ports that the process listens on are exposed
//!
//! EXPOSE names the port that the process listens on and no other, and the descriptor sends
//! traffic to the same one.
//!
//! EXPOSE is what platforms, proxies and people go by. A wrong number sends them nowhere; a
//! debugger's, a shell's or a database's port says that something listens which should not be
//! there.
//!
//! Write the one port; keep debuggers out of the image that ships.
//!
//! The port stands in the command line (`uvicorn --port 8000`) or in the program: what its variables
//! are set to, else the default in the source; of Spring Boot, in its settings. Where the program is not read, the answer is known only
//! where EXPOSE is wrong whatever the code says.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! EXPOSE 8080 # <- 8000
//! CMD ["uvicorn", "app:api", "--port", "8000"]
//! ```
//!
//! The program listens on another:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! EXPOSE 3000 # <- 3000, and it listens on 8080
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! require("http").createServer((request, reply) => reply.end()).listen(8080);
//! ```
//!
//! A range, where one port is served:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! EXPOSE 3000-3010 # <- exposes 3000-3010
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! require("http").createServer((request, reply) => reply.end()).listen(3000);
//! ```
//!
//! A debugger:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! EXPOSE 3000 9229 # <- 9229
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! The descriptor sends traffic to another port:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! EXPOSE 3000 # <- 3000
//! CMD ["node", "/app/main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     ports: ["8080:8080"] # <- 8080
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! EXPOSE 8000 # <- 8000
//! CMD ["uvicorn", "app:api", "--port", "8000"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! ARG PORT=8000
//! EXPOSE ${PORT}/tcp # <- 8000
//! CMD ["python", "-m", "gunicorn", "-b0.0.0.0:8000", "app:api"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     ports: ["127.0.0.1:80:8000"]
//! ```
//!
//! The default in the source, and a variable that nothing sets:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! EXPOSE 3000 # <- exposes 3000
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const port = process.env.PORT || 3000; // <- listens on 3000
//! require("http").createServer((request, reply) => reply.end()).listen(port);
//! ```
//!
//! A program in Go, by its environment or its default:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /orders .
//! EXPOSE 8080 # <- exposes 8080
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
//!     "fmt"
//!     "log"
//!     "net"
//!     "os"
//! )
//!
//! func main() {
//!     port := "8080"
//!     if value, ok := os.LookupEnv("PORT"); ok {
//!         port = value
//!     }
//!     listener, err := net.Listen("tcp", fmt.Sprintf(":%s", port)) // <- listens on 8080
//!     if err != nil {
//!         log.Fatal(err)
//!     }
//!     serve(listener)
//! }
//! ```
//!
//! A program of Spring Boot, by its settings:
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
//! EXPOSE 8080 # <- exposes 8080
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
//! `src/main/resources/application.yml`:
//! ```yaml
//! server:
//!   port: ${PORT:8080} # <- listens on 8080
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
//!         SpringApplication.run(Orders.class, args);
//!     }
//! }
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- no EXPOSE
//! CMD ["node", "/app/main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     ports: ["3000:3000"] # <- 3000
//! ```
//!
//! At a port that only the environment says:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- no EXPOSE
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.listen(process.env.PORT); // <- listens
//! ```
//!
//! Only the descriptor moves the port:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! EXPOSE 3000 # <- exposes 3000
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.listen(process.env.PORT || 4000); // <- the default is 4000
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     environment:
//!       PORT: "3000"
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 # <- (Go) is not read
//! EXPOSE 3000 # <- exposes 3000
//! CMD ["/orders"]
//! ```
//!
//! The port is computed:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! EXPOSE 3000 # <- exposes 3000
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const port = process.env.PORT;
//! require("http").createServer((request, reply) => reply.end()).listen(port); // <- value
//! ```

use std::collections::BTreeSet;

use plimsoll_model::image::{Image, Stage};
use plimsoll_model::mend::dockerfile;
use plimsoll_model::{Fact, Why};
use plimsoll_source::{Edit, Span};

use crate::conditions::{HAS_IMAGE, SERVES, STARTS_A_PROCESS};
use crate::evidence::clip;
use crate::health::Deployment;
use crate::ports::{FOREIGN, listens, number, range, targets};
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part, Relation, Run,
    Safety, Section, ServiceSubject, Severity, Status, Subject, Verdict, mending, program, served,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/only-required-ports",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.8"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "droast", rule: "DF022", relation: Relation::Narrower },
            Equivalent { tool: "checkov", rule: "CKV_DOCKER_1", relation: Relation::Narrower },
            Equivalent { tool: "trivy", rule: "DS-0004", relation: Relation::Narrower },
        ],
    }],
    when: &[&HAS_IMAGE, &STARTS_A_PROCESS, &SERVES],
    source: include_str!("only_required_ports.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let servers = startup::servers(cx, Subject::Service(service.id));
    startup::judge(service, &servers, |start| of_start(cx, service, start))
}

fn of_start(cx: &Cx<'_>, service: ServiceSubject<'_>, start: &Start<'_>) -> Verdict {
    let image = start.image;
    let Some(stage) = image.final_stage().filter(|_| !image.broken) else {
        return startup::unparsed(cx, image);
    };
    let app = start.startup().map_or(&[][..], |startup| &startup.app);
    let served::Listening { ports: listens, source, doubt } =
        served::listening(cx, service, start, stage);
    let targets = start.container.map(targets).unwrap_or_default();
    let mut exposed: Vec<(u16, Span)> = Vec::new();
    for (port, at) in &stage.config.expose {
        match port.known().map(|port| (port, number(port), range(port))) {
            Some((port, Some(number), _)) if !port.ends_with("/udp") => exposed.push((number, *at)),
            // More than one port, or another protocol: a server of HTTP listens on one, by TCP.
            Some((port, _, Some(_))) if program::code_in(cx, service, start.container).is_ok() => {
                return Verdict::fail(
                    "EXPOSE names what the process does not serve: name its one port",
                    Evidence::contradicts(*at, format!("exposes {}", clip(port))),
                );
            }
            Some((_, Some(number), _)) => exposed.push((number, *at)),
            _ => {
                let why = port.unknown().map_or(Why::Unsupported, |(why, _)| why);
                let message = "which port EXPOSE names depends on a variable: give it a default";
                return Verdict::unknown(why, message, Evidence::context(*at, "not one number"));
            }
        }
    }
    if exposed.is_empty() {
        let code = program::code_in(cx, service, start.container).ok();
        let serves = code.and_then(|code| code.listens.first()).map(|listen| listen.at);
        return nothing_exposed(image, stage, &listens, &targets, serves);
    }
    let foreign = |port: u16| {
        let (_, whose, words) = FOREIGN.iter().find(|(foreign, ..)| *foreign == port)?;
        let base = startup::base_name(image);
        let speaks = words
            .iter()
            .any(|word| base.contains(word) || app.iter().any(|(said, _)| said.contains(word)));
        (!speaks && !listens.iter().any(|(own, _)| *own == port)).then_some(*whose)
    };
    let wrong: Vec<Evidence> = exposed
        .iter()
        .filter_map(|&(port, at)| {
            let says = match foreign(port) {
                Some(whose) => format!("{port} is {whose} port"),
                None if doubt.is_some() || listens.iter().any(|(own, _)| *own == port) => {
                    return None;
                }
                None => format!("{port}, and it listens on {}", listens.first()?.0),
            };
            Some(Evidence::contradicts(at, says))
        })
        .collect();
    let mut wrong = wrong.into_iter();
    if let Some(first) = wrong.next() {
        return Verdict::fail(
            "EXPOSE names a port that the process does not serve: take it out",
            first,
        )
        .and_all(wrong);
    }
    let (port, at) = exposed[0];
    // One that belongs to another program, and that the command names: a debugger that it starts.
    let named = |port: u16| FOREIGN.iter().any(|(own, ..)| *own == port) && foreign(port).is_none();
    let unserved = |ports: &[(u16, Span)]| {
        let served = |target: u16| ports.iter().any(|(port, _)| *port == target) || named(target);
        targets.iter().find(|(target, _)| !served(*target)).copied()
    };
    let served = exposed.iter().all(|(port, _)| listens.iter().any(|(own, _)| own == port));
    if served || !listens.is_empty() && doubt.is_none() {
        return match unserved(&listens) {
            Some(_) if doubt.is_some() => not_known(cx, service, doubt, port, &targets, at),
            Some((target, place)) => Verdict::fail(
                format!("traffic is sent to {target}, and it listens on {port}: use {port}"),
                Evidence::contradicts(place, format!("sends traffic to {target}")),
            ),
            None if let Some((own, place)) = alone(cx, service, start, &exposed) => {
                Verdict::partial(
                    format!("by itself the image listens on {own}, EXPOSE says {port}: name one"),
                    Evidence::contradicts(at, format!("exposes {port}")),
                )
                .and(Evidence::contradicts(place, format!("the default is {own}")))
                .and_all(
                    listens.iter().map(|(port, at)| {
                        Evidence::context(*at, format!("here it listens on {port}"))
                    }),
                )
            }
            None => Verdict::pass(
                format!("it listens on {port}, and no other port is exposed"),
                Evidence::shows(at, format!("exposes {port}")),
            )
            .and_all(
                listens.iter().map(|(port, at)| Evidence::shows(*at, format!("listens on {port}"))),
            )
            .and_all(source),
        };
    }
    let meets = exposed.iter().any(|(port, _)| targets.iter().any(|(target, _)| target == port));
    if let Some(&(target, place)) = targets.first().filter(|_| !meets) {
        return Verdict::fail(
            format!("EXPOSE says {port}, and traffic is sent to {target}: name the same port"),
            Evidence::contradicts(at, format!("exposes {port}")),
        )
        .and(Evidence::contradicts(place, format!("sends traffic to {target}")));
    }
    not_known(cx, service, doubt, port, &targets, at)
}

/// The port on which the image listens where no descriptor sets another, unless that is exposed.
fn alone(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    start: &Start<'_>,
    exposed: &[(u16, Span)],
) -> Option<(u16, Span)> {
    let code = program::code_in(cx, service, start.container).ok()?;
    let d = Deployment { container: None, image: Some(start.image) };
    let mut listens = code.listens.iter().map(|listen| served::port(d, listen).ok());
    let own = listens.next()??;
    let is_exposed = |port: u16| exposed.iter().any(|(other, _)| *other == port);
    (!is_exposed(own.0) && listens.all(|port| port.is_some_and(|(port, _)| !is_exposed(port))))
        .then_some(own)
}

fn not_known(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    doubt: Option<(Why, Span)>,
    port: u16,
    targets: &[(u16, Span)],
    at: Span,
) -> Verdict {
    let reason = doubt.unwrap_or((Why::Unsupported, at));
    let message = format!("whether the process listens on {port} cannot be told: look by hand");
    served::unread(cx, service, reason, message)
        .and(Evidence::context(at, format!("exposes {port}")))
        .and_all(
            targets
                .iter()
                .map(|(port, at)| Evidence::context(*at, format!("sends traffic to {port}"))),
        )
}

fn nothing_exposed(
    image: &Image,
    stage: &Stage,
    listens: &[(u16, Span)],
    targets: &[(u16, Span)],
    serves: Option<Span>,
) -> Verdict {
    let base = startup::base_name(image);
    // Images that expose their own port, and those that are not known.
    let exposes = ["nginx", "httpd", "caddy", "postgres", "redis", "traefik"];
    if stage.config.base_unknown || exposes.iter().any(|name| base.contains(name)) {
        return Verdict::unknown(
            Why::NeedsNetwork,
            "the base image may expose the port: write EXPOSE here",
            Evidence::context(stage.base_span, "what it exposes is not known"),
        );
    }
    match listens.first().or(targets.first()) {
        Some(&(port, at)) => Verdict::partial(
            format!("nothing is exposed, and {port} is served: write EXPOSE {port}"),
            Evidence::missing_in(stage.from, "no EXPOSE in this stage or its bases"),
        )
        .and(Evidence::contradicts(at, format!("serves {port}"))),
        // Where it listens is another question than whether it does.
        None if let Some(at) = serves => Verdict::partial(
            "nothing is exposed, and the program listens: write EXPOSE with its port",
            Evidence::missing_in(stage.from, "no EXPOSE in this stage or its bases"),
        )
        .and(Evidence::contradicts(at, "listens")),
        None => Verdict::unknown(
            Why::Unsupported,
            "nothing is exposed; whether the process listens stands in its source",
            Evidence::missing_in(stage.from, "no EXPOSE in this stage or its bases"),
        ),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let servers = startup::servers(cx, Subject::Service(service.id));
    let start = servers.first()?;
    let app = start.startup().map_or(&[][..], |startup| &startup.app);
    let exposed = || {
        let expose = &start.image.final_stage()?.config.expose;
        let ports = expose.iter().filter_map(|(port, _)| number(Fact::known(port)?));
        ports.into_iter().find(|port| !FOREIGN.iter().any(|(foreign, ..)| foreign == port))
    };
    let port = listens(app)
        .first()
        .or(start.container.map(targets).unwrap_or_default().first())
        .map(|(port, _)| *port)
        .or_else(exposed)
        .or_else(|| unexposed(cx, service, start))?;
    let edits = servers.iter().filter_map(|start| {
        let line = format!("EXPOSE {}", unexposed(cx, service, start)?);
        dockerfile::settle(&cx.delivery.tree, start.image, start.image.final_stage()?, &[&line])
    });
    let edits: BTreeSet<Edit> = edits.collect();
    // Containers of one image that listen each on another port are no reason for either.
    let places: BTreeSet<Span> = edits.iter().map(|edit| edit.span).collect();
    let agree = places.len() == edits.len();
    Some(Fix::of_edits(
        "expose the one port that is served",
        Safety::Review,
        mending::snippet(&start.image.path, "dockerfile", format!("EXPOSE {port}\n")),
        edits.into_iter().filter(|_| agree).collect(),
    ))
}

/// The one port that is served by what exposes none.
fn unexposed(cx: &Cx<'_>, service: ServiceSubject<'_>, start: &Start<'_>) -> Option<u16> {
    let stage = start.image.final_stage().filter(|stage| stage.config.expose.is_empty())?;
    let partial = of_start(cx, service, start).outcome() == Outcome::Partial;
    let ports = served::listening(cx, service, start, stage).ports;
    let (port, _) = *ports.first().filter(|_| partial)?;
    ports.iter().all(|(other, _)| *other == port).then_some(port)
}
