//! Shell: words of a command found by their place, so that a flag goes where the command reads it;
//! and what follows from its failure.

use plimsoll_source::{Derived, Edit, Span, TextRange, Tree};
use plimsoll_syntax::shell::{CommandId, CommandKind, Connector, Script};

use super::{after, replace};

/// The words of the command that stands at `at`, with their places; `None` where several texts
/// make it, or a word is not written out.
#[must_use]
pub fn words(text: &Derived, script: &Script, at: Span) -> Option<Vec<(String, Span)>> {
    let is_it = |id: &CommandId| text.span(script.command(*id).range) == at;
    let id = script.simple_commands().find(is_it)?;
    let words = script.argv(id)?;
    words
        .iter()
        .map(|&word| Some((script.literal(word)?, text.span(script.word(word).range))))
        .collect()
}

/// Puts a word behind the first that is one of `names` (`npm ci` → `npm ci --omit=dev`).
#[must_use]
pub fn add_word(words: &[(String, Span)], names: &[&str], word: &str) -> Option<Edit> {
    let (_, place) = words.iter().find(|(text, _)| names.contains(&&**text))?;
    Some(after(*place, format!(" {word}")))
}

/// Lets the failure of the command at `at` end the program: `|| exit 1` behind it; where something
/// follows `||` already, `true` gives way to it, and what says something says it before. `None` where
/// it stands within another construct, or its text is put together from pieces.
#[must_use]
pub fn exit_on_failure(
    tree: &Tree,
    text: &Derived,
    script: &Script,
    at: Span,
) -> Option<Vec<Edit>> {
    let list = script.list(script.root?);
    let is_it = |id: CommandId| text.span(script.command(id).range) == at;
    let index = list.items.iter().position(|item| match item.pipeline[..] {
        [only] => !item.negated && is_it(only),
        _ => false,
    })?;
    let item = list.items.get(index)?;
    match item.then {
        Connector::Seq => Some(vec![after(place(tree, text, item.range)?, " || exit 1")]),
        Connector::Or => {
            let handler = list.items.get(index + 1).filter(|next| next.then == Connector::Seq)?;
            let [only] = handler.pipeline[..] else { return None };
            let CommandKind::Simple { words, .. } = &script.command(only).kind else { return None };
            let words: Vec<String> =
                words.iter().map(|&word| script.literal(word)).collect::<Option<_>>()?;
            let whole = place(tree, text, handler.range)?;
            match words.first().map(String::as_str)? {
                "true" | ":" => Some(vec![replace(whole, "exit 1")]),
                "echo" | "printf" => {
                    let start = TextRange::new(whole.range.start, whole.range.start);
                    let open = replace(Span::new(whole.file, start), "{ ");
                    Some(vec![open, after(whole, "; exit 1; }")])
                }
                _ => None,
            }
        }
        Connector::And | Connector::Background => None,
    }
}

/// Takes away what swallows the failure of the command at `at`: `|| true`, or a word about it. `None`
/// as for [`exit_on_failure`].
#[must_use]
pub fn unmask(tree: &Tree, text: &Derived, script: &Script, at: Span) -> Option<Edit> {
    let list = script.list(script.root?);
    let is_it = |id: CommandId| text.span(script.command(id).range) == at;
    let index = list.items.iter().position(|item| match item.pipeline[..] {
        [only] => !item.negated && is_it(only) && item.then == Connector::Or,
        _ => false,
    })?;
    let (item, next) = (list.items.get(index)?, list.items.get(index + 1)?);
    let [only] = next.pipeline[..] else { return None };
    let CommandKind::Simple { words, .. } = &script.command(only).kind else { return None };
    let name = script.literal(*words.first()?)?;
    if !matches!(&*name, "true" | ":" | "echo" | "printf") || next.then == Connector::Or {
        return None;
    }
    let tail = TextRange::new(item.range.end, next.range.end);
    Some(replace(place(tree, text, tail)?, ""))
}

/// Where a range of the text stands, if it stands there byte for byte.
fn place(tree: &Tree, text: &Derived, range: TextRange) -> Option<Span> {
    let span = text.span(range);
    let bytes = tree.read(span.file).ok()?;
    let same = span.range.slice(&bytes) == range.slice(text.text());
    (same && !range.is_empty()).then_some(span)
}

#[cfg(test)]
mod tests {
    use plimsoll_source::FileId;
    use plimsoll_syntax::shell::{Dialect, parse};

    use super::super::tests::edited;
    use super::*;

    #[track_caller]
    fn check(before: &str, expected: Option<&str>) {
        let tree = Tree::from_memory([("start.sh", before)]);
        let whole = Span::new(FileId(0), TextRange::of(0, before.len()));
        let text = Derived::verbatim(before.as_bytes().to_vec(), whole);
        let script = parse(before.as_bytes(), Dialect::Posix);
        let start = before.find("migrate").expect("a migration");
        let at = Span::new(FileId(0), TextRange::of(start, start + "migrate".len()));
        let edits = exit_on_failure(&tree, &text, &script, at);
        assert_eq!(edited(&tree, edits).as_deref(), expected, "{before}");
    }

    #[test]
    fn what_swallows_a_failure_is_taken_away() {
        for (before, expected) in [
            ("migrate || true && run\n", Some("migrate && run\n")),
            ("migrate || echo no; run\n", Some("migrate; run\n")),
            ("migrate || retry\n", None),
            ("migrate; run\n", None),
        ] {
            let tree = Tree::from_memory([("start.sh", before)]);
            let whole = Span::new(FileId(0), TextRange::of(0, before.len()));
            let text = Derived::verbatim(before.as_bytes().to_vec(), whole);
            let script = parse(before.as_bytes(), Dialect::Posix);
            let at = Span::new(FileId(0), TextRange::of(0, "migrate".len()));
            let edit = unmask(&tree, &text, &script, at);
            assert_eq!(edited(&tree, edit.map(|edit| vec![edit])).as_deref(), expected, "{before}");
        }
    }

    #[test]
    fn a_failure_ends_the_program() {
        check("migrate # first\nrun\n", Some("migrate || exit 1 # first\nrun\n"));
        check("migrate || true\nrun\n", Some("migrate || exit 1\nrun\n"));
        check(
            "migrate || echo \"it failed\"; run\n",
            Some("migrate || { echo \"it failed\"; exit 1; }; run\n"),
        );
        check("migrate || retry || true\n", None);
        check("if migrate; then run; fi\n", None);
        check("migrate | tee log\n", None);
    }
}
