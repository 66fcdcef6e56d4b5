//! Checks of what is reachable from where.

use crate::Check;

mod no_published_datastores;

pub(super) static CHECKS: &[&Check] = &[&no_published_datastores::CHECK];
