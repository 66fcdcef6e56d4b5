//! The disk reader: what git tracks, what it does not, what it ignores; or the plain walk.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::glob::Pattern;
use gix::glob::pattern::Case;
use gix::glob::wildmatch::Mode;
use rayon::prelude::*;

use crate::tree::Backend;
use crate::{Entry, EntryKind, Tracking, Tree, TreeBuilder, Unreadable};

/// How to list a tree.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Only what git tracks: what a fresh clone (and CI) sees.
    pub tracked_only: bool,
    /// Gitignore-style patterns of paths to leave out.
    pub exclude: Vec<String>,
    /// The same, relative to the directory that lies so many levels above the root: what a
    /// configuration up there says.
    pub exclude_above: Vec<(usize, String)>,
    /// Whether the root says of itself that it is one (`root = true` in its `plimsoll.toml`):
    /// then what is above it does not exist, instead of being out of the tree.
    pub is_root: bool,
}

impl OpenOptions {
    /// Whether every pattern means something.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let mut all = self.exclude.iter().chain(self.exclude_above.iter().map(|(_, p)| p));
        match all.find_map(|p| Some((p, malformed(p)?))) {
            Some((pattern, why)) => Err(OpenError::Pattern(pattern.clone(), why.to_owned())),
            None => Ok(()),
        }
    }

    /// What is left out, as rules for keys; `root` is the key of the tree's root.
    pub(crate) fn rules(&self, root: &[u8]) -> Rules {
        let mut levels: Vec<usize> = self.exclude_above.iter().map(|&(up, _)| up).collect();
        levels.sort_unstable();
        levels.dedup();
        let mut rules: Option<Arc<Rules>> = None;
        for up in levels.into_iter().rev() {
            let mut dir = root;
            for _ in 0..up {
                dir = memchr::memrchr(b'/', dir).map_or(b"", |slash| &dir[..slash]);
            }
            let patterns = self.exclude_above.iter().filter(|&&(level, _)| level == up);
            let text: Vec<&str> = patterns.map(|(_, pattern)| &**pattern).collect();
            rules = Some(Arc::new(Rules::parse(text.join("\n").as_bytes(), depth(dir), rules)));
        }
        Rules::parse(self.exclude.join("\n").as_bytes(), depth(root), rules)
    }
}

/// Why no tree could be made.
#[derive(Debug)]
pub enum OpenError {
    /// The path does not exist or is not a directory.
    NotADirectory(PathBuf),
    /// The system refused to list it.
    Denied(PathBuf, String),
    /// An exclude pattern is malformed: the pattern and why.
    Pattern(String, String),
    /// Only tracked files, or a revision, were asked for, and there is no git to ask: the root and
    /// why.
    NoGit(PathBuf, String),
    /// A revision that git does not know: the revision and why.
    Revision(String, String),
    /// The root does not exist in the revision.
    NotInRevision(PathBuf, String),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotADirectory(path) => write!(f, "{}: not a directory", path.display()),
            Self::Denied(path, why) => write!(f, "{}: {why}", path.display()),
            Self::Pattern(pattern, why) => write!(f, "exclude pattern `{pattern}`: {why}"),
            Self::NoGit(path, why) => write!(f, "{}: {why}", path.display()),
            Self::NotInRevision(path, revision) => {
                write!(f, "{}: not there in revision `{}`", path.display(), revision.escape_debug())
            }
            Self::Revision(revision, why) => {
                write!(f, "revision `{}`: {why}", revision.escape_debug())
            }
        }
    }
}

impl std::error::Error for OpenError {}

/// How many files are listed of ignored directories together: enough for any `dist` or `.venv`,
/// and no reason to spend a second on `node_modules`.
const MAX_IGNORED: usize = 20_000;

/// The most that is read of one ignore file.
const MAX_RULES: u64 = 1024 * 1024;

