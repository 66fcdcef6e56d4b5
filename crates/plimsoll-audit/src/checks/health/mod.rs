//! Checks of health checks and of what waits for them.

use crate::Check;

pub(super) static CHECKS: &[&Check] = &[];
