//! JSON: held against `serde_json` where that is strict, and against the YAML reader.
#![allow(clippy::unwrap_used)]

use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::Parsed;
use plimsoll_syntax::yaml::{self, Style, Value, Yaml, parse_json};
use proptest::prelude::*;

fn file(text: &[u8]) -> Derived {
    Derived::verbatim(text.to_vec(), Span::new(FileId(0), TextRange::of(0, text.len())))
}

fn read(text: &[u8]) -> Parsed<Yaml> {
    parse_json(file(text))
}

/// The value as `serde_json` would hold it; numbers as it reads our slice of the text.
fn value(v: Value<'_>) -> serde_json::Value {
    if v.is_seq() {
        return v.items().map(value).collect();
    }
    if v.is_map() {
        return v
            .entries()
            .into_iter()
            .map(|(k, v)| (k.text().unwrap().to_owned(), value(v)))
            .collect();
    }
    match (v.style().unwrap(), v.text().unwrap()) {
        (Style::Double, text) => text.into(),
        (_, text) => serde_json::from_str(text).unwrap(),
    }
}

fn is_strict(parsed: &Parsed<Yaml>) -> bool {
    parsed.errors.is_empty() && parsed.tree.relaxed.is_none()
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f32>().prop_map(|f| f64::from(f).into()),
        ".{0,12}".prop_map(Into::into),
        "[\\\\\"/\n\t\u{1}é\u{1F6A2}a]{0,6}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::vec(("[a-c<\"]{0,2}", inner), 0..12)
                .prop_map(|pairs| pairs.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

#[test]
fn strings_and_their_places() {
    let text = r#"{"a\n": ["\ud83d\udea2 \u00e9\/", "plain é", "\ud83d"], "b": -1.5e+3}"#;
    let parsed = read(text.as_bytes());
    assert!(is_strict(&parsed), "{:?}", parsed.errors);
    let root = parsed.tree.root().unwrap();
    let texts: Vec<_> = root.get("a\n").unwrap().items().map(|v| v.text().unwrap()).collect();
    assert_eq!(texts, ["\u{1F6A2} é/", "plain é", "\u{FFFD}"]);
    let ship = root.get("a\n").unwrap().items().next().unwrap().derived();
    let at = |a, b| ship.span(TextRange::new(a, b)).range.slice(text.as_bytes());
    assert_eq!((at(0, 4), at(4, 5), at(5, 7)), (&br"\ud83d\udea2"[..], &b" "[..], &br"\u00e9"[..]));
    let number = root.get("b").unwrap();
    assert_eq!(
        (number.text(), number.span().range.slice(text.as_bytes())),
        (Some("-1.5e+3"), &b"-1.5e+3"[..])
    );
    assert_eq!(root.raw().range, TextRange::of(0, text.len()));
}

#[test]
fn what_tsconfig_may_hold_is_no_error_but_noted() {
    for (text, relaxed) in [
        ("// a\n{\"a\": [1, /* b */ 2]}", "// a"),
        ("{\"a\": 1,\r\n}", ","),
        ("[1 , ] // x\r\n", ","),
        ("\u{FEFF}{}", "\u{FEFF}"),
        ("{\"a\": \"// no\"}", ""),
    ] {
        let parsed = read(text.as_bytes());
        assert_eq!(parsed.errors, [], "of {text:?}");
        let found = parsed.tree.relaxed.map_or(&b""[..], |range| range.slice(text.as_bytes()));
        assert_eq!(String::from_utf8_lossy(found), relaxed, "of {text:?}");
    }
    let parsed = read(b"[1] // x\r\n/**/");
    assert_eq!(parsed.tree.comments, [TextRange::new(4, 8), TextRange::new(10, 14)]);
}

#[track_caller]
fn check_error(text: &str, at: u32, message: &str, fatal: bool) {
    let parsed = read(text.as_bytes());
    let errors: Vec<_> =
        parsed.errors.iter().map(|e| (e.span.range.start, e.message.as_str(), e.fatal)).collect();
    assert_eq!(errors, [(at, message, fatal)], "of {text:?}");
    assert_eq!(parsed.tree.lost.is_empty(), !fatal);
}

#[test]
fn errors_stand_where_they_are() {
    check_error("", 0, "the text ends too early", true);
    check_error("{\"a\": 1", 7, "the text ends too early", true);
    check_error("{\"a\" 1}", 5, "expected `:`", true);
    check_error("{a: 1}", 1, "expected a name in double quotes or `}`", true);
    check_error("[1 2]", 3, "expected `,` or the closing bracket", true);
    check_error("[,]", 1, "expected a value", true);
    check_error("{}]", 2, "nothing may follow the value", true);
    check_error("[\"a\n\"]", 1, "a string without its closing quote", true);
    check_error("[/* x ]", 1, "a comment without its end", true);
    check_error("[True]", 1, "neither a number nor `true`, `false`, `null`", false);
    check_error("[01]", 1, "neither a number nor `true`, `false`, `null`", false);
    check_error(r#"["\x"]"#, 2, "not an escape that JSON has", false);
    check_error("[\"\u{1}\"]", 2, "a control character in a string", false);
}

#[test]
fn what_was_read_before_an_error_is_kept() {
    let parsed = read(b"{\"a\": {\"b\": [1, 2], \"c\": }, \"d\": 1}");
    let root = parsed.tree.root().unwrap();
    assert_eq!(root.path(&["a", "b"]).unwrap().items().count(), 2);
    assert!(root.path(&["a", "c"]).unwrap().is_unknown());
    assert!(
        root.is_partial()
            && root.get("a").unwrap().is_partial()
            && !root.path(&["a", "b"]).unwrap().is_partial()
    );
}

#[test]
fn the_last_of_two_equal_names_wins_without_an_error() {
    let parsed = read(br#"{"a": 1, "b": 2, "\u0061": 3, "<<": {"c": 1}}"#);
    assert!(is_strict(&parsed));
    let root = parsed.tree.root().unwrap();
    assert_eq!(root.get("a").unwrap().text(), Some("3"));
    assert_eq!(root.entries().len(), 3);
    assert!(root.get("c").is_none());
}

#[test]
fn depth_is_refused_at_its_place() {
    for open in ["[", "{\"a\":"] {
        let parsed = read(open.repeat(100_000).as_bytes());
        assert_eq!(parsed.errors[0].message, "nested deeper than 256 levels");
        assert_eq!(parsed.errors[0].span.range.start as usize, 256 * open.len());
        assert!(is_strict(&read(format!("{}1{}", "[".repeat(256), "]".repeat(256)).as_bytes())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_reads_what_serde_json_writes(json in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
        let parsed = read(text.as_bytes());
        prop_assert!(is_strict(&parsed), "{:?} of {text}", parsed.errors);
        let reread: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(value(parsed.tree.root().unwrap()), reread);
    }

    #[test]
    fn it_refuses_what_serde_json_refuses(
        json in json(), at in any::<proptest::sample::Index>(), cut in 0_usize..3, put in "[\\[\\]{},:\"\\\\0-9.eE+tn \u{1}\n-]{0,2}",
    ) {
        let mut text = serde_json::to_vec(&json).unwrap();
        let at = at.index(text.len() + 1);
        let end = (at + cut).min(text.len());
        text.splice(at..end, put.bytes());
        let parsed = read(&text);
        match serde_json::from_slice::<serde_json::Value>(&text) {
            Ok(json) => {
                let relaxed = parsed.tree.relaxed;
                prop_assert!(is_strict(&parsed), "{:?} {relaxed:?}", parsed.errors);
                prop_assert_eq!(value(parsed.tree.root().unwrap()), json);
            }
            // Neither is in the grammar: numbers of any size and halves of pairs are JSON.
            Err(e) if ["number out of range", "surrogate", "hex escape"].iter().any(|w| e.to_string().contains(w)) => {}
            Err(e) => prop_assert!(!is_strict(&parsed), "{e} in {:?}", String::from_utf8_lossy(&text)),
        }
    }

    #[test]
    fn it_makes_the_tree_that_the_yaml_reader_makes(json in json()) {
        fn same(a: Value<'_>, b: Value<'_>) {
            assert_eq!((a.raw().range, a.style(), a.text()), (b.raw().range, b.style(), b.text()));
            assert_eq!(a.derived(), b.derived());
            assert_eq!((a.items().count(), a.pairs().count()), (b.items().count(), b.pairs().count()));
            a.items().zip(b.items()).for_each(|(a, b)| same(a, b));
            a.pairs().zip(b.pairs()).for_each(|((a, x), (b, y))| { same(a, b); same(x, y) });
        }
        // A name and its `:` on one line, and no characters that YAML would have escaped.
        let text = serde_json::to_string_pretty(&json).unwrap();
        prop_assume!(text.chars().all(|c| matches!(c, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}')));
        let parsed = yaml::parse(file(text.as_bytes()));
        prop_assert!(parsed.errors.is_empty(), "{:?} of {text}", parsed.errors);
        same(read(text.as_bytes()).tree.root().unwrap(), parsed.tree.root().unwrap());
    }

    #[test]
    fn any_bytes_are_read(text in proptest::collection::vec(prop_oneof![
        any::<u8>(),
        proptest::sample::select(b"[]{}:,\"\\u/* \n01tfn".to_vec()),
    ], 0..60)) {
        let parsed = read(&text);
        prop_assert!(parsed.errors.iter().all(|error| error.span.range.end as usize <= text.len()));
        if let Some(root) = parsed.tree.root() {
            prop_assert!(root.raw().range.end as usize <= text.len());
        }
    }
}
