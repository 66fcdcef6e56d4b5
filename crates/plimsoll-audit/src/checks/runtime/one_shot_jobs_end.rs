//! # Jobs that are done are not started again
//!
//! A service that others await with `service_completed_successfully`, or whose name says that it migrates, seeds
//! or initialises, has no `restart: always` or `unless-stopped`.
//!
//! The engine starts it again as soon as it is done: the migration runs for ever, and who awaits its end may
//! never start.
//!
//! Set `restart: "no"`, or `on-failure`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.2.0
//!     depends_on:
//!       prepare: { condition: service_completed_successfully }
//!   prepare:
//!     image: acme/api:1.2.0
//!     restart: always # <- starts it again
//! ```
//!
//! By its name:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   migrate:
//!     image: acme/api:1.2.0
//!     restart: unless-stopped # <- starts it again
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     image: acme/api:1.2.0
//!     depends_on:
//!       prepare: { condition: service_completed_successfully }
//!   prepare:
//!     image: acme/api:1.2.0
//!     restart: on-failure
//! ```
//!
//! By its name:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   migrate:
//!     image: acme/api:1.2.0
//!     restart: "no"
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api: # <- no job that is started again
//!     image: acme/api:1.2.0
//!     restart: always
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::asked::{Asked, Words};
use crate::composed;
use crate::conditions::IN_COMPOSE;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/one-shot-jobs-end",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP052", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("one_shot_jobs_end.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "is a job that never ends: set `restart: \"no\"` or `on-failure`",
    partial: "",
    pass: "jobs that are done are not started again",
    none: "no job that is started again",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    if container.job || composed::is_called_a_job(&container) {
        let is_bad = |policy: &str| {
            let again = matches!(policy, "always" | "unless-stopped" | "any");
            again.then(|| "starts it again when it is done".to_owned())
        };
        asked = Asked::setting(&container.restart, is_bad);
    }
    asked.verdict(&container, &WORDS)
}
