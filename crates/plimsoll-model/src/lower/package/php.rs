//! PHP: `composer.json`, and what `composer.lock` says of abandoned packages.
//!
//! Source of the rules: Composer's manual, «The composer.json schema» and «Versions».

use plimsoll_source::Span;
use plimsoll_syntax::yaml::{self, Value};

use super::others::{beside, broken, depends, lines, runtime, script, text, tool};
use super::{Cx, find, string};
use crate::fact::Why;
use crate::package::{DependencyKind, Deprecated, Installed, LockKind, Lockfile, Package, Pinned};
use crate::path;
use crate::version::{Interval, intervals};

/// The versions that a constraint of Composer's admits: `^8.2`, `~8.2`, `8.2.*`, `^7.4|^8.0`.
fn held(written: &str) -> Option<Vec<Interval>> {
    let mut alternatives = Vec::new();
    for alternative in written.replace("||", "|").split('|') {
        let mut parts = Vec::new();
        for part in alternative.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()) {
            match part.strip_prefix('~') {
                // `~8.2` is below 9, `~8.2.1` below 8.3.
                Some(version) => {
                    let fixed = version.rsplit_once('.').map_or(version, |(fixed, _)| fixed);
                    parts.push(format!(">={version} {fixed}.x"));
                }
                None => parts.push(part.to_owned()),
            }
        }
        alternatives.push(parts.join(" "));
    }
    intervals(&alternatives.join("||"))
}

/// Fills in what `composer.json` says.
pub(super) fn read(cx: &Cx<'_>, package: &mut Package) {
    let Some(source) = text(cx, package.manifest) else {
        package.broken = true;
        return;
    };
    let parsed = yaml::parse_json(source);
    if let Some(error) = parsed.errors.first() {
        broken(cx, package, "composer.json", error.span, &error.message);
    }
    let Some(root) = parsed.tree.root().filter(|root| root.is_map()) else {
        package.broken = true;
        return;
    };
    package.name = root.get("name").and_then(string).map(str::to_owned);
    let paths: Vec<String> = root
        .get("repositories")
        .into_iter()
        .flat_map(|list| if list.is_map() { values(list) } else { list.items().collect() })
        .filter(|one| one.get("type").and_then(string) == Some("path"))
        .filter_map(|one| path::join(&package.dir, one.get("url").and_then(string)?))
        .collect();
    for (key, kind) in
        [("require", DependencyKind::Production), ("require-dev", DependencyKind::Development)]
    {
        for (name, value) in root.get(key).into_iter().flat_map(|map| map.entries()) {
            let (Some(name), Some(version)) = (name.text(), string(value)) else { continue };
            let span = value.span();
            if name == "php" {
                runtime(package, "require.php", version, held(version), false, span);
                continue;
            }
            let local = paths.iter().find(|path| is_package(cx, path, name)).cloned();
            depends(package, name, version, kind, local, span);
        }
    }
    if let Some(value) =
        root.get("config").and_then(|c| c.get("platform")).and_then(|p| p.get("php"))
        && let Some(version) = string(value)
    {
        runtime(package, "config.platform.php", version, held(version), false, value.span());
    }
    for (name, value) in root.get("scripts").into_iter().flat_map(|map| map.entries()) {
        let Some(name) = name.text() else { continue };
        let commands = value.items().filter_map(string).chain(string(value));
        for command in commands.map(str::to_owned).collect::<Vec<_>>() {
            script(package, name, &command, value.span());
        }
    }
    for (name, what) in [("phpunit.xml", "phpunit"), ("phpunit.xml.dist", "phpunit")] {
        let Some(text) = beside(cx, &package.dir, name) else { continue };
        let all = lines(&text);
        let span = all.first().map_or(text.whole(), |(_, span)| *span);
        tool(package, what, false, span);
        let measured = all.iter().find(|(l, _)| l.contains("<coverage") || l.contains("<report"));
        if let Some((_, span)) = measured {
            tool(package, "coverage", false, *span);
        }
    }
    lock(cx, package);
}

/// The members of an object.
fn values(map: Value<'_>) -> Vec<Value<'_>> {
    map.entries().into_iter().map(|(_, value)| value).collect()
}

/// Whether a directory is a package of this name, by its own manifest.
fn is_package(cx: &Cx<'_>, dir: &str, name: &str) -> bool {
    let text = find(cx.tree, dir, "composer.json").and_then(|file| text(cx, file));
    text.is_some_and(|text| {
        let parsed = yaml::parse_json(text);
        parsed.tree.root().and_then(|root| root.get("name")).and_then(string) == Some(name)
    })
}

/// What the lockfile says: the packages and which of them are abandoned.
fn lock(cx: &Cx<'_>, package: &mut Package) {
    let Some(mut lock) = package.lockfile.take() else { return };
    let Some(source) = text(cx, lock.file) else {
        lock.trouble = Some(Why::Unreadable);
        package.lockfile = Some(lock);
        return;
    };
    lock.place = super::first_line(lock.file, source.text());
    let parsed = yaml::parse_json(source);
    let root = parsed.tree.root().filter(|root| root.is_map() && !root.is_partial());
    let Some(root) = root.filter(|_| parsed.errors.is_empty()) else {
        lock.trouble = Some(Why::Unparsed);
        package.lockfile = Some(lock);
        return;
    };
    let mut installed = std::collections::BTreeMap::new();
    for (key, development) in [("packages", false), ("packages-dev", true)] {
        for one in root.get(key).into_iter().flat_map(Value::items) {
            let text = |key: &str| one.get(key).and_then(string).unwrap_or_default().to_owned();
            let (name, version) = (text("name"), text("version"));
            let at: Span = one.get("name").map_or(lock.place, |name| name.span());
            // `false`, `true` or the package to take instead.
            let given_up = one.get("abandoned").filter(|v| v.text() != Some("false"));
            if let Some(value) = given_up {
                let direct = package.dependency(&name).map(|declared| declared.kind);
                let span = value.span();
                let version = version.clone();
                let name = name.clone();
                lock.deprecated.push(Deprecated { name, version, direct, development, span });
            }
            installed.insert(name, Installed { version, span: at });
        }
    }
    package.lockfile = Some(Lockfile {
        kind: LockKind::Other,
        tells_deprecated: true,
        installed: std::sync::Arc::new(Pinned::of_map(&installed)),
        trouble: None,
        ..lock
    });
}
