//! # Ports are written as text
//!
//! A port of the form `22:22`, with both numbers below 60, stands in quotes.
//!
//! By the rules of YAML 1.1 it is a number of minutes and seconds: older readers and many tools publish 1342.
//!
//! Write it in quotes, as all others.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   forge:
//!     image: gitea/gitea:1.24.0
//!     ports:
//!       - 22:22 # <- reads as 1342
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   forge:
//!     image: gitea/gitea:1.24.0
//!     ports:
//!       - "22:22"
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- reads as it is written
//!     image: acme/web:1.2.0
//!     ports: [8080:80]
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
use plimsoll_model::mend;

pub(super) static CHECK: Check = Check {
    id: "network/ports-quoted",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Trial,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent {
                tool: "dclint",
                rule: "require-quotes-in-ports",
                relation: Relation::Wider,
            },
            Equivalent { tool: "catalogue", rule: "CMP070", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("ports_quoted.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "has a port that some read as a number of seconds: quote it",
    partial: "",
    pass: "ports are written as text",
    none: "every port reads as it is written",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    for port in &container.ports {
        let below = |text: &str| text.parse::<u32>().ok().filter(|number| *number < 60);
        let host = port.host.as_deref().and_then(below);
        let (Some(host), Some(own)) = (host, below(&port.container)) else { continue };
        let written = cx.text_of(port.span).unwrap_or_default();
        if port.address.is_none() && written.trim() == format!("{host}:{own:02}") {
            let says = format!("reads as {} by older rules", host * 60 + own);
            asked.bad.push(Evidence::contradicts(port.span, says));
        }
    }
    asked.verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let edits = mending::in_places(cx, finding, |document, at| {
        let port = document.scalar_at(at)?;
        Some(mend::replace(at, format!("\"{}\"", port.text()?)))
    });
    Some(Fix::of_edits("write it in quotes", Safety::Safe, None, edits))
}
