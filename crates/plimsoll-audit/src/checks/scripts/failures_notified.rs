//! # A scheduled script that fails is noticed
//!
//! Each script that a crontab or a timer starts tells somebody when it fails: a trap or the right side of `||` that
//! calls a webhook, mails or pings; or a ping at its end that is missed.
//!
//! A backup that has failed every night for a month is noticed when it is needed.
//!
//! Write `trap 'curl -fsS "$ALERT_URL" -d "backup failed"' ERR`, or ping a monitor behind the last line. There is no
//! PARTIAL here.
//!
//! ## Fails
//!
//! `ops/crontab`:
//! ```ini
//! 0 3 * * * /srv/app/ops/backup.sh # <- starts it
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_dump app > /srv/backups/app.sql
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! trap 'curl -fsS "$ALERT_URL" -d failed' ERR # <- tells somebody
//! pg_dump app > /srv/backups/app.sql
//! ```
//!
//! ## Passes
//!
//! `ops/crontab`:
//! ```ini
//! 0 3 * * * /srv/app/ops/backup.sh
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_dump app > /srv/backups/app.sql
//! curl -fsS https://hc-ping.com/0123 # <- tells somebody
//! ```
//!
//! ## Does not apply
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /srv/backups/app.sql
//! ```

use plimsoll_model::flow::Command;

use crate::conditions::IS_SCHEDULED;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/failures-notified",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC7.3"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS044", relation: Relation::Wider }],
    }],
    when: &[&IS_SCHEDULED],
    source: include_str!("failures_notified.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let tells = |command: &&Command| {
        let words = command.words.join(" ").to_ascii_lowercase();
        let posts = matches!(command.program(), "curl" | "wget")
            && [
                "hook", "alert", "ping", "slack", "ntfy", "health", "notify", "monitor", "telegram",
            ]
            .iter()
            .any(|word| words.contains(word));
        let named = ["notify", "alert", "report_failure", "send_mail"];
        posts
            || matches!(command.program(), "mail" | "mailx" | "sendmail" | "ntfy" | "msmtp")
            || named.iter().any(|name| command.program().contains(name))
    };
    let found = script.flow.commands.iter().find(tells);
    if let Some(command) = found {
        let evidence = Evidence::shows(command.span, "tells somebody");
        return Verdict::pass("a scheduled script that fails is noticed", evidence);
    }
    let at = scripts::scheduled(cx, script.program);
    let at = at.unwrap_or_else(|| cx.start_of(script.file));
    // A timer may tell by itself.
    let path = cx.path(at.file);
    let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let own = |file| {
        cx.text_of(cx.whole(file))
            .is_some_and(|text| text.contains("OnFailure=") || text.contains("MAILTO="))
    };
    if cx.delivery.tree.under(dir).filter(|file| *file == at.file).any(own) {
        let evidence = Evidence::shows(at, "tells somebody itself");
        return Verdict::pass("a scheduled script that fails is noticed", evidence);
    }
    let message = "nobody learns that this script failed: ping a monitor, or call a webhook";
    Verdict::fail(message, Evidence::contradicts(at, "starts it, and nobody learns of a failure"))
}
