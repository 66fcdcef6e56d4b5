//! What fixes of compose projects as wholes share: a network for datastores, secrets as files.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::container::{Container, EnvValue, EnvVar};
use plimsoll_model::mend::Data;
use plimsoll_source::{Edit, FileId, Span, TextRange};

use super::{document, is_compose};
use crate::composed::{self, Composed};
use crate::{Cx, delivered};

/// The network that datastores get, unless there is one of that name.
const NETWORK: &str = "data";
/// The longest file mounted into a container that is looked through for a name.
const MAX_CONFIG: u64 = 256 * 1024;

/// The edits that move a project's datastores to a network of their own, which reaches nothing outside,
/// and the containers that join it though nothing says that they need it.
pub(crate) struct Separated {
    pub(crate) edits: Vec<Edit>,
    pub(crate) unsure: Vec<String>,
}

/// Moves the datastores of a project whose containers all share one network to a network of their own.
/// Whoever is seen to speak to one joins it, and whoever may; what is known not to stays outside.
///
/// `None` where that would cut a connection, or might: a datastore is published, is found by a proxy's
/// labels, or is reached by a proxy; a network is named by a script; files are merged.
pub(crate) fn separated(cx: &Cx<'_>, composed: &Composed<'_>) -> Option<Separated> {
    let project = composed.project;
    let [file] = project.files[..] else { return None };
    // All of the project's, those for developers too: they speak to the datastores as well.
    let of_project = |c: &&Container| composed.containers.iter().any(|own| own.kind == c.kind);
    let all: Vec<&Container> = cx.delivery.containers.iter().filter(of_project).collect();
    let plain = |c: &Container| {
        c.file == file
            && c.overlays.is_empty()
            && c.optional.is_empty()
            && c.open.is_none()
            && c.engine.networks.is_empty()
            && c.engine.network_mode.is_absent()
    };
    let named = project.networks.is_empty() && !project.in_part && !names_network(cx);
    if !named || !all.iter().all(|c| plain(c)) {
        return None;
    }
    let (stores, others): (Vec<&Container>, Vec<&Container>) =
        all.into_iter().partition(|c| composed::is_store(c));
    let movable = |c: &Container| {
        let alone = c.ports.iter().all(|port| port.host.is_none());
        // What is built here may reach out, which nobody sees; what a proxy finds by labels, it needs.
        alone && c.build.is_none() && c.image_id.is_none() && c.engine.labels.is_empty()
    };
    if stores.is_empty() || !stores.iter().all(|c| movable(c)) {
        return None;
    }
    let document = document(cx, file)?;
    let block = |c: &Container| document.map_at(c.span);
    let (mut edits, mut unsure) = (Vec::new(), Vec::new());
    for store in &stores {
        edits.extend(document.set(block(store)?, "networks", &Data::list(&[NETWORK]))?);
    }
    for other in others {
        let speaks = stores.iter().any(|store| speaks_to(cx, other, store));
        if composed::is_proxy(cx, other) {
            // A door to the datastores is what must not be, and what this project has.
            if speaks {
                return None;
            }
            continue;
        }
        if !speaks && other.image_id.is_none() && super::containers::is_known(other) {
            continue;
        }
        if !speaks {
            unsure.push(other.name.clone());
        }
        let both = Data::list(&["default", NETWORK]);
        edits.extend(document.set(block(other)?, "networks", &both)?);
    }
    let network = Data::map(NETWORK, Data::map("internal", Data::scalar("true")));
    edits.extend(document.set_section("networks", &network)?);
    Some(Separated { edits, unsure })
}

/// Whether a script joins a container to a network by its name: that of a project, mostly.
fn names_network(cx: &Cx<'_>) -> bool {
    cx.delivery.programs.iter().flat_map(|program| program.calls()).any(|command| {
        let joins = |word: &String| word.starts_with("--network") || word.starts_with("--net=");
        command.program() == "docker" && command.args().iter().any(joins)
    })
}

