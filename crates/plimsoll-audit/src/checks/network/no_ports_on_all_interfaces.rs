//! # Only the door of a project is open on every address
//!
//! A published port names the address of its host (`127.0.0.1:3000:3000`), unless the container is the
//! project's reverse proxy and publishes 80 or 443.
//!
//! Without an address the engine opens the port on all of them, and past most firewalls: it writes its own
//! rules before those of `ufw`. What was meant for the machine, or for the proxy beside it, is on the
//! internet, without TLS and without a login.
//!
//! Bind it to the loopback address, or publish nothing and let the proxy reach it over the project's network.
//!
//! Datastores are asked by `network/no-published-datastores`. The fix, for review, writes `127.0.0.1:`
//! before ports without an address.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports:
//!       - "3000:3000" # <- 3000 is open on every address
//! ```
//!
//! In every form:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports:
//!       - 8080 # <- 8080 is open on every address
//!       - "[::]:8081:81" # <- 81 is open on every address
//!       - target: 82
//!         published: 8082 # <- 82 is open on every address
//!       - "${WEB_PORT}:83" # <- 83 is open on every address
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports:
//!       - "127.0.0.1:3000:3000" # <- open on the host itself
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   proxy:
//!     image: caddy:2.10.0
//!     ports: ["80:80", "443:443", "443:443/udp"] # <- the project's door
//!   web:
//!     image: acme/web:1.2.0
//!     expose: ["3000"]
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports:
//!       - "10.0.0.5:3000:3000" # <- open on one address
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports:
//!       - "${BIND}:3000:3000" # <- Write the value
//! ```
//!
//! ## See also
//!
//! - `network/no-published-datastores`: those that must not be reached at all.

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::ports::{Reach, is_door, reach};
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part,
    Relation, Run, Safety, Section, Severity, Status, Verdict, Why, composed, mending,
};
use plimsoll_model::mend::Data;

pub(super) static CHECK: Check = Check {
    id: "network/no-ports-on-all-interfaces",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.14", "CC6.6"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0005", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "451d79dc", relation: Relation::Same },
            Equivalent {
                tool: "dclint",
                rule: "no-unbound-port-interfaces",
                relation: Relation::Same,
            },
            Equivalent {
                tool: "docksec",
                rule: "compose-port-bound-all-interfaces",
                relation: Relation::Same,
            },
            Equivalent { tool: "catalogue", rule: "CMP026", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_ports_on_all_interfaces.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "is open on every address: bind its port to 127.0.0.1",
    partial: "is open on an address of its host: who reaches that?",
    pass: "what is published is open on the host itself, or is the project's door",
    none: "publishes nothing",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    if container.keeps.is_some() {
        let says = "a datastore: asked by `network/no-published-datastores`";
        asked.good.push(Evidence::context(container.span, says));
        return asked.verdict(&container, &WORDS);
    }
    let proxy = composed::is_proxy(cx, &container);
    for port in container.ports.iter().filter(|port| port.host.is_some()) {
        let text = clip(&port.container);
        match reach(port) {
            Reach::Every if proxy && is_door(port) => {
                asked.good.push(Evidence::shows(port.span, format!("{text}: the project's door")));
            }
            Reach::Every => {
                let says = format!("{text} is open on every address");
                asked.bad.push(Evidence::contradicts(port.span, says));
            }
            Reach::One => {
                let says = format!("{text} is open on one address of the host");
                asked.partly.push(Evidence::contradicts(port.span, says));
            }
            Reach::Host => {
                let says = format!("{text} is open on the host itself");
                asked.good.push(Evidence::shows(port.span, says));
            }
            Reach::Unknown => asked.open = Some((Why::Dynamic, port.span)),
        }
    }
    asked.verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let edits = mending::in_places(cx, finding, |document, at| {
        if let Some(port) = document.map_at(at) {
            let free = port.get("host_ip").is_none();
            let set = free.then(|| document.set(port, "host_ip", &Data::scalar("127.0.0.1")))??;
            return set.into_iter().next();
        }
        let port = document.scalar_at(at)?;
        let text = port.text()?;
        // Whoever sets the variable may give an address with it.
        if text.split(':').next().is_some_and(is_address) {
            return None;
        }
        let address = if text.contains(':') { "127.0.0.1:" } else { "127.0.0.1::" };
        // What stands before two colons is an address already.
        let parts = outside_braces(text);
        (parts < 2).then(|| document.prepend(port, address))?
    });
    let containers = mending::containers::against(cx, finding);
    let (first, port) = containers.iter().find_map(|container| {
        let port = container.ports.iter().find(|port| matches!(reach(port), Reach::Every))?;
        Some((container, port))
    })?;
    let host = port.host.as_deref().unwrap_or_default();
    let text = format!("\"127.0.0.1:{host}:{}\"", port.container);
    let sample = [("ports", Data::list(&[&text]))];
    Some(Fix::of_edits(
        "open it on the host itself only: what comes from elsewhere needs the proxy",
        Safety::Review,
        mending::containers::sample_in(cx, first, &sample),
        edits,
    ))
}

/// Whether a text is one variable that is called as if it held an address.
fn is_address(text: &str) -> bool {
    let name = text.trim_start_matches(['$', '{']).to_ascii_uppercase();
    let words = ["ADDR", "BIND", "HOST", "INTERFACE", "LISTEN"];
    text.starts_with('$')
        && !name.contains("PORT")
        && name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| words.contains(&part))
}

/// How many colons stand outside of `${…}`.
fn outside_braces(text: &str) -> usize {
    let mut depth = 0_usize;
    let colons = text.bytes().filter(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        *byte == b':' && depth == 0
    });
    colons.count()
}
