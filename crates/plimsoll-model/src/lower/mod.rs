//! From files to facts: which files are read, by which reader, and in what order.

mod bake;
mod calls;
pub(crate) mod code;
mod compose;
mod cx;
mod docker_cli;
mod document;
mod given;
mod image;
mod keys;
mod kubernetes;
mod kustomize;
mod link;
mod makefile;
mod migration;
mod owners;
mod package;
mod pipeline;
mod program;
mod proxy;
mod purpose;
mod reach;
mod roles;
mod run;
mod secret;
mod service;
mod skaffold;
mod started;
mod unsupported;
mod uses;

pub(crate) use calls::{of_build as flow_of_build, run_image};

use std::collections::BTreeMap;

use plimsoll_source::Tree;
use rayon::prelude::*;

use crate::container::{Container, ContainerKind};
use crate::entrypoint::{self, Startup};
use crate::service::Service;
use crate::{ContainerId, Delivery, ImageId};
use cx::Cx;
pub(crate) use image::{absolute, is_dockerfile_name};
pub(crate) use proxy::server_of_name;
pub(crate) use purpose::of_path as purpose_of;
pub(crate) use run::{is_build, is_build_script};
pub(crate) use service::touches;

/// What the user says about the repository (`plimsoll.toml`) that changes what is read out of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// What is said of services; of two that speak of one, the later one's word counts.
    pub services: Vec<ServiceHint>,
}

/// What the user knows of a service and the tree does not say. Paths are relative to the root.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceHint {
    /// The service of this name.
    pub name: Option<String>,
    /// The service of this directory.
    pub dir: Option<String>,
    /// The build context of Dockerfiles in that directory, where nothing in the tree names one.
    pub context: Option<String>,
    /// What it listens on.
    pub ports: Vec<u16>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is for.
    pub purpose: Option<crate::purpose::PurposeKind>,
}

impl ServiceHint {
    /// Whether it speaks of a service.
    #[must_use]
    pub fn is_about(&self, service: &crate::service::Service) -> bool {
        self.name.as_ref().is_none_or(|name| *name == service.name)
            && self.dir.as_ref().is_none_or(|dir| *dir == service.dir)
    }
}

/// Reads a tree into its model of delivery.
#[must_use]
pub fn lower(tree: &Tree) -> Delivery {
    lower_with(tree, &Hints::default())
}

