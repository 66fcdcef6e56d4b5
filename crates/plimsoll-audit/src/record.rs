//! What deployments write down of themselves, and what rollbacks take their target from.

use plimsoll_model::flow::Command;
use plimsoll_model::script::Program;
use plimsoll_source::Span;

use crate::releasing::{deployers, is_others, nearest_call, starts};
use crate::scripts::{commands, is_named};
use crate::{Cx, ScriptSubject};

/// Something that a deployment writes down of a release.
pub(crate) struct Record {
    /// The name under which the release stands, in small letters.
    pub(crate) key: String,
    /// Where the program sets about writing it.
    pub(crate) place: Span,
    /// It keeps the release before, too, or adds to what is there.
    pub(crate) keeps_previous: bool,
}

/// Words that a key of a release is made of, and those that say which.
const RELEASES: [&str; 8] =
    ["sha", "commit", "revision", "release", "version", "tag", "image", "digest"];
const CURRENT: [&str; 6] = ["last", "good", "current", "deployed", "active", "release"];
const PREVIOUS: [&str; 7] = ["previous", "prev", "old", "before", "prior", "history", "rollback"];

/// What scripts that deploy write down.
pub(crate) fn records(cx: &Cx<'_>) -> Vec<Record> {
    let mut found = Vec::new();
    for script in deployers(cx).filter(|s| !is_named(cx, s.program, &["rollback"])) {
        let flow = &script.flow;
        let from = commands(script.program).find(|command| starts(command)).map(|c| c.at);
        for command in flow.commands.iter().filter(|c| !flow.is_aside(c) && Some(c.at) > from) {
            let Some((text, adds)) = written(script.program, command) else { continue };
            let Some(key) = keys(&text).into_iter().find(|key| is_current(key)) else { continue };
            let previous = keys(&text).iter().any(|key| has(key, &PREVIOUS));
            found.push(Record {
                key,
                place: nearest_call(cx, flow, command),
                keeps_previous: adds || previous,
            });
        }
    }
    found
}

/// The text that a command writes to a file, and whether it adds to it.
fn written(program: &Program, command: &Command) -> Option<(String, bool)> {
    use plimsoll_model::flow::RedirectOp::{Append, AppendBoth};
    let fed = command.redirects.iter().find_map(|redirect| redirect.text.clone());
    // A program that is given as a here-document and writes a file.
    if let Some(text) = &fed
        && (text.contains("write_text") || text.contains(".write(") || text.contains("json.dump"))
    {
        return Some((text.clone(), text.contains("\"a\"")));
    }
    let file = program.flow.redirects(command).find(|redirect| redirect.writes())?;
    if file.target.starts_with("/dev/") {
        return None;
    }
    let text = fed.unwrap_or_else(|| command.args().join(" "));
    Some((text, matches!(file.op, Append | AppendBoth)))
}

/// The keys of a text: `NAME=…`, `"name": …`, in small letters.
fn keys(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for line in text.lines() {
        for (at, _) in line.match_indices(['=', ':']) {
            let before = line[..at].trim_end().trim_end_matches(['"', '\'']);
            let start = before.rfind(|c: char| !word(c)).map_or(0, |at| at + 1);
            let key = before.get(start..).unwrap_or("");
            if !key.is_empty() && key.len() <= 64 {
                found.push(key.to_ascii_lowercase());
            }
        }
    }
    found
}

fn has(key: &str, words: &[&str]) -> bool {
    key.split('_').any(|part| words.contains(&part))
}

fn is_current(key: &str) -> bool {
    has(key, &RELEASES) && has(key, &CURRENT) && !has(key, &PREVIOUS)
}

/// Scripts that roll back.
pub(crate) fn rollbacks<'a>(cx: &Cx<'a>) -> Vec<ScriptSubject<'a>> {
    let all = cx.operational_scripts();
    all.filter(|script| {
        is_named(cx, script.program, &["rollback", "revert", "undo"])
            && !is_others(cx, script.program)
    })
    .collect()
}

/// Where a script takes its target from what stands under a key: it reads the variable of this
/// name, or one that a here-document on its way fills from the key.
pub(crate) fn reads(script: &ScriptSubject<'_>, key: &str) -> Option<Span> {
    let flow = &script.flow;
    let upper = key.to_ascii_uppercase();
    let mut names = vec![upper, key.to_owned()];
    let texts = flow.commands.iter().flat_map(|command| &command.redirects);
    for text in texts.filter_map(|redirect| redirect.text.as_deref()) {
        for line in text.lines().filter(|line| line.to_ascii_lowercase().contains(key)) {
            let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            names.extend(words.filter(|word| is_variable(word)).map(str::to_owned));
        }
    }
    let tests: Vec<Span> = flow
        .commands
        .iter()
        .filter(|command| matches!(command.program(), "[[" | "[" | "test"))
        .map(|command| command.span)
        .collect();
    let in_test = |span: Span| {
        tests.iter().any(|test| {
            test.file == span.file
                && test.range.start <= span.range.start
                && span.range.end <= test.range.end
        })
    };
    let mut reads = flow.reads.iter().filter(|read| names.contains(&read.name));
    reads.find(|read| !in_test(read.span)).map(|read| read.span)
}

fn is_variable(word: &str) -> bool {
    word.len() > 2
        && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}
