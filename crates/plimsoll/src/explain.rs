//! `explain` and `checks`: the pages, and the list of them.

use std::io::Write;

use plimsoll_audit::{Check, Page};

use crate::cli::{ChecksArgs, ExplainArgs};

/// Prints a check's page; other tools' ids lead to the checks that answer them.
pub(crate) fn explain(args: &ExplainArgs) -> Result<u8, String> {
    let checks = plimsoll_audit::all();
    let found: Vec<&Check> = checks
        .iter()
        .copied()
        .filter(|check| {
            check.id == args.check
                || check.parts.iter().flat_map(|p| p.equivalents).any(|e| {
                    e.rule.eq_ignore_ascii_case(&args.check)
                        || format!("{}:{}", e.tool, e.rule) == args.check
                })
        })
        .collect();
    if found.is_empty() {
        return Err(unknown_check(&args.check));
    }
    let mut out = String::new();
    for check in found {
        let page = Page::of(check.source);
        out.push_str(&format!(
            "{}\n{}\n\n{} · {} · weight {}\n",
            page.title,
            "=".repeat(page.title.chars().count()),
            check.id,
            check.severity.name(),
            check.severity.weight()
        ));
        for paragraph in &page.intro {
            out.push_str(&format!("\n{paragraph}\n"));
        }
        for (heading, body) in &page.sections {
            out.push_str(&format!(
                "\n{heading}\n{}\n{}\n",
                "-".repeat(heading.chars().count()),
                body.trim_end()
            ));
        }
        out.push('\n');
    }
    let _ = std::io::stdout().write_all(out.as_bytes());
    Ok(super::CLEAN)
}

/// Lists every check.
pub(crate) fn checks(args: &ChecksArgs) -> Result<u8, String> {
    let mut out = String::new();
    for check in plimsoll_audit::all() {
        if args.area.as_deref().is_none_or(|area| area == check.area()) {
            out.push_str(&format!(
                "{:<9} {:<36} {}\n",
                check.severity.name(),
                check.id,
                check.title()
            ));
        }
    }
    if out.is_empty() {
        let area = args.area.as_deref().unwrap_or_default();
        return Err(format!("error: there is no area `{}`", area.escape_debug()));
    }
    let _ = std::io::stdout().write_all(out.as_bytes());
    Ok(super::CLEAN)
}

/// What to say of a check that does not exist.
pub(crate) fn unknown_check(name: &str) -> String {
    let wanted = name.rsplit('/').next().unwrap_or(name);
    let near: Vec<&str> = plimsoll_audit::all()
        .iter()
        .map(|c| c.id)
        .filter(|id| {
            id.contains(wanted) || wanted.split('-').filter(|w| w.len() > 3).any(|w| id.contains(w))
        })
        .take(5)
        .collect();
    let near =
        if near.is_empty() { String::new() } else { format!(" Did you mean {}?", near.join(", ")) };
    format!(
        "error: there is no check `{}`.{near} `plimsoll checks` lists all.",
        name.escape_debug()
    )
}
