//! Local dependencies in an image: where the links of `node_modules` lead, and what is there.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_model::filesystem::{Filesystem, Found, Modules};
use plimsoll_model::image::{EffectKind, Image, Manager};
use plimsoll_model::package::script::{builds_in, commands};
use plimsoll_model::package::{Dependency, DependencyKind, Package};
use plimsoll_model::{Fact, ImageId, PackageId, Why};
use plimsoll_source::{Span, Tracking};

use crate::conditions::is_local;
use crate::context::in_context;
use crate::evidence::clip;
use crate::{Cx, Evidence, Fix, Safety, ServiceSubject, Verdict, mending, program};

/// Where the link of a local dependency leads in an image.
pub(crate) struct Lead<'a> {
    pub(crate) dependency: &'a Dependency,
    pub(crate) image: ImageId,
    /// Where it leads; empty where that is not known.
    pub(crate) path: String,
    /// What brought its `node_modules`: the install, or the last COPY.
    pub(crate) by: Option<Span>,
    pub(crate) state: State,
}

/// What is where a link leads.
pub(crate) enum State {
    /// The package, brought by this; and the command that builds it, where it must be built.
    There(Span, Option<Span>),
    /// The manager copies it and makes no link.
    Copied,
    /// The package, which nothing builds.
    Unbuilt(Span),
    /// Nothing.
    Nothing,
    /// The repository has no such directory: its path.
    Gone(String),
    /// It cannot be told.
    Unknown(Why, Option<Span>),
}

/// The local dependencies of a service's package in each of its images.
pub(crate) fn leads<'a>(
    cx: &Cx<'a>,
    service: ServiceSubject<'a>,
    package: &'a Package,
) -> Vec<Lead<'a>> {
    let mut found = Vec::new();
    for &id in &service.images {
        let image = &cx.delivery[id];
        let Some(stage) = image.target else { continue };
        let fs = Filesystem::new(cx.delivery, image);
        let hosts: Vec<(Modules, &str)> = fs
            .modules(stage)
            .into_iter()
            .filter_map(|modules| {
                let base = base(cx, &fs, &modules, package)?;
                Some((modules, base))
            })
            .collect();
        for dependency in package.dependencies.iter().filter(|dependency| is_local(dependency)) {
            let unknown = |why| Lead {
                dependency,
                image: id,
                path: String::new(),
                by: None,
                state: State::Unknown(why, None),
            };
            let Some(local) = &dependency.local else {
                found.push(unknown(Why::OutOfTree));
                continue;
            };
            let tree = &cx.delivery.tree;
            if !tree.is_dir(local) && !local.is_empty() {
                let gone = tree.outside().is_none() && tree.unlisted(local).is_none();
                let state = State::Gone(local.clone());
                found.push(if gone {
                    Lead { state, ..unknown(Why::OutOfTree) }
                } else {
                    unknown(Why::OutOfTree)
                });
                continue;
            }
            let installed = |modules: &Modules| {
                modules.production.is_none() || dependency.kind != DependencyKind::Development
            };
            let before = found.len();
            for (modules, base) in hosts.iter().filter(|(modules, _)| installed(modules)) {
                let path = modules.link(&dependency.name, base, local);
                let copies =
                    modules.manager != Manager::Npm && dependency.requirement.starts_with("file:");
                let state = if copies {
                    State::Copied
                } else {
                    match fs.find(stage, &path) {
                        Found::Absent => State::Nothing,
                        Found::Unknown(why, at) => State::Unknown(why, at),
                        there => {
                            let via = there.via().unwrap_or(modules.via);
                            built(cx, image, &fs, local, modules.via, via)
                        }
                    }
                };
                let by = Some(modules.copied.unwrap_or(modules.via));
                found.push(Lead { dependency, image: id, path, by, state });
            }
            if found.len() == before
                && (hosts.is_empty() || dependency.kind != DependencyKind::Development)
            {
                found.push(unknown(Why::NeedsBuild));
            }
        }
    }
    found
}

/// The directory of the tree that an install was of: the package's, or its workspace root's.
pub(crate) fn base<'a>(
    cx: &Cx<'a>,
    fs: &Filesystem<'_>,
    modules: &Modules,
    package: &'a Package,
) -> Option<&'a str> {
    let manifest = format!("{}/package.json", modules.origin.trim_end_matches('/'));
    let Found::File { file, .. } = fs.find(modules.stage, &manifest) else { return None };
    if file == package.manifest {
        return Some(&package.dir);
    }
    let root = package.workspace.as_deref()?;
    let at = cx.delivery.package_of(file)?;
    (at.dir == root).then_some(root)
}

