//! The tree: an immutable list of files, sorted by path, whose bytes are read when asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{FileId, LineIndex};

/// What git knows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tracking {
    /// In git's index.
    Tracked,
    /// On disk, not in the index, not ignored; also every file outside a git work tree.
    Untracked,
    /// On disk and ignored by git. Listed by name (a build context still reaches it), and never
    /// read except as a candidate for a secret.
    Ignored,
}

/// What kind of thing stands at a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Whether any execute bit is set (git mode 100755).
        executable: bool,
    },
    /// A symbolic link with its target as written. `inside` is the path that it resolves to, where
    /// that stays in the tree.
    Link {
        /// The target as written.
        target: Box<str>,
        /// The tree path that it leads to; `None` when it leaves the tree, loops or dangles.
        inside: Option<Box<str>>,
    },
}

/// One path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path relative to the root, forward slashes, no leading `./`. Bytes that are not UTF-8 are
    /// shown as U+FFFD.
    pub path: Box<str>,
    /// File or link.
    pub kind: EntryKind,
    /// What git knows of it.
    pub tracking: Tracking,
    /// Length in bytes, as listed; 0 for links.
    pub len: u64,
}

/// Why a file's bytes could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The system refused: its words.
    Denied(String),
    /// Larger than the reader accepts, with the length and the limit in bytes.
    TooLarge {
        /// The file's length.
        len: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A link that leaves the tree, loops or dangles.
    Link,
    /// It is gone or was changed since the tree was listed.
    Changed,
}

/// Something worth telling about the listing itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The path concerned.
    pub path: String,
    /// What happened, in words for the user.
    pub says: String,
}

/// An immutable set of files. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Tree {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    entries: Vec<Entry>,
    backends: Vec<Backend>,
    notes: Vec<Note>,
    revision: Option<String>,
    outside: Option<String>,
    max_file: u64,
}

/// Where one file's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    /// In memory.
    Memory(Arc<[u8]>),
    /// On disk, at this path.
    Disk(PathBuf),
}

/// The most that is read of one file: a Dockerfile of 200 MB is a finding, not a reason to stop.
pub(crate) const MAX_FILE: u64 = 16 * 1024 * 1024;

