//! A check: one question as a value.

use std::borrow::Cow;

use plimsoll_source::Patch;

use crate::conditions::Condition;
use crate::report::Finding;
use crate::subject::{ContainerSubject, ImageSubject, ScriptSubject, ServiceSubject};
use crate::{Cx, Verdict};

/// One question, and everything about it.
#[derive(Debug)]
pub struct Check {
    /// `area/what-holds-when-good`; the file is `checks/<area>/<name with underscores>.rs`.
    pub id: &'static str,
    /// The heading in a report.
    pub section: Section,
    /// The domain in the executive scorecard.
    pub domain: Domain,
    /// The worst that a failure of it can be; evidence may lower it.
    pub severity: Severity,
    /// How long mending takes.
    pub effort: Effort,
    /// The check under which it is shown, counted in no sum.
    pub within: Option<&'static str>,
    /// Checks to mend first.
    pub after: &'static [&'static str],
    /// Controls of public benchmarks that it answers (`CIS-D 4.1`).
    pub controls: &'static [&'static str],
    /// Trial checks are reported and not scored.
    pub status: Status,
    /// The version that brought it.
    pub since: &'static str,
    /// The clauses that evidence answers; an ordinary check has one.
    pub parts: &'static [Part],
    /// What must hold for the question to make sense; the driver asks in order.
    pub when: &'static [&'static Condition],
    /// The text of its own file, whose head is its page.
    pub source: &'static str,
    /// The question.
    pub run: Run,
    /// How to mend it here; asked only for findings that are shown.
    pub fix: Option<Mend>,
}

/// How a check mends a finding, whatever it is about; `None` where it cannot.
pub type Mend = fn(&Cx<'_>, &Finding) -> Option<Fix>;

impl Check {
    /// The first line of its page: what holds when all is well.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.source
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("//! # "))
            .unwrap_or(self.id)
            .trim()
    }

    /// The first half of its id.
    #[must_use]
    pub fn area(&self) -> &'static str {
        let end = self.id.bytes().position(|byte| byte == b'/');
        end.and_then(|end| self.id.get(..end)).unwrap_or(self.id)
    }
}

/// A clause of a check, and what other tools call it.
#[derive(Debug)]
pub struct Part {
    /// Its name; the check's only part is named `""`.
    pub name: &'static str,
    /// Rules of other tools.
    pub equivalents: &'static [Equivalent],
}

/// A rule of another tool.
#[derive(Debug)]
pub struct Equivalent {
    /// `hadolint`, `checkov`, `trivy` …
    pub tool: &'static str,
    /// Its id there.
    pub rule: &'static str,
    /// How it relates to ours.
    pub relation: Relation,
}

/// How another tool's rule relates to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It asks the same.
    Same,
    /// It fires on more.
    Wider,
    /// It fires on less.
    Narrower,
}

