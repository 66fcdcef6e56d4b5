//! The user that an image's process starts as: the account behind USER, and what made it.

use plimsoll_source::Span;
use plimsoll_syntax::dockerfile;

use crate::base::{self, Family};
use crate::fact::{Fact, Why};
use crate::image::{Base, CopyFrom, EffectKind, Image, Stage, Step, StepKind};

/// Who an image's process starts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsAs {
    /// The USER in effect, or the FROM whose image says so.
    pub at: Span,
    /// The user's part of it: a name or a number; empty where nothing sets one.
    pub name: String,
    /// The group's part of it, where one is given.
    pub group: Option<String>,
    /// Whether USER depends on a variable (whose default is taken).
    pub variable: bool,
    /// What is known of the account.
    pub who: Who,
}

/// An account, as far as anything says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Root: nothing sets a user, or the one set is `root` or 0.
    Root,
    /// A number that no account is known for: none is needed.
    Number,
    /// A command of the Dockerfile creates it.
    Created {
        /// Its name.
        name: String,
        /// The command.
        at: Span,
        /// Its number, if given.
        uid: Option<String>,
        /// Its primary group, name or number; `None` when the tool makes one of its own.
        group: Option<String>,
        /// The primary group is the tool's default, not the command's.
        group_is_default: bool,
    },
    /// A known base image defines it.
    OfBase {
        /// Its name.
        name: &'static str,
        /// Its number.
        uid: u32,
        /// The number of its primary group.
        gid: u32,
        /// Where the base is named.
        at: Span,
    },
    /// A name that nothing creates: the container does not start.
    Nowhere,
    /// It cannot be told.
    Unknown(Why, Span),
}

impl RunsAs {
    /// Whether it is root; `None` where it cannot be told.
    #[must_use]
    pub const fn is_root(&self) -> Option<bool> {
        match self.who {
            Who::Root => Some(true),
            Who::Unknown(..) => None,
            _ => Some(false),
        }
    }

    /// Whether `owner` (`user[:group]`, as `chown` takes it) is this user.
    #[must_use]
    pub fn owns(&self, owner: &str) -> bool {
        let user = owner.split([':', '.']).next().unwrap_or(owner);
        let (name, number) = match &self.who {
            Who::Created { name, uid, .. } => (&**name, uid.clone()),
            Who::OfBase { name, uid, .. } => (*name, Some(uid.to_string())),
            _ => ("", None),
        };
        // An account is the same by its name and by its number.
        !user.is_empty() && (user == self.name || user == name || number.as_deref() == Some(user))
    }
}

/// Whether a user's name or number is root's.
#[must_use]
pub fn is_root(user: &str) -> bool {
    let user = user.split(':').next().unwrap_or(user).trim();
    matches!(user, "" | "root") || user.bytes().all(|b| b == b'0')
}

/// Who the process of a stage's image starts as.
#[must_use]
pub fn runs_as(image: &Image, stage: usize) -> Option<RunsAs> {
    let built = image.stages.get(stage)?;
    let root = image.root_base(stage)?;
    let nobody = RunsAs {
        at: root.base_span,
        name: String::new(),
        group: None,
        variable: false,
        who: Who::Root,
    };
    let Some((user, at)) = &built.config.user else {
        let who = match (&root.base, built.config.base_unknown) {
            (Base::Dynamic(_), _) => Who::Unknown(Why::Dynamic, root.base_span),
            (_, true) => Who::Unknown(Why::NeedsNetwork, root.base_span),
            _ => Who::Root,
        };
        return Some(RunsAs { who, ..nobody });
    };
    let variable = image
        .steps_with_bases(stage)
        .into_iter()
        .find(|step| step.span == *at)
        .and_then(|step| image.instruction(step))
        .is_some_and(|instruction| may_be_set(image, instruction.args.text()));
    let text = match user {
        Fact::Known { value, .. } => value.trim(),
        Fact::Absent => "",
        Fact::Unknown(why, _) => {
            return Some(RunsAs { at: *at, variable, who: Who::Unknown(*why, *at), ..nobody });
        }
    };
    let (name, group) = match text.split_once(':') {
        Some((name, group)) => (name, Some(group.to_owned())),
        None => (text, None),
    };
    let who = if is_root(name) { Who::Root } else { account(image, stage, root, name, 0) };
    Some(RunsAs { at: *at, name: name.to_owned(), group, variable, who })
}

