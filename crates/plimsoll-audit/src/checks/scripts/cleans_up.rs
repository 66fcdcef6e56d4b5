//! # What is made for a while goes away whatever happens
//!
//! Each temporary file, lock, forwarded port and maintenance page that a script makes is undone by a trap on
//! `EXIT`.
//!
//! A script that fails in the middle leaves the lock behind, and no later run starts; or the site stays in
//! maintenance all night. Dumps in forgotten directories fill the disk, and are read.
//!
//! Write `trap 'rm -rf "$dir"' EXIT` behind the line that makes it. LOW is a temporary file. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mkdir /var/lock/deploy.lock || exit 1 # <- stays when the script fails
//! docker compose up -d
//! rmdir /var/lock/deploy.lock
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! dir=$(mktemp -d) # <- stays when the script fails
//! pg_dump app > "$dir/app.sql"
//! rm -rf "$dir"
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mkdir /var/lock/deploy.lock || exit 1
//! trap 'rmdir /var/lock/deploy.lock' EXIT # <- undoes it
//! docker compose up -d
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! dir=$(mktemp -d)
//! trap 'rm -rf "$dir"' EXIT # <- undoes it
//! pg_dump app > "$dir/app.sql"
//! ```
//!
//! ## Passes
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! lock() { mkdir /var/lock/deploy.lock; }
//! trap 'rm -rf /var/lock/deploy.lock' EXIT # <- undoes it
//! lock
//! docker compose up -d
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mkdir -p /srv/app
//! docker run -d --name app app:1
//! ```

use crate::conditions::MAKES_FOR_A_WHILE;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};
use crate::{scripts, written};

pub(super) static CHECK: Check = Check {
    id: "scripts/cleans-up",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS005", relation: Relation::Wider }],
    }],
    when: &[&MAKES_FOR_A_WHILE],
    source: include_str!("cleans_up.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let ends = ["EXIT", "0", "ERR", "RETURN"];
    let trap = flow.commands.iter().find(|command| {
        command.program() == "trap"
            && command.words.iter().skip(2).any(|signal| ends.contains(&signal.as_str()))
    });
    let made = scripts::commands(script.program)
        .filter_map(|command| Some((command, written::for_a_while(flow, command)?)));
    let evidence = made.map(|(command, severity)| match trap {
        Some(trap) => Evidence::shows(trap.span, "undoes it"),
        None => {
            Evidence::contradicts(command.span, "stays when the script fails").severity(severity)
        }
    });
    let (shows, stays) = evidence.partition(|evidence: &Evidence| !evidence.is_against());
    let fails = "what is made for a while stays when the script fails: undo it by `trap … EXIT`";
    let none = || Evidence::context(script.text.whole(), "makes nothing for a while");
    scripts::verdict(stays, fails, shows, "what is made for a while goes away", none)
}
