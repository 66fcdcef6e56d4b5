//! # What runs is what was built
//!
//! No directory of the repository is mounted over the directory in which the image's program lies.
//!
//! What was built, tested and scanned is hidden, and the host's working copy runs: with its uncommitted
//! changes, the modules of another system, and whatever `git pull` brings while it runs.
//!
//! Take the mount out of the file that production uses; `compose.override.yaml` is the place for it.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//!     volumes:
//!       - .:/app # <- hides what was built
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! WORKDIR /app
//! COPY . .
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     build: .
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: # <- hides nothing that was built
//!     build: .
//!     volumes: ["./uploads:/app/uploads", "./conf.json:/app/conf.json:ro"]
//! ```
//! `Dockerfile`:
//! ```dockerfile
//! FROM node:22-alpine
//! WORKDIR /app
//! COPY . .
//! ```
//!
//! ## Does not apply
//!
//! `README.md`:
//! ```markdown
//! # Nothing is run here
//! ```

use crate::asked::{Asked, Words};
use crate::conditions::IN_COMPOSE;
use crate::evidence::clip;
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict, hostpath,
};
use plimsoll_model::container::MountKind;

pub(super) static CHECK: Check = Check {
    id: "release/no-source-mounts",
    section: Section::Compose,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Medium,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP056", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("no_source_mounts.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "runs the working copy, not what was built: take the mount away",
    partial: "",
    pass: "what runs is what was built",
    none: "hides nothing that was built",
};

fn run(cx: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    let stage = container.image_id.and_then(|id| cx.delivery[id].final_stage());
    let Some(workdir) = stage.and_then(|stage| stage.config.workdir.as_deref()) else {
        return asked.verdict(&container, &WORDS);
    };
    let workdir = workdir.trim_end_matches('/');
    for mount in container.mounts.iter().filter(|mount| mount.kind == MountKind::Bind) {
        let target = mount.target.trim_end_matches('/');
        let over = !workdir.is_empty() && hostpath::is_in(workdir, target)
            || ["src", "app", "lib", "dist"]
                .iter()
                .any(|dir| target == format!("{workdir}/{dir}") && !workdir.is_empty());
        if mount.tree_path.is_some() && over {
            let says = format!("hides what was built at `{}`", clip(target));
            asked.bad.push(Evidence::contradicts(mount.span, says));
        }
    }
    asked.verdict(&container, &WORDS)
}
