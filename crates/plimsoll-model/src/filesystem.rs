//! What stands at a path of an image: the last step that put something there.
//!
//! The builder's layers are followed backwards: COPY from the context (after the ignore file) and
//! from other stages, what a RUN writes, places or removes, and the base. A path is said to be
//! absent only when no step could have made it.

use plimsoll_source::{FileId, Span};
use plimsoll_syntax::ignorefile::glob_match;
use std::borrow::Cow;

use crate::Delivery;
use crate::base;
use crate::fact::Why;
use crate::image::{
    Base, Copy, CopyFrom, CopySource, EffectKind, Ignore, Image, Manager, Stage, Step, StepKind,
};
use crate::path as paths;
use crate::reference::ImageRef;

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
/// A `node_modules` in an image: where it was installed and where it has been copied since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modules {
    /// The directory that holds it (absolute).
    pub dir: String,
    /// The stage in which it was installed.
    pub stage: usize,
    /// The directory in which it was installed: its links were made there.
    pub origin: String,
    /// The command that installed it.
    pub via: Span,
    /// Who installed it.
    pub manager: Manager,
    /// Development dependencies were left out, or pruned: the command.
    pub production: Option<Span>,
    /// The last COPY that brought it.
    pub copied: Option<Span>,
}

impl Modules {
    /// Where the link `node_modules/<name>` leads in the image: made, relative, to what stood at
    /// `target` of the tree when `dir` of the tree stood at [`Modules::origin`].
    #[must_use]
    pub fn link(&self, name: &str, dir: &str, target: &str) -> String {
        let holder = |at: &str| {
            let entry = crate::lower::absolute(at, &format!("node_modules/{name}"));
            paths::parent(&entry).trim_start_matches('/').to_owned()
        };
        let target = crate::lower::absolute(&self.origin, &paths::relative(dir, target));
        let way = paths::relative(&holder(&self.origin), target.trim_start_matches('/'));
        crate::lower::absolute(&format!("/{}", holder(&self.dir)), &way)
    }
}

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

    /// Every `node_modules` at the end of a stage that an install there or in a stage before made;
    /// at most 100.
    #[must_use]
    pub fn modules(&self, stage: usize) -> Vec<Modules> {
        let mut of_stages: Vec<Vec<Modules>> = Vec::new();
        for (index, stage) in self.image.stages.iter().enumerate().take(stage.saturating_add(1)) {
            let mut found = match stage.base {
                Base::Stage(base) => of_stages.get(base).cloned().unwrap_or_default(),
                _ => Vec::new(),
            };
            for step in &stage.steps {
                match &step.kind {
                    StepKind::Run(run) => {
                        for effect in &run.effects {
                            install(&mut found, index, effect);
                        }
                    }
                    StepKind::Copy(copy) => {
                        let CopyFrom::Stage(from) = copy.from else { continue };
                        for modules in of_stages.get(from).into_iter().flatten() {
                            let path =
                                format!("{}/node_modules", modules.dir.trim_end_matches('/'));
                            let landed = landings(copy, &path, false);
                            let dirs =
                                landed.iter().filter_map(|p| p.strip_suffix("/node_modules"));
                            for dir in dirs {
                                let dir = if dir.is_empty() { "/" } else { dir }.to_owned();
                                found.retain(|m| m.dir != dir);
                                let copied = Some(step.span);
                                found.push(Modules { dir, copied, ..modules.clone() });
                            }
                        }
                    }
                    _ => {}
                }
                found.truncate(100);
            }
            of_stages.push(found);
        }
        of_stages.pop().unwrap_or_default()
    }

    /// Where a file or directory of the tree stands at the end of a stage, as COPYs brought it; at
    /// most 32 places. What a RUN copies or moves on is not followed.
    #[must_use]
    pub fn places(&self, stage: usize, path: &str) -> Vec<String> {
        let Some(context) = self.image.context.known() else { return Vec::new() };
        let file = self.delivery.tree.find(path);
        let mut of_stages: Vec<Vec<String>> = Vec::new();
        for part in self.image.stages.iter().take(stage.saturating_add(1)) {
            let mut found: Vec<String> = match (&part.base, &part.ours) {
                (Base::Stage(base), _) => of_stages.get(*base).cloned().unwrap_or_default(),
                (_, Some(ours)) => ours.target.map_or_else(Vec::new, |target| {
                    Self::new(self.delivery, ours).places(target, path)
                }),
                _ => Vec::new(),
            };
            for step in &part.steps {
                let StepKind::Copy(copy) = &step.kind else { continue };
                match copy.from {
                    CopyFrom::Context => {
                        if let Some(below) = paths::below(context, path) {
                            found.extend(landings(copy, below, file.is_some()));
                        }
                    }
                    CopyFrom::Stage(from) => {
                        for path in of_stages.get(from).into_iter().flatten() {
                            found.extend(landings(copy, path, file.is_some()));
                        }
                    }
                    CopyFrom::Image(_) | CopyFrom::Dynamic(_) => {}
                }
                found.sort();
                found.dedup();
                found.truncate(32);
            }
            of_stages.push(found);
        }
        let mut found = of_stages.pop().unwrap_or_default();
        found.retain(|at| match self.find(stage, at) {
            Found::File { file: there, .. } => Some(there) == file,
            Found::Directory { dir, .. } => dir == path,
            _ => false,
        });
        found
    }

    fn find_before(&self, index: usize, before: usize, path: &str, depth: usize) -> Found {
        // Stages refer to earlier ones only; the bound is for paths that fan out on the way.
        if depth > 32 {
            return Found::Unknown(Why::TooLarge, None);
        }
        let Some(stage) = self.image.stages.get(index) else { return Found::Absent };
        let path = clean(path);
        let path = &*path;
        let mut doubt: Option<(Why, Option<Span>)> = None;
        // A build's output, unless the tree has the file: `bin/` may hold scripts as well.
        let mut built: Option<Found> = None;
        // A COPY to a path below it makes a directory of it.
        let mut above: Option<Found> = None;
        for step in stage.steps.iter().take(before).rev() {
            let found = match &step.kind {
                StepKind::Copy(copy) => {
                    if copy.dest.known().is_some_and(|dest| is_below(dest, path)) {
                        above = above.or(Some(Found::Made { via: step.span }));
                    }
                    self.in_copy(copy, step, path, depth)
                }
                StepKind::Run(run) => {
                    run.effects.iter().rev().find_map(|effect| in_effect(effect, path))
                }
                _ => None,
            };
            match found {
                Some(Found::Unknown(why, at)) => doubt = doubt.or(Some((why, at))),
                Some(found @ Found::Built { .. }) if matches!(step.kind, StepKind::Run(_)) => {
                    built = built.or(Some(found));
                }
                Some(found @ Found::File { .. }) => return found,
                Some(Found::Absent) => return built.or(above).unwrap_or(Found::Absent),
                Some(found) => return built.unwrap_or(found),
                None => {}
            }
        }
        if let Some(built) = built {
            return match &stage.base {
                Base::Stage(base) => match self.find_before(*base, usize::MAX, path, depth + 1) {
                    found @ Found::File { .. } => found,
                    _ => built,
                },
                _ => built,
            };
        }
        let base = match &stage.base {
            _ if stage.ours.is_some() => self.in_ours(stage, path, depth),
            Base::Stage(base) => self.find_before(*base, usize::MAX, path, depth + 1),
            Base::Scratch => Found::Absent,
            Base::External(base) if is_known(base) && is_application_path(path) => Found::Absent,
            Base::External(_) => Found::Unknown(Why::NeedsNetwork, Some(stage.base_span)),
            Base::Dynamic(_) => Found::Unknown(Why::Dynamic, Some(stage.base_span)),
        };
        match (base, above, doubt) {
            (Found::Absent | Found::Unknown(..), Some(above), _) => above,
            (Found::Absent, None, Some((why, at))) => Found::Unknown(why, at),
            (found, ..) => found,
        }
    }

    /// What stands at a path of the image of this repository that a stage starts from.
    fn in_ours(&self, stage: &Stage, path: &str, depth: usize) -> Found {
        let ours = stage.ours.as_deref().and_then(|image| Some((image, image.target?)));
        match ours {
            Some((image, target)) => {
                let files = Filesystem { delivery: self.delivery, image };
                files.find_before(target, usize::MAX, path, depth + 1)
            }
            None => Found::Unknown(Why::Unparsed, Some(stage.base_span)),
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
        let below = strip_dir(path, &clean(dest));
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
            // Below a single file there is nothing, whatever a command may have made around it.
            let found = match (&copy.from, found) {
                (CopyFrom::Stage(stage), Found::Unknown(..))
                    if as_directory
                        && depth < 4
                        && !rest.is_empty()
                        && matches!(
                            self.find_before(
                                *stage,
                                usize::MAX,
                                &crate::lower::absolute("/", from),
                                depth + 1
                            ),
                            Found::File { .. }
                        ) =>
                {
                    Found::Absent
                }
                (_, found) => found,
            };
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

/// What a command does to the `node_modules` of a stage.
fn install(found: &mut Vec<Modules>, stage: usize, effect: &crate::image::Effect) {
    let dir = &effect.workdir;
    match &effect.kind {
        EffectKind::Install(install)
            if !install.global
                && matches!(
                    install.manager,
                    Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Bun
                ) =>
        {
            found.retain(|modules| modules.dir != *dir);
            found.push(Modules {
                dir: dir.clone(),
                stage,
                origin: dir.clone(),
                via: effect.span,
                manager: install.manager,
                production: install.production.then_some(effect.span),
                copied: None,
            });
        }
        EffectKind::Prune(_) => {
            for modules in found.iter_mut().filter(|modules| modules.dir == *dir) {
                modules.production = Some(effect.span);
            }
        }
        EffectKind::Remove(removed) => found.retain(|modules| {
            let path = format!("{}/node_modules", modules.dir.trim_end_matches('/'));
            !removed.iter().any(|gone| strip_dir(&path, gone).is_some())
        }),
        _ => {}
    }
}

/// Where a COPY puts a path of its source: of the context (relative to it) or a stage (absolute).
/// A single file may land at the destination or in it: both are given.
fn landings(copy: &Copy, path: &str, is_file: bool) -> Vec<String> {
    let Some(dest) = copy.dest.known() else { return Vec::new() };
    let path = crate::lower::absolute("/", path);
    let name = paths::name(&path);
    let mut found = Vec::new();
    for source in copy.sources.iter().filter(|source| !source.dynamic && !source.remote) {
        let source = crate::lower::absolute("/", &source.path);
        let wild = paths::name(&source).contains(['*', '?', '[']);
        let rest = if wild {
            let parent = paths::parent(&source);
            let below = strip_dir(&path, if parent.is_empty() { "/" } else { parent });
            let below = below.filter(|below| !below.is_empty());
            let first = below.and_then(|below| below.split('/').next());
            let matched =
                first.is_some_and(|first| glob_match(paths::name(&source), first) == Some(true));
            // The content of a directory that matches goes to the destination.
            below.filter(|_| matched).map(|below| below.split_once('/').map_or("", |(_, r)| r))
        } else {
            strip_dir(&path, &source)
        };
        let Some(rest) = rest else { continue };
        if copy.parents {
            found.push(crate::lower::absolute(dest, path.trim_start_matches('/')));
            continue;
        }
        if rest.is_empty() && is_file {
            found.push(crate::lower::absolute(dest, name));
        }
        found.push(crate::lower::absolute(dest, rest));
    }
    found
}

fn with_via(found: Found, span: Span) -> Found {
    match found {
        Found::File { file, .. } => Found::File { file, via: span },
        Found::Directory { dir, .. } => Found::Directory { dir, via: span },
        other => other,
    }
}

/// An absolute path without empty parts, `.` and `..`: most are written so.
fn clean(path: &str) -> Cow<'_, str> {
    match path.trim_end_matches('/') {
        trimmed if trimmed.starts_with('/') && plimsoll_source::is_normal(trimmed) => {
            Cow::Borrowed(trimmed)
        }
        _ => Cow::Owned(crate::lower::absolute("/", path)),
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

/// Whether a path lies below a directory, and is not it.
fn is_below(path: &str, dir: &str) -> bool {
    strip_dir(path, dir).is_some_and(|rest| !rest.trim_matches('/').is_empty())
}

/// Whether a base holds a system and what a language needs, and no one's application.
fn is_known(base: &ImageRef) -> bool {
    base::known(base).is_some() || base::is_verified(base)
}

/// Whether such a base would hardly bring this path: it is not in one of the system's directories.
fn is_application_path(path: &str) -> bool {
    let system = [
        "/usr", "/bin", "/sbin", "/lib", "/etc", "/var", "/root", "/home", "/tmp", "/dev", "/proc",
        "/sys", "/run",
    ];
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
        EffectKind::Build { words } => {
            // `go build -o`, `dotnet publish -o`: a file, or a directory of them; and `cargo install
            // --root`, whose `bin` has them.
            let installs = words.iter().any(|word| word == "install");
            let output = words.iter().enumerate().find_map(|(at, word)| match &**word {
                "--root" if installs => words.get(at + 1).map(|output| &**output),
                "-o" | "--output" => words.get(at + 1).map(|output| &**output),
                word => word.strip_prefix("-o=").or_else(|| word.strip_prefix("--output=")),
            });
            if let Some(output) = output.filter(|output| !output.contains('$')) {
                let output = crate::lower::absolute(&effect.workdir, output);
                let output = output.trim_end_matches('/');
                if path == output || strip_dir(path, output).is_some_and(|_| output.len() > 1) {
                    return Some(Found::Built { via });
                }
            }
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
