//! # The kernel may end any container
//!
//! No container sets `oom_kill_disable: true` or an `oom_score_adj` below 0.
//!
//! When memory is out, the kernel ends the largest process. If it must not be this one, it is another: the
//! database, or the one by which you log in; if it may end none, the host stands still.
//!
//! Take it away, and limit memory.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     oom_kill_disable: true # <- may not be ended
//! ```
//!
//! Others first:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     oom_score_adj: -500 # <- others are ended first
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```
//!
//! Others first:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- may be ended
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     oom_kill_disable: ${KEEP} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Finding, Fix, Part, Relation, Run,
    Safety, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/oom-killable",
    section: Section::RuntimeSecurity,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.31"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP090", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("oom_killable.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "lives while others are ended: limit its memory instead",
    partial: "",
    pass: "the kernel may end any container",
    none: "may be ended",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let engine = &container.engine;
    let below = |score: &str| {
        let below = score.parse::<i32>().is_ok_and(|score| score < 0);
        below.then(|| "others are ended first".to_owned())
    };
    Asked::switch(&engine.oom_kill_disable, "may not be ended")
        .with(Asked::setting(&engine.oom_score_adj, below))
        .verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    mending::take_out(cx, finding, "let the kernel end it when memory is out", Safety::Review)
}
