//! # What is deleted or moved is one path each
//!
//! No variable or substitution stands outside quotes in a command that deletes, moves or changes files.
//!
//! The shell splits it at blanks and expands patterns: `rm -rf $DIR` with `DIR='/srv/my app'` deletes `/srv/my`.
//!
//! Quote it: `"$DIR"`. Where several are meant, use an array: `"${FILES[@]}"`. LOW is what is split on purpose by
//! its name (`$FILES`, `$OPTS`). There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! DIR="$1"
//! rm -rf $DIR # <- `DIR` may become several
//! ```
//!
//! What a command prints:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mv $(ls *.log) /srv/old # <- what a command prints may become several
//! ```
//!
//! ## Fixed
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! DIR="$1"
//! rm -rf "$DIR" # <- is one word each
//! ```
//!
//! A pattern:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mv ./*.log /srv/old # <- is one word each
//! ```
//!
//! ## Passes
//!
//! One that is known:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! DIR=/srv/cache
//! rm -rf $DIR # <- is one word each
//! chown "$(id -u)" "$1"
//! ```
//!
//! ## Does not apply
//!
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose $FILES up -d
//! ```

use crate::conditions::MOVES_DATA;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};
use crate::{operands, scripts};

pub(super) static CHECK: Check = Check {
    id: "scripts/expansions-quoted",
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
            Equivalent { tool: "catalogue", rule: "OPS008", relation: Relation::Wider },
            Equivalent { tool: "shellcheck", rule: "SC2086", relation: Relation::Wider },
            Equivalent { tool: "shellcheck", rule: "SC2046", relation: Relation::Wider },
            Equivalent {
                tool: "semgrep",
                rule: "unquoted-variable-expansion-in-command",
                relation: Relation::Wider,
            },
            Equivalent {
                tool: "semgrep",
                rule: "unquoted-command-substitution-in-command",
                relation: Relation::Wider,
            },
        ],
    }],
    when: &[&MOVES_DATA],
    source: include_str!("expansions_quoted.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|c| operands::destroys_files(c)) {
        // Who owns it, and its mode, is no path.
        let from = match command.program() {
            "chown" | "chmod" => {
                1 + command.args().iter().take_while(|w| w.starts_with('-')).count()
            }
            _ => 0,
        };
        let mut splits = command.expansions.iter().filter(|expansion| expansion.splits);
        let splits = splits.find(|expansion| from == 0 || expansion.word != from);
        let Some(expansion) = splits else {
            fine.push(Evidence::shows(command.span, "is one word each"));
            continue;
        };
        let name = &expansion.name;
        let says = match name.is_empty() {
            true => "what a command prints may become several".to_owned(),
            false => format!("`{}` may become several", clip(name)),
        };
        let evidence = Evidence::contradicts(command.span, says);
        open.push(if is_several(name) { evidence.severity(Severity::Low) } else { evidence });
    }
    let fails = "what is deleted or moved is split at blanks: quote it";
    let none = || Evidence::context(script.text.whole(), "deletes and moves nothing");
    scripts::verdict(open, fails, fine, "what is deleted or moved is one path each", none)
}

/// Whether a variable is split on purpose, by its name.
fn is_several(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    matches!(name, "@" | "*")
        || lower.ends_with('s') && !lower.ends_with("ss")
        || ["opt", "arg", "flag", "list"].iter().any(|word| lower.contains(word))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "quote what is one path";
    let sample = mending::scripts::sample(cx, finding, "rm -rf \"$DIR\"\n");
    mending::scripts::each(cx, finding, does, sample, |program, source, at| {
        let flow = &program.flow;
        let command = mending::scripts::command(program, at)?;
        // What a command prints, and what is set to several, is meant to be split.
        let one = |name: &str| {
            let mut sets = flow.sets.iter().filter(|set| set.name == name);
            !is_several(name) && sets.all(|set| !set.value.contains([' ', '*', '\n', '(', '`']))
        };
        let splits = command.expansions.iter().filter(|expansion| expansion.splits);
        let named = splits.filter(|expansion| !expansion.name.is_empty() && one(&expansion.name));
        Some(named.filter_map(|expansion| source.quote(expansion.span)).collect())
    })
}
