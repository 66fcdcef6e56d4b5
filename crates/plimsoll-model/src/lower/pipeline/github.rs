//! GitHub Actions: workflows and composite actions.
//!
//! Source of the rules: «Workflow syntax for GitHub Actions» and «Metadata syntax for GitHub
//! Actions» of GitHub's documentation. Workflows run only from `.github/workflows` at the root.

use plimsoll_source::{FileId, Span, normalize_path};
use plimsoll_syntax::expression;
use plimsoll_syntax::yaml::{self, Value};

use super::{
    GITHUB_DEFAULT, MAX_STEPS, container, facts, layered, matrix, open, pairs, placed, program,
    roles, schema, shell_named,
};
use crate::fact::{Fact, Why};
use crate::lower::cx::Cx;
use crate::lower::reach::Reach;
use crate::pipeline::{Forge, Input, Job, JobStep, Pipeline, RoleKind, Runs, Shell, Trigger};

/// How deep local actions may call each other.
const MAX_ACTIONS: usize = 10;
/// The most runs of a job for which an expression is asked.
const MAX_RUNS: usize = 1_000;

/// A workflow, and for each of its jobs the path of the local workflow that it calls.
pub(super) fn workflow(
    cx: &Cx<'_>,
    reach: &Reach<'_>,
    file: FileId,
) -> (Pipeline, Vec<Option<String>>) {
    let path = cx.tree.path(file);
    let place = if !path.starts_with(".github/workflows/") {
        Runs::No("GitHub reads workflows only at the repository's root".to_owned())
    } else if let Some(outside) = cx.tree.outside() {
        Runs::No(format!(
            "GitHub reads workflows only at the repository's root, and `{outside}` is below it"
        ))
    } else {
        Runs::Yes
    };
    let mut pipeline = empty(file, Forge::GitHub, place);
    let runs = pipeline.runs == Runs::Yes;
    let Some((yaml, broken)) = open(cx, file, "workflow", runs) else {
        return (pipeline, Vec::new());
    };
    if runs && !broken && yaml.root().is_none_or(Value::is_null) {
        pipeline.broken = false;
        pipeline.runs = Runs::No("the file is empty".to_owned());
    }
    let root = yaml.root().filter(|root| root.is_map());
    let jobs = root.and_then(|root| root.get("jobs")).filter(|jobs| jobs.is_map());
    let (Some(root), Some(jobs)) = (root, jobs) else { return (pipeline, Vec::new()) };
    pipeline.broken = broken;
    pipeline.name = root.get("name").and_then(Value::text).map(str::to_owned);
    pipeline.triggers = root.get("on").map(triggers).unwrap_or_default();
    let by_hand = |event: &str| matches!(event, "workflow_call" | "workflow_dispatch");
    if runs && pipeline.triggers.iter().all(|trigger| by_hand(&trigger.event)) {
        pipeline.runs = Runs::OnCall;
    }
    pipeline.permissions = root.get("permissions").map(permissions).unwrap_or_default();
    pipeline.concurrency = root.get("concurrency").map(Value::span);
    for event in ["workflow_dispatch", "workflow_call"] {
        let inputs = root.path(&["on", event, "inputs"]);
        pipeline.inputs.extend(inputs.into_iter().flat_map(|map| inputs_of(map, event)));
    }
    pipeline.expressions = placed::read(root);
    let env = pairs(root.get("env"));
    pipeline.env = facts(&env);
    let defaults = Defaults::default().below(root);
    // Of what calls it another event is known.
    let triggers = pipeline.triggers.clone();
    let events = triggers.iter().map(|trigger| &*trigger.event).collect::<Vec<_>>();
    let events = if events.contains(&"workflow_call") { Vec::new() } else { events };
    let mut called = Vec::new();
    let mut steps = 0;
    for (key, value) in jobs.entries() {
        let Some(id) = key.text() else { continue };
        let defaults = defaults.below(value);
        let mut reader = Reader { cx, defaults, events: &events, steps: &mut steps };
        let (mut job, calls) = reader.job(id, key.span(), value, &env, &mut pipeline.unread);
        let deploys = job.environment.is_some() || self_hosted(value);
        roles(reach, &mut job, deploys, None);
        drop_local_cluster(&mut job);
        pipeline.jobs.push(job);
        called.push(calls);
    }
    if runs && !broken {
        (pipeline.faults, pipeline.refused) = schema::faults(root, &pipeline);
    }
    (pipeline, called)
}

