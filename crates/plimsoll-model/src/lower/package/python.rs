//! Python: `pyproject.toml`, `Pipfile`, `setup.cfg`, requirement files, and what configures tools.
//!
//! Sources of the rules: the PyPA specifications of `pyproject.toml`, of dependency specifiers and
//! of dependency groups; pip's requirements file format; the manuals of Poetry, uv, PDM and Hatch.

use plimsoll_source::{FileId, Span, Tracking};
use plimsoll_syntax::toml::{self, Value};

use super::others::{
    MEMBER, beside, broken, depends, lines, nearest, runtime, script, text, tool, version_file,
};
use super::{Cx, find};
use crate::fact::Why;
use crate::package::{DependencyKind, Package};
use crate::path;
use crate::version::{Interval, intervals};

/// Requirement files that name each other are followed so far.
const MAX_FILES: usize = 64;

/// Fills in what is said around a Python manifest.
pub(super) fn read(cx: &Cx<'_>, package: &mut Package) {
    let dir = package.dir.clone();
    if let Some(text) = beside(cx, &dir, "pyproject.toml") {
        let parsed = toml::parse(&text);
        if let Some(error) = parsed.errors.first() {
            broken(cx, package, "pyproject.toml", error.span, &error.message);
        }
        pyproject(package, parsed.tree.root());
    }
    if let Some(text) = beside(cx, &dir, "Pipfile") {
        let parsed = toml::parse(&text);
        if let Some(error) = parsed.errors.first() {
            broken(cx, package, "Pipfile", error.span, &error.message);
        }
        pipfile(package, parsed.tree.root());
    }
    requirements(cx, package);
    setup(cx, package);
    version_file(cx, package, ".python-version", "");
    version_file(cx, package, "runtime.txt", "python-");
    configurations(cx, package);
}

/// A distribution's name as indexes compare it.
pub(super) fn canonical(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

/// The versions that a specifier of Python's own admits: `>=3.10,<4`, `~=3.11`, `==3.12.*`; of
/// Poetry's too: `^3.11`.
fn held(specifier: &str) -> Option<Vec<Interval>> {
    let mut parts = Vec::new();
    for part in specifier.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if part.starts_with("!=") {
            continue;
        }
        if let Some(version) = part.strip_prefix("~=") {
            // All but the last part stays.
            let version = version.trim();
            let fixed = version.rsplit_once('.')?.0;
            parts.push(format!(">={version} {fixed}.x"));
            continue;
        }
        parts.push(part.trim_start_matches("==").replace(' ', ""));
    }
    intervals(&parts.join(" "))
}

/// A requirement as it is written in lists: `fastapi[standard]>=0.1 ; python_version > "3"`.
fn requirement(package: &mut Package, written: &str, kind: DependencyKind, span: Span) {
    let written = written.trim();
    let end = written
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        .unwrap_or(written.len());
    let (name, rest) = written.split_at(end);
    if name.is_empty() {
        return;
    }
    let rest = rest.split(';').next().unwrap_or_default().trim();
    let rest = rest.strip_prefix('[').and_then(|r| r.split_once(']')).map_or(rest, |(_, r)| r);
    let rest = rest.trim();
    let file = rest.strip_prefix('@').map(str::trim).and_then(|url| url.strip_prefix("file:"));
    let local = file.and_then(|target| path::join(&package.dir, target.trim_start_matches("//")));
    depends(package, &canonical(name), rest, kind, local, span);
}

fn list(package: &mut Package, value: Value<'_>, kind: DependencyKind) {
    for item in value.items() {
        if let (Some(text), Some(span)) = (item.text(), item.span()) {
            requirement(package, text, kind, span);
        }
    }
}

/// A table of names to versions, Poetry's and Pipenv's.
fn table(package: &mut Package, value: Value<'_>, kind: DependencyKind, what: &'static str) {
    for item in value.items() {
        let (Some(name), Some(span)) = (item.key(), item.span()) else { continue };
        let version = item.text().or_else(|| item.at(&["version"])?.text()).unwrap_or("*");
        if name == "python" {
            runtime(package, what, version, held(version), false, span);
            continue;
        }
        let target = item.at(&["path"]).and_then(Value::text);
        let local = target.and_then(|target| path::join(&package.dir, target));
        depends(package, &canonical(name), version, kind, local, span);
    }
}

