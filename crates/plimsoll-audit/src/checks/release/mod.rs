//! Checks of releases and of the way back.

use crate::Check;

mod deploy_script_deploys;
mod immutable_images;
mod rollback_documented;

pub(super) static CHECKS: &[&Check] =
    &[&deploy_script_deploys::CHECK, &immutable_images::CHECK, &rollback_documented::CHECK];
