//! Services: images, containers, packages and pipelines that belong together.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_syntax::dockerfile::Keyword;

use super::link::context_copies;
use crate::delivery::{Delivery, UnsupportedKind};
use crate::image::Image;
use crate::package::{DependencyKind, Ecosystem};
use crate::pipeline::Runs;
use crate::purpose::{Purpose, PurposeKind};
use crate::service::Service;
use crate::{ContainerId, DocumentId, ImageId, MigrationsId, PackageId, PipelineId, ProgramId};

fn id<T>(make: fn(u32) -> T, index: usize) -> T {
    make(u32::try_from(index).unwrap_or(u32::MAX))
}

/// The services of a model whose other parts are linked, in path order.
pub(super) fn read(delivery: &Delivery) -> Vec<Service> {
    let mut packages: Packages<'_> = BTreeMap::new();
    for (index, package) in delivery.packages.iter().enumerate() {
        packages.entry(&package.dir).or_default().push(id(PackageId, index));
    }
    let mut runs: BTreeMap<ImageId, Vec<ContainerId>> = BTreeMap::new();
    for (index, container) in delivery.containers.iter().enumerate() {
        if let Some(image) = container.image_id {
            runs.entry(image).or_default().push(id(ContainerId, index));
        }
    }

    // One service a Dockerfile, unless several share it: its images are the targets and contexts
    // that it is built to.
    let mut by_path: BTreeMap<(&str, Option<&str>), Vec<ImageId>> = BTreeMap::new();
    for (index, image) in delivery.images.iter().enumerate() {
        let key = (&*image.path, image.shared.as_deref());
        by_path.entry(key).or_default().push(id(ImageId, index));
    }
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for ((path, _), images) in by_path {
        let Some(image) = images.first().map(|&i| &delivery[i]) else { continue };
        let home = home(delivery, image, &packages);
        let containers: Vec<ContainerId> =
            images.iter().flat_map(|i| runs.get(i).into_iter().flatten()).copied().collect();
        let (others, beside) = (Vec::new(), Vec::new());
        drafts.push(Draft { path, home, images, containers, others, beside });
    }
    let bases = bases(delivery);
    let is_base = |image: &ImageId| bases.contains(image) && starts_nothing(&delivery[*image]);
    drafts.retain(|draft| !draft.containers.is_empty() || !draft.images.iter().all(is_base));
    let drafts = fold_undeployed(delivery, drafts);
    let migrations: BTreeMap<&str, MigrationsId> = delivery
        .migrations
        .iter()
        .enumerate()
        .map(|(i, m)| (&*m.dir, id(MigrationsId, i)))
        .collect();
    let names = names(delivery, &drafts, &packages);
    let texts = texts(delivery, &drafts, &names);

    let mut services: Vec<Service> = drafts
        .into_iter()
        .zip(names)
        .enumerate()
        .map(|(index, (draft, name))| {
            service(delivery, draft, name, &packages, &texts[index], &migrations)
        })
        .collect();
    services.sort_by(|a, b| (&a.dir, &a.name).cmp(&(&b.dir, &b.name)));
    services
}

/// The images that others of this repository start from.
fn bases(delivery: &Delivery) -> BTreeSet<ImageId> {
    let images = delivery.images.iter().enumerate();
    let ours = images.flat_map(|(index, image)| {
        let bases = image.stages.iter().filter_map(|stage| delivery.built.base(&stage.base));
        bases.filter(move |base| *base != id(ImageId, index))
    });
    ours.collect()
}

/// Whether a Dockerfile says neither what is started nor where it listens: it is made to be started
/// from.
fn starts_nothing(image: &Image) -> bool {
    let starts = [Keyword::Cmd, Keyword::Entrypoint, Keyword::Expose, Keyword::Healthcheck];
    !image.syntax.instructions.iter().any(|one| starts.contains(&one.keyword))
}

/// Takes over what the user says of a service.
pub(super) fn heed(service: &mut Service, hint: &super::ServiceHint) {
    if !hint.ports.is_empty() {
        service.ports.clone_from(&hint.ports);
    }
    if hint.owner.is_some() {
        service.owner.clone_from(&hint.owner);
    }
    if let Some(kind) = hint.purpose {
        let because = "`plimsoll.toml` says so".to_owned();
        service.purpose = Purpose { kind, because, at: None };
    }
}