/// A composite action as a pipeline of one job; others have none.
pub(super) fn action(cx: &Cx<'_>, reach: &Reach<'_>, file: FileId) -> Pipeline {
    let mut pipeline = empty(file, Forge::GitHubAction, Runs::OnCall);
    let Some((yaml, broken)) = open(cx, file, "action", false) else { return pipeline };
    let root = yaml.root().filter(|root| root.is_map());
    let Some(runs) = root.and_then(|root| root.get("runs")).filter(|runs| runs.is_map()) else {
        // Other tools have an `action.yml` too.
        pipeline.broken = false;
        return pipeline;
    };
    pipeline.broken = broken;
    pipeline.name = root.and_then(|r| r.get("name")).and_then(Value::text).map(str::to_owned);
    pipeline.expressions = root.map(placed::read).unwrap_or_default();
    let inputs = root.and_then(|root| root.get("inputs"));
    pipeline.inputs = inputs.map(|map| inputs_of(map, "action")).unwrap_or_default();
    let mut steps = 0;
    let mut reader = Reader { cx, defaults: Defaults::default(), events: &[], steps: &mut steps };
    let mut job = empty_job("runs", runs.span());
    let mut own = Vec::new();
    let within = &mut vec![file];
    reader.steps_of(runs.get("steps"), &job, &mut own, within, None, &mut pipeline.unread);
    job.steps = own;
    roles(reach, &mut job, true, None);
    pipeline.jobs.push(job);
    pipeline
}

/// The inputs of an event or an action.
fn inputs_of(map: Value<'_>, event: &'static str) -> Vec<Input> {
    let kind = |value: Value<'_>| value.get("type").and_then(Value::text).map(str::to_owned);
    map.entries()
        .into_iter()
        .filter_map(|(key, value)| {
            let kind = kind(value).unwrap_or_else(|| "string".to_owned());
            Some(Input { name: key.text()?.to_ascii_lowercase(), kind, event })
        })
        .collect()
}

pub(super) fn empty(file: FileId, forge: Forge, runs: Runs) -> Pipeline {
    Pipeline {
        file,
        name: None,
        forge,
        runs,
        triggers: Vec::new(),
        permissions: Vec::new(),
        env: Vec::new(),
        concurrency: None,
        inputs: Vec::new(),
        expressions: Vec::new(),
        faults: Vec::new(),
        refused: None,
        secrets: Vec::new(),
        jobs: Vec::new(),
        unread: Vec::new(),
        broken: true,
    }
}

pub(super) fn empty_job(id: &str, span: Span) -> Job {
    Job {
        id: id.to_owned(),
        span,
        needs: Vec::new(),
        condition: None,
        paths: Vec::new(),
        permissions: None,
        environment: None,
        timeout: None,
        concurrency: None,
        labels: Vec::new(),
        containers: Vec::new(),
        inherits_secrets: None,
        continue_on_error: None,
        by_hand: None,
        calls: None,
        steps: Vec::new(),
        runs_on: None,
        env: Vec::new(),
        env_texts: Vec::new(),
        matrix: Vec::new(),
        rows: Vec::new(),
    }
}

pub(super) fn empty_step(span: Span) -> JobStep {
    JobStep {
        id: None,
        name: None,
        span,
        uses: None,
        with: Vec::new(),
        run: None,
        shell: GITHUB_DEFAULT,
        condition: None,
        continue_on_error: None,
        workdir: Fact::default_of(String::new()),
        roles: Vec::new(),
        commands: Vec::new(),
        lost: Vec::new(),
        env: Vec::new(),
        env_texts: Vec::new(),
    }
}

fn triggers(on: Value<'_>) -> Vec<Trigger> {
    let bare = |event: &str, span| Trigger {
        event: event.to_owned(),
        types: Vec::new(),
        branches: Vec::new(),
        tags: Vec::new(),
        paths: Vec::new(),
        paths_ignore: Vec::new(),
        span,
    };
    if let Some(event) = on.text() {
        return vec![bare(event, on.span())];
    }
    if on.is_seq() {
        return on.items().filter_map(|v| Some(bare(v.text()?, v.span()))).collect();
    }
    on.entries()
        .into_iter()
        .filter_map(|(key, value)| {
            let mut trigger = bare(key.text()?, key.span().cover(value.span()));
            trigger.types = texts(value.get("types"));
            trigger.branches = texts(value.get("branches"));
            trigger.tags = texts(value.get("tags"));
            trigger.paths = texts(value.get("paths"));
            trigger.paths_ignore = texts(value.get("paths-ignore"));
            Some(trigger)
        })
        .collect()
}

