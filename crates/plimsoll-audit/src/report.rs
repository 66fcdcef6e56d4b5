//! The report: plain data in the reader's words, and the one way from a place to text.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use plimsoll_model::redact::secret_ranges;
use plimsoll_model::secret::Secrets;
use plimsoll_model::{Delivery, Why};
use plimsoll_source::{FileId, LineIndex, Span, TextRange, Tree};

use crate::evidence::{Evidence, Place, Role};
use crate::{Check, Outcome, Scores, Severity, Subject};

/// The answer to one check about one subject.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The question.
    pub check: &'static Check,
    /// Whom it is about.
    pub subject: Subject,
    /// The answer.
    pub outcome: Outcome,
    /// How bad a failure here is: the check's severity, or what all its evidence lowers it to.
    pub severity: Severity,
    /// The answer in a sentence.
    pub message: Arc<str>,
    /// Why it is unknown.
    pub unknown: Option<Why>,
    /// The proof.
    pub evidence: Box<[Evidence]>,
    /// Why it is accepted, where all that speaks against it is: it keeps its outcome and its place
    /// in every sum, and fails no run.
    pub accepted: Option<Arc<str>>,
    /// Whether its check is later than the edition of the configuration: it is reported, counts in
    /// no sum and fails no run.
    pub newer: bool,
    /// Whether all that speaks against it was there before (a baseline, an earlier revision): it
    /// fails no run.
    pub known: bool,
}

impl Finding {
    /// Whether it counts in sums: not what is shown within another check, nor trial checks.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.check.within.is_none() && self.check.status == crate::Status::Stable && !self.newer
    }

    /// Whether it is a problem: FAIL or PARTIAL.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        matches!(self.outcome, Outcome::Fail | Outcome::Partial)
    }
}

/// What the report says of one service.
#[derive(Clone, Debug)]
pub struct ServiceReport {
    /// The service.
    pub id: plimsoll_model::ServiceId,
    /// Where its findings stand in [`Report::findings`].
    pub findings: std::ops::Range<usize>,
    /// Its figures.
    pub scores: Scores,
}

/// Findings by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the outcomes")]
pub struct Counts {
    pub pass: u32,
    pub partial: u32,
    pub fail: u32,
    pub not_applicable: u32,
    pub unknown: u32,
}

/// How much could be answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Questions that apply.
    pub asked: u32,
    /// Those answered PASS, PARTIAL or FAIL.
    pub answered: u32,
    /// The reasons for UNKNOWN, by count.
    pub unknown_because: BTreeMap<Why, u32>,
}

/// A report on one tree.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was audited.
    pub delivery: Arc<Delivery>,
    /// The services, in path order.
    pub services: Vec<ServiceReport>,
    /// Services that are not for production, and were not asked for.
    pub left_out: Vec<plimsoll_model::ServiceId>,
    /// All findings: the services' in the services' order, each sorted by check id, then those
    /// about the whole repository and what belongs to no service.
    pub findings: Vec<Finding>,
    /// Where the findings of no service begin.
    pub shared: usize,
    /// How much could be answered.
    pub coverage: Coverage,
    /// The digest of the files that were read, in hex.
    pub digest: String,
    /// Checks that the policy leaves out, and for how many subjects.
    pub not_asked: BTreeMap<&'static str, u32>,
    /// The policy.
    pub policy: Arc<crate::Policy>,
    /// How it compares with a baseline or an earlier revision, where it was.
    pub comparison: Option<Comparison>,
    /// What its fixes looked at.
    pub(crate) looked: Arc<crate::mending::Looked>,
}

/// A report beside what was known before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// With what: a baseline's path, a revision.
    pub with: String,
    /// Problems with an instance that was not there.
    pub new: u32,
    /// Problems that were.
    pub known: u32,
    /// Instances that are no more.
    pub fixed: Vec<crate::Instance>,
    /// The fingerprints of all that was there.
    pub before: BTreeSet<String>,
}

impl Report {
    /// Every finding of a service.
    #[must_use]
    pub fn of(&self, service: &ServiceReport) -> &[Finding] {
        &self.findings[service.findings.clone()]
    }

    /// The findings that belong to no service.
    #[must_use]
    pub fn shared(&self) -> &[Finding] {
        &self.findings[self.shared..]
    }

