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
//! ## Cannot tell
//!
//! Everybody writes an override of his own:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     secrets:
//!       - db_password # <- is defined here
//! ```
//! `compose.override.yaml.example`:
//! ```text
//! secrets:
//!   db_password: { environment: DB_PASSWORD }
//! ```
//!
//! It is laid over another file:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   setup:
//!     image: acme/web:1.2.0
//!     command: setup
//! volumes:
//!   sites:
//! ```
//! `overrides/compose.migrator.yaml`:
//! ```yaml
//! services:
//!   migrator:
//!     image: acme/web:1.2.0
//!     command: migrate
//!     depends_on:
//!       setup: # <- is defined here
//!         condition: service_completed_successfully
//!     volumes:
//!       - sites:/sites
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
use crate::policy::is_at_or_below;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, Why, composed,
};
use plimsoll_model::container::{ContainerKind, MountKind, Project};
use plimsoll_source::Span;

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
        asked.open = container.open;
        return asked.verdict(&container, &WORDS);
    };
    let mut wanted: Vec<(&str, &str, Span)> = Vec::new();
    let mut missing = |kind: &'static str, name, at| wanted.push((kind, name, at));
    for on in container.depends_on.iter().filter(|on| on.required) {
        let known = project.names.contains(&on.service);
        if !known && composed::beside(cx, &container, &on.service).is_none() {
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
    wanted.retain(|(_, name, _)| !name.contains('$'));
    if let Some(&(kind, name, at)) = wanted.first()
        && let Some((why, beside)) = may_be_beside(cx, project, &wanted)
    {
        let says = format!("no {kind} `{}` is defined here", clip(name));
        let message = format!("`{}` names what `{}` may define", clip(&container.name), beside);
        return Verdict::unknown(why, message, Evidence::context(at, says));
    }
    let says = |(kind, name, at): (&str, &str, Span)| {
        Evidence::contradicts(at, format!("no {kind} `{}` is defined", clip(name)))
    };
    asked.bad.extend(wanted.into_iter().map(says));
    asked.verdict(&container, &WORDS)
}

/// The file that may define what a project names and does not define: an override that everybody
/// writes for himself after an example of it, or a project here or above that defines all of that,
/// which this one is laid over.
fn may_be_beside<'a>(
    cx: &Cx<'a>,
    project: &Project,
    wanted: &[(&str, &str, Span)],
) -> Option<(Why, &'a str)> {
    let tree = &cx.delivery.tree;
    let example = tree.under(&project.dir).map(|file| cx.path(file)).find(|path| {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = name.trim_start_matches("docker-");
        let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
        dir == project.dir && stem.starts_with("compose.override.") && !is_yaml
    });
    if let Some(example) = example {
        return Some((Why::OutOfTree, example));
    }
    let defines =
        |index: usize, other: &Project| {
            wanted.iter().all(|(kind, name, _)| match *kind {
                "service" => cx.delivery.containers.iter().any(|c| {
                    c.name == *name && c.kind == ContainerKind::Compose { project: index }
                }),
                "network" => other.networks.iter().any(|network| network.name == *name),
                "volume" => other.volumes.iter().any(|volume| volume.name == *name),
                "config" => other.configs.iter().any(|config| config == name),
                _ => other.secrets.iter().any(|(secret, ..)| secret == name),
            })
        };
    let projects = cx.delivery.projects.iter().enumerate();
    let over = projects
        .filter(|(_, other)| other.files != project.files)
        .filter(|(_, other)| is_at_or_below(&project.dir, &other.dir))
        .find(|(index, other)| defines(*index, other));
    Some((Why::NeedsRun, cx.path(*over?.1.files.first()?)))
}
