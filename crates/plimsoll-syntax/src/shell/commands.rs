//! Commands: lists, pipelines, compound commands, assignments and redirections.

use memchr::memchr;

use super::parser::{Parser, close};
use super::words::Mode;
use super::{
    Assignment, CommandId, CommandKind, Connector, Item, List, ListId, Redirect, RedirectOp, WordId,
};

/// The builtins whose arguments may be array assignments.
const DECLARING: [&[u8]; 5] = [b"declare", b"export", b"local", b"readonly", b"typeset"];

impl Parser<'_, '_> {
    /// Reads commands until something that ends a list and that somebody waits for.
    pub(super) fn list(&mut self) -> ListId {
        let start = self.pos;
        let mut items: Vec<Item> = Vec::new();
        loop {
            self.lines();
            let Some(byte) = self.peek() else { break };
            let before = self.pos;
            if let Some((closer, len)) = self.closer() {
                if self.expects & closer != 0 {
                    break;
                }
                self.unexpected(len);
                self.separator();
                continue;
            }
            match byte {
                b'|' | b'&' if self.byte(before + 1) == Some(byte) => self.unexpected(2),
                b';' | b'|' => self.unexpected(1),
                b'&' if self.byte(before + 1) != Some(b'>') => self.unexpected(1),
                _ => items.extend(self.item()),
            }
            if self.pos == before {
                self.unexpected(1);
            }
        }
        let range = match (items.first(), items.last()) {
            (Some(first), Some(last)) => first.range.cover(last.range),
            _ => self.range(start, start),
        };
        self.add_list(List { items, range })
    }

    /// A list in which `closers` end it too.
    fn list_until(&mut self, closers: u16) -> ListId {
        let saved = self.expects;
        self.expects |= closers;
        let list = self.list();
        self.expects = saved;
        list
    }

    fn unexpected(&mut self, len: usize) {
        let what = self.source(self.pos, self.pos + len);
        self.error(self.pos, self.pos + len, format!("unexpected `{what}`"));
        self.pos += len;
    }

    /// Takes a `;` that ends no arm of a case.
    fn separator(&mut self) {
        self.blanks();
        if self.peek() == Some(b';') && !matches!(self.byte(self.pos + 1), Some(b';' | b'&')) {
            self.pos += 1;
        }
    }

    /// Whether a command cannot go on here.
    fn command_ends(&self) -> bool {
        match self.peek() {
            None | Some(b'\n' | b';' | b'|' | b')' | b'#') => true,
            Some(b'&') => self.byte(self.pos + 1) != Some(b'>'),
            _ => false,
        }
    }

    fn item(&mut self) -> Option<Item> {
        let start = self.pos;
        let mut negated = false;
        loop {
            match self.keyword() {
                b"!" => {
                    negated = !negated;
                    self.pos += 1;
                    self.blanks();
                }
                b"time" if self.time() => {}
                _ => break,
            }
        }
        let mut pipeline = Vec::new();
        loop {
            pipeline.extend(self.command());
            let end = self.pos;
            self.blanks();
            if self.peek() != Some(b'|') || self.byte(self.pos + 1) == Some(b'|') {
                self.pos = end;
                break;
            }
            let operator = self.pos;
            self.pos += 1;
            if self.peek() == Some(b'&') {
                self.pos += 1;
                self.bash_only(operator, self.pos, "`|&`");
            }
            let behind = self.pos;
            self.lines();
            if self.command_ends() || self.closes() {
                self.error(operator, behind, "nothing behind `|`");
                break;
            }
        }
        let end = match pipeline.last() {
            Some(last) => self.state.script.command(*last).range.end,
            None if negated => self.offset(start + 1),
            None => return None,
        };
        let mut range = self.range(start, start);
        range.end = end.max(range.end);
        Some(Item { pipeline, negated, then: self.connector(), range })
    }

