//! `plimsoll fix`, through the binary: what it writes, what it refuses, what it prints.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test makes trees on disk and runs the binary and git"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn run(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .current_dir(dir)
        .env_remove("SOURCE_DATE_EPOCH")
        .arg("fix")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

#[track_caller]
fn check(dir: &Path, arguments: &[&str], code: i32, says: &[&str]) -> String {
    let (got, out, err) = run(dir, arguments);
    assert_eq!(got, code, "{arguments:?}: {out}{err}");
    for words in says {
        assert!(out.contains(words) || err.contains(words), "{words:?} is not in: {out}{err}");
    }
    out
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn read(dir: &Path, path: &str) -> String {
    std::fs::read_to_string(dir.join(path)).unwrap()
}

fn git(dir: &Path, arguments: &[&str], input: &str) -> String {
    let mut git = Command::new("git");
    git.current_dir(dir).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").env_remove("GIT_WORK_TREE");
    git.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = git.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{arguments:?}");
    String::from_utf8(out.stdout).unwrap()
}

/// A service with line ends of Windows, whose ADD, cache and ignore file can be mended safely.
const DOCKERFILE: &str = "# syntax=docker/dockerfile:1\r\nFROM alpine:3.22\r\nRUN apk add curl\r\n\
                          ADD --chown=1:1 src /src # the code\r\nCMD [\"/src/run\"]\r\n";
const MENDED: &str = "# syntax=docker/dockerfile:1\r\nFROM alpine:3.22\r\nRUN apk add --no-cache curl\r\n\
                      COPY --chown=1:1 src /src # the code\r\nCMD [\"/src/run\"]\r\n";

fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "Dockerfile", DOCKERFILE);
    put(dir.path(), "src/run", "#!/bin/sh\n");
    git(dir.path(), &["init", "-q", "-b", "main"], "");
    git(dir.path(), &["add", "-A"], "");
    git(dir.path(), &["commit", "-qm", "first"], "");
    dir
}

#[test]
fn safe_fixes_are_written_and_twice_is_once() {
    let dir = repository();
    let dir = dir.path();
    check(dir, &["--check"], 1, &["would build/copies-not-adds", "fixes to make"]);
    assert_eq!(read(dir, "Dockerfile"), DOCKERFILE);
    check(dir, &[], 0, &["did build/copies-not-adds", "did build/clears-package-cache"]);
    assert_eq!(read(dir, "Dockerfile"), MENDED);
    assert!(read(dir, ".dockerignore").contains("**/.env\n"));
    git(dir, &["add", "-A"], "");
    git(dir, &["commit", "-qm", "mended"], "");
    check(dir, &["--check"], 0, &["0 fixes to make"]);
    check(dir, &[], 0, &["0 fixes made"]);
    assert_eq!(git(dir, &["status", "--short"], ""), "");
}

#[test]
fn the_diff_is_what_git_applies() {
    let dir = repository();
    let dir = dir.path();
    let patch = check(dir, &["--diff", "--review"], 0, &["diff --git a/Dockerfile b/Dockerfile"]);
    assert_eq!(git(dir, &["status", "--short"], ""), "", "nothing is written");
    git(dir, &["apply", "--whitespace=nowarn"], &patch);
    let by_git = (read(dir, "Dockerfile"), read(dir, ".dockerignore"));
    git(dir, &["checkout", "-q", "."], "");
    git(dir, &["clean", "-qfd"], "");
    check(dir, &["--review", "--quiet"], 0, &[]);
    assert_eq!((read(dir, "Dockerfile"), read(dir, ".dockerignore")), by_git);
    assert!(by_git.0.contains("USER 1001:1001\r\n"), "{}", by_git.0);
}

