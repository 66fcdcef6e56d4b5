//! SARIF 2.1.0: what code scanning and editors read. A run a tree, a result an instance.

use std::collections::BTreeMap;
use std::io::{self, Write};

use plimsoll_audit::{
    Check, Evidence, Finding, Located, Outcome, Page, Report, Resolver, Role, Rollup, Severity,
};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::instance::{Instance, forge_path, instances, is_absent, told, whom};
use crate::plain::{plain, plain_lines, sentence};
use crate::{Show, View};

/// The most results of a run: the largest public reader takes no more.
pub(crate) const MAX_RESULTS: usize = 25_000;
/// The most places beside a result's own.
const MAX_RELATED: usize = 10;
/// What relative addresses are relative to.
const ROOT: &str = "%SRCROOT%";
/// The sections of a page that help somebody who has the problem.
const HELPFUL: [&str; 3] = ["Fails", "Fixed", "See also"];

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    automation_details: Id,
    invocations: [Invocation; 1],
    original_uri_base_ids: BTreeMap<&'static str, Base>,
    column_kind: &'static str,
    results: Results<'a>,
    properties: RunProperties<'a>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: String,
    semantic_version: String,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text,
    full_description: Text,
    help: Help,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: Vec<String>,
    /// Where it is about security: what code scanning shows as a severity.
    #[serde(rename = "security-severity", skip_serializing_if = "Option::is_none")]
    security_severity: Option<&'static str>,
    #[serde(rename = "problem.severity")]
    problem_severity: &'static str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Id {
    id: String,
}

#[derive(Serialize)]
struct Base {
    description: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties<'a> {
    tree: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a str>,
    coverage: CoverageOf,
}

#[derive(Serialize)]
struct CoverageOf {
    answered: u32,
    asked: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultOf {
    rule_id: &'static str,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: Text,
    /// Beside a baseline or a revision: whether it was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<&'static str>,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressions: Option<Vec<Suppression>>,
    properties: ResultProperties,
}

#[derive(Serialize)]
struct ResultProperties {
    outcome: &'static str,
    severity: &'static str,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'static str>,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: Physical,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<Text>,
}

/// The results, made one at a time while they are written.
struct Results<'a> {
    report: &'a Report,
    /// What is written of each finding, in the report's order.
    chosen: Vec<&'a Finding>,
    /// The most results.
    most: usize,
    rules: BTreeMap<&'static str, usize>,
    /// Whether any finding is accepted: then every result says whether it is.
    accepts: bool,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        let resolver = Resolver::new(self.report);
        let results = self.chosen.iter().flat_map(|finding| self.of(&resolver, finding));
        for result in results.take(self.most) {
            seq.serialize_element(&result)?;
        }
        seq.end()
    }
}

/// Writes reports as SARIF. Passes, and what has no answer or does not apply, only where the view
/// shows all.
///
/// # Errors
/// What writing gives.
pub fn sarif(reports: &[(Report, View)], out: &mut dyn Write) -> io::Result<()> {
    sarif_up_to(reports, MAX_RESULTS, out)
}

fn sarif_up_to(reports: &[(Report, View)], most: usize, out: &mut dyn Write) -> io::Result<()> {
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: reports
            .iter()
            .enumerate()
            .map(|(index, (report, view))| run(report, view, index, reports.len(), most))
            .collect(),
    };
    serde_json::to_writer(&mut *out, &log).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