/// Whether a container is seen to speak to another: it waits for it, or something that it is given
/// holds its name.
fn speaks_to(cx: &Cx<'_>, container: &Container, other: &Container) -> bool {
    let mut names: Vec<&str> = vec![&other.name];
    names.extend(other.engine.container_name.known().map(String::as_str));
    names.extend(other.engine.aliases.iter().map(String::as_str));
    // Who waits for the other way around is spoken to, perhaps.
    let waits = |one: &Container, two: &Container| {
        one.depends_on.iter().any(|needed| needed.service == two.name)
    };
    if waits(container, other) || waits(other, container) || !container.engine.links.is_empty() {
        return true;
    }
    // What a file that is not here says is not known.
    if delivered::unread_variables(container).is_some() {
        return true;
    }
    given(cx, container).iter().any(|text| names.iter().any(|name| holds(text, name)))
}

/// The texts that a container is given: variables, words of its command, labels, mounted files.
fn given(cx: &Cx<'_>, container: &Container) -> Vec<String> {
    let mut texts: Vec<String> = container.env.iter().flat_map(of_variable).collect();
    let of_files = delivered::from_files(container).filter_map(|(_, _, text)| text);
    texts.extend(of_files.map(str::to_owned));
    let run = container.command.iter().chain(&container.entrypoint);
    texts.extend(run.flat_map(|run| &run.words).map(|(word, _)| word.clone()));
    texts.extend(container.engine.labels.iter().map(|label| label.value.clone()));
    let files = container.mounts.iter().filter_map(|mount| mount.tree_path.as_deref());
    texts.extend(files.filter_map(|path| {
        let file = cx.delivery.tree.find(path)?;
        let len = cx.delivery.tree.entry(file).len;
        let end = u32::try_from(len).ok().filter(|_| len <= MAX_CONFIG)?;
        cx.text_of(Span::new(file, TextRange::new(0, end)))
    }));
    texts
}

fn of_variable(var: &EnvVar) -> Vec<String> {
    match &var.value {
        EnvValue::Literal(text) => vec![text.clone()],
        EnvValue::Interpolated { text, value, .. } => {
            std::iter::once(text.clone()).chain(value.clone()).collect()
        }
        EnvValue::Secret | EnvValue::Elsewhere | EnvValue::Caller => Vec::new(),
    }
}

/// Whether a text holds a name that no longer name swallows.
fn holds(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let after = text.get(at + name.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(part) && !after.is_some_and(part)
        })
}