/// Whether a text refers to what a build may set: an ARG, or an ENV that is put together from one.
fn may_be_set(image: &Image, text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let names = text.split('$').skip(1).map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    let set = |name: &str| {
        let pairs =
            image.syntax.instructions.iter().flat_map(|i| i.pairs.iter().map(move |p| (i, p)));
        let mut own = pairs.filter(|(_, pair)| pair.key.text == name).peekable();
        let fixed = |(instruction, pair): (&dockerfile::Instruction, &dockerfile::Pair)| {
            let value = pair.value.as_ref().map_or("", |value| &*value.text);
            instruction.keyword == dockerfile::Keyword::Env && !value.contains('$')
        };
        own.peek().is_none() || !own.all(fixed)
    };
    names.into_iter().any(set)
}

/// The number of a group by its name (or number) at a stage's end, as far as a command or a known
/// base says.
#[must_use]
pub fn gid(image: &Image, stage: usize, group: &str) -> Option<String> {
    if group.bytes().all(|b| b.is_ascii_digit()) {
        return Some(group.to_owned());
    }
    let created =
        image.effects(stage).into_iter().rev().find_map(|(_, effect)| match &effect.kind {
            EffectKind::AddGroup { name, gid } if name == group => Some(gid.clone()),
            _ => None,
        });
    created.unwrap_or_else(|| {
        let root = image.root_base(stage)?;
        if let Some(ours) = &root.ours {
            return gid(ours, ours.target?, group);
        }
        let users = base_users(root);
        users.iter().find(|(name, ..)| *name == group).map(|(_, _, gid)| gid.to_string())
    })
}

/// The account of a name or number that is not root's.
fn account(image: &Image, stage: usize, root: &Stage, name: &str, depth: usize) -> Who {
    let is_number = name.bytes().all(|b| b.is_ascii_digit());
    for (_, effect) in image.effects(stage).into_iter().rev() {
        if let EffectKind::AddUser { name: made, uid, group, group_is_default } = &effect.kind
            && (made == name || is_number && uid.as_deref() == Some(name))
        {
            // `useradd -o -u 0`: root by another name.
            if uid.as_deref().is_some_and(is_root) {
                return Who::Root;
            }
            return Who::Created {
                name: made.clone(),
                at: effect.span,
                uid: uid.clone(),
                group: group.clone(),
                group_is_default: *group_is_default,
            };
        }
    }
    // Bases of this repository never start from each other in a circle.
    if let Some(ours) = &root.ours
        && let Some((target, below)) = ours.target.and_then(|t| Some((t, ours.root_base(t)?)))
    {
        match account(ours, target, below, name, depth) {
            Who::Number | Who::Nowhere => {}
            found => return found,
        }
    }
    let known = base_users(root)
        .into_iter()
        .find(|(known, uid, _)| if is_number { uid.to_string() == name } else { *known == name });
    if let Some((name, uid, gid)) = known {
        return Who::OfBase { name, uid, gid, at: root.base_span };
    }
    // Stages refer to earlier ones only; the bound is for hostile chains of them.
    if depth < 8
        && let Some(from) = accounts_from(image, stage).next()
        && let Some(root) = image.root_base(from)
    {
        return account(image, from, root, name, depth + 1);
    }
    if is_number {
        return Who::Number;
    }
    match elsewhere(image, stage, root, name) {
        Some((why, at)) => Who::Unknown(why, at),
        None => Who::Nowhere,
    }
}

