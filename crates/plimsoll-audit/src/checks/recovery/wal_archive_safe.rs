//! # An archived log segment is whole, or not there
//!
//! The `archive_command` of a database doesn't copy a segment straight to its final name.
//!
//! PostgreSQL deletes a segment when the command says that it is archived. A plain `cp` that is interrupted
//! leaves a part under the right name; on the next try `test ! -f` refuses it for ever, or recovery stops
//! there.
//!
//! Copy aside and rename, `cp %p /archive/%f.part && sync /archive/%f.part && mv /archive/%f.part
//! /archive/%f`, or let a tool do it: `pgbackrest archive-push`, `wal-g wal-push`. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:16
//!     command:
//!       - "postgres"
//!       - "-c"
//!       - "archive_command=test ! -f /wal/%f && cp %p /wal/%f" # <- copies to the final name
//! ```
//!
//! In a file that is mounted:
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:16
//!     command: postgres -c config_file=/etc/postgresql.conf
//!     volumes:
//!       - ./postgresql.conf:/etc/postgresql.conf:ro
//! ```
//! `postgresql.conf`:
//! ```ini
//! archive_mode = on
//! archive_command = 'cp %p /archive/%f' # <- copies to the final name
//! ```
//!
//! ## Fixed
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:16
//!     command:
//!       - "postgres"
//!       - "-c"
//!       - "archive_command=test ! -f /wal/%f && cp %p /wal/%f.part && mv /wal/%f.part /wal/%f" # <- copies aside
//! ```
//!
//! ## Passes
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:16
//!     command: ["postgres", "-c", "archive_command=pgbackrest --stanza=app archive-push %p"] # <- a tool archives
//! ```
//!
//! ## Cannot tell
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:16
//!     command: ["postgres", "-c", "archive_command=/scripts/archive.sh %p %f"] # <- runs a script
//! ```
//!
//! ## Does not apply
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:16
//! ```

use crate::conditions::ARCHIVES_WAL;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Evidence, Part, Run, Section, Severity, Status,
    Verdict, Why, composed,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/wal-archive-safe",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&ARCHIVES_WAL],
    source: include_str!("wal_archive_safe.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    const TOOLS: [&str; 8] =
        ["pgbackrest", "wal-g", "wal-e", "barman", "rsync", "aws ", "rclone", "pg_probackup"];
    let Some((word, at)) = composed::archive_command(cx, &container) else {
        let evidence = Evidence::missing_in(container.span, "archives no log");
        return Verdict::pass("archives no log", evidence);
    };
    let command = word.split_once("archive_command").map_or(word.as_str(), |(_, command)| command);
    let copies = ["cp ", "cat ", "dd ", "gzip "].iter().any(|copy| command.contains(copy));
    let passes = "an archived segment is whole";
    if TOOLS.iter().any(|tool| command.contains(tool)) {
        Verdict::pass(passes, Evidence::shows(at, "a tool archives"))
    } else if copies && command.contains("mv ") {
        Verdict::pass(passes, Evidence::shows(at, "copies aside, then renames"))
    } else if copies {
        let message = "`cp` leaves a part of a segment when it is interrupted: copy aside, `mv`";
        Verdict::fail(message, Evidence::contradicts(at, "copies to the final name"))
    } else {
        let evidence = Evidence::context(at, "runs a script or program that is not read here");
        Verdict::unknown(
            Why::Unsupported,
            "how segments are archived is not written here",
            evidence,
        )
    }
}
