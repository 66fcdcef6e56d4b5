//! The scorecard for a terminal: figures first, then each problem with its source.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use plimsoll_audit::{
    Common, Evidence, Finding, Located, Outcome, Place, Report, Resolver, Role, ServiceReport,
    Severity, Subject,
};
use rayon::prelude::*;
use unicode_width::UnicodeWidthStr;

use crate::plain::{notes, plain, without_commands};
use crate::terminal_operations::operations_terminal;
use crate::view::nothing;
use crate::{Profile, Show, View};

/// How the terminal is.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Colours and weights.
    pub color: bool,
    /// Columns.
    pub width: usize,
}

/// How many services are written at once: all at once would be a text as long as the report.
const AT_ONCE: usize = 64;

/// Writes the report that `view` asks for: the scorecard, and every finding that it shows.
///
/// # Errors
/// What writing gives.
pub fn terminal(report: &Report, view: &View, style: Style, to: &mut dyn Write) -> io::Result<()> {
    if view.profile == Profile::Operations {
        return to.write_all(operations_terminal(report, view, style).as_bytes());
    }
    let resolver = Resolver::new(report);
    let mut out = String::new();
    let delivery = &report.delivery;
    let shown: Vec<_> = view.services(report).collect();
    if let Some(inside) = delivery.tree.outside() {
        let inside = plain(inside);
        let note = format!(
            "note: this is `{inside}` of a larger work tree; what lies above is out of the tree, not absent. \
             To audit one service with all that surrounds it, run `plimsoll audit --service NAME` at the root."
        );
        let _ = writeln!(out, "{}\n", wrapped(&note, style.width, 0, 6));
    }
    if let Some(why) = nothing(report) {
        let says = format!("Nothing to audit: {why}.");
        let _ = writeln!(out, "{}", wrapped(&says, style.width, 0, 2));
    }
    if shown.len() > 1 {
        fleet(&mut out, report, &shown, style);
        common(&mut out, report, &resolver, &shown, style);
    }
    // Each of these texts ends a line, so that they can be looked through one by one.
    to.write_all(without_commands(out).as_bytes())?;
    // Of many, those in which nothing is new stand in the table only.
    let all = report.comparison.is_none() || shown.len() == 1;
    let has_news =
        |service: &&&ServiceReport| all || report.of(service).iter().any(|f| view.wants(f));
    for services in shown.chunks(AT_ONCE) {
        let texts: Vec<String> = services
            .par_iter()
            .filter(has_news)
            .map(|service| without_commands(of_service(report, view, &resolver, service, style)))
            .collect();
        texts.iter().try_for_each(|text| to.write_all(text.as_bytes()))?;
    }
    let mut out = String::new();
    let shared: Vec<&Finding> = report.shared().iter().filter(|f| view.wants(f)).collect();
    if !shared.is_empty() {
        let _ = writeln!(out, "{}\n", paint(style, BOLD, "Shared with the whole repository"));
        let texts: Vec<String> = shared
            .par_iter()
            .map(|finding| {
                let mut text = String::new();
                one(&mut text, &resolver, finding, style);
                text
            })
            .collect();
        out.extend(texts);
    }
    footer(&mut out, report, view, style);
    to.write_all(without_commands(out).as_bytes())
}

