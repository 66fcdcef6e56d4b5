//! What a script of a `package.json` runs: each command, who brings its binary, and whether the
//! files it names exist or are emitted by the build.
//!
//! Nothing is called missing without proof: a binary is not installable only where a lockfile that
//! lists binaries has none of that name, a file is missing only where nothing in the package could
//! make it. Programs that an image installs globally are not seen here.
//! Sources of the rules: npm's `run-script` documentation (`pre` and `post` scripts, `PATH`), the
//! TypeScript handbook (`rootDir`, `outDir`) and each tool's own command-line reference.

mod expand;
mod files;

use plimsoll_source::{FileId, Span, Tree};

use super::tools;
use super::{Dependency, LockKind, Lockfile, Package, PackageScript};
use crate::fact::Why;
use crate::path;

pub(crate) use expand::{Call, calls};

/// One command of a script, those of the scripts it runs included.
#[derive(Clone, Debug)]
pub struct ScriptCommand {
    /// Its words; `…` for one that is computed when it runs.
    pub words: Vec<String>,
    /// The program: `tsc`, `./setup.sh`.
    pub binary: String,
    /// Who brings the program.
    pub provided: Provided,
    /// Packages that its options load (`-r dotenv/config`), and who brings them.
    pub modules: Vec<(String, Provided)>,
    /// Files that it names, or needs without naming them.
    pub files: Vec<NamedFile>,
    /// The scripts run to get here (`npm run …`, `pre…`), from the one asked for.
    pub via: Vec<String>,
    /// The script in which it stands: key and value.
    pub span: Span,
}

/// Who brings a program or package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provided {
    /// Node, npm or any system.
    Builtin,
    /// A program of the machine (`docker`, `git`), which no package brings.
    System,
    /// The manifest declares the package.
    Declared {
        /// The package.
        package: String,
        /// The declaration.
        span: Span,
        /// It is declared by the workspace root, whose binaries its members see.
        hoisted: bool,
    },
    /// It is there only because another package needs it, or an outer directory declares it.
    Transitive {
        /// The package.
        package: String,
        /// Its entry in the lockfile, or the outer declaration.
        span: Span,
    },
    /// `npx` and the like fetch it, unpinned, when it runs.
    Downloaded(String),
    /// No package that the lockfile installs brings it; the lockfile, or the manifest without any
    /// dependency.
    NotInstallable(Span),
    /// It is a file: see the first of the command's files.
    File,
    /// `npm run` of a script that the manifest does not have: its name, and where one would stand.
    NoScript(String, Span),
    /// It cannot be told.
    Unknown(Why),
}

/// What a file is to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRole {
    /// It is run.
    Program,
    /// It configures the tool.
    Config,
    /// It is read.
    Input,
}

/// A file that a command names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// As the script writes it; for a default, the name looked for.
    pub written: String,
    /// What it is to the command.
    pub role: FileRole,
    /// Whether it is there.
    pub state: FileState,
}

/// Whether a file is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// It is in the tree (and git does not ignore it).
    Exists(FileId),
    /// It is a directory of the tree.
    Directory,
    /// The build emits it from this source (its configuration, where the whole output directory is
    /// named).
    Emitted(FileId),
    /// It is neither in the tree nor emitted: the paths looked for, relative to the root.
    Missing(Vec<String>),
    /// It cannot be told.
    Unknown(Why),
}

/// What a script runs, in order; a script that runs others includes what they run, each once.
#[must_use]
pub fn commands(
    tree: &Tree,
    packages: &[Package],
    package: &Package,
    script: &PackageScript,
) -> Vec<ScriptCommand> {
    let mut files = files::Files::new(tree, packages);
    calls(packages, package, script).iter().map(|call| resolve(&mut files, call)).collect()
}

/// Whether what is called `written` in a directory is there, as Node would find it.
#[must_use]
pub fn state_of(tree: &Tree, packages: &[Package], dir: &str, written: &str) -> FileState {
    files::Files::new(tree, packages).state(Some(dir), written, files::Resolve::Node)
}

