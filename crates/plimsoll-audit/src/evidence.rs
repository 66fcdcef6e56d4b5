//! Evidence: the places that prove a verdict. Evidence is the instance that waivers and baselines act on.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use foldhash::HashMap;
use plimsoll_model::redact::redacted;
use plimsoll_source::{FileId, Span};

use crate::{Finding, Severity};

/// One place, and what it proves ([`About`], whose fields read as if they were its own).
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Where.
    pub place: Place,
    /// The member of the subject it belongs to (an image's path, a container's name), where the
    /// service has several.
    pub member: Option<Arc<str>>,
    about: Arc<About>,
}

/// What a place proves. The same is said of many places, and then kept once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct About {
    /// What it does for the verdict.
    pub role: Role,
    /// The clause of the check that it answers.
    pub part: &'static str,
    /// What is to be seen there.
    pub says: Cow<'static, str>,
    /// Its severity, where that is below the check's.
    pub severity: Option<Severity>,
    /// Why it is accepted, if it is.
    pub waived: Option<Arc<str>>,
}

impl Deref for Evidence {
    type Target = About;

    fn deref(&self) -> &About {
        &self.about
    }
}

impl DerefMut for Evidence {
    fn deref_mut(&mut self) -> &mut About {
        Arc::make_mut(&mut self.about)
    }
}

/// What findings have in common: their words, which are the same for most services. Each with what
/// is kept of it.
#[derive(Default)]
pub(crate) struct Told {
    abouts: HashMap<Arc<About>, Arc<About>>,
    messages: HashMap<Arc<str>, Arc<str>>,
    members: HashMap<Arc<str>, Arc<str>>,
    absent: HashMap<Arc<String>, Arc<String>>,
}

impl Told {
    /// Lets findings share what others have said before them. A check may quote the tree in its
    /// words: what looks like a secret in them is masked here, once for all that say the same.
    pub(crate) fn share(&mut self, findings: &mut [Finding]) {
        for finding in findings {
            once(&mut self.messages, &mut finding.message, |said| redacted(said).map(Arc::from));
            for evidence in &mut finding.evidence {
                once(&mut self.abouts, &mut evidence.about, |about| {
                    // What is written in the program holds none.
                    let Cow::Owned(says) = &about.says else { return None };
                    let says = redacted(says)?.into();
                    Some(Arc::new(About { says, ..about.clone() }))
                });
                if let Some(member) = &mut evidence.member {
                    once(&mut self.members, member, |_| None);
                }
                if let Place::AbsentPath(path) = &mut evidence.place {
                    once(&mut self.absent, path, |_| None);
                }
            }
        }
    }
}

/// Makes a value what is kept of the one that equals it and was met before; of a new one, what
/// `clean` makes of it, if anything.
fn once<T: ?Sized + Eq + std::hash::Hash>(
    met: &mut HashMap<Arc<T>, Arc<T>>,
    value: &mut Arc<T>,
    clean: impl FnOnce(&T) -> Option<Arc<T>>,
) {
    if let Some(kept) = met.get(value) {
        *value = Arc::clone(kept);
    } else {
        let kept = clean(value).unwrap_or_else(|| Arc::clone(value));
        met.insert(std::mem::replace(value, Arc::clone(&kept)), kept);
    }
}

impl Evidence {
    pub(crate) fn of(place: Place, role: Role, says: Cow<'static, str>) -> Self {
        let about = About { role, part: "", says, severity: None, waived: None };
        Self { place, member: None, about: Arc::new(about) }
    }

    /// The file that it stands in.
    pub(crate) fn file(&self) -> Option<FileId> {
        match self.place {
            Place::Span(span) => Some(span.file),
            Place::File(file) => Some(file),
            Place::AbsentPath(_) => None,
        }
    }

    /// Whether it speaks against the check: an instance that acceptances and baselines act on.
    #[must_use]
    pub fn is_against(&self) -> bool {
        matches!(self.role, Role::Contradicts | Role::Missing)
    }
}

/// A place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A span of a file.
    Span(Span),
    /// A whole file.
    File(FileId),
    /// A path at which there is no file.
    AbsentPath(Arc<String>),
}

/// What evidence does for a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It shows that the check holds.
    Shows,
    /// It shows that it does not.
    Contradicts,
    /// It is where something is missing.
    Missing,
    /// It helps to understand.
    Context,
}

impl Role {
    /// The name in data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shows => "shows",
            Self::Contradicts => "contradicts",
            Self::Missing => "missing",
            Self::Context => "context",
        }
    }
}

/// A name of the repository, cut to what a message has room for.
pub(crate) fn clip(name: &str) -> String {
    const MAX: usize = 24;
    if name.chars().count() <= MAX {
        return name.to_owned();
    }
    // The end of a path tells most.
    let skip = name.chars().count() - (MAX - 1);
    format!("…{}", name.chars().skip(skip).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_their_end() {
        assert_eq!(clip("dist/index.js"), "dist/index.js");
        assert_eq!(clip("dist/services/payment-service/src/index.js"), "…nt-service/src/index.js");
    }
}
