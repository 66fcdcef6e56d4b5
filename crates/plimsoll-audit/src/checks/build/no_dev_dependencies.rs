//! # The image that ships has no development dependencies
//!
//! The final stage neither installs nor copies what only developers need: `npm ci --omit=dev`, `npm
//! prune --omit=dev` before `node_modules` is copied, `NODE_ENV=production` in effect; `poetry install
//! --only main`, `uv sync --no-dev`, `composer install --no-dev`, Bundler without the groups
//! `development` and `test`.
//!
//! Test runners and compilers are most of `node_modules`, have most of the findings of a scan, and
//! are what an intruder would like to find.
//!
//! Install with `npm ci --omit=dev` in the final stage, or prune in the builder. Look first whether
//! something that runs needs one (`ts-node`, `tsx`, a `knexfile.ts`): compile that before.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci # <- brings development dependencies
//! COPY dist ./dist
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "a", "version": "1.0.0",
//!   "devDependencies": { "jest": "29.7.0" } } // <- one of them
//! ```
//!
//! Out of the builder, within a directory:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build
//!
//! FROM node:20-alpine
//! COPY --from=builder /app /srv # <- brings development dependencies
//! CMD ["node", "/srv/dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "a", "version": "1.0.0", "devDependencies": { "jest": "29.7.0" } }
//! ```
//!
//! A tool for developers by name:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci --omit=dev && npm install -g ts-node # <- a development dependency
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "a", "version": "1.0.0", "devDependencies": { "ts-node": "10.9.2" } }
//! ```
//!
//! Another ecosystem:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM composer:2.8
//! WORKDIR /app
//! COPY composer.json composer.lock ./
//! RUN composer install # <- brings development dependencies
//! CMD ["php", "main.php"]
//! ```
//! `composer.json`:
//! ```json
//! { "require-dev": { "phpunit/phpunit": "^11" } }
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci --omit=dev # <- leaves them out
//! COPY dist ./dist
//! CMD ["node", "dist/main.js"]
//! ```
//!
//! Before they are copied:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build && npm prune --omit=dev
//!
//! FROM node:20-alpine
//! COPY --from=builder /app /srv # <- leaves them out
//! CMD ["node", "/srv/dist/main.js"]
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! WORKDIR /app
//! COPY . .
//! RUN npm ci && npm run build && npm prune --omit=dev
//!
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY --from=builder /app/node_modules ./node_modules # <- leaves them out
//! COPY --from=builder /app/dist ./dist
//! CMD ["node", "dist/main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "a", "version": "1.0.0", "devDependencies": { "jest": "29.7.0" } }
//! ```
//!
//! Nothing is taken along:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM golang:1.26 AS builder
//! WORKDIR /src
//! COPY go.mod go.sum ./
//! RUN go mod download && go build -o /app .
//!
//! FROM gcr.io/distroless/static # <- no packages
//! COPY --from=builder /app /app
//! CMD ["/app"]
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
//! COPY main.js ./
//! CMD ["node", "main.js"]
//! ```
//!
//! ## See also
//!
//! - `build/ships-only-artifacts`: sources and tests.

use plimsoll_model::filesystem::{Filesystem, Modules};
use plimsoll_model::image::{CopyFrom, Effect, EffectKind, Manager, StepKind};
use plimsoll_model::mend::{dockerfile, shell};
use plimsoll_model::package::{DependencyKind, Package};
use plimsoll_source::{Edit, Span};

use crate::conditions::INSTALLS_DEPENDENCIES;
use crate::installs::{development_tool, installs, is_node, package_at};
use crate::manifests::{Development, development, sites_with_bases, words};
use crate::shipped::installed;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, ImageSubject, Outcome, Part,
    Relation, Run, Safety, Section, Severity, Status, Verdict, Why, mending, startup,
};

