//! Any text as a word with variables.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, bool)| {
    let (word, backquote) = data;
    let escape = if backquote { b'`' } else { b'\\' };
    let lookup = |name: &str| (name.len() % 2 == 0).then(|| name.to_owned());
    let _ = plimsoll_syntax::envvar::expand(word, escape, &lookup);
});
