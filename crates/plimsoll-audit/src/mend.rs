//! Mending: what findings offer to mend, applied in batches, and each batch proved by an audit.
//!
//! A round takes all fixes that are wanted, in the order of (file, place, check), against one tree.
//! What would touch the same bytes as an earlier one waits for the next round. The mended tree is
//! audited: no verdict may be worse than before, and each fix must have made its finding better. A
//! batch of which that is not true is taken apart until the culprit is found, which is refused: a
//! fix that does not do what it promises is our bug.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use plimsoll_model::mend::outside;
use plimsoll_source::{Conflict, Create, Edit, FileId, Patch, Span, Tree, difference};

use crate::mending::{Looked, unfixed};
use crate::{
    Check, Finding, Fix, Outcome, Outside, Place, Policy, Question, Report, Resolved, Role, Safety,
    Subject, audit,
};

/// The most rounds: two are enough unless fixes wait for each other.
const MAX_ROUNDS: u32 = 8;

/// A fix that a finding offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Whose.
    pub check: &'static Check,
    /// The name of the finding's subject.
    pub subject: String,
    /// The service that it is about, if it is about one.
    pub service: Option<String>,
    /// What was found.
    pub message: Arc<str>,
    /// How to mend it.
    pub fix: Fix,
    /// The files that it touches, in path order.
    pub files: Vec<String>,
    /// The files that its finding names: where it was seen, where something is missing, and where it
    /// says to write.
    pub named: BTreeSet<String>,
    /// What it would have to know from outside of the tree, or to mend more.
    pub asks: BTreeSet<Question>,
    /// Where the finding stands in all rounds.
    key: Key,
    /// Its place in the order of a batch.
    at: (String, u32),
}

impl Offer {
    /// Whether it can be applied at all.
    #[must_use]
    pub fn can_apply(&self) -> bool {
        self.fix.patch.is_some() && self.fix.safety != Safety::Sketch
    }

    /// What has to be known where it is only a sketch.
    #[must_use]
    pub fn needs(&self) -> Option<&'static str> {
        (!self.can_apply()).then(|| unfixed::open(self.check))
    }

    /// The order of a batch: file, place, check, subject.
    fn order(&self, other: &Self) -> Ordering {
        (&self.at, self.check.id, &self.key).cmp(&(&other.at, other.check.id, &other.key))
    }
}

/// What became of a tree.
#[derive(Debug)]
pub struct Mended {
    /// The report on the tree as it was.
    pub before: Report,
    /// The report on the mended tree.
    pub after: Report,
    /// The mended tree.
    pub tree: Tree,
    /// The change as a whole, against the tree as it was.
    pub patch: Patch,
    /// The paths that it touches.
    pub paths: BTreeSet<String>,
    /// What was applied, in order.
    pub applied: Vec<Offer>,
    /// What was not, because it made something worse or nothing better: our bugs, with what was seen.
    pub refused: Vec<(Offer, String)>,
    /// What was not asked for, and what only a human can do.
    pub left: Vec<Offer>,
    /// How often the tree was audited.
    pub audits: u32,
}

