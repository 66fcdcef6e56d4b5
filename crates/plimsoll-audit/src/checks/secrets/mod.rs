//! Checks of secrets.

use crate::Check;

mod checkout_token_not_persisted;
mod context_not_dumped;
mod delivered_as_files;
mod delivery_documented;
mod file_permissions;
mod least_privilege_mounts;
mod none_committed;
mod none_in_build_args;
mod none_in_build_context;
mod none_in_ci;
mod none_in_commands_or_labels;
mod none_in_compose;
mod none_in_image_env;
mod none_on_command_lines;
mod not_inherited;
mod not_interpolated_in_scripts;
mod not_logged;
mod scanned_in_ci;

pub(super) static CHECKS: &[&Check] = &[
    &checkout_token_not_persisted::CHECK,
    &context_not_dumped::CHECK,
    &delivered_as_files::CHECK,
    &delivery_documented::CHECK,
    &file_permissions::CHECK,
    &least_privilege_mounts::CHECK,
    &none_committed::CHECK,
    &none_in_build_args::CHECK,
    &none_in_build_context::CHECK,
    &none_in_ci::CHECK,
    &none_in_commands_or_labels::CHECK,
    &none_in_compose::CHECK,
    &none_in_image_env::CHECK,
    &none_on_command_lines::CHECK,
    &not_inherited::CHECK,
    &not_interpolated_in_scripts::CHECK,
    &not_logged::CHECK,
    &scanned_in_ci::CHECK,
];
