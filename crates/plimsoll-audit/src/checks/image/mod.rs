//! Checks of base images.

use crate::Check;

mod explicit_major;
mod minimal_base;
mod official_base;
mod pinned_digest;
mod pinned_version;

pub(super) static CHECKS: &[&Check] = &[
    &explicit_major::CHECK,
    &minimal_base::CHECK,
    &official_base::CHECK,
    &pinned_digest::CHECK,
    &pinned_version::CHECK,
];
