//! Compose files to containers, as `docker compose` loads them.
//!
//! Source of the rules: the Compose specification (merge, extends, include, interpolation). Of each
//! directory the base file is a project. A file beside it that only adds to its services is merged
//! over it: for good if its name says production, as a deployment of its own if it says
//! development or test, and else noted as what an operator may add.

mod interpolate;
mod service;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use plimsoll_source::{Entry, EntryKind, FileId, Span, TextRange, Tracking};
use plimsoll_syntax::yaml::{self, Value, Yaml};
use plimsoll_syntax::{Parsed, dotenv};

use super::cx::Cx;
use super::purpose;
use crate::container::{Container, Project};
use crate::delivery::Problem;
use crate::fact::Why;
use crate::purpose::Purpose;
use interpolate::Vars;
use service::{Context, Layer, Service, Source, Sources, in_tree, joined};

/// The names of a base file; the first that exists is loaded.
const BASES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// How many services may extend one another in a row.
const MAX_EXTENDS: usize = 64;

/// How many comments at the head of a file are kept.
const MAX_HEADER: usize = 256;

const WHAT: &str = "compose file";

/// A compose file.
struct Doc {
    file: FileId,
    dir: String,
    yaml: Yaml,
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
    /// Only the services that the last file names; and whether those that the others name too.
    only: Only,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    All,
    /// The services of the last file.
    Last,
    /// The services of the last file that say what to run.
    LastAlone,
}

