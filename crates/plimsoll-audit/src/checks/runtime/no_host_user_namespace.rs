//! # No container leaves the engine's user namespace
//!
//! No container sets `userns_mode: host`.
//!
//! Where the engine maps users (`userns-remap`), root in a container is nobody on the host; this setting
//! takes that away, and root is root. Where it does not map them, the setting changes nothing today and all
//! of it on the day when mapping is turned on.
//!
//! Take it away.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     userns_mode: host # <- users are not mapped
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent: # <- leaves users to the engine
//!     image: acme/agent:1.2.0
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     userns_mode: ${USERNS} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/no-host-user-namespace",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.30"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0010", relation: Relation::Wider },
            Equivalent { tool: "kics", rule: "8af7162d", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP010", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_host_user_namespace.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "is root on the host where it is root: take `userns_mode: host` away",
    partial: "",
    pass: "no container leaves the engine's user namespace",
    none: "leaves users to the engine",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let is_bad = |mode: &str| {
        let says = "users are not mapped, if the engine maps them";
        (mode == "host").then(|| says.to_owned())
    };
    Asked::setting(&container.engine.userns, is_bad).verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(cx, finding, "leave the mapping of users to the engine", Safety::Review)
}
