//! `pnpm-lock.yaml`, versions 5 to 9: importers by directory, packages by name and version.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_source::{Derived, Span};
use plimsoll_syntax::yaml::{self, Value};

use super::Cx;
use super::lockfile::all_pinned;
use crate::delivery::Problem;
use crate::package::{DependencyKind, Deprecated, Installed, Lockfile, Package, Pinned};
use crate::path;

/// Transitive deprecations kept for each package of a shared lockfile.
const MAX_SHARED: usize = 1_000;

/// What one importer asks for and gets: specifier (where it is written) and version.
type Importer<'a> = BTreeMap<&'a str, (Option<&'a str>, &'a str)>;

/// Reads a lockfile for the packages that share it; `None` when it does not parse.
pub(super) fn read(
    cx: &Cx<'_>,
    text: Derived,
    dir: &str,
    blank: &Lockfile,
    members: &[&Package],
) -> Option<Vec<Lockfile>> {
    let parsed = yaml::parse(text);
    if let Some(error) = parsed.errors.first() {
        let message = error.message.clone();
        cx.problem(Problem { span: error.span, message, what: "pnpm-lock.yaml" });
        return None;
    }
    let root = parsed.tree.root().filter(|root| root.is_map())?;
    let mut importers: BTreeMap<&str, Importer<'_>> = BTreeMap::new();
    match root.get("importers") {
        Some(map) => {
            for (key, value) in map.entries() {
                let key = key.text().unwrap_or_default();
                importers.insert(if key == "." { "" } else { key }, importer(value));
            }
        }
        None => {
            importers.insert("", importer(root));
        }
    }
    let mut installed: BTreeMap<String, Installed> = BTreeMap::new();
    let mut deprecated: Vec<(&str, &str, bool, Span)> = Vec::new();
    for (key, value) in root.get("packages").map(Value::entries).unwrap_or_default() {
        let Some((name, version)) = key.text().and_then(package_key) else { continue };
        let at = Installed { version: version.to_owned(), span: key.span() };
        installed.entry(name.to_owned()).or_insert(at);
        if let Some((field, _)) = value.entry("deprecated") {
            let development = value.get("dev").and_then(Value::bool) == Some(true);
            deprecated.push((name, version, development, key.span().cover(field.span())));
        }
    }
    let installed = Arc::new(Pinned::of_map(&installed));
    let overrides: BTreeMap<&str, &str> = root
        .get("overrides")
        .map(Value::entries)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(key, value)| Some((key.text()?, value.text()?)))
        .collect();
    Some(
        members
            .iter()
            .map(|package| {
                let own = path::relative(dir, &package.dir);
                let pinned = importers.get(&*own);
                Lockfile {
                    in_sync: all_pinned(package, blank.place, |dependency| {
                        let entry = pinned.and_then(|pinned| pinned.get(&*dependency.name));
                        let Some((specifier, _)) = entry else { return Some(false) };
                        let asked = &*dependency.requirement;
                        specifier.map(|specifier| {
                            specifier == asked
                                || is_overridden(&overrides, &dependency.name, asked, specifier)
                        })
                    }),
                    deprecated: deprecations(package, pinned, &deprecated),
                    tells_deprecated: true,
                    installed: Arc::clone(&installed),
                    ..blank.clone()
                }
            })
            .collect(),
    )
}

/// Whether an override puts this specifier in a requirement's place: pnpm then writes it down for the
/// importers, too. `a`, and `a@1` where the requirement may be one of those.
fn is_overridden(
    overrides: &BTreeMap<&str, &str>,
    name: &str,
    asked: &str,
    specifier: &str,
) -> bool {
    overrides.iter().any(|(key, value)| {
        let rest = key.strip_prefix(name);
        let ours = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@'));
        ours && *value == specifier && !asked.starts_with("workspace:")
    })
}

fn importer(value: Value<'_>) -> Importer<'_> {
    let specifiers: BTreeMap<&str, &str> = value
        .get("specifiers")
        .map(Value::entries)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(key, value)| Some((key.text()?, value.text()?)))
        .collect();
    let mut found = Importer::new();
    for field in ["dependencies", "devDependencies", "optionalDependencies"] {
        for (key, value) in value.get(field).map(Value::entries).unwrap_or_default() {
            let Some(name) = key.text() else { continue };
            let (specifier, version) = if value.is_map() {
                (value.get("specifier"), value.get("version"))
            } else {
                (None, Some(value))
            };
            let specifier =
                specifier.and_then(Value::text).or_else(|| specifiers.get(name).copied());
            found.insert(name, (specifier, version.and_then(Value::text).unwrap_or_default()));
        }
    }
    found
}

/// Name and version of a key: `/a/1.0.0`, `/@a/b@1.0.0(peer@2)`, `a@1.0.0`.
fn package_key(key: &str) -> Option<(&str, &str)> {
    let key = key.trim_start_matches('/');
    let plain = key.split('(').next().unwrap_or(key);
    let at = plain.get(1..)?.rfind('@').map(|at| at + 1);
    let slash = plain.rfind('/');
    // Version 5 parts the version off by a slash, and marks peers by `_`.
    let cut = match (at, slash) {
        (Some(at), Some(slash)) if slash > at => slash,
        (Some(at), _) => at,
        (None, slash) => slash?,
    };
    let version = plain.get(cut + 1..)?;
    Some((plain.get(..cut)?, version.split('_').next().unwrap_or(version)))
}

fn deprecations(
    package: &Package,
    pinned: Option<&Importer<'_>>,
    deprecated: &[(&str, &str, bool, Span)],
) -> Vec<Deprecated> {
    let mut kinds: BTreeMap<&str, DependencyKind> = BTreeMap::new();
    for dependency in &package.dependencies {
        let kind = kinds.entry(&dependency.name).or_insert(dependency.kind);
        *kind = (*kind).min(dependency.kind);
    }
    let mut found = Vec::new();
    let mut transitive = 0;
    for (name, version, development, span) in deprecated {
        let direct = kinds.get(name).copied().filter(|_| {
            pinned.and_then(|pinned| pinned.get(name)).is_some_and(|(_, resolved)| {
                let resolved = resolved.split(['(', '_']).next().unwrap_or_default();
                resolved == *version
            })
        });
        if direct.is_none() {
            transitive += 1;
            if transitive > MAX_SHARED {
                continue;
            }
        }
        found.push(Deprecated {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            direct,
            development: direct.map_or(*development, |kind| kind == DependencyKind::Development),
            span: *span,
        });
    }
    found
}
