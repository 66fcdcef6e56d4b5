//! HTML: one file that loads nothing and runs nothing. Filters are style sheets, charts are SVG.
//!
//! Pieces are written as they are made, a service at a time. Templates escape; every text from
//! outside goes through [`plain`] before. What is marked safe is made of numbers, or is our style.

use std::collections::BTreeMap;
use std::io::{self, Write};

use askama::Template;
use plimsoll_audit::{
    Finding, Located, Operations, Outcome, Report, Resolver, Role, Section, ServiceReport,
    Severity, Standing, Subject,
};

use crate::instance::is_absent;
use crate::plain::{plain, plain_lines, sentence};
use crate::view::nothing;
use crate::{Profile, View};

/// With more services than this, each is folded.
const FEW: usize = 3;
/// The most places that are shown of a problem.
const MAX_PLACES: usize = 5;
/// The most lines, and characters of a line, of an excerpt.
const MAX_LINES: usize = 4;
const MAX_WIDTH: usize = 240;
/// The most rows of what most services have to mend.
const MOST: usize = 12;
/// Colours and names of a bar's parts.
const KEY: [(&str, &str); 4] =
    [("cp", "pass"), ("ca", "partial"), ("cf", "fail"), ("cu", "unknown")];

/// Problems by severity, worst first.
type Counts = [(&'static str, usize); 4];

#[derive(Template)]
#[template(path = "head.html")]
struct Head<'a> {
    title: &'static str,
    version: &'a str,
    date: &'a str,
    revision: Option<String>,
    services: usize,
    /// Why a report is on no service.
    nothing: Vec<String>,
    severities: Counts,
    answered: u32,
    asked: u32,
    style: &'static str,
}

#[derive(Template)]
#[template(path = "domains.html")]
struct Domains {
    rows: Vec<DomainRow>,
    rule: &'static str,
    /// Each horizon with the checks that stand in it, by id and title.
    roadmap: Vec<(&'static str, Vec<(&'static str, &'static str)>)>,
}

struct DomainRow {
    name: &'static str,
    status: &'static str,
    class: &'static str,
    rate: String,
    score: String,
    counts: Counts,
}

#[derive(Template)]
#[template(path = "fleet.html")]
struct Fleet {
    title: String,
    rows: Vec<Row>,
    most: Vec<Common>,
    sections: Vec<&'static str>,
}

/// A service in the fleet's tables.
struct Row {
    id: usize,
    name: String,
    bar: String,
    rate: String,
    score: String,
    coverage: String,
    counts: Counts,
    /// Class and text, a section each.
    sections: Vec<(&'static str, String)>,
}

/// A check that several services do not pass.
struct Common {
    check: &'static str,
    title: &'static str,
    bar: String,
    count: usize,
}

#[derive(Template)]
#[template(path = "service.html")]
struct Card {
    id: usize,
    name: String,
    path: String,
    open: bool,
    ring: String,
    figures: Option<Figures>,
    counts: Counts,
    sections: Vec<SectionRow>,
    problems: Vec<Problem>,
    lists: Vec<List>,
}

struct Figures {
    rate: String,
    coverage: String,
}

struct SectionRow {
    name: &'static str,
    bar: String,
    rate: String,
    score: String,
}

struct Problem {
    severity: &'static str,
    outcome: &'static str,
    message: Words,
    check: &'static str,
    title: &'static str,
    within: Option<&'static str>,
    accepted: Option<String>,
    evidence: Vec<Shown>,
    more: usize,
    does: Words,
    snippet: Option<(String, String)>,
}

struct Shown {
    at: String,
    is_absent: bool,
    is_context: bool,
    says: Words,
    lines: Vec<(u32, String)>,
}

/// Answers that are listed only.
struct List {
    class: &'static str,
    name: &'static str,
    items: Vec<Item>,
}

struct Item {
    check: &'static str,
    message: Words,
    at: Option<String>,
}

#[derive(Template)]
#[template(path = "foot.html")]
struct Foot<'a> {
    notes: Vec<String>,
    weights: String,
    version: &'a str,
}

/// A text whose code spans are shown as such.
struct Words(String);

struct Part<'a> {
    is_code: bool,
    text: &'a str,
}

impl Words {
    fn of(text: &str) -> Self {
        Self(plain(text))
    }

    /// What stands between backticks is code, where they come in pairs.
    fn parts(&self) -> Vec<Part<'_>> {
        if !self.0.matches('`').count().is_multiple_of(2) {
            return vec![Part { is_code: false, text: &self.0 }];
        }
        let parts = self.0.split('`').enumerate();
        parts.map(|(index, text)| Part { is_code: index % 2 == 1, text }).collect()
    }
}

