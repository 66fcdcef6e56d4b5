//! # Mounts stay in their container
//!
//! No bind mount is shared with the host's tree of mounts: its propagation is `private` or `rprivate`, which
//! is what the engine does where nothing is said.
//!
//! With `shared`, what the container mounts appears on the host, over whatever lies there. With `slave`, what
//! the host mounts later appears in the container without anyone's asking; that is PARTIAL.
//!
//! Take the option away.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   mounter:
//!     image: acme/mounter:1.2.0
//!     volumes:
//!       - /mnt:/mnt:rshared # <- shared with the host
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   mounter:
//!     image: acme/mounter:1.2.0
//!     volumes:
//!       - /mnt:/mnt
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   mounter: # <- shares no mounts
//!     image: acme/mounter:1.2.0
//!     volumes:
//!       - type: bind
//!         source: /mnt
//!         target: /mnt
//!         bind: { propagation: rprivate }
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   mounter:
//!     image: acme/mounter:1.2.0
//!     volumes:
//!       - /mnt:/mnt:ro,rslave # <- the host's mounts appear
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
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part,
    Relation, Run, Safety, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/private-mount-propagation",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.19"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part {
            name: "out",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0017", relation: Relation::Same },
                Equivalent { tool: "kics", rule: "baa452f0", relation: Relation::Wider },
                Equivalent { tool: "catalogue", rule: "CMP020", relation: Relation::Wider },
            ],
        },
        Part {
            name: "in",
            equivalents: &[
                Equivalent { tool: "kics", rule: "baa452f0", relation: Relation::Wider },
                Equivalent { tool: "catalogue", rule: "CMP020", relation: Relation::Wider },
            ],
        },
        Part { name: "", equivalents: &[] },
    ],
    when: &[&IN_COMPOSE],
    source: include_str!("private_mount_propagation.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "shares its mounts with the host: take the propagation away",
    partial: "gets what the host mounts: take the propagation away",
    pass: "mounts stay in their container",
    none: "shares no mounts",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    for mount in &container.mounts {
        for option in &mount.options {
            match &**option {
                "shared" | "rshared" => asked.bad.push(
                    Evidence::contradicts(mount.span, "its mounts are shared with the host")
                        .part("out"),
                ),
                "slave" | "rslave" => asked.partly.push(
                    Evidence::contradicts(mount.span, "the host's mounts appear in it").part("in"),
                ),
                _ => {}
            }
        }
    }
    asked.verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "keep mounts apart: what is mounted later is not seen on the other side";
    let shares = ["shared", "rshared", "slave", "rslave"];
    let edits = mending::in_places(cx, finding, |document, at| {
        if let Some(map) = document.map_at(at) {
            let entry = map.path(&["bind", "propagation"])?;
            return document.remove(entry.span());
        }
        let scalar = document.scalar_at(at)?;
        let (paths, options) = scalar.text()?.rsplit_once(':')?;
        let kept: Vec<&str> = options.split(',').filter(|o| !shares.contains(o)).collect();
        let colon = if kept.is_empty() { "" } else { ":" };
        document.rewrite(scalar, &format!("{paths}{colon}{}", kept.join(",")))
    });
    Some(Fix::of_edits(does, Safety::Review, None, edits)).filter(|fix| fix.patch.is_some())
}
