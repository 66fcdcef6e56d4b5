//! Words: literals, quotes, expansions, and the substitutions in them.

use memchr::memchr;
use plimsoll_source::TextRange;

use super::parser::{Mark, Parser, close};
use super::{ListId, Part, PartKind, Word, WordId};

/// Where a word stands, which decides what ends it and what its bytes mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Among the words of a command.
    Plain,
    /// Behind `=~`.
    Regex,
    /// In double quotes, to the closing one.
    Quoted,
    /// Behind an operator in `${…}`, to the `}`.
    Brace {
        /// Whether the expansion stands in double quotes.
        quoted: bool,
        /// Whether `'` quotes.
        single: bool,
    },
    /// In brackets, to the `]`.
    Subscript,
    /// A here-document or arithmetic, to the end of the region.
    Body,
}

impl Mode {
    const fn quoted(self) -> bool {
        matches!(self, Mode::Quoted | Mode::Body | Mode::Brace { quoted: true, .. })
    }

    const fn plain(self) -> bool {
        matches!(self, Mode::Plain | Mode::Regex)
    }
}

/// A word being read.
#[derive(Default)]
struct Builder {
    parts: Vec<Part>,
    literal: Option<Literal>,
}

struct Literal {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    quoted: bool,
}

/// What is open in a word, and where the first of it stands: its offset, the parts before it and
/// what was found before it.
#[derive(Default)]
struct Open {
    count: usize,
    outermost: Option<(usize, usize, Box<Mark>)>,
}

impl Builder {
    fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.literal.is_none()
    }
}

/// Whether a byte means itself in every mode.
const fn ordinary(byte: u8) -> bool {
    !matches!(
        byte,
        b'\\'
            | b'\''
            | b'"'
            | b'$'
            | b'`'
            | b'['
            | b']'
            | b'}'
            | b'?'
            | b'*'
            | b'+'
            | b'@'
            | b'!'
            | b'\r'
    ) && !super::parser::ends_word(byte)
}

const fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

