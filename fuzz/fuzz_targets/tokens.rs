//! Any bytes as a program in Go, Java or Rust.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_syntax::tokens::{Dialect, lex};

fuzz_target!(|data: &[u8]| {
    for dialect in [Dialect::Go, Dialect::Java, Dialect::Rust] {
        let tokens = lex(data, dialect);
        for at in 0..tokens.len() {
            assert!(tokens.close(at).is_none_or(|close| close > at && close < tokens.len()));
            assert!(tokens.get(at).is_some_and(|one| one.range.end as usize <= data.len()));
            let _ = tokens.text(at);
        }
    }
});
