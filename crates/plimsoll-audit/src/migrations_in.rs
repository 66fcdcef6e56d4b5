//! What a final stage holds of the files and packages that migrations need.

use std::collections::BTreeSet;

use plimsoll_model::Why;
use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{EffectKind, Image};
use plimsoll_model::migration::{Embedded, MigrationTool, Migrations, embedded};
use plimsoll_model::package::{DependencyKind, Package};
use plimsoll_source::Span;

use crate::context::in_context;
use crate::links::base;
use crate::migrating::starts;
use crate::{Cx, Evidence, Fix, Role, Safety, ServiceSubject, Verdict, mending};

/// What a tool's configuration is called.
const CONFIGURATION: &str = "configuration";

/// Whether something is in an image.
enum Shipped {
    /// It is, as this shows.
    Yes(Vec<Evidence>),
    /// It is not, as this shows.
    No(Evidence),
    /// It cannot be told.
    Open(Why, Option<Span>),
}

/// Whether the final stage of an image holds the migrations and what runs them.
pub(crate) fn judge(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    image: &Image,
    migrations: &Migrations,
) -> Verdict {
    let at = migrations.at;
    let Some(stage) = image.target.filter(|_| !image.broken) else {
        let evidence = Evidence::context(cx.start_of(image.file), "does not parse");
        return Verdict::unknown(Why::Unparsed, "the Dockerfile does not parse", evidence);
    };
    let package = service.package.map(|id| &cx.delivery[id]);
    if let Some(verdict) = package.and_then(|package| by_build(cx, image, migrations, package)) {
        return verdict;
    }
    let package = package.filter(|package| package.is_node());
    let open = |why: Why, place, what: &str| {
        Verdict::unknown(
            why,
            format!("whether the final stage has the {what} cannot be told"),
            Evidence::context(at, "what the migrations need"),
        )
        .and_all(Option::map(place, |place| Evidence::context(place, why.decide())))
    };
    if migrations.files.is_empty() && migrations.directory.known().is_none() {
        return open(Why::Unsupported, migrations.directory.span(), "migrations");
    }
    let mut wanted = wanted(cx, migrations);
    // What the program gives the tool itself stands in no configuration.
    let code = service.service.code.as_ref();
    let told = code.is_some_and(|code| {
        code.migrates.is_some_and(|(tool, _)| tool == migrations.tool)
            && !migrations.config.is_some_and(|config| code.modules.contains(&config))
    });
    if told && starts(cx, service).iter().all(|start| start.migrating.is_empty()) {
        wanted.retain(|(_, what)| *what != CONFIGURATION);
    }
    let named = Named::of(cx, migrations);
    let mut shown = Vec::new();
    let mut unknown = None;
    for (path, what) in &wanted {
        match self::path(cx, image, stage, package, path, what, named) {
            Shipped::Yes(evidence) => shown.extend(evidence),
            Shipped::No(evidence) => {
                let message = format!("the final stage lacks the {what}: copy them there");
                // What is there does not decide.
                let shown = shown.into_iter().map(|mut one: Evidence| {
                    one.role = Role::Context;
                    one
                });
                return Verdict::fail(message, evidence)
                    .and(Evidence::context(at, "names them"))
                    .and_all(shown);
            }
            Shipped::Open(why, place) => unknown = unknown.or(Some(open(why, place, what))),
        }
    }
    if wanted.is_empty() {
        unknown = Some(open(Why::Unsupported, migrations.directory.span(), "migrations"));
    }
    if let Some(unknown) = unknown {
        return unknown;
    }
    let loader = migrations.loader.as_deref().filter(|_| !matches!(named, Named::Made(_)));
    let tools = [migrations.tool.npm_package(), loader];
    for name in tools.into_iter().flatten() {
        let Some(package) = package else { continue };
        match npm_package(cx, image, stage, package, name) {
            Shipped::Yes(evidence) => shown.extend(evidence),
            Shipped::No(evidence) => {
                let message = format!(
                    "the migrations are there, `{name}`, which they need, is not: install it"
                );
                return Verdict::partial(message, evidence).and_all(shown);
            }
            Shipped::Open(why, place) => unknown = unknown.or(Some(open(why, place, name))),
        }
    }
    let mut shown = shown.into_iter();
    match (unknown, shown.next()) {
        (Some(unknown), _) => unknown,
        (None, Some(first)) => {
            Verdict::pass("the final stage holds the migrations and what runs them", first)
                .and_all(shown)
        }
        (None, None) => open(Why::NeedsBuild, None, "migrations"),
    }
}

