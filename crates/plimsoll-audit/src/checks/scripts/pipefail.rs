//! # A failing dump is not hidden by its pipe
//!
//! No dump, archive, download or export stands in a pipe, not as its last part, while `set -o pipefail` is off.
//!
//! The status of a pipe is that of its last part. `pg_dump app | gzip > app.sql.gz` succeeds whatever
//! `pg_dump` does: what is left is a well-formed archive of nothing.
//!
//! Write `set -o pipefail` at the top; bash knows it, and POSIX since 2024. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_dump app | gzip > /opt/backups/app.sql.gz # <- its failure is lost in the pipe
//! ```
//!
//! In a container, the pipe outside:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! docker compose exec -T db pg_dump app | gzip > /opt/backups/app.sql.gz # <- its failure is lost in the pipe
//! ```
//!
//! A condition sees the last part alone, too:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! if ! pg_dump app | gzip > /opt/backups/app.sql.gz; then # <- its failure is lost in the pipe
//!   exit 1
//! fi
//! ```
//!
//! A function stands in the pipe:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! dump() { pg_dump app; } # <- its failure is lost in the pipe
//! dump | gzip > /opt/backups/app.sql.gz
//! ```
//!
//! What is picked out of a download and kept:
//!
//! `ops/version.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! curl -fsS https://example.com/api | jq -r .version > /srv/app/version # <- its failure is lost in the pipe
//! ```
//!
//! From one database into another, from an archive into a database:
//!
//! `ops/copy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -eu
//! pg_dump app | psql -v ON_ERROR_STOP=1 -d app_new # <- its failure is lost in the pipe
//! ```
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -eu
//! gunzip -c "$1" | psql -v ON_ERROR_STOP=1 -d app # <- its failure is lost in the pipe
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -eo pipefail
//! pg_dump app | gzip > /opt/backups/app.sql.gz # <- its failure counts
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/bin/bash
//! set -eo pipefail
//! docker compose exec -T db pg_dump app | gzip > /opt/backups/app.sql.gz # <- its failure counts
//! ```
//!
//! ## Passes
//!
//! It is the last part:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! tar -cf - /srv | gpg -e -r ops > /opt/backups/srv.tar.gpg # <- its failure counts
//! ls | head -n 1
//! ```
//!
//! Each part is asked for:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app | gzip > /opt/backups/app.sql.gz # <- its failure counts
//! if [ "${PIPESTATUS[0]}" -ne 0 ]; then exit 1; fi
//! ```
//!
//! ## Does not apply
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump --file=app.sql app
//! ls | sort
//! ```

use crate::conditions::FEEDS_PIPES;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/pipefail",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["A1.2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "OPS003", relation: Relation::Same },
            Equivalent { tool: "hadolint", rule: "DL4006", relation: Relation::Wider },
        ],
    }],
    when: &[&FEEDS_PIPES],
    source: include_str!("pipefail.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut lost, mut counts) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|c| scripts::feeds_a_pipe(flow, c)) {
        if !scripts::is_lost_in_pipe(flow, command) {
            counts.push(Evidence::shows(command.span, "its failure counts"));
        } else {
            lost.push(Evidence::contradicts(command.span, "its failure is lost in the pipe"));
        }
    }
    let fails = "a pipe hides the failure of what feeds it: write `set -o pipefail`";
    let none = || Evidence::context(script.text.whole(), "each pipe is a condition");
    scripts::verdict(lost, fails, counts, "a failure within a pipe counts", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "let a pipe fail with any of its parts";
    let sample = mending::scripts::sample(cx, finding, "set -o pipefail\n");
    mending::scripts::mended(cx, finding, does, sample, |program, source, _| {
        mending::scripts::fail_in_pipes(program, source)
    })
}
