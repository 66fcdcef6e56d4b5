//! # Migrations run once a release
//!
//! No replica migrates the database when it starts: a job of its own does, once a release, over a
//! direct connection. Of scripts of no service it asks that a migration's failure ends them.
//!
//! Where every replica migrates in its entrypoint, two that start together race for the same change;
//! `restart: unless-stopped` makes a failed migration a loop; and through a pooler in transaction mode
//! the lock that should stop the race is lost between two statements.
//!
//! Run the migration in a one-shot container that the service awaits
//! (`condition: service_completed_successfully`), an init job or the pipeline. FAIL: every replica
//! migrates and is restarted without end. PARTIAL: it migrates at its start, and no descriptor sets
//! such a policy; or a script is a second way to migrate.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! CMD ["sh", "-c", "npx knex migrate:latest && exec node main.js"] # <- every replica migrates
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     restart: unless-stopped # <- without end
//!     environment:
//!       DB_HOST: pooler # <- through a pooler
//!   pooler:
//!     image: edoburu/pgbouncer:1.23.1
//!     environment:
//!       POOL_MODE: transaction # <- transaction mode
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "knex": "3.1.0" } }
//! ```
//! `migrations/001.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("a", () => {});
//! ```
//!
//! A script of the repository hides the failure:
//!
//! `scripts/migrate-all.sh`:
//! ```sh
//! #!/bin/bash
//! OUT=$(npx knex migrate:latest 2>&1) || true # <- its failure is hidden
//! echo "$OUT"
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   migrate:
//!     build: .
//!     command: ["npx", "knex", "migrate:latest"]
//!   api:
//!     build: .
//!     restart: unless-stopped
//!     depends_on:
//!       migrate: # <- waits
//!         condition: service_completed_successfully
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//!
//! ## Passes
//!
//! By a pipeline:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "knex": "3.1.0" } }
//! ```
//! `migrations/001.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("a", () => {});
//! ```
//! `.github/workflows/deploy.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   migrate:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v5
//!       - run: npx knex migrate:latest # <- migrates
//! ```
//!
//! ## Partial
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! CMD ["sh", "-c", "npx knex migrate:latest && exec node main.js"] # <- every replica migrates
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "knex": "3.1.0" } }
//! ```
//! `migrations/001.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("a", () => {});
//! ```
//!
//! The program does it itself:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "knex": "3.1.0" } }
//! ```
//! `migrations/001.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("a", () => {});
//! ```
//! `main.js`:
//! ```js
//! const knex = require("knex")({ client: "pg" });
//! async function start() {
//!   await knex.migrate.latest(); // <- every replica migrates
//!   require("fastify")().listen({ port: 3000 });
//! }
//! start();
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "dependencies": { "knex": "3.1.0" } }
//! ```
//! `migrations/001.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("a", () => {});
//! ```
//! `main.js`:
//! ```js
//! await knex.migrate.latest(); // <- may migrate
//! ```

use plimsoll_model::Fact;
use plimsoll_model::container::{Container, EnvValue};
use plimsoll_model::migration::named_in_source;
use plimsoll_model::pipeline::RoleKind;

use crate::composed::project_of;
use crate::conditions::MIGRATES_ANYWHERE;
use crate::migrating::{at_start, awaited_job, pipeline_step, starts};
use crate::owner::of_none;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Verdict, Why, mending, startup,
};

pub(super) static CHECK: Check = Check {
    id: "migrations/run-once",
    section: Section::Migrations,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&MIGRATES_ANYWHERE],
    source: include_str!("run_once.rs"),
    run: Run::Both(of_a_service, of_the_repository),
    fix: Some(fix),
};

fn of_a_service(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let own = || service.containers.iter().map(|&id| &cx.delivery[id]).filter(|c| !c.job);
    let starts = starts(cx, service);
    let first = starts.iter().flat_map(|start| &start.migrating).next().map(|step| step.span);
    let tool = service.migrations.map(|id| cx.delivery[id].tool);
    let code = service.service.code.as_ref().filter(|_| service.service.programs_by.is_empty());
    let by_code = code.and_then(|code| code.migrates).filter(|(own, _)| tool == Some(*own));
    if let Some(first) = first.or(by_code.map(|(_, at)| at)) {
        let first = Evidence::contradicts(first, "every replica migrates");
        let restarts = own().filter_map(|container| {
            let policy = container.restart.known()?;
            let endless =
                matches!(&**policy, "always" | "unless-stopped" | "Always" | "on-failure");
            endless.then(|| container.restart.span().unwrap_or(container.span))
        });
        let mut restarts = restarts.map(|at| Evidence::context(at, "restarts without end"));
        let poolers = own().filter_map(|container| pooler(cx, container)).flatten();
        return match restarts.next() {
            Some(restart) => {
                let message = "every replica migrates when it starts: run it once, as a job";
                Verdict::fail(message, first).and(restart).and_all(restarts)
            }
            None => {
                let message = "it migrates whenever it starts: run it once a release, as a job";
                let verdict = Verdict::partial(message, first);
                startup::unless_elsewhere(cx, service, verdict)
            }
        }
        .and_all(poolers);
    }
    if let Some((why, at)) = at_start(cx, service).unknown() {
        let evidence = Evidence::context(at.unwrap_or(service.place), why.decide());
        return Verdict::unknown(why, "whether every start migrates cannot be told", evidence);
    }
    let by_itself =
        service.migrations.and_then(|id| named_in_source(cx.delivery, &cx.delivery[id]));
    let place = starts.first().map_or(service.place, |start| start.startup.at);
    let none = Evidence::missing_in(place, "migrates nothing before it starts");
    if let Some((_, awaited)) = awaited_job(cx, service) {
        let waits = Evidence::context(awaited, "waits for the migration");
        return Verdict::pass("a job migrates once, and the service waits for it", none).and(waits);
    }
    if let Some(at) = by_itself {
        let message = "the source may migrate when it starts, which is not read yet";
        let evidence = Evidence::context(at, "may migrate");
        return Verdict::unknown(Why::Unsupported, message, evidence);
    }
    if let Some(step) = pipeline_step(cx, service) {
        let migrates = Evidence::context(step, "migrates");
        return Verdict::pass("a pipeline migrates once a release", none).and(migrates);
    }
    Verdict::pass("no replica migrates when it starts", none)
}

