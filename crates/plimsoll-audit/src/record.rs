//! What deployments write down of themselves, and what rollbacks take their target from.

use plimsoll_model::flow::{Command, CommandKind, Flow};
use plimsoll_model::script::Program;
use plimsoll_source::Span;

use crate::releasing::{deployers, is_others, nearest_call, starts};
use crate::scripts::{commands, is_named};
use crate::{Cx, ScriptSubject};

/// Something that a deployment writes down of a release.
pub(crate) struct Record {
    /// The name under which the release stands, in small letters: a key, or a file's name.
    pub(crate) key: String,
    /// The file of that name holds nothing else.
    pub(crate) whole_file: bool,
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
            let keys = keys(&text);
            let key = keys.iter().find(|key| is_current(key)).cloned();
            let name = file_of(flow, command).filter(|name| is_current(&words(name)));
            let previous = match &key {
                Some(_) => keys.iter().any(|key| has(key, &PREVIOUS)),
                None => keeps_previous_file(flow),
            };
            let whole_file = key.is_none();
            let Some(key) = key.or(name) else { continue };
            found.push(Record {
                key,
                whole_file,
                place: nearest_call(cx, flow, command),
                keeps_previous: adds || previous,
            });
        }
    }
    found
}

/// The name of the file that a command writes.
fn file_of(flow: &Flow, command: &Command) -> Option<String> {
    let file = flow.redirects(command).find(|redirect| redirect.writes())?;
    file.target.rsplit('/').next().map(str::to_owned)
}

/// A file's name as a key: `.current-sha` as `current_sha`.
fn words(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    lower.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// Whether a program writes or copies a release to a file that is named after the one before.
fn keeps_previous_file(flow: &Flow) -> bool {
    let is_one = |name: &str| {
        let name = words(name.rsplit('/').next().unwrap_or(name));
        has(&name, &PREVIOUS)
    };
    flow.commands.iter().any(|command| {
        let copied = matches!(command.program(), "cp" | "mv" | "install" | "tee");
        let target = command.args().last().filter(|_| copied);
        file_of(flow, command).is_some_and(|name| is_one(&name))
            || target.is_some_and(|target| is_one(target))
    })
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
pub(crate) fn reads(script: &ScriptSubject<'_>, record: &Record) -> Option<Span> {
    let flow = &script.flow;
    let key = record.key.as_str();
    if record.whole_file {
        let named = |word: &str| word.rsplit('/').next() == Some(key);
        let mut all = flow.commands.iter().filter(|command| !command.words.is_empty());
        let read = all.find(|command| {
            let given = command.redirects.iter().any(|r| r.feeds() && named(&r.target));
            given || command.kind != CommandKind::Test && command.args().iter().any(|w| named(w))
        });
        return read.map(|command| command.span);
    }
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
