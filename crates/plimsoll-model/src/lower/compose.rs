//! Compose files to containers, as `docker compose` loads them.
//!
//! Source of the rules: the Compose specification (merge, extends, include, interpolation). Of each
//! directory the base file is a project. A file beside it that only adds to its services is merged
//! over it: for good if its name says production, as a deployment of its own if it says
//! development or test, and else noted as what an operator may add.

mod chains;
mod engine;
mod interpolate;
mod schema;
mod service;
mod words;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::OnceLock;

use plimsoll_source::{Entry, EntryKind, FileId, Span, TextRange, Tracking};
use plimsoll_syntax::yaml::{self, Value, Yaml};
use plimsoll_syntax::{Parsed, dotenv};
use rayon::prelude::*;

use super::cx::Cx;
use super::{image, purpose};
use crate::container::{Container, Project};
use crate::delivery::Problem;
use crate::engine::{Network, Volume};
use crate::fact::{Fact, Why};
use crate::image::Image;
use crate::purpose::Purpose;
use crate::script::Program;
use interpolate::Vars;
use service::{Context, Layer, Service, Source, Sources, in_tree, is_remote, joined};

/// The names of a base file; the first that exists is loaded.
const BASES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// The names of a file that is merged over the base file unless files are named.
const AUTOMATIC: [&str; 4] = [
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
];

/// How many services may extend one another in a row.
const MAX_EXTENDS: usize = 64;

/// The most files of variables that are read beside one project.
const MAX_ENV_FILES: usize = 16;

/// How many names that its services give are looked at to tell whether a file is whole.
const MAX_NAMES: usize = 20_000;

/// How many paths that start where compose is called from are looked for.
const MAX_CALLERS: usize = 64;

/// How many comments at the head of a file are kept.
const MAX_HEADER: usize = 256;

const WHAT: &str = "compose file";

/// A compose file.
struct Doc {
    file: FileId,
    dir: String,
    yaml: Yaml,
    /// What its format does not know: the same whatever it is merged with.
    faults: Vec<(Span, String)>,
}

impl Doc {
    fn root(&self) -> Option<Value<'_>> {
        self.yaml.root().filter(|root| root.is_map())
    }
}

type Docs = BTreeMap<FileId, Doc>;
type Services<'a> = BTreeMap<&'a str, Service<'a>>;

/// Files that are merged, and which of the merged services are containers.
struct Plan {
    dir: String,
    files: Vec<FileId>,
    purpose: Purpose,
    only: Only,
}

/// Which of the merged services of a plan are containers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    /// All but those that are only there to be extended.
    All,
    /// The services of the last file.
    Last,
    /// The services of the last file that say what to run.
    LastAlone,
    /// The same of a file that others are read with, which are not known: what it does not say, they
    /// may.
    Fragment,
}

/// The compose projects of the tree, and the containers that they start.
pub(super) fn read(cx: &Cx<'_>, programs: &[Program]) -> (Vec<Project>, Vec<Container>) {
    let mut loader = Loader::new(cx);
    loader.chains = chains::of_programs(cx, programs);
    loader.lists = chains::lists(cx, programs);
    loader.bare = chains::bare(cx, programs);
    loader.variables = chains::variables(cx, programs);
    loader.read_chains();
    let (plans, optional) = loader.plans();
    let mut projects = Vec::new();
    let mut by_base: BTreeMap<(FileId, String), Vec<usize>> = BTreeMap::new();
    // Files differ in size: whoever has done with one takes the next.
    let each = plans.par_iter().with_max_len(1).enumerate();
    let merged: Vec<_> = each.map(|(index, plan)| loader.project(plan, index)).collect();
    // Room for all at once: containers are too large to be moved whenever a list grows.
    let mut containers: Vec<Container> =
        Vec::with_capacity(merged.iter().map(|(_, found)| found.len()).sum());
    for (plan, (project, found)) in plans.iter().zip(merged) {
        for container in found {
            if let (Some(base), Only::All) = (plan.files.first(), plan.only) {
                let key = (*base, container.name.clone());
                by_base.entry(key).or_default().push(containers.len());
            }
            containers.push(container);
        }
        projects.push(project);
    }
    for (base, dir, file) in optional {
        let plan = Plan {
            dir,
            files: vec![file],
            purpose: purpose::of_path(cx.tree.path(file)),
            only: Only::All,
        };
        let merged = loader.merged(&plan);
        let context = merged.context(0, &plan.purpose);
        for (name, service) in merged.services.iter().filter(|(_, service)| !service.stands_alone())
        {
            let overlay = service.overlay(&context);
            for &index in by_base.get(&(base, (*name).to_owned())).into_iter().flatten() {
                if let Some(container) = containers.get_mut(index) {
                    container.overlays.push(overlay.span);
                    container.optional.push(overlay.clone());
                }
            }
        }
    }
    (projects, containers)
}

/// The images that `dockerfile_inline` describes, each once.
pub(super) fn inline_images(cx: &Cx<'_>, containers: &[Container]) -> Vec<Image> {
    let mut seen = BTreeSet::new();
    let mut images = Vec::new();
    for build in containers.iter().filter_map(|container| container.build.as_ref()) {
        if let (Some(text), Some(path)) = (&build.inline, build.dockerfile.known())
            && seen.insert(path)
        {
            images.push(image::lower(cx, text.file(), path.clone(), text));
        }
    }
    images
}

/// Whether a file is a compose file by its name.
pub(super) fn is_named_compose(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let Some(stem) = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")) else {
        return false;
    };
    let starts = ["docker-compose", "compose"].iter().any(|start| {
        stem.strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    });
    starts || stem.ends_with(".compose") || stem.ends_with(".docker-compose")
}

/// Whether a file holds variables, or an example of them, by its name: `.env.example`, `prod.env`.
fn is_named_env(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with(".env") || name.starts_with("env.") || name.split('.').any(|p| p == "env")
}

fn dir_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// Whether the name of a file says that it is what runs in production.
fn says_production(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    name.split(['.', '-', '_']).any(|part| matches!(part, "prod" | "production" | "prd" | "live"))
}

/// The files, parsed.
struct Loader<'a> {
    cx: &'a Cx<'a>,
    docs: Docs,
    /// The files that have a compose file's name, in path order.
    named: Vec<FileId>,
    /// Files that another includes: no projects of their own.
    included: BTreeSet<FileId>,
    /// Services that another file's extend, and no file of their project runs.
    templates: BTreeSet<(FileId, String)>,
    /// The orders in which scripts name files.
    chains: BTreeSet<Vec<FileId>>,
    /// The lists of files that any command names.
    lists: BTreeSet<Vec<FileId>>,
    /// Where what deploys names none.
    bare: BTreeSet<String>,
    /// What `--env-file` names, by directory.
    variables: BTreeMap<String, FileId>,
    /// Files of variables, examples of them among them, by directory.
    env_files: BTreeMap<&'a str, Vec<FileId>>,
    /// What those at the root name.
    at_root: OnceLock<Vec<(String, Span)>>,
}

impl<'a> Loader<'a> {
    fn new(cx: &'a Cx<'a>) -> Self {
        let is_ours = |entry: &Entry| {
            !matches!(entry.kind, EntryKind::Link { .. })
                && entry.tracking != Tracking::Ignored
                && is_named_compose(&entry.path)
                && !purpose::is_vendored(&entry.path)
        };
        let named: Vec<FileId> =
            cx.tree.entries().filter(|(_, entry)| is_ours(entry)).map(|(id, _)| id).collect();
        let mut loader = Self {
            cx,
            docs: Docs::new(),
            named: named.clone(),
            included: BTreeSet::new(),
            templates: BTreeSet::new(),
            chains: BTreeSet::new(),
            lists: BTreeSet::new(),
            bare: BTreeSet::new(),
            variables: BTreeMap::new(),
            env_files: env_files(cx),
            at_root: OnceLock::new(),
        };
        let mut tried: BTreeSet<FileId> = named.iter().copied().collect();
        let mut todo = named;
        let mut includes_of: BTreeMap<FileId, Vec<FileId>> = BTreeMap::new();
        // The named ones, then those that these name, and so on.
        while !todo.is_empty() {
            let read = |file| Some((file, parse(cx, file)?));
            let docs: Vec<(FileId, Doc)> =
                todo.into_par_iter().with_max_len(1).filter_map(read).collect();
            let mut more = BTreeSet::new();
            for (file, doc) in docs {
                let names = doc.root().into_iter().flat_map(|root| includes(root, &doc.dir));
                let paths = names.flat_map(|include| include.paths);
                for found in paths.filter_map(|(path, _)| cx.tree.find(&path)) {
                    includes_of.entry(file).or_default().push(found);
                    more.insert(found);
                }
                for (path, service) in extended_files(&doc) {
                    if let Some(found) = cx.tree.find(&path).filter(|&found| found != file) {
                        loader.templates.insert((found, service));
                        more.insert(found);
                    }
                }
                loader.docs.insert(file, doc);
            }
            more.retain(|file| tried.insert(*file));
            todo = more.into_iter().collect();
        }
        loader.included = included(&loader.named, &includes_of);
        loader
    }

