//! # A failed migration stops the start
//!
//! When a migration that the entrypoint runs fails, the entrypoint ends with a failure before it
//! starts the service.
//!
//! A service that starts on a half-migrated schema answers with errors, or writes what the next
//! attempt cannot read; and it counts as healthy, for it runs.
//!
//! Begin the entrypoint with `set -e`, or write `|| exit 1` behind each command that migrates. Under
//! `set -e`, what tests `$?` on the next line is never reached.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! npm run migrate # <- its failure is ignored
//! exec "$@"
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "ts-node": "10.9.2" }
//! }
//! ```
//! `knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.ts`:
//! ```ts
//! export const up = (knex) => knex.schema.createTable("orders", () => {});
//! export const down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! Swallowed on purpose:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! npm run migrate || true # <- its failure is ignored
//! exec "$@"
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "ts-node": "10.9.2" }
//! }
//! ```
//! `knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.ts`:
//! ```ts
//! export const up = (knex) => knex.schema.createTable("orders", () => {});
//! export const down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! In the words of another command:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("orders", () => {});
//! exports.down = (knex) => knex.schema.dropTable("orders");
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! echo "$(npm run migrate)" # <- its failure is ignored
//! exec "$@"
//! ```
//!
//! A trap ends the shell with 0:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("orders", () => {});
//! exports.down = (knex) => knex.schema.dropTable("orders");
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! trap 'exit 0' EXIT
//! npm run migrate # <- its failure is ignored
//! exec "$@"
//! ```
//!
//! The package's script starts all the same:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! CMD ["npm", "start"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "start": "npm run migrate; node main.js", "migrate": "knex migrate:latest" }, // <- its failure is ignored
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("orders", () => {});
//! exports.down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! ## Fixed
//!
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! npm run migrate || exit 1 # <- stops the start
//! exec "$@"
//! ```
//!
//! Swallowed no more:
//!
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! npm run migrate || exit 1 # <- stops the start
//! exec "$@"
//! ```
//!
//! ## Passes
//!
//! Chained with the start:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! CMD npm run migrate && exec node main.js # <- stops the start
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "ts-node": "10.9.2" }
//! }
//! ```
//! `knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.ts`:
//! ```ts
//! export const up = (knex) => knex.schema.createTable("orders", () => {});
//! export const down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! Into a variable:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" }
//! }
//! ```
//! `knexfile.js`:
//! ```js
//! module.exports = { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.js`:
//! ```js
//! exports.up = (knex) => knex.schema.createTable("orders", () => {});
//! exports.down = (knex) => knex.schema.dropTable("orders");
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! done=$(npm run migrate) # <- its failure stops the start
//! exec "$@"
//! ```
//!
//! ## Partial
//!
//! One of two:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! RUN npm ci
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! npm run migrate || exit 1 # <- stops the start
//! npm run migrate # <- its failure is ignored
//! exec "$@"
//! ```
//! `package.json`:
//! ```json
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "ts-node": "10.9.2" }
//! }
//! ```
//! `knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.ts`:
//! ```ts
//! export const up = (knex) => knex.schema.createTable("orders", () => {});
//! export const down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! ## Does not apply
//!
//! The entrypoint migrates nothing:
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
//! {
//!   "scripts": { "migrate": "knex migrate:latest" },
//!   "dependencies": { "knex": "3.1.0" },
//!   "devDependencies": { "ts-node": "10.9.2" }
//! }
//! ```
//! `knexfile.ts`:
//! ```ts
//! export default { client: "pg", migrations: { directory: "./migrations" } };
//! ```
//! `migrations/001_orders.ts`:
//! ```ts
//! export const up = (knex) => knex.schema.createTable("orders", () => {});
//! export const down = (knex) => knex.schema.dropTable("orders");
//! ```
//!
//! ## See also
//!
//! - `migrations/run-before-start`

use plimsoll_model::Why;
use plimsoll_model::entrypoint::OnFailure;
use plimsoll_model::mend::shell;
use plimsoll_source::Edit;

use crate::conditions::MIGRATES_AT_START;
use crate::migrating::{Migrating, starts};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "migrations/failure-stops-start",
    section: Section::Migrations,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&MIGRATES_AT_START],
    source: include_str!("failure_stops_start.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let starts = starts(cx, service);
    let mut found: Vec<&Migrating> = starts.iter().flat_map(|start| &start.migrating).collect();
    let ignored = |step: &&Migrating| matches!(step.on_failure, OnFailure::Ignored(_));
    let stops = |step: &&Migrating| matches!(step.on_failure, OnFailure::Stops(_));
    let (some_ignored, some_stops) = (found.iter().any(ignored), found.iter().any(stops));
    let unknown = found.iter().find_map(|step| match step.on_failure {
        OnFailure::Unknown(why) => Some((why, step.span)),
        _ => None,
    });
    // What decides stands first.
    found.sort_by_key(|step| !ignored(step));
    let mut evidence = found.iter().flat_map(|step| match step.on_failure {
        OnFailure::Stops(by) => {
            let mut shown = vec![Evidence::shows(step.span, "its failure stops the start")];
            if by != step.span {
                shown.push(Evidence::context(by, "for this"));
            }
            shown
        }
        OnFailure::Ignored(_) => vec![Evidence::contradicts(step.span, "its failure is ignored")],
        OnFailure::Unknown(why) => vec![Evidence::context(step.span, why.decide())],
    });
    let Some(first) = evidence.next() else {
        let evidence = Evidence::context(service.place, "no migration in the entrypoint");
        return Verdict::unknown(Why::Unsupported, "the entrypoint migrates nothing", evidence);
    };
    match (some_ignored, some_stops, unknown) {
        (true, false, None) => {
            Verdict::fail("a failed migration is ignored: end the start with `|| exit 1`", first)
        }
        (_, _, Some((why, _))) => {
            Verdict::unknown(why, "what a failed migration leads to cannot be told", first)
        }
        (true, true, None) => {
            Verdict::partial("only some failed migrations stop the start: guard the others", first)
        }
        (false, _, None) => Verdict::pass("a failed migration stops the start", first),
    }
    .and_all(evidence)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let starts = starts(cx, service);
    let mut found = starts.iter().flat_map(|start| &start.migrating);
    let ignored = |step: &Migrating| matches!(step.on_failure, OnFailure::Ignored(_));
    let step = found.find(|step| ignored(step))?;
    let command = step.words.join(" ");
    let edits = starts.iter().filter_map(|start| {
        let script = start.startup.script.as_ref()?;
        // What a trap makes of the end is not mended at the command.
        let trapped = |step: &Migrating| match step.on_failure {
            OnFailure::Ignored(at) => cx.text_of(at).is_some_and(|text| text.starts_with("trap")),
            _ => false,
        };
        let swallowed = start.migrating.iter().filter(|step| ignored(step) && !trapped(step));
        let edits = swallowed.filter_map(|step| {
            shell::exit_on_failure(&cx.delivery.tree, &script.text, &script.script, step.span)
        });
        Some(edits.flatten().collect::<Vec<_>>())
    });
    let mut edits: Vec<Edit> = edits.flatten().collect();
    edits.dedup();
    Some(Fix::of_edits(
        "end the start when a migration fails",
        Safety::Review,
        mending::snippet(
            cx.path(step.span.file),
            "sh",
            format!("{command} || {{ echo \"migration failed\" >&2; exit 1; }}\n"),
        ),
        edits,
    ))
}
