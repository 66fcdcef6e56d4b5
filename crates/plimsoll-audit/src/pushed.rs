//! Images that pipelines push, by their names and tags, and where compose deploys them.

use std::collections::BTreeMap;

use plimsoll_model::container::Container;
use plimsoll_model::pipeline::{Job, JobStep};
use plimsoll_model::reference::ImageRef;
use plimsoll_source::Span;

use crate::{Cx, releasing, workflows};

/// The tags that pipelines push of one image.
#[derive(Default)]
pub(crate) struct Pushed {
    /// Those that are written out, with their places.
    pub(crate) tags: Vec<(String, Span)>,
    /// Where others are pushed that are computed.
    pub(crate) computed: Option<Span>,
}

/// A container of compose whose image a pipeline pushes.
pub(crate) struct Deployed {
    /// The image's place.
    pub(crate) at: Span,
    /// The tag that is deployed; `None` for a digest or what is not known.
    pub(crate) tag: Option<String>,
    /// The image's name without registry and tag.
    pub(crate) name: String,
    /// What is pushed under that name.
    pub(crate) pushed: Pushed,
}

/// A reference as written in a pipeline: its repository where that is known, and its tag where that is.
fn split(text: &str) -> Option<(String, Option<String>)> {
    let dynamic = |text: &str| text.contains(['$', '`']);
    let text = text.trim().trim_matches(['"', '\'']);
    let last = text.rfind('/').map_or(0, |at| at + 1);
    let colon = text.get(last..)?.find(':').map(|at| last + at);
    let (name, tag) = match colon {
        Some(at) => (text.get(..at)?, Some(text.get(at + 1..)?)),
        None => (text, None),
    };
    if dynamic(name) || name.is_empty() {
        return None;
    }
    let reference = ImageRef::parse(name)?;
    let tag = match tag {
        Some(tag) if dynamic(tag) => None,
        tag => Some(tag.unwrap_or("latest").to_owned()),
    };
    Some((format!("{}/{}", reference.registry, reference.repository), tag))
}

/// What pipelines push, by registry and repository.
fn all(cx: &Cx<'_>) -> BTreeMap<String, Pushed> {
    let mut found: BTreeMap<String, Pushed> = BTreeMap::new();
    let mut add = |text: &str, at: Span| {
        let Some((name, tag)) = split(text) else { return };
        let pushed = found.entry(name).or_default();
        match tag {
            Some(tag) => pushed.tags.push((tag, at)),
            None => pushed.computed = pushed.computed.or(Some(at)),
        }
    };
    for (_, job, step) in workflows::steps(workflows::started(cx)) {
        for (text, at) in of_action(job, step) {
            add(&text, at);
        }
        for command in &step.commands {
            let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["docker" | "podman" | "buildah", "push", rest @ ..]
                | ["docker", "image", "push", rest @ ..] => {
                    let name = rest.iter().rfind(|word| !word.starts_with('-'));
                    name.into_iter().for_each(|name| add(name, command.span));
                }
                ["docker", rest @ ..] if rest.contains(&"--push") => {
                    for (at, word) in rest.iter().enumerate() {
                        let next = rest.get(at + 1).copied();
                        let value = match *word {
                            "-t" | "--tag" => next,
                            word => word.strip_prefix("--tag="),
                        };
                        value.into_iter().for_each(|value| add(value, command.span));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// Whether a step of `docker/build-push-action` pushes what it builds; `None` for other steps.
pub(crate) fn pushes(step: &JobStep) -> Option<bool> {
    workflows::action(step).filter(|action| *action == "docker/build-push-action")?;
    let input = |key| workflows::input(step, key).map(|(value, _)| value);
    let output = |value: &str| value.contains("push=true") || value.contains("type=registry");
    Some(
        input("push").is_some_and(|value| value != "false") || input("outputs").is_some_and(output),
    )
}

/// The references that an action pushes.
fn of_action(job: &Job, step: &JobStep) -> Vec<(String, Span)> {
    if pushes(step) != Some(true) {
        return Vec::new();
    }
    let Some((tags, at)) = workflows::input(step, "tags") else { return Vec::new() };
    let mut found = Vec::new();
    for tag in tags.split(['\n', ',']).map(str::trim).filter(|tag| !tag.is_empty()) {
        if !tag.contains("steps.") {
            found.push((tag.to_owned(), at));
            continue;
        }
        // `docker/metadata-action` names the images, and computes their tags.
        let metas = job.steps.iter().filter(|step| {
            workflows::action(step).is_some_and(|action| action == "docker/metadata-action")
        });
        for (images, _) in metas.filter_map(|meta| workflows::input(meta, "images")) {
            let names = images.split(['\n', ',']).map(str::trim).filter(|name| !name.is_empty());
            let bare = names.map(|name| name.strip_prefix("name=").unwrap_or(name));
            found.extend(bare.map(|name| (format!("{name}:$tag"), at)));
        }
    }
    found
}

/// Containers of compose whose image a pipeline pushes, with the tags that it pushes.
pub(crate) fn deployed(cx: &Cx<'_>) -> Vec<Deployed> {
    let mut all = all(cx);
    if all.is_empty() {
        return Vec::new();
    }
    let of = |container: &Container| {
        let (image, at) = (container.image.known()?, container.image.span()?);
        let reference = ImageRef::parse(image)?;
        let key = format!("{}/{}", reference.registry, reference.repository);
        container.build.is_none().then_some((key, reference, at))
    };
    let mut found = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (key, reference, at) in releasing::composed(cx).filter_map(of) {
        let Some(pushed) = all.get_mut(&key).filter(|_| seen.insert(at)) else { continue };
        let tag = match reference.digest {
            Some(_) => None,
            None => Some(reference.tag.unwrap_or_else(|| "latest".to_owned())),
        };
        let pushed = Pushed { tags: pushed.tags.clone(), computed: pushed.computed };
        found.push(Deployed { at, tag, name: reference.repository, pushed });
    }
    found
}
