//! Images by what they are to a system's data: stores, poolers before them, consoles to them.

use crate::reference::ImageRef;

/// What an image is to the data of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It keeps data: a database, cache, queue, store of secrets or settings.
    Store,
    /// It stands before a database.
    Pooler,
    /// It shows and changes what a store holds.
    Console,
}

impl Kind {
    /// What it is called in a sentence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Store => "a datastore",
            Self::Pooler => "a database's pooler",
            Self::Console => "a datastore's console",
        }
    }
}

/// Words of the names of images that keep data.
const STORES: [&str; 70] = [
    "activemq",
    "aerospike",
    "arangodb",
    "artemis",
    "cassandra",
    "chroma",
    "chromadb",
    "clickhouse",
    "cockroach",
    "cockroachdb",
    "consul",
    "couchbase",
    "couchdb",
    "cratedb",
    "db2",
    "dgraph",
    "dragonfly",
    "dynamodb",
    "elasticsearch",
    "emqx",
    "etcd",
    "eventstore",
    "ferretdb",
    "immudb",
    "influxdb",
    "kafka",
    "keydb",
    "keyvault",
    "kvrocks",
    "lavinmq",
    "mariadb",
    "meilisearch",
    "memcached",
    "milvus",
    "minio",
    "mongo",
    "mongodb",
    "mosquitto",
    "mssql",
    "mysql",
    "nats",
    "neo4j",
    "opensearch",
    "openbao",
    "oracle",
    "orientdb",
    "percona",
    "pgvector",
    "postgis",
    "postgres",
    "postgresql",
    "pulsar",
    "qdrant",
    "questdb",
    "rabbitmq",
    "redis",
    "redpanda",
    "rethinkdb",
    "scylla",
    "seaweedfs",
    "solr",
    "surrealdb",
    "timescaledb",
    "typesense",
    "valkey",
    "vault",
    "vitess",
    "weaviate",
    "yugabyte",
    "zookeeper",
];
const POOLERS: [&str; 8] =
    ["maxscale", "odyssey", "pgbouncer", "pgcat", "pgpool", "proxysql", "supavisor", "twemproxy"];
const CONSOLES: [&str; 20] = [
    "adminer",
    "akhq",
    "cloudbeaver",
    "dbgate",
    "elasticvue",
    "kafdrop",
    "kafkaui",
    "kibana",
    "mongoexpress",
    "mongoku",
    "pgadmin",
    "pgadmin4",
    "pgweb",
    "phpmyadmin",
    "phppgadmin",
    "phpredisadmin",
    "rediscommander",
    "redisinsight",
    "redisstat",
    "sqlpad",
];
/// Words that make something else of a store's name: what measures, saves, moves or asks it.
const ASIDE: [&str; 27] = [
    "agent",
    "backup",
    "benchmark",
    "bridge",
    "cli",
    "client",
    "configure",
    "connect",
    "connector",
    "console",
    "controller",
    "dashboards",
    "dump",
    "exporter",
    "express",
    "init",
    "k8s",
    "mc",
    "migrate",
    "migrations",
    "operator",
    "proxy",
    "restore",
    "setup",
    "sync",
    "template",
    "ui",
];

/// What a reference names, by the last part of its repository.
#[must_use]
pub fn kind(reference: &ImageRef) -> Option<Kind> {
    let last = reference.name().to_ascii_lowercase();
    // `mssql/server`, `dynamodb-local`.
    let name = match &*last {
        "server" | "single-node" | "database" => reference.repository.to_ascii_lowercase(),
        _ => last,
    };
    let words: Vec<&str> =
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let joined = words.concat();
    let has = |names: &[&str]| words.iter().any(|word| names.contains(word));
    if CONSOLES.contains(&&*joined) || has(&CONSOLES) {
        Some(Kind::Console)
    } else if has(&ASIDE) {
        None
    } else if has(&POOLERS) {
        Some(Kind::Pooler)
    } else {
        has(&STORES).then_some(Kind::Store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, expected: Option<Kind>) {
        let reference = ImageRef::parse_written(image).expect("a reference");
        assert_eq!(kind(&reference), expected, "{image}");
    }

    #[test]
    fn images_by_their_names() {
        for image in [
            "postgres:17",
            "bitnami/postgresql",
            "timescale/timescaledb-ha:pg17",
            "confluentinc/cp-kafka",
            "mcr.microsoft.com/mssql/server:2022-latest",
            "${REGISTRY:-docker.io}/mongo:${TAG}",
            "amazon/dynamodb-local",
            "quay.io/minio/minio",
        ] {
            check(image, Some(Kind::Store));
        }
        check("edoburu/pgbouncer:latest", Some(Kind::Pooler));
        check("mongo-express", Some(Kind::Console));
        check("provectuslabs/kafka-ui", Some(Kind::Console));
        check("dpage/pgadmin4:9", Some(Kind::Console));
        for image in [
            "oliver006/redis_exporter",
            "minio/mc",
            "postgres-backup-local",
            "node:20",
            "haproxy:3",
        ] {
            check(image, None);
        }
    }
}
