//! npm's lockfiles: version 1 (`dependencies`), 2 and 3 (`packages`, by path).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_source::{Derived, Span};
use plimsoll_syntax::yaml::{self, Value};

use super::lockfile::all_pinned;
use super::{Cx, string};
use crate::delivery::Problem;
use crate::fact::{Fact, Why};
use crate::package::{
    Dependency, DependencyKind, Deprecated, Installed, Lockfile, ManifestCopy, Package, Pinned,
};
use crate::{path, version};

/// Transitive deprecations kept for each package of a shared lockfile.
const MAX_SHARED: usize = 1_000;
/// Beyond this many steps the reach of each workspace member is not computed.
const MAX_REACH: usize = 20_000_000;

/// Reads a lockfile for the packages that share it; `None` when it does not parse.
pub(super) fn read(
    cx: &Cx<'_>,
    text: Derived,
    dir: &str,
    blank: &Lockfile,
    members: &[&Package],
    all: &BTreeMap<&str, &Package>,
) -> Option<Vec<Lockfile>> {
    let parsed = yaml::parse_json(text);
    if let Some(error) = parsed.errors.first() {
        let message = error.message.clone();
        cx.problem(Problem { span: error.span, message, what: "package-lock.json" });
        return None;
    }
    let root = parsed.tree.root().filter(|root| root.is_map())?;
    match root.get("packages").filter(|packages| packages.is_map()) {
        Some(packages) => Some(by_path(packages, dir, blank, members, all)),
        None => {
            let pinned = root.get("dependencies");
            Some(members.iter().map(|package| version_1(pinned, blank, package)).collect())
        }
    }
}

/// Version 1: the names at the top with their versions, and no binaries nor deprecations.
fn version_1(pinned: Option<Value<'_>>, blank: &Lockfile, package: &Package) -> Lockfile {
    let installed: BTreeMap<String, Installed> = pinned
        .map(Value::entries)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(key, entry)| {
            let version = entry.get("version").and_then(string).unwrap_or_default().to_owned();
            Some((key.text()?.to_owned(), Installed { version, span: key.span() }))
        })
        .collect();
    let in_sync =
        all_pinned(package, blank.place, |dependency| match installed.get(&dependency.name) {
            None => Some(dependency.kind == DependencyKind::Optional),
            Some(at) if dependency.is_link() => Some(at.version == dependency.requirement),
            Some(at) => version::satisfies(&at.version, &dependency.requirement),
        });
    Lockfile { in_sync, installed: Arc::new(Pinned::of(&installed)), ..blank.clone() }
}

/// An entry of `packages`.
struct Entry<'a> {
    key: Value<'a>,
    fields: BTreeMap<&'a str, (Value<'a>, Value<'a>)>,
}

impl<'a> Entry<'a> {
    fn text(&self, field: &str) -> Option<&'a str> {
        self.fields.get(field).and_then(|(_, value)| string(*value))
    }

    /// Its key, to the key of its dependencies.
    fn place(&self) -> Span {
        let key = self.fields.get("dependencies").map_or(self.key, |(key, _)| *key);
        self.key.span().cover(key.span())
    }

    fn flag(&self, field: &str) -> bool {
        self.fields.get(field).and_then(|(_, value)| value.bool()) == Some(true)
    }

    fn names(&self, field: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let map = self.fields.get(field).map(|(_, value)| value.entries()).unwrap_or_default();
        map.into_iter().filter_map(|(key, _)| key.text())
    }
}

