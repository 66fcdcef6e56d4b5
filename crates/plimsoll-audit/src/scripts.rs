//! Operational scripts together: which runs which, who starts them, and verdicts over commands.

use std::borrow::Cow;
use std::collections::BTreeSet;

use plimsoll_model::code::Answers;
use plimsoll_model::data;
use plimsoll_model::flow::{
    Command, CommandKind, Flow, Output, Read, Region, RegionId, RegionKind, Set,
};
use plimsoll_model::migration::is_migrate_command;
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
    // What names a script to do something to its file.
    const ASKS_OF: [&str; 16] = [
        "cat",
        "chmod",
        "chown",
        "cp",
        "git",
        "grep",
        "install",
        "ln",
        "ls",
        "mv",
        "rm",
        "rsync",
        "scp",
        "sed",
        "shellcheck",
        "shfmt",
    ];
    let name = file_name(cx, script);
    let names = |text: &str| text.contains(name);
    let named = cx.delivery.uses.of(name)?;
    for &(id, at) in &named.commands {
        let program = &cx.delivery[id];
        let Some(command) = program.flow.commands.get(at) else { continue };
        if program.file == script.file || program.flow.is_aside(command) {
            continue;
        }
        let named = command.words.iter().any(|word| names(word));
        let starts = command.is_run() && !ASKS_OF.contains(&command.program());
        if named && starts || schedules(&program.flow, command) {
            return Some(command.span);
        }
    }
    named.step.or(named.start)
}

fn file_name<'a>(cx: &Cx<'a>, script: &Program) -> &'a str {
    let path = cx.path(script.file);
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether what a command prints becomes a crontab or a timer.
fn schedules(flow: &Flow, command: &Command) -> bool {
    let file = match flow.output(command) {
        Output::File(file) => file.target.contains("cron") || file.target.ends_with(".service"),
        _ => false,
    };
    let next = data::downstream(flow, command);
    file || command.program() == "crontab"
        || next.iter().any(|next| {
            next.program() == "crontab" || next.words.iter().any(|word| word.contains("/cron"))
        })
}

