//! `.env` files, as `docker compose` reads them.
//!
//! Rules, from Docker's documentation of the syntax and the behaviour of compose's loader:
//! `NAME=value` or `NAME: value`, `export` before it allowed; a bare `NAME` takes its value from
//! the environment; ` #` starts a comment in an unquoted value; single quotes keep everything but
//! `\'`, double quotes know escapes; a quoted value may go over several lines.

use plimsoll_source::{Derived, Span, TextRange};

use crate::{Parsed, SyntaxError};

/// A parsed `.env` file.
#[derive(Clone, Debug, Default)]
pub struct Dotenv {
    /// The entries in order; the last of a name wins.
    pub entries: Vec<Entry>,
}

/// `NAME=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// The value, quotes removed and escapes resolved; variables are left as written, and where
    /// they are to be expanded, a literal dollar is `$$` (that is what `\$` becomes).
    /// `None` for a bare `NAME`.
    pub value: Option<String>,
    /// Where the value stands, quotes included (the name's place for a bare name).
    pub value_span: Span,
    /// Whether `$` in it is expanded (not within single quotes).
    pub expand: bool,
}

/// Parses a `.env` file. A line that compose refuses is an error, and reading goes on after it.
#[must_use]
pub fn parse(text: &Derived) -> Parsed<Dotenv> {
    let bytes = text.text();
    let mut reader = Reader { text, bytes, at: 0, errors: Vec::new() };
    if bytes.starts_with("\u{FEFF}".as_bytes()) {
        reader.at = '\u{FEFF}'.len_utf8();
    }
    let mut entries = Vec::new();
    while let Some(start) = reader.statement() {
        match reader.entry() {
            Ok(entry) => entries.push(entry),
            Err((from, message)) => {
                let end = line_end(bytes, from.max(start));
                let stop = start + bytes[start..end].trim_ascii_end().len();
                let span = text.span(TextRange::of(from.min(stop), stop));
                reader.errors.push(SyntaxError { span, message: message.into(), fatal: false });
                reader.at = end;
            }
        }
    }
    Parsed { tree: Dotenv { entries }, errors: reader.errors }
}

struct Reader<'a> {
    text: &'a Derived,
    bytes: &'a [u8],
    at: usize,
    errors: Vec<SyntaxError>,
}

/// What is wrong with a statement, from which offset to the end of its line.
type Refused = (usize, &'static str);

impl Reader<'_> {
    /// Goes to the next statement; its offset.
    fn statement(&mut self) -> Option<usize> {
        loop {
            match self.bytes.get(self.at)? {
                b'#' => self.at = line_end(self.bytes, self.at),
                byte if *byte == b'\n' || is_blank(*byte) => self.at += 1,
                _ => return Some(self.at),
            }
        }
    }

    fn blanks(&mut self) {
        self.at += self.bytes[self.at..].iter().take_while(|b| is_blank(**b)).count();
    }

    fn entry(&mut self) -> Result<Entry, Refused> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"export") && rest.get(6).is_some_and(|b| is_blank(*b)) {
            self.at += 6;
            self.blanks();
        }
        let start = self.at;
        let rest = &self.bytes[start..];
        let len = rest.iter().position(|b| matches!(b, b'=' | b':' | b'\n')).unwrap_or(rest.len());
        let name = rest[..len].trim_ascii_end();
        if name.is_empty() {
            return Err((start, "a value without a name"));
        }
        if let Some(bad) = name.iter().position(|b| !is_name(*b)) {
            let message =
                if is_blank(name[bad]) { "a name cannot contain a blank" } else { "not a name" };
            return Err((start, message));
        }
        let name_span = self.text.span(TextRange::of(start, start + name.len()));
        let name = String::from_utf8_lossy(name).into_owned();
        self.at = start + len;
        if !matches!(self.bytes.get(self.at), Some(b'=' | b':')) {
            return Ok(Entry {
                name,
                name_span,
                value: None,
                value_span: name_span,
                expand: false,
            });
        }
        self.at += 1;
        self.blanks();
        let from = self.at;
        let (value, expand) = match self.bytes.get(from) {
            Some(quote @ (b'"' | b'\'')) => (self.quoted(*quote)?, *quote == b'"'),
            _ => (self.unquoted(), true),
        };
        let value_span = self.text.span(TextRange::of(from, self.at));
        self.after_value();
        Ok(Entry { name, name_span, value: Some(value), value_span, expand })
    }

    fn unquoted(&mut self) -> String {
        let line = &self.bytes[self.at..line_end(self.bytes, self.at)];
        let value =
            line[..memchr::memmem::find(line, b" #").unwrap_or(line.len())].trim_ascii_end();
        self.at += value.len();
        String::from_utf8_lossy(value).into_owned()
    }

    fn quoted(&mut self, quote: u8) -> Result<String, Refused> {
        let start = self.at;
        let mut value = Vec::new();
        let mut at = start + 1;
        loop {
            match self.bytes.get(at) {
                None => return Err((start, "a value without its closing quote")),
                Some(byte) if *byte == quote => break,
                Some(b'\\') => at += escape(&self.bytes[at..], quote, &mut value),
                Some(b'\r') if self.bytes.get(at + 1) == Some(&b'\n') => at += 1,
                Some(byte) => {
                    value.push(*byte);
                    at += 1;
                }
            }
        }
        self.at = at + 1;
        Ok(String::from_utf8_lossy(&value).into_owned())
    }

    /// What follows a value: nothing or a comment. (After a quoted value compose takes the rest of
    /// the line for another statement, which hardly anyone means.)
    fn after_value(&mut self) {
        let end = line_end(self.bytes, self.at);
        let rest = self.bytes[self.at..end].trim_ascii_end();
        if !matches!(rest.trim_ascii_start().first(), None | Some(b'#')) {
            let span = self.text.span(TextRange::of(self.at, self.at + rest.len()));
            self.errors.push(SyntaxError {
                span,
                message: "text after the closing quote".into(),
                fatal: false,
            });
        }
        self.at = end;
    }
}

/// Appends what the escape at the start of `rest` stands for; how many bytes it is long.
fn escape(rest: &[u8], quote: u8, value: &mut Vec<u8>) -> usize {
    let Some(&next) = rest.get(1) else {
        value.push(b'\\');
        return 1;
    };
    if next == quote {
        value.push(quote);
        return 2;
    }
    if quote == b'"' {
        let plain = match next {
            b'a' => 0x07,
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0B,
            b'\\' => b'\\',
            b'$' => {
                value.extend(b"$$");
                return 2;
            }
            _ => {
                value.push(b'\\');
                return 1;
            }
        };
        value.push(plain);
        return 2;
    }
    // In single quotes a backslash stands for itself, and hides the character after it from the
    // search for the closing quote.
    value.extend(&rest[..2]);
    2
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |len| from + len)
}

/// A blank that does not end a line.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0B | 0x0C)
}

/// Letters of other scripts are allowed, so every byte of theirs is.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'_' | b'.' | b'-' | b'[' | b']')
}
