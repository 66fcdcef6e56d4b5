//! # Configuration and secrets are mounted read-only
//!
//! What a descriptor binds from the host into the container to configure it or to authenticate is
//! read-only (`:ro`).
//!
//! A process that is taken over rewrites what it can: through a writable mount it changes the
//! host's configuration or replaces a key, for itself after the next start and for all who share
//! the file.
//!
//! Add `:ro` to the short form, `read_only: true` to the long one. Data, sockets and source code
//! are not asked about: only mounts whose path says configuration or secret.
//!
//! Given: node-service
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     volumes:
//!       - ./secrets/wallet.json:/app/wallet.json # <- writable
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     volumes:
//!       - ./secrets/wallet.json:/app/wallet.json:ro # <- read-only
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     volumes:
//!       - ~/orders-secrets:/home/node/secrets:ro # <- read-only
//!       - type: bind
//!         source: ./nginx.conf
//!         target: /etc/nginx/nginx.conf
//!         read_only: true
//!       - ./uploads:/app/uploads
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     volumes:
//!       - ./certs:/certs # <- writable
//!       - ./config.yaml:/app/config.yaml:ro # <- read-only
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   orders:
//!     build: .
//!     volumes:
//!       - ./uploads:/app/uploads
//! ```

use plimsoll_model::container::Mount;

use crate::conditions::{BINDS_CONFIGURATION, HAS_DESCRIPTOR};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Verdict, mending, startup,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/read-only-mounts",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_DESCRIPTOR, &BINDS_CONFIGURATION],
    source: include_str!("read_only_mounts.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

/// The mounts in question over all deployments.
fn mounts<'a>(cx: &Cx<'a>, service: ServiceSubject<'a>) -> Vec<&'a Mount> {
    let containers = service.service.containers.iter();
    let all = containers.flat_map(|&id| &cx.delivery[id].mounts);
    all.filter(|mount| startup::is_configuration(mount)).collect()
}

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let mounts = mounts(cx, service);
    let (good, bad): (Vec<&Mount>, Vec<&Mount>) = mounts.iter().partition(|mount| mount.read_only);
    let shows = good.iter().map(|mount| Evidence::shows(mount.span, "read-only"));
    let contradicts = |mount: &&Mount| {
        Evidence::contradicts(mount.span, format!("{} is writable", short(&mount.target)))
    };
    let Some(first) = bad.first() else {
        let mut shows = shows;
        let first = shows.next().unwrap_or_else(|| Evidence::context(service.place, "no mounts"));
        return Verdict::pass("configuration and secrets are mounted read-only", first)
            .and_all(shows);
    };
    let target = short(&first.target);
    let verdict = if good.is_empty() {
        let message = format!("{target} is mounted writable: add `:ro`");
        Verdict::fail(message, contradicts(first))
    } else {
        let message = format!("{target} is mounted writable, others are not: add `:ro`");
        Verdict::partial(message, contradicts(first))
    };
    verdict.and_all(bad.iter().skip(1).map(contradicts)).and_all(shows)
}

/// As much of a path as a message has room for.
fn short(path: &str) -> String {
    match path.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &path[..at]),
        None => path.to_owned(),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let mounts = mounts(cx, service);
    let mount = mounts.iter().find(|mount| !mount.read_only)?;
    let edits = mounts.iter().filter(|mount| !mount.read_only).filter_map(|mount| {
        let document = mending::document(cx, mount.span.file)?;
        let scalar = document.scalar_at(mount.span)?;
        // Further options follow the target: for whoever wrote them.
        let plain = scalar.text()?.ends_with(&*mount.target);
        plain.then(|| document.append(scalar, ":ro"))?
    });
    Some(Fix::of_edits(
        "mount it read-only",
        Safety::Review,
        mending::snippet(
            cx.path(mount.span.file),
            "yaml",
            format!("volumes:\n  - {}:{}:ro\n", mount.source, mount.target),
        ),
        edits.collect(),
    ))
}
