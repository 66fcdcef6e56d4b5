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
//! set -eu
//! pg_dump app > /tmp/app.sql # <- everybody can guess `/tmp/app.sql`
//! gzip -c /tmp/app.sql > /srv/backups/app.sql.gz
//! ```
//!
//! What somebody else may look at:
//!
//! `ops/check.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fsS https://example.com/x -o /tmp/x.json # <- everybody can guess
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -eu
//! tmp=$(mktemp -d) # <- names it at random
//! trap 'rm -rf "$tmp"' EXIT
//! pg_dump app > "$tmp/app.sql"
//! gzip -c "$tmp/app.sql" > /srv/backups/app.sql.gz
//! ```
//!
//! Or:
//!
//! `ops/check.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! file=$(mktemp) # <- names it at random
//! curl -fsS https://example.com/x -o "$file"
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

use std::collections::BTreeSet;

use plimsoll_model::data;
use plimsoll_model::mend::{replace, shell::Source};
use plimsoll_model::script::Program;
use plimsoll_source::{Edit, Span};

use crate::conditions::WRITES_TMP;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
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
    fix: Some(fix),
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

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does =
        "keep what is temporary in a directory with a random name, which goes when the script ends";
    let sample = "tmp=$(mktemp -d)\ntrap 'rm -rf \"$tmp\"' EXIT\n";
    let sample = mending::scripts::sample(cx, finding, sample);
    mending::scripts::mended(cx, finding, does, sample, |program, source, places| {
        in_own_directory(program, source, places).unwrap_or_default()
    })
}

/// Puts what a script alone writes and reads into a directory of its own. `None` where it may be meant
/// for others, or is asked for in a way that cannot be changed.
fn in_own_directory(program: &Program, source: &Source<'_>, places: &[Span]) -> Option<Vec<Edit>> {
    let flow = &program.flow;
    let named = |name: &str| {
        flow.sets.iter().any(|set| set.name == name) || flow.reads.iter().any(|r| r.name == name)
    };
    // Another trap would be forgotten by a second one.
    if named("tmp") || flow.commands.iter().any(|command| command.program() == "trap") {
        return None;
    }
    let writers = || flow.commands.iter().filter(|command| places.contains(&command.span));
    let paths: BTreeSet<&str> = writers().filter_map(|c| written::temporary(flow, c)).collect();
    let mut edits = Vec::new();
    for path in &paths {
        let words = source.everywhere(path)?;
        let elsewhere = flow.commands.iter().any(|command| {
            let names = command.words.iter().any(|word| word.contains(path));
            names && (command.remote || data::in_container(flow, command))
        });
        let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
        let nested = path.strip_prefix("/tmp/")? != name;
        // What is only written is for somebody to look at.
        if words.len() < 2 || nested || elsewhere {
            return None;
        }
        edits.extend(words.into_iter().map(|at| replace(at, format!("\"$tmp/{name}\""))));
    }
    let stops = writers().all(|command| command.errexit);
    let made = if stops { "tmp=$(mktemp -d)" } else { "tmp=$(mktemp -d) || exit 1" };
    let eol = source.line_end();
    edits.push(source.begin_with(&format!("{made}{eol}trap 'rm -rf \"$tmp\"' EXIT"))?);
    Some(edits)
}
