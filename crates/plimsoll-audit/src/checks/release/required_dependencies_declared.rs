//! # What the service connects to when it starts is given to it
//!
//! For each backing service that the program connects to when it starts (a database, a cache, a
//! broker), the descriptor gives an address, by one of the variables that the program reads.
//!
//! Without it the program takes the default in its source, most often `localhost`. In a container
//! nothing listens there: the start fails, and the platform restarts it for ever.
//!
//! Set the variable and wait for the service: `MONGODB_URI` and `depends_on: mongodb: condition:
//! service_healthy`.
//!
//! It passes in part where such a service is named in `depends_on` and the address is not given,
//! or where the source's default names a service of the same compose project that is not awaited.
//! Addresses that do not come from variables are not known.
//!
//! ## Fails
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "mongoose": "8.9.5" } }
//! ```
//! `main.js`:
//! ```js
//! const mongoose = require("mongoose");
//! const uri = process.env.MONGODB_URI || "mongodb://localhost:27017/app"; // <- goes to `localhost`
//! async function start() {
//!   await mongoose.connect(uri);
//! }
//! start();
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api: # <- does not give `MONGODB_URI`
//!     build: .
//!     environment:
//!       LOG_LEVEL: info
//! ```
//!
//! ## Fixed
//!
//! `main.js`:
//! ```js
//! const mongoose = require("mongoose");
//! const uri = process.env.MONGODB_URI || "mongodb://localhost:27017/app";
//! async function start() {
//!   await mongoose.connect(uri);
//! }
//! start();
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       MONGODB_URI: mongodb://mongo:27017/app # <- gives the address
//! ```
//!
//! ## Passes
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "pg": "8.16.3" } }
//! ```
//! `main.js`:
//! ```js
//! const { Pool } = require("pg");
//! const pool = new Pool({ connectionString: process.env.DATABASE_URL });
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     environment:
//!       DATABASE_URL: ${DATABASE_URL} # <- gives the address
//! ```
//!
//! ## Partial
//!
//! Awaited, and not addressed:
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "ioredis": "5.4.2" } }
//! ```
//! `main.js`:
//! ```js
//! const Redis = require("ioredis");
//! const redis = new Redis(process.env.REDIS_URL || "redis://localhost:6379"); // <- `localhost`
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     depends_on:
//!       - redis # <- awaited
//!   redis:
//!     image: redis:7.4.2
//! ```
//!
//! ## Cannot tell
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:20-alpine
//! WORKDIR /app
//! COPY . .
//! CMD ["node", "main.js"]
//! ```
//! `package.json`:
//! ```json
//! { "name": "api", "dependencies": { "ioredis": "5.4.2" } }
//! ```
//! `main.js`:
//! ```js
//! const Redis = require("ioredis");
//! const redis = new Redis(process.env.REDIS_URL || "redis://localhost:6379");
//! ```
//! `compose.yaml`:
//! ```yaml
//! services:
//!   api:
//!     build: .
//!     env_file: production.env # <- may give
//! ```
//!
//! ## See also
//!
//! - `health/dependencies-awaited`: how what is named in `depends_on` is awaited.

use plimsoll_model::Why;
use plimsoll_model::code::{Address, Code, Opened, Resource};
use plimsoll_model::container::{Container, ContainerKind, DependsOn};
use plimsoll_source::{FileId, Span};

use crate::conditions::{CONNECTS_AT_START, HAS_DESCRIPTOR, HAS_IMAGE};
use crate::evidence::clip;
use crate::startup::{self, Start};
use crate::supplied::{Supply, supply};
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, Section, ServiceSubject,
    Severity, Status, Verdict, mending, program,
};

pub(super) static CHECK: Check = Check {
    id: "release/required-dependencies-declared",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_IMAGE, &HAS_DESCRIPTOR, &CONNECTS_AT_START],
    source: include_str!("required_dependencies_declared.rs"),
    run: Run::Service(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, service: ServiceSubject<'_>) -> Verdict {
    program::where_deployed(cx, service, |code, start| of_start(cx, service, code, start))
}

