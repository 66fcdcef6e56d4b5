//! `cargo xtask new-check area/name`: a check's file with everything it needs, and its line.

use std::path::Path;

/// Writes the file and lists it. What is left to write is marked by `todo!`, which does not pass
/// the lints.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let [id] = arguments else { return Err("give one id: area/what-holds-when-good".to_owned()) };
    let plain = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let Some((area, name)) = id.split_once('/').filter(|(a, n)| plain(a) && plain(n)) else {
        return Err(format!("`{id}` is not area/what-holds-when-good"));
    };
    let module = name.replace('-', "_");
    let folder = crate::root().join("crates/plimsoll-audit/src/checks").join(area);
    let list = folder.join("mod.rs");
    let listed = crate::read(&list)
        .map_err(|why| format!("{why}; a new area also needs its line in checks/mod.rs"))?;
    let file = folder.join(&module).with_extension("rs");
    if file.exists() {
        return Err(format!("{} exists", file.display()));
    }
    crate::write(&file, &SKELETON.replace("AREA/NAME", id).replace("MODULE", &module))?;
    crate::write(&list, &with_line(&listed, &module))?;
    format(&list)
}

/// The area's list with one more check, sorted.
fn with_line(list: &str, module: &str) -> String {
    let head: Vec<&str> = list.lines().take_while(|line| line.starts_with("//!")).collect();
    let mut modules: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .chain([module])
        .collect();
    modules.sort_unstable();
    modules.dedup();
    let declared: String = modules.iter().map(|module| format!("mod {module};\n")).collect();
    let checks: Vec<String> = modules.iter().map(|module| format!("&{module}::CHECK")).collect();
    format!(
        "{}\n\nuse crate::Check;\n\n{declared}\npub(super) static CHECKS: &[&Check] = &[{}];\n",
        head.join("\n"),
        checks.join(", ")
    )
}

fn format(path: &Path) -> Result<(), String> {
    let arguments = ["--edition", "2024", "--config-path"];
    let status = std::process::Command::new("rustfmt")
        .args(arguments)
        .arg(crate::root())
        .arg(path)
        .status()
        .map_err(|why| format!("rustfmt: {why}"))?;
    if status.success() { Ok(()) } else { Err("rustfmt failed".to_owned()) }
}

const SKELETON: &str = r#"//! # What holds when all is well
//!
//! What it is.
//!
//! Why it matters.
//!
//! What to do.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- what is wrong here
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services: {}
//! ```

use crate::{
    Check, Cx, Domain, Effort, ImageSubject, Part, Run, Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "AREA/NAME",
    section: Section::BuildSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Trial,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[],
    source: include_str!("MODULE.rs"),
    run: Run::EachImage(run),
    fix: None,
};

fn run(_cx: &Cx<'_>, _image: ImageSubject<'_>) -> Verdict {
    todo!("the answer, with its evidence")
}
"#;

#[cfg(test)]
mod tests {
    use super::with_line;

    #[test]
    fn a_check_is_listed_in_its_place() {
        let list = "//! Checks.\n\nuse crate::Check;\n\nmod b;\n\npub(super) static CHECKS: &[&Check] = &[&b::CHECK];\n";
        let expected = "//! Checks.\n\nuse crate::Check;\n\nmod a;\nmod b;\n\npub(super) static CHECKS: &[&Check] = &[&a::CHECK, &b::CHECK];\n";
        assert_eq!(with_line(list, "a"), expected);
        assert_eq!(with_line(expected, "b"), expected);
    }
}
