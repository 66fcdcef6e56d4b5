//! The instances of a problem: the places that forges and baselines act on, one by one.

use plimsoll_audit::{Evidence, Finding, Located, Outcome, Report, Resolver, Severity};

use crate::plain::{plain, sentence};

/// One place that speaks against a check.
pub(crate) struct Instance<'r> {
    /// What it is an instance of.
    pub(crate) finding: &'r Finding,
    /// What is to be seen there.
    pub(crate) evidence: &'r Evidence,
    /// Where.
    pub(crate) at: Located,
    /// How bad it counts: a PARTIAL one severity lower.
    pub(crate) severity: Severity,
}

impl Instance<'_> {
    /// Why it is accepted, if it is.
    pub(crate) fn accepted(&self) -> Option<&str> {
        self.evidence.waived.as_deref().or(self.finding.accepted.as_deref())
    }
}

/// The places that speak against the check, in order. Paths at which nothing stands are listed only
/// where there is no other: no forge can show them.
pub(crate) fn instances<'r>(
    report: &'r Report,
    resolver: &Resolver<'_>,
    finding: &'r Finding,
) -> Vec<Instance<'r>> {
    let found: Vec<Instance<'r>> = finding
        .evidence
        .iter()
        .zip(resolver.locate(report, finding))
        .map(|(evidence, at)| Instance {
            finding,
            evidence,
            at,
            severity: counted(finding, evidence.severity),
        })
        .collect();
    let against = |i: &Instance<'_>| i.evidence.is_against();
    let stands = |i: &Instance<'_>| against(i) && !is_absent(i.evidence);
    if found.iter().any(stands) {
        found.into_iter().filter(stands).collect()
    } else if found.iter().any(against) {
        found.into_iter().filter(against).collect()
    } else {
        found.into_iter().take(1).collect()
    }
}

/// Whether evidence is a path at which nothing stands.
pub(crate) fn is_absent(evidence: &Evidence) -> bool {
    matches!(evidence.place, plimsoll_audit::Place::AbsentPath(_))
}

fn counted(finding: &Finding, lowered: Option<Severity>) -> Severity {
    let severity = lowered.unwrap_or(finding.severity).max(finding.severity);
    if finding.outcome == Outcome::Partial { severity.lowered() } else { severity }
}

/// Whom a finding is about, in front of a message; nothing for the repository.
pub(crate) fn whom(report: &Report, finding: &Finding) -> String {
    match finding.subject {
        plimsoll_audit::Subject::Repository => String::new(),
        subject => format!("{}: ", plain(report.subject_name(subject))),
    }
}

/// A problem at one of its places, in a line: what is wrong and what to do, then what is seen here.
pub(crate) fn told(instance: &Instance<'_>) -> String {
    let says = sentence(&plain(&instance.finding.message));
    let here = plain(&instance.evidence.says);
    let absent = if is_absent(instance.evidence) { " (no such file)" } else { "" };
    let member =
        instance.evidence.member.as_deref().map(|m| format!(" ({})", plain(m))).unwrap_or_default();
    if here.is_empty() { says } else { format!("{says} Here{absent}{member}: {here}.") }
}

/// A path as the forge knows it: relative to the top of the work tree, of which the audited
/// directory may be a part.
pub(crate) fn forge_path(report: &Report, path: &str) -> String {
    let path = if path.is_empty() { "." } else { path };
    match (report.delivery.tree.outside(), path) {
        (Some(inside), ".") => inside.to_owned(),
        (Some(inside), path) => format!("{inside}/{path}"),
        (None, path) => path.to_owned(),
    }
}

/// The first and the last line of a place; a span that ends before a line's first character ends on
/// the line before.
pub(crate) fn lines(at: &Located) -> Option<(u32, u32)> {
    let (start, end) = (at.start?, at.end.or(at.start)?);
    let last = if end.column == 1 { end.line.saturating_sub(1) } else { end.line };
    Some((start.line, last.max(start.line)))
}
