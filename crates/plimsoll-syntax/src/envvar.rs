//! Variable expansion of Dockerfile words: `$x`, `${x:-word}`, `${x#pat}`, quotes and escapes.
//!
//! Source of the rules: the Dockerfile reference, «Environment replacement», and the builder's
//! behaviour (its test vectors are run in `tests/`).

use std::ops::Range;

use crate::MAX_DEPTH;

/// What the variables of one word may add up to. No process can be given a longer string (Linux
/// refuses one over 128 KiB), and `ENV a=$a$a` doubles with each line.
const MAX_VALUE: usize = 128 * 1024;

/// The longest pattern of `${x#pattern}`; matching costs its length times that of the value.
const MAX_PATTERN: usize = 256;

/// A word after expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The result, quotes removed.
    pub value: String,
    /// The variables that were asked for, in order, with whether each was set. Those in the word
    /// of a modifier (`${a:-$b}`) count whether or not that word was used.
    pub used: Vec<(String, bool)>,
}

/// Why a word cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpandError {
    /// Byte offset in the word.
    pub at: usize,
    /// What is wrong.
    pub message: String,
}

/// Expands `word`: quotes are removed, variables looked up; an unset one is empty.
///
/// # Errors
/// For unterminated quotes or braces, unknown modifiers, `${x:?message}` when unset, and what is
/// nested or grows beyond reason.
pub fn expand(
    word: &str,
    escape: u8,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Expanded, ExpandError> {
    let mut lexer = Lexer::new(word, escape, lookup);
    let value = lexer.until(None, false)?;
    Ok(Expanded { value, used: lexer.used })
}

/// Splits a line into its words as the builder does when it looks for here-documents: at white
/// space outside of quotes and not right after `<<`, quotes and escapes left as written; `None` where a quote or a `${` is
/// not closed.
pub(crate) fn split(line: &str) -> Option<Vec<Range<usize>>> {
    let mut lexer = Lexer::new(line, b'\\', &|_| None);
    lexer.keep_unset = true;
    let mut words = Vec::new();
    let mut start = 0;
    let mut close = |start: usize, end: usize| {
        if start < end {
            words.push(start..end);
        }
    };
    while let Some(next) = lexer.peek() {
        let at = lexer.at;
        match next {
            '\'' => {
                lexer.single_quoted().ok()?;
            }
            '"' => {
                lexer.double_quoted(true).ok()?;
            }
            '\\' => {
                lexer.next();
                lexer.next();
            }
            '$' => {
                lexer.dollar().ok()?;
                for (offset, c) in line.get(at..lexer.at)?.char_indices() {
                    if c.is_whitespace() {
                        close(start, at + offset);
                        start = at + offset + c.len_utf8();
                    }
                }
            }
            '<' => {
                lexer.next();
                if lexer.peek() == Some('<') {
                    lexer.next();
                    while lexer.peek().is_some_and(char::is_whitespace) {
                        lexer.next();
                    }
                }
            }
            c => {
                lexer.next();
                if c.is_whitespace() {
                    close(start, at);
                    start = lexer.at;
                }
            }
        }
    }
    close(start, line.len());
    Some(words)
}

/// Removes quotes and escapes from a here-document's delimiter, and says whether there were
/// quotes; variables stay as they stand.
pub(crate) fn unquote(word: &str) -> Option<(String, bool)> {
    let mut lexer = Lexer::new(word, b'\\', &|_| None);
    lexer.keep_unset = true;
    let name = lexer.until(None, false).ok()?;
    Some((name, lexer.quoted))
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    escape: char,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Whether what is not set stays as it is written.
    keep_unset: bool,
    /// Whether there was a quote.
    quoted: bool,
    used: Vec<(String, bool)>,
    depth: usize,
    produced: usize,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str, escape: u8, lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let escape = char::from(escape);
        let (keep_unset, quoted) = (false, false);
        let (used, depth, produced) = (Vec::new(), 0, 0);
        Self { text, at: 0, escape, lookup, keep_unset, quoted, used, depth, produced }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn fail<T>(&self, at: usize, message: impl Into<String>) -> Result<T, ExpandError> {
        Err(ExpandError { at: at.min(self.text.len()), message: message.into() })
    }

    /// Reads up to and including `stop`, or to the end; `raw` keeps escapes, for patterns.
    fn until(&mut self, stop: Option<char>, raw: bool) -> Result<String, ExpandError> {
        let start = self.at;
        let mut out = String::new();
        while let Some(next) = self.peek() {
            if Some(next) == stop {
                self.next();
                return Ok(out);
            }
            match next {
                '\'' => out.push_str(self.single_quoted()?),
                '"' => out.push_str(&self.double_quoted(raw)?),
                '$' => out.push_str(&self.dollar()?),
                c if c == self.escape => {
                    self.next();
                    if raw {
                        out.push(c);
                    }
                    out.extend(self.next());
                }
                c => {
                    self.next();
                    out.push(c);
                }
            }
        }
        match stop {
            Some(stop) => self.fail(start, format!("no `{stop}` closes this substitution")),
            None => Ok(out),
        }
    }

    fn single_quoted(&mut self) -> Result<&'a str, ExpandError> {
        let start = self.at;
        self.quoted = true;
        let rest = self.text.get(start + 1..).unwrap_or_default();
        let Some(len) = rest.find('\'') else {
            return self.fail(start, "unterminated single quote");
        };
        self.at = start + len + 2;
        Ok(&rest[..len])
    }

    fn double_quoted(&mut self, raw: bool) -> Result<String, ExpandError> {
        let start = self.at;
        self.quoted = true;
        self.next();
        let mut out = String::new();
        while let Some(next) = self.peek() {
            if next == '$' {
                out.push_str(&self.dollar()?);
                continue;
            }
            self.next();
            if next == '"' {
                return Ok(out);
            }
            if next != self.escape {
                out.push(next);
                continue;
            }
            if raw {
                out.push(next);
            }
            match self.peek() {
                Some(c) if c == '"' || c == '$' || c == self.escape => out.extend(self.next()),
                Some(_) => out.push(next),
                None => {}
            }
        }
        self.fail(start, "unterminated double quote")
    }

    /// A `$` and what it stands for; a lone one stands for itself.
    fn dollar(&mut self) -> Result<String, ExpandError> {
        let start = self.at;
        if self.depth >= MAX_DEPTH {
            return self.fail(start, "substitutions are nested too deep");
        }
        self.depth += 1;
        let value = self.substitution(start)?;
        self.depth -= 1;
        if self.produced.max(value.len()) > MAX_VALUE {
            return self.fail(start, "the value grows beyond 128 KiB");
        }
        Ok(value)
    }

    fn substitution(&mut self, start: usize) -> Result<String, ExpandError> {
        self.next();
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            return Ok(self.value(name).unwrap_or_else(|| self.unset(start)));
        }
        self.next();
        let name = self.name();
        if name.is_empty() {
            return self.fail(start, "bad substitution");
        }
        let Some(mut modifier) = self.next() else { return self.fail(start, "missing `}`") };
        if modifier == '}' {
            return Ok(self.value(name).unwrap_or_else(|| self.unset(start)));
        }
        let value = self.value(name);
        if modifier == '/' {
            let all = self.peek() == Some('/');
            if all {
                self.next();
            }
            let pattern = self.until(Some('/'), true)?;
            let replacement = self.until(Some('}'), true)?;
            let Some(value) = value else { return Ok(self.unset(start)) };
            return match Glob::new(&pattern) {
                Ok(glob) => Ok(glob.replace(&value, &replacement, all)),
                Err(message) => self.fail(start, message),
            };
        }
        let empty_counts = modifier == ':';
        if empty_counts {
            let Some(next) = self.next() else { return self.fail(start, "missing `}`") };
            modifier = next;
        }
        if !matches!(modifier, '-' | '+' | '?' | '#' | '%') {
            return self.fail(start, format!("unsupported modifier `{modifier}`"));
        }
        let word = self.until(Some('}'), matches!(modifier, '#' | '%'))?;
        if value.is_none() && self.keep_unset {
            return Ok(self.unset(start));
        }
        let missing = value.as_deref().is_none_or(|v| empty_counts && v.is_empty());
        let value = value.unwrap_or_default();
        match modifier {
            '-' => Ok(if missing { word } else { value }),
            '+' => Ok(if missing { String::new() } else { word }),
            '?' if !missing => Ok(value),
            '?' if word.is_empty() => self.fail(start, format!("{name}: has no value")),
            '?' => self.fail(start, format!("{name}: {word}")),
            _ => {
                let longest = word.starts_with(modifier);
                let pattern = if longest { &word[1..] } else { &word };
                match Glob::new(pattern) {
                    Ok(glob) if modifier == '#' => Ok(glob.trim_start(&value, longest)),
                    Ok(glob) => Ok(glob.trim_end(&value, longest)),
                    Err(message) => self.fail(start, message),
                }
            }
        }
    }

    /// A variable's name, a number, or a special parameter such as `$@`.
    fn name(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = match rest.chars().next() {
            Some(c) if c.is_numeric() => rest.find(|c: char| !c.is_numeric()).unwrap_or(rest.len()),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
            _ => rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()),
        };
        self.at += len;
        &rest[..len]
    }

    fn value(&mut self, name: &str) -> Option<String> {
        let value = (self.lookup)(name);
        self.produced += value.as_ref().map_or(0, String::len);
        self.used.push((name.to_owned(), value.is_some()));
        value
    }

    /// What stands for an unset variable whose substitution began at `start`.
    fn unset(&self, start: usize) -> String {
        let kept = if self.keep_unset { self.text.get(start..self.at) } else { None };
        kept.unwrap_or_default().to_owned()
    }
}

