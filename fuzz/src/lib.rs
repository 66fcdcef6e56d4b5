//! What the targets share: bytes as a file's text, and an archive of files as a tree.

use plimsoll_source::{Derived, FileId, Span, TextRange, Tree};
use plimsoll_syntax::SyntaxError;

/// Bytes as the text of a file.
pub fn text(data: &[u8]) -> Derived {
    Derived::verbatim(data.to_vec(), Span::new(FileId(0), TextRange::of(0, data.len())))
}

/// Every error stands within the text.
pub fn within(data: &[u8], errors: &[SyntaxError]) {
    for error in errors {
        let range = error.span.range;
        assert!(range.start <= range.end && range.end as usize <= data.len(), "{error:?}");
    }
}

/// The files of an archive: each begins with a line `-- PATH --`.
pub fn tree(archive: &str) -> Tree {
    let mut files: Vec<(&str, String)> = Vec::new();
    for line in archive.split_inclusive('\n') {
        let path = line.trim_end().strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --"));
        match (path, files.last_mut()) {
            (Some(path), _) => files.push((path, String::new())),
            (None, Some((_, text))) => text.push_str(line),
            (None, None) => {}
        }
    }
    Tree::from_memory(files)
}
