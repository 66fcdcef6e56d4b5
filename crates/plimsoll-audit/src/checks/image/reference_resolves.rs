//! # Image references name an image
//!
//! Every variable in the `image:` of a compose file has a default, or a value that the repository knows: in the
//! project's `.env`, or in an example of it; and what comes of it names an image.
//!
//! What runs is otherwise known to whoever typed the command, and to nobody who reads the repository; without
//! the variable it is an image without a tag, or none.
//!
//! Write a default (`${TAG:-1.2.0}`), or list the variable in `.env.example`. Images that are built here under
//! that name are not asked.
//!
//! ## Fails
//!
//! A default that leaves a colon behind:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:${TAG:-} # <- names no image
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:${TAG:-1.2.0} # <- a default
//! ```
//!
//! ## Passes
//!
//! By the project's `.env`:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:${TAG}
//! ```
//! `.env`:
//! ```dotenv
//! TAG=1.2.0 # <- gives it
//! ```
//!
//! By an example, and by a default:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: ${REGISTRY:-docker.io}/acme/web:${TAG}
//!   db:
//!     image: postgres:${PG:-17.2} # <- a default
//! ```
//! `.env.example`:
//! ```dotenv
//! TAG=1.2.0 # <- names `TAG`
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:${TAG} # <- nothing here gives `TAG`
//! ```
//!
//! One of two:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: ${REGISTRY}/acme/web:${TAG:-1} # <- nothing here gives `REGISTRY`
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```

use plimsoll_model::Fact;

use crate::answers::Answers;
use crate::conditions::IMAGES_HAVE_VARIABLES;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
    Why, composed,
};

pub(super) static CHECK: Check = Check {
    id: "image/reference-resolves",
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP035", relation: Relation::Same }],
    }],
    when: &[&IMAGES_HAVE_VARIABLES],
    source: include_str!("reference_resolves.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    for (project, container, at) in composed::variable_images(cx) {
        if let Fact::Known { value, at: origin, .. } = &container.image {
            if !is_reference(value) {
                answers.bad(at, "names no image: a part is empty");
                continue;
            }
            let from = origin.overrode.iter().flat_map(|spans| spans.iter());
            let of_env = from.filter(|span| project.env_file.is_some_and(|file| file == span.file));
            of_env.for_each(|span| answers.good(*span, "gives it"));
            answers.good(at, "a default, or a value of `.env`");
            continue;
        }
        let text = cx.text_of(at).unwrap_or_default();
        let wanted = project.wanted.iter();
        for (name, _) in wanted.filter(|(name, _)| refers(&text, name)) {
            match project.examples.iter().find(|(known, _)| known == name) {
                Some((_, at)) => answers.good(*at, format!("names `{}`", clip(name))),
                None => {
                    answers.unsure(
                        Why::Dynamic,
                        at,
                        format!("nothing here gives `{}`", clip(name)),
                    );
                }
            }
        }
    }
    answers.joined(
        "an image reference names no image: give its variable a default",
        "image references name an image",
        "which image runs depends on a variable that nothing here gives",
    )
}

/// Whether every part of a reference has something in it, and its repository is in small letters.
fn is_reference(text: &str) -> bool {
    let (name, digest) = text.split_once('@').unwrap_or((text, "sha256:"));
    let last = name.rsplit('/').next().unwrap_or(name);
    let repository = name.strip_suffix(last).unwrap_or(name);
    !digest.is_empty()
        && last.split(':').all(|part| !part.is_empty())
        && !repository.starts_with('/')
        && !repository.contains("//")
        && !last.split(':').next().is_some_and(|name| name.contains(|c: char| c.is_uppercase()))
}

/// Whether a text refers to a variable.
fn refers(text: &str, name: &str) -> bool {
    text.split('$').skip(1).any(|part| {
        let part = part.strip_prefix('{').unwrap_or(part);
        part.strip_prefix(name)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    })
}
