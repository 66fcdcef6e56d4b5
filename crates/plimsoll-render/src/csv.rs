//! CSV (RFC 4180): a row a finding, for spreadsheets.

use std::io::{self, Write};

use plimsoll_audit::{Finding, Report, Resolver, Role};

use crate::View;
use crate::plain::plain;

/// The columns. Added ones come last.
const COLUMNS: [&str; 15] = [
    "subject",
    "path",
    "check",
    "title",
    "section",
    "severity",
    "outcome",
    "message",
    "file",
    "line",
    "column",
    "places",
    "unknown",
    "accepted",
    "fingerprint",
];

/// Writes every finding that the view shows, with the first place that decides and how many there
/// are.
///
/// # Errors
/// What writing gives.
pub fn csv(reports: &[(Report, View)], out: &mut dyn Write) -> io::Result<()> {
    row(out, COLUMNS)?;
    for (report, view) in reports {
        let resolver = Resolver::new(report);
        for finding in view.findings(report) {
            row(out, cells(report, &resolver, finding).each_ref().map(|cell| &**cell))?;
        }
    }
    Ok(())
}

fn cells(report: &Report, resolver: &Resolver<'_>, finding: &Finding) -> [String; 15] {
    let check = finding.check;
    let decides = finding.evidence.iter().position(|e| e.role != Role::Context).unwrap_or(0);
    let places = finding.evidence.iter().filter(|e| e.role != Role::Context).count();
    let located = resolver.locate(report, finding);
    let at = located.get(decides);
    let start = at.and_then(|at| at.start);
    [
        report.subject_name(finding.subject).to_owned(),
        report.subject_path(finding.subject).to_owned(),
        check.id.to_owned(),
        check.title().to_owned(),
        check.section.heading().to_owned(),
        finding.severity.name().to_owned(),
        finding.outcome.name().to_owned(),
        finding.message.to_string(),
        at.map(|at| at.path.clone()).unwrap_or_default(),
        start.map(|start| start.line.to_string()).unwrap_or_default(),
        start.map(|start| start.column.to_string()).unwrap_or_default(),
        places.to_string(),
        finding.unknown.map(|why| why.name().to_owned()).unwrap_or_default(),
        finding.accepted.as_deref().unwrap_or_default().to_owned(),
        at.map(|at| at.fingerprint.clone()).unwrap_or_default(),
    ]
}

fn row(out: &mut dyn Write, cells: [&str; 15]) -> io::Result<()> {
    let cells = cells.map(cell);
    out.write_all(cells.join(",").as_bytes())?;
    out.write_all(b"\r\n")
}

/// A cell in quotes. What a spreadsheet would compute gets an apostrophe in front, which makes it
/// text; wide forms of the signs count, as some spreadsheets fold them.
fn cell(text: &str) -> String {
    let text = plain(text).replace('"', "\"\"");
    let computes = text.trim_start().starts_with(['=', '+', '-', '@', '|', '＝', '＋', '－', '＠']);
    format!("\"{}{text}\"", if computes { "'" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn nothing_is_computed_and_no_cell_is_left() {
        for (text, expected) in [
            ("plain", "\"plain\""),
            ("say \"hi\", now", "\"say \"\"hi\"\", now\""),
            ("=cmd|'/c calc'!A1", "\"'=cmd|'/c calc'!A1\""),
            (" =1+1", "\"' =1+1\""),
            ("\t=1", "\"' =1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-2", "\"'-2\""),
            ("＝1", "\"'＝1\""),
            ("a\r\n=b", "\"a\u{fffd}\u{fffd}=b\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
