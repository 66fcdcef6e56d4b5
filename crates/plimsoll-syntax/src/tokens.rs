//! The tokens of Go, Java and Rust: words, numbers, texts and signs, comments left out.
//!
//! No grammar: what stands between brackets is found by [`Tokens::close`]. A text that does not end
//! goes to the end of its line (or of the file, where it may hold lines), and reading goes on.

use plimsoll_source::TextRange;

/// Whose rules of comments and texts hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Go: a line's end ends a statement where the language says so, and is `;`.
    Go,
    /// Java.
    Java,
    /// Rust.
    Rust,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A word: a name or a keyword.
    Word,
    /// A number.
    Number,
    /// A text; a single character's literal is one, too.
    Text,
    /// A sign, of one or two characters.
    Sign,
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands, quotes included.
    pub range: TextRange,
}

/// The tokens of a file.
#[derive(Clone, Debug, Default)]
pub struct Tokens<'a> {
    text: &'a [u8],
    all: Vec<Token>,
    /// Of each bracket, its partner.
    partners: Vec<u32>,
}

/// No partner.
const NONE: u32 = u32::MAX;
/// Signs of two characters that must not be taken for two of one.
const DOUBLE: [&[u8; 2]; 16] = [
    b":=", b"==", b"!=", b"<=", b">=", b"&&", b"||", b"<-", b"->", b"=>", b"::", b"+=", b"-=",
    b"++", b"--", b"|=",
];

/// Reads a file's tokens.
#[must_use]
pub fn lex(text: &[u8], dialect: Dialect) -> Tokens<'_> {
    let mut lexer = Lexer { text, at: 0, dialect, all: Vec::new() };
    while lexer.step() {}
    let mut tokens = Tokens { text, partners: vec![NONE; lexer.all.len()], all: lexer.all };
    tokens.pair();
    tokens
}

