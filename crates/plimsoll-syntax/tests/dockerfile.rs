//! Dockerfiles: the builder's own vectors, and how each part of a file is read.

mod support;

use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::dockerfile::{Instruction, Keyword, parse};
use proptest::prelude::*;

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
            parts.extend((!inner.is_empty()).then_some(inner));
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

/// What stands in the file at a span.
fn at(text: &str, span: Span) -> String {
    String::from_utf8_lossy(span.range.slice(text.as_bytes())).into_owned()
}

fn dump(text: &str, instruction: &Instruction, indent: &str, out: &mut Vec<String>) {
    out.push(format!("{indent}{}", s_expression(instruction)));
    for heredoc in &instruction.heredocs {
        let mark = at(text, heredoc.span);
        let fd = heredoc.fd.map(|fd| format!(" fd {fd}")).unwrap_or_default();
        let tabs = if heredoc.strip_tabs { " tabs" } else { "" };
        let expand = if heredoc.expand { "" } else { " quoted" };
        let body = quoted(&String::from_utf8_lossy(heredoc.body.text()));
        out.push(format!("{indent}  {mark} is {}{fd}{tabs}{expand} {body}", heredoc.name));
    }
    if let Some(inner) = &instruction.inner {
        dump(text, inner, &format!("{indent}  "), out);
    }
}

/// A file's directives; its instructions with their here-documents and inner instructions; its
/// comments; its errors with the text that they stand at.
#[track_caller]
fn check(text: &str, expected: &str) {
    let parsed = parse(&file(text.as_bytes()));
    let mut out = Vec::new();
    for directive in &parsed.tree.directives {
        out.push(format!("directive {} {}", directive.name, directive.value));
    }
    for instruction in &parsed.tree.instructions {
        dump(text, instruction, "", &mut out);
    }
    out.extend(parsed.tree.comments.iter().map(|span| format!("comment {}", at(text, *span))));
    for error in &parsed.errors {
        out.push(format!("error at {}: {}", at(text, error.span), error.message));
    }
    assert_eq!(out.join("\n"), expected.trim());
}

#[test]
fn the_escape_character_may_be_a_backtick() {
    check(
        "# escape=`\nFROM a\nCOPY x `  \n y C:\\\nRUN dir C:\\\nRUN a `` \nENV a=b` c=d\\\n",
        r#"
directive escape `
(from "a")
(copy "x" "y" "C:\\")
(run "dir C:\\")
(run "a ``")
(env "a" "b` c=d\\" "=")
"#,
    );
}

#[test]
fn directives_stand_at_the_very_top() {
    check(
        "# syntax=docker/dockerfile:1\n#check = skip=all\n# Escape = ?\n#escape=`\n\
         # x=y\n# escape=`\nFROM a\\\nb",
        r#"
directive syntax docker/dockerfile:1
directive check skip=all
directive escape ?
directive escape `
(from "ab")
comment # x=y
comment # escape=`
error at # Escape = ?: the escape character cannot be `?`
error at #escape=`: a second `escape` directive
"#,
    );
}

#[test]
fn byte_order_mark_and_crlf_belong_to_no_word() {
    check(
        "\u{FEFF}# syntax=x\r\nfrom a AS b\r\n\r\nRUN a \\\r\n  b \\ \r\n# c\r\n\r\n  d\r\n\
         RUN cat <<E\r\nx\r\nE\r\nUSER u\r\n",
        r#"
directive syntax x
(from "a" "AS" "b")
(run "a   b   d")
(run "cat <<E")
  <<E is E "x\r\n"
(user "u")
comment # c
"#,
    );
}

#[test]
fn comments_and_blank_lines_may_stand_in_a_continuation() {
    let text = "FROM a\nRUN b \\\n  # c \\\n\n \t\n&& d # e\n#f";
    check(
        text,
        r#"
(from "a")
(run "b && d # e")
comment # c \
comment #f
"#,
    );
    assert_eq!(parse(&file(text.as_bytes())).tree.blank_continuations.len(), 2);
}

#[test]
fn here_documents_follow_the_instruction() {
    check(
        "FROM a\nRUN <<EOF\n# not a comment \\\necho $x\nEOF\n\
         RUN python <<-'P Y' 3<<\"B\" && cat <<\\C\n\t\tp\n\tP Y\nb\nB\nEOF\nC\n\
         COPY --chown=1 <<a <<b /x/\n1\na\n2\nb\nENV x=<<E\n\
         RUN cat <<  EOF >x && cat <<\t'A B'\nEOF\ny\nA B\n",
        r##"
(from "a")
(run "<<EOF")
  <<EOF is EOF "# not a comment \\\necho $x\n"
(run "python <<-'P Y' 3<<\"B\" && cat <<\\C")
  <<-'P Y' is P Y tabs quoted "p\n"
  3<<"B" is B fd 3 quoted "b\n"
  <<\C is C "EOF\n"
(copy ["--chown=1"] "<<a" "<<b" "/x/")
  <<a is a "1\n"
  <<b is b "2\n"
(env "x" "<<E" "=")
(run "cat <<  EOF >x && cat <<\t'A B'")
  <<  EOF is EOF ""
  <<	'A B' is A B quoted "y\n"
"##,
    );
}

