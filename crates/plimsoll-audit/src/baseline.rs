//! Known instances: what a baseline file (or an earlier revision) holds, by fingerprint.
//!
//! An instance is a piece of evidence that speaks against a check, or a question without an answer.
//! A finding of which every
//! instance is known is known: it keeps its outcome and its place in every sum, and fails no run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use plimsoll_source::{Derived, FileId, Span, TextRange};
use plimsoll_syntax::yaml::{self, Value};

use crate::config::PolicyError;
use crate::report::{Comparison, Report, Resolver};
use crate::{Finding, Outcome, Subject};

/// The version of the file's format.
pub(crate) const VERSION: u32 = 1;

/// The name of the file, where none is given.
pub const BASELINE_NAME: &str = ".plimsoll-baseline.json";

/// One known instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// The check's id.
    pub check: String,
    /// The name of whom it is about.
    pub subject: String,
    /// Where it is.
    pub path: String,
    /// What is to be seen there.
    pub says: String,
    /// Its identity.
    pub fingerprint: String,
}

/// Known instances, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Sorted by check, subject and path.
    pub instances: Vec<Instance>,
}

impl Baseline {
    /// Every instance of a report that nothing accepts.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let resolver = Resolver::new(report);
        let findings = report.findings.iter().filter(|finding| is_open(finding));
        let mut instances: Vec<Instance> =
            findings.flat_map(|finding| instances(report, &resolver, finding)).collect();
        instances.sort();
        instances.dedup_by(|a, b| a.fingerprint == b.fingerprint);
        Self { instances }
    }

    /// Marks the findings of a report that are known, and says how the two compare.
    pub fn compare(&self, report: &mut Report, with: &str) -> Comparison {
        let known: BTreeSet<&str> = self.instances.iter().map(|i| &*i.fingerprint).collect();
        let mut met: BTreeSet<String> = BTreeSet::new();
        let mut of_report = BTreeMap::new();
        {
            let resolver = Resolver::new(report);
            for (index, finding) in report.findings.iter().enumerate() {
                // What is accepted is not fixed.
                met.extend(accepted(report, &resolver, finding));
                if is_open(finding) {
                    let prints = instances(report, &resolver, finding).into_iter();
                    of_report.insert(index, prints.map(|i| i.fingerprint).collect::<Vec<_>>());
                }
            }
        }
        let mut comparison = Comparison { with: with.to_owned(), ..Comparison::default() };
        for (index, prints) in of_report {
            let is_known = prints.iter().all(|print| known.contains(&**print));
            met.extend(prints);
            let Some(finding) = report.findings.get_mut(index) else { continue };
            finding.known = is_known;
            if finding.check.within.is_none() && finding.is_problem() {
                let counter = if is_known { &mut comparison.known } else { &mut comparison.new };
                *counter += 1;
            }
        }
        let gone = self.instances.iter().filter(|i| !met.contains(&i.fingerprint));
        comparison.fixed = gone.cloned().collect();
        comparison.before = known.into_iter().map(str::to_owned).collect();
        report.comparison = Some(comparison.clone());
        comparison
    }

    /// Reads a baseline file.
    ///
    /// # Errors
    /// What is wrong with it, with places: it is cut off, of another version, or of other types.
    pub fn parse(text: &str) -> Result<Self, Vec<PolicyError>> {
        let whole = Span::new(FileId(0), TextRange::of(0, text.len()));
        let parsed = yaml::parse_json(Derived::verbatim(text.as_bytes().to_vec(), whole));
        let error = |at: Range<usize>, message: String, help: &str| {
            vec![PolicyError { range: at, message, help: Some(help.to_owned()) }]
        };
        let broken = "restore it from version control, or delete it and run `plimsoll baseline`";
        if let Some(first) = parsed.errors.first() {
            return Err(error(bytes(first.span), format!("not JSON: {}", first.message), broken));
        }
        let Some(root) = parsed.tree.root().filter(|root| root.is_map()) else {
            let message = "a baseline is an object in braces".to_owned();
            return Err(error(0..text.len().min(1), message, broken));
        };
        match root.get("version") {
            None => {
                let message = "it has no `version`".to_owned();
                return Err(error(bytes(root.span()), message, "is this a baseline of Plimsoll?"));
            }
            Some(version) if version.text() != Some(&*VERSION.to_string()) => {
                let message = format!("this Plimsoll reads baselines of version {VERSION}");
                let help =
                    "run the Plimsoll that wrote it, or delete it and run `plimsoll baseline`";
                return Err(error(bytes(version.span()), message, help));
            }
            Some(_) => {}
        }
        let Some(list) = root.get("instances").filter(|list| list.is_seq()) else {
            let at = root.get("instances").map_or(root.span(), Value::span);
            return Err(error(bytes(at), "`instances` must be an array".to_owned(), broken));
        };
        let mut wrong = Vec::new();
        let mut instances = Vec::new();
        for item in list.items() {
            let mut field = |name: &str| match item.get(name).map(|v| (v, v.text())) {
                Some((value, Some(text))) if value.style() == Some(yaml::Style::Double) => {
                    text.to_owned()
                }
                found => {
                    let at = found.map_or(item.span(), |(value, _)| value.span());
                    let message = format!("`{name}` must be a string");
                    wrong.extend(error(bytes(at), message, broken));
                    String::new()
                }
            };
            instances.push(Instance {
                check: field("check"),
                subject: field("subject"),
                path: field("path"),
                says: field("says"),
                fingerprint: field("fingerprint"),
            });
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        instances.sort();
        Ok(Self { instances })
    }

    /// The file: an instance a line, so that a change of it reads as one.
    #[must_use]
    pub fn write(&self) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let lines: Vec<String> = self
            .instances
            .iter()
            .map(|i| {
                format!(
                    "    {{\"check\": {}, \"subject\": {}, \"path\": {}, \"says\": {}, \"fingerprint\": {}}}",
                    text(&i.check),
                    text(&i.subject),
                    text(&i.path),
                    text(&i.says),
                    text(&i.fingerprint)
                )
            })
            .collect();
        if lines.is_empty() {
            return format!("{{\n  \"version\": {VERSION},\n  \"instances\": []\n}}\n");
        }
        let lines = lines.join(",\n");
        format!("{{\n  \"version\": {VERSION},\n  \"instances\": [\n{lines}\n  ]\n}}\n")
    }
}