pub(super) static CHECK: Check = Check {
    id: "build/no-dev-dependencies",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: Some("build/ships-only-artifacts"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "tally",
            rule: "tally/php/composer-no-dev-in-production",
            relation: Relation::Narrower,
        }],
    }],
    when: &[&INSTALLS_DEPENDENCIES],
    source: include_str!("no_dev_dependencies.rs"),
    run: Run::EachImage(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let Some(target) = image.target.filter(|_| !image.broken) else { return cx.unparsed(image) };
    let (mut bad, mut open, mut good) = (Vec::new(), Vec::new(), Vec::new());
    let mut judge = |at: Span, outcome: Outcome| match outcome {
        Outcome::Fail => bad.push(Evidence::contradicts(at, "brings development dependencies")),
        Outcome::Pass => good.push(Evidence::shows(at, "leaves them out, or there are none")),
        _ => open.push(Evidence::context(at, "whether it brings them is not known")),
    };
    let mut named = Vec::new();
    for modules in Filesystem::new(cx.delivery, image.image).modules(target) {
        let (outcome, example) = held(cx, image, &modules);
        judge(modules.copied.unwrap_or(modules.via), outcome);
        named.extend(example.filter(|at| !named.contains(at)));
    }
    for site in sites_with_bases(image.image, target) {
        match development(cx, image, site) {
            Some(Development::Brought) => judge(site.effect.span, Outcome::Fail),
            Some(Development::Unknown) => judge(site.effect.span, Outcome::Unknown),
            Some(Development::Out) => judge(site.effect.span, Outcome::Pass),
            None => {}
        }
    }
    for step in image.steps_with_bases(target) {
        let StepKind::Copy(copy) = &step.kind else { continue };
        let CopyFrom::Stage(from) = copy.from else { continue };
        let sources = copy.sources.iter().filter(|source| !source.dynamic);
        for (outcome, _) in sources.filter_map(|s| installed(cx, image, from, &s.path)) {
            judge(step.span, outcome);
        }
    }
    // What `pnpm deploy` puts into a directory of its own is what is copied from there.
    for site in installs(image.image).filter(|site| site.install.manager == Manager::Pnpm) {
        if !site.install.production && words(cx, site).iter().any(|word| word == "deploy") {
            judge(site.effect.span, Outcome::Unknown);
        }
    }
    bad.extend(
        sites_with_bases(image.image, target).filter(|s| is_node(s.install.manager)).filter_map(
            |site| {
                let name = development_tool(cx, image, &site.install.packages)?;
                let says = format!("installs `{name}`, a development dependency");
                Some(Evidence::contradicts(site.effect.span, says))
            },
        ),
    );
    let examples = named.into_iter().map(|at| Evidence::context(at, "one of them"));
    if !bad.is_empty() {
        let mut bad = bad.into_iter();
        let Some(first) = bad.next() else { return cx.unparsed(image) };
        let message = "what ships has development dependencies: leave them out where it installs";
        return Verdict::fail(message, first).and_all(bad).and_all(examples).and_all(open);
    }
    if !open.is_empty() {
        let mut open = open.into_iter();
        let Some(first) = open.next() else { return cx.unparsed(image) };
        let message = "whether what ships has development dependencies is not known";
        return Verdict::unknown(Why::NeedsBuild, message, first).and_all(open).and_all(good);
    }
    let mut good = good.into_iter();
    let first = good.next().or_else(|| {
        Some(Evidence::shows(image.final_stage()?.from, "installs and copies no packages"))
    });
    match first {
        Some(first) => {
            Verdict::pass("what ships has no development dependencies", first).and_all(good)
        }
        None => cx.unparsed(image),
    }
}

