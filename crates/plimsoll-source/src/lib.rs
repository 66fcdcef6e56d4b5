//! Files as values: a [`Tree`] is an immutable set of files, a [`Span`] a place in one of them.
//!
//! This crate is the only one that reads or writes a repository. Everything to its right works on
//! values: a tree read from disk, from memory or from a git revision looks the same.
//! A change is a [`Patch`], and applying one makes a new tree; nothing is changed in place.
#![allow(clippy::disallowed_methods, reason = "this crate is the one that reads and writes trees")]

mod derived;
mod disk;
mod journal;
mod lines;
mod patch;
mod revision;
mod save;
mod span;
mod tree;

pub use derived::{Derived, DerivedBuilder, Segment};
pub use disk::{OpenError, OpenOptions, open, work_tree_of};
pub use journal::{Recovered, recover};
pub use lines::{LineCol, LineIndex};
pub use patch::{Conflict, Create, Edit, Patch, WriteError, difference, write};
pub use revision::{fork_point, open_revision, unsaved};
pub use save::{append, save};
pub use span::{FileId, Span, TextRange};
pub use tree::{
    Entry, EntryKind, Note, Tracking, Tree, TreeBuilder, Unreadable, is_normal, normalize_path,
};
