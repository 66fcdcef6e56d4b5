//! # A script that failed half-way can be run again
//!
//! No script under `set -e` makes a directory, a link, a network or a database that may be there already: `mkdir`
//! without `-p`, `ln -s` without `-f`, `docker network create`, `createdb`, `useradd`.
//!
//! The second run ends at that line, before what the first one had not done; the deployment cannot be repeated.
//!
//! Write `mkdir -p`, `ln -sfn`, or ask first: `docker network inspect app || docker network create app`. There is no
//! PARTIAL here.
//!
//! ## Fails
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! mkdir /srv/app # <- fails where it is there
//! docker network create app # <- fails where it is there
//! ```
//!
//! ## Fixed
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! mkdir -p /srv/app # <- may be there
//! docker network inspect app > /dev/null || docker network create app # <- may be there
//! ```
//!
//! ## Passes
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -e
//! dir=/srv/releases/$(date +%s)
//! mkdir "$dir" # <- may be there
//! if ! id app; then
//!   useradd app
//! fi
//! ```
//!
//! ## Does not apply
//!
//! `ops/setup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker compose up -d
//! ```

use plimsoll_model::flow::RegionKind;

use crate::conditions::MAKES_THINGS;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict,
};
use crate::{scripts, written};

pub(super) static CHECK: Check = Check {
    id: "scripts/idempotent",
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS045", relation: Relation::Same }],
    }],
    when: &[&MAKES_THINGS],
    source: include_str!("idempotent.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut open, mut fine) = (Vec::new(), Vec::new());
    for command in scripts::commands(script.program) {
        let Some(once) = written::makes(command) else { continue };
        let asked = command.tested || flow.guards(command).next().is_some();
        let named = command.args().iter().any(|word| word.contains(['$', '`']));
        let branch = flow.around(command.region).any(|(_, region)| {
            matches!(region.kind, RegionKind::Branch(_) | RegionKind::Arm { .. })
        });
        if once && command.stops() && !asked && !named && !branch {
            open.push(Evidence::contradicts(command.span, "fails where it is there"));
        } else {
            fine.push(Evidence::shows(command.span, "may be there"));
        }
    }
    let fails = "a second run fails at what the first has made: `-p`, `-f`, or ask first";
    let none = || Evidence::context(script.text.whole(), "makes nothing that stays");
    scripts::verdict(open, fails, fine, "a script that failed half-way can be run again", none)
}