/// The users that a base defines: its row's and its family's.
fn base_users(root: &Stage) -> Vec<(&'static str, u32, u32)> {
    let Base::External(reference) = &root.base else { return Vec::new() };
    let own = base::known(reference).map_or(&[][..], |row| row.users);
    own.iter().chain(family_users(base::family(reference))).copied().collect()
}

/// Accounts that every image of a family has, of those that services run as.
const fn family_users(family: Family) -> &'static [(&'static str, u32, u32)] {
    match family {
        Family::Alpine => &[
            ("nobody", 65534, 65534),
            ("guest", 405, 100),
            ("nogroup", 65533, 65533),
            ("daemon", 2, 2),
            ("bin", 1, 1),
            ("mail", 8, 12),
        ],
        Family::Debian => &[
            ("nobody", 65534, 65534),
            ("www-data", 33, 33),
            ("daemon", 1, 1),
            ("bin", 2, 2),
            ("games", 5, 60),
            ("mail", 8, 8),
            ("backup", 34, 34),
        ],
        Family::Rhel => &[("nobody", 65534, 65534), ("daemon", 2, 2), ("bin", 1, 1)],
        Family::Busybox => &[("nobody", 65534, 65534), ("www-data", 33, 33), ("daemon", 1, 1)],
        Family::Distroless => &[("nobody", 65534, 65534)],
        Family::Unknown => &[],
    }
}

/// What else may create an account: a base that is not known, an `/etc/passwd` that is brought, a
/// package of that name, a command that names it or a script that is not followed.
fn elsewhere(image: &Image, stage: usize, root: &Stage, name: &str) -> Option<(Why, Span)> {
    match &root.base {
        // It was asked what makes the base.
        _ if root.ours.is_some() => {}
        Base::Dynamic(_) => return Some((Why::Dynamic, root.base_span)),
        Base::External(reference) if base::known(reference).is_none() => {
            return Some((Why::NeedsNetwork, root.base_span));
        }
        _ => {}
    }
    image.steps_with_bases(stage).into_iter().find_map(|step| may_create(step, name))
}

/// Whether files at this path bring accounts.
fn holds_accounts(path: &str) -> bool {
    matches!(path.trim_end_matches('/'), "" | "/etc" | "/etc/passwd")
}

fn may_create(step: &Step, name: &str) -> Option<(Why, Span)> {
    match &step.kind {
        StepKind::Copy(copy) => match copy.dest.known() {
            None => Some((Why::Dynamic, step.span)),
            Some(dest) if holds_accounts(dest) && !matches!(copy.from, CopyFrom::Stage(_)) => {
                Some((Why::NeedsBuild, step.span))
            }
            Some(_) => None,
        },
        StepKind::Run(run) => run.effects.iter().find_map(|effect| {
            let may = match &effect.kind {
                EffectKind::Install(install) => install
                    .packages
                    .iter()
                    .any(|package| package.contains(name) || name.contains(&**package)),
                EffectKind::Write { path, .. } | EffectKind::Place(_, path) => holds_accounts(path),
                EffectKind::Other(words) => {
                    let program = words.first().map_or("", |w| &**w);
                    matches!(program, "sh" | "bash" | "." | "source")
                        || program.contains('/')
                        || program.ends_with(".sh")
                        || words.iter().skip(1).any(|word| word.contains(name))
                }
                _ => false,
            };
            may.then_some((Why::NeedsBuild, effect.span))
        }),
        _ => None,
    }
}

/// The stages whose accounts a COPY of `/etc/passwd` brings into a stage, last first.
fn accounts_from(image: &Image, stage: usize) -> impl Iterator<Item = usize> {
    image.steps_with_bases(stage).into_iter().rev().filter_map(|step| match &step.kind {
        StepKind::Copy(copy) if copy.dest.known().is_some_and(|dest| holds_accounts(dest)) => {
            match copy.from {
                CopyFrom::Stage(from) if copy.sources.iter().any(|s| holds_accounts(&s.path)) => {
                    Some(from)
                }
                _ => None,
            }
        }
        _ => None,
    })
}
