//! What stands at a path of an image: the last step that put something there.
//!
//! The builder's layers are followed backwards: COPY from the context (after the ignore file) and
//! from other stages, what a RUN writes, places or removes, and the base. A path is said to be
//! absent only when no step could have made it.

use plimsoll_source::{FileId, Span};
use plimsoll_syntax::ignorefile::glob_match;

use crate::Delivery;
use crate::fact::Why;
use crate::image::{
    Base, Copy, CopyFrom, CopySource, EffectKind, Ignore, Image, Stage, Step, StepKind,
};

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file of the tree, brought by the COPY at `via`.
    File {
        /// The file.
        file: FileId,
        /// The last COPY that brought it.
        via: Span,
    },
    /// A directory of the tree.
    Directory {
        /// Its path in the tree.
        dir: String,
        /// The last COPY that brought it.
        via: Span,
    },
    /// A RUN (or a here-document) made it.
    Made {
        /// The command.
        via: Span,
    },
    /// A build emits it, as far as its path tells (`dist/…` below where a build ran).
    Built {
        /// The build command.
        via: Span,
    },
    /// Nothing puts anything there.
    Absent,
    /// Every source was read and it is not there, but something that cannot be looked into may
    /// have put it there.
    Unknown(Why, Option<Span>),
}

impl Found {
    /// Whether something stands there for sure.
    #[must_use]
    pub fn exists(&self) -> bool {
        matches!(
            self,
            Self::File { .. } | Self::Directory { .. } | Self::Made { .. } | Self::Built { .. }
        )
    }

    /// The step that put it there.
    #[must_use]
    pub fn via(&self) -> Option<Span> {
        match self {
            Self::File { via, .. }
            | Self::Directory { via, .. }
            | Self::Made { via }
            | Self::Built { via } => Some(*via),
            Self::Absent => None,
            Self::Unknown(_, at) => *at,
        }
    }
}

/// Directories that builds write into.
const BUILD_OUTPUT: [&str; 9] =
    ["dist", "build", "out", "lib", ".next", ".output", "target", "bin", "public"];

/// Commands that make no file at the paths that they name.
const READERS: [&str; 14] = [
    "ls", "cat", "grep", "test", "[", "find", "stat", "file", "du", "head", "tail", "which",
    "node", "chmod",
];

/// An image's file system, stage by stage.
#[derive(Clone, Copy, Debug)]
pub struct Filesystem<'a> {
    delivery: &'a Delivery,
    image: &'a Image,
}

impl<'a> Filesystem<'a> {
    /// The file system of an image.
    #[must_use]
    pub fn new(delivery: &'a Delivery, image: &'a Image) -> Self {
        Self { delivery, image }
    }

    /// What stands at an absolute path at the end of a stage.
    #[must_use]
    pub fn find(&self, stage: usize, path: &str) -> Found {
        self.find_before(stage, usize::MAX, path, 0)
    }

    /// What stands there before the step `before` of the stage.
    #[must_use]
    pub fn find_at(&self, stage: usize, before: usize, path: &str) -> Found {
        self.find_before(stage, before, path, 0)
    }

    fn find_before(&self, index: usize, before: usize, path: &str, depth: usize) -> Found {
        // Stages refer to earlier ones only; the bound is for paths that fan out on the way.
        if depth > 32 {
            return Found::Unknown(Why::TooLarge, None);
        }
        let Some(stage) = self.image.stages.get(index) else { return Found::Absent };
        let path = crate::lower::absolute("/", path);
        let mut doubt: Option<(Why, Option<Span>)> = None;
        for step in stage.steps.iter().take(before).rev() {
            let found = match &step.kind {
                StepKind::Copy(copy) => self.in_copy(copy, step, &path, depth),
                StepKind::Run(run) => {
                    run.effects.iter().rev().find_map(|effect| in_effect(effect, &path))
                }
                _ => None,
            };
            match found {
                Some(Found::Unknown(why, at)) => doubt = doubt.or(Some((why, at))),
                Some(found) => return found,
                None => {}
            }
        }
        let base = match &stage.base {
            Base::Stage(base) => self.find_before(*base, usize::MAX, &path, depth + 1),
            Base::Scratch => Found::Absent,
            Base::External(_) if is_application_path(stage, &path) => Found::Absent,
            Base::External(_) => Found::Unknown(Why::NeedsNetwork, Some(stage.base_span)),
            Base::Dynamic(_) => Found::Unknown(Why::Dynamic, Some(stage.base_span)),
        };
        match (base, doubt) {
            (Found::Absent, Some((why, at))) => Found::Unknown(why, at),
            (found, _) => found,
        }
    }

