//! # No secret file is copied into a build
//!
//! No key, wallet, `.env` or credentials file of the tree, committed or not, is reached by a COPY or
//! ADD after the ignore file that the builder reads; and no RUN spells a secret out.
//!
//! What a COPY brings stays in that stage's layer and in the build cache, even when a later step
//! deletes it; from the final stage it goes wherever the image goes.
//!
//! Take the file out of the repository, change what it opens, keep its kind out with `.dockerignore`
//! at the context's root, and mount it where it is needed.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY package.json src /app/
//! COPY . /app # <- reaches `deploy/server.key`
//! CMD ["node", "/app/main.js"]
//! ```
//! `package.json`:
//! ```json
//! {}
//! ```
//! `deploy/server.key`:
//! ```text
//! -----BEGIN PRIVATE KEY----- # <- a secret
//! MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFakeFakeFakeFake
//! -----END PRIVATE KEY-----
//! ```
//!
//! Of a builder, too; the file beside the Dockerfile is no ignore file of this context:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build:
//!       context: .
//!       dockerfile: api/Dockerfile
//! ```
//! `api/Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! COPY api ./api # <- reaches `api/.env`
//! RUN npm run build
//!
//! FROM node:20-alpine
//! COPY --from=builder /api/dist /dist
//! CMD ["node", "/dist/main.js"]
//! ```
//! `api/.dockerignore`:
//! ```text
//! .env
//! ```
//! `api/.env`:
//! ```text
//! DB_PASSWORD=Tr0ub4dor-and-3
//! ```
//!
//! A RUN that spells one out:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN API_TOKEN=5d0e3c2b1a495867768594 npm ci # <- spells out a secret
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Fixed
//!
//! `.dockerignore`:
//! ```text
//! **/*.key # <- keeps `deploy/server.key` out
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY src /app # <- reaches no secret file
//! CMD ["node", "/app/main.js"]
//! ```
//! `.env`:
//! ```text
//! DB_PASSWORD=Tr0ub4dor-and-3
//! ```
//!
//! A stand-in, so that a step of the build can start the program:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY src /app # <- reaches no secret file
//! RUN SECRET_KEY=build-key python /app/manage.py collectstatic
//! CMD ["python", "/app/main.py"]
//! ```
//! `src/manage.py`:
//! ```python
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . /app # <- reaches `.env.example`
//! CMD ["node", "/app/main.js"]
//! ```
//! `.env.example`:
//! ```text
//! DB_PASSWORD=changeme # <- an example
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ARG SOURCE
//! COPY ${SOURCE} /app # <- depends on a variable
//! CMD ["node", "/app/main.js"]
//! ```
//! `.env`:
//! ```text
//! DB_PASSWORD=Tr0ub4dor-and-3
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! EXPOSE 8080
//! ```
//!
//! ## See also
//!
//! - `build/effective-dockerignore`: which ignore file the builder reads.

use std::collections::BTreeSet;

use plimsoll_model::image::{Ignore, Image};
use plimsoll_model::mend::ignore;
use plimsoll_model::secret::SecretKind;
use plimsoll_source::{Edit, Span};

use crate::conditions::COPIES_OR_SPELLS_SECRETS;
use crate::context::{Reach, context_copies, in_context, reach, spelled};
use crate::owner;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Status, Verdict, Why, mending,
};

