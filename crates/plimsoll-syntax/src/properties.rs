//! Java's `.properties` files: a key, a sign, and the rest of the line.
//!
//! Rules, from Java's documentation of `Properties.load`: `=`, `:` or blanks end the key; `#` and
//! `!` begin a comment; a line that ends with an odd number of backslashes goes on in the next; a
//! backslash takes a sign's meaning away. A comment of `---` ends a document, as Spring Boot has it.

use plimsoll_source::TextRange;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// What it is set to; nothing where it has escapes of more than a sign.
    pub value: Option<String>,
    /// Key and value.
    pub range: TextRange,
    /// In which document of the file, from 0 on.
    pub document: usize,
}

/// Reads the entries in order; of equal keys in a document the last holds.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Entry> {
    let (mut found, mut document, mut at) = (Vec::new(), 0, 0);
    while at < text.len() {
        let start = at + text[at..].iter().take_while(|byte| is_blank(**byte)).count();
        let first = text.get(start).copied();
        let mut end = line(text, start);
        if matches!(first, Some(b'#' | b'!')) {
            let says = text[start + 1..end].trim_ascii_end();
            document += usize::from(says == b"---" && start == at);
            at = end + 1;
            continue;
        }
        while goes_on(&text[start..end]) && end < text.len() {
            end = line(text, end + 1);
        }
        if !text[start..end].trim_ascii().is_empty() {
            found.extend(entry(text, start, end, document));
        }
        at = end + 1;
    }
    found
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0c)
}

/// Where the line of a byte ends.
fn line(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(text.len(), |len| from + len)
}

/// Whether a line ends with a backslash that is not itself escaped.
fn goes_on(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

fn entry(text: &[u8], start: usize, end: usize, document: usize) -> Option<Entry> {
    let end = start + text[start..end].trim_ascii_end().len();
    let raw = &text[start..end];
    let mut key = 0;
    while let Some(&byte) = raw.get(key) {
        match byte {
            b'\\' => key += 1,
            b'=' | b':' => break,
            byte if is_blank(byte) => break,
            _ => {}
        }
        key += 1;
    }
    let key = key.min(raw.len());
    let mut rest = raw[key..].trim_ascii_start();
    if let [b'=' | b':', behind @ ..] = rest {
        rest = behind.trim_ascii_start();
    }
    let range = TextRange::of(start, end);
    Some(Entry { key: plain(&raw[..key])?, value: plain(rest), range, document })
}

/// A text without its escapes and joined over lines.
fn plain(raw: &[u8]) -> Option<String> {
    let raw = std::str::from_utf8(raw).ok()?;
    let mut text = String::new();
    let mut chars = raw.chars().peekable();
    while let Some(one) = chars.next() {
        if one != '\\' {
            text.push(one);
            continue;
        }
        match chars.next() {
            Some('\r' | '\n') => {
                while chars.next_if(|next| next.is_ascii_whitespace()).is_some() {}
            }
            Some('u' | 't' | 'n' | 'r' | 'f') => return None,
            Some(other) => text.push(other),
            None => {}
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_signs_lines_and_documents_are_told_apart() {
        let text = b"# c\na.b = 1 \nc:d=e\n f\\=g h\\\n   i\n\n#---\n! x\nk\nl=\\u0041\n";
        let show = |one: &Entry| format!("{} {} {:?}", one.document, one.key, one.value);
        assert_eq!(
            parse(text).iter().map(show).collect::<Vec<_>>(),
            [
                "0 a.b Some(\"1\")",
                "0 c Some(\"d=e\")",
                "0 f=g Some(\"hi\")",
                "1 k Some(\"\")",
                "1 l None"
            ]
        );
    }

    #[test]
    fn whatever_stands_there_is_read() {
        let text = b"a\\\r\n =\xff\\\n\\\\\n:\x0c=#---\n#---\n\\";
        for end in 0..=text.len() {
            assert!(parse(&text[..end]).iter().all(|one| one.range.end as usize <= end));
        }
    }
}
