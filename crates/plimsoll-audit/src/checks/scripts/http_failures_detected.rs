//! # Calls over the network notice that they failed
//!
//! No `curl` whose outcome decides takes an error page for success, and none, nor `wget` or `ssh`, is told not to
//! look at the certificate or the key of the host. LOW is where no health is asked for: whether anything answers may
//! be all that is meant.
//!
//! `curl` succeeds when the server answers 500. With `-k`, or `StrictHostKeyChecking=no`, whoever stands between
//! answers in its place, and is given the password.
//!
//! Write `curl --fail`, or compare `%{http_code}`; keep the host's key in `known_hosts`. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! if curl -s -o /dev/null https://app.example.com/health; then # <- takes an error page for success
//!   echo well
//! fi
//! ssh -o StrictHostKeyChecking=no app@host uptime # <- does not look at the host's key
//! ```
//!
//! A certificate:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fsk https://app.example.com/x # <- does not look at the certificate
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! if curl --fail -s -o /dev/null https://app.example.com/health; then # <- notices
//!   echo well
//! fi
//! ssh -o StrictHostKeyChecking=accept-new app@host uptime # <- notices
//! ```
//!
//! It is looked at:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fs https://app.example.com/x # <- notices
//! ```
//!
//! ## Passes
//!
//! What is asked of the answer, and the machine itself:
//!
//! `ops/wait.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! until curl -s http://localhost:8080/health | grep -q ok; do sleep 1; done # <- notices
//! code=$(curl -s -o /dev/null -w '%{http_code}' https://app.example.com)
//! [ "$code" = 200 ] || exit 1
//! curl -k https://localhost:8443/status
//! ```
//!
//! ## Does not apply
//!
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! ```

use plimsoll_model::data;
use plimsoll_model::flow::{Command, Flow, Output};
use plimsoll_model::mend::{after, replace};

use crate::conditions::ASKS_NETWORK;
use crate::downloads::is_remote;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/http-failures-detected",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CC6.7"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS031", relation: Relation::Same }],
    }],
    when: &[&ASKS_NETWORK],
    source: include_str!("http_failures_detected.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let inside = scripts::runs_inside(cx, script.program);
    let flow = &script.program.flow;
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|command| command.is_run()) {
        if !matches!(command.program(), "curl" | "wget" | "ssh" | "scp" | "rsync" | "sftp") {
            continue;
        }
        if let Some(says) = trusts_anyone(command).filter(|_| !inside) {
            open.push(Evidence::contradicts(command.span, says));
        } else if takes_errors(flow, command) {
            let says = "takes an error page for success";
            // Whether anything answers there may be all that is asked.
            let states = ["health", "ready", "live", "status", "ping", "up"];
            let path = |word: &String| {
                word.contains("://") && states.iter().any(|state| word.contains(state))
            };
            let evidence = Evidence::contradicts(command.span, says);
            let meant = command.args().iter().any(path);
            open.push(if meant { evidence } else { evidence.severity(Severity::Low) });
        } else {
            fine.push(Evidence::shows(command.span, "notices that it failed"));
        }
    }
    let fails = "a call over the network does not notice that it failed, or whom it talks to";
    let none = || Evidence::context(script.text.whole(), "asks no other machine");
    scripts::verdict(open, fails, fine, "calls over the network notice that they failed", none)
}

/// What a command is told not to look at.
fn trusts_anyone(command: &Command) -> Option<&'static str> {
    let words = command.words.join(" ");
    let short = |c: char| {
        let mut bundles = command.args().iter().filter_map(|word| word.strip_prefix('-'));
        bundles.any(|word| !word.starts_with('-') && word.len() < 8 && word.contains(c))
    };
    let has = |name: &str| command.args().iter().any(|word| word == name);
    match command.program() {
        "curl" if has("--insecure") || short('k') => Some("does not look at the certificate"),
        "wget" if has("--no-check-certificate") => Some("does not look at the certificate"),
        "curl" | "wget" => None,
        _ => {
            let lower = words.to_ascii_lowercase();
            let off = ["stricthostkeychecking=no", "stricthostkeychecking no"];
            let off = off.iter().any(|off| lower.contains(off));
            off.then_some("does not look at the host's key")
        }
    }
    .filter(|_| is_remote(&words))
}

/// Whether the outcome of `curl` decides, and is success for every answer.
fn takes_errors(flow: &Flow, command: &Command) -> bool {
    let args = command.args();
    let long = ["--fail", "--fail-with-body", "--fail-early", "--write-out"];
    let notices = args.iter().any(|word| {
        long.iter().any(|long| word.starts_with(long))
            || word.strip_prefix('-').is_some_and(|word| {
                !word.starts_with('-') && (word.contains('f') || word.starts_with('w'))
            })
            || word.contains("http_code")
            || word == "-sw"
    });
    // What is asked of the answer is asked elsewhere; what is only reached needs no good answer.
    let unread = match flow.output(command) {
        Output::File(file) => file.target == "/dev/null",
        Output::Inherited => true,
        Output::Pipe { .. } | Output::Captured => false,
    };
    let http = args.iter().any(|word| word.contains("http") || word.contains('$'));
    command.program() == "curl"
        && command.tested
        && !notices
        && unread
        && http
        && (data::option(command, &["-o", "--output"]).is_none_or(|file| file == "/dev/null"))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "let a call fail where the answer is an error, and a host's key be kept: the first is trusted";
    let sample =
        mending::scripts::sample(cx, finding, "curl --fail --silent --show-error \"$URL\"\n");
    mending::scripts::each(cx, finding, does, sample, |program, source, at| {
        let command = mending::scripts::command(program, at)?;
        if trusts_anyone(command).is_some() {
            // Whom a certificate is of cannot be told from here.
            let off = "StrictHostKeyChecking=no";
            return Some(vec![replace(source.word(at, off)?, "StrictHostKeyChecking=accept-new")]);
        }
        takes_errors(&program.flow, command).then_some(())?;
        Some(vec![after(source.word(at, "curl")?, " --fail")])
    })
}
