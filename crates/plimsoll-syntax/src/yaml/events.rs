//! YAML: from the scanner's events to the tree, and on after an error.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, StructureStyle};
use plimsoll_source::TextRange;

use super::build::{Builder, Built, Stop, Trouble};
use super::content::{block, flow, inside, is_marker, line_end, past_break};
use super::{NodeId, Style};
use crate::MAX_DEPTH;

/// How often reading goes on after an error: each time may cost a pass over the rest of the text.
const MAX_RESUMPTIONS: usize = 16;

/// Reads a YAML stream.
pub(super) fn read(text: &[u8]) -> Built {
    let (source, bad) = as_utf8(text);
    let mut reader = Reader {
        source: &source,
        base: 0,
        resuming: false,
        done: 0,
        builder: Builder::new(text, true),
    };
    if let Some(range) = bad {
        reader.builder.error(range, "not UTF-8");
    }
    for left in (0..=MAX_RESUMPTIONS).rev() {
        let Err(stop) = reader.run() else { break };
        let at = stop.at.min(source.len());
        let next = if left == 0 { None } else { reader.resumption(at) };
        let resume = next.as_ref().map_or(source.len(), |next| next.at);
        let builder = &mut reader.builder;
        if !stop.message.is_empty() {
            let width = source[at..]
                .chars()
                .next()
                .filter(|c| !matches!(c, '\n' | '\r'))
                .map_or(0, char::len_utf8);
            builder.built.errors.push(Trouble {
                range: TextRange::of(at, at + width),
                message: stop.message,
                fatal: true,
            });
        }
        builder.built.comments.retain(|comment| comment.end as usize <= resume);
        let lost = builder.abandon(at, resume, next.as_ref().is_some_and(|next| !next.document));
        builder.built.lost.push(TextRange::of(lost, resume));
        let Some(next) = next else { break };
        reader.base = next.at;
        reader.resuming = !next.document;
    }
    reader.builder.finish()
}

/// The text, each byte that is not UTF-8 replaced by `?`, so that offsets stay; and where the first
/// such bytes stand.
pub(super) fn as_utf8(text: &[u8]) -> (Cow<'_, str>, Option<TextRange>) {
    let bad = match std::str::from_utf8(text) {
        Ok(text) => return (Cow::Borrowed(text), None),
        Err(error) => error.valid_up_to(),
    };
    let mut source = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        source.push_str(chunk.valid());
        source.extend(chunk.invalid().iter().map(|_| '?'));
    }
    (Cow::Owned(source), Some(TextRange::of(bad, bad + 1)))
}

/// Where reading goes on after an error.
struct Resumption {
    at: usize,
    /// A new document rather than the next entry of the root.
    document: bool,
}

struct Reader<'s> {
    source: &'s str,
    /// Where the part starts that the scanner reads now.
    base: usize,
    /// Whether that part goes on with a document.
    resuming: bool,
    /// The end of what was read so far: the header of a block scalar comes after it.
    done: usize,
    builder: Builder<'s>,
}

impl<'s> Reader<'s> {
    fn run(&mut self) -> Result<(), Stop> {
        // The scanner's own limits are the same as the builder's, which sees both kinds of
        // nesting; a run of comments is no more costly than any other text.
        let options = granit_parser::options! {
            emit_anchor_events: true,
            emit_unresolved_aliases: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
            max_buffered_comment_events: usize::MAX,
        };
        let (source, base) = (self.source, self.base);
        self.done = base;
        let mut last = NodeId(0);
        for event in Parser::new_from_str_with_options(&source[base..], options) {
            let (event, span) = event.map_err(|error| {
                let at = base + error.marker().byte_offset().unwrap_or_default();
                match error.kind() {
                    ErrorKind::RecursionLimitExceeded => Stop::too_deep(at),
                    kind => Stop { at, message: kind.to_string() },
                }
            })?;
            let bytes = span.byte_range().unwrap_or_default();
            let range = TextRange::of(base + bytes.start, base + bytes.end);
            if self.resuming && event.is_node() {
                self.resuming = false;
                let map = matches!(event, Event::MappingStart(StructureStyle::Block, ..));
                let seq = matches!(event, Event::SequenceStart(StructureStyle::Block, ..));
                match self.builder.open_root() {
                    Some(root) if (root && map) || (!root && seq) => continue,
                    Some(_) => {
                        return Err(Stop { at: range.start as usize, message: String::new() });
                    }
                    None => {}
                }
            }
            match event {
                Event::DocumentStart(explicit, _) => {
                    if !self.resuming {
                        self.builder.document();
                    }
                    if explicit {
                        self.done = range.end as usize;
                    }
                }
                Event::Comment(..) => self.builder.built.comments.push(range),
                Event::Anchor(..) => {
                    let name = range_str(source, range).trim_start_matches('&');
                    self.builder.anchor(last, name);
                }
                Event::Alias(_) | Event::UnresolvedAlias(_) => {
                    let name = range_str(source, range).trim_start_matches('*');
                    self.builder.alias(range, name)?;
                    self.done = range.end as usize;
                }
                Event::Scalar(ref text, style, ..) => {
                    last = self.scalar(range, style, text, span.indent)?
                }
                Event::SequenceStart(style, ..) => last = self.open(range, false, style)?,
                Event::MappingStart(style, ..) => last = self.open(range, true, style)?,
                Event::SequenceEnd | Event::MappingEnd => {
                    // A block's end may be told at the token after it, which is no bracket.
                    let closed = range.len() == 1 && self.builder.in_brackets();
                    let bracket = closed.then_some(range.end);
                    self.builder.close(bracket);
                    self.done = self.done.max(bracket.map_or(0, |end| end as usize));
                }
                _ => {}
            }
            if let Some(tag) = span.tag_span().and_then(|tag| tag.byte_range()) {
                self.builder
                    .built
                    .tags
                    .push((last, TextRange::of(base + tag.start, base + tag.end)));
            }
        }
        Ok(())
    }