/// The answer where a build puts the migrations into the program: they are wherever it is.
fn by_build(
    cx: &Cx<'_>,
    image: &Image,
    migrations: &Migrations,
    package: &Package,
) -> Option<Verdict> {
    let (span, certain) = match embedded(cx.delivery, migrations, package) {
        Embedded::Yes(span) => (span, true),
        Embedded::Perhaps(span) => (span, false),
        Embedded::No => return None,
    };
    let builds = image.stages_built().into_iter().find_map(|stage| {
        let effects = image.effects(stage);
        let build = effects.into_iter().find(|(_, e)| matches!(e.kind, EffectKind::Build { .. }));
        build.map(|(_, effect)| effect.span)
    });
    Some(match builds.filter(|_| certain) {
        Some(build) => {
            let message = "the migrations are built into the program";
            Verdict::pass(message, Evidence::shows(span, "puts them into the program"))
                .and(Evidence::context(build, "builds it"))
        }
        None => {
            let message = "whether the migrations are in the program cannot be told";
            let evidence = Evidence::context(span, "may put them into the program");
            Verdict::unknown(Why::NeedsBuild, message, evidence)
        }
    })
}

/// What the commands that migrate call their configuration.
#[derive(Clone, Copy)]
enum Named<'m> {
    /// A file of the tree: it must be there as it is.
    Kept,
    /// A path that only a build could make: what is compiled counts.
    Made(&'m str),
    /// They name none.
    Nothing,
}

impl<'m> Named<'m> {
    fn of(cx: &Cx<'_>, migrations: &'m Migrations) -> Self {
        match migrations.named.as_deref() {
            Some(named) if cx.delivery.tree.find(named).is_some() => Self::Kept,
            Some(named) => Self::Made(named),
            None => Self::Nothing,
        }
    }
}

/// Where the TypeScript build puts a source or a directory of sources, relative to the root.
fn emitted(package: &Package, path: &str) -> Option<String> {
    let typescript = package.typescript.as_ref().filter(|typescript| !typescript.no_emit)?;
    let within = |dir: &str| match (&*package.dir, dir.trim_start_matches("./")) {
        (own, "" | ".") => own.to_owned(),
        ("", dir) => dir.trim_end_matches('/').to_owned(),
        (own, dir) => format!("{own}/{}", dir.trim_end_matches('/')),
    };
    let root = within(typescript.root_dir.known()?);
    let out = within(typescript.out_dir.known()?);
    let rest = below(&root, path)?;
    let rest = [(".ts", ".js"), (".mts", ".mjs"), (".cts", ".cjs")]
        .iter()
        .find_map(|(from, to)| Some(format!("{}{to}", rest.strip_suffix(from)?)))
        .unwrap_or_else(|| rest.to_owned());
    Some(if rest.is_empty() { out } else { format!("{out}/{rest}") })
}

/// Whether what a build makes of a path is where the package lies in the final stage.
fn compiled(
    cx: &Cx<'_>,
    fs: &Filesystem<'_>,
    stage: usize,
    package: &Package,
    made: &str,
    what: &str,
    from: Span,
) -> Option<Shipped> {
    let rest = below(&package.dir, made)?;
    let homes = fs.places(stage, cx.path(package.manifest));
    let homes: Vec<&str> = homes.iter().filter_map(|at| at.strip_suffix("/package.json")).collect();
    let mut open = None;
    for home in &homes {
        match fs.find(stage, &format!("{home}/{rest}")) {
            Found::Absent => {}
            Found::Unknown(why, at) => open = open.or(Some(Shipped::Open(why, at))),
            found => {
                let via = found.via()?;
                let shows = Evidence::shows(via, format!("brings {what}, compiled"));
                return Some(Shipped::Yes(vec![shows]));
            }
        }
    }
    open.or_else(|| {
        homes.first()?;
        let says = format!("the final stage has no {what}");
        Some(Shipped::No(Evidence::missing_in(from, says)))
    })
}

