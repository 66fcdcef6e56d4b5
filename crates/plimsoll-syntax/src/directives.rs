//! Configurations made of directives, as Caddy and nginx write them: `name word …`, with or
//! without a block of further ones. The tree that both readers make.

use plimsoll_source::{Derived, Span, TextRange};

use crate::{MAX_DEPTH, SyntaxError};

/// Index of a [`Directive`] in its [`Directives`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectiveId(pub u32);

/// A parsed configuration.
#[derive(Clone, Debug, Default)]
pub struct Directives {
    /// All directives, in text order.
    pub all: Vec<Directive>,
    /// Those of the top level.
    pub roots: Vec<DirectiveId>,
}

/// One directive.
#[derive(Clone, Debug)]
pub struct Directive {
    /// Its name and what follows; none for a block that stands for itself (Caddy's options).
    pub words: Vec<Word>,
    /// What its block holds; `None` without a block.
    pub block: Option<Vec<DirectiveId>>,
    /// From its first to its last word (its brace, where it has no word).
    pub head: Span,
    /// With its block.
    pub whole: Span,
}

impl Directive {
    /// Its name; empty for a block that stands for itself.
    #[must_use]
    pub fn name(&self) -> &str {
        self.words.first().map_or("", |word| &word.text)
    }
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its text, quotes taken off and escapes resolved.
    pub text: String,
    /// Whether it is quoted.
    pub quoted: bool,
    /// Where it stands, quotes included.
    pub span: Span,
}

impl std::ops::Index<DirectiveId> for Directives {
    type Output = Directive;
    fn index(&self, id: DirectiveId) -> &Directive {
        &self.all[id.0 as usize]
    }
}

/// Where the line that holds an offset ends.
pub(crate) fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(bytes.len(), |len| at + len)
}

/// Builds the tree; the readers tell it what they meet.
pub(crate) struct Builder<'t> {
    text: &'t Derived,
    tree: Directives,
    open: Vec<DirectiveId>,
    /// Braces that were too deep to open a block.
    flat: usize,
    pub(crate) words: Vec<Word>,
    pub(crate) errors: Vec<SyntaxError>,
}

impl<'t> Builder<'t> {
    pub(crate) fn new(text: &'t Derived) -> Self {
        Self {
            text,
            tree: Directives::default(),
            open: Vec::new(),
            flat: 0,
            words: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        self.text.span(TextRange::of(start, end))
    }

    pub(crate) fn error(&mut self, start: usize, end: usize, message: &str) {
        let span = self.span(start, end);
        self.errors.push(SyntaxError { span, message: message.to_owned(), fatal: false });
    }

    pub(crate) fn word(&mut self, start: usize, end: usize, text: &[u8], quoted: bool) {
        let text = String::from_utf8_lossy(text).into_owned();
        let span = self.span(start, end);
        self.words.push(Word { text, quoted, span });
    }

    /// Reads a quoted word, in which a backslash may hide a quote; where it ends. One that is never
    /// closed ends with its line.
    pub(crate) fn quoted(&mut self, bytes: &[u8], start: usize, escapes: bool) -> usize {
        let quote = bytes[start];
        let mut text = Vec::new();
        let mut at = start + 1;
        loop {
            match bytes.get(at) {
                Some(&byte) if byte == quote => break,
                Some(b'\\') if escapes && bytes.get(at + 1) == Some(&quote) => {
                    text.push(quote);
                    at += 2;
                }
                Some(&byte) => {
                    text.push(byte);
                    at += 1;
                }
                None => {
                    let end = line_end(bytes, start);
                    self.error(start, end, "a quote that is not closed");
                    self.word(start, end, &bytes[start + 1..end], true);
                    return end;
                }
            }
        }
        self.word(start, at + 1, &text, true);
        at + 1
    }

    /// Whether no block is open.
    pub(crate) fn at_top(&self) -> bool {
        self.open.is_empty()
    }

    /// The words so far are a directive without a block.
    pub(crate) fn end_directive(&mut self) {
        if let Some(first) = self.words.first().map(|word| word.span) {
            self.push(first, None);
        }
    }

    /// The words so far, and the brace at this offset, open a block.
    pub(crate) fn open_block(&mut self, brace: usize) {
        if self.open.len() >= MAX_DEPTH {
            self.error(brace, brace + 1, "blocks nested too deeply");
            self.end_directive();
            self.flat += 1;
            return;
        }
        let first = self.words.first().map_or(self.span(brace, brace + 1), |word| word.span);
        let id = self.push(first, Some(Vec::new()));
        self.open.push(id);
    }

    /// The brace before this offset closes a block.
    pub(crate) fn close_block(&mut self, end: usize) {
        self.end_directive();
        if self.flat > 0 {
            self.flat -= 1;
            return;
        }
        let until = self.span(end.saturating_sub(1), end);
        match self.open.pop() {
            Some(id) => self.end_whole(id, until),
            None => self.error(end.saturating_sub(1), end, "a `}` that closes nothing"),
        }
    }

    pub(crate) fn finish(mut self, len: usize) -> (Directives, Vec<SyntaxError>) {
        self.end_directive();
        let until = self.span(len, len);
        while let Some(id) = self.open.pop() {
            let head = self.tree[id].head;
            self.end_whole(id, until);
            let message = "a block without its closing `}`".to_owned();
            self.errors.push(SyntaxError { span: head, message, fatal: false });
        }
        self.errors.sort_by_key(|error| error.span);
        (self.tree, self.errors)
    }

    fn end_whole(&mut self, id: DirectiveId, until: Span) {
        if let Some(directive) = self.tree.all.get_mut(id.0 as usize) {
            directive.whole = directive.whole.cover(until);
        }
    }

    fn push(&mut self, first: Span, block: Option<Vec<DirectiveId>>) -> DirectiveId {
        let id = DirectiveId(u32::try_from(self.tree.all.len()).unwrap_or(u32::MAX));
        let words = std::mem::take(&mut self.words);
        let head = words.last().map_or(first, |last| first.cover(last.span));
        self.tree.all.push(Directive { words, block, head, whole: head });
        let parent = self.open.last().and_then(|open| self.tree.all.get_mut(open.0 as usize));
        match parent.and_then(|parent| parent.block.as_mut()) {
            Some(block) => block.push(id),
            None => self.tree.roots.push(id),
        }
        id
    }
}
