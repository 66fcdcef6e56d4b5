//! # Every container has a name of its own
//!
//! No two services of a project that run at once have the same `container_name`: those that no
//! profile has in common do not.
//!
//! The engine refuses the second: `docker compose up` ends with an error, with half of the project running.
//!
//! Take `container_name` away; compose makes names that differ.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     container_name: app
//!   api:
//!     image: acme/api:1.2.0
//!     container_name: app # <- `web` has it
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     container_name: app
//!   api:
//!     image: acme/api:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- names differ
//!     image: acme/web:1.2.0
//!     container_name: app
//!   api:
//!     image: acme/api:1.2.0
//!     container_name: api
//! ```
//!
//! No profile runs both:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- names differ
//!     image: acme/web:1.2.0
//!     container_name: web
//!     profiles: [default]
//!   web-alone:
//!     image: acme/web:1.2.0
//!     container_name: web
//!     profiles: [no-db]
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

use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, composed,
};
use plimsoll_model::container::Container;
use std::collections::BTreeMap;

pub(super) static CHECK: Check = Check {
    id: "runtime/unique-container-names",
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
            Equivalent {
                tool: "dclint",
                rule: "no-duplicate-container-names",
                relation: Relation::Same,
            },
            Equivalent { tool: "catalogue", rule: "CMP065", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("unique_container_names.rs"),
    run: Run::Repository(repository),
    fix: None,
};

fn repository(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut first) = (Vec::new(), None);
    for composed in composed::projects(cx) {
        let mut names: BTreeMap<&str, Vec<&Container>> = BTreeMap::new();
        for container in &composed.containers {
            let Some(name) = container.engine.container_name.known() else { continue };
            first.get_or_insert(container.span);
            let named = names.entry(name).or_default();
            let other = named.iter().find(|other| meet(container, other)).copied();
            named.push(container);
            let Some(other) = other else { continue };
            let at = container.engine.container_name.span().unwrap_or(container.span);
            let says = format!("`{}` has it, too", clip(&other.name));
            bad.push(Evidence::contradicts(at, says));
        }
    }
    let mut bad = bad.into_iter();
    match (bad.next(), first) {
        (Some(evidence), _) => {
            let message = "two services have one `container_name`: the second does not start";
            Verdict::fail(message, evidence).and_all(bad)
        }
        (None, Some(at)) => {
            Verdict::pass("container names differ", Evidence::missing_in(at, "the names differ"))
        }
        (None, None) => Verdict::not_applicable(
            "does not apply: nothing here has a `container_name`",
            Evidence::missing_file(".", "no such name"),
        ),
    }
}

/// Whether two services run at once: unless each has profiles, and none in common.
fn meet(one: &Container, other: &Container) -> bool {
    let apart = [one, other].iter().all(|container| !container.profiles.is_empty());
    !apart || one.profiles.iter().any(|profile| other.profiles.contains(profile))
}
