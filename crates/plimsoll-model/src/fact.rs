//! Facts: a value with the place it was read at, or why there is none.

use std::sync::Arc;

use plimsoll_source::Span;

/// Something the tree says, does not say, or does not let us know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fact<T> {
    /// It is so.
    Known {
        /// The value.
        value: T,
        /// Where it was read.
        at: Origin,
        /// How sure that makes it.
        how: How,
    },
    /// Nothing says so; every place that could was read.
    #[default]
    Absent,
    /// It cannot be told.
    Unknown(Why, Option<Span>),
}

/// How a fact came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// Written in the tree.
    Declared,
    /// What the platform does when nothing is written.
    Default,
    /// Concluded from other facts (the build context, from the COPY sources).
    Inferred,
}

/// Where a fact was read, and what it overrode on the way.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Origin {
    /// The place that won; `None` for a platform's default.
    pub span: Option<Span>,
    /// What it overrode, latest first: a base file, an `extends`, an anchor, a `.env` value.
    pub overrode: Option<Arc<Vec<Span>>>,
}

impl Origin {
    /// Read here, overriding nothing.
    #[must_use]
    pub const fn at(span: Span) -> Self {
        Self { span: Some(span), overrode: None }
    }
}

/// Why something is not known; each has one sentence on what would decide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// A file that would say does not parse.
    Unparsed,
    /// The value is computed when it runs: a variable, an expression.
    Dynamic,
    /// Two places say different things.
    Conflicting,
    /// A format or language that is not read (yet).
    Unsupported,
    /// A file that would say cannot be read.
    Unreadable,
    /// A file is larger or deeper than is read.
    TooLarge,
    /// What would say lies outside the audited tree.
    OutOfTree,
    /// A registry would have to be asked.
    NeedsNetwork,
    /// The image would have to be built.
    NeedsBuild,
    /// It would have to run.
    NeedsRun,
    /// We failed; a bug.
    Internal,
}

impl Why {
    /// Every reason, in declaration order.
    pub const ALL: [Self; 11] = [
        Self::Unparsed,
        Self::Dynamic,
        Self::Conflicting,
        Self::Unsupported,
        Self::Unreadable,
        Self::TooLarge,
        Self::OutOfTree,
        Self::NeedsNetwork,
        Self::NeedsBuild,
        Self::NeedsRun,
        Self::Internal,
    ];

    /// The name in reports: `needs-run`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unparsed => "unparsed",
            Self::Dynamic => "dynamic",
            Self::Conflicting => "conflicting",
            Self::Unsupported => "unsupported",
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too-large",
            Self::OutOfTree => "out-of-tree",
            Self::NeedsNetwork => "needs-network",
            Self::NeedsBuild => "needs-build",
            Self::NeedsRun => "needs-run",
            Self::Internal => "internal",
        }
    }

    /// What would decide it, a sentence.
    #[must_use]
    pub const fn decide(self) -> &'static str {
        match self {
            Self::Unparsed => "Mend the file so that it parses.",
            Self::Dynamic => "Write the value in the tree, or a default for it.",
            Self::Conflicting => "Make the places that disagree say the same.",
            Self::Unsupported => "Look by hand: this format or language is not read yet.",
            Self::Unreadable => "Make the file readable.",
            Self::TooLarge => "Split the file: it is larger or deeper than is read.",
            Self::OutOfTree => {
                "Audit the directory that holds it (`plimsoll audit` at the repository's root)."
            }
            Self::NeedsNetwork => "Ask the registry; this run stays offline.",
            Self::NeedsBuild => "Build the image and look inside.",
            Self::NeedsRun => "Look at the running system.",
            Self::Internal => "This is a bug in Plimsoll: please report it.",
        }
    }
}

impl<T> Fact<T> {
    /// Declared here.
    #[must_use]
    pub const fn declared(value: T, span: Span) -> Self {
        Self::Known { value, at: Origin::at(span), how: How::Declared }
    }

    /// The platform's default.
    #[must_use]
    pub const fn default_of(value: T) -> Self {
        Self::Known { value, at: Origin { span: None, overrode: None }, how: How::Default }
    }

    /// Concluded, from what stands here.
    #[must_use]
    pub const fn inferred(value: T, span: Option<Span>) -> Self {
        Self::Known { value, at: Origin { span, overrode: None }, how: How::Inferred }
    }

    /// The value, if known.
    #[must_use]
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Where it was read, or where the trouble is.
    #[must_use]
    pub const fn span(&self) -> Option<Span> {
        match self {
            Self::Known { at, .. } => at.span,
            Self::Absent => None,
            Self::Unknown(_, span) => *span,
        }
    }

    /// Whether nothing says so.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Why it is not known, if it is not.
    #[must_use]
    pub const fn unknown(&self) -> Option<(Why, Option<Span>)> {
        match self {
            Self::Unknown(why, span) => Some((*why, *span)),
            _ => None,
        }
    }

    /// The fact about a value made of this one.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known { value, at, how } => Fact::Known { value: f(value), at, how },
            Self::Absent => Fact::Absent,
            Self::Unknown(why, span) => Fact::Unknown(why, span),
        }
    }
}
