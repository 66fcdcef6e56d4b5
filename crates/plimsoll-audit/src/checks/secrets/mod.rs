//! Checks of secrets.

use crate::Check;

mod delivery_documented;
mod file_permissions;
mod none_committed;
mod none_in_build_args;
mod none_in_build_context;
mod none_in_compose;
mod none_in_image_env;
mod scanned_in_ci;

pub(super) static CHECKS: &[&Check] = &[
    &delivery_documented::CHECK,
    &file_permissions::CHECK,
    &none_committed::CHECK,
    &none_in_build_args::CHECK,
    &none_in_build_context::CHECK,
    &none_in_compose::CHECK,
    &none_in_image_env::CHECK,
    &scanned_in_ci::CHECK,
];
