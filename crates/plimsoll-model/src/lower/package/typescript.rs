//! `tsconfig.json`: what the build emits, with everything that the configuration extends.

use plimsoll_source::{FileId, Span};
use plimsoll_syntax::yaml::{self, Value};

use super::{Cx, find, string};
use crate::fact::{Fact, How, Origin, Why};
use crate::package::script::{Call, calls};
use crate::package::{Package, TypeScript};
use crate::{path, version};

/// Configurations that extend one another.
const MAX_EXTENDS: usize = 16;

/// What `tsc` emits for this package, where one of its scripts runs it.
pub(super) fn read(cx: &Cx<'_>, packages: &[Package], package: &Package) -> Option<TypeScript> {
    let preferred = ["build", "compile", "build:ts", "build:prod", "prepare", "dist"];
    let named = preferred.iter().filter_map(|name| package.script(name));
    // Of the others, those that name it; more than this are no package's.
    let others = package.scripts.iter().filter(|script| script.command.contains("tsc")).take(20);
    let mut scripts = named.chain(others);
    let build = scripts.find_map(|script| {
        calls(packages, package, script).into_iter().find(|call| {
            call.package.manifest == package.manifest
                && word(call, 0) == Some("tsc")
                && !has(call, &["--noEmit", "--version", "--init", "--showConfig", "-v", "--help"])
        })
    })?;
    let cwd = build.cwd.as_deref()?;
    let named = value(&build, &["-p", "--project", "-b", "--build"]);
    let config = match named.as_deref().filter(|named| !named.starts_with('-')) {
        Some(named) => find(cx.tree, cwd, named)
            .or_else(|| find(cx.tree, cwd, &format!("{named}/tsconfig.json")))?,
        None => path::ancestors(cwd).find_map(|dir| find(cx.tree, dir, "tsconfig.json"))?,
    };
    let mut made = configuration(cx, packages, package, config)?;
    let over = |names: &[&str]| {
        let given = path::join(cwd, &value(&build, names)?)?;
        Some(Fact::declared(path::relative(&package.dir, &given), build.script.span))
    };
    if let Some(out) = over(&["--outDir", "--outdir"]) {
        made.out_dir = out;
    }
    if let Some(root) = over(&["--rootDir", "--rootdir"]) {
        made.root_dir = root;
    }
    if value(&build, &["--outFile"]).is_some() {
        made.out_dir = Fact::Unknown(Why::Unsupported, Some(build.script.span));
    }
    Some(made)
}

fn word<'c>(call: &'c Call<'_>, index: usize) -> Option<&'c str> {
    call.words.get(index)?.as_deref()
}

fn has(call: &Call<'_>, names: &[&str]) -> bool {
    call.words.iter().flatten().any(|word| names.contains(&&**word))
}

fn value(call: &Call<'_>, names: &[&str]) -> Option<String> {
    let at = call.words.iter().flatten().position(|word| names.contains(&&**word))?;
    call.words.get(at + 1)?.clone()
}

/// What one configuration and those it extends say; the first that says something wins.
#[derive(Default)]
struct Merged {
    out_dir: Option<Fact<String>>,
    root_dir: Option<Fact<String>>,
    no_emit: Option<bool>,
    allow_js: Option<bool>,
    composite: Option<bool>,
    files: Option<Vec<String>>,
    include: Option<Vec<String>>,
    exclude: Option<Vec<String>>,
    /// Something extended is not in the tree: what is not said may be said there.
    unread: Option<(Why, Span)>,
    missing: Option<(String, Span)>,
    references: bool,
    /// Names of modules lead elsewhere: `paths`, `baseUrl`.
    aliases: bool,
}

