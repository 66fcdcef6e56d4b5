//! What a COPY brings into the final stage: output, dependencies, sources or tests.

use std::borrow::Cow;

use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{
    Copy, CopyFrom, CopySource, EffectKind, Image, Install, Manager, StepKind,
};
use plimsoll_source::Span;

use crate::context::{compiles, covers, in_context};
use crate::installs::{Modules, brings_development, development_tool, is_node, modules};
use crate::manifests::{Development, development, sites_with_bases};
use crate::{Cx, ImageSubject, Outcome};

/// How it is judged, and what is to be seen there.
pub(crate) type Judged = (Outcome, Cow<'static, str>);

/// What each COPY and each installation brings into a stage, its bases' included, and where.
pub(crate) fn shipped(cx: &Cx<'_>, image: ImageSubject<'_>, target: usize) -> Vec<(Span, Judged)> {
    let mut found = Vec::new();
    for step in image.steps_with_bases(target) {
        match &step.kind {
            StepKind::Copy(copy) => {
                let worst = copy.sources.iter().map(|source| copied(cx, image, copy, source));
                let worst = worst.max_by_key(|(outcome, _)| rank(*outcome));
                found.extend(worst.map(|judged| (step.span, judged)));
            }
            StepKind::Run(run) => {
                for (at, effect) in run.effects.iter().enumerate() {
                    let later = run.effects.iter().skip(at);
                    let pruned = later.clone().any(|e| matches!(e.kind, EffectKind::Prune(_)));
                    let EffectKind::Install(install) = &effect.kind else { continue };
                    let brings = brings_development(cx, image, target, install, &effect.workdir);
                    let judged = match brings {
                        Some(true) if !pruned => {
                            (Outcome::Fail, "installs development dependencies".into())
                        }
                        Some(_) => (Outcome::Pass, "installs production dependencies".into()),
                        None if is_node(install.manager) => {
                            match development_tool(cx, image, &install.packages) {
                                Some(name) => (
                                    Outcome::Fail,
                                    format!("installs `{name}`, a development dependency").into(),
                                ),
                                None => continue,
                            }
                        }
                        None => continue,
                    };
                    found.push((effect.span, judged));
                }
            }
            _ => {}
        }
    }
    for site in sites_with_bases(image.image, target) {
        let judged = match development(cx, image, site) {
            Some(Development::Out) => (Outcome::Pass, "installs production dependencies".into()),
            Some(Development::Brought) => {
                (Outcome::Fail, "installs development dependencies".into())
            }
            Some(Development::Unknown) => {
                (Outcome::Unknown, "may install development dependencies".into())
            }
            None => continue,
        };
        found.push((site.effect.span, judged));
    }
    found
}

/// What one source of a COPY brings into the final stage.
fn copied(cx: &Cx<'_>, image: ImageSubject<'_>, copy: &Copy, source: &CopySource) -> Judged {
    let files = content(cx, image, copy, source);
    match (&copy.from, source.dynamic) {
        (CopyFrom::Stage(stage), false) => {
            let installed = installed(cx, image, *stage, &source.path);
            installed.filter(|(outcome, _)| rank(*outcome) >= rank(files.0)).unwrap_or(files)
        }
        _ => files,
    }
}

/// Which of several judgements decides: the highest.
pub(crate) fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Fail => 3,
        Outcome::Unknown => 2,
        Outcome::Partial => 1,
        _ => 0,
    }
}

/// What a path of a stage holds of the packages that were installed there by a manifest with
/// groups; `None` where it holds none of them.
pub(crate) fn installed(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    stage: usize,
    path: &str,
) -> Option<Judged> {
    let judged = sites_with_bases(image.image, stage).filter_map(|site| {
        let sure = holds(site.install, &site.effect.workdir, path)?;
        Some(match development(cx, image, site)? {
            Development::Out => (Outcome::Pass, "production dependencies".into()),
            Development::Brought if sure => {
                (Outcome::Fail, "brings development dependencies".into())
            }
            _ => (Outcome::Unknown, "may bring development dependencies".into()),
        })
    });
    judged.max_by_key(|(outcome, _): &Judged| rank(*outcome))
}

/// Whether a path holds what an installation puts beside or around it: surely, perhaps, or not.
fn holds(install: &Install, workdir: &str, path: &str) -> Option<bool> {
    let named = |names: &[&str]| path.split('/').any(|part| names.contains(&part));
    let (named, around) = match install.manager {
        Manager::Composer => (named(&["vendor"]), Some(true)),
        // Without a path of its own, Bundler installs into Ruby's.
        Manager::Bundler => (named(&["bundle", "vendor", "gems"]), install.locked.then_some(true)),
        Manager::Uv => (named(&[".venv", "venv", "site-packages"]), Some(true)),
        _ => (named(&[".venv", "venv", "site-packages", "dist-packages"]), Some(false)),
    };
    let system = covers(path, "/usr/local/bundle") && install.manager != Manager::Composer;
    match () {
        () if named || system => Some(true),
        () if covers(path, workdir) => around,
        () => None,
    }
}

