//! Checks of shell scripts.

use crate::Check;

mod no_dead_error_branch;

pub(super) static CHECKS: &[&Check] = &[&no_dead_error_branch::CHECK];
