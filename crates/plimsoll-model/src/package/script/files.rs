//! Whether a file that a command names is in the tree, or emitted by the build.

use std::collections::BTreeMap;

use plimsoll_source::{FileId, Tracking, Tree};

use super::expand::{Call, calls_of_all, operands, option};
use super::{FileRole, FileState, NamedFile, ScriptCommand, provide_module};
use crate::fact::{Fact, Why};
use crate::package::tools::{self, Operands, Takes};
use crate::package::{Package, TypeScript};
use crate::{path, version};

/// Directories that hold what a build makes, by convention.
const OUTPUTS: &[&str] = &[
    ".next",
    ".nuxt",
    ".output",
    ".svelte-kit",
    "_build",
    "artifacts",
    "bin",
    "build",
    "bundle",
    "cjs",
    "compiled",
    "coverage",
    "dist",
    "es",
    "esm",
    "generated",
    "lib",
    "out",
    "output",
    "public",
    "release",
    "target",
    "temp",
    "tmp",
];

/// How a name becomes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolve {
    /// As it stands.
    Plain,
    /// As Node resolves a module: with an extension, or an index below it.
    Node,
    /// The same, TypeScript included.
    Source,
}

impl Resolve {
    fn candidates(self, path: &str) -> Vec<String> {
        const JS: [&str; 4] = [".js", ".mjs", ".cjs", ".json"];
        const TS: [&str; 4] = [".ts", ".tsx", ".mts", ".cts"];
        let endings: &[&[&str]] = match self {
            Self::Plain => &[],
            Self::Node => &[&JS],
            Self::Source => &[&TS, &JS],
        };
        let mut found = Vec::new();
        if JS.iter().chain(&TS).any(|end| path.ends_with(end)) {
            return vec![path.to_owned()];
        }
        if !path.is_empty() {
            found.push(path.to_owned());
            found.extend(endings.iter().copied().flatten().map(|end| format!("{path}{end}")));
        }
        let slash = if path.is_empty() { "" } else { "/" };
        found.extend(
            endings.iter().copied().flatten().map(|end| format!("{path}{slash}index{end}")),
        );
        found
    }
}

/// The tree and its packages, and what their scripts make.
pub(super) struct Files<'a> {
    pub(super) tree: &'a Tree,
    pub(super) packages: &'a [Package],
    made: BTreeMap<FileId, Made>,
}

/// What the scripts of a package make.
#[derive(Clone, Debug, Default)]
struct Made {
    /// Paths relative to the root that some command writes: files, or directories with their files.
    paths: Vec<String>,
    /// Its build runs something that may write anything.
    anything: bool,
}

impl<'a> Files<'a> {
    pub(super) fn new(tree: &'a Tree, packages: &'a [Package]) -> Self {
        Self { tree, packages, made: BTreeMap::new() }
    }