/// The packages of each directory, one a language.
pub(super) type Packages<'d> = BTreeMap<&'d str, Vec<PackageId>>;

struct Draft<'a> {
    path: &'a str,
    home: String,
    images: Vec<ImageId>,
    containers: Vec<ContainerId>,
    others: Vec<ImageId>,
    /// Containers of images of its own that only developers run.
    beside: Vec<ContainerId>,
}

/// The directory that an image is the image of: the Dockerfile's, unless that holds no package and
/// the COPY sources lead to exactly one that does.
fn home(delivery: &Delivery, image: &Image, packages: &Packages<'_>) -> String {
    if let Some(dir) = &image.shared {
        return dir.clone();
    }
    let own = image
        .path
        .split('#')
        .next()
        .unwrap_or(&image.path)
        .rsplit_once('/')
        .map_or("", |(dir, _)| dir);
    if !own.is_empty() && packages.contains_key(own) {
        return own.to_owned();
    }
    let Some(context) = image.context.known() else { return own.to_owned() };
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut elsewhere = own.is_empty();
    for source in
        context_copies(image).flat_map(|copy| &copy.sources).filter(|s| !s.dynamic && !s.remote)
    {
        let joined = format!("{context}/{}", source.path);
        let Some(path) = plimsoll_source::normalize_path(&joined) else { continue };
        elsewhere |=
            path.strip_prefix(own).is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/'));
        let mut dir = &*path;
        loop {
            if packages.contains_key(dir) {
                found.insert(dir.to_owned());
                break;
            }
            match dir.rsplit_once('/') {
                Some((parent, _)) => dir = parent,
                None if dir.is_empty() => break,
                None => dir = "",
            }
        }
    }
    // All that it copies lies beside it: it is the image of its own directory.
    if !elsewhere {
        return own.to_owned();
    }
    if let Some(dir) = super::started::dir(delivery, image, packages) {
        return dir;
    }
    // A frontend that is built on the way is not what the image runs.
    if let Some(first) = image.languages().first() {
        let speaks = |dir: &String| {
            let mut ids = packages.get(&**dir).into_iter().flatten();
            ids.any(|&id| delivery[id].ecosystem == *first)
        };
        if found.iter().any(speaks) {
            found.retain(speaks);
        }
    }
    // What another of them depends on is its library; a workspace's root of Node may list its programs.
    let libraries: BTreeSet<&str> = found
        .iter()
        .flat_map(|dir| packages.get(&**dir).into_iter().flatten().map(move |&id| (dir, id)))
        .flat_map(|(dir, id)| delivery[id].dependencies.iter().map(move |on| (dir, id, on)))
        .filter_map(|(dir, id, on)| Some((dir, id, on.local.as_deref()?)))
        .filter(|(dir, id, local)| {
            delivery[*id].ecosystem == Ecosystem::Rust
                || !(dir.is_empty() || local.starts_with(&**dir))
        })
        .map(|(.., local)| local)
        .collect();
    if found.iter().any(|dir| !libraries.contains(&**dir)) {
        found.retain(|dir| !libraries.contains(&**dir));
    }
    let first = found.iter().next().cloned();
    match (found.len(), first) {
        (1, Some(dir)) => dir,
        // `backend/shared` beside `backend/services/x`: the deeper one is the service.
        (2.., _) => {
            let depth = |dir: &str| if dir.is_empty() { 0 } else { dir.matches('/').count() + 1 };
            let deepest = found.iter().map(|d| depth(d)).max().unwrap_or(0);
            let mut deep = found.iter().filter(|d| depth(d) == deepest);
            match (deep.next(), deep.next()) {
                (Some(only), None) => only.clone(),
                _ => own.to_owned(),
            }
        }
        _ => own.to_owned(),
    }
}

