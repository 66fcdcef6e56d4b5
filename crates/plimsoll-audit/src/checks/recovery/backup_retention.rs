//! # Old backups are removed
//!
//! Each script that writes backups under names that change (a date, a variable) removes old ones, and a
//! database that archives its log to a directory has something that cleans it.
//!
//! Backups that pile up fill the disk, and a full disk stops the database that they are meant to save.
//!
//! Delete by age behind a successful backup, and keep a minimum: `find "$DIR" -name 'app_*.gz' -mtime +14
//! -delete`, `restic forget --keep-daily 7`, `pg_archivecleanup`. Stores can do it by their own lifecycle:
//! what leaves no file here is not asked. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! stamp=$(date +%F)
//! pg_dump app > "/opt/backups/app_$stamp.sql" # <- nothing removes the old ones
//! ```
//!
//! Or:
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:16
//!     command:
//!       - "postgres"
//!       - "-c"
//!       - "archive_command=cp %p /var/lib/postgresql/wal_archive/%f" # <- nothing removes the old ones
//! ```
//!
//! What is removed lies elsewhere:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > "/opt/backups/app_$(date +%F).sql" # <- nothing removes the old ones
//! find /var/log/app -name '*.log' -mtime +7 -delete
//! rm -f /tmp/app-*
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! stamp=$(date +%F)
//! pg_dump app > "/opt/backups/app_$stamp.sql"
//! find /opt/backups -name 'app_*.sql' -mtime +14 -delete # <- removes old ones
//! ```
//!
//! Or:
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:16
//!     command:
//!       - "postgres"
//!       - "-c"
//!       - "archive_command=cp %p /var/lib/postgresql/wal_archive/%f"
//! ```
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_archivecleanup /var/lib/postgresql/wal_archive "$OLDEST" # <- removes old ones
//! ```
//!
//! ## Passes
//!
//! Always the same name:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /opt/backups/app.sql # <- keeps one
//! ```
//!
//! The oldest by name:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > "/opt/backups/app_$(date +%s).sql"
//! ls -1t /opt/backups/*.sql | tail -n +8 | xargs rm -f # <- removes old ones
//! ```
//!
//! A name for each day of the week:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > "/opt/backups/app_$(date +%u).sql" # <- keeps one
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
use plimsoll_model::flow::{Command, Flow};

use crate::conditions::KEEPS_BACKUPS;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Section,
    Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/backup-retention",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS024", relation: Relation::Wider }],
    }],
    when: &[&KEEPS_BACKUPS],
    source: include_str!("backup_retention.rs"),
    run: Run::Repository(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut piles, mut fine) = (Vec::new(), Vec::new());
    let mut cleaned = None;
    for script in cx.operational_scripts() {
        let flow = &script.program.flow;
        for command in scripts::commands(script.program) {
            let cleans = matches!(command.program(), "pg_archivecleanup" | "pgbackrest" | "wal-g");
            cleaned = cleaned.or(cleans.then_some(command.span));
        }
        for dump in data::dumps(flow) {
            let files = data::artifacts(flow, dump);
            let Some(file) = files.iter().find(|file| !file.inside && changes(&file.path)) else {
                fine.push(Evidence::shows(dump.span, "keeps one"));
                continue;
            };
            let is_one = |flow: &Flow, command: &Command| {
                data::prunes(flow, command) && !is_elsewhere(command, &file.path)
            };
            match scripts::reaches(cx, script.program, &is_one) {
                Some(at) => fine.push(Evidence::shows(at, "removes old ones")),
                None => {
                    piles.push(Evidence::contradicts(dump.span, "nothing removes the old ones"));
                }
            }
        }
    }
    for container in cx.delivery.containers.iter().filter(|c| c.purpose.is_production()) {
        let words = container.command.iter().flat_map(|command| &command.words);
        for (word, at) in words.filter(|(word, _)| word.contains("archive_command=")) {
            let tool = [
                "pgbackrest",
                "wal-g",
                "barman",
                "archive_command=false",
                "archive_command=/bin/true",
            ];
            if tool.iter().any(|tool| word.contains(tool)) {
                fine.push(Evidence::shows(*at, "its tool removes old ones"));
            } else if let Some(cleaned) = cleaned {
                fine.push(Evidence::shows(cleaned, "removes old ones"));
            } else {
                piles.push(Evidence::contradicts(*at, "nothing removes the old ones"));
            }
        }
    }
    let fails = "backups pile up until the disk is full: remove old ones after each new one";
    let none = || Evidence::missing_file("backup.sh", "no backup is written to a file");
    scripts::verdict(piles, fails, fine, "old backups are removed", none)
}

