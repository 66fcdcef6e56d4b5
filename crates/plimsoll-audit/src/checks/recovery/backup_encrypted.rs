//! # Backups that leave are encrypted
//!
//! Each backup that a script sends to another machine or store is encrypted before, by the tool that keeps it, or
//! by the store's own option.
//!
//! A bucket that is opened by mistake, a disk that is thrown away, an account of the provider: whoever reads the
//! backup has the whole database, and nobody notices.
//!
//! Encrypt it with a key that lies elsewhere: `age -r …`, `gpg --encrypt`, restic, borg, `rclone` to a `crypt`
//! remote. PARTIAL: the store encrypts it by its own key (`--sse`).
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /srv/backups/app.sql
//! aws s3 cp /srv/backups/app.sql s3://backups/ # <- leaves as it is
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app | age -r age1xyz > /srv/backups/app.bin # <- encrypts it
//! aws s3 cp /srv/backups/app.bin s3://backups/
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! restic -r s3:s3.example.com/backups backup /srv/data # <- encrypts it
//! ```
//!
//! ## Partial
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /srv/backups/app.sql
//! aws s3 cp --sse AES256 /srv/backups/app.sql s3://backups/ # <- is encrypted by the store
//! ```
//!
//! ## Cannot tell
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /srv/backups/app.sql
//! rclone copy /srv/backups "$REMOTE" # <- goes where the environment says
//! ```
//!
//! ## Does not apply
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /srv/backups/app.sql
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::Command;

use crate::conditions::SENDS_BACKUPS;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/backup-encrypted",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC6.7"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS023", relation: Relation::Same }],
    }],
    when: &[&SENDS_BACKUPS],
    source: include_str!("backup_encrypted.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let about = scripts::is_about_backups(cx, script.program);
    let (mut open, mut stored, mut closed, mut unsure) = (Vec::new(), Vec::new(), Vec::new(), None);
    let encrypts = scripts::commands(script.program).find(|command| encrypts(command));
    for command in scripts::commands(script.program) {
        let Some(upload) = data::upload(flow, command) else { continue };
        let names = ["backup", "dump", "snapshot"];
        let named = upload.from.is_some_and(|from| names.iter().any(|name| from.contains(name)));
        if !about && !named || upload.remote == Some(false) || data::comes_back(flow, command) {
            continue;
        }
        let has = |option: &str| command.args().iter().any(|word| word.starts_with(option));
        let from = upload.from.unwrap_or("");
        let sealed = [".age", ".gpg", ".enc", ".asc", ".pgp"].iter().any(|end| from.contains(end));
        let crypt = upload.to.is_some_and(|to| to.to_ascii_lowercase().contains("crypt"));
        if let Some(at) = encrypts.filter(|at| at.at <= command.at) {
            closed.push(Evidence::shows(at.span, "encrypts it"));
        } else if data::keeps(command) && !has("--no-encryption") && !has("--encryption=none")
            || sealed
            || crypt
        {
            closed.push(Evidence::shows(command.span, "encrypts it"));
        } else if has("--sse") || has("--server-side-encryption") || has("--encryption-key") {
            stored.push(Evidence::shows(command.span, "is encrypted by the store"));
        } else if upload.remote.is_none() {
            unsure = unsure.or(Some(command.span));
        } else {
            open.push(Evidence::contradicts(command.span, "leaves as it is"));
        }
    }
    if open.is_empty()
        && let Some(at) = unsure
    {
        let evidence = Evidence::context(at, "goes where the environment says");
        return Verdict::unknown(Why::Dynamic, "where backups go is not written here", evidence);
    }
    let mut stored = scripts::once(stored).into_iter();
    if open.is_empty()
        && let Some(first) = stored.next()
    {
        let message = "the store encrypts backups by its own key: encrypt them before they leave";
        return Verdict::partial(message, first).and_all(stored);
    }
    let fails = "backups leave as they are: encrypt them with a key that lies elsewhere";
    let none = || Evidence::context(script.text.whole(), "sends no backup itself");
    scripts::verdict(open, fails, closed, "backups that leave are encrypted", none)
}

/// Whether a command encrypts what it reads.
fn encrypts(command: &Command) -> bool {
    let has = |names: &[&str]| command.args().iter().any(|word| names.contains(&word.as_str()));
    match command.program() {
        "age" | "rage" => !has(&["-d", "--decrypt"]),
        "gpg" | "gpg2" => has(&["-c", "--symmetric", "-e", "--encrypt", "-r", "--recipient"]),
        "openssl" => has(&["enc", "smime", "cms"]) && !has(&["-d", "-decrypt"]),
        "ccrypt" | "7z" => true,
        _ => false,
    }
}
