//! Who answers for a path: CODEOWNERS, as the forges read it.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::cx::Cx;

/// Where the forges look for the file, in this order; the first that exists counts.
const PLACES: [&str; 4] =
    [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];
/// The most rules that are read.
const MAX_RULES: usize = 5_000;

/// The rules of a CODEOWNERS file.
pub(super) struct Owners {
    globs: GlobSet,
    /// By a glob's index, whose it is.
    of: Vec<String>,
}

/// The repository's rules; `None` where it has none.
pub(super) fn read(cx: &Cx<'_>) -> Option<Owners> {
    let file = PLACES.iter().find_map(|path| cx.tree.find(path))?;
    let bytes = cx.bytes(file).ok()?;
    Some(parse(&String::from_utf8_lossy(&bytes)))
}

fn parse(text: &str) -> Owners {
    let mut globs = GlobSetBuilder::new();
    let mut of = Vec::new();
    // GitLab's sections may name who owns what its own lines leave open.
    let mut default = String::new();
    for line in text.trim_start_matches('\u{FEFF}').lines().take(MAX_RULES) {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('^').unwrap_or(line).strip_prefix('[') {
            // `[Name][2] @who`: the number is how many have to approve.
            default = section.rsplit_once(']').map_or("", |(_, rest)| rest).trim().to_owned();
            continue;
        }
        let (pattern, owners) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let owners = owners.split_whitespace().collect::<Vec<_>>().join(" ");
        let owners = if owners.is_empty() { default.clone() } else { owners };
        for glob in paths(pattern) {
            if let Ok(glob) = GlobBuilder::new(&glob).literal_separator(true).build() {
                globs.add(glob);
                of.push(owners.clone());
            }
        }
    }
    Owners { globs: globs.build().unwrap_or_else(|_| GlobSet::empty()), of }
}

/// A pattern as globs over whole paths: what it names, and all below that.
fn paths(pattern: &str) -> Vec<String> {
    let below = pattern.trim_end_matches('/');
    // A slash before the last character ties it to the root.
    let from = match below.strip_prefix('/') {
        Some(tied) => tied.to_owned(),
        None if below.contains('/') => below.to_owned(),
        None => format!("**/{below}"),
    };
    match pattern.ends_with('/') {
        true => vec![format!("{from}/**")],
        false => vec![format!("{from}/**"), from],
    }
}

impl Owners {
    /// Who answers for a file: of the rules that match, the last; `None` where it names nobody.
    pub(super) fn of(&self, path: &str) -> Option<&str> {
        let last = self.globs.matches(path).into_iter().max()?;
        self.of.get(last).map(String::as_str).filter(|owners| !owners.is_empty())
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
