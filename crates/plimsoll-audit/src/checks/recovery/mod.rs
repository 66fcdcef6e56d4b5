//! Checks of backups and of the way back to data.

use crate::Check;

mod durable_datastore_volumes;

pub(super) static CHECKS: &[&Check] = &[&durable_datastore_volumes::CHECK];
