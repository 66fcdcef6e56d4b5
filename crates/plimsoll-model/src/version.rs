//! Versions and npm's ranges, as far as a plain reading decides.

/// `major.minor.patch` of a version; `None` for anything with more or less to it.
fn triple(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.trim().trim_start_matches(['v', '=']).split('.');
    let mut next = || parts.next()?.parse().ok();
    let triple = [next()?, next()?, next()?];
    parts.next().is_none().then_some(triple)
}

/// The first number in a range: the major that `^8.50.0`, `~8`, `8.x` and `>=8` ask for.
pub(crate) fn major(range: &str) -> Option<u64> {
    let digits = range.trim().trim_start_matches(['^', '~', '=', 'v', '>', ' ']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// Whether a version satisfies one plain range: exact, `^`, `~`, `>=`, `x`-ranges, `*`. `None` for
/// pre-releases, unions and all that would need npm itself.
pub(crate) fn satisfies(version: &str, range: &str) -> Option<bool> {
    let range = range.trim();
    if version == range {
        return Some(true);
    }
    let version = triple(version)?;
    if matches!(range, "" | "*" | "x") {
        return Some(true);
    }
    let at = range.find(|c: char| c.is_ascii_digit())?;
    let (operator, rest) = (range.get(..at)?.trim(), range.get(at..)?);
    let mut wanted = [None; 3];
    for (at, part) in rest.split('.').enumerate() {
        let slot = wanted.get_mut(at)?;
        if !matches!(part, "x" | "*" | "X") {
            *slot = Some(part.parse::<u64>().ok()?);
        }
    }
    let low = wanted.map(|part| part.unwrap_or(0));
    let same = |parts: usize| version.iter().zip(&low).take(parts).all(|(a, b)| a == b);
    let given = wanted.iter().take_while(|part| part.is_some()).count();
    Some(match operator {
        "" | "=" | "v" => same(given),
        ">=" => version >= low,
        "~" => version >= low && same(given.min(2)),
        "^" => {
            let fixed = low.iter().position(|&part| part != 0).map_or(given, |at| at + 1);
            version >= low && same(fixed.min(given))
        }
        _ => return None,
    })
}

/// A run of versions: from the first, up to and without the second (`None`: no end).
pub type Interval = ([u64; 3], Option<[u64; 3]>);

/// The versions that an npm range admits: unions, comparators, `^`, `~`, x-ranges and hyphens.
/// Pre-releases count as their release. `None` for what is no range (a tag, a URL).
#[must_use]
pub fn intervals(range: &str) -> Option<Vec<Interval>> {
    // More alternatives than this are no one's range.
    const MAX: usize = 100;
    let mut found = Vec::new();
    for alternative in range.split("||").take(MAX) {
        found.push(interval(alternative.trim())?);
    }
    found.retain(|(low, high)| high.is_none_or(|high| *low < high));
    Some(found)
}

/// The interval of one set of comparators, all of which hold.
fn interval(text: &str) -> Option<Interval> {
    if let Some((low, high)) = text.split_once(" - ") {
        return Some((partial(low.trim())?.0, partial(high.trim())?.1));
    }
    // `>= 20` is one comparator.
    let mut text = text.to_owned();
    for operator in [">=", "<=", ">", "<", "^", "~", "="] {
        while text.contains(&format!("{operator} ")) {
            text = text.replace(&format!("{operator} "), operator);
        }
    }
    let (mut low, mut high) = ([0; 3], None);
    for part in text.split_whitespace() {
        let at = part.find(|c: char| c.is_ascii_alphanumeric() || c == '*').unwrap_or(part.len());
        let (operator, version) = part.split_at(at);
        let (from, to) = partial(version)?;
        let (from, to) = match operator {
            "" | "=" => (from, to),
            ">=" => (from, None),
            // Beyond everything that the version stands for: `>20` begins at 21.
            ">" => (to?, None),
            "<" => ([0; 3], Some(from)),
            "<=" => ([0; 3], to),
            "~" | "~>" => (from, tilde(version)),
            "^" => (from, caret(from, to)),
            _ => return None,
        };
        low = low.max(from);
        high = match (high, to) {
            (Some(a), Some(b)) => Some(std::cmp::min::<[u64; 3]>(a, b)),
            (a, b) => a.or(b),
        };
    }
    Some((low, high))
}

/// What a version of one to three parts stands for: `20` is all of 20.
fn partial(version: &str) -> Option<Interval> {
    let version = version.trim_start_matches(['v', '=']);
    let version = version.split(['-', '+']).next().unwrap_or(version);
    let mut parts = [0; 3];
    let mut given = 0;
    for (index, part) in version.split('.').enumerate() {
        if matches!(part, "x" | "X" | "*" | "") {
            break;
        }
        *parts.get_mut(index)? = part.parse().ok()?;
        given = index + 1;
    }
    Some((parts, raised(parts, given)))
}

/// The next version after all that begin with the first `given` parts.
fn raised(mut parts: [u64; 3], given: usize) -> Option<[u64; 3]> {
    let last = given.checked_sub(1)?;
    for (index, part) in parts.iter_mut().enumerate() {
        match index.cmp(&last) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => *part = part.saturating_add(1),
            std::cmp::Ordering::Greater => *part = 0,
        }
    }
    Some(parts)
}

/// `~1.2.3` and `~1.2` stay in 1.2, `~1` in 1.
fn tilde(version: &str) -> Option<[u64; 3]> {
    let given = version.split('.').take_while(|p| p.parse::<u64>().is_ok()).count();
    raised(partial(version)?.0, given.min(2))
}

/// `^1.2.3` stays in 1, `^0.2.3` in 0.2.
fn caret(from: [u64; 3], to: Option<[u64; 3]>) -> Option<[u64; 3]> {
    match from.iter().position(|&part| part != 0) {
        Some(index) => raised(from, index + 1),
        None => to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranges as `low..high`.
    #[track_caller]
    fn check(range: &str, expected: &str) {
        let join = |v: [u64; 3]| v.map(|part| part.to_string()).join(".");
        let found = intervals(range).map(|found| {
            let show = |(low, high): Interval| {
                format!("{}..{}", join(low), high.map(join).unwrap_or_default())
            };
            found.into_iter().map(show).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(found.as_deref().unwrap_or("no range"), expected, "{range}");
    }

    #[test]
    fn ranges_are_intervals() {
        check(">=20 <21", "20.0.0..21.0.0");
        check(">= 20.0.0 < 21", "20.0.0..21.0.0");
        check("20.x", "20.0.0..21.0.0");
        check("20", "20.0.0..21.0.0");
        check("^20.9", "20.9.0..21.0.0");
        check("~20.9.1", "20.9.1..20.10.0");
        check("^0.2.3", "0.2.3..0.3.0");
        check("18 - 20", "18.0.0..21.0.0");
        check("^18 || ^20", "18.0.0..19.0.0 20.0.0..21.0.0");
        check(">=18", "18.0.0..");
        check(">18", "19.0.0..");
        check("<=20", "0.0.0..21.0.0");
        check("*", "0.0.0..");
        check("", "0.0.0..");
        check("v20.11.1", "20.11.1..20.11.2");
        check(">=22 <20", "");
        check("lts/*", "no range");
        check("=> 20", "no range");
    }

    #[test]
    fn plain_ranges_are_decided() {
        for (version, range, holds) in [
            ("1.2.3", "^1.0.0", Some(true)),
            ("2.0.0", "^1.0.0", Some(false)),
            ("0.2.9", "^0.2.3", Some(true)),
            ("0.3.0", "^0.2.3", Some(false)),
            ("0.0.4", "^0.0.3", Some(false)),
            ("1.2.9", "~1.2.3", Some(true)),
            ("1.3.0", "~1.2.3", Some(false)),
            ("1.3.0", "1.x", Some(true)),
            ("1.3.0", "1", Some(true)),
            ("1.3.0", "1.2.0", Some(false)),
            ("1.3.0", ">=1.4", Some(false)),
            ("1.3.0", ">=1 <2", None),
            ("1.3.0-rc.1", "^1.0.0", None),
            ("1.3.0", "latest", None),
            ("1.3.0", "1.2.3.4", None),
        ] {
            assert_eq!(satisfies(version, range), holds, "{version} in {range}");
        }
        assert_eq!((major("^8.50.0"), major("latest")), (Some(8), None));
    }
}
