//! # The way back is written down
//!
//! A runbook of this repository gives the commands that bring back the previous image of this
//! service, and its schema where it has one.
//!
//! A roll-back happens at the worst hour, by whoever is on call. Commands for a cluster or a script
//! that does not exist are found out then.
//!
//! Write a section «Roll back» that names the service: how to find and start the last good image,
//! and how to undo the migrations. Audits, research and what is written for other services do not
//! count.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `README.md`:
//! ```markdown
//! # orders
//!
//! ## Start
//! ```
//! <- nothing says how to roll back
//!
//! Written for another service:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: orders
//! ```
//! `orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `docs/research/orders.md`:
//! ```markdown
//! # Roll back orders
//!
//! `kubectl rollout undo deployment/orders`
//! ```
//! <- nothing says how to roll back
//!
//! ## Fixed
//!
//! `docs/runbooks/orders-rollback.md`:
//! ````markdown
//! # Roll back orders // <- the way back
//!
//! Name the release to go back to, a tag or a commit: `git log --oneline`.
//!
//! ## Restore the previous image
//!
//! ```sh
//! git checkout "${RELEASE:?the tag or commit to go back to}"
//! docker compose up --detach --build --wait orders // <- brings back the image
//! ```
//! ````
//!
//! ## Passes
//!
//! Image and schema, in a list:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: orders
//! ```
//! `orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `orders/package.json`:
//! ```json
//! {"name": "orders", "scripts": {"undo": "knex migrate:rollback"}, "dependencies": {"knex": "3.1.0"}}
//! ```
//! `orders/migrations/001_orders.js`:
//! ```javascript
//! exports.up = (knex) => knex.schema.createTable("orders", (t) => t.increments());
//! exports.down = (knex) => knex.schema.dropTable("orders");
//! ```
//! `orders/README.md`:
//! ```markdown
//! # Orders
//!
//! ## Rolling back // <- the way back
//!
//! 1. Undo the migration: `npm run undo`. // <- brings back the schema
//! 2. Start the old image: `git checkout v1.2.3 && docker compose up --build --wait orders`. // <- the image
//! ```
//!
//! ## Partial
//!
//! Words without commands:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `docs/orders.md`:
//! ```markdown
//! # orders
//!
//! ## Rollback // <- gives no command that brings back the image
//!
//! Revert to the image before.
//! ```
//!
//! Commands for a cluster that nothing here describes, and a file that is not there:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: orders
//! ```
//! `orders/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `orders/docs/deploy.md`:
//! ````markdown
//! # Deployment
//!
//! ## Roll back // <- nothing here runs in a cluster
//!
//! ```bash
//! kubectl rollout undo deployment/orders
//! kubectl apply -f k8s/orders.yml
//! ```
//! ````
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//!
//! ## See also
//!
//! - `pipeline/workflow-runs`: where releases come from.

use plimsoll_model::container::{Container, ContainerKind};
use plimsoll_model::document::DocumentKind;
use plimsoll_model::migration::MigrationTool;
use plimsoll_model::purpose::Purpose;
use plimsoll_source::{Create, Patch, Span};

