//! # No branch for an error is dead
//!
//! Where `set -e` is in effect, no script tests `$?` of the command before: the entrypoint's script,
//! and the scripts below the service's directory. Scripts of no service are shown with the
//! repository.
//!
//! Under `set -e` a command that fails ends the script there and then. `if [ $? -ne 0 ]` after it is
//! only reached when all went well: the message, the clean-up, the alert in it never run, and
//! whoever reads the script believes that they do.
//!
//! Put the branch on the command: `npm run migrate || { echo "migration failed" >&2; exit 1; }`.
//! There is no PARTIAL here: a branch can run, or it can't. Functions that are called in a condition,
//! and commands before `&&` and `||`, are exempt from `set -e`, and so are fine.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY entrypoint.sh .
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! npm run migrate # <- its failure ends the script
//! if [ $? -ne 0 ]; then # <- never true
//!   echo "migration failed"
//!   exit 1
//! fi
//! exec "$@"
//! ```
//!
//! Written by RUN:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! RUN echo '#!/bin/sh' > /app/start.sh && \
//!     echo 'set -e' >> /app/start.sh && \
//!     echo 'npm run migrate' >> /app/start.sh && \
//!     echo '[ $? -eq 0 ] || exit 1' >> /app/start.sh && \ # <- never true
//!     echo 'exec "$@"' >> /app/start.sh && \
//!     chmod +x /app/start.sh
//! ENTRYPOINT ["/app/start.sh"]
//! CMD ["node", "main.js"]
//! ```
//!
//! A script of the repository:
//!
//! `scripts/backup.sh`:
//! ```sh
//! #!/bin/bash
//! set -euo pipefail
//! pg_dump app > backup.sql
//! status=$?
//! if [[ $status -ne 0 ]]; then # <- never true
//!   exit $status
//! fi
//! ```
//!
//! ## Fixed
//!
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh # <- no test of `$?` is dead
//! set -e
//! if ! npm run migrate; then
//!   echo "migration failed"
//!   exit 1
//! fi
//! exec "$@"
//! ```
//!
//! ## Passes
//!
//! Without `set -e`:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY entrypoint.sh .
//! ENTRYPOINT ["./entrypoint.sh"]
//! CMD ["node", "main.js"]
//! ```
//! `entrypoint.sh`:
//! ```sh
//! #!/bin/sh
//! npm run migrate
//! if [ $? -ne 0 ]; then
//!   exit 1
//! fi
//! exec "$@"
//! ```
//!
//! Taken back for a command:
//!
//! `scripts/backup.sh`:
//! ```sh
//! #!/bin/bash
//! set -e
//! set +e
//! pg_dump app > backup.sql
//! status=$?
//! set -e
//! if [ $status -ne 0 ]; then
//!   exit $status
//! fi
//! ```
//!
//! ## Cannot tell
//!
//! `scripts/backup.sh`:
//! ```sh
//! #!/bin/bash
//! set -e
//! if true; then
//!   pg_dump app > backup.sql
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "main.js"]
//! ```

use std::collections::BTreeSet;

use plimsoll_model::dead::dead_branches;
use plimsoll_model::entrypoint::ScriptSource;
use plimsoll_model::mend;
use plimsoll_source::{Derived, Edit, FileId, TextRange};
use plimsoll_syntax::shell::Script;

use crate::conditions::HAS_SHELL_SCRIPTS;
use crate::evidence::clip;
use crate::owner::{of_none, of_service};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Safety, Section, ServiceSubject,
    Severity, Status, Subject, Verdict, Why, mending, startup,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/no-dead-error-branch",
    section: Section::Safeguards,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_SHELL_SCRIPTS],
    source: include_str!("no_dead_error_branch.rs"),
    run: Run::Both(of_a_service, of_the_repository),
    fix: Some(fix),
};

fn of_a_service(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    judge(cx, scripts(cx, service).into_iter())
}

fn of_the_repository(cx: &Cx<'_>) -> Verdict {
    let services = cx.delivery.service_ids().map(|id| cx.service(id));
    let entered: BTreeSet<FileId> = services.flat_map(|service| entrypoints(cx, service)).collect();
    let programs = of_none(cx, &cx.delivery.programs, |program| cx.path(program.file));
    let programs = programs.into_iter().filter(|program| {
        let ours = program.target.is_none() && program.purpose.is_production();
        ours && !entered.contains(&program.file)
    });
    judge(cx, programs.map(|program| (&program.text, &program.script)))
}