/// A Dockerfile that nothing deploys, or that only developers run, beside one of the same home that is deployed (or is the one
/// called `Dockerfile`), is a second Dockerfile of that service, not a service.
fn fold_undeployed<'a>(delivery: &Delivery, drafts: Vec<Draft<'a>>) -> Vec<Draft<'a>> {
    let score = |draft: &Draft<'_>| {
        let image = draft.images.first().map(|&i| &delivery[i]);
        let production = image.is_some_and(|i| i.purpose.is_production());
        let file = draft.path.rsplit('/').next().unwrap_or(draft.path);
        let plain = file.eq_ignore_ascii_case("Dockerfile");
        let built = image.is_some_and(|i| !i.builds.is_empty());
        let own = draft.path.rsplit_once('/').map_or("", |(dir, _)| dir) == draft.home;
        (production, !draft.containers.is_empty(), plain, built || own)
    };
    // What is deployed, and what is built to be.
    let serves = |draft: &Draft<'_>| {
        let deployed = draft.containers.iter().any(|&c| delivery[c].purpose.is_production());
        let meant = draft.images.iter().any(|&i| delivery[i].purpose.is_production());
        (deployed, meant)
    };
    let mut served: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for draft in &drafts {
        let entry = served.entry(draft.home.clone()).or_default();
        let (deployed, meant) = serves(draft);
        *entry = (entry.0 || (deployed && meant), entry.1 || meant);
    }
    let only_developed = |draft: &Draft<'_>| {
        let (deployed, meant) = serves(draft);
        let (ships, exists) = served.get(&draft.home).copied().unwrap_or_default();
        !deployed && !draft.containers.is_empty() && (ships || !meant && exists)
    };
    let mut best: BTreeMap<String, (bool, bool, bool, bool)> = BTreeMap::new();
    for draft in drafts.iter().filter(|draft| !only_developed(draft)) {
        let entry = best.entry(draft.home.clone()).or_default();
        *entry = (*entry).max(score(draft));
    }
    let (kept, folded): (Vec<_>, Vec<_>) = drafts.into_iter().partition(|draft| {
        let best = best.get(&draft.home).copied().unwrap_or_default();
        !only_developed(draft) && (!draft.containers.is_empty() || score(draft) == best)
    });
    let mut kept = kept;
    let places: BTreeMap<String, usize> =
        kept.iter().enumerate().rev().map(|(i, draft)| (draft.home.clone(), i)).collect();
    for draft in folded {
        if let Some(of) = places.get(&draft.home).and_then(|&i| kept.get_mut(i)) {
            of.others.extend(draft.images);
            of.beside.extend(draft.containers);
        }
    }
    kept
}

/// A name for each service: its directory's, its compose service's, its package's.
fn names(delivery: &Delivery, drafts: &[Draft<'_>], packages: &Packages<'_>) -> Vec<String> {
    let candidates: Vec<Vec<String>> = drafts
        .iter()
        .map(|draft| {
            let mut names = Vec::new();
            let composed: BTreeSet<&str> = draft
                .containers
                .iter()
                .map(|&c| &delivery[c])
                .filter(|c| {
                    c.purpose.is_production()
                        && matches!(c.kind, crate::container::ContainerKind::Compose { .. })
                })
                .map(|c| &*c.name)
                .collect();
            let package = packages.get(&*draft.home).and_then(|ids| ids.last());
            let package = package.and_then(|&p| delivery[p].name.as_deref());
            let dir = super::link::telling(&draft.home);
            if !dir.is_empty() {
                names.push(dir.to_owned());
            }
            if composed.len() == 1 {
                names.extend(composed.iter().map(|c| (*c).to_owned()));
            }
            names.extend(package.map(|p| p.rsplit('/').next().unwrap_or(p).to_owned()));
            let tags = draft.images.iter().flat_map(|&i| &delivery[i].names);
            let mut tags: Vec<&str> = tags
                .filter_map(|name| super::link::untagged(name).rsplit('/').next())
                .filter(|bare| !bare.contains('$') && !bare.is_empty())
                .collect();
            // `app` before `app-variant`.
            tags.sort_by_key(|bare| bare.len());
            names.extend(tags.into_iter().map(str::to_owned));
            names.push(draft.path.to_owned());
            names
        })
        .collect();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    // What is not for production takes no one's name.
    let production =
        |draft: &Draft<'_>| draft.images.iter().any(|&i| delivery[i].purpose.is_production());
    // The Dockerfile in a directory has a better claim to its name than those elsewhere.
    let at_home = |draft: &Draft<'_>| crate::path::parent(draft.path) == draft.home;
    let mut homely: BTreeMap<&str, usize> = BTreeMap::new();
    for (names, draft) in candidates.iter().zip(drafts).filter(|(_, draft)| production(draft)) {
        if let Some(first) = names.first() {
            *taken.entry(first).or_default() += 1;
            *homely.entry(first).or_default() += usize::from(at_home(draft));
        }
    }
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|&i| !production(&drafts[i]));
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut names = vec![String::new(); drafts.len()];
    for index in order {
        let free = candidates[index].iter().enumerate().find(|(rank, name)| {
            let asked = match homely.get(name.as_str()) {
                Some(1) if *rank == 0 && at_home(&drafts[index]) => 1,
                _ => taken.get(name.as_str()).copied().unwrap_or(0),
            };
            !used.contains(name.as_str()) && (asked <= 1 && *rank == 0 || asked == 0)
        });
        // The path comes last, and is nobody else's.
        let name = free.map(|(_, name)| name).or_else(|| candidates[index].last());
        if let Some(name) = name {
            used.insert(name);
            names[index].clone_from(name);
        }
    }
    names
}

