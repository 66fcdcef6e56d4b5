//! GitHub annotations: workflow commands for the worst, a job summary for all.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use plimsoll_audit::{Report, Resolver, Severity, Subject};

use crate::View;
use crate::instance::{Instance, forge_path, instances, lines, told};
use crate::markdown::{code, text};
use crate::plain::plain;
use crate::view::nothing;

/// The most annotations of a kind that the forge shows for a step.
const MOST: usize = 10;
/// The most bytes of a summary: the forge drops one that is larger than 1 MiB, and other steps of
/// the job may write to it as well.
const MAX_SUMMARY: usize = 900 * 1024;

/// Problems with one place and one message, whoever they are about.
struct Annotation {
    severity: Severity,
    check: &'static str,
    title: &'static str,
    path: String,
    lines: Option<(u32, u32)>,
    columns: Option<(u32, u32)>,
    told: String,
    subjects: Vec<String>,
}

/// What makes two problems one: check, path, lines and message.
type Place = (&'static str, String, Option<(u32, u32)>, String);

/// Writes the workflow commands, worst first, ten of each kind; then, in a line, what is left out.
///
/// # Errors
/// What writing gives.
pub fn github(reports: &[(Report, View)], out: &mut dyn Write) -> io::Result<()> {
    let all = annotations(reports);
    let (shown, rest) = split(&all);
    for annotation in &shown {
        out.write_all(command(annotation).as_bytes())?;
    }
    if !rest.is_empty() {
        writeln!(
            out,
            "Plimsoll: {} problems are annotated; {} more stand in the job summary.",
            shown.len(),
            rest.len()
        )?;
    }
    Ok(())
}

/// The job summary, in Markdown: the services, and every problem that has no annotation.
#[must_use]
pub fn github_summary(reports: &[(Report, View)]) -> String {
    let all = annotations(reports);
    let (shown, rest) = split(&all);
    let mut out = String::from("## Plimsoll\n\n");
    services(&mut out, reports);
    if all.is_empty() {
        out.push_str("No problems.\n");
    } else if rest.is_empty() {
        let _ = writeln!(out, "{} problems, all annotated.", shown.len());
    } else {
        let _ = writeln!(
            out,
            "{} problems are annotated. The {} others:\n\n\
             | Severity | Check | Service | Place | Problem |\n|---|---|---|---|---|",
            shown.len(),
            rest.len()
        );
        for (index, annotation) in rest.iter().enumerate() {
            let at = match annotation.lines {
                Some((line, _)) => format!("{}:{line}", annotation.path),
                None => annotation.path.clone(),
            };
            let row = format!(
                "| {} | {} | {} | {} | {} |\n",
                annotation.severity.name(),
                code(annotation.check),
                text(&named(&annotation.subjects)),
                code(&at),
                text(&annotation.told)
            );
            if out.len() + row.len() > MAX_SUMMARY {
                let _ = writeln!(
                    out,
                    "\n{} more do not fit here; a report of another format has all.",
                    rest.len() - index
                );
                break;
            }
            out.push_str(&row);
        }
    }
    out.push('\n');
    out
}

fn services(out: &mut String, reports: &[(Report, View)]) {
    let mut rows = Vec::new();
    for (report, view) in reports {
        for service in view.services(report) {
            let count = |severity| {
                let found = report.of(service).iter();
                found.filter(|f| f.counts() && f.is_problem() && f.severity == severity).count()
            };
            let rate = service.scores.rate;
            let percent = |p: Option<f64>| p.map_or("n/a".to_owned(), |p| format!("{p:.1}%"));
            rows.push(format!(
                "| {} | {} | {} ({}/{}) | {} | {:.1}% | {} |\n",
                text(&report.delivery[service.id].name),
                code(report.subject_path(Subject::Service(service.id))),
                percent(rate.percent()),
                rate.passed,
                rate.applicable,
                service.scores.overall.percent().map_or("n/a".to_owned(), |s| format!("{s:.1}")),
                service.scores.coverage(),
                Severity::ALL.map(|severity| count(severity).to_string()).join(" | ")
            ));
        }
    }
    if rows.is_empty() {
        for why in reports.iter().filter_map(|(report, _)| nothing(report)) {
            let _ = writeln!(out, "Nothing to audit: {}.\n", text(&why));
        }
        return;
    }
    out.push_str(
        "| Service | Path | Pass rate | Score | Coverage | Critical | High | Medium | Low |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for (index, row) in rows.iter().enumerate() {
        if out.len() + row.len() > MAX_SUMMARY / 2 {
            let _ = writeln!(out, "\n{} more services do not fit here.", rows.len() - index);
            break;
        }
        out.push_str(row);
    }
    out.push('\n');
}

/// Whether a place of a new problem was there before.
fn was_there(report: &Report, instance: &Instance<'_>) -> bool {
    report.comparison.as_ref().is_some_and(|c| c.before.contains(&instance.at.fingerprint))
}

/// The problems that nobody accepted and that are new, worst first; one place and one message is one annotation.
fn annotations(reports: &[(Report, View)]) -> Vec<Annotation> {
    let mut all: Vec<Annotation> = Vec::new();
    let mut known: HashMap<Place, usize> = HashMap::new();
    for (report, view) in reports {
        let resolver = Resolver::new(report);
        let problems = view.findings(report).filter(|f| f.is_problem() && !f.known);
        for instance in problems
            .flat_map(|finding| instances(report, &resolver, finding))
            .filter(|instance| instance.accepted().is_none())
            .filter(|instance| !was_there(report, instance))
        {
            let check = instance.finding.check;
            let told = told(&instance);
            let path = forge_path(report, &instance.at.path);
            let lines = lines(&instance.at);
            let index =
                *known.entry((check.id, path.clone(), lines, told.clone())).or_insert_with(|| {
                    all.push(Annotation {
                        severity: instance.severity,
                        check: check.id,
                        title: check.title(),
                        path,
                        lines,
                        columns: instance
                            .at
                            .start
                            .zip(instance.at.end)
                            .filter(|(start, end)| {
                                start.line == end.line && start.column < end.column
                            })
                            .map(|(start, end)| (start.column, end.column - 1)),
                        told,
                        subjects: Vec::new(),
                    });
                    all.len() - 1
                });
            if let Some(annotation) = all.get_mut(index) {
                annotation.severity = annotation.severity.min(instance.severity);
                let subject = match instance.finding.subject {
                    Subject::Repository => continue,
                    subject => plain(report.subject_name(subject)),
                };
                if annotation.subjects.last() != Some(&subject) {
                    annotation.subjects.push(subject);
                }
            }
        }
    }
    // There is room for few: a second place of a check comes after the first of every other.
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut turns: Vec<(usize, Annotation)> = all
        .into_iter()
        .map(|annotation| {
            let count = counts.entry(annotation.check).or_default();
            *count += 1;
            (*count, annotation)
        })
        .collect();
    turns.sort_by_key(|(turn, annotation)| (annotation.severity, *turn));
    turns.into_iter().map(|(_, annotation)| annotation).collect()
}

/// What is annotated, and the rest.
fn split(all: &[Annotation]) -> (Vec<&Annotation>, Vec<&Annotation>) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    all.iter().partition(|annotation| {
        let count = counts.entry(kind(annotation.severity)).or_default();
        *count += 1;
        *count <= MOST
    })
}