const fn continues_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl Parser<'_, '_> {
    /// Reads a word; at a place where none can stand it is empty.
    pub(super) fn word(&mut self, mode: Mode) -> WordId {
        let start = self.pos;
        let mut builder = Builder::default();
        self.parts(&mut builder, mode);
        self.flush(&mut builder);
        let range = self.range(start, self.pos);
        self.add_word(Word { range, parts: builder.parts })
    }

    /// The word `NAME=(a b)`, read up to here from `start`: the parts of its elements, joined by
    /// what stands between them said as one blank.
    pub(super) fn array_word(
        &mut self,
        start: usize,
        name_end: usize,
        elements: &[WordId],
    ) -> WordId {
        let glue = |from: u32, to: u32, text: &str| Part {
            range: TextRange::new(from, to),
            kind: PartKind::Literal(text.to_owned()),
            quoted: false,
        };
        let range = self.range(start, self.pos);
        let mut parts = Vec::new();
        let mut at = range.start;
        let mut before = self.source(start, name_end);
        for id in elements {
            let word = self.state.script.word(*id);
            parts.push(glue(at, word.range.start, &before));
            parts.extend(word.parts.iter().cloned());
            at = word.range.end;
            " ".clone_into(&mut before);
        }
        let tail = if elements.is_empty() { before + ")" } else { ")".to_owned() };
        parts.push(glue(at, range.end, &tail));
        self.add_word(Word { range, parts })
    }

    /// The bytes `start..end` as one literal.
    pub(super) fn verbatim(&mut self, start: usize, end: usize) -> WordId {
        let mut builder = Builder::default();
        self.literal(&mut builder, &self.text[start..end], start, end, true);
        self.flush(&mut builder);
        let range = self.range(start, end);
        self.add_word(Word { range, parts: builder.parts })
    }

    /// The length of the name at `at`, or 0.
    pub(super) fn name_len(&self, at: usize) -> usize {
        if !self.byte(at).is_some_and(starts_name) {
            return 0;
        }
        let rest = self.text.get(at..self.end).unwrap_or_default();
        rest.iter().take_while(|byte| continues_name(**byte)).count()
    }

    fn flush(&self, builder: &mut Builder) {
        if let Some(literal) = builder.literal.take() {
            let text = String::from_utf8(literal.bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            // Most words have one part.
            builder.parts.reserve_exact(usize::from(builder.parts.is_empty()));
            builder.parts.push(Part {
                range: self.range(literal.start, literal.end),
                kind: PartKind::Literal(text),
                quoted: literal.quoted,
            });
        }
    }

    fn literal(&self, to: &mut Builder, bytes: &[u8], start: usize, end: usize, quoted: bool) {
        match &mut to.literal {
            Some(literal) if literal.quoted == quoted && literal.end == start => {
                literal.bytes.extend_from_slice(bytes);
                literal.end = end;
            }
            _ => {
                self.flush(to);
                to.literal = Some(Literal { bytes: bytes.to_vec(), start, end, quoted });
            }
        }
    }

    fn push(&self, to: &mut Builder, start: usize, kind: PartKind, quoted: bool) {
        self.flush(to);
        to.parts.push(Part { range: self.range(start, self.pos), kind, quoted });
    }

    /// Reads until what ends `mode`, which is left standing.
    fn parts(&mut self, to: &mut Builder, mode: Mode) {
        // Parentheses of a pattern or a regular expression, brackets of a subscript.
        let mut open = Open::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.escape(to, mode),
                b'"' if mode == Mode::Quoted => break,
                b'"' if mode != Mode::Body => self.double(to, self.pos),
                b'\''
                    if mode.plain()
                        || mode == Mode::Subscript
                        || matches!(mode, Mode::Brace { single: true, .. }) =>
                {
                    self.single(to);
                }
                b'$' => self.dollar(to, mode),
                b'`' => self.backtick(to, mode.quoted()),
                b'<' | b'>'
                    if mode.plain() && open.count == 0 && self.byte(self.pos + 1) == Some(b'(') =>
                {
                    self.process(to);
                }
                _ => {
                    if !self.plain_byte(to, mode, byte, &mut open) {
                        break;
                    }
                }
            }
        }
        if open.count > 0 {
            self.unclosed_pattern(to, open, mode);
        }
    }

    /// Takes a byte that may mean itself, with the ordinary ones behind it; whether it did.
    fn plain_byte(&mut self, to: &mut Builder, mode: Mode, byte: u8, open: &mut Open) -> bool {
        let here = self.pos;
        let next = self.byte(here + 1);
        match byte {
            b'}' if matches!(mode, Mode::Brace { .. }) => return false,
            b']' if mode == Mode::Subscript && open.count == 0 => return false,
            b'[' if mode == Mode::Subscript => open.count += 1,
            b']' if mode == Mode::Subscript => open.count -= 1,
            _ if !mode.plain() => {}
            b'(' if open.count > 0 || mode == Mode::Regex => self.open(to, here, open),
            b')' if open.count > 0 => open.count -= 1,
            b'|' if mode == Mode::Regex => {}
            // An extended pattern; anywhere else the `(` would be an error.
            b'?' | b'*' | b'+' | b'@' | b'!' if next == Some(b'(') => {
                self.open(to, here, open);
                self.pos += 1;
            }
            _ if open.count == 0 && self.word_ends(here) => return false,
            _ => {}
        }
        self.pos += 1;
        self.pos += self.rest().iter().take_while(|byte| ordinary(**byte)).count();
        self.literal(to, &self.text[here..self.pos], here, self.pos, mode.quoted());
        true
    }

    fn open(&mut self, to: &mut Builder, here: usize, open: &mut Open) {
        if open.count == 0 {
            self.flush(to);
            open.outermost = Some((here, to.parts.len(), self.mark()));
        }
        open.count += 1;
    }

    fn unclosed_pattern(&mut self, to: &mut Builder, open: Open, mode: Mode) {
        if let Some((start, parts, mark)) = open.outermost {
            let len = usize::from(self.text[start] != b'(') + 1;
            if self.give_up(start, len, ")", &mark) {
                to.literal = None;
                to.parts.truncate(parts);
                self.literal(to, &self.text[start..self.pos], start, self.pos, mode.quoted());
            }
        }
    }

    fn process(&mut self, to: &mut Builder) {
        let start = self.pos;
        self.bash_only(start, start + 2, "process substitution");
        let list = self.substitution(2);
        self.push(to, start, PartKind::ProcessSubstitution(list), false);
    }

    fn escape(&mut self, to: &mut Builder, mode: Mode) {
        let start = self.pos;
        let joined = self.continuation(start);
        if joined > 0 {
            self.pos += joined;
            if let Some(literal) = to.literal.as_mut().filter(|literal| literal.end == start) {
                literal.end = self.pos;
            }
            return;
        }
        let Some(next) = self.byte(start + 1) else {
            self.pos += 1;
            self.literal(to, b"\\", start, start + 1, mode.quoted());
            return;
        };
        let special = match mode {
            Mode::Plain | Mode::Subscript | Mode::Brace { quoted: false, .. } => true,
            Mode::Regex => false,
            Mode::Quoted => matches!(next, b'$' | b'`' | b'"' | b'\\'),
            Mode::Brace { quoted: true, .. } => matches!(next, b'$' | b'`' | b'"' | b'\\' | b'}'),
            Mode::Body => matches!(next, b'$' | b'`' | b'\\'),
        };
        // A character, not a byte, is escaped.
        let rest = self.text.get(start + 2..self.end).unwrap_or_default();
        let more = rest.iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
        let more = if next >= 0xc0 { more.min(3) } else { 0 };
        self.pos = start + 2 + more;
        let from = if special { start + 1 } else { start };
        let quoted = special || mode.quoted();
        self.literal(to, &self.text[from..self.pos], start, self.pos, quoted);
    }

    fn single(&mut self, to: &mut Builder) {
        let start = self.pos;
        match memchr(b'\'', &self.rest()[1..]) {
            Some(len) => self.pos = start + len + 2,
            None => {
                let mark = self.mark();
                self.give_up(start, 1, "'", &mark);
                self.literal(to, &self.text[start + 1..self.pos], start, self.pos, true);
                return;
            }
        }
        self.literal(to, &self.text[start + 1..self.pos - 1], start, self.pos, true);
    }

    /// `"…"` whose quote stands here; the word's part begins at `start` (`$"…"`).
    fn double(&mut self, to: &mut Builder, start: usize) {
        let open = self.pos;
        let mark = self.mark();
        self.pos += 1;
        self.state.quotes += 1;
        let mut inner = Builder::default();
        self.parts(&mut inner, Mode::Quoted);
        self.state.quotes -= 1;
        self.join(to, inner, (start, open), &mark);
    }

    /// Adds the parts of `"…"` whose part begins at `at.0` and whose quote stands at `at.1`.
    fn join(&mut self, to: &mut Builder, mut inner: Builder, at: (usize, usize), mark: &Mark) {
        let (start, open) = at;
        if self.peek() == Some(b'"') {
            self.pos += 1;
        } else if self.give_up(open, 1, "\"", mark) {
            self.literal(to, &self.text[open + 1..self.pos], start, self.pos, true);
            return;
        }
        if inner.is_empty() {
            self.literal(to, b"", start, self.pos, true);
            return;
        }
        if let Some(literal) = inner.literal.as_mut().filter(|one| one.end + 1 == self.pos) {
            literal.end = self.pos;
        }
        self.flush(&mut inner);
        // The quote belongs to the literal behind it.
        let (begin, first) = (self.offset(start), self.offset(open + 1));
        if let Some(part) = inner.parts.first_mut()
            && matches!(part.kind, PartKind::Literal(_))
            && part.range.start == first
        {
            part.range.start = begin;
        }
        self.flush(to);
        to.parts.append(&mut inner.parts);
    }

    /// `$'…'`, at its `$`.
    fn ansi(&mut self, to: &mut Builder) {
        let start = self.pos;
        let mut at = start + 2;
        let mut bytes = Vec::new();
        loop {
            match self.byte(at) {
                None => {
                    let mark = self.mark();
                    self.give_up(start, 2, "'", &mark);
                    self.literal(to, &self.text[start + 2..self.pos], start, self.pos, true);
                    return;
                }
                Some(b'\'') => break,
                Some(b'\\') => at = self.ansi_escape(at + 1, &mut bytes),
                Some(byte) => {
                    bytes.push(byte);
                    at += 1;
                }
            }
        }
        self.pos = at + 1;
        self.literal(to, &bytes, start, self.pos, true);
    }

    /// The escape behind a backslash; returns where it ends.
    fn ansi_escape(&self, at: usize, bytes: &mut Vec<u8>) -> usize {
        let Some(byte) = self.byte(at) else { return at };
        let number = |from: usize, most: usize, radix: u32| {
            let rest = self.text.get(from..self.end).unwrap_or_default();
            let digits = rest.iter().take(most).map_while(|byte| char::from(*byte).to_digit(radix));
            digits.fold((0u32, from), |(sum, at), digit| {
                (sum.wrapping_mul(radix).wrapping_add(digit), at + 1)
            })
        };
        let plain = match byte {
            b'a' => 7,
            b'b' => 8,
            b'e' | b'E' => 27,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'0'..=b'7' => {
                let (value, end) = number(at, 3, 8);
                bytes.push((value & 0xff) as u8);
                return end;
            }
            b'x' | b'u' | b'U' => {
                let most = match byte {
                    b'x' => 2,
                    b'u' => 4,
                    _ => 8,
                };
                let (value, end) = number(at + 1, most, 16);
                if end == at + 1 {
                    bytes.extend([b'\\', byte]);
                } else if byte == b'x' {
                    bytes.push((value & 0xff) as u8);
                } else {
                    let character = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                return end;
            }
            b'c' => {
                let Some(control) = self.byte(at + 1) else { return at + 1 };
                bytes.push(control & 0x1f);
                return at + 2;
            }
            b'\\' | b'\'' | b'"' | b'?' => byte,
            _ => {
                bytes.push(b'\\');
                byte
            }
        };
        bytes.push(plain);
        at + 1
    }

    fn dollar(&mut self, to: &mut Builder, mode: Mode) {
        let start = self.pos;
        let quoted = mode.quoted();
        let next = self.byte(start + 1);
        match next {
            Some(b'(') => {
                let end = match self.byte(start + 2) {
                    Some(b'(') => self.arithmetic_end(start + 3),
                    _ => None,
                };
                let kind = if let Some(end) = end {
                    self.arithmetic(start + 3, end);
                    PartKind::Arithmetic
                } else {
                    PartKind::Substitution(self.substitution(2))
                };
                self.push(to, start, kind, quoted);
            }
            Some(b'{') => self.parameter(to, quoted),
            Some(b'\'') if !quoted => self.ansi(to),
            Some(b'"') if !quoted => {
                self.pos += 1;
                self.double(to, start);
            }
            Some(byte) if starts_name(byte) => {
                let len = self.name_len(start + 1);
                self.variable(to, start, len, quoted);
            }
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                self.variable(to, start, 1, quoted);
            }
            _ => {
                self.pos += 1;
                self.literal(to, b"$", start, start + 1, quoted);
            }
        }
    }

    fn variable(&mut self, to: &mut Builder, start: usize, len: usize, quoted: bool) {
        self.pos = start + 1 + len;
        let name = self.source(start + 1, self.pos);
        self.push(to, start, PartKind::Variable { name, op: None, length: false }, quoted);
    }

    pub(super) fn source(&self, start: usize, end: usize) -> String {
        String::from_utf8_lossy(self.text.get(start..end).unwrap_or_default()).into_owned()
    }

    /// `${…}`.
    fn parameter(&mut self, to: &mut Builder, quoted: bool) {
        let start = self.pos;
        if !self.enter() {
            self.push(to, start, PartKind::Literal(String::new()), quoted);
            return;
        }
        let mark = self.mark();
        self.state.quotes += 1;
        self.pos += 2;
        let kind = self.parameter_body(quoted);
        self.state.quotes -= 1;
        self.leave();
        if self.peek() == Some(b'}') {
            self.pos += 1;
        } else if self.give_up(start, 2, "}", &mark) {
            self.literal(to, &self.text[start..self.pos], start, self.pos, quoted);
            return;
        }
        self.push(to, start, kind, quoted);
    }

    fn parameter_body(&mut self, quoted: bool) -> PartKind {
        let special = |byte: u8| {
            byte.is_ascii_digit() || matches!(byte, b'@' | b'*' | b'?' | b'-' | b'$' | b'!')
        };
        let begin = self.pos;
        let (first, second) = (self.peek(), self.byte(begin + 1));
        let length = first == Some(b'#')
            && second.is_some_and(|byte| {
                starts_name(byte) || special(byte) || byte == b'#' && self.byte(begin + 2) == Some(b'}')
            })
            // `${#-word}` and `${#?word}` are the number of arguments with a default.
            && !(matches!(second, Some(b'-' | b'?')) && self.byte(begin + 2) != Some(b'}'));
        let indirect = first == Some(b'!')
            && second.is_some_and(|byte| {
                starts_name(byte) || byte.is_ascii_digit() || matches!(byte, b'@' | b'*' | b'#')
            });
        let named = begin + usize::from(length);
        self.pos = named + usize::from(indirect);
        let len = match self.peek() {
            Some(byte) if starts_name(byte) => self.name_len(self.pos),
            Some(b'0'..=b'9') => {
                self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count()
            }
            Some(byte) if special(byte) || byte == b'#' => 1,
            _ => 0,
        };
        self.pos += len;
        if len == 0 {
            self.error(begin, begin + 1, "`${` without a variable");
        } else if self.peek() == Some(b'[') {
            self.bash_only(self.pos, self.pos + 1, "an array element");
            self.pos += 1;
            // The parts are read for the commands in them, and to find the end.
            self.parts(&mut Builder::default(), Mode::Subscript);
            self.pos += usize::from(self.peek() == Some(b']'));
        }
        if indirect {
            self.bash_only(named, self.pos, "`${!name}`");
            if matches!(self.peek(), Some(b'*' | b'@')) && self.byte(self.pos + 1) == Some(b'}') {
                self.pos += 1;
            }
        }
        let name = self.source(named, self.pos);
        let op = self.parameter_op(len > 0);
        let op = op.map(|op| {
            // Within double quotes `'` quotes in patterns only.
            let single = !quoted || op.starts_with(['#', '%', '/']);
            let word = self.word(Mode::Brace { quoted, single });
            (op, word)
        });
        PartKind::Variable { name, op, length }
    }

    fn parameter_op(&mut self, named: bool) -> Option<String> {
        const OPS: [&[u8]; 18] = [
            b":-", b":=", b":?", b":+", b"##", b"%%", b"//", b"^^", b",,", b"-", b"=", b"?", b"+",
            b"#", b"%", b"/", b"^", b",",
        ];
        if matches!(self.peek(), None | Some(b'}')) {
            return None;
        }
        let start = self.pos;
        let known = OPS.into_iter().find(|op| self.looking_at(op));
        let op = match known {
            Some(op) => op,
            None if matches!(self.peek(), Some(b':' | b'@')) => &self.text[start..=start],
            None => {
                if named {
                    self.error(start, start + 1, "unknown operator in `${…}`");
                }
                b""
            }
        };
        self.pos += op.len();
        if matches!(op, b"//" | b"/" | b"^^" | b"^" | b",," | b"," | b":" | b"@") {
            let op = String::from_utf8_lossy(op);
            self.bash_only(start, self.pos, &format!("`${{name{op}…}}`"));
        }
        Some(String::from_utf8_lossy(op).into_owned())
    }

    /// `$(…)`, `<(…)`, whose opening of `len` bytes stands here.
    fn substitution(&mut self, len: usize) -> ListId {
        let start = self.pos;
        if !self.enter() {
            return self.empty_list();
        }
        let saved = (self.expects, self.substituted);
        let pending = self.set_pending(Vec::new());
        (self.expects, self.substituted) = (close::PAREN, true);
        self.pos += len;
        let list = self.list();
        if self.peek() == Some(b')') {
            self.pos += 1;
        } else {
            self.unclosed(start, len, ")");
        }
        (self.expects, self.substituted) = saved;
        // What the substitution did not read comes behind what waited before.
        let mut all = pending;
        all.append(&mut self.set_pending(Vec::new()));
        self.set_pending(all);
        self.leave();
        list
    }

    /// `` `…` ``: what stands between is unescaped, then read.
    fn backtick(&mut self, to: &mut Builder, quoted: bool) {
        let start = self.pos;
        let mut at = start + 1;
        let mut escaped = false;
        while let Some(byte) = self.byte(at).filter(|byte| *byte != b'`') {
            escaped |= byte == b'\\';
            at += if byte == b'\\' { 2 } else { 1 };
        }
        if self.byte(at).is_none() {
            let mark = self.mark();
            self.give_up(start, 1, "`", &mark);
            self.literal(to, &self.text[start + 1..self.pos], start, self.pos, quoted);
            return;
        }
        let list = if !self.enter() {
            self.empty_list()
        } else {
            let list = if escaped {
                self.unescaped(start + 1, at, quoted)
            } else {
                self.within(start + 1, at, Parser::program)
            };
            self.leave();
            list
        };
        self.pos = at + 1;
        self.push(to, start, PartKind::Substitution(list), quoted);
    }

    fn unescaped(&mut self, start: usize, end: usize, quoted: bool) -> ListId {
        let mut text = Vec::with_capacity(end - start);
        let mut map = Vec::with_capacity(end - start + 1);
        let mut at = start;
        while at < end {
            map.push(self.offset(at));
            let next = self.byte(at + 1).filter(|_| self.byte(at) == Some(b'\\') && at + 1 < end);
            let special = match next {
                Some(b'$' | b'`' | b'\\') => true,
                Some(b'"') => quoted,
                _ => false,
            };
            at += usize::from(special);
            text.extend(self.byte(at));
            at += 1;
        }
        map.push(self.offset(end));
        Parser::new(&text, Some(&map), self.state).program()
    }

    pub(super) fn empty_list(&mut self) -> ListId {
        let range: TextRange = self.range(self.pos, self.pos);
        self.add_list(super::List { items: Vec::new(), range })
    }

    /// Where the `))` of an arithmetic expression stands that begins at `from`; `None` when it is
    /// rather a substitution or a subshell that begins with a subshell.
    pub(super) fn arithmetic_end(&mut self, from: usize) -> Option<usize> {
        if self.state.searches == 0 {
            return None;
        }
        let mut open = 0usize;
        let mut at = from;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'\\' => at += 1,
                b'(' => open += 1,
                b')' if open > 0 => open -= 1,
                b')' if self.byte(at + 1) == Some(b')') => return Some(at),
                b')' => break,
                _ => {}
            }
            at += 1;
        }
        self.state.searches = self.state.searches.saturating_sub(at - from);
        None
    }

    /// Reads the substitutions of an arithmetic expression and goes behind its `))`.
    pub(super) fn arithmetic(&mut self, start: usize, end: usize) {
        if self.enter() {
            self.within(start, end, |parser| parser.parts(&mut Builder::default(), Mode::Body));
            self.leave();
        }
        self.pos = end + 2;
    }
}