/// Versions 2 and 3.
fn by_path(
    packages: Value<'_>,
    dir: &str,
    blank: &Lockfile,
    members: &[&Package],
    all: &BTreeMap<&str, &Package>,
) -> Vec<Lockfile> {
    let entries: BTreeMap<&str, Entry<'_>> = packages
        .entries()
        .into_iter()
        .filter_map(|(key, value)| {
            let fields = value
                .entries()
                .into_iter()
                .filter_map(|(k, v)| Some((k.text()?, (k, v))))
                .collect();
            Some((key.text()?, Entry { key, fields }))
        })
        .collect();
    let workspace = members.iter().any(|package| package.dir != dir);
    let (bins, installed) = top(&entries, workspace);
    let (bins, installed) = (Arc::new(bins), Arc::new(Pinned::of(&installed)));
    let deprecated: Vec<(&str, &Entry<'_>)> = entries
        .iter()
        .filter(|(_, entry)| entry.fields.contains_key("deprecated"))
        .map(|(path, entry)| (*path, entry))
        .collect();
    let copies = Arc::new(copies(&entries, dir, all));
    let reach = workspace && entries.len().saturating_mul(members.len()) <= MAX_REACH;
    members
        .iter()
        .map(|package| {
            let own = path::relative(dir, &package.dir);
            let reached = (reach && !deprecated.is_empty()).then(|| reached(&entries, &own));
            Lockfile {
                in_sync: in_sync(package, entries.get(&*own)),
                deprecated: deprecations(package, &own, &deprecated, &entries, reached.as_ref()),
                tells_deprecated: true,
                bins: Arc::clone(&bins),
                installed: Arc::clone(&installed),
                tells_bins: true,
                links: links(&entries, dir, &package.dir),
                copies: Arc::clone(&copies),
                ..blank.clone()
            }
        })
        .collect()
}

/// Splits `…/node_modules/@a/b` into what holds the `node_modules` and the name in it.
fn split(path: &str) -> Option<(&str, &str)> {
    const DIR: &str = "node_modules/";
    let at = path.rfind(DIR)?;
    let holder = path.get(..at)?;
    if !holder.is_empty() && !holder.ends_with('/') {
        return None;
    }
    Some((holder.trim_end_matches('/'), path.get(at + DIR.len()..)?))
}

/// What stands at the top of `node_modules` (a workspace's members have their own), and the
/// binaries that npm links for it.
fn top(
    entries: &BTreeMap<&str, Entry<'_>>,
    workspace: bool,
) -> (BTreeMap<String, Vec<String>>, BTreeMap<String, Installed>) {
    let mut bins: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut installed = BTreeMap::new();
    for (path, entry) in entries {
        let Some((holder, name)) = split(path) else { continue };
        let of_member = workspace && !holder.contains("node_modules") && !holder.starts_with("..");
        if !holder.is_empty() && !of_member {
            continue;
        }
        let target = entry.text("resolved").filter(|_| entry.flag("link"));
        let real = target.and_then(|target| entries.get(target)).unwrap_or(entry);
        let version = real.text("version").unwrap_or_default().to_owned();
        let at = Installed { version, span: entry.key.span() };
        if holder.is_empty() {
            installed.insert(name.to_owned(), at);
        } else {
            installed.entry(name.to_owned()).or_insert(at);
        }
        let Some((_, bin)) = real.fields.get("bin") else { continue };
        let mut add = |binary: &str| {
            let owners = bins.entry(binary.to_owned()).or_default();
            if owners.last().is_none_or(|last| last != name) {
                owners.push(name.to_owned());
            }
        };
        if bin.is_map() {
            real.names("bin").for_each(&mut add);
        } else {
            add(path::name(name));
        }
    }
    (bins, installed)
}

/// Whether the lockfile's copy of the manifest equals the manifest.
fn in_sync(package: &Package, entry: Option<&Entry<'_>>) -> Fact<bool> {
    if package.broken {
        return Fact::Unknown(Why::Unparsed, Some(package.place));
    }
    let Some(entry) = entry else { return Fact::declared(false, package.place) };
    match differences(package, entry).first() {
        Some(span) => Fact::declared(false, *span),
        None => Fact::declared(true, entry.place()),
    }
}

/// What differs between a manifest and the lockfile's copy of it: declarations, then what only the
/// copy has.
fn differences(package: &Package, entry: &Entry<'_>) -> Vec<Span> {
    use DependencyKind::{Development, Optional, Peer, Production};
    let mut copy: BTreeMap<(DependencyKind, &str), (&str, Span)> = BTreeMap::new();
    for (field, kind) in [
        ("dependencies", Production),
        ("devDependencies", Development),
        ("peerDependencies", Peer),
        ("optionalDependencies", Optional),
    ] {
        let map = entry.fields.get(field).map(|(_, map)| map.entries()).unwrap_or_default();
        for (key, value) in map {
            if let (Some(name), Some(range)) = (key.text(), string(value)) {
                copy.insert((kind, name), (range, key.span().cover(value.span())));
            }
        }
    }
    let mut kinds: BTreeMap<&str, BTreeSet<DependencyKind>> = BTreeMap::new();
    for dependency in &package.dependencies {
        kinds.entry(&dependency.name).or_default().insert(dependency.kind);
    }
    let several = |name: &str| kinds.get(name).is_some_and(|kinds| kinds.len() > 1);
    let differs = |dependency: &&Dependency| {
        let copied = copy.get(&(dependency.kind, &*dependency.name));
        match copied {
            Some((range, _)) => range.trim() != dependency.requirement.trim(),
            // npm folds a name that stands under two keys into one of them; old versions of it
            // did not copy peers.
            None => dependency.kind != Peer && !several(&dependency.name),
        }
    };
    let left = copy.iter().filter(|((kind, name), _)| {
        kinds.get(name).is_none_or(|kinds| !kinds.contains(kind) && kinds.len() == 1)
    });
    let declared = package.dependencies.iter().filter(differs).map(|dependency| dependency.span);
    declared.chain(left.map(|(_, (_, span))| *span)).collect()
}

/// The copies of manifests of local directories, those of workspace members included.
fn copies(
    entries: &BTreeMap<&str, Entry<'_>>,
    dir: &str,
    all: &BTreeMap<&str, &Package>,
) -> BTreeMap<String, ManifestCopy> {
    let local = entries.iter().filter(|(key, _)| !key.is_empty() && split(key).is_none());
    local
        .filter_map(|(key, entry)| {
            let at = path::join(dir, key)?;
            let package = all.get(&*at)?;
            let complete = !package.broken;
            let differs = if complete { differences(package, entry) } else { Vec::new() };
            Some((at, ManifestCopy { span: entry.place(), differs, complete }))
        })
        .collect()
}

/// The entry that `name`, asked for from `holder`, is resolved to: as Node looks it up.
fn resolve<'e>(
    entries: &BTreeMap<&'e str, Entry<'e>>,
    holder: &str,
    name: &str,
) -> Option<&'e str> {
    let mut at = holder;
    loop {
        let path = if at.is_empty() {
            format!("node_modules/{name}")
        } else {
            format!("{at}/node_modules/{name}")
        };
        if let Some((path, _)) = entries.get_key_value(&*path) {
            return Some(path);
        }
        if at.is_empty() {
            return None;
        }
        at = path::parent(at);
    }
}

