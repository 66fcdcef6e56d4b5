//! # Kernel settings stay the container's own
//!
//! `sysctls` sets only what belongs to the container's own network and memory segments: `net.core.somaxconn`,
//! `net.ipv4.tcp_*`, `kernel.shm*`; not forwarding, nor the kernel's own.
//!
//! With forwarding on, a container carries packets between networks that were meant to be apart. What is not
//! the container's own is the whole host's.
//!
//! Set it on the host, on purpose, where it is needed.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   router:
//!     image: acme/router:1.2.0
//!     sysctls:
//!       net.ipv4.ip_forward: 1 # <- forwards packets
//! ```
//!
//! As a list:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   tuned:
//!     image: acme/tuned:1.2.0
//!     sysctls:
//!       - kernel.core_pattern=/tmp/core # <- the host's kernel
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   router:
//!     image: acme/router:1.2.0
//! ```
//!
//! As a list:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   tuned:
//!     image: acme/tuned:1.2.0
//!     sysctls:
//!       - net.core.somaxconn=1024
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   tuned: # <- sets nothing but its own
//!     image: acme/tuned:1.2.0
//!     sysctls: { net.ipv4.ip_unprivileged_port_start: 0, net.ipv4.ip_forward: 0 }
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
use crate::evidence::clip;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/safe-sysctls",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.30"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP089", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("safe_sysctls.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "sets what is not its own: set it on the host, where it is needed",
    partial: "",
    pass: "kernel settings stay the container's own",
    none: "sets nothing but its own",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    for setting in &container.engine.sysctls {
        let name = setting.name.trim();
        let own = name.starts_with("net.")
            || name.starts_with("fs.mqueue.")
            || ["kernel.shm", "kernel.msg", "kernel.sem"].iter().any(|p| name.starts_with(p));
        let forwards = (name.ends_with("ip_forward") || name.ends_with("forwarding"))
            && setting.value.trim() != "0";
        let says = match (forwards, own) {
            (true, _) => format!("`{}` forwards packets", clip(name)),
            (false, false) => format!("`{}` is the host's kernel's", clip(name)),
            (false, true) => continue,
        };
        asked.bad.push(Evidence::contradicts(setting.span, says));
    }
    asked.verdict(&container, &WORDS)
}
