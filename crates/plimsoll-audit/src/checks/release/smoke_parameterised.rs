//! # A check after a deployment asks what was deployed
//!
//! Scripts that deploy, roll back or check what was deployed take the address from whoever starts them:
//! no `curl https://shop.org/healthz`, and no `${BASE_URL:-https://shop.org}`, which asks production
//! wherever the variable is forgotten.
//!
//! A check of staging that asks production says that all is well, whatever was deployed. So does one of
//! the new colour that asks the name in front of both.
//!
//! `"${BASE_URL:?}"`, or `base=${1:?address}`. Addresses of this machine and of containers are no public
//! ones; those of others (a webhook, a download) are not asked here.
//!
//! ## Fails
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! docker compose up -d
//! curl -fsS https://shop.org/healthz # <- written out
//! ```
//!
//! Or:
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! BASE_URL=${BASE_URL:-https://shop.org} # <- by default
//! curl -fsS "$BASE_URL/readyz"
//! ```
//!
//! Whatever the path, and by a variable:
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! site=https://www.shop.org # <- `www.shop.org` is written out
//! curl -fsS "$site/" > /dev/null
//! ```
//!
//! ## Fixed
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! BASE_URL=${BASE_URL:?}
//! docker compose up -d
//! curl -fsS "$BASE_URL/healthz" # <- asks
//! ```
//!
//! Or:
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! BASE_URL=${BASE_URL:?}
//! curl -fsS "$BASE_URL/readyz" # <- asks
//! ```
//!
//! ## Passes
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! base=${1:-http://localhost:8080}
//! curl -fsS "$base/readyz" # <- asks
//! ```
//!
//! ## Does not apply
//!
//! `ops/clean.sh`:
//! ```sh
//! #!/bin/sh
//! docker image prune -f
//! ```

use std::collections::BTreeSet;

use plimsoll_model::data;
use plimsoll_model::flow::{Command, Flow, Read};
use plimsoll_model::mend::replace;

use crate::answers::Answers;
use crate::conditions::SCRIPT_CHECKS_A_DEPLOYMENT;
use crate::evidence::clip;
use crate::proxies::is_public;
use crate::releasing::{is_client, text_at};
use crate::scripts::{commands, is_named};
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "release/smoke-parameterised",
    section: Section::Safeguards,
    domain: Domain::CiCdMaturity,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/smoke-parameterised",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_CHECKS_A_DEPLOYMENT],
    source: include_str!("smoke_parameterised.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    let asks: Vec<&Command> = commands(script.program).filter(|c| is_client(c)).collect();
    let ours = hosts(cx);
    // A check asks what was deployed, whatever the path; a deployment fetches and tells besides.
    let checks = is_named(cx, script.program, &["smoke", "verify", "healthcheck", "probe"]);
    for command in &asks {
        let mut literal = command.words.iter().filter_map(|word| {
            let written = text_at(cx, command.span)?;
            let (host, path) = url(word)?;
            let well = STATES.iter().any(|state| path.contains(state));
            let meant = ours.contains(host) || well || checks && only_asks(&script.flow, command);
            // A default is said where it stands, and so is what a variable is set to.
            let set = script.flow.sets.iter().rev().find(|set| {
                set.at <= command.at
                    && url(set.value.trim_matches(['"', '\''])).is_some_and(|u| u.0 == host)
            });
            let at = if written.contains(host) { command.span } else { set?.span };
            meant.then_some((host, at))
        });
        match literal.next() {
            Some((host, at)) => answers.bad(at, format!("`{}` is written out", clip(host))),
            None => answers.good(command.span, "asks what it is given, or what is beside it"),
        }
    }
    let set = |read: &&Read| {
        read.op.as_ref().is_some_and(|(op, word)| {
            let host = matches!(op.as_str(), ":-" | "-" | ":=" | "=").then(|| url(word)).flatten();
            host.is_some_and(|(host, _)| ours.contains(host) || is_address(&read.name))
        })
    };
    for read in script.flow.reads.iter().filter(set) {
        let says = format!("`{}` is production's by default", clip(&read.name));
        answers.push_bad(Evidence::contradicts(read.span, says).severity(Severity::Low));
    }
    answers.joined(
        "a check after a deployment asks a fixed public address: demand it as an argument",
        "checks after a deployment ask what they are given",
        "it cannot be told what is asked",
    )
}

/// Whether a command neither keeps what it fetches, nor hands it to a program, nor sends anything.
fn only_asks(flow: &Flow, command: &Command) -> bool {
    const SENDS: [&str; 8] =
        ["-d", "--data", "--data-raw", "--data-binary", "--json", "-F", "-T", "-O"];
    let sends = command.args().iter().any(|word| SENDS.contains(&word.as_str()));
    let kept = data::option(command, &["-o", "--output"]).is_some_and(|to| to != "/dev/null");
    let next = data::downstream(flow, command);
    let run = next.iter().any(|next| matches!(next.program(), "sh" | "bash" | "tar" | "sudo"));
    !sends && !kept && !run
}

const STATES: [&str; 6] = ["/health", "/ready", "/live", "/ping", "/status", "/version"];

/// Whether a variable is named after an address of what is deployed.
fn is_address(name: &str) -> bool {
    const OURS: [&str; 9] =
        ["API", "WEB", "APP", "BASE", "SITE", "HEALTH", "TARGET", "FRONTEND", "BACKEND"];
    let upper = name.to_ascii_uppercase();
    let mut parts = upper.split('_');
    (upper.ends_with("URL") || upper.ends_with("HOST") || upper.ends_with("ORIGIN"))
        && parts.any(|part| OURS.contains(&part))
}

/// The host and the path of a public address.
fn url(word: &str) -> Option<(&str, &str)> {
    let rest = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"))?;
    let end = rest.find(['/', '?', '}', '"', ':']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    (is_public(host) && !host.contains(['$', '{', '<'])).then_some((host, path))
}

/// Names that sites of this repository answer to.
fn hosts(cx: &Cx<'_>) -> BTreeSet<String> {
    let sites = cx.delivery.proxies.iter().flat_map(|proxy| &proxy.sites);
    sites.flat_map(|site| site.hosts.iter().cloned()).collect()
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "demand the address as BASE_URL: whoever starts it has to set it";
    let sample = mending::scripts::sample(cx, finding, "BASE_URL=${BASE_URL:?}\n");
    mending::scripts::mended(cx, finding, does, sample, |program, source, places| {
        let flow = &program.flow;
        let taken = flow.sets.iter().any(|set| set.name == "BASE_URL")
            || flow.reads.iter().any(|read| read.name == "BASE_URL");
        let (mut edits, mut origins) = (Vec::new(), BTreeSet::new());
        for &at in places {
            if let Some(read) = flow.reads.iter().find(|read| read.span == at) {
                edits.push(replace(at, format!("${{{}:?}}", read.name)));
                continue;
            }
            let Some(command) = mending::scripts::command(program, at) else { continue };
            for word in command.words.iter().filter(|word| url(word).is_some()) {
                let Some(place) = source.word(at, word) else { continue };
                let Some((host, path)) = url(word) else { continue };
                let scheme = word.split("//").next().unwrap_or_default();
                origins.insert(format!("{scheme}//{host}"));
                edits.push(replace(place, format!("\"$BASE_URL{path}\"")));
            }
        }
        match (origins.len(), taken) {
            (0, _) => edits,
            (1, false) => {
                edits.extend(source.begin_with("BASE_URL=${BASE_URL:?}"));
                edits
            }
            _ => Vec::new(),
        }
    })
}
