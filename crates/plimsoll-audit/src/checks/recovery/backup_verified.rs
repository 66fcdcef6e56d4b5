//! # Backups are checked for being whole
//!
//! A backup is checked after it was taken, or by a script that checks backups: its sum, its archive, its
//! end, or a restore; and the check can pass on real ones.
//!
//! A file that exists is no backup. A dump that was cut short still begins like one: its first lines and a
//! `gzip` that closed well say nothing about its end. And `gzip -cd "$file" | head` under `pipefail` fails
//! on every dump that is larger than a pipe holds: the check passes on broken small ones only.
//!
//! Check the end (`gzip -cd "$file" | tail -n 5 | grep -q 'dump complete'`), a sum that was written with
//! the dump (`sha256sum -c`), or the list (`pg_restore --list`). PARTIAL: only the archive is tested.
//!
//! ## Fails
//!
//! Nothing looks at it:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app | gzip > /opt/backups/app.sql.gz # <- nothing checks it
//! ```
//!
//! The check dies on large dumps, and sees no end:
//!
//! `ops/backup_verify.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! gzip -t "$1"
//! header=$(gzip -cd "$1" | head -n 20) # <- fails on large dumps
//! echo "$header" | grep -q "PostgreSQL database dump"
//! ```
//!
//! Nobody hears what the check says:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > /opt/backups/app.dump # <- nothing checks it
//! pg_restore --list /opt/backups/app.dump || true
//! ```
//!
//! Or nobody asks for it:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_dump -Fc app > /opt/backups/app.dump # <- nothing checks it
//! if [ "${VERIFY:-false}" = true ]; then pg_restore --list /opt/backups/app.dump; fi
//! pg_restore --list /opt/backups/app.dump | tee -a /var/log/backup.log
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app | gzip > /opt/backups/app.sql.gz
//! gzip -cd /opt/backups/app.sql.gz | tail -n 5 | grep -q "dump complete" # <- looks at its end
//! ```
//!
//! Or:
//!
//! `ops/backup_verify.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! gzip -t "$1"
//! gzip -cd "$1" | tail -n 5 | grep -q "dump complete" # <- looks at its end
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > /opt/backups/app.dump
//! pg_restore --list /opt/backups/app.dump > /dev/null # <- checks it
//! ```
//!
//! By another script:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > /opt/backups/app.dump
//! ```
//! `ops/backup_verify.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! sha256sum -c /opt/backups/app.dump.sha256 # <- checks it
//! ```
//!
//! ## Partial
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app | gzip > /opt/backups/app.sql.gz
//! gzip -t /opt/backups/app.sql.gz # <- tests the archive only
//! ```
//!
//! A sum that has just been made:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_dump app > /opt/backups/app.sql
//! sha256sum /opt/backups/app.sql > /opt/backups/app.sql.sha256
//! sha256sum -c /opt/backups/app.sql.sha256 # <- tests the archive only
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
use plimsoll_model::flow::{Command, CommandKind, Flow};

use crate::conditions::HANDLES_BACKUPS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, Section, Severity,
    Status, Verdict,
};
use crate::{consent, scripts};

