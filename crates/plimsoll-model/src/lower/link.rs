//! Links: who builds which Dockerfile from which context, and which ignore file is then read.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::{Span, Tree};
use plimsoll_syntax::ignorefile;

use super::Hints;
use super::cx::Cx;
use crate::container::{Container, ContainerKind, EnvValue, Mount, MountKind};
use crate::fact::{Fact, How, Why};
use crate::image::{
    Base, BuildArg, BuildRef, Builder, Copy, CopyFrom, CopySource, Ignore, Image, StepKind,
};
use crate::purpose::{Purpose, PurposeKind};
use crate::reference::ImageRef;
use crate::{ContainerId, ImageId, datastore, path};

/// The most services that share one Dockerfile.
const MAX_SHARED: usize = 128;

/// A call that builds an image, from wherever it is written.
pub(super) struct BuildCall {
    pub(super) by: Builder,
    pub(super) span: Span,
    /// The context directory, relative to the root.
    pub(super) context: Fact<String>,
    /// The Dockerfile, relative to the root.
    pub(super) dockerfile: Fact<String>,
    pub(super) target: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) args: Vec<BuildArg>,
}

/// Gives every image its builders, its target, its context and its ignore file. A Dockerfile that
/// is built to several targets or from several contexts becomes several images.
pub(super) fn images(
    cx: &Cx<'_>,
    images: Vec<Image>,
    calls: Vec<BuildCall>,
    hints: &Hints,
) -> Vec<Image> {
    let mut by_dockerfile: BTreeMap<String, Vec<BuildCall>> = BTreeMap::new();
    for call in calls {
        if let Some(path) = call.dockerfile.known() {
            by_dockerfile.entry(path.clone()).or_default().push(call);
        }
    }
    let mut linked = Vec::new();
    for image in images {
        let calls = by_dockerfile.remove(&image.path).unwrap_or_default();
        let shared = Shared::of(cx.tree, &image, &calls);
        linked.extend(split(image, calls, shared.as_ref()));
    }
    for image in &mut linked {
        let dir = image.path.rsplit_once('/').map_or("", |(dir, _)| dir);
        let hinted = hints.services.iter().rev().filter(|hint| hint.dir.as_deref() == Some(dir));
        if let Some(context) = hinted.filter_map(|hint| hint.context.as_ref()).next()
            && image.context.known().is_none()
        {
            image.context = Fact::inferred(context.clone(), image.stages.first().map(|s| s.from));
        }
        if image.context.is_absent() {
            image.context = infer_context(cx.tree, image);
        }
        image.ignore = ignore(cx, image);
        super::image::share(cx, image);
    }
    linked
}

/// What tells the services apart that share a Dockerfile: an argument that is part of a path in it,
/// and for each of its values the directory that it names.
struct Shared {
    argument: String,
    dirs: BTreeMap<String, String>,
}

impl Shared {
    /// `ARG SERVICE` with `WORKDIR /app/services/$SERVICE`, built with several values, each the name
    /// of one directory of the context that holds a program: no version, mode or port is.
    fn of(tree: &Tree, image: &Image, calls: &[BuildCall]) -> Option<Self> {
        let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for arg in calls.iter().flat_map(|call| &call.args) {
            if let Some(value) = arg.value.known() {
                values.entry(&arg.name).or_default().insert(value);
            }
        }
        values.retain(|name, values| {
            (2..=MAX_SHARED).contains(&values.len()) && is_in_path(image, name)
        });
        let asked: BTreeSet<&str> = values.values().flatten().copied().collect();
        if asked.is_empty() {
            return None;
        }
        let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (_, entry) in tree.entries() {
            let Some((dir, file)) = entry.path.rsplit_once('/') else { continue };
            let name = dir.rsplit('/').next().unwrap_or(dir);
            if asked.contains(name) && is_program(file) && !super::package::vendored(dir) {
                found.entry(name).or_default().insert(dir);
            }
        }
        let one = |value: &str| {
            let mut dirs = found.get(value)?.iter();
            let dir = dirs.next().filter(|_| dirs.next().is_none())?;
            Some((value.to_owned(), (*dir).to_owned()))
        };
        values.into_iter().find_map(|(name, values)| {
            let dirs: Option<BTreeMap<_, _>> = values.into_iter().map(one).collect();
            Some(Self { argument: name.to_owned(), dirs: dirs? })
        })
    }

