//! # Every container's name is one that the engine takes
//!
//! `container_name` begins with a letter or a digit, has two characters at least, and only letters, digits,
//! `_`, `.` and `-`.
//!
//! The engine refuses any other: the container does not start.
//!
//! Write another, or take it away: compose makes one.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     container_name: "my-app@123" # <- the engine refuses
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     container_name: "my-app-123"
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- its name is taken
//!     image: acme/web:1.2.0
//!     container_name: Web_1.a
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     container_name: ${NAME} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/valid-container-names",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent {
                tool: "dclint",
                rule: "service-container-name-regex",
                relation: Relation::Same,
            },
            Equivalent { tool: "catalogue", rule: "CMP067", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("valid_container_names.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "has a name that the engine refuses: write another",
    partial: "",
    pass: "every container's name is one that the engine takes",
    none: "its name is taken",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let is_bad = |name: &str| {
        let mut bytes = name.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric());
        let rest = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        let good = first && rest && name.len() > 1;
        (!good).then(|| "the engine refuses this name".to_owned())
    };
    Asked::setting(&container.engine.container_name, is_bad).verdict(&container, &WORDS)
}