/// A package that is there: whether it must be built, and what builds it.
fn built(
    cx: &Cx<'_>,
    image: &Image,
    fs: &Filesystem<'_>,
    local: &str,
    install: Span,
    via: Span,
) -> State {
    let Some(package) = cx.delivery.node_package(local) else { return State::There(via, None) };
    let tree = &cx.delivery.tree;
    let main = package.main.as_ref().map_or("index.js", |(main, _)| main);
    let main = main.trim_start_matches("./");
    let at = if local.is_empty() { main.to_owned() } else { format!("{local}/{main}") };
    let written = [at.clone(), format!("{at}.js"), format!("{at}/index.js")];
    // What git ignores is there on one machine only.
    let kept = |path: &String| {
        tree.find(path).is_some_and(|file| tree.entry(file).tracking != Tracking::Ignored)
    };
    if written.iter().any(kept) || package.script("build").is_none() {
        return State::There(via, None);
    }
    let name = local.rsplit('/').next().unwrap_or(local);
    let root = package.workspace.as_ref().and_then(|root| cx.delivery.node_package(root));
    for stage in image.stages_built() {
        let places = homes(fs, stage, package);
        let above = root.map(|root| fs.places(stage, &root.dir)).unwrap_or_default();
        for (_, effect) in image.effects(stage) {
            let EffectKind::Build { words } = &effect.kind else { continue };
            let named = |word: &String| {
                Some(word.as_str()) == package.name.as_deref()
                    || word.split(['/', ':', '=']).any(|part| part == name)
                    || matches!(&**word, "--workspaces" | "-ws" | "-r" | "--recursive")
                    || matches!(&**word, "turbo" | "lerna" | "nx")
            };
            // `pnpm build` of the workspace's root, whose script is `nx run-many -t build`.
            let by_root = || {
                above.contains(&effect.workdir)
                    && words.iter().any(|word| {
                        let script = root.and_then(|root| root.script(word));
                        script.is_some_and(|script| {
                            script.command.split_whitespace().any(|word| named(&word.to_owned()))
                        })
                    })
            };
            // `pnpm --filter api build`, whose script builds what it depends on first.
            let by_name = || {
                let called = by_last_name(cx);
                let others = words.iter().flat_map(|word| {
                    let own = called.get(word.rsplit('/').next().unwrap_or(word));
                    let own = own.into_iter().flatten().map(|&id| &cx.delivery[id]);
                    own.filter(|p| !word.contains('/') || p.name.as_deref() == Some(&**word))
                });
                let others: Vec<&Package> = others.collect();
                others.into_iter().any(|other| {
                    let scripts = words.iter().filter_map(|word| other.script(word));
                    let all = &cx.delivery.packages;
                    let mut run =
                        scripts.flat_map(|script| commands(&cx.delivery.tree, all, other, script));
                    run.any(|command| {
                        command.span.file == package.manifest || command.words.iter().any(named)
                    })
                })
            };
            // `pnpm --filter api... build`: with all that it depends on.
            let by_filter = || {
                let called = by_last_name(cx);
                words.iter().filter_map(|word| with_dependencies(word)).any(|selected| {
                    let own = called.get(selected.rsplit('/').next().unwrap_or(selected));
                    let mut own = own.into_iter().flatten().map(|&id| &cx.delivery[id]);
                    own.any(|p| {
                        let named = p.name.as_deref() == Some(selected);
                        named && needs(cx, p).contains(&local)
                    })
                })
            };
            // `pnpm --filter api build`, whose script builds what it needs first.
            let by_script = || {
                let manifest = format!("{}/package.json", effect.workdir.trim_end_matches('/'));
                let Found::File { file, .. } = fs.find(stage, &manifest) else { return false };
                let all = &cx.delivery.packages;
                let here = all.iter().find(|p| p.manifest == file && p.is_node());
                here.is_some_and(|here| builds_in(all, here, words).contains(&local))
            };
            if places.contains(&effect.workdir)
                || words.iter().any(named)
                || by_root()
                || by_name()
                || by_filter()
                || by_script()
            {
                return State::There(via, Some(effect.span));
            }
        }
    }
    // A base that this repository builds may have built it.
    let ours =
        image.stages_built().into_iter().filter_map(|i| image.stages.get(i)?.ours.as_deref());
    for ours in ours {
        let below = Filesystem::new(cx.delivery, ours);
        if let found @ State::There(_, Some(_)) = built(cx, ours, &below, local, install, via) {
            return found;
        }
    }
    // npm runs it for what it links.
    if package.script("prepare").is_some() {
        return State::There(via, Some(install));
    }
    match may_build(cx, image, fs, package) {
        Some(at) => State::Unknown(Why::NeedsBuild, Some(at)),
        None => State::Unbuilt(via),
    }
}

