//! What the documents show of a report is what a report shows. `UPDATE_CASES=1` writes it anew.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test runs the binary and reads documents"
)]

use std::path::Path;
use std::process::Command;

/// The first lines of a real report, as many as the document's excerpt has.
#[test]
fn excerpts_are_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .current_dir(&root)
        .env_remove("COLUMNS")
        .args(["audit", "examples/ticketing", "--date", "2026-01-01"])
        .output()
        .unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    for document in ["README.md", "docs/guide/monorepos.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        let opening = "```text\nservice ";
        let start = text.find(opening).unwrap() + "```text\n".len();
        let end = start + text[start..].find("```").unwrap();
        let lines = text[start..end].lines().count();
        let real: String =
            report.lines().take(lines).map(|line| format!("{}\n", line.trim_end())).collect();
        if std::env::var_os("UPDATE_CASES").is_some() {
            let new = format!("{}{real}{}", &text[..start], &text[end..]);
            std::fs::write(root.join(document), new).unwrap();
        } else {
            assert_eq!(text[start..end], real, "{document}: UPDATE_CASES=1 writes it anew");
        }
    }
}
