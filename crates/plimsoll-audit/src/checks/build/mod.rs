//! Checks of how images are built.

use crate::Check;

pub(super) static CHECKS: &[&Check] = &[];
