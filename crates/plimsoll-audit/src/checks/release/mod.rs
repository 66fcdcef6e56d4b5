//! Checks of releases and of the way back.

use crate::Check;

pub(super) static CHECKS: &[&Check] = &[];
