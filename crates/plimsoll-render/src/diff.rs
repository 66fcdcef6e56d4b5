//! Two trees to a unified patch, as `git apply` takes it: the one output that masks nothing, since it
//! is made to be applied. And one fix to the same form, masked, to be read.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_audit::{Resolver, joined};
use plimsoll_source::{Edit, EntryKind, FileId, Patch, Span, TextRange, Tree};
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

/// What a patch changes, to be read: secrets are masked, and of a file that it removes only that is
/// said. `None` where it does not apply. Costs what the lines around its edits cost, however long
/// their files are.
pub(crate) fn masked(tree: &Tree, resolver: &Resolver<'_>, patch: &Patch) -> Option<String> {
    let patch = joined(std::slice::from_ref(patch))?;
    let mut changed: BTreeMap<FileId, (Option<bool>, Vec<&Edit>)> = BTreeMap::new();
    for edit in &patch.edits {
        changed.entry(edit.span.file).or_default().1.push(edit);
    }
    for (file, executable) in &patch.chmod {
        changed.entry(*file).or_default().0 = Some(*executable);
    }
    let mut parts: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for (file, (executable, edits)) in changed {
        let EntryKind::File { executable: was } = tree.entry(file).kind else { return None };
        let path = tree.path(file);
        let out = parts.entry(path).or_default();
        let names = head(out, path, Some(was), Some(executable.unwrap_or(was)));
        windows(out, &names, resolver, file, &edits)?;
    }
    for new in &patch.create {
        let out = parts.entry(&new.path).or_default();
        let names = head(out, &new.path, None, Some(new.executable));
        let text = Resolver::masked_text(&String::from_utf8_lossy(&new.bytes));
        hunks(out, Some(&names), &[], &lines(text.as_bytes()), (0, 0));
    }
    for &file in &patch.remove {
        let EntryKind::File { executable } = tree.entry(file).kind else { return None };
        let path = tree.path(file);
        head(parts.entry(path).or_default(), path, Some(executable), None);
    }
    let bytes: Vec<u8> = parts.into_values().flatten().collect();
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The hunks of a file that edits change, in the order of their places.
fn windows(
    out: &mut Vec<u8>,
    names: &Names,
    resolver: &Resolver<'_>,
    file: FileId,
    edits: &[&Edit],
) -> Option<()> {
    // Edits whose surroundings touch share a window.
    let mut windows: Vec<(usize, TextRange, Vec<&Edit>)> = Vec::new();
    for edit in edits {
        let (above, range) = resolver.around(edit.span, CONTEXT)?;
        match windows.last_mut() {
            Some((_, last, inside)) if range.start <= last.end => {
                *last = last.cover(range);
                inside.push(edit);
            }
            _ => windows.push((above, range, vec![edit])),
        }
    }
    let shown = |start: u32, end: u32| match start < end {
        true => resolver.shown(Span::new(file, TextRange::new(start, end))),
        false => String::new(),
    };
    let mut names = Some(names);
    let mut grown = 0;
    for (above, range, inside) in windows {
        let before = shown(range.start, range.end);
        let mut after = String::new();
        let mut at = range.start;
        for Edit { span, insert } in inside {
            after += &shown(at, span.range.start);
            after += &Resolver::masked_text(&String::from_utf8_lossy(insert));
            at = span.range.end;
        }
        after += &shown(at, range.end);
        let (before, after) = (lines(before.as_bytes()), lines(after.as_bytes()));
        let behind = above.saturating_add_signed(grown);
        if hunks(out, names, &before, &after, (above, behind)) {
            names = None;
        }
        grown += after.len().cast_signed() - before.len().cast_signed();
    }
    Some(())
}

fn file(out: &mut Vec<u8>, path: &str, before: &Side, after: &Side) {
    if before == after {
        return;
    }
    let mode = |side: &Side| side.as_ref().map(|(_, executable)| *executable);
    let names = head(out, path, mode(before), mode(after));
    let text = |side: &'_ Side| side.as_ref().map_or_else(Vec::new, |(bytes, _)| bytes.clone());
    let (before, after) = (text(before), text(after));
    hunks(out, Some(&names), &lines(&before), &lines(&after), (0, 0));
}

/// What a patch calls a file, before and after.
type Names = (String, String);

/// The lines that begin a file's part of a patch; its modes before and after, where it is there.
fn head(out: &mut Vec<u8>, path: &str, before: Option<bool>, after: Option<bool>) -> Names {
    let (old, new) = (quoted("a/", path), quoted("b/", path));
    out.extend(format!("diff --git {old} {new}\n").bytes());
    let mode = |executable: bool| if executable { "100755" } else { "100644" };
    let none = "/dev/null".to_owned();
    match (before, after) {
        (Some(was), Some(is)) => {
            if was != is {
                out.extend(format!("old mode {}\nnew mode {}\n", mode(was), mode(is)).bytes());
            }
            (old, new)
        }
        (None, is) => {
            out.extend(format!("new file mode {}\n", mode(is.unwrap_or(false))).bytes());
            (none, new)
        }
        (Some(was), None) => {
            out.extend(format!("deleted file mode {}\n", mode(was)).bytes());
            (old, none)
        }
    }
}

/// The hunks between two texts, named first where `names` are given, and whether there are any;
/// `above` lines stand over the one and the other.
fn hunks(
    out: &mut Vec<u8>,
    names: Option<&Names>,
    before: &[&[u8]],
    after: &[&[u8]],
    above: (usize, usize),
) -> bool {
    let hunks = group_diff_ops(capture_diff_slices(Algorithm::Myers, before, after), CONTEXT);
    let mut hunks = hunks.iter().filter(|ops| !ops.is_empty()).peekable();
    let any = hunks.peek().is_some();
    if let Some((old, new)) = names.filter(|_| any) {
        out.extend(format!("--- {old}\n+++ {new}\n").bytes());
    }
    hunks.for_each(|ops| hunk(out, ops, before, after, above));
    any
}

fn hunk(
    out: &mut Vec<u8>,
    ops: &[DiffOp],
    before: &[&[u8]],
    after: &[&[u8]],
    above: (usize, usize),
) {
    let ends = |side: fn(&DiffOp) -> std::ops::Range<usize>, above: usize| {
        let start = ops.first().map_or(0, |op| side(op).start);
        let end = ops.last().map_or(0, |op| side(op).end);
        // A range of no lines is named by the line before it.
        let first = above + if start == end { start } else { start + 1 };
        if end - start == 1 { first.to_string() } else { format!("{first},{}", end - start) }
    };
    let (old, new) = (ends(DiffOp::old_range, above.0), ends(DiffOp::new_range, above.1));
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

    /// One fix after the other: what is masked is the patch itself where there is no secret.
    #[test]
    fn a_masked_patch_of_a_fix_is_the_patch_where_nothing_is_secret() {
        let services: String = (0..4)
            .map(|n| {
                format!("  w{n}:\n    image: a:1.0.{n}\n    command: b\n    # c\n    tty: true\n")
            })
            .collect();
        let compose =
            format!("services:\n{services}  x: {{build: ., environment: {{API_KEY: {KEY}}}}}");
        let tree = Tree::from_memory([
            ("compose.yaml", &*compose),
            ("Dockerfile", "FROM node:22.1.0-alpine\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ]);
        let policy = plimsoll_audit::Policy::default();
        let report = plimsoll_audit::audit(&tree, &policy, &());
        let resolver = Resolver::new(&report);
        let fixes = report.findings.iter().filter_map(|finding| report.fix(finding)?.patch);
        let mut seen = 0;
        for patch in fixes {
            let mended = tree
                .apply(&joined(std::slice::from_ref(&patch)).expect("one fix"))
                .expect("applies");
            let paths = tree.entries().chain(mended.entries()).map(|(_, e)| e.path.to_string());
            let whole = diff(&tree, &mended, &paths.collect());
            let whole = String::from_utf8_lossy(&whole).replace(KEY, "***");
            assert_eq!(masked(&tree, &resolver, &patch), Some(whole));
            seen += 1;
        }
        assert!(seen > 3, "{seen} fixes");
    }

    const KEY: &str = "k4f1d0c2b9a8e77aa";

    #[test]
    fn paths_that_would_command_are_quoted() {
        assert_eq!(quoted("a/", "b c"), "a/b c");
        assert_eq!(quoted("a/", "b\n\"\u{e9}"), "\"a/b\\012\\\"\\303\\251\"");
    }
}
