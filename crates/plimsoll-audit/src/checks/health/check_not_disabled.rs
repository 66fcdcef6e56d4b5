//! # No health check is turned off
//!
//! No container turns the health check of its image off: `disable: true`, `test: ["NONE"]`.
//!
//! Somebody wrote the check because the process can run and the service be dead. Without it nothing waits,
//! nothing restarts, and nothing tells.
//!
//! Take it away, or write a check that fits.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     healthcheck:
//!       disable: true # <- turned off
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
//!   web: # <- turns no check off
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
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part,
    Relation, Run, Safety, Section, Severity, Status, Verdict, mending,
};
use plimsoll_model::image::HealthTest;

pub(super) static CHECK: Check = Check {
    id: "health/check-not-disabled",
    section: Section::HealthChecks,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: Some("health/check-defined"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "kics", rule: "698ed579", relation: Relation::Wider },
            Equivalent { tool: "catalogue", rule: "CMP047", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("check_not_disabled.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "has its health check turned off: write one that fits",
    partial: "",
    pass: "no health check is turned off",
    none: "turns no check off",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let off = container.healthcheck.as_ref().filter(|h| matches!(h.test, HealthTest::Disabled));
    asked.bad.extend(off.map(|health| Evidence::contradicts(health.span, "turned off")));
    asked.verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(cx, finding, "let the image's own health check run", Safety::Review)
}
