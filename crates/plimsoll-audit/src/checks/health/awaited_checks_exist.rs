//! # What is awaited as healthy has a health check
//!
//! A service that waits for another with `condition: service_healthy` waits for one that has a health check, in
//! compose or in its image.
//!
//! Without one `docker compose up` ends with an error: the deployment stops where it is, and what had been
//! taken down stays down.
//!
//! Give the other a `healthcheck`, or wait with `service_started`.
//!
//! Docker's own images have no health check; of others that are not built here it is UNKNOWN.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.2.0
//!     depends_on:
//!       db: { condition: service_healthy } # <- has no health check
//!   db:
//!     image: postgres:17.2
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.2.0
//!     depends_on:
//!       db: { condition: service_healthy } # <- has one
//!   db:
//!     image: postgres:17.2
//!     healthcheck:
//!       test: ["CMD", "pg_isready"]
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api: # <- waits for no health check
//!     image: acme/api:1.2.0
//!     depends_on: [db]
//!   db:
//!     image: postgres:17.2
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.2.0
//!     depends_on:
//!       store: { condition: service_healthy } # <- Ask the registry
//!   store:
//!     image: acme/store:1.2.0
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, Why, composed,
};
use plimsoll_model::image::{Base, HealthTest};

pub(super) static CHECK: Check = Check {
    id: "health/awaited-checks-exist",
    section: Section::HealthChecks,
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP050", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("awaited_checks_exist.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "waits for a health check that is not there: `up` ends with an error",
    partial: "",
    pass: "what is awaited as healthy has a health check",
    none: "waits for no health check",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    for on in container.depends_on.iter().filter(|on| on.condition == "service_healthy") {
        let Some(other) = composed::beside(cx, &container, &on.service) else { continue };
        let image = other.image_id.map(|id| &cx.delivery[id]);
        let name = clip(&on.service);
        match cx.delivery.healthcheck(Some(other), image) {
            Some(health) if !matches!(health.test, HealthTest::Disabled) => {
                asked.good.push(Evidence::shows(on.span, format!("`{name}` has one")));
            }
            Some(_) => {
                let says = format!("the health check of `{name}` is disabled");
                asked.bad.push(Evidence::contradicts(on.span, says));
            }
            None if other.open.is_some() => {
                asked.open = other.open;
            }
            None => {
                let base = match image {
                    Some(image) => image
                        .target
                        .and_then(|target| image.root_base(target))
                        .map(|stage| &stage.base),
                    None => None,
                };
                let official = match (image, base) {
                    (Some(_), Some(Base::External(base))) => base.is_official(),
                    (Some(_), base) => matches!(base, Some(Base::Scratch)),
                    (None, _) => other.named.as_ref().is_some_and(|r| r.is_official()),
                };
                if official {
                    let says = format!("`{name}` has no health check");
                    asked.bad.push(Evidence::contradicts(on.span, says));
                } else {
                    asked.open = Some((Why::NeedsNetwork, on.span));
                }
            }
        }
    }
    asked.verdict(&container, &WORDS)
}
