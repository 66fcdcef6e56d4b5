//! # The door and the data share no network
//!
//! In a compose project that has a reverse proxy and a datastore, no network joins the two.
//!
//! Where nothing is said all containers share one network: who gets into the proxy, which the whole internet
//! talks to, or into a log collector, reaches every port of the database, and of a cache without a password.
//!
//! Give the project a network for the front and one for the back; the proxy joins the first the
//! second, the program both. Do it in every file that is merged, or a service lands on `default` and finds
//! nothing. Make only those networks `internal` from which nothing has to be reached outside.
//!
//! The fix, for review, moves datastores that publish no port to a network that reaches nothing outside. Whoever is
//! seen to speak to them joins it (`depends_on`, a name in a variable, a command, a mounted file), and whoever may.
//!
//! Without a proxy, a project of more than a program and its datastore whose containers share one network
//! while a port is published is PARTIAL.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services: # <- share a network
//!   proxy:
//!     image: caddy:2.10.0
//!     ports: ["443:443"]
//!   api:
//!     image: acme/api:1.2.0
//!   db:
//!     image: postgres:17.2
//! ```
//!
//! With a network for all:
//!
//! `compose.yaml`:
//! ```yaml
//! services: # <- share a network
//!   proxy:
//!     image: traefik:3.5.0
//!     ports: ["443:443"]
//!     networks: [all]
//!   db:
//!     image: postgres:17.2
//!     networks: [all]
//! networks:
//!   all:
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services: # <- no network joins
//!   proxy:
//!     image: caddy:2.10.0
//!     ports: ["443:443"]
//!   api:
//!     image: acme/api:1.2.0
//!     networks:
//!       - default
//!       - data
//!   db:
//!     image: postgres:17.2
//!     networks:
//!       - data
//! networks:
//!   data:
//!     internal: true
//! ```
//!
//! With a network for all:
//!
//! `compose.yaml`:
//! ```yaml
//! services: # <- no network joins
//!   proxy:
//!     image: traefik:3.5.0
//!     ports: ["443:443"]
//!     networks: [front]
//!   db:
//!     image: postgres:17.2
//!     networks: [back]
//! networks:
//!   front:
//!   back:
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services: # <- no network joins
//!   proxy:
//!     image: nginx:1.29.1
//!     ports: ["127.0.0.1:8443:443"]
//!   api:
//!     image: acme/api:1.2.0
//!     networks: [default, back]
//!   cache:
//!     image: redis:8.2.0
//!     networks: { back: { aliases: [cache] } }
//! networks:
//!   back: { internal: true }
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services: # <- all share one network
//!   api:
//!     image: acme/api:1.2.0
//!     ports: ["8000:8000"]
//!   jobs:
//!     image: acme/api:1.2.0
//!   mailer:
//!     image: acme/mailer:1.2.0
//!   db:
//!     image: postgres:17.2
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.2.0
//!     ports: ["8000:8000"]
//!   db:
//!     image: postgres:17.2
//! ```

use crate::composed::Composed;
use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, composed, driver, mending,
};
use std::collections::BTreeSet;

use plimsoll_model::container::Container;

pub(super) static CHECK: Check = Check {
    id: "network/segmented",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 5.29", "CC6.6"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent {
                tool: "docksec",
                rule: "compose-no-network-segmentation",
                relation: Relation::Same,
            },
            Equivalent { tool: "kics", rule: "ce14a68b", relation: Relation::Narrower },
            Equivalent { tool: "catalogue", rule: "CMP059", relation: Relation::Wider },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("segmented.rs"),
    run: Run::Repository(repository),
    fix: Some(fix),
};

fn repository(cx: &Cx<'_>) -> Verdict {
    let judged = composed::projects(cx).into_iter().filter_map(|composed| judge(cx, &composed));
    let place = cx.delivery.containers.first().map(|container| container.span);
    match place {
        Some(place) => {
            driver::join(judged.collect(), "has no datastore beside other containers", place)
        }
        None => Verdict::not_applicable(
            "does not apply: nothing here is deployed by a compose file",
            Evidence::missing_file(".", "no container"),
        ),
    }
}