/// What a check is asked about. The driver iterates and joins.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// Once a service.
    Service(fn(&Cx<'_>, ServiceSubject<'_>) -> Verdict),
    /// For each image that a service's production deployments run; joined, worst first.
    EachImage(fn(&Cx<'_>, ImageSubject<'_>) -> Verdict),
    /// The same, and for the repository the images that production containers of no service name.
    EveryImage(
        fn(&Cx<'_>, ImageSubject<'_>) -> Verdict,
        fn(&Cx<'_>, ContainerSubject<'_>) -> Verdict,
    ),
    /// For each production container of a service; joined, worst first.
    EachContainer(fn(&Cx<'_>, ContainerSubject<'_>) -> Verdict),
    /// The same, and for the repository the production containers that are no service's, those
    /// of others' images; joined.
    EveryContainer(fn(&Cx<'_>, ContainerSubject<'_>) -> Verdict),
    /// For each production script and Makefile target of the repository; joined, worst first.
    EachScript(fn(&Cx<'_>, ScriptSubject<'_>) -> Verdict),
    /// Once for the repository.
    Repository(fn(&Cx<'_>) -> Verdict),
    /// Once a service about what is its own, and once for the repository about what is no
    /// service's.
    Both(fn(&Cx<'_>, ServiceSubject<'_>) -> Verdict, fn(&Cx<'_>) -> Verdict),
}

impl Run {
    /// Whether it is asked about services.
    #[must_use]
    pub const fn about_services(self) -> bool {
        !matches!(self, Self::Repository(_) | Self::EachScript(_))
    }

    /// Whether it is asked about the repository.
    #[must_use]
    pub const fn about_repository(self) -> bool {
        matches!(
            self,
            Self::Repository(_)
                | Self::EachScript(_)
                | Self::EveryContainer(_)
                | Self::EveryImage(..)
                | Self::Both(..)
        )
    }
}

/// Severities, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the glossary has them")]
pub enum Severity {
    Critical,
    High,
    Medium,
    Low,
}

impl Severity {
    /// All, worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// Its weight in a score.
    #[must_use]
    pub const fn weight(self) -> u32 {
        match self {
            Self::Critical => 10,
            Self::High => 5,
            Self::Medium => 2,
            Self::Low => 1,
        }
    }

    /// One lower, as a PARTIAL counts where severities are compared.
    #[must_use]
    pub const fn lowered(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium | Self::Low => Self::Low,
        }
    }

    /// Its name in data: `critical`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// How long mending takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "plain words")]
pub enum Effort {
    Minutes,
    Hours,
    Days,
}

impl Effort {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }
}

/// Whether a check counts yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Reported, not scored.
    Trial,
    /// Counts.
    Stable,
}

/// Headings of the service report, in report order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the headings say it")]
pub enum Section {
    BaseImage,
    BuildSecurity,
    RuntimeSecurity,
    HealthChecks,
    Compose,
    Migrations,
    Packages,
    Pipeline,
    Safeguards,
    ImageScanning,
    Signing,
    Recovery,
    Scripts,
    Proxy,
    Files,
}

impl Section {
    /// All, in report order.
    pub const ALL: [Self; 15] = [
        Self::BaseImage,
        Self::BuildSecurity,
        Self::RuntimeSecurity,
        Self::HealthChecks,
        Self::Compose,
        Self::Migrations,
        Self::Packages,
        Self::Pipeline,
        Self::Safeguards,
        Self::ImageScanning,
        Self::Signing,
        Self::Recovery,
        Self::Scripts,
        Self::Proxy,
        Self::Files,
    ];

    /// The heading.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::BaseImage => "Base image",
            Self::BuildSecurity => "Build security",
            Self::RuntimeSecurity => "Runtime security",
            Self::HealthChecks => "Health checks",
            Self::Compose => "Deployment descriptors",
            Self::Migrations => "Migration handling",
            Self::Packages => "Package scripts and dependencies",
            Self::Pipeline => "CI/CD pipeline",
            Self::Safeguards => "Deployment safeguards",
            Self::ImageScanning => "Image scanning",
            Self::Signing => "Artifact signing",
            Self::Recovery => "Backup and restore",
            Self::Scripts => "Operational scripts",
            Self::Proxy => "Reverse proxies",
            Self::Files => "Files",
        }
    }
}

/// The four domains of the executive scorecard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Domain {
    ContainerSecurity,
    DeploymentStrategy,
    CiCdMaturity,
    ResilienceOps,
}

impl Domain {
    /// All, in report order.
    pub const ALL: [Self; 4] = [
        Self::ContainerSecurity,
        Self::DeploymentStrategy,
        Self::CiCdMaturity,
        Self::ResilienceOps,
    ];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContainerSecurity => "Container Security",
            Self::DeploymentStrategy => "Deployment Strategy",
            Self::CiCdMaturity => "CI/CD Maturity",
            Self::ResilienceOps => "Resilience & Ops",
        }
    }
}

/// How far a fix may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Safety {
    /// Same behaviour in every case we can name, or strictly what the file already says.
    Safe,
    /// Behaviour may change; the fix says how.
    Review,
    /// Needs a human's facts: printed, never applied.
    Sketch,
}

/// How to mend a finding.
#[derive(Clone, Debug)]
pub struct Fix {
    /// What it does, as a verb phrase: «copy the ignore file to the context root».
    pub does: Cow<'static, str>,
    /// How far it may be trusted.
    pub safety: Safety,
    /// What to write, for this service.
    pub snippet: Option<Snippet>,
    /// The change itself, where it can be made.
    pub patch: Option<Patch>,
}

/// Text for a human to put into a file.
#[derive(Clone, Debug)]
pub struct Snippet {
    /// The file it belongs in.
    pub path: String,
    /// The fence's language.
    pub language: &'static str,
    /// The text.
    pub text: String,
}
