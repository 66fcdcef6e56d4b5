//! What a workflow of GitHub Actions may hold, and what in one the forge refuses or never does: keys,
//! events, patterns, permissions, names, dependencies, shells, expressions.
//!
//! Source of the rules: GitHub's documentation, «Workflow syntax for GitHub Actions», «Events that
//! trigger workflows», «Contexts reference».

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_source::Span;
use plimsoll_syntax::yaml::Value;

use crate::lower::keys::{self, Key, LIST, MAP, NUMBER, SWITCH, TEXT, items, key, keys, named};
use crate::near;
use crate::pipeline::{Fault, FaultKind, Pipeline, Placed, Slot};

/// The most jobs that are compared with each other.
const MAX_JOBS: usize = 500;
/// The most faults of one workflow.
const MAX_FAULTS: usize = 100;

const WORKFLOW: &[Key] = &[
    key("concurrency", TEXT | MAP),
    keys("defaults", MAP, DEFAULTS),
    key("env", MAP),
    named("jobs", MAP, "a job", JOB),
    key("name", TEXT),
    key("on", TEXT | LIST | MAP),
    key("permissions", TEXT | MAP),
    key("run-name", TEXT),
];

const JOB: &[Key] = &[
    keys("concurrency", TEXT | MAP, CONCURRENCY),
    keys("container", TEXT | MAP, CONTAINER),
    key("continue-on-error", SWITCH),
    keys("defaults", MAP, DEFAULTS),
    key("env", MAP),
    key("environment", TEXT | MAP),
    key("if", TEXT),
    key("name", TEXT),
    key("needs", TEXT | LIST),
    key("outputs", MAP),
    key("permissions", TEXT | MAP),
    keys("runs-on", TEXT | LIST | MAP, &[key("group", TEXT | LIST), key("labels", TEXT | LIST)]),
    key("secrets", TEXT | MAP),
    named("services", MAP, "a service", CONTAINER),
    key("snapshot", TEXT | MAP),
    items("steps", LIST, "a step", STEP),
    keys("strategy", MAP, STRATEGY),
    key("timeout-minutes", NUMBER),
    key("uses", TEXT),
    key("with", MAP),
];

const STEP: &[Key] = &[
    key("continue-on-error", SWITCH),
    key("env", MAP),
    key("id", TEXT),
    key("if", TEXT),
    key("name", TEXT),
    key("run", TEXT),
    key("shell", TEXT),
    key("timeout-minutes", NUMBER),
    key("uses", TEXT),
    key("with", MAP),
    key("working-directory", TEXT),
];

const CONCURRENCY: &[Key] =
    &[key("cancel-in-progress", SWITCH), key("group", TEXT), key("queue", TEXT)];

const CONTAINER: &[Key] = &[
    key("command", TEXT),
    keys("credentials", MAP, &[key("password", TEXT), key("username", TEXT)]),
    key("entrypoint", TEXT),
    key("env", MAP),
    key("image", TEXT),
    key("options", TEXT),
    key("ports", LIST),
    key("volumes", LIST),
];

const DEFAULTS: &[Key] = &[keys("run", MAP, &[key("shell", TEXT), key("working-directory", TEXT)])];

const STRATEGY: &[Key] =
    &[key("fail-fast", SWITCH), key("matrix", TEXT | MAP), key("max-parallel", NUMBER)];

