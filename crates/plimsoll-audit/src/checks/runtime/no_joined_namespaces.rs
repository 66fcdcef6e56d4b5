//! # No container joins another's processes or memory
//!
//! No container runs among the processes (`pid: service:NAME`), in the memory segments (`ipc: …`) or in the
//! network (`network_mode: …`) of another.
//!
//! What separates two containers is taken down: who gets into one reads the other's environment, ends its
//! processes, listens on its ports.
//!
//! Run the two in one image, or let them talk over a network of the project. A network that is joined is
//! PARTIAL; behind a container that is a VPN's it is what is wanted, and passes.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: acme/app:1.2.0
//!   debug:
//!     image: acme/tools:1.2.0
//!     pid: service:app # <- joins `service:app`
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: acme/app:1.2.0
//!   debug:
//!     image: acme/tools:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   vpn:
//!     image: qmcgaw/gluetun:3.40.0
//!   app:
//!     image: acme/app:1.2.0
//!     network_mode: service:vpn
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: acme/app:1.2.0
//!   sidecar:
//!     image: acme/tools:1.2.0
//!     network_mode: service:app # <- joins the network
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app:
//!     image: acme/app:1.2.0
//!     pid: ${PID_MODE} # <- Write the value
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, composed,
};
use plimsoll_model::Fact;

pub(super) static CHECK: Check = Check {
    id: "runtime/no-joined-namespaces",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP012", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_joined_namespaces.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "joins another container's namespace: let them talk over a network",
    partial: "listens and speaks as another container: is that wanted?",
    pass: "no container joins another's namespaces",
    none: "has namespaces of its own",
};

/// Words of the names of images that others are meant to speak through.
const TUNNELS: [&str; 8] =
    ["cloudflared", "gluetun", "openvpn", "tailscale", "vpn", "warp", "wg", "wireguard"];

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let engine = &container.engine;
    let joins = |mode: &str| mode.starts_with("container:") || mode.starts_with("service:");
    let is_bad = |mode: &str| joins(mode).then(|| format!("joins `{}`", clip(mode)));
    let mut asked = Asked::setting(&engine.pid, is_bad).with(Asked::setting(&engine.ipc, is_bad));
    if let Fact::Known { value, at, .. } = &engine.network_mode
        && joins(value)
        && !is_tunnel(cx, container, value)
    {
        let says = "joins the network of another container";
        asked.partly.extend(at.span.map(|at| Evidence::contradicts(at, says)));
    }
    asked.verdict(&container, &WORDS)
}

fn is_tunnel(cx: &Cx<'_>, container: ContainerSubject<'_>, mode: &str) -> bool {
    let name = mode.split_once(':').map_or(mode, |(_, name)| name).to_ascii_lowercase();
    let image = composed::beside(cx, &container, &name)
        .and_then(|other| composed::image_name(cx, other))
        .unwrap_or_default();
    let words = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| TUNNELS.contains(&word))
    };
    words(&name) || words(&image)
}
