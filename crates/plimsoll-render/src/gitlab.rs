//! GitLab's code quality report: the problems as a JSON array, shown in merge requests.

use std::collections::BTreeMap;
use std::io::{self, Write};

use plimsoll_audit::{Report, Resolver, Severity};
use serde::Serialize;

use crate::View;
use crate::instance::{forge_path, instances, lines, told, whom};
use crate::plain::plain;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<u32>,
}

/// Writes the problems that nobody accepted, an entry an instance.
///
/// # Errors
/// What writing gives.
pub fn gitlab(reports: &[(Report, View)], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"[")?;
    // GitLab shows the first of several entries with one fingerprint.
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut first = true;
    for (report, view) in reports {
        let resolver = Resolver::new(report);
        let problems = view.findings(report).filter(|f| f.is_problem() && f.accepted.is_none());
        for instance in problems.flat_map(|finding| instances(report, &resolver, finding)) {
            let times = seen.entry(instance.at.fingerprint.clone()).or_default();
            *times += 1;
            let fingerprint = match times {
                1 => instance.at.fingerprint.clone(),
                n => format!("{}-{n}", instance.at.fingerprint),
            };
            let (begin, end) = match lines(&instance.at) {
                Some((begin, end)) => (begin, (end > begin).then_some(end)),
                None => (1, None),
            };
            let issue = Issue {
                description: format!("{}{}", whom(report, instance.finding), told(&instance)),
                check_name: instance.finding.check.id,
                fingerprint,
                severity: match instance.severity {
                    Severity::Critical => "blocker",
                    Severity::High => "critical",
                    Severity::Medium => "major",
                    Severity::Low => "minor",
                },
                location: Location {
                    path: plain(&forge_path(report, &instance.at.path)),
                    lines: Lines { begin, end },
                },
            };
            out.write_all(if first { b"\n" } else { b",\n" })?;
            first = false;
            serde_json::to_writer(&mut *out, &issue).map_err(io::Error::from)?;
        }
    }
    out.write_all(if first { b"]\n" } else { b"\n]\n" })
}
