//! # What runs is spared by `git clean -x`
//!
//! Where a script that deploys or rolls back runs `git clean` with `-x`, each path of the tree that
//! containers mount or read (`./data:/data`, `env_file: .env`) and that scripts write to, and that git
//! does not know, is spared by an `-e`.
//!
//! `-x` deletes what `.gitignore` names: secrets, uploads, state, logs. The next start finds an empty
//! directory, and an alert that reads a heartbeat file finds none.
//!
//! Leave the `-x` away, or, better, put what runs outside the work tree.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: shop/web:1.4.2
//!     volumes:
//!       - ./uploads:/srv/uploads
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! git fetch
//! git clean -xfd -e .env # <- `uploads`
//! docker compose up -d
//! ```
//!
//! ## Fixed
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! git fetch
//! git clean -fd # <- what is ignored stays
//! docker compose up -d
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: shop/web:1.4.2
//!     volumes:
//!       - ./uploads:/srv/uploads
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -eu
//! git clean -xfd -e .env -e "uploads/" # <- spares
//! docker compose up -d
//! ```
//!
//! Written in one word:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: shop/web:1.2.3
//!     env_file: .env
//! ```
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! set -e
//! git clean -fdx -e.env # <- spares what runs
//! git pull
//! docker compose up -d
//! ```
//!
//! ## Does not apply
//!
//! `deploy.sh`:
//! ```sh
//! #!/bin/sh
//! docker compose up -d
//! ```

use plimsoll_source::Span;

use crate::answers::Answers;
use crate::conditions::SCRIPT_CLEANS;
use crate::releasing::{destroys, git, place, works_on_a_copy, writes};
use crate::scripts::commands;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, ScriptSubject, Section, Severity,
    Status, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: "release/no-destructive-clean",
    section: Section::Safeguards,
    domain: Domain::DeploymentStrategy,
    severity: Severity::Critical,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "catalogue",
            rule: "release/no-destructive-clean",
            relation: Relation::Same,
        }],
    }],
    when: &[&SCRIPT_CLEANS],
    source: include_str!("no_destructive_clean.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let mut answers = Answers::default();
    for command in commands(script.program) {
        let Some(("clean", args)) = git(command) else { continue };
        if destroys(command).is_none() || works_on_a_copy(script.program, command) {
            continue;
        }
        let place = place(cx, &script.flow, command);
        let short =
            |arg: &String| arg.starts_with('-') && !arg.starts_with("--") && !arg.starts_with("-e");
        if !args.iter().any(|arg| short(arg) && arg.contains(['x', 'X'])) {
            answers.good(place, "what is ignored stays");
            continue;
        }
        let spared: Vec<&str> = args
            .windows(2)
            .filter(|pair| pair[0] == "-e" || pair[0] == "--exclude")
            .map(|pair| pair[1].trim_matches(['/', '*', '"', '\'']))
            .chain(args.iter().filter_map(|arg| {
                let glued = arg.strip_prefix("-e").filter(|path| !path.is_empty());
                let path = arg.strip_prefix("--exclude=").or(glued)?;
                Some(path.trim_matches(['/', '*', '"', '\'']))
            }))
            .collect();
        let is_spared = |path: &str| {
            let path = path.trim_end_matches('/');
            spared.iter().any(|spared| {
                path == *spared
                    || path.strip_prefix(spared).is_some_and(|rest| rest.starts_with('/'))
                    || path.rsplit('/').next() == Some(spared)
            })
        };
        match at_run_time(cx).into_iter().find(|(path, _)| !is_spared(path)) {
            Some((path, at)) => {
                answers.bad(place, format!("`{path}` is deleted"));
                answers.context(at, format!("`{path}` is used here"));
            }
            None => answers.good(place, "spares what runs"),
        }
    }
    answers.joined(
        "`git clean -x` deletes what runs: leave the `-x` away, or move it out of the tree",
        "`git clean` spares what runs",
        "it cannot be told what is deleted",
    )
}

/// Paths of the tree that git does not know and that containers mount or read, or scripts write.
fn at_run_time(cx: &Cx<'_>) -> Vec<(String, Span)> {
    let tree = &cx.delivery.tree;
    let unknown = |path: &str| !path.is_empty() && tree.find(path).is_none() && !tree.is_dir(path);
    let mut found: Vec<(String, Span)> = Vec::new();
    for container in cx.delivery.containers.iter().filter(|c| c.purpose.is_production()) {
        let mounts = container.optional.iter().flat_map(|overlay| &overlay.mounts);
        let mounts = container.mounts.iter().chain(mounts);
        let mounts = mounts.filter_map(|m| Some((m.tree_path.clone()?, m.span)));
        let secrets = container.secrets.iter().filter_map(|s| Some((s.file.clone()?, s.span)));
        let files = container.env_files.iter();
        let files = files.filter_map(|(path, at)| Some((path.known()?.clone(), *at)));
        found.extend(mounts.chain(secrets).chain(files));
    }
    for project in &cx.delivery.projects {
        let files = project.secrets.iter().filter_map(|(_, file, at)| Some((file.clone()?, *at)));
        found.extend(files);
    }
    for script in cx.operational_scripts() {
        let written = writes(cx, script.program);
        found.extend(written.into_iter().map(|(path, command)| (path, command.span)));
    }
    found.retain(|(path, _)| unknown(path));
    found
}
