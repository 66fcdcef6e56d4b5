//! Operational scripts together: which runs which, who starts them, and verdicts over commands.

use std::borrow::Cow;
use std::collections::BTreeSet;

use plimsoll_model::data;
use plimsoll_model::flow::{Command, Flow};
use plimsoll_model::script::Program;
use plimsoll_source::{Span, TextRange};

use crate::evidence::Place;
use crate::{Cx, Evidence, Verdict};

/// The most places that one verdict shows.
const MAX_SHOWN: usize = 40;
/// How many scripts deep calls are followed.
const MAX_CALLS: usize = 6;

/// The script of the tree that a command runs: itself, or given to a shell. Where a script starts
/// in an unknown directory, each one above it is tried.
pub(crate) fn called<'a>(cx: &Cx<'a>, program: &Program, command: &Command) -> Option<&'a Program> {
    let shell = matches!(command.program(), "sh" | "bash" | "dash" | "zsh" | "source" | ".");
    let at =
        if shell { 1 + command.args().iter().position(|word| !word.starts_with('-'))? } else { 0 };
    let word = command.words.get(at)?;
    if !word.contains('/') && !shell || !command.is_run() {
        return None;
    }
    let mut start = cx.path(program.file);
    loop {
        start = start.rsplit_once('/').map_or("", |(dir, _)| dir);
        let file = command.path(at, start).and_then(|path| cx.delivery.tree.find(&path));
        if let Some(file) = file {
            let mut programs = cx.delivery.programs.iter();
            return programs.find(|other| other.file == file && other.target.is_none());
        }
        if start.is_empty() {
            return None;
        }
    }
}

/// Whether a program, or a script that it runs, has a command like that.
pub(crate) fn reaches(
    cx: &Cx<'_>,
    program: &Program,
    is_one: &dyn Fn(&Flow, &Command) -> bool,
) -> Option<Span> {
    let mut seen = BTreeSet::from([program.file]);
    let mut queue = vec![(program, 0)];
    while let Some((program, depth)) = queue.pop() {
        let flow = &program.flow;
        for command in flow.commands.iter().filter(|command| !flow.is_aside(command)) {
            if is_one(flow, command) {
                return Some(command.span);
            }
            if depth < MAX_CALLS
                && let Some(next) = called_by(cx, program, command)
                && seen.insert(next.file)
            {
                queue.push((next, depth + 1));
            }
        }
    }
    None
}

fn called_by<'a>(cx: &Cx<'a>, program: &Program, command: &Command) -> Option<&'a Program> {
    let first = command.words.first()?;
    (first.contains('/') || matches!(first.as_str(), "sh" | "bash")).then_some(())?;
    called(cx, program, command)
}

/// What starts a script: another program, a pipeline's step, a container's command, a file of a
/// scheduler. Documents start nothing.
pub(crate) fn starter(cx: &Cx<'_>, script: &Program) -> Option<Span> {
    const MAX_LEN: u64 = 64 * 1024;
    const SCHEDULES: [&str; 4] = [".timer", ".service", ".cron", ".crontab"];
    let path = cx.path(script.file);
    let name = path.rsplit('/').next().unwrap_or(path);
    let names = |text: &str| text.contains(name);
    for program in cx.delivery.programs.iter().filter(|other| other.file != script.file) {
        let found = program.calls().find(|command| command.words.iter().any(|word| names(word)));
        if let Some(command) = found {
            return Some(command.span);
        }
    }
    for pipeline in &cx.delivery.pipelines {
        for step in pipeline.jobs.iter().flat_map(|job| &job.steps) {
            if let Some((text, _)) = &step.run
                && names(&String::from_utf8_lossy(text.text()))
            {
                return Some(step.span);
            }
        }
    }
    for container in &cx.delivery.containers {
        for exec in container.command.iter().chain(&container.entrypoint) {
            if let Some((_, span)) = exec.words.iter().find(|(word, _)| names(word)) {
                return Some(*span);
            }
        }
    }
    cx.delivery.tree.entries().find_map(|(file, entry)| {
        let lower = entry.path.to_ascii_lowercase();
        let last = lower.rsplit('/').next().unwrap_or(&lower);
        let schedules = SCHEDULES.iter().any(|end| last.ends_with(end))
            || last.starts_with("crontab")
            || lower.contains("cron.d/");
        if !schedules || entry.len > MAX_LEN {
            return None;
        }
        let end = u32::try_from(entry.len).unwrap_or(0);
        let text = cx.text_of(Span::new(file, TextRange::new(0, end)))?;
        let line = text.lines().any(|line| !line.trim_start().starts_with('#') && names(line));
        line.then(|| cx.start_of(file))
    })
}

