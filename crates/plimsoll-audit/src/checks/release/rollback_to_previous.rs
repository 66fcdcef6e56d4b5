//! # A rollback goes back to the release before
//!
//! What a deployment writes down of itself names the release before it (or a list of releases), where a
//! rollback takes its target from there.
//!
//! A file that holds the current release alone («last good») holds, after a deployment that turned out
//! bad, the bad one: the rollback then starts what it was to undo, at the one moment when it matters.
//!
//! Write the release before beside the current one (`PREVIOUS_SHA=…`), before it is overwritten, and roll
//! back to that; or keep a log of releases.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! docker compose up -d
//! echo "LAST_GOOD_SHA=$(git rev-parse HEAD)" > /srv/shop/last_good.env # <- the current release
//! ```
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! source /srv/shop/last_good.env
//! git checkout "$LAST_GOOD_SHA" # <- takes
//! docker compose up -d
//! ```
//!
//! A file that holds nothing else:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! docker compose up -d
//! git rev-parse HEAD > /srv/shop/current_sha # <- the current release
//! ```
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! git checkout "$(cat /srv/shop/current_sha)" # <- takes
//! docker compose up -d
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! previous=$(cat /srv/shop/current)
//! docker compose up -d
//! cat > /srv/shop/last_good.env <<EOF # <- the release before
//! LAST_GOOD_SHA=$(git rev-parse HEAD)
//! PREVIOUS_SHA=$previous
//! EOF
//! ```
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! source /srv/shop/last_good.env
//! git checkout "$PREVIOUS_SHA"
//! docker compose up -d
//! ```
//!
//! ## Passes
//!
//! A log of releases:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! docker compose up -d
//! echo "RELEASE_SHA=$(git rev-parse HEAD)" >> /srv/shop/releases.log # <- the release before
//! ```
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! release_sha=$(tail -n 2 /srv/shop/releases.log | head -n 1)
//! git checkout "$release_sha"
//! docker compose up -d
//! ```
//!
//! The file of the one before is kept:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! docker compose up -d
//! cp /srv/shop/current_sha /srv/shop/previous_sha
//! git rev-parse HEAD > /srv/shop/current_sha # <- the release before
//! ```
//! `ops/rollback.sh`:
//! ```sh
//! #!/bin/bash
//! set -eu
//! git checkout "$(cat /srv/shop/previous_sha)"
//! docker compose up -d
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/bash
//! docker compose up -d
//! ```

use crate::answers::Answers;
use crate::conditions::RECORDS_RELEASES;
use crate::record::{reads, records, rollbacks};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/rollback-to-previous",
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
            rule: "release/rollback-to-previous",
            relation: Relation::Same,
        }],
    }],
    when: &[&RECORDS_RELEASES],
    source: include_str!("rollback_to_previous.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    let records = records(cx);
    let back = rollbacks(cx);
    for record in &records {
        let read = back.iter().find_map(|script| reads(script, record));
        if record.keeps_previous {
            answers.good(record.place, "keeps the release before");
        } else if let Some(at) = read {
            answers.bad(record.place, "keeps the current release alone");
            answers.bad(at, "takes its target from there");
        }
    }
    answers.joined(
        "a rollback goes to the release that is to be undone: keep the one before",
        "a rollback goes back to the release before",
        "it cannot be told where a rollback goes",
    )
}
