//! Ruby: the plain lines of a `Gemfile`, which is a program.
//!
//! Source of the rules: Bundler's manual of the Gemfile.

use super::Cx;
use super::others::{depends, lines, nearest, runtime, text, tool, version_file};
use crate::fact::Why;
use crate::package::{DependencyKind, Package};
use crate::path;
use crate::version::{Interval, intervals};

/// The versions that `~> 3.3`, `>= 3.1` or `3.3.0` admit.
pub(super) fn held(written: &str) -> Option<Vec<Interval>> {
    let mut parts = Vec::new();
    for part in written.split(',').map(str::trim) {
        match part.strip_prefix("~>") {
            // All but the last part stays.
            Some(version) => {
                let version = version.trim();
                let fixed = version.rsplit_once('.').map_or(version, |(fixed, _)| fixed);
                parts.push(format!(">={version} {fixed}.x"));
            }
            None => parts.push(part.replace(' ', "")),
        }
    }
    intervals(&parts.join(" "))
}

/// The quoted words of a line.
fn quoted(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find(['"', '\'']) {
        let Some(quote) = rest.get(start..).and_then(|r| r.chars().next()) else { break };
        let Some(inner) = rest.get(start + 1..) else { break };
        let Some(end) = inner.find(quote) else { break };
        found.push(inner.get(..end).unwrap_or_default());
        rest = inner.get(end + 1..).unwrap_or_default();
    }
    found
}

/// Fills in what a Gemfile says.
pub(super) fn read(cx: &Cx<'_>, package: &mut Package) {
    let Some(text) = text(cx, package.manifest) else {
        package.broken = true;
        return;
    };
    // The kinds of the groups and other blocks around a line.
    let mut blocks: Vec<DependencyKind> = Vec::new();
    let dir = package.dir.clone();
    for (line, span) in lines(&text) {
        let code = line.split(" #").next().unwrap_or(line).trim();
        if code.is_empty() || code.starts_with('#') {
            continue;
        }
        let develops = code.contains("development") || code.contains("test");
        let kind = match blocks.last() {
            Some(DependencyKind::Development) => DependencyKind::Development,
            _ if code.contains("group") && develops => DependencyKind::Development,
            _ => DependencyKind::Production,
        };
        if code.starts_with("eval_gemfile") || code == "gemspec" || code.starts_with("gemspec ") {
            package.open = package.open.or(Some((Why::Unsupported, span)));
        }
        if let Some(rest) = code.strip_prefix("gem ").or_else(|| code.strip_prefix("gem(")) {
            let words = quoted(rest);
            let Some((name, rest_words)) = words.split_first() else { continue };
            let after = |key: &str| {
                let at = rest.find(key)?;
                quoted(rest.get(at + key.len()..)?).first().copied()
            };
            let target = after("path:").or_else(|| after(":path =>"));
            let local = target.and_then(|target| path::join(&dir, target));
            let version = rest_words.iter().find(|word| held(word).is_some());
            let version = version.copied().unwrap_or_default();
            depends(package, name, version, kind, local, span);
        } else if let Some(rest) = code.strip_prefix("ruby ") {
            let words = quoted(rest);
            if let Some(version) = words.first().filter(|_| !rest.contains("file:")) {
                let written = words.join(", ");
                let range = held(&written).or_else(|| held(version));
                runtime(package, "the Gemfile's `ruby`", &written, range, false, span);
            }
        }
        let opens = [code.ends_with(" do"), code.contains(" do |")];
        if opens.contains(&true) || code.starts_with("if ") || code.starts_with("unless ") {
            blocks.push(kind);
        } else if code == "end" {
            blocks.pop();
        }
        if blocks.len() > plimsoll_syntax::MAX_DEPTH {
            package.broken = true;
            return;
        }
    }
    version_file(cx, package, ".ruby-version", "ruby-");
    for (name, what) in [(".rubocop.yml", "rubocop"), (".simplecov", "simplecov")] {
        if let Some(file) = nearest(cx, &dir, name) {
            let span = plimsoll_source::Span::new(file, plimsoll_source::TextRange::new(0, 0));
            tool(package, what, false, span);
        }
    }
}