fn configuration(
    cx: &Cx<'_>,
    packages: &[Package],
    package: &Package,
    config: FileId,
) -> Option<TypeScript> {
    let mut merged = Merged::default();
    let mut seen = Vec::new();
    let top = path::parent(cx.tree.path(config)).to_owned();
    // Nearest first: of several that one file extends, the last one wins.
    let mut todo = vec![config];
    while let Some(file) = todo.pop() {
        if seen.contains(&file) || seen.len() >= MAX_EXTENDS {
            continue;
        }
        seen.push(file);
        let Some(text) = cx.text(file, "tsconfig.json") else {
            let at = super::first_line(file, b"");
            merged.unread = merged.unread.or(Some((Why::Unreadable, at)));
            continue;
        };
        let place = super::first_line(file, text.text());
        let parsed = yaml::parse_json(text);
        let root = parsed.tree.root().filter(|root| root.is_map());
        let Some(root) = root.filter(|_| !parsed.errors.iter().any(|e| e.fatal)) else {
            merged.unread = merged.unread.or(Some((Why::Unparsed, place)));
            continue;
        };
        let bases = one(cx, packages, package, &top, file, root, &mut merged);
        todo.extend(bases);
    }
    let unsaid = merged.unread.map(|(why, at)| Fact::Unknown(why, Some(at)));
    let mut root_dir = merged.root_dir.or_else(|| {
        (merged.composite == Some(true)).then(|| Fact::Known {
            value: path::relative(&package.dir, &top),
            at: Origin::default(),
            how: How::Default,
        })
    });
    if merged.references && merged.files.as_ref().is_some_and(Vec::is_empty) {
        // A solution: the projects it refers to are what is built.
        root_dir = Some(Fact::Unknown(Why::Unsupported, None));
        merged.out_dir = Some(Fact::Unknown(Why::Unsupported, None));
    }
    let include = match (merged.files, merged.include) {
        (Some(files), Some(include)) => files.into_iter().chain(include).collect(),
        (Some(files), None) => files,
        (None, Some(include)) => include,
        (None, None) => vec![top.clone()],
    };
    let exclude = merged.exclude.unwrap_or_default();
    let plain = merged.allow_js != Some(true) && !merged.aliases && !merged.references;
    let inferred = |root: &str| Fact::Known {
        value: path::relative(&package.dir, root),
        at: Origin::default(),
        how: How::Inferred,
    };
    // Up to version 5 what is compiled decides, from 6 on the configuration's place.
    let root_dir = root_dir.or(unsaid.clone()).or_else(|| match is_six(packages, package) {
        Some(true) => Some(inferred(&top)),
        newer => {
            let root = shared(cx, package, &include, &exclude).filter(|_| plain)?;
            Some(match newer {
                None if root != top => Fact::Unknown(Why::NeedsBuild, None),
                _ => inferred(&root),
            })
        }
    });
    Some(TypeScript {
        config,
        out_dir: merged.out_dir.or(unsaid).unwrap_or(Fact::Absent),
        root_dir: root_dir.unwrap_or(Fact::Absent),
        no_emit: merged.no_emit == Some(true),
        allow_js: merged.allow_js == Some(true),
        include,
        exclude,
        extends_missing: merged.missing,
    })
}

/// Whether the TypeScript that a package builds with is of version 6 or later; `None` where its
/// range admits both, or nothing names it.
fn is_six(packages: &[Package], package: &Package) -> Option<bool> {
    const SIX: [u64; 3] = [6, 0, 0];
    let root = package.workspace.as_deref();
    let root = root.and_then(|dir| packages.iter().find(|other| other.dir == dir));
    let named = [Some(package), root].into_iter().flatten();
    let range = named.clone().find_map(|of| Some(&of.dependency("typescript")?.requirement));
    let ranges = range.and_then(|range| version::intervals(range)).unwrap_or_default();
    if !ranges.is_empty() && ranges.iter().all(|(low, _)| *low >= SIX) {
        return Some(true);
    }
    if !ranges.is_empty() && ranges.iter().all(|(_, high)| high.is_some_and(|high| high <= SIX)) {
        return Some(false);
    }
    let mut lockfiles = named.filter_map(|of| of.lockfile.as_ref());
    let pinned = lockfiles.find_map(|lockfile| lockfile.installed.get("typescript"))?;
    Some(version::major(pinned.0)? >= 6)
}

/// The directory that all compiled files share, which is the `rootDir` where none is said; `None`
/// where one of them imports from outside of it.
fn shared(
    cx: &Cx<'_>,
    package: &Package,
    include: &[String],
    exclude: &[String],
) -> Option<String> {
    const MAX_SOURCES: usize = 2_000;
    let matches = |globs: &[String], at: &str| {
        globs.iter().any(|glob| path::glob(glob, at) || path::below(glob, at).is_some())
    };
    let is_source = |at: &str| {
        [".ts", ".tsx", ".mts", ".cts"].iter().any(|end| at.ends_with(end))
            && ![".d.ts", ".d.mts", ".d.cts"].iter().any(|end| at.ends_with(end))
            && !at.split('/').any(|part| part == "node_modules")
    };
    let files = cx.tree.under(&package.dir).filter(|&file| {
        let at = cx.tree.path(file);
        is_source(at) && matches(include, at) && !matches(exclude, at)
    });
    let files: Vec<FileId> = files.take(MAX_SOURCES + 1).collect();
    if files.len() > MAX_SOURCES {
        return None;
    }
    let mut dirs = files.iter().map(|&file| path::parent(cx.tree.path(file)));
    let mut root = dirs.next()?;
    for dir in dirs {
        root = path::ancestors(root).find(|above| path::below(above, dir).is_some())?;
    }
    let stays = |&file: &FileId| {
        let Ok(bytes) = cx.bytes(file) else { return false };
        let dir = path::parent(cx.tree.path(file));
        let text = String::from_utf8_lossy(&bytes);
        let mut above = text.match_indices("../").filter_map(|(at, _)| {
            let rest = text.get(at..)?;
            let before = text.get(..at)?;
            // Within a longer path, or no path at all.
            before.ends_with(['\'', '"', '`']).then(|| rest.split(['\'', '"', '`', '\n']).next())?
        });
        above.all(|to| path::join(dir, to).is_some_and(|to| path::below(root, &to).is_some()))
    };
    files.iter().all(stays).then(|| root.to_owned())
}