/// A service's figures, and its findings that are shown.
fn of_service(
    report: &Report,
    view: &View,
    resolver: &Resolver<'_>,
    service: &ServiceReport,
    style: Style,
) -> String {
    let mut out = String::new();
    let facts = &report.delivery[service.id];
    let path = report.subject_path(Subject::Service(service.id));
    let rate = service.scores.rate;
    let _ = writeln!(
        out,
        "{}  {}",
        paint(style, BOLD, &plain(&facts.name)),
        paint(style, DIM, &plain(path))
    );
    let figures = format!(
        "pass rate {} ({}/{}) · score {} · coverage {:.1}%",
        percent(rate.percent()),
        rate.passed,
        rate.applicable,
        service.scores.overall.percent().map_or("n/a".to_owned(), |s| format!("{s:.1}/100")),
        service.scores.coverage()
    );
    let _ = writeln!(out, "  {}", wrapped(&figures, style.width, 2, 2));
    let counts = Severity::ALL.map(|severity| {
        let n = report
            .of(service)
            .iter()
            .filter(|f| f.counts() && f.is_problem() && f.severity == severity)
            .count();
        paint(
            style,
            if n > 0 { color_of(severity) } else { DIM },
            &format!("{n} {}", severity.name()),
        )
    });
    let counts = format!("{}{}", counts.join(" · "), let_be(report.of(service)));
    let _ = writeln!(out, "  {}\n", wrapped(&counts, style.width, 2, 2));
    findings(&mut out, view, resolver, report.of(service), style);
    out
}

/// How many of the problems fail no run, and why.
fn let_be(findings: &[Finding]) -> String {
    let problems = || findings.iter().filter(|f| f.counts() && f.is_problem());
    let accepted = problems().filter(|f| f.accepted.is_some()).count();
    let known = problems().filter(|f| f.known).count();
    let said = [(accepted, "accepted"), (known, "known")];
    let said: Vec<String> =
        said.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if said.is_empty() { String::new() } else { format!(" (of these {})", said.join(", ")) }
}

/// A table by score, worst first.
fn fleet(out: &mut String, report: &Report, shown: &[&ServiceReport], style: Style) {
    let mut rows: Vec<_> = shown.to_vec();
    rows.sort_by(|a, b| {
        let score = |s: &ServiceReport| s.scores.overall.percent().unwrap_or(100.0);
        score(a)
            .total_cmp(&score(b))
            .then_with(|| report.delivery[a.id].name.cmp(&report.delivery[b.id].name))
    });
    let widest = rows.iter().map(|s| plain(&report.delivery[s.id].name).width()).max().unwrap_or(0);
    // Where there is no room for all, the figures that two others hold give way.
    let is_narrow = style.width < 64;
    let others = if is_narrow { 23 } else { 50 };
    let name_width = widest.clamp(7, style.width.saturating_sub(others).max(12));
    let figures = |rate: &str, score: &str, coverage: &str| match is_narrow {
        true => format!("{score:>6}"),
        false => format!("{rate:>15}  {score:>6}  {coverage:>8}"),
    };
    let head = figures("pass rate", "score", "coverage");
    let head = format!("{:name_width$}  {head}  critical high", "service");
    let _ = writeln!(out, "{}", paint(style, BOLD, &head));
    for service in rows {
        let name = fit(&plain(&report.delivery[service.id].name), name_width);
        let pad = " ".repeat(name_width.saturating_sub(name.width()));
        let count = |severity| {
            report
                .of(service)
                .iter()
                .filter(|f| f.counts() && f.is_problem() && f.severity == severity)
                .count()
        };
        let rate = service.scores.rate;
        let rate = format!("{} ({}/{})", percent(rate.percent()), rate.passed, rate.applicable);
        let score =
            service.scores.overall.percent().map_or("n/a".to_owned(), |s| format!("{s:.1}"));
        let coverage = format!("{:.1}%", service.scores.coverage());
        let critical = format!("{:>8}", count(Severity::Critical));
        let high = format!("{:>4}", count(Severity::High));
        let _ = writeln!(
            out,
            "{name}{pad}  {}  {} {}",
            figures(&rate, &score, &coverage),
            paint(style, if critical.trim() == "0" { DIM } else { RED }, &critical),
            paint(style, if high.trim() == "0" { DIM } else { YELLOW }, &high)
        );
    }
    out.push('\n');
}

