//! # Two deployments do not run at once
//!
//! A script that deploys, rolls back or takes a backup holds a lock: `flock`, `mkdir` of a lock's
//! directory, `set -o noclobber`, an advisory lock of the database; or the workflow that starts it has a
//! `concurrency:`.
//!
//! Two at once reset the work tree under each other, run migrations twice, and switch the proxy to what
//! the other just stopped. It happens when the first one seems to hang.
//!
//! `exec 9>/var/lock/deploy.lock; flock -n 9 || { echo "runs already" >&2; exit 1; }` at its beginning.
//!
//! ## Fails
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh # <- no lock
//! set -eu
//! docker compose pull
//! docker compose up -d
//! ```
//!
//! ## Fixed
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! exec 9>/var/lock/deploy.lock
//! flock -n 9 || exit 1 # <- holds a lock
//! docker compose pull
//! docker compose up -d
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! mkdir /tmp/backup.lock || exit 1 # <- holds a lock
//! pg_dump shop > /var/backups/shop.sql
//! ```
//!
//! ## Does not apply
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/bin/sh
//! docker image prune -f
//! ```

use plimsoll_model::flow::Command;
use plimsoll_source::{Derived, Span};

use crate::answers::Answers;
use crate::conditions::SCRIPT_NEEDS_A_LOCK;
use crate::scripts::{called, commands};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/one-deploy-at-a-time",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC8.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent {
                tool: "catalogue",
                rule: "release/one-deploy-at-a-time",
                relation: Relation::Same,
            },
            Equivalent { tool: "catalogue", rule: "OPS010", relation: Relation::Same },
        ],
    }],
    when: &[&SCRIPT_NEEDS_A_LOCK],
    source: include_str!("one_deploy_at_a_time.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    let lock = commands(script.program).find(|command| locks(command));
    let nested = || {
        cx.operational_scripts().find_map(|other| {
            // Who is only started under another's lock needs none.
            let mut all = commands(other.program);
            let held = all.find(|c| locks(c))?;
            let mut runs = commands(other.program);
            let starts = runs.any(|c| {
                c.at > held.at
                    && called(cx, other.program, c).is_some_and(|p| p.file == script.file)
            });
            (other.file != script.file && starts).then_some(held.span)
        })
    };
    match lock.map(|command| command.span).or_else(nested).or_else(|| in_pipeline(cx, script)) {
        Some(at) => answers.good(at, "holds a lock"),
        None => answers.missing(cx.start_of(script.file), "no lock: two may run at once"),
    }
    answers.joined(
        "two of these may run at once: take a lock at the beginning (`flock`)",
        "two deployments do not run at once",
        "it cannot be told whether a lock is held",
    )
}

fn locks(command: &Command) -> bool {
    let has = |needle: &str| command.words.iter().any(|word| word.contains(needle));
    match command.program() {
        "flock" | "lockfile" | "shlock" | "setlock" | "lckdo" | "dotlockfile" => true,
        "mkdir" => command.words.iter().any(|word| word.to_ascii_lowercase().contains("lock")),
        "set" => has("noclobber") || has("-C"),
        "ln" => has("lock"),
        _ => has("pg_advisory_lock") || has("pg_try_advisory_lock") || has("GET_LOCK("),
    }
}

/// The `concurrency:` of a workflow, or of its job, that starts the script.
fn in_pipeline(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Option<Span> {
    let name = cx.path(script.file);
    let runs = |text: &Derived| String::from_utf8_lossy(text.text()).contains(name);
    cx.delivery.pipelines.iter().find_map(|pipeline| {
        pipeline.jobs.iter().find_map(|job| {
            let alone = job.concurrency.or(pipeline.concurrency)?;
            let mut texts = job.steps.iter().filter_map(|step| step.run.as_ref());
            texts.any(|(text, _)| runs(text)).then_some(alone)
        })
    })
}
