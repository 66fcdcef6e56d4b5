//! Secrets that stores of values write out: `Secret` and `ConfigMap` of Kubernetes, `configs:` of
//! compose, the variables of pods.
//!
//! Source of the rules: the Kubernetes API reference (`core/v1`: `data` is base64, `stringData` is
//! not) and the compose specification (`configs.*.content`).

use data_encoding::BASE64;
use plimsoll_source::{FileId, Span, TextRange};
use plimsoll_syntax::yaml::{self, Value};
use rayon::prelude::*;

use super::{Found, in_lines, of_pair};
use crate::container::{Container, ContainerKind};
use crate::lower::cx::Cx;
use crate::lower::{compose, kubernetes};
use crate::path;
use crate::secret::{LiteralKind, Secrets, WrittenSecret, is_guessed, literal_secret};

/// The most values that are looked at in one file.
const MAX_VALUES: usize = 10_000;

/// A secret, and what no output may show of it.
type Written = (WrittenSecret, Span);

/// Adds what the stores of a tree write out, and what pods are given for variables.
pub(crate) fn read(cx: &Cx<'_>, secrets: &mut Secrets, containers: &[Container]) {
    let manifests = kubernetes::candidates(cx).into_par_iter().flat_map_iter(|f| manifest(cx, f));
    let mut found: Vec<Written> = manifests.collect();
    let files = cx.tree.entries().filter(|(_, entry)| compose::is_named_compose(&entry.path));
    found.extend(files.flat_map(|(file, _)| configs(cx, file)));
    let pods = containers.iter().filter(|c| matches!(c.kind, ContainerKind::Kubernetes { .. }));
    found.extend(pods.flat_map(Container::written).filter_map(|(span, name, value)| {
        let literal = literal_secret(name, value)?;
        let part = String::from_utf8_lossy(literal.range.slice(value.as_bytes())).into_owned();
        let proved = literal.kind != LiteralKind::Named;
        let guessed = is_guessed(name, &part);
        Some((WrittenSecret { span, name: name.to_owned(), proved, guessed }, span))
    }));
    secrets.mask(found.iter().map(|(_, mask)| *mask));
    secrets.written.extend(found.into_iter().map(|(written, _)| written));
    secrets.written.sort_by(|a, b| (a.span, &a.name).cmp(&(b.span, &b.name)));
    secrets.written.dedup();
}

fn manifest(cx: &Cx<'_>, file: FileId) -> Vec<Written> {
    // Most YAML files are none of ours; that one of those cannot be read is not our trouble.
    let Ok(bytes) = cx.tree.read(file) else { return Vec::new() };
    let has = |needle: &[u8]| memchr::memmem::find(&bytes, needle).is_some();
    // What SOPS has encrypted says so itself.
    let held = has(b"Secret") || has(b"ConfigMap");
    if !has(b"apiVersion") || !held || has(b"\nsops:") {
        return Vec::new();
    }
    let Some(text) = cx.text(file, "Kubernetes manifest") else { return Vec::new() };
    let yaml = yaml::parse(text).tree;
    let mut found = Vec::new();
    let lists = yaml.roots().flat_map(|root| root.get("items").into_iter().flat_map(Value::items));
    for resource in yaml.roots().chain(lists).take(MAX_VALUES) {
        let entries = |key: &str| resource.get(key).into_iter().flat_map(Value::entries);
        match resource.get("kind").and_then(Value::text) {
            Some("Secret") => {
                for (key, value) in entries("data").take(MAX_VALUES) {
                    found.extend(decoded(key, value));
                }
                for (key, value) in entries("stringData").take(MAX_VALUES) {
                    found.extend(plain(key, value));
                }
            }
            Some("ConfigMap") => {
                found.extend(entries("data").take(MAX_VALUES).flat_map(|(k, v)| plain(k, v)));
            }
            _ => {}
        }
    }
    found
}

/// What `configs:` of a compose file write out.
fn configs(cx: &Cx<'_>, file: FileId) -> Vec<Written> {
    let Ok(bytes) = cx.tree.read(file) else { return Vec::new() };
    let has = |needle: &[u8]| memchr::memmem::find(&bytes, needle).is_some();
    if !has(b"configs:") || !has(b"content:") {
        return Vec::new();
    }
    let Some(text) = cx.text(file, "compose file") else { return Vec::new() };
    let yaml = yaml::parse(text).tree;
    let configs = yaml.roots().filter_map(|root| root.get("configs"));
    let contents = configs.flat_map(Value::entries).take(MAX_VALUES);
    contents.filter_map(|(_, config)| config.get("content")).flat_map(of_lines).collect()
}

/// A value as it stands: a pair of its own, or a file of settings.
fn plain(key: Value<'_>, value: Value<'_>) -> Vec<Written> {
    const SETTINGS: [&str; 5] = [".conf", ".env", ".ini", ".properties", ".toml"];
    let (Some(name), Some(text)) = (key.text(), value.text()) else { return Vec::new() };
    if !text.trim_end().contains('\n') {
        let whole = TextRange::new(0, 0);
        let found = of_pair(name, name, text, whole, true);
        return found.map(|found| written(name, &found, value.span())).into_iter().collect();
    }
    let settings = SETTINGS.iter().any(|end| path::name(name).ends_with(end));
    if settings { of_lines(value) } else { Vec::new() }
}

/// The settings that a text holds, line by line.
fn of_lines(value: Value<'_>) -> Vec<Written> {
    let text = value.derived();
    let Ok(lines) = std::str::from_utf8(text.text()) else { return Vec::new() };
    let of = |found: Found| written(&found.name, &found, text.span(found.range));
    in_lines(lines).into_iter().map(of).collect()
}

/// A value in base64.
fn decoded(key: Value<'_>, value: Value<'_>) -> Option<Written> {
    let name = key.text()?;
    let bytes: Vec<u8> = value.text()?.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let text = String::from_utf8(BASE64.decode(&bytes).ok()?).ok()?;
    let found = of_pair(name, name, text.trim(), TextRange::new(0, 0), true)?;
    Some(written(name, &found, value.span()))
}

fn written(name: &str, found: &Found, span: Span) -> Written {
    let guessed = found.guessed || found.example;
    (WrittenSecret { span, name: name.to_owned(), proved: found.proved, guessed }, span)
}
