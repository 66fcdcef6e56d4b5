//! # A deployment has a way back
//!
//! Each script that deploys can go back, or another script does: the version before is kept and started when the
//! new one fails, `kubectl rollout undo`, `helm --atomic`, the other colour.
//!
//! Without it the way back is a new deployment, put together under pressure while the service is down.
//!
//! Write down what runs before it is replaced, and start that when the new one is not well. PARTIAL: only a
//! document says how.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose pull
//! docker compose up -d # <- nothing leads back
//! ```
//!
//! What is kept too late leads back to the same:
//!
//! `deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -eu
//! docker compose up -d # <- nothing leads back
//! before=$(docker inspect --format '{{.Image}}' app)
//! rollback() { docker run -d --name app "$before"; }
//! curl -fsS http://localhost:8000/healthz || rollback
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! before=$(docker inspect --format '{{.Image}}' app)
//! rollback() { docker run -d --name app "$before"; } # <- leads back
//! docker compose pull
//! docker compose up -d --wait || rollback
//! ```
//!
//! ## Passes
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! helm upgrade --install --atomic app ./chart # <- leads back
//! docker compose up -d
//! ```
//! `ops/rollback.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose pull
//! docker compose up -d
//! ```
//!
//! A script that deploys what ran before:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! cd "$(dirname "$0")/.."
//! docker compose pull
//! docker compose up -d
//! ```
//! `ops/rollback.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! cd "$(dirname "$0")/.."
//! export DIGEST=$(cat /var/lib/app/previous)
//! exec ./ops/deploy.sh # <- leads back
//! ```
//!
//! ## Partial
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose pull
//! docker compose up -d
//! ```
//! `docs/runbook.md`:
//! ````markdown
//! # Roll back
//!
//! ```sh
//! git checkout v1.2.3 # <- says how
//! docker compose up -d
//! ```
//! ````
//!
//! ## Does not apply
//!
//! `ops/up.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose ps
//! ```

use plimsoll_model::flow::{Command, Flow, Set};
use plimsoll_model::script::Program;
use plimsoll_source::Span;

use crate::conditions::SCRIPT_DEPLOYS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};
use crate::{documents, releasing, scripts};

pub(super) static CHECK: Check = Check {
    id: "release/rollback-path-exists",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &["A1.2", "CC8.1"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS013", relation: Relation::Same }],
    }],
    when: &[&SCRIPT_DEPLOYS],
    source: include_str!("rollback_path_exists.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let back = |program: &Program| -> Option<Span> {
        let deploys = |c: &Command| {
            let called = scripts::called(cx, program, c);
            called.is_some_and(|called| called.flow.commands.iter().any(releasing::starts))
        };
        let acts = |c: &&Command| {
            (releasing::starts(c) || releasing::undoes(c) || deploys(c))
                && !starts_the_same(&program.flow, c)
        };
        releasing::way_back(cx, program).find(acts).map(|command| command.span)
    };
    let by_itself = || {
        let undoes = |c: &&Command| {
            let atomic =
                c.args().iter().any(|word| word == "--atomic" || word == "--rollback-on-failure");
            releasing::undoes(c) || c.program() == "helm" && atomic
        };
        flow.commands.iter().find(undoes).map(|command| command.span)
    };
    // What ran before is kept, and used.
    let kept = || {
        let keeps = |set: &&Set| {
            let value = &set.value;
            ["docker inspect", "docker ps", "docker image", "readlink", "rev-parse"]
                .iter()
                .any(|asks| value.contains(asks))
                && ["prev", "old", "last", "before", "current", "rollback", "backup"]
                    .iter()
                    .any(|word| set.name.to_ascii_lowercase().contains(word))
        };
        let set = flow.sets.iter().find(keeps)?;
        let starts =
            |c: &Command| releasing::starts(c) || c.program() == "ln" || c.program() == "git";
        let first = flow.commands.iter().find(|command| releasing::starts(command))?;
        let used = flow.commands.iter().any(|command| {
            command.at >= set.at
                && set.at <= first.at
                && !flow.is_aside(command)
                && starts(command)
                && command.expansions.iter().any(|expansion| expansion.name == set.name)
        });
        used.then_some(set.span)
    };
    let elsewhere = || cx.operational_scripts().find_map(|other| back(other.program));
    let colours = || {
        let pairs = releasing::pairs(cx);
        let at = releasing::switches(cx, script.program).first()?.span;
        (!pairs.is_empty()).then_some(at)
    };
    let found = back(script.program).or_else(by_itself).or_else(kept);
    if let Some(at) = found.or_else(elsewhere).or_else(colours) {
        return Verdict::pass("a deployment has a way back", Evidence::shows(at, "leads back"));
    }
    if let Some((code, _)) = documents::returns(cx).first() {
        let message = "only a document says how to go back: write the script";
        return Verdict::partial(message, Evidence::shows(code.span, "says how"));
    }
    let guides = documents::guides(cx).flat_map(|document| &document.code);
    if let Some(code) = guides.into_iter().find(|code| code.fenced && documents::goes_back(code)) {
        let message = "only a document says how to go back: write the script";
        return Verdict::partial(message, Evidence::shows(code.span, "says how"));
    }
    let starts = scripts::commands(script.program).find(|command| releasing::starts(command));
    let at = starts.map_or_else(|| script.text.whole(), |command| command.span);
    let message =
        "nothing leads back from this deployment: keep what ran, start it when this fails";
    Verdict::fail(message, Evidence::contradicts(at, "nothing leads back"))
}
/// Whether a command of a way back starts what an earlier one has started: word for word, or what was
/// asked for only when the new release ran.
fn starts_the_same(flow: &Flow, back: &Command) -> bool {
    let first = flow.before(back).find(|earlier| releasing::starts(earlier));
    let late = |first: &Command| {
        back.expansions.iter().any(|expansion| {
            let mut sets =
                flow.sets.iter().filter(|set| set.name == expansion.name && set.at <= back.at);
            let last = sets.next_back();
            last.is_some_and(|set| set.at > first.at && set.value.contains("docker inspect"))
        })
    };
    first.is_some_and(|first| (&first.words, &first.env) == (&back.words, &back.env) || late(first))
}