#[test]
fn what_only_looks_like_a_here_document_is_none() {
    check(
        "FROM a\nRUN echo '<<E' \"<<E\" a<<E \\<<E $((1 << 2)) $((a << b)) <<<x <<\"\"\n\
         RUN [\"a\", \"<<E\"]\nRUN it's <<E\nCMD <<E\nUSER b",
        r#"
(from "a")
(run "echo '<<E' \"<<E\" a<<E \\<<E $((1 << 2)) $((a << b)) <<<x <<\"\"")
(run "a" "<<E")
(run "it's <<E")
(cmd "<<E")
(user "b")
"#,
    );
}

#[test]
fn an_unterminated_here_document_goes_to_the_end() {
    check(
        "FROM a\nRUN cat <<A <<B\nx\nUSER y",
        r#"
(from "a")
(run "cat <<A <<B")
  <<A is A "x\nUSER y"
  <<B is B ""
error at <<A: unterminated here-document `A`
error at <<B: unterminated here-document `B`
"#,
    );
}

#[test]
fn onbuild_holds_an_instruction() {
    check(
        "FROM a\nONBUILD run --mount=type=cache,target=/x [\"a\"]\nONBUILD RUN <<E\nx\nE\n\
         ONBUILD HEALTHCHECK CMD a\nONBUILD ONBUILD RUN a\nONBUILD\nONBUILD from x",
        r#"
(from "a")
(onbuild (run ["--mount=type=cache,target=/x"] "a"))
  (run ["--mount=type=cache,target=/x"] "a")
(onbuild (run "<<E"))
  (run "<<E")
    <<E is E "x\n"
(onbuild (healthcheck "CMD" "a"))
  (healthcheck "CMD" "a")
    (cmd "a")
(onbuild (onbuild))
  (onbuild)
(onbuild)
(onbuild (from))
  (from)
error at ONBUILD: ONBUILD cannot hold `ONBUILD`
error at ONBUILD: an argument is needed
error at from: ONBUILD cannot hold `from`
"#,
    );
}

#[test]
fn a_health_check_holds_its_command() {
    check(
        "FROM a\nHEALTHCHECK --interval=5s \\\n --retries=3 cmd curl -f x\n\
         HEALTHCHECK CMD [\"a\", \"b\"]\nHEALTHCHECK NONE\nHEALTHCHECK none x\n\
         HEALTHCHECK CMD []\nHEALTHCHECK curl x\nHEALTHCHECK",
        r#"
(from "a")
(healthcheck ["--interval=5s" "--retries=3"] "cmd" "curl -f x")
  (cmd "curl -f x")
(healthcheck "CMD" "a" "b")
  (cmd "a" "b")
(healthcheck "NONE")
(healthcheck "none" "x")
(healthcheck "CMD")
  (cmd)
(healthcheck "curl" "x")
(healthcheck)
error at x: HEALTHCHECK NONE takes no argument
error at CMD: HEALTHCHECK CMD needs a command
error at curl: HEALTHCHECK takes CMD or NONE, not `curl`
error at HEALTHCHECK: an argument is needed
"#,
    );
}

#[test]
fn the_json_form_is_json_and_nothing_else() {
    check(
        r#"FROM a
CMD ["\u00e9\ud83d\ude00\ud83d", "é"]
CMD ["a",]
CMD ["a" "b"]
CMD ["a"] x
CMD ["\x"]
CMD ["	"]
CMD [1, -2.5e3, null, [{"a": []}, {}], "b"]
CMD [01]
SHELL ["sh", "-c"]
SHELL sh -c
VOLUME []
COPY ["a b","c"]
ENTRYPOINT"#,
        r#"
(from "a")
(cmd "é😀�" "é")
(cmd "[\"a\",]")
(cmd "[\"a\" \"b\"]")
(cmd "[\"a\"] x")
(cmd "[\"\\x\"]")
(cmd "[\"\t\"]")
(cmd "b")
(cmd "[01]")
(shell "sh" "-c")
(shell "sh -c")
(volume)
(copy "a b" "c")
(entrypoint)
error at 1: only strings may stand in the JSON form
error at SHELL: SHELL needs a JSON array of strings
error at VOLUME: an argument is needed
"#,
    );
}

