//! # No container writes what its host runs
//!
//! No container may write to directories from which its host takes programs, configuration, users, jobs or
//! kernel settings: `/etc`, `/root`, `/boot`, `/usr`, `/proc`, `/sys`, `/var/lib/docker`, cron's.
//!
//! A line in `/etc/cron.d`, a key in `/root/.ssh`, a handler in `/proc/sys/kernel/core_pattern`: each is a
//! program that the host runs as root, moments later.
//!
//! Mount the one file that is needed, read-only; what has to be written belongs into a volume.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   setup:
//!     image: acme/setup:1.2.0
//!     volumes:
//!       - /etc/cron.d:/cron # <- the host runs or obeys what is written
//! ```
//!
//! By a dotted path, in the long form:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   setup:
//!     image: acme/setup:1.2.0
//!     volumes:
//!       - type: bind
//!         source: /var/lib/./docker/
//!         target: /docker # <- the host runs or obeys what is written
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   setup:
//!     image: acme/setup:1.2.0
//!     volumes:
//!       - /etc/cron.d:/cron:ro
//! ```
//!
//! Or:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   setup:
//!     image: acme/setup:1.2.0
//!     volumes:
//!       - state:/docker
//! volumes:
//!   state:
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   setup: # <- writes nothing that the host runs
//!     image: acme/setup:1.2.0
//!     volumes:
//!       - /etc/app:/etc/app:ro
//!       - /etc/timezone:/etc/timezone
//!       - /var/log/app:/var/log/app
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   setup:
//!     image: acme/setup:1.2.0
//!     volumes:
//!       - ${HOST_DIR}:/host # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::HAS_DESCRIPTOR;
use crate::evidence::clip;
use crate::hostpath::Shown;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part,
    Relation, Run, Safety, Section, Severity, Status, Verdict, hostpath, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/no-writable-host-root",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.6"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0025", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "1c1325ff", relation: Relation::Wider },
            Equivalent { tool: "catalogue", rule: "CMP019", relation: Relation::Same },
        ],
    }],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("no_writable_host_root.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "can write what its host runs: mount it read-only, or a file of it",
    partial: "",
    pass: "no container writes what its host runs",
    none: "writes nothing that the host runs",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    for (mount, shown) in hostpath::shown(&container).filter(|(mount, _)| !mount.read_only) {
        match shown {
            Shown::Unknown(why) => asked.open = Some((why, mount.span)),
            Shown::Path(path) if hostpath::control_socket(&path).is_some() => {}
            Shown::Path(path) if hostpath::is_root_equivalent(&path) => {
                let says = format!("`{}`: the host runs or obeys what is written", clip(&path));
                asked.bad.push(Evidence::contradicts(mount.span, says));
            }
            Shown::Path(_) => {}
        }
    }
    asked.verdict(&container, &WORDS)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "mount it read-only: what writes there no longer can";
    let edits = mending::in_places(cx, finding, |document, at| {
        let scalar = document.scalar_at(at)?;
        // What follows the target is for whoever wrote it.
        let plain = scalar.text()?.matches(':').count() == 1 && !scalar.text()?.contains('$');
        plain.then(|| document.append(scalar, ":ro"))?
    });
    Some(Fix::of_edits(does, Safety::Review, None, edits)).filter(|fix| fix.patch.is_some())
}
