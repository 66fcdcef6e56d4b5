//! Compose projects as wholes: their containers, who stands beside whom, on which networks.

use std::collections::BTreeSet;
use std::sync::Arc;

use plimsoll_model::container::{Container, ContainerKind, Project};
use plimsoll_model::flow::Command;
use plimsoll_source::{Span, TextRange};

use crate::datastores::Kind;
use crate::{ContainerSubject, Cx, Evidence, Verdict};

/// A compose project for production with its containers.
pub(crate) struct Composed<'a> {
    pub(crate) project: &'a Project,
    pub(crate) containers: Vec<&'a Container>,
}

/// The compose projects for production that have containers for production.
pub(crate) fn projects<'a>(cx: &Cx<'a>) -> Vec<Composed<'a>> {
    let of_production = |project: &'a Project| Composed {
        project,
        containers: (project.containers.iter().map(|&id| &cx.delivery[id]))
            .filter(|container| container.purpose.is_production())
            .collect(),
    };
    let mut found: Vec<Composed<'a>> = cx.delivery.projects.iter().map(of_production).collect();
    found.retain(|composed| {
        composed.project.purpose.is_production() && !composed.containers.is_empty()
    });
    found
}

/// The project of a compose container.
pub(crate) fn project_of<'a>(cx: &Cx<'a>, container: &Container) -> Option<&'a Project> {
    let ContainerKind::Compose { project } = container.kind else { return None };
    cx.delivery.projects.get(project)
}

/// The container of a name in the project of another.
pub(crate) fn beside<'a>(cx: &Cx<'a>, container: &Container, name: &str) -> Option<&'a Container> {
    let mut all = project_of(cx, container)?.containers.iter().map(|&id| &cx.delivery[id]);
    all.find(|other| other.name == name)
}

/// The networks that a container joins, by name; of the one that compose makes, `default`.
pub(crate) fn networks(container: &Container) -> BTreeSet<&str> {
    let engine = &container.engine;
    match engine.network_mode.known().map(String::as_str) {
        Some("none" | "host") => return BTreeSet::new(),
        Some(mode) if mode.contains(':') => return BTreeSet::new(),
        _ => {}
    }
    if engine.networks.is_empty() {
        return BTreeSet::from(["default"]);
    }
    engine.networks.iter().map(|(name, _)| &**name).collect()
}

/// Whether a network of a project reaches nothing beyond it.
pub(crate) fn is_internal(project: &Project, name: &str) -> bool {
    let known = project.networks.iter().find(|network| network.name == name);
    known.is_some_and(|network| network.internal.known() == Some(&true))
}

/// Whether a container is the door of its project by what it runs: a reverse proxy.
pub(crate) fn is_proxy(cx: &Cx<'_>, container: &Container) -> bool {
    const PROXIES: [&str; 13] = [
        "apisix",
        "caddy",
        "envoy",
        "haproxy",
        "httpd",
        "kong",
        "nginx",
        "openresty",
        "proxy",
        "swag",
        "traefik",
        "tyk",
        "varnish",
    ];
    let is = |name: &str| {
        name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| PROXIES.contains(&word))
    };
    image_name(cx, container).is_some_and(|name| is(&name))
}

/// The last part of the repository that a container's image comes from: `nginx`.
pub(crate) fn image_name(cx: &Cx<'_>, container: &Container) -> Option<String> {
    if let Some(id) = container.image_id {
        let name = crate::startup::base_name(&cx.delivery[id]);
        return (!name.is_empty()).then(|| name.to_ascii_lowercase());
    }
    container.named.as_ref().map(|reference| reference.name().to_ascii_lowercase())
}

/// Whether a container keeps data.
pub(crate) fn is_store(container: &Container) -> bool {
    matches!(container.keeps, Some(Kind::Store))
}

/// The verdict over the production containers that are no service's; `none` says of what the
/// question is asked where there is no such container.
pub(crate) fn of_no_service(
    cx: &Cx<'_>,
    none: &str,
    judge: impl Fn(ContainerSubject<'_>) -> Option<Verdict>,
) -> Verdict {
    let others = cx.containers_of_no_service();
    let judged: Vec<_> = others
        .iter()
        .filter_map(|container| Some((Arc::clone(&container.label), judge(*container)?)))
        .collect();
    match others.first().filter(|_| !judged.is_empty()) {
        Some(first) => crate::driver::join(judged, none, first.span),
        None => Verdict::not_applicable(
            format!("does not apply: nothing here {none}"),
            Evidence::missing_file(".", "no such container"),
        ),
    }
}

/// The production containers whose image is named by a variable and not built here, with
/// their projects and the place of that name.
pub(crate) fn variable_images<'a>(cx: &Cx<'a>) -> Vec<(&'a Project, &'a Container, Span)> {
    let mut found = Vec::new();
    for composed in projects(cx) {
        for container in composed.containers.into_iter().filter(|c| c.build.is_none()) {
            let written = container.image.span().filter(|at| {
                // Its place is that of the text as it stands in the file.
                cx.text_of(*at).is_some_and(|text| text.contains('$'))
            });
            found.extend(written.map(|at| (composed.project, container, at)));
        }
    }
    found
}

/// Whether a container's name says that it does one thing and ends.
pub(crate) fn is_called_a_job(container: &Container) -> bool {
    const NAMES: [&str; 7] =
        ["migrate", "migration", "migrations", "migrator", "init", "seed", "seeder"];
    let name = container.name.to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| NAMES.contains(&word))
}

/// Whether a script of the repository deploys to a swarm.
pub(crate) fn has_swarm(cx: &Cx<'_>) -> bool {
    let deploys = |command: &Command| {
        command.program() == "docker"
            && matches!(command.args(), [a, b, ..] if a == "stack" && (b == "deploy" || b == "up"))
    };
    let programs = || cx.delivery.programs.iter();
    cx.once(|once| &once.has_swarm, || programs().flat_map(|program| program.calls()).any(deploys))
}

/// How a database archives its log: by its command, or by a file of the tree that is mounted into it.
pub(crate) fn archive_command(cx: &Cx<'_>, container: &Container) -> Option<(String, Span)> {
    const MAX_LEN: u64 = 256 * 1024;
    let words = container.command.iter().flat_map(|command| &command.words);
    let mut told = words.filter(|(word, _)| word.contains("archive_command"));
    if let Some((word, at)) = told.next() {
        return Some((word.clone(), *at));
    }
    let files = container.mounts.iter().filter_map(|mount| mount.tree_path.as_deref());
    files.filter(|path| path.ends_with(".conf")).find_map(|path| {
        let file = cx.delivery.tree.find(path)?;
        let end = Some(cx.delivery.tree.entry(file).len).filter(|len| *len <= MAX_LEN)?;
        let text = cx.text_of(Span::new(file, TextRange::new(0, u32::try_from(end).ok()?)))?;
        let mut offset = 0;
        text.split_inclusive('\n').find_map(|line| {
            let start = offset;
            offset += line.len();
            let range = TextRange::of(start, start + line.trim_end().len());
            let sets = line.trim_start().starts_with("archive_command");
            sets.then(|| (line.trim().to_owned(), Span::new(file, range)))
        })
    })
}