    /// The reserved word `time`, with `-p`, where a command follows; it is read over.
    fn time(&mut self) -> bool {
        let start = self.pos;
        self.pos += 4;
        self.blanks();
        if self.keyword() == b"-p" {
            self.pos += 2;
            self.blanks();
        }
        let reserved = !self.command_ends() && self.peek() != Some(b'-');
        if !reserved {
            self.pos = start;
        }
        reserved
    }

    /// Whether something stands here that ends a list somebody waits to end.
    fn closes(&self) -> bool {
        self.closer().is_some_and(|(closer, _)| self.expects & closer != 0)
    }

    fn connector(&mut self) -> Connector {
        self.blanks();
        let operator = self.pos;
        let then = match (self.peek(), self.byte(operator + 1)) {
            (Some(b'&'), Some(b'&')) => Connector::And,
            (Some(b'|'), Some(b'|')) => Connector::Or,
            (Some(b'&'), _) => Connector::Background,
            (Some(b';'), _) => {
                self.separator();
                return Connector::Seq;
            }
            (Some(b'|'), _) => {
                // What stands before it was found missing.
                self.pos += 1;
                return Connector::Seq;
            }
            (None | Some(b'\n' | b'#' | b')'), _) => return Connector::Seq,
            _ => {
                if !self.closes() {
                    self.error(operator, operator + 1, "unexpected text behind a command");
                    self.resume();
                    self.separator();
                }
                return Connector::Seq;
            }
        };
        if then == Connector::Background {
            self.pos += 1;
            return then;
        }
        self.pos += 2;
        self.lines();
        if self.command_ends() || self.closes() {
            let which =
                if then == Connector::And { "nothing behind `&&`" } else { "nothing behind `||`" };
            self.error(operator, operator + 2, which);
        }
        then
    }

    /// A command; `None` where none can begin.
    fn command(&mut self) -> Option<CommandId> {
        if self.command_ends() {
            return None;
        }
        let start = self.pos;
        let read: fn(&mut Self) -> CommandKind = match self.peek() {
            Some(b'(') => Self::parenthesis,
            _ => match self.keyword() {
                b"{" => Self::group,
                b"if" => Self::branches,
                b"while" | b"until" => Self::while_loop,
                b"for" => Self::for_loop,
                b"select" => Self::for_loop,
                b"case" => Self::case,
                b"function" => Self::function,
                b"[[" => Self::test,
                _ => return self.simple(),
            },
        };
        if !self.enter() {
            return None;
        }
        let kind = read(self);
        let mut end = self.pos;
        let mut redirects = Vec::new();
        self.blanks();
        while self.redirect(&mut redirects) {
            end = self.pos;
            self.blanks();
        }
        self.leave();
        self.pos = end;
        Some(self.add_command(kind, redirects, start, end))
    }

    /// Takes a reserved word where it stands.
    fn take(&mut self, word: &[u8]) -> bool {
        let found = self.keyword() == word;
        if found {
            self.pos += word.len();
        }
        found
    }

    /// Takes the reserved word that closes what was opened at `start`, or says that it is missing.
    fn closing(&mut self, word: &str, start: usize, len: usize) {
        if !self.take(word.as_bytes()) {
            self.unclosed(start, len, word);
        }
    }

    fn parenthesis(&mut self) -> CommandKind {
        let start = self.pos;
        if self.byte(start + 1) == Some(b'(')
            && let Some(end) = self.arithmetic_end(start + 2)
        {
            self.bash_only(start, end + 2, "`((…))`");
            self.arithmetic(start + 2, end);
            return CommandKind::Arithmetic;
        }
        self.pos += 1;
        let list = self.list_until(close::PAREN);
        if self.peek() == Some(b')') {
            self.pos += 1;
        } else {
            self.unclosed(start, 1, ")");
        }
        CommandKind::Subshell(list)
    }

    fn group(&mut self) -> CommandKind {
        let start = self.pos;
        self.pos += 1;
        let list = self.list_until(close::BRACE);
        self.closing("}", start, 1);
        CommandKind::Group(list)
    }

