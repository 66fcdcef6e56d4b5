//! # What a compose file builds is there
//!
//! The context, the Dockerfile and the target stage that `build` names exist in the repository.
//!
//! `docker compose up --build` ends with an error otherwise, on the host, in the middle of a deployment.
//!
//! Mend the path or the name; paths start at the directory of the first compose file, the Dockerfile's at the
//! context.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: # <- `web/Dockerfile.prod` does not exist
//!       context: web
//!       dockerfile: Dockerfile.prod
//! ```
//! `web/Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! ```
//!
//! A stage that is not there:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build:
//!       context: .
//!       target: prod # <- no stage is called `prod`
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine AS production
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: # <- is there
//!       context: web
//! ```
//!
//! A stage that is not there:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: # <- is there
//!       context: .
//!       target: production
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: . # <- is there
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: ../web # <- Audit the directory
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
use crate::evidence::clip;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, Why,
};
use plimsoll_model::Fact;

pub(super) static CHECK: Check = Check {
    id: "build/context-exists",
    section: Section::BuildSecurity,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP076", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("context_exists.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "cannot be built: what its `build` names is not there",
    partial: "",
    pass: "what the compose file builds is there",
    none: "builds nothing",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let Some(build) = &container.build else { return asked.verdict(&container, &WORDS) };
    let tree = &cx.delivery.tree;
    match &build.dockerfile {
        Fact::Unknown(why, at) => asked.open = Some((*why, at.unwrap_or(build.span))),
        Fact::Absent => {}
        Fact::Known { value: path, .. } if build.inline.is_some() || tree.find(path).is_some() => {
            let image = container.image_id.map(|id| &cx.delivery[id]);
            match (&build.target, image) {
                (Some((target, at)), Some(image)) if !image.broken && !target.contains('$') => {
                    let is = |name: &String| name.eq_ignore_ascii_case(target);
                    let mut stages = image.stages.iter().zip(0usize..);
                    if stages
                        .any(|(s, n)| s.name.as_ref().is_some_and(is) || n.to_string() == *target)
                    {
                        asked.good.push(Evidence::shows(build.span, "what it builds is there"));
                    } else {
                        let says = format!("no stage is called `{}`", clip(target));
                        asked.bad.push(Evidence::contradicts(*at, says));
                    }
                }
                _ => asked.good.push(Evidence::shows(build.span, "what it builds is there")),
            }
        }
        Fact::Known { value: path, .. } => {
            if tree.unlisted(path).is_some() {
                asked.open = Some((Why::Unreadable, build.span));
            } else {
                let says = format!("`{}` does not exist", clip(path));
                asked.bad.push(Evidence::contradicts(build.span, says));
            }
        }
    }
    asked.verdict(&container, &WORDS)
}
