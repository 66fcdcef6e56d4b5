//! The reader of git revisions: the tree of a commit, whatever is in the work tree now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use gix::objs::tree::EntryKind as Mode;

use crate::disk::{Found, Key, depth, join, key_of, name, repository, shown};
use crate::tree::Backend;
use crate::{EntryKind, OpenError, OpenOptions, Tracking, Tree, TreeBuilder, Unreadable};

/// The most files that are listed. Git's trees may share their parts, so that a few hundred bytes
/// of them can name more files than any disk holds.
const MAX_FILES: usize = 1_000_000;
/// The most directories in one another.
const MAX_DEPTH: usize = 256;
/// The longest target that a link may have.
const MAX_TARGET: u64 = 4096;

/// Lists the tree of a revision (`HEAD~3`, `main`, a tag, a hash) as it stands in the git repository
/// around `root`: only what lies at or below `root`, every file tracked, its bytes as git stores
/// them. Submodules are left out with a note.
///
/// # Errors
/// [`OpenError`] when `root` is in no git work tree, when git knows no such revision, or when `root`
/// is not a directory in it.
pub fn open_revision(
    root: &Path,
    revision: &str,
    options: &OpenOptions,
) -> Result<Tree, OpenError> {
    open_bounded(root, revision, options, MAX_FILES)
}

fn open_bounded(
    root: &Path,
    revision: &str,
    options: &OpenOptions,
    max_files: usize,
) -> Result<Tree, OpenError> {
    options.check()?;
    let top = root.canonicalize().map_err(|_| OpenError::NotADirectory(root.to_owned()))?;
    let no_git = |why: String| OpenError::NoGit(root.to_owned(), why);
    let (repo, work_tree) = repository(&top)
        .map_err(no_git)?
        .ok_or_else(|| no_git("not in a git work tree, so it has no revisions".to_owned()))?;
    let key = top.strip_prefix(&work_tree).map(key_of).unwrap_or_default();

    let unknown = |why: &str| OpenError::Revision(revision.to_owned(), why.to_owned());
    let missing = missing(&repo);
    let id = repo.rev_parse_single(revision).map_err(|_| unknown(missing))?;
    let object = id.object().map_err(|_| unknown("its commit is not in this clone"))?;
    let commit = object.peel_to_commit().map_err(|_| unknown("it is not a commit"))?;
    let mut builder = TreeBuilder::new();
    builder.revision(commit.id.to_string());
    let mut start = commit.tree().map_err(|_| unknown("its tree is not in this clone"))?.id;
    for part in key.split(|&b| b == b'/').filter(|part| !part.is_empty()) {
        let tree = repo.find_tree(start).map_err(|_| unknown("its tree is not in this clone"))?;
        let found = tree.iter().flatten().find(|entry| *entry.filename() == *part);
        start = found
            .filter(|entry| entry.mode().is_tree())
            .map(|entry| entry.object_id())
            .ok_or_else(|| OpenError::NotInRevision(root.to_owned(), revision.to_owned()))?;
    }
    if !key.is_empty() && !options.is_root {
        builder.outside(shown(&key));
    }

    let exclude = options.rules(&key);
    let skip = depth(&key);
    let shared = Arc::new(repo.clone().into_sync());
    let mut files = Vec::new();
    let mut todo: Vec<(Key, gix::ObjectId, usize)> = vec![(key, start, 0)];
    while let Some((dir, id, level)) = todo.pop() {
        let at = shown(dir.get(skip..).unwrap_or_default());
        if level > MAX_DEPTH || files.len() + todo.len() > max_files {
            builder.note(&at, "too deep, or one of too many files: not listed");
            continue;
        }
        let Ok(tree) = repo.find_tree(id) else {
            builder.note(&at, "not in this clone (is it a partial one?)");
            continue;
        };
        for entry in tree.iter() {
            let Ok(entry) = entry else {
                builder.note(&at, "a damaged directory: not listed to its end");
                break;
            };
            let key = join(&dir, entry.filename());
            let (mode, id) = (entry.mode().kind(), entry.object_id());
            if exclude.ignore(&key, mode == Mode::Tree) {
                continue;
            }
            let kind = match mode {
                Mode::Tree => {
                    todo.push((key, id, level + 1));
                    continue;
                }
                Mode::Commit => {
                    let says = "a submodule: what is in it is not part of this tree";
                    builder.note(&shown(key.get(skip..).unwrap_or_default()), says);
                    continue;
                }
                Mode::Link => {
                    let target = read(&shared, id, MAX_TARGET).unwrap_or_default();
                    EntryKind::Link {
                        target: String::from_utf8_lossy(&target).into(),
                        inside: None,
                    }
                }
                Mode::Blob => EntryKind::File { executable: false },
                Mode::BlobExecutable => EntryKind::File { executable: true },
            };
            let len = match kind {
                EntryKind::Link { .. } => 0,
                EntryKind::File { .. } => repo.find_header(id).map_or(0, |header| header.size()),
            };
            let backend = Backend::Object(Arc::clone(&shared), id);
            files.push(Found { key, backend, kind, tracking: Tracking::Tracked, len });
        }
    }
    name(&mut builder, files, skip);
    Ok(builder.build())
}