/// What tells of each service: documents and scripts below its directory, or that name it.
#[derive(Clone, Default)]
struct Texts {
    documents: BTreeSet<DocumentId>,
    programs: BTreeSet<ProgramId>,
}

fn texts(delivery: &Delivery, drafts: &[Draft<'_>], names: &[String]) -> Vec<Texts> {
    let mut found = mentions(delivery, names);
    let mut homes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, draft) in drafts.iter().enumerate().filter(|(_, d)| !d.home.is_empty()) {
        homes.entry(&draft.home).or_default().push(index);
    }
    let above = |path: &str| -> Vec<usize> {
        let dirs = path.match_indices('/').map(|(at, _)| &path[..at]);
        dirs.filter_map(|dir| homes.get(dir)).flatten().copied().collect()
    };
    for (index, document) in delivery.documents.iter().enumerate() {
        for service in above(delivery.tree.path(document.file)) {
            found[service].documents.insert(id(DocumentId, index));
        }
    }
    for (index, program) in delivery.programs.iter().enumerate() {
        let services = if starts_everything(program) {
            (0..drafts.len()).collect()
        } else {
            above(delivery.tree.path(program.file))
        };
        for service in services {
            found[service].programs.insert(id(ProgramId, index));
        }
    }
    found
}

fn mentions(delivery: &Delivery, names: &[String]) -> Vec<Texts> {
    let mut found = vec![Texts::default(); names.len()];
    // Paths can't be searched for meaningfully, and a short word is no name.
    let searched: Vec<(usize, &String)> =
        names.iter().enumerate().filter(|(_, n)| n.len() >= 4 && !n.contains('/')).collect();
    let Ok(automaton) = aho_corasick::AhoCorasick::builder()
        .match_kind(aho_corasick::MatchKind::LeftmostLongest)
        .build(searched.iter().map(|(_, n)| n.as_str()))
    else {
        return found;
    };
    let named_in = |bytes: &[u8]| -> BTreeSet<usize> {
        automaton
            .find_iter(bytes)
            .filter(|m| {
                let word = |b: Option<&u8>| {
                    b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
                };
                !word(m.start().checked_sub(1).and_then(|i| bytes.get(i)))
                    && !word(bytes.get(m.end()))
            })
            .map(|m| searched[m.pattern().as_usize()].0)
            .collect()
    };
    for (index, document) in delivery.documents.iter().enumerate() {
        let Ok(bytes) = delivery.tree.read(document.file) else { continue };
        for service in named_in(&bytes) {
            found[service].documents.insert(id(DocumentId, index));
        }
    }
    for (index, program) in delivery.programs.iter().enumerate() {
        for service in named_in(program.text.text()) {
            found[service].programs.insert(id(ProgramId, index));
        }
    }
    found
}

