//! # Overriding files keep what the base forbids
//!
//! A compose file that is merged over the base in production makes no container privileged, gives it no
//! namespace, capability or socket of the host, does not start it as root or unlock its file system, and
//! publishes nothing to every address that the base kept in.
//!
//! The base is what is reviewed. What a second file takes back is seen by nobody who reads the first, and it is
//! what runs.
//!
//! Take the line out, or say in the base why it is needed. Files for development are not asked.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     user: "1000:1000"
//!     read_only: true
//! ```
//! `compose.prod.yaml`:
//! ```yaml
//! services:
//!   web:
//!     user: root # <- runs as root
//!     read_only: false # <- its file system is writable
//!     privileged: true # <- is privileged
//! ```
//!
//! What is reset:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     cap_drop: [ALL]
//!     security_opt: ["no-new-privileges:true"]
//! ```
//! `compose.prod.yaml`:
//! ```yaml
//! services:
//!   web:
//!     cap_drop: !reset [] # <- capabilities are no longer dropped
//!     security_opt: !override ["label:type:web_t"] # <- may gain privileges
//! ```
//!
//! By a script's order of files:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     ports: ["127.0.0.1:8080:8080"]
//! ```
//! `compose.open.yaml`:
//! ```yaml
//! services:
//!   web:
//!     ports: ["9090:9090"] # <- publishes to every address
//!     volumes: ["/var/run/docker.sock:/var/run/docker.sock"] # <- docker.sock
//! ```
//! `deploy.sh`:
//! ```sh
//! docker compose -f compose.yaml -f compose.open.yaml up -d
//! ```
//!
//! ## Fixed
//!
//! `compose.prod.yaml`:
//! ```yaml
//! services:
//!   web: # <- keeps what the base forbids
//!     restart: unless-stopped
//! ```
//!
//! What is reset:
//!
//! `compose.prod.yaml`:
//! ```yaml
//! services:
//!   web:
//!     cap_drop: !override [ALL]
//! ```
//!
//! By a script's order of files:
//!
//! `compose.open.yaml`:
//! ```yaml
//! services:
//!   web:
//!     ports: ["127.0.0.1:9090:9090"]
//! ```
//!
//! ## Passes
//!
//! What the base says itself is asked by other checks:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     privileged: true
//! ```
//! `compose.prod.yaml`:
//! ```yaml
//! services:
//!   web: # <- keeps what the base forbids
//!     privileged: false
//!     user: "1000"
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//!     privileged: true
//! ```

use plimsoll_model::Fact;
use plimsoll_model::container::Container;
use plimsoll_source::Span;

use crate::answers::Answers;
use crate::conditions::COMPOSE_OVERRIDES;
use crate::hostpath::{self, Shown};
use crate::ports::{self, Reach, is_door};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
    asked, composed,
};

pub(super) static CHECK: Check = Check {
    id: "release/overrides-keep-hardening",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP079", relation: Relation::Same }],
    }],
    when: &[&COMPOSE_OVERRIDES],
    source: include_str!("overrides_keep_hardening.rs"),
    run: Run::Repository(run),
    fix: None,
};

/// Capabilities that reach the host.
const REACHING: [&str; 12] = [
    "ALL",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_BOOT",
    "SYS_PTRACE",
    "SYS_TIME",
    "NET_ADMIN",
    "BPF",
    "PERFMON",
    "SYSLOG",
    "DAC_READ_SEARCH",
];

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for composed in composed::projects(cx) {
        for container in composed.containers {
            let over = container.overlays.iter().filter(|span| span.file != container.file);
            for span in over {
                answers.good(*span, "keeps what the base forbids");
            }
            for (at, says) in weakened(cx, container) {
                answers.bad(at, says);
            }
        }
    }
    answers.joined(
        "an overriding file takes back what the base forbids: take the line out",
        "overriding files keep what the base forbids",
        "it cannot be told what overriding files take back",
    )
}

/// What other files than the base make of a container, and how.
fn weakened(cx: &Cx<'_>, container: &Container) -> Vec<(Span, String)> {
    let mut found: Vec<(Span, String)> = Vec::new();
    let mut add = |at: Option<Span>, says: &str| {
        found.extend(at.filter(|at| at.file != container.file).map(|at| (at, says.to_owned())));
    };
    let engine = &container.engine;
    let is = |fact: &Fact<bool>, wanted| fact.span().filter(|_| fact.known() == Some(&wanted));
    add(is(&container.privileged, true), "is privileged");
    add(is(&container.no_new_privileges, false), "may gain privileges");
    add(is(&engine.api_socket, true), "gets the engine's socket");
    for (fact, says) in [
        (&engine.network_mode, "shares the host's network"),
        (&engine.pid, "sees the host's processes"),
        (&engine.ipc, "shares the host's memory"),
    ] {
        add(fact.span().filter(|_| fact.known().is_some_and(|mode| mode == "host")), says);
    }
    // What the base left open is no one's to take back.
    let before = |fact: &Fact<bool>| match fact {
        Fact::Known { at, .. } => at
            .overrode
            .iter()
            .flat_map(|spans| spans.iter())
            .any(|span| cx.text_of(*span).is_some_and(|text| text.trim() == "true")),
        _ => false,
    };
    if before(&container.read_only) {
        add(is(&container.read_only, false), "its file system is writable");
    }
    let root = container
        .user
        .known()
        .is_some_and(|user| matches!(user.split(':').next(), Some("root" | "0")));
    add(container.user.span().filter(|_| root), "runs as root");
    for (name, at) in &engine.cap_add {
        let name = name.trim().to_ascii_uppercase();
        if REACHING.contains(&name.strip_prefix("CAP_").unwrap_or(&name)) {
            add(Some(*at), "has a capability that reaches the host");
        }
    }
    for at in asked::unheld(container) {
        add(Some(at), "is held by no profile");
    }
    for (mount, shown) in hostpath::shown(container) {
        if let Shown::Path(path) = shown
            && let Some(what) = hostpath::control_socket(&path)
        {
            add(Some(mount.span), what);
        }
    }
    // What is reset says nothing any more.
    for (key, at, before) in &container.taken_back {
        let held = |text: &str| before.iter().any(|said| said.to_ascii_lowercase().contains(text));
        let says = match key.as_str() {
            "cap_drop" if !before.is_empty() => "capabilities are no longer dropped",
            "read_only" if held("true") => "its file system is writable",
            "security_opt" if held("no-new-privileges") => "may gain privileges",
            "security_opt" if held("seccomp") || held("apparmor") => "is held by no profile",
            "user" if !before.iter().any(|user| matches!(&**user, "root" | "0" | "0:0")) => {
                "runs as the image's user"
            }
            _ => continue,
        };
        // What the merged settings say anew holds.
        let again = match key.as_str() {
            "cap_drop" => !container.cap_drop.is_empty(),
            "read_only" => container.read_only.known().is_some(),
            "user" => container.user.known().is_some(),
            _ => held("no-new-privileges") && container.no_new_privileges.known() == Some(&true),
        };
        if !again {
            add(Some(*at), says);
        }
    }
    let open = |port: &&plimsoll_model::container::Port| {
        port.host.is_some() && matches!(ports::reach(port), Reach::Every)
    };
    let proxy = composed::is_proxy(cx, container);
    let all: Vec<_> = container.ports.iter().filter(open).collect();
    if all.iter().all(|port| port.span.file != container.file) {
        for port in all.into_iter().filter(|port| !proxy || !is_door(port)) {
            add(Some(port.span), "publishes to every address");
        }
    }
    found
}
