//! Changes as values: edits, new files, removals and modes, applied all or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fmt, fs};

use crate::journal::Kept;
use crate::{EntryKind, FileId, Span, TextRange, Tracking, Tree, Unreadable, normalize_path};

/// One replacement: the bytes of `span` give way to `insert`. An empty span inserts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// What stands there afterwards.
    pub insert: Vec<u8>,
}

/// A new file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Create {
    /// Its path, relative to the root.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it is executable.
    pub executable: bool,
}

/// A change to a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Replacements; those of one file may touch but not overlap.
    pub edits: Vec<Edit>,
    /// New files; a path that exists is a conflict.
    pub create: Vec<Create>,
    /// Files to remove.
    pub remove: Vec<FileId>,
    /// Files to make executable (`true`) or plain (`false`).
    pub chmod: Vec<(FileId, bool)>,
}

/// Why a patch does not apply. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Two edits claim the same bytes.
    Overlap(Span, Span),
    /// An edit reaches past the end of its file.
    OutOfRange(Span),
    /// The file cannot be read.
    Unreadable(FileId),
    /// A link is never edited.
    Link(FileId),
    /// A file to create exists, or its path leaves the tree or runs through a file.
    Exists(String),
    /// The patch wants two things of one file that exclude each other: to edit and to remove it, to
    /// make it executable and plain.
    Contradiction(FileId),
    /// The file holds other bytes than those that the patch was made for.
    Changed(FileId),
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap(..) => f.write_str("two edits claim the same bytes"),
            Self::OutOfRange(_) => f.write_str("an edit reaches past the end of its file"),
            Self::Unreadable(_) => f.write_str("the file to edit cannot be read"),
            Self::Link(_) => f.write_str("the file to edit is a link"),
            Self::Contradiction(_) => {
                f.write_str("the patch wants two things of one file that exclude each other")
            }
            Self::Changed(_) => f.write_str("the file was changed since it was read"),
            Self::Exists(path) => write!(f, "`{path}` cannot be created: something is in its way"),
        }
    }
}

impl std::error::Error for Conflict {}

impl Patch {
    /// Whether it changes nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.edits.is_empty()
            && self.create.is_empty()
            && self.remove.is_empty()
            && self.chmod.is_empty()
    }
}

impl Tree {
    /// The tree with `patch` applied, or the first conflict; never half of it.
    ///
    /// Edits may stand in any order and touch; what is inserted at an offset comes before what
    /// replaces the bytes from there on. Equal edits are one edit, two different insertions at one
    /// offset are an overlap. Links are neither edited nor given modes, but may be removed. Files
    /// created count as tracked where the tree has tracked files: a patch is made to be committed.
    ///
    /// # Errors
    /// [`Conflict`] names what stands in the way.
    pub fn apply(&self, patch: &Patch) -> Result<Self, Conflict> {
        Ok(self.with(&changes(self, patch)?, &patch.create))
    }

    /// The tree after checked changes.
    fn with(&self, changes: &[Change], create: &[Create]) -> Self {
        let mut builder = self.to_builder();
        for Change { file, after, mode, .. } in changes {
            let Some((entry, _)) = builder.take(self.path(*file)) else { continue };
            if let (Some(bytes), EntryKind::File { executable }) = (after, entry.kind) {
                builder.file_as(&entry.path, bytes, entry.tracking, mode.unwrap_or(executable));
            }
        }
        let is_tracked =
            self.is_empty() || self.entries().any(|(_, entry)| entry.tracking == Tracking::Tracked);
        let tracking = if is_tracked { Tracking::Tracked } else { Tracking::Untracked };
        for Create { path, bytes, executable } in create {
            builder.file_as(path, bytes, tracking, *executable);
        }
        builder.build()
    }
}

