//! Pipelines as a whole: those that a forge runs, whom their events let in, and the answer of a
//! check about all of them.

use plimsoll_model::Fact;
use plimsoll_model::pipeline::{FaultKind, Forge, Job, JobStep, Pipeline, Placed, Runs, Trigger};
use plimsoll_model::purpose::Purpose;
use plimsoll_source::Span;

use crate::{Cx, Evidence, Verdict, Why};

/// The most places that one check shows.
const MAX_SHOWN: usize = 200;
/// Events that strangers cause and that run with the repository's own secrets and permissions.
const PRIVILEGED: [&str; 9] = [
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "issues",
    "discussion",
    "discussion_comment",
    "fork",
    "watch",
    "gollum",
];

/// Pipelines that a forge runs, by itself, by hand or when called; actions of the repository too.
pub(crate) fn live<'a>(cx: &Cx<'a>) -> impl Iterator<Item = &'a Pipeline> + use<'a> {
    let cx = *cx;
    let all = cx.delivery.pipelines.iter();
    all.filter(|pipeline| !matches!(pipeline.runs, Runs::No(_)) && !pipeline.broken)
        .filter(move |pipeline| Purpose::of_path(cx.path(pipeline.file)).is_production())
}

/// The same without actions: what is started.
pub(crate) fn started<'a>(cx: &Cx<'a>) -> impl Iterator<Item = &'a Pipeline> + use<'a> {
    live(cx).filter(|pipeline| pipeline.forge != Forge::GitHubAction)
}

/// Workflows of GitHub that run.
pub(crate) fn github<'a>(cx: &Cx<'a>) -> impl Iterator<Item = &'a Pipeline> + use<'a> {
    started(cx).filter(|pipeline| pipeline.forge == Forge::GitHub)
}

/// Every step of some pipelines, each place once: steps of actions stand where they are used, too.
pub(crate) fn steps<'a>(
    pipelines: impl Iterator<Item = &'a Pipeline>,
) -> impl Iterator<Item = (&'a Pipeline, &'a Job, &'a JobStep)> {
    let mut seen = std::collections::BTreeSet::new();
    pipelines
        .flat_map(|pipeline| pipeline.jobs.iter().map(move |job| (pipeline, job)))
        .flat_map(|(pipeline, job)| job.steps.iter().map(move |step| (pipeline, job, step)))
        .filter(move |(.., step)| seen.insert(step.span))
}

/// The event by which strangers start a pipeline that has the repository's secrets.
pub(crate) fn privileged(pipeline: &Pipeline) -> Option<&Trigger> {
    pipeline.triggers.iter().find(|trigger| is_privileged(trigger))
}

/// Whether strangers start a pipeline that has the repository's secrets, by its own events or by those
/// of one that calls it.
pub(crate) fn has_rights(cx: &Cx<'_>, pipeline: &Pipeline) -> bool {
    const MAX_CALLERS: usize = 64;
    let mut todo = vec![pipeline];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(next) = todo.pop() {
        if privileged(next).is_some() {
            return true;
        }
        if seen.insert(next.file)
            && seen.len() < MAX_CALLERS
            && on(next, &["workflow_call"]).is_some()
        {
            let calls = |job: &&Job| {
                !is_own(job) && job.calls.is_some_and(|id| cx.delivery[id].file == next.file)
            };
            todo.extend(live(cx).filter(|caller| caller.jobs.iter().any(|job| calls(&job))));
        }
    }
    false
}

/// Whether a trigger gives strangers' events the repository's rights.
pub(crate) fn is_privileged(trigger: &Trigger) -> bool {
    PRIVILEGED.contains(&&*trigger.event)
}

/// The event of this name.
pub(crate) fn on<'a>(pipeline: &'a Pipeline, events: &[&str]) -> Option<&'a Trigger> {
    pipeline.triggers.iter().find(|trigger| events.contains(&&*trigger.event))
}

/// Whether a job runs only for proposals of the repository itself, not of forks.
pub(crate) fn is_own(job: &Job) -> bool {
    let condition = job.condition.as_ref().map_or("", |(text, _)| text);
    let squeezed: String = condition.chars().filter(|c| !c.is_whitespace()).collect();
    [
        "head.repo.full_name==github.",
        "head_repository.full_name==github.",
        "head.repo.fork==false",
        "!github.event.pull_request.head.repo.fork",
    ]
    .iter()
    .any(|guard| squeezed.contains(guard))
        && !squeezed.contains("||")
}

