//! Builds that somebody calls: `docker build` in scripts, Makefiles and steps, and the actions that
//! build images. What a bake file adds is [`super::bake`]'s.
//!
//! Source of the rules: the reference of `docker buildx build` and of `docker compose`, and the
//! inputs of docker/build-push-action (without `context` it builds the repository itself).

use plimsoll_source::Span;

use super::calls::{Call, positional_from};
use super::cx::Cx;
use super::link::BuildCall;
use super::{bake, pipeline, reach};
use crate::compose_call;
use crate::fact::{Fact, Why};
use crate::image::{BuildArg, Builder};
use crate::pipeline::{Forge, Job, JobStep, Pipeline, Runs};
use crate::script::Program;
use crate::{PipelineId, ProgramId};

/// The most combinations of a matrix that a step is read for.
const MAX_COMBINATIONS: usize = 128;

/// Flags of `build` that take a value.
const VALUED: &[&str] = &[
    "-f",
    "--file",
    "-t",
    "--tag",
    "--target",
    "--build-arg",
    "--build-context",
    "--cache-from",
    "--cache-to",
    "--label",
    "--platform",
    "--secret",
    "--ssh",
    "-o",
    "--output",
    "--progress",
    "--network",
    "--add-host",
    "--iidfile",
    "--metadata-file",
    "--attest",
    "--builder",
    "-m",
    "--memory",
    "--memory-swap",
    "--shm-size",
    "--ulimit",
    "--isolation",
    "--cpu-period",
    "--cpu-quota",
    "--cpu-shares",
    "-c",
    "--cpuset-cpus",
    "--cpuset-mems",
    "--cgroup-parent",
    "--allow",
    "--annotation",
    "--no-cache-filter",
    "--security-opt",
    "--call",
    "--format",
    "--policy",
];

/// Every build that scripts, Makefiles and pipelines that run call for, as far as its Dockerfile
/// is known.
pub(super) fn builds(cx: &Cx<'_>, pipelines: &[Pipeline], programs: &[Program]) -> Vec<BuildCall> {
    let mut found = Vec::new();
    for (id, program) in (0u32..).zip(programs) {
        let own = reach::parent(cx.tree.path(program.file));
        let starts: &[&str] = if program.target.is_some() { &[""] } else { &["", own] };
        for call in program.calls() {
            of_call(cx, call, starts, Builder::Script(ProgramId(id)), &mut found);
            bake::of_call(cx, call, starts, Builder::Script(ProgramId(id)), &mut found);
        }
    }
    for (id, pipeline) in (0u32..).zip(pipelines) {
        let runs = !matches!(pipeline.runs, Runs::No(_)) && pipeline.forge != Forge::GitHubAction;
        for job in pipeline.jobs.iter().filter(|_| runs) {
            for step in &job.steps {
                of_step(cx, job, step, Builder::Pipeline(PipelineId(id)), &mut found);
            }
        }
    }
    found
}

/// Where the arguments of a `build` command start.
fn build_words(words: &[String]) -> Option<usize> {
    let program = words.first()?.rsplit('/').next()?;
    let first = positional_from(words, 1, compose_call::OPTIONS)?;
    let word = words[first].as_str();
    match (program, word) {
        ("docker" | "podman" | "nerdctl", "build") | ("buildah", "build" | "bud") => {
            Some(first + 1)
        }
        ("docker" | "podman", "buildx" | "image" | "builder") => {
            let second = positional_from(words, first + 1, compose_call::OPTIONS)?;
            (words[second] == "build").then_some(second + 1)
        }
        _ => None,
    }
}

struct Flags<'a> {
    file: Option<&'a str>,
    target: Option<String>,
    tags: Vec<String>,
    args: Vec<String>,
    context: Option<usize>,
}

fn flags(words: &[String], mut at: usize) -> Flags<'_> {
    let mut found =
        Flags { file: None, target: None, tags: Vec::new(), args: Vec::new(), context: None };
    while let Some(word) = words.get(at) {
        at += 1;
        if !word.starts_with('-') || word == "-" {
            found.context = Some(at - 1);
            continue;
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, value),
            None if VALUED.contains(&word.as_str()) => {
                at += 1;
                (word.as_str(), words.get(at - 1).map_or("", String::as_str))
            }
            None => continue,
        };
        match name {
            "-f" | "--file" => found.file = Some(value),
            "--target" => found.target = Some(value.to_owned()),
            "-t" | "--tag" => found.tags.push(value.to_owned()),
            "--build-arg" => found.args.push(value.to_owned()),
            _ => {}
        }
    }
    found
}

fn of_call(cx: &Cx<'_>, call: &Call, starts: &[&str], by: Builder, out: &mut Vec<BuildCall>) {
    let Some(at) = build_words(&call.words) else { return };
    let flags = flags(&call.words, at);
    let Some(context) = flags.context else { return };
    let word = &call.words[context];
    // A context from standard input or from elsewhere is none of this tree's.
    if word == "-" || word.contains("://") || word.starts_with("git@") {
        return;
    }
    let mut candidates: Vec<(String, Option<String>)> = Vec::new();
    for start in starts {
        let context = call.path(context, start);
        let dockerfile = match flags.file {
            Some(file) => call.path_of(file, start),
            None => context.as_ref().map(|dir| join(dir, "Dockerfile")),
        };
        if let Some(dockerfile) = dockerfile
            && cx.tree.find(&dockerfile).is_some()
            && !candidates.iter().any(|(known, _)| *known == dockerfile)
        {
            candidates.push((dockerfile, context));
        }
    }
    let conflicting = candidates.len() > 1;
    for (dockerfile, context) in candidates {
        let context = match context {
            _ if conflicting => Fact::Unknown(Why::Conflicting, Some(call.span)),
            Some(dir) => Fact::declared(dir, call.span),
            None => Fact::Unknown(Why::Dynamic, Some(call.span)),
        };
        out.push(BuildCall {
            by,
            span: call.span,
            context,
            dockerfile: Fact::declared(dockerfile, call.span),
            target: flags.target.clone(),
            tags: flags.tags.clone(),
            args: flags.args.iter().map(|arg| build_arg(arg, call.span)).collect(),
        });
    }
}