/// The compose projects of the tree, and the containers that they start.
pub(super) fn read(cx: &Cx<'_>) -> (Vec<Project>, Vec<Container>) {
    let loader = Loader::new(cx);
    let (plans, optional) = loader.plans();
    let mut projects = Vec::new();
    let mut containers: Vec<Container> = Vec::new();
    let mut by_base: BTreeMap<(FileId, String), Vec<usize>> = BTreeMap::new();
    for plan in plans {
        let (project, found) = loader.project(&plan, projects.len());
        for container in found {
            if let Some(base) = plan.files.first() {
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
        let (services, secrets, configs) = loader.merged(&plan);
        let context = Context { project: 0, purpose: &plan.purpose, secrets: &secrets, configs: &configs };
        for (name, service) in services.iter().filter(|(_, service)| !service.stands_alone()) {
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

/// Whether a file is a compose file by its name.
pub(super) fn is_named_compose(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let Some(stem) = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")) else {
        return false;
    };
    let starts = ["docker-compose", "compose"].iter().any(|start| {
        stem.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    });
    starts || stem.ends_with(".compose") || stem.ends_with(".docker-compose")
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
        };
        let mut todo = named;
        while let Some(file) = todo.pop() {
            if loader.docs.contains_key(&file) {
                continue;
            }
            let Some(doc) = parse(cx, file) else { continue };
            for path in doc.root().into_iter().flat_map(|root| includes(root, &doc.dir)).flat_map(|i| i.paths) {
                if let Some(found) = cx.tree.find(&path) {
                    loader.included.insert(found);
                    todo.push(found);
                }
            }
            for (path, service) in extended_files(&doc) {
                if let Some(found) = cx.tree.find(&path).filter(|&found| found != file) {
                    loader.templates.insert((found, service));
                    todo.push(found);
                }
            }
            loader.docs.insert(file, doc);
        }
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
        let mut bases: BTreeMap<&str, (&Doc, BTreeSet<String>)> = BTreeMap::new();
        for (dir, docs) in &by_dir {
            let base = BASES.iter().find_map(|base| docs.iter().find(|doc| name(doc) == *base));
            if let Some(base) = base {
                bases.insert(dir, (base, self.names(base)));
            }
        }
        let (mut plans, mut optional) = (Vec::new(), Vec::new());
        for (dir, docs) in &by_dir {
            let own = bases.get(dir);
            let base = own.map(|(base, _)| base.file);
            let mut replaced = false;
            let at = plans.len();
            if let Some(file) = base {
                plans.push(Plan {
                    dir: (*dir).to_owned(),
                    files: vec![file],
                    purpose: purpose::of_path(self.cx.tree.path(file)),
                    only: Only::All,
                });
            }
            for doc in docs.iter().filter(|doc| Some(doc.file) != base) {
                let path = self.cx.tree.path(doc.file);
                let mut plan = Plan {
                    dir: (*dir).to_owned(),
                    files: vec![doc.file],
                    purpose: purpose::of_path(path),
                    only: Only::All,
                };
                let below = ancestors(dir).filter_map(|dir| Some((dir, bases.get(dir)?)));
                let over = below
                    .filter(|(_, (_, names))| self.adds_to(doc, names))
                    .map(|(dir, (base, _))| (dir, base.file))
                    .next();
                match over {
                    None => {}
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
                    }
                }
                plans.push(plan);
            }
        }
        (plans, optional)
    }

    /// The services of a file and of what it includes, by name alone.
    fn names(&self, doc: &Doc) -> BTreeSet<String> {
        let plan = Plan {
            dir: doc.dir.clone(),
            files: vec![doc.file],
            purpose: Purpose::production(),
            only: Only::All,
        };
        self.merged(&plan).0.into_keys().map(str::to_owned).collect()
    }

    /// Whether a file only adds to some of these services: it does not say what they run.
    fn adds_to(&self, doc: &Doc, names: &BTreeSet<String>) -> bool {
        let Some(services) = doc.root().and_then(|root| root.get("services")) else { return false };
        services.entries().iter().any(|(key, service)| {
            let open = service.is_map()
                && ["image", "build", "extends"].iter().all(|key| service.get(key).is_none());
            open && key.text().is_some_and(|name| names.contains(name))
        })
    }

    /// A plan's project and containers.
    fn project(&self, plan: &Plan, index: usize) -> (Project, Vec<Container>) {
        let (services, secrets, configs) = self.merged(plan);
        let env_path = joined(&plan.dir, ".env");
        let context =
            Context { project: index, purpose: &plan.purpose, secrets: &secrets, configs: &configs };
        let last = plan.files.last().copied();
        let mut containers: Vec<Container> = services
            .iter()
            .filter(|(name, service)| {
                let of_last = service.layers.get(service.own).is_some_and(|l| Some(l.file) == last);
                let template = plan.only == Only::All
                    && plan.files.iter().any(|f| self.is_template(*f, name));
                match plan.only {
                    Only::All => !template,
                    Only::Last => of_last,
                    Only::LastAlone => service.stands_alone(),
                }
            })
            .map(|(_, service)| service.container(&context))
            .collect();
        let awaited: BTreeSet<String> = containers
            .iter()
            .flat_map(|container| &container.depends_on)
            .filter(|on| on.condition == "service_completed_successfully")
            .map(|on| on.service.clone())
            .collect();
        for container in &mut containers {
            container.job = awaited.contains(&container.name)
                || container.restart.known().is_some_and(|restart| restart == "no")
                    && migrates(container);
        }
        let project = Project {
            dir: plan.dir.clone(),
            files: plan.files.clone(),
            env_file: self.env_file(&env_path),
            secrets: secrets.into_iter().map(|(name, s)| (name, s.file, s.span)).collect(),
            purpose: plan.purpose.clone(),
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

    fn vars(&self, dir: &str) -> Rc<Vars> {
        let file = self.env_file(&joined(dir, ".env"));
        let vars = file.and_then(|file| self.cx.text(file, ".env file"));
        Rc::new(vars.map_or_else(Vars::none, |text| Vars::of(&dotenv::parse(&text).tree)))
    }

    /// The services of the files of a plan, merged, with the secrets and configs.
    fn merged(&self, plan: &Plan) -> (Services<'_>, Sources, Sources) {
        let mut reading = Reading {
            loader: self,
            services: Services::new(),
            secrets: Sources::new(),
            configs: Sources::new(),
            seen: BTreeSet::new(),
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
        (reading.services, reading.secrets, reading.configs)
    }
}

/// A directory and those above it.
fn ancestors(dir: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(dir), |dir| {
        (!dir.is_empty()).then(|| dir_of(dir))
    })
}

fn parse(cx: &Cx<'_>, file: FileId) -> Option<Doc> {
    let text = cx.text(file, WHAT)?;
    let Parsed { tree: yaml, errors } = yaml::parse(text);
    for error in errors {
        cx.problem(Problem { span: error.span, message: error.message, what: WHAT });
    }
    if let Some(root) = yaml.root().filter(|root| !root.is_map() && !root.is_null() && !root.is_unknown()) {
        let message = "a compose file is a mapping".to_owned();
        cx.problem(Problem { span: root.span(), message, what: WHAT });
    }
    Some(Doc { file, dir: dir_of(cx.tree.path(file)).to_owned(), yaml })
}

/// An `include:` entry.
struct Include {
    paths: Vec<String>,
    dir: Option<String>,
}

/// The files of the tree that a file's `include:` names.
fn includes(root: Value<'_>, dir: &str) -> Vec<Include> {
    let text = |value: Value<'_>| Some(interpolate::interpolate(value.text()?, &Vars::none()).value);
    let resolve = |value: Value<'_>| in_tree(dir, &text(value)?).ok();
    let Some(list) = root.get("include") else { return Vec::new() };
    list.items()
        .map(|item| {
            let path = item.get("path").unwrap_or(item);
            let paths = path.items().chain([path]).filter_map(resolve).collect();
            Include { paths, dir: item.get("project_directory").and_then(resolve) }
        })
        .collect()
}

/// The file and the service that an `extends:` names.
fn extended<'a>(service: Value<'a>) -> Option<(Option<Value<'a>>, Value<'a>)> {
    let extends = service.get("extends").filter(|value| !value.is_null())?;
    if extends.is_map() { Some((extends.get("file"), extends.get("service")?)) } else { Some((None, extends)) }
}

fn extended_path(file: Value<'_>, dir: &str) -> Result<String, Why> {
    let text = file.text().ok_or(Why::Unparsed)?;
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
    seen: BTreeSet<FileId>,
}

impl<'a> Reading<'a> {
    /// Reads a file over what was read before, and what it includes under it.
    fn file(&mut self, file: FileId, dir: &Rc<str>, vars: &Rc<Vars>) {
        // Deeper than a thousand there are no includes but made-up ones.
        if self.seen.len() > 1000 || !self.seen.insert(file) {
            return;
        }
        let loader = self.loader;
        let Some(doc) = loader.docs.get(&file) else { return };
        let Some(root) = doc.root() else { return };
        for include in includes(root, &doc.dir) {
            for path in include.paths {
                let Some(file) = loader.cx.tree.find(&path) else { continue };
                let dir = include.dir.clone().unwrap_or_else(|| dir_of(&path).to_owned());
                self.included(file, &dir);
            }
        }
        self.sources(root, dir, vars);
        let Some((services_key, services)) = root.entry("services") else { return };
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
            .take_while(|comment| comment.end <= services_key.raw().range.start)
            .take(MAX_HEADER)
            .map(|comment| doc.yaml.text.span(*comment))
            .collect();
        let scope = Scope { loader, dir, vars, header: &header };
        for (key, map) in services.entries() {
            let Some(name) = key.text() else { continue };
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
                let external =
                    value.get("external").is_some_and(|e| e.is_map() || e.bool() == Some(true));
                let span = key.span().cover(value.span());
                into.insert(name.to_owned(), Source { file, external, span });
            }
        }
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
}

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
            if !self.vars.spend(1) || !self.vars.spend(map.pairs().count()) {
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
                dir: Rc::clone(&dir),
                vars: Rc::clone(self.vars),
                key,
                map,
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

    #[expect(clippy::type_complexity, reason = "what the loop above goes on with")]
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
        let breaks = gap.iter().filter(|&&b| b == b'\n').count();
        if breaks != 1 || !gap.trim_ascii().is_empty() || self::column(text, above.start) != column {
            break;
        }
        top = above.start;
        from -= 1;
    }
    let mut bottom = end;
    while let Some(below) = all.get(to) {
        let gap = TextRange::new(bottom, below.start).slice(text);
        let deeper = !gap.contains(&b'\n') || self::column(text, below.start) > column;
        if !gap.trim_ascii().is_empty() || !deeper {
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
