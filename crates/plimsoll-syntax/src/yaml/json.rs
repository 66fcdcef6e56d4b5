//! JSON, read at the speed of its lockfiles: one pass, no recursion, strings not copied.

use plimsoll_source::TextRange;

use super::Style;
use super::build::{Builder, Built, Stop, Trouble};
use super::content;
use super::events::as_utf8;

/// Reads a JSON text.
pub(super) fn read(text: &[u8]) -> Built {
    let (source, bad) = as_utf8(text);
    // The standard leaves a name that stands twice to the reader, and all take the last.
    let builder = Builder::new(text, false);
    let mut reader = Reader { source: &source, bytes: source.as_bytes(), at: 0, builder };
    if let Some(range) = bad {
        reader.builder.error(range, "not UTF-8");
    }
    if let Err(stop) = reader.run() {
        let end = text.len();
        let at = stop.at.min(end);
        let range = TextRange::of(at, (at + 1).min(end));
        reader.builder.built.errors.push(Trouble { range, message: stop.message, fatal: true });
        let lost = reader.builder.abandon(at, end, false);
        reader.builder.built.lost.push(TextRange::of(lost, end));
    }
    reader.builder.finish()
}

struct Reader<'s> {
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
    builder: Builder<'s>,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Expect {
    /// A value; `close` when the sequence may end instead.
    Value { close: bool },
    /// A key or the end of the mapping.
    Key,
    /// `,` or the end of the collection.
    Comma,
    /// Nothing.
    End,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        if self.source.starts_with('\u{FEFF}') {
            self.at = '\u{FEFF}'.len_utf8();
            self.relax(0, self.at);
        }
        let mut expect = Expect::Value { close: false };
        // The comma that a closing bracket would make a trailing one.
        let mut comma = None;
        loop {
            self.blank()?;
            let at = self.at;
            let byte = self.bytes.get(at).copied();
            expect = match (expect, byte) {
                (Expect::End, None) => return Ok(()),
                (_, None) => return Err(self.stop("the text ends too early")),
                (Expect::Comma, Some(b',')) => {
                    self.at += 1;
                    comma = Some(at);
                    if self.builder.in_map() == Some(true) {
                        Expect::Key
                    } else {
                        Expect::Value { close: true }
                    }
                }
                (Expect::Comma | Expect::Value { close: true }, Some(b']'))
                    if self.builder.in_map() == Some(false) =>
                {
                    self.close(comma.take())
                }
                (Expect::Comma | Expect::Key, Some(b'}'))
                    if self.builder.in_map() == Some(true) =>
                {
                    self.close(comma.take())
                }
                (Expect::Key, Some(b'"')) => {
                    comma = None;
                    self.string()?;
                    self.blank()?;
                    if self.bytes.get(self.at) != Some(&b':') {
                        return Err(self.stop("expected `:`"));
                    }
                    self.at += 1;
                    Expect::Value { close: false }
                }
                (Expect::Key, _) => {
                    return Err(self.stop("expected a name in double quotes or `}`"));
                }
                (Expect::Value { .. }, Some(byte)) => {
                    comma = None;
                    self.value(byte)?
                }
                (Expect::Comma, _) => return Err(self.stop("expected `,` or the closing bracket")),
                (Expect::End, _) => return Err(self.stop("nothing may follow the value")),
            };
        }
    }

    fn stop(&self, message: &str) -> Stop {
        Stop { at: self.at, message: message.into() }
    }

    fn relax(&mut self, start: usize, end: usize) {
        self.builder.built.relaxed.get_or_insert(TextRange::of(start, end));
    }

    fn close(&mut self, trailing: Option<usize>) -> Expect {
        if let Some(comma) = trailing {
            self.relax(comma, comma + 1);
        }
        self.at += 1;
        self.builder.close(Some(TextRange::of(self.at, self.at).end));
        self.after()
    }

    fn after(&self) -> Expect {
        if self.builder.depth() == 0 { Expect::End } else { Expect::Comma }
    }

    fn value(&mut self, byte: u8) -> Result<Expect, Stop> {
        match byte {
            b'{' | b'[' => {
                self.builder.open(TextRange::of(self.at, 0).start, byte == b'{', true)?;
                self.at += 1;
                return Ok(if byte == b'{' { Expect::Key } else { Expect::Value { close: true } });
            }
            b'"' => self.string()?,
            _ => self.word()?,
        }
        Ok(self.after())
    }

    /// Reads a string, with its quotes.
    fn string(&mut self) -> Result<(), Stop> {
        let start = self.at;
        let mut at = start + 1;
        let mut escaped = false;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    if !matches!(
                        self.bytes.get(at + 1),
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')
                    ) && !is_unicode_escape(&self.bytes[at..])
                    {
                        let end = (at + 2).min(self.bytes.len());
                        self.builder.error(TextRange::of(at, end), "not an escape that JSON has");
                    }
                    at += 2;
                }
                None | Some(b'\n' | b'\r') => {
                    return Err(self.stop("a string without its closing quote"));
                }
                Some(byte) if *byte < b' ' => {
                    self.builder
                        .error(TextRange::of(at, at + 1), "a control character in a string");
                    at += 1;
                }
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        let range = TextRange::of(start, self.at);
        if escaped || self.builder.original(range) != range.slice(self.bytes) {
            let content = content::json_string(self.source, range);
            self.builder.decoded(range, Style::Double, content).map(drop)
        } else {
            self.builder.verbatim(range, Style::Double).map(drop)
        }
    }

    /// Reads a number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<(), Stop> {
        let rest = &self.bytes[self.at..];
        let ends =
            |b: &u8| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'_' | b'$'));
        let len = rest.iter().position(ends).unwrap_or(rest.len());
        if len == 0 {
            return Err(self.stop("expected a value"));
        }
        let range = TextRange::of(self.at, self.at + len);
        if !matches!(&rest[..len], b"true" | b"false" | b"null") && !is_number(&rest[..len]) {
            self.builder.error(range, "neither a number nor `true`, `false`, `null`");
        }
        self.at += len;
        self.builder.verbatim(range, Style::Plain).map(drop)
    }

    /// Skips blanks and comments.
    fn blank(&mut self) -> Result<(), Stop> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') => {
                    let start = self.at;
                    let rest = &self.bytes[start..];
                    let len = match rest.get(1) {
                        Some(b'/') => memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
                        Some(b'*') => match memchr::memmem::find(&rest[2..], b"*/") {
                            Some(end) => end + 4,
                            None => return Err(self.stop("a comment without its end")),
                        },
                        _ => return Err(self.stop("expected a value")),
                    };
                    let cr = usize::from(rest[1] == b'/' && rest[..len].ends_with(b"\r"));
                    self.at += len;
                    self.builder.built.comments.push(TextRange::of(start, self.at - cr));
                    self.relax(start, self.at - cr);
                }
                _ => return Ok(()),
            }
        }
    }
}

fn is_unicode_escape(escape: &[u8]) -> bool {
    escape.get(1) == Some(&b'u')
        && escape.get(2..6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
}

/// Whether a word is a number as JSON writes them.
fn is_number(word: &[u8]) -> bool {
    fn digits(word: &[u8]) -> usize {
        word.iter().take_while(|b| b.is_ascii_digit()).count()
    }
    let mut rest = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            all => all,
        };
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}
