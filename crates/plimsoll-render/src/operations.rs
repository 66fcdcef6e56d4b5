//! The operations report in Markdown: four domains, what is critical and high, and when to mend it.

use std::fmt::Write as _;

use plimsoll_audit::{
    Card, Domain, Finding, Horizon, Issue, Located, Operations, Page, Report, Resolver, Role,
    Severity, Standing,
};

use crate::View;
use crate::markdown::{code, fence, left, text};
use crate::plain::{plain, sentence, without_commands};

/// The report profile that the header names.
const PROFILE: &str = "operations report 1";
/// The most places of a finding that are shown with their lines.
const MAX_PLACES: usize = 3;
/// The most issues that a scorecard's row names.
const MAX_KEY_ISSUES: usize = 4;

/// The operations report on a repository.
pub(crate) fn operations_markdown(report: &Report, view: &View) -> String {
    let resolver = Resolver::new(report);
    let operations = Operations::of(report, |finding| view.wants(finding));
    let mut out = String::new();
    header(&mut out, report, view);
    summary(&mut out, &operations);
    critical(&mut out, report, &resolver, &operations);
    high(&mut out, report, &resolver, &operations);
    rest(&mut out, &resolver, &operations);
    roadmap(&mut out, &operations);
    left(&mut out, report);
    without_commands(out)
}

fn header(out: &mut String, report: &Report, view: &View) {
    let _ = writeln!(out, "# Infrastructure & CI/CD Audit\n");
    let _ = writeln!(out, "**Document:** {PROFILE}  ");
    let _ = writeln!(out, "**Date:** {}  ", view.date);
    let _ = writeln!(out, "**Auditor:** Plimsoll {}  ", view.version);
    let _ = writeln!(
        out,
        "**Scope:** {} services, {} compose projects, {} pipelines, {} scripts  ",
        report.services.len(),
        report.delivery.projects.len(),
        report.delivery.pipelines.len(),
        report.delivery.programs.iter().filter(|program| program.target.is_none()).count(),
    );
    let coverage = &report.coverage;
    let _ = writeln!(out, "**Coverage:** {} of {} answered\n", coverage.answered, coverage.asked);
}

fn summary(out: &mut String, operations: &Operations<'_>) {
    out.push_str("## 1. Executive Summary\n\n| Domain | Status | Pass Rate | Score | Key Issues |\n|:-------|:------:|:---------:|:-----:|:-----------|\n");
    for domain in &operations.domains {
        let mut keys: Vec<String> = domain
            .issues
            .iter()
            .take(MAX_KEY_ISSUES)
            .map(|&index| text(&operations.issues[index].findings[0].message))
            .collect();
        let more = domain.issues.len().saturating_sub(keys.len());
        if more > 0 {
            keys.push(format!("and {more} more"));
        }
        let keys = if keys.is_empty() { "None".to_owned() } else { keys.join("; ") };
        let _ = writeln!(
            out,
            "| {} | **{}** | {}/{} | {} | {keys} |",
            domain.domain.name(),
            domain.status.map_or("n/a", Standing::name),
            domain.rate.passed,
            domain.rate.applicable,
            percent(domain.card),
        );
    }
    let _ = writeln!(out, "\n{}\n", Standing::RULE);
}

fn percent(card: Card) -> String {
    card.percent().map_or("n/a".to_owned(), |percent| format!("{percent:.1}%"))
}

fn critical(
    out: &mut String,
    report: &Report,
    resolver: &Resolver<'_>,
    operations: &Operations<'_>,
) {
    out.push_str("## 2. Critical Findings (P1, Immediate Action Required)\n\n");
    let mut any = false;
    for found in operations.of_severity(Severity::Critical) {
        any = true;
        issue(out, report, resolver, found, "P1");
    }
    if !any {
        out.push_str("None.\n\n");
    }
}

/// The heading under which the high findings of a domain stand.
const fn theme(domain: Domain) -> &'static str {
    match domain {
        Domain::ContainerSecurity => "Container Hardening",
        Domain::DeploymentStrategy => "Deployment Safety",
        Domain::CiCdMaturity => "CI/CD Efficiency & Safety",
        Domain::ResilienceOps => "Operational Resilience",
    }
}

fn high(out: &mut String, report: &Report, resolver: &Resolver<'_>, operations: &Operations<'_>) {
    out.push_str("## 3. High Priority Improvements (P2)\n\n");
    let mut any = false;
    for domain in Domain::ALL {
        let mut of_domain =
            operations.of_severity(Severity::High).filter(|i| i.check.domain == domain).peekable();
        if of_domain.peek().is_none() {
            continue;
        }
        any = true;
        let _ = writeln!(out, "### {}\n", theme(domain));
        for found in of_domain {
            issue(out, report, resolver, found, "P2");
        }
    }
    if !any {
        out.push_str("None.\n\n");
    }
}

