//! # Backups are not mounted into what faces the network
//!
//! No container mounts a directory that a backup script of the repository writes to, but those that take or
//! keep backups.
//!
//! A dump holds every row of every customer. Mounted into the application, even read-only, it is what an
//! attacker takes away with the first file that can be read.
//!
//! Mount the one file that is needed (`LAST_SUCCESS.txt`), or let the script report to the application.
//! There is no PARTIAL here.
//!
//! ## Fails
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   api:
//!     image: registry.example.com/api:1.2.3
//!     volumes:
//!       - /opt/backups/postgres:/opt/backups/postgres:ro # <- holds backups
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! BACKUP_ROOT=${BACKUP_ROOT:-/opt/backups/postgres}
//! pg_dump app > "$BACKUP_ROOT/app_$(date +%F).sql" # <- writes it
//! ```
//!
//! In the repository's own directory:
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   api:
//!     image: registry.example.com/api:1.2.3
//!     volumes:
//!       - ./backups:/backups:ro # <- holds backups
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! cd "$(dirname "$0")/.."
//! pg_dump app > backups/app.sql # <- writes it
//! ```
//!
//! ## Fixed
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   api:
//!     image: registry.example.com/api:1.2.3
//!     volumes:
//!       - /opt/backups/state/LAST_SUCCESS.txt:/run/LAST_SUCCESS.txt:ro
//!   backup:
//!     image: registry.example.com/backup:1.2.3
//!     volumes:
//!       - /opt/backups/postgres:/opt/backups/postgres # <- takes them
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! BACKUP_ROOT=${BACKUP_ROOT:-/opt/backups/postgres}
//! pg_dump app > "$BACKUP_ROOT/app_$(date +%F).sql"
//! ```
//!
//! ## Passes
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   api:
//!     image: registry.example.com/api:1.2.3
//!     volumes:
//!       - ./uploads:/uploads
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /opt/backups/app.sql # <- nothing else mounts it
//! ```
//!
//! ## Does not apply
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   api:
//!     image: registry.example.com/api:1.2.3
//!     volumes:
//!       - /opt/backups/postgres:/opt/backups/postgres:ro
//! ```

use plimsoll_model::container::{Container, MountKind};
use plimsoll_model::data;
use plimsoll_source::Span;

use crate::conditions::BACKS_UP;
use crate::evidence::clip;
use crate::scripts;
use crate::{Check, Cx, Domain, Effort, Evidence, Part, Run, Section, Severity, Status, Verdict};

pub(super) static CHECK: Check = Check {
    id: "recovery/backups-not-in-app",
    section: Section::Recovery,
    domain: Domain::ContainerSecurity,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&BACKS_UP],
    source: include_str!("backups_not_in_app.rs"),
    run: Run::Repository(run),
    fix: None,
};

fn run(cx: &Cx<'_>) -> Verdict {
    let mut written: Vec<(String, Span)> = Vec::new();
    for script in cx.operational_scripts() {
        let flow = &script.program.flow;
        for dump in data::dumps(flow) {
            for file in data::artifacts(flow, dump).iter().filter(|file| !file.inside) {
                let path = data::with_defaults(&file.path);
                let start = cx.path(script.file).rsplit_once('/').map_or("", |(dir, _)| dir);
                if let Some(path) = file.by.path_of(&file.path, start)
                    && let Some((dir, _)) = path.rsplit_once('/')
                {
                    written.push((format!("./{dir}"), file.by.span));
                }
                if let Some((dir, _)) = path.rsplit_once('/')
                    && dir.starts_with('/')
                    && dir.len() > 1
                    && !dir.contains(['$', '`'])
                {
                    written.push((dir.to_owned(), file.by.span));
                }
            }
        }
    }
    let (mut mounted, mut keeps) = (Vec::new(), Vec::new());
    let mut name = String::new();
    for container in cx.delivery.containers.iter().filter(|c| c.purpose.is_production()) {
        let more = container.optional.iter().flat_map(|overlay| &overlay.mounts);
        for mount in container.mounts.iter().chain(more) {
            let source = match &mount.tree_path {
                Some(path) => format!("./{path}"),
                None => data::with_defaults(&mount.source),
            };
            let source = source.trim_end_matches('/');
            let holds = |dir: &str| within(dir, source) || within(source, dir) && source.len() > 1;
            let Some((_, by)) = written.iter().find(|(dir, _)| holds(dir)) else { continue };
            if mount.kind != MountKind::Bind || is_file(source) {
                continue;
            }
            if keeps_backups(container) {
                keeps.push(Evidence::context(mount.span, "takes them"));
                continue;
            }
            if name.is_empty() {
                name = clip(&container.name);
            }
            mounted.push(Evidence::contradicts(mount.span, "holds backups"));
            mounted.push(Evidence::context(*by, "writes it"));
        }
    }
    let fails = format!("`{name}` can read every backup: mount only the file that it needs");
    let none = || match written.first() {
        Some((_, at)) => Evidence::shows(*at, "nothing else mounts it"),
        None => Evidence::missing_file("backup.sh", "no directory of backups is written out"),
    };
    scripts::verdict(mounted, fails, keeps, "backups are mounted where they are taken", none)
}

/// Whether `path` is `dir` or lies in it.
fn within(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.trim_start_matches('.').contains('.'))
}

/// Whether a container takes, keeps or sends backups, by its names.
fn keeps_backups(container: &Container) -> bool {
    const WORDS: [&str; 12] = [
        "backup",
        "backups",
        "postgres",
        "db",
        "database",
        "mysql",
        "mariadb",
        "mongo",
        "restic",
        "rclone",
        "sync",
        "pgbackrest",
    ];
    let image = container.image.known().map_or("", String::as_str);
    let image = image.rsplit('/').next().unwrap_or("").split([':', '@']).next().unwrap_or("");
    [&*container.name, image].iter().any(|name| {
        name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
    })
}
