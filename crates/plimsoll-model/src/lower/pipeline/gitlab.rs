//! GitLab CI: `.gitlab-ci.yml` at the root, with the local files that it includes.
//!
//! Source of the rules: the «CI/CD YAML syntax reference» of GitLab's documentation. Templates,
//! components and files of other projects are not in the tree: they are listed as unread.

use std::collections::BTreeMap;

use foldhash::HashMap;
use plimsoll_source::{DerivedBuilder, FileId, Span, TextRange, normalize_path};
use plimsoll_syntax::yaml::{Value, Yaml};

use super::github::{empty, empty_job, empty_step, texts};
use super::{container, facts, layered, open, pairs, program, roles};
use crate::flow::Heed;
use crate::lower::cx::Cx;
use crate::lower::reach::Reach;
use crate::lower::roles::Done;
use crate::pipeline::{Forge, Job, Pipeline, Role, RoleKind, Runs, Shell, Trigger};

/// The most files that are taken in.
const MAX_FILES: usize = 100;
/// The most jobs that are read.
const MAX_JOBS: usize = 5_000;
/// How long a chain of `extends` may be.
const MAX_EXTENDS: usize = 11;

/// Keys at the top that are no jobs.
const GLOBAL: &[&str] = &[
    "default",
    "include",
    "stages",
    "variables",
    "workflow",
    "image",
    "services",
    "cache",
    "before_script",
    "after_script",
    "pages:deploy",
    "spec",
];

/// GitLab's runner starts scripts with `set -eo pipefail`.
const SHELL: Shell = Shell { errexit: true, pipefail: true };

type Entries<'a> = BTreeMap<&'a str, (Value<'a>, Value<'a>)>;

pub(super) fn pipeline(cx: &Cx<'_>, reach: &Reach<'_>, file: FileId) -> Pipeline {
    let path = cx.tree.path(file);
    let runs = if path.contains('/') {
        Runs::No("GitLab reads `.gitlab-ci.yml` only at the repository's root".to_owned())
    } else if let Some(outside) = cx.tree.outside() {
        Runs::No(format!(
            "GitLab reads `.gitlab-ci.yml` only at the repository's root, and `{outside}` is below it"
        ))
    } else {
        Runs::Yes
    };
    let mut pipeline = empty(file, Forge::GitLab, runs);
    let files = files(cx, file, &mut pipeline);
    let Some(main) = files.first().and_then(|f| f.root()).filter(|r| r.is_map()) else {
        return pipeline;
    };
    pipeline.triggers = vec![Trigger {
        event: "push".to_owned(),
        types: Vec::new(),
        branches: Vec::new(),
        tags: Vec::new(),
        paths: Vec::new(),
        paths_ignore: Vec::new(),
        span: Span::new(file, TextRange::new(0, 0)),
    }];
    pipeline.name = main.path(&["workflow", "name"]).and_then(Value::text).map(str::to_owned);
    // What the main file says wins over what it includes, and a later include over an earlier one.
    let mut entries: Entries<'_> = BTreeMap::new();
    for yaml in files.iter().skip(1).chain(files.first()) {
        for (key, value) in yaml.roots().flat_map(Value::entries) {
            if let Some(name) = key.text() {
                entries.insert(name, (key, value));
            }
        }
    }
    let env = variables(entries.get("variables").map(|(_, value)| *value));
    pipeline.env = facts(&env);
    let mut jobs: Vec<(&str, Value<'_>, Value<'_>)> = entries
        .iter()
        .filter(|(name, (_, value))| {
            !name.starts_with('.') && !GLOBAL.contains(name) && value.is_map()
        })
        .map(|(name, (key, value))| (*name, *key, *value))
        .collect();
    jobs.sort_by_key(|(_, key, _)| (key.span().file != file, key.span()));
    let stages: HashMap<&str, String> = jobs
        .iter()
        .take(MAX_JOBS)
        .map(|(name, _, value)| {
            let stage = first(&layers(*value, &entries), "stage").and_then(Value::text);
            (*name, stage.unwrap_or("test").to_owned())
        })
        .collect();
    let order = texts(entries.get("stages").map(|(_, value)| *value));
    for (name, key, value) in jobs.into_iter().take(MAX_JOBS) {
        let mut job = job(name, key, value, &entries, &env, &mut pipeline.unread);
        if first(&layers(value, &entries), "needs").is_none() {
            job.needs = earlier(name, &stages, &order);
        }
        let deploys = job.environment.is_some();
        let kept = kept(&mut job, &layers(value, &entries));
        roles(reach, &mut job, deploys, kept);
        pipeline.jobs.push(job);
    }
    pipeline
}

