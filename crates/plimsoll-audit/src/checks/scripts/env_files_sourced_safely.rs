//! # Files of variables are read as what they are
//!
//! No script splits a file of variables into words (`export $(cat .env | xargs)`, `eval "$(cat .env)"`).
//!
//! A value with a blank, a `#` or a quote arrives cut, or as another variable; with `eval` it runs. `docker compose`
//! reads the same file otherwise, so that the script and the service disagree about the password.
//!
//! Hand the file over: `docker compose --env-file .env`, `docker run --env-file .env`. PARTIAL: `source .env`, which
//! runs whatever stands in it, and reads quotes as a shell does.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! export $(grep -v '^#' .env | xargs) # <- is split into words
//! docker compose up -d
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose --env-file .env up -d
//! cat .env > /dev/null
//! . ./lib.sh
//! ```
//!
//! ## Passes
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose --env-file prod.env up -d # <- hands it over
//! ```
//!
//! ## Partial
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -a
//! . ./.env # <- is run
//! set +a
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! . ./lib.sh
//! docker compose up -d
//! ```

use crate::codes::{self, Reads};
use crate::conditions::READS_ENV_FILES;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/env-files-sourced-safely",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CICD-SEC-6"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS035", relation: Relation::Same }],
    }],
    when: &[&READS_ENV_FILES],
    source: include_str!("env_files_sourced_safely.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let (mut split, mut sourced, mut handed) = (Vec::new(), Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        match codes::env_file(command) {
            Some(Reads::Split) => {
                split.push(Evidence::contradicts(command.span, "is split into words"));
            }
            Some(Reads::Sourced) => sourced.push(Evidence::shows(command.span, "is run")),
            Some(Reads::Handed) => handed.push(Evidence::shows(command.span, "hands it over")),
            None => {}
        }
    }
    let mut sourced = scripts::once(sourced).into_iter();
    if split.is_empty()
        && let Some(first) = sourced.next()
    {
        let message = "a file of variables is run as a program: hand it over with `--env-file`";
        return Verdict::partial(message, first).and_all(sourced);
    }
    let fails = "a file of variables is split into words: hand it over with `--env-file`";
    let none = || Evidence::context(script.text.whole(), "reads no file of variables");
    scripts::verdict(split, fails, handed, "files of variables are read as what they are", none)
}