/// Why a revision is not found.
fn missing(repo: &gix::Repository) -> &'static str {
    match repo.head().is_ok_and(|head| head.is_unborn()) {
        true => "nothing is committed here yet",
        false => "git knows no such commit here (is the clone shallow?)",
    }
}

/// The commit at which the history of what is checked out left that of a revision: what a pull
/// request is compared with, whatever went on beside it. The revision itself where they share none.
///
/// # Errors
/// As [`open_revision`].
pub fn fork_point(root: &Path, revision: &str) -> Result<String, OpenError> {
    let no_git = |why: String| OpenError::NoGit(root.to_owned(), why);
    let top = root.canonicalize().map_err(|_| OpenError::NotADirectory(root.to_owned()))?;
    let (repo, _) = repository(&top)
        .map_err(no_git)?
        .ok_or_else(|| no_git("not in a git work tree, so it has no revisions".to_owned()))?;
    let unknown = |why: &str| OpenError::Revision(revision.to_owned(), why.to_owned());
    let missing = missing(&repo);
    let id = repo.rev_parse_single(revision).map_err(|_| unknown(missing))?;
    let object = id.object().map_err(|_| unknown("its commit is not in this clone"))?;
    let commit = object.peel_to_commit().map_err(|_| unknown("it is not a commit"))?.id;
    let head = repo.head_id().map_err(|_| unknown("nothing is checked out to compare it with"))?;
    let base = repo.merge_base(head, commit).ok().flatten();
    Ok(base.map_or(commit, gix::Id::detach).to_string())
}

/// The tracked files at or below `root` that are not as HEAD has them, on disk or in the index, in
/// path order: what git could not bring back. `None` outside of any git work tree. A file whose
/// size and time are those that the index noted is taken to be as it was, as git does.
///
/// # Errors
/// As [`open_revision`].
pub fn unsaved(root: &Path) -> Result<Option<Vec<String>>, OpenError> {
    let no_git = |why: String| OpenError::NoGit(root.to_owned(), why);
    let own = root.canonicalize().map_err(|_| OpenError::NotADirectory(root.to_owned()))?;
    let Some((repo, top)) = repository(&own).map_err(no_git)? else { return Ok(None) };
    let Some(way) = own.strip_prefix(&top).ok().map(key_of) else { return Ok(None) };
    let index = repo.index_or_empty().map_err(|e| no_git(e.to_string()))?;
    let is_below = |key: &[u8]| {
        way.is_empty() || key.strip_prefix(&*way).is_some_and(|rest| rest.starts_with(b"/"))
    };
    let mut head: BTreeMap<Key, gix::ObjectId> = BTreeMap::new();
    if let Ok(start) = repo.head_tree() {
        let mut todo = vec![(Key::new(), start.id, 0)];
        while let Some((dir, id, level)) = todo.pop() {
            let tree = repo.find_tree(id).map_err(|e| no_git(e.to_string()))?;
            for entry in tree.iter().flatten().filter(|_| level <= MAX_DEPTH) {
                let key = join(&dir, entry.filename());
                match entry.mode().kind() {
                    Mode::Tree => todo.push((key, entry.object_id(), level + 1)),
                    Mode::Commit => {}
                    _ if is_below(&key) => _ = head.insert(key, entry.object_id()),
                    _ => {}
                }
            }
        }
    }
    let mut found: BTreeSet<String> = BTreeSet::new();
    for entry in index.entries() {
        let key: Key = entry.path(&index).to_vec();
        if !is_below(&key) || entry.mode.is_submodule() || entry.mode.is_sparse() {
            continue;
        }
        let staged = head.remove(&key) != Some(entry.id);
        let skipped = entry.flags.contains(gix::index::entry::Flags::SKIP_WORKTREE);
        if staged || !skipped && !is_saved(&top, &key, entry) {
            found.insert(shown(key.get(depth(&way)..).unwrap_or_default()));
        }
    }
    // What HEAD has and the index lost.
    found.extend(head.keys().map(|key| shown(key.get(depth(&way)..).unwrap_or_default())));
    Ok(Some(found.into_iter().collect()))
}