    /// The Node package in this directory.
    pub(super) fn package_at(&self, dir: &str) -> Option<&'a Package> {
        let path = path::join(dir, "package.json")?;
        let file = self.tree.find(&path)?;
        let at = self.packages.binary_search_by_key(&file, |p| p.manifest).ok()?;
        self.packages.get(at).filter(|p| p.is_node())
    }

    /// The Node package to which a path belongs.
    fn owner(&self, path: &str) -> Option<&'a Package> {
        path::ancestors(path::parent(path)).find_map(|dir| self.package_at(dir))
    }

    /// A file that git does not ignore.
    fn file(&self, path: &str) -> Option<FileId> {
        let file = self.tree.find(path)?;
        (self.tree.entry(file).tracking != Tracking::Ignored).then_some(file)
    }

    fn is_dir(&self, path: &str) -> bool {
        path.is_empty()
            || self
                .tree
                .under(path)
                .take(10_000)
                .any(|file| self.tree.entry(file).tracking != Tracking::Ignored)
    }

    /// Whether what a command calls `written` is there.
    pub(super) fn state(
        &mut self,
        cwd: Option<&str>,
        written: &str,
        resolve: Resolve,
    ) -> FileState {
        let Some(cwd) = cwd else { return FileState::Unknown(Why::Dynamic) };
        if written.starts_with(['/', '~']) {
            return FileState::Unknown(Why::NeedsRun);
        }
        let Some(path) = path::join(cwd, written) else {
            return FileState::Unknown(Why::OutOfTree);
        };
        // `node .` starts what the manifest there calls its main module.
        let main = match resolve {
            Resolve::Node if self.file(&path).is_none() => {
                let main = self.package_at(&path).and_then(|at| at.main.as_ref());
                main.and_then(|(main, _)| path::join(&path, main))
            }
            _ => None,
        };
        let path = main.unwrap_or(path);
        let candidates = resolve.candidates(&path);
        if let Some(file) = candidates.iter().find_map(|path| self.file(path)) {
            return FileState::Exists(file);
        }
        if resolve == Resolve::Plain && self.is_dir(&path) {
            return FileState::Directory;
        }
        if let Some((_, name)) = path.rsplit_once("node_modules/.bin/") {
            return self.binary(&path, name);
        }
        if path.split('/').any(|part| part == "node_modules") {
            return FileState::Unknown(Why::NeedsBuild);
        }
        let owner = self.owner(&path);
        let made = owner.map(|owner| self.made(owner)).unwrap_or_default();
        let elsewhere = made.anything
            || made.paths.iter().any(|made| {
                path::below(made, &path).is_some() || path::below(&path, made).is_some()
            });
        if let Some((owner, typescript)) = owner.and_then(|o| Some((o, o.typescript.as_ref()?)))
            && !typescript.no_emit
            && let Some(state) = self.emitted(owner, typescript, &path, resolve)
        {
            return match state {
                FileState::Missing(_) if elsewhere => FileState::Unknown(Why::NeedsBuild),
                state => state,
            };
        }
        let ignored = candidates.iter().any(|path| self.tree.find(path).is_some());
        if elsewhere || ignored {
            return FileState::Unknown(Why::NeedsBuild);
        }
        if path::name(&path).starts_with(".env") {
            return FileState::Unknown(Why::NeedsRun);
        }
        let top = owner.and_then(|owner| path::below(&owner.dir, &path)).unwrap_or(&path);
        let output = top.split('/').next().is_some_and(|part| OUTPUTS.contains(&part));
        let built = owner.is_some_and(|o| o.typescript.as_ref().is_some_and(|t| !t.no_emit));
        if output && !built {
            return FileState::Unknown(Why::NeedsBuild);
        }
        FileState::Missing(candidates)
    }

    /// Whether an installation puts a program into `node_modules/.bin`: as the lockfile says.
    fn binary(&self, path: &str, name: &str) -> FileState {
        let owner = path.split("node_modules/").next().map(|dir| dir.trim_end_matches('/'));
        let owner = owner.and_then(|dir| self.package_at(dir));
        let lock = owner.and_then(|owner| owner.lockfile.as_ref());
        match lock.filter(|lock| lock.tells_bins && lock.trouble.is_none()) {
            Some(lock) if lock.bins.contains_key(name) => FileState::Emitted(lock.file),
            Some(_) if owner.is_some_and(|owner| owner.workspace.is_none()) => {
                FileState::Missing(vec![path.to_owned()])
            }
            _ => FileState::Unknown(Why::NeedsBuild),
        }
    }

    /// What `tsc` makes of its sources; `None` where the path is none of its outputs.
    fn emitted(
        &self,
        owner: &Package,
        typescript: &TypeScript,
        path: &str,
        resolve: Resolve,
    ) -> Option<FileState> {
        let out = match &typescript.out_dir {
            Fact::Known { value, .. } => path::join(&owner.dir, value)?,
            Fact::Absent => return self.beside(typescript, path, resolve),
            Fact::Unknown(why, _) => return Some(FileState::Unknown(*why)),
        };
        let rest = path::below(&out, path)?;
        if rest.is_empty() && resolve == Resolve::Plain {
            return Some(FileState::Emitted(typescript.config));
        }
        let sources: Vec<String> = resolve
            .candidates(rest)
            .iter()
            .flat_map(|emitted| sources_of(emitted, typescript.allow_js))
            .collect();
        if sources.is_empty() {
            // Assets are copied by something else, JSON is emitted when it is imported.
            return rest.ends_with(".json").then_some(FileState::Unknown(Why::Unsupported));
        }
        let root = match &typescript.root_dir {
            Fact::Known { value, .. } => path::join(&owner.dir, value)?,
            Fact::Unknown(why, _) => return Some(FileState::Unknown(*why)),
            Fact::Absent => return Some(self.rootless(owner, sources)),
        };
        let sources: Vec<String> =
            sources.iter().filter_map(|source| path::join(&root, source)).collect();
        Some(match sources.iter().find_map(|source| Some((source, self.file(source)?))) {
            Some((source, file)) if includes(typescript, source) => FileState::Emitted(file),
            // It is compiled only if a file that is compiled imports it.
            Some(_) => FileState::Unknown(Why::Unsupported),
            None => FileState::Missing(sources),
        })
    }

    /// Without `rootDir` it is the directory that all compiled files share, imported ones included:
    /// where some directory could be it and yield the path, only the imports decide.
    fn rootless(&self, owner: &Package, sources: Vec<String>) -> FileState {
        let above = path::ancestors(&owner.dir).skip(1).any(|dir| {
            sources.iter().any(|source| {
                path::join(dir, source).is_some_and(|source| self.file(&source).is_some())
            })
        });
        let below = |file: FileId| {
            let path = self.tree.path(file);
            sources.iter().any(|source| {
                path.strip_suffix(&**source).is_some_and(|dir| dir.is_empty() || dir.ends_with('/'))
            })
        };
        if above || self.tree.under(&owner.dir).any(below) {
            FileState::Unknown(Why::Unsupported)
        } else {
            FileState::Missing(sources)
        }
    }

    /// Without `outDir`, JavaScript is emitted beside its source.
    fn beside(&self, typescript: &TypeScript, path: &str, resolve: Resolve) -> Option<FileState> {
        let sources = resolve.candidates(path);
        let (source, file) = sources
            .iter()
            .flat_map(|emitted| sources_of(emitted, false))
            .find_map(|source| Some((source.clone(), self.file(&source)?)))?;
        Some(if includes(typescript, &source) {
            FileState::Emitted(file)
        } else {
            FileState::Unknown(Why::Unsupported)
        })
    }

    /// What the scripts of a package make, by their options, redirections and operands.
    fn made(&mut self, package: &'a Package) -> Made {
        if let Some(made) = self.made.get(&package.manifest) {
            return made.clone();
        }
        const BUILDERS: [&str; 10] = [
            "build",
            "bundle",
            "codegen",
            "compile",
            "dist",
            "gen",
            "postinstall",
            "prebuild",
            "prepare",
            "transpile",
        ];
        let mut made = Made::default();
        // More scripts than this are no package's. What builds comes first, and keeps what it runs.
        let mut scripts: Vec<_> = package.scripts.iter().take(1_000).collect();
        let builds = |name: &str| BUILDERS.iter().any(|start| name.starts_with(start));
        scripts.sort_by_key(|script| !builds(&script.name));
        for (index, call) in calls_of_all(self.packages, package, &scripts) {
            let builds = scripts.get(index).is_some_and(|script| builds(&script.name));
            let binary = call.words.first().and_then(Option::as_deref).unwrap_or_default();
            made.anything |= builds && (call.unknown.is_some() || tools::is_bundler(binary));
            let Some(cwd) = &call.cwd else { continue };
            let outputs = call.writes.iter().cloned().chain(outputs(&call, binary));
            made.paths.extend(outputs.filter_map(|output| path::join(cwd, &output)));
        }
        // `cp a .` may make anything, but says nothing of what is looked for.
        made.paths.retain(|path| !path.is_empty() && *path != package.dir);
        self.made.insert(package.manifest, made.clone());
        made
    }
}

