//! Dockerfiles: instructions with flags, words, here-documents and exact spans.
//!
//! Source of the rules: the Dockerfile reference and BuildKit's parser behaviour (its test vectors
//! are run in `tests/`).

use std::borrow::Cow;
use std::ops::Range;

use plimsoll_source::{Derived, DerivedBuilder, Span, TextRange};

use crate::{Parsed, SyntaxError, envvar};

/// A parsed Dockerfile.
#[derive(Clone, Debug, Default)]
pub struct Dockerfile {
    /// The escape character: `\` or a backtick.
    pub escape: u8,
    /// Parser directives (`# syntax=…`, `# escape=…`, `# check=…`).
    pub directives: Vec<Directive>,
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
    /// Every comment line but directives, those inside continuations too.
    pub comments: Vec<Span>,
    /// Blank lines inside continuations: builders accept them, and say that they will not for ever.
    pub blank_continuations: Vec<Span>,
}

/// A parser directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its name, in lower case.
    pub name: String,
    /// Its value, trimmed.
    pub value: String,
    /// The whole line.
    pub span: Span,
}

/// What an instruction is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the keywords of the Dockerfile reference")]
pub enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    StopSignal,
    User,
    Volume,
    Workdir,
    Unknown,
}

/// One instruction.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// From the keyword to the end of its last line (without the line end), here-documents included.
    pub span: Span,
    /// The keyword.
    pub keyword: Keyword,
    /// The keyword as written.
    pub keyword_span: Span,
    /// `--name=value` flags, in order.
    pub flags: Vec<Flag>,
    /// Everything after keyword and flags, continuations joined and comment lines left out; maps
    /// back to the file. For ONBUILD, the text of the inner instruction.
    pub args: Derived,
    /// The arguments as words (see [`Word`]).
    ///
    /// In JSON form, the elements. Empty for RUN, CMD, ENTRYPOINT and SHELL in shell form, for
    /// ONBUILD, unknown instructions, and `ENV key value`. One word, the whole text, for USER,
    /// WORKDIR, STOPSIGNAL and MAINTAINER. For HEALTHCHECK only `CMD` or `NONE`.
    pub words: Vec<Word>,
    /// Whether the arguments are a JSON array (exec form).
    pub json: bool,
    /// `ENV`, `ARG`, `LABEL`: the pairs. `ARG name` has no value.
    pub pairs: Vec<Pair>,
    /// Here-documents, in order. Those of an ONBUILD are its inner instruction's.
    pub heredocs: Vec<Heredoc>,
    /// For ONBUILD the instruction it stores; for `HEALTHCHECK … CMD x` the `CMD x`.
    pub inner: Option<Box<Instruction>>,
}

/// One word of an instruction, quotes and escapes as written (expansion is the model's: it knows
/// the variables). In JSON form, the decoded string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// `--name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Without the dashes.
    pub name: String,
    /// The value, if there is an `=`: quotes and backslashes taken off, variables as written.
    pub value: Option<String>,
    /// The whole flag.
    pub span: Span,
}

/// `key=value` (or the old `ENV key value`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The key.
    pub key: Word,
    /// The raw value, quotes and escapes as written.
    pub value: Option<Word>,
    /// Both.
    pub span: Span,
    /// Whether it is written the old way, `ENV key value`.
    pub legacy: bool,
}

/// A here-document.
#[derive(Clone, Debug)]
pub struct Heredoc {
    /// Its delimiter, unquoted.
    pub name: String,
    /// Whether variables in it are expanded (the delimiter was not quoted).
    pub expand: bool,
    /// Whether leading tabs are stripped (`<<-`).
    pub strip_tabs: bool,
    /// The file descriptor, where one is given.
    pub fd: Option<u32>,
    /// The body, tabs stripped where asked for; maps back to the file.
    pub body: Derived,
    /// The `<<EOF` word.
    pub span: Span,
}

impl Instruction {
    /// The value of the last flag of this name.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|f| f.name == name)
    }
}

