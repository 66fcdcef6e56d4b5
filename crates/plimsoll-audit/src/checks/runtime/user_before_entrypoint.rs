//! # USER stands before ENTRYPOINT and CMD
//!
//! In the stage that ships, USER comes before the commands that start the process.
//!
//! A Dockerfile is read from top to bottom: who reads ENTRYPOINT wants to know by then as whom it
//! runs. It is a matter of style: a USER after CMD is in effect too, which `runtime/non-root` sees.
//!
//! Move USER above ENTRYPOINT.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "/app/main.js"] # <- before USER
//! USER node
//! ```
//!
//! None at all:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! CMD ["node", "/app/main.js"] # <- no USER
//! ```
//!
//! ## Fixed
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! USER node # <- before
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Passes
//!
//! The stage that this one starts from has it:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine AS base
//! USER node # <- before
//!
//! FROM base
//! ENTRYPOINT ["node"]
//! CMD ["/app/main.js"]
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM registry.example/team/base:4
//! CMD ["node", "/app/main.js"]
//! ```
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM nginx:1.29-alpine
//! COPY site /usr/share/nginx/html
//! ```

use plimsoll_model::Why;
use plimsoll_model::image::Step;
use plimsoll_syntax::dockerfile::Keyword;

use crate::conditions::SETS_A_COMMAND;
use crate::{
    Check, Cx, Domain, Effort, Evidence, ImageSubject, Part, Run, Section, Severity, Status,
    Verdict, startup,
};

pub(super) static CHECK: Check = Check {
    id: "runtime/user-before-entrypoint",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: Some("runtime/non-root"),
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&SETS_A_COMMAND],
    source: include_str!("user_before_entrypoint.rs"),
    run: Run::EachImage(run),
    fix: None,
};

fn run(cx: &Cx<'_>, image: ImageSubject<'_>) -> Verdict {
    let Some(target) = image.target.filter(|_| !image.broken) else {
        return startup::unparsed(cx, image.image);
    };
    let steps = image.steps_with_bases(target);
    let is = |step: &Step, keywords: &[Keyword]| {
        image.instruction(step).is_some_and(|instruction| keywords.contains(&instruction.keyword))
    };
    let user = steps.iter().rposition(|step| is(step, &[Keyword::User]));
    let is_command = |step: &Step| is(step, &[Keyword::Entrypoint, Keyword::Cmd]);
    let last = steps.iter().rposition(|step| is_command(step));
    let commands = |says: &'static str| {
        steps
            .iter()
            .filter(|step| is_command(step))
            .map(move |step| Evidence::contradicts(step.span, says))
    };
    let user_step = user.and_then(|user| steps.get(user));
    match (user_step, user < last) {
        (Some(step), true) => Verdict::pass(
            "USER stands before the commands",
            Evidence::shows(step.span, "before ENTRYPOINT and CMD"),
        ),
        (Some(step), false) => Verdict::fail(
            "USER comes after the commands: move it above ENTRYPOINT and CMD",
            Evidence::context(step.span, "after them"),
        )
        .and_all(commands("stands before USER")),
        (None, _) => {
            let Some(stage) = image.final_stage() else {
                return startup::unparsed(cx, image.image);
            };
            match &stage.config.user {
                Some((_, at)) => Verdict::pass(
                    "the base image sets the user",
                    Evidence::shows(*at, "its configuration sets a user"),
                ),
                None if stage.config.base_unknown => Verdict::unknown(
                    Why::NeedsNetwork,
                    "the base image may set the user: set USER before the commands",
                    Evidence::context(stage.base_span, "not a base that is known"),
                ),
                None => Verdict::fail(
                    "no USER stands before the commands: add one above ENTRYPOINT and CMD",
                    Evidence::missing_in(stage.from, "no USER in this stage or its bases"),
                )
                .and_all(commands("no USER before it")),
            }
        }
    }
}
