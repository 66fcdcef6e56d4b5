//! # Published ports are ports that the image serves
//!
//! The container's side of every port that a compose file publishes is one that its image names with EXPOSE,
//! that its health check asks, or that its program listens on.
//!
//! `"8080:80"` before a program on 8000 is accepted by the engine and refused to everybody who calls: the port
//! is open, and nobody is behind it.
//!
//! Write the port that the program listens on behind the colon, and EXPOSE it. Images that are made elsewhere
//! are not known here.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     ports: ["8080:80"] # <- the image names 3000
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! EXPOSE 3000
//! CMD ["node", "server.js"]
//! ```
//!
//! The right port, for the inside of the container only:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     ports: ["8080:3000"]
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! WORKDIR /app
//! COPY main.js ./
//! EXPOSE 3000
//! CMD ["node", "main.js"]
//! ```
//! `main.js`:
//! ```js
//! const app = require("express")();
//! app.get("/", (request, reply) => reply.end());
//! app.listen(3000, "127.0.0.1"); // <- its loopback address only
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     ports: ["8080:3000"]
//! ```
//!
//! ## Passes
//!
//! By the health check, in a range:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     ports:
//!       - "127.0.0.1:3000:3000"
//!       - { target: 9000, published: "9000" }
//!     healthcheck:
//!       test: wget -qO- http://localhost:3000/health || exit 1
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! EXPOSE 9000-9002/tcp # <- EXPOSE
//! CMD ["node", "server.js"]
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports: ["8080:80"] # <- made elsewhere
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

use std::collections::HashMap;

use plimsoll_model::container::{Container, Port};
use plimsoll_model::{ServiceId, Why};
use plimsoll_source::Span;

use crate::answers::Answers;
use crate::conditions::COMPOSE_PUBLISHES;
use crate::health::Deployment;
use crate::ports::{self, range};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Subject,
    Verdict, composed, program, served, startup,
};

pub(super) static CHECK: Check = Check {
    id: "network/ports-agree",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP077", relation: Relation::Same }],
    }],
    when: &[&COMPOSE_PUBLISHES],
    source: include_str!("ports_agree.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    let mut owners = Owners::new();
    for id in cx.delivery.service_ids() {
        let containers = cx.delivery[id].containers.iter();
        owners.extend(containers.map(|&own| (&raw const cx.delivery[own], id)));
    }
    for composed in composed::projects(cx) {
        for container in composed.containers {
            let published: Vec<&Port> =
                container.ports.iter().filter(|port| port.host.is_some()).collect();
            if !published.is_empty() {
                judge(cx, container, &published, &owners, &mut answers);
            }
        }
    }
    answers.joined(
        "a published port reaches nothing that the image serves: name its port, listened on at 0.0.0.0",
        "published ports are ports that the image serves",
        "which ports the image serves cannot be told",
    )
}

/// Whose a container is.
type Owners = HashMap<*const Container, ServiceId>;

fn judge(
    cx: &Cx<'_>,
    container: &Container,
    published: &[&Port],
    owners: &Owners,
    answers: &mut Answers,
) {
    let Some(image) = container.image_id.map(|id| &cx.delivery[id]) else {
        return answers.unsure(Why::NeedsNetwork, published[0].span, "its image is made elsewhere");
    };
    let Some(stage) = image.final_stage().filter(|_| !image.broken) else {
        return answers.unsure(Why::Unparsed, published[0].span, "the Dockerfile does not parse");
    };
    let of = owners.get(&(&raw const *container)).copied();
    let (served, open) = served(cx, container, of);
    for port in published {
        let Some(wanted) = range(&port.container) else {
            answers.unsure(Why::Dynamic, port.span, "it depends on a variable");
            continue;
        };
        if let Some(at) = inside(cx, container, of, wanted) {
            answers.bad(at, "the program listens on its loopback address only");
            continue;
        }
        match served.iter().find(|(of, ..)| of.0 <= wanted.0 && wanted.1 <= of.1) {
            Some((_, at, says)) => answers.good(*at, format!("{says} agrees")),
            None if served.is_empty() || open => {
                answers.unsure(Why::Unsupported, port.span, "nothing says what the image serves");
            }
            None if stage.config.base_unknown => {
                answers.unsure(Why::NeedsNetwork, port.span, "its base may serve it");
            }
            None => {
                let named = served.first().map_or(0, |(of, ..)| of.0);
                answers.bad(port.span, format!("the image names {named}"));
            }
        }
    }
}

/// Where the program listens on a port for the inside of its container only.
fn inside(
    cx: &Cx<'_>,
    container: &Container,
    of: Option<ServiceId>,
    wanted: (u16, u16),
) -> Option<Span> {
    let image = container.image_id.map(|id| &cx.delivery[id]);
    let d = Deployment { container: Some(container), image };
    let code = program::code_in(cx, cx.service(of?), Some(container)).ok()?;
    if program::gap(code).is_some() {
        return None;
    }
    let there = code.listens.iter().filter(|listen| match served::port(d, listen) {
        Ok((port, _)) => wanted.0 <= port && port <= wanted.1,
        Err(_) => true,
    });
    let all: Option<Vec<Span>> = there.map(|listen| served::loopback(d, listen)).collect();
    all?.first().copied()
}

type Served = ((u16, u16), Span, &'static str);

/// The ports that an image serves in a container, and whether some of them are not known.
fn served(cx: &Cx<'_>, container: &Container, of: Option<ServiceId>) -> (Vec<Served>, bool) {
    let image = container.image_id.map(|id| &cx.delivery[id]);
    let d = Deployment { container: Some(container), image };
    let (mut found, mut open) = (Vec::new(), false);
    if let Some(stage) = image.and_then(|image| image.final_stage()) {
        for (port, at) in &stage.config.expose {
            let ports = port.known().and_then(|port| range(port));
            open |= ports.is_none();
            found.extend(ports.map(|ports| (ports, *at, "EXPOSE")));
        }
    }
    for health in d.asked(cx) {
        let port = cx.delivery.probe(&health.test, image);
        let port = port.and_then(|probe| d.port_number(&probe.port?));
        found.extend(port.map(|port| ((port, port), health.span, "the health check")));
    }
    let Some(service) = of.map(|id| cx.service(id)) else {
        return (found, open);
    };
    for start in startup::servers(cx, Subject::Service(service.id)) {
        let app = start.startup().map_or(&[][..], |startup| &startup.app);
        let named = ports::listens(app).into_iter();
        found.extend(named.map(|(port, at)| ((port, port), at, "the command")));
    }
    if let Ok(code) = program::code(service) {
        for listen in &code.listens {
            match served::port(d, listen) {
                Ok((port, at)) => found.push(((port, port), at, "the program")),
                Err(_) => open = true,
            }
        }
    }
    (found, open)
}
