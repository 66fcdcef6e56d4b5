//! # What a compose file names, it defines
//!
//! Every network, volume, secret, config and service that a service names is defined in its project, over all
//! files that are merged.
//!
//! `docker compose` refuses the whole project otherwise, at the moment of the deployment.
//!
//! Define it, or mend its name.
//!
//! Files that are only merged with others, whose order is not known, are not asked.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     depends_on: [db] # <- no service `db`
//!     networks: [back] # <- no network `back`
//!     volumes: ["data:/data"] # <- no volume `data`
//!     secrets: [key] # <- no secret `key`
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     depends_on: [db]
//!     networks: [back]
//!     volumes: ["data:/data"]
//!     secrets: [key]
//!   db:
//!     image: postgres:17.2
//!     networks: [back]
//! networks:
//!   back:
//! volumes:
//!   data:
//! secrets:
//!   key: { file: ./key }
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- all it names is defined
//!     image: acme/web:1.2.0
//!     networks: [default]
//!     volumes: ["./data:/data", "/cache"]
//! ```
//!
//! What may be missing, and what is included from elsewhere:
//!
//! `compose.yaml`:
//! ```yaml
//! include:
//!   - https://git.example/acme/base.git
//! services:
//!   web: # <- all it names is defined
//!     image: acme/web:1.2.0
//!     depends_on:
//!       cache: { condition: service_started, required: false }
//!     networks: [of-the-base]
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
use plimsoll_model::container::MountKind;

pub(super) static CHECK: Check = Check {
    id: "release/compose-references-defined",
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
            Equivalent { tool: "catalogue", rule: "CMP063", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("compose_references_defined.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "names what is not defined: compose refuses the project",
    partial: "",
    pass: "what the compose file names, it defines",
    none: "all it names is defined",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let Some(project) = composed::project_of(cx, &container).filter(|p| !p.in_part) else {
        return asked.verdict(&container, &WORDS);
    };
    let mut missing = |kind: &str, name: &str, at| {
        if !name.contains('$') {
            let says = format!("no {kind} `{}` is defined", clip(name));
            asked.bad.push(Evidence::contradicts(at, says));
        }
    };
    for on in container.depends_on.iter().filter(|on| on.required) {
        if composed::beside(cx, &container, &on.service).is_none() {
            missing("service", &on.service, on.span);
        }
    }
    for (name, at) in &container.engine.networks {
        if name != "default" && !project.networks.iter().any(|network| network.name == *name) {
            missing("network", name, *at);
        }
    }
    for mount in &container.mounts {
        let named = mount.kind == MountKind::Volume && !mount.source.is_empty();
        let path = mount.source.contains(['/', '\\']) || !mount.target.starts_with('/');
        if named && !path && !project.volumes.iter().any(|volume| volume.name == mount.source) {
            missing("volume", &mount.source, mount.span);
        }
    }
    // What a config comes from is its name where it is no file of the tree.
    let configs = container.mounts.iter().filter(|mount| mount.kind == MountKind::Config);
    for mount in configs.filter(|mount| mount.tree_path.is_none()) {
        if !project.configs.contains(&mount.source) {
            missing("config", &mount.source, mount.span);
        }
    }
    for secret in &container.secrets {
        if !project.secrets.iter().any(|(name, ..)| *name == secret.name) {
            missing("secret", &secret.name, secret.span);
        }
    }
    asked.verdict(&container, &WORDS)
}
