//! What a COPY brings into the final stage: output, dependencies, sources or tests.

use std::borrow::Cow;

use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{Copy, CopyFrom, CopySource, Image};

use crate::context::{compiles, covers, in_context};
use crate::installs::{Modules, modules};
use crate::{Cx, ImageSubject, Outcome};

/// How it is judged, and what is to be seen there.
pub(crate) type Judged = (Outcome, Cow<'static, str>);

/// What one source of a COPY brings into the final stage.
pub(crate) fn copied(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    copy: &Copy,
    source: &CopySource,
) -> Judged {
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
            Sources::None => fine(),
        },
        _ => fine(),
    }
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
    !path.ends_with(".d.ts") && ENDS.iter().any(|end| path.ends_with(end))
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
