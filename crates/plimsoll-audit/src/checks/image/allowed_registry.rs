//! # Images come from the registries that are allowed
//!
//! Each image that is deployed and not built here comes from one of `registries` in `plimsoll.toml`, where that says
//! which are allowed.
//!
//! A registry that nobody chose is one whose images nobody looks at, and whose limits and failures nobody knows.
//!
//! Mirror the image to a registry of yours, or add its registry to the list. Images that are built here are none's.
//! There is no PARTIAL here.
//!
//! ## Fails
//!
//! `plimsoll.toml`:
//! ```toml
//! registries = ["registry.example.com"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17 # <- comes from docker.io
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: registry.example.com/postgres:17 # <- is allowed
//! ```
//!
//! ## Passes
//!
//! `plimsoll.toml`:
//! ```toml
//! registries = ["docker.io/library"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17 # <- is allowed
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17
//! ```

use plimsoll_model::Fact;
use plimsoll_model::reference::ImageRef;

use crate::asked::{Asked, Words};
use crate::conditions::LIMITS_REGISTRIES;
use crate::evidence::clip;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "image/allowed-registry",
    section: Section::BaseImage,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 4.2", "SSDF PO.3"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "CMP033", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "K8S037", relation: Relation::Same },
        ],
    }],
    when: &[&LIMITS_REGISTRIES],
    source: include_str!("allowed_registry.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "comes from a registry that is not allowed: mirror it, or allow its registry",
    partial: "",
    pass: "images come from the registries that are allowed",
    none: "is built here",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    match &container.image {
        _ if container.build.is_some() || container.image_id.is_some() => {}
        Fact::Known { value, at, .. } => {
            let at = at.span.unwrap_or(container.span);
            match ImageRef::parse(value) {
                Some(image) if cx.policy.at(cx.path(container.file)).trusts(&image) => {
                    asked.good.push(Evidence::shows(at, "is allowed"));
                }
                Some(image) => {
                    let says = format!("comes from {}", clip(&image.registry));
                    asked.bad.push(Evidence::contradicts(at, says));
                }
                None => asked.open = Some((Why::Dynamic, at)),
            }
        }
        Fact::Absent => {}
        Fact::Unknown(why, at) => asked.open = Some((*why, at.unwrap_or(container.span))),
    }
    asked.verdict(&container, &WORDS)
}
