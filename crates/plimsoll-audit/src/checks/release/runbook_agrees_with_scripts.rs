//! # Runbooks are not undone by the scripts that they call
//!
//! Where a document takes the work tree to a release of the past (`git reset --hard <sha>`,
//! `git checkout <tag>`) and then calls a script of the repository, the script does not take it to the
//! head of a remote branch again.
//!
//! Otherwise the rollback that is written down deploys the very release that it was to undo. Whoever
//! follows it at night sees «Deploy completed successfully».
//!
//! Call a script that deploys what is checked out, or give it the revision: `./ops/rollback.sh --sha <sha>`.
//!
//! ## Fails
//!
//! `RUNBOOK.md`:
//! ````markdown
//! # Runbook
//! ## Roll back
//! ```sh
//! git fetch && git reset --hard <sha>
//! ./ops/deploy.sh # <- takes the work tree
//! ```
//! ````
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! git fetch origin
//! git reset --hard origin/main
//! docker compose up -d
//! ```
//!
//! In a list:
//!
//! `docs/runbook.md`:
//! ````markdown
//! # Roll back
//! 1. Go back: `git checkout <tag>`.
//! 2. Run `./ops/deploy.sh`. # <- takes the work tree
//! ````
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! git pull
//! docker compose up -d
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d
//! ```
//!
//! ## Passes
//!
//! `RUNBOOK.md`:
//! ````markdown
//! # Roll back
//! ```sh
//! git checkout v1.4.1
//! ./ops/up.sh # <- stays
//! ```
//! ````
//! `ops/up.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d
//! ```
//!
//! ## Does not apply
//!
//! `RUNBOOK.md`:
//! ````markdown
//! # Deploy
//! ```sh
//! ./ops/deploy.sh
//! ```
//! ````
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! git pull
//! docker compose up -d
//! ```

use crate::answers::Answers;
use crate::conditions::HAS_RUNBOOK_BACK;
use crate::documents::returns;
use crate::releasing::moves_to_remote;
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/runbook-agrees-with-scripts",
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
            rule: "release/runbook-agrees-with-scripts",
            relation: Relation::Same,
        }],
    }],
    when: &[&HAS_RUNBOOK_BACK],
    source: include_str!("runbook_agrees_with_scripts.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for (code, program) in returns(cx) {
        match commands(program).find(|command| moves_to_remote(command)) {
            Some(command) => {
                answers.bad(code.span, "takes the work tree to the branch's head again");
                answers.context(command.span, "undoes what the document did before");
            }
            None => answers.good(code.span, "stays at what was checked out"),
        }
    }
    answers.joined(
        "a runbook's way back is undone by the script that it calls: pass it the revision",
        "runbooks are not undone by the scripts that they call",
        "it cannot be told what the script does",
    )
}
