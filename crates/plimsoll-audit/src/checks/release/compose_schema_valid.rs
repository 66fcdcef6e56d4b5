//! # Compose files are what compose loads
//!
//! Every key of a compose file is one that the Compose specification knows in its place (or begins with `x-`),
//! and holds a text, a list or a mapping as it wants it; every port is a number or a range; every service says
//! what it runs.
//!
//! Compose refuses the whole file for one wrong key: `enviroment`, a `healthcheck` that slid into
//! `environment`, a list where a mapping belongs. Nothing of it starts, on the day when it is deployed.
//!
//! Correct it, and let a job run `docker compose config --quiet`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     enviroment: # <- `environment` is
//!       LEVEL: info
//!     ports:
//!       - "http:80" # <- is no port
//!     depends_on:
//!       db: { condition: healthy } # <- is no condition
//!   db: # <- neither an image nor a build
//!     restart: always
//! ```
//!
//! Of the wrong form:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     volumes: { data: /data } # <- takes a list
//!     healthcheck:
//!       intervall: 10s # <- `interval` is
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     environment:
//!       LEVEL: info
//!     ports:
//!       - "8080:80"
//!     depends_on:
//!       db: { condition: service_healthy }
//!   db:
//!     image: postgres:17.2
//!     restart: always
//! ```
//!
//! Of the right form:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     volumes: ["data:/data"]
//!     healthcheck:
//!       interval: 10s
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! x-defaults: &defaults
//!   restart: always
//!   x-note: anything goes here
//! services: # <- as the specification has it
//!   web:
//!     <<: *defaults
//!     image: acme/web:1.2.0
//!     ports:
//!       - "${PORT}:80"
//!       - { target: 81, published: "8081", host_ip: 127.0.0.1, mode: host }
//!     extends: { file: base.yaml, service: base }
//! ```
//! `base.yaml`:
//! ```yaml
//! services:
//!   base:
//!     cap_drop: [ALL]
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::answers::Answers;
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
    composed,
};

pub(super) static CHECK: Check = Check {
    id: "release/compose-schema-valid",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "docker-compose", rule: "config", relation: Relation::Narrower },
            Equivalent { tool: "catalogue", rule: "CMP062", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("compose_schema_valid.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for composed in composed::projects(cx) {
        for (at, says) in &composed.project.faults {
            answers.bad(*at, says.clone());
        }
        if let Some(at) = composed.project.services {
            answers.good(at, "as the specification has it");
        }
    }
    answers.joined(
        "compose refuses the file: correct the key, or its form",
        "compose files hold what the specification knows",
        "it cannot be told what compose loads",
    )
}
