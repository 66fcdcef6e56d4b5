//! # No command, health check or label spells a secret out
//!
//! No `command`, `entrypoint`, `healthcheck` or label of a compose file holds a password or token.
//!
//! Arguments are seen by every user of the host in the list of processes, labels by everything that asks the
//! engine, and both by everyone who has the repository.
//!
//! Give the program a file of `secrets:`, or a variable that is set from outside: `--requirepass
//! "$${REDIS_PASSWORD}"` in a shell of the container's own.
//!
//! ## Fails
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   cache:
//!     image: redis:8.2.0
//!     command: redis-server --requirepass Tr0ub4dor # <- spells a secret out
//! ```
//!
//! In a health check and a label:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: mysql:9.1.0
//!     healthcheck:
//!       test: ["CMD", "mysqladmin", "ping", "--password=Tr0ub4dor"] # <- spells a secret out
//!     labels:
//!       backup.url: postgres://backup:Tr0ub4dor@db/app # <- spells a secret out
//! ```
//!
//! Behind a short option:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   cache:
//!     image: redis:8.2.0
//!     healthcheck:
//!       test: ["CMD", "redis-cli", "-a", "Tr0ub4dor", "ping"] # <- spells a secret out
//! ```
//!
//! ## Fixed
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   cache:
//!     image: redis:8.2.0
//!     command: redis-server --requirepass ${REDIS_PASSWORD:?set it}
//! ```
//!
//! In a health check and a label:
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   db:
//!     image: mysql:9.1.0
//!     healthcheck:
//!       test: ["CMD-SHELL", "mysqladmin ping --password=\"$${MYSQL_ROOT_PASSWORD}\""]
//! ```
//!
//! ## Passes
//!
//! `compose.yaml`:
//! ```yaml
//! services:
//!   cache: # <- spells no secret out
//!     image: redis:8.2.0
//!     command: redis-server --requirepass-file /run/secrets/redis --maxmemory 100mb
//!     labels: { token.ttl: 15m }
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
use crate::{
    Check, ContainerSubject, Cx, Domain, Effort, Equivalent, Evidence, Part, Relation, Run,
    Section, Severity, Status, Verdict,
};
use plimsoll_model::image::HealthTest;
use plimsoll_model::password;
use plimsoll_model::secret::{is_placeholder, literal_secret};
use plimsoll_source::Span;

pub(super) static CHECK: Check = Check {
    id: "secrets/none-in-commands-or-labels",
    section: Section::Compose,
    domain: Domain::ContainerSecurity,
    severity: Severity::High,
    effort: Effort::Minutes,
    within: None,
    after: &[],
    controls: &["CIS-D 4.10"],
    status: Status::Stable,
    since: "0.1.0",
    parts: &[Part {
        name: "",
        equivalents: &[Equivalent { tool: "catalogue", rule: "CMP041", relation: Relation::Same }],
    }],
    when: &[&IN_COMPOSE],
    source: include_str!("none_in_commands_or_labels.rs"),
    run: Run::EveryContainer(run),
    fix: None,
};

const WORDS: Words = Words {
    fail: "has a secret spelled out: take it from a file or from outside",
    partial: "",
    pass: "no command, health check or label spells a secret out",
    none: "spells no secret out",
};

fn run(_: &Cx<'_>, container: ContainerSubject<'_>) -> Verdict {
    let mut asked = Asked::default();
    for exec in [&container.entrypoint, &container.command].into_iter().flatten() {
        let words: Vec<(&str, Span)> = exec.words.iter().map(|(w, at)| (&**w, *at)).collect();
        asked.bad.extend(in_words(&words));
    }
    if let Some(health) = &container.healthcheck {
        let whole = |words: Vec<&str>| {
            let words: Vec<(&str, Span)> = words.into_iter().map(|w| (w, health.span)).collect();
            in_words(&words)
        };
        asked.bad.extend(match &health.test {
            HealthTest::Exec(words) => whole(words.iter().map(|word| &**word).collect()),
            HealthTest::Shell(line) => whole(line.split_whitespace().collect()),
            _ => Vec::new(),
        });
    }
    let labels = container.engine.labels.iter();
    let bad = labels.filter(|label| literal_secret(&label.name, &label.value).is_some());
    asked.bad.extend(bad.map(|label| Evidence::contradicts(label.span, "spells a secret out")));
    asked.verdict(&container, &WORDS)
}

/// What of a command line is a secret: a URL's password, `--password=X`, `--requirepass X`, and
/// the same in the words of a line that a shell is given.
fn in_words(words: &[(&str, Span)]) -> Vec<Evidence> {
    let mut found = Vec::new();
    let mut before = "";
    let mut program = "";
    for (word, at) in words {
        let inner: Vec<(&str, Span)> = word.split_whitespace().map(|part| (part, *at)).collect();
        let bad = if inner.len() > 1 {
            !in_words(&inner).is_empty()
        } else {
            let word = word.trim_matches(['"', '\'']);
            let (name, value) = word.split_once('=').unwrap_or((before, word));
            let option = name.starts_with('-') && !word.starts_with('-') || word.contains('=');
            let name = name.trim_start_matches('-');
            let named = password::is_option(name);
            let plain = !value.contains('$') && !value.starts_with('/') && !is_placeholder(value);
            literal_secret("", word).is_some()
                || option && named && plain && !value.is_empty()
                || password::behind_short(program, before, word)
                    .is_some_and(|value| !value.contains('$') && !is_placeholder(value))
        };
        if bad {
            found.push(Evidence::contradicts(*at, "spells a secret out"));
        }
        if password::is_program(word) {
            program = word.rsplit('/').next().unwrap_or(word);
        }
        before = word;
    }
    found
}