/// What one change would mend for several services, and who has to agree.
fn common(
    out: &mut String,
    report: &Report,
    resolver: &Resolver<'_>,
    shown: &[&ServiceReport],
    style: Style,
) {
    const MAX_SHOWN: usize = 5;
    let causes = plimsoll_audit::causes(report, shown);
    if causes.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", paint(style, BOLD, "One change mends several services"));
    for cause in causes.iter().take(MAX_SHOWN) {
        let what = match &cause.what {
            Common::Base(reference) => format!("the base image {reference}"),
            Common::Missing(path) => format!("no {path}"),
            Common::At(span) => {
                let place = resolver.lines(&Place::Span(*span));
                format!("{}:{}", place.path, place.start.map_or(1, |start| start.line))
            }
        };
        let of = format!("{} findings in {} services", cause.findings, cause.services);
        let what = format!("{}: {}", plain(&what), cause.checks.join(", "));
        beside(out, &of, &what, style);
    }
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    for service in shown {
        let findings = report.of(service).iter().filter(|f| f.counts() && f.is_problem()).count();
        if let Some(owner) = report.delivery[service.id].owner.as_deref() {
            *owners.entry(owner).or_default() += findings;
        }
    }
    if !owners.is_empty() {
        let owners: Vec<String> =
            owners.iter().map(|(owner, count)| format!("{} {count}", plain(owner))).collect();
        beside(out, "findings by owner", &owners.join(" · "), style);
    }
    out.push('\n');
}

/// What is counted, and beside it (on a narrow terminal below it) what it is.
fn beside(out: &mut String, of: &str, what: &str, style: Style) {
    let _ = if style.width < 72 {
        writeln!(out, "  {of}\n    {}", wrapped(what, style.width, 4, 4))
    } else {
        writeln!(out, "  {of:>28}  {}", wrapped(what, style.width, 32, 32))
    };
}

fn findings(out: &mut String, view: &View, resolver: &Resolver<'_>, all: &[Finding], style: Style) {
    let mut shown: Vec<&Finding> = all.iter().filter(|f| view.wants(f)).collect();
    // What is accepted comes last.
    shown.sort_by_key(|f| {
        (f.accepted.is_some(), rank(f.outcome), f.severity, f.check.section, f.check.id)
    });
    let (unknown, answered): (Vec<&Finding>, Vec<&Finding>) =
        shown.into_iter().partition(|f| f.outcome == Outcome::Unknown);
    for finding in answered {
        one(out, resolver, finding, style);
    }
    if view.show == Show::All {
        for finding in unknown {
            one(out, resolver, finding, style);
        }
    } else if !unknown.is_empty() {
        let mut by_reason: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for finding in &unknown {
            by_reason.entry(finding.unknown).or_default().push(finding.check.id);
        }
        for (why, checks) in by_reason {
            let (name, decide) = why.map_or(("", ""), |why| (why.name(), why.decide()));
            let says = format!("{} {name}  {decide}", paint(style, CYAN, "UNKNOWN"));
            let _ = writeln!(out, "  {}", wrapped(&says, style.width, 2, 4));
            let _ = writeln!(out, "    {}\n", wrapped(&checks.join(", "), style.width, 4, 4));
        }
    }
}

fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Fail => 0,
        Outcome::Partial => 1,
        Outcome::Unknown => 2,
        Outcome::Pass => 3,
        Outcome::NotApplicable => 4,
    }
}