/// Parses a Dockerfile: a file, or the text of compose's `dockerfile_inline`.
#[must_use]
pub fn parse(text: &Derived) -> Parsed<Dockerfile> {
    let tree = Dockerfile { escape: b'\\', ..Dockerfile::default() };
    let bytes = text.text();
    let at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut reader = Reader { text, bytes, at, tree, errors: Vec::new() };
    reader.directives();
    while let Some(line) = reader.line() {
        reader.instruction_from(line);
    }
    if reader.tree.instructions.is_empty() {
        reader.error(text.whole(), "the file holds no instruction");
    }
    let Reader { tree, mut errors, .. } = reader;
    errors.sort_by_key(|e| e.span);
    Parsed { tree, errors }
}

/// A physical line: `start..end` without its line end, `next` where the following one starts.
#[derive(Clone, Copy)]
struct Line {
    start: usize,
    end: usize,
    next: usize,
}

struct Reader<'a> {
    text: &'a Derived,
    bytes: &'a [u8],
    at: usize,
    tree: Dockerfile,
    errors: Vec<SyntaxError>,
}

impl<'a> Reader<'a> {
    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.errors.push(SyntaxError { span, message: message.into(), fatal: false });
    }

    fn span(&self, start: usize, end: usize) -> Span {
        self.text.span(TextRange::of(start, end))
    }

    fn peek(&self) -> Option<Line> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let len = memchr::memchr(b'\n', rest);
        let content = &rest[..len.unwrap_or(rest.len())];
        let kept = content.iter().rposition(|&b| b != b'\r').map_or(0, |last| last + 1);
        let next = self.at + len.map_or(rest.len(), |len| len + 1);
        Some(Line { start: self.at, end: self.at + kept, next })
    }

    fn line(&mut self) -> Option<Line> {
        let line = self.peek()?;
        self.at = line.next;
        Some(line)
    }

    /// The line's bytes after its leading white space, and where they start.
    fn content(&self, line: Line) -> (usize, &'a [u8]) {
        let bytes = &self.bytes[line.start..line.end];
        let rest = trim_start(bytes);
        (line.end - rest.len(), rest)
    }

    /// Reads the parser directives: only comments at the very top can be some.
    fn directives(&mut self) {
        while let Some(line) = self.peek() {
            let (start, content) = self.content(line);
            let Some((name, value)) = directive(content) else { return };
            self.at = line.next;
            let span = self.span(start, line.end);
            if self.tree.directives.iter().any(|d| d.name == name) {
                self.error(span, format!("a second `{name}` directive"));
            } else if name == "escape" {
                match value.as_str() {
                    "\\" | "`" => self.tree.escape = value.as_bytes()[0],
                    _ => self.error(span, format!("the escape character cannot be `{value}`")),
                }
            }
            self.tree.directives.push(Directive { name, value, span });
        }
    }

    /// Reads the instruction that starts on `line`, the lines that continue it and its
    /// here-documents.
    fn instruction_from(&mut self, mut line: Line) {
        let (start, content) = self.content(line);
        if content.is_empty() {
            return;
        }
        if content.starts_with(b"#") {
            self.tree.comments.push(self.span(start, line.end));
            return;
        }
        let mut joined = DerivedBuilder::new();
        let mut from = start;
        loop {
            let (end, continues) = self.continuation(from, line.end);
            joined.append(self.text, TextRange::of(from, end));
            if !continues {
                break;
            }
            let Some(next) = self.continuing_line() else { break };
            line = next;
            from = line.start;
        }
        let joined = joined.finish(self.span(start, start));
        let whole = self.span(start, line.end);
        let range = trim(joined.text(), 0..joined.text().len());
        if range.is_empty() {
            return;
        }
        let mut instruction = self.instruction(&joined, range, whole, false);
        self.heredocs(&joined, &mut instruction);
        self.tree.instructions.push(instruction);
    }

    /// The next line that is neither a comment nor blank: those may stand inside an instruction.
    fn continuing_line(&mut self) -> Option<Line> {
        while let Some(line) = self.line() {
            let (start, content) = self.content(line);
            if content.is_empty() {
                self.tree.blank_continuations.push(self.span(line.start, line.end));
            } else if content.starts_with(b"#") {
                self.tree.comments.push(self.span(start, line.end));
            } else {
                return Some(line);
            }
        }
        None
    }

    /// Where the content of a line ends, and whether the next line continues it: its last
    /// character but blanks is the escape character, and the one before is not.
    fn continuation(&self, start: usize, end: usize) -> (usize, bool) {
        let line = &self.bytes[start..end];
        let last = line.iter().rposition(|&b| b != b' ' && b != b'\t');
        match last {
            Some(at) if line[at] == self.tree.escape => {
                let escaped = at > 0 && line[at - 1] == self.tree.escape;
                if escaped { (end, false) } else { (start + at, true) }
            }
            _ => (end, false),
        }
    }

    /// Makes an instruction of a part of a joined line; `nested` within ONBUILD.
    fn instruction(
        &mut self,
        joined: &Derived,
        range: Range<usize>,
        whole: Span,
        nested: bool,
    ) -> Instruction {
        let text = joined.text();
        let end = text[range.clone()].iter().position(|b| is_blank(*b));
        let end = end.map_or(range.end, |len| range.start + len);
        let keyword_span = joined.span(TextRange::of(range.start, end));
        let word = String::from_utf8_lossy(&text[range.start..end]);
        let keyword = keyword(&word);
        if keyword == Keyword::Unknown {
            self.error(keyword_span, format!("unknown instruction `{word}`"));
        }
        let (flags, after) = flags(joined, end..range.end);
        let args = part(joined, trim(text, after..range.end));
        let mut instruction = Instruction {
            span: keyword_span.cover(whole),
            keyword,
            keyword_span,
            flags,
            args,
            words: Vec::new(),
            json: false,
            pairs: Vec::new(),
            heredocs: Vec::new(),
            inner: None,
        };
        if nested && matches!(keyword, Keyword::Onbuild | Keyword::From | Keyword::Maintainer) {
            self.error(keyword_span, format!("ONBUILD cannot hold `{word}`"));
        } else {
            self.arguments(&mut instruction, whole);
        }
        instruction
    }

    /// Reads the arguments in the way of the instruction's keyword.
    fn arguments(&mut self, instruction: &mut Instruction, whole: Span) {
        use Keyword::*;
        match instruction.keyword {
            From | Expose => instruction.words = blank_separated(&instruction.args),
            Add | Copy | Volume => {
                self.json(instruction);
                if !instruction.json {
                    instruction.words = blank_separated(&instruction.args);
                }
            }
            Run | Cmd | Entrypoint | Shell => self.json(instruction),
            User | Workdir | StopSignal | Maintainer => {
                let all = 0..instruction.args.text().len();
                if !all.is_empty() {
                    instruction.words = vec![word(&instruction.args, all)];
                }
            }
            Env | Label | Arg => self.pairs(instruction),
            Healthcheck => self.healthcheck(instruction, whole),
            Onbuild => {
                let all = 0..instruction.args.text().len();
                if !all.is_empty() {
                    let inner = self.instruction(&instruction.args, all, whole, true);
                    instruction.inner = Some(Box::new(inner));
                }
            }
            Unknown => {}
        }
        self.arity(instruction);
    }

    /// Says what is missing of the arguments.
    fn arity(&mut self, instruction: &Instruction) {
        use Keyword::*;
        let words = instruction.words.len();
        let missing = match instruction.keyword {
            From if words == 0 => "FROM needs an image",
            From => {
                let named = words == 3 && instruction.words[1].text.eq_ignore_ascii_case("as");
                if words == 1 || named {
                    return;
                }
                "FROM takes an image, or an image, AS and a name"
            }
            Add | Copy if words < 2 => "a source and a destination are needed",
            Run if instruction.args.text().is_empty() => "RUN needs a command",
            Shell if !instruction.json || words == 0 => "SHELL needs a JSON array of strings",
            Arg | Env | Label | Expose | Volume | User | Workdir | StopSignal | Maintainer
            | Healthcheck | Onbuild
                if words == 0 && instruction.pairs.is_empty() && instruction.inner.is_none() =>
            {
                // A pair that could not be read has been told of already.
                if !instruction.args.text().is_empty() && !instruction.json {
                    return;
                }
                "an argument is needed"
            }
            _ => return,
        };
        self.error(instruction.keyword_span, missing);
    }

    /// Takes the arguments as a JSON array if they are one.
    fn json(&mut self, instruction: &mut Instruction) {
        let args = &instruction.args;
        let Some(array) = json_array(args.text()) else { return };
        instruction.json = true;
        if let Some(at) = array.not_string {
            let span = args.span(TextRange::of(at, at + 1));
            self.error(span, "only strings may stand in the JSON form");
        }
        instruction.words = array
            .strings
            .into_iter()
            .map(|(text, range)| Word {
                text,
                span: args.span(TextRange::of(range.start, range.end)),
            })
            .collect();
    }

    /// `ENV`, `LABEL`: `k=v …`, or the old `k v`; `ARG`: `k`, `k=v`.
    fn pairs(&mut self, instruction: &mut Instruction) {
        let args = &instruction.args;
        let text = args.text();
        let ranges = shell_words(text, self.tree.escape);
        let is_arg = instruction.keyword == Keyword::Arg;
        let Some(first) = ranges.first() else { return };
        if !is_arg && !text[first.clone()].contains(&b'=') {
            let key_end = text.iter().position(|b| is_blank(*b)).unwrap_or(text.len());
            let value = trim(text, key_end..text.len());
            let key = word(args, 0..key_end);
            if value.is_empty() {
                self.error(key.span, format!("`{}` needs a value", key.text));
                return;
            }
            let span = args.span(TextRange::of(0, text.len()));
            let value = Some(word(args, value));
            instruction.pairs = vec![Pair { key, value, span, legacy: true }];
            return;
        }
        for range in ranges {
            let whole = word(args, range.clone());
            let equals = text[range.clone()].iter().position(|b| *b == b'=');
            let key_end = equals.map_or(range.end, |len| range.start + len);
            let key = word(args, range.start..key_end);
            if key.text.is_empty() {
                self.error(whole.span, "a name is missing before `=`");
            }
            let value = equals.map(|_| value(args, key_end + 1..range.end));
            if value.is_none() && !is_arg {
                self.error(whole.span, format!("`{}` has no `=`", key.text));
            } else {
                instruction.pairs.push(Pair { key, value, span: whole.span, legacy: false });
            }
            instruction.words.push(whole);
        }
    }

    fn healthcheck(&mut self, instruction: &mut Instruction, whole: Span) {
        let args = &instruction.args;
        let text = args.text();
        let end = text.iter().position(|b| is_blank(*b)).unwrap_or(text.len());
        if end == 0 {
            return;
        }
        let kind = word(args, 0..end);
        let rest = part(args, trim(text, end..text.len()));
        let is = |name: &str| kind.text.eq_ignore_ascii_case(name);
        if is("CMD") {
            let mut inner = Instruction {
                span: kind.span.cover(whole),
                keyword: Keyword::Cmd,
                keyword_span: kind.span,
                flags: Vec::new(),
                args: rest,
                words: Vec::new(),
                json: false,
                pairs: Vec::new(),
                heredocs: Vec::new(),
                inner: None,
            };
            self.arguments(&mut inner, whole);
            if inner.words.is_empty() && (inner.json || inner.args.text().is_empty()) {
                self.error(kind.span, "HEALTHCHECK CMD needs a command");
            }
            instruction.inner = Some(Box::new(inner));
        } else if !is("NONE") {
            self.error(kind.span, format!("HEALTHCHECK takes CMD or NONE, not `{}`", kind.text));
        } else if !rest.text().is_empty() {
            self.error(rest.whole(), "HEALTHCHECK NONE takes no argument");
        }
        instruction.words = vec![kind];
    }

    /// Reads the here-documents of RUN, COPY and ADD, also within ONBUILD.
    fn heredocs(&mut self, joined: &Derived, instruction: &mut Instruction) {
        let target = match &mut instruction.inner {
            Some(inner) if instruction.keyword == Keyword::Onbuild => inner,
            _ => &mut *instruction,
        };
        let takes = matches!(target.keyword, Keyword::Run | Keyword::Copy | Keyword::Add);
        if !takes || target.json || memchr::memmem::find(joined.text(), b"<<").is_none() {
            return;
        }
        let line = same_length_text(joined.text());
        let before = self.at;
        let mut end = None;
        for range in envvar::split(&line).unwrap_or_default() {
            let Some(mark) = heredoc_mark(&line[range.clone()]) else { continue };
            let span = joined.span(TextRange::of(range.start, range.end));
            let (body, last) = self.heredoc_body(&mark, span);
            end = last.or(end);
            let HeredocMark { name, expand, strip_tabs, fd } = mark;
            target.heredocs.push(Heredoc { name, expand, strip_tabs, fd, body, span });
        }
        if let Some(end) = end {
            let bodies = self.span(before, end);
            target.span = target.span.cover(bodies);
            instruction.span = instruction.span.cover(bodies);
        }
    }

    /// Reads a body up to its delimiter; also where the last line read ends.
    fn heredoc_body(&mut self, mark: &HeredocMark, span: Span) -> (Derived, Option<usize>) {
        let mut body = DerivedBuilder::new();
        let start = self.at;
        let mut end = None;
        while let Some(line) = self.line() {
            end = Some(line.end);
            let bytes = &self.bytes[line.start..line.end];
            let tabs =
                if mark.strip_tabs { bytes.iter().take_while(|b| **b == b'\t').count() } else { 0 };
            if &bytes[tabs..] == mark.name.as_bytes() {
                return (body.finish(self.span(start, start)), end);
            }
            body.append(self.text, TextRange::of(line.start + tabs, line.next));
        }
        let message = format!("unterminated here-document `{}`", mark.name);
        self.errors.push(SyntaxError { span, message, fatal: true });
        (body.finish(self.span(start, start)), end)
    }
}

