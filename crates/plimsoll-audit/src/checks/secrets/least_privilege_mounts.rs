//! # A service sees the secrets that it needs, not all
//!
//! No directory of secrets of the host is mounted whole into several services: each gets the files that
//! it reads, or entries of `secrets:`.
//!
//! Whoever gets into one of the services has the keys of all of them: the smallest and oldest service
//! decides how safe the payments are.
//!
//! Mount single files (`~/acme-secrets/jwt.pem:/run/secrets/jwt.pem:ro`), or declare them under
//! `secrets:` and give each service its own.
//!
//! A directory that one service alone mounts is its own. Replicas and workers of the same image are
//! one service.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     volumes:
//!       - ~/acme-secrets:/home/node/acme-secrets:ro # <- a whole directory
//!   mail:
//!     image: registry.example/mail:1.2.3
//!     volumes:
//!       - type: bind
//!         source: ~/acme-secrets
//!         target: /secrets
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     volumes:
//!       - ~/acme-secrets/jwt.pem:/run/secrets/jwt.pem:ro # <- one of its own
//!   mail:
//!     image: registry.example/mail:1.2.3
//!     volumes:
//!       - ~/acme-secrets/smtp.key:/run/secrets/smtp.key:ro
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     volumes:
//!       - ./secrets/api:/run/secrets:ro # <- one of its own
//!   worker:
//!     build: .
//!     command: ["node", "worker.js"]
//!     volumes:
//!       - ./secrets/api:/run/secrets:ro
//!   mail:
//!     image: registry.example/mail:1.2.3
//!     secrets: [smtp]
//! secrets:
//!   smtp: { file: ./secrets/smtp.key }
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       DB_PASSWORD_FILE: /run/secrets/db_password # <- Look at the running system
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     volumes: ["uploads:/app/uploads"]
//! volumes:
//!   uploads:
//! ```

use std::sync::Arc;

use plimsoll_model::container::{Container, Mount, MountKind};
use plimsoll_model::secret::names_secret_file;

use crate::conditions::MOUNTS_SECRET_FILES;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, ServiceSubject, Severity, Status,
    Verdict, delivered, startup,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/least-privilege-mounts",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&MOUNTS_SECRET_FILES],
    source: include_str!("least_privilege_mounts.rs"),
    run: Run::Service(run),
    fix: None,
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let judged = service.containers.iter().filter_map(|&id| {
        let container = &cx.delivery[id];
        Some((Arc::clone(&container.label), judge(cx, container)?))
    });
    crate::driver::join(judged.collect(), MOUNTS_SECRET_FILES.name, service.place)
}

/// `None` for a container that gets no secret as a file.
fn judge(cx: &Cx<'_>, container: &Container) -> Option<Verdict> {
    let shared = container.mounts.iter().filter(|mount| is_directory_of_secrets(cx, mount));
    let mut shared = shared.filter_map(|mount| Some((mount, others(cx, container, mount)?)));
    let evidence = |(mount, other): (&Mount, &str)| {
        let says = format!("a whole directory of secrets, as `{}` has it", clip(other));
        Evidence::contradicts(mount.span, says)
    };
    if let Some(first) = shared.next() {
        let name = clip(&first.0.source);
        let message = format!("several services see all of `{name}`: mount single files");
        return Some(Verdict::fail(message, evidence(first)).and_all(shared.map(evidence)));
    }
    let mut own = delivered::secrets(cx, container).into_iter();
    let shows = |secret: delivered::Delivered| {
        Evidence::shows(secret.span, format!("`{}` is one of its own", clip(&secret.name)))
    };
    let first = shows(own.next()?);
    Some(
        Verdict::pass("it sees no directory of secrets that others see", first)
            .and_all(own.map(shows)),
    )
}

/// Whether a mount brings a directory of the host that holds secrets, by its names, or because git
/// tracks one below it.
fn is_directory_of_secrets(cx: &Cx<'_>, mount: &Mount) -> bool {
    let path = mount.source.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    let tree = &cx.delivery.tree;
    let is_file = match mount.tree_path.as_deref() {
        Some(path) if tree.find(path).is_some() => true,
        Some(path) if tree.under(path).next().is_some() => false,
        // A dot within a name begins an ending.
        _ => name.trim_start_matches('.').contains('.'),
    };
    let target = mount.target.trim_end_matches('/');
    let says = |path: &str| names_secret_file(path) && !path.ends_with(".sock");
    mount.kind == MountKind::Bind
        && !is_file
        && startup::is_configuration(mount)
        && (says(path) || says(target) || delivered::secret_in(cx, mount).is_some())
}

/// Another service of production that mounts the same directory, or one around it.
fn others<'a>(cx: &Cx<'a>, container: &Container, mount: &Mount) -> Option<&'a str> {
    let same = |other: &Mount| {
        other.kind == MountKind::Bind
            && match (&mount.tree_path, &other.tree_path) {
                (Some(path), Some(other)) => path == other,
                _ => mount.source.trim_end_matches('/') == other.source.trim_end_matches('/'),
            }
    };
    let is_other = |other: &&Container| {
        let same_image = match (container.image_id, other.image_id) {
            (Some(one), Some(two)) => one == two,
            (None, None) => container.image.known() == other.image.known(),
            _ => false,
        };
        other.purpose.is_production() == container.purpose.is_production()
            && !same_image
            && other.name != container.name
            && other.mounts.iter().any(same)
    };
    cx.delivery.containers.iter().find(is_other).map(|other| &*other.name)
}
