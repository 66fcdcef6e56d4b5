//! Acceptances at work: which evidence each covers, which are not in force, which met nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_model::Delivery;
use plimsoll_model::service::Service;
use plimsoll_source::{FileId, Span, TextRange};
use rayon::prelude::*;

use crate::comment::{self, Accepts, Comment, Setting};
use crate::config::{Accept, Date};
use crate::policy::{CONFIG_NAME, is_at_or_below};
use crate::{Check, Cx, Evidence, Outcome, Place, Policy, Relation, Role, Severity, Verdict};

/// Every acceptance of a tree and its policy. Checks are asked in parallel, so what is met is marked
/// in place; a mark is only ever set, and read when all checks have answered.
#[derive(Debug, Default)]
pub struct Waivers {
    comments: BTreeMap<FileId, OfFile>,
    /// What other tools' settings switch off.
    settings: Vec<Setting>,
    entries: Vec<Entry>,
    today: Option<Date>,
}

#[derive(Debug, Default)]
struct OfFile {
    /// In the order of the file.
    comments: Vec<(Comment, AtomicBool)>,
    wrong: Vec<comment::Trouble>,
    /// Whether anything in it is evidence: else it was not audited.
    seen: AtomicBool,
}

/// An `[[accept]]`.
#[derive(Debug)]
struct Entry {
    accept: Accept,
    /// Where it stands.
    place: Place,
    /// The directory that its configuration holds for.
    dir: String,
    /// The path that it names, relative to the audited root.
    path: Option<String>,
    /// Whether all that it could meet is in this tree.
    whole: bool,
    met: AtomicBool,
    seen: AtomicBool,
}

/// An acceptance that is not as it should be.
pub(crate) struct Stale {
    pub(crate) place: Place,
    pub(crate) says: String,
    pub(crate) severity: Severity,
}

impl Waivers {
    /// The acceptances of a model and a policy.
    pub(crate) fn of(delivery: &Delivery, policy: &Policy) -> Self {
        let read = |&file: &FileId| {
            let path = delivery.tree.path(file);
            if !comment::may_stand_in(path) {
                return None;
            }
            let bytes = delivery.tree.read(file).ok()?;
            if !comment::may_hold(&bytes) {
                return None;
            }
            let (found, wrong) = comment::read(path, &bytes);
            let comments: Vec<_> = found.into_iter().map(|c| (c, AtomicBool::default())).collect();
            let any = !comments.is_empty() || !wrong.is_empty();
            any.then(|| (file, OfFile { comments, wrong, seen: AtomicBool::default() }))
        };
        // Migrations are read when they are asked about, not with the model.
        let migrations = delivery.migrations.iter().flat_map(|migrations| &migrations.files);
        let files: BTreeSet<FileId> = delivery.read.iter().chain(migrations).copied().collect();
        let comments = files.par_iter().filter_map(read).collect();
        let mut entries = Vec::new();
        for layer in &policy.layers {
            for accept in &layer.config.accept {
                let path = accept.path.as_deref().map(|path| layer.resolve(path));
                // What it speaks of lies outside of the audited directory.
                if path == Some(None) {
                    continue;
                }
                let own = match &*layer.dir {
                    "" => CONFIG_NAME.to_owned(),
                    dir => format!("{dir}/{CONFIG_NAME}"),
                };
                let in_tree = delivery
                    .tree
                    .find(&own)
                    .filter(|_| layer.way.is_empty() && layer.file.ends_with(&own));
                let range = TextRange::of(accept.at.start, accept.at.end);
                entries.push(Entry {
                    accept: accept.clone(),
                    place: in_tree
                        .map_or(Place::AbsentPath(Arc::new(layer.file.clone())), |file| {
                            Place::Span(Span::new(file, range))
                        }),
                    dir: layer.dir.clone(),
                    path: path.flatten(),
                    whole: layer.way.is_empty(),
                    met: AtomicBool::default(),
                    seen: AtomicBool::default(),
                });
            }
        }
        let settings = comment::settings(|name| delivery.tree.read(delivery.tree.find(name)?).ok());
        Self { comments, settings, entries, today: policy.today.clone() }
    }

    /// Where the first acceptance stands; `None` where there is none of ours.
    pub(crate) fn first(&self) -> Option<Place> {
        let of_file = |(&file, of): (&FileId, &OfFile)| {
            let ours = of.comments.iter().filter(|(c, _)| matches!(c.accepts, Accepts::Check(_)));
            let at = ours.map(|(c, _)| c.at).chain(of.wrong.iter().map(|w| w.at)).min()?;
            Some(Place::Span(Span::new(file, at)))
        };
        let entry = self.entries.first().map(|entry| entry.place.clone());
        entry.or_else(|| self.comments.iter().find_map(of_file))
    }

