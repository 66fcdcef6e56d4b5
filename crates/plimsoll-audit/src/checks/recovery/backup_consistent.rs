//! # A dump is of one moment
//!
//! Each `mysqldump` and `mariadb-dump` runs in one transaction or holds all tables; and the files of a
//! database are copied while it stands still, or from a snapshot.
//!
//! Without it rows are read table by table while others write: orders without their customers, which nobody
//! sees until the restore.
//!
//! Add `--single-transaction` (InnoDB) or `--lock-all-tables`. `pg_dump` and `mongodump --oplog` do it by
//! themselves. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mysqldump app > /opt/backups/app.sql # <- reads table by table
//! ```
//!
//! Its files, while it writes to them:
//!
//! `ops/files.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! tar czf /opt/backups/pg.tgz /var/lib/postgresql/data # <- copies files that are written to
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mysqldump --single-transaction app > /opt/backups/app.sql # <- is of one moment
//! ```
//!
//! Or:
//!
//! `ops/files.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose stop db
//! tar czf /opt/backups/pg.tgz /var/lib/postgresql/data # <- is of one moment
//! docker compose start db
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /opt/backups/app.sql # <- is of one moment
//! ```
//!
//! ## Does not apply
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mysql app < app.sql
//! ```

use plimsoll_model::data;

use crate::conditions::BACKS_UP;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/backup-consistent",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["A1.2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS026", relation: Relation::Wider }],
    }],
    when: &[&BACKS_UP],
    source: include_str!("backup_consistent.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    const WHOLE: [&str; 5] =
        ["--single-transaction", "--lock-all-tables", "-x", "--master-data", "--source-data"];
    let (mut torn, mut whole) = (Vec::new(), Vec::new());
    for dump in data::dumps(&script.program.flow) {
        let by_table = matches!(dump.program(), "mysqldump" | "mariadb-dump");
        let says = |word: &String| WHOLE.contains(&word.split('=').next().unwrap_or(word));
        if by_table && !dump.args().iter().any(says) {
            torn.push(Evidence::contradicts(dump.span, "reads table by table"));
        } else if data::is_live_copy(&script.program.flow, dump) {
            torn.push(Evidence::contradicts(dump.span, "copies files that are written to"));
        } else {
            whole.push(Evidence::shows(dump.span, "is of one moment"));
        }
    }
    let fails = "a dump is taken while others write: add `--single-transaction`, or stop them";
    let none = || Evidence::context(script.text.whole(), "dumps no tables");
    scripts::verdict(torn, fails, whole, "a dump is of one moment", none)
}