/// `# name = value` of a known name.
fn directive(line: &[u8]) -> Option<(String, String)> {
    let line = std::str::from_utf8(line.strip_prefix(b"#")?).ok()?;
    let (name, value) = line.split_once('=')?;
    let name = name.trim_matches(is_regex_space).to_ascii_lowercase();
    let value = value.trim_matches(is_regex_space).to_owned();
    let known = matches!(name.as_str(), "syntax" | "escape" | "check");
    (known && !value.is_empty()).then_some((name, value))
}

fn is_regex_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0C' | '\r' | ' ')
}

fn keyword(word: &str) -> Keyword {
    match word.to_ascii_lowercase().as_str() {
        "add" => Keyword::Add,
        "arg" => Keyword::Arg,
        "cmd" => Keyword::Cmd,
        "copy" => Keyword::Copy,
        "entrypoint" => Keyword::Entrypoint,
        "env" => Keyword::Env,
        "expose" => Keyword::Expose,
        "from" => Keyword::From,
        "healthcheck" => Keyword::Healthcheck,
        "label" => Keyword::Label,
        "maintainer" => Keyword::Maintainer,
        "onbuild" => Keyword::Onbuild,
        "run" => Keyword::Run,
        "shell" => Keyword::Shell,
        "stopsignal" => Keyword::StopSignal,
        "user" => Keyword::User,
        "volume" => Keyword::Volume,
        "workdir" => Keyword::Workdir,
        _ => Keyword::Unknown,
    }
}

