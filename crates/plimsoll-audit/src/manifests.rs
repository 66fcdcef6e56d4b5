//! What an installation reads beside it: its lockfile, and the development groups of its manifest.

use std::collections::BTreeMap;

use plimsoll_model::filesystem::{Filesystem, Found};
use plimsoll_model::image::{Base, Effect, EffectKind, Image, Install, Manager, Run, StepKind};
use plimsoll_source::{Derived, FileId, Span, TextRange, Tracking, normalize_path};
use plimsoll_syntax::yaml;
use toml_edit::{Document, Item, TableLike};

use crate::{Cx, ImageSubject, Why};

/// An installation, and where it stands in its image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    /// Its stage.
    pub(crate) stage: usize,
    /// Its RUN, among the stage's steps.
    step: usize,
    run: &'a Run,
    /// The command.
    pub(crate) effect: &'a Effect,
    /// What it installs.
    pub(crate) install: &'a Install,
}

impl<'a> Site<'a> {
    /// The RUN that it stands in.
    pub(crate) const fn run(&self) -> &'a Run {
        self.run
    }
}

/// The installations of a stage's own RUNs, in order.
pub(crate) fn sites(image: &Image, stage: usize) -> impl Iterator<Item = Site<'_>> {
    let steps = image.stages.get(stage).into_iter().flat_map(|stage| &stage.steps);
    let runs = steps.enumerate().filter_map(|(step, it)| match &it.kind {
        StepKind::Run(run) => Some((step, &**run)),
        _ => None,
    });
    runs.flat_map(move |(step, run)| {
        run.effects.iter().filter_map(move |effect| match &effect.kind {
            EffectKind::Install(install) => Some(Site { stage, step, run, effect, install }),
            _ => None,
        })
    })
}

/// The installations of a stage and of those it starts from.
pub(crate) fn sites_with_bases(image: &Image, stage: usize) -> impl Iterator<Item = Site<'_>> {
    let base = |&at: &usize| match image.stages.get(at)?.base {
        Base::Stage(base) => Some(base),
        _ => None,
    };
    let chain = std::iter::successors(Some(stage), base).take(image.stages.len());
    chain.flat_map(|stage| sites(image, stage))
}

/// The manifest and the lockfile of a manager that always reads the same two, and whether one
/// lockfile serves the packages of a workspace below it.
fn files_of(manager: Manager) -> Option<(&'static str, &'static str, bool)> {
    Some(match manager {
        Manager::Poetry => ("pyproject.toml", "poetry.lock", false),
        Manager::Pipenv => ("Pipfile", "Pipfile.lock", false),
        Manager::Composer => ("composer.json", "composer.lock", false),
        Manager::Bundler => ("Gemfile", "Gemfile.lock", false),
        Manager::Go => ("go.mod", "go.sum", false),
        Manager::Uv => ("pyproject.toml", "uv.lock", true),
        Manager::Cargo => ("Cargo.toml", "Cargo.lock", true),
        _ => return None,
    })
}

/// The lockfile of an installation that follows one.
#[derive(Clone, Debug)]
pub(crate) enum Lock {
    /// It is there when the command runs.
    There,
    /// The manifest names nothing that it could lock.
    Needless,
    /// The repository has none: where it would be.
    Missing(String),
    /// Git ignores it: where it is.
    Ignored(String),
    /// No COPY brings it before the command.
    Left,
    /// It cannot be told.
    Unknown(Why),
}

