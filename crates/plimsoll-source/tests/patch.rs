//! Patches: what applies, what conflicts, and what the disk holds afterwards.
#![allow(clippy::disallowed_methods, reason = "tests make trees on disk and run git")]

use std::fs;
use std::path::Path;

use plimsoll_source::{
    Conflict, Create, Edit, FileId, OpenOptions, Patch, Span, TextRange, Tree, TreeBuilder,
    WriteError, open, write,
};
use proptest::prelude::*;

/// `[start..end text]` is an edit of `path`.
fn edit(tree: &Tree, path: &str, start: u32, end: u32, insert: &str) -> Edit {
    let file = tree.find(path).expect("listed");
    Edit { span: Span::new(file, TextRange::new(start, end)), insert: insert.into() }
}

fn create(path: &str) -> Patch {
    let create = vec![Create { path: path.into(), bytes: b"new".to_vec(), executable: false }];
    Patch { create, ..Patch::default() }
}

fn text(tree: &Tree) -> String {
    let mut out = String::new();
    for (file, entry) in tree.entries() {
        let bytes = tree
            .read(file)
            .map_or_else(|e| format!("{e:?}"), |b| String::from_utf8_lossy(&b).into_owned());
        out += &format!("{}={bytes};", entry.path);
    }
    out
}

fn sample() -> Tree {
    let mut builder = TreeBuilder::new();
    builder.file("a", b"0123456789").file("d/b", b"b").link("link", "a");
    builder.build()
}

#[track_caller]
fn check(edits: &[(u32, u32, &str)], expected: Result<&str, &str>) {
    let tree = sample();
    let edits =
        edits.iter().map(|&(start, end, insert)| edit(&tree, "a", start, end, insert)).collect();
    let got = tree.apply(&Patch { edits, ..Patch::default() });
    let got = got.map(|tree| tree.read(tree.find("a").expect("listed")).expect("readable"));
    match (got, expected) {
        (Ok(bytes), Ok(text)) => assert_eq!(String::from_utf8_lossy(&bytes), text),
        (Err(conflict), Err(name)) => {
            assert!(format!("{conflict:?}").starts_with(name), "{conflict:?}")
        }
        (got, expected) => panic!("{got:?}, not {expected:?}"),
    }
}

#[test]
fn edits_may_touch_but_not_overlap() {
    check(&[(8, 10, "x"), (0, 2, "")], Ok("234567x"));
    check(&[(2, 4, "x"), (4, 6, "y"), (4, 4, "|"), (6, 6, "!")], Ok("01x|y!6789"));
    check(&[(2, 2, "same"), (2, 2, "same")], Ok("01same23456789"));
    check(&[(2, 4, "same"), (2, 4, "same")], Ok("01same456789"));
    check(&[(10, 10, "end")], Ok("0123456789end"));
    check(&[(2, 2, "x"), (2, 2, "y")], Err("Overlap"));
    check(&[(2, 4, "x"), (2, 4, "y")], Err("Overlap"));
    check(&[(2, 5, ""), (4, 6, "")], Err("Overlap"));
    check(&[(2, 5, ""), (3, 3, "x")], Err("Overlap"));
    check(&[(2, 4, ""), (2, 5, "")], Err("Overlap"));
    check(&[(9, 11, "")], Err("OutOfRange"));
    check(&[(5, 4, "")], Err("OutOfRange"));
    check(&[(11, 11, "x")], Err("OutOfRange"));
}

#[test]
fn new_files_need_a_place_of_their_own() {
    let tree = sample();
    let refused = [
        "a",
        "d",
        "d/b",
        "a/x",
        "link",
        "link/x",
        "",
        ".",
        "/x",
        "x/",
        "x//y",
        "./x",
        "../x",
        "d/../x",
        ".git/hooks/pre-commit",
        "d/.GIT/config",
        "x\0y",
    ];
    for path in refused {
        assert_eq!(
            tree.apply(&create(path)).err(),
            Some(Conflict::Exists(path.into())),
            "{path:?}"
        );
    }
    let made = tree.apply(&create("d/e/f")).expect("applies");
    assert_eq!(text(&made), "a=0123456789;d/b=b;d/e/f=new;link=0123456789;");
    let mut two = create("x");
    two.create.append(&mut create("x/y").create);
    assert!(matches!(tree.apply(&two), Err(Conflict::Exists(_))));
    two.create[1].path = "x".into();
    assert!(tree.apply(&two).is_ok(), "the same twice is one");
    two.create[1].executable = true;
    assert!(matches!(tree.apply(&two), Err(Conflict::Exists(_))));
}

