//! A write that is killed: every file is old or new, and the next run finishes or undoes it.
#![allow(clippy::disallowed_methods, reason = "a test makes trees on disk and kills its own child")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plimsoll_source::{
    Create, Edit, OpenOptions, Patch, Recovered, Span, TextRange, open, recover, write,
};

/// Files that are edited, and as many that are made.
const FILES: usize = 96;
/// What says to the child where it is to write, and where to bring a write to its end.
const WRITES: &str = "PLIMSOLL_TEST_WRITE_BELOW";
const RECOVERS: &str = "PLIMSOLL_TEST_RECOVER_BELOW";

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

/// The child: does nothing unless a test below starts it.
#[test]
fn child() {
    if let Some(root) = std::env::var_os(WRITES) {
        mend(Path::new(&root));
    }
    if let Some(root) = std::env::var_os(RECOVERS) {
        recover(Path::new(&root)).expect("recovered");
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

/// A tree that is to be written.
fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temporary directory");
    std::fs::create_dir(dir.path().join("old")).expect("made");
    for n in 0..FILES {
        std::fs::write(dir.path().join(format!("old/{n}")), "old text").expect("written");
    }
    dir
}

/// This test's program again, as the child that writes below `root`, or brings a write there to its end.
fn start(root: &Path, variable: &str) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "child", "--quiet"])
        .env(variable, root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started")
}

/// Kills a process as soon as `is_time` says so, unless it ends before; whether it ended by itself.
fn killed(mut child: Child, is_time: &dyn Fn() -> bool) -> bool {
    let ended = loop {
        if is_time() {
            // It may have ended by itself.
            let _ = child.kill();
            break child.wait().expect("it ends");
        }
        if let Some(status) = child.try_wait().expect("it can be asked") {
            break status;
        }
    };
    ended.success()
}

/// One write that is killed when `is_time` says so of its tree; the next run, killed as soon as it has begun
/// where `twice`; what the run after that says.
fn written(is_time: &dyn Fn(&Path) -> bool, twice: bool) -> Option<Recovered> {
    let dir = tree();
    let root = dir.path();
    let success = killed(start(root, WRITES), &|| is_time(root));
    // Killed in between, a file may be missing for nobody: each is old or new.
    let whole = || {
        for n in 1..FILES {
            let text = std::fs::read_to_string(root.join(format!("old/{n}")));
            let text = text.expect("there at any time");
            assert!(["old text", "new text"].contains(&&*text), "old/{n}: {text}");
        }
    };
    whole();
    if twice {
        let journal = root.join(".plimsoll-journal");
        let begun = journal.exists().then(Instant::now);
        // Soon after the program has begun; never where there is nothing to do.
        killed(start(root, RECOVERS), &|| {
            begun.is_some_and(|begun| begun.elapsed() >= Duration::from_millis(4))
        });
        whole();
    }
    let recovered = recover(root).expect("recovered");
    let (old, new, other) = state(root);
    assert_eq!(other, Vec::<String>::new(), "{recovered:?}");
    let untouched = old == FILES && new == 0;
    let complete = old == 0 && new == 2 * FILES - 1;
    assert!(untouched || complete, "{old} old, {new} new, {recovered:?}");
    match &recovered {
        Some(Recovered::Undone) => assert!(untouched && !root.join("d").exists()),
        Some(Recovered::Finished(changed)) => assert!(complete && changed.is_empty()),
        // Killed before it began, or as it ended: with success only when all is written.
        None => assert!(complete || twice || !success),
    }
    assert_eq!(recover(root).expect("nothing left"), None);
    recovered
}

/// What the kills of some writes met.
fn met(found: impl Iterator<Item = Option<Recovered>>) -> BTreeMap<&'static str, usize> {
    let mut met = BTreeMap::new();
    for recovered in found {
        *met.entry(match recovered {
            None => "nothing to do",
            Some(Recovered::Undone) => "undone",
            Some(Recovered::Finished(_)) => "finished",
        })
        .or_default() += 1;
    }
    met
}

#[test]
fn killed_after_any_time_it_is_finished_or_undone() {
    let begin = Instant::now();
    assert_eq!(written(&|_| false, false), None);
    let took = begin.elapsed();
    const TIMES: u32 = 32;
    let all = (0..TIMES).map(|n| {
        let begin = Instant::now();
        written(&|_| begin.elapsed() >= took * n / TIMES, false)
    });
    let met = met(all);
    assert!(met.len() > 1, "every kill met {met:?}");
}

/// Says of a tree that it is time to kill.
type Moment = Box<dyn Fn(&Path) -> bool>;

/// What is written is watched, so that the kills hit many of its steps: while new files are laid ready, at
/// the journal, and after moves.
#[test]
fn killed_at_each_step_it_is_finished_or_undone() {
    let new = |path: PathBuf| std::fs::read(path).is_ok_and(|text| text.starts_with(b"new"));
    let mut moments: Vec<Moment> = vec![
        Box::new(|root| std::fs::read_dir(root.join("old")).is_ok_and(|all| all.count() > FILES)),
        Box::new(|root| root.join(".plimsoll-journal").exists()),
    ];
    for n in (1..FILES).step_by(FILES / 6) {
        moments.push(Box::new(move |root| new(root.join(format!("old/{n}")))));
        moments.push(Box::new(move |root| root.join(format!("d/{n}")).exists()));
    }
    let all = moments.iter().flat_map(|is_time| [written(is_time, false), written(is_time, true)]);
    let met = met(all);
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
