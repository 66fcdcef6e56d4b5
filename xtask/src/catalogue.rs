//! `cargo xtask catalogue`: which questions of the catalogue have a check.

use std::collections::BTreeSet;

use serde_json::Value;

/// The catalogues of `../shared/catalog`.
pub(crate) const NAMES: [&str; 8] = [
    "service-checks",
    "operations-checks",
    "dockerfile-rules",
    "compose-rules",
    "kubernetes-rules",
    "pipeline-rules",
    "ops-script-rules",
    "proxy-rules",
];

/// The rows of a catalogue.
pub(crate) fn rows(name: &str) -> Result<Vec<Value>, String> {
    let path = crate::root().join("../shared/catalog").join(name).with_extension("json");
    let rows: Value =
        serde_json::from_str(&crate::read(&path)?).map_err(|why| format!("{name}: {why}"))?;
    match rows {
        Value::Array(rows) => Ok(rows),
        _ => Err(format!("{name} is not a list")),
    }
}

/// The check that a row asks for. Rules are proposals, whose own ids are other names.
pub(crate) fn question<'a>(name: &str, row: &'a Value) -> Option<&'a str> {
    row[if name.ends_with("checks") { "id" } else { "proposed_id" }].as_str()
}

/// Prints, file by file, how many rows have a check, and names those of the service reports that
/// have none.
pub(crate) fn run(_: &[String]) -> Result<(), String> {
    let ids: BTreeSet<&str> = plimsoll_audit::all().iter().map(|check| check.id).collect();
    let mut known = BTreeSet::from(["build/files-parse".to_owned()]);
    for name in NAMES {
        let rows = rows(name)?;
        let asked: BTreeSet<&str> = rows.iter().filter_map(|row| question(name, row)).collect();
        let answered = asked.iter().filter(|id| ids.contains(*id)).count();
        println!("{name}: {answered} of {} questions have a check", asked.len());
        for row in rows.iter().filter(|row| row.get("pass").is_some()) {
            if let Some(id) = row["id"].as_str().filter(|id| !ids.contains(id)) {
                println!("  missing: {id}");
            }
        }
        known.extend(asked.into_iter().map(str::to_owned));
    }
    for id in ids.iter().filter(|id| !known.contains(**id)) {
        println!("in no catalogue: {id}");
    }
    Ok(())
}
