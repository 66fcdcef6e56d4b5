//! From files to facts: which files are read, by which reader, and in what order.

mod calls;
mod compose;
mod cx;
mod docker_cli;
mod document;
mod image;
mod kubernetes;
mod link;
mod makefile;
mod migration;
mod package;
mod pipeline;
mod program;
mod purpose;
mod reach;
mod roles;
mod run;
mod secret;
mod service;
mod unsupported;

use plimsoll_source::Tree;

use crate::Delivery;
use crate::container::Container;
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
pub fn lower(tree: &Tree) -> Delivery {
    let cx = Cx::new(tree);
    let (projects, mut containers) = compose::read(&cx);
    containers.extend(kubernetes::read(&cx));
    containers.sort_by_key(|container| (container.file, container.span));
    let packages = package::read(&cx);
    let mut programs = program::read(&cx);
    programs.extend(program::of_packages(&cx, &packages));
    programs.sort_by_key(|program| (program.file, program.text.whole()));
    let pipelines = pipeline::read(&cx);
    let mut builds = link::compose_calls(&containers);
    builds.extend(docker_cli::builds(&cx, &pipelines, &programs));
    let mut images = image::read(&cx);
    images.extend(compose::inline_images(&cx, &containers));
    let images = link::images(&cx, images, builds);
    link::containers(&images, &mut containers);
    let mut secrets = secret::read(&cx);
    secrets.mask_values(containers.iter().flat_map(Container::written));
    let mut delivery = Delivery {
        tree: tree.clone(),
        built: crate::built::Built::of(&images, &containers),
        images,
        projects,
        containers,
        migrations: migration::read(&cx, &packages),
        packages,
        pipelines,
        programs,
        documents: document::read(&cx),
        secrets,
        services: Vec::new(),
        unsupported: unsupported::read(&cx),
        problems: Vec::new(),
        read: Vec::new(),
    };
    delivery.services = service::read(&delivery);
    cx.finish(delivery)
}
