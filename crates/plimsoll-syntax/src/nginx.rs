//! nginx configurations as a tree of directives.
//!
//! Source of the rules: nginx's beginner's guide, «Configuration file's structure», and its own
//! error messages: a simple directive ends with `;`, a block directive has `{ … }`; quotes count at
//! a word's start, a backslash takes the next character, `${` belongs to its word, `#` at a word's
//! start begins a comment; what stands in a `…_by_lua_block` is a program.

use plimsoll_source::Derived;

use crate::Parsed;
use crate::directives::{Builder, Directives, line_end};

/// Parses an nginx configuration, or a file that one includes.
#[must_use]
pub fn parse(text: &Derived) -> Parsed<Directives> {
    let bytes = text.text();
    let mut builder = Builder::new(text);
    let mut at = if bytes.starts_with("\u{FEFF}".as_bytes()) { '\u{FEFF}'.len_utf8() } else { 0 };
    while let Some(&byte) = bytes.get(at) {
        match byte {
            _ if byte.is_ascii_whitespace() => at += 1,
            b'#' => at = line_end(bytes, at),
            b';' => {
                if builder.words.is_empty() {
                    builder.error(at, at + 1, "a `;` that ends nothing");
                }
                builder.end_directive();
                at += 1;
            }
            b'{' => {
                let lua =
                    builder.words.first().is_some_and(|word| word.text.ends_with("_by_lua_block"));
                if builder.words.is_empty() {
                    builder.error(at, at + 1, "a block without a name");
                }
                builder.open_block(at);
                at = if lua { skip_program(bytes, at + 1) } else { at + 1 };
            }
            b'}' => {
                if let Some(last) = builder.words.last() {
                    let (from, message) = (last.span, "a directive without its `;`");
                    builder.errors.push(crate::SyntaxError {
                        span: from,
                        message: message.to_owned(),
                        fatal: false,
                    });
                }
                at += 1;
                builder.close_block(at);
            }
            b'"' | b'\'' => at = builder.quoted(bytes, at, true),
            _ => at = word(&mut builder, bytes, at),
        }
    }
    if let Some(last) = builder.words.last() {
        let span = last.span;
        let message = "a directive without its `;`".to_owned();
        builder.errors.push(crate::SyntaxError { span, message, fatal: false });
    }
    let (tree, errors) = builder.finish(bytes.len());
    Parsed { tree, errors }
}

fn word(builder: &mut Builder<'_>, bytes: &[u8], start: usize) -> usize {
    let mut text = Vec::new();
    let (mut at, mut variable) = (start, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if bytes.get(at + 1).is_some() => {
                // A regular expression keeps its backslashes.
                text.push(byte);
                at += 1;
                text.push(bytes[at]);
            }
            b'{' if text.last() == Some(&b'$') => {
                variable = true;
                text.push(byte);
            }
            b'}' if variable => {
                variable = false;
                text.push(byte);
            }
            b';' | b'{' | b'}' => break,
            _ if byte.is_ascii_whitespace() => break,
            _ => text.push(byte),
        }
        at += 1;
    }
    builder.word(start, at, &text, false);
    at
}

/// The offset of the brace that ends a program in another language.
fn skip_program(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return at,
            b'}' => depth -= 1,
            b'-' if bytes.get(at + 1) == Some(&b'-') => at = line_end(bytes, at).saturating_sub(1),
            b'"' | b'\'' => {
                let line = line_end(bytes, at);
                let end = memchr::memchr(byte, &bytes[at + 1..line.max(at + 1)]);
                at += end.map_or(0, |len| len + 1);
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
