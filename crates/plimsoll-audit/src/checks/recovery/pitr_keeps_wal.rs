//! # Recovery to a point in time loses nothing on its way
//!
//! A script that recovers a database to a point in time deletes no log segments that it has not saved, does
//! not hide a failing `restore_command` or migration, and ends when recovery doesn't come to an end.
//!
//! The archived log holds everything since the base backup, often in one copy. `restore_command` tells
//! PostgreSQL by its status whether a segment was there: with `|| true` a missing one counts as restored. A
//! wait that ends in a warning goes on to start services on a database that is still recovering.
//!
//! Move the archive aside instead of `rm -rf`, leave the status alone, `exit 1` when the wait runs out. There
//! is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/pitr_restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! wal_path=$(docker volume inspect app_wal --format '{{.Mountpoint}}')
//! sudo rm -rf "$wal_path"/* # <- deletes the log
//! sudo tee -a "$conf" > /dev/null << EOF
//! restore_command = 'cp /wal/%f %p || true' # <- hides a missing segment
//! EOF
//! docker compose up -d db
//! n=0
//! while [ $n -lt 60 ]; do
//!   docker compose exec -T db pg_isready && break
//!   n=$((n + 1))
//! done
//! if [ $n -ge 60 ]; then
//!   echo "WARNING: recovery takes longer" # <- goes on when time is up
//! fi
//! docker compose exec -T api alembic upgrade head || true # <- hides its failure
//! ```
//!
//! ## Fixed
//!
//! `ops/pitr_restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! wal_path=$(docker volume inspect app_wal --format '{{.Mountpoint}}')
//! sudo mv "$wal_path" "$wal_path.before"
//! sudo tee -a "$conf" > /dev/null << EOF # <- keeps the status
//! restore_command = 'cp /wal/%f %p'
//! EOF
//! docker compose up -d db
//! n=0
//! while [ $n -lt 60 ]; do
//!   docker compose exec -T db pg_isready && break
//!   n=$((n + 1))
//! done
//! if [ $n -ge 60 ]; then
//!   echo "ERROR: recovery takes longer" >&2
//!   exit 1
//! fi
//! docker compose exec -T api alembic upgrade head
//! ```
//!
//! ## Passes
//!
//! `ops/pitr.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! echo "restore_command = 'pgbackrest archive-get %f %p'" >> "$PGDATA/postgresql.auto.conf" # <- keeps the status
//! touch "$PGDATA/recovery.signal"
//! ```
//!
//! ## Does not apply
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore -d app app.dump
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::{After, Command, CommandKind, Flow, RegionKind};
use plimsoll_model::migration::is_migrate_command;
use plimsoll_source::Span;

use crate::conditions::RECOVERS;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, ScriptSubject, Section, Severity, Status,
    Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/pitr-keeps-wal",
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
    when: &[&RECOVERS],
    source: include_str!("pitr_keeps_wal.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut loses, mut keeps) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        if deletes_log(flow, command) {
            loses.push(Evidence::contradicts(command.span, "deletes the log"));
        }
        if is_migrate_command(&command.words) && command.masked.is_some() {
            loses.push(Evidence::contradicts(command.span, "hides its failure"));
        }
        if let Some(branch) = goes_on_late(flow, command) {
            loses.push(Evidence::contradicts(branch, "goes on when time is up"));
        }
        for (text, redirect) in data::statements(flow, command) {
            let Some(at) = text.find("restore_command") else { continue };
            let line = text[at..].lines().next().unwrap_or("");
            let place = redirect.map_or(command.span, |redirect| redirect.line(at));
            let hides = ["|| true", "; true", "|| :", "; exit 0", "|| exit 0"];
            if hides.iter().any(|end| line.contains(end)) {
                loses.push(Evidence::contradicts(place, "hides a missing segment"));
            } else if line.contains('=') {
                keeps.push(Evidence::context(command.span, "keeps the status"));
            }
        }
    }
    let fails = "recovery may lose data and say that all is well: keep the log and the failures";
    let none = || Evidence::context(script.text.whole(), "hides and deletes nothing");
    scripts::verdict(loses, fails, keeps, "recovery keeps the log and its failures", none)
}

/// Whether a command deletes archived log segments that were not saved before.
fn deletes_log(flow: &Flow, command: &Command) -> bool {
    let recursive = command.args().iter().any(|w| w.starts_with('-') && w.contains(['r', 'R']));
    let log = |word: &String| {
        let lower = word.to_ascii_lowercase();
        let parts = lower.split(|c: char| !c.is_ascii_alphanumeric());
        parts.into_iter().any(|part| matches!(part, "wal" | "xlog" | "walarchive"))
    };
    let Some(path) = command.args().iter().find(|word| log(word)) else { return false };
    let base = path.trim_end_matches(['*', '/', '.']).trim_end_matches('"');
    let saved = flow.before(command).any(|earlier| {
        matches!(earlier.program(), "mv" | "cp" | "tar" | "rsync")
            && earlier.args().iter().any(|word| word.starts_with(base))
    });
    // A temporary copy in a container (`/tmp/wal.tar.gz`) is none.
    command.program() == "rm" && recursive && !saved && !path.starts_with("/tmp/")
}

/// Whether a command asks if the time is up, after a loop that counts, and what follows goes on.
fn goes_on_late(flow: &Flow, command: &Command) -> Option<Span> {
    let words = command.words.join(" ");
    let late = [" -ge ", " -gt ", " -eq ", " >= ", " > "].iter().any(|op| words.contains(op))
        && ["max", "attempt", "retries", "timeout", "elapsed", "waited", "tries", "$n ", "$i "]
            .iter()
            .any(|name| words.to_ascii_lowercase().contains(name));
    let tests = matches!(command.kind, CommandKind::Test | CommandKind::Arithmetic);
    // It is the condition of a branch, outside of any loop.
    let branch = flow.regions.iter().find(|region| match &region.kind {
        RegionKind::Branch(conditions) => {
            conditions.iter().any(|c| (c.from..c.to).contains(&command.at) && c.succeeds)
        }
        _ => false,
    })?;
    let waits = flow.commands.iter().take(command.at).any(|earlier| earlier.looped);
    let goes_on = command.tested && command.if_succeeds == After::GoesOn;
    (tests && late && waits && !command.looped && goes_on).then_some(branch.span)
}
