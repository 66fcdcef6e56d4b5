//! Ignore files: patterns are added at the end, where they have the last word.

use plimsoll_source::{Edit, FileId, Tree};

use super::{Text, offset, whole};

/// Adds patterns at the end of a file.
#[must_use]
pub fn append(tree: &Tree, file: FileId, patterns: &[&str]) -> Option<Edit> {
    let text = Text::of(tree, file)?;
    let lines: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    let eol = text.eol();
    let mut insert = whole(&lines, eol);
    if text.bytes.last().is_some_and(|last| *last != b'\n') {
        insert.insert_str(0, eol);
    }
    Some(text.insert(offset(text.bytes.len()), insert))
}

#[cfg(test)]
mod tests {
    use super::super::tests::edited;
    use super::*;

    #[test]
    fn patterns_follow_in_lines_of_their_own() {
        for (before, expected) in [
            ("a\n", "a\n.git\n*.key\n"),
            ("a", "a\n.git\n*.key\n"),
            ("", ".git\n*.key\n"),
            ("a\r\n", "a\r\n.git\r\n*.key\r\n"),
        ] {
            let tree = Tree::from_memory([(".dockerignore", before)]);
            let edit = append(&tree, FileId(0), &[".git", "*.key"]);
            assert_eq!(edited(&tree, edit.map(|e| vec![e])).as_deref(), Some(expected));
        }
    }
}
