//! Thresholds of test coverage in a configuration of Jest, found by its tokens alone.
//!
//! Source of the rules: Jest's reference, «Configuring Jest» (`coverageThreshold`, which is a key of
//! the whole run and not of a project; `collectCoverage`; `projects`).

use plimsoll_source::{FileId, Span, TextRange};

use super::super::migration::literals::{Member, Source};
use super::{Cx, find};
use crate::package::{Package, Threshold, ThresholdKind};

const KEY: &str = "coverageThreshold";
const MEASURES: [&str; 4] = ["branches", "functions", "lines", "statements"];
/// The configurations that Jest looks for, in its order.
const FILES: [&str; 6] = [
    "jest.config.js",
    "jest.config.ts",
    "jest.config.mjs",
    "jest.config.cjs",
    "jest.config.cts",
    "jest.config.json",
];
/// Longer ones are no configurations.
const MAX_LEN: u64 = 256 * 1024;

/// Reads a package's configuration of Jest: its manifest's key `jest`, else its own file.
pub(super) fn read(cx: &Cx<'_>, package: &mut Package) {
    let (file, within) = if package.configures.iter().any(|key| key == "jest") {
        (package.manifest, true)
    } else {
        let found = FILES.iter().find_map(|name| find(cx.tree, &package.dir, name));
        let Some(file) = found else { return };
        (file, false)
    };
    if cx.tree.entry(file).len > MAX_LEN {
        return;
    }
    let Ok(bytes) = cx.bytes(file) else { return };
    let Ok(text) = std::str::from_utf8(&bytes) else { return };
    let source = Source::new(text);
    for member in source.members() {
        // In a manifest only what lies below `jest`, whose own nesting is one deeper.
        if within && !member.above.contains(&"jest") {
            continue;
        }
        if member.key == "collectCoverage" && member.value == Some("true") {
            package.collects_coverage = Some(Span::new(file, member.range));
        }
        package.thresholds.extend(threshold(file, &member));
    }
}

/// What a member of the configuration is to the thresholds.
fn threshold(file: FileId, member: &Member<'_>) -> Option<Threshold> {
    let made = |kind, range: TextRange| {
        let span = Span::new(file, range);
        Some(Threshold { name: member.key.to_owned(), span, kind })
    };
    let above = &member.above;
    if let Some(at) = above.iter().position(|key| *key == KEY) {
        // `coverageThreshold: { global: { lines: 80 } }`
        if at + 2 != above.len() {
            let alone = at + 1 == above.len() && member.value.is_some();
            return alone.then(|| made(ThresholdKind::Computed, member.range)).flatten();
        }
        if !MEASURES.contains(&member.key) {
            return made(ThresholdKind::UnknownMeasure, member.range);
        }
        return match member.value {
            Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => {
                let set = number.bytes().any(|b| b != b'0');
                set.then(|| made(ThresholdKind::Measure, member.range)).flatten()
            }
            // `-10` is a mark and a number, a variable a name.
            _ => made(ThresholdKind::Computed, member.range),
        };
    }
    if is_misspelt(member.key) {
        return made(ThresholdKind::Misspelt, member.range);
    }
    if member.key != KEY {
        return None;
    }
    if above.contains(&"projects") {
        return made(ThresholdKind::InProject, member.range);
    }
    member.value.and_then(|_| made(ThresholdKind::Computed, member.range))
}

/// Whether a key is `coverageThreshold` but for its case or two letters.
fn is_misspelt(key: &str) -> bool {
    let lower: Vec<u8> =
        key.bytes().filter(|b| *b != b'_').map(|b| b.to_ascii_lowercase()).collect();
    key != KEY
        && lower.starts_with(b"cover")
        && lower.len() <= KEY.len() + 2
        && distance(&lower, &KEY.to_ascii_lowercase().into_bytes()) <= 2
}

/// How many letters must be added, taken or changed to make one word of another.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (above, y) in row.iter().skip(1).zip(b) {
            left = (corner + usize::from(x != y)).min(above + 1).min(left + 1);
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_source::Tree;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[(&str, ThresholdKind)]) {
        let tree = Tree::from_memory(files.iter().copied());
        let packages = super::super::read(&Cx::new(&tree));
        let found: Vec<(&str, ThresholdKind)> =
            packages.iter().flat_map(|p| &p.thresholds).map(|t| (&*t.name, t.kind)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn thresholds_are_found_by_tokens() {
        use ThresholdKind::{Computed, InProject, Measure, Misspelt, UnknownMeasure};
        let of = |text: &'static str| [("package.json", "{}"), ("jest.config.js", text)];
        check(
            &of("module.exports = { coverageThreshold: { global: { lines: 80, branch: 70 } } }"),
            &[("lines", Measure), ("branch", UnknownMeasure)],
        );
        check(
            &of("export default { coverageThresholds: { global: { lines: 80 } } }"),
            &[("coverageThresholds", Misspelt)],
        );
        check(&of("x = { coveragethreshold: y, coverage: 1 }"), &[("coveragethreshold", Misspelt)]);
        check(&of("// coverageThresholds: {\nx = { coverageDirectory: 'a' }"), &[]);
        check(&of("x = { coverageThreshold: all }"), &[("coverageThreshold", Computed)]);
        check(&of("x = { coverageThreshold: { global: { lines: 0 } } }"), &[]);
        check(
            &of("x = { projects: [{ coverageThreshold: { global: { lines: 80 } } }] }"),
            &[("coverageThreshold", InProject), ("lines", Measure)],
        );
        check(
            &[(
                "package.json",
                "{\"jest\": {\"coverageTreshold\": {}}, \"x\": {\"coverageThresholds\": 1}}",
            )],
            &[("coverageTreshold", Misspelt)],
        );
    }
}
