//! # No setting is written that nothing reads
//!
//! `deploy.update_config`, `deploy.rollback_config` and `deploy.placement` are only written where something in
//! the repository deploys to a swarm (`docker stack deploy`).
//!
//! `docker compose` reads none of them: who relies on the update that goes back by itself finds that it does
//! not.
//!
//! Take them away, or deploy with `docker stack deploy`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     deploy:
//!       update_config:
//!         failure_action: rollback # <- a swarm only
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- writes nothing that only a swarm reads
//!     image: acme/web:1.2.0
//!     deploy:
//!       update_config:
//!         failure_action: rollback
//! ```
//! `deploy.sh`:
//! ```sh
//! docker stack deploy -c compose.yaml acme
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

pub(super) static CHECK: Check = Check {
    id: "release/no-ignored-deploy-keys",
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP080", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_ignored_deploy_keys.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "has settings that only a swarm reads, and there is none",
    partial: "",
    pass: "no setting is written that nothing reads",
    none: "writes nothing that only a swarm reads",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    if !container.engine.swarm_only.is_empty() && !composed::has_swarm(cx) {
        let keys = container.engine.swarm_only.iter();
        asked.bad.extend(keys.map(|(key, at)| {
            Evidence::contradicts(*at, format!("`{key}` is read by a swarm only"))
        }));
    }
    asked.verdict(&container, &WORDS)
}
