//! `yarn.lock`: version 1 and Berry's, which differ from YAML and from each other just enough to be
//! read line by line: an entry is a line without indentation, its fields stand two blanks in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_source::{Derived, Span, TextRange};

use super::lockfile::all_pinned;
use crate::package::{Installed, Lockfile, Package, Pinned};
use crate::path;

/// Reads a lockfile for the packages that share it; `None` when it is none of yarn's.
pub(super) fn read(
    text: &Derived,
    blank: &Lockfile,
    members: &[&Package],
) -> Option<Vec<Lockfile>> {
    let bytes = std::str::from_utf8(text.text()).ok()?;
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut installed: BTreeMap<String, Installed> = BTreeMap::new();
    let mut bins: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    let mut field = "";
    let mut berry = false;
    let mut offset = 0;
    for line in bytes.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let line = line.trim_end();
        if line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>") {
            return None;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let content = line.trim();
        if indent == 0 {
            field = "";
            // Berry writes a key of more than 1,024 characters as `? "…"`, `:` on the next line.
            let key = content.strip_prefix("? ").unwrap_or(content).trim_end_matches(':');
            if content == ":" {
                continue;
            }
            if key == "__metadata" {
                berry = true;
                names.clear();
                continue;
            }
            let span = text.span(TextRange::of(start, start + line.len()));
            names = enter(key, span, &mut asked, &mut installed);
            if names.is_empty() {
                return None;
            }
        } else if indent == 2 {
            let (name, value) =
                content.split_once([':', ' ']).map_or((content, ""), |(n, v)| (n, v.trim()));
            field = name;
            if name == "version" {
                for package in &names {
                    if let Some(at) = installed.get_mut(package)
                        && at.version.is_empty()
                    {
                        at.version = value.trim_matches('"').to_owned();
                    }
                }
            }
        } else if indent == 4 && field == "bin" {
            let binary = content.split(':').next().unwrap_or_default().trim_matches('"');
            if let Some(package) = names.first() {
                let owners = bins.entry(binary.to_owned()).or_default();
                if owners.last() != Some(package) {
                    owners.push(package.clone());
                }
            }
        }
    }
    let (bins, installed) = (Arc::new(bins), Arc::new(Pinned::of_map(&installed)));
    Some(
        members
            .iter()
            .map(|package| Lockfile {
                in_sync: all_pinned(package, blank.place, |dependency| {
                    let (name, range) = (&dependency.name, dependency.requirement.trim());
                    let is = |key: String| asked.contains(&key);
                    if is(format!("{name}@{range}")) || is(format!("{name}@npm:{range}")) {
                        return Some(true);
                    }
                    // Links to the workspace's own packages are left out by version 1; patches,
                    // directories and the like are bound to a place in Berry's keys.
                    if dependency.local.is_some() || range.contains(':') || range.contains('/') {
                        return if installed.contains(name) || !berry { None } else { Some(false) };
                    }
                    Some(false)
                }),
                bins: Arc::clone(&bins),
                installed: Arc::clone(&installed),
                tells_bins: berry,
                ..blank.clone()
            })
            .collect(),
    )
}

/// Notes the requests of an entry's key (`a@^1, "@b/c@npm:^2, @b/c@npm:^2.1"`); gives the names.
fn enter(
    key: &str,
    span: Span,
    asked: &mut BTreeSet<String>,
    installed: &mut BTreeMap<String, Installed>,
) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for request in key.split(',') {
        let request = request.trim().trim_matches('"');
        let Some(at) = request.get(1..).and_then(|rest| rest.find('@')) else { continue };
        let Some(name) = request.get(..=at) else { continue };
        if path::name(name).is_empty() {
            continue;
        }
        asked.insert(request.to_owned());
        if names.last().is_none_or(|last| last != name) {
            names.push(name.to_owned());
            let at = Installed { version: String::new(), span };
            installed.entry(name.to_owned()).or_insert(at);
        }
    }
    names
}
