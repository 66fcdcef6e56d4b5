//! Words that become code: `eval`, `sh -c`, what `ssh` runs; and files of variables that a shell
//! reads as a program.

use plimsoll_model::data;
use plimsoll_model::flow::{Command, Expansion, Flow, RegionKind};

use crate::downloads::SHELLS;

/// What strangers may write, as a forge hands it to a script.
const FOREIGN: [&str; 9] = [
    "GITHUB_HEAD_REF",
    "GITHUB_REF_NAME",
    "GITHUB_ACTOR",
    "CI_COMMIT_MESSAGE",
    "CI_COMMIT_TITLE",
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_BRANCH",
    "CI_MERGE_REQUEST_TITLE",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
];

/// The words of a command that a shell reads as a program, by their index.
pub(crate) fn code(command: &Command) -> impl Iterator<Item = usize> + '_ {
    let from = match command.program() {
        "eval" => 1,
        "ssh" => host(command).map_or(usize::MAX, |host| host + 1),
        _ => usize::MAX,
    };
    let given = command.words.windows(3).enumerate().filter_map(|(at, words)| {
        let shell = words[0].rsplit('/').next().is_some_and(|name| SHELLS.contains(&name));
        let flag = words[1].starts_with('-') && !words[1].starts_with("--");
        (shell && flag && words[1].ends_with('c')).then_some(at + 2)
    });
    (from..command.words.len()).chain(given)
}

/// The index of the machine among the words of `ssh`.
fn host(command: &Command) -> Option<usize> {
    const VALUED: [&str; 16] = [
        "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-o", "-p", "-R",
        "-S",
    ];
    let mut at = 1;
    while let Some(word) = command.words.get(at) {
        if !word.starts_with('-') {
            return Some(at);
        }
        at += if VALUED.contains(&word.as_str()) { 2 } else { 1 };
    }
    None
}

/// Whether an expansion in a command holds what the caller or a stranger gave, as it is.
pub(crate) fn is_given(flow: &Flow, command: &Command, expansion: &Expansion) -> bool {
    let positional = |name: &str| {
        name.bytes().next().is_some_and(|b| b.is_ascii_digit() && b != b'0')
            || matches!(name, "@" | "*")
    };
    if expansion.op.as_deref().is_some_and(|op| op.starts_with(['@', '+'])) {
        return false;
    }
    let in_function = flow
        .around(command.region)
        .any(|(_, region)| matches!(region.kind, RegionKind::Function { .. }));
    if positional(&expansion.name) {
        // A function's own are its caller's words, which are known.
        return !in_function;
    }
    if FOREIGN.contains(&expansion.name.as_str()) {
        return true;
    }
    let mut sets = flow.sets.iter().filter(|set| set.name == expansion.name);
    let Some(last) = sets.rfind(|set| set.at <= command.at) else { return false };
    let value = last.value.trim_matches('"').trim_start_matches("${").trim_start_matches('$');
    let name = value.trim_end_matches('}').split([':', '-']).next().unwrap_or("");
    let shell = last.value.trim_start_matches('"').starts_with('$');
    shell && positional(name) && !in_function
}

/// Whether what an expansion holds is compared with a pattern before, or written so that a shell
/// reads it as one word.
pub(crate) fn is_checked(flow: &Flow, command: &Command, expansion: &Expansion) -> bool {
    let mention = |text: &str| {
        let name = &expansion.name;
        text.contains(&format!("${name}")) || text.contains(&format!("${{{name}"))
    };
    let pattern = |guard: &Command| {
        let compares = guard.words.iter().any(|word| matches!(word.as_str(), "=~" | "=" | "=="));
        let reads = flow.reads.iter().any(|r| r.at == guard.at && r.name == expansion.name);
        compares && (reads || guard.words.iter().any(|word| mention(word)))
            || guard.program() == "grep"
                && data::upstream(flow, guard)
                    .iter()
                    .any(|before| before.words.iter().any(|word| mention(word)))
    };
    flow.guards(command).any(pattern)
        || flow.around(command.region).any(|(_, region)| match &region.kind {
            RegionKind::Arm { subject, patterns } => {
                mention(subject) && !patterns.iter().any(|pattern| pattern == "*")
            }
            _ => false,
        })
}

/// How a command reads a file of variables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Not at all: `--env-file .env`.
    Handed,
    /// As a program: `source .env`.
    Sourced,
    /// Split into words: `export $(cat .env | xargs)`, `eval "$(cat .env)"`.
    Split,
}

/// How a command reads a file of variables, if it does.
pub(crate) fn env_file(command: &Command) -> Option<Reads> {
    let env = |word: &str| {
        let word = word.trim_matches(['"', '\'', ')', '`']);
        let name = word.rsplit('/').next().unwrap_or(word).to_ascii_lowercase();
        name == ".env" || name.starts_with(".env.") || name.ends_with(".env")
    };
    let mentions = |word: &String| {
        let lower = word.to_ascii_lowercase();
        word.split_whitespace().any(env) || lower.contains("env_file") || lower.contains("envfile")
    };
    let first = command.args().first();
    match command.program() {
        "source" | "." if first.is_some_and(mentions) => Some(Reads::Sourced),
        "export" | "eval" => {
            let read = |word: &&String| {
                let inner = word.trim_start_matches('"');
                let runs = inner.starts_with("$(") || inner.starts_with('`');
                let reader = ["cat ", "grep ", "sed ", "xargs", "egrep ", "awk ", "< "];
                runs && reader.iter().any(|reader| inner.contains(reader))
            };
            let found = command.args().iter().find(read)?;
            mentions(found).then_some(Reads::Split)
        }
        _ => {
            let hands = |word: &String| word == "--env-file" || word.starts_with("--env-file=");
            command.args().iter().any(hands).then_some(Reads::Handed)
        }
    }
}

/// The argument of the script that a command reads without a default: `$1`.
pub(crate) fn argument<'a>(flow: &Flow, command: &'a Command) -> Option<&'a Expansion> {
    let inside = flow
        .around(command.region)
        .any(|(_, region)| matches!(region.kind, RegionKind::Function { .. }));
    let found = command.expansions.iter().find(|expansion| {
        expansion.op.as_deref().is_none_or(|op| op.ends_with('?'))
            && matches!(expansion.name.as_str(), "1" | "2" | "3" | "4" | "5")
    });
    found.filter(|_| !inside && flow.host(command).is_none())
}
