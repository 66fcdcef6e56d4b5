//! # Removing old backups touches nothing else
//!
//! Each command that removes old files says which: `find` by a name or a depth, in a directory whose variable
//! cannot be empty; and none deletes what `ls` lists.
//!
//! `find "$BACKUP_DIR/" -mtime +14 -delete` with the variable empty walks the whole machine. Without `-name` it
//! deletes whatever else lies there, once it is old: the restore's notes, another service's only copy.
//!
//! Write `find "${BACKUP_DIR:?}" -maxdepth 1 -name 'app_*.gz' -mtime +14 -delete`. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/prune.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! find /srv/backups -mtime +14 -delete # <- removes whatever is old
//! ls -t /srv/backups | tail -n +8 | xargs rm # <- removes by what `ls` prints
//! ```
//!
//! A variable that may be empty:
//!
//! `ops/prune.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! find "$BACKUP_DIR/" -name '*.gz' -mtime +14 -delete # <- walks everything where `BACKUP_DIR` is empty
//! ```
//!
//! ## Fixed
//!
//! `ops/prune.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! find /srv/backups -name 'app_*.gz' -mtime +14 -delete # <- removes what it names
//! find /srv/backups -name 'app_*.sql' -mtime +60 -delete
//! ```
//!
//! Or:
//!
//! `ops/prune.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! find "${BACKUP_DIR:?}/" -name '*.gz' -mtime +14 -delete # <- removes what it names
//! ```
//!
//! ## Passes
//!
//! `ops/backup_prune.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! find /srv/backups -maxdepth 1 -type f -mtime +14 -delete # <- removes what it names
//! ```
//!
//! ## Does not apply
//!
//! `ops/prune.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! restic forget --keep-daily 7 --prune
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::Command;
use plimsoll_model::mend::replace;

use crate::conditions::REMOVES_OLD_FILES;
use crate::operands::{leading, may_be_empty, shown, variable};
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/retention-narrow",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "OPS025", relation: Relation::Same },
            Equivalent { tool: "shellcheck", rule: "SC2012", relation: Relation::Wider },
            Equivalent { tool: "shellcheck", rule: "SC2011", relation: Relation::Wider },
        ],
    }],
    when: &[&REMOVES_OLD_FILES],
    source: include_str!("retention_narrow.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    // What else grows old, sessions and caches, is deleted whole.
    let names =
        ["backup", "backups", "dump", "prune", "retention", "rotate", "snapshot", "archive"];
    let about = scripts::is_named(cx, script.program, &names);
    let of_backups = |command: &Command| {
        let text = command.words.join(" ").to_ascii_lowercase();
        about || ["backup", "dump", "snapshot", "archive", "wal"].iter().any(|w| text.contains(w))
    };
    for command in scripts::commands(script.program).filter(|c| data::prunes(flow, c)) {
        let args = command.args();
        let has = |names: &[&str]| args.iter().any(|word| names.contains(&word.as_str()));
        match command.program() {
            "find" => {
                let narrow = ["-name", "-iname", "-path", "-regex", "-maxdepth", "-samefile"];
                let empty = args.first().and_then(|word| {
                    let (expansion, rest) = leading(word)?;
                    // Within quotes, nothing is not found.
                    let walks = rest.starts_with('/')
                        || rest.is_empty() && command.expansions.iter().any(|e| e.splits);
                    (walks && may_be_empty(flow, command, expansion)).then(|| shown(expansion))
                });
                if let Some(name) = empty {
                    let says = format!("walks everything where `{name}` is empty");
                    open.push(Evidence::contradicts(command.span, says));
                } else if !has(&narrow) && of_backups(command) {
                    open.push(Evidence::contradicts(command.span, "removes whatever is old"));
                } else {
                    fine.push(Evidence::shows(command.span, "removes what it names"));
                }
            }
            "rm" => {
                let listed = data::upstream(flow, command);
                if listed.iter().any(|before| before.program() == "ls") {
                    let evidence =
                        Evidence::contradicts(command.span, "removes by what `ls` prints");
                    open.push(evidence.severity(Severity::Medium));
                } else {
                    fine.push(Evidence::shows(command.span, "removes what it names"));
                }
            }
            _ => {}
        }
    }
    let none = || Evidence::context(script.text.whole(), "removes no old backups itself");
    let fails = "removing old backups may remove more: give `find` a name, and a sure directory";
    scripts::verdict(open, fails, fine, "removing old backups touches nothing else", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "end the script where the directory has no name";
    let sample = "find \"${BACKUP_DIR:?}\" -name 'app_*.gz' -mtime +14 -delete\n";
    let sample = mending::scripts::sample(cx, finding, sample);
    mending::scripts::each(cx, finding, does, sample, |program, _, at| {
        let command = mending::scripts::command(program, at)?;
        let (expansion, _) = leading(command.args().first()?)?;
        let (name, _) = variable(expansion)?;
        may_be_empty(&program.flow, command, expansion).then_some(())?;
        let mut found = command.expansions.iter().filter(|e| e.word == 1 && e.name == name);
        let at = found.next()?.span;
        let text = cx.text_of(at)?;
        let plain = text == format!("${name}") || text == format!("${{{name}}}");
        plain.then(|| vec![replace(at, format!("${{{name}:?}}"))])
    })
}
