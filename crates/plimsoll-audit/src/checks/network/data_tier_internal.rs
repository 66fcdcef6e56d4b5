//! # Networks of datastores reach nothing outside
//!
//! A network whose members are and programs that are on another network as well, is
//! `internal: true`.
//!
//! A database has no reason to reach the internet. An attacker who runs code in it has: to load tools, and to
//! take the data out.
//!
//! Set `internal: true`. A program that has to reach something outside does it by its other network.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.2.0
//!     networks: [front, back]
//!   db:
//!     image: postgres:17.2
//!     networks: [back]
//! networks:
//!   front:
//!   back: # <- reaches the internet
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.2.0
//!     networks: [front, back]
//!   db:
//!     image: postgres:17.2
//!     networks: [back]
//! networks:
//!   front:
//!   back:
//!     internal: true # <- reaches nothing outside
//! ```
//!
//! ## Passes
//!
//! A member that has no other network may need it:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.2.0
//!     networks: [back] # <- has no other network
//!   db:
//!     image: postgres:17.2
//!     networks: [back]
//! networks:
//!   back:
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17.2
//! ```

use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, composed,
};
use plimsoll_model::container::Container;

pub(super) static CHECK: Check = Check {
    id: "network/data-tier-internal",
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP060", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("data_tier_internal.rs"),
    run: Run::Repository(repository),
    fix: None,
};

fn repository(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for composed in composed::projects(cx) {
        for network in composed.project.networks.iter().filter(|network| !network.external) {
            let joins = |c: &&Container| composed::networks(c).contains(&*network.name);
            let members = composed.containers.iter().copied().filter(joins);
            let (stores, others): (Vec<&Container>, Vec<&Container>) =
                members.partition(|c| composed::is_store(c));
            if stores.is_empty() {
                continue;
            }
            let alone = others.iter().find(|c| composed::networks(c).len() < 2);
            let published = others.iter().chain(&stores).any(|c| {
                c.ports.iter().any(|port| port.host.is_some()) && composed::networks(c).len() < 2
            });
            let at =
                |said: Option<&plimsoll_model::engine::Said>| said.map_or(network.span, |s| s.1);
            if network.internal.known() == Some(&true) {
                let at = network.internal.span().unwrap_or(network.span);
                good.push(Evidence::shows(at, "reaches nothing outside"));
            } else if let Some(alone) = alone {
                let join = alone.engine.networks.iter().find(|(name, _)| *name == network.name);
                let says = format!("`{}` has no other network", clip(&alone.name));
                good.push(Evidence::shows(at(join), says));
            } else if published {
                good.push(Evidence::shows(network.span, "a port is published by it"));
            } else {
                bad.push(Evidence::missing_in(network.span, "reaches the internet"));
            }
        }
    }
    let mut bad = bad.into_iter();
    let mut good = good.into_iter();
    match (bad.next(), good.next()) {
        (Some(first), one) => {
            let message = "a network of datastores reaches the internet: set `internal: true`";
            Verdict::fail(message, first).and_all(bad).and_all(one).and_all(good)
        }
        (None, Some(first)) => {
            Verdict::pass("networks of datastores reach nothing outside", first).and_all(good)
        }
        (None, None) => Verdict::not_applicable(
            "does not apply: nothing here is a network of datastores",
            Evidence::missing_file(".", "no such network"),
        ),
    }
}
