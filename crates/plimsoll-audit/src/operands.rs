//! What the operands of a command begin with: an expansion, and whether it may be empty.

use plimsoll_model::flow::{Command, Flow, Read, RegionKind, Set};

use crate::evidence::clip;

/// The expansion that a word begins with, and what follows it.
pub(crate) fn leading(word: &str) -> Option<(&str, &str)> {
    let rest = word.strip_prefix('$')?;
    let close = |open: char, close: char| {
        let mut depth = 0usize;
        rest.char_indices().find_map(|(at, c)| {
            depth += usize::from(c == open);
            if c == close {
                depth = depth.saturating_sub(1);
                return (depth == 0).then_some(at + 2);
            }
            None
        })
    };
    let end = match rest.chars().next()? {
        '{' => close('{', '}')?,
        '(' => close('(', ')')?,
        c if c.is_ascii_digit() => 2,
        _ => {
            let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            1 + rest.find(|c| !part(c)).unwrap_or(rest.len())
        }
    };
    Some((word.get(..end)?, word.get(end..)?))
}

/// An expansion as people speak of it: a variable by its name.
pub(crate) fn shown(expansion: &str) -> String {
    match variable(expansion) {
        Some((name, _)) if !name.starts_with(|c: char| c.is_ascii_digit()) => clip(name),
        Some((name, _)) => format!("${name}"),
        None => clip(expansion),
    }
}

/// The name of the variable that an expansion stands for, and what follows it in braces.
pub(crate) fn variable(expansion: &str) -> Option<(&str, &str)> {
    let inner = expansion.strip_prefix('$')?;
    let inner = inner.strip_prefix('{').map_or(inner, |inner| inner.trim_end_matches('}'));
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = inner.find(|c| !part(c)).unwrap_or(inner.len());
    (end > 0).then(|| inner.split_at(end))
}

/// Whether nothing keeps an expansion from being empty there.
pub(crate) fn may_be_empty(flow: &Flow, command: &Command, expansion: &str) -> bool {
    // What these print is never empty.
    const SURE: [&str; 5] = ["mktemp", "pwd", "dirname", "realpath", "git rev-parse"];
    // The variables that it stands for, where they are not written out.
    let sets = flow.sets.iter().filter(|set| set.at <= command.at);
    let held = sets.filter(|set| set.value.trim_matches(['"', '\'']) == expansion);
    let names: Vec<&str> = held.map(|set| set.name.as_str()).collect();
    let of_these = |read: &&Read| names.contains(&read.name.as_str());
    let mut reads = flow.reads.iter().filter(|read| read.at <= command.at).filter(of_these);
    let mut tests = flow.guards(command);
    let tested = tests.any(|guard| flow.reads.iter().filter(of_these).any(|r| r.at == guard.at));
    if tested || reads.any(|read| read.op.as_ref().is_some_and(|(op, _)| op.ends_with('?'))) {
        return false;
    }
    let Some((name, op)) = variable(expansion) else {
        // What another command prints: `set -e` with `-u` is all that scripts do about it.
        let printed = expansion.starts_with("$(");
        return printed && !command.nounset && !SURE.iter().any(|sure| expansion.contains(sure));
    };
    let op = op.trim_start_matches(':');
    if op.starts_with('?') || op.starts_with(['-', '=']) && op.len() > 1 {
        return false;
    }
    if !op.is_empty() && !op.starts_with(['-', '=', '%', '#', '/']) {
        return false;
    }
    let speaks = |text: &str| {
        [format!("${name}"), format!("${{{name}")].iter().any(|name| {
            text.match_indices(name.as_str()).any(|(at, _)| {
                let after = &text[at + name.len()..];
                !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            })
        })
    };
    let positional = name.bytes().all(|b| b.is_ascii_digit());
    let asked = flow.guards(command).any(|guard| {
        flow.reads.iter().any(|read| read.name == name && read.at == guard.at)
            || guard.words.iter().any(|w| speaks(w) || positional && w.contains("$#"))
    });
    if asked {
        return false;
    }
    if positional {
        // An argument that is missing ends the script under `set -u`.
        let demanded = flow
            .commands
            .iter()
            .take(command.at + 1)
            .any(|earlier| earlier.words.iter().any(|w| w.contains(&format!("${{{name}:?"))));
        return !command.nounset && !demanded;
    }
    let reads = flow.reads.iter().filter(|read| read.name == name && read.at <= command.at);
    let demanded =
        reads.into_iter().any(|read| read.op.as_ref().is_some_and(|(op, _)| op.ends_with('?')));
    // What a `for` goes through is never empty.
    let looped = |set: &Set| {
        flow.regions.iter().any(|region| {
            matches!(region.kind, RegionKind::Loop { condition: None }) && region.span == set.span
        })
    };
    let empty = |set: &Set| {
        let value = set.value.trim_matches(['"', '\'']);
        value.is_empty() && !looped(set)
            || value.ends_with(":-}")
            || value.starts_with("$1")
            || value == "${1}"
    };
    let unset = match flow.sets.iter().rfind(|set| set.name == name && set.at <= command.at) {
        Some(set) => empty(set) && !set.evaluated,
        None => !command.nounset,
    };
    unset && !demanded
}

/// Whether a command deletes, moves, overwrites or changes the files that it names.
pub(crate) fn destroys_files(command: &Command) -> bool {
    let name = command.program();
    command.is_run()
        && (matches!(name, "rm" | "mv" | "chown" | "chmod" | "shred" | "truncate" | "rmdir")
            || name == "rsync" && command.args().iter().any(|word| word.starts_with("--delete"))
            || matches!(name, "dropdb" | "unlink"))
}
