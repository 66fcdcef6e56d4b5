//! Literals in a JavaScript or TypeScript configuration, found by its tokens alone.
//!
//! No program is run or resolved: a value that is not a string (or `path.join(__dirname, 'a', …)`)
//! is computed, and so unknown.

use plimsoll_source::{FileId, Span, TextRange};

use crate::fact::{Fact, Why};
use crate::path;

/// Environments of one configuration.
const MAX_GROUPS: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Name(String),
    Text(String),
    /// A template with `${}`, or anything else that has a value only when it runs.
    Computed,
    Mark(u8),
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    range: TextRange,
}

impl Token {
    fn is(&self, mark: u8) -> bool {
        self.kind == Kind::Mark(mark)
    }

    /// A property's key: a name or a string.
    fn key(&self) -> Option<&str> {
        match &self.kind {
            Kind::Name(key) | Kind::Text(key) => Some(key),
            _ => None,
        }
    }
}

/// The tokens of a source; comments are left out.
fn tokens(source: &str) -> Vec<Token> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let from = at;
        let rest = bytes.get(at..).unwrap_or_default();
        let kind = match byte {
            b if b.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'/' if rest.starts_with(b"//") => {
                at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                continue;
            }
            b'/' if rest.starts_with(b"/*") => {
                let body = rest.get(2..).unwrap_or_default();
                at += memchr::memmem::find(body, b"*/").map_or(rest.len(), |end| end + 4);
                continue;
            }
            b'\'' | b'"' | b'`' => {
                let (text, end) = text(source, at, byte);
                at = end;
                text.map_or(Kind::Computed, Kind::Text)
            }
            b if b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$') || b >= 0x80 => {
                let more =
                    |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$') || *b >= 0x80;
                at += rest.iter().take_while(|b| more(b)).count();
                Kind::Name(source.get(from..at).unwrap_or_default().to_owned())
            }
            b => {
                at += 1;
                Kind::Mark(b)
            }
        };
        found.push(Token { kind, range: TextRange::of(from, at) });
    }
    found
}

/// A string that starts at `at`, and where it ends; `None` where it is computed.
fn text(source: &str, at: usize, quote: u8) -> (Option<String>, usize) {
    let bytes = source.as_bytes();
    let mut end = at + 1;
    let mut plain = true;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'\\' => {
                plain = false;
                end += 1;
            }
            b'$' if quote == b'`' && bytes.get(end + 1) == Some(&b'{') => plain = false,
            b'\n' if quote != b'`' => break,
            b if b == quote => {
                let inner = source.get(at + 1..end).map(str::to_owned);
                return (inner.filter(|_| plain), end + 1);
            }
            _ => {}
        }
        end += 1;
    }
    (None, end.min(bytes.len()))
}

/// A member of an object that a source writes out.
pub(in crate::lower) struct Member<'t> {
    /// The keys above it, the nearest last, `""` for an object or list without one; four at most.
    pub(in crate::lower) above: Vec<&'t str>,
    /// Its key.
    pub(in crate::lower) key: &'t str,
    /// The key's place.
    pub(in crate::lower) range: TextRange,
    /// Its value where that is one word: a string, or a name or number as written.
    pub(in crate::lower) value: Option<&'t str>,
    /// Whether that is a string.
    pub(in crate::lower) quoted: bool,
}

/// What [`members`] reads.
pub(in crate::lower) struct Source(Vec<Token>);

impl Source {
    /// The tokens of a source.
    pub(in crate::lower) fn new(source: &str) -> Self {
        Self(tokens(source))
    }

