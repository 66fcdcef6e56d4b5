//! The whole model: typed arenas, and links by index.

use std::collections::BTreeMap;

use plimsoll_source::{FileId, Span, Tree};

use crate::built::Built;
use crate::container::{Container, Project};
use crate::document::Document;
use crate::entrypoint::Startup;
use crate::image::Image;
use crate::migration::Migrations;
use crate::package::Package;
use crate::pipeline::Pipeline;
use crate::proxy::Proxy;
use crate::script::{Process, Program};
use crate::secret::Secrets;
use crate::service::Service;
use crate::uses::Uses;

macro_rules! ids {
    ($($name:ident => $field:ident: $item:ty),* $(,)?) => {$(
        #[doc = concat!("Index of a [`", stringify!($item), "`] in its [`Delivery`].")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl std::ops::Index<$name> for Delivery {
            type Output = $item;
            fn index(&self, id: $name) -> &$item {
                &self.$field[id.0 as usize]
            }
        }
    )*};
}

ids! {
    ImageId => images: Image,
    ContainerId => containers: Container,
    PackageId => packages: Package,
    MigrationsId => migrations: Migrations,
    PipelineId => pipelines: Pipeline,
    ProgramId => programs: Program,
    DocumentId => documents: Document,
    ServiceId => services: Service,
}

/// What a tree builds and runs.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The tree it was read from.
    pub tree: Tree,
    /// Images, in path order.
    pub images: Vec<Image>,
    /// What their names are.
    pub built: Built,
    /// Compose projects.
    pub projects: Vec<Project>,
    /// Containers, in (file, place) order.
    pub containers: Vec<Container>,
    /// Packages, in path order.
    pub packages: Vec<Package>,
    /// Migrations, in path order.
    pub migrations: Vec<Migrations>,
    /// Pipelines, in path order.
    pub pipelines: Vec<Pipeline>,
    /// Scripts and Makefile targets, in (file, place) order.
    pub programs: Vec<Program>,
    /// What process managers start, in (file, place) order.
    pub processes: Vec<Process>,
    /// Configurations of reverse proxies, in path order.
    pub proxies: Vec<Proxy>,
    /// Documents, in path order.
    pub documents: Vec<Document>,
    /// Where scripts are named.
    pub uses: Uses,
    /// Secrets.
    pub secrets: Secrets,
    /// Services, in path order.
    pub services: Vec<Service>,
    /// Production containers that belong to no service: those of others' images.
    pub of_no_service: Vec<ContainerId>,
    /// What starts in the services' images, alone and in each container that runs one.
    pub startups: BTreeMap<(ImageId, Option<ContainerId>), Startup>,
    /// Descriptors in formats that are not read.
    pub unsupported: Vec<Unsupported>,
    /// Delivery files that do not parse, with places.
    pub problems: Vec<Problem>,
    /// Files that were opened: what the report's digest covers.
    pub read: Vec<FileId>,
}

/// A delivery file in a format that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The file.
    pub file: FileId,
    /// The format.
    pub kind: UnsupportedKind,
}

/// Formats that are met and not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of the formats")]
pub enum UnsupportedKind {
    Helm,
    Kustomize,
    Terraform,
    Jenkins,
    CircleCi,
    AzurePipelines,
    Buildkite,
    Drone,
    Travis,
    Bitbucket,
    CloudBuild,
    CodeBuild,
    AppVeyor,
    Woodpecker,
    Semaphore,
    CirrusCi,
    Skaffold,
    Nomad,
}

/// A delivery file that does not parse, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where; the file's start when it cannot be read.
    pub span: Span,
    /// What is wrong, in words for the user.
    pub message: String,
    /// What kind of file it is: `Dockerfile`, `compose file`.
    pub what: &'static str,
}

impl Delivery {
    /// What starts in an image of a service, in the container that runs it or, without one, by
    /// itself; `None` where nothing is said to start.
    #[must_use]
    pub fn startup(&self, image: ImageId, container: Option<ContainerId>) -> Option<&Startup> {
        self.startups.get(&(image, container))
    }

    /// The package of Node whose manifest stands in a directory.
    #[must_use]
    pub fn node_package(&self, dir: &str) -> Option<&Package> {
        let file = self.tree.find(&crate::path::join(dir, "package.json")?)?;
        self.package_of(file)
    }

    /// The package of a manifest.
    #[must_use]
    pub fn package_of(&self, manifest: FileId) -> Option<&Package> {
        let at = self.packages.binary_search_by_key(&manifest, |package| package.manifest).ok()?;
        self.packages.get(at)
    }

    /// Ids and services.
    pub fn service_ids(&self) -> impl Iterator<Item = ServiceId> {
        (0..u32::try_from(self.services.len()).unwrap_or(u32::MAX)).map(ServiceId)
    }

    /// Ids of images.
    pub fn image_ids(&self) -> impl Iterator<Item = ImageId> {
        (0..u32::try_from(self.images.len()).unwrap_or(u32::MAX)).map(ImageId)
    }

    /// Ids of containers.
    pub fn container_ids(&self) -> impl Iterator<Item = ContainerId> {
        (0..u32::try_from(self.containers.len()).unwrap_or(u32::MAX)).map(ContainerId)
    }
}