/// The package that a filter names together with what it depends on: `--filter=api...`, `api^...`.
fn with_dependencies(word: &str) -> Option<&str> {
    let selected = word.strip_suffix("...")?;
    let selected = selected.strip_suffix('^').unwrap_or(selected);
    let selected = selected.strip_prefix("--filter=").unwrap_or(selected);
    Some(selected.strip_prefix("-F").unwrap_or(selected)).filter(|name| !name.is_empty())
}

/// The directories of the local packages that one depends on, directly or through others.
fn needs<'a>(cx: &Cx<'a>, package: &'a Package) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    let mut todo = vec![package];
    while let Some(package) = todo.pop() {
        for local in package.dependencies.iter().filter_map(|d| d.local.as_deref()) {
            if !found.contains(&local) {
                found.push(local);
                todo.extend(cx.delivery.node_package(local));
            }
        }
    }
    found
}

/// The packages of Node by the last part of their names.
fn by_last_name(cx: &Cx<'_>) -> Arc<HashMap<String, Vec<PackageId>>> {
    let all = || {
        let mut called: HashMap<String, Vec<PackageId>> = HashMap::new();
        for (id, package) in (0u32..).map(PackageId).zip(&cx.delivery.packages) {
            let name = package.name.as_deref().filter(|name| !name.is_empty() && package.is_node());
            if let Some(last) = name.and_then(|name| name.rsplit('/').next()) {
                called.entry(last.to_owned()).or_default().push(id);
            }
        }
        Arc::new(called)
    };
    cx.once(|once| &once.packages, all)
}

