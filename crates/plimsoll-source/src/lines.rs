//! From byte offsets to lines and columns, as a reader counts them.

/// A position as people write it: both 1-based, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineCol {
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters (a byte that is not UTF-8 counts as one).
    pub column: u32,
}

/// How many bytes lie between two marks of a [`LineIndex`].
const BLOCK: usize = 1024;

/// Where the lines of one text start, as far as it takes to find them fast: an index of a long text
/// is made at the speed of memory, and most are asked for a few lines.
///
/// Lines end at LF; a CR before it belongs to the line end, a lone CR does not end a line
/// (as git, Docker and every editor's «LF» mode count).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    /// How many lines end before each block, and in all.
    before: Vec<u32>,
    len: u32,
}

impl LineIndex {
    /// Indexes `text`.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let mut before = Vec::with_capacity(text.len() / BLOCK + 2);
        let mut ended = 0_u32;
        before.push(ended);
        for block in text.chunks(BLOCK) {
            ended = ended.saturating_add(ends_in(block));
            before.push(ended);
        }
        Self { before, len: u32::try_from(text.len()).unwrap_or(u32::MAX) }
    }

    /// The 1-based line on which `offset` of `text`, the text that was indexed, lies.
    #[must_use]
    pub fn line(&self, text: &[u8], offset: u32) -> u32 {
        let offset = (offset.min(self.len) as usize).min(text.len());
        let block = offset / BLOCK;
        let before = self.before.get(block).copied().unwrap_or_default();
        before.saturating_add(ends_in(&text[block * BLOCK..offset])).saturating_add(1)
    }

    /// The position of `offset` in `text`, the text that was indexed; inside a character, that of the
    /// character. Takes time linear in the column.
    #[must_use]
    pub fn line_col(&self, text: &[u8], offset: u32) -> LineCol {
        let offset = (offset.min(self.len) as usize).min(text.len());
        let start = memchr::memrchr(b'\n', &text[..offset]).map_or(0, |end| end + 1);
        // A character that `offset` lies in ends at most three bytes further on.
        let around = &text[start..offset.saturating_add(3).min(text.len())];
        let before = characters(around, offset - start);
        let line = self.line(text, u32::try_from(offset).unwrap_or(u32::MAX));
        LineCol { line, column: u32::try_from(before + 1).unwrap_or(u32::MAX) }
    }

    /// The byte range of a 1-based line without its line end; `None` past the last line.
    #[must_use]
    pub fn line_range(&self, text: &[u8], line: u32) -> Option<crate::TextRange> {
        let start = self.start(text, line)?;
        let rest = text.get(start..)?;
        let Some(mut end) = memchr::memchr(b'\n', rest) else {
            return Some(crate::TextRange::of(start, text.len()));
        };
        if rest[..end].ends_with(b"\r") {
            end -= 1;
        }
        Some(crate::TextRange::of(start, start + end))
    }

    /// Where a 1-based line starts.
    fn start(&self, text: &[u8], line: u32) -> Option<usize> {
        let ended = line.checked_sub(1)?;
        let Some(wanted) = ended.checked_sub(1) else { return Some(0) };
        // The block in which the line before it ends.
        let block = self.before.partition_point(|&before| before <= wanted).checked_sub(1)?;
        let rest = text.get(block * BLOCK..)?;
        let nth = wanted - self.before.get(block)?;
        let end = memchr::memchr_iter(b'\n', rest).nth(nth as usize)?;
        Some(block * BLOCK + end + 1)
    }

    /// How many lines there are; a text that ends in LF has an empty last one.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.before.last().copied().unwrap_or_default().saturating_add(1)
    }
}

fn ends_in(text: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', text).count()).unwrap_or(u32::MAX)
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

    /// Against counting from the start, with lines that end at and around the marks.
    #[test]
    fn an_index_of_a_long_text_counts_as_one_would() {
        for width in [0, 1, 7, BLOCK - 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let line = format!("{}\n", "x".repeat(width));
            for last in ["", "end"] {
                let text = line.repeat(6 * BLOCK / line.len() + 2) + last;
                let bytes = text.as_bytes();
                let lines = LineIndex::new(bytes);
                let mut start = 0;
                let parts: Vec<&str> = text.split('\n').collect();
                for (number, part) in (1..).zip(&parts) {
                    for offset in [start, start + part.len()] {
                        let column = u32::try_from(offset - start + 1).unwrap();
                        let found = lines.line_col(bytes, u32::try_from(offset).unwrap());
                        assert_eq!(found, LineCol { line: number, column }, "{width}");
                    }
                    let range = lines.line_range(bytes, number);
                    let expected = crate::TextRange::of(start, start + part.len());
                    assert_eq!(range, Some(expected), "{width}: line {number}");
                    start += part.len() + 1;
                }
                assert_eq!(lines.count() as usize, parts.len(), "{width}");
                assert_eq!(lines.line_range(bytes, lines.count() + 1), None);
                assert_eq!(lines.line_range(bytes, 0), None);
            }
        }
    }
}
