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

#[cfg(test)]
mod tests {
    use super::*;

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