fn run<'a>(report: &'a Report, view: &'a View, index: usize, of: usize, most: usize) -> Run<'a> {
    let checks = plimsoll_audit::all();
    let rules = checks.iter().enumerate().map(|(index, check)| (check.id, index)).collect();
    let wanted: Vec<&Finding> = view
        .findings(report)
        .filter(|finding| finding.is_problem() || view.show == Show::All)
        .collect();
    let (chosen, left_out) = worst(&wanted, most);
    let waived = |finding: &&Finding| finding.evidence.iter().any(|e| e.waived.is_some());
    let accepts = chosen.iter().any(|finding| finding.accepted.is_some() || waived(finding));
    // Runs of one file need names of their own; what follows the last slash is this run's alone.
    let id = match (report.delivery.tree.outside(), of) {
        (Some(inside), _) => format!("plimsoll/{}/", uri(inside)),
        (None, 1) => "plimsoll/".to_owned(),
        (None, _) => format!("plimsoll/{}/", index + 1),
    };
    Run {
        tool: Tool {
            driver: Driver {
                name: "Plimsoll",
                version: view.version.clone(),
                semantic_version: view.version.clone(),
                rules: checks.iter().map(|check| rule(check)).collect(),
            },
        },
        automation_details: Id { id },
        invocations: [Invocation {
            execution_successful: true,
            tool_execution_notifications: notifications(report, left_out, most),
        }],
        original_uri_base_ids: BTreeMap::from([(
            ROOT,
            Base {
                description: text("The top of the work tree that holds the audited directory."),
            },
        )]),
        column_kind: "unicodeCodePoints",
        results: Results { report, chosen, most, rules, accepts },
        properties: RunProperties {
            tree: format!("blake3:{}", report.digest),
            revision: report.delivery.tree.revision(),
            coverage: CoverageOf {
                answered: report.coverage.answered,
                asked: report.coverage.asked,
            },
        },
    }
}

/// The findings to write, in their order, and how many results there is no room for: those of the
/// least severe findings.
fn worst<'a>(wanted: &[&'a Finding], most: usize) -> (Vec<&'a Finding>, usize) {
    let sizes: Vec<usize> = wanted.iter().map(|finding| size(finding)).collect();
    let all: usize = sizes.iter().sum();
    if all <= most {
        return (wanted.to_vec(), 0);
    }
    let mut by_rank: Vec<usize> = (0..wanted.len()).collect();
    by_rank.sort_by_key(|&i| (!wanted[i].is_problem(), wanted[i].severity, i));
    let mut room = most;
    let mut kept: Vec<usize> = by_rank
        .into_iter()
        .take_while(|&i| {
            let fits = sizes[i] <= room;
            room = room.saturating_sub(sizes[i]);
            fits
        })
        .collect();
    kept.sort_unstable();
    let written: usize = kept.iter().map(|&i| sizes[i]).sum();
    (kept.into_iter().map(|i| wanted[i]).collect(), all - written)
}

/// How many results a finding makes; the same rule as [`instances`].
fn size(finding: &Finding) -> usize {
    if !finding.is_problem() {
        return 1;
    }
    let against = |e: &&Evidence| e.is_against();
    let all = finding.evidence.iter().filter(against).count();
    let stand = finding.evidence.iter().filter(against).filter(|e| !is_absent(e)).count();
    if stand > 0 { stand } else { all.max(1) }
}

fn notifications(report: &Report, left_out: usize, most: usize) -> Vec<Notification> {
    let mut all = Vec::new();
    if left_out > 0 {
        all.push(Notification {
            level: "warning",
            message: text(&format!(
                "{left_out} results of the least severe findings are left out: a run holds at most \
                 {most}. The JSON report has all."
            )),
        });
    }
    if !report.coverage.unknown_because.is_empty() {
        let why: Vec<String> = report
            .coverage
            .unknown_because
            .iter()
            .map(|(why, n)| format!("{n} {}", why.name()))
            .collect();
        all.push(Notification {
            level: "note",
            message: text(&format!(
                "{} of {} questions are answered; unknown: {}.",
                report.coverage.answered,
                report.coverage.asked,
                why.join(", ")
            )),
        });
    }
    if !report.not_asked.is_empty() {
        let ids: Vec<&str> = report.not_asked.keys().copied().collect();
        all.push(Notification {
            level: "note",
            message: text(&format!("The configuration leaves out {}.", ids.join(", "))),
        });
    }
    all.extend(report.delivery.tree.notes().iter().map(|note| Notification {
        level: "note",
        message: text(&format!("{}: {}", note.path, note.says)),
    }));
    all
}

