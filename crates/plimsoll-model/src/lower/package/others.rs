//! What the manifests of languages other than JavaScript have in common.

use std::collections::BTreeMap;

use plimsoll_source::{Derived, FileId, Span, TextRange};

use super::{
    Cx, cargo, dotnet, find, first_line, golang, jvm, lockfile, manifest, php, python, ruby,
};
use crate::delivery::Problem;
use crate::package::{
    Dependency, DependencyKind, Ecosystem, Package, PackageScript, Runtime, Tool,
};
use crate::path;
use crate::version::{Interval, intervals};

/// A dependency that is asked for as a member of the workspace.
pub(super) const MEMBER: &str = "workspace:";

/// Reads a manifest and what stands beside it.
pub(super) fn read(cx: &Cx<'_>, dir: String, file: FileId, ecosystem: Ecosystem) -> Package {
    let lockfile = lockfile::other(cx.tree, &dir, ecosystem);
    let mut package = Package { lockfile, ..manifest::empty(dir, file, ecosystem) };
    if let Ok(bytes) = cx.bytes(file) {
        package.place = first_line(file, &bytes);
    }
    match ecosystem {
        Ecosystem::Python => python::read(cx, &mut package),
        Ecosystem::Go => golang::read(cx, &mut package),
        Ecosystem::Rust => cargo::read(cx, &mut package),
        Ecosystem::Java => jvm::read(cx, &mut package),
        Ecosystem::Ruby => ruby::read(cx, &mut package),
        Ecosystem::Php => php::read(cx, &mut package),
        Ecosystem::Dotnet => dotnet::read(cx, &mut package),
        Ecosystem::Node | Ecosystem::Other => return package,
    }
    justfile(cx, &mut package);
    hooks(cx, &mut package);
    package
}

/// Finds the directories of dependencies that are asked for as members of a workspace.
pub(super) fn link(packages: &mut [Package]) {
    let named: BTreeMap<(Ecosystem, String), String> = packages
        .iter()
        .filter_map(|p| Some(((p.ecosystem, python::canonical(p.name.as_deref()?)), p.dir.clone())))
        .collect();
    for package in packages {
        let ecosystem = package.ecosystem;
        for dependency in &mut package.dependencies {
            if dependency.requirement == MEMBER && dependency.local.is_none() {
                dependency.local = named.get(&(ecosystem, dependency.name.clone())).cloned();
            }
        }
    }
}

/// The text of a file beside a manifest, read without a word where it cannot be.
pub(super) fn beside(cx: &Cx<'_>, dir: &str, name: &str) -> Option<Derived> {
    text(cx, find(cx.tree, dir, name)?)
}

/// The text of a file.
pub(super) fn text(cx: &Cx<'_>, file: FileId) -> Option<Derived> {
    let bytes = cx.bytes(file).ok()?;
    let span = Span::new(file, TextRange::of(0, bytes.len()));
    Some(Derived::verbatim(bytes.to_vec(), span))
}

/// A file of this name in a directory or the nearest one around it.
pub(super) fn nearest(cx: &Cx<'_>, dir: &str, name: &str) -> Option<FileId> {
    path::ancestors(dir).find_map(|dir| find(cx.tree, dir, name))
}

/// The lines of a text, trimmed, each with its place.
pub(super) fn lines(text: &Derived) -> Vec<(&str, Span)> {
    let Ok(source) = std::str::from_utf8(text.text()) else { return Vec::new() };
    let mut at = 0;
    let mut found = Vec::new();
    for line in source.split_inclusive('\n') {
        let from = at + (line.len() - line.trim_start().len());
        let trimmed = line.trim();
        found.push((trimmed, text.span(TextRange::of(from, from + trimmed.len()))));
        at += line.len();
    }
    found
}

/// Notes a manifest that does not parse.
pub(super) fn broken(
    cx: &Cx<'_>,
    package: &mut Package,
    what: &'static str,
    span: Span,
    says: &str,
) {
    cx.problem(Problem { span, message: says.to_owned(), what });
    package.broken = true;
}