/// Where a container's command or a scheduler's file starts a script.
pub(crate) fn scheduled(cx: &Cx<'_>, script: &Program) -> Option<Span> {
    cx.delivery.uses.of(file_name(cx, script))?.start
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

/// Whether a command changes what outlives the script: services, data, files, other machines.
pub(crate) fn changes(flow: &Flow, command: &Command) -> bool {
    if !command.is_run() {
        return false;
    }
    if let Some(compose) = command.compose() {
        return matches!(
            compose.verb,
            "up" | "down" | "build" | "pull" | "restart" | "stop" | "rm"
        );
    }
    let args: Vec<&str> = command.args().iter().map(String::as_str).collect();
    let verb = args.iter().find(|word| !word.starts_with('-')).copied().unwrap_or("");
    match command.program() {
        "git" => matches!(verb, "pull" | "reset" | "checkout" | "merge" | "push" | "clean"),
        "docker" | "podman" => matches!(
            verb,
            "build"
                | "pull"
                | "push"
                | "run"
                | "stack"
                | "load"
                | "stop"
                | "start"
                | "restart"
                | "service"
        ),
        "kubectl" => matches!(verb, "apply" | "delete" | "set" | "replace" | "rollout" | "scale"),
        "helm" => matches!(verb, "upgrade" | "install" | "rollback" | "uninstall"),
        "terraform" => matches!(verb, "apply" | "destroy"),
        "systemctl" => matches!(verb, "start" | "restart" | "reload" | "stop" | "enable"),
        "rsync" | "scp" | "pg_restore" | "createdb" | "dropdb" => true,
        _ => {
            starts_services(command)
                || data::upload(flow, command).is_some()
                || data::is_dump(flow, command)
                || data::loads(flow, command)
                || data::runs_file(flow, command)
                || migrates(flow, command)
        }
    }
}

/// Whether a command prints data into a pipe: a dump, an archive, a download.
pub(crate) fn feeds_a_pipe(flow: &Flow, command: &Command) -> bool {
    let args = command.args();
    let produces = match command.program() {
        "curl" | "wget" => args.iter().any(|word| word.contains("://") || word.contains('$')),
        "docker" | "podman" => args.iter().any(|word| word == "save" || word == "export"),
        "tar" => {
            let short = |word: &String| word.starts_with('-') && !word.starts_with("--");
            let makes = |word: &String| short(word) && word.contains('c') || word == "--create";
            args.first().is_some_and(|word| word.contains('c')) || args.iter().any(makes)
        }
        "pg_dump" | "pg_dumpall" | "mysqldump" | "mariadb-dump" | "mongodump" => true,
        "aws" => args.iter().any(|word| word == "cp") && args.last().is_some_and(|to| to == "-"),
        "openssl" => args.first().is_some_and(|word| word == "enc"),
        // What loads it takes what came for the whole.
        _ if data::is_unpacker(command) => {
            data::downstream(flow, command).last().is_some_and(|last| data::is_client(last))
        }
        _ => data::is_dump(flow, command),
    };
    // A program fetched for a shell, or what is only looked at, is no data.
    let kept = |next: &Command| {
        !matches!(
            next.program(),
            "grep" | "head" | "tail" | "wc" | "cut" | "awk" | "sed" | "jq" | "tr" | "sort"
        )
    };
    let next = data::downstream(flow, command);
    // What is kept in a file is data, whoever picks it out.
    let filed = next.last().is_some_and(|last| match flow.output(last) {
        Output::File(file) => !file.target.starts_with("/dev/"),
        _ => false,
    });
    produces && command.is_run() && next.first().is_some_and(|next| kept(next) || filed)
}

/// Whether `set -o pipefail` is in force where what `command` prints enters a pipe: outside of the
/// container in which it may run.
pub(crate) fn pipefail(flow: &Flow, command: &Command) -> bool {
    let next = data::downstream(flow, command);
    next.first().is_some_and(|next| next.pipefail)
}

/// Whether a pipe hides that `command` failed: `set -o pipefail` is off, and nothing asks for its
/// parts. What a function or a subshell in a pipe ends is itself alone.
pub(crate) fn is_lost_in_pipe(flow: &Flow, command: &Command) -> bool {
    let mut within = flow.around(command.region).map(|(_, region)| &region.kind);
    let direct = within
        .by_ref()
        .take_while(|kind| !matches!(kind, RegionKind::Pipe { .. }))
        .all(|kind| matches!(kind, RegionKind::Nested { .. }));
    let piped = !data::downstream(flow, command).is_empty();
    piped && !pipefail(flow, command) && !(direct && command.stops())
}

/// Whether a deployment or recovery is worth nothing when this fails.
pub(crate) fn is_critical(flow: &Flow, command: &Command) -> bool {
    let up = command.compose().is_some_and(|compose| compose.verb == "up");
    let verb = |verb: &str| command.args().iter().any(|word| word == verb);
    let pulls = command.compose().is_some_and(|compose| compose.verb == "pull");
    let applies = match command.program() {
        "kubectl" => verb("apply") || verb("rollout"),
        "helm" => verb("upgrade"),
        "docker" | "podman" => verb("pull") || verb("stack") && verb("deploy"),
        "rsync" => data::upload(flow, command).is_some(),
        _ => false,
    };
    let inner = flow.host(command).is_none() || !command.words.is_empty();
    inner
        && command.is_run()
        && (up
            || pulls
            || applies
            || migrates(flow, command)
            || data::is_dump(flow, command)
            || data::loads(flow, command))
}

/// Whether a command migrates a database: not one that only names a file called so.
pub(crate) fn migrates(flow: &Flow, command: &Command) -> bool {
    const IDLE: [&str; 14] = [
        "basename", "cat", "cp", "dirname", "find", "grep", "ls", "mkdir", "mv", "realpath", "rm",
        "source", ".", "tail",
    ];
    command.is_run()
        && !IDLE.contains(&command.program())
        && !hosts(flow, command)
        && is_migrate_command(&command.words)
}

/// Whether a command runs another, which is listed after it.
fn hosts(flow: &Flow, command: &Command) -> bool {
    let next = flow.commands.get(command.at + 1);
    next.and_then(|next| flow.host(next)).is_some_and(|host| host.at == command.at)
}

/// Whether the script asks for the outcome of a command that it does not let end it: it stands in
/// the condition of a branch, a loop, or before a branch that does more than print.
pub(crate) fn is_looked_at(flow: &Flow, command: &Command) -> bool {
    // What it printed is asked for.
    if matches!(flow.output(command), Output::Captured) {
        return true;
    }
    flow.regions.iter().enumerate().any(|(index, region)| {
        let conditions = match &region.kind {
            RegionKind::Branch(conditions) => conditions.as_slice(),
            RegionKind::Loop { condition: Some(condition) } => std::slice::from_ref(condition),
            _ => return false,
        };
        let about = conditions.iter().any(|c| !c.succeeds && (c.from..c.to).contains(&command.at));
        let id = RegionId(u32::try_from(index).unwrap_or(u32::MAX));
        about
            && (matches!(region.kind, RegionKind::Loop { .. })
                || flow.sets.iter().any(|set| {
                    // A status that nobody reads is asked of nobody.
                    let reads = |read: &Read| read.at >= set.at && read.name == set.name;
                    flow.surrounds(id, set.region) && flow.reads.iter().any(reads)
                })
                || flow.within(id).any(|inner| {
                    let waves = matches!(inner.program(), "exit" | "return")
                        && inner.args().first().is_some_and(|status| status == "0");
                    !matches!(inner.program(), "true" | ":" | "echo" | "printf")
                        && !waves
                        && inner.kind != CommandKind::Function
                }))
    })
}

/// The loops that wait: they sleep, and their condition asks a service.
pub(crate) fn waits(flow: &Flow) -> impl Iterator<Item = (RegionId, &Region)> {
    const ASKS: [&str; 12] = [
        "curl",
        "wget",
        "nc",
        "pg_isready",
        "mysqladmin",
        "redis-cli",
        "docker",
        "kubectl",
        "psql",
        "mysql",
        "docker-compose",
        "ncat",
    ];
    let regions = flow.regions.iter().enumerate();
    regions.filter_map(|(index, region)| {
        let RegionKind::Loop { condition: Some(condition) } = &region.kind else { return None };
        let id = RegionId(u32::try_from(index).ok()?);
        let asked = flow.commands.get(condition.from..condition.to).unwrap_or_default();
        let within = || flow.within(id);
        let sleeps = within().any(|command| command.program() == "sleep");
        let asks = |command: &Command| ASKS.contains(&command.program());
        let endless = asked.iter().all(|command| matches!(command.program(), "true" | ":"));
        // `while [ "$status" != 200 ]`, where the body asks for the status.
        let read = |name: &str| {
            let tests = asked.iter().map(|test| test.at);
            let mut tests = tests.flat_map(|at| flow.reads.iter().filter(move |r| r.at == at));
            tests.any(|read| read.name == name)
        };
        let answered = || {
            let mut set = flow.sets.iter().filter(|s| flow.surrounds(id, s.region));
            set.any(|set| read(&set.name))
                && within().any(|c| asks(c) && matches!(flow.output(c), Output::Captured))
        };
        // One that nothing leaves is no wait, but what the script is for.
        let left = || within().any(|c| matches!(c.program(), "break" | "exit" | "return"));
        let asks = asked.iter().any(asks)
            || endless && left() && within().any(asks)
            || !endless && answered();
        (sleeps && asks).then_some((id, region))
    })
}

/// Whether a command stands within `timeout`.
pub(crate) fn is_timed(flow: &Flow, region: RegionId) -> bool {
    flow.around(region).any(|(_, region)| match region.kind {
        RegionKind::Nested { host } => {
            flow.commands.get(host).is_some_and(|host| host.wrappers.contains(&"timeout"))
        }
        _ => false,
    })
}

/// Whether a program of the repository, no script, holds this word; `None` where there is no
/// program at all.
pub(crate) fn is_spoken(cx: &Cx<'_>, word: &str) -> Option<bool> {
    const CODE: [&str; 17] = [
        "py", "js", "ts", "mjs", "cjs", "jsx", "tsx", "go", "rs", "rb", "java", "kt", "php", "cs",
        "ex", "scala", "c",
    ];
    const MAX_LEN: u64 = 1024 * 1024;
    let mut any = false;
    for (file, entry) in cx.delivery.tree.entries() {
        let code = entry.path.rsplit_once('.').is_some_and(|(_, end)| CODE.contains(&end));
        if !code || entry.len > MAX_LEN {
            continue;
        }
        any = true;
        let Ok(bytes) = cx.delivery.tree.read(file) else { return None };
        if memchr::memmem::find(&bytes, word.as_bytes()).is_some() {
            return Some(true);
        }
    }
    any.then_some(false)
}

/// Whether what a route of this path always answers holds a word; `None` where no route is known
/// to answer the same each time.
pub(crate) fn constant_answer(cx: &Cx<'_>, path: &str, word: &str) -> Option<bool> {
    const WINDOW: u32 = 600;
    let codes = cx.delivery.services.iter().filter_map(|service| service.code.as_ref());
    let mut routes = codes.flat_map(|code| &code.routes);
    let route = routes.find(|route| {
        route.path.known().is_some_and(|known| known == path)
            && matches!(route.method.as_str(), "GET" | "*")
    })?;
    let Answers::Constant(at) = route.answers else { return None };
    // The handler begins at the registration or where it answers, and is short.
    let end = at.range.end.saturating_add(WINDOW);
    let text = cx.text_of(Span::new(at.file, TextRange::new(at.range.start, end)))?;
    let end = ["\n\n\n", "\n@", "\n});"].iter().filter_map(|end| text.find(end)).min();
    Some(text[..end.unwrap_or(text.len())].contains(word))
}

/// Whether anyone learns what a command came to: its own failure, or that of the pipe's last part.
pub(crate) fn is_heeded(flow: &Flow, command: &Command) -> bool {
    let heeded = |command: &Command| command.masked.is_none() || is_looked_at(flow, command);
    match flow.pipe(command) {
        Some((pipeline, position, length)) if position + 1 < length => {
            // What only passes on what it reads always succeeds.
            let judges = |last: &Command| {
                !matches!(last.program(), "cat" | "tee" | "logger" | "sed" | "awk" | "sort" | "ts")
            };
            let mut last = flow.parts(pipeline, length - 1..length);
            heeded(command) || last.any(|last| judges(last) && heeded(last))
        }
        _ => heeded(command),
    }
}

/// Whether a script is only read in by others, and each of them stops at the first failure there.
pub(crate) fn stops_where_sourced(cx: &Cx<'_>, script: &Program) -> Option<Span> {
    let path = cx.path(script.file);
    let mut found = None;
    for flow in cx.delivery.programs.iter().map(|program| &program.flow) {
        let sources = flow.regions.iter().filter(
            |region| matches!(&region.kind, RegionKind::Sourced(sourced) if sourced == path),
        );
        for region in sources {
            let mut by = flow.commands.iter().filter(|command| command.span == region.span);
            if !by.any(|command| command.errexit) {
                return None;
            }
            found = Some(region.span);
        }
    }
    found.filter(|_| script.target.is_none())
}

/// Where the status of a command is kept and then only printed, without `set -e`: the place, and
/// the command.
pub(crate) fn idle_statuses(flow: &Flow) -> Vec<(&Set, &Command)> {
    let kept = flow.sets.iter().filter(|set| set.value.trim_matches('"') == "$?");
    let kept = kept.filter_map(|set| {
        let of = flow.commands.get(set.at.checked_sub(1)?)?;
        let counts = of.is_run() && !of.errexit && !of.tested && !flow.is_aside(of);
        let mut reads = flow.reads.iter().filter(|r| r.name == set.name && r.at >= set.at);
        let printed = |read: &Read| {
            flow.commands.get(read.at).is_some_and(|c| matches!(c.program(), "echo" | "printf"))
        };
        let first = reads.next().filter(|read| printed(read))?;
        (counts && first.at >= set.at && reads.all(printed)).then_some((set, of))
    });
    kept.collect()
}

/// Whether a command deletes trees: `rm -r`.
pub(crate) fn deletes_trees(command: &Command) -> bool {
    command.program() == "rm"
        && command.args().iter().any(|word| {
            word == "--recursive"
                || word
                    .strip_prefix('-')
                    .is_some_and(|word| !word.starts_with('-') && word.contains(['r', 'R']))
        })
}

/// Whether a command declares a variable with a value that another command prints.
pub(crate) fn declares_value(command: &Command) -> bool {
    matches!(command.program(), "local" | "export" | "readonly" | "declare" | "typeset")
        && command.args().iter().any(|word| {
            word.split_once('=')
                .is_some_and(|(_, value)| value.contains("$(") || value.contains('`'))
        })
}

/// Whether a script runs in a container of an image that is built here: it is copied into one by its
/// name, or is called like what images start and ask.
pub(crate) fn runs_inside(cx: &Cx<'_>, program: &Program) -> bool {
    let name = file_name(cx, program);
    let stem = name.split('.').next().unwrap_or(name);
    let called = ["entrypoint", "docker-entrypoint", "healthcheck", "docker-healthcheck"];
    program.target.is_none()
        && (called.contains(&stem) || cx.delivery.uses.copies(cx.path(program.file)))
}