impl<'a> Tokens<'a> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A token.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<Token> {
        self.all.get(at).copied()
    }

    /// A word or sign as written; nothing for texts, numbers, and behind the end.
    #[must_use]
    pub fn word(&self, at: usize) -> &'a str {
        match self.get(at) {
            Some(token) if matches!(token.kind, TokenKind::Word | TokenKind::Sign) => {
                self.raw(token)
            }
            _ => "",
        }
    }

    /// A name or keyword.
    #[must_use]
    pub fn name(&self, at: usize) -> Option<&'a str> {
        let token = self.get(at).filter(|token| token.kind == TokenKind::Word)?;
        Some(self.raw(token))
    }

    /// A number as written.
    #[must_use]
    pub fn number(&self, at: usize) -> Option<&'a str> {
        let token = self.get(at).filter(|token| token.kind == TokenKind::Number)?;
        Some(self.raw(token))
    }

    /// What a text says; nothing where it has escapes other than of a quote or a backslash.
    #[must_use]
    pub fn text(&self, at: usize) -> Option<String> {
        let token = self.get(at).filter(|token| token.kind == TokenKind::Text)?;
        let raw = self.raw(token);
        let raw = raw.trim_start_matches(['r', 'b', '#']).trim_end_matches('#');
        let quote = raw.chars().next()?;
        let inner = raw.strip_prefix("\"\"\"").and_then(|raw| raw.strip_suffix("\"\"\""));
        let inner = inner.or_else(|| raw.strip_prefix(quote)?.strip_suffix(quote))?;
        if quote == '`' || !inner.contains('\\') {
            return Some(inner.to_owned());
        }
        let plain = inner.replace("\\\\", "").replace("\\\"", "");
        (!plain.contains('\\')).then(|| inner.replace("\\\"", "\"").replace("\\\\", "\\"))
    }

    /// Where the bracket that opens at a token closes.
    #[must_use]
    pub fn close(&self, at: usize) -> Option<usize> {
        let partner = *self.partners.get(at)?;
        (partner != NONE && partner as usize > at).then_some(partner as usize)
    }

    /// The place of tokens, the last one included.
    #[must_use]
    pub fn range(&self, from: usize, last: usize) -> TextRange {
        let start = self.get(from).map_or(0, |token| token.range.start);
        let end = self.get(last).map_or(start, |token| token.range.end);
        TextRange::new(start, end.max(start))
    }

    fn raw(&self, token: Token) -> &'a str {
        let bytes = self.text.get(token.range.start as usize..token.range.end as usize);
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    fn pair(&mut self) {
        let mut open: Vec<(usize, &str)> = Vec::new();
        for at in 0..self.all.len() {
            let closes = match self.word(at) {
                sign @ ("(" | "[" | "{") => {
                    open.push((at, sign));
                    continue;
                }
                ")" => "(",
                "]" => "[",
                "}" => "{",
                _ => continue,
            };
            // What was left open within is left alone.
            if let Some(depth) = open.iter().rposition(|(_, sign)| *sign == closes) {
                let from = open[depth].0;
                open.truncate(depth);
                #[expect(clippy::cast_possible_truncation, reason = "files are below 4 GiB")]
                let (low, high) = (from as u32, at as u32);
                self.partners[from] = high;
                self.partners[at] = low;
            }
        }
    }
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    dialect: Dialect,
    all: Vec<Token>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: TokenKind, from: usize) {
        self.all.push(Token { kind, range: TextRange::of(from, self.at) });
    }

    fn step(&mut self) -> bool {
        let Some(&byte) = self.text.get(self.at) else { return false };
        let from = self.at;
        match byte {
            b'\n' => {
                self.end_of_line();
                self.at += 1;
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'/' if self.peek(1) == b'/' => self.skip_line(),
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'"' if self.text[self.at..].starts_with(b"\"\"\"")
                && self.dialect == Dialect::Java =>
            {
                let rest = &self.text[self.at + 3..];
                let len = memchr::memmem::find(rest, b"\"\"\"").map_or(rest.len(), |len| len + 3);
                self.at += 3 + len;
                self.push(TokenKind::Text, from);
            }
            b'"' => self.quoted(b'"', from),
            b'\'' if self.dialect == Dialect::Rust && !self.is_character() => {
                // A lifetime.
                self.at += 1;
                self.word();
                self.push(TokenKind::Word, from);
            }
            b'\'' => self.quoted(b'\'', from),
            b'`' if self.dialect == Dialect::Go => {
                let rest = &self.text[self.at + 1..];
                self.at += 1 + memchr::memchr(b'`', rest).map_or(rest.len(), |len| len + 1);
                self.push(TokenKind::Text, from);
            }
            b'r' | b'b' if self.dialect == Dialect::Rust && self.raw(from) => {}
            byte if is_word(byte) && !byte.is_ascii_digit() => {
                self.word();
                self.push(TokenKind::Word, from);
            }
            byte if byte.is_ascii_digit() => {
                while is_word(self.peek(0)) || self.peek(0) == b'.' && self.peek(1).is_ascii_digit()
                {
                    self.at += 1;
                }
                self.push(TokenKind::Number, from);
            }
            _ => {
                let pair = self.text.get(self.at..self.at + 2);
                let double = pair.is_some_and(|pair| DOUBLE.iter().any(|sign| &sign[..] == pair));
                self.at += if double { 2 } else { 1 };
                self.push(TokenKind::Sign, from);
            }
        }
        true
    }

    fn word(&mut self) {
        while is_word(self.peek(0)) {
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        let rest = &self.text[self.at..];
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn block_comment(&mut self) {
        let from = self.at;
        let mut depth = 0usize;
        loop {
            let rest = &self.text[self.at..];
            if rest.is_empty() {
                break;
            } else if rest.starts_with(b"/*") && (depth == 0 || self.dialect == Dialect::Rust) {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    break;
                }
            } else {
                self.at += 1;
            }
        }
        if self.text[from..self.at].contains(&b'\n') {
            self.end_of_line();
        }
    }

    /// A text up to its quote, at most to the end of the line (in Rust, of the file).
    fn quoted(&mut self, quote: u8, from: usize) {
        self.at += 1;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\\' => self.at += 2,
                b'\n' if self.dialect != Dialect::Rust => break,
                byte => {
                    self.at += 1;
                    if byte == quote {
                        break;
                    }
                }
            }
        }
        self.at = self.at.min(self.text.len());
        self.push(TokenKind::Text, from);
    }

    /// `'a'` rather than `'a`.
    fn is_character(&self) -> bool {
        let mut rest = self.text[self.at + 1..].iter().take(5);
        self.peek(1) == b'\\' || self.peek(2) == b'\'' || {
            let wide = self.peek(1) >= 0x80;
            wide && rest.any(|byte| *byte == b'\'')
        }
    }

    /// `r"…"`, `r#"…"#`, `b"…"`, `br"…"`.
    fn raw(&mut self, from: usize) -> bool {
        let rest = &self.text[from..];
        let prefix = rest.iter().take(2).take_while(|byte| matches!(byte, b'r' | b'b')).count();
        let raw = rest[..prefix].contains(&b'r');
        let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
        if rest.get(prefix + hashes) != Some(&b'"') || hashes > 0 && !raw {
            return false;
        }
        if !raw {
            self.at += prefix;
            self.quoted(b'"', from);
            return true;
        }
        let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
        let body = &rest[prefix + hashes + 1..];
        let len = memchr::memmem::find(body, &end).map_or(body.len(), |len| len + end.len());
        self.at = from + prefix + hashes + 1 + len;
        self.push(TokenKind::Text, from);
        true
    }

    /// Go's rule: a line that ends with a value, a closing bracket or one of a few words ends a
    /// statement.
    fn end_of_line(&mut self) {
        if self.dialect != Dialect::Go {
            return;
        }
        let Some(last) = self.all.last() else { return };
        let text = &self.text[last.range.start as usize..last.range.end as usize];
        let ends = match last.kind {
            TokenKind::Word => !matches!(
                text,
                b"if"
                    | b"for"
                    | b"switch"
                    | b"select"
                    | b"else"
                    | b"case"
                    | b"func"
                    | b"go"
                    | b"defer"
                    | b"var"
                    | b"const"
                    | b"type"
                    | b"import"
                    | b"package"
                    | b"range"
                    | b"struct"
                    | b"interface"
                    | b"map"
                    | b"chan"
                    | b"default"
                    | b"goto"
            ),
            TokenKind::Number | TokenKind::Text => true,
            TokenKind::Sign => matches!(text, b")" | b"]" | b"}" | b"++" | b"--"),
        };
        if ends && self.text.get(self.at) == Some(&b'\n') {
            let at = self.at;
            self.all.push(Token { kind: TokenKind::Sign, range: TextRange::of(at, at + 1) });
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, dialect: Dialect) -> String {
        let tokens = lex(text.as_bytes(), dialect);
        let one = |at: usize| {
            let raw = tokens.raw(tokens.all[at]);
            tokens.text(at).map_or(raw.replace('\n', ";"), |text| format!("«{text}»"))
        };
        (0..tokens.len()).map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_texts_are_told_apart() {
        let go = "a := \"x // y\" // z\nb(`c\nd`, 'e')/* f */\nif x {\n}\n";
        assert_eq!(show(go, Dialect::Go), "a := «x // y» ; b ( «c\nd» , «e» ) ; if x { } ;");
        let rust = "let a: &'a str = r#\"b\"c\"#; /* /* d */ e */ 'f' b\"g\"";
        assert_eq!(show(rust, Dialect::Rust), "let a : & 'a str = «b\"c» ; «f» «g»");
        assert_eq!(
            show("@Get(\"/a\\\"b\") // c\n1_0.5f", Dialect::Java),
            "@ Get ( «/a\"b» ) 1_0.5f"
        );
    }

    #[test]
    fn whatever_stands_there_is_read() {
        let text = b"f(\"a\\\", '\\u{1}', `b {[( */ /* r#\" \"\"\" \xff\xfe \n";
        for dialect in [Dialect::Go, Dialect::Java, Dialect::Rust] {
            for end in 0..=text.len() {
                let tokens = lex(&text[..end], dialect);
                assert!(
                    (0..tokens.len()).all(|at| tokens.close(at).is_none_or(|close| close > at))
                );
            }
        }
    }
}
