//! Checks of releases and of the way back.

use crate::Check;

mod canary_weighted;
mod deploy_script_deploys;
mod immutable_images;
mod required_dependencies_declared;
mod required_environment_declared;
mod rollback_documented;

pub(super) static CHECKS: &[&Check] = &[
    &canary_weighted::CHECK,
    &deploy_script_deploys::CHECK,
    &immutable_images::CHECK,
    &required_dependencies_declared::CHECK,
    &required_environment_declared::CHECK,
    &rollback_documented::CHECK,
];
