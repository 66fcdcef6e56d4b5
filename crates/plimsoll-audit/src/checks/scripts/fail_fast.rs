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
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! git pull || exit 1 # <- its failure stops the script
//! docker compose build && docker compose up -d
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

use plimsoll_model::flow::After;

use crate::conditions::CHANGES_STATE;
use crate::evidence::clip;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS001", relation: Relation::Same }],
    }],
    when: &[&CHANGES_STATE],
    source: include_str!("fail_fast.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut goes_on, mut stops) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|c| scripts::changes(flow, c)) {
        // What runs in a container or behind a pipe is its host's and the pipe's to answer for.
        let inner = flow.host(command).is_some() || flow.pipe(command).is_some();
        if command.if_fails == After::GoesOn && !command.tested && !command.errexit && !inner {
            goes_on.push(Evidence::contradicts(command.span, "its failure stops nothing"));
        } else if command.stops() {
            stops.push(Evidence::shows(command.span, "its failure stops the script"));
        }
    }
    let path = clip(cx.path(script.file));
    let fails = format!("`{path}` goes on behind failures: begin with `set -euo pipefail`");
    let none = || Evidence::context(script.text.whole(), "every failure is answered");
    scripts::verdict(goes_on, fails, stops, "a failure stops the script", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "stop at the first failure: what failed unnoticed until now stops the script";
    let sample = mending::scripts::sample(cx, finding, "set -euo pipefail\n");
    mending::scripts::mended(cx, finding, does, sample, |program, source, _| {
        mending::scripts::stop_early(program, source)
    })
}