/// The patch that makes `after` of `before`, as far as `paths` go: of each file that is in both, one
/// edit from the first byte that differs to the last.
///
/// # Errors
/// [`Conflict::Unreadable`] or [`Conflict::Link`] where a file of `before` cannot be compared.
pub fn difference(
    before: &Tree,
    after: &Tree,
    paths: &BTreeSet<String>,
) -> Result<Patch, Conflict> {
    let mut patch = Patch::default();
    for path in paths {
        let (old, new) = (before.find(path), after.find(path));
        let bytes = |tree: &Tree, file, old| match tree.entry(file).kind {
            EntryKind::Link { .. } => Err(Conflict::Link(old)),
            EntryKind::File { executable } => match tree.read(file) {
                Ok(bytes) => Ok((bytes, executable)),
                Err(_) => Err(Conflict::Unreadable(old)),
            },
        };
        match (old, new) {
            (Some(old), None) => patch.remove.push(old),
            (None, Some(new)) => {
                let (bytes, executable) = bytes(after, new, new)?;
                let (path, bytes) = (path.clone(), bytes.to_vec());
                patch.create.push(Create { path, bytes, executable });
            }
            (Some(old), Some(new)) => {
                let (was, was_executable) = bytes(before, old, old)?;
                let (is, executable) = bytes(after, new, old)?;
                patch.edits.extend(edit_between(old, &was, &is));
                if was_executable != executable {
                    patch.chmod.push((old, executable));
                }
            }
            (None, None) => {}
        }
    }
    Ok(patch)
}

/// The one edit that makes `after` of a file that holds `before`.
fn edit_between(file: FileId, before: &[u8], after: &[u8]) -> Option<Edit> {
    if before == after {
        return None;
    }
    let start = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (old, new) = (before.get(start..)?, after.get(start..)?);
    let same = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let span = Span::new(file, TextRange::of(start, before.len() - same));
    Some(Edit { span, insert: new.get(..new.len() - same)?.to_vec() })
}

/// What becomes of one file of a tree.
struct Change {
    file: FileId,
    /// Its bytes now; `None` for a link, which is only ever removed.
    before: Option<Arc<[u8]>>,
    /// Its bytes then; `None` where it is removed.
    after: Option<Vec<u8>>,
    /// Whether it is to be executable, where the patch says so.
    mode: Option<bool>,
}

/// Checks the whole of a patch, and says what becomes of each file it touches, in path order.
fn changes(tree: &Tree, patch: &Patch) -> Result<Vec<Change>, Conflict> {
    check_created(tree, &patch.create)?;
    let mut edits: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    for edit in &patch.edits {
        edits.entry(edit.span.file).or_default().push(edit);
    }
    let mut modes = BTreeMap::new();
    for &(file, executable) in &patch.chmod {
        if modes.insert(file, executable).is_some_and(|other| other != executable) {
            return Err(Conflict::Contradiction(file));
        }
    }
    let removed: BTreeSet<FileId> = patch.remove.iter().copied().collect();
    let touched: BTreeSet<FileId> =
        edits.keys().chain(modes.keys()).chain(&removed).copied().collect();
    touched
        .into_iter()
        .map(|file| {
            if file.0 as usize >= tree.len() {
                return Err(Conflict::Unreadable(file));
            }
            let (edits, mode) = (edits.get(&file), modes.get(&file));
            let is_removed = removed.contains(&file);
            if is_removed && (edits.is_some() || mode.is_some()) {
                return Err(Conflict::Contradiction(file));
            }
            let mode = mode.copied();
            if matches!(tree.entry(file).kind, EntryKind::Link { .. }) {
                let removal = Change { file, before: None, after: None, mode };
                return if is_removed { Ok(removal) } else { Err(Conflict::Link(file)) };
            }
            let before = tree.read(file).map_err(|why| match why {
                Unreadable::Changed => Conflict::Changed(file),
                _ => Conflict::Unreadable(file),
            })?;
            let after = match edits {
                _ if is_removed => None,
                Some(edits) => Some(splice(&before, edits)?),
                None => Some(before.to_vec()),
            };
            Ok(Change { file, before: Some(before), after, mode })
        })
        .collect()
}

