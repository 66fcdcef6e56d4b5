//! Checks of releases and of the way back.

use crate::Check;

mod rollback_documented;

pub(super) static CHECKS: &[&Check] = &[&rollback_documented::CHECK];
