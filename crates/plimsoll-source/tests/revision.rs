//! Revisions of real git repositories: what is listed and what is read, whatever the work tree holds.
#![allow(clippy::disallowed_methods, reason = "tests make trees on disk and run git")]

use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll_source::{EntryKind, OpenOptions, Tracking, Tree, open, open_revision};
use tempfile::TempDir;

fn git(root: &Path, args: &str) {
    let mut git = Command::new("git");
    git.current_dir(root)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(args.split(' '));
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").env_remove("GIT_WORK_TREE");
    let out = git.output().expect("git runs");
    assert!(out.status.success(), "git {args}: {}", String::from_utf8_lossy(&out.stderr));
}

fn put(root: &Path, path: &str, text: &str) {
    let target = root.join(path);
    fs::create_dir_all(target.parent().expect("below the root")).expect("directory");
    fs::write(target, text).expect("file");
}

/// Two commits: `a/Dockerfile` changes, `gone` goes, `new` comes; then the work tree is changed.
fn repository() -> TempDir {
    let dir = tempfile::tempdir().expect("temporary directory");
    let root = dir.path();
    put(root, "a/Dockerfile", "FROM one\n");
    put(root, "a/run.sh", "#!/bin/sh\n");
    put(root, "gone", "soon\n");
    put(root, "vendor/x", "theirs\n");
    git(root, "init -q -b main");
    git(root, "add -A");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(root.join("a/run.sh"), executable).expect("a mode");
        git(root, "add a/run.sh");
        std::os::unix::fs::symlink("a/Dockerfile", root.join("link")).expect("a link");
        git(root, "add link");
    }
    git(root, "commit -q -m first");
    git(root, "tag v1");
    put(root, "a/Dockerfile", "FROM two\n");
    fs::remove_file(root.join("gone")).expect("removed");
    put(root, "new", "");
    git(root, "add -A");
    git(root, "commit -q -m second");
    put(root, "a/Dockerfile", "FROM work-tree\n");
    put(root, "untracked", "");
    dir
}

/// Every path with its mark and its text.
fn shown(tree: &Tree) -> String {
    let mut out = String::new();
    for (file, entry) in tree.entries() {
        assert_eq!(entry.tracking, Tracking::Tracked);
        let text = tree.read(file).expect("readable");
        let mark = match &entry.kind {
            EntryKind::File { executable: true } => "*".to_owned(),
            EntryKind::File { .. } => String::new(),
            EntryKind::Link { target, .. } => format!(" -> {target}"),
        };
        out += &format!("{}{mark} {:?}\n", entry.path, String::from_utf8_lossy(&text));
    }
    for note in tree.notes() {
        out += &format!("! {}: {}\n", note.path, note.says);
    }
    out
}

#[track_caller]
fn check(root: &Path, revision: &str, options: &OpenOptions, expected: &str) {
    let got = match open_revision(root, revision, options) {
        Ok(tree) => shown(&tree),
        Err(error) => format!("{error}\n"),
    };
    assert_eq!(got, expected);
}

#[cfg(unix)]
#[test]
fn a_revision_is_listed_as_it_was() {
    let dir = repository();
    let all = OpenOptions::default();
    let exclude = OpenOptions { exclude: vec!["vendor/".to_owned()], ..OpenOptions::default() };
    check(
        dir.path(),
        "v1",
        &all,
        "a/Dockerfile \"FROM one\\n\"\na/run.sh* \"#!/bin/sh\\n\"\ngone \"soon\\n\"\n\
         link -> a/Dockerfile \"FROM one\\n\"\nvendor/x \"theirs\\n\"\n",
    );
    check(
        dir.path(),
        "HEAD",
        &exclude,
        "a/Dockerfile \"FROM two\\n\"\na/run.sh* \"#!/bin/sh\\n\"\n\
         link -> a/Dockerfile \"FROM two\\n\"\nnew \"\"\n",
    );
    let below = dir.path().join("a");
    let above = vec![(1, "/a/*.sh".to_owned())];
    let options = OpenOptions { exclude_above: above, ..OpenOptions::default() };
    check(&below, "main~1", &options, "Dockerfile \"FROM one\\n\"\n");
    let tree = open_revision(&below, "v1", &all).expect("a tree");
    assert_eq!(tree.outside(), Some("a"));
    let head = open(dir.path(), &all).expect("a tree");
    assert_eq!(
        open_revision(dir.path(), "HEAD", &all).expect("a tree").revision(),
        head.revision()
    );
}

#[test]
fn histories_fork_where_they_part() {
    let dir = repository();
    let root = dir.path();
    git(root, "stash -q");
    git(root, "switch -q -c change v1");
    git(root, "commit -q --allow-empty -m change");
    let first = open_revision(root, "v1", &OpenOptions::default()).expect("a tree");
    let fork = plimsoll_source::fork_point(root, "main").expect("both are known");
    assert_eq!(Some(&*fork), first.revision());
    assert!(plimsoll_source::fork_point(root, "no-such").is_err());
}

#[test]
fn what_git_does_not_know_is_said() {
    let dir = repository();
    let all = OpenOptions::default();
    for (revision, why) in [
        ("no-such", "git knows no such commit here (is the clone shallow?)"),
        ("HEAD~7", "git knows no such commit here (is the clone shallow?)"),
        ("HEAD:a/Dockerfile", "it is not a commit"),
    ] {
        check(dir.path(), revision, &all, &format!("revision `{revision}`: {why}\n"));
    }
    put(dir.path(), "later/x", "");
    let later = dir.path().join("later");
    check(&later, "HEAD", &all, &format!("{}: not there in revision `HEAD`\n", later.display()));
    let elsewhere = tempfile::tempdir().expect("temporary directory");
    let error = open_revision(elsewhere.path(), "HEAD", &all).expect_err("no repository");
    assert!(error.to_string().ends_with("not in a git work tree, so it has no revisions"));
}
