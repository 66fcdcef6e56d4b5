//! Pipelines: what the forge runs, read from the files it reads.

mod gates;
mod github;
mod gitlab;
mod matrix;
mod placed;
mod schema;
mod secrets;

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::HashMap;
use plimsoll_source::{Derived, DerivedBuilder, FileId, Span, TextRange, Tracking};
use plimsoll_syntax::expression;
use plimsoll_syntax::shell::{self, Dialect};
use plimsoll_syntax::yaml::{self, Value, Yaml};
use rayon::prelude::*;

use super::calls::{self, Call, Start};
use super::cx::Cx;
use super::purpose;
use super::reach::Reach;
use super::roles::{self, Done};
use crate::PipelineId;
use crate::delivery::Problem;
use crate::fact::{Fact, Why};
use crate::flow::CommandKind;
use crate::pipeline::{Command, Job, JobContainer, JobStep, Pipeline, Role, Runs, Shell};

/// The most steps that are read of one pipeline, those of called actions counted at each call.
const MAX_STEPS: usize = 20_000;
/// The most errors that are reported of one file.
const MAX_ERRORS: usize = 20;

/// Every pipeline of the tree, in path order.
pub(super) fn read(cx: &Cx<'_>) -> Vec<Pipeline> {
    let reach = Reach::new(cx);
    let files: Vec<(FileId, Format)> = cx
        .tree
        .entries()
        .filter(|(_, entry)| entry.tracking != Tracking::Ignored)
        .filter_map(|(file, entry)| format(&entry.path).map(|format| (file, format)))
        .filter(|(file, _)| !purpose::is_vendored(cx.tree.path(*file)))
        .collect();
    let read: Vec<(Pipeline, Vec<Option<String>>)> = files
        .into_par_iter()
        .map(|(file, format)| match format {
            Format::Workflow => github::workflow(cx, &reach, file),
            Format::Action => (github::action(cx, &reach, file), Vec::new()),
            Format::GitLab => (gitlab::pipeline(cx, &reach, file), Vec::new()),
        })
        .collect();
    let ids: HashMap<FileId, PipelineId> =
        (0u32..).zip(&read).map(|(id, (pipeline, _))| (pipeline.file, PipelineId(id))).collect();
    let mut pipelines = Vec::with_capacity(read.len());
    for (mut pipeline, called) in read {
        if !matches!(pipeline.runs, Runs::No(_)) {
            pipeline.secrets = secrets::read(cx, &pipeline);
        }
        for (job, path) in pipeline.jobs.iter_mut().zip(called) {
            let file = path.and_then(|path| cx.tree.find(&path));
            job.calls = file.and_then(|file| ids.get(&file).copied());
        }
        pipelines.push(pipeline);
    }
    refuse_callers(&mut pipelines);
    pipelines
}

