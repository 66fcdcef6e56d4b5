//! YAML: every style and error, text in, tree out.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::Parsed;
use plimsoll_syntax::yaml::{Style, Value, Yaml, parse};
use proptest::prelude::*;

fn file(text: &[u8]) -> Derived {
    Derived::verbatim(text.to_vec(), Span::new(FileId(0), TextRange::of(0, text.len())))
}

/// One line a node, with its range; `~` before a collection that an error cut short.
fn dump(parsed: &Parsed<Yaml>) -> String {
    let mut out = String::new();
    for (index, root) in parsed.tree.roots().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        node(&mut out, root, 0, "");
    }
    for range in &parsed.tree.comments {
        let text = String::from_utf8_lossy(range.slice(parsed.tree.text.text()));
        writeln!(out, "{}..{} comment {text}", range.start, range.end).unwrap();
    }
    for range in &parsed.tree.lost {
        writeln!(out, "{}..{} lost", range.start, range.end).unwrap();
    }
    for error in &parsed.errors {
        let range = error.span.range;
        let fatal = if error.fatal { "fatal" } else { "error" };
        writeln!(out, "{}..{} {fatal}: {}", range.start, range.end, error.message).unwrap();
    }
    out
}

fn node(out: &mut String, value: Value<'_>, depth: usize, label: &str) {
    let range = value.raw().range;
    let tag = value
        .tag()
        .filter(|_| !value.is_alias())
        .map_or(String::new(), |(tag, _)| format!("{tag} "));
    write!(out, "{}{label}{}..{} {tag}", "  ".repeat(depth), range.start, range.end).unwrap();
    let partial = if value.is_partial() { "~" } else { "" };
    if value.is_alias() {
        let target =
            if value.is_unknown() { "?".into() } else { value.node().range.start.to_string() };
        writeln!(out, "*{target}").unwrap();
    } else if value.is_map() {
        writeln!(out, "{partial}map").unwrap();
        for (key, value) in value.pairs() {
            node(out, key, depth + 1, "");
            node(out, value, depth + 2, "= ");
        }
    } else if value.is_seq() {
        writeln!(out, "{partial}seq").unwrap();
        for item in value.items() {
            node(out, item, depth + 1, "- ");
        }
    } else {
        let quote = match value.style().unwrap() {
            Style::Plain => "",
            Style::Single => "'",
            Style::Double => "\"",
            Style::Literal => "|",
            Style::Folded => ">",
        };
        writeln!(out, "{quote}{}{}", value.text().unwrap().escape_debug(), pieces(value)).unwrap();
    }
}

