//! `schema`: writes docs/report.schema.json, the contract of the JSON report.

use crate::{root, write};

pub(crate) fn run(_: &[String]) -> Result<(), String> {
    write(&root().join("docs/report.schema.json"), &plimsoll_render::schema())
}
