//! # No container shares its host's network
//!
//! No container runs in the network of its host: `network_mode: host`, `hostNetwork: true`.
//!
//! It listens on every address of the host, whatever the list of ports says, and reaches what listens on
//! the host's own address only: databases, metadata services, other containers' admin ports.
//!
//! Join a network of the project, and publish the ports that are needed.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     network_mode: host # <- shares the host's network
//! ```
//!
//! By the name of an external network:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     networks: [outside] # <- shares the host's network
//! networks:
//!   outside: { external: true, name: host }
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     ports: ["127.0.0.1:8080:8080"]
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent: # <- has a network of its own
//!     image: acme/agent:1.2.0
//!     network_mode: bridge
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     network_mode: ${NETWORK_MODE} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::HAS_DESCRIPTOR;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-host-network",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.10", "CIS-K 5.2.5"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0008", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "071a71ff", relation: Relation::Same },
            Equivalent { tool: "docksec", rule: "compose-host-network", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "6b6bdfb3", relation: Relation::Same },
            Equivalent { tool: "checkov", rule: "CKV_K8S_19", relation: Relation::Same },
            Equivalent { tool: "trivy", rule: "KSV-0009", relation: Relation::Same },
            Equivalent { tool: "kube-linter", rule: "host-network", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP006", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "K8S010", relation: Relation::Same },
        ],
    }],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("no_host_network.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "shares the host's network: join one of the project",
    partial: "",
    pass: "no container shares its host's network",
    none: "has a network of its own",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    Asked::switch(&container.host_network, "shares the host's network").verdict(&container, &WORDS)
}
