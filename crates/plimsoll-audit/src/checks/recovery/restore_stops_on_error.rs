//! # A restore stops at the first error
//!
//! Each client that reads a dump ends at the first statement that fails: `psql -v ON_ERROR_STOP=1` or
//! `--single-transaction`, `pg_restore --exit-on-error` or `--single-transaction`.
//!
//! `psql` goes on behind errors and says that all was well. The script then starts the services on half a
//! database.
//!
//! Add the option; `--single-transaction` leaves nothing half-done. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! gzip -cd "$1" | docker compose exec -T db sh -c 'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB"' # <- goes on behind errors
//! ```
//!
//! Or:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore --clean -d app "$1" # <- goes on behind errors
//! ```
//!
//! Of a script that is called a restore, whatever file it is given:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! file=${1:?which file?}
//! psql -v ON_ERROR_STOP=0 -d app < "$file" # <- goes on
//! ```
//!
//! ## Fixed
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! gzip -cd "$1" | docker compose exec -T db sh -c 'psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB"' # <- stops
//! ```
//!
//! Or:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore --exit-on-error --clean -d app "$1" # <- stops
//! ```
//!
//! ## Passes
//!
//! Its options in an array:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! args=(--verbose --clean --exit-on-error)
//! pg_restore "${args[@]}" --dbname=app "$1" # <- stops
//! ```
//!
//! Or:
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! gunzip < "$1" | psql --set ON_ERROR_STOP=on app # <- stops
//! pg_restore -ecd app "$2" # <- stops
//! ```
//!
//! ## Does not apply
//!
//! A statement, not a dump; a list:
//!
//! `ops/check.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! psql -c "SELECT 1"
//! pg_restore --list app.dump
//! ```

use plimsoll_model::data;
use plimsoll_model::mend::after;

use crate::conditions::RESTORES;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, ScriptSubject, Section, Severity,
    Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/restore-stops-on-error",
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
    when: &[&RESTORES],
    source: include_str!("restore_stops_on_error.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut goes_on, mut stops) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|command| data::loads(flow, command)) {
        let has = |names: &[&str]| command.args().iter().any(|word| names.contains(&&**word));
        let ends = match command.program() {
            "psql" => {
                let says = |text: &str| {
                    let off = ["=0", "=off", "=false"].iter().any(|off| text.ends_with(off));
                    text.contains("ON_ERROR_STOP") && !off
                };
                has(&["-1", "--single-transaction"])
                    || command.args().iter().any(|word| says(word))
                    || command.env.iter().any(|(name, value)| says(name) || says(value))
            }
            "pg_restore" => {
                // `-ecd app`: up to the one that takes a value.
                let short = command.args().iter().filter(|word| !word.starts_with("--"));
                let mut bundles = short.filter_map(|word| word.strip_prefix('-'));
                let own = |bundle: &str| {
                    let flags = bundle.split(['d', 'f', 'h', 'j', 'n', 'p', 't', 'U', 'F']).next();
                    flags.is_some_and(|flags| flags.contains(['e', '1']))
                };
                bundles.any(own) || has(&["--exit-on-error", "--single-transaction"])
            }
            "mongorestore" => has(&["--stopOnError"]),
            _ => !has(&["-f", "--force"]),
        };
        if ends {
            stops.push(Evidence::shows(command.span, "stops at the first error"));
        } else {
            goes_on.push(Evidence::contradicts(command.span, "goes on behind errors"));
        }
    }
    let fails = "a restore goes on behind errors: add `-v ON_ERROR_STOP=1` or `--exit-on-error`";
    let none = || Evidence::context(script.text.whole(), "restores nothing");
    scripts::verdict(goes_on, fails, stops, "a restore stops at the first error", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "stop at the first error: a restore that went on until now ends there";
    let sample = "psql -v ON_ERROR_STOP=1\n";
    let sample = mending::scripts::sample(cx, finding, sample);
    mending::scripts::each(cx, finding, does, sample, |program, source, at| {
        let mut commands = scripts::commands(program).filter(|command| command.span == at);
        let command = commands.find(|command| data::loads(&program.flow, command))?;
        let option = match command.program() {
            "psql" => "-v ON_ERROR_STOP=1",
            "pg_restore" => "--exit-on-error",
            "mongorestore" => "--stopOnError",
            _ => return None,
        };
        Some(vec![after(source.word(at, command.program())?, format!(" {option}"))])
    })
}
