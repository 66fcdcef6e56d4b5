//! Checks of backups and of the way back to data.

use crate::Check;

mod atomic_backup;
mod backup_checksummed;
mod backup_consistent;
mod backup_encrypted;
mod backup_retention;
mod backup_verified;
mod backups_not_in_app;
mod drill_can_succeed;
mod durable_datastore_volumes;
mod offsite_backup;
mod pitr_keeps_wal;
mod restore_counterpart_exists;
mod restore_guarded;
mod restore_stops_on_error;
mod restore_terminates_connections;
mod restore_tested;
mod restore_validates_first;
mod retention_narrow;
mod scripts_exercised;
mod sync_scheduled;
mod sync_target_is_remote;
mod volumes_backed_up;
mod wal_archive_safe;

pub(super) static CHECKS: &[&Check] = &[
    &atomic_backup::CHECK,
    &backup_checksummed::CHECK,
    &backup_consistent::CHECK,
    &backup_encrypted::CHECK,
    &backup_retention::CHECK,
    &backup_verified::CHECK,
    &backups_not_in_app::CHECK,
    &drill_can_succeed::CHECK,
    &durable_datastore_volumes::CHECK,
    &offsite_backup::CHECK,
    &pitr_keeps_wal::CHECK,
    &restore_counterpart_exists::CHECK,
    &restore_guarded::CHECK,
    &restore_stops_on_error::CHECK,
    &restore_terminates_connections::CHECK,
    &restore_tested::CHECK,
    &restore_validates_first::CHECK,
    &retention_narrow::CHECK,
    &scripts_exercised::CHECK,
    &sync_scheduled::CHECK,
    &sync_target_is_remote::CHECK,
    &volumes_backed_up::CHECK,
    &wal_archive_safe::CHECK,
];