/// What a command makes, as far as its words say.
fn outputs(call: &Call<'_>, binary: &str) -> Vec<String> {
    let Some(tool) = tools::tool(binary) else { return Vec::new() };
    // `tsc` emits what its configuration says.
    if binary == "tsc" {
        return Vec::new();
    }
    let words = call.words.get(1..).unwrap_or_default();
    let mut found: Vec<String> = tool
        .options
        .iter()
        .filter(|(_, takes)| *takes == Takes::Output)
        .filter_map(|(name, _)| option(words, &[*name]))
        .collect();
    let given = operands_of(tool, words);
    match tool.operands {
        Operands::Outputs => found.extend(given),
        Operands::InputsThenOutput => found.extend(given.last().cloned()),
        _ => {}
    }
    found
}

fn operands_of(tool: &tools::Tool, words: &[Option<String>]) -> Vec<String> {
    let values: Vec<&str> = tool.options.iter().map(|(name, _)| *name).collect();
    let given = operands(words, &values);
    let verb = given.first().is_some_and(|first| tool.verbs.contains(&&**first));
    given.into_iter().skip(usize::from(verb)).collect()
}

/// The sources of an emitted file, best first.
fn sources_of(emitted: &str, allow_js: bool) -> Vec<String> {
    let emitted = emitted.strip_suffix(".map").unwrap_or(emitted);
    let pairs: [(&str, &[&str]); 6] = [
        (".d.ts", &[".ts", ".tsx"]),
        (".js", &[".ts", ".tsx"]),
        (".mjs", &[".mts"]),
        (".cjs", &[".cts"]),
        (".jsx", &[".tsx"]),
        (".ts", &[]),
    ];
    for (end, sources) in pairs {
        if let Some(stem) = emitted.strip_suffix(end) {
            let mut found: Vec<String> =
                sources.iter().map(|source| format!("{stem}{source}")).collect();
            if allow_js && end != ".d.ts" && end != ".ts" {
                found.push(emitted.to_owned());
            }
            return found;
        }
    }
    Vec::new()
}

