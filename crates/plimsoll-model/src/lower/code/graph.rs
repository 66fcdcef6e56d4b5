//! Modules: which file an import leads to, and each file's program, read once.

use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use plimsoll_source::{FileId, Span, TextRange};
use plimsoll_syntax::program::Module;
use plimsoll_syntax::yaml::{self, Value as Json};
use plimsoll_syntax::{javascript, python};

use crate::Delivery;
use crate::fact::Why;
use crate::lower::cx::Cx;
use crate::package::Package;
use crate::path;

/// Endings that Node and TypeScript add to a specifier.
const ENDINGS: [&str; 8] = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".jsx"];

/// A read file, or why it could not be.
pub(super) type Loaded = Result<Arc<Module>, (Why, Span)>;

/// Reads modules and resolves imports; shared by all services.
pub(super) struct Graph<'a> {
    pub(super) cx: &'a Cx<'a>,
    pub(super) delivery: &'a Delivery,
    loaded: Mutex<HashMap<FileId, Loaded>>,
    paths: Mutex<HashMap<String, Arc<Paths>>>,
    /// Packages by directory.
    packages: HashMap<&'a str, &'a Package>,
}

/// `compilerOptions.paths` and `baseUrl` that are in effect in a directory.
#[derive(Default)]
struct Paths {
    base: Option<String>,
    aliases: Vec<(String, Vec<String>)>,
}

/// Where an import leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To a module of the tree.
    File(FileId),
    /// To a package that is not in the tree: its name and the path in it.
    Package(String, String),
    /// To the platform: `fs`, `node:http`.
    Platform(String),
    /// To data: JSON, a style sheet.
    Data,
    /// To nothing that exists here.
    Missing,
}

impl<'a> Graph<'a> {
    pub(super) fn new(cx: &'a Cx<'a>, delivery: &'a Delivery) -> Self {
        let packages = delivery.packages.iter().filter(|p| p.is_node());
        Self {
            cx,
            delivery,
            loaded: Mutex::default(),
            paths: Mutex::default(),
            packages: packages.map(|package| (&*package.dir, package)).collect(),
        }
    }

    /// The program of a file.
    pub(super) fn module(&self, file: FileId) -> Loaded {
        if let Some(found) = self.loaded().get(&file) {
            return found.clone();
        }
        let loaded = self.read(file);
        self.loaded().entry(file).or_insert(loaded).clone()
    }

    fn read(&self, file: FileId) -> Loaded {
        let start = Span::new(file, TextRange::new(0, 0));
        let name = path::name(self.cx.tree.path(file));
        let Ok(bytes) = self.cx.bytes(file) else { return Err((Why::Unreadable, start)) };
        let is_python = name.ends_with(".py");
        let parsed = if is_python {
            python::read_here(file, &bytes)
        } else {
            javascript::read_here(name, file, &bytes)
        };
        let too_large = if is_python { python::is_too_large } else { javascript::is_too_large };
        match parsed.errors.iter().find(|error| error.fatal) {
            Some(error) if too_large(error) => Err((Why::TooLarge, error.span)),
            Some(error) => Err((Why::Unparsed, error.span)),
            None => Ok(Arc::new(parsed.tree)),
        }
    }

    fn loaded(&self) -> std::sync::MutexGuard<'_, HashMap<FileId, Loaded>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the programs below a directory: no other service reads them again, and if one does,
    /// they are read again.
    pub(super) fn forget(&self, dir: &str) {
        let mut loaded = self.loaded();
        for file in self.cx.tree.under(dir) {
            loaded.remove(&file);
        }
    }

