//! # What sends backups away is started by something
//!
//! Each script that sends backups away is started by a timer, a crontab, a pipeline, a container or another
//! script of the repository.
//!
//! A script that only a line in a document mentions runs where someone followed the document, until the
//! machine is set up anew.
//!
//! Commit what starts it: a systemd timer, a crontab, a container with a schedule, a pipeline with
//! `schedule:`. There is no PARTIAL here: something starts it, or nothing does.
//!
//! ## Fails
//!
//! `ops/backup_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! aws s3 sync /opt/backups/ s3://backups/ # <- nothing starts it
//! ```
//! `OPERATIONS.md`:
//! ```md
//! Add `*/5 * * * * /opt/app/ops/backup_sync.sh` to the crontab.
//! ```
//!
//! Only its file is handled:
//!
//! `ops/backup_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rclone copy /opt/backups vault:backups # <- nothing starts it
//! ```
//! `ops/lint.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! shellcheck ops/backup_sync.sh
//! chmod +x ops/backup_sync.sh
//! ```
//!
//! ## Fixed
//!
//! `ops/backup_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! aws s3 sync /opt/backups/ s3://backups/
//! ```
//! `ops/crontab`:
//! ```text
//! */5 * * * * root /opt/app/ops/backup_sync.sh # <- starts it
//! ```
//!
//! ## Passes
//!
//! `ops/backup_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rclone copy /opt/backups vault:backups
//! ```
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   sync:
//!     image: rclone/rclone:1.68
//!     entrypoint: ["/ops/backup_sync.sh"] # <- starts it
//! ```
//!
//! A script makes the crontab:
//!
//! `ops/sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rclone copy /opt/backups vault:backups
//! ```
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! (crontab -l; echo "0 3 * * * /srv/app/ops/sync.sh") | crontab - # <- starts it
//! ```
//!
//! ## Does not apply
//!
//! It sends no backups:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rsync -av dist/ web@example.com:/var/www/
//! ```

use plimsoll_model::data;

use crate::conditions::SENDS_BACKUPS;
use crate::evidence::clip;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, ScriptSubject, Section, Severity, Status,
    Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/sync-scheduled",
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
    when: &[&SENDS_BACKUPS],
    source: include_str!("sync_scheduled.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    if script.target.is_some() {
        let evidence = Evidence::context(script.text.whole(), "people start it by its name");
        return Verdict::unknown(
            Why::NeedsRun,
            "whether anyone starts the target is not known",
            evidence,
        );
    }
    if let Some(at) = scripts::starter(cx, script.program) {
        let message = "what sends backups away is started";
        return Verdict::pass(message, Evidence::shows(at, "starts it"));
    }
    let sends = scripts::commands(script.program)
        .find(|command| data::upload(&script.program.flow, command).is_some());
    let at = sends.map_or_else(|| script.text.whole(), |command| command.span);
    let path = clip(cx.path(script.file));
    let message = format!("nothing starts `{path}`: commit a timer, a crontab or a schedule");
    Verdict::fail(message, Evidence::contradicts(at, "nothing starts it"))
}
