//! Go: `go.mod`.
//!
//! Source of the rules: the Go Modules Reference and «Go Toolchains».

use super::Cx;
use super::others::{depends, lines, runtime, text};
use crate::package::{DependencyKind, Package};
use crate::path;
use crate::version::intervals;

/// Fills in what `go.mod` says.
pub(super) fn read(cx: &Cx<'_>, package: &mut Package) {
    let Some(text) = text(cx, package.manifest) else {
        package.broken = true;
        return;
    };
    let dir = package.dir.clone();
    let mut block: Option<String> = None;
    for (line, span) in lines(&text) {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let mut words: Vec<&str> = code.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        if block.is_some() && words == [")"] {
            block = None;
            continue;
        }
        let directive = match &block {
            Some(directive) => directive.clone(),
            None => {
                let directive = words.remove(0).to_owned();
                if words == ["("] {
                    block = Some(directive);
                    continue;
                }
                directive
            }
        };
        match (&*directive, &*words) {
            ("module", [name, ..]) => package.name = Some(name.trim_matches('"').to_owned()),
            ("go", [version, ..]) => {
                let held = intervals(&format!(">={version}"));
                runtime(package, "the go directive", version, held, true, span);
            }
            ("toolchain", [version, ..]) => {
                let version = version.trim_start_matches("go");
                let held = intervals(&format!(">={version}"));
                runtime(package, "the toolchain directive", version, held, true, span);
            }
            ("require", [name, version, ..]) => {
                let kind = match comment.trim().starts_with("indirect") {
                    true => DependencyKind::Optional,
                    false => DependencyKind::Production,
                };
                depends(package, name.trim_matches('"'), version, kind, None, span);
            }
            ("tool", [name, ..]) => {
                depends(package, name, "", DependencyKind::Development, None, span);
            }
            ("replace", [name, .., target]) if target.starts_with('.') => {
                let local = path::join(&dir, target);
                let known = package.dependencies.iter_mut().find(|d| d.name == *name);
                match known {
                    Some(dependency) => {
                        (dependency.local, dependency.span) = (local, span);
                        dependency.requirement = (*target).to_owned();
                    }
                    None => {
                        depends(package, name, target, DependencyKind::Production, local, span);
                    }
                }
            }
            _ => {}
        }
    }
}
