//! # Scripts of the worst hour are run before it
//!
//! Each script that backs up, restores or rolls back is started by something: a pipeline, a schedule, another
//! script, a Makefile; or a document says when to run it.
//!
//! What nothing runs and no one is told of rots: paths move, services are renamed, and the script is found out
//! when it is the last hope.
//!
//! Schedule the backup, and the restore as a drill. PARTIAL: only a document names it.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /srv/backups/app.sql # <- nothing starts this script
//! ```
//!
//! ## Fixed
//!
//! `ops/crontab`:
//! ```ini
//! 0 3 * * * /srv/app/ops/backup.sh # <- starts it
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /srv/backups/app.sql
//! ```
//! `.github/workflows/backup.yml`:
//! ```yaml
//! on:
//!   schedule: [{ cron: "0 3 * * *" }]
//! jobs:
//!   backup:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./ops/backup.sh # <- starts it
//! ```
//!
//! ## Partial
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore --exit-on-error -d app "$1"
//! ```
//! `docs/restore.md`:
//! ````markdown
//! # Restore
//!
//! Run `ops/restore.sh app.dump`. # <- names it
//! ````
//!
//! ## Does not apply
//!
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! ```

use plimsoll_model::data;

use crate::conditions::SAVES_OR_RETURNS;
use crate::evidence::clip;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/scripts-exercised",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["A1.3", "CC7.5"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS047", relation: Relation::Same }],
    }],
    when: &[&SAVES_OR_RETURNS],
    source: include_str!("scripts_exercised.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let path = cx.path(script.file);
    let name = path.rsplit('/').next().unwrap_or(path);
    if let Some(target) = &script.target {
        let says = format!("`make {}` is run by hand", clip(target));
        let evidence = Evidence::context(script.text.whole(), says);
        return Verdict::pass("a target of a Makefile starts it", evidence);
    }
    if let Some(at) = scripts::starter(cx, script.program) {
        return Verdict::pass("something starts it", Evidence::shows(at, "starts it"));
    }
    let of_test = cx.delivery.programs.iter().find_map(|other| {
        let mut commands = scripts::commands(other);
        let runs = commands.find(|command| command.words.iter().any(|word| word.contains(name)));
        Some(runs?.span).filter(|_| other.file != script.file)
    });
    let documents = cx.delivery.documents.iter().flat_map(|document| &document.code);
    let named = documents.into_iter().find(|code| code.text.contains(name));
    match (of_test, named) {
        (Some(at), _) => Verdict::pass("something starts it", Evidence::shows(at, "starts it")),
        (None, Some(code)) => {
            let message =
                format!("only a document names `{}`: schedule it, or a drill of it", clip(name));
            Verdict::partial(message, Evidence::shows(code.span, "names it"))
        }
        (None, None) => {
            let message = format!("nothing starts `{}`: schedule it, or a drill of it", clip(name));
            let flow = &script.flow;
            let mut commands = scripts::commands(script.program);
            let acts = commands.find(|c| data::is_dump(flow, c) || data::loads(flow, c));
            let at = acts.map_or_else(|| script.text.whole(), |command| command.span);
            Verdict::fail(message, Evidence::contradicts(at, "nothing starts this script"))
        }
    }
}