/// Variables that official images read from a file whose path `…_FILE` gives, in their own entrypoints:
/// repositories (official ones without `library/`) and names.
const FILES: [(&[&str], &[&str]); 4] = [
    (
        &["pgvector/pgvector", "postgis/postgis", "postgres", "timescale/timescaledb"],
        &["POSTGRES_PASSWORD"],
    ),
    (&["mysql"], &["MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"]),
    (
        &["mariadb"],
        &["MARIADB_PASSWORD", "MARIADB_ROOT_PASSWORD", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"],
    ),
    (&["mongo"], &["MONGO_INITDB_ROOT_PASSWORD"]),
];

/// The edits that give secrets to containers as files where their image is known to read them so.
pub(crate) struct AsFiles {
    pub(crate) edits: Vec<Edit>,
    /// The variables that hold the values on the host, which stay what they are.
    pub(crate) sources: BTreeSet<String>,
    /// The files on the host that hold them from then on.
    pub(crate) files: BTreeSet<String>,
    /// What stays a variable because something else reads it: its name, who.
    pub(crate) kept: Vec<(String, &'static str)>,
}

/// Gives containers as files what they get as variables from the caller's environment.
pub(crate) fn as_files(cx: &Cx<'_>, containers: &[&Container]) -> AsFiles {
    let mut all = AsFiles {
        edits: Vec::new(),
        sources: BTreeSet::new(),
        files: BTreeSet::new(),
        kept: Vec::new(),
    };
    // A swarm makes no secret of a variable.
    if composed::has_swarm(cx) {
        return all;
    }
    let mut by_file: BTreeMap<FileId, (Vec<Edit>, BTreeSet<String>)> = BTreeMap::new();
    for container in containers.iter().filter(|c| is_compose(c)) {
        let Some(project) = composed::project_of(cx, container) else { continue };
        let taken = |secret: &str| project.secrets.iter().any(|(known, _, _)| known == secret);
        let mut moved = Vec::new();
        for (var, source) in readable(cx, container) {
            match reader(cx, container, &var.name) {
                Some(who) => all.kept.push((var.name.clone(), who)),
                None if taken(&source.to_ascii_lowercase()) => {}
                None => moved.push((var, source)),
            }
        }
        if let Some(edits) = of_container(cx, container, &moved) {
            let (own, sources) = by_file.entry(container.file).or_default();
            own.extend(edits);
            sources.extend(moved.into_iter().map(|(_, source)| source));
        }
    }
    for (file, (edits, sources)) in by_file {
        let dir = secrets_dir(cx, file);
        let entry = |source: &String| {
            let name = source.to_ascii_lowercase();
            let from = match dir.as_ref().filter(|_| is_read_once(cx, file, source)) {
                Some(dir) => {
                    let path = format!("{dir}/{name}");
                    all.files.insert(path.clone());
                    Data::map("file", Data::scalar(path))
                }
                None => Data::map("environment", Data::scalar(source.clone())),
            };
            (name, from)
        };
        let section = Data::Map(sources.iter().map(entry).collect());
        // Half of it is nothing.
        if let Some(section) = document(cx, file).and_then(|d| d.set_section("secrets", &section)) {
            all.edits.extend(edits);
            all.edits.extend(section);
            all.sources.extend(sources);
        }
    }
    all
}

/// The directory in which a compose file has its other secrets, as it writes it.
fn secrets_dir(cx: &Cx<'_>, file: FileId) -> Option<String> {
    let mut projects = cx.delivery.projects.iter().filter(|project| project.files[..] == [file]);
    let (_, _, at) = projects.find_map(|p| p.secrets.iter().find(|(_, path, _)| path.is_some()))?;
    let text = cx.text_of(*at)?;
    let (_, path) = text.split_once("file:")?;
    let path = path.trim_start().split(['\n', '}', ',', '#']).next()?.trim();
    let (dir, _) = path.trim_matches(['"', '\'']).rsplit_once('/')?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"./_-".contains(&b);
    (dir.starts_with("./") && dir.bytes().all(plain)).then(|| dir.to_owned())
}

/// Whether nothing but one place in a compose file, and nothing else, reads a variable of the caller.
fn is_read_once(cx: &Cx<'_>, file: FileId, name: &str) -> bool {
    let whole = |file: FileId| {
        let len = cx.delivery.tree.entry(file).len;
        let end = u32::try_from(len).ok().filter(|_| len <= MAX_CONFIG)?;
        cx.text_of(Span::new(file, TextRange::new(0, end)))
    };
    let reads = |text: &str| {
        text.matches(&format!("${{{name}")).count() + text.matches(&format!("${name}")).count()
    };
    let others = cx.delivery.containers.iter().map(|container| container.file);
    let others: BTreeSet<FileId> = others.filter(|other| *other != file).collect();
    whole(file).is_some_and(|text| reads(&text) == 1)
        && others.into_iter().all(|other| whole(other).is_some_and(|text| reads(&text) == 0))
}

/// The variables of a container that its image reads from files, too, with the variable of the caller
/// whose value each is.
fn readable<'a>(cx: &Cx<'_>, container: &'a Container) -> Vec<(&'a EnvVar, String)> {
    let image = container.named.as_ref().filter(|i| i.registry == "docker.io");
    let repository = image.map_or("", |image| &image.repository);
    let name = repository.strip_prefix("library/").unwrap_or(repository);
    let known = FILES.iter().find(|(images, _)| images.contains(&name)).map(|(_, names)| *names);
    // The image's entrypoint has to run, and what it runs has to be the server. Compose copies such
    // secrets into the container's root, which must not be read-only.
    let shell = |word: &str| matches!(word.rsplit('/').next(), Some("sh" | "bash"));
    let command = container.command.as_ref();
    let own = command.is_none_or(|c| !c.shell && !c.words.first().is_some_and(|(w, _)| shell(w)));
    let plain = container.entrypoint.is_none()
        && container.build.is_none()
        && container.open.is_none()
        && container.overlays.is_empty()
        && container.read_only.known() != Some(&true);
    let Some(names) = known.filter(|_| own && plain) else { return Vec::new() };
    let of_caller = |var: &'a EnvVar| match &var.value {
        EnvValue::Caller => Some((var, var.name.clone())),
        EnvValue::Interpolated { refs, around, .. } if around.is_empty() => match &refs[..] {
            // A default is known to everyone, and would be lost.
            [(source, default)] => {
                let required = |text: &String| format!("${{{source}:?{text}}}");
                let written = cx.text_of(var.value_span).unwrap_or_default();
                let same = default.as_ref().is_none_or(|text| written.contains(&required(text)));
                same.then(|| (var, source.clone()))
            }
            _ => None,
        },
        _ => None,
    };
    container.env.iter().filter(|var| names.contains(&&*var.name)).filter_map(of_caller).collect()
}

