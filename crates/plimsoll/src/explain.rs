//! `explain`: the page of a check.

use std::io::Write;

use plimsoll_audit::{Check, Page};

use crate::cli::ExplainArgs;

/// Prints a check's page; other tools' ids lead to the checks that answer them.
pub(crate) fn explain(args: &ExplainArgs) -> Result<u8, String> {
    let checks = plimsoll_audit::all();
    let found: Vec<&Check> = checks
        .iter()
        .copied()
        .filter(|check| {
            check.id == args.check
                || check.parts.iter().flat_map(|p| p.equivalents).any(|e| {
                    let rule = args.check.strip_prefix(e.tool).and_then(|r| r.strip_prefix(':'));
                    plimsoll_audit::is_rule(e.tool, rule.unwrap_or(&args.check), e.rule)
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
        let theirs = check.parts.iter().flat_map(|part| part.equivalents);
        let mut theirs: Vec<String> = theirs
            .filter(|e| e.tool != "catalogue")
            .map(|e| format!("{} {}", e.tool, e.rule))
            .collect();
        theirs.sort();
        theirs.dedup();
        if !theirs.is_empty() {
            out.push_str(&format!("in other tools: {}\n", theirs.join(", ")));
        }
        out.push_str(&format!("to accept one: # plimsoll: accept {} -- REASON\n", check.id));
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
