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
    Dependency, DependencyKind, Deprecated, Lockfile, ManifestCopy, Package, Pinned,
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
fn version_1(all: Option<Value<'_>>, blank: &Lockfile, package: &Package) -> Lockfile {
    let installed: BTreeMap<&str, (&str, Span)> = all
        .map(Value::entries)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(key, entry)| {
            let version = entry.get("version").and_then(string).unwrap_or_default();
            Some((key.text()?, (version, key.span())))
        })
        .collect();
    let in_sync =
        all_pinned(package, blank.place, |dependency| match installed.get(&*dependency.name) {
            None => Some(dependency.kind == DependencyKind::Optional),
            Some((version, _)) if dependency.is_link() => Some(*version == dependency.requirement),
            Some((version, _)) => version::satisfies(version, &dependency.requirement),
        });
    Lockfile { in_sync, installed: Arc::new(pinned(&installed)), ..blank.clone() }
}

fn pinned(installed: &BTreeMap<&str, (&str, Span)>) -> Pinned {
    Pinned::of(installed.iter().map(|(name, (version, at))| (*name, *version, at.range)))
}

/// An entry of `packages`: the fields that are asked for, read once.
struct Entry<'a> {
    path: &'a str,
    key: Value<'a>,
    value: Value<'a>,
    /// Its path split at the last `node_modules/`: what holds that, and the name in it.
    place: Option<(&'a str, &'a str)>,
    version: Option<&'a str>,
    resolved: Option<&'a str>,
    /// Where `link` is true, its value.
    link: Option<Value<'a>>,
    bin: Option<Value<'a>>,
    deprecated: Option<(Value<'a>, Value<'a>)>,
}

impl<'a> Entry<'a> {
    fn of(key: Value<'a>, value: Value<'a>) -> Option<Self> {
        let path = key.text()?;
        let (version, resolved, link, bin, deprecated) = (None, None, None, None, None);
        let place = split(path);
        let mut entry = Self { path, key, value, place, version, resolved, link, bin, deprecated };
        for (name, field) in value.pairs() {
            match name.bytes() {
                Some(b"version") => entry.version = string(field),
                Some(b"resolved") => entry.resolved = string(field),
                Some(b"link") => entry.link = Some(field).filter(|link| link.bool() == Some(true)),
                Some(b"bin") => entry.bin = Some(field),
                Some(b"deprecated") => entry.deprecated = Some((name, field)),
                _ => {}
            }
        }
        Some(entry)
    }

    /// Its key, to the key of its dependencies.
    fn span(&self) -> Span {
        let key = self.value.entry("dependencies").map_or(self.key, |(key, _)| key);
        self.key.span().cover(key.span())
    }

    fn names(&self, field: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let map = self.value.get(field).map(Value::entries).unwrap_or_default();
        map.into_iter().filter_map(|(key, _)| key.text())
    }
}

/// The entries of `packages`, by path.
struct Entries<'a>(Vec<Entry<'a>>);

impl<'a> Entries<'a> {
    fn of(packages: Value<'a>) -> Self {
        let pairs = packages.entries().into_iter();
        let mut all: Vec<Entry<'a>> =
            pairs.filter_map(|(key, value)| Entry::of(key, value)).collect();
        all.sort_by_key(|entry| entry.path);
        Self(all)
    }

    fn iter(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.0.iter()
    }

    fn get(&self, path: &str) -> Option<&Entry<'a>> {
        let at = self.0.binary_search_by_key(&path, |entry| entry.path).ok()?;
        self.0.get(at)
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
    let entries = Entries::of(packages);
    let workspace = members.iter().any(|package| package.dir != dir);
    let (bins, installed) = top(&entries, workspace);
    let (bins, installed) = (Arc::new(bins), Arc::new(installed));
    let deprecated: Vec<&Entry<'_>> =
        entries.iter().filter(|entry| entry.deprecated.is_some()).collect();
    let copies = Arc::new(copies(&entries, dir, all));
    let reach = workspace && entries.0.len().saturating_mul(members.len()) <= MAX_REACH;
    members
        .iter()
        .map(|package| {
            let own = path::relative(dir, &package.dir);
            let reached = (reach && !deprecated.is_empty()).then(|| reached(&entries, &own));
            Lockfile {
                in_sync: in_sync(package, entries.get(&own)),
                deprecated: deprecations(package, &own, &deprecated, &entries, reached.as_ref()),
                tells_deprecated: true,
                bins: Arc::clone(&bins),
                installed: Arc::clone(&installed),
                kept: kept(package, &entries),
                tells_bins: true,
                links: links(&entries, dir, &package.dir),
                copies: Arc::clone(&copies),
                ..blank.clone()
            }
        })
        .collect()
}

/// The dependencies for development that an optional or peer dependency of production names, too.
fn kept(package: &Package, entries: &Entries<'_>) -> Vec<String> {
    let development = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Development);
    let kept = development.filter(|dependency| {
        let entry = entries.get(&format!("node_modules/{}", dependency.name));
        entry.is_some_and(|e| e.value.get("devOptional").and_then(Value::bool) == Some(true))
    });
    kept.map(|dependency| dependency.name.clone()).collect()
}

/// Splits `…/node_modules/@a/b` into what holds the `node_modules` and the name in it.
fn split(path: &str) -> Option<(&str, &str)> {
    const DIR: &str = "node_modules/";
    // A search of its own would be set up for each of the many.
    let at = path.as_bytes().windows(DIR.len()).rposition(|part| part == DIR.as_bytes())?;
    let holder = path.get(..at)?;
    if !holder.is_empty() && !holder.ends_with('/') {
        return None;
    }
    Some((holder.trim_end_matches('/'), path.get(at + DIR.len()..)?))
}

