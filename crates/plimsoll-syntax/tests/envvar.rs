//! Variable expansion: the builder's own vectors, and the modifiers that they leave out.

mod support;

use plimsoll_syntax::envvar::expand;

const VARIABLES: [(&str, &str); 6] = [
    ("PWD", "/home"),
    ("SHELL", "bash"),
    ("KOREAN", "한국어"),
    ("NULL", ""),
    ("FILE", "/a/b.tar.gz"),
    ("LIST", "one two one"),
];

fn expanded(word: &str, platform: &str) -> String {
    let same = |name: &str, wanted: &str| match platform {
        "W" => name.eq_ignore_ascii_case(wanted),
        _ => name == wanted,
    };
    let lookup = |wanted: &str| {
        VARIABLES.iter().find(|(name, _)| same(name, wanted)).map(|(_, value)| (*value).to_owned())
    };
    expand(word, b'\\', &lookup).map_or_else(|_| "error".to_owned(), |e| e.value)
}

#[test]
fn the_builders_own_vectors_hold() {
    for case in support::cases("dockerfile/buildkit/envvar") {
        let word = case["word"].as_str().expect("a word");
        let platform = case["platform"].as_str().expect("a platform");
        assert_eq!(expanded(word, platform), case["expect"], "{case}");
    }
}

#[track_caller]
fn check(word: &str, expected: &str) {
    assert_eq!(expanded(word, "U"), expected, "{word}");
}

#[test]
fn prefixes_and_suffixes_are_cut() {
    check("${FILE#*/}", "a/b.tar.gz");
    check("${FILE##*/}", "b.tar.gz");
    check("${FILE%.*}", "/a/b.tar");
    check("${FILE%%.*}", "/a/b");
    check("${FILE#/?/}", "b.tar.gz");
    check("${FILE%.g?}", "/a/b.tar");
    check("${FILE#x*}", "/a/b.tar.gz");
    check("${FILE#}", "/a/b.tar.gz");
    check("${FILE#\\*}", "/a/b.tar.gz");
    check("${FILE##*a*b*}", "");
    check("${FILE#*a*b}", ".tar.gz");
    check("${UNSET#x}", "");
    check("${FILE#\\q}", "error");
    check("${FILE#a", "error");
}

#[test]
fn matches_are_replaced() {
    check("${LIST/one/1}", "1 two one");
    check("${LIST//one/1}", "1 two 1");
    check("${LIST//o?e}", "error");
    check("${LIST//o?e/}", " two ");
    check("${LIST/ *o/-}", "one-ne");
    check("${LIST//*/x}", "x");
    check("${FILE//\\//_}", "_a_b.tar.gz");
    check("${FILE/${PWD}/x}", "/a/b.tar.gz");
    check("${LIST/zzz/y}", "one two one");
    check("${UNSET/a/b}", "");
}

#[test]
fn the_escape_character_may_be_a_backtick() {
    let expand = |word| expand(word, b'`', &|_| Some("v".to_owned())).map(|e| e.value);
    assert_eq!(expand("C:\\x`$y$z").as_deref(), Ok("C:\\x$yv"));
    assert_eq!(expand("\"`\"\"").as_deref(), Ok("\""));
}

#[test]
fn what_was_asked_for_is_told_in_order() {
    let lookup = |name: &str| (name == "a").then(String::new);
    let used = expand("$a ${b:-$c} '$d' \\$e", b'\\', &lookup).map(|e| e.used);
    let expected = [("a", true), ("b", false), ("c", false)];
    assert_eq!(used, Ok(expected.map(|(name, set)| (name.to_owned(), set)).to_vec()));
}

#[test]
fn errors_have_a_place() {
    let at = |word| expand(word, b'\\', &|_| None).map_err(|e| e.at);
    assert_eq!(at("ab'c"), Err(2));
    assert_eq!(at("ab${c"), Err(2));
    assert_eq!(at("ab${c:=d}"), Err(2));
}

#[test]
fn hostile_words_end_soon() {
    let long = "a".repeat(100_000);
    let lookup = |_: &str| Some(long.clone());
    let error = |word: &str| expand(word, b'\\', &lookup).is_err();
    assert!(error(&"${x:-".repeat(100_000)));
    assert!(error(&"$x".repeat(100_000)));
    assert!(error(&format!("${{x//a/{long}}}")));
    assert!(error(&format!("${{x#{long}}}")));
    assert!(!error(&format!("${{x//*{}b/c}}", "*a".repeat(100))));
    assert!(!error(&format!("${{x//{}b/c}}", "?".repeat(200))));
}