    /// How to mend a finding, for the subject that it is about; made when asked.
    #[must_use]
    pub fn fix(&self, finding: &Finding) -> Option<crate::Fix> {
        let fix = finding.check.fix.filter(|_| finding.is_problem())?;
        let cx = crate::Cx::new(&self.delivery, &self.policy);
        fix(&crate::Cx { looked: Some(&self.looked), ..cx }, finding)
    }

    /// What the check's page says to do, a paragraph.
    #[must_use]
    pub fn advice(&self, finding: &Finding) -> String {
        crate::Page::of(finding.check.source).intro.get(2).cloned().unwrap_or_default()
    }

    /// The path of a finding's subject: a service's directory, `.` for the repository.
    #[must_use]
    pub fn subject_path(&self, subject: Subject) -> &str {
        match subject {
            Subject::Repository => ".",
            Subject::Service(id) => match &*self.delivery[id].dir {
                "" => ".",
                dir => dir,
            },
            Subject::Image(id) => &self.delivery[id].path,
            Subject::Container(id) => self.delivery.tree.path(self.delivery[id].file),
            Subject::Script(id) => self.delivery.tree.path(self.delivery[id].file),
        }
    }

    /// The name of a finding's subject.
    #[must_use]
    pub fn subject_name(&self, subject: Subject) -> &str {
        match subject {
            Subject::Repository => ".",
            Subject::Service(id) => &self.delivery[id].name,
            Subject::Image(id) => &self.delivery[id].path,
            Subject::Container(id) => &self.delivery[id].name,
            Subject::Script(id) => self.delivery.tree.path(self.delivery[id].file),
        }
    }
}

/// A place as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
}

/// Evidence with its place resolved and its text cut out, secrets masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Relative to the root.
    pub path: String,
    /// Where it starts; `None` for a whole file or an absent path.
    pub start: Option<Position>,
    /// Where it ends (exclusive column).
    pub end: Option<Position>,
    /// The lines that it stands on, masked, at most a few; empty where there are none.
    pub lines: Vec<(u32, String)>,
    /// The exact text, masked, cut at a length; `None` for a whole file or an absent path.
    pub excerpt: Option<String>,
    /// A stable identity: no line number goes into it.
    pub fingerprint: String,
}

/// The one way from places to text: re-reads files, checks that they are unchanged, masks secrets.
pub struct Resolver<'a> {
    tree: &'a Tree,
    secrets: &'a Secrets,
    recent: Mutex<Recent>,
}

/// A file at hand.
struct Text {
    bytes: Arc<[u8]>,
    index: LineIndex,
    /// What looks like a secret in it, of a file that is looked through as a whole.
    hidden: Option<Vec<TextRange>>,
}

#[derive(Default)]
struct Recent {
    texts: HashMap<FileId, Option<Arc<Text>>>,
    order: VecDeque<FileId>,
}

/// Files kept at hand. Findings come service by service, so a few are enough.
const KEPT: usize = 64;
/// The longest file that is looked through for secrets once; of others, the lines that are shown.
const LOOKED_THROUGH: usize = 16 << 10;
/// The most lines of an excerpt.
const MAX_LINES: u32 = 6;
/// The most bytes of an excerpt.
const MAX_EXCERPT: u32 = 400;
/// The most bytes of a construct that its fingerprint is made of.
const MAX_CONSTRUCT: u32 = 64 * 1024;

impl<'a> Resolver<'a> {
    /// A resolver for what `report` shows.
    #[must_use]
    pub fn new(report: &'a Report) -> Self {
        Self::over(&report.delivery)
    }

    /// A resolver for a model.
    #[must_use]
    pub fn over(delivery: &'a Delivery) -> Self {
        Self { tree: &delivery.tree, secrets: &delivery.secrets, recent: Mutex::default() }
    }

    /// Every piece of a finding's evidence, located, in order.
    #[must_use]
    pub fn locate(&self, report: &Report, finding: &Finding) -> Vec<Located> {
        let subject = report.subject_name(finding.subject);
        let mut seen: HashMap<(&str, String), u32> = HashMap::default();
        finding
            .evidence
            .iter()
            .map(|evidence| {
                let mut located = self.place(&evidence.place);
                let construct = self.construct(report, finding.subject, evidence, &located.path);
                let ordinal = seen.entry((evidence.part, construct.clone())).or_default();
                located.fingerprint =
                    fingerprint(finding.check.id, evidence.part, subject, &construct, *ordinal);
                *ordinal += 1;
                located
            })
            .collect()
    }

