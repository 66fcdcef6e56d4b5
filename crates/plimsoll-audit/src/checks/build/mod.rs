//! Checks of how images are built.

use crate::Check;

mod copies_not_adds;
mod effective_dockerignore;
mod files_parse;

pub(super) static CHECKS: &[&Check] =
    &[&copies_not_adds::CHECK, &effective_dockerignore::CHECK, &files_parse::CHECK];
