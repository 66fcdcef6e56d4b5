//! Any text as an expression of a workflow.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    for range in plimsoll_syntax::expression::find(data.as_bytes()) {
        if let Some(text) = data.get(range.start as usize..range.end as usize) {
            let _ = plimsoll_syntax::expression::parse(text);
        }
    }
    let _ = plimsoll_syntax::expression::parse(data);
});
