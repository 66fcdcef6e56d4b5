//! # Every delivery file parses
//!
//! Dockerfiles, compose files, manifests, workflows and scripts can be read by the tools that are
//! to run them.
//!
//! A file with a syntax error stops the build or the deployment that needs it, often only on the
//! day it is needed; and nothing that it says can be audited.
//!
//! Mend the place shown; what depended on the file is judged once it parses.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUNN npm ci # <- RUNN
//! CMD ["node", "main.js"]
//! ```
//!
//! A key that is there twice:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app: { image: "registry.example/app:1.2.0" }
//!   app: { image: "registry.example/app:1.3.0" } # <- duplicate key
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//!
//! Or:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app: { image: "registry.example/app:1.3.0" }
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Does not apply
//!
//! Nothing here builds, ships or runs anything:
//!
//! `notes.txt`:
//! ```text
//! Buy bread.
//! ```

use std::collections::BTreeSet;

use plimsoll_model::Problem;
use plimsoll_model::near::nearest;

use crate::conditions::DELIVERS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "build/files-parse",
    section: Section::Files,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "hadolint", rule: "DL1000", relation: Relation::Narrower },
            Equivalent { tool: "catalogue", rule: "CMP072", relation: Relation::Wider },
        ],
    }],
    when: &[&DELIVERS],
    source: include_str!("files_parse.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

/// None is what is wanted here: the evidence of a pass is that no file of those read is broken.
fn run(cx: &Cx<'_>) -> Verdict {
    let delivery = cx.delivery;
    let mut problems = delivery.problems.iter();
    let Some(first) = problems.next() else {
        let says = format!("none of the {} files read is broken", delivery.read.len());
        let evidence = match delivery.read.first() {
            Some(&file) => Evidence::missing_in(cx.start_of(file), says),
            None => Evidence::missing_file(".", says),
        };
        return Verdict::pass("every delivery file parses", evidence);
    };
    let files: BTreeSet<_> = delivery.problems.iter().map(|p| p.span.file).collect();
    let message = match files.len() {
        1 => format!("the {} `{}` does not parse", first.what, cx.path(first.span.file)),
        n => format!("{n} delivery files do not parse"),
    };
    let evidence = |p: &Problem| Evidence::contradicts(p.span, p.message.clone());
    Verdict::fail(message, evidence(first)).and_all(problems.map(evidence))
}

/// Instructions, as they are written.
const INSTRUCTIONS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let at = mending::against(finding).next()?;
    let problem = cx.delivery.problems.iter().find(|problem| problem.span == at)?;
    let path = cx.path(at.file);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/-".contains(&b);
    // Words for a shell, and a path that it would read otherwise.
    let path_of = path.bytes().all(plain).then_some(path).filter(|path| !path.starts_with('-'))?;
    let meant = cx.text_of(at).filter(|_| problem.message.starts_with("unknown instruction"));
    let meant = meant.and_then(|word| nearest(&word.to_ascii_uppercase(), &INSTRUCTIONS));
    let text = match (problem.what, meant) {
        ("Dockerfile", meant) => {
            let near = meant.map(|meant| format!("# {}: `{meant}` is near\n", problem.message));
            format!("{}docker build --check --file {path_of} .\n", near.unwrap_or_default())
        }
        ("compose file", _) => format!("docker compose --file {path_of} config --quiet\n"),
        ("Kubernetes manifest", _) => {
            format!("kubectl create --dry-run=client --filename {path_of}\n")
        }
        ("bake file", _) => format!("docker buildx bake --file {path_of} --print\n"),
        ("script", _) => format!("bash -n {path_of}\n"),
        ("package.json" | "package-lock.json", _) => format!("jq empty {path_of}\n"),
        _ => format!("# {path_of}: {}\n", problem.message),
    };
    let does = "correct it, and ask what reads it whether that is all";
    let snippet = mending::snippet(path, "sh", text);
    Some(Fix::of_edits(does, Safety::Sketch, snippet, Vec::new()))
}