/// A scalar or a list of scalars.
pub(super) fn texts(value: Option<Value<'_>>) -> Vec<String> {
    let Some(value) = value else { return Vec::new() };
    match value.text() {
        Some("") => Vec::new(),
        Some(text) => vec![text.to_owned()],
        None => value.items().filter_map(|v| v.text().map(str::to_owned)).collect(),
    }
}

fn permissions(value: Value<'_>) -> Vec<(String, String, Span)> {
    let all = |level: &str| vec![("*".to_owned(), level.to_owned(), value.span())];
    match value.text() {
        Some("read-all") => return all("read"),
        Some("write-all") => return all("write"),
        _ => {}
    }
    let scopes = pairs(Some(value));
    if scopes.is_empty() && value.is_map() { all("none") } else { scopes }
}

fn condition(value: Value<'_>) -> Option<(String, Span)> {
    let found = value.get("if")?;
    Some((found.text()?.to_owned(), found.span()))
}

/// `continue-on-error:` where it is true, and whether that is certain: in some run of the job it is
/// false where that is known.
fn continues(value: Value<'_>, job: &Job, events: &[&str]) -> Option<(Span, bool)> {
    let found = value.get("continue-on-error")?;
    if found.bool() == Some(true) {
        return Some((found.span(), true));
    }
    let text = found.text().filter(|text| text.contains("${{"))?;
    let of_row = |row: &[(String, String)], event: Option<&&str>| {
        expression::truth(text, &|path| match path.strip_prefix("matrix.") {
            // What no row says is not there; what is computed is not known.
            Some(name) => {
                let value = row.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                let value = value.map_or("", |(_, value)| value);
                (!job.rows.is_empty() && !value.contains("${{")).then(|| value.to_owned())
            }
            None if path == "github.event_name" => event.map(|event| (*event).to_owned()),
            None => None,
        })
    };
    let none = [Vec::new()];
    let rows = if job.rows.is_empty() { &none[..] } else { &job.rows[..] };
    let events: Vec<Option<&&str>> =
        if events.is_empty() { vec![None] } else { events.iter().map(Some).collect() };
    let all = rows.iter().flat_map(|row| events.iter().map(|event| of_row(row, *event)));
    let all: Vec<Option<bool>> = all.take(MAX_RUNS).collect();
    (!all.contains(&Some(false)))
        .then(|| (found.span(), all.iter().all(|truth| *truth == Some(true))))
}

/// The labels of `runs-on:`, a group's name among them.
fn labels(job: Value<'_>) -> Vec<String> {
    let on = job.get("runs-on");
    match on.filter(|on| on.is_map()) {
        Some(on) => [texts(on.get("labels")), texts(on.get("group"))].concat(),
        None => texts(on),
    }
}

fn self_hosted(job: Value<'_>) -> bool {
    labels(job).iter().any(|label| label.contains("self-hosted"))
}

/// A cluster that the job makes for itself is no place one deploys to.
fn is_cluster_of_its_own(job: &Job) -> bool {
    job.steps.iter().any(|step| {
        let action = step.uses.as_ref().map_or("", |(name, _)| name.as_str());
        let by_action = [
            "helm/kind-action",
            "engineerd/setup-kind",
            "medyagh/setup-minikube",
            "AbsaOSS/k3d-action",
        ];
        let text = step.run.as_ref().map_or(&b""[..], |(text, _)| text.text());
        by_action.iter().any(|name| action.starts_with(name))
            || [&b"kind create cluster"[..], b"minikube start", b"k3d cluster create"]
                .iter()
                .any(|words| memchr::memmem::find(text, words).is_some())
    })
}

fn drop_local_cluster(job: &mut Job) {
    if is_cluster_of_its_own(job) {
        for step in &mut job.steps {
            step.roles.retain(|role| role.kind != RoleKind::Deploy);
        }
    }
}

#[derive(Clone, Debug)]
struct Defaults {
    workdir: Fact<String>,
    shell: Option<Shell>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { workdir: Fact::default_of(String::new()), shell: Some(GITHUB_DEFAULT) }
    }
}