/// What the files of the tree that a COPY brings are.
fn content(cx: &Cx<'_>, image: ImageSubject<'_>, copy: &Copy, source: &CopySource) -> Judged {
    let fine = || (Outcome::Pass, "brings nothing that does not run".into());
    if source.dynamic {
        return (Outcome::Unknown, "what it brings depends on a variable".into());
    }
    let files = Filesystem::new(cx.delivery, image.image);
    let found = match copy.from {
        CopyFrom::Context if !source.remote => files.in_context(&source.path, source.span),
        CopyFrom::Stage(stage) => {
            let path = source.path.trim_end_matches(['*', '/']);
            if let Some(dir) = path.strip_suffix("/node_modules") {
                return match modules(cx, image, stage, dir, 0) {
                    Modules::Production => (Outcome::Pass, "production dependencies".into()),
                    Modules::Development(_) => {
                        (Outcome::Fail, "has `node_modules` with development dependencies".into())
                    }
                    Modules::Unknown => (Outcome::Unknown, "what is in it is not known".into()),
                };
            }
            if built_below(image, stage, &source.path) {
                return (Outcome::Fail, "brings a builder's directory".into());
            }
            files.find(stage, path)
        }
        CopyFrom::Dynamic(_) => {
            return (Outcome::Unknown, "where it comes from is not known".into());
        }
        _ => return fine(),
    };
    match found {
        Found::File { file, .. } if is_source(cx.path(file)) => {
            (Outcome::Partial, "brings a source".into())
        }
        Found::Directory { dir, .. } => match sources_below(cx, image.image, &dir) {
            Sources::Tests => (Outcome::Fail, "brings tests".into()),
            Sources::Tree => (Outcome::Fail, "brings a source tree".into()),
            Sources::Some => (Outcome::Partial, "brings sources".into()),
            Sources::None if is_migration(cx, image, &dir) => {
                (Outcome::Partial, "brings migrations beside what is compiled".into())
            }
            Sources::None => fine(),
        },
        Found::Absent | Found::Unknown(..)
            if named_like_sources(cx, image.image, copy, source).is_some() =>
        {
            match copy.from {
                CopyFrom::Stage(stage) if pruned_into(image.image, stage, &source.path) => {
                    (Outcome::Fail, "brings a source tree".into())
                }
                _ => (Outcome::Unknown, "brings a directory that holds sources in the tree".into()),
            }
        }
        Found::File { file, .. } if is_migration(cx, image, cx.path(file)) => {
            (Outcome::Partial, "brings a source".into())
        }
        _ => fine(),
    }
}

/// The directory of sources of the tree after which what a COPY takes from a stage is called, where
/// how it came there is not followed: `turbo prune`, a script.
pub(crate) fn named_like_sources(
    cx: &Cx<'_>,
    image: &Image,
    copy: &Copy,
    source: &CopySource,
) -> Option<String> {
    let CopyFrom::Stage(stage) = copy.from else { return None };
    let files = Filesystem::new(cx.delivery, image);
    let path = source.path.trim_end_matches(['*', '/']);
    if !matches!(files.find(stage, path), Found::Absent | Found::Unknown(..)) {
        return None;
    }
    let workdir = image.stages.get(stage).and_then(|stage| stage.config.workdir.as_deref());
    let workdir = workdir.unwrap_or("/").trim_end_matches('/');
    let below = path.strip_prefix(workdir).map(|below| below.trim_matches('/'))?;
    let context = image.context.known().map_or("", String::as_str);
    let dirs = [format!("{context}/{below}"), below.to_owned()];
    let dirs = dirs.into_iter().filter(|_| !below.is_empty());
    dirs.map(|dir| dir.trim_start_matches('/').to_owned())
        .find(|dir| cx.delivery.tree.is_dir(dir) && sources_below(cx, image, dir) != Sources::None)
}