    fn branches(&mut self) -> CommandKind {
        const REST: u16 = close::ELIF | close::ELSE | close::FI;
        let start = self.pos;
        self.pos += 2;
        let mut branches = Vec::new();
        loop {
            let condition = self.list_until(close::THEN | REST);
            if !self.take(b"then") && self.peek().is_some() {
                self.error(self.pos, self.pos, "expected `then`");
            }
            branches.push((condition, self.list_until(REST)));
            if !self.take(b"elif") {
                break;
            }
        }
        let otherwise = self.take(b"else").then(|| self.list_until(close::FI));
        self.closing("fi", start, 2);
        CommandKind::If { branches, otherwise }
    }

    fn while_loop(&mut self) -> CommandKind {
        let start = self.pos;
        let until = self.keyword() == b"until";
        self.pos += 5;
        let condition = self.list_until(close::DO | close::DONE);
        let body = self.loop_body(start, 5);
        CommandKind::Loop { until, condition, body }
    }

    /// `do … done`, or braces as bash allows behind `for`.
    fn loop_body(&mut self, start: usize, len: usize) -> ListId {
        self.lines();
        if self.keyword() == b"{" {
            let open = self.pos;
            self.pos += 1;
            let body = self.list_until(close::BRACE);
            self.closing("}", open, 1);
            return body;
        }
        if !self.take(b"do") && self.peek().is_some() {
            self.error(self.pos, self.pos, "expected `do`");
        }
        let body = self.list_until(close::DONE);
        self.closing("done", start, len);
        body
    }

    fn for_loop(&mut self) -> CommandKind {
        let start = self.pos;
        let len = self.keyword().len();
        if len > 3 {
            self.bash_only(start, start + len, "`select`");
        }
        self.pos += len;
        self.blanks();
        let mut name = String::new();
        let mut words = None;
        if self.looking_at(b"((") {
            self.bash_only(self.pos, self.pos + 2, "`for ((…))`");
            words = Some(Vec::new());
            if let Some(end) = self.arithmetic_end(self.pos + 2) {
                self.arithmetic(self.pos + 2, end);
            } else {
                self.unclosed(self.pos, 2, "))");
                self.resume();
            }
        } else {
            let from = self.pos;
            while !self.word_ends(self.pos) {
                self.pos += 1;
            }
            name = self.source(from, self.pos);
            if from == self.pos {
                self.error(start, start + len, "`for` without a variable");
                self.resume();
            }
            self.lines();
            if self.take(b"in") {
                words = Some(self.words_of_line());
            }
        }
        self.blanks();
        if self.peek() == Some(b';') {
            self.pos += 1;
        }
        let body = self.loop_body(start, len);
        CommandKind::For { name, words, body }
    }

    fn words_of_line(&mut self) -> Vec<WordId> {
        let mut words = Vec::new();
        loop {
            self.blanks();
            let before = self.pos;
            if self.command_ends() {
                return words;
            }
            let word = self.word(Mode::Plain);
            if self.pos == before {
                self.error(before, before + 1, "unexpected text behind `in`");
                self.resume();
                return words;
            }
            words.push(word);
        }
    }

    fn case(&mut self) -> CommandKind {
        let start = self.pos;
        self.pos += 4;
        self.blanks();
        let subject = self.word(Mode::Plain);
        self.lines();
        let mut arms = Vec::new();
        if !self.take(b"in") {
            self.error(start, start + 4, "`case` without `in`");
            self.resume();
            return CommandKind::Case { subject, arms };
        }
        loop {
            self.lines();
            if self.take(b"esac") {
                return CommandKind::Case { subject, arms };
            }
            if self.peek().is_none() {
                break;
            }
            let Some(patterns) = self.patterns() else { break };
            let body = self.list_until(close::ESAC | close::ARM);
            arms.push((patterns, body));
            match self.closer() {
                Some((close::ARM, len)) => {
                    if len == 3 {
                        self.bash_only(self.pos, self.pos + len, "`;;&`");
                    }
                    self.pos += len;
                }
                Some((close::ESAC, _)) => {}
                _ => break,
            }
        }
        self.unclosed(start, 4, "esac");
        CommandKind::Case { subject, arms }
    }

