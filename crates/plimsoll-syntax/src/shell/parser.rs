//! The state of a parse: where it reads, what it expects, what it has found.
//!
//! There is no token list: a shell's lexer depends on its parser (`esac` ends a case only where a
//! command may stand, a `)` in a pattern closes nothing). Substitutions are read in place, once.

use memchr::memchr;
use plimsoll_source::TextRange;

use super::words::Mode;
use super::{
    Command, CommandId, CommandKind, Dialect, Heredoc, List, ListId, Redirect, RedirectOp, Script,
    ShellError, Word, WordId,
};
use crate::MAX_DEPTH;

/// How often an unclosed quote may be given up and read again from its next line. Each costs a
/// reading of the rest, so that the whole stays linear.
const RESCANS: usize = 8;

/// What ends a list, as bits of [`Parser::expects`].
pub(super) mod close {
    pub(crate) const THEN: u16 = 1;
    pub(crate) const ELIF: u16 = 2;
    pub(crate) const ELSE: u16 = 4;
    pub(crate) const FI: u16 = 8;
    pub(crate) const DO: u16 = 16;
    pub(crate) const DONE: u16 = 32;
    pub(crate) const ESAC: u16 = 64;
    pub(crate) const ARM: u16 = 128;
    pub(crate) const BRACE: u16 = 256;
    pub(crate) const PAREN: u16 = 512;
}

/// What outlives a region of the text.
#[derive(Default)]
pub(super) struct State {
    pub(super) script: Script,
    /// Here-documents read, by the word that names their delimiter.
    bodies: Vec<(WordId, Heredoc)>,
    depth: usize,
    too_deep: bool,
    rescans: usize,
    /// Bytes that failed searches for `))` may still cost.
    pub(super) searches: usize,
    /// How many quotes, `${` and backticks are open around the place being read.
    pub(super) quotes: usize,
    dialect: Dialect,
}

/// A reader of one region: the whole text, or the unescaped text between backticks.
pub(super) struct Parser<'t, 's> {
    pub(super) text: &'t [u8],
    /// For each byte of `text`, and its end, its offset in the program; `None` when equal.
    map: Option<&'t [u32]>,
    pub(super) pos: usize,
    /// Where reading ends for now.
    pub(super) end: usize,
    /// What enclosing commands wait for, bits of [`close`].
    pub(super) expects: u16,
    /// Whether a `)` ends what is read, so that it may stand behind a here-document's delimiter.
    pub(super) substituted: bool,
    pending: Vec<Pending>,
    pub(super) state: &'s mut State,
}

/// A here-document whose body has not been reached.
pub(super) struct Pending {
    target: WordId,
    delimiter: Vec<u8>,
    expand: bool,
    strip_tabs: bool,
    range: TextRange,
}

/// The lengths of everything found, to forget what came after. Boxed: it waits in frames that
/// recur, and stacks are small.
pub(super) struct Mark {
    lists: usize,
    commands: usize,
    words: usize,
    comments: usize,
    errors: usize,
    beyond: usize,
    bodies: usize,
    pending: usize,
}

pub(super) fn parse(text: &[u8], dialect: Dialect) -> Script {
    let mut state = State {
        rescans: RESCANS,
        searches: text.len().saturating_mul(8).saturating_add(4096),
        dialect,
        ..State::default()
    };
    let mut parser = Parser::new(text, None, &mut state);
    parser.shebang();
    let root = parser.program();
    state.script.root = Some(root);
    state.finish()
}

impl State {
    fn finish(mut self) -> Script {
        self.bodies.sort_by_key(|(target, _)| *target);
        for command in &mut self.script.commands {
            for redirect in &mut command.redirects {
                if redirect.op == RedirectOp::Heredoc {
                    let found = self.bodies.binary_search_by_key(&redirect.target, |body| body.0);
                    redirect.heredoc = found.ok().map(|at| self.bodies[at].1.clone());
                }
            }
        }
        self.script.errors.sort_by_key(|error| error.range.start);
        self.script
    }
}

/// Whether a byte ends an unquoted word.
pub(super) const fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
}

