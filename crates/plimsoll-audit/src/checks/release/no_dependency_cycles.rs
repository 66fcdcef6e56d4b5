//! # No service waits for itself
//!
//! Following `depends_on` from a service never leads back to it.
//!
//! `docker compose` refuses a project in which services wait for each other: nothing is deployed.
//!
//! Take one of the two away, and let the program try again until the other answers.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     depends_on: [api] # <- leads back
//!   api:
//!     image: acme/api:1.2.0
//!     depends_on:
//!       web: { condition: service_started } # <- leads back
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     depends_on: [api]
//!   api:
//!     image: acme/api:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- leads nowhere back
//!     image: acme/web:1.2.0
//!     depends_on: [api, db]
//!   api:
//!     image: acme/api:1.2.0
//!     depends_on: [db]
//!   db:
//!     image: postgres:17.2
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, composed,
};
use plimsoll_model::container::Container;
use std::collections::BTreeSet;

pub(super) static CHECK: Check = Check {
    id: "release/no-dependency-cycles",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "docker-compose", rule: "config", relation: Relation::Narrower },
            Equivalent { tool: "catalogue", rule: "CMP064", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_dependency_cycles.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "waits for itself: compose refuses the project",
    partial: "",
    pass: "no service waits for itself",
    none: "what it waits for leads nowhere back",
};

/// The most services that are followed from one.
const MAX_FOLLOWED: usize = 1000;

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let back = container.depends_on.iter().find(|on| leads_to(cx, &container, &on.service));
    asked.bad.extend(back.map(|on| {
        Evidence::contradicts(on.span, format!("`{}` leads back to it", clip(&on.service)))
    }));
    asked.verdict(&container, &WORDS)
}

fn leads_to(cx: &Cx<'_>, container: &Container, from: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut todo = vec![from.to_owned()];
    while let Some(name) = todo.pop() {
        if name == container.name {
            return true;
        }
        if seen.len() >= MAX_FOLLOWED || !seen.insert(name.clone()) {
            continue;
        }
        if let Some(other) = composed::beside(cx, container, &name) {
            todo.extend(other.depends_on.iter().map(|on| on.service.clone()));
        }
    }
    false
}
