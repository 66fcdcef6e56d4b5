//! The content of scalars: unfolded and unescaped, every piece with the place that it came from.

use plimsoll_source::TextRange;

use super::Style;

/// A content that is not a slice of the text.
#[derive(Clone, Debug)]
pub(super) struct Decoded {
    /// The content.
    pub(super) text: Box<str>,
    pieces: Box<[Piece]>,
}

/// A run of a content; it ends where the next one starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    start: u32,
    /// Where in the stream it comes from.
    pub(super) origin: TextRange,
    /// Whether it is a copy of its origin (an escape or a fold is not).
    pub(super) verbatim: bool,
}

impl Decoded {
    /// Each piece with its bytes.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (&[u8], Piece)> {
        let ends = self.pieces.iter().skip(1).map(|piece| piece.start as usize);
        let ends = ends.chain([self.text.len()]);
        self.pieces.iter().zip(ends).map(|(&piece, end)| {
            let range = TextRange::of(piece.start as usize, end);
            (range.slice(self.text.as_bytes()), piece)
        })
    }

    /// A content of which only the whole origin is known.
    fn opaque(text: &str, origin: TextRange) -> Self {
        Self { text: text.into(), pieces: Box::new([Piece { start: 0, origin, verbatim: false }]) }
    }
}

/// The range of a scalar's content: quotes cut off.
pub(super) fn inside(range: TextRange, style: Style) -> TextRange {
    match style {
        Style::Single | Style::Double if range.len() >= 2 => {
            TextRange::new(range.start + 1, range.end - 1)
        }
        _ => range,
    }
}

/// Builds a content from left to right.
struct Writer<'s> {
    source: &'s str,
    text: String,
    pieces: Vec<Piece>,
}

impl<'s> Writer<'s> {
    fn new(source: &'s str) -> Self {
        Self { source, text: String::new(), pieces: Vec::new() }
    }

    fn copy(&mut self, start: usize, end: usize) {
        let Some(text) = self.source.get(start..end).filter(|text| !text.is_empty()) else {
            return;
        };
        match self.pieces.last_mut() {
            Some(last) if last.verbatim && last.origin.end as usize == start => {
                last.origin.end = TextRange::of(start, end).end;
            }
            _ => self.piece(TextRange::of(start, end), true),
        }
        self.text.push_str(text);
    }

    fn computed(&mut self, text: &str, start: usize, end: usize) {
        if !text.is_empty() {
            self.piece(TextRange::of(start, end), false);
            self.text.push_str(text);
        }
    }

    fn piece(&mut self, origin: TextRange, verbatim: bool) {
        let start = TextRange::of(self.text.len(), 0).start;
        self.pieces.push(Piece { start, origin, verbatim });
    }

    fn newlines(&mut self, count: usize, start: usize, end: usize) {
        self.computed(&"\n".repeat(count), start, end);
    }

    fn finish(self) -> Decoded {
        Decoded { text: self.text.into(), pieces: self.pieces.into() }
    }

    /// The content, held against `told`, what the scanner says it is. Where the two differ by more
    /// than line ends at the end, the scanner is believed and no place claimed.
    fn agree(mut self, told: &str, whole: TextRange) -> Decoded {
        if self.text.starts_with(told) {
            self.text.truncate(told.len());
            self.pieces.retain(|piece| (piece.start as usize) < told.len());
            if let Some(last) = self.pieces.last_mut().filter(|piece| piece.verbatim) {
                let len = TextRange::of(last.start as usize, told.len()).len();
                last.origin.end = last.origin.start + len;
            }
            return self.finish();
        }
        match told.strip_prefix(self.text.as_str()) {
            Some(rest) if rest.bytes().all(|b| b == b'\n') => {
                let end = whole.end as usize;
                self.computed(rest, end, end);
                self.finish()
            }
            _ => Decoded::opaque(told, whole),
        }
    }
}