/// Mends a tree as far as its findings offer it and `wants` says, which is asked once a finding, with
/// the tree as it is by then.
///
/// # Errors
/// [`Conflict`] where a file that was read before cannot be read again.
pub fn mend(
    tree: &Tree,
    policy: &Policy,
    outside: &dyn Outside,
    wants: &mut dyn FnMut(&Offer, &Tree) -> bool,
) -> Result<Mended, Conflict> {
    let before = audit(tree, policy, outside);
    let mut state = State { policy, outside, audits: 1, waited: BTreeSet::new() };
    let (mut now, mut report) = (tree.clone(), before.clone());
    let (mut applied, mut refused, mut left) = (Vec::new(), Vec::new(), Vec::new());
    let mut decided: BTreeMap<Key, bool> = BTreeMap::new();
    let mut paths = BTreeSet::new();
    let mut resolved = Resolved::default();
    for _ in 0..MAX_ROUNDS {
        let mut wanted = Vec::new();
        left.clear();
        report.looked = Arc::new(Looked::with(resolved.clone()));
        let mut offered = offers(&report);
        if resolved.extend(outside.answer(&offered)) {
            report.looked = Arc::new(Looked::with(resolved.clone()));
            offered = offers(&report);
        }
        for offer in offered {
            // What a human has to do now may become possible when other fixes are made.
            let wanted_now = offer.can_apply()
                && *decided.entry(offer.key.clone()).or_insert_with(|| wants(&offer, &now));
            match wanted_now {
                true => wanted.push(offer),
                false => left.push(offer),
            }
        }
        if wanted.is_empty() {
            break;
        }
        let mut batch = Batch::default();
        wanted.retain(|offer| offer.fix.patch.as_ref().is_some_and(|patch| batch.take(patch)));
        let settled = state.settle(&now, &report, wanted);
        for (offer, why) in settled.refused {
            decided.insert(offer.key.clone(), false);
            refused.push((offer, why));
        }
        if let Some((mended, audited)) = settled.reached {
            paths.extend(settled.good.iter().flat_map(|offer| offer.files.iter().cloned()));
            applied.extend(settled.good);
            (now, report) = (mended, audited);
        }
    }
    left.retain(|offer| !refused.iter().any(|(refused, _)| refused.key == offer.key));
    let patch = difference(tree, &now, &paths)?;
    let audits = state.audits;
    Ok(Mended { before, after: report, tree: now, patch, paths, applied, refused, left, audits })
}

/// Every fix that the findings of a report offer, in the order of a batch. Accepted findings and
/// those of checks newer than the policy's edition offer none.
#[must_use]
pub fn offers(report: &Report) -> Vec<Offer> {
    let wrong = report
        .findings
        .iter()
        .filter(|finding| finding.is_problem() && finding.accepted.is_none() && !finding.newer);
    let mut offers: Vec<Offer> = wrong.filter_map(|finding| offer(report, finding)).collect();
    offers.sort_by(Offer::order);
    offers
}

/// The findings of a report that offer no fix though something is wrong, and why not.
#[must_use]
pub fn unmended(report: &Report) -> Vec<(&Finding, &'static str)> {
    let wrong = report
        .findings
        .iter()
        .filter(|finding| finding.is_problem() && finding.accepted.is_none() && !finding.newer);
    let none = wrong.filter(|finding| offer(report, finding).is_none());
    none.map(|finding| (finding, unfixed::why(finding.check))).collect()
}

fn offer(report: &Report, finding: &Finding) -> Option<Offer> {
    // A fix that panics is none; the driver has shown that its check does not.
    report.looked.take_open();
    let fix = catch_unwind(AssertUnwindSafe(|| report.fix(finding))).ok()??;
    let asks = report.looked.take_open();
    let tree = &report.delivery.tree;
    let mut places: BTreeSet<(String, u32)> = BTreeSet::new();
    if let Some(patch) = &fix.patch {
        let edits = patch.edits.iter().map(|edit| (edit.span.file, edit.span.range.start));
        let others = patch.remove.iter().chain(patch.chmod.iter().map(|(file, _)| file));
        let all = edits.chain(others.map(|&file| (file, 0)));
        places.extend(all.map(|(file, at)| (tree.path(file).to_owned(), at)));
        places.extend(patch.create.iter().map(|create| (create.path.clone(), 0)));
    }
    let mut files: Vec<String> = places.iter().map(|(path, _)| path.clone()).collect();
    files.dedup();
    let service = match finding.subject {
        Subject::Service(id) => Some(report.delivery[id].name.clone()),
        _ => None,
    };
    Some(Offer {
        check: finding.check,
        subject: report.subject_name(finding.subject).to_owned(),
        service,
        message: finding.message.clone(),
        named: named(report, finding, &fix),
        at: places.into_iter().next().unwrap_or_default(),
        fix,
        files,
        asks,
        key: key(report, finding),
    })
}

