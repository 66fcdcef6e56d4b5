//! Documents: Markdown and text that tells people what to do.

use plimsoll_source::{FileId, Span};

/// A document.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file.
    pub file: FileId,
    /// Its headings: level, text, place.
    pub headings: Vec<(u8, String, Span)>,
    /// Its fenced blocks.
    pub fences: Vec<Fence>,
    /// What stands in it as code, in text order: lines of fences that hold commands, and what
    /// stands between backticks in its prose.
    pub code: Vec<Code>,
    /// Whether it is research, a checklist template or an audit rather than instructions, and why.
    pub kind: DocumentKind,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// Tells operators or developers what to do: README, runbook, guide.
    Guide,
    /// Reports on the code: an audit, a review.
    Report,
    /// Research, notes.
    Notes,
}

/// A fenced block.
#[derive(Clone, Debug)]
pub struct Fence {
    /// The language word after the fence.
    pub language: String,
    /// Its content.
    pub span: Span,
    /// Index of the heading it stands under.
    pub heading: Option<usize>,
}

/// A command, a path or a word that a document writes as code.
#[derive(Clone, Debug)]
pub struct Code {
    /// Its text, without a prompt.
    pub text: String,
    /// Where it stands.
    pub span: Span,
    /// Whether it is a line of a fence.
    pub fenced: bool,
    /// Index of the heading it stands under.
    pub heading: Option<usize>,
}