/// A pattern of `*`, `?` and characters, cut at its stars; `None` is a `?`.
struct Glob {
    parts: Vec<Vec<Option<char>>>,
}

impl Glob {
    fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err(format!("the pattern is longer than {MAX_PATTERN} bytes"));
        }
        let mut parts = Vec::new();
        let mut part = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '*' => parts.push(std::mem::take(&mut part)),
                '?' => part.push(None),
                // Within `${…}` a slash or a brace has to be escaped; the pattern means it plain.
                '\\' if matches!(chars.peek(), Some('/' | '}')) => {}
                '\\' => match chars.next() {
                    Some(c @ ('*' | '?' | '\\')) => part.push(Some(c)),
                    _ => return Err(format!("bad escape in the pattern `{pattern}`")),
                },
                c => part.push(Some(c)),
            }
        }
        parts.push(part);
        Ok(Self { parts })
    }

    /// Where a match that begins at `from` ends; `longest` or shortest.
    fn end(&self, value: &[char], from: usize, longest: bool) -> Option<usize> {
        let (first, rest) = self.parts.split_first()?;
        if !part_at(first, value, from) {
            return None;
        }
        let mut end = from + first.len();
        let Some((last, middle)) = rest.split_last() else { return Some(end) };
        // Taking each part as early as possible leaves most room for those after it.
        for part in middle {
            end = (end..=value.len()).find(|&at| part_at(part, value, at))? + part.len();
        }
        let mut places = end..=value.len().checked_sub(last.len())?;
        let fits = |at: &usize| part_at(last, value, *at);
        let at = if longest { places.rfind(fits) } else { places.find(fits) };
        at.map(|at| at + last.len())
    }

    fn trim_start(&self, value: &str, longest: bool) -> String {
        let chars: Vec<char> = value.chars().collect();
        let end = self.end(&chars, 0, longest).unwrap_or(0);
        chars.get(end..).unwrap_or_default().iter().collect()
    }

    fn trim_end(&self, value: &str, longest: bool) -> String {
        let parts = self.parts.iter().rev().map(|p| p.iter().rev().copied().collect()).collect();
        let backwards: String = value.chars().rev().collect();
        Self { parts }.trim_start(&backwards, longest).chars().rev().collect()
    }

    /// Replaces the first match, or all of them, each as long as it can be. Stops once the
    /// result is too long to be a value.
    fn replace(&self, value: &str, with: &str, all: bool) -> String {
        let chars: Vec<char> = value.chars().collect();
        let mut out = String::new();
        let mut at = 0;
        // Where a pattern with a star matches it takes the most that is left; where it does not
        // although its first part does, its other parts are nowhere further right either.
        let mut open = true;
        let mut after_match = false;
        while at <= chars.len() && out.len() <= MAX_VALUE {
            let end = if open { self.end(&chars, at, true) } else { None };
            if let Some(end) = end
                && (end > at || !after_match)
            {
                out.push_str(with);
                open = all && self.parts.len() == 1;
                after_match = end > at;
                if after_match {
                    at = end;
                    continue;
                }
            } else {
                after_match = false;
                if end.is_none() && self.parts.len() > 1 {
                    open &= !self.parts.first().is_some_and(|first| part_at(first, &chars, at));
                }
            }
            out.extend(chars.get(at));
            at += 1;
        }
        out
    }
}

fn part_at(part: &[Option<char>], value: &[char], at: usize) -> bool {
    value
        .get(at..at + part.len())
        .is_some_and(|v| part.iter().zip(v).all(|(p, c)| p.is_none_or(|p| p == *c)))
}