/// One text with all its edits made.
fn splice(text: &[u8], edits: &[&Edit]) -> Result<Vec<u8>, Conflict> {
    let mut edits = edits.to_vec();
    edits.sort();
    edits.dedup();
    let mut out =
        Vec::with_capacity(text.len() + edits.iter().map(|edit| edit.insert.len()).sum::<usize>());
    let mut at = 0;
    let mut last: Option<&Edit> = None;
    for edit in edits {
        let TextRange { start, end } = edit.span.range;
        let Some(kept) =
            (end >= start && end as usize <= text.len()).then(|| TextRange::new(at, start))
        else {
            return Err(Conflict::OutOfRange(edit.span));
        };
        if let Some(last) = last
            && (start < at || edit.span == last.span)
        {
            return Err(Conflict::Overlap(last.span, edit.span));
        }
        out.extend_from_slice(kept.slice(text));
        out.extend_from_slice(&edit.insert);
        at = end;
        last = Some(edit);
    }
    out.extend_from_slice(text.get(at as usize..).unwrap_or_default());
    Ok(out)
}

/// Checks that every new file has a place of its own, in the tree and among the others. What the
/// same patch removes is still in the way: a file does not give way to another thing of its name.
fn check_created(tree: &Tree, create: &[Create]) -> Result<(), Conflict> {
    let mut paths = BTreeMap::new();
    for new in create {
        let is_free = is_plain_path(&new.path)
            && tree.find(&new.path).is_none()
            && !tree.is_dir(&new.path)
            && ancestors(&new.path).all(|dir| tree.find(dir).is_none());
        if !is_free || paths.insert(&*new.path, new).is_some_and(|other| other != new) {
            return Err(Conflict::Exists(new.path.clone()));
        }
    }
    match paths.keys().find(|path| ancestors(path).any(|dir| paths.contains_key(dir))) {
        Some(path) => Err(Conflict::Exists((*path).to_owned())),
        None => Ok(()),
    }
}

/// Whether a path is one of a file below the root on any system, and none of git's own: a file in
/// `.git/hooks` is run.
pub(crate) fn is_plain_path(path: &str) -> bool {
    let parts = Path::new(path).components();
    normalize_path(path).as_deref() == Some(path)
        && !path.is_empty()
        && !path.contains('\0')
        && parts.clone().count() == path.split('/').count()
        && parts.into_iter().all(|part| match part {
            Component::Normal(part) => !part.eq_ignore_ascii_case(".git"),
            _ => false,
        })
}

/// The directories around a path, nearest first, without the root.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/'), |(dir, _)| dir.rsplit_once('/'))
        .map(|(dir, _)| dir)
}

/// Why a patch was not written. What the disk holds is said by each.
#[derive(Debug)]
pub enum WriteError {
    /// The patch does not apply to the tree, or to what the disk holds by now; nothing was written.
    Conflict(Conflict),
    /// The system refused; everything already written was put back.
    Io(io::Error),
    /// The system refused, and then refused to put back what was written: the paths that are not as
    /// they were, each with the path that its old file is kept at (empty where there was none).
    Stuck(io::Error, Vec<(PathBuf, PathBuf)>),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(conflict) => conflict.fmt(f),
            Self::Io(e) => write!(f, "{e}; everything is as it was"),
            Self::Stuck(e, kept) => {
                write!(f, "{e}; not everything could be put back")?;
                kept.iter().try_for_each(|(path, old)| match old.as_os_str().is_empty() {
                    true => write!(f, "; {} is new", path.display()),
                    false => write!(f, "; what was at {} is at {}", path.display(), old.display()),
                })
            }
        }
    }
}

impl std::error::Error for WriteError {}

