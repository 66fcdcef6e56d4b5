//! # Backups leave the machine
//!
//! Each script that backs up data sends it to another machine or store, itself or by a script that it
//! calls: `aws s3 cp`, `rclone copy`, `restic backup`, `rsync … host:path`.
//!
//! A backup beside the database is lost with the disk, the machine or the account that is taken over. It
//! is the copy elsewhere that recovery is made from.
//!
//! Add the upload behind the dump, to a store whose credentials can only add. PARTIAL: another script
//! sends backups away, and nothing shows that it sends these; or it cannot be told where to.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! docker compose exec -T db sh -c 'pg_dump app' | gzip > "/opt/backups/app_$(date +%F).sql.gz" # <- stays here
//! ```
//!
//! A copy on the same machine, though `rsync` makes it:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump --file=/opt/backups/app.dump app # <- stays here
//! rsync -a /opt/backups/ /mnt/disk2/backups/
//! ```
//!
//! A repository on the same machine:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! export RESTIC_REPOSITORY=/mnt/disk2/restic
//! restic backup /srv/app # <- stays here
//! ```
//!
//! What Redis saved, copied beside it:
//!
//! `ops/redis.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose exec -T redis redis-cli BGSAVE # <- stays here
//! sleep 5
//! docker cp redis:/data/dump.rdb /opt/backups/redis.rdb
//! ```
//!
//! To the machine itself, for show, or something else:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! pg_dump --file=/opt/backups/app.dump app # <- stays here
//! rsync -a /opt/backups/ localhost:/mnt/disk2/
//! rclone copy --dry-run /opt/backups vault:backups
//! aws --endpoint-url http://localhost:9000 s3 cp /opt/backups/app.dump s3://backups/
//! aws s3 cp /var/log/app.log s3://logs/
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! file="/opt/backups/app_$(date +%F).sql.gz"
//! docker compose exec -T db sh -c 'pg_dump app' | gzip > "$file"
//! aws s3 cp "$file" s3://backups/app/ # <- sends it away
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump --file=/opt/backups/app.dump app
//! rsync -a /opt/backups/ backup@vault.example:/backups/ # <- sends it away
//! ```
//!
//! ## Passes
//!
//! By a script that it calls, with its arguments in an array:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /opt/backups/app.sql
//! "$(dirname "$0")/upload.sh"
//! ```
//! `ops/upload.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! args=(s3 sync /opt/backups/)
//! args+=(s3://backups/)
//! aws "${args[@]}" # <- sends it away
//! ```
//!
//! A repository elsewhere; another machine behind the pipe; a tool in a container:
//!
//! `ops/files.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! export BORG_REPO=ssh://app@vault.example:23/./app
//! borg create ::'{now}' /srv/app # <- sends it away
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app | gzip | ssh backup@vault.example "cat > /backups/app.sql.gz" # <- sends it away
//! ```
//! `ops/mongo.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mongodump --archive=/opt/backups/app.mongo
//! docker run --rm -v /opt/backups:/b amazon/aws-cli s3 cp /b/app.mongo s3://backups/ # <- sends it away
//! ```
//!
//! ## Partial
//!
//! Another script sends backups away:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /opt/backups/app.sql # <- stays here
//! ```
//! `ops/offsite_sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rclone sync /opt/backups vault:backups # <- sends backups away
//! ```
//!
//! ## Does not apply
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! gzip -cd app.sql.gz | psql app
//! aws s3 cp s3://backups/app.sql.gz .
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::{Command, Flow};

use crate::conditions::BACKS_UP;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};
use crate::{consent, scripts};

pub(super) static CHECK: Check = Check {
    id: "recovery/offsite-backup",
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS022", relation: Relation::Same }],
    }],
    when: &[&BACKS_UP],
    source: include_str!("offsite_backup.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let sends = |flow: &Flow, command: &Command| {
        let upload = data::upload(flow, command).filter(|upload| upload.remote == Some(true));
        // A container calls its files otherwise.
        let inside = flow.host(command).is_some();
        upload
            .is_some_and(|upload| upload.from.is_none_or(|from| inside || is_of_dumps(flow, from)))
    };
    let surely = |flow: &Flow, command: &Command| {
        sends(flow, command)
            && scripts::is_heeded(flow, command)
            && consent::off_by_default(flow, command).is_none()
    };
    if let Some(at) = scripts::reaches(cx, script.program, &surely) {
        return Verdict::pass("backups leave the machine", Evidence::shows(at, "sends it away"));
    }
    if let Some(at) = scripts::reaches(cx, script.program, &sends) {
        let message = "backups may stay on the machine, and nobody learns of it: let it fail";
        let says = "its failure is ignored, or somebody has to turn it on";
        return Verdict::partial(message, Evidence::contradicts(at, says));
    }
    let here = |dump: &&Command| {
        !data::keeps(dump) || data::upload(flow, dump).is_some_and(|u| u.remote == Some(false))
    };
    let dumps = data::dumps(flow).filter(here);
    let stays = dumps.map(|dump| Evidence::contradicts(dump.span, "stays here"));
    let mut stays = scripts::once(stays.collect()).into_iter();
    let unsure = scripts::commands(script.program)
        .find(|command| data::upload(flow, command).is_some_and(|upload| upload.remote.is_none()));
    if let Some(unsure) = unsure {
        let evidence = Evidence::shows(unsure.span, "goes where the environment says");
        return Verdict::partial("where backups are sent is not written here", evidence);
    }
    let Some(first) = stays.next() else {
        let evidence = Evidence::context(script.text.whole(), "no dump that is kept here");
        return Verdict::pass("backups leave the machine", evidence);
    };
    // What another script sends, where its words name the directory that this one writes to.
    let written: Vec<String> = data::dumps(flow)
        .flat_map(|dump| data::artifacts(flow, dump))
        .filter(|artifact| !artifact.inside)
        .filter_map(|artifact| {
            let path = data::with_defaults(&artifact.path);
            path.rsplit_once('/').map(|(dir, _)| dir.to_owned())
        })
        .filter(|dir| dir.len() > 3 && !dir.contains('$'))
        .collect();
    let other = cx.operational_scripts().find_map(|other| {
        let mut commands = scripts::commands(other.program);
        let sent = commands.find(|command| {
            data::upload(&other.program.flow, command).is_some_and(|upload| {
                let from = upload.from.map(data::with_defaults);
                upload.remote != Some(false)
                    && from.is_some_and(|from| written.iter().any(|dir| from.starts_with(&**dir)))
            })
        })?;
        (other.id != script.id).then_some(sent.span)
    });
    let fails = "backups stay on the machine that they save: send them to another";
    match other {
        Some(at) => Verdict::partial("another script sends backups away: call it here", first)
            .and(Evidence::shows(at, "sends backups away")),
        None => Verdict::fail(fails, first),
    }
    .and_all(stays)
}

/// Whether what is sent from a place may be one of the dumps that a script takes: where both are written
/// out, it has to be.
fn is_of_dumps(flow: &Flow, from: &str) -> bool {
    let open = |text: &str| text.contains(['$', '*', '`']) || !text.starts_with('/');
    let from = data::with_defaults(from);
    let from = from.trim_matches(['"', '\'']).trim_end_matches('/');
    let mut dumps = data::dumps(flow).flat_map(|dump| data::artifacts(flow, dump)).peekable();
    open(from)
        || dumps.peek().is_none()
        || dumps.any(|dump| {
            let path = data::with_defaults(&dump.path);
            let path = path.trim_matches(['"', '\'']);
            open(path) || path.starts_with(from) || from.starts_with(path)
        })
}