/// Where each character comes from, unless the content is one slice: `text@start..end` a run.
fn pieces(value: Value<'_>) -> String {
    let derived = value.derived();
    assert_eq!(derived.text(), value.text().unwrap().as_bytes());
    let len = TextRange::of(0, derived.text().len()).end;
    let mut runs: Vec<(String, TextRange)> = Vec::new();
    for (at, char) in value.text().unwrap().char_indices() {
        let range = TextRange::of(at, at + char.len_utf8());
        let from = derived.span(range).range;
        match runs.last_mut() {
            Some((text, last)) if last.end == from.start && from.len() == range.len() => {
                text.push(char);
                last.end = from.end;
            }
            _ => runs.push((char.to_string(), from)),
        }
    }
    if runs.len() <= 1 && runs.iter().all(|(_, range)| range.len() == len) {
        return String::new();
    }
    let runs =
        runs.iter().map(|(text, at)| format!("{}@{}..{}", text.escape_debug(), at.start, at.end));
    format!("  ({})", runs.collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let got = dump(&parse(file(text.as_bytes())));
    assert_eq!(got.trim_end().lines().collect::<Vec<_>>(), expected, "of {text:?}");
}

#[test]
fn collections() {
    check(
        "a:\n  b: c\n  d:\n  - e\n  -\n  - f: g\n    h: i\n",
        &[
            "0..42 map",
            "  0..1 a",
            "    = 5..42 map",
            "      5..6 b",
            "        = 8..9 c",
            "      12..13 d",
            "        = 19..42 seq",
            "          - 19..20 e",
            "          - 24..24 ",
            "          - 29..42 map",
            "            29..30 f",
            "              = 32..33 g",
            "            38..39 h",
            "              = 41..42 i",
        ],
    );
    check(
        "- - a\n  - \n- ? b\n- ? |\n    k\n  : v\n",
        &[
            "0..34 seq",
            "  - 2..10 seq",
            "    - 4..5 a",
            "    - 10..10 ",
            "  - 13..17 map",
            "    15..16 b",
            "      = 17..17 ",
            "  - 19..34 map",
            r"    21..28 |k\n",
            "      = 33..34 v",
        ],
    );
    check(
        "[a, {b: c, d}, \"e\": f, g: ]",
        &[
            "0..27 seq",
            "  - 1..2 a",
            "  - 4..13 map",
            "    5..6 b",
            "      = 8..9 c",
            "    11..12 d",
            "      = 12..12 ",
            "  - 15..21 map",
            r#"    15..18 "e"#,
            "      = 20..21 f",
            "  - 23..25 map",
            "    23..24 g",
            "      = 25..25",
        ],
    );
    check(
        "{a: [],\n  b: {},\n}\n",
        &["0..18 map", "  1..2 a", "    = 4..6 seq", "  10..11 b", "    = 13..15 map"],
    );
}

#[test]
fn comments_and_documents() {
    check("", &[]);
    check("# c\n", &["0..3 comment # c"]);
    check(
        "--- # one\na: 1\n...\n# two\n%YAML 1.2\n---\nb: 2\n---\n",
        &[
            "10..14 map",
            "  10..11 a",
            "    = 13..14 1",
            "---",
            "39..43 map",
            "  39..40 b",
            "    = 42..43 2",
            "---",
            "47..47 ",
            "4..9 comment # one",
            "19..24 comment # two",
        ],
    );
    check(
        "a:\n- b\nd: |\n  x\n# no\n  # more\ne: f#g\n",
        &[
            "0..36 map",
            "  0..1 a",
            "    = 5..6 seq",
            "      - 5..6 b",
            "  7..8 d",
            r"    = 10..15 |x\n",
            "  30..31 e",
            "    = 33..36 f#g",
            "16..20 comment # no",
            "23..29 comment # more",
        ],
    );
}

#[test]
fn errors_cost_one_entry_and_reading_goes_on() {
    check(
        "foo: 1\nbar: b: c\nx: y\n---\nz: [",
        &[
            "0..21 ~map",
            "  0..3 foo",
            "    = 5..6 1",
            "  7..10 bar",
            "    = 10..10 *?",
            "  17..18 x",
            "    = 20..21 y",
            "---",
            "26..30 ~map",
            "  26..27 z",
            "    = 29..30 ~seq",
            "10..17 lost",
            "29..30 lost",
            "13..14 fatal: mapping values are not allowed in this context",
            "29..30 fatal: unclosed bracket '['",
        ],
    );
    check(
        "a: \"x\nb: c\nd: e\n",
        &[
            "0..15 ~map",
            "  0..1 a",
            "    = 1..1 *?",
            "  6..7 b",
            "    = 9..10 c",
            "  11..12 d",
            "    = 14..15 e",
            "1..6 lost",
            "6..7 fatal: invalid indentation in multiline quoted scalar",
        ],
    );
    check(
        "a: [1, 2\nb: c\n",
        &[
            "0..13 ~map",
            "  0..1 a",
            "    = 3..5 ~seq",
            "      - 4..5 1",
            "  9..10 b",
            "    = 12..13 c",
            "5..9 lost",
            "10..11 fatal: illegal placement of ':' indicator",
        ],
    );
    check(
        "foo bar\nx: y\nz: w\n",
        &[
            "8..17 ~map",
            "  8..9 x",
            "    = 11..12 y",
            "  13..14 z",
            "    = 16..17 w",
            "0..8 lost",
            "9..10 fatal: mapping values are not allowed in this context",
        ],
    );
    check(
        "a:\n\tb: c\nd: e\n",
        &[
            "0..13 ~map",
            "  0..1 a",
            "    = 1..1 *?",
            "  9..10 d",
            "    = 12..13 e",
            "1..9 lost",
            "4..5 fatal: tabs disallowed within this context (block indentation)",
        ],
    );
    check(
        "a: b\n c: d\nx: y",
        &[
            "0..15 ~map",
            "  0..1 a",
            "    = 1..1 *?",
            "  11..12 x",
            "    = 14..15 y",
            "1..11 lost",
            "7..8 fatal: mapping values are not allowed in this context",
        ],
    );
    check(
        "a: {\n b: c,\n d: e\nf: g",
        &[
            "0..22 ~map",
            "  0..1 a",
            "    = 3..14 ~map",
            "      6..7 b",
            "        = 9..10 c",
            "      13..14 d",
            "        = 14..14 *?",
            "  18..19 f",
            "    = 21..22 g",
            "14..18 lost",
            "19..20 fatal: while parsing a flow mapping, did not find expected ',' or '}'",
        ],
    );
    check(
        "a: *b\nc: @foo\nd: e\n",
        &[
            "0..18 ~map",
            "  0..1 a",
            "    = 3..5 *?",
            "  6..7 c",
            "    = 7..7 *?",
            "  14..15 d",
            "    = 17..18 e",
            "7..14 lost",
            "3..5 error: `*b` stands for nothing: no anchor `&b` before it",
            "9..10 fatal: unexpected character: `@'",
        ],
    );
    check(
        "{a: b} c\nd: e\n---\nf: g",
        &[
            "0..6 map",
            "  1..2 a",
            "    = 4..5 b",
            "---",
            "18..22 map",
            "  18..19 f",
            "    = 21..22 g",
            "7..14 lost",
            "7..8 fatal: did not find expected <document start>",
        ],
    );
    check(
        "- a\n- b: [\n- c\n- d",
        &[
            "0..18 ~seq",
            "  - 2..3 a",
            "  - 6..10 ~map",
            "    6..7 b",
            "      = 9..10 ~seq",
            "  - 13..14 c",
            "  - 17..18 d",
            "10..11 lost",
            r#"11..12 fatal: "-" is only valid inside a block"#,
        ],
    );
    check(
        "services:\n  web:\n    image: a\n   ports: x\nvolumes:\n  v:\n",
        &[
            "0..55 ~map",
            "  0..8 services",
            "    = 12..29 ~map",
            "      12..15 web",
            "        = 21..29 map",
            "          21..26 image",
            "            = 28..29 a",
            "  42..49 volumes",
            "    = 53..55 map",
            "      53..54 v",
            "        = 55..55 ",
            "29..42 lost",
            "33..34 fatal: while parsing a block mapping, did not find expected key",
        ],
    );
    check(
        "a: 1\n}\n---\nok: 1\n...\n}\n---\n\"x",
        &[
            "0..4 ~map",
            "  0..1 a",
            "    = 3..4 1",
            "---",
            "11..16 map",
            "  11..13 ok",
            "    = 15..16 1",
            "4..7 lost",
            "21..23 lost",
            "27..29 lost",
            "5..6 fatal: misplaced bracket",
            "21..22 fatal: misplaced bracket",
            "27..28 fatal: unclosed quote",
        ],
    );
}

#[test]
fn every_scalar_style_maps_back() {
    check(
        "a: plain\nb: \"double\"\nc: 'single'\nd:\n",
        &[
            "0..35 map",
            "  0..1 a",
            "    = 3..8 plain",
            "  9..10 b",
            r#"    = 12..20 "double"#,
            "  21..22 c",
            "    = 24..32 'single",
            "  33..34 d",
            "    = 35..35",
        ],
    );
    check(
        "a: |\n  x\n   y\n\n\nb: |-\n  x\nc: |+\n  x\n\nd: |2\n   x\n",
        &[
            "0..47 map",
            "  0..1 a",
            r"    = 3..13 |x\n y\n  (x\n@7..9  y\n@11..14)",
            "  16..17 b",
            "    = 19..25 |x",
            "  26..27 c",
            r"    = 29..35 |x\n\n",
            "  37..38 d",
            r"    = 40..47 | x\n",
        ],
    );
    check(
        "a: >\n  p\n  q\n\n  r\n   s\n  t\n\n\nb: >-\n\n  p\n",
        &[
            "0..39 map",
            "  0..1 a",
            r"    = 3..26 >p q\nr\n s\nt\n  (p@7..8  q@8..12 \nr@12..17 \n s@17..22 \nt@22..26 \n@26..29)",
            "  29..30 b",
            r"    = 32..39 >\np  (\np@35..39)",
        ],
    );
    check(
        "a: \"x\\ty\\u00e9 \\\n  z\"\nb: 'it''s\n\n  so'\nc: one\n  two\n\n  three # c\n",
        &[
            "0..60 map",
            "  0..1 a",
            r#"    = 3..21 "x\tyé z  (x@4..5 \ty@5..8 é @8..15 z@19..20)"#,
            "  22..23 b",
            r"    = 25..38 'it\'s\nso  (it@26..28 \'s@28..31 \nso@31..37)",
            "  39..40 c",
            r"    = 42..60 one two\nthree  (one@42..45  two@45..51 \nthree@51..60)",
            "61..64 comment # c",
        ],
    );
    check(
        "a: \"\\U0001F6A2\\x41\\/\\\"\\\\\"\n",
        &[
            "0..25 map",
            "  0..1 a",
            r#"    = 3..25 "🚢A/\"\\  (🚢@4..14 A@14..18 /@18..20 \"@20..22 \\@22..24)"#,
        ],
    );
    check(
        "- |\n\n  a\n    - x\n- >+\n a\n\n b\n\n\n- - |1-\n   c\n  # no\n- z",
        &[
            "0..54 seq",
            r"  - 2..16 |\na\n  - x\n  (\n@4..5 a\n@7..9   - x\n@11..17)",
            r"  - 19..28 >a\nb\n\n\n  (a@23..24 \nb@24..28 \n@28..31 \n@28..31 \n@28..31)",
            "  - 33..43 seq",
            "    - 35..43 |c",
            "  - 53..54 z",
            "46..50 comment # no",
        ],
    );
    check(
        "--- |\nfoo\nbar\n---\n--- >\nfoo\nbar\n...\n",
        &[r"4..13 |foo\nbar\n", "---", "17..17 ", "---", r"22..31 >foo bar\n"],
    );
    check(
        "a: |\nb: |\n\n\nc: >",
        &[
            "0..16 map",
            "  0..1 a",
            "    = 3..4 |",
            "  5..6 b",
            "    = 8..9 |",
            "  12..13 c",
            "    = 15..16 >",
        ],
    );
}

#[test]
fn keys_that_stand_twice() {
    check(
        "a: 1\nb: 2\n\"a\": 3\n",
        &[
            "0..16 map",
            "  0..1 a",
            "    = 3..4 1",
            "  5..6 b",
            "    = 8..9 2",
            r#"  10..13 "a"#,
            "    = 15..16 3",
            "10..13 error: duplicate key `a`",
        ],
    );
    check(
        "b: &x {<<: *x}\n<<: 1\n<<: 2\n",
        &[
            "0..26 map",
            "  0..1 b",
            "    = 6..14 map",
            "      7..9 <<",
            "        = 11..13 *?",
            "  15..17 <<",
            "    = 19..20 1",
            "  21..23 <<",
            "    = 25..26 2",
            "11..13 error: `*x` stands inside of what it stands for",
            "21..23 error: duplicate key `<<`",
        ],
    );
}

#[test]
fn line_ends_and_marks() {
    check(
        "\u{feff}a: b\r\nc: |\r\n  x\r\n\r\n  y\r\nd: >-\r\n  p\r\n  q\r\ne: \"x\r\n  y\"\r\n? k\r\n: v\r\n",
        &[
            "3..65 map",
            "  3..4 a",
            "    = 6..7 b",
            "  9..10 c",
            r"    = 12..25 |x\n\ny\n  (x@17..18 \n@19..20 \n@21..22 y@24..25 \n@26..27)",
            "  27..28 d",
            "    = 30..42 >p q  (p@36..37  q@37..42)",
            "  44..45 e",
            r#"    = 47..55 "x y  (x@48..49  y@49..54)"#,
            "  59..60 k",
            "    = 64..65 v",
        ],
    );
    check(
        "a:\tb\t# c\nd: [\te ]\n",
        &[
            "0..17 map",
            "  0..1 a",
            "    = 3..4 b",
            "  9..10 d",
            "    = 12..17 seq",
            "      - 14..15 e",
            "5..8 comment # c",
        ],
    );
}

#[test]
fn tags_anchors_and_aliases() {
    check(
        "a: &x !t {b: 1}\nc: *x\nd: &x 2\ne: *x\n---\nf: *x\n",
        &[
            "0..35 map",
            "  0..1 a",
            "    = 9..15 !t map",
            "      10..11 b",
            "        = 13..14 1",
            "  16..17 c",
            "    = 19..21 *9",
            "  22..23 d",
            "    = 28..29 2",
            "  30..31 e",
            "    = 33..35 *28",
            "---",
            "40..45 map",
            "  40..41 f",
            "    = 43..45 *?",
            "43..45 error: `*x` stands for nothing: no anchor `&x` before it",
        ],
    );
    check(
        "&a [*a, &b b, *b]",
        &[
            "3..17 seq",
            "  - 4..6 *?",
            "  - 11..12 b",
            "  - 14..16 *11",
            "4..6 error: `*a` stands inside of what it stands for",
        ],
    );
    check(
        "%TAG !e! foo\n---\na: !e!x |\n  foo\nb: ! x\nc: !<tag:x> y\nd: !!str\n",
        &[
            "17..62 map",
            "  17..18 a",
            r"    = 25..32 !e!x |foo\n",
            "  33..34 b",
            "    = 38..39 ! x",
            "  40..41 c",
            "    = 52..53 !<tag:x> y",
            "  54..55 d",
            "    = 62..62 !!str",
        ],
    );
}

/// The entries of the value at `path`, as `key=text@start`.
fn entries(yaml: &Yaml, path: &[&str]) -> Vec<String> {
    let value = yaml.root().unwrap().path(path).unwrap();
    let entries = value.entries();
    for (key, found) in &entries {
        let (k, v) = value.entry(key.text().unwrap()).unwrap();
        assert_eq!((k.id(), v.id()), (key.id(), found.id()), "a look-up finds what the list holds");
    }
    let show = |v: Value<'_>| format!("{}@{}", v.text().unwrap_or("…"), v.raw().range.start);
    entries.into_iter().map(|(k, v)| format!("{}={}", k.text().unwrap(), show(v))).collect()
}

#[test]
fn merge_keys() {
    let text = "\
a: &a {x: 1, y: 1}
b: &b {<<: *a, y: 2, z: 2}
c: {z: 3, <<: [*b, *a], w: 3}
d: {<<: *a, <<: *b}
e: {\"<<\": *a, x: 4}
f: {<<: {x: 5}, [k]: v}
g: {x: 6, x: 7}
h: {<<: *nothing, x: 8}
";
    let yaml = parse(file(text.as_bytes())).tree;
    assert_eq!(entries(&yaml, &["b"]), ["y=2@37", "z=2@43", "x=1@10"]);
    assert_eq!(entries(&yaml, &["c"]), ["z=3@53", "w=3@73", "y=2@37", "x=1@10"]);
    assert_eq!(entries(&yaml, &["d"]), ["y=2@37", "z=2@43", "x=1@10"]);
    assert_eq!(entries(&yaml, &["e"]), ["<<=…@106", "x=4@113"]);
    assert_eq!(entries(&yaml, &["f"]), ["x=5@128"]);
    assert_eq!(entries(&yaml, &["g"]), ["x=7@153"]);
    assert_eq!(entries(&yaml, &["h"]), ["x=8@177"]);
    let root = yaml.root().unwrap();
    assert!(root.get("<<").is_none() && root.path(&["b", "<<"]).is_none());
}

#[test]
fn what_is_null_and_what_is_true() {
    let yaml = parse(file(b"[~, null, '', 'null', true, 'true', yes, on, False]")).tree;
    let items: Vec<_> = yaml.root().unwrap().items().map(|v| (v.is_null(), v.bool())).collect();
    let none = (false, None);
    assert_eq!(
        items[..9],
        [
            (true, None),
            (true, None),
            none,
            none,
            (false, Some(true)),
            none,
            none,
            none,
            (false, Some(false)),
        ]
    );
}

/// How many nodes a walk through all aliases meets, at most `limit`.
fn walk(value: Value<'_>, left: &mut usize, depth: usize) {
    assert!(depth <= plimsoll_syntax::MAX_DEPTH + 1, "deeper than any recursion has to go");
    *left = left.checked_sub(1).expect("more nodes than aliases may stand for");
    for item in value.items() {
        walk(item, left, depth + 1);
    }
    for (key, value) in value.pairs() {
        walk(key, left, depth + 1);
        walk(value, left, depth + 1);
    }
}

#[test]
fn bombs_and_depth_end_at_once() {
    let laughs = |open: &str, close: &str, item: &str| {
        let mut text = String::from("a0: &a0 {x: y}\n");
        for level in 1..40 {
            let items: Vec<_> = (0..9)
                .map(|i| {
                    item.replace('#', &i.to_string()).replace('@', &format!("*a{}", level - 1))
                })
                .collect();
            text += &format!("a{level}: &a{level} {open}{}{close}\n", items.join(", "));
        }
        text
    };
    let chain: String = (1..100_000)
        .fold("- &a0 [x]\n".into(), |text, i| text + &format!("- &a{i} [*a{}]\n", i - 1));
    let merges: String = (1..50_000)
        .fold("k0: &k0 {x: 1}\n".into(), |t, i| t + &format!("k{i}: &k{i} {{<<: *k{}}}\n", i - 1));
    let texts = [
        laughs("[", "]", "@"),
        laughs("{", "}", "k#: @"),
        laughs("{<<: [", "]}", "@"),
        chain,
        merges,
        "[".repeat(100_000),
        "{".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        "[{a: ".repeat(100_000),
        "- [".repeat(100_000),
        (0..1000).map(|i| format!("{}a:\n", " ".repeat(i))).collect(),
        "&a ".repeat(100_000),
        "!a ".repeat(100_000),
        "a: ".repeat(100_000),
        "\"".repeat(100_001),
        "a: 'x\n".repeat(20_000),
        "a: |\n".repeat(20_000),
        "a: b: c\n".repeat(20_000),
        "---\n".repeat(20_000),
        "--- }\n".repeat(20_000),
        "# c\n".repeat(100_000),
        "\n".repeat(100_000),
        "%\n".repeat(20_000),
        "a: |\n  x\n\n".repeat(10_000) + &"\n".repeat(20_000),
        "- >\n  x\n   y\n\n".repeat(10_000),
        format!("a: |\n{}", "  x\n".repeat(100_000)),
        format!("a: \"{}\"", "\\x41".repeat(100_000)),
        format!("a: x\n{}", "\n".repeat(100_000) + "  y"),
    ];
    for text in texts {
        let start = text.chars().take(30).collect::<String>();
        let parsed = parse(file(text.as_bytes()));
        let mut left = 1_000_000 + text.len() * 2;
        for root in parsed.tree.roots() {
            walk(root, &mut left, 1);
            for (_, value) in root.entries() {
                assert!(value.entries().len() <= 100, "of {start:?}");
            }
        }
    }
}

#[test]
fn a_text_nested_too_deep_is_an_error_at_its_place() {
    let parsed = parse(file(format!("a: {}\nb: c\n", "[".repeat(300)).as_bytes()));
    assert_eq!(parsed.errors.len(), 1);
    assert_eq!(parsed.errors[0].span.range.start, 3 + 256);
    assert_eq!(parsed.errors[0].message, "nested deeper than 256 levels");
    assert_eq!(parsed.tree.root().unwrap().get("b").unwrap().text(), Some("c"));
}

/// What holds for any text: ranges lie in their parents, contents equal their derived texts, and
/// a character that claims to be a copy is one.
fn sound(text: &[u8]) {
    fn node(value: Value<'_>, within: TextRange, text: &[u8]) {
        let range = value.raw().range;
        assert!(within.start <= range.start && range.end <= within.end, "{range:?} in {within:?}");
        if value.is_alias() {
            return;
        }
        value.items().for_each(|item| node(item, range, text));
        for (key, value) in value.pairs() {
            node(key, range, text);
            node(value, range, text);
        }
        let Some(content) = value.text() else { return };
        let derived = value.derived();
        assert_eq!(
            String::from_utf8_lossy(derived.text()).replace('\u{FFFD}', "?"),
            content.replace('\u{FFFD}', "?")
        );
        for at in 0..derived.text().len() {
            let from = derived.span(TextRange::of(at, at + 1)).range;
            assert!(
                range.start <= from.start && from.end as usize <= text.len(),
                "{from:?} of {range:?}"
            );
        }
    }
    let parsed = parse(file(text));
    let whole = TextRange::of(0, text.len());
    parsed.tree.roots().for_each(|root| node(root, whole, text));
    for range in parsed.tree.comments {
        assert_eq!(range.slice(text).first(), Some(&b'#'));
    }
    for error in &parsed.errors {
        assert!(error.span.range.end as usize <= text.len());
    }
    assert!(parsed.tree.lost.is_empty() || parsed.errors.iter().any(|error| error.fatal));
}

const COMPOSE: &str = "\
# a service
x-env: &env
  NODE_ENV: production # as built
  LIST: [a, 'b', \"c\\n\", {d: e}]
services:
  web: &web !reset
    <<: *env
    command: >-
      node
        server.js
    entrypoint: |
      #!/bin/sh
      exec \"$@\"

    ? long
    : - x
      -
  plain: one
    two
---
é: \"\\u00e9\\\n  x\"
...
";

#[test]
fn every_truncation_is_read() {
    let crlf = COMPOSE.replace('\n', "\r\n");
    for text in [COMPOSE, &crlf] {
        for end in 0..=text.len() {
            sound(&text.as_bytes()[..end]);
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_are_read_as_question_marks() {
    let parsed = parse(file(b"a: \xFFb\nc: \"\xC3\"\nd: |\n  x\xF0\x9F\n"));
    assert_eq!(dump_lossy(&parsed), ["a=?b", "c=?", "d=x??\n"]);
    assert_eq!((parsed.errors.len(), parsed.errors[0].span.range), (1, TextRange::new(3, 4)));
}

fn dump_lossy(parsed: &Parsed<Yaml>) -> Vec<String> {
    let entries = parsed.tree.root().unwrap().entries();
    entries.iter().map(|(k, v)| format!("{}={}", k.text().unwrap(), v.text().unwrap())).collect()
}

/// Lines without what ends a document or cannot stand in one.
fn lines() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(r#"[a-c]([ a-c:#'"\\é-]{0,6}[a-cé])?|"#, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(tokens in proptest::collection::vec(proptest::sample::select(vec![
        "a", "b: ", "- ", "? ", ": ", "\n", "\n  ", "\n    ", "\r\n", "\t", "[", "]", "{", "}", ", ", "'", "\"",
        "\\", "\\x41", "|", ">-", "|2+", "&x ", "*x", "!t ", "# c", "---\n", "...\n", "%TAG ! x\n", "é", "<<: ",
    ]), 0..40)) {
        sound(tokens.concat().as_bytes());
    }

    #[test]
    fn any_bytes_are_read(text in proptest::collection::vec(any::<u8>(), 0..60)) {
        sound(&text);
    }

    #[test]
    fn a_literal_block_is_a_copy_of_its_lines(lines in lines(), crlf in any::<bool>(), indent in 1_usize..5) {
        let first = format!("x{}", lines.join("\n"));
        let end = if crlf { "\r\n" } else { "\n" };
        let body: String = first.lines().map(|line| {
            if line.is_empty() { end.into() } else { format!("{}{line}{end}", " ".repeat(indent)) }
        }).collect();
        let text = format!("k:\n  - |+{end}{}", body.lines().map(|l| format!("  {l}{end}")).collect::<String>());
        let parsed = parse(file(text.as_bytes()));
        prop_assert!(parsed.errors.is_empty(), "{:?} of {text:?}", parsed.errors);
        let value = parsed.tree.root().unwrap().get("k").unwrap().items().next().unwrap();
        let content = value.text().unwrap();
        prop_assert_eq!(content.trim_end_matches('\n'), first.trim_end_matches('\n'));
        let derived = value.derived();
        for (at, byte) in content.bytes().enumerate() {
            let from = derived.span(TextRange::of(at, at + 1)).range;
            prop_assert_eq!(from.slice(text.as_bytes()), [byte]);
        }
    }

    #[test]
    fn a_quoted_text_is_what_was_quoted(content in "[a-c '\"\\\\\n\té]{0,12}", double in any::<bool>()) {
        let (quoted, content) = if double {
            (format!("\"{}\"", content.escape_default()).replace("\\'", "'").replace("\\u{e9}", "\\xe9"), content)
        } else {
            let content = content.replace(['\n', '\t'], "_");
            (format!("'{}'", content.replace('\'', "''")), content)
        };
        let text = format!("[{quoted}]");
        let parsed = parse(file(text.as_bytes()));
        prop_assert!(parsed.errors.is_empty(), "{:?} of {text:?}", parsed.errors);
        let value = parsed.tree.root().unwrap().items().next().unwrap();
        prop_assert_eq!(value.text(), Some(content.as_str()));
        let derived = value.derived();
        for (at, char) in content.char_indices() {
            let from = derived.span(TextRange::of(at, at + char.len_utf8())).range;
            let written = String::from_utf8_lossy(from.slice(text.as_bytes()));
            let same = written.chars().eq([char]);
            prop_assert!(same || written.starts_with(['\\', '\'']), "{written:?} for {char:?}");
        }
    }
}
