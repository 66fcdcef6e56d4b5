//! Packages: a manifest, its scripts and dependencies, and the lockfile beside it.

mod pinned;
pub mod script;
mod tools;

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_source::{FileId, Span};

use crate::fact::{Fact, Why};
use crate::version::Interval;

pub use pinned::Pinned;

/// A package: a directory with a manifest.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its directory, relative to the root.
    pub dir: String,
    /// Its manifest.
    pub manifest: FileId,
    /// What kind of package it is.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: Option<String>,
    /// Its scripts, in order.
    pub scripts: Vec<PackageScript>,
    /// Its declared dependencies, in order.
    pub dependencies: Vec<Dependency>,
    /// `engines.node`; its place is from the key `engines` on.
    pub engine: Option<(String, Span)>,
    /// `main`.
    pub main: Option<(String, Span)>,
    /// The `dependencies` key or, for want of one, the manifest's start: where an absence is shown.
    pub place: Span,
    /// The `scripts` key, where there is one.
    pub scripts_span: Option<Span>,
    /// The lockfile that an install in this directory reads (its own, or the workspace root's).
    pub lockfile: Option<Lockfile>,
    /// What the TypeScript build emits, where `tsc` builds it.
    pub typescript: Option<TypeScript>,
    /// The directory of the workspace root that lists this package.
    pub workspace: Option<String>,
    /// Keys of the manifest that configure tools: `eslintConfig`, `jest`.
    pub configures: Vec<String>,
    /// The thresholds of test coverage that its configuration of Jest sets, or means to.
    pub thresholds: Vec<Threshold>,
    /// `collectCoverage: true` in that configuration.
    pub collects_coverage: Option<Span>,
    /// `packageManager`: `pnpm@9.1.0`.
    pub manager: Option<String>,
    /// What it says of its language's version, Node's apart, which `engine` holds.
    pub runtimes: Vec<Runtime>,
    /// Tools that its files configure, load or run: `ruff`, `jacoco-maven-plugin`.
    pub tools: Vec<Tool>,
    /// What may declare more than was read: `setup.py`, a parent that is not in the tree.
    pub open: Option<(Why, Span)>,
    /// The manifest does not parse.
    pub broken: bool,
}

/// A key of a configuration of Jest that sets thresholds of coverage, or is meant to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// The key, or the measure below it, as written.
    pub name: String,
    /// Its place.
    pub span: Span,
    /// What Jest makes of it.
    pub kind: ThresholdKind,
}

/// What Jest makes of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThresholdKind {
    /// It is in force wherever coverage is collected: a measure with a value above 0, by name.
    Measure,
    /// The value is computed, or the measures stand elsewhere.
    Computed,
    /// No such key: Jest warns, and goes on without.
    Misspelt,
    /// No such measure.
    UnknownMeasure,
    /// It stands in a project's own configuration, where Jest does not look for it.
    InProject,
}

/// What a package says of its language's version, in one place.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// What says it: `requires-python`, `rust-toolchain.toml`.
    pub what: &'static str,
    /// What is written.
    pub written: String,
    /// The versions that it admits; `None` for what is no version (`stable`, a variable).
    pub held: Option<Vec<Interval>>,
    /// The language stays at this version, whichever newer toolchain builds it: Go's directive,
    /// Java's release.
    pub floor: bool,
    /// Where it stands.
    pub span: Span,
}

/// A tool of a package.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name, as its package is called.
    pub name: String,
    /// Whether what stands there runs it (a hook, a plugin of the build), or only configures it.
    pub runs: bool,
    /// Where it stands.
    pub span: Span,
}

/// Package ecosystems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of the ecosystems")]
pub enum Ecosystem {
    Node,
    Python,
    Go,
    Rust,
    Java,
    Ruby,
    Php,
    Dotnet,
    /// One whose packages are not read: Elixir, C++, Scala …
    Other,
}

/// A script of a manifest.
#[derive(Clone, Debug)]
pub struct PackageScript {
    /// Its name.
    pub name: String,
    /// Its command line.
    pub command: String,
    /// Key and value.
    pub span: Span,
}

/// How a dependency is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the keys of package.json")]
pub enum DependencyKind {
    Production,
    Development,
    Peer,
    Optional,
}

/// A declared dependency.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// What version is asked for.
    pub requirement: String,
    /// Where it is declared.
    pub kind: DependencyKind,
    /// The directory it links to, relative to the root: what `file:`, `link:`, `portal:` and
    /// `workspace:` name, or the workspace's own package of this name. `None` for a tarball, and
    /// where [`Dependency::is_link`] says it is one, for a directory out of the tree.
    pub local: Option<String>,
    /// Key and value.
    pub span: Span,
}