/// The lockfile that an installation follows; `None` for managers that are not judged by one here.
pub(crate) fn lock(cx: &Cx<'_>, image: ImageSubject<'_>, site: Site<'_>) -> Option<Lock> {
    let (manifest, lock, shared) = files_of(site.install.manager)?;
    let words = words(cx, site);
    if site.install.manager == Manager::Uv && words.iter().any(|word| word == "pip") {
        return None;
    }
    let tree = &cx.delivery.tree;
    let committed = |file: FileId| match tree.entry(file).tracking {
        Tracking::Ignored => Lock::Ignored(tree.path(file).to_owned()),
        _ => Lock::There,
    };
    // cargo-chef carries manifests and lockfile in its recipe.
    let recipe = words.iter().any(|word| word == "chef" || word == "cargo-chef");
    let (mut doubt, mut source) = (None, None);
    for dir in ancestors(&site.effect.workdir).filter(|_| !recipe) {
        match find(cx, image, site, &format!("{dir}/{lock}")) {
            Found::File { file, .. } => return Some(committed(file)),
            Found::Made { .. } | Found::Built { .. } => doubt = doubt.or(Some(Why::NeedsBuild)),
            Found::Unknown(why, _) => doubt = doubt.or(Some(why)),
            Found::Directory { .. } | Found::Absent => {}
        }
        if let Found::File { file, .. } = find(cx, image, site, &format!("{dir}/{manifest}")) {
            if site.install.manager == Manager::Go
                && tree
                    .read(file)
                    .is_ok_and(|text| !String::from_utf8_lossy(&text).contains("require"))
            {
                return Some(Lock::Needless);
            }
            source = source.or(Some(parent(tree.path(file))));
            if !shared {
                break;
            }
        }
    }
    // A base image may hold anything at a path of the system's, but hardly this one's lockfile.
    let doubt = doubt.filter(|why| source.is_none() || *why != Why::NeedsNetwork);
    let package = image.service.and_then(|service| service.package);
    let dir = source
        .or_else(|| package.map(|id| &*cx.delivery[id].dir))
        .or_else(|| image.context.known().map(|dir| &**dir));
    let Some(dir) = dir else { return Some(Lock::Unknown(doubt.unwrap_or(Why::Dynamic))) };
    let beside = |dir: &str| if dir.is_empty() { lock.to_owned() } else { format!("{dir}/{lock}") };
    let dirs = ancestors(dir).take(if shared { usize::MAX } else { 1 });
    let found = dirs.into_iter().find_map(|dir| tree.find(&beside(dir)));
    Some(match (found, doubt) {
        (Some(file), _) if matches!(committed(file), Lock::Ignored(_)) => committed(file),
        (Some(_), None) if recipe => Lock::There,
        (_, Some(why)) => Lock::Unknown(why),
        (Some(_), None) => Lock::Left,
        (None, None) if tree.unlisted(&beside(dir)).is_some() => Lock::Unknown(Why::Unreadable),
        (None, None) if shared && tree.outside().is_some() => Lock::Unknown(Why::OutOfTree),
        (None, None) => Lock::Missing(beside(dir)),
    })
}

/// Whether an installation brings the development groups of its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Development {
    /// It leaves them out, or there are none.
    Out,
    /// It brings them.
    Brought,
    /// It cannot be told.
    Unknown,
}

/// What an installation does with the development groups of a manifest that is not Node's; `None`
/// where it installs by none that has groups.
pub(crate) fn development(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    site: Site<'_>,
) -> Option<Development> {
    let Install { manager, packages, global, production, .. } = site.install;
    let grouped =
        [Manager::Poetry, Manager::Pipenv, Manager::Composer, Manager::Bundler, Manager::Uv];
    if !grouped.contains(manager) || *global || !packages.is_empty() {
        return None;
    }
    let words = words(cx, site);
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    if *manager == Manager::Uv && (!has("sync") || has("pip")) {
        return None;
    }
    if *production && matches!(manager, Manager::Pipenv | Manager::Composer) {
        return Some(Development::Out);
    }
    let (manifest, ..) = files_of(*manager)?;
    let text = ancestors(&site.effect.workdir).find_map(|dir| {
        match find(cx, image, site, &format!("{dir}/{manifest}")) {
            Found::File { file, .. } => Some((file, cx.delivery.tree.read(file).ok()?)),
            _ => None,
        }
    });
    let Some((file, text)) = text else { return Some(Development::Unknown) };
    Some(match manager {
        Manager::Composer => of_composer(file, &text),
        Manager::Bundler => of_bundler(image, site, &words, &text),
        _ => match Document::parse(String::from_utf8_lossy(&text)) {
            Ok(document) => of_python(*manager, *production, &words, document.as_table()),
            Err(_) => Development::Unknown,
        },
    })
}