fn kind(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "notice",
    }
}

/// The first few names, and how many more there are.
fn named(subjects: &[String]) -> String {
    match subjects {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, rest @ ..] => format!("{one} and {} more services", rest.len()),
    }
}

fn command(annotation: &Annotation) -> String {
    let mut out = format!("::{} file={}", kind(annotation.severity), property(&annotation.path));
    if let Some((first, last)) = annotation.lines {
        let _ = write!(out, ",line={first},endLine={last}");
    }
    // The forge takes columns only within one line.
    if let Some((first, last)) = annotation.columns {
        let _ = write!(out, ",col={first},endColumn={last}");
    }
    let title =
        format!("{} ({}): {}", annotation.check, annotation.severity.name(), annotation.title);
    let who = match named(&annotation.subjects) {
        who if who.is_empty() => who,
        who => format!("{who}: "),
    };
    let _ = writeln!(
        out,
        ",title={}::{}",
        property(&title),
        data(&format!("{who}{}", annotation.told))
    );
    out
}

/// A command's message: what ends a line, or begins an escape, is written as one.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A command's property. What the forge cannot show in a path or title is shown as unreadable.
fn property(text: &str) -> String {
    data(&plain(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_hold_what_they_are_given() {
        let annotation = Annotation {
            severity: Severity::High,
            check: "area/check",
            title: "Holds, always",
            path: "a,b:c\n::error ::x%0A/Dockerfile".to_owned(),
            lines: Some((3, 3)),
            columns: Some((1, 5)),
            told: "100% of `x`::set-output name=a::b".to_owned(),
            subjects: vec!["s\r".to_owned(), "t".to_owned(), "u".to_owned()],
        };
        assert_eq!(
            command(&annotation),
            "::error file=a%2Cb%3Ac\u{fffd}%3A%3Aerror %3A%3Ax%250A/Dockerfile,line=3,endLine=3,\
             col=1,endColumn=5,title=area/check (high)%3A Holds%2C always::s%0D and 2 more services: \
             100%25 of `x`::set-output name=a::b\n"
        );
    }
}
