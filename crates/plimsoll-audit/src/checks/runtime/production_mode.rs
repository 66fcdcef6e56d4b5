//! # Node runs in production mode
//!
//! `NODE_ENV` is `production` wherever the service is deployed: by `ENV` in the final stage, by the
//! descriptor, or by the command that starts it.
//!
//! Without it, frameworks show stack traces to whoever asks, cache no views and check types at run time;
//! configuration files take their development block, with its default passwords.
//!
//! Write `ENV NODE_ENV=production` into the final stage (after installations that need development
//! dependencies), and let the descriptor for development say `development`.
//!
//! What the descriptor says wins over the image. A builder's `ENV` and an `ARG` are gone when the
//! service starts. What sets it itself (`next start`, `remix-serve`) passes. Services that run on
//! something else than Node, Bun or Deno are not asked.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! ENV NODE_ENV=production
//! RUN npm ci
//!
//! FROM node:20-alpine # <- sets no NODE_ENV
//! ARG NODE_ENV=production
//! CMD ["node", "main.js"]
//! ```
//!
//! Written out:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ENV NODE_ENV=production
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       NODE_ENV: development # <- `development`
//! ```
//!
//! The only descriptor is for development:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ENV NODE_ENV=production
//! CMD ["node", "main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       NODE_ENV: ${NODE_ENV:-development} # <- `development`
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! ENV NODE_ENV=production
//! RUN npm ci
//!
//! FROM node:20-alpine
//! ARG NODE_ENV=production
//! ENV NODE_ENV=production # <- `production`
//! CMD ["node", "main.js"]
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
//!     environment:
//!       - NODE_ENV=production # <- `production`
//! ```
//!
//! By its script:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! CMD ["npm", "start"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "a",
//!   "scripts": { "start": "cross-env NODE_ENV=production node main.js" } } // <- sets it
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
//!       NODE_ENV: ${STAGE} # <- variable
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS builder
//! RUN npm ci && npm run build
//!
//! FROM nginx:1.29.1-alpine
//! COPY --from=builder /app/dist /usr/share/nginx/html
//! ```

use plimsoll_model::container::{EnvValue, Said};
use plimsoll_model::entrypoint;
use plimsoll_model::image::{Base, Image};
use plimsoll_model::mend::dockerfile;
use plimsoll_model::package::Package;
use plimsoll_model::purpose::Purpose;
use plimsoll_source::Span;

use crate::conditions::RUNS_ON_NODE;
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Outcome, Part, Run, Safety, Section,
    ServiceSubject, Severity, Status, Subject, Verdict, Why, delivered, mending, own_user,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/production-mode",
    section: Section::RuntimeSecurity,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&RUNS_ON_NODE],
    source: include_str!("production_mode.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

const NAME: &str = "NODE_ENV";

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let mut starts = startup::starts(cx, Subject::Service(service.id));
    let package = service.package.map(|id| &cx.delivery[id]);
    starts.retain(|start| startup::runs_node(start, package) != Some(false));
    startup::judge(service, &starts, |start| {
        let verdict = judge(cx, start, package);
        let said = start.container.is_some_and(|c| c.env.iter().any(|var| var.name == NAME));
        match verdict.outcome() {
            Outcome::Fail if !said => startup::unless_elsewhere(cx, service, verdict),
            _ => verdict,
        }
    })
}

fn judge(cx: &Cx<'_>, start: &Start<'_>, package: Option<&Package>) -> Verdict {
    if let Some(at) = by_command(start, package) {
        let shows = Evidence::shows(at, "sets it for what it starts");
        return Verdict::pass("the command starts it in production mode", shows);
    }
    let said = start.container.map_or(Said::Nothing, |container| container.says(NAME));
    match said {
        Said::Value(value, at) => return of_value(value, at),
        Said::Unknown(why, at) => return unknown(why, at, "a variable, or what is kept elsewhere"),
        Said::Hidden(..) | Said::Nothing => {}
    }
    let Some(stage) = start.image.final_stage().filter(|_| !start.image.broken) else {
        return startup::unparsed(cx, start.image);
    };
    if let Some(setting) = stage.config.env.iter().find(|setting| setting.name == NAME) {
        return match setting.value.as_ref().and_then(|value| value.known()) {
            Some(value) => of_value(value, setting.span),
            None => unknown(Why::Dynamic, setting.span, "a variable without a default"),
        };
    }
    match said {
        Said::Hidden(why, at) => unknown(why, at, "variables that are not here"),
        _ if stage.config.base_unknown => {
            unknown(Why::NeedsNetwork, stage.base_span, "what the base image sets is not known")
        }
        _ => {
            let missing = Evidence::missing_in(stage.from, "sets no NODE_ENV");
            let unset = start.container.map(|c| Evidence::missing_in(c.span, "sets no NODE_ENV"));
            Verdict::fail("NODE_ENV is not set: `ENV NODE_ENV=production`", missing).and_all(unset)
        }
    }
}

