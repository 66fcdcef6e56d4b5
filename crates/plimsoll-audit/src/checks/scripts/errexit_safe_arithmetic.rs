//! # Counting does not end the script
//!
//! Under `set -e`, no `((n++))` stands alone whose variable is zero, and no `((n = 0))`.
//!
//! `((…))` fails when its value is zero, and `n++` has the value before the increment. The first success
//! that is counted ends the script, which then looks like a failure of what it tests.
//!
//! Write `n=$((n + 1))`, or `((n += 1))` where n cannot become zero. There is no PARTIAL here: the script
//! ends there, or it doesn't.
//!
//! ## Fails
//!
//! `scripts/smoke.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! passed=0 # <- is zero at first
//! pass() {
//!   echo "PASS $1"
//!   ((passed++)) # <- fails where `passed` is 0
//! }
//! ((1 + 1))
//! pass health
//! ```
//!
//! ## Fixed
//!
//! `scripts/smoke.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! passed=0
//! pass() {
//!   echo "PASS $1"
//!   passed=$((passed + 1))
//! }
//! ((1 + 1)) # <- does not end the script
//! pass health
//! ```
//!
//! ## Passes
//!
//! It starts at one:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! attempt=1
//! until curl -fs localhost; do
//!   ((attempt++)) # <- does not end the script
//! done
//! ```
//!
//! It is a condition, or its failure is caught:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! n=0
//! ((n++)) || true # <- does not end the script
//! if ((n > 3)); then exit 1; fi
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! n=0
//! ((n++))
//! ```

use plimsoll_model::flow::{Command, CommandKind, Flow};
use plimsoll_model::mend::replace;
use plimsoll_source::Span;

use crate::conditions::COUNTS;
use crate::evidence::clip;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Finding, Fix, Part, Run, ScriptSubject, Section, Severity,
    Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/errexit-safe-arithmetic",
    section: Section::Scripts,
    domain: Domain::CiCdMaturity,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&COUNTS],
    source: include_str!("errexit_safe_arithmetic.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut ends, mut fine) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        let text = match command.kind {
            CommandKind::Arithmetic => command.args().first().map_or("", String::as_str),
            _ if command.program() == "let" => command.args().last().map_or("", String::as_str),
            _ => continue,
        };
        let fatal = command.errexit && !command.tested && command.stops();
        match zero(flow, command, text).filter(|_| fatal) {
            Some((name, set)) => {
                let says = format!("fails where `{}` is 0, and ends the script", clip(&name));
                ends.push(Evidence::contradicts(command.span, says));
                ends.extend(set.map(|at| Evidence::context(at, "is zero at first")));
            }
            None => fine.push(Evidence::shows(command.span, "does not end the script")),
        }
    }
    let fails = "`((n++))` ends the script at zero under `set -e`: write `n=$((n + 1))`";
    let none = || Evidence::context(script.text.whole(), "counts otherwise");
    scripts::verdict(ends, fails, fine, "counting does not end the script", none)
}

/// The variable for which an expression is zero, and where that comes from.
fn zero(flow: &Flow, command: &Command, text: &str) -> Option<(String, Option<Span>)> {
    let text = text.trim().trim_matches(['"', '\'']);
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if let Some((name, "0")) = text.split_once('=').map(|(a, b)| (a.trim(), b.trim())) {
        return is_name(name).then(|| (name.to_owned(), None));
    }
    let name = text.strip_suffix("++").or_else(|| text.strip_suffix("--"))?.trim();
    // What it was set to last before the counting began, wherever that is.
    let mut sets = flow.sets.iter().filter(|set| set.name == name && set.at <= command.at);
    let last = sets.rfind(|set| !set.value.is_empty() || set.evaluated)?;
    (is_name(name) && matches!(last.value.trim_matches(['"', '\'']), "0" | "00"))
        .then(|| (name.to_owned(), Some(last.span)))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "count without a status";
    mending::scripts::each(cx, finding, does, None, |program, _, at| {
        mending::scripts::command(program, at)?;
        let text = cx.text_of(at)?;
        let inner = text.strip_prefix("((").and_then(|rest| rest.strip_suffix("))"))?.trim();
        let (name, sign) = match (inner.strip_suffix("++"), inner.strip_suffix("--")) {
            (Some(name), _) => (name.trim(), '+'),
            (None, Some(name)) => (name.trim(), '-'),
            (None, None) => return None,
        };
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        plain.then(|| vec![replace(at, format!("{name}=$(({name} {sign} 1))"))])
    })
}
