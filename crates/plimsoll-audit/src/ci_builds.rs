//! The images that jobs of pipelines build, `docker compose up` of what has a `build:` among them.

use std::collections::BTreeSet;

use plimsoll_model::compose_call::Compose;
use plimsoll_model::container::{Container, ContainerKind};
use plimsoll_model::image::Builder;
use plimsoll_model::pipeline::{Command, Job, JobStep, Pipeline};
use plimsoll_source::{Span, normalize_path};

use crate::{Cx, workflows};

/// A build of one image by one job.
#[derive(Clone, Debug)]
pub(crate) struct CiBuild<'a> {
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) job: &'a Job,
    /// The command or action.
    pub(crate) span: Span,
    /// The image, and the platforms where they are named.
    pub(crate) key: String,
    /// Build arguments as far as they are written.
    pub(crate) args: String,
    /// What it is called in a message.
    pub(crate) name: String,
}

/// Every build of every job, in order of pipelines, jobs and steps; a job's first of an image.
pub(crate) fn all<'a>(cx: &Cx<'a>) -> Vec<CiBuild<'a>> {
    let mut found: Vec<CiBuild<'a>> = Vec::new();
    for pipeline in workflows::started(cx) {
        for job in &pipeline.jobs {
            let mut of_job: Vec<CiBuild<'a>> = Vec::new();
            let mut loaded = false;
            for step in &job.steps {
                for command in &step.commands {
                    loaded |= loads(command);
                    let names = if loaded { Vec::new() } else { composed(cx, command) };
                    of_job.extend(names.into_iter().map(|(key, name)| {
                        let call = Compose::of(&command.words);
                        let args = call.map_or_else(String::new, |call| call.files().join(" "));
                        CiBuild { pipeline, job, span: command.span, key, args, name }
                    }));
                }
                of_job.extend(called(cx, pipeline, job, step));
            }
            let mut seen = BTreeSet::new();
            of_job.retain(|build| seen.insert(build.key.clone()));
            found.extend(of_job);
        }
    }
    found
}

/// Whether a command brings images that were built elsewhere.
fn loads(command: &Command) -> bool {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["docker" | "podman", "load" | "pull" | "import", ..]
        | ["docker", "image", "load" | "pull", ..] => true,
        ["docker" | "docker-compose", rest @ ..] => rest.contains(&"pull"),
        _ => false,
    }
}

/// The services of a `docker compose build` or `up`, and what it builds for them.
fn composed(cx: &Cx<'_>, command: &Command) -> Vec<(String, String)> {
    let Some(call) = Compose::of(&command.words) else { return Vec::new() };
    let (files, names) = (call.files(), call.services());
    let builds = matches!(call.verb, "build" | "up" | "create" | "run");
    if !builds || names.iter().any(|name| name.contains('$')) {
        return Vec::new();
    }
    let containers: Vec<&Container> = of_files(cx, &files, command.cwd.as_deref().unwrap_or(""));
    let mut wanted: BTreeSet<&str> = names.iter().copied().collect();
    if call.verb != "build" {
        // What it depends on is started, too.
        loop {
            let more: Vec<&str> = containers
                .iter()
                .filter(|container| wanted.contains(&*container.name))
                .flat_map(|container| &container.depends_on)
                .map(|depends| &*depends.service)
                .filter(|name| !wanted.contains(name))
                .collect();
            if more.is_empty() {
                break;
            }
            wanted.extend(more);
        }
    }
    let is_wanted = |container: &&&Container| match names.is_empty() {
        true => container.profiles.is_empty(),
        false => wanted.contains(&*container.name),
    };
    containers
        .iter()
        .filter(is_wanted)
        .filter_map(|container| {
            container.build.as_ref()?;
            Some((format!("{}:", container.image_id?.0), container.name.clone()))
        })
        .collect()
}

/// The compose services of these files, or of the project of a directory.
fn of_files<'a>(cx: &Cx<'a>, files: &[&str], dir: &str) -> Vec<&'a Container> {
    let paths: Vec<String> =
        files.iter().filter_map(|file| normalize_path(&format!("{dir}/{file}"))).collect();
    let all = cx.delivery.containers.iter();
    all.filter(|container| {
        let ContainerKind::Compose { project } = container.kind else { return false };
        let Some(project) = cx.delivery.projects.get(project) else { return false };
        match paths.is_empty() {
            true => project.dir == dir,
            false => paths.iter().any(|path| path == cx.path(container.file)),
        }
    })
    .collect()
}

/// What a step's own `docker build` or action builds: it is in the model, by its place.
fn called<'a>(
    cx: &Cx<'a>,
    pipeline: &'a Pipeline,
    job: &'a Job,
    step: &'a JobStep,
) -> Vec<CiBuild<'a>> {
    let mut found = Vec::new();
    for id in cx.delivery.image_ids() {
        let image = &cx.delivery[id];
        for build in &image.builds {
            let by_pipeline = matches!(build.by, Builder::Pipeline(_));
            let inside = build.span.file == step.span.file
                && step.span.range.start <= build.span.range.start
                && build.span.range.end <= step.span.range.end;
            if !by_pipeline || !inside {
                continue;
            }
            let platforms = workflows::input(step, "platforms").map_or("", |(value, _)| value);
            let args = image.build_args.iter().filter(|arg| arg.span == build.span).map(|arg| {
                let value = arg.value.known().map_or("?", String::as_str);
                format!("{}={value} ", arg.name)
            });
            found.push(CiBuild {
                pipeline,
                job,
                span: build.span,
                key: format!("{}:{platforms}", id.0),
                args: args.collect(),
                name: image.path.clone(),
            });
        }
    }
    found
}