fn service(
    delivery: &Delivery,
    draft: Draft<'_>,
    name: String,
    packages: &Packages<'_>,
    texts: &Texts,
    migrations: &BTreeMap<&str, MigrationsId>,
) -> Service {
    let dir = draft.home;
    let (mut containers, mut other_containers): (Vec<ContainerId>, Vec<ContainerId>) =
        draft.containers.iter().partition(|&&c| delivery[c].purpose.is_production());
    // A service's only deployment counts as production, whatever it says.
    if containers.is_empty() {
        std::mem::swap(&mut containers, &mut other_containers);
    }
    other_containers.extend(draft.beside);
    let deployed: BTreeSet<ImageId> =
        containers.iter().filter_map(|&c| delivery[c].image_id).collect();
    let (images, more): (Vec<ImageId>, Vec<ImageId>) =
        draft.images.iter().partition(|i| deployed.is_empty() || deployed.contains(i));
    let mut other_images = draft.others;
    other_images.extend(more);
    let place = images
        .first()
        .and_then(|&i: &ImageId| delivery[i].stages.first().map(|s| s.from))
        .or_else(|| containers.first().map(|&c| delivery[c].span))
        .or_else(|| images.first().map(|&i| super::image::whole(delivery[i].file, 0)))
        .unwrap_or_else(|| super::image::whole(plimsoll_source::FileId(0), 0));
    let purpose = match images.first().map(|&i| &delivery[i].purpose) {
        Some(purpose)
            if containers.iter().any(|&c| delivery[c].purpose.is_production())
                && !matches!(purpose.kind, PurposeKind::Production | PurposeKind::Test) =>
        {
            Purpose {
                because: "a production descriptor runs it".to_owned(),
                ..Purpose::production()
            }
        }
        Some(purpose) => purpose.clone(),
        None => Purpose::production(),
    };
    // `docker/Dockerfile` that copies the package of its context.
    let copied = images.first().and_then(|&i| copied_packages(delivery, &delivery[i], packages));
    let package = packages.get(&*dir).or(copied);
    let package = package.and_then(|all| of_language(delivery, &images, all));
    let package_dir = package.map_or(&*dir, |package| &*delivery[package].dir);
    let migrations = migrations.get(&*dir).or_else(|| migrations.get(package_dir)).copied();
    let touches = touches(delivery, &dir, &images);
    let pipelines = delivery
        .pipelines
        .iter()
        .enumerate()
        .filter(|(_, p)| !matches!(p.runs, Runs::No(_)) && p.reaches(&touches))
        .map(|(i, _)| id(PipelineId, i))
        .collect();
    let unread = delivery
        .unsupported
        .iter()
        .filter(|u| {
            matches!(
                u.kind,
                UnsupportedKind::Helm
                    | UnsupportedKind::Kustomize
                    | UnsupportedKind::Terraform
                    | UnsupportedKind::Nomad
                    | UnsupportedKind::Skaffold
            ) && super::purpose::of_path(delivery.tree.path(u.file)).is_production()
        })
        .map(|u| u.file)
        .collect();
    Service {
        name,
        dir,
        place,
        purpose,
        images,
        other_images,
        containers,
        other_containers,
        package,
        code: None,
        programs_by: BTreeMap::new(),
        migrations,
        pipelines,
        documents: texts.documents.iter().copied().collect(),
        programs: texts.programs.iter().copied().collect(),
        unread,
        ports: Vec::new(),
        owner: None,
    }
}

/// Of the packages in a directory, one a language, that of what the images run; for want of it the
/// last that is not there for the repository's own tools.
fn of_language(
    delivery: &Delivery,
    images: &[ImageId],
    packages: &[PackageId],
) -> Option<PackageId> {
    let languages: Vec<_> = images.iter().flat_map(|&id| delivery[id].languages()).collect();
    let rank = |id: &&PackageId| languages.iter().position(|l| *l == delivery[**id].ecosystem);
    let spoken = packages.iter().filter(|id| rank(id).is_some()).min_by_key(rank);
    spoken.or_else(|| packages.iter().rfind(|id| !is_tooling(delivery, images, **id))).copied()
}

/// Whether a manifest names nothing but tools, and no image takes it in.
fn is_tooling(delivery: &Delivery, images: &[ImageId], id: PackageId) -> bool {
    let package = &delivery[id];
    let of_tools = package.ecosystem == Ecosystem::Node
        && package.scripts.is_empty()
        && package.main.is_none()
        && !package.dependencies.is_empty()
        && package.dependencies.iter().all(|on| on.kind == DependencyKind::Development);
    let manifest = delivery.tree.path(package.manifest);
    let takes = |image: &Image| {
        let Some(context) = image.context.known() else { return true };
        let mut sources = context_copies(image).flat_map(|copy| &copy.sources);
        sources.any(|source| {
            let path = plimsoll_source::normalize_path(&format!("{context}/{}", source.path));
            source.dynamic
                || source.path.contains(['*', '?', '['])
                || path.is_none_or(|path| {
                    manifest.strip_prefix(&*path).is_some_and(|rest| {
                        path.is_empty() || rest.is_empty() || rest.starts_with('/')
                    })
                })
        })
    };
    of_tools && !images.iter().any(|&image| takes(&delivery[image]))
}

