//! Any bytes as HCL.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::{text, within};

fuzz_target!(|data: &[u8]| {
    within(data, &plimsoll_syntax::hcl::parse(&text(data)).errors);
});
