//! # Others' images do not run as root
//!
//! A container of an image that is not built here says as whom it runs (`user: "1000:1000"`), or its image does
//! not run as root.
//!
//! Root in a container is root wherever the container leaks: in a mount, through a fault of the kernel. The
//! images of proxies and collectors, which talk to the whole world, start as root more often than others.
//!
//! Set `user`, with a group; give it the volumes first (`chown`), and a proxy below port 1024 the capability
//! `NET_BIND_SERVICE` or `sysctls: net.ipv4.ip_unprivileged_port_start=0`.
//!
//! Which user an image has is known for some forty of them; those that start as root only to give their data
//! to a user and become it (PostgreSQL, Redis) pass. The rest is UNKNOWN: only the registry knows.
//!
//! Images that are built here are asked by `runtime/non-root`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   proxy: # <- runs as root
//!     image: caddy:2.10.0
//! ```
//!
//! Said so:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   grafana:
//!     image: grafana/grafana:12.1.0
//!     user: "0:1000" # <- runs as root
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   proxy:
//!     image: caddy:2.10.0
//!     user: "1000:1000" # <- runs as `1000:1000`
//!     cap_add: [NET_BIND_SERVICE]
//! ```
//!
//! Said so:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   grafana: # <- its image runs as a user
//!     image: grafana/grafana:12.1.0
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db: # <- becomes a user
//!     image: postgres:17.2
//!   loki: # <- its image runs as a user
//!     image: grafana/loki:3.5.0
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   app: # <- registry
//!     image: acme/app:1.2.0
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, Why, composed,
};
use plimsoll_model::Fact;
use plimsoll_model::container::ContainerKind;

pub(super) static CHECK: Check = Check {
    id: "runtime/third-party-non-root",
    section: Section::RuntimeSecurity,
    domain: Domain::ContainerSecurity,
    severity: Severity::Medium,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["CIS-D 4.1", "CIS-K 5.2.7"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[
        Part {
            name: "said",
            equivalents: &[
                Equivalent { tool: "compose-lint", rule: "CL-0018", relation: Relation::Same },
                Equivalent {
                    tool: "docksec",
                    rule: "compose-no-non-root-user",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "catalogue", rule: "CMP025", relation: Relation::Wider },
            ],
        },
        Part {
            name: "image",
            equivalents: &[
                Equivalent {
                    tool: "docksec",
                    rule: "compose-no-non-root-user",
                    relation: Relation::Wider,
                },
                Equivalent { tool: "catalogue", rule: "CMP025", relation: Relation::Wider },
            ],
        },
        Part { name: "", equivalents: &[] },
    ],
    when: &[&IN_COMPOSE],
    source: include_str!("third_party_non_root.rs"),
    run: Run::Repository(repository),
    fix: None,
};

const WORDS: Words = Words {
    fail: "runs as root: set `user`",
    partial: "",
    pass: "others' images do not run as root",
    none: "does not run as root",
};

/// Whom an image runs as, as its publisher builds it.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Root,
    User,
    /// Root first, which hands data over and becomes a user.
    Becomes,
}

