//! # No script throws away what lies on the host
//!
//! No production script runs `git reset --hard`, `git checkout -f`, `git restore .` or `git clean -fd` in
//! the work tree that it was started from. In a script that deploys or rolls back it is CRITICAL, in
//! others MEDIUM.
//!
//! What was mended by hand at night, what a script wrote, what nobody committed: gone without a question
//! and without a copy. `git clean -x` takes `.env` and secrets along.
//!
//! Put releases into directories of their own (or into images), and let the host's files lie elsewhere.
//! A copy that the script cloned itself is not asked.
//!
//! ## Fails
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! run() { "$@"; }
//! run git reset --hard "$1" # <- changes
//! run git clean -fd # <- files
//! docker compose up -d
//! ```
//!
//! A clone that is only made where there is none is the work tree itself:
//!
//! `rollback.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! [ -d /srv/app ] || git clone https://example.com/app.git /srv/app
//! cd /srv/app && git reset --hard origin/main # <- changes on the host are lost
//! docker compose up -d
//! ```
//!
//! ## Fixed
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! git fetch --tags # <- nothing is thrown away
//! docker compose up -d
//! ```
//!
//! ## Passes
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! git pull --ff-only # <- nothing is thrown away
//! docker compose up -d
//! ```
//!
//! ## Does not apply
//!
//! `scripts/lint-clone.sh`:
//! ```sh
//! #!/bin/sh
//! shellcheck ./*.sh
//! ```

use crate::answers::Answers;
use crate::conditions::SCRIPT_USES_GIT;
use crate::releasing::{destroys, git, is_deployer, place, works_on_a_copy};
use crate::scripts::{commands, is_named};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/no-destructive-git",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/no-destructive-git",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_USES_GIT],
    source: include_str!("no_destructive_git.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    let grave =
        is_named(cx, script.program, &["rollback", "deploy", "restore", "release", "canary"])
            || is_deployer(cx, script.program);
    for command in commands(script.program).filter(|command| git(command).is_some()) {
        let at = place(cx, &script.flow, command);
        let says = destroys(command).filter(|_| !works_on_a_copy(script.program, command));
        match says {
            Some(says) if grave => answers.bad(at, says),
            Some(says) => {
                answers.push_bad(Evidence::contradicts(at, says).severity(Severity::Medium))
            }
            None => answers.good(at, "nothing is thrown away"),
        }
    }
    answers.joined(
        "a script throws away what lies on the host: deploy images, or directories",
        "no script throws away what lies on the host",
        "it cannot be told what is thrown away",
    )
}