/// The jobs that one without `needs:` waits for: those of all stages before its own.
fn earlier(name: &str, stages: &HashMap<&str, String>, order: &[String]) -> Vec<String> {
    const DEFAULT: [&str; 3] = ["build", "test", "deploy"];
    const MAX_NEEDS: usize = 100;
    let rank = |stage: &str| match stage {
        ".pre" => Some(0),
        ".post" => Some(usize::MAX),
        stage if order.is_empty() => Some(DEFAULT.iter().position(|s| *s == stage)? + 1),
        stage => Some(order.iter().position(|s| s == stage)? + 1),
    };
    let Some(own) = stages.get(name).and_then(|stage| rank(stage)) else { return Vec::new() };
    let before = stages.iter().filter(|(_, stage)| rank(stage).is_some_and(|rank| rank < own));
    let mut found: Vec<String> = before.map(|(name, _)| (*name).to_owned()).collect();
    found.sort();
    found.truncate(MAX_NEEDS);
    found
}

/// The main file and what it includes from the tree, breadth first.
fn files(cx: &Cx<'_>, main: FileId, pipeline: &mut Pipeline) -> Vec<Yaml> {
    let runs = pipeline.runs == Runs::Yes;
    let mut files: Vec<Yaml> = Vec::new();
    let mut queue = vec![main];
    let mut at = 0;
    while at < queue.len() && at < MAX_FILES {
        let Some((yaml, broken)) = open(cx, queue[at], "GitLab pipeline", runs) else {
            at += 1;
            continue;
        };
        if at == 0 {
            pipeline.broken = broken;
        }
        let include = yaml.roots().find_map(|root| root.get("include"));
        let wanted: Vec<Value<'_>> = match include {
            Some(include) if include.is_seq() => include.items().take(1000).collect(),
            Some(include) => vec![include],
            None => Vec::new(),
        };
        for item in wanted {
            let local = item.get("local").or_else(|| item.text().map(|_| item));
            let names = texts(local).into_iter().filter(|name| !name.contains("://"));
            let paths: Vec<String> = names.collect();
            let found: Vec<FileId> =
                paths.iter().filter_map(|p| cx.tree.find(&normalize_path(p)?)).collect();
            if paths.is_empty() || found.len() < paths.len() {
                let what = pairs(Some(item)).into_iter().map(|(k, v, _)| format!("{k}: {v}"));
                let what = what.collect::<Vec<_>>().join(", ");
                let what =
                    if what.is_empty() { item.text().unwrap_or("").to_owned() } else { what };
                pipeline.unread.push((what, item.span()));
            }
            for file in found {
                if !queue.contains(&file) && queue.len() < MAX_FILES {
                    queue.push(file);
                }
            }
        }
        files.push(yaml);
        at += 1;
    }
    files
}

/// Whether a `trigger:` starts another project's pipeline and waits for nothing of it: what runs
/// there is that project's, and no answer of it comes back here.
fn leaves(trigger: Value<'_>) -> bool {
    let to_project = trigger.text().is_some() || trigger.get("project").is_some();
    to_project && trigger.get("strategy").is_none()
}

/// A job and what it extends, nearest first.
fn layers<'a>(job: Value<'a>, entries: &Entries<'a>) -> Vec<Value<'a>> {
    let mut layers = vec![job];
    let mut seen = vec![job.target()];
    let mut at = 0;
    while at < layers.len() && layers.len() < MAX_EXTENDS {
        // Of several templates the last wins.
        for name in texts(layers[at].get("extends")).iter().rev() {
            if let Some((_, value)) = entries.get(name.as_str())
                && !(seen.contains(&value.target()) && same_file(*value, &layers))
            {
                seen.push(value.target());
                layers.push(*value);
            }
        }
        at += 1;
    }
    if let Some((_, default)) = entries.get("default") {
        layers.push(*default);
    }
    layers
}

fn same_file(value: Value<'_>, layers: &[Value<'_>]) -> bool {
    layers.iter().any(|layer| layer.span() == value.span())
}

