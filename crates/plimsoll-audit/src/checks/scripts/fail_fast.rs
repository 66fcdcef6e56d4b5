//! # A script stops at the first failure
//!
//! Where a script changes something, `set -e` is in force, or each change that fails is answered: `|| exit`,
//! `if`, `&&`.
//!
//! A shell goes on behind a command that failed. The `docker compose up` behind a build that broke starts
//! what was there before, and the script says that it deployed.
//!
//! Begin with `set -euo pipefail`. The fix, for review, does so where the script expects none of its commands to
//! fail, without `-u` where it may read what is not set. There is no PARTIAL here: a failing change stops the script, or it
//! doesn't.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! git pull # <- its failure stops nothing
//! docker compose up -d
//! echo done
//! ```
//!
//! A function hands the failure to who does not ask:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! update() {
//!   git pull || return 1 # <- its failure stops nothing
//!   docker compose up -d || return 1
//! }
//! update
//! echo done
//! ```
//!
//! `set -e` does not hold inside of what `if`, `!`, `&&` or `||` asks:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! deploy() {
//!   git pull --ff-only # <- its failure stops nothing
//!   docker compose up -d # <- its failure stops nothing
//!   echo deployed
//! }
//! if deploy; then echo ok; fi
//! ```
//!
//! On another machine:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! ssh app@example.com 'bash -s' <<'EOF'
//! cd /srv/app
//! git pull # <- its failure stops nothing
//! docker compose up -d
//! echo done
//! EOF
//! ```
//!
//! Statements of a file are a change:
//!
//! `ops/load.sh`:
//! ```sh
//! #!/bin/sh
//! mysql app < schema.sql # <- its failure stops nothing
//! echo done
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! git pull # <- its failure stops the script
//! docker compose up -d
//! echo done
//! ```
//!
//! ## Passes
//!
//! The last command's outcome is the function's:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! deploy() {
//!   git pull --ff-only || return 1 # <- its failure stops the script
//!   docker compose up -d # <- its failure stops the script
//! }
//! deploy || exit 1
//! ```
//!
//! Each answers for itself:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! git pull || exit 1 # <- its failure stops the script
//! docker compose build && docker compose up -d
//! ```
//!
//! By a trap; by a status that is kept and asked for; by the options of the shell:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! trap 'echo "failed in line $LINENO" >&2; exit 1' ERR
//! git pull # <- its failure stops the script
//! docker compose up -d
//! echo done
//! ```
//! `ops/release.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d # <- its failure stops the script
//! status=$?
//! echo "came to $status"
//! [ "$status" -eq 0 ] || exit "$status"
//! echo done
//! ```
//! `ops/update.sh`:
//! ```sh
//! #!/usr/bin/env -S bash -euo pipefail
//! git pull # <- its failure stops the script
//! docker compose up -d
//! echo done
//! ```
//!
//! Where it is read in:
//!
//! `install.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! source ./install/start.sh # <- is read in under `set -e`
//! ```
//! `install/start.sh`:
//! ```sh
//! docker compose pull
//! docker compose up -d
//! echo done
//! ```
//!
//! ## Cannot tell
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! . /opt/ops/common.sh # <- is not here
//! git pull
//! docker compose up -d
//! echo done
//! ```
//!
//! ## Does not apply
//!
//! `ops/status.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose ps
//! df -h
//! ```

use plimsoll_model::flow::{After, Command, RegionKind};
use plimsoll_source::Span;

use crate::conditions::CHANGES_STATE;
use crate::evidence::clip;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, Why, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/fail-fast",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC8.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "OPS001", relation: Relation::Same },
            Equivalent { tool: "catalogue", rule: "OPS038", relation: Relation::Wider },
        ],
    }],
    when: &[&CHANGES_STATE],
    source: include_str!("fail_fast.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    if let Some(at) = scripts::stops_where_sourced(cx, script.program) {
        let message = "a failure stops the script that reads it in";
        return Verdict::pass(message, Evidence::shows(at, "is read in under `set -e`"));
    }
    let (mut goes_on, mut stops) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|c| scripts::changes(flow, c)) {
        // What stands in a pipe is the pipe's to answer for.
        let lost = |c: &Command| c.if_fails == After::GoesOn && !c.tested && !c.errexit;
        // `|| return 1` hands the failure to whoever calls the function.
        let handed = flow.around(command.region).any(|(_, region)| match region.kind {
            RegionKind::Function { call: Some(call), .. } => {
                let call = flow.commands.get(call).filter(|call| lost(call));
                call.is_some_and(|call| command.masked == Some(call.span))
            }
            _ => false,
        });
        let handed = handed && command.if_fails == After::GoesOn;
        if (lost(command) || handed) && flow.pipe(command).is_none() {
            goes_on.push(Evidence::contradicts(command.span, "its failure stops nothing"));
        } else if command.stops() {
            stops.push(Evidence::shows(command.span, "its failure stops the script"));
        }
    }
    if !goes_on.is_empty()
        && let Some(file) = unread(script)
    {
        let message = "a file that is read in and not in the repository may say `set -e`";
        return Verdict::unknown(Why::OutOfTree, message, Evidence::context(file, "is not here"));
    }
    let path = clip(cx.path(script.file));
    let begun = flow.commands.iter().any(|command| command.errexit);
    let what = match begun {
        true => "goes on behind failures where `set -e` does not hold: answer each (`|| return 1`)",
        false => "goes on behind failures: begin with `set -euo pipefail`",
    };
    let fails = format!("`{path}` {what}");
    let none = || Evidence::context(script.text.whole(), "every failure is answered");
    scripts::verdict(goes_on, fails, stops, "a failure stops the script", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "stop at the first failure: what failed unnoticed until now stops the script";
    let sample = mending::scripts::sample(cx, finding, "set -euo pipefail\n");
    mending::scripts::mended(cx, finding, does, sample, |program, source, places| {
        // What runs on another machine is stopped there; what `set -e` ignores, by itself.
        let flow = &program.flow;
        let elsewhere =
            |command: &Command| command.remote || flow.before(command).any(|other| other.errexit);
        let mut commands = flow.commands.iter().filter(|command| elsewhere(command));
        match commands.any(|command| places.contains(&command.span)) {
            true => Vec::new(),
            false => mending::scripts::stop_early(program, source),
        }
    })
}

/// A script of functions and settings that is read in and not in the tree: by its name, no file of
/// variables.
fn unread(script: ScriptSubject<'_>) -> Option<Span> {
    let flow = &script.program.flow;
    let read = |command: &Command| {
        flow.regions.iter().any(|region| {
            matches!(region.kind, RegionKind::Sourced(_)) && region.span == command.span
        })
    };
    let mut sources =
        scripts::commands(script.program).filter(|c| matches!(c.program(), "source" | "."));
    let found = sources.find(|command| {
        let library = |word: &String| word.ends_with(".sh") || word.ends_with(".bash");
        command.args().first().is_some_and(library) && !read(command)
    });
    found.map(|command| command.span)
}