/// The same, with what the user knows of it.
#[must_use]
pub fn lower_with(tree: &Tree, hints: &Hints) -> Delivery {
    let cx = Cx::new(tree);
    let packages = fitted(package::read(&cx));
    let mut programs = program::read(&cx);
    programs.extend(program::of_packages(&cx, &packages));
    programs.sort_by_key(|program| (program.file, program.text.whole()));
    let programs = fitted(programs);
    let (mut projects, mut containers) = compose::read(&cx, &programs);
    containers.extend(kubernetes::read(&cx));
    // By their keys alone first: each is moved once.
    containers.sort_by_cached_key(|container| (container.file, container.span));
    for (id, container) in (0u32..).map(ContainerId).zip(&containers) {
        if let ContainerKind::Compose { project } = container.kind
            && let Some(project) = projects.get_mut(project)
        {
            project.containers.push(id);
        }
    }
    given::read(&cx, &mut containers);
    let mut containers = fitted(containers);
    let mut pipelines = fitted(pipeline::read(&cx));
    let jobs = pipelines.iter_mut().flat_map(|pipeline| &mut pipeline.jobs);
    for (_, script) in jobs.flat_map(|job| &mut job.steps).filter_map(|step| step.run.as_mut()) {
        cx.once(script);
    }
    let mut builds = link::compose_calls(&cx, &containers);
    builds.extend(docker_cli::builds(&cx, &pipelines, &programs));
    builds.extend(bake::builds(&cx));
    builds.extend(skaffold::builds(&cx));
    let mut images = image::read(&cx);
    images.extend(compose::inline_images(&cx, &containers));
    let mut images = fitted(link::images(&cx, images, builds, hints));
    link::containers(&cx, &images, &mut containers);
    kustomize::write_images(&cx, &mut containers);
    kustomize::open_patched(&cx, &mut containers);
    link::stores_of_developers(tree, &images, &mut containers);
    let built = crate::built::Built::of(tree, &images, &containers, &skaffold::named(&cx));
    image::start_from_ours(&mut images, &built);
    package::build_by_scripts(&mut images, &packages);
    link::named(&cx, &images, &mut containers);
    let proxies = proxy::read(&cx, &containers, &images);
    let mut secrets = secret::read(&cx);
    secrets.mask_values(containers.par_iter().flat_map_iter(Container::written));
    secret::of_programs(&mut secrets, &programs);
    secret::of_env_files(&cx, &mut secrets, &containers);
    secret::stores::read(&cx, &mut secrets, &containers);
    secrets.mask(pipelines.iter().flat_map(|p| p.secrets.iter().map(|secret| secret.span)));
    let uses = uses::read(&cx, &programs, &pipelines, &containers, &images);
    let mut delivery = Delivery {
        tree: tree.clone(),
        built,
        images,
        projects,
        containers,
        migrations: migration::read(&cx, &packages, &programs),
        processes: program::processes(&cx, &packages),
        packages,
        pipelines,
        programs,
        proxies,
        documents: document::read(&cx),
        uses,
        secrets,
        services: Vec::new(),
        of_no_service: Vec::new(),
        startups: BTreeMap::new(),
        unsupported: unsupported::read(&cx),
        problems: Vec::new(),
        read: Vec::new(),
    };
    delivery.services = service::read(&delivery);
    let owners = owners::read(&cx);
    for service in &mut delivery.services {
        let path = delivery.tree.path(service.place.file);
        service.owner = owners.as_ref().and_then(|owners| owners.of(path)).map(str::to_owned);
    }
    for service in &mut delivery.services {
        for hint in &hints.services {
            if hint.is_about(service) {
                service::heed(service, hint);
            }
        }
    }
    delivery.of_no_service = service::others(&delivery);
    delivery.startups = startups(&cx, &delivery);
    let codes = fitted(code::read(&cx, &delivery));
    for (service, (code, by)) in delivery.services.iter_mut().zip(codes) {
        (service.code, service.programs_by) = (code, by);
    }
    cx.finish(delivery)
}

/// What is put together piece by piece has room to spare in each of its lists; a copy has none. A model
/// lives as long as its run.
fn fitted<T: Clone + Send + Sync>(mut made: Vec<T>) -> Vec<T> {
    made.par_iter_mut().for_each(|one| *one = one.clone());
    made.shrink_to_fit();
    made
}

/// Followed once here: many questions are about the same start.
fn startups(cx: &Cx<'_>, delivery: &Delivery) -> BTreeMap<(ImageId, Option<ContainerId>), Startup> {
    let of_service = |service: &Service| {
        let package = service.package.map(|id| &delivery[id]);
        let images = service.images.iter().chain(&service.other_images);
        let alone = images.map(|&image| (image, None));
        let containers = service.containers.iter().chain(&service.other_containers);
        let run = containers.filter_map(|&id| Some((delivery[id].image_id?, Some(id))));
        let ways: Vec<_> = alone.chain(run).collect();
        let follow = |(image, container): (ImageId, Option<ContainerId>)| {
            let runs = container.map(|id| &delivery[id]);
            let mut startup = entrypoint::startup(delivery, &delivery[image], runs, package)?;
            if let Some(entry) = &mut startup.script {
                cx.once(&mut entry.script);
            }
            Some(((image, container), startup.clone()))
        };
        ways.into_iter().filter_map(follow).collect::<Vec<_>>()
    };
    delivery.services.par_iter().flat_map_iter(of_service).collect()
}