/// Lists the tree at `root`: in a git work tree what the index tracks and what is there besides,
/// elsewhere everything. No link is followed, nothing but plain files is ever opened.
///
/// The rules are the repository's own (`.gitignore`, `.git/info/exclude`), never those of the person
/// who runs this: a tree is the same for everybody. A tracked file that is not on disk (a sparse
/// checkout) is not listed. A submodule is left out with a note; a repository inside the repository
/// is listed by name only, as if ignored.
///
/// # Errors
/// [`OpenError`] when the request is wrong or the root itself cannot be listed; trouble below it
/// becomes a note.
pub fn open(root: &Path, options: &OpenOptions) -> Result<Tree, OpenError> {
    open_bounded(root, options, MAX_IGNORED)
}

fn open_bounded(root: &Path, options: &OpenOptions, max_ignored: usize) -> Result<Tree, OpenError> {
    let denied = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            OpenError::NotADirectory(root.to_owned())
        }
        kind => OpenError::Denied(root.to_owned(), kind.to_string()),
    };
    let top = root.canonicalize().map_err(denied)?;
    fs::read_dir(&top).map_err(denied)?;
    options.check()?;

    let mut builder = TreeBuilder::new();
    let way = work_tree(&top)
        .and_then(|above| top.strip_prefix(above).ok())
        .map(key_of)
        .unwrap_or_default();
    if !way.is_empty() && !options.is_root {
        builder.outside(shown(&way));
    }
    let mut git = Git::around(&top).unwrap_or_else(|why| {
        builder.note(
            ".git",
            &format!("git's index cannot be read, so every file counts as untracked: {why}"),
        );
        None
    });
    if let Some(git) = &git {
        git.revision.iter().for_each(|hex| _ = builder.revision(hex.clone()));
    }
    // Who names an ignored directory wants what is in it.
    git = git.filter(|git| !(git.root_ignored && git.files.is_empty()));
    if options.tracked_only && git.is_none() {
        let why = "not in a git work tree whose index can be read, so no file is tracked";
        return Err(OpenError::NoGit(root.to_owned(), why.to_owned()));
    }

    // Where git has no say, there is no way from its top to the root either.
    let key = git.as_ref().map(|git| git.prefix.clone()).unwrap_or_default();
    let skip = depth(&key);
    let exclude = options.rules(&key);
    let walk = Walk { git: git.as_ref(), exclude, tracked_only: options.tracked_only };
    let found = walk.run(key, &top, max_ignored);
    for (key, says) in &found.notes {
        builder.note(&shown(key.get(skip..).unwrap_or_default()), says);
    }
    for key in git.iter().flat_map(|git| &git.submodules) {
        let says = "a submodule: what is in it is not part of this tree";
        builder.note(&shown(key.get(skip..).unwrap_or_default()), says);
    }
    name(&mut builder, found.files, skip);
    Ok(builder.build())
}

/// A path as bytes, relative to the work tree's top (or, where there is none, to the root), `/`
/// between its parts: what git goes by.
pub(crate) type Key = Vec<u8>;

/// One directory to list.
struct Dir {
    key: Key,
    path: Arc<PathBuf>,
    rules: Option<Arc<Rules>>,
    /// Whether git ignores it, and so all that is below it.
    ignored: bool,
}

/// One file or link.
pub(crate) struct Found {
    pub(crate) key: Key,
    pub(crate) backend: Backend,
    pub(crate) kind: EntryKind,
    pub(crate) tracking: Tracking,
    pub(crate) len: u64,
}

/// What one directory, or all of them, came to.
#[derive(Default)]
struct Listing {
    files: Vec<Found>,
    /// Directories to list next.
    dirs: Vec<Dir>,
    /// Ignored directories without a tracked file, which are listed last and not to their end.
    ignored: Vec<Dir>,
    notes: Vec<(Key, String)>,
}

struct Walk<'a> {
    git: Option<&'a Git>,
    exclude: Rules,
    tracked_only: bool,
}

