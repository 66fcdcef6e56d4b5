//! # Traps do what they say
//!
//! No trap expands its variables when it is set instead of when it runs, names a signal that no program can
//! catch, or is set on `ERR` where functions do not inherit it.
//!
//! `trap "rm -rf $dir" EXIT` deletes what `dir` was at that line: nothing, when it is set later. A trap on `KILL`
//! never runs. Without `set -E` a failure in a function passes an `ERR` trap by.
//!
//! Put the command in single quotes; write `set -E` beside `set -e`. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! trap "rm -rf $dir" EXIT # <- `dir` is expanded when the trap is set
//! dir=$(mktemp -d)
//! ```
//!
//! In functions:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! trap 'echo failed' ERR # <- functions do not inherit it
//! save() { pg_dump app > app.sql; }
//! save
//! ```
//!
//! A signal that none can catch:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! trap 'echo stopped' KILL # <- no program can catch KILL
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! trap 'rm -rf "$dir"' EXIT # <- runs as written
//! dir=$(mktemp -d)
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -Ee
//! trap 'echo failed' ERR # <- runs as written
//! save() { pg_dump app > app.sql; }
//! save
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! trap 'echo stopped' TERM # <- runs as written
//! ```
//!
//! ## Passes
//!
//! It is set before, and never again:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! dir=$(mktemp -d)
//! trap "rm -rf $dir" EXIT # <- runs as written
//! ```
//!
//! ## Does not apply
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! trap - EXIT
//! pg_dump app > app.sql
//! ```

use plimsoll_model::flow::RegionKind;

use crate::conditions::SETS_TRAPS;
use crate::evidence::clip;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/traps-sound",
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
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "OPS006", relation: Relation::Wider },
            Equivalent { tool: "shellcheck", rule: "SC2064", relation: Relation::Wider },
            Equivalent { tool: "shellcheck", rule: "SC2173", relation: Relation::Same },
        ],
    }],
    when: &[&SETS_TRAPS],
    source: include_str!("traps_sound.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut bad, mut fine) = (Vec::new(), Vec::new());
    let functions = flow.regions.iter().any(|r| matches!(r.kind, RegionKind::Function { .. }));
    let traced = flow.commands.iter().any(|command| {
        let mut words = command.args().iter();
        command.program() == "set"
            && words.any(|word| {
                word == "errtrace"
                    || word.starts_with('-') && !word.starts_with("--") && word.contains('E')
            })
    });
    let shebang = script.program.script.shebang.as_deref().unwrap_or("");
    let traced = traced || shebang.split(' ').skip(1).any(|word| word.contains('E'));
    for trap in scripts::commands(script.program).filter(|command| command.program() == "trap") {
        let [_, body, signals @ ..] = trap.words.as_slice() else { continue };
        if body == "-" {
            continue;
        }
        let early = trap.expansions.iter().find(|expansion| {
            // What is set before and never again is the same at both times.
            let mut sets = flow.sets.iter().filter(|set| set.name == expansion.name);
            let later = sets.clone().any(|set| set.at > trap.at);
            let special = !expansion.name.starts_with(|c: char| c.is_alphabetic() || c == '_');
            expansion.word == 1 && (later || sets.next().is_none()) && !special
        });
        let never = signals.iter().find(|signal| {
            matches!(signal.trim_start_matches("SIG"), "KILL" | "STOP" | "9" | "19")
        });
        if let Some(expansion) = early {
            let says = format!("`{}` is expanded when the trap is set", clip(&expansion.name));
            bad.push(Evidence::contradicts(trap.span, says));
        } else if let Some(signal) = never {
            let says = format!("no program can catch {}", clip(signal));
            bad.push(Evidence::contradicts(trap.span, says));
        } else if signals.iter().any(|signal| signal == "ERR") && functions && !traced {
            bad.push(Evidence::contradicts(trap.span, "functions do not inherit it"));
        } else {
            fine.push(Evidence::shows(trap.span, "runs as written"));
        }
    }
    let fails = "a trap does not do what it says: single quotes, `set -E`, a signal that comes";
    let none = || Evidence::context(script.text.whole(), "sets no trap");
    scripts::verdict(bad, fails, fine, "traps do what they say", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "let the trap do what it says";
    let sample = mending::scripts::sample(cx, finding, "trap 'rm -rf \"$dir\"' EXIT\n");
    mending::scripts::each(cx, finding, does, sample, |program, source, at| {
        let trap = mending::scripts::command(program, at)?;
        let signals = trap.words.get(2..)?;
        if trap.expansions.iter().any(|expansion| expansion.word == 1) {
            return Some(vec![source.expand_late(at)?]);
        }
        let errors = signals.iter().any(|signal| signal == "ERR") && source.is_bash();
        errors.then(|| source.set_options("E", false).map(|edit| vec![edit]))?
    })
}
