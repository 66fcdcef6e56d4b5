//! Lockfiles: which one an install reads, and what it says of the package that asks.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll_source::{FileId, Span, TextRange, Tree};
use rayon::prelude::*;

use super::{Cx, find, first_line, lock_npm, lock_pnpm, lock_yarn};
use crate::fact::{Fact, Why};
use crate::package::{Ecosystem, LockKind, Lockfile, Package};
use crate::path;

/// Lockfiles of Node's managers, the one that npm prefers first.
const NODE: [(&str, LockKind); 6] = [
    ("npm-shrinkwrap.json", LockKind::Npm),
    ("package-lock.json", LockKind::Npm),
    ("yarn.lock", LockKind::Yarn),
    ("pnpm-lock.yaml", LockKind::Pnpm),
    ("bun.lock", LockKind::Bun),
    ("bun.lockb", LockKind::Bun),
];

/// Gives each package its lockfile. One that several share is parsed once.
pub(super) fn attach(cx: &Cx<'_>, packages: &mut [Package]) {
    let managers: BTreeMap<String, String> =
        packages.iter().filter_map(|p| Some((p.dir.clone(), p.manager.clone()?))).collect();
    let mut groups: BTreeMap<FileId, (LockKind, Vec<usize>)> = BTreeMap::new();
    for (index, package) in packages.iter().enumerate() {
        let dirs = std::iter::once(&package.dir).chain(&package.workspace);
        let found = dirs.into_iter().find_map(|dir| {
            let manager = managers.get(dir).map(String::as_str);
            of_directory(cx.tree, dir, manager)
        });
        if let Some((file, kind)) = found {
            groups.entry(file).or_insert((kind, Vec::new())).1.push(index);
        }
    }
    let all: BTreeMap<&str, &Package> = packages.iter().map(|p| (&*p.dir, p)).collect();
    let (all_installed, all_bins) = (Mutex::default(), Mutex::default());
    let read: Vec<(Vec<usize>, Vec<Lockfile>)> = groups
        .into_par_iter()
        .map(|(file, (kind, members))| {
            let asking: Vec<&Package> = members.iter().filter_map(|&i| packages.get(i)).collect();
            let mut locks = read(cx, file, kind, &asking, &all);
            for lock in &mut locks {
                lock.installed = shared(&all_installed, &lock.installed);
                lock.bins = shared(&all_bins, &lock.bins);
            }
            (members, locks)
        })
        .collect();
    for (members, locks) in read {
        for (index, lock) in members.into_iter().zip(locks) {
            if let Some(package) = packages.get_mut(index) {
                package.lockfile = Some(lock);
            }
        }
    }
}

/// What equals a value that was met before, as that value: lockfiles are large, and copied.
fn shared<T: Eq + Hash>(met: &Mutex<HashSet<Arc<T>>>, value: &Arc<T>) -> Arc<T> {
    let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = met.get(value) {
        return Arc::clone(found);
    }
    met.insert(Arc::clone(value));
    Arc::clone(value)
}

/// The lockfile that an install in a directory reads: that of the named manager, else the first.
fn of_directory(tree: &Tree, dir: &str, manager: Option<&str>) -> Option<(FileId, LockKind)> {
    let named = manager.and_then(|manager| {
        Some(match manager.split('@').next()? {
            "npm" => LockKind::Npm,
            "yarn" => LockKind::Yarn,
            "pnpm" => LockKind::Pnpm,
            "bun" => LockKind::Bun,
            _ => return None,
        })
    });
    let look = |only: Option<LockKind>| {
        NODE.iter()
            .filter(|(_, kind)| only.is_none_or(|only| only == *kind))
            .find_map(|(name, kind)| Some((find(tree, dir, name)?, *kind)))
    };
    named.and_then(|kind| look(Some(kind))).or_else(|| look(None))
}

