//! The service report in Markdown: one document, a level-1 heading a service. The operations report
//! stands in its own file.

use std::fmt::Write as _;

use plimsoll_audit::{
    Finding, Outcome, Report, Resolver, Role, Rollup, Section, ServiceReport, Severity, Subject,
};

use crate::operations::operations_markdown;
use crate::plain::{notes, plain, sentence, without_commands};
use crate::view::nothing;
use crate::{Profile, View};

/// The report profile that the header names.
const PROFILE: &str = "service report 1";

/// The report that `view` asks for: on every service that it shows, or on the repository.
#[must_use]
pub fn markdown(report: &Report, view: &View) -> String {
    if view.profile == Profile::Operations {
        return operations_markdown(report, view);
    }
    let resolver = Resolver::new(report);
    let mut out = String::new();
    for service in view.services(report) {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&markdown_of(report, view, &resolver, service));
    }
    if out.is_empty() {
        out.push_str("# Nothing to audit\n");
        if let Some(why) = nothing(report) {
            let _ = writeln!(out, "\n{}", sentence(&text(&why)));
        }
    }
    out
}

/// The report on one service.
#[must_use]
pub fn markdown_of(
    report: &Report,
    view: &View,
    resolver: &Resolver<'_>,
    service: &ServiceReport,
) -> String {
    let facts = &report.delivery[service.id];
    let findings = report.of(service);
    let mut out = String::new();
    header(&mut out, report, view, service, &facts.name);
    summary(&mut out, findings);
    sections(&mut out, report, resolver, service, findings);
    shared(&mut out, report, resolver);
    scores(&mut out, service);
    strengths(&mut out, report, resolver, findings);
    remediation(&mut out, report, resolver, findings);
    left(&mut out, report);
    without_commands(out)
}

/// What was compared with, not asked and not read.
pub(crate) fn left(out: &mut String, report: &Report) {
    let notes: Vec<String> =
        notes(report).iter().map(|note| format!("- {}\n", text(note))).collect();
    if !notes.is_empty() {
        let _ = write!(out, "\n## Notes\n\n{}", notes.concat());
    }
}

fn header(out: &mut String, report: &Report, view: &View, service: &ServiceReport, name: &str) {
    let accepted = report.of(service).iter().filter(|f| f.counts() && f.accepted.is_some()).count();
    let accepted = if accepted > 0 { format!(" +{accepted} accepted") } else { String::new() };
    let rate = service.scores.rate;
    let percent = rate.percent().map_or("n/a".to_owned(), |p| format!("{}%", p.round()));
    let _ = writeln!(out, "# {} - Deployment & CI/CD Audit\n", text(&titled(name)));
    let _ = writeln!(out, "**Service:** {}", text(name));
    let _ = writeln!(out, "**Path:** {}", code(report.subject_path(Subject::Service(service.id))));
    let _ = writeln!(out, "**Document:** {PROFILE}");
    let _ = writeln!(out, "**Date:** {}", view.date);
    let _ = writeln!(out, "**Auditor:** Plimsoll {}", view.version);
    let _ = writeln!(
        out,
        "**Pass Rate:** {percent} ({}/{} checks){accepted}",
        rate.passed, rate.applicable
    );
    let _ = writeln!(
        out,
        "**Coverage:** {:.0}% ({} unknown)\n",
        service.scores.coverage(),
        service.scores.unknown
    );
}

/// The problems that count, of one severity, worst answers first.
fn problems(findings: &[Finding], severity: Severity) -> Vec<&Finding> {
    let mut found: Vec<&Finding> = findings
        .iter()
        .filter(|f| f.counts() && f.is_problem() && f.severity == severity)
        .collect();
    found.sort_by_key(|f| (f.outcome != Outcome::Fail, f.check.section, f.check.id));
    found
}

fn summary(out: &mut String, findings: &[Finding]) {
    out.push_str("## Summary\n\n| Severity | Count | Issues |\n|----------|-------|--------|\n");
    for severity in Severity::ALL {
        let found = problems(findings, severity);
        let names: Vec<String> = found.iter().map(|f| code(f.check.id)).collect();
        let names = if names.is_empty() { "None".to_owned() } else { names.join(", ") };
        let _ = writeln!(out, "| {} | {} | {names} |", severity.name().to_uppercase(), found.len());
    }
    out.push('\n');
}