/// `None` for a project that the question is not about, and for files that are merged with others.
fn judge(cx: &Cx<'_>, composed: &Composed<'_>) -> Option<(String, Verdict)> {
    let project = composed.project;
    let place = project.services.filter(|_| !project.in_part)?;
    let stores: Vec<_> = composed.containers.iter().filter(|c| composed::is_store(c)).collect();
    let published = |c: &Container| c.ports.iter().any(|port| port.host.is_some());
    let doors: Vec<_> =
        composed.containers.iter().filter(|c| published(c) && composed::is_proxy(cx, c)).collect();
    let file = cx.path(place.file).to_owned();
    let shared = |one: &Container, other: &Container| {
        composed::networks(one).intersection(&composed::networks(other)).next().is_some()
    };
    if stores.is_empty() {
        return None;
    }
    for door in &doors {
        let Some(store) = stores.iter().find(|store| shared(door, store)) else { continue };
        let (door, store) = (clip(&door.name), clip(&store.name));
        let message = format!("`{door}` and `{store}` share a network: give each side its own");
        let says = format!("`{door}`, which is published, and `{store}` share a network");
        return Some((file, Verdict::fail(message, Evidence::missing_in(place, says))));
    }
    if doors.is_empty() {
        let flat = composed.containers.iter().all(|c| c.engine.networks.is_empty());
        let apps = composed.containers.len() - stores.len();
        let open = composed.containers.iter().any(|c| published(c));
        if apps < 2 || !open {
            return None;
        }
        if flat {
            let message = "all containers share one network: keep datastores on one of their own";
            let evidence = Evidence::missing_in(place, "all share one network");
            return Some((file, Verdict::partial(message, evidence)));
        }
    }
    let evidence = Evidence::shows(place, "no network joins what is published and the datastores");
    Some((file, Verdict::pass("the door and the data share no network", evidence)))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let files: Vec<_> =
        finding.evidence.iter().filter(|e| e.is_against()).map(|e| e.file()).collect();
    let projects = composed::projects(cx);
    let mut open = projects.iter().filter(|composed| {
        composed.project.services.is_some_and(|at| files.contains(&Some(at.file)))
    });
    let separated = open.clone().filter_map(|project| mending::compose::separated(cx, project));
    let (mut edits, mut unsure) = (Vec::new(), BTreeSet::new());
    for separated in separated {
        edits.extend(separated.edits);
        unsure.extend(separated.unsure);
    }
    if !edits.is_empty() {
        let mut does = "give the datastores a network of their own, which reaches nothing outside \
                        and which all but proxies join that may need it"
            .to_owned();
        if !unsure.is_empty() {
            let names: Vec<String> = unsure.iter().map(|name| clip(name)).collect();
            does += &format!("; nothing says whether these do: {}", names.join(", "));
        }
        return Some(Fix::of_edits(does, Safety::Review, None, edits));
    }
    let project = open.next()?;
    let file = project.project.services?.file;
    let mut text = "services:\n".to_owned();
    for container in &project.containers {
        let is_store = composed::is_store(container);
        let published = container.ports.iter().any(|port| port.host.is_some());
        let networks = match (is_store, published && composed::is_proxy(cx, container)) {
            (true, _) => "[back]",
            (false, true) => "[front]",
            (false, false) => "[front, back]",
        };
        text += &format!("  {}:\n    networks: {networks}\n", container.name);
    }
    text += "networks:\n  front:\n  back:\n    internal: true\n";
    Some(Fix {
        does:
            "give the door and the data networks of their own; name what has to reach the internet"
                .into(),
        safety: Safety::Sketch,
        snippet: mending::snippet(cx.path(file), "yaml", text),
        patch: None,
    })
}
