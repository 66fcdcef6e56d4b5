//! Evidence for and against, put together from several places, and the verdict that follows.

use std::borrow::Cow;
use std::collections::HashSet;

use plimsoll_model::Why;
use plimsoll_source::Span;

use crate::evidence::Role;
use crate::{Cx, Evidence, Verdict, proxies};

/// The most places that one verdict shows.
const MAX_SHOWN: usize = 60;

/// Evidence for and against, of several places.
#[derive(Default)]
pub(crate) struct Answers {
    good: Vec<Evidence>,
    bad: Vec<Evidence>,
    unsure: Vec<(Why, Evidence)>,
    context: Vec<Evidence>,
}

impl Answers {
    /// This place shows that it holds.
    pub(crate) fn good(&mut self, span: Span, says: impl Into<Cow<'static, str>>) {
        self.good.push(Evidence::shows(span, says));
    }

    /// This place contradicts it.
    pub(crate) fn bad(&mut self, span: Span, says: impl Into<Cow<'static, str>>) {
        self.bad.push(Evidence::contradicts(span, says));
    }

    /// This helps to understand what speaks against.
    pub(crate) fn context(&mut self, span: Span, says: impl Into<Cow<'static, str>>) {
        self.context.push(Evidence::context(span, says));
    }

    /// Evidence against, as it is.
    pub(crate) fn push_bad(&mut self, evidence: Evidence) {
        self.bad.push(evidence);
    }

    /// Something is missing here.
    pub(crate) fn missing(&mut self, span: Span, says: impl Into<Cow<'static, str>>) {
        self.bad.push(Evidence::missing_in(span, says));
    }

    /// It cannot be told here.
    pub(crate) fn unsure(&mut self, why: Why, span: Span, says: impl Into<Cow<'static, str>>) {
        self.unsure.push((why, Evidence::context(span, says)));
    }

    /// One answer about proxies: what fails, what holds, what cannot be told, in words. A
    /// configuration that is not read to its end may say otherwise.
    pub(crate) fn verdict(
        mut self,
        cx: &Cx<'_>,
        fails: &'static str,
        holds: &'static str,
        unknown: &'static str,
    ) -> Verdict {
        if let Some(at) = proxies::broken(cx)
            && self.unsure.is_empty()
            && self.bad.is_empty()
        {
            self.unsure(Why::Unparsed, at, "parts of it are not read");
            return self.joined(fails, holds, "a proxy's configuration does not parse");
        }
        self.joined(fails, holds, unknown)
    }

    /// One answer: what fails, what holds, what cannot be told, in words.
    pub(crate) fn joined(
        self,
        fails: &'static str,
        holds: &'static str,
        unknown: &'static str,
    ) -> Verdict {
        let why = self.unsure.first().map_or(Why::Dynamic, |(why, _)| *why);
        let unsure: Vec<Evidence> = self.unsure.into_iter().map(|(_, e)| e).collect();
        if !self.bad.is_empty() {
            let mut all = once(self.bad.into_iter().chain(self.context).collect());
            if let Some(first) = all.next() {
                return Verdict::fail(fails, first).and_all(all);
            }
        }
        let mut unsure = once(unsure);
        if let Some(first) = unsure.next() {
            return Verdict::unknown(why, unknown, first).and_all(unsure);
        }
        let mut good = once(self.good);
        match good.next() {
            Some(first) => Verdict::pass(holds, first).and_all(good),
            None => {
                let nothing = Evidence::missing_file(".", "nothing of the kind");
                Verdict::not_applicable("does not apply: nothing here is asked about", nothing)
            }
        }
    }
}

/// Each place and role once, and no more than anyone reads.
fn once(mut list: Vec<Evidence>) -> impl Iterator<Item = Evidence> {
    let mut seen: HashSet<(crate::evidence::Place, Role)> = HashSet::new();
    list.retain(|evidence| seen.insert((evidence.place.clone(), evidence.role)));
    list.truncate(MAX_SHOWN);
    list.into_iter()
}