impl Walk<'_> {
    /// Lists everything, level by level, each level's directories in parallel and in order.
    fn run(&self, key: Key, root: &Path, max_ignored: usize) -> Listing {
        let start = Dir {
            key,
            path: Arc::new(root.to_owned()),
            rules: self.git.and_then(|git| git.rules.clone()),
            ignored: self.git.is_some_and(|git| git.root_ignored),
        };
        let mut all = Listing::default();
        let mut level = vec![start];
        while !level.is_empty() {
            let listings: Vec<Listing> =
                level.par_iter().map(|dir| self.list(dir, usize::MAX)).collect();
            level = Vec::new();
            for mut listing in listings {
                all.files.append(&mut listing.files);
                all.notes.append(&mut listing.notes);
                all.ignored.append(&mut listing.ignored);
                level.append(&mut listing.dirs);
            }
        }
        self.list_ignored(&mut all, max_ignored);
        all
    }

    /// Lists the ignored directories in breadth, so that what lies near the top comes first, until
    /// `budget` names were seen.
    fn list_ignored(&self, all: &mut Listing, mut budget: usize) {
        let tops = std::mem::take(&mut all.ignored);
        let keys: Vec<Key> = tops.iter().map(|dir| dir.key.clone()).collect();
        let mut cut = vec![false; keys.len()];
        let mut queue: VecDeque<(usize, Dir)> = tops.into_iter().enumerate().collect();
        while let Some((top, dir)) = queue.pop_front() {
            if budget == 0 {
                cut[top] = true;
                continue;
            }
            // One more than may be shown, to know whether there is more.
            let mut listing = self.list(&dir, budget.saturating_add(1));
            if listing.files.len() + listing.ignored.len() > budget {
                cut[top] = true;
                listing.files.truncate(budget);
                listing.ignored.truncate(budget - listing.files.len());
            }
            budget -= listing.files.len() + listing.ignored.len();
            all.files.append(&mut listing.files);
            all.notes.append(&mut listing.notes);
            queue.extend(listing.ignored.into_iter().map(|dir| (top, dir)));
        }
        for (key, _) in keys.into_iter().zip(cut).filter(|&(_, cut)| cut) {
            all.notes.push((
                key,
                "ignored by git and large: only its first files are listed".to_owned(),
            ));
        }
    }

    /// Lists one directory; of the names in it only the first `at_most` in order.
    fn list(&self, dir: &Dir, at_most: usize) -> Listing {
        let mut out = Listing::default();
        let mut children =
            match fs::read_dir(&*dir.path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
                Ok(children) => children,
                Err(e) => {
                    out.notes.push((
                        dir.key.clone(),
                        format!("a directory that cannot be listed: {}", e.kind()),
                    ));
                    return out;
                }
            };
        children.sort_by_cached_key(fs::DirEntry::file_name);
        let rules = if self.git.is_none() || dir.ignored {
            dir.rules.clone()
        } else {
            let own = children
                .iter()
                .find(|child| child.file_name() == ".gitignore")
                .map(fs::DirEntry::path);
            let (rules, trouble) = Rules::below(dir.rules.clone(), &dir.key, own.as_deref());
            if let Some(says) = trouble {
                out.notes.push((join(&dir.key, b".gitignore"), says));
            }
            rules
        };
        for child in children.into_iter().take(at_most) {
            let name = child.file_name();
            if name == ".git" {
                continue;
            }
            let key = join(&dir.key, name.as_encoded_bytes());
            if let Err(e) = self.list_child(dir, rules.as_ref(), &child, &key, &mut out) {
                // Gone since its directory was read: it is as if it had never been there.
                if e.kind() != io::ErrorKind::NotFound {
                    out.notes.push((key, format!("cannot be looked at: {}", e.kind())));
                }
            }
        }
        out
    }

    fn list_child(
        &self,
        dir: &Dir,
        rules: Option<&Arc<Rules>>,
        child: &fs::DirEntry,
        key: &Key,
        out: &mut Listing,
    ) -> io::Result<()> {
        let path = child.path();
        let kind = child.file_type()?;
        if self.exclude.ignore(key, kind.is_dir()) {
            return Ok(());
        }
        let ignored = || dir.ignored || rules.is_some_and(|rules| rules.ignore(key, kind.is_dir()));
        if kind.is_dir() {
            if self.git.is_some_and(|git| git.submodules.contains(key)) {
                return Ok(());
            }
            let has_tracked = self.git.is_some_and(|git| git.dirs.contains(key));
            if self.tracked_only && !has_tracked {
                return Ok(());
            }
            let mut ignored = ignored();
            if self.git.is_some() && !has_tracked && !ignored && is_repository(&path) {
                let says = "a repository of its own: what is in it is listed by name only";
                out.notes.push((key.clone(), says.to_owned()));
                ignored = true;
            }
            let next = if ignored && !has_tracked { &mut out.ignored } else { &mut out.dirs };
            let path = Arc::new(path);
            next.push(Dir { key: key.clone(), path, rules: rules.cloned(), ignored });
            return Ok(());
        }
        let tracked = self.git.and_then(|git| git.files.get(key));
        let tracking = match tracked {
            Some(_) => Tracking::Tracked,
            None if self.tracked_only => return Ok(()),
            None if ignored() => Tracking::Ignored,
            None => Tracking::Untracked,
        };
        let (kind, len) = if kind.is_symlink() {
            let target = fs::read_link(&path)?.to_string_lossy().into();
            (EntryKind::Link { target, inside: None }, 0)
        } else if kind.is_file() {
            let metadata = child.metadata()?;
            // Of a tracked file git's word counts: it is what a clone gets.
            let executable = tracked.copied().unwrap_or_else(|| is_executable(&metadata));
            (EntryKind::File { executable }, metadata.len())
        } else {
            out.notes.push((key.clone(), "a pipe, socket or device: never opened".to_owned()));
            return Ok(());
        };
        let backend = Backend::disk(&dir.path, &child.file_name());
        out.files.push(Found { key: key.clone(), backend, kind, tracking, len });
        Ok(())
    }
}

