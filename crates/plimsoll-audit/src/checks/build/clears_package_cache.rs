//! # Installing packages leaves no cache in the image
//!
//! Every installation in what ships keeps no cache: `apk add --no-cache`, `apt-get … && rm -rf
//! /var/lib/apt/lists/*`, `npm ci && npm cache clean --force`, `pip install --no-cache-dir`, or a
//! cache mount. It must go in the same RUN.
//!
//! A cache that a later RUN removes stays in the layer before it: the image carries every package
//! twice, and each start pulls both.
//!
//! Clean where you install, or mount the cache.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY requirements.txt .
//! RUN apt-get update && apt-get install -y curl # <- keeps its cache
//! RUN pip install -r requirements.txt # <- keeps its cache
//! RUN rm -rf /var/lib/apt/lists/*
//! CMD ["python", "main.py"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY requirements.txt .
//! RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/* # <- keeps none
//! RUN pip install --no-cache-dir -r requirements.txt # <- keeps none
//! RUN rm -rf /var/lib/apt/lists/*
//! CMD ["python", "main.py"]
//! ```
//!
//! ## Passes
//!
//! A cache mount, over several lines:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY requirements.txt .
//! RUN apt-get update && apt-get install -y curl \ # <- keeps none
//!  && rm -rf /var/lib/apt/lists/*
//! RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt # <- keeps none
//! CMD ["python", "main.py"]
//! ```
//!
//! What a builder keeps does not ship:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! RUN npm ci
//!
//! FROM node:20-alpine
//! RUN apk add --no-cache tini # <- keeps none
//! RUN npm ci --omit=dev && npm cache clean --force # <- keeps none
//! CMD ["tini", "--", "node", "main.js"]
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN apk add --no-cache tini # <- keeps none
//! RUN npm ci --omit=dev # <- keeps its cache
//! RUN npm cache clean --force
//! CMD ["tini", "--", "node", "main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! RUN npm ci
//!
//! FROM node:20-alpine
//! COPY --from=builder /app /app
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## See also
//!
//! - `build/multi-stage`: a builder's caches do not ship.

use plimsoll_model::image::{EffectKind, Install, Manager, Step, StepKind};
use plimsoll_model::mend::{dockerfile, shell};
use plimsoll_source::Span;

use crate::conditions::INSTALLS_IN_FINAL_STAGE;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "build/clears-package-cache",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "apk",
            equivalents: &[
                Equivalent { tool: "hadolint", rule: "DL3019", relation: Relation::Same },
                Equivalent { tool: "trivy", rule: "DS-0025", relation: Relation::Same },
                Equivalent { tool: "dockle", rule: "DKL-DI-0004", relation: Relation::Same },
            ],
        },
        Part {
            name: "apt",
            equivalents: &[
                Equivalent { tool: "hadolint", rule: "DL3009", relation: Relation::Same },
                Equivalent { tool: "dockle", rule: "DKL-DI-0005", relation: Relation::Same },
            ],
        },
        Part {
            name: "dnf",
            equivalents: &[
                Equivalent { tool: "hadolint", rule: "DL3032", relation: Relation::Same },
                Equivalent { tool: "hadolint", rule: "DL3040", relation: Relation::Same },
                Equivalent { tool: "trivy", rule: "DS-0015", relation: Relation::Same },
                Equivalent { tool: "trivy", rule: "DS-0019", relation: Relation::Same },
            ],
        },
        Part {
            name: "pip",
            equivalents: &[Equivalent {
                tool: "hadolint",
                rule: "DL3042",
                relation: Relation::Same,
            }],
        },
        Part {
            name: "yarn",
            equivalents: &[Equivalent {
                tool: "hadolint",
                rule: "DL3060",
                relation: Relation::Same,
            }],
        },
        Part {
            name: "zypper",
            equivalents: &[
                Equivalent { tool: "hadolint", rule: "DL3036", relation: Relation::Same },
                Equivalent { tool: "trivy", rule: "DS-0020", relation: Relation::Same },
            ],
        },
        Part { name: "others", equivalents: &[] },
    ],
    when: &[&INSTALLS_IN_FINAL_STAGE],
    source: include_str!("clears_package_cache.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    if image.broken {
        return cx.unparsed(image);
    }
    let (mut clean, mut dirty) = (Vec::new(), Vec::new());
    for (_, effect, install) in installs(image) {
        match install.cache_free {
            true => clean.push(Evidence::shows(effect, "keeps none")),
            false => dirty
                .push(Evidence::contradicts(effect, "keeps its cache").part(part(install.manager))),
        }
    }
    let (some, mut evidence) = (!clean.is_empty(), dirty.into_iter());
    match evidence.next() {
        Some(first) if some => {
            let message = "some installations keep their cache: clean it in the same RUN";
            Verdict::partial(message, first).and_all(evidence).and_all(clean)
        }
        Some(first) => {
            let message = "installing packages leaves its cache: clean it in the same RUN";
            Verdict::fail(message, first).and_all(evidence)
        }
        None => {
            let mut clean = clean.into_iter();
            match clean.next() {
                Some(first) => {
                    Verdict::pass("installing packages leaves no cache", first).and_all(clean)
                }
                None => cx.unparsed(image),
            }
        }
    }
}

