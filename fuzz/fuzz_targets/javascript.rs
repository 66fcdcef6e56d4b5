//! Any bytes as a module of JavaScript or TypeScript.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::within;
use plimsoll_source::FileId;

fuzz_target!(|data: &[u8]| {
    for name in ["a.ts", "a.tsx", "a.cjs"] {
        within(data, &plimsoll_syntax::javascript::read(name, FileId(0), data).errors);
    }
});
