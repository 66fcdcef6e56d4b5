//! YAML: every style and error, text in, tree out.

use std::fmt::Write as _;

use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::Parsed;
use plimsoll_syntax::yaml::{Style, Value, Yaml, parse};

fn file(text: &[u8]) -> Derived {
    Derived::verbatim(text.to_vec(), Span::new(FileId(0), TextRange::of(0, text.len())))
}

/// One line a node, with its range; `~` before a collection that an error cut short.
fn dump(parsed: &Parsed<Yaml>) -> String {
    let mut out = String::new();
    for (index, root) in parsed.tree.roots().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        node(&mut out, root, 0, "");
    }
    for range in &parsed.tree.comments {
        let text = String::from_utf8_lossy(range.slice(parsed.tree.text.text()));
        writeln!(out, "{}..{} comment {text}", range.start, range.end).unwrap();
    }
    for range in &parsed.tree.lost {
        writeln!(out, "{}..{} lost", range.start, range.end).unwrap();
    }
    for error in &parsed.errors {
        let range = error.span.range;
        let fatal = if error.fatal { "fatal" } else { "error" };
        writeln!(out, "{}..{} {fatal}: {}", range.start, range.end, error.message).unwrap();
    }
    out
}

fn node(out: &mut String, value: Value<'_>, depth: usize, label: &str) {
    let range = value.raw().range;
    let tag = value
        .tag()
        .filter(|_| !value.is_alias())
        .map_or(String::new(), |(tag, _)| format!("{tag} "));
    write!(out, "{}{label}{}..{} {tag}", "  ".repeat(depth), range.start, range.end).unwrap();
    let partial = if value.is_partial() { "~" } else { "" };
    if value.is_alias() {
        let target =
            if value.is_unknown() { "?".into() } else { value.node().range.start.to_string() };
        writeln!(out, "*{target}").unwrap();
    } else if value.is_map() {
        writeln!(out, "{partial}map").unwrap();
        for (key, value) in value.pairs() {
            node(out, key, depth + 1, "");
            node(out, value, depth + 2, "= ");
        }
    } else if value.is_seq() {
        writeln!(out, "{partial}seq").unwrap();
        for item in value.items() {
            node(out, item, depth + 1, "- ");
        }
    } else {
        let quote = match value.style().unwrap() {
            Style::Plain => "",
            Style::Single => "'",
            Style::Double => "\"",
            Style::Literal => "|",
            Style::Folded => ">",
        };
        writeln!(out, "{quote}{}{}", value.text().unwrap().escape_debug(), pieces(value)).unwrap();
    }
}

/// Where each character comes from, unless the content is one slice: `text@start..end` a run.
fn pieces(value: Value<'_>) -> String {
    let derived = value.derived();
    assert_eq!(derived.text(), value.text().unwrap().as_bytes());
    let len = TextRange::of(0, derived.text().len()).end;
    let mut runs: Vec<(String, TextRange)> = Vec::new();
    for (at, char) in value.text().unwrap().char_indices() {
        let range = TextRange::of(at, at + char.len_utf8());
        let from = derived.span(range).range;
        match runs.last_mut() {
            Some((text, last)) if last.end == from.start && from.len() == range.len() => {
                text.push(char);
                last.end = from.end;
            }
            _ => runs.push((char.to_string(), from)),
        }
    }
    if runs.len() <= 1 && runs.iter().all(|(_, range)| range.len() == len) {
        return String::new();
    }
    let runs =
        runs.iter().map(|(text, at)| format!("{}@{}..{}", text.escape_debug(), at.start, at.end));
    format!("  ({})", runs.collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let got = dump(&parse(file(text.as_bytes())));
    assert_eq!(got.trim_end().lines().collect::<Vec<_>>(), expected, "of {text:?}");
}

#[test]
fn errors_cost_one_entry_and_reading_goes_on() {
    check(
        "foo: 1\nbar: b: c\nx: y\n---\nz: [",
        &[
            "0..21 ~map",
            "  0..3 foo",
            "    = 5..6 1",
            "  7..10 bar",
            "    = 10..10 *?",
            "  17..18 x",
            "    = 20..21 y",
            "---",
            "26..30 ~map",
            "  26..27 z",
            "    = 29..30 ~seq",
            "12..17 lost",
            "29..30 lost",
            "13..14 fatal: mapping values are not allowed in this context",
            "29..30 fatal: unclosed bracket '['",
        ],
    );
}
