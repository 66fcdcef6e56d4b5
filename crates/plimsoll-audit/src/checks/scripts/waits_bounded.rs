//! # A wait ends
//!
//! Each loop that waits for a service has an end: it counts, looks at the time, or stands within `timeout`.
//!
//! `until pg_isready; do sleep 1; done` waits for ever when the database never comes: the deployment hangs
//! with half of it changed, and the pipeline holds its lock until someone looks.
//!
//! Count the tries and fail (`for i in $(seq 60)`), or let the tool do it: `docker compose up --wait
//! --wait-timeout 60`, `timeout 60 bash -c 'until …'`. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! until docker compose exec -T db pg_isready; do # <- waits for ever
//!   sleep 2
//! done
//! ```
//!
//! Its body asks for the status:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! status=
//! while [ "$status" != 200 ]; do # <- waits for ever
//!   status=$(curl -s -o /dev/null -w '%{http_code}' localhost:8000/healthz)
//!   sleep 1
//! done
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! tries=0
//! until docker compose exec -T db pg_isready; do # <- has an end
//!   tries=$((tries + 1))
//!   [ "$tries" -lt 30 ] || exit 1
//!   sleep 2
//! done
//! ```
//!
//! ## Passes
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! timeout 60 bash -c 'until curl -fs localhost:8000/healthz; do sleep 1; done' # <- has an end
//! ```
//!
//! It counts as it waits:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! n=0
//! while [ $n -lt 60 ] && ! curl -fs localhost; do # <- has an end
//!   n=$((n + 1))
//!   sleep 1
//! done
//! ```
//!
//! It counts down:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! tries=30
//! until curl -fs localhost; do # <- has an end
//!   ((tries--)) || exit 1
//!   sleep 1
//! done
//! ```
//!
//! ## Does not apply
//!
//! `ops/logs.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! while read -r line; do echo "$line"; done < list
//! for i in $(seq 30); do pg_isready && break; sleep 1; done
//! ```

use plimsoll_model::flow::{Command, CommandKind, RegionKind};

use crate::conditions::WAITS;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/waits-bounded",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS012", relation: Relation::Same }],
    }],
    when: &[&WAITS],
    source: include_str!("waits_bounded.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut forever, mut ends) = (Vec::new(), Vec::new());
    for (id, region) in scripts::waits(flow) {
        let counts = |command: &Command| {
            let words = command.words.join(" ");
            let compares = ["-lt", "-le", "-gt", "-ge", "-eq", "-ne", "<", ">", "=="];
            // `((tries--)) || exit 1` ends at zero.
            let steps = command.kind == CommandKind::Arithmetic
                && command.tested
                && (words.contains("--") || words.contains("-="));
            steps
                || matches!(command.kind, CommandKind::Test | CommandKind::Arithmetic)
                    && compares.iter().any(|op| words.contains(op))
                    && (words.contains("SECONDS")
                        || words.chars().any(|c| c.is_ascii_digit())
                        || words.contains('$'))
        };
        let condition = match &region.kind {
            RegionKind::Loop { condition: Some(condition) } => condition,
            _ => continue,
        };
        let asked = flow.commands.get(condition.from..condition.to).unwrap_or_default();
        let sets = flow.sets.iter().any(|set| flow.surrounds(id, set.region));
        let steps = |command: &Command| {
            sets || command.words.iter().any(|w| w.contains("SECONDS") || w.contains("date"))
        };
        let mut within = asked.iter().chain(flow.within(id));
        let bounded = within.any(|command| counts(command) && steps(command));
        let timed = scripts::is_timed(flow, id);
        let says = if bounded || timed { "has an end" } else { "waits for ever" };
        if bounded || timed {
            ends.push(Evidence::shows(region.span, says));
        } else {
            forever.push(Evidence::contradicts(region.span, says));
        }
    }
    let fails = "a wait never ends when the service never comes: count the tries, then fail";
    let none = || Evidence::context(script.text.whole(), "waits in no loop");
    scripts::verdict(forever, fails, ends, "each wait ends", none)
}
