//! The JSON report: a stable contract, additive within a schema version.

use std::collections::BTreeMap;
use std::io::{self, Write};

use plimsoll_audit::{
    Common, Evidence, Finding, Operations, Page, Place, Rate, Relation, Report, Resolver, Role,
    Rollup, Safety, Severity, Standing, Subject,
};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::{Profile, View};

/// The version of the contract.
pub const SCHEMA_VERSION: u32 = 1;

/// A report.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Plimsoll report")]
struct Document<'a> {
    /// The version of this contract; additions keep it.
    schema_version: u32,
    /// The tool that wrote it.
    tool: Tool<'a>,
    /// What was audited.
    tree: Tree<'a>,
    /// The services, in path order.
    services: Vec<Service<'a>>,
    /// The findings, ordered by (subject path, check id).
    #[schemars(with = "Vec<Item<'a>>")]
    findings: Findings<'a>,
    /// Scores by subject and dimension.
    scorecards: Vec<Scorecard<'a>>,
    /// The four domains, what to mend first and when, where the operations report is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    operations: Option<OperationsReport<'a>>,
    /// Causes that several services share, those that clear the most findings first.
    fleet: Vec<Cause>,
    /// How much could be answered.
    coverage: Coverage,
    /// Checks that the configuration leaves out, and for how many subjects.
    not_asked: &'a BTreeMap<&'static str, u32>,
    /// How it compares with a baseline or an earlier revision, where that was asked for.
    comparison: Option<Comparison<'a>>,
}

/// The operations report.
#[derive(Serialize, JsonSchema)]
struct OperationsReport<'a> {
    /// The executive scorecard.
    domains: Vec<DomainItem>,
    /// Checks that found something, worst first.
    issues: Vec<IssueItem<'a>>,
    /// What to mend when.
    roadmap: Vec<HorizonItem>,
}

/// A domain.
#[derive(Serialize, JsonSchema)]
struct DomainItem {
    /// `Container Security` …
    domain: &'static str,
    /// `CRITICAL`, `HIGH RISK`, `MODERATE`, `SOUND`; null where nothing was answered.
    status: Option<&'static str>,
    /// PASS of PASS, PARTIAL and FAIL.
    pass_rate: PassRate,
    /// 0 to 100, one decimal; null when nothing is known.
    score: Option<f64>,
    /// Its checks that found something, worst first.
    issues: Vec<&'static str>,
}

/// What a check found in the whole repository.
#[derive(Serialize, JsonSchema)]
struct IssueItem<'a> {
    /// The check.
    check: &'static str,
    /// `P1` critical, `P2` high, `P3` the rest.
    priority: &'static str,
    /// The worst severity among its findings.
    severity: &'static str,
    /// `fail` or `partial`.
    outcome: &'static str,
    /// Whether all its findings are accepted.
    accepted: bool,
    /// Why it matters.
    risk: String,
    /// What to do.
    remediation: String,
    /// What was found, a sentence a finding.
    findings: Vec<&'a str>,
}

/// A step of the roadmap.
#[derive(Serialize, JsonSchema)]
struct HorizonItem {
    /// `Sprint 1: …`
    name: &'static str,
    /// Checks, in order.
    checks: Vec<&'static str>,
}

/// A comparison with what was there before.
#[derive(Serialize, JsonSchema)]
struct Comparison<'a> {
    /// The baseline's path, the revision.
    with: &'a str,
    /// Problems with an instance that was not there.
    new: u32,
    /// Problems that were there.
    known: u32,
    /// Fingerprints of instances that are no more.
    fixed: Vec<&'a str>,
}

/// The tool.
#[derive(Serialize, JsonSchema)]
struct Tool<'a> {
    /// `plimsoll`.
    name: &'static str,
    /// Its version.
    version: &'a str,
}

/// The audited tree.
#[derive(Serialize, JsonSchema)]
struct Tree<'a> {
    /// `blake3:` and the digest of the files that were read.
    digest: String,
    /// How many files there are.
    files: usize,
    /// The commit, where there is one.
    revision: Option<&'a str>,
}

/// A service.
#[derive(Serialize, JsonSchema)]
struct Service<'a> {
    /// Its name.
    name: &'a str,
    /// Its directory, relative to the root; `.` is the root.
    path: &'a str,
    /// The Dockerfile of its first image, where it builds one.
    dockerfile: Option<&'a str>,
    /// PASS of PASS, PARTIAL and FAIL.
    pass_rate: PassRate,
    /// Weighted, 0 to 100; null when nothing is known.
    score: Option<f64>,
    /// Known of known and unknown, in per cent.
    coverage: f64,
    /// Who answers for it: what the configuration or CODEOWNERS says.
    owner: Option<&'a str>,
}

