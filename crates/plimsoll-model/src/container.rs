//! Containers: an entry of a merged compose file or a pod's container, ours or third-party.

use std::collections::BTreeSet;
use std::sync::Arc;

use plimsoll_source::{Derived, FileId, Span};

use crate::engine::{Engine, Network, Volume};
use crate::fact::{Fact, Why};
use crate::image::{Exec, Healthcheck};
use crate::purpose::Purpose;
use crate::reference::ImageRef;
use crate::{ContainerId, ImageId, datastore};

/// One container as its platform would start it.
#[derive(Clone, Debug)]
pub struct Container {
    /// Compose service or pod container name.
    pub name: String,
    /// Its name and its file, as a report tells it from others.
    pub label: Arc<str>,
    /// What describes it.
    pub kind: ContainerKind,
    /// The file that defines it first.
    pub file: FileId,
    /// Its key (compose) or list item (Kubernetes) in that file.
    pub span: Span,
    /// Every other place that adds to it (override files), in merge order.
    pub overlays: Vec<Span>,
    /// What another file takes back of what the base says (`cap_drop: !reset []`, `!override`): the
    /// key, where it is taken back, and what it said before.
    pub taken_back: Vec<(String, Span, Vec<String>)>,
    /// What this deployment is for.
    pub purpose: Purpose,
    /// The image it names.
    pub image: Fact<String>,
    /// The same, where it reads as one. Variables that nothing sets stand for something unknown: of
    /// `${REGISTRY}/postgres:${TAG}`, the name is known all the same.
    pub named: Option<ImageRef>,
    /// The data that it keeps or gives access to, where its image (or the base of the one that is
    /// built here) says so.
    pub keeps: Option<datastore::Kind>,
    /// How it is built.
    pub build: Option<Build>,
    /// The image in this repository that it runs, once linked.
    pub image_id: Option<ImageId>,
    /// Environment variables.
    pub env: Vec<EnvVar>,
    /// `env_file` entries: path relative to the root (`Unknown` when outside or dynamic), place.
    pub env_files: Vec<(Fact<String>, Span)>,
    /// Variables that it takes from Kubernetes' own stores: `envFrom`, `valueFrom`.
    pub env_from: Vec<EnvFrom>,
    /// What those files and stores give, in the order in which later ones win.
    pub given: Vec<Given>,
    /// Published and exposed ports.
    pub ports: Vec<Port>,
    /// Mounts of any kind.
    pub mounts: Vec<Mount>,
    /// Secrets by `secrets:` (compose) or secret volumes and references (Kubernetes).
    pub secrets: Vec<SecretUse>,
    /// Read-only root file system.
    pub read_only: Fact<bool>,
    /// `init: true`.
    pub init: Fact<bool>,
    /// The user, overriding the image's.
    pub user: Fact<String>,
    /// `runAsNonRoot: true` (Kubernetes).
    pub run_as_non_root: Fact<bool>,
    /// `no-new-privileges:true` / `allowPrivilegeEscalation: false`.
    pub no_new_privileges: Fact<bool>,
    /// Privileged.
    pub privileged: Fact<bool>,
    /// Dropped capabilities.
    pub cap_drop: Vec<(String, Span)>,
    /// What else it asks of its engine.
    pub engine: Engine,
    /// The most processes it may have (compose; Kubernetes' nodes set theirs).
    pub pids_limit: Fact<String>,
    /// It shares the host's network: what it listens on is open to whoever reaches the host.
    pub host_network: Fact<bool>,
    /// Kubernetes Services of type `NodePort` or `LoadBalancer` that send traffic to its pod: where
    /// they say so.
    pub exposed_by: Vec<Span>,
    /// CPU limit.
    pub cpu_limit: Fact<String>,
    /// Memory limit.
    pub memory_limit: Fact<String>,
    /// CPU and memory requests are both set (Kubernetes), where asked.
    pub requests: Fact<bool>,
    /// Compose health check, or liveness probe.
    pub healthcheck: Option<Healthcheck>,
    /// Readiness probe.
    pub readiness: Option<Healthcheck>,
    /// `depends_on`.
    pub depends_on: Vec<DependsOn>,
    /// Restart policy.
    pub restart: Fact<String>,
    /// `command:` / `args:`.
    pub command: Option<Exec>,
    /// `entrypoint:` / `command:` (Kubernetes).
    pub entrypoint: Option<Exec>,
    /// `stop_grace_period` / `terminationGracePeriodSeconds`, in seconds.
    pub stop_grace: Fact<u64>,
    /// `stop_signal`, as written.
    pub stop_signal: Fact<String>,
    /// Profiles (compose); a container with profiles is not started by default.
    pub profiles: Vec<String>,
    /// A batch job: Kubernetes Job or CronJob, a pod's init container, or a compose service that
    /// others await with `service_completed_successfully`.
    pub job: bool,
    /// Comments that stand in the block of this container, right above it, or at head or end of a
    /// compose file that describes it.
    pub comments: Vec<Span>,
    /// What compose files that are only merged when named (`-f`) would add.
    pub optional: Vec<Overlay>,
    /// Why more may hold than is read here, and where that is seen: a syntax error cut its block
    /// short, an `extends` leads nowhere. Lists may then be incomplete; a [`Fact`] that nothing
    /// is read for is `Unknown`.
    pub open: Option<(Why, Span)>,
}

