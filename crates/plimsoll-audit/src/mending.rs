//! What fixes share: keys of containers, words of a RUN, and what the result is worth.

pub(crate) mod compose;
pub(crate) mod containers;
pub(crate) mod delivery;
pub(crate) mod pins;
pub(crate) mod published;
pub(crate) mod resolved;
pub(crate) mod scripts;
pub(crate) mod unfixed;
pub(crate) mod workflows;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plimsoll_model::container::{Container, ContainerKind};
use plimsoll_model::image::{Effect, Image, Run, Stage};
use plimsoll_model::mend::{Data, shell, yaml};
use plimsoll_model::purpose::Purpose;
use plimsoll_source::{Edit, FileId, Patch, Span};

use crate::evidence::{Evidence, Place, Role};
use crate::{Cx, Finding, Fix, Safety, ServiceSubject, Snippet};

impl Fix {
    /// A fix that makes these edits; where there are none, its snippet is left to a human.
    pub(crate) fn of_edits(
        does: impl Into<Cow<'static, str>>,
        safety: Safety,
        snippet: Option<Snippet>,
        edits: Vec<Edit>,
    ) -> Self {
        let patch = (!edits.is_empty()).then(|| Patch { edits, ..Patch::default() });
        let safety = if patch.is_some() { safety } else { Safety::Sketch };
        Self { does: does.into(), safety, snippet, patch }
    }
}

impl Fix {
    /// The same for a human, who knows what is missing.
    pub(crate) fn into_sketch(self) -> Self {
        Self { safety: Safety::Sketch, patch: None, ..self }
    }
}

/// What fixes of one report look at again and again. A compose file of a thousand services is parsed
/// once, not for each of its findings.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    documents: Mutex<BTreeMap<FileId, Option<Arc<yaml::Document>>>>,
    /// Contexts, and whether an ignore file would keep out something of the repository.
    contexts: Mutex<BTreeMap<String, bool>>,
    /// What is known from outside of the tree.
    resolved: resolved::Resolved,
    /// What would have to be.
    open: Mutex<BTreeSet<resolved::Question>>,
}

/// A panic while it was held has left it whole: what is looked at is only ever added.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A YAML file to be changed; `None` where it does not parse.
pub(crate) fn document(cx: &Cx<'_>, file: FileId) -> Option<Arc<yaml::Document>> {
    let open = || yaml::open(&cx.delivery.tree, file).map(Arc::new);
    let Some(looked) = cx.looked else { return open() };
    let mut documents = lock(&looked.documents);
    documents.entry(file).or_insert_with(open).clone()
}

/// What holds of a build context, asked once.
pub(crate) fn of_context(cx: &Cx<'_>, context: &str, ask: impl FnOnce() -> bool) -> bool {
    let Some(looked) = cx.looked else { return ask() };
    let mut contexts = lock(&looked.contexts);
    match contexts.get(context) {
        Some(known) => *known,
        None => *contexts.entry(context.to_owned()).or_insert(ask()),
    }
}

/// Lets the block of a container have these keys; `None` where its file cannot be edited so.
pub(crate) fn set(cx: &Cx<'_>, container: &Container, keys: &[(&str, Data)]) -> Option<Vec<Edit>> {
    // What its path says to be for developers or tests is theirs, even where nothing else deploys it.
    let path = cx.path(container.file);
    if container.open.is_some() || !Purpose::of_path(path).is_production() {
        return None;
    }
    let document = document(cx, container.file)?;
    let block = document.map_at(container.span)?;
    let set = keys.iter().map(|(key, data)| document.set(block, key, data));
    Some(set.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The edits that set keys in each production container of a service for which `keys` names some.
/// Containers that cannot be edited are left out.
pub(crate) fn set_in_each<'k>(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    keys: impl Fn(&Container) -> Vec<(&'k str, Data)>,
) -> Vec<Edit> {
    let containers: Vec<&Container> =
        service.containers.iter().map(|&id| &cx.delivery[id]).collect();
    set_in(cx, &containers, keys)
}

/// The same in these containers.
pub(crate) fn set_in<'k>(
    cx: &Cx<'_>,
    containers: &[&Container],
    keys: impl Fn(&Container) -> Vec<(&'k str, Data)>,
) -> Vec<Edit> {
    let edits = containers.iter().filter_map(|container| {
        let keys = together(keys(container));
        if keys.is_empty() { None } else { set(cx, container, &keys) }
    });
    edits.flatten().collect()
}

