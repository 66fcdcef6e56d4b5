//! # Installations respect peer dependencies
//!
//! No installation by npm in the Dockerfile is told to look away from the ranges of peer
//! dependencies: neither `--legacy-peer-deps` nor `--force`, no `npm_config_legacy_peer_deps`, no
//! such line in an `.npmrc` that is there when it runs.
//!
//! A package names as its peer the versions that it works with. An installation that ignores it
//! puts two together that were never tested together, and the conflict shows when a request comes.
//!
//! Raise the package whose range is too narrow, or say which version is meant with `overrides` in
//! `package.json`; then install without the flag.
//!
//! `npm install --global … --force` replaces a file of the base image, and is not meant here.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci --legacy-peer-deps # <- ignores the ranges of peers
//! CMD ["node", "main.js"]
//! ```
//!
//! By a variable:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ENV NPM_CONFIG_LEGACY_PEER_DEPS=true
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci --omit=dev && npm cache clean --force # <- ignores the ranges of peers
//! CMD ["node", "main.js"]
//! ```
//!
//! By npm's settings:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json .npmrc ./
//! RUN npm ci
//! CMD ["node", "main.js"]
//! ```
//! `.npmrc`:
//! ```ini
//! fund=false
//! legacy-peer-deps=true # <- ignores the ranges of peers
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci # <- respects them
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm install --global yarn@1.22.22 --force # <- respects them
//! RUN npm ci --legacy-peer-deps=false && npm cache clean --force # <- respects them
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! RUN ./install.sh
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! RUN yarn install --frozen-lockfile --force
//! CMD ["node", "main.js"]
//! ```

use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{EffectKind, Manager};
use plimsoll_source::{Span, TextRange};

use crate::conditions::INSTALLS_WITH_NPM;
use crate::installs::installs;
use crate::{
    Check, Cx, Domain, Effort, Evidence, ImageSubject, Part, Run, Section, Severity, Status,
    Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "build/respects-peer-dependencies",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&INSTALLS_WITH_NPM],
    source: include_str!("respects_peer_dependencies.rs"),
    run: Run::EachImage(run),
    fix: None,
};

const IGNORES: &str = "ignores the ranges of peers";

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for site in installs(image.image).filter(|site| site.install.manager == Manager::Npm) {
        let span = site.effect.span;
        if site.install.overrides_peers || configured(image, site.stage, span) {
            bad.push(Evidence::contradicts(span, IGNORES));
        } else if let Some(at) = setting(cx, image, site.stage, &site.effect.workdir) {
            bad.push(Evidence::contradicts(at, IGNORES));
        } else {
            good.push(Evidence::shows(span, "respects them"));
        }
    }
    bad.dedup_by(|a, b| a.place == b.place);
    let fails = !bad.is_empty();
    let mut evidence = bad.into_iter().chain(good);
    match evidence.next() {
        Some(first) if fails => {
            Verdict::fail("installs against the ranges of peers: mend the ranges", first)
        }
        Some(first) if !image.broken => {
            Verdict::pass("installations respect the ranges of peers", first)
        }
        _ => return cx.unparsed(image),
    }
    .and_all(evidence)
}

/// Whether an earlier command of the stage sets it: `npm config set legacy-peer-deps true`.
fn configured(image: ImageSubject<'_>, stage: usize, before: Span) -> bool {
    let effects = image.effects(stage);
    let earlier = effects.iter().map(|(_, e)| e).take_while(|effect| effect.span != before);
    earlier.into_iter().any(|effect| {
        let EffectKind::Other(words) = &effect.kind else { return false };
        let sets = words.first().is_some_and(|word| word == "npm")
            && words.iter().any(|word| word == "set");
        let value = words.iter().skip_while(|word| !word.starts_with("legacy-peer-deps"));
        let value: Vec<&str> = value.map(|word| &**word).take(2).collect();
        sets && matches!(*value, ["legacy-peer-deps=true", ..] | ["legacy-peer-deps", "true"])
    })
}

/// The line of the `.npmrc` in a directory of a stage that says so.
fn setting(cx: &Cx<'_>, image: ImageSubject<'_>, stage: usize, dir: &str) -> Option<Span> {
    let path = format!("{}/.npmrc", dir.trim_end_matches('/'));
    let Found::File { file, .. } = Filesystem::new(cx.delivery, image.image).find(stage, &path)
    else {
        return None;
    };
    let text = cx.delivery.tree.read(file).ok()?;
    let mut at = 0;
    for line in text.split_inclusive(|&b| b == b'\n') {
        let said: String =
            String::from_utf8_lossy(line).split_whitespace().collect::<Vec<_>>().concat();
        if matches!(&*said, "legacy-peer-deps=true" | "force=true" | "legacy-peer-deps") {
            return Some(Span::new(file, TextRange::of(at, at + line.trim_ascii_end().len())));
        }
        at += line.len();
    }
    None
}