fn resolve(files: &mut files::Files<'_>, call: &Call<'_>) -> ScriptCommand {
    let words: Vec<String> =
        call.words.iter().map(|word| word.clone().unwrap_or_else(|| "…".to_owned())).collect();
    let binary = words.first().cloned().unwrap_or_default();
    let mut command = ScriptCommand {
        words,
        binary,
        provided: Provided::Unknown(Why::Dynamic),
        modules: Vec::new(),
        files: Vec::new(),
        via: call.via.clone(),
        span: call.script.span,
    };
    if let Some(why) = call.unknown {
        command.provided = Provided::Unknown(why);
        return command;
    }
    if let Some(name) = &call.no_script {
        let place = call.package.scripts_span.unwrap_or(call.package.place);
        command.provided = Provided::NoScript(name.clone(), place);
        return command;
    }
    let Some(Some(first)) = call.words.first() else { return command };
    let name = match first.rsplit_once("node_modules/.bin/") {
        Some((_, name)) => name,
        None if first.contains('/') => {
            let state = files.state(call.cwd.as_deref(), first, files::Resolve::Plain);
            command.files.push(NamedFile {
                written: first.clone(),
                role: FileRole::Program,
                state,
            });
            command.provided = Provided::File;
            return command;
        }
        None => first,
    };
    command.provided = match (&call.from, call.download) {
        (Some(from), _) => match declared(files, call.package, from) {
            Some(declared) => declared,
            None => Provided::Downloaded(from.clone()),
        },
        (None, false) => provide(files, call.package, name),
        (None, true) => match name.get(1..).and_then(|rest| rest.split_once('@')) {
            Some(_) => Provided::Downloaded(name.to_owned()),
            None => match provide(files, call.package, name) {
                found @ (Provided::Builtin
                | Provided::Declared { .. }
                | Provided::Transitive { .. }) => found,
                _ => Provided::Downloaded(name.to_owned()),
            },
        },
    };
    files::named(files, call, name, &mut command);
    command
}

/// The directories of the packages in which a command line builds or compiles something, when it is
/// given in a package's directory: those of the scripts that it comes to.
#[must_use]
pub fn builds_in<'p>(packages: &'p [Package], package: &Package, words: &[String]) -> Vec<&'p str> {
    let Some(here) = packages.iter().find(|p| p.manifest == package.manifest) else {
        return Vec::new();
    };
    // Words that a shell would take apart name no script.
    if words.iter().any(|word| word.contains([' ', '\'', '"', '$', '`', ';', '&', '|', '\\'])) {
        return Vec::new();
    }
    let line = PackageScript { name: String::new(), command: words.join(" "), span: package.place };
    let mut found: Vec<&str> = Vec::new();
    for call in expand::calls_of_line(packages, here, &line) {
        let words: Vec<String> = call.words.iter().flatten().cloned().collect();
        let named = call.via.last().is_some_and(|name| crate::lower::is_build_script(name));
        let builds = named || crate::lower::is_build(&words);
        if call.no_script.is_some() || call.unknown.is_some() || !builds {
            continue;
        }
        let dir = packages.iter().find(|p| p.manifest == call.package.manifest).map(|p| &*p.dir);
        found.extend(dir.filter(|dir| !found.contains(dir)));
    }
    found
}

/// Whether a package of this name brings the binary, as far as names tell.
#[must_use]
pub fn brings(package: &str, binary: &str) -> bool {
    tools::brings(package, binary)
}

/// Who brings a binary to the scripts of a package.
fn provide(files: &files::Files<'_>, package: &Package, binary: &str) -> Provided {
    if tools::is_builtin(binary) {
        return Provided::Builtin;
    }
    let manager = package.manager.as_deref().unwrap_or_default();
    let kind = package.lockfile.as_ref().map(|lock| lock.kind);
    let managed = match binary {
        // Node's own images bring yarn.
        "yarn" => true,
        "pnpm" => kind == Some(LockKind::Pnpm) || manager.starts_with("pnpm@"),
        "bun" => kind == Some(LockKind::Bun) || manager.starts_with("bun@"),
        _ => false,
    };
    if managed {
        return Provided::Builtin;
    }
    if let Some(dependency) = declares(package, binary) {
        return declaration(dependency, false);
    }
    let mut outer = None;
    for dir in path::ancestors(&package.dir).skip(1) {
        let above = files.package_at(dir).filter(|above| !above.dir.eq(&package.dir));
        let Some((above, dependency)) = above.and_then(|a| Some((a, declares(a, binary)?))) else {
            continue;
        };
        if package.workspace.as_deref() == Some(&*above.dir) {
            return declaration(dependency, true);
        }
        outer = outer.or(Some(dependency));
    }
    let lock = package.lockfile.as_ref().filter(|lock| lock.trouble.is_none());
    if let Some(lock) = lock {
        let by_bin = lock.bins.get(binary).and_then(|packages| packages.first()).cloned();
        let found = by_bin.or_else(|| {
            if lock.tells_bins && !tools::is_known(binary) {
                return None;
            }
            let by_name = tools::bring(binary).filter(|name| lock.installed(name).is_some());
            by_name.min().map(str::to_owned)
        });
        if let Some(name) = found {
            let span = lock.installed(&name).map_or(lock.place, |at| at.span);
            return Provided::Transitive { package: name, span };
        }
    }
    if let Some(dependency) = outer {
        return Provided::Transitive { package: dependency.name.clone(), span: dependency.span };
    }
    if tools::is_system(binary) {
        return Provided::System;
    }
    if package.broken {
        return Provided::Unknown(Why::Unparsed);
    }
    if package.workspace.is_none() && files.tree.outside().is_some() {
        return Provided::Unknown(Why::OutOfTree);
    }
    match lock {
        None if package.lockfile.is_none()
            && package.dependencies.is_empty()
            && package.workspace.is_none() =>
        {
            Provided::NotInstallable(package.place)
        }
        Some(lock)
            if lock.tells_bins || (lock.kind == LockKind::Npm && tools::is_known(binary)) =>
        {
            // What the manifest asks for and the lockfile does not have could bring anything.
            let all = package.dependencies.iter().all(|dependency| {
                dependency.kind == super::DependencyKind::Peer
                    || lock.installed.contains(&dependency.name)
            });
            if all {
                Provided::NotInstallable(lock.place)
            } else {
                Provided::Unknown(Why::Conflicting)
            }
        }
        _ => Provided::Unknown(Why::NeedsBuild),
    }
}

