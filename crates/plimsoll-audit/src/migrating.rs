//! How a service runs its migrations: before it starts, in jobs that it awaits, in pipelines.

use std::collections::BTreeSet;

use plimsoll_model::container::{Container, ContainerKind};
use plimsoll_model::entrypoint::{OnFailure, Startup, before_last};
use plimsoll_model::image::Image;
use plimsoll_model::migration::is_migrate_command;
use plimsoll_model::package::Package;
use plimsoll_model::package::script::commands;
use plimsoll_model::pipeline::RoleKind;
use plimsoll_model::{ContainerId, Fact, Why};
use plimsoll_source::Span;

use crate::startup::servers;
use crate::{Cx, ServiceSubject, Subject, composed};

/// A command that migrates before the application runs.
#[derive(Clone, Debug)]
pub(crate) struct Migrating {
    pub(crate) words: Vec<String>,
    pub(crate) span: Span,
    pub(crate) on_failure: OnFailure,
}

/// A way in which a service starts, with the commands that migrate before it.
pub(crate) struct Start<'a> {
    pub(crate) image: &'a Image,
    pub(crate) startup: &'a Startup,
    pub(crate) migrating: Vec<Migrating>,
}

/// Every way in which a service starts in production, jobs apart.
pub(crate) fn starts<'a>(cx: &Cx<'a>, service: ServiceSubject<'_>) -> Vec<Start<'a>> {
    let package = service.package.map(|id| &cx.delivery[id]);
    servers(cx, Subject::Service(service.id))
        .into_iter()
        .filter_map(|start| {
            let startup = start.startup()?;
            let migrating = migrating(cx, package, startup);
            Some(Start { image: start.image, startup, migrating })
        })
        .collect()
}

/// The commands that migrate before the application: in the entrypoint, or in the package's script
/// that it ends in (`npm start`).
fn migrating(cx: &Cx<'_>, package: Option<&Package>, startup: &Startup) -> Vec<Migrating> {
    let before = startup.before.iter().filter(|step| step.migrates);
    let mut found: Vec<Migrating> = before
        .map(|step| Migrating {
            words: step.words.clone(),
            span: step.span,
            on_failure: step.on_failure.clone(),
        })
        .collect();
    let app: Vec<&str> = startup.app.iter().map(|(word, _)| &**word).collect();
    let name = match *app {
        ["npm" | "yarn" | "pnpm" | "bun", "run", name, ..] => name,
        ["npm" | "yarn" | "pnpm", "start", ..] => "start",
        ["yarn" | "pnpm", name, ..] => name,
        _ => return found,
    };
    let Some((package, script)) = package.and_then(|p| Some((p, p.script(name)?))) else {
        return found;
    };
    // What comes last is the application.
    let own = before_last(&script.command, script.span, Some(package));
    let own = own.into_iter().filter(|step| step.migrates);
    let before = found.len();
    found.extend(own.map(|step| Migrating {
        words: step.words,
        span: step.span,
        on_failure: step.on_failure,
    }));
    let told = found.len() > before;
    let all = commands(&cx.delivery.tree, &cx.delivery.packages, package, script);
    for command in all.iter().take(all.len().saturating_sub(1)) {
        // `prestart` stops when it fails; what stands in scripts of scripts is not followed.
        if !is_migrate_command(&command.words) || told {
            continue;
        }
        let hook = command.span != script.span && !script.command.contains("migrat");
        let on_failure = match hook {
            true => OnFailure::Stops(command.span),
            false => OnFailure::Unknown(Why::Unsupported),
        };
        found.push(Migrating { words: command.words.clone(), span: command.span, on_failure });
    }
    found
}

