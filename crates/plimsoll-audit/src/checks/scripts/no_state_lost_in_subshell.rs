//! # What a subshell sets is not read outside it
//!
//! No variable that is only set within `$(…)`, `(…)` or a part of a pipe is read by the script outside it.
//!
//! Each of these runs in a shell of its own: what it sets ends with it. `mode=$(load_state)` where
//! `load_state` also sets `COLOR` leaves `COLOR` empty, and the branch that asks for it is never taken.
//!
//! Call the function without `$(…)` and let it set what it returns, or print all values and read them:
//! `read -r mode color < <(load_state)`. There is no PARTIAL here: the value arrives, or it doesn't.
//!
//! ## Fails
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! load_state() {
//!   COLOR=green # <- sets `COLOR`
//!   echo abc123
//! }
//! sha=$(load_state) # <- what it sets is lost
//! if [[ -n "${COLOR:-}" ]]; then # <- reads `COLOR`
//!   docker compose up -d "api-$COLOR"
//! fi
//! git checkout "$sha"
//! ```
//!
//! Set by `eval` of what a program prints:
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! load() {
//!   eval "$(python3 -c 'print("STATE_MODE=blue")')" # <- sets `STATE_MODE`
//!   echo "$STATE_MODE"
//! }
//! mode=$(load) # <- what it sets is lost
//! echo "was ${STATE_MODE:-unknown}" # <- reads `STATE_MODE`
//! ```
//!
//! A loop at the end of a pipe:
//!
//! `ops/check.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! failed=0
//! docker ps -q | while read -r id; do # <- what it sets is lost
//!   docker inspect "$id" | grep -q healthy || failed=1 # <- sets `failed`
//! done
//! exit "$failed" # <- reads `failed`
//! ```
//!
//! In the background:
//!
//! `ops/check.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! well=0
//! { curl -fs localhost && well=1; } & # <- sets `well`
//! wait
//! [ "$well" = 1 ] || exit 1 # <- reads `well`
//! ```
//!
//! ## Fixed
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! load_state() {
//!   COLOR=green
//!   SHA=abc123
//! }
//! load_state
//! (cd web && name=x && npm ci) # <- nothing outside reads it
//! if [[ -n "${COLOR:-}" ]]; then
//!   docker compose up -d "api-$COLOR"
//! fi
//! git checkout "$SHA"
//! ```
//!
//! ## Passes
//!
//! Set again outside, or local:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! f() { local out=1; tmp=$out; echo "$tmp"; }
//! x=$(f) # <- nothing outside reads it
//! tmp=/srv
//! echo "$x" "$tmp"
//! ```
//!
//! It is the function's own:
//!
//! `ops/start.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! ready() {
//!   local found=0
//!   for arg in "$@"; do
//!     if [[ $found -eq 0 ]]; then found=1; fi
//!   done
//! }
//! run() { ready a; ready b; docker compose ps; }
//! echo "$(run)" # <- nothing outside reads it
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! ```
//!
//! Each function has one of its own:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! get() {
//!   local value
//!   value=$(grep "^$1=" .env | cut -d= -f2)
//!   echo "$value"
//! }
//! put() {
//!   local value=$2
//!   echo "$1=$value" >> .env
//! }
//! release=$(get RELEASE)
//! put RELEASE "$release"
//! ```
//!
//! `eval echo` asks for a value:
//!
//! `ops/secrets.sh`:
//! ```sh
//! #!/bin/sh
//! for name in $(env | cut -d= -f1); do
//!   if [ -n "$(eval echo "\$$name")" ]; then
//!     echo "$name"
//!   fi
//! done
//! ```

use std::collections::BTreeMap;

use plimsoll_model::flow::{Flow, Read, RegionId, RegionKind, Set};

use crate::conditions::SETS_IN_SUBSHELLS;
use crate::evidence::clip;
use crate::scripts::verdict;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/no-state-lost-in-subshell",
    section: Section::Scripts,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[
            Equivalent { tool: "shellcheck", rule: "SC2030", relation: Relation::Narrower },
            Equivalent { tool: "shellcheck", rule: "SC2031", relation: Relation::Narrower },
        ],
    }],
    when: &[&SETS_IN_SUBSHELLS],
    source: include_str!("no_state_lost_in_subshell.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let mut by_name: BTreeMap<&str, Vec<&Set>> = BTreeMap::new();
    for set in flow.sets.iter().filter(|set| !set.local && !in_other_program(flow, set.region)) {
        by_name.entry(&set.name).or_default().push(set);
    }
    let (mut lost, mut name) = (Vec::new(), String::new());
    for read in flow.reads.iter().filter(|read| !in_other_program(flow, read.region)) {
        let Some(sets) = by_name.get(read.name.as_str()) else { continue };
        let before = sets.partition_point(|set| set.at <= read.at);
        let Some((set, region)) = lost_before(flow, &sets[..before], read) else { continue };
        let Some((_, at)) = flow.around(region).next() else { continue };
        if name.is_empty() {
            name = clip(&read.name);
        }
        lost.push(Evidence::contradicts(at.span, "what it sets is lost"));
        lost.push(Evidence::context(set.span, format!("sets `{}`", clip(&set.name))));
        lost.push(Evidence::context(read.span, format!("reads `{}`", clip(&read.name))));
    }
    let fails =
        format!("`{name}` is set in a subshell and read outside: set it in the script itself");
    let set = flow.sets.iter().find_map(|set| {
        let (_, region) = flow.around(flow.lost_in(set.region)?).next()?;
        (!set.local).then_some(region.span)
    });
    let place = set.unwrap_or_else(|| script.text.whole());
    let shows = vec![Evidence::shows(place, "nothing outside reads it")];
    let none = || Evidence::shows(place, "nothing outside reads it");
    verdict(lost, fails, shows, "what subshells set is read only in them", none)
}

/// The last setting before a read, and the outermost subshell that keeps it from there. A name set
/// elsewhere before counts only where a part of a pipe sets it: what a function within `$(…)` sets
/// besides may be its own.
fn lost_before<'a>(flow: &Flow, sets: &[&'a Set], read: &Read) -> Option<(&'a Set, RegionId)> {
    let kept = |set: &Set| {
        flow.around(set.region)
            .all(|(id, region)| !region.loses_state() || flow.surrounds(id, read.region))
    };
    let last = *sets.last()?;
    if kept(last) {
        return None;
    }
    let lossy = flow
        .around(last.region)
        .filter(|(id, region)| region.loses_state() && !flow.surrounds(*id, read.region));
    let (id, region) = lossy.last()?;
    let piped = matches!(region.kind, RegionKind::Pipe { .. } | RegionKind::Background)
        && flow.around(last.region).take_while(|(inner, _)| *inner != id).all(|(_, region)| {
            !matches!(region.kind, RegionKind::Function { .. } | RegionKind::Substitution)
        });
    let empty = |set: &&Set| matches!(set.value.as_str(), "" | "\"\"");
    let elsewhere = sets.iter().filter(|set| kept(set) && !set.evaluated);
    (piped || elsewhere.clone().next().is_none() || elsewhere.clone().all(empty))
        .then_some((last, id))
        .filter(|_| piped || !last.value.is_empty() || last.evaluated)
}

/// Whether another program than the script runs there.
fn in_other_program(flow: &Flow, region: RegionId) -> bool {
    flow.around(region).any(|(_, region)| {
        matches!(region.kind, RegionKind::Nested { .. } | RegionKind::Trap(_))
            || matches!(region.kind, RegionKind::Function { call: None, .. })
    })
}