fn rule(check: &Check) -> Rule {
    let page = Page::of(check.source);
    let mut markdown = page.intro.join("\n\n");
    for (heading, body) in page.sections.iter().filter(|(h, _)| HELPFUL.contains(&&**h)) {
        markdown.push_str(&format!("\n\n## {heading}\n\n{}", body.trim()));
    }
    let security = Rollup::of(check.area()) == Rollup::Security;
    let mut tags = vec![check.area().to_owned()];
    if security {
        tags.push("security".to_owned());
    }
    // Readers show ten and refuse more than twenty.
    tags.extend(check.controls.iter().map(|control| (*control).to_owned()).take(8));
    tags.sort();
    tags.dedup();
    Rule {
        id: check.id,
        short_description: text(&page.title),
        full_description: text(page.intro.first().unwrap_or(&page.title)),
        help: Help { text: page.intro.join("\n\n"), markdown },
        default_configuration: Configuration { level: level(check.severity) },
        properties: RuleProperties {
            tags,
            security_severity: security.then_some(match check.severity {
                Severity::Critical => "9.5",
                Severity::High => "8.0",
                Severity::Medium => "5.5",
                Severity::Low => "2.0",
            }),
            problem_severity: match check.severity {
                Severity::Critical | Severity::High => "error",
                Severity::Medium => "warning",
                Severity::Low => "recommendation",
            },
        },
    }
}

impl Results<'_> {
    /// A problem is a result an instance; any other answer is one result.
    fn of(&self, resolver: &Resolver<'_>, finding: &Finding) -> Vec<ResultOf> {
        if !finding.is_problem() {
            return vec![self.answer(resolver, finding)];
        }
        let related = self.related(resolver, finding);
        let mut results: Vec<ResultOf> = instances(self.report, resolver, finding)
            .iter()
            .map(|instance| self.problem(instance))
            .collect();
        // What helps to understand stands once, at the first.
        if let Some(first) = results.first_mut() {
            first.related_locations = related;
        }
        if results.is_empty() {
            results.push(self.answer(resolver, finding));
        }
        results
    }

    fn problem(&self, instance: &Instance<'_>) -> ResultOf {
        let finding = instance.finding;
        ResultOf {
            rule_id: finding.check.id,
            rule_index: self.rules.get(finding.check.id).copied().unwrap_or_default(),
            kind: "fail",
            level: level(instance.severity),
            message: message(&format!("{}{}", whom(self.report, finding), told(instance))),
            baseline_state: self.baseline_state(instance),
            locations: vec![location(self.report, &instance.at, None, None)],
            related_locations: Vec::new(),
            partial_fingerprints: BTreeMap::from([(
                "plimsoll/v1",
                instance.at.fingerprint.clone(),
            )]),
            suppressions: self.suppressions(instance.accepted()),
            properties: self.properties(finding),
        }
    }

    fn answer(&self, resolver: &Resolver<'_>, finding: &Finding) -> ResultOf {
        let places = resolver.locate(self.report, finding);
        let decides = finding.evidence.iter().position(|e| e.role != Role::Context).unwrap_or(0);
        ResultOf {
            rule_id: finding.check.id,
            rule_index: self.rules.get(finding.check.id).copied().unwrap_or_default(),
            kind: match finding.outcome {
                Outcome::Pass => "pass",
                Outcome::Unknown => "open",
                Outcome::NotApplicable => "notApplicable",
                Outcome::Fail | Outcome::Partial => "fail",
            },
            level: if finding.is_problem() { level(finding.severity) } else { "none" },
            message: message(&format!(
                "{}{}",
                whom(self.report, finding),
                sentence(&plain(&finding.message))
            )),
            baseline_state: None,
            locations: places
                .get(decides)
                .map(|at| location(self.report, at, None, None))
                .into_iter()
                .collect(),
            related_locations: Vec::new(),
            partial_fingerprints: places
                .get(decides)
                .map(|at| ("plimsoll/v1", at.fingerprint.clone()))
                .into_iter()
                .collect(),
            suppressions: self.suppressions(finding.accepted.as_deref()),
            properties: self.properties(finding),
        }
    }

    fn related(&self, resolver: &Resolver<'_>, finding: &Finding) -> Vec<Location> {
        finding
            .evidence
            .iter()
            .zip(resolver.locate(self.report, finding))
            .filter(|(evidence, _)| evidence.role == Role::Context || is_absent(evidence))
            .take(MAX_RELATED)
            .enumerate()
            .map(|(id, (evidence, at))| {
                location(self.report, &at, Some(id), Some(message(&plain(&evidence.says))))
            })
            .collect()
    }

    /// The standard wants them on all results of a run or on none.
    /// Nothing of what is accepted: no baseline holds it.
    fn baseline_state(&self, instance: &Instance<'_>) -> Option<&'static str> {
        let before = &self.report.comparison.as_ref()?.before;
        let known = before.contains(&instance.at.fingerprint);
        instance.accepted().is_none().then_some(if known { "unchanged" } else { "new" })
    }

    fn suppressions(&self, accepted: Option<&str>) -> Option<Vec<Suppression>> {
        let accepted = accepted.map(|why| Suppression {
            kind: "external",
            status: "accepted",
            justification: plain_lines(why),
        });
        self.accepts.then(|| accepted.into_iter().collect())
    }

    fn properties(&self, finding: &Finding) -> ResultProperties {
        ResultProperties {
            outcome: finding.outcome.name(),
            severity: finding.severity.name(),
            subject: plain(self.report.subject_name(finding.subject)),
            unknown: finding.unknown.map(|why| why.name()),
        }
    }
}