impl Container {
    /// What is known of a variable in it, its image aside: its own entries win over the files and
    /// stores that it takes whole, of which later ones win.
    #[must_use]
    pub fn says(&self, name: &str) -> Said<'_> {
        if let Some(var) = self.env.iter().find(|var| var.name == name) {
            let taken = || self.given.iter().find(|given| given.single && given.at == var.span);
            return match &var.value {
                EnvValue::Literal(text) => Said::Value(text, var.span),
                EnvValue::Interpolated { value: Some(value), .. } => Said::Value(value, var.span),
                EnvValue::Elsewhere
                    if let Some(said @ Said::Value(..)) = taken().map(|given| given.says(name)) =>
                {
                    said
                }
                EnvValue::Secret => Said::Unknown(Why::OutOfTree, var.span),
                _ => Said::Unknown(Why::Dynamic, var.span),
            };
        }
        let whole = self.given.iter().rev().filter(|given| !given.single);
        let said = whole.map(|given| given.says(name)).find(|said| *said != Said::Nothing);
        said.or_else(|| self.open.map(|(why, at)| Said::Hidden(why, at))).unwrap_or(Said::Nothing)
    }

    /// What may set variables that nothing here names: why they are not known, and where.
    #[must_use]
    pub fn hides_variables(&self) -> Option<(Why, Span)> {
        let hidden = self
            .given
            .iter()
            .filter(|given| !given.single)
            .find_map(|given| given.variables.unknown().map(|(why, _)| (why, given.at)));
        hidden.or(self.open)
    }

    /// Every value that is written out for a variable or build argument, its defaults included:
    /// its place, the name, the text.
    pub(crate) fn written(&self) -> impl Iterator<Item = (Span, &str, &str)> {
        let args = self.build.iter().flat_map(|build| &build.args);
        let optional = self.optional.iter().flat_map(|overlay| &overlay.env);
        self.env.iter().chain(args).chain(optional).flat_map(|var| {
            let (text, refs) = match &var.value {
                EnvValue::Literal(text) => (Some(text), &[][..]),
                EnvValue::Interpolated { text, refs, .. } => (Some(text), &refs[..]),
                EnvValue::Secret | EnvValue::Elsewhere | EnvValue::Caller => (None, &[][..]),
            };
            let (span, own) = (var.value_span, &*var.name);
            let whole = text.map(|text| (span, own, &**text));
            let defaults = refs.iter().flat_map(move |(name, default)| {
                let text = default.iter();
                text.flat_map(move |text| [(span, own, &**text), (span, &**name, &**text)])
            });
            whole.into_iter().chain(defaults)
        })
    }
}

/// What a compose file that lies elsewhere, or is a variant, adds to a container when an operator
/// names it after the project's own files. None of it is part of the container.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// The file.
    pub file: FileId,
    /// The service's key in it.
    pub span: Span,
    /// Environment variables it sets.
    pub env: Vec<EnvVar>,
    /// Mounts it adds; relative sources start at the project's directory, as for all `-f` files.
    pub mounts: Vec<Mount>,
    /// Secrets it adds.
    pub secrets: Vec<SecretUse>,
    /// Comments in its block and at the head of its file.
    pub comments: Vec<Span>,
}

