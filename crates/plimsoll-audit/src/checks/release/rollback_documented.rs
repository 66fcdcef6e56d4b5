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
//! `docs/rollback.md`:
//! ````markdown
//! # Roll back orders // <- the way back
//!
//! ```sh
//! export TAG="$(git describe --abbrev=0 --tags HEAD^)"
//! docker compose up --detach --no-build --wait orders // <- brings back the image
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

use plimsoll_model::document::DocumentKind;
use plimsoll_source::Span;

use crate::conditions::STARTED;
use crate::runbook::{Way, in_cluster, way};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Snippet, Status, Verdict,
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

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
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
    let Some((_, way)) = best else {
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
    let schema = match service.migrations {
        Some(_) => {
            "## Restore the schema\n\nOnly when the release brought a migration.\n\n```sh\nnpm run migrate:rollback\n```\n\n"
        }
        None => "",
    };
    let start = match in_cluster(cx, service) {
        true => format!(
            "kubectl rollout undo deployment/{name}\nkubectl rollout status deployment/{name}"
        ),
        false => format!(
            "git checkout \"$(git describe --abbrev=0 --tags HEAD^)\"\ndocker compose up --detach --build --wait {name}"
        ),
    };
    let text = format!(
        "# Roll back {name}\n\n{schema}## Restore the previous image\n\n```sh\n{start}\n```\n"
    );
    Some(Fix {
        does: "write down how to bring back the previous image and schema".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet {
            path: format!("docs/runbooks/{name}-rollback.md"),
            language: "markdown",
            text,
        }),
        patch: None,
    })
}
