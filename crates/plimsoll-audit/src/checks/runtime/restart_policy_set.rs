//! # What is meant to run is started again
//!
//! Every container that is no job says what happens when it ends: `restart: unless-stopped`, `always` or
//! `on-failure`, or `deploy.restart_policy`.
//!
//! Without it a crash, a restart of the engine or of the host is the end of the service, until somebody looks.
//!
//! Set `unless-stopped`. Where `on-failure` has a number it is five or less, and it has one: a container that
//! cannot start takes the processor for itself; more, or no bound, is PARTIAL.
//!
//! The fix, for review, sets `unless-stopped` where nothing is said.
//!
//! Jobs, and containers with a profile, which somebody starts by hand, are not asked.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- says nothing
//!     image: acme/web:1.2.0
//! ```
//!
//! Said so:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports: ["127.0.0.1:80:80"]
//!     restart: "no" # <- is not started again
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     restart: unless-stopped # <- started again
//! ```
//!
//! Said so:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports: ["127.0.0.1:80:80"]
//!     restart: always # <- started again
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
//!       restart_policy:
//!         condition: on-failure # <- started again
//!         max_attempts: 5
//!   migrate:
//!     image: acme/web:1.2.0
//!     profiles: [tools]
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     restart: on-failure:50 # <- more than five
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     restart: ${RESTART} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part,
    Relation, Run, Section, Severity, Status, Verdict, mending,
};
use crate::{composed, migrating};
use plimsoll_model::Fact;
use plimsoll_model::container::Container;
use plimsoll_model::mend::Data;

pub(super) static CHECK: Check = Check {
    id: "runtime/restart-policy-set",
    section: Section::Compose,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.15"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part {
            name: "set",
            equivalents: &[Equivalent {
                tool: "catalogue",
                rule: "CMP051",
                relation: Relation::Same,
            }],
        },
        Part {
            name: "bounded",
            equivalents: &[
                Equivalent { tool: "kics", rule: "2fc99041", relation: Relation::Same },
                Equivalent { tool: "catalogue", rule: "CMP051", relation: Relation::Same },
            ],
        },
        Part { name: "", equivalents: &[] },
    ],
    when: &[&IN_COMPOSE],
    source: include_str!("restart_policy_set.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "is not started again: set `restart: unless-stopped`",
    partial: "is started again without a bound of five: give one",
    pass: "what is meant to run is started again",
    none: "a job, or started by hand",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    if container.job || !container.profiles.is_empty() {
        return asked.verdict(&container, &WORDS);
    }
    let attempts = &container.engine.restart_attempts;
    match &container.restart {
        Fact::Known { value, at, .. } => {
            let at = at.span.unwrap_or(container.span);
            let bound = value.trim().strip_prefix("on-failure").map(|rest| {
                let rest = rest.trim_start_matches(':').trim();
                let number =
                    if rest.is_empty() { attempts.known().map(String::as_str) } else { Some(rest) };
                number.and_then(|number| number.parse::<u32>().ok())
            });
            let many = attempts.known().and_then(|n| n.parse::<u32>().ok()).filter(|n| *n > 5);
            match (value.trim(), bound) {
                ("no" | "none" | "never" | "false", _) => {
                    let says = "is not started again";
                    asked.bad.push(Evidence::contradicts(at, says).part("set"));
                }
                (_, Some(None)) => {
                    let says = "tries without a bound";
                    asked.partly.push(Evidence::contradicts(at, says).part("bounded"));
                }
                (_, Some(Some(6..))) => {
                    let says = "tries more than five times";
                    asked.partly.push(Evidence::contradicts(at, says).part("bounded"));
                }
                _ if many.is_some() => {
                    let at = attempts.span().unwrap_or(at);
                    let says = "tries more than five times";
                    asked.partly.push(Evidence::contradicts(at, says).part("bounded"));
                }
                _ => asked.good.push(Evidence::shows(at, "started again")),
            }
        }
        Fact::Absent => {
            let says = "says nothing: it is not started again";
            asked.bad.push(Evidence::missing_in(container.span, says).part("set"));
        }
        Fact::Unknown(why, at) => asked.open = Some((*why, at.unwrap_or(container.span))),
    }
    asked.verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let set = || vec![("restart", Data::scalar("unless-stopped"))];
    // What migrates at each start would migrate without end.
    let migrates = cx.service_of(finding).is_some_and(|service| {
        let by_code = service.code.as_ref().is_some_and(|code| code.migrates.is_some());
        by_code || migrating::at_start(cx, service).known() == Some(&true)
    });
    let asked = |container: &Container| {
        let ends = container.job || composed::is_called_a_job(container);
        container.restart.is_absent() && !ends && !migrates && container.profiles.is_empty()
    };
    mending::containers::setting(
        cx,
        finding,
        "start it again when it ends, until somebody stops it",
        |container| if asked(container) { set() } else { Vec::new() },
        |_| set(),
    )
}