#[test]
fn pairs_have_names_and_values() {
    check(
        "ARG a b=c d=\nFROM x\nENV A=1 B=\"2 3\" C=4\\ 5 D='6\\' \\\n  E=\nENV F G = H\n\
         LABEL \"a b\"=c\nENV =1\nENV I=1 J\nENV K\nARG\nLABEL",
        r#"
(arg "a" "b=c" "d=")
(from "x")
(env "A" "1" "=" "B" "\"2 3\"" "=" "C" "4\\ 5" "=" "D" "'6\\'" "=" "E" "" "=")
(env "F" "G = H" "")
(label "\"a b\"" "c" "=")
(env "" "1" "=")
(env "I" "1" "=")
(env)
(arg)
(label)
error at =1: a name is missing before `=`
error at J: `J` has no `=`
error at K: `K` needs a value
error at ARG: an argument is needed
error at LABEL: an argument is needed
"#,
    );
}

#[test]
fn an_empty_value_stands_behind_its_equals_sign() {
    for text in ["ARG a=\\\n", "ARG a=\\\n b", "ENV a=\\\n\u{A0}", "LABEL a=\\\n\u{2003}b=c"] {
        check_invariants(text.as_bytes());
        let parsed = parse(&file(text.as_bytes()));
        let value = parsed.tree.instructions[0].pairs[0].value.as_ref().expect("a value");
        let equals = u32::try_from(text.find('=').expect("one")).expect("a short text");
        assert_eq!(value.span.range, TextRange::new(equals + 1, equals + 1), "{text:?}");
    }
}

#[test]
fn flags_stand_before_the_arguments() {
    check(
        "FROM --platform=$P a as b\n\
         RUN --mount=type=secret,\"id=x y\" --mount=a\\ b --network c --d\n\
         COPY --from=a -- --b c\nRUN -x --y",
        r#"
(from ["--platform=$P"] "a" "as" "b")
(run ["--mount=type=secret,id=x y" "--mount=a b" "--network"] "c --d")
(copy ["--from=a"] "--b" "c")
(run "-x --y")
"#,
    );
}

#[test]
fn what_is_wrong_is_told_and_read_on() {
    check(
        "FROM\nFROM a b\nFROM a is b\nRUNN x\nCOPY a\nRUN\nUSER \\\n\nCMD x\nWORKDIR a b",
        r#"
(from)
(from "a" "b")
(from "a" "is" "b")
(unknown)
(copy "a")
(run)
(user "CMD x")
(workdir "a b")
error at FROM: FROM needs an image
error at FROM: FROM takes an image, or an image, AS and a name
error at FROM: FROM takes an image, or an image, AS and a name
error at RUNN: unknown instruction `RUNN`
error at COPY: a source and a destination are needed
error at RUN: RUN needs a command
"#,
    );
}

#[test]
fn spans_are_exact() {
    let text = "FROM a\n  RUN --x=1 foo \\\n  bar <<E\nbody\nE\nENV a=\"b \\\n c\"";
    let tree = parse(&file(text.as_bytes())).tree;
    let run = &tree.instructions[1];
    assert_eq!(at(text, run.span), "RUN --x=1 foo \\\n  bar <<E\nbody\nE");
    assert_eq!(at(text, run.keyword_span), "RUN");
    assert_eq!(at(text, run.flags[0].span), "--x=1");
    assert_eq!(at(text, run.args.whole()), "foo \\\n  bar <<E");
    assert_eq!(at(text, run.args.span(TextRange::new(2, 9))), "o \\\n  bar");
    assert_eq!(at(text, run.heredocs[0].body.whole()), "body\n");
    let pair = &tree.instructions[2].pairs[0];
    assert_eq!(at(text, pair.span), "a=\"b \\\n c\"");
    assert_eq!(pair.value.as_ref().map(|v| v.text.as_str()), Some("\"b  c\""));
}

#[test]
fn bytes_that_are_not_utf8_break_nothing() {
    let text = b"FROM a\xFF\nENV a\xFE=\xFD\nRUN \xFF<<E <<F\n\xFF\nF\nCMD [\"\xFF\"]\n\xFF x\n";
    let parsed = parse(&file(text));
    let dump: Vec<String> = parsed.tree.instructions.iter().map(s_expression).collect();
    let expected = [
        r#"(from "a�")"#,
        r#"(env "a�" "�" "=")"#,
        r#"(run "�<<E <<F")"#,
        r#"(cmd "�")"#,
        "(unknown)",
    ];
    assert_eq!(dump, expected);
    assert_eq!(parsed.tree.instructions[2].heredocs[0].body.text(), b"\xFF\n");
}

