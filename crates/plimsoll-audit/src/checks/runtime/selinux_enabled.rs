//! # Every container keeps its SELinux label
//!
//! No container sets `label:disable`.
//!
//! On hosts with SELinux every container has a label of its own, and sees no file of the host or of another
//! container. Without it, only the user's number stands between them.
//!
//! Take the option away; a mount that must be read is labelled with `:z` or `:Z`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   reader:
//!     image: acme/reader:1.2.0
//!     security_opt:
//!       - label=disable # <- has no label of its own
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   reader:
//!     image: acme/reader:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   reader: # <- keeps its label
//!     image: acme/reader:1.2.0
//!     security_opt: ["label:type:reader_t"]
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   reader:
//!     image: acme/reader:1.2.0
//!     security_opt: ["${LABEL}"] # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, asked, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/selinux-enabled",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: Some("runtime/hardened"),
    after: &[],
    controls: &["CIS-D 5.2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0009", relation: Relation::Wider },
            Equivalent {
                tool: "semgrep",
                rule: "selinux-separation-disabled",
                relation: Relation::Same,
            },
            Equivalent { tool: "catalogue", rule: "CMP015", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("selinux_enabled.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "has no SELinux label: take `label:disable` away",
    partial: "",
    pass: "every container keeps its SELinux label",
    none: "keeps its label",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let is_bad = |text: &str| {
        let off = asked::option(text, "label") == Some("disable");
        off.then(|| "has no label of its own".to_owned())
    };
    Asked::list(&container.engine.security_opt, is_bad).verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(
        cx,
        finding,
        "keep the engine's labels: what they forbid stops working",
        Safety::Review,
    )
}