    /// `(a | b)`, the first parenthesis optional; what else stands before the `)` is skipped.
    fn patterns(&mut self) -> Option<Vec<WordId>> {
        let start = self.pos;
        if self.peek() == Some(b'(') {
            self.pos += 1;
        }
        let mut patterns = Vec::new();
        loop {
            self.blanks();
            let before = self.pos;
            let word = self.word(Mode::Plain);
            if self.pos == before {
                break;
            }
            patterns.push(word);
            self.blanks();
            match self.peek() {
                Some(b'|') => self.pos += 1,
                Some(b')') => {
                    self.pos += 1;
                    return Some(patterns);
                }
                _ => break,
            }
        }
        self.error(start, self.pos.max(start + 1), "expected a pattern and `)`");
        let line = &self.text[self.pos..self.line_end(self.pos)];
        let Some(end) = memchr(b')', line) else {
            self.pos = start;
            return None;
        };
        self.pos += end + 1;
        Some(patterns)
    }

    fn function(&mut self) -> CommandKind {
        self.pos += 8;
        self.blanks();
        let from = self.pos;
        while !self.word_ends(self.pos) {
            self.pos += 1;
        }
        let name = self.source(from, self.pos);
        if name.is_empty() {
            self.error(from, from, "`function` without a name");
        }
        // `function f (…)`: there a subshell is the body.
        self.parentheses();
        let body = self.function_body();
        CommandKind::Function { name, body }
    }

    fn function_body(&mut self) -> CommandId {
        self.lines();
        let start = self.pos;
        let body = if self.closes() { None } else { self.command() };
        let kind = body.map(|body| &self.state.script.command(body).kind);
        if kind.is_none_or(|kind| matches!(kind, CommandKind::Simple { .. })) {
            self.error(start, start, "a function's body is a compound command");
        }
        body.unwrap_or_else(|| self.empty_group())
    }

    /// `[[ … ]]`.
    fn test(&mut self) -> CommandKind {
        let start = self.pos;
        self.pos += 2;
        let mut words = Vec::new();
        // Whether a line may end here.
        let mut open = true;
        let mut regex = false;
        loop {
            let before = self.pos;
            self.blanks();
            if self.peek() == Some(b'\n') {
                self.lines();
                let goes_on = self.looking_at(b"&&")
                    || self.looking_at(b"||")
                    || self.peek() == Some(b')')
                    || self.keyword() == b"]]";
                if !open && !goes_on {
                    self.pos = before;
                }
            }
            if self.take(b"]]") {
                return CommandKind::Test(words);
            }
            let here = self.pos;
            let operator = match self.peek() {
                Some(b'&' | b'|') if self.looking_at(b"&&") || self.looking_at(b"||") => 2,
                Some(b'(') if !regex => 1,
                Some(b')') => 1,
                Some(b'<' | b'>') if self.byte(here + 1) != Some(b'(') => 1,
                _ => 0,
            };
            if operator > 0 {
                self.pos += operator;
                words.push(self.verbatim(here, self.pos));
                open = self.text[here] != b')';
                regex = false;
                continue;
            }
            let word = self.word(if regex { Mode::Regex } else { Mode::Plain });
            if self.pos == here {
                self.unclosed(start, 2, "]]");
                self.resume();
                return CommandKind::Test(words);
            }
            words.push(word);
            let text = &self.text[here..self.pos];
            regex = text == b"=~";
            open = text == b"!";
        }
    }

    fn simple(&mut self) -> Option<CommandId> {
        let start = self.pos;
        let mut end = start;
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        let mut declares = false;
        loop {
            self.blanks();
            if self.command_ends() {
                break;
            }
            let here = self.pos;
            let taken = self.redirect(&mut redirects)
                || words.is_empty() && self.assignment(&mut assignments)
                || declares && self.declared_array(&mut words);
            if !taken {
                words.push(self.word(Mode::Plain));
                let text = &self.text[here..self.pos];
                if text.is_empty() {
                    words.pop();
                    self.unexpected(1);
                    self.resume();
                    break;
                }
                if here == start && self.parentheses() {
                    return Some(self.named_function(start, here + text.len()));
                }
                declares |= DECLARING.contains(&text);
            }
            end = self.pos;
        }
        if end == start {
            return None;
        }
        Some(self.add_command(CommandKind::Simple { assignments, words }, redirects, start, end))
    }

