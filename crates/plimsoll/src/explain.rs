//! `explain`: the page of a check.

use plimsoll_audit::{Check, Page, Piece, near_checks};
use plimsoll_render::{Style, wrapped};

use crate::cli::ExplainArgs;
use crate::output;

/// Lines of prose are not longer than this.
const MAX_WIDTH: usize = 100;

/// Prints a check's page; other tools' ids lead to the checks that answer them.
pub(crate) fn explain(args: &ExplainArgs) -> Result<u8, String> {
    let own = plimsoll_audit::all().into_iter().filter(|check| check.id == args.check);
    let mut found: Vec<&Check> = own.collect();
    if found.is_empty() {
        found = plimsoll_audit::answering(&args.check);
    }
    if found.is_empty() {
        return Err(unknown_check(&args.check));
    }
    let style = output::style(false);
    let pages: Vec<String> = found.into_iter().map(|check| page(check, style)).collect();
    output::say(pages.join("\n").as_bytes())
}

/// A page for a terminal: wrapped, code set in, and beside a line of an example what is said of it.
fn page(check: &Check, style: Style) -> String {
    let page = Page::of(check.source);
    let width = style.width.min(MAX_WIDTH);
    let paint = |code: &str, text: &str| {
        if style.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    };
    let mut out = String::new();
    let line = |out: &mut String, text: &str, indent: usize| {
        out.push_str(&wrapped(text, width, 0, indent));
        out.push('\n');
    };
    line(&mut out, &paint("1", &page.title), 0);
    line(&mut out, &"=".repeat(page.title.chars().count().min(width)), 0);
    line(&mut out, "", 0);
    let severity = check.severity;
    line(
        &mut out,
        &format!("{} · {} · weight {}", check.id, severity.name(), severity.weight()),
        2,
    );
    let theirs = check.parts.iter().flat_map(|part| part.equivalents);
    let mut theirs: Vec<String> = theirs
        .filter(|e| e.tool != "catalogue")
        .map(|e| format!("{} {}", e.tool, e.rule))
        .collect();
    theirs.sort();
    theirs.dedup();
    if !theirs.is_empty() {
        line(&mut out, &format!("in other tools: {}", theirs.join(", ")), 2);
    }
    line(&mut out, &format!("to accept one: # plimsoll: accept {} -- REASON", check.id), 2);
    for paragraph in &page.intro {
        line(&mut out, "", 0);
        line(&mut out, paragraph, 0);
    }
    for (heading, body) in &page.sections {
        line(&mut out, "", 0);
        line(&mut out, &paint("1", heading), 0);
        line(&mut out, &"-".repeat(heading.chars().count()), 0);
        for piece in Page::pieces(body) {
            match piece {
                Piece::Prose(text) => {
                    line(&mut out, text, if text.starts_with("- ") { 2 } else { 0 })
                }
                Piece::Path(path) => line(&mut out, &format!("  {path}:"), 4),
                // Code is not wrapped: it is to be copied.
                Piece::Code(code, says) => {
                    let says = says.join("; ");
                    let arrow = if says.is_empty() { says } else { format!("  <- {says}") };
                    let text = format!(
                        "    {code}{}",
                        if arrow.is_empty() { arrow } else { paint("2", &arrow) }
                    );
                    out.push_str(text.trim_end());
                    out.push('\n');
                }
                Piece::Absent => line(&mut out, &paint("2", "    (this file is not there)"), 4),
                Piece::Says(says) => line(&mut out, &paint("2", &format!("    <- {says}")), 6),
            }
        }
    }
    out
}

/// What to say of a check that does not exist.
pub(crate) fn unknown_check(name: &str) -> String {
    format!("error: there is no check `{}`: {}", name.escape_debug(), near_checks(name))
}
