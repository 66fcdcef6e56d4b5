//! # Every container keeps its AppArmor profile
//!
//! No container sets `apparmor:unconfined`.
//!
//! The engine's profile keeps a process from mounting, from the kernel's settings under `/proc` and `/sys`,
//! and from tracing others, even as root. Without it one fault less is needed to get out.
//!
//! Take the option away, or name a profile that allows what is needed.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   mounter:
//!     image: acme/mounter:1.2.0
//!     security_opt:
//!       - apparmor:unconfined # <- held by no profile
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   mounter:
//!     image: acme/mounter:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   mounter: # <- keeps the engine's profile
//!     image: acme/mounter:1.2.0
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   mounter:
//!     image: acme/mounter:1.2.0
//!     security_opt: ["${APPARMOR}"] # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, asked, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/apparmor-enabled",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: Some("runtime/hardened"),
    after: &[],
    controls: &["CIS-D 5.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0009", relation: Relation::Wider },
            Equivalent {
                tool: "docksec",
                rule: "compose-disabled-security-opt",
                relation: Relation::Wider,
            },
            Equivalent { tool: "catalogue", rule: "CMP014", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("apparmor_enabled.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "is held by no AppArmor profile: take `apparmor:unconfined` away",
    partial: "",
    pass: "every container keeps its AppArmor profile",
    none: "keeps the engine's profile",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let is_bad = |text: &str| {
        let off = asked::option(text, "apparmor") == Some("unconfined");
        off.then(|| "held by no profile".to_owned())
    };
    Asked::list(&container.engine.security_opt, is_bad).verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(
        cx,
        finding,
        "keep the engine's AppArmor profile: what it forbids stops working",
        Safety::Review,
    )
}