/// Of a workflow that calls one which the forge refuses, it runs nothing either.
fn refuse_callers(pipelines: &mut [Pipeline]) {
    let mut callers: HashMap<PipelineId, Vec<(PipelineId, Span)>> = HashMap::default();
    for (id, pipeline) in (0u32..).map(PipelineId).zip(&*pipelines) {
        for job in &pipeline.jobs {
            if let Some(called) = job.calls {
                callers.entry(called).or_default().push((id, job.span));
            }
        }
    }
    let ids = (0u32..).map(PipelineId).zip(&*pipelines);
    let mut refused: Vec<PipelineId> =
        ids.filter(|(_, one)| one.refused.is_some()).map(|(id, _)| id).collect();
    while let Some(called) = refused.pop() {
        for &(caller, at) in callers.get(&called).into_iter().flatten() {
            if let Some(caller_of) = pipelines.get_mut(caller.0 as usize)
                && caller_of.refused.is_none()
            {
                caller_of.refused = Some(at);
                refused.push(caller);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Format {
    Workflow,
    Action,
    GitLab,
}

fn format(path: &str) -> Option<Format> {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    if is_yaml && (dir == ".github/workflows" || dir.ends_with("/.github/workflows")) {
        return Some(Format::Workflow);
    }
    match name {
        "action.yml" | "action.yaml" => Some(Format::Action),
        ".gitlab-ci.yml" | ".gitlab-ci.yaml" => Some(Format::GitLab),
        _ => None,
    }
}

/// A parsed file; what is wrong with it is noted where a forge would read it.
fn open(cx: &Cx<'_>, file: FileId, what: &'static str, runs: bool) -> Option<(Yaml, bool)> {
    let text = cx.text(file, what)?;
    let parsed = yaml::parse(text);
    if runs {
        for error in parsed.errors.iter().take(MAX_ERRORS) {
            cx.problem(Problem { span: error.span, message: error.message.clone(), what });
        }
    }
    let broken = parsed.errors.iter().any(|error| error.fatal);
    Some((parsed.tree, broken))
}

/// `env:` and its like: names and values with their places.
fn pairs(map: Option<Value<'_>>) -> Vec<(String, String, Span)> {
    map.into_iter()
        .flat_map(Value::entries)
        .filter_map(|(key, value)| {
            Some((key.text()?.to_owned(), value.text()?.to_owned(), value.span()))
        })
        .collect()
}

/// A container that a job runs in (`name` is `None`) or beside.
fn container(name: Option<&str>, value: Value<'_>) -> JobContainer {
    let image = if value.is_map() { value.get("image").or(value.get("name")) } else { Some(value) };
    let place = |value: Value<'_>| {
        let text = value.text().filter(|text| !text.is_empty())?;
        Some((text.to_owned(), value.span()))
    };
    JobContainer {
        name: name.map(str::to_owned),
        image: image.and_then(place),
        env: pairs(value.get("env").or(value.get("variables"))),
        credentials: pairs(value.get("credentials")),
        options: value.get("options").and_then(place),
    }
}

/// What `lower` in `outer` overrides.
fn layered(
    outer: &[(String, String, Span)],
    inner: Vec<(String, String, Span)>,
) -> Vec<(String, String, Span)> {
    let mut all: Vec<_> =
        outer.iter().filter(|(name, ..)| !inner.iter().any(|(n, ..)| n == name)).cloned().collect();
    all.extend(inner);
    all
}

/// Environment as facts: what holds an expression is only known when it runs.
fn facts(env: &[(String, String, Span)]) -> Vec<(String, Fact<String>, Span)> {
    env.iter()
        .map(|(name, value, span)| {
            let fact = if value.contains("${{") {
                Fact::Unknown(Why::Dynamic, Some(*span))
            } else {
                Fact::declared(value.clone(), *span)
            };
            (name.clone(), fact, *span)
        })
        .collect()
}

/// The shell text of a step, parsed with a run of `X` in place of each `${{ … }}`, which is as
/// long: ranges of the one are ranges of the other.
fn program(text: Derived) -> (Derived, Arc<shell::Script>) {
    let exprs = expression::find(text.text());
    let mut masked = text.text().to_vec();
    for range in &exprs {
        if let Some(bytes) = masked.get_mut(range.start as usize..range.end as usize) {
            bytes.fill(b'X');
        }
    }
    (text, Arc::new(shell::parse(&masked, Dialect::Bash)))
}

/// The commands that a step's program runs: once for each of the values that the matrix puts into it,
/// what is the same each time once.
pub(super) fn calls_of(job: &Job, step: &JobStep) -> Vec<Call> {
    let Some((text, script)) = &step.run else { return Vec::new() };
    let shell = step.shell;
    let mut start = Start::recipe("");
    start.errexit = shell.errexit;
    start.pipefail = shell.pipefail;
    start.cwd = match (&step.workdir, step.workdir.known()) {
        (_, Some(dir)) => calls::Cwd::Tree(dir.clone()),
        _ => calls::Cwd::Unknown,
    };
    let texts = job.env_texts.iter().chain(&step.env_texts);
    start.vars = texts.map(|(name, value)| (name.clone(), value.clone())).collect();
    let exprs = expression::find(text.text());
    let ways = ways(job, text, &exprs);
    if ways.is_empty() {
        return calls::calls(text, script, &exprs, &start);
    }
    let mut found: Vec<Call> = Vec::new();
    let mut seen = BTreeSet::new();
    for way in ways {
        let (text, script) = program(put(text, &exprs, &way));
        let calls = calls::calls(&text, &script, &expression::find(text.text()), &start);
        found.extend(calls.into_iter().filter(|call| seen.insert((call.span, call.words.clone()))));
    }
    found
}

/// The most values of a matrix that a step is followed for, and the most text that is read so.
const MAX_WAYS: usize = 24;
const MAX_WAYS_TEXT: usize = 256 * 1024;

/// The name of a matrix' value that an expression stands for, and nothing else.
fn of_matrix<'t>(text: &'t Derived, range: &TextRange) -> Option<&'t str> {
    let inner = std::str::from_utf8(range.slice(text.text())).ok()?;
    let inner = inner.strip_prefix("${{")?.strip_suffix("}}")?.trim();
    inner.strip_prefix("matrix.")
}

/// The values that the matrix puts into a text, each way that they come together; none where it
/// puts none, or where they are too many or not written out.
fn ways<'j>(job: &'j Job, text: &Derived, exprs: &[TextRange]) -> Vec<Vec<(&'j str, &'j str)>> {
    let asked: Vec<&str> = exprs.iter().filter_map(|range| of_matrix(text, range)).collect();
    let ways = job.ways(&|name| asked.contains(&name));
    let long = ways.len().saturating_mul(text.text().len()) > MAX_WAYS_TEXT;
    let none = ways.len() > MAX_WAYS || long || ways.iter().all(Vec::is_empty);
    if none { Vec::new() } else { ways }
}

