//! # No compose file names a version of its format
//!
//! No compose file has the key `version` at its top.
//!
//! Compose has not read it for years, and warns at every call: who reads that warning learns to overlook the
//! next one. A reader takes it for a promise that certain keys do not work.
//!
//! Delete the line.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! version: "3.9" # <- is not read
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services: # <- names no version
//!   web:
//!     image: acme/web:1.2.0
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::conditions::IN_COMPOSE;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run, Safety,
    Section, Severity, Status, Verdict, composed, mending,
};

pub(super) static CHECK: Check = Check {
    id: "release/no-obsolete-compose-version",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "dclint", rule: "no-version-field", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "CMP069", relation: Relation::Same },
        ],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_obsolete_compose_version.rs"),
    run: Run::Repository(repository),
    fix: Some(fix),
};

fn repository(cx: &Cx<'_>) -> Verdict {
    let projects = composed::projects(cx);
    let mut bad = projects.iter().flat_map(|composed| {
        let versions = composed.project.versions.iter();
        versions.map(|at| Evidence::contradicts(*at, "is not read, and warned about"))
    });
    let place = projects.iter().find_map(|composed| composed.project.services);
    match (bad.next(), place) {
        (Some(first), _) => {
            Verdict::fail("`version` is not read any more: delete the line", first).and_all(bad)
        }
        (None, Some(at)) => Verdict::pass(
            "no compose file names a version of its format",
            Evidence::missing_in(at, "names no version"),
        ),
        (None, None) => Verdict::not_applicable(
            "does not apply: nothing here is a compose project for production",
            Evidence::missing_file(".", "no compose file"),
        ),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    // The first Compose reads a file without it as one of its oldest format; swarms once asked for it.
    let in_scripts = cx.delivery.programs.iter().flat_map(|program| program.calls());
    let jobs = cx.delivery.pipelines.iter().flat_map(|pipeline| &pipeline.jobs);
    let in_steps = jobs.flat_map(|job| &job.steps).flat_map(|step| &step.commands);
    let old = in_scripts.map(|c| c.words.first()).chain(in_steps.map(|c| c.words.first()));
    let old = old.flatten().any(|word| word == "docker-compose") || composed::has_swarm(cx);
    let safety = if old { Safety::Review } else { Safety::Safe };
    mending::take_out(cx, finding, "delete the line, which Compose does not read", safety)
}
