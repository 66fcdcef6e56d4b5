//! The tree: an immutable list of files, sorted by path, whose bytes are read when asked for.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::ops::{Bound, Range};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rayon::prelude::*;

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

impl Entry {
    /// The mode git records for it: `0o100644`, `0o100755` or `0o120000`; `None` for what git does
    /// not track. A clone gives a tracked plain file to everyone to read, whatever the disk says here.
    #[must_use]
    pub const fn git_mode(&self) -> Option<u32> {
        match (self.tracking, &self.kind) {
            (Tracking::Tracked, EntryKind::File { executable: false }) => Some(0o100_644),
            (Tracking::Tracked, EntryKind::File { executable: true }) => Some(0o100_755),
            (Tracking::Tracked, EntryKind::Link { .. }) => Some(0o120_000),
            (Tracking::Untracked | Tracking::Ignored, _) => None,
        }
    }
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
    /// It is gone, is no plain file any more, or holds other bytes than when it was first read.
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
    is_tracked: bool,
    max_file: u64,
    recent: Mutex<Recent>,
}

/// The small files that were read last, oldest first, and how many bytes they are.
#[derive(Debug, Default)]
struct Recent {
    files: VecDeque<(Arc<OnceLock<Seen>>, usize)>,
    bytes: usize,
}

/// Where one file's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    /// In memory.
    Memory(Arc<[u8]>),
    /// On disk.
    Disk {
        /// The real path of its directory, which all files in it share.
        dir: Arc<PathBuf>,
        /// Its real name there, whatever its bytes.
        name: Box<OsStr>,
        /// What was read first; shared by all trees made from this one.
        seen: Arc<OnceLock<Seen>>,
    },
    /// An object in a git repository: its name is the hash of its bytes.
    Object(Arc<gix::ThreadSafeRepository>, gix::ObjectId),
}

/// What was read of a file first. Every later reading has to give the same bytes, so that spans stay
/// true.
#[derive(Debug)]
pub(crate) struct Seen {
    hash: blake3::Hash,
    /// The bytes of a small file that was read lately: several readers ask for most of them.
    kept: Mutex<Option<Arc<[u8]>>>,
}

/// What a lock holds, whoever else has panicked.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backend {
    /// A file on disk that was not read yet.
    pub(crate) fn disk(dir: &Arc<PathBuf>, name: &OsStr) -> Self {
        Self::Disk { dir: Arc::clone(dir), name: name.into(), seen: Arc::default() }
    }
}

/// The most that is read of one file: a Dockerfile of 200 MB is a finding, not a reason to stop.
pub(crate) const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Files of at most this many bytes are kept once they were read,
const MAX_KEPT: usize = 128 * 1024;

