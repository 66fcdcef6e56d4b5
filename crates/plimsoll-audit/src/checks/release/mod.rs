//! Checks of releases and of the way back.

use crate::Check;

mod canary_weighted;
mod compose_references_defined;
mod deploy_script_deploys;
mod image_source_unambiguous;
mod immutable_images;
mod no_dependency_cycles;
mod no_ignored_deploy_keys;
mod no_obsolete_compose_version;
mod no_source_mounts;
mod required_dependencies_declared;
mod required_environment_declared;
mod rollback_documented;
mod swarm_updates_roll_back;

pub(super) static CHECKS: &[&Check] = &[
    &canary_weighted::CHECK,
    &compose_references_defined::CHECK,
    &deploy_script_deploys::CHECK,
    &image_source_unambiguous::CHECK,
    &immutable_images::CHECK,
    &no_dependency_cycles::CHECK,
    &no_ignored_deploy_keys::CHECK,
    &no_obsolete_compose_version::CHECK,
    &no_source_mounts::CHECK,
    &required_dependencies_declared::CHECK,
    &required_environment_declared::CHECK,
    &rollback_documented::CHECK,
    &swarm_updates_roll_back::CHECK,
];
