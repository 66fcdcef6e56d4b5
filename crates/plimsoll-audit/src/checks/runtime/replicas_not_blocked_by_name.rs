//! # What runs several times has no fixed name
//!
//! A service with `deploy.replicas` or `scale` above one sets no `container_name`.
//!
//! A name is had by one container: compose refuses to start a second, so that the service runs once.
//!
//! Take `container_name` away.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     container_name: web # <- keeps it from running 3 times
//!     deploy: { replicas: 3 }
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     deploy: { replicas: 3 }
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- can run as often as it says
//!     image: acme/web:1.2.0
//!     container_name: web
//!     scale: 1
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
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/replicas-not-blocked-by-name",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP068", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("replicas_not_blocked_by_name.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "cannot run several times by one name: take `container_name` away",
    partial: "",
    pass: "what runs several times has no fixed name",
    none: "can run as often as it says",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let engine = &container.engine;
    let replicas = engine.replicas.known().and_then(|number| number.trim().parse::<u32>().ok());
    if let (Some(2..), Some(at)) = (replicas, engine.container_name.span()) {
        let says = format!("keeps it from running {} times", replicas.unwrap_or(2));
        asked.bad.push(Evidence::contradicts(at, says));
    }
    asked.verdict(&container, &WORDS)
}
