//! `cargo xtask docs`: writes what is made from the sources: a page for each check, which rows of
//! the catalogues have one, and the command line. A test says when a file is stale.

mod cli;
mod coverage;
mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::root;

/// The directory in which every file is ours.
const PAGES: &str = "docs/checks";

/// Texts by path from the root.
type Files = BTreeMap<String, String>;

/// Writes what is stale, and takes away pages of checks that are gone.
pub(crate) fn run(_: &[String]) -> Result<(), String> {
    let files = files()?;
    for (path, text) in &files {
        let path = root().join(path);
        if std::fs::read_to_string(&path).is_ok_and(|found| found == *text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|why| format!("{}: {why}", folder.display()))?;
        }
        crate::write(&path, text)?;
    }
    for path in committed()?.iter().filter(|path| !files.contains_key(*path)) {
        std::fs::remove_file(root().join(path)).map_err(|why| format!("{path}: {why}"))?;
        println!("removed {path}");
    }
    if !files.contains_key(coverage::PATH) {
        println!("{}: SKIPPED, there is no ../shared/catalog", coverage::PATH);
    }
    Ok(())
}

/// All that is made, without what needs catalogues that are not there.
fn files() -> Result<Files, String> {
    let mut files = pages::all();
    files.insert(cli::PATH.to_owned(), cli::text());
    files.extend(coverage::text()?.map(|text| (coverage::PATH.to_owned(), text)));
    Ok(files)
}

/// The pages that stand in the tree.
fn committed() -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PAGES.to_owned()];
    while let Some(folder) = folders.pop() {
        let path = root().join(&folder);
        if !Path::new(&path).is_dir() {
            continue;
        }
        let failed = |why: std::io::Error| format!("{folder}: {why}");
        for entry in std::fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(name);
            } else {
                found.insert(name);
            }
        }
    }
    Ok(found)
}

/// Text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_documentation_is_fresh() {
        let files = files().expect("the sources can be read");
        if !files.contains_key(coverage::PATH) {
            println!("{}: SKIPPED, there is no ../shared/catalog", coverage::PATH);
        }
        let is_stale = |(path, text): &(&String, &String)| {
            !std::fs::read_to_string(root().join(path)).is_ok_and(|found| found == **text)
        };
        let stale: Vec<&String> = files.iter().filter(is_stale).map(|(path, _)| path).collect();
        let committed = committed().expect("the folder can be read");
        let gone: Vec<&String> = committed.iter().filter(|p| !files.contains_key(*p)).collect();
        assert!(
            stale.is_empty() && gone.is_empty(),
            "run `cargo xtask docs`: stale {stale:?}, of no check {gone:?}"
        );
    }

    /// `docs/configuration.md` is written by hand; its tables have what the schema has.
    #[test]
    fn every_key_of_the_configuration_is_described() {
        let page = crate::read(&root().join("docs/configuration.md")).expect("it is there");
        let accept =
            crate::read(&root().join("docs/waivers-and-baselines.md")).expect("it is there");
        let schema: serde_json::Value =
            serde_json::from_str(&plimsoll_audit::config_schema()).expect("it is JSON");
        let keys = |at: &str| -> Vec<String> {
            let object = schema.pointer(at).and_then(|keys| keys.as_object()).expect("an object");
            object.keys().cloned().collect()
        };
        let of_files = keys("/properties");
        let of_services = keys("/$defs/Service/properties");
        for key in of_files.iter().chain(&of_services) {
            let names = [format!("`{key}`"), format!("`[{key}]`"), format!("`[[{key}]]`")];
            assert!(names.iter().any(|name| page.contains(name)), "{key} is not described");
        }
        for key in keys("/$defs/Accept/properties") {
            assert!(accept.contains(&format!("\n{key} = ")), "{key} is not described");
        }
    }
}