    /// The package that a file belongs to.
    pub(super) fn package_of(&self, file: &str) -> Option<&'a Package> {
        path::ancestors(path::parent(file)).find_map(|dir| self.packages.get(dir).copied())
    }

    /// Where `specifier` leads from the file `from`.
    pub(super) fn resolve(&self, from: FileId, specifier: &str) -> Target {
        let from = self.cx.tree.path(from);
        let dir = path::parent(from);
        let specifier =
            specifier.split(['?', '#']).next().filter(|s| !s.is_empty()).unwrap_or(specifier);
        if is_data(specifier) {
            return Target::Data;
        }
        if specifier.starts_with('.') {
            let at = path::join(dir, specifier);
            return at.and_then(|at| self.file(&at)).map_or(Target::Missing, Target::File);
        }
        if specifier.starts_with('/') {
            return Target::Missing;
        }
        if let Some(file) = self.alias(dir, specifier) {
            return Target::File(file);
        }
        if let Some(name) = specifier.strip_prefix("node:") {
            return Target::Platform(name.to_owned());
        }
        let (name, rest) = split(specifier);
        if let Some(package) = self.package_of(from) {
            if package.name.as_deref() == Some(name)
                && let Some(file) = self.of_package(package, rest)
            {
                return Target::File(file);
            }
            let root = package.workspace.as_deref().and_then(|dir| self.packages.get(dir));
            let local = [Some(&package), root]
                .into_iter()
                .flatten()
                .find_map(|package| package.dependency(name)?.local.as_deref());
            let local = local.and_then(|dir| self.packages.get(dir).copied()).or_else(|| {
                let workspace = package.workspace.as_ref()?;
                self.delivery.packages.iter().find(|other| {
                    other.name.as_deref() == Some(name)
                        && other.workspace.as_ref() == Some(workspace)
                })
            });
            if let Some(local) = local {
                return self.of_package(local, rest).map_or(Target::Missing, Target::File);
            }
        }
        if PLATFORM.contains(&name) {
            return Target::Platform(specifier.to_owned());
        }
        Target::Package(name.to_owned(), rest.to_owned())
    }

    /// The package by whose name `specifier` leads from one file of the tree to another.
    pub(super) fn package_named(
        &self,
        from: FileId,
        to: FileId,
        specifier: &str,
    ) -> Option<String> {
        let tree = self.cx.tree;
        let (name, _) = split(specifier);
        let package = self.package_of(tree.path(to))?;
        let is = package.name.as_deref() == Some(name)
            || self.package_of(tree.path(from)).is_some_and(|from| from.dependency(name).is_some());
        (is && !specifier.starts_with('.')).then(|| name.to_owned())
    }

    /// A file by its path without ending, with the wrong one, or as a directory's index.
    fn file(&self, at: &str) -> Option<FileId> {
        let tree = self.cx.tree;
        let exact = || tree.find(at).filter(|_| ENDINGS.iter().any(|end| at.ends_with(end)));
        // `.js` may mean the `.ts` that it is made of.
        let source = || {
            let (stem, ends): (&str, &[&str]) = if let Some(stem) = at.strip_suffix(".js") {
                (stem, &[".ts", ".tsx", ".jsx"])
            } else if let Some(stem) = at.strip_suffix(".mjs") {
                (stem, &[".mts"])
            } else if let Some(stem) = at.strip_suffix(".cjs") {
                (stem, &[".cts"])
            } else {
                return None;
            };
            ends.iter().find_map(|end| tree.find(&format!("{stem}{end}")))
        };
        let added = || ENDINGS.iter().find_map(|end| tree.find(&format!("{at}{end}")));
        let index = || {
            let at = if at.is_empty() { String::new() } else { format!("{at}/") };
            ENDINGS.iter().find_map(|end| tree.find(&format!("{at}index{end}")))
        };
        let linked = || self.file(&tree.through_link(at)?);
        exact().or_else(source).or_else(added).or_else(index).or_else(linked)
    }

    /// What a path in a package of this tree means: a file, an entry of `exports`, `main`.
    fn of_package(&self, package: &Package, rest: &str) -> Option<FileId> {
        let dir = &package.dir;
        let exports = self.exports(package, rest);
        if let Some(file) = exports.iter().find_map(|at| self.emitted(package, at)) {
            return Some(file);
        }
        if !rest.is_empty() {
            return self.emitted(package, rest);
        }
        let main = package.main.as_ref().and_then(|(main, _)| self.emitted(package, main));
        main.or_else(|| self.file(dir)).or_else(|| self.file(&path::join(dir, "src")?))
    }

    /// A path of a package as a file of the tree: it, or the source that it is made of.
    pub(super) fn emitted(&self, package: &Package, at: &str) -> Option<FileId> {
        let dir = &package.dir;
        let direct = path::join(dir, at).and_then(|at| self.file(&at));
        if direct.is_some() {
            return direct;
        }
        let at = path::join("", at)?;
        let mut roots: Vec<String> = Vec::new();
        let mut rest = at.as_str();
        if let Some(typescript) = &package.typescript
            && let Some(out) = typescript.out_dir.known()
            && let Some(below) = path::below(&path::join("", out)?, &at)
        {
            rest = below;
            roots.extend(typescript.root_dir.known().cloned());
        }
        if rest.len() == at.len() {
            // A build that is not read: by the names that everyone uses.
            let (first, below) = at.split_once('/')?;
            if !matches!(first, "dist" | "build" | "lib" | "out" | "esm" | "cjs") {
                return None;
            }
            rest = below;
        }
        roots.extend(["src".to_owned(), String::new()]);
        for root in roots {
            let found = path::join(dir, &format!("{root}/{rest}")).and_then(|at| self.file(&at));
            if found.is_some() {
                return found;
            }
        }
        // Without `rootDir`, what is emitted begins at the common root of all that is compiled.
        for above in path::ancestors(dir) {
            let found = path::join(above, rest).and_then(|at| self.file(&at));
            if found.is_some_and(|file| path::below(dir, self.cx.tree.path(file)).is_some()) {
                return found;
            }
        }
        // `dist/server.js` of a bundler, `dist/cjs/index.js`: one directory more or less, and those
        // that only say what the modules are.
        let mut at = rest;
        for depth in 0..4 {
            let (first, below) = at.split_once('/')?;
            if depth > 0 && !OUTPUT.contains(&first) {
                return None;
            }
            let found = path::join(dir, &format!("src/{below}")).and_then(|at| self.file(&at));
            if found.is_some() {
                return found;
            }
            at = below;
        }
        None
    }

    /// What `exports` of a manifest makes of a path, sources first.
    fn exports(&self, package: &Package, rest: &str) -> Vec<String> {
        let mut found = Vec::new();
        let Some(text) = self.cx.text(package.manifest, "package.json") else { return found };
        let parsed = yaml::parse_json(text);
        let Some(exports) = parsed.tree.root().and_then(|root| root.get("exports")) else {
            return found;
        };
        let wanted = if rest.is_empty() { ".".to_owned() } else { format!("./{rest}") };
        if !exports.is_map() {
            if rest.is_empty() {
                targets(exports, "", 0, &mut found);
            }
            return found;
        }
        let mut conditions = true;
        for (key, value) in exports.entries() {
            let Some(key) = key.text() else { continue };
            if !key.starts_with('.') {
                continue;
            }
            conditions = false;
            if key == wanted {
                targets(value, "", 0, &mut found);
            } else if let Some((before, after)) = key.split_once('*')
                && let Some(star) =
                    wanted.strip_prefix(before).and_then(|rest| rest.strip_suffix(after))
            {
                targets(value, star, 0, &mut found);
            }
        }
        if conditions && rest.is_empty() {
            targets(exports, "", 0, &mut found);
        }
        found
    }

    /// `paths` and `baseUrl` of the nearest configuration.
    fn alias(&self, dir: &str, specifier: &str) -> Option<FileId> {
        let paths = self.paths(dir);
        for (pattern, targets) in &paths.aliases {
            let star = match pattern.split_once('*') {
                Some((before, after)) => {
                    specifier.strip_prefix(before).and_then(|s| s.strip_suffix(after))
                }
                None => (pattern == specifier).then_some(""),
            };
            if let Some(star) = star
                && let Some(file) = targets
                    .iter()
                    .find_map(|target| self.file(&target.replacen('*', star, 1).replace("//", "/")))
            {
                return Some(file);
            }
        }
        let base = paths.base.as_ref()?;
        self.file(&path::join(base, specifier)?)
    }

    fn paths(&self, dir: &str) -> Arc<Paths> {
        let lock = || self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().get(dir) {
            return Arc::clone(found);
        }
        let made = Arc::new(self.read_paths(dir));
        lock().insert(dir.to_owned(), Arc::clone(&made));
        made
    }

    fn read_paths(&self, dir: &str) -> Paths {
        let mut made = Paths::default();
        let found = path::ancestors(dir).find_map(|dir| {
            let names = ["tsconfig.json", "jsconfig.json"];
            names.iter().find_map(|name| self.cx.tree.find(path::join(dir, name)?.as_str()))
        });
        let (mut next, mut seen) = (found, 0);
        while let Some(file) = next.take() {
            seen += 1;
            let Some(text) = self.cx.text(file, "tsconfig.json").filter(|_| seen < 8) else {
                break;
            };
            let here = path::parent(self.cx.tree.path(file)).to_owned();
            let parsed = yaml::parse_json(text);
            let Some(root) = parsed.tree.root() else { break };
            let options = root.get("compilerOptions");
            let base = options.and_then(|o| o.get("baseUrl")?.text());
            let base = base.and_then(|base| path::join(&here, base));
            let aliases = options.and_then(|o| o.get("paths")).filter(|paths| paths.is_map());
            if let Some(aliases) = aliases.filter(|_| made.aliases.is_empty()) {
                let from = base.clone().unwrap_or_else(|| here.clone());
                for (key, targets) in aliases.entries() {
                    let targets = targets.items().filter_map(|t| path::join(&from, t.text()?));
                    made.aliases
                        .push((key.text().unwrap_or_default().to_owned(), targets.collect()));
                }
            }
            made.base = made.base.take().or(base);
            let extends = root.get("extends").and_then(Json::text).filter(|e| e.starts_with('.'));
            next = extends.and_then(|extends| {
                let at = path::join(&here, extends)?;
                self.cx.tree.find(&at).or_else(|| self.cx.tree.find(&format!("{at}.json")))
            });
        }
        made
    }
}