impl Defaults {
    /// These, with `defaults.run` of a workflow or a job in effect.
    fn below(&self, value: Value<'_>) -> Self {
        let mut defaults = self.clone();
        let windows = texts(value.get("runs-on")).iter().any(|label| label.starts_with("windows"));
        if windows {
            defaults.shell = None;
        }
        if let Some(run) = value.path(&["defaults", "run"]) {
            defaults.apply(run);
        }
        defaults
    }

    fn apply(&mut self, value: Value<'_>) {
        if let Some(dir) = value.get("working-directory")
            && let Some(text) = dir.text()
        {
            let text = text.trim().replace("${{ github.workspace }}", ".");
            self.workdir = match normalize_path(&text) {
                Some(path) if !text.contains('$') && !text.starts_with(['/', '~']) => {
                    Fact::declared(path, dir.span())
                }
                _ => Fact::Unknown(Why::Dynamic, Some(dir.span())),
            };
        }
        if let Some(shell) = value.get("shell").and_then(Value::text) {
            self.shell = shell_named(shell);
        }
    }
}

struct Reader<'a> {
    cx: &'a Cx<'a>,
    defaults: Defaults,
    /// What starts the workflow.
    events: &'a [&'a str],
    steps: &'a mut usize,
}

impl Reader<'_> {
    fn job(
        &mut self,
        id: &str,
        span: Span,
        value: Value<'_>,
        outer: &[(String, String, Span)],
        unread: &mut Vec<(String, Span)>,
    ) -> (Job, Option<String>) {
        let mut job = empty_job(id, span);
        job.needs = texts(value.get("needs"));
        job.condition = condition(value);
        job.permissions = value.get("permissions").map(permissions);
        job.environment = value.get("environment").and_then(|found| {
            let name = if found.is_map() { found.get("name")? } else { found };
            Some((name.text()?.to_owned(), found.span()))
        });
        job.timeout = value.get("timeout-minutes").map(Value::span);
        job.concurrency = value.get("concurrency").map(Value::span);
        job.inherits_secrets = value
            .get("secrets")
            .filter(|secrets| secrets.text() == Some("inherit"))
            .map(Value::span);
        job.labels = labels(value);
        job.containers.extend(value.get("container").map(|found| container(None, found)));
        for (key, found) in value.get("services").into_iter().flat_map(Value::entries) {
            job.containers.push(container(Some(key.text().unwrap_or_default()), found));
        }
        job.runs_on = value.get("runs-on").map(Value::span);
        let env = layered(outer, pairs(value.get("env")));
        job.env = facts(&env);
        job.env_texts = env.into_iter().map(|(name, value, _)| (name, value)).collect();
        if let Some(found) = value.path(&["strategy", "matrix"]) {
            (job.matrix, job.rows) = (matrix::values(found), matrix::rows(found));
        }
        job.continue_on_error = continues(value, &job, self.events);
        let mut calls = None;
        if let Some(uses) = value.get("uses")
            && let Some(text) = uses.text()
        {
            match text.strip_prefix("./") {
                Some(local) if self.cx.tree.find(local).is_some() => calls = Some(local.to_owned()),
                _ => unread.push((text.to_owned(), uses.span())),
            }
            let mut step = empty_step(value.span());
            step.uses = Some((text.to_owned(), uses.span()));
            step.with = pairs(value.get("with"));
            job.steps.push(step);
        }
        let mut steps = std::mem::take(&mut job.steps);
        self.steps_of(value.get("steps"), &job, &mut steps, &mut Vec::new(), None, unread);
        job.steps = steps;
        (job, calls)
    }

    /// Reads steps, those of local actions in place of the step that uses them, after it.
    fn steps_of(
        &mut self,
        steps: Option<Value<'_>>,
        job: &Job,
        out: &mut Vec<JobStep>,
        stack: &mut Vec<FileId>,
        caller: Option<&JobStep>,
        unread: &mut Vec<(String, Span)>,
    ) {
        for value in steps.into_iter().flat_map(Value::items) {
            if *self.steps >= MAX_STEPS {
                return;
            }
            if !value.is_map() {
                continue;
            }
            *self.steps += 1;
            let step = self.step(value, job, caller);
            let local = step.uses.as_ref().and_then(|(text, span)| {
                Some((text.strip_prefix("./").or((text == ".").then_some(""))?.to_owned(), *span))
            });
            let wrapped = wrapped(value, &step);
            out.push(step);
            out.extend(wrapped);
            if let Some((dir, span)) = local {
                let caller = out.last().cloned();
                self.local_action((&dir, span), job, out, stack, caller.as_ref(), unread);
            }
        }
    }

    fn local_action(
        &mut self,
        (dir, span): (&str, Span),
        job: &Job,
        out: &mut Vec<JobStep>,
        stack: &mut Vec<FileId>,
        caller: Option<&JobStep>,
        unread: &mut Vec<(String, Span)>,
    ) {
        let dir = normalize_path(dir).unwrap_or_default();
        let found = ["action.yml", "action.yaml"].iter().find_map(|name| {
            self.cx.tree.find(&if dir.is_empty() {
                (*name).to_owned()
            } else {
                format!("{dir}/{name}")
            })
        });
        let Some(file) = found else {
            unread.push((format!("./{dir}"), span));
            return;
        };
        if stack.contains(&file) || stack.len() >= MAX_ACTIONS {
            return;
        }
        let Some((yaml, _)) = open(self.cx, file, "action", false) else { return };
        let Some(runs) = yaml.root().and_then(|root| root.get("runs")) else { return };
        stack.push(file);
        self.steps_of(runs.get("steps"), job, out, stack, caller, unread);
        stack.pop();
    }

    fn step(&mut self, value: Value<'_>, job: &Job, caller: Option<&JobStep>) -> JobStep {
        let mut step = empty_step(value.span());
        step.id = value.get("id").and_then(Value::text).map(str::to_owned);
        step.name = value.get("name").and_then(Value::text).map(str::to_owned);
        step.uses =
            value.get("uses").and_then(|uses| Some((uses.text()?.trim().to_owned(), uses.span())));
        step.with = pairs(value.get("with"));
        step.condition = condition(value).or_else(|| caller.and_then(|c| c.condition.clone()));
        step.continue_on_error =
            continues(value, job, self.events).or_else(|| caller.and_then(|c| c.continue_on_error));
        let env = pairs(value.get("env"));
        step.env = facts(&env);
        step.env_texts = caller.map(|c| c.env_texts.clone()).unwrap_or_default();
        step.env_texts.extend(env.into_iter().map(|(name, value, _)| (name, value)));
        // `defaults.run` of the job do not reach into an action.
        let mut here = if caller.is_some() { Defaults::default() } else { self.defaults.clone() };
        here.apply(value);
        step.workdir = here.workdir;
        if let Some(command) = retried(value, &step) {
            // It is given to `bash -c`, whatever its lines come to.
            step.shell = Shell { errexit: false, pipefail: false };
            step.run = Some(program(command.derived()));
        }
        if let Some(run) = value.get("run")
            && run.text().is_some()
            && let Some(shell) = here.shell
        {
            step.shell = shell;
            step.run = Some(program(run.derived()));
        }
        step
    }
}

