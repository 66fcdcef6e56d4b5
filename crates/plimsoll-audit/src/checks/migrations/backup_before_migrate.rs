//! # A backup is taken before a deployment migrates
//!
//! A script that deploys and migrates takes a backup first, on every way, and migrates before the new code
//! serves.
//!
//! A migration that goes wrong half-way is undone from a backup, and the one of last night lacks a day.
//! Code that starts before its migration answers with errors until it is done, and for ever if it fails.
//!
//! Call the backup script before the migration, and run the migration from the new image before `up`:
//! `docker compose run --rm api alembic upgrade head`. PARTIAL: a backup is taken, and new code serves before
//! the migration.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! cd "$(dirname "$0")/.."
//! docker compose up -d # <- serves already
//! docker compose exec -T api alembic upgrade head # <- no backup is taken before
//! ```
//!
//! In a function, where the call is shown too:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! migrate() {
//!   docker compose exec -T "$1" alembic upgrade head # <- no backup is taken before
//! }
//! docker compose up -d api-blue # <- serves already
//! if ! migrate api-blue; then exit 1; fi # <- migrates
//! ```
//!
//! A backup that may fail unseen is none:
//!
//! `deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_dump --file=/opt/backups/app.dump app || echo "no backup, going on"
//! docker compose run --rm api alembic upgrade head # <- no backup
//! docker compose up -d
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! cd "$(dirname "$0")/.."
//! ./ops/backup.sh # <- takes a backup
//! docker compose run --rm api alembic upgrade head
//! docker compose up -d
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /opt/backups/app.sql
//! ```
//!
//! Or:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! migrate() {
//!   docker compose run --rm "$1" alembic upgrade head
//! }
//! pg_dump app > /opt/backups/app.sql # <- takes a backup
//! if ! migrate api-blue; then exit 1; fi
//! docker compose up -d api-blue
//! ```
//!
//! ## Passes
//!
//! The database alone is up:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d db
//! pg_dump app > /opt/backups/app.sql # <- takes a backup
//! docker compose run --rm api alembic upgrade head
//! docker compose up -d
//! ```
//!
//! ## Partial
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /opt/backups/app.sql # <- takes a backup
//! docker compose up -d # <- serves already
//! docker compose exec -T api alembic upgrade head
//! ```
//!
//! ## Does not apply
//!
//! It restores, it only migrates, or its name says that it tests:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore -d app app.dump
//! docker compose up -d
//! docker compose exec -T api alembic upgrade head
//! ```
//! `ops/migrate.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! alembic upgrade head
//! ```
//! `ops/test.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d postgres
//! yarn sequelize db:migrate
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::Command;

use crate::conditions::DEPLOYS_AND_MIGRATES;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "migrations/backup-before-migrate",
    section: Section::Migrations,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["A1.2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS016", relation: Relation::Same }],
    }],
    when: &[&DEPLOYS_AND_MIGRATES],
    source: include_str!("backup_before_migrate.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut bare, mut late, mut saved) = (Vec::new(), Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        if !scripts::migrates(flow, command) {
            continue;
        }
        let backup = flow.before(command).find(|earlier| {
            let takes = data::is_dump(flow, earlier)
                || scripts::called(cx, script.program, earlier)
                    .is_some_and(|called| data::dumps(&called.flow).next().is_some());
            // One whose failure is waved through is none.
            takes && (!earlier.tested || scripts::is_heeded(flow, earlier))
        });
        let serves = flow.before(command).find(|earlier| serves(earlier));
        match backup {
            Some(at) => saved.push(Evidence::shows(at.span, "takes a backup")),
            None => {
                bare.push(Evidence::missing_in(command.span, "no backup is taken before"));
                let site = flow.call_site(command);
                if site != command.span {
                    bare.push(Evidence::contradicts(site, "migrates"));
                }
            }
        }
        late.extend(serves.map(|at| Evidence::contradicts(at.span, "serves already")));
    }
    let mut late = scripts::once(late);
    let mut bare = scripts::once(bare).into_iter();
    if let Some(first) = bare.next() {
        let message = "migrates without a backup: take one before, and migrate before `up`";
        return Verdict::fail(message, first).and_all(bare).and_all(late);
    }
    let mut saved = scripts::once(saved).into_iter();
    match (saved.next(), late.pop()) {
        (Some(first), None) => {
            Verdict::pass("a backup is taken before the migration", first).and_all(saved)
        }
        (Some(first), Some(at)) => {
            let message = "new code serves before its migration: migrate before `up`";
            Verdict::partial(message, first).and(at).and_all(late)
        }
        (None, _) => {
            let evidence = Evidence::context(script.text.whole(), "no migration was found");
            Verdict::unknown(Why::Unsupported, "where it migrates is not known", evidence)
        }
    }
}

/// Whether a command starts more than the database.
fn serves(command: &Command) -> bool {
    let Some(compose) = command.compose() else { return scripts::starts_services(command) };
    let names = compose.args.iter().filter(|word| !word.starts_with('-'));
    let store = |name: &String| {
        ["db", "postgres", "database", "mysql", "mariadb", "mongo", "redis"]
            .iter()
            .any(|word| name.split(['-', '_']).any(|part| part == *word))
    };
    let stores = names.clone().count() > 0 && names.clone().all(store);
    matches!(compose.verb, "up" | "start" | "restart") && !stores
}