pub(super) static CHECK: Check = Check {
    id: "recovery/backup-verified",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["A1.2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS019", relation: Relation::Same }],
    }],
    when: &[&HANDLES_BACKUPS],
    source: include_str!("backup_verified.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let (mut bad, mut checks, mut archives) = (Vec::new(), Vec::new(), Vec::new());
    let mut dumps = Vec::new();
    for script in cx.operational_scripts() {
        let flow = &script.program.flow;
        let taken: Vec<Evidence> = data::dumps(flow)
            .filter(|dump| !data::keeps(dump))
            .map(|dump| Evidence::missing_in(dump.span, "nothing checks it"))
            .collect();
        let about = scripts::is_about_backups(cx, script.program);
        if !about && taken.is_empty() {
            continue;
        }
        dumps.extend(taken);
        for command in scripts::commands(script.program) {
            if breaks_pipe(flow, command) {
                bad.push(Evidence::contradicts(command.span, "fails on large dumps"));
            } else if !scripts::is_heeded(flow, command)
                || consent::off_by_default(flow, command).is_some()
            {
                // Whoever ignores the answer has not asked, nor who has to be told to.
            } else if looks_at_end(flow, command) {
                checks.push(Evidence::shows(command.span, "looks at its end"));
            } else if data::verifies(command) && !asks_for_another(command) {
                let deep = !sums_itself(flow, command)
                    && !matches!(
                        command.program(),
                        "gzip" | "pigz" | "bzip2" | "xz" | "zstd" | "[" | "test" | "[["
                    );
                let says = if deep { "checks it" } else { "tests the archive only" };
                let list = if deep { &mut checks } else { &mut archives };
                list.push(Evidence::shows(command.span, says));
            } else if data::loads(flow, command)
                && data::dumps(flow).any(|dump| flow.passes(dump, command))
            {
                checks.push(Evidence::shows(command.span, "restores it"));
            }
        }
    }
    let mut bad = scripts::once(bad).into_iter();
    if let Some(first) = bad.next() {
        let message = "a check of backups fails on large ones: read all of what is unpacked";
        return Verdict::fail(message, first).and_all(bad).and_all(scripts::once(archives));
    }
    let mut checks = scripts::once(checks).into_iter();
    if let Some(first) = checks.next() {
        return Verdict::pass("backups are checked", first).and_all(checks);
    }
    let mut archives = scripts::once(archives).into_iter();
    if let Some(first) = archives.next() {
        let message = "only the archive is tested, and one cut short is well too: look at its end";
        return Verdict::partial(message, first).and_all(archives);
    }
    let mut dumps = scripts::once(dumps).into_iter();
    match dumps.next() {
        Some(first) => {
            let message = "nothing checks that backups are whole: test them after they are taken";
            Verdict::fail(message, first).and_all(dumps)
        }
        None => {
            let evidence = Evidence::missing_file("backup.sh", "no dump that is kept as a file");
            Verdict::pass("its tool checks backups", evidence)
        }
    }
}

/// Whether a test is about a file that is written out and called like no dump.
fn asks_for_another(command: &Command) -> bool {
    const NAMES: [&str; 6] = ["archive", "backup", "dump", "snapshot", ".gz", ".sql"];
    command.kind == CommandKind::Test
        && command.words.iter().all(|word| {
            !word.contains('$')
                && NAMES.iter().all(|name| !word.to_ascii_lowercase().contains(name))
        })
}

/// Whether a sum is compared that the same script has just made: it says that nothing changed since.
fn sums_itself(flow: &Flow, command: &Command) -> bool {
    let makes = |earlier: &Command| {
        earlier.program() == command.program()
            && earlier.span != command.span
            && earlier.redirects.iter().any(|redirect| redirect.writes())
    };
    command.program().ends_with("sum") && flow.before(command).any(makes)
}

/// Whether a command unpacks a dump into a reader that stops early, where that is a failure.
fn breaks_pipe(flow: &Flow, command: &Command) -> bool {
    let unpacks = data::is_unpacker(command)
        || data::is_dump(flow, command)
        || command.program() == "pg_restore";
    let next = data::downstream(flow, command).into_iter().next();
    let early = next.is_some_and(|next| {
        matches!(next.program(), "head")
            || next.program() == "grep"
                && next.args().iter().any(|w| w.starts_with('-') && w.contains('q'))
    });
    unpacks && early && command.pipefail && command.errexit && !command.tested
}

/// Whether a command looks at the end of what was unpacked.
fn looks_at_end(flow: &Flow, command: &Command) -> bool {
    let ends = |command: &Command| {
        command.program() == "tail"
            || command.args().iter().any(|word| {
                let lower = word.to_ascii_lowercase();
                lower.contains("dump complete") || lower.contains("dump completed")
            })
    };
    let unpacked = data::upstream(flow, command).iter().any(|c| data::is_unpacker(c));
    (unpacked && ends(command))
        || command.program() == "tail" && command.args().iter().any(|w| w.contains(".sql"))
}
