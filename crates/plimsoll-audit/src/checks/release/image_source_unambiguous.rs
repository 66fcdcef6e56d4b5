//! # An image that is built is not pulled
//!
//! A service that names both `build` and `image` says by `pull_policy` which of the two wins.
//!
//! Without it `docker compose up` pulls the image where the registry has one of that name, and builds it where
//! not: two hosts run two programs from one file.
//!
//! Set `pull_policy: build` (or `always`), or take one of the two away.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: . # <- says not which wins
//!     image: acme/web:1.2.0
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     image: acme/web:1.2.0
//!     pull_policy: build
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- one source
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/image-source-unambiguous",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Trial,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "dclint", rule: "no-build-and-image", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP034", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("image_source_unambiguous.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "is built or pulled, whichever comes first: set `pull_policy`",
    partial: "",
    pass: "an image that is built is not pulled",
    none: "has one source",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    if let (Some(build), false, true) =
        (&container.build, container.image.is_absent(), container.engine.pull_policy.is_absent())
    {
        asked.bad.push(Evidence::contradicts(build.key, "says not which wins, this or `image`"));
    }
    asked.verdict(&container, &WORDS)
}
