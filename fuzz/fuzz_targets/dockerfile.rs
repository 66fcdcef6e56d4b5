//! Any bytes as a Dockerfile.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_source::{Derived, FileId, Span, TextRange};

fn text(data: &[u8]) -> Derived {
    Derived::verbatim(data.to_vec(), Span::new(FileId(0), TextRange::of(0, data.len())))
}

fuzz_target!(|data: &[u8]| {
    let parsed = plimsoll_syntax::dockerfile::parse(&text(data));
    for instruction in &parsed.tree.instructions {
        assert!(instruction.span.range.end as usize <= data.len());
    }
});
