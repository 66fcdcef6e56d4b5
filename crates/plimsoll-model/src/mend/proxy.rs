//! Configurations of proxies: lines of directives put in and taken out.

use plimsoll_source::{Edit, Span, TextRange, Tree};

use super::{Text, replace};

/// Puts a directive on a line of its own above the line of another, which stands first on it.
#[must_use]
pub fn line_above(tree: &Tree, at: Span, directive: &str) -> Option<Edit> {
    let text = Text::of(tree, at.file)?;
    let start = text.line_start(at.range.start);
    let first = text.slice(start, at.range.start).trim_ascii().is_empty();
    let line = format!("{}{directive}{}", text.indent(at.range.start), text.eol());
    first.then(|| text.insert(start, line))
}

/// Takes the line of a directive out, if it stands alone on it.
#[must_use]
pub fn without_line(tree: &Tree, at: Span) -> Option<Edit> {
    let text = Text::of(tree, at.file)?;
    let start = text.line_start(at.range.start);
    let stop = text.line_stop(at.range.end);
    let before = text.slice(start, at.range.start).trim_ascii();
    let after = text.slice(at.range.end, stop).trim_ascii();
    let after = after.strip_prefix(b";").unwrap_or(after).trim_ascii();
    let alone = before.is_empty() && (after.is_empty() || after.starts_with(b"#"));
    let end = text.next_line(at.range.end).filter(|_| alone)?;
    Some(replace(Span::new(at.file, TextRange::new(start, end)), ""))
}

/// Takes a word out, with the blanks before it.
#[must_use]
pub fn without_word(tree: &Tree, at: Span) -> Option<Edit> {
    let text = Text::of(tree, at.file)?;
    let line = text.line_start(at.range.start);
    let before = text.slice(line, at.range.start);
    let blanks = before.len() - before.trim_ascii_end().len();
    let start = at.range.start - u32::try_from(blanks).ok()?;
    (blanks > 0).then(|| replace(Span::new(at.file, TextRange::new(start, at.range.end)), ""))
}

#[cfg(test)]
mod tests {
    use plimsoll_source::FileId;

    use super::super::tests::edited;
    use super::*;

    #[track_caller]
    fn check(before: &str, part: &str, make: fn(&Tree, Span) -> Option<Edit>, after: Option<&str>) {
        let tree = Tree::from_memory([("nginx.conf", before)]);
        let start = before.find(part).expect("it is there");
        let at = Span::new(FileId(0), TextRange::of(start, start + part.len()));
        let edit = make(&tree, at);
        assert_eq!(edited(&tree, edit.map(|edit| vec![edit])).as_deref(), after, "{before}");
    }

    #[test]
    fn lines_and_words_come_and_go() {
        let above = |tree: &Tree, at: Span| line_above(tree, at, "b off;");
        check("a {\n\tc;\n}\n", "c", above, Some("a {\n\tb off;\n\tc;\n}\n"));
        check("a { c; }\n", "c", above, None);
        check("a;\n  b on; # why\nc;\n", "b on", without_line, Some("a;\nc;\n"));
        check("a; b on;\n", "b on", without_line, None);
        check("a b  c\n", "c", without_word, Some("a b\n"));
    }
}