/// The part of the check that a package manager's cache is.
fn part(manager: Manager) -> &'static str {
    match manager {
        Manager::Apk => "apk",
        Manager::Apt => "apt",
        Manager::Dnf => "dnf",
        Manager::Pip => "pip",
        Manager::Yarn => "yarn",
        Manager::Zypper => "zypper",
        _ => "others",
    }
}

/// The installations in the layers that ship: the RUN, the command, the installation.
fn installs<'a>(image: ImageSubject<'a>) -> impl Iterator<Item = (&'a Step, Span, &'a Install)> {
    let image = image.image;
    let effects = image.target.map(|target| image.effects(target)).unwrap_or_default();
    effects.into_iter().filter_map(|(step, effect)| match &effect.kind {
        EffectKind::Install(install) => Some((step, effect.span, install)),
        _ => None,
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let mut edits = Vec::new();
    let mut shown = None;
    for &id in &service.images {
        let image = ImageSubject { id, image: &cx.delivery[id], service: Some(service) };
        let mut cleaned: Vec<(Span, Manager)> = Vec::new();
        for (step, effect, install) in installs(image).filter(|(_, _, i)| !i.cache_free) {
            let StepKind::Run(run) = &step.kind else { continue };
            let Some((how, words)) = keeps_none(install.manager) else { continue };
            let by_flag = |names: &[&str]| {
                let effect = run.effects.iter().find(|one| one.span == effect)?;
                shell::add_word(&mending::words(run, effect)?, names, words)
            };
            let edit = match how {
                How::Flag(names) => by_flag(names),
                // One is enough for all of its manager's installations in this RUN.
                How::Command if cleaned.contains(&(step.span, install.manager)) => continue,
                How::Command => {
                    cleaned.push((step.span, install.manager));
                    dockerfile::append_command(&cx.delivery.tree, image.image, step, words)
                }
            };
            let text = match how {
                How::Flag(names) => format!("RUN … {} {words} …\n", names.join("|")),
                How::Command => format!("RUN … && {words}\n"),
            };
            shown = shown.or_else(|| mending::snippet(&image.path, "dockerfile", text));
            edits.extend(edit);
        }
    }
    shown.as_ref()?;
    Some(Fix::of_edits("keep no cache of what is installed", Safety::Safe, shown, edits))
}

/// How a manager is told to keep no cache.
#[derive(Clone, Copy)]
enum How {
    /// By a word behind one of these.
    Flag(&'static [&'static str]),
    /// By a command in the same RUN.
    Command,
}

const fn keeps_none(manager: Manager) -> Option<(How, &'static str)> {
    Some(match manager {
        Manager::Apk => (How::Flag(&["add"]), "--no-cache"),
        Manager::Pip => (How::Flag(&["install"]), "--no-cache-dir"),
        Manager::Apt => (How::Command, "rm -rf /var/lib/apt/lists/*"),
        Manager::Dnf => (How::Command, "dnf clean all"),
        Manager::Zypper => (How::Command, "zypper clean --all"),
        Manager::Npm => (How::Command, "npm cache clean --force"),
        Manager::Yarn => (How::Command, "yarn cache clean"),
        Manager::Pnpm => (How::Command, "pnpm store prune"),
        _ => return None,
    })
}