/// A cause of findings in several services.
#[derive(Serialize, JsonSchema)]
struct Cause {
    /// What they have in common: `base-image`, `place` or `missing-path`.
    kind: &'static str,
    /// The base image, the place as `path:line`, or the path.
    what: String,
    /// The findings that mending it would clear.
    findings: usize,
    /// The services that have them.
    services: usize,
    /// The checks, sorted.
    checks: Vec<&'static str>,
}

/// A pass rate.
#[derive(Serialize, JsonSchema)]
struct PassRate {
    /// PASS.
    passed: u32,
    /// PASS, PARTIAL and FAIL.
    applicable: u32,
    /// In per cent; null when nothing is applicable.
    percent: Option<f64>,
}

/// A finding.
#[derive(Serialize, JsonSchema)]
struct Item<'a> {
    /// The check's id.
    check: &'static str,
    /// The check's title.
    title: String,
    /// The first half of its id.
    area: &'static str,
    /// The heading in the service report.
    section: &'static str,
    /// The domain in the executive scorecard.
    domain: &'static str,
    /// `critical`, `high`, `medium` or `low`.
    severity: &'static str,
    /// `pass`, `partial`, `fail`, `not-applicable` or `unknown`.
    outcome: &'static str,
    /// The check under which it is shown, counted in no sum.
    within: Option<&'static str>,
    /// Whom it is about.
    subject: About<'a>,
    /// The answer in a sentence.
    message: &'a str,
    /// Why it is unknown.
    unknown: Option<UnknownBecause>,
    /// The proof.
    evidence: Vec<Proof>,
    /// How to mend it.
    fix: Option<Mend>,
    /// Rules of other tools that its failing evidence answers.
    equivalents: Vec<String>,
    /// Controls of public benchmarks.
    controls: &'static [&'static str],
    /// Why it is accepted: it fails no run.
    accepted: Option<&'a str>,
    /// Whether all that speaks against it was there before: it fails no run.
    known: bool,
    /// Whether its check is later than the configuration's edition: it counts in no sum and fails no
    /// run.
    newer: bool,
}

/// A subject.
#[derive(Serialize, JsonSchema)]
struct About<'a> {
    /// `service`, `repository`, `image` or `container`.
    kind: &'static str,
    /// Its name.
    name: &'a str,
    /// Its path; `.` for the repository.
    path: &'a str,
}

/// Why a question has no answer.
#[derive(Serialize, JsonSchema)]
struct UnknownBecause {
    /// The reason: `unsupported`, `needs-run` …
    reason: &'static str,
    /// What would decide it.
    decide: &'static str,
}

/// A position, 1-based; columns in characters.
#[derive(Serialize, JsonSchema)]
struct Position {
    /// The line.
    line: u32,
    /// The column.
    column: u32,
}

/// A piece of evidence.
#[derive(Serialize, JsonSchema)]
struct Proof {
    /// Relative to the root, with forward slashes.
    path: String,
    /// Null where evidence is a whole file or an absent path.
    start: Option<Position>,
    /// Exclusive.
    end: Option<Position>,
    /// `shows`, `contradicts`, `missing` or `context`.
    role: &'static str,
    /// The clause of the check that it answers; empty where the check has one.
    part: &'static str,
    /// What is to be seen there.
    says: String,
    /// The text there, secrets masked.
    excerpt: Option<String>,
    /// The member of the subject, where it has several.
    member: Option<String>,
    /// Its severity.
    severity: &'static str,
    /// Rules of other tools.
    equivalents: Vec<String>,
    /// A stable identity.
    fingerprint: String,
    /// Why it is waived.
    waived: Option<String>,
}

/// A fix.
#[derive(Serialize, JsonSchema)]
struct Mend {
    /// What it does.
    does: String,
    /// `safe`, `review` or `sketch`.
    safety: &'static str,
    /// The masked diff, where it can be applied.
    diff: Option<String>,
    /// What to write, where.
    snippet: Option<Snippet>,
}

/// Text to put into a file.
#[derive(Serialize, JsonSchema)]
struct Snippet {
    /// The file.
    path: String,
    /// Its language.
    language: &'static str,
    /// The text.
    text: String,
}

/// A score.
#[derive(Serialize, JsonSchema)]
struct Scorecard<'a> {
    /// The subject's path.
    subject: &'a str,
    /// `Security`, `Best practices`, `Maintainability` or `Overall`.
    dimension: &'static str,
    /// Weight earned; PARTIAL earns half.
    earned: f64,
    /// Weight of what is known.
    possible: u32,
    /// How many are unknown.
    unknown: u32,
}

