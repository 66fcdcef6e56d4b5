//! Checks of scans, bills of materials and signatures.

use crate::Check;

pub(super) static CHECKS: &[&Check] = &[];