/// Whether a stage holds below a path what `turbo prune --docker` lays out in `out/full` of another:
/// the sources of the packages that are built, none of which is removed again.
pub(crate) fn pruned_into(image: &Image, stage: usize, path: &str) -> bool {
    let steps = image.steps_with_bases(stage);
    let prunes = |from: usize| {
        image.steps_with_bases(from).iter().any(|step| match &step.kind {
            StepKind::Run(run) => {
                let text = String::from_utf8_lossy(run.text.text());
                ["turbo", " prune", "--docker"].iter().all(|word| text.contains(word))
            }
            _ => false,
        })
    };
    let laid_out = steps.iter().any(|step| {
        let StepKind::Copy(copy) = &step.kind else { return false };
        let CopyFrom::Stage(from) = copy.from else { return false };
        let full =
            |source: &CopySource| source.path.trim_end_matches(['/', '.']).ends_with("/out/full");
        copy.dest.known().is_some_and(|dest| covers(dest, path))
            && copy.sources.iter().any(full)
            && prunes(from)
    });
    let removed = image.effects(stage).iter().any(|(_, effect)| match &effect.kind {
        EffectKind::Remove(gone) => {
            gone.iter().any(|gone| covers(gone, path) || covers(path, gone))
        }
        _ => false,
    });
    laid_out && !removed
}

/// Whether a path of the tree is a migration in JavaScript, a directory of them or their
/// configuration, in an image whose own program is compiled: a source that was left over.
fn is_migration(cx: &Cx<'_>, image: ImageSubject<'_>, at: &str) -> bool {
    let Some(service) = image.service else { return false };
    let package = service.package.map(|id| &cx.delivery[id]);
    let compiled = package.is_some_and(|p| p.typescript.as_ref().is_some_and(|ts| !ts.no_emit));
    let Some(migrations) = service.migrations.map(|id| &cx.delivery[id]) else { return false };
    let scripts = [".js", ".cjs", ".mjs"];
    let mut own = migrations.files.iter().chain(&migrations.config).map(|&file| cx.path(file));
    compiled && own.any(|path| covers(at, path) && scripts.iter().any(|end| path.ends_with(end)))
}

/// Whether a build ran in a directory of a stage, or below it.
fn built_below(image: ImageSubject<'_>, stage: usize, path: &str) -> bool {
    image.effects(stage).iter().any(|(_, effect)| compiles(effect) && covers(path, &effect.workdir))
}

/// What of a directory is there for developers only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    /// Tests.
    Tests,
    /// A whole tree of sources that are compiled.
    Tree,
    /// Some sources that are compiled: migrations, settings.
    Some,
    /// Nothing that is known.
    None,
}

/// The most files of a directory that are looked at.
const MAX_FILES: usize = 50_000;

/// What a COPY of a directory of the tree brings, after the ignore file.
pub(crate) fn sources_below(cx: &Cx<'_>, image: &Image, dir: &str) -> Sources {
    let tree = &cx.delivery.tree;
    let (mut compiled, mut manifest) = (false, false);
    for file in tree.under(dir).take(MAX_FILES) {
        let path = tree.path(file);
        let below = path.get(dir.len()..).unwrap_or(path).trim_start_matches('/');
        let kept_out = in_context(image, path).is_some_and(|inside| image.ignores(inside));
        if kept_out || below.split('/').any(|part| part == "node_modules") {
            continue;
        }
        if is_test(below) {
            return Sources::Tests;
        }
        compiled |= is_source(path);
        manifest |= MANIFESTS.contains(&below);
    }
    let name = dir.rsplit('/').next().unwrap_or(dir);
    let is_tree = manifest
        || matches!(name, "" | "src" | "source" | "app" | "cmd" | "internal" | "pkg" | "lib");
    match (compiled, is_tree) {
        (true, true) => Sources::Tree,
        (true, false) => Sources::Some,
        (false, _) => Sources::None,
    }
}

/// Files at the root of a package.
const MANIFESTS: [&str; 7] = [
    "package.json",
    "go.mod",
    "Cargo.toml",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "tsconfig.json",
];

/// Whether a file is a source that is compiled, rather than run as it is.
pub(crate) fn is_source(path: &str) -> bool {
    const ENDS: [&str; 17] = [
        ".ts", ".tsx", ".mts", ".cts", ".jsx", ".vue", ".svelte", ".go", ".rs", ".java", ".kt",
        ".scala", ".cs", ".c", ".cc", ".cpp", ".swift",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    // Prisma and Drizzle read theirs themselves, where they migrate.
    let read = ["prisma.config.", "drizzle.config."].iter().any(|start| name.starts_with(start));
    !read && !path.ends_with(".d.ts") && ENDS.iter().any(|end| path.ends_with(end))
}

/// Whether a file below a directory is a test's.
fn is_test(below: &str) -> bool {
    let (dirs, name) = below.rsplit_once('/').unwrap_or(("", below));
    dirs.split('/').any(|part| matches!(part, "test" | "tests" | "__tests__" | "spec" | "e2e"))
        || [".test.", ".spec."].iter().any(|mark| name.contains(mark))
        || name.ends_with("_test.go")
        || name.ends_with("_test.py")
        || name.starts_with("test_") && name.ends_with(".py")
}