fn of_composer(file: FileId, text: &[u8]) -> Development {
    let span = Span::new(file, TextRange::of(0, text.len()));
    let parsed = yaml::parse_json(Derived::verbatim(text.to_vec(), span));
    match parsed.tree.root().filter(|root| root.is_map() && !root.is_partial()) {
        Some(root) => match root.get("require-dev") {
            Some(groups) if groups.pairs().next().is_some() => Development::Brought,
            _ => Development::Out,
        },
        None => Development::Unknown,
    }
}

/// A Gemfile is a program: what is judged is whether a group of developers' is named in it.
fn of_bundler(
    image: ImageSubject<'_>,
    site: Site<'_>,
    words: &[String],
    text: &[u8],
) -> Development {
    let text = String::from_utf8_lossy(text);
    let code = |line: &&str| !line.trim_start().starts_with('#');
    let named = |group: &str| {
        let lines = text.lines().filter(code).filter(|line| line.contains("group"));
        lines.into_iter().any(|line| line.contains(group))
    };
    let stage = image.stages.get(site.stage);
    let settings = stage.into_iter().flat_map(|stage| &stage.config.env);
    let without: Vec<String> = settings
        .filter(|setting| setting.name == "BUNDLE_WITHOUT")
        .map(|setting| match setting.value.as_ref().and_then(|value| value.known()) {
            Some(value) => value.clone(),
            None => "$".to_owned(),
        })
        .chain(words.iter().cloned())
        .collect();
    let configured = image.steps_with_bases(site.stage).iter().any(|step| match &step.kind {
        StepKind::Run(run) => {
            let text = String::from_utf8_lossy(run.text.text());
            text.contains("bundle config") && ["without", "only"].iter().any(|w| text.contains(w))
        }
        _ => false,
    });
    let (development, test) = (named("development"), named("test"));
    let leaves = |group: &str| without.iter().any(|word| word.contains(group));
    let opaque = ["eval_gemfile", "gemspec"].iter().any(|word| text.contains(word));
    if configured || without.iter().any(|word| word.contains('$')) {
        Development::Unknown
    } else if development && !site.install.production || test && !leaves("test") {
        Development::Brought
    } else if opaque {
        Development::Unknown
    } else {
        Development::Out
    }
}

/// The groups that a command installs beside the main one, by the options of Poetry and uv.
fn of_python(
    manager: Manager,
    production: bool,
    words: &[String],
    manifest: &dyn TableLike,
) -> Development {
    if words.iter().any(|word| word.contains(['$', '`'])) {
        return Development::Unknown;
    }
    let has = |flag: &str| words.iter().any(|word| word == flag);
    let values = |flag: &str| -> Vec<String> {
        let given = words.iter().enumerate().filter_map(|(at, word)| {
            let rest = word.strip_prefix(flag)?;
            if rest.is_empty() { words.get(at + 1).map(|w| &**w) } else { rest.strip_prefix('=') }
        });
        given.flat_map(|v| v.split([',', ' '])).map(str::to_owned).collect()
    };
    let groups = groups(manager, manifest);
    let all = || groups.keys().cloned().collect::<Vec<_>>();
    let (only, mut wanted, without);
    if manager == Manager::Uv {
        only = [values("--only-group"), vec!["dev".to_owned(); usize::from(has("--only-dev"))]];
        wanted = match at(manifest, &["tool", "uv", "default-groups"]) {
            _ if has("--all-groups") => all(),
            _ if has("--no-default-groups") => Vec::new(),
            Some(Item::Value(value)) => match value.as_array() {
                Some(names) => names.iter().filter_map(|n| n.as_str()).map(str::to_owned).collect(),
                None => all(),
            },
            _ => vec!["dev".to_owned()],
        };
        wanted.extend(values("--group"));
        without = values("--no-group");
    } else {
        only = [values("--only"), vec!["main".to_owned(); usize::from(has("--only-root"))]];
        let asked = groups.iter().filter(|(_, optional)| !**optional || has("--all-groups"));
        wanted = asked.map(|(name, _)| name.clone()).collect();
        wanted.extend(values("--with"));
        without = values("--without");
    }
    let only = only.concat();
    if !only.is_empty() {
        wanted = only;
    }
    wanted.retain(|name| {
        let dropped = without.contains(name) || production && name == "dev";
        groups.contains_key(name) && !dropped
    });
    const DEVELOPERS: [&str; 9] =
        ["dev", "test", "lint", "doc", "typ", "mypy", "format", "check", "ci"];
    if wanted.iter().any(|name| DEVELOPERS.iter().any(|start| name.starts_with(start))) {
        Development::Brought
    } else if wanted.is_empty() {
        Development::Out
    } else {
        Development::Unknown
    }
}