/// One finding: what is wrong, where, and what to do.
pub(crate) fn one(out: &mut String, resolver: &Resolver<'_>, finding: &Finding, style: Style) {
    let (word, color) = match finding.outcome {
        Outcome::Fail => ("FAIL", color_of(finding.severity)),
        Outcome::Partial => ("PARTIAL", color_of(finding.severity)),
        Outcome::Pass => ("PASS", GREEN),
        Outcome::NotApplicable => ("N/A", DIM),
        Outcome::Unknown => ("UNKNOWN", CYAN),
    };
    let severity =
        if finding.is_problem() { format!(" {}", finding.severity.name()) } else { String::new() };
    let head = format!(
        "  {} {}  ",
        paint(style, color, &format!("{word}{severity}")),
        paint(style, DIM, finding.check.id),
    );
    let message = wrapped(&plain(&finding.message), style.width, columns(&head), 4);
    let head = if message.starts_with('\n') { head.trim_end() } else { &head };
    let _ = writeln!(out, "{head}{message}");
    if let Some(parent) = finding.check.within.filter(|_| finding.is_problem()) {
        let _ = writeln!(out, "    {}", paint(style, DIM, &format!("counted under {parent}")));
    }
    if let Some(accepted) = &finding.accepted {
        let _ = writeln!(out, "    accepted: {}", wrapped(&plain(accepted), style.width, 14, 6));
    }
    if finding.outcome == Outcome::NotApplicable {
        return;
    }
    let mut shown = 0;
    for evidence in &finding.evidence {
        let decides = decides(finding, evidence);
        // The places that decide, and of these a few: the JSON has all.
        if shown == 3 || !decides && shown > 0 {
            continue;
        }
        shown += 1;
        let place = resolver.lines(&evidence.place);
        match place.start {
            Some(_) if finding.is_problem() => {
                excerpt(out, &place, &plain(&evidence.says), finding, style)
            }
            Some(start) => {
                let at = format!("{}:{}:{}", plain(&place.path), start.line, start.column);
                let says = wrapped(&plain(&evidence.says), style.width, 5 + at.width(), 6);
                let _ = writeln!(out, "    {} {says}", paint(style, DIM, &at));
            }
            None => {
                let absent = if evidence.role == Role::Missing { " (no such file)" } else { "" };
                let says = format!("{}{absent}: {}", plain(&place.path), plain(&evidence.says));
                let _ = writeln!(out, "    {}", wrapped(&says, style.width, 4, 6));
            }
        }
    }
    let more = finding.evidence.iter().filter(|e| decides(finding, e)).count();
    let more = more.saturating_sub(shown);
    if more > 0 {
        let places = if more == 1 { "place" } else { "places" };
        let says = format!("and {more} more {places} (--format json has all)");
        let _ = writeln!(out, "    {}", paint(style, DIM, &wrapped(&says, style.width, 4, 6)));
    }
    out.push('\n');
}

/// Whether a piece of evidence is why the answer is what it is: of a problem what speaks against the
/// check, where anything does.
fn decides(finding: &Finding, evidence: &Evidence) -> bool {
    if finding.is_problem() && finding.evidence.iter().any(Evidence::is_against) {
        return evidence.is_against();
    }
    evidence.role != Role::Context || finding.outcome == Outcome::Unknown
}

fn excerpt(out: &mut String, place: &Located, says: &str, finding: &Finding, style: Style) {
    let (Some(start), Some(end)) = (place.start, place.end) else { return };
    let lines: Vec<String> =
        place.lines.iter().take(3).map(|(_, line)| plain(&fit(line, 200))).collect();
    let source = lines.join("\n");
    let offset = |line: usize, column: u32| -> usize {
        let before: usize = lines.iter().take(line).map(|l| l.len() + 1).sum();
        let within = lines.get(line).map_or(0, |text| {
            text.char_indices()
                .nth(column.saturating_sub(1) as usize)
                .map_or(text.len(), |(i, _)| i)
        });
        (before + within).min(source.len())
    };
    let from = offset(0, start.column);
    let last = (end.line.saturating_sub(start.line) as usize).min(lines.len().saturating_sub(1));
    let cut = end.line.saturating_sub(start.line) as usize > last;
    let to = if cut { source.len() } else { offset(last, end.column) };
    let to = to.max(from);
    let path = format!("{}:{}:{}", plain(&place.path), start.line, start.column);
    // The words stand behind the mark where there is room, else below.
    let gutter = 4 + (start.line as usize + last).to_string().len() + 3;
    let column = if last > 0 { end.column } else { end.column.max(start.column + 1) };
    let fits = gutter + column as usize + says.width() <= style.width;
    let label = if fits { says } else { "" };
    let level = if finding.outcome == Outcome::Fail { Level::ERROR } else { Level::WARNING };
    let _ = writeln!(out, "    {} {}", paint(style, DIM, "-->"), path);
    let snippet = Snippet::source(&*source)
        .line_start(start.line as usize)
        .fold(false)
        .annotation(AnnotationKind::Primary.span(from..to).label(label));
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let rendered = renderer
        .term_width(style.width.saturating_sub(4))
        .render(&[level.no_name().primary_title("").element(snippet)]);
    // The title line is ours already.
    for line in rendered.lines().skip(1) {
        let _ = writeln!(out, "    {}", line.trim_end());
    }
    if !fits {
        let pad = " ".repeat(gutter - 2);
        let _ = writeln!(out, "{pad}= {}", wrapped(says, style.width, gutter, gutter));
    }
}

