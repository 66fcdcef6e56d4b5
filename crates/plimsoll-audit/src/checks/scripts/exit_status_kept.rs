//! # A declaration does not hide that its value failed
//!
//! No `local`, `export`, `readonly` or `declare` takes its value from a command whose failure matters; and a
//! status that a script keeps (`rc=$?`) is used for more than a message.
//!
//! The status of `local x=$(cmd)` is that of `local`, which succeeds. Neither `set -e` nor `|| exit` sees that
//! `cmd` failed, and the script goes on with an empty value. A script whose last command is `echo "rc=$rc"`
//! says with its own status that all went well.
//!
//! Declare first, then assign: `local x; x=$(cmd)`; end with `exit "$rc"`. There is no PARTIAL here. Values that cannot fail in a
//! way that matters (`date`, `basename`, `pwd`) are not asked.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! deploy() {
//!   local sha=$(git rev-parse "$1") # <- hides that `git` failed
//!   git checkout "$sha"
//!   local now=$(date +%s)
//! }
//! deploy main
//! ```
//!
//! Kept, and only printed:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /opt/backups/app.sql
//! rc=$? # <- what `pg_dump` came to is only printed
//! rm -f /tmp/lock
//! echo "done: $rc"
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! deploy() {
//!   local sha
//!   sha=$(git rev-parse "$1")
//!   git checkout "$sha"
//!   local now=$(date +%s) # <- hides nothing
//! }
//! deploy main
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! export NOW=$(date +%F) # <- hides nothing
//! pg_dump app > /opt/backups/app.sql
//! rc=$?
//! rm -f /tmp/lock
//! echo "done: $rc"
//! exit "$rc"
//! ```
//!
//! ## Passes
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! export NOW=$(date +%s) # <- hides nothing
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! local_dir=$(git rev-parse --show-toplevel)
//! ```

use plimsoll_model::flow::RegionKind;

use crate::conditions::DECLARES_VALUES;
use crate::evidence::clip;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/exit-status-kept",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "OPS034", relation: Relation::Wider },
            Equivalent { tool: "shellcheck", rule: "SC2155", relation: Relation::Wider },
        ],
    }],
    when: &[&DECLARES_VALUES],
    source: include_str!("exit_status_kept.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    const IDLE: [&str; 20] = [
        "basename", "cat", "cut", "date", "dirname", "echo", "grep", "head", "hostname", "id",
        "mktemp", "printf", "pwd", "sed", "seq", "tr", "uname", "wc", "whoami", "cd",
    ];
    let flow = &script.program.flow;
    let (mut hides, mut fine, mut name) = (Vec::new(), Vec::new(), String::new());
    for command in scripts::commands(script.program).filter(|c| scripts::declares_value(c)) {
        let inner = flow.commands.iter().take(command.at).rev().take(64).find(|inner| {
            inner.is_run()
                && !IDLE.contains(&inner.program())
                && flow.around(inner.region).any(|(_, region)| {
                    matches!(region.kind, RegionKind::Substitution)
                        && region.parent == Some(command.region)
                        && region.span.file == command.span.file
                        && command.span.range.start <= region.span.range.start
                        && region.span.range.end <= command.span.range.end
                })
                // `$(cmd || true)` says that it may fail.
                && (!inner.tested || command.tested)
        });
        match inner {
            Some(inner) => {
                let program = inner.program();
                name = match program.starts_with(['$', '`']) {
                    true => "a command".to_owned(),
                    false => format!("`{}`", clip(program)),
                };
                let says = format!("hides that {name} failed");
                hides.push(Evidence::contradicts(command.span, says));
            }
            None => fine.push(Evidence::shows(command.span, "hides nothing")),
        }
    }
    for (set, of) in scripts::idle_statuses(flow) {
        let says = format!("what `{}` came to is only printed", clip(of.program()));
        hides.push(Evidence::contradicts(set.span, says));
    }
    let fails = match name.is_empty() {
        true => "a status is kept and only printed: end the script with it".to_owned(),
        false => {
            format!("a declaration hides that {name} failed: declare first, then assign")
        }
    };
    let none = || Evidence::context(script.text.whole(), "declares no such value");
    scripts::verdict(hides, fails, fine, "declarations hide no failure", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "declare first, then assign: a failure of the command ends the script";
    let sample = mending::scripts::sample(cx, finding, "local value\nvalue=$(command)\n");
    mending::scripts::each(cx, finding, does, sample, |_, source, at| {
        Some(vec![source.split_declaration(at)?])
    })
}