    /// What is merged with what; and the files that an operator may add: base, project's
    /// directory, file.
    fn plans(&self) -> (Vec<Plan>, Vec<(FileId, String, FileId)>) {
        let mut by_dir: BTreeMap<&str, Vec<&Doc>> = BTreeMap::new();
        for doc in self.named.iter().filter_map(|file| self.docs.get(file)) {
            if !self.included.contains(&doc.file) && doc.root().is_some() {
                by_dir.entry(&doc.dir).or_default().push(doc);
            }
        }
        let name = |doc: &Doc| self.cx.tree.path(doc.file).rsplit('/').next().unwrap_or_default();
        let (mut plans, joint) = self.joint(&by_dir);
        for docs in by_dir.values_mut() {
            docs.retain(|doc| !joint.contains(&doc.file));
        }
        // Most bases have no file beside them or below: their services are not asked for.
        let mut bases: BTreeMap<&str, (&Doc, OnceCell<BTreeSet<String>>)> = BTreeMap::new();
        for (dir, docs) in &by_dir {
            let base = BASES.iter().find_map(|base| docs.iter().find(|doc| name(doc) == *base));
            if let Some(base) = base {
                bases.insert(dir, (base, OnceCell::new()));
            }
        }
        let mut optional = Vec::new();
        let mut shared: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.docs.values().flat_map(service_names) {
            *shared.entry(name).or_default() += 1;
        }
        let only: BTreeMap<FileId, Vec<FileId>> = bases
            .values()
            .filter_map(|(base, _)| Some((base.file, self.only_chain(base)?)))
            .collect();
        let merged: BTreeSet<FileId> = only.values().flatten().copied().collect();
        for (dir, docs) in &by_dir {
            let own = bases.get(dir);
            let base = own.map(|(base, _)| base.file);
            let mut replaced = false;
            let at = plans.len();
            if let Some(file) = base {
                plans.push(Plan {
                    dir: (*dir).to_owned(),
                    files: only.get(&file).cloned().unwrap_or_else(|| vec![file]),
                    purpose: purpose::of_path(self.cx.tree.path(file)),
                    only: Only::All,
                });
            }
            let rest = |doc: &&&Doc| Some(doc.file) != base && !merged.contains(&doc.file);
            for doc in docs.iter().filter(rest) {
                let path = self.cx.tree.path(doc.file);
                let mut plan = Plan {
                    dir: (*dir).to_owned(),
                    files: vec![doc.file],
                    purpose: purpose::of_path(path),
                    only: Only::All,
                };
                let automatic = own.filter(|_| AUTOMATIC.contains(&name(doc)));
                let below = ancestors(dir).filter_map(|dir| Some((dir, bases.get(dir)?)));
                let over = below
                    .filter(|(_, (base, names))| {
                        let names = || names.get_or_init(|| self.names(base));
                        automatic.is_some() || self.adds_to(doc, names)
                    })
                    .map(|(dir, (base, _))| (dir, base.file))
                    .next();
                match over {
                    None if self.is_fragment(doc, &shared) => plan.only = Only::Fragment,
                    None => {}
                    Some((_, file)) if automatic.is_some() && self.loads_override(dir, file) => {
                        if let Some(first) = plans.get_mut(at) {
                            first.files.push(doc.file);
                            continue;
                        }
                    }
                    Some((project, file)) if project == *dir && !plan.purpose.is_production() => {
                        plan.files = vec![file, doc.file];
                        plan.only = Only::Last;
                    }
                    Some((project, file)) if project == *dir && says_production(path) => {
                        if let Some(first) = plans.get_mut(at).filter(|_| !replaced) {
                            replaced = true;
                            first.files.push(doc.file);
                            continue;
                        }
                        plan.files = vec![file, doc.file];
                        plan.only = Only::Last;
                    }
                    Some((project, file)) => {
                        optional.push((file, project.to_owned(), doc.file));
                        plan.dir = project.to_owned();
                        plan.only = Only::LastAlone;
                        plan.files = self.up_to(file, doc.file);
                    }
                }
                plans.push(plan);
            }
        }
        (plans, optional)
    }

    /// The projects of files that are only ever read together, none of which is a project alone: as
    /// commands list them, production first, then the longest list. And those files.
    fn joint(&self, by_dir: &BTreeMap<&str, Vec<&Doc>>) -> (Vec<Plan>, BTreeSet<FileId>) {
        let named: BTreeSet<FileId> = by_dir.values().flatten().map(|doc| doc.file).collect();
        let purpose = |files: &[FileId]| {
            let of = |file: &FileId| purpose::of_path(self.cx.tree.path(*file));
            let other = files.iter().map(of).find(|purpose| !purpose.is_production());
            other.unwrap_or_else(Purpose::production)
        };
        let alone = |file: FileId| self.lists.contains(&vec![file]);
        let is_project = |file: &FileId| {
            let path = self.cx.tree.path(*file);
            let base = BASES.contains(&path.rsplit('/').next().unwrap_or(path));
            base && self.docs.get(file).is_none_or(|doc| self.is_whole(doc))
        };
        let mut lists: Vec<&Vec<FileId>> = self
            .lists
            .iter()
            .filter(|list| list.len() > 1 && list.iter().all(|file| self.docs.contains_key(file)))
            .filter(|list| list.first().is_some_and(|file| !is_project(file) && !alone(*file)))
            .collect();
        lists.sort_by_key(|list| (!purpose(list).is_production(), std::cmp::Reverse(list.len())));
        let (mut plans, mut planned) = (Vec::new(), BTreeSet::new());
        for list in &lists {
            let (Some(first), Some(last)) = (list.first(), list.last()) else { continue };
            let only = match list.iter().any(|file| planned.contains(file)) {
                false => Only::All,
                true if !planned.contains(last) => Only::Last,
                true => continue,
            };
            planned.extend(list.iter().copied());
            plans.push(Plan {
                dir: dir_of(self.cx.tree.path(*first)).to_owned(),
                files: (*list).clone(),
                purpose: purpose(list),
                only,
            });
        }
        // What stands in no list that was taken is read for what it says itself.
        let joint: BTreeSet<FileId> = lists.into_iter().flatten().copied().collect();
        let joint: BTreeSet<FileId> =
            joint.into_iter().filter(|file| planned.contains(file) || !alone(*file)).collect();
        for &file in joint.iter().filter(|file| !planned.contains(file) && named.contains(file)) {
            plans.push(Plan {
                dir: dir_of(self.cx.tree.path(file)).to_owned(),
                files: vec![file],
                purpose: purpose(&[file]),
                only: Only::Fragment,
            });
        }
        (plans, joint)
    }

    /// Whether a file can be loaded without another: its services say what to run, and what they
    /// name is defined in it.
    fn is_whole(&self, doc: &Doc) -> bool {
        let Some(root) = doc.root() else { return true };
        let Some(services) = root.get("services").filter(|services| services.is_map()) else {
            return true;
        };
        if root.get("include").is_some() {
            return true;
        }
        let names = |key: &str| -> BTreeSet<&str> {
            let entries = root.get(key).map(Value::entries).unwrap_or_default();
            entries.into_iter().filter_map(|(key, _)| key.text()).collect()
        };
        let (networks, volumes, all) = (names("networks"), names("volumes"), names("services"));
        let known = |name: &&str| name.contains('$') || *name == "default";
        // Aliases can make a small file endless: what is not looked at is not called a fault.
        let mut left = MAX_NAMES;
        services.entries().iter().all(|(_, service)| {
            if !service.is_map() || service.get("extends").is_some() {
                return true;
            }
            let mut named = |key: &str| {
                let found = names_in(service.get(key), left);
                left = left.saturating_sub(found.len() + 1);
                found
            };
            let (joins, awaits, mounts) =
                (named("networks"), named("depends_on"), named("volumes"));
            let source = |text: &&str| {
                let (source, _) = text.split_once(':')?;
                let plain = !source.is_empty() && !source.contains(['/', '.', '~', '$', '\\']);
                plain.then(|| source.to_owned())
            };
            let runs = ["image", "build", "provider"].iter().any(|key| service.get(key).is_some());
            runs && joins.iter().all(|name| known(name) || networks.contains(name))
                && awaits.iter().all(|name| known(name) || all.contains(name))
                && mounts.iter().filter_map(source).all(|name| volumes.contains(&*name))
        })
    }

    /// Whether a file that is no project's base is one of several that are read together, by its name
    /// or because it is not whole and others have services of the same names.
    /// `shared` says in how many files a service of a name stands.
    fn is_fragment(&self, doc: &Doc, shared: &BTreeMap<&str, usize>) -> bool {
        let path = self.cx.tree.path(doc.file);
        let name = path.rsplit('/').next().unwrap_or(path);
        if BASES.contains(&name) {
            return false;
        }
        let stem = name.strip_prefix("docker-").unwrap_or(name);
        if stem.starts_with("compose.override.") {
            return true;
        }
        let shared = |name: &str| shared.get(name).is_some_and(|files| *files > 1);
        !self.is_whole(doc) && service_names(doc).into_iter().any(shared)
    }

    /// Reads the files that scripts and `.env` files name, whatever they are called.
    fn read_chains(&mut self) {
        let name = |file: FileId| self.cx.tree.path(file).rsplit('/').next().unwrap_or_default();
        let bases = self.named.iter().filter(|file| BASES.contains(&name(**file)));
        let of_env = bases.filter_map(|file| self.of_env(dir_of(self.cx.tree.path(*file))));
        let lists = self.chains.iter().chain(self.lists.iter().filter(|list| list.len() > 1));
        let files: BTreeSet<FileId> = lists.cloned().chain(of_env).flatten().collect();
        for file in files {
            if !self.docs.contains_key(&file)
                && let Some(doc) = parse(self.cx, file)
            {
                self.docs.insert(file, doc);
            }
        }
    }

    /// Whether what deploys a project is seen to take its automatic override file, too: it names no
    /// file, and nothing else names some.
    fn loads_override(&self, dir: &str, base: FileId) -> bool {
        self.bare.contains(dir)
            && self.of_env(dir).is_none()
            && !self.chains.iter().any(|chain| chain.first() == Some(&base))
    }

