//! # Every variable that is read has been set
//!
//! Where `set -u` is in force, each variable that a script reads without a default is set by it, by a file
//! that it sources, or asked for: tested, named in its usage or comments, or given by a pipeline.
//!
//! `set -u` ends the script at the first variable that nobody set, which is right; a script that always
//! meets one never works. Often it was meant for the container: `"$POSTGRES_USER"` in double quotes is
//! expanded here, before `docker exec` sees it.
//!
//! Source the file that sets it, ask for it at the top (`: "${POSTGRES_USER:?is required}"`), or put it in
//! single quotes where another shell is to expand it. There is no PARTIAL here.
//!
//! ## Fails
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! ENV_FILE=${ENV_FILE:-/etc/app.env}
//! docker compose --env-file "$ENV_FILE" exec -T db \
//!   pg_basebackup -U "$POSTGRES_USER" -D /tmp/base # <- nothing sets `POSTGRES_USER`
//! ```
//!
//! ## Fixed
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -euo pipefail
//! ENV_FILE=${ENV_FILE:-/etc/app.env}
//! docker compose --env-file "$ENV_FILE" exec -T db \
//!   sh -c 'pg_basebackup -U "$POSTGRES_USER" -D /tmp/base'
//! echo "$ENV_FILE" # <- is set
//! ```
//!
//! ## Passes
//!
//! Asked for, in a loop over names, and in the usage:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! # STAMP: when the backup was asked for
//! set -u
//! for name in PGHOST PGUSER; do
//!   [[ -n "${!name:-}" ]] || exit 1
//! done
//! : "${DB:?is required}"
//! pg_dump -h "$PGHOST" -U "$PGUSER" "$DB" > "$HOME/$STAMP.sql" # <- is set
//! ```
//!
//! Given by the pipeline:
//!
//! `.github/workflows/deploy.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   deploy:
//!     runs-on: ubuntu-latest
//!     env:
//!       REGION: eu-west-1
//!     steps:
//!       - run: ./ops/deploy.sh
//! ```
//! `ops/deploy.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -u
//! aws ecs update-service --region "$REGION" # <- is set
//! ```
//!
//! By a file of the repository:
//!
//! `ops/app.env`:
//! ```ini
//! PGUSER=app
//! ```
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -u
//! cd "$(dirname "$0")"
//! . ./app.env
//! pg_dump -U "$PGUSER" app > app.sql # <- is set
//! ```
//!
//! An argument of the build, in which it runs:
//!
//! `image/Dockerfile`:
//! ```dockerfile
//! FROM debian:12
//! ARG BROWSER=chromium
//! COPY rootfs/ /
//! RUN /usr/bin/install-browser.sh
//! ```
//! `image/rootfs/usr/bin/install-browser.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -eu
//! apt-get install -y "$BROWSER" # <- is set
//! ```
//!
//! ## Cannot tell
//!
//! A file that is not in the repository may set it:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -u
//! . /etc/app.env # <- may set it
//! pg_dump "$DB" > db.sql
//! ```
//!
//! Or:
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! set -u
//! export $(grep -v '^#' /etc/app.env | xargs) # <- may set it
//! pg_dump -U "$PGUSER" app > app.sql
//! ```
//!
//! ## Does not apply
//!
//! `ops/backup.sh`:
//! ```sh
//! #!/usr/bin/env bash
//! pg_dump "$DB" > db.sql
//! ```

use std::collections::BTreeSet;

use plimsoll_model::flow::{Command, Read, RegionKind};
use plimsoll_model::image::{Step, StepKind};
use plimsoll_source::{Span, TextRange};

use crate::conditions::STOPS_AT_UNSET;
use crate::evidence::clip;
use crate::scripts::verdict;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run, ScriptSubject, Section,
    Severity, Status, Verdict, Why,
};

