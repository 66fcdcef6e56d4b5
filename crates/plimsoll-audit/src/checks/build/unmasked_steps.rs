//! # A step that fails ends the build
//!
//! No RUN swallows the failure of a step that installs, builds, generates, tests, downloads or
//! copies: nothing like `|| true`, `; true`, `|| echo …` or a pipe without `pipefail` stands behind
//! it.
//!
//! A build that goes on after its compiler failed makes an image all the same: of what was there
//! before, or of nothing. Nobody sees it before it runs.
//!
//! Take the `|| true` away, and mend what then fails; where a file need not be there, ask for it
//! first: `if [ -f file ]; then cp file dest; fi`. A RUN that only copies what nothing brings has
//! always failed: the fix takes it out, with the comment above it.
//!
//! What cleans up (`rm`, caches, `chown`) may fail. A second way to do the same (`npm ci || npm
//! install`), a message that ends in `exit 1`, a loop that tries again, is left by `exit 0` and
//! followed by `exit 1`, and `set -e` swallow nothing. What a script of the repository does inside is
//! not asked.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! RUN npm run build || true # <- its failure is ignored
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! A copy that always fails:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build
//! RUN cp src/config/knexfile.js dist/config/ 2>/dev/null || true # <- its failure is ignored
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! By what comes after it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM python:3.13-slim
//! COPY requirements.txt ./
//! RUN pip install -r requirements.txt; \
//!     rm -rf /root/.cache # <- its failure is ignored
//! CMD ["python", "main.py"]
//! ```
//!
//! By a pipe:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder
//! COPY . .
//! RUN go test ./... || echo "tests failed" # <- its failure is ignored
//! RUN go build -o /app . | tee build.log # <- its failure is ignored
//! CMD ["/app"]
//! ```
//!
//! By trying again, and then going on:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! RUN for i in 1 2 3; do npm ci && break; sleep 5; done # <- its failure is ignored
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci # <- ends the build
//! RUN npm run build # <- ends the build
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! What was never there is not copied:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM debian:13
//! RUN apt-get install -y curl || (apt-get update && apt-get install -y curl) # <- ends the build
//! RUN set -e; make; rm -f *.o || true # <- ends the build
//! RUN curl -fsSLO https://example.test/tool || { echo "no tool"; exit 1; } # <- ends the build
//! CMD ["/app"]
//! ```
//!
//! It tries again, and fails in the end:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! RUN for i in 1 2 3; do npm ci && exit 0; sleep 5; done; exit 1 # <- ends the build
//! RUN for i in 1 2 3; do if npm run build; then exit 0; fi; sleep 5; done; exit 1 # <- ends the build
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY main.js ./
//! RUN mkdir /data && chown node /data || true
//! CMD ["node", "main.js"]
//! ```

use plimsoll_model::Why;
use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{Effect, EffectKind, Image, Step, StepKind};
use plimsoll_model::mend::{dockerfile, shell};
use plimsoll_source::Edit;

