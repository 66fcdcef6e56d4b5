//! A write that is killed: every file is old or new, and the next run finishes or undoes it.
#![allow(clippy::disallowed_methods, reason = "a test makes trees on disk and kills its own child")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plimsoll_source::{
    Create, Edit, OpenOptions, Patch, Recovered, Span, TextRange, open, recover, write,
};

/// Files that are edited, and as many that are made.
const FILES: usize = 24;
const VARIABLE: &str = "PLIMSOLL_TEST_WRITE_BELOW";

/// Edits every file, makes others, removes one, changes a mode.
fn mend(root: &Path) {
    let tree = open(root, &OpenOptions::default()).expect("a tree");
    let mut patch = Patch::default();
    for (file, entry) in tree.entries().filter(|(_, entry)| entry.path.starts_with("old/")) {
        if &*entry.path == "old/0" {
            patch.remove.push(file);
            continue;
        }
        let span = Span::new(file, TextRange::new(0, 3));
        patch.edits.push(Edit { span, insert: b"new".to_vec() });
    }
    patch.create = (0..FILES)
        .map(|n| Create { path: format!("d/{n}/x"), bytes: b"new".to_vec(), executable: false })
        .collect();
    write(root, &tree, &patch).expect("written");
}

/// The child: does nothing unless the test below starts it.
#[test]
fn child() {
    if let Some(root) = std::env::var_os(VARIABLE) {
        mend(Path::new(&root));
    }
}

/// What every path holds, and which are neither old nor new.
fn state(root: &Path) -> (usize, usize, Vec<String>) {
    let tree = open(root, &OpenOptions::default()).expect("a tree");
    let (mut old, mut new, mut other) = (0, 0, Vec::new());
    let mut seen = BTreeSet::new();
    for (file, entry) in tree.entries() {
        let bytes = tree.read(file).expect("readable");
        match &bytes[..] {
            b"old text" => old += 1,
            b"new text" | b"new" => new += 1,
            _ => other.push(format!("{}: {} bytes", entry.path, bytes.len())),
        }
        seen.insert(entry.path.to_string());
    }
    let ours = |path: &&String| path.contains(".plimsoll-");
    other.extend(seen.iter().filter(ours).map(|path| format!("{path} is left")));
    (old, new, other)
}

/// One write, killed after `delay` (never, without one); what the next run says, and how long the
/// whole took.
fn killed_after(delay: Option<Duration>) -> (Option<Recovered>, Duration) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let root = dir.path();
    std::fs::create_dir(root.join("old")).expect("made");
    for n in 0..FILES {
        std::fs::write(root.join(format!("old/{n}")), "old text").expect("written");
    }
    let start = Instant::now();
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "child", "--quiet"])
        .env(VARIABLE, root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    if let Some(delay) = delay {
        std::thread::sleep(delay);
        // It may have ended by itself.
        let _ = child.kill();
    }
    let status = child.wait().expect("it ends");
    let took = start.elapsed();
    // Killed in between, a file may be missing for nobody: each is old or new.
    for n in 1..FILES {
        let text =
            std::fs::read_to_string(root.join(format!("old/{n}"))).expect("there at any time");
        assert!(["old text", "new text"].contains(&&*text), "old/{n}: {text}");
    }
    let recovered = recover(root).expect("recovered");
    let (old, new, other) = state(root);
    assert_eq!(other, Vec::<String>::new(), "after {delay:?}: {recovered:?}");
    let untouched = old == FILES && new == 0;
    let complete = old == 0 && new == 2 * FILES - 1;
    assert!(untouched || complete, "after {delay:?}: {old} old, {new} new, {recovered:?}");
    match &recovered {
        Some(Recovered::Undone) => assert!(untouched && !root.join("d").exists()),
        Some(Recovered::Finished(changed)) => assert!(complete && changed.is_empty()),
        // Killed before it began, or as it ended: with success only when all is written.
        None => assert!(complete || !status.success()),
    }
    assert_eq!(recover(root).expect("nothing left"), None);
    (recovered, took)
}

#[test]
fn killed_at_any_moment_it_is_finished_or_undone() {
    let (nothing, took) = killed_after(None);
    assert_eq!(nothing, None);
    const TIMES: u32 = 32;
    let mut met = BTreeSet::new();
    for n in 0..TIMES {
        let (recovered, _) = killed_after(Some(took * n / TIMES));
        met.insert(match recovered {
            None => "nothing to do",
            Some(Recovered::Undone) => "undone",
            Some(Recovered::Finished(_)) => "finished",
        });
    }
    // A write is mostly waiting for the disk: some of the kills hit it.
    assert!(met.len() > 1, "every kill met {met:?}");
}

/// A file that somebody changed after the crash is theirs.
#[test]
fn what_was_changed_since_is_left() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let root = dir.path();
    let hash = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    for (path, text) in
        [("a", "mine"), ("b", "old"), (".plimsoll-1-1", "new"), (".plimsoll-1-2", "new")]
    {
        std::fs::write(root.join(path), text).expect("written");
    }
    let line = |name: &str, number: u32| {
        format!("move {name} .plimsoll-1-{number} - {} {}\n", hash("old"), hash("new"))
    };
    let journal = format!("plimsoll journal 1\n{}{}end\ncommit\n", line("a", 1), line("b", 2));
    std::fs::write(root.join(".plimsoll-journal"), journal).expect("written");
    let recovered = recover(root).expect("recovered");
    assert_eq!(recovered, Some(Recovered::Finished(vec!["a".to_owned()])));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
    assert_eq!([read("a"), read("b")], [Some("mine".to_owned()), Some("new".to_owned())]);
    assert_eq!(read(".plimsoll-1-1").or(read(".plimsoll-1-2")).or(read(".plimsoll-journal")), None);
}