/// A text with the values of a matrix in it; their place is that of the expression.
fn put(text: &Derived, exprs: &[TextRange], way: &[(&str, &str)]) -> Derived {
    let mut builder = DerivedBuilder::new();
    let mut from = 0;
    for range in exprs {
        let value = of_matrix(text, range)
            .and_then(|name| way.iter().find(|(known, _)| *known == name).map(|(_, value)| value));
        let Some(value) = value else { continue };
        builder.append(text, TextRange::new(from, range.start));
        builder.computed(value.as_bytes(), text.span(*range));
        from = range.end;
    }
    let end = u32::try_from(text.text().len()).unwrap_or(u32::MAX);
    builder.append(text, TextRange::new(from, end));
    builder.finish(text.whole())
}

/// What a step writes into the environment of those behind it is known when it runs, whatever the
/// job says before: `echo "TARGET=$x" >> "$GITHUB_ENV"`.
fn forget_written(job: &mut Job) {
    if job.env_texts.is_empty() {
        return;
    }
    let steps = job.steps.iter().filter_map(|step| step.run.as_ref());
    let mut texts = steps.map(|(text, _)| String::from_utf8_lossy(text.text()));
    let mut written: BTreeSet<String> = BTreeSet::new();
    while let Some(text) = texts.find(|text| text.contains("GITHUB_ENV")) {
        let before = text.split('=').filter_map(|part| {
            let name = part.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
            (!name.is_empty()).then(|| name.to_owned())
        });
        written.extend(before);
    }
    job.env_texts.retain(|(name, _)| !written.contains(name));
}

/// Whether a later step fails where this one did, whose own failure is left aside:
/// `if: steps.scan.outcome == 'failure'`, `run: exit 1`.
fn is_heeded(step: &JobStep, later: &[JobStep]) -> bool {
    let Some(outcome) = step.id.as_ref().map(|id| format!("steps.{id}.outcome")) else {
        return false;
    };
    later.iter().any(|other| {
        let run = other.run.as_ref().map(|(text, _)| String::from_utf8_lossy(text.text()));
        let run = run.as_deref().unwrap_or_default();
        let script = other.with.iter().find(|(key, ..)| key == "script");
        let fails = |separators: &[char]| {
            run.split(separators).any(|part| {
                let mut words = part.split_whitespace();
                match words.next() {
                    Some("exit") => words.next().is_some_and(|code| code != "0"),
                    Some("false") => true,
                    _ => false,
                }
            })
        };
        let branches = run.split(['\n', ';']).any(|part| {
            matches!(
                part.split_whitespace().next(),
                Some("if" | "case" | "for" | "while" | "[" | "[[")
            )
        });
        let asks = |text: &str| text.contains(&*outcome);
        let told = asks(run) || other.env_texts.iter().any(|(_, text)| asks(text));
        let always = !branches && fails(&['\n', ';'])
            || script.is_some_and(|(_, text, _)| text.contains("setFailed"));
        let runs =
            other.condition.as_ref().is_some_and(|(text, _)| runs_on_failure(text, &outcome));
        always && runs || told && fails(&['\n', ';', '{', '&', '|'])
    })
}

/// Whether a condition holds whenever an outcome is a failure: one of its alternatives asks for that
/// and nothing else.
fn runs_on_failure(condition: &str, outcome: &str) -> bool {
    let text = condition.replace(['"', '\'', '(', ')'], " ").replace("==", " == ");
    let text = text.replace("!=", " != ").replace("${{", " ").replace("}}", " ");
    text.split("||").any(|alternative| {
        let mut asked = false;
        let all = alternative.split("&&").all(|part| {
            let words: Vec<&str> = part.split_whitespace().collect();
            match &*words {
                [of, "==", "failure"] | [of, "!=", "success"] if *of == outcome => {
                    asked = true;
                    true
                }
                ["always" | "!cancelled" | "failure"] => true,
                ["!", "cancelled"] => true,
                _ => false,
            }
        });
        all && asked
    })
}