/// Gives every file its path as text. Two names that look alike once their bytes are made UTF-8 are
/// both kept: the later one gets a number.
pub(crate) fn name(builder: &mut TreeBuilder, files: Vec<Found>, skip: usize) {
    // Real UTF-8 first: its names are never changed.
    let is_text = |found: &Found| str::from_utf8(&found.key).is_ok();
    let (mut files, mut others): (Vec<Found>, Vec<Found>) = files.into_iter().partition(is_text);
    others.sort_by(|a, b| a.key.cmp(&b.key));
    files.append(&mut others);
    let mut next = HashMap::new();
    for Found { key, backend, kind, tracking, len } in files {
        let plain = shown(key.get(skip..).unwrap_or_default());
        let mut unique = plain.clone();
        if builder.holds(&plain) {
            let number = next.entry(plain.clone()).or_insert(2_u32);
            while builder.holds(&unique) {
                unique = format!("{plain}~{number}");
                *number += 1;
            }
            builder.note(&unique, &format!("stands for a second file whose name reads `{plain}`"));
        }
        builder.entry(Entry { path: unique.into(), kind, tracking, len }, backend);
    }
}

pub(crate) fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

pub(crate) fn join(dir: &[u8], name: &[u8]) -> Key {
    if dir.is_empty() { name.to_vec() } else { [dir, name].join(&b'/') }
}

/// How many bytes the keys of what is in a directory begin with.
pub(crate) fn depth(dir: &[u8]) -> usize {
    if dir.is_empty() { 0 } else { dir.len() + 1 }
}

pub(crate) fn key_of(relative: &Path) -> Key {
    relative
        .components()
        .fold(Key::new(), |key, part| join(&key, part.as_os_str().as_encoded_bytes()))
}