/// Writes reports as one page.
///
/// # Errors
/// What writing gives.
pub fn html(reports: &[(Report, View)], out: &mut dyn Write) -> io::Result<()> {
    let services: usize = reports.iter().map(|(report, view)| view.services(report).count()).sum();
    let view = reports.first().map(|(_, view)| view);
    let (version, date) = view.map_or(("", ""), |view| (&view.version, &view.date));
    let is_operations = view.is_some_and(|view| view.profile == Profile::Operations);
    let head = Head {
        title: if is_operations { "Operations report" } else { "Service report" },
        version,
        date,
        revision: reports.first().and_then(|(r, _)| r.delivery.tree.revision()).map(plain),
        services,
        nothing: reports.iter().filter_map(|(report, _)| nothing(report)).collect(),
        severities: sum(reports
            .iter()
            .flat_map(|(report, view)| view.findings(report).filter(|finding| finding.counts()))),
        answered: reports.iter().map(|(report, _)| report.coverage.answered).sum(),
        asked: reports.iter().map(|(report, _)| report.coverage.asked).sum(),
        style: include_str!("../templates/style.css"),
    };
    put(&head, out)?;
    let mut id = 0;
    let mut notes = Vec::new();
    for (report, view) in reports {
        let resolver = Resolver::new(report);
        if view.profile == Profile::Operations {
            put(&domains(report, view), out)?;
        }
        let shown: Vec<(usize, &ServiceReport)> = (id..).zip(view.services(report)).collect();
        id += shown.len() + 1;
        if shown.len() > 1 {
            put(&fleet(report, view, &shown), out)?;
        }
        for (id, service) in &shown {
            put(&card(report, view, &resolver, (*id, service), services <= FEW), out)?;
        }
        if let Some(card) = shared(report, view, &resolver, id - 1) {
            put(&card, out)?;
        }
        notes.extend(crate::plain::notes(report).iter().map(|note| plain(note)));
        if let Some(inside) = report.delivery.tree.outside() {
            let inside = plain(inside);
            notes.push(format!(
                "What was audited is {inside} of a larger work tree; what lies above it is unknown, not absent."
            ));
        }
    }
    let weights: Vec<String> =
        Severity::ALL.iter().map(|s| format!("{} {}", s.name(), s.weight())).collect();
    put(&Foot { notes, weights: weights.join(", "), version }, out)
}

fn put(template: &impl Template, out: &mut dyn Write) -> io::Result<()> {
    let text = template.render().map_err(io::Error::other)?;
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")
}

/// The four domains and the roadmap.
fn domains(report: &Report, view: &View) -> Domains {
    let operations = Operations::of(report, |finding| view.wants(finding));
    let issue = |&index: &usize| operations.issues.get(index);
    let rows = operations.domains.iter().map(|domain| {
        let mut counts = Severity::ALL.map(|severity| (severity.name(), 0));
        for issue in domain.issues.iter().filter_map(issue) {
            for (_, count) in counts.iter_mut().filter(|(name, _)| *name == issue.severity.name()) {
                *count += 1;
            }
        }
        DomainRow {
            name: domain.domain.name(),
            status: domain.status.map_or("n/a", Standing::name),
            class: match domain.status {
                Some(Standing::Critical) => "critical",
                Some(Standing::HighRisk) => "high",
                Some(Standing::Moderate) => "medium",
                Some(Standing::Sound) => "sound",
                None => "none",
            },
            rate: rate(domain.rate),
            score: number(domain.card.percent()),
            counts,
        }
    });
    let horizons = operations.roadmap.iter().map(|(horizon, issues)| {
        let items = issues.iter().filter_map(issue);
        (horizon.name(), items.map(|issue| (issue.check.id, issue.check.title())).collect())
    });
    Domains { rows: rows.collect(), rule: Standing::RULE, roadmap: horizons.collect() }
}

