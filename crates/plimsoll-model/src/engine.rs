//! What a container asks of its engine beyond a process of its own: namespaces, capabilities,
//! devices, networks, logs. Read from compose files; of pods, the capabilities that are added.

use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use plimsoll_source::Span;

use crate::fact::Fact;

/// A word with its place.
pub type Said = (String, Span);

/// What a container asks of its engine; what few containers ask for ([`Unusual`]) reads as if it were
/// its own.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    /// `container_name`.
    pub container_name: Fact<String>,
    /// `security_opt`.
    pub security_opt: Vec<Said>,
    /// `network_mode`, or the old `net`.
    pub network_mode: Fact<String>,
    /// Networks it joins, by the names of its project; none said means `default`.
    pub networks: Vec<Said>,
    /// Other names by which it is found on them, and those that links of others give it.
    pub aliases: Vec<String>,
    /// Keys of `deploy` that only a swarm heeds: `update_config`, `rollback_config`, `placement`.
    pub swarm_only: Vec<Said>,
    pub(crate) unusual: Arc<Unusual>,
}

/// What few containers ask of their engine: those that ask for none of it share one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unusual {
    /// Capabilities added.
    pub cap_add: Vec<Said>,
    /// `pid`: `host`, `service:NAME`, `container:NAME`.
    pub pid: Fact<String>,
    /// `ipc`.
    pub ipc: Fact<String>,
    /// `uts`.
    pub uts: Fact<String>,
    /// `userns_mode`.
    pub userns: Fact<String>,
    /// `cgroup`: `host` or `private`.
    pub cgroup: Fact<String>,
    /// `cgroup_parent`.
    pub cgroup_parent: Fact<String>,
    /// Devices of the host.
    pub devices: Vec<Said>,
    /// `device_cgroup_rules`.
    pub device_rules: Vec<Said>,
    /// `gpus`, or devices that a reservation asks for.
    pub gpus: Option<Span>,
    /// Kernel settings.
    pub sysctls: Vec<Setting>,
    /// `ulimits`; of one with two bounds, each.
    pub ulimits: Vec<Setting>,
    /// The driver of its log.
    pub log_driver: Fact<String>,
    /// Options of that driver.
    pub log_options: Vec<Setting>,
    /// Labels of the container.
    pub labels: Vec<Setting>,
    /// Groups added to its process.
    pub group_add: Vec<Said>,
    /// Name servers.
    pub dns: Vec<Said>,
    /// `links` and `external_links`.
    pub links: Vec<Said>,
    /// Commands run around its start and stop.
    pub hooks: Vec<Hook>,
    /// `provider`: a program of the host stands in for the container.
    pub provider: Option<Span>,
    /// `use_api_socket`.
    pub api_socket: Fact<bool>,
    /// `oom_kill_disable`.
    pub oom_kill_disable: Fact<bool>,
    /// `oom_score_adj`.
    pub oom_score_adj: Fact<String>,
    /// `platform`.
    pub platform: Fact<String>,
    /// `pull_policy`.
    pub pull_policy: Fact<String>,
    /// `deploy.replicas`, or `scale`.
    pub replicas: Fact<String>,
    /// `deploy.restart_policy.max_attempts`.
    pub restart_attempts: Fact<String>,
    /// `deploy.update_config.failure_action`.
    pub update_failure_action: Fact<String>,
}

impl Deref for Engine {
    type Target = Unusual;

    fn deref(&self) -> &Unusual {
        &self.unusual
    }
}

impl Unusual {
    /// One for all that ask for none of it.
    pub(crate) fn once(self) -> Arc<Self> {
        static NONE: LazyLock<Arc<Unusual>> = LazyLock::new(Arc::default);
        if self == **NONE { Arc::clone(&NONE) } else { Arc::new(self) }
    }
}

/// A name with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name.
    pub name: String,
    /// The value, references without a value left in it.
    pub value: String,
    /// The entry.
    pub span: Span,
}

/// A command that is run in a container as it starts or stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// `post_start`, `pre_stop` …
    pub when: &'static str,
    /// Who runs it.
    pub user: Fact<String>,
    /// With all privileges.
    pub privileged: Fact<bool>,
    /// The entry.
    pub span: Span,
}

/// A network of a compose project.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its name in the project.
    pub name: String,
    /// Nothing in it reaches beyond it.
    pub internal: Fact<bool>,
    /// It is there before the project is.
    pub external: bool,
    /// Its name outside of the project, where one is written.
    pub called: Option<String>,
    /// The entry.
    pub span: Span,
}

/// A named volume of a compose project.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Its name in the project.
    pub name: String,
    /// The path of the host that it stands for, where the local driver binds one.
    pub device: Option<String>,
    /// Its options of a file system in memory: the local driver's `type: tmpfs`.
    pub tmpfs: Option<String>,
    /// It is there before the project is.
    pub external: bool,
    /// The entry.
    pub span: Span,
}
