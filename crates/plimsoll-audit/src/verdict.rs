//! Verdicts: an outcome that cannot be made without evidence.

use std::borrow::Cow;
use std::sync::Arc;

use plimsoll_model::Why;
use plimsoll_source::Span;

use crate::Severity;
use crate::evidence::{Evidence, Place, Role};

/// The answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It holds in part.
    Partial,
    /// It does not hold.
    Fail,
    /// The question makes no sense here. Only the driver says so.
    NotApplicable,
    /// It cannot be told from the tree.
    Unknown,
}

impl Outcome {
    /// Its name in data: `not-applicable`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Partial => "partial",
            Self::Fail => "fail",
            Self::NotApplicable => "not-applicable",
            Self::Unknown => "unknown",
        }
    }

    /// Where it stands when several members are joined: the highest wins.
    pub(crate) const fn rank(self) -> u8 {
        match self {
            Self::NotApplicable => 0,
            Self::Pass => 1,
            Self::Partial => 2,
            Self::Unknown => 3,
            Self::Fail => 4,
        }
    }
}

/// An answer with its evidence: what a check returns.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) message: Cow<'static, str>,
    pub(crate) why: Option<Why>,
    pub(crate) evidence: Vec<Evidence>,
}

impl Verdict {
    /// It holds, as `evidence` shows.
    pub fn pass(message: impl Into<Cow<'static, str>>, evidence: Evidence) -> Self {
        Self::of(Outcome::Pass, message.into(), None, evidence)
    }

    /// It holds in part.
    pub fn partial(message: impl Into<Cow<'static, str>>, evidence: Evidence) -> Self {
        Self::of(Outcome::Partial, message.into(), None, evidence)
    }

    /// It does not hold.
    pub fn fail(message: impl Into<Cow<'static, str>>, evidence: Evidence) -> Self {
        Self::of(Outcome::Fail, message.into(), None, evidence)
    }

    /// It cannot be told: why, what is in the way, and where.
    pub fn unknown(why: Why, message: impl Into<Cow<'static, str>>, evidence: Evidence) -> Self {
        Self::of(Outcome::Unknown, message.into(), Some(why), evidence)
    }

    /// Not applicable; for the driver, and for checks whose page names «one of several» subjects
    /// that has none: it is counted only when every member says so.
    pub(crate) fn not_applicable(
        message: impl Into<Cow<'static, str>>,
        evidence: Evidence,
    ) -> Self {
        Self::of(Outcome::NotApplicable, message.into(), None, evidence)
    }

    fn of(
        outcome: Outcome,
        message: Cow<'static, str>,
        why: Option<Why>,
        evidence: Evidence,
    ) -> Self {
        Self { outcome, message, why, evidence: vec![evidence] }
    }

    /// With one more piece of evidence.
    #[must_use]
    pub fn and(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// With more evidence.
    #[must_use]
    pub fn and_all(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// The same evidence, of something that holds in part.
    #[must_use]
    pub(crate) fn in_part(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.outcome = Outcome::Partial;
        self.message = message.into();
        self
    }

    /// The outcome.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}

impl Evidence {
    /// This place shows that it holds.
    pub fn shows(span: Span, says: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Place::Span(span), Role::Shows, says.into())
    }

    /// This place contradicts it.
    pub fn contradicts(span: Span, says: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Place::Span(span), Role::Contradicts, says.into())
    }

    /// This place matters and does not decide.
    pub fn context(span: Span, says: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Place::Span(span), Role::Context, says.into())
    }

    /// What is missing would stand here (the instruction after which, the block in which).
    pub fn missing_in(span: Span, says: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Place::Span(span), Role::Missing, says.into())
    }

    /// There is no file at this path (or paths, `looked`, in the order they are looked for).
    pub fn missing_file(path: impl Into<String>, says: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Place::AbsentPath(Arc::new(path.into())), Role::Missing, says.into())
    }

    /// Answers this part of the check.
    #[must_use]
    pub fn part(mut self, part: &'static str) -> Self {
        self.part = part;
        self
    }

    /// Is less severe than the check's ceiling; `says` tells why.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}