/// Reads the flags, which stand before the arguments, and says where those begin. Quotes and
/// backslashes are taken off, whatever the escape character is, as the builder does.
fn flags(joined: &Derived, range: Range<usize>) -> (Vec<Flag>, usize) {
    let text = &joined.text()[..range.end];
    let mut flags = Vec::new();
    let mut at = range.start;
    loop {
        at = text.len() - trim_start(&text[at..]).len();
        if !text[at..].starts_with(b"--") {
            return (flags, at);
        }
        let start = at;
        let mut raw = Vec::new();
        let mut quote = None;
        while at < text.len() && (quote.is_some() || space_len(&text[at..]) == 0) {
            let byte = text[at];
            at += 1;
            match byte {
                b'\\' => {
                    raw.extend(text.get(at));
                    at += 1;
                }
                _ if quote == Some(byte) => quote = None,
                b'"' | b'\'' if quote.is_none() => quote = Some(byte),
                _ => raw.push(byte),
            }
        }
        at = at.min(text.len());
        if raw == b"--" {
            return (flags, at);
        }
        let raw = String::from_utf8_lossy(raw.strip_prefix(b"--").unwrap_or(&raw));
        let (name, value) = match raw.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (raw.into_owned(), None),
        };
        flags.push(Flag { name, value, span: joined.span(TextRange::of(start, at)) });
    }
}