    fn in_copy(&self, copy: &Copy, step: &Step, path: &str, depth: usize) -> Option<Found> {
        if let Some((_, text)) = copy.written.iter().find(|(written, _)| written == path) {
            return Some(Found::Made { via: text.whole() });
        }
        let Some(dest) = copy.dest.known() else {
            return Some(Found::Unknown(Why::Dynamic, Some(step.span)));
        };
        let many = copy.sources.len() > 1;
        let mut doubt = None;
        for source in copy.sources.iter().rev() {
            match self.in_source(copy, source, step, dest, many, path, depth) {
                Some(Found::Unknown(why, at)) => doubt = doubt.or(Some(Found::Unknown(why, at))),
                Some(Found::Absent) | None => {}
                Some(found) => return Some(found),
            }
        }
        doubt
    }

    #[expect(clippy::too_many_arguments, reason = "the pieces of one COPY line")]
    fn in_source(
        &self,
        copy: &Copy,
        source: &CopySource,
        step: &Step,
        dest: &str,
        many: bool,
        path: &str,
        depth: usize,
    ) -> Option<Found> {
        let dir_dest = dest.ends_with('/') || many;
        let dest = crate::lower::absolute("/", dest);
        let below = strip_dir(path, &dest);
        below?;
        if source.remote {
            return Some(Found::Unknown(Why::NeedsNetwork, Some(step.span)));
        }
        if source.dynamic {
            return Some(Found::Unknown(Why::Dynamic, Some(step.span)));
        }
        let rest = below.unwrap_or_default();
        let from = source.path.trim_end_matches('/');
        let name = from.rsplit('/').next().unwrap_or(from);
        // What the path corresponds to in the source: as a file of that name in a directory
        // destination, as the destination itself, or as something below a copied directory.
        let mut candidates: Vec<(String, bool)> = Vec::new();
        let first = rest.split('/').next().unwrap_or("");
        let wild = name.contains(['*', '?', '[']);
        let parent = &from[..from.len() - name.len()];
        if wild {
            if !first.is_empty() && glob_match(name, first) == Some(true) {
                candidates.push((format!("{parent}{rest}"), false));
            }
            // A directory that the pattern matches brings its content.
            if rest.is_empty() {
                candidates.push((parent.to_owned(), false));
            }
        } else {
            candidates.push((
                if rest.is_empty() { from.to_owned() } else { format!("{from}/{rest}") },
                true,
            ));
            if !first.is_empty() && first == name && rest == name {
                candidates.push((from.to_owned(), false));
            }
        }
        let mut doubt = None;
        for (at, as_directory) in candidates {
            let found = match &copy.from {
                CopyFrom::Context => self.in_context(&at, step.span),
                CopyFrom::Stage(stage) => {
                    let absolute = crate::lower::absolute("/", &at);
                    self.find_before(*stage, usize::MAX, &absolute, depth + 1)
                }
                CopyFrom::Image(_) => Found::Unknown(Why::NeedsNetwork, Some(step.span)),
                CopyFrom::Dynamic(_) => Found::Unknown(Why::Dynamic, Some(step.span)),
            };
            let found = with_via(found, step.span);
            match found {
                Found::Absent => {}
                Found::Unknown(..) => doubt = doubt.or(Some(found)),
                // A plain file copied to a directory does not stand at the directory's path.
                Found::File { .. } if as_directory && rest.is_empty() && dir_dest => {}
                found => return Some(found),
            }
        }
        doubt
    }