/// The files that a finding names, and its fix in words.
fn named(report: &Report, finding: &Finding, fix: &Fix) -> BTreeSet<String> {
    let tree = &report.delivery.tree;
    let places = finding.evidence.iter().map(|evidence| match &evidence.place {
        Place::Span(span) => tree.path(span.file).to_owned(),
        Place::File(file) => tree.path(*file).to_owned(),
        Place::AbsentPath(path) => path.to_string(),
    });
    let new = fix.patch.iter().flat_map(|patch| &patch.create);
    let said = new.map(|new| &new.path).filter(|path| fix.does.contains(path.as_str()));
    let shown = fix.snippet.iter().map(|snippet| &snippet.path);
    places.chain(said.chain(shown).cloned()).collect()
}

/// What a finding is about, whatever else changes in the tree.
type Key = (&'static str, String, String);

fn key(report: &Report, finding: &Finding) -> Key {
    let subject = finding.subject;
    let kind = match subject {
        Subject::Repository => "repository ",
        Subject::Service(_) => "service ",
        Subject::Image(_) => "image ",
        Subject::Container(_) => "container ",
        Subject::Script(_) => "script ",
    };
    let name = format!("{kind}{}", report.subject_name(subject));
    (finding.check.id, name, report.subject_path(subject).to_owned())
}

/// What offers come to as one batch, in whatever order they are given: those that collide with one
/// that comes before them in the order of a batch are left out.
#[must_use]
pub fn batch(offers: &[Offer]) -> Patch {
    let mut sorted: Vec<&Offer> = offers.iter().filter(|offer| offer.can_apply()).collect();
    sorted.sort_by(|a, b| a.order(b));
    let mut batch = Batch::default();
    for patch in sorted.iter().filter_map(|offer| offer.fix.patch.as_ref()) {
        batch.take(patch);
    }
    batch.into_patch()
}

/// All patches as one, each against the same tree: insertions at one place follow each other in this
/// order. `None` where two claim the same bytes, or would say the same thing twice.
#[must_use]
pub fn joined(patches: &[Patch]) -> Option<Patch> {
    let mut batch = Batch::default();
    patches.iter().all(|patch| batch.take(patch)).then(|| batch.into_patch())
}

/// Patches that go together.
#[derive(Default)]
struct Batch {
    /// What replaces each span; of an empty one, what is inserted there, in order.
    edits: BTreeMap<Span, Vec<Vec<u8>>>,
    create: BTreeMap<String, Create>,
    remove: BTreeSet<FileId>,
    chmod: BTreeMap<FileId, bool>,
}

impl Batch {
    /// Takes a patch in, unless it collides with one that is there.
    fn take(&mut self, patch: &Patch) -> bool {
        let touched = patch.edits.iter().map(|edit| edit.span.file);
        let free = patch.edits.iter().all(|edit| self.is_free(edit))
            && touched
                .chain(patch.chmod.iter().map(|(f, _)| *f))
                .all(|f| !self.remove.contains(&f))
            && patch.create.iter().all(|new| self.create.get(&new.path).is_none_or(|c| c == new))
            && patch.remove.iter().all(|file| !self.touches(*file))
            && patch
                .chmod
                .iter()
                .all(|(file, mode)| self.chmod.get(file).is_none_or(|m| m == mode));
        if !free {
            return false;
        }
        for Edit { span, insert } in &patch.edits {
            let texts = self.edits.entry(*span).or_default();
            if !texts.contains(insert) {
                texts.push(insert.clone());
            }
        }
        self.create.extend(patch.create.iter().map(|new| (new.path.clone(), new.clone())));
        self.remove.extend(&patch.remove);
        self.chmod.extend(patch.chmod.iter().copied());
        true
    }

    fn touches(&self, file: FileId) -> bool {
        self.chmod.contains_key(&file) || self.edits.keys().any(|span| span.file == file)
    }

    fn is_free(&self, Edit { span, insert }: &Edit) -> bool {
        let (start, end) = (span.range.start, span.range.end);
        if let Some(texts) = self.edits.get(span) {
            return texts.contains(insert)
                || span.range.is_empty()
                    && texts.iter().all(|text| subject_of(text) != subject_of(insert));
        }
        let is_gone = |texts: &[Vec<u8>]| texts.iter().all(Vec::is_empty);
        // What is inserted behind bytes that go may continue them.
        let collides = |other: &Span, texts: &[Vec<u8>]| {
            let (from, to) = (other.range.start, other.range.end);
            match (span.range.is_empty(), other.range.is_empty()) {
                (true, true) => false,
                (true, false) => from < start && (start < to || start == to && is_gone(texts)),
                (false, true) => start < from && (from < end || from == end && insert.is_empty()),
                (false, false) => from < end && start < to,
            }
        };
        // Those that are there do not collide with each other, so the nearest are enough.
        let before = self.edits.range(..*span).rev().take(2);
        let after = self.edits.range(*span..);
        let after = after.take_while(|(other, _)| other.range.start <= end.max(start + 1));
        !before.chain(after).any(|(other, texts)| other.file == span.file && collides(other, texts))
    }

    fn into_patch(self) -> Patch {
        let edits = self.edits.into_iter().map(|(span, mut texts)| {
            if texts.len() > 1 && texts.iter().all(|text| step_of(text).is_some()) {
                texts.sort_by_key(|text| step_of(text));
            }
            // Lines at one place continue what ends there: the innermost first.
            if texts.iter().all(|text| text.ends_with(b"\n")) {
                texts.sort_by_key(|text| std::cmp::Reverse(indent_of(text)));
            } else if texts.iter().all(|text| text.starts_with(b"\n")) {
                texts.sort_by_key(|text| std::cmp::Reverse(indent_of(&text[1..])));
            }
            Edit { span, insert: texts.concat() }
        });
        Patch {
            edits: edits.collect(),
            create: self.create.into_values().collect(),
            remove: self.remove.into_iter().collect(),
            chmod: self.chmod.into_iter().collect(),
        }
    }
}

/// Where a Dockerfile's instructions that are put at one place, or flags of one, stand among each other:
/// settings first, what runs next, then the user, then what starts.
fn step_of(text: &[u8]) -> Option<usize> {
    const ORDER: [&[u8]; 17] = [
        b"ARG",
        b"LABEL",
        b"ENV",
        b"COPY",
        b"RUN",
        b"EXPOSE",
        b"STOPSIGNAL",
        b"HEALTHCHECK",
        b"USER",
        b"ENTRYPOINT",
        b"CMD",
        b"--interval",
        b"--timeout",
        b"--start-period",
        b"--start-interval",
        b"--retries",
        b"--chown",
    ];
    let lines = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_start);
    // What several lines say ends in what they are for: a user is made, and switched to.
    lines.filter_map(|line| ORDER.iter().position(|name| subject_of(line) == *name)).max()
}

