//! # The pipeline validates the configurations that are deployed
//!
//! Every compose file and every configuration of a proxy (Caddyfile, nginx) that production may load is
//! looked at by its own tool in a job: `docker compose -f … config` or `up`, `caddy validate`,
//! `nginx -t`.
//!
//! A key at the wrong depth or a brace too few is found by whoever deploys, at night, with the old
//! container already gone. The tool that loads the file finds it in a second.
//!
//! Name every combination of files that is deployed: `docker compose -f docker-compose.yml -f
//! docker-compose.blue-green.yml config --quiet`, and `caddy validate --config Caddyfile.blue-green`.
//! A validator inside a script that no job runs does not count. PARTIAL: some are, some are not.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: { image: "nginx:1.27" }
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test: # <- no job validates
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: make test
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker compose config --quiet # <- validates
//! ```
//!
//! ## Passes
//!
//! By a script:
//!
//! `Caddyfile`:
//! ```caddyfile
//! :80 {
//! }
//! ```
//! `ops/validate.sh`:
//! ```sh
//! caddy validate --config Caddyfile # <- validates
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: ./ops/validate.sh
//! ```
//!
//! ## Partial
//!
//! `docker-compose.yml`:
//! ```yaml
//! services:
//!   web: { image: "nginx:1.27" }
//! ```
//! `docker-compose.blue-green.yml`:
//! ```yaml
//! services:
//!   green: { image: "nginx:1.27" }
//! ```
//! `Caddyfile`:
//! ```caddyfile
//! :80 {
//! }
//! ```
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: docker compose config > /dev/null # <- leaves out
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: { image: "nginx:1.27" }
//! ```

use std::collections::BTreeSet;

use plimsoll_model::compose_call::Compose;
use plimsoll_model::pipeline::{Command, Role, RoleKind};
use plimsoll_model::purpose::Purpose;
use plimsoll_source::{FileId, Span};

use crate::conditions::HAS_CHECKABLE_CONFIGS;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, Severity, Status, Verdict, ci,
    workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/configs-validated",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&HAS_CHECKABLE_CONFIGS],
    source: include_str!("configs_validated.rs"),
    run: Run::Repository(run),
    fix: None,
};

/// The compose files and configurations of proxies that production may load.
pub(crate) fn configs(cx: &Cx<'_>) -> Vec<FileId> {
    let files = cx.delivery.tree.entries();
    let is_config = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
        let compose = yaml && (name.starts_with("docker-compose") || name.starts_with("compose."));
        let caddy =
            name == "Caddyfile" || name.starts_with("Caddyfile.") && !name.ends_with(".template");
        compose || caddy || matches!(name, "nginx.conf")
    };
    files
        .filter(|(_, entry)| {
            is_config(&entry.path) && Purpose::of_path(&entry.path).is_production()
        })
        .map(|(file, _)| file)
        .collect()
}

fn run(cx: &Cx<'_>) -> Verdict {
    let mut open: BTreeSet<FileId> = configs(cx).into_iter().collect();
    let mut places: Vec<Span> = Vec::new();
    for (.., step) in workflows::steps(workflows::started(cx)) {
        let roles = step.roles.iter().filter(|role| role.kind == RoleKind::Validate);
        for role in roles {
            places.push(role.span);
            open.retain(|&file| !covers(cx, role, file));
        }
        for command in &step.commands {
            // What is started was loaded.
            let started = Compose::of(&command.words)
                .is_some_and(|call| matches!(call.verb, "up" | "build" | "create" | "run"));
            if started {
                open.retain(|&file| !loads(cx, command, file));
            }
        }
    }
    let listed: Vec<&str> = open.iter().map(|&file| cx.path(file)).collect();
    let list = match listed.as_slice() {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [one, two] => format!("`{one}` and `{two}`"),
        [one, two, rest @ ..] => format!("`{one}`, `{two}` and {} more", rest.len()),
    };
    let context = open
        .iter()
        .take(50)
        .map(|&file| Evidence::context(cx.start_of(file), "no job validates it"));
    match (places.first(), open.is_empty()) {
        (Some(first), true) => {
            let message = "the pipeline validates the configurations that are deployed";
            Verdict::pass(message, Evidence::shows(*first, "validates"))
        }
        (Some(first), false) => {
            let message = "the pipeline validates some configurations, and leaves others out";
            let evidence = Evidence::contradicts(*first, format!("leaves out {list}"));
            Verdict::partial(message, evidence).and_all(context)
        }
        (None, true) => {
            let message = "the pipeline loads every configuration that is deployed";
            Verdict::pass(message, ci::nowhere(cx, "jobs start them"))
        }
        (None, false) => {
            let message = "no job validates the configurations that are deployed";
            let place = ci::nowhere(cx, "no job validates compose files or proxies");
            Verdict::fail(message, place.severity(Severity::Medium)).and_all(context)
        }
    }
}

/// Whether a validator looks at a file.
fn covers(cx: &Cx<'_>, role: &Role, file: FileId) -> bool {
    let command = Command {
        words: role.words.clone(),
        span: role.span,
        masked: None,
        stdin: None,
        stdout: None,
        cwd: Some(String::new()),
    };
    if Compose::of(&command.words).is_some_and(|call| call.verb == "config") {
        return loads(cx, &command, file);
    }
    let name = cx.path(file).rsplit('/').next().unwrap_or_default();
    let caddy = role.words.iter().any(|word| word == "caddy" || word.ends_with("/caddy"));
    let same_kind = caddy == name.starts_with("Caddyfile");
    let named: Vec<&String> = role
        .words
        .iter()
        .filter(|word| word.contains("Caddyfile") || word.ends_with(".conf") || word.contains('$'))
        .collect();
    // In a container it has the name that it is mounted at; without one, the default's.
    let is = |word: &&String| {
        word.contains('$')
            || word.split([':', '=']).any(|path| path.rsplit('/').next() == Some(name))
    };
    let default = matches!(name, "Caddyfile" | "nginx.conf");
    same_kind && (named.iter().any(is) || named.is_empty() && default)
}

/// Whether a call of compose loads a file: it names it, or it names none and the file is one of
/// those that it takes by itself.
fn loads(cx: &Cx<'_>, command: &Command, file: FileId) -> bool {
    let Some(call) = Compose::of(&command.words) else { return false };
    let files = call.files();
    let path = cx.path(file);
    let dir = command.cwd.as_deref().unwrap_or("");
    if files.is_empty() {
        let (own, name) = path.rsplit_once('/').unwrap_or(("", path));
        let bare = name.trim_end_matches(".yml").trim_end_matches(".yaml");
        let taken = ["compose", "docker-compose", "compose.override", "docker-compose.override"];
        return own == dir && taken.contains(&bare);
    }
    let named = files.iter().filter_map(|name| {
        // A variable stands for any.
        if name.contains('$') {
            return Some(path.to_owned());
        }
        plimsoll_source::normalize_path(&format!("{dir}/{name}"))
    });
    named.into_iter().any(|name| name == path)
}