    /// Takes `()`, blanks before and in it.
    fn parentheses(&mut self) -> bool {
        let start = self.pos;
        for parenthesis in [b'(', b')'] {
            self.blanks();
            if self.peek() != Some(parenthesis) {
                self.pos = start;
                return false;
            }
            self.pos += 1;
        }
        true
    }

    /// The body of the function whose name stands at `start..end`, behind its `()`.
    fn named_function(&mut self, start: usize, end: usize) -> CommandId {
        let name = self.source(start, end);
        let body = if self.enter() {
            let body = self.function_body();
            self.leave();
            body
        } else {
            self.empty_group()
        };
        self.add_command(CommandKind::Function { name, body }, Vec::new(), start, self.pos)
    }

    fn empty_group(&mut self) -> CommandId {
        let list = self.empty_list();
        self.add_command(CommandKind::Group(list), Vec::new(), self.pos, self.pos)
    }

    /// Where the `=` of an assignment that begins here stands, and whether it appends.
    fn assigned(&self) -> Option<(usize, bool)> {
        /// Longer subscripts are no one's.
        const LONGEST: usize = 4096;
        let mut at = self.pos + self.name_len(self.pos);
        if at == self.pos {
            return None;
        }
        if self.byte(at) == Some(b'[') {
            let limit = at + LONGEST;
            let mut open = 0usize;
            let mut quote = None;
            loop {
                let byte = self.byte(at).filter(|_| at < limit)?;
                match (quote, byte) {
                    (_, b'\n') => return None,
                    (Some(mark), _) if mark == byte => quote = None,
                    (Some(_), _) => {}
                    (None, b'\'' | b'"') => quote = Some(byte),
                    (None, b'[' | b'(' | b'{') => open += 1,
                    (None, b']' | b')' | b'}') => open = open.saturating_sub(1),
                    (None, b' ' | b'\t' | b';') if open < 2 => return None,
                    _ => {}
                }
                at += 1;
                if open == 0 {
                    break;
                }
            }
        }
        match (self.byte(at)?, self.byte(at + 1)) {
            (b'=', _) => Some((at, false)),
            (b'+', Some(b'=')) => Some((at + 1, true)),
            _ => None,
        }
    }

    fn assignment(&mut self, to: &mut Vec<Assignment>) -> bool {
        let start = self.pos;
        let Some((equals, append)) = self.assigned() else { return false };
        let name = self.source(start, equals - usize::from(append));
        if append {
            self.bash_only(start, equals + 1, "`+=`");
        }
        self.pos = equals + 1;
        let (mut value, mut array) = (None, Vec::new());
        if self.peek() == Some(b'(') {
            self.bash_only(start, self.pos + 1, "an array");
            array = self.array();
        } else {
            value = Some(self.word(Mode::Plain));
        }
        let range = self.range(start, self.pos);
        to.push(Assignment { name, value, array, append, range });
        true
    }

    /// Takes `NAME=(…)` as an argument of `declare` and its kin: one word.
    fn declared_array(&mut self, to: &mut Vec<WordId>) -> bool {
        let start = self.pos;
        let Some((equals, _)) = self.assigned() else { return false };
        if self.byte(equals + 1) != Some(b'(') {
            return false;
        }
        self.bash_only(start, equals + 2, "an array");
        self.pos = equals + 1;
        let elements = self.array();
        to.push(self.array_word(start, equals + 2, &elements));
        true
    }