impl<'t, 's> Parser<'t, 's> {
    pub(super) fn new(text: &'t [u8], map: Option<&'t [u32]>, state: &'s mut State) -> Self {
        Parser {
            text,
            map,
            pos: 0,
            end: text.len(),
            expects: 0,
            substituted: false,
            pending: Vec::new(),
            state,
        }
    }

    fn shebang(&mut self) {
        if self.text.starts_with(b"\xef\xbb\xbf") {
            self.pos = 3;
        }
        if self.looking_at(b"#!") {
            let end = self.line_end(self.pos);
            let line = String::from_utf8_lossy(&self.text[self.pos + 2..end]).trim().to_owned();
            self.state.script.shebang = Some(line);
            self.pos = end;
        }
    }

    /// Reads to the end of the region.
    pub(super) fn program(&mut self) -> ListId {
        let list = self.list();
        self.drop_pending();
        list
    }

    // Looking.

    pub(super) fn peek(&self) -> Option<u8> {
        self.byte(self.pos)
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        if at < self.end { self.text.get(at).copied() } else { None }
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.pos..self.end).unwrap_or_default()
    }

    pub(super) fn looking_at(&self, what: &[u8]) -> bool {
        self.rest().starts_with(what)
    }

    /// Whether the byte at `at` ends an unquoted word; the end of the region and a line's CR do.
    pub(super) fn word_ends(&self, at: usize) -> bool {
        match self.byte(at) {
            None => true,
            Some(b'\r') => matches!(self.byte(at + 1), None | Some(b'\n')),
            Some(byte) => ends_word(byte),
        }
    }

    /// The unquoted word at this place if it may be a reserved one, else nothing.
    pub(super) fn keyword(&self) -> &'t [u8] {
        let mut at = self.pos;
        while !self.word_ends(at) {
            at += 1;
            if at - self.pos > 8 {
                return b"";
            }
        }
        &self.text[self.pos..at]
    }

    /// What stands here if it ends a list, as a bit of [`close`], and its length.
    pub(super) fn closer(&self) -> Option<(u16, usize)> {
        let bit = match self.peek()? {
            b')' => return Some((close::PAREN, 1)),
            b';' if self.looking_at(b";;&") => return Some((close::ARM, 3)),
            b';' if self.looking_at(b";;") || self.looking_at(b";&") => {
                return Some((close::ARM, 2));
            }
            b'}' | b't' | b'e' | b'f' | b'd' => match self.keyword() {
                b"}" => close::BRACE,
                b"then" => close::THEN,
                b"elif" => close::ELIF,
                b"else" => close::ELSE,
                b"fi" => close::FI,
                b"do" => close::DO,
                b"done" => close::DONE,
                b"esac" => close::ESAC,
                _ => return None,
            },
            _ => return None,
        };
        Some((bit, self.keyword().len()))
    }

    /// The end of the line that `at` stands in, its line feed excluded.
    pub(super) fn line_end(&self, at: usize) -> usize {
        memchr(b'\n', &self.text[at.min(self.end)..self.end]).map_or(self.end, |n| at + n)
    }

    /// The length of a line continuation at `at`, or 0. `\` CR LF counts: the author meant it.
    pub(super) fn continuation(&self, at: usize) -> usize {
        match (self.byte(at), self.byte(at + 1), self.byte(at + 2)) {
            (Some(b'\\'), Some(b'\n'), _) => 2,
            (Some(b'\\'), Some(b'\r'), Some(b'\n')) => 3,
            _ => 0,
        }
    }

    // Moving.

    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.pos += 1,
                Some(b'\r') if self.word_ends(self.pos) => self.pos += 1,
                Some(b'\\') if self.continuation(self.pos) > 0 => {
                    self.pos += self.continuation(self.pos);
                }
                _ => return,
            }
        }
    }

    /// Skips blanks, comments and line ends; here-documents are read where they are due.
    pub(super) fn lines(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'\n') => {
                    self.pos += 1;
                    self.heredocs();
                }
                Some(b'#') => {
                    let end = self.line_end(self.pos);
                    let cr = self.text[..end].ends_with(b"\r");
                    let range = self.range(self.pos, end - usize::from(cr));
                    self.state.script.comments.push(range);
                    self.pos = end;
                }
                _ => return,
            }
        }
    }

    /// After an error: to the next `;` or the end of the line.
    pub(super) fn resume(&mut self) {
        self.pos = memchr::memchr2(b'\n', b';', self.rest()).map_or(self.end, |n| self.pos + n);
    }

    /// Reads `start..end` with `read`, then goes on where it stood.
    pub(super) fn within<T>(
        &mut self,
        start: usize,
        end: usize,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let saved = (self.pos, self.end, self.expects, self.substituted);
        let pending = self.set_pending(Vec::new());
        (self.pos, self.end, self.expects, self.substituted) = (start, end, 0, false);
        let result = read(self);
        self.drop_pending();
        self.set_pending(pending);
        (self.pos, self.end, self.expects, self.substituted) = saved;
        result
    }

    /// Goes one level down; at the limit records an error, skips the line and says no.
    pub(super) fn enter(&mut self) -> bool {
        if self.state.depth < MAX_DEPTH {
            self.state.depth += 1;
            return true;
        }
        if !self.state.too_deep {
            self.state.too_deep = true;
            self.error(self.pos, self.pos + 1, format!("nested deeper than {MAX_DEPTH}"));
        }
        self.pos = self.line_end(self.pos);
        false
    }

    pub(super) fn leave(&mut self) {
        self.state.depth -= 1;
    }

    // Recording.

    pub(super) fn range(&self, start: usize, end: usize) -> TextRange {
        match self.map {
            None => TextRange::of(start, end),
            Some(map) => {
                let last = map.last().copied().unwrap_or(0);
                let at = |n: usize| map.get(n).copied().unwrap_or(last);
                TextRange::new(at(start), at(end))
            }
        }
    }

    /// The offset in the program of a place in the region.
    pub(super) fn offset(&self, at: usize) -> u32 {
        self.range(at, at).start
    }

    pub(super) fn error(&mut self, start: usize, end: usize, message: impl Into<String>) {
        let range = self.range(start, end.clamp(start, self.end.max(start)));
        self.state.script.errors.push(ShellError { range, message: message.into() });
    }

    /// An opening without its closing; says nothing once text was skipped for its depth.
    pub(super) fn unclosed(&mut self, start: usize, len: usize, closing: &str) {
        if !self.state.too_deep {
            let opening = String::from_utf8_lossy(&self.text[start..start + len]).into_owned();
            self.error(start, start + len, format!("`{opening}` without `{closing}`"));
        }
    }

    /// Notes what only bash knows.
    pub(super) fn bash_only(&mut self, start: usize, end: usize, what: &str) {
        if self.state.dialect == Dialect::Posix {
            let range = self.range(start, end);
            let message = format!("{what}: not known to POSIX shells");
            self.state.script.beyond.push(ShellError { range, message });
        }
    }

    pub(super) fn mark(&self) -> Box<Mark> {
        let script = &self.state.script;
        Box::new(Mark {
            lists: script.lists.len(),
            commands: script.commands.len(),
            words: script.words.len(),
            comments: script.comments.len(),
            errors: script.errors.len(),
            beyond: script.beyond.len(),
            bodies: self.state.bodies.len(),
            pending: self.pending.len(),
        })
    }

    /// A quote, `${` or backtick opened at `start` never closes. While that may still be afforded,
    /// forgets what was read in it and goes on behind its line; whether it did.
    pub(super) fn give_up(&mut self, start: usize, len: usize, closing: &str, mark: &Mark) -> bool {
        let again = self.state.quotes == 0 && self.state.rescans > 0;
        if again {
            self.state.rescans -= 1;
            let script = &mut self.state.script;
            script.lists.truncate(mark.lists);
            script.commands.truncate(mark.commands);
            script.words.truncate(mark.words);
            script.comments.truncate(mark.comments);
            if !self.state.too_deep {
                script.errors.truncate(mark.errors);
            }
            script.beyond.truncate(mark.beyond);
            self.state.bodies.truncate(mark.bodies);
            self.pending.truncate(mark.pending);
            self.pos = self.line_end(start);
        } else {
            self.pos = self.end;
        }
        self.unclosed(start, len, closing);
        again
    }

    pub(super) fn add_word(&mut self, word: Word) -> WordId {
        let id = WordId(u32::try_from(self.state.script.words.len()).unwrap_or(u32::MAX));
        self.state.script.words.push(word);
        id
    }

    pub(super) fn add_list(&mut self, list: List) -> ListId {
        let id = ListId(u32::try_from(self.state.script.lists.len()).unwrap_or(u32::MAX));
        self.state.script.lists.push(list);
        id
    }

    pub(super) fn add_command(
        &mut self,
        kind: CommandKind,
        redirects: Vec<Redirect>,
        start: usize,
        end: usize,
    ) -> CommandId {
        let id = CommandId(u32::try_from(self.state.script.commands.len()).unwrap_or(u32::MAX));
        let range = self.range(start, end);
        self.state.script.commands.push(Command { kind, redirects, range });
        id
    }

    // Here-documents.

    /// Notes that the lines after the next line end belong to `<<target`.
    pub(super) fn expect_heredoc(
        &mut self,
        target: WordId,
        source: &[u8],
        strip_tabs: bool,
        range: TextRange,
    ) {
        let script = &self.state.script;
        let delimiter = script.literal(target).map_or_else(|| source.to_vec(), String::into_bytes);
        let quoted = |byte| matches!(byte, b'\'' | b'"' | b'\\');
        let expand = !source.iter().copied().any(quoted);
        self.pending.push(Pending { target, delimiter, expand, strip_tabs, range });
    }

    /// Replaces what waits for a body: a substitution has its own here-documents.
    pub(super) fn set_pending(&mut self, pending: Vec<Pending>) -> Vec<Pending> {
        std::mem::replace(&mut self.pending, pending)
    }

    fn drop_pending(&mut self) {
        for pending in self.set_pending(Vec::new()) {
            self.unterminated(&pending);
        }
    }

    fn unterminated(&mut self, pending: &Pending) {
        let name = String::from_utf8_lossy(&pending.delimiter).into_owned();
        let message = format!("here-document without its end `{name}`");
        self.state.script.errors.push(ShellError { range: pending.range, message });
    }

    /// Behind a line end: reads the bodies that are due.
    fn heredocs(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let start = self.pos;
            let (end, after) = self.heredoc_end(&pending).unwrap_or_else(|| {
                self.unterminated(&pending);
                (self.end, self.end)
            });
            let body = self.within(start, end, |parser| parser.body(pending.expand));
            let heredoc = Heredoc {
                range: self.range(start, end),
                body,
                expand: pending.expand,
                strip_tabs: pending.strip_tabs,
            };
            self.state.bodies.push((pending.target, heredoc));
            self.pos = after;
        }
    }

    /// Where the body starting here ends, and where reading goes on.
    fn heredoc_end(&self, pending: &Pending) -> Option<(usize, usize)> {
        let mut start = self.pos;
        // A line that ends in a backslash takes the next one in, be it the delimiter.
        let mut joined = false;
        while start < self.end {
            let end = self.line_end(start);
            let line = &self.text[start..end];
            let tabs = line.iter().take_while(|byte| **byte == b'\t').count();
            let skipped = if pending.strip_tabs { tabs } else { 0 };
            if !joined && let Some(rest) = line[skipped..].strip_prefix(&*pending.delimiter) {
                if rest.is_empty() || rest == b"\r" {
                    return Some((start, (end + 1).min(self.end)));
                }
                if self.substituted && rest.starts_with(b")") {
                    return Some((start, start + skipped + pending.delimiter.len()));
                }
            }
            let slashes = line.iter().rev().take_while(|byte| **byte == b'\\').count();
            joined = pending.expand && slashes % 2 == 1;
            start = end + 1;
        }
        None
    }

    /// The region as a here-document's body.
    fn body(&mut self, expand: bool) -> WordId {
        if expand && self.enter() {
            let word = self.word(Mode::Body);
            self.leave();
            return word;
        }
        let region = (self.pos, self.end);
        self.verbatim(region.0, region.1)
    }
}
