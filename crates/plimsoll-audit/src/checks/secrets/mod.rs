//! Checks of secrets.

use crate::Check;

mod none_in_build_args;
mod none_in_build_context;
mod none_in_image_env;

pub(super) static CHECKS: &[&Check] =
    &[&none_in_build_args::CHECK, &none_in_build_context::CHECK, &none_in_image_env::CHECK];
