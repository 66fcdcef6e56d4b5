//! `cargo xtask schema`: writes the schema of the JSON report into docs/.

/// Not written yet.
pub(crate) fn run(_: &[String]) -> Result<(), String> {
    Err("there is no JSON report yet".to_owned())
}