/// How many blanks a text begins with.
fn indent_of(text: &[u8]) -> usize {
    text.iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

/// What an inserted text is about: the key, flag or instruction that it begins with. Two that begin
/// with the same may not stand beside each other.
fn subject_of(text: &[u8]) -> &[u8] {
    let is_lead = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b'"' | b'\'');
    let start = text.iter().position(|b| !is_lead(b)).unwrap_or(text.len());
    let rest = text.get(start..).unwrap_or_default();
    let ends = |b: &u8| is_lead(b) || matches!(b, b':' | b'=');
    let end = rest.iter().position(ends).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

struct State<'a> {
    policy: &'a Policy,
    outside: &'a dyn Outside,
    audits: u32,
    /// Fixes that made nothing better beside others, once.
    waited: BTreeSet<Key>,
}

/// What became of a batch.
struct Settled {
    good: Vec<Offer>,
    refused: Vec<(Offer, String)>,
    /// The tree with all that is good, and its report.
    reached: Option<(Tree, Report)>,
}

impl State<'_> {
    /// Applies as much of a batch as makes nothing worse.
    fn settle(&mut self, tree: &Tree, report: &Report, batch: Vec<Offer>) -> Settled {
        let mut settled = Settled { good: Vec::new(), refused: Vec::new(), reached: None };
        let mut todo = vec![changes(batch)];
        while let Some(mut part) = todo.pop() {
            let together: Vec<&Offer> = settled.good.iter().chain(part.iter().flatten()).collect();
            let trouble = match self.attempt(tree, report, &together) {
                Ok(reached) => {
                    settled.good.extend(part.into_iter().flatten());
                    settled.good.sort_by(Offer::order);
                    settled.reached = Some(reached);
                    continue;
                }
                Err(trouble) => trouble,
            };
            // Those that did not help are known; what made something worse has to be looked for.
            let (useless, others): (Vec<Offer>, Vec<Offer>) =
                part.into_iter().flatten().partition(|offer| trouble.useless.contains(&offer.key));
            part = changes(others);
            if !useless.is_empty() {
                // What others change may have shown more of what it is about: it is offered again.
                let alone = part.is_empty() && settled.good.is_empty();
                let why = "its finding is no better for it".to_owned();
                let (again, wrong): (Vec<Offer>, Vec<Offer>) = useless
                    .into_iter()
                    .partition(|offer| !alone && self.waited.insert(offer.key.clone()));
                drop(again);
                settled.refused.extend(wrong.into_iter().map(|offer| (offer, why.clone())));
                todo.extend((!part.is_empty()).then_some(part));
            } else if part.len() == 1 {
                let culprit = part.pop().unwrap_or_default();
                todo = suspects_last(todo, &culprit);
                let why = trouble.what;
                settled.refused.extend(culprit.into_iter().map(|offer| (offer, why.clone())));
            } else {
                let second = part.split_off(part.len() / 2);
                todo.extend([second, part]);
            }
        }
        settled
    }

    fn attempt(
        &mut self,
        tree: &Tree,
        report: &Report,
        offers: &[&Offer],
    ) -> Result<(Tree, Report), Trouble> {
        let mut batch = Batch::default();
        let mut patches = offers.iter().filter_map(|offer| offer.fix.patch.as_ref());
        let fits = patches.all(|patch| batch.take(patch));
        let patch = batch.into_patch();
        let applied = match tree.apply(&patch) {
            Ok(applied) if fits => applied,
            Ok(_) => return Err(Trouble::of("two fixes claim the same bytes")),
            Err(conflict) => return Err(Trouble::of(&conflict.to_string())),
        };
        if let Some(path) = outside::misread(tree, &applied, &patch) {
            return Err(Trouble::of(&format!("{path} reads otherwise where nothing was changed")));
        }
        self.audits += 1;
        let again = audit(&applied, self.policy, self.outside);
        match compare(report, &again, offers) {
            Some(trouble) => Err(trouble),
            None => Ok((applied, again)),
        }
    }
}

