//! # No container is given a dangerous capability
//!
//! Nothing is added with `cap_add` that reaches beyond the container: into the host's kernel, its files,
//! its clock, its processes or its log.
//!
//! Capabilities are root in parts. With `SYS_ADMIN`, `SYS_MODULE` or `SYS_RAWIO` a process gets out of its
//! container in a few lines; with `NET_ADMIN` it takes over traffic; with `SYS_TIME` it changes the clock of
//! everything on the host.
//!
//! Find out what fails without it, and give that by another way: a device, a mount, a port above 1024. What
//! every container has by default (`CHOWN`, `SETUID`, `NET_BIND_SERVICE` …) and is given back after
//! `cap_drop: [ALL]` is not asked here.
//!
//! Each is as severe as what it opens: those that open the host are critical, those that disturb or look at
//! it high.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     cap_add:
//!       - SYS_ADMIN # <- SYS_ADMIN opens the host
//!       - net_admin # <- NET_ADMIN changes the network
//!       - CHOWN
//! ```
//!
//! All of them:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     cap_add: [ALL] # <- ALL opens the host
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     cap_drop: [ALL]
//!     cap_add: [NET_BIND_SERVICE]
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent: # <- adds no dangerous capability
//!     image: acme/agent:1.2.0
//!     cap_drop: [ALL]
//!     cap_add: [CAP_CHOWN, SETUID]
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     cap_add: ["${CAPABILITY}"] # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::HAS_DESCRIPTOR;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/no-dangerous-capabilities",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.3", "CIS-K 5.2.8"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part {
            name: "host",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0024", relation: Relation::Same },
                Equivalent { tool: "kics", rule: "ce76b7d0", relation: Relation::Wider },
                Equivalent {
                    tool: "docksec",
                    rule: "compose-dangerous-capabilities",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "checkov", rule: "CKV_K8S_39", relation: Relation::Narrower },
                Equivalent { tool: "trivy", rule: "KSV-0005", relation: Relation::Narrower },
                Equivalent { tool: "kics", rule: "235236ee", relation: Relation::Narrower },
                Equivalent { tool: "catalogue", rule: "CMP004", relation: Relation::Wider },
                Equivalent { tool: "catalogue", rule: "K8S007", relation: Relation::Wider },
            ],
        },
        Part {
            name: "kernel",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0011", relation: Relation::Same },
                Equivalent { tool: "kics", rule: "ce76b7d0", relation: Relation::Wider },
                Equivalent { tool: "catalogue", rule: "CMP004", relation: Relation::Wider },
            ],
        },
        Part {
            name: "trace",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0027", relation: Relation::Same },
                Equivalent { tool: "kics", rule: "ce76b7d0", relation: Relation::Wider },
                Equivalent { tool: "catalogue", rule: "CMP004", relation: Relation::Wider },
            ],
        },
        Part {
            name: "reach",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0028", relation: Relation::Same },
                Equivalent { tool: "kics", rule: "ce76b7d0", relation: Relation::Wider },
                Equivalent { tool: "catalogue", rule: "CMP004", relation: Relation::Wider },
            ],
        },
        Part {
            name: "load",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0029", relation: Relation::Same },
                Equivalent { tool: "kics", rule: "ce76b7d0", relation: Relation::Wider },
                Equivalent { tool: "catalogue", rule: "CMP004", relation: Relation::Wider },
            ],
        },
        Part {
            name: "disclose",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0030", relation: Relation::Same },
                Equivalent { tool: "kics", rule: "ce76b7d0", relation: Relation::Wider },
                Equivalent { tool: "catalogue", rule: "CMP004", relation: Relation::Wider },
            ],
        },
        Part { name: "", equivalents: &[] },
    ],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("no_dangerous_capabilities.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "gets capabilities that reach its host: take them away",
    partial: "",
    pass: "no container has a capability that reaches its host",
    none: "adds no dangerous capability",
};

/// What opens more than the container: name, part, severity, what it does.
const DANGEROUS: [(&str, &str, Severity, &str); 23] = [
    ("ALL", "host", Severity::Critical, "opens the host"),
    ("SYS_ADMIN", "host", Severity::Critical, "opens the host"),
    ("SYS_MODULE", "host", Severity::Critical, "loads code into the host's kernel"),
    ("SYS_RAWIO", "host", Severity::Critical, "writes the host's memory and disks"),
    ("BPF", "kernel", Severity::Critical, "runs programs in the host's kernel"),
    ("SYS_BOOT", "kernel", Severity::Critical, "restarts the host or loads another kernel"),
    ("NET_ADMIN", "kernel", Severity::High, "changes the network around it"),
    ("MAC_ADMIN", "kernel", Severity::Critical, "changes the profiles that hold containers"),
    ("MAC_OVERRIDE", "kernel", Severity::Critical, "is held by no profile"),
    ("SYS_PTRACE", "trace", Severity::High, "reads and changes other processes"),
    ("CHECKPOINT_RESTORE", "trace", Severity::High, "reads other processes"),
    ("DAC_READ_SEARCH", "reach", Severity::Critical, "reads any file of the host"),
    ("PERFMON", "reach", Severity::High, "watches the host's kernel"),
    ("SYS_TIME", "reach", Severity::High, "sets the host's clock"),
    ("AUDIT_CONTROL", "reach", Severity::High, "turns the host's audit off"),
    ("LINUX_IMMUTABLE", "reach", Severity::Medium, "makes files that nobody can delete"),
    ("SYS_NICE", "load", Severity::High, "takes processor time from all others"),
    ("SYS_RESOURCE", "load", Severity::High, "is held by no limit"),
    ("IPC_LOCK", "load", Severity::High, "locks as much memory as it likes"),
    ("LEASE", "load", Severity::High, "keeps others from opening files"),
    ("BLOCK_SUSPEND", "load", Severity::Medium, "keeps the host awake"),
    ("SYSLOG", "disclose", Severity::High, "reads the host's kernel log"),
    ("AUDIT_READ", "disclose", Severity::High, "reads the host's audit log"),
];

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    for (name, at) in &container.engine.cap_add {
        let upper = name.trim().to_ascii_uppercase();
        // `CAP_ALL` is no capability: the engine refuses it.
        let bare = upper.strip_prefix("CAP_").filter(|rest| *rest != "ALL").unwrap_or(&upper);
        if let Some((name, part, severity, does)) = DANGEROUS.iter().find(|row| row.0 == bare) {
            let evidence = Evidence::contradicts(*at, format!("{name} {does}"));
            asked.bad.push(evidence.part(part).severity(*severity));
        } else if bare.contains("${") {
            asked.open = Some((Why::Dynamic, *at));
        }
    }
    asked.verdict(&container, &WORDS)
}
