//! # No datastore is published on every address
//!
//! Databases, caches, queues, their poolers and their consoles are reached over the network of their
//! containers. None of them has a port on all addresses of the host: not `5432:5432`, not
//! `0.0.0.0:6379:6379`, no host network, no `hostPort`, no Kubernetes Service of type `NodePort` or
//! `LoadBalancer`.
//!
//! A published port passes the host's firewall: the engine opens it before the firewall's own rules
//! are asked. Then one password is all that stands between the data and whoever scans the network.
//!
//! Take `ports:` away (containers of one project reach each other without), or bind to the host
//! itself: `127.0.0.1:5432:5432`.
//!
//! Images are known by their names, and unknown third-party ones by the port that they publish. A
//! port on one other address of the host is PARTIAL. Files for development are not asked.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17.2
//!     ports:
//!       - "5432:5432" # <- on every address
//! ```
//!
//! The long form, with a default:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   pool:
//!     image: ${REGISTRY}/pgbouncer:1.24.1
//!     ports:
//!       - target: 6432 # <- on every address
//!         published: ${PORT:-6432}
//! ```
//!
//! On the host's network:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   cache:
//!     image: valkey/valkey:8.1.1
//!     network_mode: host # <- host's network
//! ```
//!
//! In a cluster:
//!
//! `k8s/db.yaml`:
//! ```yaml
//! apiVersion: apps/v1
//! kind: StatefulSet
//! metadata: { name: db }
//! spec:
//!   template:
//!     metadata: { labels: { app: db } }
//!     spec:
//!       containers:
//!         - name: db
//!           image: mongo:8.0.4
//!           ports: [{ containerPort: 27017 }]
//! ```
//! `k8s/service.yaml`:
//! ```yaml
//! apiVersion: v1
//! kind: Service
//! metadata: { name: db }
//! spec:
//!   type: LoadBalancer # <- from outside the cluster
//!   selector: { app: db }
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17.2
//!     ports:
//!       - "127.0.0.1:5432:5432" # <- on the host itself
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db: # <- publishes nothing
//!     image: mysql:9.1.0
//!     expose: ["3306"]
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: mysql:9.1.0
//!     ports:
//!       - "10.0.0.5:3306:3306" # <- on one address
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: mysql:9.1.0
//!     ports:
//!       - "${DB_BIND}:3306:3306" # <- variable
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: nginx:1.29.1
//!     ports: ["80:80"]
//! ```

use std::sync::Arc;

use plimsoll_model::container::Container;
use plimsoll_model::{Fact, Why};

use crate::conditions::RUNS_A_DATASTORE;
use crate::datastores::{self, Kind};
use crate::evidence::clip;
use crate::ports::{Reach, reach};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part, Relation, Run,
    Safety, Section, ServiceSubject, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "network/no-published-datastores",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 5.9", "CC6.6"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent {
                tool: "docksec",
                rule: "compose-port-bound-all-interfaces",
                relation: Relation::Wider,
            },
            Equivalent { tool: "compose-lint", rule: "CL-0005", relation: Relation::Wider },
            Equivalent { tool: "kics", rule: "451d79dc", relation: Relation::Wider },
            Equivalent {
                tool: "dclint",
                rule: "no-unbound-port-interfaces",
                relation: Relation::Wider,
            },
            Equivalent { tool: "catalogue", rule: "CMP029", relation: Relation::Same },
        ],
    }],
    when: &[&RUNS_A_DATASTORE],
    source: include_str!("no_published_datastores.rs"),
    run: Run::Both(of_service, of_no_service),
    fix: Some(fix),
};

fn of_service(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    let judged = containers.filter_map(|c| Some((c, c.keeps?)));
    let judged = judged.map(|(c, kind)| (Arc::clone(&c.label), judge(c, kind))).collect();
    crate::driver::join(judged, RUNS_A_DATASTORE.name, service.place)
}

fn of_no_service(cx: &Cx<'_>) -> Verdict {
    let stores: Vec<(&Container, Kind)> = datastores::of_no_service(cx).collect();
    let Some(place) = stores.first().map(|(container, _)| container.span) else {
        let nothing = Evidence::missing_file(".", "no datastore");
        return Verdict::not_applicable("does not apply: nothing here is a datastore", nothing);
    };
    let judged =
        stores.into_iter().map(|(c, kind)| (Arc::clone(&c.label), judge(c, kind))).collect();
    crate::driver::join(judged, RUNS_A_DATASTORE.name, place)
}

