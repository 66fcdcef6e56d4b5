//! Two trees to a unified patch, as `git apply` takes it: the one output that masks nothing, since it
//! is made to be applied.

use std::collections::BTreeSet;

use plimsoll_source::{EntryKind, Tree};
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

/// Lines of context.
const CONTEXT: usize = 3;

/// What makes `after` of `before`, of the files at these paths, in path order. Bytes that are not
/// UTF-8 stay what they are; links are left out.
#[must_use]
pub fn diff(before: &Tree, after: &Tree, paths: &BTreeSet<String>) -> Vec<u8> {
    let mut out = Vec::new();
    for path in paths {
        file(&mut out, path, &side(before, path), &side(after, path));
    }
    out
}

/// A file on one side: its bytes and whether it is executable; `None` where there is none.
type Side = Option<(Vec<u8>, bool)>;

fn side(tree: &Tree, path: &str) -> Side {
    let file = tree.find(path)?;
    match tree.entry(file).kind {
        EntryKind::File { executable } => Some((tree.read(file).ok()?.to_vec(), executable)),
        EntryKind::Link { .. } => None,
    }
}

fn file(out: &mut Vec<u8>, path: &str, before: &Side, after: &Side) {
    if before == after {
        return;
    }
    let (old, new) = (quoted("a/", path), quoted("b/", path));
    out.extend(format!("diff --git {old} {new}\n").bytes());
    let mode = |executable: bool| if executable { "100755" } else { "100644" };
    let none = "/dev/null".to_owned();
    let (old, new) = match (before, after) {
        (Some((_, was)), Some((_, is))) => {
            if was != is {
                out.extend(format!("old mode {}\nnew mode {}\n", mode(*was), mode(*is)).bytes());
            }
            (old, new)
        }
        (None, Some((_, is))) => {
            out.extend(format!("new file mode {}\n", mode(*is)).bytes());
            (none, new)
        }
        (Some((_, was)), None) => {
            out.extend(format!("deleted file mode {}\n", mode(*was)).bytes());
            (old, none)
        }
        (None, None) => return,
    };
    let empty = &[][..];
    let before = before.as_ref().map_or(empty, |(bytes, _)| bytes);
    let after = after.as_ref().map_or(empty, |(bytes, _)| bytes);
    let (before, after) = (lines(before), lines(after));
    let hunks = group_diff_ops(capture_diff_slices(Algorithm::Myers, &before, &after), CONTEXT);
    if hunks.iter().all(Vec::is_empty) {
        return;
    }
    out.extend(format!("--- {old}\n+++ {new}\n").bytes());
    for ops in hunks.iter().filter(|ops| !ops.is_empty()) {
        hunk(out, ops, &before, &after);
    }
}

fn hunk(out: &mut Vec<u8>, ops: &[DiffOp], before: &[&[u8]], after: &[&[u8]]) {
    let ends = |side: fn(&DiffOp) -> std::ops::Range<usize>| {
        let start = ops.first().map_or(0, |op| side(op).start);
        let end = ops.last().map_or(0, |op| side(op).end);
        // A range of no lines is named by the line before it.
        let first = if start == end { start } else { start + 1 };
        if end - start == 1 { first.to_string() } else { format!("{first},{}", end - start) }
    };
    let (old, new) = (ends(DiffOp::old_range), ends(DiffOp::new_range));
    out.extend(format!("@@ -{old} +{new} @@\n").bytes());
    for op in ops {
        let (old, new) = (before.get(op.old_range()), after.get(op.new_range()));
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        if matches!(op, DiffOp::Equal { .. }) {
            old.iter().for_each(|text| line(out, b' ', text));
        } else {
            old.iter().for_each(|text| line(out, b'-', text));
            new.iter().for_each(|text| line(out, b'+', text));
        }
    }
}

fn line(out: &mut Vec<u8>, sign: u8, text: &[u8]) {
    out.push(sign);
    out.extend(text);
    if text.last() != Some(&b'\n') {
        out.extend(b"\n\\ No newline at end of file\n");
    }
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|b| *b == b'\n').collect()
}

/// A path in git's way: in quotes, escaped, where it holds what would end or command a line.
fn quoted(side: &str, path: &str) -> String {
    let whole = format!("{side}{path}");
    if !whole.bytes().any(|b| b < b' ' || matches!(b, b'"' | b'\\' | 0x7f..)) {
        return whole;
    }
    let mut out = String::from("\"");
    for byte in whole.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out += &format!("\\{byte:03o}"),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use plimsoll_source::TreeBuilder;

    use super::*;

    #[track_caller]
    fn check(before: Option<&str>, after: Option<(&str, bool)>, expected: &str) {
        let (mut old, mut new) = (TreeBuilder::new(), TreeBuilder::new());
        before.map(|text| old.file("d/a", text.as_bytes()));
        let tracked = plimsoll_source::Tracking::Tracked;
        after.map(|(text, mode)| new.file_as("d/a", text.as_bytes(), tracked, mode));
        let paths = BTreeSet::from(["d/a".to_owned()]);
        let text = diff(&old.build(), &new.build(), &paths);
        assert_eq!(String::from_utf8_lossy(&text), expected);
    }

    #[test]
    fn patches_are_gits() {
        check(
            Some("1\n2\n3\n4\n5\n"),
            Some(("1\n2\n3\n4\nx", false)),
            "diff --git a/d/a b/d/a\n--- a/d/a\n+++ b/d/a\n@@ -2,4 +2,4 @@\n 2\n 3\n 4\n-5\n+x\n\\ No newline at end of file\n",
        );
        check(
            None,
            Some(("a\n", true)),
            "diff --git a/d/a b/d/a\nnew file mode 100755\n--- /dev/null\n+++ b/d/a\n@@ -0,0 +1 @@\n+a\n",
        );
        check(Some("a\n"), Some(("a\n", false)), "");
        check(
            Some("a\n"),
            Some(("a\n", true)),
            "diff --git a/d/a b/d/a\nold mode 100644\nnew mode 100755\n",
        );
        check(
            Some("a\n"),
            None,
            "diff --git a/d/a b/d/a\ndeleted file mode 100644\n--- a/d/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
        );
    }

    #[test]
    fn paths_that_would_command_are_quoted() {
        assert_eq!(quoted("a/", "b c"), "a/b c");
        assert_eq!(quoted("a/", "b\n\"\u{e9}"), "\"a/b\\012\\\"\\303\\251\"");
    }
}
