//! # No two containers publish the same port
//!
//! Of a project, no two containers that run together publish the same port of the same address.
//!
//! The second one does not start, and which one that is depends on the moment: after a restart it may be the
//! other.
//!
//! Give each a port of its own, or put both behind the proxy.
//!
//! Containers whose profiles differ, and ports by different protocols, do not meet.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports: ["8080:80"]
//!   admin:
//!     image: acme/admin:1.2.0
//!     ports:
//!       - "127.0.0.1:8079-8081:80-82" # <- `web` publishes it
//! ```
//!
//! By the same variable:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports: ["${PORT}:80"]
//!   admin:
//!     image: acme/admin:1.2.0
//!     ports: ["${PORT}:80"] # <- `web` publishes it
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports: ["8080:80"]
//!   admin:
//!     image: acme/admin:1.2.0
//!     ports:
//!       - "127.0.0.1:9079-9081:80-82"
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   dns: # <- ports differ
//!     image: acme/dns:1.2.0
//!     ports: ["127.0.0.1:53:53/tcp", "127.0.0.1:53:53/udp", "127.0.0.2:53:53/udp"]
//! ```
//!
//! One variable is one port; of two nothing is known:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- ports differ
//!     image: acme/web:1.2.0
//!     ports: ["127.0.0.1:${PORT}:80"]
//!   admin:
//!     image: acme/admin:1.2.0
//!     ports: ["127.0.0.2:${PORT}:80"]
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports: ["8080:80"]
//!   admin:
//!     image: acme/admin:1.2.0
//!     ports: ["${PORT}:80"] # <- Write the value
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```

use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::ports::range;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, Why, composed,
};
use plimsoll_model::container::{Container, Port};
use std::collections::BTreeMap;

pub(super) static CHECK: Check = Check {
    id: "network/unique-published-ports",
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
            Equivalent {
                tool: "dclint",
                rule: "no-duplicate-exported-ports",
                relation: Relation::Same,
            },
            Equivalent { tool: "catalogue", rule: "CMP066", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("unique_published_ports.rs"),
    run: Run::Repository(repository),
    fix: None,
};

/// The most ports of variables that are compared.
const MAX_OPEN: usize = 200;

/// The most ports of one range that are compared.
const MAX_RANGE: u16 = 2048;

fn repository(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut first) = (Vec::new(), None);
    let mut unsure = None;
    for composed in composed::projects(cx) {
        let mut open: Vec<(&str, &Container, &Port)> = Vec::new();
        let mut taken: BTreeMap<(String, u16), Vec<(&Container, &Port)>> = BTreeMap::new();
        for container in &composed.containers {
            for port in container.ports.iter().filter(|port| port.host.is_some()) {
                first.get_or_insert(container.span);
                let host = port.host.as_deref().unwrap_or_default();
                let Some((from, to)) = range(host) else {
                    // The same variable is the same port; what another holds is not known.
                    let variable = host.contains('$').then_some((host, port));
                    open.extend(variable.map(|(host, port)| (host, *container, port)));
                    continue;
                };
                for number in from..=to.min(from.saturating_add(MAX_RANGE)) {
                    let others = taken.entry((port.protocol.clone(), number)).or_default();
                    let meets = |(c, p): &&(&Container, &Port)| meet(c, container) && same(p, port);
                    if let Some((other, _)) = others.iter().find(meets) {
                        let says = format!("{number}: `{}` publishes it, too", clip(&other.name));
                        bad.push(Evidence::contradicts(port.span, says));
                        break;
                    }
                    others.push((container, port));
                }
            }
        }
        let others: Vec<(&Container, &Port)> = taken.into_values().flatten().collect();
        for (at, (host, container, port)) in open.iter().enumerate().take(MAX_OPEN) {
            let clash = |c: &Container, p: &Port| {
                c.span != container.span
                    && p.protocol == port.protocol
                    && meet(c, container)
                    && same(p, port)
            };
            let before = open.get(..at).unwrap_or_default();
            match before.iter().find(|(other, c, p)| other == host && clash(c, p)) {
                Some((_, other, _)) => {
                    let says = format!("`{host}`: `{}` publishes it, too", clip(&other.name));
                    bad.push(Evidence::contradicts(port.span, says));
                }
                None if others.iter().any(|(c, p)| clash(c, p))
                    || before.iter().any(|(_, c, p)| clash(c, p)) =>
                {
                    unsure.get_or_insert(port.span);
                }
                None => {}
            }
        }
    }
    let mut bad = bad.into_iter();
    match (bad.next(), unsure, first) {
        (Some(evidence), ..) => {
            let message = "two containers publish one port: the second does not start";
            Verdict::fail(message, evidence).and_all(bad)
        }
        (None, Some(at), _) => Verdict::unknown(
            Why::Dynamic,
            "which port is published depends on a variable",
            Evidence::context(at, Why::Dynamic.decide()),
        ),
        (None, None, Some(at)) => Verdict::pass(
            "no two containers publish the same port",
            Evidence::missing_in(at, "the published ports differ"),
        ),
        (None, None, None) => Verdict::not_applicable(
            "does not apply: nothing here publishes a port",
            Evidence::missing_file(".", "no published port"),
        ),
    }
}

/// Whether two containers run together.
fn meet(one: &Container, other: &Container) -> bool {
    one.profiles.is_empty() && other.profiles.is_empty()
        || one.profiles.iter().any(|profile| other.profiles.contains(profile))
}

/// Whether two ports are on an address in common.
fn same(one: &Port, other: &Port) -> bool {
    let every = |port: &Port| {
        matches!(
            port.address.as_deref().map(|a| a.trim_matches(['[', ']'])),
            None | Some("" | "0.0.0.0" | "::")
        )
    };
    let open = |port: &Port| port.address.as_deref().is_some_and(|address| address.contains('$'));
    !open(one) && !open(other) && (every(one) || every(other) || one.address == other.address)
}
