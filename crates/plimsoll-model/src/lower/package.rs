//! Manifests to [`Package`]s: scripts, dependencies, workspaces, and the lockfile each install reads.

mod cargo;
mod dotnet;
mod golang;
mod jest;
mod jvm;
mod lock_npm;
mod lock_pnpm;
mod lock_yarn;
mod lockfile;
mod manifest;
mod others;
mod php;
mod python;
mod ruby;
mod typescript;

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::{FileId, Span, TextRange, Tracking, Tree};
use plimsoll_syntax::yaml::{self, Style, Value};
use rayon::prelude::*;

use super::cx::Cx;
use crate::image::{EffectKind, Image, StepKind};
use crate::package::{Ecosystem, Package, script};
use crate::path;
use manifest::Manifest;

/// Directories whose contents somebody else wrote.
const VENDORED: [&str; 9] = [
    "node_modules",
    "bower_components",
    "vendor",
    "third_party",
    ".yarn",
    ".pnpm-store",
    ".venv",
    "venv",
    "site-packages",
];

/// The packages of a tree, in (path, ecosystem) order.
pub(super) fn read(cx: &Cx<'_>) -> Vec<Package> {
    let mut node = Vec::new();
    let mut others: BTreeMap<(String, Ecosystem), (usize, FileId)> = BTreeMap::new();
    let mut pnpm = Vec::new();
    for (file, entry) in cx.tree.entries() {
        if entry.tracking == Tracking::Ignored {
            continue;
        }
        match path::name(&entry.path) {
            "package.json" if !vendored(&entry.path) => node.push(file),
            "pnpm-workspace.yaml" if !vendored(&entry.path) => pnpm.push(file),
            name => {
                if let Some((ecosystem, rank)) = other_manifest(name)
                    && !vendored(&entry.path)
                {
                    let key = (path::parent(&entry.path).to_owned(), ecosystem);
                    let best = others.entry(key).or_insert((rank, file));
                    *best = (*best).min((rank, file));
                }
            }
        }
    }
    let manifests: Vec<Manifest> =
        node.into_par_iter().map(|file| manifest::read(cx, file)).collect();
    let mut packages = link(cx, manifests, &pnpm);
    packages.par_iter_mut().for_each(|package| jest::read(cx, package));
    lockfile::attach(cx, &mut packages);
    let built: Vec<_> =
        packages.par_iter().map(|package| typescript::read(cx, &packages, package)).collect();
    for (package, built) in packages.iter_mut().zip(built) {
        package.typescript = built;
    }
    let others: Vec<_> = others.into_iter().collect();
    let mut others: Vec<Package> = others
        .into_par_iter()
        .map(|((dir, ecosystem), (_, file))| others::read(cx, dir, file, ecosystem))
        .collect();
    others::link(&mut others);
    packages.extend(others);
    packages.sort_by_key(|package| (package.manifest, package.ecosystem));
    packages
}

/// Says of commands that run a script of the package at the context's root by a name that tells
/// nothing (`pnpm api:all`) that they build, where what the script runs does.
pub(super) fn build_by_scripts(images: &mut [Image], packages: &[Package]) {
    let mut roots: BTreeMap<&str, &Package> = BTreeMap::new();
    for package in packages.iter().filter(|package| package.is_node()) {
        roots.entry(&package.dir).or_insert(package);
    }
    for image in images {
        let Some(root) = image.context.known().and_then(|dir| roots.get(&**dir)) else { continue };
        let steps = image.stages.iter_mut().flat_map(|stage| &mut stage.steps);
        for step in steps {
            let StepKind::Run(run) = &mut step.kind else { continue };
            for effect in &mut run.effects {
                let EffectKind::Other(words) = &effect.kind else { continue };
                let manager = words.first().map(|word| &**word);
                if matches!(manager, Some("npm" | "yarn" | "pnpm" | "bun"))
                    && !script::builds_in(packages, root, words).is_empty()
                {
                    effect.kind = EffectKind::Build { words: words.clone() };
                }
            }
        }
    }
}

/// Whether a path lies where others' code is kept.
pub(super) fn vendored(path: &str) -> bool {
    path.split('/').any(|part| VENDORED.contains(&part))
}

/// Manifests that are only noticed, the telling one of several in a directory first.
fn other_manifest(name: &str) -> Option<(Ecosystem, usize)> {
    Some(match name {
        "pyproject.toml" => (Ecosystem::Python, 0),
        "Pipfile" => (Ecosystem::Python, 1),
        "setup.py" => (Ecosystem::Python, 2),
        "requirements.txt" => (Ecosystem::Python, 3),
        "go.mod" => (Ecosystem::Go, 0),
        "Cargo.toml" => (Ecosystem::Rust, 0),
        "pom.xml" => (Ecosystem::Java, 0),
        "build.gradle" => (Ecosystem::Java, 1),
        "build.gradle.kts" => (Ecosystem::Java, 2),
        "Gemfile" => (Ecosystem::Ruby, 0),
        "composer.json" => (Ecosystem::Php, 0),
        "mix.exs" | "build.sbt" | "project.clj" | "deps.edn" | "rebar.config" | "stack.yaml"
        | "pubspec.yaml" | "Package.swift" | "deno.json" | "deno.jsonc" | "shard.yml"
        | "build.zig" | "CMakeLists.txt" | "dune-project" | "gleam.toml" => (Ecosystem::Other, 0),
        _ if [".csproj", ".fsproj", ".vbproj"].iter().any(|end| name.ends_with(end)) => {
            (Ecosystem::Dotnet, 0)
        }
        _ => return None,
    })
}

