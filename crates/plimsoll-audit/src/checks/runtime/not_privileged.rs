//! # No container is privileged
//!
//! No container, and no command that runs in one as it starts or stops, sets `privileged: true`.
//!
//! A privileged container has every capability, every device of the host and no profile that holds it: a
//! process in it mounts the host's disk and is root there. It is no container any more.
//!
//! Take it away, and give what is needed by name: a capability (`cap_add`), a device (`devices`), a mount.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     privileged: true # <- has all privileges
//! ```
//!
//! As a word, and in a hook:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     privileged: "yes" # <- has all privileges
//!     post_start:
//!       - command: ./prepare.sh
//!         privileged: true # <- runs with all privileges
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
//!   agent: # <- not privileged
//!     image: acme/agent:1.2.0
//!     privileged: false
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     privileged: ${PRIVILEGED} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::HAS_DESCRIPTOR;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/not-privileged",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.5", "CIS-K 5.2.2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0002", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "ae5b6871", relation: Relation::Same },
            Equivalent { tool: "semgrep", rule: "privileged-service", relation: Relation::Same },
            Equivalent { tool: "docksec", rule: "compose-privileged", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "dd29336b", relation: Relation::Same },
            Equivalent { tool: "checkov", rule: "CKV_K8S_16", relation: Relation::Same },
            Equivalent { tool: "trivy", rule: "KSV-0017", relation: Relation::Same },
            Equivalent {
                tool: "kube-linter",
                rule: "privileged-container",
                relation: Relation::Same,
            },
            Equivalent { tool: "catalogue", rule: "CMP002", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "K8S001", relation: Relation::Same },
        ],
    }],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("not_privileged.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "is privileged: give it what it needs by name",
    partial: "",
    pass: "no container is privileged",
    none: "not privileged",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let hooks = container
        .engine
        .hooks
        .iter()
        .map(|hook| Asked::switch(&hook.privileged, "runs with all privileges"));
    let own = Asked::switch(&container.privileged, "has all privileges");
    hooks.fold(own, Asked::with).verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(
        cx,
        finding,
        "take the privileges away: give back by name what fails without",
        Safety::Review,
    )
}
