//! Checks of what the repository says about its own audit.

use crate::Check;

mod acceptances_current;

pub(super) static CHECKS: &[&Check] = &[&acceptances_current::CHECK];
