//! Real directories, real git: what is listed, as what, and what can be read.
#![allow(clippy::disallowed_methods, reason = "tests make trees on disk and run git")]

use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll_source::{
    EntryKind, FileId, OpenError, OpenOptions, Tracking, Tree, Unreadable, open,
};
use tempfile::TempDir;

/// A directory with these files; a path that ends in `/` is a directory.
fn dir(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("temporary directory");
    for (path, text) in files {
        put(dir.path(), path, text);
    }
    dir
}

fn put(root: &Path, path: &str, text: &str) {
    let target = root.join(path);
    if path.ends_with('/') {
        return fs::create_dir_all(target).expect("directory");
    }
    fs::create_dir_all(target.parent().expect("below the root")).expect("directory");
    fs::write(target, text).expect("file");
}

fn git(root: &Path, args: &str) {
    let mut git = Command::new("git");
    git.current_dir(root)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(args.split(' '));
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    // Within a hook these name another repository.
    git.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").env_remove("GIT_WORK_TREE");
    let out = git.output().expect("git runs");
    assert!(out.status.success(), "git {args}: {}", String::from_utf8_lossy(&out.stderr));
}

/// A repository in which these files are committed.
fn repository(files: &[(&str, &str)]) -> TempDir {
    let dir = dir(files);
    git(dir.path(), "init -q");
    git(dir.path(), "add -A");
    git(dir.path(), "commit -q --allow-empty -m first");
    dir
}

fn tree(root: &Path) -> Tree {
    open(root, &OpenOptions::default()).expect("a tree")
}

/// The tree as text: `t` tracked, `u` untracked, `i` ignored; `*` executable; `-> target => inside`;
/// notes last.
fn shown(tree: &Tree) -> String {
    let mut out = String::new();
    for (_, entry) in tree.entries() {
        let tracking = match entry.tracking {
            Tracking::Tracked => 't',
            Tracking::Untracked => 'u',
            Tracking::Ignored => 'i',
        };
        let more = match &entry.kind {
            EntryKind::File { executable } => if *executable { "*" } else { "" }.to_owned(),
            EntryKind::Link { target, inside } => {
                format!(" -> {target} => {}", inside.as_deref().unwrap_or("nowhere"))
            }
        };
        out += &format!("{tracking} {}{more}\n", entry.path.escape_debug());
    }
    for note in tree.notes() {
        out += &format!("! {}: {}\n", note.path.escape_debug(), note.says);
    }
    out
}

#[track_caller]
fn check(root: &Path, expected: &[&str]) -> Tree {
    let tree = tree(root);
    assert_eq!(shown(&tree).lines().collect::<Vec<_>>(), expected);
    tree
}

fn file(tree: &Tree, path: &str) -> FileId {
    tree.find(path).unwrap_or_else(|| panic!("{path} is listed"))
}

#[test]
fn tracked_untracked_and_ignored_are_told_apart() {
    let dir = repository(&[
        (".gitignore", "*.log\n/dist/\n!keep.log\n.env\n"),
        ("src/a.js", ""),
        ("src/.gitignore", "!debug.log\n"),
        ("src/keep.log", ""),
    ]);
    put(dir.path(), ".git/info/exclude", "notes\n");
    for path in [
        "new.txt",
        "x.log",
        "src/debug.log",
        "src/x.log",
        "src/.env",
        "dist/out/b.js",
        "notes",
        "src/dist/c",
    ] {
        put(dir.path(), path, "");
    }
    put(dir.path(), "dist/forced", "");
    git(dir.path(), "add -f dist/forced");
    let tree = check(
        dir.path(),
        &[
            "t .gitignore",
            "t dist/forced",
            "i dist/out/b.js",
            "u new.txt",
            "i notes",
            "i src/.env",
            "t src/.gitignore",
            "t src/a.js",
            "u src/debug.log",
            "u src/dist/c",
            "t src/keep.log",
            "i src/x.log",
            "i x.log",
        ],
    );
    assert_eq!(tree.revision().map(str::len), Some(40));
    assert_eq!(tree.outside(), None);
    assert_eq!(tree.entry(file(&tree, "src/a.js")).git_mode(), Some(0o100_644));
    assert_eq!(tree.entry(file(&tree, "new.txt")).git_mode(), None);

    let only = open(dir.path(), &OpenOptions { tracked_only: true, ..OpenOptions::default() })
        .expect("a tree");
    let expected = "t .gitignore\nt dist/forced\nt src/.gitignore\nt src/a.js\nt src/keep.log\n";
    assert_eq!(shown(&only), expected);
}

