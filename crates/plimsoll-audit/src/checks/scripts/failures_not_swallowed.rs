//! # What must succeed is not waved through
//!
//! No migration, dump, restore or start of services has its failure swallowed: by `|| true`, `|| echo …`,
//! or an `if` that goes on either way.
//!
//! `|| true` behind a migration turns the one command whose failure everyone must learn of into a success.
//!
//! Take it away; where a failure is expected, ask for its reason first. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! docker compose exec -T api alembic upgrade head || true # <- its failure is swallowed
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_dump --file=/opt/app.sql app || echo "backup failed" # <- its failure is swallowed
//! ```
//!
//! `set -e` is taken back for it:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! set +e
//! docker compose exec -T api alembic upgrade head # <- its failure is swallowed
//! set -e
//! docker compose pull || true # <- its failure is swallowed
//! ```
//!
//! A status that nobody reads:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! docker compose run --rm api alembic upgrade head || status=$? # <- its failure is swallowed
//! docker compose up -d
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! docker compose exec -T api alembic upgrade head # <- its failure is noticed
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_dump --file=/opt/app.sql app || { echo "backup failed"; exit 1; } # <- its failure is noticed
//! ```
//!
//! ## Passes
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! if ! docker compose exec -T api alembic upgrade head; then # <- its failure is noticed
//!   docker compose stop api
//!   exit 1
//! fi
//! docker compose stop old || true
//! ```
//!
//! The status is kept, and asked for:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! set +e
//! docker compose exec -T api alembic upgrade head # <- its failure is noticed
//! status=$?
//! set -e
//! if [ $status -ne 0 ]; then exit $status; fi
//! ```
//!
//! A container that is called so is no migration:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! migration_container="app-migration-$$"
//! docker logs "$migration_container" || true
//! docker exec "$migration_container" touch /tmp/done || true
//! docker compose up -d # <- its failure is noticed
//! ```
//!
//! Whether a program is there is only asked:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! if command -v migrate >/dev/null 2>&1; then
//!   echo "the program is there"
//! fi
//! docker compose pull # <- its failure is noticed
//! ```
//!
//! ## Does not apply
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker image prune -f || true
//! ```

use plimsoll_model::flow::After;

use crate::conditions::DOES_CRITICAL_STEPS;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/failures-not-swallowed",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC7.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS004", relation: Relation::Same }],
    }],
    when: &[&DOES_CRITICAL_STEPS],
    source: include_str!("failures_not_swallowed.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut swallowed, mut noticed) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|c| scripts::is_critical(flow, c)) {
        // `set -e` was taken back for it.
        let waived = !command.errexit && flow.before(command).any(|earlier| earlier.errexit);
        let alone = command.tested || waived && command.if_fails == After::GoesOn;
        if command.masked.is_some() && alone && !scripts::is_looked_at(flow, command) {
            swallowed.push(Evidence::contradicts(command.span, "its failure is swallowed"));
        } else {
            noticed.push(Evidence::shows(command.span, "its failure is noticed"));
        }
    }
    let fails = "the failure of what must succeed is swallowed: let it end the script";
    let none = || Evidence::context(script.text.whole(), "nothing that must succeed");
    scripts::verdict(swallowed, fails, noticed, "what must succeed is not waved through", none)
}
