//! # Each command reads one standard input
//!
//! No command has its standard input redirected twice, or redirected at the end of a pipe.
//!
//! The last redirection wins, and nothing is said: `echo "$json" | python3 - <<'PY'` runs the program and
//! throws the data away, `python - <<'PY' <<<"$json"` runs the data as the program. A check built so reads
//! nothing and passes whatever happens, or never passes.
//!
//! Hand one of the two over in another way: `python3 -c "$program"`, a file, another descriptor
//! (`python3 /dev/fd/3 3<<'PY'`). There is no PARTIAL here: input is lost, or it isn't.
//!
//! ## Fails
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! total=$(python3 - <<'PY' <<<"$response") # <- reads only the last
//! import json, sys
//! print(json.load(sys.stdin)["total"])
//! PY
//! [ "$total" = 0 ]
//! ```
//!
//! At the end of a pipe:
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! printf '%s' "$readyz" | python3 - <<'PY' # <- what the pipe brings is lost
//! import json, sys
//! json.load(sys.stdin)
//! PY
//! cat < notes.txt
//! ```
//!
//! A loop that is redirected:
//!
//! `ops/list.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! ls | while read -r file; do # <- what the pipe brings is lost
//!   echo "$file"
//! done < list
//! ```
//!
//! ## Fixed
//!
//! `ops/smoke.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! total=$(python3 /dev/fd/3 3<<'PY' <<<"$response") # <- has one
//! import json, sys
//! print(json.load(sys.stdin)["total"])
//! PY
//! [ "$total" = 0 ]
//! ```
//!
//! Or:
//!
//! `ops/rollback.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! printf '%s' "$readyz" | python3 /dev/fd/3 3<<'PY'
//! import json, sys
//! json.load(sys.stdin)
//! PY
//! cat < notes.txt # <- has one
//! ```
//!
//! ## Passes
//!
//! A here-document alone:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose run --rm api python - <<'PY' # <- has one
//! print(1)
//! PY
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! ```

use plimsoll_model::flow::{Flow, RedirectOp, Redirection, RegionId, RegionKind};
use plimsoll_model::mend::replace;
use plimsoll_source::{Span, TextRange};

use crate::conditions::REDIRECTS_INPUT;
use crate::scripts::verdict;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/one-stdin",
    section: Section::Scripts,
    domain: Domain::CiCdMaturity,
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
            Equivalent { tool: "shellcheck", rule: "SC2259", relation: Relation::Narrower },
            Equivalent { tool: "shellcheck", rule: "SC2261", relation: Relation::Narrower },
        ],
    }],
    when: &[&REDIRECTS_INPUT],
    source: include_str!("one_stdin.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut twice, mut once) = (Vec::new(), Vec::new());
    for command in &flow.commands {
        let feeds = command.redirects.iter().filter(|redirect| reads(redirect)).count();
        let piped = behind_a_pipe(flow, command.region);
        match (feeds, piped) {
            (2.., _) => twice.push(Evidence::contradicts(command.span, "reads only the last")),
            (1, true) => {
                twice.push(Evidence::contradicts(command.span, "what the pipe brings is lost"));
            }
            (1, false) => once.push(Evidence::shows(command.span, "has one standard input")),
            _ => {}
        }
    }
    for region in &flow.regions {
        if let RegionKind::Redirected(redirects) = &region.kind
            && redirects.iter().any(reads)
            && region.parent.is_some_and(|parent| behind_a_pipe(flow, parent))
        {
            twice.push(Evidence::contradicts(region.span, "what the pipe brings is lost"));
        }
    }
    let fails = "a command has two standard inputs, and reads one: hand the other over otherwise";
    let none = || Evidence::context(script.text.whole(), "no command has two standard inputs");
    verdict(twice, fails, once, "each command reads one standard input", none)
}

fn reads(redirect: &Redirection) -> bool {
    redirect.feeds() && redirect.op != RedirectOp::DupIn
}

fn behind_a_pipe(flow: &Flow, region: RegionId) -> bool {
    let region = flow.around(region).next();
    matches!(region, Some((_, region))
        if matches!(region.kind, RegionKind::Pipe { position: 1.., .. }))
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "read the program from a descriptor of its own, and the data as input";
    let sample = mending::scripts::sample(cx, finding, "python3 /dev/fd/3 3<<'PY'\n");
    mending::scripts::each(cx, finding, does, sample, |program, source, at| {
        let command = mending::scripts::command(program, at)?;
        let reads_program = matches!(command.program(), "python" | "python3" | "node" | "ruby");
        let heredoc = command.redirects.iter().find(|redirect| redirect.body.is_some());
        let written = cx.text_of(heredoc.filter(|_| reads_program)?.span)?;
        let start = heredoc?.span;
        if !written.starts_with("<<") || program.flow.host(command).is_some() {
            return None;
        }
        let at_start = Span::new(start.file, TextRange::new(start.range.start, start.range.start));
        Some(vec![replace(source.word(at, "-")?, "/dev/fd/3"), replace(at_start, "3")])
    })
}