/// Whether a `node_modules` of the final stage holds development dependencies, and the place of one.
fn held(cx: &Cx<'_>, image: ImageSubject<'_>, modules: &Modules) -> (Outcome, Option<Span>) {
    if modules.production.is_some() {
        return (Outcome::Pass, None);
    }
    let own = image.service.and_then(|service| service.package).map(|id| &cx.delivery[id]);
    let here = package_at(cx, image, modules.stage, &modules.origin);
    let one = |package: &Package| {
        let found = package.dependencies.iter().find(|d| d.kind == DependencyKind::Development);
        found.map(|dependency| dependency.span)
    };
    // A workspace's root installs for its members.
    let member = own.filter(|own| own.workspace.is_some() || here.is_none());
    match (here.and_then(one).or_else(|| member.and_then(one)), here.or(member)) {
        (Some(at), _) => (Outcome::Fail, Some(at)),
        (None, Some(_)) => (Outcome::Pass, None),
        (None, None) => (Outcome::Unknown, None),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let package = service.package.map(|id| &cx.delivery[id]).filter(|p| p.is_node())?;
    let image = &cx.delivery[*service.images.first()?];
    let runs = ["start", "migrate"].iter().filter_map(|name| package.script(name));
    let words = runs.flat_map(|script| script.command.split_whitespace());
    // So do the words of what starts, and what the program imports.
    let starts = startup::starts(cx, finding.subject);
    let started: Vec<&str> = starts
        .iter()
        .filter_map(|start| start.startup())
        .flat_map(|startup| {
            let before = startup.before.iter().flat_map(|command| &command.words);
            startup.app.iter().map(|(word, _)| word).chain(before).map(String::as_str)
        })
        .collect();
    let code = service.service.code.as_ref();
    let imported = code.into_iter().flat_map(|code| &code.imports).map(|one| &*one.package);
    let needed = words.chain(started).chain(imported).find(|word| {
        matches!(*word, "ts-node" | "tsx" | "knex" | "nodemon")
            || package.dependency(word).is_some_and(|d| d.kind == DependencyKind::Development)
    });
    let does = match needed {
        Some(_) => "compile what still needs them when it runs, then leave them out",
        None => "leave development dependencies out",
    };
    let snippet = mending::snippet(
        &image.path,
        "dockerfile",
        "RUN npm ci --omit=dev && npm cache clean --force\n",
    );
    let edits = service.images.iter().filter(|_| needed.is_none()).flat_map(|&id| {
        let image = ImageSubject { id, image: &cx.delivery[id], service: Some(service) };
        leave_out(cx, image)
    });
    Some(Fix::of_edits(does, Safety::Review, snippet, edits.collect()))
}

/// What leaves them out: a flag where what ships installs, a prune at the end of what a builder runs
/// before its modules are copied.
fn leave_out(cx: &Cx<'_>, image: ImageSubject<'_>) -> Vec<Edit> {
    let Some(target) = image.target.filter(|_| !image.broken) else { return Vec::new() };
    let builds = |stage: usize| {
        let all = image.effects(stage);
        all.iter().any(|(_, effect)| matches!(effect.kind, EffectKind::Build { .. }))
    };
    let mut edits = Vec::new();
    for site in sites_with_bases(image.image, target) {
        let brought = matches!(development(cx, image, site), Some(Development::Brought));
        // What is built in the same stage may need them.
        if !brought || builds(target) || !site.install.packages.is_empty() {
            continue;
        }
        let (names, flag): (&[&str], &str) = match site.install.manager {
            Manager::Npm => (&["ci", "install", "i"], "--omit=dev"),
            Manager::Pnpm => (&["install", "i"], "--prod"),
            Manager::Composer => (&["install"], "--no-dev"),
            _ => continue,
        };
        let words = mending::words(site.run(), site.effect);
        edits.extend(words.and_then(|words| shell::add_word(&words, names, flag)));
    }
    let mut pruned = Vec::new();
    for modules in Filesystem::new(cx.delivery, image.image).modules(target) {
        let out = held(cx, image, &modules).0 != Outcome::Fail;
        let from_builder = modules.copied.is_some() && modules.stage != target;
        let Some(stage) = image.stages.get(modules.stage) else { continue };
        if out || !from_builder || modules.manager != Manager::Npm {
            continue;
        }
        let uses = |effect: &Effect| {
            matches!(effect.kind, EffectKind::Build { .. } | EffectKind::Install(_))
        };
        let last = stage.steps.iter().rev().find(|step| match &step.kind {
            StepKind::Run(run) => run.effects.iter().any(uses),
            _ => false,
        });
        let Some(last) = last.filter(|last| !pruned.contains(&last.span)) else { continue };
        // It prunes the directory that it runs in.
        let here = match &last.kind {
            StepKind::Run(run) => run.effects.iter().all(|e| e.workdir == modules.origin),
            _ => false,
        };
        if here {
            pruned.push(last.span);
            let command = "npm prune --omit=dev";
            let tree = &cx.delivery.tree;
            edits.extend(dockerfile::append_command(tree, image.image, last, command));
        }
    }
    edits
}