use crate::conditions::RUNS_STEPS;
use crate::steps::weight;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, ImageSubject, Part, Run, Safety, Section,
    Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "build/unmasked-steps",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&RUNS_STEPS],
    source: include_str!("unmasked_steps.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

/// The most steps that a pass shows.
const MAX_SHOWN: usize = 20;

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let (mut masked, mut shown) = (Vec::new(), Vec::new());
    for stage in image.stages_built() {
        let runs =
            image.stages.get(stage).into_iter().flat_map(|stage| &stage.steps).filter_map(|step| {
                match &step.kind {
                    StepKind::Run(run) => Some(run),
                    _ => None,
                }
            });
        for effect in runs.flat_map(|run| &run.effects) {
            let Some(severity) = weight(cx, effect) else { continue };
            match effect.masked {
                Some(mask) => {
                    let place = if mask.file == effect.span.file {
                        effect.span.cover(mask)
                    } else {
                        effect.span
                    };
                    let evidence = Evidence::contradicts(place, "its failure is ignored");
                    masked.push((severity, evidence.severity(severity)));
                }
                None => {
                    shown.push(Evidence::shows(effect.span, "a failure of it ends the build"));
                }
            }
        }
    }
    masked.sort_by_key(|(severity, _)| *severity);
    let mut masked = masked.into_iter().map(|(_, evidence)| evidence);
    if let Some(first) = masked.next() {
        let message = "the failure of a step is ignored: take the `|| true` away, and mend it";
        return Verdict::fail(message, first).and_all(masked);
    }
    if image.broken {
        return cx.unparsed(image);
    }
    let mut shown = shown.into_iter();
    match shown.next() {
        Some(first) => Verdict::pass("every step that fails ends the build", first)
            .and_all(shown.take(MAX_SHOWN)),
        None => cx.unparsed(image),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let at = finding.evidence.iter().find_map(|evidence| match evidence.place {
        crate::Place::Span(span) => Some(span),
        _ => None,
    })?;
    let image = service.images.iter().map(|&id| &cx.delivery[id]).find(|i| i.file == at.file)?;
    let effects = image.stages_built().into_iter().flat_map(|stage| image.effects(stage));
    let effect = effects.map(|(_, effect)| effect).find(|effect| {
        effect.masked.is_some()
            && effect.span.range.start >= at.range.start
            && weight(cx, effect).is_some()
    })?;
    let bytes = cx.delivery.tree.read(at.file).ok()?;
    let text = String::from_utf8_lossy(effect.span.range.slice(&bytes)).into_owned();
    let command = text.split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>();
    let command = command.join(" ").replace(" 2>/dev/null", "");
    // A copy that is masked most often has nothing to copy: what to do with it is not known.
    let runs = image.stages_built().into_iter().flat_map(|stage| {
        let steps = image.stages.get(stage).into_iter().flat_map(|stage| &stage.steps);
        steps.filter_map(|step| match &step.kind {
            StepKind::Run(run) if dockerfile::is_editable(image) => Some(run),
            _ => None,
        })
    });
    let edits = runs.flat_map(|run| {
        let works = |effect: &&Effect| {
            effect.masked.is_some()
                && weight(cx, effect).is_some()
                && matches!(effect.kind, EffectKind::Build { .. } | EffectKind::Install(_))
        };
        let masked = run.effects.iter().filter(works);
        masked.filter_map(|effect| {
            shell::unmask(&cx.delivery.tree, &run.text, &run.script, effect.span)
        })
    });
    let edits: Vec<Edit> = edits.chain(dead(cx, image)).collect();
    Some(Fix::of_edits(
        "let the build end where the step fails",
        Safety::Review,
        mending::snippet(&image.path, "dockerfile", format!("RUN {command}\n")),
        edits,
    ))
}

/// Whether nothing is at a path before a step: no earlier one makes it, and compilers write below their
/// output only.
fn is_nowhere(
    cx: &Cx<'_>,
    image: &Image,
    files: &Filesystem<'_>,
    (stage, mut at): (usize, usize),
    path: &str,
) -> bool {
    loop {
        let via = match files.find_at(stage, at, path) {
            Found::Absent => return true,
            Found::Unknown(Why::NeedsBuild, Some(via)) => via,
            _ => return false,
        };
        let mut steps = image.stages.get(stage).into_iter().flat_map(|stage| &stage.steps).take(at);
        let compiles = |step: &Step| match &step.kind {
            StepKind::Run(run) => match &run.effects[..] {
                [effect] => {
                    effect.span == via && compiles_elsewhere(cx, files, stage, effect, path)
                }
                _ => false,
            },
            _ => false,
        };
        match steps.position(compiles) {
            Some(before) => at = before,
            None => return false,
        }
    }
}

/// Whether a command is a build by TypeScript alone, whose output does not hold a path.
fn compiles_elsewhere(
    cx: &Cx<'_>,
    files: &Filesystem<'_>,
    stage: usize,
    effect: &Effect,
    path: &str,
) -> bool {
    let EffectKind::Build { words } = &effect.kind else { return false };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ["npm" | "pnpm" | "yarn", "run", name] = words[..] else { return false };
    let dir = effect.workdir.trim_end_matches('/');
    let Found::File { file, .. } = files.find(stage, &format!("{dir}/package.json")) else {
        return false;
    };
    let Some(package) = cx.delivery.package_of(file) else { return false };
    let command = package.script(name).map(|script| script.command.split_whitespace());
    let plain = |word: &str| !word.contains(['&', ';', '|', '>']);
    let alone = command.is_some_and(|mut words| words.next() == Some("tsc") && words.all(plain));
    let out = package.typescript.as_ref().and_then(|typescript| typescript.out_dir.known());
    let outside = out.is_some_and(|out| {
        let out = format!("{dir}/{}/", out.trim_start_matches("./").trim_end_matches('/'));
        !out.contains("..") && !path.starts_with(&out)
    });
    alone && outside
}

/// Takes out the RUNs that copy what is nowhere, and do nothing else: they have always failed.
fn dead(cx: &Cx<'_>, image: &Image) -> Vec<Edit> {
    let files = Filesystem::new(cx.delivery, image);
    let mut edits = Vec::new();
    for stage in image.stages_built() {
        let steps = image.stages.get(stage).map_or(&[][..], |stage| &stage.steps);
        for (at, step) in steps.iter().enumerate() {
            let StepKind::Run(run) = &step.kind else { continue };
            let [Effect { kind: EffectKind::Place(sources, _), masked: Some(_), .. }] =
                &run.effects[..]
            else {
                continue;
            };
            let gone = |path: &String| {
                !path.contains(['*', '?', '[', '$'])
                    && is_nowhere(cx, image, &files, (stage, at), path)
            };
            if !sources.is_empty() && sources.iter().all(gone) {
                let own = image.instruction(step);
                edits.extend(
                    own.and_then(|own| dockerfile::remove_whole(&cx.delivery.tree, image, own)),
                );
            }
        }
    }
    edits
}