fn sections(
    out: &mut String,
    report: &Report,
    resolver: &Resolver<'_>,
    service: &ServiceReport,
    findings: &[Finding],
) {
    for section in Section::ALL {
        let mut rows: Vec<&Finding> =
            findings.iter().filter(|f| f.check.section == section).collect();
        if rows.is_empty() {
            continue;
        }
        // A check that is shown within another stands right after it.
        rows.sort_by_key(|f| {
            (f.check.within.unwrap_or(f.check.id), f.check.within.is_some(), f.check.id)
        });
        let rate =
            service.scores.sections.iter().find(|(s, ..)| *s == section).map(|(_, rate, _)| *rate);
        let sum = match rate {
            Some(rate) if rate.applicable == 0 => String::new(),
            Some(rate) if rate.passed == rate.applicable => {
                format!(" ({}/{} PASS)", rate.passed, rate.applicable)
            }
            Some(rate) => format!(" ({}/{})", rate.passed, rate.applicable),
            None => String::new(),
        };
        let _ = writeln!(out, "## {}{sum}\n", section.heading());
        table(out, report, resolver, &rows);
    }
}

fn table(out: &mut String, report: &Report, resolver: &Resolver<'_>, rows: &[&Finding]) {
    out.push_str("| Check | Status | Evidence |\n|-------|--------|----------|\n");
    for finding in rows {
        let within = if finding.check.within.is_some() { "↳ " } else { "" };
        let accepted = finding
            .accepted
            .as_deref()
            .map(|why| format!("; accepted: {}", text(why)))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "| {within}{} ({}) | {} | {}{accepted} |",
            text(finding.check.title()),
            code(finding.check.id),
            status(finding.outcome),
            evidence(report, resolver, finding)
        );
    }
    out.push('\n');
}

/// The answer and the places that prove it, at most three.
fn evidence(report: &Report, resolver: &Resolver<'_>, finding: &Finding) -> String {
    let mut cell = text(&finding.message);
    if finding.outcome == Outcome::NotApplicable {
        return cell;
    }
    if let Some(why) = finding.unknown {
        let _ = write!(cell, " ({})", why.name());
    }
    let located = resolver.locate(report, finding);
    let mut places: Vec<String> = Vec::new();
    for (evidence, place) in finding.evidence.iter().zip(&located) {
        let at = match place.start {
            Some(start) => format!("{}:{}", place.path, start.line),
            None => place.path.clone(),
        };
        let absent =
            if evidence.role == Role::Missing && place.start.is_none() { " (absent)" } else { "" };
        let place = format!("{}{absent}", code(&at));
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let more = places.len().saturating_sub(3);
    places.truncate(3);
    if !places.is_empty() {
        let _ = write!(cell, ": {}", places.join(", "));
    }
    if more > 0 {
        let _ = write!(cell, " and {more} more");
    }
    cell
}

fn shared(out: &mut String, report: &Report, resolver: &Resolver<'_>) {
    let rows: Vec<&Finding> = report.shared().iter().collect();
    if rows.is_empty() {
        return;
    }
    out.push_str("## Shared with the whole repository\n\n");
    table(out, report, resolver, &rows);
}

fn scores(out: &mut String, service: &ServiceReport) {
    out.push_str("## Scores\n\n| Dimension | Score | Per cent | Unknown |\n|-----------|-------|----------|---------|\n");
    let mut row = |name: &str, card: plimsoll_audit::Card, bold: bool| {
        let (ten, percent) = match card.percent() {
            Some(percent) => (format!("{:.1}/10", percent / 10.0), format!("{percent:.1}%")),
            None => ("n/a".to_owned(), "n/a".to_owned()),
        };
        let name = if bold { format!("**{name}**") } else { name.to_owned() };
        let _ = writeln!(out, "| {name} | {ten} | {percent} | {} |", card.unknown);
    };
    for (section, _, card) in &service.scores.sections {
        row(section.heading(), *card, false);
    }
    for rollup in Rollup::ALL {
        if let Some((_, card)) = service.scores.rollups.iter().find(|(r, _)| *r == rollup) {
            row(rollup.name(), *card, false);
        }
    }
    row("Overall", service.scores.overall, true);
    let weights: Vec<String> =
        Severity::ALL.iter().map(|s| format!("{} {}", s.name(), s.weight())).collect();
    let _ = writeln!(
        out,
        "\nWeights: {}; PASS counts 1, PARTIAL ½, FAIL 0. Unknown and not applicable count nowhere.\n",
        weights.join(", ")
    );
}

fn strengths(out: &mut String, report: &Report, resolver: &Resolver<'_>, findings: &[Finding]) {
    out.push_str("## Strengths\n\n");
    let mut any = false;
    for section in Section::ALL {
        let strong: Vec<&Finding> = findings
            .iter()
            .filter(|f| f.check.section == section && f.counts() && f.outcome == Outcome::Pass)
            .filter(|f| {
                f.check.severity.weight() >= 2 && f.evidence.iter().any(|e| e.role == Role::Shows)
            })
            .collect();
        if strong.is_empty() {
            continue;
        }
        any = true;
        let _ = writeln!(out, "**{}:**\n", section.heading());
        for finding in strong {
            let shown = finding.evidence.iter().position(|e| e.role == Role::Shows).unwrap_or(0);
            let located = resolver.locate(report, finding);
            let at = located.get(shown).map(|l| match l.start {
                Some(start) => format!(" ({})", code(&format!("{}:{}", l.path, start.line))),
                None => format!(" ({})", code(&l.path)),
            });
            let _ = writeln!(out, "- {}{}", text(finding.check.title()), at.unwrap_or_default());
        }
        out.push('\n');
    }
    if !any {
        out.push_str("None.\n\n");
    }
}

fn remediation(out: &mut String, report: &Report, resolver: &Resolver<'_>, findings: &[Finding]) {
    out.push_str("## Remediation\n");
    let mut any = false;
    // What answers several findings (a whole workflow) is printed with the first.
    let mut printed: Vec<(String, &str)> = Vec::new();
    for (severity, when) in
        Severity::ALL.into_iter().zip(["P0, now", "P1, this week", "P2, this month", "P3, backlog"])
    {
        let found = problems(findings, severity);
        if found.is_empty() {
            continue;
        }
        any = true;
        let _ = writeln!(out, "\n### {} ({when})\n", severity.name().to_uppercase());
        for (index, finding) in found.iter().enumerate() {
            let fix = report.fix(finding);
            let does = match &fix {
                Some(fix) => sentence(&fix.does),
                None => report.advice(finding),
            };
            let _ = writeln!(
                out,
                "{}. **{}** ({}): {}",
                index + 1,
                text(finding.check.title()),
                code(finding.check.id),
                text(&does)
            );
            if let Some(place) = resolver.locate(report, finding).first() {
                let at = place
                    .start
                    .map_or(place.path.clone(), |s| format!("{}:{}", place.path, s.line));
                let _ = writeln!(
                    out,
                    "   {} Found at {}.",
                    text(&sentence(&finding.message)),
                    code(&at)
                );
            }
            if let Some(snippet) = fix.and_then(|fix| fix.snippet) {
                if let Some((_, by)) = printed.iter().find(|(text, _)| *text == snippet.text) {
                    let _ = writeln!(out, "   The change is the one of {}.", code(by));
                    continue;
                }
                let fence = fence(&snippet.text);
                let _ = writeln!(
                    out,
                    "\n   In {}:\n\n   {fence}{}",
                    code(&snippet.path),
                    snippet.language
                );
                for line in snippet.text.lines() {
                    let _ = writeln!(out, "   {}", plain(line));
                }
                let _ = writeln!(out, "   {fence}\n");
                printed.push((snippet.text, finding.check.id));
            }
        }
    }
    if !any {
        out.push_str("\nNothing to mend.\n");
    }
}

fn status(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "PASS",
        Outcome::Partial => "PARTIAL",
        Outcome::Fail => "FAIL",
        Outcome::NotApplicable => "N/A",
        Outcome::Unknown => "UNKNOWN",
    }
}

