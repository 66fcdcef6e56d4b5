//! The answer to «nothing dangerous is asked for»: what speaks against it, wholly or in part, what
//! shows that it holds, and what is not known, of one container.

use plimsoll_model::container::Container;
use plimsoll_model::engine::Said;
use plimsoll_model::{Fact, Why};
use plimsoll_source::Span;

use crate::evidence::clip;
use crate::{Evidence, Verdict};

/// What was found at one container.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) bad: Vec<Evidence>,
    pub(crate) partly: Vec<Evidence>,
    pub(crate) good: Vec<Evidence>,
    pub(crate) open: Option<(Why, Span)>,
}

/// How a check says it. Those for what is wrong follow the container's name.
pub(crate) struct Words {
    pub(crate) fail: &'static str,
    pub(crate) partial: &'static str,
    pub(crate) pass: &'static str,
    /// What the container's block shows where nothing else does.
    pub(crate) none: &'static str,
}

impl Asked {
    /// The verdict: what is bad decides, then what is not known, then what is bad in part.
    pub(crate) fn verdict(self, container: &Container, words: &Words) -> Verdict {
        let name = clip(&container.name);
        let open = self.open.or(container.open);
        let mut bad = self.bad.into_iter();
        let mut partly = self.partly.into_iter();
        let mut good = self.good.into_iter();
        let verdict = if let Some(first) = bad.next() {
            Verdict::fail(format!("`{name}` {}", words.fail), first)
        } else if let Some((why, at)) = open {
            let message = format!("what `{name}` is given depends on what is not known here");
            Verdict::unknown(why, message, Evidence::context(at, why.decide()))
        } else if let Some(first) = partly.next() {
            Verdict::partial(format!("`{name}` {}", words.partial), first)
        } else {
            let none = || Evidence::missing_in(container.span, words.none);
            Verdict::pass(words.pass, good.next().unwrap_or_else(none))
        };
        verdict.and_all(bad).and_all(partly).and_all(good)
    }

    /// What one setting says: bad where `is_bad` says so.
    pub(crate) fn setting(fact: &Fact<String>, is_bad: impl Fn(&str) -> Option<String>) -> Self {
        let mut asked = Self::default();
        match fact {
            Fact::Known { value, at, .. } => {
                if let (Some(says), Some(at)) = (is_bad(value.trim()), at.span) {
                    asked.bad.push(Evidence::contradicts(at, says));
                }
            }
            Fact::Absent => {}
            Fact::Unknown(why, at) => asked.open = at.map(|at| (*why, at)),
        }
        asked
    }

    /// What a switch says: bad where it is on.
    pub(crate) fn switch(fact: &Fact<bool>, says: &'static str) -> Self {
        let mut asked = Self::default();
        match fact {
            Fact::Known { value: true, at, .. } => {
                asked.bad.extend(at.span.map(|at| Evidence::contradicts(at, says)));
            }
            Fact::Known { .. } | Fact::Absent => {}
            Fact::Unknown(why, at) => asked.open = at.map(|at| (*why, at)),
        }
        asked
    }

    /// What the words of a list say: bad where `is_bad` says so, not known where they are variables.
    pub(crate) fn list(said: &[Said], is_bad: impl Fn(&str) -> Option<String>) -> Self {
        let mut asked = Self::default();
        for (word, at) in said {
            if let Some(says) = is_bad(word.trim()) {
                asked.bad.push(Evidence::contradicts(*at, says));
            } else if word.contains("${") {
                asked.open = Some((Why::Dynamic, *at));
            }
        }
        asked
    }

    /// Both.
    pub(crate) fn with(mut self, other: Self) -> Self {
        self.bad.extend(other.bad);
        self.partly.extend(other.partly);
        self.good.extend(other.good);
        self.open = self.open.or(other.open);
        self
    }
}

/// The value of a security option by its name, whichever sign stands between: `seccomp=unconfined`.
pub(crate) fn option<'o>(option: &'o str, name: &str) -> Option<&'o str> {
    let rest = option.trim().strip_prefix(name)?;
    Some(rest.strip_prefix([':', '='])?.trim())
}

/// Whether a container drops all capabilities; `Absent` where it drops none or only some.
pub(crate) fn drops_all(container: &Container) -> Fact<bool> {
    // What is added comes back: with all of them, nothing is dropped. Who is privileged has them all.
    let is_all = |name: &str| {
        let name = name.trim().to_ascii_uppercase();
        name.strip_prefix("CAP_").unwrap_or(&name) == "ALL"
    };
    let is_privileged = container.privileged.known() == Some(&true);
    if is_privileged || container.engine.cap_add.iter().any(|(name, _)| is_all(name)) {
        return Fact::Absent;
    }
    let variable = container.cap_drop.iter().find(|(name, _)| name.contains('$'));
    let all = container.cap_drop.iter().find(|(name, _)| is_all(name));
    match (all, container.open, variable) {
        (Some((_, at)), ..) => Fact::declared(true, *at),
        (None, Some((why, at)), _) => Fact::Unknown(why, Some(at)),
        (None, None, Some((_, at))) => Fact::Unknown(Why::Dynamic, Some(*at)),
        (None, None, None) => Fact::Absent,
    }
}

/// Security options that take a profile away which the engine holds every container by.
pub(crate) fn unheld(container: &Container) -> impl Iterator<Item = Span> {
    let off = |text: &str| {
        ["seccomp", "apparmor", "systempaths"].iter().any(|n| option(text, n) == Some("unconfined"))
            || option(text, "label") == Some("disable")
    };
    container.engine.security_opt.iter().filter(move |(text, _)| off(text)).map(|(_, at)| *at)
}
