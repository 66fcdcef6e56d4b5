//! # The process does not run as root
//!
//! The last USER of the stage that ships names a user other than root, and that user exists.
//!
//! A process that runs as root owns every file of its container, and whoever takes it over is one
//! kernel or mount mistake away from root on the host.
//!
//! Create a user with fixed numbers, give it what it writes, and switch to it with USER. A
//! descriptor that sets another user helps its own deployment only; and a name that nothing creates
//! stops the container from starting.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine # <- no USER
//! COPY main.js /app/
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! The last one counts:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! USER node
//! RUN npm ci
//! USER root # <- root
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! Root by another name:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM debian:13-slim
//! RUN useradd web && useradd -o -u 0 app
//! USER web
//! USER app # <- runs as root
//! CMD ["/app/main"]
//! ```
//!
//! A name that nothing creates:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! COPY app /usr/bin/app
//! USER web # <- nothing creates `web`
//! CMD ["app"]
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! COPY main.js /app/
//! USER 1000:1000 # <- `1000`
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! At the end, too:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! USER node
//! RUN npm ci
//! USER 1000:1000 # <- `1000`
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! The user that is meant:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! COPY app /usr/bin/app
//! RUN addgroup -g 1001 -S web && adduser -S -u 1001 -G web web # <- created here
//! USER web # <- `web`
//! CMD ["app"]
//! ```
//!
//! ## Passes
//!
//! Where USER stands among the instructions does not matter to the image:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS base
//! RUN addgroup -g 1001 -S web && adduser -S web -u 1001 -G web # <- created here
//!
//! FROM base
//! CMD ["node", "/app/main.js"]
//! USER web # <- `web`
//! ```
//!
//! A number needs no account, and some bases set a user of their own:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM gcr.io/distroless/static-debian12:nonroot # <- 65532
//! COPY app /app
//! ENTRYPOINT ["/app"]
//! ```
//!
//! By a variable that no build sets:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ENV RUN_AS=node
//! USER $RUN_AS # <- `node`
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Partial
//!
//! Whoever builds the image can make it root's:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! ARG RUN_AS=node
//! USER ${RUN_AS} # <- variable
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! Only the descriptor sets a user:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "/app/main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     user: "1000:1000" # <- 1000
//! ```
//!
//! Or takes the image's away:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! USER node
//! CMD ["node", "/app/main.js"]
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     user: root # <- root
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM registry.example/team/base:4 # <- base
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM scratch
//! COPY dist /dist
//! ```
//!
//! ## See also
//!
//! - `runtime/explicit-uid-gid`: the user has fixed numbers.
//! - `runtime/owned-by-user`: it can use the files it needs.

use plimsoll_model::Fact;
use plimsoll_model::image::Image;
use plimsoll_model::user::{self, RunsAs, Who};

use crate::conditions::{HAS_IMAGE, STARTS_A_PROCESS};
use crate::own_user::switch;
use crate::startup::{self, Start};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Outcome, Part, Relation, Run,
    Safety, Section, ServiceSubject, Severity, Status, Subject, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/non-root",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 4.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part { name: "", equivalents: &[] },
        Part {
            name: "sets a user",
            equivalents: &[
                Equivalent { tool: "trivy", rule: "DS-0002", relation: Relation::Wider },
                Equivalent { tool: "checkov", rule: "CKV_DOCKER_3", relation: Relation::Same },
                Equivalent {
                    tool: "kics",
                    rule: "missing_user_instruction",
                    relation: Relation::Same,
                },
                Equivalent { tool: "semgrep", rule: "missing-user", relation: Relation::Same },
                Equivalent { tool: "dockle", rule: "CIS-DI-0001", relation: Relation::Wider },
            ],
        },
        Part {
            name: "the last is not root",
            equivalents: &[
                Equivalent { tool: "hadolint", rule: "DL3002", relation: Relation::Same },
                Equivalent { tool: "trivy", rule: "DS-0002", relation: Relation::Wider },
                Equivalent { tool: "checkov", rule: "CKV_DOCKER_8", relation: Relation::Same },
                Equivalent { tool: "kics", rule: "last_user_is_root", relation: Relation::Same },
                Equivalent { tool: "semgrep", rule: "last-user-is-root", relation: Relation::Same },
                Equivalent { tool: "dockle", rule: "CIS-DI-0001", relation: Relation::Wider },
            ],
        },
        Part { name: "exists", equivalents: &[] },
        Part { name: "descriptors agree", equivalents: &[] },
    ],
    when: &[&HAS_IMAGE, &STARTS_A_PROCESS],
    source: include_str!("non_root.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    let starts = startup::starts(cx, Subject::Service(service.id));
    startup::judge(service, &starts, |start| of_start(cx, start))
}