/// Whether a directory is the top of a git work tree.
fn is_repository(path: &Path) -> bool {
    let dot = path.join(".git");
    fs::symlink_metadata(&dot).is_ok_and(|m| m.is_file()) || dot.join("HEAD").is_file()
}

/// The top of the git work tree around a directory, and the way from there down to it, `/` between
/// its parts; outside of any work tree the directory itself, and `""`.
///
/// # Errors
/// [`OpenError::NotADirectory`] where there is none.
pub fn work_tree_of(root: &Path) -> Result<(PathBuf, String), OpenError> {
    let own = root.canonicalize().map_err(|_| OpenError::NotADirectory(root.to_owned()))?;
    let top = work_tree(&own).unwrap_or(&own);
    let way = own.strip_prefix(top).map(|way| shown(&key_of(way))).unwrap_or_default();
    Ok((top.to_owned(), way))
}

/// The top of the git work tree around `root`; what is inside a `.git` is in none.
fn work_tree(root: &Path) -> Option<&Path> {
    root.ancestors()
        .take_while(|dir| dir.file_name().is_none_or(|name| name != ".git"))
        .find(|dir| is_repository(dir))
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

/// The repository around `root` and the canonical path of its work tree's top. `Ok(None)` where
/// there is none, an error in words where there is one that cannot be read.
pub(crate) fn repository(root: &Path) -> Result<Option<(gix::Repository, PathBuf)>, String> {
    // Not asking gix at all where no `.git` stands keeps «none» and «broken» apart.
    if work_tree(root).is_none() {
        return Ok(None);
    }
    // No environment, no configuration but the repository's own: the same tree for everybody.
    let options = gix::open::Options::isolated();
    let trust = gix::sec::trust::Mapping { full: options.clone(), reduced: options };
    let upwards = gix::discover::upwards::Options {
        dot_git_only: true,
        cross_fs: true,
        ..Default::default()
    };
    let repo = gix::ThreadSafeRepository::discover_opts(root, upwards, trust)
        .map_err(|e| e.to_string())?
        .to_thread_local();
    let top = repo.workdir().and_then(|top| top.canonicalize().ok());
    Ok(top.map(|top| (repo, top)))
}

/// What git says of the tree below one directory of its work tree.
struct Git {
    /// The way from the work tree's top to the root; empty where they are the same.
    prefix: Key,
    /// Every tracked file and link below the root, and whether it is executable.
    files: HashMap<Key, bool>,
    /// Every directory below the root with a tracked file in it, at any depth.
    dirs: HashSet<Key>,
    /// Submodules below the root.
    submodules: HashSet<Key>,
    /// The ignore rules from above the root.
    rules: Option<Arc<Rules>>,
    /// Whether those rules ignore the root itself.
    root_ignored: bool,
    /// The commit that HEAD names.
    revision: Option<String>,
}

impl Git {
    /// The work tree around `root`, a canonical path. `Ok(None)` where there is none, an error in
    /// words where there is one that cannot be read.
    fn around(root: &Path) -> Result<Option<Self>, String> {
        let Some((repo, top)) = repository(root)? else { return Ok(None) };
        let Ok(way) = root.strip_prefix(&top) else { return Ok(None) };
        let index = repo.index_or_empty().map_err(|e| e.to_string())?;

        let info = repo.common_dir().join("info/exclude");
        let (mut rules, _) = Rules::below(None, b"", info.is_file().then_some(&*info));
        let (mut dir, mut prefix, mut root_ignored) = (top.clone(), Key::new(), false);
        for part in way.components() {
            (rules, _) = Rules::below(rules, &prefix, Some(&dir.join(".gitignore")));
            dir.push(part);
            prefix = join(&prefix, part.as_os_str().as_encoded_bytes());
            root_ignored |= rules.as_ref().is_some_and(|rules| rules.ignore(&prefix, true));
        }

        let revision = repo.head_id().ok().map(|id| id.to_string());
        let (files, dirs, submodules) = <_>::default();
        let mut git = Self { prefix, files, dirs, submodules, rules, root_ignored, revision };
        for entry in index.entries() {
            git.add(entry.path(&index), entry.mode);
        }
        Ok(Some(git))
    }

    /// Takes in one entry of the index, if it lies below the root.
    fn add(&mut self, path: &[u8], mode: gix::index::entry::Mode) {
        let below = path.strip_prefix(&*self.prefix);
        if !self.prefix.is_empty() && !below.is_some_and(|rest| rest.starts_with(b"/")) {
            return;
        }
        if mode.is_submodule() {
            self.submodules.insert(path.to_vec());
        } else if !mode.is_sparse() {
            self.files.insert(path.to_vec(), mode == gix::index::entry::Mode::FILE_EXECUTABLE);
        } else {
            return;
        }
        let mut dir = path;
        while let Some(slash) = memchr::memrchr(b'/', dir) {
            dir = &dir[..slash];
            if !self.dirs.insert(dir.to_vec()) {
                break;
            }
        }
    }
}

/// The ignore rules that hold in a directory: its own, then those of the directories above it.
pub(crate) struct Rules {
    /// In the order of the file: the last that matches decides.
    own: Vec<Pattern>,
    /// How many bytes of a key name the directory that the rules stand in.
    skip: usize,
    above: Option<Arc<Rules>>,
}

impl Rules {
    fn parse(text: &[u8], skip: usize, above: Option<Arc<Self>>) -> Self {
        let own = gix::ignore::parse(text, false).map(|(pattern, ..)| pattern).collect();
        Self { own, skip, above }
    }

    /// `above` with the rules of `file` added, which hold for what is in `dir`; and what to note
    /// when the file is there but could not be used. As for git, a link is no ignore file.
    fn below(
        above: Option<Arc<Self>>,
        dir: &[u8],
        file: Option<&Path>,
    ) -> (Option<Arc<Self>>, Option<String>) {
        let Some(file) = file else { return (above, None) };
        match read(file, MAX_RULES) {
            Ok(bytes) => (Some(Arc::new(Self::parse(&bytes, depth(dir), above))), None),
            Err(Unreadable::Changed | Unreadable::Link) => (above, None),
            Err(Unreadable::TooLarge { len, limit }) => (
                above,
                Some(format!("not applied: {len} bytes, more than the {limit} that are read")),
            ),
            Err(Unreadable::Denied(why)) => (above, Some(format!("not applied: {why}"))),
        }
    }

    /// Whether git ignores the path by these rules; the nearest file that says anything decides.
    pub(crate) fn ignore(&self, key: &[u8], is_dir: bool) -> bool {
        let mut rules = Some(self);
        while let Some(Self { own, skip, above }) = rules {
            let path = key.get(*skip..).unwrap_or_default();
            let base = memchr::memrchr(b'/', path).map(|slash| slash + 1);
            let matches = |pattern: &&Pattern| {
                let mode = Mode::NO_MATCH_SLASH_LITERAL;
                pattern.matches_repo_relative_path(
                    path.into(),
                    base,
                    Some(is_dir),
                    Case::Sensitive,
                    mode,
                )
            };
            if let Some(pattern) = own.iter().rev().find(matches) {
                return !pattern.is_negative();
            }
            rules = above.as_deref();
        }
        false
    }
}

/// Why a pattern of what to leave out can never match; in an ignore file git would pass over it.
fn malformed(pattern: &str) -> Option<&'static str> {
    if pattern.contains('\n') || gix::ignore::parse(pattern.as_bytes(), false).next().is_none() {
        return Some("not one pattern: it is empty, a comment or several lines");
    }
    let mut rest = pattern.as_bytes();
    let mut in_class = false;
    while let [byte, after @ ..] = rest {
        rest = match byte {
            b'\\' if after.is_empty() => return Some("the backslash at its end escapes nothing"),
            b'\\' => &after[1..],
            b']' => {
                in_class = false;
                after
            }
            b'[' if !in_class => {
                in_class = true;
                // A `]` that comes first, if need be after `!`, is one of the class.
                match after {
                    [b'!' | b'^', b']', after @ ..] | [b'!' | b'^' | b']', after @ ..] => after,
                    _ => after,
                }
            }
            _ => after,
        };
    }
    in_class.then_some("its `[` is never closed")
}

