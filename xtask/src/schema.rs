//! `schema`: writes the schemas of the JSON report and of `plimsoll.toml`.

use crate::{root, write};

pub(crate) fn run(_: &[String]) -> Result<(), String> {
    write(&root().join("docs/report.schema.json"), &plimsoll_render::schema())?;
    write(&root().join("docs/config.schema.json"), &plimsoll_audit::config_schema())
}
