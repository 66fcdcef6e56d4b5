//! Checks of how images are built.

use crate::Check;

mod clears_package_cache;
mod copies_not_adds;
mod effective_dockerignore;
mod files_parse;
mod multi_stage;
mod reproducible_install;
mod ships_only_artifacts;

pub(super) static CHECKS: &[&Check] = &[
    &clears_package_cache::CHECK,
    &copies_not_adds::CHECK,
    &effective_dockerignore::CHECK,
    &files_parse::CHECK,
    &multi_stage::CHECK,
    &reproducible_install::CHECK,
    &ships_only_artifacts::CHECK,
];
