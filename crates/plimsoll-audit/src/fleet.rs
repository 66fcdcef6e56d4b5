//! What many services have in common: the causes that one change mends for all of them.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::image::Base;
use plimsoll_source::Span;

use crate::evidence::{Place, Role};
use crate::{Finding, Report, ServiceReport};

/// One cause of findings in several services.
#[derive(Clone, Debug)]
pub struct Cause {
    /// What it is.
    pub what: Common,
    /// The findings that mending it would clear.
    pub findings: usize,
    /// The services that have them.
    pub services: usize,
    /// The checks, by id, sorted.
    pub checks: Vec<&'static str>,
}

/// What services have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Common {
    /// The base image of their final stages, as it is written.
    Base(String),
    /// One place that speaks against all of them.
    At(Span),
    /// A path that is missing for all of them.
    Missing(String),
}

/// The causes that several of some services share, those that clear the most findings first.
#[must_use]
pub fn causes(report: &Report, services: &[&ServiceReport]) -> Vec<Cause> {
    type Seen = (usize, BTreeSet<u32>, BTreeSet<&'static str>);
    let mut seen: BTreeMap<Common, Seen> = BTreeMap::new();
    for service in services {
        let problems = report.of(service).iter().filter(|finding| {
            finding.counts() && finding.is_problem() && finding.accepted.is_none()
        });
        for finding in problems {
            let Some(what) = cause(report, service, finding) else { continue };
            let (findings, services, checks) = seen.entry(what).or_default();
            *findings += 1;
            services.insert(service.id.0);
            checks.insert(finding.check.id);
        }
    }
    let mut causes: Vec<Cause> = seen
        .into_iter()
        .filter(|(_, (_, services, _))| services.len() > 1)
        .map(|(what, (findings, services, checks))| Cause {
            what,
            findings,
            services: services.len(),
            checks: checks.into_iter().collect(),
        })
        .collect();
    // Equal ones stay in the order of what they are.
    causes.sort_by_key(|cause| std::cmp::Reverse((cause.findings, cause.services)));
    causes
}

/// What one change would clear a finding and others like it; `None` where that is the service's own.
fn cause(report: &Report, service: &ServiceReport, finding: &Finding) -> Option<Common> {
    let facts = &report.delivery[service.id];
    if finding.check.area() == "image" {
        let image = &report.delivery[*facts.images.first()?];
        let root = image.root_base(image.target?)?;
        let Base::External(reference) = &root.base else { return None };
        return Some(Common::Base(reference.to_string()));
    }
    let against =
        finding.evidence.iter().find(|e| e.role != Role::Shows && e.role != Role::Context)?;
    match &against.place {
        Place::Span(span) => Some(Common::At(*span)),
        Place::File(_) => None,
        Place::AbsentPath(path) => Some(Common::Missing(path.clone())),
    }
}
