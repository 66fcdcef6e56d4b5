//! Ignore files: the pattern matcher's own vectors, and how lines become patterns.

mod support;

use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::ignorefile::{IgnoreFile, glob_match, parse};

fn file(text: &[u8]) -> IgnoreFile {
    let span = Span::new(FileId(0), TextRange::of(0, text.len()));
    parse(&Derived::verbatim(text.to_vec(), span))
}

#[test]
fn the_matchers_own_vectors_hold() {
    for case in support::cases("dockerfile/dockerignore/matches") {
        let patterns = case["patterns"].as_array().expect("patterns");
        let lines: Vec<&str> = patterns.iter().map(|p| p.as_str().expect("a pattern")).collect();
        let path = case["path"].as_str().expect("a path");
        let ignored = file(lines.join("\n").as_bytes()).excludes(path);
        assert_eq!(ignored, case["ignored"], "{case}");
    }
}

/// `lines` is an ignore file; of the paths, only those in `kept` are in the context.
#[track_caller]
fn check(lines: &str, paths: &[&str], kept: &[&str]) {
    let file = file(lines.as_bytes());
    assert!(file.errors.is_empty(), "{:?}", file.errors);
    let left: Vec<&str> = paths.iter().copied().filter(|path| !file.excludes(path)).collect();
    assert_eq!(left, kept, "{lines}");
}

#[test]
fn lines_become_patterns() {
    let file = file("\u{FEFF}# a\r\n /a/b/ \r\n\n #x\n! ./c/../d//e\n!#f\n/".as_bytes());
    let texts: Vec<_> = file.patterns.iter().map(|p| (p.text.as_str(), p.negated)).collect();
    assert_eq!(texts, [("a/b", false), ("#x", false), ("d/e", true), ("#f", true), ("/", false)]);
    let ranges: Vec<_> =
        file.patterns.iter().map(|p| (p.span.range.start, p.span.range.end)).collect();
    assert_eq!(ranges[0], (9, 14));
}

#[test]
fn a_directory_takes_all_below_it() {
    check(
        ".git\nnode_modules/",
        &[".git", ".git/config", "a/.git/x", "node_modules/a/b"],
        &["a/.git/x"],
    );
    check("**/target", &["target", "a/target/b/c", "a/targets"], &["a/targets"]);
    check("/src", &["src/a", "a/src"], &["a/src"]);
    check("*", &["a", "a/b"], &[]);
    check("*/b", &["b", "a/b/c", "a/a/b"], &["b", "a/a/b"]);
}

#[test]
fn later_lines_win() {
    let paths = ["src/a", "src/a.env", "README", ".env"];
    check("*\n!src\n**/*.env", &paths, &["src/a"]);
    check("*\n!src\n", &paths, &["src/a", "src/a.env"]);
    check("!src\n*", &paths, &[]);
    check("*.md\n!README.md", &["a.md", "README.md"], &["README.md"]);
    check("a\n!a/b\n", &["a/b/c", "a/c"], &["a/b/c"]);
    check("a\n!**/*.x\n", &["a/b/c.x", "a/c"], &["a/b/c.x"]);
}

#[test]
fn a_pattern_that_changed_nothing_for_a_directory_does_not_reach_below_it() {
    check("d/x\n!d", &["d/x"], &[]);
    check("d\n!d/x\nd", &["d/x", "d/y"], &["d/x"]);
}

#[test]
fn a_plain_name_after_stars_may_begin_amid_a_file_name() {
    check("**.log", &["a.log", "b/c.log", "b/c.log.x"], &["b/c.log.x"]);
    check("**x?", &["axb", "a/xb"], &["axb"]);
}

#[test]
fn the_deciding_pattern_is_told() {
    let file = file(b"*\n!src\nsrc/b\n");
    let deciding = |path| file.deciding(path).map(|p| (p.text.as_str(), p.negated));
    assert_eq!(deciding("src/a"), Some(("src", true)));
    assert_eq!(deciding("src/b/c"), Some(("src/b", false)));
    assert_eq!(deciding("x"), Some(("*", false)));
    assert_eq!(self::file(b"x").deciding("y"), None);
    assert_eq!(file.deciding("."), None);
}

#[test]
fn what_is_no_pattern_is_an_error() {
    let messages = |text: &str| -> Vec<String> {
        file(text.as_bytes()).errors.into_iter().map(|e| e.message).collect()
    };
    assert_eq!(messages("a\n!\n"), ["`!` without a pattern"]);
    assert_eq!(messages("a[\n"), ["`a[` is not a pattern"]);
    assert_eq!(messages("a\\"), ["`a\\` is not a pattern"]);
    assert_eq!(messages(&"a\n".repeat(5000)).len(), 1);
    assert_eq!(messages(&"a".repeat(5000)).len(), 1);
}

#[test]
fn source_wildcards_match() {
    let yes = [
        ("a*", "abc"),
        ("a*/b", "abc/b"),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f"),
        ("a?b", "a☺b"),
        ("[a-c]x", "bx"),
        ("[^a]", "b"),
        ("[^a]", "/"),
        ("[\\]a]", "]"),
        ("\\*", "*"),
        ("]", "]"),
        ("**", "ab"),
        ("", ""),
    ];
    let no = [("a*", "ab/c"), ("a?b", "a/b"), ("**/b", "b"), ("[^b]", "b"), ("a", "A"), ("", "a")];
    for (pattern, path) in yes {
        assert_eq!(glob_match(pattern, path), Some(true), "{pattern} {path}");
    }
    for (pattern, path) in no {
        assert_eq!(glob_match(pattern, path), Some(false), "{pattern} {path}");
    }
    for pattern in ["[", "[a", "[]a]", "[-]", "[x-]", "[a-b-c]", "a\\", "[^", "[\\"] {
        assert_eq!(glob_match(pattern, "a"), None, "{pattern}");
    }
}

#[test]
fn hostile_patterns_end_soon() {
    let path = "a/".repeat(100) + "b";
    for part in ["**/*a", "**/", "*", "?*", "a**"] {
        let _ = file(part.repeat(300).as_bytes()).excludes(&path);
        let _ = glob_match(&(part.repeat(300) + "c"), &"a".repeat(4000));
    }
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "[ab€*?!/.\\[\\]^\\\\\n -]{0,40}", path in "[ab€/.]{0,12}") {
        let _ = file(text.as_bytes()).excludes(&path);
        let _ = glob_match(&text, &path);
    }

    #[test]
    fn any_bytes_are_a_file(text in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
        for pattern in file(&text).patterns {
            let range = pattern.span.range;
            assert!(range.start < range.end && range.end as usize <= text.len());
        }
    }
}