/// Whatever the patterns, what is said to be ignored is what git says.
#[test]
fn ignore_rules_are_gits() {
    let rules = "# comment\n\\#hash\n*.o\n!lib.o\n/top\ndeep/x\na/**/z\n**/anywhere\ntrail \nspace\\ \nonly/\nonly2/*\n!only2/kept\n[abc].t\n[unclosed\nb/**\nq?.txt\n*.{js,ts}\n\\!bang\nv[!0-9]\ne\\*f\n";
    let paths = [
        "#hash",
        "m.o",
        "lib.o",
        "d/lib.o",
        "top",
        "d/top",
        "deep/x",
        "d/deep/x",
        "a/z",
        "a/b/c/z",
        "c/anywhere",
        "trail",
        "space ",
        "only/f",
        "d/only/f",
        "only2/f",
        "only2/kept",
        "a.t",
        "d.t",
        "[unclosed",
        "b/c/d",
        "q1.txt",
        "q12.txt",
        "crlf",
        "sub/neg/f",
        "sub/neg/g",
    ];
    let dir = dir(&[
        (".gitignore", rules),
        ("sub/.gitignore", "crlf\r\nneg/*\n!neg/g\n"),
        ("sub/crlf", ""),
    ]);
    paths.iter().for_each(|path| put(dir.path(), path, ""));
    git(dir.path(), "init -q");
    let out = Command::new("git")
        .current_dir(dir.path())
        .args(["-c", "core.excludesFile=", "ls-files", "-z", "--others", "--exclude-standard"])
        .output()
        .expect("git runs");
    let mut expected: Vec<&str> =
        str::from_utf8(&out.stdout).expect("text").split_terminator('\0').collect();
    expected.sort_unstable();
    let tree = tree(dir.path());
    let ours =
        tree.entries().filter(|(_, e)| e.tracking == Tracking::Untracked).map(|(_, e)| &*e.path);
    assert_eq!(ours.collect::<Vec<_>>(), expected);
}

#[test]
fn a_tracked_file_that_is_gone_is_not_listed() {
    let dir = repository(&[("a", ""), ("b/c", ""), ("d/e", "")]);
    fs::remove_file(dir.path().join("a")).expect("removed");
    git(dir.path(), "sparse-checkout set --no-cone /d");
    check(dir.path(), &["t d/e"]);
    // A directory took the place of a file.
    put(dir.path(), "a/f", "");
    check(dir.path(), &["u a/f", "t d/e"]);
}

#[test]
fn a_directory_inside_a_work_tree_knows_that_it_is_one() {
    let dir = repository(&[
        (".gitignore", "*.log\n"),
        ("s/a/Dockerfile", ""),
        ("s/b", ""),
        ("s/a-b", ""),
    ]);
    put(dir.path(), "s/a/x.log", "");
    put(dir.path(), "s/a/y", "");
    let tree = check(&dir.path().join("s/a"), &["t Dockerfile", "i x.log", "u y"]);
    assert_eq!(tree.outside(), Some("s/a"));
    let root = OpenOptions { is_root: true, ..OpenOptions::default() };
    let tree = open(&dir.path().join("s/a"), &root).expect("a tree");
    assert_eq!(tree.outside(), None);
    assert_eq!(tree.len(), 3);
}

#[test]
fn who_names_an_ignored_directory_wants_what_is_in_it() {
    let dir = repository(&[(".gitignore", "out/\n")]);
    put(dir.path(), "out/Dockerfile", "");
    let tree = check(&dir.path().join("out"), &["u Dockerfile"]);
    assert_eq!(tree.outside(), Some("out"));
}