    /// `( a b )`, line ends and comments allowed.
    fn array(&mut self) -> Vec<WordId> {
        let start = self.pos;
        self.pos += 1;
        let mut words = Vec::new();
        loop {
            self.lines();
            if self.peek() == Some(b')') {
                self.pos += 1;
                return words;
            }
            if self.peek().is_none() {
                self.unclosed(start, 1, ")");
                return words;
            }
            let before = self.pos;
            let word = self.word(Mode::Plain);
            if self.pos == before {
                self.unexpected(1);
            } else {
                words.push(word);
            }
        }
    }

    /// Takes a redirection, if one stands here; whether it did.
    fn redirect(&mut self, to: &mut Vec<Redirect>) -> bool {
        let start = self.pos;
        let Some(mut redirect) = self.redirect_head() else { return false };
        let operator_end = self.pos;
        self.blanks();
        let from = self.pos;
        redirect.target = self.word(Mode::Plain);
        if self.pos > from {
            redirect.range = self.range(start, self.pos);
            if redirect.op == RedirectOp::Heredoc {
                let strip_tabs = self.text[operator_end - 1] == b'-';
                let source = &self.text[from..self.pos];
                self.expect_heredoc(redirect.target, source, strip_tabs, redirect.range);
            }
        } else {
            let what = self.source(start, operator_end);
            self.error(start, operator_end, format!("nothing behind `{what}`"));
            self.pos = operator_end;
            redirect.range = self.range(start, operator_end);
            self.state.script.words.pop();
            redirect.target = self.verbatim(operator_end, operator_end);
        }
        to.push(redirect);
        true
    }

    /// The descriptor and the operator of a redirection; its target is to be read.
    fn redirect_head(&mut self) -> Option<Redirect> {
        let start = self.pos;
        let mut at = start;
        let (mut fd, mut fd_variable) = (None, None);
        match self.peek()? {
            b'0'..=b'9' => {
                let mut number = 0u32;
                while let Some(digit @ b'0'..=b'9') = self.byte(at) {
                    number = number.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
                    at += 1;
                }
                fd = Some(number);
            }
            b'{' => {
                let len = self.name_len(start + 1);
                if len == 0 || self.byte(start + 1 + len) != Some(b'}') {
                    return None;
                }
                at = start + len + 2;
                fd_variable = Some(self.source(start + 1, at - 1));
            }
            _ => {}
        }
        let (op, len) = self.redirect_op(at)?;
        if at > start && matches!(op, RedirectOp::WriteBoth | RedirectOp::AppendBoth) {
            return None;
        }
        self.pos = at + len;
        if fd_variable.is_some() {
            self.bash_only(start, at, "`{name}>`");
        }
        if op == RedirectOp::HereString {
            self.bash_only(at, self.pos, "`<<<`");
        }
        let range = self.range(start, self.pos);
        Some(Redirect { fd, fd_variable, op, target: WordId(0), heredoc: None, range })
    }

    fn redirect_op(&self, at: usize) -> Option<(RedirectOp, usize)> {
        use RedirectOp::{
            Append, AppendBoth, DupIn, DupOut, HereString, Heredoc, Read, ReadWrite, Write,
            WriteBoth,
        };
        Some(match (self.byte(at)?, self.byte(at + 1), self.byte(at + 2)) {
            (b'<', Some(b'<'), Some(b'<')) => (HereString, 3),
            (b'<', Some(b'<'), Some(b'-')) => (Heredoc, 3),
            (b'<', Some(b'<'), _) => (Heredoc, 2),
            (b'<', Some(b'&'), _) => (DupIn, 2),
            (b'<', Some(b'>'), _) => (ReadWrite, 2),
            (b'<' | b'>', Some(b'('), _) => return None,
            (b'<', ..) => (Read, 1),
            (b'>', Some(b'>'), _) => (Append, 2),
            (b'>', Some(b'&'), _) => (DupOut, 2),
            (b'>', Some(b'|'), _) => (Write, 2),
            (b'>', ..) => (Write, 1),
            (b'&', Some(b'>'), Some(b'>')) => (AppendBoth, 3),
            (b'&', Some(b'>'), _) => (WriteBoth, 2),
            _ => return None,
        })
    }
}