/// Last parts of repositories, of official images unless a slash says whose.
const IMAGES: [(&str, Who); 62] = [
    ("alpine", Who::Root),
    ("busybox", Who::Root),
    ("caddy", Who::Root),
    ("debian", Who::Root),
    ("docker", Who::Root),
    ("golang", Who::Root),
    ("httpd", Who::Root),
    ("nginx", Who::Root),
    ("node", Who::Root),
    ("openjdk", Who::Root),
    ("php", Who::Root),
    ("python", Who::Root),
    ("registry", Who::Root),
    ("ruby", Who::Root),
    ("traefik", Who::Root),
    ("ubuntu", Who::Root),
    ("wordpress", Who::Root),
    ("grafana/promtail", Who::Root),
    ("grafana/alloy", Who::Root),
    ("portainer/portainer-ce", Who::Root),
    ("containrrr/watchtower", Who::Root),
    ("minio/minio", Who::Root),
    ("cadvisor/cadvisor", Who::Root),
    ("getmeili/meilisearch", Who::Root),
    ("localstack/localstack", Who::Root),
    ("axllent/mailpit", Who::Root),
    ("adminer", Who::User),
    ("elasticsearch", Who::User),
    ("haproxy", Who::User),
    ("kibana", Who::User),
    ("logstash", Who::User),
    ("memcached", Who::User),
    ("neo4j", Who::Becomes),
    ("sonarqube", Who::User),
    ("varnish", Who::User),
    ("grafana/grafana", Who::User),
    ("grafana/grafana-oss", Who::User),
    ("grafana/loki", Who::User),
    ("grafana/mimir", Who::User),
    ("prom/alertmanager", Who::User),
    ("prom/node-exporter", Who::User),
    ("prom/prometheus", Who::User),
    ("prom/blackbox-exporter", Who::User),
    ("prom/pushgateway", Who::User),
    ("mailhog/mailhog", Who::User),
    ("dpage/pgadmin4", Who::User),
    ("keycloak/keycloak", Who::User),
    ("nginxinc/nginx-unprivileged", Who::User),
    ("jenkins/jenkins", Who::User),
    ("apache/kafka", Who::User),
    ("cassandra", Who::Becomes),
    ("clickhouse/clickhouse-server", Who::Becomes),
    ("couchdb", Who::Becomes),
    ("influxdb", Who::Becomes),
    ("mariadb", Who::Becomes),
    ("mongo", Who::Becomes),
    ("mysql", Who::Becomes),
    ("postgres", Who::Becomes),
    ("rabbitmq", Who::Becomes),
    ("redis", Who::Becomes),
    ("valkey/valkey", Who::Becomes),
    ("zookeeper", Who::Becomes),
];

fn of_image(repository: &str, tag: &str) -> Option<Who> {
    if repository.starts_with("bitnami/") || repository.starts_with("bitnamilegacy/") {
        return Some(Who::User);
    }
    // Tempo runs as a user since 2.7.
    if repository == "grafana/tempo" {
        let mut numbers = tag.split('.').map_while(|n| n.parse::<u32>().ok());
        let version = (numbers.next()?, numbers.next()?);
        return Some(if version < (2, 7) { Who::Root } else { Who::User });
    }
    let name = repository.strip_prefix("library/").unwrap_or(repository);
    IMAGES.iter().find(|(known, _)| *known == name).map(|(_, who)| *who)
}

fn repository(cx: &Cx<'_>) -> Verdict {
    composed::of_no_service(cx, "is of another's image", |container| {
        let compose = matches!(container.kind, ContainerKind::Compose { .. });
        (compose && container.build.is_none()).then(|| judge(container))
    })
}

fn judge(container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let place = container.span;
    match &container.user {
        Fact::Known { value, at, .. } => {
            let at = at.span.unwrap_or(place);
            let user = value.trim().split(':').next().unwrap_or_default();
            if matches!(user, "root" | "0") {
                asked.bad.push(Evidence::contradicts(at, "runs as root").part("said"));
            } else {
                let says = format!("runs as `{}`", clip(value));
                asked.good.push(Evidence::shows(at, says));
            }
            return asked.verdict(&container, &WORDS);
        }
        Fact::Unknown(why, at) => {
            asked.open = Some((*why, at.unwrap_or(place)));
            return asked.verdict(&container, &WORDS);
        }
        Fact::Absent => {}
    }
    let reference = container.named.as_ref();
    let who = reference.and_then(|r| of_image(&r.repository, r.tag.as_deref().unwrap_or("")));
    match who {
        Some(Who::Root) => {
            asked.bad.push(Evidence::missing_in(place, "its image runs as root").part("image"));
        }
        Some(Who::User) => {
            asked.good.push(Evidence::shows(place, "its image runs as a user"));
        }
        Some(Who::Becomes) => {
            asked.good.push(Evidence::shows(place, "its image becomes a user"));
        }
        None if container.open.is_some() => {}
        None => {
            let message = format!("as whom `{}` runs is not known here", clip(&container.name));
            let says = "only the registry knows whom its image runs as";
            return Verdict::unknown(Why::NeedsNetwork, message, Evidence::context(place, says));
        }
    }
    asked.verdict(&container, &WORDS)
}