/// The files of the tree that a service's containers enter by.
fn entrypoints(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Vec<FileId> {
    let starts = startup::starts(cx, Subject::Service(service.id));
    let scripts = starts.iter().filter_map(|start| start.startup()?.script.as_ref());
    scripts
        .filter_map(|script| match script.source {
            ScriptSource::Tracked(file) => Some(file),
            ScriptSource::Generated(_) => None,
        })
        .collect()
}

/// The scripts of a service: what it enters by, and those below its directory.
fn scripts<'a>(cx: &Cx<'a>, service: ServiceSubject<'a>) -> Vec<(&'a Derived, &'a Script)> {
    let starts = startup::starts(cx, Subject::Service(service.id));
    let entered = starts.iter().filter_map(|start| start.startup()?.script.as_ref());
    let mut found: Vec<_> = entered.map(|s| (&s.text, &*s.script)).collect();
    let own = of_service(cx, service, &cx.delivery.programs, |program| cx.path(program.file));
    let own = own.into_iter().filter(|p| p.target.is_none() && p.purpose.is_production());
    found.extend(own.map(|program| (&program.text, &program.script)));
    let mut seen = BTreeSet::new();
    found.retain(|(text, _)| seen.insert(text.whole()));
    found
}

fn judge<'s>(cx: &Cx<'_>, scripts: impl Iterator<Item = (&'s Derived, &'s Script)>) -> Verdict {
    const MAX_SHOWN: usize = 20;
    let (mut dead, mut broken, mut good) = (Vec::new(), Vec::new(), Vec::new());
    for (text, script) in scripts {
        let (found, errexit) = dead_branches(script);
        for branch in found.iter().take(MAX_SHOWN) {
            let path = cx.path(text.span(branch.test).file);
            dead.push((path, Evidence::contradicts(text.span(branch.test), "never true")));
            let says = "its failure ends the script";
            dead.push((path, Evidence::context(text.span(branch.command), says)));
        }
        let first = text.span(TextRange::new(0, 0));
        if found.is_empty() && !script.errors.is_empty() {
            broken.push(Evidence::context(first, "does not parse"));
        } else if found.is_empty() {
            let says = if errexit { "no test of `$?` is dead" } else { "no `set -e`" };
            good.push(Evidence::missing_in(first, says));
        }
    }
    let path = dead.first().map(|(path, _)| clip(path)).unwrap_or_default();
    let mut dead = dead.into_iter().map(|(_, evidence)| evidence).take(MAX_SHOWN);
    let mut broken = broken.into_iter().take(MAX_SHOWN);
    let mut good = good.into_iter().take(MAX_SHOWN);
    match (dead.next(), broken.next(), good.next()) {
        (Some(first), ..) => {
            let message = format!("`{path}` tests `$?` where `set -e` has ended it: use `||`");
            Verdict::fail(message, first).and_all(dead)
        }
        (None, Some(first), _) => {
            Verdict::unknown(Why::Unparsed, "a script does not parse", first).and_all(broken)
        }
        (None, None, Some(first)) => {
            Verdict::pass("no script tests `$?` in vain", first).and_all(good)
        }
        (None, None, None) => {
            let evidence = Evidence::missing_file("*.sh", "no script");
            Verdict::unknown(Why::NeedsBuild, "the entrypoint's script cannot be read", evidence)
        }
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let scripts = scripts(cx, service);
    let (path, command) = scripts.iter().find_map(|(text, script)| {
        let branch = *dead_branches(script).0.first()?;
        let command = String::from_utf8_lossy(branch.command.slice(text.text())).into_owned();
        Some((cx.path(text.span(branch.test).file).to_owned(), command))
    })?;
    let edits = scripts.iter().filter_map(|(text, script)| {
        let source = mend::shell::open(&cx.delivery.tree, text, script)?;
        let branches = dead_branches(script).0.into_iter();
        let joined = branches.filter_map(|b| source.join_branch(b.command, b.test));
        Some(joined.collect::<Vec<Edit>>())
    });
    Some(Fix::of_edits(
        "put the branch on the command itself: it runs from now on",
        Safety::Review,
        mending::snippet(&path, "sh", format!("{command} || {{ echo \"failed\" >&2; exit 1; }}\n")),
        edits.flatten().collect(),
    ))
}
