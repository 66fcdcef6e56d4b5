//! Checks of continuous integration.

use crate::Check;

mod coverage_gate_effective;
mod covers_service;
mod workflow_runs;

pub(super) static CHECKS: &[&Check] =
    &[&coverage_gate_effective::CHECK, &covers_service::CHECK, &workflow_runs::CHECK];
