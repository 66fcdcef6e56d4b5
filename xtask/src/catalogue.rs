//! `cargo xtask catalogue`: which questions of the catalogue have a check.

use std::collections::BTreeSet;

use serde_json::Value;

/// Prints, file by file, how many rows have a check, and names those of the service reports that
/// have none.
pub(crate) fn run(_: &[String]) -> Result<(), String> {
    let ids: BTreeSet<&str> = plimsoll_audit::all().iter().map(|check| check.id).collect();
    let folder = crate::root().join("../shared/catalog");
    let mut known = BTreeSet::from(["build/files-parse".to_owned()]);
    for name in [
        "service-checks",
        "operations-checks",
        "dockerfile-rules",
        "compose-rules",
        "kubernetes-rules",
        "pipeline-rules",
        "ops-script-rules",
        "proxy-rules",
    ] {
        let text = crate::read(&folder.join(name).with_extension("json"))?;
        let rows: Value = serde_json::from_str(&text).map_err(|why| format!("{name}: {why}"))?;
        let rows = rows.as_array().ok_or_else(|| format!("{name} is not a list"))?;
        // Rules are proposals, whose own ids are other names.
        let key = if name.ends_with("checks") { "id" } else { "proposed_id" };
        let asked: BTreeSet<&str> = rows.iter().filter_map(|row| row[key].as_str()).collect();
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
