//! Checks of how containers run.

use crate::Check;

pub(super) static CHECKS: &[&Check] = &[];