    /// The directory that a build is about.
    fn dir(&self, call: &BuildCall) -> Option<&String> {
        let arg = call.args.iter().rfind(|arg| arg.name == self.argument)?;
        self.dirs.get(arg.value.known()?)
    }
}

/// Whether an instruction of the Dockerfile has the argument in a path, as a part of its own.
fn is_in_path(image: &Image, name: &str) -> bool {
    let (braced, plain) = (format!("/${{{name}}}"), format!("/${name}"));
    image.syntax.instructions.iter().any(|instruction| {
        let text = String::from_utf8_lossy(instruction.args.text());
        let whole = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        text.contains(&braced) || text.split(&plain).skip(1).any(whole)
    })
}

/// Whether a file makes a program of its directory.
fn is_program(file: &str) -> bool {
    const FILES: [&str; 9] = [
        "package.json",
        "main.go",
        "go.mod",
        "Cargo.toml",
        "pyproject.toml",
        "requirements.txt",
        "pom.xml",
        "main.py",
        "composer.json",
    ];
    FILES.contains(&file) || file.ends_with(".csproj")
}

/// One image for each distinct (target, context, service) that is asked for.
fn split(image: Image, calls: Vec<BuildCall>, shared: Option<&Shared>) -> Vec<Image> {
    let mut variants: Vec<Image> = Vec::new();
    // Calls that leave a context open come last, so that they join one that names it.
    let (sure, unsure): (Vec<_>, Vec<_>) =
        calls.into_iter().partition(|c| c.context.known().is_some());
    for call in sure.into_iter().chain(unsure) {
        let target = match &call.target {
            None => image.stages.len().checked_sub(1),
            Some(name) => {
                let lower = name.to_lowercase();
                let named = image.stages.iter().rposition(|s| s.name.as_deref() == Some(&lower));
                named.or_else(|| name.parse().ok().filter(|&i: &usize| i < image.stages.len()))
            }
        };
        let dir = shared.and_then(|shared| shared.dir(&call));
        // Which of the services a build without the argument is about is not known.
        if shared.is_some() && dir.is_none() {
            continue;
        }
        let at = variants.iter().position(|v| {
            v.target == target
                && v.shared.as_ref() == dir
                && (call.context.known().is_none() || v.context.known() == call.context.known())
        });
        let at = at.unwrap_or_else(|| {
            let mut variant = image.clone();
            variant.target = target;
            variant.shared = dir.cloned();
            variant.context = match &call.context {
                Fact::Unknown(..) if call.context.known().is_none() => call.context.clone(),
                context => context.clone(),
            };
            variants.push(variant);
            variants.len() - 1
        });
        let variant = &mut variants[at];
        variant.names.extend(call.tags);
        variant.build_args.extend(call.args);
        variant.builds.push(BuildRef { span: call.span, by: call.by, context: call.context });
    }
    if variants.is_empty() {
        variants.push(image);
    }
    for variant in &mut variants {
        variant.names.sort();
        variant.names.dedup();
        super::image::pass_arguments(variant);
    }
    variants
}