/// Whether a file or directory of the tree is in the final stage, by itself or compiled.
fn path(
    cx: &Cx<'_>,
    image: &Image,
    stage: usize,
    package: Option<&Package>,
    path: &str,
    what: &str,
    named: Named<'_>,
) -> Shipped {
    let fs = Filesystem::new(cx.delivery, image);
    if let (Named::Made(named), Some(package)) = (named, package) {
        // The configuration itself is what the command says.
        let is_config = what == CONFIGURATION;
        let made = emitted(package, path);
        let made = if is_config { Some(named.to_owned()) } else { made };
        let from = image.stages.get(stage).map_or_else(|| cx.start_of(image.file), |s| s.from);
        let shipped = made.and_then(|made| compiled(cx, &fs, stage, package, &made, what, from));
        if let Some(shipped) = shipped {
            return shipped;
        }
    }
    let found = fs.places(stage, path).into_iter().find_map(|at| fs.find(stage, &at).via());
    if let Some(via) = found {
        return Shipped::Yes(vec![Evidence::shows(via, format!("brings {what}"))]);
    }
    if let Some((why, at)) = image.context.unknown() {
        return Shipped::Open(why, at);
    }
    if let Some(typescript) = package.and_then(|package| package.typescript.as_ref())
        && !matches!(named, Named::Kept)
        && is_compiled(cx, package, path)
    {
        return Shipped::Open(Why::NeedsBuild, Some(cx.start_of(typescript.config)));
    }
    // Where it would stand, if a command moved it there.
    let below = package.map_or(Some(path), |package| below(&package.dir, path));
    let workdir = image.stages.get(stage).and_then(|stage| stage.config.workdir.as_deref());
    if let (Some(below), Some(workdir)) = (below, workdir) {
        let at = format!("{}/{below}", workdir.trim_end_matches('/'));
        match fs.find(stage, &at) {
            Found::Unknown(why, at) => return Shipped::Open(why, at),
            Found::Made { via } | Found::Built { via } => {
                return Shipped::Open(Why::NeedsBuild, Some(via));
            }
            _ => {}
        }
    }
    let from = image.stages.get(stage).map_or_else(|| cx.start_of(image.file), |s| s.from);
    Shipped::No(Evidence::missing_in(from, format!("the final stage has no {what}")))
}

/// Whether the TypeScript build may emit something for a path: a source, or a directory of them.
fn is_compiled(cx: &Cx<'_>, package: Option<&Package>, path: &str) -> bool {
    let Some(package) = package else { return false };
    let Some(typescript) = package.typescript.as_ref().filter(|ts| !ts.no_emit) else {
        return false;
    };
    let tree = &cx.delivery.tree;
    let sources = [".ts", ".mts", ".cts", ".js"];
    let is_source = match tree.find(path) {
        Some(_) => sources.iter().any(|end| path.ends_with(end)),
        None => tree
            .under(path)
            .take(1_000)
            .any(|file| sources.iter().any(|end| tree.path(file).ends_with(end))),
    };
    let covers = |pattern: &String| {
        let literal = pattern.split('*').next().unwrap_or(pattern).trim_end_matches('/');
        literal.is_empty() || below(literal, path).is_some() || below(path, literal).is_some()
    };
    is_source && typescript.include.iter().any(covers)
}

/// Whether a package is installed in the final stage: globally, or in the `node_modules` of the
/// service's own package.
fn npm_package(cx: &Cx<'_>, image: &Image, stage: usize, package: &Package, name: &str) -> Shipped {
    let global = image.effects(stage).into_iter().find(|(_, effect)| match &effect.kind {
        EffectKind::Install(install) => {
            install.global && install.packages.iter().any(|one| unversioned(one) == name)
        }
        _ => false,
    });
    if let Some((_, effect)) = global {
        return Shipped::Yes(vec![Evidence::shows(effect.span, format!("installs `{name}`"))]);
    }
    let fs = Filesystem::new(cx.delivery, image);
    let mut hosts = fs.modules(stage);
    hosts.retain(|modules| base(cx, &fs, modules, package).is_some());
    let with_development = hosts.iter().find(|modules| modules.production.is_none());
    let any = with_development.or(hosts.first());
    let declared = package.dependency(name);
    let lock = package.lockfile.as_ref().filter(|lock| lock.trouble.is_none());
    let locked = lock.and_then(|lock| lock.installed(name));
    match (declared, any) {
        (Some(one), Some(modules)) if one.kind != DependencyKind::Development => {
            let via = modules.copied.unwrap_or(modules.via);
            Shipped::Yes(vec![
                Evidence::shows(one.span, format!("declares `{name}`")),
                Evidence::shows(via, format!("brings `{name}`")),
            ])
        }
        // npm leaves it out only with optional dependencies, too.
        (Some(_), Some(modules))
            if lock.is_some_and(|lock| lock.kept.iter().any(|n| n == name)) =>
        {
            match modules
                .production
                .filter(|&span| cx.text_of(span).is_none_or(|text| text.contains("optional")))
            {
                Some(span) => Shipped::Open(Why::NeedsBuild, Some(span)),
                None => {
                    let via = modules.copied.unwrap_or(modules.via);
                    let says = format!("brings `{name}`, which is `devOptional`");
                    Shipped::Yes(vec![Evidence::shows(via, says)])
                }
            }
        }
        (Some(one), Some(modules)) => match modules.production {
            None => Shipped::Yes(vec![
                Evidence::shows(one.span, format!("`{name}` is for development, and kept")),
                Evidence::shows(modules.copied.unwrap_or(modules.via), format!("brings `{name}`")),
            ]),
            Some(span) => Shipped::No(Evidence::contradicts(span, format!("leaves `{name}` out"))),
        },
        (None, Some(modules)) => match (locked, lock) {
            (Some(at), _) if modules.production.is_none() => Shipped::Yes(vec![Evidence::shows(
                at.span,
                format!("`{name}` is there because others need it"),
            )]),
            (None, Some(lock)) if package.workspace.is_none() => {
                Shipped::No(Evidence::missing_in(lock.place, format!("no `{name}`")))
            }
            _ => Shipped::Open(Why::NeedsBuild, Some(modules.via)),
        },
        (_, None) => Shipped::Open(Why::NeedsBuild, None),
    }
}

