//! # Nothing runs as root around start and stop
//!
//! No hook (`post_start`, `pre_stop`) runs as root, and no service is a program of the host (`provider`).
//!
//! A hook as root in a container that runs as a user gives back what `user` took away, at every start. A
//! provider is no container at all: compose runs the program with the rights of who deploys.
//!
//! Do it in the image, or as the container's own user.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     user: "1000"
//!     post_start:
//!       - command: chown -R 1000 /data
//!         user: root # <- runs as root
//! ```
//!
//! A program of the host:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   database:
//!     provider:
//!       type: acme # <- a program of the host
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     user: "1000"
//!     post_start:
//!       - command: ./warm-up.sh
//! ```
//!
//! A program of the host:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   database:
//!     image: postgres:17.2
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- runs nothing as root
//!     image: acme/web:1.2.0
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
    id: "runtime/no-privileged-hooks",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP075", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_privileged_hooks.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "runs something with more rights than its own: do it in the image",
    partial: "",
    pass: "nothing runs as root around start and stop",
    none: "runs nothing as root at start and stop",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let root = |user: &str| {
        let user = user.split(':').next().unwrap_or(user);
        matches!(user, "root" | "0").then(|| "runs as root".to_owned())
    };
    let hooks = container.engine.hooks.iter().map(|hook| Asked::setting(&hook.user, root));
    let mut asked = hooks.fold(Asked::default(), Asked::with);
    let provider = container.engine.provider;
    asked.bad.extend(provider.map(|at| Evidence::contradicts(at, "a program of the host")));
    asked.verdict(&container, &WORDS)
}
