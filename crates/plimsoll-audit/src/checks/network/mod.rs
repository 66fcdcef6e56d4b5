//! Checks of what is reachable from where.

use crate::Check;

mod database_tls_verified;
mod no_published_datastores;

pub(super) static CHECKS: &[&Check] =
    &[&database_tls_verified::CHECK, &no_published_datastores::CHECK];
