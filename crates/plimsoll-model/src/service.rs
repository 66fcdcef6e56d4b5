//! Services: what is built and run here, joined by path, image name and build context.

use std::collections::BTreeMap;

use plimsoll_source::{FileId, Span};

use crate::Delivery;
use crate::code::Code;
use crate::purpose::Purpose;
use crate::{ContainerId, DocumentId, ImageId, MigrationsId, PackageId, PipelineId, ProgramId};

/// A service of this repository.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name: unique in the tree, stable across runs.
    pub name: String,
    /// Its directory, relative to the root (`""` is the root).
    pub dir: String,
    /// Where it is shown as a whole: its Dockerfile's FROM, else its container's key.
    pub place: Span,
    /// What it is for.
    pub purpose: Purpose,
    /// The images that its deployments run (its Dockerfile, where nothing deploys it); the first
    /// is the one that its header names.
    pub images: Vec<ImageId>,
    /// Dockerfiles of its own that no deployment uses.
    pub other_images: Vec<ImageId>,
    /// Its production containers, in path order.
    pub containers: Vec<ContainerId>,
    /// Its containers for development and tests.
    pub other_containers: Vec<ContainerId>,
    /// Its package.
    pub package: Option<PackageId>,
    /// Its program; `None` where what its container starts is no program of this tree that is read.
    pub code: Option<Code>,
    /// Where its containers start different programs: the program of each, `None` for one that is
    /// not read. [`Service::code`] is then the first's, or unknown.
    pub programs_by: BTreeMap<ContainerId, Option<Code>>,
    /// Its migrations.
    pub migrations: Option<MigrationsId>,
    /// Pipelines that run and whose path filters reach it.
    pub pipelines: Vec<PipelineId>,
    /// Documents about it: those below its directory, or that name it.
    pub documents: Vec<DocumentId>,
    /// Scripts that name it, or that start everything.
    pub programs: Vec<ProgramId>,
    /// Descriptors that may say something about it and are not read (Helm, Kustomize, Terraform).
    pub unread: Vec<FileId>,
    /// What the user says that it listens on.
    pub ports: Vec<u16>,
    /// Who the user says answers for it.
    pub owner: Option<String>,
}

impl Service {
    /// Files of its code that a change touches, a sample: what path filters are asked about. Made
    /// when asked for.
    #[must_use]
    pub fn touches(&self, delivery: &Delivery) -> Vec<String> {
        crate::lower::touches(delivery, &self.dir, &self.images)
    }
}
