//! A page for each check: what its file says, and what is known about it.

use plimsoll_audit::{Check, Effort, Page, Relation, Run, Status};

use super::{Files, PAGES, cell};

/// `docs/checks/<area>/<name>.md`, and the list of them.
pub(super) fn all() -> Files {
    let checks = plimsoll_audit::all();
    let pages = checks.iter().map(|check| (format!("{PAGES}/{}.md", check.id), page(check)));
    let mut files: Files = pages.collect();
    files.insert(format!("{PAGES}/README.md"), index(&checks));
    files
}

fn index(checks: &[&Check]) -> String {
    let mut text = "\
# Checks

One page a check: what it asks, why, what to do; then small repositories that fail, pass, or cannot be told. They are the tests of the check. `# <- words` at a line's end is no part of the file: it marks what a report points at, and what it says there.

`plimsoll explain CHECK` prints the same page, and takes other tools' ids, too. `plimsoll checks` prints this list.

Made by `cargo xtask docs` from `crates/plimsoll-audit/src/checks`.
"
    .to_owned();
    let mut areas: Vec<&str> = checks.iter().map(|check| check.area()).collect();
    areas.sort_unstable();
    areas.dedup();
    for area in areas {
        text.push_str(&format!(
            "\n## {area}\n\n| check | severity | holds when good |\n|---|---|---|\n"
        ));
        let mut of_area: Vec<&&Check> = checks.iter().filter(|c| c.area() == area).collect();
        of_area.sort_unstable_by_key(|check| check.id);
        for check in of_area {
            text.push_str(&format!(
                "| [{id}]({id}.md) | {} | {} |\n",
                check.severity.name(),
                cell(check.title()),
                id = check.id
            ));
        }
    }
    text
}

fn page(check: &Check) -> String {
    let page = Page::of(check.source);
    let mut text = format!("# {}\n\n`{}`\n", page.title, check.id);
    for paragraph in &page.intro {
        text.push_str(&format!("\n{paragraph}\n"));
    }
    text.push_str("\n| | |\n|---|---|\n");
    for (name, says) in facts(check) {
        text.push_str(&format!("| {name} | {} |\n", cell(&says)));
    }
    if let Some(base) = &page.given {
        text.push_str(&format!(
            "\nEach example stands on [{base}](../../../crates/plimsoll-audit/fixtures/{base}).\n"
        ));
    }
    for (heading, body) in &page.sections {
        let body = if heading == "See also" { linked(body) } else { body.clone() };
        text.push_str(&format!("\n## {heading}\n\n{}\n", body.trim_end()));
    }
    text
}

/// What is known about a check, name by name; only what says something.
fn facts(check: &Check) -> Vec<(&'static str, String)> {
    let effort = match check.effort {
        Effort::Minutes => "minutes",
        Effort::Hours => "hours",
        Effort::Days => "days",
    };
    let asked = match check.run {
        Run::Service(_) => "each service",
        Run::EachImage(_) => "each image of a service",
        Run::EveryImage(..) => "each image of a service, and each of others that a container names",
        Run::EachContainer(_) => "each container of a service",
        Run::EveryContainer(_) => "each container, of services and of others' images",
        Run::EachScript(_) => "each operational script",
        Run::Repository(_) => "the repository",
        Run::Both(..) => "each service, and the repository about what is no service's",
    };
    let mut facts = vec![
        ("severity", format!("{} (weight {})", check.severity.name(), check.severity.weight())),
        ("section", format!("{} · {}", check.section.heading(), check.domain.name())),
        ("asked about", asked.to_owned()),
    ];
    let conditions: Vec<&str> = check.when.iter().map(|condition| condition.name).collect();
    if !conditions.is_empty() {
        facts.push((
            "does not apply when",
            format!("nothing here {}", conditions.join("; or nothing here ")),
        ));
    }
    if let Some(parent) = check.within {
        facts.push(("shown under", format!("{}, and counted in no sum", link(parent))));
    }
    facts.push(("mending takes", effort.to_owned()));
    if !check.after.is_empty() {
        let first: Vec<String> = check.after.iter().map(|id| link(id)).collect();
        facts.push(("mend first", first.join(", ")));
    }
    if !check.controls.is_empty() {
        facts.push(("controls", check.controls.join(", ")));
    }
    for part in check.parts {
        let theirs = part.equivalents.iter().filter(|e| e.tool != "catalogue").map(|e| {
            let relation = match e.relation {
                Relation::Same => "asks the same",
                Relation::Wider => "fires on more",
                Relation::Narrower => "fires on less",
            };
            format!("{} `{}` ({relation})", e.tool, e.rule)
        });
        let theirs: Vec<String> = theirs.collect();
        let said = match (part.name, theirs.is_empty()) {
            ("", true) => continue,
            ("", false) => theirs.join(", "),
            (name, true) => format!("{name}: none"),
            (name, false) => format!("{name}: {}", theirs.join(", ")),
        };
        facts.push(("in other tools", said));
    }
    let trial = if check.status == Status::Trial { ", on trial: reported, not scored" } else { "" };
    facts.push(("since", format!("{}{trial}", check.since)));
    facts
}

/// A check's name as a link from another check's page.
fn link(id: &str) -> String {
    format!("[{id}](../{id}.md)")
}

/// A text in which `` `area/name` `` of every check that there is leads to its page.
fn linked(text: &str) -> String {
    plimsoll_audit::all().iter().fold(text.to_owned(), |text, check| {
        text.replace(&format!("`{}`", check.id), &link(check.id))
    })
}
