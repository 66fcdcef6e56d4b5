//! Text from outside without what would command its reader: the first step of every escape.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_audit::Report;

/// Whether a character moves a cursor, ends a line, turns the writing direction or cannot be seen.
pub(crate) fn is_command(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
        // Neither has a place in XML, and no character looks like them.
        || matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// A text on one line; what would command is U+FFFD, a tab is a blank.
pub(crate) fn plain(text: &str) -> String {
    // Most texts are, and are looked at a byte at a time.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if is_command(c) => '\u{FFFD}',
            c => c,
        })
        .collect()
}

/// A text of several lines, each as [`plain`] makes it, each ended by a line feed but the last.
pub(crate) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Lines that a forge's runner, which reads the log of what it runs, would take for its commands
/// (`::name::` at a line's begin, `##[name]` anywhere), with a character in between.
pub(crate) fn without_commands(text: String) -> String {
    if !text.contains("::") && !text.contains("##[") {
        return text;
    }
    let inert = |line: &str| {
        let line = line.replace("##[", "##\u{FFFD}[");
        if line.trim_start().starts_with("::") {
            line.replacen("::", ":\u{FFFD}:", 1)
        } else {
            line
        }
    };
    text.split('\n').map(inert).collect::<Vec<_>>().join("\n")
}

/// What every report says of its own limits: what it was compared with, what was not asked, what was
/// not read and what was left out. Not escaped yet.
pub(crate) fn notes(report: &Report) -> Vec<String> {
    /// With more checks than these, areas are counted.
    const FEW: usize = 12;
    let mut notes = Vec::new();
    if let Some(of) = &report.comparison {
        let fixed = of.fixed.len();
        notes.push(format!(
            "Compared with {}: {} new, {} known, {fixed} fixed.",
            of.with, of.new, of.known
        ));
    }
    let not_asked = &report.not_asked;
    if !not_asked.is_empty() {
        let mut areas: BTreeMap<&str, usize> = BTreeMap::new();
        for id in not_asked.keys() {
            *areas.entry(id.split('/').next().unwrap_or(id)).or_default() += 1;
        }
        let left: Vec<String> = if not_asked.len() > FEW {
            areas.into_iter().map(|(area, n)| format!("{n} of {area}")).collect()
        } else {
            not_asked.iter().map(|(id, n)| format!("{id} ({n})")).collect()
        };
        notes.push(format!("Not asked, by plimsoll.toml: {}.", left.join(", ")));
    }
    notes.extend(report.policy.unmet(&report.delivery).into_iter().map(|n| format!("note: {n}")));
    let of_tree = report.delivery.tree.notes().iter();
    notes.extend(of_tree.map(|note| format!("note: {}: {}", note.path, note.says)));
    if !report.left_out.is_empty() {
        let kinds: BTreeSet<String> = report
            .left_out
            .iter()
            .map(|&id| format!("{:?}", report.delivery[id].purpose.kind).to_lowercase())
            .collect();
        let kinds: Vec<String> = kinds.into_iter().collect();
        let (count, kinds) = (report.left_out.len(), kinds.join(", "));
        let (what, it) = if count == 1 { ("service is", "it") } else { ("services are", "them") };
        notes.push(format!(
            "{count} more {what} not for production ({kinds}): --purpose all asks about {it}, too."
        ));
    }
    notes
}

/// `what holds` as `What holds.`; a name that stands first (`package.json`) stays what it is.
pub(crate) fn sentence(says: &str) -> String {
    let word = says.split_whitespace().next().unwrap_or("").trim_end_matches([':', ',', '.']);
    let mut chars = says.chars();
    let mut out: String = match chars.next() {
        Some(first) if word.chars().all(char::is_alphabetic) => {
            first.to_uppercase().chain(chars).collect()
        }
        _ => says.to_owned(),
    };
    if !out.ends_with(['.', '!', '?']) {
        out.push('.');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_begin_large_and_names_stay() {
        assert_eq!(sentence("what holds"), "What holds.");
        assert_eq!(sentence("no: add one!"), "No: add one!");
        assert_eq!(sentence("package.json has none"), "package.json has none.");
        assert_eq!(sentence(""), ".");
    }

    #[test]
    fn what_commands_is_shown_as_unreadable() {
        assert_eq!(
            plain("a\tb\n\u{1b}[1m\u{202e}c\u{feff}"),
            "a b\u{fffd}\u{fffd}[1m\u{fffd}c\u{fffd}"
        );
        assert_eq!(plain("grün 你好 🙂"), "grün 你好 🙂");
        assert_eq!(
            without_commands("a::b\n  ::c::d::\nx ##[e]\n".to_owned()),
            "a::b\n  :\u{fffd}:c::d::\nx ##\u{fffd}[e]\n"
        );
        assert_eq!(plain_lines("a\r\nb\tc\u{7}\n"), "a\nb c\u{fffd}");
    }
}
