//! # What builds the service is not what ships
//!
//! The image is built in two stages or more: one compiles, and the final one takes what came out of
//! it with `COPY --from`, and compiles nothing itself.
//!
//! A compiler, its caches and the sources are of no use to the running service: they make the image
//! large, and give whoever gets in all that is needed to build more.
//!
//! Give the build a stage of its own, and copy its output, not its directory.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! RUN npm run build # <- compiles in what ships
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! A second stage that starts from the first:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder
//! COPY . /src
//! RUN cd /src && go build -o /app . # <- compiles in what ships
//!
//! FROM builder
//! CMD ["/app"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! RUN npm run build
//!
//! FROM node:20-alpine # <- what ships starts here
//! WORKDIR /app
//! COPY --from=builder /app/dist ./dist # <- takes what was built
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26
//! WORKDIR /src
//! COPY . .
//! RUN go build -o /out/app ./cmd/app
//!
//! FROM scratch # <- what ships starts here
//! COPY --from=0 /out/app /app # <- takes what was built
//! CMD ["/app"]
//! ```
//!
//! ## Partial
//!
//! The builder's whole directory, sources included:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build
//!
//! FROM node:20-alpine
//! COPY --from=builder /app /app # <- brings all of `/app`
//! CMD ["node", "/app/dist/main.js"]
//! ```
//!
//! The sources of the packages of a workspace, the service's among them:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS pruner
//! WORKDIR /app
//! COPY . .
//! RUN npx turbo@2 prune orders --docker
//!
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY --from=pruner /app/out/json/ .
//! RUN npm ci
//! COPY --from=pruner /app/out/full/ .
//! RUN npx turbo run build
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/services/ ./services/ # <- brings all of `/app/services/`
//! WORKDIR /app/services/orders
//! CMD ["node", "dist/main.js"]
//! ```
//! `services/orders/package.json`:
//! ```json
//! { "name": "orders", "scripts": { "build": "tsc" } }
//! ```
//! `services/orders/src/main.ts`:
//! ```ts
//! export {};
//! ```
//!
//! Compiled again:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS deps
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! COPY --from=deps /app/node_modules ./node_modules
//! RUN npm run build # <- compiles in what ships
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY . /app
//! RUN ./app/prepare.sh
//! CMD ["python", "/app/main.py"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY . /app
//! CMD ["python", "/app/main.py"]
//! ```
//!
//! ## See also
//!
//! - `build/ships-only-artifacts`: what else the final stage holds.

use plimsoll_model::Why;
use plimsoll_model::image::{CopyFrom, EffectKind, Image, StepKind};

