//! # Tests that need a database are run by some job
//!
//! Where a job leaves tests out by a marker that stands for a datastore or an integration
//! (`pytest -m "not postgres"`), another job runs them: with that marker, or without any choice.
//!
//! A suite that only ever sees SQLite in memory says nothing about the database that production has:
//! its types, its locks, its migrations. The tests that would are written, and nobody runs them.
//!
//! Add a job with a `services:` database that runs `pytest -m postgres`. Whether a run of other
//! directories holds tests of that marker is not known.
//!
//! ## Fails
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   unit:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: pytest -m "not smoke and not postgres" # <- leaves out `postgres`
//! ```
//! `backend/.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   postgres:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: pytest -m postgres
//! ```
//!
//! ## Fixed
//!
//! `.github/workflows/db.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   postgres:
//!     runs-on: ubuntu-latest
//!     services:
//!       db: { image: "postgres:17" }
//!     steps:
//!       - run: pytest -m "postgres or slow" # <- runs them
//! ```
//!
//! ## Passes
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   unit:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: pytest -m "not slow" # <- leaves out none
//! ```
//!
//! ## Cannot tell
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   unit:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: pytest -m "not integration"
//!       - run: pytest tests/contract # <- other tests
//! ```
//!
//! ## Does not apply
//!
//! `.github/workflows/ci.yml`:
//! ```yaml
//! on: push
//! jobs:
//!   unit:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - run: npm test
//! ```

use plimsoll_model::pipeline::RoleKind;
use plimsoll_source::Span;

use crate::conditions::RUNS_PYTEST;
use crate::{
    Check, Cx, Domain, Effort, Evidence, Part, Run, Section, Severity, Status, Verdict, Why,
    workflows,
};

pub(super) static CHECK: Check = Check {
    id: "pipeline/tests-real-database",
    section: Section::Pipeline,
    domain: Domain::CiCdMaturity,
    severity: Severity::High,
    effort: Effort::Hours,
    within: None,
    after: &[],
    controls: &[],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part { name: "", equivalents: &[] }],
    when: &[&RUNS_PYTEST],
    source: include_str!("tests_real_database.rs"),
    run: Run::Repository(run),
    fix: None,
};

/// Parts of markers that stand for something outside the process.
const OUTSIDE: [&str; 18] = [
    "postgres",
    "psql",
    "pgsql",
    "mysql",
    "mariadb",
    "mongo",
    "redis",
    "sql",
    "database",
    "db",
    "integration",
    "external",
    "docker",
    "container",
    "kafka",
    "rabbit",
    "elastic",
    "live",
];

/// A run of pytest: where, which markers it chooses by, which paths it names.
struct Tests {
    span: Span,
    choice: Option<String>,
    paths: Vec<String>,
}

fn run(cx: &Cx<'_>) -> Verdict {
    let steps = workflows::steps(workflows::started(cx));
    let roles = steps.flat_map(|(.., step)| &step.roles).filter(|r| r.kind == RoleKind::Test);
    let all: Vec<Tests> = roles.filter_map(|role| tests(&role.words, role.span)).collect();
    let mut shown = Vec::new();
    for test in &all {
        let Some(choice) = &test.choice else { continue };
        for marker in markers(choice).filter(|marker| excludes(choice, marker)) {
            let lower = marker.to_ascii_lowercase();
            if !lower.split('_').any(|word| OUTSIDE.iter().any(|o| word.starts_with(o))) {
                continue;
            }
            let runs = |other: &&Tests| {
                other.choice.as_deref().is_none_or(|choice| !excludes(choice, marker))
            };
            let same = |other: &&Tests| {
                other.paths.is_empty()
                    || other.paths.iter().any(|path| test.paths.contains(path))
                    || other.choice.as_deref().is_some_and(|c| markers(c).any(|m| m == marker))
            };
            let others: Vec<&Tests> = all.iter().filter(runs).collect();
            if let Some(other) = others.iter().copied().find(|other| same(other)) {
                shown.push(Evidence::shows(other.span, format!("runs them: `{marker}`")));
            } else if let Some(other) = others.first() {
                let message = "whether other tests that run need a database cannot be told";
                let place = Evidence::context(other.span, "runs other tests, without a choice");
                return Verdict::unknown(Why::Dynamic, message, place);
            } else {
                let message =
                    format!("no job runs the tests marked `{marker}`: give them a database");
                let says = format!("leaves out `{marker}`, which no other job runs");
                return Verdict::fail(message, Evidence::contradicts(test.span, says));
            }
        }
    }
    let first = shown.into_iter().next().or_else(|| {
        let test = all.first()?;
        Some(Evidence::shows(test.span, "leaves out none that needs a database"))
    });
    let right = "the tests that need a database are run by some job";
    workflows::judged(cx, Vec::new(), Verdict::fail, "", right, first)
}

fn tests(words: &[String], span: Span) -> Option<Tests> {
    let at = words
        .iter()
        .position(|word| matches!(word.rsplit('/').next(), Some("pytest" | "py.test")))?;
    let mut found = Tests { span, choice: None, paths: Vec::new() };
    let mut rest = words.iter().skip(at + 1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-m" => found.choice = rest.next().cloned(),
            "-k" | "-n" | "-c" | "-p" | "-o" | "-W" | "--rootdir" => {
                rest.next();
            }
            word if word.starts_with("-m") => found.choice = Some(word[2..].to_owned()),
            word if !word.starts_with('-') => {
                found.paths.push(word.trim_end_matches('/').to_owned())
            }
            _ => {}
        }
    }
    Some(found)
}

fn tokens(choice: &str) -> impl Iterator<Item = &str> {
    choice.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

fn markers(choice: &str) -> impl Iterator<Item = &str> {
    tokens(choice).filter(|word| !matches!(*word, "and" | "or" | "not"))
}

/// Whether no test with the marker is chosen: it is only ever denied, and nothing else would do.
fn excludes(choice: &str, marker: &str) -> bool {
    let words: Vec<&str> = tokens(choice).collect();
    let denied = words.windows(2).any(|pair| pair == ["not", marker]);
    let wanted = words
        .iter()
        .enumerate()
        .any(|(at, word)| *word == marker && (at == 0 || words.get(at - 1) != Some(&"not")));
    denied && !wanted && !words.contains(&"or")
}