pub(super) static CHECK: Check = Check {
    id: "scripts/no-unbound-variables",
    section: Section::Scripts,
    domain: Domain::ResilienceOps,
    severity: Severity::Critical,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent {
            tool: "shellcheck",
            rule: "SC2154",
            relation: Relation::Wider,
        }],
    }],
    when: &[&STOPS_AT_UNSET],
    source: include_str!("no_unbound_variables.rs"),
    run: Run::EachScript(run),
    fix: None,
};

fn run(cx: &Cx<'_>, script: ScriptSubject<'_>) -> Verdict {
    let program = script.program;
    let flow = &program.flow;
    let text = String::from_utf8_lossy(program.text.text());
    let known: BTreeSet<&str> = flow.sets.iter().map(|set| &*set.name).collect();
    let asked: BTreeSet<&str> =
        flow.reads.iter().filter(|read| read.op.is_some()).map(|read| &*read.name).collect();
    let (mut unset, mut open, mut fine) = (Vec::new(), Vec::new(), Vec::new());
    let mut name = String::new();
    for read in flow.reads.iter().filter(|read| read.nounset && read.op.is_none()) {
        let aside = flow.around(read.region).any(|(_, region)| {
            matches!(region.kind, RegionKind::Function { call: None, .. } | RegionKind::Trap(_))
        });
        if aside {
            continue;
        }
        let set = known.contains(&*read.name)
            || asked.contains(&*read.name)
            || is_given(&read.name)
            || speaks_of(&text, &read.name)
            || files_set(cx, script, read)
            || pipelines_give(cx, cx.path(script.file), &read.name)
            || images_give(cx, cx.path(script.file), &read.name);
        if set {
            fine.push(Evidence::context(read.span, "is set"));
        } else if let Some(file) = unread_source(cx, script, read) {
            open.push(Evidence::context(file.span, "may set it"));
        } else {
            if name.is_empty() {
                name = clip(&read.name);
            }
            let says = format!("nothing sets `{}`", clip(&read.name));
            unset.push(Evidence::contradicts(read.span, says));
        }
    }
    if unset.is_empty()
        && let Some(first) = open.pop()
    {
        let message = "a file that is sourced and not in the repository may set variables";
        return Verdict::unknown(Why::OutOfTree, message, first);
    }
    let fails =
        format!("nothing sets `{name}`, and `set -u` ends the script: set it or ask for it");
    let none = || Evidence::context(script.text.whole(), "reads no variable without a default");
    verdict(unset, fails, fine, "every variable that is read is set", none)
}

/// What came before and may set a variable, though nobody reads it here: a file that is sourced and
/// not in the tree, or `export` of what a file holds.
fn unread_source<'a>(cx: &Cx<'_>, script: ScriptSubject<'a>, read: &Read) -> Option<&'a Command> {
    let flow = &script.program.flow;
    let exports = |command: &Command| {
        matches!(command.program(), "export" | "declare" | "eval")
            && command.args().iter().any(|w| w.starts_with("$(") || w.starts_with('`'))
    };
    flow.commands.iter().take(read.at).find(|command| {
        let sources = matches!(command.program(), "source" | ".")
            && !flow.regions.iter().any(|region| {
                matches!(region.kind, RegionKind::Sourced(_)) && region.span == command.span
            });
        exports(command) || sources && variables(cx, script, command).is_none()
    })
}

/// Whether a file of the tree that is sourced before, and is no script, sets a variable.
fn files_set(cx: &Cx<'_>, script: ScriptSubject<'_>, read: &Read) -> bool {
    let before = script.program.flow.commands.iter().take(read.at);
    let sources = before.filter(|command| matches!(command.program(), "source" | "."));
    sources.filter_map(|command| variables(cx, script, command)).any(|text| {
        let names = text.lines().filter_map(|line| line.split_once('='));
        names.into_iter().any(|(name, _)| {
            name.trim().strip_prefix("export ").unwrap_or(name).trim() == read.name
        })
    })
}

