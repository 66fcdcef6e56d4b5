//! Checks of shell scripts.

use crate::Check;

mod deletes_guarded_paths;
mod errexit_safe_arithmetic;
mod exit_status_kept;
mod fail_fast;
mod failures_not_swallowed;
mod independent_of_cwd;
mod no_assumed_project_name;
mod no_dead_error_branch;
mod no_state_lost_in_subshell;
mod no_unbound_variables;
mod one_stdin;
mod pipefail;
mod remote_heredocs_quoted;
mod waits_bounded;

pub(super) static CHECKS: &[&Check] = &[
    &deletes_guarded_paths::CHECK,
    &errexit_safe_arithmetic::CHECK,
    &exit_status_kept::CHECK,
    &fail_fast::CHECK,
    &failures_not_swallowed::CHECK,
    &independent_of_cwd::CHECK,
    &no_assumed_project_name::CHECK,
    &no_dead_error_branch::CHECK,
    &no_state_lost_in_subshell::CHECK,
    &no_unbound_variables::CHECK,
    &one_stdin::CHECK,
    &pipefail::CHECK,
    &remote_heredocs_quoted::CHECK,
    &waits_bounded::CHECK,
];
