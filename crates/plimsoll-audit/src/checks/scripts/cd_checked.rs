//! # What deletes here knows that it is there
//!
//! No command that deletes, unpacks or cleans by relative paths follows a `cd` whose failure stops nothing.
//!
//! When the directory is gone, `cd` fails and the script goes on where it stood: `rm -rf ./*` then deletes that
//! directory.
//!
//! Write `cd "$DIR" || exit 1`, or begin with `set -e`; or name the paths in full. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! cd /srv/app/cache # <- may fail, and the script goes on
//! rm -rf ./*
//! ```
//!
//! ## Fixed
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! cd /srv/app/cache || exit 1 # <- its failure is noticed
//! rm -rf ./*
//! ```
//!
//! ## Passes
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! cd /srv/app/cache # <- its failure is noticed
//! rm -rf ./*
//! ```
//!
//! In one line, and with whole paths:
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! cd /srv/app && git clean -fd # <- its failure is noticed
//! cd /srv/old
//! rm -rf /srv/old/cache
//! ```
//!
//! ## Does not apply
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! rm -rf /srv/app/cache
//! ```

use plimsoll_model::flow::{After, Command};

use crate::conditions::CHANGES_DIRECTORY;
use crate::scripts::{self, deletes_trees};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/cd-checked",
    section: Section::Scripts,
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
            Equivalent { tool: "catalogue", rule: "OPS009", relation: Relation::Same },
            Equivalent { tool: "shellcheck", rule: "SC2164", relation: Relation::Wider },
        ],
    }],
    when: &[&CHANGES_DIRECTORY],
    source: include_str!("cd_checked.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    for cd in scripts::commands(script.program).filter(|command| command.program() == "cd") {
        let unnoticed = cd.if_fails == After::GoesOn && !cd.tested && !cd.errexit;
        // The script's own directory is there.
        let own = cd.args().iter().any(|word| {
            word.contains("dirname") || word.contains("BASH_SOURCE") || word == "-" || word == "/"
        });
        let known = cd.words.get(1).is_some_and(|word| word.starts_with("./"));
        let acts =
            flow.after(cd).iter().take_while(|later| later.program() != "cd").find(|later| {
                acts_here(later) && flow.passes(cd, later) && flow.pipe(cd).is_none()
            });
        match acts {
            Some(later) if unnoticed && !own && !known => {
                open.push(Evidence::contradicts(cd.span, "may fail, and the script goes on"));
                open.push(Evidence::context(later.span, "acts wherever that is"));
            }
            _ => fine.push(Evidence::shows(cd.span, "its failure is noticed, or does no harm")),
        }
    }
    let fails = "deletes or unpacks after a `cd` that may have failed: write `cd … || exit 1`";
    let none = || Evidence::context(script.text.whole(), "changes no directory");
    scripts::verdict(open, fails, fine, "what deletes here knows that it is there", none)
}

/// Whether a command deletes or overwrites what lies where it runs.
fn acts_here(command: &Command) -> bool {
    let relative = |word: &String| {
        !word.starts_with(['-', '/', '~', '$', '"']) && !word.contains("://") && !word.is_empty()
    };
    let args = command.args();
    let has = |name: &str| args.iter().any(|word| word == name);
    match command.program() {
        "rm" => {
            args.iter().any(|word| relative(word) && (word.contains('*') || word == "."))
                || deletes_trees(command) && args.iter().any(relative)
        }
        "rsync" => args.iter().any(|word| word.starts_with("--delete")) && has("."),
        "tar" => {
            args.first().is_some_and(|word| word.contains('x') && !word.starts_with("--"))
                && !args
                    .iter()
                    .any(|word| word.starts_with("-C") || word.starts_with("--directory"))
        }
        "git" => has("clean"),
        "find" => has("-delete") && args.first().is_some_and(|word| word == "."),
        _ => false,
    }
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "end the script where the directory is not there";
    let sample = mending::scripts::sample(cx, finding, "cd \"$DIR\" || exit 1\n");
    mending::scripts::each(cx, finding, does, sample, |_, source, at| {
        Some(vec![source.or_exit(at)?])
    })
}