/// and of them at most this many bytes, those that were read last: all of most trees, and of a large
/// one what several questions about one service read again.
const ROOM: usize = 24 * 1024 * 1024;

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
        !self.range(dir).is_empty()
    }

    /// A path as it reads once the first directory on its way that is a link is followed; `None`
    /// where there is none, or it leaves the tree. What it leads to holds no link, so that asking
    /// again and again comes to an end.
    #[must_use]
    pub fn through_link(&self, path: &str) -> Option<String> {
        path.match_indices('/').find_map(|(at, _)| {
            let (dir, rest) = path.split_at_checked(at)?;
            match &self.entry(self.find(dir)?).kind {
                EntryKind::Link { inside: Some(to), .. } => normalize_path(&format!("{to}{rest}")),
                _ => None,
            }
        })
    }

    /// Every entry below a directory, at any depth, in path order; `""` and `"."` are the root.
    /// The directory is given in canonical form (see [`normalize_path`]); a slash at its end is fine.
    pub fn under<'a>(&'a self, dir: &'a str) -> impl Iterator<Item = FileId> + 'a {
        self.range(dir).map(|i| FileId(u32::try_from(i).unwrap_or(u32::MAX)))
    }

    /// The entries below `dir`: those between `dir/` and `dir0`, `0` being what follows `/`.
    fn range(&self, dir: &str) -> Range<usize> {
        let dir = if dir == "." { "" } else { dir.trim_end_matches('/') }.as_bytes();
        let entries = &self.inner.entries;
        if dir.is_empty() {
            return 0..entries.len();
        }
        let bound = |past: u8| {
            entries.partition_point(|entry| {
                let path = entry.path.as_bytes();
                let common = dir.len().min(path.len());
                path[..common]
                    .cmp(&dir[..common])
                    .then_with(|| path.get(dir.len()).cmp(&Some(&past)))
                    .is_lt()
            })
        };
        bound(b'/')..bound(b'/' + 1)
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
            Backend::Object(repository, id) => {
                crate::revision::read(repository, *id, self.inner.max_file)
            }
            Backend::Disk { dir, name, seen } => {
                if let Some(kept) = seen.get().and_then(|seen| held(&seen.kept).clone()) {
                    return Ok(kept);
                }
                let bytes = crate::disk::read(&dir.join(&**name), self.inner.max_file)?;
                let hash = blake3::hash(&bytes);
                let first = seen.get_or_init(|| Seen { hash, kept: Mutex::default() });
                if first.hash != hash {
                    return Err(Unreadable::Changed);
                }
                if bytes.len() <= MAX_KEPT {
                    *held(&first.kept) = Some(Arc::clone(&bytes));
                    self.keep(Arc::clone(seen), bytes.len());
                }
                Ok(bytes)
            }
        }
    }

    /// Makes room for the bytes of a small file.
    fn keep(&self, file: Arc<OnceLock<Seen>>, len: usize) {
        let mut recent = held(&self.inner.recent);
        recent.files.push_back((file, len));
        recent.bytes += len;
        while recent.bytes > ROOM
            && let Some((oldest, len)) = recent.files.pop_front()
        {
            recent.bytes -= len;
            if let Some(seen) = oldest.get() {
                *held(&seen.kept) = None;
            }
        }
    }

    /// Whether git tracks any of it: outside a work tree nothing says what is tracked.
    #[must_use]
    pub fn is_tracked(&self) -> bool {
        self.inner.is_tracked
    }

    /// The BLAKE3 of a file's content: as it was when it was first read, else read now.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn hash(&self, file: FileId) -> Result<[u8; 32], Unreadable> {
        match &self.inner.backends[file.0 as usize] {
            Backend::Disk { seen, .. } if let Some(seen) = seen.get() => Ok(*seen.hash.as_bytes()),
            _ => Ok(*blake3::hash(&self.read(file)?).as_bytes()),
        }
    }

    /// A name in hex for what was looked at: BLAKE3 over path, kind, mode, tracking and content of
    /// `files`, whatever their order and however often one is named. A link counts with its target
    /// as written and the content that it leads to; what cannot be read, with the kind of reason.
    /// What was read before counts as it was then; the rest is read, in parallel.
    #[must_use]
    pub fn digest(&self, files: &[FileId]) -> String {
        let mut files = files.to_vec();
        files.sort_unstable();
        files.dedup();
        let hashes: Vec<blake3::Hash> =
            files.par_iter().map(|&file| self.fingerprint(file)).collect();
        let mut all = blake3::Hasher::new();
        for hash in hashes {
            all.update(hash.as_bytes());
        }
        all.finalize().to_hex().to_string()
    }

    fn fingerprint(&self, file: FileId) -> blake3::Hash {
        let entry = self.entry(file);
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        field(entry.path.as_bytes());
        match &entry.kind {
            EntryKind::File { executable: false } => field(b"plain"),
            EntryKind::File { executable: true } => field(b"executable"),
            EntryKind::Link { target, .. } => {
                field(b"link");
                field(target.as_bytes());
            }
        }
        field(match entry.tracking {
            Tracking::Tracked => b"tracked",
            Tracking::Untracked => b"untracked",
            Tracking::Ignored => b"ignored",
        });
        match self.hash(file) {
            Ok(hash) => {
                field(b"bytes");
                field(&hash);
            }
            Err(Unreadable::Denied(_)) => field(b"denied"),
            Err(Unreadable::TooLarge { len, .. }) => {
                field(b"too large");
                field(&len.to_le_bytes());
            }
            Err(Unreadable::Link) => field(b"no target"),
            Err(Unreadable::Changed) => field(b"changed"),
        }
        hasher.finalize()
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

    /// Why something that exists at or below `path` may not be in this tree: the note on the path
    /// itself or on a directory around it (a submodule, an unreadable directory, a list that was cut
    /// short). Whoever wants to say «there is none» asks this first.
    #[must_use]
    pub fn unlisted(&self, path: &str) -> Option<&Note> {
        let around = |note: &Note| {
            note.path.is_empty()
                || path
                    .strip_prefix(&*note.path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.inner.notes.iter().find(|note| around(note))
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

    /// Where the file is on disk, if it is there.
    pub(crate) fn real_path(&self, file: FileId) -> Option<PathBuf> {
        match self.inner.backends.get(file.0 as usize)? {
            Backend::Disk { dir, name, .. } => Some(dir.join(&**name)),
            Backend::Memory(_) | Backend::Object(..) => None,
        }
    }

    /// All that this tree holds, to build a changed one from.
    pub(crate) fn to_builder(&self) -> TreeBuilder {
        let pairs = self.inner.entries.iter().zip(&self.inner.backends);
        TreeBuilder {
            entries: pairs.map(|(e, b)| (e.path.clone(), (e.clone(), b.clone()))).collect(),
            notes: self.inner.notes.clone(),
            revision: self.inner.revision.clone(),
            outside: self.inner.outside.clone(),
            max_file: Some(self.inner.max_file),
        }
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

    /// Whether something was added at exactly this path.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// Takes out what was added at exactly this path.
    pub(crate) fn take(&mut self, path: &str) -> Option<(Entry, Backend)> {
        self.entries.remove(path)
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
        let (entries, backends): (Vec<Entry>, _) = taken.entries.into_values().unzip();
        Tree {
            inner: Arc::new(Inner {
                is_tracked: entries.iter().any(|entry| entry.tracking == Tracking::Tracked),
                entries,
                backends,
                notes: taken.notes,
                revision: taken.revision,
                outside: taken.outside,
                max_file: taken.max_file.unwrap_or(MAX_FILE),
                recent: Mutex::default(),
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
        let found = resolve(entries, &links, path);
        if let Some((Entry { kind: EntryKind::Link { inside, .. }, .. }, _)) = entries.get_mut(path)
        {
            *inside = found.map(Into::into);
        }
    }
}

/// Where `path` leads once every link on its way is followed as the system does, part by part:
/// `a/..` is not nothing where `a` is a link. `None` for a way that leaves the tree, takes more than
/// 40 links or ends at nothing.
fn resolve(
    entries: &BTreeMap<Box<str>, (Entry, Backend)>,
    links: &BTreeMap<Box<str>, Box<str>>,
    path: &str,
) -> Option<String> {
    /// What Linux takes as a path at most.
    const LONGEST: usize = 4096;
    let mut at = String::new();
    let mut ahead: Vec<&str> = path.rsplit('/').collect();
    let mut steps = 0;
    while let Some(part) = ahead.pop() {
        match part {
            "" | "." => {}
            // Only a directory has a way on, be it up or down.
            _ if entries.contains_key(&*at) => return None,
            ".." if at.is_empty() => return None,
            ".." => at.truncate(at.rfind('/').unwrap_or(0)),
            part => {
                let parent = at.len();
                if parent > 0 {
                    at.push('/');
                }
                at.push_str(part);
                if let Some(target) = links.get(&*at) {
                    steps += 1;
                    if steps > 40 || target.starts_with('/') {
                        return None;
                    }
                    at.truncate(parent);
                    ahead.extend(target.rsplit('/'));
                }
            }
        }
        if at.len() > LONGEST {
            return None;
        }
    }
    let below = format!("{at}/");
    let from = (Bound::Included(&*below), Bound::Unbounded);
    let is_dir =
        || entries.range::<str, _>(from).next().is_some_and(|(path, _)| path.starts_with(&below));
    (at.is_empty() || entries.contains_key(&*at) || is_dir()).then_some(at)
}

/// A relative path in canonical form: `/` between parts, no `.`, no empty part, `..` resolved.
/// `None` when it climbs above the root. The root itself is `""`.
#[must_use]
pub fn normalize_path(path: &str) -> Option<String> {
    if !path.starts_with(['/', '.']) && is_normal(path) {
        return Some(path.to_owned());
    }
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

/// Whether what stands behind each `/` of a path begins a name: neither another `/`, nor `.`, nor the
/// end. A name that begins with a dot is taken for what it might be.
#[must_use]
pub fn is_normal(path: &str) -> bool {
    !path.ends_with('/') && !path.as_bytes().windows(2).any(|two| matches!(two, b"//" | b"/."))
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
        let mut builder = TreeBuilder::new();
        builder.file("lib/src/a.ts", b"").link("app/lib", "../lib/src").link("app/self", ".");
        builder.link("app/out", "../..");
        let tree = builder.build();
        assert_eq!(tree.through_link("app/lib/a.ts").as_deref(), Some("lib/src/a.ts"));
        assert_eq!(tree.through_link("app/self/self/x").as_deref(), Some("app/self/x"));
        for path in ["app/out/x", "lib/src/a.ts", "app/lib", "nothing/x"] {
            assert_eq!(tree.through_link(path), None, "{path}");
        }
    }

    #[test]
    fn paths_are_normalized() {
        assert_eq!(normalize_path("./a//b/../c/"), Some("a/c".to_owned()));
        assert_eq!(normalize_path("a/../../b"), None);
        assert_eq!(normalize_path("."), Some(String::new()));
    }
}
