//! What a file or a deployment is for: only production is scored by default.

use plimsoll_source::Span;

/// What something is for, and why we think so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The kind.
    pub kind: PurposeKind,
    /// Why: «its path has the part `examples`», «only `docker-compose.test.yml` builds it».
    pub because: String,
    /// Where that is seen, if at a place.
    pub at: Option<Span>,
}

/// Kinds of purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the glossary has them")]
pub enum PurposeKind {
    Production,
    Development,
    Test,
    Example,
    Vendored,
}

impl Purpose {
    /// Production, for want of anything that says otherwise.
    #[must_use]
    pub fn production() -> Self {
        Self {
            kind: PurposeKind::Production,
            because: "nothing says otherwise".to_owned(),
            at: None,
        }
    }

    /// What the file at `path` (relative to the root) is for, by its path alone.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        crate::lower::purpose_of(path)
    }

    /// Whether it is production.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.kind == PurposeKind::Production
    }
}