/// The table of services, what most have to mend, and the sections side by side.
fn fleet(report: &Report, view: &View, shown: &[(usize, &ServiceReport)]) -> Fleet {
    let sections: Vec<Section> = Section::ALL
        .into_iter()
        .filter(|section| {
            shown.iter().any(|(_, s)| s.scores.sections.iter().any(|(other, ..)| other == section))
        })
        .collect();
    let mut order = shown.to_vec();
    let score = |s: &ServiceReport| s.scores.overall.percent().unwrap_or(100.0);
    order.sort_by(|(_, a), (_, b)| {
        score(a)
            .total_cmp(&score(b))
            .then_with(|| report.delivery[a.id].name.cmp(&report.delivery[b.id].name))
    });
    let mut failing: BTreeMap<&'static str, (&'static str, Severity, usize)> = BTreeMap::new();
    for (_, service) in shown {
        for finding in report.of(service).iter().filter(|f| {
            view.wants(f) && f.counts() && f.is_problem() && f.accepted.is_none() && !f.known
        }) {
            let check = finding.check;
            failing.entry(check.id).or_insert((check.title(), check.severity, 0)).2 += 1;
        }
    }
    let mut most: Vec<(&'static str, (&'static str, Severity, usize))> =
        failing.into_iter().filter(|(_, (.., count))| *count > 1).collect();
    most.sort_by_key(|(id, (_, severity, count))| (usize::MAX - count, *severity, *id));
    most.truncate(MOST);
    Fleet {
        title: match report.delivery.tree.outside() {
            Some(inside) => format!("Services of {}", plain(inside)),
            None => "Services".to_owned(),
        },
        rows: order
            .iter()
            .map(|(id, service)| row(report, view, *id, service, &sections))
            .collect(),
        most: most
            .into_iter()
            .map(|(check, (title, _, count))| Common {
                check,
                title,
                bar: bar([0, 0, count, 0], shown.len()),
                count,
            })
            .collect(),
        sections: sections.iter().map(|section| section.heading()).collect(),
    }
}

fn row(
    report: &Report,
    view: &View,
    id: usize,
    service: &ServiceReport,
    sections: &[Section],
) -> Row {
    let scores = &service.scores;
    let findings = report.of(service);
    Row {
        id,
        name: plain(&report.delivery[service.id].name),
        bar: answers(findings.iter()),
        rate: rate(scores.rate),
        score: number(scores.overall.percent()),
        coverage: format!("{:.1}%", scores.coverage()),
        counts: sum(findings.iter().filter(|f| view.wants(f) && f.counts())),
        sections: sections
            .iter()
            .map(|section| {
                let rate = scores.sections.iter().find(|(other, ..)| other == section);
                match rate.and_then(|(_, rate, _)| rate.percent()) {
                    None => ("", "–".to_owned()),
                    Some(p) => (class(p), format!("{p:.0}")),
                }
            })
            .collect(),
    }
}

fn card(
    report: &Report,
    view: &View,
    resolver: &Resolver<'_>,
    (id, service): (usize, &ServiceReport),
    open: bool,
) -> Card {
    let scores = &service.scores;
    let findings = report.of(service);
    let sections = scores
        .sections
        .iter()
        .map(|(section, passed, card)| SectionRow {
            name: section.heading(),
            bar: answers(findings.iter().filter(|f| f.check.section == *section)),
            rate: format!("{}/{}", passed.passed, passed.applicable),
            score: number(card.percent()),
        })
        .collect();
    Card {
        id,
        name: plain(&report.delivery[service.id].name),
        path: plain(report.subject_path(Subject::Service(service.id))),
        open,
        ring: ring(scores.overall.percent()),
        figures: Some(Figures {
            rate: rate(scores.rate),
            coverage: format!("{:.1}%", scores.coverage()),
        }),
        sections,
        ..of(report, view, resolver, findings)
    }
}

