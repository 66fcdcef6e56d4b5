//! Checks of continuous integration.

use crate::Check;

mod coverage_gate_effective;
mod workflow_runs;

pub(super) static CHECKS: &[&Check] = &[&coverage_gate_effective::CHECK, &workflow_runs::CHECK];