/// What a file of the tree holds that a command sources.
fn variables(cx: &Cx<'_>, script: ScriptSubject<'_>, command: &Command) -> Option<String> {
    const MAX_LEN: u64 = 64 * 1024;
    let dir = cx.path(script.file).rsplit_once('/').map_or("", |(dir, _)| dir);
    let file = cx.delivery.tree.find(&command.path(1, dir)?)?;
    let end = Some(cx.delivery.tree.entry(file).len).filter(|len| *len <= MAX_LEN)?;
    cx.text_of(Span::new(file, TextRange::new(0, u32::try_from(end).ok()?)))
}

/// What the shell, a login or a forge sets.
fn is_given(name: &str) -> bool {
    const SHELL: [&str; 42] = [
        "HOME",
        "USER",
        "PATH",
        "PWD",
        "OLDPWD",
        "SHELL",
        "LANG",
        "TERM",
        "HOSTNAME",
        "RANDOM",
        "SECONDS",
        "LINENO",
        "UID",
        "EUID",
        "PPID",
        "IFS",
        "FUNCNAME",
        "PIPESTATUS",
        "REPLY",
        "OPTARG",
        "OPTIND",
        "OSTYPE",
        "HOSTTYPE",
        "MACHTYPE",
        "COLUMNS",
        "LINES",
        "TMPDIR",
        "EDITOR",
        "LOGNAME",
        "MAIL",
        "DISPLAY",
        "EPOCHSECONDS",
        "EPOCHREALTIME",
        "SHLVL",
        "DIRSTACK",
        "GROUPS",
        "COMP_WORDS",
        "SUDO_USER",
        "CI",
        "MAKEFLAGS",
        "MAKE",
        "OPTERR",
    ];
    const FAMILIES: [&str; 16] = [
        "BASH",
        "GITHUB_",
        "RUNNER_",
        "CI_",
        "GITLAB_",
        "BUILDKITE",
        "CIRCLE_",
        "JENKINS_",
        "TRAVIS_",
        "BITBUCKET_",
        "DRONE_",
        "XDG_",
        "SSH_",
        "LC_",
        "npm_",
        "INVOCATION_",
    ];
    SHELL.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Whether a script names a variable otherwise than by expanding it: in its usage, in a comment, in
/// a list of what must be set.
fn speaks_of(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = &text[..at];
        let after = &text[at + name.len()..];
        !before.ends_with(is_part)
            && !before.ends_with('$')
            && !before.ends_with("${")
            && !after.starts_with(is_part)
    })
}

/// Whether an image that runs the script while it is built has the variable.
fn images_give(cx: &Cx<'_>, path: &str, name: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    cx.delivery.images.iter().any(|image| {
        let steps = || image.stages.iter().flat_map(|stage| &stage.steps);
        let given = steps().any(|step| match &step.kind {
            StepKind::Arg(setting) => setting.name == name,
            StepKind::Env(settings) => settings.iter().any(|setting| setting.name == name),
            _ => false,
        });
        let runs = |step: &Step| match &step.kind {
            StepKind::Run(run) => memchr::memmem::find(run.text.text(), file.as_bytes()).is_some(),
            _ => false,
        };
        given && steps().any(runs)
    })
}

/// Whether a job that runs the script gives the variable to it.
fn pipelines_give(cx: &Cx<'_>, path: &str, name: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let mut jobs = cx.delivery.pipelines.iter().flat_map(|pipeline| &pipeline.jobs);
    jobs.any(|job| {
        let runs = job.steps.iter().any(|step| {
            step.run.as_ref().is_some_and(|(text, _)| {
                memchr::memmem::find(text.text(), file.as_bytes()).is_some()
            })
        });
        let given = job.steps.iter().flat_map(|step| &step.env).chain(&job.env);
        runs && given.into_iter().any(|(given, ..)| given == name)
    })
}
