//! Java: `pom.xml` with the parents that are in the tree, and Gradle's scripts by plain lines.
//!
//! Sources of the rules: Maven's POM reference, the manuals of Gradle and of its Java plugin.

use std::collections::BTreeMap;

use plimsoll_source::{FileId, Span};
use plimsoll_syntax::xml::{self, Element};

use super::others::{beside, broken, depends, lines, runtime, text, tool};
use super::{Cx, find};
use crate::fact::Why;
use crate::package::{DependencyKind, Package};
use crate::path;
use crate::version::{Interval, intervals};

/// Parents are followed so far.
const MAX_PARENTS: usize = 16;

/// Fills in what a POM or a Gradle script says.
pub(super) fn read(cx: &Cx<'_>, package: &mut Package) {
    if cx.tree.path(package.manifest).ends_with("pom.xml") {
        maven(cx, package);
    } else {
        gradle(cx, package);
    }
}

/// The versions of a release of Java: `17`, `1.8`.
fn release(written: &str) -> Option<Vec<Interval>> {
    let version = written.trim().trim_start_matches("1.");
    intervals(&format!(">={version}")).filter(|_| version.starts_with(|c: char| c.is_ascii_digit()))
}

fn maven(cx: &Cx<'_>, package: &mut Package) {
    let mut file = Some(package.manifest);
    let mut properties: BTreeMap<String, (String, Span)> = BTreeMap::new();
    let mut seen: Vec<FileId> = Vec::new();
    let mut compiler: Option<(String, Span)> = None;
    let mut found: Vec<(String, String, DependencyKind, Span)> = Vec::new();
    while let Some(at) = file.filter(|at| !seen.contains(at) && seen.len() < MAX_PARENTS) {
        file = None;
        seen.push(at);
        let Some(text) = text(cx, at) else { break };
        let parsed = xml::parse(&text);
        if let Some(error) = parsed.errors.first().filter(|_| at == package.manifest) {
            broken(cx, package, "pom.xml", error.span, &error.message);
        }
        let Some(root) = parsed.tree.root().filter(|root| root.name() == "project") else { break };
        if at == package.manifest {
            package.name = root.at(&["artifactId"]).map(|e| e.text().to_owned());
        }
        for property in root.at(&["properties"]).into_iter().flat_map(Element::children) {
            if let Some(span) = property.span() {
                let value = (property.text().to_owned(), span);
                properties.entry(property.name().to_owned()).or_insert(value);
            }
        }
        let dependencies = root.at(&["dependencies"]).into_iter().flat_map(Element::children);
        for dependency in dependencies {
            let text = |name: &str| dependency.at(&[name]).map_or("", Element::text);
            let Some(span) = dependency.span() else { continue };
            let kind = match text("scope") {
                "test" => DependencyKind::Development,
                _ => DependencyKind::Production,
            };
            found.push((text("artifactId").to_owned(), text("version").to_owned(), kind, span));
        }
        let builds = root.at(&["build"]).into_iter();
        let profiles = root.at(&["profiles"]).into_iter().flat_map(Element::children);
        for build in builds.chain(profiles.filter_map(|profile| profile.at(&["build"]))) {
            for plugin in build.at(&["plugins"]).into_iter().flat_map(Element::children) {
                let Some(span) = plugin.span() else { continue };
                let name = plugin.at(&["artifactId"]).map_or("", Element::text);
                tool(package, name, true, span);
                // Versions of plugins choose as those of dependencies do.
                if let Some(version) = plugin.at(&["version"]) {
                    let kind = DependencyKind::Development;
                    found.push((name.to_owned(), version.text().to_owned(), kind, span));
                }
                if name == "maven-compiler-plugin" {
                    let keys = ["release", "target", "source"];
                    let set = keys.iter().find_map(|key| plugin.at(&["configuration", key]));
                    let set = set.and_then(|e| Some((e.text().to_owned(), e.span()?)));
                    compiler = compiler.or(set);
                }
            }
        }
        if let Some(parent) = root.at(&["parent"]) {
            let relative = parent.at(&["relativePath"]).map_or("../pom.xml", Element::text);
            let dir = path::parent(cx.tree.path(at));
            let to = Some(relative).filter(|to| !to.is_empty());
            let to = to
                .and_then(|to| path::join(dir, to))
                .and_then(|to| cx.tree.find(&to).or_else(|| find(cx.tree, &to, "pom.xml")));
            let wanted = parent.at(&["artifactId"]).map_or("", Element::text).to_owned();
            match to.filter(|&to| is_artifact(cx, to, &wanted)) {
                Some(to) => file = Some(to),
                // It brings no tool that is asked for, and a default for the release.
                None if wanted == "spring-boot-starter-parent" => {
                    let version = parent.at(&["version"]).map_or("", Element::text);
                    let old = version.starts_with("1.") || version.starts_with("2.");
                    let default = if old { "1.8" } else { "17" };
                    if let Some(span) = parent.span() {
                        let value = (default.to_owned(), span);
                        properties.entry("java.version".to_owned()).or_insert(value);
                    }
                }
                None => package.open = package.open.or(parent.span().map(|s| (Why::OutOfTree, s))),
            }
            if let Some(span) = parent.span() {
                let version = parent.at(&["version"]).map_or("", Element::text);
                found.push((wanted, version.to_owned(), DependencyKind::Production, span));
            }
        }
    }
    let resolve = |written: &str| -> Option<String> {
        let mut value = written.to_owned();
        for _ in 0..8 {
            let Some(start) = value.find("${") else { return Some(value) };
            let end = value.get(start..)?.find('}')? + start;
            let name = value.get(start + 2..end)?;
            let set = properties.get(name)?.0.clone();
            value.replace_range(start..=end, &set);
            if value.len() > 1_000 {
                return None;
            }
        }
        None
    };
    for (name, version, kind, span) in found {
        let version = resolve(&version).unwrap_or(version);
        depends(package, &name, &version, kind, None, span);
    }
    let keys = ["maven.compiler.release", "java.version", "maven.compiler.target"];
    let set = keys.iter().find_map(|key| properties.get(*key).cloned());
    if let Some((written, span)) = compiler.or(set) {
        let value = resolve(&written);
        let held = value.as_deref().and_then(release);
        runtime(package, "the release of Java", &value.unwrap_or(written), held, true, span);
    }
}