/// A RUN of a program of the repository, not a package's script, that speaks of building and lies
/// beside or above a package: `node /library/build-all.mjs`.
fn may_build(cx: &Cx<'_>, image: &Image, fs: &Filesystem<'_>, package: &Package) -> Option<Span> {
    const RUNNERS: [&str; 9] =
        ["node", "tsx", "ts-node", "bun", "deno", "sh", "bash", "python", "python3"];
    image.stages_built().into_iter().find_map(|stage| {
        let places = homes(fs, stage, package);
        image.effects(stage).into_iter().find_map(|(_, effect)| {
            let EffectKind::Other(words) = &effect.kind else { return None };
            let first = words.first()?;
            let runner = RUNNERS.contains(&first.rsplit('/').next().unwrap_or(first));
            let script = match runner {
                true => words.iter().skip(1).find(|word| !word.starts_with('-'))?,
                false => first,
            };
            let path = program::absolute(&effect.workdir, script)?;
            let (dir, _) = path.rsplit_once('/')?;
            let beside = |place: &String| {
                place.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if !places.iter().any(beside) {
                return None;
            }
            let Found::File { file, .. } = fs.find(stage, &path) else { return None };
            let bytes = cx.delivery.tree.read(file).ok()?;
            memchr::memmem::find(&bytes, b"build").map(|_| effect.span)
        })
    })
}

/// Where a stage has a package: its directory, or, where that comes in pieces, its manifest's.
fn homes(fs: &Filesystem<'_>, stage: usize, package: &Package) -> Vec<String> {
    let mut found = fs.places(stage, &package.dir);
    let manifest = match &*package.dir {
        "" => "package.json".to_owned(),
        dir => format!("{dir}/package.json"),
    };
    for at in fs.places(stage, &manifest) {
        let Some(home) = at.strip_suffix("/package.json") else { continue };
        if !found.iter().any(|known| known == home) {
            found.push(home.to_owned());
        }
    }
    found
}

/// What a lead is worth.
pub(crate) fn judge(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    package: &Package,
    lead: &Lead<'_>,
) -> Verdict {
    let needed = imported(cx, service, lead);
    let why = needed.unknown().map_or(Why::Unsupported, |(why, _)| why);
    let needs = needed.span().map(|at| match needed.known() {
        Some(_) => Evidence::context(at, "loads it"),
        None => Evidence::context(at, why.decide().trim_end_matches('.')),
    });
    let (name, at) = (clip(&lead.dependency.name), lead.dependency.span);
    let path = clip(&lead.path);
    let link = package.lockfile.iter().flat_map(|lock| &lock.links).find(|(entry, ..)| {
        entry.strip_suffix(&*lead.dependency.name).is_some_and(|dir| dir.ends_with("node_modules/"))
    });
    let link = link.map(|(_, _, span)| Evidence::context(*span, "the link"));
    let by =
        lead.by.map(|by| Evidence::context(by, format!("from here its link leads to `{path}`")));
    match &lead.state {
        State::There(via, built) => Verdict::pass(
            "the links of local dependencies lead to what the final stage holds",
            Evidence::shows(at, format!("leads to `{path}`")),
        )
        .and(Evidence::shows(*via, "brings it"))
        .and_all(built.map(|built| Evidence::shows(built, "builds it")))
        .and_all(link),
        State::Copied => Verdict::pass(
            "local dependencies are copied when they are installed",
            Evidence::shows(at, "is copied by the package manager"),
        )
        .and_all(by),
        State::Gone(dir) => Verdict::fail(
            format!("`{name}` is a link to `{}`, which does not exist: mend it", clip(dir)),
            Evidence::contradicts(at, "there is nothing where it leads"),
        )
        .and(Evidence::missing_file(dir.clone(), "no such directory")),
        State::Nothing if needed.known() == Some(&true) => Verdict::fail(
            format!("`{name}` leads to `{path}`, where nothing is: copy it there"),
            Evidence::contradicts(at, format!("nothing is at `{path}`, and code loads it")),
        )
        .and_all(needs)
        .and_all(by)
        .and_all(link),
        State::Nothing if lead.dependency.kind == DependencyKind::Development => Verdict::partial(
            format!("`{name}`, for development, leads to `{path}`, where nothing is"),
            Evidence::contradicts(at, format!("nothing is at `{path}`")),
        )
        .and_all(by)
        .and_all(link),
        State::Nothing if needed.known() == Some(&false) => Verdict::partial(
            format!("`{name}`, which no code loads, leads to `{path}`, where nothing is"),
            Evidence::contradicts(at, format!("nothing is at `{path}`")),
        )
        .and_all(by)
        .and_all(link),
        State::Nothing => Verdict::unknown(
            why,
            format!("`{name}` leads to `{path}`, where nothing is: does code need it?"),
            Evidence::context(at, format!("nothing is at `{path}`")),
        )
        .and_all(needs)
        .and_all(by)
        .and_all(link),
        State::Unbuilt(via) => match needed.known() {
            Some(true) => Verdict::fail(
                format!("`{name}`, which code loads, is at `{path}`, and nothing builds it"),
                Evidence::contradicts(at, "must be built, and nothing does"),
            ),
            Some(false) => Verdict::partial(
                format!("nothing builds `{name}`, which no code loads: build it, or drop it"),
                Evidence::contradicts(at, "must be built, and nothing does"),
            ),
            None => Verdict::unknown(
                why,
                format!("`{name}` is at `{path}`, and nothing builds it: does code need it?"),
                Evidence::context(at, "must be built, and nothing does"),
            ),
        }
        .and_all(needs)
        .and(Evidence::context(*via, "brings it unbuilt"))
        .and_all(link),
        State::Unknown(why, place) => Verdict::unknown(
            *why,
            format!("where the link of `{name}` leads in the image cannot be told"),
            Evidence::context(at, "a link to a directory"),
        )
        .and_all(place.map(|place| Evidence::context(place, why.decide())))
        .and_all(by),
    }
}

/// What brings the first of these to where its link leads, or builds it there: printed, for where it
/// is to lie is for who wrote the image.
pub(crate) fn sketch(cx: &Cx<'_>, leads: &[Lead<'_>]) -> Option<Fix> {
    leads.iter().find_map(|lead| {
        let image = &cx.delivery[lead.image];
        let local = lead.dependency.local.as_deref()?;
        let (does, text) = match lead.state {
            State::Nothing => {
                let fs = Filesystem::new(cx.delivery, image);
                let manifest = format!("{local}/package.json");
                // Where it was built, if that is known.
                let held = (0..image.target?).rev().find_map(|stage| {
                    let place = fs.places(stage, &manifest).into_iter().next()?;
                    Some((image.stages.get(stage)?.name.clone(), stage, place))
                });
                let from = match &held {
                    Some((name, stage, place)) => {
                        let stage = name.clone().unwrap_or_else(|| stage.to_string());
                        format!("--from={stage} {}", place.strip_suffix("/package.json")?)
                    }
                    None => in_context(image, local)?.to_owned(),
                };
                let text = format!("COPY {from} {}\n", lead.path);
                (
                    "copy it to where its link leads, or install it there from its own directory",
                    text,
                )
            }
            State::Unbuilt(_) => {
                let text = format!("RUN cd {} && npm ci && npm run build\n", lead.path);
                ("build the local package before the service", text)
            }
            _ => return None,
        };
        let snippet = mending::snippet(&image.path, "dockerfile", text);
        Some(Fix::of_edits(does, Safety::Sketch, snippet, Vec::new()))
    })
}

