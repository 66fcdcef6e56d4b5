//! Checks of health checks and of what waits for them.

use crate::Check;

mod awaited_checks_exist;
mod check_defined;
mod check_not_disabled;
mod dependencies_awaited;
mod endpoint_exists;
mod gates_deployment;
mod interval;
mod readiness_probed;
mod retries;
mod start_period;
mod timeout;

pub(super) static CHECKS: &[&Check] = &[
    &awaited_checks_exist::CHECK,
    &check_defined::CHECK,
    &check_not_disabled::CHECK,
    &dependencies_awaited::CHECK,
    &endpoint_exists::CHECK,
    &gates_deployment::CHECK,
    &interval::CHECK,
    &readiness_probed::CHECK,
    &retries::CHECK,
    &start_period::CHECK,
    &timeout::CHECK,
];
