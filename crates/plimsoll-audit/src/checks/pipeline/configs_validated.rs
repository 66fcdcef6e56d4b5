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
//! Its failure is swallowed:
//!
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
//!       - run: caddy validate --config Caddyfile || true # <- swallowed
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
//! ## Cannot tell
//!
//! A variable may stand for any file:
//!
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
//!       - run: caddy validate --config "$CONFIG" # <- is a variable
//! ```
//!
//! ## Does not apply
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   web: { image: "nginx:1.27" }
//! ```

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::compose_call::Compose;
use plimsoll_model::pipeline::{Command, Role, RoleKind};
use plimsoll_model::purpose::Purpose;
use plimsoll_source::{FileId, Span};

use crate::conditions::HAS_CHECKABLE_CONFIGS;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, Severity, Status, Verdict, Why, ci,
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
    let (mut places, mut masked) = (Vec::<Span>::new(), Vec::<Span>::new());
    // Those that a variable may stand for.
    let mut maybe: BTreeMap<FileId, Span> = BTreeMap::new();
    for (.., step) in workflows::steps(workflows::started(cx)) {
        let roles = step.roles.iter().filter(|role| role.kind == RoleKind::Validate);
        for role in roles {
            if let Some(at) = role.masked {
                masked.push(at);
                continue;
            }
            places.push(role.span);
            let may = open.iter().filter(|&&file| may_name(cx, &role.words, file));
            maybe.extend(may.map(|&file| (file, role.span)));
            open.retain(|&file| !covers(cx, role, file));
        }
        for command in &step.commands {
            // What is started was loaded.
            let started = Compose::of(&command.words)
                .is_some_and(|call| matches!(call.verb, "up" | "build" | "create" | "run"));
            if started {
                let may = open.iter().filter(|&&file| may_name(cx, &command.words, file));
                maybe.extend(may.map(|&file| (file, command.span)));
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
    let unsure = open.first().and_then(|file| maybe.get(file));
    if let Some(at) = unsure.filter(|_| open.iter().all(|file| maybe.contains_key(file))) {
        let message = "which configurations the pipeline validates depends on a variable";
        let evidence = Evidence::context(*at, "what it looks at is a variable");
        return Verdict::unknown(Why::Dynamic, message, evidence).and_all(context);
    }
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
            let masked = masked.iter().map(|at| Evidence::context(*at, "its failure is swallowed"));
            Verdict::fail(message, place.severity(Severity::Medium))
                .and_all(masked)
                .and_all(context)
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
    let same_kind = is_caddy(&role.words) == name.starts_with("Caddyfile");
    let named: Vec<&String> = role.words.iter().filter(|word| names_a_file(word)).collect();
    // In a container it has the name that it is mounted at; without one, the default's.
    let is =
        |word: &&String| word.split([':', '=']).any(|path| path.rsplit('/').next() == Some(name));
    let default = matches!(name, "Caddyfile" | "nginx.conf");
    same_kind && (named.iter().any(is) || named.is_empty() && default)
}

/// Whether a word names a configuration, or may.
fn names_a_file(word: &str) -> bool {
    word.contains("Caddyfile") || word.contains(".conf") || is_open(word)
}

/// Whether a word is a name in a variable; a directory in one, with a name that is written, is none,
/// nor is what is mounted.
fn is_open(word: &str) -> bool {
    !word.contains(':') && word.rsplit(['/', '=']).next().is_some_and(|last| last.contains('$'))
}

fn is_caddy(words: &[String]) -> bool {
    words.iter().any(|word| word == "caddy" || word.ends_with("/caddy"))
}

/// Whether a command looks at what a variable names, and a file is of the kind that it looks at.
fn may_name(cx: &Cx<'_>, words: &[String], file: FileId) -> bool {
    let name = cx.path(file).rsplit('/').next().unwrap_or_default();
    let proxies = name.starts_with("Caddyfile") || name == "nginx.conf";
    let same = match words.iter().any(|word| word.contains("compose")) {
        true => !proxies,
        false => proxies && is_caddy(words) == name.starts_with("Caddyfile"),
    };
    same && words.iter().skip(1).any(|word| is_open(word))
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
    files.iter().any(|name| match name.rsplit_once('/') {
        // Of a directory in a variable the rest decides.
        Some((at, last)) if at.contains('$') => {
            !last.contains('$') && path.rsplit('/').next() == Some(last)
        }
        _ => plimsoll_source::normalize_path(&format!("{dir}/{name}")).is_some_and(|p| p == path),
    })
}
