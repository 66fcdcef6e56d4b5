//! Dockerfiles: the builder's own vectors, and how each part of a file is read.

mod support;

use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::dockerfile::{Instruction, Keyword, parse};

fn file(text: &[u8]) -> Derived {
    Derived::verbatim(text.to_vec(), Span::new(FileId(0), TextRange::of(0, text.len())))
}

/// An instruction in the notation of the builder's vectors.
fn s_expression(instruction: &Instruction) -> String {
    let keyword = format!("{:?}", instruction.keyword).to_lowercase();
    let mut parts = vec![keyword];
    if !instruction.flags.is_empty() {
        let flags = instruction.flags.iter().map(|f| match &f.value {
            Some(value) => quoted(&format!("--{}={value}", f.name)),
            None => quoted(&format!("--{}", f.name)),
        });
        parts.push(format!("[{}]", flags.collect::<Vec<_>>().join(" ")));
    }
    let args = String::from_utf8_lossy(instruction.args.text()).into_owned();
    match instruction.keyword {
        Keyword::Onbuild => {
            let inner = instruction.inner.as_deref().map(s_expression).unwrap_or_default();
            parts.push(inner);
        }
        Keyword::Env | Keyword::Label => {
            for pair in &instruction.pairs {
                parts.push(quoted(&pair.key.text));
                parts.push(quoted(pair.value.as_ref().map_or("", |v| &v.text)));
                parts.push(quoted(if pair.legacy { "" } else { "=" }));
            }
        }
        Keyword::Healthcheck => {
            let kind = instruction.words.first().map_or("", |w| &w.text);
            parts.extend((!kind.is_empty()).then(|| quoted(kind)));
            let rest = args[kind.len()..].trim().to_owned();
            match &instruction.inner {
                Some(inner) if inner.json => {
                    parts.extend(inner.words.iter().map(|w| quoted(&w.text)))
                }
                _ => parts.extend((!rest.is_empty()).then(|| quoted(&rest))),
            }
        }
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Shell if !instruction.json => {
            parts.extend((!args.is_empty()).then(|| quoted(&args)));
        }
        _ => parts.extend(instruction.words.iter().map(|w| quoted(&w.text))),
    }
    format!("({})", parts.join(" "))
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0C' => out.push_str("\\f"),
            '\0' => out.push_str("\\x00"),
            c => out.push(c),
        }
    }
    out + "\""
}

#[test]
fn the_builders_own_vectors_hold() {
    for case in support::cases("dockerfile/buildkit/parser") {
        let name = case["name"].as_str().expect("a name");
        let parsed = parse(&file(case["dockerfile_text"].as_str().expect("a text").as_bytes()));
        if case["expect"] == "fires" {
            assert!(!parsed.errors.is_empty(), "{name}: an error was expected");
            continue;
        }
        let dump: Vec<String> = parsed.tree.instructions.iter().map(s_expression).collect();
        let expected: Vec<&str> = case["ast"].as_str().expect("an ast").lines().collect();
        assert_eq!(dump, expected, "{name}");
        // Their parser leaves «HEALTHCHECK needs an argument» to a later step of the builder.
        assert!(parsed.errors.is_empty() || name == "health", "{name}: {:?}", parsed.errors);
    }
}
