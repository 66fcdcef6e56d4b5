//! `checks`: the list of them, and what other tools call them.

use std::collections::BTreeSet;

use plimsoll_audit::{Check, Relation};
use serde_json::json;

use crate::cli::{ChecksArgs, ListFormat};
use crate::output;

/// Lists every check, or every rule of another tool that a check answers.
pub(crate) fn run(args: &ChecksArgs) -> Result<u8, String> {
    let mut checks = plimsoll_audit::all();
    if let Some(area) = &args.area {
        checks.retain(|check| check.area() == area);
        if checks.is_empty() {
            return Err(no_such_area(area));
        }
    }
    let tool = args.equivalents.as_ref().map(|tool| tool.to_lowercase());
    if let Some(tool) = &tool {
        let all = plimsoll_audit::all();
        let known: BTreeSet<&str> = all.iter().flat_map(|c| equivalents(c)).map(|e| e.0).collect();
        if !known.contains(&**tool) {
            let known: Vec<&str> = known.into_iter().collect();
            let help = near_or_all(tool, &known);
            return Err(format!("error: no rule of `{}` is known: {help}", tool.escape_debug()));
        }
        checks.retain(|check| equivalents(check).any(|(of, ..)| of == tool));
    }
    let text = match (args.format, &tool) {
        (ListFormat::Json, tool) => json_of(&checks, tool.as_deref()),
        (ListFormat::Text, Some(tool)) => rules(&checks, tool),
        (ListFormat::Text, None) => table(&checks),
    };
    output::say(text.as_bytes())
}

/// What to say of an area that does not exist.
pub(crate) fn no_such_area(area: &str) -> String {
    let areas: BTreeSet<&str> = plimsoll_audit::all().iter().map(|check| check.area()).collect();
    let areas: Vec<&str> = areas.into_iter().collect();
    format!("error: there is no area `{}`: {}", area.escape_debug(), near_or_all(area, &areas))
}

fn near_or_all(word: &str, known: &[&str]) -> String {
    match plimsoll_model::near::nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.join(", ")),
    }
}

/// Every rule of other tools that a check answers: tool, rule, how it relates, and the part.
fn equivalents(
    check: &Check,
) -> impl Iterator<Item = (&'static str, &'static str, Relation, &'static str)> {
    let parts = check.parts.iter();
    parts.flat_map(|part| {
        part.equivalents.iter().map(move |e| (e.tool, e.rule, e.relation, part.name))
    })
}

fn word(relation: Relation) -> &'static str {
    match relation {
        Relation::Same => "same",
        Relation::Wider => "wider",
        Relation::Narrower => "narrower",
    }
}

fn table(checks: &[&Check]) -> String {
    let lines = checks
        .iter()
        .map(|check| format!("{:<9} {:<36} {}\n", check.severity.name(), check.id, check.title()));
    lines.collect()
}

/// A tool's rules in order, each with the check that answers it; `wider` fires on more than ours.
fn rules(checks: &[&Check], tool: &str) -> String {
    let mut rows: Vec<(&str, &str, &str)> = Vec::new();
    for check in checks {
        let of_tool = equivalents(check).filter(|(of, ..)| *of == tool);
        rows.extend(of_tool.map(|(_, rule, relation, _)| (rule, check.id, word(relation))));
    }
    rows.sort_unstable();
    rows.dedup();
    let width = rows.iter().map(|(rule, ..)| rule.chars().count()).max().unwrap_or(0);
    let lines = rows.iter().map(|(rule, id, relation)| {
        let pad = " ".repeat(width - rule.chars().count());
        format!("{rule}{pad}  {relation:<8}  {id}\n")
    });
    lines.collect()
}

fn json_of(checks: &[&Check], tool: Option<&str>) -> String {
    let list: Vec<serde_json::Value> = checks
        .iter()
        .map(|check| {
            let theirs = equivalents(check).filter(|(of, ..)| tool.is_none_or(|tool| *of == tool));
            let theirs: Vec<serde_json::Value> = theirs
                .map(|(tool, rule, relation, part)| {
                    json!({"tool": tool, "rule": rule, "relation": word(relation), "part": part})
                })
                .collect();
            json!({
                "id": check.id,
                "title": check.title(),
                "area": check.area(),
                "section": check.section.heading(),
                "domain": check.domain.name(),
                "severity": check.severity.name(),
                "weight": check.severity.weight(),
                "since": check.since,
                "within": check.within,
                "controls": check.controls,
                "equivalents": theirs,
            })
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&list).unwrap_or_default();
    text.push('\n');
    text
}