fn bytes(span: Span) -> Range<usize> {
    span.range.start as usize..span.range.end as usize
}

/// Whether a finding may fail a run: a problem, or a question without an answer.
fn is_open(finding: &Finding) -> bool {
    (finding.is_problem() || finding.outcome == Outcome::Unknown) && finding.accepted.is_none()
}

/// The instances of a finding: what speaks against it and is not accepted, else the finding as a
/// whole.
/// The fingerprints of what is accepted of a finding.
fn accepted(report: &Report, resolver: &Resolver<'_>, finding: &Finding) -> Vec<String> {
    let all = finding.accepted.is_some();
    if !finding.is_problem() || !all && finding.evidence.iter().all(|e| e.waived.is_none()) {
        return Vec::new();
    }
    let located = resolver.locate(report, finding).into_iter().zip(&finding.evidence);
    let waived = located.filter(|(_, e)| e.is_against() && (all || e.waived.is_some()));
    waived.map(|(located, _)| located.fingerprint).collect()
}

fn instances(report: &Report, resolver: &Resolver<'_>, finding: &Finding) -> Vec<Instance> {
    let subject = report.subject_name(finding.subject);
    let instance = |path: String, says: String, fingerprint: String| Instance {
        check: finding.check.id.to_owned(),
        subject: subject.to_owned(),
        path,
        says,
        fingerprint,
    };
    let located = resolver.locate(report, finding).into_iter().zip(&finding.evidence);
    let problem = finding.is_problem();
    let found: Vec<Instance> = located
        .filter(|_| problem)
        .filter(|(_, evidence)| evidence.is_against() && evidence.waived.is_none())
        .map(|(located, e)| instance(located.path, e.says.to_string(), located.fingerprint))
        .collect();
    if !found.is_empty() {
        return found;
    }
    let path = match finding.subject {
        Subject::Repository => ".".to_owned(),
        subject => report.subject_path(subject).to_owned(),
    };
    let construct = if problem { "" } else { "unknown" };
    let print = crate::report::fingerprint(finding.check.id, "", subject, construct, 0);
    vec![instance(path, finding.message.to_string(), print)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let instance = Instance {
            check: "build/copies-not-adds".to_owned(),
            subject: "a \"b\"".to_owned(),
            path: "a/Dockerfile".to_owned(),
            says: "line\u{1}\nbreak".to_owned(),
            fingerprint: "00".to_owned(),
        };
        for instances in [vec![], vec![instance.clone(), Instance { path: "z".into(), ..instance }]]
        {
            let baseline = Baseline { instances };
            assert_eq!(Baseline::parse(&baseline.write()), Ok(baseline));
        }
    }

    #[track_caller]
    fn check(text: &str, at: &str, message: &str) {
        let errors = Baseline::parse(text).expect_err("it is wrong");
        let found = (text.get(errors[0].range.clone()), &*errors[0].message);
        assert_eq!(found, (Some(at), message));
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_stands() {
        check("[]", "[", "a baseline is an object in braces");
        check("{\"instances\": []}", "{\"instances\": []}", "it has no `version`");
        check("{\"version\": 7}", "7", "this Plimsoll reads baselines of version 1");
        check("{\"version\": 1, \"instances\": 3}", "3", "`instances` must be an array");
        check("{\"version\": 1, \"instances\": [{\"check\": 5}]}", "5", "`check` must be a string");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let text = "{\"version\": 1, \"instances\": [{\"check\": \"a\", \"subject\": \"b\", \
                    \"path\": \"c\", \"says\": \"d\", \"fingerprint\": \"e\"}]}";
        assert!(Baseline::parse(text).is_ok());
        for cut in 0..text.len() {
            let errors = Baseline::parse(&text[..cut]).expect_err("it is cut off");
            assert!(errors.iter().all(|e| e.range.end <= cut.max(1)), "{cut}: {errors:?}");
        }
    }
}
