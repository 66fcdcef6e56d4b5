//! # An update of a swarm that fails goes back
//!
//! Where the repository deploys with `docker stack deploy`, every service sets
//! `deploy.update_config.failure_action: rollback`.
//!
//! A swarm stops an update that fails halfway (`pause`): some containers are new, some old, and some down,
//! until somebody looks.
//!
//! Set it, with a health check that tells the new one from one that works.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- does not go back
//!     image: acme/web:1.2.0
//! ```
//! `deploy.sh`:
//! ```sh
//! docker stack deploy -c compose.yaml acme
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     deploy:
//!       update_config:
//!         failure_action: rollback # <- goes back
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- no swarm
//!     image: acme/web:1.2.0
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
    Section, Severity, Status, Verdict, composed,
};
use plimsoll_model::Fact;

pub(super) static CHECK: Check = Check {
    id: "release/swarm-updates-roll-back",
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP081", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("swarm_updates_roll_back.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "stays half updated when an update fails: set `failure_action: rollback`",
    partial: "",
    pass: "an update of a swarm that fails goes back",
    none: "no swarm is deployed to",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    if !composed::has_swarm(cx) || container.job {
        return asked.verdict(&container, &WORDS);
    }
    match &container.engine.update_failure_action {
        Fact::Known { value, at, .. } if value == "rollback" => {
            asked.good.extend(at.span.map(|at| Evidence::shows(at, "goes back")));
        }
        Fact::Known { at, .. } => {
            let at = at.span.unwrap_or(container.span);
            asked.bad.push(Evidence::contradicts(at, "does not go back"));
        }
        Fact::Absent => asked.bad.push(Evidence::missing_in(container.span, "does not go back")),
        Fact::Unknown(why, at) => asked.open = Some((*why, at.unwrap_or(container.span))),
    }
    asked.verdict(&container, &WORDS)
}