fn pyproject(package: &mut Package, root: Value<'_>) {
    let text = |keys: &[&str]| root.at(keys).and_then(Value::text);
    package.name =
        text(&["project", "name"]).or_else(|| text(&["tool", "poetry", "name"])).map(str::to_owned);
    if let Some(value) = root.at(&["project", "requires-python"])
        && let (Some(written), Some(span)) = (value.text(), value.span())
    {
        runtime(package, "requires-python", written, held(written), false, span);
    }
    if let Some(value) = root.at(&["project", "dependencies"]) {
        package.place = value.span().unwrap_or(package.place);
        list(package, value, DependencyKind::Production);
    }
    let dynamic = root.at(&["project", "dynamic"]);
    let dynamic = dynamic.into_iter().flat_map(Value::items);
    if let Some(item) = dynamic.into_iter().find(|item| item.text() == Some("dependencies")) {
        package.open = item.span().map(|span| (Why::Unsupported, span));
    }
    for group in root.at(&["project", "optional-dependencies"]).into_iter().flat_map(Value::items) {
        list(package, group, DependencyKind::Optional);
    }
    for group in root.at(&["dependency-groups"]).into_iter().flat_map(Value::items) {
        list(package, group, DependencyKind::Development);
    }
    for keys in [&["tool", "uv", "dev-dependencies"][..], &["tool", "rye", "dev-dependencies"]] {
        if let Some(value) = root.at(keys) {
            list(package, value, DependencyKind::Development);
        }
    }
    for group in root.at(&["tool", "pdm", "dev-dependencies"]).into_iter().flat_map(Value::items) {
        list(package, group, DependencyKind::Development);
    }
    if let Some(value) = root.at(&["tool", "poetry", "dependencies"]) {
        table(package, value, DependencyKind::Production, "tool.poetry.dependencies.python");
    }
    if let Some(value) = root.at(&["tool", "poetry", "dev-dependencies"]) {
        table(package, value, DependencyKind::Development, "tool.poetry");
    }
    for group in root.at(&["tool", "poetry", "group"]).into_iter().flat_map(Value::items) {
        if let Some(value) = group.at(&["dependencies"]) {
            table(package, value, DependencyKind::Development, "tool.poetry");
        }
    }
    for source in root.at(&["tool", "uv", "sources"]).into_iter().flat_map(Value::items) {
        let (Some(name), Some(span)) = (source.key(), source.span()) else { continue };
        let name = canonical(name);
        let member = source.at(&["workspace"]).and_then(Value::bool) == Some(true);
        let target = source.at(&["path"]).and_then(Value::text);
        let local = target.and_then(|target| path::join(&package.dir, target));
        for dependency in package.dependencies.iter_mut().filter(|d| d.name == name) {
            dependency.local.clone_from(&local);
            dependency.span = span;
            if member {
                dependency.requirement = MEMBER.to_owned();
            }
        }
    }
    for setting in root.at(&["tool"]).into_iter().flat_map(Value::items) {
        if let (Some(name), Some(span)) = (setting.key(), setting.span()) {
            tool(package, name, false, span);
        }
    }
    let tables = [
        &["tool", "poe", "tasks"][..],
        &["tool", "pdm", "scripts"],
        &["tool", "taskipy", "tasks"],
        &["tool", "rye", "scripts"],
        &["tool", "pixi", "tasks"],
    ];
    for tasks in tables.into_iter().filter_map(|keys| root.at(keys)) {
        scripts(package, tasks);
    }
    for environment in root.at(&["tool", "hatch", "envs"]).into_iter().flat_map(Value::items) {
        if let Some(tasks) = environment.at(&["scripts"]) {
            scripts(package, tasks);
        }
    }
}

fn scripts(package: &mut Package, tasks: Value<'_>) {
    for task in tasks.items() {
        let (Some(name), Some(span)) = (task.key(), task.span()) else { continue };
        let keys = ["cmd", "shell", "script", "ref"];
        let command = task.text().or_else(|| keys.iter().find_map(|key| task.at(&[key])?.text()));
        let parts: Vec<&str> = task.items().filter_map(Value::text).collect();
        script(package, name, command.unwrap_or(&parts.join(" && ")), span);
    }
}

fn pipfile(package: &mut Package, root: Value<'_>) {
    for (key, kind) in
        [("packages", DependencyKind::Production), ("dev-packages", DependencyKind::Development)]
    {
        if let Some(value) = root.at(&[key]) {
            table(package, value, kind, "Pipfile");
        }
    }
    for key in ["python_version", "python_full_version"] {
        if let Some(value) = root.at(&["requires", key])
            && let (Some(written), Some(span)) = (value.text(), value.span())
        {
            runtime(package, "Pipfile", written, held(written), false, span);
        }
    }
    if let Some(tasks) = root.at(&["scripts"]) {
        scripts(package, tasks);
    }
}

