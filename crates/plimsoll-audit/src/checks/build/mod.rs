//! Checks of how images are built.

use crate::Check;

mod copies_not_adds;
mod files_parse;

pub(super) static CHECKS: &[&Check] = &[&copies_not_adds::CHECK, &files_parse::CHECK];
