//! Rust: `Cargo.toml` and `rust-toolchain.toml`.
//!
//! Sources of the rules: The Cargo Book, «The Manifest Format» and «Workspaces»; the rustup book,
//! «Overrides».

use plimsoll_syntax::toml::{self, Value};

use super::Cx;
use super::others::{beside, broken, depends, lines, nearest, runtime, text};
use crate::package::{DependencyKind, Package};
use crate::path;
use crate::version::intervals;

/// Fills in what `Cargo.toml` says, with what it takes from its workspace.
pub(super) fn read(cx: &Cx<'_>, package: &mut Package) {
    let Some(text) = text(cx, package.manifest) else {
        package.broken = true;
        return;
    };
    let parsed = toml::parse(&text);
    if let Some(error) = parsed.errors.first() {
        broken(cx, package, "Cargo.toml", error.span, &error.message);
    }
    let root = parsed.tree.root();
    let workspace = workspace(cx, &package.dir);
    let above = workspace.as_ref().map(|(dir, toml)| (&**dir, toml.root()));
    package.name = root.at(&["package", "name"]).and_then(Value::text).map(str::to_owned);
    let own = root.at(&["package", "rust-version"]);
    let inherited = own.filter(|own| own.is_table()).or_else(|| {
        let dotted = root.at(&["package", "rust-version", "workspace"]);
        dotted.or_else(|| root.at(&["workspace", "package", "rust-version"]))
    });
    let of_workspace = || above?.1.at(&["workspace", "package", "rust-version"]);
    let version = if inherited.is_some() { of_workspace() } else { own };
    if let Some(value) = version
        && let (Some(written), Some(span)) = (value.text(), value.span())
    {
        let held = intervals(&format!(">={written}"));
        runtime(package, "rust-version", written, held, false, span);
    }
    let kinds = [
        ("dependencies", DependencyKind::Production),
        ("build-dependencies", DependencyKind::Production),
        ("dev-dependencies", DependencyKind::Development),
    ];
    let targets: Vec<Value<'_>> =
        root.at(&["target"]).into_iter().flat_map(Value::items).chain([root]).collect();
    for (target, (key, kind)) in targets.iter().flat_map(|t| kinds.iter().map(move |k| (*t, *k))) {
        for item in target.at(&[key]).into_iter().flat_map(Value::items) {
            dependency(package, item, kind, above);
        }
    }
    toolchain(cx, package);
}

/// The manifest of the workspace around a directory, its own included, and where it lies.
fn workspace(cx: &Cx<'_>, dir: &str) -> Option<(String, toml::Toml)> {
    path::ancestors(dir).take(32).find_map(|dir| {
        let text = beside(cx, dir, "Cargo.toml")?;
        let tree = toml::parse(&text).tree;
        tree.root().at(&["workspace"])?;
        Some((dir.to_owned(), tree))
    })
}

fn dependency(
    package: &mut Package,
    item: Value<'_>,
    kind: DependencyKind,
    above: Option<(&str, Value<'_>)>,
) {
    let (Some(name), Some(span)) = (item.key(), item.span()) else { return };
    let inherits = item.at(&["workspace"]).and_then(Value::bool) == Some(true);
    let of_workspace = || {
        let (dir, root) = above?;
        Some((dir, root.at(&["workspace", "dependencies", name])?))
    };
    let (dir, item) = match of_workspace().filter(|_| inherits) {
        Some((dir, item)) => (dir.to_owned(), item),
        None => (package.dir.clone(), item),
    };
    let version = item.text().or_else(|| item.at(&["version"])?.text()).unwrap_or_default();
    let local = item.at(&["path"]).and_then(Value::text).and_then(|to| path::join(&dir, to));
    let real = item.at(&["package"]).and_then(Value::text).unwrap_or(name);
    depends(package, real, version, kind, local, span);
}

/// The channel that rustup takes in this directory.
fn toolchain(cx: &Cx<'_>, package: &mut Package) {
    for name in ["rust-toolchain.toml", "rust-toolchain"] {
        let Some(text) = nearest(cx, &package.dir, name).and_then(|file| text(cx, file)) else {
            continue;
        };
        let parsed = toml::parse(&text);
        let channel = parsed.tree.root().at(&["toolchain", "channel"]);
        let found = channel.and_then(|value| Some((value.text()?.to_owned(), value.span()?)));
        let found = found.or_else(|| {
            let all = lines(&text);
            let (line, span) =
                all.first().filter(|_| all.len() < 3 && !parsed.errors.is_empty())?;
            Some(((*line).to_owned(), *span))
        });
        if let Some((channel, span)) = found {
            runtime(package, "rust-toolchain", &channel, intervals(&channel), false, span);
            return;
        }
    }
}