    /// What a piece of evidence is about, whatever the lines, the blanks and the comments around it:
    /// the text that contradicts; of what is missing, and of a place without text, the name of the file
    /// that it is in; of a whole file, its path from the subject's directory on.
    fn construct(
        &self,
        report: &Report,
        subject: Subject,
        evidence: &Evidence,
        path: &str,
    ) -> String {
        match (&evidence.place, evidence.role) {
            (Place::Span(span), role) if role == Role::Missing || span.range.is_empty() => {
                path.rsplit('/').next().unwrap_or(path).to_owned()
            }
            (Place::Span(span), _) => {
                let Some(text) = self.text(span.file) else { return path.to_owned() };
                let end = span.range.end.min(span.range.start.saturating_add(MAX_CONSTRUCT));
                let range = TextRange::new(span.range.start, end);
                normalised(&self.masked(span.file, range, &text))
            }
            (Place::File(_) | Place::AbsentPath(_), _) => {
                let below = path.strip_prefix(report.subject_path(subject));
                below.and_then(|rest| rest.strip_prefix('/')).unwrap_or(path).to_owned()
            }
        }
    }

    /// A place with its text.
    #[must_use]
    pub fn place(&self, place: &Place) -> Located {
        let mut located = self.lines(place);
        if let (Place::Span(span), Some(_)) = (place, located.start) {
            located.excerpt = Some(self.excerpt(*span));
        }
        located
    }

    /// A place with the lines that it stands on, and without what only data needs: neither excerpt
    /// nor fingerprint.
    #[must_use]
    pub fn lines(&self, place: &Place) -> Located {
        let whole = |path: String| Located {
            path,
            start: None,
            end: None,
            lines: Vec::new(),
            excerpt: None,
            fingerprint: String::new(),
        };
        match place {
            Place::AbsentPath(path) => whole(path.to_string()),
            Place::File(file) => whole(self.tree.path(*file).to_owned()),
            Place::Span(span) => {
                let path = self.tree.path(span.file).to_owned();
                let Some(text) = self.text(span.file) else { return whole(path) };
                let (bytes, index) = (&*text.bytes, &text.index);
                let at = |offset: u32| {
                    let found = index.line_col(bytes, offset);
                    Position { line: found.line, column: found.column }
                };
                let (start, end) = (at(span.range.start), at(span.range.end));
                let last = end.line.min(start.line + MAX_LINES - 1);
                let lines = (start.line..=last)
                    .filter_map(|line| {
                        let range = index.line_range(bytes, line)?;
                        Some((line, self.masked(span.file, range, &text)))
                    })
                    .collect();
                Located {
                    path,
                    start: Some(start),
                    end: Some(end),
                    lines,
                    excerpt: None,
                    fingerprint: String::new(),
                }
            }
        }
    }

    /// The text of a span, secrets masked, cut to a few hundred bytes.
    #[must_use]
    pub fn excerpt(&self, span: Span) -> String {
        let Some(text) = self.text(span.file) else { return String::new() };
        let range = TextRange::new(
            span.range.start,
            span.range.end.min(span.range.start.saturating_add(MAX_EXCERPT)),
        );
        self.masked(span.file, range, &text)
    }

    /// A text that is not in the tree yet, secrets masked.
    #[must_use]
    pub fn masked_text(text: &str) -> String {
        let mut out = String::new();
        let mut at = 0;
        for range in secret_ranges(text.as_bytes()) {
            out += text.get(at..range.start as usize).unwrap_or_default();
            out += "***";
            at = range.end as usize;
        }
        out + text.get(at..).unwrap_or_default()
    }

    /// All of the text of a span, secrets masked.
    #[must_use]
    pub fn shown(&self, span: Span) -> String {
        let text = self.text(span.file);
        text.map_or_else(String::new, |text| self.masked(span.file, span.range, &text))
    }