/// Coverage.
#[derive(Serialize, JsonSchema)]
struct Coverage {
    /// Answered PASS, PARTIAL or FAIL.
    answered: u32,
    /// Questions that apply.
    asked: u32,
    /// Reasons for UNKNOWN, by count.
    unknown_because: BTreeMap<&'static str, u32>,
}

/// The findings, made while they are written.
struct Findings<'a> {
    report: &'a Report,
    view: &'a View,
    resolver: Resolver<'a>,
}

/// How many findings are made at once: all at once would be as long as the report.
const AT_ONCE: usize = 2048;

impl<'a> Serialize for Findings<'a> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        let mut all = self.view.findings(self.report);
        loop {
            let findings: Vec<&Finding> = all.by_ref().take(AT_ONCE).collect();
            if findings.is_empty() {
                return seq.end();
            }
            let make = |finding: &&'a Finding| item(self.report, &self.resolver, finding);
            let items: Vec<Item<'_>> = findings.par_iter().map(make).collect();
            items.iter().try_for_each(|item| seq.serialize_element(item))?;
        }
    }
}

/// Writes a report.
///
/// # Errors
/// What writing gives.
pub fn json(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let delivery = &report.delivery;
    let document = Document {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "plimsoll", version: &view.version },
        tree: Tree {
            digest: format!("blake3:{}", report.digest),
            files: delivery.tree.len(),
            revision: delivery.tree.revision(),
        },
        services: view.services(report).map(|s| service(report, s)).collect(),
        findings: Findings { report, view, resolver: Resolver::new(report) },
        scorecards: view.services(report).flat_map(|s| scorecards(report, s)).collect(),
        operations: (view.profile == Profile::Operations).then(|| operations(report, view)),
        fleet: fleet(report, view),
        coverage: Coverage {
            answered: report.coverage.answered,
            asked: report.coverage.asked,
            unknown_because: report
                .coverage
                .unknown_because
                .iter()
                .map(|(why, n)| (why.name(), *n))
                .collect(),
        },
        not_asked: &report.not_asked,
        comparison: report.comparison.as_ref().map(|c| Comparison {
            with: &c.with,
            new: c.new,
            known: c.known,
            fixed: c.fixed.iter().map(|instance| &*instance.fingerprint).collect(),
        }),
    };
    serde_json::to_writer(&mut *out, &document).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// The schema of the contract, as JSON.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Document<'static>);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn service<'a>(report: &'a Report, service: &plimsoll_audit::ServiceReport) -> Service<'a> {
    let facts = &report.delivery[service.id];
    let scores = &service.scores;
    Service {
        name: &facts.name,
        path: report.subject_path(Subject::Service(service.id)),
        dockerfile: facts.images.first().map(|&id| &*report.delivery[id].path),
        pass_rate: pass_rate(scores.rate),
        score: scores.overall.percent(),
        coverage: scores.coverage(),
        owner: facts.owner.as_deref(),
    }
}

fn fleet(report: &Report, view: &View) -> Vec<Cause> {
    let shown: Vec<_> = view.services(report).collect();
    let causes = plimsoll_audit::causes(report, &shown).into_iter();
    let resolver = Resolver::new(report);
    causes
        .map(|cause| {
            let (kind, what) = match cause.what {
                Common::Base(reference) => ("base-image", reference),
                Common::Missing(path) => ("missing-path", path),
                Common::At(span) => {
                    let place = resolver.place(&Place::Span(span));
                    let line = place.start.map_or(1, |start| start.line);
                    ("place", format!("{}:{line}", place.path))
                }
            };
            let (findings, services, checks) = (cause.findings, cause.services, cause.checks);
            Cause { kind, what, findings, services, checks }
        })
        .collect()
}

fn pass_rate(rate: Rate) -> PassRate {
    PassRate { passed: rate.passed, applicable: rate.applicable, percent: rate.percent() }
}

