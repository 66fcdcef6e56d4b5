//! # A backup's checksum is written down
//!
//! Each script that writes a backup to a file writes its checksum beside it, or keeps it with a tool that does.
//!
//! A disk changes a bit, a copy is cut: without the sum of the day nobody can tell a month later which of the
//! copies is the one that was made.
//!
//! Write `sha256sum "$file" > "$file.sha256"`, and compare it before a restore. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /srv/backups/app.sql # <- its checksum is not written down
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /srv/backups/app.sql
//! sha256sum /srv/backups/app.sql > /srv/backups/app.sql.sha256 # <- writes its checksum down
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! restic backup /srv/data # <- keeps sums itself
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
use plimsoll_model::flow::Output;

use crate::conditions::BACKS_UP;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/backup-checksummed",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["SSDF PS.2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS020", relation: Relation::Same }],
    }],
    when: &[&BACKS_UP],
    source: include_str!("backup_checksummed.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    const SUMS: [&str; 6] = ["sha256sum", "sha512sum", "b2sum", "shasum", "md5sum", "sha1sum"];
    let flow = &script.program.flow;
    let sum = scripts::commands(script.program).find(|command| {
        let compares = command.args().iter().any(|word| word == "-c" || word == "--check");
        let kept = !matches!(flow.output(command), Output::Inherited);
        SUMS.contains(&command.program()) && !compares && kept
    });
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    for dump in data::dumps(flow) {
        match sum {
            Some(sum) => fine.push(Evidence::shows(sum.span, "writes its checksum down")),
            None if data::keeps(dump) => {
                fine.push(Evidence::shows(dump.span, "keeps sums itself"));
            }
            None => {
                let says = "its checksum is not written down";
                open.push(Evidence::contradicts(dump.span, says));
            }
        }
    }
    let fails = "no checksum of the backup is written down: `sha256sum file > file.sha256`";
    let none = || Evidence::context(script.text.whole(), "writes no backup");
    scripts::verdict(open, fails, fine, "a backup's checksum is written down", none)
}
