//! Places in texts: lines and columns, and where a derived text comes from.

use plimsoll_source::{Derived, DerivedBuilder, FileId, LineCol, LineIndex, Span, TextRange, Tree};
use proptest::prelude::*;

/// Counts as a reader would: character by character, a byte that is none counting as one.
fn naive(text: &[u8], offset: usize) -> LineCol {
    let (mut line, mut column, mut at) = (1, 1, 0);
    while at < text.len() {
        let len = (1..=4)
            .find(|len| text.get(at..at + len).is_some_and(|c| str::from_utf8(c).is_ok()))
            .unwrap_or(1);
        if at + len > offset {
            break;
        }
        (line, column) = if text[at] == b'\n' { (line + 1, 1) } else { (line, column + 1) };
        at += len;
    }
    LineCol { line, column }
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof!["[a-c]{1,3}", "\n", "\r\n", "\r", "é", "\u{1F6A2}"]
        .prop_map(String::into_bytes);
    let piece = prop_oneof![4 => piece, 1 => proptest::collection::vec(any::<u8>(), 1..3)];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_and_columns_are_counted_as_by_hand(text in pieces()) {
        let lines = LineIndex::new(&text);
        for offset in 0..=text.len() {
            let at = u32::try_from(offset).expect("short");
            prop_assert_eq!(lines.line_col(&text, at), naive(&text, offset), "{}", offset);
        }
        let split: Vec<&[u8]> = text.split(|&b| b == b'\n').collect();
        prop_assert_eq!(lines.count() as usize, split.len());
        for (line, whole) in (1..).zip(&split) {
            let is_last = line as usize == split.len();
            let bare = if is_last { whole } else { whole.strip_suffix(b"\r").unwrap_or(whole) };
            prop_assert_eq!(lines.line_range(&text, line).map(|range| range.slice(&text)), Some(bare));
        }
        prop_assert_eq!(lines.line_range(&text, lines.count() + 1), None);
    }

    /// Every byte that was copied maps to the byte it was copied from, every computed one to what it
    /// was computed from, and a range to a span that covers all of its bytes.
    #[test]
    fn a_derived_text_maps_back(
        text in "[a-z]{1,30}",
        parts in proptest::collection::vec((any::<bool>(), 0_usize..30, 0_usize..8), 1..8),
        (from, len) in (0_u32..80, 0_u32..20),
    ) {
        let (mut builder, mut origins) = (DerivedBuilder::new(), Vec::new());
        for (is_copy, start, len) in parts {
            let start = start.min(text.len());
            let end = (start + len).min(text.len());
            let origin = Span::new(FileId(3), TextRange::of(start, end));
            if is_copy {
                builder.copy(&text.as_bytes()[start..end], origin);
                origins.extend((start..end).map(|at| Span::new(FileId(3), TextRange::of(at, at + 1))));
            } else {
                builder.computed(b"_", origin);
                origins.push(origin);
            }
        }
        let derived: Derived = builder.finish(Span::new(FileId(3), TextRange::default()));
        prop_assert_eq!(derived.text().len(), origins.len());
        for (at, origin) in (0..).zip(&origins) {
            let span = derived.span(TextRange::new(at, at + 1));
            prop_assert_eq!(span, *origin);
            let byte = derived.text()[at as usize];
            prop_assert!(byte == b'_' || span.range.slice(text.as_bytes()) == [byte]);
        }
        let range = TextRange::new(from, from + len);
        let span = derived.span(range);
        prop_assert!(span.range.end as usize <= text.len());
        for origin in origins.iter().skip(from as usize).take(len as usize) {
            prop_assert_eq!(span.cover(*origin), span);
        }
    }

    #[test]
    fn a_directory_holds_what_begins_with_its_name_and_a_slash(
        paths in proptest::collection::btree_set("[ab.0/]{1,6}", 0..12),
        dir in "[ab.0]{0,2}(/[ab.0]{1,2})?",
    ) {
        let tree = Tree::from_memory(paths.iter().map(|path| (path, "")));
        let is_root = dir.is_empty() || dir == ".";
        let expected: Vec<FileId> = tree
            .entries()
            .filter(|(_, entry)| is_root || entry.path.starts_with(&format!("{dir}/")))
            .map(|(file, _)| file)
            .collect();
        prop_assert_eq!(tree.is_dir(&dir), !expected.is_empty());
        prop_assert_eq!(tree.under(&dir).collect::<Vec<_>>(), expected);
    }
}