    /// The members of its objects, in order; those nested deeper than 256 are left out.
    pub(in crate::lower) fn members(&self) -> Vec<Member<'_>> {
        let mut found = Vec::new();
        let mut above: Vec<&str> = Vec::new();
        let at = |index: usize| self.0.get(index);
        for (index, token) in self.0.iter().enumerate() {
            let before = index.checked_sub(1).and_then(at);
            if token.is(b'{') || token.is(b'[') || token.is(b'(') {
                let named = before.filter(|before| before.is(b':'));
                let key = named.and_then(|_| at(index.checked_sub(2)?)?.key());
                above.push(key.unwrap_or_default());
            } else if token.is(b'}') || token.is(b']') || token.is(b')') {
                above.pop();
            } else if let Some(key) = token.key()
                && before.is_some_and(|before| before.is(b'{') || before.is(b','))
                && at(index + 1).is_some_and(|colon| colon.is(b':'))
                && above.len() <= plimsoll_syntax::MAX_DEPTH
            {
                let ends = |end: &Token| [b',', b'}', b']', b')'].iter().any(|&m| end.is(m));
                let alone = at(index + 3).is_none_or(ends);
                let value = at(index + 2).filter(|_| alone);
                found.push(Member {
                    above: above.iter().rev().take(4).rev().copied().collect(),
                    key,
                    range: token.range,
                    value: value.and_then(Token::key),
                    quoted: value.is_some_and(|value| matches!(value.kind, Kind::Text(_))),
                });
            }
        }
        found
    }
}

/// The directories that `group: { key: … }` names, relative to the root; `base` is what relative
/// ones start from, `default` the name of the directory where nothing says so.
pub(super) fn directory(
    source: &str,
    file: FileId,
    group: &str,
    key: &str,
    base: &str,
    default: &str,
) -> Fact<String> {
    let tokens = tokens(source);
    let span = |range| Span::new(file, range);
    let mut found: Vec<Fact<String>> = Vec::new();
    let mut grouped = false;
    for (index, token) in tokens.iter().enumerate() {
        let colon = tokens.get(index + 1).is_some_and(|next| next.is(b':'));
        if token.key() != Some(group) {
            continue;
        }
        if !colon {
            // `{ migrations }`, `config.migrations = …`: a value that stands elsewhere.
            let before = index.checked_sub(1).and_then(|before| tokens.get(before));
            let lone = before.is_some_and(|b| b.is(b'{') || b.is(b',') || b.is(b'.'));
            if lone && matches!(token.kind, Kind::Name(_)) {
                found.push(Fact::Unknown(Why::Dynamic, Some(span(token.range))));
            }
            continue;
        }
        grouped = true;
        if found.len() >= MAX_GROUPS {
            return Fact::Unknown(Why::TooLarge, Some(span(token.range)));
        }
        if !tokens.get(index + 2).is_some_and(|open| open.is(b'{')) {
            found.push(Fact::Unknown(Why::Dynamic, Some(span(token.range))));
            continue;
        }
        found.push(
            member(&tokens, index + 3, key, file, base).unwrap_or_else(|| {
                path::join(base, default).map_or(Fact::Absent, Fact::default_of)
            }),
        );
    }
    let mut values = found.iter().filter_map(Fact::known);
    let value = values.next();
    let same = values.all(|other| Some(other) == value);
    if let Some(unknown) = found.iter().find(|fact| fact.unknown().is_some()) {
        return unknown.clone();
    }
    match found.first() {
        Some(first) if same => first.clone(),
        Some(first) => Fact::Unknown(Why::Conflicting, first.span()),
        // What another module says is not read.
        None if !grouped && takes_from_elsewhere(&tokens) => {
            Fact::Unknown(Why::Unsupported, Some(span(TextRange::new(0, 0))))
        }
        None => path::join(base, default).map_or(Fact::Absent, Fact::default_of),
    }
}