/// Whether code that the start reaches imports a local package, or the start itself names it:
/// `node -r @acme/shared/register main.js`.
pub(crate) fn imported(cx: &Cx<'_>, service: ServiceSubject<'_>, lead: &Lead<'_>) -> Fact<bool> {
    let name = &lead.dependency.name;
    let startup = cx.delivery.startup(lead.image, None);
    let named = startup.as_ref().and_then(|startup| {
        startup.app.iter().find(|(word, _)| {
            word.strip_prefix(&**name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    });
    if let Some((_, at)) = named {
        return Fact::inferred(true, Some(*at));
    }
    // An import of a part that is not there imports the package all the same.
    let says = |at: &Span| {
        let bytes = cx.delivery.tree.read(at.file).ok()?;
        let text = bytes.get(at.range.start as usize..at.range.end as usize)?;
        let text = String::from_utf8_lossy(text);
        let mut quoted = text.split(['"', '\'', '`']);
        let named = |part: &str| {
            part.strip_prefix(&**name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        quoted.any(named).then_some(*at)
    };
    match program::code(service) {
        Ok(code) => match (code.imports_of(name).next(), program::gap_of_imports(code)) {
            (Some(import), _) => Fact::inferred(true, Some(import.at)),
            (None, Some(_)) if code.gaps.iter().any(|gap| says(&gap.at).is_some()) => {
                let at = code.gaps.iter().find_map(|gap| says(&gap.at));
                Fact::inferred(true, at)
            }
            (None, Some((why, at))) => Fact::Unknown(why, Some(at)),
            (None, None) => Fact::inferred(false, None),
        },
        Err((why, at)) => Fact::Unknown(why, Some(at)),
    }
}

/// Whether the local dependencies of a service's package are built in its images, wherever in them
/// they are: as [`State::There`] or [`State::Unbuilt`].
pub(crate) fn builds<'a>(
    cx: &Cx<'a>,
    service: ServiceSubject<'a>,
    package: &'a Package,
) -> Vec<Lead<'a>> {
    let mut found = Vec::new();
    for &id in &service.images {
        let image = &cx.delivery[id];
        let fs = Filesystem::new(cx.delivery, image);
        for dependency in package.dependencies.iter().filter(|dependency| is_local(dependency)) {
            let Some(local) = &dependency.local else { continue };
            let theirs = cx.delivery.node_package(local);
            let held = image.stages_built().into_iter().find_map(|stage| {
                let places = match theirs {
                    Some(theirs) => homes(&fs, stage, theirs),
                    None => fs.places(stage, local),
                };
                places.into_iter().find_map(|at| {
                    let manifest = format!("{}/package.json", at.trim_end_matches('/'));
                    let via = fs.find(stage, &at).via().or(fs.find(stage, &manifest).via())?;
                    Some((via, at))
                })
            });
            let Some((via, path)) = held else { continue };
            let state = built(cx, image, &fs, local, via, via);
            found.push(Lead { dependency, image: id, path, by: Some(via), state });
        }
    }
    found
}

/// The worst of the verdicts on a package's local dependencies, with the evidence of all.
pub(crate) fn worst<'a>(
    cx: &Cx<'a>,
    service: ServiceSubject<'_>,
    judge: impl FnOnce(&'a Package) -> Vec<Verdict>,
) -> Verdict {
    if let Some(&broken) = service.images.iter().find(|&&id| cx.delivery[id].broken) {
        let evidence = Evidence::context(cx.start_of(cx.delivery[broken].file), "does not parse");
        return Verdict::unknown(Why::Unparsed, "the Dockerfile does not parse", evidence);
    }
    let package = service.package.map(|id| &cx.delivery[id]);
    let mut verdicts = package.map(judge).unwrap_or_default();
    verdicts.sort_by_key(|verdict| std::cmp::Reverse(verdict.outcome().rank()));
    let mut verdicts = verdicts.into_iter();
    match verdicts.next() {
        Some(worst) => worst.and_all(verdicts.flat_map(|verdict| verdict.evidence)),
        None => {
            let place = package.map_or(service.place, |package| package.place);
            let evidence = Evidence::context(place, "where they are installed");
            let message = "no image is known in which the local dependencies are installed";
            Verdict::unknown(Why::NeedsBuild, message, evidence)
        }
    }
}
