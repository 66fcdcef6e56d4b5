//! Image references: `registry/namespace/name:tag@digest`, as the builder reads them.

use std::fmt;

/// An image reference, normalised: `node` is `docker.io/library/node`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageRef {
    /// The registry's host: `docker.io` when none is written.
    pub registry: String,
    /// The repository below it: `library/node`.
    pub repository: String,
    /// The tag as written.
    pub tag: Option<String>,
    /// The digest as written, with its algorithm (`sha256:…`); may be malformed.
    pub digest: Option<String>,
    /// The reference as written.
    pub written: String,
}

impl ImageRef {
    /// Reads a reference; `None` when it is empty or holds a variable or a blank.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.contains(['$', ' ', '\t', '\n']) {
            return None;
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        let name_start = rest.rfind('/').map_or(0, |i| i + 1);
        let (path, tag) = match rest[name_start..].find(':') {
            Some(colon) => {
                (&rest[..name_start + colon], Some(rest[name_start + colon + 1..].to_owned()))
            }
            None => (rest, None),
        };
        let (registry, repository) = match path.split_once('/') {
            Some((host, below)) if host.contains(['.', ':']) || host == "localhost" => {
                (host.to_owned(), below.to_owned())
            }
            _ => ("docker.io".to_owned(), path.to_owned()),
        };
        if repository.is_empty() {
            return None;
        }
        let registry =
            if registry == "index.docker.io" { "docker.io".to_owned() } else { registry };
        let repository = if registry == "docker.io" && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository
        };
        Some(Self { registry, repository, tag, digest, written: text.to_owned() })
    }

    /// Reads a name as it is written, whose variables stand for something unknown: of
    /// `${REGISTRY}/postgres:${TAG}`, the name is known all the same.
    #[must_use]
    pub fn parse_written(text: &str) -> Option<Self> {
        let mut name = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            name.push_str(before);
            name.push_str("unknown");
            rest = match after.strip_prefix('{') {
                Some(inner) => inner.split_once('}').map_or("", |(_, rest)| rest),
                None => after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'),
            };
        }
        Self::parse(&(name + rest))
    }

    /// The last part of the repository: `node`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }

    /// Whether it is a Docker Official Image.
    #[must_use]
    pub fn is_official(&self) -> bool {
        self.registry == "docker.io" && self.repository.starts_with("library/")
    }

    /// Whether the digest is a real one: `sha256:` and 64 lower-case hex digits.
    #[must_use]
    pub fn has_digest(&self) -> bool {
        self.digest.as_deref().and_then(|d| d.strip_prefix("sha256:")).is_some_and(|hex| {
            hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, registry: &str, repository: &str, tag: Option<&str>) {
        let found = ImageRef::parse(text).expect("a reference");
        assert_eq!(
            (&*found.registry, &*found.repository, found.tag.as_deref()),
            (registry, repository, tag)
        );
    }

    #[test]
    fn references_are_normalised() {
        check("node", "docker.io", "library/node", None);
        check("node:20-alpine", "docker.io", "library/node", Some("20-alpine"));
        check("docker.io/node:20", "docker.io", "library/node", Some("20"));
        check("acme/app:1", "docker.io", "acme/app", Some("1"));
        check("registry.example:5000/a/b", "registry.example:5000", "a/b", None);
        check("localhost/a:t@sha256:00", "localhost", "a", Some("t"));
        assert_eq!(ImageRef::parse("${BASE}"), None);
        assert!(!ImageRef::parse("node@sha256:abc123").expect("a reference").has_digest());
    }
}
