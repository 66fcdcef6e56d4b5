//! Who answers for a path: CODEOWNERS, as the forges read it.

use std::collections::HashMap;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::cx::Cx;

/// Where the forges look for the file, in this order; the first that exists counts.
const PLACES: [&str; 4] =
    [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];
/// The most lines that are read.
const MAX_LINES: usize = 20_000;

/// The rules of a CODEOWNERS file.
pub(super) struct Owners {
    rules: Gitignore,
    /// By a rule's text, whose it is; of two with one text the later counts, as it does for paths.
    of: HashMap<String, String>,
}

/// The repository's rules; `None` where it has none.
pub(super) fn read(cx: &Cx<'_>) -> Option<Owners> {
    let file = PLACES.iter().find_map(|path| cx.tree.find(path))?;
    let bytes = cx.bytes(file).ok()?;
    Some(parse(&String::from_utf8_lossy(&bytes)))
}

fn parse(text: &str) -> Owners {
    let mut rules = GitignoreBuilder::new("");
    let mut of = HashMap::new();
    // GitLab's sections may name who owns what its own lines leave open.
    let mut default = String::new();
    for line in text.trim_start_matches('\u{FEFF}').lines().take(MAX_LINES) {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('^').unwrap_or(line).strip_prefix('[') {
            default = section.split_once(']').map_or("", |(_, rest)| rest).trim().to_owned();
            continue;
        }
        let (pattern, owners) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        // What git would take for «not this one» is no pattern here.
        if pattern.starts_with('!') || rules.add_line(None, pattern).is_err() {
            continue;
        }
        let owners = owners.split_whitespace().collect::<Vec<_>>().join(" ");
        of.insert(pattern.to_owned(), if owners.is_empty() { default.clone() } else { owners });
    }
    Owners { rules: rules.build().unwrap_or_else(|_| Gitignore::empty()), of }
}

impl Owners {
    /// Who answers for a file; `None` where no rule names anyone.
    pub(super) fn of(&self, path: &str) -> Option<&str> {
        match self.rules.matched_path_or_any_parents(path, false) {
            Match::Ignore(rule) => {
                self.of.get(rule.original()).map(String::as_str).filter(|owners| !owners.is_empty())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[track_caller]
    fn check(text: &str, path: &str, expected: Option<&str>) {
        assert_eq!(parse(text).of(path), expected, "{path}");
    }

    #[test]
    fn the_last_rule_that_matches_counts() {
        let text = "* @acme/all # everyone\n/services/ @acme/backend\nservices/pay @acme/pay pay@acme.example\n/services/free\n";
        check(text, "README.md", Some("@acme/all"));
        check(text, "services/ticket/Dockerfile", Some("@acme/backend"));
        check(text, "services/pay/Dockerfile", Some("@acme/pay pay@acme.example"));
        check(text, "services/free/Dockerfile", None);
        check("", "Dockerfile", None);
    }

    #[test]
    fn sections_name_the_owners_of_lines_that_do_not() {
        let text = "[Backend][2] @acme/backend\nservices/\n^[Docs]\n*.md @acme/docs\n";
        check(text, "services/pay/Dockerfile", Some("@acme/backend"));
        check(text, "README.md", Some("@acme/docs"));
    }
}
