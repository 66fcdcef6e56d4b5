//! # An engine is commanded over TLS only
//!
//! Who commands an engine over the network (`DOCKER_HOST=tcp://…`) does it with TLS, and an engine that runs
//! in a container (`docker:dind`) has it turned on.
//!
//! The engine asks for no password: who reaches the port is root on its host. Scanners find open ones within
//! minutes.
//!
//! Set `DOCKER_TLS_VERIFY` and give certificates, use `ssh://`, or the proxy that stands before the socket on
//! an internal network. A container of the same project that is such a proxy passes.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   ci:
//!     image: acme/ci:1.2.0
//!     environment:
//!       DOCKER_HOST: tcp://10.0.0.5:2375 # <- without TLS
//! ```
//!
//! An engine without it:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   engine:
//!     image: docker:28.3.0-dind
//!     command: ["--tls=false"] # <- turns TLS off
//!     environment:
//!       DOCKER_TLS_CERTDIR: "" # <- turns TLS off
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   ci:
//!     image: acme/ci:1.2.0
//!     environment:
//!       DOCKER_HOST: tcp://10.0.0.5:2376
//!       DOCKER_TLS_VERIFY: "1"
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   traefik: # <- commands no engine without TLS
//!     image: traefik:3.5.0
//!     environment:
//!       DOCKER_HOST: tcp://socket-proxy:2375
//!   socket-proxy:
//!     image: tecnativa/docker-socket-proxy:0.3.0
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
    Section, Severity, Status, Verdict, composed,
};
use plimsoll_model::container::{Container, EnvValue};

pub(super) static CHECK: Check = Check {
    id: "network/docker-api-uses-tls",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 2.7"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP030", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("docker_api_uses_tls.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "commands an engine that anyone who reaches it commands: use TLS",
    partial: "",
    pass: "an engine is commanded over TLS only",
    none: "commands no engine without TLS",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let var = |name: &str| container.env.iter().find(|var| var.name == name);
    let text = |name: &str| match &var(name)?.value {
        EnvValue::Literal(text) => Some(text.clone()),
        EnvValue::Interpolated { value, .. } => value.clone(),
        _ => None,
    };
    let host = text("DOCKER_HOST").filter(|host| host.starts_with("tcp://"));
    if let (Some(host), Some(var)) = (host, var("DOCKER_HOST")) {
        let name = host.trim_start_matches("tcp://").split([':', '/']).next().unwrap_or_default();
        let beside = composed::beside(cx, &container, name);
        let proxy = beside.and_then(|other| composed::image_name(cx, other)).unwrap_or_default();
        if !proxy.contains("proxy") && self::var(&container, "DOCKER_TLS_VERIFY").is_none() {
            asked.bad.push(Evidence::contradicts(var.span, "an engine, without TLS"));
        }
    }
    if composed::image_name(cx, &container).as_deref() == Some("docker") {
        let off = var("DOCKER_TLS_CERTDIR")
            .filter(|_| text("DOCKER_TLS_CERTDIR").is_some_and(|dir| dir.trim().is_empty()));
        asked.bad.extend(off.map(|var| Evidence::contradicts(var.span, "turns TLS off")));
        let words = container.command.iter().flat_map(|exec| &exec.words);
        let off = words.filter(|(word, _)| word == "--tls=false");
        asked.bad.extend(off.map(|(_, at)| Evidence::contradicts(*at, "turns TLS off")));
    }
    asked.verdict(&container, &WORDS)
}

fn var<'a>(container: &'a Container, name: &str) -> Option<&'a EnvValue> {
    container.env.iter().find(|var| var.name == name).map(|var| &var.value)
}
