//! # Every container has a control group of its own
//!
//! No container shares the host's control groups (`cgroup: host`) or is put under another parent
//! (`cgroup_parent`).
//!
//! Limits of memory, processor time and processes are kept in that tree: under another parent a container
//! may have none, or take what others were promised; with the host's tree in view it can see and, as root,
//! change what holds all others.
//!
//! Take the setting away.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     cgroup_parent: system.slice # <- has the parent `system.slice`
//! ```
//!
//! The host's:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     cgroup: host # <- shares the host's control groups
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
//!   agent: # <- in a control group of its own
//!     image: acme/agent:1.2.0
//!     cgroup: private
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     cgroup: ${CGROUP} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/default-cgroup",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.24"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "kics", rule: "4d9f44c6", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP011", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("default_cgroup.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "is not in a control group of its own: take the setting away",
    partial: "",
    pass: "every container has a control group of its own",
    none: "in a control group of its own",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let engine = &container.engine;
    let host = |mode: &str| (mode == "host").then(|| "shares the host's control groups".to_owned());
    let parent = |name: &str| Some(format!("has the parent `{}`", clip(name)));
    Asked::setting(&engine.cgroup, host)
        .with(Asked::setting(&engine.cgroup_parent, parent))
        .verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(cx, finding, "leave it in a control group of its own", Safety::Review)
}
