//! # A drill asks for what the service answers
//!
//! Where a script that tries a restore compares a key of the service's JSON answer, a program of the
//! repository knows that key.
//!
//! A drill that asks `/healthz` for `.db_connected`, where the answer has `status` and `checks` only, fails
//! each time, with the best of backups. People learn to ignore it, or never run it.
//!
//! Ask for a key that the route's handler answers. There is no PARTIAL here. Reported are keys that
//! no program of the repository holds, and those that a route lacks which always answers the same.
//!
//! ## Fails
//!
//! `ops/restore_drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fsS localhost:8000/healthz > /tmp/healthz.json
//! connected=$(jq -r '.db_connected // "unknown"' /tmp/healthz.json)
//! if [[ "$connected" != "true" ]]; then # <- no program answers `db_connected`
//!   exit 1
//! fi
//! ```
//! `backend/app.py`:
//! ```python
//! def healthz():
//!     return {"status": "ok"}
//! ```
//!
//! By `jq` itself:
//!
//! `ops/restore_drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! pg_restore -e -d drill "$1"
//! curl -fsS http://localhost:8000/healthz | jq -e '.db_connected == true' > /dev/null # <- no program answers
//! ```
//! `app/main.py`:
//! ```python
//! @app.get("/healthz")
//! def healthz():
//!     return {"status": "ok"}
//! ```
//!
//! ## Fixed
//!
//! `ops/restore_drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! curl -fsS localhost:8000/healthz > /tmp/healthz.json
//! status=$(jq -r '.status // "unknown"' /tmp/healthz.json)
//! if [[ "$status" != "ok" ]]; then # <- a program knows `status`
//!   exit 1
//! fi
//! ```
//! `backend/app.py`:
//! ```python
//! def healthz():
//!     return {"status": "ok"}
//! ```
//!
//! ## Passes
//!
//! `ops/restore_drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! health=$(curl -fsS localhost:8000/healthz | jq -r '.checks')
//! test "$health" = "ok" || exit 1 # <- a program knows `checks`
//! ```
//! `web/server.js`:
//! ```js
//! app.get('/healthz', (req, res) => res.json({ checks: 'ok' }));
//! ```
//!
//! ## Cannot tell
//!
//! There is no program here:
//!
//! `ops/restore_drill.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! status=$(curl -fsS localhost:8000/healthz | jq -r '.state')
//! [[ "$status" == "ok" ]] || exit 1 # <- asks for `state`
//! ```
//!
//! ## Does not apply
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! status=$(curl -fsS localhost:8000/healthz | jq -r '.state')
//! [[ "$status" == "ok" ]] || exit 1
//! ```

use std::collections::BTreeMap;

use plimsoll_model::data;
use plimsoll_model::flow::{Command, CommandKind, Flow};
use plimsoll_source::Span;

