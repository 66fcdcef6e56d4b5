//! Checks of database migrations.

use crate::Check;

mod can_roll_back;
mod failure_stops_start;
mod included;
mod run_before_start;

pub(super) static CHECKS: &[&Check] = &[
    &can_roll_back::CHECK,
    &failure_stops_start::CHECK,
    &included::CHECK,
    &run_before_start::CHECK,
];
