//! Images: a Dockerfile's stages as the builder sees them, its context, and what each step brings.

use std::sync::Arc;

use plimsoll_source::{Derived, FileId, Span};
use plimsoll_syntax::dockerfile::{Dockerfile, Instruction};
use plimsoll_syntax::ignorefile::IgnoreFile;
use plimsoll_syntax::shell::Script;

use crate::fact::Fact;
use crate::flow::Flow;
use crate::package::Ecosystem;
use crate::purpose::Purpose;
use crate::reference::ImageRef;
use crate::{ContainerId, PipelineId, ProgramId};

/// One Dockerfile built to one target from one context.
#[derive(Clone, Debug)]
pub struct Image {
    /// The Dockerfile; the file that holds it for an inline one.
    pub file: FileId,
    /// Its path (with `#service` for an inline one): stable across runs.
    pub path: String,
    /// Its syntax.
    pub syntax: Dockerfile,
    /// What it is for.
    pub purpose: Purpose,
    /// Its stages in order; empty when it has no FROM.
    pub stages: Vec<Stage>,
    /// Index of the stage that is built: the named target, else the last.
    pub target: Option<usize>,
    /// The context directory, relative to the root (`""` is the root).
    pub context: Fact<String>,
    /// The ignore file that the builder reads for that context.
    pub ignore: Ignore,
    /// Who builds it.
    pub builds: Vec<BuildRef>,
    /// Names it is given: compose `image:`, `docker build -t`.
    pub names: Vec<String>,
    /// Build arguments passed from outside the Dockerfile.
    pub build_args: Vec<BuildArg>,
    /// Of a Dockerfile that several services share: the directory that an argument of the build
    /// names, relative to the root.
    pub shared: Option<String>,
    /// Whether the file has errors that make parts of it unknown.
    pub broken: bool,
}

/// An argument that a build passes.
#[derive(Clone, Debug)]
pub struct BuildArg {
    /// Its name.
    pub name: String,
    /// Its value as far as the tree says.
    pub value: Fact<String>,
    /// The variables that its value is put together from.
    pub refs: Vec<String>,
    /// Where it stands.
    pub span: Span,
}

/// A place that builds an image.
#[derive(Clone, Debug)]
pub struct BuildRef {
    /// Where it is said.
    pub span: Span,
    /// Who says it.
    pub by: Builder,
    /// The context it names, relative to the root.
    pub context: Fact<String>,
}

/// What kind of place builds an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builder {
    /// A compose service's `build:`.
    Compose(ContainerId),
    /// A step of a pipeline.
    Pipeline(PipelineId),
    /// `docker build` in a script or Makefile.
    Script(ProgramId),
    /// A bake file.
    Bake,
    /// Skaffold's configuration.
    Skaffold,
}

/// The ignore file of a build.
#[derive(Clone, Debug)]
pub enum Ignore {
    /// The builder reads this one.
    Effective {
        /// The file.
        file: FileId,
        /// Its patterns.
        patterns: IgnoreFile,
    },
    /// The builder finds none; where it looks, in order.
    None {
        /// The paths looked for.
        looked: Vec<String>,
        /// An ignore file that lies near (the service's directory) and is never read.
        unread: Option<FileId>,
    },
    /// The context is not known.
    Unknown,
}

/// One build stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its name (`AS builder`), lower case as the builder compares it.
    pub name: Option<String>,
    /// What it starts from.
    pub base: Base,
    /// The FROM instruction.
    pub from: Span,
    /// The reference in the FROM instruction.
    pub base_span: Span,
    /// Whether the reference comes from an ARG, and where that ARG's default stands.
    pub base_arg: Option<Span>,
    /// Index of FROM in the Dockerfile's instructions.
    pub first: usize,
    /// Index just past its last instruction.
    pub end: usize,
    /// What its instructions do, in order, `FROM` excluded.
    pub steps: Vec<Step>,
    /// What holds at its end, its bases' settings included.
    pub config: Config,
    /// The image of this repository that its base is, by name.
    pub ours: Option<Arc<Image>>,
}

