//! The operations report: what the findings of a whole repository say of its four domains.
//!
//! Everything here follows from findings by rules that the report prints: the status of a domain,
//! what is a priority, and what is mended when.

use std::collections::BTreeMap;

use crate::score::{Card, Rate};
use crate::{Check, Domain, Effort, Finding, Outcome, Report, Severity};

/// What stands in an operations report.
#[derive(Clone, Debug)]
pub struct Operations<'r> {
    /// The four domains, in report order.
    pub domains: Vec<DomainReport>,
    /// Checks that found something, worst first; those whose findings are all accepted are last.
    pub issues: Vec<Issue<'r>>,
    /// What is mended when: indices of issues, in order.
    pub roadmap: Vec<(Horizon, Vec<usize>)>,
}

/// One domain of the scorecard.
#[derive(Clone, Debug)]
pub struct DomainReport {
    /// The domain.
    pub domain: Domain,
    /// What its findings make of it; `None` where nothing was answered.
    pub status: Option<Standing>,
    /// PASS of PASS, PARTIAL and FAIL.
    pub rate: Rate,
    /// Earned and possible weight.
    pub card: Card,
    /// Indices of its issues that are not accepted, worst first.
    pub issues: Vec<usize>,
}

/// How a domain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A critical check fails.
    Critical,
    /// A critical check is PARTIAL, or a high one fails.
    HighRisk,
    /// A high check is PARTIAL, or a medium one fails.
    Moderate,
    /// None of these.
    Sound,
}

impl Standing {
    /// The rule, for the reader.
    pub const RULE: &'static str = "CRITICAL: a critical check fails. HIGH RISK: a critical check is partial, or a high one fails. MODERATE: a high check is partial, or a medium one fails. SOUND: none of these.";

    /// The word in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::HighRisk => "HIGH RISK",
            Self::Moderate => "MODERATE",
            Self::Sound => "SOUND",
        }
    }

    /// What one issue makes of its domain: a PARTIAL counts one severity lower.
    fn of(issue: &Issue<'_>) -> Self {
        let counted = match issue.outcome {
            Outcome::Fail => Some(issue.severity),
            _ if issue.severity == Severity::Low => None,
            _ => Some(issue.severity.lowered()),
        };
        match counted {
            Some(Severity::Critical) => Self::Critical,
            Some(Severity::High) => Self::HighRisk,
            Some(Severity::Medium) => Self::Moderate,
            Some(Severity::Low) | None => Self::Sound,
        }
    }
}

/// A check that found something, with all that it found.
#[derive(Clone, Debug)]
pub struct Issue<'r> {
    /// The check.
    pub check: &'static Check,
    /// The worst severity among its findings.
    pub severity: Severity,
    /// FAIL, if any of its findings is; else PARTIAL.
    pub outcome: Outcome,
    /// FAIL and PARTIAL findings, worst first; accepted ones only where all are.
    pub findings: Vec<&'r Finding>,
    /// Whether all of them are accepted.
    pub accepted: bool,
}

/// When something is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Horizon {
    /// Critical.
    Sprint1,
    /// High, where it takes hours at most.
    Sprint2,
    /// High that takes days, and medium.
    Quarter1,
}

impl Horizon {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Sprint1, Self::Sprint2, Self::Quarter1];

    /// The rule, for the reader.
    pub const RULE: &'static str = "Sprint 1: critical. Sprint 2: high that takes hours at most. Quarter 1: high that takes days, and medium. What another one waits for goes with it and stands first; other low ones are backlog.";

    /// The heading.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sprint1 => "Sprint 1: Critical Security & Stability",
            Self::Sprint2 => "Sprint 2: Hardening & Compliance",
            Self::Quarter1 => "Quarter 1: Maturity & Scalability",
        }
    }

    /// When an issue's turn is; low ones have none.
    const fn of(issue: &Issue<'_>) -> Option<Self> {
        match (issue.severity, issue.check.effort) {
            (Severity::Critical, _) => Some(Self::Sprint1),
            (Severity::High, Effort::Minutes | Effort::Hours) => Some(Self::Sprint2),
            (Severity::High, Effort::Days) | (Severity::Medium, _) => Some(Self::Quarter1),
            (Severity::Low, _) => None,
        }
    }
}