/// Who else reads a variable of a container by its name.
fn reader(cx: &Cx<'_>, container: &Container, name: &str) -> Option<&'static str> {
    let mounted = container.mounts.iter().filter_map(|mount| mount.tree_path.as_deref());
    let scripts = cx.delivery.tree.entries().filter(|(_, entry)| {
        mounted.clone().any(|path| {
            entry.path.strip_prefix(path).is_some_and(|r| r.is_empty() || r.starts_with('/'))
        })
    });
    let whole = |file: FileId| {
        let len = cx.delivery.tree.entry(file).len;
        let end = u32::try_from(len).ok().filter(|_| len <= MAX_CONFIG)?;
        cx.text_of(Span::new(file, TextRange::new(0, end)))
    };
    // `$$NAME` in a health check or command is the container's own.
    let descriptor = whole(container.file).unwrap_or_default();
    if ["$${", "$$"].iter().any(|lead| descriptor.contains(&format!("{lead}{name}"))) {
        return Some("its health check or command");
    }
    let mut files = scripts.map(|(file, _)| file);
    if files.any(|file| whole(file).is_some_and(|text| holds(&text, name))) {
        return Some("a file that is mounted into it");
    }
    let mut programs = cx.delivery.programs.iter().filter(|p| p.purpose.is_production());
    let called = programs.any(|p| whole(p.file).is_some_and(|text| holds(&text, name)));
    called.then_some("a script")
}

/// The edits within a container: its variables name files, which are its secrets.
fn of_container(
    cx: &Cx<'_>,
    container: &Container,
    moved: &[(&EnvVar, String)],
) -> Option<Vec<Edit>> {
    let secrets: BTreeSet<String> =
        moved.iter().map(|(_, source)| source.to_ascii_lowercase()).collect();
    let names: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let document = document(cx, container.file).filter(|_| !names.is_empty())?;
    let block = document.map_at(container.span)?;
    let mut edits = document.set(block, "secrets", &Data::list(&names))?;
    for (var, source) in moved {
        let (key, secret) = (format!("{}_FILE", var.name), source.to_ascii_lowercase());
        edits.push(document.rewrite_entry(var.span, &key, &format!("/run/secrets/{secret}"))?);
    }
    Some(edits)
}
