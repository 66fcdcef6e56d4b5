//! # Only the service's user can read its secret files
//!
//! A secret that arrives as a file is not in git, and the platform keeps other users out of it: a
//! `mode` on a Swarm secret, a `defaultMode` on a Kubernetes secret volume.
//!
//! A key that everyone on the host can read is everyone's key, and git gives every tracked file to
//! everyone who clones it.
//!
//! Take the file out of git, deliver it as a secret of Swarm or Kubernetes with mode `0400`, or at
//! least write the `chmod 600` beside the mount.
//!
//! Plain `docker compose` mounts `file:` secrets as they lie on the host and ignores `uid`, `gid` and
//! `mode`: they prove nothing here. Guidance (a comment, a runbook) passes in part. How a file of the
//! host is protected, only the host can say.
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
//!     secrets:
//!       - source: token # <- tracked with mode 100644
//!         mode: 0400
//! secrets:
//!   token:
//!     file: ./secrets/token
//! ```
//! `secrets/token`:
//! ```text
//! not-a-real-token
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
//!     secrets:
//!       - source: token # <- a mode keeps other users out
//!         uid: "1000"
//!         mode: 0400
//! secrets:
//!   token:
//!     external: true
//! ```
//!
//! ## Partial
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
//!       # chmod 600 ~/acme-secrets/jwt.pem # <- guidance
//!       - ~/acme-secrets:/home/node/acme-secrets:ro
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
//!     volumes:
//!       - ~/acme-secrets:/home/node/acme-secrets:ro # <- only the host can say
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
//! ```
//!
//! ## See also
//!
//! - `secrets/delivery-documented`: how the file gets there.

use plimsoll_model::Why;

use crate::conditions::MOUNTS_SECRET_FILES;
use crate::delivered::{self, Delivered, Text};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/file-permissions",
    section: Section::Compose,
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
    source: include_str!("file_permissions.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let documents = delivered::documents(cx, service);
    let mut judged = Vec::new();
    for &id in &service.containers {
        let comments = delivered::comments(cx, &cx.delivery[id]);
        let texts: Vec<&Text> = comments.iter().chain(&documents).collect();
        for secret in delivered::secrets(cx, &cx.delivery[id]) {
            judged.push((secret.name.clone(), judge(cx, &secret, &texts)));
        }
    }
    crate::driver::join(judged, MOUNTS_SECRET_FILES.name, service.place)
}

fn judge(cx: &Cx<'_>, secret: &Delivered, texts: &[&Text]) -> Verdict {
    if secret.enforced && secret.restricted && secret.tracked.is_none() {
        return Verdict::pass(
            "the platform keeps other users out of the secret files",
            Evidence::shows(secret.span, "a mode keeps other users out"),
        );
    }
    let tracked = secret.tracked.map(|file| {
        let mode = cx.delivery.tree.entry(file).git_mode().unwrap_or(0o100_644);
        format!("`{}` is tracked with mode {mode:o}", cx.path(file))
    });
    let mut guidance = texts
        .iter()
        .flat_map(|text| guidance(secret, text))
        .map(|span| Evidence::shows(span, "guidance"));
    if let Some(first) = guidance.next() {
        let says = tracked.unwrap_or_else(|| "nothing enforces it".to_owned());
        return Verdict::partial(
            "only guidance says who may read a secret file; let the platform enforce a mode",
            first,
        )
        .and_all(guidance.take(4).collect::<Vec<_>>())
        .and(Evidence::context(secret.span, says));
    }
    if let Some(says) = tracked {
        return Verdict::fail(
            "a mounted secret is tracked for everyone to read: untrack it, replace it, set a mode",
            Evidence::contradicts(secret.span, says),
        );
    }
    if secret.enforced {
        return Verdict::fail(
            "the secret's files are readable by every user of the container: set mode 0400",
            Evidence::missing_in(secret.span, "no mode that keeps other users out"),
        );
    }
    Verdict::unknown(
        Why::NeedsRun,
        "who may read the secret on the host cannot be seen, and no guidance says it",
        Evidence::context(secret.span, "only the host can say who may read it"),
    )
}

/// The lines that tell to keep others out, beside one that names the secret.
fn guidance(secret: &Delivered, text: &Text) -> Vec<plimsoll_source::Span> {
    let named: Vec<bool> = text.lines.iter().map(|(_, line)| secret.is_named_in(line)).collect();
    let near = |at: usize| {
        let from = at.saturating_sub(1);
        named.get(from..(at + 2).min(named.len())).is_some_and(|near| near.contains(&true))
    };
    let lines = text.lines.iter().enumerate();
    lines
        .filter(|(at, (_, line))| restricts(line) && near(*at))
        .map(|(_, (span, _))| *span)
        .collect()
}

/// Whether a line takes others' rights away: `chmod 600`, `chmod go-rwx`, `install -m 0400`, `umask 077`.
fn restricts(line: &str) -> bool {
    let words: Vec<&str> =
        line.split(|c: char| c.is_whitespace() || "`'\"(),;".contains(c)).collect();
    let mode = |word: &str| {
        let octal =
            (3..=4).contains(&word.len()) && word.bytes().all(|b| (b'0'..=b'7').contains(&b));
        octal && word.ends_with('0')
            || matches!(word, "go-rwx" | "go=" | "o-rwx" | "u=rw,go=" | "u=r,go=")
    };
    words.iter().enumerate().any(|(at, word)| match *word {
        "chmod" | "-m" | "--mode" => words
            .iter()
            .skip(at + 1)
            .find(|next| !next.is_empty() && **next != "-R")
            .is_some_and(|next| mode(next)),
        "umask" => words.get(at + 1).is_some_and(|next| next.ends_with("77")),
        _ => false,
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    let (container, secret) = containers.into_iter().find_map(|container| {
        let secret = delivered::secrets(cx, container).first()?.name.clone();
        mending::is_compose(container).then_some((container, secret))
    })?;
    let text = format!(
        "services:\n  {}:\n    secrets:\n      - source: {}\n        uid: \"${{APP_UID:?}}\" # the number that it runs as\n        mode: 0400\n",
        container.name,
        secret.rsplit('/').next().unwrap_or(&secret)
    );
    let does =
        "let the platform say who reads it: Swarm does, others keep what the host's file has";
    let snippet = mending::snippet(cx.path(container.file), "yaml", text);
    Some(Fix::of_edits(does, Safety::Sketch, snippet, Vec::new()))
}
