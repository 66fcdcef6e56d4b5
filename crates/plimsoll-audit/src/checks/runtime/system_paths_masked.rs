//! # The kernel's files are masked in every container
//!
//! No container sets `systempaths=unconfined`.
//!
//! The engine hides or makes read-only what lies under `/proc` and `/sys` and tells of the whole host or
//! changes it: `/proc/kcore`, `/proc/sysrq-trigger`, `/sys/firmware`. Unmasked, root in the container writes
//! the kernel's settings.
//!
//! Take the option away.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   builder:
//!     image: acme/builder:1.2.0
//!     security_opt:
//!       - systempaths=unconfined # <- unmasks the kernel's files
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   builder:
//!     image: acme/builder:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   builder: # <- keeps them masked
//!     image: acme/builder:1.2.0
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   builder:
//!     image: acme/builder:1.2.0
//!     security_opt: ["${OPTION}"] # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, asked, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/system-paths-masked",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: Some("runtime/hardened"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP017", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("system_paths_masked.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "sees the kernel's files unmasked: take `systempaths=unconfined` away",
    partial: "",
    pass: "the kernel's files are masked in every container",
    none: "keeps them masked",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let is_bad = |text: &str| {
        let off = asked::option(text, "systempaths") == Some("unconfined")
            || asked::option(text, "unmask").is_some();
        off.then(|| "unmasks the kernel's files".to_owned())
    };
    Asked::list(&container.engine.security_opt, is_bad).verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(cx, finding, "keep the kernel's files masked", Safety::Review)
}
