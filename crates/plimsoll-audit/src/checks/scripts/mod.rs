//! Checks of shell scripts.

use crate::Check;

mod arguments_validated;
mod artifacts_private;
mod cd_checked;
mod cleans_up;
mod deletes_guarded_paths;
mod destructive_commands_guarded;
mod env_files_sourced_safely;
mod environment_guarded;
mod errexit_safe_arithmetic;
mod exit_status_kept;
mod expansions_quoted;
mod fail_fast;
mod failures_not_swallowed;
mod failures_notified;
mod http_failures_detected;
mod idempotent;
mod independent_of_cwd;
mod names_match_deployment;
mod network_timeouts;
mod no_assumed_project_name;
mod no_dead_error_branch;
mod no_interpolated_code;
mod no_state_lost_in_subshell;
mod no_unbound_variables;
mod one_stdin;
mod pipefail;
mod remote_heredocs_quoted;
mod temp_files_unpredictable;
mod traps_sound;
mod waits_bounded;

pub(crate) use names_match_deployment::services;

pub(super) static CHECKS: &[&Check] = &[
    &arguments_validated::CHECK,
    &artifacts_private::CHECK,
    &cd_checked::CHECK,
    &cleans_up::CHECK,
    &deletes_guarded_paths::CHECK,
    &destructive_commands_guarded::CHECK,
    &env_files_sourced_safely::CHECK,
    &environment_guarded::CHECK,
    &errexit_safe_arithmetic::CHECK,
    &exit_status_kept::CHECK,
    &expansions_quoted::CHECK,
    &fail_fast::CHECK,
    &failures_not_swallowed::CHECK,
    &failures_notified::CHECK,
    &http_failures_detected::CHECK,
    &idempotent::CHECK,
    &independent_of_cwd::CHECK,
    &names_match_deployment::CHECK,
    &network_timeouts::CHECK,
    &no_assumed_project_name::CHECK,
    &no_dead_error_branch::CHECK,
    &no_interpolated_code::CHECK,
    &no_state_lost_in_subshell::CHECK,
    &no_unbound_variables::CHECK,
    &one_stdin::CHECK,
    &pipefail::CHECK,
    &remote_heredocs_quoted::CHECK,
    &temp_files_unpredictable::CHECK,
    &traps_sound::CHECK,
    &waits_bounded::CHECK,
];
