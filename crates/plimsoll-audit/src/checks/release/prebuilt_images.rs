//! # Production starts images that were built before
//!
//! No script that deploys or rolls back builds an image (`docker build`, `docker compose build`,
//! `up --build`).
//!
//! A build on the host takes the memory and the disk of what runs there, needs the network of every
//! package it installs, and gives an image that nobody scanned, signed or tested. Rolling back is as
//! slow, and may fail the same way.
//!
//! Push the image in CI under the commit's name, and start that: `docker compose pull && docker compose
//! up -d`.
//!
//! ## Fails
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose build # <- builds where it runs
//! docker compose up -d
//! ```
//!
//! ## Fixed
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose pull
//! docker compose up -d # <- starts what was built before
//! ```
//!
//! ## Passes
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker pull shop/web:"$1"
//! docker run -d --name web shop/web:"$1" # <- starts what was built before
//! ```
//!
//! ## Does not apply
//!
//! `Makefile`:
//! ```make
//! up:
//!     docker compose up -d --build
//! ```

use crate::answers::Answers;
use crate::conditions::SCRIPT_DEPLOYS;
use crate::releasing::{builds, place, starts};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/prebuilt-images",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Days,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/prebuilt-images",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_DEPLOYS],
    source: include_str!("prebuilt_images.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    for command in commands(script.program) {
        let at = place(cx, &script.flow, command);
        if builds(command) {
            answers.bad(at, "builds where it runs");
        } else if starts(command) {
            answers.good(at, "starts what was built before");
        }
    }
    answers.joined(
        "a deployment builds images where they run: build in CI, push, and pull",
        "a deployment starts images that were built before",
        "it cannot be told what is started",
    )
}