/// Events, and the types of activity of those that have some.
const EVENTS: &[(&str, &[&str])] = &[
    ("branch_protection_rule", &["created", "edited", "deleted"]),
    ("check_run", &["created", "rerequested", "completed", "requested_action"]),
    ("check_suite", &["completed"]),
    ("create", &[]),
    ("delete", &[]),
    ("deployment", &[]),
    ("deployment_status", &[]),
    (
        "discussion",
        &[
            "created",
            "edited",
            "deleted",
            "transferred",
            "pinned",
            "unpinned",
            "labeled",
            "unlabeled",
            "locked",
            "unlocked",
            "category_changed",
            "answered",
            "unanswered",
        ],
    ),
    ("discussion_comment", &["created", "edited", "deleted"]),
    ("fork", &[]),
    ("gollum", &[]),
    ("image_version", &[]),
    ("issue_comment", &["created", "edited", "deleted"]),
    (
        "issues",
        &[
            "opened",
            "edited",
            "deleted",
            "transferred",
            "pinned",
            "unpinned",
            "closed",
            "reopened",
            "assigned",
            "unassigned",
            "labeled",
            "unlabeled",
            "locked",
            "unlocked",
            "milestoned",
            "demilestoned",
            "typed",
            "untyped",
        ],
    ),
    ("label", &["created", "edited", "deleted"]),
    ("merge_group", &["checks_requested"]),
    ("milestone", &["created", "closed", "opened", "edited", "deleted"]),
    ("page_build", &[]),
    ("project", &["created", "closed", "reopened", "edited", "deleted"]),
    ("project_card", &["created", "moved", "converted", "edited", "deleted"]),
    ("project_column", &["created", "updated", "moved", "deleted"]),
    ("public", &[]),
    ("pull_request", PROPOSED),
    ("pull_request_review", &["submitted", "edited", "dismissed"]),
    ("pull_request_review_comment", &["created", "edited", "deleted"]),
    ("pull_request_target", PROPOSED),
    ("push", &[]),
    ("registry_package", &["published", "updated"]),
    (
        "release",
        &["published", "unpublished", "created", "edited", "deleted", "prereleased", "released"],
    ),
    ("repository_dispatch", &["*"]),
    ("schedule", &[]),
    ("status", &[]),
    ("watch", &["started"]),
    ("workflow_call", &[]),
    ("workflow_dispatch", &[]),
    ("workflow_run", &["completed", "requested", "in_progress"]),
];

const PROPOSED: &[&str] = &[
    "assigned",
    "unassigned",
    "labeled",
    "unlabeled",
    "opened",
    "edited",
    "closed",
    "reopened",
    "synchronize",
    "converted_to_draft",
    "ready_for_review",
    "locked",
    "unlocked",
    "milestoned",
    "demilestoned",
    "review_requested",
    "review_request_removed",
    "auto_merge_enabled",
    "auto_merge_disabled",
    "enqueued",
    "dequeued",
];

/// Permissions of a job's token.
const SCOPES: [&str; 17] = [
    "actions",
    "artifact-metadata",
    "attestations",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "id-token",
    "issues",
    "models",
    "packages",
    "pages",
    "pull-requests",
    "repository-projects",
    "security-events",
    "statuses",
    "vulnerability-alerts",
];

/// Contexts, by what they are called in small letters.
const CONTEXTS: [&str; 12] = [
    "env", "github", "inputs", "job", "jobs", "matrix", "needs", "runner", "secrets", "steps",
    "strategy", "vars",
];

/// What is wrong with a workflow, in text order, and the first for which the forge runs none of it.
pub(super) fn faults(root: Value<'_>, pipeline: &Pipeline) -> (Vec<Fault>, Option<Span>) {
    let mut found = Found { all: Vec::new(), refused: None };
    for (span, says) in keys::faults(root, WORKFLOW, "a workflow", &mut |_, _| {}) {
        found.refuse(FaultKind::Schema, span, says);
    }
    if let Some(on) = root.get("on") {
        events(on, &mut found);
    } else if let Some((jobs, _)) = root.entry("jobs") {
        found.add(FaultKind::Schema, jobs, "no `on`: nothing starts it");
    }
    permissions(root, &mut found);
    let jobs = root.get("jobs").map(Value::entries).unwrap_or_default();
    if jobs.len() > MAX_JOBS {
        return (found.all, found.refused);
    }
    let names: Vec<&str> = jobs.iter().filter_map(|(key, _)| key.text()).collect();
    for (key, job) in &jobs {
        let name = key.text().unwrap_or_default();
        name_of("job", *key, name, &mut found);
        permissions(*job, &mut found);
        needs(name, *job, &names, &mut found);
        steps(*key, *job, &mut found);
    }
    cycles(&jobs, &mut found);
    let mut seen = BTreeSet::new();
    for (key, _) in root.get("jobs").into_iter().flat_map(Value::pairs) {
        let name = key.text().unwrap_or_default();
        if !seen.insert(name.to_ascii_lowercase()) {
            let says = format!("`{}` is another job's, too", clip(name));
            found.refuse(FaultKind::Id, key.span(), says);
        }
    }
    let known: Vec<Known> = jobs.iter().map(|(_, job)| Known::of(*job)).collect();
    for placed in &pipeline.expressions {
        expression(placed, pipeline, &known, &mut found);
    }
    let Found { mut all, refused } = found;
    all.sort_by_key(|fault| fault.span);
    all.dedup_by(|a, b| a.span == b.span && a.kind == b.kind);
    all.truncate(MAX_FAULTS);
    (all, refused)
}