/// Whether a file on disk is as the index has it.
fn is_saved(top: &Path, key: &Key, entry: &gix::index::Entry) -> bool {
    let Ok(path) = str::from_utf8(key).map(|key| top.join(key)) else {
        // Such a file is never edited.
        return true;
    };
    let Ok(metadata) = std::fs::symlink_metadata(&path) else { return false };
    if metadata.is_symlink() || entry.mode == gix::index::entry::Mode::SYMLINK {
        return metadata.is_symlink() == (entry.mode == gix::index::entry::Mode::SYMLINK);
    }
    let time = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let same_time = time.is_some_and(|time| {
        (time.as_secs(), time.subsec_nanos())
            == (u64::from(entry.stat.mtime.secs), entry.stat.mtime.nsecs)
    });
    if same_time && metadata.len() == u64::from(entry.stat.size) {
        return true;
    }
    let Ok(bytes) = crate::disk::read(&path, u64::from(u32::MAX)) else { return false };
    let is_it = |bytes: &[u8]| {
        gix::objs::compute_hash(entry.id.kind(), gix::objs::Kind::Blob, bytes)
            .is_ok_and(|id| id == entry.id)
    };
    // A checkout may have given it other line ends than git keeps.
    is_it(&bytes) || bytes.contains(&b'\r') && is_it(&without_returns(&bytes))
}

fn without_returns(bytes: &[u8]) -> Vec<u8> {
    let ends = |at: usize| bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
    bytes.iter().enumerate().filter(|&(at, _)| !ends(at)).map(|(_, &byte)| byte).collect()
}

/// The bytes of an object, up to `limit`.
pub(crate) fn read(
    repository: &gix::ThreadSafeRepository,
    id: gix::ObjectId,
    limit: u64,
) -> Result<Arc<[u8]>, Unreadable> {
    let missing = |_| Unreadable::Denied("not in this clone".to_owned());
    let repository = repository.to_thread_local();
    let len = repository.find_header(id).map_err(missing)?.size();
    if len > limit {
        return Err(Unreadable::TooLarge { len, limit });
    }
    let mut blob = repository.find_blob(id).map_err(missing)?;
    Ok(blob.take_data().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten trees that each name the one before ten times would be ten thousand million files.
    #[test]
    fn a_tree_that_repeats_itself_is_cut() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let root = dir.path();
        let git = std::process::Command::new("git").args(["init", "-q"]).arg(root).status();
        assert!(git.expect("git runs").success());
        let hash = |input: &str, args: &[&str]| {
            use std::io::Write as _;
            let mut git = std::process::Command::new("git");
            git.current_dir(root).args(args).env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE");
            git.env("GIT_AUTHOR_NAME", "t").env("GIT_AUTHOR_EMAIL", "t@example.org");
            git.env("GIT_COMMITTER_NAME", "t").env("GIT_COMMITTER_EMAIL", "t@example.org");
            let piped = std::process::Stdio::piped;
            let mut child = git.stdin(piped()).stdout(piped()).spawn().expect("git runs");
            child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
            let out = child.wait_with_output().expect("git ends").stdout;
            String::from_utf8(out).expect("hex").trim().to_owned()
        };
        let mut id = hash("", &["hash-object", "-w", "--stdin"]);
        let mut kind = "100644 blob";
        for _ in 0..10 {
            let tree: String = (0..10).map(|i| format!("{kind} {id}\td{i}\n")).collect();
            id = hash(&tree, &["mktree"]);
            kind = "040000 tree";
        }
        let commit = hash("", &["commit-tree", &id, "-m", "bomb"]);
        let tree = open_bounded(root, &commit, &OpenOptions::default(), 500).expect("a tree");
        assert!(tree.len() < 600, "{} files", tree.len());
        assert!(!tree.notes().is_empty());
    }
}