pub(super) static CHECK: Check = Check {
    id: "secrets/none-in-build-context",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 4.10"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "trivy", rule: "DS-0031", relation: Relation::Wider },
            Equivalent { tool: "dockle", rule: "CIS-DI-0010", relation: Relation::Wider },
        ],
    }],
    when: &[&COPIES_OR_SPELLS_SECRETS],
    source: include_str!("none_in_build_context.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

/// How many secret files are shown for one image.
const MAX_SHOWN: usize = 20;

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let mut bad: Vec<(String, Evidence)> = spelled(image.image)
        .into_iter()
        .map(|span| ("a RUN".to_owned(), Evidence::contradicts(span, "spells out a secret")))
        .collect();
    let (mut examples, mut open, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let context = image.context.known();
    let secrets = context
        .map(|dir| owner::below(&cx.delivery.secrets.files, dir, |s, end| cx.path(s.file) < end));
    for secret in secrets.unwrap_or_default() {
        let path = cx.path(secret.file);
        let Some(inside) = in_context(image.image, path) else { continue };
        let found = reach(image.image, inside);
        match found.kept {
            Some(pattern) => {
                kept.push(Evidence::shows(pattern, format!("keeps `{path}` out")));
                continue;
            }
            None if found.by.is_empty() => {
                open.extend(found.perhaps);
                continue;
            }
            None => {}
        }
        let list = if secret.kind == SecretKind::Example { &mut examples } else { &mut bad };
        if list.len() >= MAX_SHOWN * 2 {
            continue;
        }
        for &(stage, copy) in &found.by {
            list.push((path.to_owned(), copied(image.image, stage, copy, path)));
        }
        // Of an example all lines are meant, and the first one may change.
        let (what, at) = match secret.kind {
            SecretKind::Example => ("an example", cx.start_of(secret.file)),
            _ => ("a secret", secret.span),
        };
        let says = format!("{what}: {}", secret.because);
        let severity = severity(image.image, &found);
        list.push((path.to_owned(), Evidence::contradicts(at, says).severity(severity)));
    }
    let first_copy = context_copies(image.image).next();
    if let Some((path, _)) = bad.first() {
        let message = match &**path {
            "a RUN" => "a RUN spells out a secret: mount it, and change it".to_owned(),
            path => format!("`{path}` is copied into the build: keep it out, and change it"),
        };
        let mut evidence = std::mem::take(&mut bad).into_iter().map(|(_, evidence)| evidence);
        let Some(first) = evidence.next() else { return cx.unparsed(image) };
        Verdict::fail(message, first).and_all(evidence)
    } else if image.broken {
        cx.unparsed(image)
    } else if let Some((why, at)) = unknown_context(image.image) {
        let at = at.or(first_copy.map(|(_, span, _)| span)).unwrap_or(cx.start_of(image.file));
        let evidence = Evidence::context(at, "the build context is not known");
        Verdict::unknown(why, "which files the build copies is not known", evidence)
    } else if let Some(&at) = open.first() {
        let evidence = Evidence::context(at, "depends on a variable");
        Verdict::unknown(Why::Dynamic, "what a COPY brings depends on a variable", evidence)
    } else if let Some((path, first)) = examples.first() {
        let message = format!("`{path}` is copied into the build: keep `.env*` files out");
        let more = examples.iter().skip(1).map(|(_, evidence)| evidence.clone());
        Verdict::partial(message, first.clone()).and_all(more)
    } else {
        let message = "no secret file is copied into the build";
        match (kept.first(), first_copy) {
            (Some(first), _) => Verdict::pass(message, first.clone()).and_all(kept.drain(1..)),
            (None, Some((_, span, _))) => {
                Verdict::pass(message, Evidence::missing_in(span, "reaches no secret file"))
            }
            (None, None) => cx.unparsed(image),
        }
    }
}

fn copied(image: &Image, stage: usize, copy: Span, path: &str) -> Evidence {
    let evidence = |says| Evidence::contradicts(copy, says);
    match image.ships(stage) {
        true => evidence(format!("reaches `{path}`")),
        false => evidence(format!("reaches `{path}`, in a stage that does not ship"))
            .severity(Severity::High),
    }
}

/// What only builders hold is in their layers and caches, not in what is pulled.
fn severity(image: &Image, found: &Reach) -> Severity {
    match found.by.iter().any(|&(stage, _)| image.ships(stage)) {
        true => Severity::Critical,
        false => Severity::High,
    }
}

fn unknown_context(image: &Image) -> Option<(Why, Option<Span>)> {
    let copies = context_copies(image).next().is_some();
    image.context.unknown().filter(|_| copies)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let (context, lines) = service.images.iter().find_map(|&id| {
        let image = &cx.delivery[id];
        let context = image.context.known()?;
        let mut lines: Vec<&str> = (cx.delivery.secrets.files.iter())
            .map(|secret| cx.path(secret.file))
            .filter(|path| in_context(image, path).is_some_and(|p| !reach(image, p).by.is_empty()))
            .map(|path| path.rsplit('/').next().unwrap_or(path))
            .collect();
        lines.sort_unstable();
        lines.dedup();
        (!lines.is_empty()).then_some((context, lines))
    })?;
    let path = match &**context {
        "" => ".dockerignore".to_owned(),
        context => format!("{context}/.dockerignore"),
    };
    let text: String = lines.iter().map(|line| format!("**/{line}\n")).collect();
    let edits =
        service.images.iter().filter_map(|&id| examples_out(cx, &cx.delivery[id])).collect();
    Some(Fix::of_edits(
        "keep the files out of the build context, and change what they open",
        Safety::Review,
        mending::snippet(&path, "text", text),
        edits,
    ))
}

/// Keeps examples out that are called otherwise than the ignore file expects. What it brings back is
/// meant; and keys are that of the check that asks for the ignore file.
fn examples_out(cx: &Cx<'_>, image: &Image) -> Option<Edit> {
    let Ignore::Effective { file, patterns } = &image.ignore else { return None };
    let mut lines = BTreeSet::new();
    for secret in cx.delivery.secrets.files.iter().filter(|s| s.kind == SecretKind::Example) {
        let Some(path) = in_context(image, cx.path(secret.file)) else { continue };
        let name = path.rsplit('/').next().unwrap_or(path);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let meant = patterns.deciding(path).is_some() || !name.bytes().all(plain);
        let named = context_copies(image)
            .flat_map(|(_, _, copy)| &*copy.sources)
            .any(|source| source.path.rsplit('/').next() == Some(name));
        if reach(image, path).by.is_empty() {
            continue;
        }
        // Half of it is nothing.
        if meant || named {
            return None;
        }
        lines.insert(format!("**/{name}"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    (!lines.is_empty()).then(|| ignore::append(&cx.delivery.tree, *file, &lines))?
}