/// Whether a source is among what is compiled for sure.
fn includes(typescript: &TypeScript, source: &str) -> bool {
    let matches = |globs: &[String]| {
        globs.iter().any(|glob| path::glob(glob, source) || path::below(glob, source).is_some())
    };
    matches(&typescript.include) && !matches(&typescript.exclude)
}

/// Whether a word is a pattern rather than a path.
fn is_pattern(word: &str) -> bool {
    word.contains(['*', '?', '{', '[', '!'])
}

/// Adds the files and modules that a command names or needs.
pub(super) fn named(
    files: &mut Files<'_>,
    call: &Call<'_>,
    binary: &str,
    command: &mut ScriptCommand,
) {
    let words = call.words.get(1..).unwrap_or_default();
    let cwd = call.cwd.as_deref();
    if binary == "docker" {
        return docker(files, cwd, words, command);
    }
    let Some(tool) = tools::tool(binary) else { return };
    let resolve = match tool.operands {
        Operands::Program => Resolve::Node,
        Operands::Source => Resolve::Source,
        _ => Resolve::Plain,
    };
    for (name, takes) in tool.options {
        let Some(value) = option(words, &[*name]).filter(|v| !is_pattern(v) && !v.is_empty())
        else {
            continue;
        };
        let role = match takes {
            Takes::Config => FileRole::Config,
            Takes::Input => FileRole::Input,
            Takes::Module if value.starts_with('.') || value.starts_with('/') => FileRole::Input,
            Takes::Module => {
                let provided = provide_module(files, call.package, &value);
                command.modules.push((value, provided));
                continue;
            }
            Takes::Output | Takes::Text => continue,
        };
        let how = if *takes == Takes::Module { resolve } else { Resolve::Plain };
        let mut state = files.state(cwd, &value, how);
        if role == FileRole::Config && state == FileState::Directory {
            let inside = format!("{}/tsconfig.json", value.trim_end_matches('/'));
            state = files.state(cwd, &inside, Resolve::Plain);
        }
        command.files.push(NamedFile { written: value, role, state });
    }
    let given = operands_of(tool, words);
    let system = matches!(binary, "python" | "python3" | "sh" | "bash" | "zsh" | "source" | ".");
    let inline = option(words, &["-e", "--eval", "-p", "--print", "-c", "-m"]).is_some();
    // Node's runner of tests takes files and directories.
    let operands = match tool.operands {
        Operands::Program if words.iter().flatten().any(|word| word == "--test") => {
            Operands::Inputs
        }
        operands => operands,
    };
    match operands {
        Operands::Program | Operands::Source => {
            // With options before it that are not known, the first operand may be a value.
            if let Some(program) = given
                .first()
                .filter(|p| !is_pattern(p))
                .filter(|_| binary == "nodemon" || binary.starts_with("ts") || !inline)
            {
                let resolve = if system { Resolve::Plain } else { resolve };
                let state = files.state(cwd, program, resolve);
                let written = program.clone();
                command.files.push(NamedFile { written, role: FileRole::Program, state });
            }
        }
        Operands::Inputs | Operands::InputsThenOutput => {
            let count = given.len()
                - usize::from(operands == Operands::InputsThenOutput && !given.is_empty());
            for input in given.iter().take(count).filter(|input| !is_pattern(input)) {
                let state = files.state(cwd, input, Resolve::Plain);
                let written = input.clone();
                command.files.push(NamedFile { written, role: FileRole::Input, state });
            }
        }
        Operands::Outputs | Operands::Text => {}
    }
    if let Some(needed) = needed(files, call, binary, &given) {
        command.files.push(needed);
    }
}