/// Whether a POM is that of an artifact.
fn is_artifact(cx: &Cx<'_>, file: FileId, name: &str) -> bool {
    let text = text(cx, file);
    text.is_some_and(|text| {
        let parsed = xml::parse(&text);
        let id = parsed.tree.root().and_then(|root| root.at(&["artifactId"]));
        id.is_some_and(|id| id.text() == name)
    })
}

/// A script of Gradle's is a program: what is taken is what stands on one line by itself.
fn gradle(cx: &Cx<'_>, package: &mut Package) {
    let own = text(cx, package.manifest);
    // What a root's script says of all projects.
    let above = path::ancestors(&package.dir).skip(1).find_map(|dir| {
        let names = ["build.gradle", "build.gradle.kts"];
        names.iter().find_map(|name| beside(cx, dir, name))
    });
    let mut plugins = false;
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    let build_logic = path::ancestors(&package.dir).any(|dir| {
        path::join(dir, "buildSrc").is_some_and(|dir| cx.tree.under(&dir).next().is_some())
    });
    let mut more = build_logic.then_some(package.place);
    for (line, span) in own.iter().chain(above.iter()).flat_map(lines) {
        let code = line.split("//").next().unwrap_or(line).trim();
        let quoted = |text: &str| -> Option<String> {
            let start = text.find(['\'', '"', '`'])?;
            let quote = text.get(start..)?.chars().next()?;
            let rest = text.get(start + 1..)?;
            Some(rest.get(..rest.find(quote)?)?.to_owned())
        };
        if code.starts_with("plugins") && code.ends_with('{') {
            plugins = true;
            continue;
        }
        if code == "}" {
            plugins = false;
        }
        if plugins || code.starts_with("apply plugin") || code.starts_with("apply(plugin") {
            let first = code.split(['(', ' ', ':']).next().unwrap_or_default();
            let name = match first {
                "id" | "apply" | "kotlin" | "alias" => quoted(code),
                _ => Some(first.trim_matches('`').to_owned()),
            };
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                tool(package, &name, true, span);
            }
            if first == "alias" {
                let name = code.trim_start_matches("alias(").trim_end_matches(')');
                tool(package, name, true, span);
            }
            continue;
        }
        // `def grpcVersion = "1.70"`, `ext.x = …`, `val x = …`.
        if let Some((name, value)) = code.split_once('=')
            && value.trim().starts_with(['"', '\''])
        {
            let name = name.trim().rsplit([' ', '.']).next().unwrap_or_default();
            if let Some(value) = quoted(value).filter(|_| variables.len() < 1_000) {
                variables.insert(name.to_owned(), value);
            }
        }
        if code.starts_with("apply from") || code.starts_with("apply(from") {
            more = more.or(Some(span));
        }
        let numbers = |after: &str| -> Option<String> {
            let rest = code.get(code.find(after)? + after.len()..)?;
            let digits = rest.trim_start_matches([' ', '=', '(', '\'', '"', '.']);
            let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.');
            let digits = digits.get(..end.unwrap_or(digits.len()))?.trim_end_matches('.');
            (!digits.is_empty()).then(|| digits.to_owned())
        };
        let keys = [
            "JavaLanguageVersion.of",
            "jvmToolchain",
            "JavaVersion.VERSION_",
            "options.release.set",
            "options.release",
            "sourceCompatibility",
            "targetCompatibility",
        ];
        if let Some(version) = keys.iter().find_map(|key| numbers(key)) {
            runtime(package, "the release of Java", &version, release(&version), true, span);
            continue;
        }
        let configuration = code.split(['(', ' ']).next().unwrap_or_default();
        let is_one = ["implementation", "api", "compileOnly", "runtimeOnly", "developmentOnly"];
        let test =
            configuration.starts_with("test") || configuration.ends_with("TestImplementation");
        if !test && !is_one.contains(&configuration) {
            continue;
        }
        let kind = match test {
            true => DependencyKind::Development,
            false => DependencyKind::Production,
        };
        let rest = code.get(configuration.len()..).unwrap_or_default();
        match quoted(rest) {
            Some(notation) => {
                let mut parts = notation.split(':').skip(1);
                let name = parts.next().unwrap_or_default().to_owned();
                let version = parts.next().unwrap_or_default();
                let variable = version.trim_start_matches('$').trim_matches(['{', '}']);
                let version = match version.starts_with('$') {
                    true => variables.get(variable).map_or("$", |value| value),
                    false => version,
                };
                let version = version.to_owned();
                depends(package, &name, &version, kind, None, span);
            }
            None => {
                let name = rest.trim_matches(['(', ')', ' ']);
                depends(package, name, "$", kind, None, span);
            }
        }
    }
    let catalogue = package.tools.iter().find(|tool| tool.name.contains("libs."));
    let more = more.or(catalogue.map(|tool| tool.span));
    package.open = package.open.or(more.map(|span| (Why::Unsupported, span)));
}