/// The words between blanks.
fn blank_separated(args: &Derived) -> Vec<Word> {
    let text = args.text();
    let mut words = Vec::new();
    let mut start = 0;
    for end in 0..=text.len() {
        if text.get(end).is_none_or(|b| is_blank(*b)) {
            if start < end {
                words.push(word(args, start..end));
            }
            start = end + 1;
        }
    }
    words
}

/// The words of `ENV`, `LABEL` and `ARG`: quotes and escapes keep white space in a word, and stay
/// as written; an escape character that ends the text belongs to no word.
fn shell_words(text: &[u8], escape: u8) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        let space = space_len(&text[at..]);
        if quote.is_none() && space > 0 {
            words.extend(start.take().map(|start| start..at));
            at += space;
            continue;
        }
        if byte == escape && quote != Some(b'\'') {
            if at + 1 == text.len() {
                break;
            }
            start.get_or_insert(at);
            at += 2;
            continue;
        }
        start.get_or_insert(at);
        at += 1;
        match quote {
            Some(open) if open == byte => quote = None,
            None if byte == b'"' || byte == b'\'' => quote = Some(byte),
            _ => {}
        }
    }
    words.extend(start.map(|start| start..at.min(text.len())));
    words
}

/// What `<<-'EOF'` says.
struct HeredocMark {
    name: String,
    expand: bool,
    strip_tabs: bool,
    fd: Option<u32>,
}