/// The context that nobody names: the directory, from the Dockerfile's upwards, in which most of
/// the COPY sources exist; the Dockerfile's own where none tells it from the others.
fn infer_context(tree: &Tree, image: &Image) -> Fact<String> {
    let own = image.path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let sources: Vec<&str> = context_copies(image)
        .flat_map(|copy| &copy.sources)
        .filter(|s| !s.remote && !s.dynamic)
        .map(|s| s.path.trim_start_matches('/').trim_end_matches('/'))
        .filter(|path| !matches!(*path, "" | "."))
        .collect();
    let mut best = (usize::MAX, own);
    let mut dir = own;
    loop {
        let missing = sources.iter().filter(|source| !exists(tree, dir, source)).count();
        if missing < best.0 {
            best = (missing, dir);
        }
        if dir.is_empty() || missing == 0 {
            break;
        }
        dir = dir.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    let at = image.stages.first().map(|s| s.from);
    // When the audited root lies inside a larger work tree, the context may lie above it.
    if best.0 > 0 && tree.outside().is_some() {
        return Fact::Unknown(Why::OutOfTree, at);
    }
    let dir = if best.0 == sources.len() { own } else { best.1 };
    Fact::inferred(dir.to_owned(), at)
}

fn exists(tree: &Tree, dir: &str, source: &str) -> bool {
    let joined = if dir.is_empty() { source.to_owned() } else { format!("{dir}/{source}") };
    let Some(path) = plimsoll_source::normalize_path(&joined) else { return false };
    match path.find(['*', '?', '[']) {
        None => tree.find(&path).is_some() || tree.is_dir(&path),
        Some(wild) => {
            let parent = path[..wild].rsplit_once('/').map_or("", |(dir, _)| dir);
            parent.is_empty() || tree.is_dir(parent)
        }
    }
}

/// The COPY and ADD instructions of the stages that are built that read the context.
pub(super) fn context_copies(image: &Image) -> impl Iterator<Item = &Copy> {
    image.stages.iter().flat_map(|s| &s.steps).filter_map(|step| match &step.kind {
        StepKind::Copy(copy) if copy.from == CopyFrom::Context => Some(&**copy),
        _ => None,
    })
}

/// The ignore file that the builder reads: the Dockerfile's own, else the context root's.
fn ignore(cx: &Cx<'_>, image: &Image) -> Ignore {
    let own = format!("{}.dockerignore", image.path);
    let Some(context) = image.context.known() else {
        return match cx.tree.find(&own) {
            Some(file) => effective(cx, file),
            None => Ignore::Unknown,
        };
    };
    let at_root = if context.is_empty() {
        ".dockerignore".to_owned()
    } else {
        format!("{context}/.dockerignore")
    };
    for path in [&own, &at_root] {
        if let Some(file) = cx.tree.find(path) {
            return effective(cx, file);
        }
    }
    let dir = image.path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let near =
        if dir.is_empty() { ".dockerignore".to_owned() } else { format!("{dir}/.dockerignore") };
    let unread = cx.tree.find(&near).filter(|_| near != at_root);
    Ignore::None { looked: vec![own, at_root], unread }
}

fn effective(cx: &Cx<'_>, file: plimsoll_source::FileId) -> Ignore {
    match cx.text(file, "ignore file") {
        Some(text) => Ignore::Effective { file, patterns: ignorefile::parse(&text) },
        None => Ignore::Unknown,
    }
}

/// The build calls of compose files.
pub(super) fn compose_calls(cx: &Cx<'_>, containers: &[Container]) -> Vec<BuildCall> {
    let mut calls = Vec::new();
    for (index, container) in containers.iter().enumerate() {
        let Some(build) = &container.build else { continue };
        let id = ContainerId(u32::try_from(index).unwrap_or(u32::MAX));
        calls.push(BuildCall {
            by: Builder::Compose(id),
            span: build.span,
            context: build.context.clone(),
            dockerfile: build.dockerfile.clone(),
            target: build.target.as_ref().map(|(name, _)| name.clone()),
            tags: image_name(cx, container).into_iter().collect(),
            args: build.args.iter().map(build_arg).collect(),
        });
    }
    calls
}

/// The name that a container gives to the image that it builds; its tag may be a variable's.
fn image_name(cx: &Cx<'_>, container: &Container) -> Option<String> {
    if let Some(name) = container.image.known() {
        return Some(name.clone());
    }
    let (_, span) = container.image.unknown()?;
    let span = span?;
    let bytes = cx.bytes(span.file).ok()?;
    let written = String::from_utf8_lossy(span.range.slice(&bytes));
    let name = written.trim_matches(['"', '\'']);
    crate::built::named(name).map(|_| name.to_owned())
}

fn build_arg(var: &crate::container::EnvVar) -> BuildArg {
    let value = match &var.value {
        EnvValue::Literal(text) => Fact::declared(text.clone(), var.value_span),
        _ => Fact::Unknown(Why::Dynamic, Some(var.value_span)),
    };
    let refs = match &var.value {
        EnvValue::Interpolated { refs, .. } => refs.iter().map(|(name, _)| name.clone()).collect(),
        _ => Vec::new(),
    };
    BuildArg { name: var.name.clone(), value, refs, span: var.span }
}

/// Gives every container the image of this repository that it runs.
pub(super) fn containers(cx: &Cx<'_>, images: &[Image], containers: &mut [Container]) {
    let mut built: BTreeMap<ContainerId, ImageId> = BTreeMap::new();
    let mut exact: BTreeMap<&str, ImageId> = BTreeMap::new();
    let mut named: BTreeMap<&str, Vec<ImageId>> = BTreeMap::new();
    for (index, image) in images.iter().enumerate() {
        let id = ImageId(u32::try_from(index).unwrap_or(u32::MAX));
        for build in &image.builds {
            if let Builder::Compose(container) = build.by {
                built.insert(container, id);
            }
        }
        for name in &image.names {
            exact.entry(name).or_insert(id);
            named.entry(untagged(name)).or_default().push(id);
        }
    }
    // A descriptor may name an image by its directory's name, where nothing in the tree tags it.
    let mut by_dir: BTreeMap<&str, Vec<ImageId>> = BTreeMap::new();
    for (index, image) in images.iter().enumerate() {
        let id = ImageId(u32::try_from(index).unwrap_or(u32::MAX));
        if let Some((dir, "Dockerfile")) = image.path.rsplit_once('/') {
            by_dir.entry(telling(dir)).or_default().push(id);
        }
    }
    let open: BTreeMap<&str, Vec<ImageId>> = (named.iter())
        .filter(|(name, _)| name.contains("${{"))
        .map(|(name, ids)| (*name, ids.clone()))
        .collect();
    for (index, container) in containers.iter_mut().enumerate() {
        let id = ContainerId(u32::try_from(index).unwrap_or(u32::MAX));
        container.image_id = built.get(&id).copied();
        let image = container.image_id.and_then(|id| images.get(id.0 as usize));
        if let Some(at) =
            mounts_source(container, image).filter(|_| container.purpose.is_production())
        {
            container.purpose = Purpose {
                kind: PurposeKind::Development,
                because: "it mounts its source over what the image holds".to_owned(),
                at: Some(at),
            };
        }
        if container.image_id.is_some() || container.build.is_some() {
            continue;
        }
        let guessed = matches!(&container.image, Fact::Known { how, .. } if !matches!(how, How::Declared | How::Inferred));
        if let Some(value) = image_name(cx, container).filter(|_| !guessed) {
            let name = untagged(&value);
            let last = name.rsplit('/').next().unwrap_or(name);
            let by_forge = || of_forge(&open, name).and_then(|ids| one_of(images, &ids));
            container.image_id = exact
                .get(&*value)
                .copied()
                .or_else(|| named.get(name).and_then(|ids| one_of(images, ids)))
                .or_else(by_forge)
                .or_else(|| by_dir.get(last).and_then(|ids| published(images, ids)));
        }
    }
    modes_of_developers(containers);
}

/// The images that a name means, of those whose names the forge completes: `ghcr.io/${{
/// github.repository }}-api` is `ghcr.io/acme/shop-api`. Of several, those that say most of it.
fn of_forge(open: &BTreeMap<&str, Vec<ImageId>>, name: &str) -> Option<Vec<ImageId>> {
    let found = open.iter().filter_map(|(written, ids)| Some((said(written, name)?, ids)));
    let (_, ids) = found.max_by_key(|(said, _)| *said)?;
    Some(ids.clone())
}

/// How many letters of a name are written out in one that the forge completes, its registry apart,
/// where it can be that name: nothing but the repository's own name tells nothing.
fn said(written: &str, name: &str) -> Option<usize> {
    let (before, rest) = written.split_once("${{")?;
    let (expression, after) = rest.split_once("}}")?;
    let parts = match expression.trim() {
        "github.repository" => 2,
        "github.repository_owner" | "github.event.repository.name" => 1,
        _ => return None,
    };
    let name = name.to_ascii_lowercase();
    let middle = name.strip_prefix(&*before.to_ascii_lowercase())?;
    let middle = middle.strip_suffix(&*after.to_ascii_lowercase())?;
    let own = before.split_once('/').map_or("", |(_, path)| path);
    let is_said = format!("{own}{after}").contains(|c: char| c.is_ascii_alphanumeric());
    let whole = middle.split('/').count() == parts && !middle.split('/').any(str::is_empty);
    (is_said && whole && !after.contains('$')).then_some(own.len() + after.len())
}

/// A container of compose that is set to development, beside one of a cluster that runs the same
/// image: the cluster's is the deployment.
fn modes_of_developers(containers: &mut [Container]) {
    let in_cluster: BTreeSet<ImageId> = containers
        .iter()
        .filter(|c| matches!(c.kind, ContainerKind::Kubernetes { .. }) && !c.job)
        .filter(|c| c.purpose.is_production())
        .filter_map(|c| c.image_id)
        .collect();
    for container in containers {
        let composed = matches!(container.kind, ContainerKind::Compose { .. });
        let beside = container.image_id.is_some_and(|id| in_cluster.contains(&id));
        let Some(at) = develops(container).filter(|_| composed && beside) else { continue };
        if container.purpose.is_production() {
            container.purpose = Purpose {
                kind: PurposeKind::Development,
                because: "its environment says so, and a cluster runs the image".to_owned(),
                at: Some(at),
            };
        }
    }
}

/// Where a container's environment says that it runs for developers.
fn develops(container: &Container) -> Option<Span> {
    const MODES: [&str; 8] = [
        "NODE_ENV",
        "APP_ENV",
        "ENVIRONMENT",
        "RAILS_ENV",
        "FLASK_ENV",
        "DJANGO_ENV",
        "GO_ENV",
        "ASPNETCORE_ENVIRONMENT",
    ];
    let says = |value: &EnvValue| {
        let EnvValue::Literal(text) = value else { return false };
        matches!(text.to_ascii_lowercase().as_str(), "development" | "dev" | "develop" | "local")
    };
    let mut modes = container.env.iter().filter(|var| MODES.contains(&&*var.name));
    modes.find(|var| says(&var.value)).map(|var| var.span)
}

/// What each container's image is, by its name or by the base of what is built here.
pub(super) fn named(cx: &Cx<'_>, images: &[Image], containers: &mut [Container]) {
    let written = |at: Span| {
        let bytes = cx.bytes(at.file).ok()?;
        let text = String::from_utf8_lossy(at.range.slice(&bytes)).into_owned();
        ImageRef::parse_written(text.trim().trim_matches(['"', '\'']))
    };
    for container in containers {
        container.label = format!("{} in {}", container.name, cx.tree.path(container.file)).into();
        container.named = match container.image.known() {
            Some(name) => ImageRef::parse(name),
            None => container.image.span().and_then(written),
        };
        container.keeps = match container.image_id {
            Some(id) => {
                let image = images.get(id.0 as usize);
                let base = image.and_then(|image| image.root_base(image.target?));
                match base.map(|stage| &stage.base) {
                    Some(Base::External(reference)) => datastore::kind(reference),
                    _ => None,
                }
            }
            None => container.named.as_ref().and_then(datastore::kind),
        };
    }
}

/// Of a project with nothing but datastores that are open on the host, beside an image that none of
/// its containers runs: the image runs elsewhere, and the stores are the developers'.
pub(super) fn stores_of_developers(tree: &Tree, images: &[Image], containers: &mut [Container]) {
    let mut projects: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, container) in containers.iter().enumerate() {
        if let ContainerKind::Compose { project } = container.kind {
            projects.entry(project).or_default().push(index);
        }
    }
    for of in projects.values() {
        let all = || of.iter().filter_map(|&index| containers.get(index));
        let is_store = |container: &Container| {
            let reference = container.image.known().and_then(|image| ImageRef::parse(image));
            container.build.is_none()
                && container.image_id.is_none()
                && container.purpose.is_production()
                && reference.as_ref().and_then(datastore::kind).is_some()
        };
        let is_open = |container: &Container| container.ports.iter().any(|p| p.host.is_some());
        let Some(dir) = all().next().map(|first| path::parent(tree.path(first.file)).to_owned())
        else {
            continue;
        };
        let beside = |image: &Image| {
            image.purpose.is_production() && path::below(&dir, &image.path).is_some()
        };
        let stays = |container: &Container| {
            container.restart.known().is_some_and(|restart| restart != "no")
        };
        if !all().all(is_store) || !all().any(is_open) || all().any(stays) {
            continue;
        }
        if !images.iter().any(beside) {
            continue;
        }
        for &index in of {
            let Some(container) = containers.get_mut(index) else { continue };
            container.purpose = Purpose {
                kind: PurposeKind::Development,
                because: "its project has only datastores, and what is built here runs elsewhere"
                    .to_owned(),
                at: Some(container.span),
            };
        }
    }
}

