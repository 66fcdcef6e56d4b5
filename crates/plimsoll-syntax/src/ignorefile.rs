//! Docker ignore files: patterns with `**`, `!` and the builder's own matching rules.
//!
//! Source of the rules: the build context reference and the behaviour of moby's pattern matcher
//! (its test vectors are run in `tests/`).

use plimsoll_source::{Derived, Span, TextRange};

use crate::{SyntaxError, dockerfile::trim};

/// The most patterns that are read: each is tried on every path and its parents.
const MAX_PATTERNS: usize = 4096;

/// The longest pattern that is read, in bytes: no path is longer.
const MAX_PATTERN: usize = 4096;

/// A parsed ignore file; every text is one.
#[derive(Clone, Debug, Default)]
pub struct IgnoreFile {
    /// The patterns in order.
    pub patterns: Vec<Pattern>,
    /// Lines that are no pattern: the builder refuses to build with them. They match nothing here.
    pub errors: Vec<SyntaxError>,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// As written, trimmed, without a leading `!`; cleaned as the builder does.
    pub text: String,
    /// Whether it brings back what an earlier one excluded.
    pub negated: bool,
    /// The line's text.
    pub span: Span,
    glob: Glob,
}

/// Parses an ignore file; the patterns are compiled here, once.
#[must_use]
pub fn parse(text: &Derived) -> IgnoreFile {
    let bytes = text.text();
    let mut file = IgnoreFile::default();
    let mut at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    while at < bytes.len() {
        let start = at;
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |len| start + len);
        at = end + 1;
        let range = trim(bytes, start..end);
        // Only a `#` at the very start of a line makes a comment.
        if range.is_empty() || bytes[start] == b'#' {
            continue;
        }
        let span = text.span(TextRange::of(range.start, range.end));
        let message = if file.patterns.len() == MAX_PATTERNS {
            format!("only the first {MAX_PATTERNS} patterns are read")
        } else {
            match pattern(&String::from_utf8_lossy(&bytes[range]), span) {
                Ok(pattern) => {
                    file.patterns.push(pattern);
                    continue;
                }
                Err(message) => message,
            }
        };
        let fatal = file.patterns.len() == MAX_PATTERNS;
        file.errors.push(SyntaxError { span, message, fatal });
        if fatal {
            break;
        }
    }
    file
}

fn pattern(line: &str, span: Span) -> Result<Pattern, String> {
    let (negated, text) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
    if text.is_empty() {
        return Err("`!` without a pattern".to_owned());
    }
    if text.len() > MAX_PATTERN {
        return Err(format!("a pattern of more than {MAX_PATTERN} bytes"));
    }
    let text = clean(text);
    let Some(glob) = Glob::new(&text) else { return Err(format!("`{text}` is not a pattern")) };
    Ok(Pattern { text, negated, span, glob })
}

/// A path without `.`, `..`, doubled or trailing slashes, and without a leading one.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match parts.is_empty() {
        true if rooted => "/".to_owned(),
        true => ".".to_owned(),
        false => parts.join("/"),
    }
}

impl IgnoreFile {
    /// The pattern that decides on `path` (relative to the context root): the last that matches
    /// it, or that matched one of its parent directories; `None` when none does. The path is
    /// excluded when that pattern is not negated.
    ///
    /// As the builder walks down, a pattern that would change nothing for a directory is not
    /// tried on it: then it cannot reach what is below the directory through it either.
    ///
    /// Costs one trial for each pattern and each directory of the path; most are comparisons of a
    /// prefix or a suffix, and none more than pattern times path.
    #[must_use]
    pub fn deciding(&self, path: &str) -> Option<&Pattern> {
        let path = path.trim_end_matches('/');
        if path == "." {
            return None;
        }
        let ends = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
        let only_excludes = self.patterns.iter().all(|p| !p.negated);
        let mut matched = vec![false; self.patterns.len()];
        let mut deciding = None;
        for end in ends.chain([path.len()]) {
            deciding = None;
            let mut excluded = false;
            for (pattern, matched) in self.patterns.iter().zip(&mut matched) {
                if !*matched && pattern.negated == excluded {
                    *matched = pattern.glob.matches(&path[..end]);
                }
                if *matched {
                    excluded = !pattern.negated;
                    deciding = Some(pattern);
                }
            }
            if only_excludes && excluded {
                break;
            }
        }
        deciding
    }

