//! # Arguments do not become code
//!
//! No script puts what its caller gave, or what strangers wrote (a branch's name, a commit's message), into a text
//! that a shell then reads: `eval`, `sh -c "…"`, the command of `ssh`.
//!
//! A quote, a `;` or a `$(…)` in it runs. A branch may be called so by anyone who can open a pull request.
//!
//! Hand it over as an argument: `ssh host bash -s -- "$1" <<'EOF'`, `sh -c 'echo "$1"' _ "$1"`; or write it with
//! `printf %q`; or compare it with a pattern first. LOW is what a person types to run as a command (`ssh host "$@"`).
//! There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! TAG="$1"
//! ssh app@host "docker pull app:$TAG" # <- `TAG` becomes code
//! eval "run_$2" # <- `2` becomes code
//! ```
//!
//! What a forge hands over:
//!
//! `ops/ci.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! bash -c "echo building $GITHUB_HEAD_REF" # <- `GITHUB_HEAD_REF` becomes code
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! TAG="$1"
//! [[ $TAG =~ ^[0-9a-f]+$ ]] || exit 1
//! ssh app@host "docker pull app:$TAG" # <- no argument becomes code
//! ```
//!
//! Or:
//!
//! `ops/ci.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! bash -c 'echo building "$1"' _ "$GITHUB_HEAD_REF" # <- no argument becomes code
//! ```
//!
//! ## Passes
//!
//! The host, and what the script set itself:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! TAG=1.2.3
//! ssh "$1" "docker pull app:$TAG" # <- no argument becomes code
//! run() { eval "$1"; }
//! run "docker compose pull"
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker pull "app:$1"
//! ```

use crate::conditions::RUNS_CODE_OF_WORDS;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};
use crate::{codes, scripts};

pub(super) static CHECK: Check = Check {
    id: "scripts/no-interpolated-code",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CICD-SEC-4"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "OPS036", relation: Relation::Same },
            Equivalent { tool: "shellcheck", rule: "SC2029", relation: Relation::Wider },
        ],
    }],
    when: &[&RUNS_CODE_OF_WORDS],
    source: include_str!("no_interpolated_code.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    let mut name = String::new();
    for command in scripts::commands(script.program) {
        let code: Vec<usize> = codes::code(command).collect();
        if code.is_empty() {
            continue;
        }
        let given = command.expansions.iter().find(|expansion| {
            code.contains(&expansion.word)
                && codes::is_given(flow, command, expansion)
                && !codes::is_checked(flow, command, expansion)
        });
        match given {
            Some(expansion) => {
                let shown = clip(&expansion.name);
                let evidence =
                    Evidence::contradicts(command.span, format!("`{shown}` becomes code"));
                let all = matches!(expansion.name.as_str(), "@" | "*");
                open.push(if all { evidence.severity(Severity::Low) } else { evidence });
                name = if name.is_empty() { shown } else { name };
            }
            None => fine.push(Evidence::shows(command.span, "no argument becomes code")),
        }
    }
    let fails = format!("`{name}` becomes code of a shell: hand it over as an argument");
    let none = || Evidence::context(script.text.whole(), "makes no code of words");
    scripts::verdict(open, fails, fine, "arguments do not become code", none)
}
