//! `--output`: reports on disk, all of them or none, never over a source.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test makes trees on disk and runs the binary"
)]

use std::path::Path;
use std::process::{Command, Output};

const DOCKERFILE: &str = "FROM node:20\nCMD [\"node\", \"main.js\"]\n";

/// A git repository with two services whose names make one file name.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for path in ["api-v1", "api.v1"] {
        std::fs::create_dir_all(dir.path().join(path)).unwrap();
        std::fs::write(dir.path().join(path).join("Dockerfile"), DOCKERFILE).unwrap();
    }
    git(dir.path(), &["init", "-q"]);
    git(dir.path(), &["add", "-A"]);
    dir
}

fn git(dir: &Path, arguments: &[&str]) {
    assert!(Command::new("git").current_dir(dir).args(arguments).status().unwrap().success());
}

/// Audits from inside the directory, with `--quiet` and these outputs.
fn plimsoll(dir: &Path, outputs: &[&str], summary: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(dir).args(["audit", ".", "--quiet", "--date", "2026-01-01"]);
    for output in outputs {
        command.args(["--output", output]);
    }
    match summary {
        Some(path) => command.env("GITHUB_STEP_SUMMARY", path),
        None => command.env_remove("GITHUB_STEP_SUMMARY"),
    };
    command.output().unwrap()
}

/// The outputs are refused with these words, and nothing is written.
fn refused(dir: &Path, outputs: &[&str], says: &str) {
    let names = || {
        let mut names: Vec<_> =
            std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let output = plimsoll(dir, outputs, None);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{outputs:?}: {err}");
    assert!(err.contains(says), "{outputs:?}: {err}");
    assert_eq!(names(), before, "{outputs:?}");
}

#[test]
fn every_format_is_written_beside_the_others() {
    let dir = repository();
    let outputs = [
        "text=out/r.txt",
        "markdown=out/r.md",
        "json=out/r.json",
        "sarif=out/r.sarif",
        "html=out/r.html",
        "junit=out/r.xml",
        "github=out/r.github",
        "gitlab=out/r.gitlab.json",
        "csv=out/r.csv",
        "markdown=out/services/",
    ];
    let summary = dir.path().join("summary.md");
    std::fs::write(&summary, "before\n").unwrap();
    for _ in 0..2 {
        let output = plimsoll(dir.path(), &outputs, Some(&summary));
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        // With `--quiet` nothing but the reason is said.
        let says = String::from_utf8_lossy(&output.stdout);
        assert!(says.starts_with("Ends with 1: ") && says.lines().count() == 1, "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        // Reports that are tracked are replaced: they are ours.
        git(dir.path(), &["add", "-A"]);
    }
    let read = |path: &str| std::fs::read_to_string(dir.path().join(path)).unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join("out")).unwrap().count(), outputs.len());
    assert!(read("out/services/api-v1.md") != read("out/services/api-v1-2.md"));
    let text = read("summary.md");
    assert!(text.starts_with("before\n## Plimsoll\n") && text.matches("## Plimsoll").count() == 2);
}

#[test]
fn a_source_is_never_replaced() {
    let dir = repository();
    for output in ["json=api.v1/Dockerfile", "csv=./api.v1/../api-v1/Dockerfile"] {
        refused(dir.path(), &["html=new.html", output], "git tracks it");
        assert_eq!(
            std::fs::read_to_string(dir.path().join("api.v1/Dockerfile")).unwrap(),
            DOCKERFILE
        );
    }
    // A report of another format is not replaced either: the name is a mistake.
    assert_eq!(plimsoll(dir.path(), &["json=report"], None).status.code(), Some(1));
    git(dir.path(), &["add", "-A"]);
    refused(dir.path(), &["csv=report"], "git tracks it");
    #[cfg(unix)]
    {
        let away = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(away.path(), dir.path().join("out")).unwrap();
        std::os::unix::fs::symlink("/dev/null", dir.path().join("link")).unwrap();
        git(dir.path(), &["add", "-A"]);
        refused(dir.path(), &["json=out/report.json"], "git tracks a link there");
        refused(dir.path(), &["json=link"], "git tracks a link there");
        assert_eq!(std::fs::read_dir(away.path()).unwrap().count(), 0);
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing_half_done() {
    let dir = repository();
    std::fs::create_dir(dir.path().join("there")).unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    refused(dir.path(), &["json=new.json", "csv=there"], "there");
    refused(dir.path(), &["json=new.json", "csv=file/below.csv"], "file/below.csv");
    refused(dir.path(), &["json"], "FORMAT=FILE");
    refused(dir.path(), &["json="], "FORMAT=FILE");
    refused(dir.path(), &["json=out/"], "name a file");
    refused(dir.path(), &["json=x", "csv=x"], "two reports");
}
