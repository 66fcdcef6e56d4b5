//! Secrets in a line of text, whatever the file: what no excerpt and no message may show.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use plimsoll_source::TextRange;

use crate::assignment::{Assignment, assignments, authorizations, spaced};
use crate::password;
use crate::secret::{automaton, is_placeholder, is_secret_name, literal_secret, refers, signs};

/// The ranges of `text` that hold secrets, sorted, not overlapping.
#[must_use]
pub fn secret_ranges(text: &[u8]) -> Vec<TextRange> {
    ranges(text, false)
}

/// `prose`: a colon before a blank ends a clause and names no value.
fn ranges(text: &[u8], prose: bool) -> Vec<TextRange> {
    let mut found = Vec::new();
    let mut add = |name: &str, value: &[u8], start: usize| {
        let Ok(value) = std::str::from_utf8(value) else { return };
        if let Some(literal) = literal_secret(name, value) {
            found.push(TextRange::of(
                start + literal.range.start as usize,
                start + literal.range.end as usize,
            ));
        }
    };
    let has_sign = signs().is_none_or(|signs| signs.is_match(text));
    for Assignment { name, value, quoted } in assignments(text).chain(spaced(text)) {
        let (before, after) =
            (name.end as usize, text.get(name.end as usize..).unwrap_or_default());
        // A key on the line below opens a map: `app-auth:` and `condition: …`.
        let gap = text.get(before..value.start as usize).unwrap_or_default();
        let opens = !quoted && value.slice(text).ends_with(b":") && gap.contains(&b'\n');
        if opens || prose && after.starts_with(b": ") {
            continue;
        }
        let name = std::str::from_utf8(name.slice(text)).unwrap_or_default();
        // Most are neither a secret by their name nor one by their form.
        if has_sign || is_secret_name(name) {
            add(name, value.slice(text), value.start as usize);
        }
    }
    for (word, start) in credentials(text) {
        // `NAME=value` is one word here: its value is looked at by itself.
        let at = memchr::memchr(b'=', word).map_or(0, |i| i + 1);
        add("", word.get(at..).unwrap_or_default(), start + at);
        add("", word, start);
    }
    for value in authorizations(text) {
        add("AUTHORIZATION_TOKEN", value.slice(text), value.start as usize);
    }
    for (value, start) in arguments(text) {
        if !is_placeholder(value) && !refers(value) {
            found.push(TextRange::of(start, start + value.len()));
        }
    }
    found.sort_unstable();
    let mut merged: Vec<TextRange> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => *last = last.cover(range),
            _ => merged.push(range),
        }
    }
    merged
}

/// Words that have the sign of a token's form or of a URL in them, wherever they stand, with their
/// places.
fn credentials(text: &[u8]) -> Vec<(&[u8], usize)> {
    let ends = |b: &u8| b.is_ascii_whitespace() || br#""'`,;<>(){}[]"#.contains(b);
    let mut words: Vec<(&[u8], usize)> = Vec::new();
    for sign in signs().into_iter().flat_map(|signs| signs.find_iter(text)) {
        let (before, after) = text.split_at(sign.start());
        let start = before.iter().rposition(ends).map_or(0, |at| at + 1);
        let end = sign.start() + after.iter().position(ends).unwrap_or(after.len());
        if words.last().is_none_or(|(_, last)| *last != start) {
            words.push((text.get(start..end).unwrap_or_default(), start));
        }
    }
    words
}

/// The words behind options that take a password, in a line of the shell or in a list of words, with
/// their places.
fn arguments(text: &[u8]) -> Vec<(&str, usize)> {
    /// How many words behind a program's name are its own.
    const WORDS: usize = 40;
    let mut found = Vec::new();
    let mut next = 0;
    for sign in OPTIONS.iter().flat_map(|signs| signs.find_iter(text)) {
        let start = sign.start();
        if start < next {
            continue;
        }
        let (mut program, mut before) = ("", "");
        for (word, at) in words(text, start).take(WORDS) {
            let option = before.trim_start_matches('-');
            let long = before.len() > option.len() && !before.contains('=');
            let value =
                password::behind_short(program, before, word)
                    .or((long && password::is_option(option) && !word.starts_with('-'))
                        .then_some(word));
            if let Some(value) = value {
                found.push((value, at + word.len() - value.len()));
            }
            if password::is_program(word) {
                program = word.rsplit('/').next().unwrap_or(word);
            }
            before = word;
            next = at + word.len();
        }
    }
    found
}

/// The words of a command from a place on: quotes, brackets, commas and the dashes of a list stand
/// between them. It ends where the next command or key begins.
fn words(text: &[u8], start: usize) -> impl Iterator<Item = (&str, usize)> {
    let between = |byte: &u8| byte.is_ascii_whitespace() || br#""'`,[]()"#.contains(byte);
    let mut at = start;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let from = at + rest.iter().position(|byte| !between(byte))?;
            let word = text.get(from..)?;
            let len = word.iter().position(between).unwrap_or(word.len());
            at = from + len;
            let word = std::str::from_utf8(word.get(..len)?).ok()?;
            match word {
                "-" | "\\" => {}
                "&&" | "||" | "|" | ";" => return None,
                _ if word.ends_with(':') && !word.starts_with('-') => return None,
                _ => return Some((word, from)),
            }
        }
    })
}

