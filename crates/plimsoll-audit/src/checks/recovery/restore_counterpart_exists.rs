//! # Each kind of backup has a way back
//!
//! For each way in which scripts take backups (dumps of PostgreSQL, MySQL, MongoDB, a repository of restic …) another
//! script loads what it made.
//!
//! A backup without a restore is tried for the first time when it is needed: with the wrong options, in another
//! format, at night.
//!
//! Write the restore beside the backup, and run it as a drill. PARTIAL: a document gives the command, no script does.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > /srv/backups/app.dump # <- nothing loads what it makes
//! ```
//!
//! ## Fixed
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore --exit-on-error -d app "$1" # <- loads what the backup makes
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! restic backup /srv/data
//! ```
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! restic restore latest --target /srv/data # <- loads what the backup makes
//! ```
//!
//! ## Partial
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mysqldump app > /srv/backups/app.sql
//! ```
//! `docs/restore.md`:
//! ````markdown
//! # Restore
//!
//! ```sh
//! mysql app < app.sql # <- says how
//! ```
//! ````
//!
//! ## Does not apply
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore --exit-on-error -d app "$1"
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::{Command, Flow};

use crate::conditions::BACKS_UP;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/restore-counterpart-exists",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["A1.3"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS048", relation: Relation::Same }],
    }],
    when: &[&BACKS_UP],
    source: include_str!("restore_counterpart_exists.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let programs = || cx.delivery.programs.iter();
    let (mut alone, mut told, mut paired) = (Vec::new(), Vec::new(), Vec::new());
    for script in cx.operational_scripts() {
        for dump in data::dumps(&script.flow) {
            let Some(kind) = kind(dump) else { continue };
            let back = programs().find_map(|program| {
                let mut commands = scripts::commands(program);
                Some(commands.find(|c| brings_back(&program.flow, c, kind))?.span)
            });
            let documents = cx.delivery.documents.iter().flat_map(|document| &document.code);
            let said = documents.filter(|code| code.fenced).find(|code| says(kind, &code.text));
            match (back, said) {
                (Some(at), _) => paired.push(Evidence::shows(at, "loads what the backup makes")),
                (None, Some(code)) => told.push(Evidence::shows(code.span, "says how")),
                (None, None) => {
                    let says = "nothing loads what it makes";
                    alone.push(Evidence::contradicts(dump.span, says));
                }
            }
        }
    }
    let mut told = scripts::once(told).into_iter();
    if alone.is_empty()
        && let Some(first) = told.next()
    {
        let message = "how a backup is loaded stands in a document: write the script, and try it";
        return Verdict::partial(message, first).and_all(told);
    }
    let fails = "nothing loads what a backup makes: write the restore, and try it";
    let none = || Evidence::missing_file("restore.sh", "no backup of a kind that is known");
    scripts::verdict(alone, fails, paired, "each kind of backup has a way back", none)
}

/// What a way of taking backups needs to be brought back: programs, and a word one of theirs holds.
type Kind = (&'static [&'static str], &'static [&'static str]);

/// How what a dump makes is brought back.
fn kind(dump: &Command) -> Option<Kind> {
    Some(match dump.program() {
        "pg_dump" | "pg_dumpall" => (&["psql", "pg_restore"], &[]),
        "pg_basebackup" => (&["tar", "cp", "rsync", "pg_combinebackup", "mv"], &["pg", "base"]),
        "mysqldump" | "mariadb-dump" => (&["mysql", "mariadb"], &[]),
        "mariadb-backup" | "xtrabackup" => {
            (&["mariadb-backup", "xtrabackup"], &["--copy-back", "--move-back", "--prepare"])
        }
        "mongodump" => (&["mongorestore"], &[]),
        "restic" | "rustic" => (&["restic", "rustic"], &["restore", "mount", "dump"]),
        "borg" => (&["borg"], &["extract", "mount", "export-tar"]),
        "kopia" => (&["kopia"], &["restore", "mount"]),
        "duplicity" => (&["duplicity"], &["restore"]),
        "pgbackrest" => (&["pgbackrest"], &["restore"]),
        "wal-g" => (&["wal-g"], &["backup-fetch", "wal-fetch"]),
        "barman" => (&["barman"], &["recover", "restore"]),
        "tar" => (&["tar"], &["x"]),
        _ => return None,
    })
}

/// Whether a command brings back what a dump of this kind makes.
fn brings_back(flow: &Flow, command: &Command, (programs, words): Kind) -> bool {
    if !programs.contains(&command.program()) {
        return false;
    }
    match (command.program(), words) {
        ("psql" | "mysql" | "mariadb", _) => {
            data::loads(flow, command) || data::runs_file(flow, command)
        }
        ("tar", ["x"]) => command.args().first().is_some_and(|word| {
            word == "--extract" || !word.starts_with("--") && word.contains('x')
        }),
        (_, []) => command.is_run() && !data::verifies(command),
        _ => command.args().iter().any(|arg| words.iter().any(|word| arg.contains(word))),
    }
}

/// Whether a line of a document brings it back.
fn says((programs, words): Kind, line: &str) -> bool {
    let mut parts = line.split(|c: char| c.is_whitespace() || c == '|');
    let named = parts.any(|part| programs.contains(&part));
    let client = programs.contains(&"psql") || programs.contains(&"mysql");
    named
        && (words.iter().any(|word| line.contains(word))
            || words.is_empty()
                && (!client
                    || line.contains(['<', '|'])
                    || line.contains("-f ")
                    || line.contains("pg_restore")))
}
