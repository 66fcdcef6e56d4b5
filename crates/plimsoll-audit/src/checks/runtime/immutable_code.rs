//! # The process cannot change its own code
//!
//! What the image brings to run stays root's: neither `chown -R` nor `--chown` nor a mode gives the
//! whole application directory to the user that the process runs as.
//!
//! Whoever gets the process to write a file can then replace the code, and is there after the next
//! restart of the container, too.
//!
//! Copy code as root, and give the user only what it writes: `RUN mkdir -p logs && chown app logs`.
//!
//! It is never worse than PARTIAL. Directories that are made for writing (`logs`, `data`, `tmp` …)
//! are to be the user's. Where every deployment has a read-only file system, nobody can write it.
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci --omit=dev
//! COPY dist ./dist # <- stays root's
//! RUN mkdir -p /app/logs && chown -R node:node /app/logs
//! USER node
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! Given, and taken back:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY dist ./dist # <- stays root's
//! RUN chown -R node:node /app && chown -R root:root /app
//! USER node
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci --omit=dev
//! RUN chown -R node:node /app # <- may change its code
//! USER node
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! The user by its number, the owner by its name:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! RUN addgroup -g 1001 -S app && adduser -S -u 1001 -G app app
//! WORKDIR /app
//! COPY dist ./dist
//! RUN chown -R app:app /app # <- may change its code
//! USER 1001:1001
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! As it is copied:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! RUN useradd -u 1001 app
//! WORKDIR /srv
//! COPY --chown=app:app src ./src # <- may change its code
//! USER app
//! CMD ["python", "src/main.py"]
//! ```
//!
//! Where nothing is copied:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! RUN npm install shop@1.2.3 && chown -R 1000 . # <- may change its code
//! USER 1000
//! CMD ["npx", "shop"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM registry.example/team/base:4 # <- Ask the registry
//! COPY main.js /app/
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY main.js /app/
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## See also
//!
//! - `runtime/read-only-rootfs`: whether anything can be written.

use plimsoll_model::Fact;
use plimsoll_model::image::{EffectKind, Image, StepKind};
use plimsoll_model::user::{self, RunsAs};
use plimsoll_source::Span;

use crate::conditions::HAS_ITS_OWN_USER;
use crate::context::covers;
use crate::ownership::{is_for_writing, puts};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Snippet, Status, Verdict, startup,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/immutable-code",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &["runtime/non-root"],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "kics", rule: "chown_flag_exists", relation: Relation::Wider },
            Equivalent { tool: "terrascan", rule: "AC_DOCKER_00024", relation: Relation::Wider },
        ],
    }],
    when: &[&HAS_ITS_OWN_USER],
    source: include_str!("immutable_code.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let target = image.target.filter(|_| !image.broken);
    let Some((stage, runs_as)) = target.and_then(|s| Some((s, user::runs_as(image.image, s)?)))
    else {
        return startup::unparsed(cx, image.image);
    };
    let name = &runs_as.name;
    let given = given(image.image, stage, &runs_as);
    if let Some((first, rest)) = given.split_first() {
        if let Some(shows) = read_only(cx, image) {
            let message = "the file system is read-only wherever it runs";
            return Verdict::pass(message, shows)
                .and(Evidence::context(*first, format!("`{name}` owns its code")));
        }
        let says = || format!("`{name}` may change its code");
        let rest = rest.iter().map(|at| Evidence::contradicts(*at, says()));
        let message = format!("`{name}` owns its own code: give it only what it writes");
        return Verdict::partial(message, Evidence::contradicts(*first, says())).and_all(rest);
    }
    let copied = puts(image.image, stage, &runs_as);
    let mut copied = copied.iter().filter(|put| !put.written).map(|put| put.at);
    let shows = |at: Span| Evidence::shows(at, "stays root's");
    match copied.next() {
        Some(first) => Verdict::pass("the process cannot change its own code", shows(first))
            .and_all(copied.map(shows)),
        None => Verdict::pass(
            "the process cannot change its own code",
            Evidence::shows(runs_as.at, "nothing is given to it"),
        ),
    }
}

/// Where the code is given to the user.
fn given(image: &Image, stage: usize, runs_as: &RunsAs) -> Vec<Span> {
    let puts = puts(image, stage, runs_as);
    let code = puts.iter().filter(|put| !put.written && !is_for_writing(&put.path));
    let mut found: Vec<Span> = code.filter_map(|put| put.given).collect();
    // What is installed or downloaded into the directory that it starts in.
    let home = image.stages.get(stage).and_then(|stage| stage.config.workdir.as_deref());
    let home = home.filter(|home| !matches!(*home, "/" | "/root") && !is_for_writing(home));
    let mut filled = false;
    for step in image.steps_with_bases(stage) {
        let StepKind::Run(run) = &step.kind else { continue };
        for effect in &run.effects {
            match (&effect.kind, home) {
                (EffectKind::Install(install), Some(home)) => {
                    let own = !install.manager.is_system() && !install.global;
                    filled |= own && covers(home, &effect.workdir);
                }
                (EffectKind::Build { .. } | EffectKind::Fetch(_), Some(home)) => {
                    filled |= covers(home, &effect.workdir);
                }
                (EffectKind::Chown { owner, paths, recursive: true }, Some(home))
                    if filled
                        && runs_as.owns(owner)
                        && paths.iter().any(|path| covers(path, home)) =>
                {
                    found.push(effect.span);
                }
                _ => {}
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// That every deployment of the image has a read-only file system: where one says so.
fn read_only(cx: &Cx<'_>, image: ImageSubject<'_>) -> Option<Evidence> {
    let containers = image.service?.service.containers.iter().map(|&id| &cx.delivery[id]);
    let mut shown = None;
    for container in containers.filter(|container| container.image_id == Some(image.id)) {
        let Fact::Known { value: true, at, .. } = &container.read_only else { return None };
        shown = shown.or(at.span);
    }
    Some(Evidence::shows(shown?, "a read-only file system"))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let image = &cx.delivery[*service.images.first()?];
    let stage = image.target?;
    let runs_as = user::runs_as(image, stage)?;
    let workdir = image.final_stage()?.config.workdir.clone().filter(|dir| dir != "/")?;
    let written: Vec<String> = puts(image, stage, &runs_as)
        .into_iter()
        .filter(|put| put.written)
        .map(|put| put.path)
        .collect();
    let dirs = if written.is_empty() { format!("{workdir}/logs") } else { written.join(" ") };
    let name = &runs_as.name;
    Some(Fix {
        does: "give the user the directories that it writes, and no code".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet {
            path: image.path.clone(),
            language: "dockerfile",
            text: format!("RUN mkdir -p {dirs} && chown -R {name} {dirs}\nUSER {name}\n"),
        }),
        patch: None,
    })
}