/// `docker compose -f file`, `docker build -f file`.
fn docker(
    files: &mut Files<'_>,
    cwd: Option<&str>,
    words: &[Option<String>],
    command: &mut ScriptCommand,
) {
    let reads = words.iter().flatten().any(|w| matches!(&**w, "compose" | "build"));
    if let Some(value) = option(words, &["-f", "--file"]).filter(|_| reads) {
        let state = files.state(cwd, &value, Resolve::Plain);
        command.files.push(NamedFile { written: value, role: FileRole::Input, state });
    }
}

/// A configuration that a tool looks for by itself and cannot do without.
fn needed(
    files: &mut Files<'_>,
    call: &Call<'_>,
    binary: &str,
    given: &[String],
) -> Option<NamedFile> {
    let words = call.words.get(1..).unwrap_or_default();
    let has = |names: &[&str]| {
        words.iter().flatten().any(|word| names.contains(&word.split('=').next().unwrap_or(word)))
    };
    if has(&["--help", "-h", "--version", "-v", "--init", "init"]) {
        return None;
    }
    let config = |written: &str, state| {
        Some(NamedFile { written: written.to_owned(), role: FileRole::Config, state })
    };
    let cwd = call.cwd.as_deref();
    match binary {
        "tsc" if given.is_empty() && !has(&["-p", "--project", "-b", "--build"]) => {
            let state = upwards(files, cwd, &["tsconfig.json"]);
            match extends(files, &state) {
                Some(missing) => Some(missing),
                None => config("tsconfig.json", state),
            }
        }
        "tsc" => {
            let named = option(words, &["-p", "--project"])?;
            extends(files, &files_state(files, cwd, &named))
        }
        "knex" if !has(&["--knexfile", "--client", "--connection", "--cwd"]) => {
            const NAMES: [&str; 5] =
                ["knexfile.js", "knexfile.ts", "knexfile.cjs", "knexfile.mjs", "knexfile.mts"];
            config("knexfile", upwards(files, cwd, &NAMES))
        }
        "drizzle-kit" if !has(&["--config", "--dialect", "--schema"]) => {
            const NAMES: [&str; 4] = [
                "drizzle.config.ts",
                "drizzle.config.js",
                "drizzle.config.mjs",
                "drizzle.config.json",
            ];
            config("drizzle.config", here(files, cwd, &NAMES))
        }
        "prisma"
            if !has(&["--schema", "--config"])
                && !call.package.configures.iter().any(|key| key == "prisma") =>
        {
            const NAMES: [&str; 7] = [
                "prisma/schema.prisma",
                "schema.prisma",
                "prisma.config.ts",
                "prisma.config.js",
                "prisma.config.mjs",
                ".config/prisma.ts",
                "prisma/schema",
            ];
            config("schema.prisma", here(files, cwd, &NAMES))
        }
        "rollup" if has(&["-c", "--config"]) && given.is_empty() => {
            const NAMES: [&str; 4] =
                ["rollup.config.js", "rollup.config.mjs", "rollup.config.cjs", "rollup.config.ts"];
            config("rollup.config", here(files, cwd, &NAMES))
        }
        "eslint" if !has(&["-c", "--config", "--no-config-lookup", "--no-eslintrc"]) => {
            let (written, state) = eslint(files, call.package, cwd);
            config(written, state)
        }
        _ => None,
    }
}

fn files_state(files: &Files<'_>, cwd: Option<&str>, named: &str) -> FileState {
    let path = cwd.and_then(|cwd| path::join(cwd, named)).unwrap_or_default();
    let inside = format!("{path}/tsconfig.json");
    match files.file(&path).or_else(|| files.file(&inside)) {
        Some(file) => FileState::Exists(file),
        None => FileState::Unknown(Why::NeedsBuild),
    }
}

