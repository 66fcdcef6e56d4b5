//! Words expanded with the variables that are known, and the texts that commands write, each byte
//! with the place that it comes from.

use plimsoll_source::{Derived, DerivedBuilder, Span, TextRange};
use plimsoll_syntax::shell::{Part, PartKind, WordId};

use super::{Shell, Source, Walk};
use crate::base::Family;

/// A word after expansion.
#[derive(Clone, Debug)]
pub(super) struct Field {
    text: Vec<u8>,
    /// Where each byte comes from, in the source's text; one byte long where it is copied.
    from: Vec<TextRange>,
    /// Where the whole word stands.
    pub(super) range: TextRange,
    /// Whether all of its text is known.
    pub(super) known: bool,
    /// Whether a `*`, `?` or `[` in it would be expanded.
    glob: bool,
}

impl Field {
    pub(super) fn new(range: TextRange) -> Self {
        Self { text: Vec::new(), from: Vec::new(), range, known: true, glob: false }
    }

    /// The text.
    pub(super) fn string(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    pub(super) fn has_glob(&self) -> bool {
        self.glob
    }

    fn push(&mut self, text: &[u8], from: TextRange) {
        self.text.extend_from_slice(text);
        self.from.resize(self.text.len(), from);
    }

    /// Adds a literal that stands at `range` of `source`, matched with the bytes there: quotes and
    /// backslashes are skipped.
    fn place(&mut self, source: &[u8], range: TextRange, literal: &str) {
        let bytes = range.slice(source);
        let mut at = 0;
        let here = |at: usize, len: usize| {
            let start = range.start.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
            TextRange::new(start, start.saturating_add(u32::try_from(len).unwrap_or(0)))
        };
        for (index, &wanted) in literal.as_bytes().iter().enumerate() {
            loop {
                match bytes.get(at) {
                    Some(&byte) if byte == wanted => {
                        self.push(&[wanted], here(at, 1));
                        at += 1;
                        break;
                    }
                    Some(b'\\') if bytes.get(at + 1) == Some(&wanted) => {
                        self.push(&[wanted], here(at, 2));
                        at += 2;
                        break;
                    }
                    Some(b'\\' | b'\'' | b'"' | b'$' | b'\n' | b'\r') => at += 1,
                    _ => {
                        self.push(literal.as_bytes().get(index..).unwrap_or_default(), range);
                        return;
                    }
                }
            }
        }
    }

    /// Takes the tabs off the start of each line.
    pub(super) fn strip_tabs(&mut self) {
        let mut start = true;
        let keep: Vec<bool> = self
            .text
            .iter()
            .map(|&byte| {
                let strip = start && byte == b'\t';
                start = byte == b'\n' || strip;
                !strip
            })
            .collect();
        let mut kept = keep.iter();
        self.text.retain(|_| kept.next().copied().unwrap_or(true));
        let mut kept = keep.iter();
        self.from.retain(|_| kept.next().copied().unwrap_or(true));
    }

    /// The text as a program of its own.
    pub(super) fn derived(&self, source: &Derived) -> Derived {
        let mut output = Output::default();
        output.put(source, self);
        output.finish(source.span(self.range)).0
    }

    /// The escapes of `echo -e`, `printf` and `%b`; whether `\c` ended the output.
    fn unescape(&self, style: Escapes) -> (Self, bool) {
        let mut result = Self { text: Vec::new(), from: Vec::new(), ..self.clone() };
        let mut at = 0;
        while let Some(&byte) = self.text.get(at) {
            let from = self.from.get(at).copied().unwrap_or(self.range);
            let escape = if byte == b'\\' { self.text.get(at + 1) } else { None };
            let Some(&escape) = escape else {
                result.push(&[byte], from);
                at += 1;
                continue;
            };
            let number = |start: usize, most: usize, radix: u32| {
                let digits = self.text.iter().skip(start).take(most);
                let digits = digits.map_while(|&b| char::from(b).to_digit(radix));
                digits.fold((0u32, 0), |(sum, len), digit| (sum * radix + digit, len + 1))
            };
            let (value, len) = match escape {
                b'n' => (b'\n', 2),
                b't' => (b'\t', 2),
                b'r' => (b'\r', 2),
                b'a' => (7, 2),
                b'b' => (8, 2),
                b'f' => (12, 2),
                b'v' => (11, 2),
                b'\\' => (b'\\', 2),
                b'"' if style == Escapes::Printf => (b'"', 2),
                b'e' if style != Escapes::Dash => (27, 2),
                b'c' if style != Escapes::Printf => return (result, true),
                b'0' => {
                    // In a format the zero is one of the digits.
                    let most = if style == Escapes::Printf { 2 } else { 3 };
                    let (value, len) = number(at + 2, most, 8);
                    ((value & 0xff) as u8, 2 + len)
                }
                b'1'..=b'7' if style == Escapes::Printf => {
                    let (value, len) = number(at + 1, 3, 8);
                    ((value & 0xff) as u8, 1 + len)
                }
                b'x' if style != Escapes::Dash && number(at + 2, 2, 16).1 > 0 => {
                    let (value, len) = number(at + 2, 2, 16);
                    (value as u8, 2 + len)
                }
                _ => {
                    result.push(b"\\", from);
                    at += 1;
                    continue;
                }
            };
            let end = self.from.get(at + len - 1).map_or(from, |last| from.cover(*last));
            result.push(&[value], end);
            at += len;
        }
        (result, false)
    }
}

/// Whose escapes are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// `echo -e` of bash and BusyBox.
    Echo,
    /// dash's `echo`.
    Dash,
    /// A format.
    Printf,
}