/// One issue: each of its findings with places and lines, then the risk and what to do.
fn issue(
    out: &mut String,
    report: &Report,
    resolver: &Resolver<'_>,
    issue: &Issue<'_>,
    priority: &str,
) {
    let level = if priority == "P1" { "###" } else { "####" };
    let title = text(issue.check.title());
    let _ = writeln!(out, "{level} [{priority}] {} ({})\n", title, code(issue.check.id));
    let _ = writeln!(out, "- **Status**: {}", issue.outcome.name().to_uppercase());
    for finding in &issue.findings {
        let _ = writeln!(out, "- **Finding**: {}", text(&sentence(&finding.message)));
        places(out, resolver, finding);
    }
    let page = Page::of(issue.check.source);
    if let Some(risk) = page.intro.get(1) {
        let _ = writeln!(out, "- **Risk**: {}", text(risk));
    }
    let fix = issue.findings.first().and_then(|finding| report.fix(finding));
    let does = match &fix {
        Some(fix) => sentence(&fix.does),
        None => page.intro.get(2).cloned().unwrap_or_default(),
    };
    let _ = writeln!(out, "- **Remediation**: {}", text(&does));
    if let Some(snippet) = fix.and_then(|fix| fix.snippet) {
        let _ = writeln!(out, "  In {}:", code(&snippet.path));
        fenced(out, snippet.language, snippet.text.lines());
    }
    out.push('\n');
}

/// The places that speak against it, with their lines; of an absence, where it would stand.
fn places(out: &mut String, resolver: &Resolver<'_>, finding: &Finding) {
    let against: Vec<_> = finding
        .evidence
        .iter()
        .filter(|e| matches!(e.role, Role::Contradicts | Role::Missing))
        .collect();
    for evidence in against.iter().take(MAX_PLACES) {
        let located = resolver.lines(&evidence.place);
        let member = evidence.member.as_deref().map(|m| format!("{m}: ")).unwrap_or_default();
        let absent = if located.start.is_none() && evidence.role == Role::Missing {
            " (absent)"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "  - **File**: {}{absent} ({})",
            code(&at(&located)),
            text(&format!("{member}{}", evidence.says))
        );
        if !located.lines.is_empty() {
            fenced(out, language(&located.path), located.lines.iter().map(|(_, line)| &**line));
        }
    }
    let more = against.len().saturating_sub(MAX_PLACES);
    if more > 0 {
        let _ = writeln!(out, "  - and {more} more places");
    }
}

fn at(located: &Located) -> String {
    match located.start {
        Some(start) => format!("{}:{}", located.path, start.line),
        None => located.path.clone(),
    }
}

fn fenced<'t>(out: &mut String, language: &str, lines: impl Iterator<Item = &'t str>) {
    let lines: Vec<String> = lines.map(plain).collect();
    let fence = fence(&lines.join("\n"));
    let _ = writeln!(out, "\n    {fence}{language}");
    for line in lines {
        let _ = writeln!(out, "    {line}");
    }
    let _ = writeln!(out, "    {fence}\n");
}

/// The word after a fence, by the file's name.
fn language(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "yml" | "yaml" => "yaml",
        "sh" | "bash" => "bash",
        "json" => "json",
        "md" => "markdown",
        "js" | "mjs" | "cjs" => "js",
        "ts" => "ts",
        "py" => "python",
        _ if name.contains("ockerfile") => "dockerfile",
        _ => "",
    }
}

fn rest(out: &mut String, resolver: &Resolver<'_>, operations: &Operations<'_>) {
    out.push_str("## 4. Further Improvements (P3)\n\n");
    let row = |out: &mut String, issue: &Issue<'_>| {
        let finding = issue.findings[0];
        let against = finding.evidence.iter().find(|e| e.role != Role::Context);
        let place = against.map(|e| code(&at(&resolver.lines(&e.place)))).unwrap_or_default();
        let more = issue.findings.len() - 1;
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let accepted = finding.accepted.as_deref().map(|why| format!("; accepted: {}", text(why)));
        let _ = writeln!(
            out,
            "| {} ({}) | {} | {} | {} | {place}{more}{} |",
            text(issue.check.title()),
            code(issue.check.id),
            issue.severity.name(),
            issue.outcome.name().to_uppercase(),
            text(&finding.message),
            accepted.unwrap_or_default(),
        );
    };
    let lower: Vec<&Issue<'_>> = operations
        .of_severity(Severity::Medium)
        .chain(operations.of_severity(Severity::Low))
        .collect();
    let accepted: Vec<&Issue<'_>> = operations.issues.iter().filter(|i| i.accepted).collect();
    const HEAD: &str = "| Check | Severity | Status | Finding | Place |\n|-------|----------|--------|---------|-------|\n";
    if lower.is_empty() {
        out.push_str("None.\n");
    } else {
        out.push_str(HEAD);
        lower.into_iter().for_each(|issue| row(out, issue));
    }
    if !accepted.is_empty() {
        let _ = write!(out, "\n### Accepted\n\n{HEAD}");
        accepted.into_iter().for_each(|issue| row(out, issue));
    }
    out.push('\n');
}

fn roadmap(out: &mut String, operations: &Operations<'_>) {
    out.push_str("## 5. Strategic Roadmap\n");
    for (horizon, issues) in &operations.roadmap {
        let _ = writeln!(out, "\n**{}**\n", horizon.name());
        if issues.is_empty() {
            out.push_str("Nothing.\n");
        }
        for (index, &issue) in issues.iter().enumerate() {
            let check = operations.issues[issue].check;
            let _ = writeln!(
                out,
                "{}. {} ({}, {})",
                index + 1,
                text(check.title()),
                code(check.id),
                check.effort.name()
            );
        }
    }
    let _ = writeln!(out, "\n{}", Horizon::RULE);
}
