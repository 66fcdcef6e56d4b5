//! What many services have in common: the causes that one change mends for all of them.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};
use plimsoll_model::image::Base;
use plimsoll_model::reference::ImageRef;
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
    let all = || {
        services.iter().flat_map(|service| {
            let problems = report.of(service).iter().filter(|finding| {
                finding.counts() && finding.is_problem() && finding.accepted.is_none()
            });
            problems.filter_map(|f| Some((service.id, f.check.id, cause(report, service, f)?)))
        })
    };
    // Most are a service's own: nothing but whose they are is noted of these.
    let mut whose = HashMap::default();
    let mut shared = HashSet::default();
    for (service, _, what) in all() {
        if *whose.entry(what).or_insert(service) != service {
            shared.insert(what);
        }
    }
    drop(whose);
    let mut seen: BTreeMap<Common, Seen> = BTreeMap::new();
    for (service, check, what) in all().filter(|(_, _, what)| shared.contains(what)) {
        let (findings, services, checks) = seen.entry(what.named()).or_default();
        *findings += 1;
        services.insert(service.0);
        checks.insert(check);
    }
    let mut causes: Vec<Cause> = seen
        .into_iter()
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

/// [`Common`], as it stands in the model.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum What<'a> {
    Base(&'a ImageRef),
    At(Span),
    Missing(&'a str),
}

impl What<'_> {
    fn named(self) -> Common {
        match self {
            Self::Base(reference) => Common::Base(reference.to_string()),
            Self::At(span) => Common::At(span),
            Self::Missing(path) => Common::Missing(path.to_owned()),
        }
    }
}

/// What one change would clear a finding and others like it; `None` where that is the service's own.
fn cause<'a>(
    report: &'a Report,
    service: &ServiceReport,
    finding: &'a Finding,
) -> Option<What<'a>> {
    let facts = &report.delivery[service.id];
    if finding.check.area() == "image" {
        let image = &report.delivery[*facts.images.first()?];
        let root = image.root_base(image.target?)?;
        let Base::External(reference) = &root.base else { return None };
        return Some(What::Base(reference));
    }
    let against =
        finding.evidence.iter().find(|e| e.role != Role::Shows && e.role != Role::Context)?;
    match &against.place {
        Place::Span(span) => Some(What::At(*span)),
        Place::File(_) => None,
        Place::AbsentPath(path) => Some(What::Missing(path)),
    }
}
