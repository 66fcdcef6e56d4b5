//! .NET: a project file and `global.json`.
//!
//! Source of the rules: Microsoft's reference of SDK-style projects and of `global.json`.

use plimsoll_syntax::{xml, yaml};

use super::others::{broken, depends, nearest, runtime, text};
use super::{Cx, string};
use crate::fact::Why;
use crate::package::{DependencyKind, Package};
use crate::path;
use crate::version::intervals;

/// Fills in what a project file says.
pub(super) fn read(cx: &Cx<'_>, package: &mut Package) {
    let Some(source) = text(cx, package.manifest) else {
        package.broken = true;
        return;
    };
    let parsed = xml::parse(&source);
    if let Some(error) = parsed.errors.first() {
        broken(cx, package, "project file", error.span, &error.message);
    }
    let name = path::name(cx.tree.path(package.manifest));
    package.name = Some(name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned());
    let props = nearest(cx, &package.dir, "Directory.Build.props").and_then(|file| text(cx, file));
    let props = props.map(|text| xml::parse(&text).tree);
    let targets = parsed.tree.named("TargetFramework").chain(parsed.tree.named("TargetFrameworks"));
    let shared = props.iter().flat_map(|tree| tree.named("TargetFramework"));
    if let Some(target) = targets.chain(shared).next()
        && let Some(span) = target.span()
    {
        let first = target.text().split(';').next().unwrap_or_default();
        let version = first.trim_start_matches("net").split('-').next().unwrap_or_default();
        let held = intervals(version).filter(|_| version.contains('.'));
        runtime(package, "TargetFramework", first, held, false, span);
    }
    for reference in parsed.tree.named("PackageReference") {
        let name = reference.attribute("Include").unwrap_or_default();
        let inner = reference.at(&["Version"]).map(xml::Element::text);
        let version = reference.attribute("Version").or(inner).unwrap_or_default();
        if let Some(span) = reference.span() {
            depends(package, name, version, DependencyKind::Production, None, span);
        }
    }
    for reference in parsed.tree.named("ProjectReference") {
        let target = reference.attribute("Include").unwrap_or_default().replace('\\', "/");
        let local = path::join(&package.dir, &target);
        if let (Some(span), Some(local)) = (reference.span(), local) {
            let dir = path::parent(&local).to_owned();
            let kind = DependencyKind::Production;
            depends(package, path::name(&local), &target, kind, Some(dir), span);
        }
    }
    if parsed.tree.named("Import").next().is_some() {
        package.open = Some((Why::Unsupported, package.place));
    }
    let Some(source) = nearest(cx, &package.dir, "global.json").and_then(|file| text(cx, file))
    else {
        return;
    };
    let parsed = yaml::parse_json(source);
    let version = parsed.tree.root().and_then(|root| root.get("sdk")?.get("version"));
    if let Some((value, written)) = version.and_then(|value| Some((value, string(value)?))) {
        let major = written.split('.').next().unwrap_or_default();
        runtime(package, "global.json", written, intervals(major), false, value.span());
    }
}