/// What belongs to no service, outside every sum.
fn shared(report: &Report, view: &View, resolver: &Resolver<'_>, id: usize) -> Option<Card> {
    let card = Card {
        id,
        name: "Shared with the whole repository".to_owned(),
        path: ".".to_owned(),
        open: false,
        ..of(report, view, resolver, report.shared())
    };
    (!card.problems.is_empty() || !card.lists.is_empty()).then_some(card)
}

/// The card of some findings, without figures.
fn of(report: &Report, view: &View, resolver: &Resolver<'_>, findings: &[Finding]) -> Card {
    let mut shown: Vec<&Finding> = findings.iter().filter(|f| view.wants(f)).collect();
    shown.sort_by_key(|f| (f.severity, f.outcome != Outcome::Fail, f.check.section, f.check.id));
    let listed = |outcome, class, name| List {
        class,
        name,
        items: shown
            .iter()
            .filter(|f| f.outcome == outcome)
            .map(|f| item(report, resolver, f))
            .collect(),
    };
    let lists = [
        listed(Outcome::Unknown, "unknown", "Unknown"),
        listed(Outcome::Pass, "passed", "Passed"),
        listed(Outcome::NotApplicable, "passed", "Does not apply"),
    ];
    Card {
        id: 0,
        name: String::new(),
        path: String::new(),
        open: false,
        ring: String::new(),
        figures: None,
        counts: sum(shown.iter().copied().filter(|finding| finding.counts())),
        sections: Vec::new(),
        problems: shown
            .iter()
            .filter(|f| f.is_problem())
            .map(|f| problem(report, resolver, f))
            .collect(),
        lists: lists.into_iter().filter(|list| !list.items.is_empty()).collect(),
    }
}

fn problem(report: &Report, resolver: &Resolver<'_>, finding: &Finding) -> Problem {
    let mut evidence: Vec<Shown> = finding
        .evidence
        .iter()
        .zip(resolver.locate(report, finding))
        .filter(|(evidence, _)| evidence.role != Role::Shows)
        .map(|(evidence, at)| {
            let is_context = evidence.role == Role::Context;
            let member = evidence.member.as_deref().map(|m| format!("{m}: ")).unwrap_or_default();
            Shown {
                at: place(&at),
                is_absent: is_absent(evidence),
                is_context,
                says: Words::of(&format!("{member}{}", evidence.says)),
                lines: if is_context { Vec::new() } else { lines(&at) },
            }
        })
        .collect();
    evidence.sort_by_key(|shown| shown.is_context);
    let more = evidence.len().saturating_sub(MAX_PLACES);
    evidence.truncate(MAX_PLACES);
    let fix = report.fix(finding);
    let does = match &fix {
        Some(fix) => sentence(&fix.does),
        None => report.advice(finding),
    };
    Problem {
        severity: finding.severity.name(),
        outcome: finding.outcome.name(),
        message: Words::of(&finding.message),
        check: finding.check.id,
        title: finding.check.title(),
        within: finding.check.within,
        accepted: finding.accepted.as_deref().map(plain),
        evidence,
        more,
        does: Words::of(&does),
        snippet: fix
            .and_then(|fix| fix.snippet)
            .map(|snippet| (plain(&snippet.path), plain_lines(&snippet.text))),
    }
}

fn item(report: &Report, resolver: &Resolver<'_>, finding: &Finding) -> Item {
    let message = match finding.unknown {
        Some(why) => format!("{} ({})", finding.message, why.name()),
        None => finding.message.to_string(),
    };
    let at = finding.evidence.iter().position(|e| e.role != Role::Context);
    let at = at.filter(|_| finding.outcome != Outcome::NotApplicable);
    let at = at.and_then(|at| resolver.locate(report, finding).get(at).map(place));
    Item { check: finding.check.id, message: Words::of(&message), at }
}

