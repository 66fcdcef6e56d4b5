//! Any bytes as an ignore file, asked about any path: the first line is the path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_fuzz::text;

fuzz_target!(|data: &str| {
    let (path, patterns) = data.split_once('\n').unwrap_or((data, ""));
    let file = plimsoll_syntax::ignorefile::parse(&text(patterns.as_bytes()));
    let _ = file.excludes(path);
});