    /// What stands at a path of the context, after the ignore file.
    #[must_use]
    pub fn in_context(&self, path: &str, via: Span) -> Found {
        let Some(context) = self.image.context.known() else {
            let (why, at) = self.image.context.unknown().unwrap_or((Why::Dynamic, None));
            return Found::Unknown(why, at.or(Some(via)));
        };
        let Some(relative) = plimsoll_source::normalize_path(path) else {
            return Found::Unknown(Why::OutOfTree, Some(via));
        };
        let in_tree = match (&**context, &*relative) {
            ("", relative) => relative.to_owned(),
            (context, "") => context.to_owned(),
            (context, relative) => format!("{context}/{relative}"),
        };
        let tree = &self.delivery.tree;
        if let Some(file) = tree.find(&in_tree) {
            if self.image.ignores(&relative) {
                return Found::Absent;
            }
            return Found::File { file, via };
        }
        if tree.is_dir(&in_tree) {
            // An ignore file may bring single files of an excluded directory back.
            if self.image.ignores(&relative)
                && !tree.under(&in_tree).any(|file| {
                    let below = tree.path(file).get(in_tree.len()..).unwrap_or_default();
                    !self.image.ignores(&format!("{relative}{below}"))
                })
            {
                return Found::Absent;
            }
            return Found::Directory { dir: in_tree, via };
        }
        Found::Absent
    }
}

impl Image {
    /// Whether the builder's ignore file keeps a path (relative to the context) out.
    #[must_use]
    pub fn ignores(&self, relative: &str) -> bool {
        match &self.ignore {
            Ignore::Effective { patterns, .. } => patterns.excludes(relative),
            Ignore::None { .. } | Ignore::Unknown => false,
        }
    }
}

fn with_via(found: Found, span: Span) -> Found {
    match found {
        Found::File { file, .. } => Found::File { file, via: span },
        Found::Directory { dir, .. } => Found::Directory { dir, via: span },
        other => other,
    }
}

/// The part of `path` below `dir`: `""` for the directory itself.
fn strip_dir<'p>(path: &'p str, dir: &str) -> Option<&'p str> {
    if dir == "/" {
        return path.strip_prefix('/');
    }
    let rest = path.strip_prefix(dir)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// Whether a base image would hardly bring this path: below a directory that the Dockerfile names
/// as its own (WORKDIR, or a COPY destination), and not one of the system's.
fn is_application_path(stage: &Stage, path: &str) -> bool {
    let system = [
        "/usr", "/bin", "/sbin", "/lib", "/etc", "/var", "/root", "/home", "/tmp", "/dev", "/proc",
        "/sys", "/run",
    ];
    let _ = stage;
    path != "/" && !system.iter().any(|dir| strip_dir(path, dir).is_some())
}

fn in_effect(effect: &crate::image::Effect, path: &str) -> Option<Found> {
    let via = effect.span;
    let is_or_above = |made: &str| strip_dir(path, made).is_some();
    match &effect.kind {
        EffectKind::Write { path: written, .. } => (written == path).then_some(Found::Made { via }),
        EffectKind::MakeDir(dirs) => {
            dirs.iter().any(|dir| strip_dir(dir, path).is_some()).then_some(Found::Made { via })
        }
        // Below the destination there may be what was placed there, if that was a directory.
        EffectKind::Place(_, dest)
            if dest.trim_end_matches('/') == path && effect.masked.is_none() =>
        {
            Some(Found::Made { via })
        }
        EffectKind::Place(_, dest) => is_or_above(dest.trim_end_matches('/'))
            .then_some(Found::Unknown(Why::NeedsBuild, Some(via))),
        EffectKind::Remove(paths) => paths.iter().any(|p| is_or_above(p)).then_some(Found::Absent),
        EffectKind::Build { .. } => {
            let below = strip_dir(path, &effect.workdir)?;
            let output = below.split('/').next().is_some_and(|first| BUILD_OUTPUT.contains(&first));
            Some(if output {
                Found::Built { via }
            } else {
                Found::Unknown(Why::NeedsBuild, Some(via))
            })
        }
        EffectKind::Install(_) => {
            let below = strip_dir(path, &effect.workdir)?;
            below
                .split('/')
                .any(|part| matches!(part, "node_modules" | ".venv" | "vendor"))
                .then_some(Found::Made { via })
        }
        EffectKind::Fetch(_) => Some(Found::Unknown(Why::NeedsBuild, Some(via))),
        EffectKind::Other(words) if words.first().is_some_and(|w| READERS.contains(&&**w)) => None,
        EffectKind::Other(words) => {
            // A command that names the path's directory may write there; `echo`, `set`, `cd` do not.
            let named = words.iter().skip(1).any(|w| w.starts_with('/') && is_or_above(w));
            named.then_some(Found::Unknown(Why::NeedsBuild, Some(via)))
        }
        _ => None,
    }
}
