//! Checks of scans, bills of materials and signatures.

use plimsoll_model::pipeline::RoleKind;

use crate::ci::{Ci, Ran, Whose, nowhere};
use crate::{Check, Cx, Evidence, Fix, Safety, ServiceSubject, Snippet, Verdict, Why};

mod actions_pinned;
mod compose_includes_pinned;
mod downloads_verified;
mod gitlab_includes_pinned;
mod image_scanned;
mod image_signed;
mod job_images_pinned;
mod no_archived_actions;
mod no_pipe_to_shell;
mod sbom_generated;
mod signature_verified;

pub(super) static CHECKS: &[&Check] = &[
    &actions_pinned::CHECK,
    &compose_includes_pinned::CHECK,
    &downloads_verified::CHECK,
    &gitlab_includes_pinned::CHECK,
    &image_scanned::CHECK,
    &image_signed::CHECK,
    &job_images_pinned::CHECK,
    &no_archived_actions::CHECK,
    &no_pipe_to_shell::CHECK,
    &sbom_generated::CHECK,
    &signature_verified::CHECK,
];

/// How far a step does what is asked.
enum Grade {
    /// Wholly: what is to be seen there.
    Full(&'static str),
    /// In part: what is missing.
    Part(&'static str),
}

/// What is said of the outcomes.
struct Words {
    pass: &'static str,
    partial: &'static str,
    fail: &'static str,
    /// What is missing, where it would stand.
    missing: &'static str,
}

/// The verdict on what pipelines do to a service's image: `grade` says how far a step does it.
fn judge(
    cx: &Cx<'_>,
    ci: &Ci<'_>,
    grade: impl Fn(&Ran<'_>) -> Option<Grade>,
    words: &Words,
) -> Verdict {
    let all = ci.roles(|_| true);
    let graded = all.iter().filter_map(|ran| {
        let grade = match grade(ran)? {
            Grade::Full(_) if ran.role.masked.is_some() => Grade::Part("its failure is ignored"),
            grade => grade,
        };
        Some((ran, grade))
    });
    let (mut part, mut open, mut others) = (None, None, Vec::new());
    for (ran, grade) in graded {
        match (ran.whose, grade) {
            (Whose::Ours, Grade::Full(says)) => {
                return Verdict::pass(words.pass, Evidence::shows(ran.role.span, says));
            }
            (Whose::Ours, Grade::Part(says)) => part = part.or(Some((ran.role, says))),
            (Whose::Open, _) => open = open.or(Some(ran.role.span)),
            (Whose::Others, _) => others.push(ran.role.span),
        }
    }
    if let Some((role, says)) = part {
        let evidence = Evidence::contradicts(role.span, says);
        let masked = role.masked.filter(|masked| *masked != role.span);
        let masked = masked.map(|span| Evidence::context(span, "its failure is ignored here"));
        return Verdict::partial(format!("{}: {says}", words.partial), evidence).and_all(masked);
    }
    if let Some(span) = open {
        let evidence = Evidence::context(span, "which image this is depends on a variable");
        let message = "a step does it, but for which image cannot be told: name the image";
        return Verdict::unknown(Why::Dynamic, message, evidence);
    }
    if let Some(unread) = ci.unread() {
        return unread;
    }
    let others = others.into_iter().take(5);
    let others =
        others.map(|span| Evidence::context(span, "another image, or not the whole of it"));
    Verdict::fail(words.fail, nowhere(cx, words.missing)).and_all(others).and_all(ci.inert())
}

/// A step to put into the job that pushes the image of this service.
fn step(cx: &Cx<'_>, service: ServiceSubject<'_>, does: &'static str, lines: &str) -> Fix {
    let mut pipelines = service.pipelines.iter().map(|&id| &cx.delivery[id]);
    let path = pipelines.find(|pipeline| crate::ci::runs(pipeline)).map_or_else(
        || format!(".github/workflows/{}.yml", service.name),
        |pipeline| cx.path(pipeline.file).to_owned(),
    );
    let name = service.images.iter().flat_map(|&id| &cx.delivery[id].names).next();
    let name = name.map_or(&*service.name, |name| name.split(['@', ':']).next().unwrap_or(name));
    let name = name.split('$').next().filter(|name| !name.is_empty()).unwrap_or(&service.name);
    Fix {
        does: does.into(),
        safety: Safety::Sketch,
        snippet: Some(Snippet { path, language: "yaml", text: lines.replace("{image}", name) }),
        patch: None,
    }
}

/// Whether a kind of role is there at all.
fn is_deploy(kind: RoleKind) -> bool {
    kind == RoleKind::Deploy
}