/// `minting-service` as `Minting Service`.
fn titled(name: &str) -> String {
    let words = name.split(['-', '_', '/']).filter(|w| !w.is_empty()).map(|word| {
        let mut chars = word.chars();
        chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A longer fence than any in the text.
pub(crate) fn fence(body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// Text in a paragraph or a table cell: Markdown and HTML are shown, not read. Code spans of our
/// own messages stay.
pub(crate) fn text(says: &str) -> String {
    let plain = plain(says);
    let mut out = String::with_capacity(plain.len());
    for (index, part) in plain.split('`').enumerate() {
        let is_code = index % 2 == 1 && plain.matches('`').count().is_multiple_of(2);
        if is_code {
            out.push_str(&code(part));
            continue;
        }
        for c in part.chars() {
            match c {
                '|' | '*' | '_' | '[' | ']' | '\\' | '#' | '!' => {
                    out.push('\\');
                    out.push(c);
                }
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                c => out.push(c),
            }
        }
    }
    out
}

/// A code span that holds in a table cell, whatever is in it.
pub(crate) fn code(says: &str) -> String {
    let plain = plain(says).replace('|', "\\|");
    let fence = "`".repeat(plain.split(|c| c != '`').map(str::len).max().unwrap_or(0) + 1);
    let pad =
        if plain.starts_with('`') || plain.ends_with('`') || plain.is_empty() { " " } else { "" };
    format!("{fence}{pad}{plain}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_in_their_cell() {
        for name in [
            "a|b",
            "a\nb",
            "<script>alert(1)</script>",
            "a`b",
            "::set-output x",
            "\u{1b}[31mred",
            "[x](y)",
        ] {
            for shown in [text(name), code(name)] {
                assert!(!shown.contains('\n') && !shown.contains('\u{1b}'), "{shown:?}");
            }
            assert!(!text(name).contains("<script"), "{name}");
            assert!(!text(name).replace("\\|", "").contains('|'), "{name}");
        }
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(text("write `a*b` *here*"), "write `a*b` \\*here\\*");
    }
}
