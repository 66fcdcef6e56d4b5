//! Names with the values that they get in any text: `NAME=value`, `name: value`, `ENV NAME value`,
//! `--name value`, `Authorization: Bearer value`.
//!
//! By hand, since a process that audits three files would spend longer on making regular
//! expressions of this than on looking at them.

use plimsoll_source::TextRange;

/// A name and the value behind it, quotes cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: TextRange,
    pub(crate) value: TextRange,
    pub(crate) quoted: bool,
}

/// `NAME=value`, `name: value` and `"name": "value"`, in their order.
pub(crate) fn assignments(text: &[u8]) -> impl Iterator<Item = Assignment> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + text.get(at..)?.iter().position(|&byte| starts_name(byte))?;
            let end = name_end(text, start);
            at = end;
            let quote = usize::from(matches!(text.get(end), Some(b'"' | b'\'')));
            let sign = blanks(text, end + quote);
            if !matches!(text.get(sign), Some(b'=' | b':')) {
                continue;
            }
            let value = blanks(text, sign + 1);
            if let Some((value, quoted, next)) = value_at(text, value, b"\"'`,;&|)}]", b"") {
                at = next;
                return Some(Assignment { name: TextRange::of(start, end), value, quoted });
            }
        }
    })
}

/// `ENV NAME value` and `--name value`, in their order.
pub(crate) fn spaced(text: &[u8]) -> impl Iterator<Item = Assignment> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let sign = at + memchr::memchr2(b'-', b'E', text.get(at..)?)?;
            at = sign + 1;
            let rest = text.get(sign..)?;
            let start = if rest.starts_with(b"--") {
                sign + 2
            } else if rest.starts_with(b"ENV")
                && !sign.checked_sub(1).is_some_and(|i| word(text, i))
            {
                let start = blanks(text, sign + 3);
                if start == sign + 3 {
                    continue;
                }
                start
            } else {
                continue;
            };
            if !text.get(start).is_some_and(|&byte| starts_name(byte)) {
                continue;
            }
            let end = name_end(text, start);
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
            let gap = text.get(end..)?.iter().take_while(|byte| blank(byte)).count();
            if gap == 0 {
                continue;
            }
            if let Some((value, quoted, next)) = value_at(text, end + gap, b"\"',;&|)}]", b"-") {
                at = next;
                return Some(Assignment { name: TextRange::of(start, end), value, quoted });
            }
        }
    })
}

/// What stands behind `Authorization:`, the scheme cut off.
pub(crate) fn authorizations(text: &[u8]) -> impl Iterator<Item = TextRange> {
    const HEADER: &[u8] = b"authorization";
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + memchr::memchr2(b'a', b'A', text.get(at..)?)?;
            at = start + 1;
            let end = start + HEADER.len();
            if !text.get(start..end).is_some_and(|name| name.eq_ignore_ascii_case(HEADER)) {
                continue;
            }
            let sign = blanks(text, end);
            if text.get(sign) != Some(&b':') {
                continue;
            }
            let value = blanks(text, sign + 1);
            let scheme = name_end(text, value);
            let named = text.get(value..scheme).unwrap_or_default();
            let known = |name: &&[u8]| named.eq_ignore_ascii_case(name);
            let token = blanks(text, scheme);
            let behind = [&b"bearer"[..], b"basic", b"token"].iter().any(known) && token > scheme;
            let found = behind.then(|| value_at(text, token, b"\"'", b"$")).flatten();
            let found = found
                .filter(|(_, quoted, _)| !quoted)
                .or_else(|| value_at(text, value, b"\"'", b"$").filter(|(_, quoted, _)| !quoted));
            if let Some((value, _, next)) = found {
                at = next;
                return Some(value);
            }
        }
    })
}