/// Keys, each once: what several put below the same one (`securityContext`) stands there together.
fn together(keys: Vec<(&str, Data)>) -> Vec<(&str, Data)> {
    let mut all: Vec<(&str, Data)> = Vec::new();
    for (key, data) in keys {
        let before = all.iter_mut().find(|(other, _)| *other == key);
        match (before, data) {
            (Some((_, Data::Map(entries))), Data::Map(more)) => entries.extend(more),
            (_, data) => all.push((key, data)),
        }
    }
    all
}

/// Takes out of their YAML files the entries and items that a finding's evidence stands on, as far as
/// it is not accepted.
pub(crate) fn take_out(
    cx: &Cx<'_>,
    finding: &Finding,
    does: impl Into<Cow<'static, str>>,
    safety: Safety,
) -> Option<Fix> {
    let edits = in_places(cx, finding, |document, at| document.remove(at));
    Some(Fix::of_edits(does, safety, None, edits)).filter(|fix| fix.patch.is_some())
}

/// What becomes of the places in YAML files that contradict a finding's check and are not accepted,
/// each once.
pub(crate) fn in_places(
    cx: &Cx<'_>,
    finding: &Finding,
    mut make: impl FnMut(&yaml::Document, Span) -> Option<Edit>,
) -> Vec<Edit> {
    let places: BTreeSet<Span> = against(finding).collect();
    let edits = places.into_iter().filter_map(|at| {
        let own = Purpose::of_path(cx.path(at.file)).is_production();
        make(&*document(cx, at.file).filter(|_| own)?, at)
    });
    // Two places may have one entry in common.
    edits.collect::<BTreeSet<Edit>>().into_iter().collect()
}

/// The places that contradict a finding's check and are not accepted.
pub(crate) fn against(finding: &Finding) -> impl Iterator<Item = Span> + '_ {
    let open = |e: &&Evidence| e.role == Role::Contradicts && e.waived.is_none();
    finding.evidence.iter().filter(open).filter_map(|e| match e.place {
        Place::Span(span) => Some(span),
        _ => None,
    })
}

/// Whether compose describes a container.
pub(crate) const fn is_compose(container: &Container) -> bool {
    matches!(container.kind, ContainerKind::Compose { .. })
}

/// The words of the command behind an effect, with their places.
pub(crate) fn words(run: &Run, effect: &Effect) -> Option<Vec<(String, Span)>> {
    shell::words(&run.text, &run.script, effect.span)
}

/// Whether a stage is for developers or tests, by its name.
pub(crate) fn is_for_developers(stage: &Stage) -> bool {
    let names = ["dev", "develop", "development", "debug", "test", "tests", "testing", "local"];
    stage.name.as_deref().is_some_and(|name| names.contains(&name))
}

/// Whether an image holds a program for sure.
pub(crate) fn has(cx: &Cx<'_>, image: &Image, tool: &str) -> bool {
    cx.delivery.has_tool(image, tool).known() == Some(&true)
}

/// Whether the process of an image is known not to be root.
pub(crate) fn is_unprivileged(image: &Image) -> bool {
    let runs_as = image.target.and_then(|stage| plimsoll_model::user::runs_as(image, stage));
    runs_as.is_some_and(|runs_as| runs_as.is_root() == Some(false))
}

/// What a human would write where a finding stands, or at the service's first compose file.
pub(crate) fn sketched(
    cx: &Cx<'_>,
    finding: &Finding,
    does: &'static str,
    language: &'static str,
    text: impl Into<String>,
) -> Option<Fix> {
    let file = against(finding).next()?.file;
    Some(Fix::of_edits(does, Safety::Sketch, snippet(cx.path(file), language, text), Vec::new()))
}

/// The variables that a service's compose file would have to give: each has to be set by who starts it.
pub(crate) fn variables(cx: &Cx<'_>, finding: &Finding, names: &BTreeSet<&str>) -> Option<Fix> {
    let service = cx.service_of(finding)?;
    let containers = service.containers.iter().map(|&id| &cx.delivery[id]);
    let container = containers.into_iter().find(|container| is_compose(container))?;
    let lines = names.iter().map(|name| format!("      {name}: ${{{name}:?}}\n"));
    let text = format!(
        "services:\n  {}:\n    environment:\n{}",
        container.name,
        lines.collect::<String>()
    );
    let does = "give it what it reads; who starts it sets the values";
    let snippet = snippet(cx.path(container.file), "yaml", text);
    (!names.is_empty()).then(|| Fix::of_edits(does, Safety::Sketch, snippet, Vec::new()))
}

/// What a service's containers are, in words: for the last part of what a fix does.
pub(crate) fn snippet(
    path: &str,
    language: &'static str,
    text: impl Into<String>,
) -> Option<Snippet> {
    Some(Snippet { path: path.to_owned(), language, text: text.into() })
}
