//! From files to facts: which files are read, by which reader, and in what order.

mod cx;
mod document;
mod image;
mod link;
mod migration;
mod package;
mod purpose;
mod run;
mod secret;
mod service;
mod unsupported;

use plimsoll_source::Tree;

use crate::Delivery;
use cx::Cx;
pub(crate) use image::absolute;

/// What the user says about the repository (`plimsoll.toml`) that changes what is read out of it.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// Registries (and namespaces in them) whose images are trusted: `registry.example/team`.
    pub registries: Vec<String>,
}

/// Reads a tree into its model of delivery.
#[must_use]
pub fn lower(tree: &Tree, hints: &Hints) -> Delivery {
    let cx = Cx::new(tree, hints);
    let mut containers = Vec::new();
    let images = link::images(&cx, image::read(&cx), link::compose_calls(&containers));
    link::containers(&images, &mut containers);
    let packages = package::read(&cx);
    let mut delivery = Delivery {
        tree: tree.clone(),
        images,
        projects: Vec::new(),
        containers,
        migrations: migration::read(&cx, &packages),
        packages,
        pipelines: Vec::new(),
        programs: Vec::new(),
        documents: document::read(&cx),
        secrets: secret::read(&cx),
        services: Vec::new(),
        unsupported: unsupported::read(&cx),
        problems: Vec::new(),
        read: Vec::new(),
    };
    delivery.services = service::read(&delivery);
    cx.finish(delivery)
}
