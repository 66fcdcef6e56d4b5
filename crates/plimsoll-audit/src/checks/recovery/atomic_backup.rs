//! # A backup gets its name when it is whole
//!
//! Each dump is written under a temporary name and moved when it succeeded, or removed when it failed.
//!
//! A dump that fails half-way leaves a file that looks like the newest backup: `gzip` closes it well, the
//! check of the newest file is content, and retention deletes the good ones behind it.
//!
//! Write to `"$file.part"` and `mv` it, or `trap 'rm -f "$file"' ERR`. Dumps that their own option writes
//! (`pg_dump --file`) are LOW: the tool says at least when it fails. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! out="/opt/backups/app_$(date +%F).sql.gz"
//! docker compose exec -T db sh -c 'pg_dump app' | gzip -c > "$out" # <- is there before it is whole
//! ```
//!
//! Copied out of the container:
//!
//! `ops/base.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose exec -T db pg_basebackup -D /tmp/base -Ft -z
//! docker compose exec -T db \
//!   cat /tmp/base/base.tar.gz > /opt/backups/base.tar.gz # <- is there before it is whole
//! ```
//!
//! It is moved although the dump failed: nothing hears of it within the pipe:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! out="/opt/backups/app_$(date +%F).sql.gz"
//! pg_dump app | gzip > "$out.part" # <- is there before it is whole
//! mv "$out.part" "$out"
//! ```
//!
//! An archive of a database's files, in a container whose mount is the host's:
//!
//! `ops/files.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! docker run --rm -v app_data:/data -v /opt/backups:/out alpine tar czf /out/data.tgz /data # <- is there before it is whole
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! out="/opt/backups/app_$(date +%F).sql.gz"
//! docker compose exec -T db sh -c 'pg_dump app' | gzip -c > "$out.part"
//! mv "$out.part" "$out" # <- names it when it is whole
//! ```
//!
//! Or:
//!
//! `ops/base.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! trap 'rm -f /opt/backups/base.tar.gz' ERR # <- removes what failed
//! docker compose exec -T db pg_basebackup -D /tmp/base -Ft -z
//! docker compose exec -T db \
//!   cat /tmp/base/base.tar.gz > /opt/backups/base.tar.gz
//! ```
//!
//! ## Passes
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump -Fc app > /opt/app.dump || { rm -f /opt/app.dump; exit 1; } # <- removes what failed
//! ```
//!
//! By a function that a trap runs:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -Eeuo pipefail
//! file="/opt/backups/app_$(date +%s).sql.gz"
//! clean() { rm -f "$file"; } # <- removes what failed
//! trap clean ERR
//! pg_dump app | gzip > "$file"
//! ```
//!
//! ## Cannot tell
//!
//! It is streamed away:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -o pipefail
//! pg_dump app | aws s3 cp - s3://backups/app.sql # <- leaves no file here
//! ```
//!
//! ## Does not apply
//!
//! `ops/restore.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_restore -d app app.dump
//! ```

use plimsoll_model::data::{self, Artifact};
use plimsoll_model::flow::{After, Command, Condition, Flow, Output, RegionKind};
use plimsoll_model::mend::replace;
use plimsoll_source::Span;

