//! # What scripts write of data and secrets is their owner's alone
//!
//! Each dump, `.env` file and key that a script writes is kept from others: `umask 077` before, `chmod 600`
//! behind, or a directory that only its owner enters; and no `chmod` lets everybody write.
//!
//! A dump is the whole database. With the usual `umask` every account of the machine reads it, and whatever runs
//! in a container that mounts the directory.
//!
//! Begin with `umask 077`. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump app > /srv/backups/app.sql # <- everybody can read it
//! ```
//!
//! Everybody may write:
//!
//! `ops/install.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! chmod -R 777 /srv/app/data # <- everybody may write
//! cat > /srv/app/.env <<EOF # <- everybody can read it
//! DB_PASSWORD=$DB_PASSWORD
//! EOF
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! umask 077 # <- keeps others out
//! pg_dump app > /srv/backups/app.sql
//! ```
//!
//! Or:
//!
//! `ops/install.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! chmod -R 770 /srv/app/data
//! cat > /srv/app/.env <<EOF
//! DB_PASSWORD=$DB_PASSWORD
//! EOF
//! chmod 600 /srv/app/.env # <- keeps others out
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! mkdir -p -m 700 /srv/backups # <- keeps others out
//! pg_dump app > /srv/backups/app.sql
//! ```
//!
//! ## Does not apply
//!
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d > up.log
//! chmod +x run.sh
//! ```

use crate::conditions::WRITES_PRIVATE_FILES;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};
use crate::{scripts, written};

pub(super) static CHECK: Check = Check {
    id: "scripts/artifacts-private",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC6.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS041", relation: Relation::Same }],
    }],
    when: &[&WRITES_PRIVATE_FILES],
    source: include_str!("artifacts_private.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        if written::opens(command) {
            open.push(Evidence::contradicts(command.span, "everybody may write"));
        }
        for (path, by) in written::private_files(flow, command) {
            match written::private(flow, by, &path) {
                Some(at) => closed.push(Evidence::shows(at.span, "keeps others out")),
                None => open.push(Evidence::contradicts(by.span, "everybody can read it")),
            }
        }
    }
    let fails = "data or secrets are written for everybody to read: begin with `umask 077`";
    let none = || Evidence::context(script.text.whole(), "writes neither data nor secrets");
    scripts::verdict(open, fails, closed, "what is written is its owner's alone", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does =
        "keep others out of what is written: containers that read it as another user need a say";
    let sample = mending::scripts::sample(cx, finding, "umask 077\n");
    mending::scripts::mended(cx, finding, does, sample, |program, source, places| {
        let flow = &program.flow;
        let at_places = || flow.commands.iter().filter(|command| places.contains(&command.span));
        if at_places().any(written::opens) {
            return Vec::new();
        }
        // What saves data writes nothing that others have to read.
        if scripts::is_about_backups(cx, program) {
            return source.begin_with("umask 077").into_iter().collect();
        }
        let closed = at_places().filter_map(|command| {
            let (_, target) = source.output(command.span)?;
            source.follow(command.span, &format!("chmod 600 {target}"))
        });
        closed.collect()
    })
}