/// Reads a word as `[fd]<<[-]delimiter`.
///
/// Newer builders allow white space before the delimiter. There it has to look like one here, since
/// `$((1 << 2))` means none, whatever becomes of it in those builders.
fn heredoc_mark(word: &str) -> Option<HeredocMark> {
    let (fd, rest) = word.split_once("<<")?;
    if !fd.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (strip_tabs, rest) = rest.strip_prefix('-').map_or((false, rest), |raw| (true, raw));
    let raw = rest.trim_start();
    if raw.contains('<') {
        return None;
    }
    let (name, quoted) = envvar::unquote(raw)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let likely = raw.len() == rest.len()
        || quoted
        || name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(plain);
    let fd = fd.parse().ok();
    (likely && !name.is_empty()).then_some(HeredocMark { name, expand: !quoted, strip_tabs, fd })
}

/// The bytes as text, every byte that is not UTF-8 replaced by one that means nothing.
fn same_length_text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\x1A'));
    }
    Cow::Owned(text)
}

/// A JSON array.
struct JsonArray {
    strings: Vec<(String, Range<usize>)>,
    /// Where the first element that is not a string stands.
    not_string: Option<usize>,
}

/// Reads `text` as a JSON array; `None` if it is anything else.
fn json_array(text: &[u8]) -> Option<JsonArray> {
    let mut json = Json { text, at: 0 };
    let mut array = JsonArray { strings: Vec::new(), not_string: None };
    json.token(b'[').then_some(())?;
    if !json.token(b']') {
        loop {
            json.blanks();
            let start = json.at;
            if text.get(start) == Some(&b'"') {
                let string = json.string()?;
                array.strings.push((string, start..json.at));
            } else {
                json.value()?;
                array.not_string.get_or_insert(start);
            }
            if json.token(b']') {
                break;
            }
            json.token(b',').then_some(())?;
        }
    }
    json.blanks();
    (json.at == text.len()).then_some(array)
}

struct Json<'a> {
    text: &'a [u8],
    at: usize,
}