    /// The whole lines that a span stands on and `more` above and below, and how many stand above
    /// those; `None` where the file cannot be read.
    #[must_use]
    pub fn around(&self, span: Span, more: usize) -> Option<(usize, TextRange)> {
        let text = self.text(span.file)?;
        let (bytes, index) = (&*text.bytes, &text.index);
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let first = index.line(bytes, span.range.start).saturating_sub(more).max(1);
        let behind = index.line(bytes, span.range.end).saturating_add(more).saturating_add(1);
        let start = |line: u32| index.line_range(bytes, line).map(|range| range.start);
        let end = start(behind).unwrap_or(u32::try_from(bytes.len()).ok()?);
        Some((first as usize - 1, TextRange::new(start(first)?, end)))
    }

    fn masked(&self, file: FileId, range: TextRange, text: &Text) -> String {
        let bytes = &*text.bytes;
        let within = |all: &[TextRange]| {
            let first = all.partition_point(|h| h.end <= range.start);
            all[first..].iter().take_while(|h| h.start < range.end).copied().collect()
        };
        let mut hidden: Vec<TextRange> =
            text.hidden.as_deref().map_or_else(|| in_lines(bytes, range), within);
        if let Some(known) = self.secrets.masked.get(&file) {
            let known: Vec<TextRange> = within(known);
            hidden.extend(known);
        }
        hidden.sort_unstable();
        let mut out = Vec::new();
        let mut at = range.start;
        for secret in hidden.iter().filter(|h| h.end > range.start && h.start < range.end) {
            if secret.end <= at {
                continue;
            }
            if secret.start > at {
                out.extend_from_slice(TextRange::new(at, secret.start).slice(bytes));
            }
            out.extend_from_slice(b"***");
            at = secret.end;
        }
        if at < range.end {
            out.extend_from_slice(TextRange::new(at, range.end).slice(bytes));
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    fn text(&self, file: FileId) -> Option<Arc<Text>> {
        let recent = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = recent().texts.get(&file) {
            return text.clone();
        }
        // Not under the lock: services are written side by side.
        let text = self.tree.read(file).ok().map(|bytes| {
            let index = LineIndex::new(&bytes);
            let hidden = (bytes.len() <= LOOKED_THROUGH).then(|| secret_ranges(&bytes));
            Arc::new(Text { bytes, index, hidden })
        });
        let mut recent = recent();
        if recent.texts.insert(file, text.clone()).is_none() {
            recent.order.push_back(file);
        }
        if recent.order.len() > KEPT
            && let Some(oldest) = recent.order.pop_front()
        {
            recent.texts.remove(&oldest);
        }
        text
    }
}

/// What looks like a secret in the lines that a range stands on: it may begin within a value.
fn in_lines(bytes: &[u8], range: TextRange) -> Vec<TextRange> {
    let start = memchr::memrchr(b'\n', &bytes[..(range.start as usize).min(bytes.len())])
        .map_or(0, |i| i + 1);
    let rest = bytes.get(range.end as usize..).unwrap_or_default();
    let end = range.end as usize + memchr::memchr(b'\n', rest).unwrap_or(rest.len()).min(4096);
    let lines = TextRange::of(start, end);
    secret_ranges(lines.slice(bytes)).iter().map(|found| found.shifted(lines.start)).collect()
}

/// A construct without what formatting changes: lines that are comments are left out, runs of blanks
/// and continuations are one blank.
fn normalised(text: &str) -> String {
    let is_comment = |line: &str| {
        let line = line.trim_start();
        line.starts_with('#') && !line.starts_with("#!") || line.starts_with("//")
    };
    // What begins with a comment is about it (a heading, a directive).
    let comment = is_comment(text);
    let lines = text.lines().filter(|line| comment || !is_comment(line));
    lines
        .flat_map(|line| line.split(|c: char| c.is_whitespace() || c == '\\'))
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

pub(crate) fn fingerprint(
    check: &str,
    part: &str,
    subject: &str,
    construct: &str,
    ordinal: u32,
) -> String {
    let mut hasher = blake3::Hasher::new();
    for field in [check, part, subject, construct] {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.update(&ordinal.to_le_bytes());
    hasher.finalize().to_hex().chars().take(32).collect()
}

/// The severity of an outcome: the worst that it can be, lowered to the worst of the evidence that speaks
/// against it where all of that evidence is lower.
pub(crate) fn severity(ceiling: Severity, evidence: &[Evidence]) -> Severity {
    evidence
        .iter()
        .filter(|e| e.is_against())
        .map(|e| e.severity.unwrap_or(ceiling).max(ceiling))
        .min()
        .unwrap_or(ceiling)
}