/// A `tsconfig.json` that extends what does not exist stops the compiler.
fn extends(files: &Files<'_>, state: &FileState) -> Option<NamedFile> {
    let FileState::Exists(config) = state else { return None };
    let owner = files.owner(files.tree.path(*config))?;
    let typescript = owner.typescript.as_ref().filter(|ts| ts.config == *config)?;
    let (name, _) = typescript.extends_missing.clone()?;
    let state = FileState::Missing(vec![name.clone()]);
    Some(NamedFile { written: name, role: FileRole::Config, state })
}

/// The first of some names in the working directory.
fn here(files: &Files<'_>, cwd: Option<&str>, names: &[&str]) -> FileState {
    let Some(cwd) = cwd else { return FileState::Unknown(Why::Dynamic) };
    let paths: Vec<String> = names.iter().filter_map(|name| path::join(cwd, name)).collect();
    if let Some(file) = paths.iter().find_map(|path| files.file(path)) {
        return FileState::Exists(file);
    }
    match paths.iter().any(|path| files.is_dir(path)) {
        true => FileState::Directory,
        false => FileState::Missing(paths),
    }
}

/// The first of some names in the working directory or above it.
fn upwards(files: &Files<'_>, cwd: Option<&str>, names: &[&str]) -> FileState {
    let Some(cwd) = cwd else { return FileState::Unknown(Why::Dynamic) };
    let mut looked = Vec::new();
    for dir in path::ancestors(cwd) {
        for name in names {
            let Some(path) = path::join(dir, name) else { continue };
            if let Some(file) = files.file(&path) {
                return FileState::Exists(file);
            }
            looked.push(path);
        }
    }
    if files.tree.outside().is_some() {
        return FileState::Unknown(Why::OutOfTree);
    }
    FileState::Missing(looked)
}

/// ESLint's configuration: a flat one since version 9, `.eslintrc*` before; in the working
/// directory, above it, or nearer to the files that are linted.
fn eslint(files: &Files<'_>, package: &Package, cwd: Option<&str>) -> (&'static str, FileState) {
    const FLAT: [&str; 6] = [
        "eslint.config.js",
        "eslint.config.mjs",
        "eslint.config.cjs",
        "eslint.config.ts",
        "eslint.config.mts",
        "eslint.config.cts",
    ];
    const RC: [&str; 6] = [
        ".eslintrc.js",
        ".eslintrc.cjs",
        ".eslintrc.yaml",
        ".eslintrc.yml",
        ".eslintrc.json",
        ".eslintrc",
    ];
    let locked = package.lockfile.as_ref().and_then(|lock| lock.installed("eslint"));
    let major = locked.and_then(|at| version::major(&at.version)).or_else(|| {
        package.dependency("eslint").and_then(|asked| version::major(&asked.requirement))
    });
    let look = |names: &[&str]| {
        let found = upwards(files, cwd, names);
        let inner = || {
            files.tree.under(cwd?).take(50_000).find(|&file| {
                let path = files.tree.path(file);
                names.contains(&path::name(path))
                    && files.tree.entry(file).tracking != Tracking::Ignored
                    && !path.contains("node_modules/")
            })
        };
        match (&found, inner()) {
            (FileState::Exists(_), _) | (_, None) => found,
            (_, Some(file)) => FileState::Exists(file),
        }
    };
    let in_manifest = || {
        let mut dirs = path::ancestors(cwd?).filter_map(|dir| files.package_at(dir));
        dirs.find(|p| p.configures.iter().any(|key| key == "eslintConfig")).map(|p| p.manifest)
    };
    let rc = || match look(&RC) {
        found @ FileState::Exists(_) => found,
        other => in_manifest().map_or(other, FileState::Exists),
    };
    match major {
        Some(9..) => ("eslint.config.js", look(&FLAT)),
        Some(_) => match (rc(), look(&FLAT)) {
            (found @ FileState::Exists(_), _) => (".eslintrc", found),
            // Version 8 reads a flat one, too: by itself since 8.57, on request before.
            (_, found @ FileState::Exists(_)) => ("eslint.config.js", found),
            (missing, _) => (".eslintrc", missing),
        },
        None => match (look(&FLAT), rc()) {
            (found @ FileState::Exists(_), _) => ("eslint.config.js", found),
            (_, FileState::Exists(_)) => {
                ("eslint.config.js", FileState::Unknown(Why::NeedsNetwork))
            }
            (missing, _) => ("eslint.config.js", missing),
        },
    }
}
