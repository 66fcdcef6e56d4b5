//! Same input, same bytes out: whatever the threads do, in whatever order a directory is listed.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test copies a tree and runs the binary"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ticketing")
}

const FORMATS: [&str; 9] =
    ["text", "markdown", "json", "sarif", "html", "junit", "github", "gitlab", "csv"];

fn output(dir: &Path, format: &str, jobs: &str) -> Vec<u8> {
    let arguments = ["--format", format, "--jobs", jobs, "--date", "2026-01-01", "--show", "all"];
    Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .arg("audit")
        .arg(dir)
        .args(arguments)
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .unwrap()
        .stdout
}

#[test]
fn threads_do_not_show() {
    for format in FORMATS {
        let one = output(&example(), format, "1");
        assert!(!one.is_empty());
        for jobs in ["2", "7"] {
            assert!(one == output(&example(), format, jobs), "{format} differs with {jobs} jobs");
        }
    }
}

#[test]
fn the_order_of_a_directory_does_not_show() {
    let mut files = Vec::new();
    let mut todo = vec![example()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { todo.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let copy = |files: &[PathBuf]| {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let to = dir.path().join(file.strip_prefix(example()).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(file, to).unwrap();
        }
        dir
    };
    let forward = copy(&files);
    files.reverse();
    let backward = copy(&files);
    for format in FORMATS {
        assert!(
            output(forward.path(), format, "2") == output(backward.path(), format, "2"),
            "{format}"
        );
    }
}