fn first<'a>(layers: &[Value<'a>], key: &str) -> Option<Value<'a>> {
    layers.iter().find_map(|layer| layer.get(key))
}

fn job(
    name: &str,
    key: Value<'_>,
    value: Value<'_>,
    entries: &Entries<'_>,
    outer: &[(String, String, Span)],
    unread: &mut Vec<(String, Span)>,
) -> Job {
    let layers = layers(value, entries);
    let mut job = empty_job(name, key.span());
    let needs = first(&layers, "needs");
    job.needs = needs
        .into_iter()
        .flat_map(Value::items)
        .filter_map(|need| need.text().or_else(|| need.get("job")?.text()).map(str::to_owned))
        .collect();
    job.environment = first(&layers, "environment").and_then(|found| {
        let name = if found.is_map() { found.get("name")? } else { found };
        Some((name.text()?.to_owned(), found.span()))
    });
    job.continue_on_error = first(&layers, "allow_failure")
        .filter(|v| v.bool() == Some(true) || v.is_map())
        .map(|v| (v.span(), v.bool() == Some(true)));
    job.runs_on = first(&layers, "image")
        .or_else(|| entries.get("image").map(|(_, value)| *value))
        .map(Value::span);
    job.timeout = first(&layers, "timeout").map(Value::span);
    job.concurrency = first(&layers, "resource_group").map(Value::span);
    job.labels = texts(first(&layers, "tags"));
    let global = |key: &str| entries.get(key).map(|(_, value)| *value);
    let image = first(&layers, "image").or_else(|| global("image"));
    job.containers.extend(image.map(|found| container(None, found)));
    let services = first(&layers, "services").or_else(|| global("services"));
    for found in services.into_iter().flat_map(Value::items) {
        let alias = found.get("alias").and_then(Value::text);
        job.containers.push(container(Some(alias.unwrap_or_default()), found));
    }
    rules(&layers, &mut job);
    let env = layered(outer, variables(first(&layers, "variables")));
    job.env = facts(&env);
    job.env_texts = env.into_iter().map(|(name, value, _)| (name, value)).collect();
    let matrix = first(&layers, "parallel").and_then(|p| p.get("matrix"));
    for (name, value) in matrix.into_iter().flat_map(Value::items).flat_map(Value::entries) {
        job.matrix.extend(name.text().map(|n| (n.to_owned(), texts(Some(value)))));
    }
    if let Some(trigger) = first(&layers, "trigger").filter(|trigger| !leaves(*trigger)) {
        unread.push((trigger.text().unwrap_or("trigger").to_owned(), trigger.span()));
    }
    let mut script = DerivedBuilder::new();
    let before = first(&layers, "before_script")
        .or_else(|| entries.get("before_script").map(|(_, value)| *value));
    for part in [before, first(&layers, "script")].into_iter().flatten() {
        lines(part, entries, &mut script, 0);
    }
    let place = first(&layers, "script").unwrap_or(value).span();
    for (text, place) in [(script, place), {
        let mut after = DerivedBuilder::new();
        let part = first(&layers, "after_script");
        if let Some(part) = part {
            lines(part, entries, &mut after, 0);
        }
        (after, part.unwrap_or(value).span())
    }] {
        if text.is_empty() {
            continue;
        }
        let mut step = empty_step(place);
        step.name = Some(name.to_owned());
        step.shell = SHELL;
        step.run = Some(program(text.finish(place)));
        job.steps.push(step);
    }
    job
}

