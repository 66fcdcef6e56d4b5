//! Any bytes as YAML.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_source::{Derived, FileId, Span, TextRange};

fn text(data: &[u8]) -> Derived {
    Derived::verbatim(data.to_vec(), Span::new(FileId(0), TextRange::of(0, data.len())))
}

fuzz_target!(|data: &[u8]| {
    let _ = plimsoll_syntax::yaml::parse(text(data));
});