fn unknown(why: Why, at: Span, says: &'static str) -> Verdict {
    Verdict::unknown(
        why,
        "what NODE_ENV is depends on what is not here",
        Evidence::context(at, says),
    )
}

fn of_value(value: &str, at: Span) -> Verdict {
    let says = format!("NODE_ENV is `{}`", crate::evidence::clip(value));
    match value.trim() {
        "production" => Verdict::pass("Node runs in production mode", Evidence::shows(at, says)),
        _ => Verdict::fail(
            format!("{says}: set it to `production`"),
            Evidence::contradicts(at, says),
        ),
    }
}

/// Where the command, or the package script that it runs, sets it itself.
fn by_command(start: &Start<'_>, package: Option<&Package>) -> Option<Span> {
    const SETS: [&str; 4] = ["remix-serve", "react-router-serve", "next start", "next-start"];
    let sets = |text: &str| {
        text.contains("NODE_ENV=production") || SETS.iter().any(|command| text.contains(command))
    };
    let (entrypoint, command) = entrypoint::commands(start.image, start.container);
    for exec in entrypoint.into_iter().chain(command) {
        let words: Vec<&str> = exec.words.iter().map(|(word, _)| &**word).collect();
        if sets(&words.join(" ")) {
            return Some(exec.span);
        }
    }
    let app = &start.startup()?.app;
    let words: Vec<&str> = app.iter().map(|(word, _)| &**word).collect();
    if sets(&words.join(" ")) {
        return app.first().map(|(_, at)| *at);
    }
    let (manager, rest) = words.split_first()?;
    let manager = manager.rsplit('/').next().unwrap_or(manager);
    let name =
        rest.iter().find(|word| !word.starts_with('-') && !matches!(**word, "run" | "run-script"));
    let script = package?.script(name.copied()?)?;
    let runs = matches!(manager, "npm" | "yarn" | "pnpm" | "bun");
    (runs && sets(&script.command)).then_some(script.span)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    let said = containers.into_iter().find(|c| c.env.iter().any(|var| var.name == NAME));
    let (path, language, text) = match said {
        Some(container) => {
            let name = &container.name;
            let text =
                format!("services:\n  {name}:\n    environment:\n      NODE_ENV: production\n");
            (cx.path(container.file).to_owned(), "yaml", text)
        }
        None => {
            let image = &cx.delivery[*service.images.first()?];
            (image.path.clone(), "dockerfile", "ENV NODE_ENV=production\n".to_owned())
        }
    };
    let mut edits = Vec::new();
    for start in startup::starts(cx, Subject::Service(service.id)) {
        let package = service.package.map(|id| &cx.delivery[id]);
        let fails = judge(cx, &start, package).outcome() == Outcome::Fail;
        let elsewhere = start.container.is_some_and(|container| {
            container.env.iter().any(|var| var.name == NAME)
                || delivered::from_files(container).any(|(name, ..)| name == NAME)
        });
        let set = start.image.final_stage().filter(|stage| {
            // What says something else says it on purpose; and what starts nothing is built upon.
            let starts = starts_something(start.image) && !own_user::is_base(cx, start.image);
            fails
                && starts
                && !elsewhere
                && stage.config.env.iter().all(|setting| setting.name != NAME)
        });
        let line = "ENV NODE_ENV=production";
        edits.extend(set.and_then(|stage| {
            dockerfile::settle_env(&cx.delivery.tree, start.image, stage, &[line])
        }));
    }
    // What is written out is for production as the file is; a default is its caller's.
    for container in service.containers.iter().map(|&id| &cx.delivery[id]) {
        let own = Purpose::of_path(cx.path(container.file)).is_production();
        let literal = container.env.iter().filter(|var| {
            var.name == NAME
                && matches!(&var.value, EnvValue::Literal(text) if text != "production")
        });
        edits.extend(literal.filter(|_| own).filter_map(|var| {
            mending::document(cx, var.span.file)?.rewrite_entry(var.span, NAME, "production")
        }));
    }
    edits.dedup();
    Some(Fix::of_edits(
        "run in production mode; look what its configuration then asks for",
        Safety::Review,
        mending::snippet(&path, language, text),
        edits,
    ))
}

/// Whether an image's Dockerfile says what starts: its last stage, or one that it is built upon.
fn starts_something(image: &Image) -> bool {
    let mut next = image.target.and_then(|target| image.stages.get(target));
    while let Some(stage) = next {
        if dockerfile::command(image, stage).is_some() {
            return true;
        }
        // Stages are built upon earlier ones.
        next = match stage.base {
            Base::Stage(base) => image.stages.get(base),
            _ => None,
        };
    }
    false
}
