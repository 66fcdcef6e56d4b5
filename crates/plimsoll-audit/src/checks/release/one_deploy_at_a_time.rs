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
//! `mkdir -p` never fails, and a lock behind the deployment is none:
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh # <- no lock
//! set -eu
//! mkdir -p /var/lock/app
//! docker compose up -d
//! exec 9>/var/lock/app/deploy
//! flock 9
//! ```
//!
//! A lock that holds nobody up: its failure is only said, it is another for each, or it is let go before.
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/bash # <- no lock
//! set -eu
//! exec 9>/var/lock/deploy.lock
//! flock -n 9 || echo "another one runs"
//! exec 8>/tmp/deploy.$$.lock
//! flock -n 8 || exit 1
//! ( flock -n 7 || exit 1 ) 7>/var/lock/deploy.lock
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
//! By `flock` around itself, and by a file that is asked for first:
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! [ "${LOCKED:-}" = 1 ] || exec env LOCKED=1 flock -en "$0" "$0" "$@" # <- holds a lock
//! docker compose up -d
//! ```
//! `rollback.sh`:
//! ```sh
//! #!/bin/sh
//! if [ -e /tmp/deploy.lock ]; then exit 1; fi
//! touch /tmp/deploy.lock # <- holds a lock
//! docker compose up -d
//! ```
//!
//! ## Does not apply
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/bin/sh
//! docker image prune -f
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::{After, Command, CommandKind, Flow, RegionKind};
use plimsoll_source::{Derived, Span};

use crate::answers::Answers;
use crate::conditions::SCRIPT_NEEDS_A_LOCK;
use crate::releasing::starts;
use crate::scripts::{called, commands, migrates};
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
    let flow = &script.flow;
    // One that is taken behind what it is for comes too late.
    let begins = |c: &Command| starts(c) || data::is_dump(flow, c) || migrates(flow, c);
    let first = commands(script.program).find(|c| begins(c)).map_or(usize::MAX, |c| c.at);
    let lock = commands(script.program)
        .find(|c| c.at <= first && holds(flow, c, first) || marks(flow, c, first));
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

/// Whether a command takes a lock for another: whoever does not get it goes no further, it is the same
/// for everybody, and it is held until then.
fn holds(flow: &Flow, lock: &Command, first: usize) -> bool {
    let Some(first) = flow.commands.get(first) else { return locks(lock) };
    let waits = |word: &String| matches!(word.as_str(), "-n" | "--nonblock" | "-w" | "--timeout");
    let alone = lock.program() == "flock" && lock.args().iter().any(waits);
    let stops = !alone
        || lock.stops()
        || lock.if_succeeds != After::GoesOn
        || flow.guards(first).any(|guard| guard.at == lock.at);
    let mut around = flow.around(lock.region);
    let kept = around
        .find(|(_, region)| matches!(region.kind, RegionKind::Subshell))
        .is_none_or(|(subshell, _)| flow.around(first.region).any(|(id, _)| id == subshell));
    let targets = flow.commands.iter().take(lock.at).flat_map(|command| &command.redirects);
    let mut files = targets.map(|redirect| &redirect.target).chain(lock.args());
    let own = files.any(|file| is_lock(file) && file.contains("$$"));
    locks(lock) && stops && kept && !own
}

fn locks(command: &Command) -> bool {
    let has = |needle: &str| command.words.iter().any(|word| word.contains(needle));
    let short = |c: char| {
        command.words.iter().any(|w| w.starts_with('-') && !w.starts_with("--") && w.contains(c))
    };
    if command.wrappers.contains(&"flock") {
        return true;
    }
    match command.program() {
        "flock" | "lockfile" | "shlock" | "setlock" | "lckdo" | "dotlockfile" => true,
        // With `-p` it is made, whoever made it before.
        "mkdir" => !short('p') && command.words.iter().any(|word| is_lock(word)),
        "set" => has("noclobber") || has("-C"),
        "ln" => !short('f') && has("lock"),
        _ => has("pg_advisory_lock") || has("pg_try_advisory_lock") || has("GET_LOCK("),
    }
}

/// Whether a command writes a lock's file that a test asked for before, in front of `first`.
fn marks(flow: &Flow, command: &Command, first: usize) -> bool {
    let touched = command.args().iter().filter(|_| command.program() == "touch");
    let written = command.redirects.iter().filter(|r| r.writes()).map(|redirect| &redirect.target);
    let mut files = touched.chain(written).filter(|file| is_lock(file));
    let asked = |file: &String| {
        let tests = flow.commands.iter().take(command.at).filter(|c| c.kind == CommandKind::Test);
        let first = flow.commands.get(first);
        let decides =
            |test: &Command| first.is_none_or(|c| flow.guards(c).any(|guard| guard.at == test.at));
        tests.into_iter().any(|test| test.words.contains(file) && decides(test))
    };
    command.at <= first && files.any(asked)
}

/// Whether a file's name says that it is a lock.
fn is_lock(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("lock") || lower.ends_with(".pid")
}

/// The `concurrency:` of a workflow, or of its job, that starts the script.
fn in_pipeline(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Option<Span> {
    let name = cx.path(script.file);
    let runs = |text: &Derived| String::from_utf8_lossy(text.text()).contains(name);
    cx.delivery.pipelines.iter().find_map(|pipeline| {
        pipeline.jobs.iter().find_map(|job| {
            let alone = job.concurrency.or(pipeline.concurrency)?;
            // A group for each commit or run is nobody else's.
            let own = ["github.sha", "github.run_id", "github.run_number", "github.run_attempt"];
            let text = cx.text_of(alone)?;
            if own.iter().any(|own| text.contains(own)) {
                return None;
            }
            let mut texts = job.steps.iter().filter_map(|step| step.run.as_ref());
            texts.any(|(text, _)| runs(text)).then_some(alone)
        })
    })
}
