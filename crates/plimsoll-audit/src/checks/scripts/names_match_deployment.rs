//! # Scripts name services that are there
//!
//! Each service that a script hands to `docker compose` is one of a compose file of this repository.
//!
//! A service that was renamed leaves its old name in scripts: the backup ends with «no such service», the
//! deployment restarts nothing.
//!
//! Rename it there as well. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   database: { image: "postgres:17" }
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose exec -T db pg_dump -U app app > app.sql # <- there is no service `db`
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose exec -T database pg_dump -U app app > app.sql # <- names a service
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   database: { image: "postgres:17" }
//! ```
//! `ops/logs.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose logs --tail 10 database # <- names a service
//! ```
//!
//! ## Cannot tell
//!
//! The project lies elsewhere:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   database: { image: "postgres:17" }
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose -f /srv/other/compose.yaml exec -T db pg_dump app > app.sql # <- its file is not in the repository
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   database: { image: "postgres:17" }
//! ```
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! docker compose logs "$1"
//! ```

use plimsoll_model::compose_call::Compose;
use plimsoll_model::container::{ContainerKind, Project};
use plimsoll_model::flow::Cwd;

use crate::conditions::NAMES_SERVICES;
use crate::evidence::clip;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/names-match-deployment",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC8.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS049", relation: Relation::Wider }],
    }],
    when: &[&NAMES_SERVICES],
    source: include_str!("names_match_deployment.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let known = |name: &str| {
        let mut containers = cx.delivery.containers.iter();
        containers.any(|container| {
            matches!(container.kind, ContainerKind::Compose { .. }) && container.name == name
        })
    };
    let dir = cx.path(script.file).rsplit_once('/').map_or("", |(dir, _)| dir);
    let (mut absent, mut unsure, mut fine) = (Vec::new(), None, Vec::new());
    let mut shown = String::new();
    for command in scripts::commands(script.program) {
        let Some(compose) = command.compose() else { continue };
        let name = services(&compose).find(|name| !known(name)).map(clip);
        let Some(name) = name else {
            if services(&compose).next().is_some() {
                fine.push(Evidence::shows(command.span, "names a service"));
            }
            continue;
        };
        let here = |file: &&str| {
            command.path_of(file, dir).is_some_and(|path| cx.delivery.tree.find(&path).is_some())
        };
        let files = compose.files();
        let elsewhere = files.iter().any(|file| !here(file))
            || matches!(command.cwd, Cwd::Unknown)
            || script.flow.sets.iter().any(|set| set.name == "COMPOSE_FILE")
            || command.words.iter().any(|word| word.starts_with("--project-directory"))
            || command.words.first().is_some_and(|word| word.starts_with('$'));
        let broken = cx.delivery.problems.iter().any(|problem| problem.what == "compose file");
        if elsewhere || broken || command.remote || !has_projects(cx) {
            let says = match broken {
                true => "a compose file does not parse",
                false => "its file is not in the repository",
            };
            unsure = unsure.or(Some(Evidence::context(command.span, says)));
        } else {
            let says = format!("there is no service `{name}`");
            absent.push(Evidence::contradicts(command.span, says));
            shown = if shown.is_empty() { name } else { shown };
        }
    }
    if absent.is_empty()
        && let Some(evidence) = unsure
    {
        let message = "the compose file that a script means is not in the repository";
        return Verdict::unknown(Why::OutOfTree, message, evidence);
    }
    let fails = format!("there is no service `{shown}` in compose: name the one that is there");
    let none = || Evidence::context(script.text.whole(), "names no service");
    scripts::verdict(absent, fails, fine, "scripts name services that are there", none)
}

/// The services that a call names by their names.
pub(crate) fn services<'a>(compose: &Compose<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    const VERBS: [&str; 14] = [
        "build", "create", "exec", "kill", "logs", "port", "ps", "pull", "restart", "rm", "run",
        "start", "stop", "up",
    ];
    let plain = |name: &str| {
        let part = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        !name.is_empty() && name.bytes().all(part)
    };
    let names = if VERBS.contains(&compose.verb) { compose.services() } else { Vec::new() };
    names
        .into_iter()
        .take(if compose.verb == "port" { 1 } else { usize::MAX })
        .filter(move |n| plain(n))
}

/// Whether there is any compose project whose services are all known.
fn has_projects(cx: &Cx<'_>) -> bool {
    let whole = |project: &Project| !project.in_part && project.remotes.is_empty();
    !cx.delivery.projects.is_empty() && cx.delivery.projects.iter().all(whole)
}