/// The content of a flow scalar that stands at `range` of `source`; `told` is what the scanner
/// says it is.
pub(super) fn flow(source: &str, range: TextRange, style: Style, told: &str) -> Decoded {
    unfold(source, inside(range, style), style).agree(told, range)
}

/// The content of a JSON string whose quotes are at the ends of `range`.
pub(super) fn json_string(source: &str, range: TextRange) -> Decoded {
    unfold(source, inside(range, Style::Double), Style::Double).finish()
}

fn unfold(source: &str, range: TextRange, style: Style) -> Writer<'_> {
    let end = (range.end as usize).min(source.len());
    let bytes = source.as_bytes().get(..end).unwrap_or_default();
    let mut writer = Writer::new(source);
    let mut at = range.start as usize;
    let mut run = at;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' | b'\r' => {
                let stop = trim(bytes, run, at);
                writer.copy(run, stop);
                let (breaks, next) = skip_breaks(bytes, at);
                match breaks {
                    1 => writer.computed(" ", stop, next),
                    _ => writer.newlines(breaks - 1, stop, next),
                }
                (at, run) = (next, next);
            }
            b'\'' if style == Style::Single => {
                writer.copy(run, at);
                writer.computed("'", at, at + 2);
                at += 2;
                run = at;
            }
            b'\\' if style == Style::Double => {
                writer.copy(run, at);
                at = unescape(&mut writer, bytes, at);
                run = at;
            }
            _ => at += 1,
        }
    }
    writer.copy(run, end);
    writer
}

/// The end of `from..to` without the blanks at its end.
fn trim(bytes: &[u8], from: usize, to: usize) -> usize {
    let blanks = bytes[from..to].iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
    to - blanks
}

/// How many line breaks follow, blanks between and after them skipped, and where the text goes on.
fn skip_breaks(bytes: &[u8], mut at: usize) -> (usize, usize) {
    let mut breaks = 0;
    loop {
        match bytes.get(at) {
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => at += 1,
            Some(b'\n' | b'\r') => {
                breaks += 1;
                at += 1;
            }
            Some(b' ' | b'\t') => at += 1,
            _ => return (breaks, at),
        }
    }
}

/// Reads the escape at `at`; returns where the text goes on.
fn unescape(writer: &mut Writer<'_>, bytes: &[u8], at: usize) -> usize {
    let (digits, mut next) = match bytes.get(at + 1) {
        Some(b'x') => (2, at + 2),
        Some(b'u') => (4, at + 2),
        Some(b'U') => (8, at + 2),
        Some(b'\n' | b'\r') => {
            let (breaks, next) = skip_breaks(bytes, at + 1);
            writer.newlines(breaks - 1, at, next);
            return next;
        }
        Some(&byte) => {
            let text = match byte {
                b'0' => "\0",
                b'a' => "\x07",
                b'b' => "\x08",
                b't' | b'\t' => "\t",
                b'n' => "\n",
                b'v' => "\x0B",
                b'f' => "\x0C",
                b'r' => "\r",
                b'e' => "\x1B",
                b'N' => "\u{85}",
                b'_' => "\u{A0}",
                b'L' => "\u{2028}",
                b'P' => "\u{2029}",
                // The character itself: right for space, quote, slash and backslash; any other is
                // an error that someone else has reported.
                _ => {
                    let len = writer.source[at + 1..].chars().next().map_or(1, char::len_utf8);
                    let end = (at + 1 + len).min(bytes.len());
                    let text = writer.source[at + 1..end].to_owned();
                    writer.computed(&text, at, end);
                    return end;
                }
            };
            writer.computed(text, at, at + 2);
            return at + 2;
        }
        None => {
            writer.copy(at, at + 1);
            return at + 1;
        }
    };
    let Some(mut code) = hex(bytes, next, digits) else {
        writer.computed("\u{FFFD}", at, next);
        return next;
    };
    next += digits;
    if (0xD800..0xDC00).contains(&code)
        && bytes.get(next..next + 2) == Some(b"\\u")
        && let Some(low) = hex(bytes, next + 2, 4).filter(|low| (0xDC00..0xE000).contains(low))
    {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        next += 6;
    }
    let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    writer.computed(char.encode_utf8(&mut [0; 4]), at, next);
    next
}