/// The COPYs that would bring what the final stage of an image lacks, or what installs the loader:
/// printed, for a build may put them elsewhere.
pub(crate) fn sketch(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    image: &Image,
    migrations: &Migrations,
) -> Option<Fix> {
    let stage = image.target.filter(|_| !image.broken)?;
    let fs = Filesystem::new(cx.delivery, image);
    let package = service.package.map(|id| &cx.delivery[id]);
    let dir = package.map_or("", |package| &*package.dir);
    let own =
        package.and_then(|package| fs.places(stage, cx.path(package.manifest)).into_iter().next());
    let home = own.as_deref().and_then(|own| own.rsplit_once('/')).map(|(home, _)| home.to_owned());
    let home = home.or_else(|| image.stages.get(stage)?.config.workdir.clone())?;
    let home = home.trim_end_matches('/');
    let mut lines = BTreeSet::new();
    let directory = migrations.directory.known();
    for (path, _) in wanted(cx, migrations) {
        // A file of the directory comes with it.
        let inside =
            directory.and_then(|dir| below(dir, &path)).is_some_and(|rest| !rest.is_empty());
        let Some(rest) = below(dir, &path).filter(|_| !inside) else { continue };
        let dest = format!("{home}/{rest}");
        if !matches!(fs.find(stage, &dest), Found::Absent) {
            continue;
        }
        let place = |stage: usize| -> Option<String> {
            if cx.delivery.tree.find(&path).is_some() {
                return fs.places(stage, &path).into_iter().next();
            }
            let first = migrations.files.first().map(|&file| cx.path(file))?;
            let place = fs.places(stage, first).into_iter().next()?;
            place.strip_suffix(&*format!("/{}", below(&path, first)?)).map(str::to_owned)
        };
        let held = (0..stage).rev().find_map(|at| Some((at, place(at)?)));
        let from = match held {
            Some((at, place)) => {
                let name = image.stages.get(at)?.name.clone().unwrap_or_else(|| at.to_string());
                format!("--from={name} {place}")
            }
            None => in_context(image, &path)?.to_owned(),
        };
        lines.insert(format!("COPY {from} {dest}\n"));
    }
    let (path, language, text) = match (lines.is_empty(), &migrations.loader, package) {
        (false, ..) => (&*image.path, "dockerfile", lines.into_iter().collect()),
        (true, Some(loader), Some(package)) => {
            let at = if dir.is_empty() { "." } else { dir };
            let text = format!("npm --prefix {at} install --save-prod {loader}\n");
            (cx.path(package.manifest), "sh", text)
        }
        _ => return None,
    };
    let does = "bring what the migrations need into the image that migrates";
    Some(Fix::of_edits(does, Safety::Sketch, mending::snippet(path, language, text), Vec::new()))
}

/// The files and directories that an image must hold, with what they are called.
fn wanted(cx: &Cx<'_>, migrations: &Migrations) -> Vec<(String, &'static str)> {
    // Diesel's is for its command line, Liquibase's lies among what it lists.
    let aside = matches!(migrations.tool, MigrationTool::Diesel | MigrationTool::Liquibase);
    let config = migrations.config.filter(|_| !aside);
    let config = config.map(|file| (cx.path(file).to_owned(), CONFIGURATION));
    let mut wanted: Vec<(String, &'static str)> = config.into_iter().collect();
    match migrations.directory.known() {
        Some(dir) => wanted.push((dir.clone(), "migrations")),
        None => {
            let files = migrations.files.iter().take(50);
            wanted.extend(files.map(|&file| (cx.path(file).to_owned(), "migrations")));
        }
    }
    // An ignore file may keep the first of them out.
    if let (Some(_), Some(&first)) = (migrations.directory.known(), migrations.files.first()) {
        wanted.push((cx.path(first).to_owned(), "migrations"));
    }
    wanted
}

fn below<'p>(dir: &str, path: &'p str) -> Option<&'p str> {
    if dir.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(dir)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// `typescript@5` without its version.
pub(crate) fn unversioned(package: &str) -> &str {
    match package.get(1..).and_then(|rest| rest.find('@')) {
        Some(at) => package.get(..=at).unwrap_or(package),
        None => package,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_cut() {
        assert_eq!(unversioned("@a/b@^2"), "@a/b");
        assert_eq!((unversioned("ts-node"), unversioned("knex@3")), ("ts-node", "knex"));
        assert_eq!(unversioned("@"), "@");
    }
}