/// Writes `patch` to the disk tree below `root` that `tree` was read from: all of it or nothing.
///
/// A file has to hold the bytes that the tree read. New bytes are first written beside their targets
/// and made durable; only then are they renamed into place, each old file being kept under another
/// name until all is done. Modes and, where the system allows, owners stay; hard links to a file
/// keep its old bytes. Nothing is written through a link, not even one to a directory on the way.
/// A journal at the root lets [`crate::recover`] finish or undo what is cut short.
///
/// # Errors
/// [`WriteError`]; the files are then as they were.
pub fn write(root: &Path, tree: &Tree, patch: &Patch) -> Result<(), WriteError> {
    let changes = changes(tree, patch).map_err(WriteError::Conflict)?;
    let root = root.canonicalize().map_err(WriteError::Io)?;
    let steps = plan(&root, tree, &changes, &patch.create)?;
    let mut stage = Stage::default();
    steps.iter().try_for_each(|step| stage.name(step)).map_err(WriteError::Io)?;
    let before = |step: &Step<'_>| {
        let of = |change: &&Change| root.join(tree.path(change.file)) == step.path;
        changes.iter().find(of).and_then(|change| change.before.clone())
    };
    let before: Vec<_> = steps.iter().map(before).collect();
    let lines = stage.moves.iter().zip(&steps).zip(&before);
    let lines = lines.map(|((step, plan), before)| (step, before.as_deref(), plan.bytes));
    let mut journal = Kept::begin(&root, lines, &stage.made).map_err(WriteError::Io)?;
    let staged = stage.fill_all(&steps).map_err(WriteError::Io).and_then(|()| {
        // Once more, now that the slow part is over: the time for others to interfere is short.
        plan(&root, tree, &changes, &patch.create)?;
        journal.commit().map_err(WriteError::Io)
    });
    let done = match staged {
        Ok(()) => stage.commit(),
        Err(e) => {
            stage.discard();
            Err(e)
        }
    };
    journal.end();
    done
}

/// What is to happen at one path on disk.
pub(crate) struct Step<'a> {
    pub(crate) path: PathBuf,
    /// Whether something stands there now.
    pub(crate) exists: bool,
    /// The new bytes; `None` to remove.
    pub(crate) bytes: Option<&'a [u8]>,
    /// Whether it is to be executable; `None` leaves that as it is.
    pub(crate) mode: Option<bool>,
}

/// Compares the disk with what the tree says, and lists what is to happen: first what makes room.
fn plan<'a>(
    root: &Path,
    tree: &Tree,
    changes: &'a [Change],
    create: &'a [Create],
) -> Result<Vec<Step<'a>>, WriteError> {
    let mut steps = Vec::new();
    for Change { file, before, after, mode } in changes {
        let path = tree.real_path(*file).unwrap_or_else(|| root.join(tree.path(*file)));
        let way = path.strip_prefix(root).ok().and_then(Path::parent);
        if way.is_none_or(|way| !is_plain_way(root, way)) {
            return Err(WriteError::Conflict(Conflict::Link(*file)));
        }
        let is_same = match before {
            Some(bytes) => crate::disk::read(&path, tree.max_file()).is_ok_and(|now| now == *bytes),
            None => fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink()),
        };
        if !is_same {
            return Err(WriteError::Conflict(Conflict::Changed(*file)));
        }
        steps.push(Step { path, exists: true, bytes: after.as_deref(), mode: *mode });
    }
    steps.sort_by_key(|step| step.bytes.is_some());
    let mut seen = BTreeSet::new();
    for Create { path, bytes, executable } in create {
        let target = root.join(path);
        let way = Path::new(path).parent().unwrap_or(Path::new(""));
        if !is_plain_way(root, way) || fs::symlink_metadata(&target).is_ok() {
            return Err(WriteError::Conflict(Conflict::Exists(path.clone())));
        }
        if seen.insert(path) {
            steps.push(Step {
                path: target,
                exists: false,
                bytes: Some(bytes),
                mode: Some(*executable),
            });
        }
    }
    Ok(steps)
}

/// Whether every part of `way` below `root` is a real directory or does not exist yet.
pub(crate) fn is_plain_way(root: &Path, way: &Path) -> bool {
    let mut dir = root.to_owned();
    way.components().all(|part| {
        dir.push(part);
        fs::symlink_metadata(&dir)
            .map_or_else(|e| e.kind() == io::ErrorKind::NotFound, |metadata| metadata.is_dir())
    })
}

