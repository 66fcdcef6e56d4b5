//! # Memory mounts run no programs
//!
//! No `tmpfs` is mounted with `exec`, `suid` or `dev`; the engine leaves all three off.
//!
//! Where the root file system is read-only, memory is the only place an attacker can write a program to:
//! with `exec` it can be run there, with `suid` it keeps its owner's rights.
//!
//! Take the words away.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     tmpfs:
//!       - /tmp:size=64m,exec # <- allows exec
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     tmpfs:
//!       - /tmp:size=64m
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- memory runs no programs
//!     image: acme/web:1.2.0
//!     tmpfs: /tmp:noexec,nosuid,nodev
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
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part,
    Relation, Run, Safety, Section, Severity, Status, Verdict, mending,
};
use plimsoll_model::container::MountKind;

pub(super) static CHECK: Check = Check {
    id: "runtime/tmpfs-restricted",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0022", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP023", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("tmpfs_restricted.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "can run programs from memory: take the option away",
    partial: "",
    pass: "memory mounts run no programs",
    none: "memory runs no programs",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    for mount in container
        .mounts
        .iter()
        .filter(|m| m.kind == MountKind::Tmpfs || m.kind == MountKind::Volume)
    {
        let words = mount.options.iter().filter(|o| matches!(&***o, "exec" | "suid" | "dev"));
        for word in words {
            let says = format!("allows {word} in `{}`", clip(&mount.target));
            asked.bad.push(Evidence::contradicts(mount.span, says));
        }
    }
    asked.verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "mount it without `exec`, `suid` and `dev`: what it runs from there no longer runs";
    let edits = mending::in_places(cx, finding, |document, at| {
        let scalar = document.scalar_at(at)?;
        let (target, options) = scalar.text()?.split_once(':')?;
        let kept = options.split(',').filter(|o| !matches!(*o, "exec" | "suid" | "dev"));
        let kept: Vec<&str> = kept.collect();
        let colon = if kept.is_empty() { "" } else { ":" };
        document.rewrite(scalar, &format!("{target}{colon}{}", kept.join(",")))
    });
    Some(Fix::of_edits(does, Safety::Review, None, edits)).filter(|fix| fix.patch.is_some())
}