use crate::conditions::TRIES_RESTORES;
use crate::evidence::clip;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, ScriptSubject, Section, Severity, Status,
    Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "recovery/drill-can-succeed",
    section: Section::Recovery,
    domain: Domain::ResilienceOps,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&TRIES_RESTORES],
    source: include_str!("drill_can_succeed.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let mut keys: BTreeMap<&str, Vec<(&str, Option<String>)>> = BTreeMap::new();
    for set in flow.sets.iter().filter(|set| set.value.contains("jq ")) {
        let route = route_of(flow, &set.value);
        let found = keys_of(&set.value).into_iter().map(|key| (key, route.clone()));
        keys.entry(&set.name).or_default().extend(found);
    }
    let asked = scripts::commands(script.program).filter(|command| {
        matches!(command.kind, CommandKind::Test)
            && command.words.iter().any(|word| matches!(word.as_str(), "=" | "==" | "!="))
    });
    // `jq -e` asks by itself.
    let filters = scripts::commands(script.program).filter(|command| {
        command.program() == "jq"
            && command.args().iter().any(|w| w == "-e" || w == "--exit-status")
    });
    let filters: Vec<(&Command, Option<String>)> = filters
        .filter(|command| scripts::is_heeded(flow, command))
        .map(|command| (command, fetched(&data::upstream(flow, command))))
        .collect();
    let mut asked: Vec<(&str, Span, Option<&str>)> = asked
        .flat_map(|command| {
            let reads = flow.reads.iter().filter(|read| read.at == command.at);
            let keys = reads.filter_map(|read| keys.get(&*read.name)).flatten();
            keys.map(|(key, route)| (*key, command.span, route.as_deref())).collect::<Vec<_>>()
        })
        .collect();
    for (command, route) in &filters {
        let keys = command.args().iter().flat_map(|word| keys_in(word));
        asked.extend(keys.map(|key| (key, command.span, route.as_deref())));
    }
    asked.sort();
    asked.dedup();
    let (mut missing, mut known, mut name) = (Vec::new(), Vec::new(), String::new());
    for (key, at, route) in asked {
        let answered = route.and_then(|route| scripts::constant_answer(cx, route, key));
        match answered.or_else(|| scripts::is_spoken(cx, key)) {
            Some(true) => {
                known.push(Evidence::context(at, format!("a program knows `{}`", clip(key))))
            }
            Some(false) => {
                name = clip(key);
                missing.push(Evidence::contradicts(at, format!("no program answers `{name}`")));
            }
            None => {
                let evidence = Evidence::context(at, format!("asks for `{}`", clip(key)));
                let message = "the program that the drill asks is not in the repository";
                return Verdict::unknown(Why::OutOfTree, message, evidence);
            }
        }
    }
    let fails = format!("no answer holds `{name}`: the drill always fails, ask for another key");
    let none = || Evidence::context(script.text.whole(), "compares no key of an answer");
    scripts::verdict(missing, fails, known, "the drill asks for what the service answers", none)
}

/// The route whose answer a filter reads: asked in the same pipe, or written to the file that it
/// reads.
fn route_of(flow: &Flow, text: &str) -> Option<String> {
    let fetch = flow.commands.iter().rev().find(|command| {
        let written = command.redirects.iter().find(|redirect| redirect.writes());
        let to = data::option(command, &["-o", "--output"]);
        let file = written.map(|redirect| redirect.target.as_str()).or(to);
        command.program() == "curl" && file.is_some_and(|file| text.contains(file))
    });
    let url = match fetch {
        Some(fetch) => return fetched(&[fetch]),
        None => text
            .split_whitespace()
            .skip_while(|word| *word != "curl" && !word.ends_with("curl"))
            .find(|word| word.contains('/'))?
            .trim_matches('"')
            .to_owned(),
    };
    path_of(&url)
}

/// The route that `curl` asks among these commands.
fn fetched(commands: &[&Command]) -> Option<String> {
    let curl = commands.iter().rev().find(|command| command.program() == "curl")?;
    let mut words = curl.args().iter();
    path_of(words.find(|word| word.contains('/') && !word.starts_with(['-', '/']))?)
}

/// The path of an address.
fn path_of(url: &str) -> Option<String> {
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (_, path) = url.split_once('/')?;
    let path = path.split(['?', '"', '}']).next().unwrap_or(path);
    Some(format!("/{path}"))
}

/// The keys in a filter of `jq`: `.a.b // "x"`.
fn keys_of(text: &str) -> Vec<&str> {
    keys_in(text.split_once("jq ").map_or("", |(_, filter)| filter))
}

/// The keys that a filter reads.
fn keys_in(filter: &str) -> Vec<&str> {
    let filter = filter.split(" /").next().unwrap_or(filter);
    let mut found = Vec::new();
    let mut rest = filter;
    while let Some(at) = rest.find('.') {
        let before = rest[..at].chars().next_back();
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let starts = before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '$');
        if starts && end > 1 && !rest.starts_with(|c: char| c.is_ascii_digit()) {
            found.push(&rest[..end]);
        }
        rest = &rest[end..];
    }
    found
}
