//! # How to deliver each secret file is written down
//!
//! For every secret that the service gets as a file there is a `secrets:` entry (in Kubernetes a
//! secret volume), or a text for operators (a comment of the compose file, a README, a runbook) that
//! says what to create on the host and where the container finds it.
//!
//! A bind mount of `~/acme-secrets` says that something must lie there, not what, nor where it comes
//! from. Docker makes an empty directory of a path that is missing: the service starts, and fails
//! later with a message about a key.
//!
//! Declare the file under `secrets:`, or write beside the mount which command creates it.
//!
//! Where the path is only named, in a document or an `.env.example`, the check passes in part. Source
//! code, what other services document, and (for a pass) reports on the code do not count. A secret that is mounted in two ways, by the
//! compose file and by one that operators may add with `-f`, is one.
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
//!       - ~/acme-secrets:/home/node/acme-secrets:ro # <- nothing says what to create
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
//!       # mkdir ~/acme-secrets && openssl genrsa -out ~/acme-secrets/jwt.pem 4096 # <- what to create
//!       - ~/acme-secrets:/home/node/acme-secrets:ro
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
//!       - token # <- the `secrets` list has `token`
//! secrets:
//!   token:
//!     file: ./secrets/token
//! ```
//!
//! A document says it, by the variable that the mount serves:
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
//!       WALLET_PATH: /app/wallet.json
//!     volumes:
//!       - ./wallet.json:/app/wallet.json:ro
//! ```
//! `README.md`:
//! ```markdown
//! # Api
//!
//! Create the wallet: `solana-keygen new --outfile wallet.json`. # <- what to create
//! The service finds it by `WALLET_PATH`.
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
//!       - ~/acme-secrets:/home/node/acme-secrets:ro
//! ```
//! `README.md`:
//! ```markdown
//! The public key is read from ~/acme-secrets/jwt.pem. # <- names it
//! ```
//!
//! A variable has the path, and a template names it:
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
//!       - ${JWT_KEY_PATH}:/run/jwt.key:ro
//! ```
//! `.env.example`:
//! ```sh
//! JWT_KEY_PATH=./secrets/jwt.key # <- names it
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
//!     environment:
//!       DB_PASSWORD: ${DB_PASSWORD}
//! ```
//!
//! ## See also
//!
//! - `secrets/file-permissions`: who may read it.

use plimsoll_model::Why;

use crate::conditions::MOUNTS_SECRET_FILES;
use crate::delivered::{self, Delivered, Text};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/delivery-documented",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&MOUNTS_SECRET_FILES],
    source: include_str!("delivery_documented.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

/// What texts say when they tell someone to make a file.
const MAKES: [&str; 17] = [
    "mkdir", "openssl", "cp", "mv", "scp", "keygen", "create", "creates", "generate", "copy",
    "place", "put", "touch", "echo", "printf", "write", "download",
];

/// The most places that are shown for one secret.
const MAX_SHOWN: usize = 8;

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let documents = delivered::documents(cx, service);
    let examples = delivered::examples(cx, service);
    let mut judged = Vec::new();
    for &id in &service.containers {
        let comments = delivered::comments(cx, &cx.delivery[id]);
        let texts: Vec<&Text> = comments.iter().chain(&documents).collect();
        for secret in delivered::secrets(cx, &cx.delivery[id]) {
            judged.push((secret.name.clone(), judge(cx, &secret, &texts, &examples)));
        }
    }
    crate::driver::join(judged, MOUNTS_SECRET_FILES.name, service.place)
}

fn judge(cx: &Cx<'_>, secret: &Delivered, texts: &[&Text], examples: &[Text]) -> Verdict {
    let name = &secret.name;
    if secret.entry {
        return Verdict::pass(
            "how to deliver each secret file is written down",
            Evidence::shows(secret.span, format!("the `secrets` list has `{name}`")),
        );
    }
    let mounted = Evidence::context(secret.span, format!("mounts `{name}`"));
    let naming = |text: &&&Text| text.lines.iter().any(|(_, line)| secret.is_named_in(line));
    let says = |text: &&&Text| {
        let makes = |line: &str| {
            let words = line.to_lowercase();
            words.split(|c: char| !c.is_alphanumeric()).any(|word| MAKES.contains(&word))
        };
        !text.report
            && text.lines.iter().any(|(_, line)| secret.is_named_in(line) && makes(line))
            && (text.comment || text.lines.iter().any(|(_, line)| secret.is_placed_in(line)))
    };
    let places = |text: &Text, what: &'static str| -> Vec<Evidence> {
        if text.comment {
            let whole = text.lines.iter().map(|(span, _)| *span).reduce(|a, b| a.cover(b));
            return whole.map(|span| Evidence::shows(span, what)).into_iter().collect();
        }
        let lines = text.lines.iter().filter(|(_, line)| secret.is_named_in(line));
        lines.map(|(span, _)| Evidence::shows(*span, what)).collect()
    };
    if texts.iter().any(|text| says(&text)) {
        // All that names it is shown: what remained when one was deleted would name it still.
        let mut shown =
            texts.iter().filter(naming).flat_map(|text| places(text, "says what to create"));
        let first = shown.next().unwrap_or_else(|| mounted.clone());
        let shown: Vec<Evidence> = shown.take(MAX_SHOWN).collect();
        return Verdict::pass("how to deliver each secret file is written down", first)
            .and_all(shown)
            .and(mounted);
    }
    let told = |text: &Text| {
        text.lines.iter().any(|(_, line)| secret.is_named_in(line) || secret.is_placed_in(line))
    };
    let mut shown = texts
        .iter()
        .copied()
        .chain(examples)
        .filter(|text| told(text))
        .flat_map(|text| {
            let lines = text.lines.iter();
            lines.filter(|(_, line)| secret.is_named_in(line) || secret.is_placed_in(line))
        })
        .map(|(span, _)| Evidence::shows(*span, format!("names it: `{name}`")));
    if let Some(first) = shown.next() {
        let message =
            format!("`{name}` is named, not how to create it: write the command beside the mount");
        let message = if message.chars().count() > 100 {
            "a mounted secret is named, not how to create it: write the command down".to_owned()
        } else {
            message
        };
        let shown: Vec<Evidence> = shown.take(MAX_SHOWN).collect();
        return Verdict::partial(message, first).and_all(shown).and(mounted);
    }
    if cx.delivery.tree.outside().is_some() {
        return Verdict::unknown(
            Why::OutOfTree,
            "documents may lie above the audited tree",
            mounted,
        );
    }
    Verdict::fail(
        "a secret file is mounted and nothing says what to create: write it beside the mount",
        Evidence::contradicts(secret.span, format!("nothing says what to create at `{name}`")),
    )
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    let (container, secret) = containers.into_iter().find_map(|container| {
        let secret = delivered::secrets(cx, container).into_iter().find(|secret| !secret.entry)?;
        Some((container, secret))
    })?;
    let text = format!(
        "# Before the first start, on the host: create {} (chmod 0600, owned by the container's user).\n",
        secret.name
    );
    Some(Fix {
        does: "say beside the mount what to create on the host".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet { path: cx.path(container.file).to_owned(), language: "yaml", text }),
        patch: None,
    })
}
