//! Texts made of pieces of files: a RUN with its continuations joined, a script written by `echo`.
//!
//! A reader (the shell's, say) never knows whether it reads a file or a derived text; only when
//! evidence is made is a range of the derived text mapped back to the real file.

use std::sync::Arc;

use crate::{FileId, Span, TextRange};

/// A run of bytes of a derived text that was copied from one place, or computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where in the derived text the run starts; it ends where the next one starts.
    pub start: u32,
    /// Where its first byte comes from. For a computed run (a default, an escape that was
    /// resolved), the whole span that it was computed from.
    pub origin: Span,
    /// Whether the run is a copy, byte for byte: then offsets map one to one.
    pub verbatim: bool,
}

/// Bytes plus where each of them came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    text: Arc<[u8]>,
    /// None where all of it is a copy of `whole`, as most texts are.
    segments: Box<[Segment]>,
    whole: Span,
}

impl Derived {
    /// A text that is a whole file (or a verbatim part of one).
    #[must_use]
    pub fn verbatim(text: impl Into<Arc<[u8]>>, origin: Span) -> Self {
        Self { text: text.into(), segments: Box::default(), whole: origin }
    }

    /// The bytes.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The file that the text comes from (the first, if from several).
    #[must_use]
    pub fn file(&self) -> FileId {
        self.whole.file
    }

    /// The span that covers everything the text was made of, in the first segment's file.
    #[must_use]
    pub fn whole(&self) -> Span {
        self.whole
    }

    /// The span of the real file that a range of this text comes from: the cover of its pieces, in
    /// whatever order they stand there (of those in the first piece's file). An empty range stands
    /// at one place; what lies past the text's end, at its end.
    #[must_use]
    pub fn span(&self, range: TextRange) -> Span {
        let Some(first) = self.segment_at(range.start) else { return self.whole };
        let last =
            self.segment_at(range.end.saturating_sub(1)).map_or(first, |last| last.max(first));
        let pieces = (first..=last).map(|index| self.piece(index, range));
        pieces.reduce(Span::cover).unwrap_or(self.whole)
    }

    fn segment(&self, index: usize) -> Option<Segment> {
        if self.segments.is_empty() && index == 0 && !self.text.is_empty() {
            return Some(Segment { start: 0, origin: self.whole, verbatim: true });
        }
        self.segments.get(index).copied()
    }

    fn segment_at(&self, offset: u32) -> Option<usize> {
        if self.segments.is_empty() {
            return (!self.text.is_empty()).then_some(0);
        }
        self.segments.partition_point(|s| s.start <= offset).checked_sub(1)
    }

    /// Where the part of `range` that lies in one segment comes from.
    fn piece(&self, index: usize, range: TextRange) -> Span {
        let Some(Segment { start, origin, verbatim }) = self.segment(index) else {
            return self.whole;
        };
        if !verbatim {
            return origin;
        }
        let at = |offset: u32| {
            let shift = offset.saturating_sub(start);
            origin.range.start.saturating_add(shift).min(origin.range.end)
        };
        Span::new(origin.file, TextRange::new(at(range.start), at(range.end.max(range.start))))
    }
}

/// Builds a [`Derived`] from left to right.
#[derive(Clone, Debug)]
pub struct DerivedBuilder {
    text: Vec<u8>,
    segments: Vec<Segment>,
    whole: Option<Span>,
}

impl DerivedBuilder {
    /// An empty text.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: Vec::new(), segments: Vec::new(), whole: None }
    }

    /// Appends bytes copied from `origin`, which has the same length.
    pub fn copy(&mut self, bytes: &[u8], origin: Span) {
        debug_assert_eq!(bytes.len(), origin.range.len() as usize);
        self.push(bytes, origin, true);
    }

    /// Appends bytes that were computed from `origin`.
    pub fn computed(&mut self, bytes: &[u8], origin: Span) {
        self.push(bytes, origin, false);
    }

    /// Appends a range of another derived text, each byte with the origin that it has there.
    pub fn append(&mut self, from: &Derived, range: TextRange) {
        let end = range.end.min(u32::try_from(from.text.len()).unwrap_or(u32::MAX));
        let mut at = range.start;
        let mut index = from.segment_at(at).unwrap_or(0);
        while at < end {
            let Some(segment) = from.segment(index) else { return };
            let next = from.segment(index + 1).map_or(end, |s| s.start.min(end));
            let piece = TextRange::new(at, next);
            let origin = if segment.verbatim {
                let shift = segment.origin.range.start;
                let local = TextRange::new(at - segment.start, next - segment.start);
                Span::new(segment.origin.file, local.shifted(shift))
            } else {
                segment.origin
            };
            self.push(piece.slice(&from.text), origin, segment.verbatim);
            at = next;
            index += 1;
        }
    }

    fn push(&mut self, bytes: &[u8], origin: Span, verbatim: bool) {
        self.whole = Some(self.whole.map_or(origin, |whole| whole.cover(origin)));
        if bytes.is_empty() {
            return;
        }
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.segments.push(Segment { start, origin, verbatim });
        self.text.extend_from_slice(bytes);
    }

    /// Whether nothing was appended yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text built; `fallback` is where an empty one is said to stand.
    #[must_use]
    pub fn finish(self, fallback: Span) -> Derived {
        let whole = self.whole.unwrap_or(fallback);
        let is_copy = |only: &Segment| only.verbatim && only.origin == whole;
        if self.segments.len() == 1 && self.segments.iter().all(is_copy) {
            return Derived::verbatim(self.text, whole);
        }
        Derived { text: self.text.into(), segments: self.segments.into(), whole }
    }
}

impl Default for DerivedBuilder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joined_text_maps_back_to_its_lines() {
        let file = FileId(0);
        let at = |a, b| Span::new(file, TextRange::new(a, b));
        let mut builder = DerivedBuilder::new();
        builder.copy(b"apk add ", at(4, 12));
        builder.computed(b" ", at(12, 14));
        builder.copy(b"curl", at(20, 24));
        let derived = builder.finish(at(0, 0));
        assert_eq!(derived.text(), b"apk add  curl");
        assert_eq!(derived.span(TextRange::new(0, 3)), at(4, 7));
        assert_eq!(derived.span(TextRange::new(9, 13)), at(20, 24));
        assert_eq!(derived.span(TextRange::new(0, 13)), at(4, 24));
        assert_eq!(derived.span(TextRange::new(8, 9)), at(12, 14));

        let mut part = DerivedBuilder::new();
        part.append(&derived, TextRange::new(4, 11));
        part.append(&derived, TextRange::new(11, 99));
        let part = part.finish(at(0, 0));
        assert_eq!(part.text(), b"add  curl");
        assert_eq!(part.span(TextRange::new(0, 3)), at(8, 11));
        assert_eq!(part.span(TextRange::new(4, 5)), at(12, 14));
        assert_eq!(part.span(TextRange::new(6, 9)), at(21, 24));
    }
}
