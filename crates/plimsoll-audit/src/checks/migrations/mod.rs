//! Checks of database migrations.

use crate::Check;

pub(super) static CHECKS: &[&Check] = &[];
