//! # No limit of a process is taken away
//!
//! `ulimits` sets none of `core`, `nproc` and `nofile` to unlimited (`-1`).
//!
//! A process that opens files or starts others without end takes the host's; a core file without a bound
//! fills the disk, with all secrets of the process in it.
//!
//! Write the number that is needed.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: acme/db:1.2.0
//!     ulimits:
//!       nofile: { soft: 65536, hard: -1 } # <- unlimited
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: acme/db:1.2.0
//!     ulimits:
//!       nofile: { soft: 65536, hard: 65536 }
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db: # <- keeps its limits
//!     image: acme/db:1.2.0
//!     ulimits: { memlock: -1, nproc: 512 }
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
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/ulimits-bounded",
    section: Section::RuntimeSecurity,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.19"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP045", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("ulimits_bounded.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "has an unlimited `ulimit`: write the number that is needed",
    partial: "",
    pass: "no limit of a process is taken away",
    none: "keeps its limits",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let loose = container.engine.ulimits.iter().filter(|limit| {
        matches!(&*limit.name, "core" | "nproc" | "nofile")
            && matches!(limit.value.trim(), "-1" | "unlimited")
    });
    asked.bad.extend(
        loose.map(|limit| {
            Evidence::contradicts(limit.span, format!("`{}` is unlimited", limit.name))
        }),
    );
    asked.verdict(&container, &WORDS)
}
