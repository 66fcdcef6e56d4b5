//! # The old database stays until the new one is there
//!
//! No script drops a database and then loads its replacement under the same name, unless it has checked
//! the dump before.
//!
//! A dump that is broken, cut short or of another version shows when it is loaded; by then the database is
//! gone. A check of a variable (`TARGET_ENV=staging`) doesn't say which database will be dropped.
//!
//! Restore into a new database, look at it, then rename both: `ALTER DATABASE … RENAME TO`. PARTIAL: the
//! dump is checked before (`pg_restore --list`, `gzip -t`), and the old database is dropped all the same.
//!
//! ## Fails
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! psql -d postgres -c 'DROP DATABASE IF EXISTS "app" WITH (FORCE);' # <- is gone before the dump is read
//! psql -d postgres -c 'CREATE DATABASE "app";'
//! gzip -cd "$1" | psql -v ON_ERROR_STOP=1 -d app # <- loads its replacement
//! ```
//!
//! ## Fixed
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! createdb app_new
//! gzip -cd "$1" | psql -v ON_ERROR_STOP=1 -d app_new # <- loads its replacement
//! psql -d postgres -c 'DROP DATABASE app WITH (FORCE);'
//! psql -d postgres -c 'ALTER DATABASE app_new RENAME TO app;'
//! ```
//!
//! ## Passes
//!
//! A scratch database, not the one that is loaded:
//!
//! `ops/drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! dropdb --if-exists old_drill
//! createdb drill
//! pg_restore --exit-on-error -d drill "$1" # <- loads its replacement
//! ```
//!
//! One that is a drill's by its name:
//!
//! `ops/drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! dropdb --if-exists --force app_restore_test
//! createdb app_restore_test
//! pg_restore --exit-on-error -d app_restore_test "$1" # <- loads its replacement
//! ```
//!
//! ## Partial
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_restore --list "$1" > /dev/null # <- checks the dump
//! dropdb --force app # <- is gone before the dump is read
//! createdb app
//! pg_restore --exit-on-error -d app "$1" # <- loads its replacement
//! ```
//!
//! ## Does not apply
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore --clean --exit-on-error -d app "$1"
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::Command;

use crate::conditions::{DROPS_DATABASE, RESTORES};
use crate::consent::is_scratch;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, ScriptSubject, Section, Severity, Status,
    Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/restore-validates-first",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&DROPS_DATABASE, &RESTORES],
    source: include_str!("restore_validates_first.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let loads = scripts::commands(script.program).filter(|command| data::loads(flow, command));
    let loads: Vec<&Command> = loads.collect();
    let (mut gone, mut checked) = (Vec::new(), None);
    for command in scripts::commands(script.program) {
        let Some(drop) = data::drops_database(flow, command) else { continue };
        if !drop.name.contains('$') && is_scratch(drop.name) {
            continue;
        }
        let replaced = loads.iter().find(|load| {
            let into = data::option(load, &["--dbname", "-d"]);
            load.at > command.at && into.is_none_or(|into| bare(into) == bare(drop.name))
        });
        let Some(load) = replaced else { continue };
        let at = drop.place.unwrap_or(command.span);
        let check = flow.before(command).find(|c| data::verifies(c) && c.stops());
        checked = checked.or(check.map(|check| check.span));
        gone.push(Evidence::contradicts(at, "is gone before the dump is read"));
        gone.push(Evidence::context(load.span, "loads its replacement"));
    }
    let message = "a database is dropped before its replacement is there: restore aside, rename";
    match (gone.is_empty(), checked) {
        (false, Some(at)) => {
            let mut gone = scripts::once(gone).into_iter();
            let first = Evidence::shows(at, "checks the dump");
            let message = "the dump is checked, and the old database dropped all the same";
            Verdict::partial(message, first).and_all(gone.by_ref())
        }
        _ => {
            let shows = loads.iter().map(|c| Evidence::shows(c.span, "loads its replacement"));
            let none = || Evidence::context(script.text.whole(), "drops nothing that it loads");
            let passes = "the old database stays until the new one is there";
            scripts::verdict(gone, message, shows.collect(), passes, none)
        }
    }
}

/// A name without its quotes and braces.
fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect()
}
