//! Caddyfiles and nginx configurations: text in, directives out.

use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::directives::{DirectiveId, Directives};
use plimsoll_syntax::{Parsed, caddyfile, nginx};
use proptest::prelude::*;

fn file(text: &[u8]) -> Derived {
    Derived::verbatim(text.to_vec(), Span::new(FileId(0), TextRange::of(0, text.len())))
}

/// A line a directive, indented by depth: its words (`'quoted'`), `{` before a block; then errors.
fn dump(text: &str, parsed: &Parsed<Directives>) -> String {
    let mut out = Vec::new();
    let mut left: Vec<(usize, DirectiveId)> =
        parsed.tree.roots.iter().rev().map(|id| (0, *id)).collect();
    while let Some((depth, id)) = left.pop() {
        let directive = &parsed.tree[id];
        let words = directive.words.iter().map(|word| match word.quoted {
            true => format!("'{}'", word.text),
            false => word.text.clone(),
        });
        let mut words: Vec<String> = words.collect();
        if directive.block.is_some() {
            words.push("{".to_owned());
        }
        out.push(format!("{}{}", "  ".repeat(depth), words.join(" ")));
        left.extend(directive.block.iter().flatten().rev().map(|id| (depth + 1, *id)));
    }
    for error in &parsed.errors {
        let at = String::from_utf8_lossy(error.span.range.slice(text.as_bytes())).into_owned();
        out.push(format!("! {} at {at:?}", error.message));
    }
    out.join("\n")
}

#[track_caller]
fn caddy(text: &str, expected: &[&str]) {
    assert_eq!(dump(text, &caddyfile::parse(&file(text.as_bytes()))), expected.join("\n"));
}

#[track_caller]
fn nginx(text: &str, expected: &[&str]) {
    assert_eq!(dump(text, &nginx::parse(&file(text.as_bytes()))), expected.join("\n"));
}

#[test]
fn sites_snippets_and_options() {
    caddy(
        "{\n  admin off # no\n}\n(snip) {\n\timport {args[0]}\n}\na.com,\nb.com {\n  @x path /a /b#c\n  \
         header \"X Y\" `a\\` \\\n    more\n  respond {$TEXT:hi} 200\r\n}\n",
        &[
            "{",
            "  admin off",
            "(snip) {",
            "  import {args[0]}",
            "a.com, b.com {",
            "  @x path /a /b#c",
            "  header 'X Y' 'a\\' more",
            "  respond {$TEXT:hi} 200",
        ],
    );
}

#[test]
fn one_site_without_braces_and_a_here_document() {
    caddy(
        "example.com\nrespond <<HTML\n  <b>{\n  HTML 200\nfile_server\n",
        &["example.com", "respond '  <b>{\n' 200", "file_server"],
    );
}

#[test]
fn broken_caddyfiles_keep_what_can_be_read() {
    caddy(
        "}\na {\n  b \"c\n  d\n",
        &[
            "a {",
            "  b 'c'",
            "  d",
            "! a `}` that closes nothing at \"}\"",
            "! a block without its closing `}` at \"a\"",
            "! a quote that is not closed at \"\\\"c\"",
        ],
    );
}

#[test]
fn placeholders_are_variables_of_the_environment() {
    let parsed = caddyfile::parse(&file(b"a {$A:x}{env.B} {path} {$C.d} {env.E:f} {$G"));
    let found: Vec<String> = parsed.tree[parsed.tree.roots[0]]
        .words
        .iter()
        .flat_map(caddyfile::placeholders)
        .map(|p| format!("{}={}", p.name, p.default.unwrap_or("-".to_owned())))
        .collect();
    assert_eq!(found, ["A=x", "B=-"]);
}

#[test]
fn blocks_quotes_and_variables_of_nginx() {
    nginx(
        "http { # c\n  server{listen 80;\n location ~ ^/a\\;b {return 301 \"https://$host{}\";}\n \
         set $x a${b}c;}\n  map $a $b { default 'x;y'; }\n  content_by_lua_block { if x then { } -- }\n \
         end }\n}",
        &[
            "http {",
            "  server {",
            "    listen 80",
            "    location ~ ^/a\\;b {",
            "      return 301 'https://$host{}'",
            "    set $x a${b}c",
            "  map $a $b {",
            "    default 'x;y'",
            "  content_by_lua_block {",
        ],
    );
}

#[test]
fn broken_configurations_keep_what_can_be_read() {
    nginx(
        "a { b }; c",
        &[
            "a {",
            "  b",
            "c",
            "! a directive without its `;` at \"b\"",
            "! a `;` that ends nothing at \";\"",
            "! a directive without its `;` at \"c\"",
        ],
    );
}

#[test]
fn deep_nesting_is_flattened() {
    let text = "a {\n".repeat(100_000);
    for parsed in [caddyfile::parse(&file(text.as_bytes())), nginx::parse(&file(text.as_bytes()))] {
        assert_eq!(parsed.tree.all.len(), 100_000);
        assert!(parsed.errors.iter().any(|e| e.message.contains("deeply")));
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in "[ \\n\\t{}\"'`;#\\\\$a<-]{0,200}") {
        let len = text.len();
        for parsed in [caddyfile::parse(&file(text.as_bytes())), nginx::parse(&file(text.as_bytes()))] {
            for directive in &parsed.tree.all {
                prop_assert!(directive.whole.range.end as usize <= len);
                prop_assert!(directive.head.range.start >= directive.whole.range.start);
            }
        }
    }
}
