//! # Every volume has a name
//!
//! No entry of `volumes` names a path in the container only.
//!
//! Such a volume gets a random name: `docker compose down` leaves it behind, the next container has another,
//! and what was in it is found by nobody, nor is it in any backup.
//!
//! Name it, or use `tmpfs` for what may be lost.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     volumes:
//!       - /app/data # <- has no name
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     volumes:
//!       - data:/app/data
//! volumes:
//!   data:
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- every volume has a name
//!     image: acme/web:1.2.0
//!     volumes: ["./conf:/conf:ro"]
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
use plimsoll_model::container::MountKind;

pub(super) static CHECK: Check = Check {
    id: "runtime/named-volumes",
    section: Section::Compose,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP057", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("named_volumes.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "has a volume without a name: name it, or use `tmpfs`",
    partial: "",
    pass: "every volume has a name",
    none: "every volume has a name",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let nameless = container.mounts.iter().filter(|mount| {
        mount.kind == MountKind::Volume && mount.source.is_empty() && mount.target.starts_with('/')
    });
    asked.bad.extend(nameless.map(|mount| {
        Evidence::contradicts(mount.span, format!("`{}` has no name", clip(&mount.target)))
    }));
    asked.verdict(&container, &WORDS)
}
