//! # Calls over the network end
//!
//! Each `curl`, `wget`, `ssh` and `nc` of a script has a bound: `--max-time`, `--connect-timeout`, `ConnectTimeout`,
//! `-w`, or `timeout` around it.
//!
//! A host that answers nothing keeps a script for minutes or for ever: the deployment stands half done, and the
//! lock stays.
//!
//! Write `curl --max-time 10`, `ssh -o ConnectTimeout=10`. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fsS https://app.example.com/health # <- has no end
//! ssh app@host uptime # <- has no end
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fsS --max-time 10 https://app.example.com/health # <- has an end
//! timeout 60 ssh app@host uptime # <- has an end
//! ```
//!
//! ## Passes
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! ssh -o ConnectTimeout=10 app@host uptime # <- has an end
//! nc -z -w 5 db 5432
//! ```
//!
//! ## Does not apply
//!
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! ```

use crate::conditions::ASKS_NETWORK;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/network-timeouts",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Low,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS032", relation: Relation::Same }],
    }],
    when: &[&ASKS_NETWORK],
    source: include_str!("network_timeouts.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut ends) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|command| command.is_run()) {
        let (long, short): (&[&str], &str) = match command.program() {
            "curl" => (&["--max-time", "--connect-timeout", "--speed-time"], "-m"),
            "wget" => (&["--timeout", "--connect-timeout", "--read-timeout"], "-T"),
            "ssh" | "scp" => (&["ConnectTimeout", "-oConnectTimeout", "ServerAlive"], "-oC"),
            "nc" => (&["--wait"], "-w"),
            _ => continue,
        };
        let bounded = command.wrappers.contains(&"timeout")
            || scripts::is_timed(flow, command.region)
            || command.args().iter().any(|word| {
                let letter = short.trim_start_matches('-');
                let bundle = word.starts_with('-') && !word.starts_with("--") && letter.len() == 1;
                long.iter().any(|long| word.starts_with(long)) || bundle && word.contains(letter)
            });
        if bounded {
            ends.push(Evidence::shows(command.span, "has an end"));
        } else {
            open.push(Evidence::contradicts(command.span, "has no end"));
        }
    }
    let fails = "a host that answers nothing keeps the script: give the call a time";
    let none = || Evidence::context(script.text.whole(), "asks no other machine");
    scripts::verdict(open, fails, ends, "calls over the network end", none)
}