impl<'r> Operations<'r> {
    /// What the findings that `wanted` lets through say. What stands within another check, what is
    /// on trial and what was known before are no issues.
    #[must_use]
    pub fn of(report: &'r Report, wanted: impl Fn(&Finding) -> bool) -> Self {
        let counted: Vec<&Finding> = report.findings.iter().filter(|f| f.counts()).collect();
        let mut by_check: BTreeMap<&'static str, Vec<&'r Finding>> = BTreeMap::new();
        for finding in &counted {
            if finding.is_problem() && !finding.known && wanted(finding) {
                by_check.entry(finding.check.id).or_default().push(finding);
            }
        }
        let mut issues: Vec<Issue<'r>> = by_check.into_values().filter_map(issue).collect();
        let rank =
            |i: &Issue<'_>| (i.accepted, i.severity, i.outcome != Outcome::Fail, i.check.domain);
        issues.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.check.id.cmp(b.check.id)));
        let domains = Domain::ALL.map(|domain| {
            let of_domain = counted.iter().filter(|f| f.check.domain == domain).copied();
            let (mut rate, mut card) = (Rate::default(), Card::default());
            for finding in of_domain {
                rate.add(finding.outcome);
                card.add(finding);
            }
            let own: Vec<usize> = (0..issues.len())
                .filter(|&i| issues[i].check.domain == domain && !issues[i].accepted)
                .collect();
            let worst = own.iter().map(|&i| Standing::of(&issues[i])).min();
            let status = (rate.applicable > 0).then_some(worst.unwrap_or(Standing::Sound));
            DomainReport { domain, status, rate, card, issues: own }
        });
        let roadmap = roadmap(&issues);
        Self { domains: domains.into(), issues, roadmap }
    }

    /// The issues of a severity that are not accepted.
    pub fn of_severity(&self, severity: Severity) -> impl Iterator<Item = &Issue<'r>> {
        self.issues.iter().filter(move |i| i.severity == severity && !i.accepted)
    }
}

fn issue(mut findings: Vec<&Finding>) -> Option<Issue<'_>> {
    let accepted = findings.iter().all(|f| f.accepted.is_some());
    findings.retain(|f| accepted || f.accepted.is_none());
    findings.sort_by_key(|f| (f.severity, f.outcome != Outcome::Fail));
    let worst = findings.first()?;
    Some(Issue {
        check: worst.check,
        severity: worst.severity,
        outcome: if findings.iter().any(|f| f.outcome == Outcome::Fail) {
            Outcome::Fail
        } else {
            Outcome::Partial
        },
        findings,
        accepted,
    })
}

/// Each issue at its horizon, or at an earlier one's that waits for it; within one, what comes first
/// is first, then what takes less time.
fn roadmap(issues: &[Issue<'_>]) -> Vec<(Horizon, Vec<usize>)> {
    let place: BTreeMap<&str, usize> = issues
        .iter()
        .enumerate()
        .filter(|(_, issue)| !issue.accepted)
        .map(|(index, issue)| (issue.check.id, index))
        .collect();
    let first = |index: usize| -> Vec<usize> {
        issues[index].check.after.iter().filter_map(|id| place.get(id).copied()).collect()
    };
    // A chain of checks is short; a ring of them ends at their number.
    let depths: Vec<usize> = (0..issues.len())
        .map(|index| {
            let (mut depth, mut level) = (0, first(index));
            while !level.is_empty() && depth < issues.len() {
                depth += 1;
                level = level.into_iter().flat_map(first).collect();
            }
            depth
        })
        .collect();
    let mut order: Vec<usize> = place.values().copied().collect();
    order.sort_by_key(|&i| (depths[i], issues[i].check.effort, issues[i].severity, i));
    let mut at: Vec<Option<Horizon>> = issues.iter().map(Horizon::of).collect();
    for &index in order.iter().rev() {
        for before in first(index) {
            at[before] = at[before].into_iter().chain(at[index]).min();
        }
    }
    Horizon::ALL
        .into_iter()
        .map(|horizon| {
            (horizon, order.iter().copied().filter(|&i| at[i] == Some(horizon)).collect())
        })
        .collect()
}
