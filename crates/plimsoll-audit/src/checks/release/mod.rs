//! Checks of releases and of the way back.

use crate::Check;

mod immutable_images;
mod rollback_documented;

pub(super) static CHECKS: &[&Check] = &[&immutable_images::CHECK, &rollback_documented::CHECK];
