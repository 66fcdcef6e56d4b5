//! # The compose project has a name of its own
//!
//! Each compose project that is deployed names itself (`name:`), or the scripts that run it do (`-p`,
//! `COMPOSE_PROJECT_NAME`).
//!
//! Without it the project is called like its directory, and so are its volumes: a second checkout, or a directory
//! that was renamed, starts with an empty database beside the old one.
//!
//! Write `name: app` at the top of the compose file. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services: # <- is called like its directory
//!   app: { image: "registry.example/app:1" }
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! name: app # <- names the project
//! services:
//!   app: { image: "registry.example/app:1" }
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app: { image: "registry.example/app:1" }
//! ```
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose -p app up -d # <- names the project
//! ```
//!
//! A file that another takes in is no project:
//!
//! `compose.yaml`:
//! ```yaml
//! name: app # <- names the project
//! include: [compose.networks.yaml]
//! services:
//!   app: { image: "registry.example/app:1", networks: [back] }
//! ```
//! `compose.networks.yaml`:
//! ```yaml
//! networks: { back: {} }
//! ```
//!
//! ## Does not apply
//!
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker run -d app:1
//! ```

use plimsoll_model::compose_call::Compose;

use crate::answers::Answers;
use crate::conditions::HAS_PROJECTS;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/project-name-set",
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
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "CMP073", relation: Relation::Same },
            Equivalent {
                tool: "dclint",
                rule: "require-project-name-field",
                relation: Relation::Wider,
            },
        ],
    }],
    when: &[&HAS_PROJECTS],
    source: include_str!("project_name_set.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    let (mut named, mut bare) = (None, false);
    for script in cx.operational_scripts() {
        let set = script.flow.sets.iter().find(|set| set.name == "COMPOSE_PROJECT_NAME");
        for command in scripts::commands(script.program) {
            let Some(compose) = command.compose().filter(Compose::has_project) else { continue };
            let option = compose
                .options
                .iter()
                .any(|option| option.starts_with("-p") || option.starts_with("--project-name"));
            let given = command.env.iter().any(|(name, _)| name == "COMPOSE_PROJECT_NAME");
            if option || given || set.is_some() {
                named = named.or(Some(command.span));
            } else {
                bare = true;
            }
        }
    }
    let by_scripts = named.filter(|_| !bare);
    for project in cx.delivery.projects.iter().filter(|p| p.purpose.is_production()) {
        // A file without services is one that others take in.
        let Some(services) = project.services else { continue };
        match project.name.or(by_scripts) {
            Some(at) => answers.good(at, "names the project"),
            None => answers.missing(services, "is called like its directory"),
        }
    }
    answers.joined(
        "the compose project is called like its directory: write `name:`",
        "the compose project has a name of its own",
        "it cannot be told how the project is called",
    )
}
