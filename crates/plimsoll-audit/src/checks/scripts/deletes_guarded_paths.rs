//! # What is deleted cannot be the root by an empty variable
//!
//! No `rm -r` has an operand that begins with a variable which may be empty.
//!
//! With `DIR` unset, `rm -rf "$DIR"/*` is `rm -rf /*`. It has happened to products of large companies.
//!
//! Write `"${DIR:?}"/*`, which ends the script instead; or set the variable in the script under `set -u`, or
//! test it before. There is no PARTIAL here.
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
//! ## Does not apply
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rm -f "$FILE"
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::{Command, Flow, Read, Set};
use plimsoll_model::mend::replace;

use crate::conditions::DELETES_TREES;
use crate::evidence::clip;
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
        // In a container or on another machine other variables hold.
        if data::in_container(flow, command) {
            continue;
        }
        let unset = flow.reads.iter().filter(|read| read.at == command.at).find(|read| {
            let leads = command.args().iter().any(|word| leads_to_root(word, &read.name));
            leads && may_be_empty(flow, command, read)
        });
        match unset {
            Some(read) => {
                name = clip(&read.name);
                let says = format!("deletes from the root where `{name}` is empty");
                open.push(Evidence::contradicts(command.span, says));
            }
            None => fine.push(Evidence::shows(command.span, "cannot be empty")),
        }
    }
    let fails =
        format!("`rm -r` deletes from the root where `{name}` is empty: write `${{{name}:?}}`");
    let none = || Evidence::context(script.text.whole(), "deletes no tree here");
    scripts::verdict(open, fails, fine, "what is deleted cannot be the root", none)
}

/// Whether a word begins with this variable, and something below the root follows.
fn leads_to_root(word: &str, name: &str) -> bool {
    let rest = word.strip_prefix('$').and_then(|rest| {
        rest.strip_prefix(name).or_else(|| {
            let inner = rest.strip_prefix('{')?.strip_prefix(name)?;
            let (_, after) = inner.split_once('}')?;
            Some(after)
        })
    });
    rest.is_some_and(|rest| rest.starts_with('/') && rest.len() > 1)
}

/// Whether nothing keeps the variable from being empty there.
fn may_be_empty(flow: &Flow, command: &Command, read: &Read) -> bool {
    if matches!(&read.op, Some((op, word)) if op.ends_with('?') || !word.is_empty() && op.ends_with('-'))
    {
        return false;
    }
    let asked = flow
        .guards(command)
        .any(|guard| flow.reads.iter().any(|r| r.name == read.name && r.at == guard.at));
    let demanded = flow.reads.iter().any(|earlier| {
        earlier.name == read.name
            && earlier.at <= read.at
            && earlier.op.as_ref().is_some_and(|(op, _)| op.ends_with('?'))
    });
    let mut sets = flow.sets.iter().filter(|set| set.name == read.name && set.at <= read.at);
    let empty = |set: &Set| {
        let value = set.value.trim_matches(['"', '\'']);
        value.is_empty() || value.ends_with(":-}") || value.starts_with("$1") || value == "${1}"
    };
    let set = sets.next_back();
    let unset = match set {
        Some(set) => empty(set) && !set.evaluated,
        None => !read.nounset,
    };
    unset && !asked && !demanded
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "end the script where the variable is empty";
    mending::scripts::each(cx, finding, does, None, |program, _, at| {
        let flow = &program.flow;
        let command = mending::scripts::command(program, at)?;
        let reads = flow.reads.iter().filter(|read| read.at == command.at && read.op.is_none());
        let open = reads.filter(|read| {
            let leads = command.args().iter().any(|word| leads_to_root(word, &read.name));
            leads && may_be_empty(flow, command, read)
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
