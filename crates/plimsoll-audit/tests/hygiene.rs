//! What holds for every check, every crate and every file, whoever writes it.
#![allow(clippy::disallowed_methods, reason = "tests read the workspace's own files")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use plimsoll_audit::{Check, Page, Section};

/// Areas are readers' questions, not formats.
const AREAS: [&str; 15] = [
    "image",
    "build",
    "runtime",
    "health",
    "network",
    "secrets",
    "packages",
    "migrations",
    "pipeline",
    "policy",
    "supply",
    "release",
    "recovery",
    "scripts",
    "docs",
];

/// Crates in pipeline order: each may use those before it.
const LINE: [&str; 7] = [
    "plimsoll-source",
    "plimsoll-syntax",
    "plimsoll-model",
    "plimsoll-audit",
    "plimsoll-render",
    "plimsoll-server",
    "plimsoll",
];

/// The most lines of a check's file, page included.
const MAX_LINES: usize = 300;
/// How many checks of the catalogue exist; `cargo xtask catalogue` lists them.
const OF_CATALOGUE: usize = 59;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every tracked or new file of the workspace, from git, relative to its root.
fn tracked() -> Vec<String> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let listed = std::process::Command::new("git").args(arguments).current_dir(root()).output();
    let listed = listed.expect("git lists the workspace");
    let listed = String::from_utf8(listed.stdout).expect("paths here are UTF-8");
    let listed: Vec<String> =
        listed.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect();
    assert!(!listed.is_empty(), "git lists nothing");
    listed
}

/// Fails with every complaint, not only the first.
#[track_caller]
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_registry_lists_exactly_the_files_of_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let mut files = BTreeSet::new();
    for area in AREAS {
        for file in std::fs::read_dir(folder.join(area)).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let name = name.strip_suffix(".rs").unwrap_or(&name).replace('_', "-");
            if name != "mod" {
                files.insert(format!("{area}/{name}"));
            }
        }
    }
    let ids: Vec<String> = plimsoll_audit::all().iter().map(|check| check.id.to_owned()).collect();
    assert_eq!(ids, files.into_iter().collect::<Vec<_>>());
    for check in plimsoll_audit::all() {
        let path = folder.join(check.id.replace('-', "_")).with_extension("rs");
        assert_eq!(read(&path), check.source, "{} shows the page of another", check.id);
    }
}

#[test]
fn every_page_has_its_parts_in_order() {
    none(plimsoll_audit::all().into_iter().flat_map(page_trouble).collect());
}

fn page_trouble(check: &'static Check) -> Vec<String> {
    let page = Page::of(check.source);
    let headings: Vec<&str> = page.sections.iter().map(|(heading, _)| &**heading).collect();
    let rank = |heading: &str| Page::SECTIONS.iter().position(|(name, _)| *name == heading);
    let ranks: Vec<Option<usize>> = headings.iter().map(|heading| rank(heading)).collect();
    let examples = page.examples();
    let count = |section: &str| examples.iter().filter(|e| e.section == section).count();
    let files: usize = examples.iter().map(|e| e.files.len()).sum();
    let fences: usize = page.sections.iter().map(|(_, body)| fences(body)).sum();
    let parts: BTreeSet<&str> = check.parts.iter().map(|part| part.name).collect();
    let code = check.source.lines().filter(|line| !line.starts_with("//!")).count();
    let rules = [
        (page.title.starts_with(char::is_uppercase), "its title starts with a capital"),
        (!page.title.ends_with('.'), "its title has no full stop"),
        (page.intro.len() >= 3, "its page says what, why and what to do"),
        (ranks.iter().all(Option::is_some), "its sections are known"),
        (ranks.windows(2).all(|pair| pair[0] < pair[1]), "its sections are in order"),
        (count("Fails") + count("Partial") > 0, "some example fails, or passes in part"),
        (count("Passes") > 0, "some example passes"),
        (count("Fixed") <= count("Fails"), "every Fixed mends a Fails"),
        (
            count("Cannot tell") + count("Does not apply") > 0,
            "some example cannot be told or does not apply",
        ),
        (files == fences, "every fence of its examples has a path before it"),
        (!check.source.contains("\n//! ```\n//! ```\n"), "every fence names its language"),
        (AREAS.contains(&check.area()), "its area is one of the list"),
        (!parts.is_empty() && parts.len() == check.parts.len(), "its parts differ"),
        (parts.len() > 1 || parts.contains(""), "its only part is named \"\""),
        // A page shows every language that the check knows.
        (code <= MAX_LINES, "its code has at most 300 lines"),
    ];
    let broken = rules.into_iter().filter(|(holds, _)| !holds);
    broken.map(|(_, rule)| format!("{}: not so: {rule}", check.id)).collect()
}