use crate::conditions::BUILDS_SOMETHING;
use crate::context::{covers, last_build};
use crate::shipped::{named_like_sources, pruned_into};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Part, Relation,
    Run, Safety, Section, Severity, Snippet, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "build/multi-stage",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 4.3"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent {
                tool: "tally",
                rule: "tally/prefer-multi-stage-build",
                relation: Relation::Narrower,
            },
            Equivalent { tool: "droast", rule: "DF011", relation: Relation::Narrower },
        ],
    }],
    when: &[&BUILDS_SOMETHING],
    source: include_str!("multi_stage.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let (Some(target), Some(stage)) = (image.target, image.final_stage()) else {
        return cx.unparsed(image);
    };
    // A file that does not parse may have a later stage.
    if image.broken {
        return cx.unparsed(image);
    }
    let effects = image.effects(target);
    let compiles = effects.iter().filter(|(_, e)| matches!(e.kind, EffectKind::Build { .. }));
    let compiles: Vec<Evidence> = compiles
        .map(|(_, effect)| Evidence::contradicts(effect.span, "compiles in what ships"))
        .collect();
    let (mut taken, mut whole, mut doubt) = (Vec::new(), Vec::new(), Vec::new());
    for step in image.steps_with_bases(target) {
        let StepKind::Copy(copy) = &step.kind else { continue };
        let CopyFrom::Stage(from) = copy.from else { continue };
        taken.push(Evidence::shows(step.span, "takes what was built"));
        for source in &copy.sources {
            match brings_all(image.image, from, &source.path) {
                Some(true) => {
                    let says = format!("brings all of `{}`", source.path);
                    whole.push(Evidence::contradicts(step.span, says));
                }
                Some(false) => doubt.push(Evidence::context(
                    step.span,
                    "brings the builder's directory, from which something was removed",
                )),
                None if let Some(dir) = named_like_sources(cx, image.image, copy, source) => {
                    let own = image.service.and_then(|service| service.package);
                    // What is started there is the service's own, too.
                    let starts = copy.dest.known().zip(stage.config.workdir.as_deref());
                    let own = own.is_some_and(|id| covers(&dir, &cx.delivery[id].dir))
                        || starts.is_some_and(|(dest, workdir)| covers(dest, workdir));
                    if own && pruned_into(image.image, from, &source.path) {
                        let says = format!("brings all of `{}`", source.path);
                        whole.push(Evidence::contradicts(step.span, says));
                        continue;
                    }
                    doubt.push(Evidence::context(step.span, "brings a directory of the builder's"));
                }
                None => {}
            }
        }
    }
    let from = Evidence::context(stage.from, "what ships starts here");
    let mut compiles = compiles.into_iter();
    match (compiles.next(), taken.is_empty()) {
        (Some(first), true) => {
            let message = "what builds it ships: build in another stage, and COPY --from it";
            Verdict::fail(message, first).and_all(compiles).and(from)
        }
        (Some(first), false) => {
            let message = "the final stage compiles again: build in one stage, and copy the output";
            Verdict::partial(message, first).and_all(compiles).and_all(whole)
        }
        (None, _) if !whole.is_empty() => {
            let first = whole.remove(0);
            let message = "the builder's whole directory is copied: copy its output only";
            Verdict::partial(message, first).and_all(whole)
        }
        (None, _) if !doubt.is_empty() => {
            let message = "what is left in the builder's directory is not known: copy its output";
            Verdict::unknown(Why::NeedsBuild, message, doubt.remove(0)).and_all(doubt)
        }
        (None, false) => {
            let message = "one stage builds, another ships what came out of it";
            let first = taken.remove(0);
            let from = Evidence::shows(stage.from, "what ships starts here");
            Verdict::pass(message, first).and_all(taken).and(from)
        }
        (None, true) => {
            let message = "how the output of the build gets into the image is not known";
            Verdict::unknown(Why::Unsupported, message, from)
        }
    }
}

/// Whether a path of a stage is the directory of its own (last) build, or one around it; of a
/// linked package's, `build/ships-only-artifacts` asks. Known false: something was removed from it.
fn brings_all(image: &Image, stage: usize, path: &str) -> Option<bool> {
    let (at, dir) = last_build(image, stage)?;
    covers(path, dir).then(|| {
        !image.effects(stage).iter().skip(at).any(|(_, effect)| match &effect.kind {
            EffectKind::Remove(gone) => gone.iter().any(|gone| covers(dir, gone)),
            _ => false,
        })
    })
}

/// Two stages with this one's base; what the build writes, only its tool knows for sure.
fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let (image, stage, dir) = service.images.iter().find_map(|&id| {
        let image = &cx.delivery[id];
        let stage = image.root_base(image.target?)?;
        let (_, dir) = image.stages_built().into_iter().find_map(|i| last_build(image, i))?;
        Some((image, stage, dir))
    })?;
    let base = image.syntax.instructions.get(stage.first)?.words.first()?;
    let package = service.package.map(|id| &cx.delivery[id]);
    let out = package.and_then(|package| package.typescript.as_ref()?.out_dir.known());
    let out = out.map_or("dist", |dir| dir);
    package.filter(|package| package.is_node())?;
    Some(Fix {
        does: "build in a stage of its own, and copy what comes out of it".into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet {
            path: image.path.clone(),
            language: "dockerfile",
            text: format!(
                "FROM {0} AS builder\nWORKDIR {dir}\nCOPY . .\nRUN npm ci && npm run build \\\n \
                 && npm prune --omit=dev\n\nFROM {0} AS production\nWORKDIR {dir}\n\
                 COPY --from=builder {dir}/node_modules ./node_modules\n\
                 COPY --from=builder {dir}/{out} ./{out}\n",
                base.text
            ),
        }),
        patch: None,
    })
}