/// What a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// `FROM scratch`.
    Scratch,
    /// An earlier stage.
    Stage(usize),
    /// An image from outside.
    External(ImageRef),
    /// It depends on a variable without a default, or is malformed: the text as written.
    Dynamic(String),
}

/// One instruction with its meaning.
#[derive(Clone, Debug)]
pub struct Step {
    /// Index into the Dockerfile's instructions.
    pub index: usize,
    /// The whole instruction.
    pub span: Span,
    /// The working directory in effect before it (absolute).
    pub workdir: String,
    /// The user in effect before it (`None`: the base's).
    pub user: Option<String>,
    /// What it does.
    pub kind: StepKind,
}

/// What an instruction does.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// COPY or ADD.
    Copy(Box<Copy>),
    /// RUN.
    Run(Box<Run>),
    /// `ENV key=value`.
    Env(Vec<Setting>),
    /// `ARG name[=default]`.
    Arg(Box<Setting>),
    /// Anything else: its effect is in [`Config`].
    Other,
}

/// A name with a value, in ENV, ARG and LABEL.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The name.
    pub name: String,
    /// The value, expanded as far as known; `None` when no value is given.
    pub value: Option<Fact<String>>,
    /// The pair.
    pub span: Span,
}

/// A COPY or ADD.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Whether it is ADD.
    pub add: bool,
    /// Where the sources lie.
    pub from: CopyFrom,
    /// The sources, expanded; here-document sources are in `written`.
    pub sources: Vec<CopySource>,
    /// Files that here-documents write: path and text.
    pub written: Vec<(String, Derived)>,
    /// The destination, absolute, expanded; ends in `/` when it is a directory for sure.
    pub dest: Fact<String>,
    /// `--chown`, expanded.
    pub chown: Option<(String, Span)>,
    /// `--chmod`.
    pub chmod: Option<(String, Span)>,
    /// `--checksum` is given.
    pub checksum: bool,
    /// `--parents` is given.
    pub parents: bool,
    /// `--exclude` patterns.
    pub exclude: Vec<String>,
}

/// Where the sources of a COPY lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyFrom {
    /// The build context.
    Context,
    /// An earlier stage.
    Stage(usize),
    /// Another image.
    Image(String),
    /// It depends on something unknown.
    Dynamic(String),
}

/// One source of a COPY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySource {
    /// As written, expanded. For a stage, an absolute path; for the context, relative to it.
    pub path: String,
    /// Where it stands.
    pub span: Span,
    /// A URL or git reference (ADD).
    pub remote: bool,
    /// Its text depends on something unknown.
    pub dynamic: bool,
}

/// A RUN with its program.
#[derive(Clone, Debug)]
pub struct Run {
    /// The program's text: the shell form, `sh -c` of an exec form, or the here-document.
    pub text: Derived,
    /// The parsed program; equal texts share one.
    pub script: Arc<Script>,
    /// `--mount` values as written, with their places.
    pub mounts: Vec<(String, Span)>,
    /// Whether the shell in effect sets `-e` or `-o pipefail`.
    pub shell: Vec<String>,
    /// Exec form: no shell runs.
    pub exec: bool,
    /// What its commands do to the image, in order.
    pub effects: Vec<Effect>,
}

impl Run {
    /// Its commands in the order in which they run, and what is between them. Made when asked for.
    #[must_use]
    pub fn flow(&self) -> Flow {
        crate::lower::flow_of_build(&self.text, &self.script)
    }
}

/// What a command in a RUN does to the image.
#[derive(Clone, Debug)]
pub struct Effect {
    /// The command.
    pub span: Span,
    /// What it does.
    pub kind: EffectKind,
    /// Whether its failure is swallowed (`|| true`, `; true`) and where.
    pub masked: Option<Span>,
    /// The working directory it runs in (absolute; `cd` followed).
    pub workdir: String,
}