/// What describes a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerKind {
    /// A service of a compose project; the index of the project's files in `Delivery::projects`.
    Compose {
        /// Index of the project.
        project: usize,
    },
    /// A container of a pod.
    Kubernetes {
        /// `Deployment`, `StatefulSet`, `Job` …
        workload: String,
        /// Its name.
        name: String,
        /// Whether it is an init container.
        init: bool,
    },
}

/// A compose project: the files that `docker compose` would merge.
#[derive(Clone, Debug)]
pub struct Project {
    /// The directory, relative to the root.
    pub dir: String,
    /// The files in merge order.
    pub files: Vec<FileId>,
    /// The `.env` file read for it.
    pub env_file: Option<FileId>,
    /// Top-level `networks:`.
    pub networks: Vec<Network>,
    /// Top-level `volumes:`.
    pub volumes: Vec<Volume>,
    /// The key `services` of its first file.
    pub services: Option<Span>,
    /// Only services that stand alone are read: other files are merged with these, and are not
    /// known to be.
    pub in_part: bool,
    /// The services of all its files; some may be containers of another project that has the same
    /// files before its own.
    pub names: BTreeSet<String>,
    /// Top-level `version:` of each file that has one.
    pub versions: Vec<Span>,
    /// Top-level `name:`.
    pub name: Option<Span>,
    /// Where its files are not what compose loads, and why.
    pub faults: Vec<(Span, String)>,
    /// Variables that its files ask for with neither a default nor `:?`, and that its `.env` file
    /// does not give; of each file at the first place.
    pub wanted: Vec<(String, Span)>,
    /// Its files ask for variables.
    pub interpolates: bool,
    /// The variables that files of them beside it, and at the root, give or name: `.env.example`.
    pub examples: Vec<(String, Span)>,
    /// Top-level `secrets:`: name, file (relative to the root) if `file:`, place.
    pub secrets: Vec<(String, Option<String>, Span)>,
    /// Names of top-level `configs:`.
    pub configs: Vec<String>,
    /// Files that it includes from elsewhere, as written: addresses of git and of registries.
    pub remotes: Vec<(String, Span)>,
    /// What it is for.
    pub purpose: Purpose,
    /// Its containers.
    pub containers: Vec<ContainerId>,
}

/// A compose `build:`.
#[derive(Clone, Debug)]
pub struct Build {
    /// The context directory, relative to the root.
    pub context: Fact<String>,
    /// The Dockerfile, relative to the root.
    pub dockerfile: Fact<String>,
    /// The text of `dockerfile_inline`: the image's path then ends in `#service`.
    pub inline: Option<Derived>,
    /// `target:`.
    pub target: Option<(String, Span)>,
    /// `args:`.
    pub args: Vec<EnvVar>,
    /// The `build:` entry, its key included.
    pub span: Span,
    /// Its key.
    pub key: Span,
}

/// A variable with its value as the descriptor writes it.
#[derive(Clone, Debug)]
pub struct EnvVar {
    /// The name.
    pub name: String,
    /// What gives it its value.
    pub value: EnvValue,
    /// The whole entry.
    pub span: Span,
    /// The value's place (the entry's if there is none).
    pub value_span: Span,
}

/// Variables that a container takes from a store of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFrom {
    /// The ConfigMap's name; none for a Secret, or what is no store at all (a field).
    pub config: Option<String>,
    /// One key of it, and the variable that it becomes; all of them otherwise.
    pub key: Option<(String, String)>,
    /// What is put before the names.
    pub prefix: String,
    /// The entry that says so.
    pub at: Span,
}

/// Variables that stand outside the descriptor: in a file of them, in a ConfigMap.
#[derive(Clone, Debug)]
pub struct Given {
    /// The entry of the descriptor that takes them.
    pub at: Span,
    /// They are one entry of `env:`, which wins over whole sets.
    pub single: bool,
    /// The variables in order; unknown where what holds them is not in the tree.
    pub variables: Fact<Arc<[GivenVar]>>,
}

