//! The registry: a plain list of every check, an area a folder.

use std::sync::LazyLock;

use crate::Check;

mod build;
mod health;
mod image;
mod migrations;
mod network;
mod packages;
pub(crate) mod pipeline;
mod policy;
mod recovery;
mod release;
mod runtime;
mod scripts;
mod secrets;
mod supply;

pub(crate) use release::{gates, readiness};
pub(crate) use scripts::services;

/// Every check, sorted by id.
#[must_use]
pub fn all() -> Vec<&'static Check> {
    static ALL: LazyLock<Vec<&'static Check>> = LazyLock::new(|| {
        let areas = [
            build::CHECKS,
            health::CHECKS,
            image::CHECKS,
            migrations::CHECKS,
            network::CHECKS,
            packages::CHECKS,
            pipeline::CHECKS,
            policy::CHECKS,
            recovery::CHECKS,
            release::CHECKS,
            runtime::CHECKS,
            scripts::CHECKS,
            secrets::CHECKS,
            supply::CHECKS,
        ];
        let mut all = areas.concat();
        all.sort_by_key(|check| check.id);
        all
    });
    ALL.clone()
}
