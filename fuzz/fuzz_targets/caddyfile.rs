//! Any bytes as a Caddyfile.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::{text, within};

fuzz_target!(|data: &[u8]| {
    within(data, &plimsoll_syntax::caddyfile::parse(&text(data)).errors);
});