/// Whether a program is about data that is backed up: it dumps, or its path or words say so.
pub(crate) fn is_about_backups(cx: &Cx<'_>, program: &Program) -> bool {
    const WORDS: [&str; 9] =
        ["backup", "backups", "wal", "archive", "offsite", "dump", "snapshot", "snapshots", "dr"];
    let path = cx.path(program.file).to_ascii_lowercase();
    let name = program.target.as_deref().unwrap_or(&path);
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
        || data::dumps(&program.flow).next().is_some()
}

/// Whether a path's words or a target's name hold one of these.
pub(crate) fn is_named(cx: &Cx<'_>, program: &Program, words: &[&str]) -> bool {
    let path = cx.path(program.file).to_ascii_lowercase();
    let file = path.rsplit('/').next().unwrap_or(&path);
    let name = program.target.as_deref().unwrap_or(file);
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| words.contains(&word))
}

/// The commands that are run on some way, one for each place.
pub(crate) fn commands(program: &Program) -> impl Iterator<Item = &Command> {
    program.flow.commands.iter().filter(|command| !program.flow.is_aside(command))
}

/// A verdict from what speaks against and for: fails if there is anything against. Each place is
/// shown once.
pub(crate) fn verdict(
    against: Vec<Evidence>,
    fails: impl Into<Cow<'static, str>>,
    shows: Vec<Evidence>,
    passes: impl Into<Cow<'static, str>>,
    otherwise: impl FnOnce() -> Evidence,
) -> Verdict {
    let mut against = once(against).into_iter();
    if let Some(first) = against.next() {
        return Verdict::fail(fails, first).and_all(against);
    }
    let mut shows = once(shows).into_iter();
    let first = shows.next().unwrap_or_else(otherwise);
    Verdict::pass(passes, first).and_all(shows)
}

/// Evidence with each place and role once, and no more than anyone reads.
pub(crate) fn once(evidence: Vec<Evidence>) -> Vec<Evidence> {
    let mut seen = BTreeSet::new();
    let mut found = evidence;
    found.retain(|evidence| match &evidence.place {
        Place::Span(span) => seen.insert((*span, evidence.role)),
        _ => true,
    });
    found.truncate(MAX_SHOWN);
    found
}

/// Whether a command starts services: what a deployment does.
pub(crate) fn starts_services(command: &Command) -> bool {
    if let Some(compose) = command.compose() {
        return matches!(compose.verb, "up" | "start" | "restart" | "scale");
    }
    let args: Vec<&str> = command.args().iter().map(String::as_str).collect();
    match command.program() {
        "docker" | "podman" => match args.as_slice() {
            ["run", rest @ ..] => rest.iter().any(|w| *w == "-d" || *w == "--detach"),
            ["stack", "deploy", ..] | ["service", "update" | "create", ..] => true,
            _ => false,
        },
        "kubectl" => args.iter().any(|w| matches!(*w, "apply" | "rollout" | "set" | "replace")),
        "helm" => args.iter().any(|w| matches!(*w, "upgrade" | "install")),
        "systemctl" => args.iter().any(|w| matches!(*w, "start" | "restart" | "reload")),
        "pm2" => args.iter().any(|w| matches!(*w, "start" | "restart" | "reload")),
        _ => false,
    }
}
