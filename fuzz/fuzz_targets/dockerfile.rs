//! Any bytes as a Dockerfile.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::{text, within};

fuzz_target!(|data: &[u8]| {
    let parsed = plimsoll_syntax::dockerfile::parse(&text(data));
    within(data, &parsed.errors);
    for instruction in &parsed.tree.instructions {
        assert!(instruction.span.range.end as usize <= data.len());
    }
});
