//! Secrets that a pipeline writes out: in its variables, its inputs, the lines of its scripts.

use std::collections::BTreeSet;

use plimsoll_source::{Span, TextRange};

use crate::fact::Fact;
use crate::lower::cx::Cx;
use crate::pipeline::{Command, Job, Pipeline, RoleKind};
use crate::secret::{self, LiteralKind, WrittenSecret, is_guessed, literal_secret};

/// The most secrets of one file.
const MAX_FOUND: usize = 1_000;

/// What a pipeline writes out, each place once, in text order.
pub(super) fn read(cx: &Cx<'_>, pipeline: &Pipeline) -> Vec<WrittenSecret> {
    let mut out = Found {
        cx,
        seen: BTreeSet::new(),
        list: Vec::new(),
        beside: false,
        opens: false,
        tests: false,
    };
    out.beside = pipeline.jobs.iter().any(has_containers);
    out.opens = !pipeline.jobs.is_empty() && pipeline.jobs.iter().all(is_test);
    out.facts(&pipeline.env);
    for job in &pipeline.jobs {
        of_job(job, &mut out);
    }
    out.list.sort_by(|a, b| (a.span, &a.name).cmp(&(b.span, &b.name)));
    out.list
}

fn of_job(job: &Job, out: &mut Found<'_>) {
    // What opens a container beside the job opens nothing else.
    for container in &job.containers {
        out.opens = true;
        for (name, value, span) in &container.env {
            out.value(name, value, *span);
        }
        out.opens = false;
        for (name, value, span) in &container.credentials {
            out.value(name, value, *span);
        }
    }
    out.beside = has_containers(job);
    out.opens = is_test(job);
    out.facts(&job.env);
    for step in &job.steps {
        out.facts(&step.env);
        for (name, value, span) in &step.with {
            out.value(name, value, *span);
        }
        let Some((text, _)) = &step.run else { continue };
        let bytes = text.text();
        let mut start = 0;
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            if let Ok(words) = std::str::from_utf8(line) {
                out.line(words, |range| text.span(range.shifted(start)));
            }
            start += u32::try_from(line.len()).unwrap_or(0);
        }
    }
}

struct Found<'a> {
    cx: &'a Cx<'a>,
    seen: BTreeSet<Span>,
    list: Vec<WrittenSecret>,
    /// The job has containers of its own beside it.
    beside: bool,
    /// What is looked at opens such a container.
    opens: bool,
    /// What is looked at is the environment of tests.
    tests: bool,
}

/// Whether a job only tests: then what it is given opens nothing that stays.
fn is_test(job: &Job) -> bool {
    let roles = || job.steps.iter().flat_map(|step| &step.roles).map(|role| role.kind);
    let lasts = roles().any(|kind| matches!(kind, RoleKind::Deploy | RoleKind::Push));
    let tests = has_containers(job) || roles().any(|kind| kind == RoleKind::Test);
    tests && !lasts && job.environment.is_none()
}

fn has_containers(job: &Job) -> bool {
    job.containers.iter().any(|container| container.name.is_some())
        || job.steps.iter().flat_map(|step| &step.commands).any(starts_containers)
}

/// Whether a command starts containers beside the job.
fn starts_containers(command: &Command) -> bool {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["docker" | "podman", "run", ..] => true,
        ["docker" | "docker-compose" | "podman", rest @ ..] => rest.contains(&"up"),
        _ => false,
    }
}

/// Whether a variable of this name opens a datastore.
fn is_of_datastore(name: &str) -> bool {
    const STORES: [&str; 10] = [
        "POSTGRES", "PG", "MYSQL", "MARIADB", "MONGO", "REDIS", "RABBITMQ", "DB", "DATABASE",
        "MINIO",
    ];
    let upper = name.to_ascii_uppercase();
    STORES.iter().any(|store| upper.starts_with(store))
}