/// Changes that are prepared on disk. Every path involved is known before anything is touched: it
/// stands in the journal.
#[derive(Default)]
pub(crate) struct Stage {
    moves: Vec<Move>,
    /// Directories made for new files, outermost first.
    made: Vec<PathBuf>,
}

/// One target: what takes its place, and where what was there is kept meanwhile.
pub(crate) struct Move {
    pub(crate) target: PathBuf,
    pub(crate) staged: Option<PathBuf>,
    pub(crate) kept: Option<PathBuf>,
}

impl Stage {
    /// Names and writes the new bytes of a step beside its target, durably.
    pub(crate) fn prepare(&mut self, step: Step<'_>) -> io::Result<()> {
        let made = self.made.len();
        self.name(&step)?;
        self.made.iter().skip(made).try_for_each(fs::create_dir)?;
        self.fill(self.moves.len() - 1, &step)
    }

    /// Chooses the names for a step; touches nothing.
    fn name(&mut self, step: &Step<'_>) -> io::Result<()> {
        let dir = step.path.parent().unwrap_or(Path::new("")).to_owned();
        let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
        for dir in missing.into_iter().rev() {
            if !self.made.iter().any(|made| made == dir) {
                self.made.push(dir.to_owned());
            }
        }
        let kept = if step.exists { Some(unused_name(&dir)?) } else { None };
        let staged = if step.bytes.is_some() { Some(unused_name(&dir)?) } else { None };
        self.moves.push(Move { target: step.path.clone(), staged, kept });
        Ok(())
    }

    /// Writes the new bytes of the step that was named as number `index`.
    fn fill(&self, index: usize, step: &Step<'_>) -> io::Result<()> {
        let named = self.moves.get(index).and_then(|named| named.staged.as_ref());
        let (Some(staged), Some(bytes)) = (named, step.bytes) else { return Ok(()) };
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(
            &mut options,
            if step.mode == Some(true) { 0o777 } else { 0o666 },
        );
        let mut file = options.open(staged)?;
        file.write_all(bytes)?;
        if step.exists {
            take_after(&file, &fs::symlink_metadata(&step.path)?, step.mode)?;
        }
        file.sync_all()
    }

    /// Makes the directories and writes the new bytes of all steps, which were named in this order.
    fn fill_all(&self, steps: &[Step<'_>]) -> io::Result<()> {
        self.made.iter().try_for_each(fs::create_dir)?;
        steps.iter().enumerate().try_for_each(|(index, step)| self.fill(index, step))
    }

    /// Puts everything in its place, or everything back.
    pub(crate) fn commit(self) -> Result<(), WriteError> {
        for (done, step) in self.moves.iter().enumerate() {
            if let Err(e) = step.make() {
                let begun = self.moves.iter().enumerate().take(done + 1).rev();
                let stuck: Vec<_> = begun.filter_map(|(i, step)| step.undo(i < done)).collect();
                self.discard();
                return Err(if stuck.is_empty() {
                    WriteError::Io(e)
                } else {
                    WriteError::Stuck(e, stuck)
                });
            }
        }
        let dirs: BTreeSet<&Path> =
            self.moves.iter().filter_map(|step| step.target.parent()).collect();
        for kept in self.moves.iter().filter_map(|step| step.kept.as_ref()) {
            // All is written; an old copy that cannot be taken away does not undo that.
            let _ = fs::remove_file(kept);
        }
        for dir in dirs {
            // Makes the renames durable where the system can; the patch is complete either way.
            let _ = fs::File::open(dir).and_then(|dir| dir.sync_all());
        }
        Ok(())
    }

    /// Takes away what was prepared. No target was touched, or all were put back.
    pub(crate) fn discard(self) {
        self.moves.iter().for_each(Move::forget_staged);
        for dir in self.made.iter().rev() {
            // Fails, rightly, where somebody else put something into it.
            let _ = fs::remove_dir(dir);
        }
    }
}

impl Move {
    fn make(&self) -> io::Result<()> {
        match (&self.staged, &self.kept) {
            (Some(staged), Some(kept)) => {
                // A second name for the old file leaves no moment without one; a file system that
                // knows no second names gets the short moment.
                fs::hard_link(&self.target, kept).or_else(|_| fs::rename(&self.target, kept))?;
                fs::rename(staged, &self.target)
            }
            (None, Some(kept)) => fs::rename(&self.target, kept),
            // Unlike a rename, this never takes the place of a file that came up meanwhile.
            (Some(staged), None) => match fs::hard_link(staged, &self.target) {
                Ok(()) => {
                    let _ = fs::remove_file(staged);
                    Ok(())
                }
                Err(_) if fs::symlink_metadata(&self.target).is_ok() => {
                    Err(io::ErrorKind::AlreadyExists.into())
                }
                Err(_) => fs::rename(staged, &self.target),
            },
            (None, None) => Ok(()),
        }
    }