/// What stands at the top of `node_modules` (a workspace's members have their own), and the
/// binaries that npm links for it.
fn top(entries: &Entries<'_>, workspace: bool) -> (BTreeMap<String, Vec<String>>, Pinned) {
    let mut bins: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut installed = Vec::with_capacity(entries.0.len());
    for entry in entries.iter() {
        let Some((holder, name)) = entry.place else { continue };
        let of_member = workspace && !holder.contains("node_modules") && !holder.starts_with("..");
        if !holder.is_empty() && !of_member {
            continue;
        }
        let target = entry.resolved.filter(|_| entry.link.is_some());
        let real = target.and_then(|target| entries.get(target)).unwrap_or(entry);
        let version = real.version.unwrap_or_default();
        installed.push((name, !holder.is_empty(), version, entry.key.span().range));
        let Some(bin) = real.bin else { continue };
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
    // The root's own come before those of members, whose first one counts.
    installed.sort_by_key(|(name, of_member, ..)| (*name, *of_member));
    installed.dedup_by_key(|(name, ..)| *name);
    let installed = installed.iter().map(|(name, _, version, at)| (*name, *version, *at));
    (bins, Pinned::of(installed))
}

/// Whether the lockfile's copy of the manifest equals the manifest.
fn in_sync(package: &Package, entry: Option<&Entry<'_>>) -> Fact<bool> {
    if package.broken {
        return Fact::Unknown(Why::Unparsed, Some(package.place));
    }
    let Some(entry) = entry else { return Fact::declared(false, package.place) };
    match differences(package, entry).first() {
        Some(span) => Fact::declared(false, *span),
        None => Fact::declared(true, entry.span()),
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
        let map = entry.value.get(field).map(Value::entries).unwrap_or_default();
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
    entries: &Entries<'_>,
    dir: &str,
    all: &BTreeMap<&str, &Package>,
) -> BTreeMap<String, ManifestCopy> {
    let local = entries.iter().filter(|entry| !entry.path.is_empty() && entry.place.is_none());
    local
        .filter_map(|entry| {
            let at = path::join(dir, entry.path)?;
            let package = all.get(&*at)?;
            let complete = !package.broken;
            let differs = if complete { differences(package, entry) } else { Vec::new() };
            Some((at, ManifestCopy { span: entry.span(), differs, complete }))
        })
        .collect()
}

/// The entry that `name`, asked for from `holder`, is resolved to: as Node looks it up.
fn resolve<'e>(entries: &Entries<'e>, holder: &str, name: &str) -> Option<&'e str> {
    let mut at = holder;
    loop {
        let path = if at.is_empty() {
            format!("node_modules/{name}")
        } else {
            format!("{at}/node_modules/{name}")
        };
        if let Some(entry) = entries.get(&path) {
            return Some(entry.path);
        }
        if at.is_empty() {
            return None;
        }
        at = path::parent(at);
    }
}

/// The entries that one workspace member needs.
fn reached<'e>(entries: &Entries<'e>, own: &str) -> BTreeSet<&'e str> {
    let mut seen = BTreeSet::new();
    let mut todo: Vec<&'e str> = entries.get(own).map(|entry| entry.path).into_iter().collect();
    while let Some(path) = todo.pop() {
        if !seen.insert(path) {
            continue;
        }
        let Some(entry) = entries.get(path) else { continue };
        if entry.link.is_some()
            && let Some(target) = entry.resolved.and_then(|target| entries.get(target))
        {
            todo.push(target.path);
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
    deprecated: &[&Entry<'_>],
    entries: &Entries<'_>,
    reached: Option<&BTreeSet<&str>>,
) -> Vec<Deprecated> {
    let mut kinds: BTreeMap<&str, DependencyKind> = BTreeMap::new();
    for dependency in &package.dependencies {
        let kind = kinds.entry(&dependency.name).or_insert(dependency.kind);
        *kind = (*kind).min(dependency.kind);
    }
    let mut found = Vec::new();
    let mut transitive = 0;
    for entry in deprecated {
        let Some((_, name)) = entry.place else { continue };
        let direct = kinds
            .get(name)
            .copied()
            .filter(|_| resolve(entries, own, name).is_some_and(|resolved| resolved == entry.path));
        if direct.is_none() {
            transitive += 1;
            let out_of_reach = reached.is_some_and(|reached| !reached.contains(entry.path));
            if out_of_reach || transitive > MAX_SHARED {
                continue;
            }
        }
        found.push(Deprecated {
            name: entry.value.get("name").and_then(string).unwrap_or(name).to_owned(),
            version: entry.version.unwrap_or_default().to_owned(),
            direct,
            development: match direct {
                Some(kind) => kind == DependencyKind::Development,
                None => entry.value.get("dev").and_then(Value::bool) == Some(true),
            },
            span: entry.deprecated.map_or(entry.key.span(), |(key, value)| {
                entry.key.span().cover(key.span()).cover(value.span())
            }),
        });
    }
    found
}

fn links(entries: &Entries<'_>, dir: &str, package: &str) -> Vec<(String, String, Span)> {
    entries
        .iter()
        .filter_map(|entry| {
            let (link, resolved) = (entry.link?, entry.resolved?);
            let target = match path::join(dir, resolved) {
                Some(target) if target == package => ".".to_owned(),
                Some(target) => path::relative(package, &target),
                None => resolved.to_owned(),
            };
            Some((entry.path.to_owned(), target, entry.key.span().cover(link.span())))
        })
        .collect()
}