/// The things that commands do to an image that anyone asks about.
#[derive(Clone, Debug)]
pub enum EffectKind {
    /// Packages are installed.
    Install(Install),
    /// Packages of the system are taken out again: names, or that of a group ([`Install::group`]).
    Uninstall(Manager, Vec<String>),
    /// A package manager's cache is removed (`npm cache clean --force`, `rm -rf /var/lib/apt/lists/*`).
    CleanCache(Manager),
    /// Development dependencies are taken out of what is installed (`npm prune --omit=dev`).
    Prune(Manager),
    /// A compiler or build script runs: `npm run build`, `tsc`, `go build`, `mvn package`.
    Build {
        /// The command's words.
        words: Vec<String>,
    },
    /// A file is written: `echo … > path`, a here-document, `printf`, `tee`.
    Write {
        /// Absolute path.
        path: String,
        /// What is written, as far as known; maps back to the real file.
        text: Derived,
        /// `>>` rather than `>`.
        append: bool,
        /// Whether the text holds a part that is not known.
        dynamic: bool,
    },
    /// A group is made.
    AddGroup {
        /// Its name.
        name: String,
        /// Its number, if given.
        gid: Option<String>,
    },
    /// A user is made.
    AddUser {
        /// Its name.
        name: String,
        /// Its number, if given.
        uid: Option<String>,
        /// Its primary group, name or number, as the tool sets it; `None` when the tool makes one
        /// of its own with a number we do not know.
        group: Option<String>,
        /// The primary group came from the tool's default, not from the command.
        group_is_default: bool,
    },
    /// Ownership changes.
    Chown {
        /// `user[:group]`.
        owner: String,
        /// Absolute paths (globs kept).
        paths: Vec<String>,
        /// `-R`.
        recursive: bool,
    },
    /// Modes change.
    Chmod {
        /// The mode as written.
        mode: String,
        /// Absolute paths (globs kept).
        paths: Vec<String>,
        /// `-R`.
        recursive: bool,
    },
    /// SUID and SGID bits are stripped over the whole file system (`find / -perm /6000 … chmod a-s`).
    StripSuid,
    /// Directories are made.
    MakeDir(Vec<String>),
    /// Paths are copied or moved inside the image (`cp a b`, `mv a b`, `ln -s`): sources, destination.
    Place(Vec<String>, String),
    /// Paths are removed.
    Remove(Vec<String>),
    /// A download: `curl`, `wget`, `git clone`.
    Fetch(Vec<String>),
    /// Anything else: its words as far as literal.
    Other(Vec<String>),
}

/// An installation of packages.
#[derive(Clone, Debug)]
pub struct Install {
    /// The manager.
    pub manager: Manager,
    /// The packages named; empty for «what the manifest says».
    pub packages: Vec<String>,
    /// The name by which apk takes them out together: `--virtual .build`.
    pub group: Option<String>,
    /// `-g` and the like.
    pub global: bool,
    /// It follows a lockfile strictly (`npm ci`, `--frozen-lockfile`).
    pub locked: bool,
    /// Development dependencies are left out.
    pub production: bool,
    /// The cache is not kept (`--no-cache`, a cache mount, a clean in the same RUN).
    pub cache_free: bool,
    /// npm is told to install against the ranges of peer dependencies (`--legacy-peer-deps`,
    /// `--force`, or their variables).
    pub overrides_peers: bool,
}

/// Package managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names of the tools")]
pub enum Manager {
    Apk,
    Apt,
    Dnf,
    Zypper,
    Pacman,
    Npm,
    Yarn,
    Pnpm,
    Bun,
    Pip,
    Uv,
    Poetry,
    Pipenv,
    Gem,
    Bundler,
    Cargo,
    Go,
    Composer,
    Maven,
    Gradle,
    Dotnet,
}

impl Manager {
    /// Whether it installs packages of the system, rather than a language's.
    #[must_use]
    pub const fn is_system(self) -> bool {
        matches!(self, Self::Apk | Self::Apt | Self::Dnf | Self::Zypper | Self::Pacman)
    }
}

