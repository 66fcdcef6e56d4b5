//! One `package.json`.

use plimsoll_source::{FileId, Span, TextRange};
use plimsoll_syntax::yaml::{self, Value};

use super::{Cx, first_line, string};
use crate::delivery::Problem;
use crate::package::{Dependency, DependencyKind, Ecosystem, Package, PackageScript};
use crate::path;

/// Keys of a manifest that stand for a tool's configuration file.
const CONFIGURES: [&str; 12] = [
    "ava",
    "babel",
    "c8",
    "eslintConfig",
    "jest",
    "knex",
    "mocha",
    "nyc",
    "prettier",
    "prisma",
    "stylelint",
    "tap",
];

/// A manifest: its package, and the workspace patterns it sets, if any.
pub(super) struct Manifest {
    pub(super) package: Package,
    pub(super) workspaces: Option<Vec<String>>,
}

/// A package of which nothing is known but where it is.
pub(super) fn empty(dir: String, file: FileId, ecosystem: Ecosystem) -> Package {
    Package {
        dir,
        manifest: file,
        ecosystem,
        name: None,
        scripts: Vec::new(),
        dependencies: Vec::new(),
        engine: None,
        main: None,
        place: Span::new(file, TextRange::new(0, 0)),
        scripts_span: None,
        lockfile: None,
        typescript: None,
        workspace: None,
        configures: Vec::new(),
        thresholds: Vec::new(),
        collects_coverage: None,
        manager: None,
        runtimes: Vec::new(),
        tools: Vec::new(),
        open: None,
        broken: false,
    }
}

/// Reads a `package.json`.
pub(super) fn read(cx: &Cx<'_>, file: FileId) -> Manifest {
    const WHAT: &str = "package.json";
    let dir = path::parent(cx.tree.path(file)).to_owned();
    let mut package = empty(dir, file, Ecosystem::Node);
    let Some(text) = cx.text(file, WHAT) else {
        package.broken = true;
        return Manifest { package, workspaces: None };
    };
    package.place = first_line(file, text.text());
    let parsed = yaml::parse_json(text);
    if let Some(error) = parsed.errors.first() {
        let problem = Problem { span: error.span, message: error.message.clone(), what: WHAT };
        cx.problem(problem);
        package.broken = true;
    }
    let Some(root) = parsed.tree.root().filter(|root| root.is_map()) else {
        if !package.broken {
            let message = "is not an object".to_owned();
            cx.problem(Problem { span: package.place, message, what: WHAT });
        }
        package.broken = true;
        return Manifest { package, workspaces: None };
    };
    let mut workspaces = None;
    let mut dependencies_key = None;
    for (key, value) in root.entries() {
        let span = key.span().cover(value.span());
        let kind = match key.text().unwrap_or_default() {
            "name" => {
                package.name = string(value).map(str::to_owned);
                continue;
            }
            "main" => {
                package.main = string(value).map(|main| (main.to_owned(), span));
                continue;
            }
            "packageManager" => {
                package.manager = string(value).map(str::to_owned);
                continue;
            }
            "engines" => {
                package.engine = value.entry("node").and_then(|(_, value)| {
                    string(value).map(|range| (range.to_owned(), key.span().cover(value.span())))
                });
                continue;
            }
            "scripts" => {
                package.scripts_span = Some(key.span());
                package.scripts = scripts(value);
                continue;
            }
            "workspaces" => {
                let list = if value.is_map() { value.get("packages") } else { Some(value) };
                workspaces = list.filter(|list| list.is_seq()).map(|list| {
                    list.items().filter_map(string).map(str::to_owned).collect::<Vec<_>>()
                });
                continue;
            }
            "dependencies" => {
                dependencies_key = Some(key.span());
                DependencyKind::Production
            }
            "devDependencies" => DependencyKind::Development,
            "peerDependencies" => DependencyKind::Peer,
            "optionalDependencies" => DependencyKind::Optional,
            other => {
                if CONFIGURES.contains(&other) {
                    package.configures.push(other.to_owned());
                }
                continue;
            }
        };
        dependencies(&mut package, kind, value);
    }
    if let Some(span) = dependencies_key {
        package.place = span;
    }
    Manifest { package, workspaces }
}

fn scripts(map: Value<'_>) -> Vec<PackageScript> {
    map.entries()
        .into_iter()
        .filter_map(|(key, value)| {
            Some(PackageScript {
                name: key.text()?.to_owned(),
                command: string(value)?.to_owned(),
                span: key.span().cover(value.span()),
            })
        })
        .collect()
}

fn dependencies(package: &mut Package, kind: DependencyKind, map: Value<'_>) {
    for (key, value) in map.entries() {
        let (Some(name), Some(requirement)) = (key.text(), string(value)) else { continue };
        let local = local(&package.dir, requirement);
        package.dependencies.push(Dependency {
            name: name.to_owned(),
            requirement: requirement.to_owned(),
            kind,
            local,
            span: key.span().cover(value.span()),
        });
    }
}

/// The directory that a requirement names, relative to the root.
fn local(dir: &str, requirement: &str) -> Option<String> {
    let (scheme, target) = requirement.split_once(':')?;
    let target = target.trim_start_matches("//");
    let named = match scheme {
        "file" => ![".tgz", ".tar.gz", ".tar"].iter().any(|end| target.ends_with(end)),
        "link" | "portal" => true,
        "workspace" => target.starts_with('.') || target.contains('/'),
        _ => false,
    };
    if named { path::join(dir, target) } else { None }
}
