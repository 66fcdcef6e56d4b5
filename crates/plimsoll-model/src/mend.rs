//! Facts back into files: «let this be so here», as edits that leave the rest as it was.
//!
//! A fact is written where it would be read: comments, order, quoting, indentation and line ends
//! stay. What cannot be written without guessing (a value that an anchor shares, a RUN that is a
//! here-document) is `None`, never half an edit.

pub mod dockerfile;
pub mod ignore;
pub mod json;
pub mod outside;
pub mod proxy;
pub mod shell;
pub mod yaml;

use plimsoll_source::{Edit, FileId, Span, TextRange, Tree};

/// A value to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A scalar as its format writes it, quotes included: `true`, `"1.0"`, `30s`.
    Scalar(String),
    /// A sequence of scalars.
    List(Vec<String>),
    /// A mapping, in order.
    Map(Vec<(String, Data)>),
}

impl Data {
    /// A scalar.
    #[must_use]
    pub fn scalar(text: impl Into<String>) -> Self {
        Self::Scalar(text.into())
    }

    /// A sequence.
    #[must_use]
    pub fn list(items: &[&str]) -> Self {
        Self::List(items.iter().map(|item| (*item).to_owned()).collect())
    }

    /// A mapping with one key.
    #[must_use]
    pub fn map(key: &str, value: Self) -> Self {
        Self::Map(vec![(key.to_owned(), value)])
    }
}

/// Puts a text in the place of another.
#[must_use]
pub fn replace(span: Span, text: impl Into<Vec<u8>>) -> Edit {
    Edit { span, insert: text.into() }
}

/// Puts a text behind a place.
#[must_use]
pub fn after(span: Span, text: impl Into<Vec<u8>>) -> Edit {
    let end = span.range.end;
    replace(Span::new(span.file, TextRange::new(end, end)), text)
}

/// The line end that a text uses: that of its first line.
#[must_use]
pub fn line_end(text: &[u8]) -> &'static str {
    match memchr::memchr(b'\n', text) {
        Some(at) if at > 0 && text.get(at - 1) == Some(&b'\r') => "\r\n",
        _ => "\n",
    }
}

/// A file whose text is to be changed.
#[derive(Debug)]
struct Text {
    file: FileId,
    bytes: std::sync::Arc<[u8]>,
}

impl Text {
    fn of(tree: &Tree, file: FileId) -> Option<Self> {
        let bytes = tree.read(file).ok()?;
        Some(Self { file, bytes })
    }

    fn eol(&self) -> &'static str {
        line_end(&self.bytes)
    }

    /// Where the line of an offset starts.
    fn line_start(&self, at: u32) -> u32 {
        let before = self.bytes.get(..at as usize).unwrap_or(&self.bytes);
        memchr::memrchr(b'\n', before).map_or(0, |i| offset(i + 1))
    }

    /// Where the line of an offset ends, its line end left out.
    fn line_stop(&self, at: u32) -> u32 {
        let rest = self.bytes.get(at as usize..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).map_or(self.bytes.len(), |i| at as usize + i);
        let carriage = end > at as usize && self.bytes.get(end - 1) == Some(&b'\r');
        offset(end - usize::from(carriage))
    }

    /// Where the line after the one of an offset starts; `None` for the last line without an end.
    fn next_line(&self, at: u32) -> Option<u32> {
        let rest = self.bytes.get(at as usize..).unwrap_or_default();
        memchr::memchr(b'\n', rest).map(|i| offset(at as usize + i + 1))
    }

    fn slice(&self, start: u32, end: u32) -> &[u8] {
        TextRange::new(start, end).slice(&self.bytes)
    }

    /// The blanks that the line of an offset begins with.
    fn indent(&self, at: u32) -> String {
        let start = self.line_start(at);
        let line = self.slice(start, self.line_stop(at));
        let blanks = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        String::from_utf8_lossy(line.get(..blanks).unwrap_or_default()).into_owned()
    }

    fn insert(&self, at: u32, text: impl Into<Vec<u8>>) -> Edit {
        replace(Span::new(self.file, TextRange::new(at, at)), text)
    }

    /// Whole lines behind the line of an offset, in this text's line ends.
    fn lines_after(&self, at: u32, lines: &[String]) -> Edit {
        let eol = self.eol();
        match self.next_line(at) {
            Some(next) => self.insert(next, whole(lines, eol)),
            // The last line has no end, and gets none now.
            None => {
                let text: String = lines.iter().map(|line| format!("{eol}{line}")).collect();
                self.insert(offset(self.bytes.len()), text)
            }
        }
    }
}

fn whole(lines: &[String], eol: &str) -> String {
    lines.iter().map(|line| format!("{line}{eol}")).collect()
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use plimsoll_source::Patch;

    /// What a file holds after edits.
    #[track_caller]
    pub(crate) fn edited(tree: &Tree, edits: Option<Vec<Edit>>) -> Option<String> {
        let patch = Patch { edits: edits?, ..Patch::default() };
        let tree = tree.apply(&patch).expect("the edits apply");
        let bytes = tree.read(FileId(0)).expect("in memory");
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    #[test]
    fn line_ends_are_those_of_the_file() {
        assert_eq!(
            [line_end(b"a\r\nb\n"), line_end(b"a\nb\r\n"), line_end(b"a")],
            ["\r\n", "\n", "\n"]
        );
    }
}