/// The member `key` of the object whose first token is at `from`; spread objects may hold it, too.
fn member(
    tokens: &[Token],
    from: usize,
    key: &str,
    file: FileId,
    base: &str,
) -> Option<Fact<String>> {
    let mut depth = 0_usize;
    let mut spread = None;
    for (index, token) in tokens.iter().enumerate().skip(from) {
        match token.kind {
            Kind::Mark(b'{' | b'[' | b'(') => depth += 1,
            Kind::Mark(b'}' | b']' | b')') if depth == 0 => break,
            Kind::Mark(b'}' | b']' | b')') => depth -= 1,
            Kind::Mark(b'.') if depth == 0 && tokens.get(index + 1).is_some_and(|t| t.is(b'.')) => {
                spread = Some(token.range);
            }
            _ if depth == 0 && token.key() == Some(key) => {
                return match tokens.get(index + 1) {
                    Some(colon) if colon.is(b':') => Some(read(tokens, index + 2, file, base)),
                    _ => Some(Fact::Unknown(Why::Dynamic, Some(Span::new(file, token.range)))),
                };
            }
            _ => {}
        }
    }
    spread.map(|range| Fact::Unknown(Why::Dynamic, Some(Span::new(file, range))))
}

/// The value of the first property `key`, wherever it stands, relative to the root.
pub(super) fn value(source: &str, file: FileId, key: &str, base: &str) -> Option<Fact<String>> {
    let tokens = tokens(source);
    let at = tokens.windows(2).position(|pair| match pair {
        [name, colon] => name.key() == Some(key) && colon.is(b':'),
        _ => false,
    })?;
    Some(read(&tokens, at + 2, file, base))
}

/// A path written as a string, as a list of one, or as `path.join(__dirname, …)`.
fn read(tokens: &[Token], at: usize, file: FileId, base: &str) -> Fact<String> {
    let mut at = at;
    let mut parts: Vec<&str> = Vec::new();
    let list = tokens.get(at).is_some_and(|t| t.is(b'['));
    if list {
        at += 1;
    }
    let first = tokens.get(at).map_or(TextRange::new(0, 0), |token| token.range);
    let span = |end: TextRange| Span::new(file, first.cover(end));
    let unknown = Fact::Unknown(Why::Dynamic, Some(Span::new(file, first)));
    // `path.join(`, `resolve(`, with or without the module's name.
    let mut call = at;
    while tokens.get(call).is_some_and(|t| matches!(t.kind, Kind::Name(_)) || t.is(b'.')) {
        call += 1;
    }
    let last = call.checked_sub(1).and_then(|last| tokens.get(last)).and_then(Token::key);
    let joins =
        matches!(last, Some("join" | "resolve")) && tokens.get(call).is_some_and(|t| t.is(b'('));
    let mut index = if joins { call + 1 } else { at };
    let mut end = first;
    while let Some(token) = tokens.get(index) {
        match &token.kind {
            Kind::Text(text) => {
                parts.push(text);
                end = token.range;
            }
            Kind::Name(name) if name == "__dirname" && parts.is_empty() => {}
            Kind::Mark(b',') if joins => {}
            Kind::Mark(b'+') if !joins => {}
            Kind::Mark(b')') if joins => {
                end = token.range;
                break;
            }
            Kind::Mark(b',' | b'}' | b']' | b';') if !joins => break,
            _ => return unknown,
        }
        index += 1;
    }
    let after = tokens.get(index + usize::from(joins));
    if list {
        let several = after.is_some_and(|t| t.is(b','))
            && tokens.get(index + usize::from(joins) + 1).is_some_and(|t| !t.is(b']'));
        if several {
            return Fact::Unknown(Why::Unsupported, Some(span(end)));
        }
    }
    if parts.is_empty() {
        return unknown;
    }
    let text = parts.join(if joins { "/" } else { "" });
    let concatenated = !joins
        && text.starts_with('/')
        && tokens.get(at).is_some_and(|t| t.key() == Some("__dirname"));
    let text = if concatenated { text.trim_start_matches('/') } else { &text };
    match path::join(base, text) {
        Some(found) => Fact::declared(found, span(end)),
        None => Fact::Unknown(Why::OutOfTree, Some(span(end))),
    }
}

/// Whether a module imports from, or spreads, what stands in another file of the repository.
fn takes_from_elsewhere(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| matches!(&token.kind, Kind::Text(text) if text.starts_with('.')))
}
