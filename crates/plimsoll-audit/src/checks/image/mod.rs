//! Checks of base images.

use crate::Check;

mod allowed_registry;
mod exact_version;
mod explicit_major;
mod minimal_base;
mod official_base;
mod pinned_digest;
mod pinned_version;
mod platform_agrees;
mod reference_resolves;

pub(super) use exact_version::is_exact;
pub(super) use pinned_version::{MOVING, first, is_release};

pub(super) static CHECKS: &[&Check] = &[
    &allowed_registry::CHECK,
    &exact_version::CHECK,
    &explicit_major::CHECK,
    &minimal_base::CHECK,
    &official_base::CHECK,
    &pinned_digest::CHECK,
    &pinned_version::CHECK,
    &platform_agrees::CHECK,
    &reference_resolves::CHECK,
];
