//! Any bytes as a `.properties` file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for entry in plimsoll_syntax::properties::parse(data) {
        assert!(entry.range.end as usize <= data.len());
    }
});