#[test]
fn outside_git_everything_is_listed() {
    let dir = dir(&[(".gitignore", "*\n"), ("a/.hidden", ""), ("b", ""), ("empty/", "")]);
    let tree = check(dir.path(), &["u .gitignore", "u a/.hidden", "u b"]);
    assert_eq!((tree.revision(), tree.outside()), (None, None));
    let only = OpenOptions { tracked_only: true, ..OpenOptions::default() };
    assert!(matches!(open(dir.path(), &only), Err(OpenError::NoGit(..))));
}

#[test]
fn empty_repositories_and_other_work_trees_are_read() {
    let dir = dir(&[]);
    check(dir.path(), &[]);
    git(dir.path(), "init -q");
    assert_eq!(check(dir.path(), &[]).revision(), None);

    let main = repository(&[("a", ""), ("run.sh", "")]);
    git(main.path(), "update-index --chmod=+x run.sh");
    git(main.path(), "commit -q -m second");
    let other = tempfile::tempdir().expect("temporary directory");
    let path = other.path().join("w");
    git(main.path(), &format!("worktree add -q {}", path.display()));
    let tree = check(&path, &["t a", "t run.sh*"]);
    assert_eq!(tree.revision().map(str::len), Some(40));
}

#[test]
fn a_broken_index_is_told() {
    let dir = repository(&[("a/b", "")]);
    fs::write(dir.path().join(".git/index"), "no index").expect("written");
    let tree = tree(dir.path());
    assert!(
        shown(&tree).starts_with("u a/b\n! .git: git's index cannot be read"),
        "{}",
        shown(&tree)
    );
    let below = open(&dir.path().join("a"), &OpenOptions::default()).expect("a tree");
    assert_eq!(below.outside(), Some("a"));
}

#[test]
fn submodules_are_left_out_and_nested_repositories_named() {
    let library = repository(&[("lib.c", "")]);
    let dir = repository(&[("a", "")]);
    let add = format!(
        "-c protocol.file.allow=always submodule --quiet add {} libs/one",
        library.path().display()
    );
    git(dir.path(), &add);
    put(dir.path(), "nested/file", "");
    git(&dir.path().join("nested"), "init -q");
    let tree = check(
        dir.path(),
        &[
            "t .gitmodules",
            "t a",
            "i nested/file",
            "! libs/one: a submodule: what is in it is not part of this tree",
            "! nested: a repository of its own: what is in it is listed by name only",
        ],
    );
    assert!(tree.unlisted("libs/one/lib.c").is_some() && tree.unlisted("libs/one").is_some());
    assert!(tree.unlisted("libs/one-more").is_none() && tree.unlisted("libs").is_none());
}

#[test]
fn excluded_paths_are_not_there() {
    let dir = repository(&[("a/x", ""), ("b/x", ""), ("b/y", ""), ("vendor/z", "")]);
    let with = |patterns: &[&str]| {
        let exclude = patterns.iter().map(|p| (*p).to_owned()).collect();
        open(dir.path(), &OpenOptions { exclude, ..OpenOptions::default() })
            .map(|tree| shown(&tree))
    };
    assert_eq!(with(&["/a", "vendor/", "x", "!b/x"]).expect("a tree"), "t b/x\nt b/y\n");
    let error = with(&["ok", "a[b"]).expect_err("malformed");
    assert!(matches!(&error, OpenError::Pattern(pattern, _) if pattern == "a[b"), "{error}");
    assert!(matches!(
        open(&dir.path().join("b/y"), &OpenOptions::default()),
        Err(OpenError::NotADirectory(_))
    ));
    assert!(matches!(
        open(&dir.path().join("no"), &OpenOptions::default()),
        Err(OpenError::NotADirectory(_))
    ));
}