fn of_start(cx: &Cx<'_>, service: ServiceSubject<'_>, code: &Code, start: &Start<'_>) -> Verdict {
    let opens: Vec<&Opened> = code.opens.iter().filter(|open| program::is_backing(open)).collect();
    let given = |variables: &[String]| {
        let mut all = variables.iter().map(|name| supply(cx, service, start, name));
        all.find_map(|supply| match supply {
            Supply::Given(at) => Some(at),
            _ => None,
        })
    };
    let mut verdicts: Vec<Verdict> = Vec::new();
    for open in &opens {
        let Some(address) = &open.address else {
            verdicts.push(without_address(cx, service, code, start, open));
            continue;
        };
        if let Some(at) = given(&address.variables) {
            verdicts.push(Verdict::pass(
                "what the program connects to when it starts is given",
                Evidence::shows(at, "gives the address"),
            ));
            continue;
        }
        // The other way to open the same thing, where one of the two is given.
        let other =
            opens.iter().filter_map(|o| Some((o, o.address.as_ref()?))).any(|(o, other)| {
                o.at.file == open.at.file
                    && o.kind == open.kind
                    && given(&other.variables).is_some()
            });
        if !(address.default.is_absent() && other) {
            verdicts.push(not_given(cx, service, code, start, open, address));
        }
    }
    verdicts.sort_by_key(|verdict| std::cmp::Reverse(verdict.outcome.rank()));
    let worst = verdicts.first().map(|verdict| verdict.outcome.rank());
    let mut verdicts = verdicts.into_iter();
    let Some(first) = verdicts.next() else {
        return program::unread((Why::Dynamic, service.place));
    };
    let gap = program::gap(code).filter(|_| first.outcome != crate::Outcome::Fail);
    if let Some(gap) = gap {
        return program::unread(gap);
    }
    let rest = verdicts.filter(|v| Some(v.outcome.rank()) == worst);
    let mut all: Vec<Evidence> = Vec::new();
    for evidence in rest.flat_map(|verdict| verdict.evidence) {
        let mut known = first.evidence.iter().chain(&all);
        if !known.any(|one| one.place == evidence.place && one.role == evidence.role) {
            all.push(evidence);
        }
    }
    first.and_all(all)
}

