//! # Every container's system calls are filtered
//!
//! No container sets `seccomp:unconfined`.
//!
//! The engine's own filter keeps a process from some forty system calls that no ordinary program makes and
//! that attacks on the kernel are made of. Without it, a fault of the kernel is a way to the host.
//!
//! Take the option away. Where a program really makes such a call (a browser's sandbox), give a profile
//! that adds it.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   browser:
//!     image: acme/browser:1.2.0
//!     security_opt:
//!       - seccomp:unconfined # <- filters no system call
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   browser:
//!     image: acme/browser:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   browser: # <- keeps the engine's filter
//!     image: acme/browser:1.2.0
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   browser:
//!     image: acme/browser:1.2.0
//!     security_opt: ["${SECCOMP}"] # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, asked, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/seccomp-enabled",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: Some("runtime/hardened"),
    after: &[],
    controls: &["CIS-D 5.22"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0009", relation: Relation::Wider },
            Equivalent { tool: "kics", rule: "404fde2c", relation: Relation::Same },
            Equivalent {
                tool: "semgrep",
                rule: "seccomp-confinement-disabled",
                relation: Relation::Same,
            },
            Equivalent {
                tool: "docksec",
                rule: "compose-disabled-security-opt",
                relation: Relation::Wider,
            },
            Equivalent { tool: "catalogue", rule: "CMP013", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("seccomp_enabled.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "may make any system call: take `seccomp:unconfined` away",
    partial: "",
    pass: "every container's system calls are filtered",
    none: "keeps the engine's filter",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let is_bad = |text: &str| {
        let off = asked::option(text, "seccomp") == Some("unconfined");
        off.then(|| "filters no system call".to_owned())
    };
    Asked::list(&container.engine.security_opt, is_bad).verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(
        cx,
        finding,
        "keep the engine's seccomp profile: what it forbids stops working",
        Safety::Review,
    )
}
