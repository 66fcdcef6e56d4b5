//! Any bytes as TOML.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::{text, within};

fuzz_target!(|data: &[u8]| {
    within(data, &plimsoll_syntax::toml::parse(&text(data)).errors);
});