impl Found<'_> {
    fn facts(&mut self, env: &[(String, Fact<String>, Span)]) {
        // `NODE_ENV: test` says whose the others beside it are.
        let says_test = |(name, value, _): &(String, Fact<String>, Span)| {
            name.ends_with("_ENV") && value.known().is_some_and(|value| value == "test")
        };
        let outer = self.tests;
        self.tests |= env.iter().any(says_test);
        for (name, value, span) in env {
            if let Fact::Known { value, .. } = value {
                self.value(name, value, *span);
            }
        }
        self.tests = outer;
    }

    /// A value with its name; a value that is JSON with the names in it.
    fn value(&mut self, name: &str, value: &str, span: Span) {
        if value.contains("${{") || value.starts_with('$') {
            return;
        }
        let members = json_members(value);
        if !members.is_empty() {
            for (name, member) in members {
                self.add(name, member, self.inside(span, member));
            }
        } else if !value.trim().contains([' ', '\n']) || value.contains("PRIVATE KEY-----") {
            self.add(name, value.trim(), span);
        }
    }

    /// Where a part of a value stands in the file.
    fn inside(&self, span: Span, part: &str) -> Span {
        let Ok(bytes) = self.cx.bytes(span.file) else { return span };
        let text = span.range.slice(&bytes);
        match memchr::memmem::find(text, part.as_bytes()) {
            Some(at) => {
                let range = TextRange::of(at, at + part.len());
                Span::new(span.file, range.shifted(span.range.start))
            }
            None => span,
        }
    }

    /// `NAME=value` and URLs among the words of a script's line.
    fn line(&mut self, line: &str, place: impl Fn(TextRange) -> Span) {
        if line.trim_start().starts_with('#') {
            return;
        }
        for word in line.split_whitespace() {
            let bare = word.trim_matches(['"', '\'', ';', '\\', ',', ')', '(']);
            let (name, value) = match bare.split_once('=') {
                Some((name, value)) if is_name(name) => (name, value),
                _ => ("", bare),
            };
            let value = value.trim_matches(['"', '\'']);
            if value.is_empty() || value.contains(['$', '`', '{', '(', '<', '*', '[', '|']) {
                continue;
            }
            // Words of a line lie in it.
            let at = value.as_ptr() as usize - line.as_ptr() as usize;
            self.add(name, value, place(TextRange::of(at, at + value.len())));
        }
    }

    fn add(&mut self, name: &str, value: &str, span: Span) {
        let Some(literal) = literal_secret(name, value) else { return };
        if self.list.len() >= MAX_FOUND || !self.seen.insert(span) {
            return;
        }
        let part = String::from_utf8_lossy(literal.range.slice(value.as_bytes())).into_owned();
        let proved = matches!(literal.kind, LiteralKind::Form(_));
        let near = literal.kind == LiteralKind::UrlPassword && is_near(value);
        let own = self.tests || self.opens || self.beside && is_of_datastore(name);
        let guessed = near || !proved && (own || is_guessed(name, &part) || secret::says_ci(&part));
        self.list.push(WrittenSecret { span, name: name.to_owned(), proved, guessed });
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether a URL leads to the runner itself or to a container beside it.
fn is_near(url: &str) -> bool {
    let host = url.rsplit('@').next().unwrap_or("");
    let host = host.split(['/', ':', '?']).next().unwrap_or("");
    matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0")
        || (!host.contains('.') && !host.is_empty())
}

/// `"NAME": "value"` in a value that is a JSON object.
fn json_members(value: &str) -> Vec<(&str, &str)> {
    let value = value.trim();
    if !value.starts_with('{') || !value.ends_with('}') {
        return Vec::new();
    }
    let parts: Vec<&str> = value.split('"').collect();
    let pairs = parts.windows(4).skip(1).step_by(2);
    pairs.filter(|w| w[1].trim() == ":").map(|w| (w[0], w[2])).take(200).collect()
}