/// `rules:`, `only:`, `when:`: what they say of paths, and whether it never runs, or by hand.
fn rules(layers: &[Value<'_>], job: &mut Job) {
    let manual = |of: &Value<'_>| of.text() == Some("manual");
    let allowed = first(layers, "allow_failure").and_then(Value::bool);
    let of_job = first(layers, "when");
    // Without rules, the pipeline waits for such a job only where it is told to.
    job.by_hand = of_job.filter(manual).map(|when| (when.span(), allowed == Some(false)));
    if let Some(when) = first(layers, "when").filter(|when| when.text() == Some("never")) {
        job.condition = Some(("false".to_owned(), when.span()));
    }
    let changes = |value: Value<'_>| -> Option<Vec<String>> {
        let found = value.get("changes")?;
        Some(texts(found.get("paths").or(Some(found))))
    };
    if let Some(rules) = first(layers, "rules") {
        let items: Vec<Value<'_>> = rules.items().take(200).collect();
        let live: Vec<&Value<'_>> = items
            .iter()
            .filter(|rule| rule.get("when").and_then(Value::text) != Some("never"))
            .collect();
        // A rule without `when:` takes the job's. Where each that lets it run waits for somebody, all do.
        let whens = live.iter().map(|rule| rule.get("when").or(of_job).filter(manual));
        let whens: Option<Vec<Value<'_>>> = whens.collect();
        job.by_hand = whens.and_then(|whens| {
            let goes_on = |rule: &&Value<'_>| {
                rule.get("allow_failure").and_then(Value::bool).or(allowed) == Some(true)
            };
            Some((whens.first()?.span(), !live.iter().any(goes_on)))
        });
        // Where each that lets it run lets it fail, it may fail; else it may at times.
        let own: Vec<Option<Value<'_>>> =
            live.iter().map(|rule| rule.get("allow_failure")).collect();
        if own.iter().any(Option::is_some) {
            let of_job = first(layers, "allow_failure");
            let each = own.iter().map(|own| own.or(of_job));
            let letting: Vec<Value<'_>> =
                each.flatten().filter(|own| own.bool() == Some(true)).collect();
            let always = letting.len() == live.len();
            job.continue_on_error = letting.first().map(|at| (at.span(), always));
        }
        if !items.is_empty() && live.is_empty() {
            job.condition = Some(("false".to_owned(), rules.span()));
        }
        let filters: Option<Vec<Vec<String>>> = live.iter().map(|rule| changes(**rule)).collect();
        job.paths = filters.map(|all| all.concat()).unwrap_or_default();
        if let Some(text) = live.iter().find_map(|rule| rule.get("if")) {
            job.condition =
                job.condition.take().or_else(|| Some((text.text()?.to_owned(), text.span())));
        }
    } else if let Some(only) = first(layers, "only") {
        job.paths = changes(only).unwrap_or_default();
    }
}

/// Puts the lines of `script:` one below the other; `!reference` is followed.
fn lines(value: Value<'_>, entries: &Entries<'_>, out: &mut DerivedBuilder, depth: usize) {
    if depth > 10 {
        return;
    }
    if value.text().is_some() {
        let text = value.derived();
        let whole = TextRange::of(0, text.text().len());
        out.append(&text, whole);
        out.computed(b"\n", value.span());
        return;
    }
    if value.tag().is_some_and(|(tag, _)| tag == "!reference") {
        let keys: Vec<&str> = value.items().filter_map(Value::text).collect();
        if let Some((first, rest)) = keys.split_first()
            && let Some((_, target)) = entries.get(first)
            && let Some(target) = target.path(rest)
        {
            lines(target, entries, out, depth + 1);
        }
        return;
    }
    for item in value.items().take(10_000) {
        lines(item, entries, out, depth + 1);
    }
}

/// Artifacts keep what the scripts made: a step of their own, last.
fn kept(job: &mut Job, layers: &[Value<'_>]) -> Option<Done> {
    let artifacts = first(layers, "artifacts")?;
    let mut paths = texts(artifacts.get("paths"));
    let reports = artifacts.get("reports").into_iter().flat_map(Value::entries);
    paths.extend(reports.flat_map(|(_, value)| texts(Some(value))));
    if paths.is_empty() {
        return None;
    }
    job.steps.push(empty_step(artifacts.span()));
    Some(Done {
        role: Role {
            kind: RoleKind::Upload,
            span: artifacts.span(),
            words: paths.clone(),
            masked: None,
            heed: Heed::Taken,
        },
        made: None,
        keeps: paths,
        remote: true,
    })
}

/// `variables:`, those with a description among them: `{ value: x, description: y }`.
fn variables(map: Option<Value<'_>>) -> Vec<(String, String, Span)> {
    let entries = map.into_iter().flat_map(Value::entries);
    let pair = |(key, value): (Value<'_>, Value<'_>)| {
        let value = if value.is_map() { value.get("value")? } else { value };
        Some((key.text()?.to_owned(), value.text()?.to_owned(), value.span()))
    };
    entries.filter_map(pair).collect()
}
