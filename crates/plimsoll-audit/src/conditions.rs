//! Conditions: what must hold for a question to make sense. Their names are the reasons that
//! reports print beside NOT APPLICABLE.

use plimsoll_model::image::{Base, Copy, CopyFrom, Stage, StepKind};
use plimsoll_model::{Fact, Why};

use crate::{Cx, Subject};

/// A named condition. It is asked of what the check is asked about: the service, each of its
/// images or containers, or the repository.
#[derive(Debug)]
pub struct Condition {
    /// What holds, so that «does not apply: nothing here …» reads well when it does not:
    /// `builds an image`, `installs packages in its final stage`.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: fn(&Cx<'_>, Subject) -> Fact<bool>,
}

/// The service builds an image here.
pub static HAS_IMAGE: Condition = Condition {
    name: "builds an image",
    holds: |cx, subject| match subject {
        Subject::Service(id) => Fact::inferred(!cx.delivery[id].images.is_empty(), None),
        Subject::Image(_) => Fact::inferred(true, None),
        Subject::Repository | Subject::Container(_) => Fact::inferred(false, None),
    },
};

/// Something in the tree deploys the service.
pub static HAS_DESCRIPTOR: Condition = Condition {
    name: "is deployed by a descriptor of this repository",
    holds: |cx, subject| match subject {
        Subject::Service(id) => Fact::inferred(!cx.delivery[id].containers.is_empty(), None),
        Subject::Container(_) => Fact::inferred(true, None),
        Subject::Repository | Subject::Image(_) => Fact::inferred(false, None),
    },
};

/// Some stage that is built starts from an image: not all are `FROM scratch`.
pub static STARTS_FROM_AN_IMAGE: Condition = Condition {
    name: "starts from an image",
    holds: |cx, subject| {
        some_stage(cx, subject, |s| matches!(s.base, Base::External(_) | Base::Dynamic(_)))
    },
};

/// Some stage that is built has a COPY or ADD.
pub static COPIES_FILES: Condition = Condition {
    name: "copies files into an image",
    holds: |cx, subject| {
        some_stage(cx, subject, |stage| {
            stage.steps.iter().any(|step| matches!(step.kind, StepKind::Copy(_)))
        })
    },
};

/// Some stage that is built has a COPY or ADD that reads the build context.
pub static COPIES_FROM_CONTEXT: Condition = Condition {
    name: "copies files from its build context",
    holds: |cx, subject| {
        let copies = some_stage(cx, subject, |stage| {
            stage.steps.iter().any(|step| match &step.kind {
                StepKind::Copy(copy) => reads_context(copy),
                _ => false,
            })
        });
        unless_broken(cx, subject, copies)
    },
};

/// It copies from the build context, or a RUN spells a secret out.
pub static COPIES_OR_SPELLS_SECRETS: Condition = Condition {
    name: "copies files from its build context",
    holds: |cx, subject| match subject {
        Subject::Image(id) if !crate::context::spelled(&cx.delivery[id]).is_empty() => {
            Fact::inferred(true, None)
        }
        _ => (COPIES_FROM_CONTEXT.holds)(cx, subject),
    },
};

/// Whether a COPY or ADD reads the build context.
pub(crate) fn reads_context(copy: &Copy) -> bool {
    copy.from == CopyFrom::Context && copy.sources.iter().any(|source| !source.remote)
}

/// What a Dockerfile does not say is not known when it does not parse.
fn unless_broken(cx: &Cx<'_>, subject: Subject, fact: Fact<bool>) -> Fact<bool> {
    match subject {
        Subject::Image(id) if cx.delivery[id].broken && fact.known() == Some(&false) => {
            Fact::Unknown(Why::Unparsed, Some(cx.start_of(cx.delivery[id].file)))
        }
        _ => fact,
    }
}

/// Whether a stage that is built is so; not known where no FROM can be read.
fn some_stage(cx: &Cx<'_>, subject: Subject, holds: fn(&Stage) -> bool) -> Fact<bool> {
    let Subject::Image(id) = subject else { return Fact::inferred(false, None) };
    let image = &cx.delivery[id];
    if image.stages.is_empty() {
        return Fact::Unknown(Why::Unparsed, Some(cx.start_of(image.file)));
    }
    let mut built = image.stages_built().into_iter().filter_map(|index| image.stages.get(index));
    Fact::inferred(built.any(holds), None)
}

/// There is something to audit: a file that takes part in delivery was read.
pub static DELIVERS: Condition = Condition {
    name: "builds, ships or runs anything",
    holds: |cx, _| Fact::inferred(!cx.delivery.read.is_empty(), None),
};

/// The service runs all the time: it is no batch job.
pub static RUNS_AS_A_SERVICE: Condition = Condition {
    name: "runs as a service",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        Fact::inferred(!crate::health::deployments(cx, cx.service(id)).is_empty(), None)
    },
};

/// A health check is in effect that Dockerfile or compose file defines.
pub static HAS_HEALTHCHECK: Condition = Condition {
    name: "defines a HEALTHCHECK",
    holds: |cx, subject| {
        let Subject::Service(id) = subject else { return Fact::inferred(false, None) };
        let service = cx.service(id);
        if !crate::health::settable(cx, service).is_empty() {
            return Fact::inferred(true, None);
        }
        // Kubernetes runs none, whatever the image has.
        let engines = crate::health::deployments(cx, service);
        let hidden =
            engines.iter().filter(|d| !d.is_kubernetes()).find_map(|d| d.hidden(cx, service));
        match hidden {
            Some((why, _, at)) => Fact::Unknown(why, Some(at)),
            None => Fact::inferred(false, None),
        }
    },
};
