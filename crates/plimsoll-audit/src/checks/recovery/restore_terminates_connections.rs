//! # A database is dropped without its connections
//!
//! Each script that drops a database closes the connections to it first: `WITH (FORCE)`, `dropdb --force`,
//! or `pg_terminate_backend` before.
//!
//! PostgreSQL refuses to drop a database while anyone is connected: a dashboard, a pool that reconnects, a
//! forgotten shell. The restore ends there, with the services already stopped.
//!
//! Write `DROP DATABASE … WITH (FORCE)` (PostgreSQL 13), or better restore into a new database and rename.
//! That the services are stopped before helps, and does not suffice. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! docker compose stop api
//! docker compose exec -T db sh -c 'psql -d postgres -c "DROP DATABASE IF EXISTS \"$POSTGRES_DB\";"' # <- others may be connected
//! ```
//!
//! In a here-document:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! psql -d postgres <<SQL
//! SELECT 1;
//! DROP DATABASE app; # <- others may be connected
//! SQL
//! ```
//!
//! Handed over by a pipe:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! echo "DROP DATABASE app;" | docker exec -i db psql -U postgres # <- others may be connected
//! ```
//!
//! ## Fixed
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! docker compose stop api
//! docker compose exec -T db sh -c 'psql -d postgres -c "DROP DATABASE IF EXISTS \"$POSTGRES_DB\" WITH (FORCE);"' # <- closes connections
//! ```
//!
//! Or:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! psql -d postgres <<SQL
//! SELECT 1;
//! DROP DATABASE app WITH (FORCE); # <- closes connections
//! SQL
//! ```
//!
//! ## Passes
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! dropdb --force app # <- closes connections
//! psql -d postgres <<SQL
//! SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'old';
//! DROP DATABASE old; # <- closes connections
//! SQL
//! ```
//!
//! ## Does not apply
//!
//! Objects are dropped, not the database:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore --clean --if-exists -d app app.dump
//! ```

use plimsoll_model::data;
use plimsoll_model::mend::after;
use plimsoll_source::{Span, TextRange};

use crate::conditions::DROPS_DATABASE;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, ScriptSubject, Section, Severity,
    Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/restore-terminates-connections",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&DROPS_DATABASE],
    source: include_str!("restore_terminates_connections.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        let Some(drop) = data::drops_database(flow, command) else { continue };
        let at = drop.place.unwrap_or(command.span);
        // MySQL drops whoever is connected.
        let other = matches!(command.program(), "mysql" | "mariadb");
        let terminated = flow.commands.iter().take(command.at + 1).any(|earlier| {
            let mut told = data::statements(flow, earlier);
            told.any(|(text, _)| text.contains("pg_terminate_backend"))
        });
        if drop.forced || terminated || other {
            closed.push(Evidence::shows(at, "closes connections"));
        } else {
            open.push(Evidence::contradicts(at, "others may be connected"));
        }
    }
    let fails = "dropping fails while anyone is connected: add `WITH (FORCE)` or `--force`";
    let none = || Evidence::context(script.text.whole(), "drops no database");
    scripts::verdict(open, fails, closed, "connections are closed before the drop", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "close what is connected when it is dropped: PostgreSQL 13 and later";
    let sample = "DROP DATABASE IF EXISTS name WITH (FORCE);\n";
    let sample = mending::scripts::sample(cx, finding, sample);
    mending::scripts::each(cx, finding, does, sample, |program, source, at| {
        let flow = &program.flow;
        let dropdb = scripts::commands(program)
            .find(|command| command.span == at && command.program() == "dropdb");
        if dropdb.is_some_and(|command| data::drops_database(flow, command).is_some()) {
            return Some(vec![after(source.word(at, "dropdb")?, " --force".to_owned())]);
        }
        // The statement is one of this place, and ends where its semicolon stands.
        let text = cx.text_of(at)?.to_ascii_lowercase();
        let start = text.find("drop database")?;
        let one = text.matches("drop database").count() == 1;
        let end = start + text.get(start..)?.find(';').filter(|_| one)?;
        let end = at.range.start + u32::try_from(end).ok()?;
        let place = Span::new(at.file, TextRange::new(end, end));
        Some(vec![after(place, " WITH (FORCE)")])
    })
}