#[test]
fn what_git_could_not_bring_back_is_not_written() {
    let dir = repository();
    let dir = dir.path();
    put(dir, "src/run", "#!/bin/sh\nexit\n");
    check(dir, &[], 2, &["src/run", "--allow-dirty"]);
    assert_eq!(read(dir, "Dockerfile"), DOCKERFILE);
    git(dir, &["add", "-A"], "");
    check(dir, &[], 2, &["src/run"]);
    git(dir, &["commit", "-qm", "second"], "");
    put(dir, "other/Dockerfile", "FROM alpine:3.22\nADD src /src\nCMD [\"/src/run\"]\n");
    put(dir, "other/src/run", "");
    check(dir, &["--only", "build/copies-not-adds"], 2, &["other/Dockerfile"]);
    check(dir, &["--only", "build/copies-not-adds", "--allow-dirty"], 0, &["2 fixes made"]);
    assert!(read(dir, "other/Dockerfile").contains("COPY"));
    assert!(!dir.join(".dockerignore").exists(), "only what was asked for");
}

#[test]
fn one_service_or_one_check_may_be_asked_for() {
    let dir = repository();
    let dir = dir.path();
    check(dir, &["--check", "--service", "other*"], 0, &["0 fixes to make"]);
    check(dir, &["--check", "--only", "build/clears-package-cache"], 1, &["1 fixes to make"]);
    check(dir, &["--only", "build/clears-cache"], 2, &["there is no check"]);
    check(dir, &["--interactive"], 2, &["no terminal"]);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let dir = repository();
    let dir = dir.path();
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "Dockerfile", "FROM alpine:3.22\nADD a /a\nCMD [\"/a\"]\n");
    std::fs::remove_file(dir.join("Dockerfile")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("Dockerfile"), dir.join("Dockerfile")).unwrap();
    git(dir, &["add", "-A"], "");
    git(dir, &["commit", "-qm", "a link"], "");
    check(dir, &[], 0, &["0 fixes made"]);
    assert!(read(outside.path(), "Dockerfile").contains("ADD a"));
}

/// Killed while it writes, each file is old or new, and the next run makes of the tree what the first one
/// would have.
#[test]
fn a_run_that_is_killed_is_brought_to_its_end() {
    const SERVICES: usize = 12;
    let tree = || {
        let dir = repository();
        for n in 0..SERVICES {
            put(dir.path(), &format!("{n}/Dockerfile"), DOCKERFILE);
            put(dir.path(), &format!("{n}/src/run"), "#!/bin/sh\n");
        }
        git(dir.path(), &["add", "-A"], "");
        git(dir.path(), &["commit", "-qm", "services"], "");
        dir
    };
    let made = |dir: &Path| -> Vec<String> {
        let files = (0..SERVICES).flat_map(|n| {
            ["Dockerfile", ".dockerignore"].map(|name| dir.join(format!("{n}/{name}")))
        });
        files.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect()
    };
    let whole = tree();
    check(whole.path(), &["--quiet"], 0, &[]);
    let (expected, mut cut) = (made(whole.path()), 0);
    for step in 0..6 {
        let dir = tree();
        let dir = dir.path();
        let before = made(dir);
        let mut child = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .current_dir(dir)
            .args(["fix", "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let new = || made(dir).iter().zip(&before).filter(|(now, was)| now != was).count();
        while child.try_wait().unwrap().is_none() {
            if dir.join(".plimsoll-journal").exists() && new() >= step * 3 {
                let _ = child.kill();
            }
        }
        cut += usize::from(dir.join(".plimsoll-journal").exists());
        for ((now, was), new) in made(dir).iter().zip(&before).zip(&expected) {
            assert!(now == was || now == new, "{now}");
        }
        check(dir, &["--quiet", "--allow-dirty"], 0, &[]);
        assert_eq!(made(dir), expected, "step {step}");
        assert!(!dir.join(".plimsoll-journal").exists());
    }
    assert!(cut > 0, "no kill hit the write");
}

/// A journal that an earlier run left is brought to its end first.
#[test]
fn a_run_that_was_cut_short_is_brought_to_its_end() {
    let dir = repository();
    let dir = dir.path();
    put(dir, ".plimsoll-journal", "plimsoll journal 1\nmove Dockerf");
    check(dir, &[], 0, &["cut short before it changed a file", "did build/copies-not-adds"]);
    assert!(!dir.join(".plimsoll-journal").exists());
}
