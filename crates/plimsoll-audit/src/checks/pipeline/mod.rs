//! Checks of continuous integration.

use crate::Check;

pub(super) static CHECKS: &[&Check] = &[];