    fn open(&mut self, range: TextRange, map: bool, style: StructureStyle) -> Result<NodeId, Stop> {
        self.done = range.end as usize;
        // A pair in a flow sequence (`[a: b]`) is a mapping without brackets.
        self.builder.open(range.start, map, style == StructureStyle::Flow && !range.is_empty())
    }

    fn scalar(
        &mut self,
        range: TextRange,
        style: ScalarStyle,
        text: &str,
        indent: Option<usize>,
    ) -> Result<NodeId, Stop> {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        if style == Style::Plain && range.is_empty() {
            // A value that isn't there: the scanner puts it before the `:`, even before a key that
            // is a collection; we after both.
            let at = range.start as usize;
            let at = self.done.max(at + usize::from(self.is_own_colon(at)));
            let at = TextRange::of(at, at).start;
            return self.builder.verbatim(TextRange::new(at, at), style);
        }
        if matches!(style, Style::Literal | Style::Folded) {
            let Some(header) = self.header() else {
                let stop = range.end as usize;
                return Err(Stop { at: stop, message: "a block scalar without a header".into() });
            };
            // The scanner tells the indentation, but of a key not that of its lines.
            let indent = indent.filter(|_| !self.builder.awaits_key());
            let (content, end) = block(self.source, header, indent, style == Style::Folded, text);
            self.done = end;
            return self.builder.decoded(TextRange::of(header, end), style, content);
        }
        self.done = range.end as usize;
        let written = inside(range, style);
        let original = self.builder.original(written);
        if original == text.as_bytes() {
            self.builder.verbatim(range, style)
        } else {
            self.builder.decoded(range, style, flow(self.source, range, style, text))
        }
    }

    /// Whether a `:` stands at `at` that gives the key just read its value. One further left than
    /// the mapping is an outer one's.
    fn is_own_colon(&self, at: usize) -> bool {
        let bytes = self.source.as_bytes();
        let column =
            |at: usize| bytes[..at].iter().rev().take_while(|b| !b"\r\n".contains(b)).count();
        let within = |start| self.builder.in_brackets() || column(start) <= column(at);
        bytes.get(at) == Some(&b':')
            && self.builder.awaits_value()
            && self.builder.open_start().is_some_and(within)
    }

    /// Where the header of the block scalar starts that comes next: past indicators, properties
    /// and comments.
    fn header(&self) -> Option<usize> {
        let bytes = self.source.as_bytes();
        let mut at = self.done;
        loop {
            match bytes.get(at)? {
                b'|' | b'>' => return Some(at),
                b'#' => at = line_end(bytes, at),
                b'&' | b'!' => {
                    at += bytes[at..].iter().take_while(|b| !b" \t\r\n".contains(b)).count()
                }
                _ => at += 1,
            }
        }
    }

    /// Where reading can go on after an error at `at`: at the next entry of the root, else at the
    /// next document.
    fn resumption(&self, at: usize) -> Option<Resumption> {
        let bytes = self.source.as_bytes();
        // An unclosed bracket is noticed anywhere after it.
        let at = self.builder.open_flow().map_or(at, |flow| flow.min(at));
        let root = self.builder.open_root();
        // A complete root takes no more entries, unless it swallowed lines that look like some.
        let within = self.builder.root_end().unwrap_or(bytes.len());
        let read = self.builder.last_entry().map_or(self.base, |entry| entry.max(self.base));
        let mut line = bytes[..at].iter().rposition(|&b| b == b'\n').map_or(0, |lf| lf + 1);
        while line < bytes.len() {
            let rest = &bytes[line..];
            let next = past_break(bytes, line_end(bytes, line));
            if line > self.base && is_marker(rest) {
                let start = if rest.starts_with(b"...") { next } else { line };
                return Some(Resumption { at: start, document: true });
            }
            if line < within && line > read && starts_entry(&rest[..next - line], root) {
                return Some(Resumption { at: line, document: false });
            }
            line = next;
        }
        None
    }
}

fn range_str(source: &str, range: TextRange) -> &str {
    source.get(range.start as usize..range.end as usize).unwrap_or_default()
}

/// Whether a line looks like one that starts an entry of a root of that kind.
fn starts_entry(line: &[u8], root: Option<bool>) -> bool {
    let Some(&first) = line.first() else { return false };
    let blank = |byte: Option<&u8>| matches!(byte, None | Some(b' ' | b'\t' | b'\r' | b'\n'));
    let item = first == b'-' && blank(line.get(1));
    let key = || {
        (first.is_ascii_alphanumeric() || first >= 0x80 || b"_\"'./$<-~+*".contains(&first))
            && memchr::memchr_iter(b':', line).any(|at| blank(line.get(at + 1)))
    };
    match root {
        Some(true) => !item && key(),
        Some(false) => item,
        None => item || key(),
    }
}