/// What expressions may ask of a job; `None` where what it has is only known when it runs.
struct Known {
    matrix: Option<BTreeSet<String>>,
    outputs: Option<BTreeSet<String>>,
}

impl Known {
    fn of(job: Value<'_>) -> Self {
        let names = |map: Value<'_>| {
            let keys = map.entries().into_iter().filter_map(|(key, _)| key.text());
            keys.map(str::to_ascii_lowercase).collect::<BTreeSet<String>>()
        };
        // `strategy: ${{ fromJSON(needs.plan.outputs.strategy) }}`.
        let open = job.get("strategy").is_some_and(|strategy| !strategy.is_map());
        let matrix = match job.path(&["strategy", "matrix"]) {
            None if open => None,
            None => Some(BTreeSet::new()),
            Some(matrix) if !matrix.is_map() => None,
            Some(matrix) => {
                let mut all = names(matrix);
                let include = matrix.get("include");
                let open = include.is_some_and(|include| {
                    include.text().is_some() || include.items().any(|item| !item.is_map())
                });
                all.extend(include.into_iter().flat_map(Value::items).flat_map(names));
                (!open).then_some(all)
            }
        };
        let outputs = job.get("outputs").map(names).unwrap_or_default();
        Self { matrix, outputs: job.get("uses").is_none().then_some(outputs) }
    }
}

struct Found {
    all: Vec<Fault>,
    refused: Option<Span>,
}

impl Found {
    fn add(&mut self, kind: FaultKind, at: Value<'_>, says: impl Into<String>) {
        self.at(kind, at.span(), says);
    }

    fn at(&mut self, kind: FaultKind, span: Span, says: impl Into<String>) {
        self.all.push(Fault { kind, span, says: says.into(), meant: None });
    }

    /// What makes the forge run none of the workflow.
    fn refuse(&mut self, kind: FaultKind, span: Span, says: impl Into<String>) {
        self.refused = self.refused.or(Some(span));
        self.at(kind, span, says);
    }

