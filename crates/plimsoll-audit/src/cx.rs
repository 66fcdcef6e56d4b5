//! All that a check may see.

use std::sync::LazyLock;

use plimsoll_model::{Delivery, ProgramId, Why};
use plimsoll_source::{FileId, Span, TextRange};

use crate::mending::Looked;
use crate::once::Once;
use crate::waiver::Waivers;
use crate::{
    ContainerSubject, Evidence, Finding, ImageSubject, Policy, ScriptSubject, ServiceSubject,
    Subject, Verdict,
};

/// What a check sees: the model and the user's policy, nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Cx<'a> {
    /// The model.
    pub delivery: &'a Delivery,
    /// What the user says.
    pub policy: &'a Policy,
    /// What is accepted in comments and entries, and what came of it.
    pub waivers: &'a Waivers,
    /// What fixes looked at before.
    pub(crate) looked: Option<&'a Looked>,
    /// What was asked of all the repository before.
    pub(crate) once: Option<&'a Once>,
}

impl<'a> Cx<'a> {
    /// What a check sees where nothing is accepted.
    #[must_use]
    pub fn new(delivery: &'a Delivery, policy: &'a Policy) -> Self {
        static NONE: LazyLock<Waivers> = LazyLock::new(Waivers::default);
        Self { delivery, policy, waivers: &NONE, looked: None, once: None }
    }

    /// A service with its id.
    #[must_use]
    pub fn service(&self, id: plimsoll_model::ServiceId) -> ServiceSubject<'a> {
        ServiceSubject { id, service: &self.delivery[id] }
    }

    /// The service that a finding is about, where it is about one.
    #[must_use]
    pub fn service_of(&self, finding: &Finding) -> Option<ServiceSubject<'a>> {
        match finding.subject {
            Subject::Service(id) => Some(self.service(id)),
            _ => None,
        }
    }

    /// Production containers that belong to no service: those of others' images.
    #[must_use]
    pub fn containers_of_no_service(&self) -> Vec<ContainerSubject<'a>> {
        let ids = self.delivery.of_no_service.iter();
        ids.map(|&id| ContainerSubject { id, container: &self.delivery[id], service: None })
            .collect()
    }

    /// Production scripts and Makefile targets.
    pub fn operational_scripts(&self) -> impl Iterator<Item = ScriptSubject<'a>> + use<'a> {
        (0u32..).map(ProgramId).zip(&self.delivery.programs).filter_map(|(id, program)| {
            program.purpose.is_production().then_some(ScriptSubject { id, program })
        })
    }

    /// The path of a file.
    #[must_use]
    pub fn path(&self, file: FileId) -> &'a str {
        self.delivery.tree.path(file)
    }

    /// The start of a file: where a fact about the whole file is shown.
    #[must_use]
    pub fn start_of(&self, file: FileId) -> Span {
        Span::new(file, TextRange::new(0, 0))
    }

    /// All of a file.
    #[must_use]
    pub fn whole(&self, file: FileId) -> Span {
        let len = u32::try_from(self.delivery.tree.entry(file).len).unwrap_or(u32::MAX);
        Span::new(file, TextRange::new(0, len))
    }

    /// The text of a place.
    #[must_use]
    pub fn text_of(&self, at: Span) -> Option<String> {
        let bytes = self.delivery.tree.read(at.file).ok()?;
        Some(String::from_utf8_lossy(at.range.slice(&bytes)).into_owned())
    }

    /// The answer about an image whose Dockerfile does not parse, where all of it is needed.
    #[must_use]
    pub fn unparsed(&self, image: ImageSubject<'_>) -> Verdict {
        let place = self.start_of(image.file);
        let evidence = Evidence::context(place, "some of its instructions may not be read");
        Verdict::unknown(Why::Unparsed, "the Dockerfile does not parse", evidence)
    }
}