    /// Puts the old state back, however far [`Move::make`] came; `made` says that it came to its end.
    /// Returns what cannot be put back, with where it is kept.
    fn undo(&self, made: bool) -> Option<(PathBuf, PathBuf)> {
        let Some(kept) = &self.kept else {
            let stuck = made && fs::remove_file(&self.target).is_err();
            return stuck.then(|| (self.target.clone(), PathBuf::new()));
        };
        if fs::symlink_metadata(kept).is_err() {
            return None;
        }
        let stuck = fs::rename(kept, &self.target).is_err();
        if !stuck && fs::symlink_metadata(kept).is_ok() {
            // Renaming one name of a file onto another of the same file does nothing at all.
            let _ = fs::remove_file(kept);
        }
        stuck.then(|| (self.target.clone(), kept.clone()))
    }

    fn forget_staged(&self) {
        if let Some(staged) = &self.staged {
            let _ = fs::remove_file(staged);
        }
    }
}

/// Gives a new file the mode, and where allowed the owner, of the one it replaces.
#[cfg(unix)]
fn take_after(file: &fs::File, old: &fs::Metadata, executable: Option<bool>) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root may; for anyone else the file becomes theirs, as with every editor.
        let _ = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()));
    }
    let mode = old.mode() & 0o7777;
    let mode = match executable {
        // Whoever may read it may run it, as git does.
        Some(true) => mode | (mode & 0o444) >> 2,
        Some(false) => mode & !0o111,
        None => mode,
    };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn take_after(file: &fs::File, old: &fs::Metadata, _: Option<bool>) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

/// A name in `dir` that nothing has.
fn unused_name(dir: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..1000 {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = dir.join(format!(".plimsoll-{}-{count}", std::process::id()));
        if fs::symlink_metadata(&path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
            return Ok(path);
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "no free name for a temporary file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the last step fails, all that went before it is undone, whatever it was.
    #[test]
    fn a_failure_in_the_middle_puts_everything_back() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("edit"), "old").expect("written");
        fs::write(path("remove"), "gone").expect("written");
        let mut stage = Stage::default();
        let steps = [
            Step { path: path("remove"), exists: true, bytes: None, mode: None },
            Step { path: path("edit"), exists: true, bytes: Some(b"new"), mode: None },
            Step { path: path("d/e/new"), exists: false, bytes: Some(b"new"), mode: Some(true) },
            Step { path: path("taken"), exists: false, bytes: Some(b"new"), mode: Some(false) },
        ];
        for step in steps {
            stage.prepare(step).expect("staged");
        }
        assert_eq!(fs::read(path("edit")).expect("read"), b"old", "staging touches no target");
        // Somebody else is faster.
        fs::write(path("taken"), "theirs").expect("written");
        let error = stage.commit().expect_err("the last step cannot be made");
        assert!(matches!(error, WriteError::Io(_)), "{error}");
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .expect("listed")
            .map(|e| e.expect("entry").file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["edit", "remove", "taken"]);
        let read = |name: &str| fs::read_to_string(path(name)).expect("read");
        assert_eq!([read("edit"), read("remove"), read("taken")], ["old", "gone", "theirs"]);
    }
}