fn hex(bytes: &[u8], at: usize, digits: usize) -> Option<u32> {
    let digits = bytes.get(at..at + digits)?;
    digits.iter().try_fold(0, |sum: u32, &b| Some((sum << 4) | char::from(b).to_digit(16)?))
}

/// The content of a block scalar whose header starts at `header` and whose lines are indented by
/// `indent` (where it is not known, by as much as its first line that is not blank); `told` is what
/// the scanner says it is. Also where its last line that is not blank ends.
pub(super) fn block(
    source: &str,
    header: usize,
    indent: Option<usize>,
    folded: bool,
    told: &str,
) -> (Decoded, usize) {
    let bytes = source.as_bytes();
    let header_end = line_end(bytes, header);
    let indent = indent.unwrap_or_else(|| {
        let lines = bytes[header_end..].split(|b| matches!(b, b'\n' | b'\r'));
        let spaces = |line: &[u8]| line.iter().position(|b| *b != b' ');
        // Each blank line is a line end of the content (CR LF splits twice).
        lines.take(2 * told.len() + 4).find_map(spaces).unwrap_or(usize::MAX)
    });
    let mut writer = Writer::new(source);
    let mut end = trim(bytes, header, header_end);
    // For folding: the end of the last line with text, whether it was indented deeper, and the
    // line ends met since.
    let mut last: Option<(usize, bool)> = None;
    let mut breaks = 0;
    let mut at = past_break(bytes, header_end);
    while at < bytes.len() && writer.text.len() < told.len() {
        let spaces = bytes[at..].iter().take(indent).take_while(|b| **b == b' ').count();
        let start = at + spaces;
        let stop = line_end(bytes, start);
        let next = past_break(bytes, stop);
        if start < stop && (spaces < indent || is_marker(&bytes[at..])) {
            break;
        }
        if folded && start == stop {
            breaks += 1;
        } else if folded {
            let deeper = matches!(bytes[start], b' ' | b'\t');
            match last {
                None => writer.newlines(breaks, past_break(bytes, header_end), start),
                Some((from, was)) if was || deeper => writer.newlines(breaks, from, start),
                Some((from, _)) if breaks == 1 => writer.computed(" ", from, start),
                Some((from, _)) => writer.newlines(breaks - 1, from, start),
            }
            writer.copy(start, stop);
            last = Some((stop, deeper));
            breaks = usize::from(next > stop);
        } else {
            writer.copy(start, stop);
            match bytes.get(stop..next) {
                Some(b"\n" | b"\r\n") => writer.copy(next - 1, next),
                Some(b"\r") => writer.computed("\n", stop, next),
                _ => {}
            }
        }
        let text_end = trim(bytes, start, stop);
        if text_end > start {
            end = text_end;
        }
        at = next;
    }
    if let Some((from, _)) = last {
        writer.newlines(breaks, from, at);
    } else {
        writer.newlines(breaks, past_break(bytes, header_end).min(at), at);
    }
    (writer.agree(told, TextRange::of(header, end)), end)
}

/// Whether a line, given from its start, is `---` or `...`, which no document holds.
pub(super) fn is_marker(line: &[u8]) -> bool {
    matches!(line.get(..3), Some(b"---" | b"..."))
        && matches!(line.get(3), None | Some(b' ' | b'\t' | b'\n' | b'\r'))
}

pub(super) fn line_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
}

pub(super) fn past_break(bytes: &[u8], at: usize) -> usize {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => at + 2,
        (Some(b'\n' | b'\r'), _) => at + 1,
        _ => at,
    }
}