#[test]
fn bytes_stay_what_they_were_when_first_read() {
    // What is long is read again, and is to be what it was; what is short is kept.
    let long = |digit: &str| digit.repeat(200_000);
    let dir = dir(&[("a", &*long("1")), ("short", "one"), ("big", "0123456789")]);
    let tree = tree(dir.path());
    let (a, short) = (file(&tree, "a"), file(&tree, "short"));
    assert_eq!(tree.read(a).as_deref(), Ok(long("1").as_bytes()));
    assert_eq!(tree.read(short).as_deref(), Ok(&b"one"[..]));
    fs::write(dir.path().join("a"), long("2")).expect("written");
    fs::write(dir.path().join("short"), "two").expect("written");
    assert_eq!(tree.read(a), Err(Unreadable::Changed));
    assert_eq!(tree.read(short).as_deref(), Ok(&b"one"[..]));
    fs::write(dir.path().join("a"), long("1")).expect("written");
    assert_eq!(tree.read(a).as_deref(), Ok(long("1").as_bytes()));
    fs::remove_file(dir.path().join("a")).expect("removed");
    assert_eq!(tree.read(a), Err(Unreadable::Changed));
    // It grew beyond the limit after it was listed.
    let big = fs::File::options().write(true).open(dir.path().join("big")).expect("opened");
    big.set_len(tree.max_file() + 1).expect("grown");
    let too_large = Unreadable::TooLarge { len: tree.max_file() + 1, limit: tree.max_file() };
    assert_eq!(tree.read(file(&tree, "big")), Err(too_large));
}