/// Fills in what the steps of a job do. `deploys` says whether the job's machine may be one that
/// things are deployed to, not only a runner; `kept` is what the last step keeps by declaration.
fn roles(reach: &Reach<'_>, job: &mut Job, deploys: bool, kept: Option<Done>) {
    forget_written(job);
    let off = job.condition.as_ref().is_some_and(|(text, _)| never(text));
    let mut all: Vec<Vec<Done>> = Vec::with_capacity(job.steps.len());
    let mut calls: Vec<Vec<Call>> = Vec::with_capacity(job.steps.len());
    for (index, step) in job.steps.iter().enumerate() {
        let mut done = Vec::new();
        let mut own = Vec::new();
        if !off && !step.condition.as_ref().is_some_and(|(text, _)| never(text)) {
            let env: Vec<(String, String)> =
                job.env_texts.iter().chain(&step.env_texts).cloned().collect();
            if let Some((reference, span)) = &step.uses {
                done.extend(roles::of_action(reference, *span, &step.with, &env));
                done.extend(remote_script(reach, step));
                if reference.starts_with("pre-commit/action") {
                    done.extend(reach.hooks());
                }
            }
            own = calls_of(job, step);
            done.extend(reach.closure(&reach.direct(&own, &[""])));
        }
        let later = job.steps.get(index + 1..).unwrap_or_default();
        let own_mask = step.continue_on_error.filter(|_| !is_heeded(step, later));
        let masked = own_mask.or(job.continue_on_error);
        let surely = masked.filter(|(_, surely)| *surely).map(|(at, _)| at);
        for done in &mut done {
            let inner = surely.or(done.role.masked);
            done.role.masked = inner.or(masked.map(|(at, _)| at));
        }
        all.push(done);
        calls.push(own);
    }
    if let Some(last) = all.last_mut() {
        last.extend(kept);
    }
    roles::settle(&mut all, deploys);
    for (step, done) in job.steps.iter_mut().zip(all) {
        step.roles = done.into_iter().map(|done| -> Role { done.role }).collect();
    }
    let by_hand = job.by_hand.filter(|(_, waits)| !waits).map(|(span, _)| span);
    let lost = gates::lost(&job.steps, &calls, job.continue_on_error, by_hand);
    for ((step, calls), lost) in job.steps.iter_mut().zip(calls).zip(lost) {
        step.lost = lost;
        let run = calls.into_iter().filter(|call| call.kind == CommandKind::Run);
        step.commands = run.map(command).collect();
    }
}

fn command(call: Call) -> Command {
    let cwd = match &call.cwd {
        calls::Cwd::Tree(dir) => Some(dir.clone()),
        _ => None,
    };
    Command {
        words: call.words,
        span: call.span,
        masked: call.masked,
        stdin: call.stdin,
        stdout: call.stdout,
        cwd,
    }
}

/// What an action that runs a script on another machine runs there.
fn remote_script(reach: &Reach<'_>, step: &JobStep) -> Vec<Done> {
    let is_ssh =
        step.uses.as_ref().is_some_and(|(name, _)| name.starts_with("appleboy/ssh-action"));
    let script = step.with.iter().find(|(key, ..)| is_ssh && key == "script");
    let Some((_, text, span)) = script else { return Vec::new() };
    let mut builder = DerivedBuilder::new();
    builder.computed(text.as_bytes(), *span);
    let (text, script) = program(builder.finish(*span));
    let mut start = Start::recipe("");
    start.cwd = calls::Cwd::Unknown;
    start.remote = true;
    start.errexit = step.with.iter().any(|(key, v, _)| key == "script_stop" && v == "true");
    let calls = calls::calls(&text, &script, &expression::find(text.text()), &start);
    reach.closure(&reach.direct(&calls, &[]))
}

/// A condition that is false however things stand.
fn never(condition: &str) -> bool {
    let text = condition.trim();
    // Text around the braces makes it a text, which is true.
    let around = text.contains("${{") && !(text.starts_with("${{") && text.ends_with("}}"));
    !around && expression::parse(text).constant == Some(false)
}

/// How a step's shell treats failures.
const GITHUB_DEFAULT: Shell = Shell { errexit: true, pipefail: false };
const GITHUB_BASH: Shell = Shell { errexit: true, pipefail: true };

/// The shell that a `shell:` names; `None` when it is no POSIX shell.
fn shell_named(name: &str) -> Option<Shell> {
    let mut words = name.split_whitespace();
    let program = words.next()?.rsplit('/').next()?;
    if !matches!(program, "bash" | "sh" | "zsh" | "dash" | "ksh") {
        return None;
    }
    let options: Vec<&str> = words.collect();
    if options.is_empty() {
        return Some(if program == "bash" { GITHUB_BASH } else { GITHUB_DEFAULT });
    }
    let errexit =
        options.iter().any(|o| o.starts_with('-') && !o.starts_with("--") && o.contains('e'));
    Some(Shell { errexit, pipefail: options.contains(&"pipefail") })
}

#[cfg(test)]
mod tests;
