//! Checks of how containers run.

use crate::Check;

mod exec_form_entrypoint;
mod explicit_uid_gid;
mod hardened;
mod immutable_code;
mod init_as_pid1;
mod no_suid_binaries;
mod non_root;
mod only_required_ports;
mod owned_by_user;
mod production_mode;
mod propagates_exit_codes;
mod read_only_mounts;
mod read_only_rootfs;
mod resource_limits;
mod stop_grace_period;
mod stops_gracefully;
mod user_before_entrypoint;

pub(super) static CHECKS: &[&Check] = &[
    &exec_form_entrypoint::CHECK,
    &explicit_uid_gid::CHECK,
    &hardened::CHECK,
    &immutable_code::CHECK,
    &init_as_pid1::CHECK,
    &no_suid_binaries::CHECK,
    &non_root::CHECK,
    &only_required_ports::CHECK,
    &owned_by_user::CHECK,
    &production_mode::CHECK,
    &propagates_exit_codes::CHECK,
    &read_only_mounts::CHECK,
    &read_only_rootfs::CHECK,
    &resource_limits::CHECK,
    &stop_grace_period::CHECK,
    &stops_gracefully::CHECK,
    &user_before_entrypoint::CHECK,
];
