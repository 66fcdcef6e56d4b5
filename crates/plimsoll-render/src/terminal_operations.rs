//! The operations report for a terminal: the four domains, the issues by priority, the roadmap.

use std::fmt::Write as _;

use plimsoll_audit::{Operations, Report, Resolver, Severity, Standing};

use crate::View;
use crate::plain::without_commands;
use crate::terminal::{BOLD, CYAN, DIM, GREEN, RED, Style, YELLOW, footer, one, paint, wrapped};

/// The operations report on a repository.
pub(crate) fn operations_terminal(report: &Report, view: &View, style: Style) -> String {
    let resolver = Resolver::new(report);
    let operations = Operations::of(report, |finding| view.wants(finding));
    let mut out = String::new();
    scorecard(&mut out, &operations, style);
    for (priority, severities) in [
        ("P1, immediate action", &[Severity::Critical][..]),
        ("P2, high priority", &[Severity::High]),
        ("P3, further improvements", &[Severity::Medium, Severity::Low]),
    ] {
        let mut issues =
            severities.iter().flat_map(|&severity| operations.of_severity(severity)).peekable();
        if issues.peek().is_none() {
            continue;
        }
        let _ = writeln!(out, "{}\n", paint(style, BOLD, priority));
        for finding in issues.flat_map(|issue| &issue.findings) {
            one(&mut out, &resolver, finding, style);
        }
    }
    roadmap(&mut out, &operations, style);
    footer(&mut out, report, view, style);
    without_commands(out)
}

fn scorecard(out: &mut String, operations: &Operations<'_>, style: Style) {
    let head = format!(
        "{:21}  {:10}  {:>15}  {:>6}  critical high",
        "domain", "status", "pass rate", "score"
    );
    let is_narrow = style.width < head.len();
    if !is_narrow {
        let _ = writeln!(out, "{}", paint(style, BOLD, &head));
    }
    for domain in &operations.domains {
        let count = |severity| {
            domain.issues.iter().filter(|&&i| operations.issues[i].severity == severity).count()
        };
        let color = match domain.status {
            Some(Standing::Critical | Standing::HighRisk) => RED,
            Some(Standing::Moderate) => YELLOW,
            Some(Standing::Sound) => GREEN,
            None => DIM,
        };
        let status = format!("{:10}", domain.status.map_or("n/a", Standing::name));
        let percent = domain.rate.percent().map_or("n/a".to_owned(), |p| format!("{p:.1}%"));
        let rate = format!("{percent} ({}/{})", domain.rate.passed, domain.rate.applicable);
        let score = domain.card.percent().map_or("n/a".to_owned(), |s| format!("{s:.1}"));
        let (critical, high) = (count(Severity::Critical), count(Severity::High));
        let name = domain.domain.name();
        let status = paint(style, color, &status);
        let _ = if is_narrow {
            let figures = format!("{rate} · score {score} · {critical} critical · {high} high");
            let figures = wrapped(&figures, style.width, 2, 2);
            writeln!(out, "{}  {}\n  {figures}", paint(style, BOLD, name), status.trim_end())
        } else {
            writeln!(out, "{name:21}  {status}  {rate:>15}  {score:>6}  {critical:>8} {high:>4}")
        };
    }
    let _ = writeln!(out, "\n{}\n", paint(style, DIM, &wrapped(Standing::RULE, style.width, 0, 0)));
}

fn roadmap(out: &mut String, operations: &Operations<'_>, style: Style) {
    let _ = writeln!(out, "{}", paint(style, BOLD, "Roadmap"));
    for (horizon, issues) in &operations.roadmap {
        let ids: Vec<&str> = issues.iter().map(|&i| operations.issues[i].check.id).collect();
        let ids = if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") };
        let _ = writeln!(
            out,
            "  {}\n    {}",
            paint(style, CYAN, horizon.name()),
            wrapped(&ids, style.width, 4, 4)
        );
    }
    out.push('\n');
}