/// Whether a command before the application migrates.
pub(crate) fn at_start(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Fact<bool> {
    let starts = starts(cx, service);
    let mut all = starts.iter();
    if let Some(found) = all.find_map(|start| start.migrating.first()) {
        return Fact::inferred(true, Some(found.span));
    }
    let unknown = starts.iter().find_map(|start| start.startup.unknown);
    match unknown {
        Some((why, at)) => Fact::Unknown(why, Some(at)),
        None => {
            let broken = service.images.iter().map(|&id| &cx.delivery[id]).find(|i| i.broken);
            match broken {
                Some(image) => Fact::Unknown(Why::Unparsed, Some(cx.start_of(image.file))),
                None => {
                    let place = starts.first().map(|start| start.startup.at);
                    Fact::inferred(false, place)
                }
            }
        }
    }
}

/// A container that migrates and that the service awaits before it starts: an init container of
/// its pod, or a compose service that must have `completed_successfully`.
pub(crate) fn awaited_job<'a>(
    cx: &Cx<'a>,
    service: ServiceSubject<'_>,
) -> Option<(&'a Container, Span)> {
    let own = service.containers.iter().map(|&id| &cx.delivery[id]);
    let servers: Vec<&Container> = own.filter(|container| !container.job).collect();
    // What it awaits lies in its project, or in its pod's file.
    let all = &cx.delivery.containers;
    let near = servers.iter().flat_map(|server| match &server.kind {
        ContainerKind::Compose { .. } => {
            let project = composed::project_of(cx, server);
            project.map(|project| project.containers.clone()).unwrap_or_default()
        }
        ContainerKind::Kubernetes { .. } => {
            let from = all.partition_point(|container| container.file < server.file);
            let to = all.partition_point(|container| container.file <= server.file);
            (from..to).filter_map(|at| u32::try_from(at).ok()).map(ContainerId).collect()
        }
    });
    let near: BTreeSet<ContainerId> = near.collect();
    near.into_iter().find_map(|id| {
        let job = &cx.delivery[id];
        if !job.job {
            return None;
        }
        let awaited = servers.iter().find_map(|server| match (&server.kind, &job.kind) {
            (ContainerKind::Compose { project: a }, ContainerKind::Compose { project: b }) => {
                let mut entries = server.depends_on.iter();
                let entry = entries.find(|entry| {
                    a == b
                        && entry.service == job.name
                        && entry.condition == "service_completed_successfully"
                })?;
                Some(entry.span)
            }
            (
                ContainerKind::Kubernetes { workload: a, name: x, .. },
                ContainerKind::Kubernetes { workload: b, name: y, init: true },
            ) => (a == b && x == y && server.file == job.file).then_some(job.span),
            _ => None,
        })?;
        migrates(cx, service, id).then_some((job, awaited))
    })
}

/// Whether a container of a job migrates: by its command, or by what its image is for.
fn migrates(cx: &Cx<'_>, service: ServiceSubject<'_>, id: ContainerId) -> bool {
    const IMAGES: [&str; 7] =
        ["flyway", "liquibase", "migrate", "goose", "dbmate", "atlas", "sqlx-cli"];
    let package = service.package.map(|id| &cx.delivery[id]);
    let job = &cx.delivery[id];
    if let Some(image) = job.image_id {
        let Some(startup) = cx.delivery.startup(image, Some(id)) else { return false };
        let app: Vec<String> = startup.app.iter().map(|(word, _)| word.clone()).collect();
        return !migrating(cx, package, startup).is_empty() || runs_migrations(package, &app);
    }
    let name = job.image.known().map(|image| {
        let image = image.split('@').next().unwrap_or(image);
        let name = image.rsplit('/').next().unwrap_or(image);
        name.split(':').next().unwrap_or(name).to_owned()
    });
    let commands = [&job.entrypoint, &job.command];
    let words: Vec<String> = commands
        .into_iter()
        .flatten()
        .flat_map(|exec| exec.words.iter().map(|(word, _)| word.clone()))
        .flat_map(|word| word.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let by_image = name.is_some_and(|name| IMAGES.iter().any(|known| *known == name));
    by_image || runs_migrations(package, &words)
}

/// Whether words migrate, by themselves or through the package's script that they run.
fn runs_migrations(package: Option<&Package>, words: &[String]) -> bool {
    if is_migrate_command(words) {
        return true;
    }
    let run = words.iter().position(|word| word == "run");
    let script = run.and_then(|run| package?.script(words.get(run + 1)?));
    script.is_some_and(|script| {
        let words: Vec<String> = script.command.split_whitespace().map(str::to_owned).collect();
        is_migrate_command(&words)
    })
}

/// A script for production that migrates and deploys: the step that migrates, and whether all that it
/// deploys comes after. Of a tree with one set of migrations: a script seldom says whose it runs.
pub(crate) fn script_step(cx: &Cx<'_>) -> Option<(Span, bool)> {
    let [_] = &cx.delivery.migrations[..] else { return None };
    let programs = cx.delivery.programs.iter().filter(|program| program.purpose.is_production());
    let found = programs.filter_map(|program| {
        let place = |kind| program.roles.iter().position(|role| role.kind == kind);
        let (migrate, deploy) = (place(RoleKind::Migrate)?, place(RoleKind::Deploy)?);
        Some((program.roles.get(migrate)?.span, migrate < deploy))
    });
    found.max_by_key(|(_, before)| *before)
}

/// A step of a pipeline of the service that migrates, in a job that then deploys or is there for
/// migrations; those of a job that tests migrate the database of the tests.
pub(crate) fn pipeline_step(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Option<Span> {
    let mut jobs = service.pipelines.iter().flat_map(|&id| &cx.delivery[id].jobs);
    jobs.find_map(|job| {
        let mut roles = job.steps.iter().flat_map(|step| &step.roles);
        let migrate = roles.find(|role| role.kind == RoleKind::Migrate)?;
        let deploys = roles.any(|role| role.kind == RoleKind::Deploy);
        (deploys || job.id.contains("migrat")).then_some(migrate.span)
    })
}
