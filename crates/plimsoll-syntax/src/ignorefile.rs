//! Docker ignore files: patterns with `**`, `!` and the builder's own matching rules.
//!
//! Source of the rules: the build context reference and the behaviour of moby's pattern matcher.

use plimsoll_source::{Derived, Span};

/// A parsed ignore file; every text is one.
#[derive(Clone, Debug, Default)]
pub struct IgnoreFile {
    /// The patterns in order.
    pub patterns: Vec<Pattern>,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// As written, trimmed, without a leading `!`; cleaned as the builder does.
    pub text: String,
    /// Whether it brings back what an earlier one excluded.
    pub negated: bool,
    /// The line's text.
    pub span: Span,
}

/// Parses an ignore file.
#[must_use]
pub fn parse(text: &Derived) -> IgnoreFile {
    let _ = text;
    IgnoreFile::default()
}

impl IgnoreFile {
    /// The pattern that decides on `path` (relative to the context root), the last that matches it
    /// or one of its parent directories; `None` when none does. The path is excluded when that
    /// pattern is not negated.
    #[must_use]
    pub fn deciding(&self, path: &str) -> Option<&Pattern> {
        let _ = path;
        None
    }

    /// Whether `path` is kept out of the build context.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        self.deciding(path).is_some_and(|p| !p.negated)
    }
}