    /// A name that is none of those that are known: with the one that is near, if there is one.
    fn unknown(&mut self, kind: FaultKind, at: Value<'_>, says: String, near: Option<&str>) {
        let says = near.map_or(says.clone(), |near| format!("{says}: `{near}` is"));
        let meant = near.map(str::to_owned);
        self.all.push(Fault { kind, span: at.span(), says, meant });
    }
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

fn is_expression(text: &str) -> bool {
    text.contains("${{")
}

fn events(on: Value<'_>, found: &mut Found) {
    let names: Vec<(Value<'_>, Option<Value<'_>>)> = match () {
        () if on.is_map() => on.entries().into_iter().map(|(k, v)| (k, Some(v))).collect(),
        () if on.is_seq() => on.items().map(|item| (item, None)).collect(),
        () => vec![(on, None)],
    };
    for (name, value) in names {
        let Some(text) = name.text() else { continue };
        let Some((_, types)) = EVENTS.iter().find(|(event, _)| *event == text) else {
            let words: Vec<&str> = EVENTS.iter().map(|(event, _)| *event).collect();
            let says = format!("`{}` is no event", clip(text));
            found.unknown(FaultKind::Event, name, says, near::nearest(text, &words));
            continue;
        };
        let Some(value) = value else {
            if text == "schedule" {
                found.add(FaultKind::Event, name, "`schedule` says no time");
            }
            continue;
        };
        filters(text, value, types, found);
        if text == "schedule" {
            for item in value.items() {
                if let Some(cron) = item.get("cron")
                    && let Some(text) = cron.text()
                    && !is_cron(text)
                {
                    found.add(FaultKind::Event, cron, format!("`{}` is no time", clip(text)));
                }
            }
        }
    }
}

fn filters(event: &str, value: Value<'_>, types: &[&str], found: &mut Found) {
    let list = |key: &str| {
        let value = value.get(key)?;
        Some(if value.is_seq() { value.items().collect() } else { vec![value] })
    };
    for item in list("types").unwrap_or_default() {
        let Some(text) = item.text() else { continue };
        if !types.contains(&"*") && !types.contains(&text) {
            let says = format!("`{}` is no type of `{event}`", clip(text));
            found.unknown(FaultKind::Event, item, says, near::nearest(text, types));
        }
    }
    let pushes = matches!(event, "push" | "pull_request" | "pull_request_target");
    for (one, other) in
        [("branches", "branches-ignore"), ("tags", "tags-ignore"), ("paths", "paths-ignore")]
    {
        for key in [one, other] {
            let fits = match one {
                "branches" => pushes || matches!(event, "workflow_run" | "merge_group"),
                "tags" => event == "push",
                _ => pushes,
            };
            if let Some((name, _)) = value.entry(key).filter(|_| !fits) {
                found.add(FaultKind::Event, name, format!("`{event}` has no filter `{key}`"));
            }
            for item in list(key).unwrap_or_default() {
                let wrong = item.text().and_then(|text| glob(text, one == "paths"));
                if let Some(says) = wrong {
                    let text = item.text().unwrap_or_default();
                    let rooted = text.strip_prefix("./").filter(|_| one == "paths");
                    let meant = rooted.filter(|rest| glob(rest, true).is_none());
                    let meant = meant.map(str::to_owned);
                    found.all.push(Fault { kind: FaultKind::Glob, span: item.span(), says, meant });
                }
            }
        }
        if let (Some(_), Some((name, _))) = (value.get(one), value.entry(other)) {
            let says = format!("`{one}` and `{other}` exclude each other: write `!` into one");
            found.add(FaultKind::Event, name, says);
        }
    }
}

/// What is wrong with a pattern of branches, tags or paths.
fn glob(text: &str, path: bool) -> Option<String> {
    let shown = clip(text);
    let rest = text.strip_prefix('!').unwrap_or(text);
    if rest.is_empty() {
        return Some("an empty pattern".to_owned());
    }
    if rest != rest.trim() {
        return Some(format!("`{shown}` begins or ends with a blank"));
    }
    if path && (rest.starts_with("./") || rest.starts_with("../")) {
        return Some(format!("`{shown}` matches nothing: paths begin at the root, without `./`"));
    }
    let mut before: Option<char> = None;
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                before = chars.next();
                continue;
            }
            '?' | '+' if matches!(before, None | Some('/' | '*')) => {
                return Some(format!("`{c}` in `{shown}` follows nothing"));
            }
            '[' => {
                let inner: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let closed = rest.matches(']').count() >= rest.matches('[').count();
                if inner.is_empty() || !closed {
                    return Some(format!("`{shown}` has a class that is empty or not closed"));
                }
                let range: Vec<char> = inner.chars().collect();
                if range.windows(3).any(|w| w[1] == '-' && w[0] > w[2]) {
                    return Some(format!("`{shown}` has a class that is the wrong way round"));
                }
                before = Some(']');
                continue;
            }
            ' ' | '\t' | '~' | '^' | ':' if !path => {
                return Some(format!("`{shown}` is no name of a branch or tag: `{c}`"));
            }
            _ => {}
        }
        before = Some(c);
    }
    let slash = !path && (rest.starts_with('/') || rest.ends_with('/'));
    slash.then(|| format!("`{shown}` is no name of a branch or tag: it begins or ends with `/`"))
}

/// Whether a text is five fields of a time as cron has them.
fn is_cron(text: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let fields: Vec<&str> = text.split_whitespace().collect();
    let bounds: [(u32, u32, &[&str]); 5] =
        [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, &MONTHS), (0, 6, &DAYS)];
    let value = |text: &str, (low, high, names): (u32, u32, &[&str])| {
        let lower = text.to_ascii_lowercase();
        let named = names.iter().position(|name| *name == lower);
        let number = named.map(|at| u32::try_from(at).unwrap_or(0) + low);
        number.or_else(|| text.parse().ok()).filter(|n| (low..=high).contains(n))
    };
    let is_field = |field: &str, bound: (u32, u32, &[&str])| {
        field.split(',').all(|part| {
            let (range, step) = part.split_once('/').map_or((part, None), |(a, b)| (a, Some(b)));
            let steps = step.is_none_or(|step| step.parse::<u32>().is_ok_and(|n| n > 0));
            let ranged = range == "*"
                || match range.split_once('-') {
                    Some((from, to)) => {
                        matches!((value(from, bound), value(to, bound)), (Some(a), Some(b)) if a <= b)
                    }
                    None => value(range, bound).is_some(),
                };
            steps && ranged
        })
    };
    fields.len() == 5 && fields.iter().zip(bounds).all(|(field, bound)| is_field(field, bound))
}