/// The dependency of a package that brings a binary: as its lockfile says, else by name.
fn declares<'p>(package: &'p Package, binary: &str) -> Option<&'p Dependency> {
    let lock = package.lockfile.as_ref().filter(|lock| lock.trouble.is_none() && lock.tells_bins);
    let brings = |dependency: &&Dependency| {
        let by_name = tools::brings(&dependency.name, binary);
        match lock {
            Some(lock) => match lock.bins.get(binary) {
                Some(owners) => owners.contains(&dependency.name),
                // Where it is known who brings a binary, the name is enough.
                None => {
                    by_name
                        && (tools::is_known(binary) || !lock.installed.contains(&dependency.name))
                }
            },
            None => by_name,
        }
    };
    package.dependencies.iter().filter(brings).min_by_key(|dependency| dependency.kind)
}

fn declaration(dependency: &Dependency, hoisted: bool) -> Provided {
    Provided::Declared { package: dependency.name.clone(), span: dependency.span, hoisted }
}

/// The declaration of a package, in its manifest or that of its workspace root.
fn declared(files: &files::Files<'_>, package: &Package, name: &str) -> Option<Provided> {
    if let Some(dependency) = package.dependency(name) {
        return Some(declaration(dependency, false));
    }
    let root = files.package_at(package.workspace.as_deref()?)?;
    root.dependency(name).map(|dependency| declaration(dependency, true))
}

/// Whether a lockfile of a workspace that does not have a package proves that nothing installs it:
/// it has all else that the manifest asks for, and no package of the tree has that name.
fn tells_all(files: &files::Files<'_>, package: &Package, lock: &Lockfile, name: &str) -> bool {
    lock.kind != LockKind::Other
        && files.packages.iter().all(|other| other.name.as_deref() != Some(name))
        && package.dependencies.iter().all(|dependency| {
            dependency.kind == super::DependencyKind::Peer
                || dependency.local.is_some()
                || lock.installed.contains(&dependency.name)
        })
}

/// Who brings a package that a command loads by name.
fn provide_module(files: &files::Files<'_>, package: &Package, module: &str) -> Provided {
    let parts = if module.starts_with('@') { 2 } else { 1 };
    let name: Vec<&str> = module.splitn(3, '/').take(parts).collect();
    let name = name.join("/");
    if module.starts_with("node:") {
        return Provided::Builtin;
    }
    if let Some(found) = declared(files, package, &name) {
        return found;
    }
    match &package.lockfile {
        Some(lock) if lock.trouble.is_none() => match lock.installed(&name) {
            Some(at) => Provided::Transitive { package: name, span: at.span },
            None if files.tree.outside().is_some() => Provided::Unknown(Why::NeedsBuild),
            // The lockfile of a workspace has all that is installed for any of its packages.
            None if package.workspace.is_some() && !tells_all(files, package, lock, &name) => {
                Provided::Unknown(Why::NeedsBuild)
            }
            None => Provided::NotInstallable(lock.place),
        },
        _ => Provided::Unknown(Why::NeedsBuild),
    }
}

#[cfg(test)]
mod tests;