    /// Marks what is accepted of a verdict. Gives the reason where all that speaks against it is;
    /// of a question without an answer, where the question itself is.
    pub(crate) fn apply(
        &self,
        cx: &Cx<'_>,
        check: &Check,
        service: Option<&Service>,
        verdict: &mut Verdict,
    ) -> Option<Arc<str>> {
        if self.comments.is_empty() && self.entries.is_empty() && self.settings.is_empty() {
            return None;
        }
        let unknown = verdict.outcome == Outcome::Unknown;
        let problem = matches!(verdict.outcome, Outcome::Fail | Outcome::Partial);
        let (mut reason, mut open) = (None, false);
        let asked = verdict.outcome != Outcome::NotApplicable;
        for evidence in &mut verdict.evidence {
            if asked {
                self.see(cx, check, &evidence.place);
            }
            if problem && evidence.is_against() || unknown {
                let why = self.covering(cx, check, service, Some(evidence));
                open |= why.is_none();
                evidence.waived = why.clone().filter(|_| problem);
                reason = reason.or(why);
            }
        }
        if reason.is_none() && !open && (problem || unknown) {
            return self.covering(cx, check, service, None);
        }
        reason.filter(|_| !open || unknown)
    }

    /// Marks what a piece of evidence shows to be audited.
    fn see(&self, cx: &Cx<'_>, check: &Check, place: &Place) {
        if let Some(of) = file_of(place).and_then(|file| self.comments.get(&file)) {
            of.seen.store(true, Ordering::Relaxed);
        }
        let entries = self.entries.iter().filter(|entry| entry.accept.check == check.id);
        for entry in entries.filter(|entry| !entry.seen.load(Ordering::Relaxed)) {
            if entry.path.as_deref().is_none_or(|path| is_at_or_below(path_of(cx, place), path)) {
                entry.seen.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Why a piece of evidence (or, without one, the whole answer) is accepted.
    fn covering(
        &self,
        cx: &Cx<'_>,
        check: &Check,
        service: Option<&Service>,
        evidence: Option<&Evidence>,
    ) -> Option<Arc<str>> {
        let mut found = None;
        let entries = self.entries.iter().filter(|entry| entry.accept.check == check.id);
        for entry in entries.filter(|entry| entry.covers(cx, service, evidence)) {
            entry.met.store(true, Ordering::Relaxed);
            let Accept { reason, owner, until, .. } = &entry.accept;
            if found.is_none() && self.in_force(until.as_ref()) {
                found = Some(why(reason, owner.as_deref(), until.as_ref()));
            }
        }
        let file = evidence.and_then(|evidence| file_of(&evidence.place));
        let of_file = evidence.zip(file.and_then(|file| self.comments.get(&file)));
        for (evidence, (comment, met)) in
            of_file.into_iter().flat_map(|(e, of)| of.comments.iter().map(move |c| (e, c)))
        {
            if comment_covers(comment, check, evidence) {
                met.store(true, Ordering::Relaxed);
                if found.is_none() && self.in_force(comment.until.as_ref()) {
                    found = Some(of_comment(comment));
                }
            }
        }
        let switched_off = |evidence: &Evidence, Setting { files, comment }: &Setting| {
            self.in_force(comment.until.as_ref())
                && comment_covers(comment, check, evidence)
                && files.hold(path_of(cx, &evidence.place))
        };
        let setting = |evidence| self.settings.iter().find(|of| switched_off(evidence, of));
        found.or_else(|| Some(of_comment(&setting(evidence?)?.comment)))
    }

    fn in_force(&self, until: Option<&Date>) -> bool {
        match (until, &self.today) {
            (Some(until), Some(today)) => today <= until,
            _ => true,
        }
    }

    /// Every acceptance of ours that says nothing, is over, or met nothing where it was asked.
    pub(crate) fn stale(&self, cx: &Cx<'_>) -> Vec<Stale> {
        let mut stale = Vec::new();
        let mut judge = |place: Place,
                         check: &str,
                         until: Option<&Date>,
                         met: bool,
                         asked: bool,
                         wrong: &str| {
            let (says, severity) = match until {
                Some(day) if !self.in_force(until) => {
                    (format!("`{check}` was accepted until {day}"), Severity::Medium)
                }
                _ if asked && !met => {
                    (format!("`{check}` finds nothing here to accept{wrong}"), Severity::Low)
                }
                _ => return,
            };
            stale.push(Stale { place, says, severity });
        };
        for entry in &self.entries {
            let Accept { check, service, until, .. } = &entry.accept;
            // One of a service that is not audited may be needed when it is.
            let named = |s: &&Service| service.as_deref().is_none_or(|name| s.name == name);
            let left_out = |s: &Service| {
                !s.purpose.is_production() && !cx.policy.purposes.contains(&s.purpose.kind)
            };
            let named: Vec<&Service> = cx.delivery.services.iter().filter(named).collect();
            let out = service.is_some() && !named.is_empty() && named.iter().all(|s| left_out(s));
            let there = |path: &str| {
                path.is_empty()
                    || cx.delivery.tree.find(path).is_some()
                    || cx.delivery.tree.is_dir(path)
            };
            let seen =
                entry.seen.load(Ordering::Relaxed) || !entry.path.as_deref().is_none_or(there);
            let met = entry.met.load(Ordering::Relaxed);
            let wrong = match service {
                Some(name) if named.is_empty() => format!(": {}", no_such_service(cx, name)),
                _ => String::new(),
            };
            let asked = entry.whole && seen && !out;
            judge(entry.place.clone(), check, until.as_ref(), met, asked, &wrong);
        }
        for (&file, of) in &self.comments {
            for (comment, met) in &of.comments {
                let Accepts::Check(check) = &comment.accepts else { continue };
                let place = Place::Span(Span::new(file, comment.at));
                let (met, seen) = (met.load(Ordering::Relaxed), of.seen.load(Ordering::Relaxed));
                judge(place, check, comment.until.as_ref(), met, seen, "");
            }
        }
        for (&file, of) in &self.comments {
            stale.extend(of.wrong.iter().map(|wrong| Stale {
                place: Place::Span(Span::new(file, wrong.at)),
                says: wrong.says.clone(),
                severity: Severity::Medium,
            }));
        }
        stale
    }
}

impl Entry {
    fn covers(&self, cx: &Cx<'_>, service: Option<&Service>, evidence: Option<&Evidence>) -> bool {
        let at = evidence.map(|evidence| path_of(cx, &evidence.place));
        let below = |dir: &str| at.is_some_and(|path| is_at_or_below(path, dir));
        let of_dir = || service.is_some_and(|s| is_at_or_below(&s.dir, &self.dir));
        self.accept.service.as_deref().is_none_or(|name| service.is_some_and(|s| s.name == name))
            && self.path.as_deref().is_none_or(below)
            && (self.dir.is_empty() || of_dir() || below(&self.dir))
    }
}

/// Why something is accepted, by whom and how long.
fn why(reason: &str, owner: Option<&str>, until: Option<&Date>) -> Arc<str> {
    let by = owner.map(|owner| format!("by {owner}"));
    let until = until.map(|day| format!("until {day}"));
    let more: Vec<String> = [by, until].into_iter().flatten().collect();
    if more.is_empty() { reason.into() } else { format!("{reason} ({})", more.join(", ")).into() }
}

fn of_comment(comment: &Comment) -> Arc<str> {
    why(&comment.reason, comment.owner.as_deref(), comment.until.as_ref())
}

fn no_such_service(cx: &Cx<'_>, name: &str) -> String {
    let names: Vec<&str> = cx.delivery.services.iter().map(|s| &*s.name).collect();
    crate::policy::no_such_service(name, &names)
}

/// Whether a comment speaks of a piece of evidence.
fn comment_covers(comment: &Comment, check: &Check, evidence: &Evidence) -> bool {
    let begins_in = match (&evidence.place, comment.construct) {
        (Place::AbsentPath(_), _) | (Place::File(_), Some(_)) => false,
        (_, None) => true,
        (Place::Span(span), Some(range)) => range.contains(span.range.start),
    };
    begins_in
        && match &comment.accepts {
            Accepts::Check(id) => id == check.id,
            Accepts::Rules(tool, rules) => {
                let parts = check.parts.iter().filter(|part| part.name == evidence.part);
                parts.flat_map(|part| part.equivalents).any(|theirs| {
                    theirs.tool == *tool
                        && (rules.is_empty()
                            || rules.iter().any(|rule| comment::is_rule(tool, rule, theirs.rule)))
                        && is_exact(theirs.relation, comment, evidence)
                })
            }
        }
}

/// Whether another tool's rule, silenced where it is, would speak of just this evidence. One that
/// fires on as much as ours or on more does. One that fires on less does where the comment stands at
/// the very construct that ours contradicts; of a whole file, or of what is missing in it, nobody
/// can say.
fn is_exact(relation: Relation, comment: &Comment, evidence: &Evidence) -> bool {
    match relation {
        Relation::Same | Relation::Wider => true,
        Relation::Narrower => comment.construct.is_some() && evidence.role == Role::Contradicts,
    }
}

fn file_of(place: &Place) -> Option<FileId> {
    match place {
        Place::Span(span) => Some(span.file),
        Place::File(file) => Some(*file),
        Place::AbsentPath(_) => None,
    }
}

fn path_of<'a>(cx: &Cx<'a>, place: &'a Place) -> &'a str {
    match place {
        Place::AbsentPath(path) => path,
        Place::Span(span) => cx.path(span.file),
        Place::File(file) => cx.path(*file),
    }
}