use crate::conditions::BACKS_UP;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, Why, mending,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/atomic-backup",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS021", relation: Relation::Same }],
    }],
    when: &[&BACKS_UP],
    source: include_str!("atomic_backup.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut partial, mut whole, mut none) = (Vec::new(), Vec::new(), Vec::new());
    for dump in data::dumps(flow).filter(|dump| !data::keeps(dump)) {
        let files = data::artifacts(flow, dump);
        let mut kept = files.iter().filter(|file| !file.inside).peekable();
        if kept.peek().is_none() {
            none.push(Evidence::context(dump.span, "leaves no file here"));
        }
        // What a pipe hides ends nothing, and no trap hears of it.
        let hidden = scripts::is_lost_in_pipe(flow, dump);
        for file in kept {
            if let Some(at) = named_later(flow, dump, file).filter(|_| !hidden) {
                whole.push(Evidence::shows(at, "names it when it is whole"));
            } else if let Some(at) = removed(flow, file).filter(|_| !hidden) {
                whole.push(Evidence::shows(at, "removes what failed"));
            } else {
                let evidence = Evidence::contradicts(file.by.span, "is there before it is whole");
                let own = file.by.at == dump.at && dump.redirects.is_empty();
                let own = own && !matches!(flow.output(dump), Output::File(_));
                partial.push(if own { evidence.severity(Severity::Low) } else { evidence });
            }
        }
    }
    if partial.is_empty()
        && whole.is_empty()
        && let Some(first) = none.pop()
    {
        let message = "it is not known what is left of a backup that fails half-way";
        return Verdict::unknown(Why::Unsupported, message, first).and_all(none);
    }
    let fails = "a backup that fails leaves a file that looks whole: write aside, then `mv`";
    let none = || Evidence::context(script.text.whole(), "its tool keeps only what is whole");
    scripts::verdict(partial, fails, whole, "a backup gets its name when it is whole", none)
}

/// Where a file, written under another name first, is moved to its own.
fn named_later(flow: &Flow, dump: &Command, file: &Artifact<'_>) -> Option<Span> {
    let moved = flow.after(file.by).iter().find(|later| {
        matches!(later.program(), "mv" | "cp" | "install" | "rename")
            && later.args().iter().rev().skip(1).any(|word| *word == file.path)
    })?;
    // Where a dump that fails stops nothing, it is moved all the same.
    let held = flow.around(moved.region).any(|(_, region)| match &region.kind {
        RegionKind::Branch(conditions) => {
            conditions.iter().any(|condition| condition.succeeds && within(condition, dump))
        }
        _ => false,
    });
    // A copy is named later where the first one is no backup: `mktemp`.
    let aside =
        moved.program() != "cp" || file.path.contains("mktemp") || file.path.contains("tmp");
    let stops = dump.if_fails != After::GoesOn && flow.passes(file.by, moved);
    (aside && (stops || held)).then_some(moved.span)
}

fn within(condition: &Condition, command: &Command) -> bool {
    (condition.from..condition.to).contains(&command.at)
}

/// Where a failure removes the file.
fn removed(flow: &Flow, file: &Artifact<'_>) -> Option<Span> {
    let removes = flow.commands.iter().find(|command| {
        let failing = flow.around(command.region).any(|(_, region)| match &region.kind {
            RegionKind::Trap(signals) => signals.iter().any(|s| s == "ERR" || s == "EXIT"),
            RegionKind::Branch(conditions) => {
                conditions.iter().any(|condition| !condition.succeeds && within(condition, file.by))
            }
            _ => false,
        });
        // A trap is set before what it removes has a name.
        let named = |word: &String| {
            let name = word.trim_start_matches('$').trim_matches(['{', '}']);
            let mut sets = flow.sets.iter().filter(|set| set.name == name);
            *word == file.path || word.starts_with('$') && sets.any(|set| set.value == file.path)
        };
        failing && command.program() == "rm" && command.args().iter().any(named)
    })?;
    Some(removes.span)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "write aside, and name it when it is whole";
    let sample = "pg_dump app > \"$file.part\"\nmv \"$file.part\" \"$file\"\n";
    let sample = mending::scripts::sample(cx, finding, sample);
    mending::scripts::each(cx, finding, does, sample, |program, source, at| {
        // Behind a failure nothing may be named: the script has to stop, and to see it.
        let command = mending::scripts::command(program, at)?;
        let piped = program.flow.pipe(command).is_some();
        if !command.errexit || piped && !command.pipefail {
            return None;
        }
        let (place, target) = source.output(at)?;
        let computed = target.contains("$(") || target.contains('`');
        let aside = match target.strip_suffix('"').filter(|rest| rest.starts_with('"')) {
            Some(inner) => format!("{inner}.part\""),
            None if target.contains(['"', '\'', ' ']) => return None,
            None => format!("{target}.part"),
        };
        let moved = source.follow(at, &format!("mv {aside} {target}"))?;
        (!computed).then(|| vec![replace(place, aside), moved])
    })
}