use crate::conditions::STARTED;
use crate::runbook::{Way, way};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Outcome, Part, Run, Safety, Section,
    ServiceSubject, Severity, Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/rollback-documented",
    section: Section::Safeguards,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&STARTED],
    source: include_str!("rollback_documented.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

/// The best way back that a document gives.
fn best(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Option<Way> {
    let delivery = cx.delivery;
    let single = delivery.services.len() == 1;
    let own = service.documents.iter().map(|&id| &delivery[id]);
    let all = delivery.documents.iter().filter(|_| single);
    let guides = own.chain(all).filter(|document| document.kind == DocumentKind::Guide);
    let needs_schema = service.migrations.is_some();
    let mut best: Option<(u8, Way)> = None;
    for document in guides {
        let Some(way) = way(cx, service, document, single) else { continue };
        let has = |part: Option<Span>| u8::from(part.is_some());
        let schema = if needs_schema { has(way.schema) } else { 1 };
        let rank = 2 * (has(way.image) + schema) + u8::from(way.absent.is_none());
        if best.as_ref().is_none_or(|(known, _)| rank > *known) {
            best = Some((rank, way));
        }
    }
    best.map(|(_, way)| way)
}

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let needs_schema = service.migrations.is_some();
    let Some(way) = best(cx, service) else {
        let path = format!("docs/runbooks/{}-rollback.md", service.name);
        let evidence = Evidence::missing_file(path, "nothing says how to roll back this service");
        let message = "no document says how to roll this service back: write the commands down";
        return Verdict::fail(message, evidence);
    };
    let says = match (&way.absent, way.image, way.schema) {
        (Some(absent), ..) => absent.clone(),
        (None, None, _) => "gives no command that brings back the image".to_owned(),
        (None, _, None) if needs_schema => {
            "gives no command that brings back the schema".to_owned()
        }
        _ => String::new(),
    };
    let mut headings = way.headings.into_iter();
    let Some(first) = headings.next() else {
        return Verdict::fail("no document says how", Evidence::missing_file("docs", "no heading"));
    };
    let image = way.image.map(|span| Evidence::shows(span, "brings back the image"));
    let schema = way.schema.map(|span| Evidence::shows(span, "brings back the schema"));
    let verdict = match says.is_empty() {
        true => {
            Verdict::pass("the way back is written down", Evidence::shows(first, "the way back"))
        }
        false => {
            let message = format!("the way back is written down, but {says}");
            Verdict::partial(message, Evidence::missing_in(first, says))
        }
    };
    let context = |span| Evidence::context(span, "the way back");
    verdict.and_all(image).and_all(schema).and_all(headings.map(context).take(5))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let name = &service.name;
    let all = service.containers.iter().map(|&id| &cx.delivery[id]);
    // What developers start is no release.
    let containers = all.filter(|c| !c.job && Purpose::of_path(cx.path(c.file)).is_production());
    // The one that is started where nothing else is said.
    let container = containers.min_by_key(|c| (!is_found(cx.path(c.file)), c.name != *name));
    let undo = undo(cx, service, container);
    let schema = undo.as_ref().map_or_else(String::new, |command| {
        format!(
            "## Restore the schema\n\nOnly when the release brought a migration, and before the image: the one that \
             runs knows how to undo it.\n\n```sh\n{command}\n```\n\n"
        )
    });
    let (what, start) = match container.map(|container| (container, &container.kind)) {
        Some((_, ContainerKind::Kubernetes { workload, name: object, .. })) => {
            let object = format!("{}/{object}", workload.to_ascii_lowercase());
            (
                "Kubernetes keeps the release before.",
                format!("kubectl rollout undo {object}\nkubectl rollout status {object}"),
            )
        }
        Some((container, ContainerKind::Compose { .. })) => {
            let build = if container.build.is_some() { "--build" } else { "--no-build" };
            let compose = compose(cx, container);
            (
                "Name the release to go back to, a tag or a commit: `git log --oneline`.",
                format!(
                    "git checkout \"${{RELEASE:?the tag or commit to go back to}}\"\n{compose} up --detach {build} --wait {}",
                    container.name
                ),
            )
        }
        None => ("", format!("docker compose up --detach --build --wait {name}")),
    };
    let text = format!(
        "# Roll back {name}\n\n{what}\n\n{schema}## Restore the previous image\n\n```sh\n{start}\n```\n"
    );
    // A short name is a word of many documents: what is about its service lies below that.
    let short = name.len() < 4 && cx.delivery.services.len() > 1 && !service.dir.is_empty();
    let path = match short {
        true => format!("{}/docs/rollback.md", service.dir),
        false => format!("docs/runbooks/{name}-rollback.md"),
    };
    // Only where no document says anything, or what is not there, and every command is known to be.
    let returns = container.is_some_and(brings_back);
    let known = returns && (service.migrations.is_none() || undo.is_some());
    let wrong = |way: Way| way.absent.is_some();
    let open = finding.outcome == Outcome::Fail || best(cx, service).is_some_and(wrong);
    let free = open && cx.delivery.tree.find(&path).is_none();
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let file = Create { path: path.clone(), bytes: text.clone().into_bytes(), executable: false };
    let patch = (known && free && plain).then(|| Patch { create: vec![file], ..Patch::default() });
    Some(Fix {
        does: "write down how to bring back the previous image and schema; try it once".into(),
        safety: if patch.is_some() { Safety::Review } else { Safety::Sketch },
        snippet: Some(Snippet { path, language: "markdown", text }),
        patch,
    })
}

/// Whether an older commit names what ran then: a version, or what is built from that commit.
fn brings_back(container: &Container) -> bool {
    let named = || container.named.as_ref();
    matches!(container.kind, ContainerKind::Kubernetes { .. })
        || container.build.is_some()
        || named().is_some_and(|image| {
            image.digest.is_some()
                || image.tag.as_ref().is_some_and(|tag| tag.contains(|c: char| c.is_ascii_digit()))
        })
}

/// `docker compose` with the file that describes a container, where it does not find that by itself.
fn compose(cx: &Cx<'_>, container: &Container) -> String {
    match cx.path(container.file) {
        path if is_found(path) => "docker compose".to_owned(),
        path => format!("docker compose --file {path}"),
    }
}

/// Whether `docker compose` finds a file by itself at the root.
fn is_found(path: &str) -> bool {
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"].contains(&path)
}

/// The command that undoes the last migration, in the service's container.
fn undo(cx: &Cx<'_>, service: ServiceSubject<'_>, container: Option<&Container>) -> Option<String> {
    let container = container.filter(|c| matches!(c.kind, ContainerKind::Compose { .. }))?;
    let package = service.package.map(|id| &cx.delivery[id]).filter(|package| package.is_node());
    let undoes = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("migrat") || name.contains("db:")
    };
    let script = package.and_then(|package| {
        package.scripts.iter().find(|script| {
            let ends = ["rollback", "down", "undo", "revert"];
            undoes(&script.name) && ends.iter().any(|end| script.name.ends_with(end))
        })
    });
    let command = match (script, cx.delivery[service.migrations?].tool) {
        (Some(script), _) => format!("npm run {}", script.name),
        (None, MigrationTool::Alembic) => "alembic downgrade -1".to_owned(),
        _ => return None,
    };
    Some(format!("{} run --rm {} {command}", compose(cx, container), container.name))
}