fn operations<'a>(report: &'a Report, view: &View) -> OperationsReport<'a> {
    let operations = Operations::of(report, |finding| view.wants(finding));
    let id = |index: &usize| operations.issues[*index].check.id;
    OperationsReport {
        domains: operations
            .domains
            .iter()
            .map(|domain| DomainItem {
                domain: domain.domain.name(),
                status: domain.status.map(Standing::name),
                pass_rate: pass_rate(domain.rate),
                score: domain.card.percent(),
                issues: domain.issues.iter().map(id).collect(),
            })
            .collect(),
        issues: operations
            .issues
            .iter()
            .map(|issue| {
                let page = Page::of(issue.check.source);
                IssueItem {
                    check: issue.check.id,
                    priority: match issue.severity {
                        Severity::Critical => "P1",
                        Severity::High => "P2",
                        Severity::Medium | Severity::Low => "P3",
                    },
                    severity: issue.severity.name(),
                    outcome: issue.outcome.name(),
                    accepted: issue.accepted,
                    risk: page.intro.get(1).cloned().unwrap_or_default(),
                    remediation: page.intro.get(2).cloned().unwrap_or_default(),
                    findings: issue.findings.iter().map(|finding| &*finding.message).collect(),
                }
            })
            .collect(),
        roadmap: operations
            .roadmap
            .iter()
            .map(|(horizon, issues)| HorizonItem {
                name: horizon.name(),
                checks: issues.iter().map(id).collect(),
            })
            .collect(),
    }
}

fn scorecards<'a>(
    report: &'a Report,
    service: &plimsoll_audit::ServiceReport,
) -> Vec<Scorecard<'a>> {
    let subject = report.subject_path(Subject::Service(service.id));
    let rollups = Rollup::ALL.iter().filter_map(|wanted| {
        let (_, card) = service.scores.rollups.iter().find(|(rollup, _)| rollup == wanted)?;
        Some((wanted.name(), *card))
    });
    rollups
        .chain([("Overall", service.scores.overall)])
        .map(|(dimension, card)| Scorecard {
            subject,
            dimension,
            earned: f64::from(card.earned_halves) / 2.0,
            possible: card.possible,
            unknown: card.unknown,
        })
        .collect()
}

fn item<'a>(report: &'a Report, resolver: &Resolver<'_>, finding: &'a Finding) -> Item<'a> {
    let check = finding.check;
    let mut equivalents: Vec<String> = Vec::new();
    let evidence: Vec<Proof> = finding
        .evidence
        .iter()
        .zip(resolver.locate(report, finding))
        .map(|(evidence, located)| {
            let against = matches!(evidence.role, Role::Contradicts | Role::Missing);
            let same = if against && finding.is_problem() {
                equivalents_of(finding, evidence)
            } else {
                Vec::new()
            };
            equivalents.extend(same.iter().cloned());
            Proof {
                path: located.path,
                start: located.start.map(|p| Position { line: p.line, column: p.column }),
                end: located.end.map(|p| Position { line: p.line, column: p.column }),
                role: evidence.role.name(),
                part: evidence.part,
                says: evidence.says.to_string(),
                excerpt: located.excerpt,
                member: evidence.member.as_deref().map(str::to_owned),
                severity: evidence.severity.unwrap_or(check.severity).name(),
                equivalents: same,
                fingerprint: located.fingerprint,
                waived: evidence.waived.as_deref().map(str::to_owned),
            }
        })
        .collect();
    equivalents.sort();
    equivalents.dedup();
    Item {
        check: check.id,
        title: check.title().to_owned(),
        area: check.area(),
        section: check.section.heading(),
        domain: check.domain.name(),
        severity: finding.severity.name(),
        outcome: finding.outcome.name(),
        within: check.within,
        subject: About {
            kind: match finding.subject {
                Subject::Repository => "repository",
                Subject::Service(_) => "service",
                Subject::Image(_) => "image",
                Subject::Container(_) => "container",
                Subject::Script(_) => "script",
            },
            name: report.subject_name(finding.subject),
            path: report.subject_path(finding.subject),
        },
        message: &finding.message,
        unknown: finding
            .unknown
            .map(|why| UnknownBecause { reason: why.name(), decide: why.decide() }),
        evidence,
        fix: report.fix(finding).map(|fix| Mend {
            does: fix.does.to_string(),
            safety: match fix.safety {
                Safety::Safe => "safe",
                Safety::Review => "review",
                Safety::Sketch => "sketch",
            },
            diff: fix
                .patch
                .and_then(|patch| crate::diff::masked(&report.delivery.tree, resolver, &patch)),
            snippet: fix.snippet.map(|s| Snippet {
                path: s.path,
                language: s.language,
                text: s.text,
            }),
        }),
        equivalents,
        controls: check.controls,
        accepted: finding.accepted.as_deref(),
        known: finding.known,
        newer: finding.newer,
    }
}

fn equivalents_of(finding: &Finding, evidence: &Evidence) -> Vec<String> {
    let parts = finding.check.parts.iter().filter(|part| part.name == evidence.part);
    parts
        .flat_map(|part| part.equivalents)
        .filter(|e| e.relation != Relation::Narrower)
        .map(|e| format!("{}:{}", e.tool, e.rule))
        .collect()
}