/// Requirement files beside the manifest and in `requirements/`.
fn requirements(cx: &Cx<'_>, package: &mut Package) {
    let dirs = [package.dir.clone(), path::join(&package.dir, "requirements").unwrap_or_default()];
    let mut files: Vec<FileId> = Vec::new();
    for (at, dir) in dirs.iter().enumerate() {
        for file in cx.tree.under(dir) {
            let entry = cx.tree.entry(file);
            let name = path::name(&entry.path);
            let is_one = name.ends_with(".txt") && (at == 1 || name.contains("requirements"));
            if is_one && path::parent(&entry.path) == dir && entry.tracking != Tracking::Ignored {
                files.push(file);
            }
        }
    }
    let mut at = 0;
    while let Some(&file) = files.get(at).filter(|_| at < MAX_FILES) {
        at += 1;
        let Some(text) = text(cx, file) else { continue };
        let dir = path::parent(cx.tree.path(file)).to_owned();
        let name = path::name(cx.tree.path(file)).to_ascii_lowercase();
        let words = ["dev", "test", "lint", "ci", "doc", "local", "type"];
        let kind = match words.iter().any(|word| name.contains(word)) {
            true => DependencyKind::Development,
            false => DependencyKind::Production,
        };
        for (line, span) in lines(&text) {
            let line = line.split(" #").next().unwrap_or(line).trim_end_matches('\\').trim();
            let value = |flags: &[&str]| {
                let flag = flags.iter().find(|flag| line.starts_with(**flag))?;
                let rest = line.get(flag.len()..)?;
                Some(rest.trim_start_matches(['=', ' ', '\t']).to_owned())
            };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(other) = value(&["--requirement", "-r"]) {
                match path::join(&dir, &other).and_then(|path| cx.tree.find(&path)) {
                    Some(other) if !files.contains(&other) => files.push(other),
                    Some(_) => {}
                    None => package.open = package.open.or(Some((Why::OutOfTree, span))),
                }
                continue;
            }
            let editable = value(&["--editable", "-e"]);
            let target = editable.as_deref().unwrap_or(line);
            if editable.is_none() && line.starts_with('-') {
                continue;
            }
            if target.starts_with('.') || target.starts_with("file:") {
                let target = target.trim_start_matches("file:").split(['[', ';']).next();
                let local = target.and_then(|target| path::join(&dir, target.trim()));
                // The project itself is no dependency.
                if local.as_ref() != Some(&package.dir) {
                    let name = local.as_deref().map_or("", path::name).to_owned();
                    depends(package, &canonical(&name), target.unwrap_or("."), kind, local, span);
                }
                continue;
            }
            match target.split_once("#egg=") {
                Some((_, egg)) => requirement(package, egg, kind, span),
                None if target.contains("://") && !target.contains('@') => {
                    package.open = package.open.or(Some((Why::NeedsNetwork, span)));
                }
                None => requirement(package, target, kind, span),
            }
        }
    }
}

/// `setup.py` is a program, `setup.cfg` is read as far as tools and versions go.
fn setup(cx: &Cx<'_>, package: &mut Package) {
    let dir = package.dir.clone();
    if let Some(file) = find(cx.tree, &dir, "setup.py") {
        let span = text(cx, file).and_then(|text| lines(&text).first().map(|(_, span)| *span));
        package.open = package.open.or(span.map(|span| (Why::Unsupported, span)));
    }
    let Some(text) = beside(cx, &dir, "setup.cfg") else { return };
    for (line, span) in lines(&text) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let name = section.split(':').next_back().unwrap_or(section);
            tool(package, name, false, span);
        }
        if let Some(("python_requires", value)) = line.split_once('=').map(|(k, v)| (k.trim(), v)) {
            let value = value.trim();
            runtime(package, "python_requires", value, held(value), false, span);
        }
        if line.starts_with("install_requires") || line.starts_with("tests_require") {
            package.open = package.open.or(Some((Why::Unsupported, span)));
        }
    }
}

/// Files that configure tools, or run them.
fn configurations(cx: &Cx<'_>, package: &mut Package) {
    const FILES: [(&str, &str); 14] = [
        (".flake8", "flake8"),
        (".pylintrc", "pylint"),
        ("pylintrc", "pylint"),
        ("ruff.toml", "ruff"),
        (".ruff.toml", "ruff"),
        ("mypy.ini", "mypy"),
        (".mypy.ini", "mypy"),
        ("pyrightconfig.json", "pyright"),
        ("ty.toml", "ty"),
        ("pytest.ini", "pytest"),
        (".pytest.ini", "pytest"),
        ("conftest.py", "pytest"),
        (".coveragerc", "coverage"),
        ("manage.py", "django"),
    ];
    for (name, what) in FILES {
        let file = match name.starts_with("conftest") || name == "manage.py" {
            true => find(cx.tree, &package.dir, name),
            false => nearest(cx, &package.dir, name),
        };
        if let Some(text) = file.and_then(|file| text(cx, file)) {
            let span = lines(&text).first().map_or(text.whole(), |(_, span)| *span);
            tool(package, what, false, span);
        }
    }
    // tox and nox install what they run by themselves.
    for name in ["tox.ini", "noxfile.py"] {
        let Some(text) = nearest(cx, &package.dir, name).and_then(|file| text(cx, file)) else {
            continue;
        };
        for (line, span) in lines(&text) {
            if line.starts_with('#') {
                continue;
            }
            let words = line.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'));
            let known = ["pytest", "ruff", "flake8", "pylint", "mypy", "pyright", "coverage"];
            for word in words.filter(|word| known.contains(word)) {
                tool(package, word, true, span);
            }
        }
    }
}
