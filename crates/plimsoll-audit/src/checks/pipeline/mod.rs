//! Checks of continuous integration.

use crate::Check;

mod workflow_runs;

pub(super) static CHECKS: &[&Check] = &[&workflow_runs::CHECK];