/// A lockfile, as far as anyone asks.
#[derive(Clone, Debug)]
pub struct Lockfile {
    /// The file.
    pub file: FileId,
    /// Whose it is.
    pub kind: LockKind,
    /// Whether the root entries equal the manifest: known false carries the place that differs.
    pub in_sync: Fact<bool>,
    /// Deprecated packages; those of a lockfile that several packages share are cut off at 1,000
    /// transitive ones.
    pub deprecated: Vec<Deprecated>,
    /// Whether deprecation is recorded at all in this kind of lockfile.
    pub tells_deprecated: bool,
    /// Binary name → package names that install it, as `node_modules/.bin` would hold it.
    pub bins: Arc<BTreeMap<String, Vec<String>>>,
    /// The packages at the top of `node_modules` (all packages, where the lockfile does not tell).
    pub installed: Arc<Pinned>,
    /// Dependencies for development that npm installs even where it leaves these out, for others may
    /// use them: its `devOptional`.
    pub kept: Vec<String>,
    /// Whether `bins` is complete (a lockfile that records no binaries says nothing).
    pub tells_bins: bool,
    /// Links to local directories: the `node_modules` entry, the target relative to the package's
    /// directory, the entry's place.
    pub links: Vec<(String, String, Span)>,
    /// What it copies of the manifests of local directories, by directory relative to the root.
    /// Only npm's copies them (from version 2 on), workspace members included.
    pub copies: Arc<BTreeMap<String, ManifestCopy>>,
    /// The first line: where the whole file is shown.
    pub place: Span,
    /// It does not parse, or is of a kind that is not read.
    pub trouble: Option<Why>,
}

/// A lockfile's copy of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestCopy {
    /// The entry's place.
    pub span: Span,
    /// Dependencies that differ: the declaration, or the copy of one that is no longer declared.
    pub differs: Vec<Span>,
    /// Whether the manifest parses, so that [`ManifestCopy::differs`] is complete.
    pub complete: bool,
}

/// A package as the lockfile pins it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its version.
    pub version: String,
    /// The entry's place.
    pub span: Span,
}

/// Whose lockfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the tools")]
pub enum LockKind {
    Npm,
    Yarn,
    Pnpm,
    Bun,
    Other,
}

/// A deprecated package in a lockfile.
#[derive(Clone, Debug)]
pub struct Deprecated {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How the manifest declares it; `None` when it is transitive.
    pub direct: Option<DependencyKind>,
    /// Whether only development needs it.
    pub development: bool,
    /// The entry's place in the lockfile.
    pub span: Span,
}

/// What a TypeScript build emits.
#[derive(Clone, Debug)]
pub struct TypeScript {
    /// The `tsconfig.json` that the build reads.
    pub config: FileId,
    /// `outDir`, relative to the package's directory (`Absent`: beside the sources).
    pub out_dir: Fact<String>,
    /// `rootDir`, relative to the package's directory; without one it depends on what is imported.
    pub root_dir: Fact<String>,
    /// `noEmit`.
    pub no_emit: bool,
    /// `allowJs`.
    pub allow_js: bool,
    /// What is compiled, globs relative to the root: `files` and `include`.
    pub include: Vec<String>,
    /// What is left out of `include`.
    pub exclude: Vec<String>,
    /// A file that `extends` names and that does not exist: its name and place.
    pub extends_missing: Option<(String, Span)>,
}

impl Lockfile {
    /// A package as it is pinned, with the place of its entry.
    #[must_use]
    pub fn installed(&self, name: &str) -> Option<Installed> {
        let (version, range) = self.installed.get(name)?;
        Some(Installed { version: version.to_owned(), span: Span::new(self.file, range) })
    }
}

impl Package {
    /// The script of this name.
    #[must_use]
    pub fn script(&self, name: &str) -> Option<&PackageScript> {
        self.scripts.iter().find(|s| s.name == name)
    }

    /// The declaration of a dependency; production first.
    #[must_use]
    pub fn dependency(&self, name: &str) -> Option<&Dependency> {
        self.dependencies.iter().filter(|d| d.name == name).min_by_key(|d| d.kind)
    }

    /// The declaration of one of several dependencies, by name; production first.
    #[must_use]
    pub fn any_dependency(&self, names: &[&str]) -> Option<&Dependency> {
        let named = self.dependencies.iter().filter(|d| names.contains(&&*d.name));
        named.min_by_key(|dependency| dependency.kind)
    }

    /// Whether `engines`, scripts and dependencies mean what npm, yarn and pnpm make of them.
    #[must_use]
    pub fn is_node(&self) -> bool {
        self.ecosystem == Ecosystem::Node
    }
}

impl Dependency {
    /// Whether it asks for a directory (or tarball) rather than a release: `file:`, `link:`,
    /// `portal:`, `workspace:`.
    #[must_use]
    pub fn is_link(&self) -> bool {
        ["file:", "link:", "portal:", "workspace:"].iter().any(|p| self.requirement.starts_with(p))
    }
}
