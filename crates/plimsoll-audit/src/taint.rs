//! Where what stands behind an expression comes from: whether a stranger can write its text, or it
//! names what a stranger proposes.
//!
//! Source of the list: GitHub's «Understanding the risk of script injections». What a stranger
//! writes travels through `env`, outputs of steps and jobs, and the inputs of called workflows and
//! actions of the repository; it is followed there, [`MAX_DEPTH`] steps far.

use plimsoll_model::pipeline::{Forge, JobStep, Pipeline, Placed, Slot};
use plimsoll_source::Span;

use crate::{Cx, workflows};

/// How far a value is followed.
const MAX_DEPTH: usize = 6;

/// Who can write a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Writer {
    /// Whoever calls the workflow or action, or starts it by hand.
    Caller,
    /// Anybody.
    Stranger,
}

/// What is asked of an expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Who writes the text.
    Text,
    /// Whether it names the code that a stranger proposes.
    Code,
}

/// A question, and where it is asked.
#[derive(Clone, Copy)]
struct Trace<'a> {
    cx: Cx<'a>,
    asks: Asks,
}

/// Contexts that name what a stranger proposes.
const PROPOSED: [&str; 9] = [
    "github.head_ref",
    "github.event.pull_request.head.",
    "github.event.pull_request.merge_commit_sha",
    "github.event.workflow_run.head_",
    "github.event.workflow_run.pull_requests",
    "github.event.check_suite.head_",
    "github.event.check_run.head_",
    "github.event.number",
    "github.event.client_payload.pull_request",
];

/// What a stranger writes, after `github.event.`; `*` is one part.
const WRITTEN: &[&str] = &[
    "issue.title",
    "issue.body",
    "pull_request.title",
    "pull_request.body",
    "pull_request.head.ref",
    "pull_request.head.label",
    "pull_request.head.repo.default_branch",
    "pull_request.head.repo.description",
    "pull_request.head.repo.homepage",
    "comment.body",
    "review.body",
    "review_comment.body",
    "discussion.title",
    "discussion.body",
    "pages.*.page_name",
    "commits.*.message",
    "commits.*.author.email",
    "commits.*.author.name",
    "commits.*.committer.email",
    "commits.*.committer.name",
    "head_commit.message",
    "head_commit.author.email",
    "head_commit.author.name",
    "head_commit.committer.email",
    "head_commit.committer.name",
    "changes.title.from",
    "changes.body.from",
    "workflow_run.head_branch",
    "workflow_run.display_title",
    "workflow_run.head_commit.message",
    "workflow_run.head_commit.author.email",
    "workflow_run.head_commit.author.name",
    "workflow_run.head_repository.description",
    "workflow_run.pull_requests.*.head.ref",
];

/// Actions whose outputs hold names of files or branches that a stranger chose.
const TELLING: &[&str] = &[
    "tj-actions/changed-files",
    "tj-actions/branch-names",
    "dorny/paths-filter",
    "jitterbit/get-changed-files",
    "trilom/file-changes-action",
    "xt0rted/pull-request-comment-branch",
    "rlespinasse/github-slug-action",
    "dawidd6/action-get-tag",
];

/// Who can write what an expression puts in its place, if it is not the repository alone; and what
/// it refers to.
pub(crate) fn writer(
    cx: &Cx<'_>,
    pipeline: &Pipeline,
    placed: &Placed,
) -> Option<(Writer, String)> {
    let trace = Trace { cx: *cx, asks: Asks::Text };
    let found = of_placed(trace, pipeline, placed, 0);
    found.max_by_key(|(writer, _)| *writer)
}

/// Whether an expression names the code that a stranger proposes, also by what is only compared.
pub(crate) fn is_proposed(cx: &Cx<'_>, pipeline: &Pipeline, placed: &Placed) -> bool {
    let trace = Trace { cx: *cx, asks: Asks::Code };
    placed.expression.contexts.iter().any(|context| {
        let by = of_path(trace, pipeline, placed.job, placed.step, &context.path, 0);
        by == Some(Writer::Stranger)
    })
}

