//! Syntax to [`Delivery`]: what is built and run here, linked across every file that says so.
//!
//! Lowering reads one file's syntax into facts; linking joins them: a compose service with the
//! Dockerfile it builds, an entrypoint with the script a RUN wrote, a job with the service whose
//! paths it watches. A [`Fact`] knows where it was read, or why it is not known. No check is known
//! here: this crate says what is, the next one what that means.

mod assignment;
pub mod base;
pub mod built;
pub mod code;
pub mod compose_call;
pub mod container;
pub mod data;
pub mod datastore;
pub mod dead;
pub mod document;
pub mod engine;
pub mod entrypoint;
pub mod fact;
pub mod filesystem;
pub mod flow;
pub mod image;
pub mod mend;
pub mod migration;
pub mod near;
pub mod package;
pub mod password;
pub mod pipeline;
pub mod probe;
pub mod proxy;
pub mod purpose;
pub mod redact;
pub mod reference;
pub mod rollback;
pub mod script;
pub mod secret;
pub mod service;
pub mod tool;
pub mod user;
pub mod uses;
pub mod version;

mod delivery;
mod lower;
mod path;

pub use delivery::{
    ContainerId, Delivery, DocumentId, ImageId, MigrationsId, PackageId, PipelineId, Problem,
    ProgramId, ServiceId, Unsupported, UnsupportedKind,
};
pub use fact::{Fact, How, Origin, Why};
pub use lower::{Hints, ServiceHint, lower, lower_with};
pub use path::glob;
