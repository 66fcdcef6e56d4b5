//! What of a report is shown.

use std::collections::BTreeSet;

use plimsoll_audit::{Finding, Outcome, Report, ServiceReport, Severity};

use crate::plain::plain;

/// Which findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// FAIL, PARTIAL and UNKNOWN; not what was known before.
    Problems,
    /// All of them.
    All,
}

/// Which report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// On each service.
    Service,
    /// On the repository: how it is deployed and operated.
    Operations,
}

/// What the reader asked to see.
#[derive(Clone, Debug)]
pub struct View {
    /// Which report.
    pub profile: Profile,
    /// Which findings.
    pub show: Show,
    /// Only services whose name matches one of these globs; empty is all.
    pub services: Vec<String>,
    /// Only these areas; empty is all.
    pub areas: BTreeSet<String>,
    /// Only these checks; empty is all.
    pub checks: BTreeSet<String>,
    /// Only this severity and worse.
    pub severity: Option<Severity>,
    /// The date in headers, `YYYY-MM-DD`.
    pub date: String,
    /// The tool's version.
    pub version: String,
}

impl View {
    /// Whether a service is shown.
    #[must_use]
    pub fn wants_service(&self, report: &Report, service: &ServiceReport) -> bool {
        let name = &report.delivery[service.id].name;
        self.services.is_empty() || self.services.iter().any(|glob| matches(glob, name))
    }

    /// Whether a finding is shown.
    #[must_use]
    pub fn wants(&self, finding: &Finding) -> bool {
        let shown = match self.show {
            Show::All => true,
            Show::Problems => {
                !finding.known && (finding.is_problem() || finding.outcome == Outcome::Unknown)
            }
        };
        shown
            && (self.areas.is_empty() || self.areas.contains(finding.check.area()))
            && (self.checks.is_empty() || self.checks.contains(finding.check.id))
            && self.severity.is_none_or(|worst| finding.severity <= worst)
    }

    /// The findings that are shown: those of no service first, as `.` sorts before every path.
    pub fn findings<'r>(&'r self, report: &'r Report) -> impl Iterator<Item = &'r Finding> {
        let services = self.services(report).flat_map(|s| report.of(s));
        report.shared().iter().chain(services).filter(|f| self.wants(f))
    }

    /// The services that are shown, in order.
    pub fn services<'r>(&'r self, report: &'r Report) -> impl Iterator<Item = &'r ServiceReport> {
        report.services.iter().filter(|s| self.wants_service(report, s))
    }
}

/// Why there is nothing to audit, where there is no service: what follows a colon.
pub(crate) fn nothing(report: &Report) -> Option<String> {
    let delivery = &report.delivery;
    if !report.services.is_empty() {
        return None;
    }
    let why = match delivery.problems.iter().find(|problem| problem.what == "Dockerfile") {
        Some(problem) => format!(
            "`{}` is not read (it {}), and there is no other Dockerfile",
            plain(delivery.tree.path(problem.span.file)),
            plain(&problem.message)
        ),
        None => "no Dockerfile, and no descriptor that builds one,".to_owned(),
    };
    Some(match delivery.tree.len() {
        1 => format!("{why} in 1 file"),
        files => format!("{why} in {files} files"),
    })
}

/// Whether a glob of names matches one: `*` stands for any text, `?` for one character.
#[must_use]
pub fn matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut g, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if g < glob.len() && (glob[g] == '?' || glob[g] == text[t]) && glob[g] != '*' {
            g += 1;
            t += 1;
        } else if g < glob.len() && glob[g] == '*' {
            star = Some((g, t));
            g += 1;
        } else if let Some((at, from)) = star {
            g = at + 1;
            t = from + 1;
            star = Some((at, t));
        } else {
            return false;
        }
    }
    glob[g..].iter().all(|&c| c == '*')
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Profile, Show, View, matches};

    /// A view of everything.
    pub(crate) fn view(show: Show) -> View {
        View {
            profile: Profile::Service,
            show,
            services: Vec::new(),
            areas: Default::default(),
            checks: Default::default(),
            severity: None,
            date: "2026-01-01".to_owned(),
            version: "0.1.0".to_owned(),
        }
    }

    #[test]
    fn globs() {
        for (glob, text, expected) in [
            ("*", "", true),
            ("pay*", "payment-service", true),
            ("*-service", "payment-service", true),
            ("p?y", "pay", true),
            ("pay", "payment", false),
            ("*a*b", "xxaxxb", true),
            ("**x", "y", false),
        ] {
            assert_eq!(matches(glob, text), expected, "{glob} {text}");
        }
    }
}
