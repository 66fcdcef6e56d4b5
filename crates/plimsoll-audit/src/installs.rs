//! Installations in a build: which package they install, and what ends up in `node_modules`.

use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{CopyFrom, EffectKind, Image, Install, Manager, StepKind};
use plimsoll_model::package::{DependencyKind, Package};
use plimsoll_source::Span;

use crate::manifests::{Site, sites};
use crate::{Cx, ImageSubject};

/// The package whose manifest lies in a directory of a stage, as far as it is a file of the tree.
pub(crate) fn package_at<'a>(
    cx: &Cx<'a>,
    image: ImageSubject<'a>,
    stage: usize,
    dir: &str,
) -> Option<&'a Package> {
    let path = format!("{dir}/package.json");
    let Found::File { file, .. } = Filesystem::new(cx.delivery, image.image).find(stage, &path)
    else {
        return None;
    };
    let own = image.service.and_then(|service| service.package).map(|id| &cx.delivery[id]);
    let is_it = |package: &&Package| package.manifest == file;
    own.filter(is_it).or_else(|| cx.delivery.package_of(file))
}

/// Whether a manager installs what a `package.json` asks for.
pub(crate) const fn is_node(manager: Manager) -> bool {
    matches!(manager, Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Bun)
}

/// Whether an installation brings a manifest's development dependencies; `None`: it installs none
/// of a manifest's.
pub(crate) fn brings_development(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    stage: usize,
    install: &Install,
    dir: &str,
) -> Option<bool> {
    if !is_node(install.manager) || install.global || !install.packages.is_empty() {
        return None;
    }
    let package = package_at(cx, image, stage, dir);
    let has = |package: &Package| {
        package.dependencies.iter().any(|d| d.kind == DependencyKind::Development)
    };
    Some(!install.production && package.is_none_or(has))
}

/// What a `node_modules` of a stage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Modules {
    /// Production dependencies only.
    Production,
    /// Development dependencies, too; the command that installs them.
    Development(Span),
    /// It cannot be told.
    Unknown,
}

/// What the `node_modules` in a directory of a stage holds at its end.
pub(crate) fn modules(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    stage: usize,
    dir: &str,
    depth: usize,
) -> Modules {
    let mut held = Modules::Unknown;
    // Stages copy from earlier ones only; the bound is for paths that fan out on the way.
    if depth > 8 {
        return held;
    }
    for step in image.steps_with_bases(stage) {
        match &step.kind {
            StepKind::Copy(copy) => {
                let CopyFrom::Stage(from) = copy.from else { continue };
                let Some(dest) = copy.dest.known() else { continue };
                for source in &copy.sources {
                    let path = source.path.trim_end_matches('/');
                    let target = dest.trim_end_matches('/');
                    if path.ends_with("/node_modules") && target == format!("{dir}/node_modules") {
                        let parent = path.trim_end_matches("/node_modules");
                        held = modules(cx, image, from, parent, depth + 1);
                    } else if target == dir && !path.ends_with("node_modules") {
                        match modules(cx, image, from, path, depth + 1) {
                            Modules::Unknown => {}
                            found => held = found,
                        }
                    }
                }
            }
            StepKind::Run(run) => {
                for effect in &run.effects {
                    // A workspace's root installs for the packages below it.
                    let here = crate::context::covers(&effect.workdir, dir);
                    match &effect.kind {
                        EffectKind::Install(install) if here => {
                            match brings_development(cx, image, stage, install, &effect.workdir) {
                                Some(true) => held = Modules::Development(effect.span),
                                Some(false) if install.locked || held == Modules::Unknown => {
                                    held = Modules::Production;
                                }
                                _ => {}
                            }
                        }
                        EffectKind::Prune(manager) if here && is_node(*manager) => {
                            held = Modules::Production;
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    held
}

/// The installations of each stage that is built, its bases' left to them.
pub(crate) fn installs(image: &Image) -> impl Iterator<Item = Site<'_>> {
    image.stages_built().into_iter().flat_map(move |stage| sites(image, stage))
}

/// A development dependency of the service among packages that are installed by name.
pub(crate) fn development_tool<'n>(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    names: &'n [String],
) -> Option<&'n str> {
    let package = &cx.delivery[image.service?.package?];
    let bare = |name: &'n String| match name.rsplit_once('@') {
        Some((bare, _)) if !bare.is_empty() => bare,
        _ => name,
    };
    names.iter().map(bare).find(|name| {
        package.dependency(name).is_some_and(|d| d.kind == DependencyKind::Development)
    })
}

/// What the requirement files of a pip command ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requirements {
    /// Exact versions.
    Pinned,
    /// Some are not exact.
    Loose,
    /// It names no file.
    None,
    /// A file of it is not in the tree.
    Unknown,
}

/// The requirement files (`-r`) that the command at `span`, run in `dir`, installs.
pub(crate) fn requirements(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    stage: usize,
    span: Span,
    dir: &str,
) -> Requirements {
    let Ok(bytes) = cx.delivery.tree.read(span.file) else { return Requirements::Unknown };
    let command = String::from_utf8_lossy(span.range.slice(&bytes)).into_owned();
    let words: Vec<&str> = command.split_whitespace().collect();
    let mut worst = Requirements::None;
    for (at, word) in words.iter().enumerate() {
        let file = match *word {
            "-r" | "--requirement" | "--requirements" => words.get(at + 1).copied(),
            word => word.strip_prefix("--requirement=").or_else(|| {
                word.strip_prefix("-r").filter(|rest| !rest.is_empty() && !rest.starts_with('e'))
            }),
        };
        let Some(file) = file else { continue };
        let file = file.trim_matches(['"', '\'']);
        let path = if file.starts_with('/') { file.to_owned() } else { format!("{dir}/{file}") };
        let found = Filesystem::new(cx.delivery, image.image).find(stage, &path);
        let text = match found {
            Found::File { file, .. } => cx.delivery.tree.read(file),
            _ => return Requirements::Unknown,
        };
        let Ok(text) = text else { return Requirements::Unknown };
        let pinned = String::from_utf8_lossy(&text).lines().all(|line| {
            let line = line.split(" #").next().unwrap_or(line).trim();
            line.is_empty() || line.starts_with(['#', '-']) || line.contains("==")
        });
        match pinned {
            false => return Requirements::Loose,
            true => worst = Requirements::Pinned,
        }
    }
    worst
}

/// Whether a package is named with an exact version (`pm2@6.0.8`, `flask==3.1.2`), or is a local
/// file.
pub(crate) fn has_version(manager: Manager, name: &str) -> bool {
    // Archives that lie there: `/wheels/*`, `dist/app-1.0-py3-none-any.whl`.
    let ends = [".whl", ".tgz", ".tar.gz", ".gem", "/*"];
    if !name.contains("://") && name.contains('/') && ends.iter().any(|end| name.ends_with(end)) {
        return true;
    }
    let version = match manager {
        Manager::Pip | Manager::Uv | Manager::Poetry | Manager::Pipenv => {
            name.split_once("==").map(|(_, v)| v)
        }
        Manager::Composer => name.split_once(':').map(|(_, v)| v),
        _ => name.get(1..).and_then(|rest| rest.rsplit_once('@')).map(|(_, v)| v),
    };
    let is_exact = |version: &str| {
        let version = version.strip_prefix('v').unwrap_or(version);
        version.starts_with(|c: char| c.is_ascii_digit())
            && version.contains('.')
            && !version.contains(['*', 'x', '|', ' ', '<', '>'])
    };
    version.is_some_and(is_exact)
}
