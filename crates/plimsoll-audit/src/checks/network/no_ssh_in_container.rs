//! # No container is entered by SSH
//!
//! No container publishes or exposes port 22, and none starts `sshd`.
//!
//! A second way in has keys and passwords of its own that nobody rotates, runs as root beside the program,
//! and what is done there is in no log of the engine's.
//!
//! Enter with `docker compose exec`; bring files in by the image or a volume.
//!
//! Images whose trade is SSH (an SFTP server, a Git forge, a jump host) pass.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: acme/app:1.2.0
//!     ports:
//!       - "127.0.0.1:2222:22" # <- SSH's port
//! ```
//!
//! Started:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: acme/app:1.2.0
//!     command: sh -c "/usr/sbin/sshd && exec app" # <- starts sshd
//! ```
//!
//! Within a range:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   tool:
//!     image: acme/tool:1.2.0
//!     ports: ["2020-2030:20-30"] # <- SSH's port
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: acme/app:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app: # <- is not entered by SSH
//!     image: acme/app:1.2.0
//!     ports: ["127.0.0.1:2200:2200"]
//!   forge:
//!     image: gitea/gitea:1.24.0
//!     ports: ["2222:22"]
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
use crate::ports::range;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, composed,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-ssh-in-container",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.7"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "kics", rule: "bc2908f3", relation: Relation::Wider },
            Equivalent { tool: "catalogue", rule: "CMP028", relation: Relation::Same },
            Equivalent { tool: "trivy", rule: "DS-0004", relation: Relation::Narrower },
            Equivalent { tool: "checkov", rule: "CKV_DOCKER_1", relation: Relation::Narrower },
            Equivalent { tool: "kics", rule: "exposing_port_22", relation: Relation::Narrower },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_ssh_in_container.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "is entered by SSH: take it away, `docker compose exec` enters",
    partial: "",
    pass: "no container is entered by SSH",
    none: "is not entered by SSH",
};

/// Words of the names of images whose trade is SSH.
const SSH: [&str; 10] =
    ["bastion", "forgejo", "git", "gitea", "gitlab", "gogs", "openssh", "sftp", "ssh", "sshd"];

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let image = composed::image_name(cx, &container).unwrap_or_default();
    let trade = image.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| SSH.contains(&word));
    let mut asked = Asked::default();
    if !trade {
        let holds = |(from, to): (u16, u16)| (from..=to).contains(&22);
        let ports = container.ports.iter().filter(|port| range(&port.container).is_some_and(holds));
        asked.bad.extend(ports.map(|port| Evidence::contradicts(port.span, "SSH's port")));
        let starts = [&container.entrypoint, &container.command].into_iter().flatten();
        let words = starts.flat_map(|exec| &exec.words);
        let sshd = words.filter(|(word, _)| {
            word.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|'))
                .any(|word| word.rsplit('/').next() == Some("sshd"))
        });
        asked.bad.extend(sshd.map(|(_, at)| Evidence::contradicts(*at, "starts sshd")));
    }
    asked.verdict(&container, &WORDS)
}
