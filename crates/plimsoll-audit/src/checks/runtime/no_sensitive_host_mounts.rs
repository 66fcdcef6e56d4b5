//! # No container sees what is the host's own
//!
//! No container mounts the host's configuration, devices, kernel files, homes, credentials, or the data of
//! all containers: `/etc`, `/dev`, `/proc`, `/sys`, `/root`, `/home`, `~/.ssh`, `/var/lib/docker`.
//!
//! Reading is enough: password hashes, keys, tokens and every other container's files lie there.
//!
//! Mount the one file or directory that is needed, or copy it into the project. The host's time zone
//! (`/etc/localtime`, read-only) tells nothing and passes.
//!
//! What measures the host or collects its logs (node-exporter, cAdvisor, Promtail …) and only reads is
//! PARTIAL: it is what it is for, and still opens all of it to who gets in. What commands the host is asked
//! by `runtime/no-control-socket`, what can be written there by `runtime/no-writable-host-root`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   backup:
//!     image: acme/backup:1.2.0
//!     volumes:
//!       - /etc:/host/etc:ro # <- the host's configuration
//!       - ~/.ssh/:/keys:ro # <- a user's credentials
//!       - type: bind
//!         source: /dev
//!         target: /dev # <- the host's devices
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   backup:
//!     image: acme/backup:1.2.0
//!     volumes:
//!       - ./backup.conf:/etc/backup.conf:ro
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   backup: # <- mounts nothing that is the host's own
//!     image: acme/backup:1.2.0
//!     volumes:
//!       - /etc/localtime:/etc/localtime:ro
//!       - /srv/data:/data
//!       - ~/data:/home
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   metrics:
//!     image: prom/node-exporter:v1.9.1
//!     volumes:
//!       - /proc:/host/proc:ro # <- the host's processes and kernel
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   backup:
//!     image: acme/backup:1.2.0
//!     volumes:
//!       - ${BACKUP_SOURCE}:/source:ro # <- Write the value
//! ```
//!
//! ## See also
//!
//! - `runtime/no-control-socket`: sockets that command the host.
//! - `runtime/no-writable-host-root`: what the host runs.

use crate::asked::{Asked, Words};
use crate::conditions::HAS_DESCRIPTOR;
use crate::evidence::clip;
use crate::hostpath::Shown;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, composed, hostpath,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/no-sensitive-host-mounts",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.6", "CC6.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0013", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "1c1325ff", relation: Relation::Wider },
            Equivalent {
                tool: "docksec",
                rule: "compose-sensitive-host-mount",
                relation: Relation::Wider,
            },
            Equivalent { tool: "catalogue", rule: "CMP018", relation: Relation::Wider },
        ],
    }],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("no_sensitive_host_mounts.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "sees what is the host's own: mount only what it needs",
    partial: "reads what is the host's own, as what measures it has to",
    pass: "no container sees what is the host's own",
    none: "mounts nothing that is the host's own",
};

/// Words of the names of images that measure a host or collect its logs.
const WATCHERS: [&str; 19] = [
    "agent",
    "alloy",
    "cadvisor",
    "collector",
    "datadog",
    "exporter",
    "filebeat",
    "fluent",
    "fluentbit",
    "fluentd",
    "glances",
    "metricbeat",
    "netdata",
    "opentelemetry",
    "otel",
    "promtail",
    "scope",
    "telegraf",
    "vector",
];

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let name = composed::image_name(cx, &container).unwrap_or_default();
    let watches =
        name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WATCHERS.contains(&word));
    let mut asked = Asked::default();
    for (mount, shown) in hostpath::shown(&container) {
        let path = match shown {
            Shown::Unknown(why) => {
                asked.open = Some((why, mount.span));
                continue;
            }
            Shown::Path(path) => path,
        };
        // What is asked by others: a fact counts once.
        if hostpath::control_socket(&path).is_some()
            || !mount.read_only && hostpath::is_root_equivalent(&path)
        {
            continue;
        }
        let Some(what) = hostpath::sensitive(&path, mount.read_only) else { continue };
        let evidence = Evidence::contradicts(mount.span, format!("`{}`: {what}", clip(&path)));
        if watches && mount.read_only && path.starts_with('/') {
            asked.partly.push(evidence.severity(Severity::Low));
        } else {
            asked.bad.push(evidence);
        }
    }
    asked.verdict(&container, &WORDS)
}