fn place(at: &Located) -> String {
    match at.start {
        Some(start) => format!("{}:{}", plain(&at.path), start.line),
        None => plain(&at.path),
    }
}

fn lines(at: &Located) -> Vec<(u32, String)> {
    let cut = |line: &str| {
        let line = plain(line);
        match line.char_indices().nth(MAX_WIDTH) {
            Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
            None => line,
        }
    };
    at.lines.iter().take(MAX_LINES).map(|(number, line)| (*number, cut(line))).collect()
}

/// Problems by severity.
fn sum<'a>(findings: impl Iterator<Item = &'a Finding>) -> Counts {
    let mut counts = Severity::ALL.map(|severity| (severity.name(), 0));
    for finding in findings.filter(|f| f.is_problem()) {
        for (_, count) in counts.iter_mut().filter(|(name, _)| *name == finding.severity.name()) {
            *count += 1;
        }
    }
    counts
}

fn rate(rate: plimsoll_audit::Rate) -> String {
    format!("{} ({}/{})", percent(rate.percent()), rate.passed, rate.applicable)
}

fn percent(value: Option<f64>) -> String {
    value.map_or("n/a".to_owned(), |p| format!("{p:.1}%"))
}

fn number(value: Option<f64>) -> String {
    value.map_or("n/a".to_owned(), |p| format!("{p:.1}"))
}

fn class(percent: f64) -> &'static str {
    match percent {
        p if p >= 90.0 => "g",
        p if p >= 60.0 => "m",
        _ => "b",
    }
}

/// A bar of the answers that count.
fn answers<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let mut counts = [0; 4];
    for finding in findings.filter(|f| f.counts()) {
        match finding.outcome {
            Outcome::Pass => counts[0] += 1,
            Outcome::Partial => counts[1] += 1,
            Outcome::Fail => counts[2] += 1,
            Outcome::Unknown => counts[3] += 1,
            Outcome::NotApplicable => {}
        }
    }
    bar(counts, counts.iter().sum())
}

/// A bar: pass, partial, fail, unknown out of `all`.
fn bar(counts: [usize; 4], all: usize) -> String {
    let mut parts = String::new();
    let mut label = Vec::new();
    let mut at = 0;
    for (count, (class, name)) in counts.into_iter().zip(KEY).filter(|(count, _)| *count > 0) {
        parts.push_str(&format!("<path class=\"{class}\" d=\"M{at} 0h{count}v1H{at}z\"/>"));
        label.push(format!("{count} {name}"));
        at += count;
    }
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 {} 1\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{}\">{parts}</svg>",
        all.max(1),
        label.join(", ")
    )
}

/// A score as a ring; its circumference is 100.
fn ring(percent: Option<f64>) -> String {
    let Some(percent) = percent else {
        return "<svg class=\"ring\" viewBox=\"0 0 40 40\" role=\"img\" aria-label=\"no score\">\
                <circle cx=\"20\" cy=\"20\" r=\"15.915\"/><text x=\"20\" y=\"23.5\">n/a</text></svg>"
            .to_owned();
    };
    let tone = match class(percent) {
        "g" => "",
        "m" => " mid",
        _ => " low",
    };
    format!(
        "<svg class=\"ring\" viewBox=\"0 0 40 40\" role=\"img\" aria-label=\"score {percent:.1} of 100\">\
         <circle cx=\"20\" cy=\"20\" r=\"15.915\"/>\
         <circle class=\"v{tone}\" cx=\"20\" cy=\"20\" r=\"15.915\" \
         stroke-dasharray=\"{percent:.1} 100\" transform=\"rotate(-90 20 20)\"/>\
         <text x=\"20\" y=\"23.5\">{percent:.0}</text></svg>"
    )
}
