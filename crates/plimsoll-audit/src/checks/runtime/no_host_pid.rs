//! # No container sees its host's processes
//!
//! No container shares the host's list of processes: `pid: host`.
//!
//! It sees every process of the host with its arguments, may end those of its user, and with `SYS_PTRACE` or
//! as root reads their memory and environment: all secrets of all containers.
//!
//! Take it away. What measures processes can measure its own, or the engine's figures.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     pid: host # <- shares the host's processes
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
//!   agent: # <- has processes of its own
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
//!     pid: ${PID_MODE} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/no-host-pid",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.16", "CIS-K 5.2.3"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0010", relation: Relation::Wider },
            Equivalent { tool: "kics", rule: "4f31dd9f", relation: Relation::Same },
            Equivalent {
                tool: "docksec",
                rule: "compose-host-namespace",
                relation: Relation::Wider,
            },
            Equivalent { tool: "catalogue", rule: "CMP007", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_host_pid.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "sees the host's processes: take `pid: host` away",
    partial: "",
    pass: "no container sees its host's processes",
    none: "has processes of its own",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let is_bad = |mode: &str| (mode == "host").then(|| "shares the host's processes".to_owned());
    Asked::setting(&container.engine.pid, is_bad).verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(
        cx,
        finding,
        "take the host's processes away: what looks at them sees its own only",
        Safety::Review,
    )
}
