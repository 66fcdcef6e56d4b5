//! # The number of processes is limited
//!
//! Every container sets `pids_limit`, or `deploy.resources.limits.pids`.
//!
//! A program that forks without end, by fault or by attack, takes every process number of the host: nobody
//! can log in to stop it.
//!
//! Measure how many it has, and set a few times that. The fix, for review, sets 200, or
//! 2000 for programs that are known to have many threads, where nothing is said.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- no limit of processes
//!     image: acme/web:1.2.0
//! ```
//!
//! None is meant:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     pids_limit: -1 # <- is no limit
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     pids_limit: 200 # <- limits processes
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     deploy:
//!       resources:
//!         limits:
//!           pids: 200 # <- limits processes
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     pids_limit: ${PIDS} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part,
    Relation, Run, Section, Severity, Status, Verdict, mending,
};
use plimsoll_model::Fact;
use plimsoll_model::mend::Data;

pub(super) static CHECK: Check = Check {
    id: "runtime/pids-limited",
    section: Section::RuntimeSecurity,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: Some("runtime/hardened"),
    after: &[],
    controls: &["CIS-D 5.28"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "kics", rule: "221e0658", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP044", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("pids_limited.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "may start as many processes as the host bears: limit them",
    partial: "",
    pass: "the number of processes is limited",
    none: "",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let place = container.span;
    match &container.pids_limit {
        Fact::Known { value, at, .. } => {
            let at = at.span.unwrap_or(place);
            if value.trim().parse::<i64>().is_ok_and(|limit| limit > 0) {
                asked.good.push(Evidence::shows(at, "limits processes"));
            } else {
                asked.bad.push(Evidence::contradicts(at, "is no limit"));
            }
        }
        Fact::Absent => asked.bad.push(Evidence::missing_in(place, "no limit of processes")),
        Fact::Unknown(why, at) => asked.open = Some((*why, at.unwrap_or(place))),
    }
    asked.verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::containers::setting(
        cx,
        finding,
        "limit processes and threads; the number is a starting point: measure how many it has",
        |container| mending::containers::pids(cx, container),
        |_| vec![("pids_limit", Data::scalar("200"))],
    )
}