    /// Whether `path` is kept out of the build context.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        self.deciding(path).is_some_and(|p| !p.negated)
    }
}

/// Whether `path` matches a COPY or ADD source with wildcards: `*` and `?` stop at `/`, `[a-z]`
/// and `[^a-z]` are classes, `\` escapes, `**` is no more than `*`. `None` if the pattern is
/// malformed (which stops the build) or longer than any path. Source: Go's `filepath.Match`.
#[must_use]
pub fn glob_match(pattern: &str, path: &str) -> Option<bool> {
    if pattern.len() > MAX_PATTERN {
        return None;
    }
    Some(run(&tokens(pattern, false)?, path))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`: any character but `/`.
    Any,
    /// `[…]`, which may be a `/`.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// `*`: any number of characters but `/`.
    Star,
    /// `**` before something else: nothing, or any text that ends in `/`.
    Directories,
    /// `**` at the end: any text.
    Anything,
}

/// Cuts a pattern into tokens; `None` if it is malformed. `deep` gives `**` its meaning.
fn tokens(pattern: &str, deep: bool) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let token = match c {
            '*' if deep && chars.next_if_eq(&'*').is_some() => {
                let slash = chars.next_if_eq(&'/').is_some();
                let amid = tokens.is_empty() && !slash && is_plain(chars.clone());
                if amid || chars.peek().is_none() { Token::Anything } else { Token::Directories }
            }
            '*' => Token::Star,
            '?' => Token::Any,
            '[' => class(&mut chars)?,
            '\\' => Token::Literal(chars.next()?),
            c => Token::Literal(c),
        };
        if token != Token::Star || tokens.last() != Some(&Token::Star) {
            tokens.push(token);
        }
    }
    Some(tokens)
}

/// Whether no character of a pattern is special: such a name right after leading stars may begin
/// amid a file name.
fn is_plain(mut chars: impl Iterator<Item = char>) -> bool {
    chars.all(|c| !matches!(c, '*' | '?' | '[' | ']' | '\\'))
}

fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
        let low = class_char(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { class_char(chars)? } else { low };
        ranges.push((low, high));
    }
    Some(Token::Class { negated, ranges })
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}

/// Whether the tokens match the whole of `path`: all ways at once, so that no pattern can make it
/// cost more than tokens times path.
fn run(tokens: &[Token], path: &str) -> bool {
    // `now[i]`: what is left to match begins at token `i`.
    let mut now = vec![false; tokens.len() + 1];
    let mut next = now.clone();
    enter(tokens, &mut now, 0);
    for c in path.chars() {
        let mut alive = false;
        for (i, token) in tokens.iter().enumerate().filter(|(i, _)| now[*i]) {
            let to = match token {
                Token::Literal(literal) => (*literal == c).then_some(i + 1),
                Token::Any => (c != '/').then_some(i + 1),
                Token::Class { negated, ranges } => {
                    let within = ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                    (within != *negated).then_some(i + 1)
                }
                Token::Star => (c != '/').then_some(i),
                Token::Anything => Some(i),
                Token::Directories => {
                    // Amid a name it can only go on; after a slash it can end.
                    next[i] = true;
                    alive = true;
                    (c == '/').then_some(i + 1)
                }
            };
            if let Some(to) = to {
                enter(tokens, &mut next, to);
                alive = true;
            }
        }
        if !alive {
            return false;
        }
        std::mem::swap(&mut now, &mut next);
        next.fill(false);
    }
    now[tokens.len()]
}

/// Marks a token as reached, and those behind it while they can match nothing at all.
fn enter(tokens: &[Token], states: &mut [bool], mut at: usize) {
    loop {
        states[at] = true;
        match tokens.get(at) {
            Some(Token::Star | Token::Directories | Token::Anything) => at += 1,
            _ => return,
        }
    }
}

/// What stands between the stars of a name in any directory; `None` for any other pattern.
fn named(tokens: &[Token]) -> Option<Vec<String>> {
    let (Token::Directories, name) = tokens.split_first()? else { return None };
    let mut pieces = vec![String::new()];
    for token in name {
        match token {
            Token::Star => pieces.push(String::new()),
            Token::Literal(c) if *c != '/' => pieces.last_mut()?.push(*c),
            _ => return None,
        }
    }
    Some(pieces)
}

/// Whether a name is these pieces, with anything between them.
fn has_pieces(name: &str, pieces: &[String]) -> bool {
    let [first, between @ .., last] = pieces else { return pieces.iter().all(|one| one == name) };
    let inside =
        name.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()));
    let mut rest = inside;
    for piece in between {
        rest = rest.and_then(|rest| rest.split_once(piece.as_str())).map(|(_, rest)| rest);
    }
    rest.is_some()
}

/// A compiled pattern; the first kinds are what nearly all lines are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Glob {
    /// This path.
    Exact(String),
    /// Paths that begin so: `build/**`.
    Prefix(String),
    /// Paths that end so: `**.log`.
    Suffix(String),
    /// This path in any directory: `**/target`.
    Anywhere(String),
    /// One name, or what stands beside it, by what it begins and ends with: `*.log`, `logs/*`.
    Between { prefix: String, suffix: String },
    /// A name in any directory, by what stands between its stars: `**/*wallet*.json`.
    Named(Vec<String>),
    /// Anything else, with what it surely begins and ends with.
    Tokens { prefix: String, suffix: String, tokens: Vec<Token> },
}

impl Glob {
    fn new(pattern: &str) -> Option<Self> {
        let tokens = tokens(pattern, true)?;
        let literal = |token: &Token| match token {
            Token::Literal(c) => Some(*c),
            _ => None,
        };
        let prefix: String = tokens.iter().map_while(literal).collect();
        let mut suffix: Vec<char> = tokens.iter().rev().map_while(literal).collect();
        suffix.reverse();
        let fixed = prefix.chars().count();
        let middle = tokens.get(fixed..tokens.len() - suffix.len()).unwrap_or_default();
        let suffix: String = suffix.into_iter().collect();
        Some(match middle {
            [] => Self::Exact(prefix),
            [Token::Anything] if suffix.is_empty() => Self::Prefix(prefix),
            [Token::Anything] if prefix.is_empty() => Self::Suffix(suffix),
            [Token::Directories] if prefix.is_empty() => Self::Anywhere(suffix),
            // `**/*.log`: any name in any directory.
            [Token::Directories, Token::Star] if prefix.is_empty() && !suffix.contains('/') => {
                Self::Suffix(suffix)
            }
            [Token::Star] => Self::Between { prefix, suffix },
            _ if let Some(pieces) = named(&tokens) => Self::Named(pieces),
            _ => Self::Tokens { prefix, suffix, tokens },
        })
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => path.ends_with(text.as_str()),
            Self::Anywhere(text) => path
                .strip_suffix(text.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('/')),
            Self::Between { prefix, suffix } => path
                .strip_prefix(prefix.as_str())
                .and_then(|rest| rest.strip_suffix(suffix.as_str()))
                .is_some_and(|name| !name.contains('/')),
            Self::Named(pieces) => has_pieces(path.rsplit('/').next().unwrap_or(path), pieces),
            Self::Tokens { prefix, suffix, tokens } => {
                path.starts_with(prefix.as_str())
                    && path.ends_with(suffix.as_str())
                    && run(tokens, path)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Glob, run, tokens};

    /// What is tried in a shorter way comes out as trying every way does.
    #[test]
    fn the_short_ways_are_right() {
        let patterns = [
            "a", "a/b", "*", "*.log", "logs/*", "a*b", "**", "**/a", "**/a/b", "**/*", "**/*.log",
            "**/a*", "**/a*b", "**/*a*", "**/a*b*c", "**/*a*a*", "**/a*a", "a/**", "a/**/b",
            "**.log", "**/*a/b", "*a*b*", "**/a?", "**/[ab]*", "?", "a/*/b", "**/**/a*",
        ];
        let mut paths = vec![String::new()];
        let mut from = 0;
        for _ in 0..5 {
            let to = paths.len();
            for at in from..to {
                for next in ["a", "b", "/", ".log"] {
                    paths.push(format!("{}{next}", paths[at]));
                }
            }
            from = to;
        }
        for pattern in patterns {
            let (glob, tokens) = (Glob::new(pattern).unwrap(), tokens(pattern, true).unwrap());
            let is_path = |p: &&String| !p.is_empty() && !p.starts_with('/') && !p.ends_with('/');
            for path in paths.iter().filter(is_path).filter(|path| !path.contains("//")) {
                assert_eq!(glob.matches(path), run(&tokens, path), "{pattern} on {path}");
            }
        }
    }
}