/// What commands wrote.
#[derive(Clone, Debug, Default)]
pub(super) struct Output {
    builder: DerivedBuilder,
    dynamic: bool,
}

impl Output {
    /// A text of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self { dynamic: true, ..Self::default() }
    }

    /// Appends a word of `source`.
    pub(super) fn put(&mut self, source: &Derived, field: &Field) {
        self.dynamic |= !field.known;
        let copied = |at: usize| {
            let from = field.from.get(at)?;
            let byte = field.text.get(at..=at)?;
            (from.len() == 1 && from.slice(source.text()) == byte).then_some(*from)
        };
        let mut at = 0;
        while let Some(&from) = field.from.get(at) {
            let mut end = at + 1;
            if copied(at).is_some() {
                let mut last = from;
                while let Some(next) = copied(end).filter(|next| next.start == last.end) {
                    last = next;
                    end += 1;
                }
                self.builder.append(source, from.cover(last));
            } else {
                while field.from.get(end) == Some(&from) {
                    end += 1;
                }
                let text = field.text.get(at..end).unwrap_or_default();
                self.builder.computed(text, source.span(from));
            }
            at = end;
        }
    }

    /// Appends bytes that stand nowhere.
    pub(super) fn computed(&mut self, text: &[u8], at: Span) {
        self.builder.computed(text, at);
    }

    /// Appends what another command wrote.
    pub(super) fn take(&mut self, other: &Self, at: Span) {
        let (text, dynamic) = other.clone().finish(at);
        self.builder.append(&text, TextRange::of(0, text.text().len()));
        self.dynamic |= dynamic;
    }

    /// Says that something was written that is not known.
    pub(super) fn doubt(&mut self) {
        self.dynamic = true;
    }

    /// The text, and whether a part of it is not known.
    pub(super) fn finish(self, at: Span) -> (Derived, bool) {
        (self.builder.finish(at), self.dynamic)
    }
}

