//! # What the other machine is to expand is not expanded here
//!
//! No here-document for `ssh` whose delimiter is unquoted holds variables that the script itself never sets.
//!
//! `ssh host <<EOF` expands `$VAR` before the text is sent. A variable that only the other machine knows is
//! empty here, and `cd "$APP_DIR"` becomes `cd ""`.
//!
//! Quote the delimiter, `<<'EOF'`, and hand values over as arguments: `ssh host bash -s -- "$TAG" <<'EOF'`.
//! There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! ssh web@host <<EOF
//! cd "$APP_DIR" # <- is expanded here
//! docker compose up -d
//! EOF
//! ```
//!
//! Set in the text itself:
//!
//! `deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! ssh app@example.com 'bash -s' <<EOF
//! for file in *.sql; do
//!   psql < $file # <- is expanded here
//! done
//! EOF
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! ssh web@host <<'EOF' # <- is expanded there
//! cd "$APP_DIR"
//! docker compose up -d
//! EOF
//! ```
//!
//! ## Passes
//!
//! The script sets it:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! TAG=$1
//! ssh web@host <<EOF # <- holds what is set here
//! docker pull app:$TAG
//! EOF
//! ```
//!
//! Demanded here:
//!
//! `deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! : "${IMAGE_TAG:?}"
//! ssh app@example.com <<EOF # <- holds what is set here
//! docker pull app:$IMAGE_TAG
//! EOF
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! ssh web@host 'docker compose up -d'
//! ```

use plimsoll_model::mend::replace;

use crate::conditions::SENDS_HEREDOCS;
use crate::scripts;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Finding, Fix, Part, Relation, Run,
    ScriptSubject, Section, Severity, Status, Verdict, mending,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/remote-heredocs-quoted",
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
        equivalents: &[
            Equivalent { tool: "catalogue", rule: "OPS037", relation: Relation::Same },
            Equivalent { tool: "shellcheck", rule: "SC2087", relation: Relation::Wider },
        ],
    }],
    when: &[&SENDS_HEREDOCS],
    source: include_str!("remote_heredocs_quoted.rs"),
    run: Run::EachScript(run),
    fix: Some(fix),
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program).filter(|c| c.program() == "ssh") {
        for redirect in command.redirects.iter().filter(|redirect| redirect.text.is_some()) {
            let Some(body) = redirect.body else { continue };
            // What the other machine expands is read after the command.
            let reads = flow.reads.iter().filter(|read| read.at <= command.at);
            let mut within = reads
                .filter(|read| {
                    let (inner, outer) = (read.span.range, body.range);
                    read.span.file == body.file
                        && outer.start <= inner.start
                        && inner.end <= outer.end
                })
                .peekable();
            let text = redirect.text.as_deref().unwrap_or("");
            let unset = within.clone().find(|read| {
                // What the text itself sets is set there; what is demanded before is there here.
                let set = flow.sets.iter().any(|s| s.name == read.name && s.at <= command.at);
                let asked = flow.reads.iter().any(|r| r.name == read.name && r.op.is_some());
                read.op.is_none() && !set && !asked
            });
            if let Some(read) = unset {
                here.push(Evidence::contradicts(read.span, "is expanded here"));
            } else if within.peek().is_some() {
                there.push(Evidence::shows(command.span, "holds what is set here"));
            } else if text.contains('$') {
                there.push(Evidence::shows(command.span, "is expanded there"));
            }
        }
    }
    let fails = "a here-document for another machine is expanded here: quote its delimiter";
    let none = || Evidence::context(script.text.whole(), "sends no variable");
    scripts::verdict(here, fails, there, "each machine expands its own variables", none)
}

fn fix(cx: &Cx<'_>, finding: &Finding) -> Option<Fix> {
    let does = "let the other machine expand what it is sent";
    mending::scripts::each(cx, finding, does, None, |program, _, at| {
        let redirects = program.flow.commands.iter().flat_map(|command| &command.redirects);
        let sent = redirects.filter(|redirect| {
            redirect.body.is_some_and(|body| {
                body.file == at.file
                    && body.range.start <= at.range.start
                    && at.range.end <= body.range.end
            })
        });
        let (redirect, text) = sent.filter_map(|r| Some((r, r.text.as_deref()?))).next()?;
        // What is escaped, computed or set here is meant to be expanded here.
        let body = redirect.body?;
        let mut inside = program.flow.reads.iter().filter(|read| {
            read.span.file == body.file
                && body.range.start <= read.span.range.start
                && read.span.range.end <= body.range.end
        });
        let here = inside.any(|read| program.flow.sets.iter().any(|set| set.name == read.name));
        if here || text.contains(['\\', '`']) || text.contains("$(") {
            return None;
        }
        let written = cx.text_of(redirect.span)?;
        let start = written.strip_suffix(&redirect.target)?;
        Some(vec![replace(redirect.span, format!("{start}'{}'", redirect.target))])
    })
}
