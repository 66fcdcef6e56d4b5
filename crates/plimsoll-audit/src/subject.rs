//! What a question is asked about.

use std::ops::Deref;

use plimsoll_model::container::Container;
use plimsoll_model::image::Image;
use plimsoll_model::script::Program;
use plimsoll_model::service::Service;
use plimsoll_model::{ContainerId, ImageId, ProgramId, ServiceId};

/// The subject of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The whole repository.
    Repository,
    /// A service.
    Service(ServiceId),
    /// An image that belongs to no service.
    Image(ImageId),
    /// A container that belongs to no service.
    Container(ContainerId),
    /// A script or a Makefile target.
    Script(ProgramId),
}

/// A service with its id.
#[derive(Clone, Copy, Debug)]
pub struct ServiceSubject<'a> {
    /// Its id.
    pub id: ServiceId,
    /// Itself.
    pub service: &'a Service,
}

impl<'a> Deref for ServiceSubject<'a> {
    type Target = Service;
    fn deref(&self) -> &Service {
        self.service
    }
}

/// An image with its id and the service that runs it.
#[derive(Clone, Copy, Debug)]
pub struct ImageSubject<'a> {
    /// Its id.
    pub id: ImageId,
    /// Itself.
    pub image: &'a Image,
    /// The service, if it belongs to one.
    pub service: Option<ServiceSubject<'a>>,
}

impl Deref for ImageSubject<'_> {
    type Target = Image;
    fn deref(&self) -> &Image {
        self.image
    }
}

/// A container with its id and the service that it deploys.
#[derive(Clone, Copy, Debug)]
pub struct ContainerSubject<'a> {
    /// Its id.
    pub id: ContainerId,
    /// Itself.
    pub container: &'a Container,
    /// The service, if it belongs to one.
    pub service: Option<ServiceSubject<'a>>,
}

impl Deref for ContainerSubject<'_> {
    type Target = Container;
    fn deref(&self) -> &Container {
        self.container
    }
}

/// A script, or a Makefile target, with its id.
#[derive(Clone, Copy, Debug)]
pub struct ScriptSubject<'a> {
    /// Its id.
    pub id: ProgramId,
    /// Itself.
    pub program: &'a Program,
}

impl Deref for ScriptSubject<'_> {
    type Target = Program;
    fn deref(&self) -> &Program {
        self.program
    }
}