/// The packages at the root of an image's context, where the image copies a manifest or all of it;
/// for a Dockerfile in a directory of its own kind, those around it in the image's language.
fn copied_packages<'p>(
    delivery: &Delivery,
    image: &Image,
    packages: &'p Packages<'_>,
) -> Option<&'p Vec<PackageId>> {
    // A directory of Dockerfiles is a service of what lies around it, any other one may hold a
    // program of its own.
    let apart = image.path.split('/').rev().skip(1).any(|part| {
        matches!(part, "docker" | ".docker" | "build" | "deploy" | "deployment" | "container")
    });
    let own = image.path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let around = own.rsplit_once('/').map_or("", |(dir, _)| dir);
    let context = image.context.known().map(|dir| &**dir);
    let Some(all) = context.and_then(|context| packages.get(context)) else {
        let last = own.rsplit('/').next().unwrap_or(own);
        let direct = matches!(last, "docker" | ".docker" | "container");
        let spoken = image.languages();
        return packages.get(around).filter(|ids| {
            direct && ids.iter().any(|&id| spoken.first() == Some(&delivery[id].ecosystem))
        });
    };
    let mut sources = context_copies(image).flat_map(|copy| &copy.sources);
    let copies = |path: &str| match path.trim_start_matches(['.', '/']) {
        "" => apart,
        "package*.json" | "*.json" | "go.*" => true,
        path => all.iter().any(|&id| {
            let manifest = delivery.tree.path(delivery[id].manifest);
            manifest.rsplit('/').next() == Some(path)
        }),
    };
    sources.any(|s| !s.remote && !s.dynamic && copies(&s.path)).then_some(all)
}

/// How many files stand for all of a service's code.
const MAX_TOUCHES: usize = 32;
/// How many files are looked at for them.
const MAX_LOOKED: usize = 5_000;

/// Files that a change of the service's code touches; where the tree has no code of it, those that
/// there would be.
pub(crate) fn touches(delivery: &Delivery, dir: &str, images: &[ImageId]) -> Vec<String> {
    let tree = &delivery.tree;
    let code: Vec<String> = (tree.under(dir).take(MAX_LOOKED))
        .filter(|&file| tree.entry(file).tracking != plimsoll_source::Tracking::Ignored)
        .map(|file| tree.path(file))
        .filter(|path| is_code(path.strip_prefix(dir).unwrap_or(path)))
        .take(MAX_TOUCHES)
        .map(str::to_owned)
        .collect();
    if !code.is_empty() {
        return code;
    }
    let in_dir =
        |name: &str| if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
    let mut paths: Vec<String> = images.iter().map(|&i| delivery[i].path.clone()).collect();
    paths.push(in_dir("src/index.ts"));
    paths.push(in_dir("package.json"));
    paths
}

/// Whether a file holds code that the service runs: no test, no migration, nothing vendored.
fn is_code(path: &str) -> bool {
    const CODE: &[&str] = &[
        "ts", "js", "mjs", "cjs", "tsx", "jsx", "py", "go", "rs", "java", "kt", "scala", "rb",
        "php", "cs", "ex", "c", "cc", "cpp", "swift",
    ];
    const ASIDE: &[&str] = &["test", "tests", "__tests__", "spec", "migrations", "node_modules"];
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.')
        .is_some_and(|(stem, end)| CODE.contains(&end) && !stem.contains(".config"))
        && !path.split('/').any(|part| ASIDE.contains(&part))
}

/// A script that starts every service there is: `docker compose up` without a service's name.
fn starts_everything(program: &crate::script::Program) -> bool {
    program.calls().any(|call| {
        let words = &call.words;
        let compose = match words.first().map(|w| &**w) {
            Some("docker-compose") => true,
            Some("docker") => words.get(1).is_some_and(|w| w == "compose"),
            _ => false,
        };
        compose && words.iter().any(|w| w == "up")
    })
}

