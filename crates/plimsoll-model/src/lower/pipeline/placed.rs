//! Where expressions stand in a workflow or an action.

use plimsoll_source::Span;
use plimsoll_syntax::expression;
use plimsoll_syntax::yaml::Value;

use crate::pipeline::{Placed, Slot};

/// How deep values are followed.
const MAX_DEPTH: usize = 32;
/// The most expressions of one file.
const MAX_FOUND: usize = 10_000;

#[derive(Clone, Copy)]
struct At<'a> {
    slot: Slot,
    key: &'a str,
    job: Option<usize>,
    step: Option<Span>,
}

impl<'a> At<'a> {
    fn slot(self, slot: Slot) -> Self {
        Self { slot, ..self }
    }

    fn key(self, key: &'a str) -> Self {
        Self { key, ..self }
    }
}

/// Every expression of a workflow or an action, in text order.
pub(super) fn read(root: Value<'_>) -> Vec<Placed> {
    let mut out = Vec::new();
    let top = At { slot: Slot::Other, key: "", job: None, step: None };
    for (key, value) in root.entries() {
        match key.text().unwrap_or_default() {
            "jobs" => {
                for (index, (_, value)) in
                    value.entries().into_iter().filter(|(key, _)| key.text().is_some()).enumerate()
                {
                    job(value, At { job: Some(index), ..top }, &mut out);
                }
            }
            "runs" => job(value, At { job: Some(0), ..top }, &mut out),
            "env" => walk(value, top.slot(Slot::Env), &mut out, 0),
            "outputs" => walk(value, top.slot(Slot::Output), &mut out, 0),
            _ => walk(value, top, &mut out, 0),
        }
    }
    out.sort_by_key(|placed| placed.span);
    out
}

fn job(value: Value<'_>, at: At<'_>, out: &mut Vec<Placed>) {
    for (key, inner) in value.entries() {
        match key.text().unwrap_or_default() {
            "steps" => {
                for item in inner.items().filter(|item| item.is_map()) {
                    step(item, At { step: Some(item.span()), ..at }, out);
                }
            }
            "if" => scalar(inner, at.slot(Slot::Condition), out),
            "runs-on" => walk(inner, at.slot(Slot::RunsOn), out, 0),
            "env" => walk(inner, at.slot(Slot::Env), out, 0),
            "outputs" => walk(inner, at.slot(Slot::Output), out, 0),
            "with" => {
                let at = At { slot: Slot::Input, step: Some(value.span()), ..at };
                walk(inner, at, out, 0);
            }
            name => walk(inner, at.key(name), out, 0),
        }
    }
}

fn step(value: Value<'_>, at: At<'_>, out: &mut Vec<Placed>) {
    for (key, inner) in value.entries() {
        let slot = match key.text().unwrap_or_default() {
            "run" => Slot::Run,
            "with" => Slot::Input,
            "env" => Slot::Env,
            "if" => Slot::Condition,
            _ => Slot::Other,
        };
        walk(inner, at.slot(slot).key(key.text().unwrap_or_default()), out, 0);
    }
}

fn walk(value: Value<'_>, at: At<'_>, out: &mut Vec<Placed>, depth: usize) {
    if depth > MAX_DEPTH || out.len() >= MAX_FOUND {
        return;
    }
    if value.text().is_some() {
        scalar(value, at, out);
    }
    for item in value.items() {
        walk(item, at, out, depth + 1);
    }
    for (key, inner) in value.entries() {
        let at = match key.text().unwrap_or_default() {
            // A container's own.
            "env" if at.slot == Slot::Other => at.slot(Slot::Env),
            key => at.key(key),
        };
        walk(inner, at, out, depth + 1);
    }
}

fn scalar(value: Value<'_>, at: At<'_>, out: &mut Vec<Placed>) {
    let Some(text) = value.text() else { return };
    let mut add = |span, text: &str, partial| {
        out.push(Placed {
            slot: at.slot,
            key: at.key.to_owned(),
            job: at.job,
            step: at.step,
            span,
            value: value.span(),
            partial,
            expression: expression::parse(text),
        });
    };
    if !text.contains("${{") {
        if at.slot == Slot::Condition {
            add(value.span(), text, false);
        }
        return;
    }
    let derived = value.derived();
    for range in expression::find(derived.text()) {
        let inner = String::from_utf8_lossy(range.slice(derived.text())).into_owned();
        add(derived.span(range), &inner, range.len() as usize != derived.text().len());
    }
}
