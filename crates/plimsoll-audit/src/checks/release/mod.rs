//! Checks of releases and of the way back.

use crate::Check;

mod blue_green;
mod canary_after_health;
mod canary_own_tag;
mod canary_weighted;
mod compose_references_defined;
mod compose_schema_valid;
mod compose_variables_defined;
mod deploy_script_deploys;
mod deploys_what_ci_builds;
mod gate_on_readiness;
mod image_source_unambiguous;
mod images_published;
mod immutable_images;
mod immutable_tags;
mod no_build_on_deploy;
mod no_dependency_cycles;
mod no_destructive_clean;
mod no_destructive_git;
mod no_ignored_deploy_keys;
mod no_obsolete_compose_version;
mod no_source_mounts;
mod one_deploy_at_a_time;
mod overrides_keep_hardening;
mod prebuilt_images;
mod project_name_set;
mod proxy_survives_bad_reload;
mod required_dependencies_declared;
mod required_environment_declared;
mod rollback_checks_target_schema;
mod rollback_documented;
mod rollback_path_exists;
mod rollback_to_previous;
mod rollback_uses_recorded_digest;
mod runbook_agrees_with_scripts;
mod runbook_paths_exist;
mod smoke_asserts;
mod smoke_parameterised;
mod swarm_updates_roll_back;
mod untracked_runtime_state;
mod whole_service_set_switched;
mod zero_downtime;

pub(crate) use gate_on_readiness::{gates, readiness};

pub(super) static CHECKS: &[&Check] = &[
    &blue_green::CHECK,
    &canary_after_health::CHECK,
    &canary_own_tag::CHECK,
    &canary_weighted::CHECK,
    &compose_references_defined::CHECK,
    &compose_schema_valid::CHECK,
    &compose_variables_defined::CHECK,
    &deploy_script_deploys::CHECK,
    &deploys_what_ci_builds::CHECK,
    &gate_on_readiness::CHECK,
    &image_source_unambiguous::CHECK,
    &images_published::CHECK,
    &immutable_images::CHECK,
    &immutable_tags::CHECK,
    &no_build_on_deploy::CHECK,
    &no_dependency_cycles::CHECK,
    &no_destructive_clean::CHECK,
    &no_destructive_git::CHECK,
    &no_ignored_deploy_keys::CHECK,
    &no_obsolete_compose_version::CHECK,
    &no_source_mounts::CHECK,
    &one_deploy_at_a_time::CHECK,
    &overrides_keep_hardening::CHECK,
    &prebuilt_images::CHECK,
    &project_name_set::CHECK,
    &proxy_survives_bad_reload::CHECK,
    &required_dependencies_declared::CHECK,
    &required_environment_declared::CHECK,
    &rollback_checks_target_schema::CHECK,
    &rollback_documented::CHECK,
    &rollback_path_exists::CHECK,
    &rollback_to_previous::CHECK,
    &rollback_uses_recorded_digest::CHECK,
    &runbook_agrees_with_scripts::CHECK,
    &runbook_paths_exist::CHECK,
    &smoke_asserts::CHECK,
    &smoke_parameterised::CHECK,
    &swarm_updates_roll_back::CHECK,
    &untracked_runtime_state::CHECK,
    &whole_service_set_switched::CHECK,
    &zero_downtime::CHECK,
];