/// Offers of one and the same change stand and fall together: each change of a batch, with the offers
/// that make it, in order.
fn changes(batch: Vec<Offer>) -> Vec<Vec<Offer>> {
    let mut changes: Vec<Vec<Offer>> = Vec::new();
    for offer in batch {
        // The same change is at the same place, and a batch is in the order of places.
        let mut near = changes
            .iter_mut()
            .rev()
            .take_while(|change| change.first().is_some_and(|other| other.at == offer.at));
        let same = near
            .find(|change| change.first().is_some_and(|other| other.fix.patch == offer.fix.patch));
        match same {
            Some(change) => change.push(offer),
            None => changes.push(vec![offer]),
        }
    }
    changes
}

/// What remains to be tried after a change was refused: those that hold all of it are tried last, each
/// by itself, so that the others are not taken apart for it again.
fn suspects_last(todo: Vec<Vec<Vec<Offer>>>, culprit: &[Offer]) -> Vec<Vec<Vec<Offer>>> {
    let Some(bad) = culprit.first().and_then(|offer| offer.fix.patch.as_ref()) else {
        return todo;
    };
    let is_suspect = |change: &Vec<Offer>| {
        let patch = change.first().and_then(|offer| offer.fix.patch.as_ref());
        patch.is_some_and(|patch| {
            bad.edits.iter().all(|edit| patch.edits.contains(edit))
                && bad.create.iter().all(|new| patch.create.contains(new))
                && bad.remove.iter().all(|file| patch.remove.contains(file))
                && bad.chmod.iter().all(|mode| patch.chmod.contains(mode))
        })
    };
    let (mut last, mut rest) = (Vec::new(), Vec::new());
    for part in todo {
        let (suspects, others): (Vec<_>, Vec<_>) = part.into_iter().partition(is_suspect);
        last.extend(suspects.into_iter().map(|change| vec![change]));
        rest.extend((!others.is_empty()).then_some(others));
    }
    last.extend(rest);
    last
}