/// What an image's process gets, in effect at a stage's end.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// USER: text after expansion and the instruction's place.
    pub user: Option<(Fact<String>, Span)>,
    /// WORKDIR, absolute; `/` by default, `None` when it depends on something unknown.
    pub workdir: Option<String>,
    /// ENTRYPOINT.
    pub entrypoint: Option<Exec>,
    /// CMD.
    pub cmd: Option<Exec>,
    /// EXPOSE: port and protocol.
    pub expose: Vec<(Fact<String>, Span)>,
    /// HEALTHCHECK.
    pub healthcheck: Option<Healthcheck>,
    /// ENV in effect: the last of each name.
    pub env: Vec<Setting>,
    /// VOLUME paths.
    pub volumes: Vec<(String, Span)>,
    /// STOPSIGNAL.
    pub stop_signal: Option<(String, Span)>,
    /// What the base image sets is not known (it is not in the shipped table, or no base is known).
    pub base_unknown: bool,
}

/// A command as an image or a descriptor gives it.
#[derive(Clone, Debug)]
pub struct Exec {
    /// The words in exec form; in shell form, one element: the whole line.
    pub words: Vec<(String, Span)>,
    /// Shell form: `/bin/sh -c line` (or what SHELL says).
    pub shell: bool,
    /// The shell that runs a shell form.
    pub shell_words: Vec<String>,
    /// The instruction or key.
    pub span: Span,
}

/// A health check, from a Dockerfile, a compose file or a Kubernetes probe.
#[derive(Clone, Debug)]
pub struct Healthcheck {
    /// What is run or asked.
    pub test: HealthTest,
    /// Where it stands as a whole.
    pub span: Span,
    /// `--interval` / `interval` / `periodSeconds`: as written, and its place.
    pub interval: Option<(String, Span)>,
    /// `--timeout`.
    pub timeout: Option<(String, Span)>,
    /// `--start-period` / `initialDelaySeconds` or a startup probe.
    pub start_period: Option<(String, Span)>,
    /// `--retries` / `failureThreshold`.
    pub retries: Option<(String, Span)>,
}

/// What a health check does.
#[derive(Clone, Debug)]
pub enum HealthTest {
    /// `NONE` or `disable: true`.
    Disabled,
    /// A program and its arguments.
    Exec(Vec<String>),
    /// A shell line.
    Shell(String),
    /// An HTTP request.
    Http {
        /// The path.
        path: String,
        /// The port, number or name.
        port: String,
        /// By https.
        tls: bool,
    },
    /// A TCP connection to a port.
    Port(String),
    /// A call of gRPC's health service at a port.
    Grpc(String),
    /// It cannot be read.
    Unknown,
}

impl Image {
    /// The stage that is built.
    #[must_use]
    pub fn final_stage(&self) -> Option<&Stage> {
        self.target.and_then(|i| self.stages.get(i))
    }

    /// The stages that the target is built from, itself included, in file order.
    #[must_use]
    pub fn stages_built(&self) -> Vec<usize> {
        let mut wanted = vec![false; self.stages.len()];
        let mut todo: Vec<usize> = self.target.into_iter().collect();
        while let Some(index) = todo.pop() {
            let Some(stage) = self.stages.get(index) else { continue };
            if std::mem::replace(&mut wanted[index], true) {
                continue;
            }
            if let Base::Stage(base) = stage.base {
                todo.push(base);
            }
            for step in &stage.steps {
                if let StepKind::Copy(copy) = &step.kind
                    && let CopyFrom::Stage(from) = copy.from
                {
                    todo.push(from);
                }
            }
        }
        (0..wanted.len()).filter(|&i| wanted[i]).collect()
    }

    /// The steps of a stage with those of the stages it starts from, base first.
    pub fn steps_with_bases(&self, stage: usize) -> Vec<&Step> {
        let mut chain = Vec::new();
        let mut at = Some(stage);
        while let Some(stage) = at.and_then(|i| self.stages.get(i)) {
            chain.push(stage);
            // A stage starts from an earlier one only, so this ends.
            at = match stage.base {
                Base::Stage(base) if chain.len() <= self.stages.len() => Some(base),
                _ => None,
            };
        }
        chain.iter().rev().flat_map(|s| s.steps.iter()).collect()
    }