/// The pooler in transaction mode that a container connects through: where both are said.
fn pooler(cx: &Cx<'_>, container: &Container) -> Option<[Evidence; 2]> {
    let project = project_of(cx, container)?;
    let text = |value: &EnvValue| match value {
        EnvValue::Literal(text) | EnvValue::Interpolated { text, .. } => Some(text.clone()),
        _ => None,
    };
    project.containers.iter().map(|&id| &cx.delivery[id]).find_map(|other| {
        let mode = other.env.iter().find(|var| {
            var.name.ends_with("POOL_MODE")
                && text(&var.value).is_some_and(|mode| mode == "transaction")
        })?;
        let names = |text: String| {
            text == other.name
                || [format!("@{}:", other.name), format!("@{}/", other.name)]
                    .iter()
                    .any(|host| text.contains(&**host))
        };
        let by = container.env.iter().find(|var| text(&var.value).is_some_and(names))?;
        Some([
            Evidence::context(mode.span, "a pooler in transaction mode"),
            Evidence::context(by.span, "connects through a pooler"),
        ])
    })
}

fn of_the_repository(cx: &Cx<'_>) -> Verdict {
    let programs = of_none(cx, &cx.delivery.programs, |program| cx.path(program.file));
    let programs = programs.into_iter().filter(|program| program.purpose.is_production());
    let roles =
        programs.flat_map(|program| &program.roles).filter(|role| role.kind == RoleKind::Migrate);
    let (hidden, open): (Vec<_>, Vec<_>) = roles.partition(|role| role.masked.is_some());
    let mut services = cx.delivery.service_ids().map(|id| cx.service(id));
    let again = services.find_map(|service| match at_start(cx, service) {
        Fact::Known { value: true, at, .. } => at.span,
        _ => None,
    });
    let low = |evidence: Evidence| evidence.severity(Severity::Low);
    let mut hidden = hidden
        .into_iter()
        .take(20)
        .map(|role| low(Evidence::contradicts(role.span, "its failure is hidden")));
    let mut open = open.into_iter().take(20);
    if let Some(first) = hidden.next() {
        let message = "a script migrates and goes on when that fails: let it end";
        return Verdict::fail(message, first).and_all(hidden);
    }
    match (open.next(), again) {
        (Some(role), Some(again)) => {
            let message = "a script migrates what services migrate when they start: keep one way";
            let first = low(Evidence::contradicts(role.span, "a second way to migrate"));
            Verdict::partial(message, first).and(Evidence::context(again, "migrates at its start"))
        }
        (Some(role), None) => Verdict::pass(
            "a script migrates, and ends when that fails",
            Evidence::shows(role.span, "migrates"),
        ),
        (None, _) => {
            let evidence = Evidence::missing_file("*.sh", "no script migrates");
            Verdict::unknown(Why::Unsupported, "no script migrates", evidence)
        }
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let starts = starts(cx, service);
    let (start, step) = starts.iter().find_map(|start| Some((start, start.migrating.first()?)))?;
    let container = service.containers.iter().map(|&id| &cx.delivery[id]);
    let container = container.into_iter().find(|c| mending::is_compose(c) && !c.job)?;
    let (name, command) = (&container.name, step.words.join("\", \""));
    let build = match &container.build {
        Some(build) => {
            let context = build.context.known().map_or(".", String::as_str);
            let context = if context.is_empty() { "." } else { context };
            format!(
                "    build:\n      context: {context}\n      dockerfile: {}\n",
                start.image.path
            )
        }
        None => container
            .image
            .known()
            .map_or_else(String::new, |image| format!("    image: {image}\n")),
    };
    let waits: String = container
        .depends_on
        .iter()
        .map(|on| format!("      {}:\n        condition: {}\n", on.service, on.condition))
        .collect();
    let awaits = if waits.is_empty() { String::new() } else { format!("    depends_on:\n{waits}") };
    let text = format!(
        "services:\n  {name}-migrate:\n{build}    entrypoint: []\n    command: [\"{command}\"]\n    \
         restart: \"no\"\n    # The environment and networks of {name}.\n{awaits}  {name}:\n    depends_on:\n      \
         {name}-migrate:\n        condition: service_completed_successfully\n"
    );
    Some(Fix {
        does: "migrate in a job that it waits for, and take the migration out of its start".into(),
        safety: Safety::Sketch,
        snippet: mending::snippet(cx.path(container.file), "yaml", text),
        patch: None,
    })
}
