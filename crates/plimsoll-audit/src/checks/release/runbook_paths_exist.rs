//! # Scripts that documents run are there
//!
//! A script that a fence of a document runs by a path below the repository (`./ops/backup.sh`, or
//! `/opt/shop/ops/backup.sh` where other paths below `/opt/shop` are files of it) is in the tree.
//!
//! A line of cron with a name that is not there fails every night, and its mail goes nowhere; a step of
//! a runbook fails in the middle of an incident.
//!
//! Correct the name in the document, or add the script.
//!
//! ## Fails
//!
//! `docs/backup.md`:
//! ````markdown
//! # Backups
//! Verify with:
//! ```sh
//! /opt/shop/ops/verify.sh
//! ```
//! Every night:
//! ```sh
//! 0 2 * * * /opt/shop/ops/backup.sh # <- `ops/backup.sh`
//! ```
//! ````
//! `ops/verify.sh`:
//! ```sh
//! #!/bin/sh
//! ls /var/backups
//! ```
//!
//! Or:
//!
//! `README.md`:
//! ````markdown
//! # Shop
//! ```sh
//! ./scripts/seed.sh # <- `scripts/seed.sh`
//! ```
//! ````
//! `scripts/migrate.sh`:
//! ```sh
//! #!/bin/sh
//! ls
//! ```
//!
//! ## Fixed
//!
//! `docs/backup.md`:
//! ````markdown
//! # Backups
//! ```sh
//! /opt/shop/ops/verify.sh # <- `ops/verify.sh`
//! ```
//! ````
//!
//! ## Passes
//!
//! `README.md`:
//! ````markdown
//! # Shop
//! ```sh
//! $ ./scripts/migrate.sh # <- `scripts/migrate.sh`
//! ```
//! ````
//! `scripts/migrate.sh`:
//! ```sh
//! #!/bin/sh
//! ls
//! ```
//!
//! ## Does not apply
//!
//! Of another repository:
//!
//! `README.md`:
//! ````markdown
//! # Shop
//! ```sh
//! git clone https://git.example/tool && cd tool
//! ./scripts/install.sh
//! ```
//! ````
//! `scripts/migrate.sh`:
//! ```sh
//! #!/bin/sh
//! ls
//! ```

use crate::answers::Answers;
use crate::conditions::DOCUMENTS_RUN_SCRIPTS;
use crate::documents::{homes, scripts};
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/runbook-paths-exist",
    section: Section::Safeguards,
    domain: Domain::ResilienceOps,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/runbook-paths-exist",
            relation: Relation::Same,
        }],
    }],
    when: &[&DOCUMENTS_RUN_SCRIPTS],
    source: include_str!("runbook_paths_exist.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for named in scripts(cx, &homes(cx)) {
        let path = clip(&named.path);
        match named.exists {
            true => answers.good(named.code.span, format!("`{path}` is there")),
            false => answers.bad(named.code.span, format!("`{path}` is not there")),
        }
    }
    answers.joined(
        "a document runs a script that is not there: correct its name, or add it",
        "scripts that documents run are there",
        "it cannot be told which scripts documents run",
    )
}