/// The groups of a Python manifest that hold something, and whether each is optional.
fn groups(manager: Manager, manifest: &dyn TableLike) -> BTreeMap<String, bool> {
    let holds = |item: &Item| match (item.as_array(), item.as_table_like()) {
        (Some(array), _) => !array.is_empty(),
        (_, Some(table)) => !table.is_empty(),
        _ => false,
    };
    let mut groups = BTreeMap::new();
    let named = at(manifest, &["dependency-groups"]).and_then(Item::as_table_like);
    for (name, item) in named.into_iter().flat_map(TableLike::iter) {
        if holds(item) {
            groups.insert(name.to_owned(), false);
        }
    }
    let plain: &[&str] = match manager {
        Manager::Uv => &["tool", "uv", "dev-dependencies"],
        Manager::Pipenv => &["dev-packages"],
        _ => &["tool", "poetry", "dev-dependencies"],
    };
    if at(manifest, plain).is_some_and(holds) {
        groups.insert("dev".to_owned(), false);
    }
    let own = at(manifest, &["tool", "poetry", "group"]).filter(|_| manager == Manager::Poetry);
    for (name, item) in own.and_then(Item::as_table_like).into_iter().flat_map(TableLike::iter) {
        let Some(group) = item.as_table_like() else { continue };
        let optional = group.get("optional").and_then(Item::as_bool).unwrap_or(false);
        if optional || group.get("dependencies").is_some_and(holds) {
            groups.insert(name.to_owned(), optional);
        }
    }
    groups
}

fn at<'t>(table: &'t dyn TableLike, keys: &[&str]) -> Option<&'t Item> {
    let (last, path) = keys.split_last()?;
    let mut table = table;
    for key in path {
        table = table.get(key)?.as_table_like()?;
    }
    table.get(last)
}

/// What stands at a path when the command runs: what its RUN mounts, then the layers before it.
pub(crate) fn find(cx: &Cx<'_>, image: ImageSubject<'_>, site: Site<'_>, path: &str) -> Found {
    let mounted = site.run.mounts.iter().rev();
    if let Some(found) = mounted.filter_map(|m| in_mount(cx, image, site, m, path)).next() {
        return found;
    }
    let found = Filesystem::new(cx.delivery, image.image).find_at(site.stage, site.step, path);
    let before = site.run.effects.iter().take_while(|effect| effect.span != site.effect.span);
    let brings = before
        .into_iter()
        .find(|effect| matches!(effect.kind, EffectKind::Fetch(_) | EffectKind::Place(..)));
    match brings {
        Some(effect) if !found.exists() => Found::Unknown(Why::NeedsBuild, Some(effect.span)),
        _ => found,
    }
}

/// What a `--mount=type=bind` shows at a path; `None` when it does not cover it.
fn in_mount(
    cx: &Cx<'_>,
    image: ImageSubject<'_>,
    site: Site<'_>,
    (mount, span): &(String, Span),
    path: &str,
) -> Option<Found> {
    let value = |keys: &[&str]| {
        mount.split(',').filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| {
            keys.contains(&key.trim()).then(|| value.trim().trim_matches(['"', '\'']))
        })
    };
    if value(&["type"]).is_some_and(|kind| kind != "bind") {
        return None;
    }
    if mount.contains('$') {
        return Some(Found::Unknown(Why::Dynamic, Some(*span)));
    }
    let target = value(&["target", "dst", "destination"])?;
    let workdir = &image.stages.get(site.stage)?.steps.get(site.step)?.workdir;
    let target = match target.starts_with('/') {
        true => normalize_path(target)?,
        false => normalize_path(&format!("{workdir}/{target}"))?,
    };
    let path = normalize_path(path)?;
    let rest = match path.strip_prefix(&*target)? {
        "" => "",
        rest if target.is_empty() => rest,
        rest => rest.strip_prefix('/')?,
    };
    let source = value(&["source", "src"]).unwrap_or_default().trim_end_matches('/');
    let wanted = if rest.is_empty() { source.to_owned() } else { format!("{source}/{rest}") };
    let files = Filesystem::new(cx.delivery, image.image);
    Some(match value(&["from"]) {
        None => files.in_context(wanted.trim_start_matches('/'), *span),
        Some(from) => {
            let from = from.to_ascii_lowercase();
            match image.stages.iter().position(|stage| stage.name.as_deref() == Some(&*from)) {
                Some(stage) if stage < site.stage => files.find(stage, &format!("/{wanted}")),
                _ => Found::Unknown(Why::NeedsNetwork, Some(*span)),
            }
        }
    })
}

