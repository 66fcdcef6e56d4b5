//! Checks of how images are built.

use crate::Check;

mod clears_package_cache;
mod context_exists;
mod copies_not_adds;
mod effective_dockerignore;
mod files_parse;
mod local_dependency_built;
mod local_dependency_resolves;
mod lockfile_enforced;
mod multi_stage;
mod no_dev_dependencies;
mod no_pipe_to_shell;
mod one_dockerfile_per_service;
mod reproducible_install;
mod respects_peer_dependencies;
mod ships_only_artifacts;
mod unmasked_steps;

pub(super) static CHECKS: &[&Check] = &[
    &clears_package_cache::CHECK,
    &context_exists::CHECK,
    &copies_not_adds::CHECK,
    &effective_dockerignore::CHECK,
    &files_parse::CHECK,
    &local_dependency_built::CHECK,
    &local_dependency_resolves::CHECK,
    &lockfile_enforced::CHECK,
    &multi_stage::CHECK,
    &no_dev_dependencies::CHECK,
    &no_pipe_to_shell::CHECK,
    &one_dockerfile_per_service::CHECK,
    &reproducible_install::CHECK,
    &respects_peer_dependencies::CHECK,
    &ships_only_artifacts::CHECK,
    &unmasked_steps::CHECK,
];