/// The entries that one workspace member needs.
fn reached<'e>(entries: &BTreeMap<&'e str, Entry<'e>>, own: &str) -> BTreeSet<&'e str> {
    let mut seen = BTreeSet::new();
    let mut todo: Vec<&'e str> = entries.get_key_value(own).map(|(k, _)| *k).into_iter().collect();
    while let Some(path) = todo.pop() {
        if !seen.insert(path) {
            continue;
        }
        let Some(entry) = entries.get(path) else { continue };
        if entry.flag("link")
            && let Some((target, _)) = entry.text("resolved").and_then(|t| entries.get_key_value(t))
        {
            todo.push(target);
        }
        let mut fields = vec!["dependencies", "optionalDependencies", "peerDependencies"];
        if path == own {
            fields.push("devDependencies");
        }
        for field in fields {
            todo.extend(entry.names(field).filter_map(|name| resolve(entries, path, name)));
        }
    }
    seen
}

fn deprecations(
    package: &Package,
    own: &str,
    deprecated: &[(&str, &Entry<'_>)],
    entries: &BTreeMap<&str, Entry<'_>>,
    reached: Option<&BTreeSet<&str>>,
) -> Vec<Deprecated> {
    let mut kinds: BTreeMap<&str, DependencyKind> = BTreeMap::new();
    for dependency in &package.dependencies {
        let kind = kinds.entry(&dependency.name).or_insert(dependency.kind);
        *kind = (*kind).min(dependency.kind);
    }
    let mut found = Vec::new();
    let mut transitive = 0;
    for (path, entry) in deprecated {
        let Some((_, name)) = split(path) else { continue };
        let direct = kinds
            .get(name)
            .copied()
            .filter(|_| resolve(entries, own, name).is_some_and(|resolved| resolved == *path));
        if direct.is_none() {
            transitive += 1;
            let out_of_reach = reached.is_some_and(|reached| !reached.contains(path));
            if out_of_reach || transitive > MAX_SHARED {
                continue;
            }
        }
        found.push(Deprecated {
            name: entry.text("name").unwrap_or(name).to_owned(),
            version: entry.text("version").unwrap_or_default().to_owned(),
            direct,
            development: match direct {
                Some(kind) => kind == DependencyKind::Development,
                None => entry.flag("dev"),
            },
            span: entry.fields.get("deprecated").map_or(entry.key.span(), |(key, value)| {
                entry.key.span().cover(key.span()).cover(value.span())
            }),
        });
    }
    found
}

fn links(
    entries: &BTreeMap<&str, Entry<'_>>,
    dir: &str,
    package: &str,
) -> Vec<(String, String, Span)> {
    entries
        .iter()
        .filter(|(_, entry)| entry.flag("link"))
        .filter_map(|(path, entry)| {
            let resolved = entry.text("resolved")?;
            let target = match path::join(dir, resolved) {
                Some(target) if target == package => ".".to_owned(),
                Some(target) => path::relative(package, &target),
                None => resolved.to_owned(),
            };
            let end = entry.fields.get("link").map_or(entry.key.span(), |(_, value)| value.span());
            Some(((*path).to_owned(), target, entry.key.span().cover(end)))
        })
        .collect()
}