impl Given {
    fn says(&self, name: &str) -> Said<'_> {
        match &self.variables {
            Fact::Known { value, .. } => {
                let var = value.iter().rev().find(|var| var.name == name);
                var.map_or(Said::Nothing, |var| match &var.value {
                    Some(value) => Said::Value(value, self.at),
                    None => Said::Unknown(Why::Dynamic, self.at),
                })
            }
            Fact::Unknown(why, _) => Said::Hidden(*why, self.at),
            Fact::Absent => Said::Nothing,
        }
    }
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenVar {
    /// The name.
    pub name: String,
    /// The value; none where it depends on the caller's environment, or places disagree.
    pub value: Option<String>,
}

/// What all that sets a container's variables says of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// It is this, by the entry there.
    Value(&'a str, Span),
    /// It is set to something that is not known.
    Unknown(Why, Span),
    /// Nothing that is read sets it; what is not may.
    Hidden(Why, Span),
    /// It is not set.
    Nothing,
}

/// What gives a variable its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue {
    /// The text itself.
    Literal(String),
    /// Text with `${NAME}` references: as written, the names with the default or word that
    /// `:-`/`-` gives, and the literal text around them.
    Interpolated {
        /// As written.
        text: String,
        /// Name and default of each reference.
        refs: Vec<(String, Option<String>)>,
        /// What is left when the references are taken out.
        around: String,
        /// What it comes to with the project's `.env` file and the defaults, where those give
        /// every reference a value. The caller's environment may still say otherwise.
        value: Option<String>,
    },
    /// Taken from a Kubernetes Secret (or an external store).
    Secret,
    /// Taken from elsewhere: a config map, a field.
    Elsewhere,
    /// `NAME` alone: from the caller's environment.
    Caller,
}

/// A port.
#[derive(Clone, Debug)]
pub struct Port {
    /// The container's port, as written (a range or variable stays text), without the protocol.
    pub container: String,
    /// `tcp`, `udp`; as written, `tcp` where nothing is.
    pub protocol: String,
    /// The host's port, empty where the engine picks one; `None` when only exposed.
    pub host: Option<String>,
    /// The host address, if one is given.
    pub address: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// What is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// A host path.
    Bind,
    /// A named or anonymous volume.
    Volume,
    /// Memory.
    Tmpfs,
    /// A secret as files.
    Secret,
    /// A config map or compose config.
    Config,
}

/// A mount.
#[derive(Clone, Debug)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// The source as written, after interpolation.
    pub source: String,
    /// For a named volume that binds a path of the host: that path.
    pub device: Option<String>,
    /// Options: the words behind the target's colon, or what the long form says (`rshared`).
    pub options: Vec<String>,
    /// For a bind mount below the root, the path relative to the root.
    pub tree_path: Option<String>,
    /// Where it is seen in the container.
    pub target: String,
    /// Read-only.
    pub read_only: bool,
    /// Where it stands.
    pub span: Span,
}

/// A secret given to a container.
#[derive(Clone, Debug)]
pub struct SecretUse {
    /// Its name.
    pub name: String,
    /// The file it comes from, relative to the root, if it is a file of the host.
    pub file: Option<String>,
    /// A mode is set that keeps other users out: `0400`.
    pub restricted: bool,
    /// It arrives as a file (rather than an environment variable).
    pub as_file: bool,
    /// The platform enforces owner and mode (Swarm, Kubernetes).
    pub enforced: bool,
    /// Where it stands.
    pub span: Span,
}

/// Whether a mode as a descriptor writes it (octal with a leading zero, else decimal) gives users
/// other than owner and group nothing.
pub(crate) fn keeps_others_out(mode: &str) -> bool {
    let mode = mode.trim();
    let octal = mode.strip_prefix("0o").or_else(|| mode.strip_prefix('0'));
    let bits =
        octal.map_or_else(|| mode.parse().ok(), |digits| u32::from_str_radix(digits, 8).ok());
    bits.is_some_and(|bits| bits & 0o7 == 0)
}

/// A `depends_on` entry.
#[derive(Clone, Debug)]
pub struct DependsOn {
    /// The other service.
    pub service: String,
    /// `service_started`, `service_healthy`, `service_completed_successfully`.
    pub condition: String,
    /// Without `required: false`.
    pub required: bool,
    /// Where it stands.
    pub span: Span,
}