    /// The files that a directory's `.env` file names in `COMPOSE_FILE`.
    fn of_env(&self, dir: &str) -> Option<Vec<FileId>> {
        let find = |name: &str| self.cx.tree.find(&in_tree(dir, name.trim()).ok()?);
        let vars = self.vars(dir);
        vars.value("COMPOSE_FILE")?.split([':', ';']).map(find).collect()
    }

    /// The files that a project is always started with, where scripts or its `.env` file name more
    /// than its base, and always the same.
    fn only_chain(&self, base: &Doc) -> Option<Vec<FileId>> {
        let of_env = self.of_env(&base.dir);
        let default = BTreeSet::from([Vec::new()]);
        let named = match &of_env {
            Some(chain) => BTreeSet::from([chain]),
            None => self.chains.iter().filter(|c| c.first() == Some(&base.file)).collect(),
        };
        let mut named = named.into_iter();
        let (one, more) = (named.next()?, named.next());
        // Who names none starts it with what compose finds: another order.
        let other = of_env.is_none() && self.chains.intersection(&default).next().is_some();
        let known = |file: &FileId| {
            self.docs.contains_key(file)
                && purpose::of_path(self.cx.tree.path(*file)).is_production()
        };
        let certain = more.is_none() && !other && one.len() > 1 && one.first() == Some(&base.file);
        (certain && one.iter().all(known)).then(|| one.clone())
    }

    /// The files that are merged before a file and with it, where scripts say so.
    fn up_to(&self, base: FileId, file: FileId) -> Vec<FileId> {
        let mut orders = self.chains.iter().filter(|chain| chain.first() == Some(&base));
        let order = orders.find_map(|chain| {
            let at = chain.iter().position(|&one| one == file)?;
            let before = chain.get(..=at)?;
            before.iter().all(|one| self.docs.contains_key(one)).then(|| before.to_vec())
        });
        order.unwrap_or_else(|| vec![file])
    }

    /// The services of a file and of what it includes, by name alone.
    fn names(&self, doc: &Doc) -> BTreeSet<String> {
        let plan = Plan {
            dir: doc.dir.clone(),
            files: vec![doc.file],
            purpose: Purpose::production(),
            only: Only::All,
        };
        self.merged(&plan).services.into_keys().map(str::to_owned).collect()
    }

    /// Whether a file only adds to some of these services: it does not say what they run.
    fn adds_to<'n>(&self, doc: &Doc, names: impl Fn() -> &'n BTreeSet<String>) -> bool {
        let Some(services) = doc.root().and_then(|root| root.get("services")) else { return false };
        services.entries().iter().any(|(key, service)| {
            let open = service.is_map()
                && ["image", "build", "extends"].iter().all(|key| service.get(key).is_none());
            open && key.text().is_some_and(|name| names().contains(name))
        })
    }

    /// A plan's project and containers.
    fn project(&self, plan: &Plan, index: usize) -> (Project, Vec<Container>) {
        let mut merged = self.merged(plan);
        if plan.only == Only::Fragment {
            for service in merged.services.values_mut() {
                let at = service.layers.first().map(|layer| (Why::Dynamic, layer.key.span()));
                service.open = service.open.or(at);
            }
        }
        let merged = merged;
        let env_path = joined(&plan.dir, ".env");
        let context = merged.context(index, &plan.purpose);
        let last = plan.files.last().copied();
        if !matches!(plan.only, Only::LastAlone | Only::Fragment) {
            for service in merged.services.values().filter(|service| service.overrides_nothing()) {
                if let Some(layer) = service.layers.first() {
                    self.problem(layer.key, "it overrides a service that no other file defines");
                }
            }
        }
        let mut containers: Vec<Container> = Vec::with_capacity(merged.services.len());
        let services = merged
            .services
            .iter()
            .filter(|(name, service)| {
                let of_last = service.layers.get(service.own).is_some_and(|l| Some(l.file) == last);
                let template =
                    plan.only == Only::All && plan.files.iter().any(|f| self.is_template(*f, name));
                match plan.only {
                    Only::All => !template,
                    Only::Last => of_last,
                    Only::LastAlone | Only::Fragment => {
                        last.is_some_and(|last| service.stands_alone_in(last))
                    }
                }
            })
            .map(|(_, service)| service.container(&context));
        containers.extend(services);
        let awaited: BTreeSet<String> = containers
            .iter()
            .flat_map(|container| &container.depends_on)
            .filter(|on| on.condition == "service_completed_successfully")
            .map(|on| on.service.clone())
            .collect();
        // `links: [db:database]` gives the other a name.
        let links: Vec<(String, String)> = containers
            .iter()
            .flat_map(|container| &container.engine.links)
            .filter_map(|(link, _)| link.split_once(':'))
            .map(|(service, alias)| (service.to_owned(), alias.to_owned()))
            .collect();
        for container in &mut containers {
            let given = links.iter().filter(|(service, _)| *service == container.name);
            container.engine.aliases.extend(given.map(|(_, alias)| alias.clone()));
            let hosts = container.engine.networks.iter().find(|(name, _)| {
                let network = merged.networks.get(name);
                network.is_some_and(|n| n.external && n.called.as_ref().unwrap_or(name) == "host")
            });
            if let Some((_, at)) = hosts.filter(|_| container.engine.network_mode.is_absent()) {
                container.host_network = Fact::declared(true, *at);
                container.engine.network_mode = Fact::declared("host".to_owned(), *at);
            }
            container.job = awaited.contains(&container.name)
                || container.restart.known().is_some_and(|restart| restart == "no")
                    && (migrates(container) || container.ports.is_empty());
        }
        let (mut faults, mut wanted, mut interpolates) = (Vec::new(), Vec::new(), false);
        for (doc, vars) in
            merged.read.iter().filter_map(|(f, vars)| Some((self.docs.get(f)?, vars)))
        {
            faults.extend(doc.faults.iter().cloned());
            let (found, any) =
                doc.root().map(|root| schema::wanted(root, vars)).unwrap_or_default();
            wanted.extend(found);
            interpolates |= any;
        }
        // What another file beside it may still say is not asked for.
        let beside = |file: &FileId| dir_of(self.cx.tree.path(*file)) == plan.dir;
        let alone = !self.named.iter().any(|file| beside(file) && !plan.files.contains(file));
        if plan.only == Only::All && alone {
            let nothing = merged.services.iter().filter(|(name, service)| {
                service.runs_nothing() && !plan.files.iter().any(|f| self.is_template(*f, name))
            });
            let says = "it says neither an image nor a build";
            let nothing = nothing.filter_map(|(_, service)| service.layers.first());
            faults.extend(nothing.map(|layer| (layer.key.span(), says.to_owned())));
        }
        let examples = match wanted.is_empty() {
            true => Vec::new(),
            false => self.examples(&plan.dir),
        };
        let project = Project {
            dir: plan.dir.clone(),
            files: plan.files.clone(),
            env_file: self.env_file(&env_path),
            networks: merged.networks.into_values().collect(),
            volumes: merged.volumes.into_values().collect(),
            versions: merged.versions,
            services: merged.services_key,
            in_part: plan.only == Only::Fragment
                || plan.only == Only::LastAlone && plan.files.len() == 1
                || !merged.remotes.is_empty(),
            names: merged.services.keys().map(|name| (*name).to_owned()).collect(),
            name: merged.name,
            faults,
            wanted,
            interpolates,
            examples,
            configs: merged.configs.into_keys().collect(),
            remotes: merged.remotes,
            secrets: merged.secrets.into_iter().map(|(n, s)| (n, s.file, s.span)).collect(),
            purpose: plan.purpose.clone(),
            containers: Vec::new(),
        };
        (project, containers)
    }

    /// A service that is only there to be extended: nothing calls its file a project's base.
    fn is_template(&self, file: FileId, name: &str) -> bool {
        let path = self.cx.tree.path(file);
        !BASES.contains(&path.rsplit('/').next().unwrap_or(path))
            && self.templates.contains(&(file, name.to_owned()))
    }

    /// The `.env` file at a path, unless git ignores it.
    fn env_file(&self, path: &str) -> Option<FileId> {
        let file = self.cx.tree.find(path)?;
        let entry = self.cx.tree.entry(file);
        let plain = matches!(entry.kind, EntryKind::File { .. });
        (plain && entry.tracking != Tracking::Ignored).then_some(file)
    }

    /// The variables that files of them in a directory, or at the root, name.
    fn examples(&self, dir: &str) -> Vec<(String, Span)> {
        let mut found = self.at_root.get_or_init(|| self.named_in("")).clone();
        if !dir.is_empty() {
            found.extend(self.named_in(dir));
        }
        found
    }

    /// The variables that files of them in a directory name.
    fn named_in(&self, dir: &str) -> Vec<(String, Span)> {
        let near = self.env_files.get(dir).into_iter().flatten();
        let mut found = Vec::new();
        for file in near.take(MAX_ENV_FILES) {
            let Some(text) = self.cx.text(*file, ".env file") else { continue };
            let entries = dotenv::parse(&text).tree.entries;
            found.extend(entries.into_iter().map(|entry| (entry.name, entry.value_span)));
        }
        found
    }

    /// Where compose is called from, relative to the root, for a file that says `$PWD`: the root or
    /// the project's directory, whichever alone has what the file looks for there.
    fn caller(&self, doc: &Doc, dir: &str) -> Option<Rc<str>> {
        let text = doc.yaml.text.text();
        let found = |base: &str| {
            memchr::memmem::find_iter(text, "PWD").take(MAX_CALLERS).any(|at| {
                let behind = text.get(at + 3..).unwrap_or_default();
                let path = behind.strip_prefix(b"}").unwrap_or(behind);
                let is_path = |b: &u8| b.is_ascii_alphanumeric() || b"-_./".contains(b);
                let end = path.iter().take(256).position(|b| !is_path(b)).unwrap_or(0);
                let path = String::from_utf8_lossy(&path[..end]);
                let path = in_tree(base, path.trim_start_matches('/'));
                path.is_ok_and(|path| {
                    path != base
                        && (self.cx.tree.find(&path).is_some() || self.cx.tree.is_dir(&path))
                })
            })
        };
        let (root, own) = (found(""), !dir.is_empty() && found(dir));
        match (root, own) {
            _ if dir.is_empty() => Some("".into()),
            (true, false) => Some("".into()),
            (false, true) => Some(dir.into()),
            _ => None,
        }
    }

    fn vars(&self, dir: &str) -> Rc<Vars> {
        let told = self.variables.get(dir).copied();
        let file = told.or_else(|| self.env_file(&joined(dir, ".env")));
        let vars = file.and_then(|file| self.cx.text(file, ".env file"));
        Rc::new(vars.map_or_else(Vars::none, |text| Vars::of(&dotenv::parse(&text).tree)))
    }

    /// The services of the files of a plan, merged, with the secrets and configs.
    fn merged(&self, plan: &Plan) -> Reading<'_> {
        let mut reading = Reading {
            loader: self,
            services: Services::new(),
            secrets: Sources::new(),
            configs: Sources::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            versions: Vec::new(),
            name: None,
            services_key: None,
            read: Vec::new(),
            remotes: Vec::new(),
            seen: BTreeSet::new(),
            open: Vec::new(),
        };
        let vars = self.vars(&plan.dir);
        let dir: Rc<str> = plan.dir.as_str().into();
        for (index, file) in plan.files.iter().enumerate() {
            reading.file(*file, &dir, &vars);
            // What one variant adds is that variant's; a plain overlay leaves the base its place.
            if index > 0 && plan.only != Only::All {
                for service in reading.services.values_mut() {
                    let of_last = service.layers.iter().rposition(|layer| layer.file == *file);
                    service.own = of_last.unwrap_or(service.own);
                }
            }
        }
        reading
    }
}