fn permissions(holder: Value<'_>, found: &mut Found) {
    let Some(value) = holder.get("permissions") else { return };
    if let Some(text) = value.text().filter(|_| !value.is_null()) {
        if !matches!(text, "read-all" | "write-all") && !is_expression(text) {
            let says = format!("`{}` is no permission: `read-all` is", clip(text));
            found.add(FaultKind::Permission, value, says);
        }
        return;
    }
    for (key, level) in value.entries() {
        let (Some(scope), Some(text)) = (key.text(), level.text()) else { continue };
        if !SCOPES.contains(&scope) {
            let says = format!("`{}` is no permission", clip(scope));
            found.unknown(FaultKind::Permission, key, says, near::nearest(scope, &SCOPES));
        } else if !levels(scope).contains(&text) {
            let says = format!("`{}` is no level: {}", clip(text), levels(scope).join(", "));
            found.add(FaultKind::Permission, level, says);
        }
    }
}

/// The levels of a permission.
fn levels(scope: &str) -> &'static [&'static str] {
    match scope {
        "id-token" => &["write", "none"],
        "models" => &["read", "none"],
        _ => &["read", "write", "none"],
    }
}

fn name_of(what: &str, at: Value<'_>, name: &str, found: &mut Found) {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let fits = first && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if !fits && !is_expression(name) {
        let says = format!("`{}` is no name of a {what}: letters, digits, `-`, `_`", clip(name));
        found.add(FaultKind::Id, at, says);
    }
}

fn needs(own: &str, job: Value<'_>, names: &[&str], found: &mut Found) {
    let Some(value) = job.get("needs") else { return };
    let items: Vec<Value<'_>> = if value.is_seq() { value.items().collect() } else { vec![value] };
    for item in items {
        let Some(text) = item.text().filter(|text| !is_expression(text)) else { continue };
        let exists = names.iter().any(|name| name.eq_ignore_ascii_case(text));
        if text.eq_ignore_ascii_case(own) {
            found.refuse(FaultKind::Need, item.span(), "the job waits for itself");
        } else if !exists && !text.is_empty() {
            let near = near::nearest(text, names);
            let meant = near.map_or(String::new(), |near| format!(": `{near}` is"));
            let says = format!("no job `{}`{meant}", clip(text));
            found.refuse(FaultKind::Need, item.span(), says);
        }
    }
}

/// Jobs that wait for each other.
fn cycles(jobs: &[(Value<'_>, Value<'_>)], found: &mut Found) {
    let named = |value: Value<'_>| value.text().map(str::to_ascii_lowercase);
    let mut waits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, job) in jobs {
        let Some(name) = named(*key) else { continue };
        let needs = job.get("needs");
        let list = needs.into_iter().flat_map(|value| value.items().chain([value]));
        waits.insert(name.clone(), list.filter_map(named).filter(|need| *need != name).collect());
    }
    // Whoever waits for nothing that is left is taken out, until nobody is.
    loop {
        let free: Vec<String> = waits
            .iter()
            .filter(|(_, needs)| !needs.iter().any(|need| waits.contains_key(need)))
            .map(|(name, _)| name.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        for name in free {
            waits.remove(&name);
        }
    }
    // Of what is left, those that others left wait for are in the circle or lead from one to another.
    let first = jobs.iter().find(|(key, _)| {
        named(*key).is_some_and(|name| {
            waits.contains_key(&name) && waits.values().any(|needs| needs.contains(&name))
        })
    });
    if let Some((key, _)) = first {
        found.refuse(FaultKind::Need, key.span(), "the job waits for one that waits for it");
    }
}

