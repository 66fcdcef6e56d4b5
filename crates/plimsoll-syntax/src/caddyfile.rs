//! Caddyfiles: sites, snippets, options and what they hold, as a tree of directives.
//!
//! Source of the rules: Caddy's documentation, «Caddyfile Concepts»: tokens end at blanks; `"` and
//! `` ` `` quote, over lines too; `<<MARK` begins a here-document; `#` at a token's start begins a
//! comment; a `{` at a line's end opens a block, a `}` closes it; a backslash joins lines; a list of
//! addresses goes on after a comma; `{$NAME:default}` is replaced before all that, `{env.NAME}` when
//! a request comes.

use plimsoll_source::Derived;

use crate::Parsed;
use crate::directives::{Builder, Directives, Word, line_end};

/// After so many here-documents without an end no further one is looked for: each look goes through
/// the rest of the text.
const MAX_ENDLESS: usize = 16;

/// Parses a Caddyfile, or a file that one imports.
#[must_use]
pub fn parse(text: &Derived) -> Parsed<Directives> {
    let bytes = text.text();
    let mut builder = Builder::new(text);
    let mut at = if bytes.starts_with("\u{FEFF}".as_bytes()) { '\u{FEFF}'.len_utf8() } else { 0 };
    let mut endless = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' => {
                let goes_on = builder.at_top()
                    && builder.words.last().is_some_and(|w| !w.quoted && w.text.ends_with(','));
                if !goes_on {
                    builder.end_directive();
                }
                at += 1;
            }
            b'\\' if starts_line(bytes, at + 1) => at = line_end(bytes, at) + 1,
            b' ' | b'\t' | b'\r' => at += 1,
            b'#' => at = line_end(bytes, at),
            b'"' => at = builder.quoted(bytes, at, true),
            b'`' => at = builder.quoted(bytes, at, false),
            b'<' if endless < MAX_ENDLESS
                && here_document(&mut builder, bytes, &mut at, &mut endless) => {}
            _ => {
                let end = token_end(bytes, at);
                match &bytes[at..end] {
                    b"{" => builder.open_block(at),
                    b"}" => builder.close_block(end),
                    token => builder.word(at, end, &unescaped(token), false),
                }
                at = end;
            }
        }
    }
    let (tree, errors) = builder.finish(bytes.len());
    Parsed { tree, errors }
}

/// A variable of the environment that a word asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// Its name.
    pub name: String,
    /// What stands for it where it is not set: `{$NAME:default}`.
    pub default: Option<String>,
}

/// The variables that a word asks for: `{$NAME}`, `{$NAME:default}`, `{env.NAME}`.
#[must_use]
pub fn placeholders(word: &Word) -> Vec<Placeholder> {
    let mut found = Vec::new();
    let mut rest = word.text.as_str();
    while let Some(start) = rest.find('{') {
        rest = &rest[start + 1..];
        let (inner, early) = match (rest.strip_prefix('$'), rest.strip_prefix("env.")) {
            (Some(inner), _) => (inner, true),
            (None, Some(inner)) => (inner, false),
            (None, None) => continue,
        };
        let Some(end) = inner.find('}') else { break };
        let (name, default) = match inner[..end].split_once(':') {
            Some((name, default)) if early => (name, Some(default.to_owned())),
            _ => (&inner[..end], None),
        };
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            found.push(Placeholder { name: name.to_owned(), default });
        }
        rest = &inner[end..];
    }
    found
}

/// Whether only blanks stand between here and the line's end.
fn starts_line(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    matches!(rest, [b'\n', ..] | [b'\r', b'\n', ..])
}

fn token_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let len = rest.iter().position(|b| b.is_ascii_whitespace());
    len.map_or(bytes.len(), |len| at + len.max(1))
}

fn unescaped(token: &[u8]) -> Vec<u8> {
    match token {
        [b'\\', rest @ ..] if matches!(rest.first(), Some(b'{' | b'}' | b'"' | b'#')) => {
            rest.to_vec()
        }
        token => token.to_vec(),
    }
}

/// Reads a here-document, if one starts here.
fn here_document(
    builder: &mut Builder<'_>,
    bytes: &[u8],
    at: &mut usize,
    endless: &mut usize,
) -> bool {
    let start = *at;
    let line = line_end(bytes, start);
    let Some(mark) = bytes[start..line].strip_prefix(b"<<") else { return false };
    let mark = mark.trim_ascii_end();
    if mark.is_empty()
        || !mark.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    {
        return false;
    }
    let mut from = line + 1;
    while from <= bytes.len() {
        let end = line_end(bytes, from);
        let text = bytes.get(from..end).unwrap_or_default().trim_ascii();
        if text == mark || text.strip_prefix(mark).is_some_and(|rest| rest.starts_with(b" ")) {
            let body = bytes.get(line + 1..from).unwrap_or_default();
            let indent = bytes[from..end].len() - bytes[from..end].trim_ascii_start().len();
            let stop = from + indent + mark.len();
            builder.word(start, stop, body, true);
            *at = stop;
            return true;
        }
        from = end + 1;
    }
    *endless += 1;
    builder.error(start, line, "a here-document that does not end");
    builder.word(start, line, &bytes[start..line], false);
    *at = line;
    true
}