impl Tree {
    /// A tree of tracked files held in memory: `(path, bytes)`.
    #[must_use]
    pub fn from_memory<P: AsRef<str>, B: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (P, B)>,
    ) -> Self {
        let mut builder = TreeBuilder::new();
        for (path, bytes) in files {
            builder.file(path.as_ref(), bytes.as_ref());
        }
        builder.build()
    }

    /// Every file and link, in path order (bytewise).
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (FileId, &Entry)> + Clone {
        self.inner
            .entries
            .iter()
            .enumerate()
            .map(|(i, e)| (FileId(u32::try_from(i).unwrap_or(u32::MAX)), e))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.entries.is_empty()
    }

    /// The entry of `file`, which must be of this tree.
    #[must_use]
    pub fn entry(&self, file: FileId) -> &Entry {
        &self.inner.entries[file.0 as usize]
    }

    /// The path of `file`.
    #[must_use]
    pub fn path(&self, file: FileId) -> &str {
        &self.entry(file).path
    }

    /// The entry at exactly this path (file or link).
    #[must_use]
    pub fn find(&self, path: &str) -> Option<FileId> {
        let index = self.inner.entries.binary_search_by(|e| (*e.path).cmp(path)).ok()?;
        Some(FileId(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    /// Whether some entry lies below this directory; `""` and `"."` are the root.
    #[must_use]
    pub fn is_dir(&self, dir: &str) -> bool {
        self.under(dir).next().is_some()
    }

    /// Every entry below a directory, at any depth, in path order; `""` and `"."` are the root.
    pub fn under<'a>(&'a self, dir: &'a str) -> impl Iterator<Item = FileId> + 'a {
        let dir = if dir == "." { "" } else { dir.trim_end_matches('/') };
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let start = self.inner.entries.partition_point(|e| *e.path < *prefix);
        self.inner.entries[start..]
            .iter()
            .take_while({
                let prefix = prefix.clone();
                move |e| e.path.starts_with(&*prefix)
            })
            .enumerate()
            .map(move |(i, _)| FileId(u32::try_from(start + i).unwrap_or(u32::MAX)))
    }

    /// The bytes of a file; a link inside the tree is followed.
    ///
    /// # Errors
    /// [`Unreadable`] says why there are none; nothing else about the tree is affected.
    pub fn read(&self, file: FileId) -> Result<Arc<[u8]>, Unreadable> {
        let entry = self.entry(file);
        if let EntryKind::Link { inside, .. } = &entry.kind {
            let target =
                inside.as_deref().and_then(|path| self.find(path)).ok_or(Unreadable::Link)?;
            if matches!(self.entry(target).kind, EntryKind::Link { .. }) {
                return Err(Unreadable::Link);
            }
            return self.read(target);
        }
        match &self.inner.backends[file.0 as usize] {
            Backend::Memory(bytes) if bytes.len() as u64 > self.inner.max_file => {
                Err(Unreadable::TooLarge { len: bytes.len() as u64, limit: self.inner.max_file })
            }
            Backend::Memory(bytes) => Ok(Arc::clone(bytes)),
            Backend::Disk(path) => crate::disk::read(path, self.inner.max_file),
        }
    }

    /// Where the lines of `text` start.
    #[must_use]
    pub fn lines(text: &[u8]) -> LineIndex {
        LineIndex::new(text)
    }

    /// What the listing could not do: unreadable directories, links that leave the tree.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.inner.notes
    }

    /// The commit that HEAD names, in hex, where the tree is a git work tree.
    #[must_use]
    pub fn revision(&self) -> Option<&str> {
        self.inner.revision.as_deref()
    }

    /// Set when the root lies inside a larger work tree: the relative way from that work tree's
    /// root down to this one. What is above is then out of the tree, not absent.
    #[must_use]
    pub fn outside(&self) -> Option<&str> {
        self.inner.outside.as_deref()
    }

    /// The most bytes that are read of one file.
    #[must_use]
    pub fn max_file(&self) -> u64 {
        self.inner.max_file
    }

    /// Every path with its kind and backend, to build a changed tree from.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Entry, &Backend)> {
        self.inner.entries.iter().zip(&self.inner.backends)
    }
}

/// Collects entries, then makes a [`Tree`].
#[derive(Debug, Default)]
pub struct TreeBuilder {
    entries: BTreeMap<Box<str>, (Entry, Backend)>,
    notes: Vec<Note>,
    revision: Option<String>,
    outside: Option<String>,
    max_file: Option<u64>,
}

impl TreeBuilder {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tracked, plain file with these bytes.
    pub fn file(&mut self, path: &str, bytes: &[u8]) -> &mut Self {
        self.file_as(path, bytes, Tracking::Tracked, false)
    }

    /// Adds a file in memory.
    pub fn file_as(
        &mut self,
        path: &str,
        bytes: &[u8],
        tracking: Tracking,
        executable: bool,
    ) -> &mut Self {
        let path: Box<str> = normalize_path(path).unwrap_or_else(|| path.to_owned()).into();
        let entry = Entry {
            path: path.clone(),
            kind: EntryKind::File { executable },
            tracking,
            len: bytes.len() as u64,
        };
        self.entries.insert(path, (entry, Backend::Memory(bytes.into())));
        self
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) -> &mut Self {
        let path: Box<str> = normalize_path(path).unwrap_or_else(|| path.to_owned()).into();
        let entry = Entry {
            path: path.clone(),
            kind: EntryKind::Link { target: target.into(), inside: None },
            tracking: Tracking::Tracked,
            len: 0,
        };
        self.entries.insert(path, (entry, Backend::Memory(Arc::from(&b""[..]))));
        self
    }

    /// Adds any entry.
    pub(crate) fn entry(&mut self, entry: Entry, backend: Backend) {
        self.entries.insert(entry.path.clone(), (entry, backend));
    }

    /// Notes something about the listing.
    pub fn note(&mut self, path: &str, says: &str) -> &mut Self {
        self.notes.push(Note { path: path.to_owned(), says: says.to_owned() });
        self
    }

