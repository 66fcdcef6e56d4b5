//! # What is deleted cannot be the root by an empty variable
//!
//! No `rm -r` has an operand that begins with a variable which may be empty.
//!
//! With `DIR` unset, `rm -rf "$DIR"/*` is `rm -rf /*`. It has happened to products of large companies.
//!
//! Write `"${DIR:?}"/*`, which ends the script instead; or set the variable in the script under `set -u`, or
//! test it before. There is no PARTIAL here. LOW is a variable that nothing here sets and nothing follows:
//! empty, it deletes nothing, but it may be anything.
//!
//! ## Fails
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rm -rf "$BUILD_DIR"/* # <- deletes from the root where `BUILD_DIR` is empty
//! ```
//!
//! A default does not help that may be empty itself:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! DIR=${DIR:-}
//! rm -rf "$DIR/cache" # <- deletes from the root where `DIR` is empty
//! ```
//!
//! An argument:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rm -rf "$1"/cache # <- deletes from the root where `$1` is empty
//! ```
//!
//! What another command prints:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! dir=$(cat /etc/app/dir)
//! rm -rf "$dir/cache" # <- deletes from the root where
//! ```
//!
//! Whatever it is:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rm -rf "$BUILD_DIR" # <- deletes whatever `BUILD_DIR` is set to outside
//! ```
//!
//! ## Fixed
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rm -rf "${BUILD_DIR:?}"/* # <- cannot be empty
//! ```
//!
//! Or:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! DIR=${DIR:-}
//! rm -rf "${DIR:?}/cache" # <- cannot be empty
//! ```
//!
//! ## Passes
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -eu
//! [ -n "$DIR" ] || exit 1
//! rm -rf "$DIR/cache"
//! tmp=$(mktemp -d)
//! rm -rf "$tmp" /srv/cache # <- cannot be empty
//! ```
//!
//! Demanded where it is used, or tested before:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! dir=$(cat /etc/app/dir)
//! rm -rf "${dir:?}/cache" # <- cannot be empty
//! old=$(cat /etc/app/old)
//! [ -n "$old" ] || exit 1
//! rm -rf "$old/cache" # <- cannot be empty
//! ```
//!
//! What a loop goes through:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! for release in /srv/app/releases/*; do
//!   rm -rf "$release/cache" # <- cannot be empty
//! done
//! ```
//!
//! ## Does not apply
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rm -f "$FILE"
//! ```

use plimsoll_model::data;
use plimsoll_model::mend::replace;

use crate::conditions::DELETES_TREES;
use crate::operands::{leading, may_be_empty, shown, variable};
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/deletes-guarded-paths",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["A1.2"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "OPS007", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "OPS002", relation: Relation::Wider },
            Equivalent { tool: "shellcheck", rule: "SC2115", relation: Relation::Narrower },
        ],
    }],
    when: &[&DELETES_TREES],
    source: include_str!("deletes_guarded_paths.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut fine, mut name) = (Vec::new(), Vec::new(), String::new());
    for command in scripts::commands(script.program).filter(|c| scripts::deletes_trees(c)) {
        // In a container other variables hold.
        if data::in_container(flow, command) && !command.remote {
            continue;
        }
        let empty = command.args().iter().find_map(|word| {
            let (expansion, rest) = leading(word)?;
            may_be_empty(flow, command, expansion).then_some((expansion, rest))
        });
        match empty {
            Some((expansion, rest)) if rest.starts_with('/') && rest.len() > 1 => {
                name = shown(expansion);
                let says = format!("deletes from the root where `{name}` is empty");
                open.push(Evidence::contradicts(command.span, says));
            }
            Some((expansion, "")) if variable(expansion).is_some() => {
                let says = format!("deletes whatever `{}` is set to outside", shown(expansion));
                open.push(Evidence::contradicts(command.span, says).severity(Severity::Low));
            }
            _ => fine.push(Evidence::shows(command.span, "cannot be empty")),
        }
    }
    let fails = match name.is_empty() {
        true => "what `rm -r` deletes is not set here: demand it (`${1:?}`), or test it".to_owned(),
        false => format!("`rm -r` deletes from the root where `{name}` is empty: demand a value"),
    };
    let none = || Evidence::context(script.text.whole(), "deletes no tree here");
    scripts::verdict(open, fails, fine, "what is deleted cannot be the root", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "end the script where the variable is empty";
    mending::scripts::each(cx, finding, does, None, |program, _, at| {
        let flow = &program.flow;
        let command = mending::scripts::command(program, at)?;
        let reads = flow.reads.iter().filter(|read| read.at == command.at && read.op.is_none());
        let open = reads.filter(|read| {
            command.args().iter().any(|word| {
                let Some((expansion, _)) = leading(word) else { return false };
                let named = variable(expansion).is_some_and(|(name, _)| name == read.name);
                let mut sets = flow.sets.iter().filter(|set| set.name == read.name);
                let stands = named || sets.any(|set| set.value.trim_matches('"') == expansion);
                stands && may_be_empty(flow, command, expansion)
            })
        });
        let edits = open.filter_map(|read| {
            let name = &read.name;
            let text = cx.text_of(read.span)?;
            let plain = text == format!("${name}") || text == format!("${{{name}}}");
            plain.then(|| replace(read.span, format!("${{{name}:?}}")))
        });
        Some(edits.collect())
    })
}