    /// The base outside the Dockerfile that a stage comes from in the end.
    #[must_use]
    pub fn root_base(&self, stage: usize) -> Option<&Stage> {
        let mut at = self.stages.get(stage)?;
        for _ in 0..self.stages.len() {
            match at.base {
                Base::Stage(base) => at = self.stages.get(base)?,
                _ => return Some(at),
            }
        }
        None
    }

    /// The base from outside the repository that a stage comes from in the end, through the
    /// Dockerfiles that make its bases.
    #[must_use]
    pub fn origin(&self, stage: usize) -> Option<&Stage> {
        let mut root = self.root_base(stage)?;
        while let Some(ours) = &root.ours {
            root = ours.root_base(ours.target?)?;
        }
        Some(root)
    }

    /// The languages whose official images its stages start from, as far as their names tell: that
    /// of what ships first, then those of what is built on the way, last first.
    #[must_use]
    pub fn languages(&self) -> Vec<Ecosystem> {
        let ships = self.target.and_then(|target| self.origin(target));
        let built = self.stages_built();
        let stages =
            ships.into_iter().chain(built.iter().rev().filter_map(|&i| self.stages.get(i)));
        let mut found = Vec::new();
        for stage in stages {
            let name = match &stage.base {
                Base::External(reference) => {
                    let tag = reference.tag.as_deref().unwrap_or_default();
                    format!("{}:{tag}", reference.name())
                }
                Base::Dynamic(written) => written.rsplit('/').next().unwrap_or(written).to_owned(),
                Base::Scratch | Base::Stage(_) => continue,
            };
            found.extend(language(&name).filter(|one| !found.contains(one)));
        }
        found
    }

    /// Whether a stage's layers are in the image that is built: it is the target, or the target
    /// starts from it.
    #[must_use]
    pub fn ships(&self, stage: usize) -> bool {
        let mut at = self.target;
        for _ in 0..=self.stages.len() {
            match at {
                Some(index) if index == stage => return true,
                Some(index) => {
                    at = match self.stages.get(index).map(|s| &s.base) {
                        Some(Base::Stage(base)) => Some(*base),
                        _ => None,
                    };
                }
                None => return false,
            }
        }
        false
    }

    /// The instruction of a step.
    #[must_use]
    pub fn instruction(&self, step: &Step) -> Option<&Instruction> {
        self.syntax.instructions.get(step.index)
    }

    /// Every effect of the RUNs of a stage, its bases' included, with its step, in order.
    pub fn effects(&self, stage: usize) -> Vec<(&Step, &Effect)> {
        let mut found = Vec::new();
        for step in self.steps_with_bases(stage) {
            if let StepKind::Run(run) = &step.kind {
                found.extend(run.effects.iter().map(|effect| (step, effect)));
            }
        }
        found
    }
}

/// The language of an image by its name and tag: `python:3.13`, `maven`, `java21-debian12`.
fn language(name: &str) -> Option<Ecosystem> {
    const KNOWN: [(&str, Ecosystem); 20] = [
        ("python", Ecosystem::Python),
        ("uv", Ecosystem::Python),
        ("node", Ecosystem::Node),
        ("bun", Ecosystem::Node),
        ("golang", Ecosystem::Go),
        ("go", Ecosystem::Go),
        ("rust", Ecosystem::Rust),
        ("cargo", Ecosystem::Rust),
        ("eclipse-temurin", Ecosystem::Java),
        ("openjdk", Ecosystem::Java),
        ("amazoncorretto", Ecosystem::Java),
        ("java", Ecosystem::Java),
        ("maven", Ecosystem::Java),
        ("gradle", Ecosystem::Java),
        ("ruby", Ecosystem::Ruby),
        ("php", Ecosystem::Php),
        ("composer", Ecosystem::Php),
        ("sdk", Ecosystem::Dotnet),
        ("aspnet", Ecosystem::Dotnet),
        ("dotnet", Ecosystem::Dotnet),
    ];
    let name = name.split(':').next().unwrap_or(name);
    let found = KNOWN.iter().find(|(known, _)| {
        name.strip_prefix(known).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
    });
    found.map(|(_, language)| *language)
}
