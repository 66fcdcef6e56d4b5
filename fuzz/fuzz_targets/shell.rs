//! Any bytes as a program of the shell, in both dialects.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_syntax::shell::{Dialect, parse};

fuzz_target!(|data: &[u8]| {
    for dialect in [Dialect::Posix, Dialect::Bash] {
        let _ = parse(data, dialect);
    }
});