/// Adds what one file says; gives what it extends, in order.
fn one(
    cx: &Cx<'_>,
    packages: &[Package],
    package: &Package,
    top: &str,
    file: FileId,
    root: Value<'_>,
    merged: &mut Merged,
) -> Vec<FileId> {
    let dir = path::parent(cx.tree.path(file)).to_owned();
    // A path in a configuration is relative to it, `${configDir}` to the one that extends it.
    let place = |text: &str| match text.strip_prefix("${configDir}") {
        Some(rest) => path::join(top, rest.trim_start_matches('/')),
        None => path::join(&dir, text),
    };
    let directory = |value: Value<'_>| {
        Some(match place(string(value)?) {
            Some(at) => Fact::declared(path::relative(&package.dir, &at), value.span()),
            None => Fact::Unknown(Why::OutOfTree, Some(value.span())),
        })
    };
    let list = |key: &str| {
        let list = root.get(key).filter(|list| list.is_seq())?;
        Some(list.items().filter_map(string).filter_map(place).collect::<Vec<_>>())
    };
    for (key, value) in root.get("compilerOptions").map(Value::entries).unwrap_or_default() {
        match key.text().unwrap_or_default() {
            "outDir" if merged.out_dir.is_none() => merged.out_dir = directory(value),
            "outFile" if merged.out_dir.is_none() => {
                merged.out_dir = Some(Fact::Unknown(Why::Unsupported, Some(value.span())));
            }
            "rootDir" if merged.root_dir.is_none() => merged.root_dir = directory(value),
            "noEmit" if merged.no_emit.is_none() => merged.no_emit = value.bool(),
            "allowJs" if merged.allow_js.is_none() => merged.allow_js = value.bool(),
            "paths" | "baseUrl" | "rootDirs" => merged.aliases = true,
            "composite" if merged.composite.is_none() => merged.composite = value.bool(),
            _ => {}
        }
    }
    // These three replace what is extended as a whole.
    merged.files = merged.files.take().or_else(|| list("files"));
    merged.include = merged.include.take().or_else(|| list("include"));
    merged.exclude = merged.exclude.take().or_else(|| list("exclude"));
    merged.references |= root.get("references").is_some();
    let Some(extends) = root.get("extends") else { return Vec::new() };
    let named: Vec<Value<'_>> =
        if extends.is_seq() { extends.items().collect() } else { vec![extends] };
    let mut bases = Vec::new();
    for value in named {
        let Some(name) = string(value) else { continue };
        if name.starts_with('.') || name.starts_with('/') {
            let found =
                find(cx.tree, &dir, name).or_else(|| find(cx.tree, &dir, &format!("{name}.json")));
            match found {
                Some(found) => bases.push(found),
                None if path::join(&dir, name).is_none() => {
                    merged.unread = merged.unread.or(Some((Why::OutOfTree, value.span())));
                }
                None => {
                    merged.missing.get_or_insert((name.to_owned(), value.span()));
                }
            }
            continue;
        }
        match of_package(cx, packages, package, name) {
            Some(found) => bases.push(found),
            None => merged.unread = merged.unread.or(Some((Why::OutOfTree, value.span()))),
        }
    }
    bases
}

/// A configuration in a package that is linked from this tree: `@acme/tsconfig/base.json`.
fn of_package(cx: &Cx<'_>, packages: &[Package], package: &Package, name: &str) -> Option<FileId> {
    let parts = if name.starts_with('@') { 2 } else { 1 };
    let cut = name.match_indices('/').nth(parts - 1).map_or(name.len(), |(at, _)| at);
    let (named, rest) = (name.get(..cut)?, name.get(cut..)?.trim_start_matches('/'));
    let local = |package: &Package| package.dependency(named).and_then(|d| d.local.clone());
    let dir = local(package).or_else(|| {
        let root = package.workspace.as_ref()?;
        packages.iter().find(|p| p.is_node() && p.dir == *root).and_then(local)
    })?;
    let rest = if rest.is_empty() { "tsconfig.json" } else { rest };
    find(cx.tree, &dir, rest).or_else(|| find(cx.tree, &dir, &format!("{rest}.json")))
}
