//! Any bytes as an ignore file, asked about any path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_source::{Derived, FileId, Span, TextRange};

fn text(data: &[u8]) -> Derived {
    Derived::verbatim(data.to_vec(), Span::new(FileId(0), TextRange::of(0, data.len())))
}

fuzz_target!(|data: (&[u8], &str)| {
    let (patterns, path) = data;
    let file = plimsoll_syntax::ignorefile::parse(&text(patterns));
    let _ = file.excludes(path);
});