/// What a command has that may hold a password: the options' names and the programs with short ones.
static OPTIONS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let signs = [
        "--requirepass",
        "--masterauth",
        "--masterpass",
        "--pass",
        "--user-pass",
        "--auth",
        "--token",
        "--secret",
        "redis-cli",
        "valkey-cli",
        "keydb-cli",
        "mysql",
        "mariadb",
        "mongo",
        "sshpass",
        "curl",
    ];
    automaton().build(signs).ok()
});

/// A sentence with its secrets replaced by `***`; `None` when it holds none.
#[must_use]
pub fn redacted(text: &str) -> Option<String> {
    let sign = SIGNS.as_ref().is_none_or(|signs| signs.is_match(text));
    if sign { replaced(text, &ranges(text.as_bytes(), true)) } else { None }
}

/// What a sentence that holds a secret has: an assignment, a URL, or the start of a token's form.
static SIGNS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let signs = [
        "=",
        "://",
        "--",
        " -a",
        " -p",
        " -u",
        "uthorization",
        "BEGIN",
        "AKIA",
        "ASIA",
        "gh",
        "github_pat_",
        "glpat-",
        "npm_",
        "k_live_",
        "xox",
        "SG.",
        "AIza",
        "sk-",
        "dckr_pat_",
        "eyJ",
    ];
    // Searching ahead for single bytes pays in long texts; a sentence is short.
    automaton().prefilter(false).build(signs).ok()
});

fn replaced(text: &str, ranges: &[TextRange]) -> Option<String> {
    if ranges.is_empty() {
        return None;
    }
    let mut out = String::new();
    let mut at = 0;
    for range in ranges {
        out.push_str(text.get(at..range.start as usize).unwrap_or_default());
        out.push_str("***");
        at = range.end as usize;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = replaced(text, &secret_ranges(text.as_bytes()));
        assert_eq!(found.as_deref().unwrap_or(text), expected);
    }

    #[test]
    fn our_own_sentences_stay() {
        assert_eq!(redacted("it is a secret: mount-it-as-a-file"), None);
        assert_eq!(redacted("`TOKEN=not-real-1` is set").as_deref(), Some("`TOKEN=***` is set"));
        let token = format!("found ghp_{}", "0".repeat(36));
        assert_eq!(redacted(&token).as_deref(), Some("found ***"));
    }

    #[test]
    fn values_are_hidden_and_names_are_not() {
        check("ENV API_TOKEN=not-real-1 PORT=80", "ENV API_TOKEN=*** PORT=80");
        check("      DB_PASSWORD: not-real-1", "      DB_PASSWORD: ***");
        check(r#""password": "not-real-1","#, r#""password": "***","#);
        check("PGPASSWORD=not-real-1 psql -U app", "PGPASSWORD=*** psql -U app");
        check("url: postgres://app:not-real-1@db:5432/x", "url: postgres://app:***@db:5432/x");
        check("ENV DB_PASSWORD not-real-1", "ENV DB_PASSWORD ***");
        check("curl -H 'Authorization: Bearer not-real-1'", "curl -H 'Authorization: Bearer ***'");
        check("PASSWORD: ${DB_PASSWORD}", "PASSWORD: ${DB_PASSWORD}");
        for harmless in [
            r#""token-introspection": "workspace:*","#,
            r#""csrf-token": "^1.2.3","#,
            r#""csrf-token": "1.2.3","#,
            "  app-auth:\n    condition: service_started\n",
        ] {
            check(harmless, harmless);
        }
        check("db-auth: not-real-1:\n", "db-auth: ***\n");
        check("DB_PASSWORD: 123456", "DB_PASSWORD: ***");
        check(
            "redis-server --requirepass not-real-1 --port 1",
            "redis-server --requirepass *** --port 1",
        );
        check(
            "test: ['CMD', 'redis-cli', '-a', 'not-real-1', 'ping']",
            "test: ['CMD', 'redis-cli', '-a', '***', 'ping']",
        );
        check("- --requirepass\n      - not-real-1\n", "- --requirepass\n      - ***\n");
        check("mysqladmin ping -uroot -pnot-real-1", "mysqladmin ping -uroot -p***");
        check(
            "curl -fsS -u bob:not-real-1 https://x.example",
            "curl -fsS -u bob:*** https://x.example",
        );
        check("sshpass -p not-real-1 ssh a", "sshpass -p *** ssh a");
        check("redis-cli -a $REDIS_PASSWORD ping", "redis-cli -a $REDIS_PASSWORD ping");
        check("mysql -uroot -p db", "mysql -uroot -p db");
        check("redis-cli ping && mkdir -p a -a b", "redis-cli ping && mkdir -p a -a b");
        check(
            "`DB_PASSWORD` has a literal value: take it out",
            "`DB_PASSWORD` has a literal value: take it out",
        );
    }
}