pub(crate) fn footer(out: &mut String, report: &Report, view: &View, style: Style) {
    let mut say = |text: &str| _ = writeln!(out, "{}", wrapped(&plain(text), style.width, 0, 2));
    let coverage = &report.coverage;
    let reasons: Vec<String> =
        coverage.unknown_because.iter().map(|(why, n)| format!("{n} {}", why.name())).collect();
    let unknown = if reasons.is_empty() {
        String::new()
    } else {
        format!("; unknown: {}", reasons.join(", "))
    };
    say(&format!("{} of {} questions answered{unknown}", coverage.answered, coverage.asked));
    for note in notes(report) {
        say(&note);
    }
    if view.show == Show::Problems {
        say("Passes and what does not apply: --show all. A check's page: plimsoll explain CHECK.");
    }
}

pub(crate) const BOLD: &str = "1";
pub(crate) const DIM: &str = "2";
pub(crate) const RED: &str = "1;31";
pub(crate) const YELLOW: &str = "33";
pub(crate) const GREEN: &str = "32";
pub(crate) const CYAN: &str = "36";

fn color_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => RED,
        Severity::Medium => YELLOW,
        Severity::Low => CYAN,
    }
}

pub(crate) fn paint(style: Style, color: &str, text: &str) -> String {
    if style.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn percent(value: Option<f64>) -> String {
    value.map_or("n/a".to_owned(), |p| format!("{p:.1}%"))
}

/// Cut to a number of columns.
fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if out.width() + 1 >= width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// How wide a text is without the codes of [`paint`].
fn columns(text: &str) -> usize {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.len();
    }
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().width();
    parts.map(|part| part.split_once('m').map_or(part, |(_, rest)| rest).width()).sum::<usize>()
        + first
}

/// Broken at blanks to a number of columns: the first line begins at `from`, the others at `indent`.
#[must_use]
pub fn wrapped(text: &str, width: usize, from: usize, indent: usize) -> String {
    if from + columns(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut column = from;
    for (index, word) in text.split(' ').enumerate() {
        let wide = columns(word);
        // A word that fits on no line stands where it is.
        let is_full = column + wide + usize::from(index > 0) > width && column > indent;
        if is_full && (index > 0 || from > indent) {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += wide;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_are_as_long_as_there_is_room() {
        for (text, from, expected) in [
            ("one two three", 0, "one two\n  three"),
            ("one two three", 6, "one\n  two\n  three"),
            ("one two three", 9, "\n  one two\n  three"),
            ("\u{1b}[1mone\u{1b}[0m two three", 0, "\u{1b}[1mone\u{1b}[0m two\n  three"),
            ("a-word-that-fits-nowhere b", 0, "a-word-that-fits-nowhere\n  b"),
            ("two  blanks", 0, "two\n  blanks"),
            ("", 0, ""),
        ] {
            let shown = wrapped(text, 10, from, 2);
            assert_eq!(shown, expected, "{text:?}");
        }
    }
}