impl Walk<'_> {
    /// A word after expansion; `split`: into as many fields as its unquoted variables make.
    pub(super) fn expand(&mut self, source: &Source<'_>, id: WordId, split: bool) -> Vec<Field> {
        let word = source.script.word(id);
        let mut done = Vec::new();
        let mut open: Option<Field> = None;
        for part in &word.parts {
            let range = part.range;
            let field = || Field::new(word.range);
            if !self.spend(range.len() as usize) {
                open.get_or_insert_with(field).known = false;
                break;
            }
            match &part.kind {
                PartKind::Literal(text) => {
                    let field = open.get_or_insert_with(field);
                    field.place(source.text.text(), range, text);
                    field.glob |= !part.quoted && text.contains(['*', '?', '[']);
                }
                PartKind::Variable { name, .. } if split && matches!(&**name, "@" | "*") => {
                    for (index, value) in self.args.clone().iter().enumerate() {
                        if index > 0 {
                            done.extend(open.take());
                        }
                        if !self.spend(value.len()) {
                            break;
                        }
                        open.get_or_insert_with(field).push(value.as_bytes(), range);
                    }
                }
                PartKind::Variable { .. } => match self.variable(source, part) {
                    Some(value) if !self.spend(value.len()) => {
                        open.get_or_insert_with(field).known = false;
                        break;
                    }
                    Some(value) if split && !part.quoted => {
                        let glob = value.contains(['*', '?', '[']);
                        if value.starts_with(char::is_whitespace) {
                            done.extend(open.take());
                        }
                        for (index, piece) in value.split_whitespace().enumerate() {
                            if index > 0 {
                                done.extend(open.take());
                            }
                            let field = open.get_or_insert_with(field);
                            field.push(piece.as_bytes(), range);
                            field.glob |= glob;
                        }
                        if value.ends_with(char::is_whitespace) {
                            done.extend(open.take());
                        }
                    }
                    Some(value) => open.get_or_insert_with(field).push(value.as_bytes(), range),
                    None => {
                        let field = open.get_or_insert_with(field);
                        field.push(range.slice(source.text.text()), range);
                        field.known = false;
                    }
                },
                PartKind::Substitution(list) | PartKind::ProcessSubstitution(list) => {
                    let outer = self.output.take();
                    self.apart(|walk| walk.list(source, *list, None, true));
                    self.output = outer;
                    let field = open.get_or_insert_with(field);
                    field.push("$(…)".as_bytes(), range);
                    field.known = false;
                }
                PartKind::Arithmetic => {
                    let field = open.get_or_insert_with(field);
                    field.push("$((…))".as_bytes(), range);
                    field.known = false;
                }
            }
        }
        done.extend(open);
        let braces = split
            && source.shell == Shell::Bash
            && word.parts.iter().all(|p| !p.quoted && matches!(p.kind, PartKind::Literal(_)));
        if braces { done.into_iter().flat_map(|field| self.braces(field)).collect() } else { done }
    }

    /// The value of a variable part, where known.
    fn variable(&self, source: &Source<'_>, part: &Part) -> Option<String> {
        let PartKind::Variable { name, op, length } = &part.kind else { return None };
        if *length {
            return None;
        }
        let value = match name.parse::<usize>() {
            Ok(index) => self.args.get(index.checked_sub(1)?).cloned(),
            Err(_) => match &**name {
                "PWD" => Some(self.workdir.clone()),
                "@" | "*" => Some(self.args.join(" ")),
                name => self.value(name),
            },
        };
        let Some((op, word)) = op else { return value };
        match (&**op, value) {
            (":-" | ":=" | ":?", Some(value)) if !value.is_empty() => Some(value),
            ("-" | "=" | "?", Some(value)) => Some(value),
            (":-" | ":=", Some(_)) => source.script.literal(*word),
            (":+", Some(value)) if !value.is_empty() => source.script.literal(*word),
            ("+", Some(_)) => source.script.literal(*word),
            (":+", Some(_)) => Some(String::new()),
            _ => None,
        }
    }

    /// `a{b,c}` as bash reads it: `ab ac`.
    fn braces(&mut self, field: Field) -> Vec<Field> {
        let mut done = Vec::new();
        let mut todo = vec![field];
        while let Some(field) = todo.pop() {
            let Some((open, commas, close)) = alternatives(&field.text) else {
                done.push(field);
                continue;
            };
            if done.len() + todo.len() > 256 || !self.spend(field.text.len() * commas.len()) {
                done.push(Field { known: false, ..field });
                continue;
            }
            let part = |from: usize, to: usize| {
                let text = field.text.get(from..to).unwrap_or_default().to_vec();
                (text, field.from.get(from..to).unwrap_or_default().to_vec())
            };
            let ends: Vec<usize> = commas.iter().copied().chain([close]).collect();
            let mut made = Vec::new();
            let mut start = open + 1;
            for end in ends {
                let mut one = Field::new(field.range);
                for (text, from) in
                    [part(0, open), part(start, end), part(close + 1, field.text.len())]
                {
                    one.text.extend(text);
                    one.from.extend(from);
                }
                made.push(Field { glob: field.glob, ..one });
                start = end + 1;
            }
            todo.extend(made.into_iter().rev());
        }
        done
    }

    /// Writes what `echo` prints.
    pub(super) fn echo(&mut self, source: &Source<'_>, args: &[Field]) {
        let Some(mut output) = self.output.take() else { return };
        let shell = source.shell;
        let mut rest = args;
        let mut newline = true;
        let mut escapes = shell == Shell::Dash;
        let mut minus_e = false;
        while let Some((first, more)) = rest.split_first() {
            let option = first.string();
            let letters = option.strip_prefix('-').unwrap_or_default();
            let known = if shell == Shell::Dash { "n" } else { "neE" };
            if letters.is_empty() || !letters.chars().all(|c| known.contains(c)) {
                break;
            }
            newline &= !letters.contains('n');
            minus_e |= letters.contains('e');
            escapes |= letters.contains('e');
            rest = more;
        }
        let mut line = Field::new(args.first().map_or(TextRange::default(), |f| f.range));
        for (index, field) in rest.iter().enumerate() {
            if let Some(before) = index.checked_sub(1).and_then(|i| rest.get(i)) {
                line.push(b" ", TextRange::new(before.range.end, field.range.start));
            }
            line.text.extend_from_slice(&field.text);
            line.from.extend_from_slice(&field.from);
            line.known &= field.known;
        }
        // dash prints `-e` and reads escapes always; the others do neither.
        if shell == Shell::Unknown && (minus_e || line.text.contains(&b'\\')) {
            output.doubt();
        }
        let style = if shell == Shell::Dash { Escapes::Dash } else { Escapes::Echo };
        let (line, ended) = if escapes { line.unescape(style) } else { (line, false) };
        output.put(source.text, &line);
        if newline && !ended {
            let end = rest.last().map_or(line.range, |last| last.range).end;
            output.computed(b"\n", source.text.span(TextRange::new(end, end)));
        }
        if self.doubt {
            output.doubt();
        }
        self.spend(line.text.len());
        self.output = Some(output);
    }

    /// Writes what `printf` prints: the format again and again while there are arguments.
    pub(super) fn printf(&mut self, source: &Source<'_>, args: &[Field]) {
        let Some(mut output) = self.output.take() else { return };
        let args = if args.first().is_some_and(|a| a.string() == "--") { &args[1..] } else { args };
        let Some((format, args)) = args.split_first() else {
            self.output = Some(output);
            return;
        };
        let (format, _) = format.unescape(Escapes::Printf);
        let mut args = args.iter();
        loop {
            let left = args.len();
            if !self.spend(format.text.len() + 1) {
                output.doubt();
                break;
            }
            self.formatted(source, &format, &mut args, &mut output);
            if args.len() == 0 || args.len() == left {
                break;
            }
        }
        if self.doubt {
            output.doubt();
        }
        self.output = Some(output);
    }

    fn formatted<'f>(
        &mut self,
        source: &Source<'_>,
        format: &Field,
        args: &mut impl Iterator<Item = &'f Field>,
        output: &mut Output,
    ) {
        let mut plain = Field { text: Vec::new(), from: Vec::new(), ..format.clone() };
        let mut at = 0;
        while let Some(&byte) = format.text.get(at) {
            let from = format.from.get(at).copied().unwrap_or(format.range);
            let conversion = if byte == b'%' { format.text.get(at + 1) } else { None };
            match conversion {
                None => plain.push(&[byte], from),
                Some(b'%') => plain.push(b"%", from),
                Some(conversion) => {
                    output.put(source.text, &plain);
                    plain = Field { text: Vec::new(), from: Vec::new(), ..format.clone() };
                    let arg = args.next();
                    match (conversion, arg) {
                        (b's' | b'd' | b'i' | b'u', Some(arg)) => output.put(source.text, arg),
                        (b'b', Some(arg)) => {
                            output.put(source.text, &arg.unescape(Escapes::Echo).0);
                        }
                        (b's' | b'b', None) => {}
                        _ => output.doubt(),
                    }
                    self.spend(arg.map_or(0, |arg| arg.text.len()));
                }
            }
            at += if conversion.is_some() { 2 } else { 1 };
        }
        output.put(source.text, &plain);
    }

    /// Whether the image is one of BusyBox.
    pub(super) fn is_busybox(&self) -> bool {
        matches!(self.program.family, Some(Family::Alpine | Family::Busybox))
    }
}

/// The first `{a,b}` of a text: where it opens, its commas on its own level, where it closes.
fn alternatives(text: &[u8]) -> Option<(usize, Vec<usize>, usize)> {
    let open = text.iter().position(|&b| b == b'{')?;
    let mut depth = 0usize;
    let mut commas = Vec::new();
    for (at, &byte) in text.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b',' if depth == 1 => commas.push(at),
            b'}' if depth == 1 => return (!commas.is_empty()).then_some((open, commas, at)),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}