/// The step that an expression stands in.
pub(crate) fn step_of<'a>(pipeline: &'a Pipeline, placed: &Placed) -> Option<&'a JobStep> {
    let job = pipeline.jobs.get(placed.job?)?;
    job.steps.iter().find(|step| Some(step.span) == placed.step)
}

/// The repository of an action without its version, in lower case: `actions/checkout`.
pub(crate) fn action(step: &JobStep) -> Option<String> {
    let (uses, _) = step.uses.as_ref()?;
    let name = uses.split('@').next().unwrap_or(uses);
    Some(name.trim_end_matches('/').to_ascii_lowercase())
}

/// An input of a step's action, and its place.
pub(crate) fn input<'a>(step: &'a JobStep, key: &str) -> Option<(&'a str, Span)> {
    let found = step.with.iter().find(|(name, ..)| name.eq_ignore_ascii_case(key));
    found.map(|(_, value, span)| (value.trim(), *span))
}

/// Where pipelines set one of these variables to something that is not off, each place once.
pub(crate) fn variables<'n>(cx: &Cx<'_>, names: &[&'n str]) -> Vec<(&'n str, Span)> {
    let mut found = std::collections::BTreeSet::new();
    let mut look = |env: &[(String, Fact<String>, Span)]| {
        for (name, value, span) in env {
            let off = value.known().is_some_and(|value| {
                matches!(&*value.trim().to_ascii_lowercase(), "" | "false" | "0" | "no" | "off")
            });
            if let Some(name) = names.iter().find(|known| **known == name).filter(|_| !off) {
                found.insert((*span, *name));
            }
        }
    };
    for pipeline in live(cx) {
        look(&pipeline.env);
        for job in &pipeline.jobs {
            look(&job.env);
            job.steps.iter().for_each(|step| look(&step.env));
        }
    }
    found.into_iter().map(|(span, name)| (name, span)).collect()
}

/// The answer of a check about what the forge refuses in workflows.
pub(crate) fn faulty(
    cx: &Cx<'_>,
    kind: FaultKind,
    wrong: &'static str,
    right: &'static str,
) -> Verdict {
    let faults = github(cx).flat_map(|pipeline| &pipeline.faults);
    let of_kind = faults.filter(|fault| fault.kind == kind);
    let bad = of_kind.map(|fault| Evidence::contradicts(fault.span, fault.says.clone())).collect();
    none(cx, bad, wrong, right)
}

/// FAIL with the places that speak against it; else UNKNOWN where something could not be read;
/// else PASS: there is none.
pub(crate) fn none(
    cx: &Cx<'_>,
    bad: Vec<Evidence>,
    wrong: &'static str,
    right: &'static str,
) -> Verdict {
    judged(cx, bad, Verdict::fail, wrong, right, None)
}

/// The same, where what is found may be a PARTIAL, and `shown` may show that it holds.
pub(crate) fn judged(
    cx: &Cx<'_>,
    bad: Vec<Evidence>,
    made: fn(&'static str, Evidence) -> Verdict,
    wrong: &'static str,
    right: &'static str,
    shown: impl IntoIterator<Item = Evidence>,
) -> Verdict {
    let mut bad = bad.into_iter().take(MAX_SHOWN);
    if let Some(first) = bad.next() {
        return made(wrong, first).and_all(bad);
    }
    let broken = cx.delivery.pipelines.iter().find(|pipeline| {
        pipeline.broken
            && pipeline.forge != Forge::GitHubAction
            && !matches!(pipeline.runs, Runs::No(_))
    });
    if let Some(broken) = broken {
        let place = Evidence::context(cx.start_of(broken.file), "does not parse");
        return Verdict::unknown(Why::Unparsed, "a workflow does not parse", place);
    }
    let none = || match started(cx).next() {
        Some(pipeline) => Evidence::missing_in(cx.start_of(pipeline.file), "none is here"),
        None => Evidence::missing_file(".github/workflows", "none is here"),
    };
    let mut shown = shown.into_iter();
    Verdict::pass(right, shown.next().unwrap_or_else(none)).and_all(shown.take(MAX_SHOWN))
}