fn of_placed<'a>(
    trace: Trace<'a>,
    pipeline: &'a Pipeline,
    placed: &'a Placed,
    depth: usize,
) -> impl Iterator<Item = (Writer, String)> + 'a {
    placed.expression.flowing().filter_map(move |path| {
        of_path(trace, pipeline, placed.job, placed.step, path, depth)
            .map(|writer| (writer, path.to_owned()))
    })
}

fn worst<'a>(
    trace: Trace<'_>,
    pipeline: &Pipeline,
    all: impl Iterator<Item = &'a Placed>,
    depth: usize,
) -> Option<Writer> {
    all.take(50)
        .filter_map(|placed| {
            of_placed(trace, pipeline, placed, depth).map(|(writer, _)| writer).max()
        })
        .max()
}

/// Who can write what stands behind a context.
fn of_path(
    trace: Trace<'_>,
    pipeline: &Pipeline,
    job: Option<usize>,
    step: Option<Span>,
    path: &str,
    depth: usize,
) -> Option<Writer> {
    if depth > MAX_DEPTH {
        return None;
    }
    if trace.asks == Asks::Code && path.starts_with("github.") {
        let proposed = PROPOSED.iter().any(|start| path.starts_with(start));
        return proposed.then_some(Writer::Stranger);
    }
    if path == "github.head_ref" || path == "github" || path == "github.event" {
        return Some(Writer::Stranger);
    }
    if let Some(input) = path.strip_prefix("github.event.inputs.") {
        return of_input(trace, pipeline, input, depth);
    }
    if let Some(field) = path.strip_prefix("github.event.") {
        if field.starts_with("client_payload") {
            return Some(Writer::Caller);
        }
        return WRITTEN.iter().any(|pattern| covers(pattern, field)).then_some(Writer::Stranger);
    }
    let mut parts = path.split('.');
    match (parts.next()?, parts.next()?, parts.next(), parts.next()) {
        ("env", name, None, None) => {
            let values = pipeline.expressions.iter().filter(|placed| {
                placed.slot == Slot::Env
                    && placed.key.eq_ignore_ascii_case(name)
                    && placed.job.is_none_or(|own| Some(own) == job)
                    && placed.step.is_none_or(|own| Some(own) == step)
            });
            worst(trace, pipeline, values, depth + 1)
        }
        ("steps", id, Some("outputs"), Some(name)) => {
            of_output(trace, pipeline, job?, id, name, depth)
        }
        ("needs", id, Some("outputs"), Some(name)) => {
            let at = pipeline.jobs.iter().position(|job| job.id.eq_ignore_ascii_case(id))?;
            let values = pipeline.expressions.iter().filter(|placed| {
                placed.slot == Slot::Output
                    && placed.job == Some(at)
                    && placed.key.eq_ignore_ascii_case(name)
            });
            worst(trace, pipeline, values, depth + 1)
        }
        ("matrix", name, ..) => {
            let values = pipeline.expressions.iter().filter(|placed| {
                placed.slot == Slot::Other
                    && placed.job == job
                    && job.is_some()
                    && placed.step.is_none()
                    && (placed.key.eq_ignore_ascii_case(name) || placed.key == "matrix")
            });
            worst(trace, pipeline, values, depth + 1)
        }
        ("inputs", name, None, None) => of_input(trace, pipeline, name, depth),
        _ => None,
    }
}

/// Whether a pattern is the path or lies below it: all of `issue` holds its title.
fn covers(pattern: &str, path: &str) -> bool {
    let mut wanted = pattern.split('.');
    let mut given = path.split('.');
    loop {
        match (wanted.next(), given.next()) {
            (_, None) => return true,
            (Some(one), Some(other)) if one == other || one == "*" || other == "*" => {}
            _ => return false,
        }
    }
}