fn location(report: &Report, at: &Located, id: Option<usize>, message: Option<Text>) -> Location {
    let region = at.start.zip(at.end).map(|(start, end)| Region {
        start_line: start.line,
        start_column: start.column,
        end_line: end.line,
        end_column: end.column,
        snippet: at
            .excerpt
            .as_deref()
            .filter(|excerpt| !excerpt.is_empty())
            .map(|excerpt| Text { text: plain_lines(excerpt) }),
    });
    let artifact_location = Artifact { uri: uri(&forge_path(report, &at.path)), uri_base_id: ROOT };
    Location { id, physical_location: Physical { artifact_location, region }, message }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

fn text(says: &str) -> Text {
    Text { text: plain_lines(says) }
}

/// A message: `[words](target)` would be a link, so its brackets are escaped as the standard says.
fn message(says: &str) -> Text {
    if !says.contains("](") {
        return Text { text: says.to_owned() };
    }
    let escaped = says.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    Text { text: escaped }
}

/// A relative path as a URI reference (RFC 3986): all but unreserved characters and slashes encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_source::Tree;

    #[test]
    fn paths_are_uris() {
        for (path, expected) in [
            ("a/b.c", "a/b.c"),
            ("a b/%20", "a%20b/%2520"),
            ("C:\\x", "C%3A%5Cx"),
            ("ü/?#", "%C3%BC/%3F%23"),
            ("a\nb", "a%0Ab"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }

    #[test]
    fn messages_hold_no_links() {
        assert_eq!(message("[x](http://evil)").text, "\\[x\\](http://evil)");
        assert_eq!(message("CMD [\"a\"]").text, "CMD [\"a\"]");
    }

    /// Where there is no room for all, the least severe go, and the run says how many.
    #[test]
    fn the_worst_are_kept() {
        let files: Vec<(String, &str)> =
            (0..4).map(|i| (format!("s{i}/Dockerfile"), "FROM node\nCMD node x.js\n")).collect();
        let tree = Tree::from_memory(files);
        let report = plimsoll_audit::audit(&tree, &plimsoll_audit::Policy::default(), &());
        let view = crate::view::tests::view(Show::All);
        let all: Vec<&Finding> = view.findings(&report).collect();
        let results: usize = all.iter().map(|finding| size(finding)).sum();
        let reports = [(report, view)];
        let mut levels = Vec::new();
        for most in [10, results - 1, results] {
            let mut bytes = Vec::new();
            sarif_up_to(&reports, most, &mut bytes).expect("written");
            let log: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            let run = &log["runs"][0];
            let written = run["results"].as_array().expect("results").len();
            assert!(written <= most, "{written} of {most}");
            let says = run["invocations"][0]["toolExecutionNotifications"].to_string();
            let expected = format!("{} results of the least severe", results - written);
            assert_eq!(says.contains(&expected), written < results, "{says}");
            levels.extend(run["results"].as_array().expect("results").iter().take(10).map(|r| {
                assert_eq!(r["level"] == "none", r["kind"] != "fail");
                r["kind"].as_str() == Some("fail")
            }));
        }
        assert!(levels.iter().take(5).all(|is_fail| *is_fail), "problems come before passes");
        assert_eq!(worst(&[], 0).1, 0);
    }
}
