//! # Scripts work from any directory
//!
//! Each `docker compose` of a script runs after a `cd` to the repository or the script, or says where its
//! files are: `-f`, `--project-directory`, `COMPOSE_FILE`.
//!
//! `docker compose` looks for its files in the directory that it is started in. Cron starts scripts in the
//! home directory, systemd in `/`: the backup that works by hand fails every night with «no configuration
//! file provided».
//!
//! CRITICAL is what saves data, which timers start; of the rest people see that it fails (MEDIUM).
//! Begin the script with `cd "$(dirname "$0")/.."`. There is no PARTIAL here: a call depends on where the
//! script is started, or it doesn't.
//!
//! ## Fails
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:16
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! docker compose exec -T db pg_dumpall > /opt/backup.sql # <- looks for its files where it is started
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! cd "$(dirname "$0")/.."
//! docker compose exec -T db pg_dumpall > /opt/backup.sql # <- its files are found
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! ROOT=$(git rev-parse --show-toplevel)
//! docker compose -f "$ROOT/docker-compose.yml" ps # <- its files are found
//! ```
//!
//! A script beside the compose file, which is started there, and says so when it is not:
//!
//! `deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! [ -f docker-compose.yml ] || exit 1
//! docker compose up -d # <- its files are found
//! ```
//!
//! ## Does not apply
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose version > /dev/null || exit 1
//! pg_dump app > app.sql
//! ```

use plimsoll_model::compose_call::Compose;
use plimsoll_model::flow::Cwd;

use crate::conditions::RUNS_COMPOSE;
use crate::evidence::clip;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, ScriptSubject, Section, Severity,
    Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/independent-of-cwd",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&RUNS_COMPOSE],
    source: include_str!("independent_of_cwd.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let configured = flow.sets.iter().any(|set| set.name == "COMPOSE_FILE");
    // What saves data is started by a timer; people see the message, and go where it works.
    let alone = scripts::is_about_backups(cx, script.program);
    let (mut lost, mut found) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        let Some(compose) = command.compose().filter(Compose::has_project) else { continue };
        let says = compose.options.iter().any(|option| {
            ["-f", "--file", "--project-directory"].iter().any(|name| option.starts_with(name))
        });
        let given = command.env.iter().any(|(name, _)| name == "COMPOSE_FILE");
        let checked = flow.guards(command).any(|guard| {
            guard.words.iter().any(|word| word.contains("compose") && word.contains(".y"))
        });
        let elsewhere = command.remote || !matches!(command.cwd, Cwd::Start(_));
        if says || given || configured || checked || elsewhere {
            found.push(Evidence::shows(command.span, "its files are found"));
        } else {
            let says = "looks for its files where it is started";
            let evidence = Evidence::contradicts(command.span, says);
            lost.push(if alone { evidence } else { evidence.severity(Severity::Medium) });
        }
    }
    let path = clip(cx.path(script.file));
    let fails = format!("`{path}` depends on where it is started: `cd` to the repository first");
    let none = || Evidence::context(script.text.whole(), "no call of `docker compose`");
    scripts::verdict(lost, fails, found, "`docker compose` finds its files from anywhere", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "change to the project first: paths that it is given count from there";
    let sample = mending::scripts::sample(cx, finding, "cd \"$(dirname \"$0\")\"\n");
    mending::scripts::mended(cx, finding, does, sample, |program, source, _| {
        mending::scripts::change_directory(cx, program, source)
    })
}
