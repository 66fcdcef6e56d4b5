//! Conditions: what must hold for a question to make sense. Their names are the reasons that
//! reports print beside NOT APPLICABLE.

use plimsoll_model::Fact;

use crate::{Cx, Subject};

/// A named condition.
#[derive(Debug)]
pub struct Condition {
    /// What holds, so that «does not apply: the service <name>» reads well when it does not:
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
