//! Any bytes as a configuration of nginx.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::{text, within};

fuzz_target!(|data: &[u8]| {
    within(data, &plimsoll_syntax::nginx::parse(&text(data)).errors);
});
