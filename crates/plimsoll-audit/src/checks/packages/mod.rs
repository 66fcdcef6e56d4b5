//! Checks of manifests, their scripts and their dependencies.

use crate::Check;

pub(super) static CHECKS: &[&Check] = &[];