/// A value that begins here: in quotes on one line, or up to a blank or one of `ends`; bare, it
/// begins with none of `never`. With where reading goes on.
fn value_at(
    text: &[u8],
    start: usize,
    ends: &[u8],
    never: &[u8],
) -> Option<(TextRange, bool, usize)> {
    let rest = text.get(start..)?;
    let first = *rest.first()?;
    if matches!(first, b'"' | b'\'') {
        let inner = rest.get(1..)?;
        let end = memchr::memchr2(first, b'\n', inner)?;
        if inner.get(end) != Some(&first) {
            return None;
        }
        return Some((TextRange::of(start + 1, start + 1 + end), true, start + end + 2));
    }
    let stops = |byte: &u8| is_blank(*byte) || ends.contains(byte);
    if never.contains(&first) || stops(&first) {
        return None;
    }
    let end = start + rest.iter().position(stops).unwrap_or(rest.len());
    Some((TextRange::of(start, end), false, end))
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// Where the name that begins at `start` ends.
fn name_end(text: &[u8], start: usize) -> usize {
    let in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    start + text.get(start..).unwrap_or_default().iter().take_while(in_name).count()
}

/// The first place from `start` on that is no blank.
fn blanks(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    start + rest.iter().take_while(|byte| is_blank(**byte)).count()
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn word(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, found: impl Iterator<Item = Assignment>) -> String {
        let found = found.map(|pair| {
            let of = |range: TextRange| String::from_utf8_lossy(range.slice(text.as_bytes()));
            let quote = if pair.quoted { "\"" } else { "" };
            format!("{}={quote}{}{quote}", of(pair.name), of(pair.value))
        });
        found.collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(text, assignments(text.as_bytes())), expected);
    }

    #[track_caller]
    fn check_spaced(text: &str, expected: &str) {
        assert_eq!(shown(text, spaced(text.as_bytes())), expected);
    }

    #[track_caller]
    fn check_header(text: &str, expected: &str) {
        let found = authorizations(text.as_bytes());
        let found = found.map(|at| String::from_utf8_lossy(at.slice(text.as_bytes())).into_owned());
        assert_eq!(found.collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn names_with_a_sign() {
        check("A=1 b: 2,c='3 4' \"d\": \"5\"\n", "A=1 b=2 c=\"3 4\" d=\"5\"");
        check("9abc=1 a.b-c =\n x", "abc=1 a.b-c=x");
        check("a=\"open\nb=1", "b=1");
        check("a: b: c", "a=b:");
        check("a=$X;b=`c`", "a=$X");
        check("a'=b", "a=b");
        check("", "");
        check("name", "");
        check("a=", "");
    }

    #[test]
    fn names_with_a_blank() {
        check_spaced(
            "ENV NAME value --other 'a b' --flag --last x",
            "NAME=value other=\"a b\" last=x",
        );
        check_spaced("MYENV a b ---deep c", "deep=c");
        check_spaced("ENV\tA\tb ENVA b", "A=b");
        check_spaced("--a -b --c\nd", "");
    }

    /// What the readers above are by hand.
    #[test]
    fn as_regular_expressions_say() {
        let assignment = regex::bytes::Regex::new(
            r#"(?-u)([A-Za-z_][A-Za-z0-9_.\-]*)["']?\s*[=:]\s*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"'`,;&|)}\]]+))"#,
        )
        .expect("a regular expression");
        let behind = regex::bytes::Regex::new(
            r#"(?-u)(?:\bENV\s+|--)([A-Za-z_][A-Za-z0-9_.\-]*)[ \t]+(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"',;&|)}\]\-][^\s"',;&|)}\]]*))"#,
        )
        .expect("a regular expression");
        let header = regex::bytes::Regex::new(
            r#"(?i-u)authorization\s*:\s*(?:(?:bearer|basic|token)\s+)?([^\s"'$][^\s"']*)"#,
        )
        .expect("a regular expression");
        let said = |pattern: &regex::bytes::Regex, text: &[u8]| -> Vec<Assignment> {
            let pairs = pattern.captures_iter(text).map(|pair| {
                let group = |i: usize| pair.get(i).map(|m| TextRange::of(m.start(), m.end()));
                let bare = group(4);
                let value = group(2).or(group(3)).or(bare).expect("a value");
                Assignment { name: group(1).expect("a name"), value, quoted: bare.is_none() }
            });
            pairs.collect()
        };
        let pieces: [&[u8]; 26] = [
            b"a",
            b"_",
            b"9",
            b".",
            b"-",
            b"--",
            b"ENV",
            b" ",
            b"\t",
            b"\n",
            b"\x0b",
            b"=",
            b":",
            b"\"",
            b"'",
            b"`",
            b",",
            b"}",
            b"$",
            b"\xff",
            b"Authorization",
            b"bearer",
            b"token ",
            b"NAME ",
            b"b=",
            b"c: ",
        ];
        let mut seed = 7_u64;
        for _ in 0..1_000 {
            let mut text = Vec::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.extend_from_slice(pieces[(seed >> 33) as usize % pieces.len()]);
            }
            let shown = String::from_utf8_lossy(&text).into_owned();
            assert_eq!(
                assignments(&text).collect::<Vec<_>>(),
                said(&assignment, &text),
                "{shown:?}"
            );
            assert_eq!(spaced(&text).collect::<Vec<_>>(), said(&behind, &text), "{shown:?}");
            let values = header.captures_iter(&text).filter_map(|found| found.get(1));
            let values: Vec<_> = values.map(|m| TextRange::of(m.start(), m.end())).collect();
            assert_eq!(authorizations(&text).collect::<Vec<_>>(), values, "{shown:?}");
        }
    }

    #[test]
    fn headers() {
        check_header("Authorization: Bearer abc", "abc");
        check_header("AUTHORIZATION:abc' authorization : token \"x", "abc token");
        check_header("authorization: $TOKEN", "");
        check_header("authorization: Bearer $TOKEN", "Bearer");
        check_header("authorizations: x", "");
    }
}
