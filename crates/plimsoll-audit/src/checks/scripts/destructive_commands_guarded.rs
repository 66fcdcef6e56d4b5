//! # What destroys data asks first
//!
//! No script drops a database, deletes volumes or destroys infrastructure unless something was asked: the answer
//! of a person, a word that the caller must give, or the environment it runs in.
//!
//! `docker compose down -v` in a script that people run to restart deletes the database. It is the same key
//! in the history of the shell, on the wrong machine.
//!
//! Ask (`read -r -p "…"`), demand a word (`[ "$1" = --yes ]`), or refuse by the environment. LOW is what
//! a script does whose own name, target or subcommand says that something goes away: whoever starts it asks for
//! it, though not for where. What a script that restores drops is asked by `recovery/restore-guarded`, `git clean`
//! by `release/no-destructive-clean`.
//!
//! ## Fails
//!
//! `ops/restart.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose down -v # <- deletes the volumes
//! docker compose up -d
//! ```
//!
//! Whoever starts it wanted that, and perhaps not here:
//!
//! `ops/reset-db.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! psql -d postgres -c 'DROP DATABASE app;' # <- drops a database
//! createdb app
//! ```
//!
//! By an option that nobody asks for:
//!
//! `ops/free-space.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker system prune -af --volumes # <- deletes volumes
//! ```
//!
//! ## Passes
//!
//! `ops/restart.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! read -r -p "Delete all data? " answer
//! [ "$answer" = yes ] || exit 1 # <- asks first
//! docker compose down -v
//! docker compose up -d
//! ```
//!
//! A word, or the environment:
//!
//! `ops/reset.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! if [ "$1" = "--volumes" ]; then # <- asks first
//!   docker compose down -v
//! fi
//! ```
//! `ops/seed.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! case "$APP_ENV" in # <- asks first
//!   staging) redis-cli FLUSHALL ;;
//! esac
//! ```
//!
//! In a function of its own:
//!
//! `ops/wipe.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! confirm() {
//!   read -r -p "Sure? " reply
//!   [[ $reply == y ]] # <- asks first
//! }
//! confirm || exit 1
//! docker volume rm app_data
//! ```
//!
//! ## Does not apply
//!
//! What a test made for itself, and what keeps the volumes:
//!
//! `ops/check.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose -p app_test down -v
//! docker compose down
//! docker system prune -f
//! dropdb app_test
//! ```

use plimsoll_model::data;

use crate::conditions::DESTROYS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};
use crate::{consent, scripts};

pub(super) static CHECK: Check = Check {
    id: "scripts/destructive-commands-guarded",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC8.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS017", relation: Relation::Wider }],
    }],
    when: &[&DESTROYS],
    source: include_str!("destructive_commands_guarded.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let restores = scripts::commands(script.program).any(|command| data::loads(flow, command));
    let (mut open, mut asked) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        let Some(what) = consent::destroyed(flow, command) else { continue };
        if restores && data::drops_database(flow, command).is_some() {
            asked.push(Evidence::context(command.span, "drops what it restores"));
        } else if let Some(at) = consent::of(flow, command) {
            asked.push(Evidence::shows(at, "asks first"));
            asked.push(Evidence::context(command.span, what));
        } else {
            let evidence = Evidence::contradicts(command.span, what);
            let wanted = consent::says_so(cx, script.program, command);
            open.push(if wanted { evidence.severity(Severity::Low) } else { evidence });
        }
    }
    let fails = "destroys data and asks nobody: ask, demand a word, or look where it runs";
    let none = || Evidence::context(script.text.whole(), "destroys nothing");
    scripts::verdict(open, fails, asked, "what destroys data asks first", none)
}