/// The texts in a target of `exports`, whatever the condition.
fn targets(value: Json<'_>, star: &str, depth: usize, found: &mut Vec<String>) {
    if depth > 8 || found.len() > 64 {
        return;
    }
    if value.is_map() {
        for (key, value) in value.entries() {
            if key.text() != Some("types") {
                targets(value, star, depth + 1, found);
            }
        }
    } else if value.is_seq() {
        value.items().for_each(|value| targets(value, star, depth + 1, found));
    } else if let Some(text) = value.text() {
        found.push(text.replacen('*', star, 1));
    }
}

/// `@scope/name/path` as the package and the path.
fn split(specifier: &str) -> (&str, &str) {
    let parts = if specifier.starts_with('@') { 2 } else { 1 };
    match specifier.match_indices('/').nth(parts - 1) {
        Some((at, _)) => (&specifier[..at], &specifier[at + 1..]),
        None => (specifier, ""),
    }
}

fn is_data(specifier: &str) -> bool {
    [
        ".json", ".css", ".scss", ".sass", ".less", ".svg", ".png", ".jpg", ".jpeg", ".gif",
        ".webp", ".avif", ".ico", ".woff", ".woff2", ".ttf", ".otf", ".mp3", ".mp4", ".webm",
        ".pdf", ".graphql", ".gql", ".txt", ".node", ".wasm", ".html",
    ]
    .iter()
    .any(|end| specifier.ends_with(end))
}

/// Directories of what is built, within others: by what the modules are.
const OUTPUT: [&str; 9] =
    ["dist", "lib", "esm", "cjs", "common", "commonjs", "es", "module", "node"];

/// Modules of Node itself that are imported without `node:`.
const PLATFORM: [&str; 41] = [
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "worker_threads",
    "zlib",
];
