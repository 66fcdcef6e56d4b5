//! Checks of continuous integration.

use crate::Check;

mod actor_checks_unspoofable;
mod artifacts_trusted;
mod built_once;
mod conditions_can_be_false;
mod configs_validated;
mod containers_isolated;
mod contains_uses_arrays;
mod coverage_gate_effective;
mod covers_service;
mod environment_files_untainted;
mod events_valid;
mod expressions_valid;
mod gates_fail_closed;
mod gitlab_variables_quoted;
mod globs_valid;
mod ids_unique;
mod inputs_not_expanded;
mod job_dependencies_valid;
mod least_privilege_and_timeouts;
mod no_dangerous_triggers;
mod no_debug_tracing;
mod no_deprecated_commands;
mod no_docker_in_docker;
mod no_inert_workflows;
mod no_insecure_commands;
mod no_untrusted_checkout;
mod no_untrusted_expressions;
mod permissions_valid;
mod release_cache_isolated;
mod schema_valid;
mod self_hosted_not_for_forks;
mod shells_known;
mod ssh_host_keys_verified;
mod tests_real_database;
mod tls_verified;
mod verified_installers;
mod workflow_runs;

pub(crate) use configs_validated::configs;

pub(super) static CHECKS: &[&Check] = &[
    &actor_checks_unspoofable::CHECK,
    &artifacts_trusted::CHECK,
    &built_once::CHECK,
    &conditions_can_be_false::CHECK,
    &configs_validated::CHECK,
    &containers_isolated::CHECK,
    &contains_uses_arrays::CHECK,
    &coverage_gate_effective::CHECK,
    &covers_service::CHECK,
    &environment_files_untainted::CHECK,
    &events_valid::CHECK,
    &expressions_valid::CHECK,
    &gates_fail_closed::CHECK,
    &gitlab_variables_quoted::CHECK,
    &globs_valid::CHECK,
    &ids_unique::CHECK,
    &inputs_not_expanded::CHECK,
    &job_dependencies_valid::CHECK,
    &least_privilege_and_timeouts::CHECK,
    &no_dangerous_triggers::CHECK,
    &no_debug_tracing::CHECK,
    &no_deprecated_commands::CHECK,
    &no_docker_in_docker::CHECK,
    &no_inert_workflows::CHECK,
    &no_insecure_commands::CHECK,
    &no_untrusted_checkout::CHECK,
    &no_untrusted_expressions::CHECK,
    &permissions_valid::CHECK,
    &release_cache_isolated::CHECK,
    &schema_valid::CHECK,
    &self_hosted_not_for_forks::CHECK,
    &shells_known::CHECK,
    &ssh_host_keys_verified::CHECK,
    &tests_real_database::CHECK,
    &tls_verified::CHECK,
    &verified_installers::CHECK,
    &workflow_runs::CHECK,
];
