//! Finds the conformance cases of other tools, which are not part of this repository.
#![allow(clippy::disallowed_methods, reason = "tests read the conformance vectors")]

use std::path::Path;

use serde_json::Value;

/// The cases of `<some parent of the workspace>/shared/conformance/<name>.jsonl`; none, and a
/// loud word about it, where there is no such file.
pub(crate) fn cases(name: &str) -> Vec<Value> {
    let file = format!("shared/conformance/{name}.jsonl");
    let found =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(3).map(|dir| dir.join(&file));
    let Some(path) = found.into_iter().find(|path| path.is_file()) else {
        #[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
        {
            eprintln!("!!! SKIPPED: no {file} above the workspace: these cases were not run !!!");
        }
        return Vec::new();
    };
    let text = std::fs::read_to_string(&path).expect("a readable file");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}