    /// Names the commit that HEAD stands at.
    pub fn revision(&mut self, hex: String) -> &mut Self {
        self.revision = Some(hex);
        self
    }

    /// Says that the root lies inside a larger work tree, at this relative path.
    pub fn outside(&mut self, path: String) -> &mut Self {
        self.outside = Some(path);
        self
    }

    /// Sets the most bytes that are read of one file (default 16 MiB).
    pub fn max_file(&mut self, bytes: u64) -> &mut Self {
        self.max_file = Some(bytes);
        self
    }

    /// The tree. Links are resolved here, through at most 40 steps, never out of the tree.
    #[must_use]
    pub fn build(&mut self) -> Tree {
        let mut taken = std::mem::take(self);
        resolve_links(&mut taken.entries);
        taken.notes.sort();
        let (entries, backends) = taken.entries.into_values().unzip();
        Tree {
            inner: Arc::new(Inner {
                entries,
                backends,
                notes: taken.notes,
                revision: taken.revision,
                outside: taken.outside,
                max_file: taken.max_file.unwrap_or(MAX_FILE),
            }),
        }
    }
}

fn resolve_links(entries: &mut BTreeMap<Box<str>, (Entry, Backend)>) {
    let links: BTreeMap<Box<str>, Box<str>> = entries
        .iter()
        .filter_map(|(path, (entry, _))| match &entry.kind {
            EntryKind::Link { target, .. } => Some((path.clone(), target.clone())),
            EntryKind::File { .. } => None,
        })
        .collect();
    for path in links.keys() {
        let mut at = path.to_string();
        for _ in 0..40 {
            let Some(target) = links.get(&*at) else { break };
            let base = at.rsplit_once('/').map_or("", |(dir, _)| dir);
            let joined = if target.starts_with('/') {
                None
            } else {
                normalize_path(&format!("{base}/{target}"))
            };
            match joined {
                Some(next) => at = next,
                None => {
                    at.clear();
                    break;
                }
            }
        }
        let found = !at.is_empty() && !links.contains_key(&*at);
        if let Some((Entry { kind: EntryKind::Link { inside, .. }, .. }, _)) = entries.get_mut(path)
        {
            *inside = found.then(|| at.into());
        }
    }
}

/// A relative path in canonical form: `/` between parts, no `.`, no empty part, `..` resolved.
/// `None` when it climbs above the root. The root itself is `""`.
#[must_use]
pub fn normalize_path(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_lists_a_directory_and_nothing_beside_it() {
        let tree = Tree::from_memory([
            ("a/b/c", ""),
            ("a/b", "x"),
            ("a-b/c", ""),
            ("ab", ""),
            ("a/d", ""),
        ]);
        let names =
            |dir: &str| tree.under(dir).map(|f| tree.path(f).to_owned()).collect::<Vec<_>>();
        assert_eq!(names("a"), ["a/b", "a/b/c", "a/d"]);
        assert_eq!(names(".").len(), 5);
        assert!(tree.is_dir("a/b") && !tree.is_dir("ab"));
    }

    #[test]
    fn links_are_followed_inside_the_tree_only() {
        let mut builder = TreeBuilder::new();
        builder.file("d/real", b"yes").link("d/ok", "real").link("d/two", "../d/ok");
        builder
            .link("out", "../../etc/passwd")
            .link("loop", "loop")
            .link("abs", "/etc/passwd")
            .link("gone", "no");
        let tree = builder.build();
        let read = |path: &str| tree.read(tree.find(path).expect("listed"));
        assert_eq!(read("d/ok").as_deref(), Ok(&b"yes"[..]));
        assert_eq!(read("d/two").as_deref(), Ok(&b"yes"[..]));
        for path in ["out", "loop", "abs", "gone"] {
            assert_eq!(read(path), Err(Unreadable::Link), "{path}");
        }
    }

    #[test]
    fn paths_are_normalized() {
        assert_eq!(normalize_path("./a//b/../c/"), Some("a/c".to_owned()));
        assert_eq!(normalize_path("a/../../b"), None);
        assert_eq!(normalize_path("."), Some(String::new()));
    }
}
