//! # Backups are sent to another machine
//!
//! Each `rsync` and `scp` of a script that sends backups away has a target on another machine: `host:path`
//! or `rsync://…`, after all that the script does to it.
//!
//! Without a colon the target is a directory here: `rsync … "${target#rsync://}"` takes the scheme off, and
//! the copy lands beside the original, in a directory called like the server. Nothing fails, the heartbeat
//! is written.
//!
//! Hand the target on as it is; `rsync` knows `rsync://`. A copy to a path that the script itself has told
//! from the others (`case "$target" in /*)`) is meant to stay, and not asked. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/wal_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! case "$TARGET" in
//!   rsync://*) rsync -av /var/wal/ "${TARGET#rsync://}" ;; # <- is a directory here
//!   *:*) rsync -av -e ssh /var/wal/ "$TARGET" ;;
//! esac
//! ```
//!
//! Or:
//!
//! `ops/backup_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rsync -a /opt/backups/ /opt/backups-copy/ # <- is a directory here
//! ```
//!
//! ## Fixed
//!
//! `ops/wal_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! case "$TARGET" in
//!   rsync://*) rsync -av /var/wal/ "$TARGET" ;; # <- is another machine
//!   *:*) rsync -av -e ssh /var/wal/ "$TARGET" ;; # <- is another machine
//! esac
//! ```
//!
//! Or:
//!
//! `ops/backup_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rsync -a /opt/backups/ vault:/opt/backups-copy/ # <- is another machine
//! ```
//!
//! ## Passes
//!
//! A local target that is meant:
//!
//! `ops/wal_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! case "$TARGET" in
//!   s3://*) aws s3 sync /var/wal/ "$TARGET" ;;
//!   /*) rsync -av /var/wal/ "$TARGET" ;;
//! esac
//! ```
//!
//! The way back, out of a backup that is mounted; and a default that is another machine:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! borg mount ::latest /tmp/borg
//! rsync -a /tmp/borg/data/ /srv/data/
//! target=${TARGET:-backup@nas.example:/srv/}
//! rsync -a /opt/backups/ "$target" # <- is another machine
//! ```
//!
//! ## Cannot tell
//!
//! `ops/wal_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rsync -av /var/wal/ "$TARGET" # <- the environment says where
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rsync -av dist/ /var/www/
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::RegionKind;

use crate::conditions::SENDS_BACKUPS;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, ScriptSubject, Section, Severity, Status,
    Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/sync-target-is-remote",
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
    when: &[&SENDS_BACKUPS],
    source: include_str!("sync_target_is_remote.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let mut meant = false;
    let (mut here, mut away, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        let Some(upload) = data::upload(flow, command) else { continue };
        if data::comes_back(flow, command) {
            continue;
        }
        let arm = flow.around(command.region).find_map(|(_, region)| match &region.kind {
            RegionKind::Arm { patterns, .. } => patterns.first().map(String::as_str),
            _ => None,
        });
        let stripped = upload.to.is_some_and(|to| data::is_remote(to) == Some(false));
        match (upload.remote, arm) {
            (Some(true), _) => away.push(Evidence::shows(command.span, "is another machine")),
            (Some(false), _) => {
                here.push(Evidence::contradicts(command.span, "is a directory here"))
            }
            (None, _) if stripped => {
                here.push(Evidence::contradicts(command.span, "is a directory here"));
            }
            (None, Some(pattern)) if pattern.starts_with('/') => meant = true,
            (None, Some(pattern)) if pattern.contains(':') => {
                away.push(Evidence::shows(command.span, "is another machine"));
            }
            (None, _) => {
                open.push(Evidence::context(command.span, "the environment says where"));
            }
        }
    }
    let remote = !away.is_empty();
    // A copy kept here besides the one that leaves is no fault, unless it was to leave.
    if here.is_empty()
        && !remote
        && let Some(first) = open.pop()
    {
        let message = "the environment says where backups are sent";
        return Verdict::unknown(Why::Dynamic, message, first).and_all(open);
    }
    let fails = "a backup is copied to a directory here: hand the target on with its host";
    let none = || Evidence::context(script.text.whole(), "its target is meant to be here");
    // One that stays is meant to, and takes nothing from those that leave.
    let shows = if away.len() == 1 && meant { Vec::new() } else { away };
    scripts::verdict(here, fails, shows, "backups are sent to another machine", none)
}
