//! # Restoring is tried by a pipeline
//!
//! A pipeline restores a backup and looks at the data, at best on a schedule.
//!
//! Backups are made every night and restored once, when everything is at stake. What keeps them from
//! working (a role that is missing, a version, a dump cut short) shows in no other way.
//!
//! Restore the newest backup into a scratch database every week and ask for what must be there: a count, the
//! migration's version. PARTIAL: a pipeline restores, and nothing asks for data.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > /opt/backups/app.dump # <- no pipeline restores it
//! ```
//! `ops/restore_drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_restore -d drill /opt/backups/app.dump
//! psql -d drill -c "SELECT count(*) FROM users"
//! ```
//!
//! ## Fixed
//!
//! `ops/restore_drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_restore -d drill /opt/backups/app.dump
//! psql -d drill -c "SELECT count(*) FROM users"
//! ```
//! `.github/workflows/drill.yml`:
//! ```yaml
//! on:
//!   schedule:
//!     - cron: "0 4 * * 1"
//! jobs:
//!   drill:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!       - run: ./ops/restore_drill.sh # <- restores a backup
//! ```
//!
//! ## Passes
//!
//! In the pipeline itself:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > /opt/backups/app.dump
//! ```
//! `.github/workflows/drill.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   drill:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: pg_restore -d drill app.dump # <- restores a backup
//!       - run: psql -d drill -c "SELECT count(*) FROM users"
//! ```
//!
//! By a timer:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > /opt/backups/app.dump
//! ```
//! `ops/drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! pg_restore -e -d drill /opt/backups/app.dump
//! psql -d drill -c "SELECT count(*) FROM users"
//! ```
//! `ops/drill.service`:
//! ```ini
//! [Service]
//! ExecStart=/srv/app/ops/drill.sh # <- starts a restore
//! ```
//!
//! ## Partial
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > /opt/backups/app.dump
//! ```
//! `.github/workflows/drill.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   drill:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: pg_restore -d drill app.dump # <- restores a backup
//! ```
//!
//! ## Cannot tell
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > /opt/backups/app.dump # <- another forge's pipelines are not read
//! ```
//! `.circleci/config.yml`:
//! ```yaml
//! version: 2.1
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! ```

use plimsoll_model::data;
use plimsoll_model::pipeline::{JobStep, RoleKind, Runs};
use plimsoll_model::script::Program;
use plimsoll_source::Span;

use crate::ci::is_forge;
use crate::conditions::BACKS_UP;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/restore-tested",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&BACKS_UP],
    source: include_str!("restore_tested.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    // What a container is entered by restores at times; a drill does nothing else.
    const DRILLS: [&str; 5] = ["restore", "drill", "verify", "recovery", "test"];
    let pipelines = cx.delivery.pipelines.iter();
    let running = pipelines
        .filter(|pipeline| !matches!(pipeline.runs, Runs::No(_)) && pipeline.refused.is_none());
    let mut restored = Vec::new();
    let mut looks = false;
    for job in running.flat_map(|pipeline| &pipeline.jobs) {
        let restores = job.steps.iter().position(|step| {
            step.roles.iter().any(|role| role.kind == RoleKind::Restore && role.masked.is_none())
        });
        let Some(at) = restores else { continue };
        restored.push(Evidence::shows(job.steps[at].span, "restores a backup"));
        looks |= job.steps[at..].iter().any(|step| asks(cx, step));
    }
    // A timer or a schedule that starts a drill does as well.
    for script in cx.operational_scripts() {
        let mut loads = scripts::commands(script.program).filter(|c| data::loads(&script.flow, c));
        let load = loads.find(|load| load.masked.is_none());
        let drill = script.flow.name.iter().any(|word| DRILLS.contains(&word.as_str()));
        if load.is_some()
            && drill
            && let Some(at) = scripts::scheduled(cx, script.program)
        {
            restored.push(Evidence::shows(at, "starts a restore"));
            looks |= speaks_of_data(script.program);
        }
    }
    let mut restored = restored.into_iter();
    if let Some(first) = restored.next() {
        return if looks {
            Verdict::pass("a backup is restored on its own, and its data looked at", first)
        } else {
            Verdict::partial("a backup is restored on its own, and nothing asks for data", first)
        }
        .and_all(restored);
    }
    let dumps = cx.operational_scripts().flat_map(|script| {
        let dumps = data::dumps(&script.program.flow);
        dumps.map(|dump| dump.span).collect::<Vec<_>>()
    });
    let dumps: Vec<Span> = dumps.collect();
    if cx.delivery.unsupported.iter().any(|file| is_forge(file.kind)) {
        let says = "another forge's pipelines are not read";
        let first = dumps.first().map_or_else(
            || Evidence::missing_file(".github/workflows", says),
            |at| Evidence::context(*at, says),
        );
        return Verdict::unknown(Why::Unsupported, "pipelines of another forge may restore", first);
    }
    let dumps = dumps.into_iter().map(|at| Evidence::missing_in(at, "no pipeline restores it"));
    let message = "no pipeline restores a backup: do it on a schedule, and ask for data";
    let none = || Evidence::missing_file(".github/workflows", "no pipeline restores a backup");
    scripts::verdict(dumps.collect(), message, Vec::new(), "no backups are taken", none)
}

/// Whether a step asks a database for data, itself or by a script.
fn asks(cx: &Cx<'_>, step: &JobStep) -> bool {
    let Some((text, _)) = &step.run else { return false };
    let text = String::from_utf8_lossy(text.text());
    let mut scripts = cx.delivery.programs.iter().filter(|program| {
        let path = cx.path(program.file);
        program.target.is_none() && text.contains(path.rsplit('/').next().unwrap_or(path))
    });
    text.to_ascii_lowercase().contains("select ") || scripts.any(speaks_of_data)
}

/// Whether a script asks a database for data.
fn speaks_of_data(script: &Program) -> bool {
    String::from_utf8_lossy(script.text.text()).to_ascii_lowercase().contains("select ")
}
