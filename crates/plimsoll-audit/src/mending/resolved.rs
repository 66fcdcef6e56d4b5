//! What a tree cannot tell: what tags name today. Fixes ask, the caller answers or does not, and what
//! was answered is a table with a date, as the shipped one is.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::reference::ImageRef;

use super::Looked;
use crate::{Cx, Date};

/// What the address of a git repository begins with that lies on the same forge as the audited one: its
/// path follows.
pub const SAME_FORGE: &str = "forge:";

/// What a fix would have to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// The digest that a tag of an image names.
    Digest {
        /// The registry's host, `docker.io` where none is written.
        registry: String,
        /// The repository: `library/node`.
        repository: String,
        /// The tag.
        tag: String,
    },
    /// The commit that a tag or branch of a git repository names.
    Commit {
        /// Where it is fetched from: `https://github.com/actions/checkout`, or [`SAME_FORGE`] and a path.
        url: String,
        /// The tag or branch; `HEAD` for the default one.
        name: String,
    },
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The digest with its algorithm (`sha256:` and 64 hexadecimal digits), or the whole commit.
    pub names: String,
    /// Of a commit: the longest version that names it, where it is not the one that was asked for.
    pub version: Option<String>,
}

/// Answers, and when they were given.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The day on which it was asked.
    pub date: Option<Date>,
    /// What was answered; what is not here is not known.
    pub answers: BTreeMap<Question, Answer>,
}

impl Resolved {
    /// Takes further answers in. Returns whether there were any.
    pub(crate) fn extend(&mut self, more: Self) -> bool {
        let any = !more.answers.is_empty();
        self.date = more.date.or(self.date.take());
        self.answers.extend(more.answers);
        any
    }
}

impl Looked {
    /// Nothing looked at yet, with what is known from outside.
    pub(crate) fn with(resolved: Resolved) -> Self {
        Self { resolved, ..Self::default() }
    }

    /// The questions of the fixes that were made since, which nothing answers.
    pub(crate) fn take_open(&self) -> BTreeSet<Question> {
        std::mem::take(&mut *super::lock(&self.open))
    }
}

fn ask(cx: &Cx<'_>, question: Question) -> Option<Answer> {
    let looked = cx.looked?;
    let answer = looked.resolved.answers.get(&question).cloned();
    if answer.is_none() {
        super::lock(&looked.open).insert(question);
    }
    answer
}

/// The digest that the tag of an image names, if that could be asked.
pub(crate) fn digest(cx: &Cx<'_>, image: &ImageRef) -> Option<String> {
    let ImageRef { registry, repository, tag, .. } = image.clone();
    Some(ask(cx, Question::Digest { registry, repository, tag: tag? })?.names)
}

/// The commit that a tag or branch of a repository names, if that could be asked, and what to call it.
pub(crate) fn commit(cx: &Cx<'_>, url: String, name: &str) -> Option<(String, String)> {
    let answer = ask(cx, Question::Commit { url, name: name.to_owned() })?;
    Some((answer.names, answer.version.unwrap_or_else(|| name.to_owned())))
}

/// «on 2026-08-03»: when it was asked.
pub(crate) fn day(cx: &Cx<'_>) -> Option<String> {
    let date = cx.looked?.resolved.date.as_ref()?;
    Some(format!("on {date}"))
}