/// The files of variables, examples of them among them, by directory.
fn env_files<'a>(cx: &'a Cx<'a>) -> BTreeMap<&'a str, Vec<FileId>> {
    let mut by_dir: BTreeMap<&str, Vec<FileId>> = BTreeMap::new();
    for (file, entry) in cx.tree.entries() {
        if matches!(entry.kind, EntryKind::File { .. })
            && entry.tracking != Tracking::Ignored
            && is_named_env(&entry.path)
        {
            by_dir.entry(dir_of(&entry.path)).or_default().push(file);
        }
    }
    by_dir
}

/// The files that are part of another's project. Of files that include each other the first one is
/// the project's.
fn included(named: &[FileId], includes_of: &BTreeMap<FileId, Vec<FileId>>) -> BTreeSet<FileId> {
    let anywhere: BTreeSet<FileId> = includes_of.values().flatten().copied().collect();
    let (tops, rest): (Vec<_>, Vec<_>) = named.iter().partition(|file| !anywhere.contains(file));
    let (mut heads, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for file in tops.into_iter().chain(rest) {
        if seen.contains(file) {
            continue;
        }
        heads.insert(*file);
        let mut todo = vec![*file];
        while let Some(file) = todo.pop() {
            if seen.insert(file) {
                todo.extend(includes_of.get(&file).into_iter().flatten());
            }
        }
    }
    anywhere.into_iter().filter(|file| !heads.contains(file)).collect()
}

/// The names that a mapping has as keys, or a list as items; at most so many.
fn names_in(value: Option<Value<'_>>, most: usize) -> Vec<&str> {
    let Some(value) = value else { return Vec::new() };
    match value.is_map() {
        true => value.pairs().take(most).filter_map(|(key, _)| key.text()).collect(),
        false => value.items().take(most).filter_map(Value::text).collect(),
    }
}

/// The names of a file's services.
fn service_names(doc: &Doc) -> BTreeSet<&str> {
    let services = doc.root().and_then(|root| root.get("services"));
    let entries = services.map(Value::entries).unwrap_or_default();
    entries.into_iter().filter_map(|(key, _)| key.text()).collect()
}

/// A directory and those above it.
fn ancestors(dir: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(dir), |dir| (!dir.is_empty()).then(|| dir_of(dir)))
}

fn parse(cx: &Cx<'_>, file: FileId) -> Option<Doc> {
    let text = cx.text(file, WHAT)?;
    let Parsed { tree: yaml, errors } = yaml::parse(text);
    for error in errors {
        cx.problem(Problem { span: error.span, message: error.message, what: WHAT });
    }
    if let Some(root) =
        yaml.root().filter(|root| !root.is_map() && !root.is_null() && !root.is_unknown())
    {
        let message = "a compose file is a mapping".to_owned();
        cx.problem(Problem { span: root.span(), message, what: WHAT });
    }
    let faults = yaml.root().filter(|root| root.is_map()).map(schema::faults).unwrap_or_default();
    Some(Doc { file, dir: dir_of(cx.tree.path(file)).to_owned(), yaml, faults })
}

/// An `include:` entry.
struct Include<'a> {
    paths: Vec<(String, Value<'a>)>,
    /// What is fetched from elsewhere.
    remotes: Vec<(String, Span)>,
    dir: Option<String>,
}

/// The files of the tree that a file's `include:` names.
fn includes<'a>(root: Value<'a>, dir: &str) -> Vec<Include<'a>> {
    let text =
        |value: Value<'_>| Some(interpolate::interpolate(value.text()?, &Vars::none()).value);
    let resolve = |value: Value<'_>| in_tree(dir, &text(value)?).ok();
    let Some(list) = root.get("include") else { return Vec::new() };
    list.items()
        .map(|item| {
            let path = item.get("path").unwrap_or(item);
            let all: Vec<Value<'a>> = path.items().chain([path]).collect();
            let remote = |path: &Value<'a>| path.text().filter(|text| is_remote(text));
            let remotes =
                all.iter().filter_map(|path| Some((remote(path)?.to_owned(), path.span())));
            let remotes = remotes.collect();
            let paths = all.into_iter().filter(|path| remote(path).is_none());
            let paths = paths.filter_map(|path| Some((resolve(path)?, path))).collect();
            Include { paths, remotes, dir: item.get("project_directory").and_then(resolve) }
        })
        .collect()
}

/// The file and the service that an `extends:` names.
fn extended<'a>(service: Value<'a>) -> Option<(Option<Value<'a>>, Value<'a>)> {
    let extends = service.get("extends").filter(|value| !value.is_null())?;
    if extends.is_map() {
        Some((extends.get("file"), extends.get("service")?))
    } else {
        Some((None, extends))
    }
}

fn extended_path(file: Value<'_>, dir: &str) -> Result<String, Why> {
    let text = file.text().ok_or(Why::Unparsed)?;
    if is_remote(text) {
        return Err(Why::OutOfTree);
    }
    in_tree(dir, &interpolate::interpolate(text, &Vars::none()).value)
}

/// The files that services of a file extend, with the service.
fn extended_files(doc: &Doc) -> Vec<(String, String)> {
    let services = doc.root().and_then(|root| root.get("services"));
    let entries = services.map(Value::entries).unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|(_, service)| {
            let (file, name) = extended(service)?;
            Some((extended_path(file?, &doc.dir).ok()?, name.text()?.to_owned()))
        })
        .collect()
}

/// The files of one project as they are read, in merge order.
struct Reading<'a> {
    loader: &'a Loader<'a>,
    services: Services<'a>,
    secrets: Sources,
    configs: Sources,
    networks: BTreeMap<String, Network>,
    volumes: BTreeMap<String, Volume>,
    versions: Vec<Span>,
    name: Option<Span>,
    services_key: Option<Span>,
    /// The files that were read, included ones first, each with its variables.
    read: Vec<(FileId, Rc<Vars>)>,
    remotes: Vec<(String, Span)>,
    seen: BTreeSet<FileId>,
    /// The files that are being read, each included by the one before it.
    open: Vec<FileId>,
}

impl<'a> Reading<'a> {
    /// What its services are read with.
    fn context<'c>(&'c self, project: usize, purpose: &'c Purpose) -> Context<'c> {
        let Self { secrets, configs, volumes, .. } = self;
        Context { project, purpose, secrets, configs, volumes }
    }

    /// Reads a file over what was read before, and what it includes under it.
    fn file(&mut self, file: FileId, dir: &Rc<str>, vars: &Rc<Vars>) {
        // Deeper than a thousand there are no includes but made-up ones.
        if self.seen.len() > 1000 || !self.seen.insert(file) {
            return;
        }
        let loader = self.loader;
        let Some(doc) = loader.docs.get(&file) else { return };
        let Some(root) = doc.root() else { return };
        self.open.push(file);
        for include in includes(root, &doc.dir) {
            self.remotes.extend(include.remotes);
            for (path, at) in include.paths {
                let Some(file) = loader.cx.tree.find(&path) else {
                    if loader.cx.tree.unlisted(&path).is_none() {
                        loader.problem(at, "the file to include does not exist");
                    }
                    continue;
                };
                if self.open.contains(&file) {
                    loader.problem(at, "the file includes itself");
                    continue;
                }
                let dir = include.dir.clone().unwrap_or_else(|| dir_of(&path).to_owned());
                self.included(file, &dir);
            }
        }
        self.open.pop();
        self.sources(root, dir, vars);
        self.read.push((file, Rc::clone(vars)));
        let Some((services_key, services)) = root.entry("services") else { return };
        self.services_key.get_or_insert(services_key.span());
        if !services.is_map() {
            if !services.is_null() && !services.is_unknown() {
                loader.problem(services, "`services` is no mapping");
            }
            return;
        }
        let header: Vec<Span> = doc
            .yaml
            .comments
            .iter()
            // What is commented out at the end is said of all of it, as is the head.
            .filter(|comment| {
                comment.end <= services_key.raw().range.start
                    || comment.start >= root.raw().range.end
            })
            .take(MAX_HEADER)
            .map(|comment| doc.yaml.text.span(*comment))
            .collect();
        let scope = Scope { loader, dir, vars, header: &header, callers: RefCell::default() };
        for (key, map) in services.entries() {
            let Some(name) = key.text() else { continue };
            // `web: !reset` takes away what files before said of it.
            if map.tag().is_some_and(|(tag, _)| tag == "!reset") {
                self.services.remove(name);
                continue;
            }
            let Some(mut service) = scope.service(doc, key, map) else { continue };
            match self.services.get_mut(name) {
                None => {
                    self.services.insert(name, service);
                }
                Some(before) => {
                    before.open = before.open.or(service.open);
                    before.layers.append(&mut service.layers);
                }
            }
        }
    }

