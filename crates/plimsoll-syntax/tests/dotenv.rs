//! `.env` files: text in, entries out.

use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::dotenv::parse;
use proptest::prelude::*;

fn file(text: &[u8]) -> Derived {
    Derived::verbatim(text.to_vec(), Span::new(FileId(0), TextRange::of(0, text.len())))
}

/// `NAME@start..end=value@start..end`, with `'` before a value in which `$` stays, `NAME@…` for a
/// bare name, then the errors.
fn dump(text: &[u8]) -> Vec<String> {
    let parsed = parse(&file(text));
    let at = |span: Span| format!("{}..{}", span.range.start, span.range.end);
    let entries = parsed.tree.entries.iter().map(|entry| {
        let name = format!("{}@{}", entry.name, at(entry.name_span));
        let quote = if entry.expand { "" } else { "'" };
        match &entry.value {
            Some(value) => {
                format!("{name}={quote}{}@{}", value.escape_debug(), at(entry.value_span))
            }
            None => name,
        }
    });
    entries.chain(parsed.errors.iter().map(|e| format!("{} {}", at(e.span), e.message))).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(dump(text.as_bytes()), expected, "of {text:?}");
}

#[test]
fn statements() {
    check("", &[]);
    check("\u{FEFF}A=1", &["A@3..4=1@5..6"]);
    check(
        "# c\n\n  export  A.b-c[0] = x y  \r\nB: z\nC\nD=",
        &["A.b-c[0]@15..23=x y@26..29", "B@33..34=z@36..37", "C@38..39", "D@40..41=@42..42"],
    );
    check("export\nexported=1\n", &["export@0..6", "exported@7..15=1@16..17"]);
    check("A=1\nA=2\n", &["A@0..1=1@2..3", "A@4..5=2@6..7"]);
}

#[test]
fn unquoted_values_end_at_a_comment_after_a_blank() {
    check(
        "A=a#b #c\nB=#x\nC=a b\t\nD=$A${B:-c}\\n\n",
        &[
            "A@0..1=a#b@2..5",
            "B@9..10=#x@11..13",
            "C@14..15=a b@16..19",
            "D@21..22=$A${B:-c}\\\\n@23..34",
        ],
    );
}

#[test]
fn quoted_values() {
    check(r#"A="a\n\"\\ \$x $y \q" # c"#, &[r#"A@0..1=a\n\"\\ $$x $y \\q@2..21"#]);
    check(r"A='a\n \' $x' ", &[r"A@0..1='a\\n \' $x@2..13"]);
    check("K=\"-----\r\nx\n\"\nB=1", &["K@0..1=-----\\nx\\n@2..13", "B@14..15=1@16..17"]);
    check("A=\"\"\nB=''", &["A@0..1=@2..4", "B@5..6='@7..9"]);
}

#[test]
fn a_bad_line_is_an_error_and_the_next_is_read() {
    check(
        "=x\nA B=1\nA+=2\nC=3\n",
        &[
            "C@14..15=3@16..17",
            "0..2 a value without a name",
            "3..8 a name cannot contain a blank",
            "9..13 not a name",
        ],
    );
    check("A=\"x\nB=1\n", &["B@5..6=1@7..8", "2..4 a value without its closing quote"]);
    check(
        "A='x'y z\nB=1\n",
        &["A@0..1='x@2..5", "B@9..10=1@11..12", "5..8 text after the closing quote"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(text in proptest::collection::vec(prop_oneof![
        any::<u8>(),
        proptest::sample::select(b"A=:\"'\\ \n\r#$export".to_vec()),
    ], 0..80)) {
        let parsed = parse(&file(&text));
        for entry in &parsed.tree.entries {
            let name = String::from_utf8_lossy(entry.name_span.range.slice(&text));
            prop_assert_eq!(entry.name.as_str(), name);
            prop_assert!(entry.value_span.range.end as usize <= text.len());
        }
    }
}
