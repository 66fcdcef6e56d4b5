//! Every command that the documents show runs, in a fresh repository, and is not refused.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test reads the documents, makes trees on disk and runs the binary"
)]

use std::path::Path;
use std::process::Command;

const PAGES: [&str; 9] = [
    "README.md",
    "docs/guide/first-audit.md",
    "docs/guide/in-ci.md",
    "docs/guide/monorepos.md",
    "docs/guide/verdicts-and-scores.md",
    "docs/configuration.md",
    "docs/waivers-and-baselines.md",
    "docs/output.md",
    "docs/fixing.md",
];

/// Words that stand for something, and options that ask the network or a person.
const NOT_RUN: [&str; 9] =
    ["CHECK", "PATH", "COMMAND", "NAME", "TOOL", "REV", "…", "--resolve", "--interactive"];

/// The commands of a page, in its order: lines of ```` ```sh ```` and what stands between backticks.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fence = None;
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_none() { Some(language) } else { None };
            continue;
        }
        match fence {
            Some("sh") => found.push(line.split(" #").next().unwrap_or(line).trim().to_owned()),
            Some(_) => {}
            None => found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned)),
        }
    }
    found.retain(|command| command.starts_with("plimsoll "));
    found.retain(|command| !command.split(' ').any(|word| NOT_RUN.contains(&word)));
    found
}

fn git(dir: &Path, arguments: &[&str]) {
    let who = ["-c", "user.name=a", "-c", "user.email=a@b.c"];
    let done = Command::new("git").current_dir(dir).args(who).args(arguments).status().unwrap();
    assert!(done.success(), "{arguments:?}");
}

fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path);
    for service in ["services/payment", "services/payment-mail"] {
        std::fs::create_dir_all(at(service)).unwrap();
        let dockerfile = "FROM node:20\nADD main.js /\nCMD [\"node\", \"main.js\"]\n";
        std::fs::write(at(service).join("Dockerfile"), dockerfile).unwrap();
        std::fs::write(at(service).join("main.js"), "setInterval(() => {}, 1000)\n").unwrap();
    }
    git(dir.path(), &["init", "-q", "-b", "main"]);
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["commit", "-q", "-m", "first"]);
    git(dir.path(), &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    dir
}

#[test]
fn every_documented_command_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut ran = 0;
    for page in PAGES {
        let dir = repository();
        for command in commands(&std::fs::read_to_string(root.join(page)).unwrap()) {
            let words = command.split(' ').filter(|word| !word.is_empty());
            let words: Vec<&str> = words.skip(1).map(|word| word.trim_matches('\'')).collect();
            let run = |arguments: &[&str]| {
                let mut plimsoll = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
                plimsoll.current_dir(dir.path()).args(arguments).output().unwrap()
            };
            let baseline = ".plimsoll-baseline.json";
            if words.contains(&baseline) && !dir.path().join(baseline).exists() {
                assert!(run(&["baseline"]).status.success(), "{page}");
            }
            // `fix` writes into nothing that is not committed.
            git(dir.path(), &["add", "-A"]);
            git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "next"]);
            let output = run(&words);
            let says = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 1)), "{page}: `{command}`: {says}");
            ran += 1;
        }
    }
    assert!(ran > 25, "{ran}");
}