#[test]
fn a_digest_names_what_was_looked_at() {
    let digest = |dir: &TempDir, paths: &[&str]| {
        let tree = tree(dir.path());
        tree.digest(&paths.iter().map(|path| file(&tree, path)).collect::<Vec<_>>())
    };
    let one = dir(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let two = dir(&[("a", "1"), ("b", "2"), ("c", "other")]);
    assert_eq!(digest(&one, &["a", "b"]), digest(&two, &["b", "a", "b"]));
    assert_ne!(digest(&one, &["a", "c"]), digest(&two, &["a", "c"]));
    assert_ne!(digest(&one, &["a"]), digest(&one, &["b"]));
    assert_eq!(digest(&one, &["a"]).len(), 64);
    git(two.path(), "init -q");
    git(two.path(), "add a");
    assert_ne!(digest(&one, &["a"]), digest(&two, &["a"]), "tracking counts");
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn fifo(path: &Path) {
        assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo runs").success());
    }

    #[test]
    fn links_are_entries_and_never_lead_out() {
        let outside = dir(&[("secret", "s")]);
        let dir = dir(&[("d/real", "yes"), ("Dockerfile/x", "")]);
        let link =
            |target: &str, path: &str| symlink(target, dir.path().join(path)).expect("linked");
        link("d/real", "ok");
        link("d", "dir");
        link("dir/real", "through");
        link("dir/../Dockerfile/x", "up");
        link("ok/../d/real", "file-is-no-directory");
        link("loop2", "loop1");
        link("loop1", "loop2");
        link(".", "d/self");
        link("../..", "d/out");
        link(outside.path().to_str().expect("text"), "away");
        link("away/secret", "far");
        link("gone", "dangling");
        git(dir.path(), "init -q");
        git(dir.path(), "add dir");
        let away = format!("u away -> {} => nowhere", outside.path().display());
        let tree = check(
            dir.path(),
            &[
                "u Dockerfile/x",
                &away,
                "u d/out -> ../.. => nowhere",
                "u d/real",
                "u d/self -> . => d",
                "u dangling -> gone => nowhere",
                "t dir -> d => d",
                "u far -> away/secret => nowhere",
                "u file-is-no-directory -> ok/../d/real => nowhere",
                "u loop1 -> loop2 => nowhere",
                "u loop2 -> loop1 => nowhere",
                "u ok -> d/real => d/real",
                "u through -> dir/real => d/real",
                "u up -> dir/../Dockerfile/x => Dockerfile/x",
            ],
        );
        assert_eq!(tree.read(file(&tree, "through")).as_deref(), Ok(&b"yes"[..]));
        for path in ["far", "loop1", "away", "dir", "dangling"] {
            assert_eq!(tree.read(file(&tree, path)), Err(Unreadable::Link), "{path}");
        }
        assert!(tree.is_dir("Dockerfile") && tree.find("Dockerfile").is_none());
    }

    /// git tracks `a/b`; on disk `a` became a link to a directory elsewhere that has a `b`.
    #[test]
    fn a_tracked_path_behind_a_link_is_gone() {
        let outside = dir(&[("b", "secret")]);
        let dir = repository(&[("a/b", "")]);
        fs::remove_dir_all(dir.path().join("a")).expect("removed");
        symlink(outside.path(), dir.path().join("a")).expect("linked");
        let link = format!("u a -> {} => nowhere", outside.path().display());
        check(dir.path(), &[&link]);
    }

    #[test]
    fn names_are_kept_whatever_their_bytes() {
        let dir =
            dir(&[("a\nb", "1"), ("c\u{1b}[31m", "2"), ("x\u{fffd}", "real"), ("-|<script>", "3")]);
        for (name, text) in [(&b"x\xfe"[..], "first"), (b"x\xff", "second"), (b"\xe9/f", "in")] {
            let path = dir.path().join(OsStr::from_bytes(name));
            fs::create_dir_all(path.parent().expect("below the root")).expect("directory");
            fs::write(path, text).expect("written");
        }
        git(dir.path(), "init -q");
        git(dir.path(), "add -A");
        let tree = check(
            dir.path(),
            &[
                "t -|<script>",
                "t a\\nb",
                "t c\\u{1b}[31m",
                "t x\u{fffd}",
                "t x\u{fffd}~2",
                "t x\u{fffd}~3",
                "t \u{fffd}/f",
                "! x\u{fffd}~2: stands for a second file whose name reads `x\u{fffd}`",
                "! x\u{fffd}~3: stands for a second file whose name reads `x\u{fffd}`",
            ],
        );
        let read = |path: &str| {
            String::from_utf8(tree.read(file(&tree, path)).expect("readable").to_vec())
        };
        let texts = ["x\u{fffd}", "x\u{fffd}~2", "x\u{fffd}~3", "\u{fffd}/f"]
            .map(|path| read(path).expect("text"));
        assert_eq!(texts, ["real", "first", "second", "in"]);
    }

    #[test]
    fn pipes_are_never_opened() {
        let dir = dir(&[("a", "1"), ("d/b", "")]);
        fifo(&dir.path().join("Dockerfile"));
        fifo(&dir.path().join("d/.gitignore"));
        git(dir.path(), "init -q");
        let tree = check(
            dir.path(),
            &[
                "u a",
                "u d/b",
                "! Dockerfile: a pipe, socket or device: never opened",
                "! d/.gitignore: a pipe, socket or device: never opened",
            ],
        );
        fs::remove_file(dir.path().join("a")).expect("removed");
        fifo(&dir.path().join("a"));
        assert_eq!(tree.read(file(&tree, "a")), Err(Unreadable::Changed));
        fs::remove_file(dir.path().join("a")).expect("removed");
        symlink("/etc/passwd", dir.path().join("a")).expect("linked");
        assert_eq!(tree.read(file(&tree, "a")), Err(Unreadable::Changed));
    }

    #[test]
    fn execute_bits_are_gits_word_where_git_has_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = repository(&[("tracked", "")]);
        put(dir.path(), "new", "");
        for path in ["tracked", "new"] {
            fs::set_permissions(dir.path().join(path), fs::Permissions::from_mode(0o755))
                .expect("mode");
        }
        check(dir.path(), &["u new*", "t tracked"]);
    }

    #[test]
    fn directories_deeper_than_a_path_may_be_do_no_harm() {
        let dir = dir(&[("a", "")]);
        let name = "d".repeat(200);
        let root = dir.path();
        // Built from the inside out, since no call takes the whole path.
        for _ in 0..30 {
            fs::create_dir(root.join("outer")).expect("made");
            if root.join(&name).exists() {
                fs::rename(root.join(&name), root.join("outer").join(&name)).expect("moved");
            }
            fs::rename(root.join("outer"), root.join(&name)).expect("moved");
        }
        let tree = tree(dir.path());
        assert!(tree.find("a").is_some());
        let note = tree.notes().first().expect("what is too deep is noted");
        assert!(note.path.len() > 3000 && tree.unlisted(&format!("{}/x", note.path)).is_some());
        assert!(
            Command::new("rm").args(["-rf"]).arg(dir.path()).status().expect("rm runs").success()
        );
    }
}
