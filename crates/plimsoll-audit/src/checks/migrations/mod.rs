//! Checks of database migrations.

use crate::Check;

mod backup_before_migrate;
mod can_roll_back;
mod failure_stops_start;
mod included;
mod rollback_keeps_data;
mod run_before_start;
mod run_once;

pub(super) static CHECKS: &[&Check] = &[
    &backup_before_migrate::CHECK,
    &can_roll_back::CHECK,
    &failure_stops_start::CHECK,
    &included::CHECK,
    &rollback_keeps_data::CHECK,
    &run_before_start::CHECK,
    &run_once::CHECK,
];