    fn included(&mut self, file: FileId, dir: &str) {
        // Each level of includes is a level of calls.
        if self.seen.len() < MAX_EXTENDS {
            let vars = self.loader.vars(dir);
            self.file(file, &dir.into(), &vars);
        }
    }

    fn sources(&mut self, root: Value<'a>, dir: &str, vars: &Vars) {
        for (name, into) in [("secrets", &mut self.secrets), ("configs", &mut self.configs)] {
            let Some(list) = root.get(name) else { continue };
            for (key, value) in list.entries() {
                let Some(name) = key.text() else { continue };
                let file = value.get("file").and_then(|file| {
                    in_tree(dir, &interpolate::interpolate(file.text()?, vars).value).ok()
                });
                let external = engine::is_external(value);
                let span = key.span().cover(value.span());
                into.insert(name.to_owned(), Source { file, external, span });
            }
        }
        let networks = engine::networks(root).map(|network| (network.name.clone(), network));
        self.networks.extend(networks);
        let volumes = engine::volumes(root, vars).map(|volume| (volume.name.clone(), volume));
        self.volumes.extend(volumes);
        self.versions.extend(root.entry("version").map(|(key, _)| key.span()));
        self.name = root.get("name").map(Value::span).or(self.name);
    }
}

impl Loader<'_> {
    fn problem(&self, at: Value<'_>, message: &str) {
        let message = message.to_owned();
        self.cx.problem(Problem { span: at.span(), message, what: WHAT });
    }
}

/// What the services of one file are read with.
struct Scope<'a, 's> {
    loader: &'a Loader<'a>,
    dir: &'s Rc<str>,
    vars: &'s Rc<Vars>,
    header: &'s [Span],
    /// Where compose is called from, as far as each file tells.
    callers: RefCell<Callers>,
}

/// By file and what it names: the directory, where the file tells.
type Callers = BTreeMap<(FileId, Rc<str>), Option<Rc<str>>>;

impl<'a> Scope<'a, '_> {
    /// A service with what it extends.
    fn service(&self, doc: &'a Doc, key: Value<'a>, map: Value<'a>) -> Option<Service<'a>> {
        let mut layers = Vec::new();
        let mut open = None;
        let mut seen = BTreeSet::new();
        let mut next = Some((doc, Rc::clone(self.dir), key, map));
        while let Some((doc, dir, key, map)) = next.take() {
            if !map.is_map() {
                if layers.is_empty() {
                    if !map.is_unknown() {
                        self.loader.problem(key, "a service is a mapping");
                    }
                    return None;
                }
                open = Some((Why::Unparsed, key.span()));
                break;
            }
            let keys: Rc<[_]> = match self.vars.spend(1 + map.pairs().count()) {
                true => {
                    map.entries().into_iter().filter_map(|(k, v)| Some((k.text()?, v))).collect()
                }
                false => Rc::default(),
            };
            if !self.vars.spend(keys.len()) {
                if layers.is_empty() {
                    self.loader.problem(key, "the file asks for too much work; not all is read");
                    return None;
                }
                open = Some((Why::TooLarge, key.span()));
                break;
            }
            if map.is_partial() {
                open = Some((Why::Unparsed, map.span()));
            }
            let mut notes = comments(&doc.yaml, key.raw().range, map.raw().range);
            if layers.is_empty() {
                notes.splice(0..0, self.header.iter().copied());
            }
            let extends = extended(map);
            layers.push(Layer {
                file: doc.file,
                path: self.loader.cx.tree.path(doc.file),
                caller: self.caller(doc, &dir),
                dir: Rc::clone(&dir),
                vars: Rc::clone(self.vars),
                key,
                map,
                keys,
                comments: notes.into(),
            });
            seen.insert((doc.file, key.id()));
            let Some((file, name)) = extends else { break };
            match self.extended(doc, &dir, file, name) {
                Err(why) => open = Some((why, name.span())),
                Ok((found, _, key, _)) if seen.contains(&(found.file, key.id())) => {
                    self.loader.problem(name, "the service extends itself");
                    open = Some((Why::Unparsed, name.span()));
                }
                Ok(_) if layers.len() >= MAX_EXTENDS => {
                    open = Some((Why::TooLarge, name.span()));
                }
                Ok(found) => next = Some(found),
            }
        }
        layers.reverse();
        Some(Service { own: layers.len() - 1, layers, open })
    }

    fn caller(&self, doc: &Doc, dir: &Rc<str>) -> Option<Rc<str>> {
        let mut callers = self.callers.borrow_mut();
        let found = callers.entry((doc.file, Rc::clone(dir)));
        found.or_insert_with(|| self.loader.caller(doc, dir)).clone()
    }

    fn extended(
        &self,
        doc: &'a Doc,
        dir: &Rc<str>,
        file: Option<Value<'a>>,
        name: Value<'a>,
    ) -> Result<(&'a Doc, Rc<str>, Value<'a>, Value<'a>), Why> {
        let (doc, dir) = match file {
            None => (doc, Rc::clone(dir)),
            Some(file) => {
                let path = extended_path(file, &doc.dir)?;
                let found = self.loader.cx.tree.find(&path);
                let Some(found) = found else {
                    self.loader.problem(file, "the file to extend does not exist");
                    return Err(Why::Unparsed);
                };
                let doc = self.loader.docs.get(&found).ok_or(Why::Unreadable)?;
                (doc, doc.dir.as_str().into())
            }
        };
        let services = doc.root().and_then(|root| root.get("services"));
        let wanted = name.text().ok_or(Why::Unparsed)?;
        let found = services.and_then(|services| services.entry(wanted));
        let Some((key, map)) = found else {
            self.loader.problem(name, "the service to extend does not exist");
            return Err(Why::Unparsed);
        };
        Ok((doc, dir, key, map))
    }
}

/// The comments of an entry: right above its key, within it, and below it where they are indented
/// deeper than its key.
pub(super) fn comments(yaml: &Yaml, key: TextRange, value: TextRange) -> Vec<Span> {
    let text = yaml.text.text();
    let all = &yaml.comments;
    let end = key.end.max(value.end);
    let column = column(text, key.start);
    let mut from = all.partition_point(|comment| comment.start < key.start);
    let mut to = all.partition_point(|comment| comment.start < end);
    let mut top = key.start;
    while let Some(above) = from.checked_sub(1).and_then(|i| all.get(i)) {
        let gap = TextRange::new(above.end, top).slice(text);
        // The nearest comment may lie far above: how far is not asked of what stands between.
        let follows = gap.trim_ascii().is_empty()
            && memchr::memchr_iter(b'\n', gap).count() == 1
            && self::column(text, above.start) == column;
        if !follows {
            break;
        }
        top = above.start;
        from -= 1;
    }
    let mut bottom = end;
    while let Some(below) = all.get(to) {
        let gap = TextRange::new(bottom, below.start).slice(text);
        let deeper = || !gap.contains(&b'\n') || self::column(text, below.start) > column;
        if !gap.trim_ascii().is_empty() || !deeper() {
            break;
        }
        bottom = below.end;
        to += 1;
    }
    all.get(from..to).unwrap_or_default().iter().map(|comment| yaml.text.span(*comment)).collect()
}

/// Bytes of blanks before an offset on its line, at most 256; `None` where something else stands.
fn column(text: &[u8], offset: u32) -> Option<usize> {
    let before = TextRange::new(offset.saturating_sub(256), offset).slice(text);
    let line = memchr::memrchr(b'\n', before).map_or(before, |at| &before[at + 1..]);
    line.trim_ascii().is_empty().then_some(line.len())
}

