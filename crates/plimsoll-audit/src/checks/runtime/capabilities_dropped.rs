//! # Every container drops all capabilities
//!
//! Every container sets `cap_drop: [ALL]`, or in Kubernetes `capabilities: {drop: [ALL]}`.
//!
//! The dozen capabilities that a container has by default let root in it change owners, bind low ports,
//! send raw packets, kill and trace. An attacker has what the process has.
//!
//! Drop all, and give back by name what fails without it: a proxy `NET_BIND_SERVICE`; an image that starts
//! as root to hand its data to a user, as those of PostgreSQL and Redis do, `CHOWN`, `DAC_OVERRIDE`, `SETUID`
//! and `SETGID`. Try it on a fresh and on an existing volume. The fix, for review, does so for
//! processes that do not start as root, and for images of others whose needs are known.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- does not drop all capabilities
//!     image: acme/web:1.2.0
//!     cap_drop: [NET_RAW] # <- drops only some
//! ```
//!
//! Of an image whose needs are known:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db: # <- does not drop all capabilities
//!     image: postgres:17.2
//! ```
//!
//! Of one that is privileged:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     privileged: true # <- has them all, whatever is dropped
//!     cap_drop: [ALL]
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     cap_drop: [ALL] # <- drops all capabilities
//! ```
//!
//! Of an image whose needs are known:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17.2
//!     cap_drop:
//!       - ALL # <- drops all capabilities
//!     cap_add:
//!       - CHOWN
//!       - DAC_OVERRIDE
//!       - FOWNER
//!       - SETGID
//!       - SETUID
//! ```
//!
//! ## Passes
//!
//! Merged from a fragment:
//!
//! `compose.yaml`:
//! ```yaml
//! x-hardened: &hardened
//!   cap_drop: [all] # <- drops all capabilities
//! services:
//!   web:
//!     <<: *hardened
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     cap_drop: ["${DROP}"] # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::HAS_DESCRIPTOR;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part,
    Relation, Run, Section, Severity, Status, Verdict, asked, mending,
};
use plimsoll_model::Fact;

pub(super) static CHECK: Check = Check {
    id: "runtime/capabilities-dropped",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: Some("runtime/hardened"),
    after: &[],
    controls: &["CIS-D 5.3", "CIS-K 5.2.9"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0006", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "ce76b7d0", relation: Relation::Wider },
            Equivalent { tool: "checkov", rule: "CKV_K8S_37", relation: Relation::Wider },
            Equivalent { tool: "trivy", rule: "KSV-0003", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "268ca686", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP005", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "K8S006", relation: Relation::Same },
        ],
    }],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("capabilities_dropped.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "keeps capabilities that it does not need: drop all",
    partial: "",
    pass: "every container drops all capabilities",
    none: "",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let place = container.span;
    match asked::drops_all(&container) {
        Fact::Known { at, .. } => {
            let at = at.span.unwrap_or(place);
            asked.good.push(Evidence::shows(at, "drops all capabilities"));
        }
        Fact::Absent => {
            let privileged = container.privileged.known() == Some(&true);
            let privileged = container.privileged.span().filter(|_| privileged);
            asked.bad.push(match privileged {
                Some(at) => Evidence::contradicts(at, "has them all, whatever is dropped"),
                None => Evidence::missing_in(place, "does not drop all capabilities"),
            });
            let some = container.cap_drop.iter().map(|(_, at)| *at).take(1);
            asked.bad.extend(some.map(|at| Evidence::context(at, "drops only some")));
        }
        Fact::Unknown(why, at) => asked.open = Some((why, at.unwrap_or(place))),
    }
    asked.verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::containers::setting(
        cx,
        finding,
        "drop all capabilities but those that its start needs",
        |container| mending::containers::drop_all(cx, container),
        |container| mending::containers::dropping(container, &[]),
    )
}
