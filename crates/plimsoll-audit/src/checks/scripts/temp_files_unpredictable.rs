//! # Temporary files have names that nobody can guess
//!
//! No script writes to a fixed path below `/tmp`.
//!
//! Everybody may create files there. Whoever creates that name first, as a link, chooses what is overwritten by
//! a script that often runs as root, or reads what is written; and two runs at once write into each other.
//!
//! Write `file=$(mktemp)`, or `dir=$(mktemp -d)`. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /tmp/app.sql # <- everybody can guess `/tmp/app.sql`
//! curl -fsS https://example.com/x -o /tmp/x.json # <- everybody can guess
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! dir=$(mktemp -d) # <- names it at random
//! pg_dump app > "$dir/app.sql"
//! curl -fsS https://example.com/x -o "$dir/x.json"
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! file=$(mktemp /tmp/app.XXXXXX) # <- names it at random
//! pg_dump app > "$file"
//! ```
//!
//! ## Does not apply
//!
//! In a container `/tmp` is its own:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker exec db sh -c 'pg_dump app > /tmp/app.sql'
//! ```

use crate::conditions::WRITES_TMP;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};
use crate::{scripts, written};

pub(super) static CHECK: Check = Check {
    id: "scripts/temp-files-unpredictable",
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS042", relation: Relation::Same }],
    }],
    when: &[&WRITES_TMP],
    source: include_str!("temp_files_unpredictable.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        if let Some(path) = written::temporary(flow, command) {
            let says = format!("everybody can guess `{}`", clip(path));
            open.push(Evidence::contradicts(command.span, says));
        } else if command.program() == "mktemp" {
            fine.push(Evidence::shows(command.span, "names it at random"));
        }
    }
    let fails = "writes to a path below `/tmp` that everybody can guess: use `mktemp`";
    let none = || Evidence::context(script.text.whole(), "writes to no fixed path below `/tmp`");
    scripts::verdict(open, fails, fine, "temporary files cannot be guessed", none)
}
