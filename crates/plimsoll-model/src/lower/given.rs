//! Variables that containers take from outside their descriptor: the files of `env_file:`, and the
//! ConfigMaps of Kubernetes that stand in the tree.
//!
//! What git ignores and what a Secret holds is not in the tree: whatever it may set is unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use memchr::memmem;
use plimsoll_source::{EntryKind, FileId, Tracking};
use plimsoll_syntax::yaml::{self, Value};
use plimsoll_syntax::{Parsed, dotenv};
use rayon::prelude::*;

use super::cx::Cx;
use super::{kubernetes, purpose};
use crate::container::{Container, EnvFrom, Given, GivenVar};
use crate::fact::{Fact, Why};

/// The most documents of a file that are looked at.
const MAX_DOCUMENTS: usize = 1_000;

/// What several places give, kept once.
type Vars = Fact<Arc<[GivenVar]>>;

/// Reads what containers take from files and stores.
pub(super) fn read(cx: &Cx<'_>, containers: &mut [Container]) {
    let mut files: BTreeMap<String, Vars> = BTreeMap::new();
    let wanted = containers.iter().flat_map(|container| &container.env_from);
    let wanted: BTreeSet<&str> = wanted.filter_map(|from| from.config.as_deref()).collect();
    let configs = configs(cx, &wanted);
    for container in containers {
        let mut given = Vec::new();
        for (path, at) in &container.env_files {
            let variables = match path {
                Fact::Known { value, .. } => {
                    files.entry(value.clone()).or_insert_with(|| of_file(cx, value)).clone()
                }
                Fact::Unknown(why, _) => Fact::Unknown(*why, Some(*at)),
                Fact::Absent => Fact::Unknown(Why::OutOfTree, Some(*at)),
            };
            given.push(Given { at: *at, single: false, variables });
        }
        let production = container.purpose.is_production();
        given.extend(container.env_from.iter().map(|from| Given {
            at: from.at,
            single: from.key.is_some(),
            variables: of_config(&configs, from, production),
        }));
        container.given = given;
    }
}

/// The variables of a file of them, as compose reads it.
fn of_file(cx: &Cx<'_>, path: &str) -> Vars {
    let file = cx.tree.find(path).filter(|file| {
        let entry = cx.tree.entry(*file);
        entry.tracking != Tracking::Ignored && matches!(entry.kind, EntryKind::File { .. })
    });
    let Some(file) = file else { return Fact::Unknown(Why::OutOfTree, None) };
    let Some(text) = cx.text(file, "file of variables") else {
        return Fact::Unknown(Why::Unreadable, None);
    };
    let Parsed { tree, errors } = dotenv::parse(&text);
    if !errors.is_empty() {
        return Fact::Unknown(Why::Unparsed, None);
    }
    let entries = tree.entries.into_iter().map(|entry| GivenVar {
        name: entry.name,
        value: entry.value.filter(|value| !entry.expand || !value.contains('$')),
    });
    Fact::inferred(entries.collect(), None)
}

/// A ConfigMap of the tree: its name, whether it is for production, what it holds.
struct Config {
    name: String,
    production: bool,
    data: Vec<(String, Option<String>)>,
}

/// The ConfigMaps of these names.
fn configs(cx: &Cx<'_>, names: &BTreeSet<&str>) -> Vec<Config> {
    if names.is_empty() {
        return Vec::new();
    }
    let files = kubernetes::candidates(cx).into_par_iter();
    files.flat_map_iter(|file| in_file(cx, file, names)).collect()
}

fn in_file(cx: &Cx<'_>, file: FileId, names: &BTreeSet<&str>) -> Vec<Config> {
    let Ok(bytes) = cx.tree.read(file) else { return Vec::new() };
    let named = |name: &&str| memmem::find(&bytes, name.as_bytes()).is_some();
    if memmem::find(&bytes, b"ConfigMap").is_none() || !names.iter().any(named) {
        return Vec::new();
    }
    let Some(text) = cx.text(file, "Kubernetes manifest") else { return Vec::new() };
    let yaml = yaml::parse(text).tree;
    let production = purpose::of_path(cx.tree.path(file)).is_production();
    let roots = yaml.roots().take(MAX_DOCUMENTS);
    let items = roots.flat_map(|root| match root.get("kind").and_then(Value::text) {
        Some("ConfigMap") => vec![root],
        Some("List") => {
            root.get("items").into_iter().flat_map(Value::items).take(MAX_DOCUMENTS).collect()
        }
        _ => Vec::new(),
    });
    let maps = items.filter(|item| item.get("kind").and_then(Value::text) == Some("ConfigMap"));
    let read = maps.filter_map(|map| {
        let name = map.path(&["metadata", "name"])?.text()?;
        let entries = map.get("data").into_iter().flat_map(|data| data.pairs());
        // What a tool writes before it is applied is not known as it stands.
        let value = |value: Value<'_>| {
            let text = value.text().filter(|text| !text.contains(['$', '{']));
            text.map(str::to_owned)
        };
        let data = entries.filter_map(|(k, v)| Some((k.text()?.to_owned(), value(v)))).collect();
        names.contains(name).then(|| Config { name: name.to_owned(), production, data })
    });
    read.collect()
}

/// What a store gives: of several ConfigMaps of a name, what all of them say.
fn of_config(configs: &[Config], from: &EnvFrom, production: bool) -> Vars {
    let Some(name) = &from.config else { return Fact::Unknown(Why::OutOfTree, None) };
    let named = || configs.iter().filter(|config| config.name == *name);
    let mut maps: Vec<&Config> = named().filter(|config| config.production == production).collect();
    if maps.is_empty() {
        maps.extend(named());
    }
    if maps.is_empty() {
        return Fact::Unknown(Why::OutOfTree, None);
    }
    let keys: BTreeSet<&String> =
        maps.iter().flat_map(|map| map.data.iter().map(|(key, _)| key)).collect();
    let of = |key: &String| {
        let mut said = maps.iter().map(|map| {
            map.data.iter().find(|(own, _)| own == key).and_then(|(_, value)| value.as_ref())
        });
        let first = said.next().flatten();
        first.filter(|_| said.all(|other| other == first)).cloned()
    };
    let vars = keys.into_iter().filter_map(|key| match &from.key {
        Some((own, variable)) => {
            (own == key).then(|| GivenVar { name: variable.clone(), value: of(key) })
        }
        None => Some(GivenVar { name: format!("{}{key}", from.prefix), value: of(key) }),
    });
    Fact::inferred(vars.collect(), None)
}
