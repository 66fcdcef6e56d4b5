//! # Datastores are awaited until they are healthy
//!
//! Every datastore (and pooler before one) that `depends_on` names is awaited with `condition:
//! service_healthy`, and has a health check that says when that is.
//!
//! A container that has started is not one that answers: a database replays its log first. The
//! service then fails at its first query, or its migrations do, on one start of ten.
//!
//! Give the dependency a `healthcheck` (`pg_isready`, `redis-cli ping`), and wait for `condition:
//! service_healthy`. A list of names waits for `service_started` only.
//!
//! Datastores are known by their images. What is not named in `depends_on`, and what Kubernetes
//! starts, is not asked.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     depends_on:
//!       db:
//!         condition: service_started # <- does not wait
//!   db:
//!     image: postgres:17.2
//!     healthcheck:
//!       test: ["CMD", "pg_isready"]
//! ```
//!
//! A list of names, and nothing that says when:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     depends_on:
//!       - pool # <- does not wait
//!   pool: # <- no health check
//!     image: edoburu/pgbouncer:v1.24.1-p1
//! ```
//!
//! By an image that is made elsewhere:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.4.2
//!     depends_on: [db] # <- does not wait
//!   db:
//!     image: postgres:17.2
//!     healthcheck:
//!       test: ["CMD", "pg_isready"]
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     depends_on:
//!       db:
//!         condition: service_healthy # <- waits
//!   db:
//!     image: postgres:17.2
//!     healthcheck:
//!       test: ["CMD", "pg_isready"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! x-after: &after
//!   condition: service_healthy
//! services:
//!   api:
//!     build: .
//!     depends_on:
//!       cache: *after # <- waits
//!       mail:
//!         condition: service_started
//!   cache:
//!     image: ${REGISTRY}/redis:${TAG}
//!     healthcheck:
//!       test: redis-cli ping
//!   mail:
//!     image: axllent/mailpit:v1.20.1
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     depends_on:
//!       db:
//!         condition: service_healthy
//!   db: # <- may bring one
//!     image: registry.example/postgres:17.2
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     depends_on: [mail]
//!   mail:
//!     image: axllent/mailpit:v1.20.1
//! ```

use std::sync::Arc;

use plimsoll_model::Why;
use plimsoll_model::container::{Container, DependsOn};
use plimsoll_model::image::HealthTest;

use crate::conditions::DEPENDS_ON_A_DATASTORE;
use crate::datastores::awaited;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Snippet, Status, Verdict, composed,
};

pub(super) static CHECK: Check = Check {
    id: "health/dependencies-awaited",
    section: Section::HealthChecks,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["A1.2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&DEPENDS_ON_A_DATASTORE],
    source: include_str!("dependencies_awaited.rs"),
    run: Run::Both(run, of_no_service),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    let judged = containers.flat_map(|container| of_container(cx, container)).collect();
    crate::driver::join(judged, DEPENDS_ON_A_DATASTORE.name, service.place)
}

fn of_no_service(cx: &Cx<'_>) -> Verdict {
    let none = DEPENDS_ON_A_DATASTORE.name;
    composed::of_no_service(cx, none, |container| {
        let judged = of_container(cx, &container);
        (!judged.is_empty()).then(|| crate::driver::join(judged, none, container.span))
    })
}

/// The answer for each datastore that a container waits for.
fn of_container(cx: &Cx<'_>, container: &Container) -> Vec<(Arc<str>, Verdict)> {
    let judge = |(dependency, other): (&DependsOn, &Container)| {
        (Arc::clone(&container.label), judge(cx, dependency, other))
    };
    awaited(cx, container).into_iter().map(judge).collect()
}

/// Whether a dependency has a health check.
enum Health {
    Checked,
    Unchecked,
    Unknown(Why),
}

fn health(cx: &Cx<'_>, other: &Container) -> Health {
    let image = other.image_id.map(|id| &cx.delivery[id]);
    match cx.delivery.healthcheck(Some(other), image) {
        Some(health) if matches!(health.test, HealthTest::Disabled) => Health::Unchecked,
        Some(_) => Health::Checked,
        None => match (other.open, image, &other.named) {
            (Some((why, _)), ..) => Health::Unknown(why),
            // Docker's own images bring none, nor do the poolers: what others bring is not known.
            (None, None, Some(reference))
                if !reference.is_official()
                    && !["pgbouncer", "bitnami"]
                        .iter()
                        .any(|w| reference.repository.contains(w)) =>
            {
                Health::Unknown(Why::NeedsNetwork)
            }
            _ => Health::Unchecked,
        },
    }
}

fn judge(cx: &Cx<'_>, dependency: &DependsOn, other: &Container) -> Verdict {
    let name = clip(&dependency.service);
    let waits = dependency.condition == "service_healthy";
    let health = health(cx, other);
    let unchecked = matches!(health, Health::Unchecked);
    let missing = || Evidence::missing_in(other.span, format!("`{name}` has no health check"));
    if !waits {
        let says = format!("does not wait until `{name}` answers");
        let message = format!("`{name}` is not awaited: `condition: service_healthy`");
        return Verdict::fail(message, Evidence::contradicts(dependency.span, says))
            .and_all(unchecked.then(missing));
    }
    let shows = Evidence::shows(dependency.span, format!("waits until `{name}` answers"));
    match health {
        Health::Checked => Verdict::pass("datastores are awaited until they are healthy", shows),
        Health::Unchecked => {
            Verdict::fail(format!("`{name}` is awaited, and has no health check"), missing())
        }
        Health::Unknown(why) => Verdict::unknown(
            why,
            format!("whether `{name}` has a health check is not known: give it one"),
            Evidence::context(other.span, "its image may bring one"),
        ),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    let (container, other) = containers.into_iter().find_map(|container| {
        let mut awaited = awaited(cx, container).into_iter();
        let (_, other) = awaited.find(|(dependency, other)| {
            dependency.condition != "service_healthy"
                || matches!(health(cx, other), Health::Unchecked)
        })?;
        Some((container, other))
    })?;
    let (name, store) = (&container.name, &other.name);
    let image = other.named.as_ref().map_or("", |reference| &reference.repository);
    let test = match () {
        () if image.contains("pgbouncer") => "pg_isready -h 127.0.0.1 -p 6432",
        () if image.contains("postg") => "pg_isready",
        () if image.contains("redis") || image.contains("valkey") => "redis-cli ping",
        () if image.contains("rabbitmq") => "rabbitmq-diagnostics -q ping",
        () if image.contains("mysql") => "mysqladmin ping -h 127.0.0.1",
        () if image.contains("mariadb") => "healthcheck.sh --connect",
        () if image.contains("mongo") => "mongosh --quiet --eval 'db.adminCommand(\"ping\")'",
        () => return None,
    };
    let text = format!(
        "services:\n  {name}:\n    depends_on:\n      {store}:\n        condition: service_healthy\n  {store}:\n    healthcheck:\n      test: [\"CMD-SHELL\", \"{test}\"]\n      interval: 10s\n      retries: 5\n"
    );
    let path = cx.path(other.file).to_owned();
    Some(Fix {
        does: format!("say when `{}` is ready, and wait for that", clip(store)).into(),
        safety: Safety::Review,
        snippet: Some(Snippet { path, language: "yaml", text }),
        patch: None,
    })
}