#[test]
fn removals_and_modes_apply_with_the_rest_or_not_at_all() {
    let tree = sample();
    let [a, b, link] = ["a", "d/b", "link"].map(|path| tree.find(path).expect("listed"));
    let patch = |remove: &[FileId], chmod: &[(FileId, bool)]| Patch {
        remove: remove.to_vec(),
        chmod: chmod.to_vec(),
        ..Patch::default()
    };
    let done = tree.apply(&patch(&[b, link, b], &[(a, true)])).expect("applies");
    assert_eq!(text(&done), "a=0123456789;");
    assert_eq!(done.entry(FileId(0)).git_mode(), Some(0o100_755));
    assert_eq!(tree.apply(&patch(&[], &[(link, true)])).err(), Some(Conflict::Link(link)));
    assert_eq!(tree.apply(&patch(&[a], &[(a, true)])).err(), Some(Conflict::Contradiction(a)));
    assert_eq!(
        tree.apply(&patch(&[], &[(a, true), (a, false)])).err(),
        Some(Conflict::Contradiction(a))
    );
    assert_eq!(tree.apply(&patch(&[FileId(9)], &[])).err(), Some(Conflict::Unreadable(FileId(9))));
    let on_link = Patch { edits: vec![edit(&tree, "link", 0, 0, "x")], ..Patch::default() };
    assert_eq!(tree.apply(&on_link).err(), Some(Conflict::Link(link)));
    assert_eq!(text(&sample()), text(&tree));
}

/// What stands below `root`, links and modes included.
fn disk(root: &Path) -> String {
    let mut out = Vec::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).expect("listed") {
            let path = entry.expect("entry").path();
            let name = path.strip_prefix(root).expect("below").display().to_string();
            let metadata = fs::symlink_metadata(&path).expect("metadata");
            if metadata.is_dir() {
                dirs.push(path);
            } else if metadata.is_symlink() {
                out.push(format!("{name}->{}", fs::read_link(&path).expect("link").display()));
            } else {
                out.push(format!("{name}={}", fs::read_to_string(&path).expect("text")));
            }
        }
    }
    out.sort();
    out.join(";")
}

fn opened(root: &Path) -> Tree {
    let tree = open(root, &OpenOptions::default()).expect("a tree");
    // A patch is made for what was read.
    let _ = text(&tree);
    tree
}

#[test]
fn a_patch_is_written_whole() {
    let dir = tempfile::tempdir().expect("temporary directory");
    fs::write(dir.path().join("a"), "0123").expect("written");
    fs::write(dir.path().join("gone"), "x").expect("written");
    let tree = opened(dir.path());
    let mut patch = create("new/dir/file");
    patch.create[0].executable = true;
    patch.edits = vec![edit(&tree, "a", 1, 3, "-")];
    patch.remove = vec![tree.find("gone").expect("listed")];
    patch.chmod = vec![(tree.find("a").expect("listed"), true)];
    let applied = text(&tree.apply(&patch).expect("applies"));
    write(dir.path(), &tree, &patch).expect("written");
    assert_eq!(disk(dir.path()), "a=0-3;new/dir/file=new");
    assert_eq!(text(&opened(dir.path())), applied);
}