/// What one lockfile says of each package that reads it.
fn read(
    cx: &Cx<'_>,
    file: FileId,
    kind: LockKind,
    members: &[&Package],
    all: &BTreeMap<&str, &Package>,
) -> Vec<Lockfile> {
    let what = match kind {
        LockKind::Npm => "package-lock.json",
        LockKind::Yarn => "yarn.lock",
        LockKind::Pnpm => "pnpm-lock.yaml",
        LockKind::Bun | LockKind::Other => {
            return members.iter().map(|_| unread(file, kind, Why::Unsupported)).collect();
        }
    };
    let Some(text) = cx.text(file, what) else {
        let too_large = cx.tree.entry(file).len > cx.tree.max_file();
        let why = if too_large { Why::TooLarge } else { Why::Unreadable };
        return members.iter().map(|_| unread(file, kind, why)).collect();
    };
    let blank = Lockfile {
        trouble: None,
        place: first_line(file, text.text()),
        ..unread(file, kind, Why::Unparsed)
    };
    let dir = path::parent(cx.tree.path(file)).to_owned();
    let read = match kind {
        LockKind::Npm => lock_npm::read(cx, text, &dir, &blank, members, all),
        LockKind::Pnpm => lock_pnpm::read(cx, text, &dir, &blank, members),
        _ => lock_yarn::read(&text, &blank, members),
    };
    read.unwrap_or_else(|| {
        members.iter().map(|_| Lockfile { trouble: Some(Why::Unparsed), ..blank.clone() }).collect()
    })
}

/// A lockfile of which only the name is known.
fn unread(file: FileId, kind: LockKind, why: Why) -> Lockfile {
    let place = Span::new(file, TextRange::new(0, 0));
    Lockfile {
        file,
        kind,
        in_sync: Fact::Unknown(why, Some(place)),
        deprecated: Vec::new(),
        tells_deprecated: false,
        bins: Arc::default(),
        installed: Arc::default(),
        kept: Vec::new(),
        tells_bins: false,
        links: Vec::new(),
        copies: Arc::default(),
        place,
        trouble: Some(why),
    }
}

/// The lockfile beside a manifest of another ecosystem (Cargo's and uv's may stand further up).
pub(super) fn other(tree: &Tree, dir: &str, ecosystem: Ecosystem) -> Option<Lockfile> {
    let (beside, above): (&[&str], &[&str]) = match ecosystem {
        Ecosystem::Node | Ecosystem::Other => return None,
        Ecosystem::Python => (&["poetry.lock", "Pipfile.lock", "pdm.lock"], &["uv.lock"]),
        Ecosystem::Go => (&["go.sum"], &[]),
        Ecosystem::Rust => (&[], &["Cargo.lock"]),
        Ecosystem::Java => (&["gradle.lockfile"], &[]),
        Ecosystem::Ruby => (&["Gemfile.lock"], &[]),
        Ecosystem::Php => (&["composer.lock"], &[]),
        Ecosystem::Dotnet => (&["packages.lock.json"], &[]),
    };
    let file = beside.iter().find_map(|name| find(tree, dir, name)).or_else(|| {
        path::ancestors(dir).find_map(|dir| above.iter().find_map(|name| find(tree, dir, name)))
    })?;
    Some(unread(file, LockKind::Other, Why::Unsupported))
}

/// The first declared dependency (peers aside, which a lockfile may leave out) for which `pinned`
/// does not hold decides: the lockfile is out of sync there. `None` of `pinned` is undecided.
pub(super) fn all_pinned(
    package: &Package,
    place: Span,
    mut pinned: impl FnMut(&crate::package::Dependency) -> Option<bool>,
) -> Fact<bool> {
    if package.broken {
        return Fact::Unknown(Why::Unparsed, Some(package.place));
    }
    let mut undecided = None;
    for dependency in &package.dependencies {
        if dependency.kind == crate::package::DependencyKind::Peer {
            continue;
        }
        match pinned(dependency) {
            Some(true) => {}
            Some(false) => return Fact::declared(false, dependency.span),
            None => undecided = undecided.or(Some(dependency.span)),
        }
    }
    match undecided {
        Some(span) => Fact::Unknown(Why::Unsupported, Some(span)),
        None => Fact::declared(true, place),
    }
}
