//! # Containers find each other by networks
//!
//! No service uses `links` or `external_links`.
//!
//! They are left from a time before networks: on the old default bridge they hand every variable of one
//! container, secrets included, to the other; elsewhere they only add a name, and stand in the way of who
//! looks for what reaches what.
//!
//! Take them away: services of a network find each other by name; `networks: { back: { aliases: … } }` gives
//! another.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     links:
//!       - db # <- an old link
//!   db:
//!     image: postgres:17.2
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!   db:
//!     image: postgres:17.2
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- has no links
//!     image: acme/web:1.2.0
//!     depends_on: [db]
//!   db:
//!     image: postgres:17.2
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
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-legacy-links",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP061", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_legacy_links.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "uses old links: a network of the project gives the name",
    partial: "",
    pass: "containers find each other by networks",
    none: "has no links",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let is_bad = |_: &str| Some("an old link".to_owned());
    Asked::list(&container.engine.links, is_bad).verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(
        cx,
        finding,
        "take the links away: services of a network find each other by name",
        Safety::Review,
    )
}
