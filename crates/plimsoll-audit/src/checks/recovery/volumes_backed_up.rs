//! # What databases keep is backed up
//!
//! Each database of compose that keeps data is backed up by something of this repository: a dump by a script or a
//! job of a pipeline, a container that takes backups, an archive of its volume.
//!
//! A volume outlives its container, not its disk.
//!
//! Dump it every night and send it away. PARTIAL: only a document says how. It is of medium severity where nothing
//! in the repository deploys: whoever runs it may back it up.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db: # <- nothing backs it up
//!     image: postgres:17
//!     volumes: ["data:/var/lib/postgresql/data"]
//! volumes: { data: {} }
//! ```
//!
//! Pages that the product serves tell its users about theirs:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db: # <- nothing backs it up
//!     image: postgres:17
//!     volumes: ["data:/var/lib/postgresql/data"]
//! volumes: { data: {} }
//! ```
//! `templates/docs/bash.md`:
//! ````markdown
//! # Signalling from scripts
//!
//! ```sh
//! pg_dump somedb > somedb.sql && curl https://ping.example/1
//! ```
//! ````
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose exec -T db pg_dump -U app app > /srv/backups/app.sql # <- backs it up
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: mariadb:11
//!     volumes: ["data:/var/lib/mysql"]
//!   keeper:
//!     image: offen/docker-volume-backup:v2 # <- backs it up
//!     volumes: ["data:/backup/data:ro"]
//! volumes: { data: {} }
//! ```
//!
//! ## Partial
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17
//!     volumes: ["data:/var/lib/postgresql/data"]
//! volumes: { data: {} }
//! ```
//! `README.md`:
//! ````markdown
//! # Backup
//!
//! ```sh
//! docker compose exec db pg_dump app > app.sql # <- says how
//! ```
//! ````
//!
//! ## Does not apply
//!
//! `Dockerfile`:
//! ```dockerfile
//! FROM alpine:3.22
//! ```

use plimsoll_model::container::{Container, Mount, MountKind};
use plimsoll_model::data;
use plimsoll_model::pipeline::RoleKind;
use plimsoll_source::Span;

use super::durable_datastore_volumes::kept;
use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::once::BackedUp;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict,
};
use crate::{composed, documents, releasing, workflows};

pub(super) static CHECK: Check = Check {
    id: "recovery/volumes-backed-up",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["A1.2", "CC7.5"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP058", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("volumes_backed_up.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "is not backed up by anything here: dump it every night, and send it away",
    partial: "is backed up by hand, as a document says",
    pass: "what databases keep is backed up",
    none: "keeps no data that is known of",
};

/// Words of the names of images that keep data, and the programs that take it out.
const DUMPERS: [(&str, &[&str]); 4] = [
    (
        "postgres postgis pgvector timescaledb",
        &["pg_dump", "pg_dumpall", "pg_basebackup", "pgbackrest", "wal-g", "barman"],
    ),
    (
        "mysql mariadb percona",
        &["mysqldump", "mariadb-dump", "mariadb-backup", "xtrabackup", "mysqlpump", "mydumper"],
    ),
    ("mongo", &["mongodump"]),
    ("cockroach", &["cockroach"]),
];

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    // What a queue holds is worked off, not kept.
    let Some((word, _)) = kept(cx, &container).find(|(word, _)| *word != "rabbitmq") else {
        return asked.verdict(&container, &WORDS);
    };
    let keeps = |mount: &Mount| matches!(mount.kind, MountKind::Bind | MountKind::Volume);
    let keeps = container.mounts.iter().any(keeps);
    if container.job || !composed::is_store(&container) || !keeps {
        return asked.verdict(&container, &WORDS);
    }
    let row = DUMPERS.iter().position(|(words, _)| words.split(' ').any(|name| name == word));
    let row = row.unwrap_or(DUMPERS.len());
    let kept = || match by_container(cx, &container) {
        Some(at) => BackedUp::By(at),
        None => cx.once(|once| &once.dumps[row], || of_database(cx, row)),
    };
    match kept() {
        BackedUp::By(at) => asked.good.push(Evidence::shows(at, "backs it up")),
        BackedUp::Told(at) => asked.partly.push(Evidence::shows(at, "says how")),
        BackedUp::Not { deploys } => {
            let evidence = Evidence::missing_in(container.span, "nothing backs it up");
            asked.bad.push(if deploys { evidence } else { evidence.severity(Severity::Medium) });
        }
    }
    asked.verdict(&container, &WORDS)
}

/// What keeps the data of the databases of a row of [`DUMPERS`], or of none.
fn of_database(cx: &Cx<'_>, row: usize) -> BackedUp {
    let dumpers = DUMPERS.get(row).map_or(&[][..], |row| row.1);
    if let Some(at) = by_command(cx, dumpers) {
        return BackedUp::By(at);
    }
    // What lies among the pages that the product serves is written for those who use it.
    let served = |path: &str| {
        path.split('/').any(|part| matches!(part, "templates" | "static" | "public" | "assets"))
    };
    let own = documents::guides(cx).filter(|document| !served(cx.path(document.file)));
    let mut code = own.flat_map(|document| &document.code);
    let says = |text: &str| dumpers.iter().any(|dumper| text.contains(dumper));
    if let Some(code) = code.find(|code| says(&code.text)) {
        return BackedUp::Told(code.span);
    }
    let deploys = releasing::deployers(cx).next().is_some()
        || workflows::steps(workflows::started(cx))
            .any(|(.., step)| step.roles.iter().any(|role| role.kind == RoleKind::Deploy));
    BackedUp::Not { deploys }
}

/// A container of compose that takes backups: it mounts the same, or its name says so.
fn by_container(cx: &Cx<'_>, container: &Container) -> Option<Span> {
    const NAMES: [&str; 11] = [
        "backup",
        "backups",
        "backrest",
        "pgbackrest",
        "barman",
        "restic",
        "borg",
        "borgmatic",
        "duplicati",
        "kopia",
        "dump",
    ];
    let says = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| NAMES.iter().any(|name| word.eq_ignore_ascii_case(name)))
    };
    let shown = |other: &Container| match other.image.known() {
        Some(image) if says(image) => other.image.span(),
        _ => says(&other.name).then_some(other.span),
    };
    let all = || releasing::composed(cx).filter_map(|other| Some((other.span, shown(other)?)));
    let keepers = cx.once(|once| &once.keepers, || all().collect());
    keepers.iter().find(|(own, _)| *own != container.span).map(|(_, at)| *at)
}

/// Where a script or a step of a pipeline takes its data out, or archives volumes.
fn by_command(cx: &Cx<'_>, dumpers: &[&str]) -> Option<Span> {
    let program = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or(word);
        dumpers.contains(&name)
    };
    let of_scripts = cx.delivery.programs.iter().find_map(|script| {
        let dump = data::dumps(&script.flow).find(|dump| {
            dump.words.iter().any(program)
                || data::keeps(dump)
                || matches!(dump.program(), "tar" | "cp" | "rsync" | "docker" | "podman")
        });
        dump.map(|dump| dump.span)
    });
    of_scripts.or_else(|| {
        let steps = workflows::steps(workflows::started(cx));
        let mut commands = steps.flat_map(|(.., step)| &step.commands);
        let found = commands.find(|command| command.words.iter().any(program));
        found.map(|command| command.span)
    })
}
