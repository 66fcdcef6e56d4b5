//! # No script guesses the compose project's name
//!
//! Where a script puts a volume's name together from `COMPOSE_PROJECT_NAME` and a default, a compose file
//! has that `name:`.
//!
//! The name of a compose project is its directory's, unless a compose file says `name:`. In another
//! directory than the author's, `${COMPOSE_PROJECT_NAME:-app}_pg_data` is a volume that does not exist:
//! the backup falls back or fails, the restore stops half-way.
//!
//! Write `name: app` at the top of the compose file, or ask: `docker compose ps -q db`, `docker volume ls
//! --filter label=com.docker.compose.volume=pg_data`. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:16
//! ```
//! `ops/sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! project=${COMPOSE_PROJECT_NAME:-shop} # <- guesses `shop`
//! docker volume inspect "${project}_pg_data" # <- is named after it
//! ```
//!
//! ## Fixed
//!
//! `docker-compose.yml`:
//! ```yaml
//! name: shop
//! services:
//!   db:
//!     image: postgres:16
//! ```
//! `ops/sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! project=${COMPOSE_PROJECT_NAME:-shop} # <- the compose file says so
//! docker volume inspect "${project}_pg_data"
//! ```
//!
//! ## Passes
//!
//! No name is put together from it:
//!
//! `ops/sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose -p "${COMPOSE_PROJECT_NAME:-shop}" up -d # <- names no volume
//! ```
//!
//! ## Does not apply
//!
//! `ops/sync.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! ```

use crate::conditions::READS_PROJECT_NAME;
use crate::evidence::clip;
use crate::scripts::verdict;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, ScriptSubject, Section, Severity, Status,
    Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/no-assumed-project-name",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&READS_PROJECT_NAME],
    source: include_str!("no_assumed_project_name.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let named = cx.delivery.projects.iter().find_map(|project| project.name);
    let (mut guessed, mut fine) = (Vec::new(), Vec::new());
    let mut name = String::new();
    for read in flow.reads.iter().filter(|read| read.name == "COMPOSE_PROJECT_NAME") {
        let Some((op, default)) = &read.op else { continue };
        if !matches!(op.as_str(), ":-" | "-") || default.is_empty() || default.contains('$') {
            continue;
        }
        let text = format!("${{COMPOSE_PROJECT_NAME{op}{default}}}");
        let joined = |word: &String| {
            let after = word.split_once(&text).map(|(_, after)| after);
            after.is_some_and(|after| after.starts_with(['_', '-']) && after.len() > 1)
        };
        let used = flow.commands.iter().find(|command| command.words.iter().any(joined));
        match (used, named) {
            (Some(used), None) => {
                name = clip(default);
                guessed.push(Evidence::contradicts(read.span, format!("guesses `{name}`")));
                guessed.push(Evidence::context(used.span, "is named after it"));
            }
            (Some(_), Some(at)) => {
                fine.push(Evidence::shows(read.span, "the compose file says so"));
                fine.push(Evidence::context(at, "names the project"));
            }
            (None, _) => fine.push(Evidence::shows(read.span, "names no volume")),
        }
    }
    let fails = format!("guesses that the project is called `{name}`: write `name:` in compose");
    let none = || Evidence::context(script.text.whole(), "no default for the project's name");
    verdict(guessed, fails, fine, "the project's name is not guessed", none)
}
