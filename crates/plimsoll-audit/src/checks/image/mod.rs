//! Checks of base images.

use crate::Check;

mod pinned_digest;

pub(super) static CHECKS: &[&Check] = &[&pinned_digest::CHECK];