#[test]
fn hostile_files_end_soon() {
    let parts = [
        "ONBUILD ",
        "RUN <<A ",
        "\\\n",
        "RUN a \\\n#\n",
        "A=b \\\n",
        "[",
        "{\"a\":",
        "${a:-",
        "RUN <<A\nA\n",
    ];
    for part in parts {
        for start in ["", "RUN <<E ", "CMD [", "ONBUILD RUN ", "ENV a=\""] {
            check_invariants(format!("{start}{}", part.repeat(2000)).as_bytes());
        }
    }
}

/// What holds of every tree, whatever the text.
fn check_invariants(text: &[u8]) {
    let parsed = parse(&file(text));
    let mut end = 0;
    for instruction in &parsed.tree.instructions {
        let range = instruction.span.range;
        assert!(end <= range.start && range.end as usize <= text.len(), "{range:?} after {end}");
        end = range.end;
        check_instruction(text, instruction);
    }
    for comments in parsed.tree.comments.windows(2) {
        assert!(comments[0].range.end < comments[1].range.start);
    }
    for comment in &parsed.tree.comments {
        assert_eq!(text[comment.range.start as usize], b'#');
    }
    assert!(parsed.errors.is_sorted_by_key(|e| e.span.range.start));
    assert!(parsed.errors.iter().all(|e| e.span.range.end as usize <= text.len()));
}

/// Spans lie within their instruction, in order; arguments and bodies are what their origins say.
fn check_instruction(text: &[u8], instruction: &Instruction) {
    let whole = instruction.span.range;
    let keyword = std::iter::once(instruction.keyword_span);
    let flags = instruction.flags.iter().map(|f| f.span);
    let words = instruction.words.iter().map(|w| w.span);
    let mut last = whole.start;
    for span in keyword.chain(flags).chain(words) {
        assert!(last <= span.range.start && span.range.end <= whole.end, "{span:?} in {whole:?}");
        last = span.range.end;
    }
    for pair in &instruction.pairs {
        let value = pair.value.as_ref().unwrap_or(&pair.key).span.range;
        assert_eq!(pair.span.range, pair.key.span.range.cover(value));
    }
    let bodies = instruction.heredocs.iter().map(|heredoc| &heredoc.body);
    for derived in std::iter::once(&instruction.args).chain(bodies) {
        let len = u32::try_from(derived.text().len()).expect("a short text");
        let origin = |at| derived.span(TextRange::new(at, at + 1)).range.slice(text);
        let copied: Vec<u8> = (0..len).flat_map(origin).copied().collect();
        assert_eq!(copied, derived.text());
    }
    if let Some(inner) = &instruction.inner {
        assert!(whole.start <= inner.span.range.start && inner.span.range.end <= whole.end);
        check_instruction(text, inner);
    }
}

const PARTS: [&str; 38] = [
    "FROM a",
    "RUN ",
    "COPY ",
    "ENV ",
    "ARG ",
    "CMD ",
    "ONBUILD ",
    "HEALTHCHECK ",
    "LABEL ",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\\\n",
    "\\",
    "`",
    " ",
    "\t",
    "#",
    "# escape=`\n",
    "<<E",
    "<<-'E'",
    "\nE\n",
    "E",
    "[\"a\"",
    "]",
    ",",
    "\"",
    "'",
    "--a=b ",
    "k=v ",
    "=",
    "$x",
    "${x:-",
    "}",
    "é",
    "\u{A0}",
    "\u{2003}",
];

proptest! {
    #[test]
    fn any_bytes_make_a_tree(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        check_invariants(&text);
    }

    #[test]
    fn any_parts_make_a_tree(parts in proptest::collection::vec(0..PARTS.len(), 0..30)) {
        let text: String = parts.into_iter().map(|part| PARTS[part]).collect();
        check_invariants(text.as_bytes());
    }
}

#[test]
fn every_truncation_of_a_text_makes_a_tree() {
    let text = r#"# escape=\
# é
ARG V="1 2"
FROM --platform=$P a:$V AS b
RUN --mount=type=cache \
  # c

 a && cat <<-'E' <<F \
 | b
	x
	E
y
F
ONBUILD COPY --from=b <<G /é
G
HEALTHCHECK --retries=3 CMD ["\u00e9", "b"]
ENV a=b\ c 'd e'=f
ENV g h
CMD ["a", {"b": [1]}]
"#;
    for end in 0..=text.len() {
        check_invariants(&text.as_bytes()[..end]);
    }
    for case in support::cases("dockerfile/buildkit/parser") {
        let text = case["dockerfile_text"].as_str().expect("a text").as_bytes();
        for end in (0..text.len().min(700)).step_by(3) {
            check_invariants(&text[..end]);
        }
    }
}