/// Makes packages of manifests: which workspace lists each, and what its links name.
fn link(cx: &Cx<'_>, manifests: Vec<Manifest>, pnpm: &[FileId]) -> Vec<Package> {
    let mut roots: BTreeMap<String, Patterns> = BTreeMap::new();
    for manifest in &manifests {
        if let Some(patterns) = &manifest.workspaces {
            roots.insert(manifest.package.dir.clone(), Patterns::new(patterns));
        }
    }
    for &file in pnpm {
        let Some(text) = cx.text(file, "pnpm-workspace.yaml") else { continue };
        let parsed = yaml::parse(text);
        let patterns: Vec<String> = parsed
            .tree
            .root()
            .and_then(|root| root.get("packages"))
            .into_iter()
            .flat_map(Value::items)
            .filter_map(|item| item.text().map(str::to_owned))
            .collect();
        if !patterns.is_empty() {
            roots.insert(path::parent(cx.tree.path(file)).to_owned(), Patterns::new(&patterns));
        }
    }
    let mut packages: Vec<Package> = manifests.into_iter().map(|m| m.package).collect();
    for package in &mut packages {
        package.workspace = path::ancestors(&package.dir)
            .skip(1)
            .find(|dir| {
                roots.get(*dir).is_some_and(|patterns| {
                    path::below(dir, &package.dir).is_some_and(|below| patterns.list(below))
                })
            })
            .map(str::to_owned);
    }
    // Who stands under a name in a workspace.
    let mut named: BTreeMap<(String, String), String> = BTreeMap::new();
    for package in &packages {
        if let (Some(root), Some(name)) = (&package.workspace, &package.name) {
            named.entry((root.clone(), name.clone())).or_insert_with(|| package.dir.clone());
        }
    }
    for package in &mut packages {
        let root = match &package.workspace {
            Some(root) => Some(root.clone()),
            None => roots.contains_key(&package.dir).then(|| package.dir.clone()),
        };
        for dependency in &mut package.dependencies {
            if dependency.local.is_some() {
                continue;
            }
            // A range that the workspace's own package may satisfy is linked to it by every
            // manager; one that it cannot is only found out with its version, which changes.
            let by_name = dependency.requirement.starts_with("workspace:")
                || (!dependency.is_link() && !dependency.requirement.contains(':'));
            if let Some(root) = root.as_ref().filter(|_| by_name) {
                dependency.local = named.get(&(root.clone(), dependency.name.clone())).cloned();
            }
        }
    }
    packages
}

/// The patterns of a workspace: literal ones apart, so that ten thousand of them cost a look-up.
struct Patterns {
    literal: BTreeSet<String>,
    globs: Vec<String>,
    except: Vec<String>,
}

impl Patterns {
    /// More globs than this are a generated list or hostile; the rest are not looked at.
    const MAX: usize = 200;

    fn new(patterns: &[String]) -> Self {
        let mut made = Self { literal: BTreeSet::new(), globs: Vec::new(), except: Vec::new() };
        for pattern in patterns {
            let (negated, pattern) = match pattern.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, pattern.as_str()),
            };
            let Some(clean) = path::join("", pattern.trim_start_matches("./")) else { continue };
            if negated {
                made.except.push(clean);
            } else if clean.contains(['*', '?']) {
                made.globs.push(clean);
            } else {
                made.literal.insert(clean);
            }
        }
        made.globs.truncate(Self::MAX);
        made.except.truncate(Self::MAX);
        made
    }

    fn list(&self, dir: &str) -> bool {
        (self.literal.contains(dir) || self.globs.iter().any(|glob| path::glob(glob, dir)))
            && !self.except.iter().any(|glob| path::glob(glob, dir))
    }
}

/// The text of a JSON string; `None` for numbers, booleans and what is not a scalar.
fn string(value: Value<'_>) -> Option<&str> {
    value.text().filter(|_| value.style() != Some(Style::Plain))
}

/// The first line of a file: where all of it is shown.
fn first_line(file: FileId, text: &[u8]) -> Span {
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let end = if end > 0 && text.get(end - 1) == Some(&b'\r') { end - 1 } else { end };
    Span::new(file, TextRange::of(0, end))
}

/// A file of the tree that git does not ignore.
fn find(tree: &Tree, dir: &str, name: &str) -> Option<FileId> {
    let path = path::join(dir, name)?;
    tree.find(&path).filter(|&file| tree.entry(file).tracking != Tracking::Ignored)
}

#[cfg(test)]
mod tests;