fn judge(container: &Container, kind: Kind) -> Verdict {
    let name = clip(&container.name);
    let mut found: Vec<(Outcome, Evidence)> = Vec::new();
    for port in container.ports.iter().filter(|port| port.host.is_some()) {
        let text = &port.container;
        found.push(match reach(port) {
            Reach::Every => {
                let says = format!("{text} of {} is open on every address", kind.name());
                (Outcome::Fail, Evidence::contradicts(port.span, says))
            }
            Reach::One => {
                let says = format!("{text} is open on one address of the host");
                (Outcome::Partial, Evidence::contradicts(port.span, says))
            }
            Reach::Host => {
                let says = format!("{text} is open on the host itself only");
                (Outcome::Pass, Evidence::shows(port.span, says))
            }
            Reach::Unknown => {
                let says = "which address depends on a variable";
                (Outcome::Unknown, Evidence::context(port.span, says))
            }
        });
    }
    if let Fact::Known { value: true, at, .. } = &container.host_network {
        let at = at.span.unwrap_or(container.span);
        let says = "all it listens on is open on the host's network";
        found.push((Outcome::Fail, Evidence::contradicts(at, says)));
    }
    found.extend(container.exposed_by.iter().map(|&at| {
        (Outcome::Fail, Evidence::contradicts(at, "opens it from outside the cluster"))
    }));
    // The worst first; where a variable decides, it may be as bad.
    found.sort_by_key(|(outcome, _)| std::cmp::Reverse(outcome.rank()));
    let open = container.open.or_else(|| {
        container.host_network.unknown().map(|(why, at)| (why, at.unwrap_or(container.span)))
    });
    let mut found = found.into_iter();
    let first = found.next();
    let rest = found.map(|(_, evidence)| evidence);
    match (first, open) {
        (Some((Outcome::Fail, evidence)), _) => Verdict::fail(
            format!("`{name}` is open on every address: bind it to 127.0.0.1, or drop its port"),
            evidence,
        ),
        (_, Some((why, at))) => Verdict::unknown(
            why,
            "not all of what describes the container is read",
            Evidence::context(at, why.decide()),
        ),
        (Some((Outcome::Unknown, evidence)), _) => Verdict::unknown(
            Why::Dynamic,
            format!("on which address `{name}` is published depends on a variable"),
            evidence,
        ),
        (Some((Outcome::Partial, evidence)), _) => Verdict::partial(
            format!("`{name}` is published on an address of the host: who reaches that?"),
            evidence,
        ),
        (Some((_, evidence)), _) => {
            Verdict::pass("datastores are open on the host itself only", evidence)
        }
        (None, None) => Verdict::pass(
            "no datastore is published",
            Evidence::missing_in(container.span, "publishes nothing"),
        ),
    }
    .and_all(rest)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let containers: Vec<&Container> = match cx.service_of(finding) {
        Some(service) => {
            let own = service.service.containers.iter().map(|&id| &cx.delivery[id]);
            own.filter(|container| container.keeps.is_some()).collect()
        }
        None => datastores::of_no_service(cx).map(|(container, _)| container).collect(),
    };
    let ports = containers.iter().filter(|c| mending::is_compose(c)).flat_map(|c| &c.ports);
    let open = ports.filter(|port| port.host.is_some() && matches!(reach(port), Reach::Every));
    let mut text = String::from("ports:\n");
    let mut edits = Vec::new();
    let mut path = None;
    for port in open {
        let host = port.host.as_deref().filter(|host| !host.is_empty()).unwrap_or(&port.container);
        text += &format!("  - \"127.0.0.1:{host}:{}\"\n", port.container);
        path = path.or_else(|| Some(cx.path(port.span.file)));
        let bound = || {
            let document = mending::document(cx, port.span.file)?;
            let scalar = document.scalar_at(port.span)?;
            // A port alone is given one of the host's choice: where it is open, too.
            let pair = scalar.text()?.contains(':') && port.address.is_none();
            pair.then(|| document.prepend(scalar, "127.0.0.1:"))?
        };
        edits.extend(bound());
    }
    Some(Fix::of_edits(
        "open it on the host itself only; who comes from elsewhere needs another way",
        Safety::Review,
        mending::snippet(path?, "yaml", text),
        edits,
    ))
}
