//! # Variables of compose files are given somewhere
//!
//! Every `${NAME}` of a compose file that has neither a default (`:-`) nor says that it is required (`:?`)
//! stands in the project's `.env`, in an example of it (`.env.example`), in the environment of a job, or is set
//! by a script.
//!
//! Compose puts nothing in the place of a variable that nobody sets, and goes on with a warning: an image
//! without a tag, a database without a password, a volume called `:/data`.
//!
//! Write `${NAME:?say what it is}` for what is required, `${NAME:-default}` for what is not, and list both in
//! `.env.example`.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17.2
//!     environment:
//!       POSTGRES_PASSWORD: ${DB_PASSWORD} # <- nothing here gives `DB_PASSWORD`
//! ```
//! `.env.example`:
//! ```dotenv
//! DB_USER=app
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: postgres:17.2
//!     environment:
//!       POSTGRES_PASSWORD: ${DB_PASSWORD:?the password of the database}
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:${TAG}
//!     ports: ["${PORT:-8080}:80"]
//!     command: ["sh", "-c", "echo $$HOME ${USER}"]
//!     environment: { URL: "https://${HOST}", MODE: "${MODE}" }
//! ```
//! `.env.example`:
//! ```dotenv
//! TAG=1.2.0 # <- names `TAG`
//! ```
//! `deploy.sh`:
//! ```sh
//! export HOST=shop.org
//! docker compose up -d
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! env: { MODE: test }
//! jobs:
//!   up:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker compose up -d
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web:
//!     image: acme/web:1.2.0
//! ```

use std::collections::BTreeSet;

use crate::answers::Answers;
use crate::conditions::COMPOSE_HAS_VARIABLES;
use crate::evidence::clip;
use crate::{
    Check, Cx, Domain, Effort, Equivalent, Part, Relation, Run, Section, Severity, Status, Verdict,
    composed, workflows,
};

pub(super) static CHECK: Check = Check {
    id: "release/compose-variables-defined",
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
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP071", relation: Relation::Same }],
    }],
    when: &[&COMPOSE_HAS_VARIABLES],
    source: include_str!("compose_variables_defined.rs"),
    run: Run::Repository(run),
    fix: None,
};

/// What every shell has, and what compose sets itself.
const GIVEN: [&str; 11] = [
    "COMPOSE_PROJECT_NAME",
    "DOCKER_HOST",
    "HOME",
    "LANG",
    "LOGNAME",
    "PATH",
    "PWD",
    "SHELL",
    "TMPDIR",
    "USER",
    "XDG_RUNTIME_DIR",
];

fn run(cx: &Cx<'_>) -> Verdict {
    let mut answers = Answers::default();
    let of_jobs = of_jobs(cx);
    for composed in composed::projects(cx) {
        let project = composed.project;
        for (name, at) in &project.wanted {
            let example = project.examples.iter().find(|(known, _)| known == name);
            if let Some((_, at)) = example {
                answers.good(*at, format!("names `{}`", clip(name)));
            } else if GIVEN.contains(&&**name) || of_jobs.contains(&**name) || is_set(cx, name) {
                answers.good(*at, format!("`{}` is set where it is started", clip(name)));
            } else {
                answers.bad(*at, format!("nothing here gives `{}`", clip(name)));
            }
        }
        if let Some(at) = project.services.filter(|_| project.interpolates) {
            answers.good(at, "every other variable has a value or a default");
        }
    }
    answers.joined(
        "a variable of a compose file is given nowhere: write it into `.env.example`, or `:?`",
        "the variables of compose files are given",
        "it cannot be told which variables are given",
    )
}

/// The variables that pipelines set.
fn of_jobs<'a>(cx: &Cx<'a>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for pipeline in workflows::live(cx) {
        names.extend(pipeline.env.iter().map(|(name, ..)| &**name));
        for job in &pipeline.jobs {
            names.extend(job.env.iter().map(|(name, ..)| &**name));
            names.extend(job.steps.iter().flat_map(|s| &s.env).map(|(name, ..)| &**name));
        }
    }
    names
}

/// Whether a script, or a step of a job, sets a variable.
fn is_set(cx: &Cx<'_>, name: &str) -> bool {
    let programs = cx.delivery.programs.iter().map(|program| program.text.text());
    let steps = workflows::steps(workflows::live(cx)).filter_map(|(.., step)| step.run.as_ref());
    programs.chain(steps.map(|(text, _)| text.text())).any(|text| sets(text, name))
}

/// Whether a text holds `NAME=` (of a Makefile `NAME ?= …`, too).
fn sets(text: &[u8], name: &str) -> bool {
    memchr::memmem::find_iter(text, name.as_bytes()).any(|at| {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        let rest = text.get(at + name.len()..).unwrap_or_default();
        let rest = rest.trim_ascii_start();
        let rest = rest.strip_prefix(b"?").or(rest.strip_prefix(b":")).unwrap_or(rest);
        !before.is_some_and(|byte| is_name(*byte) || *byte == b'$') && rest.starts_with(b"=")
    })
}
