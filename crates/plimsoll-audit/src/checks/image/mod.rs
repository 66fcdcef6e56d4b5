//! Checks of base images.

use crate::Check;

pub(super) static CHECKS: &[&Check] = &[];