/// Whether a container's command migrates a database.
fn migrates(container: &Container) -> bool {
    let words = [&container.entrypoint, &container.command].into_iter().flatten();
    words.flat_map(|exec| &exec.words).any(|(word, _)| {
        let word = word.to_ascii_lowercase();
        ["migrat", "alembic", "flyway", "liquibase"].iter().any(|name| word.contains(name))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt::Write;

    use plimsoll_source::Tree;

    use super::*;
    use crate::container::ContainerKind;

    /// What is known of containers, a line each thing; what is absent or empty is left out.
    pub(in crate::lower) fn dump(tree: &Tree, containers: &[Container]) -> String {
        let mut out = String::new();
        for c in containers {
            let text = |span: Span| {
                let bytes = tree.read(span.file).expect("a file of the tree");
                String::from_utf8_lossy(span.range.slice(&bytes)).into_owned()
            };
            let bytes = tree.read(c.file).expect("a file of the tree");
            let line =
                1 + bytes[..c.span.range.start as usize].iter().filter(|b| **b == b'\n').count();
            write!(out, "{} {}:{line} {:?}", c.name, tree.path(c.file), c.purpose.kind)
                .expect("text");
            if let ContainerKind::Kubernetes { workload, name, init } = &c.kind {
                write!(out, " {workload}/{name}{}", if *init { " init" } else { "" })
                    .expect("text");
            }
            out.push_str(if c.job { " job\n" } else { "\n" });
            let mut say = |line: String| writeln!(out, "  {line}").expect("text");
            let mut fact = |name: &str, fact: Option<Result<String, Why>>| match fact {
                None => {}
                Some(Ok(value)) => say(format!("{name} {value}")),
                Some(Err(why)) => say(format!("{name} ? {why:?}")),
            };
            fn show<T: ToString>(fact: &Fact<T>) -> Option<Result<String, Why>> {
                match fact {
                    Fact::Absent => None,
                    Fact::Known { value, .. } => Some(Ok(value.to_string())),
                    Fact::Unknown(why, _) => Some(Err(*why)),
                }
            }
            fact("image", show(&c.image));
            if let Some(build) = &c.build {
                fact("context", show(&build.context));
                fact("dockerfile", show(&build.dockerfile));
                fact("target", build.target.as_ref().map(|(name, _)| Ok(name.clone())));
                fact(
                    "inline",
                    build
                        .inline
                        .as_ref()
                        .map(|t| Ok(format!("{:?}", String::from_utf8_lossy(t.text())))),
                );
                for arg in &build.args {
                    fact("arg", Some(Ok(format!("{} {:?}", arg.name, arg.value))));
                }
            }
            fact("user", show(&c.user));
            for var in &c.env {
                fact("env", Some(Ok(format!("{} {:?}", var.name, var.value))));
            }
            for (path, _) in &c.env_files {
                fact("env_file", show(path));
            }
            for p in &c.ports {
                fact("port", Some(Ok(format!("{:?} {:?} {}", p.address, p.host, p.container))));
            }
            let mount = |m: &crate::container::Mount| {
                let ro = if m.read_only { " ro" } else { "" };
                format!("{:?} {} {:?} {}{ro}", m.kind, m.source, m.tree_path, m.target)
            };
            for m in &c.mounts {
                fact("mount", Some(Ok(mount(m))));
            }
            for s in &c.secrets {
                let flags =
                    [(s.as_file, " file"), (s.restricted, " mode"), (s.enforced, " enforced")];
                let flags: String = flags.iter().filter(|f| f.0).map(|f| f.1).collect();
                fact("secret", Some(Ok(format!("{} {:?}{flags}", s.name, s.file))));
            }
            fact("read_only", show(&c.read_only));
            fact("init", show(&c.init));
            fact("no_new_privileges", show(&c.no_new_privileges));
            fact("privileged", show(&c.privileged));
            for (name, _) in &c.cap_drop {
                fact("cap_drop", Some(Ok(name.clone())));
            }
            fact("pids_limit", c.pids_limit.known().map(|limit| Ok(limit.clone())));
            fact("host_network", c.host_network.known().map(|host| Ok(host.to_string())));
            let limits = [show(&c.cpu_limit), show(&c.memory_limit)];
            if limits.iter().any(Option::is_some) {
                let texts = limits.map(|l| {
                    l.map_or_else(|| "-".to_owned(), |l| l.unwrap_or_else(|why| format!("{why:?}")))
                });
                fact("limits", Some(Ok(texts.join(" "))));
            }
            for (name, check) in [("healthcheck", &c.healthcheck), ("readiness", &c.readiness)] {
                if let Some(check) = check {
                    let interval = check
                        .interval
                        .as_ref()
                        .map_or_else(String::new, |(i, _)| format!(" interval {i}"));
                    fact(name, Some(Ok(format!("{:?}{interval}", check.test))));
                }
            }
            for on in &c.depends_on {
                fact("depends_on", Some(Ok(format!("{} {}", on.service, on.condition))));
            }
            fact("restart", show(&c.restart));
            for (name, exec) in [("command", &c.command), ("entrypoint", &c.entrypoint)] {
                if let Some(exec) = exec {
                    let words: Vec<_> = exec.words.iter().map(|(word, _)| &**word).collect();
                    fact(name, Some(Ok(words.join(" "))));
                }
            }
            fact("stop_grace", show(&c.stop_grace));
            for name in &c.profiles {
                fact("profile", Some(Ok(name.clone())));
            }
            for span in &c.comments {
                fact("comment", Some(Ok(text(*span))));
            }
            for o in &c.optional {
                fact("optional", Some(Ok(tree.path(o.file).to_owned())));
                for var in &o.env {
                    fact("  env", Some(Ok(format!("{} {:?}", var.name, var.value))));
                }
                for m in &o.mounts {
                    fact("  mount", Some(Ok(mount(m))));
                }
                for span in &o.comments {
                    fact("  comment", Some(Ok(text(*span))));
                }
            }
        }
        out
    }

    /// Containers, then problems.
    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &str) {
        let tree = Tree::from_memory(files.iter().copied());
        let delivery = crate::lower(&tree);
        let mut out = dump(&tree, &delivery.containers);
        for problem in &delivery.problems {
            writeln!(out, "problem {}", problem.message).expect("text");
        }
        assert_eq!(out.trim(), expected.trim());
    }

    #[test]
    fn long_and_short_forms_are_read() {
        check(
            &[(
                "app/compose.yml",
                r#"# head of the file
services:
  # short
  a:
    build: ./api
    ports: [80, "127.0.0.1:8080:80/tcp"]
    volumes: ["./keys:/keys:ro", data:/data, ~/k:/k, ../x:/x, /anonymous]
    secrets: [s]
    depends_on: [b]
    env_file: .env.app
    environment: [A=1, B, "C=x=y"]
    command: node "a b.js"
    tmpfs: /run:size=1m
    healthcheck: {test: curl -f localhost, interval: 5s}
    security_opt: ["no-new-privileges:true"]
    mem_limit: 1g
    cpus: 0.5
    restart: no
    # last
  b:
    image: b
    build:
      context: ..
      dockerfile: b/Dockerfile
      target: prod
      args: {X: 1}
    ports: [{target: 80, published: "81", host_ip: "::1"}]
    volumes: [{type: bind, source: ./k, target: /k, read_only: true}, {type: tmpfs, target: /t}]
    secrets: [{source: s, target: t, mode: 0400}]
    depends_on: {a: {condition: service_completed_successfully}}
    env_file: [{path: ./x.env, required: false}]
    environment: {A: 1, B: null}
    command: [node, a]
    entrypoint: []
    healthcheck: {test: [CMD-SHELL, "x || exit 1"], disable: false}
    deploy: {resources: {limits: {cpus: "1", memory: 2g}}}
    read_only: true
    init: true
    user: "1000"
    privileged: false
    cap_drop: [ALL]
    pids_limit: 100
    network_mode: host
    stop_grace_period: 1m30s
    profiles: [debug]
    expose: ["9000"]
secrets:
  s: {file: ./s.txt}
"#,
            )],
            r##"
a app/compose.yml:4 Production job
  context app/api
  dockerfile app/api/Dockerfile
  env A Literal("1")
  env B Caller
  env C Literal("x=y")
  env_file app/.env.app
  port None Some("") 80
  port Some("127.0.0.1") Some("8080") 80
  mount Bind ./keys Some("app/keys") /keys ro
  mount Volume data None /data
  mount Bind ~/k None /k
  mount Bind ../x Some("x") /x
  mount Volume  None /anonymous
  mount Tmpfs  None /run
  mount Secret app/s.txt Some("app/s.txt") /run/secrets/s ro
  secret s Some("app/s.txt") file
  no_new_privileges true
  limits 0.5 1g
  healthcheck Shell("curl -f localhost") interval 5s
  depends_on b service_started
  restart no
  command node a b.js
  comment # head of the file
  comment # short
  comment # last
b app/compose.yml:20 Development
  image b
  context 
  dockerfile b/Dockerfile
  target prod
  arg X Literal("1")
  user 1000
  env A Literal("1")
  env B Caller
  env_file app/x.env
  port Some("::1") Some("81") 80
  port None None 9000
  mount Bind ./k Some("app/k") /k ro
  mount Tmpfs  None /t
  mount Secret app/s.txt Some("app/s.txt") /run/secrets/t ro
  secret s Some("app/s.txt") file mode
  read_only true
  init true
  privileged false
  cap_drop ALL
  pids_limit 100
  host_network true
  limits 1 2g
  healthcheck Shell("x || exit 1")
  depends_on a service_completed_successfully
  command node a
  entrypoint 
  stop_grace 90
  profile debug
  comment # head of the file
"##,
        );
    }

    #[test]
    fn anchors_merge_keys_and_variables_are_resolved() {
        check(
            &[
                (
                    "compose.yaml",
                    r#"
x-app: &app
  image: app:${TAG}
  environment: &env {MODE: live}
services:
  web:
    <<: *app
    environment: {<<: *env, PASSWORD: "${PASSWORD}", URL: "${U:-http://x}", PRICE: $$5}
    user: ${NO_USER}
    ports: ["${PORT:-80}:80", "${NO_PORT}:81"]
"#,
                ),
                (
                    ".env",
                    "TAG=1.2
PASSWORD=hunter2
",
                ),
            ],
            r#"
web compose.yaml:6 Production
  image app:1.2
  user ? Dynamic
  env PASSWORD Interpolated { text: "${PASSWORD}", refs: [("PASSWORD", None)], around: "", value: Some("hunter2") }
  env URL Interpolated { text: "${U:-http://x}", refs: [("U", Some("http://x"))], around: "", value: Some("http://x") }
  env PRICE Literal("$5")
  env MODE Literal("live")
  port None Some("80") 80
  port None Some("${NO_PORT}") 81
"#,
        );
    }

    #[test]
    fn files_beside_the_base_are_merged_by_what_they_are_for() {
        check(
            &[
                (
                    "docker-compose.yml",
                    "services:
  web: {image: web, environment: {A: 1, B: 1}, command: [x], ports: ['80:80']}
  db: {image: db}
",
                ),
                (
                    "docker-compose.prod.yml",
                    "services:
  web: {environment: {B: 2}, ports: !override ['81:80'], command: !reset null, read_only: true}
",
                ),
                (
                    "docker-compose.override.yml",
                    "services:
  web: {build: {context: .}, volumes: ['.:/app']}
",
                ),
                (
                    "docker-compose.canary.yml",
                    "# use -f
services:
  web: {environment: [CANARY=1]}
  canary: {image: c}
",
                ),
                (
                    "docker-compose.monitoring.yml",
                    "services:
  grafana: {image: g}
",
                ),
            ],
            r##"
canary docker-compose.canary.yml:4 Production
  image c
  comment # use -f
grafana docker-compose.monitoring.yml:2 Production
  image g
web docker-compose.override.yml:2 Development
  image web
  context 
  dockerfile Dockerfile
  env A Literal("1")
  env B Literal("1")
  port None Some("80") 80
  mount Bind . Some("") /app
  command x
web docker-compose.yml:2 Production
  image web
  env A Literal("1")
  env B Literal("2")
  port None Some("81") 80
  read_only true
  optional docker-compose.canary.yml
    env CANARY Literal("1")
    comment # use -f
db docker-compose.yml:3 Production
  image db
"##,
        );
    }

    #[test]
    fn a_service_is_reset() {
        check(
            &[
                ("docker-compose.yml", "services:\n  web: {image: web}\n  db: {image: db}\n"),
                ("docker-compose.prod.yml", "services:\n  web: {user: '1'}\n  db: !reset\n"),
            ],
            "web docker-compose.yml:2 Production\n  image web\n  user 1",
        );
    }

    #[test]
    fn an_overlay_elsewhere_is_what_an_operator_may_add() {
        check(
            &[
                (
                    "docker-compose.yml",
                    "services:
  web: {build: web}
",
                ),
                (
                    "web/docker-compose.wallet.yml",
                    "# put the key in ./secrets/k
services:
  web:
    volumes: ['./secrets/k:/k:ro']
",
                ),
            ],
            r##"
web docker-compose.yml:2 Production
  context web
  dockerfile web/Dockerfile
  optional web/docker-compose.wallet.yml
    mount Bind ./secrets/k Some("secrets/k") /k ro
    comment # put the key in ./secrets/k
"##,
        );
    }

    #[test]
    fn extends_and_includes_are_followed_and_cycles_end() {
        check(
            &[
                (
                    "compose.yml",
                    "include: [infra/compose.yml, {path: [compose.yml]}]
services:
  web: {extends: {file: lib/compose.common.yml, service: base}, init: true}
  job: {extends: web, environment: {A: 2}}
  a: {extends: b}
  b: {extends: {service: a}, image: b}
  lost: {extends: {file: gone.yml, service: x}}
",
                ),
                (
                    "infra/compose.yml",
                    "services:
  db: {build: .}
",
                ),
                (
                    "lib/compose.common.yml",
                    "services:
  base: {build: ., environment: {A: 1}}
",
                ),
            ],
            r#"
web compose.yml:3 Production
  context lib
  dockerfile lib/Dockerfile
  env A Literal("1")
  init true
job compose.yml:4 Production
  context lib
  dockerfile lib/Dockerfile
  env A Literal("2")
  init true
a compose.yml:5 Production
  image b
  user ? Unparsed
  read_only ? Unparsed
  init ? Unparsed
  no_new_privileges ? Unparsed
  privileged ? Unparsed
  limits Unparsed Unparsed
  restart ? Unparsed
  stop_grace ? Unparsed
b compose.yml:6 Production
  image b
  user ? Unparsed
  read_only ? Unparsed
  init ? Unparsed
  no_new_privileges ? Unparsed
  privileged ? Unparsed
  limits Unparsed Unparsed
  restart ? Unparsed
  stop_grace ? Unparsed
lost compose.yml:7 Production
  image ? Unparsed
  user ? Unparsed
  read_only ? Unparsed
  init ? Unparsed
  no_new_privileges ? Unparsed
  privileged ? Unparsed
  limits Unparsed Unparsed
  restart ? Unparsed
  stop_grace ? Unparsed
db infra/compose.yml:2 Production
  context infra
  dockerfile infra/Dockerfile
problem the file includes itself
problem the service extends itself
problem the service extends itself
problem the file to extend does not exist
"#,
        );
    }

    #[test]
    fn inline_dockerfiles_are_images() {
        let text = "services:
  web:
    build:
      dockerfile_inline: |
        FROM alpine
        RUN echo $$HOME
";
        let tree = Tree::from_memory([("compose.yml", text)]);
        let delivery = crate::lower(&tree);
        let image = &delivery.images[0];
        assert_eq!((&*image.path, image.stages.len()), ("compose.yml#web", 1));
        assert_eq!(delivery.containers[0].image_id, Some(crate::ImageId(0)));
        let step = image.stages[0].steps[0].span;
        assert_eq!(step.range.slice(text.as_bytes()), b"RUN echo $$HOME");
    }

    #[test]
    fn secrets_that_are_written_out_are_masked() {
        let text = "services:\n  a:\n    image: a\n    environment:\n      DB_PASSWORD: hunter22\n      X: ${API_TOKEN:-t0psecret9}\n      MODE: live\n";
        let tree = Tree::from_memory([("compose.yml", text)]);
        let masked = crate::lower(&tree).secrets.masked;
        let shown: Vec<_> = masked.values().flatten().map(|r| r.slice(text.as_bytes())).collect();
        assert_eq!(shown, [&b"hunter22"[..], b"${API_TOKEN:-t0psecret9}"]);
    }

    #[test]
    fn values_of_wrong_types_harm_nothing() {
        let keys = "image build build.context environment env_file ports volumes secrets configs \
            tmpfs read_only user security_opt cap_drop deploy deploy.resources healthcheck \
            healthcheck.test depends_on restart command entrypoint stop_grace_period profiles expose extends";
        let values = [
            "5",
            "x",
            "[]",
            "{}",
            "null",
            "true",
            "[5, [], {}, null]",
            "{a: [], b: {}, c: null}",
            "*no",
            "[[[]]]",
            "é:é:é:é",
            "!reset x",
            "{type: [], test: {}}",
        ];
        for key in keys.split_whitespace() {
            for value in values {
                let entry = match key.split_once('.') {
                    Some((outer, inner)) => format!("{outer}: {{{inner}: {value}}}"),
                    None => format!("{key}: {value}"),
                };
                let text = format!(
                    "services:
  web:
    {entry}
"
                );
                let tree = Tree::from_memory([("compose.yml", text)]);
                let delivery = crate::lower(&tree);
                assert_eq!(delivery.containers.len(), 1, "{key}: {value}");
            }
        }
        check(&[("compose.yml", "[]")], "problem a compose file is a mapping");
        check(&[("compose.yml", "services: 5")], "problem `services` is no mapping");
        check(
            &[("compose.yml", "services: {a: 5, b: null}")],
            "problem a service is a mapping
problem a service is a mapping",
        );
        check(&[("compose.yml", ""), ("compose.ci.yml", "x: 1"), ("composer.yml", "5")], "");
    }

    /// The places of compose containers, and their files' problems: file:line name.
    #[test]
    fn files_that_are_only_read_together_are_one_project() {
        let common = "services:\n  db: {image: postgres}\nnetworks: {inner: {}}\n";
        let prod = "services:\n  db: {volumes: ['/data:/var/lib/postgresql/data']}\n  api: {image: api, networks: [inner], ports: ['80:80']}\n";
        let dev = "services:\n  mail: {image: mail, networks: [inner], depends_on: [db]}\n";
        let files = [
            ("compose.common.yml", common),
            ("compose.prod.yml", prod),
            ("compose.dev.yml", dev),
            (
                "package.json",
                r#"{"scripts": {"compose": "docker compose -f compose.common.yml -f compose.dev.yml"}}"#,
            ),
            ("deploy.sh", "docker stack deploy -c compose.common.yml -c compose.prod.yml app\n"),
        ];
        check_containers(
            &files,
            &[
                "compose.common.yml db Production",
                "compose.dev.yml mail Development",
                "compose.prod.yml api Production 80",
            ],
        );
        let delivery = crate::lower(&Tree::from_memory(files));
        let db = delivery.containers.iter().find(|c| c.name == "db").expect("a container");
        assert_eq!(db.mounts.len(), 1);
        assert!(delivery.projects.iter().all(|project| !project.in_part));
    }

    #[test]
    fn a_file_that_lacks_what_others_have_is_a_fragment() {
        let base = "services:\n  web: {image: web}\n  db: {image: db}\n";
        let fragments = |text: &str, name: &str| {
            let tree = Tree::from_memory([("compose.no-proxy.yml", base), (name, text)]);
            let delivery = crate::lower(&tree);
            let parts = delivery.projects.iter().filter(|project| project.in_part);
            let open = delivery.containers.iter().filter(|c| c.open.is_some());
            (parts.count(), open.count())
        };
        let undefined = "services:\n  web: {image: web, networks: [x]}\n";
        assert_eq!(fragments(undefined, "deploy/compose.apache.yml"), (1, 1));
        assert_eq!(
            fragments("services:\n  proxy: {image: p}\n", "deploy/compose.override.apache.yml"),
            (1, 1)
        );
        // Whole, or of services that no other file has.
        assert_eq!(
            fragments("services:\n  web: {image: web}\n", "deploy/compose.apache.yml"),
            (0, 0)
        );
        assert_eq!(
            fragments("services:\n  own: {image: own, networks: [x]}\n", "deploy/compose.own.yml"),
            (0, 0)
        );
        // A project's base is what compose loads.
        assert_eq!(fragments(undefined, "deploy/compose.yml"), (0, 0));
    }

    #[test]
    fn the_callers_directory_is_not_the_files() {
        let built = |text: &str, beside: &str| {
            let tree = Tree::from_memory([
                ("deploy/all/compose.yml", text),
                ("deploy/all/Dockerfile", "FROM node:22\n"),
                (beside, ""),
            ]);
            let delivery = crate::lower(&tree);
            let build = delivery.containers[0].build.clone().expect("a build");
            (build.context.known().cloned(), build.dockerfile.known().cloned())
        };
        let text =
            "services:\n  a:\n    build: {context: $PWD, dockerfile: $PWD/deploy/all/Dockerfile}\n";
        let root = (Some(String::new()), Some("deploy/all/Dockerfile".to_owned()));
        assert_eq!(built(text, "x"), root);
        let own =
            "services:\n  a:\n    build: {context: '${PWD}'}\n    volumes: ['$PWD/conf:/conf']\n";
        let here = (Some("deploy/all".to_owned()), Some("deploy/all/Dockerfile".to_owned()));
        assert_eq!(built(own, "deploy/all/conf/x"), here);
        assert_eq!(built(own, "x"), (None, None));
    }

    #[track_caller]
    fn check_containers(files: &[(&str, &str)], expected: &[&str]) {
        let delivery = crate::lower(&Tree::from_memory(files.iter().copied()));
        let mut found: Vec<String> = delivery
            .containers
            .iter()
            .map(|c| {
                let ports: Vec<&str> = c.ports.iter().filter_map(|p| p.host.as_deref()).collect();
                let path = delivery.tree.path(c.file);
                format!("{path} {} {:?} {}", c.name, c.purpose.kind, ports.join(","))
            })
            .collect();
        found.extend(delivery.problems.iter().map(|problem| problem.message.clone()));
        let found: Vec<&str> = found.iter().map(|line| line.trim()).collect();
        assert_eq!(found, expected);
    }

    const BASE: (&str, &str) =
        ("compose.yaml", "services:\n  web: {image: web, ports: ['80:80']}\n  db: {image: db}\n");
    const TLS: (&str, &str) = (
        "deploy/compose.tls.yaml",
        "services:\n  web: {ports: !override ['443:443']}\n  certs: {image: certs}\n",
    );

    #[test]
    fn files_that_the_only_script_names_are_merged() {
        let script =
            ("deploy.sh", "docker compose -f compose.yaml -f deploy/compose.tls.yaml up -d\n");
        check_containers(
            &[BASE, TLS, script],
            &[
                "compose.yaml web Production 443",
                "compose.yaml db Production",
                "deploy/compose.tls.yaml certs Production",
            ],
        );
        let env = (".env", "COMPOSE_FILE=compose.yaml:deploy/compose.tls.yaml\n");
        check_containers(
            &[BASE, TLS, env],
            &[
                "compose.yaml web Production 443",
                "compose.yaml db Production",
                "deploy/compose.tls.yaml certs Production",
            ],
        );
        let any_name = ("over/tls.yaml", "services:\n  web: {ports: !override ['443:443']}\n");
        let script = ("deploy.sh", "docker compose -f compose.yaml -f over/tls.yaml up -d\n");
        check_containers(
            &[BASE, any_name, script],
            &["compose.yaml web Production 443", "compose.yaml db Production"],
        );
        // Of two orders neither is the one.
        let plain = ("start.sh", "docker compose up -d\n");
        check_containers(
            &[BASE, TLS, script, plain],
            &[
                "compose.yaml web Production 80",
                "compose.yaml db Production",
                "deploy/compose.tls.yaml certs Production",
            ],
        );
    }

    #[test]
    fn what_deploys_without_a_word_takes_the_automatic_override() {
        let over = ("compose.override.yaml", "services:\n  web: {ports: !override ['81:80']}\n");
        let check = |script: (&str, &str), expected: &[&str]| {
            check_containers(&[BASE, over, script], expected);
        };
        let merged = ["compose.yaml web Production 81", "compose.yaml db Production"];
        check(("deploy.sh", "docker compose up -d\n"), &merged);
        check(("ops/deploy.sh", "cd .. && docker compose pull && docker compose up -d\n"), &merged);
        let apart = [
            "compose.override.yaml web Development 81",
            "compose.yaml web Production 80",
            "compose.yaml db Production",
        ];
        check(("start.sh", "docker compose up -d\n"), &apart);
        check(("deploy.sh", "docker compose -f compose.yaml up -d\n"), &apart);
        check(("deploy.sh", "cd /srv/app && docker compose up -d\n"), &apart);
    }

    #[test]
    fn a_file_of_variables_that_what_deploys_names_counts() {
        let base = ("compose.yaml", "services:\n  db: {image: db, ports: ['${PORT:-1}:5432']}\n");
        let env = ("env/prod.env", "PORT=2\n");
        let check = |script: &str, port: &str| {
            let expected = format!("compose.yaml db Production {port}");
            check_containers(&[base, env, ("deploy.sh", script)], &[&expected]);
        };
        check("docker compose --env-file env/prod.env up -d\n", "2");
        check("docker compose --env-file=env/prod.env -f compose.yaml up -d\n", "2");
        check("docker compose --env-file env/prod.env up -d\ndocker compose up -d\n", "1");
        check("docker compose --env-file /etc/app.env up -d\n", "1");
    }

    #[test]
    fn what_is_wrong_with_files_ends_in_a_problem() {
        check_containers(
            &[
                ("compose.yaml", "services:\n  web: {image: web}\n"),
                ("compose.override.yaml", "services:\n  wbe: {ports: ['80:80']}\n"),
            ],
            &[
                "compose.override.yaml wbe Development 80",
                "compose.yaml web Production",
                "it overrides a service that no other file defines",
            ],
        );
        check_containers(
            &[
                ("compose.yaml", "include: [a.yaml]\nservices:\n  web: {image: web}\n"),
                ("a.yaml", "include: [b.yaml]\nservices:\n  a: {image: a}\n"),
                ("b.yaml", "include: [a.yaml, gone.yaml]\nservices:\n  b: {image: b}\n"),
            ],
            &[
                "a.yaml a Production",
                "b.yaml b Production",
                "compose.yaml web Production",
                "the file includes itself",
                "the file to include does not exist",
            ],
        );
    }

    #[test]
    fn what_is_asked_of_the_engine_is_read() {
        let text = "services:
  a:
    image: a
    cap_add: [SYS_ADMIN]
    devices: ['/dev/sda:/dev/x:r', {source: /dev/kvm, target: /dev/kvm}]
    ulimits: {nofile: {soft: 1, hard: -1}, core: 0}
    sysctls: [net.core.somaxconn=1]
    logging: {driver: json-file, options: {max-size: 1m}}
    networks: {back: {aliases: [x]}}
    post_start: [{command: x, user: root, privileged: true}]
    volumes: ['host:/h', '/a:/b:ro,rshared', {type: bind, source: /c, target: /d, bind: {propagation: rslave}}]
    tmpfs: ['/tmp:exec,size=1m']
volumes:
  host: {driver_opts: {type: none, o: 'bind,ro', device: /etc}}
networks:
  back: {internal: true}
";
        let delivery = crate::lower(&Tree::from_memory([("compose.yml", text)]));
        let engine = &delivery.containers[0].engine;
        let names = |said: &[crate::engine::Said]| {
            said.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&engine.cap_add), "SYS_ADMIN");
        assert_eq!(names(&engine.devices), "/dev/sda /dev/kvm");
        assert_eq!(names(&engine.networks), "back");
        let settings = |of: &[crate::engine::Setting]| {
            of.iter().map(|s| format!("{}={}", s.name, s.value)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(settings(&engine.ulimits), "nofile=1 nofile=-1 core=0");
        assert_eq!(settings(&engine.sysctls), "net.core.somaxconn=1");
        assert_eq!(settings(&engine.log_options), "max-size=1m");
        assert_eq!(engine.hooks[0].privileged.known(), Some(&true));
        let mounts: Vec<String> = delivery.containers[0]
            .mounts
            .iter()
            .map(|m| format!("{} {:?} {}", m.target, m.device, m.options.join(",")))
            .collect();
        assert_eq!(
            mounts,
            [
                "/h Some(\"/etc\") ",
                "/b None ro,rshared",
                "/d None rslave",
                "/tmp None exec,size=1m"
            ]
        );
        assert_eq!(delivery.projects[0].networks[0].internal.known(), Some(&true));
    }

    #[test]
    fn hostile_files_end() {
        let mut text = "x: &x {".to_owned();
        for i in 0..1_000 {
            write!(text, "k{i}: 1, ").expect("text");
        }
        text.push_str(
            "}
services:
",
        );
        for i in 0..1_000 {
            writeln!(
                text,
                "  s{i}: {{image: a, environment: *x, healthcheck: *x, extends: s{}}}",
                i + 1
            )
            .expect("text");
        }
        let tree = Tree::from_memory([("compose.yml", text)]);
        let delivery = crate::lower(&tree);
        let variables: usize = delivery.containers.iter().map(|c| c.env.len()).sum();
        assert!(variables < 500_000, "{variables}");
        assert_eq!(
            delivery.containers[900].privileged.unknown().map(|(why, _)| why),
            Some(Why::TooLarge)
        );
    }
}