fn of_output(
    trace: Trace<'_>,
    pipeline: &Pipeline,
    job: usize,
    id: &str,
    name: &str,
    depth: usize,
) -> Option<Writer> {
    let is = |step: &&JobStep| step.id.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(id));
    let step = pipeline.jobs.get(job)?.steps.iter().find(is)?;
    if workflows::action(step).is_some_and(|action| TELLING.contains(&&*action)) {
        let telling = match trace.asks {
            Asks::Text => &["file", "ref", "branch", "tag", "comment"][..],
            Asks::Code => &["head"],
        };
        let listed = telling.iter().any(|word| name.contains(word));
        return listed.then_some(Writer::Stranger);
    }
    let (text, _) = step.run.as_ref()?;
    let text = String::from_utf8_lossy(text.text());
    let sets = |line: &str| {
        line.to_ascii_lowercase().contains(&format!("{name}="))
            || line.to_ascii_lowercase().contains(&format!("name={name}::"))
    };
    let lines: Vec<&str> = text.lines().filter(|line| sets(line)).collect();
    // A variable of the step, or an expression in the line itself.
    let values = pipeline.expressions.iter().filter(|placed| {
        let inside = placed.step == Some(step.span);
        let variable = || {
            let (plain, braced) = (format!("${}", placed.key), format!("${{{}", placed.key));
            lines.iter().any(|line| line.contains(&plain) || line.contains(&braced))
        };
        inside
            && match placed.slot {
                Slot::Env => variable(),
                Slot::Run => trace
                    .cx
                    .text_of(placed.span)
                    .is_some_and(|own| lines.iter().any(|line| line.contains(&own))),
                _ => false,
            }
    });
    worst(trace, pipeline, values, depth + 1)
}

fn of_input(trace: Trace<'_>, pipeline: &Pipeline, name: &str, depth: usize) -> Option<Writer> {
    let is = |input: &&plimsoll_model::pipeline::Input| input.name.eq_ignore_ascii_case(name);
    let own: Vec<_> = pipeline.inputs.iter().filter(is).collect();
    // What can only be one of a few values carries no code.
    let free = |kind: &str| !matches!(kind, "choice" | "boolean" | "number" | "environment");
    if !own.is_empty() && !own.iter().any(|input| free(&input.kind)) {
        return None;
    }
    let path = trace.cx.path(pipeline.file);
    let mut found = Some(Writer::Caller);
    for caller in workflows::live(&trace.cx).filter(|caller| caller.file != pipeline.file) {
        // Code is dangerous where the caller has rights.
        if trace.asks == Asks::Code && workflows::privileged(caller).is_none() {
            continue;
        }
        let given = caller.expressions.iter().filter(|placed| {
            placed.slot == Slot::Input && placed.key.eq_ignore_ascii_case(name) && {
                let step = workflows::step_of(caller, placed);
                step.is_some_and(|step| calls(step, path, &pipeline.forge))
            }
        });
        found = found.max(worst(trace, caller, given, depth + 1));
    }
    found
}

/// Whether a step uses the workflow or action at this path.
fn calls(step: &JobStep, path: &str, forge: &Forge) -> bool {
    let Some(local) = step.uses.as_ref().and_then(|(uses, _)| uses.strip_prefix("./")) else {
        return false;
    };
    match forge {
        Forge::GitHubAction => {
            path.rsplit_once('/').map_or("", |(dir, _)| dir) == local.trim_end_matches('/')
        }
        _ => path == local,
    }
}

/// Inputs of actions that are run as code.
const CODE: &[(&str, &str)] = &[
    ("actions/github-script", "script"),
    ("azure/cli", "inlinescript"),
    ("azure/powershell", "inlinescript"),
    ("appleboy/ssh-action", "script"),
    ("cardinalby/js-eval-action", "expression"),
    ("jannekem/run-python-script-action", "script"),
    ("addnab/docker-run-action", "run"),
    ("nick-fields/retry", "command"),
    ("nick-invision/retry", "command"),
    ("mikefarah/yq", "cmd"),
    ("amadevus/pwsh-script", "script"),
    ("devcontainers/ci", "runcmd"),
    ("docker/bake-action", "set"),
    ("superfly/flyctl-actions", "args"),
];

/// Whether what stands here is run as code.
pub(crate) fn is_code(pipeline: &Pipeline, placed: &Placed) -> bool {
    match placed.slot {
        Slot::Run => true,
        Slot::Input => {
            let step = workflows::step_of(pipeline, placed);
            let action = step.and_then(workflows::action).unwrap_or_default();
            let key = placed.key.to_ascii_lowercase();
            CODE.iter().any(|(name, input)| *name == action && *input == key)
        }
        _ => false,
    }
}
