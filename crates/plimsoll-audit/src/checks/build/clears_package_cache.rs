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
//! RUN apt-get update && apt-get install -y curl \ # <- keeps none
//!  && rm -rf /var/lib/apt/lists/*
//! RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt # <- keeps none
//! CMD ["python", "main.py"]
//! ```
//!
//! ## Passes
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

use crate::conditions::INSTALLS_IN_FINAL_STAGE;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Snippet, Status, Verdict,
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
fn installs<'a>(
    image: ImageSubject<'a>,
) -> impl Iterator<Item = (&'a Step, plimsoll_source::Span, &'a Install)> {
    let image = image.image;
    let effects = image.target.map(|target| image.effects(target)).unwrap_or_default();
    effects.into_iter().filter_map(|(step, effect)| match &effect.kind {
        EffectKind::Install(install) => Some((step, effect.span, install)),
        _ => None,
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let (image, step, install) = service.images.iter().find_map(|&id| {
        let image = ImageSubject { id, image: &cx.delivery[id], service: Some(service) };
        let (step, _, install) = installs(image).find(|(_, _, install)| !install.cache_free)?;
        Some((image.image, step, install))
    })?;
    let StepKind::Run(run) = &step.kind else { return None };
    let command = String::from_utf8_lossy(run.text.text()).trim().to_owned();
    let text = match install.manager {
        Manager::Apk => command.replace("apk add", "apk add --no-cache"),
        Manager::Pip => command.replace("pip install", "pip install --no-cache-dir"),
        Manager::Apt => format!("{command} && rm -rf /var/lib/apt/lists/*"),
        Manager::Dnf => format!("{command} && dnf clean all"),
        Manager::Zypper => format!("{command} && zypper clean --all"),
        Manager::Npm => format!("{command} && npm cache clean --force"),
        Manager::Yarn => format!("{command} && yarn cache clean"),
        Manager::Pnpm => format!("{command} && pnpm store prune"),
        _ => return None,
    };
    Some(Fix {
        does: "clean the cache in the RUN that fills it".into(),
        safety: Safety::Safe,
        snippet: Some(Snippet {
            path: image.path.clone(),
            language: "dockerfile",
            text: format!("RUN {text}\n"),
        }),
        patch: None,
    })
}