/// Where a container mounts the directory that it is built from over what was built: nobody ships
/// like that.
fn mounts_source(container: &Container, image: Option<&Image>) -> Option<Span> {
    let context = container.build.as_ref()?.context.known()?;
    let mut mounts = container.mounts.iter().filter(|m| m.kind == MountKind::Bind && !m.read_only);
    let hides = |mount: &Mount| image.is_none_or(|image| hides_source(image, &mount.target));
    mounts.find(|m| m.tree_path.as_ref() == Some(context) && hides(m)).map(|m| m.span)
}

/// Whether a directory of an image may hold its source. It does not where all of the context was copied
/// elsewhere: what lies beside the Dockerfile are settings then, mounted where they are read.
fn hides_source(image: &Image, target: &str) -> bool {
    let target = target.trim_end_matches('/');
    let below = |path: &str| {
        path.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let Some(stage) = image.final_stage() else { return true };
    let mut elsewhere = false;
    for step in &stage.steps {
        let StepKind::Copy(copy) = &step.kind else { continue };
        let Some(dest) = copy.dest.known() else { return true };
        if below(dest) {
            return true;
        }
        let whole = |source: &CopySource| matches!(&*source.path, "." | "./" | "/");
        elsewhere |= copy.from == CopyFrom::Context && copy.sources.iter().any(whole);
    }
    !elsewhere || stage.config.workdir.as_deref().is_some_and(below)
}

/// Names of directories that say nothing about what lies in them.
const GENERIC: [&str; 7] = ["src", "app", "docker", "build", "deploy", "code", "scripts"];

/// The last part of a directory's path that says what lies there: `cart/src` is the cart's.
pub(super) fn telling(dir: &str) -> &str {
    let mut parts = dir.rsplit('/').skip_while(|part| GENERIC.contains(part));
    parts.next().or_else(|| dir.rsplit('/').next()).unwrap_or(dir)
}

/// The image that a name without its tag means: of several Dockerfiles' images under one name, the
/// one called `Dockerfile`, where there is just one.
fn one_of(images: &[Image], ids: &[ImageId]) -> Option<ImageId> {
    let path = |id: &ImageId| images.get(id.0 as usize).map(|image| &*image.path);
    let plain = |id: &ImageId| {
        let file = path(id).and_then(|path| path.rsplit('/').next());
        file.is_some_and(|file| file.eq_ignore_ascii_case("Dockerfile"))
    };
    let first = ids.first()?;
    if ids.iter().all(|id| path(id) == path(first)) {
        return Some(*first);
    }
    let mut plains = ids.iter().filter(|id| plain(id));
    let found = plains.next()?;
    plains.all(|id| path(id) == path(found)).then_some(*found)
}

/// What is published of a Dockerfile that is built to several targets: its last stage, unless
/// nobody builds that. Two directories of one name tell nothing.
fn published(images: &[Image], ids: &[ImageId]) -> Option<ImageId> {
    let of = |id: &ImageId| images.get(id.0 as usize);
    let first = ids.first()?;
    if !ids.iter().all(|id| of(id).map(|image| &image.path) == of(first).map(|image| &image.path)) {
        return None;
    }
    let is_last = |id: &&ImageId| {
        of(id).is_some_and(|image| image.target == image.stages.len().checked_sub(1))
    };
    ids.iter().find(is_last).or(Some(first)).copied()
}

/// A reference without tag and digest.
pub(super) fn untagged(reference: &str) -> &str {
    let reference = reference.split('@').next().unwrap_or(reference);
    let name_start = reference.rfind('/').map_or(0, |i| i + 1);
    match reference[name_start..].find(':') {
        Some(colon) => &reference[..name_start + colon],
        None => reference,
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    #[test]
    fn development_beside_a_cluster_is_the_developers() {
        let check = |mode: &str, manifest: &str, production: bool| {
            let compose = format!(
                "services:\n  api:\n    build: api\n    environment: {{APP_ENV: {mode}}}\n"
            );
            let files = [
                ("api/Dockerfile", "FROM node:20\n"),
                ("compose.yaml", &*compose),
                ("k8s/api.yaml", manifest),
            ];
            let delivery = crate::lower::lower(&Tree::from_memory(files));
            let mut composed = delivery.containers.iter().filter(|c| c.build.is_some());
            assert!(composed.all(|c| c.purpose.is_production() == production), "{mode} {manifest}");
        };
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec: {containers: [{name: api, image: 'acme/api:1'}]}\n# containers:\n";
        check("development", pod, false);
        check("production", pod, true);
        check("development", "a: 1\n", true);
        check("development", &pod.replace("acme/api", "acme/web"), true);
    }

    #[test]
    fn what_mounts_its_source_over_the_image_is_the_developers() {
        let check = |dockerfile: &str, mount: &str, production: bool| {
            let compose =
                format!("services:\n  web: {{build: ./web, volumes: ['./web:{mount}']}}\n");
            let dockerfile = format!("FROM node:20\n{dockerfile}");
            let files = [("web/Dockerfile", &*dockerfile), ("compose.yaml", &*compose)];
            let delivery = crate::lower::lower(&Tree::from_memory(files));
            let web = delivery.containers.iter().find(|c| c.name == "web");
            let found = web.map(|web| web.purpose.is_production());
            assert_eq!(found, Some(production), "{dockerfile} {mount}");
        };
        check("COPY . /app\n", "/app", false);
        check("COPY . /app\n", "/app/", false);
        check("WORKDIR /app\nCOPY . /tmp/build\n", "/app", false);
        check("COPY package.json /tmp/\n", "/app", false);
        check("", "/app", false);
        check("COPY . /app\n", "/app:ro", true);
        // Settings, mounted where they are read.
        check("COPY . /usr/src/web\n", "/etc/web", true);
        check("COPY . /usr/src/web\n", "/etc/web:rw", true);
    }

    #[test]
    fn stores_beside_an_image_that_runs_elsewhere_are_the_developers() {
        let check = |compose: &str, production: bool| {
            let files = [("Dockerfile", "FROM node:20\n"), ("compose.yaml", compose)];
            let delivery = crate::lower::lower(&Tree::from_memory(files));
            let all = delivery.containers.iter().filter(|c| !c.name.is_empty());
            let all: Vec<bool> = all.map(|c| c.purpose.is_production()).collect();
            assert!(!all.is_empty() && all.iter().all(|is| *is == production), "{compose}");
        };
        let db = "services:\n  db:\n    image: postgres:17\n    ports: [\"127.0.0.1:5432:5432\"]\n";
        check(db, false);
        check(&format!("{db}  cache: {{image: redis:7}}\n"), false);
        check(&format!("{db}    restart: always\n"), true);
        check(&format!("{db}  web: {{build: .}}\n"), true);
        check(&format!("{db}  web: {{image: registry.example/acme/web:1}}\n"), true);
        check("services:\n  db: {image: postgres:17}\n", true);
    }
}
