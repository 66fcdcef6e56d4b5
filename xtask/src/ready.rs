//! `cargo xtask ready`: is this change ready to land?

use std::process::Command;

/// Runs `.ci/run`, the one list of what must hold.
pub(crate) fn run(_: &[String]) -> Result<(), String> {
    let script = crate::root().join(".ci/run");
    let status = Command::new(&script).status().map_err(|why| why.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("{} says no", script.display())) }
}
