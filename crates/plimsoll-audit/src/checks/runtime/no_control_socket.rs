//! # No container commands its host
//!
//! No container gets the socket by which the engine (Docker, containerd, CRI-O, Podman) or systemd is told
//! what to do, nor a directory of the host in which it lies.
//!
//! Whoever can write to that socket starts a container with the host's root directory in it: getting into
//! this container is getting the host. Read-only changes nothing, for it only keeps the socket's name from
//! being changed, not requests from being sent.
//!
//! Take the mount away. Where a tool has to see containers (Traefik, Promtail), put a proxy that filters
//! requests before the socket, on an internal network, and let the tool ask the proxy.
//!
//! Such a proxy itself (`docker-socket-proxy`) is PARTIAL as long as it publishes no port and lets nothing be
//! created (`POST`, `EXEC`).
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   logs:
//!     image: grafana/promtail:2.9.3
//!     volumes:
//!       - /var/run/docker.sock:/var/run/docker.sock:ro # <- docker.sock
//! ```
//!
//! A directory that holds it, by a volume and by a dotted path:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     volumes:
//!       - host:/host # <- a directory that holds a control socket
//!       - ${RUN_DIR:-/var/run/.}:/hostrun # <- a directory that holds a control socket
//! volumes:
//!   host:
//!     driver_opts: { type: none, o: bind, device: / }
//! ```
//!
//! In a directory that a variable names:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     volumes:
//!       - ${XDG_RUNTIME_DIR}/podman/podman.sock:/run/podman.sock:ro # <- podman.sock
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   logs:
//!     image: grafana/promtail:2.9.3
//!     volumes:
//!       - /var/log/containers:/var/log/containers:ro
//! ```
//!
//! ## Passes
//!
//! A path in the container tells nothing of the host:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent: # <- mounts no control socket
//!     image: acme/agent:1.2.0
//!     volumes:
//!       - data:/var/run/docker.sock
//!       - /run/myapp:/run/myapp
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   socket-proxy:
//!     image: tecnativa/docker-socket-proxy:0.3.0
//!     environment: { CONTAINERS: 1 }
//!     volumes:
//!       - /var/run/docker.sock:/var/run/docker.sock:ro # <- a proxy that filters
//!     networks: [socket]
//! networks:
//!   socket: { internal: true }
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   agent:
//!     image: acme/agent:1.2.0
//!     volumes:
//!       - ${SOCKET}:/socket # <- Write the value
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::HAS_DESCRIPTOR;
use crate::evidence::clip;
use crate::hostpath::Shown;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part,
    Relation, Run, Safety, Section, Severity, Status, Verdict, composed, hostpath, mending,
};
use plimsoll_model::container::EnvValue;

pub(super) static CHECK: Check = Check {
    id: "runtime/no-control-socket",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.31", "CC6.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "compose-lint", rule: "CL-0001", relation: Relation::Same },
            Equivalent { tool: "kics", rule: "d6355c88", relation: Relation::Narrower },
            Equivalent { tool: "kics", rule: "1c1325ff", relation: Relation::Wider },
            Equivalent {
                tool: "semgrep",
                rule: "exposing-docker-socket-volume",
                relation: Relation::Narrower,
            },
            Equivalent {
                tool: "docksec",
                rule: "compose-docker-socket-mount",
                relation: Relation::Narrower,
            },
            Equivalent { tool: "kics", rule: "a6f34658", relation: Relation::Narrower },
            Equivalent { tool: "checkov", rule: "CKV_K8S_27", relation: Relation::Narrower },
            Equivalent { tool: "trivy", rule: "KSV-0006", relation: Relation::Narrower },
            Equivalent { tool: "kube-linter", rule: "docker-sock", relation: Relation::Narrower },
            Equivalent { tool: "catalogue", rule: "CMP001", relation: Relation::Same },
        ],
    }],
    when: &[&HAS_DESCRIPTOR],
    source: include_str!("no_control_socket.rs"),
    run: Run::EveryContainer(run),
    fix: Some(fix),
};

const WORDS: Words = Words {
    fail: "can command its host: take the mount away, or ask a filtering proxy",
    partial: "is a proxy before the control socket: keep it narrow and on an internal network",
    pass: "no container can command its host",
    none: "mounts no control socket",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let proxy = filters(cx, container);
    let mut asked = Asked::switch(&container.engine.api_socket, "gives it the engine's socket");
    for (mount, shown) in hostpath::shown(&container) {
        match shown {
            Shown::Unknown(why) => asked.open = Some((why, mount.span)),
            Shown::Path(path) => match hostpath::control_socket(&path) {
                Some(_) if proxy => {
                    let says = "a proxy that filters what is asked of the socket";
                    let evidence = Evidence::contradicts(mount.span, says);
                    asked.partly.push(evidence.severity(Severity::Low));
                }
                Some(what) => {
                    let says = format!("mounts `{}`: {what}", clip(&path));
                    asked.bad.push(Evidence::contradicts(mount.span, says));
                }
                None => {}
            },
        }
    }
    asked.verdict(&container, &WORDS)
}

/// Whether it is a proxy that only lets be read, is not published, and stands on internal networks.
fn filters(cx: &Cx<'_>, container: ContainerSubject<'_>) -> bool {
    let name = composed::image_name(cx, &container).unwrap_or_default();
    let on = |name: &str| {
        let var = container.env.iter().find(|var| var.name == name);
        var.is_some_and(|var| !matches!(&var.value, EnvValue::Literal(v) if v == "0"))
    };
    let Some(project) = composed::project_of(cx, &container) else { return false };
    let networks = composed::networks(&container);
    name.contains("socket-proxy")
        && container.ports.iter().all(|port| port.host.is_none())
        && !networks.is_empty()
        && networks.iter().all(|network| composed::is_internal(project, network))
        && !["POST", "EXEC", "ALLOW_START", "ALLOW_STOP"].iter().any(|name| on(name))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let containers = mending::containers::against(cx, finding);
    let container = containers.iter().find(|container| mending::is_compose(container))?;
    let name = &container.name;
    let text = format!(
        "services:\n  {name}:\n    # Without the mount; its own setting for the engine's address is this:\n    \
         environment:\n      DOCKER_HOST: tcp://socket-proxy:2375\n    networks: [default, socket]\n  \
         socket-proxy:\n    image: tecnativa/docker-socket-proxy:0.3.0\n    restart: unless-stopped\n    \
         environment:\n      CONTAINERS: 1\n    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock:ro\n    \
         networks: [socket]\nnetworks:\n  socket:\n    internal: true\n"
    );
    Some(Fix {
        does: "let it ask a proxy that filters; allow what it asks, and no more".into(),
        safety: Safety::Sketch,
        snippet: mending::snippet(cx.path(container.file), "yaml", text),
        patch: None,
    })
}
