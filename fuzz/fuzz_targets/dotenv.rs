//! Any bytes as a dotenv file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::{text, within};

fuzz_target!(|data: &[u8]| {
    within(data, &plimsoll_syntax::dotenv::parse(&text(data)).errors);
});