/// Actions that run a command until it succeeds: its input, whose failure in the end is the step's.
const RETRIES: [&str; 3] = ["nick-fields/retry", "nick-invision/retry", "wandalen/wretry.action"];

/// The command that a step's action repeats.
fn retried<'a>(value: Value<'a>, step: &JobStep) -> Option<Value<'a>> {
    is_retry(step).then_some(())?;
    let with = value.get("with")?;
    let shell = with.get("shell").and_then(Value::text).unwrap_or("bash");
    with.get("command")
        .filter(|command| command.text().is_some() && shell.contains("sh"))
        .filter(|_| !matches!(shell, "pwsh" | "powershell"))
}

/// The step that a step's action wraps: `action:` is what it uses, `with:` a text of its inputs.
fn wrapped(value: Value<'_>, step: &JobStep) -> Option<JobStep> {
    is_retry(step).then_some(())?;
    let with = value.get("with")?;
    let action = with.get("action")?;
    let uses = (action.text()?.trim().to_owned(), action.span());
    let inputs = with.get("with").filter(|inputs| inputs.text().is_some());
    let inputs = inputs.map(|inputs| yaml::parse(inputs.derived()).tree);
    Some(JobStep {
        id: None,
        uses: Some(uses),
        with: pairs(inputs.as_ref().and_then(|inputs| inputs.root())),
        run: None,
        ..step.clone()
    })
}

fn is_retry(step: &JobStep) -> bool {
    let name = step.uses.as_ref().and_then(|(uses, _)| uses.split('@').next());
    name.is_some_and(|name| RETRIES.iter().any(|retry| name.eq_ignore_ascii_case(retry)))
}