/// The words of an installation's command, as they are written.
pub(crate) fn words(cx: &Cx<'_>, site: Site<'_>) -> Vec<String> {
    let span = site.effect.span;
    let Ok(bytes) = cx.delivery.tree.read(span.file) else { return vec!["$".to_owned()] };
    let text = String::from_utf8_lossy(span.range.slice(&bytes)).into_owned();
    let words = text.split_whitespace().map(|word| word.trim_matches(['"', '\'', ',', '[', ']']));
    words.filter(|word| !word.is_empty() && *word != "\\").map(str::to_owned).collect()
}

/// A directory, and those around it.
pub(crate) fn ancestors(dir: &str) -> impl Iterator<Item = &str> {
    fn next<'d>(dir: &&'d str) -> Option<&'d str> {
        match dir.rsplit_once('/') {
            Some((parent, _)) => Some(parent),
            None => (!dir.is_empty()).then_some(""),
        }
    }
    // Nobody nests a package deeper; a hostile path may.
    std::iter::successors(Some(dir.trim_end_matches('/')), next).take(32)
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

#[cfg(test)]
mod tests {
    use plimsoll_source::Tree;

    use super::*;
    use crate::Policy;

    /// What is found of the last installation of a Dockerfile's last stage among files.
    fn found<T: std::fmt::Debug>(
        dockerfile: &str,
        files: &[(&str, &str)],
        ask: impl Fn(&Cx<'_>, ImageSubject<'_>, Site<'_>) -> Option<T>,
    ) -> String {
        let all = [("Dockerfile", dockerfile)].into_iter().chain(files.iter().copied());
        let delivery = plimsoll_model::lower(&Tree::from_memory(all));
        let policy = Policy::default();
        let cx = Cx::new(&delivery, &policy);
        let id = delivery.image_ids().next().expect("the Dockerfile is read");
        let image = &delivery[id];
        let subject = ImageSubject { id, image, service: None };
        let site = image.target.and_then(|target| sites(image, target).last());
        site.and_then(|site| ask(&cx, subject, site)).map_or("-".into(), |it| format!("{it:?}"))
    }

    #[track_caller]
    fn locked(dockerfile: &str, files: &[(&str, &str)], expected: &str) {
        assert_eq!(found(dockerfile, files, lock), expected, "{dockerfile}");
    }

    #[track_caller]
    fn develops(run: &str, file: (&str, &str), expected: &str) {
        let dockerfile = format!("FROM debian:13\nWORKDIR /app\nCOPY . .\n{run}\n");
        assert_eq!(found(&dockerfile, &[file], development), expected, "{run}");
    }

    #[test]
    fn lockfiles() {
        let cargo = [("Cargo.toml", "[package]"), ("Cargo.lock", "version = 4")];
        let build = "FROM rust:1.91\nWORKDIR /app\nCOPY . .\nRUN cargo build --locked\n";
        locked(build, &cargo, "There");
        locked(build, &cargo[..1], "Missing(\"Cargo.lock\")");
        let kept = [cargo[0], cargo[1], (".dockerignore", "*.lock\n")];
        locked(build, &kept, "Left");
        locked(&build.replace("COPY . .", "COPY Cargo.toml src ./"), &cargo, "Left");
        locked("FROM rust:1.91\nCOPY recipe.json .\nRUN cargo chef cook --locked", &cargo, "There");
        locked(
            "FROM rust:1.91\nRUN git clone x /src && cd /src && cargo build --locked",
            &[],
            "Unknown(NeedsBuild)",
        );
        locked("FROM debian:13\nRUN uv pip install --require-hashes -r a.txt", &[], "-");
        let download = "FROM golang:1.26\nWORKDIR /src\nCOPY go.mod ./\nRUN go mod download\n";
        locked(download, &[("go.mod", "module a\n")], "Needless");
        locked(download, &[("go.mod", "module a\nrequire b v1.0.0\n")], "Missing(\"go.sum\")");
        let sync = "FROM debian:13\nCOPY Pipfile Pipfile.lock ./\nRUN pipenv sync\n";
        locked(sync, &[("Pipfile", ""), ("Pipfile.lock", "{}")], "There");
        locked(sync, &[("Pipfile", "")], "Missing(\"Pipfile.lock\")");
        let bundle = "FROM ruby:3\nWORKDIR /a\nCOPY Gemfile ./\nRUN bundle install --deployment";
        locked(bundle, &[("Gemfile", "")], "Missing(\"Gemfile.lock\")");
    }

    #[test]
    fn groups_of_poetry_and_uv() {
        let two = "[tool.poetry.group.dev.dependencies]\na = \"1\"\n\
                   [tool.poetry.group.test.dependencies]\nb = \"1\"\n";
        let poetry = ("pyproject.toml", two);
        develops("RUN poetry install", poetry, "Brought");
        develops("RUN poetry install --without dev", poetry, "Brought");
        develops("RUN poetry install --without dev,test", poetry, "Out");
        develops("RUN poetry install --only=main", poetry, "Out");
        develops("RUN poetry install --only main,test", poetry, "Brought");
        develops("ARG A\nRUN poetry install $A", poetry, "Unknown");
        develops("RUN poetry install", ("pyproject.toml", "[project]\n"), "Out");
        develops("RUN poetry install", ("pyproject.toml", "[[["), "Unknown");
        develops("RUN poetry install", ("other.toml", ""), "Unknown");
        let web = "[tool.poetry.group.web.dependencies]\na = \"1\"\n";
        develops("RUN poetry install", ("pyproject.toml", web), "Unknown");
        let optional = "[tool.poetry.group.dev]\noptional = true\n";
        develops("RUN poetry install", ("pyproject.toml", optional), "Out");
        develops("RUN poetry install --with dev", ("pyproject.toml", optional), "Brought");
        let uv = ("pyproject.toml", "[dependency-groups]\ndev = [\"a\"]\ntest = [\"b\"]\n");
        develops("RUN uv sync --frozen", uv, "Brought");
        develops("RUN uv sync --no-dev", uv, "Out");
        develops("ENV UV_NO_DEV=1\nRUN uv sync", uv, "Out");
        develops("RUN uv sync --no-dev --group test", uv, "Brought");
        develops("RUN uv sync --no-default-groups", uv, "Out");
        develops("RUN uv pip install -r requirements.txt", uv, "-");
        let pipfile = ("Pipfile", "[dev-packages]\npytest = \"*\"\n");
        develops("RUN pipenv sync --dev", pipfile, "Brought");
        develops("RUN pipenv sync", pipfile, "Out");
    }

    #[test]
    fn groups_of_composer_and_bundler() {
        let composer = ("composer.json", "{\"require-dev\": {\"a/b\": \"^1\"}}");
        develops("RUN composer install", composer, "Brought");
        develops("RUN composer install --no-dev", composer, "Out");
        develops("RUN composer install", ("composer.json", "{\"require\": {}}"), "Out");
        develops("RUN composer install", ("composer.json", "{"), "Unknown");
        let gems = ("Gemfile", "gem \"a\"\ngroup :development, :test do\nend\n");
        develops("RUN bundle install", gems, "Brought");
        develops("ENV BUNDLE_WITHOUT=development\nRUN bundle install", gems, "Brought");
        develops("ENV BUNDLE_WITHOUT=development:test\nRUN bundle install", gems, "Out");
        develops("RUN bundle config set without x && bundle install", gems, "Unknown");
        develops("RUN bundle install", ("Gemfile", "gem \"a\"\n"), "Out");
        develops("RUN bundle install", ("Gemfile", "gemspec\n"), "Unknown");
    }
}
