//! # Arguments are there before they are used
//!
//! Each script that reads `$1` without a default ends where it is missing: it asks for `$#`, tests it, writes
//! `${1:?}`, or runs under `set -u`.
//!
//! A script that is started without its argument goes on with nothing: it deploys no version, or restores no file
//! over a database that it has emptied.
//!
//! Write `file=${1:?usage: restore.sh FILE}`. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore -d app "$1" # <- `$1` may be missing
//! ```
//!
//! ## Fixed
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore -d app "${1:?usage: restore.sh FILE}" # <- is asked for
//! ```
//!
//! ## Passes
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! [ $# -eq 1 ] || exit 2
//! pg_restore -d app "$1" # <- is asked for
//! ```
//! `ops/load.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -u
//! psql app -f "$1" # <- is asked for
//! ```
//!
//! ## Does not apply
//!
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d "$@"
//! ```

use plimsoll_model::flow::{CommandKind, RegionKind};

use crate::codes::argument;
use crate::conditions::READS_ARGUMENTS;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/arguments-validated",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS039", relation: Relation::Same }],
    }],
    when: &[&READS_ARGUMENTS],
    source: include_str!("arguments_validated.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    let mut name = String::new();
    let text = String::from_utf8_lossy(script.text.text());
    let counts = text.contains("$#") || text.contains("${#}") || text.contains("getopts");
    for command in scripts::commands(script.program) {
        let Some(expansion) = argument(flow, command) else { continue };
        let number = &expansion.name;
        let mention = [format!("${number}"), format!("${{{number}")];
        let tested = flow.commands.iter().take(command.at).any(|earlier| {
            let asks = matches!(earlier.kind, CommandKind::Test | CommandKind::Arithmetic)
                || earlier.program() == ":"
                || earlier.program() == "shift";
            asks && earlier.words.iter().any(|word| mention.iter().any(|m| word.contains(&**m)))
        });
        let chosen = flow.around(command.region).any(|(_, region)| {
            matches!(region.kind, RegionKind::Arm { .. } | RegionKind::Loop { .. })
        });
        let demanded = expansion.op.is_some();
        if demanded
            || counts
            || tested
            || chosen
            || command.nounset
            || command.kind == CommandKind::Test
        {
            fine.push(Evidence::shows(command.span, "is asked for"));
        } else {
            name = if name.is_empty() { number.clone() } else { name };
            let says = format!("`${number}` may be missing");
            open.push(Evidence::contradicts(command.span, says));
        }
    }
    let fails = format!("`${name}` may be missing: write `${{{name}:?usage}}`");
    let none = || Evidence::context(script.text.whole(), "reads no argument");
    scripts::verdict(open, fails, fine, "arguments are there before they are used", none)
}