/// What is wrong with a batch.
struct Trouble {
    what: String,
    /// Fixes whose finding is no better.
    useless: BTreeSet<Key>,
}

impl Trouble {
    fn of(what: &str) -> Self {
        Self { what: what.to_owned(), useless: BTreeSet::new() }
    }
}

/// What is worse after a batch, or not better though it should be.
fn compare(before: &Report, after: &Report, offers: &[&Offer]) -> Option<Trouble> {
    let was: BTreeMap<Key, &Finding> =
        before.findings.iter().map(|f| (key(before, f), f)).collect();
    let is: BTreeMap<Key, &Finding> = after.findings.iter().map(|f| (key(after, f), f)).collect();
    let worse = is.iter().find(|(key, now)| {
        let old = was.get(*key).map(|old| old.outcome);
        is_worse(old, now.outcome)
    });
    let against = |f: &Finding| f.evidence.iter().filter(|e| e.is_against()).count();
    let is_better = |offer: &&&Offer| match (was.get(&offer.key), is.get(&offer.key)) {
        (Some(old), Some(now)) => {
            let (from, to) = (worth(old.outcome), worth(now.outcome));
            let fewer = against(now) < against(old);
            // What is only no longer seen is not mended, unless that alone was in doubt before.
            if now.outcome == Outcome::Unknown && old.outcome != Outcome::Unknown {
                return fewer && doubts(after, now).is_subset(&doubts(before, old));
            }
            to > from || to == from && fewer
        }
        // What it was about is no more.
        _ => true,
    };
    let useless = offers.iter().filter(|offer| !is_better(offer)).map(|o| o.key.clone()).collect();
    let worse = worse.map(|((check, subject, _), now)| {
        format!("{check} of {subject} becomes {}: {}", now.outcome.name(), now.message)
    });
    let trouble = Trouble { what: worse.unwrap_or_default(), useless };
    (!trouble.what.is_empty() || !trouble.useless.is_empty()).then_some(trouble)
}

/// What a finding leaves open: in which file, and what is said there.
fn doubts<'r>(report: &'r Report, finding: &'r Finding) -> BTreeSet<(&'r str, &'r str)> {
    let open = finding.evidence.iter().filter(|e| e.role == Role::Context);
    open.map(|e| {
        let file = match &e.place {
            Place::Span(span) => report.delivery.tree.path(span.file),
            Place::File(file) => report.delivery.tree.path(*file),
            Place::AbsentPath(path) => path.as_str(),
        };
        (file, e.says.as_ref())
    })
    .collect()
}