/// A connection whose address is not known: it is given where all variables that its module reads
/// addresses from are.
fn without_address(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    code: &Code,
    start: &Start<'_>,
    open: &Opened,
) -> Verdict {
    let is_address = |name: &str| {
        ["_URL", "_URI", "_HOST", "_DSN", "_ADDR", "_ENDPOINT"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    let reads = code.environment.iter().filter(|read| read.at.file == open.at.file);
    let mut found = reads
        .filter(|read| is_address(&read.name))
        .map(|read| supply(cx, service, start, &read.name));
    match found.next() {
        Some(Supply::Given(at)) if found.all(|s| matches!(s, Supply::Given(_))) => Verdict::pass(
            "what the program connects to when it starts is given",
            Evidence::shows(at, "gives the address"),
        ),
        _ => Verdict::unknown(
            Why::Dynamic,
            format!("where `{}` connects to cannot be told", clip(&open.name)),
            Evidence::context(open.at, "connects"),
        ),
    }
}

fn not_given(
    cx: &Cx<'_>,
    service: ServiceSubject<'_>,
    code: &Code,
    start: &Start<'_>,
    open: &Opened,
    address: &Address,
) -> Verdict {
    let name = address.variables.first().map_or_else(|| clip(&open.name), |name| clip(name));
    let place = start.container.map_or(service.place, |container| container.span);
    let unknown = |why: Why, at: Span| {
        let message = format!("whether anything gives `{name}` cannot be told");
        Verdict::unknown(why, message, Evidence::context(at, format!("may give `{name}`")))
            .and(Evidence::context(address.at, "reads it"))
    };
    for variable in &address.variables {
        if let Supply::Open(why, at) = supply(cx, service, start, variable) {
            return unknown(why, at);
        }
    }
    let required = |read: &plimsoll_model::code::EnvironmentRead| {
        read.required && address.variables.contains(&read.name)
    };
    let missing = || Evidence::missing_in(place, format!("does not give `{name}`"));
    let via = || open.via.map(|via| Evidence::context(via, "the start leads there"));
    let depends = start.container.and_then(|container| awaited(container, open.kind));
    let fail = |says: String| {
        let evidence = Evidence::contradicts(address.at, says);
        match depends {
            Some(depends) => Verdict::partial(
                format!("`{name}` is not given, though what it means is awaited: set it"),
                evidence,
            )
            .and(missing())
            .and(Evidence::shows(depends.span, "awaited")),
            None => {
                let message = format!("the start connects to what `{name}` says: set it");
                let fail = Verdict::fail(message, evidence).and(missing()).and_all(via());
                startup::unless_elsewhere(cx, service, fail)
            }
        }
    };
    let Some(default) = address.default.known() else {
        return match &address.default {
            plimsoll_model::Fact::Unknown(why, at) => unknown(*why, at.unwrap_or(address.at)),
            _ if code.environment.iter().any(required) => {
                fail("required, and not given".to_owned())
            }
            _ => unknown(Why::NeedsRun, address.at),
        };
    };
    let host = host(default);
    if is_local(host) {
        let shared = start.container.is_some_and(|c| shares_its_network(cx, c));
        return if shared {
            unknown(Why::NeedsRun, place)
        } else {
            fail(format!("goes to `{}`", clip(host)))
        };
    }
    // A name of the source's that this compose project has.
    let in_project = start.container.is_some_and(|container| {
        let compose = matches!(container.kind, ContainerKind::Compose { .. });
        compose && cx.delivery.containers.iter().any(|c| c.kind == container.kind && c.name == host)
    });
    let named = start.container.and_then(|c| c.depends_on.iter().find(|d| d.service == host));
    match named {
        Some(depends) => Verdict::pass(
            "what the program connects to when it starts is awaited by the name that it takes",
            Evidence::shows(depends.span, format!("awaits `{}`", clip(host))),
        )
        .and(Evidence::shows(address.at, "takes this name")),
        None if in_project => Verdict::partial(
            format!("`{name}` is not given, and `{}` is not awaited: do both", clip(host)),
            Evidence::contradicts(address.at, format!("goes to `{}` by default", clip(host))),
        )
        .and(missing()),
        None => unknown(Why::NeedsRun, address.at),
    }
}

/// Whether other containers answer at this one's `localhost`: those of its pod, its host.
fn shares_its_network(cx: &Cx<'_>, container: &Container) -> bool {
    let pod = |other: &&Container| match (&container.kind, &other.kind) {
        (
            ContainerKind::Kubernetes { workload, name, .. },
            ContainerKind::Kubernetes { workload: of, name: named, init },
        ) => !init && (workload, name) == (of, named) && other.file == container.file,
        _ => false,
    };
    container.host_network.known() == Some(&true)
        || container.host_network.unknown().is_some()
        || cx.delivery.containers.iter().filter(pod).count() > 1
}

/// The host of an address: of a URL, of `host:port`.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.split(['/', '?', ',']).next().unwrap_or(rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    if rest.starts_with('[') || rest.matches(':').count() > 1 {
        return rest.trim_start_matches('[').split(']').next().unwrap_or(rest);
    }
    rest.split(':').next().unwrap_or(rest)
}

fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "::1" | "0.0.0.0") || host.starts_with("127.")
}

/// The entry of `depends_on` that means such a service, by its name.
fn awaited(container: &Container, kind: Resource) -> Option<&DependsOn> {
    const DATABASES: [&str; 9] =
        ["postgres", "pg", "mysql", "maria", "sql", "db", "database", "cockroach", "timescale"];
    const CACHES: [&str; 6] = ["redis", "valkey", "keydb", "dragonfly", "memcache", "cache"];
    const QUEUES: [&str; 9] =
        ["rabbit", "mq", "kafka", "nats", "queue", "redis", "valkey", "redpanda", "pulsar"];
    let words: &[&str] = match kind {
        Resource::Mongo => &["mongo", "ferretdb"],
        Resource::Cache => &CACHES,
        Resource::Queue => &QUEUES,
        _ => &DATABASES,
    };
    container.depends_on.iter().find(|depends| {
        let name = depends.service.to_ascii_lowercase();
        let mongo = name.contains("mongo") && kind != Resource::Mongo;
        !mongo && words.iter().any(|word| name.contains(word))
    })
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let code = program::code(cx.service_of(finding)?).ok()?;
    let files: Vec<FileId> = mending::against(finding).map(|at| at.file).collect();
    let opens = code.opens.iter().filter(|open| program::is_backing(open));
    let own = opens.filter(|open| files.contains(&open.at.file));
    let names = own.filter_map(|open| open.address.as_ref()).flat_map(|address| &address.variables);
    mending::variables(cx, finding, &names.map(String::as_str).collect())
}