/// Reads one plain file, up to `limit` bytes. Whatever was put at the path since it was listed, this
/// follows no link in the last part, does not wait for a pipe, and stops when the file grows.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Arc<[u8]>, Unreadable> {
    // Another kind of thing than was listed: a link, a socket.
    #[cfg(unix)]
    let is_other = |e: &io::Error| matches!(e.raw_os_error(), Some(libc::ELOOP | libc::ENXIO));
    #[cfg(not(unix))]
    let is_other = |_: &io::Error| false;
    let refused = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unreadable::Changed,
        _ if is_other(&e) => Unreadable::Changed,
        kind => Unreadable::Denied(kind.to_string()),
    };
    // Elsewhere opening itself refuses links and does not wait.
    #[cfg(not(unix))]
    if !fs::symlink_metadata(path).map_err(refused)?.is_file() {
        return Err(Unreadable::Changed);
    }
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK,
    );
    let file = options.open(path).map_err(refused)?;
    let metadata = file.metadata().map_err(refused)?;
    if !metadata.is_file() {
        return Err(Unreadable::Changed);
    }
    let len = metadata.len();
    if len > limit {
        return Err(Unreadable::TooLarge { len, limit });
    }
    // Read where it stays: to grow a buffer and copy it doubles the cost of a lockfile.
    let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, usize::try_from(len).unwrap_or(0)).collect();
    let mut file = file.take(limit.saturating_add(1));
    let mut filled = 0;
    while let Some(rest) = Arc::get_mut(&mut bytes).and_then(|b| b.get_mut(filled..))
        && !rest.is_empty()
    {
        match file.read(rest) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(refused(why)),
        }
    }
    let mut more = Vec::new();
    if filled == bytes.len() {
        file.read_to_end(&mut more).map_err(refused)?;
    }
    if filled == bytes.len() && more.is_empty() {
        return Ok(bytes);
    }
    // It shrank, grew, or is one whose length the system does not tell.
    let all = [&bytes[..filled], &more].concat();
    if all.len() as u64 > limit {
        return Err(Unreadable::TooLarge { len: all.len() as u64, limit });
    }
    Ok(all.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of ignored directories the shallow files come first, and whatever is cut off is told; files
    /// that are ignored one by one are all there.
    #[test]
    fn ignored_directories_are_listed_to_a_bound() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let git = std::process::Command::new("git").args(["init", "-q"]).arg(dir.path()).status();
        assert!(git.expect("git runs").success());
        for path in ["a/deep/er/1", "a/deep/2", "a/3", "b/4", "b/5", "c/6"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("below the root")).expect("made");
            fs::write(path, "").expect("written");
        }
        fs::write(dir.path().join(".gitignore"), "a/\nb\n6\n").expect("written");
        let listed = |bound: usize| {
            let tree = open_bounded(dir.path(), &OpenOptions::default(), bound).expect("a tree");
            let names = tree.entries().filter(|(_, e)| e.tracking == Tracking::Ignored);
            let names: Vec<&str> = names.map(|(_, e)| &*e.path).collect();
            let cut: Vec<&str> = tree.notes().iter().map(|note| &*note.path).collect();
            format!("{} | {}", names.join(" "), cut.join(" "))
        };
        assert_eq!(listed(100), "a/3 a/deep/2 a/deep/er/1 b/4 b/5 c/6 | ");
        assert_eq!(listed(5), "a/3 a/deep/2 b/4 b/5 c/6 | a");
        assert_eq!(listed(3), "a/3 b/4 c/6 | a b");
        assert_eq!(listed(0), "c/6 | a b");
    }
}
