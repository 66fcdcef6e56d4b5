//! # What a datastore keeps outlives its container
//!
//! A database's directory of data is a named volume or a directory of the host.
//!
//! Elsewhere it lies in the container, or in a volume without a name: the next `docker compose up` with another
//! image or setting begins with an empty database.
//!
//! Mount a named volume over the directory that the image's documentation names, and back it up.
//!
//! Caches without a name for their data are not asked (Memcached, Redis where nothing says that it keeps
//! anything), nor are images whose directory is not known.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db: # <- nothing is mounted over /var/lib/postgresql
//!     image: postgres:17.2
//! ```
//!
//! Beside it:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db: # <- nothing is mounted over /var/lib/mysql
//!     image: mysql:9.1.0
//!     volumes: ["data:/data"]
//! volumes:
//!   data:
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17.2
//!     volumes:
//!       - data:/var/lib/postgresql/data # <- outlives
//! volumes:
//!   data:
//! ```
//!
//! Beside it:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: mysql:9.1.0
//!     volumes:
//!       - data:/var/lib/mysql # <- outlives
//! volumes:
//!   data:
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   queue:
//!     image: rabbitmq:4.1.0
//!     volumes:
//!       - ./rabbitmq:/var/lib/rabbitmq # <- outlives
//!   cache:
//!     image: redis:8.2.0
//! ```
//!
//! ## Cannot tell
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     extends: { file: gone.yaml, service: db } # <- Mend the file
//!     image: postgres:17.2
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
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, Why, composed, hostpath,
};
use plimsoll_model::container::{Container, MountKind};

pub(super) static CHECK: Check = Check {
    id: "recovery/durable-datastore-volumes",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP055", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("durable_datastore_volumes.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "loses its data with its container: mount a named volume",
    partial: "",
    pass: "what datastores keep outlives their containers",
    none: "keeps no data that is known of",
};

/// Words of the names of images, and where they keep their data.
const KEEPS: [(&str, &str); 27] = [
    ("arangodb", "/var/lib/arangodb3"),
    ("cassandra", "/var/lib/cassandra"),
    ("clickhouse", "/var/lib/clickhouse"),
    ("cockroach", "/cockroach/cockroach-data"),
    ("couchdb", "/opt/couchdb/data"),
    ("elasticsearch", "/usr/share/elasticsearch/data"),
    ("influxdb", "/var/lib/influxdb"),
    ("influxdb", "/var/lib/influxdb2"),
    ("influxdb", "/var/lib/influxdb3"),
    ("mariadb", "/var/lib/mysql"),
    ("meilisearch", "/meili_data"),
    ("mongo", "/data/db"),
    ("mysql", "/var/lib/mysql"),
    ("neo4j", "/data"),
    ("opensearch", "/usr/share/opensearch/data"),
    ("percona", "/var/lib/mysql"),
    ("pgvector", "/var/lib/postgresql"),
    ("postgis", "/var/lib/postgresql"),
    ("postgres", "/var/lib/postgresql"),
    ("qdrant", "/qdrant/storage"),
    ("questdb", "/var/lib/questdb"),
    ("rabbitmq", "/var/lib/rabbitmq"),
    ("scylla", "/var/lib/scylla"),
    ("solr", "/var/solr"),
    ("surrealdb", "/data"),
    ("timescaledb", "/var/lib/postgresql"),
    ("weaviate", "/var/lib/weaviate"),
];

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let reference = container.named.as_ref();
    let foreign = reference.as_ref().is_some_and(|r| r.repository.starts_with("bitnami"));
    if foreign || !composed::is_store(&container) || container.job {
        return asked.verdict(&container, &WORDS);
    }
    let dirs: Vec<&str> = kept(cx, &container).map(|row| row.1).collect();
    let Some(dir) = dirs.first() else { return asked.verdict(&container, &WORDS) };
    // The image may be told to keep its data elsewhere.
    let moved = container.env.iter().any(|var| var.name == "PGDATA");
    let mount = container.mounts.iter().find(|mount| {
        let target = mount.target.trim_end_matches('/');
        let over = |dir: &&str| hostpath::is_in(target, dir) || hostpath::is_in(dir, target);
        let covers = moved || dirs.iter().any(over);
        let kept = mount.kind == MountKind::Bind || !mount.source.is_empty();
        covers && kept && matches!(mount.kind, MountKind::Bind | MountKind::Volume)
    });
    match mount {
        Some(mount) => asked.good.push(Evidence::shows(mount.span, "outlives the container")),
        None if moved => asked.open = Some((Why::Dynamic, container.span)),
        None if container.open.is_none() => {
            let says = format!("nothing is mounted over {dir}");
            asked.bad.push(Evidence::missing_in(container.span, says));
        }
        None => {}
    }
    asked.verdict(&container, &WORDS)
}

/// Words of the name of a container's image, and where it keeps its data.
pub(super) fn kept(
    cx: &Cx<'_>,
    container: &Container,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let name = composed::image_name(cx, container).unwrap_or_default();
    KEEPS.iter().copied().filter(move |(word, _)| {
        name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == *word)
    })
}