/// The image's user, as its container may override it.
fn of_start(cx: &Cx<'_>, start: &Start<'_>) -> Verdict {
    let own = of_image(cx, start.image);
    let Some(container) = start.container else { return own };
    match &container.user {
        Fact::Known { value, at, .. } => {
            let at = at.span.unwrap_or(container.span);
            let file = cx.path(container.file);
            match (own.outcome(), user::is_root(value)) {
                (Outcome::Pass | Outcome::Partial, true) => {
                    let evidence = Evidence::contradicts(at, "runs it as root all the same")
                        .part("descriptors agree");
                    Verdict::partial(
                        format!("{file} runs the image as root: take `user` out"),
                        evidence,
                    )
                }
                (Outcome::Unknown, true) => Verdict::fail(
                    format!("{file} runs the image as root: take `user` out"),
                    Evidence::contradicts(at, "runs as root").part("descriptors agree"),
                ),
                (_, true) => own.and(Evidence::context(at, "as root here too")),
                (Outcome::Fail | Outcome::Unknown, false) => {
                    let message = "only the descriptor sets a user: set USER in the Dockerfile too";
                    let evidence = Evidence::shows(at, format!("runs as `{value}` here"));
                    Verdict::partial(message, evidence).and_all(own.evidence)
                }
                (_, false) => own.and(Evidence::context(at, format!("runs as `{value}` here"))),
            }
        }
        Fact::Unknown(why, at) if own.outcome() != Outcome::Fail => {
            let evidence = Evidence::context(at.unwrap_or(container.span), "overrides USER");
            Verdict::unknown(*why, "which user the descriptor sets cannot be told here", evidence)
        }
        _ if container.run_as_non_root.known() == Some(&true)
            && matches!(own.outcome(), Outcome::Fail | Outcome::Unknown) =>
        {
            let at = container.run_as_non_root.span().unwrap_or(container.span);
            let message = "only the descriptor refuses root: set a numeric USER in the Dockerfile";
            Verdict::partial(message, Evidence::shows(at, "refuses root")).and_all(own.evidence)
        }
        _ => own,
    }
}

fn of_image(cx: &Cx<'_>, image: &Image) -> Verdict {
    let Some(RunsAs { at, name, variable, who, .. }) =
        image.target.and_then(|stage| user::runs_as(image, stage))
    else {
        return startup::unparsed(cx, image);
    };
    let sets = image.final_stage().is_some_and(|stage| stage.config.user.is_some());
    let created = match who {
        Who::Created { at, .. } => Some(Evidence::shows(at, "created here")),
        _ => None,
    };
    match who {
        Who::Root if !sets => {
            let place = image.final_stage().map_or(at, |stage| stage.from);
            let message = "no USER: the image runs as root; create a user and switch to it";
            Verdict::fail(
                message,
                Evidence::missing_in(place, "no USER in this stage or its bases")
                    .part("sets a user"),
            )
        }
        Who::Root => Verdict::fail(
            "the last USER is root: switch to another user at the end",
            Evidence::contradicts(at, "runs as root").part("the last is not root"),
        ),
        Who::Nowhere => Verdict::fail(
            format!(
                "nothing creates `{name}`: the container does not start; create it before USER"
            ),
            Evidence::missing_in(at, format!("nothing creates `{name}`")).part("exists"),
        ),
        Who::Unknown(why, place) => Verdict::unknown(
            why,
            "it cannot be told which user the image runs as: write USER with numbers",
            Evidence::context(at, "what sets the user"),
        )
        .and(Evidence::context(place, "decides it: a base, a variable or a script")),
        _ if image.broken => startup::unparsed(cx, image),
        _ if variable => Verdict::partial(
            "USER depends on a variable: write the user itself",
            Evidence::contradicts(at, format!("a variable, `{name}` by default"))
                .part("the last is not root"),
        ),
        _ => Verdict::pass(
            format!("the image runs as `{name}`"),
            Evidence::shows(at, format!("runs as `{name}`")),
        )
        .and_all(created),
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let image = &cx.delivery[*service.images.first()?];
    let edits = service.images.iter().flat_map(|&id| switch(cx, service, &cx.delivery[id]));
    Some(Fix::of_edits(
        "run as a user of its own with fixed numbers: what it writes, mounts too, has to be its",
        Safety::Review,
        mending::snippet(&image.path, "dockerfile", startup::create_user(image)),
        edits.flatten().collect(),
    ))
}