fn join(dir: &str, file: &str) -> String {
    if dir.is_empty() { file.to_owned() } else { format!("{dir}/{file}") }
}

fn build_arg(text: &str, span: Span) -> BuildArg {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) if value.contains(['$', '`']) => {
            (name, Fact::Unknown(Why::Dynamic, Some(span)))
        }
        Some((name, value)) => (name, Fact::declared(value.to_owned(), span)),
        // Without a value it comes from the environment of the build.
        None => (text, Fact::Unknown(Why::Dynamic, Some(span))),
    };
    BuildArg { name: name.to_owned(), value, span }
}

fn of_step(cx: &Cx<'_>, job: &Job, step: &JobStep, by: Builder, out: &mut Vec<BuildCall>) {
    let calls = if step.roles.iter().any(|r| r.kind == crate::pipeline::RoleKind::BuildImage) {
        pipeline::calls_of(job, step)
    } else {
        return;
    };
    let texts: String = calls
        .iter()
        .flat_map(|call| call.words.iter())
        .chain(step.with.iter().map(|(_, value, _)| value))
        .flat_map(|text| [text.as_str(), "\n"])
        .collect();
    for combination in combinations(job, &texts) {
        let put = |text: &str| {
            combination
                .iter()
                .fold(text.to_owned(), |text, (name, value)| substitute(&text, name, value))
        };
        for call in &calls {
            let call = call.mapped(&put);
            of_call(cx, &call, &[""], by, out);
            bake::of_call(cx, &call, &[""], by, out);
        }
        let action = step.uses.as_ref().map_or("", |(u, _)| u.split('@').next().unwrap_or(""));
        if action.ends_with("/build-push-action") {
            of_action(cx, step, &put, by, out);
        }
        if action.ends_with("/bake-action") {
            bake::of_action(cx, step, &put, by, out);
        }
    }
}

/// `${{ matrix.name }}` replaced in a text.
fn substitute(text: &str, name: &str, value: &str) -> String {
    text.replace(&format!("${{{{ matrix.{name} }}}}"), value)
        .replace(&format!("${{{{matrix.{name}}}}}"), value)
}

/// The values of the matrix that a text asks for: one way where it asks for none.
fn combinations<'j>(job: &'j Job, text: &str) -> Vec<Vec<(&'j str, &'j str)>> {
    let mut all: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
    for (name, values) in &job.matrix {
        if !text.contains(&format!("matrix.{name}")) || values.is_empty() {
            continue;
        }
        let before = all.clone();
        all = all
            .iter()
            .flat_map(|way| {
                let own = values.iter().map(|value| (name.as_str(), value.as_str()));
                let own = own.filter(|&own| way.iter().all(|&of| job.comes_together(of, own)));
                own.map(|own| way.iter().copied().chain([own]).collect()).collect::<Vec<_>>()
            })
            .take(MAX_COMBINATIONS + 1)
            .collect();
        if all.len() > MAX_COMBINATIONS {
            return before;
        }
    }
    all
}

fn of_action(
    cx: &Cx<'_>,
    step: &JobStep,
    put: &dyn Fn(&str) -> String,
    by: Builder,
    out: &mut Vec<BuildCall>,
) {
    let input = |key: &str| {
        let found = step.with.iter().find(|(k, ..)| k.eq_ignore_ascii_case(key));
        found.map(|(_, value, span)| (put(value.trim()), *span))
    };
    let lines = |key: &str| -> Vec<String> {
        let text = input(key).map_or_else(String::new, |(text, _)| text);
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    let place = step.uses.as_ref().map_or(step.span, |(_, span)| *span);
    let context = match input("context") {
        None => Fact::inferred(String::new(), Some(place)),
        Some((text, span)) => {
            let text = text
                .strip_prefix("{{defaultContext}}")
                .map_or_else(|| text.clone(), |rest| rest.trim_start_matches(':').to_owned());
            let text = text.replace("${{ github.workspace }}", ".");
            if text.contains("://") {
                return;
            }
            match plimsoll_source::normalize_path(&text) {
                Some(dir) if !text.contains('$') => Fact::declared(dir, span),
                _ => Fact::Unknown(Why::Dynamic, Some(span)),
            }
        }
    };
    let dockerfile = match (input("file"), context.known()) {
        (Some((file, span)), _) => plimsoll_source::normalize_path(&file)
            .filter(|path| !path.contains('$'))
            .map(|path| Fact::declared(path, span)),
        (None, Some(dir)) => Some(Fact::inferred(join(dir, "Dockerfile"), Some(place))),
        (None, None) => None,
    };
    let Some(dockerfile) = dockerfile else { return };
    if dockerfile.known().is_none_or(|path| cx.tree.find(path).is_none()) {
        return;
    }
    out.push(BuildCall {
        by,
        span: place,
        context,
        dockerfile,
        target: input("target").map(|(target, _)| target).filter(|t| !t.is_empty()),
        tags: lines("tags").iter().flat_map(|l| l.split(',').map(str::to_owned)).collect(),
        args: lines("build-args").iter().map(|arg| build_arg(arg, place)).collect(),
    });
}
