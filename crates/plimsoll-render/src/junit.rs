//! JUnit XML: what test reports read. A suite a subject, a case a check.

use std::fmt::Write as _;
use std::io::{self, Write};

use plimsoll_audit::{Finding, Outcome, Report, Resolver, Role};

use crate::View;
use crate::plain::{is_command, plain};

/// Writes reports. FAIL and PARTIAL are failures; what has no answer, does not apply or fails no run
/// is skipped, with the reason.
///
/// # Errors
/// What writing gives.
pub fn junit(reports: &[(Report, View)], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n")?;
    let mut id = 0;
    for (report, view) in reports {
        let resolver = Resolver::new(report);
        let mut put = |name: &str, path: &str, findings: &[Finding]| {
            let shown: Vec<&Finding> = findings.iter().filter(|f| view.wants(f)).collect();
            if shown.is_empty() {
                return Ok(());
            }
            let suite = suite(report, view, &resolver, id, (name, path), &shown);
            id += 1;
            out.write_all(suite.as_bytes())
        };
        put("Shared with the whole repository", ".", report.shared())?;
        for service in view.services(report) {
            let path = report.subject_path(plimsoll_audit::Subject::Service(service.id));
            put(&report.delivery[service.id].name, path, report.of(service))?;
        }
    }
    out.write_all(b"</testsuites>\n")
}

fn suite(
    report: &Report,
    view: &View,
    resolver: &Resolver<'_>,
    id: usize,
    (name, path): (&str, &str),
    findings: &[&Finding],
) -> String {
    let name = if name.trim().is_empty() { path } else { name };
    let failures = findings.iter().filter(|f| is_failure(f)).count();
    let skipped = findings.iter().filter(|f| skipped(f).is_some()).count();
    let mut out = String::new();
    // Time, host and the empty elements are what the stricter of the schemas in use asks for.
    let _ = writeln!(
        out,
        "<testsuite name=\"{}\" id=\"{id}\" package=\"{}\" timestamp=\"{}T00:00:00\" \
         hostname=\"localhost\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" \
         skipped=\"{skipped}\" time=\"0\">\n<properties>\n<property name=\"plimsoll\" \
         value=\"{}\"/>\n</properties>",
        xml(name),
        xml(path),
        xml(&view.date),
        findings.len(),
        xml(&view.version)
    );
    for finding in findings {
        case(&mut out, report, resolver, name, finding);
    }
    out.push_str("<system-out/>\n<system-err/>\n</testsuite>\n");
    out
}

fn case(
    out: &mut String,
    report: &Report,
    resolver: &Resolver<'_>,
    subject: &str,
    finding: &Finding,
) {
    let _ = write!(
        out,
        "<testcase classname=\"{}\" name=\"{}: {}\" time=\"0\"",
        xml(subject),
        xml(finding.check.id),
        xml(finding.check.title())
    );
    if let Some(why) = skipped(finding) {
        let _ = writeln!(out, "><skipped message=\"{}\"/></testcase>", xml(&why));
    } else if is_failure(finding) {
        let _ = writeln!(
            out,
            "><failure type=\"{} {}\" message=\"{}\">{}</failure></testcase>",
            finding.severity.name(),
            finding.outcome.name(),
            xml(&finding.message),
            xml_lines(&places(report, resolver, finding))
        );
    } else {
        out.push_str("/>\n");
    }
}

fn is_failure(finding: &Finding) -> bool {
    finding.is_problem() && finding.accepted.is_none() && !finding.known && !finding.newer
}

/// Why a case is skipped, if it is.
fn skipped(finding: &Finding) -> Option<String> {
    match (finding.outcome, &finding.accepted, finding.unknown) {
        (Outcome::Fail | Outcome::Partial, Some(why), _) => {
            Some(format!("{}; accepted: {why}", finding.message))
        }
        (Outcome::Fail | Outcome::Partial, None, _) if finding.known => {
            Some(format!("{}; it was there before", finding.message))
        }
        (Outcome::Fail | Outcome::Partial, None, _) if finding.newer => {
            Some(format!("{}; the check is later than the edition", finding.message))
        }
        (Outcome::Unknown, _, Some(why)) => {
            Some(format!("unknown ({}): {}", why.name(), finding.message))
        }
        (Outcome::Unknown, ..) => Some(format!("unknown: {}", finding.message)),
        (Outcome::NotApplicable, ..) => Some(format!("not applicable: {}", finding.message)),
        _ => None,
    }
}

/// The evidence, a line a place, and what to do.
fn places(report: &Report, resolver: &Resolver<'_>, finding: &Finding) -> String {
    let mut out = String::new();
    for (evidence, at) in finding.evidence.iter().zip(resolver.locate(report, finding)) {
        let path = plain(&at.path);
        let says = plain(&evidence.says);
        let _ = match at.start {
            Some(start) => writeln!(out, "{path}:{}:{}: {says}", start.line, start.column),
            None if evidence.role == Role::Missing => writeln!(out, "{path} (absent): {says}"),
            None => writeln!(out, "{path}: {says}"),
        };
    }
    let advice = match report.fix(finding) {
        Some(fix) => fix.does.to_string(),
        None => report.advice(finding),
    };
    let _ = write!(out, "What to do: {}", plain(&advice));
    out
}

/// Text on one line of an attribute or element.
fn xml(text: &str) -> String {
    xml_lines(&plain(text))
}

/// Text of several lines.
fn xml_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if is_command(c) => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}