/// How good an answer is, as far as fixes go: not to know is no better than to fail.
const fn worth(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Fail | Outcome::Unknown => 0,
        Outcome::Partial => 1,
        Outcome::Pass | Outcome::NotApplicable => 2,
    }
}

/// Whether an answer is worse than the one before, if there was one: a FAIL or PARTIAL where there
/// was none, a FAIL for a PARTIAL, no answer for a PASS.
const fn is_worse(old: Option<Outcome>, now: Outcome) -> bool {
    match now {
        Outcome::Fail => !matches!(old, Some(Outcome::Fail)),
        Outcome::Partial => !matches!(old, Some(Outcome::Fail | Outcome::Partial)),
        Outcome::Unknown => matches!(old, Some(Outcome::Pass)),
        Outcome::Pass | Outcome::NotApplicable => false,
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_source::TextRange;

    use super::*;

    fn edit(start: u32, end: u32, insert: &str) -> Patch {
        let span = Span::new(FileId(0), TextRange::new(start, end));
        let edits = vec![Edit { span, insert: insert.into() }];
        Patch { edits, ..Patch::default() }
    }

    #[track_caller]
    fn check(first: (u32, u32, &str), second: (u32, u32, &str), expected: Option<&str>) {
        let patches = [edit(first.0, first.1, first.2), edit(second.0, second.1, second.2)];
        let tree = Tree::from_memory([("a", "0123456789")]);
        let text = joined(&patches).map(|patch| {
            let tree = tree.apply(&patch).expect("patches that are joined apply");
            String::from_utf8_lossy(&tree.read(FileId(0)).expect("in memory")).into_owned()
        });
        assert_eq!(text.as_deref(), expected);
    }

    #[test]
    fn what_claims_the_same_bytes_waits() {
        check((2, 4, "x"), (4, 6, "y"), Some("01xy6789"));
        check((2, 4, "x"), (3, 6, "y"), None);
        check((3, 6, "x"), (2, 4, "y"), None);
        check((2, 6, "x"), (4, 4, "y"), None);
        check((4, 4, "y"), (2, 6, "x"), None);
        check((2, 4, "x"), (2, 4, "x"), Some("01x456789"));
        check((2, 4, "x"), (2, 4, "y"), None);
        check((2, 2, "y"), (2, 4, "x"), Some("01yx456789"));
        check((2, 4, "x"), (4, 4, "y"), Some("01xy456789"));
        // What stands behind bytes that go may belong to them.
        check((2, 4, ""), (4, 4, "y"), None);
        check((4, 4, "y"), (2, 4, ""), None);
        check((2, 2, "y"), (2, 4, ""), Some("01y456789"));
    }

    #[test]
    fn insertions_at_one_place_follow_each_other_unless_they_say_the_same() {
        check((4, 4, " --a=1"), (4, 4, " --b=2"), Some("0123 --a=1 --b=2456789"));
        check((4, 4, " --a=1"), (4, 4, " --a=2"), None);
        check(
            (4, 4, ",\n \"a\": 1"),
            (4, 4, ",\n \"b\": 1"),
            Some("0123,\n \"a\": 1,\n \"b\": 1456789"),
        );
        check((4, 4, "init: true\n"), (4, 4, "init: true\n"), Some("0123init: true\n456789"));
        // What continues the innermost of what ends there comes first, whichever is taken first.
        check((4, 4, "  b: 1\n"), (4, 4, "    a: 1\n"), Some("0123    a: 1\n  b: 1\n456789"));
        check((4, 4, "    a: 1\n"), (4, 4, "  b: 1\n"), Some("0123    a: 1\n  b: 1\n456789"));
        // Instructions and flags in the order in which they are read, whichever is taken first.
        let user = (4, 4, "RUN adduser a\nUSER 1:1\n");
        for (one, other, both) in [
            (
                (4, 4, "ENTRYPOINT [\"tini\"]\n"),
                user,
                "RUN adduser a\nUSER 1:1\nENTRYPOINT [\"tini\"]\n",
            ),
            ((4, 4, "COPY a b\n"), user, "COPY a b\nRUN adduser a\nUSER 1:1\n"),
            (
                (4, 4, "HEALTHCHECK \\\n  CMD a\n"),
                (4, 4, "ENV A=1\n"),
                "ENV A=1\nHEALTHCHECK \\\n  CMD a\n",
            ),
            ((4, 4, " --retries=3"), (4, 4, " --interval=30s"), " --interval=30s --retries=3"),
        ] {
            let text = format!("0123{both}456789");
            check(one, other, Some(&text));
            check(other, one, Some(&text));
        }
    }

    /// One bad change that `shared` findings ask for, and `wider` ones as a part of theirs, among good
    /// ones: who is refused, and after how many audits.
    #[track_caller]
    fn refused(shared: usize, wider: usize, audits: u32) {
        let text = "FROM alpine:3.22\nADD x /x\nRUN apk add curl\nUSER 1:1\nCMD [\"/x\"]\n";
        let dirs = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let files = dirs.map(|dir| (format!("{dir}/Dockerfile"), text));
        let sources = dirs.map(|dir| (format!("{dir}/x"), ""));
        let tree = Tree::from_memory(files.into_iter().chain(sources));
        let policy = Policy::default();
        let report = audit(&tree, &policy, &());
        let is_meant = |offer: &Offer| {
            ["build/copies-not-adds", "build/clears-package-cache"].contains(&offer.check.id)
        };
        let mut batch: Vec<Offer> = offers(&report).into_iter().filter(is_meant).collect();
        assert_eq!(batch.len(), 16);
        let file = tree.find("d/Dockerfile").expect("it is there");
        let mine = |offer: &&mut Offer| offer.files == ["d/Dockerfile"];
        // Read as before where nothing is changed: only an audit tells that it is bad.
        let end = text.find("CMD").expect("it starts something");
        let span = Span::new(file, TextRange::of(end, end));
        let root = Edit { span, insert: b"USER root\n".into() };
        let (mut at, mut all) = (0, Vec::new());
        for offer in batch.iter_mut().filter(mine) {
            // More findings of the same image, as other checks would have them.
            for _ in 0..(shared + wider) / 2 {
                let mut other = offer.clone();
                other.key.1 = format!("{} {at}", other.key.1);
                let patch = other.fix.patch.as_mut().expect("it can be applied");
                if at < shared {
                    patch.edits = vec![root.clone()];
                } else {
                    patch.edits.push(root.clone());
                }
                other.at.1 = 0;
                at += 1;
                all.push(other);
            }
        }
        batch.extend(all);
        batch.sort_by(Offer::order);
        let mut state = State { policy: &policy, outside: &(), audits: 0, waited: BTreeSet::new() };
        let settled = state.settle(&tree, &report, batch);
        assert_eq!(settled.good.len(), 16);
        assert_eq!(settled.refused.len(), shared + wider);
        assert_eq!(state.audits, audits);
    }

    #[test]
    fn a_bad_change_is_looked_for_once_however_many_findings_share_it() {
        refused(2, 0, 9);
        refused(8, 0, 9);
        refused(4, 4, 11);
    }

    #[test]
    fn to_know_less_is_worse_and_to_fail_as_before_is_not() {
        use Outcome::*;
        for (old, now, worse) in [
            (Some(Fail), Fail, false),
            (Some(Partial), Fail, true),
            (Some(Unknown), Fail, true),
            (None, Partial, true),
            (Some(Pass), Unknown, true),
            (Some(NotApplicable), Unknown, false),
            (Some(Fail), Unknown, false),
        ] {
            assert_eq!(is_worse(old, now), worse, "{old:?} {now:?}");
        }
    }
}
