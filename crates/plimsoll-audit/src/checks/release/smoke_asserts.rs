//! # A smoke test can fail
//!
//! A script that is called a smoke test ends with a failure when what it asks does not answer: `curl -f`
//! under `set -e`, a test of what came back, an `exit 1`.
//!
//! Without, it prints a page of errors and says that all is well, and the deployment that calls it goes
//! on.
//!
//! `set -e` and `curl -fsS`, or `test "$status" = 200 || exit 1`.
//!
//! ## Fails
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/bin/sh
//! curl -s http://localhost:3000/healthz # <- fails in vain
//! echo done
//! ```
//!
//! It ends for want of an argument only:
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/bin/sh
//! if [ -z "$1" ]; then exit 1; fi
//! curl -s "$1/healthz" # <- fails in vain
//! echo done
//! ```
//!
//! A function whose outcome nobody asks for:
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/bin/bash
//! check() {
//!   curl -fsS "$1" > /dev/null || { echo "FAIL $1"; return 1; } # <- fails in vain
//! }
//! check http://localhost:3000/healthz
//! echo done
//! ```
//!
//! A loop in a pipe ends by itself:
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/bin/bash
//! cat urls.txt | while read -r url; do
//!   curl -fsS "$url" > /dev/null || exit 1 # <- fails in vain
//! done
//! echo done
//! ```
//!
//! ## Fixed
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! curl -fsS http://localhost:3000/healthz # <- ends it
//! echo done
//! ```
//!
//! ## Passes
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/bin/bash
//! status=$(curl -s -o /dev/null -w '%{http_code}' http://localhost:3000/readyz)
//! if [[ $status != 200 ]]; then
//!   exit 1 # <- ends it
//! fi
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d
//! ```

use plimsoll_model::flow::{After, Command, Flow, Region, RegionKind};

use crate::answers::Answers;
use crate::conditions::SCRIPT_SMOKES;
use crate::releasing::{is_client, place};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "release/smoke-asserts",
    section: Section::Safeguards,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC7.1", "CC8.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS033", relation: Relation::Same }],
    }],
    when: &[&SCRIPT_SMOKES],
    source: include_str!("smoke_asserts.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    let flow = &script.flow;
    let all: Vec<&Command> = commands(script.program).collect();
    let fails = |command: &&&Command| {
        let asks = command.words.iter().any(|word| {
            let short = word.starts_with('-') && !word.starts_with("--") && word.contains('f');
            short || word.starts_with("--fail")
        }) || command.program() != "curl";
        is_client(command) && asks && command.stops()
    };
    // What ends it before anything was asked (a missing argument) says nothing of the answer.
    let first = all.iter().find(|command| is_client(command)).map_or(0, |command| command.at);
    let ends = |command: &&&Command| {
        let ends = matches!(command.program(), "exit" | "return" | "false");
        let says = command.args().first().is_some_and(|status| status != "0");
        let tests =
            matches!(command.program(), "grep" | "test" | "[" | "[[" | "jq" | "python3" | "node");
        let conditions = flow.around(command.region).flat_map(|(_, region)| match &region.kind {
            RegionKind::Branch(conditions) => conditions.as_slice(),
            _ => &[],
        });
        let mut conditions = conditions.peekable();
        let asked = match conditions.peek() {
            Some(_) => conditions.any(|condition| condition.to > first),
            None => command.at > first,
        };
        asked && (ends && says && counts(flow, command) || tests && command.stops())
    };
    // What is said when it goes is what remains.
    let waved = |command: &Command| {
        let at_exit = |region: &Region| match &region.kind {
            RegionKind::Trap(signals) => signals.iter().any(|s| matches!(s.as_str(), "EXIT" | "0")),
            _ => false,
        };
        command.program() == "exit"
            && command.args().first().is_some_and(|status| status == "0")
            && flow.around(command.region).any(|(_, region)| at_exit(region))
    };
    if let Some(end) = flow.commands.iter().find(|command| waved(command)) {
        answers.bad(end.span, "ends well whatever was found");
    }
    match all.iter().find(fails).or_else(|| all.iter().find(ends)) {
        Some(command) => answers.good(place(cx, flow, command), "ends it with a failure"),
        None if !flow.complete => {
            let at = cx.start_of(script.file);
            answers.unsure(Why::TooLarge, at, "is not read to its end");
        }
        None => {
            if let Some(asks) = all.iter().find(|command| is_client(command)) {
                answers.bad(place(cx, flow, asks), "fails in vain: nothing ends the script");
            }
        }
    }
    answers.joined(
        "a smoke test cannot fail: `set -e` and `curl -f`, or test what came back",
        "smoke tests can fail",
        "it cannot be told whether the smoke test can fail",
    )
}

/// Whether a failure that a command says is one of the script: `return` in a function whose call can
/// fail, `exit` in a subshell whose outcome counts.
fn counts(flow: &Flow, command: &Command) -> bool {
    let aside = |kind: &RegionKind| matches!(kind, RegionKind::Subshell | RegionKind::Pipe { .. });
    let mut around = flow.around(command.region);
    if command.program() == "exit" {
        return command.errexit || !around.any(|(_, region)| aside(&region.kind));
    }
    let call = around.find_map(|(_, region)| match region.kind {
        RegionKind::Function { call, .. } => Some(call.and_then(|call| flow.commands.get(call))),
        _ => None,
    });
    call.is_none_or(|call| call.is_some_and(|call| call.if_fails != After::GoesOn || call.tested))
}
