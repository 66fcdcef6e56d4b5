//! # A restore asks before it overwrites
//!
//! No script loads a dump into a database unless a person confirmed it, the caller gave a word for it, or
//! the environment was compared.
//!
//! A restore replaces what is there with what was there. Started on the wrong machine, or with the production
//! settings still in the shell, it loses everything since the backup.
//!
//! Ask for the name of the database to be typed, or demand `--yes`. PARTIAL: the caller names the target as an
//! argument, and nothing else is asked. A database that is filled to look at the backup may be overwritten.
//!
//! ## Fails
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! gzip -cd app.sql.gz | psql -v ON_ERROR_STOP=1 -d app # <- overwrites without asking
//! ```
//!
//! What holds where nobody has set anything asks nobody, nor what ends a subshell alone:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! [ "${CONFIRM:-yes}" = yes ] || exit 1
//! read -r -p "Really? " answer
//! ( [ "$answer" = y ] || exit 1 )
//! pg_restore --clean -d app /opt/backups/app.dump # <- overwrites without asking
//! ```
//!
//! ## Fixed
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! read -r -p "Type the name of the database: " name
//! [ "$name" = app ] || exit 1 # <- asks first
//! gzip -cd app.sql.gz | psql -v ON_ERROR_STOP=1 -d app
//! ```
//!
//! ## Passes
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! [ "$2" = "--yes" ] || exit 1 # <- asks first
//! pg_restore --exit-on-error -d app "$1"
//! ```
//!
//! A drill has a database of its own:
//!
//! `ops/drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! createdb drill
//! pg_restore --exit-on-error -d drill "$1" # <- has a target of its own
//! ```
//!
//! So has a restore that makes the database it fills:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! docker compose exec -T db createdb -U app app_new
//! docker compose exec -T db pg_restore --exit-on-error -U app --dbname=app_new < "$1" # <- of its own
//! ```
//!
//! ## Partial
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_restore --exit-on-error -d "$1" app.dump # <- goes where it is told
//! ```
//!
//! ## Does not apply
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > app.dump
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::Command;

use crate::conditions::RESTORES;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};
use crate::{codes, consent, scripts};

pub(super) static CHECK: Check = Check {
    id: "recovery/restore-guarded",
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS018", relation: Relation::Same }],
    }],
    when: &[&RESTORES],
    source: include_str!("restore_guarded.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let drill = scripts::is_named(cx, script.program, &["drill", "verify", "test", "check"]);
    let (mut open, mut told, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|c| data::loads(flow, c)) {
        let target = data::option(command, &["--dbname", "-d", "--db", "--nsTo"]);
        let target = target.or_else(|| target_of(command)).unwrap_or("");
        let given = command.expansions.iter().any(|expansion| {
            let text = [format!("${}", expansion.name), format!("${{{}", expansion.name)];
            text.iter().any(|text| target.contains(text.as_str()))
                && codes::is_given(flow, command, expansion)
        });
        let inside = flow.host(command).is_some_and(|host| {
            let names = host.expansions.iter().map(|expansion| expansion.name.as_str());
            let words = host.words.iter().take(6).map(String::as_str);
            words.chain(names).any(consent::is_scratch)
        });
        // A database that the script itself makes is nobody's yet: `createdb` fails where it exists.
        let about = |c: &Command, verb: &str| {
            c.args().last().is_some_and(|last| last == target) && c.program() == verb
        };
        let earlier = flow.commands.get(..command.at).unwrap_or_default();
        let fresh = earlier.iter().any(|c| about(c, "createdb"))
            && !earlier.iter().any(|c| about(c, "dropdb"));
        if drill || inside || fresh || consent::is_scratch(target) {
            asked.push(Evidence::shows(command.span, "has a target of its own"));
        } else if let Some(at) = consent::of(flow, command) {
            asked.push(Evidence::shows(at, "asks first"));
        } else if given {
            told.push(Evidence::shows(command.span, "goes where it is told"));
        } else {
            open.push(Evidence::contradicts(command.span, "overwrites without asking"));
        }
    }
    let message = "the caller names what is overwritten, and nothing else is asked";
    match scripts::once(told).into_iter().next() {
        Some(first) if open.is_empty() => Verdict::partial(message, first),
        _ => {
            let fails = "a restore overwrites a database and asks nobody: have its name typed";
            let none = || Evidence::context(script.text.whole(), "loads no dump");
            scripts::verdict(open, fails, asked, "a restore asks before it overwrites", none)
        }
    }
}

/// The database that a client names without an option: its last word.
fn target_of(command: &Command) -> Option<&str> {
    let last = command.args().last().map(String::as_str);
    let client = matches!(command.program(), "psql" | "mysql" | "mariadb");
    last.filter(|last| client && !last.starts_with('-'))
}
