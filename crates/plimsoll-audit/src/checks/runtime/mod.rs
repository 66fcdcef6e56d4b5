//! Checks of how containers run.

use crate::Check;

mod apparmor_enabled;
mod bounded_logs;
mod capabilities_dropped;
mod default_cgroup;
mod exec_form_entrypoint;
mod explicit_uid_gid;
mod hardened;
mod immutable_code;
mod init_as_pid1;
mod named_volumes;
mod no_control_socket;
mod no_dangerous_capabilities;
mod no_host_devices;
mod no_host_ipc;
mod no_host_pid;
mod no_host_user_namespace;
mod no_host_uts;
mod no_joined_namespaces;
mod no_new_privileges;
mod no_privileged_hooks;
mod no_sensitive_host_mounts;
mod no_shared_writable_volumes;
mod no_suid_binaries;
mod no_writable_host_root;
mod non_root;
mod not_privileged;
mod one_shot_jobs_end;
mod only_required_ports;
mod oom_killable;
mod owned_by_user;
mod pids_limited;
mod private_mount_propagation;
mod production_mode;
mod propagates_exit_codes;
mod read_only_mounts;
mod read_only_rootfs;
mod replicas_not_blocked_by_name;
mod resource_limits;
mod restart_policy_set;
mod safe_sysctls;
mod seccomp_enabled;
mod selinux_enabled;
mod shutdown_configured;
mod stop_grace_period;
mod stops_gracefully;
mod system_paths_masked;
mod third_party_non_root;
mod tmpfs_restricted;
mod ulimits_bounded;
mod unique_container_names;
mod user_before_entrypoint;
mod valid_container_names;

pub(super) static CHECKS: &[&Check] = &[
    &apparmor_enabled::CHECK,
    &bounded_logs::CHECK,
    &capabilities_dropped::CHECK,
    &default_cgroup::CHECK,
    &exec_form_entrypoint::CHECK,
    &explicit_uid_gid::CHECK,
    &hardened::CHECK,
    &immutable_code::CHECK,
    &init_as_pid1::CHECK,
    &named_volumes::CHECK,
    &no_control_socket::CHECK,
    &no_dangerous_capabilities::CHECK,
    &no_host_devices::CHECK,
    &no_host_ipc::CHECK,
    &no_host_pid::CHECK,
    &no_host_user_namespace::CHECK,
    &no_host_uts::CHECK,
    &no_joined_namespaces::CHECK,
    &no_new_privileges::CHECK,
    &no_privileged_hooks::CHECK,
    &no_sensitive_host_mounts::CHECK,
    &no_shared_writable_volumes::CHECK,
    &no_suid_binaries::CHECK,
    &no_writable_host_root::CHECK,
    &non_root::CHECK,
    &not_privileged::CHECK,
    &one_shot_jobs_end::CHECK,
    &only_required_ports::CHECK,
    &oom_killable::CHECK,
    &owned_by_user::CHECK,
    &pids_limited::CHECK,
    &private_mount_propagation::CHECK,
    &production_mode::CHECK,
    &propagates_exit_codes::CHECK,
    &read_only_mounts::CHECK,
    &read_only_rootfs::CHECK,
    &replicas_not_blocked_by_name::CHECK,
    &resource_limits::CHECK,
    &restart_policy_set::CHECK,
    &safe_sysctls::CHECK,
    &seccomp_enabled::CHECK,
    &selinux_enabled::CHECK,
    &shutdown_configured::CHECK,
    &stop_grace_period::CHECK,
    &stops_gracefully::CHECK,
    &system_paths_masked::CHECK,
    &third_party_non_root::CHECK,
    &tmpfs_restricted::CHECK,
    &ulimits_bounded::CHECK,
    &unique_container_names::CHECK,
    &user_before_entrypoint::CHECK,
    &valid_container_names::CHECK,
];