/// Whether a path is another one each time.
fn changes(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name =
        data::with_defaults(if path.contains("$(") || path.contains('`') { path } else { name });
    // A day of the week comes again, and takes the place of the one before.
    let mut dates = name.split("$(date").skip(1).map(|rest| rest.split(')').next().unwrap_or(""));
    let cycles = !name.replace("$(", "").contains(['$', '`'])
        && dates.all(|date| {
            let mut formats = date.split('%').skip(1);
            date.contains('+') && formats.all(|f| f.starts_with(['a', 'A', 'u', 'w', 'd', 'H']))
        });
    name.contains(['$', '`']) && !cycles
}

/// Whether a command that removes old files does so in another directory than a backup's.
fn is_elsewhere(command: &Command, path: &str) -> bool {
    let path = data::with_defaults(path);
    let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let searched = command.args().first().map(|word| data::with_defaults(word));
    let literal = |text: &str| text.starts_with('/') && !text.contains(['$', '`']);
    searched.filter(|_| command.program() == "find").is_some_and(|searched| {
        let searched = searched.trim_end_matches('/');
        let apart = |a: &str, b: &str| {
            !a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        literal(searched) && literal(dir) && apart(dir, searched) && apart(searched, dir)
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "remove backups older than 14 days (a starting point) behind each new one";
    let sample = "find \"$BACKUP_DIR\" -name '*.gz' -mtime +14 -delete\n";
    let sample = mending::scripts::sample(cx, finding, sample);
    mending::scripts::each(cx, finding, does, sample, |program, source, at| {
        let flow = &program.flow;
        let dump = data::dumps(flow).find(|dump| dump.span == at)?;
        let files = data::artifacts(flow, dump);
        let file = files.iter().find(|file| !file.inside && changes(&file.path))?;
        // As it is written there: a name that is computed is kept in a variable.
        let (_, target) = source.output(file.by.span)?;
        let target = target.trim_matches('"');
        let (dir, name) = target.rsplit_once('/')?;
        let name = name.strip_suffix(".part").unwrap_or(name);
        let pattern = pattern(name)?;
        let plain = !dir.is_empty() && !dir.contains(['\'', '"', '`', ' ', '(', '\\']);
        // Only behind one that succeeded.
        let piped = flow.pipe(file.by).is_some();
        if !plain || !file.by.errexit || piped && !file.by.pipefail {
            return None;
        }
        let line = format!("find \"{dir}\" -name '{pattern}' -mtime +14 -delete");
        Some(vec![source.follow(file.by.span, &line)?])
    })
}

/// The pattern of names that change: `app_$stamp.sql` is `app_*.sql`. `None` where all would be meant.
fn pattern(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('$') {
        out += before;
        out.push('*');
        rest = match after.as_bytes().first()? {
            b'{' => after.split_once('}')?.1,
            b'(' => after.rsplit_once(')')?.1,
            _ => after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'),
        };
    }
    out += rest;
    let plain = out.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-*".contains(&b));
    let says = out.bytes().filter(u8::is_ascii_alphanumeric).count() > 2;
    (plain && says).then_some(out)
}
