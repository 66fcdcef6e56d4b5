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
use plimsoll_model::image::{Image, Step};
use plimsoll_model::mend::dockerfile;
use plimsoll_source::Edit;
use plimsoll_syntax::dockerfile::{Instruction, Keyword};

use crate::conditions::SETS_A_COMMAND;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, ImageSubject, Part, Run, Safety, Section,
    Severity, Status, Verdict, startup,
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
    fix: Some(fix),
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

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let edits = service.images.iter().filter_map(|&id| lift(cx, &cx.delivery[id]));
    let edits: Vec<Edit> = edits.flatten().collect();
    (!edits.is_empty()).then(|| {
        let does = "move USER above ENTRYPOINT and CMD, which it is in effect for anyway";
        Fix::of_edits(does, Safety::Safe, None, edits)
    })
}

/// The last USER of the stage that ships moved above its commands, where nothing between them is
/// run as another user for it.
fn lift(cx: &Cx<'_>, image: &Image) -> Option<Vec<Edit>> {
    let stage = image.final_stage()?;
    let own = image.syntax.instructions.get(stage.first..stage.end)?;
    let is_command = |one: &Instruction| matches!(one.keyword, Keyword::Entrypoint | Keyword::Cmd);
    let last = own.iter().rposition(is_command)?;
    let first = own.iter().position(is_command)?;
    let user = own.iter().rposition(|one| one.keyword == Keyword::User).filter(|at| *at > last)?;
    let between = own.get(first..user)?;
    let is_setting = |one: &Instruction| {
        let run = [Keyword::Run, Keyword::Copy, Keyword::Add, Keyword::Workdir, Keyword::User];
        !run.contains(&one.keyword)
    };
    let user = own.get(user)?;
    // What spans several lines, or has a comment of its own, is moved by whoever wrote it.
    let text = cx.text_of(user.span).filter(|text| !text.contains('\n'))?;
    if !between.iter().all(is_setting) {
        return None;
    }
    let tree = &cx.delivery.tree;
    let taken = dockerfile::remove(tree, image, user)?;
    Some(vec![dockerfile::insert_before(tree, image, own.get(first)?, &[&text])?, taken])
}