/// How many fences a section's body opens, and each of them names its language.
fn fences(body: &str) -> usize {
    let mut open: Option<usize> = None;
    let mut count = 0;
    for line in body.lines() {
        let ticks = line.bytes().take_while(|&b| b == b'`').count();
        match open {
            Some(length) if ticks >= length && line.len() == ticks => open = None,
            None if ticks >= 3 => {
                assert!(line.len() > ticks, "a fence without a language is a test of rustdoc");
                count += 1;
                open = Some(ticks);
            }
            _ => {}
        }
    }
    count
}

#[test]
fn checks_name_checks_that_exist() {
    let ids: BTreeSet<&str> = plimsoll_audit::all().iter().map(|check| check.id).collect();
    let mut complaints = Vec::new();
    for check in plimsoll_audit::all() {
        for named in check.within.iter().chain(check.after) {
            if !ids.contains(named) || *named == check.id {
                complaints.push(format!("{} names `{named}`", check.id));
            }
        }
    }
    none(complaints);
}

#[test]
fn every_file_says_its_purpose_first() {
    let sources = tracked().into_iter().filter(|path| {
        path.ends_with(".rs") && (path.starts_with("crates/") || path.starts_with("xtask/"))
    });
    let silent = sources.filter(|path| !read(&root().join(path)).starts_with("//! "));
    none(silent.map(|path| format!("{path} does not begin with `//! `")).collect());
}

#[test]
fn crates_use_only_crates_to_their_left() {
    let mut complaints = Vec::new();
    for (at, name) in LINE.iter().enumerate() {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        // The server comes later.
        let Ok(text) = std::fs::read_to_string(&manifest) else { continue };
        for line in text.lines().filter(|line| line.starts_with("plimsoll-")) {
            let used = line.split(['.', ' ', '=']).next().unwrap_or(line);
            if !LINE[..at].contains(&used) {
                complaints.push(format!("{name} uses {used}, which is not to its left"));
            }
        }
    }
    none(complaints);
}

#[test]
fn no_file_names_a_registry() {
    // Put together here, so that this file does not hold what it looks for.
    let hosts = [("crates", "io"), ("npmjs", "org"), ("pypi", "org"), ("npmjs", "com")];
    let wanted: Vec<String> = hosts.iter().map(|(a, b)| format!("{a}.{b}")).collect();
    let mut complaints = Vec::new();
    // Cargo writes its own lockfile.
    for path in tracked().into_iter().filter(|path| path != "Cargo.lock") {
        for (number, line) in (1..).zip(read(&root().join(&path)).lines()) {
            for word in wanted.iter().filter(|word| line.contains(&***word)) {
                complaints.push(format!("{path}:{number} names {word}"));
            }
        }
    }
    none(complaints);
}

/// The catalogue that the checks are written from lies beside the repository where it is built;
/// elsewhere there is nothing to compare with.
#[test]
fn checks_are_as_the_catalogue_defines_them() {
    let Ok(text) = std::fs::read_to_string(root().join("../shared/catalog/service-checks.json"))
    else {
        eprintln!("skipped: there is no ../shared/catalog");
        return;
    };
    let rows: serde_json::Value = serde_json::from_str(&text).expect("the catalogue is JSON");
    let rows = rows.as_array().expect("a list");
    let all = plimsoll_audit::all();
    let (mut missing, mut differ, mut found) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        let field = |name: &str| row[name].as_str();
        let id = field("id").expect("an id");
        // Rows with one rule are asked by no report; those that exist are as their row says.
        let reported = row.get("pass").is_some();
        let Some(check) = all.iter().find(|check| check.id == id) else {
            missing.extend(reported.then_some(id));
            continue;
        };
        found += usize::from(reported);
        let is = (
            Some(check.severity.name().to_uppercase()),
            Some(catalogue_section(check.section)),
            check.within,
        );
        let wanted = (field("severity").map(str::to_owned), field("section"), field("within"));
        if is != wanted {
            differ.push(format!("{id} is {is:?}, the catalogue says {wanted:?}"));
        }
    }
    none(differ);
    assert!(found >= OF_CATALOGUE, "{found} of {OF_CATALOGUE} checks; missing: {missing:#?}");
}

/// What the catalogue calls a section.
fn catalogue_section(section: Section) -> &'static str {
    match section {
        Section::Compose => "Compose",
        Section::Migrations => "Migrations",
        Section::Packages => "Package scripts/dependencies",
        Section::Pipeline => "Pipeline",
        Section::Safeguards => "Safeguards/rollback",
        Section::Signing => "Signing",
        same => same.heading(),
    }
}
