//! # Scripts deploy versions, not names that move
//!
//! No script that deploys pulls or starts an image by a tag that moves: `latest`, `stable`, a branch, or none.
//!
//! What `latest` is depends on when the machine asked: two hosts run two versions, a restart is an upgrade, and
//! the way back leads to the same name.
//!
//! Hand the version over: `docker pull registry/app:${VERSION:?}`. UNKNOWN is a tag that a variable holds and
//! nothing here sets. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker pull registry.example.com/app:latest # <- moves
//! docker run -d --name app registry.example.com/app # <- moves
//! ```
//!
//! A default counts:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker pull "registry.example.com/app:${TAG:-latest}" # <- moves
//! docker run -d "registry.example.com/app:${TAG:-latest}"
//! ```
//!
//! ## Fixed
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker pull registry.example.com/app:1.4.2 # <- stays
//! docker run -d --name app registry.example.com/app:1.4.2
//! ```
//!
//! Or:
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker pull "registry.example.com/app:${TAG:?}" # <- is told
//! docker run -d "registry.example.com/app:${TAG:?}"
//! ```
//!
//! ## Passes
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! TAG=$(git rev-parse HEAD)
//! docker pull "registry.example.com/app:$TAG" # <- is told
//! docker run -d "registry.example.com/app:$TAG"
//! ```
//!
//! ## Cannot tell
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! docker pull "registry.example.com/app:$TAG" # <- nothing here sets it
//! docker run -d "registry.example.com/app:$TAG"
//! ```
//!
//! ## Does not apply
//!
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! git pull
//! docker compose up -d --build
//! ```

use plimsoll_model::data;

use crate::conditions::SCRIPT_NAMES_IMAGES;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict, Why,
};
use crate::{codes, releasing, scripts};

pub(super) static CHECK: Check = Check {
    id: "release/immutable-tags",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CICD-SEC-3"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "OPS015", relation: Relation::Same }],
    }],
    when: &[&SCRIPT_NAMES_IMAGES],
    source: include_str!("immutable_tags.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(_: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let flow = &script.program.flow;
    let (mut moving, mut unsure, mut fine) = (Vec::new(), None, Vec::new());
    for command in scripts::commands(script.program) {
        for image in releasing::images(command) {
            let image = data::with_defaults(image);
            let last = image.rsplit('/').next().unwrap_or(&image);
            let tag = last.split_once(':').map(|(_, tag)| tag);
            let computed = tag.is_some_and(|tag| tag.contains("$("));
            let demanded = computed
                || command.expansions.iter().any(|expansion| {
                    let checked = expansion.op.as_deref().is_some_and(|op| op.ends_with('?'));
                    let given = codes::is_given(flow, command, expansion);
                    let set = flow.sets.iter().any(|set| set.name == expansion.name);
                    tag.is_some_and(|tag| {
                        expansion.name.is_empty() || tag.contains(&expansion.name)
                    }) && (checked || given || set || expansion.name.is_empty())
                });
            match tag {
                _ if image.contains('@') => fine.push(Evidence::shows(command.span, "stays")),
                Some(tag) if tag.contains(['$', '`']) && demanded => {
                    fine.push(Evidence::shows(command.span, "is told"));
                }
                Some(tag) if tag.contains(['$', '`']) => unsure = unsure.or(Some(command.span)),
                None if image.contains(['$', '`']) => unsure = unsure.or(Some(command.span)),
                Some(tag) if !releasing::MOVING.contains(&tag) => {
                    fine.push(Evidence::shows(command.span, "stays"));
                }
                _ => moving.push(Evidence::contradicts(command.span, "moves")),
            }
        }
    }
    if moving.is_empty()
        && let Some(at) = unsure
    {
        let evidence = Evidence::context(at, "nothing here sets it");
        return Verdict::unknown(
            Why::Dynamic,
            "which version is deployed is not said here",
            evidence,
        );
    }
    let fails = "deploys a tag that moves: hand the version over";
    let none = || Evidence::context(script.text.whole(), "names no image");
    scripts::verdict(moving, fails, fine, "scripts deploy versions", none)
}