fn steps(key: Value<'_>, job: Value<'_>, found: &mut Found) {
    if !job.is_map() {
        return;
    }
    let (uses, list) = (job.get("uses"), job.get("steps"));
    match (uses, list) {
        (Some(_), Some(steps)) => {
            let says = "a job that calls a workflow has no steps";
            found.refuse(FaultKind::Schema, steps.span(), says);
        }
        (None, None) => {
            found.refuse(FaultKind::Schema, key.span(), "no `steps`, and no `uses`");
        }
        (Some(_), None) if job.get("runs-on").is_some() => {
            let says = "a job that calls a workflow has no `runs-on`";
            found.refuse(FaultKind::Schema, key.span(), says);
        }
        (None, Some(_)) if job.get("runs-on").is_none() => {
            found.add(FaultKind::Schema, key, "no `runs-on`");
        }
        _ => {}
    }
    let mut ids = BTreeSet::new();
    for step in list.into_iter().flat_map(Value::items).filter(|step| step.is_map()) {
        if let Some(id) = step.get("id")
            && let Some(text) = id.text()
        {
            name_of("step", id, text, found);
            if !ids.insert(text.to_ascii_lowercase()) {
                let says = format!("`{}` is another step's, too", clip(text));
                found.refuse(FaultKind::Id, id.span(), says);
            }
        }
        match (step.entry("run"), step.entry("uses")) {
            (Some((run, _)), Some(_)) => {
                let says = "a step has `run` or `uses`, not both";
                found.refuse(FaultKind::Schema, run.span(), says);
            }
            (None, None) => {
                let says = "a step without `run` and `uses`";
                found.refuse(FaultKind::Schema, step.span(), says);
            }
            (Some(_), None) => {
                if let Some((with, _)) = step.entry("with") {
                    let says = "`with` is an action's: `env` is a script's";
                    found.refuse(FaultKind::Schema, with.span(), says);
                }
            }
            (None, Some(_)) => {
                for key in ["shell", "working-directory"] {
                    if let Some((at, _)) = step.entry(key) {
                        let says = format!("`{key}` is a script's");
                        found.refuse(FaultKind::Schema, at.span(), says);
                    }
                }
            }
        }
        if let Some(shell) = step.get("shell") {
            shell_name(shell, found);
        }
        if let Some(run) = step.get("run") {
            commands(run, found);
        }
    }
    if let Some(shell) = job.path(&["defaults", "run", "shell"]) {
        shell_name(shell, found);
    }
}

fn shell_name(value: Value<'_>, found: &mut Found) {
    const SHELLS: [&str; 6] = ["bash", "sh", "pwsh", "powershell", "cmd", "python"];
    let Some(text) = value.text() else { return };
    let known = SHELLS.contains(&text) || text.contains("{0}") || is_expression(text);
    if !known {
        let says = format!("`{}` is no shell", clip(text));
        found.unknown(FaultKind::Shell, value, says, near::nearest(text, &SHELLS));
    }
}

/// Commands to the runner that it no longer takes, or soon will not.
fn commands(run: Value<'_>, found: &mut Found) {
    let text = run.derived();
    for (command, instead) in [
        ("::set-output name=", "$GITHUB_OUTPUT"),
        ("::save-state name=", "$GITHUB_STATE"),
        ("::set-env name=", "$GITHUB_ENV"),
        ("::add-path::", "$GITHUB_PATH"),
    ] {
        for at in memchr::memmem::find_iter(text.text(), command.as_bytes()) {
            let range = plimsoll_source::TextRange::of(at, at + command.len());
            let name = command.trim_end_matches(" name=").trim_end_matches(':');
            let says = format!("`{name}` is out of use: write to `{instead}`");
            let (span, meant) = (text.span(range), Some(instead.to_owned()));
            found.all.push(Fault { kind: FaultKind::Command, span, says, meant });
        }
    }
}