/// A declared version of the language.
pub(super) fn runtime(
    package: &mut Package,
    what: &'static str,
    written: &str,
    held: Option<Vec<Interval>>,
    floor: bool,
    span: Span,
) {
    let written = written.to_owned();
    package.runtimes.push(Runtime { what, written, held, floor, span });
}

/// The first line of a file that pins a version (`.python-version`, `.ruby-version`).
pub(super) fn version_file(cx: &Cx<'_>, package: &mut Package, name: &'static str, prefix: &str) {
    let Some(text) = nearest(cx, &package.dir, name).and_then(|file| text(cx, file)) else {
        return;
    };
    let found =
        lines(&text).into_iter().find(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let Some((line, span)) = found else { return };
    let version = line.strip_prefix(prefix).unwrap_or(line);
    runtime(package, name, version, intervals(version), false, span);
}

pub(super) fn depends(
    package: &mut Package,
    name: &str,
    requirement: &str,
    kind: DependencyKind,
    local: Option<String>,
    span: Span,
) {
    package.dependencies.push(Dependency {
        name: name.to_owned(),
        requirement: requirement.to_owned(),
        kind,
        local,
        span,
    });
}

pub(super) fn script(package: &mut Package, name: &str, command: &str, span: Span) {
    package.scripts.push(PackageScript {
        name: name.to_owned(),
        command: command.to_owned(),
        span,
    });
}

pub(super) fn tool(package: &mut Package, name: &str, runs: bool, span: Span) {
    package.tools.push(Tool { name: name.to_owned(), runs, span });
}

/// Recipes of a justfile and tasks of a Taskfile, as scripts.
fn justfile(cx: &Cx<'_>, package: &mut Package) {
    for dir in [package.dir.clone(), String::new()] {
        for name in ["justfile", "Justfile", ".justfile"] {
            let Some(text) = beside(cx, &dir, name) else { continue };
            let source = String::from_utf8_lossy(text.text()).into_owned();
            let mut current: Option<(String, Span)> = None;
            for ((line, span), raw) in lines(&text).into_iter().zip(source.lines()) {
                if raw.starts_with([' ', '\t']) && !line.is_empty() {
                    if let Some((name, _)) = &current {
                        let command = line.trim_start_matches(['@', '-']);
                        script(package, name, command, span);
                    }
                    continue;
                }
                let head = line.split(':').next().unwrap_or_default();
                let is_recipe =
                    line.contains(':') && !line.contains(":=") && !line.starts_with('#');
                let name = head.split_whitespace().next().unwrap_or_default();
                current = is_recipe.then(|| (name.trim_start_matches('@').to_owned(), span));
            }
        }
        for name in ["Taskfile.yml", "Taskfile.yaml"] {
            let Some(text) = beside(cx, &dir, name) else { continue };
            let parsed = plimsoll_syntax::yaml::parse(text);
            let tasks = parsed.tree.root().and_then(|root| root.get("tasks"));
            for (key, task) in tasks.into_iter().flat_map(|tasks| tasks.entries()) {
                let name = key.text().unwrap_or_default();
                let cmds = task.get("cmds").into_iter().flat_map(|list| list.items());
                let cmds = cmds.chain(task.get("cmd")).chain(task.text().map(|_| task));
                for cmd in cmds {
                    let command = cmd.text().or_else(|| cmd.get("cmd")?.text());
                    script(package, name, command.unwrap_or_default(), cmd.span());
                }
            }
        }
        if package.dir.is_empty() {
            break;
        }
    }
}

/// The hooks of pre-commit, by id.
fn hooks(cx: &Cx<'_>, package: &mut Package) {
    let Some(file) = nearest(cx, &package.dir, ".pre-commit-config.yaml") else { return };
    let Some(text) = text(cx, file) else { return };
    for (line, span) in lines(&text) {
        let id = line.trim_start_matches("- ").strip_prefix("id:");
        if let Some(id) = id {
            let id = id.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            tool(package, id, true, span);
        }
    }
}
