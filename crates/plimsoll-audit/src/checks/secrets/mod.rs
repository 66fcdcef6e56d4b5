//! Checks of secrets.

use crate::Check;

pub(super) static CHECKS: &[&Check] = &[];
