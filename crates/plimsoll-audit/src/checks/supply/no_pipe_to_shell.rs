//! # No script runs what it downloads in one breath
//!
//! No operational script hands a download to a shell or an interpreter: `curl … | sh`, `sh -c "$(curl …)"`,
//! `bash <(curl …)`.
//!
//! Whoever can change what stands behind that address runs code on the machine, often as root; a connection that
//! breaks runs the first half. Nobody sees what ran.
//!
//! Download a release, compare its checksum, run it. An address that names a full commit is as good. PARTIAL: it
//! names a version.
//!
//! ## Fails
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! curl -fsSL https://get.example.com | sudo sh # <- is run unchecked
//! bash <(curl -s https://example.com/agent.sh) # <- is run unchecked
//! sh -c "$(wget -qO- https://example.com/x.sh)" # <- is run unchecked
//! ```
//!
//! ## Fixed
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! curl -fsSLo get.sh https://get.example.com/1.2.3/get.sh # <- is no shell
//! echo "0a1b  get.sh" | sha256sum --check
//! sh get.sh
//! ```
//!
//! ## Passes
//!
//! `ops/status.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -s https://api.example.com/state | python3 -c 'import json,sys; print(json.load(sys.stdin))' # <- is no shell
//! curl -fsSL https://raw.githubusercontent.com/o/r/0123456789abcdef0123456789abcdef01234567/x.sh | bash
//! ```
//!
//! ## Partial
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fsSL https://example.com/v1.2.3/install.sh | sh # <- names a version
//! ```
//!
//! ## Does not apply
//!
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -s http://localhost:8080/script | sh
//! ```

use crate::conditions::RUNS_DOWNLOADS;
use crate::downloads::{self, Moves};
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "supply/no-pipe-to-shell",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CICD-SEC-3", "SSDF PW.4"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "OPS029", relation: Relation::Same },
            Equivalent { tool: "semgrep", rule: "curl-pipe-bash", relation: Relation::Narrower },
            Equivalent { tool: "semgrep", rule: "curl-eval", relation: Relation::Narrower },
        ],
    }],
    when: &[&RUNS_DOWNLOADS],
    source: include_str!("no_pipe_to_shell.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut versioned, mut fine) = (Vec::new(), Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        let Some(ran) = downloads::piped(flow, command) else {
            if downloads::fetches(command) {
                fine.push(Evidence::shows(command.span, "what reads it is no shell"));
            }
            continue;
        };
        let at = ran.by.span;
        match Moves::of(&ran.address) {
            Moves::Yes => open.push(Evidence::contradicts(at, "is run unchecked")),
            Moves::Version => {
                versioned.push(Evidence::contradicts(at, "is run unchecked; names a version"));
            }
            Moves::No => fine.push(Evidence::shows(at, "names a commit")),
        }
    }
    let mut versioned = scripts::once(versioned).into_iter();
    if open.is_empty()
        && let Some(first) = versioned.next()
    {
        let message =
            "what is downloaded is run unchecked, and names a version: compare a checksum";
        return Verdict::partial(message, first).and_all(versioned);
    }
    let fails = "runs what it downloads in one breath: download a release, compare its checksum";
    let none = || Evidence::context(script.text.whole(), "runs no download");
    scripts::verdict(open, fails, fine, "no download is run in one breath", none)
}