/// What is wrong with an expression in its place.
fn expression(placed: &Placed, pipeline: &Pipeline, known: &[Known], found: &mut Found) {
    let at = placed.span;
    if placed.expression.broken {
        // What is too long for our reader is not wrong.
        if placed.span.range.len() < 2000 {
            found.refuse(FaultKind::Expression, at, "it is no expression");
        }
        return;
    }
    let of_state = placed
        .expression
        .calls
        .iter()
        .find(|call| matches!(**call, "always" | "cancelled" | "failure" | "success"));
    if let Some(call) = of_state.filter(|_| placed.slot != Slot::Condition) {
        found.at(FaultKind::Expression, at, format!("`{call}()` is known in `if` only"));
    }
    for reference in &placed.expression.contexts {
        let mut parts = reference.path.split('.');
        let context = parts.next().unwrap_or_default();
        if !CONTEXTS.contains(&context) {
            let near = near::nearest(context, &CONTEXTS);
            let meant = near.map_or(String::new(), |near| format!(": `{near}` is"));
            let says = format!("`{}` is no context{meant}", clip(context));
            found.refuse(FaultKind::Expression, at, says);
            continue;
        }
        if !is_there(context, placed) {
            found.refuse(FaultKind::Expression, at, format!("`{context}` is not known here"));
            continue;
        }
        let Some(name) = parts.next().filter(|name| *name != "*") else { continue };
        let by_hand = pipeline
            .triggers
            .iter()
            .any(|trigger| matches!(&*trigger.event, "workflow_call" | "workflow_dispatch"));
        if context == "inputs" && by_hand && !pipeline.inputs.iter().any(|i| i.name == name) {
            found.at(FaultKind::Expression, at, format!("no input is `{}`", clip(name)));
        }
        let Some(index) = placed.job else { continue };
        let (Some(job), Some(own)) = (pipeline.jobs.get(index), known.get(index)) else { continue };
        match context {
            "matrix" if own.matrix.as_ref().is_some_and(|matrix| !matrix.contains(name)) => {
                found.at(FaultKind::Expression, at, format!("the matrix has no `{}`", clip(name)));
            }
            "needs" => {
                let waits = job.needs.iter().any(|need| need.eq_ignore_ascii_case(name));
                let of = pipeline.jobs.iter().position(|job| job.id.eq_ignore_ascii_case(name));
                let outputs = of.and_then(|at| known.get(at)?.outputs.as_ref());
                let wanted = parts.next().filter(|part| *part == "outputs").and(parts.next());
                if !waits {
                    found.at(
                        FaultKind::Need,
                        at,
                        format!("the job does not wait for `{}`", clip(name)),
                    );
                } else if let (Some(outputs), Some(wanted)) = (outputs, wanted)
                    && wanted != "*"
                    && !outputs.contains(wanted)
                {
                    let (name, wanted) = (clip(name), clip(wanted));
                    found.at(
                        FaultKind::Expression,
                        at,
                        format!("`{name}` has no output `{wanted}`"),
                    );
                }
            }
            "steps" if placed.slot != Slot::Output => {
                let own = placed.step.and_then(|at| job.steps.iter().position(|s| s.span == at));
                let before = job.steps.get(..own.unwrap_or(job.steps.len())).unwrap_or_default();
                let is = |id: &Option<String>| {
                    id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(name))
                };
                if !before.iter().any(|step| is(&step.id)) {
                    found.at(
                        FaultKind::Expression,
                        at,
                        format!("no step before it is `{}`", clip(name)),
                    );
                }
            }
            _ => {}
        }
    }
}

/// Whether a context is known where an expression stands.
fn is_there(context: &str, placed: &Placed) -> bool {
    let of_step = placed.step.is_some();
    match (placed.slot, context) {
        (Slot::Condition, "secrets") => false,
        (Slot::Condition, "env" | "matrix" | "steps" | "runner" | "job" | "strategy") => of_step,
        (Slot::RunsOn, "env" | "secrets" | "steps" | "runner" | "job") => false,
        // A job's container knows more than the job, and stands in the same place.
        (Slot::Env, "env" | "needs" | "matrix" | "steps" | "job" | "runner" | "strategy") => {
            placed.job.is_some()
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_cron() {
        let check = |text: &str, right: bool| assert_eq!(is_cron(text), right, "{text}");
        check("0 3 * * *", true);
        check("*/15 0-6,12 1 JAN-MAR mon", true);
        check("0 3 * *", false);
        check("60 3 * * *", false);
        check("0 3 * * 7", false);
        check("@daily", false);
    }

    #[test]
    fn patterns() {
        let check = |text: &str, path: bool, right: bool| {
            assert_eq!(glob(text, path).is_none(), right, "{text}");
        };
        check("main", false, true);
        check("v[0-9]+.*", false, true);
        check("releases/**", false, true);
        check("!docs/**", true, true);
        check("**/*.jsx?", true, true);
        check("./src/**", true, false);
        check("a b", false, false);
        check("v[", false, false);
        check("?x", false, false);
        check("v[9-0]", false, false);
        check("!", true, false);
    }
}