/// Production containers that belong to no service.
pub(super) fn others(delivery: &Delivery) -> Vec<ContainerId> {
    let services = delivery.services.iter();
    let owned: BTreeSet<&ContainerId> =
        services.flat_map(|s| s.containers.iter().chain(&s.other_containers)).collect();
    let others = delivery.container_ids().filter(|id| !owned.contains(id));
    others.filter(|&id| delivery[id].purpose.is_production()).collect()
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    #[test]
    fn a_manifest_of_tools_is_not_what_an_image_runs() {
        let check = |copies: &str, manifest: &str, has_package: bool| {
            let dockerfile = format!("FROM ubuntu:24.04\n{copies}\nCMD [\"/run.sh\"]\n");
            let files =
                [("Dockerfile", &*dockerfile), ("package.json", manifest), ("run.sh", "ls\n")];
            let delivery = crate::lower(&Tree::from_memory(files));
            assert_eq!(delivery.services[0].package.is_some(), has_package, "{copies} {manifest}");
        };
        let tools = r#"{"devDependencies": {"prettier": "3.8.4"}}"#;
        check("COPY run.sh /", tools, false);
        check("COPY . /", tools, true);
        check("COPY run.sh /", r#"{"dependencies": {"express": "4"}}"#, true);
        check(
            "COPY run.sh /",
            r#"{"scripts": {"start": "x"}, "devDependencies": {"x": "1"}}"#,
            true,
        );
    }

    #[test]
    fn an_image_that_others_start_from_is_no_service() {
        let check = |base: &str, expected: &[&str]| {
            let build = "docker build -t acme/app:base -f base/Dockerfile .\n\
                         docker build -t acme/app:1.0 -f docker/Dockerfile .\n";
            let files = [
                ("base/Dockerfile", base),
                ("docker/Dockerfile", "FROM acme/app:base\nCOPY . .\nCMD [\"/run\"]\n"),
                ("build.sh", build),
            ];
            let delivery = crate::lower(&Tree::from_memory(files));
            let paths: Vec<&str> =
                delivery.services.iter().map(|s| &*delivery[s.images[0]].path).collect();
            assert_eq!(paths, expected, "{base}");
        };
        check("FROM node:22\nRUN apt-get update\n", &["docker/Dockerfile"]);
        // It starts something itself.
        let both = ["base/Dockerfile", "docker/Dockerfile"];
        check("FROM node:22\nCMD [\"/other\"]\n", &both);
    }

    #[test]
    fn an_image_that_only_developers_run_is_no_service_beside_the_one_that_ships() {
        let check = |ships: &str, develops: &str, manifest: &str, expected: &[&str]| {
            let compose = |file: &str| {
                format!("services:\n  api:\n    build: {{context: ., dockerfile: {file}}}\n")
            };
            let (dev, prod) = (compose(develops), compose(ships));
            let prod = if manifest.is_empty() { &*prod } else { manifest };
            let files = [
                (ships, "FROM node:22\nCOPY . .\n"),
                (develops, "FROM node:22\nCOPY . .\nRUN echo 1\n"),
                ("api/package.json", "{}"),
                ("compose.dev.yaml", &*dev),
                ("compose.prod.yaml", prod),
            ];
            let delivery = crate::lower(&Tree::from_memory(files));
            let paths: Vec<&str> =
                delivery.services.iter().map(|s| &*delivery[s.images[0]].path).collect();
            assert_eq!(paths, expected);
        };
        check("api/Dockerfile.prod", "api/Dockerfile", "", &["api/Dockerfile.prod"]);
        let nothing = "services: {db: {image: 'postgres:17'}}\n";
        check("api/Dockerfile.prod", "api/Dockerfile.dev", nothing, &["api/Dockerfile.prod"]);
        // Which of the two ships is not said.
        check("api/Dockerfile.b", "api/Dockerfile.a", nothing, &["api/Dockerfile.a"]);
    }

    #[test]
    fn a_library_of_another_package_is_not_what_an_image_runs() {
        let dockerfile = "FROM rust:1.90\nCOPY Cargo.toml ./\nCOPY src src\nCOPY macros macros\n\
                          RUN cargo build --locked\nCMD [\"./target/debug/app\"]\n";
        let root = "[workspace]\nmembers = [\"macros\"]\n[package]\nname = \"app\"\n[dependencies]\n\
                    macros = { path = \"./macros\" }\n";
        let files = [
            ("docker/Dockerfile", dockerfile),
            ("Cargo.toml", root),
            ("src/main.rs", "fn main() {}\n"),
            ("macros/Cargo.toml", "[package]\nname = \"macros\"\n"),
            ("macros/src/lib.rs", "\n"),
        ];
        let delivery = crate::lower(&Tree::from_memory(files));
        let dirs: Vec<&str> = delivery.services.iter().map(|service| &*service.dir).collect();
        assert_eq!(dirs, [""]);
    }
}
