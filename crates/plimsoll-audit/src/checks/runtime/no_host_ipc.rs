//! # No container shares its host's memory segments
//!
//! No container shares the host's inter-process communication: `ipc: host`.
//!
//! Shared memory of every process of the host can then be read and written from the container: what
//! databases and browsers keep there, other users' data.
//!
//! Take it away; containers that work together share one of their own (`ipc: shareable`, `ipc: service:NAME`),
//! and one that needs more shared memory sets `shm_size`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   worker:
//!     image: acme/worker:1.2.0
//!     ipc: "host" # <- shares the host's memory segments
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   worker:
//!     image: acme/worker:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   worker: # <- has memory segments of its own
//!     image: acme/worker:1.2.0
//!     ipc: shareable
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   worker:
//!     image: acme/worker:1.2.0
//!     ipc: ${IPC_MODE} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/no-host-ipc",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.17", "CIS-K 5.2.4"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0010", relation: Relation::Wider },
            Equivalent { tool: "kics", rule: "baa3890f", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP008", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_host_ipc.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "shares the host's memory segments: take `ipc: host` away",
    partial: "",
    pass: "no container shares its host's memory segments",
    none: "has memory segments of its own",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let is_bad =
        |mode: &str| (mode == "host").then(|| "shares the host's memory segments".to_owned());
    Asked::setting(&container.engine.ipc, is_bad).verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(
        cx,
        finding,
        "take the host's memory segments away: what shares them with the host loses it",
        Safety::Review,
    )
}
