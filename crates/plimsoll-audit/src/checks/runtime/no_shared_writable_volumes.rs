//! # One container writes a volume
//!
//! A named volume, or a directory of the host, that several containers of a project mount is writable in one
//! of them at most.
//!
//! Who gets into any of them changes what the others read; and programs that know nothing of each other
//! write over each other's files.
//!
//! Add `:ro` where it is only read.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     volumes: ["uploads:/app/uploads"]
//!   scan:
//!     image: acme/scan:1.2.0
//!     volumes:
//!       - uploads:/scan # <- `web` writes it, too
//! volumes:
//!   uploads:
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     volumes: ["uploads:/app/uploads"]
//!   scan:
//!     image: acme/scan:1.2.0
//!     volumes:
//!       - uploads:/scan:ro
//! volumes:
//!   uploads:
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- written by one
//!     image: acme/web:1.2.0
//!     volumes: ["web:/data"]
//!   db:
//!     image: postgres:17.2
//!     volumes: ["db:/var/lib/postgresql/data"]
//! volumes:
//!   web:
//!   db:
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```

use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict, composed,
};
use plimsoll_model::container::{Container, MountKind};
use std::collections::BTreeMap;

pub(super) static CHECK: Check = Check {
    id: "runtime/no-shared-writable-volumes",
    section: Section::Compose,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Trial,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "kics", rule: "8c978947", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP021", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_shared_writable_volumes.rs"),
    run: Run::Repository(repository),
    fix: None,
};

fn repository(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut first) = (Vec::new(), None);
    for composed in composed::projects(cx) {
        let mut writers: BTreeMap<&str, &Container> = BTreeMap::new();
        for container in &composed.containers {
            let mounts = container.mounts.iter().filter(|mount| {
                matches!(mount.kind, MountKind::Bind | MountKind::Volume)
                    && !mount.source.is_empty()
                    && !mount.read_only
            });
            for mount in mounts {
                first.get_or_insert(container.span);
                let path = mount.tree_path.as_deref().unwrap_or(&mount.source);
                match writers.get(path) {
                    Some(other) if other.span != container.span => {
                        let says = format!("`{}` writes it, too", clip(&other.name));
                        bad.push(Evidence::contradicts(mount.span, says));
                    }
                    _ => {
                        writers.insert(path, container);
                    }
                }
            }
        }
    }
    let mut bad = bad.into_iter();
    match (bad.next(), first) {
        (Some(evidence), _) => {
            let message = "several containers write one volume: add `:ro` where it is read";
            Verdict::fail(message, evidence).and_all(bad)
        }
        (None, Some(at)) => {
            let evidence = Evidence::missing_in(at, "each is written by one container");
            Verdict::pass("one container writes a volume", evidence)
        }
        (None, None) => Verdict::not_applicable(
            "does not apply: nothing here writes a volume",
            Evidence::missing_file(".", "no volume"),
        ),
    }
}