impl Json<'_> {
    fn blanks(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn token(&mut self, token: u8) -> bool {
        self.blanks();
        let found = self.text.get(self.at) == Some(&token);
        self.at += usize::from(found);
        found
    }

    fn string(&mut self) -> Option<String> {
        let mut out = Vec::new();
        self.at += 1;
        loop {
            let byte = *self.text.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return Some(String::from_utf8_lossy(&out).into_owned()),
                0..0x20 => return None,
                b'\\' => {
                    let escape = *self.text.get(self.at)?;
                    self.at += 1;
                    let c = match escape {
                        b'"' | b'\\' | b'/' => char::from(escape),
                        b'b' => '\x08',
                        b'f' => '\x0C',
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        b'u' => self.unicode()?,
                        _ => return None,
                    };
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                byte => out.push(byte),
            }
        }
    }

    /// The character of `\uXXXX`, or of two that make a pair; half a pair is U+FFFD.
    fn unicode(&mut self) -> Option<char> {
        let high = self.hex()?;
        if (0xD800..0xDC00).contains(&high) && self.text.get(self.at..)?.starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xDC00..0xE000).contains(&low) {
                return char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
            }
            self.at = back;
        }
        Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |n, digit| Some(n * 16 + char::from(*digit).to_digit(16)?))
    }

    /// Skips a value that is not a string, or anything within one.
    fn value(&mut self) -> Option<()> {
        // What is open, from the outside in, so that no nesting can exhaust the stack.
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.blanks();
            match *self.text.get(self.at)? {
                b'[' => {
                    self.at += 1;
                    if !self.token(b']') {
                        open.push(b']');
                        continue;
                    }
                }
                b'{' => {
                    self.at += 1;
                    if !self.token(b'}') {
                        self.key()?;
                        open.push(b'}');
                        continue;
                    }
                }
                b'"' => drop(self.string()?),
                _ => self.scalar()?,
            }
            loop {
                let Some(&close) = open.last() else { return Some(()) };
                if !self.token(close) {
                    self.token(b',').then_some(())?;
                    if close == b'}' {
                        self.key()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.blanks();
        (self.text.get(self.at) == Some(&b'"')).then_some(())?;
        self.string()?;
        self.token(b':').then_some(())
    }

    /// `true`, `false`, `null` or a number.
    fn scalar(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let len =
            rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
        self.at += len;
        let word = std::str::from_utf8(&rest[..len]).ok()?;
        (matches!(word, "true" | "false" | "null") || is_json_number(word)).then_some(())
    }
}

fn is_json_number(word: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let word = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) =
        word.split_once(['e', 'E']).map_or((word, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) =
        mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

fn word(args: &Derived, range: Range<usize>) -> Word {
    let text = String::from_utf8_lossy(&args.text()[range.clone()]).into_owned();
    Word { text, span: args.span(TextRange::of(range.start, range.end)) }
}

/// What follows a `=`. Nothing stands right behind it: a continued line below is another word's.
fn value(args: &Derived, range: Range<usize>) -> Word {
    let mut value = word(args, range.clone());
    if range.is_empty() {
        let equals = args.span(TextRange::of(range.start - 1, range.start));
        value.span = Span::new(equals.file, TextRange::new(equals.range.end, equals.range.end));
    }
    value
}

fn part(from: &Derived, range: Range<usize>) -> Derived {
    let range = TextRange::of(range.start, range.end);
    let mut builder = DerivedBuilder::new();
    builder.append(from, range);
    builder.finish(from.span(TextRange::new(range.start, range.start)))
}

/// What separates keyword and words.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x0B | 0x0C | b'\r' | b' ')
}

/// The length of the white space character that `bytes` start with, 0 if none.
fn space_len(bytes: &[u8]) -> usize {
    match bytes {
        [b'\t'..=b'\r' | b' ', ..] => 1,
        [0xC2, 0x85 | 0xA0, ..] => 2,
        [0xE1, 0x9A, 0x80, ..]
        | [0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF, ..]
        | [0xE2, 0x81, 0x9F, ..]
        | [0xE3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

fn trim_start(mut bytes: &[u8]) -> &[u8] {
    loop {
        match space_len(bytes) {
            0 => return bytes,
            len => bytes = &bytes[len..],
        }
    }
}

/// The part of a range of `text` without white space around it.
pub(crate) fn trim(text: &[u8], range: Range<usize>) -> Range<usize> {
    let rest = trim_start(&text[range.clone()]);
    let start = range.end - rest.len();
    let mut end = range.end;
    while let Some(len) =
        (1..=3).find(|len| *len <= end - start && space_len(&text[end - len..end]) == *len)
    {
        end -= len;
    }
    start..end
}
