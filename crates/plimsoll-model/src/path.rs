//! Paths of a tree as texts: joined, made relative, matched against globs.

use plimsoll_source::normalize_path;

/// `path` seen from the directory `dir`, relative to the root; `None` when it is absolute or climbs
/// out of the tree.
pub(crate) fn join(dir: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    normalize_path(&format!("{dir}/{path}"))
}

/// The directory of a path; `""` is the root.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// The last part of a path.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The directory itself, its parent, and so on up to the root.
pub(crate) fn ancestors(dir: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(dir), |dir| (!dir.is_empty()).then(|| parent(dir)))
}

/// What lies below `dir` of `path`; `None` when it does not lie there. Both relative to the root.
pub(crate) fn below<'a>(dir: &str, path: &'a str) -> Option<&'a str> {
    if dir.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(dir)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// The way from the directory `from` to `to`, both relative to the root.
pub(crate) fn relative(from: &str, to: &str) -> String {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|p| !p.is_empty()).map(str::to_owned).collect()
    };
    let (from, to) = (parts(from), parts(to));
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut way = vec!["..".to_owned(); from.len() - same];
    way.extend(to.into_iter().skip(same));
    way.join("/")
}

/// Whether a path matches a glob: `*` and `?` within a part, `**` over any number of parts.
#[must_use]
pub fn glob(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    // reached[i]: the parts so far can be matched by the first i parts of the pattern.
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    close(&pattern, &mut reached);
    for part in parts {
        let mut next = vec![false; pattern.len() + 1];
        for (i, wanted) in pattern.iter().enumerate() {
            if reached[i] && *wanted == "**" {
                next[i] = true;
            } else if reached[i] && part_matches(wanted.as_bytes(), part.as_bytes()) {
                next[i + 1] = true;
            }
        }
        close(&pattern, &mut next);
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// `**` matches nothing, too.
fn close(pattern: &[&str], reached: &mut [bool]) {
    for (i, wanted) in pattern.iter().enumerate() {
        if reached[i] && *wanted == "**" {
            reached[i + 1] = true;
        }
    }
}

fn part_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    p = after;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_seen_from_elsewhere() {
        assert_eq!(join("a/b", "../../c").as_deref(), Some("c"));
        assert_eq!(join("a", "../../c"), None);
        assert_eq!(join("a", "/c"), None);
        assert_eq!(relative("a/b", "a/c/d"), "../c/d");
        assert_eq!(relative("", "a"), "a");
        assert_eq!(below("a", "ab"), None);
        assert_eq!(ancestors("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
    }

    #[test]
    fn globs_match_whole_paths() {
        assert!(glob("packages/*", "packages/a"));
        assert!(!glob("packages/*", "packages/a/b"));
        assert!(glob("src/**/*", "src/a/b.ts") && glob("src/**/*", "src/a.ts"));
        assert!(glob("**/*.test.ts", "a.test.ts") && glob("**", "x/y"));
        assert!(!glob("src/**/*", "srcs/a.ts"));
        assert!(glob("a?c*e", "abcde") && !glob("a?c", "ac"));
    }
}