#[test]
fn what_changed_meanwhile_is_not_overwritten() {
    let dir = tempfile::tempdir().expect("temporary directory");
    fs::write(dir.path().join("a"), "0123").expect("written");
    fs::write(dir.path().join("b"), "0123").expect("written");
    let tree = opened(dir.path());
    let b = tree.find("b").expect("listed");
    let patch = Patch {
        edits: vec![edit(&tree, "a", 0, 0, "x"), edit(&tree, "b", 0, 0, "x")],
        ..create("c")
    };
    fs::write(dir.path().join("b"), "3210").expect("written");
    let error = write(dir.path(), &tree, &patch).expect_err("refused");
    assert!(matches!(error, WriteError::Conflict(Conflict::Changed(file)) if file == b), "{error}");
    fs::write(dir.path().join("b"), "0123").expect("written");
    fs::write(dir.path().join("c"), "theirs").expect("written");
    let error = write(dir.path(), &tree, &patch).expect_err("refused");
    assert!(
        matches!(&error, WriteError::Conflict(Conflict::Exists(path)) if path == "c"),
        "{error}"
    );
    assert_eq!(disk(dir.path()), "a=0123;b=0123;c=theirs");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_and_modes_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let outside = tempfile::tempdir().expect("temporary directory");
    let dir = tempfile::tempdir().expect("temporary directory");
    let root = dir.path();
    fs::create_dir(root.join("d")).expect("made");
    fs::write(root.join("d/a"), "0123").expect("written");
    fs::set_permissions(root.join("d/a"), fs::Permissions::from_mode(0o640)).expect("mode");
    let tree = opened(root);
    let patch = Patch { edits: vec![edit(&tree, "d/a", 0, 0, "x")], ..Patch::default() };

    // The directory of the file became a link to a copy of it elsewhere.
    fs::write(outside.path().join("a"), "0123").expect("written");
    fs::rename(root.join("d"), root.join("away")).expect("moved");
    symlink(outside.path(), root.join("d")).expect("linked");
    let error = write(root, &tree, &patch).expect_err("refused");
    assert!(matches!(error, WriteError::Conflict(Conflict::Link(_))), "{error}");
    let error = write(root, &tree, &create("d/new")).expect_err("refused");
    assert!(matches!(error, WriteError::Conflict(Conflict::Exists(_))), "{error}");
    assert_eq!(disk(outside.path()), "a=0123");

    fs::remove_file(root.join("d")).expect("removed");
    fs::rename(root.join("away"), root.join("d")).expect("moved");
    write(root, &tree, &patch).expect("written");
    let mode = fs::metadata(root.join("d/a")).expect("metadata").permissions().mode();
    assert_eq!((disk(root).as_str(), mode & 0o777), ("d/a=x0123", 0o640));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Edits that stand apart apply as if each were made alone, from the end to the start; any
    /// others are refused, and then nothing applies.
    #[test]
    fn applying_is_splicing_from_the_end(
        text in "[a-z]{0,20}",
        edits in proptest::collection::vec((0_u32..24, 0_u32..6, "[A-Z]{0,3}"), 0..6),
    ) {
        let tree = Tree::from_memory([("f", &text), ("g", &text)]);
        let mut list: Vec<(u32, u32, String)> = edits.iter().map(|(at, len, s)| (*at, at + len, s.clone())).collect();
        let patch = Patch {
            edits: list.iter().map(|(start, end, insert)| edit(&tree, "f", *start, *end, insert)).collect(),
            ..create("h")
        };
        list.sort();
        list.dedup();
        let is_free = list.windows(2).all(|two| two[0].1 <= two[1].0 && (two[0].0, two[0].1) != (two[1].0, two[1].1))
            && list.iter().all(|(_, end, _)| *end as usize <= text.len());
        let mut expected = text.clone();
        if is_free {
            for (start, end, insert) in list.iter().rev() {
                expected.replace_range(*start as usize..*end as usize, insert);
            }
        }
        match tree.apply(&patch) {
            Ok(new) => {
                prop_assert!(is_free);
                prop_assert_eq!(crate::text(&new), format!("f={expected};g={text};h=new;"));
            }
            Err(_) => prop_assert!(!is_free),
        }
        prop_assert_eq!(crate::text(&tree), format!("f={text};g={text};"));
    }
}
