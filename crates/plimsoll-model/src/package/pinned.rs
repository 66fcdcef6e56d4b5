//! What a lockfile pins, packed: a repository has thousands of lockfiles, each with a thousand names.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use plimsoll_source::TextRange;

use super::Installed;

/// Packages by name, as a lockfile pins them. It does not say in which file they stand, so that
/// equal lockfiles share one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pinned {
    /// Names and versions, in turn.
    text: Box<str>,
    /// By name.
    rows: Box<[Row]>,
}

/// A package: where its name and its version end in the text, and its entry's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    name: u32,
    version: u32,
    at: TextRange,
}

/// By what is pinned: where it stands hardly ever differs where that does not.
impl Hash for Pinned {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Pinned {
    /// Packs what was read out of one file: names, in order, with versions and the entries' places.
    #[must_use]
    pub fn of<'a>(installed: impl Iterator<Item = (&'a str, &'a str, TextRange)>) -> Self {
        let mut text = String::new();
        let mut rows = Vec::with_capacity(installed.size_hint().0);
        let end = |text: &String| u32::try_from(text.len()).unwrap_or(u32::MAX);
        for (name, version, at) in installed {
            text.push_str(name);
            let name = end(&text);
            text.push_str(version);
            rows.push(Row { name, version: end(&text), at });
        }
        Self { text: text.into(), rows: rows.into() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The same of a map by name.
    #[must_use]
    pub fn of_map(installed: &BTreeMap<String, Installed>) -> Self {
        Self::of(installed.iter().map(|(name, at)| (&**name, &*at.version, at.span.range)))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.rows.len()).map(|index| self.name(index))
    }

    /// Whether there is one of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The version of a package, and the place of its entry in the lockfile.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(&str, TextRange)> {
        let row = self.rows.get(self.find(name)?)?;
        Some((self.text.get(row.name as usize..row.version as usize)?, row.at))
    }

    fn find(&self, name: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.rows.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.name(middle).cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn name(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.rows.get(before));
        let start = start.map_or(0, |row| row.version as usize);
        let end = self.rows.get(index).map_or(start, |row| row.name as usize);
        self.text.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_source::{FileId, Span};

    use super::*;

    #[test]
    fn what_is_packed_is_found() {
        let span = |start| Span::new(FileId(7), TextRange::new(start, start + 1));
        let all: BTreeMap<String, Installed> =
            [("", "1"), ("a", "2"), ("a-b", ""), ("ab", "0.3"), ("@s/b", "4"), ("ü", "ä")]
                .into_iter()
                .zip(0..)
                .map(|((name, version), at)| {
                    (name.to_owned(), Installed { version: version.to_owned(), span: span(at) })
                })
                .collect();
        let pinned = Pinned::of_map(&all);
        assert!(pinned.names().eq(all.keys()));
        assert_eq!(pinned.len(), 6);
        for (name, at) in &all {
            assert_eq!(pinned.get(name), Some((&*at.version, at.span.range)), "{name}");
        }
        for name in ["A", "a-", "a-bc", "b", "z", "üü"] {
            assert!(!pinned.contains(name) && pinned.get(name).is_none(), "{name}");
        }
        assert!(Pinned::default().is_empty() && !Pinned::default().contains(""));
    }
}
