//! From byte offsets to lines and columns, as a reader counts them.

/// A position as people write it: both 1-based, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineCol {
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters (a byte that is not UTF-8 counts as one).
    pub column: u32,
}

/// Where the lines of one text start.
///
/// Lines end at LF; a CR before it belongs to the line end, a lone CR does not end a line
/// (as git, Docker and every editor's «LF» mode count).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
    len: u32,
}

impl LineIndex {
    /// Indexes `text`.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(
            memchr::memchr_iter(b'\n', text).map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX)),
        );
        Self { starts, len: u32::try_from(text.len()).unwrap_or(u32::MAX) }
    }

    /// The 1-based line on which `offset` lies.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        let index = self.starts.partition_point(|&start| start <= offset.min(self.len));
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// The position of `offset` in `text`, the text that was indexed; inside a character, that of the
    /// character. Takes time linear in the column.
    #[must_use]
    pub fn line_col(&self, text: &[u8], offset: u32) -> LineCol {
        let offset = offset.min(self.len);
        let line = self.line(offset);
        let start = self.starts[line as usize - 1] as usize;
        // A character that `offset` lies in ends at most three bytes further on.
        let around =
            &text[start.min(text.len())..(offset as usize).saturating_add(3).min(text.len())];
        let before = characters(around, offset as usize - start);
        LineCol { line, column: u32::try_from(before + 1).unwrap_or(u32::MAX) }
    }

    /// The byte range of a 1-based line without its line end; `None` past the last line.
    #[must_use]
    pub fn line_range(&self, text: &[u8], line: u32) -> Option<crate::TextRange> {
        let index = (line as usize).checked_sub(1)?;
        let start = *self.starts.get(index)?;
        let Some(next) = self.starts.get(index + 1) else {
            return Some(crate::TextRange::new(start, self.len));
        };
        let mut end = next - 1;
        if end > start && text.get(end as usize - 1) == Some(&b'\r') {
            end -= 1;
        }
        Some(crate::TextRange::new(start, end))
    }

    /// How many lines there are; a text that ends in LF has an empty last one.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }
}

/// How many characters end at or before `offset`; a byte that is not UTF-8 counts as one.
fn characters(text: &[u8], offset: usize) -> usize {
    let (mut at, mut count) = (0, 0);
    for chunk in text.utf8_chunks() {
        let (valid, invalid) = (chunk.valid(), chunk.invalid());
        let inside = valid.floor_char_boundary(offset - at);
        count += valid[..inside].chars().count();
        at += valid.len();
        if offset <= at {
            break;
        }
        let rest = invalid.len().min(offset - at);
        count += rest;
        at += rest;
        if rest < invalid.len() {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_and_lines_end_at_lf() {
        let text = "a\r\nbé\u{1F6A2}c\n".as_bytes();
        let lines = LineIndex::new(text);
        assert_eq!(lines.line_col(text, 0), LineCol { line: 1, column: 1 });
        assert_eq!(lines.line_col(text, 10), LineCol { line: 2, column: 4 });
        assert_eq!(lines.line_range(text, 1).map(|r| r.slice(text)), Some(&b"a"[..]));
        assert_eq!(lines.count(), 3);
        assert_eq!(lines.line_col(text, 4000).line, 3);
    }
}
